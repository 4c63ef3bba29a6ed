/* SPDX-License-Identifier: MIT */
/*
 * Frames into packets: one with copies of earlier ones (inside STREAM_DATA, or
 * after it in STREAM_EC for peers that know no other), or two or three
 * together, or none where the path is full. A frame that is left out keeps its
 * time (ENG-30, ENG-54), and later packets may still carry its copy.
 * Source: wire specification 4.4.4, 4.4.9; ENG-48
 */
#include "legacy/internal.h"

#include <string.h>

/* An entry's length is one byte. */
#define ENTRY_MAX 255
#define FRAME_FIELDS 8 /* at most, of a frame in a packet */
/* What a packet holds, beside its payload, is below this. */
#define BESIDE_PAYLOAD 100
/* What stands in the newest place: the packet's own frame, or nothing. A build
 * with 1 shows what the difference is to a peer (tests/interop/loss.py). */
#ifndef TGV_NEWEST_COPY
#define TGV_NEWEST_COPY 0
#endif
/* Long datagrams get lost more often; old copies are not worth it. */
#define PAYLOAD_WITH_COPIES 1100

static uint8_t type_of(unsigned frames)
{
    if (frames == 3)
        return TGV_PKT_STREAM_DATA_X3;
    return frames == 2 ? TGV_PKT_STREAM_DATA_X2 : TGV_PKT_STREAM_DATA;
}

static void flush(struct tgv_call *c, tgv_time now)
{
    struct tgv_packer *p = &c->packer;

    if (p->frames) {
        if (tgv_rate_may_send(c, p->len + BESIDE_PAYLOAD, now))
            tgv_send_media(c, type_of(p->frames), p->payload, p->len);
        else
            c->counters.left_out += p->frames;
    }
    tgv_packer_drop(c);
}

void tgv_packer_drop(struct tgv_call *c)
{
    c->packer.frames = 0;
    c->packer.len = 0;
    c->packer.open = false;
}

void tgv_packer_run(struct tgv_call *c, tgv_time now)
{
    const struct tgv_plan *plan = &c->rate.planner.plan;
    tgv_time wait = TGV_MS(plan->frame_ms) * (tgv_time)(plan->frames - 1);

    if (c->packer.open && now - c->packer.since > wait)
        flush(c, now);
}

/* Entries, oldest first: a copy stands at the place of its time, which may be
 * empty. Returns their number, the newest place not counted. */
static unsigned list_copies(const struct tgv_voice_frame *f,
                            struct tgv_blob entries[TGV_FEC_MAX])
{
    size_t len = f->primary.len;
    unsigned n = f->redundancy_count, first = 0;

    for (unsigned i = 0; i < n; i++)
        len += f->redundancy[i].len;
    while (first < n && len > PAYLOAD_WITH_COPIES)
        len -= f->redundancy[first++].len;
    for (unsigned i = first; i < n; i++) {
        const struct tgv_voice_block *b = &f->redundancy[i];

        entries[i - first] = b->len <= ENTRY_MAX
                                 ? (struct tgv_blob){b->data, b->len}
                                 : (struct tgv_blob){NULL, 0};
    }
    return n - first;
}

static void send_ec(struct tgv_call *c, const struct tgv_voice_frame *f,
                    uint32_t pts, tgv_time now)
{
    struct tgv_stream_ec m = {.stream_id = TGV_STREAM_AUDIO_ID, .pts = pts};
    uint8_t payload[TGV_MEDIA_PAYLOAD];
    size_t len;

    m.count = list_copies(f, m.frames);
    if (!m.count || f->primary.len > ENTRY_MAX)
        return;
    /* these peers are not known to take an empty entry, and a true one makes
     * good for the packet before */
    m.frames[m.count++] = (struct tgv_blob){f->primary.data, f->primary.len};
    if (tgv_stream_ec_encode(&m, payload, sizeof(payload), &len) == 0 &&
        tgv_rate_may_send(c, len + BESIDE_PAYLOAD, now))
        tgv_send_media(c, TGV_PKT_STREAM_EC, payload, len);
}

static bool send_single(struct tgv_call *c, const struct tgv_voice_frame *f,
                        struct tgv_stream_data *m, tgv_time now)
{
    uint8_t payload[TGV_MEDIA_PAYLOAD];
    bool inside = c->hs.peer_version >= TGV_PV_EXTRA_FEC;
    size_t len;

    if (inside && f->redundancy_count) {
        m->fec_count = list_copies(f, m->fec);
        m->has_fec = m->fec_count > 0;
        /* the newest place is the frame's own: it must be there (ENG-48) */
        if (m->has_fec)
            m->fec[m->fec_count++] =
                TGV_NEWEST_COPY && f->primary.len <= ENTRY_MAX
                    ? (struct tgv_blob){f->primary.data, f->primary.len}
                    : (struct tgv_blob){NULL, 0};
    }
    if (tgv_stream_data_encode(m, payload, sizeof(payload), &len) != 0) {
        c->counters.dropped++;
        return false;
    }
    if (!tgv_rate_may_send(c, len + BESIDE_PAYLOAD, now)) {
        c->counters.left_out++;
        return false;
    }
    if (!tgv_send_media(c, TGV_PKT_STREAM_DATA, payload, len))
        return false;
    if (!inside && c->rate.planner.plan.copies)
        send_ec(c, f, m->pts, now);
    return true;
}

static void add(struct tgv_call *c, const struct tgv_stream_data *m)
{
    struct tgv_packer *p = &c->packer;
    size_t len;

    if (tgv_stream_data_encode(m, p->payload + p->len,
                               sizeof(p->payload) - p->len, &len) != 0) {
        c->counters.dropped++;
        return;
    }
    p->frames++;
    p->len += len;
}

/* A packet has `frames` places; a frame that is left out leaves one empty. */
static bool bundle(struct tgv_call *c, const struct tgv_stream_data *m,
                   tgv_time now)
{
    const struct tgv_plan *plan = &c->rate.planner.plan;
    struct tgv_packer *p = &c->packer;
    uint32_t span = plan->frame_ms * (plan->frames - 1);
    bool taken;

    if (p->open && (sizeof(p->payload) - p->len < m->data.len + FRAME_FIELDS ||
                    m->pts - p->pts > span))
        flush(c, now);
    if (!p->open) {
        p->open = true;
        p->pts = m->pts;
        p->since = now;
    }
    taken = tgv_rate_may_add(c, m->data.len + FRAME_FIELDS, now);
    if (taken)
        add(c, m);
    else
        c->counters.left_out++;
    if (m->pts - p->pts >= span)
        flush(c, now);
    return taken;
}

bool tgv_packer_frame(struct tgv_call *c, const struct tgv_voice_frame *f,
                      uint32_t pts, tgv_time now)
{
    struct tgv_stream_data m = {.stream_id = TGV_STREAM_AUDIO_ID,
                                .pts = pts,
                                .data = {f->primary.data, f->primary.len}};

    if (c->rate.planner.plan.frames > 1)
        return bundle(c, &m, now);
    flush(c, now);
    return send_single(c, f, &m, now);
}
