/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* Calls through a SOCKS5 proxy that the test plays: a good one, one that lies,
 * stalls or hangs up. In every test: nothing leaves outside the proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench.h"
#include "transport/socks5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define LOG_MAX 8192

static struct tgv_bench b;
static struct tgv_bench_options o;
static struct tgv_server_config config;
static struct tgv_log log_sink;
static char log_text[LOG_MAX];
static const uint8_t proxy_ip[4] = {203, 0, 113, 7};
static const uint8_t assoc_ip[4] = {203, 0, 113, 8};
static struct tgv_addr proxy_addr, assoc_addr;

static void note(void *ctx, enum tgv_log_level level, const char *room,
                 tgv_time now, const char *text)
{
    size_t len = strlen(log_text);

    (void)ctx, (void)level, (void)room, (void)now;
    snprintf(log_text + len, sizeof(log_text) - len, "%s\n", text);
}

static int reset(void **state)
{
    (void)state;
    tgv_bench_options_init(&o);
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

/* ENG-64, for every call of this file. */
static int done(void **state)
{
    (void)state;
    for (unsigned i = 0; i < b.stream_count; i++)
        assert_int_equal(b.streams[i].to.port, 1080);
    for (unsigned i = 0; i < b.count; i++)
        if (b.log[i].stream < 0)
            assert_true(tgv_addr_equal(&b.log[i].to, &assoc_addr));
    assert_null(strstr(log_text, "geheim"));
    assert_null(strstr(log_text, "203.0.113.7"));
    tgv_bench_fini(&b);
    return 0;
}

/* -- the proxy's part ------------------------------------------------------------- */

static struct tgv_bench_stream *conn(unsigned i)
{
    assert_true(i < b.stream_count);
    return &b.streams[i];
}

static void says(unsigned i, const char *bytes, size_t len)
{
    tgv_bench_tcp_bytes(&b, i, (const uint8_t *)bytes, len);
}
#define SAYS(i, text) says(i, text, sizeof(text) - 1)

/* What the call said on a connection since the last look. */
static void expect_said(unsigned i, const void *bytes, size_t len)
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

static bool is_associate(unsigned i)
{
    struct tgv_bench_stream *s = conn(i);

    return s->raw_len == 10 && s->raw[1] == 3;
}

/* Connection i asks for an association and gets it. */
static void associate(unsigned i)
{
    EXPECT_SAID(i, GREETING);
    SAYS(i, NO_AUTH);
    EXPECT_SAID(i, ASSOCIATE);
    b.assoc = assoc_addr;
    SAYS(i, ASSOCIATED);
}

/* Connection i is let through to relay 0. */
static void connect_through(unsigned i)
{
    EXPECT_SAID(i, GREETING);
    SAYS(i, NO_AUTH);
    EXPECT_SAID(i, CONNECT_RELAY_0);
    tgv_bench_tunnel(&b, i);
    SAYS(i, CONNECTED);
    assert_int_equal(conn(i)->headers, TGV_OBF_HEADER);
}

static bool state_says(const char *what)
{
    char *text = tgv_call_persistent_state(b.call);
    bool found = strstr(text, what) != NULL;

    free(text);
    return found;
}

/* -- datagrams --------------------------------------------------------------------- */

static void test_proxy_nothing_leaves_before_the_association(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 1);
    assert_true(tgv_addr_equal(&conn(0)->to, &proxy_addr));
    EXPECT_SAID(0, GREETING);
    tgv_bench_run(&b, TGV_MS(500));
    assert_int_equal(b.count, 0);
}

static void test_proxy_carries_a_call_by_udp(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, 0);
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 0);
    tgv_bench_establish(&b);
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(4));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0) > 40);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
    assert_int_equal(b.stream_count, 1);
    assert_true(state_says("\"server\":\"203.0.113.7:1080\""));
    assert_true(state_says("\"udp\":true"));
}

