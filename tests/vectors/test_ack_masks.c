/* SPDX-License-Identifier: MIT */
/* rooms: legacy json base */
/* data/wire-examples.json, list `ack_masks`: what we write, and how both
 * conventions are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/ack.h"
#include "legacy/window.h"
#include "support/vector_json.h"

static struct tgv_json *file;

static int load(void **state)
{
    size_t len;
    char *text = vector_read(TEST_DATA "/wire-examples.json", &len);

    (void)state;
    file = vector_parse(text, len);
    free(text);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tgv_json_free(file);
    return 0;
}

static uint32_t hex32(const struct tgv_json *j, const char *key)
{
    return (uint32_t)strtoul(vector_str(j, key), NULL, 16);
}

static uint32_t number(const struct tgv_json *j)
{
    int64_t v = -1;

    assert_true(tgv_json_int(j, &v));
    return (uint32_t)v;
}

static void test_eng_20_mask_is_written_as_convention_a(void **state)
{
    const struct tgv_json *list = tgv_json_get(file, "ack_masks");

    (void)state;
    assert_true(tgv_json_len(list) >= 5);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        const struct tgv_json *got = tgv_json_get(v, "received");
        struct tgv_window w;

        tgv_window_init(&w);
        for (size_t k = 0; k < tgv_json_len(got); k++) {
            uint32_t seq = number(tgv_json_at(got, k));
            assert_true(tgv_window_check(&w, seq));
            tgv_window_mark(&w, seq);
        }
        assert_int_equal(w.last, number(tgv_json_get(v, "ack")));
        assert_int_equal(tgv_window_mask(&w), hex32(v, "mask_recommended"));
    }
}

static bool among(const struct tgv_json *list, uint32_t seq)
{
    for (size_t i = 0; i < tgv_json_len(list); i++)
        if (number(tgv_json_at(list, i)) == seq)
            return true;
    return false;
}

static void read_back(const char *key, enum tgv_mask_reading reading)
{
    const struct tgv_json *list = tgv_json_get(file, "ack_masks");

    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        const struct tgv_json *got = tgv_json_get(v, "received");
        uint32_t ack = number(tgv_json_get(v, "ack"));
        struct tgv_acked acked;
        struct tgv_ack a;

        tgv_ack_init(&a);
        if (reading == TGV_MASK_A) /* known from earlier packets */
            a.not_b = 100;
        else
            a.not_a = 100;
        for (uint32_t n = 1; n <= ack; n++)
            assert_int_equal(tgv_ack_sent(&a, 0, true, 0), n);
        if (among(got, 0))
            continue; /* a number that our sender never uses */
        assert_true(tgv_ack_receive(&a, ack, hex32(v, key), false, &acked));
        assert_int_equal(a.reading, reading);
        for (uint32_t n = 1; n <= ack; n++) {
            /* B has no room for the number 32 before */
            if (reading == TGV_MASK_B && ack - n >= 32)
                continue;
            if (ack - n > 32)
                continue;
            assert_int_equal(tgv_ack_has(&a, n), among(got, n));
        }
    }
}

static void test_eng_20_convention_a_is_read(void **state)
{
    (void)state;
    read_back("mask_recommended", TGV_MASK_A);
}

static void test_eng_20_convention_b_is_read(void **state)
{
    (void)state;
    read_back("mask_244", TGV_MASK_B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_20_mask_is_written_as_convention_a),
        cmocka_unit_test(test_eng_20_convention_a_is_read),
        cmocka_unit_test(test_eng_20_convention_b_is_read),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
