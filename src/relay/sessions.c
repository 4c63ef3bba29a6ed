/* SPDX-License-Identifier: MIT */
#include "relay/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* flow = generation, slot, side, from the high bits to the low */
#define SLOT_BITS 20
#define SIDE_BITS 1

int tgv_sessions_init(struct tgv_sessions *s, const struct tgv_hash_key *key,
                      unsigned cap)
{
    uint32_t buckets = 16;

    if (cap == 0 || cap > TGV_SESSIONS_MAX)
        return TGVOIP_ERR_INVALID;
    while (buckets < 2 * cap)
        buckets *= 2;
    *s = (struct tgv_sessions){.key = *key,
                               .cap = cap,
                               .mask = buckets - 1,
                               .free = TGV_SESSION_NONE,
                               .oldest = TGV_SESSION_NONE,
                               .newest = TGV_SESSION_NONE};
    s->slots = calloc(cap, sizeof(*s->slots));
    s->buckets = malloc(buckets * sizeof(*s->buckets));
    if (!s->slots || !s->buckets) {
        tgv_sessions_fini(s);
        return TGVOIP_ERR_NOMEM;
    }
    memset(s->buckets, 0xFF, buckets * sizeof(*s->buckets));
    return 0;
}

void tgv_sessions_fini(struct tgv_sessions *s)
{
    free(s->slots);
    free(s->buckets);
    s->slots = NULL;
    s->buckets = NULL;
}

static void session_tag(uint8_t out[16], const uint8_t tag[16])
{
    memcpy(out, tag, 16);
    out[15] &= 0xFE;
}

static uint32_t *bucket(struct tgv_sessions *s, const uint8_t tag[16])
{
    uint64_t words[2];

    memcpy(words, tag, sizeof(words));
    return &s->buckets[tgv_hash_words(&s->key, words, 2) & s->mask];
}

struct tgv_session *tgv_sessions_find(struct tgv_sessions *s,
                                      const uint8_t tag[16])
{
    uint8_t t[16];

    session_tag(t, tag);
    for (uint32_t i = *bucket(s, t); i != TGV_SESSION_NONE;
         i = s->slots[i].chain)
        if (memcmp(s->slots[i].tag, t, sizeof(t)) == 0)
            return &s->slots[i];
    return NULL;
}

struct tgv_session *tgv_sessions_add(struct tgv_sessions *s,
                                     const uint8_t tag[16])
{
    struct tgv_session *session;
    uint32_t slot, *head;

    if (s->free != TGV_SESSION_NONE) {
        slot = s->free;
        s->free = s->slots[slot].chain;
    } else if (s->used < s->cap) {
        slot = s->used++;
    } else {
        return NULL;
    }
    session = &s->slots[slot];
    *session = (struct tgv_session){.generation = s->next_generation++};
    session_tag(session->tag, tag);
    head = bucket(s, session->tag);
    session->chain = *head;
    *head = slot;
    return session;
}

static uint32_t slot_of(const struct tgv_sessions *s,
                        const struct tgv_session *session)
{
    return (uint32_t)(session - s->slots);
}

static void list_remove(struct tgv_sessions *s, struct tgv_session *session)
{
    if (session->prev != TGV_SESSION_NONE)
        s->slots[session->prev].next = session->next;
    else
        s->oldest = session->next;
    if (session->next != TGV_SESSION_NONE)
        s->slots[session->next].prev = session->prev;
    else
        s->newest = session->prev;
}

static void list_append(struct tgv_sessions *s, struct tgv_session *session)
{
    uint32_t slot = slot_of(s, session);

    session->next = TGV_SESSION_NONE;
    session->prev = s->newest;
    if (s->newest != TGV_SESSION_NONE)
        s->slots[s->newest].next = slot;
    else
        s->oldest = slot;
    s->newest = slot;
}

bool tgv_sessions_touch(struct tgv_sessions *s, struct tgv_session *session,
                        tgv_time now)
{
    bool was_alive = session->alive;

    session->heard = now;
    if (was_alive)
        list_remove(s, session);
    else
        s->alive++;
    list_append(s, session);
    session->alive = true;
    return !was_alive;
}

struct tgv_session *tgv_sessions_oldest(const struct tgv_sessions *s)
{
    return s->oldest == TGV_SESSION_NONE ? NULL : &s->slots[s->oldest];
}

static void unchain(struct tgv_sessions *s, struct tgv_session *session)
{
    uint32_t slot = slot_of(s, session), *link = bucket(s, session->tag);

    while (*link != slot)
        link = &s->slots[*link].chain;
    *link = session->chain;
}

void tgv_sessions_expire(struct tgv_sessions *s, struct tgv_session *session)
{
    list_remove(s, session);
    s->alive--;
    session->alive = false;
    session->generation = s->next_generation++;
    memset(session->side, 0, sizeof(session->side));
    if (session->allowed)
        return;
    unchain(s, session);
    session->chain = s->free;
    s->free = slot_of(s, session);
}

uint64_t tgv_sessions_flow(const struct tgv_sessions *s,
                           const struct tgv_session *session, unsigned side)
{
    return (session->generation << SLOT_BITS | slot_of(s, session))
               << SIDE_BITS |
           side;
}

const struct tgv_session *tgv_sessions_by_flow(const struct tgv_sessions *s,
                                               uint64_t flow)
{
    uint64_t slot = flow >> SIDE_BITS & (TGV_SESSIONS_MAX - 1);

    if (slot >= s->used || !s->slots[slot].alive ||
        s->slots[slot].generation != flow >> (SLOT_BITS + SIDE_BITS))
        return NULL;
    return &s->slots[slot];
}
