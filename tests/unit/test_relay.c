/* SPDX-License-Identifier: MIT */
/* rooms: relay wire base */
#include "base/addr.h"
#include "base/random.h"
#include "relay/relay.h"
#include "relay/sessions.h"
#include "relay/sources.h"
#include "wire/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

#include "support/relay_core.h"

#define DATE 1700000000u

static uint32_t date(void *ctx)
{
    (void)ctx;
    return DATE;
}

static struct tgv_relay_config default_config(void)
{
    struct tgv_relay_config config = {.date = date, .hash_seed = 1};

    tgv_relay_limits_init(&config.limits);
    return config;
}

static void start_open(struct fixture *f)
{
    struct tgv_relay_config config = default_config();

    config.open = true;
    start(f, &config);
}

/* A datagram of len bytes with tag n, side, and content that is not control. */
static enum tgv_relay_verdict send_data(struct fixture *f, const char *from,
                                        uint32_t n, unsigned side, size_t len)
{
    struct tgv_addr a = at(from);

    for (size_t i = 16; i < len; i++)
        f->pkt[i] = (uint8_t)i;
    put_tag(f->pkt, n, side);
    tgv_relay_receive(f->relay, &a, f->pkt, len, f->now, &f->out);
    return f->out.verdict;
}

static enum tgv_relay_verdict send_control(struct fixture *f, const char *from,
                                           uint32_t n, unsigned side,
                                           enum tgv_control_kind kind,
                                           struct tgv_control *answer)
{
    struct tgv_control m = {.kind = kind, .query_id = 0x1122334455667788u};
    struct tgv_addr a = at(from);
    size_t len;

    put_tag(m.tag, n, side);
    assert_int_equal(tgv_control_encode(&m, f->pkt, sizeof(f->pkt), &len), 0);
    tgv_relay_receive(f->relay, &a, f->pkt, len, f->now, &f->out);
    memset(answer, 0, sizeof(*answer));
    if (f->out.verdict == TGV_RELAY_REPLY) {
        tgv_control_decode(answer, f->out.pkt, f->out.len);
        assert_memory_equal(answer->tag, m.tag, 16); /* the requester's own */
        assert_true(tgv_addr_equal(&f->out.to, &a));
    }
    return f->out.verdict;
}

static void assert_addr(const struct tgv_addr *a, const char *text)
{
    char buf[TGV_ADDR_TEXT];

    assert_string_equal(tgv_addr_format(a, buf, sizeof(buf)), text);
}

static bool flow_address(const struct fixture *f, uint64_t flow,
                         struct tgv_addr *to)
{
    uint32_t conn = 1;
    bool known = tgv_relay_flow_way(f->relay, flow, to, &conn);

    assert_int_equal(conn, 0); /* UDP */
    return known;
}

static void test_relay_forwards_and_changes_only_the_tag_bit(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t expected[200];

    start_open(&f);
    assert_int_equal(send_data(&f, "1.1.1.1:1", 7, CALLER, 200),
                     TGV_RELAY_DROP); /* nobody there yet */
    assert_int_equal(stats(&f).dropped_no_peer, 1);
    for (unsigned side = 0; side < 2; side++) {
        const char *from = side ? "2.2.2.2:2" : "1.1.1.1:1";
        assert_int_equal(send_data(&f, "2.2.2.2:2", 7, CALLEE, 16),
                         TGV_RELAY_DROP); /* registers */
        memcpy(expected, f.pkt, 16);
        assert_int_equal(send_data(&f, from, 7, side, 200), TGV_RELAY_FORWARD);
        for (size_t i = 16; i < 200; i++)
            expected[i] = (uint8_t)i;
        put_tag(expected, 7, 1 - side);
        assert_addr(&f.out.to, side ? "1.1.1.1:1" : "2.2.2.2:2");
        assert_int_equal(f.out.len, 200);
        assert_ptr_equal(f.out.pkt, f.pkt); /* no copy */
        assert_memory_equal(f.out.pkt, expected, 200);
    }
    assert_int_equal(stats(&f).packets_forwarded, 2);
    assert_int_equal(stats(&f).bytes_forwarded, 400);
    assert_int_equal(stats(&f).sessions, 1);
    stop(&f);
}

