/* SPDX-License-Identifier: MIT */
/*
 * The relay's core. Input: u8 mode (bit 0: open to all tags), then datagrams:
 * u8 source and tag, u8 time step, u8 kind, bytes. Sources are few so that
 * sessions meet; a tag of the input is used when kind says so.
 * Invariants: at most one datagram out for one in, a control answer goes back
 * to its sender and is no longer than TGV_CONTROL_MAX, forwarding changes
 * exactly one bit and never returns to the sender, limits hold.
 */
#include "fuzz.h"

#include "relay/relay.h"
#include "wire/control.h"

#include <string.h>

#define TGV_LIMIT_SESSIONS 4
#define PACKET_MAX 1600

static struct tgv_addr source(unsigned n)
{
    uint8_t ip[16] = {192, 0, 2, (uint8_t)(n >> 1 & 3)};

    return n & 1 ? tgv_addr_ipv6(ip, (uint16_t)(1000 + (n >> 3 & 1)))
                 : tgv_addr_ipv4(ip, (uint16_t)(1000 + (n >> 3 & 1)));
}

static size_t build(struct fuzz_input *in, unsigned tag, unsigned kind,
                    uint8_t *pkt)
{
    size_t at = 0, n;
    const uint8_t *p;

    if (!(kind & 128)) {
        memset(pkt, (int)tag, TGV_TAG_BYTES);
        at = TGV_TAG_BYTES;
    }
    if (kind & 64) {
        memset(pkt + at, 0xFF, 12);
        at += 12;
    }
    p = fuzz_bytes(in, kind & 63, &n);
    memcpy(pkt + at, p, n);
    at += n;
    if ((kind & 63) == 63) { /* a large one */
        n = fuzz_u16(in) % (PACKET_MAX - at);
        memset(pkt + at, 0x55, n);
        at += n;
    }
    return at;
}

static void check_out(const struct tgv_relay_out *out,
                      const struct tgv_addr *from, const uint8_t *before,
                      const uint8_t *pkt, size_t len)
{
    switch (out->verdict) {
    case TGV_RELAY_DROP:
        break;
    case TGV_RELAY_REPLY:
        FUZZ_CHECK(tgv_addr_equal(&out->to, from));
        FUZZ_CHECK(out->len <= TGV_CONTROL_MAX && tgv_control_is(pkt, len));
        FUZZ_CHECK(memcmp(out->pkt, before, TGV_TAG_BYTES) == 0);
        break;
    case TGV_RELAY_FORWARD:
        FUZZ_CHECK(!tgv_control_is(pkt, len) && len > TGV_TAG_BYTES &&
                   len <= TGV_DATAGRAM_MAX);
        FUZZ_CHECK(out->pkt == pkt && out->len == len);
        FUZZ_CHECK((pkt[15] ^ before[15]) == 1);
        FUZZ_CHECK(memcmp(pkt, before, 15) == 0 &&
                   memcmp(pkt + 16, before + 16, len - 16) == 0);
        break;
    }
}

static void check_stats(const struct tgv_relay *r)
{
    struct tgv_relay_stats s;
    uint64_t out;

    tgv_relay_stats(r, &s);
    FUZZ_CHECK(s.sessions <= TGV_LIMIT_SESSIONS);
    FUZZ_CHECK(s.sessions_created - s.sessions_expired == s.sessions);
    out = s.packets_forwarded + s.control_answered + s.dropped_short +
          s.dropped_large + s.dropped_unknown_tag + s.dropped_no_peer +
          s.dropped_rate + s.dropped_control_rate + s.dropped_move;
    FUZZ_CHECK(out <= s.packets_in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    static const uint8_t known[16] = {[0] = 2, [15] = 2};
    struct tgv_relay_config config = {.hash_seed = 1};
    uint8_t pkt[PACKET_MAX], before[PACKET_MAX];
    struct tgv_relay_out out;
    struct tgv_relay *r;
    tgv_time now = TGV_S(10);

    config.open = fuzz_u8(&in) & 1;
    tgv_relay_limits_init(&config.limits);
    config.limits.sessions = TGV_LIMIT_SESSIONS;
    if (tgv_relay_create(&r, &config) || tgv_relay_add_session(r, known))
        abort();
    while (in.len > 2) {
        unsigned who = fuzz_u8(&in), step = fuzz_u8(&in), kind = fuzz_u8(&in);
        struct tgv_addr from = source(who), to;
        uint32_t conn;
        size_t len = build(&in, who >> 4, kind, pkt);
        now += step < 128 ? TGV_MS(step) : TGV_S(step - 128);
        if (step & 1)
            tgv_relay_expire(r, now);
        memcpy(before, pkt, len);
        tgv_relay_receive(r, &from, pkt, len, now, &out);
        check_out(&out, &from, before, pkt, len);
        if (out.verdict == TGV_RELAY_FORWARD)
            FUZZ_CHECK(tgv_relay_flow_way(r, out.flow, &to, &conn) && !conn &&
                       tgv_addr_equal(&to, &out.to));
        check_stats(r);
        tgv_relay_expire(r, now);
        FUZZ_CHECK(tgv_relay_deadline(r) > now);
    }
    tgv_relay_expire(r, now + TGV_S(3600));
    check_stats(r);
    FUZZ_CHECK(tgv_relay_deadline(r) == TGV_NEVER);
    tgv_relay_destroy(r);
    return 0;
}
