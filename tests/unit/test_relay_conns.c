/* SPDX-License-Identifier: MIT */
/* rooms: relay transport crypto base */
#include "base/addr.h"
#include "base/random.h"
#include "relay/conns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

static struct tgv_addr at(const char *text)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(text, &a));
    return a;
}

static void start(struct tgv_conns *c, unsigned cap, unsigned per_host)
{
    struct tgv_conns_config config = {
        .cap = cap,
        .per_host = per_host,
        .timeout = {TGV_S(5), TGV_S(5), TGV_S(60)}};

    tgv_hash_key_init(&config.key, 9);
    assert_int_equal(tgv_conns_init(c, &config), 0);
}

/* @return the number, 0 if it was refused */
static uint32_t add(struct tgv_conns *c, const char *from)
{
    struct tgv_addr a = at(from);
    uint32_t n;
    int err = tgv_conns_add(c, &a, 0, &n);

    assert_true(err == 0 || err == TGVOIP_ERR_TOO_LARGE);
    assert_int_equal(n == 0, err != 0);
    return n;
}

static void test_conns_1024_of_a_host_and_no_limit_on_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        unsigned expected;
    } cases[] = {
        {"1.1.1.1:1", 1024},      {"1.1.1.2:1", 1024},
        {"[1::1]:1", 1024},       {"[1::ffff:1]:2", 0}, /* the same network */
        {"[1:0:0:1::1]:2", 1024}, {"127.0.0.1:1", 1100},
        {"127.9.9.9:1", 1100},    {"[::1]:1", 1100},
    };
    struct tgv_conns c;
    uint32_t last = 0;

    start(&c, 20000, 1024);
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        unsigned taken = 0;
        for (int i = 0; i < 1100; i++) {
            uint32_t n = add(&c, cases[k].from);
            taken += n != 0;
            last = n ? n : last;
        }
        assert_int_equal(taken, cases[k].expected);
    }
    tgv_conns_remove(&c, last); /* of the loopback: frees no place */
    assert_int_equal(add(&c, "1.1.1.1:1"), 0);
    tgv_conns_remove(&c, 1);
    assert_true(add(&c, "1.1.1.1:9") > 0);
    assert_int_equal(add(&c, "1.1.1.1:9"), 0);
    tgv_conns_fini(&c);
}

static void test_conns_are_bounded_in_all(void **state)
{
    (void)state;
    struct tgv_conns c;
    struct tgv_conns_config config = {.cap = 0};

    assert_int_equal(tgv_conns_init(&c, &config), TGVOIP_ERR_INVALID);
    config.cap = TGV_CONNS_MAX + 1;
    assert_int_equal(tgv_conns_init(&c, &config), TGVOIP_ERR_INVALID);
    tgv_conns_fini(&c);
    start(&c, 3, 100);
    for (int round = 0; round < 3; round++) {
        uint32_t first = add(&c, "1.1.1.1:1");
        add(&c, "127.0.0.1:1");
        assert_true(add(&c, "2.2.2.2:1") > 0);
        assert_int_equal(add(&c, "3.3.3.3:1"), 0);
        assert_int_equal(add(&c, "127.0.0.1:1"), 0);
        for (uint32_t n = 1; n <= 3; n++)
            tgv_conns_remove(&c, n);
        assert_null(tgv_conns_get(&c, first));
        assert_int_equal(c.count, 0);
        assert_true(c.used <= 3 && c.hosts_used <= 3);
    }
    assert_null(tgv_conns_get(&c, 0));
    assert_null(tgv_conns_get(&c, 4));
    tgv_conns_fini(&c);
}

static void test_conns_none_of_a_host_if_so_limited(void **state)
{
    (void)state;
    struct tgv_conns c;

    start(&c, 10, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(add(&c, "1.1.1.1:1"), 0);
    assert_int_equal(c.hosts_used, 0);
    tgv_conns_fini(&c);
}

/* The slow way to find what expires next. */
static tgv_time earliest(const struct tgv_conns *c)
{
    tgv_time at_last = TGV_NEVER;

    for (uint32_t n = 1; n <= c->used; n++) {
        const struct tgv_relay_conn *conn = tgv_conns_get(c, n);
        if (conn)
            at_last =
                tgv_time_min(at_last, conn->heard + c->timeout[conn->stage]);
    }
    return at_last;
}

static unsigned of_host(const struct tgv_conns *c, uint8_t host)
{
    unsigned count = 0;

    for (uint32_t n = 1; n <= c->used; n++) {
        const struct tgv_relay_conn *conn = tgv_conns_get(c, n);
        count += conn && conn->from.ip[3] == host;
    }
    return count;
}

static void test_conns_survive_random_use(void **state)
{
    (void)state;
    struct tgv_conns c;
    struct tgv_prng g;
    tgv_time deadline;
    bool allowed;

    print_message("seed 77\n");
    tgv_prng_init(&g, 77);
    start(&c, 64, 4);
    for (tgv_time now = 0; now < TGV_S(2000); now += TGV_MS(100)) {
        uint8_t ip[4] = {9, 9, 9, (uint8_t)tgv_prng_below(&g, 24)};
        struct tgv_addr from = tgv_addr_ipv4(ip, 1);
        uint32_t n = 1 + tgv_prng_below(&g, 64);
        struct tgv_relay_conn *conn = tgv_conns_get(&c, n);
        switch (tgv_prng_below(&g, 3)) {
        case 0:
            allowed = c.count < 64 && of_host(&c, ip[3]) < 4;
            assert_int_equal(tgv_conns_add(&c, &from, now, &n) == 0, allowed);
            break;
        case 1:
            if (conn)
                tgv_conns_touch(&c, n,
                                conn->stage < TGV_CONN_OPEN
                                    ? (enum tgv_conn_stage)(conn->stage + 1)
                                    : TGV_CONN_OPEN,
                                now);
            break;
        default:
            if (conn && tgv_prng_below(&g, 2))
                tgv_conns_remove(&c, n);
        }
        n = tgv_conns_next(&c, &deadline);
        assert_true(deadline == earliest(&c));
        assert_int_equal(n == 0, c.count == 0);
        if (deadline <= now)
            tgv_conns_remove(&c, n);
        assert_true(of_host(&c, ip[3]) <= 4);
    }
    tgv_conns_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conns_1024_of_a_host_and_no_limit_on_loopback),
        cmocka_unit_test(test_conns_are_bounded_in_all),
        cmocka_unit_test(test_conns_none_of_a_host_if_so_limited),
        cmocka_unit_test(test_conns_survive_random_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
