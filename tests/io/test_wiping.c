/* SPDX-License-Identifier: MIT */
/*
 * A key leaves no trace: after a call, a negotiation and an inspection the
 * writable memory of the process is searched for it. The test itself keeps its
 * secrets masked.
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
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/own_engine.h"

#define PIECE 16 /* bytes of a secret that count as a trace */
#define CHUNK 65536

/* Sanitizers keep freed memory, and a terabyte of notes about it: there is no
 * search under them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Volatile, or the compiler takes the mask off beforehand, on the stack. */
static volatile uint8_t mask_byte = 0x5A;

/* -- the search --------------------------------------------------------------- */

struct secret {
    uint8_t masked[256];
};

static void mask(struct secret *s, const uint8_t key[256])
{
    for (int i = 0; i < 256; i++)
        s->masked[i] = key[i] ^ mask_byte;
}

static int same(const uint8_t *p, const uint8_t *masked)
{
    for (int i = 0; i < PIECE; i++)
        if ((p[i] ^ mask_byte) != masked[i])
            return 0;
    return 1;
}

/* Any aligned piece of the secret. */
static unsigned pieces_in(const uint8_t *p, size_t len, const struct secret *s)
{
    unsigned found = 0;

    for (size_t i = 0; i + PIECE <= len; i++)
        for (int k = 0; k < 256; k += PIECE)
            found += (p[i] ^ mask_byte) == s->masked[k] &&
                     same(p + i, s->masked + k);
    return found;
}

static unsigned search_range(int mem, uint64_t from, uint64_t to,
                             const struct secret *s, uint8_t *buf)
{
    unsigned found = 0;

    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t n = pread(mem, buf, want, (off_t)from);
        if (n < PIECE)
            break;
        found += pieces_in(buf, (size_t)n, s);
        if ((size_t)n < want || from + (uint64_t)n >= to)
            break;
        from += (uint64_t)n - PIECE + 1;
    }
    return found;
}

static unsigned search_one(const struct secret *s)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    uint8_t *buf = malloc(CHUNK);
    unsigned long long from, to;
    char line[512], mode[8];
    unsigned found = 0;

    assert_non_null(maps);
    assert_true(mem >= 0 && buf);
    memset(buf, 0, CHUNK);
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%llx-%llx %7s", &from, &to, mode) != 3 ||
            mode[0] != 'r' || mode[1] != 'w' || to - from > 1ull << 30)
            continue;
        if (from <= (uintptr_t)buf && (uintptr_t)buf < to) {
            /* the buffer would find itself: search around it */
            found += search_range(mem, from, (uintptr_t)buf, s, buf);
            from = (uintptr_t)buf + CHUNK;
        }
        found += search_range(mem, from, to, s, buf);
        memset(buf, 0, CHUNK);
    }
    free(buf);
    close(mem);
    fclose(maps);
    return found;
}

/* As bytes, and as numbers lie in memory on most machines: the other way. */
static unsigned search(const struct secret *s)
{
    struct secret reversed;

#ifdef SANITIZED
    return 0;
#endif
    for (int i = 0; i < 256; i++)
        reversed.masked[i] = s->masked[255 - i];
    return search_one(s) + search_one(&reversed);
}

static void fill(uint8_t key[256])
{
    assert_int_equal(tgvoip_random(key, 256), 0);
}

/* -- what is searched after ------------------------------------------------------ */

static int64_t now_us = 1000000;

static int64_t virtual_clock(void *ctx)
{
    (void)ctx;
    return now_us;
}

static tgvoip_call *make_call(tgvoip_engine *engine, uint16_t port, int i,
                              const uint8_t *key,
                              const struct tgvoip_proxy *proxy)
{
    struct tgvoip_call_config c;
    struct tgvoip_endpoint e;
    tgvoip_call *call;

    tgvoip_endpoint_default(&e);
    e.ipv4 = "127.0.0.1";
    e.port = port;
    e.tag[15] = (uint8_t)i;
    tgvoip_call_config_default(&c);
    c.key = key;
    c.key_len = 256;
    c.endpoints = &e;
    c.endpoint_count = 1;
    c.outgoing = i == 0;
    c.complexity = 1;
    c.proxy = proxy;
    assert_int_equal(tgvoip_call_create(engine, &call, &c, NULL), 0);
    assert_int_equal(tgvoip_call_start(call), 0);
    assert_int_equal(tgvoip_call_connect(call), 0);
    return call;
}

static tgvoip_engine *make_engine(void)
{
    struct tgvoip_engine_config ec;
    tgvoip_engine *engine;

    tgvoip_engine_config_default(&ec);
    ec.own_loop = true;
    ec.clock = virtual_clock;
    assert_int_equal(tgvoip_engine_create(&engine, &ec, NULL), 0);
    return engine;
}

static void live(const struct secret *s)
{
    struct tgvoip_relay_config rc;
    struct tgvoip_call_stats st;
    tgvoip_engine *engine = make_engine();
    tgvoip_relay *relay;
    tgvoip_call *calls[2];
    uint8_t key[256];
    char *text;

    tgvoip_relay_config_default(&rc);
    rc.listen = "127.0.0.1:0";
    assert_int_equal(tgvoip_relay_create(engine, &relay, &rc, NULL), 0);
    for (int i = 0; i < 256; i++)
        key[i] = s->masked[i] ^ mask_byte;
    for (int i = 0; i < 2; i++)
        calls[i] = make_call(engine, tgvoip_relay_port(relay), i, key, NULL);
    tgvoip_wipe(key, sizeof(key));
#ifndef SANITIZED
    assert_true(search(s) > 0); /* the search finds what is there */
#endif
    own_engine_pass(engine, &now_us, 200);
    tgvoip_call_stats_default(&st);
    assert_int_equal(tgvoip_call_get_stats(calls[0], &st), 0);
    assert_int_equal(st.state, TGVOIP_STATE_ESTABLISHED);
    assert_int_equal(tgvoip_call_debug_log(calls[0], &text), 0);
    tgvoip_free(text);
    for (int i = 0; i < 2; i++)
        tgvoip_call_destroy(calls[i]);
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
}

