/* SPDX-License-Identifier: MIT */
/* rooms: wire base */
#include "wire/packet.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

#define INNER_MAX 4096

/* -- helpers ------------------------------------------------------------- */

/* Every body decoder in one form; used is 0 where it has no meaning. */
static int decode_init(const uint8_t *p, size_t len)
{
    struct tgv_init m;

    return tgv_init_decode(&m, p, len);
}

static int decode_init_ack(const uint8_t *p, size_t len)
{
    struct tgv_init_ack m;
    int err = tgv_init_ack_decode(&m, p, len);

    assert_true(m.stream_count <= TGV_STREAMS_MAX);
    return err;
}

/* Touch what was decoded, so that a sanitizer sees where it points. */
static void touch(const struct tgv_blob *b)
{
    static volatile uint8_t sink;

    for (size_t i = 0; i < b->len; i++)
        sink = b->data[i];
    (void)sink;
}

static int decode_stream_data(const uint8_t *p, size_t len)
{
    struct tgv_stream_data m;
    size_t used;
    int err = tgv_stream_data_decode(&m, p, len, &used);

    assert_true(used <= len);
    assert_true(m.data.len <= TGV_STREAM_DATA_MAX);
    assert_true(m.fec_count <= TGV_FEC_MAX);
    touch(&m.data);
    for (unsigned i = 0; i < m.fec_count; i++)
        touch(&m.fec[i]);
    if (!err && m.fragmented)
        assert_true(m.fragment_index < m.fragment_count);
    return err;
}

static int decode_stream_ec(const uint8_t *p, size_t len)
{
    struct tgv_stream_ec m;
    int err = tgv_stream_ec_decode(&m, p, len);

    for (unsigned i = 0; i < m.count; i++)
        touch(&m.frames[i]);
    return err;
}

static int decode_csd(const uint8_t *p, size_t len)
{
    struct tgv_stream_csd m;
    int err = tgv_stream_csd_decode(&m, p, len);

    for (unsigned i = 0; i < m.count; i++)
        touch(&m.entries[i]);
    return err;
}

static int decode_pong(const uint8_t *p, size_t len)
{
    uint32_t seq;

    return tgv_pong_decode(&seq, p, len);
}

static int decode_stream_state(const uint8_t *p, size_t len)
{
    uint8_t id;
    bool enabled;

    return tgv_stream_state_decode(&id, &enabled, p, len);
}

static int decode_lan(const uint8_t *p, size_t len)
{
    uint8_t ip[4];
    uint16_t port;

    return tgv_lan_endpoint_decode(ip, &port, p, len);
}

static int decode_network(const uint8_t *p, size_t len)
{
    uint32_t flags;

    return tgv_network_changed_decode(&flags, p, len);
}

static int decode_stream_flags(const uint8_t *p, size_t len)
{
    uint8_t id;
    uint32_t flags;

    return tgv_stream_flags_decode(&id, &flags, p, len);
}

static int decode_ipv6(const uint8_t *p, size_t len)
{
    uint8_t ip[16];
    uint16_t port;

    return tgv_ipv6_endpoint_decode(ip, &port, p, len);
}

static int decode_tgvx(const uint8_t *p, size_t len)
{
    uint8_t version, min_frame_ms;

    return tgv_tgvx_decode(&version, &min_frame_ms, p, len);
}

static int decode_header(enum tgv_header_form form, bool flags,
                         const uint8_t *p, size_t len)
{
    struct tgv_header h;
    const uint8_t *payload;
    size_t n;
    int err = tgv_header_decode(&h, form, flags, p, len, &payload, &n);

    assert_true(h.extra_count <= TGV_EXTRAS_MAX);
    for (unsigned i = 0; i < h.extra_count; i++) {
        struct tgv_blob b = {h.extras[i].data, h.extras[i].len};

        touch(&b);
    }
    if (!err) {
        struct tgv_blob b = {payload, n};

        assert_true(payload >= p && payload + n <= p + len);
        touch(&b);
    } else {
        assert_int_equal(n, 0);
        assert_int_equal(h.extra_count, 0);
    }
    return err;
}

