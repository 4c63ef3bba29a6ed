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
#define TGV_ANSWERS_PER_S 20 /* INIT_ACK, and PONG */
#define TGV_RELIABLE_SLOTS 2
#define TGV_STREAM_HELLO 576 /* proxy messages, or the transport's header */
#define TGV_RELIABLE_NUMBERS 16

#define TGV_PATH_CURRENT 0xFFu
#define TGV_DUAL_GROUP_NONE 0u

/* Every timer; what each does and when it is armed: timers.c. */
enum tgv_timer {
    TGV_TIMER_REOPEN,
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

/* The connection of a TCP relay; it outlives no change of socket. */
struct tgv_stream { /* tcp.c */
    enum tgv_stream_state state;
    unsigned sock; /* 0: none */
    bool blocked;
    struct tgv_obf *obf; /* from TGV_STREAM_OPEN on */
    struct tgv_socks *socks; /* in TGV_STREAM_PROXY */
    uint8_t hello[TGV_STREAM_HELLO]; /* bytes to be sent before all else */
    size_t hello_len;
    tgv_time progress; /* last sign of life */
    unsigned failures; /* in a row */
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
    tgv_time waiting_since; /* oldest packet sent here since one was last
                               acknowledged; TGV_NEVER if there is none */
};

struct tgv_paths { /* paths.c */
    struct tgv_path list[TGV_PATHS_MAX]; /* an index keeps its meaning */
    unsigned count;
    unsigned current;
    unsigned preferred; /* the best relay */
    const char *reason; /* of the current one; NULL before the handshake */
};

struct tgv_reach { /* reach.c */
    bool udp, tcp; /* in use */
    unsigned probes_sent;
    unsigned probes_wanted;
    enum tgv_udp_verdict verdict;
    bool relays_given_tcp; /* signalling named TCP relays: no clones */
    bool cloned;
};

struct tgv_choice { /* choice.c */
    tgv_time suspect_since; /* the current one does not answer; TGV_NEVER */
    tgv_time rescue_at; /* next round of pings while suspect */
};

struct tgv_direct { /* direct.c */
    struct tgv_addr local[TGV_IO_ADDRS]; /* of this device */
    unsigned local_count;
    bool local_known; /* INTERFACES was told */
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

enum tgv_item_kind { TGV_ITEM_PACKET, TGV_ITEM_PROBE };
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
    tgv_time answers_since[2]; /* INIT_ACK, PONG */
    unsigned answers[2];
};

struct tgv_reliable { /* reliable.c; peers below version 6 */
    uint8_t type; /* 0: free */
    uint8_t len;
    uint8_t payload[4];
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
    bool peer_muted;
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
};

struct tgv_call {
    /* given at creation, constant (call.c) */
    bool outgoing, allow_p2p, allow_v1;
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
    bool data_saving;
    int network_type;
    bool started, connected, stopped;
    tgv_time connect_time;
    /* socket.c */
    struct {
        unsigned sock; /* 0: none asked for */
        bool open, blocked, was_open;
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
    struct tgv_choice choice;
    struct tgv_direct direct;
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
/* A new number, and the request; 0 if there are too many requests. */
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
void tgv_timers_probing(struct tgv_call *c, tgv_time now);
void tgv_timers_probe_bad(struct tgv_call *c, tgv_time now);
void tgv_timers_probed(struct tgv_call *c, tgv_time now);
void tgv_timers_connected(struct tgv_call *c, tgv_time now);
void tgv_timers_socket_open(struct tgv_call *c, tgv_time now);
void tgv_timers_socket_lost(struct tgv_call *c, tgv_time now);
void tgv_timers_ready(struct tgv_call *c, tgv_time now);
void tgv_timers_established(struct tgv_call *c, tgv_time now);
void tgv_timers_accepted(struct tgv_call *c, tgv_time now);
void tgv_timers_sent(struct tgv_call *c, tgv_time now);

/* -- handshake.c ------------------------------------------------------------ */
bool tgv_handshake_short(const struct tgv_call *c); /* SHORT of the notes */
bool tgv_handshake_v2(const struct tgv_call *c);
bool tgv_handshake_extras(const struct tgv_call *c); /* may be written */
void tgv_handshake_connect(struct tgv_call *c, tgv_time now);
void tgv_handshake_round(struct tgv_call *c, tgv_time now);
void tgv_handshake_init(struct tgv_call *c, unsigned path,
                        const struct tgv_init *m, tgv_time now);
void tgv_handshake_ack(struct tgv_call *c, unsigned path,
                       const struct tgv_init_ack *m, size_t payload_len,
                       tgv_time now);
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
/* Within the limit of answers? which: 0 INIT_ACK, 1 PONG */
bool tgv_send_may_answer(struct tgv_call *c, unsigned which, tgv_time now);
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
void tgv_reliable_sent(struct tgv_call *c, uint8_t type, uint32_t seq);
void tgv_reliable_run(struct tgv_call *c, tgv_time now);

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
void tgv_paths_handshake(struct tgv_call *c, unsigned path, tgv_time now);
/* A relay's control message. */
void tgv_paths_control(struct tgv_call *c, unsigned path, const uint8_t *pkt,
                       size_t len, tgv_time now);
tgv_time tgv_paths_rtt(const struct tgv_call *c); /* smoothed, current */
void tgv_paths_forget_rtt(struct tgv_call *c);

/* -- reach.c: UDP or TCP ---------------------------------------------------- */
void tgv_reach_init(struct tgv_call *c);
void tgv_reach_probe(struct tgv_call *c, tgv_time now);
void tgv_reach_restart(struct tgv_call *c, tgv_time now);
void tgv_reach_verdict(struct tgv_call *c, tgv_time now);
void tgv_reach_self_info(struct tgv_call *c, unsigned path,
                         const struct tgv_control *m, tgv_time now);
/* Every 0.1 s from start() on. */
void tgv_reach_tick(struct tgv_call *c, tgv_time now);

/* -- tcp.c: streams to TCP relays ------------------------------------------- */
/* Open the stream of a path unless that is under way, or too early again. */
void tgv_tcp_want(struct tgv_call *c, unsigned path, tgv_time now);
bool tgv_tcp_open(const struct tgv_path *p); /* a frame may be sent */
/* What the streams have to send before any packet: *len 0 if nothing. */
void tgv_tcp_hello(struct tgv_call *c, unsigned *sock, uint8_t *buf, size_t cap,
                   size_t *len, tgv_time now);
/* The packet in buf becomes a frame there. @return 0, TGVOIP_ERR_* */
int tgv_tcp_frame(struct tgv_call *c, struct tgv_path *p, uint8_t *buf,
                  size_t cap, size_t *len);
/* Is the socket one of a stream? Then the event, or the bytes, were its. */
bool tgv_tcp_event(struct tgv_call *c, const struct tgv_io_event *ev,
                   tgv_time now);
bool tgv_tcp_receive(struct tgv_call *c, unsigned sock, const uint8_t *data,
                     size_t len, tgv_time now);
/* Streams without progress fail; every 0.1 s. */
void tgv_tcp_tick(struct tgv_call *c, tgv_time now);
void tgv_tcp_close(struct tgv_call *c, struct tgv_path *p);
void tgv_tcp_close_all(struct tgv_call *c);

/* -- choice.c: pings, the best road, the dead one --------------------------- */
void tgv_choice_run(struct tgv_call *c, tgv_time now); /* every 2 s */
void tgv_choice_watch(struct tgv_call *c, tgv_time now); /* every 0.1 s */
void tgv_choice_ping(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_choice_sent(struct tgv_call *c, unsigned path, uint8_t type,
                     uint32_t seq, tgv_time now);
void tgv_choice_acked(struct tgv_call *c, unsigned path);
void tgv_choice_accepted(struct tgv_call *c, unsigned path, tgv_time now);
void tgv_choice_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                     tgv_time now);
/* A stream is open now: it may carry the handshake, or be measured. */
void tgv_choice_opened(struct tgv_call *c, unsigned path, tgv_time now);

/* -- direct.c: P2P, LAN, IPv6 ----------------------------------------------- */
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

/* -- audio.c ----------------------------------------------------------------- */
void tgv_audio_stream_data(struct tgv_call *c, const struct tgv_stream_data *m,
                           tgv_time now);
void tgv_audio_stream_ec(struct tgv_call *c, const struct tgv_stream_ec *m,
                         tgv_time now);
void tgv_audio_peer_stream(struct tgv_call *c, uint8_t stream, bool enabled);
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
