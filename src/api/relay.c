/* SPDX-License-Identifier: MIT */
/*
 * A relay on an engine: one UDP socket and the core. Datagrams are read and
 * sent in batches. The core is guarded by a lock, held for one datagram at a
 * time, so that sessions and counters need not wait for the loop.
 */
#include "relay/relay.h"

#include "api/engine.h"
#include "api/impairment.h"
#include "api/relay_flows.h"
#include "base/failure.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/system.h"
#include "io/timer.h"
#include "io/udp.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/relay.h>

#define DATAGRAM_MAX 1500
#define BATCH 64
/* Wish for the kernel's buffers: 1 s of a thousand sides, about. */
#define BUFFER_BYTES (4u << 20)
/* Expired sessions are looked for this often at the most. */
#define EXPIRE_EVERY_US TGV_S(1)

struct tgvoip_relay {
    struct tgv_member member; /* first: the engine knows only this */
    struct tgv_lock *lock; /* guards core and the counters of flows */
    struct tgv_relay *core;
    struct tgv_udp *udp;
    struct tgv_timer expiry;
    bool expiry_armed;
    bool impaired;
    struct tgv_flows flows;
    uint16_t port;
    bool in_batch;
    tgv_time now; /* of the batch */
    size_t out_count;
    struct tgv_udp_out out[BATCH];
    uint8_t data[BATCH][DATAGRAM_MAX];
};

/* -- configuration -------------------------------------------------------- */

void tgvoip_relay_config_default(struct tgvoip_relay_config *config)
{
    struct tgv_relay_limits limits;

    if (!config)
        return;
    tgv_relay_limits_init(&limits);
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->limits = (struct tgvoip_relay_limits){
        .session_idle_s = (unsigned)(limits.session_idle / TGV_US_PER_S),
        .sessions = limits.sessions,
        .packets_per_side_s = limits.packets_per_side_s,
        .kbit_per_side_s = limits.kbit_per_side_s,
        .control_per_source_s = limits.control_per_source_s,
        .moves_per_side_s = limits.moves_per_side_s,
    };
}

static int check_limits(const struct tgvoip_relay_limits *l,
                        struct tgvoip_failure *failure)
{
    const struct {
        const char *name;
        unsigned value, max;
    } all[] = {
        {"limits.session_idle_s", l->session_idle_s, 86400},
        {"limits.sessions", l->sessions, 1u << 20},
        {"limits.packets_per_side_s", l->packets_per_side_s, 1000000},
        {"limits.kbit_per_side_s", l->kbit_per_side_s, 1000000},
        {"limits.control_per_source_s", l->control_per_source_s, 1000000},
        {"limits.moves_per_side_s", l->moves_per_side_s, 1000000},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].value < 1 || all[i].value > all[i].max)
            return tgv_fail(failure, TGVOIP_ERR_INVALID, all[i].name,
                            "%u is out of range 1..%u", all[i].value,
                            all[i].max);
    return 0;
}

static int check_config(const struct tgvoip_relay_config *c,
                        struct tgv_addr *bind, struct tgvoip_failure *failure)
{
    if (!c || c->size < sizeof(*c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "config",
                        "tgvoip_relay_config_default() was not called");
    if (!c->listen || !tgv_addr_parse(c->listen, bind))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "listen",
                        "\"%.64s\" is not HOST:PORT or [HOST]:PORT with a "
                        "numeric address",
                        c->listen ? c->listen : "");
    if (c->tag_count > 0 && !c->tags)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "tags", "is NULL");
    if (c->tag_count == 0 && !c->open && !tgv_addr_is_loopback(bind))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, c->listen,
                        "not a loopback address: name the sessions, or "
                        "accept all tags with open");
    return check_limits(&c->limits, failure);
}

/* -- datagrams ------------------------------------------------------------ */

static void flush(struct tgvoip_relay *r)
{
    /* What a full socket does not take is lost, as in any router. */
    if (r->out_count > 0)
        tgv_udp_send_many(r->udp, r->out, r->out_count);
    r->out_count = 0;
}

