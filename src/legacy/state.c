/* SPDX-License-Identifier: MIT */
#include "legacy/internal.h"

#include <string.h>

static const char *state_str(enum tgv_call_state s)
{
    switch (s) {
    case TGV_STATE_WAIT_INIT:
        return "WAIT_INIT";
    case TGV_STATE_WAIT_INIT_ACK:
        return "WAIT_INIT_ACK";
    case TGV_STATE_ESTABLISHED:
        return "ESTABLISHED";
    case TGV_STATE_FAILED:
        return "FAILED";
    case TGV_STATE_RECONNECTING:
        return "RECONNECTING";
    }
    return "?";
}

void tgv_event_push(struct tgv_call *c, const struct tgv_call_event *ev)
{
    if (c->event_count == TGV_EVENTS_MAX) { /* nobody listens: keep the new */
        c->event_first = (c->event_first + 1) % TGV_EVENTS_MAX;
        c->event_count--;
    }
    c->events[(c->event_first + c->event_count++) % TGV_EVENTS_MAX] = *ev;
}

bool tgv_call_next_event(struct tgv_call *c, struct tgv_call_event *ev)
{
    if (c->event_count == 0)
        return false;
    *ev = c->events[c->event_first];
    c->event_first = (c->event_first + 1) % TGV_EVENTS_MAX;
    c->event_count--;
    return true;
}

bool tgv_state_talking(const struct tgv_call *c)
{
    return c->state == TGV_STATE_ESTABLISHED ||
           c->state == TGV_STATE_RECONNECTING;
}

void tgv_state_set(struct tgv_call *c, enum tgv_call_state state,
                   enum tgv_call_error error, tgv_time now)
{
    bool first = !c->hs.reached_established;

    if (c->state == state || c->state == TGV_STATE_FAILED || c->stopped)
        return;
    c->state = state;
    c->error = error;
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "state %s", state_str(state));
    tgv_event_push(c, &(struct tgv_call_event){.kind = TGV_EVENT_STATE,
                                               .state = state,
                                               .error = error});
    switch (state) {
    case TGV_STATE_ESTABLISHED:
        c->hs.reached_established = true;
        if (first) {
            c->established = now - c->connect_time;
            tgv_timers_established(c, now);
        }
        break;
    case TGV_STATE_RECONNECTING:
        c->measures.was_reconnecting = true;
        tgv_stats_rate_reason(c, TGV_RATE_RECONNECTING);
        tgv_reach_restart(c, now);
        break;
    case TGV_STATE_FAILED:
        tgv_timers_init(c);
        tgv_send_drop_all(c);
        tgv_socket_close_all(c);
        break;
    case TGV_STATE_WAIT_INIT:
    case TGV_STATE_WAIT_INIT_ACK:
        break;
    }
}

void tgv_state_fail(struct tgv_call *c, enum tgv_call_error error,
                    const char *why, tgv_time now)
{
    if (c->state == TGV_STATE_FAILED || c->stopped)
        return;
    tgv_log(c->log, TGV_LOG_ERROR, ROOM, now, "call failed: %s", why);
    if (error == TGV_CALL_ERROR_TIMEOUT)
        c->measures.timed_out = true;
    tgv_state_set(c, TGV_STATE_FAILED, error, now);
}
