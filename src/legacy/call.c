/* SPDX-License-Identifier: MIT */
/*
 * The life of a call.
 */
#include "legacy/call.h"

#include "legacy/internal.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define FRAME_MS_MIN 20
#define NETWORK_RETRY TGV_S(1)
#define NETWORK_TIMEOUT TGV_S(20)
#define INITIAL_DELAY TGV_MS(60) /* of play-out, before anything is measured */

static int check(const struct tgv_call_config *config)
{
    static const uint8_t zero[TGV_KEY_BYTES];

    if (!config->relays || config->relay_count < 1 ||
        config->relay_count > TGV_RELAYS_MAX)
        return TGVOIP_ERR_INVALID;
    if (config->max_layer < TGV_LAYER_MIN || config->max_layer > TGV_LAYER_MAX)
        return TGVOIP_ERR_INVALID;
    if (config->min_frame_ms != 0 && config->min_frame_ms != 20 &&
        config->min_frame_ms != 40 && config->min_frame_ms != TGV_FRAME_MS)
        return TGVOIP_ERR_INVALID;
    if (config->init_timeout <= 0 || config->receive_timeout <= 0)
        return TGVOIP_ERR_INVALID;
    if (!config->codec || !config->random.fill || config->complexity > 10)
        return TGVOIP_ERR_INVALID;
    if (memcmp(config->key, zero, sizeof(zero)) == 0)
        return TGVOIP_ERR_INVALID; /* ENG-05: never set */
    return 0;
}

static void copy_config(struct tgv_call *c,
                        const struct tgv_call_config *config)
{
    c->outgoing = config->outgoing;
    c->allow_p2p = config->allow_p2p && !config->proxy.host[0]; /* ENG-64 */
    c->allow_v1 = config->allow_v1;
    c->layer = config->max_layer;
    c->init_timeout = config->init_timeout;
    c->receive_timeout = config->receive_timeout;
    c->data_saving = config->data_saving;
    c->network_type = config->network_type;
    c->audio.muted = config->muted;
    c->codec = config->codec;
    c->random = config->random;
    c->log = config->log;
    if (config->server_config)
        c->config = *config->server_config;
    else
        tgv_server_config_init(&c->config);
    c->min_frame_ms =
        config->min_frame_ms ? config->min_frame_ms : FRAME_MS_MIN;
    tgv_effort_init(c, config->complexity);
    c->measures.complexity = config->complexity;
}

static int create_voice(struct tgv_call *c)
{
    struct tgv_capture_config capture = {.codec = c->codec,
                                         .encoder = c->rate.encoder,
                                         .frame_ms = TGV_FRAME_MS,
                                         .log = c->log};
    struct tgv_playout_config playout = {
        .codec = c->codec,
        .min_delay = INITIAL_DELAY,
        .max_delay = c->config.jitter_max_delay_60 * TGV_MS(TGV_FRAME_MS),
        .initial_delay = INITIAL_DELAY,
        .losses_to_reset = (unsigned)c->config.jitter_losses_to_reset,
        .log = c->log};
    int err = tgv_capture_create(&c->capture, &capture);

    if (err)
        return err;
    tgv_capture_set_mute(c->capture, c->audio.muted);
    return tgv_playout_create(&c->playout, &playout);
}

static void init_parts(struct tgv_call *c)
{
    c->state = TGV_STATE_WAIT_INIT;
    c->established = -1;
    tgv_choice_init(c);
    tgv_direct_init(c);
    c->debug_loss = TGV_DEBUG_LOSS_MEASURED;
    tgv_timers_init(c);
    tgv_window_init(&c->window);
    tgv_ack_init(&c->ack);
    tgv_extras_init(&c->extras);
    tgv_rtt_clear(&c->ack_rtt);
    tgv_loss_init(&c->measures.loss_in);
    tgv_loss_init(&c->measures.loss_out);
    tgv_rate_init(c);
}

