/* SPDX-License-Identifier: MIT */
/*
 * Real calls over a real relay on loopback. Those of the first part run in
 * engines with threads, in real time; those of the second in an engine without
 * threads on a virtual clock, where seconds take milliseconds.
 */
#define _GNU_SOURCE
#include <tgvoip/tgvoip.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "api/call.h"

#define BLOCK TGVOIP_BLOCK_SAMPLES
/* Where the relay takes TCP: nobody serves UDP at this address. */
#define TCP_AT "127.0.0.2"
/* A label of 64 bytes: refused without asking anybody. */
#define NO_NAME                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* -- one end -------------------------------------------------------------- */

struct end {
    tgvoip_call *call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum tgvoip_call_state state;
    enum tgvoip_call_error error;
    int failed, states, play_done, file_errors, routes;
    enum tgvoip_endpoint_type road; /* newest */
    struct tgvoip_failure failure;
    uint64_t given, taken, traced_in, traced_out;
    int64_t last_position;
    double level; /* peak of the newest block heard, 0..1 */
    bool silent_source; /* audio_out passes on */
    bool stop_when_heard; /* stop() inside audio_in */
    bool stop_when_failed; /* stop() inside state */
    bool stopped; /* stop() was called: nothing may follow */
    unsigned phase;
};

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

/* 400 Hz at half of full scale */
static bool on_audio_out(tgvoip_call *call, void *user, int16_t *pcm,
                         size_t samples)
{
    struct end *e = user;
    bool pass;

    (void)call;
    assert_int_equal(samples, BLOCK);
    enter(e);
    pass = e->silent_source;
    for (size_t i = 0; i < samples && !pass; i++)
        pcm[i] = (int16_t)(16000 * sin(2 * 3.14159265358979 *
                                       (double)(e->phase++ % 120) / 120));
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

struct pair {
    tgvoip_engine *engines[2]; /* the second may be the first */
    tgvoip_relay *relay;
    struct end ends[2];
    int64_t now; /* of the virtual clock */
    bool is_virtual;
    struct tgvoip_call_config config; /* changed by tests before make_calls */
    uint8_t keys[2][256];
    struct tgvoip_endpoint relay_at; /* likewise; id and tag follow */
    char dir[64];
};

static int64_t virtual_clock(void *ctx)
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
        c.clock = virtual_clock;
        c.clock_ctx = p;
    }
    assert_int_equal(tgvoip_engine_create(out, &c, NULL), 0);
}

/* At `tcp` for streams, where the calls look for it unless told otherwise. */
static void make_relay(struct pair *p, const char *tcp)
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

static struct pair *make_pair(bool own_loop)
{
    struct pair *p = calloc(1, sizeof(*p));

    p->now = 1000000;
    p->is_virtual = own_loop;
    make_engine(p, &p->engines[0], own_loop);
    if (own_loop)
        p->engines[1] = p->engines[0];
    else
        make_engine(p, &p->engines[1], false);
    make_relay(p, TCP_AT ":0");
    tgvoip_call_config_default(&p->config);
    p->config.callbacks = callbacks;
    p->config.receive_timeout_ms = 5000;
    p->config.init_timeout_ms = 10000;
    memset(p->keys, 0x5A, sizeof(p->keys));
    strcpy(p->dir, "/tmp/tgvoip-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    return p;
}

static const char *in_dir(const struct pair *p, const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    return path;
}

/* With callbacks of the pair's config, if it has any. */
static void make_call_with(struct pair *p, int i, void *user)
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

static void make_call(struct pair *p, int i)
{
    make_call_with(p, i, &p->ends[i]);
}

static void begin(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        make_call(p, i);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tgvoip_call_start(p->ends[i].call), 0);
        assert_int_equal(tgvoip_call_connect(p->ends[i].call), 0);
    }
}

/* Both stopped, as a user would. */
static void stop(struct end *e)
{
    tgvoip_call_stop(e->call);
    pthread_mutex_lock(&e->lock);
    e->stopped = true;
    pthread_mutex_unlock(&e->lock);
}

static void finish_pair(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->ends[i].call) {
            stop(&p->ends[i]);
            tgvoip_call_destroy(p->ends[i].call);
        }
    }
    tgvoip_relay_destroy(p->relay);
    tgvoip_engine_destroy(p->engines[0]);
    if (p->engines[1] != p->engines[0])
        tgvoip_engine_destroy(p->engines[1]);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", p->dir);
    assert_int_equal(system(command), 0);
    free(p);
}

