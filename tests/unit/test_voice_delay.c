/* SPDX-License-Identifier: MIT */
/* rooms: voice media base test_marker */
/*
 * Capture to play-out in virtual time over a simple path: what a listener
 * gets, in figures. Delays are from when a sample was spoken (20 ms before
 * its block is whole) to when it is heard, the path's least delay subtracted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/marker_codec.h"
#include "support/speech.h"
#include "voice/capture.h"
#include "voice/playout.h"

#define PATH_MAX_PACKETS 1024
#define SEEDS 9

struct scene {
    const char *name;
    unsigned seconds;
    unsigned frame_ms;
    tgv_time delay; /* of the path, at least */
    tgv_time jitter; /* uniform on top */
    double loss;
    double drift_ppm; /* of the sender's clock: > 0 is slow */
    unsigned redundancy;
    bool fec;
    tgv_time spike_at, spike; /* packets of this time on come together */
    tgv_time sender_noise; /* lateness of the sender's ticks, uniform */
    bool mixed; /* frame length changes */
    double duplicates; /* share of packets that come twice */
    tgv_time outage_every; /* nothing comes for a tenth of this */
    tgv_time from; /* figures count from here on */
};

struct packet {
    tgv_time at;
    struct tgv_voice_frame frame;
    uint8_t data[TGV_REDUNDANCY_MAX + 1][TGV_FRAME_BYTES_MAX];
};

struct figures {
    double delay_ms; /* median */
    double delay_max_ms;
    double end_delay_ms; /* mean of the last second */
    double before_ms; /* mean of the second before the spike */
    double after_ms; /* mean of the second from 9 s after the spike */
    double concealed; /* share of blocks, silence included */
    double lost; /* share of packets */
    double stretched; /* share of blocks */
    struct tgv_playout_stats stats;
};

struct world {
    const struct scene *scene;
    struct tgv_prng random;
    struct tgv_capture *capture;
    struct tgv_playout *playout;
    struct packet *path;
    unsigned in_path;
    uint32_t block; /* next to be spoken */
    tgv_time spoken_at[200000];
    uint64_t packets, lost_packets;
    int64_t heard_to; /* stream time */
    double *delays;
    size_t delay_count;
    uint64_t blocks, made_up, stretched;
    double sum_before, sum_after, sum_end;
    unsigned n_before, n_after, n_end;
};

static tgv_time uniform(struct world *w, tgv_time max)
{
    return (tgv_time)(tgv_prng_unit(&w->random) * (double)max);
}

static void own(struct packet *p, struct tgv_voice_block *b, unsigned i)
{
    memcpy(p->data[i], b->data, b->len);
    b->data = p->data[i];
}

static void enqueue(struct world *w, const struct tgv_voice_frame *f,
                    tgv_time at)
{
    struct packet *p;

    assert_true(w->in_path < PATH_MAX_PACKETS);
    p = &w->path[w->in_path++];
    p->at = at;
    p->frame = *f;
    own(p, &p->frame.primary, TGV_REDUNDANCY_MAX);
    for (unsigned i = 0; i < f->redundancy_count; i++)
        own(p, &p->frame.redundancy[i], i);
}

static void send_frame(struct world *w, const struct tgv_voice_frame *f,
                       tgv_time now)
{
    const struct scene *s = w->scene;
    tgv_time at = now + s->delay + uniform(w, s->jitter);

    w->packets++;
    if (tgv_prng_unit(&w->random) < s->loss) {
        w->lost_packets++;
        return;
    }
    if (s->spike && now >= s->spike_at && now < s->spike_at + s->spike &&
        at < s->spike_at + s->spike + s->delay)
        at = s->spike_at + s->spike + s->delay;
    if (s->outage_every && now % s->outage_every > s->outage_every / 10 * 9) {
        w->lost_packets++;
        return;
    }
    enqueue(w, f, at);
    if (tgv_prng_unit(&w->random) < s->duplicates)
        enqueue(w, f, at + uniform(w, TGV_MS(200)));
}

