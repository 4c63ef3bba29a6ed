/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_WORLD_H
#define TGV_TEST_WORLD_H
/*
 * Two whole calls in a network made after a plan: hosts behind NAT boxes and
 * firewalls, relays by UDP and TCP, SOCKS5 proxies, losses and mishaps, in
 * virtual time. Driven by the next thing that is due; nothing sleeps. Same
 * plan: the same bytes.
 *
 * On TCP a loss is a retransmission: later, in order, nothing missing. What a
 * host with a proxy sends anywhere else is a breach. Sound is numbered and
 * judged as in sim.h.
 *
 * world.c has time and the mishaps, world_queue.c what is to come,
 * world_side.c the ends, world_udp.c the way of a datagram, world_tcp.c
 * connections, world_proxy.c the proxies.
 */
#include "legacy/call.h"
#include "support/reachable.h"

/* What became of one end. */
struct tgv_world_end {
    enum tgv_call_state state; /* at the end */
    enum tgv_call_error error;
    tgv_time established; /* since the later connect(); -1 never */
    tgv_time first_voice; /* the same */
    tgv_time failed; /* since the beginning or the mishap; -1 never */
    tgv_time longest_gap; /* without voice, from the mishap on */
    double voice_at_end; /* share of the last blocks played */
    uint64_t breaches; /* judged by the ear */
    uint64_t leaks; /* past the proxy */
    enum tgv_path_type route;
};

struct tgv_world_result {
    struct tgv_world_end end[2];
    bool mishap_done; /* both ends were established */
    struct tgv_cut way[2]; /* what each end sent on then */
    struct tgv_cut cut;
    uint64_t hash; /* of all that the ends sent */
    uint64_t packets;
};

/* Run it to its end. trace: every packet, state, route and request on stderr */
void tgv_world_run(const struct tgv_plan *p, bool trace,
                   struct tgv_world_result *result);

#endif
