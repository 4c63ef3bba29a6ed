/* SPDX-License-Identifier: MIT */
#include "link/link.h"

#include "base/random.h"
#include "link/queue.h"

#include <stdlib.h>
#include <string.h>

/* A rate limiter's queue holds this much time; what comes then is dropped. */
#define RATE_QUEUE_US TGV_S(1)
/* A policer lets so much pass at once. */
#define POLICER_US TGV_MS(100)
/* A datagram held back waits for 1..3 later ones, and no longer than this. */
#define HOLD_MAX_US TGV_MS(200)
#define HOLD_BEHIND_MAX 3
#define HELD_MAX 8
/* A fast clock (drift < 0) eats delay; this many seconds of it are added at
 * the start, for nothing can arrive before it was sent. */
#define DRIFT_RESERVE_S 100.0

struct held {
    struct tgv_link_packet *packet;
    tgv_time due; /* had it not been held */
    tgv_time limit; /* latest release */
    unsigned behind;
};

struct tgv_link {
    struct tgv_impairment imp;
    /* One generator for each subject, so that the losses of a seed are the
     * same whatever the other impairments are. */
    struct tgv_prng loss_prng, delay_prng, damage_prng;
    struct tgv_link_queue queue;
    struct held held[HELD_MAX];
    unsigned held_count;
    struct tgv_link_stats stats;
    bool started;
    tgv_time start;
    bool verdict_known, lose; /* last verdict, or the state of the burst */
    double rate_free_us; /* when the limiter is idle, since start */
    uint64_t next_number, highest_out;
};

int tgv_link_create(struct tgv_link **out, const struct tgv_impairment *imp,
                    uint64_t stream)
{
    struct tgv_link *l = *out = calloc(1, sizeof(*l));
    struct tgv_prng mix;
    uint64_t seed;

    if (!l)
        return TGVOIP_ERR_NOMEM;
    l->imp = *imp;
    tgv_prng_init(&mix, stream);
    seed = imp->seed ^ tgv_prng_u64(&mix);
    tgv_prng_init(&mix, seed);
    tgv_prng_init(&l->loss_prng, tgv_prng_u64(&mix));
    tgv_prng_init(&l->delay_prng, tgv_prng_u64(&mix));
    tgv_prng_init(&l->damage_prng, tgv_prng_u64(&mix));
    l->next_number = 1;
    return 0;
}

void tgv_link_destroy(struct tgv_link *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < l->held_count; i++)
        free(l->held[i].packet);
    tgv_link_queue_fini(&l->queue);
    free(l);
}

static bool chance(struct tgv_prng *g, double pct)
{
    /* Draws even if the answer is known: the sequence must not depend on it. */
    return tgv_prng_unit(g) * 100.0 < pct;
}

static struct tgv_link_phase current_phase(const struct tgv_link *l,
                                           tgv_time since)
{
    struct tgv_link_phase phase = {
        0, l->imp.loss_pct, l->imp.loss_correlation_pct, l->imp.rate_kbit};

    for (unsigned i = 0; i < l->imp.phase_count; i++)
        if (since >= l->imp.phases[i].from)
            phase = l->imp.phases[i];
    return phase;
}

static bool in_blackout(const struct tgv_link *l, tgv_time since)
{
    for (unsigned i = 0; i < l->imp.blackout_count; i++)
        if (since >= l->imp.blackouts[i].from && since < l->imp.blackouts[i].to)
            return true;
    return false;
}

/* Chance to change the state of a Gilbert-Elliott chain that loses all in its
 * bad state and nothing in its good one: bursts last `mean` on average and the
 * share of the bad state is loss. Where both cannot be had (nearly all is
 * lost), the share holds and the bursts get longer. */
static double burst_change_pct(double loss_pct, double mean, bool bad)
{
    double loss = loss_pct / 100.0, to_bad, to_good = 1.0 / mean;

    if (loss >= 1.0)
        return bad ? 0.0 : 100.0;
    to_bad = loss / (mean * (1.0 - loss));
    if (to_bad > 1.0) {
        to_bad = 1.0;
        to_good = (1.0 - loss) / loss;
    }
    return 100.0 * (bad ? to_good : to_bad);
}

