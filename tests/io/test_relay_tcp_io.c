/* SPDX-License-Identifier: MIT */
/* A relay's TCP side on loopback sockets, used as clients would. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <tgvoip/relay.h>

#include "base/random.h"
#include "transport/obfuscated.h"

#define WATCHDOG_S 40
#define ANSWER_MS 5000 /* longest wait for what must come */
#define LEN 100

static const uint8_t tags[2][16] = {{1, 2, 3, 4, [15] = 0x10},
                                    {1, 2, 3, 4, [15] = 0x11}};
enum { CALLER, CALLEE };

struct fixture {
    tgvoip_engine *engine;
    tgvoip_relay *relay;
    struct tgv_prng prng;
    int64_t now; /* of a stepped engine */
    bool stepped;
};

/* A client's connection. */
struct end {
    int fd;
    struct tgv_obf *obf;
    uint8_t header[TGV_OBF_HEADER];
    uint8_t in[4096]; /* bytes read and not decoded */
    size_t at, have;
    uint8_t packet[TGV_OBF_PACKET_MAX];
};

static int64_t read_clock(void *ctx)
{
    return *(const int64_t *)ctx;
}

static struct tgvoip_relay_config local_config(void)
{
    struct tgvoip_relay_config config;

    tgvoip_relay_config_default(&config);
    config.listen = "127.0.0.1:0";
    config.tcp_listen = "127.0.0.1:0";
    return config;
}

static void begin(struct fixture *f, const struct tgvoip_relay_config *config,
                  bool stepped)
{
    struct tgvoip_engine_config engine;
    struct tgvoip_failure failure = {0};

    memset(f, 0, sizeof(*f));
    tgv_prng_init(&f->prng, 4);
    f->now = 1000000;
    f->stepped = stepped;
    tgvoip_engine_config_default(&engine);
    engine.loops = 1;
    if (stepped) {
        engine.own_loop = true;
        engine.clock = read_clock;
        engine.clock_ctx = &f->now;
    }
    assert_int_equal(tgvoip_engine_create(&f->engine, &engine, &failure), 0);
    if (tgvoip_relay_create(f->engine, &f->relay, config, &failure))
        fail_msg("%s: %s", failure.what, failure.why);
}

static void start(struct fixture *f, const struct tgvoip_relay_config *config)
{
    begin(f, config, false);
}

static void stop(struct fixture *f)
{
    tgvoip_relay_destroy(f->relay);
    tgvoip_engine_destroy(f->engine);
}

static struct tgvoip_relay_stats stats(const struct fixture *f)
{
    struct tgvoip_relay_stats s;

    assert_int_equal(tgvoip_relay_get_stats(f->relay, &s), 0);
    return s;
}

static int connect_socket(int type, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, type, 0), on = 1;

    assert_true(fd >= 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)tgv_prng_u64(ctx);
    return 0;
}

/* A connection whose header has not been sent. */
static void dial(struct fixture *f, struct end *e)
{
    const struct tgv_random random = {fill, &f->prng};

    memset(e, 0, sizeof(*e));
    e->fd = connect_socket(SOCK_STREAM, tgvoip_relay_tcp_port(f->relay));
    assert_int_equal(tgv_obf_create_client(&e->obf, &random, e->header), 0);
}

