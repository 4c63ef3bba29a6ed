/* SPDX-License-Identifier: MIT */
/*
 * TCP connections over loopback, on a loop that the test steps.
 */
#include "io/conn.h"

#include "io/loop.h"
#include "support/ipv6.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>

#include <tgvoip/error.h>

#define FRAMES 10000
#define FRAME_MAX 1400
#define TINY 4096 /* of the kernel's buffers */

/* One end: what it was told, and a stream of numbered frames each way. */
struct end {
    struct tgv_conn *conn;
    int opened, closed, failed, writables, pieces;
    int error;
    size_t got;
    bool close_in_opened, close_in_receive, close_in_writable;
    /* of the stream of frames */
    unsigned sent; /* frames */
    bool wait; /* for writable() */
    unsigned held; /* how often some had to wait */
    unsigned frames_in;
    uint8_t frame[FRAME_MAX];
    size_t have;
};

struct scene {
    struct tgv_loop *loop;
    struct tgv_listener *listener;
    struct tgv_addr at;
    struct end client, server;
    int accepted;
    bool refuse, frames;
    unsigned buffer_bytes;
};

static struct scene *scene; /* of the test that runs */

static void shut(struct end *e)
{
    tgv_conn_close(e->conn);
    e->conn = NULL;
}

/* -- frames: length (2 bytes), number (4 bytes), bytes that follow from it -- */

static size_t frame_length(unsigned number)
{
    return 6 + (number * 7919u) % (FRAME_MAX - 6);
}

static size_t make_frame(unsigned number, uint8_t *out)
{
    size_t len = frame_length(number);

    out[0] = (uint8_t)(len >> 8);
    out[1] = (uint8_t)len;
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(number >> (8 * i));
    for (size_t i = 6; i < len; i++)
        out[i] = (uint8_t)(number + i);
    return len;
}

static void take_frames(struct end *e, const uint8_t *data, size_t len)
{
    uint8_t wanted[FRAME_MAX];

    for (size_t i = 0; i < len; i++) {
        e->frame[e->have++] = data[i];
        size_t whole = frame_length(e->frames_in);
        if (e->have < whole)
            continue;
        make_frame(e->frames_in, wanted);
        assert_memory_equal(e->frame, wanted, whole);
        e->frames_in++;
        e->have = 0;
    }
}

static void send_frames(struct end *e)
{
    uint8_t frame[FRAME_MAX];

    while (!e->wait && e->sent < FRAMES) {
        int err = tgv_conn_send(e->conn, frame, make_frame(e->sent, frame));
        assert_true(err == 0 || err == TGVOIP_ERR_AGAIN);
        e->sent++;
        e->wait = err == TGVOIP_ERR_AGAIN;
        e->held += e->wait;
    }
}

/* -- callbacks ------------------------------------------------------------- */

static void on_opened(void *ctx)
{
    struct end *e = ctx;

    e->opened++;
    if (e->close_in_opened)
        shut(e);
    else if (scene->frames)
        send_frames(e);
}

static void on_receive(void *ctx, uint8_t *data, size_t len)
{
    struct end *e = ctx;

    e->pieces++;
    e->got += len;
    if (scene->frames)
        take_frames(e, data, len);
    if (e->close_in_receive)
        shut(e);
}

static void on_writable(void *ctx)
{
    struct end *e = ctx;

    assert_int_equal(tgv_conn_waiting(e->conn), 0);
    e->writables++;
    e->wait = false;
    if (e->close_in_writable)
        shut(e);
    else if (scene->frames)
        send_frames(e);
}

static void on_closed(void *ctx)
{
    struct end *e = ctx;

    e->closed++;
    shut(e);
}

static void on_failed(void *ctx, int error)
{
    struct end *e = ctx;

    e->failed++;
    e->error = error;
    shut(e);
}

static struct tgv_conn_config config_of(struct end *e)
{
    return (struct tgv_conn_config){.opened = on_opened,
                                    .receive = on_receive,
                                    .writable = on_writable,
                                    .closed = on_closed,
                                    .failed = on_failed,
                                    .ctx = e,
                                    .buffer_bytes = scene->buffer_bytes};
}

static void on_accepted(void *ctx, struct tgv_conn *c)
{
    struct scene *s = ctx;
    struct tgv_conn_config config = config_of(&s->server);

    s->accepted++;
    if (s->refuse)
        return;
    s->server.conn = c;
    tgv_conn_adopt(c, &config);
    if (s->frames)
        send_frames(&s->server);
}

/* -- scene ------------------------------------------------------------------ */

