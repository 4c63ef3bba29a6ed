/* SPDX-License-Identifier: MIT */
/*
 * What the core wants done (legacy/call.h), with real sockets, and what has
 * happened to them.
 */
#include "api/call.h"

#include "crypto/secret.h"
#include "io/conn.h"
#include "io/resolve.h"
#include "io/udp.h"

#include <stdlib.h>
#include <string.h>

/* After so many packets at once the rest waits for the next turn, so that one
 * call cannot keep the loop. */
#define TRANSMIT_MAX 64
/* A stream to each relay and to each one's double, the UDP socket, the proxy,
 * look-ups. */
#define SOCKETS_MAX (2 * TGV_RELAYS_MAX + 16)

struct tgv_call_socket {
    struct tgv_call_socket *next;
    struct tgvoip_call *call;
    unsigned number; /* by which the core knows it */
    /* one of these */
    struct tgv_udp *udp;
    struct tgv_conn *conn;
    struct tgv_resolve *lookup;
};

/* -- the list --------------------------------------------------------------- */

static struct tgv_call_socket *find(struct tgvoip_call *call, unsigned number)
{
    struct tgv_call_socket *s = call->sockets;

    while (s && s->number != number)
        s = s->next;
    return s;
}

/* In the order of opening: what is used most is found first. */
static struct tgv_call_socket *add(struct tgvoip_call *call, unsigned number)
{
    struct tgv_call_socket **at = &call->sockets;
    unsigned count = 0;

    for (; *at; at = &(*at)->next)
        count++;
    if (count == SOCKETS_MAX)
        return NULL;
    *at = calloc(1, sizeof(**at));
    if (*at) {
        (*at)->call = call;
        (*at)->number = number;
    }
    return *at;
}

static void drop(struct tgv_call_socket *s)
{
    struct tgv_call_socket **at = &s->call->sockets;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    tgv_udp_close(s->udp);
    tgv_conn_close(s->conn);
    tgv_resolve_cancel(s->lookup);
    free(s);
}

void tgv_ucall_close_sockets(struct tgvoip_call *call)
{
    tgv_watch_stop(&call->watch);
    while (call->sockets)
        drop(call->sockets);
}

/* -- what has happened ------------------------------------------------------ */

static void tell(struct tgvoip_call *call, enum tgv_io_event_kind kind,
                 unsigned sock, int error, tgv_time now)
{
    const struct tgv_io_event ev = {.kind = kind, .sock = sock, .error = error};

    tgv_call_io_event(call->core, &ev, now);
}

/* From the loop, not from within the driver. */
static void happen(struct tgvoip_call *call, const struct tgv_io_event *ev)
{
    tgv_time now = tgv_loop_now(call->member.loop);

    tgv_call_io_event(call->core, ev, now);
    tgv_ucall_drive(call, now);
}

static void gone(struct tgv_call_socket *s, enum tgv_io_event_kind kind,
                 int error)
{
    const struct tgv_io_event ev = {
        .kind = kind, .sock = s->number, .error = error};
    struct tgvoip_call *call = s->call;

    drop(s);
    happen(call, &ev);
}

static void on_failed(void *ctx, int error)
{
    gone(ctx, TGV_IO_FAILED, error);
}

static void on_closed(void *ctx)
{
    gone(ctx, TGV_IO_CLOSED, 0);
}

static void on_writable(void *ctx)
{
    struct tgv_call_socket *s = ctx;
    const struct tgv_io_event ev = {.kind = TGV_IO_WRITABLE, .sock = s->number};

    happen(s->call, &ev);
}

static void on_datagram(void *ctx, const struct tgv_addr *from, uint8_t *pkt,
                        size_t len)
{
    struct tgv_call_socket *s = ctx;
    struct tgvoip_call *call = s->call;

    if (call->batch_now < 0)
        call->batch_now = tgv_loop_now(call->member.loop);
    tgv_call_receive(call->core, s->number, from, pkt, len, call->batch_now);
}

static void on_batch_end(void *ctx)
{
    struct tgvoip_call *call = ((struct tgv_call_socket *)ctx)->call;
    tgv_time now = call->batch_now;

    call->batch_now = -1;
    tgv_ucall_drive(call, now);
}

static void on_connected(void *ctx)
{
    struct tgv_call_socket *s = ctx;
    struct tgv_io_event ev = {.kind = TGV_IO_OPENED, .sock = s->number};

    tgv_conn_local(s->conn, &ev.addr);
    happen(s->call, &ev);
}

static void on_stream(void *ctx, uint8_t *data, size_t len)
{
    struct tgv_call_socket *s = ctx;
    struct tgvoip_call *call = s->call;
    tgv_time now = tgv_loop_now(call->member.loop);

    tgv_call_receive(call->core, s->number, NULL, data, len, now);
    tgv_ucall_drive(call, now);
}

static void put_addresses(struct tgv_io_event *ev, const struct tgv_addr *addrs,
                          unsigned count)
{
    ev->addr_count = count < TGV_IO_ADDRS ? count : TGV_IO_ADDRS;
    memcpy(ev->addrs, addrs, ev->addr_count * sizeof(*addrs));
}

