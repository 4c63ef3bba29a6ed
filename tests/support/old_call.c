/* SPDX-License-Identifier: MIT */
#include "support/old_call.h"

#include "support/marker_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START TGV_S(1000)
#define TICK TGV_MS(20)

static uint64_t first_seed(void)
{
    const char *text = getenv("TGV_SEED");

    return text ? strtoull(text, NULL, 10) : 4101;
}

void old_scene_init(struct old_scene *s, unsigned version, int layer)
{
    *s = (struct old_scene){.version = version,
                            .layer = layer,
                            .caller = true,
                            .seed = first_seed()};
    tgv_impairment_init(&s->imp);
    s->imp.delay_ms = 40;
}

static void peer_sends(void *ctx, bool direct, const uint8_t *datagram,
                       size_t len)
{
    struct old_call *w = ctx;
    struct tgv_link *link = w->link[direct ? 3 : 1];

    if (w->hold) {
        w->hold = false;
        memcpy(w->held, datagram, len);
        w->held_len = len;
        return;
    }
    assert_int_equal(tgv_link_send(link, datagram, len, 0, w->now), 0);
}

void old_call_let_go(struct old_call *w)
{
    assert_true(w->held_len > 0);
    assert_int_equal(tgv_link_send(w->link[1], w->held, w->held_len, 0, w->now),
                     0);
}

static void take_events(struct old_call *w)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(w->call, &ev))
        if (ev.kind == TGV_EVENT_STATE)
            w->state = ev.state;
}

void old_call_settle(struct old_call *w)
{
    struct tgv_io_request req;
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned sock;
    size_t len;

    while (tgv_call_next_request(w->call, &req)) {
        if (req.kind != TGV_IO_UDP_OPEN)
            continue;
        w->sock = req.sock;
        tgv_call_io_event(w->call,
                          &(struct tgv_io_event){.kind = TGV_IO_OPENED,
                                                 .sock = req.sock,
                                                 .addr = w->direct[0]},
                          w->now);
    }
    for (;;) {
        tgv_call_transmit(w->call, &sock, &to, buf, sizeof(buf), &len, w->now);
        if (len == 0)
            break;
        if (w->lose > 0 && --w->lose == 0)
            continue;
        if (tgv_addr_equal(&to, &w->relay_addr))
            assert_int_equal(tgv_link_send(w->link[0], buf, len, 0, w->now), 0);
        else if (tgv_addr_equal(&to, &w->direct[1]))
            assert_int_equal(tgv_link_send(w->link[2], buf, len, 0, w->now), 0);
    }
    take_events(w);
}

static void key_and_tag(const struct old_scene *s, uint8_t key[256],
                        uint8_t tag[16])
{
    struct tgv_prng g;

    tgv_prng_init(&g, s->seed);
    for (size_t i = 0; i < 256; i++)
        key[i] = (uint8_t)tgv_prng_below(&g, 256);
    for (size_t i = 0; i < 16; i++)
        tag[i] = (uint8_t)tgv_prng_below(&g, 256);
    tag[15] &= 0xFE;
}

static void create_call(struct old_call *w, const struct old_scene *s,
                        const uint8_t *key, const uint8_t *tag)
{
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = w->relay_addr};
    struct tgv_call_config config = {.outgoing = s->caller,
                                     .relays = &relay,
                                     .relay_count = 1,
                                     .max_layer = s->layer,
                                     .allow_v1 = true,
                                     .allow_p2p = s->p2p,
                                     .init_timeout = TGV_S(30),
                                     .receive_timeout = TGV_S(20),
                                     .network_type = 6,
                                     .data_saving = s->data_saving,
                                     .muted = s->muted,
                                     .complexity = 5,
                                     .codec = tgv_codec_marker()};

    memcpy(config.key, key, sizeof(config.key));
    memcpy(relay.tag, tag, sizeof(relay.tag));
    relay.tag[15] |= s->caller ? 0 : 1;
    tgv_prng_init(&w->prng, s->seed + 1);
    config.random = tgv_prng_source(&w->prng);
    assert_int_equal(tgv_call_create(&w->call, &config), 0);
}

static void create_peer(struct old_call *w, const struct old_scene *s,
                        const uint8_t *key, uint8_t *tag)
{
    tag[15] = (uint8_t)((tag[15] & 0xFE) | (s->caller ? 1 : 0));
    old_peer_init(&w->peer,
                  &(struct old_peer_options){.version = s->version,
                                             .layer = s->layer,
                                             .caller = !s->caller,
                                             .mask_a = s->mask_a,
                                             .copies = s->copies,
                                             .data_saving = s->peer_saves_data,
                                             .key = key,
                                             .tag = tag,
                                             .codec = tgv_codec_marker(),
                                             .seed = s->seed + 2,
                                             .p2p = s->p2p,
                                             .lan_ip = {10, 0, 0, 2},
                                             .lan_port = 4001,
                                             .send = peer_sends,
                                             .ctx = w},
                  w->now);
    for (int i = 1; i < 3; i++) {
        w->peer.ignore[i] = s->lose_in[i];
        w->peer.swallow[i] = s->lose_out[i];
    }
}

static struct tgv_addr address(const char *text)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(text, &a));
    return a;
}

/* Who sits in the same network has the same public address. */
static void place(struct old_call *w, bool same_network)
{
    w->relay_addr = address("198.51.100.1:5000");
    w->addr[0] = address("192.0.2.1:4000");
    w->addr[1] = address(same_network ? "192.0.2.1:4001" : "192.0.2.2:4001");
    w->direct[0] = same_network ? address("10.0.0.1:4000") : w->addr[0];
    w->direct[1] = same_network ? address("10.0.0.2:4001") : w->addr[1];
}