static void speak(struct world *w, tgv_time now)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_voice_frame f;

    if (w->scene->mixed && w->block % 500 == 0)
        tgv_capture_set_frame_ms(w->capture, 20 + w->block / 500 % 3 * 20);
    tgv_marker_write(pcm, w->block);
    w->spoken_at[w->block++] = now;
    tgv_capture_put(w->capture, pcm, now);
    if (tgv_capture_next(w->capture, &f))
        send_frame(w, &f, now);
}

/* Packets that have come by now, first come first. */
static void deliver(struct world *w, tgv_time now)
{
    for (;;) {
        struct packet *first = NULL;

        for (unsigned i = 0; i < w->in_path; i++)
            if (w->path[i].at <= now && (!first || w->path[i].at < first->at))
                first = &w->path[i];
        if (!first)
            return;
        tgv_playout_put(w->playout, &first->frame, first->at);
        /* keep the order of sending for packets of the same time */
        memmove(first, first + 1,
                (size_t)(w->path + w->in_path - first - 1) * sizeof(*first));
        w->in_path--;
        for (struct packet *p = first; p < w->path + w->in_path; p++) {
            ptrdiff_t moved = sizeof(*p);

            p->frame.primary.data -= moved;
            for (unsigned k = 0; k < p->frame.redundancy_count; k++)
                p->frame.redundancy[k].data -= moved;
        }
    }
}

static void note_delay(struct world *w, double ms, tgv_time now)
{
    const struct scene *s = w->scene;

    if (now >= s->from)
        w->delays[w->delay_count++] = ms;
    if (s->spike && now < s->spike_at && now >= s->spike_at - TGV_S(1)) {
        w->sum_before += ms;
        w->n_before++;
    }
    if (s->spike && now >= s->spike_at + TGV_S(9) &&
        now < s->spike_at + TGV_S(10)) {
        w->sum_after += ms;
        w->n_after++;
    }
    if (now >= TGV_S(s->seconds - 1)) {
        w->sum_end += ms;
        w->n_end++;
    }
}

static void check_block(struct world *w, const int16_t *pcm,
                        const struct tgv_played *pl, tgv_time now)
{
    struct tgv_marker_spot spot;
    size_t from = 0;
    bool noted = false;

    if (pl->kind == TGV_PLAYED_SILENCE)
        return;
    /* nothing is heard twice, nothing out of order */
    assert_true(pl->ts >= w->heard_to || !pl->span);
    if (pl->span)
        w->heard_to = pl->ts + pl->span;
    while (tgv_marker_find(pcm, TGV_BLOCK_SAMPLES, from, &spot)) {
        int64_t ts = (int64_t)spot.number * TGV_BLOCK_SAMPLES + spot.offset;

        assert_true(spot.number < w->block);
        if (pl->kind != TGV_PLAYED_CONCEALED && !pl->stretched)
            assert_int_equal(ts, pl->ts + (int64_t)spot.at);
        if (!noted) {
            double spoken = (double)(w->spoken_at[spot.number] - TGV_BLOCK_US) +
                            spot.offset / 0.048;
            double heard = (double)now + (double)spot.at / 0.048;

            note_delay(w, (heard - spoken - (double)w->scene->delay) / 1000,
                       now);
            noted = true;
        }
        from = spot.at + TGV_MARKER_GROUP;
        if (pl->kind != TGV_PLAYED_CONCEALED && !pl->stretched &&
            from + 80 < TGV_BLOCK_SAMPLES)
            from += 80;
    }
    if (pl->kind == TGV_PLAYED_VOICE)
        assert_true(noted);
}

static void hear(struct world *w, tgv_time now)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played pl;

    tgv_playout_get(w->playout, pcm, now, &pl);
    check_block(w, pcm, &pl, now);
    if (now < w->scene->from)
        return;
    w->blocks++;
    w->made_up +=
        pl.kind == TGV_PLAYED_CONCEALED || pl.kind == TGV_PLAYED_SILENCE;
    w->stretched += pl.stretched;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n ? v[n / 2] : 0;
}

