/* SPDX-License-Identifier: MIT */
/* rooms: inspect crypto wire json base */
/* Recordings in pieces of any size, and damaged ones. */
#include "inspect/intake.h"

#include "base/random.h"
#include "inspect/datagram.h"
#include "inspect/pcap.h"
#include "inspect/verdict.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vector_json.h"

#define ROUNDS 60
#define PACKETS 240

struct bytes {
    uint8_t *data;
    size_t len;
};

static uint8_t key[256];
static struct bytes trace, pcap, pcapng;

/* -- writing captures ------------------------------------------------------ */

static void add(struct bytes *b, const void *data, size_t len)
{
    b->data = realloc(b->data, b->len + len);
    assert_non_null(b->data);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void add_u32(struct bytes *b, uint32_t v)
{
    const uint8_t le[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                           (uint8_t)(v >> 24)};

    add(b, le, sizeof le);
}

/* An IPv4 packet with the datagram of a trace line. */
static size_t ip_packet(const struct tgv_trace_packet *p, uint8_t *out)
{
    struct tgv_addr src, dst;
    size_t total = 28 + p->wire_len;

    assert_true(
        tgv_addr_parse(tgv_json_str(tgv_json_get(p->line, "src")), &src));
    assert_true(
        tgv_addr_parse(tgv_json_str(tgv_json_get(p->line, "dst")), &dst));
    memset(out, 0, 28);
    out[0] = 0x45;
    out[2] = (uint8_t)(total >> 8);
    out[3] = (uint8_t)total;
    out[8] = 64;
    out[9] = 17;
    memcpy(out + 12, src.ip, 4);
    memcpy(out + 16, dst.ip, 4);
    out[20] = (uint8_t)(src.port >> 8);
    out[21] = (uint8_t)src.port;
    out[22] = (uint8_t)(dst.port >> 8);
    out[23] = (uint8_t)dst.port;
    out[24] = (uint8_t)((total - 20) >> 8);
    out[25] = (uint8_t)(total - 20);
    memcpy(out + 28, p->wire, p->wire_len);
    return total;
}

static void add_record(const uint8_t *packet, size_t len, uint32_t us)
{
    static const uint8_t zeros[4];
    const uint32_t padding = (uint32_t)(4 - len % 4) % 4;
    const uint32_t size = 32 + (uint32_t)len + padding;

    add_u32(&pcap, us / 1000000);
    add_u32(&pcap, us % 1000000);
    add_u32(&pcap, (uint32_t)len);
    add_u32(&pcap, (uint32_t)len);
    add(&pcap, packet, len);
    add_u32(&pcapng, 6);
    add_u32(&pcapng, size);
    add_u32(&pcapng, 0);
    add_u32(&pcapng, 0);
    add_u32(&pcapng, us);
    add_u32(&pcapng, (uint32_t)len);
    add_u32(&pcapng, (uint32_t)len);
    add(&pcapng, packet, len);
    add(&pcapng, zeros, padding);
    add_u32(&pcapng, size);
}

static void begin_captures(void)
{
    static const uint32_t file[] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 101};
    static const uint32_t ng[] = {0x0a0d0d0a, 28,         0x1a2b3c4d, 1,
                                  0xffffffff, 0xffffffff, 28,         1,
                                  20,         101,        0,          20};

    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        add_u32(&pcap, file[i]);
    for (size_t i = 0; i < sizeof ng / sizeof *ng; i++)
        add_u32(&pcapng, ng[i]);
}

