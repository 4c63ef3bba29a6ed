/* SPDX-License-Identifier: MIT */
/* rooms: api */
#define _GNU_SOURCE
#include "api/scribe.h"
#include "io/text_file.h"

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
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/pool_loop.h"

static char path[TEMP_DIR_BYTES + 32];
static int finished;

static int setup(void **state)
{
    (void)state;
    finished = 0;
    int err = make_pool_loop();
    snprintf(path, sizeof(path), "%s/text", dir);
    return err;
}

static void on_finished(void *ctx, struct tgv_scribe *s)
{
    (void)ctx;
    (void)s;
    finished++;
}

static struct tgv_scribe_config plain(void)
{
    return (struct tgv_scribe_config){
        .loop = loop, .failed = on_failed, .finished = on_finished};
}

static struct tgv_scribe *begin(const struct tgv_scribe_config *config)
{
    struct tgv_scribe *s;

    assert_int_equal(tgv_scribe_open(&s, config, path, NULL), 0);
    return s;
}

static bool put(struct tgv_scribe *s, const char *line)
{
    return tgv_scribe_put(s, line, strlen(line));
}

static const char *text_of(const char *name)
{
    static char text[1 << 16];
    FILE *f = fopen(name, "r");

    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void test_scribe_lines_are_there_at_once(void **state)
{
    struct tgv_scribe_config c = plain();
    struct tgv_scribe *s;

    (void)state;
    c.head = "head\n";
    s = begin(&c);
    assert_string_equal(text_of(path), "head\n");
    put(s, "one\n");
    settle();
    assert_string_equal(text_of(path), "head\none\n");
    put(s, "two\n");
    put(s, "three\n"); /* while the pool may be at work */
    settle();
    assert_string_equal(text_of(path), "head\none\ntwo\nthree\n");
    tgv_scribe_finish(s);
    settle();
    assert_int_equal(finished, 1);
    assert_int_equal(failures, 0);
}

static void test_scribe_appends_or_begins_anew(void **state)
{
    struct tgv_scribe_config c = plain();

    (void)state;
    c.append = true;
    for (int i = 0; i < 2; i++) {
        struct tgv_scribe *s = begin(&c);
        put(s, "x\n");
        tgv_scribe_finish_now(s);
    }
    assert_string_equal(text_of(path), "x\nx\n");
    c.append = false;
    tgv_scribe_finish_now(begin(&c));
    assert_string_equal(text_of(path), "");
    settle();
    assert_int_equal(finished, 3);
}

static void test_scribe_finish_writes_what_is_left(void **state)
{
    const struct tgv_scribe_config c = plain();

    (void)state;
    for (int now = 0; now < 2; now++) {
        struct tgv_scribe *s = begin(&c);
        for (int i = 0; i < 100; i++)
            put(s, "0123456789abcdef\n");
        if (now)
            tgv_scribe_finish_now(s);
        else
            tgv_scribe_finish(s);
        settle();
        assert_int_equal(strlen(text_of(path)), 1700);
        assert_int_equal(finished, now + 1);
    }
}

static void test_scribe_full_buffer_drops_whole_lines_and_counts(void **state)
{
    const struct tgv_scribe_config c = plain();
    struct tgv_scribe *s = begin(&c);
    unsigned taken = 0;
    char line[101];

    (void)state;
    memset(line, 'x', 99);
    line[99] = '\n';
    line[100] = '\0';
    for (int i = 0; i < 2000; i++)
        taken += put(s, line);
    assert_in_range(taken, 150, 1999); /* the pool takes some */
    assert_int_equal(taken + tgv_scribe_lost(s), 2000);
    settle();
    assert_true(put(s, "end\n"));
    tgv_scribe_finish_now(s);
    settle();
    const char *text = text_of(path);
    assert_string_equal(text + strlen(text) - 5, "\nend\n");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, taken * 100 + 4);
}

static void test_eng_35_text_is_bounded_by_two_files(void **state)
{
    struct tgv_scribe_config c = plain();
    struct tgv_scribe *s;
    struct stat st;
    char old[100];

    (void)state;
    snprintf(old, sizeof(old), "%s.1", path);
    c.head = "head\n";
    c.max_bytes = 64;
    s = begin(&c);
    for (int i = 0; i < 50; i++) {
        put(s, "0123456789abcdef\n");
        settle();
    }
    tgv_scribe_finish_now(s);
    settle();
    assert_memory_equal(text_of(path), "head\n0123456789abcdef\n", 5);
    assert_memory_equal(text_of(old), "head\n0123456789abcdef\n", 22);
    assert_int_equal(stat(path, &st), 0);
    assert_in_range(st.st_size, 5, 64);
    assert_int_equal(stat(old, &st), 0);
    assert_in_range(st.st_size, 64, 128);
    assert_int_equal(failures, 0);
}

