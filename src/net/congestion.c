/* SPDX-License-Identifier: MIT */
#include "net/congestion.h"

#include <string.h>

/* A queue this long is tolerated; jitter adds to it. */
#define QUEUE_HIGH TGV_MS(60)
#define QUEUE_LOW TGV_MS(20)
#define QUEUE_JITTER_MAX TGV_MS(90)
/* From here on the rate goes so far down that the queue empties fast. */
#define QUEUE_LONG TGV_MS(220)
/* How long a base counts. A clock that drifts moves the one of the way back; a
 * queue that stays would be taken for the path if the other were forgotten. */
#define BASE_SPAN TGV_S(60)
#define BACK_SPAN TGV_S(15)
/* Look at so much of the past; at more where jitter hides the least. */
#define RECENT TGV_MS(500)
#define RECENT_JITTER TGV_MS(1000)
#define JITTER_LARGE TGV_MS(25)
/* A queue must be seen for so long. */
#define HIGH_FOR TGV_MS(150)
/* Bytes under way: what the path holds and this much in its queue. */
#define WINDOW_QUEUE TGV_MS(280)
#define WINDOW_QUEUE_START TGV_MS(170)
#define STALL TGV_MS(400)
#define DEAD TGV_MS(900)
#define DEAD_PACKETS 17
/* Whether a queue had grown is known from then on. */
#define KNOWN_AFTER TGV_MS(400)
/* A window that stays full while acknowledgements come steadily is a queue;
 * while none come, packets are lost in a row. */
#define STEADY TGV_MS(150)
#define REFUSED_FOR TGV_MS(400)
#define SILENT_MAX TGV_MS(500)
#define WINDOW_RTT_UNKNOWN TGV_MS(200)
/* No news for so long is more than a blackout: the path may be clogged. Half
 * as much each 2 s from then on, until news comes. */
#define SILENT_LONG TGV_S(3)
#define SILENT_LESS 0.966 /* each 0.1 s */
/* Time to empty a queue before more is done, what counts as shorter, and after
 * how many such times in vain the path itself is taken to be longer. */
#define DRAIN_FOR TGV_MS(700)
#define SHORTER 0.8
#define VAIN_MAX 4
#define A_LITTLE_LESS 0.93
#define LESS 0.85
#define FLOW_SPAN 12 /* buckets that a rate is taken from */
#define FLOW_LEAST TGV_MS(450)
/* At the beginning: a longer gap after the last packet counts. */
#define FLOW_GAP TGV_MS(250)
/* Shares of what the path delivers. */
#define UNKNOWN 0.8 /* instead, of the rate */
#define KEEP_BELOW 0.90
#define DRAIN 0.70
#define NEAR_CEILING 0.92
#define LOSS_TRUSTED 0.25 /* more is not chance but overflow */
/* Growth each 0.1 s. */
#define USED 0.4
#define KEEPS_UP 0.88
#define KEEPS_UP_REFUSED 0.8
/* A rate that doubles is seen delivered late; of the newest packets it must be
 * known that no queue stands. */
#define KEEPS_UP_CLIMBING 0.55
#define CLIMB_RECENT TGV_MS(200)
/* With a longer round trip the first packets go slower. */
#define NEWS_LATE TGV_MS(500)
#define GROWTH 0.010
#define GROWTH_CAUTIOUS 0.004
/* Of what was delivered before; the rate of more is only a guess. */
#define BEYOND_PROVEN 1.6
#define WINDOW_BEYOND 1.1
/* Early in the call little is known of what is delivered. */
#define SURE_AFTER TGV_S(3)
#define UNSURE_HOLD TGV_S(2)
#define CEILING_HOLD TGV_S(8)
#define FAILURES_MAX 3
#define CEILING_PASSED 1.15
#define CEILING_FAR 1.5

/* -- flows -------------------------------------------------------------------- */

