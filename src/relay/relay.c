/* SPDX-License-Identifier: MIT */
#include "relay/relay.h"

#include "relay/internal.h"

#include <stdlib.h>

#include <tgvoip/error.h>

void tgv_relay_limits_init(struct tgv_relay_limits *limits)
{
    *limits = (struct tgv_relay_limits){
        .session_idle = TGV_S(60),
        .sessions = 10000,
        .packets_per_side_s = 100,
        .kbit_per_side_s = 256,
        .control_per_source_s = 10,
        .moves_per_side_s = 1,
        .conns = 20000,
        .conns_per_side = 16,
        .conns_per_host = 1024,
        .conn_header = TGV_S(5),
        .conn_frame = TGV_S(5),
        .conn_idle = TGV_S(60),
    };
}

static int create_conns(struct tgv_relay *r, const struct tgv_hash_key *key)
{
    const struct tgv_relay_limits *limits = &r->config.limits;
    const struct tgv_conns_config config = {
        .key = *key,
        .cap = limits->conns,
        .per_host = limits->conns_per_host,
        .timeout = {[TGV_CONN_HEADER] = limits->conn_header,
                    [TGV_CONN_FRAME] = limits->conn_frame,
                    [TGV_CONN_OPEN] = limits->conn_idle}};

    return tgv_conns_init(&r->conns, &config);
}

int tgv_relay_create(struct tgv_relay **out,
                     const struct tgv_relay_config *config)
{
    const struct tgv_relay_limits *limits = &config->limits;
    struct tgv_relay *r = *out = NULL;
    struct tgv_hash_key key;
    int err;

    r = calloc(1, sizeof(*r));
    if (!r)
        return TGVOIP_ERR_NOMEM;
    r->config = *config;
    r->packet_cost = tgv_bucket_cost(limits->packets_per_side_s);
    r->control_cost = tgv_bucket_cost(limits->control_per_source_s);
    r->move_cost = tgv_bucket_cost(limits->moves_per_side_s);
    tgv_hash_key_init(&key, config->hash_seed);
    err = tgv_sessions_init(&r->sessions, &key, limits->sessions);
    if (!err)
        /* two sides, each from two families; more only by moving */
        err = tgv_sources_init(&r->sources, &key, 4 * (size_t)limits->sessions);
    if (!err)
        err = create_conns(r, &key);
    if (err) {
        tgv_relay_destroy(r);
        return err;
    }
    *out = r;
    return 0;
}

void tgv_relay_destroy(struct tgv_relay *r)
{
    if (!r)
        return;
    tgv_sessions_fini(&r->sessions);
    tgv_sources_fini(&r->sources);
    tgv_conns_fini(&r->conns);
    free(r);
}

int tgv_relay_add_session(struct tgv_relay *r, const uint8_t tag[16])
{
    struct tgv_session *session = tgv_sessions_find(&r->sessions, tag);

    if (!session)
        session = tgv_sessions_add(&r->sessions, tag);
    if (!session)
        return TGVOIP_ERR_TOO_LARGE;
    session->allowed = true;
    return 0;
}

struct tgv_session *tgv_relay_find_session(struct tgv_relay *r,
                                           const uint8_t *tag)
{
    struct tgv_session *session = tgv_sessions_find(&r->sessions, tag);

    if (session)
        return session;
    if (!r->config.open) {
        r->stats.dropped_unknown_tag++;
        return NULL;
    }
    session = tgv_sessions_add(&r->sessions, tag);
    if (!session)
        r->stats.sessions_refused++;
    return session;
}

bool tgv_relay_take_move(struct tgv_relay *r, struct tgv_relay_side *side,
                         tgv_time now)
{
    if (!tgv_bucket_allows(&side->moves, r->move_cost, now))
        return false;
    tgv_bucket_take(&side->moves, r->move_cost, now);
    return true;
}

void tgv_relay_touch(struct tgv_relay *r, const struct tgv_arrival *a)
{
    if (tgv_sessions_touch(&r->sessions, a->session, a->now))
        r->stats.sessions_created++;
}

/* Note where the side is. A first address of a family is no move. */
static bool note_address(struct tgv_relay *r, const struct tgv_arrival *a)
{
    struct tgv_relay_side *side = &a->session->side[a->side];

    if (tgv_side_moves_udp(side, a->from) &&
        !tgv_relay_take_move(r, side, a->now)) {
        r->stats.dropped_move++;
        return false;
    }
    tgv_side_heard_udp(side, a->from, a->is_data, a->now);
    tgv_relay_touch(r, a);
    return true;
}

/* Fill the answer to a request; false if there is none. */
static bool make_answer(const struct tgv_relay *r, const struct tgv_arrival *a,
                        struct tgv_control *m)
{
    const struct tgv_relay_side *peer = &a->session->side[1 - a->side];

    switch (m->kind) {
    case TGV_CONTROL_PING:
        m->kind = TGV_CONTROL_SELF_INFO;
        m->date = r->config.date ? r->config.date(r->config.date_ctx) : 0;
        m->self = *a->from;
        return true;
    case TGV_CONTROL_PEER_REQUEST:
        /* of the requester's family only: the other is of no use to it */
        m->kind = a->from->family == TGV_AF_IPV4 ? TGV_CONTROL_PEER_INFO
                                                 : TGV_CONTROL_PEER_INFO_IPV6;
        m->self = *a->from;
        m->peer = peer->addr[tgv_family_index(a->from)];
        return m->peer.family != TGV_AF_NONE;
    default:
        return false;
    }
}

