/* SPDX-License-Identifier: MIT */
/* rooms: net base */
/*
 * Back to a proven rate: when a climb may begin, and when not. What it does to
 * whole calls is judged in tests/sim/test_rate.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/comeback.h"

#define PROVEN 50000.0
#define FALLEN 8000.0
#define BASE TGV_MS(100)
#define START TGV_S(100)

/* A path that carried 50 kbit/s falls to 8. */
static void fall(struct tgv_comeback *m)
{
    tgv_comeback_clear(m);
    for (int i = 0; i < 100; i++)
        tgv_comeback_hold(m, PROVEN);
    assert_true(tgv_comeback_failed(m, FALLEN, BASE, START));
}

static void test_comeback_climbs_to_what_was_proven(void **state)
{
    struct tgv_comeback m;
    double rate = FALLEN;
    tgv_time now = START;

    (void)state;
    fall(&m);
    while (tgv_comeback_climbs(&m, rate, BASE, now += TGV_MS(100))) {
        assert_true(tgv_comeback_lately(&m, now));
        rate *= 1.0 + tgv_comeback_growth(BASE);
        if (rate > m.goal)
            rate = m.goal;
    }
    assert_true(rate >= PROVEN * 0.99);
    assert_true(now - START <= TGV_S(3));
    assert_true(tgv_comeback_lately(&m, now + TGV_S(1)));
    assert_false(tgv_comeback_lately(&m, now + TGV_S(3)));
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, now));
}

static void test_comeback_little_lost_is_no_reason(void **state)
{
    struct tgv_comeback m;

    (void)state;
    tgv_comeback_clear(&m);
    tgv_comeback_hold(&m, PROVEN);
    assert_false(tgv_comeback_failed(&m, PROVEN * 0.9, BASE, START));
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, START));
}

static void test_comeback_what_never_held_is_no_goal(void **state)
{
    struct tgv_comeback m;

    (void)state;
    tgv_comeback_clear(&m);
    assert_false(tgv_comeback_failed(&m, FALLEN, BASE, START));
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, START));
}

static void test_comeback_shorter_round_trip_is_another_path(void **state)
{
    struct tgv_comeback m;

    (void)state;
    fall(&m);
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE / 2, START));
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, START));
}

static void test_comeback_memory_fades(void **state)
{
    struct tgv_comeback m;

    (void)state;
    fall(&m);
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, START + TGV_S(61)));
}

/* After 8 s, after 16 s more, and then no more. */
static void test_comeback_failed_climbs_are_rare(void **state)
{
    struct tgv_comeback m;
    tgv_time now = START;

    (void)state;
    fall(&m);
    assert_true(tgv_comeback_climbs(&m, FALLEN, BASE, now));
    tgv_comeback_failed(&m, FALLEN, BASE, now);
    assert_false(tgv_comeback_lately(&m, now));
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, now + TGV_MS(7900)));
    assert_true(tgv_comeback_climbs(&m, FALLEN, BASE, now += TGV_S(8)));
    tgv_comeback_failed(&m, FALLEN, BASE, now);
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, now + TGV_S(15)));
    assert_true(tgv_comeback_climbs(&m, FALLEN, BASE, now += TGV_S(16)));
    tgv_comeback_failed(&m, FALLEN, BASE, now);
    assert_false(tgv_comeback_climbs(&m, FALLEN, BASE, now + TGV_S(33)));
}

/* Until a queue is known nothing is sure: long paths are climbed slowly. */
static void test_comeback_long_paths_are_climbed_slowly(void **state)
{
    (void)state;
    assert_true(tgv_comeback_growth(TGV_MS(1000)) <
                tgv_comeback_growth(TGV_MS(20)) / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comeback_climbs_to_what_was_proven),
        cmocka_unit_test(test_comeback_little_lost_is_no_reason),
        cmocka_unit_test(test_comeback_what_never_held_is_no_goal),
        cmocka_unit_test(test_comeback_shorter_round_trip_is_another_path),
        cmocka_unit_test(test_comeback_memory_fades),
        cmocka_unit_test(test_comeback_failed_climbs_are_rare),
        cmocka_unit_test(test_comeback_long_paths_are_climbed_slowly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
