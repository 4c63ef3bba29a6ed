/* SPDX-License-Identifier: MIT */
#include "legacy/extras.h"

#include "base/seq.h"

#include <assert.h>
#include <string.h>

void tgv_extras_init(struct tgv_extras *e)
{
    memset(e, 0, sizeof(*e));
}

static struct tgv_extra_out *out_slot(struct tgv_extras *e, uint8_t type)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++)
        if (e->out[i].type == type || e->out[i].type == 0)
            return &e->out[i];
    return NULL;
}

void tgv_extras_set(struct tgv_extras *e, uint8_t type, const uint8_t *data,
                    size_t len, bool constant)
{
    struct tgv_extra_out *x = out_slot(e, type);

    assert(x && len + 1 <= TGV_EXTRA_OWN_DATA);
    x->type = type;
    memcpy(x->data, data, len);
    if (x->times > 0 && !constant)
        x->data[len++] = x->times;
    x->len = (uint8_t)len;
    x->times = (uint8_t)(x->times == UINT8_MAX ? 1 : x->times + 1);
    x->pending = true;
    x->carried = false;
}

void tgv_extras_fill(const struct tgv_extras *e, struct tgv_header *h)
{
    h->extra_count = 0;
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++) {
        const struct tgv_extra_out *x = &e->out[i];
        if (!x->pending)
            continue;
        h->extras[h->extra_count++] =
            (struct tgv_extra){.type = x->type, .len = x->len, .data = x->data};
    }
}

void tgv_extras_sent(struct tgv_extras *e, uint32_t seq)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++) {
        struct tgv_extra_out *x = &e->out[i];
        if (!x->pending || x->carried)
            continue;
        x->carried = true;
        x->first_seq = seq;
    }
}

void tgv_extras_acked(struct tgv_extras *e, uint32_t ack)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++) {
        struct tgv_extra_out *x = &e->out[i];
        if (x->pending && x->carried && !tgv_seq_gt(x->first_seq, ack))
            x->pending = false;
    }
}

void tgv_extras_drop(struct tgv_extras *e, uint8_t type)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++)
        if (e->out[i].type == type)
            e->out[i].pending = false;
}

bool tgv_extras_pending(const struct tgv_extras *e, uint8_t type)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++)
        if (e->out[i].type == type)
            return e->out[i].pending;
    return false;
}

/* FNV-1a; the sender is authenticated, so nobody gains by a collision. */
static uint64_t hash_of(const struct tgv_extra *x)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < x->len; i++)
        h = (h ^ x->data[i]) * UINT64_C(0x100000001b3);
    return h ^ x->len;
}

static struct tgv_extra_in *in_slot(struct tgv_extras *e, uint8_t type)
{
    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++)
        if (e->in[i].type == type)
            return &e->in[i];
    return NULL;
}

static struct tgv_extra_in *in_slot_new(struct tgv_extras *e, uint8_t type)
{
    struct tgv_extra_in *x = in_slot(e, 0);

    if (x)
        x->type = type;
    return x;
}

static bool understood(uint8_t type)
{
    return type == TGV_EXTRA_STREAM_FLAGS || type == TGV_EXTRA_TGVX ||
           type == TGV_EXTRA_NETWORK_CHANGED ||
           type == TGV_EXTRA_LAN_ENDPOINT || type == TGV_EXTRA_IPV6_ENDPOINT;
}

/* Is it news? */
static bool take(struct tgv_extras *e, uint32_t seq, const struct tgv_extra *x)
{
    struct tgv_extra_in *slot = in_slot(e, x->type);
    uint64_t hash = hash_of(x);
    bool copy;

    if (!slot) {
        slot = in_slot_new(e, x->type);
        if (!slot)
            return false;
        copy = false;
    } else if (!tgv_seq_gt(seq, slot->seq)) {
        return false;
    } else {
        copy = slot->present && slot->hash == hash;
    }
    slot->present = true;
    slot->seq = seq;
    slot->hash = hash;
    return !copy;
}

static bool carries(const struct tgv_header *h, uint8_t type)
{
    for (unsigned i = 0; i < h->extra_count; i++)
        if (h->extras[i].type == type)
            return true;
    return false;
}

unsigned tgv_extras_receive(struct tgv_extras *e, uint32_t seq,
                            const struct tgv_header *h,
                            unsigned fresh[TGV_EXTRAS_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < TGV_EXTRA_SLOTS; i++) {
        struct tgv_extra_in *slot = &e->in[i];
        if (slot->type && slot->present && tgv_seq_gt(seq, slot->seq) &&
            !carries(h, slot->type))
            slot->present = false;
    }
    for (unsigned i = 0; i < h->extra_count; i++)
        if (understood(h->extras[i].type) && take(e, seq, &h->extras[i]))
            fresh[n++] = i;
    return n;
}
