/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_EXTRAS_H
#define TGV_LEGACY_EXTRAS_H
/*
 * Extras: small messages that ride in the headers of all packets until the
 * peer has got one that carried them.
 *
 * Sending: at most one pending per type; its first carrier's number decides
 * when it is acknowledged, which is sound because every later packet carries
 * it too. A repeated extra gets one more byte, a counter, since originals
 * take equal bytes for a copy; what must stay constant says so.
 * Receiving: copies are dropped; a type that vanished from newer packets may
 * come again with equal bytes; an older packet never overrides a newer one.
 * Source: wire specification 4.5
 */
#include "wire/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_EXTRA_SLOTS 6 /* types that we send or understand */
#define TGV_EXTRA_OWN_DATA 20 /* longest that we send, counter included */

struct tgv_extra_out {
    uint8_t type; /* 0: free */
    bool pending;
    bool carried; /* first_seq is known */
    uint8_t times; /* how often the type was set */
    uint8_t len;
    uint8_t data[TGV_EXTRA_OWN_DATA];
    uint32_t first_seq;
};

struct tgv_extra_in {
    uint8_t type; /* 0: free */
    bool present; /* in the newest packet that we know of */
    uint32_t seq; /* newest packet that carried it */
    uint64_t hash;
};

struct tgv_extras {
    struct tgv_extra_out out[TGV_EXTRA_SLOTS];
    struct tgv_extra_in in[TGV_EXTRA_SLOTS];
};

void tgv_extras_init(struct tgv_extras *e);

/* Replace the pending extra of the type. `constant`: no counter is added.
 * Too much data, or too many types, is a fault of the caller. */
void tgv_extras_set(struct tgv_extras *e, uint8_t type, const uint8_t *data,
                    size_t len, bool constant);
/* Put what is pending into a header; returned data lives in e. */
void tgv_extras_fill(const struct tgv_extras *e, struct tgv_header *h);
/* A header that was written left with a new number. */
void tgv_extras_sent(struct tgv_extras *e, uint32_t seq);
/* The peer has everything up to ack. */
void tgv_extras_acked(struct tgv_extras *e, uint32_t ack);
/* Sent no more, delivered or not. */
void tgv_extras_drop(struct tgv_extras *e, uint8_t type);
bool tgv_extras_pending(const struct tgv_extras *e, uint8_t type);

/* Note what a packet carries and leave in `fresh` the indices of the extras
 * to be acted upon, in their order. @return their number */
unsigned tgv_extras_receive(struct tgv_extras *e, uint32_t seq,
                            const struct tgv_header *h,
                            unsigned fresh[TGV_EXTRAS_MAX]);

#endif
