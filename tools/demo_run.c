/* SPDX-License-Identifier: MIT */
/* The conversation: from connect to hang-up. */
#include "demo.h"

#include <stdio.h>
#include <string.h>

#define TICK_US 100000
#define STATS_EVERY 10 /* ticks between two "stats" events */
#define OFFSET_US 1500000 /* the callee's lag with one clip for both */
#define TAIL_MIN_US 1000000 /* after the last word: what is under way */
#define TAIL_MAX_US 6000000

static int create_side(struct demo *demo, int side, tgvoip_engine *engine)
{
    struct demo_side *s = &demo->sides[side];
    struct tgvoip_call_config config;
    struct tgvoip_failure failure = {0};
    int err;

    tgvoip_call_config_default(&config);
    config.network_type = TGVOIP_NET_WIFI;
    err = tgvoip_call_setup_apply(demo->line.setups[side], &config);
    if (!err)
        err = call_end_create(&s->end, demo->tool, engine, &config, true,
                              &failure);
    if (!err)
        err = tgvoip_call_record(s->end.call, s->recording, &failure);
    if (!err)
        err = tgvoip_call_start(s->end.call);
    if (err) {
        failure.code = err;
        tool_report(demo->tool, &failure);
    }
    return err;
}

static void mark(struct demo *demo, int side, const struct end_event *event)
{
    struct demo_mark *m = &demo->marks[demo->mark_count];
    char road[END_ROUTE_TEXT];

    if (demo->mark_count == DEMO_MARKS)
        return;
    if (event->type == END_STATE)
        snprintf(m->text, sizeof(m->text), "%s",
                 tgvoip_call_state_str(event->state));
    else if (event->type == END_ROUTE)
        snprintf(m->text, sizeof(m->text), "%s (%s)",
                 call_end_route(&event->route, road), event->route.reason);
    else
        return;
    m->at_us = event->at_us;
    m->side = side;
    m->is_road = event->type == END_ROUTE;
    m->road = event->route;
    demo->mark_count++;
}

static void note_state(struct demo *demo, const struct demo_side *s,
                       const struct end_event *event)
{
    if (demo->live.on || demo->json)
        return;
    diag_note(&demo->tool->diag, "%6.2f s  %s: %s",
              (double)(event->at_us - demo->connect_us) / 1e6, s->end.name,
              tgvoip_call_state_str(event->state));
}

static void take_event(struct demo *demo, int side,
                       const struct end_event *event)
{
    struct demo_side *s = &demo->sides[side];

    events_call(&demo->events, s->end.name, event);
    mark(demo, side, event);
    switch (event->type) {
    case END_STATE:
        note_state(demo, s, event);
        if (event->state == TGVOIP_STATE_FAILED)
            demo_line_facts(demo, side, s->end.call);
        demo_line_state(demo, side, event->state, event->error);
        if (event->state == TGVOIP_STATE_ESTABLISHED)
            s->established = true;
        if (event->state == TGVOIP_STATE_FAILED) {
            s->failed = true;
            s->error = event->error;
        }
        break;
    case END_PLAY_DONE:
        s->said = true;
        break;
    case END_FILE_ERROR:
        demo->file_failed = true;
        tool_report(demo->tool, &event->failure);
        break;
    default:
        break;
    }
}

static void drain(struct demo *demo)
{
    struct end_event event;
    struct end_block block;
    int side;

    for (side = 0; side < SIDES; side++) {
        struct demo_side *s = &demo->sides[side];

        while (call_end_next_event(&s->end, &event))
            take_event(demo, side, &event);
        while (call_end_next_block(&s->end, &block))
            block_list_add(block.direction == 'i' ? &s->sent : &s->heard,
                           &block);
    }
    diag_flush(&demo->tool->diag);
}

static void take_samples(struct demo *demo, int64_t now_us, unsigned tick)
{
    int side;

    for (side = 0; side < SIDES; side++) {
        struct demo_side *s = &demo->sides[side];

        call_end_stats(&s->end, &s->stats);
        samples_add(&s->samples, now_us, &s->stats);
        if (tick % STATS_EVERY == 0)
            events_stats(&demo->events, s->end.name, &s->stats);
    }
    live_draw(&demo->live, &demo->sides[CALLER].stats, now_us);
}