static int decode_short(const uint8_t *p, size_t len)
{
    return decode_header(TGV_HEADER_SHORT, false, p, len);
}

static int decode_full(const uint8_t *p, size_t len)
{
    return decode_header(TGV_HEADER_FULL, false, p, len);
}

static int decode_simple(const uint8_t *p, size_t len)
{
    return decode_header(TGV_HEADER_SIMPLE, true, p, len);
}

static int decode_simple_old(const uint8_t *p, size_t len)
{
    return decode_header(TGV_HEADER_SIMPLE, false, p, len);
}

/* A good body, and from which length on it decodes. */
#define B(s) s, sizeof(s) - 1
static const struct {
    const char *name;
    int (*decode)(const uint8_t *p, size_t len);
    const char *bytes;
    size_t len;
    size_t min;
    bool empty_is_fine;
} bodies[] = {
    {"init", decode_init, B("\x09\0\0\0\x03\0\0\0\0\0\0\0\x01SUPO\x01 CVA\x05"),
     17, false},
    {"init of version 3", decode_init,
     B("\x03\0\0\0\x03\0\0\0\0\0\0\0\x01\x01\x00"), 14, false},
    {"init_ack", decode_init_ack,
     B("\x09\0\0\0\x03\0\0\0\x01\x01\x01SUPO\x3c\x00\x01"), 18, false},
    {"init_ack of version 4", decode_init_ack,
     B("\x04\0\0\0\x03\0\0\0\x01\x01\x01\x01\x3c\x00\x01"), 15, false},
    {"stream_data", decode_stream_data, B("\x01\x03\xf0\0\0\0abc"), 9, false},
    {"stream_data, fragment", decode_stream_data,
     B("\x42\x03\xc0\x07\0\0\0\x01\x03xyz"), 12, false},
    {"stream_data, redundancy", decode_stream_data,
     B("\x41\x03\x20\xf0\0\0\0abc\x02\x01r\x02st"), 10, false},
    {"stream_ec", decode_stream_ec, B("\x01\xec\x04\0\0\x02\x02rs\x01t"), 11,
     false},
    {"pong", decode_pong, B("\x29\0\0\0"), 4, false},
    {"stream_state", decode_stream_state, B("\x01\x00"), 2, false},
    {"lan_endpoint", decode_lan, B("\xc0\xa8\x01\x14\x20\x4e\0\0"), 8, false},
    {"network_changed", decode_network, B("\x01\0\0\0"), 4, true},
    {"stream_flags", decode_stream_flags, B("\x01\x05\0\0\0"), 5, false},
    {"stream_csd", decode_csd, B("\x02\x80\x02\xe0\x01\x02\x01s\x02pq"), 11,
     false},
    {"ipv6_endpoint", decode_ipv6,
     B("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x21\x4e"), 18, false},
    {"tgvx", decode_tgvx, B("TGVX\x01\x14"), 6, false},
    {"short header", decode_short,
     B("\x0e\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff\x03\x02\x06\x01\x01\0\0\0\0"
       "\x01\x06\x40\xe2\x01\0"),
     28, false},
    {"simpleAudioBlock", decode_simple,
     B("\x76\x0e\x0d\xcc"
       "12345678"
       "\x07"
       "abcdefg"
       "\x0d\x0e"
       "\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff\x01\x01\x01\x06"),
     38, false},
    {"simpleAudioBlock without flags", decode_simple_old,
     B("\x76\x0e\x0d\xcc"
       "12345678"
       "\x07"
       "abcdefg"
       "\xfe\x0d\0\0\x0e"
       "\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff"),
     37, false},
    {"decryptedAudioBlock", decode_full,
     B("\xc1\x48\xf9\xdb"
       "12345678"
       "\x07"
       "abcdefg"
       "\x3f\0\0\x06"
       "0123456789abcdef"
       "\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff"
       "GrVP"
       "\x01x\0\0"
       "\x03pay"),
     64, false},
};
#define BODIES (sizeof bodies / sizeof *bodies)

