/* SPDX-License-Identifier: MIT */
/*
 * Jitter buffer and play-out with arbitrary frames, in virtual time.
 * Input: u8 mode (bit 0: real Opus, else the marker codec), then operations:
 *   0  play up to 16 blocks        1  let time pass
 *   2  new bounds of the delay     3  enable or disable
 *   4+ a frame: time step, length, bytes, redundant copies
 * Invariants: a block is always written and described; counters only grow and
 * agree; nothing outside the stream time that was put is called voice.
 */
#include "fuzz.h"

#include "support/marker_codec.h"
#include "voice/playout.h"

#include <math.h>
#include <string.h>

#define BLOCKS_MAX 3000

struct run {
    struct tgv_playout *p;
    tgv_time now;
    int64_t ts, min_ts, max_ts;
    uint64_t puts;
    unsigned blocks;
    struct tgv_playout_stats before;
};

static void check_stats(struct run *r)
{
    struct tgv_playout_stats s;

    tgv_playout_stats(r->p, &s);
    FUZZ_CHECK(s.frames_received <= r->puts);
    FUZZ_CHECK(s.frames_played >= r->before.frames_played &&
               s.frames_recovered >= r->before.frames_recovered &&
               s.frames_concealed >= r->before.frames_concealed &&
               s.frames_late >= r->before.frames_late);
    FUZZ_CHECK(s.frames_played <= s.frames_received);
    FUZZ_CHECK(isfinite(s.jitter_ms) && isfinite(s.delay_ms) &&
               isfinite(s.target_delay_ms));
    FUZZ_CHECK(s.level >= 0.0 && s.level <= 1.0);
    r->before = s;
}

static void play(struct run *r, unsigned blocks)
{
    int16_t pcm[TGV_BLOCK_SAMPLES + 1];
    struct tgv_played played;

    for (unsigned i = 0; i < blocks && r->blocks < BLOCKS_MAX; i++) {
        r->blocks++;
        r->now += TGV_BLOCK_US;
        pcm[TGV_BLOCK_SAMPLES] = 12345;
        memset(&played, 0xAA, sizeof played);
        tgv_playout_get(r->p, pcm, r->now, &played);
        FUZZ_CHECK(pcm[TGV_BLOCK_SAMPLES] == 12345);
        FUZZ_CHECK(played.kind <= TGV_PLAYED_CONCEALED);
        if (played.kind == TGV_PLAYED_SILENCE)
            continue;
        FUZZ_CHECK(played.span <= 4 * TGV_BLOCK_SAMPLES);
        if (played.kind == TGV_PLAYED_VOICE)
            FUZZ_CHECK(played.ts >= r->min_ts &&
                       played.ts <= r->max_ts + TGV_FRAME_SAMPLES_MAX);
    }
}

static int64_t step_of(unsigned code, uint32_t extra)
{
    switch (code & 7) {
    case 0:
        return 2880;
    case 1:
        return 960;
    case 2:
        return -960;
    case 3:
        return 0;
    case 4:
        return (int64_t)(extra & 0xFFFF) - 0x8000;
    case 5:
        return ((int64_t)(extra & 0xFFFF) - 0x8000) * 960;
    case 6:
        return (int64_t)extra << 20;
    default:
        return -((int64_t)extra << 20);
    }
}

static void note_ts(struct run *r, int64_t ts)
{
    if (ts < r->min_ts)
        r->min_ts = ts;
    if (ts > r->max_ts)
        r->max_ts = ts;
}

static void put(struct run *r, unsigned code, struct fuzz_input *in)
{
    struct tgv_voice_frame f = {.redundancy_count = code >> 5 & 3};
    uint32_t extra = (code & 7) >= 4 ? fuzz_u32(in) : 0;

    r->ts += step_of(code, extra);
    if (r->ts > INT64_MAX / 4 || r->ts < INT64_MIN / 4)
        r->ts = 0;
    f.primary.ts = r->ts;
    f.primary.data = fuzz_bytes(in, fuzz_u8(in), &f.primary.len);
    if (code & 8)
        f.primary.duration = 960 * (1 + (code >> 5 & 3));
    note_ts(r, r->ts);
    for (unsigned i = 0; i < f.redundancy_count; i++) {
        struct tgv_voice_block *b = &f.redundancy[i];
        b->ts = r->ts - 2880 * (int64_t)(f.redundancy_count - i);
        b->data = fuzz_bytes(in, fuzz_u8(in) & 63, &b->len);
        note_ts(r, b->ts);
    }
    r->puts++;
    tgv_playout_put(r->p, &f, r->now);
}

static void operate(struct run *r, unsigned op, struct fuzz_input *in)
{
    unsigned a;

    switch (op & 31) {
    case 0:
        play(r, 1 + (op >> 5 & 15) * 2);
        break;
    case 1:
        r->now += TGV_MS(fuzz_u8(in)) * (op & 128 ? 100 : 1);
        break;
    case 2:
        a = fuzz_u8(in);
        tgv_playout_set_delay(r->p, TGV_MS(a), TGV_MS(a + 10 * fuzz_u8(in)));
        break;
    case 3:
        tgv_playout_set_enabled(r->p, op & 32);
        break;
    default:
        put(r, op, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    unsigned mode = fuzz_u8(&in);
    struct tgv_playout_config config = {.codec = mode & 1 ? tgv_codec_opus()
                                                          : tgv_codec_marker(),
                                        .min_delay = TGV_MS(40),
                                        .max_delay = TGV_MS(600),
                                        .initial_delay = TGV_MS(60),
                                        .losses_to_reset = 20};
    struct run r = {
        .now = TGV_S(5), .ts = 48000, .min_ts = INT64_MAX, .max_ts = INT64_MIN};

    if (size > 8192)
        return 0;
    if (tgv_playout_create(&r.p, &config))
        abort();
    while (in.len > 0) {
        operate(&r, fuzz_u8(&in), &in);
        check_stats(&r);
    }
    play(&r, 50);
    check_stats(&r);
    tgv_playout_destroy(r.p);
    return 0;
}
