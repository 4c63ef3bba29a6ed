/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include "support/world_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL TGV_S(9) /* after the mishap is over */
#define GRACE TGV_S(2) /* after a call must have failed */
#define MS(us) ((double)(us) / TGV_US_PER_MS)
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)

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

static void note_mishap(const struct tgv_world *w, struct world_side *d)
{
    d->last_voice = w->now;
    d->way_then = d->last_way;
}

static void mishap(struct tgv_world *w)
{
    tgv_time length = 0;
    struct tgv_roads roads;

    world_note(w, "-- %s", tgv_mishap_str(&w->plan));
    w->mishap_done = true;
    for (unsigned n = 0; n < 2; n++)
        note_mishap(w, &w->side[n]);
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
    tgv_roads_after(&w->plan, &w->cut, &roads);
    w->end_at = w->now + length + TAIL;
    if (length == 0 && !tgv_roads_any(&roads)) /* or when both have failed */
        w->end_at = w->now + 2 * WORLD_RECEIVE_TIMEOUT + GRACE;
}

static void mishap_end(struct tgv_world *w)
{
    world_note(w, "-- UDP passes again");
    w->side[w->plan.mishap_side].udp_blocked = false;
}

/* -- the network ------------------------------------------------------------------ */

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
    struct tgv_world *w = world_must(calloc(1, sizeof(*w)));

    w->plan = *p;
    w->trace = trace;
    w->now = WORLD_START;
    w->hash = FNV_BASIS;
    tgv_prng_init(&w->prng, p->seed ^ 0x3e7);
    for (unsigned i = 0; i < p->relay_count; i++)
        make_relay(w, i);
    for (unsigned n = 0; n < 2; n++)
        world_make_side(w, n);
    world_udp_init(w);
    w->end_at = world_later_start(w) + WORLD_INIT_TIMEOUT + GRACE;
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
        free(world_take(w));
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
    return tgv_time_min(tgv_call_deadline(d->call), world_tick_due(d));
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
    if (world_tick_due(d) <= w->now) {
        world_play(w, n);
        world_capture(w, d);
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
            struct world_event *ev = world_take(w);
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
        result->way[n] = w->side[n].way_then;
    }
    result->mishap_done = w->mishap_done;
    result->cut = w->cut;
    result->hash = w->hash;
    result->packets = w->packets;
    destroy(w);
}
