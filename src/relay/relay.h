/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_RELAY_H
#define TGV_RELAY_RELAY_H
/*
 * The reflector's core: one packet in, at most one out, by the tag in its
 * first 16 bytes. A packet is a UDP datagram or a frame of an obfuscated TCP
 * stream; what came one way may go on the other. No socket, no clock. It sees
 * no key.
 *
 * Invariants: a side's address changes only by a datagram with its tag, and no
 * more often than the limit; control messages are never forwarded, nor
 * answered by TCP; a forwarded packet differs from the one received in bit 0
 * of byte 15 only; peer info is sent on request only. What goes to a TCP
 * connection is a multiple of 4 bytes.
 *
 * A side is reached the way its last call data came (ways.h). Going from one
 * address family, or from one transport, to the other is no address change.
 * Source: wire specification 1.5, 2.3, 2.4
 */
#include "base/addr.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_relay;

struct tgv_relay_limits {
    tgv_time session_idle; /* 60 s */
    unsigned sessions; /* 10000, 1..2^20; allowed ones count */
    unsigned packets_per_side_s; /* 100 */
    unsigned kbit_per_side_s; /* 256 */
    unsigned control_per_source_s; /* 10, per address and port */
    unsigned moves_per_side_s; /* 1 */
    unsigned conns; /* 20000 TCP connections, 1..2^20 */
    unsigned conns_per_side; /* 16, at most 1024 */
    unsigned conns_per_host; /* 1024, see conns.h */
    tgv_time conn_header; /* 5 s from the connection to its header, ... */
    tgv_time conn_frame; /* 5 s from there to the first frame, ... */
    tgv_time conn_idle; /* 60 s from each to the next */
};

struct tgv_relay_config {
    bool open; /* accept unknown tags and make sessions for them */
    struct tgv_relay_limits limits;
    /* Unix time for self info, or NULL: 0. Not used for anything else. */
    uint32_t (*date)(void *ctx);
    void *date_ctx;
    uint64_t hash_seed; /* secret seed of the session table */
};

struct tgv_relay_stats {
    unsigned sessions; /* heard of and not expired */
    uint64_t sessions_created, sessions_expired, sessions_refused;
    uint64_t packets_in, packets_forwarded, bytes_forwarded;
    uint64_t control_in, control_answered;
    uint64_t dropped_short, dropped_large, dropped_unknown_tag;
    uint64_t dropped_no_peer, dropped_rate, dropped_control_rate;
    uint64_t dropped_move;
    unsigned conns; /* open now */
    uint64_t conns_accepted;
    uint64_t conns_refused; /* one of the three limits */
    uint64_t conns_silent; /* no header or no first frame in time */
    uint64_t conns_idle; /* later silent */
    uint64_t conns_broken; /* a wrong header, a frame of a wrong length */
    uint64_t frames_in; /* part of packets_in */
    uint64_t dropped_length; /* no multiple of 4, for a connection */
    uint64_t dropped_tag; /* frame with another tag than those before */
};

enum tgv_relay_verdict {
    TGV_RELAY_DROP = 0,
    TGV_RELAY_REPLY, /* out->pkt (reply) goes back to the sender */
    TGV_RELAY_FORWARD /* the packet itself, its tag changed, goes on */
};

struct tgv_relay_out {
    enum tgv_relay_verdict verdict;
    struct tgv_addr to;
    uint32_t conn; /* 0, or the TCP connection that takes it */
    const uint8_t *pkt; /* valid until the next call, or while `pkt` of the
                           input is */
    size_t len;
    uint64_t flow; /* FORWARD: number of session and direction, never reused;
                      for impairment and late look-up */
};

void tgv_relay_limits_init(struct tgv_relay_limits *limits);
/* @return 0, TGVOIP_ERR_INVALID (limits.sessions, .conns), TGVOIP_ERR_NOMEM */
int tgv_relay_create(struct tgv_relay **out,
                     const struct tgv_relay_config *config);
void tgv_relay_destroy(struct tgv_relay *r);
/* Allow a session, which then never expires from the list of the allowed.
 * @return 0, TGVOIP_ERR_TOO_LARGE (limit), TGVOIP_ERR_NOMEM */
int tgv_relay_add_session(struct tgv_relay *r, const uint8_t tag[16]);
/* pkt may be changed in place. */
void tgv_relay_receive(struct tgv_relay *r, const struct tgv_addr *from,
                       uint8_t *pkt, size_t len, tgv_time now,
                       struct tgv_relay_out *out);
/* Its session has not expired. */
bool tgv_relay_flow_alive(const struct tgv_relay *r, uint64_t flow);
/* Where the flow's receiving side is now; false if it is unknown or gone. */
bool tgv_relay_flow_way(const struct tgv_relay *r, uint64_t flow,
                        struct tgv_addr *to, uint32_t *conn);

/*
 * TCP. The driver owns the sockets and tells the core what happens, by numbers
 * that the core gives out, 1..limits.conns, again after tgv_relay_conn_close().
 */
/* A connection has come.
 * @return 0; TGVOIP_ERR_TOO_LARGE (limits), TGVOIP_ERR_NOMEM: close it, it has
 *         no number */
int tgv_relay_conn_open(struct tgv_relay *r, const struct tgv_addr *from,
                        tgv_time now, uint32_t *conn);
/* Take bytes of its stream until one packet is whole or the bytes end. Call
 * again with the rest while *used < len.
 * @return 0; TGVOIP_ERR_FORMAT, TGVOIP_ERR_TOO_LARGE (too many of this side):
 *         close it */
int tgv_relay_conn_receive(struct tgv_relay *r, uint32_t conn,
                           const uint8_t *data, size_t len, tgv_time now,
                           size_t *used, struct tgv_relay_out *out);
/* Make the frame of a packet; it must be sent, or the connection be closed.
 * @return 0, TGVOIP_ERR_INVALID (no multiple of 4: dropped and counted),
 *         others as tgv_obf_encode() */
int tgv_relay_conn_frame(struct tgv_relay *r, uint32_t conn, const uint8_t *pkt,
                         size_t len, uint8_t *out, size_t cap, size_t *out_len);
/* A connection that has been silent for too long, counted and to be closed
 * now; 0 if there is none. */
uint32_t tgv_relay_conn_expired(struct tgv_relay *r, tgv_time now);
/* It is gone; its side is reached another way, if it has one. */
void tgv_relay_conn_close(struct tgv_relay *r, uint32_t conn);

/* When there is something to expire, sessions or connections. */
tgv_time tgv_relay_deadline(const struct tgv_relay *r);
/* Sessions only. Their connections stay, and belong to none. */
void tgv_relay_expire(struct tgv_relay *r, tgv_time now);
void tgv_relay_stats(const struct tgv_relay *r, struct tgv_relay_stats *s);

#endif
