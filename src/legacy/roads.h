/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_ROADS_H
#define TGV_LEGACY_ROADS_H
/*
 * The roads of a call, for the files of this room: what is known of each, which
 * is in use, and who decides. Part of internal.h, where struct tgv_call holds
 * all of this. How it works together: docs/roads.md.
 *
 * Each part belongs to the file named at it, which alone changes it.
 */
#include "base/addr.h"
#include "legacy/ack.h"
#include "legacy/call.h"
#include "net/rtt.h"
#include "transport/socks5.h"
#include "wire/control.h"

#define TGV_DIRECT_MAX 3
/* Relays and the IPv6 copies of them, as many TCP ones as these leave room for,
 * and the direct ones. An index has eight bits. */
#define TGV_PATHS_MAX (3 * TGV_RELAYS_MAX + TGV_DIRECT_MAX)
#define TGV_PINGS_KEPT 4 /* pings of a path that a pong may answer */
#define TGV_PROBES_MAX 10 /* of a UDP reachability series */
#define TGV_STREAM_HELLO 576 /* proxy messages, or the transport's header */

enum tgv_udp_verdict {
    TGV_UDP_UNKNOWN,
    TGV_UDP_AVAILABLE,
    TGV_UDP_BAD,
    TGV_UDP_NOT_AVAILABLE
};

/* Where a road came from; a clone is told with the id of its relay. */
enum tgv_path_origin {
    TGV_ORIGIN_SERVER,
    TGV_ORIGIN_TCP_CLONE,
    TGV_ORIGIN_IPV6_CLONE,
    TGV_ORIGIN_PEER /* direct: peer info, LAN_ENDPOINT, IPV6_ENDPOINT */
};

enum tgv_stream_state {
    TGV_STREAM_CLOSED,
    TGV_STREAM_OPENING, /* TCP connect */
    TGV_STREAM_PROXY, /* greeting, login, CONNECT */
    TGV_STREAM_OPEN
};

/* What a connection has to send before all else: the transport's header, or
 * messages to the proxy, the password among them: wiped once it is sent. */
struct tgv_hello { /* tcp.c */
    uint8_t bytes[TGV_STREAM_HELLO];
    size_t len;
};

/* The conversation with the proxy at the start of a connection. */
enum tgv_socks_step { TGV_SOCKS_METHOD, TGV_SOCKS_LOGIN, TGV_SOCKS_REPLY };
struct tgv_socks { /* proxy.c */
    enum tgv_socks_step step;
    uint8_t in[TGV_SOCKS5_REPLY_MAX]; /* of the present reply */
    size_t in_len;
};

/* The connection of a TCP relay; it outlives no change of socket. */
struct tgv_stream { /* tcp.c */
    enum tgv_stream_state state;
    unsigned sock; /* 0: none */
    bool blocked;
    bool heard; /* a packet came on it */
    struct tgv_obf *obf; /* from TGV_STREAM_OPEN on */
    struct tgv_socks *socks; /* in TGV_STREAM_PROXY */
    struct tgv_hello hello;
    tgv_time since; /* the connection was asked for */
    tgv_time blocked_since;
    tgv_time unheard; /* something was sent then, and nothing came since;
                         TGV_NEVER */
    unsigned failures; /* in a row; bytes of the relay end the row */
    tgv_time retry_at; /* not opened again before */
};

struct tgv_path { /* paths.c */
    enum tgv_path_type type;
    enum tgv_path_origin origin;
    int64_t id; /* as the server gave it, also for clones; direct: the derived
                   id of behaviour notes 5.2 */
    struct tgv_addr addr;
    struct tgv_addr ipv6; /* of a relay that has both; family NONE */
    uint8_t tag[TGV_TAG_BYTES];
    struct tgv_stream *stream; /* TCP relays; NULL for all others */
    bool gone; /* the place is free: for paths_find, choice, send */
    unsigned probes_answered;
    uint64_t probes[TGV_PROBES_MAX]; /* query ids not yet answered, or 0 */
    struct {
        uint32_t seq;
        tgv_time at;
    } pings[TGV_PINGS_KEPT];
    unsigned ping_count;
    tgv_time last_ping; /* sent, or queued; -1 never */
    struct tgv_rtt rtt;
    tgv_time waiting_since; /* oldest packet sent here after the newest that was
                               acknowledged; TGV_NEVER if there is none */
    /* choice.c */
    unsigned unanswered; /* pings since the last pong */
    tgv_time unanswered_since; /* the first of them was sent; TGV_NEVER */
    tgv_time proved; /* the ping that was answered last was sent then; -1 */
    tgv_time burst_at; /* next of several pings close together; TGV_NEVER */
    unsigned burst; /* of these, sent */
    unsigned deaths; /* left as dead, so often */
    tgv_time avoid_until; /* not chosen for its speed before */
};

