/* SPDX-License-Identifier: MIT */
#ifndef TGV_WIRE_CONTROL_H
#define TGV_WIRE_CONTROL_H
/*
 * Clear-text messages between a client and a UDP relay, tag included.
 * Source: wire specification 2
 */
#include "base/addr.h"
#include "wire/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tgv_control_kind {
    TGV_CONTROL_NONE = 0, /* not a control message */
    TGV_CONTROL_REGISTER, /* the bare tag */
    TGV_CONTROL_PING, /* self-info request */
    TGV_CONTROL_PEER_REQUEST,
    TGV_CONTROL_SELF_INFO,
    TGV_CONTROL_PEER_INFO, /* IPv4 */
    TGV_CONTROL_PEER_INFO_IPV6,
    TGV_CONTROL_UNKNOWN, /* twelve FF, but no kind that we know */
    TGV_CONTROL_MALFORMED /* a kind that we know, too short */
};

struct tgv_control {
    enum tgv_control_kind kind;
    uint8_t tag[TGV_TAG_BYTES];
    uint32_t tl_id; /* the 32-bit kind as it stands there */
    uint64_t query_id; /* PING, SELF_INFO */
    uint32_t date; /* SELF_INFO, Unix time */
    struct tgv_addr
        self; /* SELF_INFO (mapped IPv4 comes as IPv4), PEER_INFO* */
    struct tgv_addr peer; /* PEER_INFO* */
};

#define TGV_CONTROL_MAX 72

/* "SELF_INFO_REQUEST", "SELF_INFO", ...; "?" if it has no name. */
const char *tgv_control_kind_str(enum tgv_control_kind kind);

/* True if the datagram (tag included) must never be decrypted. */
bool tgv_control_is(const uint8_t *pkt, size_t len);
/* Never fails: says NONE, UNKNOWN or MALFORMED. */
void tgv_control_decode(struct tgv_control *m, const uint8_t *pkt, size_t len);
/* Encode by m->kind (REGISTER..PEER_INFO_IPV6). Ports go as 32 bits. */
int tgv_control_encode(const struct tgv_control *m, uint8_t *out, size_t cap,
                       size_t *len);

#endif
