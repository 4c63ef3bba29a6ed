/* SPDX-License-Identifier: MIT */
/*
 * What is to come in a simulated network, in the order of time; what is due
 * together, in the order in which it was put there.
 */
#include "support/world_impl.h"

#include <stdlib.h>
#include <string.h>

void *world_must(void *p)
{
    if (!p)
        abort();
    return p;
}

static bool before(const struct world_event *a, const struct world_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void sift_up(struct tgv_world *w, size_t i)
{
    struct world_event *ev = w->heap[i];

    for (; i > 0 && before(ev, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = ev;
}

struct world_event *world_post(struct tgv_world *w, tgv_time at,
                               enum world_what what, unsigned index,
                               const uint8_t *data, size_t len)
{
    struct world_event *ev = world_must(calloc(1, sizeof(*ev) + len));

    ev->at = at;
    ev->order = w->order++;
    ev->what = what;
    ev->index = index;
    ev->len = len;
    if (len)
        memcpy(ev->data, data, len);
    if (w->heap_count == w->heap_cap) {
        w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 256;
        w->heap = world_must(realloc(w->heap, w->heap_cap * sizeof(*w->heap)));
    }
    w->heap[w->heap_count] = ev;
    sift_up(w, w->heap_count++);
    return ev;
}

struct world_event *world_take(struct tgv_world *w)
{
    struct world_event *first = w->heap[0], *last;
    size_t i = 0;

    last = w->heap[--w->heap_count];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count &&
            before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!before(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}
