/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

int tgv_ring_init(struct tgv_ring *r, size_t samples)
{
    size_t cap = 1;

    while (cap < samples)
        cap *= 2;
    /* not cleared: what is never written never costs real memory */
    r->data = malloc(cap * sizeof(*r->data));
    r->mask = cap - 1;
    r->start = 0;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    return r->data ? 0 : TGVOIP_ERR_NOMEM;
}

void tgv_ring_fini(struct tgv_ring *r)
{
    free(r->data);
    r->data = NULL;
}

size_t tgv_ring_used(const struct tgv_ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    return head - tail;
}

size_t tgv_ring_room(const struct tgv_ring *r)
{
    return r->mask + 1 - tgv_ring_used(r);
}

size_t tgv_ring_put(struct tgv_ring *r, const int16_t *pcm, size_t samples)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t room = r->mask + 1 - (head - tail);
    size_t n = samples < room ? samples : room;

    if (head == tail) /* the reader looks at start again after head */
        r->start = head;
    size_t at = (head - r->start) & r->mask, first = r->mask + 1 - at;

    if (first > n)
        first = n;
    memcpy(r->data + at, pcm, first * sizeof(*pcm));
    memcpy(r->data, pcm + first, (n - first) * sizeof(*pcm));
    atomic_store_explicit(&r->head, head + n, memory_order_release);
    return n;
}

size_t tgv_ring_get(struct tgv_ring *r, int16_t *pcm, size_t samples)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t used = head - tail;
    size_t n = samples < used ? samples : used;

    if (n == 0) /* the writer may be moving the start */
        return 0;
    size_t at = (tail - r->start) & r->mask, first = r->mask + 1 - at;
    if (first > n)
        first = n;
    if (pcm) {
        memcpy(pcm, r->data + at, first * sizeof(*pcm));
        memcpy(pcm + first, r->data, (n - first) * sizeof(*pcm));
    }
    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
    return n;
}