struct tgv_paths { /* paths.c */
    struct tgv_path list[TGV_PATHS_MAX]; /* an index keeps its meaning */
    unsigned count;
    unsigned current;
    unsigned preferred; /* the best relay */
    const char *reason; /* of the current one; NULL before the handshake */
};

struct tgv_reach { /* reach.c */
    bool udp, tcp; /* in use; a UDP relay that gave no answer is not, while
                      there is a stream */
    unsigned probes_sent;
    unsigned probes_wanted;
    enum tgv_udp_verdict verdict;
    bool relays_given_udp;
    bool relays_given_tcp; /* signalling named TCP relays: no clones */
    bool cloned;
    bool tcp_used; /* a TCP relay was the current road, or UDP failed */
    bool on_tcp; /* the current road is one, at the last tick */
    tgv_time silent_since; /* an answer to a probe is waited for */
    tgv_time answered; /* newest answer to a probe; -1 never */
    tgv_time heard; /* newest packet of a UDP relay; -1 never */
    tgv_time probe_at; /* the next one beyond the series */
    uint32_t history; /* bit n: the n-th newest probe was answered */
};

/* The SOCKS5 proxy: association and control connection for datagrams, and
 * the conversation at the start of each stream. */
enum tgv_proxy_state {
    TGV_PROXY_IDLE, /* retry_at says when it is tried (again) */
    TGV_PROXY_CONNECTING,
    TGV_PROXY_TALKING,
    TGV_PROXY_NAMING, /* the name in its reply is looked up */
    TGV_PROXY_ASSOCIATED
};
struct tgv_proxy { /* proxy.c */
    bool on;
    struct tgv_proxy_entry entry;
    struct tgv_addr addrs[TGV_IO_ADDRS]; /* its own, IPv4 first */
    unsigned addr_count, addr; /* and the one in use */
    unsigned lookup; /* sock of a look-up under way, 0 none */
    tgv_time lookup_since;
    enum tgv_proxy_state state;
    bool no_udp; /* it refused, or is known not to pass datagrams */
    bool passes_udp, passes_tcp; /* told, and remembered */
    unsigned sock; /* of the control connection; 0 none */
    bool blocked;
    struct tgv_hello hello;
    struct tgv_socks socks;
    struct tgv_addr relay; /* where datagrams go; its name under look-up has
                              the port already */
    char relay_name[TGV_SOCKS5_DOMAIN_MAX + 1]; /* that one */
    tgv_time since; /* the attempt began */
    tgv_time retry_at;
    unsigned failures; /* in a row */
    unsigned refusals; /* of the login */
};

struct tgv_choice { /* choice.c */
    tgv_time heard; /* last packet but pings and pongs; TGV_NEVER */
    tgv_time gap; /* longest usual one between these; it fades */
    tgv_time trouble_since; /* the current road shows no life; TGV_NEVER */
    bool unacked; /* the sign: acknowledgements stand still */
    bool suspect; /* for so long that another road is taken */
    unsigned rounds; /* of pings since then */
    tgv_time round_at; /* the next one, not before */
    unsigned turn; /* where the next round begins */
    tgv_time moved; /* the current road has been in use since */
    tgv_time woken; /* an original was told to forget its measures */
    bool holds_ack; /* since then, as its sound does not come */
    uint32_t ack, mask; /* of that moment */
};

#define TGV_STRANGERS_MAX 64

struct tgv_stranger { /* a source of datagrams that belong to no road */
    struct tgv_addr from; /* port 0 */
    tgv_time since; /* the second that is counted */
    unsigned count;
};

struct tgv_direct { /* direct.c */
    struct tgv_addr local[TGV_IO_ADDRS]; /* of this device */
    unsigned local_count;
    bool local_known; /* INTERFACES was told */
    tgv_time ask_at; /* next request for peer info; TGV_NEVER: none wanted */
    tgv_time asked_at; /* last one; -1 */
    unsigned asked; /* requests since; 0: no answer can be due */
    bool same_nat; /* own and peer's public address are equal */
    struct tgv_addr lan, ipv6; /* the peer's, as told; family NONE */
    struct tgv_addr own_ipv6; /* as a relay saw it, and one of ours */
    bool ipv6_told; /* to the peer, in this network */
    struct tgv_stranger strangers[TGV_STRANGERS_MAX], all_strangers;
};

