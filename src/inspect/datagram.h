/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_DATAGRAM_H
#define TGV_INSPECT_DATAGRAM_H
/*
 * From a captured frame to the UDP datagram in it: link layer, VLAN tags, IPv4
 * and IPv6 with its extension headers. Nothing is put together from fragments:
 * packets of a call never are any.
 */
#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_datagram {
    struct tgv_addr src, dst;
    const uint8_t *data; /* inside the frame */
    size_t len;
};

/* @param link enum tgv_link_type, or one that is not understood
 * @return false if the frame holds no whole UDP datagram */
bool tgv_datagram_find(struct tgv_datagram *d, uint32_t link,
                       const uint8_t *frame, size_t len);

#endif
