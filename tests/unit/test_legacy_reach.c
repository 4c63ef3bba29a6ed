/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* UDP or TCP: when TCP is used besides, what is said about it, and the way
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_call.h"

#include <stdlib.h>
#include <string.h>

static struct tgv_server_config config;
static uint32_t pts;
static unsigned seen; /* of the log, by the peer */
static bool stream_answers; /* pongs come there, whatever road pings take */

static int reset(void **state)
{
    reset_options(state);
    tgv_server_config_init(&config);
    o.config = &config;
    o.tcp = TGV_BENCH_ACCEPT;
    pts = 60;
    seen = 0;
    stream_answers = false;
    return 0;
}

static bool debug_says(const char *what)
{
    char *text = tgv_call_debug_log(b.call, b.now);
    bool found = strstr(text, what) != NULL;

    free(text);
    return found;
}

/* A network that lets no datagram through. */
static void init_without_udp(void)
{
    bool stay_closed = o.stay_closed;

    o.stay_closed = true; /* so that not even the first ping is answered */
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    tgv_bench_event(&b, TGV_IO_OPENED);
    o.stay_closed = b.o.stay_closed = stay_closed;
}

/* The peer answers a PING, on the road that it came on. */
static void answer(const struct tgv_bench_packet *p)
{
    int via = b.via;
    uint8_t body[4];

    if (!p->opened || p->h.type != TGV_PKT_PING ||
        (p->stream >= 0 && b.streams[p->stream].gone))
        return;
    if (!stream_answers)
        b.via = p->stream;
    tgv_bench_send(&b, p->relay, TGV_PKT_PONG, body,
                   tgv_pong_encode(p->h.seq, body));
    b.via = via;
}

/* The peer talks, and answers pings after 20 to 40 ms; with udp false those by
 * UDP do not reach it. */
static void talk(tgv_time length, bool udp)
{
    for (tgv_time t = 0; t < length; t += TGV_MS(20)) {
        unsigned end = b.count;
        tgv_bench_run(&b, TGV_MS(20));
        for (; seen < end; seen++)
            if (udp || b.log[seen].stream >= 0)
                answer(&b.log[seen]);
        if (t % TGV_MS(60) == 0) {
            tgv_bench_media(&b, 0, pts);
            pts += 60;
        }
    }
}

/* -- the verdict ------------------------------------------------------------------ */

static void test_eng_34_tcp_is_opened_soon_without_pongs(void **state)
{
    (void)state;
    init_without_udp();
    tgv_bench_run(&b, TGV_MS(600));
    assert_int_equal(b.stream_count, 0);
    tgv_bench_run(&b, TGV_MS(300));
    assert_int_equal(b.stream_count, 1);
    assert_in_range(b.streams[0].at, TGV_MS(700), TGV_MS(900));
    assert_true(tgv_addr_equal(&b.streams[0].to, &b.relay_addr[0]));
}

static void test_eng_34_udp_goes_on_being_probed(void **state)
{
    unsigned early = 0, late = 0;

    (void)state;
    init_without_udp();
    tgv_bench_run(&b, TGV_S(25));
    for (unsigned i = 0; i < b.count; i++) {
        early +=
            b.log[i].control == TGV_CONTROL_PING && b.log[i].at < TGV_MS(2500);
        late += b.log[i].control == TGV_CONTROL_PING && b.log[i].at > TGV_S(10);
    }
    assert_int_equal(early, 4);
    assert_in_range(late, 3, 6); /* rarely */
}

static void test_eng_34_init_goes_over_tcp_at_once(void **state)
{
    bool found = false;

    (void)state;
    init_without_udp();
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_settle(&b);
    tgv_bench_run(&b, TGV_MS(950));
    for (unsigned i = 0; i < b.count; i++)
        found = found || (b.log[i].stream == 0 && b.log[i].opened &&
                          b.log[i].h.type == TGV_PKT_INIT &&
                          b.log[i].at == b.streams[0].at);
    assert_true(found);
}

static void test_eng_34_pongs_keep_tcp_closed(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    talk(TGV_S(10), true);
    assert_int_equal(b.stream_count, 0);
    assert_true(debug_says("\"tcp_used\":false"));
    assert_true(debug_says("\"udp_avail\":true"));
}

static void test_eng_34_during_a_call_too(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    talk(TGV_S(4), true);
    assert_int_equal(b.stream_count, 0);
    b.answer_probes = false;
    tgv_bench_run(&b, TGV_S(3)); /* silence */
    assert_int_equal(b.stream_count, 1);
    assert_in_range(b.streams[0].at, TGV_S(4) + TGV_MS(500),
                    TGV_S(4) + TGV_MS(1500));
}

