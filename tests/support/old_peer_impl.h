/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OLD_PEER_IMPL_H
#define TGV_TEST_OLD_PEER_IMPL_H
/*
 * The insides of an old peer, shared by old_peer*.c.
 */
#include "support/old_peer.h"

#define INIT 1
#define INIT_ACK 2
#define STREAM_STATE 3
#define STREAM_DATA 4
#define PING 6
#define PONG 7
#define STREAM_DATA_X2 8
#define STREAM_DATA_X3 9
#define LAN_ENDPOINT 10
#define NETWORK_CHANGED 11
#define NOP 14
#define STREAM_EC 17

#define EXTRA_STREAM_FLAGS 1
#define EXTRA_LAN_ENDPOINT 3
#define EXTRA_NETWORK_CHANGED 4
#define EXTRA_TYPES 8

#define OPUS 0x4F505553u
#define FRAME_US TGV_MS(60)
#define FRAME_SAMPLES 2880

/* What we sent is not what such a release understands. */
void old_peer_breach(struct old_peer *p, const char *what, unsigned value);
/* Of packet numbers. */
bool old_peer_after(uint32_t a, uint32_t b);

/* -- forms, by its own sending rule --------------------------------------------- */
bool old_peer_is_short(const struct old_peer *p);
enum old_envelope old_peer_v2_form(const struct old_peer *p);
enum old_envelope old_peer_envelope(const struct old_peer *p);
bool old_peer_knows_extras(const struct old_peer *p);

/* What stands before the envelope: only its own rule counts, and to it we are
 * of version 9. */
size_t old_peer_prefix(const struct old_peer *p, bool direct,
                       const uint8_t **bytes);

/* -- out ------------------------------------------------------------------------ */
void old_peer_send_on(struct old_peer *p, bool direct, uint8_t type,
                      const uint8_t *payload, size_t len);
void old_peer_send_ack(struct old_peer *p);
void old_peer_tell_lan(struct old_peer *p);

/* -- sound ---------------------------------------------------------------------- */
void old_peer_send_frame(struct old_peer *p);
/* One frame of STREAM_DATA, and all of a STREAM_EC. */
void old_peer_take_data(struct old_peer *p, struct old_cursor *c);
void old_peer_take_ec(struct old_peer *p, struct old_cursor *c);

#endif
