/* SPDX-License-Identifier: MIT */
/* rooms: media base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "media/jbuf.h"

static struct tgv_jbuf jb;

static enum tgv_jbuf_result put(int64_t ts, bool primary, uint8_t mark)
{
    struct tgv_jbuf_frame meta = {
        .ts = ts, .duration = 2880, .primary = primary, .len = 1 + mark % 8};
    uint8_t data[8];

    memset(data, mark, sizeof(data));
    return tgv_jbuf_put(&jb, &meta, data);
}

static int setup(void **state)
{
    (void)state;
    tgv_jbuf_init(&jb);
    return 0;
}

static void test_jbuf_keeps_order_of_time(void **state)
{
    static const int64_t order[] = {5760, 0, 8640, 2880, 11520};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(put(order[i], true, (uint8_t)i), TGV_JBUF_STORED);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(tgv_jbuf_at(&jb, i)->ts, 2880 * (int64_t)i);
    assert_null(tgv_jbuf_at(&jb, 5));
    assert_int_equal(tgv_jbuf_find(&jb, 2880)->data[0], 3);
    assert_null(tgv_jbuf_find(&jb, 2881));
}

static void test_jbuf_duplicate_is_not_stored(void **state)
{
    (void)state;
    put(2880, true, 1);
    assert_int_equal(put(2880, true, 2), TGV_JBUF_DUPLICATE);
    assert_int_equal(put(2880, false, 3), TGV_JBUF_DUPLICATE);
    assert_int_equal(jb.count, 1);
    assert_int_equal(tgv_jbuf_at(&jb, 0)->data[0], 1);
}

static void test_jbuf_primary_replaces_copy(void **state)
{
    (void)state;
    put(2880, false, 1);
    assert_int_equal(put(2880, true, 2), TGV_JBUF_REPLACED);
    assert_true(tgv_jbuf_at(&jb, 0)->primary);
    assert_int_equal(tgv_jbuf_at(&jb, 0)->data[0], 2);
    assert_int_equal(tgv_jbuf_at(&jb, 0)->len, 3);
    assert_int_equal(jb.count, 1);
}

static void test_jbuf_full_buffer_drops_oldest(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= TGV_JBUF_SLOTS; i++)
        assert_int_equal(put(i * 2880, true, (uint8_t)i), TGV_JBUF_STORED);
    assert_int_equal(put(2880 * 100, true, 7), TGV_JBUF_DROPPED);
    assert_int_equal(jb.count, TGV_JBUF_SLOTS);
    assert_int_equal(tgv_jbuf_at(&jb, 0)->ts, 2 * 2880);
    assert_int_equal(tgv_jbuf_at(&jb, TGV_JBUF_SLOTS - 1)->data[0], 7);
    /* the new frame is the oldest: it is the one to go */
    assert_int_equal(put(0, true, 9), TGV_JBUF_DROPPED);
    assert_int_equal(tgv_jbuf_at(&jb, 0)->ts, 2 * 2880);
}

static void test_jbuf_longest_frame(void **state)
{
    struct tgv_jbuf_frame meta = {.primary = true, .len = TGV_FRAME_BYTES_MAX};
    uint8_t data[TGV_FRAME_BYTES_MAX];

    (void)state;
    memset(data, 0x5A, sizeof(data));
    assert_int_equal(tgv_jbuf_put(&jb, &meta, data), TGV_JBUF_STORED);
    assert_memory_equal(tgv_jbuf_at(&jb, 0)->data, data, sizeof(data));
}

/* Against a plain model: what should be held is a set of times. */
static void test_jbuf_random_operations(void **state)
{
    const uint64_t seed = 20260;
    struct tgv_prng g;
    bool held[256] = {false};

    (void)state;
    print_message("seed %lu\n", (unsigned long)seed);
    tgv_prng_init(&g, seed);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned n = tgv_prng_below(&g, 256);
        unsigned i = 0;

        if (tgv_prng_below(&g, 4) == 0 && jb.count) {
            held[tgv_jbuf_at(&jb, 0)->ts] = false;
            tgv_jbuf_drop_first(&jb);
        } else {
            enum tgv_jbuf_result r = put(n, true, (uint8_t)n);

            assert_int_equal(r == TGV_JBUF_DUPLICATE, held[n]);
            held[n] = true;
            if (r == TGV_JBUF_DROPPED)
                for (n = 0; n < 256; n++)
                    if (held[n]) {
                        held[n] = false;
                        break;
                    }
        }
        for (n = 0; n < 256; n++)
            if (held[n])
                assert_int_equal(tgv_jbuf_at(&jb, i++)->ts, n);
        assert_int_equal(jb.count, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_jbuf_keeps_order_of_time, setup),
        cmocka_unit_test_setup(test_jbuf_duplicate_is_not_stored, setup),
        cmocka_unit_test_setup(test_jbuf_primary_replaces_copy, setup),
        cmocka_unit_test_setup(test_jbuf_full_buffer_drops_oldest, setup),
        cmocka_unit_test_setup(test_jbuf_longest_frame, setup),
        cmocka_unit_test_setup(test_jbuf_random_operations, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
