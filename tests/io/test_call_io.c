/* SPDX-License-Identifier: MIT */
/* Real calls: voice, mute and statistics, ends that come by themselves, and what
 * an engine without threads does with its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/call_pair.h"

static void check_stats(struct pair *p)
{
    struct tgvoip_call_stats s;
    char *text;

    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_int_equal(s.state, TGVOIP_STATE_ESTABLISHED);
        assert_true(s.packets_in > 5 && s.packets_out > 5);
        assert_true(s.established_us > 0);
        assert_true(s.first_audio_us > 0);
        assert_true(s.peer_is_ours);
        assert_int_equal(s.packets_bad, 0);
        assert_int_equal(s.route.id, 77);
        assert_int_equal(s.route.type, TGVOIP_ENDPOINT_UDP_RELAY);
        assert_int_equal(p->ends[i].road, TGVOIP_ENDPOINT_UDP_RELAY);
        assert_int_equal(tgvoip_call_preferred_relay(p->ends[i].call), 77);
        assert_int_equal(tgvoip_call_debug_log(p->ends[i].call, &text), 0);
        tgvoip_free(text);
    }
}

static void test_call_voice_mute_and_stats(void **state)
{
    struct pair *p = pair_create(false);
    struct tgvoip_engine_stats s;

    (void)state;
    pair_establish(p);
    pair_mute_and_unmute(p);
    check_stats(p);
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &s), 0);
    assert_int_equal(s.calls, 1);
    assert_true(s.ticks > 10);
    for (int i = 0; i < 2; i++) {
        pair_stop_end(&p->ends[i]);
        assert_true(p->ends[i].traced_in > 10);
        assert_int_equal(p->ends[i].traced_in, p->ends[i].given);
        assert_int_equal(p->ends[i].traced_out, p->ends[i].taken);
    }
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &s), 0);
    assert_int_equal(s.calls, 0);
    pair_destroy(p);
}

static void test_call_voice_on_the_users_loop(void **state)
{
    struct pair *p = pair_create(true);

    (void)state;
    pair_establish(p);
    pair_mute_and_unmute(p);
    check_stats(p);
    pair_destroy(p);
}

/* -- failures, virtual time ------------------------------------------------ */

static void test_eng_07_failed_is_final_and_told_once(void **state)
{
    struct pair *p = pair_create(true);

    (void)state;
    p->config.init_timeout_ms = 2000;
    pair_make_call(p, 0);
    assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
    assert_true(
        pair_wait(p, &p->ends[0], end_state_is, TGVOIP_STATE_FAILED, 4000));
    assert_int_equal(p->ends[0].error, TGVOIP_CALL_ERROR_TIMEOUT);
    /* Now the other side comes; nothing may change. */
    pair_make_call(p, 1);
    assert_int_equal(tgvoip_call_start(p->ends[1].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[1].call), 0);
    assert_true(
        pair_wait(p, &p->ends[1], end_state_is, TGVOIP_STATE_FAILED, 4000));
    assert_int_equal(p->ends[0].failed, 1);
    assert_int_equal(p->ends[0].state, TGVOIP_STATE_FAILED);
    assert_int_equal(p->ends[1].failed, 1);
    assert_int_equal(tgvoip_call_record(p->ends[0].call, "x.wav", NULL),
                     TGVOIP_ERR_STATE);
    pair_destroy(p);
}

static void test_call_wrong_key_ends_in_a_timeout(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_call_stats s;

    (void)state;
    p->config.init_timeout_ms = 2000;
    memset(p->keys[1], 0x77, 256);
    pair_begin(p);
    for (int i = 0; i < 2; i++) {
        assert_true(
            pair_wait(p, &p->ends[i], end_state_is, TGVOIP_STATE_FAILED, 4000));
        assert_int_equal(p->ends[i].error, TGVOIP_CALL_ERROR_TIMEOUT);
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_true(s.packets_bad > 0);
    }
    pair_destroy(p);
}

