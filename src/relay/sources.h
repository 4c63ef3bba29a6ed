/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_SOURCES_H
#define TGV_RELAY_SOURCES_H
/*
 * How many control messages each source address and port may have answered.
 * A table of fixed size: a source loses its place only when its bucket is full
 * again, which changes nothing for it; where all places are taken by busy
 * sources a newcomer gets no answer. So no flood lifts a limit.
 */
#include "base/addr.h"
#include "base/time.h"
#include "relay/hash.h"
#include "relay/limit.h"

#define TGV_SOURCES_WAYS 4

struct tgv_source {
    uint64_t id; /* hash of address and port */
    struct tgv_bucket bucket;
};

struct tgv_sources {
    struct tgv_hash_key key;
    struct tgv_source *slots;
    size_t mask; /* sets - 1 */
};

/* Places for at least n sources. @return 0, TGVOIP_ERR_NOMEM */
int tgv_sources_init(struct tgv_sources *s, const struct tgv_hash_key *key,
                     size_t n);
void tgv_sources_fini(struct tgv_sources *s);
/* Count an answer to this source; false if it has had too many. */
bool tgv_sources_take(struct tgv_sources *s, const struct tgv_addr *from,
                      tgv_time cost, tgv_time now);

#endif
