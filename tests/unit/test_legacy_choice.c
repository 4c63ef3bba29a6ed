/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* Which road is taken, and how soon a dead one is left. The far end is played:
 * each road has a round trip, losses and a direction in which it is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "legacy/internal.h"
#include "support/bench_call.h"

#include <stdio.h>
#include <string.h>

#define ROADS 3 /* relay 0, relay 1, direct */
#define DIRECT 2
#define ROUTES_MAX 64 /* that the bench keeps */

static const struct tgv_addr me = {TGV_AF_IPV4, 4000, {192, 0, 2, 1}};
static const struct tgv_addr peer = {TGV_AF_IPV4, 30000, {203, 0, 113, 7}};

static struct road {
    tgv_time rtt;
    bool dead_to, dead_from; /* the peer */
    unsigned loss; /* percent, each way */
    tgv_time jitter;
} roads[ROADS];
static unsigned talks_on; /* road that the peer's sound takes */
static bool peer_silent;
static tgv_time peer_sends_every;
static unsigned next; /* of the call's packets: not yet at the peer */
static struct tgv_prng luck;
static uint32_t pts;
static struct pending { /* on its way to the call */
    tgv_time at;
    unsigned road;
    uint8_t type;
    uint32_t pong;
} queue[4096];
static unsigned queued;
static tgv_time media_at; /* newest of the call's sound arrived there */
static tgv_time pause; /* the longest between two */

static int reset(void **state)
{
    reset_options(state);
    o.allow_p2p = true;
    o.relays = 2;
    for (unsigned i = 0; i < ROADS; i++)
        roads[i] = (struct road){.rtt = TGV_MS(40)};
    roads[DIRECT].dead_to = roads[DIRECT].dead_from = true; /* not yet */
    talks_on = 0;
    peer_silent = false;
    peer_sends_every = TGV_MS(60);
    next = queued = 0;
    tgv_prng_init(&luck, 11);
    media_at = 0;
    return 0;
}

static bool lost(unsigned road)
{
    return tgv_prng_below(&luck, 100) < roads[road].loss;
}

static tgv_time half(unsigned road)
{
    tgv_time jitter = roads[road].jitter;

    return roads[road].rtt / 2 +
           (jitter ? (tgv_time)tgv_prng_below(&luck, (uint32_t)jitter) : 0);
}

static unsigned road_of(const struct tgv_bench_packet *p)
{
    return p->relay < o.relays ? p->relay : DIRECT;
}

static void send_back(tgv_time at, unsigned road, uint8_t type, uint32_t seq)
{
    if (roads[road].dead_from || lost(road) || queued == 4096)
        return;
    queue[queued++] = (struct pending){at + half(road), road, type, seq};
}

static void hear(uint32_t seq)
{
    if (seq > b.ack) {
        b.mask = seq - b.ack < 32 ? b.mask >> (seq - b.ack) : 0;
        if (b.ack && seq - b.ack <= 32)
            b.mask |= UINT32_C(1) << (32 - (seq - b.ack));
        b.ack = seq;
    } else if (b.ack - seq - 1 < 32) {
        b.mask |= UINT32_C(1) << (31 - (b.ack - seq - 1));
    }
}

static void hear_sound(void)
{
    if (b.now - media_at > pause)
        pause = b.now - media_at;
    media_at = b.now;
}

/* What the call sent has reached the peer. */
static void arrive(void)
{
    for (; next < b.count; next++) {
        const struct tgv_bench_packet *p = &b.log[next];
        unsigned road = road_of(p);
        tgv_time at = p->at + TGV_BENCH_START + roads[road].rtt / 2;
        if (at > b.now)
            return;
        if (!p->opened || roads[road].dead_to || lost(road))
            continue;
        hear(p->h.seq);
        if (p->h.type == TGV_PKT_STREAM_DATA ||
            p->h.type == TGV_PKT_STREAM_DATA_X2 ||
            p->h.type == TGV_PKT_STREAM_DATA_X3)
            hear_sound();
        if (p->h.type == TGV_PKT_PING)
            send_back(b.now, road, TGV_PKT_PONG, p->h.seq);
    }
}