static void test_relay_every_length_is_handled(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = default_config();

    config.open = true;
    config.limits.packets_per_side_s = 100000;
    config.limits.kbit_per_side_s = 1000000;
    start(&f, &config);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (size_t len = 0; len <= 1600; len++) {
        enum tgv_relay_verdict v = send_data(&f, "1.1.1.1:1", 1, CALLER, len);
        bool passes = len > 16 && len <= 1500;
        assert_int_equal(v, passes ? TGV_RELAY_FORWARD : TGV_RELAY_DROP);
    }
    assert_int_equal(stats(&f).dropped_short, 16);
    assert_int_equal(stats(&f).dropped_large, 100);
    stop(&f);
}

static void test_relay_closed_takes_allowed_tags_only(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = default_config();
    struct tgv_control m;
    uint8_t tag[16];

    start(&f, &config);
    put_tag(tag, 1, CALLEE); /* either tag of the pair names the session */
    assert_int_equal(tgv_relay_add_session(f.relay, tag), 0);
    assert_int_equal(tgv_relay_add_session(f.relay, tag), 0);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 50),
                     TGV_RELAY_FORWARD);
    assert_int_equal(send_data(&f, "1.1.1.1:1", 2, CALLER, 50), TGV_RELAY_DROP);
    assert_int_equal(
        send_control(&f, "1.1.1.1:1", 2, CALLER, TGV_CONTROL_PING, &m),
        TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_unknown_tag, 2);
    assert_int_equal(stats(&f).sessions, 1);
    stop(&f);
}

static void test_relay_self_info_tells_the_source_address(void **state)
{
    (void)state;
    static const char *const from[] = {"9.8.7.6:54321", "[2001:db8::1]:65535"};
    struct fixture f;
    struct tgv_control m;

    start_open(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            send_control(&f, from[i], 1, CALLER, TGV_CONTROL_PING, &m),
            TGV_RELAY_REPLY);
        assert_int_equal(f.out.len, 64);
        assert_int_equal(m.kind, TGV_CONTROL_SELF_INFO);
        assert_int_equal(m.date, DATE);
        assert_true(m.query_id == 0x1122334455667788u);
        assert_addr(&m.self, from[i]);
    }
    assert_int_equal(stats(&f).control_answered, 2);
    stop(&f);
}

static void test_relay_peer_info_by_family(void **state)
{
    (void)state;
    static const struct {
        const char *caller, *callee;
        enum tgv_control_kind kind;
        size_t len;
    } cases[] = {
        {"1.1.1.1:1", "2.2.2.2:2", TGV_CONTROL_PEER_INFO, 48},
        {"[2001:db8::1]:1", "[2001:db8::2]:2", TGV_CONTROL_PEER_INFO_IPV6, 72},
        {"1.1.1.1:1", "[2001:db8::2]:2", TGV_CONTROL_NONE, 0},
        {"[2001:db8::1]:1", "2.2.2.2:2", TGV_CONTROL_NONE, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;
        struct tgv_control m;

        start_open(&f);
        /* The peer is not known yet: silence. */
        assert_int_equal(send_control(&f, cases[i].caller, 1, CALLER,
                                      TGV_CONTROL_PEER_REQUEST, &m),
                         TGV_RELAY_DROP);
        send_data(&f, cases[i].callee, 1, CALLEE, 16);
        assert_int_equal(send_control(&f, cases[i].caller, 1, CALLER,
                                      TGV_CONTROL_PEER_REQUEST, &m),
                         cases[i].len ? TGV_RELAY_REPLY : TGV_RELAY_DROP);
        assert_int_equal(m.kind, cases[i].kind);
        assert_int_equal(f.out.len, cases[i].len);
        if (cases[i].len) {
            assert_addr(&m.self, cases[i].caller);
            assert_addr(&m.peer, cases[i].callee);
        }
        stop(&f);
    }
}

static void test_relay_both_sides_learn_each_other(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_control m;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    send_control(&f, "2.2.2.2:2", 1, CALLEE, TGV_CONTROL_PEER_REQUEST, &m);
    assert_addr(&m.peer, "1.1.1.1:1");
    send_control(&f, "1.1.1.1:1", 1, CALLER, TGV_CONTROL_PEER_REQUEST, &m);
    assert_addr(&m.peer, "2.2.2.2:2");
    stop(&f);
}

static void test_relay_two_families_of_one_side_are_no_move(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_control m;

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (int i = 0; i < 10; i++) {
        /* reached where it was heard last */
        assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 50),
                         TGV_RELAY_FORWARD);
        send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
        assert_addr(&f.out.to, "1.1.1.1:1");
        assert_int_equal(send_data(&f, "[2001:db8::1]:1", 1, CALLER, 50),
                         TGV_RELAY_FORWARD);
        send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
        assert_addr(&f.out.to, "[2001:db8::1]:1");
    }
    assert_int_equal(stats(&f).dropped_move, 0);
    assert_int_equal(
        send_control(&f, "2.2.2.2:2", 1, CALLEE, TGV_CONTROL_PEER_REQUEST, &m),
        TGV_RELAY_REPLY);
    assert_addr(&m.peer, "1.1.1.1:1"); /* IPv4 asks, IPv4 is told */
    stop(&f);
}

