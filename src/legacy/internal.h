/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_INTERNAL_H
#define TGV_LEGACY_INTERNAL_H
/*
 * The insides of a call, shared by the files of this room only.
 *
 * Each part of struct tgv_call belongs to the file named at it, which alone
 * changes it. State changes go through tgv_state_set(); timers are armed in
 * timers.c, to which the other files report what happened. What belongs to
 * the roads is in roads.h.
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
#include "legacy/roads.h"
#include "legacy/server_config.h"
#include "legacy/window.h"
#include "net/burst.h"
#include "net/congestion.h"
#include "net/rtt.h"
#include "voice/capture.h"
#include "wire/packet.h"

#define ROOM "legacy"

/* -- limits of this room -------------------------------------------------- */
#define TGV_CONTROL_QUEUE 256 /* packets without media waiting to be sent */
#define TGV_MEDIA_QUEUE 4 /* media packets; older ones give way */
#define TGV_MEDIA_PAYLOAD 1280
#define TGV_CONTROL_PAYLOAD 32
#define TGV_EVENTS_MAX 64
#define TGV_REQUESTS_MAX 256 /* open and close for each stream */
#define TGV_ANSWERS_PER_S 20 /* of each kind */
#define TGV_RELIABLE_SLOTS 3
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
    unsigned highest; /* bitrate on this path */
    /* what losses were like before the path failed, and what they asked for */
    struct tgv_burst burst_before;
    unsigned copies_before;
    bool failed, climbs; /* as of the last look */
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