static void flow_clear(struct tgv_flow *f)
{
    memset(f, 0, sizeof(*f));
    f->first = TGV_NEVER;
}

static void flow_add(struct tgv_flow *f, size_t bytes, tgv_time now)
{
    int64_t n = now / TGV_FLOW_BUCKET_US;

    if (f->first == TGV_NEVER)
        f->first = now;
    f->last = now;
    if (n - f->newest >= TGV_FLOW_BUCKETS) {
        memset(f->bucket, 0, sizeof(f->bucket));
        f->newest = n;
    }
    while (f->newest < n)
        f->bucket[++f->newest % TGV_FLOW_BUCKETS] = 0;
    f->bucket[f->newest % TGV_FLOW_BUCKETS] += (uint32_t)bytes;
}

/* [bit/s] over the last 1.2 s; 0 while too little is known. */
static double flow_rate(const struct tgv_flow *f, tgv_time now)
{
    int64_t last = now / TGV_FLOW_BUCKET_US;
    int64_t first = last - FLOW_SPAN + 1;
    tgv_time since = first * TGV_FLOW_BUCKET_US;
    tgv_time until = now;
    double bytes = 0;

    if (f->first == TGV_NEVER)
        return 0.0;
    if (since < f->first) { /* its first packet counts, so its last gap not */
        since = f->first;
        until = now - f->last < FLOW_GAP ? f->last : now - FLOW_GAP;
    }
    if (until - since < FLOW_LEAST)
        return 0.0;
    for (int64_t n = first < 0 ? 0 : first; n <= last && n <= f->newest; n++)
        if (n > f->newest - TGV_FLOW_BUCKETS)
            bytes += f->bucket[n % TGV_FLOW_BUCKETS];
    return bytes * 8.0 * TGV_US_PER_S / (double)(until - since);
}

double tgv_congestion_sent_rate(const struct tgv_congestion *c, tgv_time now)
{
    return flow_rate(&c->sent, now);
}

/* -- inputs ------------------------------------------------------------------- */

static void forget_delays(struct tgv_congestion *c)
{
    tgv_low_clear(&c->round_trip, BASE_SPAN);
    tgv_low_clear(&c->queues, BACK_SPAN);
    c->high_since = TGV_NEVER;
    c->queue = 0;
}

void tgv_congestion_init(struct tgv_congestion *c, double rate)
{
    memset(c, 0, sizeof(*c));
    c->rate = rate;
    c->least = 4000.0;
    c->last_ack = TGV_NEVER;
    c->known_since = TGV_NEVER;
    c->refused_at = TGV_NEVER;
    flow_clear(&c->sent);
    flow_clear(&c->delivered);
    tgv_low_clear(&c->way_back, BACK_SPAN);
    tgv_comeback_clear(&c->comeback);
    forget_delays(c);
}

void tgv_congestion_new_path(struct tgv_congestion *c)
{
    forget_delays(c);
    tgv_low_clear(&c->way_back, BACK_SPAN);
    flow_clear(&c->delivered);
    tgv_comeback_clear(&c->comeback);
    c->known_since = TGV_NEVER;
    c->smoothed_us = 0.0;
    c->proven = c->fastest = 0.0;
    c->ceiling = c->ceiling_before = 0.0;
    c->failures = 0;
    c->draining = false;
}

void tgv_congestion_sent(struct tgv_congestion *c, size_t bytes, tgv_time now)
{
    c->unheard++;
    flow_add(&c->sent, bytes, now);
}

/* What the path needs for so many bytes [us], at most. */
static double time_of(const struct tgv_congestion *c, size_t bytes)
{
    double rate = c->fastest > 0 ? c->fastest : c->rate;

    return (double)bytes * 8.0 * TGV_US_PER_S / rate;
}

/* All news stayed away, though no queue had grown, and for longer than chance
 * keeps it back. */
