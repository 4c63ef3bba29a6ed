/* SPDX-License-Identifier: MIT */
#include "support/sim.h"

#include "relay/relay.h"
#include "support/marker_codec.h"
#include "support/sim_ear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START TGV_S(1000) /* virtual time is not 0 at the beginning */
#define CATCH_UP_MAX 10 /* audio blocks after a pause */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct side {
    struct tgv_call *call;
    struct tgv_prng prng;
    struct tgv_addr addr;
    unsigned sock;
    bool connected;
    tgv_time start, frozen_until;
    double tick_us; /* length of a "20 ms" block by its clock */
    uint64_t ticks; /* done or skipped */
    tgv_time *captured; /* by number; -1 silence was sent */
    uint32_t captured_count, captured_cap;
    enum tgv_call_state state;
    unsigned states; /* bits of the states seen */
    const char *reason;
    unsigned routes;
    uint64_t sent, media_bytes;
    uint64_t packets[256]; /* by type */
    struct tgv_sim_ear ear;
};

struct tgv_sim {
    struct tgv_sim_options o;
    tgv_time now;
    struct side side[2];
    struct tgv_link *link[2];
    struct tgv_link *slow[TGV_SIM_RELAYS_MAX][2]; /* NULL: no extra delay */
    struct tgv_relay *relay;
    struct tgv_addr relay_addr[TGV_SIM_RELAYS_MAX];
    uint64_t datagrams, hash;
};

void tgv_sim_options_init(struct tgv_sim_options *o, uint64_t seed)
{
    memset(o, 0, sizeof(*o));
    o->seed = seed;
    for (int i = 0; i < 2; i++) {
        tgv_impairment_init(&o->imp[i]);
        o->imp[i].seed = seed;
        o->layer[i] = TGV_LAYER_MAX;
        o->network_type[i] = 6;
    }
    o->codec = tgv_codec_marker();
    o->marked = true;
    o->relays = 1;
    o->init_timeout = TGV_S(30);
    o->receive_timeout = TGV_S(20);
    for (int i = 0; i < TGV_SIM_RELAYS_MAX; i++)
        o->relay_dead_at[i] = TGV_NEVER;
}

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct tgv_addr address(const char *text)
{
    struct tgv_addr a;

    if (!tgv_addr_parse(text, &a))
        abort();
    return a;
}

static void make_relays(struct tgv_sim *s, struct tgv_relay_entry *entries,
                        int side)
{
    struct tgv_prng g;

    tgv_prng_init(&g, s->o.seed ^ 0x7a95);
    for (unsigned i = 0; i < s->o.relays; i++) {
        struct tgv_relay_entry *e = &entries[i];
        memset(e, 0, sizeof(*e));
        e->id = 1000 + i;
        e->ipv4 = s->relay_addr[i];
        for (int b = 0; b < TGV_TAG_BYTES; b++)
            e->tag[b] = (uint8_t)tgv_prng_below(&g, 256);
        e->tag[15] = (uint8_t)((e->tag[15] & 0xfe) | side);
    }
}

static void note_packet(void *ctx, const struct tgv_packet_note *note)
{
    struct side *d = ctx;

    if (!note->out)
        return;
    d->packets[note->type]++;
    if (note->type == TGV_PKT_STREAM_DATA ||
        note->type == TGV_PKT_STREAM_DATA_X2 ||
        note->type == TGV_PKT_STREAM_DATA_X3 || note->type == TGV_PKT_STREAM_EC)
        d->media_bytes += note->len;
}

static void make_side(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];
    struct tgv_relay_entry relays[TGV_SIM_RELAYS_MAX];
    struct tgv_call_config config = {.outgoing = n == 0,
                                     .relays = relays,
                                     .relay_count = s->o.relays,
                                     .max_layer = s->o.layer[n],
                                     .allow_v1 = s->o.allow_v1,
                                     .init_timeout = s->o.init_timeout,
                                     .receive_timeout = s->o.receive_timeout,
                                     .network_type = s->o.network_type[n],
                                     .data_saving = s->o.data_saving[n],
                                     .min_frame_ms = s->o.min_frame_ms[n],
                                     .complexity = 5,
                                     .codec = s->o.codec};
    struct tgv_prng key;

    make_relays(s, relays, n);
    tgv_prng_init(&key, s->o.seed + (s->o.wrong_key ? (uint64_t)n : 0));
    for (size_t i = 0; i < sizeof(config.key); i++)
        config.key[i] = (uint8_t)tgv_prng_below(&key, 256);
    tgv_prng_init(&d->prng, s->o.seed * 2 + (uint64_t)n);
    config.random = tgv_prng_source(&d->prng);
    if (tgv_call_create(&d->call, &config) != 0)
        abort();
    tgv_call_set_trace(d->call,
                       &(struct tgv_trace){.packet = note_packet, .ctx = d});
    d->addr = address(n ? "192.0.2.2:4001" : "192.0.2.1:4000");
    d->start = s->now + (n ? s->o.skew : 0);
    d->tick_us = TGV_BLOCK_US * (1.0 + s->o.drift_ppm[n] / 1e6);
    d->state = TGV_STATE_WAIT_INIT;
    d->reason = "";
    d->ear.seed = s->o.seed;
    d->ear.side = n;
    d->ear.marked = s->o.marked;
    d->ear.last_pos = -1;
    d->ear.end_ts = INT64_MIN;
}