static void test_eng_26_replies_in_pieces(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.piece = 1;
    associate(0);
    tgv_bench_run(&b, 0);
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

/* How often the text stands in the call. */
static unsigned copies_of(const char *text)
{
    const uint8_t *p = (const uint8_t *)b.call;
    size_t len = strlen(text);
    unsigned n = 0;

    for (size_t i = 0; i + len <= sizeof(*b.call); i++)
        n += memcmp(p + i, text, len) == 0;
    return n;
}

static void test_proxy_login_with_name_and_password(void **state)
{
    static const char login[] = "\x01\x03"
                                "bob"
                                "\x06"
                                "geheim";

    (void)state;
    strcpy(o.proxy.user, "bob");
    strcpy(o.proxy.password, "geheim");
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING_LOGIN);
    SAYS(0, "\x05\x02");
    expect_said(0, login, sizeof(login) - 1);
    SAYS(0, "\x01\x00");
    EXPECT_SAID(0, ASSOCIATE);
    assert_int_equal(copies_of("geheim"), 1); /* the one that is wiped last */
    b.assoc = assoc_addr;
    SAYS(0, ASSOCIATED);
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
}

static void test_proxy_unspecified_address_means_its_own(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    EXPECT_SAID(0, ASSOCIATE);
    assoc_addr = proxy_addr;
    assoc_addr.port = 4321;
    b.assoc = assoc_addr;
    SAYS(0, "\x05\x00\x00\x01\x00\x00\x00\x00\x10\xE1");
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
}

static void test_proxy_a_name_in_the_reply_is_looked_up(void **state)
{
    struct tgv_addr found = tgv_addr_ipv4(assoc_ip, 0);

    (void)state;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    EXPECT_SAID(0, ASSOCIATE);
    SAYS(0, "\x05\x00\x00\x03\x05relay\x15\xB3");
    assert_int_equal(b.count, 0);
    assert_string_equal(b.names[0], "relay");
    b.assoc = assoc_addr;
    tgv_bench_resolved(&b, &found, 1);
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
}

static const char named[] = "\x05\x00\x00\x03\x05relay\x15\xB3";

static void test_proxy_a_name_in_the_reply_lives_as_the_call_does(void **state)
{
    struct tgv_io_request req;

    (void)state;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH);
    tgv_call_receive(b.call, conn(0)->sock, NULL, (const uint8_t *)named,
                     sizeof(named) - 1, b.now);
    assert_true(tgv_call_next_request(b.call, &req));
    assert_int_equal(req.kind, TGV_IO_RESOLVE);
    const char *call = (const char *)b.call;
    assert_true(req.name > call && req.name < call + sizeof(*b.call));
}

static void test_proxy_a_name_that_cannot_be_asked_for_ends_the_try(void **s)
{
    (void)s;
    config.use_tcp = false;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH);
    says(0, named, sizeof(named) - 1);
    tgv_call_io_event(b.call,
                      &(struct tgv_io_event){.kind = TGV_IO_FAILED,
                                             .sock = b.name_sock,
                                             .error = TGVOIP_ERR_IO},
                      b.now);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.stream_count, 2); /* and begins another */
    assert_true(conn(0)->gone);
    associate(1);
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
}

static void test_proxy_association_without_a_socket_opens_nothing(void **state)
{
    (void)state;
    config.use_tcp = false;
    tgv_bench_init(&b, &o);
    tgv_bench_event(&b, TGV_IO_CLOSED);
    associate(0);
    assert_false(b.call->udp.open);
    tgv_bench_run(&b, TGV_S(2)); /* opened again, and so is the association */
    assert_int_equal(b.count, 0);
    assert_int_equal(b.stream_count, 2);
    associate(1);
    tgv_bench_run(&b, 0);
    assert_true(b.call->udp.open && b.count > 0);
}

static void test_proxy_failed_call_closes_everything(void **state)
{
    struct tgv_io_request req;
    unsigned closed = 0;

    (void)state;
    config.use_tcp = false;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH);
    tgv_call_receive(b.call, conn(0)->sock, NULL,
                     (const uint8_t *)REFUSED_BY_RULE, 10, b.now);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    while (tgv_call_next_request(b.call, &req)) {
        assert_int_equal(req.kind, TGV_IO_CLOSE);
        closed |= req.sock == conn(0)->sock ? 1 : 0;
        closed |= req.sock == b.sock ? 2 : 0;
    }
    assert_int_equal(closed, 3);
}