static bool was_dead(const struct tgv_congestion *c, tgv_time now)
{
    return c->last_ack != TGV_NEVER && now - c->last_ack > DEAD &&
           c->unheard >= DEAD_PACKETS && c->queue < QUEUE_LONG &&
           c->last_ack - c->delivered.first >= KNOWN_AFTER;
}

/* The road lives again: that it delivered nothing meanwhile says nothing about
 * what it carries. */
static void resume(struct tgv_congestion *c)
{
    flow_clear(&c->sent);
    flow_clear(&c->delivered);
    c->refused = false;
    c->refused_at = TGV_NEVER;
    c->high_since = TGV_NEVER;
}

void tgv_congestion_acked(struct tgv_congestion *c, size_t bytes, tgv_time at,
                          tgv_time now)
{
    tgv_time base = tgv_low_base(&c->round_trip);

    if (was_dead(c, now))
        resume(c);
    c->unheard = 0;
    c->fading = false;

    /* the first could have been acknowledged a round trip after it left */
    if (c->delivered.first == TGV_NEVER)
        c->delivered.first =
            base == TGV_NEVER || at + base > now ? now : at + base;
    if (c->known_since == TGV_NEVER)
        c->known_since = c->delivered.first;
    flow_add(&c->delivered, bytes, now);
    c->last_ack = now;
}

void tgv_congestion_arrived(struct tgv_congestion *c, tgv_time offset,
                            tgv_time now)
{
    tgv_low_add(&c->way_back, offset, now);
}

/* What the acknowledgement waited on its way. A third of the delay is ours in
 * any case: a clock of the peer that is slow looks like a growing queue. */
static double waited_back(const struct tgv_congestion *c, double queue,
                          const tgv_time *offset)
{
    double back;

    if (!offset)
        return 0.0;
    back = (double)(*offset - tgv_low_base(&c->way_back));
    return back < queue * 2 / 3 ? back : queue * 2 / 3;
}

void tgv_congestion_least(struct tgv_congestion *c, tgv_time rtt, tgv_time now)
{
    tgv_low_add(&c->round_trip, rtt, now);
}

void tgv_congestion_round_trip(struct tgv_congestion *c, tgv_time rtt,
                               size_t bytes, const tgv_time *offset,
                               tgv_time now)
{
    double queue, off;

    tgv_congestion_least(c, rtt, now);
    queue = (double)(rtt - tgv_low_base(&c->round_trip)) - time_of(c, bytes);
    queue -= waited_back(c, queue, offset);
    if (queue < 0.0)
        queue = 0.0;
    tgv_low_add(&c->queues, (tgv_time)queue, now);
    off = queue - c->smoothed_us;
    c->smoothed_us += off / 8;
    c->deviation_us += ((off < 0 ? -off : off) - c->deviation_us) / 16;
}

/* -- conclusions -------------------------------------------------------------- */

static tgv_time recent(const struct tgv_congestion *c)
{
    return c->deviation_us > (double)JITTER_LARGE ? RECENT_JITTER : RECENT;
}

/* Without news the last estimate holds. */
static tgv_time measure_queue(const struct tgv_congestion *c, tgv_time now)
{
    tgv_time low = tgv_low_recent(&c->queues, recent(c), now);

    return low == TGV_NEVER ? c->queue : low;
}

/* Besides what waiting for a packet makes (evenly spread: a quarter). */
static tgv_time jitter(const struct tgv_congestion *c)
{
    tgv_time more = (tgv_time)c->deviation_us - c->wait / 4;

    return more < 0 ? 0 : tgv_time_min(more, QUEUE_JITTER_MAX);
}

static tgv_time high_mark(const struct tgv_congestion *c)
{
    return QUEUE_HIGH + c->wait + jitter(c);
}

static bool is_long(const struct tgv_congestion *c)
{
    return c->queue >= QUEUE_LONG + c->wait;
}

/* What the path carries, while its queue is not empty. Packets that chance
 * takes on the way before the queue count as sent. */