static void send_all(int fd, const uint8_t *data, size_t len, size_t piece)
{
    while (len > 0) {
        ssize_t n = send(fd, data, piece < len ? piece : len, MSG_NOSIGNAL);
        assert_true(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

static void make_packet(uint8_t *pkt, size_t len, unsigned side, uint32_t n)
{
    memset(pkt, 0x5A, len);
    memcpy(pkt, tags[side], 16);
    if (len >= 20)
        memcpy(pkt + 16, &n, sizeof(n));
}

/* Send a frame; its content is a packet with a number. */
static void send_frame(struct end *e, unsigned side, size_t len, uint32_t n)
{
    uint8_t pkt[TGV_OBF_PACKET_MAX], frame[TGV_OBF_FRAME_MAX];
    size_t frame_len;

    make_packet(pkt, len, side, n);
    assert_int_equal(
        tgv_obf_encode(e->obf, pkt, len, frame, sizeof(frame), &frame_len), 0);
    send_all(e->fd, frame, frame_len, frame_len);
}

static void call_up(struct fixture *f, struct end *e)
{
    dial(f, e);
    send_all(e->fd, e->header, sizeof(e->header), sizeof(e->header));
}

static void hang_up(struct end *e)
{
    close(e->fd);
    tgv_obf_destroy(e->obf);
}

static bool readable(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, wait_ms) > 0;
}

/* The next packet's length, 0 if the stream has ended, -1 if nothing comes. */
static int receive(struct end *e, int wait_ms)
{
    for (;;) {
        const uint8_t *packet = NULL;
        size_t used, len;
        ssize_t n;
        if (e->at < e->have) {
            assert_int_equal(tgv_obf_decode(e->obf, e->in + e->at,
                                            e->have - e->at, &used, &packet,
                                            &len),
                             0);
            e->at += used;
        }
        if (packet) {
            memcpy(e->packet, packet, len);
            return (int)len;
        }
        if (!readable(e->fd, wait_ms))
            return -1;
        n = recv(e->fd, e->in, sizeof(e->in), 0);
        if (n <= 0)
            return 0;
        e->at = 0;
        e->have = (size_t)n;
    }
}

static void assert_packet(const uint8_t *pkt, size_t len, unsigned side,
                          uint32_t n)
{
    uint8_t expected[TGV_OBF_PACKET_MAX];

    make_packet(expected, len, side, n);
    assert_memory_equal(pkt, expected, len);
}

static void send_datagram(int fd, unsigned side, size_t len, uint32_t n)
{
    uint8_t pkt[TGV_OBF_PACKET_MAX];

    make_packet(pkt, len, side, n);
    assert_int_equal(send(fd, pkt, len, 0), len);
}

/* Registered once the relay has answered. */
static int udp_client(struct fixture *f, unsigned side)
{
    int fd = connect_socket(SOCK_DGRAM, tgvoip_relay_port(f->relay));
    uint8_t pkt[64];

    memset(pkt, 0xFF, 40);
    memcpy(pkt, tags[side], 16);
    pkt[28] = 0xFE;
    assert_int_equal(send(fd, pkt, 40, 0), 40);
    assert_true(readable(fd, ANSWER_MS));
    assert_int_equal(recv(fd, pkt, sizeof(pkt), 0), 64);
    return fd;
}

/* Until the counter has that value. */
#define await(f, counter, value)                                               \
    do {                                                                       \
        for (int try_ = 0; try_ < 2500 && stats(f).counter != (value);         \
             try_++) {                                                         \
            if ((f)->stepped)                                                  \
                assert_int_equal(tgvoip_engine_step((f)->engine), 0);          \
            poll(NULL, 0, 2);                                                  \
        }                                                                      \
        assert_int_equal(stats(f).counter, value);                             \
    } while (0)

static void test_relay_tcp_and_udp_clients_in_one_session(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end caller;
    uint8_t buf[2048];
    int callee;

    start(&f, &config);
    callee = udp_client(&f, CALLEE);
    dial(&f, &caller);
    send_all(caller.fd, caller.header, sizeof(caller.header), 1);
    for (uint32_t i = 0; i < 40; i++) {
        send_frame(&caller, CALLER, LEN, i);
        assert_true(readable(callee, ANSWER_MS));
        assert_int_equal(recv(callee, buf, sizeof(buf), 0), LEN);
        assert_packet(buf, LEN, CALLEE, i);
        send_datagram(callee, CALLEE, LEN, 1000 + i);
        assert_int_equal(receive(&caller, ANSWER_MS), LEN);
        assert_packet(caller.packet, LEN, CALLER, 1000 + i);
        /* in one piece: one known client needs that */
        assert_int_equal(caller.have, LEN + 1);
    }
    assert_int_equal(stats(&f).packets_forwarded, 80);
    assert_int_equal(stats(&f).tcp_frames_in, 40);
    assert_int_equal(stats(&f).tcp_connections, 1);
    hang_up(&caller);
    await(&f, tcp_connections, 0);
    close(callee);
    stop(&f);
}

static void test_relay_tcp_clients_with_large_frames_in_pieces(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end ends[2];
    uint8_t pkt[TGV_OBF_PACKET_MAX], stream[4 * TGV_OBF_FRAME_MAX];
    size_t len, total = 0;

    start(&f, &config);
    for (unsigned i = 0; i < 2; i++) {
        call_up(&f, &ends[i]);
        send_frame(&ends[i], i, 16, 0);
    }
    await(&f, tcp_frames_in, 2);
    for (uint32_t i = 0; i < 4; i++) {
        make_packet(pkt, sizeof(pkt), CALLER, i);
        assert_int_equal(tgv_obf_encode(ends[0].obf, pkt, sizeof(pkt),
                                        stream + total, TGV_OBF_FRAME_MAX,
                                        &len),
                         0);
        total += len;
    }
    send_all(ends[0].fd, stream, total, 61);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(receive(&ends[1], ANSWER_MS), TGV_OBF_PACKET_MAX);
        assert_packet(ends[1].packet, TGV_OBF_PACKET_MAX, CALLEE, i);
    }
    hang_up(&ends[0]);
    stop(&f); /* with a connection open */
    assert_int_equal(receive(&ends[1], ANSWER_MS), 0);
    hang_up(&ends[1]);
}

static void test_relay_tcp_wrong_headers_and_frames_are_closed(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    uint8_t junk[2000];
    struct end e;

    start(&f, &config);
    tgv_prng_init(&f.prng, 31);
    for (uint32_t i = 0; i < 20; i++) {
        int fd = connect_socket(SOCK_STREAM, tgvoip_relay_tcp_port(f.relay));
        fill(&f.prng, junk, sizeof(junk));
        send_all(fd, junk, 64 + 64 * i, 2000);
        assert_true(readable(fd, ANSWER_MS));
        assert_true(recv(fd, junk, sizeof(junk), 0) <= 0);
        close(fd);
        await(&f, tcp_closed_broken, i + 1);
    }
    /* A frame of 1504 bytes: the first byte of another's length says so. */
    call_up(&f, &e);
    make_packet(junk, 512, CALLER, 0);
    size_t len;
    uint8_t frame[TGV_OBF_FRAME_MAX];
    assert_int_equal(
        tgv_obf_encode(e.obf, junk, 512, frame, sizeof(frame), &len), 0);
    frame[1] ^= 0x80 ^ (376 & 0xFF);
    frame[2] ^= 376 >> 8;
    send_all(e.fd, frame, 4, 4);
    assert_int_equal(receive(&e, ANSWER_MS), 0);
    await(&f, tcp_closed_broken, 21);
    await(&f, tcp_connections, 0);
    hang_up(&e);
    stop(&f);
}

static void
test_relay_tcp_slow_reader_loses_frames_and_holds_up_nobody(void **s)
{
    (void)s;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end caller, slow;
    int other[2];
    uint32_t sent = 0, n, last = 0, got = 0;
    uint8_t buf[2048];

    config.limits.packets_per_side_s = 1000000;
    config.limits.kbit_per_side_s = 1000000;
    start(&f, &config);
    call_up(&f, &slow);
    send_frame(&slow, CALLEE, 16, 0);
    await(&f, tcp_frames_in, 1);
    call_up(&f, &caller);
    while (stats(&f).dropped_tcp_queue < 100 && sent < 20000)
        send_frame(&caller, CALLER, 1400, ++sent);
    assert_in_range(stats(&f).dropped_tcp_queue, 100, sent);
    for (int i = 0; i < 2; i++) { /* somebody else's call */
        other[i] = connect_socket(SOCK_DGRAM, tgvoip_relay_port(f.relay));
        memset(buf, 7, sizeof(buf));
        buf[15] = (uint8_t)(0x70 | i);
        assert_int_equal(send(other[i], buf, 100, 0), 100);
    }
    assert_true(readable(other[0], ANSWER_MS));
    /* What was not dropped arrives whole, and in order. */
    await(&f, tcp_frames_in, 1 + sent);
    while (got + stats(&f).dropped_tcp_queue < sent) {
        assert_int_equal(receive(&slow, ANSWER_MS), 1400);
        memcpy(&n, slow.packet + 16, sizeof(n));
        assert_packet(slow.packet, 1400, CALLEE, n);
        assert_true(n > last);
        last = n;
        got++;
    }
    assert_true(got > 0);
    /* And then the call goes on. */
    send_frame(&caller, CALLER, LEN, 7);
    assert_int_equal(receive(&slow, ANSWER_MS), LEN);
    for (int i = 0; i < 2; i++)
        close(other[i]);
    hang_up(&caller);
    hang_up(&slow);
    stop(&f);
}

static void test_relay_tcp_silent_connections_are_closed_in_time(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end silent, headed, good;

    begin(&f, &config, true);
    dial(&f, &silent);
    dial(&f, &headed);
    call_up(&f, &good);
    await(&f, tcp_accepted, 3);
    f.now += 4900000;
    send_all(headed.fd, headed.header, sizeof(headed.header), 64);
    send_frame(&good, CALLER, 16, 0);
    await(&f, tcp_frames_in, 1);
    assert_int_equal(stats(&f).tcp_connections, 3);
    f.now += 350000;
    await(&f, tcp_closed_silent, 1);
    assert_int_equal(receive(&silent, ANSWER_MS), 0);
    f.now += 4900000;
    await(&f, tcp_closed_silent, 2);
    assert_int_equal(receive(&headed, ANSWER_MS), 0);
    f.now += 48000000;
    assert_int_equal(tgvoip_engine_step(f.engine), 0);
    assert_int_equal(stats(&f).tcp_connections, 1);
    assert_int_equal(receive(&good, 0), -1);
    f.now += 7000000;
    await(&f, tcp_closed_idle, 1);
    assert_int_equal(receive(&good, ANSWER_MS), 0);
    await(&f, sessions_expired, 1);
    hang_up(&silent);
    hang_up(&headed);
    hang_up(&good);
    stop(&f);
}

static void test_relay_tcp_more_connections_than_the_limits_are_closed(void **s)
{
    (void)s;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end ends[6];

    config.limits.tcp_connections = 4;
    config.limits.tcp_per_side = 2;
    start(&f, &config);
    for (int i = 0; i < 3; i++) {
        call_up(&f, &ends[i]);
        send_frame(&ends[i], CALLER, 20, 0);
    }
    assert_int_equal(receive(&ends[2], ANSWER_MS), 0); /* of the side */
    await(&f, tcp_refused, 1);
    for (int i = 3; i < 5; i++)
        dial(&f, &ends[i]);
    await(&f, tcp_accepted, 5);
    assert_int_equal(stats(&f).tcp_connections, 4);
    dial(&f, &ends[5]);
    assert_int_equal(receive(&ends[5], ANSWER_MS), 0); /* in all */
    await(&f, tcp_refused, 2);
    hang_up(&ends[3]);
    await(&f, tcp_connections, 3);
    hang_up(&ends[5]);
    dial(&f, &ends[5]); /* there is room again */
    await(&f, tcp_accepted, 6);
    for (int i = 0; i < 6; i++)
        if (i != 3)
            hang_up(&ends[i]);
    stop(&f);
}

static void test_relay_tcp_side_goes_back_to_udp_when_it_ends(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct end e;
    uint8_t buf[2048];
    int caller, callee;

    start(&f, &config);
    caller = udp_client(&f, CALLER);
    callee = udp_client(&f, CALLEE);
    call_up(&f, &e);
    send_frame(&e, CALLER, LEN, 1);
    assert_true(readable(callee, ANSWER_MS));
    assert_int_equal(recv(callee, buf, sizeof(buf), 0), LEN);
    send_datagram(callee, CALLEE, LEN, 2);
    assert_int_equal(receive(&e, ANSWER_MS), LEN);
    hang_up(&e);
    await(&f, tcp_connections, 0);
    send_datagram(callee, CALLEE, LEN, 3);
    assert_true(readable(caller, ANSWER_MS));
    assert_int_equal(recv(caller, buf, sizeof(buf), 0), LEN);
    assert_packet(buf, LEN, CALLER, 3);
    close(caller);
    close(callee);
    stop(&f);
}

static void test_relay_impairs_what_goes_by_tcp(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    tgvoip_impairment *bad;
    struct end ends[2];

    assert_int_equal(tgvoip_impairment_create(&bad), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "delay", "60", NULL), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "dup", "100", NULL), 0);
    config.impairment = bad;
    begin(&f, &config, true);
    tgvoip_impairment_destroy(bad);
    for (unsigned i = 0; i < 2; i++) {
        call_up(&f, &ends[i]);
        send_frame(&ends[i], i, 16, 0);
    }
    await(&f, tcp_frames_in, 2);
    send_frame(&ends[0], CALLER, LEN, 5);
    await(&f, packets_forwarded, 1);
    f.now += 59999;
    assert_int_equal(tgvoip_engine_step(f.engine), 0);
    assert_int_equal(receive(&ends[1], 0), -1);
    f.now += 1;
    assert_int_equal(tgvoip_engine_step(f.engine), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(receive(&ends[1], ANSWER_MS), LEN);
        assert_packet(ends[1].packet, LEN, CALLEE, 5);
    }
    send_frame(&ends[0], CALLER, LEN, 6); /* on its way when the end comes */
    await(&f, packets_forwarded, 2);
    hang_up(&ends[1]);
    await(&f, tcp_connections, 1);
    f.now += 100000;
    assert_int_equal(tgvoip_engine_step(f.engine), 0);
    hang_up(&ends[0]);
    stop(&f);
}

