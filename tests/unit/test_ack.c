/* SPDX-License-Identifier: MIT */
/* rooms: legacy base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/ack.h"

static struct tgv_ack a;
static struct tgv_acked r;

static int reset(void **state)
{
    (void)state;
    tgv_ack_init(&a);
    return 0;
}

static void send(unsigned n, tgv_time at)
{
    while (n-- > 0)
        tgv_ack_sent(&a, 0, true, at);
}

static void test_ack_numbers_start_at_one(void **state)
{
    (void)state;
    assert_int_equal(tgv_ack_sent(&a, 0, true, 0), 1);
    assert_int_equal(tgv_ack_sent(&a, 0, true, 0), 2);
}

static void test_ack_of_a_number_never_sent_is_ignored(void **state)
{
    (void)state;
    assert_false(tgv_ack_receive(&a, 1, 0, false, &r));
    send(3, 0);
    assert_false(tgv_ack_receive(&a, 4, 0, false, &r));
    assert_false(tgv_ack_receive(&a, 0x70000000, 0xffffffff, false, &r));
    assert_int_equal(a.last_ack, 0);
    assert_true(tgv_ack_receive(&a, 3, 0xC0000000, false, &r));
}

static void test_ack_older_or_equal_is_no_news(void **state)
{
    (void)state;
    send(5, 0);
    assert_true(tgv_ack_receive(&a, 4, 0, false, &r));
    assert_false(tgv_ack_receive(&a, 4, 0xffffffff, false, &r));
    assert_false(tgv_ack_receive(&a, 3, 0xffffffff, false, &r));
    assert_int_equal(r.count, 0);
}

static void test_eng_20_first_ack_tells_the_conventions_apart(void **state)
{
    (void)state;
    send(1, 0);
    tgv_ack_receive(&a, 1, 0x00000000, false, &r);
    assert_int_equal(a.reading, TGV_MASK_A);
    tgv_ack_init(&a);
    send(1, 0);
    tgv_ack_receive(&a, 1, 0x80000000, false, &r);
    assert_int_equal(a.reading, TGV_MASK_B);
}

static void test_eng_20_loss_just_before_the_newest_is_seen(void **state)
{
    (void)state;
    /* a B writer got 1..5 and 7: read as A, 6 would look received */
    send(7, 0);
    tgv_ack_receive(&a, 5, 0xF8000000, false, &r);
    tgv_ack_receive(&a, 7, 0xBE000000, false, &r);
    assert_int_equal(a.reading, TGV_MASK_B);
    assert_false(tgv_ack_has(&a, 6));
    assert_true(tgv_ack_has(&a, 5));
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(1)), 1);
}

static void test_eng_20_later_losses_tell_the_conventions_apart(void **state)
{
    (void)state;
    /* the first acks are beyond telling; then 52 is lost on the way */
    send(60, 0);
    tgv_ack_receive(&a, 50, 0xFFFFFFFF, false, &r);
    tgv_ack_receive(&a, 51, 0xFFFFFFFF, false, &r);
    assert_int_equal(a.reading, TGV_MASK_UNDECIDED);
    tgv_ack_receive(&a, 53, 0xBFFFFFFF, false, &r); /* B: 53, not 52, 51 */
    assert_int_equal(a.reading, TGV_MASK_B);
    assert_false(tgv_ack_has(&a, 52));
    tgv_ack_init(&a);
    send(60, 0);
    tgv_ack_receive(&a, 50, 0xFFFFFFFF, false, &r);
    tgv_ack_receive(&a, 51, 0xFFFFFFFF, false, &r);
    tgv_ack_receive(&a, 53, 0x7FFFFFFF, false, &r); /* A: not 52, 51 */
    assert_int_equal(a.reading, TGV_MASK_A);
    assert_false(tgv_ack_has(&a, 52));
}

static void test_eng_20_a_jump_does_not_confuse(void **state)
{
    (void)state;
    send(120, 0);
    tgv_ack_receive(&a, 1, 0x80000000, false, &r);
    /* more than 31 lost: a B writer starts afresh, without the newest */
    tgv_ack_receive(&a, 80, 0x00000000, false, &r);
    tgv_ack_receive(&a, 81, 0x80000000, false, &r);
    tgv_ack_receive(&a, 82, 0xC0000000, false, &r);
    assert_int_equal(a.reading, TGV_MASK_B);
}