static bool draw_loss(struct tgv_link *l, const struct tgv_link_phase *phase)
{
    struct tgv_prng *g = &l->loss_prng;

    if (!l->verdict_known) {
        l->lose = chance(g, phase->loss_pct);
        l->verdict_known = true;
    } else if (l->imp.burst >= 1.0) {
        double pct = burst_change_pct(phase->loss_pct, l->imp.burst, l->lose);
        if (chance(g, pct))
            l->lose = !l->lose;
    } else {
        bool repeat = chance(g, phase->loss_correlation_pct);
        bool fresh = chance(g, phase->loss_pct);
        l->lose = repeat ? l->lose : fresh;
    }
    return l->lose;
}

/* Time that the datagram leaves the rate limiter; false if it is full. */
static bool limit_rate(struct tgv_link *l, double kbit, size_t len,
                       tgv_time since, tgv_time *leaves)
{
    double start = (double)since, wait;

    *leaves = since;
    if (kbit <= 0.0)
        return true;
    if (l->rate_free_us > start)
        start = l->rate_free_us;
    wait = start - (double)since;
    if (wait > (double)(l->imp.policer ? POLICER_US : RATE_QUEUE_US))
        return false;
    l->rate_free_us = start + (double)len * 8000.0 / kbit;
    if (l->imp.policer)
        return true;
    *leaves = (tgv_time)l->rate_free_us;
    wait = l->rate_free_us - (double)since;
    if ((tgv_time)wait > l->stats.queue_delay_max)
        l->stats.queue_delay_max = (tgv_time)wait;
    return true;
}

static tgv_time draw_delay(struct tgv_link *l, tgv_time since)
{
    const struct tgv_impairment *imp = &l->imp;
    double jitter_ms = tgv_prng_unit(&l->delay_prng) * imp->jitter_ms;
    double drift_us = imp->drift_ppm * (double)since / 1e6;

    if (imp->drift_ppm < 0.0) {
        drift_us -= imp->drift_ppm * DRIFT_RESERVE_S;
        if (drift_us < 0.0)
            drift_us = 0.0;
    }
    return (tgv_time)((imp->delay_ms + jitter_ms) * 1e3 + drift_us);
}

static void flip_bits(struct tgv_link *l, struct tgv_link_packet *packet)
{
    struct tgv_prng *g = &l->damage_prng;
    uint32_t bits = (uint32_t)packet->len * 8;
    unsigned count = 1 + tgv_prng_below(g, 3);
    uint32_t at[3];

    for (unsigned i = 0; i < count; i++) {
        at[i] = tgv_prng_below(g, bits);
        /* The same bit twice would mend the damage. */
        while ((i > 0 && at[i] == at[0]) || (i > 1 && at[i] == at[1]))
            at[i] = (at[i] + 1) % bits;
        packet->data[at[i] / 8] ^= (uint8_t)(1u << at[i] % 8);
    }
    l->stats.corrupted++;
}

/* Let go of those that have waited for enough others; their place is behind
 * the one that was just sent. */
static void count_later(struct tgv_link *l, tgv_time due)
{
    for (unsigned i = 0; i < l->held_count;) {
        struct held *h = &l->held[i];
        if (--h->behind > 0) {
            i++;
            continue;
        }
        tgv_link_queue_put(&l->queue, h->packet, h->due > due ? h->due : due);
        *h = l->held[--l->held_count];
    }
}

static void release_held(struct tgv_link *l, tgv_time now)
{
    for (unsigned i = 0; i < l->held_count;) {
        struct held *h = &l->held[i];
        if (h->limit > now) {
            i++;
            continue;
        }
        tgv_link_queue_put(&l->queue, h->packet, h->limit);
        *h = l->held[--l->held_count];
    }
}

static void hold(struct tgv_link *l, struct tgv_link_packet *packet,
                 tgv_time due)
{
    unsigned behind = 1 + tgv_prng_below(&l->delay_prng, HOLD_BEHIND_MAX);

    l->held[l->held_count++] =
        (struct held){packet, due, due + HOLD_MAX_US, behind};
}

