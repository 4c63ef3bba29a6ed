/* SPDX-License-Identifier: MIT */
/* Sound of real calls from and into files, and through rings of PCM. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#include "api/call.h"
#include "support/call_pair.h"

/* -- files ---------------------------------------------------------------- */

/* `samples` of a tone, then of nothing else. */
static void write_tone(const char *path, size_t samples)
{
    tgvoip_audio_writer *w;
    int16_t *pcm = calloc(samples, sizeof(*pcm));

    pair_tone(pcm, samples, 0);
    assert_int_equal(tgvoip_audio_writer_open(&w, path, NULL), 0);
    assert_int_equal(tgvoip_audio_writer_write(w, pcm, samples), 0);
    assert_int_equal(tgvoip_audio_writer_close(w), 0);
    free(pcm);
}

/* Its tone ends, and what files give is heard. */
static void silence(struct pair *p, int i)
{
    pthread_mutex_lock(&p->ends[i].lock);
    p->ends[i].silent_source = true;
    pthread_mutex_unlock(&p->ends[i].lock);
}

static void test_call_files_are_played_and_recorded(void **state)
{
    struct pair *p = pair_create(false);
    struct tgvoip_audio_info info;
    struct tgvoip_call_stats s;

    (void)state;
    pair_establish(p);
    for (int i = 0; i < 2; i++)
        silence(p, i);
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, pair_path(p, "heard.wav"), NULL),
        0);
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, pair_path(p, "heard.wav"), NULL),
        TGVOIP_ERR_IN_USE);
    write_tone(pair_path(p, "a.wav"), 24000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, pair_path(p, "a.wav"), NULL), 0);
    write_tone(pair_path(p, "b.flac"), 10000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, pair_path(p, "b.flac"), NULL), 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_loud, 0.3, 3000));
    assert_true(pair_wait(p, &p->ends[0], end_has_played, 1, 4000));
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[1].call), 0);
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe(pair_path(p, "heard.wav"), &info, NULL),
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
    pair_destroy(p);
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
    struct pair *p = pair_create(false);
    size_t samples;

    (void)state;
    pair_establish(p);
    silence(p, 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    assert_null(p->ends[0].call->ear);
    assert_int_equal(tgvoip_call_record_sent(p->ends[0].call,
                                             pair_path(p, "sent.wav"), NULL),
                     0);
    assert_non_null(p->ends[0].call->ear);
    assert_null(p->ends[1].call->ear);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, pair_path(p, "sent.wav"), NULL),
        TGVOIP_ERR_IN_USE);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, pair_path(p, "heard.wav"), NULL),
        0);
    write_tone(pair_path(p, "a.wav"), 24000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, pair_path(p, "a.wav"), NULL), 0);
    assert_true(pair_wait(p, &p->ends[0], end_has_played, 1, 4000));
    assert_true(pair_wait(p, &p->ends[1], end_is_loud, 0.3, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[0].call), 0);
    assert_true(peak_of(pair_path(p, "sent.wav"), &samples) > 12000);
    assert_true(samples >= 23040);
    assert_true(peak_of(pair_path(p, "heard.wav"), &samples) >= 0);
    assert_true(samples > 0);
    assert_int_equal(p->ends[0].file_errors, 0);
    pair_destroy(p);
}

