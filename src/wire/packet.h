/* SPDX-License-Identifier: MIT */
#ifndef TGV_WIRE_PACKET_H
#define TGV_WIRE_PACKET_H
/*
 * The inner packet (what is inside an envelope): its three header forms and
 * the body of every packet type and extra, bytes to struct and back.
 *
 * No state, no allocation. Pointers in decoded structs point into the bytes
 * given and live as long as they do. Decoders bound every field by the inner
 * packet, tolerate trailing bytes, and fill the struct completely or fail with
 * TGVOIP_ERR_FORMAT. Encoders fail with TGVOIP_ERR_TOO_LARGE.
 * Source: wire specification 4, 9.1 (C9..C18)
 */
#include "wire/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_EXTRAS_MAX 16
#define TGV_EXTRA_DATA_MAX 254
#define TGV_STREAMS_MAX 8
#define TGV_CODECS_MAX 16
#define TGV_FEC_MAX 8
#define TGV_FEC_LEN_MAX 255
#define TGV_STREAM_DATA_MAX 2047

enum tgv_header_form {
    TGV_HEADER_SHORT = 0,
    TGV_HEADER_FULL = 1, /* decryptedAudioBlock, handshake states */
    TGV_HEADER_SIMPLE = 2 /* simpleAudioBlock, all other states */
};

struct tgv_extra {
    uint8_t type; /* enum tgv_extra_type, or unknown */
    uint8_t len; /* of data, 0..254 */
    const uint8_t *data;
};

struct tgv_header {
    enum tgv_header_form form;
    uint8_t type; /* enum tgv_packet_type, or unknown */
    uint32_t ack;
    uint32_t seq;
    uint32_t mask; /* bit 31-i: see ack.h of legacy for its two readings */
    /* short, and simple with flags */
    unsigned extra_count;
    struct tgv_extra extras[TGV_EXTRAS_MAX];
    /* short only */
    bool has_recv_ts;
    uint32_t recv_ts; /* [ms] since the sender's start */
    /* simple only: the byte that is there when the RECEIVER of the packet is
     * known to speak version >= 6 */
    bool has_flags;
    /* full and simple */
    uint8_t random_id[8];
    uint8_t random_bytes[7];
    /* full only */
    bool has_call_id;
    uint8_t call_id[TGV_CALL_ID_BYTES];
    bool has_proto;
    uint32_t proto;
    /* Decoded only, as they stand there; encoders write what fits. */
    uint32_t flags; /* of every form that has some, unknown bits included */
    size_t random_len; /* full and simple: of the random string */
    size_t data_len; /* full and simple: the TL length */
};

/* Which header an opened packet starts with: inside V2-short always short;
 * else by its first four bytes. */
enum tgv_header_form tgv_header_form_of(bool envelope_short,
                                        const uint8_t *inner, size_t len);

/*
 * Decode the header; what is left is the payload of h->type.
 *
 * @param simple_flags for TGV_HEADER_SIMPLE: whether the flag byte is there
 *                     (own version as the sender sees it >= 6; we are 9, so
 *                     it is unless the sender does not know our version)
 * Missing sequence fields in the full form fail; a wrong call id or protocol
 * word does not: the caller looks at them.
 */
int tgv_header_decode(struct tgv_header *h, enum tgv_header_form form,
                      bool simple_flags, const uint8_t *inner, size_t len,
                      const uint8_t **payload, size_t *payload_len);

/* Write header and payload. @param[out] len bytes written */
int tgv_packet_encode(const struct tgv_header *h, const uint8_t *payload,
                      size_t payload_len, uint8_t *out, size_t cap,
                      size_t *len);

/* -- bodies -------------------------------------------------------------- */

struct tgv_init {
    uint32_t version;
    uint32_t min_version;
    uint32_t flags; /* TGV_INIT_* */
    unsigned codec_count;
    uint32_t codecs[TGV_CODECS_MAX];
    unsigned video_count;
    uint32_t video[TGV_CODECS_MAX];
    uint8_t max_video_resolution;
};
/* The audio list is mandatory; a missing or cut video part reads as empty. */
int tgv_init_decode(struct tgv_init *m, const uint8_t *p, size_t len);
/* Without codecs in m, what an audio-only end sends: 19 bytes from layer 74 on,
 * else 23. */
int tgv_init_encode(const struct tgv_init *m, int layer, uint8_t *out,
                    size_t cap, size_t *len);

