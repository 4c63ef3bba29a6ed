/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_CONN_H
#define TGV_IO_CONN_H
/*
 * A TCP connection on a loop, and a listener that takes such. Bytes go out at
 * once, those that the system does not take now wait in a bounded queue, so
 * that what was given to send is never torn (ENG-26).
 *
 * Invariants: callbacks run on the loop's thread, none within the call that
 * causes it, and none after tgv_conn_close(), which every callback may call.
 * After closed() and failed() nothing follows, but the connection still has to
 * be closed. No delay, DSCP EF on both families (ENG-25), no SIGPIPE.
 * Source: wire specification 1.5; behaviour notes 5.8
 */
#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_loop;
struct tgv_conn;
struct tgv_listener;

/* Bytes that may wait for the system. */
#define TGV_CONN_QUEUE 65536
/* What receive() is handed at most. */
#define TGV_CONN_PIECE 65536

struct tgv_conn_config {
    /* Connected; may be NULL. Not for connections of a listener. */
    void (*opened)(void *ctx);
    /* A piece of the stream; data may be changed in place and lives until
     * return. */
    void (*receive)(void *ctx, uint8_t *data, size_t len);
    /* All that waited has gone out, after TGVOIP_ERR_AGAIN; may be NULL. */
    void (*writable)(void *ctx);
    /* The other side has ended the stream. */
    void (*closed)(void *ctx);
    /* Not connected, or lost. */
    void (*failed)(void *ctx, int error);
    void *ctx;
    unsigned buffer_bytes; /* wanted size of the kernel's buffers; 0 = leave */
};

/* Begin to connect; opened() or failed() follows. Loop thread.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_ACCESS, TGVOIP_ERR_IO (no such
 *         family, no route) */
int tgv_conn_open(struct tgv_loop *l, struct tgv_conn **out,
                  const struct tgv_addr *to,
                  const struct tgv_conn_config *config);

/* Send all of it, with one system call as far as the system takes it now.
 * Before opened() it waits.
 * @return 0; TGVOIP_ERR_AGAIN: taken, but some waits, and writable() will
 *         follow; TGVOIP_ERR_TOO_LARGE: the queue is full, nothing was taken;
 *         TGVOIP_ERR_NOMEM, TGVOIP_ERR_IO: the connection is dead, close it */
int tgv_conn_send(struct tgv_conn *c, const uint8_t *data, size_t len);

/* Bytes that wait. */
size_t tgv_conn_waiting(const struct tgv_conn *c);
/* Family NONE while it is not connected. */
void tgv_conn_local(const struct tgv_conn *c, struct tgv_addr *local);
void tgv_conn_peer(const struct tgv_conn *c, struct tgv_addr *peer);

/* What waits is dropped; memory goes later. NULL is fine. */
void tgv_conn_close(struct tgv_conn *c);

struct tgv_listener_config {
    struct tgv_addr bind; /* port 0: any; IPv6 "::" takes IPv4 too */
    int backlog;
    /* A connection has come. It is closed on return unless it was adopted;
     * the listener may be closed in here. */
    void (*accepted)(void *ctx, struct tgv_conn *c);
    void *ctx;
};

/* Listen from now on. Loop thread.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_IN_USE, TGVOIP_ERR_ACCESS,
 *         TGVOIP_ERR_IO */
int tgv_listener_open(struct tgv_loop *l, struct tgv_listener **out,
                      const struct tgv_listener_config *config);
/* Keep a connection that was accepted, and have its callbacks called. */
void tgv_conn_adopt(struct tgv_conn *c, const struct tgv_conn_config *config);
void tgv_listener_local(const struct tgv_listener *s, struct tgv_addr *local);
/* The connections that were adopted stay. NULL is fine. */
void tgv_listener_close(struct tgv_listener *s);

#endif
