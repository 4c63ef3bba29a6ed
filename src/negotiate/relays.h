/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_RELAYS_H
#define TGV_NEGOTIATE_RELAYS_H
/*
 * From the server's phoneCall to what the engine can use: the version that
 * was chosen, and the relays among the connections.
 * Source: call signalling 5.2, 5.3
 */
#include "base/log.h"
#include "negotiate/limits.h"

#include <tgvoip/signaling.h>

struct tgv_relay_choice {
    int64_t id;
    bool tcp;
    char ipv4[16], ipv6[46]; /* text, checked; "" = none */
    uint16_t port;
    uint8_t tag[TGV_PEER_TAG_BYTES];
};

/*
 * Is the agreed protocol one that the engine speaks?
 * @param[out] layer for the engine, 65..92
 * @return 0; TGVOIP_ERR_INCOMPATIBLE, and failure says why
 */
int tgv_protocol_check(const struct tgvoip_phone_protocol *protocol, int *layer,
                       struct tgvoip_failure *failure);

/*
 * Choose the relays. Old shape: `single` first, then the list.
 * @param[out] out TGV_RELAYS_KEPT entries
 * @return their number; 0: nothing usable
 */
size_t tgv_relays_choose(const struct tgvoip_phone_connection *single,
                         const struct tgvoip_phone_connection *list,
                         size_t count, struct tgv_relay_choice *out,
                         const struct tgv_log *log, tgv_time now);

#endif
