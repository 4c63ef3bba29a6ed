/* SPDX-License-Identifier: MIT */
/*
 * How long it takes until two of ours talk, in real time over a relay in
 * another process, which also makes the delay.
 *
 *   call_setup --relay PORT --speech FILE [--runs N] [--skew MS] [--seed N]
 *
 * Time 0 is the later connect(); caller and callee take turns in being later,
 * by `skew`. Prints one JSON object: for each run [ms] until both are
 * ESTABLISHED, and until both hear the first sample that is not made up.
 */
#include "support/say.h"
#include "support/side.h"

#include <math.h>
#include <string.h>

#define PATIENCE_US 10000000
#define LOOK_US 5000

struct run {
    double established_ms, heard_ms;
};

static bool done(const struct bench_side *sides)
{
    for (int i = 0; i < 2; i++) {
        struct tgvoip_call_stats s = bench_side_stats(&sides[i]);
        if (s.established_us < 0 || s.first_audio_us < 0)
            return false;
    }
    return true;
}

static struct run measure(tgvoip_engine *engine, const struct bench_voice *v,
                          struct bench_setting *setting, unsigned later,
                          unsigned skew_ms)
{
    struct bench_side sides[2];
    int64_t connected[2];
    struct run r = {0};
    int64_t waited = 0;

    for (unsigned i = 0; i < 2; i++)
        bench_side_create(&sides[i], engine, i, setting, v);
    connected[1 - later] = bench_now_us();
    bench_side_connect(&sides[1 - later]);
    if (skew_ms)
        bench_sleep_us((int64_t)skew_ms * 1000);
    connected[later] = bench_now_us();
    bench_side_connect(&sides[later]);
    for (; !done(sides) && waited < PATIENCE_US; waited += LOOK_US)
        bench_sleep_us(LOOK_US);
    if (!done(sides))
        bench_die("no sound after %d s", PATIENCE_US / 1000000);
    for (int i = 0; i < 2; i++) {
        struct tgvoip_call_stats s = bench_side_stats(&sides[i]);
        double earlier = (double)(connected[later] - connected[i]);
        r.established_ms =
            fmax(r.established_ms, ((double)s.established_us - earlier) / 1000);
        r.heard_ms =
            fmax(r.heard_ms, ((double)s.first_audio_us - earlier) / 1000);
    }
    for (int i = 0; i < 2; i++)
        bench_side_destroy(&sides[i]);
    return r;
}

int main(int argc, char **argv)
{
    struct bench_voice voice;
    struct bench_setting setting = {
        .relay_ip = "127.0.0.1",
        .relay_port = (uint16_t)bench_number(argc, argv, "relay", 0),
        .complexity = 10,
        .seed = bench_number(argc, argv, "seed", 1)};
    unsigned runs = bench_number(argc, argv, "runs", 5);
    unsigned skew_ms = bench_number(argc, argv, "skew", 0);
    tgvoip_engine *engine;

    bench_voice_load(&voice, bench_option(argc, argv, "speech", "speech.flac"));
    if (tgvoip_engine_create(&engine, NULL, NULL) != 0)
        bench_die("no engine");
    printf("{\"skew_ms\":%u,\"runs\":[", skew_ms);
    for (unsigned i = 0; i < runs; i++) {
        struct run r = measure(engine, &voice, &setting, i % 2, skew_ms);
        printf("%s{\"established_ms\":%.1f,\"heard_ms\":%.1f}", i ? "," : "",
               r.established_ms, r.heard_ms);
        setting.seed += 1000;
    }
    puts("]}");
    tgvoip_engine_destroy(engine);
    bench_voice_free(&voice);
    return 0;
}
