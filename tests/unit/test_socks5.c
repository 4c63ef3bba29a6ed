/* SPDX-License-Identifier: MIT */
/* rooms: transport base */
#include "base/addr.h"
#include "base/random.h"
#include "transport/socks5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tgvoip/error.h>

/* The first n bytes in a block of exactly that size, so that reading past
 * them shows under a sanitizer. */
static uint8_t *exact(const uint8_t *data, size_t n)
{
    uint8_t *p = malloc(n ? n : 1);

    memcpy(p, data, n);
    return p;
}

static void test_socks5_method_reply_at_every_split(void **state)
{
    (void)state;
    static const struct {
        uint8_t reply[3];
        enum tgv_socks5_method offered;
        int want;
    } cases[] = {
        {{5, 0, 7}, TGV_SOCKS5_NO_AUTH, 0},
        {{5, 0, 7}, TGV_SOCKS5_USER_PASSWORD, 0},
        {{5, 2, 7}, TGV_SOCKS5_USER_PASSWORD, 0},
        {{5, 2, 7}, TGV_SOCKS5_NO_AUTH, TGVOIP_ERR_ACCESS},
        {{5, 1, 7}, TGV_SOCKS5_USER_PASSWORD, TGVOIP_ERR_ACCESS},
        {{5, 0xFF, 7}, TGV_SOCKS5_USER_PASSWORD, TGVOIP_ERR_ACCESS},
        {{4, 0, 7}, TGV_SOCKS5_NO_AUTH, TGVOIP_ERR_FORMAT},
        {{'H', 'T', 'T'}, TGV_SOCKS5_NO_AUTH, TGVOIP_ERR_FORMAT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (size_t n = 0; n <= 3; n++) {
            uint8_t *data = exact(cases[i].reply, n);
            enum tgv_socks5_method chosen;
            size_t used = 99;
            int want = n >= 2 ? cases[i].want : TGVOIP_ERR_AGAIN;

            if (n == 1 && cases[i].want == TGVOIP_ERR_FORMAT)
                want = TGVOIP_ERR_FORMAT;
            assert_int_equal(tgv_socks5_parse_method(data, n, cases[i].offered,
                                                     &chosen, &used),
                             want);
            assert_int_equal(used, want ? 0 : 2);
            if (!want)
                assert_int_equal(chosen, cases[i].reply[1]);
            free(data);
        }
}

static void test_socks5_login_reply_at_every_split(void **state)
{
    (void)state;
    const uint8_t good[] = {1, 0, 5}, refused[] = {1, 1}, wrong[] = {5, 0};
    size_t used;

    assert_int_equal(tgv_socks5_parse_login(good, 0, &used), TGVOIP_ERR_AGAIN);
    assert_int_equal(tgv_socks5_parse_login(good, 1, &used), TGVOIP_ERR_AGAIN);
    assert_int_equal(tgv_socks5_parse_login(good, 3, &used), 0);
    assert_int_equal(used, 2);
    assert_int_equal(tgv_socks5_parse_login(refused, 2, &used),
                     TGVOIP_ERR_ACCESS);
    assert_int_equal(tgv_socks5_parse_login(wrong, 1, &used),
                     TGVOIP_ERR_FORMAT);
}

/* Each reply, with bytes of the tunnel behind it, cut at every place. */
static void test_socks5_replies_at_every_split(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *addr, *domain;
        uint16_t port;
    } cases[] = {
        {"\5\0\0\1\xCB\0\x71\7\x5D\xC0", 10, "203.0.113.7:24000", "", 24000},
        {"\5\0\0\4\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1\x5D\xC0", 22,
         "[2001:db8::1]:24000", "", 24000},
        {"\5\0\0\3\x0Bproxy.local\x5D\xC0", 18, NULL, "proxy.local", 24000},
        {"\5\0\0\3\1p\0\1", 8, NULL, "p", 1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t stream[64];
        size_t len = cases[i].len;

        memcpy(stream, cases[i].bytes, len);
        memcpy(stream + len, "tunnel", 6);
        for (size_t n = 0; n <= len + 6; n++) {
            uint8_t *data = exact(stream, n);
            struct tgv_socks5_reply reply;
            char text[TGV_ADDR_TEXT];
            size_t used;
            int err = tgv_socks5_parse_reply(data, n, &reply, &used);

            free(data);
            assert_int_equal(err, n < len ? TGVOIP_ERR_AGAIN : 0);
            assert_int_equal(used, n < len ? 0 : len);
            if (n < len)
                continue;
            assert_string_equal(reply.domain, cases[i].domain);
            assert_int_equal(reply.addr.port, cases[i].port);
            if (cases[i].addr)
                assert_string_equal(
                    tgv_addr_format(&reply.addr, text, sizeof(text)),
                    cases[i].addr);
            else
                assert_int_equal(reply.addr.family, TGV_AF_NONE);
        }
    }
}

static void test_socks5_longest_domain_fits(void **state)
{
    (void)state;
    uint8_t data[TGV_SOCKS5_REPLY_MAX] = {5, 0, 0, 3, 255};
    struct tgv_socks5_reply reply;
    size_t used;

    memset(data + 5, 'd', 255);
    assert_int_equal(tgv_socks5_parse_reply(data, sizeof(data), &reply, &used),
                     0);
    assert_int_equal(strlen(reply.domain), 255);
    assert_int_equal(used, TGV_SOCKS5_REPLY_MAX);
    data[100] = 0;
    assert_int_equal(tgv_socks5_parse_reply(data, sizeof(data), &reply, &used),
                     TGVOIP_ERR_FORMAT);
}

static void test_socks5_refusals_and_nonsense(void **state)
{
    (void)state;
    const uint8_t wrong_type[] = {5, 0, 0, 2, 1, 1, 1, 1, 1, 1};
    const uint8_t no_domain[] = {5, 0, 0, 3, 0, 1, 1};
    const uint8_t version[] = {4};
    struct tgv_socks5_reply reply;
    size_t used;

    for (int code = 1; code < 256; code++) {
        uint8_t refused[] = {5, (uint8_t)code};

        assert_int_equal(tgv_socks5_parse_reply(refused, 2, &reply, &used),
                         TGVOIP_ERR_IO);
        assert_int_equal(reply.code, code);
        assert_non_null(tgv_socks5_reply_str(reply.code));
    }
    assert_string_equal(tgv_socks5_reply_str(5), "connection refused");
    assert_int_equal(
        tgv_socks5_parse_reply(wrong_type, sizeof(wrong_type), &reply, &used),
        TGVOIP_ERR_FORMAT);
    assert_int_equal(
        tgv_socks5_parse_reply(no_domain, sizeof(no_domain), &reply, &used),
        TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_socks5_parse_reply(version, 1, &reply, &used),
                     TGVOIP_ERR_FORMAT);
}

static void test_socks5_any_address_means_the_proxy(void **state)
{
    (void)state;
    struct tgv_socks5_reply reply = {0};
    struct tgv_addr proxy, got;

    assert_true(tgv_addr_parse("198.51.100.9:1080", &proxy));
    assert_true(tgv_addr_parse("0.0.0.0:4000", &reply.addr));
    got = tgv_socks5_relay_addr(&reply, &proxy);
    assert_true(tgv_addr_same_ip(&got, &proxy));
    assert_int_equal(got.port, 4000);
    assert_true(tgv_addr_parse("[::]:4001", &reply.addr));
    got = tgv_socks5_relay_addr(&reply, &proxy);
    assert_true(tgv_addr_same_ip(&got, &proxy));
    assert_int_equal(got.port, 4001);
    assert_true(tgv_addr_parse("203.0.113.1:4002", &reply.addr));
    got = tgv_socks5_relay_addr(&reply, &proxy);
    assert_true(tgv_addr_equal(&got, &reply.addr));
}

static void test_socks5_a_nearer_address_means_the_proxy(void **state)
{
    static const struct {
        const char *proxy, *reply, *want;
    } cases[] = {
        {"198.51.100.9:1080", "10.0.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "172.31.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "192.168.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "100.64.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "169.254.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "127.0.0.1:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "0.1.2.3:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "[::1]:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "[fe80::1]:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "[fd00::1]:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "[::ffff:127.0.0.1]:4", "198.51.100.9:4"},
        {"198.51.100.9:1080", "[::ffff:203.0.113.1]:4", "203.0.113.1:4"},
        {"198.51.100.9:1080", "172.32.0.1:4", "172.32.0.1:4"},
        {"[2001:db8::9]:1080", "192.168.0.1:4", "[2001:db8::9]:4"},
        {"192.168.0.9:1080", "10.0.0.1:4", "10.0.0.1:4"},
        {"192.168.0.9:1080", "203.0.113.1:4", "203.0.113.1:4"},
        {"192.168.0.9:1080", "127.0.0.1:4", "192.168.0.9:4"},
        {"127.0.0.1:1080", "127.0.0.1:4", "127.0.0.1:4"},
        {"127.0.0.1:1080", "10.0.0.1:4", "10.0.0.1:4"},
    };
    struct tgv_socks5_reply reply = {0};
    struct tgv_addr proxy, want, got;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(tgv_addr_parse(cases[i].proxy, &proxy));
        assert_true(tgv_addr_parse(cases[i].reply, &reply.addr));
        assert_true(tgv_addr_parse(cases[i].want, &want));
        got = tgv_socks5_relay_addr(&reply, &proxy);
        if (!tgv_addr_equal(&got, &want))
            fail_msg("proxy %s, reply %s", cases[i].proxy, cases[i].reply);
    }
}

static void test_socks5_requests_need_room_and_an_address(void **state)
{
    (void)state;
    struct tgv_addr v4, v6, none = {0};
    uint8_t out[TGV_SOCKS5_REQUEST_MAX];
    char name[300];

    assert_true(tgv_addr_parse("203.0.113.7:443", &v4));
    assert_true(tgv_addr_parse("[2001:db8::1]:443", &v6));
    for (size_t cap = 0; cap < 22; cap++) {
        assert_int_equal(tgv_socks5_connect(&v4, out, cap), cap < 10 ? 0 : 10);
        assert_int_equal(tgv_socks5_connect(&v6, out, cap), 0);
        assert_int_equal(tgv_socks5_udp_header(&v6, out, cap), 0);
        assert_int_equal(tgv_socks5_udp_associate(out, cap), cap < 10 ? 0 : 10);
    }
    assert_int_equal(tgv_socks5_udp_header(&v6, out, 22), 22);
    assert_int_equal(tgv_socks5_connect(&none, out, sizeof(out)), 0);
    assert_int_equal(tgv_socks5_udp_header(&none, out, sizeof(out)), 0);
    assert_int_equal(tgv_socks5_greeting(TGV_SOCKS5_NO_AUTH, out, 2), 0);

    memset(name, 'u', sizeof(name));
    assert_int_equal(tgv_socks5_login(name, 300, name, 256, out, sizeof(out)),
                     TGV_SOCKS5_REQUEST_MAX);
    assert_int_equal(out[1], 255);
    assert_int_equal(out[257], 255);
    assert_int_equal(
        tgv_socks5_login(name, 300, name, 256, out, sizeof(out) - 1), 0);
    assert_int_equal(tgv_socks5_login("", 0, "", 0, out, sizeof(out)), 3);
}

static void test_socks5_datagrams_come_back(void **state)
{
    (void)state;
    static const char *const addrs[] = {"203.0.113.7:24000",
                                        "[2001:db8::1]:24000"};

    for (size_t i = 0; i < 2; i++) {
        struct tgv_addr to, from;
        uint8_t datagram[64];
        const uint8_t *data;
        size_t head, len;

        assert_true(tgv_addr_parse(addrs[i], &to));
        head = tgv_socks5_udp_header(&to, datagram, sizeof(datagram));
        memcpy(datagram + head, "voice", 5);
        for (size_t n = 0; n <= head + 5; n++) {
            uint8_t *part = exact(datagram, n);
            int err = tgv_socks5_udp_parse(part, n, &from, &data, &len);

            assert_int_equal(err, n < head ? TGVOIP_ERR_FORMAT : 0);
            assert_int_equal(len, n < head ? 0 : n - head);
            if (n >= head) {
                assert_true(tgv_addr_equal(&from, &to));
                assert_memory_equal(data, "voice", len);
            }
            free(part);
        }
        for (int fragment = 1; fragment < 256; fragment++) {
            datagram[2] = (uint8_t)fragment;
            assert_int_equal(
                tgv_socks5_udp_parse(datagram, head + 5, &from, &data, &len),
                TGVOIP_ERR_UNSUPPORTED);
            assert_null(data);
        }
    }
}

static void test_socks5_datagram_from_a_domain_is_dropped(void **state)
{
    (void)state;
    const uint8_t datagram[] = {0, 0, 0, 3, 1, 'x', 0, 1, 'd'};
    struct tgv_addr from;
    const uint8_t *data;
    size_t len;

    assert_int_equal(
        tgv_socks5_udp_parse(datagram, sizeof(datagram), &from, &data, &len),
        TGVOIP_ERR_UNSUPPORTED);
}

static void test_socks5_survives_random_replies(void **state)
{
    (void)state;
    const uint64_t seed = 5;
    struct tgv_prng g;

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int i = 0; i < 50000; i++) {
        uint8_t data[300];
        size_t n = tgv_prng_below(&g, i % 8 ? 24 : sizeof(data)), used, len;
        enum tgv_socks5_method chosen;
        struct tgv_socks5_reply reply;
        const uint8_t *payload;
        struct tgv_addr from;
        uint8_t *part;

        for (size_t k = 0; k < n; k++)
            data[k] = (uint8_t)tgv_prng_below(&g, k < 5 ? 8 : 256);
        if (n && i % 2)
            data[0] = 5;
        part = exact(data, n);
        if (tgv_socks5_parse_reply(part, n, &reply, &used) == 0)
            assert_true(used <= n && used >= 7);
        else
            assert_int_equal(used, 0);
        (void)tgv_socks5_parse_method(part, n, TGV_SOCKS5_NO_AUTH, &chosen,
                                      &used);
        (void)tgv_socks5_parse_login(part, n, &used);
        if (tgv_socks5_udp_parse(part, n, &from, &payload, &len) == 0)
            assert_true(payload + len == part + n);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_socks5_method_reply_at_every_split),
        cmocka_unit_test(test_socks5_login_reply_at_every_split),
        cmocka_unit_test(test_socks5_replies_at_every_split),
        cmocka_unit_test(test_socks5_longest_domain_fits),
        cmocka_unit_test(test_socks5_refusals_and_nonsense),
        cmocka_unit_test(test_socks5_any_address_means_the_proxy),
        cmocka_unit_test(test_socks5_a_nearer_address_means_the_proxy),
        cmocka_unit_test(test_socks5_requests_need_room_and_an_address),
        cmocka_unit_test(test_socks5_datagrams_come_back),
        cmocka_unit_test(test_socks5_datagram_from_a_domain_is_dropped),
        cmocka_unit_test(test_socks5_survives_random_replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