struct tgv_stream_desc {
    uint8_t id;
    uint8_t type;
    uint32_t codec;
    uint16_t frame_ms;
    bool enabled;
};
struct tgv_init_ack {
    uint32_t version;
    uint32_t min_version;
    unsigned stream_count; /* kept; later ones and duplicate ids are skipped */
    struct tgv_stream_desc streams[TGV_STREAMS_MAX];
};
/* The codec's width follows m->version as read from the packet. */
int tgv_init_ack_decode(struct tgv_init_ack *m, const uint8_t *p, size_t len);
int tgv_init_ack_encode(const struct tgv_init_ack *m, unsigned peer_version,
                        uint8_t *out, size_t cap, size_t *len);

struct tgv_blob {
    const uint8_t *data;
    size_t len;
};
struct tgv_stream_data {
    uint8_t stream_id; /* 0..63 */
    uint32_t pts; /* [ms], wraps */
    bool keyframe;
    bool fragmented;
    uint8_t fragment_index;
    uint8_t fragment_count;
    bool len16; /* decoded: the two-byte form was used; encoders use it
                          when set or when they must */
    struct tgv_blob data;
    bool has_fec; /* EXTRA_FEC present, even with no entry */
    unsigned fec_count;
    struct tgv_blob fec[TGV_FEC_MAX]; /* oldest first, the last is this
                                         frame's own place; may be empty */
    bool fec_truncated; /* decoded: the list was malformed and is dropped; the
                           primary frame is good */
};
/* Reads one body; @param[out] used its length, for X2 and X3. */
int tgv_stream_data_decode(struct tgv_stream_data *m, const uint8_t *p,
                           size_t len, size_t *used);
int tgv_stream_data_encode(const struct tgv_stream_data *m, uint8_t *out,
                           size_t cap, size_t *len);

struct tgv_stream_ec {
    uint8_t stream_id;
    uint32_t pts; /* of the newest */
    unsigned count;
    struct tgv_blob frames[TGV_FEC_MAX];
};
int tgv_stream_ec_decode(struct tgv_stream_ec *m, const uint8_t *p, size_t len);
int tgv_stream_ec_encode(const struct tgv_stream_ec *m, uint8_t *out,
                         size_t cap, size_t *len);

/* Fixed forms: PONG, and those that exist both as packet and as extra. The
 * encoders need the room given by the array bound and return its length. */
int tgv_pong_decode(uint32_t *ping_seq, const uint8_t *p, size_t len);
size_t tgv_pong_encode(uint32_t ping_seq, uint8_t out[4]);
int tgv_stream_state_decode(uint8_t *id, bool *enabled, const uint8_t *p,
                            size_t len);
size_t tgv_stream_state_encode(uint8_t id, bool enabled, uint8_t out[2]);
int tgv_lan_endpoint_decode(uint8_t ip[4], uint16_t *port, const uint8_t *p,
                            size_t len);
size_t tgv_lan_endpoint_encode(const uint8_t ip[4], uint16_t port,
                               uint8_t out[8]);
/* A version-1 peer sends nothing: an empty body reads as no flags. */
int tgv_network_changed_decode(uint32_t *flags, const uint8_t *p, size_t len);
size_t tgv_network_changed_encode(uint32_t flags, uint8_t out[4]);

/* Extras only. */
int tgv_stream_flags_decode(uint8_t *id, uint32_t *flags, const uint8_t *p,
                            size_t len);
size_t tgv_stream_flags_encode(uint8_t id, uint32_t flags, uint8_t out[5]);
int tgv_ipv6_endpoint_decode(uint8_t ip[16], uint16_t *port, const uint8_t *p,
                             size_t len);
size_t tgv_ipv6_endpoint_encode(const uint8_t ip[16], uint16_t port,
                                uint8_t out[18]);
struct tgv_stream_csd {
    uint8_t stream_id;
    uint16_t width, height;
    unsigned count;
    struct tgv_blob entries[TGV_FEC_MAX];
};
int tgv_stream_csd_decode(struct tgv_stream_csd *m, const uint8_t *p,
                          size_t len);
int tgv_stream_csd_encode(const struct tgv_stream_csd *m, uint8_t *out,
                          size_t cap, size_t *len);
/* Our own announcement: "TGVX", u8 version, u8 smallest frame in ms, room to
 * grow. Source: our choice; originals ignore it */
int tgv_tgvx_decode(uint8_t *version, uint8_t *min_frame_ms, const uint8_t *p,
                    size_t len);
size_t tgv_tgvx_encode(uint8_t version, uint8_t min_frame_ms, uint8_t out[6]);

/* "INIT", "STREAM_DATA", ...; "?" for an unknown number. */
const char *tgv_packet_type_str(unsigned type);
const char *tgv_extra_type_str(unsigned type);

#endif
