/* SPDX-License-Identifier: MIT */
/*
 * Many ends of calls in this process, over a relay in another, in real time.
 * Prints one JSON object: processor time, late ticks, memory, threads.
 *
 *   call_live --relay PORT --speech FILE [--sides N] [--seconds S]
 *             [--before N] [--complexity C] [--codec opus|marker]
 *             [--pcm callback|file] [--out FOLDER]
 *             [--record FILE] [--seed N]
 *
 * --pcm file: headerless files are played and recorded, in the folder.
 * --before: so many sides are there before memory is read for the first time.
 * --record: what the calls did with libopus, for bare_opus.
 */
#include "support/marker_codec.h"
#include "support/say.h"
#include "support/side.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_US 3000000

struct options {
    unsigned before, sides, seconds;
    const char *record;
    struct bench_setting setting;
};

struct sums {
    unsigned established, ours;
    uint64_t played, concealed, late, silence, packets_out, bytes_out;
    uint64_t heard, loud, said;
    double bitrate;
    unsigned frame_ms;
    double first_ms; /* the slowest side */
};

static void read_options(struct options *o, int argc, char **argv)
{
    const char *codec = bench_option(argc, argv, "codec", "opus");
    const char *pcm = bench_option(argc, argv, "pcm", "callback");

    memset(o, 0, sizeof(*o));
    o->before = bench_number(argc, argv, "before", 0);
    o->sides = bench_number(argc, argv, "sides", 20);
    o->seconds = bench_number(argc, argv, "seconds", 60);
    o->record = bench_option(argc, argv, "record", NULL);
    o->setting.relay_ip = "127.0.0.1";
    o->setting.relay_port = (uint16_t)bench_number(argc, argv, "relay", 0);
    o->setting.complexity = bench_number(argc, argv, "complexity", 10);
    o->setting.codec = strcmp(codec, "marker") ? NULL : tgv_codec_marker();
    o->setting.record_seconds = o->record ? o->seconds : 0;
    o->setting.pcm = strcmp(pcm, "file") ? BENCH_PCM_CALLBACK : BENCH_PCM_FILE;
    o->setting.out_folder = bench_option(argc, argv, "out", ".");
    o->setting.seed = bench_number(argc, argv, "seed", 1);
}

static void add_sides(struct bench_side *sides, unsigned from, unsigned to,
                      const struct options *o, tgvoip_engine *engine,
                      const struct bench_voice *voice)
{
    for (unsigned i = from; i < to; i++)
        bench_side_create(&sides[i], engine, i, &o->setting, voice);
    for (unsigned i = from; i < to; i++)
        bench_side_connect(&sides[i]);
}

static struct sums add_up(const struct bench_side *sides, unsigned count)
{
    struct sums t = {0};

    for (unsigned i = 0; i < count; i++) {
        struct tgvoip_call_stats s = bench_side_stats(&sides[i]);
        t.established += s.state == TGVOIP_STATE_ESTABLISHED;
        t.ours += s.peer_is_ours;
        t.played += s.frames_played;
        t.concealed += s.frames_concealed;
        t.late += s.frames_late;
        t.silence += s.blocks_silence;
        t.packets_out += s.packets_out;
        t.bytes_out += s.bytes_out;
        t.bitrate += (double)s.bitrate_bps / count;
        t.frame_ms = s.frame_ms;
        t.heard += sides[i].heard;
        t.loud += sides[i].loud;
        if ((double)s.first_audio_us / 1000 > t.first_ms)
            t.first_ms = (double)s.first_audio_us / 1000;
    }
    return t;
}

/* The speech as a headerless file in the folder. */
static void write_raw(struct bench_setting *setting,
                      const struct bench_voice *voice)
{
    static char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/speech.raw", setting->out_folder);
    f = fopen(path, "wb");
    if (!f ||
        fwrite(voice->pcm, sizeof(*voice->pcm), voice->samples, f) !=
            voice->samples ||
        fclose(f) != 0)
        bench_die("%s: cannot be written", path);
    setting->in = path;
}

