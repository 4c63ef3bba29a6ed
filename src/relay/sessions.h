/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_SESSIONS_H
#define TGV_RELAY_SESSIONS_H
/*
 * The sessions of a relay, found by tag, and those that were heard of, in the
 * order in which they will expire. Room for a fixed number, taken at creation.
 *
 * Invariants: a session that is alive is in the list, any other is allowed;
 * `generation` changes whenever what was known of the sides is forgotten, and
 * is never used twice.
 */
#include "base/addr.h"
#include "base/time.h"
#include "relay/hash.h"
#include "relay/limit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_SESSIONS_MAX (1u << 20)
#define TGV_SESSION_NONE UINT32_MAX

/* What is known of a side, see ways.h. */
struct tgv_relay_side {
    struct tgv_addr addr[2]; /* UDP, IPv4 and IPv6; family NONE = unknown */
    uint8_t last; /* index into addr */
    bool spoke; /* call data have been heard, so the way is chosen by them */
    bool tcp; /* heard last on a connection */
    uint16_t conn_count;
    uint32_t conns; /* the one heard last, then tgv_relay_conn.older */
    tgv_time heard_udp;
    struct tgv_bucket packets, bits, moves;
};

struct tgv_session {
    uint8_t tag[16]; /* bit 0 of byte 15 cleared */
    uint64_t generation;
    tgv_time heard;
    uint32_t chain; /* next in the hash bucket or the free list */
    uint32_t prev, next; /* in the list of the living */
    bool allowed, alive;
    struct tgv_relay_side side[2];
};

struct tgv_sessions {
    struct tgv_hash_key key;
    struct tgv_session *slots;
    uint32_t *buckets;
    uint32_t mask; /* buckets - 1 */
    uint32_t cap, used, free;
    uint32_t oldest, newest; /* list of the living */
    uint32_t alive;
    uint64_t next_generation;
};

/* @return 0, TGVOIP_ERR_INVALID (cap not 1..TGV_SESSIONS_MAX), _NOMEM */
int tgv_sessions_init(struct tgv_sessions *s, const struct tgv_hash_key *key,
                      unsigned cap);
void tgv_sessions_fini(struct tgv_sessions *s);
/* Either tag of the pair will do. NULL if there is none. */
struct tgv_session *tgv_sessions_find(struct tgv_sessions *s,
                                      const uint8_t tag[16]);
/* A new one, not alive; NULL if there is no room. The caller has looked. */
struct tgv_session *tgv_sessions_add(struct tgv_sessions *s,
                                     const uint8_t tag[16]);
/* It was heard of now. @return true if it was not alive before */
bool tgv_sessions_touch(struct tgv_sessions *s, struct tgv_session *session,
                        tgv_time now);
/* The one silent for longest, NULL if none is alive. */
struct tgv_session *tgv_sessions_oldest(const struct tgv_sessions *s);
/* Forget the sides; an allowed one stays, another is removed. */
void tgv_sessions_expire(struct tgv_sessions *s, struct tgv_session *session);

/* A session's slot and generation, and a side, as a number; and back, NULL if
 * that is over. */
uint64_t tgv_sessions_flow(const struct tgv_sessions *s,
                           const struct tgv_session *session, unsigned side);
const struct tgv_session *tgv_sessions_by_flow(const struct tgv_sessions *s,
                                               uint64_t flow);

#endif
