/* SPDX-License-Identifier: MIT */
/*
 * The inner packet: every header form, every body, every extra.
 * Input: u8 mode, u8 type, bytes. The mode says which header form to read
 * (3: as the first bytes tell), whether the flag byte of the simple form is
 * there, and (bit 3) whether the bytes are a body without a header.
 * Invariant: what was understood is written and understood again alike.
 */
#include "fuzz.h"

#include "wire/packet.h"

#include <string.h>

#define OUT_MAX 8192

static void check_init(const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_init m;
    size_t n, k;

    if (tgv_init_decode(&m, p, len) || m.codec_count == 0)
        return; /* without codecs the encoder writes its own */
    FUZZ_CHECK(m.codec_count <= TGV_CODECS_MAX &&
               m.video_count <= TGV_CODECS_MAX);
    FUZZ_CHECK(tgv_init_encode(&m, TGV_LAYER_MAX, one, sizeof one, &n) == 0);
    FUZZ_CHECK(tgv_init_decode(&m, one, n) == 0);
    FUZZ_CHECK(tgv_init_encode(&m, TGV_LAYER_MAX, two, sizeof two, &k) == 0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
}

static void check_init_ack(const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_init_ack m;
    size_t n, k;

    if (tgv_init_ack_decode(&m, p, len))
        return;
    FUZZ_CHECK(m.stream_count <= TGV_STREAMS_MAX);
    FUZZ_CHECK(tgv_init_ack_encode(&m, m.version, one, sizeof one, &n) == 0);
    if (m.stream_count == 0)
        return; /* so short is a version-1 peer's */
    FUZZ_CHECK(tgv_init_ack_decode(&m, one, n) == 0);
    FUZZ_CHECK(tgv_init_ack_encode(&m, m.version, two, sizeof two, &k) == 0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
}

static void check_inside(const struct tgv_blob *b, const uint8_t *p, size_t len)
{
    FUZZ_CHECK(b->len == 0 ||
               (b->data >= p && b->len <= len && b->data + b->len <= p + len));
}

static void check_stream_data(unsigned frames, const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_stream_data m;
    size_t used, n, k;

    for (unsigned i = 0; i < frames; i++, p += used, len -= used) {
        if (tgv_stream_data_decode(&m, p, len, &used))
            return;
        FUZZ_CHECK(used > 0 && used <= len);
        FUZZ_CHECK(m.fec_count <= TGV_FEC_MAX);
        check_inside(&m.data, p, len);
        for (unsigned f = 0; f < m.fec_count; f++)
            check_inside(&m.fec[f], p, len);
        FUZZ_CHECK(tgv_stream_data_encode(&m, one, sizeof one, &n) == 0);
        if (m.fec_truncated)
            continue;
        FUZZ_CHECK(tgv_stream_data_decode(&m, one, n, &k) == 0 && k == n);
        FUZZ_CHECK(tgv_stream_data_encode(&m, two, sizeof two, &k) == 0);
        FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
    }
}

static void check_stream_ec(const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_stream_ec m;
    size_t n, k;

    if (tgv_stream_ec_decode(&m, p, len))
        return;
    for (unsigned f = 0; f < m.count; f++)
        check_inside(&m.frames[f], p, len);
    FUZZ_CHECK(tgv_stream_ec_encode(&m, one, sizeof one, &n) == 0);
    FUZZ_CHECK(tgv_stream_ec_decode(&m, one, n) == 0);
    FUZZ_CHECK(tgv_stream_ec_encode(&m, two, sizeof two, &k) == 0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
}

static void check_csd(const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_stream_csd m;
    size_t n, k;

    if (tgv_stream_csd_decode(&m, p, len))
        return;
    FUZZ_CHECK(tgv_stream_csd_encode(&m, one, sizeof one, &n) == 0);
    FUZZ_CHECK(tgv_stream_csd_decode(&m, one, n) == 0);
    FUZZ_CHECK(tgv_stream_csd_encode(&m, two, sizeof two, &k) == 0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
}

/* Forms of constant length: their bytes come back. */
static void check_fixed(unsigned type, const uint8_t *p, size_t len)
{
    uint8_t out[32], ip[16], id;
    uint16_t port;
    uint32_t v;
    bool on;
    size_t n = 0;

    if (type == TGV_PKT_PONG && tgv_pong_decode(&v, p, len) == 0)
        n = tgv_pong_encode(v, out);
    else if (type == TGV_PKT_LAN_ENDPOINT &&
             tgv_lan_endpoint_decode(ip, &port, p, len) == 0)
        n = tgv_lan_endpoint_encode(ip, port, out) - 2; /* port as 32 bits */
    else if (type == TGV_PKT_NETWORK_CHANGED && len > 0 &&
             tgv_network_changed_decode(&v, p, len) == 0)
        n = tgv_network_changed_encode(v, out);
    FUZZ_CHECK(n <= len && (n == 0 || memcmp(out, p, n) == 0));
    if (type == TGV_PKT_STREAM_STATE &&
        tgv_stream_state_decode(&id, &on, p, len) == 0) {
        FUZZ_CHECK(tgv_stream_state_encode(id, on, out) == 2);
        FUZZ_CHECK(out[0] == p[0] && !out[1] == !p[1]);
    }
}

static void check_body(unsigned type, const uint8_t *p, size_t len)
{
    switch (type) {
    case TGV_PKT_INIT:
        check_init(p, len);
        break;
    case TGV_PKT_INIT_ACK:
        check_init_ack(p, len);
        break;
    case TGV_PKT_STREAM_DATA:
    case TGV_PKT_STREAM_DATA_X2:
    case TGV_PKT_STREAM_DATA_X3:
        check_stream_data(type == TGV_PKT_STREAM_DATA ? 1 : type - 6, p, len);
        break;
    case TGV_PKT_STREAM_EC:
        check_stream_ec(p, len);
        break;
    default:
        check_fixed(type, p, len);
        break;
    }
    (void)tgv_packet_type_str(type);
}

static void check_extra(const struct tgv_extra *x)
{
    uint8_t out[32], ip[16], a, b;
    uint16_t port;
    uint32_t v;
    size_t n = 0;

    FUZZ_CHECK(x->len <= TGV_EXTRA_DATA_MAX);
    if (x->type == TGV_EXTRA_STREAM_FLAGS &&
        tgv_stream_flags_decode(&a, &v, x->data, x->len) == 0)
        n = tgv_stream_flags_encode(a, v, out);
    else if (x->type == TGV_EXTRA_IPV6_ENDPOINT &&
             tgv_ipv6_endpoint_decode(ip, &port, x->data, x->len) == 0)
        n = tgv_ipv6_endpoint_encode(ip, port, out);
    else if (x->type == TGV_EXTRA_TGVX &&
             tgv_tgvx_decode(&a, &b, x->data, x->len) == 0)
        n = tgv_tgvx_encode(a, b, out);
    else if (x->type == TGV_EXTRA_STREAM_CSD)
        check_csd(x->data, x->len);
    FUZZ_CHECK(n <= x->len && (n == 0 || memcmp(out, x->data, n) == 0));
    (void)tgv_extra_type_str(x->type);
}

static void check_packet(enum tgv_header_form form, bool simple_flags,
                         const uint8_t *p, size_t len)
{
    uint8_t one[OUT_MAX], two[OUT_MAX];
    struct tgv_header h, again;
    const uint8_t *body;
    size_t body_len, n, k;

    if (tgv_header_decode(&h, form, simple_flags, p, len, &body, &body_len))
        return;
    FUZZ_CHECK(h.extra_count <= TGV_EXTRAS_MAX);
    FUZZ_CHECK(body >= p && body + body_len <= p + len);
    for (unsigned i = 0; i < h.extra_count; i++)
        check_extra(&h.extras[i]);
    FUZZ_CHECK(tgv_packet_encode(&h, body, body_len, one, sizeof one, &n) == 0);
    check_body(h.type, body, body_len);
    FUZZ_CHECK(tgv_header_decode(&again, form, simple_flags, one, n, &body,
                                 &body_len) == 0);
    FUZZ_CHECK(h.type == again.type && h.seq == again.seq &&
               h.ack == again.ack && h.mask == again.mask &&
               h.extra_count == again.extra_count);
    FUZZ_CHECK(tgv_packet_encode(&again, body, body_len, two, sizeof two, &k) ==
               0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned form, mode, type;

    if (size < 2 || size > 4096)
        return 0;
    mode = data[0];
    type = data[1];
    data += 2;
    size -= 2;
    if (mode & 8) {
        check_body(type, data, size);
        return 0;
    }
    form = mode & 3;
    if (form == 3)
        form = tgv_header_form_of(mode & 16, data, size);
    check_packet((enum tgv_header_form)form, mode & 4, data, size);
    return 0;
}
