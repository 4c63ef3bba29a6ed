/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a call: the UDP socket, requests to io, and what io tells. The
 * streams of TCP relays belong to tcp.c, the proxy's connection to proxy.c;
 * that nothing leaves outside a proxy is seen to here.
 * Source: behaviour notes 5.8; ENG-06, ENG-27, ENG-64
 */
#include "legacy/internal.h"

/* Kept free for those to close: one that is lost is a socket that leaks. */
#define CLOSES_KEPT 16

static bool room(const struct tgv_call *c)
{
    return c->request_count + CLOSES_KEPT <= TGV_REQUESTS_MAX;
}

static bool request(struct tgv_call *c, const struct tgv_io_request *req)
{
    if (c->request_count == TGV_REQUESTS_MAX)
        return false;
    c->requests[(c->request_first + c->request_count++) % TGV_REQUESTS_MAX] =
        *req;
    return true;
}

bool tgv_call_next_request(struct tgv_call *c, struct tgv_io_request *req)
{
    if (c->request_count == 0)
        return false;
    *req = c->requests[c->request_first];
    c->request_first = (c->request_first + 1) % TGV_REQUESTS_MAX;
    c->request_count--;
    return true;
}

void tgv_socket_open_udp(struct tgv_call *c)
{
    c->udp.sock = ++c->socks;
    c->udp.bound = false;
    c->udp.open = false;
    c->udp.blocked = false;
    request(c, &(struct tgv_io_request){.kind = TGV_IO_UDP_OPEN,
                                        .sock = c->udp.sock});
}

unsigned tgv_socket_open_tcp(struct tgv_call *c, const struct tgv_addr *to)
{
    struct tgv_io_request req = {.kind = TGV_IO_TCP_OPEN,
                                 .sock = c->socks + 1,
                                 .to = tgv_nat64_out(c, to)};
    const struct tgv_addr *proxy = tgv_proxy_addr(c);

    if (tgv_proxy_on(c) && !(proxy && tgv_addr_equal(proxy, to)))
        return 0;
    if (!room(c) || !request(c, &req))
        return 0;
    return ++c->socks;
}

unsigned tgv_socket_resolve(struct tgv_call *c, const char *name)
{
    struct tgv_io_request req = {
        .kind = TGV_IO_RESOLVE, .sock = c->socks + 1, .name = name};

    if (!room(c) || !request(c, &req))
        return 0;
    return ++c->socks;
}

void tgv_socket_close(struct tgv_call *c, unsigned sock)
{
    if (sock)
        request(c,
                &(struct tgv_io_request){.kind = TGV_IO_CLOSE, .sock = sock});
}

/* What was to be closed still is; nothing more is opened. */
static void keep_closes(struct tgv_call *c)
{
    unsigned n = c->request_count;
    struct tgv_io_request req;

    while (n-- > 0 && tgv_call_next_request(c, &req))
        if (req.kind == TGV_IO_CLOSE)
            request(c, &req);
}

void tgv_socket_close_all(struct tgv_call *c)
{
    keep_closes(c);
    tgv_socket_close(c, c->udp.sock);
    c->udp.sock = 0;
    c->udp.bound = c->udp.open = false;
    tgv_tcp_close_all(c);
    tgv_proxy_close(c);
    tgv_nat64_forget(c);
}

/* -- what io tells ------------------------------------------------------------ */

void tgv_socket_udp_ready(struct tgv_call *c, tgv_time now)
{
    c->udp.open = true;
    tgv_nat64_network(c, now);
    tgv_timers_socket_open(c, now);
    tgv_reach_restart(c, now);
}

void tgv_socket_udp_lost(struct tgv_call *c)
{
    c->udp.open = false;
    tgv_send_drop_media(c);
}

static void opened(struct tgv_call *c, const struct tgv_io_event *ev,
                   tgv_time now)
{
    c->udp.bound = true;
    c->udp.was_open = true;
    c->udp.local = ev->addr;
    if (tgv_proxy_on(c))
        tgv_proxy_restart(c, now);
    else
        tgv_socket_udp_ready(c, now);
}

/* A socket that never opened fails the call, unless all relays are TCP ones;
 * one that was lost is rebuilt, and the time-outs decide about the call. */
static void failed(struct tgv_call *c, tgv_time now)
{
    c->udp.sock = 0;
    c->udp.bound = false;
    c->udp.open = false;
    c->udp.blocked = false;
    if (!c->udp.was_open && c->reach.relays_given_udp) {
        tgv_state_fail(c, TGV_CALL_ERROR_UNKNOWN,
                       "the UDP socket could not be opened", now);
        return;
    }
    tgv_log(c->log, TGV_LOG_WARNING, ROOM, now,
            "the UDP socket was lost and will be opened again");
    tgv_timers_socket_lost(c, now);
}

static void udp_event(struct tgv_call *c, const struct tgv_io_event *ev,
                      tgv_time now)
{
    switch (ev->kind) {
    case TGV_IO_OPENED:
        opened(c, ev, now);
        break;
    case TGV_IO_FAILED:
    case TGV_IO_CLOSED:
        failed(c, now);
        break;
    case TGV_IO_BLOCKED:
        c->udp.blocked = true;
        tgv_send_blocked(c);
        break;
    case TGV_IO_WRITABLE:
        c->udp.blocked = false;
        break;
    case TGV_IO_RESOLVED:
    case TGV_IO_INTERFACES:
        break;
    }
}

void tgv_call_io_event(struct tgv_call *c, const struct tgv_io_event *ev,
                       tgv_time now)
{
    if (ev->kind == TGV_IO_INTERFACES && !c->stopped) /* before start() too */
        tgv_direct_interfaces(c, ev, now);
    if (!tgv_call_live(c) || ev->sock == 0)
        return;
    if (ev->sock == c->udp.sock)
        udp_event(c, ev, now);
    else if (!tgv_proxy_event(c, ev, now) && !tgv_nat64_event(c, ev))
        tgv_tcp_event(c, ev, now);
}
