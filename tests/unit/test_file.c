/* SPDX-License-Identifier: MIT */
/* rooms: file media base */
#define _GNU_SOURCE /* mkdtemp, seteuid, M_PI */
#include "base/random.h"
#include "file/path.h"
#include "file/sink.h"
#include "file/source.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sndfile.h>

#define RATE 48000
#define TONE_HZ 440.0
#define LEVEL 8000.0

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][512];
    static unsigned next;
    char *p = path[next++ % 4];

    snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    return p;
}

static int16_t tone(int64_t i, unsigned rate)
{
    return (int16_t)lrint(LEVEL *
                          sin(2 * M_PI * TONE_HZ * (double)i / (double)rate));
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* n samples of tone, in pieces of a block. */
static int write_tone(struct tgv_sink *s, int64_t n)
{
    int16_t pcm[960];
    int err = 0;

    for (int64_t i = 0; i < n && !err;) {
        size_t k = 0;

        while (k < 960 && i < n)
            pcm[k++] = tone(i++, RATE);
        err = tgv_sink_write(s, pcm, k);
    }
    return err;
}

/* All of a file; the caller frees it. */
static int16_t *read_all(const char *path, size_t piece, size_t *len)
{
    struct tgvoip_failure f = {0};
    struct tgv_source *s;
    size_t cap = RATE * 4;
    int16_t *pcm = malloc(cap * sizeof(*pcm));

    *len = 0;
    if (tgv_source_open(&s, path, &f))
        fail_msg("%s: %s", f.what, f.why);
    for (;;) {
        int n;

        if (*len + piece > cap) {
            cap *= 2;
            pcm = realloc(pcm, cap * sizeof(*pcm));
            assert_non_null(pcm);
        }
        n = tgv_source_read(s, pcm + *len, piece);
        assert_true(n >= 0);
        *len += (size_t)n;
        assert_int_equal(tgv_source_position(s), *len);
        if ((size_t)n < piece)
            break;
    }
    assert_int_equal(tgv_source_read(s, pcm, 1), 0);
    tgv_source_close(s);
    return pcm;
}

static double rms(const int16_t *pcm, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sqrt(sum / (double)n);
}

/* The tone at its level, not counting the edges, within so many dB. */
static void assert_tone(const int16_t *pcm, size_t n, double db)
{
    double got = rms(pcm + n / 8, n * 3 / 4), want = LEVEL / sqrt(2);
    double re = 0, im = 0, power = 0;

    if (fabs(20 * log10(got / want)) > db)
        fail_msg("level %.1f instead of %.1f", got, want);
    for (size_t i = n / 8; i < n * 7 / 8; i++) {
        double w = 2 * M_PI * TONE_HZ * (double)i / RATE;

        re += pcm[i] * cos(w);
        im += pcm[i] * sin(w);
        power += (double)pcm[i] * pcm[i];
    }
    /* nearly all of the power is in that one frequency */
    assert_true((re * re + im * im) * 2 > power * (double)n * 0.75 * 0.95);
}

static const struct {
    const char *name;
    bool exact; /* the samples themselves come back */
    size_t slack; /* samples that may be added or missing */
} formats[] = {
    {"t.wav", true, 0},   {"t.WAV", true, 0},     {"t.flac", true, 0},
    {"t.raw", true, 0},   {"t.pcm", true, 0},     {"t.ogg", false, 0},
    {"t.opus", false, 0}, {"t.mp3", false, 1152},
};
#define FORMATS (sizeof(formats) / sizeof(*formats))

static void test_file_each_format_comes_back(void **state)
{
    (void)state;
    const size_t n = 60001; /* 1.25 s and a bit: not a whole block */

    for (size_t i = 0; i < FORMATS; i++) {
        const char *path = in_dir(formats[i].name);
        struct tgv_source_info info;
        struct tgv_source *source;
        struct tgv_sink *sink;
        int16_t *pcm;
        size_t got;

        assert_int_equal(tgv_sink_open(&sink, path, NULL), 0);
        assert_int_equal(write_tone(sink, (int64_t)n), 0);
        assert_int_equal(tgv_sink_position(sink), n);
        assert_int_equal(tgv_sink_close(sink), 0);
        pcm = read_all(path, 960, &got);
        if (got > n + formats[i].slack || got + formats[i].slack < n)
            fail_msg("%s: %zu samples", path, got);
        assert_tone(pcm, got, 0.5);
        for (size_t k = 0; formats[i].exact && k < n; k++)
            assert_int_equal(pcm[k], tone((int64_t)k, RATE));
        free(pcm);

        assert_int_equal(tgv_source_open(&source, path, NULL), 0);
        info = tgv_source_info(source);
        assert_int_equal(info.rate_hz, RATE);
        assert_int_equal(info.channels, 1);
        assert_true(llabs(info.duration_us - 1250021) < 25000);
        tgv_source_close(source);
    }
}

/* A file as others make them, written with the library itself. */
static void make(const char *path, int format, unsigned rate, int channels,
                 int64_t frames, double left_gain, double right_gain)
{
    SF_INFO info = {
        .samplerate = (int)rate, .channels = channels, .format = format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);

    assert_non_null(f);
    for (int64_t i = 0; i < frames; i++) {
        double v =
            LEVEL / 32768 * sin(2 * M_PI * TONE_HZ * (double)i / (double)rate);
        double frame[8];

        for (int c = 0; c < channels; c++)
            frame[c] = v * (c % 2 ? right_gain : left_gain);
        assert_int_equal(sf_writef_double(f, frame, 1), 1);
    }
    sf_close(f);
}

static void test_file_other_rates_keep_length_and_level(void **state)
{
    (void)state;
    static const unsigned rates[] = {8000,  11025, 16000, 22050, 24000,
                                     32000, 44100, 48000, 96000};
    const char *path = in_dir("rate.wav");

    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        int64_t frames = rates[i] + 123;
        int64_t want = (frames * RATE + rates[i] / 2) / rates[i];
        size_t got, again;
        int16_t *pcm, *other;

        make(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, rates[i], 1, frames, 1, 1);
        pcm = read_all(path, 960, &got);
        assert_int_equal(got, want);
        assert_tone(pcm, got, 0.2);
        /* asking in other pieces gives the same samples */
        other = read_all(path, 777, &again);
        assert_int_equal(again, got);
        assert_memory_equal(pcm, other, got * sizeof(*pcm));
        free(pcm);
        free(other);
    }
}

