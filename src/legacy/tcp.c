/* SPDX-License-Identifier: MIT */
/*
 * Streams to TCP relays: opened when they are wanted, directly or through the
 * proxy, closed when they stand still, and opened again, a little later each
 * time.
 * Source: wire specification 1.5, 1.6, 9.1 (C19); behaviour notes 5.6; ENG-26,
 * ENG-35
 */
#include "legacy/internal.h"

#include "crypto/secret.h"
#include "transport/obfuscated.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define CONNECT_LIMIT TGV_S(4)
#define PROXY_LIMIT TGV_S(8) /* connection, conversation, and its own */
#define STUCK_LIMIT TGV_S(10)
#define STUCK_URGENT TGV_MS(600) /* and one and a half round trips */
#define STUCK_AGAIN TGV_S(3) /* of one that never gave an answer */
#define PAUSE_FIRST TGV_MS(250)
#define PAUSE_MAX TGV_S(4)

tgv_time tgv_tcp_pause(unsigned failures)
{
    tgv_time pause = PAUSE_FIRST;

    while (--failures > 0 && pause < PAUSE_MAX)
        pause *= 2;
    return pause;
}

static struct tgv_path *of_sock(struct tgv_call *c, unsigned sock)
{
    for (unsigned i = 0; i < c->paths.count && sock; i++) {
        struct tgv_path *p = &c->paths.list[i];
        if (p->stream && p->stream->sock == sock)
            return p;
    }
    return NULL;
}

static bool is_stream(const struct tgv_path *p)
{
    return p->type == TGV_PATH_TCP_RELAY && p->stream && !p->gone;
}

/* -- closing ------------------------------------------------------------------ */

static void forget(struct tgv_stream *s)
{
    tgv_obf_destroy(s->obf);
    s->obf = NULL;
    free(s->socks);
    s->socks = NULL;
    tgv_wipe(&s->hello, sizeof(s->hello));
    s->state = TGV_STREAM_CLOSED;
    s->sock = 0;
    s->blocked = false;
    s->heard = false;
    s->unheard = TGV_NEVER;
}

void tgv_tcp_close(struct tgv_call *c, struct tgv_path *p)
{
    struct tgv_stream *s = p->stream;

    if (!s)
        return;
    tgv_socket_close(c, s->sock);
    forget(s);
    s->failures = 0;
    s->retry_at = 0;
}

void tgv_tcp_close_all(struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        tgv_tcp_close(c, &c->paths.list[i]);
}

/* @param gone io has closed the socket already */
static void fail(struct tgv_call *c, struct tgv_path *p, bool gone,
                 const char *why, tgv_time now)
{
    struct tgv_stream *s = p->stream;
    unsigned failures = s->failures + 1;

    if (gone)
        s->sock = 0;
    tgv_tcp_close(c, p);
    s->failures = failures;
    s->retry_at = now + tgv_tcp_pause(failures);
    tgv_log(c->log, failures == 1 ? TGV_LOG_WARNING : TGV_LOG_DEBUG, ROOM, now,
            "TCP relay %lld: %s", (long long)p->id, why);
    tgv_reach_stream_lost(c, tgv_paths_index(c, p), now);
}

/* -- opening ------------------------------------------------------------------ */

void tgv_tcp_want(struct tgv_call *c, unsigned path, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];
    const struct tgv_addr *to = tgv_proxy_on(c) ? tgv_proxy_addr(c) : &p->addr;

    if (!tgv_call_live(c) || !is_stream(p) || !to ||
        p->stream->state != TGV_STREAM_CLOSED || now < p->stream->retry_at)
        return;
    p->stream->sock = tgv_socket_open_tcp(c, to);
    if (p->stream->sock == 0)
        return;
    p->stream->state = TGV_STREAM_OPENING;
    p->stream->since = now;
    p->stream->unheard = TGV_NEVER;
}

void tgv_tcp_want_all(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        tgv_tcp_want(c, i, now);
}

static void begin_frames(struct tgv_call *c, struct tgv_path *p, tgv_time now)
{
    struct tgv_stream *s = p->stream;
    int err = tgv_obf_create_client(&s->obf, &c->random, s->hello.bytes);

    if (err) {
        if (err == TGVOIP_ERR_RANDOM)
            c->counters.random_failures++;
        fail(c, p, false, "no memory or no random bytes for the stream", now);
        return;
    }
    s->hello.len = TGV_OBF_HEADER;
    c->hello_due = true;
    s->state = TGV_STREAM_OPEN;
    tgv_log(c->log, TGV_LOG_DEBUG, ROOM, now, "TCP relay %lld: open",
            (long long)p->id);
    tgv_reach_stream_opened(c, tgv_paths_index(c, p), now);
}