static void test_call_hold_music_repeats_and_gives_way(void **state)
{
    struct pair *p = pair_create(false);

    (void)state;
    pair_establish(p);
    silence(p, 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    write_tone(pair_path(p, "short.wav"), 3000);
    write_tone(pair_path(p, "empty.wav"), 0);
    assert_int_equal(tgvoip_call_play_on_hold(p->ends[0].call,
                                              pair_path(p, "short.wav"), NULL),
                     0);
    assert_int_equal(tgvoip_call_play_on_hold(p->ends[0].call,
                                              pair_path(p, "empty.wav"), NULL),
                     0);
    assert_true(pair_wait(p, &p->ends[0], end_has_file_error, 1, 2000));
    assert_string_equal(p->ends[0].failure.why, "holds no audio");
    assert_true(pair_wait(p, &p->ends[1], end_is_loud, 0.3, 3000));
    /* 62 ms of music still sound half a second later */
    assert_true(pair_wait(p, &p->ends[1], end_has_taken,
                          (double)p->ends[1].taken + 25, 3000));
    assert_true(pair_wait(p, &p->ends[1], end_is_loud, 0.3, 100));
    write_tone(pair_path(p, "play.wav"), 9000);
    assert_int_equal(
        tgvoip_call_play(p->ends[0].call, pair_path(p, "play.wav"), NULL), 0);
    assert_true(pair_wait(p, &p->ends[0], end_has_played, 1, 3000));
    assert_int_equal(tgvoip_call_clear_hold_queue(p->ends[0].call), 0);
    assert_true(pair_wait(p, &p->ends[1], end_is_quiet, 0.01, 3000));
    assert_int_equal(p->ends[0].play_done, 1);
    assert_int_equal(p->ends[0].file_errors, 1);
    pair_destroy(p);
}

static void test_call_full_disk_is_told_once(void **state)
{
    struct pair *p = pair_create(false);

    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("/dev/full is not available here\n");
        pair_destroy(p);
        return;
    }
    assert_int_equal(symlink("/dev/full", pair_path(p, "full.raw")), 0);
    pair_establish(p);
    assert_int_equal(
        tgvoip_call_record(p->ends[1].call, pair_path(p, "full.raw"), NULL), 0);
    assert_true(pair_wait(p, &p->ends[1], end_has_file_error, 1, 3000));
    assert_int_equal(p->ends[1].failure.code, TGVOIP_ERR_NO_SPACE);
    assert_string_equal(p->ends[1].failure.what, pair_path(p, "full.raw"));
    /* the call goes on */
    assert_true(pair_wait(p, &p->ends[1], end_has_taken,
                          (double)p->ends[1].taken + 20, 3000));
    assert_int_equal(tgvoip_call_stop_recording(p->ends[1].call), 0);
    pair_stop_end(&p->ends[1]);
    assert_int_equal(p->ends[1].file_errors, 1);
    pair_destroy(p);
}

static void test_call_recordings_are_whole_after_stop(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_audio_info info;

    (void)state;
    pair_begin(p);
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, pair_path(p, "one.wav"), NULL), 0);
    assert_true(pair_wait(p, &p->ends[0], end_has_taken, 50, 5000));
    /* A second one takes over; the first is finished. */
    assert_int_equal(
        tgvoip_call_record(p->ends[0].call, pair_path(p, "two.wav"), NULL), 0);
    pair_step(p);
    uint64_t first = p->ends[0].taken;
    assert_true(
        pair_wait(p, &p->ends[0], end_has_taken, (double)first + 30, 5000));
    pair_stop_end(&p->ends[0]);
    int64_t sum = 0;
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe(pair_path(p, "one.wav"), &info, NULL),
                     0);
    sum += info.duration_us;
    assert_int_equal(tgvoip_audio_probe(pair_path(p, "two.wav"), &info, NULL),
                     0);
    sum += info.duration_us;
    assert_int_equal(sum, (int64_t)p->ends[0].taken * 20000);
    pair_destroy(p);
}

/* -- PCM rings ------------------------------------------------------------ */

static void test_call_written_pcm_is_read_at_the_other_end(void **state)
{
    struct pair *p = pair_create(true);
    struct tgvoip_call_stats s;
    int16_t pcm[4800], heard[BLOCK];
    int peak = 0, n;

    (void)state;
    pair_tone(pcm, 4800, 0);
    pair_begin(p);
    for (int i = 0; i < 2; i++)
        p->ends[i].silent_source = true;
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_state_is,
                              TGVOIP_STATE_ESTABLISHED, 5000));
    assert_int_equal(tgvoip_call_read(p->ends[1].call, heard, BLOCK), 0);
    for (int t = 0; t < 20; t++) {
        tgvoip_call_write(p->ends[0].call, pcm, 4800);
        for (int i = 0; i < 20; i++)
            pair_step(p);
        while ((n = tgvoip_call_read(p->ends[1].call, heard, BLOCK)) > 0) {
            for (int i = 0; i < n; i++)
                peak = abs(heard[i]) > peak ? abs(heard[i]) : peak;
        }
    }
    assert_true(peak > 10000);
    /* Nobody reads: the newest half second stays, the rest is counted. */
    for (int i = 0; i < 200; i++)
        pair_step(p);
    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(p->ends[1].call, &s), 0);
    assert_in_range(s.sink_overruns, 20, 30);
    int total = 0;
    while ((n = tgvoip_call_read(p->ends[1].call, heard, BLOCK)) > 0)
        total += n;
    assert_int_equal(total, 24000);
    pair_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_written_pcm_is_read_at_the_other_end),
        cmocka_unit_test(test_call_recordings_are_whole_after_stop),
        cmocka_unit_test(test_call_files_are_played_and_recorded),
        cmocka_unit_test(test_eng_55_what_was_sent_is_decoded_only_on_demand),
        cmocka_unit_test(test_call_hold_music_repeats_and_gives_way),
        cmocka_unit_test(test_call_full_disk_is_told_once),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
