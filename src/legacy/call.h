/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_CALL_H
#define TGV_LEGACY_CALL_H
/*
 * One end of a 2.4.4 call: bytes and times in, bytes, requests, events and a
 * deadline out. No socket, no clock, no thread.
 *
 * The driver (io + api in production, the simulator in tests) does, after
 * every input: perform all requests, transmit until nothing is left, take all
 * events, and then arm its timer for the deadline. Same inputs, same times,
 * same seed: the same bytes out.
 *
 * Which file holds what: call.c (life), handshake.c (INIT, INIT_ACK, versions),
 * state.c (the one place where the state changes), timers.c (all timers).
 * Packets: send.c, receive.c, window.c (replay), ack.c, extras.c, reliable.c.
 * Roads: socket.c (sockets, requests and events of io), paths.c (the set, the
 * current one), reach.c (UDP or TCP), choice.c (pings, the best road, the dead
 * one), direct.c (P2P, LAN, IPv6), tcp.c (streams), proxy.c (SOCKS5), nat64.c.
 * Sound: audio.c (frames in and out), rate.c, plan.c, packer.c, effort.c.
 * The rest: stats.c (measures), debug.c (texts made of them), debug_ctl.c,
 * persist.c, server_config.c.
 */
#include "base/addr.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "media/codec.h"
#include "voice/playout.h"
#include "wire/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_call;
struct tgv_server_config; /* legacy/server_config.h */

#define TGV_RELAYS_MAX 64

/* The numbers are those of the public enumerations in tgvoip/call.h. */
enum tgv_call_state {
    TGV_STATE_WAIT_INIT = 1,
    TGV_STATE_WAIT_INIT_ACK = 2,
    TGV_STATE_ESTABLISHED = 3,
    TGV_STATE_FAILED = 4,
    TGV_STATE_RECONNECTING = 5
};
enum tgv_call_error {
    TGV_CALL_ERROR_UNKNOWN = 0,
    TGV_CALL_ERROR_INCOMPATIBLE = 1,
    TGV_CALL_ERROR_TIMEOUT = 2,
    TGV_CALL_ERROR_AUDIO_IO = 3,
    TGV_CALL_ERROR_PROXY = 4
};
enum tgv_path_type {
    TGV_PATH_P2P_INET = 1,
    TGV_PATH_P2P_LAN = 2,
    TGV_PATH_UDP_RELAY = 3,
    TGV_PATH_TCP_RELAY = 4
};

/* A SOCKS5 proxy. With one, nothing leaves outside it (ENG-64). */
struct tgv_proxy_entry {
    char host[256]; /* name or address; empty: no proxy */
    uint16_t port;
    char user[256]; /* empty: no login */
    char password[256];
};

struct tgv_relay_entry {
    int64_t id;
    bool tcp;
    struct tgv_addr ipv4; /* family NONE if there is none */
    struct tgv_addr ipv6;
    uint8_t tag[TGV_TAG_BYTES];
};

struct tgv_call_config {
    bool outgoing;
    uint8_t key[256]; /* copied; the caller wipes his copy */
    const struct tgv_relay_entry *relays; /* copied, 1..TGV_RELAYS_MAX */
    size_t relay_count;
    int max_layer; /* 65..92 */
    bool allow_p2p;
    bool allow_v1;
    struct tgv_proxy_entry proxy; /* the caller wipes his copy */
    tgv_time init_timeout;
    tgv_time receive_timeout;
    bool data_saving; /* already decided from mode and network type */
    int network_type; /* number of the public enumeration */
    bool muted;
    unsigned complexity;
    unsigned min_frame_ms; /* 20, 40, 60: no shorter frames; 0 is 20 */
    const struct tgv_server_config *server_config; /* copied; NULL = defaults */
    const struct tgv_codec *codec; /* kept */
    struct tgv_random random; /* kept */
    const struct tgv_log *log; /* kept, may be NULL */
    const char *persistent_state; /* text of an earlier call, or NULL */
};

/* One packet of the call, for traces. */
struct tgv_packet_note {
    tgv_time at; /* since connect() */
    bool out; /* we sent it; otherwise we accepted it */
    uint8_t type; /* enum tgv_packet_type */
    uint32_t seq, ack, mask; /* of its header */
    size_t len; /* of the datagram */
    int64_t path_id; /* as the server gave it */
};

struct tgv_trace {
    void (*packet)(void *ctx, const struct tgv_packet_note *note);
    void *ctx;
};

/* -- what the core wants done -------------------------------------------- */