/* -- waiting -------------------------------------------------------------- */

typedef bool (*condition)(const struct end *e, double value);

/* Virtual time: 5 ms a step. What the worker pool does takes real time, so
 * that time stands still while it might be at work. */
static void step(struct pair *p)
{
    struct pollfd fd = {.fd = tgvoip_engine_fd(p->engines[0]),
                        .events = POLLIN};

    p->now += 5000;
    do
        assert_int_equal(tgvoip_engine_step(p->engines[0]), 0);
    while (poll(&fd, 1, 0) > 0);
}

static bool wait_virtual(struct pair *p, struct end *e, condition ok,
                         double value, int ms)
{
    for (int t = 0; t < ms && !ok(e, value); t += 5)
        step(p);
    return ok(e, value);
}

static bool wait_real(struct end *e, condition ok, double value, int ms)
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

static bool wait_for(struct pair *p, struct end *e, condition ok, double value,
                     int ms)
{
    return p->is_virtual ? wait_virtual(p, e, ok, value, ms)
                         : wait_real(e, ok, value, ms);
}

static bool state_is(const struct end *e, double value)
{
    return (double)e->state == value;
}
static bool is_loud(const struct end *e, double value)
{
    return e->level > value;
}
static bool is_quiet(const struct end *e, double value)
{
    return e->level < value;
}
static bool has_stopped(const struct end *e, double value)
{
    (void)value;
    return e->stopped;
}
static bool has_played(const struct end *e, double value)
{
    return e->play_done >= value;
}
static bool has_taken(const struct end *e, double value)
{
    return (double)e->taken >= value;
}
static bool has_file_error(const struct end *e, double value)
{
    return e->file_errors >= value;
}

static void establish(struct pair *p)
{
    begin(p);
    for (int i = 0; i < 2; i++)
        assert_true(
            wait_for(p, &p->ends[i], state_is, TGVOIP_STATE_ESTABLISHED, 5000));
    for (int i = 0; i < 2; i++)
        assert_true(wait_for(p, &p->ends[i], is_loud, 0.3, 3000));
}

/* -- both kinds of engine -------------------------------------------------- */

static void mute_and_unmute(struct pair *p)
{
    uint64_t given;

    assert_int_equal(tgvoip_call_set_mute(p->ends[0].call, true), 0);
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    pthread_mutex_lock(&p->ends[0].lock);
    given = p->ends[0].given;
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_true(wait_for(p, &p->ends[1], has_taken,
                         (double)p->ends[1].taken + 5, 3000));
    pthread_mutex_lock(&p->ends[0].lock);
    assert_int_equal(p->ends[0].given, given);
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_int_equal(tgvoip_call_set_mute(p->ends[0].call, false), 0);
    assert_true(wait_for(p, &p->ends[1], is_loud, 0.3, 3000));
}

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
    struct pair *p = make_pair(false);
    struct tgvoip_engine_stats s;

    (void)state;
    establish(p);
    mute_and_unmute(p);
    check_stats(p);
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &s), 0);
    assert_int_equal(s.calls, 1);
    assert_true(s.ticks > 10);
    for (int i = 0; i < 2; i++) {
        stop(&p->ends[i]);
        assert_true(p->ends[i].traced_in > 10);
        assert_int_equal(p->ends[i].traced_in, p->ends[i].given);
        assert_int_equal(p->ends[i].traced_out, p->ends[i].taken);
    }
    assert_int_equal(tgvoip_engine_get_stats(p->engines[0], &s), 0);
    assert_int_equal(s.calls, 0);
    finish_pair(p);
}

static void test_call_voice_on_the_users_loop(void **state)
{
    struct pair *p = make_pair(true);

    (void)state;
    establish(p);
    mute_and_unmute(p);
    check_stats(p);
    finish_pair(p);
}

/* -- streams ---------------------------------------------------------------- */

/* Tell the calls of the relay as it is for streams. */
static void at_tcp(struct pair *p, enum tgvoip_endpoint_type type)
{
    p->relay_at.type = type;
    p->relay_at.ipv4 = TCP_AT;
    p->relay_at.port = tgvoip_relay_tcp_port(p->relay);
}

