/* SPDX-License-Identifier: MIT */
#include "legacy/ack.h"

#include "base/seq.h"

#include <string.h>

#define FIRST_NUMBER 1u
#define MASK_BITS 32u
#define EVIDENCE_RATIO 4

void tgv_ack_init(struct tgv_ack *a)
{
    memset(a, 0, sizeof(*a));
    a->next = FIRST_NUMBER;
    a->undecided = FIRST_NUMBER;
}

uint32_t tgv_ack_sent(struct tgv_ack *a, uint8_t path, bool judged,
                      tgv_time now)
{
    uint32_t seq = a->next++;

    a->sent[seq % TGV_SENT_MAX] = (struct tgv_sent){
        .seq = seq, .used = true, .judged = judged, .path = path, .at = now};
    return seq;
}

static struct tgv_sent *find(struct tgv_ack *a, uint32_t seq)
{
    struct tgv_sent *s = &a->sent[seq % TGV_SENT_MAX];

    return s->used && s->seq == seq ? s : NULL;
}

void tgv_ack_sent_bytes(struct tgv_ack *a, uint32_t seq, size_t bytes)
{
    struct tgv_sent *s = find(a, seq);

    if (s)
        s->bytes = (uint16_t)bytes;
}

bool tgv_ack_plausible(const struct tgv_ack *a, uint32_t ack)
{
    return a->next != FIRST_NUMBER && !tgv_seq_gt(ack, a->next - 1);
}

bool tgv_ack_has(const struct tgv_ack *a, uint32_t seq)
{
    const struct tgv_sent *s = &a->sent[seq % TGV_SENT_MAX];

    return s->used && s->seq == seq && s->fate == TGV_SENT_ACKED;
}

uint32_t tgv_ack_outstanding(const struct tgv_ack *a)
{
    return a->next - 1 - a->last_ack;
}

size_t tgv_ack_in_flight(const struct tgv_ack *a, uint8_t path)
{
    uint32_t seq = a->last_ack + 1;
    size_t bytes = 0;

    if (a->next - seq > TGV_SENT_MAX)
        seq = a->next - TGV_SENT_MAX;
    for (; seq != a->next; seq++) {
        const struct tgv_sent *s = &a->sent[seq % TGV_SENT_MAX];

        if (s->used && s->seq == seq && s->path == path)
            bytes += s->bytes;
    }
    return bytes;
}

/* Would the mask, read as A, acknowledge a number from before our first? Only
 * the first 32 packets can tell. */
static bool acks_before_first(uint32_t ack, uint32_t mask)
{
    if (ack > MASK_BITS)
        return false;
    /* bits 31-i with ack-(i+1) < 1, that is i >= ack-1 */
    unsigned valid = ack - 1;
    return valid == 0 ? mask != 0 : (mask << valid) != 0;
}

/* Can the mask be of convention A? The ack before is then at bit 32-d. */
static bool contradicts_a(const struct tgv_ack *a, uint32_t ack, uint32_t mask)
{
    uint32_t d = ack - a->last_ack;

    if (acks_before_first(ack, mask))
        return true;
    return a->last_ack != 0 && d <= MASK_BITS &&
           !(mask & (UINT32_C(1) << (32 - d)));
}

/* And of B? `ack` itself is at bit 31, the ack before at bit 31-d. After a
 * jump by more than 31 such a writer forgets everything, the newest included,
 * and starts with an empty mask. */
static bool contradicts_b(const struct tgv_ack *a, uint32_t ack, uint32_t mask)
{
    uint32_t d = ack - a->last_ack;

    if (d >= MASK_BITS)
        return false;
    if (!(mask & 0x80000000u))
        return true;
    return a->last_ack != 0 && !a->last_mask_empty &&
           !(mask & (UINT32_C(1) << (31 - d)));
}

static void count(uint8_t *n)
{
    if (*n < UINT8_MAX)
        (*n)++;
}

/* One convention fails far more often: it is the other. Not "never", since
 * writers have faults of their own. */
static enum tgv_mask_reading reading_of(const struct tgv_ack *a)
{
    if (!a->not_a && !a->not_b)
        return TGV_MASK_UNDECIDED;
    if (a->not_b > EVIDENCE_RATIO * a->not_a)
        return TGV_MASK_A;
    if (a->not_a > EVIDENCE_RATIO * a->not_b)
        return TGV_MASK_B;
    return TGV_MASK_NOISE;
}

