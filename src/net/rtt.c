/* SPDX-License-Identifier: MIT */
#include "net/rtt.h"

void tgv_rtt_clear(struct tgv_rtt *r)
{
    *r = (struct tgv_rtt){.min_now = TGV_NEVER, .min_before = TGV_NEVER};
}

static void note_min(struct tgv_rtt *r, tgv_time sample, tgv_time now)
{
    if (r->len == 0) {
        r->min_since = now;
    } else if (now - r->min_since >= TGV_RTT_MIN_SPAN) {
        r->min_before = r->min_now;
        r->min_now = TGV_NEVER;
        r->min_since = now;
    }
    r->min_now = tgv_time_min(r->min_now, sample);
}

void tgv_rtt_add(struct tgv_rtt *r, tgv_time sample, tgv_time now)
{
    if (sample < 1)
        sample = 1;
    note_min(r, sample, now);
    r->smoothed = r->len ? r->smoothed + (sample - r->smoothed) / 8 : sample;
    r->samples[r->next] = sample;
    r->next = (r->next + 1) % TGV_RTT_SAMPLES;
    if (r->len < TGV_RTT_SAMPLES)
        r->len++;
}

tgv_time tgv_rtt_mean(const struct tgv_rtt *r)
{
    tgv_time sum = 0;

    for (unsigned i = 0; i < r->len; i++)
        sum += r->samples[i];
    return r->len ? sum / r->len : 0;
}

tgv_time tgv_rtt_smoothed(const struct tgv_rtt *r)
{
    return r->len ? r->smoothed : 0;
}

tgv_time tgv_rtt_min(const struct tgv_rtt *r)
{
    return r->len ? tgv_time_min(r->min_now, r->min_before) : 0;
}
