/* SPDX-License-Identifier: MIT */
#ifndef TEST_WIRE_AGAIN_H
#define TEST_WIRE_AGAIN_H
/*
 * Decode a body into its struct and write it again: what comes out must be
 * what went in. Include cmocka.h first.
 */
#include "wire/packet.h"

#include <string.h>

/* Layer for which an INIT is written: it decides about the resolution only,
 * since the codecs come from the struct. */
#define WIRE_AGAIN_LAYER 92

static inline size_t wire_again_frames(unsigned frames, const uint8_t *p,
                                       size_t len, uint8_t *out, size_t cap)
{
    size_t total = 0, pos = 0;

    for (unsigned i = 0; i < frames; i++) {
        struct tgv_stream_data m;
        size_t used, n;

        assert_int_equal(tgv_stream_data_decode(&m, p + pos, len - pos, &used),
                         0);
        assert_false(m.fec_truncated);
        assert_int_equal(
            tgv_stream_data_encode(&m, out + total, cap - total, &n), 0);
        pos += used;
        total += n;
    }
    return total;
}

static inline size_t wire_again_fixed(unsigned type, const uint8_t *p,
                                      size_t len, uint8_t *out)
{
    uint32_t number;
    uint8_t id, ip[4];
    uint16_t port;
    bool enabled;

    switch (type) {
    case TGV_PKT_PONG:
        assert_int_equal(tgv_pong_decode(&number, p, len), 0);
        return tgv_pong_encode(number, out);
    case TGV_PKT_STREAM_STATE:
        assert_int_equal(tgv_stream_state_decode(&id, &enabled, p, len), 0);
        return tgv_stream_state_encode(id, enabled, out);
    case TGV_PKT_LAN_ENDPOINT:
        assert_int_equal(tgv_lan_endpoint_decode(ip, &port, p, len), 0);
        return tgv_lan_endpoint_encode(ip, port, out);
    case TGV_PKT_NETWORK_CHANGED:
        assert_int_equal(tgv_network_changed_decode(&number, p, len), 0);
        return tgv_network_changed_encode(number, out);
    default:
        fail_msg("body of type %u", type);
        return 0;
    }
}

/* @return bytes written to out */
static inline size_t wire_again_body(unsigned type, const uint8_t *p,
                                     size_t len, uint8_t *out, size_t cap)
{
    struct tgv_init init;
    struct tgv_init_ack ack;
    struct tgv_stream_ec ec;
    size_t n = 0;

    switch (type) {
    case TGV_PKT_INIT:
        assert_int_equal(tgv_init_decode(&init, p, len), 0);
        assert_int_equal(tgv_init_encode(&init, WIRE_AGAIN_LAYER, out, cap, &n),
                         0);
        return n;
    case TGV_PKT_INIT_ACK:
        assert_int_equal(tgv_init_ack_decode(&ack, p, len), 0);
        assert_int_equal(tgv_init_ack_encode(&ack, ack.version, out, cap, &n),
                         0);
        return n;
    case TGV_PKT_STREAM_DATA:
    case TGV_PKT_STREAM_DATA_X2:
    case TGV_PKT_STREAM_DATA_X3:
        return wire_again_frames(type == TGV_PKT_STREAM_DATA ? 1 : type - 6, p,
                                 len, out, cap);
    case TGV_PKT_STREAM_EC:
        assert_int_equal(tgv_stream_ec_decode(&ec, p, len), 0);
        assert_int_equal(tgv_stream_ec_encode(&ec, out, cap, &n), 0);
        return n;
    case TGV_PKT_PING:
    case TGV_PKT_NOP:
        assert_int_equal(len, 0);
        return 0;
    default:
        return wire_again_fixed(type, p, len, out);
    }
}

#endif
