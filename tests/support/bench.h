/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_BENCH_H
#define TGV_TEST_BENCH_H
/*
 * One call on the bench, with a peer that the test plays by hand: it builds
 * any packet, good or hostile, with the codec and the key, and reads what the
 * call sends. Virtual time; no relay, no link.
 *
 * Connections: with `tcp` ACCEPT each opens at once and the far end reads the
 * obfuscated stream; with HOLD the test answers (tgv_bench_tcp_event()), and
 * the call waits. A connection to the proxy is read raw until the test makes
 * it a tunnel.
 */
#include "crypto/seal.h"
#include "legacy/call.h"
#include "legacy/server_config.h"
#include "transport/obfuscated.h"
#include "wire/control.h"
#include "wire/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define TGV_BENCH_LOG_MAX 4096
#define TGV_BENCH_PAYLOAD 1400
#define TGV_BENCH_START TGV_S(500)
#define TGV_BENCH_STREAMS 128
#define TGV_BENCH_NAMES 8
#define TGV_BENCH_BODY 64 /* of INIT and INIT_ACK */

struct tgv_bench_packet { /* sent by the call */
    tgv_time at; /* since the start */
    unsigned relay;
    int stream; /* index of the connection, or -1: UDP */
    struct tgv_addr to; /* UDP: where the datagram itself went */
    size_t datagram_len; /* without the proxy's header */
    enum tgv_control_kind control; /* NONE: a sealed packet, as follows */
    uint64_t query_id;
    bool opened;
    enum tgv_envelope envelope;
    struct tgv_header h; /* extras point into `inner` */
    uint8_t inner[TGV_BENCH_PAYLOAD];
    const uint8_t *payload;
    size_t payload_len;
};

enum tgv_bench_tcp { TGV_BENCH_HOLD, TGV_BENCH_ACCEPT };

struct tgv_bench_stream { /* a connection of the call */
    unsigned sock;
    struct tgv_addr to;
    tgv_time at; /* since the start */
    bool gone; /* closed by either side */
    bool open;
    bool tunnel; /* obfuscated bytes from here on */
    struct tgv_obf *obf;
    size_t headers; /* bytes of the transport's header seen */
    uint8_t raw[1024]; /* what came before the tunnel */
    size_t raw_len;
};

struct tgv_bench_options {
    bool incoming; /* the call under test is the callee */
    unsigned relays;
    int layer;
    bool allow_v1, muted, data_saving;
    tgv_time init_timeout, receive_timeout;
    const struct tgv_server_config *config;
    bool random_fails;
    bool stay_closed; /* the test answers the requests for sockets */
    unsigned tcp_relays; /* so many of the last relays are TCP ones */
    bool allow_p2p;
    bool ipv6; /* the relays have an IPv6 address too */
    bool ipv6_only; /* ... and no other */
    enum tgv_bench_tcp tcp;
    struct tgv_proxy_entry proxy;
    const char *persistent_state;
    const struct tgv_log *log;
};

struct tgv_bench {
    struct tgv_bench_options o;
    struct tgv_call *call;
    tgv_time now;
    unsigned sock;
    struct tgv_addr relay_addr[TGV_RELAYS_MAX];
    struct tgv_addr relay_ipv6[TGV_RELAYS_MAX];
    struct tgv_addr self, self_ipv6; /* what relays say that the call is */
    uint16_t port; /* of the call's UDP socket, as OPENED tells it */
    uint8_t tag[TGV_TAG_BYTES]; /* of the call; relay number in byte 0 */
    struct tgv_prng call_prng, prng;
    bool random_fails;
    bool answer_probes; /* relays answer UDP pings (default) */
    bool audio; /* run capture and play-out every 20 ms */
    tgv_time next_audio;
    /* the peer: how it speaks */
    struct tgv_seal *seal;
    enum tgv_envelope envelope;
    enum tgv_header_form form;
    bool has_flags; /* of the simple form */
    uint32_t version;
    uint32_t seq; /* of its next packet */
    bool hold_ack; /* leave ack and mask as they are */
    uint32_t ack, mask;
    uint32_t pts; /* of the next frame that it talks */
    unsigned extra_count;
    struct tgv_extra extras[TGV_EXTRAS_MAX];
    /* what the call did */
    struct tgv_bench_packet *log;
    unsigned count;
    unsigned state_count, route_count;
    enum tgv_call_state states[64];
    enum tgv_call_error last_error;
    const char *routes[64];
    int64_t route_ids[64];
    int bars;
    unsigned requests;
    struct tgv_io_request last_request;
    /* connections and names */
    enum tgv_bench_tcp tcp;
    struct tgv_bench_stream streams[TGV_BENCH_STREAMS];
    unsigned stream_count;
    char names[TGV_BENCH_NAMES][256]; /* looked up */
    unsigned name_sock;
    unsigned name_count;
    struct tgv_addr assoc; /* where proxied datagrams go; family NONE */
    int via; /* connection that the peer's packets take; -1: UDP */
    size_t piece; /* bytes of a stream handed over at once; 0: all */
};