struct datagram {
    const uint8_t *data;
    size_t len;
    uint64_t tag, number;
    bool copy;
};

/* Put one copy of a datagram that is not lost on its way. */
static int enqueue(struct tgv_link *l, const struct datagram *d, double kbit,
                   tgv_time now)
{
    struct tgv_link_packet *packet;
    tgv_time since = now - l->start, leaves, due;
    bool reorder = chance(&l->delay_prng, l->imp.reorder_pct);
    bool corrupt = chance(&l->damage_prng, l->imp.corrupt_pct);
    int err;

    due = draw_delay(l, since);
    err = tgv_link_queue_alloc(&l->queue, &packet);
    if (err == TGVOIP_ERR_NOMEM)
        return err;
    if (err || !limit_rate(l, kbit, d->len, since, &leaves)) {
        if (packet)
            tgv_link_queue_release(&l->queue, packet);
        l->stats.overflowed++;
        return 0;
    }
    due += l->start + leaves;
    packet->tag = d->tag;
    packet->number = d->number;
    packet->copy = d->copy;
    packet->len = d->len;
    memcpy(packet->data, d->data, d->len);
    if (corrupt)
        flip_bits(l, packet);
    if (reorder && l->held_count < HELD_MAX) {
        hold(l, packet, due);
        return 0;
    }
    tgv_link_queue_put(&l->queue, packet, due);
    if (!packet->copy)
        count_later(l, due);
    return 0;
}

int tgv_link_send(struct tgv_link *l, const uint8_t *pkt, size_t len,
                  uint64_t tag, tgv_time now)
{
    struct datagram d = {pkt, len, tag, 0, false};
    struct tgv_link_phase phase;
    bool lose, copy;
    int err;

    if (len == 0)
        return TGVOIP_ERR_INVALID;
    if (len > TGV_LINK_DATAGRAM_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    if (!l->started) {
        l->started = true;
        l->start = now;
    }
    release_held(l, now);
    l->stats.in++;
    phase = current_phase(l, now - l->start);
    lose = draw_loss(l, &phase);
    copy = chance(&l->damage_prng, l->imp.dup_pct);
    if (lose || in_blackout(l, now - l->start)) {
        l->stats.lost++;
        return 0;
    }
    d.number = l->next_number++;
    err = enqueue(l, &d, phase.rate_kbit, now);
    if (err || !copy)
        return err;
    l->stats.duplicated++;
    d.copy = true;
    return enqueue(l, &d, phase.rate_kbit, now);
}

void tgv_link_receive(struct tgv_link *l, uint8_t *buf, size_t cap, size_t *len,
                      uint64_t *tag, tgv_time now)
{
    struct tgv_link_packet *packet;

    *len = 0;
    *tag = 0;
    release_held(l, now);
    packet = tgv_link_queue_get(&l->queue, now);
    if (!packet)
        return;
    *len = packet->len < cap ? packet->len : cap;
    *tag = packet->tag;
    memcpy(buf, packet->data, *len);
    l->stats.out++;
    if (packet->number > l->highest_out)
        l->highest_out = packet->number;
    else if (!packet->copy && packet->number < l->highest_out)
        l->stats.reordered++;
    tgv_link_queue_release(&l->queue, packet);
}

tgv_time tgv_link_deadline(const struct tgv_link *l)
{
    tgv_time t = tgv_link_queue_deadline(&l->queue);

    for (unsigned i = 0; i < l->held_count; i++)
        t = tgv_time_min(t, l->held[i].limit);
    return t;
}

tgv_time tgv_link_queue(const struct tgv_link *l, tgv_time now)
{
    double wait = l->rate_free_us - (double)(now - l->start);

    return wait > 0.0 ? (tgv_time)wait : 0;
}

void tgv_link_stats(const struct tgv_link *l, struct tgv_link_stats *stats)
{
    *stats = l->stats;
    stats->queued = l->queue.len + l->held_count;
}
