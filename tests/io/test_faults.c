/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong around a call while it lasts: a reader of its sound that
 * stalls or goes away, a clock that somebody sets. The call goes on, and the
 * fault is told once.
 */
#define _GNU_SOURCE
#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- a wall clock that jumps ----------------------------------------------- */

static atomic_long wall_step_s;

/* Stands before the system's own, in the libraries too. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id,
                                                         struct timespec *ts)
{
    long err = syscall(SYS_clock_gettime, id, ts);

    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        ts->tv_sec += atomic_load(&wall_step_s);
    return (int)err;
}

/* -- two calls over a relay ------------------------------------------------ */

struct scene {
    tgvoip_engine *engine;
    tgvoip_relay *relay;
    tgvoip_call *calls[2];
    bool is_virtual;
    int64_t now;
    char dir[64];
    /* of the second call */
    enum tgvoip_call_state state;
    int states, errors;
    struct tgvoip_failure failure;
};

static int64_t virtual_clock(void *ctx)
{
    return ((struct scene *)ctx)->now;
}

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error err)
{
    struct scene *s = user;

    (void)err;
    if (call != s->calls[1])
        return;
    s->state = state;
    s->states++;
}

static void on_file_error(tgvoip_call *call, void *user,
                          const struct tgvoip_failure *failure)
{
    struct scene *s = user;

    (void)call;
    s->errors++;
    s->failure = *failure;
}

static bool on_audio_out(tgvoip_call *call, void *user, int16_t *pcm,
                         size_t samples)
{
    (void)call;
    (void)user;
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(i % 100 < 50 ? 8000 : -8000);
    return true;
}

static void open_call(struct scene *s, int i)
{
    static const uint8_t key[256] = {7};
    struct tgvoip_call_config c;
    struct tgvoip_endpoint e;

    tgvoip_endpoint_default(&e);
    e.ipv4 = "127.0.0.1";
    e.port = tgvoip_relay_port(s->relay);
    e.tag[15] = (uint8_t)i;
    tgvoip_call_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.outgoing = i == 0;
    c.complexity = 1;
    c.callbacks.state = on_state;
    c.callbacks.audio_out = on_audio_out;
    c.callbacks.file_error = on_file_error;
    c.user = s;
    assert_int_equal(tgvoip_call_create(s->engine, &s->calls[i], &c, NULL), 0);
    assert_int_equal(tgvoip_call_start(s->calls[i]), 0);
    assert_int_equal(tgvoip_call_connect(s->calls[i]), 0);
}

/* Some ms of the call; in virtual time the pool gets its time too. */
static void pass(struct scene *s, int ms)
{
    struct pollfd p = {.fd = tgvoip_engine_fd(s->engine), .events = POLLIN};

    for (int t = 0; t < ms; t += 5) {
        s->now += 5000;
        do
            assert_int_equal(tgvoip_engine_step(s->engine), 0);
        while (poll(&p, 1, s->is_virtual ? 0 : 5) > 0);
    }
}

static struct scene *make_scene(bool is_virtual)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct tgvoip_engine_config ec;
    struct tgvoip_relay_config rc;

    assert_non_null(s);
    s->is_virtual = is_virtual;
    s->now = 1000000;
    strcpy(s->dir, "/tmp/tgvoip-test-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    tgvoip_engine_config_default(&ec);
    ec.own_loop = true;
    if (is_virtual) {
        ec.clock = virtual_clock;
        ec.clock_ctx = s;
    }
    assert_int_equal(tgvoip_engine_create(&s->engine, &ec, NULL), 0);
    tgvoip_relay_config_default(&rc);
    rc.listen = "127.0.0.1:0";
    assert_int_equal(tgvoip_relay_create(s->engine, &s->relay, &rc, NULL), 0);
    for (int i = 0; i < 2; i++)
        open_call(s, i);
    pass(s, 1000);
    assert_int_equal(s->state, TGVOIP_STATE_ESTABLISHED);
    return s;
}

static void end_scene(struct scene *s)
{
    char command[128];

    for (int i = 0; i < 2; i++)
        tgvoip_call_destroy(s->calls[i]);
    tgvoip_relay_destroy(s->relay);
    tgvoip_engine_destroy(s->engine);
    snprintf(command, sizeof(command), "rm -rf %s", s->dir);
    assert_int_equal(system(command), 0);
    free(s);
}

static struct tgvoip_call_stats stats_of(struct scene *s)
{
    struct tgvoip_call_stats st;

    tgvoip_call_stats_default(&st);
    assert_int_equal(tgvoip_call_get_stats(s->calls[1], &st), 0);
    return st;
}

/* The call still hears something. */
static void assert_goes_on(struct scene *s)
{
    uint64_t before = stats_of(s).frames_played;

    pass(s, 600);
    assert_int_equal(s->state, TGVOIP_STATE_ESTABLISHED);
    assert_true(stats_of(s).frames_played >= before + 8);
}

/* -- pipes ------------------------------------------------------------------ */

/* A pipe with a name, its reading end open; recorded to by the call. */
static int record_to_pipe(struct scene *s)
{
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "%s/pipe.raw", s->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(tgvoip_call_record(s->calls[1], path, NULL), 0);
    return fd;
}

static double real_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t drain(int fd)
{
    uint8_t buf[65536];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        total += (size_t)n;
    return total;
}

