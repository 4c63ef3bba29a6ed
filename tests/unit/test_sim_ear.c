/* SPDX-License-Identifier: MIT */
/* rooms: test_bench */
/* The judge of simulated calls must see what it is there to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/marker_codec.h"
#include "support/sim_ear.h"

#include <string.h>

static struct tgv_sim_ear e;
static int16_t pcm[TGV_BLOCK_SAMPLES];

static int reset(void **state)
{
    (void)state;
    memset(&e, 0, sizeof(e));
    e.marked = true;
    e.last_pos = -1;
    e.end_ts = INT64_MIN;
    return 0;
}

/* Blocks 10..99 were sent, block n at n * 20 ms. */
static tgv_time captured(const void *ctx, uint32_t number)
{
    (void)ctx;
    return number >= 10 && number < 100 ? TGV_MS(20) * number : -1;
}

static void hear(uint32_t number, int64_t ts, enum tgv_played_kind kind)
{
    struct tgv_played p = {.kind = kind, .ts = ts, .span = TGV_BLOCK_SAMPLES};

    if (number == TGV_MARKER_NONE)
        memset(pcm, 0, sizeof(pcm));
    else
        tgv_marker_write(pcm, number);
    tgv_sim_ear_take(&e, pcm, &p, TGV_S(5), captured, NULL);
}

static int64_t ts(int n)
{
    return (int64_t)n * TGV_BLOCK_SAMPLES;
}

static void test_sim_ear_accepts_a_good_stream(void **state)
{
    (void)state;
    hear(20, ts(0), TGV_PLAYED_VOICE);
    hear(21, ts(1), TGV_PLAYED_RECOVERED);
    hear(TGV_MARKER_NONE, ts(2), TGV_PLAYED_CONCEALED);
    hear(TGV_MARKER_NONE, 0, TGV_PLAYED_SILENCE);
    hear(24, ts(4), TGV_PLAYED_VOICE);
    assert_int_equal(e.heard.breaches, 0);
    assert_int_equal(e.heard.blocks, 5);
    assert_int_equal(e.heard.voice, 2);
    assert_int_equal(e.heard.delay_count, 3);
    assert_int_equal(e.heard.delays_ms10[0], 46000);
}

static void test_sim_ear_sees_a_block_twice(void **state)
{
    (void)state;
    hear(20, ts(0), TGV_PLAYED_VOICE);
    hear(20, ts(1), TGV_PLAYED_VOICE);
    assert_true(e.heard.breaches > 0);
}

static void test_sim_ear_sees_wrong_order(void **state)
{
    (void)state;
    hear(21, ts(1), TGV_PLAYED_VOICE);
    hear(20, ts(0), TGV_PLAYED_VOICE);
    assert_true(e.heard.breaches > 0);
}

static void test_sim_ear_sees_what_was_not_sent(void **state)
{
    (void)state;
    hear(5, ts(0), TGV_PLAYED_VOICE);
    assert_int_equal(e.heard.breaches, 1);
}

static void test_sim_ear_sees_a_shifted_block(void **state)
{
    (void)state;
    hear(20, ts(0), TGV_PLAYED_VOICE);
    hear(22, ts(1), TGV_PLAYED_VOICE);
    assert_int_equal(e.heard.breaches, 1);
}

static void test_sim_ear_sees_silence_declared_as_voice(void **state)
{
    (void)state;
    hear(20, ts(0), TGV_PLAYED_VOICE);
    hear(TGV_MARKER_NONE, ts(1), TGV_PLAYED_VOICE);
    assert_int_equal(e.heard.breaches, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sim_ear_accepts_a_good_stream, reset),
        cmocka_unit_test_setup(test_sim_ear_sees_a_block_twice, reset),
        cmocka_unit_test_setup(test_sim_ear_sees_wrong_order, reset),
        cmocka_unit_test_setup(test_sim_ear_sees_what_was_not_sent, reset),
        cmocka_unit_test_setup(test_sim_ear_sees_a_shifted_block, reset),
        cmocka_unit_test_setup(test_sim_ear_sees_silence_declared_as_voice,
                               reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
