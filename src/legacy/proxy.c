/* SPDX-License-Identifier: MIT */
/*
 * SOCKS5: an association for datagrams with its control connection, and the
 * conversation at the start of each stream. With a proxy nothing leaves
 * outside it: socket.c and send.c ask here.
 *
 * What fails is tried again, a little later each time; the init timeout and
 * the receive timeout end the call. A proxy that refuses the login twice ends
 * it at once, and so does one that passes no datagrams where TCP is not
 * allowed.
 * Source: wire specification 1.6, 9.1 (C20), 9.4; behaviour notes 5.9, 17.2;
 * ENG-26, 28, 64
 */
#include "legacy/internal.h"

#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

#include <tgvoip/error.h>

#define ATTEMPT_LIMIT TGV_S(6) /* from connecting to the association */
#define LOOKUP_LIMIT TGV_S(6)
#define REFUSALS_MAX 2

static bool terminated(const char *text, size_t cap)
{
    return memchr(text, '\0', cap) != NULL;
}

int tgv_proxy_init(struct tgv_call *c, const struct tgv_proxy_entry *e)
{
    struct tgv_proxy *x = &c->proxy;

    if (!terminated(e->host, sizeof(e->host)) ||
        !terminated(e->user, sizeof(e->user)) ||
        !terminated(e->password, sizeof(e->password)))
        return TGVOIP_ERR_INVALID;
    if (e->host[0] == '\0')
        return 0;
    if (e->port == 0)
        return TGVOIP_ERR_INVALID;
    x->on = true;
    x->entry = *e;
    if (tgv_addr_parse_ip(e->host, e->port, &x->addrs[0]))
        x->addr_count = 1;
    return 0;
}

void tgv_proxy_fini(struct tgv_call *c)
{
    tgv_wipe(&c->proxy, sizeof(c->proxy));
}

bool tgv_proxy_on(const struct tgv_call *c)
{
    return c->proxy.on;
}

const struct tgv_addr *tgv_proxy_addr(const struct tgv_call *c)
{
    const struct tgv_proxy *x = &c->proxy;

    return x->addr < x->addr_count ? &x->addrs[x->addr] : NULL;
}

/* -- persistent state --------------------------------------------------------- */

static void server_text(const struct tgv_proxy *x, char *text, size_t cap)
{
    snprintf(text, cap, "%s:%u", x->entry.host, (unsigned)x->entry.port);
}

/* Is what is remembered about this proxy? */
static bool remembered(const struct tgv_call *c)
{
    char server[TGV_PERSIST_SERVER_MAX];

    server_text(&c->proxy, server, sizeof(server));
    return c->persist.has_proxy && strcmp(c->persist.server, server) == 0;
}

static void remember(struct tgv_call *c, bool udp, bool tcp)
{
    struct tgv_persist *p = &c->persist;

    p->has_proxy = true;
    server_text(&c->proxy, p->server, sizeof(p->server));
    p->udp = udp;
    p->tcp = tcp;
}

void tgv_proxy_passes(struct tgv_call *c, bool udp)
{
    bool *told = udp ? &c->proxy.passes_udp : &c->proxy.passes_tcp;
    bool known;

    if (*told)
        return;
    *told = true;
    known = remembered(c);
    remember(c, udp || (known && c->persist.udp),
             !udp || (known && c->persist.tcp));
}

bool tgv_proxy_failed(const struct tgv_call *c)
{
    const struct tgv_reach *r = &c->reach;
    bool udp =
        c->udp.open && r->answered >= 0 && r->answered >= r->silent_since;

    return c->proxy.on && !udp && !tgv_tcp_any(c);
}

/* -- what went wrong ---------------------------------------------------------- */

static void trouble(struct tgv_call *c, const char *what, const char *detail,
                    tgv_time now)
{
    tgv_log(c->log, TGV_LOG_WARNING, ROOM, now, "the SOCKS5 proxy %s%s%s", what,
            detail ? ": " : "", detail ? detail : "");
}

void tgv_proxy_unreachable(struct tgv_call *c, const char *how, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    trouble(c, how, NULL, now);
    if (x->addr_count > 1)
        x->addr = (x->addr + 1) % x->addr_count;
}

static void refused_login(struct tgv_call *c, tgv_time now)
{
    trouble(c,
            c->proxy.entry.user[0] ? "refuses user name and password"
                                   : "asks for a login, and none is set",
            NULL, now);
    if (++c->proxy.refusals >= REFUSALS_MAX)
        tgv_state_fail(c, TGV_CALL_ERROR_PROXY, "the proxy refuses the login",
                       now);
}

static int report(struct tgv_call *c, int err, uint8_t code, tgv_time now)
{
    if (err == TGVOIP_ERR_ACCESS)
        refused_login(c, now);
    else if (err == TGVOIP_ERR_IO)
        trouble(c, "refuses", tgv_socks5_reply_str(code), now);
    else if (err == TGVOIP_ERR_FORMAT)
        trouble(c, "does not speak SOCKS5", NULL, now);
    return err;
}