struct tgv_nat64 { /* nat64.c */
    bool on;
    uint8_t prefix[12];
    unsigned lookup; /* number of the look-up under way; 0 */
};

/* -- paths.c: the set ------------------------------------------------------- */
int tgv_paths_init(struct tgv_call *c, const struct tgv_relay_entry *relays,
                   size_t count);
void tgv_paths_fini(struct tgv_call *c);
/* Is there a place for one more road to a relay, beside those for direct ones,
 * which stay free for them? */
bool tgv_paths_relay_fits(const struct tgv_call *c);
/* A free place, cleaned; NULL if there is none, or no memory. */
struct tgv_path *tgv_paths_add(struct tgv_call *c, enum tgv_path_type type,
                               enum tgv_path_origin origin);
unsigned tgv_paths_index(const struct tgv_call *c, const struct tgv_path *p);
/* Of a direct type and family, or NULL. */
struct tgv_path *tgv_paths_direct(struct tgv_call *c, enum tgv_path_type type,
                                  uint8_t family);
bool tgv_path_is_relay(const struct tgv_path *p);
/* A unicast address with a port. */
bool tgv_addr_usable(const struct tgv_addr *a);
/* May something be sent there now: its socket is open and not full, and its
 * transport is in use? */
bool tgv_path_open(const struct tgv_call *c, unsigned path);
/* Bytes in front of the envelope: tag, CALLID or nothing. @return how many */
size_t tgv_path_prefix(const struct tgv_call *c, unsigned path,
                       const uint8_t **prefix);
/* Index of the road that a datagram came on, or -1; *tag_wrong when the
 * address is known but not the prefix. */
int tgv_paths_find(const struct tgv_call *c, const struct tgv_addr *from,
                   const uint8_t *pkt, size_t len, bool *tag_wrong);
/* The only places where `current` and `preferred` change. A relay becomes both;
 * a direct road leaves the preferred relay. */
void tgv_paths_move(struct tgv_call *c, unsigned path, const char *reason,
                    tgv_time now);
void tgv_paths_prefer(struct tgv_call *c, unsigned relay);
/* Leave `path` if it is the current one, for the preferred relay. */
void tgv_paths_leave(struct tgv_call *c, unsigned path, const char *reason,
                     tgv_time now);
/* It is no road any more; left as above. */
void tgv_paths_remove(struct tgv_call *c, unsigned path, const char *reason,
                      tgv_time now);
void tgv_paths_handshake(struct tgv_call *c, unsigned path, tgv_time now);
/* A relay's control message. */
void tgv_paths_control(struct tgv_call *c, unsigned path, const uint8_t *pkt,
                       size_t len, tgv_time now);
tgv_time tgv_paths_rtt(const struct tgv_call *c); /* smoothed, current */
void tgv_paths_forget_rtt(struct tgv_call *c);

/* -- reach.c: UDP or TCP ---------------------------------------------------- */
void tgv_reach_init(struct tgv_call *c);
void tgv_reach_start(struct tgv_call *c, tgv_time now);
void tgv_reach_probe(struct tgv_call *c, tgv_time now);
void tgv_reach_restart(struct tgv_call *c, tgv_time now);
void tgv_reach_verdict(struct tgv_call *c, tgv_time now);
void tgv_reach_self_info(struct tgv_call *c, unsigned path,
                         const struct tgv_control *m, tgv_time now);
/* A sealed packet came on that road. */
void tgv_reach_heard(struct tgv_call *c, unsigned path, tgv_time now);
/* Every 0.1 s from start() on. */
void tgv_reach_tick(struct tgv_call *c, tgv_time now);
/* The call is silent: open all streams now, if TCP is allowed. May be called
 * again and again. */
