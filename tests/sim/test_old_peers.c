/* SPDX-License-Identifier: MIT */
/*
 * Calls with peers of older versions, on every layer that they can meet us on.
 * The peer (support/old_peer.h) is written from the specification alone and
 * reads no more than such a release does.
 * TGV_SEED=n begins with another seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "legacy/call.h"
#include "link/link.h"
#include "relay/relay.h"
#include "support/marker_codec.h"
#include "support/old_peer.h"
#include "support/sim_ear.h"
#include "support/vector_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START TGV_S(1000)
#define TICK TGV_MS(20)
#define PATIENCE TGV_MS(200) /* so long a loss may silence a voice */

/* -- one call with one peer ------------------------------------------------- */

static struct {
    struct tgv_call *call;
    struct old_peer peer;
    struct tgv_link *link[4]; /* 0: what we send; 2, 3: directly */
    struct tgv_relay *relay;
    struct tgv_addr relay_addr, addr[2];
    struct tgv_addr direct[2]; /* where the direct road is */
    unsigned sock;
    struct tgv_prng prng;
    tgv_time now, next_tick, next_step;
    uint32_t captured;
    tgv_time last_voice; /* heard */
    enum tgv_call_state state;
    struct tgv_sim_ear ear;
    int lose; /* our n-th datagram from now on is lost; 0: none */
    bool hold; /* the peer's next datagram stays on the way */
    uint8_t held[1500];
    size_t held_len;
} w;

/* What a test varies. */
struct scene {
    unsigned version;
    int layer;
    bool caller; /* we are the caller */
    bool mask_a, copies, muted, data_saving, peer_saves_data;
    bool p2p, same_network;
    struct tgv_impairment imp; /* of the relay's road; the other has 10 ms */
    uint64_t seed;
    unsigned lose_in[3], lose_out[3]; /* INIT, INIT_ACK: the first so many
                                         that the peer should get, or sends */
};

static uint64_t first_seed(void)
{
    const char *text = getenv("TGV_SEED");

    return text ? strtoull(text, NULL, 10) : 4101;
}

static void scene_init(struct scene *s, unsigned version, int layer)
{
    *s = (struct scene){.version = version,
                        .layer = layer,
                        .caller = true,
                        .seed = first_seed()};
    tgv_impairment_init(&s->imp);
    s->imp.delay_ms = 40;
}

static void peer_sends(void *ctx, bool direct, const uint8_t *datagram,
                       size_t len)
{
    struct tgv_link *link = w.link[direct ? 3 : 1];

    (void)ctx;
    if (w.hold) {
        w.hold = false;
        memcpy(w.held, datagram, len);
        w.held_len = len;
        return;
    }
    assert_int_equal(tgv_link_send(link, datagram, len, 0, w.now), 0);
}

static void let_go(void)
{
    assert_true(w.held_len > 0);
    assert_int_equal(tgv_link_send(w.link[1], w.held, w.held_len, 0, w.now), 0);
}

static void take_events(void)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(w.call, &ev))
        if (ev.kind == TGV_EVENT_STATE)
            w.state = ev.state;
}

static void settle(void)
{
    struct tgv_io_request req;
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned sock;
    size_t len;

    while (tgv_call_next_request(w.call, &req)) {
        if (req.kind != TGV_IO_UDP_OPEN)
            continue;
        w.sock = req.sock;
        tgv_call_io_event(w.call,
                          &(struct tgv_io_event){.kind = TGV_IO_OPENED,
                                                 .sock = req.sock,
                                                 .addr = w.direct[0]},
                          w.now);
    }
    for (;;) {
        tgv_call_transmit(w.call, &sock, &to, buf, sizeof(buf), &len, w.now);
        if (len == 0)
            break;
        if (w.lose > 0 && --w.lose == 0)
            continue;
        if (tgv_addr_equal(&to, &w.relay_addr))
            assert_int_equal(tgv_link_send(w.link[0], buf, len, 0, w.now), 0);
        else if (tgv_addr_equal(&to, &w.direct[1]))
            assert_int_equal(tgv_link_send(w.link[2], buf, len, 0, w.now), 0);
    }
    take_events();
}

