/* SPDX-License-Identifier: MIT */
/*
 * The relay's core with TCP clients. Input: u8 mode (bit 0: open to all tags),
 * then steps: u8 what, u8 which, u8 time step, and by bits 0-2 of what:
 *   0     a connection comes (which: from where), bit 3: with a good header
 *   1, 2  a frame by a client's codec: u8 tag, u8 length in words, bit 4: the
 *         content is control; 3 one by UDP
 *   4     bytes as they are: u8 length, bytes
 *   5     a connection ends
 *   6     nothing, time passes
 *   7     a frame in two pieces, cut at u8
 * Invariants: what goes to a connection is whole words, reaches one that is
 * open, of the other side, and is read there as it came but for the tag bit;
 * limits hold; everything expires.
 */
#include "fuzz.h"

#include "base/random.h"
#include "relay/relay.h"
#include "transport/obfuscated.h"
#include "wire/control.h"

#include <string.h>

#include <tgvoip/error.h>

#define CONNS 6
#define PER_SIDE 2
#define SESSIONS 3
#define PACKET_MAX (TGV_TAG_BYTES + 255 * 4)

struct world {
    struct fuzz_input in;
    struct tgv_relay *relay;
    struct tgv_prng prng;
    tgv_time now;
    struct tgv_obf *clients[CONNS + 1]; /* by the core's number */
    bool open[CONNS + 1];
    uint8_t pkt[PACKET_MAX], sent[PACKET_MAX];
    size_t len;
};

static struct tgv_addr source(unsigned n)
{
    uint8_t ip[16] = {192, 0, 2, (uint8_t)(n >> 1 & 1)};

    return n & 1 ? tgv_addr_ipv6(ip, 1000) : tgv_addr_ipv4(ip, 1000);
}

static void forget(struct world *w, uint32_t conn)
{
    tgv_relay_conn_close(w->relay, conn);
    tgv_obf_destroy(w->clients[conn]);
    w->clients[conn] = NULL;
    w->open[conn] = false;
}

/* The packet goes where the core said; whoever gets it can read it. */
static void check_out(struct world *w, const struct tgv_relay_out *out)
{
    uint8_t frame[TGV_OBF_FRAME_MAX];
    const uint8_t *packet;
    size_t n, used, len;

    if (out->verdict != TGV_RELAY_FORWARD)
        return;
    FUZZ_CHECK(out->len == w->len && (out->pkt[15] ^ w->sent[15]) == 1);
    FUZZ_CHECK(memcmp(out->pkt, w->sent, 15) == 0 &&
               memcmp(out->pkt + 16, w->sent + 16, w->len - 16) == 0);
    if (!out->conn)
        return;
    FUZZ_CHECK(out->conn <= CONNS && w->open[out->conn] && out->len % 4 == 0);
    FUZZ_CHECK(tgv_relay_conn_frame(w->relay, out->conn, out->pkt, out->len,
                                    frame, sizeof(frame), &n) == 0);
    if (!w->clients[out->conn])
        return; /* it has sent bytes as they are */
    FUZZ_CHECK(tgv_obf_decode(w->clients[out->conn], frame, n, &used, &packet,
                              &len) == 0);
    FUZZ_CHECK(packet && len == w->len && memcmp(packet, out->pkt, len) == 0);
}

/* @return false if the connection had to be closed */
static bool give(struct world *w, uint32_t conn, const uint8_t *data,
                 size_t len)
{
    struct tgv_relay_out out;
    size_t used;

    while (len > 0) {
        int err = tgv_relay_conn_receive(w->relay, conn, data, len, w->now,
                                         &used, &out);
        FUZZ_CHECK(used <= len && (err || used > 0));
        if (err) {
            forget(w, conn);
            return false;
        }
        FUZZ_CHECK(out.verdict != TGV_RELAY_REPLY);
        if (w->len)
            check_out(w, &out);
        data += used;
        len -= used;
    }
    return true;
}

static void arrive(struct world *w, unsigned what, unsigned which)
{
    const struct tgv_random random = tgv_prng_source(&w->prng);
    struct tgv_addr from = source(which);
    uint8_t header[TGV_OBF_HEADER];
    uint32_t conn;

    if (tgv_relay_conn_open(w->relay, &from, w->now, &conn))
        return;
    FUZZ_CHECK(conn >= 1 && conn <= CONNS && !w->open[conn]);
    w->open[conn] = true;
    if (!(what & 8))
        return;
    if (tgv_obf_create_client(&w->clients[conn], &random, header))
        abort();
    w->len = 0;
    FUZZ_CHECK(give(w, conn, header, sizeof(header)));
}