static void world_init(struct world *w, const struct scene *s, uint64_t seed)
{
    struct tgv_capture_config cc = {
        .codec = tgv_codec_marker(),
        .encoder = {.bitrate_bps = 16000, .inband_fec = s->fec},
        .frame_ms = s->frame_ms};
    struct tgv_playout_config pc = {.codec = tgv_codec_marker(),
                                    .min_delay = TGV_MS(10),
                                    .max_delay = TGV_MS(600),
                                    .initial_delay = TGV_MS(60),
                                    .losses_to_reset = 20};

    memset(w, 0, sizeof(*w));
    w->scene = s;
    tgv_prng_init(&w->random, seed);
    assert_int_equal(tgv_capture_create(&w->capture, &cc), 0);
    tgv_capture_set_redundancy(w->capture, s->redundancy);
    assert_int_equal(tgv_playout_create(&w->playout, &pc), 0);
    w->path = calloc(PATH_MAX_PACKETS, sizeof(*w->path));
    w->delays = calloc((size_t)s->seconds * 50 + 2, sizeof(*w->delays));
    assert_non_null(w->path);
    assert_non_null(w->delays);
}

static struct figures run(const struct scene *s, uint64_t seed)
{
    static struct world w;
    struct figures f = {0};
    tgv_time phase;
    double spoken = 0;
    tgv_time speak_at = 0;

    world_init(&w, s, seed);
    phase = uniform(&w, TGV_BLOCK_US);
    for (tgv_time tick = phase; tick < TGV_S(s->seconds);
         tick += TGV_BLOCK_US) {
        while (speak_at <= tick) {
            deliver(&w, speak_at);
            speak(&w, speak_at);
            spoken += TGV_BLOCK_US * (1 + s->drift_ppm / 1e6);
            speak_at = (tgv_time)spoken + uniform(&w, s->sender_noise);
        }
        deliver(&w, tick);
        hear(&w, tick);
    }
    f.delay_ms = median(w.delays, w.delay_count);
    f.delay_max_ms = w.delay_count ? w.delays[w.delay_count - 1] : 0;
    f.before_ms = w.n_before ? w.sum_before / w.n_before : 0;
    f.after_ms = w.n_after ? w.sum_after / w.n_after : 0;
    f.end_delay_ms = w.n_end ? w.sum_end / w.n_end : 0;
    f.concealed = w.blocks ? (double)w.made_up / (double)w.blocks : 0;
    f.stretched = w.blocks ? (double)w.stretched / (double)w.blocks : 0;
    f.lost = (double)w.lost_packets / (double)w.packets;
    tgv_playout_stats(w.playout, &f.stats);
    tgv_capture_destroy(w.capture);
    tgv_playout_destroy(w.playout);
    free(w.path);
    free(w.delays);
    return f;
}

/* Medians over seeds. */
static struct figures run_all(const struct scene *s)
{
    struct figures f[SEEDS];
    struct figures m;
    double v[SEEDS];

    for (unsigned i = 0; i < SEEDS; i++)
        f[i] = run(s, 1000 + i);
    m = f[0];
#define MEDIAN(field)                                                          \
    do {                                                                       \
        for (unsigned i = 0; i < SEEDS; i++)                                   \
            v[i] = f[i].field;                                                 \
        m.field = median(v, SEEDS);                                            \
    } while (0)
    MEDIAN(delay_ms);
    MEDIAN(delay_max_ms);
    MEDIAN(end_delay_ms);
    MEDIAN(before_ms);
    MEDIAN(after_ms);
    MEDIAN(concealed);
    MEDIAN(lost);
    MEDIAN(stretched);
#undef MEDIAN
    print_message("%-26s delay %5.1f max %5.1f end %5.1f ms, made up %5.2f %%"
                  " of blocks (lost %5.2f %%), stretched %4.1f %%, seeds "
                  "1000..%d; p %lu r %lu c %lu l %lu d %lu\n",
                  s->name, m.delay_ms, m.delay_max_ms, m.end_delay_ms,
                  100 * m.concealed, 100 * m.lost, 100 * m.stretched,
                  1000 + SEEDS - 1, (unsigned long)m.stats.frames_played,
                  (unsigned long)m.stats.frames_recovered,
                  (unsigned long)m.stats.frames_concealed,
                  (unsigned long)m.stats.frames_late,
                  (unsigned long)m.stats.frames_dropped);
    return m;
}

