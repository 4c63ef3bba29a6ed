/* SPDX-License-Identifier: MIT */
/* The relay's core, as far as it is reached by TCP. */
#include "relay/internal.h"

#include "transport/obfuscated.h"

#include <string.h>

#include <tgvoip/error.h>

int tgv_relay_conn_open(struct tgv_relay *r, const struct tgv_addr *from,
                        tgv_time now, uint32_t *conn)
{
    int err = tgv_conns_add(&r->conns, from, now, conn);

    if (err)
        r->stats.conns_refused++;
    else
        r->stats.conns_accepted++;
    return err;
}

void tgv_relay_conn_close(struct tgv_relay *r, uint32_t conn)
{
    if (!tgv_conns_get(&r->conns, conn))
        return;
    tgv_side_remove_conn(&r->conns, conn);
    tgv_conns_remove(&r->conns, conn);
}

uint32_t tgv_relay_conn_expired(struct tgv_relay *r, tgv_time now)
{
    tgv_time deadline;
    uint32_t conn = tgv_conns_next(&r->conns, &deadline);

    if (deadline > now)
        return TGV_CONN_NONE;
    if (r->conns.slots[conn].stage == TGV_CONN_OPEN)
        r->stats.conns_idle++;
    else
        r->stats.conns_silent++;
    return conn;
}

/* The session of a frame; a connection keeps the tag of its first one.
 * @return false if there is none */
static bool find_session(struct tgv_relay *r, const struct tgv_relay_conn *c,
                         struct tgv_arrival *a)
{
    uint8_t tag[TGV_TAG_BYTES];

    if (!c->session) {
        a->session = tgv_relay_find_session(r, a->pkt);
        return a->session != NULL;
    }
    a->session = c->session;
    memcpy(tag, a->session->tag, sizeof(tag));
    tag[TGV_TAG_BYTES - 1] |= (uint8_t)c->side;
    if (memcmp(tag, a->pkt, sizeof(tag)) == 0)
        return true;
    r->stats.dropped_tag++;
    return false;
}

/* Note where the side is. It may change from one connection to another as
 * often as its address; with more changes it stays where it is. */
static int note_conn(struct tgv_relay *r, uint32_t conn,
                     const struct tgv_arrival *a)
{
    struct tgv_relay_side *side = &a->session->side[a->side];
    bool is_new = !r->conns.slots[conn].session;

    tgv_relay_touch(r, a);
    if (is_new && side->conn_count >= r->config.limits.conns_per_side) {
        r->stats.conns_refused++;
        return TGVOIP_ERR_TOO_LARGE;
    }
    if (is_new)
        tgv_side_add_conn(&r->conns, a->session, a->side, conn);
    if (!tgv_side_moves_tcp(&r->conns, side, conn) ||
        tgv_relay_take_move(r, side, a->now))
        tgv_side_heard_tcp(&r->conns, side, conn, a->is_data);
    tgv_conns_touch(&r->conns, conn, TGV_CONN_OPEN, a->now);
    return 0;
}

static int take_frame(struct tgv_relay *r, uint32_t conn, size_t len,
                      tgv_time now, struct tgv_relay_out *out)
{
    const struct tgv_relay_conn *c = &r->conns.slots[conn];
    struct tgv_arrival a;
    int err;

    r->stats.frames_in++;
    if (!tgv_arrival_init(r, &a, &c->from, r->frame, len, now))
        return TGVOIP_ERR_FORMAT;
    tgv_relay_expire(r, now);
    if (!find_session(r, c, &a))
        return 0;
    err = note_conn(r, conn, &a);
    if (err)
        return err;
    if (a.is_data)
        tgv_relay_forward(r, &a, out);
    else if (len > TGV_TAG_BYTES)
        r->stats.control_in++; /* clients ask by UDP only */
    return 0;
}

int tgv_relay_conn_receive(struct tgv_relay *r, uint32_t conn,
                           const uint8_t *data, size_t len, tgv_time now,
                           size_t *used, struct tgv_relay_out *out)
{
    const struct tgv_relay_conn *c = tgv_conns_get(&r->conns, conn);
    const uint8_t *packet;
    size_t packet_len;

    *out = (struct tgv_relay_out){.verdict = TGV_RELAY_DROP};
    *used = 0;
    if (!c)
        return TGVOIP_ERR_FORMAT;
    if (tgv_obf_decode(c->obf, data, len, used, &packet, &packet_len)) {
        r->stats.conns_broken++;
        return TGVOIP_ERR_FORMAT;
    }
    if (c->stage == TGV_CONN_HEADER && tgv_obf_ready(c->obf))
        tgv_conns_touch(&r->conns, conn, TGV_CONN_FRAME, now);
    if (!packet)
        return 0;
    memcpy(r->frame, packet, packet_len);
    return take_frame(r, conn, packet_len, now, out);
}

int tgv_relay_conn_frame(struct tgv_relay *r, uint32_t conn, const uint8_t *pkt,
                         size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    const struct tgv_relay_conn *c = tgv_conns_get(&r->conns, conn);
    int err;

    *out_len = 0;
    if (!c)
        return TGVOIP_ERR_STATE;
    err = tgv_obf_encode(c->obf, pkt, len, out, cap, out_len);
    if (err == TGVOIP_ERR_INVALID)
        r->stats.dropped_length++;
    return err;
}