static int set_up(void **state)
{
    static struct tgv_trace_packet p;
    static uint8_t packet[65536];
    struct vector_bytes secret;
    struct tgv_json *crypto;
    size_t len;
    char *text = vector_read(TEST_DATA "/crypto.json", &len);
    (void)state;

    crypto = vector_parse(text, len);
    vector_hex(crypto, "key", &secret);
    memcpy(key, secret.data, sizeof key);
    tgv_json_free(crypto);
    free(text);
    trace.data = (uint8_t *)vector_read(TEST_DATA "/trace-relay-setup.jsonl",
                                        &trace.len);
    begin_captures();
    for (size_t at = 0; at < trace.len;) {
        const uint8_t *line = trace.data + at;
        const uint8_t *end = memchr(line, '\n', trace.len - at);
        size_t n = end ? (size_t)(end - line) + 1 : trace.len - at;

        at += n;
        if (tgv_trace_read(&p, (const char *)line, n, NULL))
            continue;
        add_record(packet, ip_packet(&p, packet), (uint32_t)(p.t_ms * 1000));
        tgv_json_free(p.line);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(trace.data);
    free(pcap.data);
    free(pcapng.data);
    return 0;
}

/* -- reading --------------------------------------------------------------- */

struct outcome {
    unsigned packets, failed, malformed;
    uint64_t sum; /* of everything said */
};

static void add_up(struct outcome *o, const char *text)
{
    for (; *text; text++)
        o->sum = o->sum * 1099511628211u + (uint8_t)*text;
}

static int take_all(struct tgv_intake *k, struct outcome *o)
{
    for (;;) {
        struct tgvoip_failure failure = {0};
        struct tgv_inspected got;
        int err = tgv_intake_next(k, &got, &failure);

        if (err == TGVOIP_ERR_FORMAT) {
            assert_true(failure.what[0] && failure.why[0]);
            o->malformed++;
            continue;
        }
        if (err)
            return err;
        o->packets++;
        o->failed += got.failed;
        add_up(o, got.text);
        tgv_json_free(got.json);
    }
}

/* All of it, in pieces of 1..most bytes. */
static struct outcome read_in_pieces(const struct bytes *b, size_t most,
                                     struct tgv_prng *prng)
{
    struct outcome o = {0};
    struct tgv_inspect *in;
    struct tgv_intake *k;
    char text[TGV_VERDICT_TEXT];

    assert_int_equal(tgv_inspect_create(&in, key), 0);
    assert_int_equal(tgv_intake_create(&k, in), 0);
    for (size_t at = 0; at < b->len;) {
        size_t n = 1 + tgv_prng_below(prng, (uint32_t)most);

        n = n < b->len - at ? n : b->len - at;
        assert_int_equal(tgv_intake_put(k, b->data + at, n), 0);
        at += n;
        if (take_all(k, &o) == TGVOIP_ERR_END)
            break; /* broken */
    }
    tgv_intake_end(k);
    assert_int_equal(take_all(k, &o), TGVOIP_ERR_END);
    assert_int_equal(tgv_intake_put(k, b->data, 1), TGVOIP_ERR_STATE);
    tgv_verdict_text(tgv_inspect_verdict(in), text, sizeof text);
    add_up(&o, text);
    tgv_json_free(tgv_verdict_json(tgv_inspect_verdict(in)));
    tgv_intake_destroy(k);
    tgv_inspect_destroy(in);
    return o;
}

static void test_intake_pieces_of_any_size_give_the_same(void **state)
{
    const struct bytes *const all[] = {&trace, &pcap, &pcapng};
    struct tgv_prng prng;
    struct outcome first = {0};
    (void)state;

    tgv_prng_init(&prng, 7);
    for (int i = 0; i < 3; i++) {
        static const size_t pieces[] = {1, 7, 1000, 1u << 20};

        for (size_t k = i == 0; k < 4; k++) {
            struct outcome o = read_in_pieces(all[i], pieces[k], &prng);

            assert_int_equal(o.packets, PACKETS);
            assert_int_equal(o.failed, 0);
            assert_int_equal(o.malformed, 0);
            if (i == 0 && k == 1)
                first = o;
            assert_true(o.sum == first.sum);
        }
    }
}

static void test_intake_damaged_recordings_end(void **state)
{
    const struct bytes *const all[] = {&trace, &pcap, &pcapng};
    struct tgv_prng prng;
    (void)state;

    print_message("seed %d\n", 11);
    tgv_prng_init(&prng, 11);
    for (int round = 0; round < ROUNDS; round++) {
        const struct bytes *b = all[round % 3];
        struct bytes copy = {NULL, 0};

        add(&copy, b->data, b->len);
        for (int i = 0; i < 1 << round % 8; i++) {
            /* half of them where the heads are */
            uint32_t most = i % 2 ? (uint32_t)copy.len : 2000;

            copy.data[tgv_prng_below(&prng, most)] =
                (uint8_t)tgv_prng_below(&prng, 256);
        }
        if (round % 4 == 0)
            copy.len = tgv_prng_below(&prng, (uint32_t)copy.len);
        if (copy.len)
            read_in_pieces(&copy, 100000, &prng);
        free(copy.data);
    }
}

static void test_intake_full_buffer_refuses(void **state)
{
    struct tgv_inspect *in;
    struct tgv_intake *k;
    struct tgv_inspected out;
    static uint8_t zeros[1 << 20];
    (void)state;

    assert_int_equal(tgv_inspect_create(&in, key), 0);
    assert_int_equal(tgv_intake_create(&k, in), 0);
    assert_int_equal(tgv_intake_next(k, &out, NULL), TGVOIP_ERR_AGAIN);
    for (int i = 0; i < 8; i++)
        assert_int_equal(tgv_intake_put(k, zeros, sizeof zeros), 0);
    assert_int_equal(tgv_intake_put(k, zeros, 1), TGVOIP_ERR_TOO_LARGE);
    /* a line without end is refused once, and not kept */
    assert_int_equal(tgv_intake_next(k, &out, NULL), TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_intake_next(k, &out, NULL), TGVOIP_ERR_AGAIN);
    assert_int_equal(tgv_intake_put(k, (const uint8_t *)"\nx\n", 3), 0);
    assert_int_equal(tgv_intake_next(k, &out, NULL), TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_intake_next(k, &out, NULL), TGVOIP_ERR_AGAIN);
    tgv_intake_destroy(k);
    tgv_inspect_destroy(in);
    tgv_intake_destroy(NULL);
}

static void test_datagram_fragments_and_other_protocols_are_none(void **state)
{
    static const uint8_t udp[32] = {
        0x45, 0, 0, 32, 0, 0,  0, 0,  64, 17, 0, 0, 1,   2,   3,   4,
        5,    6, 7, 8,  0, 10, 0, 20, 0,  12, 0, 0, 'd', 'a', 't', 'a'};
    static const struct {
        size_t at;
        uint8_t value;
    } spoiled[] = {{0, 0x44}, {0, 0x55}, {0, 0x4F}, {3, 33}, {3, 19},
                   {6, 0x20}, {7, 1},    {9, 6},    {25, 7}, {25, 13}};
    struct tgv_datagram d;
    uint8_t copy[sizeof udp];
    (void)state;

    assert_true(tgv_datagram_find(&d, TGV_LINK_RAW, udp, sizeof udp));
    assert_int_equal(d.len, 4);
    assert_memory_equal(d.data, "data", 4);
    assert_int_equal(d.src.port, 10);
    assert_int_equal(d.dst.port, 20);
    assert_int_equal(d.dst.ip[3], 8);
    for (size_t len = 0; len < sizeof udp; len++)
        assert_false(tgv_datagram_find(&d, TGV_LINK_RAW, udp, len));
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        memcpy(copy, udp, sizeof udp);
        copy[spoiled[i].at] = spoiled[i].value;
        assert_false(tgv_datagram_find(&d, TGV_LINK_RAW, copy, sizeof copy));
    }
    assert_false(tgv_datagram_find(&d, 147, udp, sizeof udp));
    assert_false(tgv_datagram_find(&d, TGV_LINK_ETHERNET, udp, sizeof udp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intake_pieces_of_any_size_give_the_same),
        cmocka_unit_test(test_intake_damaged_recordings_end),
        cmocka_unit_test(test_intake_full_buffer_refuses),
        cmocka_unit_test(test_datagram_fragments_and_other_protocols_are_none),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
