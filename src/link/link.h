/* SPDX-License-Identifier: MIT */
#ifndef TGV_LINK_LINK_H
#define TGV_LINK_LINK_H
/*
 * A bad network in one direction: datagrams go in with a time, and come out
 * later, or damaged, twice, or not at all. Reproducible: same options, seed
 * and input times give the same output. Virtual time; no clock, no socket.
 *
 * The way of a datagram: blackout, loss, copy, rate limiter (at most 1 s of
 * queue, then drop; a policer drops at once), delay with jitter and drift, held back. Losses of a seed
 * do not depend on the other options. Memory grows with the longest queue, is
 * bounded, and reused.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

#define TGV_BLACKOUTS_MAX 16
#define TGV_PHASES_MAX 4

/* Loss and rate that hold from a time on (for profiles that change). */
struct tgv_link_phase {
    tgv_time from; /* since the link's first datagram */
    double loss_pct;
    double loss_correlation_pct;
    double rate_kbit;
};

struct tgv_impairment {
    double loss_pct; /* 0..100 */
    double loss_correlation_pct; /* 0..100: chance to repeat the last verdict */
    double burst; /* mean length of losses, 0 = off, else >= 1;
                                    takes the place of the correlation */
    double delay_ms;
    double jitter_ms; /* uniform 0..value on top of delay; may reorder */
    double reorder_pct; /* held back behind 1..3 later ones, 200 ms at most */
    double dup_pct;
    double corrupt_pct; /* one to three bits flipped */
    double rate_kbit; /* 0 = unlimited; counts datagram bytes */
    bool policer; /* the rate has no queue: what exceeds it is dropped */
    double drift_ppm; /* the sender's clock seems to run slow (> 0) or fast;
                           fast: the first 100 s, fed by a delay at the start
                           (30 ms at -300 ppm) */
    unsigned blackout_count;
    struct {
        tgv_time from, to; /* since the link's first datagram */
    } blackouts[TGV_BLACKOUTS_MAX];
    unsigned phase_count;
    struct tgv_link_phase phases[TGV_PHASES_MAX];
    uint64_t seed;
};

void tgv_impairment_init(struct tgv_impairment *imp);
/* Option by name ("loss", "burst", ... "profile"), value as on the command
 * line; the last one holds. The failure names it as there ("--loss").
 * @return 0 or TGVOIP_ERR_INVALID with the failure filled */
int tgv_impairment_set(struct tgv_impairment *imp, const char *option,
                       const char *value, struct tgvoip_failure *failure);
int tgv_impairment_describe(const struct tgv_impairment *imp, char *text,
                            size_t size);
bool tgv_impairment_is_null(const struct tgv_impairment *imp);
/* Names, NULL at the end. */
const char *const *tgv_impairment_profiles(void);

struct tgv_link;

struct tgv_link_stats {
    uint64_t in, out, lost, overflowed, duplicated, corrupted, reordered;
    uint64_t queued; /* now */
    tgv_time queue_delay_max; /* of the rate limiter */
};

/* @param stream tells the two directions of one seed apart
 * @return 0 or TGVOIP_ERR_NOMEM */
int tgv_link_create(struct tgv_link **out, const struct tgv_impairment *imp,
                    uint64_t stream);
void tgv_link_destroy(struct tgv_link *l);
/* Send a datagram of 1..1500 bytes, copied. tag comes out again with it.
 * @return 0 (also when the link loses it), TGVOIP_ERR_TOO_LARGE, _NOMEM */
int tgv_link_send(struct tgv_link *l, const uint8_t *pkt, size_t len,
                  uint64_t tag, tgv_time now);
/* Next datagram that is due at `now`. @param[out] len 0 if there is none */
void tgv_link_receive(struct tgv_link *l, uint8_t *buf, size_t cap, size_t *len,
                      uint64_t *tag, tgv_time now);
tgv_time tgv_link_deadline(const struct tgv_link *l);
/* How long a datagram sent now would wait for those before it. */
tgv_time tgv_link_queue(const struct tgv_link *l, tgv_time now);
void tgv_link_stats(const struct tgv_link *l, struct tgv_link_stats *stats);

#endif
