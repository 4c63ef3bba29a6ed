/* SPDX-License-Identifier: MIT */
/*
 * After many lives of calls, relays and engines there are as many open
 * descriptors, threads and bytes on the heap as before.
 */
#define _GNU_SOURCE
#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include "support/own_engine.h"
#include "support/temp_dir.h"

#define CALLS 200
#define LIVES 100 /* of pairs */
#define NOBODY 9 /* port where nothing listens */
#define HEAP_SLACK 65536 /* what libraries keep for the next time */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1 /* their heap is not what mallinfo2() knows */
#endif
#endif

struct count {
    unsigned descriptors, threads;
    size_t heap;
};

static unsigned entries(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static struct count count(void)
{
    struct count c = {entries("/proc/self/fd"), entries("/proc/self/task"), 0};

#ifndef SANITIZED
    struct mallinfo2 m = mallinfo2();
    c.heap = m.uordblks + m.hblkhd;
#endif
    return c;
}

/* Counted when nothing has changed for 50 ms: what a call leaves to threads,
 * files to be closed and names to be looked up, may take a moment. The engine,
 * unless NULL, is stepped meanwhile. */
static struct count settle(tgvoip_engine *engine)
{
    struct count now = count(), last = now;

    for (int i = 0, same = 0; i < 500 && same < 5; i++) {
        usleep(10000);
        if (engine)
            assert_int_equal(tgvoip_engine_step(engine), 0);
        now = count();
        same = memcmp(&now, &last, sizeof(now)) == 0 ? same + 1 : 0;
        last = now;
    }
    return now;
}

static void assert_same(const struct count *before, tgvoip_engine *engine)
{
    struct count now = settle(engine);

    print_message("descriptors %u -> %u, threads %u -> %u, heap %zu -> %zu\n",
                  before->descriptors, now.descriptors, before->threads,
                  now.threads, before->heap, now.heap);
    assert_int_equal(now.descriptors, before->descriptors);
    assert_int_equal(now.threads, before->threads);
    assert_true(now.heap <= before->heap + HEAP_SLACK);
}

/* -- lives -------------------------------------------------------------------- */

static int64_t now_us = 1000000;
static char dir[TEMP_DIR_BYTES];
/* Of the calls that are made: */
static enum tgvoip_endpoint_type road = TGVOIP_ENDPOINT_UDP_RELAY;
static const struct tgvoip_proxy *proxy;

static int64_t virtual_clock(void *ctx)
{
    (void)ctx;
    return now_us;
}

static tgvoip_engine *make_engine(bool own_loop)
{
    struct tgvoip_engine_config c;
    tgvoip_engine *engine;

    tgvoip_engine_config_default(&c);
    c.own_loop = own_loop;
    c.loops = own_loop ? 0 : 2;
    c.clock = own_loop ? virtual_clock : NULL;
    assert_int_equal(tgvoip_engine_create(&engine, &c, NULL), 0);
    return engine;
}

static tgvoip_relay *make_relay(tgvoip_engine *engine)
{
    struct tgvoip_relay_config c;
    tgvoip_relay *relay;

    tgvoip_relay_config_default(&c);
    c.listen = "127.0.0.1:0";
    c.tcp_listen = "127.0.0.1:0";
    assert_int_equal(tgvoip_relay_create(engine, &relay, &c, NULL), 0);
    return relay;
}

static tgvoip_call *make_call(tgvoip_engine *engine, uint16_t port, int i)
{
    static const uint8_t key[256] = {9};
    struct tgvoip_call_config c;
    struct tgvoip_endpoint e;
    tgvoip_call *call;

    tgvoip_endpoint_default(&e);
    /* Where nobody listens by IPv6: no look-up for want of IPv4. */
    *(port == NOBODY ? &e.ipv6 : &e.ipv4) =
        port == NOBODY ? "::1" : "127.0.0.1";
    e.port = port;
    e.type = road;
    e.tag[15] = (uint8_t)i;
    tgvoip_call_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.outgoing = i == 0;
    c.complexity = 1;
    c.proxy = proxy;
    assert_int_equal(tgvoip_call_create(engine, &call, &c, NULL), 0);
    return call;
}

static void begin(tgvoip_call *call, int i)
{
    if (i == 0)
        assert_int_equal(tgvoip_call_play(call, temp_path(dir, "in.wav"), NULL),
                         0);
    else
        assert_int_equal(
            tgvoip_call_record(call, temp_path(dir, "out.wav"), NULL), 0);
    assert_int_equal(tgvoip_call_start(call), 0);
    assert_int_equal(tgvoip_call_connect(call), 0);
}

static void live_pair(tgvoip_engine *engine, tgvoip_relay *relay)
{
    uint16_t port = road == TGVOIP_ENDPOINT_UDP_RELAY
                        ? tgvoip_relay_port(relay)
                        : tgvoip_relay_tcp_port(relay);
    struct tgvoip_call_stats s;
    tgvoip_call *calls[2];
    char *text;

    for (int i = 0; i < 2; i++) {
        calls[i] = make_call(engine, port, i);
        begin(calls[i], i);
    }
    own_engine_pass(engine, &now_us, 200);
    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(calls[i], &s), 0);
        assert_int_equal(s.state, TGVOIP_STATE_ESTABLISHED);
        assert_int_equal(tgvoip_call_debug_log(calls[i], &text), 0);
        tgvoip_free(text);
    }
    for (int i = 0; i < 2; i++)
        tgvoip_call_destroy(calls[i]);
}

