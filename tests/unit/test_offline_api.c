/* SPDX-License-Identifier: MIT */
/* rooms: api */
/* What negotiate.h and audio.h offer outside any call. */
#define _GNU_SOURCE /* mkdtemp */
#include <tgvoip/audio.h>
#include <tgvoip/negotiate.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N TGVOIP_KEY_BYTES

static void test_negotiate_two_sides_agree(void **state)
{
    (void)state;
    const uint8_t *p = tgvoip_dh_known_prime();
    uint8_t a[N], b[N], g_a[N], g_b[N], k_a[N], k_b[N], hash[32], server[N];
    struct tgvoip_emoji mine[TGVOIP_EMOJI_COUNT], theirs[TGVOIP_EMOJI_COUNT];
    int64_t f_a, f_b;

    assert_int_equal(tgvoip_random(server, sizeof(server)), 0);
    assert_int_equal(tgvoip_dh_check_config(3, p, N, NULL), 0);
    assert_int_equal(tgvoip_dh_keypair(3, p, N, server, a, g_a), 0);
    assert_int_equal(tgvoip_dh_keypair(3, p, N, NULL, b, g_b), 0);
    assert_int_equal(tgvoip_dh_commitment(g_a, N, hash), 0);
    assert_int_equal(tgvoip_dh_check_public(g_b, N, p, N), 0);
    assert_int_equal(tgvoip_dh_shared_key(g_b, N, a, p, N, k_a), 0);
    assert_int_equal(tgvoip_dh_check_commitment(g_a, N, hash), 0);
    assert_int_equal(tgvoip_dh_shared_key(g_a, N, b, p, N, k_b), 0);
    assert_memory_equal(k_a, k_b, N);
    assert_int_equal(tgvoip_key_fingerprint(k_a, &f_a), 0);
    assert_int_equal(tgvoip_key_fingerprint(k_b, &f_b), 0);
    assert_true(f_a == f_b);
    assert_int_equal(tgvoip_key_emoji(k_a, g_a, N, mine), 0);
    assert_int_equal(tgvoip_key_emoji(k_b, g_a, N, theirs), 0);
    assert_memory_equal(mine, theirs, sizeof(mine));
    for (int i = 0; i < TGVOIP_EMOJI_COUNT; i++)
        assert_string_equal(mine[i].utf8, tgvoip_emoji_at(mine[i].index).utf8);
    g_a[0] ^= 1;
    assert_int_equal(tgvoip_dh_check_commitment(g_a, N, hash), TGVOIP_ERR_AUTH);
    tgvoip_wipe(a, N);
    tgvoip_wipe(b, N);
}

static void test_negotiate_wrong_arguments_are_errors(void **state)
{
    (void)state;
    const uint8_t *p = tgvoip_dh_known_prime();
    struct tgvoip_failure f = {0};
    uint8_t a[N] = {0};
    int64_t fingerprint;

    assert_int_equal(tgvoip_dh_check_config(5, p, N, &f), TGVOIP_ERR_AUTH);
    assert_string_equal(f.what, "g");
    assert_int_equal(tgvoip_dh_check_config(3, NULL, 0, &f), TGVOIP_ERR_AUTH);
    assert_int_equal(tgvoip_dh_keypair(3, NULL, N, NULL, a, a),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_dh_keypair(3, p, N, NULL, NULL, a),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_dh_shared_key(NULL, N, a, p, N, a),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_dh_commitment(NULL, 0, a), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_key_fingerprint(NULL, &fingerprint),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_key_emoji(a, NULL, 0, NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_random(NULL, 1), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_random(NULL, 0), 0);
    assert_null(tgvoip_emoji_at(333).utf8);
    assert_null(tgvoip_emoji_at(333).name);
}

static void test_audio_write_probe_and_read(void **state)
{
    (void)state;
    char dir[] = "/tmp/tgv-audio-XXXXXX", path[64];
    struct tgvoip_audio_info info;
    tgvoip_audio_writer *writer;
    tgvoip_audio_reader *reader;
    int16_t pcm[TGVOIP_BLOCK_SAMPLES], got[TGVOIP_BLOCK_SAMPLES + 1];

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a.wav", dir);
    for (int i = 0; i < TGVOIP_BLOCK_SAMPLES; i++)
        pcm[i] = (int16_t)(i * 30);
    assert_int_equal(tgvoip_audio_writer_open(&writer, path, NULL), 0);
    assert_int_equal(
        tgvoip_audio_writer_write(writer, pcm, TGVOIP_BLOCK_SAMPLES), 0);
    assert_int_equal(tgvoip_audio_writer_close(writer), 0);
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe(path, &info, NULL), 0);
    assert_int_equal(info.rate_hz, TGVOIP_SAMPLE_RATE);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.duration_us, 20000);
    assert_int_equal(tgvoip_audio_reader_open(&reader, path, NULL), 0);
    assert_int_equal(
        tgvoip_audio_reader_read(reader, got, TGVOIP_BLOCK_SAMPLES + 1),
        TGVOIP_BLOCK_SAMPLES);
    assert_memory_equal(got, pcm, sizeof(pcm));
    assert_int_equal(tgvoip_audio_reader_read(reader, got, 1), 0);
    tgvoip_audio_reader_close(reader);
    unlink(path);
    rmdir(dir);
}

