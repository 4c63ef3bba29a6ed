/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_CONNS_H
#define TGV_RELAY_CONNS_H
/*
 * The TCP connections of a relay: the codec of each stream, how long it may
 * take, and how many a host has. Found by number; room for a fixed number. No
 * socket: the driver owns those.
 *
 * A connection must show its header in time, then a tag that is served, and
 * must not fall silent after that. A host is an IPv4 address or, since anybody
 * with IPv6 has as many addresses as he likes, an IPv6 network of 64 bits;
 * those of the loopback are not counted.
 *
 * Invariant: each connection is in the list of its stage, in the order in
 * which they will expire.
 */
#include "base/addr.h"
#include "base/time.h"
#include "relay/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_CONNS_MAX (1u << 20)
#define TGV_CONN_NONE 0u /* numbers start at 1 */

struct tgv_obf;
struct tgv_session;

enum tgv_conn_stage {
    TGV_CONN_HEADER, /* the header is not whole yet */
    TGV_CONN_FRAME, /* no frame with a tag that is served yet */
    TGV_CONN_OPEN,
    TGV_CONN_STAGES
};

struct tgv_relay_conn {
    struct tgv_addr from;
    struct tgv_obf *obf; /* NULL: the slot is free */
    enum tgv_conn_stage stage;
    tgv_time heard; /* last valid frame; before: beginning of the stage */
    uint32_t prev, next; /* in the list of its stage; next of the free ones */
    uint32_t host; /* 0: not counted */
    struct tgv_session *session; /* NULL: belongs to no side (yet) */
    unsigned side;
    uint32_t older; /* the side's connection that was heard before this one */
};

struct tgv_conn_host {
    uint64_t ip[2];
    unsigned count; /* 0: free */
    uint32_t chain; /* next in the hash bucket or the free list */
};

struct tgv_conn_list {
    uint32_t oldest, newest;
};

struct tgv_conns {
    struct tgv_hash_key key;
    uint32_t cap, used, free, count;
    unsigned per_host;
    tgv_time timeout[TGV_CONN_STAGES];
    struct tgv_conn_list list[TGV_CONN_STAGES];
    struct tgv_relay_conn *slots; /* [cap + 1], the first one unused */
    struct tgv_conn_host *hosts; /* the same */
    uint32_t *buckets;
    uint32_t mask, hosts_used, hosts_free;
};

struct tgv_conns_config {
    struct tgv_hash_key key;
    unsigned cap; /* 1..TGV_CONNS_MAX */
    unsigned per_host;
    tgv_time timeout[TGV_CONN_STAGES];
};

/* @return 0, TGVOIP_ERR_INVALID (cap), TGVOIP_ERR_NOMEM */
int tgv_conns_init(struct tgv_conns *c, const struct tgv_conns_config *config);
/* Also after a failed init, or of zeroes. */
void tgv_conns_fini(struct tgv_conns *c);
/* A new one, in the first stage.
 * @return 0, TGVOIP_ERR_TOO_LARGE (one of the limits), TGVOIP_ERR_NOMEM */
int tgv_conns_add(struct tgv_conns *c, const struct tgv_addr *from,
                  tgv_time now, uint32_t *number);
/* It belongs to no side any more. */
void tgv_conns_remove(struct tgv_conns *c, uint32_t number);
/* NULL if there is none of that number. */
struct tgv_relay_conn *tgv_conns_get(const struct tgv_conns *c,
                                     uint32_t number);
/* It has reached the stage, or was heard in it: its time starts anew. */
void tgv_conns_touch(struct tgv_conns *c, uint32_t number,
                     enum tgv_conn_stage stage, tgv_time now);
/* The connection that expires next, TGV_CONN_NONE if there is none. */
uint32_t tgv_conns_next(const struct tgv_conns *c, tgv_time *deadline);

#endif
