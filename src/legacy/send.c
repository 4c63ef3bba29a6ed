/* SPDX-License-Identifier: MIT */
/*
 * Packets on their way out. They wait without header: number,
 * acknowledgements, extras and format are those of the moment of sending.
 * Media waits apart and gives way; everything else is kept (ENG-30).
 * Source: wire specification 1.2, 4.1..4.3, 5.6
 */
#include "legacy/internal.h"

#include "wire/control.h"

#include <string.h>

#include <tgvoip/error.h>

/* A datagram, or a frame of a stream, on its way out of the core. */
struct tgv_datagram {
    unsigned *sock;
    struct tgv_addr *to;
    uint8_t *buf;
    size_t cap;
    size_t *len;
};

bool tgv_send_possible(const struct tgv_call *c)
{
    return tgv_path_open(c, c->paths.current);
}

uint32_t tgv_send_group(struct tgv_call *c)
{
    return ++c->sender.groups;
}

void tgv_send_item(struct tgv_call *c, const struct tgv_item *item)
{
    struct tgv_sender *s = &c->sender;

    if (!tgv_call_live(c))
        return;
    if (s->count == TGV_CONTROL_QUEUE) {
        c->counters.dropped++;
        return;
    }
    s->items[(s->first + s->count++) % TGV_CONTROL_QUEUE] = *item;
}

void tgv_send_packet(struct tgv_call *c, unsigned path, uint8_t type,
                     const uint8_t *payload, size_t len)
{
    struct tgv_item item = {.kind = TGV_ITEM_PACKET,
                            .type = type,
                            .path = (uint8_t)path,
                            .len = (uint8_t)len};

    if (len > 0)
        memcpy(item.payload, payload, len);
    tgv_send_item(c, &item);
}

static struct tgv_media_item *media_slot(struct tgv_call *c)
{
    struct tgv_sender *s = &c->sender;

    return &s->media[(s->media_first + s->media_count) % TGV_MEDIA_QUEUE];
}

bool tgv_send_media(struct tgv_call *c, uint8_t type, const uint8_t *payload,
                    size_t len)
{
    struct tgv_sender *s = &c->sender;
    unsigned limit = (unsigned)c->config.max_unsent_stream_packets;
    struct tgv_media_item *slot;

    /* ENG-27, ENG-30: only media is dropped, packet by packet */
    if (!tgv_send_possible(c) || len > TGV_MEDIA_PAYLOAD ||
        s->media_count >= limit) {
        c->counters.dropped++;
        return false;
    }
    if (s->media_count == TGV_MEDIA_QUEUE) {
        s->media_first = (s->media_first + 1) % TGV_MEDIA_QUEUE;
        s->media_count--;
        c->counters.dropped++;
    }
    slot = media_slot(c);
    slot->type = type;
    slot->len = len;
    memcpy(slot->payload, payload, len);
    s->media_count++;
    return true;
}

void tgv_send_drop_media(struct tgv_call *c)
{
    c->counters.dropped += c->sender.media_count;
    c->sender.media_count = 0;
}

void tgv_send_drop_all(struct tgv_call *c)
{
    c->sender.count = 0;
    c->sender.media_count = 0;
    c->sender.last_is_item = false;
}

void tgv_send_blocked(struct tgv_call *c)
{
    struct tgv_sender *s = &c->sender;

    tgv_send_drop_media(c);
    if (!s->last_is_item) {
        c->counters.dropped++;
        return;
    }
    s->last_is_item = false;
    if (s->count < TGV_CONTROL_QUEUE) { /* back to the front */
        s->first = (s->first + TGV_CONTROL_QUEUE - 1) % TGV_CONTROL_QUEUE;
        s->items[s->first] = s->last;
        s->count++;
    }
}