/* -- the conversation --------------------------------------------------------- */

static enum tgv_socks5_method offered(const struct tgv_call *c)
{
    return c->proxy.entry.user[0] ? TGV_SOCKS5_USER_PASSWORD
                                  : TGV_SOCKS5_NO_AUTH;
}

void tgv_socks_begin(const struct tgv_call *c, struct tgv_socks *s,
                     struct tgv_hello *out)
{
    memset(s, 0, sizeof(*s));
    s->step = TGV_SOCKS_METHOD;
    out->len = tgv_socks5_greeting(offered(c), out->bytes, sizeof(out->bytes));
}

static void say_login(const struct tgv_call *c, struct tgv_socks *s,
                      struct tgv_hello *out)
{
    const struct tgv_proxy_entry *e = &c->proxy.entry;

    s->step = TGV_SOCKS_LOGIN;
    out->len =
        tgv_socks5_login(e->user, strlen(e->user), e->password,
                         strlen(e->password), out->bytes, sizeof(out->bytes));
}

static void say_command(struct tgv_socks *s, const struct tgv_addr *to,
                        struct tgv_hello *out)
{
    s->step = TGV_SOCKS_REPLY;
    out->len = to ? tgv_socks5_connect(to, out->bytes, sizeof(out->bytes))
                  : tgv_socks5_udp_associate(out->bytes, sizeof(out->bytes));
}

/* One step on, if what has come is whole. @return also 0: the last one was */
static int step(struct tgv_call *c, struct tgv_socks *s,
                const struct tgv_addr *to, struct tgv_hello *out,
                struct tgv_socks5_reply *reply)
{
    enum tgv_socks5_method chosen = TGV_SOCKS5_NO_AUTH;
    size_t used;
    int err;

    if (s->step == TGV_SOCKS_REPLY)
        return tgv_socks5_parse_reply(s->in, s->in_len, reply, &used);
    if (s->step == TGV_SOCKS_METHOD)
        err = tgv_socks5_parse_method(s->in, s->in_len, offered(c), &chosen,
                                      &used);
    else
        err = tgv_socks5_parse_login(s->in, s->in_len, &used);
    if (err)
        return err;
    s->in_len = 0;
    if (chosen == TGV_SOCKS5_USER_PASSWORD)
        say_login(c, s, out);
    else
        say_command(s, to, out);
    c->hello_due = true;
    return TGVOIP_ERR_AGAIN;
}

int tgv_socks_take(struct tgv_call *c, struct tgv_socks *s,
                   const struct tgv_addr *to, uint8_t byte,
                   struct tgv_hello *out, struct tgv_socks5_reply *reply,
                   tgv_time now)
{
    int err;

    memset(reply, 0, sizeof(*reply));
    if (out->len > 0 || s->in_len == sizeof(s->in))
        return report(c, TGVOIP_ERR_FORMAT, 0, now); /* it was not asked yet */
    s->in[s->in_len++] = byte;
    err = step(c, s, to, out, reply);
    if (err == 0)
        c->proxy.refusals = 0;
    return err == 0 || err == TGVOIP_ERR_AGAIN
               ? err
               : report(c, err, reply->code, now);
}

/* -- the association ---------------------------------------------------------- */

/* @param gone io has closed the control connection already */
static void drop(struct tgv_call *c, bool gone)
{
    struct tgv_proxy *x = &c->proxy;

    if (x->state == TGV_PROXY_ASSOCIATED)
        tgv_socket_udp_lost(c);
    if (!gone)
        tgv_socket_close(c, x->sock);
    x->sock = 0;
    x->blocked = false;
    tgv_wipe(&x->hello, sizeof(x->hello));
    if (x->state == TGV_PROXY_NAMING) {
        tgv_socket_close(c, x->lookup);
        x->lookup = 0;
    }
    x->state = TGV_PROXY_IDLE;
}

static void again(struct tgv_call *c, bool gone, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    drop(c, gone);
    x->retry_at = now + tgv_tcp_pause(++x->failures);
}

/* Datagrams do not pass: there is TCP, or nothing. */
static void without_udp(struct tgv_call *c, bool gone, tgv_time now)
{
    drop(c, gone);
    c->proxy.no_udp = true;
    remember(c, false, remembered(c) && c->persist.tcp);
    if (!tgv_reach_use_tcp(c, "the proxy passes no datagrams", now))
        tgv_state_fail(c, TGV_CALL_ERROR_PROXY,
                       "the proxy passes no datagrams, and TCP is not allowed",
                       now);
}

