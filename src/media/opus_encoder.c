/* SPDX-License-Identifier: MIT */
#include "media/opus_codec.h"

#include "base/time.h"

#include <stdlib.h>

#include <opus.h>

#include <tgvoip/error.h>

/* Up to this size a packet says "nothing new", when DTX is on: the TOC byte,
 * and the count byte of a packet of several frames. */
#define DTX_BYTES_MAX 2
/*
 * In-band redundancy of a packet of 40 or 60 ms restores all of the packet
 * before it only while that is one SILK frame. Above wide band libopus makes
 * it several hybrid frames, of which but the last is restored. When so many
 * packets are lost, that is worth more than the treble.
 */
#define FEC_LOSS_PERCENT 3
#define BITRATE_MIN 6000
#define BITRATE_MAX 510000

struct encoder {
    OpusEncoder *opus;
    struct tgv_encoder_settings applied;
    bool wide_band; /* at most */
};

static unsigned clamp(unsigned v, unsigned lo, unsigned hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static void apply_all(OpusEncoder *o, const struct tgv_encoder_settings *s)
{
    opus_encoder_ctl(o, OPUS_SET_BITRATE((opus_int32)s->bitrate_bps));
    opus_encoder_ctl(o, OPUS_SET_COMPLEXITY((opus_int32)s->complexity));
    opus_encoder_ctl(o, OPUS_SET_PACKET_LOSS_PERC((opus_int32)s->loss_percent));
    opus_encoder_ctl(o, OPUS_SET_INBAND_FEC(s->inband_fec ? 1 : 0));
    opus_encoder_ctl(o, OPUS_SET_DTX(s->dtx ? 1 : 0));
}

static void apply(struct encoder *e, const struct tgv_encoder_settings *wanted)
{
    struct tgv_encoder_settings s = *wanted;
    const struct tgv_encoder_settings *a = &e->applied;

    s.bitrate_bps = clamp(s.bitrate_bps, BITRATE_MIN, BITRATE_MAX);
    s.complexity = clamp(s.complexity, 0, 10);
    s.loss_percent = clamp(s.loss_percent, 0, 100);
    if (s.bitrate_bps == a->bitrate_bps && s.complexity == a->complexity &&
        s.loss_percent == a->loss_percent && s.inband_fec == a->inband_fec &&
        s.dtx == a->dtx)
        return;
    apply_all(e->opus, &s);
    e->applied = s;
}

static void limit_bandwidth(struct encoder *e, size_t samples)
{
    bool wide_band = e->applied.inband_fec &&
                     e->applied.loss_percent >= FEC_LOSS_PERCENT &&
                     samples > TGV_BLOCK_SAMPLES;

    if (wide_band == e->wide_band)
        return;
    opus_encoder_ctl(
        e->opus, OPUS_SET_MAX_BANDWIDTH(wide_band ? OPUS_BANDWIDTH_WIDEBAND
                                                  : OPUS_BANDWIDTH_FULLBAND));
    e->wide_band = wide_band;
}

void *tgv_opus_encoder_create(void)
{
    static const struct tgv_encoder_settings start = {
        .bitrate_bps = 16000, .complexity = 10, .loss_percent = 0};
    struct encoder *e = calloc(1, sizeof(*e));
    int err = 0;

    if (!e)
        return NULL;
    e->opus = opus_encoder_create(TGV_RATE_HZ, 1, OPUS_APPLICATION_VOIP, &err);
    if (!e->opus) {
        free(e);
        return NULL;
    }
    /* constrained VBR and automatic bandwidth (ENG-47) are the defaults */
    opus_encoder_ctl(e->opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    apply_all(e->opus, &start);
    e->applied = start;
    return e;
}

void tgv_opus_encoder_destroy(void *enc)
{
    struct encoder *e = enc;

    if (!e)
        return;
    opus_encoder_destroy(e->opus);
    free(e);
}

void tgv_opus_encoder_reset(void *enc)
{
    struct encoder *e = enc;

    opus_encoder_ctl(e->opus, OPUS_RESET_STATE);
}

int tgv_opus_encode(void *enc, const struct tgv_encoder_settings *settings,
                    const int16_t *pcm, size_t samples, uint8_t *out,
                    size_t cap)
{
    struct encoder *e = enc;
    opus_int32 n;

    if (samples != TGV_BLOCK_SAMPLES && samples != 2 * TGV_BLOCK_SAMPLES &&
        samples != 3 * TGV_BLOCK_SAMPLES)
        return TGVOIP_ERR_INVALID;
    if (cap > TGV_FRAME_BYTES_MAX)
        cap = TGV_FRAME_BYTES_MAX;
    apply(e, settings);
    limit_bandwidth(e, samples);
    n = opus_encode(e->opus, pcm, (int)samples, out, (opus_int32)cap);
    if (n <= 0 || (size_t)n > cap)
        return TGVOIP_ERR_INVALID;
    if (e->applied.dtx && n <= DTX_BYTES_MAX)
        return 0;
    return (int)n;
}