static void weigh_evidence(struct tgv_ack *a, uint32_t ack, uint32_t mask)
{
    if (contradicts_a(a, ack, mask))
        count(&a->not_a);
    if (contradicts_b(a, ack, mask))
        count(&a->not_b);
    a->reading = reading_of(a);
    a->last_mask_empty = mask == 0;
}

static void acknowledge(struct tgv_ack *a, uint32_t seq, struct tgv_acked *r)
{
    struct tgv_sent *s = find(a, seq);

    if (!s || s->fate == TGV_SENT_ACKED || r->count >= TGV_ACKED_MAX)
        return;
    if (s->judged) {
        r->delivered++;
        r->taken_back += s->fate == TGV_SENT_LOST;
    }
    s->fate = TGV_SENT_ACKED;
    r->packets[r->count].path = s->path;
    r->packets[r->count].judged = s->judged;
    r->packets[r->count].bytes = s->bytes;
    r->packets[r->count].at = s->at;
    r->count++;
}

static void read_mask(struct tgv_ack *a, uint32_t ack, uint32_t mask,
                      uint32_t shift, struct tgv_acked *r)
{
    for (uint32_t i = 0; i < MASK_BITS; i++)
        if (mask & (UINT32_C(1) << (31 - i)))
            acknowledge(a, ack - (i + shift), r);
}

bool tgv_ack_receive(struct tgv_ack *a, uint32_t ack, uint32_t mask,
                     bool old_peer, struct tgv_acked *result)
{
    memset(result, 0, sizeof(*result));
    if (!tgv_ack_plausible(a, ack) || !tgv_seq_gt(ack, a->last_ack))
        return false;
    if (old_peer)
        a->reading = TGV_MASK_B;
    else
        weigh_evidence(a, ack, mask);
    acknowledge(a, ack, result);
    result->newest = result->count > 0;
    if (a->reading == TGV_MASK_A)
        read_mask(a, ack, mask, 1, result);
    else if (a->reading == TGV_MASK_B)
        read_mask(a, ack, mask, 0, result);
    a->last_ack = ack;
    return true;
}

static tgv_time patience(tgv_time rtt)
{
    tgv_time t = 2 * rtt;

    if (t < TGV_LOST_AFTER_MIN)
        return TGV_LOST_AFTER_MIN;
    return t < TGV_LOST_AFTER_MAX ? t : TGV_LOST_AFTER_MAX;
}

/* No verdict on single packets where only `ack` itself can be believed. */
static bool mask_tells(const struct tgv_ack *a)
{
    return a->reading == TGV_MASK_A || a->reading == TGV_MASK_B;
}

static void tell(struct tgv_burst *burst, const struct tgv_sent *s)
{
    bool lost = s->fate == TGV_SENT_LOST;

    if (!burst || !s->judged)
        return;
    if (s->fate == TGV_SENT_OPEN) {
        tgv_burst_unknown(burst);
        return;
    }
    tgv_burst_add(burst, lost);
    tgv_police_add(&burst->police, s->bytes, lost, s->at);
}

int tgv_ack_expire(struct tgv_ack *a, tgv_time rtt, struct tgv_burst *burst,
                   tgv_time now)
{
    tgv_time after = patience(rtt);
    int lost = 0;

    if (a->next - a->undecided > TGV_SENT_MAX)
        a->undecided = a->next - TGV_SENT_MAX;
    for (; a->undecided != a->next; a->undecided++) {
        struct tgv_sent *s = find(a, a->undecided);
        if (!s)
            continue;
        if (s->fate != TGV_SENT_OPEN) {
            tell(burst, s);
            continue;
        }
        bool passed = tgv_seq_gt(a->last_ack, s->seq);
        if (now - s->at < (passed ? after : TGV_LOST_AFTER_MAX))
            break;
        if (passed && !mask_tells(a)) {
            tell(burst, s);
            continue;
        }
        s->fate = TGV_SENT_LOST;
        tell(burst, s);
        lost += s->judged;
    }
    return lost;
}