static void test_eng_22_bad_udp_opens_tcp_and_stays(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    b.answer_probes = false; /* the first was answered: one of four */
    talk(TGV_MS(3000), true);
    assert_int_equal(b.stream_count, 1);
    talk(TGV_S(6), true); /* the call works: no reason to leave */
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    assert_true(debug_says("\"udp_avail\":false"));
}

static void test_reach_use_tcp_false_means_never(void **state)
{
    (void)state;
    config.use_tcp = false;
    init_without_udp();
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_run(&b, TGV_S(12));
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(b.stream_count, 0);
    assert_true(debug_says("\"udp_avail\":false"));
    assert_true(debug_says("\"tcp_used\":false"));
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 10); /* by UDP still */
}

static void test_reach_force_tcp_makes_every_relay_one(void **state)
{
    (void)state;
    config.force_tcp = true;
    config.use_tcp = false; /* must not matter */
    o.relays = 2;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(3));
    assert_int_equal(b.stream_count, 2);
    for (unsigned i = 0; i < b.count; i++)
        assert_true(b.log[i].stream >= 0);
}

static void test_reach_given_tcp_relays_are_not_copied(void **state)
{
    (void)state;
    o.relays = 3;
    o.tcp_relays = 1;
    init_without_udp();
    assert_int_equal(b.stream_count, 0); /* UDP may work */
    tgv_bench_run(&b, TGV_S(8));
    assert_int_equal(b.stream_count, 1);
    assert_true(tgv_addr_equal(&b.streams[0].to, &b.relay_addr[2]));
}

/* Where the peer can reach only those, they must know us. */
static void test_reach_given_tcp_relays_while_the_peer_is_silent(void **state)
{
    (void)state;
    o.relays = 2;
    o.tcp_relays = 1;
    tgv_bench_init(&b, &o); /* UDP answers */
    tgv_bench_run(&b, TGV_MS(600));
    assert_int_equal(b.stream_count, 0);
    tgv_bench_run(&b, TGV_MS(300));
    assert_int_equal(b.stream_count, 1);
    b.via = 0;
    tgv_bench_init_packet(&b, 1);
    tgv_bench_ack_packet(&b, 1);
    tgv_bench_media(&b, 1, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).path_id, 101);
}

static void test_reach_copies_are_made_once(void **state)
{
    (void)state;
    o.relays = 3;
    o.receive_timeout = TGV_S(100);
    o.init_timeout = TGV_S(100);
    init_without_udp();
    tgv_bench_run(&b, TGV_S(2));
    assert_int_equal(b.stream_count, 3);
    for (int i = 0; i < 5; i++) {
        tgv_reach_restart(b.call, b.now);
        tgv_reach_urgent(b.call, b.now);
        tgv_bench_run(&b, TGV_S(4));
    }
    assert_int_equal(b.call->paths.count, 6);
    assert_int_equal(tgv_bench_live_streams(&b), 3);
}

static void test_reach_urgent_opens_at_once(void **state)
{
    (void)state;
    o.relays = 2;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(100));
    assert_int_equal(b.stream_count, 0);
    tgv_reach_urgent(b.call, b.now);
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(b.stream_count, 2);
    assert_int_equal(b.streams[1].at, TGV_MS(100));
}

/* -- the way there and back -------------------------------------------------------- */

