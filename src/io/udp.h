/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_UDP_H
#define TGV_IO_UDP_H
/*
 * A UDP socket on a loop. Datagrams are read in batches and handed over one by
 * one; those to be sent go out at once or not at all, so that the user decides
 * what a full socket means.
 *
 * Only an error after which the socket can never work again ends it (ENG-27);
 * all others are counted. IPv4 peers have IPv4 addresses also on a dual-stack
 * socket. Datagrams carry DSCP EF on both families (ENG-25).
 * Source: behaviour notes 5.8
 */
#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_loop;
struct tgv_udp;

struct tgv_udp_config {
    /* Address to bind. family NONE: any address, dual-stack (IPv4 alone where
     * there is no IPv6), random port in 16384..32767. */
    struct tgv_addr bind;
    unsigned buffer_bytes; /* wanted size of the kernel's buffers; 0 = leave */
    /* One datagram; pkt may be changed in place and lives until return. The
     * socket may be closed in here. */
    void (*receive)(void *ctx, const struct tgv_addr *from, uint8_t *pkt,
                    size_t len);
    /* A batch is over; may be NULL. */
    void (*batch_end)(void *ctx);
    /* There is room again after TGVOIP_ERR_AGAIN; may be NULL. */
    void (*writable)(void *ctx);
    /* The socket is dead, close it; may be NULL. */
    void (*failed)(void *ctx, int error);
    void *ctx;
};

struct tgv_udp_out {
    struct tgv_addr to;
    const uint8_t *pkt;
    size_t len;
};

struct tgv_udp_stats {
    uint64_t receive_errors;
    uint64_t send_errors; /* lost: no route, refused, too long */
    uint64_t send_blocked; /* TGVOIP_ERR_AGAIN */
};

/* Bind and read from now on. Loop thread.
 * @return 0, TGVOIP_ERR_IN_USE, TGVOIP_ERR_ACCESS, TGVOIP_ERR_IO,
 *         TGVOIP_ERR_NOMEM */
int tgv_udp_open(struct tgv_loop *l, struct tgv_udp **out,
                 const struct tgv_udp_config *config);

/* Send now. Errors of the network on the way are counted and give 0, as the
 * loss that they are.
 * @return 0; TGVOIP_ERR_AGAIN: not taken, writable() will follow */
int tgv_udp_send(struct tgv_udp *u, const struct tgv_addr *to,
                 const uint8_t *pkt, size_t len);

/* Send several with one system call where the system can.
 * @return how many were taken, less than n only if the socket is full;
 *         writable() will follow */
size_t tgv_udp_send_many(struct tgv_udp *u, const struct tgv_udp_out *v,
                         size_t n);

/* What the socket is bound to. */
void tgv_udp_local(const struct tgv_udp *u, struct tgv_addr *local);
void tgv_udp_stats(const struct tgv_udp *u, struct tgv_udp_stats *stats);

/* No callback runs any more; memory goes later. NULL is fine. */
void tgv_udp_close(struct tgv_udp *u);

#endif
