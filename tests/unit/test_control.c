/* SPDX-License-Identifier: MIT */
/* rooms: wire base */
#include "wire/control.h"

#include "base/bytes.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

static const uint8_t tag[TGV_TAG_BYTES] = {1, 2,  3,  4,  5,  6,  7,  8,
                                           9, 10, 11, 12, 13, 14, 15, 16};

static struct tgv_addr addr(const char *text)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(text, &a));
    return a;
}

static struct tgv_control message(enum tgv_control_kind kind)
{
    struct tgv_control m = {.kind = kind};

    memcpy(m.tag, tag, sizeof tag);
    return m;
}

static const struct {
    enum tgv_control_kind kind;
    size_t len;
    const char *self, *peer;
} cases[] = {
    {TGV_CONTROL_REGISTER, 16, NULL, NULL},
    {TGV_CONTROL_PING, 40, NULL, NULL},
    {TGV_CONTROL_PEER_REQUEST, 32, NULL, NULL},
    {TGV_CONTROL_SELF_INFO, 64, "203.0.113.7:24000", NULL},
    {TGV_CONTROL_SELF_INFO, 64, "[2001:db8::1]:65535", NULL},
    {TGV_CONTROL_PEER_INFO, 48, "203.0.113.7:1", "198.51.100.9:31000"},
    {TGV_CONTROL_PEER_INFO_IPV6, 72, "[2001:db8::1]:1", "[2001:db8::2]:9"},
};
#define CASES (sizeof cases / sizeof *cases)

static struct tgv_control case_message(size_t i)
{
    struct tgv_control m = message(cases[i].kind);

    if (cases[i].self)
        m.self = addr(cases[i].self);
    if (cases[i].peer)
        m.peer = addr(cases[i].peer);
    if (m.kind == TGV_CONTROL_PING || m.kind == TGV_CONTROL_SELF_INFO)
        m.query_id = 0x1122334455667788;
    if (m.kind == TGV_CONTROL_SELF_INFO)
        m.date = 1600000000;
    return m;
}

static void test_control_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct tgv_control m = case_message(i), back;
        uint8_t pkt[TGV_CONTROL_MAX];
        size_t len;

        assert_int_equal(tgv_control_encode(&m, pkt, sizeof pkt, &len), 0);
        assert_int_equal(len, cases[i].len);
        assert_int_equal(tgv_control_is(pkt, len),
                         m.kind != TGV_CONTROL_REGISTER);
        tgv_control_decode(&back, pkt, len);
        assert_int_equal(back.kind, m.kind);
        assert_memory_equal(back.tag, m.tag, sizeof m.tag);
        assert_true(back.query_id == m.query_id);
        assert_int_equal(back.date, m.date);
        assert_true(tgv_addr_equal(&back.self, &m.self));
        assert_true(tgv_addr_equal(&back.peer, &m.peer));
        assert_string_not_equal(tgv_control_kind_str(m.kind), "?");
    }
}

static void test_control_trailing_bytes_are_ignored(void **state)
{
    (void)state;
    for (size_t i = 1; i < CASES; i++) {
        struct tgv_control m = case_message(i), back;
        uint8_t pkt[TGV_CONTROL_MAX + 4] = {0};
        size_t len;

        assert_int_equal(tgv_control_encode(&m, pkt, TGV_CONTROL_MAX, &len), 0);
        tgv_control_decode(&back, pkt, len + 4);
        assert_int_equal(back.kind, m.kind);
    }
}

/* In a block of its own length, so that a sanitizer sees a byte too far. */
static enum tgv_control_kind decode_cut(const uint8_t *pkt, size_t len)
{
    struct tgv_control m;
    uint8_t *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, pkt, len);
    tgv_control_decode(&m, copy, len);
    free(copy);
    return m.kind;
}

static void test_control_cut_messages_are_malformed(void **state)
{
    (void)state;
    for (size_t i = 1; i < CASES; i++) {
        struct tgv_control m = case_message(i);
        uint8_t pkt[TGV_CONTROL_MAX];
        size_t len;

        assert_int_equal(tgv_control_encode(&m, pkt, sizeof pkt, &len), 0);
        for (size_t n = 0; n < len; n++) {
            enum tgv_control_kind kind = decode_cut(pkt, n);

            if (n == TGV_TAG_BYTES)
                assert_int_equal(kind, TGV_CONTROL_REGISTER);
            else if (n < 28)
                assert_int_equal(kind, TGV_CONTROL_NONE);
            else
                assert_int_equal(kind, TGV_CONTROL_MALFORMED);
        }
    }
}