static void test_proxy_its_own_name_is_looked_up(void **state)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct tgv_addr found[2] = {tgv_addr_ipv6(v6, 0),
                                tgv_addr_ipv4(proxy_ip, 0)};

    (void)state;
    strcpy(o.proxy.host, "proxy.example");
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 0);
    assert_int_equal(b.name_count, 1);
    assert_string_equal(b.names[0], "proxy.example");
    tgv_bench_resolved(&b, found, 2);
    assert_int_equal(b.stream_count, 1);
    assert_true(tgv_addr_equal(&conn(0)->to, &proxy_addr));
    associate(0);
    tgv_bench_run(&b, TGV_S(5));
    assert_int_equal(b.name_count, 1); /* that one and no other */
}

static void raw_datagram(const struct tgv_addr *from, uint8_t fragment,
                         const struct tgv_addr *source, uint64_t bad_before,
                         uint64_t unknown_before)
{
    uint8_t buf[200] = {0};
    size_t n = tgv_socks5_udp_header(source, buf, sizeof(buf));

    buf[2] = fragment;
    tgv_call_receive(b.call, b.sock, from, buf, n + 100, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, bad_before);
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source,
                     unknown_before);
}

static void test_proxy_only_whole_datagrams_of_the_association(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    raw_datagram(&b.relay_addr[0], 0, &b.relay_addr[0], 0, 1); /* directly */
    raw_datagram(&proxy_addr, 0, &b.relay_addr[0], 0, 2); /* wrong port */
    raw_datagram(&assoc_addr, 1, &b.relay_addr[0], 1, 2); /* a fragment */
    raw_datagram(&assoc_addr, 0, &b.relay_addr[0], 2, 2); /* wrong tag */
    raw_datagram(&assoc_addr, 0, &proxy_addr, 2, 3); /* of nobody */
    for (size_t len = 0; len < 10; len++)
        tgv_call_receive(b.call, b.sock, &assoc_addr, (const uint8_t *)"", 0,
                         b.now);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 12);
}

static void test_proxy_size_limit_of_wrapped_datagrams(void **state)
{
    uint8_t buf[1600] = {0};
    struct tgv_addr to;
    size_t len = 1490;

    (void)state;
    tgv_bench_init(&b, &o);
    to = b.relay_addr[0];
    assert_int_not_equal(tgv_proxy_wrap(b.call, &to, buf, &len), 0);
    associate(0);
    assert_int_equal(tgv_proxy_wrap(b.call, &to, buf, &len), 0);
    assert_int_equal(len, 1500);
    assert_true(tgv_addr_equal(&to, &assoc_addr));
    to = b.relay_addr[0];
    len = 1491;
    assert_int_equal(tgv_proxy_wrap(b.call, &to, buf, &len),
                     TGVOIP_ERR_TOO_LARGE);
}

/* -- ENG-28: what goes wrong -------------------------------------------------------- */

static void test_eng_28_a_lost_control_connection_is_reopened(void **state)
{
    unsigned before;

    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, 0);
    tgv_bench_establish(&b);
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(3));
    tgv_bench_tcp_event(&b, 0, TGV_IO_CLOSED);
    before = b.count;
    tgv_bench_run(&b, TGV_MS(400));
    assert_int_equal(b.count, before); /* the association is gone */
    assert_int_equal(b.stream_count, 2);
    associate(1);
    tgv_bench_talk(&b, TGV_S(1));
    assert_true(b.count > before + 10);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_28_unknown_name_fails_with_proxy(void **state)
{
    (void)state;
    strcpy(o.proxy.host, "proxy.example");
    tgv_bench_init(&b, &o);
    for (int i = 0; i < 40 && tgv_bench_state(&b) != TGV_STATE_FAILED; i++) {
        tgv_bench_resolved(&b, NULL, 0);
        tgv_bench_run(&b, TGV_S(1));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_in_range(b.now - TGV_BENCH_START, TGV_S(30), TGV_S(31));
    assert_in_range(b.name_count, 6, 20);
    assert_non_null(strstr(log_text, "is not known by that name"));
}

static void test_eng_28_a_look_up_without_end(void **state)
{
    (void)state;
    strcpy(o.proxy.host, "proxy.example");
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(31));
    assert_in_range(b.name_count, 3, 6);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
}

