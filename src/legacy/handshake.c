/* SPDX-License-Identifier: MIT */
/*
 * INIT and INIT_ACK, versions and the formats that follow from them.
 * Source: wire specification 0.3, 1.2, 3.5, 6.3; ENG-65..70
 */
#include "legacy/internal.h"

#include <string.h>

#define VERSION_1_ACK_MAX 10 /* an INIT_ACK this short has no versions */

bool tgv_handshake_short(const struct tgv_call *c)
{
    return c->hs.peer_version >= TGV_PV_SHORT ||
           (c->hs.peer_version == 0 && c->layer >= TGV_LAYER_SHORT);
}

bool tgv_handshake_v2(const struct tgv_call *c)
{
    /* From version 5 on a peer reads V2 during the handshake, whatever the
     * layer, and no V1 any more once it has our INIT_ACK. */
    return c->layer >= TGV_LAYER_V2 || c->hs.upgraded ||
           c->hs.peer_version >= TGV_PV_CODEC32;
}

bool tgv_handshake_extras(const struct tgv_call *c)
{
    return c->hs.peer_version >= TGV_PV_EXTRAS || tgv_handshake_short(c);
}

void tgv_handshake_connect(struct tgv_call *c, tgv_time now)
{
    uint8_t ours[6];

    if (c->layer < TGV_LAYER_V2 && !c->allow_v1) {
        tgv_state_fail(c, TGV_CALL_ERROR_INCOMPATIBLE,
                       "the server's layer asks for the old V1 encryption, "
                       "which is not allowed here",
                       now);
        return;
    }
    if (c->layer < TGV_LAYER_V2)
        tgv_log(c->log, TGV_LOG_WARNING, ROOM, now,
                "the old V1 encryption is allowed in this call");
    tgv_tgvx_encode(1, (uint8_t)c->min_frame_ms, ours);
    tgv_extras_set(&c->extras, TGV_EXTRA_TGVX, ours, sizeof(ours), true);
    tgv_timers_connected(c, now);
}

static size_t init_body(const struct tgv_call *c, uint8_t *out, size_t cap)
{
    struct tgv_init m = {.version = TGV_PROTOCOL_VERSION,
                         .min_version = TGV_PROTOCOL_MIN_VERSION,
                         .flags = c->data_saving ? TGV_INIT_DATA_SAVING : 0};
    size_t len = 0;

    /* without codecs: the list that peers of this layer can read */
    return tgv_init_encode(&m, c->layer, out, cap, &len) == 0 ? len : 0;
}

static size_t ack_body(const struct tgv_call *c, uint8_t *out, size_t cap)
{
    struct tgv_init_ack m = {.version = TGV_PROTOCOL_VERSION,
                             .min_version = TGV_PROTOCOL_MIN_VERSION,
                             .stream_count = 1,
                             .streams = {{.id = TGV_STREAM_AUDIO_ID,
                                          .type = TGV_STREAM_TYPE_AUDIO,
                                          .codec = TGV_CODEC_OPUS,
                                          .frame_ms = TGV_FRAME_MS,
                                          .enabled = true}}};
    size_t len = 0;

    if (tgv_init_ack_encode(&m, c->hs.peer_version, out, cap, &len) != 0)
        return 0;
    return len;
}

/* Below the layer of the short form the peer can decode only one of them, and
 * we do not know which (wire specification 1.2). */
static bool both_forms(const struct tgv_call *c)
{
    return c->layer < TGV_LAYER_SHORT && c->hs.peer_version >= TGV_PV_SHORT &&
           !c->hs.ack_seen;
}

static void send_handshake(struct tgv_call *c, unsigned path, uint8_t type,
                           uint32_t group)
{
    struct tgv_item item = {.kind = TGV_ITEM_PACKET,
                            .type = type,
                            .path = (uint8_t)path,
                            .form = TGV_FORM_AUTO,
                            .group = group};

    item.len = (uint8_t)(type == TGV_PKT_INIT
                             ? init_body(c, item.payload, sizeof(item.payload))
                             : ack_body(c, item.payload, sizeof(item.payload)));
    if (both_forms(c)) {
        item.form = TGV_FORM_LONG;
        tgv_send_item(c, &item);
        item.form = TGV_FORM_SHORT;
    }
    tgv_send_item(c, &item);
}

void tgv_handshake_round(struct tgv_call *c, tgv_time now)
{
    c->hs.rounds++;
    uint32_t group = tgv_send_group(c);
    for (unsigned i = 0; i < c->paths.count; i++)
        if (tgv_path_open(c, i))
            send_handshake(c, i, TGV_PKT_INIT, group);
    if (c->state == TGV_STATE_WAIT_INIT)
        tgv_state_set(c, TGV_STATE_WAIT_INIT_ACK, TGV_CALL_ERROR_UNKNOWN, now);
}