static void key_and_tag(const struct scene *s, uint8_t key[256],
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

static void create_call(const struct scene *s, const uint8_t *key,
                        const uint8_t *tag)
{
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = w.relay_addr};
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
    tgv_prng_init(&w.prng, s->seed + 1);
    config.random = tgv_prng_source(&w.prng);
    assert_int_equal(tgv_call_create(&w.call, &config), 0);
}

static void create_peer(const struct scene *s, const uint8_t *key, uint8_t *tag)
{
    tag[15] = (uint8_t)((tag[15] & 0xFE) | (s->caller ? 1 : 0));
    old_peer_init(&w.peer,
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
                                             .send = peer_sends},
                  w.now);
    for (int i = 1; i < 3; i++) {
        w.peer.ignore[i] = s->lose_in[i];
        w.peer.swallow[i] = s->lose_out[i];
    }
}

static struct tgv_addr address(const char *text)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(text, &a));
    return a;
}

/* Who sits in the same network has the same public address. */
static void place(bool same_network)
{
    w.relay_addr = address("198.51.100.1:5000");
    w.addr[0] = address("192.0.2.1:4000");
    w.addr[1] = address(same_network ? "192.0.2.1:4001" : "192.0.2.2:4001");
    w.direct[0] = same_network ? address("10.0.0.1:4000") : w.addr[0];
    w.direct[1] = same_network ? address("10.0.0.2:4001") : w.addr[1];
}

static void connect_all(const struct scene *s)
{
    struct tgv_relay_config relay = {.open = true, .hash_seed = 1};

    tgv_relay_limits_init(&relay.limits);
    assert_int_equal(tgv_relay_create(&w.relay, &relay), 0);
    for (unsigned n = 0; n < 4; n++) {
        struct tgv_impairment imp = s->imp;
        imp.seed = s->seed;
        if (n >= 2)
            imp.delay_ms = 10;
        assert_int_equal(tgv_link_create(&w.link[n], &imp, n + 1), 0);
    }
}

static void begin(const struct scene *s)
{
    static uint8_t key[256], tag[16];

    memset(&w, 0, sizeof(w));
    w.now = w.next_tick = w.next_step = START;
    w.state = TGV_STATE_WAIT_INIT;
    w.ear = (struct tgv_sim_ear){
        .seed = s->seed, .marked = true, .last_pos = -1, .end_ts = INT64_MIN};
    place(s->same_network);
    connect_all(s);
    key_and_tag(s, key, tag);
    create_call(s, key, tag);
    create_peer(s, key, tag);
    tgv_call_io_event(w.call,
                      &(struct tgv_io_event){.kind = TGV_IO_INTERFACES,
                                             .addrs = {w.direct[0]},
                                             .addr_count = 1},
                      w.now);
    assert_int_equal(tgv_call_start(w.call, w.now), 0);
    settle();
    assert_int_equal(tgv_call_connect(w.call, w.now), 0);
    settle();
}

static void end(void)
{
    tgv_call_destroy(w.call);
    old_peer_fini(&w.peer);
    tgv_relay_destroy(w.relay);
    for (int n = 0; n < 4; n++)
        tgv_link_destroy(w.link[n]);
}

/* -- time ------------------------------------------------------------------- */

static void deliver(const struct tgv_addr *to, const uint8_t *pkt, size_t len)
{
    if (tgv_addr_equal(to, &w.addr[0])) {
        tgv_call_receive(w.call, w.sock, &w.relay_addr, pkt, len, w.now);
        settle();
    } else {
        old_peer_receive(&w.peer, false, pkt, len, w.now);
    }
}

static void direct_arrivals(int n)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    uint64_t tag;
    size_t len;

    for (;;) {
        tgv_link_receive(w.link[2 + n], buf, sizeof(buf), &len, &tag, w.now);
        if (len == 0)
            return;
        if (n == 0) {
            old_peer_receive(&w.peer, true, buf, len, w.now);
        } else {
            tgv_call_receive(w.call, w.sock, &w.direct[1], buf, len, w.now);
            settle();
        }
    }
}

