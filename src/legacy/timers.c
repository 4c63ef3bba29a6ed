/* SPDX-License-Identifier: MIT */
/*
 * All timers of a call. The other files report what happened; this file alone
 * arms. Times are those of wire specification 8.2 and behaviour notes 4 where
 * nothing else is said.
 *
 * REOPEN           0.5 s after the UDP socket was lost: ask for another.
 * ROADS            every 0.1 s from start() to INIT_ACK: streams, proxy, UDP or
 *                  TCP; from then on TICK does that.
 * PROBE            UDP reachability ping: at once when probing starts, then
 *                  every 0.5 s until the series is complete.
 * PROBE_VERDICT    1.0 s after the last ping of a series.
 * INIT_ROUND       at connect (socket open), then at 0.1, 0.25, 0.5 s and every
 *                  0.5 s, until INIT_ACK is in (ENG-66).
 * INIT_TIMEOUT     init timeout after connect, until INIT_ACK is in.
 * ESTABLISH        established_delay_if_no_stream_data after INIT_ACK.
 * SILENCE          reconnecting_state_timeout after the last accepted packet,
 *                  once ESTABLISHED was reached; exact, no polling.
 * RECEIVE_TIMEOUT  receive timeout after the last accepted packet, likewise.
 * NOP              0.2 s after the last packet on the current path, from
 *                  INIT_ACK on.
 * TICK             every 0.1 s from INIT_ACK on: losses, dead path, reliable
 *                  packets, rate.
 * CHOICE           at ESTABLISHED and every 2.0 s: endpoint pings, choice.
 * BARS             1.0 s after ESTABLISHED and every 1.0 s: signal bars.
 * NAT64            nat64_fallback_timeout after the socket was opened or the
 *                  network changed, until an IPv4 datagram comes.
 */
#include "legacy/internal.h"

#define PROBE_INTERVAL TGV_MS(500)
#define PROBE_WAIT TGV_S(1)
#define REOPEN_DELAY TGV_MS(500)
#define NOP_INTERVAL TGV_MS(200)
#define TICK_INTERVAL TGV_MS(100)
#define CHOICE_INTERVAL TGV_S(2)
#define BARS_INTERVAL TGV_S(1)

/* From one INIT round to the next; the last value repeats. */
static const tgv_time round_gaps[] = {TGV_MS(100), TGV_MS(150), TGV_MS(250),
                                      TGV_MS(500)};
#define ROUND_GAPS (sizeof(round_gaps) / sizeof(round_gaps[0]))

static tgv_time seconds(double s)
{
    return (tgv_time)(s * TGV_US_PER_S);
}

void tgv_timers_init(struct tgv_call *c)
{
    for (int i = 0; i < TGV_TIMER_COUNT; i++)
        c->timers[i] = TGV_NEVER;
}

void tgv_timers_started(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_ROADS] = now + TICK_INTERVAL;
}

void tgv_timers_probing(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_PROBE] = now;
    c->timers[TGV_TIMER_PROBE_VERDICT] = TGV_NEVER;
}

void tgv_timers_probe_bad(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_PROBE] = now + PROBE_INTERVAL;
}

void tgv_timers_probed(struct tgv_call *c, tgv_time now)
{
    if (c->reach.probes_sent < c->reach.probes_wanted)
        c->timers[TGV_TIMER_PROBE] = now + PROBE_INTERVAL;
    else
        c->timers[TGV_TIMER_PROBE_VERDICT] = now + PROBE_WAIT;
}

bool tgv_timers_series_over(const struct tgv_call *c)
{
    return c->timers[TGV_TIMER_PROBE] == TGV_NEVER &&
           c->timers[TGV_TIMER_PROBE_VERDICT] == TGV_NEVER;
}

void tgv_timers_connected(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_INIT_TIMEOUT] = now + c->init_timeout;
    if (c->udp.open || tgv_tcp_any(c))
        c->timers[TGV_TIMER_INIT_ROUND] = now;
}