static void deliver(const struct pending *d)
{
    uint8_t body[600];
    size_t len = 0;

    if (d->type == TGV_PKT_PONG)
        len = tgv_pong_encode(d->pong, body);
    if (d->road == DIRECT)
        tgv_bench_send_direct(&b, &peer, d->type, body, len);
    else
        tgv_bench_send(&b, d->road, d->type, body, len);
}

static void deliver_due(void)
{
    for (unsigned i = 0; i < queued;) {
        struct pending d = queue[i];
        if (d.at > b.now) {
            i++;
            continue;
        }
        queue[i] = queue[--queued];
        deliver(&d);
    }
}

/* The log is bounded; what arrived is of no use any more. */
static void forget(void)
{
    if (next < TGV_BENCH_LOG_MAX / 2)
        return;
    memmove(b.log, b.log + next, (b.count - next) * sizeof(*b.log));
    b.count -= next;
    next = 0;
}

static void live(tgv_time length)
{
    for (tgv_time t = 0; t < length; t += TGV_MS(10)) {
        tgv_bench_run(&b, TGV_MS(10));
        arrive();
        if (!peer_silent && b.now % peer_sends_every == 0)
            send_back(b.now, talks_on, TGV_PKT_NOP, pts++);
        deliver_due();
        forget();
    }
}

static void establish(void)
{
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    b.hold_ack = true; /* live() does that */
    b.audio = true;
}

static enum tgv_path_type path(void)
{
    return tgv_bench_stats(&b).path;
}

static int64_t relay(void)
{
    return tgv_bench_stats(&b).path_id - 100;
}

static unsigned deaths(void)
{
    unsigned n = 0;

    assert_true(b.route_count < ROUTES_MAX);
    for (unsigned i = 0; i < b.route_count; i++)
        n += strcmp(b.routes[i], "dead") == 0;
    return n;
}

static void direct_in_use(void)
{
    establish();
    live(TGV_S(1));
    roads[DIRECT] = (struct road){.rtt = TGV_MS(10)};
    tgv_bench_peer_info(&b, 0, &me, &peer);
    live(TGV_S(2));
    assert_int_equal(path(), TGV_PATH_P2P_INET);
    talks_on = DIRECT;
    live(TGV_S(2));
}

/* How long the peer then waits for the call's sound. */
static tgv_time rescue(void)
{
    pause = 0;
    live(TGV_S(3));
    return b.now - media_at > pause ? b.now - media_at : pause;
}

/* -- rescue --------------------------------------------------------------------- */

static void test_eng_24_dead_direct_road_is_left_for_a_relay(void **state)
{
    (void)state;
    direct_in_use();
    roads[DIRECT].dead_to = roads[DIRECT].dead_from = true;
    assert_true(rescue() <= TGV_MS(800));
    assert_string_equal(b.routes[b.route_count - 1], "dead");
    assert_int_equal(path(), TGV_PATH_UDP_RELAY);
}

static void test_eng_24_dead_only_from_us_to_the_peer(void **state)
{
    (void)state;
    direct_in_use();
    roads[DIRECT].dead_to = true; /* we go on hearing it */
    assert_true(rescue() <= TGV_MS(900));
    assert_string_equal(b.routes[b.route_count - 1], "dead");
}

/* What we send still arrives, as acknowledgements on other roads show. */
static void test_eng_24_dead_only_from_the_peer_to_us(void **state)
{
    (void)state;
    direct_in_use();
    roads[DIRECT].dead_from = true;
    assert_true(rescue() <= TGV_MS(200));
    assert_int_equal(deaths(), 0);
    /* a peer that moves when it hears us on a relay has the occasion */
    assert_true(tgv_bench_sent_to(&b, &b.relay_addr[0], TGV_PKT_PING, 0) > 4);
}

static void test_eng_24_dead_relay_is_left_for_another(void **state)
{
    (void)state;
    for (unsigned way = 1; way < 4; way++) {
        reset(NULL);
        for (unsigned i = 0; i < 2; i++)
            roads[i].rtt = TGV_MS(300);
        establish();
        live(TGV_S(6));
        assert_int_equal(relay(), 0);
        roads[0].dead_to = way & 1;
        roads[0].dead_from = way & 2;
        assert_true(rescue() <= TGV_MS(1100) + 2 * TGV_MS(300));
        assert_int_equal(relay(), way & 1);
        if (way < 3)
            tgv_bench_fini(&b);
    }
}

