/* SPDX-License-Identifier: MIT */
/*
 * What a call writes down and lets be changed while it runs, by the public
 * interface: an engine without threads on a virtual clock; the peer is another
 * call of the same engine.
 */
#define _GNU_SOURCE
#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "support/own_engine.h"
#include "support/temp_dir.h"

static int64_t clock_us;
static tgvoip_engine *engine;
static tgvoip_relay *relay;
static tgvoip_call *calls[2];
static char dir[TEMP_DIR_BYTES];
static int file_errors;
static unsigned late_lines;
static char last_late[512];
static struct tgvoip_call_config config;
static uint8_t key[256];

static int64_t read_clock(void *ctx)
{
    (void)ctx;
    return clock_us;
}

static void on_log(void *ctx, enum tgvoip_log_level level, const char *room,
                   int64_t now_us, const char *text)
{
    (void)ctx;
    (void)room;
    (void)now_us;
    if (level != TGVOIP_LOG_WARNING || !strstr(text, "late"))
        return;
    late_lines++;
    snprintf(last_late, sizeof(last_late), "%s", text);
}

static void on_file_error(tgvoip_call *call, void *user,
                          const struct tgvoip_failure *failure)
{
    (void)call;
    (void)user;
    assert_true(failure->what[0] && failure->why[0]);
    file_errors++;
}

static int setup(void **state)
{
    struct tgvoip_engine_config c;
    struct tgvoip_relay_config r;

    (void)state;
    clock_us = 1000000;
    file_errors = 0;
    late_lines = 0;
    if (!temp_dir_make(dir))
        return -1;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    c.clock = read_clock;
    c.log = on_log;
    if (tgvoip_engine_create(&engine, &c, NULL))
        return -1;
    tgvoip_relay_config_default(&r);
    r.listen = "127.0.0.1:0";
    tgvoip_call_config_default(&config);
    config.callbacks.file_error = on_file_error;
    memset(key, 0x5A, sizeof(key));
    return tgvoip_relay_create(engine, &relay, &r, NULL);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        tgvoip_call_destroy(calls[i]);
        calls[i] = NULL;
    }
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
    return temp_dir_remove(dir);
}

static void make_call(int i)
{
    struct tgvoip_call_config c = config;
    struct tgvoip_endpoint e;

    tgvoip_endpoint_default(&e);
    e.id = 77;
    e.ipv4 = "127.0.0.1";
    e.port = tgvoip_relay_port(relay);
    memset(e.tag, 0x32, sizeof(e.tag));
    e.tag[15] = (uint8_t)(0x32 | i);
    c.outgoing = i == 0;
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = &e;
    c.endpoint_count = 1;
    assert_int_equal(tgvoip_call_create(engine, &calls[i], &c, NULL), 0);
}

static void go(int i)
{
    assert_int_equal(tgvoip_call_start(calls[i]), 0);
    assert_int_equal(tgvoip_call_connect(calls[i]), 0);
}

static void pass(int ms)
{
    own_engine_pass(engine, &clock_us, ms / 5);
}

/* Until the pool has nothing more to say. */
static void settle(void)
{
    struct pollfd fd = {.fd = tgvoip_engine_fd(engine), .events = POLLIN};

    do
        assert_int_equal(tgvoip_engine_step(engine), 0);
    while (poll(&fd, 1, 30) > 0);
}