static double capacity(const struct tgv_congestion *c, double loss,
                       tgv_time now)
{
    double delivered = flow_rate(&c->delivered, now);

    if (is_long(c) || loss > LOSS_TRUSTED)
        return delivered;
    return delivered / (1.0 - loss);
}

/* What is sent arrives: no queue is growing that the delays do not show yet. */
static bool keeps_up(const struct tgv_congestion *c, double loss, double share,
                     tgv_time now)
{
    double sent = flow_rate(&c->sent, now) * (1.0 - loss);

    return flow_rate(&c->delivered, now) >= sent * share;
}

/* A queue grew at this rate; it is not tried again soon. */
static void fail_at(struct tgv_congestion *c, double ceiling, tgv_time now)
{
    bool again = c->ceiling > 0 && ceiling < c->ceiling * CEILING_PASSED &&
                 ceiling > c->ceiling / CEILING_PASSED;

    if (!again)
        c->failures = 0;
    else if (c->failures < FAILURES_MAX)
        c->failures++;
    c->ceiling = ceiling;
    if (now - c->known_since < SURE_AFTER)
        c->ceiling_until = now + UNSURE_HOLD;
    else
        c->ceiling_until = now + (CEILING_HOLD << c->failures);
}

/* As long as there is a queue the path delivers what it can. */
static void back_off(struct tgv_congestion *c, double loss, tgv_time now)
{
    double path = capacity(c, loss, now);

    if (path <= 0.0) /* not known yet */
        path = c->rate * UNKNOWN;
    if (!c->draining) {
        if (tgv_comeback_failed(&c->comeback, path,
                                tgv_low_base(&c->round_trip), now))
            c->ceiling_before = c->ceiling;
        fail_at(c, path, now);
    } else if (path < c->ceiling) {
        c->ceiling = path; /* the path got slower than that */
    }
    c->proven = path;
    path *= is_long(c) ? DRAIN : KEEP_BELOW;
    if (path < c->rate)
        c->rate = path > c->least ? path : c->least;
    c->draining = true;
    c->draining_since = now;
    c->draining_from = c->queue;
}

void tgv_congestion_limited(struct tgv_congestion *c, double limit,
                            tgv_time now)
{
    double rate = limit * KEEP_BELOW;

    fail_at(c, limit, now);
    tgv_comeback_clear(&c->comeback);
    c->proven = limit;
    if (rate < c->rate)
        c->rate = rate > c->least ? rate : c->least;
}

/* Empty again: back to what the path carries. */
static void recover(struct tgv_congestion *c)
{
    c->draining = false;
    c->vain = 0;
    if (c->rate < c->ceiling * KEEP_BELOW)
        c->rate = c->ceiling * KEEP_BELOW;
}

/*
 * Less is sent, but what is delivered then is only what is sent, not what the
 * path could deliver: nothing follows from it while the queue gets shorter.
 * If it does not, the path has got slower; if that does not help either, it is
 * no queue but the path itself, which has got longer.
 */
static void drain(struct tgv_congestion *c, double loss, tgv_time now)
{
    tgv_time base = tgv_low_base(&c->round_trip);

    if (now - c->draining_since <
        DRAIN_FOR + (base == TGV_NEVER ? 0 : base + c->queue))
        return;
    if (tgv_congestion_stalled(c, now)) /* no news is no bad news */
        return;
    if ((double)c->queue < (double)c->draining_from * SHORTER) {
        c->draining_since = now;
        c->draining_from = c->queue;
    } else if (++c->vain >= VAIN_MAX) {
        forget_delays(c);
        tgv_comeback_clear(&c->comeback);
        recover(c);
    } else if (is_long(c) || !keeps_up(c, loss, KEEPS_UP, now)) {
        back_off(c, loss, now);
    } else { /* all that is sent arrives; a little less may empty it */
        c->rate *= c->queue > c->draining_from ? LESS : A_LITTLE_LESS;
        if (c->rate < c->least)
            c->rate = c->least;
        c->draining_since = now;
        c->draining_from = c->queue;
    }
}