static void test_audio_wrong_arguments_are_errors(void **state)
{
    (void)state;
    struct tgvoip_audio_info info = {0};
    struct tgvoip_failure f = {0};
    tgvoip_audio_reader *reader;
    tgvoip_audio_writer *writer;
    int16_t pcm[1];

    assert_int_equal(tgvoip_audio_probe("x.wav", &info, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "info");
    tgvoip_audio_info_default(&info);
    assert_int_equal(tgvoip_audio_probe("/nowhere/x.wav", &info, &f),
                     TGVOIP_ERR_NOT_FOUND);
    assert_string_equal(f.what, "/nowhere/x.wav");
    assert_int_equal(info.duration_us, -1);
    assert_int_equal(tgvoip_audio_probe(NULL, &info, &f), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_audio_reader_open(&reader, "", &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_audio_reader_open(NULL, "x", &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_audio_writer_open(&writer, "/tmp/x.doc", &f),
                     TGVOIP_ERR_UNSUPPORTED);
    assert_null(writer);
    assert_int_equal(tgvoip_audio_reader_read(NULL, pcm, 1),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_audio_writer_write(NULL, pcm, 1),
                     TGVOIP_ERR_INVALID);
    tgvoip_audio_reader_close(NULL);
    assert_int_equal(tgvoip_audio_writer_close(NULL), 0);
}

static void test_audio_resampler_keeps_state_between_pieces(void **state)
{
    (void)state;
    int16_t in[160], out[960];
    tgvoip_resampler *r;
    size_t total = 0;

    for (int i = 0; i < 160; i++)
        in[i] = 1000;
    assert_int_equal(tgvoip_resampler_create(&r, 8000, 48000, 5), 0);
    for (int i = 0; i < 50; i++) {
        size_t n = 160, m = 960;

        assert_int_equal(tgvoip_resampler_run(r, in, &n, out, &m), 0);
        assert_int_equal(n, 160);
        total += m;
    }
    assert_true(total > 47000 && total <= 48000);
    assert_true(out[900] > 980 && out[900] < 1020);
    tgvoip_resampler_destroy(r);
    assert_int_equal(tgvoip_resampler_create(&r, 7999, 48000, 5),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_resampler_create(&r, 8000, 192001, 5),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_resampler_create(&r, 8000, 48000, 11),
                     TGVOIP_ERR_INVALID);
    assert_null(r);
    assert_int_equal(tgvoip_resampler_run(NULL, in, &total, out, &total),
                     TGVOIP_ERR_INVALID);
    tgvoip_resampler_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiate_two_sides_agree),
        cmocka_unit_test(test_negotiate_wrong_arguments_are_errors),
        cmocka_unit_test(test_audio_write_probe_and_read),
        cmocka_unit_test(test_audio_wrong_arguments_are_errors),
        cmocka_unit_test(test_audio_resampler_keeps_state_between_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
