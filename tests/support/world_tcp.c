/* SPDX-License-Identifier: MIT */
/*
 * Connections: to relays and proxies, and those that proxies make. In order,
 * nothing missing; a loss is a retransmission and delays what comes after it.
 */
#include "support/world_impl.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define SEND_BUFFER 16384
#define RETRANSMIT TGV_MS(60) /* what comes behind shows it missing */
#define RETRANSMIT_AGAIN TGV_MS(200)
#define SYN_AGAIN TGV_S(1)
#define REFUSED_AFTER TGV_MS(5)

static struct world_conn *get(struct tgv_world *w, unsigned i)
{
    return &w->conn[i];
}

static void post(struct tgv_world *w, tgv_time at, enum world_what what,
                 unsigned i, const uint8_t *data, size_t len)
{
    world_post(w, at, what, i, data, len)->generation = w->generation[i];
}

static int new_conn(struct tgv_world *w)
{
    for (unsigned i = 0; i < WORLD_CONNS; i++) {
        if (w->conn[i].used)
            continue;
        w->conn[i] =
            (struct world_conn){.used = true, .pipe = -1, .association = -1};
        return (int)i;
    }
    abort();
}

static void free_conn(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = get(w, i);

    if (c->relay_conn)
        tgv_relay_conn_close(w->relay[c->relay], c->relay_conn);
    c->used = false;
    w->generation[i]++;
}

/* How much later a piece comes because it was lost, perhaps more than once. */
static tgv_time lost_time(struct tgv_world *w, const struct world_conn *c,
                          tgv_time first, tgv_time again)
{
    tgv_time all = 0, next = first;

    for (; world_lose(w, c->loss) && all < TGV_S(8); again *= 2) {
        all += next;
        next = again;
    }
    return all;
}

static tgv_time syn_delay(struct tgv_world *w, const struct world_conn *c)
{
    return c->delay + lost_time(w, c, SYN_AGAIN, 2 * SYN_AGAIN);
}

/* Something enters the stream of one direction, and comes out behind all that
 * went before. */
static void stream(struct tgv_world *w, unsigned i, enum world_what what,
                   const uint8_t *data, size_t len)
{
    struct world_conn *c = get(w, i);
    int down = what == WORLD_DATA_DOWN || what == WORLD_FIN_DOWN;
    tgv_time at = w->now + c->delay +
                  lost_time(w, c, RETRANSMIT + 2 * c->delay,
                            RETRANSMIT_AGAIN + 2 * c->delay);

    if (c->silent)
        return;
    if (at < c->arrives[down])
        at = c->arrives[down];
    c->arrives[down] = at;
    post(w, at, what, i, data, len);
}

/* -- the client ----------------------------------------------------------------- */

static void tell(struct tgv_world *w, const struct world_conn *c,
                 enum tgv_io_event_kind kind, tgv_time after)
{
    struct tgv_io_event ev = {.kind = kind, .sock = c->sock};

    if (kind == TGV_IO_FAILED)
        ev.error = TGVOIP_ERR_IO;
    if (kind == TGV_IO_OPENED)
        ev.addr = c->to.family == TGV_AF_IPV6 ? w->side[c->owner].ip6
                                              : w->side[c->owner].ip4;
    world_note(w, "%c tcp %u: %s", 'A' + (int)c->owner, c->sock,
               kind == TGV_IO_OPENED   ? "opened"
               : kind == TGV_IO_FAILED ? "failed"
               : kind == TGV_IO_CLOSED ? "closed"
                                       : "writable");
    world_tell(w, c->owner, &ev, after);
}

static void refuse(struct tgv_world *w, unsigned n, unsigned sock,
                   tgv_time after)
{
    struct world_conn c = {.owner = n, .sock = sock};

    tell(w, &c, TGV_IO_FAILED, after);
}

static bool find_server(struct tgv_world *w, struct world_conn *c)
{
    const struct world_side *d = &w->side[c->owner];
    int relay = world_relay_at(w, &c->to);

    c->server = relay >= 0 ? WORLD_AT_RELAY : WORLD_AT_PROXY;
    c->relay = relay >= 0 ? (unsigned)relay : 0;
    if (relay < 0) {
        c->delay = d->plan->proxy_delay;
        return d->plan->proxy != TGV_PROXY_NONE &&
               world_is_proxy(c->owner, &c->to) &&
               c->to.port == WORLD_PROXY_PORT;
    }
    c->delay = w->plan.relay[relay].delay[c->owner];
    c->leg = c->to.family == TGV_AF_IPV6 ? TGV_LEG_TCP6 : TGV_LEG_TCP4;
    c->silent = world_is_cut(w, c->owner, c->relay, c->leg);
    return true;
}

static void send_syn(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = get(w, i);

    if (!c->silent)
        post(w, w->now + syn_delay(w, c), WORLD_SYN, i, NULL, 0);
}

