/* SPDX-License-Identifier: MIT */
/* From an agreed key and the server's connections to a call's config: of our
 * own negotiation, or of a client that negotiates itself. */
#include <tgvoip/negotiate.h>

#include "base/failure.h"
#include "crypto/secret.h"
#include "negotiate/account.h"

#include <stdlib.h>
#include <string.h>

struct tgvoip_call_setup {
    bool outgoing, p2p_allowed;
    uint8_t key[TGVOIP_KEY_BYTES];
    int max_layer;
    unsigned init_timeout_ms, receive_timeout_ms;
    tgvoip_server_config *server_config; /* or NULL */
    struct tgv_relay_choice relays[TGV_RELAYS_KEPT]; /* hold the texts */
    struct tgvoip_endpoint endpoints[TGV_RELAYS_KEPT];
    size_t count;
};

void tgvoip_ready_call_default(struct tgvoip_ready_call *ready)
{
    if (!ready)
        return;
    memset(ready, 0, sizeof(*ready));
    ready->size = sizeof(*ready);
    ready->protocol.min_layer = TGVOIP_MIN_LAYER;
    ready->protocol.max_layer = TGVOIP_MAX_LAYER;
    ready->connect_timeout_ms = TGV_CONNECT_TIMEOUT_MS;
    ready->packet_timeout_ms = TGV_PACKET_TIMEOUT_MS;
}

static void make_endpoints(tgvoip_call_setup *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct tgv_relay_choice *r = &s->relays[i];
        struct tgvoip_endpoint *e = &s->endpoints[i];

        tgvoip_endpoint_default(e);
        e->id = r->id;
        e->ipv4 = r->ipv4[0] ? r->ipv4 : NULL;
        e->ipv6 = r->ipv6[0] ? r->ipv6 : NULL;
        e->port = r->port;
        e->type =
            r->tcp ? TGVOIP_ENDPOINT_TCP_RELAY : TGVOIP_ENDPOINT_UDP_RELAY;
        memcpy(e->tag, r->tag, sizeof(e->tag));
    }
}

static int take_server_config(tgvoip_call_setup *s, const char *json,
                              struct tgvoip_failure *failure)
{
    int err;

    if (!json)
        return 0;
    err = tgvoip_server_config_create(&s->server_config);
    if (err)
        return tgv_fail(failure, err, "call_config", "out of memory");
    return tgvoip_server_config_merge(s->server_config, json, strlen(json),
                                      NULL, failure);
}

static int check_ready(const struct tgvoip_ready_call *r,
                       struct tgvoip_failure *failure)
{
    if (!r || r->size < sizeof(*r))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "tgvoip_ready_call_default() was not called");
    if (!r->key || r->key_len < 1 || r->key_len > TGVOIP_KEY_BYTES)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key",
                        "must be 1 to %d bytes, got %zu", TGVOIP_KEY_BYTES,
                        r->key ? r->key_len : 0);
    if (r->connect_timeout_ms < 1 || r->connect_timeout_ms > TGV_TIMEOUT_MAX_MS)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "connect_timeout_ms",
                        "%d is out of range 1..%d", r->connect_timeout_ms,
                        TGV_TIMEOUT_MAX_MS);
    if (r->packet_timeout_ms < 1 || r->packet_timeout_ms > TGV_TIMEOUT_MAX_MS)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "packet_timeout_ms",
                        "%d is out of range 1..%d", r->packet_timeout_ms,
                        TGV_TIMEOUT_MAX_MS);
    return 0;
}

static int fill(tgvoip_call_setup *s, const struct tgvoip_ready_call *r,
                struct tgvoip_failure *failure)
{
    int err = tgv_protocol_check(&r->protocol, &s->max_layer, failure);

    if (err)
        return err;
    s->count = tgv_relays_choose(NULL, r->connections, r->connection_count,
                                 s->relays, NULL, 0);
    if (!s->count)
        return tgv_fail(failure, TGVOIP_ERR_INCOMPATIBLE, "connections",
                        "none is a relay");
    make_endpoints(s);
    s->outgoing = r->outgoing;
    s->p2p_allowed = r->p2p_allowed;
    s->init_timeout_ms = (unsigned)r->connect_timeout_ms;
    s->receive_timeout_ms = (unsigned)r->packet_timeout_ms;
    memcpy(s->key + sizeof(s->key) - r->key_len, r->key, r->key_len);
    tgv_wipe_traces();
    return take_server_config(s, r->call_config, failure);
}

int tgvoip_call_setup_create(tgvoip_call_setup **out,
                             const struct tgvoip_ready_call *ready,
                             struct tgvoip_failure *failure)
{
    tgvoip_call_setup *s;
    int err;

    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "is NULL");
    *out = NULL;
    err = check_ready(ready, failure);
    if (err)
        return err;
    s = calloc(1, sizeof(*s));
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "setup", "out of memory");
    err = fill(s, ready, failure);
    if (err) {
        tgvoip_call_setup_destroy(s);
        return err;
    }
    *out = s;
    return 0;
}

int tgvoip_negotiation_setup(const tgvoip_negotiation *n,
                             tgvoip_call_setup **out,
                             struct tgvoip_failure *failure)
{
    tgvoip_call_setup *s;
    int err;

    if (!n || !out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, n ? "out" : "negotiation",
                        "is NULL");
    *out = NULL;
    if (!tgv_neg_in_media(n) || !n->key_held)
        return tgv_fail(failure, TGVOIP_ERR_STATE, "negotiation",
                        "holds no key in state %s",
                        tgvoip_signal_state_str(n->state));
    s = calloc(1, sizeof(*s));
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "setup", "out of memory");
    s->outgoing = n->outgoing;
    s->p2p_allowed = n->p2p_allowed;
    s->max_layer = n->max_layer;
    s->init_timeout_ms = (unsigned)n->connect_timeout_ms;
    s->receive_timeout_ms = (unsigned)n->packet_timeout_ms;
    memcpy(s->key, n->secrets.key, sizeof(s->key));
    tgv_wipe_traces();
    memcpy(s->relays, n->relays, sizeof(s->relays));
    s->count = n->relay_count;
    make_endpoints(s);
    err = take_server_config(s, n->account->call_config, failure);
    if (err) {
        tgvoip_call_setup_destroy(s);
        return err;
    }
    *out = s;
    return 0;
}

int tgvoip_call_setup_apply(const tgvoip_call_setup *setup,
                            struct tgvoip_call_config *config)
{
    if (!setup || !config || config->size < sizeof(*config))
        return TGVOIP_ERR_INVALID;
    config->outgoing = setup->outgoing;
    config->key = setup->key;
    config->key_len = sizeof(setup->key);
    config->endpoints = setup->endpoints;
    config->endpoint_count = setup->count;
    config->max_layer = setup->max_layer;
    config->library_version = TGVOIP_PROTOCOL_LIBRARY_VERSION;
    config->allow_p2p = setup->p2p_allowed;
    config->init_timeout_ms = setup->init_timeout_ms;
    config->receive_timeout_ms = setup->receive_timeout_ms;
    config->server_config = setup->server_config;
    return 0;
}

void tgvoip_call_setup_destroy(tgvoip_call_setup *setup)
{
    if (!setup)
        return;
    tgvoip_server_config_destroy(setup->server_config);
    tgv_wipe(setup, sizeof(*setup));
    free(setup);
}
