/* SPDX-License-Identifier: MIT */
/*
 * A relay on an engine: one UDP socket, a TCP listener if wanted, and the
 * core. Datagrams are read and sent in batches.
 */
#include "api/relay_impl.h"

#include "api/impairment.h"
#include "base/failure.h"
#include "io/loop.h"
#include "io/system.h"

#include <stdlib.h>
#include <string.h>

/* Wish for the kernel's buffers: 1 s of a thousand sides, about. */
#define BUFFER_BYTES (4u << 20)
/* What has expired is looked for this often at the most. */
#define EXPIRE_EVERY_US TGV_MS(250)

/* -- datagrams ------------------------------------------------------------ */

void tgv_relay_flush(struct tgvoip_relay *r)
{
    /* What a full socket does not take is lost, as in any router. */
    if (r->out_count > 0)
        tgv_udp_send_many(r->udp, r->out, r->out_count);
    r->out_count = 0;
}

static void queue(struct tgvoip_relay *r, const struct tgv_addr *to,
                  const uint8_t *pkt, size_t len)
{
    if (r->out_count == TGV_RELAY_BATCH)
        tgv_relay_flush(r);
    memcpy(r->data[r->out_count], pkt, len);
    r->out[r->out_count] =
        (struct tgv_udp_out){*to, r->data[r->out_count], len};
    r->out_count++;
}

static void send_packet(struct tgvoip_relay *r, const struct tgv_addr *to,
                        uint32_t conn, const uint8_t *pkt, size_t len)
{
    if (conn)
        tgv_relay_tcp_send(r, conn, pkt, len);
    else
        queue(r, to, pkt, len);
}

void tgv_relay_dispatch(struct tgvoip_relay *r, const struct tgv_relay_out *out,
                        tgv_time now)
{
    if (out->verdict == TGV_RELAY_FORWARD && r->impaired)
        tgv_flows_send(&r->flows, out->flow, out->pkt, out->len, now);
    else if (out->verdict != TGV_RELAY_DROP)
        send_packet(r, &out->to, out->conn, out->pkt, out->len);
}

static void deliver(void *ctx, uint64_t flow, const uint8_t *pkt, size_t len)
{
    struct tgvoip_relay *r = ctx;
    struct tgv_addr to;
    uint32_t conn;

    /* Where that side is now, not where it was when this was sent. */
    if (tgv_relay_flow_way(r->core, flow, &to, &conn))
        send_packet(r, &to, conn, pkt, len);
}

static bool flow_alive(void *ctx, uint64_t flow)
{
    const struct tgvoip_relay *r = ctx;

    return tgv_relay_flow_alive(r->core, flow);
}

static void on_flow_due(void *ctx, tgv_time now)
{
    struct tgv_flow *flow = ctx;
    struct tgvoip_relay *r = flow->flows->ctx;

    tgv_lock_enter(r->lock);
    tgv_flow_drain(flow, now);
    tgv_lock_leave(r->lock);
    tgv_relay_flush(r);
}

static void on_receive(void *ctx, const struct tgv_addr *from, uint8_t *pkt,
                       size_t len)
{
    struct tgvoip_relay *r = ctx;
    struct tgv_relay_out out;

    if (!r->in_batch)
        r->now = tgv_loop_now(r->member.loop);
    r->in_batch = true;
    tgv_lock_enter(r->lock);
    tgv_relay_receive(r->core, from, pkt, len, r->now, &out);
    tgv_relay_dispatch(r, &out, r->now);
    tgv_lock_leave(r->lock);
}

void tgv_relay_arm(struct tgvoip_relay *r, tgv_time earliest)
{
    tgv_time at;

    tgv_lock_enter(r->lock);
    at = tgv_relay_deadline(r->core);
    tgv_lock_leave(r->lock);
    if (at < earliest)
        at = earliest;
    if (at >= r->expiry_at)
        return;
    r->expiry_at = at;
    tgv_timer_arm(&r->expiry, at);
}

static void on_batch_end(void *ctx)
{
    struct tgvoip_relay *r = ctx;

    r->in_batch = false;
    tgv_relay_flush(r);
    tgv_relay_arm(r, r->now);
}

static void on_expiry(void *ctx, tgv_time now)
{
    struct tgvoip_relay *r = ctx;

    tgv_lock_enter(r->lock);
    tgv_relay_tcp_expire(r, now);
    tgv_relay_expire(r->core, now);
    tgv_flows_sweep(&r->flows);
    tgv_lock_leave(r->lock);
    r->expiry_at = TGV_NEVER;
    tgv_relay_arm(r, now + EXPIRE_EVERY_US);
}

