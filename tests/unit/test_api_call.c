/* SPDX-License-Identifier: MIT */
/* rooms: api */
#include <tgvoip/tgvoip.h>

#include "api/phases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[256] = {1};
static struct tgvoip_endpoint relay;
static struct tgvoip_proxy proxy; /* used if the config points to it */
static char long_text[257];
static tgvoip_engine *engine;

static int setup(void **state)
{
    struct tgvoip_engine_config config;

    (void)state;
    tgvoip_engine_config_default(&config);
    config.own_loop = true;
    return tgvoip_engine_create(&engine, &config, NULL);
}

static int teardown(void **state)
{
    (void)state;
    tgvoip_engine_destroy(engine);
    return 0;
}

static void good_config(struct tgvoip_call_config *c)
{
    tgvoip_endpoint_default(&relay);
    relay.id = 7;
    relay.ipv4 = "127.0.0.1";
    relay.port = 9;
    tgvoip_proxy_default(&proxy);
    proxy.host = "proxy.test";
    proxy.port = 1080;
    proxy.user = "somebody";
    proxy.password = "unspoken";
    memset(long_text, 'x', sizeof(long_text) - 1);
    tgvoip_call_config_default(c);
    c->key = key;
    c->key_len = sizeof(key);
    c->endpoints = &relay;
    c->endpoint_count = 1;
}

/* -- validation ----------------------------------------------------------- */

static void key_null(struct tgvoip_call_config *c)
{
    c->key = NULL;
}
static void key_zero(struct tgvoip_call_config *c)
{
    static const uint8_t zero[256];

    c->key = zero;
}
static void key_short(struct tgvoip_call_config *c)
{
    c->key_len = 12;
}
static void size_unset(struct tgvoip_call_config *c)
{
    c->size = 0;
}
static void layer_low(struct tgvoip_call_config *c)
{
    c->max_layer = 64;
}
static void layer_high(struct tgvoip_call_config *c)
{
    c->max_layer = 93;
}
static void version_other(struct tgvoip_call_config *c)
{
    c->library_version = "5.0.0\n";
}
static void init_zero(struct tgvoip_call_config *c)
{
    c->init_timeout_ms = 0;
}
static void receive_long(struct tgvoip_call_config *c)
{
    c->receive_timeout_ms = 600001;
}
static void saving_bad(struct tgvoip_call_config *c)
{
    c->data_saving = (enum tgvoip_data_saving)3;
}
static void network_bad(struct tgvoip_call_config *c)
{
    c->network_type = (enum tgvoip_network_type)12;
}
static void complexity_bad(struct tgvoip_call_config *c)
{
    c->complexity = 11;
}
static void min_frame_bad(struct tgvoip_call_config *c)
{
    c->min_frame_ms = 30;
}
static void no_endpoint(struct tgvoip_call_config *c)
{
    c->endpoint_count = 0;
}
static void many_endpoints(struct tgvoip_call_config *c)
{
    c->endpoint_count = 65;
}
static void endpoints_null(struct tgvoip_call_config *c)
{
    c->endpoints = NULL;
}
static void port_zero(struct tgvoip_call_config *c)
{
    (void)c;
    relay.port = 0;
}
static void host_bad(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv4 = "127.0.0.300";
}
static void host_family(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv4 = "::1";
}
static void host6_bad(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv6 = "relay.example";
}
static void host_none(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv4 = NULL;
}
static void type_bad(struct tgvoip_call_config *c)
{
    (void)c;
    relay.type = TGVOIP_ENDPOINT_P2P_INET;
}
static void host_any(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv4 = "0.0.0.0";
}
static void host_multicast(struct tgvoip_call_config *c)
{
    (void)c;
    relay.ipv6 = "ff02::1";
}
static void proxy_size(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.size = 0;
}
static void proxy_host_none(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.host = NULL;
}
static void proxy_host_empty(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.host = "";
}
static void proxy_host_long(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.host = long_text;
}
static void proxy_port_zero(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.port = 0;
}
static void proxy_user_long(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.user = long_text;
}
static void proxy_password_long(struct tgvoip_call_config *c)
{
    c->proxy = &proxy;
    proxy.password = long_text;
}
static void endpoint_size(struct tgvoip_call_config *c)
{
    (void)c;
    relay.size = 0;
}

