/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_CONGESTION_H
#define TGV_NET_CONGESTION_H
/*
 * How much may be sent on a path, from what becomes of the packets sent.
 *
 * Two answers. The rate is what sending should keep to over seconds: it falls
 * at once below what the path was seen to deliver when a queue grows, and
 * climbs slowly while none does, more slowly near where it failed before, and
 * fast only back to what the path had proven before (net/comeback). The
 * window is how many bytes may be under way: it holds the queue short even
 * while the rate is not yet known.
 *
 * A queue is the round trip above its least, less what the acknowledgement
 * itself waited on the way back (ENG-32). Packets lost without a queue are no reason to send
 * less: chance loses as many of few as of many. All bytes are those of whole
 * datagrams.
 * Source: our choice
 */
#include "net/comeback.h"
#include "net/low.h"

#include <stdbool.h>
#include <stddef.h>

#define TGV_FLOW_BUCKETS 16
#define TGV_FLOW_BUCKET_US TGV_MS(100)

/* Bytes per time over the last second or so. */
struct tgv_flow {
    uint32_t bucket[TGV_FLOW_BUCKETS];
    int64_t newest;
    tgv_time first, last; /* TGV_NEVER: nothing yet */
};

struct tgv_congestion {
    double rate; /* [bit/s] */
    double least; /* never below */
    double proven; /* what the path was seen to deliver; 0 unknown */
    double fastest; /* the most of that on this path */
    double ceiling; /* rate at which a queue grew; 0 none known */
    double ceiling_before; /* before the comeback's path failed */
    tgv_time ceiling_until;
    unsigned failures; /* in a row at about that ceiling */
    tgv_time known_since; /* first acknowledgement on this path; TGV_NEVER */
    tgv_time last_ack; /* when something was acknowledged; TGV_NEVER */
    unsigned unheard; /* packets sent since */
    bool fading; /* no news for long */
    tgv_time high_since; /* queue too long; TGV_NEVER */
    bool refused; /* the window was full */
    tgv_time refused_at; /* first time of some; TGV_NEVER */
    bool draining; /* rate is below the path's to empty the queue */
    tgv_time draining_since, draining_from; /* time; queue then */
    struct tgv_comeback comeback; /* to what was proven before */
    unsigned vain; /* times that less did not make it shorter */
    struct tgv_low round_trip;
    struct tgv_low queues; /* what stood in ours, by each round trip */
    struct tgv_low way_back;
    double smoothed_us, deviation_us; /* of queues */
    struct tgv_flow sent, delivered;
    tgv_time queue; /* newest estimate */
    tgv_time wait; /* part of it that may be none: see run() */
};

void tgv_congestion_init(struct tgv_congestion *c, double rate);
/* The path is another one. The rate stays; where it failed is forgotten. */
void tgv_congestion_new_path(struct tgv_congestion *c);

void tgv_congestion_sent(struct tgv_congestion *c, size_t bytes, tgv_time now);
/* A packet of the steady stream, of so many bytes, sent at `at`, is
 * acknowledged. */
void tgv_congestion_acked(struct tgv_congestion *c, size_t bytes, tgv_time at,
                          tgv_time now);
/* A media packet of the peer arrived; offset is its arrival less its own time,
 * of any constant origin. */
void tgv_congestion_arrived(struct tgv_congestion *c, tgv_time offset,
                            tgv_time now);
/* A round trip, which may be too long for any reason. */
void tgv_congestion_least(struct tgv_congestion *c, tgv_time rtt, tgv_time now);
/* The newest packet that the peer has was sent so long ago and has so many
 * bytes. The acknowledgement came in a packet of that offset, if media. */
void tgv_congestion_round_trip(struct tgv_congestion *c, tgv_time rtt,
                               size_t bytes, const tgv_time *offset,
                               tgv_time now);

/*
 * Draw conclusions; about every 0.1 s.
 * @param loss share of lost packets, 0..1
 * @param wait acknowledgements may wait so long for a packet to carry them
 * @param useful no more than this can be made use of [bit/s]
 */
void tgv_congestion_run(struct tgv_congestion *c, double loss, tgv_time wait,
                        double useful, tgv_time now);

/* More than this was seen to be dropped, without a queue. */
void tgv_congestion_limited(struct tgv_congestion *c, double limit,
                            tgv_time now);

static inline double tgv_congestion_rate(const struct tgv_congestion *c)
{
    return c->rate;
}
static inline tgv_time tgv_congestion_queue(const struct tgv_congestion *c)
{
    return c->queue;
}
/* The rate comes back to what it was. */
static inline bool tgv_congestion_returns(const struct tgv_congestion *c,
                                          tgv_time now)
{
    return tgv_comeback_lately(&c->comeback, now);
}
/* The window was full: something was not sent. */
static inline void tgv_congestion_refused(struct tgv_congestion *c)
{
    c->refused = true;
}
/* Bytes that may be under way before another packet is sent, at least
 * `floor_bytes`. The peer was last heard `silent` ago: what it got since is not
 * known yet. */
size_t tgv_congestion_window(const struct tgv_congestion *c, size_t floor_bytes,
                             tgv_time silent);
/* Nothing was acknowledged for a while. A full queue lets acknowledgements
 * come late, but steadily; this is a path that loses all, or the way back does:
 * the window says nothing. False as long as the path is not known. */
bool tgv_congestion_stalled(const struct tgv_congestion *c, tgv_time now);
/* Sent in the last second or so [bit/s]. */
double tgv_congestion_sent_rate(const struct tgv_congestion *c, tgv_time now);

#endif