static void test_relay_control_leaves_the_family_of_the_call(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_control m;

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    /* Before the call: the last one heard. */
    send_data(&f, "1.1.1.1:1", 1, CALLER, 16);
    send_control(&f, "[2001:db8::1]:1", 1, CALLER, TGV_CONTROL_PING, &m);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    assert_addr(&f.out.to, "[2001:db8::1]:1");
    /* In the call: where its data came from. */
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    send_control(&f, "[2001:db8::1]:1", 1, CALLER, TGV_CONTROL_PING, &m);
    send_data(&f, "[2001:db8::1]:1", 1, CALLER, 16);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    assert_addr(&f.out.to, "1.1.1.1:1");
    stop(&f);
}

static void test_relay_control_is_never_forwarded(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr a = at("1.1.1.1:1");

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    /* Twelve FF and any kind, known or not, of any length. */
    for (size_t len = 28; len <= 80; len++) {
        for (unsigned kind = 0; kind <= 0xFF; kind += 5) {
            memset(f.pkt, 0xFF, 32);
            memset(f.pkt + 32, 0, 80);
            f.pkt[28] = (uint8_t)kind;
            put_tag(f.pkt, 1, CALLER);
            tgv_relay_receive(f.relay, &a, f.pkt, len, f.now, &f.out);
            assert_int_not_equal(f.out.verdict, TGV_RELAY_FORWARD);
        }
    }
    assert_int_equal(stats(&f).packets_forwarded, 0);
    /* Eleven FF are call data. */
    memset(f.pkt, 0xFF, 64);
    f.pkt[27] = 0;
    put_tag(f.pkt, 1, CALLER);
    tgv_relay_receive(f.relay, &a, f.pkt, 64, f.now, &f.out);
    assert_int_equal(f.out.verdict, TGV_RELAY_FORWARD);
    stop(&f);
}

static void test_relay_short_requests_are_not_answered(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr a = at("1.1.1.1:1");

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (size_t len = 28; len < 40; len++) {
        memset(f.pkt, 0xFF, 40);
        f.pkt[28] = 0xFE; /* ping */
        put_tag(f.pkt, 1, CALLER);
        tgv_relay_receive(f.relay, &a, f.pkt, len, f.now, &f.out);
        assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    }
    for (size_t len = 28; len < 32; len++) {
        memset(f.pkt, 0xFF, 40); /* peer info request */
        put_tag(f.pkt, 1, CALLER);
        tgv_relay_receive(f.relay, &a, f.pkt, len, f.now, &f.out);
        assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    }
    stop(&f);
}

static void test_relay_never_speaks_unasked(void **state)
{
    (void)state;
    struct fixture f;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 16);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (int i = 0; i < 1000; i++, f.now += TGV_MS(20)) {
        /* including address changes */
        send_data(&f, i % 60 == 59 ? "3.3.3.3:3" : "1.1.1.1:1", 1, CALLER, 50);
        assert_int_not_equal(f.out.verdict, TGV_RELAY_REPLY);
    }
    stop(&f);
}

static void test_relay_limits_packets_per_side(void **state)
{
    (void)state;
    struct fixture f;

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (int i = 0; i < 150; i++)
        assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 20),
                         i < 100 ? TGV_RELAY_FORWARD : TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_rate, 50);
    /* the other side has its own */
    assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 20),
                     TGV_RELAY_FORWARD);
    f.now += TGV_MS(10) - 1;
    assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 20), TGV_RELAY_DROP);
    f.now += 1;
    assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 20),
                     TGV_RELAY_FORWARD);
    /* 100 a second for as long as one likes */
    for (int i = 0; i < 1000; i++) {
        f.now += TGV_MS(10);
        assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 20),
                         TGV_RELAY_FORWARD);
    }
    stop(&f);
}