void tgv_bench_options_init(struct tgv_bench_options *o);
/* Create, start and connect (unless stay_closed). */
void tgv_bench_init(struct tgv_bench *b, const struct tgv_bench_options *o);
void tgv_bench_fini(struct tgv_bench *b);
/* Let time pass, everything on its deadline. */
void tgv_bench_run(struct tgv_bench *b, tgv_time length);
/* Collect what the call wants after an input made directly. */
void tgv_bench_settle(struct tgv_bench *b);
void tgv_bench_event(struct tgv_bench *b, enum tgv_io_event_kind kind);

/* -- direct roads ------------------------------------------------------------- */
/* The peer sends from any address, with the prefix of a direct road. */
size_t tgv_bench_seal_direct(struct tgv_bench *b, uint8_t type,
                             const uint8_t *payload, size_t len, uint8_t *out);
void tgv_bench_from(struct tgv_bench *b, const struct tgv_addr *from,
                    const uint8_t *data, size_t len);
void tgv_bench_send_direct(struct tgv_bench *b, const struct tgv_addr *from,
                           uint8_t type, const uint8_t *payload, size_t len);
/* For a while the peer talks, a packet each 20 ms, and answers every ping that
 * comes to that address. */
void tgv_bench_answer(struct tgv_bench *b, const struct tgv_addr *at,
                      tgv_time length);
/* A relay tells the call's own public address and the peer's. */
void tgv_bench_peer_info(struct tgv_bench *b, unsigned relay,
                         const struct tgv_addr *self,
                         const struct tgv_addr *peer);
/* The device has these addresses now. */
void tgv_bench_interfaces(struct tgv_bench *b, const struct tgv_addr *addrs,
                          unsigned count);
/* Packets of a type sent to an address at log index `from` or later. */
unsigned tgv_bench_sent_to(const struct tgv_bench *b, const struct tgv_addr *to,
                           uint8_t type, unsigned from);

/* -- connections -------------------------------------------------------------- */
void tgv_bench_tcp_event(struct tgv_bench *b, unsigned stream,
                         enum tgv_io_event_kind kind);
/* Bytes to the call, in pieces. */
void tgv_bench_tcp_bytes(struct tgv_bench *b, unsigned stream,
                         const uint8_t *data, size_t len);
/* The connection carries the obfuscated stream from now on. */
void tgv_bench_tunnel(struct tgv_bench *b, unsigned stream);
/* Connections that are not gone. */
unsigned tgv_bench_live_streams(const struct tgv_bench *b);
/* The newest name that was asked for has these addresses (0: unknown). */
void tgv_bench_resolved(struct tgv_bench *b, const struct tgv_addr *addrs,
                        unsigned count);

/* The peer sends a packet through a relay; takes the next number. */
void tgv_bench_send(struct tgv_bench *b, unsigned relay, uint8_t type,
                    const uint8_t *payload, size_t len);
/* Seal a packet into a datagram without handing it over; its length. */
size_t tgv_bench_seal(struct tgv_bench *b, unsigned relay, uint8_t type,
                      const uint8_t *payload, size_t len, uint8_t *out);
/* Seal raw inner bytes and hand them over. */
void tgv_bench_send_inner(struct tgv_bench *b, unsigned relay,
                          const uint8_t *inner, size_t len);
void tgv_bench_datagram(struct tgv_bench *b, unsigned relay,
                        const uint8_t *data, size_t len);
/* The bodies of its INIT and its INIT_ACK; their lengths. */
size_t tgv_bench_init_body(const struct tgv_bench *b, uint8_t *body);
size_t tgv_bench_ack_body(const struct tgv_bench *b, uint8_t *body);
void tgv_bench_init_packet(struct tgv_bench *b, unsigned relay);
void tgv_bench_ack_packet(struct tgv_bench *b, unsigned relay);
/* An INIT that says something else. */
void tgv_bench_init_with(struct tgv_bench *b, unsigned relay, uint32_t version,
                         uint32_t min_version, uint32_t flags);
void tgv_bench_media(struct tgv_bench *b, unsigned relay, uint32_t pts);
/* INIT, INIT_ACK, media: the call is ESTABLISHED afterwards. */
void tgv_bench_establish(struct tgv_bench *b);
/* The same with a peer of that version, in the headers of its time. */
void tgv_bench_establish_version(struct tgv_bench *b, unsigned version);
/* The peer keeps talking for a while, a packet each 60 ms, at their end. */
void tgv_bench_talk(struct tgv_bench *b, tgv_time length);
/* The same, each packet after 20 of its 60 ms: for pieces that short, too. */
void tgv_bench_talk_promptly(struct tgv_bench *b, tgv_time length);

/* Packets of a type sent at log index `from` or later. */
unsigned tgv_bench_sent(const struct tgv_bench *b, uint8_t type, unsigned from);
/* The n-th of these; NULL if there is none. */
const struct tgv_bench_packet *tgv_bench_find(const struct tgv_bench *b,
                                              uint8_t type, unsigned from,
                                              unsigned n);
const struct tgv_extra *tgv_bench_extra(const struct tgv_bench_packet *p,
                                        uint8_t type);
struct tgv_call_stats tgv_bench_stats(struct tgv_bench *b);
enum tgv_call_state tgv_bench_state(struct tgv_bench *b);

#endif
