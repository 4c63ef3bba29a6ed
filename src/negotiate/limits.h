/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_LIMITS_H
#define TGV_NEGOTIATE_LIMITS_H
/*
 * Every number of call negotiation that is not a TL constant.
 */
#include "base/time.h"

/* Source: call signalling 6 */
#define TGV_DH_RANDOM_BYTES 256
#define TGV_COMMITMENT_BYTES 32
#define TGV_PEER_TAG_BYTES 16

/* Time-outs of the server, until its own are known. Source: 4.1 */
#define TGV_RECEIVE_TIMEOUT_MS 20000
#define TGV_RING_TIMEOUT_MS 90000
#define TGV_CONNECT_TIMEOUT_MS 30000
#define TGV_PACKET_TIMEOUT_MS 10000
/* Values of the server outside 1..this are ignored: our choice. */
#define TGV_TIMEOUT_MAX_MS 600000

/* After discardCall the call is over here. Source: 8.1 */
#define TGV_HANG_UP_TIMEOUT TGV_S(5)

/* phone.getCallConfig is asked for again after this. Source: 4.2 */
#define TGV_CALL_CONFIG_AGE TGV_S(24 * 3600)
/* The rest is our choice. help.getConfig: */
#define TGV_CONFIG_AGE TGV_S(3600)
/* How long a call whose key is agreed waits for configuration on its way. */
#define TGV_HOLD_TIMEOUT TGV_S(3)
/* How long an ended call that nobody holds waits for its last answers. */
#define TGV_LINGER TGV_S(120)
/* A flood wait up to this is waited for, if nobody is kept waiting by it. */
#define TGV_FLOOD_WAIT_SHORT_S 10
/* Sending again when the network failed: at this pace up to the connect
 * timer; in the background doubling, this many times. */
#define TGV_RETRY_AFTER TGV_S(1)
#define TGV_BACKGROUND_TRIES 7

#define TGV_RELAYS_KEPT 64
#define TGV_CALLS_KEPT 128 /* of an account, ended ones included */
#define TGV_EARLY_UPDATES 16 /* kept until an outgoing call has its id */
#define TGV_ENDED_IDS 64 /* remembered, so that echoes are known */
#define TGV_EVENTS_KEPT 32 /* of a call; old state changes go first */
#define TGV_DEBUG_LOG_MAX (1 << 20)
#define TGV_COMMENT_CHARS 200 /* Source: 8.4 */

#endif
