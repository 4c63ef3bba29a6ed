/* SPDX-License-Identifier: MIT */
/* Collecting; the words are in verdict_text.c. */
#include "inspect/verdict.h"

#include "base/seq.h"
#include "json/json.h"

#include <string.h>

#define STREAM_ENABLED 1

/*
 * Nothing is decoded here, but sizes tell: silence gives frame after frame of
 * the same size (measured: 14, 21, 53 or 74 bytes a 60 ms frame, by bitrate and
 * FEC), DTX gives frames of a few bytes. Of speech one frame in ten is like
 * the one before.
 */
#define SAME_BYTES 1
#define TINY_BYTES 8

void tgv_verdict_init(struct tgv_verdict *v)
{
    memset(v, 0, sizeof *v);
    for (int i = 0; i < 2; i++) {
        v->ends[i].confirmed = v->ends[i].media_seq = -1;
        v->ends[i].seqs.last = v->ends[i].mute_seq = -1;
    }
}

/* -- values of the object ------------------------------------------------- */

static int64_t number(const struct tgv_json *j, const char *key)
{
    int64_t v = 0;

    tgv_json_int(tgv_json_get(j, key), &v);
    return v;
}

static const char *word(const struct tgv_json *j, const char *key)
{
    const char *s = tgv_json_str(tgv_json_get(j, key));

    return s ? s : "";
}

static bool is(const struct tgv_json *j, const char *name)
{
    return !strcmp(word(j, "name"), name);
}

/* -- sequence numbers ----------------------------------------------------- */

static uint8_t *window_byte(struct tgv_verdict_seqs *w, int64_t seq)
{
    return &w->window[(uint64_t)seq % TGV_VERDICT_WINDOW / 8];
}

static void advance(struct tgv_verdict_seqs *w, int64_t seq)
{
    int64_t from = w->last + 1;

    if (seq - from >= TGV_VERDICT_WINDOW)
        from = seq - TGV_VERDICT_WINDOW + 1;
    for (; from <= seq; from++)
        *window_byte(w, from) &= (uint8_t) ~(1u << (from & 7));
    w->last = seq;
}

/* @return its unwrapped number; *again tells that it has been here before */
static int64_t take_seq(struct tgv_verdict_seqs *w, uint32_t number32,
                        bool lost, bool *again)
{
    const uint8_t bit = (uint8_t)(1u << (number32 & 7));
    int64_t seq = number32;

    if (w->last >= 0)
        seq = tgv_seq_unwrap(number32, w->last);
    *again = false;
    if (w->last < 0) {
        w->first = seq;
        w->last = seq - 1;
    }
    if (seq > w->last) {
        advance(w, seq);
    } else if (seq <= w->last - TGV_VERDICT_WINDOW || seq < 0) {
        *again = true; /* too late to tell */
        return seq;
    } else if (seq < w->first) {
        w->first = seq;
    }
    *again = (*window_byte(w, seq) & bit) != 0;
    if (!*again && !lost) {
        *window_byte(w, seq) |= bit;
        w->seen++;
    }
    return seq;
}

static uint64_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h;
}

/* The same once more for the two addresses; those past the last are left
 * out. */
static void take_leg(struct tgv_verdict_end *e, const struct tgv_json *packet,
                     uint32_t seq)
{
    const uint64_t src = hash(word(packet, "src"));
    const uint64_t dst = hash(word(packet, "dst"));
    unsigned i = 0;
    bool again;

    while (i < e->leg_count && (e->legs[i].src != src || e->legs[i].dst != dst))
        i++;
    if (i == TGV_VERDICT_LEGS)
        return;
    if (i == e->leg_count) {
        e->legs[i] = (struct tgv_verdict_leg){src, dst, {.last = -1}};
        e->leg_count++;
    }
    take_seq(&e->legs[i].seqs, seq, false, &again);
}

/* -- there and back ------------------------------------------------------- */

static void note_sent(struct tgv_verdict_sent *list, uint32_t seq, double t_ms)
{
    struct tgv_verdict_sent *s = &list[seq % TGV_VERDICT_SENT];

    if (!s->waits || s->seq != seq) /* the first copy counts */
        *s = (struct tgv_verdict_sent){seq, t_ms, true};
}

/* @return ms since it was sent, once; negative if it is not known */
static double answered(struct tgv_verdict_sent *list, uint32_t seq, double t_ms)
{
    struct tgv_verdict_sent *s = &list[seq % TGV_VERDICT_SENT];

    if (!s->waits || s->seq != seq)
        return -1;
    s->waits = false;
    return t_ms - s->t_ms;
}

static void take_ack(struct tgv_verdict_end *sender, uint32_t ack, double t_ms)
{
    double ms;
    int64_t seq;

    if (sender->seqs.last < 0)
        return;
    seq = tgv_seq_unwrap(ack, sender->seqs.last);
    if (seq > sender->seqs.last || seq <= sender->confirmed || ack == 0)
        return;
    sender->confirmed = seq;
    sender->confirmed_ms = t_ms;
    ms = answered(sender->sent, ack, t_ms);
    if (ms < 0)
        return;
    if (sender->ack_rtts++ == 0 || ms < sender->ack_rtt_min)
        sender->ack_rtt_min = ms;
}

static void take_pong(struct tgv_verdict_end *sender, uint32_t ping,
                      double t_ms)
{
    double ms = answered(sender->pings, ping, t_ms);

    if (ms >= 0)
        sender->rtt[sender->rtts++ % TGV_VERDICT_RTTS] = ms;
}

/* -- mute ----------------------------------------------------------------- */