static void test_eng_28_unreachable_fails_with_proxy(void **state)
{
    (void)state;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    for (unsigned i = 0; i < 310; i++) {
        for (unsigned k = 0; k < b.stream_count; k++)
            if (!b.streams[k].gone)
                tgv_bench_tcp_event(&b, k, TGV_IO_FAILED);
        tgv_bench_run(&b, TGV_MS(100));
        if (i == 20) /* a retry may help still, but it is said */
            assert_non_null(strstr(log_text, "cannot be connected to"));
        if (i == 290)
            assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_in_range(b.stream_count, 10, 40);
}

static void test_eng_28_a_stalled_proxy_is_given_up_in_time(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(200));
    SAYS(0, "\x05"); /* half a reply, and nothing more */
    tgv_bench_run(&b, TGV_S(6));
    assert_true(conn(0)->gone);
    tgv_bench_run(&b, TGV_S(30));
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_non_null(strstr(log_text, "does not answer in time"));
    assert_int_equal(tgv_bench_live_streams(&b), 0);
}

static void test_eng_28_a_refused_login_fails_early(void **state)
{
    (void)state;
    strcpy(o.proxy.user, "bob");
    strcpy(o.proxy.password, "geheim");
    tgv_bench_init(&b, &o);
    for (unsigned i = 0; i < b.stream_count && i < 9; i++) {
        SAYS(i, "\x05\x02");
        SAYS(i, "\x01\x01");
        tgv_bench_run(&b, TGV_S(1));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_true(b.now - TGV_BENCH_START < TGV_S(5));
    assert_non_null(strstr(log_text, "refuses user name and password"));
}

static void test_eng_28_a_login_that_is_not_set(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    for (unsigned i = 0; i < b.stream_count && i < 9; i++) {
        SAYS(i, "\x05\xFF");
        tgv_bench_run(&b, TGV_S(1));
    }
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_non_null(strstr(log_text, "asks for a login"));
}

static void test_proxy_not_socks_at_all(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    SAYS(0, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_true(conn(0)->gone);
    assert_non_null(strstr(log_text, "does not speak SOCKS5"));
    tgv_bench_run(&b, TGV_S(1));
    assert_true(b.stream_count >= 2);
    assert_int_equal(b.count, 0);
}

static void test_proxy_replies_before_they_are_asked_for(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH ASSOCIATED); /* the command was not sent yet */
    assert_true(conn(0)->gone);
    assert_int_equal(b.count, 0);
}

static void test_proxy_association_with_an_impossible_address(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    SAYS(0, "\x05\x00\x00\x01\xE0\x00\x00\x01\x10\x00"); /* multicast */
    assert_true(conn(0)->gone);
    assert_int_equal(b.count, 0);
}

static void test_proxy_random_replies_never_leave_it(void **state)
{
    struct tgv_prng g;
    uint8_t noise[64];

    (void)state;
    o.init_timeout = TGV_S(200);
    tgv_bench_init(&b, &o);
    tgv_prng_init(&g, 21);
    for (int i = 0; i < 300; i++) {
        tgv_prng_source(&g).fill(tgv_prng_source(&g).ctx, noise, sizeof(noise));
        noise[0] = 5; /* go a little further */
        noise[1] &= 1;
        unsigned newest = b.stream_count - 1;
        if (!b.streams[newest].gone)
            tgv_bench_tcp_bytes(&b, newest, noise, 2 + (noise[5] & 31));
        tgv_bench_run(&b, TGV_MS(100));
        if (tgv_bench_state(&b) == TGV_STATE_FAILED)
            break;
    }
    for (unsigned i = 0; i < b.count; i++)
        assert_true(b.log[i].stream >= 0); /* none was associated */
}

/* -- TCP through it ----------------------------------------------------------------- */

static void test_proxy_connects_to_tcp_relays(void **state)
{
    (void)state;
    o.tcp_relays = 1;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 1);
    b.piece = 1;
    connect_through(0);
    tgv_bench_run(&b, 0);
    b.via = 0;
    b.piece = 0;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(state_says("\"tcp\":true"));
}

