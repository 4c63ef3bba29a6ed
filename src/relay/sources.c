/* SPDX-License-Identifier: MIT */
#include "relay/sources.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

int tgv_sources_init(struct tgv_sources *s, const struct tgv_hash_key *key,
                     size_t n)
{
    size_t sets = 16;

    while (sets * TGV_SOURCES_WAYS < n)
        sets *= 2;
    s->key = *key;
    s->mask = sets - 1;
    s->slots = calloc(sets * TGV_SOURCES_WAYS, sizeof(*s->slots));
    return s->slots ? 0 : TGVOIP_ERR_NOMEM;
}

void tgv_sources_fini(struct tgv_sources *s)
{
    free(s->slots);
}

static uint64_t source_id(const struct tgv_sources *s,
                          const struct tgv_addr *from)
{
    uint64_t words[3];

    memcpy(words, from->ip, 16);
    words[2] = (uint64_t)from->family << 16 | from->port;
    return tgv_hash_words(&s->key, words, 3);
}

bool tgv_sources_take(struct tgv_sources *s, const struct tgv_addr *from,
                      tgv_time cost, tgv_time now)
{
    uint64_t id = source_id(s, from);
    struct tgv_source *set = &s->slots[(id & s->mask) * TGV_SOURCES_WAYS];
    struct tgv_source *found = NULL;

    for (size_t i = 0; i < TGV_SOURCES_WAYS; i++) {
        if (set[i].id == id) {
            found = &set[i];
            break;
        }
        if (set[i].bucket.full_at <= now)
            found = &set[i];
    }
    if (!found)
        return false;
    if (found->id != id)
        *found = (struct tgv_source){.id = id};
    if (!tgv_bucket_allows(&found->bucket, cost, now))
        return false;
    tgv_bucket_take(&found->bucket, cost, now);
    return true;
}
