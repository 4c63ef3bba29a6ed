/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_STORM_H
#define TGV_TEST_STORM_H
/*
 * A network, relays, a proxy and a peer that have gone mad: events of sockets
 * that exist or do not, bytes good and bad, from anybody, in any order. What
 * the call does meanwhile is judged: it may use only sockets that are open,
 * and send nowhere but where somebody allowed it.
 *
 * One storm at a time, `storm`; its test makes it. SOFTLY() wants cmocka.h.
 */
#include "support/bench.h"

#define STORM_SOCKS 2048
#define STORM_RELAYS 3
#define STORM_PROXY_HOST "proxy.example"
#define STORM_RELAY_HOST "relay.example"
#define SOFTLY(what)                                                           \
    do {                                                                       \
        if (!(what))                                                           \
            fail_msg("seed %u, step %u: %s", storm.seed, storm.step, #what);   \
    } while (0)

struct storm_sock {
    enum tgv_io_request_kind kind;
    bool closed; /* by either side */
    bool open, blocked;
    uint8_t said[2]; /* newest message to the proxy */
    struct tgv_obf *obf; /* the relay's end */
};

struct storm {
    unsigned seed, step;
    struct tgv_bench b;
    struct tgv_prng g;
    struct storm_sock socks[STORM_SOCKS]; /* by number */
    unsigned sock_count, udp;
    bool proxy, p2p, connected;
    struct tgv_addr assoc;
    uint64_t query[4]; /* newest pings of relays */
    uint32_t pings[4], seqs[8]; /* newest of the call */
    unsigned query_count, ping_count, seq_count;
    enum tgv_call_state state;
    uint8_t replay[1500];
    size_t replay_len;
};
extern struct storm storm;

/* How often the storm came so far. */
struct storm_depth {
    unsigned established, failed, tunnels, associated, direct, nat64;
};
extern struct storm_depth storm_depth;

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(*(list))))
#define PICK(list) storm_addr((list)[storm_below(COUNT(list))])

/* Addresses of the peer, and such as nobody can have. */
#define STORM_PEERS 6
#define STORM_BAD 10
extern const char *const storm_peers[STORM_PEERS];
extern const char *const storm_bad[STORM_BAD];

/* -- chance ----------------------------------------------------------------------- */
uint32_t storm_below(uint32_t n);
bool storm_coin(void);
void storm_random_bytes(uint8_t *out, size_t len);
struct tgv_addr storm_addr(const char *text);

/* -- sockets ---------------------------------------------------------------------- */
struct tgv_addr storm_proxy_addr(void);
void storm_tell_about(unsigned number, enum tgv_io_event_kind kind);
/* Take all that the call wants and has to say, and judge it. */
void storm_transmit(void);
void storm_all_closed(void);
/* Anything happens to any socket, or to none. */
void storm_sock_event(void);
/* What waits is served sooner than chance would do it. */
void storm_serve_socks(void);
void storm_interfaces(void);

/* -- bytes in --------------------------------------------------------------------- */
void storm_control(void);
void storm_authentic(void);
void storm_rubbish(void);
/* The proxy and the relays on their connections. */
void storm_streams(void);

#endif
