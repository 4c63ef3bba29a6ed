/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_INTERNAL_H
#define TGV_LEGACY_INTERNAL_H
/*
 * The insides of a call, shared by the files of this room only.
 *
 * Each part of struct tgv_call belongs to the file named at it, which alone
 * changes it. State changes go through tgv_state_set(); timers are armed in
 * timers.c, to which the other files report what happened.
 */
#include "base/log.h"
#include "base/seq.h"
#include "crypto/seal.h"
#include "legacy/ack.h"
#include "legacy/call.h"
#include "legacy/extras.h"
#include "legacy/measures.h"
#include "legacy/persist.h"
#include "legacy/plan.h"
#include "legacy/server_config.h"
#include "legacy/window.h"
#include "net/burst.h"
#include "net/congestion.h"
#include "net/rtt.h"
#include "transport/socks5.h"
#include "voice/capture.h"
#include "wire/control.h"
#include "wire/packet.h"

#define ROOM "legacy"

/* -- limits of this room -------------------------------------------------- */
/* Relays, a TCP and an IPv6 copy of each, and three direct ones at most. */
#define TGV_PATHS_MAX (3 * TGV_RELAYS_MAX + 3)
#define TGV_CONTROL_QUEUE 256 /* packets without media waiting to be sent */
#define TGV_MEDIA_QUEUE 4 /* media packets; older ones give way */
#define TGV_MEDIA_PAYLOAD 1280
#define TGV_CONTROL_PAYLOAD 32
#define TGV_EVENTS_MAX 64
#define TGV_REQUESTS_MAX 256 /* open and close for each stream */
#define TGV_PINGS_KEPT 4 /* pings of a path that a pong may answer */
#define TGV_PROBES_MAX 10 /* of a UDP reachability series */
#define TGV_ANSWERS_PER_S 20 /* of each kind */
#define TGV_RELIABLE_SLOTS 3
#define TGV_STREAM_HELLO 576 /* proxy messages, or the transport's header */
#define TGV_RELIABLE_NUMBERS 16

#define TGV_PATH_CURRENT 0xFFu
#define TGV_DUAL_GROUP_NONE 0u

/* Every timer; what each does and when it is armed: timers.c. */
enum tgv_timer {
    TGV_TIMER_REOPEN,
    TGV_TIMER_ROADS,
    TGV_TIMER_PROBE,
    TGV_TIMER_PROBE_VERDICT,
    TGV_TIMER_INIT_ROUND,
    TGV_TIMER_INIT_TIMEOUT,
    TGV_TIMER_ESTABLISH,
    TGV_TIMER_SILENCE,
    TGV_TIMER_RECEIVE_TIMEOUT,
    TGV_TIMER_NOP,
    TGV_TIMER_TICK,
    TGV_TIMER_CHOICE,
    TGV_TIMER_BARS,
    TGV_TIMER_NAT64,
    TGV_TIMER_COUNT
};

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

struct tgv_handshake { /* handshake.c */
    unsigned peer_version; /* PV; 0 unknown */
    bool init_seen;
    bool ack_seen; /* evaluated; without an audio stream never ready */
    bool ready; /* INIT_ACK is in: media may be sent */
    bool upgraded; /* V2 below layer 74 */
    bool reached_established;
    unsigned peer_min_version; /* lowest that it accepts */
    unsigned rounds;
    uint32_t peer_flags; /* TGV_INIT_* */
    bool peer_saves_data;
    uint8_t peer_stream;
    bool peer_is_ours;
    uint8_t peer_min_frame_ms;
};

/* What a peer causes, and how often it may. */
enum tgv_answer {
    TGV_ANSWER_INIT_ACK,
    TGV_ANSWER_PONG,
    TGV_ANSWER_MEASURE, /* the first ping to a road; more wait for a tick */
    TGV_ANSWERS
};

enum tgv_item_kind { TGV_ITEM_PACKET, TGV_ITEM_PROBE, TGV_ITEM_PEER_REQUEST };
enum tgv_item_form { TGV_FORM_AUTO, TGV_FORM_LONG, TGV_FORM_SHORT };

