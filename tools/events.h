/* SPDX-License-Identifier: MIT */
#ifndef TOOL_EVENTS_H
#define TOOL_EVENTS_H
/**
 * @file
 * The JSON lines of `--json`. Fields may be added, never renamed.
 *
 * A standard output that went away is reported once; the call goes on, so
 * that nothing that is being recorded is lost.
 */
#include <stdbool.h>
#include <stdint.h>

#include "call_end.h"
#include "json_out.h"
#include "tool.h"

struct events {
    struct tool *tool;
    bool on;
    bool broken;
};

/** `{"t_ms":...,"event":name}` to add to; NULL when events are off. With
 *  `side`, a field "side" (the demo has two). */
json_tree *events_begin(const struct events *events, const char *name,
                        const char *side, int64_t at_us);
/** Print and free. */
void events_end(struct events *events, json_tree *tree);

/** An event of a call's queue, if there is a line for it. */
void events_call(struct events *events, const char *side,
                 const struct end_event *event);
/** A state of call signalling, "REQUESTING" or "RINGING": event "signal". */
void events_signal(struct events *events, const char *side,
                   enum tgvoip_signal_state state, int64_t at_us);
void events_stats(struct events *events, const char *side,
                  const struct tgvoip_call_stats *stats);
/** The last line of a call. `call` may be stopped but not destroyed;
 *  `error` NULL if it did not fail. */
void events_call_end(struct events *events, const char *side,
                     const tgvoip_call *call,
                     const struct tgvoip_call_stats *stats, const char *error);

/** Every counter and measure as an object, also for report.json. */
json_tree *events_stats_tree(const struct tgvoip_call_stats *stats);

#endif
