/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_SIM_H
#define TGV_TEST_SIM_H
/*
 * Two complete calls over a simulated relay and two simulated links, in
 * virtual time. Driven by the next thing that is due; nothing sleeps. Each
 * end has its own drifting audio clock. Same options: the same bytes.
 *
 * What is captured is numbered: with the marker codec every played block
 * tells which captured block it is, and is judged at once:
 * - voice that is played was sent, in order, nothing twice;
 * - everything else is declared as concealed or silence.
 * A breach prints the seed and what happened, and is counted.
 */
#include "legacy/call.h"
#include "link/link.h"
#include "media/codec.h"

#include <stdbool.h>
#include <stdint.h>

#define TGV_SIM_RELAYS_MAX 4
#define TGV_SIM_PAUSES_MAX 4
#define TGV_SIM_DELAYS_MAX 65536

struct tgv_sim_pause { /* one end's process stands still */
    int side;
    tgv_time at, length;
};

struct tgv_sim_options {
    uint64_t seed;
    struct tgv_impairment imp[2]; /* of what side 0 (caller), 1 sends */
    double drift_ppm[2]; /* of the audio clocks */
    tgv_time skew; /* the callee starts so much later */
    unsigned min_frame_ms[2]; /* 0: the default */
    bool data_saving[2];
    int network_type[2];
    const struct tgv_codec *codec;
    bool marked; /* the codec carries block numbers: judge them */
    unsigned relays;
    int layer[2];
    bool allow_v1;
    bool wrong_key; /* the callee has another one */
    tgv_time init_timeout, receive_timeout;
    unsigned pause_count;
    struct tgv_sim_pause pauses[TGV_SIM_PAUSES_MAX];
    tgv_time relay_delay[TGV_SIM_RELAYS_MAX]; /* extra, from slow_from on */
    tgv_time relay_slow_from[TGV_SIM_RELAYS_MAX];
    tgv_time relay_dead_at[TGV_SIM_RELAYS_MAX]; /* TGV_NEVER */
    tgv_time spike_at, spike_length; /* all arrivals wait until its end */
};

void tgv_sim_options_init(struct tgv_sim_options *o, uint64_t seed);

/* What one end heard. */
struct tgv_sim_heard {
    uint64_t blocks; /* since the first voice */
    uint64_t voice, recovered, concealed, silence;
    uint64_t breaches;
    uint32_t delays_ms10[TGV_SIM_DELAYS_MAX]; /* capture to play-out, 0.1 ms,
                                                 of unstretched voice */
    tgv_time delay_at[TGV_SIM_DELAYS_MAX];
    unsigned delay_count;
};

struct tgv_sim;

struct tgv_sim *tgv_sim_create(const struct tgv_sim_options *o);
void tgv_sim_destroy(struct tgv_sim *s);
/* Run until the given time since the start. */
void tgv_sim_run(struct tgv_sim *s, tgv_time until);
tgv_time tgv_sim_now(const struct tgv_sim *s);
struct tgv_call *tgv_sim_call(struct tgv_sim *s, int side);
/* Last state told by an event, and how many state events there were. */
enum tgv_call_state tgv_sim_state(const struct tgv_sim *s, int side);
bool tgv_sim_was(const struct tgv_sim *s, int side, enum tgv_call_state state);
unsigned tgv_sim_routes(const struct tgv_sim *s, int side); /* taken so far */
const char *tgv_sim_last_route_reason(const struct tgv_sim *s, int side);
const struct tgv_sim_heard *tgv_sim_heard(const struct tgv_sim *s, int side);
/* Datagrams handed to the links by both, and their hash. */
uint64_t tgv_sim_datagrams(const struct tgv_sim *s);
uint64_t tgv_sim_hash(const struct tgv_sim *s);
/* Datagrams of one side since the start. */
uint64_t tgv_sim_sent(const struct tgv_sim *s, int side);
/* What waits at the rate limiter for what side sends. */
tgv_time tgv_sim_queue(const struct tgv_sim *s, int side);
/* Datagram bytes of media packets sent by a side. */
uint64_t tgv_sim_media_bytes(const struct tgv_sim *s, int side);
/* Packets of a type sent by a side. */
uint64_t tgv_sim_packets(const struct tgv_sim *s, int side, uint8_t type);
/* Median delay [ms] of what side heard between two times; -1 if nothing. */
double tgv_sim_delay_ms(const struct tgv_sim *s, int side, tgv_time from,
                        tgv_time to);

#endif
