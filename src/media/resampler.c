/* SPDX-License-Identifier: MIT */
#include "media/resampler.h"

#include <stdbool.h>
#include <stdlib.h>

#include <speex/speex_resampler.h>

#include <tgvoip/error.h>

/* speexdsp counts in 32 bits; far below its limit so that nothing wraps */
#define RUN_MAX ((size_t)1 << 20)

struct tgv_resampler {
    SpeexResamplerState *state;
};

static bool rate_ok(unsigned hz)
{
    return hz >= TGV_RESAMPLER_HZ_MIN && hz <= TGV_RESAMPLER_HZ_MAX;
}

int tgv_resampler_create(struct tgv_resampler **out, unsigned from_hz,
                         unsigned to_hz, int quality)
{
    struct tgv_resampler *r;
    int err = 0;

    *out = NULL;
    if (!rate_ok(from_hz) || !rate_ok(to_hz) || quality < 0 || quality > 10)
        return TGVOIP_ERR_INVALID;
    r = calloc(1, sizeof(*r));
    if (!r)
        return TGVOIP_ERR_NOMEM;
    r->state = speex_resampler_init(1, from_hz, to_hz, quality, &err);
    if (!r->state) {
        free(r);
        return TGVOIP_ERR_NOMEM;
    }
    speex_resampler_skip_zeros(r->state);
    *out = r;
    return 0;
}

void tgv_resampler_destroy(struct tgv_resampler *r)
{
    if (!r)
        return;
    speex_resampler_destroy(r->state);
    free(r);
}

int tgv_resampler_run(struct tgv_resampler *r, const int16_t *in,
                      size_t *in_len, int16_t *out, size_t *out_len)
{
    size_t used = 0;
    size_t made = 0;

    while (used < *in_len && made < *out_len) {
        size_t in_left = *in_len - used;
        size_t out_left = *out_len - made;
        spx_uint32_t n = (spx_uint32_t)(in_left < RUN_MAX ? in_left : RUN_MAX);
        spx_uint32_t m =
            (spx_uint32_t)(out_left < RUN_MAX ? out_left : RUN_MAX);

        if (speex_resampler_process_int(r->state, 0, in ? in + used : NULL, &n,
                                        out + made,
                                        &m) != RESAMPLER_ERR_SUCCESS)
            return TGVOIP_ERR_INVALID;
        if (!n && !m)
            break;
        used += n;
        made += m;
    }
    *in_len = used;
    *out_len = made;
    return 0;
}

size_t tgv_resampler_latency(const struct tgv_resampler *r)
{
    return (size_t)speex_resampler_get_input_latency(r->state);
}
