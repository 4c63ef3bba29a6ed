/* SPDX-License-Identifier: MIT */
/* rooms: legacy base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/extras.h"

#include <string.h>

static struct tgv_extras e;
static struct tgv_header h;
static unsigned fresh[TGV_EXTRAS_MAX];

static int reset(void **state)
{
    (void)state;
    tgv_extras_init(&e);
    memset(&h, 0, sizeof(h));
    return 0;
}

static const uint8_t on[5] = {1, 1, 0, 0, 0}, off[5] = {1, 0, 0, 0, 0};

static void test_extras_ride_until_the_first_carrier_is_acked(void **state)
{
    (void)state;
    tgv_extras_set(&e, TGV_EXTRA_STREAM_FLAGS, off, 5, false);
    tgv_extras_acked(&e, 100); /* before anything carried it */
    tgv_extras_fill(&e, &h);
    assert_int_equal(h.extra_count, 1);
    tgv_extras_sent(&e, 101);
    tgv_extras_sent(&e, 102);
    tgv_extras_acked(&e, 100);
    assert_true(tgv_extras_pending(&e, TGV_EXTRA_STREAM_FLAGS));
    tgv_extras_acked(&e, 101);
    assert_false(tgv_extras_pending(&e, TGV_EXTRA_STREAM_FLAGS));
    tgv_extras_fill(&e, &h);
    assert_int_equal(h.extra_count, 0);
}

static void test_extras_new_data_restarts_the_wait(void **state)
{
    (void)state;
    tgv_extras_set(&e, TGV_EXTRA_STREAM_FLAGS, off, 5, false);
    tgv_extras_sent(&e, 1);
    tgv_extras_set(&e, TGV_EXTRA_STREAM_FLAGS, on, 5, false);
    tgv_extras_sent(&e, 2);
    tgv_extras_acked(&e, 1);
    assert_true(tgv_extras_pending(&e, TGV_EXTRA_STREAM_FLAGS));
    tgv_extras_fill(&e, &h);
    assert_int_equal(h.extra_count, 1); /* one per type */
    assert_int_equal(h.extras[0].data[1], 1);
}

static void test_extras_repeats_differ_in_a_counter(void **state)
{
    uint8_t first[TGV_EXTRA_OWN_DATA];
    uint8_t len;

    (void)state;
    tgv_extras_set(&e, TGV_EXTRA_STREAM_FLAGS, off, 5, false);
    tgv_extras_fill(&e, &h);
    len = h.extras[0].len;
    memcpy(first, h.extras[0].data, len);
    tgv_extras_set(&e, TGV_EXTRA_STREAM_FLAGS, off, 5, false);
    tgv_extras_fill(&e, &h);
    assert_true(h.extras[0].len != len ||
                memcmp(first, h.extras[0].data, len) != 0);
}

static void test_extras_constant_ones_stay_constant(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        tgv_extras_set(&e, TGV_EXTRA_TGVX, (const uint8_t *)"TGVX\1\24", 6,
                       true);
        tgv_extras_fill(&e, &h);
        assert_int_equal(h.extras[0].len, 6);
        assert_memory_equal(h.extras[0].data, "TGVX\1\24", 6);
    }
}

static unsigned receive(uint32_t seq, const uint8_t *data, uint8_t len)
{
    h.extra_count = data ? 1 : 0;
    h.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_STREAM_FLAGS, .len = len, .data = data};
    return tgv_extras_receive(&e, seq, &h, fresh);
}

static void test_extras_copies_are_taken_once(void **state)
{
    (void)state;
    assert_int_equal(receive(1, off, 5), 1);
    assert_int_equal(receive(2, off, 5), 0);
    assert_int_equal(receive(3, on, 5), 1);
    assert_int_equal(receive(4, on, 5), 0);
}

static void test_extras_same_again_after_it_vanished(void **state)
{
    (void)state;
    assert_int_equal(receive(1, off, 5), 1);
    assert_int_equal(receive(2, NULL, 0), 0);
    assert_int_equal(receive(3, off, 5), 1);
}

static void test_extras_older_packet_does_not_override(void **state)
{
    (void)state;
    assert_int_equal(receive(5, on, 5), 1);
    assert_int_equal(receive(4, off, 5), 0);
    assert_int_equal(receive(3, NULL, 0), 0); /* older: says nothing */
    assert_int_equal(receive(6, on, 5), 0);
}

static void test_extras_unknown_types_are_ignored(void **state)
{
    (void)state;
    h.extra_count = TGV_EXTRAS_MAX;
    for (unsigned i = 0; i < TGV_EXTRAS_MAX; i++)
        h.extras[i] = (struct tgv_extra){
            .type = (uint8_t)(100 + i), .len = 5, .data = on};
    assert_int_equal(tgv_extras_receive(&e, 1, &h, fresh), 0);
    assert_int_equal(receive(2, on, 5), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            test_extras_ride_until_the_first_carrier_is_acked, reset),
        cmocka_unit_test_setup(test_extras_new_data_restarts_the_wait, reset),
        cmocka_unit_test_setup(test_extras_repeats_differ_in_a_counter, reset),
        cmocka_unit_test_setup(test_extras_constant_ones_stay_constant, reset),
        cmocka_unit_test_setup(test_extras_copies_are_taken_once, reset),
        cmocka_unit_test_setup(test_extras_same_again_after_it_vanished, reset),
        cmocka_unit_test_setup(test_extras_older_packet_does_not_override,
                               reset),
        cmocka_unit_test_setup(test_extras_unknown_types_are_ignored, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