static void test_file_channels_are_averaged(void **state)
{
    (void)state;
    const char *path = in_dir("stereo.wav");
    int16_t *pcm;
    size_t n;

    make(path, SF_FORMAT_WAV | SF_FORMAT_PCM_24, 44100, 2, 44100, 1.5, 0.5);
    pcm = read_all(path, 960, &n);
    assert_tone(pcm, n, 0.2);
    free(pcm);
    make(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 6, 48000, 2, 0);
    pcm = read_all(path, 960, &n);
    assert_tone(pcm, n, 0.2);
    free(pcm);
    make(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 2, 48000, 1, -1);
    pcm = read_all(path, 960, &n);
    assert_true(rms(pcm, n) < 2);
    free(pcm);
}

static void test_file_too_loud_floats_are_clipped(void **state)
{
    (void)state;
    const char *path = in_dir("loud.wav");
    int16_t *pcm, high = 0, low = 0;
    size_t n;

    make(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1, 4800, 100, 100);
    pcm = read_all(path, 960, &n);
    for (size_t i = 0; i < n; i++) {
        high = pcm[i] > high ? pcm[i] : high;
        low = pcm[i] < low ? pcm[i] : low;
    }
    assert_int_equal(high, 32767);
    assert_int_equal(low, -32768);
    free(pcm);
}