/* In a block of its own length, so that a sanitizer sees a byte too far. */
static int decode_copy(size_t body, const uint8_t *p, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    int err;

    assert_non_null(copy);
    memcpy(copy, p, len);
    err = bodies[body].decode(copy, len);
    free(copy);
    return err;
}

/* -- every decoder ------------------------------------------------------- */

static void test_packet_each_body_is_checked_at_each_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < BODIES; i++) {
        const uint8_t *p = (const uint8_t *)bodies[i].bytes;

        for (size_t len = 0; len <= bodies[i].len; len++) {
            bool fine =
                len >= bodies[i].min || (len == 0 && bodies[i].empty_is_fine);
            int err = decode_copy(i, p, len);

            if (err != (fine ? 0 : TGVOIP_ERR_FORMAT))
                fail_msg("%s, %zu bytes: %d", bodies[i].name, len, err);
        }
    }
}

static void test_packet_trailing_bytes_are_tolerated(void **state)
{
    uint8_t buf[128];
    (void)state;

    for (size_t i = 0; i < BODIES; i++) {
        memcpy(buf, bodies[i].bytes, bodies[i].len);
        memset(buf + bodies[i].len, 0xA5, 9);
        if (decode_copy(i, buf, bodies[i].len + 9))
            fail_msg("%s", bodies[i].name);
    }
}

static void test_packet_random_bytes_do_no_harm(void **state)
{
    const uint64_t seed = 0x5EED0002;
    struct tgv_prng g;
    uint8_t buf[400];
    (void)state;

    print_message("seed %#llx\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int round = 0; round < 60000; round++) {
        size_t i = tgv_prng_below(&g, BODIES);
        size_t len = tgv_prng_below(&g, sizeof buf);
        size_t changes = 1 + tgv_prng_below(&g, 4);

        for (size_t k = 0; k < len; k++)
            buf[k] = (uint8_t)tgv_prng_below(&g, 256);
        if (round % 4) { /* most start as a good one */
            memcpy(buf, bodies[i].bytes, bodies[i].len);
            len = bodies[i].len + tgv_prng_below(&g, 20);
            for (size_t k = 0; k < changes; k++)
                buf[tgv_prng_below(&g, (uint32_t)len)] =
                    (uint8_t)tgv_prng_below(&g, 256);
        }
        decode_copy(i, buf, len);
    }
}

/* -- headers ------------------------------------------------------------- */

static const uint8_t flags_data[5] = {1, 1, 0, 0, 0};

static struct tgv_header header(enum tgv_header_form form)
{
    struct tgv_header h = {.form = form,
                           .type = TGV_PKT_NOP,
                           .ack = 0xFFFFFFFE,
                           .seq = 7,
                           .mask = 0x80000001};

    if (form != TGV_HEADER_SHORT) {
        memcpy(h.random_id, "12345678", 8);
        memcpy(h.random_bytes, "abcdefg", 7);
    }
    return h;
}

static void assert_same_header(const struct tgv_header *a,
                               const struct tgv_header *b)
{
    assert_int_equal(a->form, b->form);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->ack, b->ack);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->mask, b->mask);
    assert_int_equal(a->extra_count, b->extra_count);
    for (unsigned i = 0; i < a->extra_count; i++) {
        assert_int_equal(a->extras[i].type, b->extras[i].type);
        assert_int_equal(a->extras[i].len, b->extras[i].len);
        assert_memory_equal(a->extras[i].data, b->extras[i].data,
                            a->extras[i].len);
    }
    assert_int_equal(a->has_recv_ts, b->has_recv_ts);
    assert_int_equal(a->recv_ts, b->recv_ts);
    assert_int_equal(a->has_flags, b->has_flags);
    assert_memory_equal(a->random_id, b->random_id, sizeof a->random_id);
    assert_memory_equal(a->random_bytes, b->random_bytes,
                        sizeof a->random_bytes);
    assert_int_equal(a->has_call_id, b->has_call_id);
    assert_memory_equal(a->call_id, b->call_id, sizeof a->call_id);
    assert_int_equal(a->has_proto, b->has_proto);
    assert_int_equal(a->proto, b->proto);
}