static void expect_tcp(struct pair *p)
{
    struct tgvoip_relay_stats relay;
    struct tgvoip_call_stats s;

    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_int_equal(s.route.type, TGVOIP_ENDPOINT_TCP_RELAY);
        assert_int_equal(s.route.id, 77);
        assert_int_equal(tgvoip_call_preferred_relay(p->ends[i].call), 77);
        assert_int_equal(s.packets_bad, 0);
    }
    relay.size = sizeof(relay);
    assert_int_equal(tgvoip_relay_get_stats(p->relay, &relay), 0);
    assert_int_equal(relay.tcp_connections, 2);
    assert_int_equal(relay.tcp_accepted, 2);
    assert_int_equal(relay.tcp_closed_broken, 0);
    assert_true(relay.tcp_frames_in > 10);
}

/* ENG-26: the real thing, frame after frame. */
static void test_eng_26_call_over_tcp_relays_alone(void **state)
{
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        struct pair *p = make_pair(own_loop);
        at_tcp(p, TGVOIP_ENDPOINT_TCP_RELAY);
        establish(p);
        mute_and_unmute(p);
        expect_tcp(p);
        finish_pair(p);
    }
}

static void test_call_takes_tcp_where_udp_does_not_pass(void **state)
{
    struct pair *p = make_pair(true);

    (void)state;
    p->config.init_timeout_ms = 30000;
    at_tcp(p, TGVOIP_ENDPOINT_UDP_RELAY);
    begin(p);
    for (int i = 0; i < 2; i++)
        assert_true(wait_for(p, &p->ends[i], is_loud, 0.3, 30000));
    expect_tcp(p);
    finish_pair(p);
}

/* The relay ends the streams in mid-call: they are opened anew. */
static void test_call_survives_the_loss_of_its_stream(void **state)
{
    struct pair *p = make_pair(true);
    char at[32];

    (void)state;
    p->config.receive_timeout_ms = 60000;
    at_tcp(p, TGVOIP_ENDPOINT_TCP_RELAY);
    establish(p);
    tgvoip_relay_destroy(p->relay);
    snprintf(at, sizeof(at), TCP_AT ":%u", p->relay_at.port); /* again */
    assert_true(wait_for(p, &p->ends[0], is_quiet, 0.01, 5000));
    make_relay(p, at);
    for (int i = 0; i < 2; i++)
        assert_true(wait_for(p, &p->ends[i], is_loud, 0.3, 30000));
    for (int i = 0; i < 200; i++) /* a second of talk */
        step(p);
    expect_tcp(p);
    finish_pair(p);
}

/* ENG-28: nobody is the proxy, or it has no address; the relay is near, but is
 * never reached round it (ENG-64). */
static void test_eng_28_no_way_to_the_proxy_is_told(void **state)
{
    static const char *const hosts[] = {"127.0.0.3", "localhost", NO_NAME};
    struct tgvoip_relay_stats relay;
    struct tgvoip_proxy proxy;

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct pair *p = make_pair(true);
        tgvoip_proxy_default(&proxy);
        proxy.host = hosts[i];
        proxy.port = 1;
        p->config.proxy = &proxy;
        p->config.allow_p2p = true;
        p->config.init_timeout_ms = 5000;
        begin(p);
        for (int k = 0; k < 2; k++) {
            assert_true(
                wait_for(p, &p->ends[k], state_is, TGVOIP_STATE_FAILED, 9000));
            assert_int_equal(p->ends[k].error, TGVOIP_CALL_ERROR_PROXY);
        }
        relay.size = sizeof(relay);
        assert_int_equal(tgvoip_relay_get_stats(p->relay, &relay), 0);
        assert_int_equal(relay.packets_in + relay.control_in, 0);
        assert_int_equal(relay.tcp_accepted, 0);
        finish_pair(p);
    }
}

static void stop_inside(bool own_loop)
{
    struct pair *p = make_pair(own_loop);

    establish(p);
    pthread_mutex_lock(&p->ends[1].lock);
    p->ends[1].stop_when_heard = true;
    pthread_mutex_unlock(&p->ends[1].lock);
    assert_true(wait_for(p, &p->ends[1], has_stopped, 0, 3000));
    finish_pair(p);
}

static void test_eng_12_nothing_follows_a_stop_inside_a_callback(void **state)
{
    (void)state;
    stop_inside(false);
    stop_inside(true);
}

/* -- threads -------------------------------------------------------------- */