static void test_relay_limits_bits_per_side(void **state)
{
    (void)state;
    struct fixture f;
    size_t passed = 0;

    start_open(&f);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 16);
    for (int i = 0; i < 50; i++)
        passed +=
            send_data(&f, "1.1.1.1:1", 1, CALLER, 1000) == TGV_RELAY_FORWARD;
    assert_int_equal(passed, 32); /* 256 kbit at once */
    for (int i = 0; i < 1000; i++, f.now += TGV_MS(20))
        passed +=
            send_data(&f, "1.1.1.1:1", 1, CALLER, 1000) == TGV_RELAY_FORWARD;
    assert_in_range(passed, 32 + 20 * 32 - 1, 32 + 20 * 32);
    stop(&f);
}

static void test_relay_limits_control_answers_per_source(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_control m;

    start_open(&f);
    for (int i = 0; i < 20; i++)
        /* other tags do not help */
        assert_int_equal(send_control(&f, "1.1.1.1:1", (uint32_t)i, CALLER,
                                      TGV_CONTROL_PING, &m),
                         i < 10 ? TGV_RELAY_REPLY : TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_control_rate, 10);
    assert_int_equal(
        send_control(&f, "1.1.1.1:2", 50, CALLER, TGV_CONTROL_PING, &m),
        TGV_RELAY_REPLY); /* another port: another source */
    f.now += TGV_MS(100);
    assert_int_equal(
        send_control(&f, "1.1.1.1:1", 1, CALLER, TGV_CONTROL_PING, &m),
        TGV_RELAY_REPLY);
    assert_int_equal(
        send_control(&f, "1.1.1.1:1", 1, CALLER, TGV_CONTROL_PING, &m),
        TGV_RELAY_DROP);
    stop(&f);
}

static void test_relay_source_flood_lifts_no_control_limit(void **state)
{
    (void)state;
    struct tgv_sources s;
    struct tgv_hash_key key;
    struct tgv_addr victim = at("1.1.1.1:1"), other = at("2.2.2.2:1");
    unsigned answered = 0;

    tgv_hash_key_init(&key, 5);
    assert_int_equal(tgv_sources_init(&s, &key, 64), 0);
    for (unsigned i = 0; i < 5000; i++) {
        other.port = (uint16_t)(i + 1);
        answered += tgv_sources_take(&s, &victim, TGV_MS(100), 0);
        tgv_sources_take(&s, &other, TGV_MS(100), 0);
    }
    assert_int_equal(answered, 10);
    tgv_sources_fini(&s);
}

static void test_relay_limits_moves_per_side(void **state)
{
    (void)state;
    struct fixture f;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    /* One change passes (NAT rebinding, handover) and is followed... */
    assert_int_equal(send_data(&f, "1.1.1.1:9", 1, CALLER, 50),
                     TGV_RELAY_FORWARD);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    assert_addr(&f.out.to, "1.1.1.1:9");
    /* ...the next within a second is a spoof or a fault: dropped whole. */
    f.now += TGV_S(1) - 1;
    assert_int_equal(send_data(&f, "6.6.6.6:6", 1, CALLER, 50), TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_move, 1);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    assert_addr(&f.out.to, "1.1.1.1:9");
    /* the side's own packets go on, and the other side may move */
    assert_int_equal(send_data(&f, "1.1.1.1:9", 1, CALLER, 50),
                     TGV_RELAY_FORWARD);
    assert_int_equal(send_data(&f, "2.2.2.2:3", 1, CALLEE, 50),
                     TGV_RELAY_FORWARD);
    f.now += 1;
    assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 50),
                     TGV_RELAY_FORWARD);
    stop(&f);
}

static void test_relay_spoofed_moves_get_no_control_answers(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_control m;
    unsigned answers = 0;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    for (unsigned i = 0; i < 200; i++, f.now += TGV_MS(5)) {
        char from[32];
        snprintf(from, sizeof(from), "6.6.%u.6:6", i);
        answers += send_control(&f, from, 1, CALLER, TGV_CONTROL_PING, &m) ==
                   TGV_RELAY_REPLY;
    }
    assert_in_range(answers, 1, 2); /* in one second */
    stop(&f);
}