void world_tcp_open(struct tgv_world *w, unsigned n, unsigned sock,
                    const struct tgv_addr *to)
{
    struct world_side *d = &w->side[n];
    unsigned i = (unsigned)new_conn(w);
    struct world_conn *c = get(w, i);
    char text[TGV_ADDR_TEXT];

    world_note(w, "%c tcp %u -> %s", 'A' + (int)n, sock, world_addr(to, text));
    if (d->plan->proxy != TGV_PROXY_NONE && !world_is_proxy(n, to))
        d->end.leaks++;
    c->owner = n;
    c->sock = sock;
    c->to = *to;
    c->from = world_outside(w, n, to->family);
    c->from.port = (uint16_t)(50000 + i);
    c->loss = d->plan->loss;
    if (c->from.family == TGV_AF_NONE) {
        refuse(w, n, sock, 0); /* no route */
        c->used = false;
        return;
    }
    if (!d->plan->tcp || !find_server(w, c)) {
        c->silent = true;
        if (d->plan->tcp_reset)
            refuse(w, n, sock, REFUSED_AFTER);
    }
    send_syn(w, i);
}

static int find(const struct tgv_world *w, unsigned n, unsigned sock)
{
    for (unsigned i = 0; i < WORLD_CONNS; i++)
        if (w->conn[i].used && w->conn[i].sock == sock && w->conn[i].owner == n)
            return (int)i;
    return -1;
}

void world_tcp_close(struct tgv_world *w, unsigned n, unsigned sock)
{
    int i = find(w, n, sock);
    struct world_conn *c;

    if (i < 0)
        return;
    c = get(w, (unsigned)i);
    c->sock = 0; /* nothing is told any more */
    if (c->state == WORLD_OPEN && !c->silent)
        stream(w, (unsigned)i, WORLD_FIN_UP, NULL, 0);
    else if (c->state != WORLD_OPEN)
        free_conn(w, (unsigned)i);
}

void world_tcp_up(struct tgv_world *w, unsigned i, const uint8_t *data,
                  size_t len)
{
    struct world_conn *c = get(w, i);

    if (c->reset_next) {
        post(w, w->now + TGV_MS(5), WORLD_RESET_DOWN, i, NULL, 0);
        c->reset_next = false;
        c->silent = true;
    }
    stream(w, i, WORLD_DATA_UP, data, len);
}

static void note_way(struct tgv_world *w, const struct world_conn *c)
{
    const struct world_conn *end = c->pipe >= 0 ? get(w, (unsigned)c->pipe) : c;

    if (end->server == WORLD_AT_RELAY)
        w->side[c->owner].last_way = (struct tgv_cut){
            .leg = end->leg, .host = c->owner, .relay = end->relay};
}

bool world_tcp_send(struct tgv_world *w, unsigned n, unsigned sock,
                    const uint8_t *data, size_t len)
{
    int i = find(w, n, sock);
    struct world_conn *c;

    if (w->trace)
        world_note(w, "%c tcp %u -> %zu", 'A' + (int)n, sock, len);
    if (i < 0) /* lost, and the call is about to be told */
        return !w->side[n].closed[sock % WORLD_SOCKS];
    if (w->conn[i].state == WORLD_CONNECTING || w->conn[i].blocked)
        return false;
    c = get(w, (unsigned)i);
    if (w->side[n].media)
        note_way(w, c);
    c->in_flight += len;
    world_tcp_up(w, (unsigned)i, data, len);
    if (c->in_flight > SEND_BUFFER) { /* told before more is asked for */
        struct tgv_io_event ev = {.kind = TGV_IO_BLOCKED, .sock = sock};
        c->blocked = true;
        world_note(w, "%c tcp %u: blocked", 'A' + (int)n, sock);
        tgv_call_io_event(w->side[n].call, &ev, w->now);
    }
    return true;
}

static void acked(struct tgv_world *w, struct world_conn *c, size_t len)
{
    c->in_flight -= len < c->in_flight ? len : c->in_flight;
    if (!c->blocked || c->in_flight > SEND_BUFFER / 2)
        return;
    c->blocked = false;
    if (c->sock)
        tell(w, c, TGV_IO_WRITABLE, 0);
}

/* Bytes come to the client, now and then in two pieces. */
static void to_client(struct tgv_world *w, unsigned i, const uint8_t *data,
                      size_t len)
{
    struct world_conn *c = get(w, i);
    unsigned owner = c->owner, sock = c->sock;
    size_t first = len;

    if (!sock)
        return;
    if (w->trace)
        world_note(w, "%c tcp %u <- %zu", 'A' + (int)owner, sock, len);
    if (len > 1 && tgv_prng_below(&w->prng, 10) == 0)
        first = 1 + tgv_prng_below(&w->prng, (uint32_t)len - 1);
    tgv_call_receive(w->side[owner].call, sock, NULL, data, first, w->now);
    world_perform(w, owner);
    if (first == len || !c->used || c->sock != sock)
        return;
    tgv_call_receive(w->side[owner].call, sock, NULL, data + first, len - first,
                     w->now);
    world_perform(w, owner);
}