static void test_engine_destroys_what_is_left(void **state)
{
    struct pair *p = make_pair(false);

    (void)state;
    establish(p);
    tgvoip_engine_destroy(p->engines[1]);
    tgvoip_engine_destroy(p->engines[0]);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
}

static void test_eng_08_rapid_cycles_leave_nothing_behind(void **state)
{
    struct pair *p = make_pair(false);

    (void)state;
    for (int i = 0; i < 20; i++) {
        make_call(p, 0);
        assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
        if (i % 3)
            assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
        if (i % 2)
            stop(&p->ends[0]);
        tgvoip_call_destroy(p->ends[0].call);
    }
    p->ends[0].call = NULL;
    finish_pair(p);
}

struct reader {
    struct pair *pair;
    atomic_bool end;
};

static void *read_everything(void *ctx)
{
    struct reader *r = ctx;
    struct tgvoip_call_stats s;
    struct tgvoip_engine_stats es;
    int16_t pcm[BLOCK];
    char *text;

    while (!atomic_load(&r->end)) {
        for (int i = 0; i < 2; i++) {
            tgvoip_call *call = r->pair->ends[i].call;
            tgvoip_call_stats_default(&s);
            tgvoip_call_get_stats(call, &s);
            tgvoip_call_preferred_relay(call);
            tgvoip_call_need_rate(call);
            tgvoip_call_read(call, pcm, BLOCK);
            tgvoip_call_set_network_type(call, TGVOIP_NET_WIFI);
            if (tgvoip_call_debug_log(call, &text) == 0)
                tgvoip_free(text);
            tgvoip_engine_get_stats(r->pair->engines[i], &es);
        }
        poll(NULL, 0, 2);
    }
    return NULL;
}

/* -- callbacks that call everything ---------------------------------------- */

struct busy {
    struct pair *pair;
    int index;
    atomic_int calls;
};
static struct busy busy[2];

static void use_everything(struct busy *b)
{
    tgvoip_call *own = b->pair->ends[b->index].call;
    tgvoip_call *other = b->pair->ends[!b->index].call;
    struct tgvoip_call_stats s;
    struct tgvoip_engine_stats es;
    int16_t pcm[BLOCK] = {0};
    char *text;

    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(own, &s), 0);
    assert_int_equal(tgvoip_call_get_stats(other, &s), 0);
    tgvoip_engine_get_stats(b->pair->engines[b->index], &es);
    tgvoip_call_preferred_relay(other);
    tgvoip_call_write(own, pcm, BLOCK);
    tgvoip_call_read(own, pcm, BLOCK);
    tgvoip_call_clear(own);
    tgvoip_call_set_mute(own, false);
    tgvoip_call_clear_play_queue(own);
    tgvoip_call_clear_hold_queue(own);
    tgvoip_call_stop_recording(own);
    assert_int_equal(tgvoip_call_debug_log(own, &text), 0);
    tgvoip_free(text);
    /* This one would have to wait for another loop. */
    assert_int_equal(tgvoip_call_debug_log(other, &text), TGVOIP_ERR_STATE);
    /* Two that stop each other must not wait for each other. */
    if (atomic_fetch_add(&b->calls, 1) == 10)
        tgvoip_call_stop(other);
}

static bool busy_out(tgvoip_call *call, void *user, int16_t *pcm,
                     size_t samples)
{
    (void)call;
    (void)pcm;
    (void)samples;
    use_everything(user);
    return false;
}