void tgv_reach_urgent(struct tgv_call *c, tgv_time now);
/* Use TCP besides UDP from now on. @return it is in use */
bool tgv_reach_use_tcp(struct tgv_call *c, const char *why, tgv_time now);
/* May TCP be left for UDP? It has answered for some seconds. */
bool tgv_reach_udp_steady(const struct tgv_call *c);
/* A stream opened / was lost. */
void tgv_reach_stream_opened(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_reach_stream_lost(struct tgv_call *c, unsigned path, tgv_time now);
/* Our network changed: streams and association anew, UDP is tried again. */
void tgv_reach_moved(struct tgv_call *c, tgv_time now);

/* -- tcp.c: streams to TCP relays ------------------------------------------- */
/* Open the stream of a path unless that is under way, or too early again. */
void tgv_tcp_want(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_tcp_want_all(struct tgv_call *c, tgv_time now);
bool tgv_tcp_open(const struct tgv_path *p); /* a frame may be sent */
bool tgv_tcp_any(const struct tgv_call *c); /* some stream is open */
/* What connections have to send before any packet: *len 0 if nothing. */
void tgv_tcp_hello(struct tgv_call *c, unsigned *sock, uint8_t *buf, size_t cap,
                   size_t *len);
/* Move a hello to buf, unless it is empty. @return it was not */
bool tgv_hello_take(struct tgv_hello *h, uint8_t *buf, size_t cap, size_t *len);
/* The packet in buf becomes a frame there. @return 0, TGVOIP_ERR_* */
int tgv_tcp_frame(struct tgv_call *c, struct tgv_path *p, uint8_t *buf,
                  size_t cap, size_t *len, tgv_time now);
/* Is the socket one of a stream? Then the event, or the bytes, were its. */
bool tgv_tcp_event(struct tgv_call *c, const struct tgv_io_event *ev,
                   tgv_time now);
bool tgv_tcp_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                     size_t len, tgv_time now);
/* Streams without progress fail, and are opened again; every 0.1 s. */
void tgv_tcp_tick(struct tgv_call *c, tgv_time now);
/* Streams that gave no answer for a while are opened again, sooner than
 * tgv_tcp_tick() does it. */
void tgv_tcp_urgent(struct tgv_call *c, tgv_time now);
void tgv_tcp_close(struct tgv_call *c, struct tgv_path *p);
/* They may be opened again at once. */
void tgv_tcp_close_all(struct tgv_call *c);
/* How long until the attempt after so many failures. */
tgv_time tgv_tcp_pause(unsigned failures);

/* -- proxy.c: SOCKS5 -------------------------------------------------------- */
/* @return 0, TGVOIP_ERR_INVALID */
int tgv_proxy_init(struct tgv_call *c, const struct tgv_proxy_entry *entry);
void tgv_proxy_fini(struct tgv_call *c); /* wipes the password */
bool tgv_proxy_on(const struct tgv_call *c);
void tgv_proxy_start(struct tgv_call *c, tgv_time now);
/* The UDP socket or the network is a new one: associate again. */
void tgv_proxy_restart(struct tgv_call *c, tgv_time now);
void tgv_proxy_close(struct tgv_call *c);
void tgv_proxy_tick(struct tgv_call *c, tgv_time now);
/* Its address, or NULL while that is not known. */
const struct tgv_addr *tgv_proxy_addr(const struct tgv_call *c);
bool tgv_proxy_event(struct tgv_call *c, const struct tgv_io_event *ev,
                     tgv_time now);
bool tgv_proxy_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                       size_t len, tgv_time now);
/* The conversation: what to say first; then what came, byte by byte.
 * @param to where to CONNECT to; NULL: UDP ASSOCIATE
 * @return 0: done; TGVOIP_ERR_AGAIN; others: it failed, and the log says it */
void tgv_socks_begin(const struct tgv_call *c, struct tgv_socks *s,
                     struct tgv_hello *out);
int tgv_socks_take(struct tgv_call *c, struct tgv_socks *s,
                   const struct tgv_addr *to, uint8_t byte,
                   struct tgv_hello *out, struct tgv_socks5_reply *reply,
                   tgv_time now);
/* The proxy could not be reached, or did not answer in time. */
void tgv_proxy_unreachable(struct tgv_call *c, const char *how, tgv_time now);
/* The datagram in buf, for `to`, becomes one for the proxy; *to too. */
int tgv_proxy_wrap(const struct tgv_call *c, struct tgv_addr *to, uint8_t *buf,
                   size_t *len);
/* And back. @return false: not from the proxy, or not whole (counted) */
bool tgv_proxy_unwrap(struct tgv_call *c, struct tgv_addr *from,
                      const uint8_t **pkt, size_t *len);