void tgv_timers_socket_open(struct tgv_call *c, tgv_time now)
{
    if (c->udp.bound)
        c->timers[TGV_TIMER_REOPEN] = TGV_NEVER;
    if (!c->connected || c->hs.ready)
        return;
    if (c->udp.open || c->timers[TGV_TIMER_INIT_ROUND] == TGV_NEVER)
        c->timers[TGV_TIMER_INIT_ROUND] = now;
}

void tgv_timers_nat64(struct tgv_call *c, bool wait, tgv_time now)
{
    c->timers[TGV_TIMER_NAT64] =
        wait ? now + seconds(c->config.nat64_fallback_timeout) : TGV_NEVER;
}

void tgv_timers_socket_lost(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_REOPEN] = now + REOPEN_DELAY;
}

void tgv_timers_ready(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_INIT_TIMEOUT] = TGV_NEVER;
    c->timers[TGV_TIMER_INIT_ROUND] = TGV_NEVER;
    c->timers[TGV_TIMER_ESTABLISH] =
        now + seconds(c->config.established_delay_if_no_stream_data);
    c->timers[TGV_TIMER_NOP] = now + NOP_INTERVAL;
    c->timers[TGV_TIMER_TICK] = now + TICK_INTERVAL;
    c->timers[TGV_TIMER_ROADS] = TGV_NEVER;
}

void tgv_timers_established(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_ESTABLISH] = TGV_NEVER;
    c->timers[TGV_TIMER_CHOICE] = now;
    c->timers[TGV_TIMER_BARS] = now + BARS_INTERVAL;
    tgv_timers_accepted(c, now);
}

void tgv_call_set_timeouts(struct tgv_call *c, tgv_time init, tgv_time receive,
                           tgv_time now)
{
    tgv_time *due = &c->timers[TGV_TIMER_INIT_TIMEOUT];

    (void)now; /* one that is over already fires with the next deadline */
    if (*due != TGV_NEVER)
        *due += init - c->init_timeout;
    due = &c->timers[TGV_TIMER_RECEIVE_TIMEOUT];
    if (*due != TGV_NEVER)
        *due += receive - c->receive_timeout;
    c->init_timeout = init;
    c->receive_timeout = receive;
}

void tgv_timers_accepted(struct tgv_call *c, tgv_time now)
{
    if (!c->hs.reached_established)
        return;
    c->timers[TGV_TIMER_SILENCE] =
        now + seconds(c->config.reconnecting_state_timeout);
    c->timers[TGV_TIMER_RECEIVE_TIMEOUT] = now + c->receive_timeout;
}

void tgv_timers_sent(struct tgv_call *c, tgv_time now)
{
    if (c->hs.ready)
        c->timers[TGV_TIMER_NOP] = now + NOP_INTERVAL;
}

/* The next time of a periodic timer keeps to the schedule, unless the process
 * slept through it. */
static void repeat(struct tgv_call *c, enum tgv_timer timer, tgv_time due,
                   tgv_time interval, tgv_time now)
{
    if (c->state == TGV_STATE_FAILED)
        return;
    c->timers[timer] = due + interval > now ? due + interval : now + interval;
}

static void init_round(struct tgv_call *c, tgv_time due, tgv_time now)
{
    unsigned n = c->hs.rounds;

    tgv_handshake_round(c, now);
    if (n >= ROUND_GAPS)
        n = ROUND_GAPS - 1;
    repeat(c, TGV_TIMER_INIT_ROUND, due, round_gaps[n], now);
}

static void nop(struct tgv_call *c, tgv_time now)
{
    c->timers[TGV_TIMER_NOP] = now + NOP_INTERVAL;
    if (tgv_send_possible(c))
        tgv_send_packet(c, TGV_PATH_CURRENT, TGV_PKT_NOP, NULL, 0);
}