static void test_proxy_bytes_behind_its_reply_are_the_relay_s(void **state)
{
    uint8_t all[10 + TGV_OBF_FRAME_MAX], packet[64] = {0};
    size_t n;

    (void)state;
    o.tcp_relays = 1;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    EXPECT_SAID(0, CONNECT_RELAY_0);
    tgv_bench_tunnel(&b, 0);
    memcpy(all, CONNECTED, 10);
    (void)packet;
    memset(all + 10, 0x55, 100); /* no client header yet: noise to it */
    n = 110;
    tgv_bench_tcp_bytes(&b, 0, all, n);
    assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_true(conn(0)->headers == TGV_OBF_HEADER || conn(0)->gone);
}

static void test_proxy_ipv6_relays_as_literals(void **state)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
    uint8_t want[22] = {5, 1, 0, 4};

    (void)state;
    o.tcp_relays = 1;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    b.call->paths.list[0].addr = tgv_addr_ipv6(v6, 443);
    memcpy(want + 4, v6, 16);
    want[20] = 1;
    want[21] = 0xBB;
    tgv_bench_tcp_event(&b, 0, TGV_IO_OPENED);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    expect_said(0, want, sizeof(want));
}

static void test_eng_64_udp_refused_means_tcp_through_the_proxy(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    assert_true(is_associate(0));
    SAYS(0, REFUSED_BY_RULE);
    assert_true(conn(0)->gone);
    assert_int_equal(b.stream_count, 2);
    connect_through(1);
    tgv_bench_run(&b, TGV_S(1));
    b.via = 1;
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(10));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(b.stream_count, 2); /* no second association */
    assert_true(state_says("\"udp\":false"));
    assert_true(state_says("\"tcp\":true"));
}

static void test_eng_64_udp_that_does_not_pass_means_tcp(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    associate(0);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.stream_count, 2);
    connect_through(1);
    tgv_bench_run(&b, TGV_MS(200));
    b.via = 1;
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(5));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
    assert_true(state_says("\"udp\":false"));
}

static void test_eng_64_neither_udp_nor_tcp_is_proxy(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    for (int i = 0; i < 320; i++) {
        for (unsigned k = 0; k < b.stream_count; k++) {
            struct tgv_bench_stream *s = &b.streams[k];
            if (s->gone || s->raw_len == 0)
                continue;
            bool greeting = s->raw_len == 3;
            s->raw_len = 0;
            if (greeting)
                SAYS(k, NO_AUTH);
            else
                SAYS(k, REFUSED_BY_RULE);
        }
        tgv_bench_run(&b, TGV_MS(100));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_non_null(strstr(log_text, "the SOCKS5 proxy refuses"));
    assert_int_equal(b.count, 0);
}

static void test_eng_64_no_udp_and_no_tcp_allowed_fails_early(void **state)
{
    (void)state;
    config.use_tcp = false;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH);
    SAYS(0, REFUSED_BY_RULE);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
}

static void test_eng_64_a_peer_that_is_silent_is_no_fault_of_it(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, TGV_S(31));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_eng_64_no_direct_roads(void **state)
{
    static const uint8_t lan_ip[4] = {192, 168, 1, 5};
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES, .addr_count = 1};

    (void)state;
    tgv_bench_init(&b, &o);
    ev.addrs[0] = tgv_addr_ipv4(lan_ip, 0);
    tgv_call_io_event(b.call, &ev, b.now);
    associate(0);
    tgv_bench_run(&b, 0);
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(8));
    for (unsigned i = 0; i < b.count; i++)
        assert_int_not_equal(b.log[i].control, TGV_CONTROL_PEER_REQUEST);
    assert_int_equal(b.name_count, 0);
}

static void test_proxy_known_without_udp_is_not_asked_for_it(void **state)
{
    (void)state;
    o.persistent_state =
        "{\"ver\":1,\"proxy\":{\"server\":\"203.0.113.7:1080\","
        "\"udp\":false,\"tcp\":true}}";
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 1);
    connect_through(0);
    tgv_bench_run(&b, TGV_S(3));
    assert_int_equal(b.stream_count, 1);
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 0);
}

