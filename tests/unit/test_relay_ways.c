/* SPDX-License-Identifier: MIT */
/* rooms: relay transport crypto wire base */
/* The way to a side that comes by UDP, by TCP, or by both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/relay_client.h"

static void test_relay_control_does_not_pull_a_side_from_tcp(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;

    start_with_callee(&f);
    by_udp(&f, "1.1.1.1:1", CALLER, 50);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 16); /* not yet: it is registered only */
    assert_callee_reaches_udp(&f, "1.1.1.1:1");
    /* The first call data take the side to TCP at once... */
    by_tcp(&f, &e, CALLER, 52);
    for (int i = 0; i < 3; i++) {
        assert_callee_reaches(&f, &e);
        /* ...where neither probes nor registrations take it away... */
        assert_int_equal(ping_by_udp(&f, "1.1.1.1:1", CALLER), TGV_RELAY_REPLY);
        by_udp(&f, "1.1.1.1:1", CALLER, 16);
    }
    /* ...and call data by UDP do. */
    by_udp(&f, "1.1.1.1:1", CALLER, 50);
    assert_callee_reaches_udp(&f, "1.1.1.1:1");
    stop_with(&f, &e);
}

static void test_relay_side_that_only_listens_is_found(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;

    start_with_callee(&f);
    /* Nothing but registrations: the last one counts. */
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 16);
    assert_callee_reaches(&f, &e);
    ping_by_udp(&f, "1.1.1.1:1", CALLER);
    assert_callee_reaches_udp(&f, "1.1.1.1:1");
    by_tcp(&f, &e, CALLER, 16);
    assert_callee_reaches(&f, &e);
    stop_with(&f, &e);
}

static void test_relay_closed_connection_falls_back(void **state)
{
    (void)state;
    struct fixture f;
    struct end first, second;

    start_with_callee(&f);
    by_udp(&f, "[2001:db8::1]:1", CALLER, 50);
    first = new_end(&f, "1.1.1.1:5");
    f.now += TGV_S(1);
    by_tcp(&f, &first, CALLER, 52);
    second = new_end(&f, "1.1.1.1:6");
    f.now += TGV_S(1);
    by_tcp(&f, &second, CALLER, 52);
    assert_callee_reaches(&f, &second);
    end_gone(&f, &second); /* to the connection before it */
    assert_callee_reaches(&f, &first);
    end_gone(&f, &first); /* to UDP */
    assert_callee_reaches_udp(&f, "[2001:db8::1]:1");
    stop(&f);
}

static void test_relay_closed_connection_falls_back_to_the_last_heard(void **s)
{
    (void)s;
    struct fixture f;
    struct end first = start_with_both(&f), second;

    f.now += TGV_S(1);
    by_udp(&f, "1.1.1.1:1", CALLER, 50);
    f.now += TGV_S(1);
    second = new_end(&f, "1.1.1.1:6");
    by_tcp(&f, &second, CALLER, 52);
    end_gone(&f, &second);
    assert_callee_reaches_udp(&f, "1.1.1.1:1");
    stop_with(&f, &first);
}

static void test_relay_side_without_any_way_is_found_by_control(void **state)
{
    (void)state;
    struct fixture f;
    struct end e = start_with_both(&f);

    end_gone(&f, &e);
    by_udp(&f, "2.2.2.2:2", CALLEE, 52);
    assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    ping_by_udp(&f, "[2001:db8::1]:1", CALLER);
    assert_callee_reaches_udp(&f, "[2001:db8::1]:1");
    stop(&f);
}

static void test_relay_newest_connection_wins_once_a_second(void **state)
{
    (void)state;
    struct fixture f;
    struct end first = start_with_both(&f), second, third;

    second = new_end(&f, "1.1.1.1:6"); /* the client has lost the first */
    by_tcp(&f, &second, CALLER, 52);
    assert_callee_reaches(&f, &second);
    third = new_end(&f, "6.6.6.6:6"); /* somebody who knows the tag */
    for (int i = 0; i < 9; i++, f.now += TGV_MS(100)) {
        by_tcp(&f, &third, CALLER, 52);
        assert_reaches_udp(&f, "2.2.2.2:2"); /* forwarded all the same */
        assert_callee_reaches(&f, &second);
    }
    f.now += TGV_MS(100);
    by_tcp(&f, &third, CALLER, 52);
    assert_callee_reaches(&f, &third);
    end_gone(&f, &first);
    end_gone(&f, &second);
    stop_with(&f, &third);
}