static struct tgv_link *make_slow(tgv_time delay)
{
    struct tgv_impairment imp;
    struct tgv_link *l;

    if (delay <= 0)
        return NULL;
    tgv_impairment_init(&imp);
    imp.delay_ms = (double)delay / TGV_US_PER_MS;
    if (tgv_link_create(&l, &imp, 0) != 0)
        abort();
    return l;
}

struct tgv_sim *tgv_sim_create(const struct tgv_sim_options *o)
{
    struct tgv_sim *s = must(calloc(1, sizeof(*s)));
    struct tgv_relay_config relay = {.open = true, .hash_seed = 1};

    s->o = *o;
    s->now = START;
    s->hash = FNV_BASIS;
    tgv_relay_limits_init(&relay.limits);
    if (tgv_relay_create(&s->relay, &relay) != 0)
        abort();
    for (unsigned i = 0; i < o->relays; i++) {
        char text[TGV_ADDR_TEXT];
        snprintf(text, sizeof(text), "198.51.100.%u:5000", i + 1);
        s->relay_addr[i] = address(text);
        for (int n = 0; n < 2; n++)
            s->slow[i][n] = make_slow(o->relay_delay[i]);
    }
    for (int n = 0; n < 2; n++) {
        if (tgv_link_create(&s->link[n], &s->o.imp[n], (uint64_t)n + 1) != 0)
            abort();
        make_side(s, n);
    }
    return s;
}

void tgv_sim_destroy(struct tgv_sim *s)
{
    if (!s)
        return;
    for (int n = 0; n < 2; n++) {
        tgv_call_destroy(s->side[n].call);
        tgv_link_destroy(s->link[n]);
        for (int i = 0; i < TGV_SIM_RELAYS_MAX; i++)
            tgv_link_destroy(s->slow[i][n]);
        free(s->side[n].captured);
    }
    tgv_relay_destroy(s->relay);
    free(s);
}

/* -- the driver's duties after each input -------------------------------------- */

static void hash_bytes(struct tgv_sim *s, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        s->hash = (s->hash ^ p[i]) * FNV_PRIME;
}

static unsigned relay_index(const struct tgv_sim *s, const struct tgv_addr *to)
{
    for (unsigned i = 0; i < s->o.relays; i++)
        if (tgv_addr_equal(&s->relay_addr[i], to))
            return i;
    abort();
}

static void transmit(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned sock;
    size_t len;

    for (;;) {
        tgv_call_transmit(d->call, &sock, &to, buf, sizeof(buf), &len, s->now);
        if (len == 0)
            return;
        s->datagrams++;
        d->sent++;
        hash_bytes(s, &s->now, sizeof(s->now));
        hash_bytes(s, buf, len);
        if (tgv_link_send(s->link[n], buf, len, relay_index(s, &to), s->now))
            abort();
    }
}

static void take_events(struct side *d)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(d->call, &ev)) {
        if (ev.kind == TGV_EVENT_STATE) {
            d->state = ev.state;
            d->states |= 1u << ev.state;
        } else if (ev.kind == TGV_EVENT_ROUTE) {
            d->reason = ev.reason;
            d->routes++;
        }
    }
}

static void perform(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];
    struct tgv_io_request req;

    while (tgv_call_next_request(d->call, &req)) {
        if (req.kind != TGV_IO_UDP_OPEN)
            continue;
        d->sock = req.sock;
        tgv_call_io_event(d->call,
                          &(struct tgv_io_event){.kind = TGV_IO_OPENED,
                                                 .sock = req.sock,
                                                 .addr = d->addr},
                          s->now);
    }
    transmit(s, n);
    take_events(d);
}

/* -- what can happen ------------------------------------------------------------ */

