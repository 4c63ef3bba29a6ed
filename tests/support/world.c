/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include "support/marker_codec.h"
#include "support/world_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define INIT_TIMEOUT TGV_S(12)
#define RECEIVE_TIMEOUT TGV_S(12)
#define TAIL TGV_S(9) /* after the mishap is over */
#define GRACE TGV_S(2) /* after a call must have failed */
#define LOOKUP_DELAY TGV_MS(15)
#define MS(us) ((double)(us) / TGV_US_PER_MS)
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

struct tgv_addr world_parse(const char *text)
{
    struct tgv_addr a;

    if (!tgv_addr_parse(text, &a))
        abort();
    return a;
}

const char *world_addr(const struct tgv_addr *a, char text[TGV_ADDR_TEXT])
{
    return tgv_addr_format(a, text, TGV_ADDR_TEXT);
}

void world_note(const struct tgv_world *w, const char *format, ...)
{
    va_list args;

    if (!w->trace)
        return;
    fprintf(stderr, "%9.3f ", MS(w->now - WORLD_START));
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* -- what is to come ------------------------------------------------------------ */

static bool before(const struct world_event *a, const struct world_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void sift_up(struct tgv_world *w, size_t i)
{
    struct world_event *ev = w->heap[i];

    for (; i > 0 && before(ev, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = ev;
}

struct world_event *world_post(struct tgv_world *w, tgv_time at,
                               enum world_what what, unsigned index,
                               const uint8_t *data, size_t len)
{
    struct world_event *ev = must(calloc(1, sizeof(*ev) + len));

    ev->at = at;
    ev->order = w->order++;
    ev->what = what;
    ev->index = index;
    ev->len = len;
    if (len)
        memcpy(ev->data, data, len);
    if (w->heap_count == w->heap_cap) {
        w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 256;
        w->heap = must(realloc(w->heap, w->heap_cap * sizeof(*w->heap)));
    }
    w->heap[w->heap_count] = ev;
    sift_up(w, w->heap_count++);
    return ev;
}

static struct world_event *take(struct tgv_world *w)
{
    struct world_event *first = w->heap[0], *last;
    size_t i = 0;

    last = w->heap[--w->heap_count];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count &&
            before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!before(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}

/* -- a driver's duties ------------------------------------------------------------ */

void world_tell(struct tgv_world *w, unsigned n, const struct tgv_io_event *ev,
                tgv_time after)
{
    world_post(w, w->now + after, WORLD_IO, n, (const uint8_t *)ev,
               sizeof(*ev));
}

static void add_addr(struct tgv_io_event *ev, const struct tgv_addr *a,
                     bool port)
{
    if (a->family == TGV_AF_NONE)
        return;
    ev->addrs[ev->addr_count] = *a;
    if (!port)
        ev->addrs[ev->addr_count].port = 0;
    ev->addr_count++;
}

void world_interfaces(struct tgv_world *w, unsigned n)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};
    struct tgv_addr link = world_parse("[fe80::1234]:0");

    add_addr(&ev, &w->side[n].ip4, false);
    if (w->side[n].plan->ipv6)
        add_addr(&ev, &link, false);
    add_addr(&ev, &w->side[n].ip6, false);
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
        add_addr(&ev, &a, false);
        a = world_proxy_addr(n, TGV_AF_IPV4, 0);
        add_addr(&ev, &a, false);
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

static tgv_time later_start(const struct tgv_world *w)
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
        end->established = w->now - later_start(w);
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

/* -- mishaps ---------------------------------------------------------------------- */

static void cut_road(struct tgv_world *w)
{
    w->cut = w->side[w->plan.mishap_side].last_way;
    w->cut_made = true;
    world_note(w, "-- cut: direct %u, host %u, relay %u, leg %u", w->cut.direct,
               w->cut.host, w->cut.relay, w->cut.leg);
    world_tcp_cut(w);
}

static void change_address(struct tgv_world *w)
{
    unsigned n = w->plan.mishap_side;
    bool shared = w->plan.same_lan && w->plan.change != TGV_CHANGE_INTERFACE;

    for (unsigned i = 0; i < 2; i++)
        if (i == n || shared)
            world_tcp_address(w, i);
    world_udp_change(w, n);
    if (w->plan.change != TGV_CHANGE_INTERFACE)
        return;
    world_interfaces(w, n);
    world_perform(w, n);
}

static void kill_relay(struct tgv_world *w, unsigned relay)
{
    w->relay_udp[relay] = w->relay_tcp[relay] = false;
    w->relay_reset[relay] = w->plan.mishap_reset;
    world_tcp_relay_dead(w, relay);
}

static void mishap(struct tgv_world *w)
{
    tgv_time length = 0;

    world_note(w, "-- %s", tgv_mishap_str(&w->plan));
    w->mishap_done = true;
    for (unsigned n = 0; n < 2; n++)
        w->side[n].last_voice = w->now;
    switch (w->plan.mishap) {
    case TGV_MISHAP_ROAD_DIES:
        cut_road(w);
        break;
    case TGV_MISHAP_ADDRESS:
        change_address(w);
        break;
    case TGV_MISHAP_RELAY:
        kill_relay(w, w->plan.mishap_relay);
        break;
    case TGV_MISHAP_UDP_BLOCKED:
        length = w->plan.mishap_length;
        w->side[w->plan.mishap_side].udp_blocked = true;
        world_post(w, w->now + length, WORLD_MISHAP_END, 0, NULL, 0);
        break;
    case TGV_MISHAP_COUNT:
        break;
    }
    w->end_at = w->now + length + TAIL;
    if (w->end_at < w->now + RECEIVE_TIMEOUT + GRACE && length == 0) {
        struct tgv_roads roads;
        tgv_roads_after(&w->plan, &w->cut, &roads);
        if (!tgv_roads_any(&roads))
            w->end_at = w->now + 2 * RECEIVE_TIMEOUT + GRACE;
    }
}

static void mishap_end(struct tgv_world *w)
{
    world_note(w, "-- UDP passes again");
    w->side[w->plan.mishap_side].udp_blocked = false;
}

/* -- sound ------------------------------------------------------------------------- */

static tgv_time tick_due(const struct world_side *d)
{
    return d->start + (tgv_time)d->ticks * TGV_BLOCK_US;
}

static void note_captured(struct world_side *d, tgv_time at)
{
    if (d->captured_count == d->captured_cap) {
        d->captured_cap = d->captured_cap ? 2 * d->captured_cap : 1024;
        d->captured =
            must(realloc(d->captured, d->captured_cap * sizeof(*d->captured)));
    }
    d->captured[d->captured_count++] = at;
}

static tgv_time captured_at(const void *ctx, uint32_t number)
{
    const struct world_side *d = ctx;

    return number < d->captured_count ? d->captured[number] : -1;
}

static void capture(struct tgv_world *w, struct world_side *d)
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
        d->end.first_voice = w->now - later_start(w);
    if (!w->mishap_done)
        return;
    if (w->now - d->last_voice > d->end.longest_gap)
        d->end.longest_gap = w->now - d->last_voice;
    if (voice)
        d->last_voice = w->now;
}

static void play(struct tgv_world *w, unsigned n)
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

/* -- ends -------------------------------------------------------------------------- */

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

static void make_side(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    struct tgv_relay_entry relays[2 * TGV_PLAN_RELAYS];
    struct tgv_call_config config = {.outgoing = n == 0,
                                     .relays = relays,
                                     .max_layer = TGV_LAYER_MAX,
                                     .allow_p2p = w->plan.host[n].allow_p2p,
                                     .init_timeout = INIT_TIMEOUT,
                                     .receive_timeout = RECEIVE_TIMEOUT,
                                     .network_type = 6,
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

static void make_relay(struct tgv_world *w, unsigned i)
{
    struct tgv_relay_config config = {.open = true, .hash_seed = 1};

    tgv_relay_limits_init(&config.limits);
    config.limits.sessions = 4;
    config.limits.conns = WORLD_CONNS;
    if (tgv_relay_create(&w->relay[i], &config) != 0)
        abort();
    w->relay_udp[i] = w->plan.relay[i].udp;
    w->relay_tcp[i] = w->plan.relay[i].tcp;
    w->relay_reset[i] = w->plan.relay[i].reset;
}

static struct tgv_world *create(const struct tgv_plan *p, bool trace)
{
    struct tgv_world *w = must(calloc(1, sizeof(*w)));

    w->plan = *p;
    w->trace = trace;
    w->now = WORLD_START;
    w->hash = FNV_BASIS;
    tgv_prng_init(&w->prng, p->seed ^ 0x3e7);
    for (unsigned i = 0; i < p->relay_count; i++)
        make_relay(w, i);
    for (unsigned n = 0; n < 2; n++)
        make_side(w, n);
    world_udp_init(w);
    w->end_at = later_start(w) + INIT_TIMEOUT + GRACE;
    return w;
}

static void destroy(struct tgv_world *w)
{
    for (unsigned n = 0; n < 2; n++) {
        tgv_call_destroy(w->side[n].call);
        free(w->side[n].captured);
    }
    for (unsigned i = 0; i < w->plan.relay_count; i++)
        tgv_relay_destroy(w->relay[i]);
    while (w->heap_count)
        free(take(w));
    free(w->heap);
    free(w);
}

/* -- time goes by -------------------------------------------------------------------- */

static void start(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];

    d->connected = true;
    world_interfaces(w, n);
    if (tgv_call_start(d->call, w->now) != 0)
        abort();
    world_perform(w, n);
    if (tgv_call_connect(d->call, w->now) != 0)
        abort();
    world_perform(w, n);
}

static tgv_time side_due(const struct world_side *d)
{
    if (!d->connected)
        return d->start;
    return tgv_time_min(tgv_call_deadline(d->call), tick_due(d));
}

static void step_side(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];

    if (side_due(d) > w->now)
        return;
    if (!d->connected) {
        start(w, n);
        return;
    }
    if (tgv_call_deadline(d->call) <= w->now) {
        tgv_call_expire(d->call, w->now);
        world_perform(w, n);
    }
    if (tick_due(d) <= w->now) {
        play(w, n);
        capture(w, d);
        d->ticks++;
        world_perform(w, n);
    }
}

static void happen_io(struct tgv_world *w, unsigned n, const uint8_t *data)
{
    struct tgv_io_event io;

    memcpy(&io, data, sizeof(io));
    if (w->side[n].closed[io.sock % WORLD_SOCKS])
        return;
    tgv_call_io_event(w->side[n].call, &io, w->now);
    world_perform(w, n);
}

static void happen(struct tgv_world *w, const struct world_event *ev)
{
    switch (ev->what) {
    case WORLD_DATAGRAM:
        world_udp_arrive(w, ev);
        break;
    case WORLD_IO:
        happen_io(w, ev->index, ev->data);
        break;
    case WORLD_MISHAP:
        mishap(w);
        break;
    case WORLD_MISHAP_END:
        mishap_end(w);
        break;
    default:
        world_tcp_event(w, ev);
    }
}

static bool both_failed(const struct tgv_world *w)
{
    return w->side[0].end.failed >= 0 && w->side[1].end.failed >= 0;
}

static void run(struct tgv_world *w)
{
    while (!both_failed(w)) {
        tgv_time next =
            tgv_time_min(side_due(&w->side[0]), side_due(&w->side[1]));
        bool event = w->heap_count && w->heap[0]->at <= next;
        if (event)
            next = w->heap[0]->at;
        if (next > w->end_at && (w->mishap_done || !w->mishap_planned))
            return;
        if (next > w->now)
            w->now = next;
        if (event) {
            struct world_event *ev = take(w);
            happen(w, ev);
            free(ev);
        }
        for (unsigned n = 0; n < 2 && !event; n++)
            step_side(w, n);
    }
}

static void judge_end(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    uint64_t kept = d->blocks < WORLD_ENDS ? d->blocks : WORLD_ENDS;
    unsigned voice = 0;

    for (uint64_t i = 0; i < kept; i++)
        voice += d->heard[i];
    d->end.voice_at_end = kept ? voice / (double)kept : 0.0;
    d->end.breaches += d->ear.heard.breaches;
}

void tgv_world_run(const struct tgv_plan *p, bool trace,
                   struct tgv_world_result *result)
{
    struct tgv_world *w = create(p, trace);

    run(w);
    memset(result, 0, sizeof(*result));
    for (unsigned n = 0; n < 2; n++) {
        judge_end(w, n);
        result->end[n] = w->side[n].end;
    }
    result->mishap_done = w->mishap_done;
    result->cut = w->cut;
    result->hash = w->hash;
    result->packets = w->packets;
    destroy(w);
}
