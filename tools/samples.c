/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <inttypes.h>
#include <stdlib.h>

void samples_add(struct samples *samples, int64_t at_us,
                 const struct tgvoip_call_stats *stats)
{
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity ? 2 * samples->capacity : 256;
        struct sample *items =
            realloc(samples->items, capacity * sizeof(*items));

        if (!items)
            return; /* a plot with fewer points */
        samples->items = items;
        samples->capacity = capacity;
    }
    samples->items[samples->count].at_us = at_us;
    samples->items[samples->count++].stats = *stats;
}

void samples_free(struct samples *samples)
{
    free(samples->items);
    samples->items = NULL;
    samples->count = samples->capacity = 0;
}

/* What a plot shows, and how many decimals it needs. */
enum column { RTT, LOSS_OUT, LOSS_IN, BITRATE, JITTER, DELAY, COLUMNS };

static const struct {
    const char *name;
    int decimals;
} columns[COLUMNS] = {
    {"rtt_ms", 1},      {"loss_out", 4},  {"loss_in", 4},
    {"bitrate_bps", 0}, {"jitter_ms", 1}, {"playout_delay_ms", 1},
};

static double column_value(const struct tgvoip_call_stats *s, int column)
{
    switch (column) {
    case RTT:
        return s->rtt_ms;
    case LOSS_OUT:
        return s->loss_out;
    case LOSS_IN:
        return s->loss_in;
    case BITRATE:
        return s->bitrate_bps;
    case JITTER:
        return s->jitter_ms;
    default:
        return s->playout_delay_ms;
    }
}

json_tree *samples_tree(const struct samples *samples, int64_t zero_us,
                        size_t max)
{
    size_t step = samples->count / max + 1, i;
    json_tree *o = json_tree_object(), *a = json_tree_array();
    int c;

    for (i = 0; i < samples->count; i += step)
        json_push_real(a, (double)(samples->items[i].at_us - zero_us) / 1e6, 2);
    json_set(o, "t_s", a);
    for (c = 0; c < COLUMNS; c++) {
        a = json_tree_array();
        for (i = 0; i < samples->count; i += step)
            json_push_real(a, column_value(&samples->items[i].stats, c),
                           columns[c].decimals);
        json_set(o, columns[c].name, a);
    }
    return o;
}

void samples_write_head(FILE *file, char separator)
{
    static const char *const names[] = {"t_ms",
                                        "state",
                                        "rtt_ms",
                                        "loss_out",
                                        "loss_in",
                                        "bitrate_bps",
                                        "jitter_ms",
                                        "playout_delay_ms",
                                        "level_out",
                                        "level_in",
                                        "bytes_out",
                                        "bytes_in",
                                        "packets_out",
                                        "packets_in",
                                        "packets_lost_out",
                                        "packets_lost_in",
                                        "frames_played",
                                        "frames_recovered",
                                        "frames_concealed",
                                        "frames_late",
                                        "blocks_silence"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        fprintf(file, "%s%.1s", names[i],
                i + 1 < sizeof(names) / sizeof(names[0])
                    ? (separator == '\t' ? "\t" : ",")
                    : "\n");
}

void samples_write_row(FILE *file, char separator, int64_t t_ms,
                       const struct tgvoip_call_stats *s)
{
    const uint64_t counters[] = {
        s->bytes_out,     s->bytes_in,         s->packets_out,
        s->packets_in,    s->packets_lost_out, s->packets_lost_in,
        s->frames_played, s->frames_recovered, s->frames_concealed,
        s->frames_late,   s->blocks_silence};
    size_t i;
    char c = separator;

    fprintf(file, "%" PRId64 "%c%s%c%.1f%c%.4f%c%.4f%c%u", t_ms, c,
            tgvoip_call_state_str(s->state), c, s->rtt_ms, c, s->loss_out, c,
            s->loss_in, c, s->bitrate_bps);
    fprintf(file, "%c%.1f%c%.1f%c%.4f%c%.4f", c, s->jitter_ms, c,
            s->playout_delay_ms, c, s->level_out, c, s->level_in);
    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        fprintf(file, "%c%" PRIu64, c, counters[i]);
    fputc('\n', file);
}