static void test_relay_tcp_loses_packets_not_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    tgvoip_impairment *bad;
    struct end ends[2];
    uint32_t n, got = 0;

    assert_int_equal(tgvoip_impairment_create(&bad), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "loss", "50", NULL), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "seed", "3", NULL), 0);
    config.impairment = bad;
    config.limits.packets_per_side_s = 1000;
    config.limits.kbit_per_side_s = 100000;
    start(&f, &config);
    tgvoip_impairment_destroy(bad);
    for (unsigned i = 0; i < 2; i++) {
        call_up(&f, &ends[i]);
        send_frame(&ends[i], i, 16, 0);
    }
    await(&f, tcp_frames_in, 2);
    for (uint32_t i = 0; i < 200; i++)
        send_frame(&ends[0], CALLER, LEN, i);
    await(&f, packets_forwarded, 200);
    assert_in_range(stats(&f).impaired_lost, 50, 150);
    while (got < 200 - stats(&f).impaired_lost) {
        assert_int_equal(receive(&ends[1], ANSWER_MS), LEN);
        memcpy(&n, ends[1].packet + 16, sizeof(n));
        assert_packet(ends[1].packet, LEN, CALLEE, n);
        got++;
    }
    assert_int_equal(receive(&ends[1], 0), -1);
    hang_up(&ends[0]);
    hang_up(&ends[1]);
    stop(&f);
}

