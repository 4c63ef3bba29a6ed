/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_BENCH_PROXY_H
#define TGV_TEST_BENCH_PROXY_H
/*
 * A call on the bench through a SOCKS5 proxy that the test plays: `b`, made of
 * the options `o`. In every test: nothing leaves outside the proxy, and the
 * log tells neither it nor the password. After cmocka.h.
 */
#include "support/bench_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX 8192

static struct tgv_server_config config;
static struct tgv_log log_sink;
static char log_text[LOG_MAX];
static const uint8_t proxy_ip[4] = {203, 0, 113, 7};
static const uint8_t assoc_ip[4] = {203, 0, 113, 8};
static struct tgv_addr proxy_addr, assoc_addr;

static inline void note(void *ctx, enum tgv_log_level level, const char *room,
                        tgv_time now, const char *text)
{
    size_t len = strlen(log_text);

    (void)ctx, (void)level, (void)room, (void)now;
    snprintf(log_text + len, sizeof(log_text) - len, "%s\n", text);
}

static inline int reset_proxy(void **state)
{
    reset_options(state);
    tgv_server_config_init(&config);
    o.config = &config;
    o.allow_p2p = true; /* must not matter */
    o.tcp = TGV_BENCH_ACCEPT;
    log_text[0] = '\0';
    log_sink = (struct tgv_log){.write = note, .level = TGV_LOG_DEBUG};
    o.log = &log_sink;
    strcpy(o.proxy.host, "203.0.113.7");
    o.proxy.port = 1080;
    proxy_addr = tgv_addr_ipv4(proxy_ip, 1080);
    assoc_addr = tgv_addr_ipv4(assoc_ip, 5555);
    return 0;
}

/* ENG-64, for every call through a proxy. */
static inline int done_by_proxy(void **state)
{
    for (unsigned i = 0; i < b.stream_count; i++)
        assert_int_equal(b.streams[i].to.port, 1080);
    for (unsigned i = 0; i < b.count; i++)
        if (b.log[i].stream < 0)
            assert_true(tgv_addr_equal(&b.log[i].to, &assoc_addr));
    assert_null(strstr(log_text, "geheim"));
    assert_null(strstr(log_text, "203.0.113.7"));
    return done(state);
}

/* -- the proxy's part ------------------------------------------------------------- */

static inline struct tgv_bench_stream *conn(unsigned i)
{
    assert_true(i < b.stream_count);
    return &b.streams[i];
}

static inline void says(unsigned i, const char *bytes, size_t len)
{
    tgv_bench_tcp_bytes(&b, i, (const uint8_t *)bytes, len);
}
#define SAYS(i, text) says(i, text, sizeof(text) - 1)

/* What the call said on a connection since the last look. */
static inline void expect_said(unsigned i, const void *bytes, size_t len)
{
    struct tgv_bench_stream *s = conn(i);

    assert_int_equal(s->raw_len, len);
    assert_memory_equal(s->raw, bytes, len);
    s->raw_len = 0;
}
#define EXPECT_SAID(i, text) expect_said(i, text, sizeof(text) - 1)

#define GREETING "\x05\x01\x00"
#define GREETING_LOGIN "\x05\x02\x00\x02"
#define NO_AUTH "\x05\x00"
#define ASSOCIATE "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"
#define CONNECT_RELAY_0 "\x05\x01\x00\x01\xC6\x33\x64\x01\x13\x88"
#define ASSOCIATED "\x05\x00\x00\x01\xCB\x00\x71\x08\x15\xB3"
#define CONNECTED "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define REFUSED_BY_RULE "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"

static inline bool is_associate(unsigned i)
{
    struct tgv_bench_stream *s = conn(i);

    return s->raw_len == 10 && s->raw[1] == 3;
}

/* Connection i asks for an association and gets it. */
static inline void associate(unsigned i)
{
    EXPECT_SAID(i, GREETING);
    SAYS(i, NO_AUTH);
    EXPECT_SAID(i, ASSOCIATE);
    b.assoc = assoc_addr;
    SAYS(i, ASSOCIATED);
}

/* Connection i is let through to relay 0. */
static inline void connect_through(unsigned i)
{
    EXPECT_SAID(i, GREETING);
    SAYS(i, NO_AUTH);
    EXPECT_SAID(i, CONNECT_RELAY_0);
    tgv_bench_tunnel(&b, i);
    SAYS(i, CONNECTED);
    assert_int_equal(conn(i)->headers, TGV_OBF_HEADER);
}

static inline bool state_says(const char *what)
{
    char *text = tgv_call_persistent_state(b.call);
    bool found = strstr(text, what) != NULL;

    free(text);
    return found;
}

#endif