/* Through bytes and back, with payload, and refused in smaller buffers. */
static void round_trip(const struct tgv_header *h, size_t payload_len)
{
    static uint8_t payload[2048], inner[INNER_MAX], small[INNER_MAX];
    struct tgv_header back;
    const uint8_t *p;
    size_t len, n;

    memset(payload, 0x5A, sizeof payload);
    assert_int_equal(
        tgv_packet_encode(h, payload, payload_len, inner, sizeof inner, &len),
        0);
    assert_int_equal(
        tgv_header_form_of(h->form == TGV_HEADER_SHORT, inner, len), h->form);
    assert_int_equal(
        tgv_header_decode(&back, h->form, h->has_flags, inner, len, &p, &n), 0);
    assert_same_header(h, &back);
    assert_int_equal(n, payload_len);
    assert_memory_equal(p, payload, n);
    assert_true(p + n == inner + len);
    for (size_t cap = 0; cap < len; cap++) {
        size_t none = 1;

        assert_int_equal(
            tgv_packet_encode(h, payload, payload_len, small, cap, &none),
            TGVOIP_ERR_TOO_LARGE);
        assert_int_equal(none, 0);
    }
}

static void test_packet_headers_both_ways(void **state)
{
    static const size_t lengths[] = {0,   1,   19,  240, 241,
                                     253, 254, 255, 256, 1438};
    (void)state;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct tgv_header h = header(TGV_HEADER_SHORT);

        round_trip(&h, lengths[i]);
        h.extra_count = 2;
        h.extras[0] = (struct tgv_extra){1, 5, flags_data};
        h.extras[1] = (struct tgv_extra){6, 0, flags_data};
        round_trip(&h, lengths[i]);
        h.has_recv_ts = true;
        h.recv_ts = 123456;
        round_trip(&h, lengths[i]);

        h = header(TGV_HEADER_SIMPLE);
        round_trip(&h, lengths[i]);
        h.has_flags = true;
        round_trip(&h, lengths[i]);
        h.extra_count = 1;
        h.extras[0] = (struct tgv_extra){1, 5, flags_data};
        round_trip(&h, lengths[i]);

        h = header(TGV_HEADER_FULL);
        round_trip(&h, lengths[i]);
        h.has_call_id = true;
        memcpy(h.call_id, "0123456789abcdef", 16);
        round_trip(&h, lengths[i]);
        h.has_proto = true;
        h.proto = TGV_PROTO_WORD;
        round_trip(&h, lengths[i]);
    }
}

static void test_packet_extras_up_to_their_limits(void **state)
{
    static uint8_t data[TGV_EXTRA_DATA_MAX + 1];
    struct tgv_header h = header(TGV_HEADER_SHORT);
    uint8_t inner[INNER_MAX + 400];
    size_t len;
    (void)state;

    h.extra_count = TGV_EXTRAS_MAX;
    for (unsigned i = 0; i < TGV_EXTRAS_MAX; i++)
        h.extras[i] = (struct tgv_extra){(uint8_t)(0x60 + i),
                                         i ? 3 : TGV_EXTRA_DATA_MAX, data};
    round_trip(&h, 10);
    h.extras[3].len = TGV_EXTRA_DATA_MAX + 1;
    assert_int_equal(tgv_packet_encode(&h, NULL, 0, inner, sizeof inner, &len),
                     TGVOIP_ERR_TOO_LARGE);
    h.extras[3].len = 1;
    h.extra_count = TGV_EXTRAS_MAX + 1;
    assert_int_equal(tgv_packet_encode(&h, NULL, 0, inner, sizeof inner, &len),
                     TGVOIP_ERR_TOO_LARGE);
}

