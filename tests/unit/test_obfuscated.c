/* SPDX-License-Identifier: MIT */
/* rooms: transport crypto base */
#include "base/random.h"
#include "transport/obfuscated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tgvoip/error.h>

struct pair {
    struct tgv_obf *client, *relay;
    uint8_t header[TGV_OBF_HEADER];
    struct tgv_prng prng;
    struct tgv_random random;
};

/* A client, and a relay that has taken its header. */
static void open_pair(struct pair *p, uint64_t seed)
{
    const uint8_t *packet;
    size_t used, len;

    tgv_prng_init(&p->prng, seed);
    p->random = tgv_prng_source(&p->prng);
    assert_int_equal(tgv_obf_create_client(&p->client, &p->random, p->header),
                     0);
    assert_int_equal(tgv_obf_create_relay(&p->relay), 0);
    assert_true(tgv_obf_ready(p->client));
    assert_false(tgv_obf_ready(p->relay));
    assert_int_equal(tgv_obf_decode(p->relay, p->header, sizeof(p->header),
                                    &used, &packet, &len),
                     0);
    assert_int_equal(used, TGV_OBF_HEADER);
    assert_null(packet);
    assert_true(tgv_obf_ready(p->relay));
}

static void close_pair(struct pair *p)
{
    tgv_obf_destroy(p->client);
    tgv_obf_destroy(p->relay);
}

/* Feed in steps of the given size; every packet must be the next of `sizes`
 * (filled with its number). */
static void feed(struct tgv_obf *o, const uint8_t *data, size_t len,
                 size_t step, const size_t *sizes, size_t count, size_t *next)
{
    while (len) {
        size_t n = len < step ? len : step, used, packet_len;
        const uint8_t *packet;

        assert_int_equal(
            tgv_obf_decode(o, data, n, &used, &packet, &packet_len), 0);
        assert_true(used > 0 && used <= n);
        if (packet) {
            assert_true(*next < count);
            assert_int_equal(packet_len, sizes[*next]);
            for (size_t i = 0; i < packet_len; i++)
                assert_int_equal(packet[i], (uint8_t)*next);
            ++*next;
        } else {
            assert_int_equal(used, n);
        }
        data += used;
        len -= used;
    }
}

static const size_t sizes[] = {16, 20, 64, 504, 508, 512, 1496, 1500, 16};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static size_t encode_all(struct tgv_obf *o, uint8_t *out, size_t cap)
{
    uint8_t packet[TGV_OBF_PACKET_MAX];
    size_t total = 0;

    for (size_t i = 0; i < SIZES; i++) {
        size_t n;

        memset(packet, (int)i, sizeof(packet));
        assert_int_equal(
            tgv_obf_encode(o, packet, sizes[i], out + total, cap - total, &n),
            0);
        assert_int_equal(n, sizes[i] + (sizes[i] / 4 < 0x7F ? 1 : 4));
        total += n;
    }
    return total;
}

static void test_obfuscated_any_segmentation_both_ways(void **state)
{
    (void)state;
    uint8_t stream[8192];

    for (size_t step = 1; step < 200; step += step < 24 ? 1 : 13) {
        struct pair p;
        size_t len, next = 0;

        open_pair(&p, step);
        len = encode_all(p.client, stream, sizeof(stream));
        feed(p.relay, stream, len, step, sizes, SIZES, &next);
        assert_int_equal(next, SIZES);
        len = encode_all(p.relay, stream, sizeof(stream));
        next = 0;
        feed(p.client, stream, len, step, sizes, SIZES, &next);
        assert_int_equal(next, SIZES);
        close_pair(&p);
    }
}

static void test_obfuscated_every_split_of_header_and_frame(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= TGV_OBF_HEADER + 21; cut++) {
        uint8_t stream[TGV_OBF_HEADER + 21], packet[20] = {0};
        const size_t one[] = {20};
        struct tgv_prng g;
        struct tgv_obf *client, *relay;
        size_t n, next = 0;

        tgv_prng_init(&g, cut);
        struct tgv_random r = tgv_prng_source(&g);
        assert_int_equal(tgv_obf_create_client(&client, &r, stream), 0);
        assert_int_equal(tgv_obf_create_relay(&relay), 0);
        assert_int_equal(tgv_obf_encode(client, packet, sizeof(packet),
                                        stream + TGV_OBF_HEADER, 21, &n),
                         0);
        feed(relay, stream, cut, sizeof(stream), one, 1, &next);
        feed(relay, stream + cut, sizeof(stream) - cut, sizeof(stream), one, 1,
             &next);
        assert_int_equal(next, 1);
        tgv_obf_destroy(client);
        tgv_obf_destroy(relay);
    }
}

