/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_WORLD_IMPL_H
#define TGV_TEST_WORLD_IMPL_H
/*
 * The insides of a simulated network, shared by world*.c.
 */
#include "base/addr.h"
#include "base/log.h"
#include "relay/relay.h"
#include "support/sim_ear.h"
#include "support/world.h"

#include <stdarg.h>

#define WORLD_START TGV_S(1000)
#define WORLD_INIT_TIMEOUT TGV_S(12)
#define WORLD_RECEIVE_TIMEOUT TGV_S(12)
#define WORLD_MAPS 128
#define WORLD_CONNS 256
#define WORLD_ASSOCIATIONS 32
#define WORLD_RELAY_PORT 5000
#define WORLD_PROXY_PORT 1080
#define WORLD_SOCKS 1024
#define WORLD_ENDS 200 /* blocks that are judged at the end */

/* A NAT box, or a firewall: then the port outside is the one inside. */
struct world_map {
    struct tgv_addr in, to;
    uint16_t port; /* outside */
    tgv_time used;
};
struct world_nat {
    enum tgv_nat_kind kind;
    bool firewall;
    struct tgv_addr outside; /* port 0 */
    uint16_t next_port;
    tgv_time timeout;
    unsigned count;
    struct world_map maps[WORLD_MAPS];
};

struct world_side {
    const struct tgv_host_plan *plan;
    struct tgv_call *call;
    struct tgv_log log; /* into the trace */
    const struct tgv_world *world;
    struct tgv_prng prng; /* of the engine */
    struct tgv_addr ip4, ip6; /* port 0; family NONE */
    struct world_nat *nat; /* of IPv4 */
    struct world_nat firewall; /* of IPv6 */
    unsigned sock; /* UDP; 0 none */
    uint16_t port;
    bool closed[WORLD_SOCKS]; /* by the call: nothing is told any more */
    bool udp_blocked; /* now, by a mishap */
    bool moved; /* to another network */
    bool connected;
    tgv_time start;
    uint64_t ticks;
    tgv_time *captured; /* by number; -1 silence was sent */
    uint32_t captured_count, captured_cap;
    struct tgv_sim_ear ear;
    bool media; /* what is being sent now */
    struct tgv_cut last_way; /* of its last media packet */
    struct tgv_cut way_then; /* the same, at the mishap */
    tgv_time last_voice; /* or the mishap, if that was later */
    uint8_t heard[WORLD_ENDS]; /* voice or not */
    uint64_t blocks;
    struct tgv_world_end end;
};

enum world_server { WORLD_AT_RELAY, WORLD_AT_PROXY };
enum world_conn_state { WORLD_CONNECTING, WORLD_OPEN, WORLD_CLOSED };

/* A connection: a side, or a proxy for it, with a relay or a proxy. */
struct world_conn {
    bool used;
    enum world_conn_state state;
    unsigned owner; /* side, also of what its proxy opens */
    unsigned sock; /* 0: opened by the proxy */
    struct tgv_addr to, from; /* as the server sees it */
    enum world_server server;
    unsigned relay;
    uint8_t leg; /* TGV_LEG_TCP* */
    bool silent; /* nothing passes any more */
    bool reset_next; /* what is sent next is answered by a reset */
    tgv_time delay;
    double loss;
    tgv_time arrives[2]; /* the last piece: to the server, from it */
    size_t in_flight; /* of the client's bytes */
    bool blocked;
    uint32_t relay_conn; /* number at the relay */
    unsigned step; /* of the talk with the proxy */
    uint8_t talk[600];
    size_t talk_len;
    int pipe; /* connection that the proxy joined with this one; -1 */
    int association; /* -1 */
};

/* UDP ASSOCIATE */
struct world_association {
    bool used;
    unsigned owner;
    uint16_t inner, outer; /* ports of the proxy: to the client, to others */
    struct tgv_addr host; /* whose datagrams are taken, any port */
    struct tgv_addr client; /* where it was heard last */
};

enum world_what {
    WORLD_DATAGRAM,
    WORLD_IO, /* an event for a side */
    WORLD_SYN,
    WORLD_SYN_ACK,
    WORLD_DATA_UP, /* to the server */
    WORLD_DATA_DOWN,
    WORLD_ACK, /* of the client's bytes */
    WORLD_FIN_UP,
    WORLD_FIN_DOWN,
    WORLD_RESET_DOWN,
    WORLD_MISHAP,
    WORLD_MISHAP_END
};

struct world_event {
    tgv_time at;
    uint64_t order;
    enum world_what what;
    unsigned index; /* side or connection */
    unsigned generation; /* of the connection */
    struct tgv_addr from, to;
    size_t len;
    uint8_t data[];
};

struct tgv_world {
    struct tgv_plan plan;
    tgv_time now;
    bool trace;
    struct tgv_prng prng; /* of the network */
    struct world_event **heap;
    size_t heap_count, heap_cap;
    uint64_t order;
    struct world_side side[2];
    struct world_nat nat[4]; /* at first, and after a move */
    struct tgv_relay *relay[TGV_PLAN_RELAYS];
    bool relay_udp[TGV_PLAN_RELAYS], relay_tcp[TGV_PLAN_RELAYS];
    bool relay_reset[TGV_PLAN_RELAYS];
    struct world_conn conn[WORLD_CONNS];
    unsigned generation[WORLD_CONNS];
    struct world_association association[WORLD_ASSOCIATIONS];
    bool cut_made;
    struct tgv_cut cut;
    bool mishap_planned, mishap_done;
    tgv_time mishap_at;
    tgv_time end_at;
    uint64_t packets, hash;
};

