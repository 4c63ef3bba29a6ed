/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"

#include "base/bytes.h"
#include "inspect/pcap.h"

#define ETHER_IPV4 0x0800u
#define ETHER_IPV6 0x86DDu
#define ETHER_VLAN 0x8100u
#define ETHER_QINQ 0x88A8u
#define ETHER_QINQ_OLD 0x9100u
#define VLANS_MAX 4
#define IPV6_HEADERS_MAX 8

#define PROTOCOL_UDP 17u
#define IPV6_HOP_BY_HOP 0u
#define IPV6_ROUTING 43u
#define IPV6_DESTINATION 60u
#define FRAGMENT_BITS 0x3FFFu /* more fragments, and offset */

/* Keep only the next n bytes: a frame may be padded behind them. */
static bool narrow(struct tgv_reader *r, size_t n)
{
    if (r->failed || n > tgv_reader_left(r))
        return false;
    r->len = r->pos + n;
    return true;
}

static bool find_udp(struct tgv_datagram *d, struct tgv_reader *r)
{
    size_t length;

    d->src.port = tgv_read_u16be(r);
    d->dst.port = tgv_read_u16be(r);
    length = tgv_read_u16be(r);
    tgv_read_u16be(r); /* checksum: offloading leaves it wrong */
    if (length < 8 || !narrow(r, length - 8))
        return false;
    d->len = length - 8;
    d->data = r->data + r->pos;
    return true;
}

static bool find_in_ipv4(struct tgv_datagram *d, struct tgv_reader *r)
{
    const uint8_t first = tgv_read_u8(r);
    const size_t head = (size_t)(first & 0x0F) * 4;
    size_t total;
    const uint8_t *ip;
    uint32_t fragment;
    uint8_t protocol;

    tgv_read_u8(r);
    total = tgv_read_u16be(r);
    tgv_read_u16be(r);
    fragment = tgv_read_u16be(r);
    tgv_read_u8(r);
    protocol = tgv_read_u8(r);
    tgv_read_u16be(r);
    ip = tgv_read_bytes(r, 8);
    if (!ip || first >> 4 != 4 || head < 20 || total < head ||
        (fragment & FRAGMENT_BITS) || protocol != PROTOCOL_UDP)
        return false;
    d->src = tgv_addr_ipv4(ip, 0);
    d->dst = tgv_addr_ipv4(ip + 4, 0);
    return narrow(r, total - 20) && tgv_read_bytes(r, head - 20) &&
           find_udp(d, r);
}

static bool find_in_ipv6(struct tgv_datagram *d, struct tgv_reader *r)
{
    const uint8_t *head = tgv_read_bytes(r, 4), *ip;
    size_t length = tgv_read_u16be(r);
    uint8_t next = tgv_read_u8(r);

    tgv_read_u8(r);
    ip = tgv_read_bytes(r, 32);
    if (!ip || head[0] >> 4 != 6 || !narrow(r, length))
        return false;
    d->src = tgv_addr_ipv6(ip, 0);
    d->dst = tgv_addr_ipv6(ip + 16, 0);
    for (int i = 0; i < IPV6_HEADERS_MAX && next != PROTOCOL_UDP; i++) {
        uint8_t type = next;

        if (type != IPV6_HOP_BY_HOP && type != IPV6_ROUTING &&
            type != IPV6_DESTINATION)
            return false;
        next = tgv_read_u8(r);
        if (!tgv_read_bytes(r, (size_t)tgv_read_u8(r) * 8 + 6))
            return false;
    }
    return next == PROTOCOL_UDP && find_udp(d, r);
}

/* What follows a field that holds the type of the network layer. */
static bool find_by_ether(struct tgv_datagram *d, struct tgv_reader *r,
                          uint32_t type)
{
    for (int i = 0;
         i < VLANS_MAX &&
         (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD);
         i++) {
        tgv_read_u16be(r);
        type = tgv_read_u16be(r);
    }
    if (type == ETHER_IPV4)
        return find_in_ipv4(d, r);
    return type == ETHER_IPV6 && find_in_ipv6(d, r);
}

static bool find_by_version(struct tgv_datagram *d, struct tgv_reader *r)
{
    if (tgv_reader_left(r) == 0)
        return false;
    if (r->data[r->pos] >> 4 == 4)
        return find_in_ipv4(d, r);
    return find_in_ipv6(d, r);
}

bool tgv_datagram_find(struct tgv_datagram *d, uint32_t link,
                       const uint8_t *frame, size_t len)
{
    struct tgv_reader r;
    uint32_t type;

    tgv_reader_init(&r, frame, len);
    switch (link) {
    case TGV_LINK_ETHERNET:
        tgv_read_bytes(&r, 12);
        type = tgv_read_u16be(&r);
        return find_by_ether(d, &r, type);
    case TGV_LINK_SLL:
        tgv_read_bytes(&r, 14);
        type = tgv_read_u16be(&r);
        return find_by_ether(d, &r, type);
    case TGV_LINK_SLL2:
        type = tgv_read_u16be(&r);
        tgv_read_bytes(&r, 18);
        return find_by_ether(d, &r, type);
    case TGV_LINK_NULL: /* a number of the family that each system has its */
    case TGV_LINK_LOOP: /* own of, in either byte order: ask the packet */
        tgv_read_bytes(&r, 4);
        return find_by_version(d, &r);
    case TGV_LINK_RAW:
    case TGV_LINK_RAW_BSD:
    case TGV_LINK_RAW_OPENBSD:
    case TGV_LINK_IPV4:
    case TGV_LINK_IPV6:
        return find_by_version(d, &r);
    default:
        return false;
    }
}
