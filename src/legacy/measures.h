/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_MEASURES_H
#define TGV_LEGACY_MEASURES_H
/*
 * What a call counts and measures about itself, for reports. Only stats.c
 * changes it, apart from the counters, which grow where things happen.
 */
#include "legacy/ack.h"
#include "net/loss.h"

#include <stdbool.h>
#include <stdint.h>

#define TGV_LATE_TICKS 64 /* of 0.1 s each */

/* Bits of behaviour notes 14. */
enum tgv_rate_reason {
    TGV_RATE_EXTRA_EC = 1,
    TGV_RATE_UDP_NOT_AVAILABLE = 2,
    TGV_RATE_UDP_BAD = 4,
    TGV_RATE_RECONNECTING = 8
};

struct tgv_counters {
    uint64_t bytes_out, bytes_in, packets_out, packets_in;
    uint64_t bad, duplicate, unknown_source, dropped;
    uint64_t simple_before_version; /* ENG-69 */
    uint64_t unsolicited; /* control messages not asked for */
    uint64_t left_out; /* frames not sent, the path being full */
    uint64_t ignored; /* authentic, but nothing to us */
    uint64_t random_failures;
};

/* Bytes up to the last change between mobile and other networks. */
struct tgv_traffic {
    uint64_t out_mark, in_mark; /* totals then */
    uint64_t out_mobile, in_mobile;
};

struct tgv_measures {
    struct tgv_loss loss_out, loss_in;
    struct tgv_traffic traffic;
    int bars[4];
    unsigned bars_len;
    int bars_told;
    uint64_t late_seen; /* late frames at the last look */
    uint16_t late[TGV_LATE_TICKS]; /* late frames of each tick, a ring */
    unsigned late_next;
    double delay_ms; /* play-out delay, smoothed */
    uint32_t rate_reasons; /* enum tgv_rate_reason */
    bool rate_always; /* RTT or loss too high */
    bool was_reconnecting, handed_over, timed_out;
    bool extra_ec, encoder_lag; /* happened at least once */
    unsigned complexity; /* highest of the encoder so far */
    uint16_t size[TGV_SENT_MAX]; /* bytes of the newest packets, by number */
};

#endif