static void test_eng_03_callbacks_may_call_everything(void **state)
{
    struct pair *p = make_pair(false);

    (void)state;
    for (int i = 0; i < 2; i++) {
        busy[i].pair = p;
        busy[i].index = i;
        atomic_store(&busy[i].calls, 0);
        p->config.callbacks = (struct tgvoip_call_callbacks){0};
        p->config.callbacks.audio_out = busy_out;
        make_call_with(p, i, &busy[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tgvoip_call_start(p->ends[i].call), 0);
        assert_int_equal(tgvoip_call_connect(p->ends[i].call), 0);
    }
    for (int t = 0; t < 500 && atomic_load(&busy[0].calls) < 10 &&
                    atomic_load(&busy[1].calls) < 10;
         t++)
        poll(NULL, 0, 10);
    assert_true(atomic_load(&busy[0].calls) + atomic_load(&busy[1].calls) >=
                10);
    finish_pair(p);
}

static void test_eng_63_getters_may_be_used_from_any_thread(void **state)
{
    struct pair *p = make_pair(false);
    struct reader r = {.pair = p};
    pthread_t thread;

    (void)state;
    begin(p);
    assert_int_equal(pthread_create(&thread, NULL, read_everything, &r), 0);
    for (int i = 0; i < 2; i++)
        assert_true(wait_for(p, &p->ends[i], is_loud, 0.3, 5000));
    atomic_store(&r.end, true);
    pthread_join(thread, NULL);
    finish_pair(p);
}

/* -- failures, virtual time ------------------------------------------------ */

static void test_eng_07_failed_is_final_and_told_once(void **state)
{
    struct pair *p = make_pair(true);

    (void)state;
    p->config.init_timeout_ms = 2000;
    make_call(p, 0);
    assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
    assert_true(wait_for(p, &p->ends[0], state_is, TGVOIP_STATE_FAILED, 4000));
    assert_int_equal(p->ends[0].error, TGVOIP_CALL_ERROR_TIMEOUT);
    /* Now the other side comes; nothing may change. */
    make_call(p, 1);
    assert_int_equal(tgvoip_call_start(p->ends[1].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[1].call), 0);
    assert_true(wait_for(p, &p->ends[1], state_is, TGVOIP_STATE_FAILED, 4000));
    assert_int_equal(p->ends[0].failed, 1);
    assert_int_equal(p->ends[0].state, TGVOIP_STATE_FAILED);
    assert_int_equal(p->ends[1].failed, 1);
    assert_int_equal(tgvoip_call_record(p->ends[0].call, "x.wav", NULL),
                     TGVOIP_ERR_STATE);
    finish_pair(p);
}

static void test_call_wrong_key_ends_in_a_timeout(void **state)
{
    struct pair *p = make_pair(true);
    struct tgvoip_call_stats s;

    (void)state;
    p->config.init_timeout_ms = 2000;
    memset(p->keys[1], 0x77, 256);
    begin(p);
    for (int i = 0; i < 2; i++) {
        assert_true(
            wait_for(p, &p->ends[i], state_is, TGVOIP_STATE_FAILED, 4000));
        assert_int_equal(p->ends[i].error, TGVOIP_CALL_ERROR_TIMEOUT);
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_true(s.packets_bad > 0);
    }
    finish_pair(p);
}

static void test_eng_06_stop_inside_the_failed_callback(void **state)
{
    struct pair *p = make_pair(true);

    (void)state;
    p->config.init_timeout_ms = 500;
    make_call(p, 0);
    p->ends[0].stop_when_failed = true;
    assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
    assert_true(wait_for(p, &p->ends[0], has_stopped, 0, 2000));
    for (int i = 0; i < 20; i++)
        step(p);
    finish_pair(p);
}

/* A hold-up of a second: a few blocks in a row, the rest skipped. */
static void test_eng_13_catching_up_is_limited(void **state)
{
    struct pair *p = make_pair(true);
    struct tgvoip_engine_stats before, after;

    (void)state;
    establish(p);
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
        step(p);
    assert_in_range(p->ends[0].given - given, 99, 101);
    finish_pair(p);
}

/* Nobody gives or takes sound: silence goes out, and nothing breaks. */
static void test_eng_14_calls_without_callbacks_are_silent(void **state)
{
    struct pair *p = make_pair(true);
    struct tgvoip_call_stats s;

    (void)state;
    memset(&p->config.callbacks, 0, sizeof(p->config.callbacks));
    begin(p);
    for (int i = 0; i < 600; i++)
        step(p);
    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_int_equal(s.state, TGVOIP_STATE_ESTABLISHED);
        assert_true(s.frames_played > 20);
        assert_true(s.level_in < 0.01);
        assert_int_equal(s.source_underruns, 0);
    }
    finish_pair(p);
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
    struct pair *p = make_pair(true);
    tgvoip_engine *keep = p->engines[1];
    struct tgvoip_engine_config c;

    (void)state;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    c.clock = virtual_clock;
    c.clock_ctx = p;
    c.random = no_random;
    p->config.init_timeout_ms = 1000;
    assert_int_equal(tgvoip_engine_create(&p->engines[1], &c, NULL), 0);
    make_call(p, 1);
    assert_int_equal(tgvoip_call_start(p->ends[1].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[1].call), 0);
    for (int i = 0; i < 400; i++) {
        p->now += 5000;
        assert_int_equal(tgvoip_engine_step(p->engines[1]), 0);
    }
    assert_int_equal(p->ends[1].state, TGVOIP_STATE_FAILED);
    assert_int_equal(p->ends[1].failed, 1);
    stop(&p->ends[1]);
    tgvoip_call_destroy(p->ends[1].call);
    p->ends[1].call = NULL;
    tgvoip_engine_destroy(p->engines[1]);
    p->engines[1] = keep;
    finish_pair(p);
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
    struct pair *p = make_pair(true);
    struct tgvoip_engine_config c;
    struct lines lines = {0};

    (void)state;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    c.clock = virtual_clock;
    c.clock_ctx = p;
    c.log = collect;
    c.log_ctx = &lines;
    c.log_level = TGVOIP_LOG_DEBUG;
    tgvoip_relay_destroy(p->relay);
    tgvoip_engine_destroy(p->engines[0]);
    assert_int_equal(tgvoip_engine_create(&p->engines[0], &c, NULL), 0);
    p->engines[1] = p->engines[0];
    make_relay(p, NULL);
    establish(p);
    assert_true(lines.count > 0);
    assert_int_equal(lines.below_debug_with_address, 0);
    assert_int_equal(lines.at[TGVOIP_LOG_ERROR], 0);
    finish_pair(p);
}