static void arrivals(int n)
{
    struct tgv_relay_out out;
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    uint64_t tag;
    size_t len;

    for (;;) {
        tgv_link_receive(w.link[n], buf, sizeof(buf), &len, &tag, w.now);
        if (len == 0)
            return;
        tgv_relay_receive(w.relay, &w.addr[n], buf, len, w.now, &out);
        if (out.verdict == TGV_RELAY_REPLY)
            deliver(&out.to, out.pkt, out.len);
        else if (out.verdict == TGV_RELAY_FORWARD)
            deliver(&out.to, buf, len);
    }
}

static tgv_time peer_captured(const void *ctx, uint32_t number)
{
    const struct old_peer *p = ctx;

    if (number / 3 >= p->frames_sent)
        return -1;
    return p->sent_at[number / 3 % OLD_PEER_FRAMES] - TGV_MS(60);
}

static void hear(void)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    if (!tgv_call_wants_playout(w.call))
        return;
    tgv_call_playout(w.call, pcm, w.now, &played);
    tgv_sim_ear_take(&w.ear, pcm, &played, w.now, peer_captured, &w.peer);
    if (played.kind == TGV_PLAYED_VOICE || played.kind == TGV_PLAYED_RECOVERED)
        w.last_voice = w.now;
}

static void speak(void)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    uint32_t number = w.captured;

    if (!tgv_call_wants_capture(w.call))
        return;
    w.captured++;
    tgv_marker_write(pcm, number);
    tgv_call_capture(w.call, tgv_call_sends_audio(w.call) ? pcm : NULL, w.now);
}

static void run_to(tgv_time until)
{
    until += START;
    for (;;) {
        tgv_time next = tgv_time_min(w.next_tick, w.next_step);

        next = tgv_time_min(next, tgv_call_deadline(w.call));
        for (int n = 0; n < 4; n++)
            next = tgv_time_min(next, tgv_link_deadline(w.link[n]));
        if (next > until)
            break;
        if (next > w.now)
            w.now = next;
        for (int n = 0; n < 2; n++) {
            arrivals(n);
            direct_arrivals(n);
        }
        tgv_call_expire(w.call, w.now);
        settle();
        if (w.now >= w.next_step) {
            w.next_step += OLD_PEER_STEP;
            old_peer_run(&w.peer, w.now);
        }
        if (w.now >= w.next_tick) {
            w.next_tick += TICK;
            hear();
            speak();
            settle();
        }
    }
    w.now = until;
}

static struct tgv_call_stats stats(void)
{
    struct tgv_call_stats s;

    tgv_call_stats(w.call, &s, w.now);
    return s;
}

/* -- what is judged --------------------------------------------------------- */

static char scene_name[120];

static void name(const struct scene *s)
{
    snprintf(scene_name, sizeof(scene_name),
             "version %u, layer %d, we are the %s, seed %llu", s->version,
             s->layer, s->caller ? "caller" : "callee",
             (unsigned long long)s->seed);
}

#define CHECK(what)                                                            \
    do {                                                                       \
        if (!(what))                                                           \
            fail_msg("%s: not %s (%s; %u breaches, %u unreadable)",            \
                     scene_name, #what, w.peer.heard.why,                      \
                     w.peer.heard.breaches, w.peer.heard.unreadable);          \
    } while (0)

static bool old_envelope_for_good(const struct scene *s)
{
    return s->version < 5;
}

static bool short_at_last(const struct scene *s)
{
    return s->version >= 8;
}

/* We do not know which form it reads, so it gets both. */
static bool both_forms(const struct scene *s)
{
    return s->version >= 8 && s->layer < 92;
}

/* Everything that was sent by now was fit for it. */
static void check_forms(const struct scene *s)
{
    const struct old_peer_heard *h = &w.peer.heard;

    CHECK(h->breaches == 0);
    CHECK(w.ear.heard.breaches == 0);
    if (old_envelope_for_good(s)) {
        CHECK(h->envelopes[OLD_V2_LONG] + h->envelopes[OLD_V2_SHORT] == 0);
        CHECK(stats().encryption_v1);
    } else {
        CHECK(!stats().encryption_v1);
        CHECK(s->layer < 74 || h->envelopes[OLD_V1] == 0);
    }
    CHECK((h->forms[OLD_SHORT] > 0) == short_at_last(s));
    CHECK((h->forms[OLD_SIMPLE] > 0) == !short_at_last(s));
}

