/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_WORLD_PLAN_H
#define TGV_TEST_WORLD_PLAN_H
/*
 * What a simulated network consists of and what happens in it: a value, drawn
 * from a seed, from which world.h builds the network and reachable.h tells
 * which roads there are.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_PLAN_RELAYS 3

enum tgv_nat_kind {
    TGV_NAT_NONE, /* a public address, open to everybody */
    TGV_NAT_CONE, /* one mapping of a socket, open to everybody */
    TGV_NAT_RESTRICTED, /* the same, open to whom it has sent to */
    TGV_NAT_SYMMETRIC /* a mapping for each destination, open to it only */
};

enum tgv_udp_kind { TGV_UDP_OPEN, TGV_UDP_LOSSY, TGV_UDP_BLOCKED };

enum tgv_proxy_kind {
    TGV_PROXY_NONE,
    TGV_PROXY_FULL, /* CONNECT and UDP ASSOCIATE */
    TGV_PROXY_TCP, /* refuses UDP ASSOCIATE */
    TGV_PROXY_UDP_SILENT, /* grants it, and passes nothing on */
    TGV_PROXY_BAD_LOGIN,
    TGV_PROXY_DEAD /* refuses connections */
};

enum tgv_mishap {
    TGV_MISHAP_ROAD_DIES, /* the one that side `mishap_side` sends on */
    TGV_MISHAP_ADDRESS, /* that side's address changes */
    TGV_MISHAP_RELAY, /* relay `mishap_relay` is killed */
    TGV_MISHAP_UDP_BLOCKED, /* at that side, for `mishap_length` */
    TGV_MISHAP_COUNT
};

enum tgv_address_change {
    TGV_CHANGE_PORTS, /* the NAT box forgets its mappings */
    TGV_CHANGE_PUBLIC, /* and has another public address */
    TGV_CHANGE_INTERFACE /* another network, told by INTERFACES */
};

/* One end and its access to the Internet. */
struct tgv_host_plan {
    bool ipv4, ipv6;
    enum tgv_nat_kind nat; /* of IPv4; IPv6 has a firewall that is open to
                              whom it has sent to */
    enum tgv_udp_kind udp;
    double loss; /* 0..1, of each datagram, each way */
    bool tcp; /* TCP may leave */
    bool tcp_reset; /* where it may not: refused, otherwise silence */
    enum tgv_proxy_kind proxy;
    bool proxy_named; /* by name, not by address */
    bool proxy_login;
    tgv_time proxy_delay; /* one way */
    bool allow_p2p;
    bool long_frames; /* of 60 ms only, as originals have them */
    tgv_time nat_timeout;
};

struct tgv_relay_plan {
    bool udp, tcp; /* alive there */
    bool reset; /* dead TCP: refused, otherwise silence */
    bool ipv6; /* has an IPv6 address too */
    tgv_time delay[2]; /* one way to each host */
};

struct tgv_plan {
    uint64_t seed;
    struct tgv_host_plan host[2];
    bool same_lan; /* both behind the NAT box of host 0 */
    unsigned relay_count;
    struct tgv_relay_plan relay[TGV_PLAN_RELAYS];
    bool tcp_listed; /* signalling names each as TCP relay too */
    tgv_time direct_delay; /* one way between the hosts */
    tgv_time skew; /* host 1 starts so much later (> 0), or earlier */
    enum tgv_mishap mishap;
    unsigned mishap_side, mishap_relay;
    tgv_time mishap_after; /* both ends are established */
    tgv_time mishap_length;
    enum tgv_address_change change;
    bool mishap_reset; /* connections are reset, otherwise they fall silent */
};

/* Draw one; the same for the same seed. */
void tgv_plan_draw(struct tgv_plan *p, uint64_t seed);
/* One line for people; returns text. */
const char *tgv_plan_describe(const struct tgv_plan *p, char *text, size_t cap);
const char *tgv_nat_kind_str(enum tgv_nat_kind kind);
const char *tgv_udp_kind_str(enum tgv_udp_kind kind);
const char *tgv_proxy_kind_str(enum tgv_proxy_kind kind);
const char *tgv_mishap_str(const struct tgv_plan *p);

#endif