static void test_ack_contradictory_masks_are_noise(void **state)
{
    (void)state;
    send(20, 0);
    tgv_ack_receive(&a, 5, 0x0000001F, false, &r); /* both at once */
    tgv_ack_receive(&a, 6, 0x0000003F, false, &r);
    tgv_ack_receive(&a, 8, 0x70000000, false, &r);
    assert_int_equal(a.reading, TGV_MASK_NOISE);
    /* then nothing is called lost because of a mask */
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(1)), 0);
}

static void test_ack_old_peers_write_b(void **state)
{
    (void)state;
    send(40, 0);
    tgv_ack_receive(&a, 40, 0xA0000000, true, &r);
    assert_true(tgv_ack_has(&a, 40));
    assert_false(tgv_ack_has(&a, 39));
    assert_true(tgv_ack_has(&a, 38));
}

static void test_ack_undecided_counts_only_the_newest(void **state)
{
    (void)state;
    send(60, 0);
    tgv_ack_receive(&a, 50, 0xFFFFFFFF, false, &r);
    assert_int_equal(a.reading, TGV_MASK_UNDECIDED);
    assert_int_equal(r.count, 1);
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(1)), 0);
}

static void test_ack_lost_after_patience_and_taken_back(void **state)
{
    (void)state;
    a.not_b = 100; /* known from earlier packets: A */
    send(2, 0);
    send(1, TGV_MS(60));
    tgv_ack_receive(&a, 3, 0x40000000, false, &r); /* 1, not 2 */
    assert_int_equal(tgv_ack_expire(&a, TGV_MS(20), NULL, TGV_MS(99)), 0);
    assert_int_equal(tgv_ack_expire(&a, TGV_MS(20), NULL, TGV_MS(100)), 1);
    assert_int_equal(tgv_ack_expire(&a, TGV_MS(20), NULL, TGV_S(9)), 0);
    send(1, TGV_MS(120));
    tgv_ack_receive(&a, 4, 0xE0000000, false, &r); /* 2 was only late */
    assert_int_equal(r.taken_back, 1);
    assert_int_equal(r.delivered, 2);
}

static void test_ack_patience_is_two_round_trips(void **state)
{
    (void)state;
    a.not_b = 100; /* known from earlier packets: A */
    send(2, 0);
    tgv_ack_receive(&a, 2, 0, false, &r);
    assert_int_equal(tgv_ack_expire(&a, TGV_MS(300), NULL, TGV_MS(599)), 0);
    assert_int_equal(tgv_ack_expire(&a, TGV_MS(300), NULL, TGV_MS(600)), 1);
}

static void test_ack_nothing_answered_is_lost_after_two_seconds(void **state)
{
    (void)state;
    send(10, 0);
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_MS(1999)), 0);
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(2)), 10);
}

static void test_ack_control_packets_are_not_judged(void **state)
{
    (void)state;
    tgv_ack_sent(&a, 0, false, 0);
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(3)), 0);
}

static void test_ack_memory_is_bounded(void **state)
{
    (void)state;
    a.not_b = 100; /* known from earlier packets: A */
    send(10 * TGV_SENT_MAX, 0);
    assert_int_equal(tgv_ack_expire(&a, 0, NULL, TGV_S(3)), TGV_SENT_MAX);
    assert_false(tgv_ack_has(&a, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ack_numbers_start_at_one, reset),
        cmocka_unit_test_setup(test_ack_of_a_number_never_sent_is_ignored,
                               reset),
        cmocka_unit_test_setup(test_ack_older_or_equal_is_no_news, reset),
        cmocka_unit_test_setup(
            test_eng_20_first_ack_tells_the_conventions_apart, reset),
        cmocka_unit_test_setup(test_eng_20_loss_just_before_the_newest_is_seen,
                               reset),
        cmocka_unit_test_setup(
            test_eng_20_later_losses_tell_the_conventions_apart, reset),
        cmocka_unit_test_setup(test_eng_20_a_jump_does_not_confuse, reset),
        cmocka_unit_test_setup(test_ack_contradictory_masks_are_noise, reset),
        cmocka_unit_test_setup(test_ack_old_peers_write_b, reset),
        cmocka_unit_test_setup(test_ack_undecided_counts_only_the_newest,
                               reset),
        cmocka_unit_test_setup(test_ack_lost_after_patience_and_taken_back,
                               reset),
        cmocka_unit_test_setup(test_ack_patience_is_two_round_trips, reset),
        cmocka_unit_test_setup(
            test_ack_nothing_answered_is_lost_after_two_seconds, reset),
        cmocka_unit_test_setup(test_ack_control_packets_are_not_judged, reset),
        cmocka_unit_test_setup(test_ack_memory_is_bounded, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