static void check_talk(tgv_time by)
{
    run_to(by);
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    CHECK(w.peer.established);
    CHECK(stats().established <= by);
    CHECK(w.peer.heard.frames > 0);
    CHECK(w.now - w.last_voice <= PATIENCE);
    CHECK(w.peer.heard.breaches == 0);
}

/* -- the versions and layers that meet -------------------------------------- */

struct meeting {
    unsigned version;
    int layer;
};

/* A release up to 1.0 knows only the old envelope: no layer from 74 on. Layer
 * 92 with version 6 or 7 is not to be expected, but harmless. */
static const struct meeting meetings[] = {
    {3, 65}, {3, 73}, {4, 65}, {4, 73}, {5, 65}, {5, 73}, {5, 74},
    {5, 91}, {6, 65}, {6, 73}, {6, 74}, {6, 91}, {6, 92}, {7, 65},
    {7, 73}, {7, 74}, {7, 91}, {7, 92}, {8, 65}, {8, 73}, {8, 74},
    {8, 91}, {8, 92}, {9, 65}, {9, 73}, {9, 74}, {9, 91}, {9, 92}};
#define MEETINGS (sizeof(meetings) / sizeof(meetings[0]))

/* Each of them, in both roles; version 9 with both ways to acknowledge. */
static void in_meetings(bool (*where)(const struct meeting *m),
                        void (*test)(struct scene *s))
{
    for (size_t i = 0; i < MEETINGS; i++)
        for (unsigned variant = 0; variant < 4; variant++) {
            struct scene s;

            scene_init(&s, meetings[i].version, meetings[i].layer);
            s.caller = variant & 1;
            s.mask_a = variant & 2;
            if ((s.mask_a && s.version < 9) || (where && !where(&meetings[i])))
                continue;
            name(&s);
            test(&s);
        }
}

static void in_all_meetings(void (*test)(struct scene *s))
{
    in_meetings(NULL, test);
}

/* Below layer 74 a peer of version 8 or 9 that knows us, while we do not know
 * it, takes our long header for a short one: nothing that we could send is
 * right for all. Both announce layer 92, so it does not happen. */
static bool certain(const struct meeting *m)
{
    return m->version < 8 || m->layer >= 74;
}

/* -- tests ------------------------------------------------------------------ */

static void check_mutes(const struct scene *s)
{
    unsigned frames;

    tgv_call_set_mute(w.call, true, w.now);
    old_peer_mute(&w.peer, true);
    settle();
    run_to(TGV_S(5));
    CHECK(w.peer.heard.muted);
    CHECK(stats().peer_muted);
    CHECK((w.peer.heard.packets[3] > 0) == (s->version < 6));
    frames = w.peer.heard.frames;
    run_to(TGV_S(8));
    CHECK(w.peer.heard.frames == frames);
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    tgv_call_set_mute(w.call, false, w.now);
    old_peer_mute(&w.peer, false);
    settle();
    run_to(TGV_S(9));
    CHECK(!w.peer.heard.muted);
    CHECK(!stats().peer_muted);
    CHECK(w.peer.heard.frames > frames + 10);
    CHECK(w.now - w.last_voice <= PATIENCE);
}

static void check_networks(const struct scene *s)
{
    tgv_call_set_network_type(w.call, 6, true, w.now);
    old_peer_network(&w.peer, true);
    for (int i = 0; i < 3; i++)
        old_peer_ping(&w.peer);
    settle();
    run_to(TGV_S(11));
    CHECK(w.peer.heard.saves_data);
    CHECK((w.peer.heard.packets[11] > 0) == (s->version < 6));
    CHECK(stats().bitrate_bps <= 8000);
    CHECK(w.peer.heard.pongs > 0);
    tgv_call_set_network_type(w.call, 6, false, w.now);
    old_peer_network(&w.peer, false);
    settle();
    run_to(TGV_S(15));
    CHECK(!w.peer.heard.saves_data);
}

static void whole_call(struct scene *s)
{
    begin(s);
    check_talk(TGV_S(3));
    check_mutes(s);
    check_networks(s);
    run_to(TGV_S(20));
    check_forms(s);
    /* the second form, once the first has told it our version */
    CHECK(w.peer.heard.duplicates == 0 || both_forms(s));
    CHECK(w.peer.heard.unreadable <= (both_forms(s) ? 4 : 0));
    CHECK(w.ear.heard.concealed < 25);
    end();
}

