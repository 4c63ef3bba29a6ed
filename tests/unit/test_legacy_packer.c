/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy wire crypto base */
/* Frames into packets: copies and their places, what is left out, queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_call.h"

#include <string.h>

#define FRAME_SAMPLES (60 * TGV_SAMPLES_PER_MS)

static struct tgv_server_config config;
static uint8_t bytes[TGV_FRAME_BYTES_MAX];

static int establish(void **state)
{
    (void)state;
    tgv_bench_options_init(&o);
    tgv_server_config_init(&config);
    config.max_unsent_stream_packets = 100;
    o.config = &config;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    tgv_bench_settle(&b);
    b.count = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    return 0;
}

static struct tgv_voice_block block(int64_t number, size_t len)
{
    return (struct tgv_voice_block){.ts = number * FRAME_SAMPLES,
                                    .duration = FRAME_SAMPLES,
                                    .data = bytes + number,
                                    .len = len};
}

/* Frame n with two copies; what left for it. */
static bool send_with_copies(int64_t n, const size_t len[3],
                             struct tgv_stream_data *m)
{
    struct tgv_voice_frame f = {.primary = block(n, len[2]),
                                .redundancy_count = 2};
    const struct tgv_bench_packet *p;
    size_t used;

    f.redundancy[0] = block(n - 2, len[0]);
    f.redundancy[1] = block(n - 1, len[1]);
    b.count = 0;
    if (!tgv_packer_frame(b.call, &f, (uint32_t)n * 60, b.now))
        return false;
    tgv_bench_settle(&b);
    p = tgv_bench_find(&b, TGV_PKT_STREAM_DATA, 0, 0);
    assert_non_null(p);
    assert_int_equal(
        tgv_stream_data_decode(m, p->payload, p->payload_len, &used), 0);
    assert_int_equal(used, p->payload_len);
    assert_int_equal(m->pts, n * 60);
    assert_int_equal(m->data.len, len[2]);
    return true;
}

static void test_eng_48_newest_place_is_there_but_empty(void **state)
{
    static const size_t len[3] = {40, 50, 60};
    struct tgv_stream_data m;

    (void)state;
    assert_true(send_with_copies(9, len, &m));
    assert_true(m.has_fec);
    assert_int_equal(m.fec_count, 3);
    assert_int_equal(m.fec[0].len, 40);
    assert_memory_equal(m.fec[0].data, bytes + 7, 40);
    assert_int_equal(m.fec[1].len, 50);
    assert_memory_equal(m.fec[1].data, bytes + 8, 50);
    assert_int_equal(m.fec[2].len, 0);
}

/* The place of a copy is its time: one that is too long leaves it empty. */
static void test_eng_47_copy_too_long_for_its_length_is_left_out(void **state)
{
    static const size_t len[3] = {300, 255, 60};
    struct tgv_stream_data m;

    (void)state;
    assert_true(send_with_copies(9, len, &m));
    assert_int_equal(m.fec_count, 3);
    assert_int_equal(m.fec[0].len, 0);
    assert_int_equal(m.fec[1].len, 255);
    assert_memory_equal(m.fec[1].data, bytes + 8, 255);
}

static void test_packer_oldest_copies_go_first_from_long_packets(void **state)
{
    static const size_t len[3] = {250, 250, 800};
    struct tgv_stream_data m;

    (void)state;
    assert_true(send_with_copies(9, len, &m));
    assert_int_equal(m.fec_count, 2);
    assert_memory_equal(m.fec[0].data, bytes + 8, 250);
}

/* More than the queue holds, and the socket takes none meanwhile. */
static void test_eng_09_full_queue_drops_the_oldest_media(void **state)
{
    uint64_t dropped = b.call->counters.dropped;
    const unsigned pushed = TGV_MEDIA_QUEUE + 6;

    (void)state;
    for (uint8_t i = 0; i < pushed; i++)
        assert_true(tgv_send_media(b.call, TGV_PKT_STREAM_DATA, &i, 1));
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0),
                     TGV_MEDIA_QUEUE);
    for (unsigned i = 0; i < TGV_MEDIA_QUEUE; i++)
        assert_int_equal(
            tgv_bench_find(&b, TGV_PKT_STREAM_DATA, 0, i)->payload[0],
            pushed - TGV_MEDIA_QUEUE + i);
    assert_int_equal(b.call->counters.dropped - dropped, 6);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_09_control_beyond_the_queue_is_counted(void **state)
{
    uint64_t dropped = b.call->counters.dropped;

    (void)state;
    for (unsigned i = 0; i < 2 * TGV_CONTROL_QUEUE; i++)
        tgv_send_packet(b.call, TGV_PATH_CURRENT, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(b.call->counters.dropped - dropped, TGV_CONTROL_QUEUE);
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_NOP, 0), TGV_CONTROL_QUEUE);
}

/* The server's limit of waiting packets: each counts once, and the count is
 * that of the queue itself, whatever becomes of them. */
static void test_eng_30_waiting_media_is_counted_packet_by_packet(void **state)
{
    uint8_t byte = 0;

    (void)state;
    b.call->config.max_unsent_stream_packets = 2;
    for (int round = 0; round < 5; round++) {
        assert_true(tgv_send_media(b.call, TGV_PKT_STREAM_DATA, &byte, 1));
        assert_true(tgv_send_media(b.call, TGV_PKT_STREAM_DATA, &byte, 1));
        assert_false(tgv_send_media(b.call, TGV_PKT_STREAM_DATA, &byte, 1));
        if (round % 2)
            tgv_send_drop_media(b.call);
        tgv_bench_settle(&b);
        assert_int_equal(b.call->sender.media_count, 0);
    }
    tgv_send_packet(b.call, TGV_PATH_CURRENT, TGV_PKT_NOP, NULL, 0);
    tgv_send_media(b.call, TGV_PKT_STREAM_DATA, &byte, 1);
    tgv_send_drop_media(b.call); /* a stall costs no control packet */
    b.count = 0;
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_NOP, 0), 1);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0), 0);
}

/* The window is full: the frame does not leave, its time goes on, and its copy
 * rides with the next that does. */
static void test_eng_54_frame_left_out_keeps_its_time(void **state)
{
    static const size_t len[3] = {50, 50, 50};
    uint64_t left_out = b.call->counters.left_out;
    struct tgv_stream_data m;
    int64_t n = 9;

    (void)state;
    while (send_with_copies(n, len, &m)) /* nothing is acknowledged */
        assert_true(++n < 100);
    assert_int_equal(b.call->counters.left_out - left_out, 1);
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0); /* acknowledges all */
    assert_true(send_with_copies(n + 1, len, &m));
    assert_int_equal(m.pts % 60, 0);
    assert_memory_equal(m.fec[1].data, bytes + n, 50);
}

#define T(f) cmocka_unit_test_setup_teardown(f, establish, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_48_newest_place_is_there_but_empty),
        T(test_eng_47_copy_too_long_for_its_length_is_left_out),
        T(test_packer_oldest_copies_go_first_from_long_packets),
        T(test_eng_09_full_queue_drops_the_oldest_media),
        T(test_eng_09_control_beyond_the_queue_is_counted),
        T(test_eng_30_waiting_media_is_counted_packet_by_packet),
        T(test_eng_54_frame_left_out_keeps_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
