/* SPDX-License-Identifier: MIT */
#include "support/side.h"

#include "support/say.h"

#include "base/random.h"
#include "base/time.h"
#include "legacy/call.h"
#include "wire/packet.h"

#include <stdio.h>
#include <string.h>

/* A frame of 60 ms and what comes with it, generously. */
#define RECORDED_PER_S ((size_t)1000 * 20)
#define RECORDED_ONCE ((size_t)200000)
#define FRAME_MS 60
#define START_APART 28800 /* samples between what two sides say */

static const struct bench_setting *creating;

int __real_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config);
int __wrap_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config);

int __wrap_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config)
{
    struct tgv_call_config c = *config;

    if (creating && creating->codec)
        c.codec = creating->codec;
    return __real_tgv_call_create(out, &c);
}

size_t __real_tgv_tgvx_encode(uint8_t version, uint8_t min_frame_ms,
                              uint8_t out[6]);
size_t __wrap_tgv_tgvx_encode(uint8_t version, uint8_t min_frame_ms,
                              uint8_t out[6]);

/* What a peer hears is that we take no shorter frames. */
size_t __wrap_tgv_tgvx_encode(uint8_t version, uint8_t min_frame_ms,
                              uint8_t out[6])
{
    (void)min_frame_ms;
    return __real_tgv_tgvx_encode(version, FRAME_MS, out);
}

static bool say(tgvoip_call *call, void *user, int16_t *pcm, size_t samples)
{
    struct bench_side *s = user;

    (void)call;
    memcpy(pcm, bench_voice_at(s->voice, s->said), samples * sizeof(*pcm));
    s->said += samples;
    return true;
}

static void hear(tgvoip_call *call, void *user, const int16_t *pcm,
                 size_t samples)
{
    struct bench_side *s = user;

    (void)call;
    s->heard++;
    s->loud += pcm[0] != 0 || pcm[samples - 1] != 0;
}

static void fill_secrets(unsigned index, uint64_t seed, uint8_t *key,
                         uint8_t *tag)
{
    struct tgv_prng g;

    tgv_prng_init(&g, seed + index / 2); /* the same for both ends */
    for (unsigned i = 0; i < 256; i++)
        key[i] = (uint8_t)tgv_prng_below(&g, 256);
    for (unsigned i = 0; i < TGVOIP_TAG_BYTES; i++)
        tag[i] = (uint8_t)tgv_prng_below(&g, 256);
    tag[15] = (uint8_t)((tag[15] & 0xfe) | (index & 1));
}

static void use_files(struct bench_side *s, unsigned index,
                      const struct bench_setting *setting)
{
    struct tgvoip_failure failure = {0};
    char path[512];

    snprintf(path, sizeof(path), "%s/side-%u.raw", setting->out_folder, index);
    if (tgvoip_call_play_on_hold(s->call, setting->in, &failure) != 0 ||
        tgvoip_call_record(s->call, path, &failure) != 0)
        bench_die("%s: %s", failure.what, failure.why);
}

void bench_side_create(struct bench_side *s, tgvoip_engine *engine,
                       unsigned index, const struct bench_setting *setting,
                       const struct bench_voice *voice)
{
    struct tgvoip_call_config config;
    struct tgvoip_endpoint relay;
    struct tgvoip_failure failure = {0};
    uint8_t key[256];

    memset(s, 0, sizeof(*s));
    s->voice = voice;
    s->said = (uint64_t)index * START_APART;
    tgvoip_endpoint_default(&relay);
    relay.id = 1;
    relay.ipv4 = setting->relay_ip;
    relay.port = setting->relay_port;
    fill_secrets(index, setting->seed, key, relay.tag);
    tgvoip_call_config_default(&config);
    config.outgoing = index % 2 == 0;
    config.key = key;
    config.key_len = sizeof(key);
    config.endpoints = &relay;
    config.endpoint_count = 1;
    config.complexity = setting->complexity;
    config.min_frame_ms = 60; /* what the bars are stated for */
    config.network_type = TGVOIP_NET_ETHERNET;
    config.user = s;
    if (setting->pcm == BENCH_PCM_CALLBACK) {
        config.callbacks.audio_out = say;
        config.callbacks.audio_in = hear;
    }
    s->recorded = setting->record_seconds > 0;
    if (s->recorded)
        bench_recording_init(&s->recording,
                             RECORDED_ONCE +
                                 RECORDED_PER_S * setting->record_seconds,
                             voice, &s->said);
    creating = setting;
    bench_record_into(s->recorded ? &s->recording : NULL);
    if (tgvoip_call_create(engine, &s->call, &config, &failure) != 0)
        bench_die("%s: %s", failure.what, failure.why);
    bench_record_into(NULL);
    creating = NULL;
    if (setting->pcm == BENCH_PCM_FILE)
        use_files(s, index, setting);
}

void bench_side_connect(struct bench_side *s)
{
    if (tgvoip_call_start(s->call) != 0 || tgvoip_call_connect(s->call) != 0)
        bench_die("a call does not start");
}

void bench_side_destroy(struct bench_side *s)
{
    tgvoip_call_destroy(s->call);
    if (s->recorded)
        bench_recording_free(&s->recording);
    memset(s, 0, sizeof(*s));
}

struct tgvoip_call_stats bench_side_stats(const struct bench_side *s)
{
    struct tgvoip_call_stats stats;

    tgvoip_call_stats_default(&stats);
    (void)tgvoip_call_get_stats(s->call, &stats);
    return stats;
}
