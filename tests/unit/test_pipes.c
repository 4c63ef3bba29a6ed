/* SPDX-License-Identifier: MIT */
/* rooms: api */
/*
 * Pipes with a name whose other side is missing, late or slow: nobody waits
 * for it, neither who opens it nor a thread of the pool.
 */
#define _GNU_SOURCE
#include "api/feed.h"
#include "api/scribe.h"
#include "api/tape.h"
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/pool_loop.h"

#define POOL 4 /* threads of it */
#define BLOCK_BYTES (2 * TGV_BLOCK_SAMPLES)

static int finished_tapes;

static int setup(void **state)
{
    (void)state;
    finished_tapes = 0;
    return make_pool_loop();
}

static void on_finished(void *ctx, struct tgv_tape *t)
{
    (void)ctx;
    (void)t;
    finished_tapes++;
}

static const char *make_pipe(const char *name)
{
    const char *path = temp_path(dir, name);

    assert_int_equal(mkfifo(path, 0600), 0);
    return path;
}

static struct tgv_feed *play(const char *path)
{
    const struct tgv_feed_config config = {.loop = loop, .failed = on_failed};
    struct tgv_feed *f;

    assert_int_equal(tgv_feed_create(&f, &config), 0);
    assert_int_equal(tgv_feed_add(f, path, NULL), 0);
    tgv_feed_kick(f);
    settle_for_a_moment();
    return f;
}

static enum tgv_feed_verdict take(struct tgv_feed *f, int16_t *pcm,
                                  bool *finished)
{
    int64_t position;

    return tgv_feed_take(f, pcm, &position, finished);
}

/* The next block, or that there is none, once the pool has seen to it. */
static enum tgv_feed_verdict take_when_read(struct tgv_feed *f, int16_t *pcm,
                                            bool *finished)
{
    enum tgv_feed_verdict v = take(f, pcm, finished);

    for (int i = 0; i < 20 && v != TGV_FEED_BLOCK && !*finished; i++) {
        settle_for_a_moment();
        v = take(f, pcm, finished);
    }
    return v;
}

static struct tgv_tape *record(const char *path)
{
    const struct tgv_tape_config config = {
        .loop = loop, .failed = on_failed, .finished = on_finished};
    struct tgvoip_failure failure = {0};
    struct tgv_tape *t;

    assert_int_equal(tgv_tape_open(&t, &config, path, &failure), 0);
    assert_int_equal(failure.code, 0);
    return t;
}

/* Each block holds its number. */
static void put(struct tgv_tape *t, unsigned from, unsigned count)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];

    for (unsigned i = from; i < from + count; i++) {
        for (size_t k = 0; k < TGV_BLOCK_SAMPLES; k++)
            pcm[k] = (int16_t)i;
        tgv_tape_put(t, pcm);
    }
    settle_for_a_moment();
}

/* -- played ----------------------------------------------------------------- */

static void test_pipes_played_are_opened_without_a_writer(void **state)
{
    const char *path = make_pipe("in.raw");
    struct tgv_feed *f = play(path);
    int16_t pcm[TGV_BLOCK_SAMPLES] = {0}, samples[TGV_BLOCK_SAMPLES];
    bool finished;
    int writer;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(f, pcm, &finished), TGV_FEED_EMPTY);
    assert_false(finished);
    settle_for_a_moment();
    writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(writer >= 0);
    for (int i = 0; i < TGV_BLOCK_SAMPLES; i++)
        samples[i] = 77;
    assert_int_equal(write(writer, samples, BLOCK_BYTES), BLOCK_BYTES);
    assert_int_equal(take_when_read(f, pcm, &finished), TGV_FEED_BLOCK);
    assert_int_equal(pcm[TGV_BLOCK_SAMPLES - 1], 77);
    assert_false(finished);
    close(writer);
    assert_int_equal(take_when_read(f, pcm, &finished), TGV_FEED_EMPTY);
    assert_true(finished);
    assert_int_equal(failures, 0);
    tgv_feed_close(f);
    settle_for_a_moment();
}

