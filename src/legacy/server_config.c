/* SPDX-License-Identifier: MIT */
#include "legacy/server_config.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

#include <tgvoip/error.h>

enum value_type { VALUE_INT, VALUE_U32, VALUE_REAL, VALUE_BOOL };

struct key {
    const char *name;
    enum value_type type;
    size_t offset;
    double initial, min, max;
};

#define AT(field) offsetof(struct tgv_server_config, field)
#define INT(field, initial, min, max)                                          \
    {                                                                          \
#field, VALUE_INT, AT(field), initial, min, max                        \
    }
#define REAL(field, initial, min, max)                                         \
    {                                                                          \
#field, VALUE_REAL, AT(field), initial, min, max                       \
    }
#define BOOL(field, initial)                                                   \
    {                                                                          \
#field, VALUE_BOOL, AT(field), initial, 0, 1                           \
    }
#define BITRATE(field, initial) INT(field, initial, 500, 510000)

/* Names and defaults: behaviour notes 6.1; the ranges are our choice. */
static const struct key keys[] = {
    BITRATE(audio_max_bitrate, 20000),
    BITRATE(audio_max_bitrate_edge, 16000),
    BITRATE(audio_max_bitrate_gprs, 8000),
    BITRATE(audio_max_bitrate_saving, 8000),
    BITRATE(audio_init_bitrate, 16000),
    BITRATE(audio_init_bitrate_edge, 8000),
    BITRATE(audio_init_bitrate_gprs, 8000),
    BITRATE(audio_init_bitrate_saving, 8000),
    BITRATE(audio_min_bitrate, 8000),
    INT(audio_bitrate_step_incr, 1000, 0, 100000),
    INT(audio_bitrate_step_decr, 1000, 0, 100000),
    INT(audio_congestion_window, 1024, 1, 1 << 20),
    REAL(relay_switch_threshold, 0.8, 0.0, 1.0),
    REAL(p2p_to_relay_switch_threshold, 0.6, 0.0, 1.0),
    REAL(relay_to_p2p_switch_threshold, 0.8, 0.0, 1.0),
    REAL(reconnecting_state_timeout, 2.0, 0.1, 600.0),
    {"rate_flags", VALUE_U32, AT(rate_flags), 4294967295.0, -2147483648.0,
     4294967295.0},
    REAL(rate_min_rtt, 0.6, 0.0, 600.0),
    REAL(rate_min_send_loss, 0.2, 0.0, 1.0),
    REAL(packet_loss_for_extra_ec, 0.02, 0.0, 1.0),
    INT(max_unsent_stream_packets, 2, 1, 64),
    INT(unack_nop_threshold, 10, 1, 1000),
    BOOL(bad_call_rating, 0),
    BOOL(use_tcp, 1),
    BOOL(force_tcp, 0),
    REAL(established_delay_if_no_stream_data, 1.5, 0.0, 600.0),
    REAL(nat64_fallback_timeout, 3.0, 0.0, 600.0),
    INT(jitter_min_delay_20, 6, 0, 100),
    INT(jitter_min_delay_40, 4, 0, 100),
    INT(jitter_min_delay_60, 2, 0, 100),
    INT(jitter_max_delay_20, 25, 1, 200),
    INT(jitter_max_delay_40, 15, 1, 100),
    INT(jitter_max_delay_60, 10, 1, 100),
    INT(jitter_max_slots_20, 50, 1, 1000),
    INT(jitter_max_slots_40, 30, 1, 1000),
    INT(jitter_max_slots_60, 20, 1, 1000),
    INT(jitter_initial_delay_20, 6, 0, 100),
    INT(jitter_initial_delay_40, 4, 0, 100),
    INT(jitter_initial_delay_60, 2, 0, 100),
    INT(jitter_losses_to_reset, 20, 1, 1000),
    REAL(jitter_resync_threshold, 1.0, 0.0, 1000.0),
    BITRATE(audio_vad_no_voice_bitrate, 6000),
    INT(audio_vad_bandwidth, 3, 0, 4),
    INT(audio_vad_no_voice_bandwidth, 0, 0, 4),
    INT(audio_extra_ec_bandwidth, 2, 0, 4),
    INT(webrtc_ns_level, 2, 0, 3),
    INT(webrtc_ns_level_vpio, 0, 0, 3),
    INT(webrtc_agc_target_level, 9, 0, 31),
    BOOL(webrtc_agc_enable_limiter, 1),
    INT(webrtc_agc_compression_gain, 20, 0, 90),
    BOOL(use_ios_vpio_agc, 1),
    BOOL(use_osx_vpio_agc, 1),
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void store(struct tgv_server_config *config, const struct key *k,
                  double v)
{
    char *at = (char *)config + k->offset;

    switch (k->type) {
    case VALUE_INT:
        *(int *)(void *)at = (int)v;
        break;
    case VALUE_U32:
        *(uint32_t *)(void *)at = (uint32_t)(int64_t)v;
        break;
    case VALUE_REAL:
        *(double *)(void *)at = v;
        break;
    case VALUE_BOOL:
        *(bool *)(void *)at = v != 0.0;
        break;
    }
}

void tgv_server_config_init(struct tgv_server_config *config)
{
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < KEYS; i++)
        store(config, &keys[i], keys[i].initial);
}