/* A road that was fast before the trouble, but is as dead, is not taken. */
static void test_rescue_trusts_no_older_measure(void **state)
{
    (void)state;
    roads[1].rtt = TGV_MS(200);
    direct_in_use();
    live(TGV_S(12));
    unsigned routes = b.route_count;
    roads[DIRECT].dead_to = roads[DIRECT].dead_from = true;
    roads[0].dead_to = roads[0].dead_from = true;
    talks_on = 1;
    live(TGV_S(8));
    assert_int_equal(relay(), 1);
    assert_int_equal(b.route_count, routes + 1);
}

static bool told_network(unsigned from)
{
    for (unsigned i = from; i < b.count; i++)
        if (tgv_bench_extra(&b.log[i], TGV_EXTRA_NETWORK_CHANGED))
            return true;
    return false;
}

/* It would stay on the relay that is dead; ours finds its way alone. */
static void test_eng_24_original_is_told_to_forget_its_measures(void **state)
{
    uint8_t ours[6];
    const struct tgv_extra tgvx = {.type = TGV_EXTRA_TGVX,
                                   .len = (uint8_t)tgv_tgvx_encode(1, 20, ours),
                                   .data = ours};

    (void)state;
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        reset(NULL);
        establish();
        live(TGV_S(1));
        if (is_ours) {
            b.extras[0] = tgvx;
            b.extra_count = 1;
        }
        live(TGV_S(5));
        assert_false(told_network(0));
        roads[0].dead_to = roads[0].dead_from = true;
        live(TGV_S(2));
        assert_int_equal(relay(), 1);
        assert_int_equal(told_network(0), !is_ours);
        if (!is_ours)
            tgv_bench_fini(&b);
    }
}

static void test_eng_24_original_that_is_not_heard_is_told(void **state)
{
    (void)state;
    establish();
    live(TGV_S(6));
    roads[0].dead_from = true; /* what we send arrives */
    live(TGV_S(2));
    assert_int_equal(relay(), 0);
    assert_true(told_network(0));
}

static uint32_t last_ack(void)
{
    unsigned i = b.count;

    while (i > 0 && !b.log[i - 1].opened)
        i--;
    assert_true(i > 0);
    return b.log[i - 1].h.ack;
}

/* It moves when 32 of its packets are not acknowledged, pongs included; those
 * are all that comes by the other relay. */
static void test_eng_24_pongs_do_not_keep_an_original_on_a_dead_relay(void **s)
{
    (void)s;
    establish();
    live(TGV_S(6));
    roads[0].dead_to = roads[0].dead_from = true;
    live(TGV_S(2));
    assert_int_equal(relay(), 1);
    uint32_t ack = last_ack(), came = b.seq;
    live(TGV_S(2));
    assert_true(b.seq > came + 2);
    assert_int_equal(last_ack(), ack);
    talks_on = 1;
    live(TGV_MS(500));
    assert_true(last_ack() > ack + 5);
}

static void test_rescue_pings_are_bounded(void **state)
{
    unsigned n = 0;

    (void)state;
    o.receive_timeout = TGV_S(30);
    direct_in_use();
    for (unsigned i = 0; i < ROADS; i++)
        roads[i].dead_to = roads[i].dead_from = true;
    for (unsigned s = 0; s < 20; s++) {
        live(TGV_S(1));
        unsigned now = 0;
        for (unsigned i = 0; i < b.count; i++)
            now += b.log[i].opened && b.log[i].h.type == TGV_PKT_PING &&
                   b.log[i].at + TGV_BENCH_START > b.now - TGV_S(1);
        assert_in_range(now, s == 0 ? 0 : 1, 15); /* 3 roads, 4 a second */
        n += now;
    }
    assert_true(n < 150);
}