static void associated(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    x->state = TGV_PROXY_ASSOCIATED;
    x->failures = 0;
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now,
            "the SOCKS5 proxy takes datagrams");
    if (c->udp.bound) /* or a new socket will ask for a new association */
        tgv_socket_udp_ready(c, now);
}

static void take_reply(struct tgv_call *c, const struct tgv_socks5_reply *reply,
                       tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;
    struct tgv_addr own = x->relay;

    x->relay = reply->addr;
    if (reply->domain[0] == '\0') {
        x->relay = tgv_socks5_relay_addr(reply, &own);
        if (tgv_addr_usable(&x->relay)) {
            associated(c, now);
            return;
        }
        trouble(c, "names no usable address for datagrams", NULL, now);
        again(c, false, now);
        return;
    }
    memcpy(x->relay_name, reply->domain, sizeof(x->relay_name));
    x->lookup = tgv_socket_resolve(c, x->relay_name);
    x->lookup_since = now;
    x->state = TGV_PROXY_NAMING;
    if (x->lookup == 0)
        again(c, false, now);
}

bool tgv_proxy_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                       size_t len, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;
    struct tgv_socks5_reply reply;
    int err = TGVOIP_ERR_AGAIN;

    if (!x->on || sock == 0 || sock != x->sock)
        return false;
    if (x->state != TGV_PROXY_TALKING)
        return true; /* nothing is due on an associated connection */
    for (size_t i = 0; i < len && err == TGVOIP_ERR_AGAIN; i++)
        err =
            tgv_socks_take(c, &x->socks, NULL, data[i], &x->hello, &reply, now);
    if (!tgv_call_live(c) || err == TGVOIP_ERR_AGAIN)
        return true;
    if (err == 0)
        take_reply(c, &reply, now);
    else if (err == TGVOIP_ERR_IO)
        without_udp(c, false, now);
    else
        again(c, false, now);
    return true;
}

static bool wanted(const struct tgv_call *c)
{
    const struct tgv_proxy *x = &c->proxy;

    return x->state == TGV_PROXY_IDLE && !x->no_udp && c->udp.bound &&
           c->reach.relays_given_udp;
}

static void associate(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;
    const struct tgv_addr *to = tgv_proxy_addr(c);

    if (!wanted(c) || !to || now < x->retry_at)
        return;
    x->sock = tgv_socket_open_tcp(c, to);
    if (x->sock == 0)
        return;
    x->relay = *to;
    x->since = now;
    x->state = TGV_PROXY_CONNECTING;
}

/* -- its name ----------------------------------------------------------------- */

static void look_up(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    if (x->addr_count > 0 || x->lookup || now < x->retry_at)
        return;
    x->lookup = tgv_socket_resolve(c, x->entry.host);
    x->lookup_since = now;
}

static unsigned take_family(struct tgv_proxy *x, const struct tgv_io_event *ev,
                            uint8_t family, unsigned n)
{
    for (unsigned i = 0; i < ev->addr_count && n < TGV_IO_ADDRS; i++) {
        if (ev->addrs[i].family != family)
            continue;
        x->addrs[n] = ev->addrs[i];
        x->addrs[n++].port = x->entry.port;
    }
    return n;
}

static void own_name(struct tgv_call *c, const struct tgv_io_event *ev,
                     tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;
    unsigned n = take_family(x, ev, TGV_AF_IPV4, 0);

    x->addr_count = take_family(x, ev, TGV_AF_IPV6, n);
    x->addr = 0;
    if (x->addr_count == 0) {
        trouble(c, "is not known by that name", NULL, now);
        x->retry_at = now + tgv_tcp_pause(++x->failures);
        return;
    }
    associate(c, now);
    if (c->reach.tcp)
        tgv_tcp_want_all(c, now);
}

static void relay_name(struct tgv_call *c, const struct tgv_io_event *ev,
                       tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;
    struct tgv_socks5_reply found = {.code = 0};
    uint16_t port = x->relay.port;

    for (unsigned i = 0; i < ev->addr_count; i++) {
        found.addr = ev->addrs[i];
        found.addr.port = port;
        x->relay = tgv_socks5_relay_addr(&found, tgv_proxy_addr(c));
        if (found.addr.family == TGV_AF_IPV4)
            break;
    }
    if (ev->addr_count > 0 && tgv_addr_usable(&x->relay)) {
        associated(c, now);
        return;
    }
    trouble(c, "names an unknown host for datagrams", NULL, now);
    again(c, false, now);
}

/* -- events ------------------------------------------------------------------- */

static void control_lost(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    if (x->state == TGV_PROXY_CONNECTING)
        tgv_proxy_unreachable(c, "cannot be connected to", now);
    else
        trouble(c, "closed its control connection", NULL, now);
    again(c, true, now);
}