static void on_resolved(void *ctx, const struct tgv_addr *addrs, unsigned count)
{
    struct tgv_call_socket *s = ctx;
    struct tgvoip_call *call = s->call;
    struct tgv_io_event ev = {.kind = TGV_IO_RESOLVED, .sock = s->number};

    put_addresses(&ev, addrs, count);
    s->lookup = NULL; /* it frees itself */
    drop(s);
    happen(call, &ev);
}

static void on_interfaces(void *ctx, const struct tgv_addr *addrs,
                          unsigned count)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};

    put_addresses(&ev, addrs, count);
    happen(ctx, &ev);
}

void tgv_ucall_tell_interfaces(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_addr addrs[TGV_INTERFACES_MAX];
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};
    unsigned count;

    call->watch.changed = on_interfaces;
    call->watch.ctx = call;
    if (tgv_watch_start(call->member.loop, &call->watch, addrs, &count) != 0)
        tgv_log(&call->log, TGV_LOG_WARNING, "api", now,
                "changes of the network will not be noticed: out of memory");
    put_addresses(&ev, addrs, count);
    tgv_call_io_event(call->core, &ev, now);
}

/* -- what is to be done ----------------------------------------------------- */

static int open_udp(struct tgv_call_socket *s, struct tgv_addr *local)
{
    const struct tgv_udp_config config = {.receive = on_datagram,
                                          .batch_end = on_batch_end,
                                          .writable = on_writable,
                                          .failed = on_failed,
                                          .ctx = s};
    int err = tgv_udp_open(s->call->member.loop, &s->udp, &config);

    if (!err)
        tgv_udp_local(s->udp, local);
    return err;
}

static int open_tcp(struct tgv_call_socket *s, const struct tgv_addr *to)
{
    const struct tgv_conn_config config = {.opened = on_connected,
                                           .receive = on_stream,
                                           .writable = on_writable,
                                           .closed = on_closed,
                                           .failed = on_failed,
                                           .ctx = s};

    return tgv_conn_open(s->call->member.loop, &s->conn, to, &config);
}

/* @return 0 also if an event will follow */
static int open_socket(struct tgvoip_call *call,
                       const struct tgv_io_request *req, struct tgv_addr *local)
{
    struct tgv_call_socket *s = add(call, req->sock);
    int err;

    if (!s)
        return TGVOIP_ERR_NOMEM;
    if (req->kind == TGV_IO_UDP_OPEN)
        err = open_udp(s, local);
    else if (req->kind == TGV_IO_TCP_OPEN)
        err = open_tcp(s, &req->to);
    else
        err = tgv_resolve_start(call->member.loop, &s->lookup, req->name,
                                on_resolved, s);
    if (err)
        drop(s);
    return err;
}

static void perform(struct tgvoip_call *call, const struct tgv_io_request *req,
                    tgv_time now)
{
    struct tgv_io_event ev = {.kind = TGV_IO_OPENED, .sock = req->sock};

    if (req->kind == TGV_IO_CLOSE) {
        struct tgv_call_socket *s = find(call, req->sock);
        if (s)
            drop(s);
        return;
    }
    ev.error = open_socket(call, req, &ev.addr);
    if (ev.error)
        ev.kind = TGV_IO_FAILED;
    if (ev.error || req->kind == TGV_IO_UDP_OPEN)
        tgv_call_io_event(call->core, &ev, now);
}

bool tgv_ucall_perform(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_io_request req;
    bool any = false;

    while (tgv_call_next_request(call->core, &req)) {
        perform(call, &req, now);
        any = true;
    }
    return any;
}

/* Once it is blocked, the core gives a stream nothing more; one that takes
 * nothing all the same has lost its place in the cipher, and is dead. */
static void send_stream(struct tgv_call_socket *s, const uint8_t *data,
                        size_t len, tgv_time now)
{
    struct tgvoip_call *call = s->call;
    unsigned number = s->number;
    int err = tgv_conn_send(s->conn, data, len);

    if (err && err != TGVOIP_ERR_AGAIN)
        drop(s);
    if (err)
        tell(call, err == TGVOIP_ERR_AGAIN ? TGV_IO_BLOCKED : TGV_IO_FAILED,
             number, err, now);
}

bool tgv_ucall_transmit(struct tgvoip_call *call, tgv_time now)
{
    uint8_t pkt[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned number;
    size_t len;

    for (int i = 0; i < TRANSMIT_MAX; i++) {
        tgv_call_transmit(call->core, &number, &to, pkt, sizeof(pkt), &len,
                          now);
        if (len == 0)
            return true;
        struct tgv_call_socket *s = find(call, number);
        if (s && s->conn) {
            send_stream(s, pkt, len, now);
            tgv_wipe(pkt, len); /* a proxy's password may be in it */
        } else if (s && s->udp &&
                   tgv_udp_send(s->udp, &to, pkt, len) == TGVOIP_ERR_AGAIN) {
            tell(call, TGV_IO_BLOCKED, number, 0, now);
        }
    }
    return false;
}