static void test_relay_two_families_of_tcp_are_no_move(void **state)
{
    (void)state;
    struct fixture f;
    struct end four, six;

    start_with_callee(&f);
    four = new_end(&f, "1.1.1.1:5");
    six = new_end(&f, "[2001:db8::1]:5");
    for (int i = 0; i < 10; i++) {
        by_tcp(&f, &four, CALLER, 52);
        assert_callee_reaches(&f, &four);
        by_tcp(&f, &six, CALLER, 52);
        assert_callee_reaches(&f, &six);
    }
    end_gone(&f, &four);
    stop_with(&f, &six);
}

static void test_relay_flow_follows_to_tcp(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr to;
    uint32_t conn;
    uint64_t flow;
    struct end e;

    start_open(&f);
    by_udp(&f, "1.1.1.1:1", CALLER, 52);
    by_udp(&f, "2.2.2.2:2", CALLEE, 52);
    flow = f.out.flow;
    assert_true(tgv_relay_flow_way(f.relay, flow, &to, &conn));
    assert_int_equal(conn, 0);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 52);
    assert_true(tgv_relay_flow_way(f.relay, flow, &to, &conn));
    assert_int_equal(conn, e.conn);
    end_gone(&f, &e);
    assert_true(tgv_relay_flow_way(f.relay, flow, &to, &conn));
    assert_int_equal(conn, 0);
    assert_int_equal(to.port, 1);
    stop(&f);
}

static void test_relay_flow_lives_as_long_as_its_session(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr to;
    uint32_t conn;
    uint64_t flow;
    struct end e;

    start_open(&f);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 52);
    by_udp(&f, "2.2.2.2:2", CALLEE, 52);
    flow = f.out.flow;
    end_gone(&f, &e); /* between two connections, the bad network goes on */
    assert_false(tgv_relay_flow_way(f.relay, flow, &to, &conn));
    assert_true(tgv_relay_flow_alive(f.relay, flow));
    f.now += TGV_S(60);
    tgv_relay_expire(f.relay, f.now);
    assert_false(tgv_relay_flow_alive(f.relay, flow));
    stop(&f);
}

static void test_relay_tcp_does_not_change_peer_info(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_addr a = at("2.2.2.2:2");
    struct end e;

    start_open(&f);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 52);
    for (int i = 0; i < 2; i++) {
        put_packet(&f, 1, CALLEE, 16);
        memset(f.pkt + 16, 0xFF, 16);
        tgv_relay_receive(f.relay, &a, f.pkt, 32, f.now, &f.out);
        /* a connection's address is of no use to a peer */
        assert_int_equal(f.out.verdict, i ? TGV_RELAY_REPLY : TGV_RELAY_DROP);
        ping_by_udp(&f, "1.1.1.1:1", CALLER);
    }
    stop_with(&f, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_control_does_not_pull_a_side_from_tcp),
        cmocka_unit_test(test_relay_side_that_only_listens_is_found),
        cmocka_unit_test(test_relay_closed_connection_falls_back),
        cmocka_unit_test(
            test_relay_closed_connection_falls_back_to_the_last_heard),
        cmocka_unit_test(test_relay_side_without_any_way_is_found_by_control),
        cmocka_unit_test(test_relay_newest_connection_wins_once_a_second),
        cmocka_unit_test(test_relay_two_families_of_tcp_are_no_move),
        cmocka_unit_test(test_relay_flow_follows_to_tcp),
        cmocka_unit_test(test_relay_flow_lives_as_long_as_its_session),
        cmocka_unit_test(test_relay_tcp_does_not_change_peer_info),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