/* Where little is sent, that it arrives says nothing about more. */
static bool is_used(const struct tgv_congestion *c, tgv_time now)
{
    return flow_rate(&c->sent, now) >= c->rate * USED;
}

static void grow(struct tgv_congestion *c, double useful, tgv_time now)
{
    double tried = c->proven * BEYOND_PROVEN;
    bool known = c->ceiling > 0 && now < c->ceiling_until;
    bool near = c->ceiling > 0 && c->rate > c->ceiling * NEAR_CEILING &&
                c->rate < c->ceiling * CEILING_FAR;
    double rate = c->rate * (1.0 + (near ? GROWTH_CAUTIOUS : GROWTH));
    double limit = useful < tried ? useful : tried;

    if (c->ceiling > 0 && now - c->known_since < 2 * SURE_AFTER &&
        now >= c->ceiling_until)
        c->ceiling = 0.0; /* had been a guess */

    if (known && limit > c->ceiling * NEAR_CEILING)
        limit = c->ceiling * NEAR_CEILING;
    if (rate > limit)
        rate = limit;
    if (rate > c->rate)
        c->rate = rate;
}

/* No queue stands, as the newest packets tell. Jitter is no excuse: where each
 * packet takes long the path is slow. */
static bool is_surely_empty(const struct tgv_congestion *c, tgv_time now)
{
    return tgv_low_recent(&c->queues, CLIMB_RECENT, now) < QUEUE_HIGH + c->wait;
}

/* A queue grows as fast as the rate: no waiting until it is certain. */
static bool climb_fails(const struct tgv_congestion *c, tgv_time now)
{
    tgv_time queue = tgv_low_recent(&c->queues, CLIMB_RECENT, now);

    return c->comeback.climbing && queue != TGV_NEVER &&
           queue >= 2 * QUEUE_HIGH + c->wait;
}

static void climb(struct tgv_congestion *c)
{
    double goal = c->comeback.goal;

    c->rate *= 1.0 + tgv_comeback_growth(tgv_low_base(&c->round_trip));
    if (c->rate > goal)
        c->rate = goal;
}

/* Back: all is as it was before. */
static void arrive(struct tgv_congestion *c, tgv_time now)
{
    if (c->proven < c->rate)
        c->proven = c->rate;
    c->ceiling = c->ceiling_before;
    c->ceiling_until = now + CEILING_HOLD;
    c->failures = 0;
}

/* There is no queue. */
static void go_on(struct tgv_congestion *c, double loss, double useful,
                  tgv_time now)
{
    bool climbs = is_surely_empty(c, now) &&
                  tgv_comeback_climbs(&c->comeback, c->rate,
                                      tgv_low_base(&c->round_trip), now);

    if (c->comeback.done_at == now)
        arrive(c, now);
    if (climbs ? !keeps_up(c, 0.0, KEEPS_UP_CLIMBING, now)
               : !keeps_up(c, loss, KEEPS_UP, now))
        return;
    tgv_comeback_hold(&c->comeback, flow_rate(&c->delivered, now));
    if (climbs)
        climb(c);
    else
        grow(c, useful, now);
}

static void note(struct tgv_congestion *c, tgv_time high, tgv_time now)
{
    double delivered = flow_rate(&c->delivered, now);

    c->queue = measure_queue(c, now);
    if (delivered > c->proven)
        c->proven = delivered;
    if (delivered > c->fastest)
        c->fastest = delivered;
    if (c->queue < high)
        c->high_since = TGV_NEVER;
    else if (c->high_since == TGV_NEVER)
        c->high_since = now;
}