/* No road of the call leads through the proxy. */
bool tgv_proxy_failed(const struct tgv_call *c);
/* A relay answered through it: for the persistent state. */
void tgv_proxy_passes(struct tgv_call *c, bool udp);

/* -- choice.c: pings, the best road, the dead one --------------------------- */
void tgv_choice_init(struct tgv_call *c);
/* The current road is another one. */
void tgv_choice_moved(struct tgv_call *c, tgv_time now);
/* Measure a new road with several pings close together, which also open the
 * peer's NAT. */
void tgv_choice_measure(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_choice_run(struct tgv_call *c, tgv_time now); /* every 2 s */
void tgv_choice_watch(struct tgv_call *c, tgv_time now); /* every 0.1 s */
void tgv_choice_ping(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_choice_sent(struct tgv_call *c, unsigned path, uint8_t type,
                     uint32_t seq, tgv_time now);
/* The peer has these packets, as one says that came `on` that road. */
void tgv_choice_acked(struct tgv_call *c, const struct tgv_acked *acked,
                      unsigned on);
/* An accepted packet came there. */
void tgv_choice_accepted(struct tgv_call *c, unsigned path, uint8_t type,
                         tgv_time now);
void tgv_choice_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                     tgv_time now);
/* A stream is open now: it may carry the handshake, or be measured. */
void tgv_choice_opened(struct tgv_call *c, unsigned path, tgv_time now);
/* What is acknowledged to the peer. */
void tgv_choice_ack(const struct tgv_call *c, uint32_t *ack, uint32_t *mask);

/* -- direct.c: P2P, LAN, IPv6 ----------------------------------------------- */
void tgv_direct_init(struct tgv_call *c);
/* Has this device an address of that family? True as long as we do not know. */
bool tgv_direct_reaches(const struct tgv_call *c, const struct tgv_addr *to);
/* Nothing was received for the receive timeout: was a direct road to blame, and
 * does the call go on? */
bool tgv_direct_timeout(struct tgv_call *c, tgv_time now);
/* INIT_ACK is in: look for the direct roads. */
void tgv_direct_ready(struct tgv_call *c, tgv_time now);
void tgv_direct_ask(struct tgv_call *c, tgv_time now); /* for peer info */
void tgv_direct_peer_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now);
/* Own public address as a relay saw it. */
void tgv_direct_self_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now);
void tgv_direct_lan(struct tgv_call *c, const uint8_t ip[4], uint16_t port,
                    tgv_time now);
void tgv_direct_ipv6(struct tgv_call *c, const uint8_t ip[16], uint16_t port,
                     tgv_time now);
/* INTERFACES: the addresses of this device; a change once they were known. */
void tgv_direct_interfaces(struct tgv_call *c, const struct tgv_io_event *ev,
                           tgv_time now);
/* The peer's network, or ours, changed. */
void tgv_direct_network_changed(struct tgv_call *c, tgv_time now);
/* Index of the P2P road that a datagram of unknown source may belong to and
 * may be opened for, within the limits of wire specification 1.4; or -1. */
int tgv_direct_stranger(struct tgv_call *c, const struct tgv_addr *from,
                        tgv_time now);
/* A packet, newer than any before, opened as one of that road from there. */
void tgv_direct_roam(struct tgv_call *c, unsigned path,
                     const struct tgv_addr *from, tgv_time now);
/* Every 0.1 s: repeated requests. */
void tgv_direct_tick(struct tgv_call *c, tgv_time now);

/* -- nat64.c: IPv4 relays from a network without IPv4 ------------------------ */
/* The UDP socket is open, or the device's addresses are known: is there need
 * of it? */
void tgv_nat64_network(struct tgv_call *c, tgv_time now);
void tgv_nat64_resolve(struct tgv_call *c); /* unless under way */
void tgv_nat64_forget(struct tgv_call *c); /* another network */
/* @return it was an answer to our look-up */
bool tgv_nat64_event(struct tgv_call *c, const struct tgv_io_event *ev);
/* Destination as it goes to the socket, source as the call knows it. */
struct tgv_addr tgv_nat64_out(const struct tgv_call *c,
                              const struct tgv_addr *to);
struct tgv_addr tgv_nat64_in(const struct tgv_call *c,
                             const struct tgv_addr *from);
/* A datagram of a road came from that address. */
void tgv_nat64_heard(struct tgv_call *c, const struct tgv_addr *from);

#endif
