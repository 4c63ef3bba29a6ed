/* SPDX-License-Identifier: MIT */
#include "inspect/intake.h"

#include "base/failure.h"
#include "inspect/datagram.h"
#include "inspect/flows.h"
#include "inspect/pcap.h"
#include "wire/control.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_BYTES 4

enum format { FORMAT_UNKNOWN, FORMAT_LINES, FORMAT_CAPTURE };

enum held_kind { HELD_OPENED, HELD_CONTROL, HELD_SEALED };

struct held { /* a datagram that waits for its turn */
    struct held *next;
    enum held_kind kind;
    int64_t time_us;
    struct tgv_sighting s; /* wire points to bytes */
    uint8_t bytes[];
};

struct tgv_intake {
    struct tgv_inspect *in;
    enum format format;
    bool ended, broken;

    uint8_t *buffer;
    size_t used, len, cap; /* bytes used..len are unread */

    unsigned long long line; /* of the newest line */
    bool skip_line; /* the rest of one that was too long */

    struct tgv_pcap pcap;
    struct tgv_flows flows;
    struct held *first, **last;
    size_t held, held_bytes;
    bool any_opened;
    bool has_start;
    int64_t start_us; /* of the first packet */
};

int tgv_intake_create(struct tgv_intake **out, struct tgv_inspect *in)
{
    struct tgv_intake *k = calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return TGVOIP_ERR_NOMEM;
    k->in = in;
    k->last = &k->first;
    tgv_pcap_init(&k->pcap);
    *out = k;
    return 0;
}

static void drop_first(struct tgv_intake *k)
{
    struct held *h = k->first;

    k->first = h->next;
    if (!k->first)
        k->last = &k->first;
    k->held--;
    k->held_bytes -= h->s.len;
    free(h);
}

void tgv_intake_destroy(struct tgv_intake *k)
{
    if (!k)
        return;
    while (k->first)
        drop_first(k);
    free(k->buffer);
    free(k);
}

/* What was put and has not been read; never NULL. */
static const uint8_t *unread(const struct tgv_intake *k)
{
    return k->buffer ? k->buffer + k->used : (const uint8_t *)"";
}

int tgv_intake_put(struct tgv_intake *k, const uint8_t *data, size_t len)
{
    if (k->ended)
        return TGVOIP_ERR_STATE;
    if (len > TGV_INTAKE_BUFFER - (k->len - k->used))
        return TGVOIP_ERR_TOO_LARGE;
    if (len == 0)
        return 0;
    if (k->used && len > k->cap - k->len) {
        memmove(k->buffer, k->buffer + k->used, k->len - k->used);
        k->len -= k->used;
        k->used = 0;
    }
    if (len > k->cap - k->len) {
        size_t cap = 2 * (k->len + len);
        uint8_t *buffer = realloc(k->buffer, cap);

        if (!buffer)
            return TGVOIP_ERR_NOMEM;
        k->buffer = buffer;
        k->cap = cap;
    }
    memcpy(k->buffer + k->len, data, len);
    k->len += len;
    return 0;
}

void tgv_intake_end(struct tgv_intake *k)
{
    k->ended = true;
}

/* -- a trace --------------------------------------------------------------- */

/* @return the line and its line end, if there is a whole one, else 0 */
static size_t whole_line(const struct tgv_intake *k)
{
    const uint8_t *at = unread(k), *end;
    const size_t left = k->len - k->used;

    if (left == 0)
        return 0;
    end = memchr(at, '\n', left);
    if (end)
        return (size_t)(end - at) + 1;
    return k->ended || left > TGV_TRACE_LINE_MAX ? left : 0;
}

static int next_line(struct tgv_intake *k, struct tgv_inspected *out,
                     struct tgvoip_failure *failure)
{
    size_t len;

    while ((len = whole_line(k)) > 0) {
        const char *line = (const char *)unread(k);
        const bool whole = line[len - 1] == '\n' || k->ended;
        const bool skip = k->skip_line;
        int err;

        k->used += len;
        k->skip_line = !whole;
        if (skip)
            continue;
        k->line++;
        err = tgv_inspect_line(k->in, line, len, out, failure);
        if (err == TGVOIP_ERR_AGAIN)
            continue;
        if (err == TGVOIP_ERR_FORMAT && failure)
            snprintf(failure->what, sizeof failure->what, "line %llu", k->line);
        return err;
    }
    return k->ended ? TGVOIP_ERR_END : TGVOIP_ERR_AGAIN;
}

/* -- a capture: what waits ------------------------------------------------- */

static bool is_full(const struct tgv_intake *k)
{
    return k->held >= TGV_INTAKE_HELD || k->held_bytes >= TGV_INTAKE_HELD_BYTES;
}