static void forward(struct tgv_sim *s, unsigned relay,
                    const struct tgv_addr *to, const uint8_t *pkt, size_t len)
{
    for (int n = 0; n < 2; n++) {
        struct side *d = &s->side[n];
        if (!d->connected || !tgv_addr_equal(&d->addr, to))
            continue;
        tgv_call_receive(d->call, d->sock, &s->relay_addr[relay], pkt, len,
                         s->now);
        perform(s, n);
    }
}

static void at_relay(struct tgv_sim *s, int from, unsigned relay, uint8_t *pkt,
                     size_t len)
{
    struct tgv_relay_out out;

    if (s->now - START >= s->o.relay_dead_at[relay])
        return;
    tgv_relay_receive(s->relay, &s->side[from].addr, pkt, len, s->now, &out);
    if (out.verdict == TGV_RELAY_REPLY)
        forward(s, relay, &out.to, out.pkt, out.len);
    else if (out.verdict == TGV_RELAY_FORWARD)
        forward(s, relay, &out.to, pkt, len);
}

static void after_link(struct tgv_sim *s, int n, unsigned relay, uint8_t *pkt,
                       size_t len)
{
    struct tgv_link *slow = s->slow[relay][n];

    if (!slow || s->now - START < s->o.relay_slow_from[relay])
        at_relay(s, n, relay, pkt, len);
    else if (tgv_link_send(slow, pkt, len, relay, s->now) != 0)
        abort();
}

static void arrivals(struct tgv_sim *s, int n)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    uint64_t relay;
    size_t len;

    for (unsigned i = 0; i < s->o.relays; i++)
        while (s->slow[i][n]) {
            tgv_link_receive(s->slow[i][n], buf, sizeof(buf), &len, &relay,
                             s->now);
            if (len == 0)
                break;
            at_relay(s, n, (unsigned)relay, buf, len);
        }
    for (;;) {
        tgv_link_receive(s->link[n], buf, sizeof(buf), &len, &relay, s->now);
        if (len == 0)
            return;
        after_link(s, n, (unsigned)relay, buf, len);
    }
}

static void note_captured(struct side *d, tgv_time at)
{
    if (d->captured_count == d->captured_cap) {
        d->captured_cap = d->captured_cap ? 2 * d->captured_cap : 4096;
        d->captured =
            must(realloc(d->captured, d->captured_cap * sizeof(*d->captured)));
    }
    d->captured[d->captured_count++] = at;
}

static void capture(struct tgv_sim *s, struct side *d)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    uint32_t number = d->captured_count;

    if (!tgv_call_wants_capture(d->call))
        return;
    if (!tgv_call_sends_audio(d->call)) {
        note_captured(d, -1);
        tgv_call_capture(d->call, NULL, s->now);
        return;
    }
    note_captured(d, s->now);
    if (s->o.marked) {
        tgv_marker_write(pcm, number);
    } else {
        for (int i = 0; i < TGV_BLOCK_SAMPLES; i++)
            pcm[i] = (int16_t)(8000.0 * sin(i * 2 * 3.14159265 / 120) *
                               (number / 25 % 3 != 0));
    }
    tgv_call_capture(d->call, pcm, s->now);
}

static tgv_time captured_at(const void *ctx, uint32_t number)
{
    const struct side *d = ctx;

    return number < d->captured_count ? d->captured[number] : -1;
}

static tgv_time tick_due(const struct side *d)
{
    return d->start + (tgv_time)((double)d->ticks * d->tick_us);
}

static void play(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    if (!tgv_call_wants_playout(d->call))
        return;
    tgv_call_playout(d->call, pcm, tick_due(d), &played);
    tgv_sim_ear_take(&d->ear, pcm, &played, s->now, captured_at,
                     &s->side[1 - n]);
}

/* One block each way; after a pause the schedule is caught up with, but what
 * is too much of it is left out. */
static void audio(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];
    uint64_t missed = (uint64_t)((double)(s->now - tick_due(d)) / d->tick_us);

    if (missed > CATCH_UP_MAX)
        d->ticks += missed - CATCH_UP_MAX;
    play(s, n);
    capture(s, d);
    d->ticks++;
    perform(s, n);
}

static void start(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];

    d->connected = true;
    if (tgv_call_start(d->call, s->now) != 0)
        abort();
    perform(s, n);
    if (tgv_call_connect(d->call, s->now) != 0)
        abort();
    perform(s, n);
}

static tgv_time side_due(const struct side *d)
{
    tgv_time t;

    if (!d->connected)
        return d->start;
    t = tgv_time_min(tgv_call_deadline(d->call), tick_due(d));
    return t > d->frozen_until ? t : d->frozen_until;
}