void tgv_send_forget(struct tgv_call *c, unsigned path)
{
    struct tgv_sender *s = &c->sender;
    unsigned kept = 0;

    for (unsigned i = 0; i < s->count; i++) {
        const struct tgv_item *item =
            &s->items[(s->first + i) % TGV_CONTROL_QUEUE];
        if (item->path != path)
            s->items[(s->first + kept++) % TGV_CONTROL_QUEUE] = *item;
    }
    c->counters.dropped += s->count - kept;
    s->count = kept;
    if (s->last.path == path)
        s->last_is_item = false;
}

bool tgv_send_may_answer(struct tgv_call *c, enum tgv_answer which,
                         tgv_time now)
{
    struct tgv_sender *s = &c->sender;

    if (now - s->answers_since[which] >= TGV_S(1)) {
        s->answers_since[which] = now;
        s->answers[which] = 0;
    }
    return s->answers[which]++ < TGV_ANSWERS_PER_S;
}

/* -- building -------------------------------------------------------------- */

static bool item_is_short(const struct tgv_call *c, const struct tgv_item *item)
{
    if (item->form == TGV_FORM_AUTO)
        return tgv_handshake_short(c);
    return item->form == TGV_FORM_SHORT;
}

static int random_fields(struct tgv_call *c, struct tgv_header *h)
{
    uint8_t bytes[15];

    if (c->random.fill(c->random.ctx, bytes, sizeof(bytes)) != 0)
        return TGVOIP_ERR_RANDOM;
    memcpy(h->random_id, bytes, sizeof(h->random_id));
    memcpy(h->random_bytes, bytes + 8, sizeof(h->random_bytes));
    return 0;
}

static int write_header(struct tgv_call *c, const struct tgv_item *item,
                        struct tgv_header *h)
{
    h->type = item->type;
    tgv_choice_ack(c, &h->ack, &h->mask);
    h->extra_count = 0;
    h->has_recv_ts = false;
    h->has_flags = false;
    h->has_call_id = false;
    h->has_proto = false;
    if (item_is_short(c, item)) {
        h->form = TGV_HEADER_SHORT;
    } else if (c->state == TGV_STATE_WAIT_INIT ||
               c->state == TGV_STATE_WAIT_INIT_ACK) {
        h->form = TGV_HEADER_FULL;
        h->has_call_id = h->has_proto = true;
        h->proto = TGV_PROTO_WORD;
        memcpy(h->call_id, tgv_seal_call_id(c->seal), sizeof(h->call_id));
    } else {
        h->form = TGV_HEADER_SIMPLE;
        h->has_flags = c->hs.peer_version >= TGV_PV_EXTRAS;
    }
    if (h->form == TGV_HEADER_SHORT || h->has_flags)
        tgv_extras_fill(&c->extras, h);
    return h->form == TGV_HEADER_SHORT ? 0 : random_fields(c, h);
}

static enum tgv_envelope envelope_of(const struct tgv_call *c, bool is_short)
{
    if (!tgv_handshake_v2(c))
        return TGV_ENVELOPE_V1;
    return is_short ? TGV_ENVELOPE_V2_SHORT : TGV_ENVELOPE_V2_LONG;
}

/* What counts for the loss we report: the steady stream on one path. */
static bool is_judged(uint8_t type)
{
    return type == TGV_PKT_STREAM_DATA || type == TGV_PKT_STREAM_DATA_X2 ||
           type == TGV_PKT_STREAM_DATA_X3 || type == TGV_PKT_NOP;
}

/* Copies of a group share a number: to the same peer they are one packet. */
static uint32_t take_number(struct tgv_call *c, const struct tgv_item *item,
                            unsigned path, tgv_time now, bool *fresh)
{
    struct tgv_sender *s = &c->sender;

    *fresh = item->group == 0 || s->group != item->group;
    if (!*fresh)
        return s->group_seq;
    uint32_t seq =
        tgv_ack_sent(&c->ack, (uint8_t)path, is_judged(item->type), now);
    if (item->group) {
        s->group = item->group;
        s->group_seq = seq;
    }
    return seq;
}