static void queue(struct tgvoip_relay *r, const struct tgv_addr *to,
                  const uint8_t *pkt, size_t len)
{
    if (r->out_count == BATCH)
        flush(r);
    memcpy(r->data[r->out_count], pkt, len);
    r->out[r->out_count] =
        (struct tgv_udp_out){*to, r->data[r->out_count], len};
    r->out_count++;
}

static void deliver(void *ctx, uint64_t flow, const uint8_t *pkt, size_t len)
{
    struct tgvoip_relay *r = ctx;
    struct tgv_addr to;

    /* Where that side is now, not where it was when this was sent. */
    if (tgv_relay_flow_address(r->core, flow, &to))
        queue(r, &to, pkt, len);
}

static bool flow_alive(void *ctx, uint64_t flow)
{
    const struct tgvoip_relay *r = ctx;
    struct tgv_addr to;

    return tgv_relay_flow_address(r->core, flow, &to);
}

static void on_flow_due(void *ctx, tgv_time now)
{
    struct tgv_flow *flow = ctx;
    struct tgvoip_relay *r = flow->flows->ctx;

    tgv_lock_enter(r->lock);
    tgv_flow_drain(flow, now);
    tgv_lock_leave(r->lock);
    flush(r);
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
    if (out.verdict == TGV_RELAY_FORWARD && r->impaired)
        tgv_flows_send(&r->flows, out.flow, out.pkt, out.len, r->now);
    else if (out.verdict != TGV_RELAY_DROP)
        queue(r, &out.to, out.pkt, out.len);
    tgv_lock_leave(r->lock);
}

static void arm_expiry(struct tgvoip_relay *r, tgv_time earliest)
{
    tgv_time at;

    tgv_lock_enter(r->lock);
    at = tgv_relay_deadline(r->core);
    tgv_lock_leave(r->lock);
    r->expiry_armed = at != TGV_NEVER;
    if (r->expiry_armed)
        tgv_timer_arm(&r->expiry, at > earliest ? at : earliest);
}

static void on_batch_end(void *ctx)
{
    struct tgvoip_relay *r = ctx;

    r->in_batch = false;
    flush(r);
    if (!r->expiry_armed)
        arm_expiry(r, r->now);
}

static void on_expiry(void *ctx, tgv_time now)
{
    struct tgvoip_relay *r = ctx;

    tgv_lock_enter(r->lock);
    tgv_relay_expire(r->core, now);
    tgv_flows_sweep(&r->flows);
    tgv_lock_leave(r->lock);
    arm_expiry(r, now + EXPIRE_EVERY_US);
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
    struct tgv_addr bind;
    int err;
};

static void open_on_loop(void *ctx)
{
    struct open_job *job = ctx;
    struct tgvoip_relay *r = job->relay;
    const struct tgv_udp_config config = {.bind = job->bind,
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
}

static void close_on_loop(void *ctx)
{
    struct tgvoip_relay *r = ctx;

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
                 const struct tgv_addr *bind)
{
    struct open_job job = {.relay = r, .bind = *bind};

    r->member.destroy = destroy_member;
    tgv_engine_add(engine, &r->member);
    /* Two loops that wait for each other would wait for ever. */
    if (tgv_loop_inside_any() && !tgv_loop_inside(r->member.loop))
        job.err = TGVOIP_ERR_STATE;
    else
        tgv_loop_run(r->member.loop, open_on_loop, &job);
    return job.err;
}

static struct tgvoip_relay *new_relay(void)
{
    struct tgvoip_relay *r = calloc(1, sizeof(*r));

    if (r && !(r->lock = tgv_lock_create())) {
        free(r);
        return NULL;
    }
    return r;
}

int tgvoip_relay_create(tgvoip_engine *engine, tgvoip_relay **out,
                        const struct tgvoip_relay_config *config,
                        struct tgvoip_failure *failure)
{
    struct tgvoip_relay *r;
    struct tgv_addr bind;
    int err;

    if (!engine || !out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, engine ? "out" : "engine",
                        "is NULL");
    *out = NULL;
    err = check_config(config, &bind, failure);
    if (err)
        return err;
    r = new_relay();
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
    err = start(r, engine, &bind);
    if (err) {
        destroy_member(&r->member);
        return tgv_fail(failure, err, config->listen, "%s",
                        tgvoip_error_str(err));
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
    };
    tgv_lock_leave(relay->lock);
    return 0;
}
