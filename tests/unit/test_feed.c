/* SPDX-License-Identifier: MIT */
/* rooms: api */
#define _GNU_SOURCE
#include "api/feed.h"
#include "api/tape.h"
#include "base/time.h"

#include <tgvoip/audio.h>

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

/* A file with the samples first, first + 1, ... */
static const char *write_ramp(const char *name, int16_t first, size_t samples)
{
    static char path[128];
    tgvoip_audio_writer *w;
    int16_t *pcm = calloc(samples + 1, sizeof(*pcm));

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(first + (int16_t)i);
    assert_int_equal(tgvoip_audio_writer_open(&w, path, NULL), 0);
    assert_int_equal(tgvoip_audio_writer_write(w, pcm, samples), 0);
    assert_int_equal(tgvoip_audio_writer_close(w), 0);
    free(pcm);
    return path;
}

static struct tgv_feed *make_feed(bool repeat)
{
    const struct tgv_feed_config config = {
        .loop = loop, .repeat = repeat, .failed = on_failed};
    struct tgv_feed *f;

    assert_int_equal(tgv_feed_create(&f, &config), 0);
    return f;
}

static void add(struct tgv_feed *f, const char *path)
{
    assert_int_equal(tgv_feed_add(f, path, NULL), 0);
    tgv_feed_kick(f);
}

static unsigned open_files(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void take_ramp(struct tgv_feed *f, unsigned files, unsigned *seen)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position;
    bool finished;

    while (*seen < files * TGV_BLOCK_SAMPLES) {
        settle();
        while (*seen < files * TGV_BLOCK_SAMPLES &&
               tgv_feed_take(f, pcm, &position, &finished) == TGV_FEED_BLOCK) {
            for (unsigned i = 0; i < TGV_BLOCK_SAMPLES; i++, (*seen)++)
                assert_int_equal(pcm[i], (*seen % TGV_BLOCK_SAMPLES) + 1);
        }
    }
}

/* PY-18 */
static void test_feed_long_queue_needs_few_descriptors(void **state)
{
    unsigned before = open_files(), seen = 0;
    struct tgv_feed *f = make_feed(false);
    const char *path = write_ramp("a.raw", 1, TGV_BLOCK_SAMPLES);

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        add(f, path);
    assert_true(open_files() < before + 30);
    take_ramp(f, 300, &seen);
    assert_int_equal(failures, 0);
    tgv_feed_close(f);
    settle();
}

/* PY-18 */
static void test_feed_long_hold_queue_opens_again_and_again(void **state)
{
    unsigned seen = 0;
    struct tgv_feed *f = make_feed(true);
    char gone[128], stays[128];

    (void)state;
    strcpy(gone, write_ramp("gone.raw", 1, TGV_BLOCK_SAMPLES));
    strcpy(stays, write_ramp("stays.raw", 1, TGV_BLOCK_SAMPLES));
    for (unsigned i = 0; i < 20; i++)
        add(f, i == 15 ? gone : stays);
    take_ramp(f, 60, &seen);
    assert_int_equal(unlink(gone), 0);
    take_ramp(f, 120, &seen);
    assert_int_equal(failures, 1);
    assert_string_equal(last_failure.what, gone);
    tgv_feed_close(f);
    settle();
}

static void test_feed_files_follow_each_other_without_a_gap(void **state)
{
    struct tgv_feed *f = make_feed(false);
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position;
    bool finished;

    (void)state;
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_EMPTY);
    assert_false(finished);
    add(f, write_ramp("a.wav", 1, 1000));
    add(f, write_ramp("empty.raw", 1, 0));
    add(f, write_ramp("b.raw", 5001, 1500));
    settle();
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_BLOCK);
    assert_int_equal(position, 0);
    assert_int_equal(pcm[0], 1);
    assert_int_equal(pcm[959], 960);
    assert_false(finished);
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_BLOCK);
    assert_int_equal(position, 960);
    assert_int_equal(pcm[39], 1000);
    assert_int_equal(pcm[40], 5001);
    assert_false(finished);
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_BLOCK);
    assert_int_equal(position, 920);
    assert_int_equal(pcm[0], 5921);
    assert_int_equal(pcm[579], 6500);
    assert_int_equal(pcm[580], 0);
    assert_true(finished);
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_EMPTY);
    assert_false(finished);
    assert_int_equal(failures, 0);
    tgv_feed_close(f);
}

static void test_feed_long_file_arrives_whole(void **state)
{
    struct tgv_feed *f = make_feed(false);
    int16_t pcm[TGV_BLOCK_SAMPLES], expect = 0;
    int64_t position;
    bool finished = false;

    (void)state;
    add(f, write_ramp("long.wav", 0, 200 * TGV_BLOCK_SAMPLES));
    settle();
    for (int i = 0; i < 200; i++) {
        if (tgv_feed_take(f, pcm, &position, &finished) != TGV_FEED_BLOCK) {
            settle();
            i--;
            continue;
        }
        assert_int_equal(position, i * TGV_BLOCK_SAMPLES);
        for (int k = 0; k < TGV_BLOCK_SAMPLES; k++, expect++)
            assert_int_equal(pcm[k], expect);
        if (i % 20 == 19)
            settle();
    }
    if (!finished) /* the end may be found after the last sample */
        assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                         TGV_FEED_EMPTY);
    assert_true(finished);
    tgv_feed_close(f);
}