/* -- the relay ------------------------------------------------------------------- */

static void expire(struct tgv_world *w, unsigned relay)
{
    uint32_t number;

    while ((number = tgv_relay_conn_expired(w->relay[relay], w->now)) != 0) {
        unsigned i = 0;
        while (i < WORLD_CONNS &&
               !(w->conn[i].used && w->conn[i].server == WORLD_AT_RELAY &&
                 w->conn[i].relay == relay && w->conn[i].relay_conn == number))
            i++;
        if (i == WORLD_CONNS) {
            tgv_relay_conn_close(w->relay[relay], number);
            continue;
        }
        world_tcp_end(w, i);
    }
}

static void at_relay(struct tgv_world *w, unsigned i, const uint8_t *data,
                     size_t len)
{
    struct world_conn *c = get(w, i);
    struct tgv_relay *relay = w->relay[c->relay];

    expire(w, c->relay);
    while (len > 0 && c->relay_conn) {
        struct tgv_relay_out out;
        size_t used = 0;
        if (tgv_relay_conn_receive(relay, c->relay_conn, data, len, w->now,
                                   &used, &out) != 0) {
            world_tcp_end(w, i);
            return;
        }
        data += used;
        len -= used;
        world_relay_out(w, c->relay, &out);
    }
}

void world_tcp_frame(struct tgv_world *w, unsigned relay, uint32_t relay_conn,
                     const uint8_t *pkt, size_t len)
{
    uint8_t frame[TGV_CALL_TRANSMIT_MAX + 64];
    size_t frame_len;

    for (unsigned i = 0; i < WORLD_CONNS; i++) {
        struct world_conn *c = get(w, i);
        if (!c->used || c->server != WORLD_AT_RELAY || c->relay != relay ||
            c->relay_conn != relay_conn)
            continue;
        if (tgv_relay_conn_frame(w->relay[relay], relay_conn, pkt, len, frame,
                                 sizeof(frame), &frame_len) == 0)
            world_tcp_down(w, i, frame, frame_len);
        return;
    }
}

/* -- any server ------------------------------------------------------------------ */

void world_tcp_down(struct tgv_world *w, unsigned i, const uint8_t *data,
                    size_t len)
{
    stream(w, i, WORLD_DATA_DOWN, data, len);
}

/* The server closes. */
void world_tcp_end(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = get(w, i);

    if (c->relay_conn)
        tgv_relay_conn_close(w->relay[c->relay], c->relay_conn);
    c->relay_conn = 0;
    c->state = WORLD_CLOSED;
    stream(w, i, WORLD_FIN_DOWN, NULL, 0);
}

int world_tcp_connect_out(struct tgv_world *w, unsigned client,
                          const struct tgv_addr *to)
{
    unsigned i = (unsigned)new_conn(w);
    struct world_conn *c = get(w, i);

    c->owner = get(w, client)->owner;
    c->to = *to;
    c->from = world_proxy_addr(c->owner, to->family, (uint16_t)(50000 + i));
    c->pipe = (int)client;
    if (!find_server(w, c) || c->server != WORLD_AT_RELAY)
        c->silent = true;
    send_syn(w, i);
    return (int)i;
}

static bool listens(const struct tgv_world *w, const struct world_conn *c,
                    bool *reset)
{
    *reset = true;
    if (c->server == WORLD_AT_PROXY)
        return w->side[c->owner].plan->proxy != TGV_PROXY_DEAD;
    *reset = w->relay_reset[c->relay];
    return w->relay_tcp[c->relay];
}

static void syn(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = get(w, i);
    bool reset, there = listens(w, c, &reset);

    if (there && c->server == WORLD_AT_RELAY) {
        expire(w, c->relay);
        there = tgv_relay_conn_open(w->relay[c->relay], &c->from, w->now,
                                    &c->relay_conn) == 0;
    }
    if (!there)
        world_note(w, "%c tcp %u finds nobody", 'A' + (int)c->owner, c->sock);
    if (there)
        post(w, w->now + syn_delay(w, c), WORLD_SYN_ACK, i, NULL, 0);
    else if (reset)
        post(w, w->now + c->delay, WORLD_RESET_DOWN, i, NULL, 0);
}

static void syn_ack(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = get(w, i);

    c->state = WORLD_OPEN;
    c->arrives[0] = c->arrives[1] = w->now;
    if (c->sock)
        tell(w, c, TGV_IO_OPENED, 0);
    else
        world_proxy_opened(w, i, true);
}

