/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_PLAN_H
#define TGV_LEGACY_PLAN_H
/*
 * What to make of a path's rate: frame duration, frames a packet, bitrate,
 * copies of earlier frames, in-band FEC. Plain arithmetic on what was measured;
 * a plan in force gives way at once to a smaller one and slowly to a larger,
 * unless that was in force before an outage.
 *
 * In the order of what is given up last: the bitrate's floor, copies against
 * loss, the full bitrate, short frames. Where one frame a packet at the floor
 * is too much, two or three share one packet's overhead, without copies; where
 * three are too much, frames are left out.
 * Source: design 4.3; behaviour notes 9; ENG-48, ENG-49; our choice
 */
#include "base/time.h"

#include <stdbool.h>

#define TGV_COPIES_MAX 3 /* of earlier frames; the count byte has more room */

struct tgv_plan_input {
    double rate; /* for whole datagrams [bit/s] */
    double overhead_bytes; /* of a datagram, besides the frames */
    unsigned min_bps, max_bps; /* of the encoder */
    unsigned shortest_ms; /* frame that both ends take: 20, 40, 60 */
    bool bundles; /* the peer takes X2 and X3 */
    bool copies; /* the peer takes copies, and the network may have them */
    unsigned copies_max; /* that are of use to the peer, 1..3 */
    bool sparing; /* data are to be saved: nothing for comfort */
    bool returns; /* to what was so before: no need to wait and see */
    double loss, again; /* share lost; chance after a lost one; 0..1 */
    double loss_for_copies; /* packet_loss_for_extra_ec */
};

struct tgv_plan {
    unsigned frame_ms;
    unsigned frames; /* in a packet, 1..3 */
    unsigned bitrate_bps;
    unsigned copies; /* with each packet, of frames before */
    bool inband_fec;
    bool leave_out; /* even this is more than the path carries */
};

struct tgv_planner {
    struct tgv_plan plan;
    unsigned wanted; /* copies, by loss alone */
    tgv_time lossy_at; /* last time that the loss asked for so many */
    tgv_time fits_since; /* a larger plan fits; TGV_NEVER */
};

/* Begin with 60 ms frames of this bitrate. */
void tgv_planner_init(struct tgv_planner *p, unsigned bitrate_bps);
void tgv_planner_run(struct tgv_planner *p, const struct tgv_plan_input *in,
                     tgv_time now);
/* What a plan costs [bit/s]. */
double tgv_plan_cost(const struct tgv_plan_input *in,
                     const struct tgv_plan *plan);
/* The rate that the next larger plan needs, when the encoder has come to this
 * bitrate. */
double tgv_planner_useful(const struct tgv_planner *p,
                          const struct tgv_plan_input *in,
                          unsigned bitrate_bps);

#endif
