/* SPDX-License-Identifier: MIT */
#include "api/call.h"
#include "api/server_config.h"
#include "base/failure.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES 256

void tgvoip_call_config_default(struct tgvoip_call_config *config)
{
    if (!config)
        return;
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->max_layer = TGVOIP_MAX_LAYER;
    config->init_timeout_ms = 30000;
    config->receive_timeout_ms = 20000;
    config->network_type = TGVOIP_NET_UNKNOWN;
    config->complexity = 10;
}

void tgvoip_endpoint_default(struct tgvoip_endpoint *endpoint)
{
    if (!endpoint)
        return;
    memset(endpoint, 0, sizeof(*endpoint));
    endpoint->size = sizeof(*endpoint);
    endpoint->type = TGVOIP_ENDPOINT_UDP_RELAY;
}

void tgvoip_proxy_default(struct tgvoip_proxy *proxy)
{
    if (!proxy)
        return;
    memset(proxy, 0, sizeof(*proxy));
    proxy->size = sizeof(*proxy);
}

/* Name of an argument of endpoint i, in a buffer of the caller. */
static const char *field(char *text, size_t cap, size_t i, const char *name)
{
    snprintf(text, cap, "endpoints[%zu].%s", i, name);
    return text;
}

/* Of one host: neither "any" nor multicast. */
static bool is_host(const struct tgv_addr *a)
{
    static const uint8_t any[16];

    return memcmp(a->ip, any, sizeof(any)) != 0 &&
           (a->family == TGV_AF_IPV4 ? a->ip[0] < 224 : a->ip[0] != 0xFF);
}

static int check_ip(const char *text, uint8_t family, uint16_t port, size_t i,
                    struct tgv_addr *out, struct tgvoip_failure *failure)
{
    bool v4 = family == TGV_AF_IPV4;
    char what[48], shown[64];

    if (!text)
        return 0;
    bool is_ip = tgv_addr_parse_ip(text, port, out) && out->family == family;
    if (is_ip && is_host(out))
        return 0;
    tgv_log_escape(text, strlen(text), shown, sizeof(shown));
    field(what, sizeof(what), i, v4 ? "ipv4" : "ipv6");
    return is_ip
               ? tgv_fail(failure, TGVOIP_ERR_INVALID, what,
                          "\"%s\" is not the address of a host", shown)
               : tgv_fail(failure, TGVOIP_ERR_INVALID, what,
                          "\"%s\" is not an IPv%d address", shown, v4 ? 4 : 6);
}

static int check_endpoint(const struct tgvoip_endpoint *e, size_t i,
                          struct tgv_relay_entry *out,
                          struct tgvoip_failure *failure)
{
    char what[48];

    memset(out, 0, sizeof(*out));
    if (e->size < sizeof(*e))
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        field(what, sizeof(what), i, "size"),
                        "tgvoip_endpoint_default() was not called");
    if (e->type != TGVOIP_ENDPOINT_UDP_RELAY &&
        e->type != TGVOIP_ENDPOINT_TCP_RELAY)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        field(what, sizeof(what), i, "type"),
                        "must be UDP_RELAY or TCP_RELAY, got %d", (int)e->type);
    if (e->port == 0)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        field(what, sizeof(what), i, "port"),
                        "0 is out of range 1..65535");
    if (!e->ipv4 && !e->ipv6)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        field(what, sizeof(what), i, "ipv4"),
                        "neither an IPv4 nor an IPv6 address is given");
    out->id = e->id;
    out->tcp = e->type == TGVOIP_ENDPOINT_TCP_RELAY;
    memcpy(out->tag, e->tag, sizeof(out->tag));
    int err = check_ip(e->ipv4, TGV_AF_IPV4, e->port, i, &out->ipv4, failure);
    if (!err)
        err = check_ip(e->ipv6, TGV_AF_IPV6, e->port, i, &out->ipv6, failure);
    return err;
}

static int check_endpoints(const struct tgvoip_call_config *c,
                           struct tgv_relay_entry *relays,
                           struct tgvoip_failure *failure)
{
    if (c->endpoint_count < 1 || c->endpoint_count > TGV_RELAYS_MAX)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "endpoints",
                        "must be 1 to %d, got %zu", TGV_RELAYS_MAX,
                        c->endpoint_count);
    if (!c->endpoints)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "endpoints", "is NULL");
    for (size_t i = 0; i < c->endpoint_count; i++) {
        int err = check_endpoint(&c->endpoints[i], i, &relays[i], failure);
        if (err)
            return err;
    }
    return 0;
}

/* -- proxy ----------------------------------------------------------------- */

/* Copy text of the proxy; what is too long is not shown. */
static int take_text(const char *what, const char *text, char out[256],
                     struct tgvoip_failure *failure)
{
    size_t len = text ? strlen(text) : 0;

    if (len > 255)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, what,
                        "must be up to 255 bytes, got %zu", len);
    memcpy(out, text ? text : "", len + 1);
    return 0;
}

