/* SPDX-License-Identifier: MIT */
/* A relay's TCP connections. */
#include "api/relay_impl.h"

#include "io/conn.h"
#include "io/loop.h"
#include "transport/obfuscated.h"

#include <stdlib.h>

#include <tgvoip/error.h>

#define BACKLOG 512
/* Wish for the kernel's buffers. More would be sound that comes too late. */
#define BUFFER_BYTES 65536u

static struct tgv_stream *find(const struct tgvoip_relay *r, uint32_t number)
{
    return number <= r->cap ? r->streams[number] : NULL;
}

/* Under the lock. */
static void drop(struct tgv_stream *s)
{
    struct tgvoip_relay *r = s->relay;

    tgv_relay_conn_close(r->core, s->number);
    tgv_conn_close(s->conn);
    r->streams[s->number] = NULL;
    free(s);
}

void tgv_relay_tcp_send(struct tgvoip_relay *r, uint32_t number,
                        const uint8_t *pkt, size_t len)
{
    struct tgv_stream *s = find(r, number);
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t n;
    int err;

    if (!s)
        return;
    /* Before the frame is made: one that was made must go. */
    if (tgv_conn_waiting(s->conn) + sizeof(frame) > r->queue_max) {
        r->dropped_queue++;
        return;
    }
    err = tgv_relay_conn_frame(r->core, number, pkt, len, frame, sizeof(frame),
                               &n);
    if (err == TGVOIP_ERR_INVALID)
        return;
    if (!err)
        err = tgv_conn_send(s->conn, frame, n);
    if (err && err != TGVOIP_ERR_AGAIN)
        drop(s);
}

void tgv_relay_tcp_expire(struct tgvoip_relay *r, tgv_time now)
{
    uint32_t number;

    while ((number = tgv_relay_conn_expired(r->core, now)) != 0)
        drop(find(r, number));
}

static void on_receive(void *ctx, uint8_t *data, size_t len)
{
    struct tgv_stream *s = ctx;
    struct tgvoip_relay *r = s->relay;
    tgv_time now = tgv_loop_now(r->member.loop);
    struct tgv_relay_out out;
    size_t used;
    int err = 0;

    while (!err && len > 0) {
        tgv_lock_enter(r->lock);
        err = tgv_relay_conn_receive(r->core, s->number, data, len, now, &used,
                                     &out);
        if (err)
            drop(s);
        else
            tgv_relay_dispatch(r, &out, now);
        tgv_lock_leave(r->lock);
        data += used;
        len -= used;
    }
    tgv_relay_flush(r);
    tgv_relay_arm(r, now);
}

static void on_closed(void *ctx)
{
    struct tgv_stream *s = ctx;
    struct tgvoip_relay *r = s->relay;

    tgv_lock_enter(r->lock);
    drop(s);
    tgv_lock_leave(r->lock);
}

static void on_failed(void *ctx, int error)
{
    (void)error; /* lost connections are a matter of course */
    on_closed(ctx);
}

static void on_accepted(void *ctx, struct tgv_conn *c)
{
    struct tgvoip_relay *r = ctx;
    struct tgv_conn_config config = {.receive = on_receive,
                                     .closed = on_closed,
                                     .failed = on_failed,
                                     .buffer_bytes = BUFFER_BYTES};
    struct tgv_stream *s = malloc(sizeof(*s));
    tgv_time now = tgv_loop_now(r->member.loop);
    struct tgv_addr from;
    int err;

    if (!s)
        return; /* not adopted: it is closed */
    *s = (struct tgv_stream){.relay = r, .conn = c};
    tgv_conn_peer(c, &from);
    tgv_lock_enter(r->lock);
    err = tgv_relay_conn_open(r->core, &from, now, &s->number);
    tgv_lock_leave(r->lock);
    if (err) {
        free(s);
        return;
    }
    r->streams[s->number] = s;
    config.ctx = s;
    tgv_conn_adopt(c, &config);
    tgv_relay_arm(r, now);
}

int tgv_relay_tcp_open(struct tgvoip_relay *r, const struct tgv_addr *bind)
{
    struct tgv_listener_config config = {
        .bind = *bind, .backlog = BACKLOG, .accepted = on_accepted, .ctx = r};
    struct tgv_addr local;
    int err;

    r->streams = calloc((size_t)r->cap + 1, sizeof(struct tgv_stream *));
    if (!r->streams)
        return TGVOIP_ERR_NOMEM;
    if (bind->port == 0) /* clients try TCP at the port that they know */
        config.bind.port = r->port;
    err = tgv_listener_open(r->member.loop, &r->listener, &config);
    if (err == TGVOIP_ERR_IN_USE && bind->port == 0) {
        config.bind.port = 0;
        err = tgv_listener_open(r->member.loop, &r->listener, &config);
    }
    if (err)
        return err;
    tgv_listener_local(r->listener, &local);
    r->tcp_port = local.port;
    return 0;
}

void tgv_relay_tcp_close(struct tgvoip_relay *r)
{
    tgv_listener_close(r->listener);
    r->listener = NULL;
    if (!r->streams)
        return;
    tgv_lock_enter(r->lock);
    for (unsigned i = 1; i <= r->cap; i++)
        if (r->streams[i])
            drop(r->streams[i]);
    tgv_lock_leave(r->lock);
    free(r->streams);
    r->streams = NULL;
}