/* A hold-up of a second: a few blocks in a row, the rest skipped. */
static void test_eng_13_catching_up_is_limited(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_engine_stats before, after;

    (void)state;
    pair_establish(p);
    uint64_t given = p->ends[0].given;
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &before), 0);
    p->now += 1000000;
    assert_int_equal(tgvoip_engine_step(p->engines[0]), 0);
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &after), 0);
    assert_in_range(p->ends[0].given - given, 4, 7);
    assert_in_range(after.ticks - before.ticks, 98, 102);
    assert_true(after.ticks_late - before.ticks_late > 90);
    assert_true(after.worst_late_us > 900000);
    /* and no drift: 20 ms a block from here on */
    given = p->ends[0].given;
    for (int i = 0; i < 400; i++)
        pair_step(p);
    assert_in_range(p->ends[0].given - given, 99, 101);
    pair_destroy(p);
}

/* Nobody gives or takes sound: silence goes out, and nothing breaks. */
static void test_eng_14_calls_without_callbacks_are_silent(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_call_stats s;

    (void)state;
    memset(&p->config.callbacks, 0, sizeof(p->config.callbacks));
    pair_begin(p);
    for (int i = 0; i < 600; i++)
        pair_step(p);
    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_int_equal(s.state, TGVOIP_STATE_ESTABLISHED);
        assert_true(s.frames_played > 20);
        assert_true(s.level_in < 0.01);
        assert_int_equal(s.source_underruns, 0);
    }
    pair_destroy(p);
}

static int no_random(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    (void)len;
    return TGVOIP_ERR_RANDOM;
}

static void test_eng_33_failing_random_source_ends_the_call(void **state)
{
    struct pair *p = pair_create(true);
    tgvoip_engine *keep = p->engines[1];
    struct tgvoip_engine_config c;

    (void)state;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    c.clock = pair_clock;
    c.clock_ctx = p;
    c.random = no_random;
    p->config.init_timeout_ms = 1000;
    assert_int_equal(tgvoip_engine_create(&p->engines[1], &c, NULL), 0);
    pair_make_call(p, 1);
    assert_int_equal(tgvoip_call_start(p->ends[1].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[1].call), 0);
    for (int i = 0; i < 400; i++) {
        p->now += 5000;
        assert_int_equal(tgvoip_engine_step(p->engines[1]), 0);
    }
    assert_int_equal(p->ends[1].state, TGVOIP_STATE_FAILED);
    assert_int_equal(p->ends[1].failed, 1);
    pair_stop_end(&p->ends[1]);
    tgvoip_call_destroy(p->ends[1].call);
    p->ends[1].call = NULL;
    tgvoip_engine_destroy(p->engines[1]);
    p->engines[1] = keep;
    pair_destroy(p);
}

struct lines {
    int count, below_debug_with_address, at[5];
};

static void collect(void *ctx, enum tgvoip_log_level level, const char *room,
                    int64_t now_us, const char *text)
{
    struct lines *l = ctx;

    (void)now_us;
    assert_true(strlen(room) > 0);
    assert_null(strchr(text, '\n'));
    l->count++;
    l->at[level]++;
    if (level < TGVOIP_LOG_DEBUG && strstr(text, "127.0.0.1"))
        l->below_debug_with_address++;
}

static void test_eng_10_log_goes_to_the_engines_sink(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_engine_config c;
    struct lines lines = {0};

    (void)state;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    c.clock = pair_clock;
    c.clock_ctx = p;
    c.log = collect;
    c.log_ctx = &lines;
    c.log_level = TGVOIP_LOG_DEBUG;
    tgvoip_relay_destroy(p->relay);
    tgvoip_engine_destroy(p->engines[0]);
    assert_int_equal(tgvoip_engine_create(&p->engines[0], &c, NULL), 0);
    p->engines[1] = p->engines[0];
    pair_make_relay(p, NULL);
    pair_establish(p);
    assert_true(lines.count > 0);
    assert_int_equal(lines.below_debug_with_address, 0);
    assert_int_equal(lines.at[TGVOIP_LOG_ERROR], 0);
    pair_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_voice_on_the_users_loop),
        cmocka_unit_test(test_eng_07_failed_is_final_and_told_once),
        cmocka_unit_test(test_call_wrong_key_ends_in_a_timeout),
        cmocka_unit_test(test_eng_14_calls_without_callbacks_are_silent),
        cmocka_unit_test(test_eng_33_failing_random_source_ends_the_call),
        cmocka_unit_test(test_eng_10_log_goes_to_the_engines_sink),
        cmocka_unit_test(test_eng_13_catching_up_is_limited),
        cmocka_unit_test(test_call_voice_mute_and_stats),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