static void test_wiping_after_a_call_no_key_is_left(void **state)
{
    struct secret s;
    uint8_t key[256];

    (void)state;
    fill(key);
    mask(&s, key);
    tgvoip_wipe(key, sizeof(key));
    live(&s);
    assert_int_equal(search(&s), 0);
}

/* -- a proxy that hears the password, and refuses it ------------------------- */

static int listen_here(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* @return what came was a login */
static int answer(int fd)
{
    uint8_t said[600] = {0};
    ssize_t n = recv(fd, said, sizeof(said), MSG_DONTWAIT);
    int login = n > 0 && said[0] == 1;

    tgvoip_wipe(said, sizeof(said));
    if (n > 0)
        (void)!send(fd, login ? "\1\1" : "\5\2", 2, MSG_NOSIGNAL);
    return login;
}

/* @return logins that were heard */
static int serve(tgvoip_engine *engine, int listener)
{
    int fds[8], count = 0, logins = 0;

    for (int i = 0; i < 200; i++) {
        own_engine_pass(engine, &now_us, 1);
        int fd = count < 8 ? accept(listener, NULL, NULL) : -1;
        if (fd >= 0)
            fds[count++] = fd;
        for (int k = 0; k < count; k++)
            logins += answer(fds[k]);
    }
    while (count > 0)
        close(fds[--count]);
    return logins;
}

static void test_wiping_after_a_login_no_password_is_left(void **state)
{
    static const uint8_t key[256] = {1};
    tgvoip_engine *engine = make_engine();
    struct tgvoip_proxy proxy;
    struct secret s;
    uint8_t password[256];
    uint16_t port;
    int listener = listen_here(&port);

    (void)state;
    fill(password);
    for (int i = 0; i < 255; i++)
        password[i] |= 1; /* no end within */
    password[255] = 0;
    mask(&s, password);
    tgvoip_proxy_default(&proxy);
    proxy.host = "127.0.0.1";
    proxy.port = port;
    proxy.user = "somebody";
    proxy.password = (const char *)password;
    tgvoip_call *call = make_call(engine, 9, 0, key, &proxy);
    tgvoip_wipe(password, sizeof(password));
#ifndef SANITIZED
    assert_true(search(&s) > 0);
#endif
    assert_true(serve(engine, listener) > 0);
    tgvoip_call_destroy(call);
    tgvoip_engine_destroy(engine);
    close(listener);
    assert_int_equal(search(&s), 0);
}

static void agree(struct secret *exponent, struct secret *shared)
{
    const uint8_t *p = tgvoip_dh_known_prime();
    uint8_t a[256], ga[256], b[256], gb[256], key[256];
    struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT];
    int64_t fingerprint;

    assert_int_equal(tgvoip_dh_keypair(3, p, 256, NULL, a, ga), 0);
    assert_int_equal(tgvoip_dh_keypair(3, p, 256, NULL, b, gb), 0);
    assert_int_equal(tgvoip_dh_shared_key(gb, 256, a, p, 256, key), 0);
    assert_int_equal(tgvoip_key_fingerprint(key, &fingerprint), 0);
    assert_int_equal(tgvoip_key_emoji(key, ga, 256, emoji), 0);
    mask(exponent, a);
    mask(shared, key);
    tgvoip_wipe(a, sizeof(a));
    tgvoip_wipe(b, sizeof(b));
    tgvoip_wipe(key, sizeof(key));
}

static void test_wiping_after_key_agreement_no_secret_is_left(void **state)
{
    struct secret exponent, shared;

    (void)state;
    agree(&exponent, &shared);
    assert_int_equal(search(&exponent), 0);
    assert_int_equal(search(&shared), 0);
}

static void test_wiping_after_inspection_no_key_is_left(void **state)
{
    static const char line[] =
        "{\"t_ms\": 1, \"from\": \"caller\", \"path\": \"relay-udp\", "
        "\"wire\": \"0011223344556677889900112233445500112233445566778899"
        "001122334455001122334455667788990011223344550011223344556677"
        "8899001122334455\"}";
    struct tgvoip_inspect_packet packet = {.size = sizeof(packet)};
    struct tgvoip_inspect_config c;
    struct tgvoip_failure f;
    tgvoip_inspect *in;
    struct secret s;
    uint8_t key[256];

    (void)state;
    fill(key);
    mask(&s, key);
    tgvoip_inspect_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    assert_int_equal(tgvoip_inspect_create(&in, &c, &f), 0);
    tgvoip_wipe(key, sizeof(key));
    (void)!tgvoip_inspect_line(in, line, strlen(line), &packet, &f);
    tgvoip_inspect_destroy(in);
    assert_int_equal(search(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wiping_after_a_call_no_key_is_left),
        cmocka_unit_test(test_wiping_after_a_login_no_password_is_left),
        cmocka_unit_test(test_wiping_after_key_agreement_no_secret_is_left),
        cmocka_unit_test(test_wiping_after_inspection_no_key_is_left),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