static void test_relay_expires_a_session_after_60_s_of_silence(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr to;
    uint64_t flow;

    start_open(&f);
    assert_true(tgv_relay_deadline(f.relay) == TGV_NEVER);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    f.now += TGV_S(30);
    assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 50),
                     TGV_RELAY_FORWARD);
    flow = f.out.flow;
    assert_true(tgv_relay_deadline(f.relay) == f.now + TGV_S(60));
    f.now += TGV_S(60) - 1;
    tgv_relay_expire(f.relay, f.now);
    assert_int_equal(stats(&f).sessions, 1);
    assert_true(flow_address(&f, flow, &to));
    f.now += 1;
    tgv_relay_expire(f.relay, f.now);
    assert_int_equal(stats(&f).sessions, 0);
    assert_int_equal(stats(&f).sessions_expired, 1);
    assert_false(flow_address(&f, flow, &to));
    assert_true(tgv_relay_deadline(f.relay) == TGV_NEVER);
    /* A new one with the same tag is another: its sides are not known. */
    assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 50), TGV_RELAY_DROP);
    assert_false(flow_address(&f, flow, &to));
    stop(&f);
}

static void test_relay_packet_after_idle_time_meets_no_old_session(void **state)
{
    (void)state;
    struct fixture f;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    f.now += TGV_S(60); /* expire() has not been called */
    assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 50), TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_no_peer, 2);
    stop(&f);
}

static void test_relay_allowed_session_stays_but_forgets(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = default_config();
    uint8_t tag[16];

    start(&f, &config);
    put_tag(tag, 1, CALLER);
    assert_int_equal(tgv_relay_add_session(f.relay, tag), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_data(&f, "1.1.1.1:1", 1, CALLER, 50),
                         TGV_RELAY_DROP);
        assert_int_equal(send_data(&f, "2.2.2.2:2", 1, CALLEE, 50),
                         TGV_RELAY_FORWARD);
        f.now += TGV_S(61);
        tgv_relay_expire(f.relay, f.now);
        assert_int_equal(stats(&f).sessions, 0);
    }
    assert_int_equal(stats(&f).sessions_created, 3);
    assert_int_equal(stats(&f).sessions_expired, 3);
    assert_int_equal(stats(&f).dropped_unknown_tag, 0);
    stop(&f);
}

static void test_relay_flow_follows_the_newest_address(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr to;
    uint64_t to_callee, to_caller;

    start_open(&f);
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    send_data(&f, "2.2.2.2:2", 1, CALLEE, 50);
    to_caller = f.out.flow;
    send_data(&f, "1.1.1.1:1", 1, CALLER, 50);
    to_callee = f.out.flow;
    assert_true(to_caller != to_callee);
    send_data(&f, "3.3.3.3:3", 1, CALLEE, 50);
    assert_true(f.out.flow == to_caller);
    assert_true(flow_address(&f, to_callee, &to));
    assert_addr(&to, "3.3.3.3:3");
    assert_true(flow_address(&f, to_caller, &to));
    assert_addr(&to, "1.1.1.1:1");
    assert_false(flow_address(&f, UINT64_MAX, &to));
    stop(&f);
}

static void test_relay_session_flood_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = default_config();
    uint8_t tag[16];

    config.open = true;
    config.limits.sessions = 100;
    start(&f, &config);
    send_data(&f, "1.1.1.1:1", 0, CALLER, 50);
    for (uint32_t i = 1; i < 5000; i++)
        send_data(&f, "6.6.6.6:6", i, CALLER, 50);
    assert_int_equal(stats(&f).sessions, 100);
    assert_int_equal(stats(&f).sessions_refused, 4900);
    put_tag(tag, 6000, CALLER);
    assert_int_equal(tgv_relay_add_session(f.relay, tag), TGVOIP_ERR_TOO_LARGE);
    /* the call that was there first goes on */
    assert_int_equal(send_data(&f, "2.2.2.2:2", 0, CALLEE, 50),
                     TGV_RELAY_FORWARD);
    /* and after the flood there is room again, in the same memory */
    for (int round = 0; round < 3; round++) {
        f.now += TGV_S(60);
        tgv_relay_expire(f.relay, f.now);
        assert_int_equal(stats(&f).sessions, 0);
        for (uint32_t i = 0; i < 100; i++)
            send_data(&f, "6.6.6.6:6", 10000 + i, CALLER, 50);
        assert_int_equal(stats(&f).sessions, 100);
    }
    assert_int_equal(stats(&f).sessions_refused, 4900);
    stop(&f);
}