static void connect_all(struct old_call *w, const struct old_scene *s)
{
    struct tgv_relay_config relay = {.open = true, .hash_seed = 1};

    tgv_relay_limits_init(&relay.limits);
    assert_int_equal(tgv_relay_create(&w->relay, &relay), 0);
    for (unsigned n = 0; n < 4; n++) {
        struct tgv_impairment imp = s->imp;
        imp.seed = s->seed;
        if (n >= 2)
            imp.delay_ms = 10;
        assert_int_equal(tgv_link_create(&w->link[n], &imp, n + 1), 0);
    }
}

void old_call_begin(struct old_call *w, const struct old_scene *s)
{
    static uint8_t key[256], tag[16];

    memset(w, 0, sizeof(*w));
    w->now = w->next_tick = w->next_step = START;
    w->state = TGV_STATE_WAIT_INIT;
    w->ear = (struct tgv_sim_ear){
        .seed = s->seed, .marked = true, .last_pos = -1, .end_ts = INT64_MIN};
    place(w, s->same_network);
    connect_all(w, s);
    key_and_tag(s, key, tag);
    create_call(w, s, key, tag);
    create_peer(w, s, key, tag);
    tgv_call_io_event(w->call,
                      &(struct tgv_io_event){.kind = TGV_IO_INTERFACES,
                                             .addrs = {w->direct[0]},
                                             .addr_count = 1},
                      w->now);
    assert_int_equal(tgv_call_start(w->call, w->now), 0);
    old_call_settle(w);
    assert_int_equal(tgv_call_connect(w->call, w->now), 0);
    old_call_settle(w);
}

void old_call_end(struct old_call *w)
{
    tgv_call_destroy(w->call);
    old_peer_fini(&w->peer);
    tgv_relay_destroy(w->relay);
    for (int n = 0; n < 4; n++)
        tgv_link_destroy(w->link[n]);
}

/* -- time ------------------------------------------------------------------- */

static void deliver(struct old_call *w, const struct tgv_addr *to,
                    const uint8_t *pkt, size_t len)
{
    if (tgv_addr_equal(to, &w->addr[0])) {
        tgv_call_receive(w->call, w->sock, &w->relay_addr, pkt, len, w->now);
        old_call_settle(w);
    } else {
        old_peer_receive(&w->peer, false, pkt, len, w->now);
    }
}

static void direct_arrivals(struct old_call *w, int n)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    uint64_t tag;
    size_t len;

    for (;;) {
        tgv_link_receive(w->link[2 + n], buf, sizeof(buf), &len, &tag, w->now);
        if (len == 0)
            return;
        if (n == 0) {
            old_peer_receive(&w->peer, true, buf, len, w->now);
        } else {
            tgv_call_receive(w->call, w->sock, &w->direct[1], buf, len, w->now);
            old_call_settle(w);
        }
    }
}

static void arrivals(struct old_call *w, int n)
{
    struct tgv_relay_out out;
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    uint64_t tag;
    size_t len;

    for (;;) {
        tgv_link_receive(w->link[n], buf, sizeof(buf), &len, &tag, w->now);
        if (len == 0)
            return;
        tgv_relay_receive(w->relay, &w->addr[n], buf, len, w->now, &out);
        if (out.verdict == TGV_RELAY_REPLY)
            deliver(w, &out.to, out.pkt, out.len);
        else if (out.verdict == TGV_RELAY_FORWARD)
            deliver(w, &out.to, buf, len);
    }
}

static tgv_time peer_captured(const void *ctx, uint32_t number)
{
    const struct old_peer *p = ctx;

    if (number / 3 >= p->frames_sent)
        return -1;
    return p->sent_at[number / 3 % OLD_PEER_FRAMES] - TGV_MS(60);
}

static void hear(struct old_call *w)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    if (!tgv_call_wants_playout(w->call))
        return;
    tgv_call_playout(w->call, pcm, w->now, &played);
    tgv_sim_ear_take(&w->ear, pcm, &played, w->now, peer_captured, &w->peer);
    if (played.kind == TGV_PLAYED_VOICE || played.kind == TGV_PLAYED_RECOVERED)
        w->last_voice = w->now;
}

static void speak(struct old_call *w)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    uint32_t number = w->captured;

    if (!tgv_call_wants_capture(w->call))
        return;
    w->captured++;
    tgv_marker_write(pcm, number);
    tgv_call_capture(w->call, tgv_call_sends_audio(w->call) ? pcm : NULL,
                     w->now);
}

void old_call_run_to(struct old_call *w, tgv_time until)
{
    until += START;
    for (;;) {
        tgv_time next = tgv_time_min(w->next_tick, w->next_step);

        next = tgv_time_min(next, tgv_call_deadline(w->call));
        for (int n = 0; n < 4; n++)
            next = tgv_time_min(next, tgv_link_deadline(w->link[n]));
        if (next > until)
            break;
        if (next > w->now)
            w->now = next;
        for (int n = 0; n < 2; n++) {
            arrivals(w, n);
            direct_arrivals(w, n);
        }
        tgv_call_expire(w->call, w->now);
        old_call_settle(w);
        if (w->now >= w->next_step) {
            w->next_step += OLD_PEER_STEP;
            old_peer_run(&w->peer, w->now);
        }
        if (w->now >= w->next_tick) {
            w->next_tick += TICK;
            hear(w);
            speak(w);
            old_call_settle(w);
        }
    }
    w->now = until;
}

struct tgv_call_stats old_call_stats(const struct old_call *w)
{
    struct tgv_call_stats s;

    tgv_call_stats(w->call, &s, w->now);
    return s;
}
