/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* A call from outside: what it is made of, how it ends, and what it tells of
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/json.h"
#include "support/bench_call.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* -- creation and misuse --------------------------------------------------------- */

static void expect_refused(void (*spoil)(struct tgv_call_config *,
                                         struct tgv_relay_entry *))
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = tgv_addr_ipv4(ip, 500)};
    struct tgv_prng g;
    struct tgv_call_config config = {.relays = &relay,
                                     .relay_count = 1,
                                     .max_layer = 92,
                                     .init_timeout = 1,
                                     .receive_timeout = 1,
                                     .codec = tgv_codec_opus(),
                                     .random = tgv_prng_source(&g)};
    struct tgv_call *call;

    config.key[3] = 1;
    spoil(&config, &relay);
    assert_int_equal(tgv_call_create(&call, &config), TGVOIP_ERR_INVALID);
    assert_null(call);
}

#define SPOIL(name, statement)                                                 \
    static void name(struct tgv_call_config *config,                           \
                     struct tgv_relay_entry *relay)                            \
    {                                                                          \
        (void)config;                                                          \
        (void)relay;                                                           \
        statement;                                                             \
    }

SPOIL(no_key, config->key[3] = 0)
SPOIL(no_relays, config->relay_count = 0)
SPOIL(low_layer, config->max_layer = 64)
SPOIL(high_layer, config->max_layer = 93)
SPOIL(no_timeout, config->init_timeout = 0)
SPOIL(no_codec, config->codec = NULL)
SPOIL(no_random, config->random.fill = NULL)
SPOIL(no_address, relay->ipv4.family = TGV_AF_NONE)
SPOIL(no_port, relay->ipv4.port = 0)
SPOIL(zero_address, memset(relay->ipv4.ip, 0, 16))
SPOIL(multicast, relay->ipv4.ip[0] = 239)
SPOIL(bad_second, relay->ipv6.family = 9)

static void test_eng_05_unset_values_are_refused(void **state)
{
    (void)state;
    expect_refused(no_key);
    expect_refused(no_relays);
    expect_refused(no_timeout);
    expect_refused(no_codec);
    expect_refused(no_random);
    expect_refused(low_layer);
    expect_refused(high_layer);
}

static void test_eng_31_endpoints_are_validated(void **state)
{
    (void)state;
    expect_refused(no_address);
    expect_refused(no_port);
    expect_refused(zero_address);
    expect_refused(multicast);
    expect_refused(bad_second);
}

static void test_eng_05_values_are_defined_before_the_start(void **state)
{
    struct tgv_call_stats s;

    (void)state;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    s = tgv_bench_stats(&b);
    assert_int_equal(s.state, TGV_STATE_WAIT_INIT);
    assert_int_equal(s.error, TGV_CALL_ERROR_UNKNOWN);
    assert_int_equal(s.established, -1);
    assert_int_equal(s.first_audio, -1);
    assert_int_equal(s.connected, 0);
    assert_int_equal(s.peer_version, 0);
    assert_int_equal(tgv_call_preferred_relay(b.call), 100);
}

static void test_eng_06_misuse_is_an_error(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_call_start(b.call, b.now), TGVOIP_ERR_STATE);
    assert_int_equal(tgv_call_connect(b.call, b.now), TGVOIP_ERR_STATE);
    tgv_call_stop(b.call, b.now);
    tgv_call_stop(b.call, b.now);
    assert_int_equal(tgv_call_start(b.call, b.now), TGVOIP_ERR_STATE);
    assert_int_equal(tgv_call_connect(b.call, b.now), TGVOIP_ERR_STATE);
}