static void control_event(struct tgv_call *c, const struct tgv_io_event *ev,
                          tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    switch (ev->kind) {
    case TGV_IO_OPENED:
        if (x->state != TGV_PROXY_CONNECTING)
            break;
        x->state = TGV_PROXY_TALKING;
        tgv_socks_begin(c, &x->socks, &x->hello);
        c->hello_due = true;
        break;
    case TGV_IO_FAILED:
    case TGV_IO_CLOSED:
        control_lost(c, now);
        break;
    case TGV_IO_BLOCKED:
        x->blocked = true;
        break;
    case TGV_IO_WRITABLE:
        x->blocked = false;
        break;
    case TGV_IO_RESOLVED:
    case TGV_IO_INTERFACES:
        break;
    }
}

static void resolved(struct tgv_call *c, const struct tgv_io_event *ev,
                     tgv_time now)
{
    c->proxy.lookup = 0;
    if (c->proxy.state == TGV_PROXY_NAMING)
        relay_name(c, ev, now);
    else
        own_name(c, ev, now);
}

bool tgv_proxy_event(struct tgv_call *c, const struct tgv_io_event *ev,
                     tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    if (!x->on || ev->sock == 0)
        return false;
    if (ev->sock == x->lookup &&
        (ev->kind == TGV_IO_RESOLVED || ev->kind == TGV_IO_FAILED))
        resolved(c, ev, now);
    else if (ev->sock == x->sock)
        control_event(c, ev, now);
    else
        return false;
    return true;
}

/* -- life --------------------------------------------------------------------- */

void tgv_proxy_start(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    if (!x->on)
        return;
    look_up(c, now);
    if (remembered(c) && !c->persist.udp && c->reach.relays_given_udp)
        x->no_udp = tgv_reach_use_tcp(
            c, "the proxy is known to pass no datagrams", now);
}

void tgv_proxy_restart(struct tgv_call *c, tgv_time now)
{
    if (!c->proxy.on)
        return;
    drop(c, false);
    c->proxy.failures = 0;
    c->proxy.retry_at = 0;
    look_up(c, now);
    associate(c, now);
}

void tgv_proxy_close(struct tgv_call *c)
{
    struct tgv_proxy *x = &c->proxy;

    if (!x->on)
        return;
    drop(c, false);
    tgv_socket_close(c, x->lookup);
    x->lookup = 0;
}

static void expire(struct tgv_call *c, tgv_time now)
{
    struct tgv_proxy *x = &c->proxy;

    if (x->lookup && now - x->lookup_since >= LOOKUP_LIMIT) {
        bool own = x->state != TGV_PROXY_NAMING;
        trouble(c, "cannot be looked up in time", NULL, now);
        tgv_socket_close(c, x->lookup);
        x->lookup = 0;
        if (own)
            x->retry_at = now + tgv_tcp_pause(++x->failures);
        else
            again(c, false, now);
    } else if ((x->state == TGV_PROXY_CONNECTING ||
                x->state == TGV_PROXY_TALKING) &&
               now - x->since >= ATTEMPT_LIMIT) {
        tgv_proxy_unreachable(c, "does not answer in time", now);
        again(c, false, now);
    }
}

void tgv_proxy_tick(struct tgv_call *c, tgv_time now)
{
    const struct tgv_reach *r = &c->reach;

    if (!c->proxy.on)
        return;
    expire(c, now);
    look_up(c, now);
    associate(c, now);
    if (r->verdict == TGV_UDP_NOT_AVAILABLE && r->answered < 0 &&
        remembered(c) && c->persist.tcp && c->persist.udp)
        remember(c, false, true); /* it used to */
}

/* -- datagrams ---------------------------------------------------------------- */

int tgv_proxy_wrap(const struct tgv_call *c, struct tgv_addr *to, uint8_t *buf,
                   size_t *len)
{
    uint8_t header[TGV_SOCKS5_UDP_HEADER_MAX];
    size_t n = tgv_socks5_udp_header(to, header, sizeof(header));

    if (n == 0 || c->proxy.state != TGV_PROXY_ASSOCIATED)
        return TGVOIP_ERR_STATE;
    if (n + *len > TGV_DATAGRAM_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    memmove(buf + n, buf, *len);
    memcpy(buf, header, n);
    *len += n;
    *to = c->proxy.relay;
    return 0;
}

bool tgv_proxy_unwrap(struct tgv_call *c, struct tgv_addr *from,
                      const uint8_t **pkt, size_t *len)
{
    struct tgv_addr source;
    const uint8_t *data;
    size_t n;

    if (c->proxy.state != TGV_PROXY_ASSOCIATED ||
        !tgv_addr_equal(from, &c->proxy.relay)) {
        c->counters.unknown_source++;
        return false;
    }
    if (tgv_socks5_udp_parse(*pkt, *len, &source, &data, &n) != 0) {
        c->counters.bad++;
        return false;
    }
    *from = source;
    *pkt = data;
    *len = n;
    return true;
}