static int hold(struct tgv_intake *k, const struct tgv_sighting *s,
                int64_t time_us, enum held_kind kind)
{
    struct held *h = malloc(sizeof *h + s->len);

    if (!h)
        return TGVOIP_ERR_NOMEM;
    h->next = NULL;
    h->kind = kind;
    h->time_us = time_us;
    h->s = *s;
    if (s->len)
        memcpy(h->bytes, s->wire, s->len);
    h->s.wire = h->bytes;
    *k->last = h;
    k->last = &h->next;
    k->held++;
    k->held_bytes += s->len;
    return 0;
}

static int take_frame(struct tgv_intake *k, const struct tgv_pcap_frame *frame)
{
    struct tgv_sighting s = {.from = TGV_TRACE_UNKNOWN};
    struct tgv_datagram d;
    enum held_kind kind = HELD_SEALED;

    if (!tgv_datagram_find(&d, frame->link, frame->data, frame->len))
        return 0;
    s.src = d.src;
    s.dst = d.dst;
    s.wire = d.data;
    s.len = d.len;
    if (tgv_control_is(d.data, d.len)) {
        kind = HELD_CONTROL;
        tgv_flows_control(&k->flows, &s);
    } else if (tgv_inspect_identify(k->in, &s)) {
        kind = HELD_OPENED;
        k->any_opened = true;
        tgv_flows_opened(&k->flows, &s);
    }
    return hold(k, &s, frame->time_us, kind);
}

enum fate { FATE_WAIT, FATE_SHOW, FATE_DROP };

/* What becomes of the datagram whose turn it is. Calls with other keys look
 * like ours with a wrong one: only if nothing opens at all are they shown. */
static enum fate decide(const struct tgv_intake *k, struct held *h)
{
    const bool at_end = k->ended || k->broken;

    if (h->kind == HELD_OPENED)
        return FATE_SHOW;
    if (tgv_flows_attribute(&k->flows, &h->s, h->kind == HELD_CONTROL))
        return FATE_SHOW;
    if (!at_end && !is_full(k))
        return FATE_WAIT;
    if (!at_end || k->any_opened)
        return FATE_DROP;
    h->s.prefix = TGV_PREFIX_TAG;
    return h->kind == HELD_CONTROL || tgv_flows_has_tag(&k->flows, &h->s)
               ? FATE_SHOW
               : FATE_DROP;
}

/* @return 0; TGVOIP_ERR_AGAIN: it waits, or none is there */
static int release(struct tgv_intake *k, struct tgv_inspected *out)
{
    while (k->first) {
        struct held *h = k->first;
        enum fate fate = decide(k, h);
        int err = 0;

        if (fate == FATE_WAIT)
            return TGVOIP_ERR_AGAIN;
        if (fate == FATE_DROP) {
            tgv_inspect_other(k->in, h->kind == HELD_SEALED &&
                                         tgv_flows_has_tag(&k->flows, &h->s));
            drop_first(k);
            continue;
        }
        if (!k->has_start)
            k->start_us = h->time_us;
        k->has_start = true;
        h->s.t_ms = (double)(h->time_us - k->start_us) / 1000;
        err = tgv_inspect_sighting(k->in, &h->s, out);
        drop_first(k);
        return err;
    }
    return TGVOIP_ERR_AGAIN;
}

/* -- a capture: what comes ------------------------------------------------- */

/* Read frames until one can be shown or no more are there. */
static int next_packet(struct tgv_intake *k, struct tgv_inspected *out,
                       struct tgvoip_failure *failure)
{
    for (;;) {
        struct tgv_pcap_frame frame;
        size_t used;
        int err = release(k, out);

        if (err != TGVOIP_ERR_AGAIN)
            return err;
        if (k->broken)
            return TGVOIP_ERR_END;
        err = tgv_pcap_next(&k->pcap, unread(k), k->len - k->used, &used,
                            &frame, failure);
        k->used += used;
        if (err == TGVOIP_ERR_AGAIN && !k->ended)
            return err;
        if (err) {
            const bool rest = k->used < k->len;

            k->broken = true;
            if (err == TGVOIP_ERR_AGAIN && !rest)
                continue; /* a clean end */
            return err == TGVOIP_ERR_AGAIN
                       ? tgv_fail(failure, TGVOIP_ERR_FORMAT, "capture",
                                  "ends within a packet")
                       : err;
        }
        err = take_frame(k, &frame);
        if (err)
            return err;
    }
}

int tgv_intake_next(struct tgv_intake *k, struct tgv_inspected *out,
                    struct tgvoip_failure *failure)
{
    const size_t left = k->len - k->used;

    out->json = NULL;
    if (k->format == FORMAT_UNKNOWN) {
        if (left < MAGIC_BYTES && !k->ended)
            return TGVOIP_ERR_AGAIN;
        k->format =
            tgv_pcap_is(unread(k), left) ? FORMAT_CAPTURE : FORMAT_LINES;
    }
    return k->format == FORMAT_LINES ? next_line(k, out, failure)
                                     : next_packet(k, out, failure);
}