static void test_old_peers_talk_at_every_layer(void **state)
{
    (void)state;
    in_all_meetings(whole_call);
}

/* Any of the four handshake packets is lost some times, alone and together. */
static void lossy_handshakes(struct scene *s)
{
    for (unsigned lost = 1; lost < 16; lost++) {
        s->lose_in[1] = lost & 1 ? 3 : 0;
        s->lose_in[2] = lost & 2 ? 2 : 0;
        s->lose_out[1] = lost & 4 ? 2 : 0;
        s->lose_out[2] = lost & 8 ? 2 : 0;
        begin(s);
        check_talk(TGV_S(6));
        check_forms(s);
        end();
    }
}

static void test_old_peers_lost_handshake_packets(void **state)
{
    (void)state;
    in_meetings(certain, lossy_handshakes);
}

static void reordered_handshakes(struct scene *s)
{
    s->imp.jitter_ms = 250;
    s->imp.reorder_pct = 20;
    s->imp.dup_pct = 10;
    for (unsigned i = 0; i < 6; i++) {
        s->seed++;
        name(s);
        begin(s);
        run_to(TGV_S(6));
        CHECK(w.state == TGV_STATE_ESTABLISHED);
        CHECK(w.peer.established);
        CHECK(w.now - w.last_voice <= TGV_S(1));
        check_forms(s);
        end();
    }
}

static void test_old_peers_reordered_handshakes(void **state)
{
    (void)state;
    in_meetings(certain, reordered_handshakes);
}

/* Version 6 has STREAM_EC, later ones have copies inside STREAM_DATA; older
 * ones have no use for copies, so that they get in-band redundancy. */
static void check_redundancy(const struct scene *s)
{
    const struct old_peer_heard *h = &w.peer.heard;
    unsigned by_copy, missing;

    old_peer_count(&w.peer, &by_copy, &missing);
    CHECK((h->packets[17] > 0) == (s->version == 6));
    CHECK((by_copy > 0) == (s->version >= 6));
    CHECK(h->tells_copies == (s->version >= 6));
    if (s->version < 6)
        CHECK(h->inband > h->frames / 2);
    else
        CHECK(w.ear.heard.recovered > 0);
}

static void lossy_call(struct scene *s)
{
    double loss;

    s->imp.loss_pct = 10;
    s->imp.jitter_ms = 30;
    s->copies = true;
    begin(s);
    check_talk(TGV_S(3));
    check_mutes(s);
    check_networks(s);
    run_to(TGV_S(40));
    check_forms(s);
    check_redundancy(s);
    /* its acknowledgements are read rightly */
    loss = (double)stats().packets_lost_out / (double)stats().packets_out;
    CHECK(loss > 0.03 && loss < 0.16);
    end();
}

static void test_old_peers_through_losses(void **state)
{
    (void)state;
    in_meetings(certain, lossy_call);
}

static void test_old_peers_recover_frames_from_stream_ec(void **state)
{
    struct scene s;
    unsigned by_copy, missing, sent;

    (void)state;
    scene_init(&s, 6, 91);
    name(&s);
    s.imp.loss_pct = 15;
    s.copies = true;
    begin(&s);
    run_to(TGV_S(60));
    CHECK(w.peer.heard.breaches == 0);
    old_peer_count(&w.peer, &by_copy, &missing);
    sent = w.peer.heard.frames + by_copy + missing;
    printf("STREAM_EC at 15 %% loss: of %u frames %u came as copies, %u not at "
           "all; the other way %llu blocks from copies, %llu concealed\n",
           sent, by_copy, missing, (unsigned long long)w.ear.heard.recovered,
           (unsigned long long)w.ear.heard.concealed);
    CHECK(w.peer.heard.packets[17] > 500);
    CHECK(by_copy > sent / 10);
    CHECK(missing < sent / 16);
    CHECK(w.ear.heard.recovered > 100);
    CHECK(w.ear.heard.recovered > 2 * w.ear.heard.concealed);
    end();
}