static const struct {
    void (*spoil)(struct tgvoip_call_config *c);
    int code;
    const char *what, *why;
} bad[] = {
    {key_null, TGVOIP_ERR_INVALID, "key", "is NULL"},
    {key_zero, TGVOIP_ERR_INVALID, "key", "is all zeros: it was never set"},
    {key_short, TGVOIP_ERR_INVALID, "key", "must be 256 bytes, got 12"},
    {size_unset, TGVOIP_ERR_INVALID, "size",
     "tgvoip_call_config_default() was not called"},
    {layer_low, TGVOIP_ERR_INVALID, "max_layer", "64 is out of range 65..92"},
    {layer_high, TGVOIP_ERR_INVALID, "max_layer", "93 is out of range 65..92"},
    {version_other, TGVOIP_ERR_UNSUPPORTED, "library_version",
     "\"5.0.0\\x0a\" is not available in this version"},
    {init_zero, TGVOIP_ERR_INVALID, "init_timeout_ms",
     "0 is out of range 1..600000"},
    {receive_long, TGVOIP_ERR_INVALID, "receive_timeout_ms",
     "600001 is out of range 1..600000"},
    {saving_bad, TGVOIP_ERR_INVALID, "data_saving", "3 is out of range 0..2"},
    {network_bad, TGVOIP_ERR_INVALID, "network_type",
     "12 is out of range 0..11"},
    {complexity_bad, TGVOIP_ERR_INVALID, "complexity",
     "11 is out of range 0..10"},
    {min_frame_bad, TGVOIP_ERR_INVALID, "min_frame_ms",
     "must be 20, 40 or 60, or 0 for 20, got 30"},
    {no_endpoint, TGVOIP_ERR_INVALID, "endpoints", "must be 1 to 64, got 0"},
    {many_endpoints, TGVOIP_ERR_INVALID, "endpoints",
     "must be 1 to 64, got 65"},
    {endpoints_null, TGVOIP_ERR_INVALID, "endpoints", "is NULL"},
    {port_zero, TGVOIP_ERR_INVALID, "endpoints[0].port",
     "0 is out of range 1..65535"},
    {host_bad, TGVOIP_ERR_INVALID, "endpoints[0].ipv4",
     "\"127.0.0.300\" is not an IPv4 address"},
    {host_family, TGVOIP_ERR_INVALID, "endpoints[0].ipv4",
     "\"::1\" is not an IPv4 address"},
    {host6_bad, TGVOIP_ERR_INVALID, "endpoints[0].ipv6",
     "\"relay.example\" is not an IPv6 address"},
    {host_none, TGVOIP_ERR_INVALID, "endpoints[0].ipv4",
     "neither an IPv4 nor an IPv6 address is given"},
    {type_bad, TGVOIP_ERR_INVALID, "endpoints[0].type",
     "must be UDP_RELAY or TCP_RELAY, got 1"},
    {host_any, TGVOIP_ERR_INVALID, "endpoints[0].ipv4",
     "\"0.0.0.0\" is not the address of a host"},
    {host_multicast, TGVOIP_ERR_INVALID, "endpoints[0].ipv6",
     "\"ff02::1\" is not the address of a host"},
    {proxy_size, TGVOIP_ERR_INVALID, "proxy.size",
     "tgvoip_proxy_default() was not called"},
    {proxy_host_none, TGVOIP_ERR_INVALID, "proxy.host", "is empty"},
    {proxy_host_empty, TGVOIP_ERR_INVALID, "proxy.host", "is empty"},
    {proxy_host_long, TGVOIP_ERR_INVALID, "proxy.host",
     "must be up to 255 bytes, got 256"},
    {proxy_port_zero, TGVOIP_ERR_INVALID, "proxy.port",
     "0 is out of range 1..65535"},
    {proxy_user_long, TGVOIP_ERR_INVALID, "proxy.user",
     "must be up to 255 bytes, got 256"},
    {proxy_password_long, TGVOIP_ERR_INVALID, "proxy.password",
     "must be up to 255 bytes, got 256"},
    {endpoint_size, TGVOIP_ERR_INVALID, "endpoints[0].size",
     "tgvoip_endpoint_default() was not called"},
};

