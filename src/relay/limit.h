/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_LIMIT_H
#define TGV_RELAY_LIMIT_H
/*
 * A token bucket that holds what one second brings, kept as the time at which
 * it would be full again: full at `full_at` <= now, empty at now + 1 s.
 */
#include "base/time.h"

#include <stdbool.h>

struct tgv_bucket {
    tgv_time full_at;
};

static inline bool tgv_bucket_allows(const struct tgv_bucket *b, tgv_time cost,
                                     tgv_time now)
{
    tgv_time start = b->full_at > now ? b->full_at : now;

    return start + cost - now <= TGV_S(1);
}

/* What tgv_bucket_allows() has allowed. */
static inline void tgv_bucket_take(struct tgv_bucket *b, tgv_time cost,
                                   tgv_time now)
{
    b->full_at = (b->full_at > now ? b->full_at : now) + cost;
}

/* Cost of one unit where `per_s` are allowed in a second; 0 allows none. */
static inline tgv_time tgv_bucket_cost(unsigned per_s)
{
    return per_s ? TGV_US_PER_S / (tgv_time)per_s : TGV_S(2);
}

/* Cost of a datagram where `kbit` are allowed in a second. */
static inline tgv_time tgv_bucket_bits(size_t len, unsigned kbit)
{
    return kbit ? (tgv_time)len * 8 * 1000 / (tgv_time)kbit : TGV_S(2);
}

#endif
