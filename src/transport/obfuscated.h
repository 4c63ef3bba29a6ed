/* SPDX-License-Identifier: MIT */
#ifndef TGV_TRANSPORT_OBFUSCATED_H
#define TGV_TRANSPORT_OBFUSCATED_H
/*
 * The obfuscated TCP stream between a client and a relay, as a pure codec:
 * the client's 64-byte header, then abridged frames both ways under AES-CTR.
 * The ciphers hide the shape of the traffic, nothing else: their keys travel
 * in the header.
 *
 * A packet is 16..1500 bytes and a multiple of 4. The decoder takes the
 * stream in pieces of any size. Any violation is final: the connection must
 * be closed. No allocation after creation; one thread at a time.
 * Source: wire specification 1.5, 9.1 (C19)
 */
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_OBF_HEADER 64
#define TGV_OBF_PACKET_MIN 16
#define TGV_OBF_PACKET_MAX 1500
#define TGV_OBF_FRAME_MAX (4 + TGV_OBF_PACKET_MAX)

struct tgv_obf;

/*
 * The client's end. Draws the header, which must be sent before anything else.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_RANDOM
 */
int tgv_obf_create_client(struct tgv_obf **out, const struct tgv_random *random,
                          uint8_t header[TGV_OBF_HEADER]);
/* The relay's end; the header is the first thing that it decodes.
 * @return 0, TGVOIP_ERR_NOMEM */
int tgv_obf_create_relay(struct tgv_obf **out);
/* NULL is fine. */
void tgv_obf_destroy(struct tgv_obf *o);

/* The header is behind us: always for a client, at a relay after 64 good
 * bytes. */
bool tgv_obf_ready(const struct tgv_obf *o);

/*
 * Make the frame that carries one packet. Frames must be sent in the order in
 * which they were made, each with one system call (a known client misreads a
 * frame that arrives in parts).
 * @return 0; TGVOIP_ERR_INVALID (not a multiple of 4, or below 16);
 *         TGVOIP_ERR_TOO_LARGE (over 1500, or cap); TGVOIP_ERR_STATE (relay,
 *         no header yet). On failure the stream has not moved.
 */
int tgv_obf_encode(struct tgv_obf *o, const uint8_t *packet, size_t len,
                   uint8_t *out, size_t cap, size_t *out_len);

/*
 * Take bytes of the stream until one packet is whole or the bytes end. Call
 * again with the rest while *used < len.
 * @param[out] used   bytes consumed
 * @param[out] packet the packet, valid until the next call; NULL if none yet
 * @return 0, or TGVOIP_ERR_FORMAT, from then on always: close the connection
 */
int tgv_obf_decode(struct tgv_obf *o, const uint8_t *data, size_t len,
                   size_t *used, const uint8_t **packet, size_t *packet_len);

/* Whether a header must not begin like this, because some box on the way
 * would take it for another protocol. */
bool tgv_obf_forbidden(const uint8_t first8[8]);

#endif