enum tgv_io_request_kind {
    TGV_IO_UDP_OPEN, /* open socket `sock`, dual-stack, random port */
    TGV_IO_TCP_OPEN, /* connect socket `sock` to `to`, without delay */
    TGV_IO_CLOSE, /* close `sock`, or forget the look-up `sock`; no event */
    TGV_IO_RESOLVE /* look `name` up, both families */
};
struct tgv_io_request {
    enum tgv_io_request_kind kind;
    unsigned sock; /* chosen by the core, unique in the call */
    struct tgv_addr to;
    const char *name; /* lives as the call does */
};

/* How many addresses an event carries at most. */
#define TGV_IO_ADDRS 16

enum tgv_io_event_kind {
    TGV_IO_OPENED, /* `addr` is the local address; TCP: connected */
    TGV_IO_FAILED, /* `error` says why; the socket is gone */
    TGV_IO_CLOSED, /* by the other side; the socket is gone */
    TGV_IO_WRITABLE, /* after BLOCKED */
    /* UDP: the last transmit was not taken and is dropped. TCP: it was taken,
     * but no more may follow. Either way until WRITABLE. */
    TGV_IO_BLOCKED,
    /* `addrs`, ports 0; none if the name is unknown */
    TGV_IO_RESOLVED,
    /* `addrs` are the local ones now, ports 0, of interfaces that are up,
     * running and not loopback, in the system's order. Told before the first
     * request is answered, and whenever they have changed. */
    TGV_IO_INTERFACES
};
struct tgv_io_event {
    enum tgv_io_event_kind kind;
    unsigned sock; /* 0 for INTERFACES */
    struct tgv_addr addr;
    int error; /* TGVOIP_ERR_* */
    struct tgv_addr addrs[TGV_IO_ADDRS];
    unsigned addr_count;
};

/* -- what has happened ---------------------------------------------------- */

enum tgv_call_event_kind {
    TGV_EVENT_STATE, /* state, error */
    TGV_EVENT_SIGNAL_BARS, /* bars */
    TGV_EVENT_ROUTE /* path, relay_id, reason */
};
struct tgv_call_event {
    enum tgv_call_event_kind kind;
    enum tgv_call_state state;
    enum tgv_call_error error;
    int bars;
    enum tgv_path_type path;
    int64_t relay_id; /* as the server gave it */
    const char *reason; /* constant */
};

/* What the peer says it can do; public numbers. */
#define TGV_CAPABILITY_GROUP_CALLS 1u
#define TGV_CAPABILITY_VIDEO_CAPTURE 2u
#define TGV_CAPABILITY_VIDEO_DISPLAY 4u

struct tgv_call_stats {
    enum tgv_call_state state;
    enum tgv_call_error error;
    enum tgv_path_type path;
    int64_t path_id;
    const char *path_reason;
    double rtt_ms, loss_out, loss_in;
    unsigned bitrate_bps;
    unsigned frame_ms;
    uint64_t bytes_out, bytes_in;
    uint64_t packets_out, packets_in;
    uint64_t packets_lost_out, packets_lost_in;
    uint64_t packets_bad; /* not opened, or malformed */
    uint64_t packets_duplicate;
    uint64_t packets_unknown_source;
    uint64_t packets_dropped; /* media not sent: blocked, closed */
    uint64_t bytes_out_mobile, bytes_in_mobile; /* of the totals */
    unsigned peer_version, peer_min_version;
    unsigned peer_capabilities; /* TGV_CAPABILITY_* */
    int signal_bars; /* last told; 0 before */
    bool peer_is_ours, peer_muted, encryption_v1;
    tgv_time established; /* since connect; -1 never */
    tgv_time first_audio; /* since connect; -1 never */
    tgv_time connected; /* since connect; 0 before */
    double level_out;
    struct tgv_playout_stats playout;
};

/* Validates everything. @return 0, TGVOIP_ERR_INVALID, TGVOIP_ERR_NOMEM */
int tgv_call_create(struct tgv_call **out,
                    const struct tgv_call_config *config);
/* Wipes the key. NULL is fine. */
void tgv_call_destroy(struct tgv_call *c);

/* Probe relays from now on / begin the handshake. @return 0, TGVOIP_ERR_STATE */
int tgv_call_start(struct tgv_call *c, tgv_time now);
int tgv_call_connect(struct tgv_call *c, tgv_time now);
/* Nothing is sent, received or reported any more. Idempotent. */
void tgv_call_stop(struct tgv_call *c, tgv_time now);