static void test_eng_06_nothing_after_stop(void **state)
{
    unsigned sent;

    (void)state;
    establish_by_udp();
    sent = b.count;
    tgv_call_stop(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(b.last_request.kind, TGV_IO_CLOSE);
    assert_int_equal(b.last_request.sock, b.sock);
    b.audio = true;
    tgv_bench_init_packet(&b, 0);
    tgv_bench_run(&b, TGV_S(60));
    assert_int_equal(b.count, sent);
    assert_false(tgv_call_wants_playout(b.call));
}

/* -- time-outs -------------------------------------------------------------------------- */

static void test_call_reconnecting_is_exact(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    tgv_bench_run(&b, TGV_S(2) - 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    before = b.count;
    tgv_bench_run(&b, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    assert_int_equal(b.log[before].control, TGV_CONTROL_PING);
    tgv_bench_run(&b, TGV_MS(777));
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    tgv_bench_run(&b, TGV_S(20) - 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    tgv_bench_run(&b, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_call_silence_follows_the_server_config(void **state)
{
    struct tgv_server_config config;

    (void)state;
    tgv_server_config_init(&config);
    config.reconnecting_state_timeout = 0.7;
    o.config = &config;
    establish_by_udp();
    tgv_bench_run(&b, TGV_MS(700));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
}

/* -- what it tells --------------------------------------------------------------------- */

static void test_eng_63_looking_changes_nothing(void **state)
{
    struct tgv_call_stats first, second;

    (void)state;
    tgv_bench_init(&b, &o);
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    tgv_call_stats(b.call, &first, b.now);
    free(tgv_call_debug_log(b.call, b.now));
    tgv_call_need_rate(b.call);
    tgv_call_preferred_relay(b.call);
    tgv_call_stats(b.call, &second, b.now);
    assert_memory_equal(&first, &second, sizeof(first));
}

static void test_call_debug_log_is_json(void **state)
{
    static const char *const keys[] = {
        "log_type",  "libtgvoip_version", "network",   "protocol_version",
        "udp_avail", "tcp_used",          "relay_rtt", "p2p_type",
        "rtt",       "packet_stats",      "problems",  "pref_relay"};
    struct tgv_json *j;
    char why[64], *text;

    (void)state;
    establish_by_udp();
    tgv_bench_run(&b, TGV_S(3));
    text = tgv_call_debug_log(b.call, b.now);
    j = tgv_json_parse(text, strlen(text), why, sizeof(why));
    assert_non_null(j);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_non_null(tgv_json_get(j, keys[i]));
    assert_string_equal(tgv_json_str(tgv_json_get(j, "pref_relay")), "100");
    assert_string_equal(
        tgv_json_str(tgv_json_at(tgv_json_get(j, "problems"), 0)),
        "reconnecting");
    tgv_json_free(j);
    free(text);
}

static void test_call_signal_bars(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_MS(900));
    assert_int_equal(b.bars, 0);
    tgv_bench_talk(&b, TGV_MS(300));
    assert_int_equal(b.bars, 4);
    tgv_bench_run(&b, TGV_S(8));
    assert_int_equal(b.bars, 1);
}

static void test_call_need_rate_only_if_the_server_wants_it(void **state)
{
    struct tgv_server_config config;

    (void)state;
    tgv_server_config_init(&config);
    config.bad_call_rating = true;
    o.config = &config;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(4));
    assert_false(tgv_call_need_rate(b.call));
    tgv_bench_run(&b, TGV_S(3)); /* reconnecting */
    assert_true(tgv_call_need_rate(b.call));
    tgv_bench_fini(&b);
    config.rate_flags = 7; /* all but that */
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(4));
    tgv_bench_run(&b, TGV_S(3));
    assert_false(tgv_call_need_rate(b.call));
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_eng_05_unset_values_are_refused,
                               reset_options),
        cmocka_unit_test_setup(test_eng_31_endpoints_are_validated,
                               reset_options),
        T(test_eng_05_values_are_defined_before_the_start),
        T(test_eng_06_misuse_is_an_error),
        T(test_eng_06_nothing_after_stop),
        T(test_call_reconnecting_is_exact),
        T(test_call_silence_follows_the_server_config),
        T(test_eng_63_looking_changes_nothing),
        T(test_call_debug_log_is_json),
        T(test_call_signal_bars),
        T(test_call_need_rate_only_if_the_server_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