static void test_proxy_what_is_known_of_another_does_not_count(void **state)
{
    (void)state;
    o.persistent_state =
        "{\"ver\":1,\"proxy\":{\"server\":\"203.0.113.9:1080\","
        "\"udp\":false,\"tcp\":true}}";
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
    assert_true(state_says("203.0.113.7:1080"));
}

static void test_proxy_a_new_network_means_a_new_association(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, TGV_S(1));
    tgv_reach_moved(b.call, b.now);
    tgv_bench_settle(&b);
    assert_true(conn(0)->gone);
    assert_int_equal(b.stream_count, 2);
    associate(1);
    tgv_bench_run(&b, TGV_S(1));
}

static void test_proxy_stop_closes_its_connections(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_call_stop(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
}

static void test_proxy_without_a_port_is_refused(void **state)
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = tgv_addr_ipv4(ip, 500)};
    struct tgv_prng g;
    struct tgv_call_config c = {.relays = &relay,
                                .relay_count = 1,
                                .max_layer = 92,
                                .key = {1},
                                .init_timeout = 1,
                                .receive_timeout = 1,
                                .codec = tgv_codec_opus(),
                                .random = tgv_prng_source(&g),
                                .proxy = {.host = "a"}};
    struct tgv_call *call;

    (void)state;
    tgv_prng_init(&g, 1);
    assert_int_equal(tgv_call_create(&call, &c), TGVOIP_ERR_INVALID);
    c.proxy.port = 1;
    memset(c.proxy.user, 'x', sizeof(c.proxy.user)); /* without end */
    assert_int_equal(tgv_call_create(&call, &c), TGVOIP_ERR_INVALID);
    c.proxy.user[255] = '\0';
    assert_int_equal(tgv_call_create(&call, &c), 0);
    tgv_call_destroy(call);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_proxy_nothing_leaves_before_the_association),
        T(test_proxy_carries_a_call_by_udp),
        T(test_eng_26_replies_in_pieces),
        T(test_proxy_login_with_name_and_password),
        T(test_proxy_unspecified_address_means_its_own),
        T(test_proxy_a_name_in_the_reply_is_looked_up),
        T(test_proxy_a_name_in_the_reply_lives_as_the_call_does),
        T(test_proxy_a_name_that_cannot_be_asked_for_ends_the_try),
        T(test_proxy_association_without_a_socket_opens_nothing),
        T(test_proxy_failed_call_closes_everything),
        T(test_proxy_its_own_name_is_looked_up),
        T(test_proxy_only_whole_datagrams_of_the_association),
        T(test_proxy_size_limit_of_wrapped_datagrams),
        T(test_eng_28_a_lost_control_connection_is_reopened),
        T(test_eng_28_unknown_name_fails_with_proxy),
        T(test_eng_28_a_look_up_without_end),
        T(test_eng_28_unreachable_fails_with_proxy),
        T(test_eng_28_a_stalled_proxy_is_given_up_in_time),
        T(test_eng_28_a_refused_login_fails_early),
        T(test_eng_28_a_login_that_is_not_set),
        T(test_proxy_not_socks_at_all),
        T(test_proxy_replies_before_they_are_asked_for),
        T(test_proxy_association_with_an_impossible_address),
        T(test_proxy_random_replies_never_leave_it),
        T(test_proxy_connects_to_tcp_relays),
        T(test_proxy_bytes_behind_its_reply_are_the_relay_s),
        T(test_proxy_ipv6_relays_as_literals),
        T(test_eng_64_udp_refused_means_tcp_through_the_proxy),
        T(test_eng_64_udp_that_does_not_pass_means_tcp),
        T(test_eng_64_neither_udp_nor_tcp_is_proxy),
        T(test_eng_64_no_udp_and_no_tcp_allowed_fails_early),
        T(test_eng_64_a_peer_that_is_silent_is_no_fault_of_it),
        T(test_eng_64_no_direct_roads),
        T(test_proxy_known_without_udp_is_not_asked_for_it),
        T(test_proxy_what_is_known_of_another_does_not_count),
        T(test_proxy_a_new_network_means_a_new_association),
        T(test_proxy_stop_closes_its_connections),
        cmocka_unit_test(test_proxy_without_a_port_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
