/* SPDX-License-Identifier: MIT */
/* rooms: crypto base */
#include "base/bytes.h"
#include "crypto/emoji.h"
#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void joined_sha256(const char *(*get)(unsigned), char hex[65])
{
    char text[16384];
    uint8_t digest[TGV_SHA256_BYTES];
    size_t len = 0;

    for (unsigned i = 0; i < TGV_EMOJI_TABLE; i++) {
        size_t n = strlen(get(i));

        assert_true(len + n + 1 < sizeof(text));
        if (i)
            text[len++] = '\n';
        memcpy(text + len, get(i), n);
        len += n;
    }
    assert_int_equal(tgv_sha256(text, len, digest), 0);
    tgv_hex_encode(digest, sizeof(digest), hex);
}

/* Source: Python API 13 */
static void test_emoji_table_has_the_known_checksums(void **state)
{
    (void)state;
    char hex[65];

    joined_sha256(tgv_emoji_utf8, hex);
    assert_string_equal(
        hex,
        "bfae463f768800e2f624948a756025ca1a3ff55c8a858b9f0e4ebec8c1d66815");
    joined_sha256(tgv_emoji_name, hex);
    assert_string_equal(
        hex,
        "e48bb9e4a1f59ff0f5e171fc80e47638f0af06997878f1b5f8e2035a2678c287");
}

static void test_emoji_table_has_no_doubles_and_ends(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TGV_EMOJI_TABLE; i++)
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(tgv_emoji_utf8(i), tgv_emoji_utf8(k));
            assert_string_not_equal(tgv_emoji_name(i), tgv_emoji_name(k));
        }
    assert_null(tgv_emoji_utf8(TGV_EMOJI_TABLE));
    assert_null(tgv_emoji_name(TGV_EMOJI_TABLE));
    assert_null(tgv_emoji_name(0xFFFFFFFFu));
    assert_string_equal(tgv_emoji_name(332), "LARGE_BLUE_DIAMOND");
    /* two regional indicators each (PY-07), and a key cap */
    assert_string_equal(tgv_emoji_utf8(304),
                        "\xF0\x9F\x87\xA8\xF0\x9F\x87\xB3");
    assert_string_equal(tgv_emoji_utf8(311), "1\xE2\x83\xA3");
}

/* Source: Python API 15 */
static void test_emoji_match_the_known_pairs(void **state)
{
    (void)state;
    static const struct {
        int key, g_a; /* one byte repeated; -1: 0 to 255, -2: 255 to 0 */
        int key0, last; /* first byte of the key and last of g_a, or -1 */
        unsigned want[4];
    } cases[] = {
        {-1, -2, -1, -1, {122, 225, 65, 23}},
        {0, 0, -1, -1, {121, 203, 106, 11}},
        {0, 0, -1, 14, {304, 296, 188, 229}},
        {0, 0, -1, 15, {59, 308, 273, 108}},
        {0, 0, -1, 35, {305, 19, 77, 196}},
        {0, 0, -1, 56, {303, 301, 110, 297}},
        {0x22, 0x11, 0, -1, {259, 317, 114, 329}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t key[256], g_a[256];
        unsigned got[4];

        for (int k = 0; k < 256; k++) {
            key[k] = (uint8_t)(cases[i].key == -1 ? k : cases[i].key);
            g_a[k] = (uint8_t)(cases[i].g_a == -2 ? 255 - k : cases[i].g_a);
        }
        if (cases[i].key0 >= 0) {
            key[0] = (uint8_t)cases[i].key0;
            g_a[0] = 0;
        }
        if (cases[i].last >= 0)
            g_a[255] = (uint8_t)cases[i].last;
        assert_int_equal(tgv_emoji_indexes(key, g_a, sizeof(g_a), got), 0);
        assert_memory_equal(got, cases[i].want, sizeof(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emoji_table_has_the_known_checksums),
        cmocka_unit_test(test_emoji_table_has_no_doubles_and_ends),
        cmocka_unit_test(test_emoji_match_the_known_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
