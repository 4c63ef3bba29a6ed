/* SPDX-License-Identifier: MIT */
/*
 * An end: the driver's duties towards its call, its sound, and its making.
 */
#include "support/marker_codec.h"
#include "support/world_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_DELAY TGV_MS(15)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* -- a driver's duties ------------------------------------------------------------ */

void world_tell(struct tgv_world *w, unsigned n, const struct tgv_io_event *ev,
                tgv_time after)
{
    world_post(w, w->now + after, WORLD_IO, n, (const uint8_t *)ev,
               sizeof(*ev));
}

static void add_addr(struct tgv_io_event *ev, const struct tgv_addr *a)
{
    if (a->family != TGV_AF_NONE)
        ev->addrs[ev->addr_count++] = *a;
}

void world_interfaces(struct tgv_world *w, unsigned n)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};
    struct tgv_addr link = world_parse("[fe80::1234]:0");

    add_addr(&ev, &w->side[n].ip4);
    if (w->side[n].plan->ipv6)
        add_addr(&ev, &link);
    add_addr(&ev, &w->side[n].ip6);
    tgv_call_io_event(w->side[n].call, &ev, w->now);
}

/* Names: that of the proxy only; any other query is a leak if there is one. */
static void resolve(struct tgv_world *w, unsigned n, unsigned sock,
                    const char *name)
{
    struct tgv_io_event ev = {.kind = TGV_IO_RESOLVED, .sock = sock};
    struct world_side *d = &w->side[n];

    world_note(w, "%c resolve %s", 'A' + (int)n, name);
    if (strcmp(name, "proxy.test") == 0) {
        struct tgv_addr a = world_proxy_addr(n, TGV_AF_IPV6, 0);
        add_addr(&ev, &a);
        a = world_proxy_addr(n, TGV_AF_IPV4, 0);
        add_addr(&ev, &a);
    } else if (d->plan->proxy != TGV_PROXY_NONE) {
        d->end.leaks++;
    }
    world_tell(w, n, &ev, LOOKUP_DELAY);
}

static void open_udp(struct tgv_world *w, unsigned n, unsigned sock)
{
    struct tgv_io_event ev = {.kind = TGV_IO_OPENED, .sock = sock};
    struct world_side *d = &w->side[n];

    d->sock = sock;
    d->port = (uint16_t)(20000 + 100 * n + sock);
    ev.addr = world_parse("[::]:0");
    ev.addr.port = d->port;
    world_note(w, "%c udp socket %u open", 'A' + (int)n, sock);
    tgv_call_io_event(d->call, &ev, w->now);
}

static void request(struct tgv_world *w, unsigned n,
                    const struct tgv_io_request *req)
{
    struct world_side *d = &w->side[n];

    switch (req->kind) {
    case TGV_IO_UDP_OPEN:
        open_udp(w, n, req->sock);
        break;
    case TGV_IO_TCP_OPEN:
        world_tcp_open(w, n, req->sock, &req->to);
        break;
    case TGV_IO_CLOSE:
        world_note(w, "%c close %u", 'A' + (int)n, req->sock);
        d->closed[req->sock % WORLD_SOCKS] = true;
        if (req->sock == d->sock)
            d->sock = 0;
        else
            world_tcp_close(w, n, req->sock);
        break;
    case TGV_IO_RESOLVE:
        resolve(w, n, req->sock, req->name);
        break;
    }
}

static void hash_bytes(struct tgv_world *w, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        w->hash = (w->hash ^ p[i]) * FNV_PRIME;
}

static void transmit(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to = {0};
    unsigned sock;
    size_t len;

    for (;;) {
        d->media = false; /* until the call notes such a packet */
        tgv_call_transmit(d->call, &sock, &to, buf, sizeof(buf), &len, w->now);
        if (len == 0)
            return;
        w->packets++;
        hash_bytes(w, &w->now, sizeof(w->now));
        hash_bytes(w, buf, len);
        if (sock == d->sock)
            world_udp_send(w, n, &to, buf, len);
        else if (!world_tcp_send(w, n, sock, buf, len))
            d->end.breaches++;
    }
}

tgv_time world_later_start(const struct tgv_world *w)
{
    return w->side[0].start > w->side[1].start ? w->side[0].start
                                               : w->side[1].start;
}