static const char *text_of(const char *name)
{
    static char text[2][1 << 20];
    static unsigned next;
    char *t = text[next++ % 2];
    FILE *f = fopen(temp_path(dir, name), "r");

    assert_non_null(f);
    t[fread(t, 1, sizeof(text[0]) - 1, f)] = '\0';
    fclose(f);
    return t;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void report(int i, enum tgvoip_report kind, const char *name)
{
    assert_int_equal(tgvoip_call_report(calls[i], kind,
                                        name ? temp_path(dir, name) : NULL,
                                        NULL),
                     0);
}

/* -- files ------------------------------------------------------------------- */

static void test_eng_10_each_call_has_its_own_log(void **state)
{
    (void)state;
    make_call(0);
    make_call(1);
    report(0, TGVOIP_REPORT_LOG, "a");
    report(1, TGVOIP_REPORT_LOG, "b");
    go(0);
    pass(100);
    go(1);
    pass(3000);
    tgvoip_call_stop(calls[0]);
    const char *a = text_of("a"); /* whole when stop() has returned */
    assert_int_equal(count(a, "state ESTABLISHED"), 1);
    assert_int_equal(count(a, "ended after 3.1 s"), 1);
    const char *b = text_of("b");
    assert_int_equal(count(b, "state ESTABLISHED"), 1);
    assert_int_equal(count(b, "ended after"), 0); /* goes on */
    assert_int_equal(count(a, "I: "), count(a, "\n") - count(a, "D: ") - 6);
}

static void test_reports_table_and_packets(void **state)
{
    struct tgvoip_call_stats s;

    (void)state;
    make_call(0);
    make_call(1);
    report(0, TGVOIP_REPORT_STATS, "t");
    report(0, TGVOIP_REPORT_PACKETS, "p");
    go(0);
    go(1);
    for (int i = 0; i < 20; i++) { /* the pool keeps up */
        pass(100);
        settle();
    }
    tgvoip_call_stop(calls[0]);
    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(calls[0], &s), 0);
    assert_in_range(count(text_of("t"), "\n"), 18, 21);
    assert_int_equal(count(text_of("p"), "\tout\t"), s.packets_out);
    assert_int_equal(count(text_of("p"), "\tin\t"), s.packets_in);
    assert_int_equal(file_errors, 0);
}

static void test_reports_change_and_end_while_a_call_runs(void **state)
{
    (void)state;
    make_call(0);
    make_call(1);
    go(0);
    go(1);
    pass(500);
    report(0, TGVOIP_REPORT_STATS, "one");
    pass(500);
    settle();
    report(0, TGVOIP_REPORT_STATS, "two");
    pass(500);
    settle();
    report(0, TGVOIP_REPORT_STATS, NULL);
    pass(500);
    settle();
    assert_in_range(count(text_of("one"), "\n"), 4, 7);
    assert_in_range(count(text_of("two"), "\n"), 4, 7);
    /* orders that the loop never saw are finished too */
    for (int i = 0; i < 20; i++)
        report(0, (enum tgvoip_report)(i % 3), "three");
    tgvoip_call_stop(calls[0]);
    assert_int_equal(file_errors, 0);
}