/* -- files ---------------------------------------------------------------- */

/* `samples` of a tone, then of nothing else. */
static void write_tone(const char *path, size_t samples)
{
    tgvoip_audio_writer *w;
    int16_t *pcm = calloc(samples, sizeof(*pcm));

    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(16000 *
                           sin(2 * 3.14159265358979 * (double)(i % 120) / 120));
    assert_int_equal(tgvoip_audio_writer_open(&w, path, NULL), 0);
    assert_int_equal(tgvoip_audio_writer_write(w, pcm, samples), 0);
    assert_int_equal(tgvoip_audio_writer_close(w), 0);
    free(pcm);
}

static void test_call_files_are_played_and_recorded(void **state)
{
    struct pair *p = make_pair(false);
    struct tgvoip_audio_info info;
    struct tgvoip_call_stats s;

    (void)state;
    establish(p);
    for (int i = 0; i < 2; i++) {
        pthread_mutex_lock(&p->ends[i].lock);
        p->ends[i].silent_source = true;
        pthread_mutex_unlock(&p->ends[i].lock);
    }
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, in_dir(p, "heard.wav"), NULL), 0);
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, in_dir(p, "heard.wav"), NULL),
        TGVOIP_ERR_IN_USE);
    write_tone(in_dir(p, "a.wav"), 24000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, in_dir(p, "a.wav"), NULL), 0);
    write_tone(in_dir(p, "b.flac"), 10000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, in_dir(p, "b.flac"), NULL), 0);
    assert_true(wait_for(p, &p->ends[1], is_loud, 0.3, 3000));
    assert_true(wait_for(p, &p->ends[0], has_played, 1, 4000));
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[1].call), 0);
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe(in_dir(p, "heard.wav"), &info, NULL),
                     0);
    assert_true(info.duration_us > 700000);
    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(p->ends[0].call, &s), 0);
    print_message("underruns %d, overruns %d\n", (int)s.source_underruns,
                  (int)s.sink_overruns);
    assert_int_equal(p->ends[0].play_done, 1);
    assert_int_equal(p->ends[0].file_errors, 0);
    /* The last block began in the second file: 35 * 960 - 24000 = 9600. */
    assert_int_equal(p->ends[0].last_position, 9600);
    finish_pair(p);
}

static int peak_of(const char *path, size_t *samples)
{
    tgvoip_audio_reader *r;
    int16_t pcm[960];
    int n, most = 0;

    *samples = 0;
    assert_int_equal(tgvoip_audio_reader_open(&r, path, NULL), 0);
    while ((n = tgvoip_audio_reader_read(r, pcm, 960)) > 0) {
        for (int i = 0; i < n; i++)
            most = abs(pcm[i]) > most ? abs(pcm[i]) : most;
        *samples += (size_t)n;
    }
    assert_int_equal(n, 0);
    tgvoip_audio_reader_close(r);
    return most;
}