static void test_relay_tcp_reset_by_the_reader_is_survived(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct end caller, callee;

    config.limits.packets_per_side_s = 1000000;
    config.limits.kbit_per_side_s = 1000000;
    start(&f, &config);
    call_up(&f, &caller);
    send_frame(&caller, CALLER, 16, 0);
    for (uint32_t i = 0; i < 30; i++) {
        call_up(&f, &callee);
        send_frame(&callee, CALLEE, LEN, 0);
        await(&f, tcp_frames_in, 1 + i * 51 + 1);
        setsockopt(callee.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        for (int k = 0; k < 25; k++)
            send_frame(&caller, CALLER, LEN, i);
        hang_up(&callee); /* while frames are on their way to it */
        for (int k = 0; k < 25; k++)
            send_frame(&caller, CALLER, LEN, i);
        await(&f, tcp_connections, 1);
        await(&f, tcp_frames_in, 1 + (i + 1) * 51);
    }
    hang_up(&caller);
    stop(&f);
}

static void test_relay_tcp_address_is_checked_like_the_other(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *what;
        int err;
    } cases[] = {
        {"127.0.0.1", "tcp_listen", TGVOIP_ERR_INVALID},
        {"somewhere:1", "tcp_listen", TGVOIP_ERR_INVALID},
        {"0.0.0.0:0", "0.0.0.0:0", TGVOIP_ERR_INVALID},
        {"[::]:0", "[::]:0", TGVOIP_ERR_INVALID},
    };
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct tgvoip_failure failure;
    tgvoip_relay *relay;
    char taken[32];

    start(&f, &config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        config.tcp_listen = cases[i].listen;
        assert_int_equal(
            tgvoip_relay_create(f.engine, &relay, &config, &failure),
            cases[i].err);
        assert_null(relay);
        assert_string_equal(failure.what, cases[i].what);
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%u",
             (unsigned)tgvoip_relay_tcp_port(f.relay));
    config.tcp_listen = taken;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     TGVOIP_ERR_IN_USE);
    assert_string_equal(failure.what, taken);
    assert_null(relay);
    config = local_config();
    config.limits.tcp_queue_bytes = 1503;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(failure.what, "limits.tcp_queue_bytes");
    assert_string_equal(failure.why, "1503 is out of range 1504..65536");
    /* UDP only */
    config = local_config();
    config.tcp_listen = NULL;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     0);
    assert_int_equal(tgvoip_relay_tcp_port(relay), 0);
    assert_int_equal(tgvoip_relay_tcp_port(NULL), 0);
    tgvoip_relay_destroy(relay);
    stop(&f);
}