static int seal(struct tgv_call *c, const struct tgv_header *h,
                const uint8_t *payload, size_t payload_len, uint8_t *buf,
                size_t cap, size_t *len)
{
    uint8_t inner[TGV_DATAGRAM_MAX];
    size_t n;
    int err =
        tgv_packet_encode(h, payload, payload_len, inner, sizeof(inner), &n);

    if (err)
        return err;
    return tgv_seal_encode(c->seal, envelope_of(c, h->form == TGV_HEADER_SHORT),
                           inner, n, &c->random, buf, cap, len);
}

static void sent(struct tgv_call *c, const struct tgv_item *item, unsigned path,
                 const struct tgv_header *h, bool fresh, tgv_time now)
{
    c->counters.packets_out++;
    if (fresh && h->extra_count > 0)
        tgv_extras_sent(&c->extras, h->seq);
    tgv_reliable_sent(c, item, h->seq);
    tgv_choice_sent(c, path, item->type, h->seq, now);
    if (path == c->paths.current)
        tgv_timers_sent(c, now);
}

static int build_packet(struct tgv_call *c, const struct tgv_item *item,
                        const uint8_t *payload, size_t payload_len,
                        unsigned path, uint8_t *buf, size_t *len, tgv_time now)
{
    struct tgv_header h;
    const uint8_t *prefix;
    size_t prefix_len;
    bool fresh;
    int err = write_header(c, item, &h);

    if (err)
        return err;
    prefix_len = tgv_path_prefix(c, path, &prefix);
    memcpy(buf, prefix, prefix_len);
    h.seq = take_number(c, item, path, now, &fresh);
    err = seal(c, &h, payload, payload_len, buf + prefix_len,
               TGV_DATAGRAM_MAX - prefix_len, len);
    if (err)
        return err;
    *len += prefix_len;
    sent(c, item, path, &h, fresh, now);
    if (fresh)
        tgv_ack_sent_bytes(&c->ack, h.seq, *len);
    tgv_rate_sent(c, path, item->type, *len, payload_len, now);
    tgv_stats_sent(c, path, &h, *len, now);
    return 0;
}

static int build_probe(struct tgv_call *c, unsigned path, uint8_t *buf,
                       size_t cap, size_t *len)
{
    struct tgv_path *p = &c->paths.list[path];
    struct tgv_control m = {.kind = TGV_CONTROL_PING};
    uint8_t id[8];

    if (c->random.fill(c->random.ctx, id, sizeof(id)) != 0)
        return TGVOIP_ERR_RANDOM;
    memcpy(&m.query_id, id, sizeof(id));
    memcpy(m.tag, p->tag, sizeof(m.tag));
    for (size_t i = TGV_PROBES_MAX - 1; i > 0; i--)
        p->probes[i] = p->probes[i - 1];
    p->probes[0] = m.query_id;
    return tgv_control_encode(&m, buf, cap, len);
}

static int build_peer_request(struct tgv_call *c, unsigned path, uint8_t *buf,
                              size_t cap, size_t *len)
{
    struct tgv_control m = {.kind = TGV_CONTROL_PEER_REQUEST};

    memcpy(m.tag, c->paths.list[path].tag, sizeof(m.tag));
    return tgv_control_encode(&m, buf, cap, len);
}

static unsigned path_of(const struct tgv_call *c, const struct tgv_item *item)
{
    return item->path == TGV_PATH_CURRENT ? c->paths.current : item->path;
}

/* Where the datagram goes, and in which form. */
static int address(struct tgv_call *c, unsigned path, struct tgv_datagram *out,
                   tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    *out->to = tgv_nat64_out(c, &p->addr);
    if (p->type == TGV_PATH_TCP_RELAY) {
        *out->sock = p->stream->sock;
        return tgv_tcp_frame(c, p, out->buf, out->cap, out->len, now);
    }
    *out->sock = c->udp.sock;
    return tgv_proxy_on(c) ? tgv_proxy_wrap(c, out->to, out->buf, out->len) : 0;
}