static void test_voice_delay_no_jitter(void **state)
{
    const struct scene s = {.name = "no jitter",
                            .seconds = 60,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.delay_ms <= 110);
    assert_true(f.concealed == 0);
}

static void test_voice_delay_no_jitter_20ms(void **state)
{
    const struct scene s = {.name = "no jitter, 20 ms frames",
                            .seconds = 60,
                            .frame_ms = 20,
                            .delay = TGV_MS(40),
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.delay_ms <= 70);
    assert_true(f.concealed == 0);
}

static void test_voice_delay_jitter_60(void **state)
{
    const struct scene s = {.name = "jitter 0..60",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .jitter = TGV_MS(60),
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.delay_ms <= 200);
    assert_true(f.concealed <= 0.01);
}

static void test_voice_delay_jitter_60_20ms(void **state)
{
    const struct scene s = {.name = "jitter 0..60, 20 ms frames",
                            .seconds = 120,
                            .frame_ms = 20,
                            .delay = TGV_MS(40),
                            .jitter = TGV_MS(60),
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.delay_ms <= 160);
    assert_true(f.concealed <= 0.01);
}

static void test_voice_delay_loss_10(void **state)
{
    const struct scene s = {.name = "10 % loss",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .loss = 0.1,
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= f.lost + 0.01);
    assert_true(f.delay_ms <= 110);
}

static void test_voice_delay_loss_10_fec(void **state)
{
    const struct scene s = {.name = "10 % loss, FEC",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .loss = 0.1,
                            .fec = true,
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= 0.03);
    assert_true(f.delay_ms <= 180);
}

static void test_voice_delay_loss_10_copies(void **state)
{
    const struct scene s = {.name = "10 % loss, 2 copies",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .loss = 0.1,
                            .redundancy = 2,
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= 0.03);
    assert_true(f.delay_ms <= 180);
}

static void test_voice_delay_loss_and_jitter(void **state)
{
    const struct scene s = {.name = "10 % loss, jitter, FEC",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(100),
                            .jitter = TGV_MS(60),
                            .loss = 0.1,
                            .fec = true,
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= 0.04);
    assert_true(f.delay_ms <= 250);
}

static void test_voice_delay_spike(void **state)
{
    static const tgv_time jitters[] = {0, TGV_MS(60)};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        const struct scene s = {.name = "spike of 300 ms",
                                .seconds = 40,
                                .frame_ms = 60,
                                .delay = TGV_MS(40),
                                .jitter = jitters[i],
                                .spike_at = TGV_S(20),
                                .spike = TGV_MS(300),
                                .from = TGV_S(5)};
        struct figures f = run_all(&s);

        print_message("  before %.1f ms, 9..10 s after %.1f ms\n", f.before_ms,
                      f.after_ms);
        assert_true(f.after_ms <= f.before_ms + 40);
    }
}

static void test_voice_delay_drift(void **state)
{
    static const double ppm[] = {-300, 300, -6000, 6000};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const struct scene s = {.name = "drift",
                                .seconds = 600,
                                .frame_ms = 60,
                                .delay = TGV_MS(40),
                                .drift_ppm = ppm[i],
                                .from = TGV_S(5)};
        struct figures f = run_all(&s);

        assert_true(f.concealed <= 0.002);
        assert_true(f.stats.frames_dropped == 0);
        assert_true(f.end_delay_ms <= 160);
    }
}

static void test_voice_delay_original_sender(void **state)
{
    const struct scene s = {.name = "slow, unsteady sender",
                            .seconds = 300,
                            .frame_ms = 60,
                            .delay = TGV_MS(5),
                            .drift_ppm = 6000,
                            .sender_noise = TGV_MS(8),
                            .jitter = TGV_MS(2),
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= 0.01);
    assert_true(f.delay_ms <= 150);
}