static void test_file_compressed_inputs_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int format;
        unsigned rate;
    } cases[] = {
        {"in.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100},
        {"in16.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 16000},
        {"in.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100},
        {"in.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 16000},
        {"in.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 44100},
        {"in.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 8000},
        {"noending", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *path = in_dir(cases[i].name);
        size_t n;
        int16_t *pcm;

        make(path, cases[i].format, cases[i].rate, 2, cases[i].rate * 2, 1, 1);
        pcm = read_all(path, 960, &n);
        assert_true(n > RATE * 2 - 5000 && n < RATE * 2 + 5000);
        assert_tone(pcm, n, 0.7);
        free(pcm);
    }
}

static void test_file_rewind_gives_the_same_again(void **state)
{
    (void)state;
    static const char *const names[] = {"r.wav", "r.flac", "r.ogg",
                                        "r.raw", "r.mp3",  "r44.wav"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = in_dir(names[i]);
        int16_t *first = calloc(30000, 2), *second = calloc(30000, 2);
        struct tgv_source *s;
        struct tgv_sink *sink;
        int n, differs = 0;

        if (strcmp(names[i], "r44.wav") == 0) {
            make(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1, 20000, 1, 1);
        } else {
            assert_int_equal(tgv_sink_open(&sink, path, NULL), 0);
            assert_int_equal(write_tone(sink, 20000), 0);
            assert_int_equal(tgv_sink_close(sink), 0);
        }
        assert_int_equal(tgv_source_open(&s, path, NULL), 0);
        n = tgv_source_read(s, first, 30000);
        assert_int_equal(tgv_source_rewind(s), 0);
        assert_int_equal(tgv_source_position(s), 0);
        assert_int_equal(tgv_source_read(s, second, 7000), 7000);
        assert_int_equal(tgv_source_rewind(s), 0);
        assert_int_equal(tgv_source_read(s, second, 30000), n);
        for (int k = 0; k < n; k++) /* a lossy decoder may start otherwise */
            differs += abs(first[k] - second[k]) > 400;
        assert_true(differs <= 1200);
        tgv_source_close(s);
        free(first);
        free(second);
    }
}

static void expect_failure(const char *path, int code, const char *why)
{
    struct tgvoip_failure f = {0};
    struct tgv_source *s;

    assert_int_equal(tgv_source_open(&s, path, &f), code);
    assert_null(s);
    assert_int_equal(f.code, code);
    assert_string_equal(f.what, path);
    if (!strstr(f.why, why))
        fail_msg("\"%s\" does not tell \"%s\"", f.why, why);
    assert_int_equal(tgv_source_open(&s, path, NULL), code);
}

static void test_file_bad_inputs_name_path_and_reason(void **state)
{
    (void)state;
    write_text(in_dir("text.wav"), "this is not a sound file, only text\n");
    write_text(in_dir("empty.wav"), "");
    write_text(in_dir("short.wav"), "RIFF");
    expect_failure(in_dir("none.wav"), TGVOIP_ERR_NOT_FOUND, "no such file");
    expect_failure(in_dir("none.raw"), TGVOIP_ERR_NOT_FOUND, "no such file");
    expect_failure(in_dir("text.wav/x.wav"), TGVOIP_ERR_NOT_FOUND,
                   "not a directory");
    expect_failure(in_dir("text.wav"), TGVOIP_ERR_FORMAT, "not an audio file");
    expect_failure(in_dir("short.wav"), TGVOIP_ERR_FORMAT, "not an audio file");
    expect_failure(in_dir("empty.wav"), TGVOIP_ERR_FORMAT, "is empty");
    expect_failure(dir, TGVOIP_ERR_IO, "is a directory");
    mkdir(in_dir("d.raw"), 0700);
    mkdir(in_dir("d.wav"), 0700);
    expect_failure(in_dir("d.raw"), TGVOIP_ERR_IO, "is a directory");
    expect_failure(in_dir("d.wav"), TGVOIP_ERR_IO, "is a directory");
}

static void test_file_empty_raw_has_no_samples(void **state)
{
    (void)state;
    const char *path = in_dir("empty.raw");
    struct tgv_source *s;
    int16_t pcm[4];

    write_text(path, "");
    assert_int_equal(tgv_source_open(&s, path, NULL), 0);
    assert_int_equal(tgv_source_info(s).duration_us, 0);
    assert_int_equal(tgv_source_read(s, pcm, 4), 0);
    assert_int_equal(tgv_source_rewind(s), 0);
    tgv_source_close(s);
    write_text(path, "\x01\x02\xFF\xFF!"); /* a half sample at the end */
    assert_int_equal(tgv_source_open(&s, path, NULL), 0);
    assert_int_equal(tgv_source_read(s, pcm, 4), 2);
    assert_int_equal(pcm[0], 0x0201);
    assert_int_equal(pcm[1], -1);
    tgv_source_close(s);
    tgv_source_close(NULL);
}

static void test_file_missing_permission_is_told(void **state)
{
    (void)state;
    struct tgvoip_failure f = {0};
    struct tgv_sink *sink;
    bool root = geteuid() == 0;

    write_text(in_dir("secret.wav"), "x");
    write_text(in_dir("secret.raw"), "x");
    chmod(in_dir("secret.wav"), 0);
    chmod(in_dir("secret.raw"), 0);
    chmod(dir, 0555);
    if (root) /* who may do everything must step down to be refused */
        assert_int_equal(seteuid(65534), 0);
    expect_failure(in_dir("secret.wav"), TGVOIP_ERR_ACCESS,
                   "permission denied");
    expect_failure(in_dir("secret.raw"), TGVOIP_ERR_ACCESS,
                   "permission denied");
    assert_int_equal(tgv_sink_open(&sink, in_dir("new.wav"), &f),
                     TGVOIP_ERR_ACCESS);
    assert_string_equal(f.what, in_dir("new.wav"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(dir, 0755);
}

static void test_file_sink_refuses_bad_paths(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int code;
        const char *why;
    } cases[] = {
        {"out.xyz", TGVOIP_ERR_UNSUPPORTED, "the ending must be"},
        {"out", TGVOIP_ERR_UNSUPPORTED, "the ending must be"},
        {"no.wav/out", TGVOIP_ERR_UNSUPPORTED, "the ending must be"},
        {"no/out.wav", TGVOIP_ERR_NOT_FOUND, "no such file"},
        {"no/out.raw", TGVOIP_ERR_NOT_FOUND, "no such file"},
        {"isdir.wav", TGVOIP_ERR_IO, "is a directory"},
    };

    mkdir(in_dir("isdir.wav"), 0700);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct tgvoip_failure f = {0};
        struct tgv_sink *s;

        assert_int_equal(tgv_sink_open(&s, in_dir(cases[i].name), &f),
                         cases[i].code);
        assert_null(s);
        assert_string_equal(f.what, in_dir(cases[i].name));
        assert_non_null(strstr(f.why, cases[i].why));
    }
    assert_int_equal(tgv_sink_close(NULL), 0);
}

static void test_file_full_device_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"full.raw", "full.wav", "full.flac",
                                        "full.ogg", "full.mp3"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = in_dir(names[i]);
        struct tgv_sink *s;
        int err;

        assert_int_equal(symlink("/dev/full", path), 0);
        err = tgv_sink_open(&s, path, NULL);
        if (!err) {
            err = write_tone(s, RATE * 3);
            assert_int_equal(tgv_sink_write(s, &(int16_t){0}, 1), err);
            assert_int_equal(tgv_sink_close(s), err);
        }
        assert_int_equal(err, TGVOIP_ERR_NO_SPACE);
    }
}

/* Run fn in a process of its own that ends without any clean-up. */
static void in_child(void (*fn)(const char *), const char *path)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fn(path);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_and_die(const char *path)
{
    struct tgv_sink *s;

    if (tgv_sink_open(&s, path, NULL) || write_tone(s, RATE * 3))
        _exit(1);
}

static void test_file_playable_after_the_process_died(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        const char *path = in_dir(formats[i].name);
        size_t n;
        int16_t *pcm;

        in_child(write_and_die, path);
        pcm = read_all(path, 960, &n);
        if (n < RATE * 2 - 2400 || n > RATE * 3)
            fail_msg("%s: %zu samples of %d", path, n, RATE * 3);
        assert_tone(pcm, n, 0.5);
        free(pcm);
    }
}

/* 40000 bytes are the room; the writer must be told once it is used up. */
static void write_until_full(const char *path)
{
    struct rlimit limit = {40000, 40000};
    struct tgv_sink *s;
    int err;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) || tgv_sink_open(&s, path, NULL))
        _exit(1);
    err = write_tone(s, RATE * 60);
    if (err != TGVOIP_ERR_NO_SPACE)
        _exit(2);
    if (tgv_sink_write(s, &(int16_t){0}, 1) != TGVOIP_ERR_NO_SPACE)
        _exit(3);
    if (tgv_sink_close(s) != TGVOIP_ERR_NO_SPACE)
        _exit(4);
}

static void test_file_playable_after_the_disk_filled_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        const char *path = in_dir(formats[i].name);
        size_t n;
        int16_t *pcm;

        in_child(write_until_full, path);
        pcm = read_all(path, 960, &n);
        if (n < 19000)
            fail_msg("%s: %zu samples", path, n);
        assert_tone(pcm, n, 0.5);
        free(pcm);
    }
}

