/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "support/call_pair.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/own_engine.h"
#include "support/temp_dir.h"

/* -- one end -------------------------------------------------------------- */

void pair_tone(int16_t *pcm, size_t samples, unsigned phase)
{
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(16000 * sin(2 * 3.14159265358979 *
                                       (double)((phase + i) % 120) / 120));
}

static void enter(struct end *e)
{
    pthread_mutex_lock(&e->lock);
    assert_false(e->stopped);
}

static void leave(struct end *e)
{
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error err)
{
    struct end *e = user;
    struct tgvoip_call_stats stats;

    /* ENG-03: callbacks may read, and see what they are told. */
    tgvoip_call_stats_default(&stats);
    assert_int_equal(tgvoip_call_get_stats(call, &stats), 0);
    assert_int_equal(stats.state, state);
    enter(e);
    e->state = state;
    e->error = err;
    e->states++;
    e->failed += state == TGVOIP_STATE_FAILED;
    bool stop = e->stop_when_failed && state == TGVOIP_STATE_FAILED;
    if (stop) {
        tgvoip_call_stop(call);
        e->stopped = true;
    }
    leave(e);
}

static void on_route(tgvoip_call *call, void *user,
                     const struct tgvoip_route *route)
{
    struct end *e = user;

    (void)call;
    enter(e);
    e->routes++;
    e->road = route->type;
    leave(e);
}

static bool on_audio_out(tgvoip_call *call, void *user, int16_t *pcm,
                         size_t samples)
{
    struct end *e = user;
    bool pass;

    (void)call;
    assert_int_equal(samples, BLOCK);
    enter(e);
    pass = e->silent_source;
    if (!pass) {
        pair_tone(pcm, samples, e->phase);
        e->phase += (unsigned)samples;
    }
    e->given += !pass;
    leave(e);
    return !pass;
}

static void on_audio_in(tgvoip_call *call, void *user, const int16_t *pcm,
                        size_t samples)
{
    struct end *e = user;
    int peak = 0;

    assert_int_equal(samples, BLOCK);
    for (size_t i = 0; i < samples; i++)
        peak = abs(pcm[i]) > peak ? abs(pcm[i]) : peak;
    enter(e);
    e->level = peak / 32768.0;
    e->taken++;
    if (e->stop_when_heard) {
        tgvoip_call_stop(call);
        e->stopped = true;
    }
    leave(e);
}

static void on_play_done(tgvoip_call *call, void *user)
{
    struct end *e = user;

    (void)call;
    enter(e);
    e->play_done++;
    leave(e);
}

static void on_file_error(tgvoip_call *call, void *user,
                          const struct tgvoip_failure *failure)
{
    struct end *e = user;

    (void)call;
    enter(e);
    e->file_errors++;
    e->failure = *failure;
    leave(e);
}

static void on_trace(tgvoip_call *call, void *user, char direction,
                     uint64_t number, int64_t position, int64_t now_us)
{
    struct end *e = user;

    (void)call;
    assert_true(now_us > 0);
    enter(e);
    uint64_t *count = direction == 'i' ? &e->traced_in : &e->traced_out;
    assert_int_equal(number, *count);
    ++*count;
    if (direction == 'i' && position >= 0)
        e->last_position = position;
    leave(e);
}

static const struct tgvoip_call_callbacks callbacks = {
    .state = on_state,
    .route = on_route,
    .audio_out = on_audio_out,
    .audio_in = on_audio_in,
    .play_done = on_play_done,
    .file_error = on_file_error,
    .block_trace = on_trace,
};

/* -- a pair and its relay -------------------------------------------------- */

int64_t pair_clock(void *ctx)
{
    return ((struct pair *)ctx)->now;
}

static void init_end(struct end *e)
{
    memset(e, 0, sizeof(*e));
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->state = TGVOIP_STATE_WAIT_INIT;
    e->last_position = -1;
}

static void make_engine(struct pair *p, tgvoip_engine **out, bool own_loop)
{
    struct tgvoip_engine_config c;

    tgvoip_engine_config_default(&c);
    c.loops = 1;
    if (own_loop) {
        c.own_loop = true;
        c.clock = pair_clock;
        c.clock_ctx = p;
    }
    assert_int_equal(tgvoip_engine_create(out, &c, NULL), 0);
}

void pair_make_relay(struct pair *p, const char *tcp)
{
    struct tgvoip_relay_config c;

    tgvoip_relay_config_default(&c);
    c.listen = "127.0.0.1:0";
    c.tcp_listen = tcp;
    assert_int_equal(tgvoip_relay_create(p->engines[0], &p->relay, &c, NULL),
                     0);
    tgvoip_endpoint_default(&p->relay_at);
    p->relay_at.ipv4 = "127.0.0.1";
    p->relay_at.port = tgvoip_relay_port(p->relay);
}