/* Queue the clip as often as the wished time needs. */
static bool say(struct demo *demo, int side)
{
    struct demo_side *s = &demo->sides[side];
    struct tgvoip_failure failure = {0};
    int64_t queued = 0;
    int err;

    do {
        err = tgvoip_call_play(s->end.call, s->clip, &failure);
        queued += demo->clip_us[side];
    } while (!err && demo->clip_us[side] > 0 && queued < demo->seconds_us);
    if (!err)
        return true;
    failure.code = err;
    tool_report(demo->tool, &failure);
    demo->file_failed = true;
    return false;
}

static bool begin_talk(struct demo *demo, int64_t now_us)
{
    demo->talk_us = now_us;
    if (!say(demo, CALLER))
        return false;
    return demo->in || say(demo, CALLEE);
}

/* When to hang up, 0 = not known yet. */
static int64_t end_of_talk(const struct demo *demo, int64_t now_us)
{
    const struct demo_side *s = demo->sides;
    double under_way_ms;
    int64_t tail;

    if (demo->seconds_us)
        return demo->talk_us + demo->seconds_us;
    if (!s[CALLER].said || !s[CALLEE].said)
        return 0;
    under_way_ms = s[CALLER].stats.rtt_ms + s[CALLEE].stats.playout_delay_ms;
    tail = 700000 + (int64_t)(under_way_ms * 1000);
    if (tail < TAIL_MIN_US)
        tail = TAIL_MIN_US;
    if (tail > TAIL_MAX_US)
        tail = TAIL_MAX_US;
    return now_us + tail;
}

/* One look at the call. @return false when it is time to hang up */
static bool step(struct demo *demo, int64_t now_us, bool *callee_speaks)
{
    const struct demo_side *s = demo->sides;

    if (wake_stopped(&demo->tool->wake)) {
        demo->interrupted = true;
        return false;
    }
    if (s[CALLER].failed || s[CALLEE].failed || demo->file_failed)
        return false;
    if (!demo->talk_us && s[CALLER].established && s[CALLEE].established) {
        *callee_speaks = !demo->in;
        return begin_talk(demo, now_us);
    }
    if (demo->talk_us && !*callee_speaks &&
        now_us >= demo->talk_us + OFFSET_US) {
        *callee_speaks = true;
        return say(demo, CALLEE);
    }
    if (demo->talk_us && !demo->end_us)
        demo->end_us = end_of_talk(demo, now_us);
    return !demo->end_us || now_us < demo->end_us;
}

static void converse(struct demo *demo)
{
    int64_t next = tool_now_us();
    bool callee_speaks = false;
    unsigned tick = 0;

    for (;;) {
        int64_t now = tool_now_us();

        drain(demo);
        if (now >= next) {
            take_samples(demo, now, tick++);
            next += TICK_US;
            if (next < now)
                next = now + TICK_US;
        }
        if (!step(demo, now, &callee_speaks))
            break;
        wake_wait(&demo->tool->wake, next);
    }
    demo->end_us = tool_now_us();
}

static void hang_up(struct demo *demo)
{
    int side;

    live_clear(&demo->live);
    for (side = 0; side < SIDES; side++)
        if (demo->sides[side].end.call)
            call_end_stats(&demo->sides[side].end, &demo->sides[side].stats);
    for (side = 0; side < SIDES; side++)
        if (demo->sides[side].end.call)
            demo_line_facts(demo, side, demo->sides[side].end.call);
    demo_line_hang_up(demo);
    for (side = 0; side < SIDES; side++) {
        struct demo_side *s = &demo->sides[side];

        if (!s->end.call)
            continue;
        tgvoip_call_stop(s->end.call);
        events_call_end(&demo->events, s->end.name, s->end.call, &s->stats,
                        s->failed ? tgvoip_call_error_str(s->error) : NULL);
    }
    drain(demo);
    for (side = 0; side < SIDES; side++)
        call_end_destroy(&demo->sides[side].end);
}

int demo_run(struct demo *demo, tgvoip_engine *engine)
{
    int err, side;

    demo->connect_us = tool_now_us();
    err = create_side(demo, CALLER, engine);
    if (!err)
        err = create_side(demo, CALLEE, engine);
    demo->connect_us = tool_now_us();
    for (side = 0; side < SIDES && !err; side++) {
        err = tgvoip_call_connect(demo->sides[side].end.call);
        if (err)
            diag_error(&demo->tool->diag, "connect", "%s",
                       tgvoip_error_str(err));
    }
    if (!err)
        converse(demo);
    hang_up(demo);
    return err;
}