static void test_file_raw_prefix_overrules_the_ending(void **state)
{
    char path[600];
    struct tgv_sink *s;
    struct stat st;
    int16_t *pcm;
    size_t n;
    (void)state;

    assert_int_equal(tgv_file_format("raw:a.wav"), TGV_FILE_RAW);
    assert_int_equal(tgv_file_format("raw:a"), TGV_FILE_RAW);
    assert_int_equal(tgv_file_format("./raw:a.wav"), TGV_FILE_WAV);
    assert_true(tgv_file_is_stdio("raw:-"));
    assert_string_equal(tgv_file_name("raw:a.wav"), "a.wav");
    snprintf(path, sizeof(path), "raw:%s", in_dir("pcm.wav"));
    assert_int_equal(tgv_sink_open(&s, path, NULL), 0);
    assert_int_equal(write_tone(s, 1000), 0);
    assert_int_equal(tgv_sink_close(s), 0);
    assert_int_equal(stat(in_dir("pcm.wav"), &st), 0);
    assert_int_equal(st.st_size, 2000);
    pcm = read_all(path, 960, &n);
    assert_int_equal(n, 1000);
    assert_int_equal(pcm[7], tone(7, RATE));
    free(pcm);
}

static void test_file_standard_input_and_output_are_raw(void **state)
{
    (void)state;
    static const char bytes[] = {0x34, 0x12, (char)0xFE, (char)0xFF};
    int in[2], saved = dup(0);
    struct tgv_source *s;
    int16_t pcm[4];

    assert_int_equal(pipe(in), 0);
    assert_int_equal(write(in[1], bytes, 4), 4);
    close(in[1]);
    dup2(in[0], 0);
    close(in[0]);
    assert_int_equal(tgv_source_open(&s, "-", NULL), 0);
    assert_int_equal(tgv_source_info(s).duration_us, -1);
    assert_int_equal(tgv_source_read(s, pcm, 4), 2);
    assert_int_equal(pcm[0], 0x1234);
    assert_int_equal(pcm[1], -2);
    assert_int_equal(tgv_source_rewind(s), TGVOIP_ERR_UNSUPPORTED);
    tgv_source_close(s);
    dup2(saved, 0);
    close(saved);
    clearerr(stdin);
}