static void test_lives_of_calls_leave_nothing_open(void **state)
{
    tgvoip_engine *engine = make_engine(true);
    tgvoip_relay *relay = make_relay(engine);
    struct count before;

    (void)state;
    for (int n = 0; n < 5; n++) /* what is set up once: pool, codecs */
        live_pair(engine, relay);
    own_engine_pass(engine, &now_us, 10);
    before = settle(engine);
    for (int n = 0; n < LIVES; n++)
        live_pair(engine, relay);
    own_engine_pass(engine, &now_us, 10);
    assert_same(&before, engine);
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
}

static void test_lives_of_streams_leave_nothing_open(void **state)
{
    road = TGVOIP_ENDPOINT_TCP_RELAY;
    test_lives_of_calls_leave_nothing_open(state);
    road = TGVOIP_ENDPOINT_UDP_RELAY;
}

/* Calls that end while the proxy is looked up, or is connected to in vain. */
static void test_look_ups_and_refused_streams_leave_nothing_open(void **state)
{
    static const char *const hosts[] = {"127.0.0.3", "localhost"};
    tgvoip_engine *engine = make_engine(true);
    struct tgvoip_proxy p;
    struct count before;

    (void)state;
    tgvoip_proxy_default(&p);
    p.port = 1;
    proxy = &p;
    before = settle(engine);
    for (int n = 0; n < LIVES; n++) {
        p.host = hosts[n & 1];
        tgvoip_call *call = make_call(engine, NOBODY, 0);
        assert_int_equal(tgvoip_call_start(call), 0);
        assert_int_equal(tgvoip_call_connect(call), 0);
        own_engine_pass(engine, &now_us, n & 31);
        tgvoip_call_destroy(call);
    }
    proxy = NULL;
    assert_same(&before, engine);
    tgvoip_engine_destroy(engine);
}

static void test_threads_do_not_grow_with_calls(void **state)
{
    static tgvoip_call *calls[CALLS];
    tgvoip_engine *engine = make_engine(false);
    struct count before;
    unsigned threads = 0;

    (void)state;
    calls[0] =
        make_call(engine, NOBODY, 0); /* the pool's threads come with it */
    begin(calls[0], 0);
    tgvoip_call_destroy(calls[0]);
    before = settle(NULL);
    for (int n = 0; n < CALLS; n++) {
        calls[n] = make_call(engine, NOBODY, n & 1);
        assert_int_equal(tgvoip_call_start(calls[n]), 0);
        assert_int_equal(tgvoip_call_connect(calls[n]), 0);
        if (n == 0)
            threads = entries("/proc/self/task");
    }
    assert_int_equal(entries("/proc/self/task"), threads);
    for (int n = 0; n < CALLS; n++)
        tgvoip_call_destroy(calls[n]);
    assert_same(&before, NULL);
    tgvoip_engine_destroy(engine);
}

