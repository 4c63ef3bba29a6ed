/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SAMPLES_H
#define TOOL_SAMPLES_H
/**
 * @file
 * The measures of one end over time, for `--stats FILE` and the report's
 * plots.
 */
#include <stdbool.h>
#include <stdio.h>

#include "json_out.h"
#include "tool.h"

struct sample {
    int64_t at_us;
    struct tgvoip_call_stats stats;
};

struct samples {
    struct sample *items;
    size_t count, capacity;
};

void samples_add(struct samples *samples, int64_t at_us,
                 const struct tgvoip_call_stats *stats);
void samples_free(struct samples *samples);

/** The series as arrays by name; times in seconds after `zero_us`, at most
 *  `max` points. */
json_tree *samples_tree(const struct samples *samples, int64_t zero_us,
                        size_t max);

/** Head and one row of a table, separated by `separator`. */
void samples_write_head(FILE *file, char separator);
void samples_write_row(FILE *file, char separator, int64_t t_ms,
                       const struct tgvoip_call_stats *stats);

#endif
