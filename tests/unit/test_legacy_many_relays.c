/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/*
 * More relays with two addresses each than there is room for a TCP copy of
 * every address: no relay is left without one, nor a direct road without place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_call.h"

#include <string.h>

static const struct tgv_addr me = {TGV_AF_IPV4, 4000, {192, 0, 2, 1}};
static const struct tgv_addr peer = {TGV_AF_IPV4, 30000, {203, 0, 113, 7}};
static const struct tgv_addr own4 = {TGV_AF_IPV4, 0, {192, 168, 1, 4}};
static const struct tgv_addr own6 = {
    TGV_AF_IPV6, 0, {0x20, 0x01, 0x0d, 0xb8, 2, [15] = 1}};

static unsigned lines; /* of the log, about this */
static char line[256];

static void write_log(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    (void)ctx;
    (void)level;
    (void)room;
    (void)now;
    assert_null(strstr(text, "no memory"));
    if (!strstr(text, "so many relays"))
        return;
    lines++;
    strncpy(line, text, sizeof(line) - 1);
}

static int reset(void **state)
{
    static const struct tgv_log log = {write_log, NULL, TGV_LOG_DEBUG};

    reset_options(state);
    o.ipv6 = true;
    o.allow_p2p = true;
    o.tcp = TGV_BENCH_ACCEPT;
    o.log = &log;
    lines = 0;
    return 0;
}

/* A network that lets no datagram through, until TCP is tried. */
static void call_without_udp(unsigned relays, const struct tgv_addr *own,
                             unsigned count)
{
    o.relays = relays;
    o.stay_closed = true; /* so that not even the first ping is answered */
    tgv_bench_init(&b, &o);
    o.stay_closed = b.o.stay_closed = false;
    b.answer_probes = false;
    tgv_bench_interfaces(&b, own, count);
    tgv_bench_event(&b, TGV_IO_OPENED);
    tgv_bench_run(&b, TGV_S(2));
}

static unsigned streams_to(const struct tgv_addr *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b.stream_count; i++)
        n += !b.streams[i].gone && tgv_addr_equal(&b.streams[i].to, to);
    return n;
}

static void test_relays_48_have_streams_to_both_addresses(void **state)
{
    (void)state;
    call_without_udp(48, (struct tgv_addr[]){own4, own6}, 2);
    for (unsigned i = 0; i < 48; i++) {
        assert_int_equal(streams_to(&b.relay_addr[i]), 1);
        assert_int_equal(streams_to(&b.relay_ipv6[i]), 1);
    }
    assert_int_equal(lines, 0);
}

static void test_relays_64_have_a_stream_to_one_address_each(void **state)
{
    (void)state;
    call_without_udp(64, (struct tgv_addr[]){own4, own6}, 2);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(streams_to(&b.relay_addr[i]), 1);
    assert_int_equal(b.stream_count, 64);
    tgv_bench_run(&b, TGV_S(20));
    assert_int_equal(lines, 1);
    assert_string_equal(line, "so many relays: 64 of their addresses are tried "
                              "by UDP only");
}

static void test_relays_some_have_streams_to_both_addresses(void **state)
{
    (void)state;
    call_without_udp(50, (struct tgv_addr[]){own4, own6}, 2);
    assert_int_equal(b.stream_count, 3 * 64 - 2 * 50);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(streams_to(&b.relay_addr[i]), 1);
    assert_int_equal(lines, 1);
}

static void test_relays_have_their_stream_where_it_can_be_reached(void **state)
{
    (void)state;
    call_without_udp(64, &own6, 1);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(streams_to(&b.relay_ipv6[i]), 1);
}

static void test_relays_leave_room_for_direct_roads(void **state)
{
    (void)state;
    call_without_udp(64, (struct tgv_addr[]){own4, own6}, 2);
    tgv_bench_establish(&b);
    tgv_bench_peer_info(&b, 0, &me, &peer);
    assert_non_null(tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV4));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, done)
    const struct CMUnitTest tests[] = {
        TEST(test_relays_48_have_streams_to_both_addresses),
        TEST(test_relays_64_have_a_stream_to_one_address_each),
        TEST(test_relays_some_have_streams_to_both_addresses),
        TEST(test_relays_have_their_stream_where_it_can_be_reached),
        TEST(test_relays_leave_room_for_direct_roads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