static void test_relay_tcp_takes_the_port_of_udp_if_it_is_free(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    bool same = false;

    for (int i = 0; i < 50 && !same; i++) { /* others use ports too */
        start(&f, &config);
        same = tgvoip_relay_tcp_port(f.relay) == tgvoip_relay_port(f.relay);
        stop(&f);
    }
    assert_true(same);
}

static void
test_relay_tcp_takes_another_port_when_that_of_udp_is_taken(void **s)
{
    (void)s;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof(sa);
    char listen_text[32];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    snprintf(listen_text, sizeof(listen_text), "127.0.0.1:%u",
             (unsigned)ntohs(sa.sin_port));
    config.listen = listen_text;
    start(&f, &config);
    assert_int_equal(tgvoip_relay_port(f.relay), ntohs(sa.sin_port));
    assert_true(tgvoip_relay_tcp_port(f.relay) > 0);
    assert_int_not_equal(tgvoip_relay_tcp_port(f.relay), ntohs(sa.sin_port));
    close(fd);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_tcp_and_udp_clients_in_one_session),
        cmocka_unit_test(test_relay_tcp_clients_with_large_frames_in_pieces),
        cmocka_unit_test(test_relay_tcp_wrong_headers_and_frames_are_closed),
        cmocka_unit_test(
            test_relay_tcp_slow_reader_loses_frames_and_holds_up_nobody),
        cmocka_unit_test(test_relay_tcp_silent_connections_are_closed_in_time),
        cmocka_unit_test(
            test_relay_tcp_more_connections_than_the_limits_are_closed),
        cmocka_unit_test(test_relay_tcp_side_goes_back_to_udp_when_it_ends),
        cmocka_unit_test(test_relay_impairs_what_goes_by_tcp),
        cmocka_unit_test(test_relay_tcp_loses_packets_not_bytes),
        cmocka_unit_test(test_relay_tcp_reset_by_the_reader_is_survived),
        cmocka_unit_test(test_relay_tcp_address_is_checked_like_the_other),
        cmocka_unit_test(test_relay_tcp_takes_the_port_of_udp_if_it_is_free),
        cmocka_unit_test(
            test_relay_tcp_takes_another_port_when_that_of_udp_is_taken),
    };

    alarm(WATCHDOG_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
