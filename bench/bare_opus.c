/* SPDX-License-Identifier: MIT */
/*
 * The measure of all things: what libopus alone costs for a call. Does again
 * what a recording (support/record.h) says, and nothing else.
 *
 *   bare_opus --speech FILE --record FILE
 *
 * Prints one JSON object; cpu_s is the processor time of the replay. Under
 * callgrind: --toggle-collect=bare_replay. Fails if a frame comes out with
 * another length than in the call.
 */
#include "support/record.h"
#include "support/say.h"

#include <stdlib.h>
#include <string.h>

#include <opus.h>

#define FRAME_BYTES 1024
#define FRAME_SAMPLES 2880

struct bare {
    const struct bench_voice *voice;
    OpusEncoder *encoder;
    OpusDecoder *decoder;
    uint64_t encoded, decoded, differences;
    int16_t pcm[FRAME_SAMPLES];
    uint8_t packet[FRAME_BYTES];
};

struct event {
    uint8_t op;
    int32_t a, b;
    uint32_t len;
    const uint8_t *data;
};

static const uint8_t *read_event(struct event *e, const uint8_t *p)
{
    e->op = p[0];
    memcpy(&e->a, p + 1, 4);
    memcpy(&e->b, p + 5, 4);
    memcpy(&e->len, p + 9, 4);
    e->data = p + BENCH_EVENT_BYTES;
    return e->data + e->len;
}

static void create(struct bare *b, const struct event *e)
{
    int err = 0;

    if (e->op == BENCH_CREATE_ENC)
        b->encoder = opus_encoder_create(e->a, 1, e->b, &err);
    else
        b->decoder = opus_decoder_create(e->a, e->b, &err);
    if (err)
        bench_die("libopus: %s", opus_strerror(err));
}

static void encode(struct bare *b, const struct event *e, const int16_t *pcm)
{
    opus_int32 n =
        opus_encode(b->encoder, pcm, e->a, b->packet, sizeof(b->packet));

    b->encoded++;
    b->differences += n != e->b;
}

static void act(struct bare *b, const struct event *e)
{
    uint64_t at;

    switch (e->op) {
    case BENCH_ENC_CTL:
        opus_encoder_ctl(b->encoder, e->a, e->b);
        break;
    case BENCH_DEC_CTL:
        opus_decoder_ctl(b->decoder, e->a, e->b);
        break;
    case BENCH_ENCODE_AT:
        memcpy(&at, e->data, sizeof(at));
        encode(b, e, bench_voice_at(b->voice, at));
        break;
    case BENCH_ENCODE_PCM:
        memcpy(b->pcm, e->data, e->len);
        encode(b, e, b->pcm);
        break;
    case BENCH_DECODE:
        b->differences +=
            opus_decode(b->decoder, e->len ? e->data : NULL, (opus_int32)e->len,
                        b->pcm, e->a, e->b) != e->a;
        b->decoded++;
        break;
    default:
        bench_die("the recording is damaged");
    }
}

void bare_replay(struct bare *b, const uint8_t *p, const uint8_t *end);

/* Not static: callgrind finds it by its name. */
__attribute__((noinline)) void bare_replay(struct bare *b, const uint8_t *p,
                                           const uint8_t *end)
{
    struct event e;

    while (p < end) {
        p = read_event(&e, p);
        act(b, &e);
    }
}

/* Codecs are made before the clock runs: their creation comes first. */
static const uint8_t *start(struct bare *b, const uint8_t *p,
                            const uint8_t *end)
{
    struct event e;

    while (p < end && (!b->encoder || !b->decoder)) {
        const uint8_t *next = read_event(&e, p);
        if (e.op == BENCH_CREATE_ENC || e.op == BENCH_CREATE_DEC)
            create(b, &e);
        else if (e.op == BENCH_ENC_CTL && b->encoder)
            opus_encoder_ctl(b->encoder, e.a, e.b);
        p = next;
    }
    return p;
}

static uint8_t *load(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;
    long n;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) <= 0)
        bench_die("%s: cannot be read", path);
    rewind(f);
    bytes = malloc((size_t)n);
    if (!bytes || fread(bytes, 1, (size_t)n, f) != (size_t)n)
        bench_die("%s: cannot be read", path);
    fclose(f);
    *len = (size_t)n;
    return bytes;
}

/* One side. @return the next one in the file */
static const uint8_t *replay_side(struct bare *b, const uint8_t *p,
                                  double *cpu_s)
{
    uint32_t len;
    const uint8_t *end;
    double before;

    memcpy(&len, p, sizeof(len));
    p += sizeof(len);
    end = p + len;
    b->encoder = NULL;
    b->decoder = NULL;
    p = start(b, p, end);
    before = bench_cpu_s();
    bare_replay(b, p, end);
    *cpu_s += bench_cpu_s() - before;
    opus_encoder_destroy(b->encoder);
    opus_decoder_destroy(b->decoder);
    return end;
}

int main(int argc, char **argv)
{
    struct bench_voice voice;
    static struct bare b;
    size_t len;
    unsigned sides = 0;
    double cpu_s = 0.0;
    const char *path = bench_option(argc, argv, "record", "");

    bench_voice_load(&voice, bench_option(argc, argv, "speech", "speech.flac"));
    uint8_t *bytes = load(path, &len);
    b.voice = &voice;
    for (const uint8_t *p = bytes; p < bytes + len; sides++)
        p = replay_side(&b, p, &cpu_s);
    printf("{\"sides\":%u,\"cpu_s\":%.6f,\"encoded\":%llu,\"decoded\":%llu,"
           "\"differences\":%llu,\"opus\":\"%s\"}\n",
           sides, cpu_s, (unsigned long long)b.encoded,
           (unsigned long long)b.decoded, (unsigned long long)b.differences,
           opus_get_version_string());
    free(bytes);
    bench_voice_free(&voice);
    return b.differences ? 1 : 0;
}
