/* SPDX-License-Identifier: MIT */
/* rooms: wire base */
/* Bodies of packets and data of extras; headers are in test_packet.c. */
#include "wire/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

#define INNER_MAX 4096
#define B(s) s, sizeof(s) - 1

static void test_packet_init_sizes_follow_the_layer(void **state)
{
    const struct tgv_init m = {.version = 9, .min_version = 3};
    struct tgv_init back;
    uint8_t out[64];
    size_t len;
    (void)state;

    for (int layer = 65; layer <= 92; layer++) {
        const size_t expected = layer >= 74 ? 19 : 23;

        assert_int_equal(tgv_init_encode(&m, layer, out, sizeof out, &len), 0);
        assert_int_equal(len, expected);
        assert_int_equal(tgv_init_decode(&back, out, len), 0);
        assert_int_equal(back.codec_count, layer >= 74 ? 1 : 2);
        assert_int_equal(back.codecs[back.codec_count - 1], TGV_CODEC_OPUS);
        assert_int_equal(back.video_count, 0);
        for (size_t cap = 0; cap < expected; cap++)
            assert_int_equal(tgv_init_encode(&m, layer, out, cap, &len),
                             TGVOIP_ERR_TOO_LARGE);
    }
}

static void test_packet_old_receiver_reads_our_old_init(void **state)
{
    const struct tgv_init m = {.version = 4, .min_version = 3};
    struct tgv_init back;
    uint8_t out[64];
    size_t len;
    (void)state;

    /* what version 9 writes below layer 74, read with one-byte entries */
    assert_int_equal(tgv_init_encode(&(struct tgv_init){.version = 9}, 65, out,
                                     sizeof out, &len),
                     0);
    out[0] = 4;
    assert_int_equal(tgv_init_decode(&back, out, len), 0);
    assert_int_equal(back.codec_count, 2);
    assert_int_equal(back.codecs[0], TGV_CODEC_OPUS_OLD);
    assert_int_equal(back.video_count, 0);
    /* and what such a peer writes itself */
    assert_int_equal(tgv_init_encode(&m, 65, out, sizeof out, &len), 0);
    assert_int_equal(tgv_init_decode(&back, out, len), 0);
    assert_int_equal(back.codecs[0], TGV_CODEC_OPUS_OLD);
}

static void test_packet_init_lists_are_bounded(void **state)
{
    uint8_t p[13 + 4 * 255] = {9};
    struct tgv_init m;
    (void)state;

    p[12] = 255;
    p[13 + 4 * TGV_CODECS_MAX] = 1;
    assert_int_equal(tgv_init_decode(&m, p, sizeof p), 0);
    assert_int_equal(m.codec_count, TGV_CODECS_MAX);
    assert_int_equal(tgv_init_decode(&m, p, sizeof p - 1), TGVOIP_ERR_FORMAT);
    assert_int_equal(m.codec_count, 0);
    p[12] = 0;
    assert_int_equal(tgv_init_decode(&m, p, 13), 0);
    assert_int_equal(m.codec_count, 0);
    /* video decoders that are not all there read as none */
    p[13] = 200;
    assert_int_equal(tgv_init_decode(&m, p, 13 + 1 + 4 * 199), 0);
    assert_int_equal(m.video_count, 0);
    /* the resolution may be missing */
    assert_int_equal(tgv_init_decode(&m, p, 13 + 1 + 4 * 200), 0);
    assert_int_equal(m.video_count, TGV_CODECS_MAX);
    m.codec_count = TGV_CODECS_MAX + 1;
    assert_int_equal(tgv_init_encode(&m, 92, p, sizeof p, &(size_t){0}),
                     TGVOIP_ERR_TOO_LARGE);
}

