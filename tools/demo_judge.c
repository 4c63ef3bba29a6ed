/* SPDX-License-Identifier: MIT */
/* What the demo found, in numbers and in words. */
#include "demo.h"

#include <math.h>
#include <stdio.h>

#define SILENT 0.001f /* RMS of full scale, -60 dB */

double demo_loss_in(const struct tgvoip_call_stats *stats)
{
    double all = (double)(stats->packets_in + stats->packets_lost_in);

    return all > 0 ? (double)stats->packets_lost_in / all : NAN;
}

static void compare_direction(struct demo *demo, int from, size_t bins)
{
    const struct demo_side *tx = &demo->sides[from], *rx = &demo->sides[!from];
    struct demo_direction *d = &demo->directions[from];
    struct tgvoip_failure failure = {0};
    int err;

    err = envelope_of_file(&d->sent, tx->clip, &tx->sent, demo->connect_us,
                           bins, &failure);
    if (!err)
        err = envelope_of_file(&d->heard, rx->recording, &rx->heard,
                               demo->connect_us, bins, &failure);
    if (err) {
        failure.code = err;
        tool_report(demo->tool, &failure);
        return;
    }
    envelope_compare(&d->match, &d->sent, &d->heard);
    d->arrived = rx->stats.frames_played > 0;
    /* A clip that is silent itself cannot be missed. */
    if (envelope_peak(&d->sent) > SILENT)
        d->arrived = d->arrived && envelope_peak(&d->heard) > SILENT &&
                     (d->match.count == 0 || d->match.correlation >= 0.3);
}

static void say_failure(struct demo *demo)
{
    const struct demo_side *s = &demo->sides[CALLER];

    if (!s->failed)
        s = &demo->sides[CALLEE];
    snprintf(demo->verdict, sizeof(demo->verdict), "The call failed.");
    if (s->error == TGVOIP_CALL_ERROR_TIMEOUT && !s->established)
        snprintf(demo->detail, sizeof(demo->detail),
                 "The %s got no answer through this network in time.",
                 s->end.name);
    else if (s->error == TGVOIP_CALL_ERROR_TIMEOUT)
        snprintf(demo->detail, sizeof(demo->detail),
                 "The %s heard nothing from the other side for too long.",
                 s->end.name);
    else
        snprintf(demo->detail, sizeof(demo->detail), "The %s ended with %s.",
                 s->end.name, tgvoip_call_error_str(s->error));
}

static void say_missing(struct demo *demo)
{
    bool forth = demo->directions[CALLER].arrived;
    bool back = demo->directions[CALLEE].arrived;

    if (!forth && !back)
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "Neither voice arrived.");
    else
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "The %s did not hear the %s.", forth ? "caller" : "callee",
                 forth ? "callee" : "caller");
    snprintf(demo->detail, sizeof(demo->detail),
             "The call stood, but what came out does not resemble what was "
             "said.");
}

static void say_success(struct demo *demo)
{
    double a = demo->directions[CALLER].match.correlation;
    double b = demo->directions[CALLEE].match.correlation;
    double worst = isnan(a) ? b : isnan(b) ? a : fmin(a, b);

    if (isnan(worst))
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "The call stood; there was no voice to compare.");
    else if (worst >= 0.85)
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "Both voices arrived clearly.");
    else if (worst >= 0.6)
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "Both voices arrived and can be understood.");
    else
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "Both voices arrived, but badly damaged.");
    if (demo->interrupted)
        snprintf(demo->detail, sizeof(demo->detail),
                 "You ended the call early; this is what had arrived.");
    else
        snprintf(demo->detail, sizeof(demo->detail),
                 "An encrypted call over a relay, both ends and the relay on "
                 "this machine.");
}

void demo_judge(struct demo *demo)
{
    size_t bins = (size_t)((demo->end_us - demo->connect_us) / ENVELOPE_BIN_US);
    int d;

    if (demo->talk_us)
        for (d = 0; d < SIDES; d++)
            compare_direction(demo, d, bins);
    demo->ok = false;
    if (demo->sides[CALLER].failed || demo->sides[CALLEE].failed) {
        say_failure(demo);
    } else if (!demo->talk_us) {
        snprintf(demo->verdict, sizeof(demo->verdict),
                 "The call ended before anything was said.");
        snprintf(demo->detail, sizeof(demo->detail), "%s",
                 demo->interrupted ? "It was interrupted."
                                   : "See the messages of the tool.");
    } else if (!demo->directions[CALLER].arrived ||
               !demo->directions[CALLEE].arrived) {
        say_missing(demo);
    } else {
        say_success(demo);
        demo->ok = !demo->file_failed;
    }
}