static void test_voice_delay_mixed_frames(void **state)
{
    const struct scene s = {.name = "20, 40, 60 ms mixed",
                            .seconds = 120,
                            .frame_ms = 60,
                            .delay = TGV_MS(40),
                            .jitter = TGV_MS(20),
                            .mixed = true,
                            .from = TGV_S(5)};
    struct figures f = run_all(&s);

    (void)state;
    assert_true(f.concealed <= 0.01);
}

/* All at once. What must always hold is asserted at each block. */
static void test_voice_delay_storm_keeps_order(void **state)
{
    struct scene s = {.name = "storm",
                      .seconds = 40,
                      .loss = 0.15,
                      .delay = TGV_MS(50),
                      .mixed = true,
                      .fec = true,
                      .duplicates = 0.1,
                      .from = TGV_S(5)};
    double worst = 0;
    double sum = 0;
    const unsigned seeds = 60;

    (void)state;
    for (unsigned i = 0; i < seeds; i++) {
        struct figures f;

        s.frame_ms = 20 + i % 3 * 20;
        s.jitter = TGV_MS(i % 7 * 50);
        s.redundancy = i % 5;
        s.drift_ppm = (double)(i % 9) * 100 - 400;
        s.outage_every = i % 4 ? TGV_S(i % 4 * 3) : 0;
        f = run(&s, 9000 + i);
        sum += f.concealed;
        worst = f.concealed > worst ? f.concealed : worst;
        assert_true(f.stats.frames_dropped < f.stats.frames_received / 5);
    }
    print_message("storm, seeds 9000..%u: made up %.1f %% of blocks, worst "
                  "%.1f %%\n",
                  9000 + seeds - 1, 100 * sum / seeds, 100 * worst);
    assert_true(sum / seeds < 0.2);
}

/*
 * Real Opus. Of every ten frames the sixth is lost; the sound of that time is
 * compared with what it is without loss, by its energy in pieces of 5 ms.
 */
#define OPUS_SECONDS 30
#define PIECE 240
#define PIECES (OPUS_SECONDS * TGV_RATE_HZ / PIECE)

struct opus_run {
    bool lossy;
    struct tgv_encoder_settings settings;
    float energy[PIECES]; /* by stream time; < 0: not heard */
    int64_t next_ts;
    struct tgv_playout_stats stats;
};

static bool lost_one(int64_t ts)
{
    return ts / 2880 % 10 == 5;
}

static void note_energy(struct opus_run *r, const int16_t *pcm,
                        const struct tgv_played *pl)
{
    /* whole pieces of sound that was not stretched */
    int64_t ts = pl->ts;
    size_t first;

    if (pl->kind == TGV_PLAYED_SILENCE || pl->stretched)
        return;
    if (!pl->span) /* stands for what came to be known as lost later */
        ts = r->next_ts;
    r->next_ts = ts + TGV_BLOCK_SAMPLES;
    first = (size_t)(PIECE - ts % PIECE) % PIECE;
    for (size_t i = first; i + PIECE <= TGV_BLOCK_SAMPLES; i += PIECE) {
        size_t piece = ((size_t)ts + i) / PIECE;
        double sum = 0;

        for (size_t k = 0; k < PIECE; k++)
            sum += (double)pcm[i + k] * pcm[i + k];
        if (piece < PIECES)
            r->energy[piece] = (float)log10(sum / PIECE + 100);
    }
}