static void test_eng_55_what_was_sent_is_decoded_only_on_demand(void **state)
{
    struct pair *p = make_pair(false);
    size_t samples;

    (void)state;
    establish(p);
    pthread_mutex_lock(&p->ends[0].lock);
    p->ends[0].silent_source = true;
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    assert_null(p->ends[0].call->ear);
    assert_int_equal(
        tgvoip_call_record_sent(p->ends[0].call, in_dir(p, "sent.wav"), NULL),
        0);
    assert_non_null(p->ends[0].call->ear);
    assert_null(p->ends[1].call->ear);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, in_dir(p, "sent.wav"), NULL),
        TGVOIP_ERR_IN_USE);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, in_dir(p, "heard.wav"), NULL), 0);
    write_tone(in_dir(p, "a.wav"), 24000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, in_dir(p, "a.wav"), NULL), 0);
    assert_true(wait_for(p, &p->ends[0], has_played, 1, 4000));
    assert_true(wait_for(p, &p->ends[1], is_loud, 0.3, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[0].call), 0);
    assert_true(peak_of(in_dir(p, "sent.wav"), &samples) > 12000);
    assert_true(samples >= 23040);
    assert_true(peak_of(in_dir(p, "heard.wav"), &samples) >= 0);
    assert_true(samples > 0);
    assert_int_equal(p->ends[0].file_errors, 0);
    finish_pair(p);
}

static void test_call_hold_music_repeats_and_gives_way(void **state)
{
    struct pair *p = make_pair(false);

    (void)state;
    establish(p);
    pthread_mutex_lock(&p->ends[0].lock);
    p->ends[0].silent_source = true;
    pthread_mutex_unlock(&p->ends[0].lock);
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    write_tone(in_dir(p, "short.wav"), 3000);
    write_tone(in_dir(p, "empty.wav"), 0);
    assert_int_equal(
        tgvoip_call_play_on_hold(p->ends[0].call, in_dir(p, "short.wav"), NULL),
        0);
    assert_int_equal(
        tgvoip_call_play_on_hold(p->ends[0].call, in_dir(p, "empty.wav"), NULL),
        0);
    assert_true(wait_for(p, &p->ends[0], has_file_error, 1, 2000));
    assert_string_equal(p->ends[0].failure.why, "holds no audio");
    assert_true(wait_for(p, &p->ends[1], is_loud, 0.3, 3000));
    /* 62 ms of music still sound half a second later */
    assert_true(wait_for(p, &p->ends[1], has_taken,
                         (double)p->ends[1].taken + 25, 3000));
    assert_true(wait_for(p, &p->ends[1], is_loud, 0.3, 100));
    write_tone(in_dir(p, "play.wav"), 9000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, in_dir(p, "play.wav"), NULL), 0);
    assert_true(wait_for(p, &p->ends[0], has_played, 1, 3000));
    assert_int_equal(tgvoip_call_clear_hold_queue(p->ends[0].call), 0);
    assert_true(wait_for(p, &p->ends[1], is_quiet, 0.01, 3000));
    assert_int_equal(p->ends[0].play_done, 1);
    assert_int_equal(p->ends[0].file_errors, 1);
    finish_pair(p);
}

static void test_call_full_disk_is_told_once(void **state)
{
    struct pair *p = make_pair(false);

    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("/dev/full is not available here\n");
        finish_pair(p);
        return;
    }
    assert_int_equal(symlink("/dev/full", in_dir(p, "full.raw")), 0);
    establish(p);
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, in_dir(p, "full.raw"), NULL), 0);
    assert_true(wait_for(p, &p->ends[1], has_file_error, 1, 3000));
    assert_int_equal(p->ends[1].failure.code, TGVOIP_ERR_NO_SPACE);
    assert_string_equal(p->ends[1].failure.what, in_dir(p, "full.raw"));
    /* the call goes on */
    assert_true(wait_for(p, &p->ends[1], has_taken,
                         (double)p->ends[1].taken + 20, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[1].call), 0);
    stop(&p->ends[1]);
    assert_int_equal(p->ends[1].file_errors, 1);
    finish_pair(p);
}