static void note_state(struct tgv_world *w, unsigned n,
                       const struct tgv_call_event *ev)
{
    struct tgv_world_end *end = &w->side[n].end;

    world_note(w, "%c state %d error %d", 'A' + (int)n, (int)ev->state,
               (int)ev->error);
    end->state = ev->state;
    end->error = ev->error;
    if (ev->state == TGV_STATE_ESTABLISHED && end->established < 0)
        end->established = w->now - world_later_start(w);
    if (ev->state == TGV_STATE_FAILED)
        end->failed =
            w->now - (w->mishap_done ? w->mishap_at : w->side[n].start);
}

static void take_events(struct tgv_world *w, unsigned n)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(w->side[n].call, &ev)) {
        if (ev.kind == TGV_EVENT_STATE) {
            note_state(w, n, &ev);
        } else if (ev.kind == TGV_EVENT_ROUTE) {
            w->side[n].end.route = ev.path;
            world_note(w, "%c route %d of %lld: %s", 'A' + (int)n, (int)ev.path,
                       (long long)ev.relay_id, ev.reason);
        }
    }
}

static void plan_mishap(struct tgv_world *w)
{
    if (w->mishap_planned || w->side[0].end.established < 0 ||
        w->side[1].end.established < 0)
        return;
    w->mishap_planned = true;
    w->mishap_at = w->now + w->plan.mishap_after;
    world_post(w, w->mishap_at, WORLD_MISHAP, 0, NULL, 0);
}

void world_perform(struct tgv_world *w, unsigned n)
{
    struct tgv_io_request req;

    while (tgv_call_next_request(w->side[n].call, &req))
        request(w, n, &req);
    transmit(w, n);
    while (tgv_call_next_request(w->side[n].call, &req))
        request(w, n, &req);
    take_events(w, n);
    plan_mishap(w);
}

/* -- sound ------------------------------------------------------------------------- */

tgv_time world_tick_due(const struct world_side *d)
{
    return d->start + (tgv_time)d->ticks * TGV_BLOCK_US;
}

static void note_captured(struct world_side *d, tgv_time at)
{
    if (d->captured_count == d->captured_cap) {
        d->captured_cap = d->captured_cap ? 2 * d->captured_cap : 1024;
        d->captured = world_must(
            realloc(d->captured, d->captured_cap * sizeof(*d->captured)));
    }
    d->captured[d->captured_count++] = at;
}

static tgv_time captured_at(const void *ctx, uint32_t number)
{
    const struct world_side *d = ctx;

    return number < d->captured_count ? d->captured[number] : -1;
}

void world_capture(struct tgv_world *w, struct world_side *d)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];

    if (!tgv_call_wants_capture(d->call))
        return;
    if (!tgv_call_sends_audio(d->call)) {
        note_captured(d, -1);
        tgv_call_capture(d->call, NULL, w->now);
        return;
    }
    tgv_marker_write(pcm, d->captured_count);
    note_captured(d, w->now);
    tgv_call_capture(d->call, pcm, w->now);
}

static void note_block(struct tgv_world *w, struct world_side *d, bool voice)
{
    if (w->trace &&
        (d->blocks == 0 || d->heard[(d->blocks - 1) % WORLD_ENDS] != voice))
        world_note(w, "%c hears %s", 'A' + d->ear.side,
                   voice ? "voice" : "none");
    d->heard[d->blocks++ % WORLD_ENDS] = voice;
    if (voice && d->end.first_voice < 0)
        d->end.first_voice = w->now - world_later_start(w);
    if (!w->mishap_done)
        return;
    if (w->now - d->last_voice > d->end.longest_gap)
        d->end.longest_gap = w->now - d->last_voice;
    if (voice)
        d->last_voice = w->now;
}

void world_play(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    struct tgv_played played = {.kind = TGV_PLAYED_SILENCE};
    int16_t pcm[TGV_BLOCK_SAMPLES];

    if (tgv_call_wants_playout(d->call)) {
        tgv_call_playout(d->call, pcm, w->now, &played);
        tgv_sim_ear_take(&d->ear, pcm, &played, w->now, captured_at,
                         &w->side[1 - n]);
    }
    note_block(w, d,
               played.kind == TGV_PLAYED_VOICE ||
                   played.kind == TGV_PLAYED_RECOVERED);
}

/* -- making ---------------------------------------------------------------------- */

static void make_relays(const struct tgv_world *w, unsigned n,
                        struct tgv_relay_entry *list, size_t *count)
{
    struct tgv_prng g;