static int build(struct tgv_call *c, const struct tgv_item *item,
                 const uint8_t *payload, size_t payload_len,
                 struct tgv_datagram *out, tgv_time now)
{
    unsigned path = path_of(c, item);
    int err;

    *out->len = 0;
    if (item->kind == TGV_ITEM_PROBE)
        err = build_probe(c, path, out->buf, out->cap, out->len);
    else if (item->kind == TGV_ITEM_PEER_REQUEST)
        err = build_peer_request(c, path, out->buf, out->cap, out->len);
    else
        err = build_packet(c, item, payload, payload_len, path, out->buf,
                           out->len, now);
    if (!err)
        err = address(c, path, out, now);
    if (err) {
        *out->len = 0;
        if (err == TGVOIP_ERR_RANDOM)
            c->counters.random_failures++;
        c->counters.dropped++;
        return err;
    }
    c->counters.bytes_out += *out->len;
    return 0;
}

/* Its road cannot be used now, but soon. */
static bool must_wait(const struct tgv_call *c, const struct tgv_item *item)
{
    const struct tgv_path *p = &c->paths.list[path_of(c, item)];

    if (p->gone)
        return false;
    if (p->type == TGV_PATH_TCP_RELAY)
        return p->stream->blocked;
    return !c->udp.open || c->udp.blocked;
}

static void take_out(struct tgv_sender *s, unsigned n)
{
    for (unsigned i = n; i > 0; i--)
        s->items[(s->first + i) % TGV_CONTROL_QUEUE] =
            s->items[(s->first + i - 1) % TGV_CONTROL_QUEUE];
    s->first = (s->first + 1) % TGV_CONTROL_QUEUE;
    s->count--;
}

/* A reachability ping goes out also where UDP is not in use. */
static bool may_leave(const struct tgv_call *c, const struct tgv_item *item)
{
    if (item->kind == TGV_ITEM_PROBE)
        return !c->paths.list[item->path].gone;
    return tgv_path_open(c, path_of(c, item));
}

static bool next_item(struct tgv_call *c, struct tgv_datagram *out,
                      tgv_time now)
{
    struct tgv_sender *s = &c->sender;
    unsigned i = 0;

    while (i < s->count) {
        const struct tgv_item *item =
            &s->items[(s->first + i) % TGV_CONTROL_QUEUE];
        if (must_wait(c, item)) {
            i++;
            continue;
        }
        s->last = *item;
        take_out(s, i);
        s->last_is_item = true;
        if (!may_leave(c, &s->last))
            c->counters.dropped++;
        else if (build(c, &s->last, s->last.payload, s->last.len, out, now) ==
                 0)
            return true;
    }
    return false;
}

static bool next_media(struct tgv_call *c, struct tgv_datagram *out,
                       tgv_time now)
{
    struct tgv_item media = {.kind = TGV_ITEM_PACKET, .path = TGV_PATH_CURRENT};
    struct tgv_sender *s = &c->sender;

    while (s->media_count > 0 && tgv_send_possible(c)) {
        const struct tgv_media_item *m = &s->media[s->media_first];
        s->media_first = (s->media_first + 1) % TGV_MEDIA_QUEUE;
        s->media_count--;
        s->last_is_item = false;
        media.type = m->type;
        if (build(c, &media, m->payload, m->len, out, now) == 0)
            return true;
    }
    return false;
}

void tgv_call_transmit(struct tgv_call *c, unsigned *sock, struct tgv_addr *to,
                       uint8_t *buf, size_t cap, size_t *len, tgv_time now)
{
    struct tgv_datagram out = {
        .sock = sock, .to = to, .buf = buf, .cap = cap, .len = len};

    *len = 0;
    *sock = c->udp.sock;
    if (!tgv_call_live(c) || cap < TGV_CALL_TRANSMIT_MAX)
        return;
    tgv_tcp_hello(c, sock, buf, cap, len);
    if (*len == 0 && !next_item(c, &out, now))
        next_media(c, &out, now);
}