/* A state that cannot be read is no reason not to call. */
static void load_state(struct tgv_call *c, const char *text)
{
    if (text)
        (void)tgv_persist_load(&c->persist, text, strlen(text), c->persist_why,
                               sizeof(c->persist_why));
}

int tgv_call_create(struct tgv_call **out, const struct tgv_call_config *config)
{
    struct tgv_call *c;
    int err;

    *out = NULL;
    err = check(config);
    if (err)
        return err;
    c = calloc(1, sizeof(*c));
    if (!c)
        return TGVOIP_ERR_NOMEM;
    copy_config(c, config);
    load_state(c, config->persistent_state);
    init_parts(c);
    err = tgv_proxy_init(c, &config->proxy);
    if (!err)
        err = tgv_paths_init(c, config->relays, config->relay_count);
    tgv_reach_init(c);
    if (!err)
        err = tgv_seal_create(&c->seal, config->key, config->outgoing);
    if (!err)
        err = create_voice(c);
    if (err) {
        tgv_call_destroy(c);
        return err;
    }
    *out = c;
    return 0;
}

void tgv_call_destroy(struct tgv_call *c)
{
    if (!c)
        return;
    tgv_playout_destroy(c->playout);
    tgv_capture_destroy(c->capture);
    tgv_paths_fini(c);
    tgv_proxy_fini(c);
    tgv_seal_destroy(c->seal);
    free(c);
}

bool tgv_call_live(const struct tgv_call *c)
{
    return c->started && !c->stopped && c->state != TGV_STATE_FAILED;
}

/* -- life ----------------------------------------------------------------------- */

/* NETWORK_CHANGED carries whether we save data. */
void tgv_call_tell_network(struct tgv_call *c, tgv_time now)
{
    uint8_t flags[4];
    size_t len;

    if (!tgv_state_talking(c))
        return; /* INIT says it */
    len = tgv_network_changed_encode(
        c->data_saving ? TGV_NETWORK_DATA_SAVING : 0, flags);
    if (c->hs.peer_version >= TGV_PV_EXTRAS)
        tgv_extras_set(&c->extras, TGV_EXTRA_NETWORK_CHANGED, flags, len,
                       false);
    else
        tgv_reliable_send(c, TGV_PKT_NETWORK_CHANGED, flags, len, NETWORK_RETRY,
                          NETWORK_TIMEOUT, now);
}

int tgv_call_start(struct tgv_call *c, tgv_time now)
{
    if (c->started || c->stopped)
        return TGVOIP_ERR_STATE;
    c->started = true;
    if (c->persist_why[0])
        tgv_log(c->log, TGV_LOG_WARNING, ROOM, now,
                "the persistent state is ignored: %s", c->persist_why);
    tgv_socket_open_udp(c);
    tgv_reach_start(c, now);
    return 0;
}

int tgv_call_connect(struct tgv_call *c, tgv_time now)
{
    if (!c->started || c->connected || c->stopped)
        return TGVOIP_ERR_STATE;
    c->connected = true;
    c->connect_time = now;
    if (tgv_call_live(c))
        tgv_handshake_connect(c, now);
    return 0;
}

void tgv_call_stop(struct tgv_call *c, tgv_time now)
{
    (void)now;
    if (c->stopped)
        return;
    c->stopped = true;
    c->event_count = 0;
    tgv_socket_close_all(c);
    tgv_timers_init(c);
    tgv_send_drop_all(c);
}

void tgv_call_set_network_type(struct tgv_call *c, int type, bool data_saving,
                               tgv_time now)
{
    bool told = c->data_saving == data_saving;

    tgv_stats_network(c, type);
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "network type %d, data saving %s",
            type, data_saving ? "on" : "off");
    c->network_type = type;
    c->data_saving = data_saving;
    tgv_rate_limits(c);
    if (!told && tgv_call_live(c))
        tgv_call_tell_network(c, now);
}