struct tgv_item { /* one datagram that waits to be built */
    uint8_t kind;
    uint8_t type; /* enum tgv_packet_type */
    uint8_t path; /* index, or TGV_PATH_CURRENT */
    uint8_t form;
    uint32_t group; /* items of one group share a number; 0 alone */
    uint8_t len;
    uint8_t payload[TGV_CONTROL_PAYLOAD];
};

struct tgv_media_item {
    uint8_t type; /* STREAM_DATA, X2, X3, STREAM_EC */
    size_t len;
    uint8_t payload[TGV_MEDIA_PAYLOAD];
};

struct tgv_sender { /* send.c */
    struct tgv_item items[TGV_CONTROL_QUEUE];
    unsigned first, count;
    struct tgv_media_item media[TGV_MEDIA_QUEUE];
    unsigned media_first, media_count;
    struct tgv_item last; /* kept for BLOCKED */
    bool last_is_item;
    uint32_t groups; /* given out */
    uint32_t group; /* that group_seq belongs to */
    uint32_t group_seq;
    tgv_time answers_since[TGV_ANSWERS];
    unsigned answers[TGV_ANSWERS];
};

struct tgv_reliable { /* reliable.c; peers below version 6 */
    uint8_t type; /* 0: free */
    uint8_t len;
    uint8_t payload[8];
    tgv_time interval, next, until;
    unsigned numbers;
    uint32_t seq[TGV_RELIABLE_NUMBERS];
};

struct tgv_audio { /* audio.c */
    bool muted;
    bool media_seen;
    bool pts_base_set;
    int64_t pts_base; /* stream time of pts 0 [samples] */
    struct tgv_voice_block sent; /* by the last capture; len 0: nothing */
    bool pts_in_set;
    int64_t pts_in; /* newest received, unwrapped [ms] */
    int64_t media_end; /* of the newest frame received [samples] */
    uint32_t media_seq; /* newest packet when it came */
    int64_t copies_from; /* older ones are of before its mute [samples] */
    bool peer_muted;
    bool state_seen;
    uint32_t state_seq; /* of the newest packet STREAM_STATE */
    bool early_flags_set; /* STREAM_FLAGS before INIT_ACK */
    uint8_t early_stream;
    bool early_enabled;
};

struct tgv_rate { /* rate.c */
    struct tgv_encoder_settings encoder;
    struct tgv_congestion path;
    struct tgv_planner planner;
    struct tgv_burst burst;
    bool extra_ec; /* copies are sent, and the peer was told */
    unsigned current; /* path that was measured */
    unsigned peer_frames; /* in its last packet, and their duration [ms] */
    unsigned peer_ms;
    double overhead; /* of a datagram of media [bytes] */
    double loss; /* smoothed */
    tgv_time next_step; /* of the bitrate, upwards */
    tgv_time heard; /* when the peer was last heard */
    tgv_time spoken; /* when there last was a frame to send; 0 never */
    tgv_time frame_at; /* the same, in pauses too */
    /* of the packet that is being received */
    bool sampled, offset_known;
    tgv_time sample, offset;
    tgv_time gap; /* since the packet before */
    size_t sample_bytes;
};

struct tgv_packer { /* packer.c */
    uint8_t payload[TGV_MEDIA_PAYLOAD]; /* frames that wait for others */
    size_t len;
    unsigned frames;
    uint32_t pts; /* of the place of the first, which may be left out */
    bool open; /* that place is taken */
    tgv_time since;
    double credit; /* bytes that may be sent beyond, or are owed (< 0) */
    tgv_time credit_at;
};

struct tgv_effort { /* effort.c */
    unsigned most; /* complexity asked for */
    double late; /* share of late ticks, smoothed */
    tgv_time next; /* step */
    bool long_frames; /* only */
    tgv_time short_at; /* since when not; 0 never changed */
    tgv_time calm_at; /* last step */
    unsigned relapses; /* times that this did not last */
};

