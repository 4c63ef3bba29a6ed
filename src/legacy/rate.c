/* SPDX-License-Identifier: MIT */
/*
 * How the encoder is driven: bitrate, expected loss, in-band FEC. A simple
 * rule: climb while nothing is lost and no queue grows, step down when one of
 * both does. Everything that knows the rule is in this file.
 * Source: behaviour notes 8.1, 8.4 (compatibility minimum); ENG-32; our choice
 */
#include "legacy/internal.h"

#include <math.h>

#define NET_GPRS 1
#define NET_EDGE 2
#define STEP_INTERVAL TGV_S(1)
#define LOSS_LOW 0.02
#define LOSS_HIGH 0.10
#define LOSS_PERCENT_MAX 25u
#define QUEUE_GROWS TGV_MS(300) /* RTT above its minimum: send less */
#define QUEUE_SMALL TGV_MS(120) /* below: may send more */
#define SMOOTHING 0.1 /* weight of a new loss value, every 0.1 s */

struct limits {
    unsigned initial, max;
};

static struct limits limits_of(const struct tgv_call *c)
{
    const struct tgv_server_config *s = &c->config;
    int initial = s->audio_init_bitrate, max = s->audio_max_bitrate;

    if (c->data_saving || c->hs.peer_saves_data) {
        initial = s->audio_init_bitrate_saving;
        max = s->audio_max_bitrate_saving;
    } else if (c->network_type == NET_GPRS) {
        initial = s->audio_init_bitrate_gprs;
        max = s->audio_max_bitrate_gprs;
    } else if (c->network_type == NET_EDGE) {
        initial = s->audio_init_bitrate_edge;
        max = s->audio_max_bitrate_edge;
    }
    return (struct limits){(unsigned)initial, (unsigned)max};
}

void tgv_rate_init(struct tgv_call *c)
{
    struct limits l = limits_of(c);

    c->rate.encoder.bitrate_bps = l.initial < l.max ? l.initial : l.max;
    c->rate.encoder.loss_percent = 1;
    c->rate.encoder.inband_fec = true;
    c->rate.encoder.dtx = false;
}

static void apply(struct tgv_call *c, const struct tgv_encoder_settings *now)
{
    c->rate.encoder = *now;
    tgv_capture_set_encoder(c->capture, now);
}

void tgv_rate_limits(struct tgv_call *c)
{
    struct limits l = limits_of(c);
    struct tgv_encoder_settings e = c->rate.encoder;

    if (e.bitrate_bps > l.max) {
        e.bitrate_bps = l.max;
        apply(c, &e);
    }
}

static unsigned stepped(const struct tgv_call *c, unsigned bitrate)
{
    const struct tgv_server_config *s = &c->config;
    struct limits l = limits_of(c);
    tgv_time queue = tgv_rtt_smoothed(&c->ack_rtt) - tgv_rtt_min(&c->ack_rtt);
    unsigned up = (unsigned)s->audio_bitrate_step_incr;
    unsigned down = (unsigned)s->audio_bitrate_step_decr;
    unsigned min = (unsigned)s->audio_min_bitrate;

    if (min > l.max)
        min = l.max;
    if (c->rate.loss > LOSS_HIGH || queue > QUEUE_GROWS)
        return bitrate > min + down ? bitrate - down : min;
    if (c->rate.loss < LOSS_LOW && queue < QUEUE_SMALL)
        return bitrate + up < l.max ? bitrate + up : l.max;
    return bitrate;
}

void tgv_rate_run(struct tgv_call *c, tgv_time now)
{
    struct tgv_encoder_settings e = c->rate.encoder;
    double loss = tgv_loss_ratio(&c->measures.loss_out, now);

    c->rate.loss += (loss - c->rate.loss) * SMOOTHING;
    if (now < c->rate.next_step || c->state != TGV_STATE_ESTABLISHED)
        return;
    c->rate.next_step = now + STEP_INTERVAL;
    if (loss > c->config.rate_min_send_loss)
        c->measures.rate_always = true;
    e.bitrate_bps = stepped(c, e.bitrate_bps);
    e.loss_percent = (unsigned)ceil(100.0 * c->rate.loss);
    if (e.loss_percent < 1)
        e.loss_percent = 1;
    if (e.loss_percent > LOSS_PERCENT_MAX)
        e.loss_percent = LOSS_PERCENT_MAX;
    if (e.bitrate_bps != c->rate.encoder.bitrate_bps ||
        e.loss_percent != c->rate.encoder.loss_percent)
        apply(c, &e);
}
