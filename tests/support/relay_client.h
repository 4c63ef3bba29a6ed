/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_RELAY_CLIENT_H
#define TGV_TEST_RELAY_CLIENT_H
/*
 * Clients of the relay's core in a unit test: what they send by UDP and TCP,
 * and where a packet must go. After cmocka.h.
 */
#include "support/relay_core.h"
#include "transport/obfuscated.h"

/* A client's end of a connection. */
struct end {
    uint32_t conn;
    struct tgv_obf *obf;
    uint8_t header[TGV_OBF_HEADER];
};

static inline struct tgv_relay_config open_config(void)
{
    struct tgv_relay_config config = {.open = true, .hash_seed = 1};

    tgv_relay_limits_init(&config.limits);
    return config;
}

static inline void start_open(struct fixture *f)
{
    struct tgv_relay_config config = open_config();

    start(f, &config);
}

static inline int fill(void *ctx, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)tgv_prng_u64(ctx);
    return 0;
}

static inline uint32_t connect_from(struct fixture *f, const char *from)
{
    struct tgv_addr a = at(from);
    uint32_t conn;

    if (tgv_relay_conn_open(f->relay, &a, f->now, &conn))
        assert_int_equal(conn, 0);
    return conn;
}

static inline void give(struct fixture *f, uint32_t conn, const uint8_t *data,
                        size_t len, int expected)
{
    size_t used;

    assert_int_equal(tgv_relay_conn_receive(f->relay, conn, data, len, f->now,
                                            &used, &f->out),
                     expected);
    if (!expected)
        assert_int_equal(used, len);
}

/* Connected, with its header sent. */
static inline struct end new_end(struct fixture *f, const char *from)
{
    const struct tgv_random random = {fill, &f->prng};
    struct end e = {.conn = connect_from(f, from)};

    assert_true(e.conn > 0);
    assert_int_equal(tgv_obf_create_client(&e.obf, &random, e.header), 0);
    give(f, e.conn, e.header, sizeof(e.header), 0);
    return e;
}

static inline void end_gone(struct fixture *f, struct end *e)
{
    tgv_relay_conn_close(f->relay, e->conn);
    tgv_obf_destroy(e->obf);
    e->obf = NULL;
}

static inline void put_packet(struct fixture *f, uint32_t n, unsigned side,
                              size_t len)
{
    for (size_t i = 16; i < len; i++)
        f->pkt[i] = (uint8_t)(i * 7);
    put_tag(f->pkt, n, side);
}

static inline enum tgv_relay_verdict by_udp(struct fixture *f, const char *from,
                                            unsigned side, size_t len)
{
    struct tgv_addr a = at(from);

    put_packet(f, 1, side, len);
    tgv_relay_receive(f->relay, &a, f->pkt, len, f->now, &f->out);
    return f->out.verdict;
}

static inline enum tgv_relay_verdict
ping_by_udp(struct fixture *f, const char *from, unsigned side)
{
    struct tgv_addr a = at(from);

    put_packet(f, 1, side, 16);
    memset(f->pkt + 16, 0xFF, 24);
    f->pkt[28] = 0xFE;
    tgv_relay_receive(f->relay, &a, f->pkt, 40, f->now, &f->out);
    return f->out.verdict;
}

static inline void send_frame(struct fixture *f, struct end *e,
                              const uint8_t *pkt, size_t len, int expected)
{
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t n;

    assert_int_equal(tgv_obf_encode(e->obf, pkt, len, frame, sizeof(frame), &n),
                     0);
    give(f, e->conn, frame, n, expected);
}

static inline enum tgv_relay_verdict by_tcp(struct fixture *f, struct end *e,
                                            unsigned side, size_t len)
{
    put_packet(f, 1, side, len);
    send_frame(f, e, f->pkt, len, 0);
    return f->out.verdict;
}

/* The packet goes to this connection, and its client reads it. */
static inline void assert_reaches(struct fixture *f, struct end *e,
                                  unsigned side)
{
    uint8_t frame[TGV_OBF_FRAME_MAX], expected[1600];
    const uint8_t *packet;
    size_t n, used, len, out_len = f->out.len;

    assert_int_equal(f->out.verdict, TGV_RELAY_FORWARD);
    assert_int_equal(f->out.conn, e->conn);
    memcpy(expected, f->out.pkt, out_len);
    assert_int_equal(tgv_relay_conn_frame(f->relay, e->conn, f->out.pkt,
                                          out_len, frame, sizeof(frame), &n),
                     0);
    assert_int_equal(tgv_obf_decode(e->obf, frame, n, &used, &packet, &len), 0);
    assert_int_equal(used, n);
    assert_int_equal(len, out_len);
    assert_memory_equal(packet, expected, len);
    put_packet(f, 1, side, len); /* the receiver's own tag, nothing else */
    assert_memory_equal(packet, f->pkt, len);
}

static inline void assert_reaches_udp(struct fixture *f, const char *to)
{
    char buf[TGV_ADDR_TEXT];

    assert_int_equal(f->out.verdict, TGV_RELAY_FORWARD);
    assert_int_equal(f->out.conn, 0);
    assert_string_equal(tgv_addr_format(&f->out.to, buf, sizeof(buf)), to);
}

/* -- a caller with connections, a callee at 2.2.2.2:2 by UDP ---------------- */

static inline void start_with_callee(struct fixture *f)
{
    start_open(f);
    by_udp(f, "2.2.2.2:2", CALLEE, 50);
}

/* Both have sent call data. */
static inline struct end start_with_both(struct fixture *f)
{
    struct end e;

    start_with_callee(f);
    e = new_end(f, "1.1.1.1:5");
    by_tcp(f, &e, CALLER, 52);
    return e;
}

static inline void stop_with(struct fixture *f, struct end *e)
{
    end_gone(f, e);
    stop(f);
}

/* Call data of the callee reach the caller by this connection. */
static inline void assert_callee_reaches(struct fixture *f, struct end *e)
{
    by_udp(f, "2.2.2.2:2", CALLEE, 52);
    assert_reaches(f, e, CALLER);
}

static inline void assert_callee_reaches_udp(struct fixture *f, const char *to)
{
    by_udp(f, "2.2.2.2:2", CALLEE, 52);
    assert_reaches_udp(f, to);
}

#endif