static void write_to_stdout(const char *path)
{
    const int16_t pcm[] = {0x1234, -2};
    struct tgv_sink *s;

    if (!freopen(path, "wb", stdout) || tgv_sink_open(&s, "-", NULL) ||
        tgv_sink_write(s, pcm, 2) || tgv_sink_close(s) || fflush(stdout))
        _exit(1);
}

static void test_file_standard_output_takes_pcm(void **state)
{
    (void)state;
    size_t n;
    int16_t *pcm;

    in_child(write_to_stdout, in_dir("stdout.raw"));
    pcm = read_all(in_dir("stdout.raw"), 960, &n);
    assert_int_equal(n, 2);
    assert_int_equal(pcm[0], 0x1234);
    assert_int_equal(pcm[1], -2);
    free(pcm);
}

static void test_file_damaged_files_never_crash(void **state)
{
    (void)state;
    const uint64_t seed = 31;
    struct tgv_prng g;

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (size_t i = 0; i < FORMATS; i++) {
        const char *path = in_dir(formats[i].name), *bad;
        static uint8_t bytes[40000];
        struct tgv_sink *sink;
        size_t len;
        FILE *f;

        assert_int_equal(tgv_sink_open(&sink, path, NULL), 0);
        assert_int_equal(write_tone(sink, 6000), 0);
        assert_int_equal(tgv_sink_close(sink), 0);
        f = fopen(path, "rb");
        len = fread(bytes, 1, sizeof(bytes), f);
        fclose(f);
        for (int round = 0; round < 60; round++) {
            uint8_t copy[sizeof(bytes)];
            struct tgv_source *s;
            int16_t pcm[960];
            size_t n = round % 2 ? len : tgv_prng_below(&g, (uint32_t)len);

            memcpy(copy, bytes, len);
            for (int k = 0; k < 1 + round / 6; k++)
                copy[tgv_prng_below(&g, k % 2 ? (uint32_t)len : 64) % len] ^=
                    (uint8_t)(1u << tgv_prng_below(&g, 8));
            bad = in_dir("bad");
            f = fopen(bad, "wb");
            fwrite(copy, 1, n, f);
            fclose(f);
            if (tgv_source_open(&s, bad, NULL))
                continue;
            for (int k = 0; k < 200 && tgv_source_read(s, pcm, 960) > 0; k++)
                ;
            (void)tgv_source_rewind(s);
            (void)tgv_source_read(s, pcm, 960);
            tgv_source_close(s);
        }
    }
}

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    if (!tmp || strlen(tmp) > 40) /* a failure's `what` is 95 characters */
        tmp = "/tmp";
    snprintf(dir, sizeof(dir), "%s/tgv-file-XXXXXX", tmp);
    if (!mkdtemp(dir))
        return -1;
    return chmod(dir, 0755);
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static void test_file_pipes_carry_headerless_pcm_only(void **state)
{
    struct tgvoip_failure f;
    struct tgv_source *source;
    struct tgv_sink *sink;
    const char *path = in_dir("pipe.wav");
    int writer;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tgv_sink_open(&sink, path, &f), TGVOIP_ERR_UNSUPPORTED);
    assert_non_null(strstr(f.why, "headerless"));
    writer = open(path, O_RDWR | O_CLOEXEC); /* or opening waits for one */
    assert_true(writer >= 0);
    assert_int_equal(tgv_source_open(&source, path, &f), TGVOIP_ERR_FORMAT);
    assert_non_null(strstr(f.why, "headerless"));
    close(writer);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_each_format_comes_back),
        cmocka_unit_test(test_file_other_rates_keep_length_and_level),
        cmocka_unit_test(test_file_channels_are_averaged),
        cmocka_unit_test(test_file_too_loud_floats_are_clipped),
        cmocka_unit_test(test_file_compressed_inputs_of_others),
        cmocka_unit_test(test_file_rewind_gives_the_same_again),
        cmocka_unit_test(test_file_bad_inputs_name_path_and_reason),
        cmocka_unit_test(test_file_empty_raw_has_no_samples),
        cmocka_unit_test(test_file_missing_permission_is_told),
        cmocka_unit_test(test_file_sink_refuses_bad_paths),
        cmocka_unit_test(test_file_full_device_is_told),
        cmocka_unit_test(test_file_playable_after_the_process_died),
        cmocka_unit_test(test_file_playable_after_the_disk_filled_up),
        cmocka_unit_test(test_file_raw_prefix_overrules_the_ending),
        cmocka_unit_test(test_file_standard_input_and_output_are_raw),
        cmocka_unit_test(test_file_standard_output_takes_pcm),
        cmocka_unit_test(test_file_pipes_carry_headerless_pcm_only),
        cmocka_unit_test(test_file_damaged_files_never_crash),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