static void begin_proxy(struct tgv_call *c, struct tgv_path *p, tgv_time now)
{
    struct tgv_stream *s = p->stream;

    s->socks = calloc(1, sizeof(*s->socks));
    if (!s->socks) {
        fail(c, p, false, "no memory for the stream", now);
        return;
    }
    s->state = TGV_STREAM_PROXY;
    tgv_socks_begin(c, s->socks, &s->hello);
    c->hello_due = true;
}

static void connected(struct tgv_call *c, struct tgv_path *p, tgv_time now)
{
    if (p->stream->state != TGV_STREAM_OPENING)
        return;
    if (tgv_proxy_on(c))
        begin_proxy(c, p, now);
    else
        begin_frames(c, p, now);
}

static void lost(struct tgv_call *c, struct tgv_path *p, tgv_time now)
{
    if (tgv_proxy_on(c) && p->stream->state == TGV_STREAM_OPENING)
        tgv_proxy_unreachable(c, "cannot be connected to", now);
    fail(c, p, true, "the connection failed or was closed", now);
}

bool tgv_tcp_event(struct tgv_call *c, const struct tgv_io_event *ev,
                   tgv_time now)
{
    struct tgv_path *p = of_sock(c, ev->sock);

    if (!p)
        return false;
    switch (ev->kind) {
    case TGV_IO_OPENED:
        connected(c, p, now);
        break;
    case TGV_IO_FAILED:
    case TGV_IO_CLOSED:
        lost(c, p, now);
        break;
    case TGV_IO_BLOCKED:
        p->stream->blocked = true;
        p->stream->blocked_since = now;
        break;
    case TGV_IO_WRITABLE:
        p->stream->blocked = false;
        break;
    case TGV_IO_RESOLVED:
    case TGV_IO_INTERFACES:
        break;
    }
    return true;
}

/* -- bytes out ---------------------------------------------------------------- */

bool tgv_tcp_open(const struct tgv_path *p)
{
    return p->stream && p->stream->state == TGV_STREAM_OPEN &&
           !p->stream->blocked;
}

bool tgv_tcp_any(const struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        if (is_stream(&c->paths.list[i]) &&
            c->paths.list[i].stream->state == TGV_STREAM_OPEN)
            return true;
    return false;
}

bool tgv_hello_take(struct tgv_hello *h, uint8_t *buf, size_t cap, size_t *len)
{
    if (h->len == 0 || h->len > cap)
        return false;
    memcpy(buf, h->bytes, h->len);
    *len = h->len;
    tgv_wipe(h, sizeof(*h));
    return true;
}

void tgv_tcp_hello(struct tgv_call *c, unsigned *sock, uint8_t *buf, size_t cap,
                   size_t *len)
{
    bool due = false;

    *len = 0;
    if (!c->hello_due)
        return;
    if (!c->proxy.blocked && tgv_hello_take(&c->proxy.hello, buf, cap, len)) {
        *sock = c->proxy.sock;
        return;
    }
    due = c->proxy.hello.len > 0;
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_stream *s = c->paths.list[i].stream;
        if (!s || s->hello.len == 0)
            continue;
        if (!s->blocked && tgv_hello_take(&s->hello, buf, cap, len)) {
            *sock = s->sock;
            return;
        }
        due = true;
    }
    c->hello_due = due;
}

int tgv_tcp_frame(struct tgv_call *c, struct tgv_path *p, uint8_t *buf,
                  size_t cap, size_t *len, tgv_time now)
{
    uint8_t packet[TGV_OBF_PACKET_MAX];
    size_t n = *len;

    (void)c;
    if (!p->stream->obf)
        return TGVOIP_ERR_STATE;
    if (n > sizeof(packet))
        return TGVOIP_ERR_TOO_LARGE;
    memcpy(packet, buf, n);
    p->stream->unheard = tgv_time_min(p->stream->unheard, now);
    return tgv_obf_encode(p->stream->obf, packet, n, buf, cap, len);
}

/* -- bytes in ----------------------------------------------------------------- */