static void tick(struct tgv_call *c, tgv_time now)
{
    int lost = tgv_ack_expire(&c->ack, tgv_rtt_smoothed(&c->ack_rtt),
                              &c->rate.burst, now);

    if (lost)
        tgv_loss_add(&c->measures.loss_out, lost, lost, now);
    tgv_stats_tick(c);
    tgv_reliable_run(c, now);
    tgv_reach_tick(c, now);
    tgv_choice_watch(c, now);
    tgv_direct_tick(c, now);
    tgv_rate_run(c, now);
    tgv_debug_tick(c);
}

static void silence(struct tgv_call *c, tgv_time now)
{
    if (c->state == TGV_STATE_ESTABLISHED)
        tgv_state_set(c, TGV_STATE_RECONNECTING, TGV_CALL_ERROR_UNKNOWN, now);
}

static void timed_out(struct tgv_call *c, const char *why, tgv_time now)
{
    if (tgv_proxy_failed(c))
        tgv_state_fail(c, TGV_CALL_ERROR_PROXY,
                       "no relay could be reached through the proxy", now);
    else
        tgv_state_fail(c, TGV_CALL_ERROR_TIMEOUT, why, now);
}

/* A direct road may be the cause: the relays get as much time. */
static void receive_timeout(struct tgv_call *c, tgv_time now)
{
    if (tgv_direct_timeout(c, now))
        c->timers[TGV_TIMER_RECEIVE_TIMEOUT] = now + c->receive_timeout;
    else
        timed_out(c, "nothing received within the receive timeout", now);
}

static void fire(struct tgv_call *c, enum tgv_timer timer, tgv_time due,
                 tgv_time now)
{
    switch (timer) {
    case TGV_TIMER_REOPEN:
        tgv_socket_open_udp(c);
        break;
    case TGV_TIMER_ROADS:
        tgv_reach_tick(c, now);
        if (!c->hs.ready)
            repeat(c, timer, due, TICK_INTERVAL, now);
        break;
    case TGV_TIMER_PROBE:
        tgv_reach_probe(c, now);
        tgv_timers_probed(c, due);
        break;
    case TGV_TIMER_PROBE_VERDICT:
        tgv_reach_verdict(c, now);
        break;
    case TGV_TIMER_INIT_ROUND:
        init_round(c, due, now);
        break;
    case TGV_TIMER_INIT_TIMEOUT:
        timed_out(c, "no answer within the init timeout", now);
        break;
    case TGV_TIMER_ESTABLISH:
        tgv_handshake_media(c, now);
        break;
    case TGV_TIMER_SILENCE:
        silence(c, now);
        break;
    case TGV_TIMER_RECEIVE_TIMEOUT:
        receive_timeout(c, now);
        break;
    case TGV_TIMER_NOP:
        nop(c, now);
        break;
    case TGV_TIMER_TICK:
        tick(c, now);
        repeat(c, timer, due, TICK_INTERVAL, now);
        break;
    case TGV_TIMER_CHOICE:
        tgv_choice_run(c, now);
        repeat(c, timer, due, CHOICE_INTERVAL, now);
        break;
    case TGV_TIMER_BARS:
        tgv_stats_bars(c, now);
        repeat(c, timer, due, BARS_INTERVAL, now);
        break;
    case TGV_TIMER_NAT64:
        tgv_nat64_resolve(c);
        break;
    case TGV_TIMER_COUNT:
        break;
    }
}

/* The timer that is due first; equal ones in the order of the list. */
static enum tgv_timer earliest(const struct tgv_call *c)
{
    int best = 0;

    for (int i = 1; i < TGV_TIMER_COUNT; i++)
        if (c->timers[i] < c->timers[best])
            best = i;
    return (enum tgv_timer)best;
}

tgv_time tgv_call_deadline(const struct tgv_call *c)
{
    return c->stopped ? TGV_NEVER : c->timers[earliest(c)];
}

void tgv_call_expire(struct tgv_call *c, tgv_time now)
{
    while (tgv_call_deadline(c) <= now) {
        enum tgv_timer timer = earliest(c);
        tgv_time due = c->timers[timer];
        c->timers[timer] = TGV_NEVER;
        fire(c, timer, due, now);
    }
}
