/* SPDX-License-Identifier: MIT */
/*
 * Ends of calls that cost next to nothing: what they say was encoded before,
 * what they hear is not decoded. For measuring what the other ends cost.
 *
 *   prepared_ends < LINES
 *
 * A line `caller|callee KEYHEX PORT TAGHEX` is an end on the relay at that port
 * of 127.0.0.1. When the lines end, the calls do, and one JSON line tells what
 * came of them.
 */
#include "legacy/call.h"
#include "media/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/tgvoip.h>

#define ENDS_MAX 512
#define FRAMES 50 /* three seconds, said over and over */
#define FRAME_SAMPLES 2880
#define BITRATE_BPS 16000

static struct {
    uint8_t bytes[FRAMES][256];
    int len[FRAMES];
} prepared; /* written once, before the first call */

struct speaker {
    unsigned next;
};

static void prepare(void)
{
    struct tgv_encoder_settings settings = {
        .bitrate_bps = BITRATE_BPS, .complexity = 3, .loss_percent = 1};
    const struct tgv_codec *opus = tgv_codec_opus();
    void *encoder = opus->encoder_create();
    int16_t pcm[FRAME_SAMPLES];

    for (int i = 0; i < FRAMES; i++) {
        for (int k = 0; k < FRAME_SAMPLES; k++) /* a buzz of 150 Hz */
            pcm[k] = (int16_t)((k % 320) * 40 - 6400);
        prepared.len[i] =
            opus->encode(encoder, &settings, pcm, FRAME_SAMPLES,
                         prepared.bytes[i], sizeof(prepared.bytes[i]));
    }
    opus->encoder_destroy(encoder);
}

static void *speaker_create(void)
{
    return calloc(1, sizeof(struct speaker));
}

static void speaker_reset(void *enc)
{
    (void)enc;
}

static int say(void *enc, const struct tgv_encoder_settings *settings,
               const int16_t *pcm, size_t samples, uint8_t *out, size_t cap)
{
    unsigned i = ((struct speaker *)enc)->next++ % FRAMES;

    (void)settings;
    (void)pcm;
    if (samples != FRAME_SAMPLES || (size_t)prepared.len[i] > cap)
        return -1;
    memcpy(out, prepared.bytes[i], (size_t)prepared.len[i]);
    return prepared.len[i];
}

static int ignore(void *dec, const uint8_t *data, size_t len, bool fec,
                  int16_t *pcm, size_t samples)
{
    (void)dec;
    (void)data;
    (void)len;
    (void)fec;
    memset(pcm, 0, samples * sizeof(*pcm));
    return (int)samples;
}

static const struct tgv_codec *codec(void)
{
    static struct tgv_codec c;

    c = *tgv_codec_opus();
    c.name = "prepared";
    c.encoder_create = speaker_create;
    c.encoder_destroy = free;
    c.encoder_reset = speaker_reset;
    c.encode = say;
    c.decoder_create = speaker_create;
    c.decoder_destroy = free;
    c.decoder_reset = speaker_reset;
    c.decode = ignore;
    return &c;
}

/* The public interface has Opus only; the linker puts this in its way. */
int __real_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config);
int __wrap_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config);

int __wrap_tgv_call_create(struct tgv_call **out,
                           const struct tgv_call_config *config)
{
    struct tgv_call_config c = *config;

    c.codec = codec();
    return __real_tgv_call_create(out, &c);
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "prepared_ends: %s: %s\n", what, why);
    exit(1);
}

static void from_hex(const char *hex, uint8_t *out, size_t len)
{
    unsigned byte;

    if (strlen(hex) != 2 * len)
        die(hex, "wrong length");
    for (size_t i = 0; i < len; i++) {
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            die(hex, "not hexadecimal");
        out[i] = (uint8_t)byte;
    }
}

static tgvoip_call *begin(tgvoip_engine *engine, const char *line)
{
    char role[8], key_hex[520], tag_hex[40];
    struct tgvoip_call_config config;
    struct tgvoip_endpoint relay;
    struct tgvoip_failure failure = {0};
    uint8_t key[TGVOIP_KEY_BYTES];
    tgvoip_call *call;
    unsigned port;

    if (sscanf(line, "%7s %519s %u %39s", role, key_hex, &port, tag_hex) != 4)
        die(line, "not understood");
    from_hex(key_hex, key, sizeof(key));
    tgvoip_endpoint_default(&relay);
    relay.id = 1;
    relay.ipv4 = "127.0.0.1";
    relay.port = (uint16_t)port;
    from_hex(tag_hex, relay.tag, sizeof(relay.tag));
    tgvoip_call_config_default(&config);
    config.outgoing = strcmp(role, "caller") == 0;
    config.key = key;
    config.key_len = sizeof(key);
    config.endpoints = &relay;
    config.endpoint_count = 1;
    config.min_frame_ms = 60;
    if (tgvoip_call_create(engine, &call, &config, &failure) != 0)
        die(failure.what, failure.why);
    if (tgvoip_call_start(call) != 0 || tgvoip_call_connect(call) != 0)
        die(role, "does not start");
    return call;
}

int main(void)
{
    static tgvoip_call *calls[ENDS_MAX];
    struct tgvoip_call_stats s;
    unsigned count = 0, established = 0;
    uint64_t heard = 0;
    tgvoip_engine *engine;
    char line[1024];

    prepare();
    if (tgvoip_engine_create(&engine, NULL, NULL) != 0)
        die("engine", "cannot be created");
    while (count < ENDS_MAX && fgets(line, sizeof(line), stdin))
        calls[count++] = begin(engine, line);
    for (unsigned i = 0; i < count; i++) {
        tgvoip_call_stats_default(&s);
        (void)tgvoip_call_get_stats(calls[i], &s);
        established += s.state == TGVOIP_STATE_ESTABLISHED;
        heard += s.packets_in;
        tgvoip_call_destroy(calls[i]);
    }
    tgvoip_engine_destroy(engine);
    printf("{\"ends\":%u,\"established\":%u,\"packets_in\":%llu}\n", count,
           established, (unsigned long long)heard);
    return 0;
}