/* -- world.c ----------------------------------------------------------------- */
void world_note(const struct tgv_world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *world_addr(const struct tgv_addr *a, char text[TGV_ADDR_TEXT]);
struct tgv_addr world_parse(const char *text);

/* -- world_queue.c ----------------------------------------------------------- */
void *world_must(void *p);
/* Put something on the list; its data is copied. */
struct world_event *world_post(struct tgv_world *w, tgv_time at,
                               enum world_what what, unsigned index,
                               const uint8_t *data, size_t len);
/* What is next; to be freed. */
struct world_event *world_take(struct tgv_world *w);

/* -- world_side.c ------------------------------------------------------------ */
void world_make_side(struct tgv_world *w, unsigned n);
tgv_time world_later_start(const struct tgv_world *w);
void world_tell(struct tgv_world *w, unsigned n, const struct tgv_io_event *ev,
                tgv_time after);
/* The driver's duties after each input to a call. */
void world_perform(struct tgv_world *w, unsigned n);
void world_interfaces(struct tgv_world *w, unsigned n);
/* The next block is due; one block each way. */
tgv_time world_tick_due(const struct world_side *d);
void world_play(struct tgv_world *w, unsigned n);
void world_capture(struct tgv_world *w, struct world_side *d);

/* -- world_udp.c ------------------------------------------------------------- */
struct tgv_addr world_relay_addr(unsigned relay, uint8_t family);
/* Index of the relay at an address, -1 if there is none. */
int world_relay_at(const struct tgv_world *w, const struct tgv_addr *a);
struct tgv_addr world_proxy_addr(unsigned n, uint8_t family, uint16_t port);
bool world_is_proxy(unsigned n, const struct tgv_addr *a);
void world_udp_init(struct tgv_world *w);
/* A side sends a datagram. */
void world_udp_send(struct tgv_world *w, unsigned n, const struct tgv_addr *to,
                    const uint8_t *pkt, size_t len);
/* Anybody else sends one; it arrives after a delay. */
void world_udp_post(struct tgv_world *w, const struct tgv_addr *from,
                    const struct tgv_addr *to, const uint8_t *pkt, size_t len,
                    tgv_time delay);
void world_udp_arrive(struct tgv_world *w, const struct world_event *ev);
/* What a relay makes of a packet goes out, by UDP or TCP. */
void world_relay_out(struct tgv_world *w, unsigned relay,
                     const struct tgv_relay_out *out);
bool world_is_cut(const struct tgv_world *w, unsigned n, unsigned relay,
                  uint8_t leg);
/* A side's NAT box outside, or its own address where there is none. */
struct tgv_addr world_outside(const struct tgv_world *w, unsigned n,
                              uint8_t family);
void world_udp_change(struct tgv_world *w, unsigned n);
bool world_lose(struct tgv_world *w, double loss);

/* -- world_tcp.c ------------------------------------------------------------- */
void world_tcp_open(struct tgv_world *w, unsigned n, unsigned sock,
                    const struct tgv_addr *to);
void world_tcp_close(struct tgv_world *w, unsigned n, unsigned sock);
bool world_tcp_send(struct tgv_world *w, unsigned n, unsigned sock,
                    const uint8_t *data, size_t len);
void world_tcp_event(struct tgv_world *w, const struct world_event *ev);
/* The server sends, or closes. */
void world_tcp_down(struct tgv_world *w, unsigned conn, const uint8_t *data,
                    size_t len);
void world_tcp_end(struct tgv_world *w, unsigned conn);
/* A proxy connects, and sends what its client sends. */
int world_tcp_connect_out(struct tgv_world *w, unsigned client,
                          const struct tgv_addr *to);
void world_tcp_up(struct tgv_world *w, unsigned conn, const uint8_t *data,
                  size_t len);
/* A relay sends a packet by one of its connections. */
void world_tcp_frame(struct tgv_world *w, unsigned relay, uint32_t relay_conn,
                     const uint8_t *pkt, size_t len);
/* Those that a mishap concerns fall silent or are reset. */
void world_tcp_relay_dead(struct tgv_world *w, unsigned relay);
void world_tcp_address(struct tgv_world *w, unsigned n);
void world_tcp_cut(struct tgv_world *w);

/* -- world_proxy.c ----------------------------------------------------------- */
/* Bytes came on a connection to a proxy; it was closed; what the proxy opened
 * for it is there, or not. */
void world_proxy_data(struct tgv_world *w, unsigned conn, const uint8_t *data,
                      size_t len);
void world_proxy_closed(struct tgv_world *w, unsigned conn);
void world_proxy_opened(struct tgv_world *w, unsigned out, bool success);
/* A datagram for a port of the proxy of side n. */
void world_proxy_datagram(struct tgv_world *w, unsigned n,
                          const struct world_event *ev);

#endif