static void data_up(struct tgv_world *w, unsigned i, const uint8_t *data,
                    size_t len)
{
    struct world_conn *c = get(w, i);

    post(w, w->now + c->delay, WORLD_ACK, i, (const uint8_t *)&len,
         sizeof(len));
    if (c->state != WORLD_OPEN)
        return;
    if (c->server == WORLD_AT_PROXY)
        world_proxy_data(w, i, data, len);
    else
        at_relay(w, i, data, len);
}

static void data_down(struct tgv_world *w, unsigned i, const uint8_t *data,
                      size_t len)
{
    struct world_conn *c = get(w, i);

    if (c->pipe >= 0 && c->server == WORLD_AT_RELAY)
        world_tcp_down(w, (unsigned)c->pipe, data, len);
    else
        to_client(w, i, data, len);
}

/* The client's end of a connection is told that it is over. */
static void over(struct tgv_world *w, unsigned i, enum tgv_io_event_kind kind)
{
    struct world_conn *c = get(w, i);
    bool opening = c->state == WORLD_CONNECTING;
    bool piped = c->pipe >= 0 && c->server == WORLD_AT_RELAY;
    struct world_conn gone = *c;

    if (piped && opening) {
        world_proxy_opened(w, i, false);
    } else if (piped) {
        get(w, (unsigned)c->pipe)->pipe = -1;
        world_tcp_end(w, (unsigned)c->pipe);
    }
    if (!piped && c->server == WORLD_AT_PROXY)
        world_proxy_closed(w, i);
    free_conn(w, i);
    if (gone.sock)
        tell(w, &gone, kind, 0);
}

static void fin_up(struct tgv_world *w, unsigned i)
{
    if (get(w, i)->server == WORLD_AT_PROXY)
        world_proxy_closed(w, i);
    free_conn(w, i);
}

void world_tcp_event(struct tgv_world *w, const struct world_event *ev)
{
    struct world_conn *c = get(w, ev->index);
    size_t len = 0;

    if (!c->used || ev->generation != w->generation[ev->index])
        return;
    if (c->silent && ev->what != WORLD_RESET_DOWN)
        return;
    switch (ev->what) {
    case WORLD_SYN:
        syn(w, ev->index);
        break;
    case WORLD_SYN_ACK:
        syn_ack(w, ev->index);
        break;
    case WORLD_DATA_UP:
        data_up(w, ev->index, ev->data, ev->len);
        break;
    case WORLD_DATA_DOWN:
        data_down(w, ev->index, ev->data, ev->len);
        break;
    case WORLD_ACK:
        memcpy(&len, ev->data, sizeof(len));
        acked(w, c, len);
        break;
    case WORLD_FIN_UP:
        fin_up(w, ev->index);
        break;
    case WORLD_FIN_DOWN:
        over(w, ev->index, TGV_IO_CLOSED);
        break;
    case WORLD_RESET_DOWN:
        over(w, ev->index, TGV_IO_FAILED);
        break;
    default:
        abort();
    }
}

/* -- mishaps --------------------------------------------------------------------- */

static void hurt(struct tgv_world *w, unsigned i, bool reset_at_once)
{
    struct world_conn *c = get(w, i);

    c->silent = true;
    if (reset_at_once)
        post(w, w->now + c->delay, WORLD_RESET_DOWN, i, NULL, 0);
}

void world_tcp_relay_dead(struct tgv_world *w, unsigned relay)
{
    for (unsigned i = 0; i < WORLD_CONNS; i++) {
        struct world_conn *c = get(w, i);
        if (c->used && c->server == WORLD_AT_RELAY && c->relay == relay)
            hurt(w, i, w->plan.mishap_reset);
    }
}

/* All connections of a host that go through its box, or all if it moves: then
 * the system may tell at once, else a reset answers the next piece. */
void world_tcp_address(struct tgv_world *w, unsigned n)
{
    bool moves = w->plan.change == TGV_CHANGE_INTERFACE;

    for (unsigned i = 0; i < WORLD_CONNS; i++) {
        struct world_conn *c = get(w, i);
        if (!c->used || c->owner != n || !c->sock)
            continue;
        if (!moves && c->to.family == TGV_AF_IPV6)
            continue;
        if (!moves && w->plan.mishap_reset)
            c->reset_next = true;
        else
            hurt(w, i, moves && w->plan.mishap_reset);
    }
}

void world_tcp_cut(struct tgv_world *w)
{
    for (unsigned i = 0; i < WORLD_CONNS; i++) {
        struct world_conn *c = get(w, i);
        if (c->used && c->server == WORLD_AT_RELAY &&
            world_is_cut(w, c->owner, c->relay, c->leg))
            hurt(w, i, w->plan.mishap_reset);
    }
}