static void take_frames(struct tgv_call *c, struct tgv_path *p,
                        const uint8_t *data, size_t len, tgv_time now)
{
    unsigned sock = p->stream->sock;
    const uint8_t *packet;
    size_t used, n;

    /* what a packet causes may close the stream */
    while (len > 0 && p->stream && p->stream->sock == sock) {
        if (tgv_obf_decode(p->stream->obf, data, len, &used, &packet, &n)) {
            c->counters.bad++;
            fail(c, p, false, "the relay broke the rules of the stream", now);
            return;
        }
        data += used;
        len -= used;
        if (!packet)
            continue;
        p->stream->failures = 0;
        p->stream->heard = true;
        if (tgv_proxy_on(c))
            tgv_proxy_passes(c, false);
        tgv_receive_packet(c, tgv_paths_index(c, p), NULL, packet, n, now);
    }
}

/* @return bytes used */
static size_t take_proxy(struct tgv_call *c, struct tgv_path *p,
                         const uint8_t *data, size_t len, tgv_time now)
{
    struct tgv_stream *s = p->stream;
    struct tgv_socks5_reply reply;
    size_t used = 0;
    int err = TGVOIP_ERR_AGAIN;

    while (used < len && err == TGVOIP_ERR_AGAIN)
        err = tgv_socks_take(c, s->socks, &p->addr, data[used++], &s->hello,
                             &reply, now);
    if (err == TGVOIP_ERR_AGAIN || s->state != TGV_STREAM_PROXY)
        return len; /* or a refusal has ended the call */
    if (err) {
        fail(c, p, false, "the proxy does not connect to it", now);
        return len;
    }
    free(s->socks);
    s->socks = NULL;
    begin_frames(c, p, now);
    return used;
}

bool tgv_tcp_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                     size_t len, tgv_time now)
{
    struct tgv_path *p = of_sock(c, sock);

    if (!p)
        return false;
    p->stream->unheard = TGV_NEVER;
    if (p->stream->state == TGV_STREAM_PROXY) {
        size_t used = take_proxy(c, p, data, len, now);
        data += used;
        len -= used;
    }
    if (p->stream->state == TGV_STREAM_OPEN)
        take_frames(c, p, data, len, now);
    return true;
}

/* -- time --------------------------------------------------------------------- */

static bool too_slow(const struct tgv_call *c, const struct tgv_stream *s,
                     tgv_time now)
{
    tgv_time limit = tgv_proxy_on(c) ? PROXY_LIMIT : CONNECT_LIMIT;

    switch (s->state) {
    case TGV_STREAM_CLOSED:
        return false;
    case TGV_STREAM_OPENING:
    case TGV_STREAM_PROXY:
        return now - s->since >= limit;
    case TGV_STREAM_OPEN:
        return (s->unheard != TGV_NEVER && now - s->unheard >= STUCK_LIMIT) ||
               (s->blocked && now - s->blocked_since >= STUCK_LIMIT);
    }
    return false;
}

static void check(struct tgv_call *c, struct tgv_path *p, tgv_time now)
{
    enum tgv_stream_state state = p->stream->state;

    if (!too_slow(c, p->stream, now))
        return;
    if (tgv_proxy_on(c) && state != TGV_STREAM_OPEN)
        tgv_proxy_unreachable(c, "does not answer in time", now);
    fail(c, p, false,
         state == TGV_STREAM_OPEN ? "nothing came for a while"
                                  : "it took too long to open",
         now);
}

void tgv_tcp_tick(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        if (is_stream(&c->paths.list[i]))
            check(c, &c->paths.list[i], now);
    if (c->reach.tcp)
        tgv_tcp_want_all(c, now);
}

/* A stream that worked is replaced soon, and at once: its socket may be one
 * that no packet reaches any more. If the new one is silent too, the peer may
 * be. */
static bool silent(const struct tgv_call *c, const struct tgv_path *p,
                   tgv_time now)
{
    const struct tgv_stream *s = p->stream;
    tgv_time rtt = tgv_rtt_smoothed(&p->rtt);
    tgv_time limit =
        !s->heard ? STUCK_AGAIN
                  : STUCK_URGENT +
                        (rtt ? rtt : tgv_rtt_smoothed(&c->ack_rtt)) * 3 / 2;

    return s->state == TGV_STREAM_OPEN && s->unheard != TGV_NEVER &&
           now - s->unheard >= limit;
}

void tgv_tcp_urgent(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_path *p = &c->paths.list[i];
        if (!is_stream(p) || !silent(c, p, now))
            continue;
        bool worked = p->stream->heard;
        fail(c, p, false, "it is silent", now);
        if (worked)
            p->stream->retry_at = now;
    }
}
