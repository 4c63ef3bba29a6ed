/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CALL_END_H
#define TOOL_CALL_END_H
/**
 * @file
 * One end of a call as the main thread sees it: the library's callbacks, which
 * run on a loop thread, put what happened into two bounded queues, and the
 * main thread takes it out. A full queue drops the newest and counts.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

#define END_EVENTS 128
#define END_BLOCKS 2048 /* 20 s of both directions */

enum end_event_type {
    END_STATE,
    END_BARS,
    END_ROUTE,
    END_PLAY_DONE,
    END_FILE_ERROR
};

struct end_event {
    enum end_event_type type;
    int64_t at_us;
    enum tgvoip_call_state state;
    enum tgvoip_call_error error;
    int bars;
    struct tgvoip_route route; /**< its strings are constant */
    struct tgvoip_failure failure;
};

/** One 20 ms block that passed. */
struct end_block {
    char direction; /**< 'i' given to the engine, 'o' taken from it */
    uint64_t number;
    int64_t position; /**< sample in its file, or -1 */
    int64_t at_us;
};

struct call_end {
    tgvoip_call *call;
    const struct wake *wake;
    const char *name; /**< "caller" or "callee" */
    pthread_mutex_t lock;
    struct end_event events[END_EVENTS];
    unsigned event_head, event_count;
    struct end_block blocks[END_BLOCKS];
    unsigned block_head, block_count;
    unsigned dropped;
};

/** Create the call; sets the callbacks in `config`. With `trace`, blocks are
 *  queued too. @return as tgvoip_call_create() */
int call_end_create(struct call_end *end, struct tool *tool,
                    tgvoip_engine *engine, struct tgvoip_call_config *config,
                    bool trace, struct tgvoip_failure *failure);
/** Stop and free the call; queued events stay readable. */
void call_end_destroy(struct call_end *end);

bool call_end_next_event(struct call_end *end, struct end_event *event);
bool call_end_next_block(struct call_end *end, struct end_block *block);

/** "udp_relay 1", "p2p_lan": a direct road has no id from the server. */
#define END_ROUTE_TEXT 48
const char *call_end_route(const struct tgvoip_route *route,
                           char text[END_ROUTE_TEXT]);

/** Counters and measures, zeros if the call does not exist. */
void call_end_stats(const struct call_end *end,
                    struct tgvoip_call_stats *stats);

#endif