static void open_scene(struct scene *s, const char *ip)
{
    const struct tgv_loop_config lc = {.own_thread = false};
    struct tgv_listener_config config = {
        .backlog = 8, .accepted = on_accepted, .ctx = s};

    memset(s, 0, sizeof(*s));
    scene = s;
    assert_int_equal(tgv_loop_create(&s->loop, &lc), 0);
    assert_true(tgv_addr_parse_ip(ip, 0, &config.bind));
    assert_int_equal(tgv_listener_open(s->loop, &s->listener, &config), 0);
    tgv_listener_local(s->listener, &s->at);
    assert_true(s->at.port != 0);
}

static void close_scene(struct scene *s)
{
    shut(&s->client);
    shut(&s->server);
    tgv_listener_close(s->listener);
    tgv_loop_destroy(s->loop);
    scene = NULL;
}

static void open_client(struct scene *s)
{
    struct tgv_conn_config config = config_of(&s->client);

    assert_int_equal(tgv_conn_open(s->loop, &s->client.conn, &s->at, &config),
                     0);
}

/* Step until *count reaches least; at most 5 s. */
static void step_until(struct scene *s, const int *count, int least)
{
    tgv_time end = tgv_loop_now(s->loop) + TGV_S(5);

    while (*count < least && tgv_loop_now(s->loop) < end) {
        struct pollfd p = {.fd = tgv_loop_fd(s->loop), .events = POLLIN};
        int64_t us = tgv_loop_timeout_us(s->loop);
        poll(&p, 1, us >= 0 && us < 10000 ? (int)(us / 1000) : 10);
        tgv_loop_step(s->loop);
    }
    assert_true(*count >= least);
}

/* -- tests ------------------------------------------------------------------ */

static void exchange(const char *ip)
{
    struct tgv_addr local, peer, theirs;
    struct scene s;

    open_scene(&s, ip);
    open_client(&s);
    assert_int_equal(s.client.opened, 0); /* never inside the call */
    tgv_conn_peer(s.client.conn, &peer);
    assert_int_equal(peer.family, TGV_AF_NONE);
    step_until(&s, &s.client.opened, 1);
    step_until(&s, &s.accepted, 1);
    tgv_conn_local(s.client.conn, &local);
    tgv_conn_peer(s.client.conn, &peer);
    tgv_conn_peer(s.server.conn, &theirs);
    assert_true(tgv_addr_equal(&peer, &s.at));
    assert_true(tgv_addr_equal(&local, &theirs));
    assert_int_equal(tgv_conn_send(s.client.conn, (const uint8_t *)"ab", 2), 0);
    step_until(&s, &s.server.pieces, 1);
    assert_int_equal(s.server.got, 2);
    shut(&s.client);
    step_until(&s, &s.server.closed, 1);
    assert_int_equal(s.client.closed + s.client.failed + s.server.failed, 0);
    close_scene(&s);
}

static void test_conn_carries_bytes_of_both_families(void **state)
{
    (void)state;
    exchange("127.0.0.1");
    if (tgv_test_has_ipv6())
        exchange("::1");
}

static void test_conn_that_nobody_takes_fails_once(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, "127.0.0.1");
    tgv_listener_close(s.listener);
    s.listener = NULL;
    open_client(&s);
    step_until(&s, &s.client.failed, 1);
    assert_int_equal(s.client.error, TGVOIP_ERR_IO);
    assert_int_equal(s.client.opened + s.client.closed, 0);
    close_scene(&s);
}

static void test_conn_not_adopted_is_closed(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, "127.0.0.1");
    s.refuse = true;
    open_client(&s);
    step_until(&s, &s.client.closed, 1);
    assert_int_equal(s.accepted, 1);
    close_scene(&s);
}

static void test_conn_sent_before_it_opened_waits(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, "127.0.0.1");
    open_client(&s);
    assert_int_equal(tgv_conn_send(s.client.conn, (const uint8_t *)"abc", 3),
                     TGVOIP_ERR_AGAIN);
    assert_int_equal(tgv_conn_waiting(s.client.conn), 3);
    step_until(&s, &s.client.writables, 1);
    step_until(&s, &s.server.pieces, 1);
    assert_int_equal(s.server.got, 3);
    close_scene(&s);
}

/* ENG-26: a frame that goes out in parts is still one. */
static void test_eng_26_frames_survive_tiny_buffers(void **state)
{
    struct scene s;
    tgv_time end;

    (void)state;
    open_scene(&s, "127.0.0.1");
    s.frames = true;
    s.buffer_bytes = TINY;
    open_client(&s);
    end = tgv_loop_now(s.loop) + TGV_S(30);
    while ((s.client.frames_in < FRAMES || s.server.frames_in < FRAMES) &&
           tgv_loop_now(s.loop) < end)
        tgv_loop_step(s.loop);
    assert_int_equal(s.client.frames_in, FRAMES);
    assert_int_equal(s.server.frames_in, FRAMES);
    assert_true(s.client.held > 0 && s.server.held > 0);
    close_scene(&s);
}