static void test_control_unknown_kinds_are_never_decrypted(void **state)
{
    uint8_t pkt[64];
    struct tgv_control m;
    (void)state;

    memset(pkt, 0xFF, sizeof pkt);
    memcpy(pkt + 28, "\x96\xFC\x06\x1A", 4);
    assert_true(tgv_control_is(pkt, sizeof pkt));
    tgv_control_decode(&m, pkt, sizeof pkt);
    assert_int_equal(m.kind, TGV_CONTROL_UNKNOWN);
    assert_int_equal(m.tl_id, 0x1A06FC96);
    assert_string_equal(tgv_control_kind_str(m.kind), "?");
    for (size_t i = 16; i < 28; i++) { /* every FF counts */
        pkt[i] = 0xFE;
        assert_false(tgv_control_is(pkt, sizeof pkt));
        tgv_control_decode(&m, pkt, sizeof pkt);
        assert_int_equal(m.kind, TGV_CONTROL_NONE);
        pkt[i] = 0xFF;
    }
}

static void test_control_upper_half_of_a_port_is_ignored(void **state)
{
    struct tgv_control m = case_message(5);
    uint8_t pkt[TGV_CONTROL_MAX];
    size_t len;
    (void)state;

    assert_int_equal(tgv_control_encode(&m, pkt, sizeof pkt, &len), 0);
    pkt[39] = 0xAA;
    tgv_control_decode(&m, pkt, len);
    assert_int_equal(m.self.port, 1);
}

static void test_control_encoder_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct tgv_control m = case_message(i);
        uint8_t pkt[TGV_CONTROL_MAX];
        size_t len = 1;

        for (size_t cap = 0; cap < cases[i].len; cap++) {
            assert_int_equal(tgv_control_encode(&m, pkt, cap, &len),
                             TGVOIP_ERR_TOO_LARGE);
            assert_int_equal(len, 0);
        }
        if (!cases[i].self)
            continue;
        m.self = (struct tgv_addr){0};
        assert_int_equal(tgv_control_encode(&m, pkt, sizeof pkt, &len),
                         TGVOIP_ERR_INVALID);
    }
    for (int kind = 0; kind <= TGV_CONTROL_MALFORMED + 1; kind++) {
        struct tgv_control m = message((enum tgv_control_kind)kind);
        uint8_t pkt[TGV_CONTROL_MAX];
        size_t len;

        if (kind >= TGV_CONTROL_REGISTER && kind <= TGV_CONTROL_PEER_REQUEST)
            continue;
        assert_int_equal(tgv_control_encode(&m, pkt, sizeof pkt, &len),
                         TGVOIP_ERR_INVALID);
    }
}

static void test_control_random_bytes_do_no_harm(void **state)
{
    const uint64_t seed = 0x5EED0001;
    struct tgv_prng g;
    uint8_t pkt[96];
    (void)state;

    print_message("seed %#llx\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int round = 0; round < 20000; round++) {
        size_t len = tgv_prng_below(&g, sizeof pkt);
        static const char kinds[][5] = {"\xFE\xFF\xFF\xFF", "\xFF\xFF\xFF\xFF",
                                        "\xC7\x72\x15\xC0", "\x1C\x37\xD9\x27",
                                        "\xB1\x73\xFC\x83"};

        for (size_t i = 0; i < sizeof pkt; i++)
            pkt[i] = (uint8_t)tgv_prng_below(&g, 256);
        memset(pkt + 16, 0xFF, 12);
        memcpy(pkt + 28, kinds[tgv_prng_below(&g, 5)], 4);
        decode_cut(pkt, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_both_ways),
        cmocka_unit_test(test_control_trailing_bytes_are_ignored),
        cmocka_unit_test(test_control_cut_messages_are_malformed),
        cmocka_unit_test(test_control_unknown_kinds_are_never_decrypted),
        cmocka_unit_test(test_control_upper_half_of_a_port_is_ignored),
        cmocka_unit_test(test_control_encoder_refuses),
        cmocka_unit_test(test_control_random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