/* Was the window full before and after an acknowledgement? */
static bool is_full(struct tgv_congestion *c, tgv_time now)
{
    bool before = c->refused_at != TGV_NEVER &&
                  now - c->refused_at <= REFUSED_FOR + 2 * c->wait &&
                  c->last_ack > c->refused_at;
    bool full = c->refused && now - c->last_ack <= STEADY + c->wait;

    c->refused = false;
    if (full && !before)
        c->refused_at = now;
    return full && before;
}

/* Where news takes long, too much would stand in a queue before it is known:
 * less at first, and up from there as soon as it is seen to arrive. */
static void begin(struct tgv_congestion *c, tgv_time now)
{
    tgv_time base = tgv_low_base(&c->round_trip);
    double full = c->comeback.goal > 0.0 ? c->comeback.goal : c->rate;
    double rate = full;

    if (base == TGV_NEVER)
        return;
    if (base > NEWS_LATE) {
        rate = full * (double)NEWS_LATE / (double)base;
        tgv_comeback_begin(&c->comeback, full, now);
    } else {
        tgv_comeback_clear(&c->comeback);
    }
    c->rate = rate > c->least ? rate : c->least;
}

/* Nothing of what is sent seems to arrive. What was carried before may be so
 * again when it does. */
static void fade(struct tgv_congestion *c, tgv_time now)
{
    if (!c->fading && tgv_comeback_failed(&c->comeback, 0.0,
                                          tgv_low_base(&c->round_trip), now))
        c->ceiling_before = c->ceiling;
    c->fading = true;
    c->rate *= SILENT_LESS;
    if (c->rate < c->least)
        c->rate = c->least;
}

void tgv_congestion_run(struct tgv_congestion *c, double loss, tgv_time wait,
                        double useful, tgv_time now)
{
    bool refused = is_full(c, now) && !keeps_up(c, loss, KEEPS_UP_REFUSED, now);
    bool low;
    tgv_time high;

    c->wait = wait;
    high = high_mark(c);
    note(c, high, now);
    if (c->last_ack == TGV_NEVER) {
        begin(c, now);
        return;
    }
    low = c->queue < high - QUEUE_HIGH + QUEUE_LOW && !refused;
    if (c->unheard > 0 && now - c->last_ack > SILENT_LONG)
        fade(c, now);
    else if (c->draining && low)
        recover(c);
    else if (c->draining)
        drain(c, loss, now);
    else if (refused || climb_fails(c, now) ||
             (c->high_since != TGV_NEVER && now - c->high_since >= HIGH_FOR))
        back_off(c, loss, now);
    else if (low && is_used(c, now))
        go_on(c, loss, useful, now);
}

bool tgv_congestion_stalled(const struct tgv_congestion *c, tgv_time now)
{
    return c->proven > 0 && now - c->last_ack > STALL + c->wait;
}

size_t tgv_congestion_window(const struct tgv_congestion *c, size_t floor_bytes,
                             tgv_time silent)
{
    tgv_time base = tgv_low_base(&c->round_trip);
    tgv_time queue = WINDOW_QUEUE;
    double path = c->rate, beyond = WINDOW_BEYOND;
    double bytes;

    if (base == TGV_NEVER)
        base = WINDOW_RTT_UNKNOWN;
    if (c->comeback.climbing)
        beyond = BEYOND_PROVEN;
    if (c->proven > 0 && path > c->proven * beyond)
        path = c->proven * beyond;
    if (c->draining && path < c->ceiling)
        path = c->ceiling; /* the rate does it; no need to stop */
    if (c->proven <= 0)
        queue = WINDOW_QUEUE_START;
    else
        queue += jitter(c);
    if (silent > c->wait && c->proven > 0)
        queue += tgv_time_min(silent - c->wait, SILENT_MAX);
    bytes = path / 8.0 * (double)(base + c->wait + queue) / TGV_US_PER_S;
    return bytes > (double)floor_bytes ? (size_t)bytes : floor_bytes;
}