static void test_silent_peer_whose_road_lives_moves_nothing(void **state)
{
    (void)state;
    direct_in_use();
    unsigned routes = b.route_count;
    peer_silent = true; /* it answers pings, though */
    live(TGV_S(1));
    peer_silent = false;
    live(TGV_S(1));
    assert_int_equal(b.route_count, routes);
}

static void test_peer_may_talk_on_another_road(void **state)
{
    (void)state;
    direct_in_use();
    unsigned routes = b.route_count;
    talks_on = 1;
    live(TGV_S(20));
    assert_int_equal(b.route_count, routes);
}

/* Losses and a long way are no death. */
static void test_lossy_long_road_is_not_taken_for_dead(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        roads[i] =
            (struct road){.rtt = TGV_MS(400), .loss = 10, .jitter = TGV_MS(60)};
    establish();
    live(TGV_S(5));
    unsigned before = deaths();
    live(TGV_S(120));
    printf("%u roads left as dead in two minutes\n", deaths() - before);
    assert_true(deaths() - before <= 1);
}

static void test_muted_lossy_peer_is_not_taken_for_dead(void **state)
{
    (void)state;
    peer_sends_every = TGV_MS(200);
    for (unsigned i = 0; i < 2; i++)
        roads[i] =
            (struct road){.rtt = TGV_MS(150), .loss = 10, .jitter = TGV_MS(60)};
    establish();
    live(TGV_S(5));
    unsigned before = deaths();
    live(TGV_S(120));
    printf("%u of a muted peer\n", deaths() - before);
    assert_true(deaths() - before <= 1);
}

static void test_delay_that_grows_is_not_taken_for_death(void **state)
{
    (void)state;
    o.relays = 1;
    direct_in_use();
    unsigned before = deaths();
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned r = 0; r < ROADS; r++)
            roads[r].rtt += TGV_MS(50);
        live(TGV_S(1));
    }
    assert_int_equal(deaths(), before);
}

static void test_road_that_died_is_not_taken_again_at_once(void **state)
{
    (void)state;
    direct_in_use();
    unsigned from = b.count;
    roads[DIRECT].dead_to = true;
    assert_true(rescue() < TGV_S(1));
    roads[DIRECT].dead_to = false;
    unsigned asked = 0;
    for (unsigned i = from; i < b.count; i++)
        asked += b.log[i].control == TGV_CONTROL_PEER_REQUEST;
    assert_in_range(asked, 2, 8); /* the peer may be elsewhere now */
    assert_int_equal(path(), TGV_PATH_UDP_RELAY);
    live(TGV_S(25));
    assert_int_equal(path(), TGV_PATH_P2P_INET);
    roads[DIRECT].dead_to = true; /* again: avoided for longer */
    assert_true(rescue() < TGV_S(1));
    roads[DIRECT].dead_to = false;
    live(TGV_S(5));
    assert_int_equal(path(), TGV_PATH_UDP_RELAY);
}