static void muted_start(struct scene *s)
{
    s->muted = true;
    begin(s);
    run_to(TGV_S(4));
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    CHECK(w.peer.established);
    CHECK(w.peer.heard.frames == 0);
    CHECK(w.peer.heard.muted);
    tgv_call_set_mute(w.call, false, w.now);
    settle();
    run_to(TGV_S(5));
    CHECK(!w.peer.heard.muted);
    CHECK(w.peer.heard.frames > 10);
    check_forms(s);
    end();
}

static void test_old_peers_are_told_of_a_muted_start(void **state)
{
    (void)state;
    in_all_meetings(muted_start);
}

static void saving_start(struct scene *s)
{
    s->data_saving = true;
    begin(s);
    check_talk(TGV_S(4));
    CHECK(w.peer.heard.saves_data);
    check_forms(s);
    end();
    s->data_saving = false;
    s->peer_saves_data = true;
    begin(s);
    check_talk(TGV_S(4));
    CHECK(stats().bitrate_bps <= 8000);
    check_forms(s);
    end();
}

static void test_old_peers_data_saving_from_the_start(void **state)
{
    (void)state;
    in_all_meetings(saving_start);
}

/* Its time stamps count what it sent, so a pause makes every later frame look
 * late. */
static void paused(struct scene *s)
{
    unsigned n;

    begin(s);
    check_talk(TGV_S(4));
    w.peer.quiet = true;
    run_to(TGV_S(7));
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    w.peer.quiet = false;
    run_to(TGV_MS(7800));
    CHECK(w.now - w.last_voice <= PATIENCE);
    run_to(TGV_S(10));
    n = w.ear.heard.delay_count;
    CHECK(n > 0 && w.ear.heard.delays_ms10[n - 1] < 4000);
    check_forms(s);
    end();
}

static void test_old_peers_time_stamps_stand_still_in_pauses(void **state)
{
    (void)state;
    in_all_meetings(paused);
}

/* A copy of the mute arrives after the unmute: it is old news. */
static void overtaken_mute(struct scene *s)
{
    begin(s);
    check_talk(TGV_S(3));
    w.hold = true;
    old_peer_mute(&w.peer, true);
    run_to(TGV_MS(3300));
    old_peer_mute(&w.peer, false);
    run_to(TGV_S(4));
    let_go();
    run_to(TGV_S(5));
    CHECK(!stats().peer_muted);
    CHECK(w.now - w.last_voice <= PATIENCE);
    end();
}

static void test_old_peers_overtaken_mute_is_old_news(void **state)
{
    (void)state;
    in_all_meetings(overtaken_mute);
}

/* Muted and unmuted at once, and each packet of these lost in turn. */
static void hasty_mute(struct scene *s)
{
    for (int lost = 1; lost <= 4; lost++) {
        begin(s);
        check_talk(TGV_S(3));
        w.lose = lost;
        tgv_call_set_mute(w.call, true, w.now);
        tgv_call_set_mute(w.call, false, w.now);
        settle();
        run_to(TGV_S(5));
        CHECK(!w.peer.heard.muted);
        end();
    }
}

static void test_old_peers_hear_the_last_word_on_mute(void **state)
{
    (void)state;
    in_all_meetings(hasty_mute);
}

/* The call id stands before each direct datagram of a peer below version 9,
 * both ways. */
static void direct_call(struct scene *s)
{
    unsigned direct;

    s->p2p = true;
    for (unsigned i = 0; i < 2; i++) {
        s->same_network = i;
        begin(s);
        check_talk(TGV_S(6));
        CHECK(w.peer.direct_used);
        CHECK(w.peer.heard.lan_told == s->same_network);
        CHECK(!s->same_network ||
              !memcmp(w.peer.heard.lan, "\x0A\0\0\1\xA0\x0F\0\0", 8));
        CHECK(stats().path ==
              (s->same_network ? TGV_PATH_P2P_LAN : TGV_PATH_P2P_INET));
        direct = w.peer.heard.direct;
        run_to(TGV_S(8));
        CHECK(w.peer.heard.direct - direct > 30);
        CHECK(w.now - w.last_voice <= PATIENCE);
        check_forms(s);
        end();
    }
}

static void test_old_peers_direct_roads(void **state)
{
    (void)state;
    in_all_meetings(direct_call);
}