struct pair *pair_create(bool own_loop)
{
    struct pair *p = calloc(1, sizeof(*p));

    p->now = 1000000;
    p->is_virtual = own_loop;
    make_engine(p, &p->engines[0], own_loop);
    if (own_loop)
        p->engines[1] = p->engines[0];
    else
        make_engine(p, &p->engines[1], false);
    pair_make_relay(p, TCP_AT ":0");
    tgvoip_call_config_default(&p->config);
    p->config.callbacks = callbacks;
    p->config.receive_timeout_ms = 5000;
    p->config.init_timeout_ms = 10000;
    memset(p->keys, 0x5A, sizeof(p->keys));
    assert_true(temp_dir_make(p->dir));
    return p;
}

const char *pair_path(const struct pair *p, const char *name)
{
    return temp_path(p->dir, name);
}

void pair_make_call_with(struct pair *p, int i, void *user)
{
    struct tgvoip_call_config c = p->config;
    struct tgvoip_endpoint e = p->relay_at;

    e.id = 77;
    memset(e.tag, 0x32, sizeof(e.tag));
    e.tag[15] = (uint8_t)(0x32 | i); /* which side of the session */
    c.outgoing = i == 0;
    c.key = p->keys[i];
    c.key_len = 256;
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.user = user;
    init_end(&p->ends[i]);
    assert_int_equal(
        tgvoip_call_create(p->engines[i], &p->ends[i].call, &c, NULL), 0);
}

void pair_make_call(struct pair *p, int i)
{
    pair_make_call_with(p, i, &p->ends[i]);
}

void pair_begin(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        pair_make_call(p, i);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tgvoip_call_start(p->ends[i].call), 0);
        assert_int_equal(tgvoip_call_connect(p->ends[i].call), 0);
    }
}

void pair_stop_end(struct end *e)
{
    tgvoip_call_stop(e->call);
    pthread_mutex_lock(&e->lock);
    e->stopped = true;
    pthread_mutex_unlock(&e->lock);
}

void pair_destroy(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->ends[i].call) {
            pair_stop_end(&p->ends[i]);
            tgvoip_call_destroy(p->ends[i].call);
        }
    }
    tgvoip_relay_destroy(p->relay);
    tgvoip_engine_destroy(p->engines[0]);
    if (p->engines[1] != p->engines[0])
        tgvoip_engine_destroy(p->engines[1]);
    assert_int_equal(temp_dir_remove(p->dir), 0);
    free(p);
}

/* -- waiting -------------------------------------------------------------- */

void pair_step(struct pair *p)
{
    own_engine_pass(p->engines[0], &p->now, 1);
}

static bool wait_virtual(struct pair *p, struct end *e, pair_condition ok,
                         double value, int ms)
{
    for (int t = 0; t < ms && !ok(e, value); t += 5)
        pair_step(p);
    return ok(e, value);
}

static bool wait_real(struct end *e, pair_condition ok, double value, int ms)
{
    struct timespec until;
    int err = 0;
    bool is;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&e->lock);
    while (!(is = ok(e, value)) && err == 0)
        err = pthread_cond_timedwait(&e->changed, &e->lock, &until);
    pthread_mutex_unlock(&e->lock);
    return is;
}

bool pair_wait(struct pair *p, struct end *e, pair_condition ok, double value,
               int ms)
{
    return p->is_virtual ? wait_virtual(p, e, ok, value, ms)
                         : wait_real(e, ok, value, ms);
}

bool end_state_is(const struct end *e, double value)
{
    return (double)e->state == value;
}
bool end_is_loud(const struct end *e, double value)
{
    return e->level > value;
}
bool end_is_quiet(const struct end *e, double value)
{
    return e->level < value;
}
bool end_has_stopped(const struct end *e, double value)
{
    (void)value;
    return e->stopped;
}
bool end_has_played(const struct end *e, double value)
{
    return e->play_done >= value;
}
bool end_has_taken(const struct end *e, double value)
{
    return (double)e->taken >= value;
}
bool end_has_file_error(const struct end *e, double value)
{
    return e->file_errors >= value;
}

void pair_establish(struct pair *p)
{
    pair_begin(p);
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_state_is,
                              TGVOIP_STATE_ESTABLISHED, 5000));
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_is_loud, 0.3, 3000));
}

void pair_mute_and_unmute(struct pair *p)
{
    uint64_t given;

    assert_int_equal(tgvoip_call_set_mute(p->ends[0].call, true), 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    pthread_mutex_lock(&p->ends[0].lock);
    given = p->ends[0].given;
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_true(pair_wait(p, &p->ends[1], end_has_taken,
                          (double)p->ends[1].taken + 5, 3000));
    pthread_mutex_lock(&p->ends[0].lock);
    assert_int_equal(p->ends[0].given, given);
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_int_equal(tgvoip_call_set_mute(p->ends[0].call, false), 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_loud, 0.3, 3000));
}