void tgv_handshake_road(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (!c->connected || c->hs.ready)
        return;
    if (c->state == TGV_STATE_WAIT_INIT) /* the first round takes it along */
        tgv_timers_socket_open(c, now);
    else
        send_handshake(c, path, TGV_PKT_INIT, tgv_send_group(c));
}

static bool compatible(struct tgv_call *c, uint32_t version,
                       uint32_t min_version, tgv_time now)
{
    c->hs.peer_min_version = min_version;
    if (version >= TGV_PROTOCOL_MIN_VERSION &&
        min_version <= TGV_PROTOCOL_VERSION)
        return true;
    c->hs.peer_version = version; /* for reports; nothing is sent any more */
    tgv_log(c->log, TGV_LOG_ERROR, ROOM, now,
            "the peer speaks versions %u..%u, we speak %d..%d",
            (unsigned)min_version, (unsigned)version, TGV_PROTOCOL_MIN_VERSION,
            TGV_PROTOCOL_VERSION);
    tgv_state_fail(c, TGV_CALL_ERROR_INCOMPATIBLE,
                   "the peer's protocol version is incompatible", now);
    return false;
}

/* The version decides how the peer can be told that we are muted. */
static void set_version(struct tgv_call *c, uint32_t version, tgv_time now)
{
    bool first = c->hs.peer_version == 0;

    c->hs.peer_version =
        version > TGV_PROTOCOL_VERSION ? TGV_PROTOCOL_VERSION : version;
    if (first && c->audio.muted)
        tgv_audio_tell_flags(c, now); /* ENG-53 */
}

void tgv_handshake_init(struct tgv_call *c, unsigned path,
                        const struct tgv_init *m, tgv_time now)
{
    bool first = !c->hs.init_seen;

    if (first) {
        if (!compatible(c, m->version, m->min_version, now))
            return;
        c->hs.init_seen = true;
        c->hs.peer_flags = m->flags;
        c->hs.peer_saves_data = m->flags & TGV_INIT_DATA_SAVING;
        set_version(c, m->version, now);
        tgv_rate_limits(c);
    }
    /* ENG-67: where the INIT came from */
    if (tgv_send_may_answer(c, TGV_ANSWER_INIT_ACK, now))
        send_handshake(c, path, TGV_PKT_INIT_ACK, tgv_send_group(c));
    if (!first)
        return;
    tgv_paths_handshake(c, path, now);
    if (c->connected && !c->hs.ready) /* ENG-66 */
        send_handshake(c, path, TGV_PKT_INIT, tgv_send_group(c));
}

static const struct tgv_stream_desc *audio_of(const struct tgv_init_ack *m)
{
    for (unsigned i = 0; i < m->stream_count; i++)
        if (m->streams[i].type == TGV_STREAM_TYPE_AUDIO)
            return &m->streams[i];
    return NULL;
}

void tgv_handshake_ack(struct tgv_call *c, unsigned path,
                       const struct tgv_init_ack *m, tgv_time now)
{
    const struct tgv_stream_desc *audio = audio_of(m);

    if (c->hs.ack_seen)
        return;
    if (m->version == 1 && c->hs.peer_version > 1)
        return; /* its INIT said otherwise */
    if (!compatible(c, m->version, m->min_version, now))
        return;
    c->hs.ack_seen = true;
    set_version(c, m->version, now);
    if (m->version >= TGV_PV_CODEC32)
        c->hs.upgraded = true;
    if (!audio) {
        tgv_log(c->log, TGV_LOG_ERROR, ROOM, now,
                "the peer offers no audio stream");
        return; /* the init timeout ends it */
    }
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now,
            "the peer speaks versions %u..%u; encryption V%d, layer %d",
            (unsigned)m->min_version, (unsigned)m->version,
            tgv_handshake_v2(c) ? 2 : 1, c->layer);
    c->hs.ready = true; /* ENG-68 */
    c->hs.peer_stream = audio->id;
    tgv_timers_ready(c, now);
    tgv_paths_handshake(c, path, now);
    tgv_audio_ready(c, audio);
    tgv_direct_ready(c, now);
}

void tgv_handshake_media(struct tgv_call *c, tgv_time now)
{
    if (!c->hs.ready || c->hs.reached_established)
        return;
    tgv_state_set(c, TGV_STATE_ESTABLISHED, TGV_CALL_ERROR_UNKNOWN, now);
    if (c->audio.muted) /* before INIT_ACK it did not know the stream */
        tgv_audio_tell_flags(c, now);
}
