/* SPDX-License-Identifier: MIT */
/*
 * Direct roads: the peer's public address through a relay, its address in the
 * same network, and IPv6; and what a changed network does to all roads.
 * Source: wire specification 1.4, 6.6, 7.4..7.7, 9.3; ENG-23, 24, 31
 */
#include "legacy/internal.h"

#include <string.h>

void tgv_direct_ready(struct tgv_call *c, tgv_time now)
{
    (void)c;
    (void)now;
}

void tgv_direct_ask(struct tgv_call *c, tgv_time now)
{
    (void)c;
    (void)now;
}

void tgv_direct_peer_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now)
{
    (void)path;
    (void)m;
    (void)now;
    c->counters.unsolicited++;
}

void tgv_direct_self_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now)
{
    (void)c;
    (void)path;
    (void)m;
    (void)now;
}

void tgv_direct_lan(struct tgv_call *c, const uint8_t ip[4], uint16_t port,
                    tgv_time now)
{
    (void)c;
    (void)ip;
    (void)port;
    (void)now;
}

void tgv_direct_ipv6(struct tgv_call *c, const uint8_t ip[16], uint16_t port,
                     tgv_time now)
{
    (void)c;
    (void)ip;
    (void)port;
    (void)now;
}

static void changed(struct tgv_call *c, tgv_time now)
{
    tgv_paths_forget_rtt(c);
    tgv_reach_restart(c, now);
    if (tgv_state_talking(c))
        c->measures.handed_over = true;
    tgv_call_tell_network(c, now);
}

void tgv_direct_interfaces(struct tgv_call *c, const struct tgv_io_event *ev,
                           tgv_time now)
{
    bool first = !c->direct.local_known;

    c->direct.local_known = true;
    c->direct.local_count = ev->addr_count;
    memcpy(c->direct.local, ev->addrs, sizeof(c->direct.local));
    if (!first)
        changed(c, now);
}

void tgv_direct_network_changed(struct tgv_call *c, tgv_time now)
{
    (void)now;
    tgv_paths_forget_rtt(c);
}

int tgv_direct_stranger(struct tgv_call *c, const struct tgv_addr *from,
                        tgv_time now)
{
    (void)c;
    (void)from;
    (void)now;
    return -1;
}

void tgv_direct_roam(struct tgv_call *c, unsigned path,
                     const struct tgv_addr *from, tgv_time now)
{
    (void)c;
    (void)path;
    (void)from;
    (void)now;
}

void tgv_direct_tick(struct tgv_call *c, tgv_time now)
{
    (void)c;
    (void)now;
}