static void test_packet_init_ack_keeps_few_and_different_streams(void **state)
{
    uint8_t p[9 + 9 * 255] = {9, 0, 0, 0, 3, 0, 0, 0, 255};
    struct tgv_init_ack m;
    (void)state;

    for (size_t i = 0; i < 255; i++) {
        p[9 + 9 * i] = (uint8_t)(100 - i / 2); /* twice each, first too big */
        p[9 + 9 * i + 8] = (uint8_t)(1 - i % 2);
    }
    assert_int_equal(tgv_init_ack_decode(&m, p, sizeof p), 0);
    assert_int_equal(m.stream_count, TGV_STREAMS_MAX);
    for (unsigned i = 0; i < m.stream_count; i++) {
        assert_int_equal(m.streams[i].id, 63 - i);
        assert_true(m.streams[i].enabled);
    }
    assert_int_equal(tgv_init_ack_decode(&m, p, sizeof p - 1),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(m.stream_count, 0);
}

static void test_packet_init_ack_without_versions_is_version_1(void **state)
{
    const uint8_t p[16] = {1, 1, 1, 1, 1, 1, 1}; /* one stream */
    const uint8_t none[9] = {9, 0, 0, 0, 3}; /* with versions, no stream */
    struct tgv_init_ack m;
    (void)state;

    for (size_t len = 0; len <= 10; len++)
        assert_int_equal(tgv_init_ack_decode(&m, p, len),
                         len == 5 ? 0 : TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_init_ack_decode(&m, none, sizeof none),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_init_ack_decode(&m, p, 5), 0);
    assert_int_equal(m.version, 1);
    assert_int_equal(m.stream_count, 0);
}

static void test_packet_init_ack_codec_width_follows_the_peer(void **state)
{
    struct tgv_init_ack m = {.version = 9, .min_version = 3};
    uint8_t out[128];
    size_t len;
    (void)state;

    for (unsigned i = 0; i < TGV_STREAMS_MAX; i++)
        m.streams[i] = (struct tgv_stream_desc){
            (uint8_t)(i + 1), TGV_STREAM_TYPE_AUDIO, TGV_CODEC_OPUS, 60, true};
    m.stream_count = TGV_STREAMS_MAX;
    assert_int_equal(tgv_init_ack_encode(&m, 4, out, sizeof out, &len), 0);
    assert_int_equal(len, 9 + 8 * 6);
    assert_int_equal(out[11], TGV_CODEC_OPUS_OLD);
    assert_int_equal(tgv_init_ack_encode(&m, 5, out, sizeof out, &len), 0);
    assert_int_equal(len, 9 + 8 * 9);
    for (size_t cap = 0; cap < 9 + 8 * 9; cap++)
        assert_int_equal(tgv_init_ack_encode(&m, 5, out, cap, &len),
                         TGVOIP_ERR_TOO_LARGE);
    m.stream_count++;
    assert_int_equal(tgv_init_ack_encode(&m, 5, out, sizeof out, &len),
                     TGVOIP_ERR_TOO_LARGE);
}

static void assert_same_blob(const struct tgv_blob *a, const struct tgv_blob *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void stream_data_round_trip(const struct tgv_stream_data *m,
                                   size_t expected)
{
    static uint8_t out[INNER_MAX], small[INNER_MAX];
    struct tgv_stream_data back;
    size_t len, used;

    assert_int_equal(tgv_stream_data_encode(m, out, sizeof out, &len), 0);
    assert_int_equal(len, expected);
    assert_int_equal(tgv_stream_data_decode(&back, out, len, &used), 0);
    assert_int_equal(used, len);
    assert_int_equal(back.stream_id, m->stream_id);
    assert_int_equal(back.pts, m->pts);
    assert_int_equal(back.keyframe, m->keyframe);
    assert_int_equal(back.fragmented, m->fragmented);
    assert_int_equal(back.fragment_index, m->fragment_index);
    assert_int_equal(back.fragment_count, m->fragment_count);
    assert_int_equal(back.has_fec, m->has_fec);
    assert_false(back.fec_truncated);
    assert_same_blob(&back.data, &m->data);
    assert_int_equal(back.fec_count, m->fec_count);
    for (unsigned i = 0; i < m->fec_count; i++)
        assert_same_blob(&back.fec[i], &m->fec[i]);
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(tgv_stream_data_encode(m, small, cap, &used),
                         TGVOIP_ERR_TOO_LARGE);
}

static void test_packet_stream_data_both_ways(void **state)
{
    static uint8_t bytes[TGV_STREAM_DATA_MAX + 1];
    struct tgv_stream_data m = {.stream_id = 63, .pts = 0xFFFFFFC4};
    (void)state;

    m.data = (struct tgv_blob){bytes, 0};
    stream_data_round_trip(&m, 6);
    m.data.len = 255;
    stream_data_round_trip(&m, 6 + 255);
    m.data.len = 256;
    stream_data_round_trip(&m, 7 + 256);
    m.data.len = TGV_STREAM_DATA_MAX;
    stream_data_round_trip(&m, 7 + TGV_STREAM_DATA_MAX);
    m.data.len = 3;
    m.len16 = true;
    stream_data_round_trip(&m, 7 + 3);
    m.len16 = false;
    m.keyframe = true;
    stream_data_round_trip(&m, 7 + 3);
    m.fragmented = true;
    m.fragment_index = 254;
    m.fragment_count = 255;
    stream_data_round_trip(&m, 9 + 3);
    m.has_fec = true;
    stream_data_round_trip(&m, 9 + 3 + 1);
    m.fec_count = TGV_FEC_MAX;
    for (unsigned i = 0; i < TGV_FEC_MAX; i++)
        m.fec[i] = (struct tgv_blob){bytes, i ? 0 : TGV_FEC_LEN_MAX};
    stream_data_round_trip(&m, 9 + 3 + 1 + TGV_FEC_MAX + TGV_FEC_LEN_MAX);
}

static void test_packet_stream_data_encoder_refuses(void **state)
{
    static uint8_t bytes[TGV_STREAM_DATA_MAX + 1], out[INNER_MAX];
    struct tgv_stream_data m = {.data = {bytes, TGV_STREAM_DATA_MAX + 1}};
    size_t len;
    (void)state;

    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof out, &len),
                     TGVOIP_ERR_TOO_LARGE);
    m.data.len = 1;
    m.stream_id = 64;
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof out, &len),
                     TGVOIP_ERR_INVALID);
    m.stream_id = 1;
    m.fragmented = true;
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof out, &len),
                     TGVOIP_ERR_INVALID);
    m.fragmented = false;
    m.has_fec = true;
    m.fec_count = TGV_FEC_MAX + 1;
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof out, &len),
                     TGVOIP_ERR_TOO_LARGE);
    m.fec_count = 1;
    m.fec[0] = (struct tgv_blob){bytes, TGV_FEC_LEN_MAX + 1};
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof out, &len),
                     TGVOIP_ERR_TOO_LARGE);
    assert_int_equal(len, 0);
}