static int check_proxy(const struct tgvoip_proxy *p,
                       struct tgv_proxy_entry *out,
                       struct tgvoip_failure *failure)
{
    if (!p)
        return 0;
    if (p->size < sizeof(*p))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "proxy.size",
                        "tgvoip_proxy_default() was not called");
    if (!p->host || !p->host[0])
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "proxy.host", "is empty");
    if (p->port == 0)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "proxy.port",
                        "0 is out of range 1..65535");
    out->port = p->port;
    int err = take_text("proxy.host", p->host, out->host, failure);
    if (!err)
        err = take_text("proxy.user", p->user, out->user, failure);
    if (!err)
        err = take_text("proxy.password", p->password, out->password, failure);
    return err;
}

/* -- the rest -------------------------------------------------------------- */

/* A number with its limits. */
static int check_range(const char *what, long value, long least, long most,
                       struct tgvoip_failure *failure)
{
    if (value >= least && value <= most)
        return 0;
    return tgv_fail(failure, TGVOIP_ERR_INVALID, what,
                    "%ld is out of range %ld..%ld", value, least, most);
}

static int check_numbers(const struct tgvoip_call_config *c,
                         struct tgvoip_failure *failure)
{
    const struct {
        const char *what;
        long value, least, most;
    } t[] = {
        {"max_layer", c->max_layer, TGVOIP_MIN_LAYER, TGVOIP_MAX_LAYER},
        {"init_timeout_ms", c->init_timeout_ms, 1, TGV_UCALL_TIMEOUT_MAX_MS},
        {"receive_timeout_ms", c->receive_timeout_ms, 1,
         TGV_UCALL_TIMEOUT_MAX_MS},
        {"data_saving", (long)c->data_saving, TGVOIP_DATA_SAVING_NEVER,
         TGVOIP_DATA_SAVING_ALWAYS},
        {"network_type", (long)c->network_type, TGVOIP_NET_UNKNOWN,
         TGVOIP_NET_OTHER_MOBILE},
        {"complexity", c->complexity, 0, 10},
    };
    int err = 0;

    for (size_t i = 0; !err && i < sizeof(t) / sizeof(t[0]); i++)
        err =
            check_range(t[i].what, t[i].value, t[i].least, t[i].most, failure);
    if (!err && c->min_frame_ms != 0 && c->min_frame_ms != 20 &&
        c->min_frame_ms != 40 && c->min_frame_ms != 60)
        err = tgv_fail(failure, TGVOIP_ERR_INVALID, "min_frame_ms",
                       "must be 20, 40 or 60, or 0 for 20, got %u",
                       c->min_frame_ms);
    return err;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    while (len > 0 && bytes[len - 1] == 0)
        len--;
    return len == 0;
}

static int check_form(const struct tgvoip_call_config *c,
                      struct tgvoip_failure *failure)
{
    if (c->size < sizeof(*c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "tgvoip_call_config_default() was not called");
    if (c->library_version &&
        strcmp(c->library_version, TGVOIP_PROTOCOL_LIBRARY_VERSION) != 0) {
        char shown[64];
        tgv_log_escape(c->library_version, strlen(c->library_version), shown,
                       sizeof(shown));
        return tgv_fail(failure, TGVOIP_ERR_UNSUPPORTED, "library_version",
                        "\"%s\" is not available in this version", shown);
    }
    if (!c->key)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key", "is NULL");
    if (c->key_len != KEY_BYTES)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key",
                        "must be %d bytes, got %zu", KEY_BYTES, c->key_len);
    if (is_zero(c->key, c->key_len))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key",
                        "is all zeros: it was never set");
    return 0;
}

bool tgv_ucall_saves_data(enum tgvoip_data_saving mode,
                          enum tgvoip_network_type type)
{
    return mode == TGVOIP_DATA_SAVING_ALWAYS ||
           (mode == TGVOIP_DATA_SAVING_MOBILE && tgv_network_mobile((int)type));
}

int tgv_ucall_check_config(const struct tgvoip_call_config *c,
                           struct tgv_call_config *out,
                           struct tgv_relay_entry *relays,
                           struct tgvoip_failure *failure)
{
    int err = check_form(c, failure);
    if (!err)
        err = check_numbers(c, failure);
    if (!err)
        err = check_endpoints(c, relays, failure);
    if (err)
        return err;
    *out = (struct tgv_call_config){
        .outgoing = c->outgoing,
        .relays = relays,
        .relay_count = c->endpoint_count,
        .max_layer = c->max_layer,
        .allow_p2p = c->allow_p2p,
        .allow_v1 = c->allow_v1,
        .init_timeout = TGV_MS(c->init_timeout_ms),
        .receive_timeout = TGV_MS(c->receive_timeout_ms),
        .data_saving = tgv_ucall_saves_data(c->data_saving, c->network_type),
        .network_type = (int)c->network_type,
        .muted = c->muted,
        .complexity = c->complexity,
        .min_frame_ms = c->min_frame_ms,
        .persistent_state = c->persistent_state,
        .server_config = c->server_config ? &c->server_config->values : NULL,
        .codec = tgv_codec_opus(),
    };
    memcpy(out->key, c->key, sizeof(out->key));
    tgv_wipe_traces();
    return check_proxy(c->proxy, &out->proxy, failure);
}