struct tgv_call {
    /* given at creation, constant (call.c) */
    bool outgoing, allow_v1;
    int layer;
    unsigned min_frame_ms; /* we take from the peer, and send */
    tgv_time init_timeout, receive_timeout;
    struct tgv_server_config config;
    const struct tgv_codec *codec;
    struct tgv_random random;
    const struct tgv_log *log;
    struct tgv_trace trace; /* stats.c */
    unsigned debug_loss; /* debug_ctl.c */
    struct tgv_persist persist;
    char persist_why[96]; /* it could not be read; empty if it could */
    struct tgv_seal *seal;
    struct tgv_capture *capture;
    struct tgv_playout *playout;
    /* life (call.c) */
    bool allow_p2p; /* never with a proxy; direct.c */
    bool data_saving;
    int network_type;
    bool started, connected, stopped;
    tgv_time connect_time;
    /* socket.c */
    struct {
        unsigned sock; /* 0: none asked for */
        bool bound; /* the socket is there */
        bool open; /* and may be used: with a proxy, once associated */
        bool blocked, was_open;
        struct tgv_addr local;
    } udp;
    unsigned socks; /* numbers given out */
    struct tgv_io_request requests[TGV_REQUESTS_MAX];
    unsigned request_first, request_count;
    /* state.c */
    enum tgv_call_state state;
    enum tgv_call_error error;
    tgv_time established; /* first time; -1 */
    struct tgv_call_event events[TGV_EVENTS_MAX];
    unsigned event_first, event_count;
    /* the parts */
    tgv_time timers[TGV_TIMER_COUNT];
    struct tgv_paths paths;
    struct tgv_reach reach;
    struct tgv_proxy proxy;
    bool hello_due; /* tcp.c: some connection may have one */
    struct tgv_choice choice;
    struct tgv_direct direct;
    struct tgv_nat64 nat64;
    struct tgv_handshake hs;
    struct tgv_sender sender;
    struct tgv_reliable reliable[TGV_RELIABLE_SLOTS];
    struct tgv_window window;
    struct tgv_ack ack;
    struct tgv_extras extras;
    struct tgv_audio audio;
    struct tgv_rate rate;
    struct tgv_packer packer;
    struct tgv_effort effort;
    struct tgv_rtt ack_rtt; /* send to acknowledgement */
    struct tgv_counters counters;
    struct tgv_measures measures;
};

/* -- call.c ---------------------------------------------------------------- */
bool tgv_call_live(const struct tgv_call *c); /* may act on the network */
/* NETWORK_CHANGED to the peer, with our data saving. */
void tgv_call_tell_network(struct tgv_call *c, tgv_time now);

/* -- socket.c -------------------------------------------------------------- */
void tgv_socket_open_udp(struct tgv_call *c);
void tgv_socket_close_all(struct tgv_call *c);
/* The UDP socket may be used from now on / no longer. */
void tgv_socket_udp_ready(struct tgv_call *c, tgv_time now);
void tgv_socket_udp_lost(struct tgv_call *c);
/* A new number, and the request; 0 if there are too many requests, or if it
 * would leave outside the proxy. */
unsigned tgv_socket_open_tcp(struct tgv_call *c, const struct tgv_addr *to);
unsigned tgv_socket_resolve(struct tgv_call *c, const char *name);
void tgv_socket_close(struct tgv_call *c, unsigned sock);

/* -- state.c --------------------------------------------------------------- */
/* The only place where the state changes. FAILED is final (ENG-07). */
void tgv_state_set(struct tgv_call *c, enum tgv_call_state state,
                   enum tgv_call_error error, tgv_time now);
void tgv_state_fail(struct tgv_call *c, enum tgv_call_error error,
                    const char *why, tgv_time now);
void tgv_event_push(struct tgv_call *c, const struct tgv_call_event *ev);
bool tgv_state_talking(const struct tgv_call *c); /* ESTABLISHED or
                                                     RECONNECTING */

