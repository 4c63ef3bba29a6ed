/* SPDX-License-Identifier: MIT */
#include "negotiate/relays.h"

#include "base/addr.h"
#include "base/failure.h"

#include <stdio.h>
#include <string.h>

int tgv_protocol_check(const struct tgvoip_phone_protocol *protocol, int *layer,
                       struct tgvoip_failure *failure)
{
    const char *version = NULL;
    char shown[64];

    /* The chosen version comes first; without any it is ours. */
    if (protocol->library_versions && protocol->library_version_count)
        version = protocol->library_versions[0];
    if (version && strcmp(version, TGVOIP_PROTOCOL_LIBRARY_VERSION) != 0) {
        tgv_log_escape(version, strlen(version), shown, sizeof(shown));
        return tgv_fail(failure, TGVOIP_ERR_INCOMPATIBLE, "library_versions",
                        "\"%s\" was chosen, only "
                        "\"" TGVOIP_PROTOCOL_LIBRARY_VERSION "\" is here",
                        shown);
    }
    if (protocol->max_layer < TGVOIP_MIN_LAYER ||
        protocol->min_layer > TGVOIP_MAX_LAYER)
        return tgv_fail(failure, TGVOIP_ERR_INCOMPATIBLE, "layer",
                        "%d..%d and %d..%d have nothing in common",
                        protocol->min_layer, protocol->max_layer,
                        TGVOIP_MIN_LAYER, TGVOIP_MAX_LAYER);
    *layer = protocol->max_layer > TGVOIP_MAX_LAYER ? TGVOIP_MAX_LAYER
                                                    : protocol->max_layer;
    return 0;
}

/* Copy text that is an address of this family. */
static void take_ip(const char *text, uint8_t family, char *out, size_t cap)
{
    struct tgv_addr addr;

    out[0] = '\0';
    if (text && strlen(text) < cap && tgv_addr_parse_ip(text, 0, &addr) &&
        addr.family == family)
        memcpy(out, text, strlen(text) + 1);
}

/* @return NULL if it is usable and taken, else why it is not */
static const char *take_relay(const struct tgvoip_phone_connection *c,
                              struct tgv_relay_choice *out)
{
    memset(out, 0, sizeof(*out));
    if (c->webrtc)
        return "is of the other kind (webrtc)";
    if (!c->peer_tag || c->peer_tag_len != TGV_PEER_TAG_BYTES)
        return "has a tag of another length";
    if (c->port < 1 || c->port > 65535)
        return "has a port out of range";
    take_ip(c->ip, TGV_AF_IPV4, out->ipv4, sizeof(out->ipv4));
    take_ip(c->ipv6, TGV_AF_IPV6, out->ipv6, sizeof(out->ipv6));
    if (!out->ipv4[0] && !out->ipv6[0])
        return "has no address that can be read";
    out->id = c->id;
    out->tcp = c->tcp;
    out->port = (uint16_t)c->port;
    memcpy(out->tag, c->peer_tag, sizeof(out->tag));
    return NULL;
}

/* Add a relay; of an id the first one counts, but UDP comes before TCP.
 * @return NULL, or why it is not added */
static const char *keep(struct tgv_relay_choice *relays, size_t *kept,
                        const struct tgv_relay_choice *r)
{
    for (size_t i = 0; i < *kept; i++) {
        if (relays[i].id != r->id)
            continue;
        if (r->tcp || !relays[i].tcp)
            return "has an id that came before";
        relays[i] = *r;
        return NULL;
    }
    relays[(*kept)++] = *r;
    return NULL;
}

size_t tgv_relays_choose(const struct tgvoip_phone_connection *single,
                         const struct tgvoip_phone_connection *list,
                         size_t count, struct tgv_relay_choice *out,
                         const struct tgv_log *log, tgv_time now)
{
    size_t kept = 0;

    if (!list)
        count = 0;
    for (size_t i = single ? 0 : 1; i <= count; i++) {
        const struct tgvoip_phone_connection *c = i ? &list[i - 1] : single;
        struct tgv_relay_choice relay;
        const char *why;

        if (kept == TGV_RELAYS_KEPT) {
            tgv_log(log, TGV_LOG_INFO, "negotiate", now,
                    "%zu connections are not used: the first %d are enough",
                    count - i + 1, TGV_RELAYS_KEPT);
            break;
        }
        why = take_relay(c, &relay);
        if (!why)
            why = keep(out, &kept, &relay);
        if (why)
            tgv_log(log, TGV_LOG_INFO, "negotiate", now,
                    "connection %lld skipped: it %s", (long long)c->id, why);
    }
    return kept;
}
