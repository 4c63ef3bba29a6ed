/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_RELAY_H
#define TGV_RELAY_RELAY_H
/*
 * The reflector's core: one datagram in, at most one out, by the tag in its
 * first 16 bytes. No socket, no clock. It sees no key.
 *
 * Invariants: a side's address changes only by a datagram with its tag, and no
 * more often than the limit; control messages are never forwarded; a forwarded
 * datagram differs from the one received in bit 0 of byte 15 only; peer info
 * is sent on request only.
 *
 * The last address of each family is kept: a client that has both speaks from
 * both, with one tag. It is reached where it was heard last, and going from
 * one family to the other is no address change.
 * Source: wire specification 2.3, 2.4
 */
#include "base/addr.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_relay;

struct tgv_relay_limits {
    tgv_time session_idle; /* 60 s */
    unsigned sessions; /* 10000, 1..2^20; allowed ones count */
    unsigned packets_per_side_s; /* 100 */
    unsigned kbit_per_side_s; /* 256 */
    unsigned control_per_source_s; /* 10, per address and port */
    unsigned moves_per_side_s; /* 1 */
};

struct tgv_relay_config {
    bool open; /* accept unknown tags and make sessions for them */
    struct tgv_relay_limits limits;
    /* Unix time for self info, or NULL: 0. Not used for anything else. */
    uint32_t (*date)(void *ctx);
    void *date_ctx;
    uint64_t hash_seed; /* secret seed of the session table */
};

struct tgv_relay_stats {
    unsigned sessions; /* heard of and not expired */
    uint64_t sessions_created, sessions_expired, sessions_refused;
    uint64_t packets_in, packets_forwarded, bytes_forwarded;
    uint64_t control_in, control_answered;
    uint64_t dropped_short, dropped_large, dropped_unknown_tag;
    uint64_t dropped_no_peer, dropped_rate, dropped_control_rate;
    uint64_t dropped_move;
};

enum tgv_relay_verdict {
    TGV_RELAY_DROP = 0,
    TGV_RELAY_REPLY, /* out->pkt (reply) goes back to the sender */
    TGV_RELAY_FORWARD /* the datagram itself, changed in place, goes on */
};

struct tgv_relay_out {
    enum tgv_relay_verdict verdict;
    struct tgv_addr to;
    const uint8_t *pkt; /* valid until the next call, or while `pkt` of the
                           input is */
    size_t len;
    uint64_t flow; /* FORWARD: number of session and direction, never reused;
                      for impairment and late look-up */
};

void tgv_relay_limits_init(struct tgv_relay_limits *limits);
/* @return 0, TGVOIP_ERR_INVALID (limits.sessions), TGVOIP_ERR_NOMEM */
int tgv_relay_create(struct tgv_relay **out,
                     const struct tgv_relay_config *config);
void tgv_relay_destroy(struct tgv_relay *r);
/* Allow a session, which then never expires from the list of the allowed.
 * @return 0, TGVOIP_ERR_TOO_LARGE (limit), TGVOIP_ERR_NOMEM */
int tgv_relay_add_session(struct tgv_relay *r, const uint8_t tag[16]);
/* pkt may be changed in place. */
void tgv_relay_receive(struct tgv_relay *r, const struct tgv_addr *from,
                       uint8_t *pkt, size_t len, tgv_time now,
                       struct tgv_relay_out *out);
/* Where the flow's receiving side is now; false if it is unknown or gone. */
bool tgv_relay_flow_address(const struct tgv_relay *r, uint64_t flow,
                            struct tgv_addr *to);
tgv_time tgv_relay_deadline(const struct tgv_relay *r);
void tgv_relay_expire(struct tgv_relay *r, tgv_time now);
void tgv_relay_stats(const struct tgv_relay *r, struct tgv_relay_stats *s);

#endif