static void write_record(const struct bench_side *sides, unsigned count,
                         const char *path)
{
    FILE *f = fopen(path, "wb");

    if (!f)
        bench_die("%s: cannot be written", path);
    for (unsigned i = 0; i < count; i++)
        bench_recording_write(&sides[i].recording, f);
    if (fclose(f) != 0)
        bench_die("%s: cannot be written", path);
}

static void print_sums(const struct sums *t)
{
    printf("\"established\":%u,\"ours\":%u,\"frames_played\":%llu,"
           "\"frames_concealed\":%llu,\"frames_late\":%llu,"
           "\"blocks_heard\":%llu,\"blocks_loud\":%llu,"
           "\"packets_out\":%llu,\"bytes_out\":%llu,\"bitrate_bps\":%.0f,"
           "\"frame_ms\":%u,\"first_audio_ms\":%.1f",
           t->established, t->ours, (unsigned long long)t->played,
           (unsigned long long)t->concealed, (unsigned long long)t->late,
           (unsigned long long)t->heard, (unsigned long long)t->loud,
           (unsigned long long)t->packets_out, (unsigned long long)t->bytes_out,
           t->bitrate, t->frame_ms, t->first_ms);
}

static void print(const struct options *o, const tgvoip_engine *engine,
                  const struct sums *t, uint64_t pss_before, uint64_t pss_after,
                  unsigned threads, double cpu_s)
{
    struct tgvoip_engine_stats e;

    e.size = sizeof(e);
    (void)tgvoip_engine_get_stats(engine, &e);
    printf("{\"sides\":%u,\"before\":%u,\"seconds\":%u,\"cpu_s\":%.6f,"
           "\"threads\":%u,\"loops\":%u,\"ticks\":%llu,\"ticks_late\":%llu,"
           "\"worst_late_ms\":%.1f,\"pss_before_kb\":%llu,"
           "\"pss_after_kb\":%llu,",
           o->sides, o->before, o->seconds, cpu_s, threads, e.loops,
           (unsigned long long)e.ticks, (unsigned long long)e.ticks_late,
           (double)e.worst_late_us / 1000, (unsigned long long)pss_before,
           (unsigned long long)pss_after);
    print_sums(t);
    puts("}");
}

int main(int argc, char **argv)
{
    struct options o;
    struct bench_voice voice;
    tgvoip_engine *engine;
    struct bench_side *sides;
    struct sums sums;
    unsigned all, threads;
    uint64_t pss_before, pss_after;
    double cpu_s;

    read_options(&o, argc, argv);
    all = o.before + o.sides;
    bench_voice_load(&voice, bench_option(argc, argv, "speech", "speech.flac"));
    if (o.setting.pcm == BENCH_PCM_FILE)
        write_raw(&o.setting, &voice);
    sides = calloc(all + 1, sizeof(*sides));
    if (!sides || tgvoip_engine_create(&engine, NULL, NULL) != 0)
        bench_die("no engine");
    if (o.before) {
        add_sides(sides, 0, o.before, &o, engine, &voice);
        bench_sleep_us(SETTLE_US);
    }
    pss_before = bench_pss_kb();
    add_sides(sides, o.before, all, &o, engine, &voice);
    bench_sleep_us((int64_t)o.seconds * 1000000);
    pss_after = bench_pss_kb();
    threads = bench_threads();
    cpu_s = bench_cpu_s();
    sums = add_up(sides, all);
    print(&o, engine, &sums, pss_before, pss_after, threads, cpu_s);
    for (unsigned i = 0; i < all; i++)
        tgvoip_call_stop(sides[i].call);
    if (o.record)
        write_record(sides, all, o.record);
    for (unsigned i = 0; i < all; i++)
        bench_side_destroy(&sides[i]);
    tgvoip_engine_destroy(engine);
    free(sides);
    bench_voice_free(&voice);
    return 0;
}