static void test_packet_extras_do_not_fit_every_header(void **state)
{
    uint8_t inner[256];
    size_t len = 1;
    (void)state;

    for (int form = TGV_HEADER_FULL; form <= TGV_HEADER_SIMPLE; form++) {
        struct tgv_header h = header((enum tgv_header_form)form);

        h.extra_count = 1;
        h.extras[0] = (struct tgv_extra){1, 5, flags_data};
        assert_int_equal(
            tgv_packet_encode(&h, NULL, 0, inner, sizeof inner, &len),
            TGVOIP_ERR_INVALID);
        assert_int_equal(len, 0);
    }
}

/* NOP with the given list of extras behind its flags. */
static int decode_extras(const char *list, size_t len, struct tgv_header *h)
{
    uint8_t inner[600] = "\x0e\0\0\0\0\x01\0\0\0\0\0\0\0\x01";
    const uint8_t *payload;
    size_t n;

    memcpy(inner + 14, list, len);
    return tgv_header_decode(h, TGV_HEADER_SHORT, false, inner, 14 + len,
                             &payload, &n);
}

static void test_packet_bad_extras_fail_their_packet(void **state)
{
    struct tgv_header h;
    (void)state;

    assert_int_equal(decode_extras(B("\x00"), &h), 0);
    assert_int_equal(h.extra_count, 0);
    assert_int_equal(decode_extras(B("\x01\x00"), &h), TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x00\x01"), &h), TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x02\x01\x06"), &h), TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\xff\x54xx"), &h), TGVOIP_ERR_FORMAT);
    /* known types one byte short of their minimum */
    assert_int_equal(decode_extras(B("\x01\x05\x01"
                                     "1234"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x06\x02"
                                     "12345"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x09\x02"
                                     "12345\x01\x02x"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x08\x03"
                                     "1234567"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x04\x04"
                                     "123"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_extras(B("\x01\x12\x07"
                                     "12345678901234567"),
                                   &h),
                     TGVOIP_ERR_FORMAT);
}

static void test_packet_unknown_and_long_extras_are_fine(void **state)
{
    struct tgv_header h;
    (void)state;

    assert_int_equal(decode_extras(B("\x03\x01\x06\x01\xEE\x08\x01"
                                     "1234567"),
                                   &h),
                     0);
    assert_int_equal(h.extra_count, 3);
    assert_int_equal(h.extras[1].type, 0xEE);
    assert_int_equal(h.extras[1].len, 0);
    assert_int_equal(h.extras[2].len, 7);
    /* an announcement of a future form is for its reader to judge */
    assert_int_equal(decode_extras(B("\x01\x02\x54?"), &h), 0);
}

static void test_packet_keeps_as_many_extras_as_it_can(void **state)
{
    char list[1 + 2 * 255];
    struct tgv_header h;
    (void)state;

    list[0] = (char)255;
    for (size_t i = 0; i < 255; i++)
        memcpy(list + 1 + 2 * i, "\x01\x06", 2);
    assert_int_equal(decode_extras(list, sizeof list, &h), 0);
    assert_int_equal(h.extra_count, TGV_EXTRAS_MAX);
    list[sizeof list - 2] = 0; /* those that are not kept are checked too */
    assert_int_equal(decode_extras(list, sizeof list, &h), TGVOIP_ERR_FORMAT);
}

static void test_packet_full_header_needs_its_sequence(void **state)
{
    uint8_t inner[64] = "\xc1\x48\xf9\xdb"
                        "12345678"
                        "\x07"
                        "abcdefg";
    struct tgv_header h;
    const uint8_t *payload;
    size_t n;
    (void)state;

    for (unsigned flags = 0; flags < 64; flags += 16) {
        inner[20] = (uint8_t)flags;
        assert_int_equal(tgv_header_decode(&h, TGV_HEADER_FULL, false, inner,
                                           sizeof inner, &payload, &n),
                         flags == 48 ? 0 : TGVOIP_ERR_FORMAT);
    }
    /* it says that there is no payload */
    assert_int_equal(n, 0);
    assert_false(h.has_call_id);
    assert_false(h.has_proto);
}

static void test_packet_tl_lengths_are_bounded(void **state)
{
    /* first byte and three more of a TL length, at the given offset */
    static const struct {
        size_t at;
        const char *bytes;
    } cases[] = {
        {12, "\xFE\xFF\xFF\xFF"}, /* random string past the end */
        {12, "\xFFg\0\0"}, /* no TL length starts so */
        {32 + 4, "\xFE\x01\0\0"}, /* payload of one byte, none there */
        {32 + 4, "\x04xyz"}, /* payload of four, three there */
        {32 + 4, "\xFFxyz"},
    };
    uint8_t inner[40];
    struct tgv_header h;
    const uint8_t *payload;
    size_t n;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(inner, 0, sizeof inner);
        memcpy(inner,
               "\xc1\x48\xf9\xdb"
               "12345678"
               "\x07"
               "abcdefg",
               20);
        memcpy(inner + 20, "\x31\0\0\x04", 4);
        memcpy(inner + cases[i].at, cases[i].bytes, 4);
        assert_int_equal(tgv_header_decode(&h, TGV_HEADER_FULL, false, inner,
                                           sizeof inner, &payload, &n),
                         TGVOIP_ERR_FORMAT);
    }
}

