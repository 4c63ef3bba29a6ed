/* SPDX-License-Identifier: MIT */
#include "support/marker_codec.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/*
 * Group: 0x4000 + group number, low 14 bits, high 14 bits, -(1 + check).
 * Frame: 0xA0 + blocks, FEC blocks (0 = none), numbers of both, 4 bytes each,
 * the frame's own first; padding.
 */
#define GROUPS (TGV_BLOCK_SAMPLES / TGV_MARKER_GROUP)
#define HEAD 0x4000
#define LOW14 0x3FFF
#define FRAME_MAGIC 0xA0
#define BLOCKS_MAX 3

struct encoder {
    uint32_t previous[BLOCKS_MAX];
    unsigned previous_count;
};

static int16_t check_of(unsigned group, uint32_t number)
{
    uint32_t h = (number * 240u + group) * 2654435761u;

    return (int16_t)(-1 - (int)(h >> 18));
}

void tgv_marker_write(int16_t *pcm, uint32_t number)
{
    for (unsigned g = 0; g < GROUPS; g++, pcm += TGV_MARKER_GROUP) {
        pcm[0] = (int16_t)(HEAD + g);
        pcm[1] = (int16_t)(number & LOW14);
        pcm[2] = (int16_t)(number >> 14 & LOW14);
        pcm[3] = check_of(g, number);
    }
}

bool tgv_marker_find(const int16_t *pcm, size_t samples, size_t from,
                     struct tgv_marker_spot *spot)
{
    for (size_t i = from; i + TGV_MARKER_GROUP <= samples; i++) {
        const int16_t *p = pcm + i;
        uint32_t number;
        unsigned group;

        if (p[0] < HEAD || p[0] >= HEAD + GROUPS || p[1] < 0 || p[1] > LOW14 ||
            p[2] < 0 || p[2] > LOW14)
            continue;
        number = (uint32_t)p[1] | (uint32_t)p[2] << 14;
        group = (unsigned)(p[0] - HEAD);
        if (p[3] != check_of(group, number))
            continue;
        spot->at = i;
        spot->number = number;
        spot->offset = group * TGV_MARKER_GROUP;
        return true;
    }
    return false;
}

uint32_t tgv_marker_read(const int16_t *pcm, size_t samples)
{
    struct tgv_marker_spot spot;

    return tgv_marker_find(pcm, samples, 0, &spot) ? spot.number
                                                   : TGV_MARKER_NONE;
}

static void put_number(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static uint32_t get_number(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void *encoder_create(void)
{
    return calloc(1, sizeof(struct encoder));
}

static void encoder_reset(void *enc)
{
    memset(enc, 0, sizeof(struct encoder));
}

static size_t frame_bytes(const struct tgv_encoder_settings *s, size_t samples,
                          size_t least, size_t cap)
{
    size_t wanted = (size_t)s->bitrate_bps * samples / (8 * TGV_RATE_HZ);

    if (wanted < least)
        wanted = least;
    return wanted < cap ? wanted : cap;
}

static int encode(void *enc, const struct tgv_encoder_settings *s,
                  const int16_t *pcm, size_t samples, uint8_t *out, size_t cap)
{
    struct encoder *e = enc;
    unsigned blocks = (unsigned)(samples / TGV_BLOCK_SAMPLES);
    unsigned fec = s->inband_fec ? e->previous_count : 0;
    size_t least = 2 + 4 * (size_t)(blocks + fec);
    size_t bytes;
    bool silent = true;

    if (samples % TGV_BLOCK_SAMPLES || !blocks || blocks > BLOCKS_MAX ||
        least > cap)
        return TGVOIP_ERR_INVALID;
    if (cap > TGV_FRAME_BYTES_MAX)
        cap = TGV_FRAME_BYTES_MAX;
    bytes = frame_bytes(s, samples, least, cap);
    memset(out, 0, bytes);
    out[0] = (uint8_t)(FRAME_MAGIC + blocks);
    out[1] = (uint8_t)fec;
    for (unsigned i = 0; i < fec; i++)
        put_number(out + 2 + 4 * (blocks + i), e->previous[i]);
    for (unsigned i = 0; i < blocks; i++) {
        e->previous[i] =
            tgv_marker_read(pcm + i * TGV_BLOCK_SAMPLES, 2 * TGV_MARKER_GROUP);
        silent = silent && e->previous[i] == TGV_MARKER_NONE;
        put_number(out + 2 + 4 * i, e->previous[i]);
    }
    e->previous_count = blocks;
    return s->dtx && silent ? 0 : (int)bytes;
}

/* A decoder needs no state, only an address of its own. */
static void *decoder_create(void)
{
    return calloc(1, 1);
}

static void decoder_reset(void *dec)
{
    (void)dec;
}

static bool frame_ok(const uint8_t *data, size_t len)
{
    unsigned blocks;

    if (!data || len < 6 || data[0] <= FRAME_MAGIC ||
        data[0] > FRAME_MAGIC + BLOCKS_MAX || data[1] > BLOCKS_MAX)
        return false;
    blocks = (unsigned)data[0] - FRAME_MAGIC;
    return len >= 2 + 4 * (size_t)(blocks + data[1]);
}

static int duration(const uint8_t *data, size_t len)
{
    if (!frame_ok(data, len))
        return TGVOIP_ERR_FORMAT;
    return (data[0] - FRAME_MAGIC) * TGV_BLOCK_SAMPLES;
}

static int fec_samples(const uint8_t *data, size_t len)
{
    return frame_ok(data, len) ? data[1] * TGV_BLOCK_SAMPLES : 0;
}

static void write_blocks(int16_t *pcm, const uint8_t *numbers, unsigned count)
{
    for (unsigned i = 0; i < count; i++, pcm += TGV_BLOCK_SAMPLES) {
        uint32_t number = get_number(numbers + 4 * i);

        if (number == TGV_MARKER_NONE)
            memset(pcm, 0, TGV_BLOCK_SAMPLES * sizeof(*pcm));
        else
            tgv_marker_write(pcm, number);
    }
}

static int decode(void *dec, const uint8_t *data, size_t len, bool fec,
                  int16_t *pcm, size_t samples)
{
    unsigned blocks;

    (void)dec;
    if (!data) {
        memset(pcm, 0, samples * sizeof(*pcm));
        return (int)samples;
    }
    if (!frame_ok(data, len))
        return TGVOIP_ERR_FORMAT;
    blocks = (unsigned)data[0] - FRAME_MAGIC;
    if (fec) {
        /* like Opus: what the redundancy does not reach is concealed */
        size_t covered = (size_t)data[1] * TGV_BLOCK_SAMPLES;

        if (covered > samples)
            covered = 0;
        memset(pcm, 0, (samples - covered) * sizeof(*pcm));
        if (covered)
            write_blocks(pcm + (samples - covered), data + 2 + 4 * blocks,
                         data[1]);
        return (int)samples;
    }
    if (samples != blocks * (size_t)TGV_BLOCK_SAMPLES)
        return TGVOIP_ERR_FORMAT;
    write_blocks(pcm, data + 2, blocks);
    return (int)samples;
}

static const struct tgv_codec marker = {
    .name = "marker",
    .encoder_create = encoder_create,
    .encoder_destroy = free,
    .encoder_reset = encoder_reset,
    .encode = encode,
    .decoder_create = decoder_create,
    .decoder_destroy = free,
    .decoder_reset = decoder_reset,
    .decode = decode,
    .duration = duration,
    .fec_samples = fec_samples,
};

const struct tgv_codec *tgv_codec_marker(void)
{
    return &marker;
}