static void test_reports_refuse_what_is_wrong(void **state)
{
    struct tgvoip_failure f;
    const char *bad = temp_path(dir, "none/x");

    (void)state;
    make_call(0);
    assert_int_equal(tgvoip_call_report(NULL, TGVOIP_REPORT_LOG, bad, &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(
        tgvoip_call_report(calls[0], (enum tgvoip_report)3, bad, &f),
        TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "report");
    assert_int_equal(tgvoip_call_report(calls[0], TGVOIP_REPORT_LOG, bad, &f),
                     TGVOIP_ERR_NOT_FOUND);
    assert_string_equal(f.what, bad);
    tgvoip_call_stop(calls[0]);
    assert_int_equal(tgvoip_call_report(calls[0], TGVOIP_REPORT_LOG,
                                        temp_path(dir, "x"), &f),
                     TGVOIP_ERR_STATE);
    assert_int_equal(access(temp_path(dir, "x"), F_OK), -1);
}

static void test_reports_of_a_call_that_never_started_are_finished(void **state)
{
    (void)state;
    make_call(0);
    for (int i = 0; i < 3; i++)
        report(0, (enum tgvoip_report)i, "x");
    tgvoip_call_destroy(calls[0]);
    calls[0] = NULL;
    assert_true(count(text_of("x"), "\n") > 0);
}

static void test_report_on_a_full_disk_fails_once(void **state)
{
    (void)state;
    make_call(0);
    /* the header is refused */
    assert_int_equal(
        tgvoip_call_report(calls[0], TGVOIP_REPORT_LOG, "/dev/full", NULL),
        TGVOIP_ERR_NO_SPACE);
    go(0);
    pass(200);
    settle();
    assert_int_equal(file_errors, 0);
}

/* -- texts ------------------------------------------------------------------- */

static void test_texts_are_there_before_during_and_after(void **state)
{
    int (*const get[])(const tgvoip_call *, char **) = {
        tgvoip_call_debug_log, tgvoip_call_debug_string,
        tgvoip_call_persistent_state};
    char *text;

    (void)state;
    make_call(0);
    for (int phase = 0; phase < 3; phase++) {
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(get[i](calls[0], &text), 0);
            assert_true(strlen(text) >= 9);
            tgvoip_free(text);
            assert_int_equal(get[i](NULL, &text), TGVOIP_ERR_INVALID);
            assert_null(text);
            assert_int_equal(get[i](calls[0], NULL), TGVOIP_ERR_INVALID);
        }
        if (phase == 0) {
            go(0);
            pass(300);
        } else {
            tgvoip_call_stop(calls[0]);
        }
    }
}

static void test_state_goes_from_call_to_call(void **state)
{
    static const char known[] =
        "{\"ver\":1,\"proxy\":{\"server\":\"h:1\",\"udp\":true,\"tcp\":false}}";
    struct tgvoip_failure f;
    char *text;

    (void)state;
    config.persistent_state = known;
    make_call(0);
    assert_int_equal(
        tgvoip_call_save_state(calls[0], temp_path(dir, "s"), NULL), 0);
    assert_string_equal(text_of("s"), known);
    config.persistent_state = "rubbish";
    make_call(1);
    assert_int_equal(tgvoip_call_persistent_state(calls[1], &text), 0);
    assert_string_equal(text, "{\"ver\":1}");
    tgvoip_free(text);
    report(1, TGVOIP_REPORT_LOG, "log");
    go(1);
    pass(50);
    tgvoip_call_stop(calls[1]);
    assert_int_equal(count(text_of("log"), "persistent state is ignored"), 1);
    assert_int_equal(
        tgvoip_call_save_state(calls[0], temp_path(dir, "none/s"), &f),
        TGVOIP_ERR_NOT_FOUND);
    assert_true(strstr(f.what, "none/s"));
    assert_int_equal(tgvoip_call_save_state(calls[0], NULL, &f),
                     TGVOIP_ERR_INVALID);
}

/* -- settings ---------------------------------------------------------------- */

static struct tgvoip_call_stats stats_of(int i)
{
    struct tgvoip_call_stats s;

    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(calls[i], &s), 0);
    return s;
}

static void test_settings_are_checked(void **state)
{
    static const struct {
        int what, value, result;
    } ctl[] = {{0, 1, TGVOIP_ERR_INVALID},
               {5, 1, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_MAX_BITRATE, 499, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_MAX_BITRATE, 510001, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_MAX_BITRATE, 6000, 0},
               {TGVOIP_DEBUG_LOSS_PERCENT, -2, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_LOSS_PERCENT, 101, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_LOSS_PERCENT, -1, 0},
               {TGVOIP_DEBUG_LOSS_PERCENT, 100, 0},
               {TGVOIP_DEBUG_ALLOW_P2P, 2, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_ALLOW_P2P, -1, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_ALLOW_P2P, 1, 0},
               {TGVOIP_DEBUG_ALLOW_P2P, 0, 0},
               {TGVOIP_DEBUG_ECHO_CANCELLING, 2, TGVOIP_ERR_INVALID},
               {TGVOIP_DEBUG_ECHO_CANCELLING, 0, TGVOIP_ERR_UNSUPPORTED}};

    (void)state;
    make_call(0);
    for (size_t i = 0; i < sizeof(ctl) / sizeof(ctl[0]); i++)
        assert_int_equal(
            tgvoip_call_debug_ctl(calls[0], (enum tgvoip_debug_ctl)ctl[i].what,
                                  ctl[i].value),
            ctl[i].result);
    assert_int_equal(tgvoip_call_set_timeouts(calls[0], 0, 1),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_set_timeouts(calls[0], 1, 600001),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_set_timeouts(NULL, 1, 1), TGVOIP_ERR_INVALID);
    assert_int_equal(
        tgvoip_call_set_data_saving(calls[0], (enum tgvoip_data_saving)3),
        TGVOIP_ERR_INVALID);
    tgvoip_call_stop(calls[0]);
    assert_int_equal(tgvoip_call_set_timeouts(calls[0], 1, 1),
                     TGVOIP_ERR_STATE);
    assert_int_equal(
        tgvoip_call_set_data_saving(calls[0], TGVOIP_DATA_SAVING_ALWAYS),
        TGVOIP_ERR_STATE);
    assert_int_equal(
        tgvoip_call_debug_ctl(calls[0], TGVOIP_DEBUG_MAX_BITRATE, 9000),
        TGVOIP_ERR_STATE);
}