static void test_packet_simple_tl_length_bounds_nothing(void **state)
{
    struct tgv_header h = header(TGV_HEADER_SIMPLE), back;
    const uint8_t payload[3] = {1, 2, 3};
    const uint8_t *p;
    uint8_t inner[64];
    size_t len, n;
    (void)state;

    h.has_flags = true;
    assert_int_equal(
        tgv_packet_encode(&h, payload, 3, inner, sizeof inner, &len), 0);
    assert_int_equal(inner[20], 3 + 13);
    for (unsigned v = 0; v <= 0xFD; v++) {
        inner[20] = (uint8_t)v;
        assert_int_equal(tgv_header_decode(&back, TGV_HEADER_SIMPLE, true,
                                           inner, len, &p, &n),
                         0);
        assert_int_equal(n, 3);
    }
}

static void test_packet_wrong_constructor_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < BODIES; i++) {
        const uint8_t *p = (const uint8_t *)bodies[i].bytes;

        if (bodies[i].decode != decode_full)
            continue;
        assert_int_equal(decode_simple(p, bodies[i].len), TGVOIP_ERR_FORMAT);
        assert_int_equal(tgv_header_form_of(true, p, bodies[i].len),
                         TGV_HEADER_SHORT);
        for (size_t len = 0; len < 4; len++)
            assert_int_equal(tgv_header_form_of(false, p, len),
                             TGV_HEADER_SHORT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet_each_body_is_checked_at_each_length),
        cmocka_unit_test(test_packet_trailing_bytes_are_tolerated),
        cmocka_unit_test(test_packet_random_bytes_do_no_harm),
        cmocka_unit_test(test_packet_headers_both_ways),
        cmocka_unit_test(test_packet_extras_up_to_their_limits),
        cmocka_unit_test(test_packet_extras_do_not_fit_every_header),
        cmocka_unit_test(test_packet_bad_extras_fail_their_packet),
        cmocka_unit_test(test_packet_unknown_and_long_extras_are_fine),
        cmocka_unit_test(test_packet_keeps_as_many_extras_as_it_can),
        cmocka_unit_test(test_packet_full_header_needs_its_sequence),
        cmocka_unit_test(test_packet_tl_lengths_are_bounded),
        cmocka_unit_test(test_packet_simple_tl_length_bounds_nothing),
        cmocka_unit_test(test_packet_wrong_constructor_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
