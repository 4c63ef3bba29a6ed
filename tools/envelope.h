/* SPDX-License-Identifier: MIT */
#ifndef TOOL_ENVELOPE_H
#define TOOL_ENVELOPE_H
/**
 * @file
 * How late, and how alike, arrives what was sent? Loudness curves of both
 * ends are laid on one time axis by the times at which their blocks passed,
 * and compared in windows of one second, each with its own best delay.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call_end.h"

#define ENVELOPE_BIN_US 10000

/** Blocks of one direction of one end, in order of time. */
struct block_list {
    struct end_block *items;
    size_t count, capacity;
};

void block_list_add(struct block_list *list, const struct end_block *block);
void block_list_free(struct block_list *list);

/** RMS of full scale for each 10 ms since zero_us. */
struct envelope {
    int64_t zero_us;
    float *bins;
    size_t count;
};

/**
 * Read the file and lay it on the axis. A file may be played several times.
 * @return 0 or a TGVOIP_ERR_*; failure names the file
 */
int envelope_of_file(struct envelope *env, const char *path,
                     const struct block_list *blocks, int64_t zero_us,
                     size_t count, struct tgvoip_failure *failure);
void envelope_free(struct envelope *env);

/** Loudest RMS of the curve. */
float envelope_peak(const struct envelope *env);

struct envelope_window {
    double t_s; /**< start, after zero_us */
    double lag_ms, correlation;
};

struct envelope_match {
    double lag_ms; /**< median */
    double correlation; /**< median */
    struct envelope_window *windows; /**< those in which something was said */
    size_t count;
};

/** Compare. With nothing to compare, count is 0 and the medians are NAN. */
void envelope_compare(struct envelope_match *match, const struct envelope *sent,
                      const struct envelope *heard);
void envelope_match_free(struct envelope_match *match);

#endif