/* More of them than the pool has threads, and the files of others go on. */
static void test_pipes_played_leave_the_pool_to_others(void **state)
{
    static const uint8_t noise[BLOCK_BYTES + 100];
    struct tgv_feed *stalled[POOL], *other;
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int writers[POOL], fd;
    bool finished;
    char name[16];

    (void)state;
    for (int i = 0; i < POOL; i++) {
        snprintf(name, sizeof(name), "%d.raw", i);
        const char *path = make_pipe(name);
        writers[i] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        /* a block, and then not the next one, but neither an end */
        assert_int_equal(write(writers[i], noise, sizeof(noise)),
                         sizeof(noise));
        stalled[i] = play(path);
    }
    fd = open(temp_path(dir, "file.raw"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, noise, BLOCK_BYTES), BLOCK_BYTES);
    close(fd);
    other = play(temp_path(dir, "file.raw"));
    assert_int_equal(take(other, pcm, &finished), TGV_FEED_BLOCK);
    for (int i = 0; i < POOL; i++) {
        assert_int_equal(take(stalled[i], pcm, &finished), TGV_FEED_BLOCK);
        tgv_feed_close(stalled[i]);
    }
    tgv_feed_close(other);
    settle_for_a_moment();
    for (int i = 0; i < POOL; i++)
        close(writers[i]);
}

static void test_pipes_played_with_a_header_are_refused_at_once(void **state)
{
    const struct tgv_feed_config config = {.loop = loop, .failed = on_failed};
    const char *path = make_pipe("in.wav");
    struct tgvoip_failure failure;
    struct tgv_feed *f;

    (void)state;
    assert_int_equal(tgv_feed_create(&f, &config), 0);
    assert_int_equal(tgv_feed_add(f, path, &failure), TGVOIP_ERR_FORMAT);
    assert_non_null(strstr(failure.why, "headerless"));
    tgv_feed_close(f);
}

/* -- recorded --------------------------------------------------------------- */

static void test_pipes_recorded_get_what_came_before_the_reader(void **state)
{
    const char *path = make_pipe("out.raw");
    struct tgv_tape *t = record(path);
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int reader;

    (void)state;
    put(t, 0, 20);
    assert_int_equal(failures, 0);
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    struct pollfd p = {.fd = reader, .events = POLLIN};
    unsigned count = 20; /* the pipe holds 34 */
    do
        put(t, count++, 1);
    while (count < 34 && poll(&p, 1, 0) <= 0);
    tgv_tape_finish(t);
    for (int i = 0; i < 20 && finished_tapes == 0; i++)
        settle_for_a_moment();
    assert_int_equal(finished_tapes, 1);
    assert_int_equal(failures, 0);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(read(reader, pcm, BLOCK_BYTES), BLOCK_BYTES);
        assert_int_equal(pcm[0], i);
    }
    assert_int_equal(read(reader, pcm, BLOCK_BYTES), 0); /* its end */
    close(reader);
}

static void test_pipes_recorded_tell_that_nobody_reads(void **state)
{
    const char *path = make_pipe("out.raw");
    struct tgv_tape *t = record(path);

    (void)state;
    put(t, 0, 100);
    assert_int_equal(failures, 1);
    assert_int_equal(last_failure.code, TGVOIP_ERR_AGAIN);
    assert_non_null(strstr(last_failure.why, "nobody reads this pipe yet"));
    tgv_tape_finish_now(t); /* waits for nobody */
    assert_int_equal(finished_tapes, 1);
    assert_int_equal(failures, 2);
    assert_int_equal(last_failure.code, TGVOIP_ERR_TIMEOUT);
    assert_string_equal(last_failure.why, "nobody has read this pipe");
    settle_for_a_moment();
}

static void test_pipes_recorded_with_a_header_are_refused_at_once(void **state)
{
    const struct tgv_tape_config config = {
        .loop = loop, .failed = on_failed, .finished = on_finished};
    const char *path = make_pipe("out.flac");
    struct tgvoip_failure failure;
    struct tgv_tape *t;

    (void)state;
    assert_int_equal(tgv_tape_open(&t, &config, path, &failure),
                     TGVOIP_ERR_UNSUPPORTED);
    assert_string_equal(failure.what, path);
    assert_non_null(strstr(failure.why, "headerless"));
}

static void test_pipes_of_reports_say_that_nobody_reads(void **state)
{
    const struct tgv_scribe_config config = {.loop = loop, .failed = on_failed};
    const char *path = make_pipe("log.txt");
    struct tgvoip_failure failure;
    struct tgv_scribe *s;

    (void)state;
    assert_true(tgv_scribe_open(&s, &config, path, &failure) < 0);
    assert_string_equal(failure.why, "nobody reads this pipe");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pipes_played_are_opened_without_a_writer),
        TEST(test_pipes_played_leave_the_pool_to_others),
        TEST(test_pipes_played_with_a_header_are_refused_at_once),
        TEST(test_pipes_recorded_get_what_came_before_the_reader),
        TEST(test_pipes_recorded_tell_that_nobody_reads),
        TEST(test_pipes_recorded_with_a_header_are_refused_at_once),
        TEST(test_pipes_of_reports_say_that_nobody_reads),
    };

    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