static void test_relay_sessions_survive_random_use(void **state)
{
    (void)state;
    struct tgv_sessions s;
    struct tgv_hash_key key;
    struct tgv_prng g;
    struct tgv_session *session;
    bool known[64] = {0};
    unsigned count = 0;
    uint8_t tag[16];

    tgv_hash_key_init(&key, 1);
    tgv_prng_init(&g, 42);
    assert_int_equal(tgv_sessions_init(&s, &key, 0), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_sessions_init(&s, &key, TGV_SESSIONS_MAX + 1),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_sessions_init(&s, &key, 32), 0);
    for (tgv_time now = 0; now < 20000; now++) {
        uint32_t n = tgv_prng_below(&g, 64);
        put_tag(tag, n, n & 1);
        session = tgv_sessions_find(&s, tag);
        assert_int_equal(session != NULL, known[n]);
        if (tgv_prng_below(&g, 3) == 0 && count > 0) {
            session = tgv_sessions_oldest(&s);
            memcpy(&n, session->tag, sizeof(n));
            assert_true(known[n]);
            known[n] = false;
            count--;
            tgv_sessions_expire(&s, session);
            continue;
        }
        if (!session) {
            session = tgv_sessions_add(&s, tag);
            assert_int_equal(session != NULL, count < 32);
            count += session != NULL;
            known[n] = session != NULL;
        }
        if (session)
            tgv_sessions_touch(&s, session, now);
        assert_int_equal(s.alive, count);
    }
    tgv_sessions_fini(&s);
}

static void test_relay_garbage_does_no_harm(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_prng g;

    start_open(&f);
    print_message("seed 20240607\n");
    tgv_prng_init(&g, 20240607);
    for (int i = 0; i < 100000; i++) {
        struct tgv_addr a = at("1.2.3.4:1");
        size_t len = tgv_prng_below(&g, 1601);
        if (tgv_prng_below(&g, 2))
            len = tgv_prng_below(&g, 80);
        a.port = (uint16_t)tgv_prng_u64(&g);
        a.ip[0] = (uint8_t)tgv_prng_below(&g, 4);
        for (size_t k = 0; k < len && k < 80; k++)
            f.pkt[k] = (uint8_t)tgv_prng_u64(&g);
        if (len >= 16 && tgv_prng_below(&g, 2))
            put_tag(f.pkt, tgv_prng_below(&g, 8), tgv_prng_below(&g, 2));
        if (len >= 28 && tgv_prng_below(&g, 3) == 0)
            memset(f.pkt + 16, 0xFF, len < 32 ? len - 16 : 16);
        tgv_relay_receive(f.relay, &a, f.pkt, len, f.now, &f.out);
        f.now += tgv_prng_below(&g, 10000);
        assert_true(f.out.len <= 1500);
    }
    assert_int_equal(stats(&f).packets_in, 100000);
    assert_true(stats(&f).packets_forwarded > 0);
    assert_true(stats(&f).control_answered > 0);
    assert_true(stats(&f).sessions <= 10000);
    stop(&f);
    tgv_relay_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_forwards_and_changes_only_the_tag_bit),
        cmocka_unit_test(test_relay_every_length_is_handled),
        cmocka_unit_test(test_relay_closed_takes_allowed_tags_only),
        cmocka_unit_test(test_relay_self_info_tells_the_source_address),
        cmocka_unit_test(test_relay_peer_info_by_family),
        cmocka_unit_test(test_relay_both_sides_learn_each_other),
        cmocka_unit_test(test_relay_two_families_of_one_side_are_no_move),
        cmocka_unit_test(test_relay_control_leaves_the_family_of_the_call),
        cmocka_unit_test(test_relay_control_is_never_forwarded),
        cmocka_unit_test(test_relay_short_requests_are_not_answered),
        cmocka_unit_test(test_relay_never_speaks_unasked),
        cmocka_unit_test(test_relay_limits_packets_per_side),
        cmocka_unit_test(test_relay_limits_bits_per_side),
        cmocka_unit_test(test_relay_limits_control_answers_per_source),
        cmocka_unit_test(test_relay_source_flood_lifts_no_control_limit),
        cmocka_unit_test(test_relay_limits_moves_per_side),
        cmocka_unit_test(test_relay_spoofed_moves_get_no_control_answers),
        cmocka_unit_test(test_relay_expires_a_session_after_60_s_of_silence),
        cmocka_unit_test(
            test_relay_packet_after_idle_time_meets_no_old_session),
        cmocka_unit_test(test_relay_allowed_session_stays_but_forgets),
        cmocka_unit_test(test_relay_flow_follows_the_newest_address),
        cmocka_unit_test(test_relay_session_flood_is_bounded),
        cmocka_unit_test(test_relay_sessions_survive_random_use),
        cmocka_unit_test(test_relay_garbage_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