static void test_settings_take_effect_while_a_call_runs(void **state)
{
    (void)state;
    make_call(0);
    make_call(1);
    go(0);
    go(1);
    pass(1000);
    tgvoip_call_debug_ctl(calls[0], TGVOIP_DEBUG_MAX_BITRATE, 6000);
    pass(1000);
    assert_in_range(stats_of(0).bitrate_bps, 500, 6000);
    tgvoip_call_set_network_type(calls[0], TGVOIP_NET_LTE);
    pass(1000);
    struct tgvoip_call_stats s = stats_of(0);
    assert_true(s.bytes_out_mobile > 0 && s.bytes_out_wifi > 0);
    assert_int_equal(s.bytes_out_mobile + s.bytes_out_wifi, s.bytes_out);
    assert_int_equal(s.bytes_in_mobile + s.bytes_in_wifi, s.bytes_in);
    tgvoip_call_set_timeouts(calls[0], 1000, 2500);
    tgvoip_call_stop(calls[1]);
    pass(2400);
    assert_int_equal(stats_of(0).state, TGVOIP_STATE_RECONNECTING);
    pass(200);
    assert_int_equal(stats_of(0).state, TGVOIP_STATE_FAILED);
    assert_int_equal(stats_of(0).error, TGVOIP_CALL_ERROR_TIMEOUT);
}

/* -- overload ---------------------------------------------------------------- */

static void test_late_ticks_are_told_once_a_minute_with_counts(void **state)
{
    (void)state;
    make_call(0);
    config.init_timeout_ms = 600000;
    tgvoip_call_set_timeouts(calls[0], 600000, 600000);
    go(0);
    pass(200);
    assert_int_equal(late_lines, 0);
    for (int s = 0; s < 130; s++) { /* a hold-up each second */
        clock_us += 45000;
        pass(955);
    }
    assert_int_equal(late_lines, 3); /* at 0, 60 and 120 s */
    unsigned late, of;
    int most;
    assert_int_equal(sscanf(last_late,
                            "overload: %u of %u audio ticks were late, the "
                            "latest by %d ms",
                            &late, &of, &most),
                     3);
    assert_in_range(late, 55, 190); /* of some 60 s */
    assert_in_range(of, 2900, 3100);
    assert_in_range(most, 20, 60);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_10_each_call_has_its_own_log),
        T(test_reports_table_and_packets),
        T(test_reports_change_and_end_while_a_call_runs),
        T(test_reports_refuse_what_is_wrong),
        T(test_reports_of_a_call_that_never_started_are_finished),
        T(test_report_on_a_full_disk_fails_once),
        T(test_texts_are_there_before_during_and_after),
        T(test_state_goes_from_call_to_call),
        T(test_settings_are_checked),
        T(test_settings_take_effect_while_a_call_runs),
        T(test_late_ticks_are_told_once_a_minute_with_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