/* Full: nothing is taken, and what waited arrives whole. */
static void test_conn_full_queue_takes_nothing(void **state)
{
    static const uint8_t piece[1000];
    struct scene s;
    size_t taken = 0;
    int err = 0;

    (void)state;
    open_scene(&s, "127.0.0.1");
    s.buffer_bytes = TINY;
    open_client(&s);
    step_until(&s, &s.client.opened, 1);
    for (int i = 0; i < 10000 && err != TGVOIP_ERR_TOO_LARGE; i++) {
        err = tgv_conn_send(s.client.conn, piece, sizeof(piece));
        if (err != TGVOIP_ERR_TOO_LARGE)
            taken += sizeof(piece);
    }
    assert_int_equal(err, TGVOIP_ERR_TOO_LARGE);
    size_t waiting = tgv_conn_waiting(s.client.conn);
    assert_true(waiting + sizeof(piece) > TGV_CONN_QUEUE);
    assert_true(waiting <= TGV_CONN_QUEUE);
    step_until(&s, &s.client.writables, 1);
    shut(&s.client);
    step_until(&s, &s.server.closed, 1);
    assert_int_equal(s.server.got, taken);
    close_scene(&s);
}

static void test_conn_may_be_closed_in_each_callback(void **state)
{
    static const uint8_t lots[TGV_CONN_QUEUE];
    struct scene s;

    (void)state;
    for (int i = 0; i < 3; i++) {
        open_scene(&s, "127.0.0.1");
        s.client.close_in_opened = i == 0;
        s.server.close_in_receive = i == 1;
        s.client.close_in_writable = i == 2;
        open_client(&s);
        if (i > 0)
            assert_int_equal(tgv_conn_send(s.client.conn, lots, sizeof(lots)),
                             TGVOIP_ERR_AGAIN);
        step_until(&s, i == 1 ? &s.server.pieces : &s.client.opened, 1);
        if (i == 2)
            step_until(&s, &s.client.writables, 1);
        int pieces = s.server.pieces, writables = s.client.writables;
        for (int k = 0; k < 5; k++)
            tgv_loop_step(s.loop);
        assert_null(i == 1 ? s.server.conn : s.client.conn);
        assert_true(i != 1 || s.server.pieces == pieces);
        assert_true(i != 2 || s.client.writables == writables);
        close_scene(&s);
    }
}

/* The other side resets: told once, and sending does not end the process. */
static void test_conn_reset_is_told_once_and_raises_no_signal(void **state)
{
    static const uint8_t lots[30000];
    struct scene s;
    int told = 0, err = 0;

    (void)state;
    open_scene(&s, "127.0.0.1");
    s.server.close_in_receive = true; /* with data unread: a reset */
    open_client(&s);
    step_until(&s, &s.client.opened, 1);
    for (int i = 0; i < 1000 && !told && err != TGVOIP_ERR_IO; i++) {
        err = tgv_conn_send(s.client.conn, lots, sizeof(lots));
        if (s.server.pieces == 0)
            tgv_loop_step(s.loop);
        told = s.client.failed + s.client.closed;
    }
    assert_true(err == TGVOIP_ERR_IO || told == 1);
    for (int k = 0; k < 5; k++)
        tgv_loop_step(s.loop);
    assert_true(s.client.failed + s.client.closed <= 1);
    if (s.client.conn) { /* dead: told by send, and stays so */
        assert_int_equal(tgv_conn_send(s.client.conn, lots, 1), TGVOIP_ERR_IO);
        assert_int_equal(s.client.failed + s.client.closed, 0);
    }
    close_scene(&s);
}

static void test_listener_refuses_a_port_that_is_taken(void **state)
{
    struct tgv_listener_config config = {.backlog = 1, .accepted = on_accepted};
    struct tgv_listener *second;
    struct scene s;

    (void)state;
    open_scene(&s, "127.0.0.1");
    config.bind = s.at;
    assert_int_equal(tgv_listener_open(s.loop, &second, &config),
                     TGVOIP_ERR_IN_USE);
    assert_null(second);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conn_carries_bytes_of_both_families),
        cmocka_unit_test(test_conn_that_nobody_takes_fails_once),
        cmocka_unit_test(test_conn_not_adopted_is_closed),
        cmocka_unit_test(test_conn_sent_before_it_opened_waits),
        cmocka_unit_test(test_eng_26_frames_survive_tiny_buffers),
        cmocka_unit_test(test_conn_full_queue_takes_nothing),
        cmocka_unit_test(test_conn_may_be_closed_in_each_callback),
        cmocka_unit_test(test_conn_reset_is_told_once_and_raises_no_signal),
        cmocka_unit_test(test_listener_refuses_a_port_that_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
