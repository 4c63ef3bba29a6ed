/* SPDX-License-Identifier: MIT */
/* rooms: net base */
/*
 * Rate control by itself; in whole calls it is judged in tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/congestion.h"

#define PACKET 160 /* bytes, every 40 ms: 32 kbit/s */
#define INTERVAL TGV_MS(40)
#define ROUND_TRIP TGV_MS(100)
#define RATE 32000.0
#define USEFUL 64000.0

/* Send steadily for a time; what is sent is acknowledged a round trip later if
 * the road lives. Conclusions every 0.1 s. */
static tgv_time go_on(struct tgv_congestion *c, tgv_time now, tgv_time length,
                      bool lives, bool full)
{
    tgv_time end = now + length;

    for (; now < end; now += INTERVAL) {
        tgv_congestion_sent(c, PACKET, now);
        if (lives) {
            tgv_congestion_acked(c, PACKET, now - ROUND_TRIP, now);
            tgv_congestion_round_trip(c, ROUND_TRIP, PACKET, NULL, now);
        }
        if (full)
            tgv_congestion_refused(c);
        if (now / TGV_MS(100) != (now - INTERVAL) / TGV_MS(100))
            tgv_congestion_run(c, lives ? 0.0 : 0.5, INTERVAL, USEFUL, now);
    }
    return now;
}

/* When acknowledgements come again they find a full window, and a while in
 * which nothing was delivered. */
static void test_congestion_a_dead_road_is_no_slow_one(void **state)
{
    struct tgv_congestion c;
    tgv_time now = TGV_S(100);
    double before;

    (void)state;
    tgv_congestion_init(&c, RATE);
    now = go_on(&c, now, TGV_S(5), true, false);
    before = tgv_congestion_rate(&c);
    assert_true(before >= RATE);
    now = go_on(&c, now, TGV_S(3), false, true);
    now = go_on(&c, now, TGV_MS(400), true, true);
    assert_true(tgv_congestion_rate(&c) >= before);
    now = go_on(&c, now, TGV_S(3), true, false);
    assert_true(tgv_congestion_rate(&c) >= before);
}

/* The same before three seconds of the call have passed. */
static void test_congestion_a_road_that_dies_early_is_no_slow_one(void **state)
{
    struct tgv_congestion c;
    tgv_time now = TGV_S(100);

    (void)state;
    tgv_congestion_init(&c, RATE);
    now = go_on(&c, now, TGV_MS(700), true, false);
    now = go_on(&c, now, TGV_MS(1800), false, true);
    now = go_on(&c, now, TGV_MS(400), true, true);
    assert_true(tgv_congestion_rate(&c) >= RATE);
    now = go_on(&c, now, TGV_S(3), true, false);
    assert_true(tgv_congestion_rate(&c) >= RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_congestion_a_dead_road_is_no_slow_one),
        cmocka_unit_test(test_congestion_a_road_that_dies_early_is_no_slow_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
