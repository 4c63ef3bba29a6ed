/* SPDX-License-Identifier: MIT */
/*
 * Streams to TCP relays: opened when they are wanted, directly or through the
 * proxy, and closed when they stand still.
 * Source: wire specification 1.5, 1.6; behaviour notes 5.6; ENG-26
 */
#include "legacy/internal.h"

#include "transport/obfuscated.h"

#include <tgvoip/error.h>

void tgv_tcp_want(struct tgv_call *c, unsigned path, tgv_time now)
{
    (void)c;
    (void)path;
    (void)now;
}

bool tgv_tcp_open(const struct tgv_path *p)
{
    return p->stream && p->stream->state == TGV_STREAM_OPEN &&
           !p->stream->blocked;
}

void tgv_tcp_hello(struct tgv_call *c, unsigned *sock, uint8_t *buf, size_t cap,
                   size_t *len, tgv_time now)
{
    (void)c;
    (void)sock;
    (void)buf;
    (void)cap;
    (void)now;
    *len = 0;
}

int tgv_tcp_frame(struct tgv_call *c, struct tgv_path *p, uint8_t *buf,
                  size_t cap, size_t *len)
{
    (void)c;
    (void)p;
    (void)buf;
    (void)cap;
    *len = 0;
    return TGVOIP_ERR_STATE;
}

bool tgv_tcp_event(struct tgv_call *c, const struct tgv_io_event *ev,
                   tgv_time now)
{
    (void)c;
    (void)ev;
    (void)now;
    return false;
}

bool tgv_tcp_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                     size_t len, tgv_time now)
{
    (void)c;
    (void)sock;
    (void)data;
    (void)len;
    (void)now;
    return false;
}

void tgv_tcp_tick(struct tgv_call *c, tgv_time now)
{
    (void)c;
    (void)now;
}

void tgv_tcp_close(struct tgv_call *c, struct tgv_path *p)
{
    (void)c;
    (void)p;
}

void tgv_tcp_close_all(struct tgv_call *c)
{
    (void)c;
}
