/* SPDX-License-Identifier: MIT */
#include "media/jbuf.h"

#include <assert.h>
#include <string.h>

void tgv_jbuf_init(struct tgv_jbuf *jb)
{
    for (unsigned i = 0; i < TGV_JBUF_SLOTS; i++)
        jb->order[i] = (uint8_t)i;
    jb->count = 0;
}

/* Place of the first frame that is not older than ts; new frames mostly go to
 * the end, so look from there. */
static unsigned place_of(const struct tgv_jbuf *jb, int64_t ts)
{
    unsigned i = jb->count;

    while (i > 0 && jb->slot[jb->order[i - 1]].ts >= ts)
        i--;
    return i;
}

static void fill(struct tgv_jbuf_frame *slot, const struct tgv_jbuf_frame *meta,
                 const uint8_t *data)
{
    slot->ts = meta->ts;
    slot->arrival = meta->arrival;
    slot->duration = meta->duration;
    slot->fec = meta->fec;
    slot->primary = meta->primary;
    slot->len = meta->len;
    memcpy(slot->data, data, meta->len);
}

enum tgv_jbuf_result tgv_jbuf_put(struct tgv_jbuf *jb,
                                  const struct tgv_jbuf_frame *meta,
                                  const uint8_t *data)
{
    enum tgv_jbuf_result result = TGV_JBUF_STORED;
    unsigned i = place_of(jb, meta->ts);
    uint8_t free_slot;

    assert(meta->len >= 1 && meta->len <= TGV_FRAME_BYTES_MAX);
    if (i < jb->count && jb->slot[jb->order[i]].ts == meta->ts) {
        struct tgv_jbuf_frame *held = &jb->slot[jb->order[i]];

        if (held->primary || !meta->primary)
            return TGV_JBUF_DUPLICATE;
        fill(held, meta, data);
        return TGV_JBUF_REPLACED;
    }
    if (jb->count == TGV_JBUF_SLOTS) {
        result = TGV_JBUF_DROPPED;
        if (i == 0)
            return result;
        tgv_jbuf_drop_first(jb);
        i--;
    }
    free_slot = jb->order[jb->count];
    memmove(jb->order + i + 1, jb->order + i, jb->count - i);
    jb->order[i] = free_slot;
    jb->count++;
    fill(&jb->slot[free_slot], meta, data);
    return result;
}

const struct tgv_jbuf_frame *tgv_jbuf_at(const struct tgv_jbuf *jb, unsigned i)
{
    return i < jb->count ? &jb->slot[jb->order[i]] : NULL;
}

const struct tgv_jbuf_frame *tgv_jbuf_find(const struct tgv_jbuf *jb,
                                           int64_t ts)
{
    const struct tgv_jbuf_frame *f = tgv_jbuf_at(jb, place_of(jb, ts));

    return f && f->ts == ts ? f : NULL;
}

void tgv_jbuf_drop_first(struct tgv_jbuf *jb)
{
    uint8_t first = jb->order[0];

    assert(jb->count > 0);
    jb->count--;
    memmove(jb->order, jb->order + 1, jb->count);
    jb->order[jb->count] = first;
}

void tgv_jbuf_clear(struct tgv_jbuf *jb)
{
    jb->count = 0;
}
