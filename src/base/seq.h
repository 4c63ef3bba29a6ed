/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_SEQ_H
#define TGV_BASE_SEQ_H
/*
 * Arithmetic of wrapping 32-bit sequence numbers and time stamps.
 * Source: wire specification 5.1; tests/vectors/wire-examples.json `seqgt`
 */
#include <stdbool.h>
#include <stdint.h>

/* a is newer than b. At a distance of exactly 2^31 the smaller number is. */
static inline bool tgv_seq_gt(uint32_t a, uint32_t b)
{
    return (a > b && a - b <= 0x7FFFFFFF) || (a < b && b - a > 0x7FFFFFFF);
}

/* a - b as a signed distance, -2^31..2^31-1. */
static inline int32_t tgv_seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/* The 64-bit value that ends in the 32 bits of `low` and lies nearest to
 * `near`: unwraps a 32-bit clock for as long as wanted. */
static inline int64_t tgv_seq_unwrap(uint32_t low, int64_t near)
{
    return near + tgv_seq_diff(low, (uint32_t)near);
}

#endif