static void on_failed(void *ctx, int error)
{
    struct tgvoip_relay *r = ctx;

    tgv_log(tgv_engine_log(r->member.engine), TGV_LOG_ERROR, "relay",
            tgv_loop_now(r->member.loop), "socket failed: %s",
            tgvoip_error_str(error));
}

/* -- life ----------------------------------------------------------------- */

static uint32_t date(void *ctx)
{
    (void)ctx;
    return (uint32_t)tgv_system_unix_time();
}

static int create_core(struct tgvoip_relay *r, struct tgv_random random,
                       const struct tgvoip_relay_config *c)
{
    struct tgv_relay_config config = {
        .open = c->open || c->tag_count == 0, /* then on loopback: checked */
        .limits =
            {
                .session_idle = TGV_S(c->limits.session_idle_s),
                .sessions = c->limits.sessions,
                .packets_per_side_s = c->limits.packets_per_side_s,
                .kbit_per_side_s = c->limits.kbit_per_side_s,
                .control_per_source_s = c->limits.control_per_source_s,
                .moves_per_side_s = c->limits.moves_per_side_s,
                .conns = c->limits.tcp_connections,
                .conns_per_side = c->limits.tcp_per_side,
                .conns_per_host = c->limits.tcp_per_address,
                .conn_header = TGV_S(c->limits.tcp_header_s),
                .conn_frame = TGV_S(c->limits.tcp_frame_s),
                .conn_idle = TGV_S(c->limits.tcp_idle_s),
            },
        .date = date,
    };
    int err = random.fill(random.ctx, (uint8_t *)&config.hash_seed,
                          sizeof(config.hash_seed));

    if (!err)
        err = tgv_relay_create(&r->core, &config);
    for (size_t i = 0; !err && i < c->tag_count; i++)
        err = tgv_relay_add_session(r->core, c->tags + 16 * i);
    return err;
}

static int create_flows(struct tgvoip_relay *r,
                        const struct tgvoip_relay_config *c)
{
    if (!c->impairment || tgv_impairment_is_null(&c->impairment->imp))
        return 0;
    r->impaired = true;
    r->flows.imp = c->impairment->imp;
    r->flows.due = on_flow_due;
    r->flows.deliver = deliver;
    r->flows.alive = flow_alive;
    r->flows.ctx = r;
    return tgv_flows_init(&r->flows, 2 * (size_t)c->limits.sessions);
}

struct open_job {
    struct tgvoip_relay *relay;
    struct tgv_relay_bind bind;
    int err;
    bool tcp_failed; /* err is of the second address */
};

static void open_on_loop(void *ctx)
{
    struct open_job *job = ctx;
    struct tgvoip_relay *r = job->relay;
    const struct tgv_udp_config config = {.bind = job->bind.udp,
                                          .buffer_bytes = BUFFER_BYTES,
                                          .receive = on_receive,
                                          .batch_end = on_batch_end,
                                          .failed = on_failed,
                                          .ctx = r};
    struct tgv_addr local;

    r->flows.loop = r->member.loop;
    job->err = tgv_timer_init(&r->expiry, r->member.loop, on_expiry, r);
    if (!job->err)
        job->err = tgv_udp_open(r->member.loop, &r->udp, &config);
    if (job->err)
        return;
    tgv_udp_local(r->udp, &local);
    r->port = local.port;
    if (job->bind.tcp.family == TGV_AF_NONE)
        return;
    job->err = tgv_relay_tcp_open(r, &job->bind.tcp);
    job->tcp_failed = job->err != 0;
}

static void close_on_loop(void *ctx)
{
    struct tgvoip_relay *r = ctx;

    tgv_relay_tcp_close(r);
    tgv_udp_close(r->udp);
    tgv_timer_fini(&r->expiry);
    tgv_flows_fini(&r->flows);
}

/* Where nothing of it runs on a loop (any more). */
static void free_relay(struct tgvoip_relay *r)
{
    tgv_flows_fini(&r->flows);
    tgv_relay_destroy(r->core);
    tgv_lock_destroy(r->lock);
    free(r);
}

static void destroy_member(struct tgv_member *m)
{
    tgv_loop_run(m->loop, close_on_loop, m);
    tgv_engine_remove(m);
    free_relay((struct tgvoip_relay *)m);
}

static int start(struct tgvoip_relay *r, struct tgvoip_engine *engine,
                 const struct tgv_relay_bind *bind, bool *tcp_failed)
{
    struct open_job job = {.relay = r, .bind = *bind};

    r->member.destroy = destroy_member;
    tgv_engine_add(engine, &r->member);
    /* Two loops that wait for each other would wait for ever. */
    if (tgv_loop_inside_any() && !tgv_loop_inside(r->member.loop))
        job.err = TGVOIP_ERR_STATE;
    else
        tgv_loop_run(r->member.loop, open_on_loop, &job);
    *tcp_failed = job.tcp_failed;
    return job.err;
}

