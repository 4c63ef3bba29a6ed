/* SPDX-License-Identifier: MIT */
/*
 * Experiments with a running call: numbers that somebody sets by hand.
 * Source: behaviour notes 17.7
 */
#include "legacy/internal.h"

void tgv_call_debug_bitrate(struct tgv_call *c, unsigned bps)
{
    int max = (int)bps;

    c->config.audio_max_bitrate = max;
    c->config.audio_max_bitrate_edge = max;
    c->config.audio_max_bitrate_gprs = max;
    c->config.audio_max_bitrate_saving = max;
    tgv_rate_force(c, bps);
}

void tgv_call_debug_loss(struct tgv_call *c, unsigned percent)
{
    c->debug_loss = percent;
    tgv_debug_tick(c);
}

/* The rate control goes on and would put its own figure there. */
void tgv_debug_tick(struct tgv_call *c)
{
    if (c->debug_loss == TGV_DEBUG_LOSS_MEASURED ||
        c->rate.encoder.loss_percent == c->debug_loss)
        return;
    c->rate.encoder.loss_percent = c->debug_loss;
    tgv_capture_set_encoder(c->capture, &c->rate.encoder);
}