static void set_muted(struct tgv_verdict_end *e, bool muted, int64_t seq,
                      double t_ms)
{
    if (seq < e->mute_seq)
        return; /* overtaken by a newer word */
    e->mute_seq = seq;
    if (muted == e->muted)
        return;
    e->muted = muted;
    if (e->mutes >= TGV_VERDICT_MUTES && muted) {
        e->mutes++;
        return;
    }
    if (muted) {
        e->mute_from[e->mutes++] = t_ms;
    } else if (e->mutes && e->mutes <= TGV_VERDICT_MUTES) {
        e->mute_to[e->mutes - 1] = t_ms;
    }
}

static void take_extras(struct tgv_verdict_end *e,
                        const struct tgv_json *extras, int64_t seq, double t_ms)
{
    for (size_t i = 0; i < tgv_json_len(extras); i++) {
        const struct tgv_json *x = tgv_json_at(extras, i);

        if (is(x, "STREAM_FLAGS") && number(x, "stream") == 1)
            set_muted(e, !(number(x, "flags") & STREAM_ENABLED), seq, t_ms);
    }
}

/* -- what the packet carries ---------------------------------------------- */

/* Does it look like silence? */
static bool is_still(struct tgv_verdict_end *e, int64_t len)
{
    int64_t step = len - e->frame_len;

    e->frame_len = len;
    return len <= TINY_BYTES || (step >= -SAME_BYTES && step <= SAME_BYTES);
}

static void take_frames(struct tgv_verdict_end *e, const struct tgv_json *list,
                        int64_t seq, double t_ms)
{
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *f = tgv_json_at(list, i);
        const struct tgv_json *opus = tgv_json_get(f, "opus");
        double ms = 0;

        if (!opus)
            continue; /* video, or part of a frame */
        tgv_json_real(tgv_json_get(opus, "frame_ms"), &ms);
        ms *= (double)number(opus, "frames");
        if (e->frames++ == 0) {
            e->media_first_ms = t_ms;
            e->media_seq = seq;
        }
        e->media_last_ms = t_ms;
        e->frames_ms += ms;
        e->frames_still += is_still(e, number(f, "len"));
        e->frames_again += tgv_json_len(tgv_json_get(f, "fec"));
    }
}

static void take_versions(struct tgv_verdict_end *e,
                          const struct tgv_json *payload)
{
    e->version = number(payload, "version");
    e->min_version = number(payload, "min_version");
}

static void take_body(struct tgv_verdict_end *e, struct tgv_verdict_end *other,
                      const struct tgv_json *parsed, int64_t seq, double t_ms)
{
    const struct tgv_json *payload = tgv_json_get(parsed, "payload");

    if (is(parsed, "INIT")) {
        e->inits++;
        take_versions(e, payload);
    } else if (is(parsed, "INIT_ACK")) {
        const struct tgv_json *stream =
            tgv_json_at(tgv_json_get(payload, "streams"), 0);

        e->init_acks++;
        take_versions(e, payload);
        if (stream)
            set_muted(e, !number(stream, "enabled"), seq, t_ms);
    } else if (is(parsed, "PING")) {
        note_sent(e->pings, (uint32_t)seq, t_ms);
    } else if (is(parsed, "PONG")) {
        take_pong(other, (uint32_t)number(payload, "ping_seq"), t_ms);
    } else if (is(parsed, "STREAM_STATE")) {
        if (number(payload, "stream") == 1)
            set_muted(e, !number(payload, "enabled"), seq, t_ms);
    } else if (is(parsed, "STREAM_EC")) {
        e->frames_again += tgv_json_len(tgv_json_get(payload, "fec"));
    } else {
        take_frames(e, tgv_json_get(payload, "frames"), seq, t_ms);
    }
}

static void take_packet(struct tgv_verdict *v, enum tgv_trace_from from,
                        double t_ms, const struct tgv_json *packet, bool lost)
{
    const struct tgv_json *parsed = tgv_json_get(packet, "parsed");
    const int i = from == TGV_TRACE_CALLER ? 0 : 1;
    struct tgv_verdict_end *e = &v->ends[i], *other = &v->ends[1 - i];
    bool again;
    int64_t seq =
        take_seq(&e->seqs, (uint32_t)number(parsed, "seq"), lost, &again);

    take_leg(e, packet, (uint32_t)seq);

    take_ack(other, (uint32_t)number(parsed, "ack"), t_ms);
    if (again) {
        e->again++;
        return;
    }
    note_sent(e->sent, (uint32_t)seq, t_ms);
    take_extras(e, tgv_json_get(parsed, "extras"), seq, t_ms);
    take_body(e, other, parsed, seq, t_ms);
}

void tgv_verdict_add(struct tgv_verdict *v, enum tgv_trace_from from,
                     double t_ms, size_t wire_len,
                     const struct tgv_json *packet, bool control, bool failed,
                     bool lost)
{
    const struct tgv_json *parsed = tgv_json_get(packet, "parsed");
    struct tgv_verdict_end *e;

    if (control) {
        v->relay_messages++;
        v->relay_answers += from == TGV_TRACE_RELAY;
        return;
    }
    if (from != TGV_TRACE_CALLER && from != TGV_TRACE_CALLEE) {
        v->failed_unknown += failed;
        return;
    }
    e = &v->ends[from == TGV_TRACE_CALLER ? 0 : 1];
    if (failed || !parsed) {
        e->failed++;
        return;
    }
    if (e->opened++ == 0)
        e->first_ms = t_ms;
    e->last_ms = t_ms;
    e->bytes += wire_len;
    e->old += !strcmp(word(packet, "crypto"), "mtp1");
    take_packet(v, from, t_ms, packet, lost);
}
