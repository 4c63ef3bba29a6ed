/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_COMEBACK_H
#define TGV_NET_COMEBACK_H
/*
 * Back to a rate that a path was seen to carry, after it carried far less for
 * a while. The memory holds as long as the path is the same one: its round
 * trip got no shorter, nothing was found out to the contrary. The way back is
 * a climb in a second or two, not a leap, for the path may have changed all the
 * same; who climbs looks out for a queue. A climb that fails is tried again
 * later, and not often.
 * Source: our choice
 */
#include "base/time.h"

#include <stdbool.h>

struct tgv_comeback {
    double held; /* delivered steadily [bit/s]; 0 unknown */
    double goal; /* the same before the path failed; 0 none */
    tgv_time base; /* round trip then */
    tgv_time failed_at;
    tgv_time next_try;
    unsigned failures; /* of climbs */
    bool climbing;
    tgv_time there_at; /* the goal is reached, for now; TGV_NEVER */
    tgv_time done_at; /* and for good; TGV_NEVER */
};

void tgv_comeback_clear(struct tgv_comeback *m);
/* Every 0.1 s in which no queue grows and what is sent arrives. */
void tgv_comeback_hold(struct tgv_comeback *m, double delivered);
/* A queue grew; the path carries so much now. True if that is far less than
 * before: there is a new goal. */
bool tgv_comeback_failed(struct tgv_comeback *m, double carries, tgv_time base,
                         tgv_time now);
/* A path begins far below that rate, whatever its round trip. */
void tgv_comeback_begin(struct tgv_comeback *m, double goal, tgv_time now);
/* The queue is empty: may the rate climb fast? Also ends a climb. */
bool tgv_comeback_climbs(struct tgv_comeback *m, double rate, tgv_time base,
                         tgv_time now);
/* By how much in 0.1 s, for a path of that round trip. */
double tgv_comeback_growth(tgv_time base);
/* During a climb and shortly after: what was so before may be so at once. */
bool tgv_comeback_lately(const struct tgv_comeback *m, tgv_time now);

#endif
