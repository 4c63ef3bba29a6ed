/* SPDX-License-Identifier: MIT */
#include "call_end.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void queue_event(struct call_end *end, struct end_event *event)
{
    event->at_us = tool_now_us();
    pthread_mutex_lock(&end->lock);
    if (end->event_count < END_EVENTS)
        end->events[(end->event_head + end->event_count++) % END_EVENTS] =
            *event;
    else
        end->dropped++;
    pthread_mutex_unlock(&end->lock);
    wake_up(end->wake);
}

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error error)
{
    struct end_event e = {.type = END_STATE, .state = state, .error = error};

    (void)call;
    queue_event(user, &e);
}

static void on_bars(tgvoip_call *call, void *user, int bars)
{
    struct end_event e = {.type = END_BARS, .bars = bars};

    (void)call;
    queue_event(user, &e);
}

static void on_route(tgvoip_call *call, void *user,
                     const struct tgvoip_route *route)
{
    struct end_event e = {.type = END_ROUTE, .route = *route};

    (void)call;
    queue_event(user, &e);
}

static void on_play_done(tgvoip_call *call, void *user)
{
    struct end_event e = {.type = END_PLAY_DONE};

    (void)call;
    queue_event(user, &e);
}

static void on_file_error(tgvoip_call *call, void *user,
                          const struct tgvoip_failure *failure)
{
    struct end_event e = {.type = END_FILE_ERROR, .failure = *failure};

    (void)call;
    queue_event(user, &e);
}

/* No wake-up here: the main thread comes by ten times a second anyway. */
static void on_block(tgvoip_call *call, void *user, char direction,
                     uint64_t number, int64_t position, int64_t now_us)
{
    struct end_block b = {direction, number, position, now_us};
    struct call_end *end = user;

    (void)call;
    pthread_mutex_lock(&end->lock);
    if (end->block_count < END_BLOCKS)
        end->blocks[(end->block_head + end->block_count++) % END_BLOCKS] = b;
    else
        end->dropped++;
    pthread_mutex_unlock(&end->lock);
}

int call_end_create(struct call_end *end, struct tool *tool,
                    tgvoip_engine *engine, struct tgvoip_call_config *config,
                    bool trace, struct tgvoip_failure *failure)
{
    memset(end, 0, sizeof(*end));
    pthread_mutex_init(&end->lock, NULL);
    end->wake = &tool->wake;
    end->name = config->outgoing ? "caller" : "callee";
    config->user = end;
    config->callbacks.state = on_state;
    config->callbacks.signal_bars = on_bars;
    config->callbacks.route = on_route;
    config->callbacks.play_done = on_play_done;
    config->callbacks.file_error = on_file_error;
    config->callbacks.block_trace = trace ? on_block : NULL;
    return tgvoip_call_create(engine, &end->call, config, failure);
}

void call_end_destroy(struct call_end *end)
{
    tgvoip_call_destroy(end->call);
    end->call = NULL;
}

bool call_end_next_event(struct call_end *end, struct end_event *event)
{
    bool any;

    pthread_mutex_lock(&end->lock);
    any = end->event_count > 0;
    if (any) {
        *event = end->events[end->event_head];
        end->event_head = (end->event_head + 1) % END_EVENTS;
        end->event_count--;
    }
    pthread_mutex_unlock(&end->lock);
    return any;
}

bool call_end_next_block(struct call_end *end, struct end_block *block)
{
    bool any;

    pthread_mutex_lock(&end->lock);
    any = end->block_count > 0;
    if (any) {
        *block = end->blocks[end->block_head];
        end->block_head = (end->block_head + 1) % END_BLOCKS;
        end->block_count--;
    }
    pthread_mutex_unlock(&end->lock);
    return any;
}

const char *call_end_route(const struct tgvoip_route *route,
                           char text[END_ROUTE_TEXT])
{
    const char *type = tgvoip_endpoint_type_str(route->type);

    if (route->type == TGVOIP_ENDPOINT_P2P_INET ||
        route->type == TGVOIP_ENDPOINT_P2P_LAN)
        snprintf(text, END_ROUTE_TEXT, "%s", type);
    else
        snprintf(text, END_ROUTE_TEXT, "%s %" PRId64, type, route->id);
    return text;
}

void call_end_stats(const struct call_end *end, struct tgvoip_call_stats *stats)
{
    tgvoip_call_stats_default(stats);
    if (end->call)
        tgvoip_call_get_stats(end->call, stats);
}