static void answer_control(struct tgv_relay *r, const struct tgv_arrival *a,
                           struct tgv_relay_out *out)
{
    struct tgv_control m;

    r->stats.control_in++;
    tgv_control_decode(&m, a->pkt, a->len);
    if (!make_answer(r, a, &m))
        return;
    if (!tgv_sources_take(&r->sources, a->from, r->control_cost, a->now)) {
        r->stats.dropped_control_rate++;
        return;
    }
    if (tgv_control_encode(&m, r->reply, sizeof(r->reply), &out->len))
        return;
    r->stats.control_answered++;
    out->verdict = TGV_RELAY_REPLY;
    out->to = *a->from;
    out->pkt = r->reply;
}

void tgv_relay_forward(struct tgv_relay *r, const struct tgv_arrival *a,
                       struct tgv_relay_out *out)
{
    struct tgv_relay_side *side = &a->session->side[a->side];
    const struct tgv_relay_side *peer = &a->session->side[1 - a->side];
    tgv_time bits = tgv_bucket_bits(a->len, r->config.limits.kbit_per_side_s);
    struct tgv_way way;

    if (!tgv_bucket_allows(&side->packets, r->packet_cost, a->now) ||
        !tgv_bucket_allows(&side->bits, bits, a->now)) {
        r->stats.dropped_rate++;
        return;
    }
    tgv_bucket_take(&side->packets, r->packet_cost, a->now);
    tgv_bucket_take(&side->bits, bits, a->now);
    if (!tgv_side_way(&r->conns, peer, &way)) {
        r->stats.dropped_no_peer++;
        return;
    }
    if (way.conn && a->len % 4) {
        r->stats.dropped_length++;
        return;
    }
    a->pkt[TGV_TAG_BYTES - 1] ^= 1; /* the receiver must see its own tag */
    r->stats.packets_forwarded++;
    r->stats.bytes_forwarded += a->len;
    out->verdict = TGV_RELAY_FORWARD;
    out->to = way.to;
    out->conn = way.conn;
    out->pkt = a->pkt;
    out->len = a->len;
    out->flow = tgv_sessions_flow(&r->sessions, a->session, 1 - a->side);
}

bool tgv_arrival_init(struct tgv_relay *r, struct tgv_arrival *a,
                      const struct tgv_addr *from, uint8_t *pkt, size_t len,
                      tgv_time now)
{
    r->stats.packets_in++;
    if (len < TGV_TAG_BYTES) {
        r->stats.dropped_short++;
        return false;
    }
    if (len > TGV_DATAGRAM_MAX) {
        r->stats.dropped_large++;
        return false;
    }
    *a = (struct tgv_arrival){.from = from, .pkt = pkt, .len = len, .now = now};
    a->is_data = len > TGV_TAG_BYTES && !tgv_control_is(pkt, len);
    a->side = pkt[TGV_TAG_BYTES - 1] & 1;
    return true;
}

void tgv_relay_receive(struct tgv_relay *r, const struct tgv_addr *from,
                       uint8_t *pkt, size_t len, tgv_time now,
                       struct tgv_relay_out *out)
{
    struct tgv_arrival a;

    *out = (struct tgv_relay_out){.verdict = TGV_RELAY_DROP};
    if (!tgv_arrival_init(r, &a, from, pkt, len, now))
        return;
    tgv_relay_expire(r, now);
    a.session = tgv_relay_find_session(r, pkt);
    if (!a.session || !note_address(r, &a))
        return;
    if (a.is_data)
        tgv_relay_forward(r, &a, out);
    else if (len > TGV_TAG_BYTES)
        answer_control(r, &a, out);
}

bool tgv_relay_flow_alive(const struct tgv_relay *r, uint64_t flow)
{
    return tgv_sessions_by_flow(&r->sessions, flow) != NULL;
}

bool tgv_relay_flow_way(const struct tgv_relay *r, uint64_t flow,
                        struct tgv_addr *to, uint32_t *conn)
{
    const struct tgv_session *s = tgv_sessions_by_flow(&r->sessions, flow);
    struct tgv_way way = {.conn = TGV_CONN_NONE};
    bool known = s && tgv_side_way(&r->conns, &s->side[flow & 1], &way);

    *to = way.to;
    *conn = way.conn;
    return known;
}

static tgv_time session_deadline(const struct tgv_relay *r)
{
    const struct tgv_session *s = tgv_sessions_oldest(&r->sessions);

    return s ? s->heard + r->config.limits.session_idle : TGV_NEVER;
}

tgv_time tgv_relay_deadline(const struct tgv_relay *r)
{
    tgv_time conn;

    tgv_conns_next(&r->conns, &conn);
    return tgv_time_min(session_deadline(r), conn);
}

void tgv_relay_expire(struct tgv_relay *r, tgv_time now)
{
    while (session_deadline(r) <= now) {
        struct tgv_session *s = tgv_sessions_oldest(&r->sessions);
        for (int i = 0; i < 2; i++)
            while (s->side[i].conns)
                tgv_side_remove_conn(&r->conns, s->side[i].conns);
        tgv_sessions_expire(&r->sessions, s);
        r->stats.sessions_expired++;
    }
}

void tgv_relay_stats(const struct tgv_relay *r, struct tgv_relay_stats *s)
{
    *s = r->stats;
    s->sessions = r->sessions.alive;
    s->conns = r->conns.count;
}