static void run_opus(struct opus_run *r)
{
    static struct tgv_speech speech;
    struct tgv_capture_config cc = {
        .codec = tgv_codec_opus(), .encoder = r->settings, .frame_ms = 60};
    struct tgv_playout_config pc = {.codec = tgv_codec_opus(),
                                    .min_delay = TGV_MS(10),
                                    .max_delay = TGV_MS(500),
                                    .initial_delay = TGV_MS(60),
                                    .losses_to_reset = 20};
    struct tgv_capture *capture;
    struct tgv_playout *playout;

    memset(&speech, 0, sizeof(speech));
    for (unsigned i = 0; i < PIECES; i++)
        r->energy[i] = -1;
    assert_int_equal(tgv_capture_create(&capture, &cc), 0);
    assert_int_equal(tgv_playout_create(&playout, &pc), 0);
    for (tgv_time now = 0; now < TGV_S(OPUS_SECONDS); now += TGV_BLOCK_US) {
        int16_t pcm[TGV_BLOCK_SAMPLES];
        struct tgv_voice_frame f;
        struct tgv_played pl;

        tgv_speech_make(&speech, pcm, TGV_BLOCK_SAMPLES);
        tgv_capture_put(capture, pcm, now);
        if (tgv_capture_next(capture, &f) &&
            !(r->lossy && lost_one(f.primary.ts)))
            tgv_playout_put(playout, &f, now);
        tgv_playout_get(playout, pcm, now, &pl);
        note_energy(r, pcm, &pl);
    }
    tgv_playout_stats(playout, &r->stats);
    tgv_capture_destroy(capture);
    tgv_playout_destroy(playout);
}

/* Correlation of the energies in lost frames, from the sixth second on. */
static double likeness(const struct opus_run *a, const struct opus_run *b)
{
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;

    for (unsigned i = PIECES / 5; i < PIECES; i++) {
        double u = a->energy[i];
        double v = b->energy[i];

        if (!lost_one((int64_t)i * PIECE) || u < 0 || v < 0)
            continue;
        n++;
        x += u;
        y += v;
        xx += u * u;
        yy += v * v;
        xy += u * v;
    }
    assert_true(n > 200);
    return (xy - x * y / n) / sqrt((xx - x * x / n) * (yy - y * y / n));
}

static void test_voice_delay_opus_fec_restores_isolated_losses(void **state)
{
    static struct opus_run clean, fec, bare;
    double with, without;

    (void)state;
    clean.settings = (struct tgv_encoder_settings){.bitrate_bps = 24000,
                                                   .complexity = 5,
                                                   .loss_percent = 10,
                                                   .inband_fec = true};
    fec.settings = clean.settings;
    bare.settings = clean.settings;
    bare.settings.inband_fec = false;
    fec.lossy = bare.lossy = true;
    run_opus(&clean);
    run_opus(&fec);
    run_opus(&bare);
    with = likeness(&clean, &fec);
    without = likeness(&clean, &bare);
    print_message("lost frames with FEC: %lu restored, %lu not, likeness "
                  "%.3f; without: %.3f\n",
                  (unsigned long)fec.stats.frames_recovered,
                  (unsigned long)fec.stats.frames_concealed, with, without);
    assert_int_equal(clean.stats.frames_concealed, 0);
    assert_int_equal(clean.stats.frames_recovered, 0);
    /* the first two, and pauses, for which Opus sends no redundancy */
    assert_true(fec.stats.frames_concealed <= 10);
    assert_true(fec.stats.frames_recovered >= 40);
    assert_int_equal(bare.stats.frames_recovered, 0);
    assert_true(with >= 0.9);
    assert_true(with > without + 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_voice_delay_no_jitter),
        cmocka_unit_test(test_voice_delay_no_jitter_20ms),
        cmocka_unit_test(test_voice_delay_jitter_60),
        cmocka_unit_test(test_voice_delay_jitter_60_20ms),
        cmocka_unit_test(test_voice_delay_loss_10),
        cmocka_unit_test(test_voice_delay_loss_10_fec),
        cmocka_unit_test(test_voice_delay_loss_10_copies),
        cmocka_unit_test(test_voice_delay_loss_and_jitter),
        cmocka_unit_test(test_voice_delay_spike),
        cmocka_unit_test(test_voice_delay_drift),
        cmocka_unit_test(test_voice_delay_original_sender),
        cmocka_unit_test(test_voice_delay_mixed_frames),
        cmocka_unit_test(test_voice_delay_storm_keeps_order),
        cmocka_unit_test(test_voice_delay_opus_fec_restores_isolated_losses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
