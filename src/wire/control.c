/* SPDX-License-Identifier: MIT */
#include "wire/control.h"

#include "base/bytes.h"

#include <string.h>

#include <tgvoip/error.h>

#define TL_PING 0xFFFFFFFEu
#define TL_PEER_REQUEST 0xFFFFFFFFu
#define MARK_BYTES 12
#define MARK_END (TGV_TAG_BYTES + MARK_BYTES)

/* Kind on the wire and what must be there, tag included (C3). */
static const struct {
    enum tgv_control_kind kind;
    uint32_t tl_id;
    size_t len;
} kinds[] = {
    {TGV_CONTROL_PING, TL_PING, 40},
    {TGV_CONTROL_PEER_REQUEST, TL_PEER_REQUEST, 32},
    {TGV_CONTROL_SELF_INFO, TGV_TL_SELF_INFO, 64},
    {TGV_CONTROL_PEER_INFO, TGV_TL_PEER_INFO, 48},
    {TGV_CONTROL_PEER_INFO_IPV6, TGV_TL_PEER_INFO_IPV6, 72},
};

static const uint8_t mapped_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

bool tgv_control_is(const uint8_t *pkt, size_t len)
{
    if (len < MARK_END)
        return false;
    for (size_t i = TGV_TAG_BYTES; i < MARK_END; i++) {
        if (pkt[i] != 0xFF)
            return false;
    }
    return true;
}

static struct tgv_addr read_ipv4(struct tgv_reader *r)
{
    static const uint8_t none[4];
    const uint8_t *ip = tgv_read_bytes(r, 4);

    return tgv_addr_ipv4(ip ? ip : none, (uint16_t)tgv_read_u32le(r));
}

static struct tgv_addr read_ipv6(struct tgv_reader *r)
{
    static const uint8_t none[16];
    const uint8_t *ip = tgv_read_bytes(r, 16);

    return tgv_addr_ipv6(ip ? ip : none, (uint16_t)tgv_read_u32le(r));
}

static struct tgv_addr unmap(struct tgv_addr a)
{
    if (memcmp(a.ip, mapped_prefix, sizeof mapped_prefix) != 0)
        return a;
    return tgv_addr_ipv4(a.ip + sizeof mapped_prefix, a.port);
}

/* The fields after the kind; the length has been checked. */
static void read_body(struct tgv_control *m, struct tgv_reader *r)
{
    switch (m->kind) {
    case TGV_CONTROL_PING:
        m->query_id = tgv_read_u64le(r);
        break;
    case TGV_CONTROL_SELF_INFO:
        m->date = tgv_read_u32le(r);
        m->query_id = tgv_read_u64le(r);
        m->self = unmap(read_ipv6(r));
        break;
    case TGV_CONTROL_PEER_INFO:
        m->self = read_ipv4(r);
        m->peer = read_ipv4(r);
        break;
    case TGV_CONTROL_PEER_INFO_IPV6:
        m->self = read_ipv6(r);
        m->peer = read_ipv6(r);
        break;
    default:
        break;
    }
}

void tgv_control_decode(struct tgv_control *m, const uint8_t *pkt, size_t len)
{
    struct tgv_reader r;

    *m = (struct tgv_control){.kind = TGV_CONTROL_NONE};
    if (len < TGV_TAG_BYTES)
        return;
    memcpy(m->tag, pkt, TGV_TAG_BYTES);
    if (len == TGV_TAG_BYTES)
        m->kind = TGV_CONTROL_REGISTER;
    if (!tgv_control_is(pkt, len))
        return;
    tgv_reader_init(&r, pkt + MARK_END, len - MARK_END);
    m->tl_id = tgv_read_u32le(&r);
    m->kind = r.failed ? TGV_CONTROL_MALFORMED : TGV_CONTROL_UNKNOWN;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !r.failed; i++) {
        if (m->tl_id != kinds[i].tl_id)
            continue;
        m->kind = len < kinds[i].len ? TGV_CONTROL_MALFORMED : kinds[i].kind;
        read_body(m, &r);
    }
}

static void write_addr(struct tgv_writer *w, const struct tgv_addr *a,
                       enum tgv_family family)
{
    if (a->family != family)
        w->failed = true;
    tgv_write_bytes(w, a->ip, family == TGV_AF_IPV4 ? 4 : 16);
    tgv_write_u32le(w, a->port);
}

static void write_body(const struct tgv_control *m, struct tgv_writer *w)
{
    struct tgv_addr self = m->self;

    switch (m->kind) {
    case TGV_CONTROL_PING:
        tgv_write_u64le(w, m->query_id);
        break;
    case TGV_CONTROL_SELF_INFO:
        tgv_write_u32le(w, m->date);
        tgv_write_u64le(w, m->query_id);
        if (self.family == TGV_AF_IPV4) {
            tgv_write_bytes(w, mapped_prefix, sizeof mapped_prefix);
            write_addr(w, &self, TGV_AF_IPV4);
        } else {
            write_addr(w, &self, TGV_AF_IPV6);
        }
        break;
    case TGV_CONTROL_PEER_INFO:
        write_addr(w, &m->self, TGV_AF_IPV4);
        write_addr(w, &m->peer, TGV_AF_IPV4);
        break;
    case TGV_CONTROL_PEER_INFO_IPV6:
        write_addr(w, &m->self, TGV_AF_IPV6);
        write_addr(w, &m->peer, TGV_AF_IPV6);
        break;
    default:
        break;
    }
}

/* Whether the addresses are of the families that the message can carry. */
static bool addresses_fit(const struct tgv_control *m)
{
    switch (m->kind) {
    case TGV_CONTROL_SELF_INFO:
        return m->self.family != TGV_AF_NONE;
    case TGV_CONTROL_PEER_INFO:
        return m->self.family == TGV_AF_IPV4 && m->peer.family == TGV_AF_IPV4;
    case TGV_CONTROL_PEER_INFO_IPV6:
        return m->self.family == TGV_AF_IPV6 && m->peer.family == TGV_AF_IPV6;
    default:
        return true;
    }
}

int tgv_control_encode(const struct tgv_control *m, uint8_t *out, size_t cap,
                       size_t *len)
{
    uint8_t buf[TGV_CONTROL_MAX];
    struct tgv_writer w;
    bool known = m->kind == TGV_CONTROL_REGISTER;

    *len = 0;
    if (!addresses_fit(m))
        return TGVOIP_ERR_INVALID;
    tgv_writer_init(&w, buf, sizeof buf);
    tgv_write_bytes(&w, m->tag, TGV_TAG_BYTES);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (m->kind != kinds[i].kind)
            continue;
        for (size_t k = 0; k < MARK_BYTES; k++)
            tgv_write_u8(&w, 0xFF);
        tgv_write_u32le(&w, kinds[i].tl_id);
        write_body(m, &w);
        known = true;
    }
    if (!known)
        return TGVOIP_ERR_INVALID;
    if (w.failed || w.pos > cap)
        return TGVOIP_ERR_TOO_LARGE;
    memcpy(out, buf, w.pos);
    *len = w.pos;
    return 0;
}