static void test_call_stalled_reader_holds_nothing_up(void **state)
{
    struct scene *s = make_scene(true);
    int fd = record_to_pipe(s);
    double began;

    (void)state;
    pass(s, 1000);
    assert_int_equal(s->errors, 0); /* pipe and ring still take it */
    pass(s, 9000);
    assert_int_equal(s->errors, 1);
    assert_int_equal(s->failure.code, TGVOIP_ERR_AGAIN);
    assert_true(stats_of(s).sink_overruns > 100);
    assert_goes_on(s);
    began = real_s();
    tgvoip_call_stop(s->calls[1]);
    assert_true(real_s() - began < 3.0);
    /* What the pipe had taken is there, whole blocks of it. */
    assert_true(drain(fd) >= 40000);
    close(fd);
    end_scene(s);
}

static void test_call_slow_reader_gets_true_times(void **state)
{
    struct scene *s = make_scene(true);
    int fd = record_to_pipe(s);
    size_t got, blocks;

    (void)state;
    pass(s, 6000); /* stands still, then reads everything */
    got = drain(fd);
    for (int i = 0; i < 40; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, 20); /* the pool writes what it had to keep */
        pass(s, 20);
        got += drain(fd);
    }
    tgvoip_call_stop_recording(s->calls[1]);
    got += drain(fd);
    assert_int_equal(s->errors, 1);
    blocks = got / (2 * TGVOIP_BLOCK_SAMPLES);
    assert_int_equal(got % (2 * TGVOIP_BLOCK_SAMPLES), 0);
    assert_in_range(blocks, 338, 342); /* 6.8 s, the holes as silence */
    close(fd);
    end_scene(s);
}

static void test_call_reader_that_goes_away_is_told_once(void **state)
{
    struct scene *s = make_scene(true);
    int fd = record_to_pipe(s);

    (void)state;
    signal(SIGPIPE, SIG_DFL); /* of no effect on what the library writes */
    pass(s, 300);
    close(fd);
    for (int i = 0; i < 500 && s->errors == 0; i++)
        pass(s, 20);
    assert_int_equal(s->errors, 1);
    assert_int_equal(s->failure.code, TGVOIP_ERR_IO);
    assert_goes_on(s);
    tgvoip_call_stop(s->calls[1]);
    assert_int_equal(s->errors, 1);
    end_scene(s);
}

static void test_call_reports_reader_that_goes_away_is_told_once(void **state)
{
    struct scene *s = make_scene(true);
    char path[96];
    int fd;

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    snprintf(path, sizeof(path), "%s/table.txt", s->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(
        tgvoip_call_report(s->calls[1], TGVOIP_REPORT_STATS, path, NULL), 0);
    pass(s, 2000);
    assert_true(drain(fd) > 0);
    close(fd);
    for (int i = 0; i < 500 && s->errors == 0; i++)
        pass(s, 20);
    assert_int_equal(s->errors, 1);
    assert_int_equal(s->failure.code, TGVOIP_ERR_IO);
    assert_goes_on(s);
    end_scene(s);
}

/* The limit on the size of files is an error like a full disk. */
static void test_call_recording_at_the_limit_of_sizes_is_told_once(void **state)
{
    struct scene *s = make_scene(true);
    struct rlimit limit, old;
    struct stat st;
    char path[96];

    (void)state;
    signal(SIGXFSZ, SIG_DFL); /* would end the process */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 100000;
    snprintf(path, sizeof(path), "%s/out.wav", s->dir);
    assert_int_equal(tgvoip_call_record(s->calls[1], path, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 500 && s->errors == 0; i++)
        pass(s, 20);
    assert_int_equal(s->errors, 1);
    assert_int_equal(s->failure.code, TGVOIP_ERR_NO_SPACE);
    assert_goes_on(s);
    tgvoip_call_stop(s->calls[1]);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(s->errors, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 90000);
    end_scene(s);
}

/* A pipe that is played but says nothing. */
static void test_call_stalled_writer_holds_nothing_up(void **state)
{
    struct scene *s = make_scene(true);
    char path[96];
    int fd;
    double began;

    (void)state;
    snprintf(path, sizeof(path), "%s/in.raw", s->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(tgvoip_call_play(s->calls[0], path, NULL), 0);
    pass(s, 500);
    assert_goes_on(s);
    began = real_s();
    tgvoip_call_stop(s->calls[0]);
    assert_true(real_s() - began < 1.0);
    end_scene(s);
    close(fd);
}

/* -- the clock --------------------------------------------------------------- */

static void test_call_set_wall_clock_changes_nothing(void **state)
{
    static const long steps[] = {5 * 3600, -9 * 3600, 86400, -1, 0};
    struct scene *s = make_scene(false); /* on the system's clock */
    int states = s->states;
    struct timespec wall;

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        atomic_store(&wall_step_s, steps[i]);
        pass(s, 100);
    }
    atomic_store(&wall_step_s, 3600);
    clock_gettime(CLOCK_REALTIME, &wall); /* ours is the one that is used */
    assert_true(wall.tv_sec - time(NULL) > 3500);
    assert_goes_on(s);
    assert_int_equal(s->states, states);
    atomic_store(&wall_step_s, 0);
    end_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_stalled_reader_holds_nothing_up),
        cmocka_unit_test(test_call_slow_reader_gets_true_times),
        cmocka_unit_test(test_call_reader_that_goes_away_is_told_once),
        cmocka_unit_test(test_call_reports_reader_that_goes_away_is_told_once),
        cmocka_unit_test(
            test_call_recording_at_the_limit_of_sizes_is_told_once),
        cmocka_unit_test(test_call_stalled_writer_holds_nothing_up),
        cmocka_unit_test(test_call_set_wall_clock_changes_nothing),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