static struct tgvoip_relay *new_relay(const struct tgvoip_relay_limits *limits)
{
    struct tgvoip_relay *r = calloc(1, sizeof(*r));

    if (r && !(r->lock = tgv_lock_create())) {
        free(r);
        return NULL;
    }
    if (r) {
        r->expiry_at = TGV_NEVER;
        r->cap = limits->tcp_connections;
        r->queue_max = limits->tcp_queue_bytes;
    }
    return r;
}

int tgvoip_relay_create(tgvoip_engine *engine, tgvoip_relay **out,
                        const struct tgvoip_relay_config *config,
                        struct tgvoip_failure *failure)
{
    struct tgvoip_relay *r;
    struct tgv_relay_bind bind;
    bool tcp_failed;
    int err;

    if (!engine || !out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, engine ? "out" : "engine",
                        "is NULL");
    *out = NULL;
    err = tgv_relay_config_check(config, &bind, failure);
    if (err)
        return err;
    r = new_relay(&config->limits);
    if (!r)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "relay", "out of memory");
    err = create_core(r, tgv_engine_random(engine), config);
    if (err == TGVOIP_ERR_TOO_LARGE)
        err = tgv_fail(failure, TGVOIP_ERR_INVALID, "tags",
                       "more sessions than limits.sessions, %u",
                       config->limits.sessions);
    else if (err || (err = create_flows(r, config)) != 0)
        tgv_fail(failure, err, "relay", "%s", tgvoip_error_str(err));
    if (err) {
        free_relay(r);
        return err;
    }
    err = start(r, engine, &bind, &tcp_failed);
    if (err) {
        destroy_member(&r->member);
        return tgv_fail(failure, err,
                        tcp_failed ? config->tcp_listen : config->listen, "%s",
                        err == TGVOIP_ERR_NOT_FOUND
                            ? "this machine has no such address"
                            : tgvoip_error_str(err));
    }
    *out = r;
    return 0;
}

void tgvoip_relay_destroy(tgvoip_relay *relay)
{
    if (relay)
        destroy_member(&relay->member);
}

uint16_t tgvoip_relay_port(const tgvoip_relay *relay)
{
    return relay ? relay->port : 0;
}

uint16_t tgvoip_relay_tcp_port(const tgvoip_relay *relay)
{
    return relay ? relay->tcp_port : 0;
}

int tgvoip_relay_add_session(tgvoip_relay *relay, const uint8_t tag[16])
{
    int err;

    if (!relay || !tag)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(relay->lock);
    err = tgv_relay_add_session(relay->core, tag);
    tgv_lock_leave(relay->lock);
    return err;
}

int tgvoip_relay_get_stats(const tgvoip_relay *relay,
                           struct tgvoip_relay_stats *stats)
{
    struct tgv_relay_stats s;

    if (!relay || !stats)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(relay->lock);
    tgv_relay_stats(relay->core, &s);
    *stats = (struct tgvoip_relay_stats){
        .size = sizeof(*stats),
        .sessions = s.sessions,
        .sessions_created = s.sessions_created,
        .sessions_expired = s.sessions_expired,
        .sessions_refused = s.sessions_refused,
        .packets_in = s.packets_in,
        .packets_forwarded = s.packets_forwarded,
        .bytes_forwarded = s.bytes_forwarded,
        .control_in = s.control_in,
        .control_answered = s.control_answered,
        .dropped_short = s.dropped_short,
        .dropped_large = s.dropped_large,
        .dropped_unknown_tag = s.dropped_unknown_tag,
        .dropped_no_peer = s.dropped_no_peer,
        .dropped_rate = s.dropped_rate,
        .dropped_control_rate = s.dropped_control_rate,
        .dropped_move = s.dropped_move,
        .impaired_lost = relay->flows.lost,
        .impaired_duplicated = relay->flows.duplicated,
        .impaired_corrupted = relay->flows.corrupted,
        .tcp_connections = s.conns,
        .tcp_accepted = s.conns_accepted,
        .tcp_refused = s.conns_refused,
        .tcp_closed_silent = s.conns_silent,
        .tcp_closed_idle = s.conns_idle,
        .tcp_closed_broken = s.conns_broken,
        .tcp_frames_in = s.frames_in,
        .dropped_tcp_length = s.dropped_length,
        .dropped_tcp_tag = s.dropped_tag,
        .dropped_tcp_queue = relay->dropped_queue,
    };
    tgv_lock_leave(relay->lock);
    return 0;
}