static void test_obfuscated_refuses_to_send_bad_packets(void **state)
{
    (void)state;
    uint8_t packet[1600] = {0}, out[1700];
    struct tgv_obf *fresh;
    struct pair p;
    size_t n, next = 0;
    const size_t one[] = {16};

    open_pair(&p, 1);
    assert_int_equal(tgv_obf_encode(p.client, packet, 12, out, 99, &n),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_obf_encode(p.client, packet, 0, out, 99, &n),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_obf_encode(p.client, packet, 18, out, 99, &n),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_obf_encode(p.client, packet, 1504, out, 1700, &n),
                     TGVOIP_ERR_TOO_LARGE);
    assert_int_equal(tgv_obf_encode(p.client, packet, 16, out, 16, &n),
                     TGVOIP_ERR_TOO_LARGE);
    assert_int_equal(n, 0);
    /* none of these moved the stream */
    assert_int_equal(tgv_obf_encode(p.client, packet, 16, out, 17, &n), 0);
    feed(p.relay, out, n, 99, one, 1, &next);
    assert_int_equal(next, 1);
    close_pair(&p);

    assert_int_equal(tgv_obf_create_relay(&fresh), 0);
    assert_int_equal(tgv_obf_encode(fresh, packet, 16, out, 99, &n),
                     TGVOIP_ERR_STATE);
    tgv_obf_destroy(fresh);
}

/* XOR of two headers' worth of frames lets a test write any clear length:
 * flip the first cipher byte from what a good frame says to what we want. */
static void expect_length_refused(const uint8_t *want, size_t want_len,
                                  size_t good_len)
{
    uint8_t packet[TGV_OBF_PACKET_MAX] = {0}, out[TGV_OBF_FRAME_MAX];
    uint8_t good[4] = {0x7F, (uint8_t)(good_len / 4),
                       (uint8_t)(good_len / 4 >> 8), 0};
    const uint8_t *got;
    struct pair p;
    size_t n, used, len;

    if (good_len / 4 < 0x7F)
        good[0] = (uint8_t)(good_len / 4);
    open_pair(&p, 3);
    assert_int_equal(
        tgv_obf_encode(p.client, packet, good_len, out, sizeof(out), &n), 0);
    for (size_t i = 0; i < want_len; i++)
        out[i] ^= good[i] ^ want[i];
    assert_int_equal(tgv_obf_decode(p.relay, out, n, &used, &got, &len),
                     TGVOIP_ERR_FORMAT);
    assert_null(got);
    /* final, also for good bytes */
    assert_int_equal(tgv_obf_decode(p.relay, out, 1, &used, &got, &len),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_obf_decode(p.relay, out, 0, &used, &got, &len),
                     TGVOIP_ERR_FORMAT);
    assert_int_equal(used, 0);
    assert_false(tgv_obf_ready(p.relay));
    close_pair(&p);
}

static void test_obfuscated_bad_lengths_end_the_stream(void **state)
{
    (void)state;
    expect_length_refused((const uint8_t[]){0}, 1, 16);
    expect_length_refused((const uint8_t[]){3}, 1, 16);
    expect_length_refused((const uint8_t[]){0x7F, 0, 0, 0}, 4, 512);
    expect_length_refused((const uint8_t[]){0x7F, 3, 0, 0}, 4, 512);
    expect_length_refused((const uint8_t[]){0x7F, 0x78, 1, 0}, 4, 512);
    expect_length_refused((const uint8_t[]){0x7F, 0xFF, 0xFF, 0xFF}, 4, 512);
    /* a quick-ack bit is read as the long form */
    expect_length_refused((const uint8_t[]){0xFF, 0, 0, 1}, 4, 512);
}

static void test_obfuscated_wrong_tag_is_refused(void **state)
{
    (void)state;
    for (size_t i = 56; i < 60; i++) {
        uint8_t header[TGV_OBF_HEADER];
        struct tgv_obf *client, *relay;
        const uint8_t *packet;
        struct tgv_prng g;
        size_t used, len;

        tgv_prng_init(&g, i);
        struct tgv_random r = tgv_prng_source(&g);
        assert_int_equal(tgv_obf_create_client(&client, &r, header), 0);
        assert_int_equal(tgv_obf_create_relay(&relay), 0);
        header[i] ^= 0xEF ^ 0xDD; /* the padded intermediate form */
        assert_int_equal(
            tgv_obf_decode(relay, header, sizeof(header), &used, &packet, &len),
            TGVOIP_ERR_FORMAT);
        tgv_obf_destroy(client);
        tgv_obf_destroy(relay);
    }
}

