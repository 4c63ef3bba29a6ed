/* SPDX-License-Identifier: MIT */
/*
 * A program may call exit() while its calls run. The libraries that loops use
 * are cleaned up then, one by one; what the loops do meanwhile must not crash.
 * Each case is a process of its own, which lingers where it might hurt.
 */
#define _GNU_SOURCE
#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define CALLS 4
#define ROUNDS 24

/* Of the child; static, or what they point to would count as leaked. */
static tgvoip_engine *engine;
static tgvoip_relay *relay;
static tgvoip_call *calls[CALLS];
static int listener;
static bool linger_at_end;

static void pause_ms(unsigned ms)
{
    (void)poll(NULL, 0, (int)ms);
}

static void must(int result)
{
    if (result != 0)
        _exit(99);
}

static void make_engine(void)
{
    struct tgvoip_engine_config c;

    tgvoip_engine_config_default(&c);
    c.loops = 2;
    must(tgvoip_engine_create(&engine, &c, NULL));
}

static void make_call(int i, enum tgvoip_endpoint_type type, uint16_t port)
{
    static uint8_t key[256] = {1, 2, 3};
    struct tgvoip_endpoint e;
    struct tgvoip_call_config c;

    tgvoip_endpoint_default(&e);
    e.ipv4 = "127.0.0.1";
    e.port = port;
    e.type = type;
    e.tag[0] = (uint8_t)(i / 2); /* two and two belong together */
    e.tag[15] = (uint8_t)(i % 2);
    tgvoip_call_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.outgoing = i % 2 == 0;
    c.complexity = 1;
    must(tgvoip_call_create(engine, &calls[i], &c, NULL));
    must(tgvoip_call_start(calls[i]));
    must(tgvoip_call_connect(calls[i]));
}

static void make_calls(void)
{
    struct tgvoip_relay_config c;

    make_engine();
    tgvoip_relay_config_default(&c);
    c.listen = "127.0.0.1:0";
    must(tgvoip_relay_create(engine, &relay, &c, NULL));
    for (int i = 0; i < CALLS; i++) {
        make_call(i, TGVOIP_ENDPOINT_UDP_RELAY, tgvoip_relay_port(relay));
        must(tgvoip_call_record(calls[i], "raw:/dev/null", NULL));
    }
}

/* Runs `body`, which does not return, in a process of its own.
 * @return its wait status */
static int status_of(void (*body)(unsigned arg), unsigned arg)
{
    int status = -1;
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        body(arg);
        _exit(98);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* -- the crypto library is cleaned up ------------------------------------------ */

/* A stream that opens only now needs a cipher. */
static void let_streams_open(void)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    char hello[256];
    int fd;

    if (listen(listener, 8) != 0 || poll(&p, 1, 10000) != 1)
        _exit(97);
    fd = accept(listener, NULL, NULL);
    p.fd = fd;
    if (fd < 0 || poll(&p, 1, 5000) != 1 || recv(fd, hello, 256, 0) <= 0)
        _exit(96);
}

static void exit_before_a_stream(unsigned used_before)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);

    listener = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(listener, (struct sockaddr *)&at, len));
    must(getsockname(listener, (struct sockaddr *)&at, &len));
    must(atexit(let_streams_open)); /* first, so after the library's own */
    if (used_before)
        must(OPENSSL_init_crypto(0, NULL) != 1);
    make_engine();
    make_call(0, TGVOIP_ENDPOINT_TCP_RELAY, ntohs(at.sin_port));
    exit(0);
}

static void test_exit_lets_a_stream_open_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(status_of(exit_before_a_stream, 0), 0);
}

static void test_exit_of_who_used_the_crypto_library_before(void **state)
{
    (void)state;
    assert_int_equal(status_of(exit_before_a_stream, 1), 0);
}

/* -- the pool is taken apart --------------------------------------------------- */

/* The last destructor of the program; the library's own, which this brings
 * forward, is the next. */
__attribute__((destructor(101))) static void at_the_end(void)
{
    if (!linger_at_end)
        return;
    uv_library_shutdown();
    pause_ms(700);
}

static void exit_while_recording(unsigned unused)
{
    (void)unused;
    make_calls();
    linger_at_end = true;
    pause_ms(300);
    exit(0);
}

static void test_exit_while_recordings_are_written(void **state)
{
    (void)state;
    assert_int_equal(status_of(exit_while_recording, 0), 0);
}

/* -- nothing in particular ----------------------------------------------------- */

static void exit_after(unsigned ms)
{
    make_calls();
    pause_ms(ms);
    exit(0);
}

static void test_exit_at_any_moment(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        int status = status_of(exit_after, i * 9);

        if (status != 0)
            print_error("after %u ms: status %x\n", i * 9, (unsigned)status);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_lets_a_stream_open_meanwhile),
        cmocka_unit_test(test_exit_of_who_used_the_crypto_library_before),
        cmocka_unit_test(test_exit_while_recordings_are_written),
        cmocka_unit_test(test_exit_at_any_moment),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