static void one_engine(void)
{
    tgvoip_engine *engine = make_engine(false);
    tgvoip_relay *relays[2] = {make_relay(engine), make_relay(engine)};
    tgvoip_call *call = make_call(engine, tgvoip_relay_port(relays[0]), 0);

    assert_int_equal(tgvoip_call_start(call), 0);
    assert_int_equal(tgvoip_call_connect(call), 0);
    tgvoip_relay_destroy(relays[1]);
    tgvoip_engine_destroy(engine); /* the rest with it */
}

static void test_lives_of_engines_and_relays_leave_nothing_open(void **state)
{
    struct count before;

    (void)state;
    one_engine();
    before = settle(NULL);
    for (int n = 0; n < 50; n++)
        one_engine();
    assert_same(&before, NULL);
}

/* Nothing stays behind what could not be made. */
static void test_refused_things_leave_nothing_open(void **state)
{
    static const uint8_t key[256] = {9};
    tgvoip_engine *engine = make_engine(true);
    tgvoip_relay *relay = make_relay(engine), *other;
    struct tgvoip_relay_config rc;
    struct tgvoip_call_config cc;
    struct count before;
    tgvoip_audio_reader *reader;
    tgvoip_call *call;
    char address[32];

    (void)state;
    snprintf(address, sizeof(address), "127.0.0.1:%u",
             tgvoip_relay_port(relay));
    tgvoip_relay_config_default(&rc);
    rc.listen = address;
    tgvoip_call_config_default(&cc);
    cc.key = key;
    cc.key_len = sizeof(key);
    before = settle(engine);
    for (int n = 0; n < LIVES; n++) {
        assert_int_equal(tgvoip_relay_create(engine, &other, &rc, NULL),
                         TGVOIP_ERR_IN_USE);
        assert_int_not_equal(tgvoip_call_create(engine, &call, &cc, NULL), 0);
        assert_int_not_equal(
            tgvoip_audio_reader_open(&reader, temp_path(dir, "bad.wav"), NULL),
            0);
        call = make_call(engine, NOBODY, 0);
        assert_int_not_equal(
            tgvoip_call_play(call, temp_path(dir, "bad.wav"), NULL), 0);
        assert_int_not_equal(
            tgvoip_call_record(call, temp_path(dir, "no/a.wav"), NULL), 0);
        tgvoip_call_destroy(call);
    }
    /* what was closed is freed on the loop */
    own_engine_pass(engine, &now_us, 2);
    assert_same(&before, engine);
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
}

static int setup(void **state)
{
    static const int16_t pcm[48000];
    tgvoip_audio_writer *w;
    FILE *f;

    (void)state;
    assert_true(temp_dir_make(dir));
    assert_int_equal(
        tgvoip_audio_writer_open(&w, temp_path(dir, "in.wav"), NULL), 0);
    assert_int_equal(tgvoip_audio_writer_write(w, pcm, 48000), 0);
    assert_int_equal(tgvoip_audio_writer_close(w), 0);
    f = fopen(temp_path(dir, "bad.wav"), "wb");
    assert_non_null(f);
    fputs("RIFF and then nothing that makes sense", f);
    return fclose(f);
}

static int teardown(void **state)
{
    (void)state;
    return temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_of_calls_leave_nothing_open),
        cmocka_unit_test(test_lives_of_streams_leave_nothing_open),
        cmocka_unit_test(test_look_ups_and_refused_streams_leave_nothing_open),
        cmocka_unit_test(test_threads_do_not_grow_with_calls),
        cmocka_unit_test(test_lives_of_engines_and_relays_leave_nothing_open),
        cmocka_unit_test(test_refused_things_leave_nothing_open),
    };

    alarm(170);
    return cmocka_run_group_tests(tests, setup, teardown);
}