/* -- timers.c: what happened ------------------------------------------------ */
void tgv_timers_init(struct tgv_call *c);
void tgv_timers_started(struct tgv_call *c, tgv_time now);
void tgv_timers_probing(struct tgv_call *c, tgv_time now);
void tgv_timers_probe_bad(struct tgv_call *c, tgv_time now);
void tgv_timers_probed(struct tgv_call *c, tgv_time now);
/* No ping of a series is due, nor its verdict. */
bool tgv_timers_series_over(const struct tgv_call *c);
void tgv_timers_connected(struct tgv_call *c, tgv_time now);
/* A UDP socket, or a stream, is open. */
void tgv_timers_socket_open(struct tgv_call *c, tgv_time now);
void tgv_timers_socket_lost(struct tgv_call *c, tgv_time now);
void tgv_timers_ready(struct tgv_call *c, tgv_time now);
void tgv_timers_established(struct tgv_call *c, tgv_time now);
void tgv_timers_accepted(struct tgv_call *c, tgv_time now);
void tgv_timers_sent(struct tgv_call *c, tgv_time now);
/* Wait for IPv4 datagrams / they come, or cannot. */
void tgv_timers_nat64(struct tgv_call *c, bool wait, tgv_time now);

/* -- handshake.c ------------------------------------------------------------ */
bool tgv_handshake_short(const struct tgv_call *c); /* SHORT of the notes */
bool tgv_handshake_v2(const struct tgv_call *c);
bool tgv_handshake_extras(const struct tgv_call *c); /* may be written */
void tgv_handshake_connect(struct tgv_call *c, tgv_time now);
void tgv_handshake_round(struct tgv_call *c, tgv_time now);
/* A road more is open: INIT there at once, if that is still needed. */
void tgv_handshake_road(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_handshake_init(struct tgv_call *c, unsigned path,
                        const struct tgv_init *m, tgv_time now);
void tgv_handshake_ack(struct tgv_call *c, unsigned path,
                       const struct tgv_init_ack *m, tgv_time now);
/* A media packet of the peer's stream came / the wait for it is over. */
void tgv_handshake_media(struct tgv_call *c, tgv_time now);

/* -- send.c ------------------------------------------------------------------ */
uint32_t tgv_send_group(struct tgv_call *c);
void tgv_send_item(struct tgv_call *c, const struct tgv_item *item);
void tgv_send_packet(struct tgv_call *c, unsigned path, uint8_t type,
                     const uint8_t *payload, size_t len);
/* @return false if it was not taken (counted) */
bool tgv_send_media(struct tgv_call *c, uint8_t type, const uint8_t *payload,
                    size_t len);
void tgv_send_drop_media(struct tgv_call *c);
void tgv_send_drop_all(struct tgv_call *c);
void tgv_send_blocked(struct tgv_call *c);
/* Within the limit of what a peer can make us send? */
bool tgv_send_may_answer(struct tgv_call *c, enum tgv_answer which,
                         tgv_time now);
/* The road is gone, and its place may become another one's: what waits for it
 * goes nowhere. */
void tgv_send_forget(struct tgv_call *c, unsigned path);
bool tgv_send_possible(const struct tgv_call *c);

/* -- receive.c --------------------------------------------------------------- */
/* A datagram, or a packet of a stream (from NULL), of a road. */
void tgv_receive_packet(struct tgv_call *c, unsigned path,
                        const struct tgv_addr *from, const uint8_t *pkt,
                        size_t len, tgv_time now);

/* -- reliable.c -------------------------------------------------------------- */
void tgv_reliable_send(struct tgv_call *c, uint8_t type, const uint8_t *payload,
                       size_t len, tgv_time interval, tgv_time timeout,
                       tgv_time now);
void tgv_reliable_sent(struct tgv_call *c, const struct tgv_item *item,
                       uint32_t seq);
void tgv_reliable_run(struct tgv_call *c, tgv_time now);
void tgv_reliable_drop(struct tgv_call *c, uint8_t type);

/* -- paths.c: the set ------------------------------------------------------- */
int tgv_paths_init(struct tgv_call *c, const struct tgv_relay_entry *relays,
                   size_t count);
void tgv_paths_fini(struct tgv_call *c);
/* A free place, cleaned; NULL if there is none. */
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

/* -- audio.c ----------------------------------------------------------------- */
void tgv_audio_stream_data(struct tgv_call *c, const struct tgv_stream_data *m,
                           tgv_time now);
void tgv_audio_stream_ec(struct tgv_call *c, const struct tgv_stream_ec *m,
                         tgv_time now);
void tgv_audio_peer_stream(struct tgv_call *c, uint8_t stream, bool enabled);
/* The same by a packet, which may have been overtaken by a newer one. */
void tgv_audio_stream_state(struct tgv_call *c, uint32_t seq, uint8_t stream,
                            bool enabled);
void tgv_audio_ready(struct tgv_call *c, const struct tgv_stream_desc *desc);
/* Tell the peer whether our stream is on, and has copies. */
void tgv_audio_tell_flags(struct tgv_call *c, tgv_time now);
void tgv_audio_delay_bounds(struct tgv_call *c);

/* -- rate.c ------------------------------------------------------------------ */
void tgv_rate_init(struct tgv_call *c);
/* Limits changed (network, data saving); the learned rate stays (ENG-32). */
void tgv_rate_limits(struct tgv_call *c);
/* The present bitrate, whatever was learned. */
void tgv_rate_force(struct tgv_call *c, unsigned bps);
void tgv_rate_run(struct tgv_call *c, tgv_time now);
/* A packet left; payload_len of its len bytes are its payload. */
void tgv_rate_sent(struct tgv_call *c, unsigned path, uint8_t type, size_t len,
                   size_t payload_len, tgv_time now);
/* An accepted packet came; what it says follows. */
void tgv_rate_heard(struct tgv_call *c, tgv_time now);
void tgv_rate_acked(struct tgv_call *c, const struct tgv_acked *acked,
                    tgv_time now);
/* The packet was evaluated as a whole. */
void tgv_rate_received(struct tgv_call *c, tgv_time now);
/* A media packet of so many frames came; then each frame, with the time of its
 * end on the peer's clock. */
void tgv_rate_packet_of(struct tgv_call *c, unsigned frames);
void tgv_rate_arrived(struct tgv_call *c, unsigned duration, int64_t end_ts,
                      tgv_time now);
/* There is a frame to send, whether it may leave or not. */
void tgv_rate_spoken(struct tgv_call *c, tgv_time now);
/* Bytes that may be under way. */
size_t tgv_rate_window(const struct tgv_call *c, tgv_time now);
/* May a media packet of so many bytes leave? If not, it is left out. */
bool tgv_rate_may_send(struct tgv_call *c, size_t bytes, tgv_time now);
/* The same for a frame of a packet, where the plan itself is too much. */
bool tgv_rate_may_add(struct tgv_call *c, size_t bytes, tgv_time now);

/* -- packer.c ---------------------------------------------------------------- */
/* Send a frame, with others or with copies; or leave it out: false. */
bool tgv_packer_frame(struct tgv_call *c, const struct tgv_voice_frame *f,
                      uint32_t pts, tgv_time now);
/* Frames that waited long enough for others leave now. */
void tgv_packer_run(struct tgv_call *c, tgv_time now);
void tgv_packer_drop(struct tgv_call *c);

/* -- effort.c ---------------------------------------------------------------- */
void tgv_effort_init(struct tgv_call *c, unsigned complexity);

/* -- debug_ctl.c ------------------------------------------------------------- */
void tgv_debug_tick(struct tgv_call *c);

/* -- stats.c ----------------------------------------------------------------- */
void tgv_stats_bars(struct tgv_call *c, tgv_time now);
void tgv_stats_tick(struct tgv_call *c);
void tgv_stats_rate_reason(struct tgv_call *c, uint32_t reason);
/* A packet of len bytes left / was accepted. */
void tgv_stats_sent(struct tgv_call *c, unsigned path,
                    const struct tgv_header *h, size_t len, tgv_time now);
void tgv_stats_received(struct tgv_call *c, unsigned path,
                        const struct tgv_header *h, size_t len, tgv_time now);
/* The network type is about to change. */
void tgv_stats_network(struct tgv_call *c, int type);
uint32_t tgv_stats_in_flight(const struct tgv_call *c); /* [bytes] */
/* Late frames per tick of 0.1 s over the newest `ticks` of them. */
double tgv_stats_late(const struct tgv_call *c, unsigned ticks);
/* Round trip of the current path, by pongs or acknowledgements; 0 unknown. */
tgv_time tgv_stats_rtt(const struct tgv_call *c);

#endif
