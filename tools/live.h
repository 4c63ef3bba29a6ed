/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LIVE_H
#define TOOL_LIVE_H
/**
 * @file
 * The live status line on a terminal: elapsed time, state, route, RTT, loss
 * both ways, jitter delay (times in ms), level meters, bitrate. It takes what fits into the
 * window, most important first, and ASCII where the terminal has no UTF-8.
 *
 * Without a terminal there is a plain line at each change of state instead.
 */
#include <stdbool.h>

#include "tool.h"

#define LIVE_METER 4

struct live {
    struct diag *diag;
    bool on; /**< a terminal is there and wanted */
    bool utf8;
    bool colour;
    int64_t next_us;
    float out[LIVE_METER], in[LIVE_METER]; /**< latest levels, 0..1 */
};

/** `wanted` is false with --json and -q. */
void live_init(struct live *live, struct tool *tool, bool wanted);

/** Draw, at most ten times a second. */
void live_draw(struct live *live, const struct tgvoip_call_stats *stats,
               int64_t now_us);

/** Take the line off the screen. */
void live_clear(struct live *live);

#endif