    tgv_prng_init(&g, w->plan.seed ^ 0x7a95);
    for (unsigned i = 0; i < w->plan.relay_count; i++) {
        struct tgv_relay_entry e = {.id = 1000 + i,
                                    .ipv4 = world_relay_addr(i, TGV_AF_IPV4)};
        if (w->plan.relay[i].ipv6)
            e.ipv6 = world_relay_addr(i, TGV_AF_IPV6);
        for (int b = 0; b < TGV_TAG_BYTES; b++)
            e.tag[b] = (uint8_t)tgv_prng_below(&g, 256);
        e.tag[15] = (uint8_t)((e.tag[15] & 0xfe) | n);
        list[(*count)++] = e;
        if (w->plan.tcp_listed) {
            e.id = 2000 + i;
            e.tcp = true;
            list[(*count)++] = e;
        }
    }
}

static void set_proxy(struct tgv_world *w, unsigned n,
                      struct tgv_proxy_entry *proxy)
{
    const struct tgv_host_plan *h = &w->plan.host[n];

    if (h->proxy == TGV_PROXY_NONE)
        return;
    snprintf(proxy->host, sizeof(proxy->host), "%s", "proxy.test");
    if (!h->proxy_named) /* by its address */
        snprintf(proxy->host, sizeof(proxy->host),
                 h->ipv4 ? "192.0.2.%u" : "2001:db8:80::%u", 80 + n);
    proxy->port = WORLD_PROXY_PORT;
    if (h->proxy_login) {
        snprintf(proxy->user, sizeof(proxy->user), "user");
        snprintf(proxy->password, sizeof(proxy->password), "password");
    }
}

static void log_line(void *ctx, enum tgv_log_level level, const char *room,
                     tgv_time now, const char *text)
{
    const struct world_side *d = ctx;

    (void)now;
    world_note(d->world, "%c    %d %s: %s", 'A' + d->ear.side, (int)level, room,
               text);
}

static void note_packet(void *ctx, const struct tgv_packet_note *note)
{
    struct world_side *d = ctx;

    if (note->out)
        d->media = note->type == TGV_PKT_STREAM_DATA ||
                   note->type == TGV_PKT_STREAM_DATA_X2 ||
                   note->type == TGV_PKT_STREAM_DATA_X3;
}

void world_make_side(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    struct tgv_relay_entry relays[2 * TGV_PLAN_RELAYS];
    struct tgv_call_config config = {.outgoing = n == 0,
                                     .relays = relays,
                                     .max_layer = TGV_LAYER_MAX,
                                     .allow_p2p = w->plan.host[n].allow_p2p,
                                     .init_timeout = WORLD_INIT_TIMEOUT,
                                     .receive_timeout = WORLD_RECEIVE_TIMEOUT,
                                     .network_type = 6,
                                     .min_frame_ms =
                                         w->plan.host[n].long_frames ? 60 : 0,
                                     .complexity = 5,
                                     .codec = tgv_codec_marker()};
    struct tgv_prng key;

    d->plan = &w->plan.host[n];
    make_relays(w, n, relays, &config.relay_count);
    set_proxy(w, n, &config.proxy);
    tgv_prng_init(&key, w->plan.seed);
    for (size_t i = 0; i < sizeof(config.key); i++)
        config.key[i] = (uint8_t)tgv_prng_below(&key, 256);
    tgv_prng_init(&d->prng, w->plan.seed * 2 + n);
    config.random = tgv_prng_source(&d->prng);
    d->log =
        (struct tgv_log){.write = log_line, .ctx = d, .level = TGV_LOG_DEBUG};
    d->world = w;
    config.log = w->trace ? &d->log : NULL;
    if (tgv_call_create(&d->call, &config) != 0)
        abort();
    tgv_call_set_trace(d->call,
                       &(struct tgv_trace){.packet = note_packet, .ctx = d});
    d->start = w->now;
    if ((n == 1) == (w->plan.skew > 0))
        d->start += w->plan.skew > 0 ? w->plan.skew : -w->plan.skew;
    d->ear = (struct tgv_sim_ear){.seed = w->plan.seed,
                                  .side = (int)n,
                                  .marked = true,
                                  .last_pos = -1,
                                  .end_ts = INT64_MIN};
    d->end = (struct tgv_world_end){.state = TGV_STATE_WAIT_INIT,
                                    .established = -1,
                                    .first_voice = -1,
                                    .failed = -1};
}