static void build(struct world *w, unsigned what)
{
    unsigned tag = fuzz_u8(&w->in);

    w->len = TGV_TAG_BYTES + fuzz_u8(&w->in) * 4u;
    memset(w->pkt, (int)tag, w->len);
    memset(w->pkt, (int)(tag & 6), TGV_TAG_BYTES);
    w->pkt[TGV_TAG_BYTES - 1] = tag & 7;
    if (what & 16 && w->len >= 28)
        memset(w->pkt + TGV_TAG_BYTES, 0xFF, 12);
    memcpy(w->sent, w->pkt, w->len);
}

static void send_frame(struct world *w, uint32_t conn, size_t cut)
{
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t n;

    if (!w->clients[conn])
        return;
    if (tgv_obf_encode(w->clients[conn], w->pkt, w->len, frame, sizeof(frame),
                       &n))
        abort();
    if (cut > n)
        cut = n;
    if (give(w, conn, frame, cut))
        give(w, conn, frame + cut, n - cut);
}

static void send_datagram(struct world *w, unsigned which, unsigned what)
{
    struct tgv_addr from = source(which);
    struct tgv_relay_out out;

    w->len -= what >> 6; /* not always whole words */
    tgv_relay_receive(w->relay, &from, w->pkt, w->len, w->now, &out);
    check_out(w, &out);
}

static void send_bytes(struct world *w, uint32_t conn)
{
    size_t n;
    const uint8_t *p = fuzz_bytes(&w->in, fuzz_u8(&w->in), &n);

    /* From now on its client does not know where the stream is. */
    tgv_obf_destroy(w->clients[conn]);
    w->clients[conn] = NULL;
    w->len = 0;
    give(w, conn, p, n);
}

static void expire(struct world *w)
{
    uint32_t conn;

    while ((conn = tgv_relay_conn_expired(w->relay, w->now)) != 0)
        forget(w, conn);
    tgv_relay_expire(w->relay, w->now);
    FUZZ_CHECK(tgv_relay_deadline(w->relay) > w->now);
}

static void step(struct world *w)
{
    unsigned what = fuzz_u8(&w->in), which = fuzz_u8(&w->in);
    unsigned pause = fuzz_u8(&w->in);
    uint32_t conn = 1 + which % CONNS;

    w->now += pause < 128 ? TGV_MS(pause) : TGV_S((pause - 128) / 2);
    if (pause & 1)
        expire(w);
    switch (what & 7) {
    case 0:
        arrive(w, what, which);
        break;
    case 1:
    case 2:
    case 7:
        build(w, what);
        send_frame(w, conn, (what & 7) == 7 ? fuzz_u8(&w->in) : SIZE_MAX);
        break;
    case 3:
        build(w, what);
        send_datagram(w, which, what);
        break;
    case 4:
        if (w->open[conn])
            send_bytes(w, conn);
        break;
    case 5:
        if (w->open[conn])
            forget(w, conn);
        break;
    default:
        break;
    }
}

static void check_stats(const struct world *w)
{
    struct tgv_relay_stats s;
    unsigned open = 0;

    for (uint32_t n = 1; n <= CONNS; n++)
        open += w->open[n];
    tgv_relay_stats(w->relay, &s);
    FUZZ_CHECK(s.conns == open && s.sessions <= SESSIONS);
    FUZZ_CHECK(s.sessions_created - s.sessions_expired == s.sessions);
    FUZZ_CHECK(s.frames_in <= s.packets_in && s.conns <= s.conns_accepted);
    FUZZ_CHECK(s.packets_forwarded + s.dropped_no_peer + s.dropped_rate +
                   s.dropped_length + s.dropped_tag + s.dropped_unknown_tag +
                   s.dropped_move + s.control_in <=
               s.packets_in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t known[16] = {2, 2, 2, 2, 2, 2, 2, 2,
                                      2, 2, 2, 2, 2, 2, 2, 2};
    struct tgv_relay_config config = {.hash_seed = 1};
    struct world w = {.in = {data, size}, .now = TGV_S(10)};

    config.open = fuzz_u8(&w.in) & 1;
    tgv_prng_init(&w.prng, 1);
    tgv_relay_limits_init(&config.limits);
    config.limits.sessions = SESSIONS;
    config.limits.conns = CONNS;
    config.limits.conns_per_side = PER_SIDE;
    config.limits.conns_per_host = CONNS / 2;
    if (tgv_relay_create(&w.relay, &config) ||
        tgv_relay_add_session(w.relay, known))
        abort();
    while (w.in.len > 2) {
        step(&w);
        check_stats(&w);
    }
    w.now += TGV_S(3600);
    expire(&w);
    check_stats(&w);
    FUZZ_CHECK(tgv_relay_deadline(w.relay) == TGV_NEVER);
    tgv_relay_destroy(w.relay);
    return 0;
}