/* End of wire specification 7.2: no pongs, but the peer is heard on a relay. */
static void test_relay_that_speaks_replaces_a_road_without_acks(void **state)
{
    (void)state;
    establish();
    live(TGV_S(1));
    b.audio = false;
    talks_on = 1;
    roads[0].dead_to = true;
    for (unsigned i = 0; i < 40; i++)
        tgv_send_packet(b.call, TGV_PATH_CURRENT, TGV_PKT_NOP, NULL, 0);
    tgv_bench_settle(&b);
    tgv_rtt_clear(&b.call->paths.list[0].rtt);
    tgv_bench_send(&b, 1, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(relay(), 0); /* they may still be on their way */
    b.now += TGV_MS(600);
    tgv_bench_send(&b, 1, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(relay(), 1);
    assert_string_equal(b.routes[b.route_count - 1], "dead");
}

/* Behaviour notes 5.7: the relays get as much time as the direct road had. */
static void test_receive_timeout_on_a_direct_road_turns_to_the_relay(void **s)
{
    (void)s;
    o.receive_timeout = TGV_S(5);
    direct_in_use();
    for (unsigned i = 0; i < ROADS; i++)
        roads[i].dead_to = roads[i].dead_from = true;
    live(TGV_MS(5200));
    assert_int_equal(path(), TGV_PATH_UDP_RELAY);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    live(TGV_S(4));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    live(TGV_S(2));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

/* -- the best road ----------------------------------------------------------------- */

static void test_choice_direct_road_must_be_clearly_faster(void **state)
{
    (void)state;
    o.relays = 1;
    establish();
    roads[0].rtt = TGV_MS(100);
    live(TGV_S(13));
    roads[DIRECT] = (struct road){.rtt = TGV_MS(90)};
    tgv_bench_peer_info(&b, 0, &me, &peer);
    live(TGV_S(20));
    assert_int_equal(path(), TGV_PATH_UDP_RELAY); /* not by a fifth */
    roads[DIRECT].rtt = TGV_MS(40);
    live(TGV_S(60));
    assert_int_equal(path(), TGV_PATH_P2P_INET);
    roads[DIRECT].rtt = TGV_MS(140); /* the relay: more than 0.6 of it */
    live(TGV_S(60));
    assert_int_equal(path(), TGV_PATH_P2P_INET);
    roads[DIRECT].rtt = TGV_MS(220);
    live(TGV_S(30));
    assert_int_equal(path(), TGV_PATH_UDP_RELAY);
    assert_string_equal(b.routes[b.route_count - 1], "rtt");
}

static void test_choice_new_direct_road_is_taken_at_once(void **state)
{
    (void)state;
    establish();
    live(TGV_MS(2500)); /* just after a tick of 2 s */
    roads[DIRECT] = (struct road){.rtt = TGV_MS(10)};
    tgv_bench_peer_info(&b, 0, &me, &peer);
    live(TGV_MS(400));
    assert_int_equal(path(), TGV_PATH_P2P_INET);
}

static void test_choice_keeps_relays_alive_beside_a_direct_road(void **state)
{
    (void)state;
    direct_in_use();
    live(TGV_S(10));
    unsigned from = b.count, n[ROADS] = {0};
    live(TGV_S(24));
    for (unsigned i = from; i < b.count; i++)
        if (b.log[i].opened && b.log[i].h.type == TGV_PKT_PING)
            n[road_of(&b.log[i])]++;
    assert_int_equal(n[0], 2);
    assert_int_equal(n[1], 2);
    assert_int_equal(n[DIRECT], 12);
}

static void test_choice_old_measure_of_a_silent_road_is_forgotten(void **state)
{
    (void)state;
    direct_in_use();
    roads[0].dead_to = true;
    live(TGV_S(45));
    assert_int_equal(b.call->paths.list[0].rtt.len, 0);
    assert_true(b.call->paths.list[1].rtt.len > 0);
    assert_int_equal(b.call->paths.preferred, 1);
    assert_int_equal(path(), TGV_PATH_P2P_INET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, reset, done)
        T(test_eng_24_dead_direct_road_is_left_for_a_relay),
        T(test_eng_24_dead_only_from_us_to_the_peer),
        T(test_eng_24_dead_only_from_the_peer_to_us),
        T(test_eng_24_dead_relay_is_left_for_another),
        T(test_rescue_trusts_no_older_measure),
        T(test_eng_24_original_is_told_to_forget_its_measures),
        T(test_eng_24_original_that_is_not_heard_is_told),
        T(test_eng_24_pongs_do_not_keep_an_original_on_a_dead_relay),
        T(test_rescue_pings_are_bounded),
        T(test_silent_peer_whose_road_lives_moves_nothing),
        T(test_peer_may_talk_on_another_road),
        T(test_lossy_long_road_is_not_taken_for_dead),
        T(test_muted_lossy_peer_is_not_taken_for_dead),
        T(test_delay_that_grows_is_not_taken_for_death),
        T(test_road_that_died_is_not_taken_again_at_once),
        T(test_relay_that_speaks_replaces_a_road_without_acks),
        T(test_receive_timeout_on_a_direct_road_turns_to_the_relay),
        T(test_choice_direct_road_must_be_clearly_faster),
        T(test_choice_new_direct_road_is_taken_at_once),
        T(test_choice_keeps_relays_alive_beside_a_direct_road),
        T(test_choice_old_measure_of_a_silent_road_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