/* Below our minimum: told as incompatible by INIT, and by INIT_ACK alone. */
static void test_old_peers_below_version_3_are_incompatible(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct scene s;

        scene_init(&s, 1 + i % 2, 65);
        s.lose_out[1] = i < 2 ? 0 : 100;
        name(&s);
        begin(&s);
        run_to(TGV_S(3));
        CHECK(w.state == TGV_STATE_FAILED);
        CHECK(stats().error == TGV_CALL_ERROR_INCOMPATIBLE);
        end();
    }
}

/* -- the peer itself, against the specification's examples ------------------ */

static enum old_envelope envelope_called(const char *text)
{
    if (!strcmp(text, "v1"))
        return OLD_V1;
    return strcmp(text, "v2-long") ? OLD_V2_SHORT : OLD_V2_LONG;
}

static void check_example(struct old_keys keys[2], const struct tgv_json *j)
{
    bool callee = !strcmp(vector_str(j, "sender"), "callee");
    enum old_envelope e = envelope_called(vector_str(j, "envelope"));
    uint8_t inner[OLD_INNER_MAX + 100], built[OLD_INNER_MAX], out[1500],
        pad[31];
    struct vector_bytes datagram, expected, prefix, payload;
    struct old_packet h = {.flag_byte = true};
    const char *form = vector_str(j, "header");
    size_t n;

    vector_hex(j, "datagram", &datagram);
    vector_hex(j, "inner", &expected);
    vector_hex(j, "prefix", &prefix);
    vector_hex(j, "payload", &payload);
    n = old_open(&keys[!callee], e, datagram.data + prefix.len,
                 datagram.len - prefix.len, inner);
    vector_assert_bytes(&expected, inner, n);
    h.form = strcmp(form, "short") ? old_named_form(inner, n) : OLD_SHORT;
    h.flag_byte = !strstr(vector_str(j, "name"), "_v3");
    assert_int_equal(!strcmp(form, "simpleAudioBlock"), h.form == OLD_SIMPLE);
    assert_null(old_parse(&keys[!callee], &h, inner, n));
    vector_assert_bytes(&payload, h.payload, h.len);
    if (!h.recv_ts) { /* never written */
        n = old_build(&keys[callee], &h, built);
        vector_assert_bytes(&expected, built, n);
    }
    for (uint8_t i = 0; i < sizeof(pad); i++)
        pad[i] = (uint8_t)(0xA0 + i);
    n = old_seal(&keys[callee], e, expected.data, expected.len, pad, out);
    assert_int_equal(n, datagram.len - prefix.len);
    assert_memory_equal(out, datagram.data + prefix.len, n);
}

static void test_old_wire_agrees_with_the_worked_examples(void **state)
{
    size_t len;
    char *text = vector_read(TEST_DATA "/wire-examples.json", &len);
    struct tgv_json *file = vector_parse(text, len);
    const struct tgv_json *list = tgv_json_get(file, "packets");
    struct old_keys keys[2];
    struct vector_bytes key;

    (void)state;
    vector_hex(file, "key", &key);
    old_keys_init(&keys[0], key.data, true);
    old_keys_init(&keys[1], key.data, false);
    assert_true(tgv_json_len(list) > 20);
    for (size_t i = 0; i < tgv_json_len(list); i++)
        check_example(keys, tgv_json_at(list, i));
    old_keys_fini(&keys[0]);
    old_keys_fini(&keys[1]);
    tgv_json_free(file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_wire_agrees_with_the_worked_examples),
        cmocka_unit_test(test_old_peers_talk_at_every_layer),
        cmocka_unit_test(test_old_peers_lost_handshake_packets),
        cmocka_unit_test(test_old_peers_reordered_handshakes),
        cmocka_unit_test(test_old_peers_through_losses),
        cmocka_unit_test(test_old_peers_recover_frames_from_stream_ec),
        cmocka_unit_test(test_old_peers_are_told_of_a_muted_start),
        cmocka_unit_test(test_old_peers_data_saving_from_the_start),
        cmocka_unit_test(test_old_peers_time_stamps_stand_still_in_pauses),
        cmocka_unit_test(test_old_peers_overtaken_mute_is_old_news),
        cmocka_unit_test(test_old_peers_hear_the_last_word_on_mute),
        cmocka_unit_test(test_old_peers_direct_roads),
        cmocka_unit_test(test_old_peers_below_version_3_are_incompatible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
