/* SPDX-License-Identifier: MIT */
#include "link/queue.h"

#include <stdlib.h>

#include <tgvoip/error.h>

void tgv_link_queue_fini(struct tgv_link_queue *q)
{
    for (size_t i = 0; i < q->len; i++)
        free(q->heap[i].packet);
    while (q->free) {
        struct tgv_link_packet *packet = q->free;
        q->free = packet->next_free;
        free(packet);
    }
    free(q->heap);
}

static int grow(struct tgv_link_queue *q)
{
    size_t cap = q->cap ? q->cap * 2 : 16;
    struct tgv_link_slot *heap = realloc(q->heap, cap * sizeof(*heap));

    if (!heap)
        return TGVOIP_ERR_NOMEM;
    q->heap = heap;
    q->cap = cap;
    return 0;
}

int tgv_link_queue_alloc(struct tgv_link_queue *q, struct tgv_link_packet **out)
{
    struct tgv_link_packet *packet = q->free;

    *out = NULL;
    if (packet) {
        q->free = packet->next_free;
        *out = packet;
        return 0;
    }
    if (q->packets == TGV_LINK_QUEUE_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    if (q->packets == q->cap && grow(q))
        return TGVOIP_ERR_NOMEM;
    packet = malloc(sizeof(*packet));
    if (!packet)
        return TGVOIP_ERR_NOMEM;
    q->packets++;
    *out = packet;
    return 0;
}

void tgv_link_queue_release(struct tgv_link_queue *q,
                            struct tgv_link_packet *packet)
{
    packet->next_free = q->free;
    q->free = packet;
}

static bool before(const struct tgv_link_slot *a, const struct tgv_link_slot *b)
{
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

void tgv_link_queue_put(struct tgv_link_queue *q,
                        struct tgv_link_packet *packet, tgv_time due)
{
    struct tgv_link_slot slot = {due, q->next_order++, packet};
    size_t i = q->len++;

    while (i > 0 && before(&slot, &q->heap[(i - 1) / 2])) {
        q->heap[i] = q->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->heap[i] = slot;
}

struct tgv_link_packet *tgv_link_queue_get(struct tgv_link_queue *q,
                                           tgv_time now)
{
    struct tgv_link_packet *packet;
    struct tgv_link_slot last;
    size_t i = 0, child;

    if (!q->len || q->heap[0].due > now)
        return NULL;
    packet = q->heap[0].packet;
    last = q->heap[--q->len];
    while ((child = 2 * i + 1) < q->len) {
        if (child + 1 < q->len && before(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!before(&q->heap[child], &last))
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = last;
    return packet;
}

tgv_time tgv_link_queue_deadline(const struct tgv_link_queue *q)
{
    return q->len ? q->heap[0].due : TGV_NEVER;
}