static int decode_one(struct tgv_stream_data *m, const char *p, size_t len)
{
    size_t used;

    return tgv_stream_data_decode(m, (const uint8_t *)p, len, &used);
}

/* The length is compared with the end of the inner packet (C16). */
static void
test_eng_46_stream_data_length_is_bounded_by_the_inner_packet(void **state)
{
    struct tgv_stream_data m;
    (void)state;

    assert_int_equal(decode_one(&m, B("\x01\x04\0\0\0\0abc")),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(m.data.len, 0);
    assert_int_equal(decode_one(&m, B("\x41\xff\x07\0\0\0\0abc")),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_one(&m, B("\x01\x03\0\0\0\0abc")), 0);
    assert_int_equal(m.data.len, 3);
}

static void test_packet_fragment_index_is_below_its_count(void **state)
{
    struct tgv_stream_data m;
    (void)state;

    assert_int_equal(decode_one(&m, B("\x42\x01\x40\0\0\0\0\x00\x00x")),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_one(&m, B("\x42\x01\x40\0\0\0\0\x03\x03x")),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(decode_one(&m, B("\x42\x01\x40\0\0\0\0\x02\x03x")), 0);
}

static void test_packet_reserved_bits_are_ignored(void **state)
{
    struct tgv_stream_data m;
    (void)state;

    assert_int_equal(decode_one(&m, B("\xC1\x01\x18\x3c\0\0\0x")), 0);
    assert_int_equal(m.stream_id, 1);
    assert_int_equal(m.data.len, 1);
    assert_int_equal(m.pts, 60);
}

static void test_packet_bad_redundancy_spares_the_primary_frame(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {B("\x41\x03\x20\x3c\0\0\0abc")}, /* no count */
        {B("\x41\x03\x20\x3c\0\0\0abc\x01")}, /* no entry */
        {B("\x41\x03\x20\x3c\0\0\0abc\x02\x01r\x02s")}, /* cut entry */
        {B("\x41\x03\x20\x3c\0\0\0abc\x09\0\0\0\0\0\0\0\0\0")}, /* nine */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tgv_stream_data m;
        size_t used;

        assert_int_equal(tgv_stream_data_decode(&m,
                                                (const uint8_t *)cases[i].bytes,
                                                cases[i].len, &used),
                         0);
        assert_true(m.has_fec);
        assert_true(m.fec_truncated);
        assert_int_equal(m.fec_count, 0);
        assert_int_equal(m.data.len, 3);
        assert_memory_equal(m.data.data, "abc", 3);
        assert_int_equal(used, cases[i].len);
    }
}

static void test_packet_bodies_follow_each_other(void **state)
{
    static const char x2[] = "\x01\x02\0\0\0\0ab\x41\x01\x00\x3c\0\0\0c";
    const uint8_t *p = (const uint8_t *)x2;
    size_t left = sizeof x2 - 1, used;
    struct tgv_stream_data m;
    (void)state;

    assert_int_equal(tgv_stream_data_decode(&m, p, left, &used), 0);
    assert_int_equal(used, 8);
    assert_int_equal(tgv_stream_data_decode(&m, p + used, left - used, &used),
                     0);
    assert_int_equal(used, 8);
    assert_int_equal(m.pts, 60);
    assert_memory_equal(m.data.data, "c", 1);
}

static void test_packet_stream_ec_both_ways(void **state)
{
    static uint8_t bytes[256];
    struct tgv_stream_ec m = {.stream_id = 1, .pts = 1260, .count = 8}, back;
    uint8_t out[INNER_MAX];
    size_t len, none;
    (void)state;

    for (unsigned i = 0; i < m.count; i++)
        m.frames[i] = (struct tgv_blob){bytes, 255 * (i % 2)};
    assert_int_equal(tgv_stream_ec_encode(&m, out, sizeof out, &len), 0);
    assert_int_equal(tgv_stream_ec_decode(&back, out, len), 0);
    assert_int_equal(back.stream_id, 1);
    assert_int_equal(back.pts, 1260);
    assert_int_equal(back.count, m.count);
    for (unsigned i = 0; i < m.count; i++)
        assert_same_blob(&back.frames[i], &m.frames[i]);
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(tgv_stream_ec_encode(&m, out, cap, &none),
                         TGVOIP_ERR_TOO_LARGE);
    m.count = TGV_FEC_MAX + 1;
    assert_int_equal(tgv_stream_ec_encode(&m, out, sizeof out, &none),
                     TGVOIP_ERR_TOO_LARGE);
    out[5] = TGV_FEC_MAX + 1;
    assert_int_equal(tgv_stream_ec_decode(&back, out, sizeof out),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(back.count, 0);
}

static void test_packet_stream_csd_both_ways(void **state)
{
    struct tgv_stream_csd m = {.stream_id = 2,
                               .width = 640,
                               .height = 480,
                               .count = 1,
                               .entries = {{(const uint8_t *)"sps", 3}}};
    struct tgv_stream_csd back;
    uint8_t out[64];
    size_t len, none;
    (void)state;

    assert_int_equal(tgv_stream_csd_encode(&m, out, sizeof out, &len), 0);
    assert_int_equal(len, 10);
    assert_int_equal(tgv_stream_csd_decode(&back, out, len), 0);
    assert_int_equal(back.width, 640);
    assert_int_equal(back.height, 480);
    assert_int_equal(back.count, 1);
    assert_same_blob(&back.entries[0], &m.entries[0]);
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(tgv_stream_csd_encode(&m, out, cap, &none),
                         TGVOIP_ERR_TOO_LARGE);
}

static void test_packet_fixed_bodies_both_ways(void **state)
{
    const uint8_t ip4[4] = {192, 168, 1, 20};
    const uint8_t ip6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
    uint8_t out[18], got4[4], got6[16], id, version, min_frame_ms;
    uint32_t number;
    uint16_t port;
    bool enabled;
    (void)state;

    assert_int_equal(tgv_pong_encode(0xFFFFFFFF, out), 4);
    assert_int_equal(tgv_pong_decode(&number, out, 4), 0);
    assert_int_equal(number, 0xFFFFFFFF);
    assert_int_equal(tgv_stream_state_encode(63, true, out), 2);
    assert_int_equal(tgv_stream_state_decode(&id, &enabled, out, 2), 0);
    assert_int_equal(id, 63);
    assert_true(enabled);
    assert_int_equal(tgv_lan_endpoint_encode(ip4, 65535, out), 8);
    out[6] = 0xAA; /* a counter of the sender */
    assert_int_equal(tgv_lan_endpoint_decode(got4, &port, out, 8), 0);
    assert_memory_equal(got4, ip4, 4);
    assert_int_equal(port, 65535);
    assert_int_equal(tgv_network_changed_encode(1, out), 4);
    assert_int_equal(tgv_network_changed_decode(&number, out, 4), 0);
    assert_int_equal(number, 1);
    assert_int_equal(tgv_network_changed_decode(&number, NULL, 0), 0);
    assert_int_equal(number, 0);
    assert_int_equal(tgv_stream_flags_encode(1, 0x80000005, out), 5);
    assert_int_equal(tgv_stream_flags_decode(&id, &number, out, 5), 0);
    assert_int_equal(number, 0x80000005);
    assert_int_equal(tgv_ipv6_endpoint_encode(ip6, 20001, out), 18);
    assert_int_equal(tgv_ipv6_endpoint_decode(got6, &port, out, 18), 0);
    assert_memory_equal(got6, ip6, 16);
    assert_int_equal(port, 20001);
    assert_int_equal(tgv_tgvx_encode(1, 20, out), 6);
    assert_int_equal(tgv_tgvx_decode(&version, &min_frame_ms, out, 6), 0);
    assert_int_equal(version, 1);
    assert_int_equal(min_frame_ms, 20);
    out[3] = 'x';
    assert_int_equal(tgv_tgvx_decode(&version, &min_frame_ms, out, 6),
                     TGVOIP_ERR_FORMAT);
}

static void test_packet_names(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 300; type++) {
        assert_int_equal(strcmp(tgv_packet_type_str(type), "?") != 0,
                         type >= 1 && type <= 17);
        assert_int_equal(strcmp(tgv_extra_type_str(type), "?") != 0,
                         (type >= 1 && type <= 7) || type == 0x54);
    }
    assert_string_equal(tgv_packet_type_str(4), "STREAM_DATA");
    assert_string_equal(tgv_extra_type_str(0x54), "TGVX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet_init_sizes_follow_the_layer),
        cmocka_unit_test(test_packet_old_receiver_reads_our_old_init),
        cmocka_unit_test(test_packet_init_lists_are_bounded),
        cmocka_unit_test(test_packet_init_ack_keeps_few_and_different_streams),
        cmocka_unit_test(test_packet_init_ack_without_versions_is_version_1),
        cmocka_unit_test(test_packet_init_ack_codec_width_follows_the_peer),
        cmocka_unit_test(test_packet_stream_data_both_ways),
        cmocka_unit_test(test_packet_stream_data_encoder_refuses),
        cmocka_unit_test(test_packet_fragment_index_is_below_its_count),
        cmocka_unit_test(test_packet_reserved_bits_are_ignored),
        cmocka_unit_test(test_packet_bad_redundancy_spares_the_primary_frame),
        cmocka_unit_test(test_packet_bodies_follow_each_other),
        cmocka_unit_test(test_packet_stream_ec_both_ways),
        cmocka_unit_test(test_packet_stream_csd_both_ways),
        cmocka_unit_test(test_packet_fixed_bodies_both_ways),
        cmocka_unit_test(test_packet_names),
        cmocka_unit_test(
            test_eng_46_stream_data_length_is_bounded_by_the_inner_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
