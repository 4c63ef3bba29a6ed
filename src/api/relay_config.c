/* SPDX-License-Identifier: MIT */
/* A relay's configuration: defaults and checks. */
#include "api/relay_impl.h"

#include "base/failure.h"
#include "io/conn.h"
#include "transport/obfuscated.h"

#include <string.h>

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
        .tcp_connections = limits.conns,
        .tcp_per_side = limits.conns_per_side,
        .tcp_per_address = limits.conns_per_host,
        .tcp_header_s = (unsigned)(limits.conn_header / TGV_US_PER_S),
        .tcp_frame_s = (unsigned)(limits.conn_frame / TGV_US_PER_S),
        .tcp_idle_s = (unsigned)(limits.conn_idle / TGV_US_PER_S),
        .tcp_queue_bytes = TGV_CONN_QUEUE,
    };
}

static int check_limits(const struct tgvoip_relay_limits *l,
                        struct tgvoip_failure *failure)
{
    const struct {
        const char *name;
        unsigned value, max, min;
    } all[] = {
        {"limits.session_idle_s", l->session_idle_s, 86400, 1},
        {"limits.sessions", l->sessions, 1u << 20, 1},
        {"limits.packets_per_side_s", l->packets_per_side_s, 1000000, 1},
        {"limits.kbit_per_side_s", l->kbit_per_side_s, 1000000, 1},
        {"limits.control_per_source_s", l->control_per_source_s, 1000000, 1},
        {"limits.moves_per_side_s", l->moves_per_side_s, 1000000, 1},
        {"limits.tcp_connections", l->tcp_connections, 1u << 20, 1},
        {"limits.tcp_per_side", l->tcp_per_side, 1024, 1},
        {"limits.tcp_per_address", l->tcp_per_address, 1u << 20, 1},
        {"limits.tcp_header_s", l->tcp_header_s, 86400, 1},
        {"limits.tcp_frame_s", l->tcp_frame_s, 86400, 1},
        {"limits.tcp_idle_s", l->tcp_idle_s, 86400, 1},
        {"limits.tcp_queue_bytes", l->tcp_queue_bytes, TGV_CONN_QUEUE,
         TGV_OBF_FRAME_MAX},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value < all[i].min || all[i].value > all[i].max)
            return tgv_fail(failure, TGVOIP_ERR_INVALID, all[i].name,
                            "%u is out of range %u..%u", all[i].value,
                            all[i].min, all[i].max);
    }
    return 0;
}

static int check_address(const struct tgvoip_relay_config *c, const char *name,
                         const char *text, struct tgv_addr *bind,
                         struct tgvoip_failure *failure)
{
    if (!text || !tgv_addr_parse(text, bind))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, name,
                        "\"%.64s\" is not HOST:PORT or [HOST]:PORT with a "
                        "numeric address",
                        text ? text : "");
    if (c->tag_count == 0 && !c->open && !tgv_addr_is_loopback(bind))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, text,
                        "not a loopback address: name the sessions, or "
                        "accept all tags with open");
    return 0;
}

int tgv_relay_config_check(const struct tgvoip_relay_config *c,
                           struct tgv_relay_bind *bind,
                           struct tgvoip_failure *failure)
{
    int err;

    memset(bind, 0, sizeof(*bind));
    if (!c || c->size < sizeof(*c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "config",
                        "tgvoip_relay_config_default() was not called");
    if (c->tag_count > 0 && !c->tags)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "tags", "is NULL");
    err = check_address(c, "listen", c->listen, &bind->udp, failure);
    if (!err && c->tcp_listen)
        err =
            check_address(c, "tcp_listen", c->tcp_listen, &bind->tcp, failure);
    return err ? err : check_limits(&c->limits, failure);
}
