/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_TIME_H
#define TGV_BASE_TIME_H
/*
 * Time inside the library: monotonic, microseconds, read once per wake-up at
 * the edge and handed down. No room but io reads a clock.
 */
#include <stdint.h>

typedef int64_t tgv_time;

/* "no deadline"; later than any other */
#define TGV_NEVER INT64_MAX

#define TGV_US_PER_MS 1000
#define TGV_US_PER_S 1000000
#define TGV_MS(ms) ((tgv_time)(ms)*TGV_US_PER_MS)
#define TGV_S(s) ((tgv_time)(s)*TGV_US_PER_S)

/* The audio clock: 48 kHz samples, unwrapped, and its 20 ms blocks. */
#define TGV_RATE_HZ 48000
#define TGV_SAMPLES_PER_MS 48
#define TGV_BLOCK_SAMPLES 960
#define TGV_BLOCK_US 20000

static inline tgv_time tgv_time_min(tgv_time a, tgv_time b)
{
    return a < b ? a : b;
}

#endif
