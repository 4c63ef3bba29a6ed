/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the library fails once, in set-up and in one short call:
 * errors come back, nothing crashes, nothing leaks (under the sanitizer).
 */
#define _GNU_SOURCE
#include "support/ipv6.h"
#include "support/no_memory.h"

#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/own_engine.h"
#include "support/temp_dir.h"

/* -- one short call -------------------------------------------------------- */

static char dir[TEMP_DIR_BYTES], in_path[128], out_path[128], sent_path[128],
    state_path[128], report_path[3][128];
static int64_t now;

/* How the calls of a scene go. */
enum way { OVER_UDP, OVER_TCP, TO_A_PROXY_THAT_IS_NOT_THERE, WAYS };

struct scene {
    enum way way;
    tgvoip_engine *engine;
    tgvoip_relay *relay;
    tgvoip_call *calls[2];
    int established;
};

static int64_t virtual_clock(void *ctx)
{
    (void)ctx;
    return now;
}

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error err)
{
    (void)call;
    (void)err;
    if (state == TGVOIP_STATE_ESTABLISHED)
        ((struct scene *)user)->established++;
}

static int open_engine(struct scene *s)
{
    struct tgvoip_engine_config ec;
    struct tgvoip_relay_config rc;
    struct tgvoip_failure f;

    tgvoip_engine_config_default(&ec);
    ec.own_loop = true;
    ec.clock = virtual_clock;
    int err = tgvoip_engine_create(&s->engine, &ec, &f);
    if (err)
        return err;
    tgvoip_relay_config_default(&rc);
    rc.listen = "127.0.0.1:0";
    rc.tcp_listen = s->way == OVER_TCP ? "[::1]:0" : NULL;
    return tgvoip_relay_create(s->engine, &s->relay, &rc, &f);
}

static void set_way(const struct scene *s, struct tgvoip_call_config *c,
                    struct tgvoip_endpoint *e, struct tgvoip_proxy *proxy)
{
    tgvoip_endpoint_default(e);
    e->ipv4 = "127.0.0.1";
    e->port = tgvoip_relay_port(s->relay);
    if (s->way == OVER_TCP) {
        e->type = TGVOIP_ENDPOINT_TCP_RELAY;
        e->ipv4 = NULL;
        e->ipv6 = "::1"; /* no look-up for want of IPv4 */
        e->port = tgvoip_relay_tcp_port(s->relay);
    }
    tgvoip_proxy_default(proxy);
    proxy->host = "localhost";
    proxy->port = 1;
    if (s->way == TO_A_PROXY_THAT_IS_NOT_THERE)
        c->proxy = proxy;
}

static int open_call(struct scene *s, int i)
{
    static const uint8_t key[256] = {9};
    struct tgvoip_call_config c;
    struct tgvoip_endpoint e;
    struct tgvoip_proxy proxy;
    struct tgvoip_failure f;

    tgvoip_call_config_default(&c);
    set_way(s, &c, &e, &proxy);
    e.tag[15] = (uint8_t)i;
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.outgoing = i == 0;
    c.complexity = 1;
    c.callbacks.state = on_state;
    c.user = s;
    int err = tgvoip_call_create(s->engine, &s->calls[i], &c, &f);
    if (!err)
        err = tgvoip_call_start(s->calls[i]);
    if (!err)
        err = tgvoip_call_connect(s->calls[i]);
    if (!err)
        err = i == 0 ? tgvoip_call_play(s->calls[i], in_path, &f)
                     : tgvoip_call_record(s->calls[i], out_path, &f);
    if (!err && i == 0)
        err = tgvoip_call_record_sent(s->calls[i], sent_path, &f);
    for (int kind = 0; !err && i == 0 && kind < 3; kind++)
        err = tgvoip_call_report(s->calls[i], (enum tgvoip_report)kind,
                                 report_path[kind], &f);
    return err;
}

static void talk(struct scene *s, int steps)
{
    int16_t pcm[TGVOIP_BLOCK_SAMPLES];

    for (int i = 0; i < steps; i++) {
        own_engine_pass(s->engine, &now, 1);
        (void)tgvoip_call_read(s->calls[1], pcm, TGVOIP_BLOCK_SAMPLES);
    }
}