/* The value as a number, if it has the key's type. */
static bool read_value(const struct key *k, const struct tgv_json *value,
                       double *out)
{
    int64_t n;
    bool b;

    switch (k->type) {
    case VALUE_INT:
    case VALUE_U32:
        if (!tgv_json_int(value, &n))
            return false;
        *out = (double)n;
        return true;
    case VALUE_REAL:
        return tgv_json_real(value, out);
    case VALUE_BOOL:
        if (!tgv_json_bool(value, &b))
            return false;
        *out = b;
        return true;
    }
    return false;
}

struct merge {
    struct tgv_server_config *config;
    unsigned rejected, unnamed;
    char *names; /* of the refused, with commas */
    size_t cap;
};

#define MORE " and %u more"
#define MORE_ROOM sizeof(" and 9999 more")

static void refuse(struct merge *m, const char *name)
{
    size_t at = m->cap ? strlen(m->names) : 0;
    /* The first name is worth more than the number of the others. */
    size_t room = at > 0 ? MORE_ROOM : 1;

    m->rejected++;
    if (m->unnamed > 0 || at + strlen(", ") + strlen(name) + room > m->cap)
        m->unnamed++;
    else
        snprintf(m->names + at, m->cap - at, "%s%s", at ? ", " : "", name);
}

/* Nobody should take the names for all. */
static void tell_unnamed(struct merge *m)
{
    size_t at = m->cap ? strlen(m->names) : 0;

    if (m->unnamed > 0 && at > 0 && at + MORE_ROOM <= m->cap)
        snprintf(m->names + at, m->cap - at, MORE,
                 m->unnamed < 9999 ? m->unnamed : 9999);
}

static void merge_member(void *ctx, const char *name,
                         const struct tgv_json *value)
{
    struct merge *m = ctx;
    double v;

    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (read_value(&keys[i], value, &v) && v >= keys[i].min &&
            v <= keys[i].max)
            store(m->config, &keys[i], v);
        else
            refuse(m, name);
        return;
    }
}

int tgv_server_config_merge(struct tgv_server_config *config, const char *json,
                            size_t len, unsigned *rejected, char *why,
                            size_t why_cap)
{
    struct merge m = {.config = config, .names = why, .cap = why_cap};
    struct tgv_json *root;

    if (rejected)
        *rejected = 0;
    if (why_cap > 0)
        why[0] = '\0';
    root = tgv_json_parse(json, len, why, why_cap);
    if (!root)
        return TGVOIP_ERR_FORMAT;
    if (!tgv_json_is_object(root)) {
        tgv_json_free(root);
        if (why_cap > 0)
            snprintf(why, why_cap, "not a JSON object");
        return TGVOIP_ERR_FORMAT;
    }
    tgv_json_each(root, merge_member, &m);
    tell_unnamed(&m);
    tgv_json_free(root);
    if (rejected)
        *rejected = m.rejected;
    return 0;
}