/* Over TCP, with a first stream as road. */
static void establish_over_tcp(void)
{
    init_without_udp();
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_run(&b, TGV_S(1));
    b.via = 0;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_29_the_server_s_id_is_told(void **state)
{
    (void)state;
    establish_over_tcp();
    talk(TGV_S(3), false);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
    assert_int_equal(tgv_bench_stats(&b).path_id, 100);
    assert_int_equal(tgv_call_preferred_relay(b.call), 100);
    assert_int_equal(b.route_ids[0], 100);
    assert_true(debug_says("\"pref_relay\":\"100\""));
}

static void test_eng_21_udp_is_not_used_while_it_is_silent(void **state)
{
    unsigned from;

    (void)state;
    establish_over_tcp();
    talk(TGV_S(4), false);
    assert_false(b.call->reach.udp);
    from = b.count;
    talk(TGV_S(3), false);
    for (unsigned i = from; i < b.count; i++)
        assert_true(b.log[i].stream >= 0 ||
                    b.log[i].control == TGV_CONTROL_PING);
}

static void test_eng_21_udp_is_used_again_when_pongs_come(void **state)
{
    (void)state;
    establish_over_tcp();
    b.audio = true;
    talk(TGV_S(5), false);
    assert_false(b.call->reach.udp);
    b.answer_probes = true;
    talk(TGV_MS(3200), true); /* at most until the next rare ping */
    assert_true(b.call->reach.udp);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
    talk(TGV_S(12), true);
    assert_true(debug_says("\"udp_avail\":true"));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    assert_int_equal(b.route_count, 2);
}

/* A relay delivers where it heard us last: on the stream, with the sound. */
static void test_eng_21_pongs_to_udp_may_come_on_the_stream(void **state)
{
    (void)state;
    establish_over_tcp();
    stream_answers = true;
    talk(TGV_S(5), false);
    b.answer_probes = true;
    talk(TGV_S(12), true);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    assert_int_equal(b.route_count, 2);
}

/* They prove one way only. */
static void test_eng_21_pongs_on_the_stream_alone_prove_no_udp(void **state)
{
    (void)state;
    establish_over_tcp();
    stream_answers = true;
    talk(TGV_S(20), true);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
}

/* The first INIT came over TCP, but UDP is fine. */
static void test_eng_21_a_call_that_began_on_tcp_goes_to_udp(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_settle(&b);
    b.via = 0;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
    talk(TGV_MS(4500), true);
    assert_true(tgv_reach_udp_steady(b.call));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
}

/* Near a relay it is chance which transport was faster. */
static void test_reach_udp_is_not_left_for_less_than_a_millisecond(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_settle(&b);
    for (unsigned i = 0; i < b.call->paths.count; i++) {
        struct tgv_path *p = &b.call->paths.list[i];
        bool tcp = p->type == TGV_PATH_TCP_RELAY;
        tgv_rtt_clear(&p->rtt);
        tgv_rtt_add(&p->rtt, tcp ? 90 : 900, b.now);
        assert_true(tgv_path_open(b.call, i));
    }
    tgv_choice_run(b.call, b.now);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
}

/* Two answers of three are not yet good UDP, whatever is measured. */
static void test_eng_21_unsteady_udp_does_not_take_over(void **state)
{
    (void)state;
    establish_over_tcp();
    talk(TGV_S(5), false);
    for (int i = 0; i < 40; i++) {
        b.answer_probes = i % 3 != 0;
        talk(TGV_MS(500), true);
    }
    assert_true(b.call->reach.udp);
    assert_false(tgv_reach_udp_steady(b.call));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
}

static void test_eng_21_streams_gone_udp_is_tried(void **state)
{
    (void)state;
    establish_over_tcp();
    talk(TGV_S(4), false);
    assert_false(b.call->reach.udp);
    b.tcp = TGV_BENCH_HOLD;
    tgv_bench_tcp_event(&b, 0, TGV_IO_CLOSED);
    tgv_bench_run(&b, TGV_MS(300));
    assert_true(b.call->reach.udp);
}

static void test_reach_a_new_network_opens_streams_anew(void **state)
{
    (void)state;
    establish_over_tcp();
    talk(TGV_S(3), false);
    tgv_reach_moved(b.call, b.now);
    tgv_bench_settle(&b);
    assert_true(b.streams[0].gone);
    assert_int_equal(b.stream_count, 2);
    assert_true(b.call->reach.udp);
    b.via = 1;
    talk(TGV_S(1), false);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_reach_a_udp_socket_is_no_need_for_tcp_relays(void **state)
{
    (void)state;
    o.tcp_relays = 1;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    tgv_bench_event(&b, TGV_IO_FAILED);
    assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_run(&b, TGV_MS(100));
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_34_tcp_is_opened_soon_without_pongs),
        T(test_eng_34_udp_goes_on_being_probed),
        T(test_reach_udp_is_not_left_for_less_than_a_millisecond),
        T(test_eng_34_init_goes_over_tcp_at_once),
        T(test_eng_34_pongs_keep_tcp_closed),
        T(test_eng_34_during_a_call_too),
        T(test_eng_22_bad_udp_opens_tcp_and_stays),
        T(test_reach_use_tcp_false_means_never),
        T(test_reach_force_tcp_makes_every_relay_one),
        T(test_reach_given_tcp_relays_are_not_copied),
        T(test_reach_given_tcp_relays_while_the_peer_is_silent),
        T(test_reach_copies_are_made_once),
        T(test_reach_urgent_opens_at_once),
        T(test_eng_29_the_server_s_id_is_told),
        T(test_eng_21_udp_is_not_used_while_it_is_silent),
        T(test_eng_21_udp_is_used_again_when_pongs_come),
        T(test_eng_21_pongs_to_udp_may_come_on_the_stream),
        T(test_eng_21_pongs_on_the_stream_alone_prove_no_udp),
        T(test_eng_21_a_call_that_began_on_tcp_goes_to_udp),
        T(test_eng_21_unsteady_udp_does_not_take_over),
        T(test_eng_21_streams_gone_udp_is_tried),
        T(test_reach_a_new_network_opens_streams_anew),
        T(test_reach_a_udp_socket_is_no_need_for_tcp_relays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
