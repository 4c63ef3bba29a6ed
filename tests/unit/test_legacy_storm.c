/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* A call in a storm (support/storm.h) while the user changes his mind. Nothing
 * breaks, nothing stalls, nothing goes where nobody allowed it, and every socket
 * is closed in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/storm.h"

#define SEED 7000u
#define RUNS 1200
#define STEPS 160

/* -- the user ------------------------------------------------------------------- */

static void user(void)
{
    uint32_t what = storm_below(6), a = storm_below(40), b = storm_below(40);

    switch (what) {
    case 0:
        storm.p2p = a & 1;
        tgv_call_set_p2p(storm.b.call, storm.p2p, storm.b.now);
        storm.p2p = storm.p2p && !storm.proxy;
        break;
    case 1:
        tgv_call_set_network_type(storm.b.call, (int)a % 12, b & 1,
                                  storm.b.now);
        break;
    case 2:
        tgv_call_set_timeouts(storm.b.call, TGV_S(20 + a), TGV_S(10 + b),
                              storm.b.now);
        break;
    case 3:
        tgv_call_set_mute(storm.b.call, a & 1, storm.b.now);
        break;
    default:
        for (int i = 0; i < 12 && tgv_call_wants_capture(storm.b.call); i++)
            tgv_call_capture(storm.b.call, NULL, storm.b.now);
    }
}

/* Time goes on, and every deadline with it. */
static void wait(tgv_time length)
{
    tgv_time end = storm.b.now + length, due;
    unsigned n = 0;

    while ((due = tgv_call_deadline(storm.b.call)) <= end) {
        SOFTLY(++n < 4000);
        if (due > storm.b.now)
            storm.b.now = due;
        tgv_call_expire(storm.b.call, storm.b.now);
        SOFTLY(tgv_call_deadline(storm.b.call) > storm.b.now);
        storm_transmit();
    }
    storm.b.now = end;
}

static void step(void)
{
    static void (*const acts[])(void) = {storm_serve_socks, storm_serve_socks,
                                         storm_sock_event,  storm_interfaces,
                                         storm_control,     storm_control,
                                         storm_authentic,   storm_authentic,
                                         storm_authentic,   storm_authentic,
                                         storm_rubbish,     storm_streams,
                                         storm_streams,     user};

    if (!storm.connected && storm_below(4) == 0) {
        storm.connected = true;
        tgv_call_connect(storm.b.call, storm.b.now);
    }
    acts[storm_below(COUNT(acts))]();
    storm_transmit();
    wait(storm_below(40) == 0 ? TGV_S(5) : (tgv_time)storm_below(TGV_MS(200)));
}

/* -- a run ---------------------------------------------------------------------- */

static void begin(unsigned seed)
{
    static struct tgv_server_config config;
    struct tgv_bench_options o;

    memset(&storm, 0, sizeof(storm));
    storm.seed = seed;
    storm.state = TGV_STATE_WAIT_INIT;
    tgv_prng_init(&storm.g, seed);
    tgv_bench_options_init(&o);
    tgv_server_config_init(&config);
    config.use_tcp = storm_below(4) > 0;
    o.config = &config;
    o.relays = STORM_RELAYS;
    o.tcp_relays = storm_below(3) ? 0 : storm_below(STORM_RELAYS + 1);
    o.ipv6 = storm_coin();
    o.allow_p2p = storm.p2p = storm_coin();
    o.stay_closed = true;
    storm.proxy = storm_below(3) == 0;
    if (storm.proxy) {
        strcpy(o.proxy.host, STORM_PROXY_HOST);
        o.proxy.port = 1080;
        strcpy(o.proxy.user, "u");
        storm.p2p = o.allow_p2p = false;
    }
    tgv_bench_init(&storm.b, &o);
}

/* The bench has taken the first requests. */
static void take_over(void)
{
    storm.sock_count = storm.udp = storm.b.sock;
    storm.socks[storm.udp].kind = TGV_IO_UDP_OPEN;
    for (unsigned i = 0; i < storm.b.stream_count; i++) {
        storm.sock_count = storm.b.streams[i].sock;
        storm.socks[storm.sock_count].kind = TGV_IO_TCP_OPEN;
    }
    if (storm.b.name_count) {
        storm.sock_count = storm.b.name_sock;
        storm.socks[storm.sock_count].kind = TGV_IO_RESOLVE;
    }
}

static void end(void)
{
    tgv_call_stop(storm.b.call, storm.b.now);
    storm_transmit();
    storm_all_closed();
    storm_sock_event(); /* too late */
    SOFTLY(!tgv_call_next_request(storm.b.call, &storm.b.last_request));
    for (unsigned i = 1; i <= storm.sock_count; i++)
        tgv_obf_destroy(storm.socks[i].obf);
    tgv_bench_fini(&storm.b);
}

static void test_storm_nothing_breaks_stalls_or_strays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RUNS; i++) {
        begin(SEED + i);
        take_over();
        for (storm.step = 0; storm.step < STEPS; storm.step++)
            step();
        end();
    }
    /* it was no storm in front of a closed door */
    print_message("%u established, %u failed, %u tunnels, %u associations, "
                  "%u packets on direct roads, %u by NAT64\n",
                  storm_depth.established, storm_depth.failed,
                  storm_depth.tunnels, storm_depth.associated,
                  storm_depth.direct, storm_depth.nat64);
    assert_true(storm_depth.established > RUNS / 4 &&
                storm_depth.failed > RUNS / 50);
    assert_true(storm_depth.tunnels > RUNS / 20 &&
                storm_depth.associated > RUNS / 20);
    assert_true(storm_depth.direct > RUNS && storm_depth.nat64 > RUNS / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm_nothing_breaks_stalls_or_strays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