static void test_eng_31_wrong_arguments_are_named(void **state)
{
    struct tgvoip_call_config c;
    struct tgvoip_failure f;
    tgvoip_call *call;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        good_config(&c);
        bad[i].spoil(&c);
        call = (tgvoip_call *)&c;
        memset(&f, 0, sizeof(f));
        assert_int_equal(tgvoip_call_create(engine, &call, &c, &f),
                         bad[i].code);
        assert_null(call);
        assert_int_equal(f.code, bad[i].code);
        assert_string_equal(f.what, bad[i].what);
        assert_string_equal(f.why, bad[i].why);
        /* the text is optional */
        assert_int_equal(tgvoip_call_create(engine, &call, &c, NULL),
                         bad[i].code);
    }
}

static void test_call_config_second_endpoint_is_named(void **state)
{
    struct tgvoip_call_config c;
    struct tgvoip_endpoint two[2];
    struct tgvoip_failure f;
    tgvoip_call *call;

    (void)state;
    good_config(&c);
    two[0] = two[1] = relay;
    two[1].port = 0;
    c.endpoints = two;
    c.endpoint_count = 2;
    assert_int_equal(tgvoip_call_create(engine, &call, &c, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "endpoints[1].port");
}

/* What the table refuses begins where these end. */
static void test_call_config_takes_proxy_tcp_and_p2p(void **state)
{
    struct tgvoip_call_config c;
    struct tgvoip_endpoint two[2];
    tgvoip_call *call;

    (void)state;
    for (int i = 0; i < 4; i++) {
        good_config(&c);
        relay.type = TGVOIP_ENDPOINT_TCP_RELAY; /* alone, too */
        two[0] = two[1] = relay;
        two[1].ipv4 = "127.0.0.2"; /* the same id: the later one counts */
        c.endpoints = two;
        c.endpoint_count = i == 0 ? 1 : 2;
        c.allow_p2p = true;
        long_text[255] = '\0';
        c.proxy = i > 0 ? &proxy : NULL;
        if (i == 2)
            proxy.user = proxy.password = NULL;
        if (i == 3)
            proxy.host = proxy.user = proxy.password = long_text;
        assert_int_equal(tgvoip_call_create(engine, &call, &c, NULL), 0);
        tgvoip_call_destroy(call);
    }
    tgvoip_proxy_default(NULL);
}

static void test_call_null_arguments_are_refused(void **state)
{
    struct tgvoip_call_config c;
    struct tgvoip_failure f;
    struct tgvoip_call_stats stats;
    tgvoip_call *call;
    int16_t pcm[4];
    char *text;

    (void)state;
    good_config(&c);
    assert_int_equal(tgvoip_call_create(NULL, &call, &c, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "engine");
    assert_int_equal(tgvoip_call_create(engine, &call, NULL, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "config");
    assert_int_equal(tgvoip_call_create(engine, NULL, &c, &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_start(NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_connect(NULL), TGVOIP_ERR_INVALID);
    tgvoip_call_stop(NULL);
    tgvoip_call_destroy(NULL);
    assert_int_equal(tgvoip_call_set_mute(NULL, true), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_set_network_type(NULL, TGVOIP_NET_WIFI),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_get_stats(NULL, &stats), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_preferred_relay(NULL), 0);
    assert_false(tgvoip_call_need_rate(NULL));
    assert_int_equal(tgvoip_call_debug_log(NULL, &text), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_write(NULL, pcm, 4), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_read(NULL, pcm, 4), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_clear(NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_play(NULL, "x", &f), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_record(NULL, "x.wav", &f), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_record_sent(NULL, "x.wav", &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_stop_recording(NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_call_receive_signaling(NULL, NULL, 0),
                     TGVOIP_ERR_INVALID);
    tgvoip_engine_destroy(NULL);
}

/* -- life ----------------------------------------------------------------- */

static tgvoip_call *make_call(void)
{
    struct tgvoip_call_config c;
    tgvoip_call *call;

    good_config(&c);
    assert_int_equal(tgvoip_call_create(engine, &call, &c, NULL), 0);
    assert_non_null(call);
    return call;
}

static void test_eng_06_misuse_returns_an_error(void **state)
{
    tgvoip_call *call = make_call();
    int16_t pcm[960] = {0};

    (void)state;
    assert_int_equal(tgvoip_call_connect(call), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_start(call), 0);
    assert_int_equal(tgvoip_call_start(call), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_connect(call), 0);
    assert_int_equal(tgvoip_call_connect(call), TGVOIP_ERR_STATE);
    tgvoip_call_stop(call);
    tgvoip_call_stop(call);
    assert_int_equal(tgvoip_call_start(call), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_connect(call), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_set_mute(call, true), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_set_network_type(call, TGVOIP_NET_WIFI),
                     TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_write(call, pcm, 960), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_play(call, "x.wav", NULL), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_record(call, "x.wav", NULL), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_call_stop_recording(call), TGVOIP_ERR_STATE);
    tgvoip_call_destroy(call);
}

static void test_eng_06_destroy_without_stop_or_start(void **state)
{
    (void)state;
    tgvoip_call_destroy(make_call());
    tgvoip_call *call = make_call();
    assert_int_equal(tgvoip_call_start(call), 0);
    tgvoip_call_destroy(call);
    make_call(); /* the engine destroys it */
}

static void test_eng_05_getters_are_defined_before_start(void **state)
{
    tgvoip_call *call = make_call();
    struct tgvoip_call_stats stats;

    (void)state;
    tgvoip_call_stats_default(&stats);
    assert_int_equal(tgvoip_call_get_stats(call, &stats), 0);
    assert_int_equal(stats.state, TGVOIP_STATE_WAIT_INIT);
    assert_int_equal(stats.error, TGVOIP_CALL_ERROR_UNKNOWN);
    assert_int_equal(stats.established_us, -1);
    assert_int_equal(stats.first_audio_us, -1);
    assert_false(tgvoip_call_need_rate(call));
    tgvoip_call_destroy(call);
}

static void test_eng_63_reading_changes_nothing(void **state)
{
    tgvoip_call *call = make_call();
    char *first, *second;

    (void)state;
    assert_int_equal(tgvoip_call_debug_log(call, &first), 0);
    assert_int_equal(tgvoip_call_debug_log(call, &second), 0);
    assert_string_equal(first, second);
    assert_int_equal(first[0], '{');
    tgvoip_free(first);
    tgvoip_free(second);
    tgvoip_call_destroy(call);
}

static void test_call_write_holds_half_a_second(void **state)
{
    static int16_t pcm[30000];
    tgvoip_call *call = make_call();

    (void)state;
    assert_int_equal(tgvoip_call_write(call, pcm, 10), 10);
    assert_int_equal(tgvoip_call_write(call, pcm, 30000), 23990);
    assert_int_equal(tgvoip_call_write(call, pcm, 1), 0);
    assert_int_equal(tgvoip_call_clear(call), 0);
    assert_int_equal(tgvoip_call_write(call, pcm, 30000), 24000);
    assert_int_equal(tgvoip_call_read(call, pcm, 960), 0);
    tgvoip_call_destroy(call);
}

static void test_call_bad_files_are_refused_at_once(void **state)
{
    tgvoip_call *call = make_call();
    struct tgvoip_failure f;

    (void)state;
    assert_int_equal(tgvoip_call_play(call, "/nonexistent/a.wav", &f),
                     TGVOIP_ERR_NOT_FOUND);
    assert_string_equal(f.what, "/nonexistent/a.wav");
    assert_int_equal(tgvoip_call_play_on_hold(call, "/nonexistent/b.wav", &f),
                     TGVOIP_ERR_NOT_FOUND);
    assert_int_equal(tgvoip_call_record(call, "/nonexistent/c.wav", &f),
                     TGVOIP_ERR_NOT_FOUND);
    assert_int_equal(tgvoip_call_record(call, "/tmp/c.unknown", &f),
                     TGVOIP_ERR_UNSUPPORTED);
    assert_int_equal(tgvoip_call_receive_signaling(call, key, 1),
                     TGVOIP_ERR_UNSUPPORTED);
    tgvoip_call_destroy(call);
}

static void test_call_strings_of_unknown_numbers(void **state)
{
    (void)state;
    assert_string_equal(tgvoip_call_state_str(TGVOIP_STATE_ESTABLISHED),
                        "ESTABLISHED");
    assert_string_equal(tgvoip_call_state_str((enum tgvoip_call_state)0), "?");
    assert_string_equal(tgvoip_call_state_str((enum tgvoip_call_state) - 1),
                        "?");
    assert_string_equal(tgvoip_call_error_str(TGVOIP_CALL_ERROR_TIMEOUT),
                        "TIMEOUT");
    assert_string_equal(tgvoip_call_error_str((enum tgvoip_call_error)5), "?");
    assert_string_equal(tgvoip_network_type_str(TGVOIP_NET_OTHER_MOBILE),
                        "other_mobile");
    assert_string_equal(tgvoip_network_type_str((enum tgvoip_network_type)12),
                        "?");
    assert_string_equal(tgvoip_endpoint_type_str(TGVOIP_ENDPOINT_UDP_RELAY),
                        "udp_relay");
    assert_string_equal(tgvoip_endpoint_type_str((enum tgvoip_endpoint_type)0),
                        "?");
}

/* -- server configuration -------------------------------------------------- */

static void test_server_config_errors_keep_the_values(void **state)
{
    static const char good[] = "{\"audio_max_bitrate\":24000,\"x\":1}";
    static const char wrong[] = "{\"audio_max_bitrate\":\"much\"}";
    static const char broken[] = "{\"audio_max_bitrate\":";
    tgvoip_server_config *sc;
    struct tgvoip_failure f;
    unsigned rejected = 9;

    (void)state;
    assert_int_equal(tgvoip_server_config_create(&sc), 0);
    assert_int_equal(
        tgvoip_server_config_merge(sc, good, strlen(good), &rejected, &f), 0);
    assert_int_equal(rejected, 0);
    assert_int_equal(f.code, 0);
    assert_int_equal(
        tgvoip_server_config_merge(sc, wrong, strlen(wrong), &rejected, &f), 0);
    assert_int_equal(rejected, 1);
    assert_int_equal(f.code, TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "audio_max_bitrate");
    assert_int_equal(
        tgvoip_server_config_merge(sc, broken, strlen(broken), NULL, &f),
        TGVOIP_ERR_FORMAT);
    assert_string_equal(f.what, "server configuration");
    assert_true(strlen(f.why) > 0);
    assert_int_equal(tgvoip_server_config_merge(NULL, good, 1, NULL, &f),
                     TGVOIP_ERR_INVALID);
    tgvoip_server_config_destroy(sc);
    tgvoip_server_config_destroy(NULL);
}

/* -- phases of the audio clocks -------------------------------------------- */

/* When the calls of a loop tick: moments of 20 ms that somebody ticks in. */
static unsigned wake_ups(const struct tgv_phases *p)
{
    unsigned count = 0, third = TGV_PHASE_COUNT / 3;

    for (unsigned i = 0; i < third; i++)
        count +=
            p->calls[i] + p->calls[i + third] + p->calls[i + 2 * third] > 0;
    return count;
}

static unsigned most_together(const struct tgv_phases *p)
{
    unsigned most = 0;

    for (unsigned i = 0; i < TGV_PHASE_COUNT; i++)
        most = p->calls[i] > most ? p->calls[i] : most;
    return most;
}

static void test_phases_spread_calls_that_start_together(void **state)
{
    struct tgv_phases p = {0};
    unsigned phase[49];

    (void)state;
    for (unsigned i = 0; i < 48; i++) {
        tgv_time at = tgv_phase_take(&p, 600001, &phase[i]);
        assert_true(at >= 600001 && at <= 600001 + 60000);
        assert_int_equal((at - 600001) / TGV_PHASE_US % TGV_PHASE_COUNT,
                         phase[i]);
        /* Never more at once than with all of them on six parts. */
        assert_true(most_together(&p) <= i / 6 + 1);
    }
    for (unsigned i = 0; i < TGV_PHASE_COUNT; i++)
        assert_int_equal(p.calls[i], 2);
    tgv_phase_release(&p, phase[30]);
    tgv_phase_take(&p, 700000, &phase[48]);
    assert_int_equal(phase[48], phase[30]);
}

static void test_phases_few_calls_share_wake_ups(void **state)
{
    static const struct {
        unsigned calls, wake_ups;
    } expect[] = {{1, 1}, {2, 2}, {10, 2}, {11, 3}, {20, 4}, {48, 8}};
    struct tgv_phases p = {0};
    unsigned calls = 0, phase;

    (void)state;
    for (size_t i = 0; i < sizeof(expect) / sizeof(*expect); i++) {
        while (calls < expect[i].calls) {
            tgv_phase_take(&p, 1234567, &phase);
            calls++;
        }
        assert_int_equal(wake_ups(&p), expect[i].wake_ups);
    }
}

/* However the calls before it ended. */
static void test_phases_first_call_does_not_wait(void **state)
{
    struct tgv_phases p = {0};
    unsigned phase[2];

    (void)state;
    for (tgv_time now = 1000003; now < 2000000; now += 70001) {
        assert_int_equal(tgv_phase_take(&p, now, &phase[0]), now);
        assert_true(tgv_phase_take(&p, now + 1, &phase[1]) <= now + 10000);
        tgv_phase_release(&p, phase[0]);
        tgv_phase_release(&p, phase[1]);
    }
}

/* The clock may be the program's own. */
static void test_phases_stand_a_clock_that_goes_back(void **state)
{
    struct tgv_phases p = {0};
    unsigned phase;

    (void)state;
    tgv_phase_take(&p, 1000000, &phase);
    for (tgv_time now = 999999; now > 0; now /= 2) {
        tgv_time at = tgv_phase_take(&p, now, &phase);
        assert_in_range(phase, 0, TGV_PHASE_COUNT - 1);
        assert_in_range(at, 1000000, 1060000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_31_wrong_arguments_are_named),
        cmocka_unit_test(test_call_config_second_endpoint_is_named),
        cmocka_unit_test(test_call_config_takes_proxy_tcp_and_p2p),
        cmocka_unit_test(test_call_null_arguments_are_refused),
        cmocka_unit_test(test_eng_06_misuse_returns_an_error),
        cmocka_unit_test(test_eng_06_destroy_without_stop_or_start),
        cmocka_unit_test(test_eng_05_getters_are_defined_before_start),
        cmocka_unit_test(test_eng_63_reading_changes_nothing),
        cmocka_unit_test(test_call_write_holds_half_a_second),
        cmocka_unit_test(test_call_bad_files_are_refused_at_once),
        cmocka_unit_test(test_call_strings_of_unknown_numbers),
        cmocka_unit_test(test_server_config_errors_keep_the_values),
        cmocka_unit_test(test_phases_spread_calls_that_start_together),
        cmocka_unit_test(test_phases_few_calls_share_wake_ups),
        cmocka_unit_test(test_phases_first_call_does_not_wait),
        cmocka_unit_test(test_phases_stand_a_clock_that_goes_back),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