static void test_scribe_bad_path_is_named(void **state)
{
    const struct tgv_scribe_config c = plain();
    struct tgv_scribe *s = (void *)&c;
    struct tgvoip_failure f;
    char bad[128];

    (void)state;
    snprintf(bad, sizeof(bad), "%s/none/text", dir);
    assert_int_equal(tgv_scribe_open(&s, &c, bad, &f), TGVOIP_ERR_NOT_FOUND);
    assert_null(s);
    assert_string_equal(f.what, bad);
    assert_true(f.why[0]);
}

/* A pipe that nobody empties: an end comes all the same. */
static void test_scribe_stalled_reader_is_an_error(void **state)
{
    const struct tgv_scribe_config c = plain();
    char line[1001];
    int reader;

    (void)state;
    memset(line, 'x', 999);
    line[999] = '\n';
    line[1000] = '\0';
    assert_int_equal(mkfifo(path, 0600), 0);
    struct tgv_scribe *s;
    assert_true(tgv_scribe_open(&s, &c, path, NULL) < 0); /* nobody reads */
    reader = open(path, O_RDONLY | O_NONBLOCK);
    s = begin(&c);
    for (int i = 0; i < 200; i++) {
        put(s, line);
        if (i % 10 == 0)
            settle();
    }
    tgv_scribe_finish_now(s);
    settle();
    assert_int_equal(failures, 1);
    assert_int_equal(finished, 1);
    close(reader);
}

static void test_scribe_full_disk_is_reported_once(void **state)
{
    const struct tgv_scribe_config c = plain();
    struct tgv_scribe *s;

    (void)state;
    assert_int_equal(tgv_scribe_open(&s, &c, "/dev/full", NULL), 0);
    put(s, "one\n");
    settle();
    assert_int_equal(failures, 1);
    assert_int_equal(last_failure.code, TGVOIP_ERR_NO_SPACE);
    assert_string_equal(last_failure.what, "/dev/full");
    put(s, "two\n");
    settle();
    tgv_scribe_finish(s);
    settle();
    assert_int_equal(failures, 1);
    assert_int_equal(finished, 1);
}

/* The limit on the size of files plays the full disk. */
static void test_text_file_leaves_no_half_of_a_piece(void **state)
{
    static char piece[8000];
    struct tgv_text_file *f;
    struct rlimit limit, old;
    struct stat st;

    (void)state;
    memset(piece, 'x', sizeof(piece));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 20000;
    assert_int_equal(tgv_text_file_open(&f, path, false, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(tgv_text_file_write(f, piece, sizeof(piece), NULL), 0);
    assert_int_equal(tgv_text_file_write(f, piece, sizeof(piece), NULL), 0);
    assert_true(tgv_text_file_write(f, piece, sizeof(piece), NULL) < 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(tgv_text_file_size(f), 16000);
    tgv_text_file_close(f);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 16000);
    assert_int_equal(tgv_text_file_open(&f, path, true, NULL), 0);
    assert_int_equal(tgv_text_file_size(f), 16000);
    tgv_text_file_close(f);
}

/* It has no size, so it never begins anew, for which it would be renamed. */
static void test_text_file_of_a_device_does_not_grow(void **state)
{
    static const char piece[1000];
    struct tgv_text_file *f;

    (void)state;
    assert_int_equal(tgv_text_file_open(&f, "/dev/null", false, NULL), 0);
    assert_int_equal(tgv_text_file_write(f, piece, sizeof(piece), NULL), 0);
    assert_int_equal(tgv_text_file_size(f), 0);
    tgv_text_file_close(f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_scribe_lines_are_there_at_once),
        T(test_scribe_appends_or_begins_anew),
        T(test_scribe_finish_writes_what_is_left),
        T(test_scribe_full_buffer_drops_whole_lines_and_counts),
        T(test_eng_35_text_is_bounded_by_two_files),
        T(test_scribe_bad_path_is_named),
        T(test_scribe_stalled_reader_is_an_error),
        T(test_scribe_full_disk_is_reported_once),
        T(test_text_file_leaves_no_half_of_a_piece),
        T(test_text_file_of_a_device_does_not_grow),
    };

    use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