/* Bytes in: `from` is the sender's address (TCP: not read, may be NULL); pkt is
 * one datagram, or for TCP a piece of the stream. Counts and drops what is
 * bad. */
void tgv_call_receive(struct tgv_call *c, unsigned sock,
                      const struct tgv_addr *from, const uint8_t *pkt,
                      size_t len, tgv_time now);
/* Bytes out: call until *len is 0. cap >= TGV_CALL_TRANSMIT_MAX. For TCP `to`
 * is not set, and the bytes are to be written with one system call. */
#define TGV_CALL_TRANSMIT_MAX 1536
void tgv_call_transmit(struct tgv_call *c, unsigned *sock, struct tgv_addr *to,
                       uint8_t *buf, size_t cap, size_t *len, tgv_time now);
bool tgv_call_next_request(struct tgv_call *c, struct tgv_io_request *req);
void tgv_call_io_event(struct tgv_call *c, const struct tgv_io_event *ev,
                       tgv_time now);
bool tgv_call_next_event(struct tgv_call *c, struct tgv_call_event *ev);

/* 20 ms of PCM in each direction. Whether the driver should run the tick: */
bool tgv_call_wants_capture(const struct tgv_call *c); /* from connect() on,
                                        so that a frame is ready at INIT_ACK */
bool tgv_call_sends_audio(const struct tgv_call *c); /* INIT_ACK is in and not
                            muted: only now may the user's audio be consumed */
bool tgv_call_wants_playout(const struct tgv_call *c); /* media has come */
/* pcm is 960 samples, or NULL for silence. */
void tgv_call_capture(struct tgv_call *c, const int16_t *pcm, tgv_time now);
/* The frame that the last tgv_call_capture() sent; false if it sent none.
 * Borrowed until the next capture. */
bool tgv_call_sent_frame(const struct tgv_call *c,
                         struct tgv_voice_block *frame);
void tgv_call_playout(struct tgv_call *c, int16_t *pcm, tgv_time now,
                      struct tgv_played *played);

/* When tgv_call_expire() is due, TGV_NEVER if not. */
tgv_time tgv_call_deadline(const struct tgv_call *c);
void tgv_call_expire(struct tgv_call *c, tgv_time now);

/* A tick of the audio clock came so much after it was due (0: in time). While
 * many are late the encoder's complexity falls; it recovers (ENG-47). */
void tgv_call_tick_late(struct tgv_call *c, tgv_time late, tgv_time now);
void tgv_call_set_mute(struct tgv_call *c, bool muted, tgv_time now);
void tgv_call_set_network_type(struct tgv_call *c, int type, bool data_saving,
                               tgv_time now);

void tgv_call_stats(const struct tgv_call *c, struct tgv_call_stats *stats,
                    tgv_time now);
int64_t tgv_call_preferred_relay(const struct tgv_call *c);
/* JSON as phone.saveCallDebug wants it; malloc'ed, NULL when memory is short */
char *tgv_call_debug_log(const struct tgv_call *c, tgv_time now);
bool tgv_call_need_rate(const struct tgv_call *c);

/* Have every packet told from now on; packet NULL = no more. */
void tgv_call_set_trace(struct tgv_call *c, const struct tgv_trace *trace);
/* Several lines for people; malloc'ed, NULL when memory is short. */
char *tgv_call_debug_string(const struct tgv_call *c, tgv_time now);
/* Head and one row of the table of behaviour notes 17.4, without line end.
 * @return as snprintf(); a row has 0 bytes before INIT_ACK */
const char *tgv_call_dump_head(void);
int tgv_call_dump_row(const struct tgv_call *c, char *row, size_t cap,
                      tgv_time now);
/* JSON for the next call's config; malloc'ed, NULL when memory is short */
char *tgv_call_persistent_state(const struct tgv_call *c);

/* New values of the config. */
void tgv_call_set_timeouts(struct tgv_call *c, tgv_time init, tgv_time receive,
                           tgv_time now);
/* For experiments: highest and present bitrate [bit/s]; loss that the encoder
 * is told [percent], or TGV_DEBUG_LOSS_MEASURED as without it. */
#define TGV_DEBUG_LOSS_MEASURED 255u
void tgv_call_debug_bitrate(struct tgv_call *c, unsigned bps);
void tgv_call_debug_loss(struct tgv_call *c, unsigned percent);
/* Direct roads from now on, or none; never with a proxy. The peer is told. */
void tgv_call_set_p2p(struct tgv_call *c, bool allowed, tgv_time now);

/* Is the type a mobile one? Behaviour notes 7.1 */
bool tgv_network_mobile(int type);

#endif