/* Plays 64-byte nonces, the last for ever. */
struct script {
    const uint8_t (*nonces)[TGV_OBF_HEADER];
    size_t count, next;
    int error;
};

static int script_fill(void *ctx, uint8_t *buf, size_t len)
{
    struct script *s = ctx;

    assert_int_equal(len, TGV_OBF_HEADER);
    memcpy(buf, s->nonces[s->next], len);
    if (s->next + 1 < s->count)
        s->next++;
    return s->error;
}

static void test_obfuscated_forbidden_nonces_are_drawn_again(void **state)
{
    (void)state;
    static uint8_t nonces[8][TGV_OBF_HEADER];
    static const char first[7][9] = {
        "HEAD....",    "POST....",     "GET ....", "\xEE\xEE\xEE\xEE....",
        "\xEF.......", "....\0\0\0\0", "fine...."};
    uint8_t header[TGV_OBF_HEADER];
    struct tgv_obf *o;

    for (size_t i = 0; i < 7; i++) {
        memcpy(nonces[i], first[i], 8);
        assert_int_equal(tgv_obf_forbidden(nonces[i]), i < 6);
    }
    struct script s = {(const uint8_t(*)[TGV_OBF_HEADER])nonces, 7, 0, 0};
    struct tgv_random r = {script_fill, &s};
    assert_int_equal(tgv_obf_create_client(&o, &r, header), 0);
    assert_memory_equal(header, "fine....", 8);
    tgv_obf_destroy(o);
}

static void test_eng_33_obfuscated_heeds_the_random_source(void **state)
{
    (void)state;
    static uint8_t nonces[1][TGV_OBF_HEADER]; /* zeros: forbidden for ever */
    uint8_t header[TGV_OBF_HEADER];
    struct script s = {(const uint8_t(*)[TGV_OBF_HEADER])nonces, 1, 0, 0};
    struct tgv_random r = {script_fill, &s};
    struct tgv_obf *o;

    assert_int_equal(tgv_obf_create_client(&o, &r, header), TGVOIP_ERR_RANDOM);
    assert_null(o);
    s.error = TGVOIP_ERR_RANDOM;
    memset(nonces, 'x', sizeof(nonces));
    assert_int_equal(tgv_obf_create_client(&o, &r, header), TGVOIP_ERR_RANDOM);
    assert_null(o);
    tgv_obf_destroy(NULL);
}

static void test_obfuscated_survives_random_streams(void **state)
{
    (void)state;
    const uint64_t seed = 99;
    struct tgv_prng g;

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    struct tgv_random r = tgv_prng_source(&g);
    for (int round = 0; round < 2000; round++) {
        uint8_t data[600];
        struct pair p;
        struct tgv_obf *o;
        size_t left = sizeof(data), pos = 0;

        open_pair(&p, tgv_prng_u64(&g));
        o = round % 3 ? p.relay : p.client;
        r.fill(r.ctx, data, sizeof(data));
        while (left) {
            size_t n = 1 + tgv_prng_below(&g, (uint32_t)left), used, len;
            const uint8_t *packet;

            if (tgv_obf_decode(o, data + pos, n, &used, &packet, &len))
                break;
            assert_true(used <= n);
            assert_true(!packet || (len >= TGV_OBF_PACKET_MIN &&
                                    len <= TGV_OBF_PACKET_MAX && len % 4 == 0));
            pos += used;
            left -= used;
        }
        close_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_obfuscated_any_segmentation_both_ways),
        cmocka_unit_test(test_obfuscated_every_split_of_header_and_frame),
        cmocka_unit_test(test_obfuscated_refuses_to_send_bad_packets),
        cmocka_unit_test(test_obfuscated_bad_lengths_end_the_stream),
        cmocka_unit_test(test_obfuscated_wrong_tag_is_refused),
        cmocka_unit_test(test_obfuscated_forbidden_nonces_are_drawn_again),
        cmocka_unit_test(test_eng_33_obfuscated_heeds_the_random_source),
        cmocka_unit_test(test_obfuscated_survives_random_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