static void converse(struct scene *s)
{
    char *text;

    talk(s, 100);
    if (tgvoip_call_debug_log(s->calls[0], &text) == 0)
        tgvoip_free(text);
    if (tgvoip_call_debug_string(s->calls[0], &text) == 0)
        tgvoip_free(text);
    (void)!tgvoip_call_save_state(s->calls[0], state_path, NULL);
}

/* @return 0 or the first error */
static int short_call(enum way way, long victim, long *seen, int *established)
{
    struct scene s = {.way = way};

    now = 1000000;
    no_memory_begin(victim);
    int err = open_engine(&s);
    for (int i = 0; i < 2 && !err; i++)
        err = open_call(&s, i);
    if (!err)
        converse(&s);
    tgvoip_call_destroy(s.calls[0]);
    tgvoip_call_destroy(s.calls[1]);
    tgvoip_relay_destroy(s.relay);
    tgvoip_engine_destroy(s.engine);
    *seen = no_memory_end();
    *established = s.established;
    return err;
}

static bool is_possible(enum way way)
{
    return way != OVER_TCP || tgv_test_has_ipv6();
}

static void each_may_fail(enum way way)
{
    int established, errors = 0;
    long n = 0, seen;

    assert_int_equal(short_call(way, -1, &seen, &established), 0);
    assert_int_equal(established, way == TO_A_PROXY_THAT_IS_NOT_THERE ? 0 : 2);
    do {
        int err = short_call(way, n, &seen, &established);
        errors += err != 0;
        if (err)
            assert_int_equal(err, TGVOIP_ERR_NOMEM);
    } while (n++ < seen);
    print_message("%ld allocations, %d end in an error\n", n - 1, errors);
    assert_true(n > 20 && errors > 20);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        if (is_possible((enum way)way))
            each_may_fail((enum way)way);
    }
}

/* 2 s of talk through files and rings, OpenSSL's allocations counted too. */
static void test_established_call_does_not_allocate(void **state)
{
    (void)state;
    for (int way = OVER_UDP; way <= OVER_TCP; way++) {
        if (!is_possible((enum way)way))
            continue;
        struct scene s = {.way = (enum way)way};
        now = 1000000;
        assert_int_equal(open_engine(&s), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(open_call(&s, i), 0);
        for (int i = 0; i < 4; i++)
            converse(&s);
        assert_int_equal(s.established, 2);
        no_memory_begin(-1);
        talk(&s, 400);
        assert_int_equal(no_memory_end(), 0);
        for (int i = 0; i < 2; i++)
            tgvoip_call_destroy(s.calls[i]);
        tgvoip_relay_destroy(s.relay);
        tgvoip_engine_destroy(s.engine);
    }
}

static int setup(void **state)
{
    tgvoip_audio_writer *w;
    static const int16_t pcm[9600];

    (void)state;
    assert_true(temp_dir_make(dir));
    snprintf(in_path, sizeof(in_path), "%s/in.wav", dir);
    snprintf(out_path, sizeof(out_path), "%s/out.wav", dir);
    snprintf(sent_path, sizeof(sent_path), "%s/sent.wav", dir);
    snprintf(state_path, sizeof(state_path), "%s/state", dir);
    for (int i = 0; i < 3; i++)
        snprintf(report_path[i], sizeof(report_path[i]), "%s/r%d", dir, i);
    assert_int_equal(tgvoip_audio_writer_open(&w, in_path, NULL), 0);
    assert_int_equal(tgvoip_audio_writer_write(w, pcm, 9600), 0);
    return tgvoip_audio_writer_close(w);
}

static int teardown(void **state)
{
    (void)state;
    unlink(in_path);
    unlink(out_path);
    unlink(sent_path);
    unlink(state_path);
    for (int i = 0; i < 3; i++)
        unlink(report_path[i]);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_allocation_may_fail, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_established_call_does_not_allocate,
                                        setup, teardown),
    };

    no_memory_hook_libraries();
    alarm(50);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