static void test_call_recordings_are_whole_after_stop(void **state)
{
    struct pair *p = make_pair(true);
    struct tgvoip_audio_info info;

    (void)state;
    begin(p);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, in_dir(p, "one.wav"), NULL), 0);
    assert_true(wait_for(p, &p->ends[0], has_taken, 50, 5000));
    /* A second one takes over; the first is finished. */
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, in_dir(p, "two.wav"), NULL), 0);
    step(p);
    uint64_t first = p->ends[0].taken;
    assert_true(wait_for(p, &p->ends[0], has_taken, (double)first + 30, 5000));
    stop(&p->ends[0]);
    int64_t sum = 0;
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe(in_dir(p, "one.wav"), &info, NULL), 0);
    sum += info.duration_us;
    assert_int_equal(tgvoip_audio_probe(in_dir(p, "two.wav"), &info, NULL), 0);
    sum += info.duration_us;
    assert_int_equal(sum, (int64_t)p->ends[0].taken * 20000);
    finish_pair(p);
}

/* -- PCM rings ------------------------------------------------------------ */

static void test_call_written_pcm_is_read_at_the_other_end(void **state)
{
    struct pair *p = make_pair(true);
    struct tgvoip_call_stats s;
    int16_t pcm[4800], heard[BLOCK];
    int peak = 0, n;

    (void)state;
    for (size_t i = 0; i < 4800; i++)
        pcm[i] = (int16_t)(16000 *
                           sin(2 * 3.14159265358979 * (double)(i % 120) / 120));
    begin(p);
    for (int i = 0; i < 2; i++)
        p->ends[i].silent_source = true;
    for (int i = 0; i < 2; i++)
        assert_true(
            wait_for(p, &p->ends[i], state_is, TGVOIP_STATE_ESTABLISHED, 5000));
    assert_int_equal(tgvoip_call_read(p->ends[1].call, heard, BLOCK), 0);
    for (int t = 0; t < 20; t++) {
        tgvoip_call_write(p->ends[0].call, pcm, 4800);
        for (int i = 0; i < 20; i++)
            step(p);
        while ((n = tgvoip_call_read(p->ends[1].call, heard, BLOCK)) > 0) {
            for (int i = 0; i < n; i++)
                peak = abs(heard[i]) > peak ? abs(heard[i]) : peak;
        }
    }
    assert_true(peak > 10000);
    /* Nobody reads: the newest half second stays, the rest is counted. */
    for (int i = 0; i < 200; i++)
        step(p);
    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(p->ends[1].call, &s), 0);
    assert_in_range(s.sink_overruns, 20, 30);
    int total = 0;
    while ((n = tgvoip_call_read(p->ends[1].call, heard, BLOCK)) > 0)
        total += n;
    assert_int_equal(total, 24000);
    finish_pair(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_voice_on_the_users_loop),
        cmocka_unit_test(test_eng_07_failed_is_final_and_told_once),
        cmocka_unit_test(test_call_wrong_key_ends_in_a_timeout),
        cmocka_unit_test(test_eng_06_stop_inside_the_failed_callback),
        cmocka_unit_test(test_eng_14_calls_without_callbacks_are_silent),
        cmocka_unit_test(test_eng_33_failing_random_source_ends_the_call),
        cmocka_unit_test(test_eng_10_log_goes_to_the_engines_sink),
        cmocka_unit_test(test_eng_13_catching_up_is_limited),
        cmocka_unit_test(test_call_written_pcm_is_read_at_the_other_end),
        cmocka_unit_test(test_call_recordings_are_whole_after_stop),
        cmocka_unit_test(test_call_voice_mute_and_stats),
        cmocka_unit_test(test_eng_26_call_over_tcp_relays_alone),
        cmocka_unit_test(test_call_takes_tcp_where_udp_does_not_pass),
        cmocka_unit_test(test_call_survives_the_loss_of_its_stream),
        cmocka_unit_test(test_eng_28_no_way_to_the_proxy_is_told),
        cmocka_unit_test(test_eng_12_nothing_follows_a_stop_inside_a_callback),
        cmocka_unit_test(test_engine_destroys_what_is_left),
        cmocka_unit_test(test_eng_08_rapid_cycles_leave_nothing_behind),
        cmocka_unit_test(test_eng_03_callbacks_may_call_everything),
        cmocka_unit_test(test_eng_63_getters_may_be_used_from_any_thread),
        cmocka_unit_test(test_call_files_are_played_and_recorded),
        cmocka_unit_test(test_eng_55_what_was_sent_is_decoded_only_on_demand),
        cmocka_unit_test(test_call_hold_music_repeats_and_gives_way),
        cmocka_unit_test(test_call_full_disk_is_told_once),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
