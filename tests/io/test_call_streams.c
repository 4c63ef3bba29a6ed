/* SPDX-License-Identifier: MIT */
/* Real calls over TCP relays, and through a proxy that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/call_pair.h"

/* A label of 64 bytes: refused without asking anybody. */
#define NO_NAME                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Tell the calls of the relay as it is for streams. */
static void at_tcp(struct pair *p, enum tgvoip_endpoint_type type)
{
    p->relay_at.type = type;
    p->relay_at.ipv4 = TCP_AT;
    p->relay_at.port = tgvoip_relay_tcp_port(p->relay);
}

static void expect_tcp(struct pair *p)
{
    struct tgvoip_relay_stats relay;
    struct tgvoip_call_stats s;

    for (int i = 0; i < 2; i++) {
        tgvoip_call_stats_default(&s);
        assert_int_equal(tgvoip_call_get_stats(p->ends[i].call, &s), 0);
        assert_int_equal(s.route.type, TGVOIP_ENDPOINT_TCP_RELAY);
        assert_int_equal(s.route.id, 77);
        assert_int_equal(tgvoip_call_preferred_relay(p->ends[i].call), 77);
        assert_int_equal(s.packets_bad, 0);
    }
    relay.size = sizeof(relay);
    assert_int_equal(tgvoip_relay_get_stats(p->relay, &relay), 0);
    assert_int_equal(relay.tcp_connections, 2);
    assert_int_equal(relay.tcp_accepted, 2);
    assert_int_equal(relay.tcp_closed_broken, 0);
    assert_true(relay.tcp_frames_in > 10);
}

/* ENG-26: the real thing, frame after frame. */
static void test_eng_26_call_over_tcp_relays_alone(void **state)
{
    (void)state;
    for (int own_loop = 0; own_loop < 2; own_loop++) {
        struct pair *p = pair_create(own_loop);
        at_tcp(p, TGVOIP_ENDPOINT_TCP_RELAY);
        pair_establish(p);
        pair_mute_and_unmute(p);
        expect_tcp(p);
        pair_destroy(p);
    }
}

static void test_call_takes_tcp_where_udp_does_not_pass(void **state)
{
    struct pair *p = pair_create(true);

    (void)state;
    p->config.init_timeout_ms = 30000;
    at_tcp(p, TGVOIP_ENDPOINT_UDP_RELAY);
    pair_begin(p);
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_is_loud, 0.3, 30000));
    expect_tcp(p);
    pair_destroy(p);
}

/* The relay ends the streams in mid-call: they are opened anew. */
static void test_call_survives_the_loss_of_its_stream(void **state)
{
    struct pair *p = pair_create(true);
    char at[32];

    (void)state;
    p->config.receive_timeout_ms = 60000;
    at_tcp(p, TGVOIP_ENDPOINT_TCP_RELAY);
    pair_establish(p);
    tgvoip_relay_destroy(p->relay);
    snprintf(at, sizeof(at), TCP_AT ":%u", p->relay_at.port); /* again */
    assert_true(pair_wait(p, &p->ends[0], end_is_quiet, 0.01, 5000));
    pair_make_relay(p, at);
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_is_loud, 0.3, 30000));
    for (int i = 0; i < 200; i++) /* a second of talk */
        pair_step(p);
    expect_tcp(p);
    pair_destroy(p);
}

/* ENG-28: nobody is the proxy, or it has no address; the relay is near, but is
 * never reached round it (ENG-64). */
static void test_eng_28_no_way_to_the_proxy_is_told(void **state)
{
    static const char *const hosts[] = {"127.0.0.3", "localhost", NO_NAME};
    struct tgvoip_relay_stats relay;
    struct tgvoip_proxy proxy;

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct pair *p = pair_create(true);
        tgvoip_proxy_default(&proxy);
        proxy.host = hosts[i];
        proxy.port = 1;
        p->config.proxy = &proxy;
        p->config.allow_p2p = true;
        p->config.init_timeout_ms = 5000;
        pair_begin(p);
        for (int k = 0; k < 2; k++) {
            assert_true(pair_wait(p, &p->ends[k], end_state_is,
                                  TGVOIP_STATE_FAILED, 9000));
            assert_int_equal(p->ends[k].error, TGVOIP_CALL_ERROR_PROXY);
        }
        relay.size = sizeof(relay);
        assert_int_equal(tgvoip_relay_get_stats(p->relay, &relay), 0);
        assert_int_equal(relay.packets_in + relay.control_in, 0);
        assert_int_equal(relay.tcp_accepted, 0);
        pair_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_26_call_over_tcp_relays_alone),
        cmocka_unit_test(test_call_takes_tcp_where_udp_does_not_pass),
        cmocka_unit_test(test_call_survives_the_loss_of_its_stream),
        cmocka_unit_test(test_eng_28_no_way_to_the_proxy_is_told),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