static void freeze(struct tgv_sim *s)
{
    for (unsigned i = 0; i < s->o.pause_count; i++) {
        const struct tgv_sim_pause *p = &s->o.pauses[i];
        if (s->now - START >= p->at && s->now - START < p->at + p->length)
            s->side[p->side].frozen_until = START + p->at + p->length;
    }
}

static void step_side(struct tgv_sim *s, int n)
{
    struct side *d = &s->side[n];

    if (side_due(d) > s->now)
        return;
    if (!d->connected) {
        start(s, n);
        return;
    }
    if (tgv_call_deadline(d->call) <= s->now) {
        tgv_call_expire(d->call, s->now);
        perform(s, n);
    }
    if (tick_due(d) <= s->now)
        audio(s, n);
}

/* A frozen end's datagrams wait in its socket, all of them wait in a spike:
 * then the link is read later. */
static tgv_time link_due(const struct tgv_sim *s, int n)
{
    tgv_time t = tgv_link_deadline(s->link[n]);
    tgv_time frozen = s->side[1 - n].frozen_until;
    tgv_time spike_end = START + s->o.spike_at + s->o.spike_length;

    for (unsigned i = 0; i < s->o.relays; i++)
        if (s->slow[i][n])
            t = tgv_time_min(t, tgv_link_deadline(s->slow[i][n]));
    if (t == TGV_NEVER)
        return t;
    if (t >= START + s->o.spike_at && t < spike_end)
        t = spike_end;
    return t > frozen ? t : frozen;
}

void tgv_sim_run(struct tgv_sim *s, tgv_time until)
{
    until += START;
    for (;;) {
        tgv_time next = TGV_NEVER;
        for (int n = 0; n < 2; n++) {
            next = tgv_time_min(next, side_due(&s->side[n]));
            next = tgv_time_min(next, link_due(s, n));
        }
        if (next > until)
            break;
        if (next > s->now)
            s->now = next;
        freeze(s);
        for (int n = 0; n < 2; n++) {
            if (link_due(s, n) <= s->now)
                arrivals(s, n);
            step_side(s, n);
        }
    }
    s->now = until;
}

/* -- looking -------------------------------------------------------------------- */

tgv_time tgv_sim_now(const struct tgv_sim *s)
{
    return s->now;
}

struct tgv_call *tgv_sim_call(struct tgv_sim *s, int side)
{
    return s->side[side].call;
}

enum tgv_call_state tgv_sim_state(const struct tgv_sim *s, int side)
{
    return s->side[side].state;
}

bool tgv_sim_was(const struct tgv_sim *s, int side, enum tgv_call_state state)
{
    return s->side[side].states & (1u << state);
}

unsigned tgv_sim_routes(const struct tgv_sim *s, int side)
{
    return s->side[side].routes;
}

const char *tgv_sim_last_route_reason(const struct tgv_sim *s, int side)
{
    return s->side[side].reason;
}

const struct tgv_sim_heard *tgv_sim_heard(const struct tgv_sim *s, int side)
{
    return &s->side[side].ear.heard;
}

uint64_t tgv_sim_datagrams(const struct tgv_sim *s)
{
    return s->datagrams;
}

uint64_t tgv_sim_hash(const struct tgv_sim *s)
{
    return s->hash;
}

uint64_t tgv_sim_sent(const struct tgv_sim *s, int side)
{
    return s->side[side].sent;
}

tgv_time tgv_sim_queue(const struct tgv_sim *s, int side)
{
    return tgv_link_queue(s->link[side], s->now);
}

uint64_t tgv_sim_media_bytes(const struct tgv_sim *s, int side)
{
    return s->side[side].media_bytes;
}

uint64_t tgv_sim_packets(const struct tgv_sim *s, int side, uint8_t type)
{
    return s->side[side].packets[type];
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

double tgv_sim_delay_ms(const struct tgv_sim *s, int side, tgv_time from,
                        tgv_time to)
{
    const struct tgv_sim_heard *h = &s->side[side].ear.heard;
    uint32_t *v = must(malloc(sizeof(h->delays_ms10)));
    unsigned n = 0;
    double median = -1.0;

    for (unsigned i = 0; i < h->delay_count; i++)
        if (h->delay_at[i] >= START + from && h->delay_at[i] < START + to)
            v[n++] = h->delays_ms10[i];
    if (n > 0) {
        qsort(v, n, sizeof(*v), compare);
        median = v[n / 2] / 10.0;
    }
    free(v);
    return median;
}
