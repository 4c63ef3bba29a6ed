/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* ENG-28: what goes wrong with a SOCKS5 proxy. It lies, stalls, hangs up, is
 * not there, or is no proxy at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_proxy.h"
#include "transport/socks5.h"

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

#define T(f) cmocka_unit_test_setup_teardown(f, reset_proxy, done_by_proxy)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