static void test_feed_repeats_and_leaves_out_what_is_empty(void **state)
{
    struct tgv_feed *f = make_feed(true);
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position;
    bool finished;
    int at = 0;

    (void)state;
    add(f, write_ramp("empty.raw", 1, 0));
    settle();
    assert_int_equal(failures, 1);
    assert_string_equal(last_failure.why, "holds no audio");
    assert_int_equal(tgv_feed_add(f, write_ramp("a.raw", 0, 100), NULL), 0);
    add(f, write_ramp("b.raw", 100, 50));
    settle();
    for (int i = 0; i < 40; i++) {
        assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                         TGV_FEED_BLOCK);
        assert_false(finished);
        assert_int_equal(position, at < 100 ? at : at - 100);
        for (int k = 0; k < TGV_BLOCK_SAMPLES; k++, at = (at + 1) % 150)
            assert_int_equal(pcm[k], at);
        settle();
    }
    tgv_feed_close(f);
}

static void test_feed_clear_drops_what_was_read_ahead(void **state)
{
    struct tgv_feed *f = make_feed(false);
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position;
    bool finished;

    (void)state;
    for (int i = 0; i < 50; i++) {
        add(f, write_ramp("a.raw", 1, 5000));
        if (i % 2)
            tgv_loop_step(loop);
        tgv_feed_clear(f);
        tgv_feed_kick(f);
        assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                         TGV_FEED_EMPTY);
        assert_false(finished);
    }
    add(f, write_ramp("b.raw", 7000, 960));
    settle();
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_BLOCK);
    assert_int_equal(pcm[0], 7000);
    assert_int_equal(position, 0);
    tgv_feed_close(f);
}

static void test_feed_that_is_too_slow_is_told_apart(void **state)
{
    struct tgv_feed *f = make_feed(false);
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position;
    bool finished;
    int late = 0, blocks = 0;

    (void)state;
    assert_int_equal(
        tgv_feed_add(f, write_ramp("a.raw", 1, 100 * TGV_BLOCK_SAMPLES), NULL),
        0);
    /* Not begun is not late. */
    assert_int_equal(tgv_feed_take(f, pcm, &position, &finished),
                     TGV_FEED_EMPTY);
    assert_false(finished);
    settle();
    /* The pool is not given the time to follow. */
    while (blocks < 100 && late == 0) {
        switch (tgv_feed_take(f, pcm, &position, &finished)) {
        case TGV_FEED_LATE:
            late++;
            break;
        case TGV_FEED_BLOCK:
            blocks++;
            break;
        default:
            fail();
        }
    }
    assert_true(late > 0 || blocks == 100);
    tgv_feed_close(f);
}

/* -- tape ----------------------------------------------------------------- */

static struct tgv_tape *make_tape(const char *name)
{
    const struct tgv_tape_config config = {
        .loop = loop, .failed = on_failed, .finished = on_finished};
    char path[128];
    struct tgv_tape *t;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(tgv_tape_open(&t, &config, path, NULL), 0);
    return t;
}

static long file_size(const char *name)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void test_tape_blocks_that_are_lost_become_silence(void **state)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_tape *t = make_tape("fast.raw");
    int lost = 0;

    (void)state;
    for (int i = 0; i < TGV_BLOCK_SAMPLES; i++)
        pcm[i] = 1;
    for (int i = 0; i < 400; i++) /* much faster than time */
        lost += !tgv_tape_put(t, pcm);
    settle();
    for (int i = 0; i < 40; i++) {
        lost += !tgv_tape_put(t, pcm);
        settle();
    }
    assert_int_equal(tgv_tape_position(t), 440 * TGV_BLOCK_SAMPLES);
    tgv_tape_finish(t);
    settle();
    assert_int_equal(finished_tapes, 1);
    assert_int_equal(failures, lost > 0 ? 1 : 0); /* told once */
    print_message("%d blocks lost\n", lost);
    assert_int_equal(file_size("fast.raw"), 440 * TGV_BLOCK_SAMPLES * 2);
}

static void test_tape_finished_now_is_whole_on_return(void **state)
{
    static const int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_tape *t = make_tape("now.raw");

    (void)state;
    for (int i = 0; i < 15; i++)
        assert_true(tgv_tape_put(t, pcm));
    tgv_tape_finish(t);
    tgv_tape_finish_now(t);
    assert_int_equal(finished_tapes, 1);
    assert_int_equal(file_size("now.raw"), 15 * TGV_BLOCK_SAMPLES * 2);
    tgv_tape_discard(make_tape("unused.raw"));
    assert_int_equal(file_size("unused.raw"), 0);
    assert_int_equal(finished_tapes, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_feed_files_follow_each_other_without_a_gap),
        TEST(test_feed_long_file_arrives_whole),
        TEST(test_feed_long_queue_needs_few_descriptors),
        TEST(test_feed_long_hold_queue_opens_again_and_again),
        TEST(test_feed_repeats_and_leaves_out_what_is_empty),
        TEST(test_feed_clear_drops_what_was_read_ahead),
        TEST(test_feed_that_is_too_slow_is_told_apart),
        TEST(test_tape_blocks_that_are_lost_become_silence),
        TEST(test_tape_finished_now_is_whole_on_return),
    };

    alarm(30);
    use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
