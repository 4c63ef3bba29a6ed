/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* Calls whose datagrams a SOCKS5 proxy carries: the association, names in its
 * replies, the form of the datagrams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_proxy.h"
#include "transport/socks5.h"

#include <tgvoip/error.h>

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

#define T(f) cmocka_unit_test_setup_teardown(f, reset_proxy, done_by_proxy)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
