/* SPDX-License-Identifier: MIT */
#ifndef TGV_LINK_QUEUE_H
#define TGV_LINK_QUEUE_H
/*
 * Datagrams in the order of the time at which they are due; equal times come
 * out in the order of their numbers. A binary heap over a pool: memory grows
 * with the longest queue there has been, up to a limit, and is then reused.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_LINK_DATAGRAM_MAX 1500
/* Datagrams in one link at most; more are dropped and counted. */
#define TGV_LINK_QUEUE_MAX 8192

struct tgv_link_packet {
    struct tgv_link_packet *next_free;
    uint64_t tag;
    uint64_t number; /* in order of sending, a copy has its original's */
    bool copy;
    size_t len;
    uint8_t data[TGV_LINK_DATAGRAM_MAX];
};

struct tgv_link_slot {
    tgv_time due;
    uint64_t order;
    struct tgv_link_packet *packet;
};

struct tgv_link_queue {
    struct tgv_link_slot *heap;
    size_t len, cap;
    size_t packets; /* allocated */
    uint64_t next_order;
    struct tgv_link_packet *free;
};

void tgv_link_queue_fini(struct tgv_link_queue *q);
/* A packet to fill, with a place in the heap ensured for it.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_TOO_LARGE (limit reached) */
int tgv_link_queue_alloc(struct tgv_link_queue *q,
                         struct tgv_link_packet **out);
void tgv_link_queue_release(struct tgv_link_queue *q,
                            struct tgv_link_packet *packet);
/* Takes the packet, which came from tgv_link_queue_alloc(). */
void tgv_link_queue_put(struct tgv_link_queue *q,
                        struct tgv_link_packet *packet, tgv_time due);
/* The next one, which the caller releases, or NULL if none is due. */
struct tgv_link_packet *tgv_link_queue_get(struct tgv_link_queue *q,
                                           tgv_time now);
/* When the next one is due, or TGV_NEVER. */
tgv_time tgv_link_queue_deadline(const struct tgv_link_queue *q);

#endif
