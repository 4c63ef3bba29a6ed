/* SPDX-License-Identifier: MIT */
#include "net/comeback.h"

#define HELD_SMOOTHING 0.05 /* some 2 s */
/* So much more than is carried now is worth a climb. */
#define FAR 1.15
#define REMEMBERED TGV_S(60)
#define AGAIN_AFTER TGV_S(8) /* doubled by each failure */
#define FAILURES_MAX 2
/* At the goal, and two round trips: then a queue would be known. */
#define SURE TGV_MS(500)
#define LATELY TGV_S(2)
/* A path of a round trip this much shorter is another one. */
#define SHORTER 0.8
#define SHORTER_US TGV_MS(10)
/* Twice the rate in so long and two round trips: so long it takes until a queue
 * is known. */
#define DOUBLED_IN TGV_MS(400)

void tgv_comeback_clear(struct tgv_comeback *m)
{
    *m = (struct tgv_comeback){.there_at = TGV_NEVER, .done_at = TGV_NEVER};
}

void tgv_comeback_hold(struct tgv_comeback *m, double delivered)
{
    if (m->held <= 0.0)
        m->held = delivered;
    m->held += (delivered - m->held) * HELD_SMOOTHING;
}

static void forget(struct tgv_comeback *m)
{
    m->goal = 0.0;
    m->climbing = false;
    m->there_at = TGV_NEVER;
    m->failures = 0;
}

static void aim(struct tgv_comeback *m, double goal, tgv_time base,
                tgv_time now)
{
    forget(m);
    m->goal = goal;
    m->base = base;
    m->failed_at = m->next_try = now;
}

void tgv_comeback_begin(struct tgv_comeback *m, double goal, tgv_time now)
{
    aim(m, goal, 0, now);
}

bool tgv_comeback_failed(struct tgv_comeback *m, double carries, tgv_time base,
                         tgv_time now)
{
    bool far = !m->climbing && m->held > carries * FAR && m->held > m->goal;

    if (m->climbing) {
        m->climbing = false;
        m->there_at = TGV_NEVER;
        m->next_try = now + (AGAIN_AFTER << m->failures);
        if (++m->failures > FAILURES_MAX)
            forget(m);
    } else if (far) {
        aim(m, m->held, base, now);
    }
    if (carries < m->held)
        m->held = carries;
    return far;
}

static bool is_same_path(const struct tgv_comeback *m, tgv_time base)
{
    return (double)base >= (double)m->base * SHORTER - (double)SHORTER_US;
}

bool tgv_comeback_climbs(struct tgv_comeback *m, double rate, tgv_time base,
                         tgv_time now)
{
    if (m->goal <= 0.0)
        return false;
    if (rate >= m->goal && m->there_at == TGV_NEVER)
        m->there_at = now;
    if (m->there_at != TGV_NEVER && now - m->there_at >= SURE + 2 * base) {
        m->done_at = now;
        forget(m);
    } else if (now - m->failed_at > REMEMBERED || !is_same_path(m, base)) {
        forget(m);
    } else if (now >= m->next_try) {
        m->climbing = true;
    }
    return m->climbing;
}

double tgv_comeback_growth(tgv_time base)
{
    tgv_time twice = DOUBLED_IN + 2 * base;

    return 0.693 * (double)TGV_MS(100) / (double)twice;
}

bool tgv_comeback_lately(const struct tgv_comeback *m, tgv_time now)
{
    return m->climbing ||
           (m->done_at != TGV_NEVER && now - m->done_at < LATELY);
}
