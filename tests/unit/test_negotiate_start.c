/* SPDX-License-Identifier: MIT */
/* rooms: api negotiate base json crypto test_telegram */
/* Call signalling 9.5, item by item: what the engine is given; and the public
 * entrances with wrong arguments. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/negotiate.h>

static tgvoip_call_setup *setup_of(struct hand *h,
                                   struct tgvoip_call_config *config)
{
    tgvoip_call_setup *setup = NULL;

    tgvoip_call_config_default(config);
    config->network_type = TGVOIP_NET_LTE;
    assert_int_equal(tgvoip_negotiation_setup(h->n, &setup, NULL), 0);
    assert_int_equal(tgvoip_call_setup_apply(setup, config), 0);
    return setup;
}

/* The configuration is there before there is anything to create. */
static void test_sig_60_nothing_to_start_before_ready(void **state)
{
    (void)state;
    tgvoip_call_setup *setup = (tgvoip_call_setup *)state;
    struct tgvoip_failure f = {0};
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    assert_int_equal(tgvoip_negotiation_setup(h.n, &setup, &f),
                     TGVOIP_ERR_STATE);
    assert_null(setup);
    assert_non_null(strstr(f.why, "EXCHANGING_KEYS"));
    hand_fini(&h);
}

static void test_sig_60_server_configuration_is_handed_on(void **state)
{
    (void)state;
    struct tgvoip_call_config config;
    tgvoip_call_setup *setup;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ready(&h, true);
    setup = setup_of(&h, &config);
    assert_non_null(config.server_config);
    tgvoip_call_setup_destroy(setup);
    hand_fini(&h);
}

/* A value that the engine does not like, but that is JSON: no obstacle. */
static void test_sig_60_strange_configuration_is_no_obstacle(void **state)
{
    (void)state;
    static const char json[] = "{\"audio_max_bitrate\":\"x\",\"y\":[]}";
    struct tgvoip_call_config config;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ready(&h, true);
    assert_int_equal(
        tgv_account_set_call_config(h.a, json, strlen(json), h.now), 0);
    tgvoip_call_setup_destroy(setup_of(&h, &config));
    hand_fini(&h);
}

static void test_sig_61_time_outs_are_not_exchanged(void **state)
{
    (void)state;
    struct tgvoip_call_config config;
    struct tgvoip_phone_config values;
    tgvoip_call_setup *setup;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    tgvoip_phone_config_default(&values);
    values.connect_timeout_ms = 31000;
    values.packet_timeout_ms = 11000;
    tgv_account_set_values(h.a, &values, h.now);
    struct tgvoip_phone_call c = hand_active(&h);
    hand_answer_call(&h, &c);
    setup = setup_of(&h, &config);
    assert_int_equal(config.init_timeout_ms, 31000);
    assert_int_equal(config.receive_timeout_ms, 11000);
    tgvoip_call_setup_destroy(setup);
    hand_fini(&h);
}

static void test_sig_62_network_type_is_left_to_the_application(void **state)
{
    (void)state;
    struct tgvoip_call_config config;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ready(&h, false);
    tgvoip_call_setup_destroy(setup_of(&h, &config));
    assert_int_equal(config.network_type, TGVOIP_NET_LTE);
    hand_fini(&h);
}

static void test_sig_63_key_and_role(void **state)
{
    (void)state;
    struct tgvoip_call_config config;
    tgvoip_call_setup *setup;
    struct hand h;

    for (int outgoing = 0; outgoing < 2; outgoing++) {
        hand_init(&h, NULL);
        hand_to_ready(&h, outgoing);
        setup = setup_of(&h, &config);
        assert_int_equal(config.key_len, 256);
        assert_memory_equal(config.key, h.key, 256);
        assert_int_equal(config.outgoing, outgoing);
        tgvoip_call_setup_destroy(setup);
        hand_fini(&h);
    }
}

/* The connections of a phoneCall, good ones among all that is not. */
static void test_sig_64_endpoints_by_the_rules(void **state)
{
    (void)state;
    static const uint8_t tag[16] = "0123456789abcde";
    const struct tgvoip_phone_connection list[] = {
        {.id = 1, .webrtc = true, .ip = "1.2.3.4", .port = 1},
        {.id = 2,
         .tcp = true,
         .ip = "1.2.3.4",
         .port = 1,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 10, /* replaced by the UDP relay of this id */
         .tcp = true,
         .ip = "1.2.3.6",
         .port = 4,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 3,
         .ip = "1.2.3.4",
         .port = 1,
         .peer_tag = tag,
         .peer_tag_len = 15},
        {.id = 4, .ip = "1.2.3.4", .port = 1},
        {.id = 5,
         .ip = "1.2.3.4",
         .port = 0,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 6,
         .ip = "1.2.3.4",
         .port = 65536,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 7,
         .ip = "example.org",
         .port = 1,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 8, .ip = "", .port = 1, .peer_tag = tag, .peer_tag_len = 16},
        {.id = -9,
         .ip = "1.2.3.4",
         .ipv6 = "nonsense",
         .port = 65535,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = -9,
         .ip = "1.2.3.5",
         .port = 2,
         .peer_tag = tag,
         .peer_tag_len = 16}, /* the first of an id counts */
        {.id = 10,
         .ipv6 = "::1",
         .port = 3,
         .peer_tag = tag,
         .peer_tag_len = 16},
        {.id = 10, /* and TCP replaces nothing */
         .tcp = true,
         .ip = "1.2.3.7",
         .port = 5,
         .peer_tag = tag,
         .peer_tag_len = 16},
    };
    struct tgvoip_call_config config;
    tgvoip_call_setup *setup;
    struct tgvoip_phone_call c;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_accepted(&h);
    c = hand_active(&h);
    c.connections = list;
    c.connection_count = sizeof(list) / sizeof(list[0]);
    hand_update(&h, &c);
    setup = setup_of(&h, &config);
    assert_int_equal(config.endpoint_count, 3);
    assert_int_equal(config.endpoints[0].id, 2);
    assert_int_equal(config.endpoints[0].type, TGVOIP_ENDPOINT_TCP_RELAY);
    assert_int_equal(config.endpoints[1].id, 10);
    assert_null(config.endpoints[1].ipv4);
    assert_string_equal(config.endpoints[1].ipv6, "::1");
    assert_int_equal(config.endpoints[1].type, TGVOIP_ENDPOINT_UDP_RELAY);
    assert_int_equal(config.endpoints[2].id, -9);
    assert_string_equal(config.endpoints[2].ipv4, "1.2.3.4");
    assert_null(config.endpoints[2].ipv6);
    assert_int_equal(config.endpoints[2].port, 65535);
    assert_memory_equal(config.endpoints[2].tag, tag, 16);
    assert_int_equal(config.endpoints[2].type, TGVOIP_ENDPOINT_UDP_RELAY);
    tgvoip_call_setup_destroy(setup);
    hand_fini(&h);
}

static void test_sig_64_no_endpoint_no_call(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    for (int i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        if (i & 1)
            hand_to_confirming(&h);
        else
            hand_to_accepted(&h);
        c = hand_active(&h);
        if (i & 2)
            c.connections = NULL; /* with a count that lies */
        else
            h.connections[0].webrtc = h.connections[1].webrtc = true;
        if (i & 1)
            hand_answer_call(&h, &c);
        else
            hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_INCOMPATIBLE,
                        "is a relay");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
}

static void test_sig_64_many_endpoints_are_cut(void **state)
{
    (void)state;
    static const uint8_t tag[16] = "0123456789abcde";
    struct tgvoip_phone_connection list[100];
    struct tgvoip_call_config config;
    struct tgvoip_phone_call c;
    tgvoip_call_setup *setup;
    struct hand h;

    for (int i = 0; i < 100; i++)
        list[i] = (struct tgvoip_phone_connection){.id = i,
                                                   .ip = "1.2.3.4",
                                                   .port = 1,
                                                   .peer_tag = tag,
                                                   .peer_tag_len = 16};
    hand_init(&h, NULL);
    hand_to_accepted(&h);
    c = hand_active(&h);
    c.connections = list;
    c.connection_count = 100;
    hand_update(&h, &c);
    setup = setup_of(&h, &config);
    assert_int_equal(config.endpoint_count, 64);
    tgvoip_call_setup_destroy(setup);
    hand_fini(&h);
}

static void test_sig_65_layer_and_p2p_are_the_servers(void **state)
{
    (void)state;
    static const int layers[][2] = {{65, 65}, {74, 74}, {92, 92}, {200, 92}};
    struct tgvoip_call_config config;
    struct tgvoip_phone_call c;
    struct hand h;

    for (int i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        hand_to_accepted(&h);
        c = hand_active(&h);
        c.protocol.max_layer = layers[i][0];
        c.p2p_allowed = i & 1;
        hand_update(&h, &c);
        tgvoip_call_setup_destroy(setup_of(&h, &config));
        assert_int_equal(config.max_layer, layers[i][1]);
        assert_int_equal(config.allow_p2p, i & 1);
        hand_fini(&h);
    }
}

static void test_sig_65_p2p_that_was_not_offered_is_not_allowed(void **state)
{
    (void)state;
    const struct tgv_account_config relays_only = {.forbid_p2p = true};
    struct tgvoip_call_config config;
    struct tgvoip_phone_call c;
    struct hand h;

    hand_init(&h, &relays_only);
    hand_to_accepted(&h);
    c = hand_active(&h);
    c.p2p_allowed = true;
    hand_update(&h, &c);
    tgvoip_call_setup_destroy(setup_of(&h, &config));
    assert_false(config.allow_p2p);
    hand_fini(&h);
}

static void test_sig_66_ready_comes_once(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    for (int outgoing = 0; outgoing < 2; outgoing++) {
        hand_init(&h, NULL);
        hand_to_ready(&h, outgoing); /* takes one */
        c = hand_active(&h);
        hand_update(&h, &c);
        hand_advance(&h, 100000);
        hand_no_event(&h);
        hand_fini(&h);
    }
}

static void test_sig_67_emoji_with_ready(void **state)
{
    (void)state;
    struct tgvoip_emoji e[TGVOIP_EMOJI_COUNT], want[TGVOIP_EMOJI_COUNT];
    struct hand h;

    hand_init(&h, NULL);
    hand_to_accepted(&h);
    assert_int_equal(tgvoip_negotiation_emoji(h.n, e), TGVOIP_ERR_STATE);
    struct tgvoip_phone_call c = hand_active(&h);
    hand_update(&h, &c);
    assert_int_equal(tgvoip_negotiation_emoji(h.n, e), 0);
    assert_int_equal(tgvoip_key_emoji(h.key, h.public_value, 256, want), 0);
    for (int i = 0; i < TGVOIP_EMOJI_COUNT; i++)
        assert_string_equal(e[i].name, want[i].name);
    tgv_negotiation_hang_up(h.n, h.now);
    assert_int_equal(tgvoip_negotiation_emoji(h.n, e), 0);
    hand_fini(&h);
}

static void test_sig_68_established_only_by_the_engine(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    /* too early: not believed */
    assert_int_equal(
        tgvoip_negotiation_media_state(h.n, TGVOIP_STATE_ESTABLISHED, 0, h.now),
        0);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    struct tgvoip_phone_call c = hand_active(&h);
    hand_answer_call(&h, &c);
    hand_advance(&h, 60000);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
    tgvoip_negotiation_media_state(h.n, TGVOIP_STATE_WAIT_INIT_ACK, 0, h.now);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT_ACK);
    tgvoip_negotiation_media_state(h.n, TGVOIP_STATE_ESTABLISHED, 0, h.now);
    tgvoip_negotiation_media_state(h.n, TGVOIP_STATE_RECONNECTING, 0, h.now);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RECONNECTING);
    assert_int_equal(tgvoip_negotiation_media_state(h.n, 0, 0, h.now),
                     TGVOIP_ERR_INVALID);
    hand_fini(&h);
}

static void test_sig_69_chosen_version_must_be_ours(void **state)
{
    (void)state;
    static const char *const other[] = {"2.7.7", "2.4.4"};
    static const char *const ours[] = {"2.4.4"};
    struct tgvoip_phone_call c;
    struct hand h;

    for (int where = 0; where < 4; where++) {
        hand_init(&h, NULL);
        if (where == 0) {
            hand_to_ringing(&h);
            c = hand_accepted(&h);
        } else if (where == 1) {
            hand_to_confirming(&h);
            c = hand_active(&h);
        } else if (where == 2) {
            hand_to_accepting(&h);
            c = hand_waiting(&h, false);
        } else {
            hand_to_accepted(&h);
            c = hand_active(&h);
        }
        c.protocol.library_versions = other;
        c.protocol.library_version_count = 2;
        if (where == 1 || where == 2)
            hand_answer_call(&h, &c);
        else
            hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_INCOMPATIBLE,
                        "\"2.7.7\" was chosen");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
    for (int i = 0; i < 3; i++) { /* none, an empty list, ours */
        hand_init(&h, NULL);
        hand_to_accepted(&h);
        c = hand_active(&h);
        c.protocol.library_versions = i ? ours : NULL;
        c.protocol.library_version_count = i == 2;
        hand_update(&h, &c);
        hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
        hand_fini(&h);
    }
}

static void test_sig_69_no_common_layer(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    for (int i = 0; i < 2; i++) {
        hand_init(&h, NULL);
        hand_to_accepted(&h);
        c = hand_active(&h);
        if (i)
            c.protocol.max_layer = 64;
        else
            c.protocol.min_layer = 93;
        hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_INCOMPATIBLE,
                        "layer");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
}

/* ---- the key comes from someone else ---- */

static void ready_call(struct tgvoip_ready_call *r, const uint8_t *key,
                       const struct tgvoip_phone_connection *c)
{
    tgvoip_ready_call_default(r);
    r->outgoing = true;
    r->key = key;
    r->key_len = 256;
    r->connections = c;
    r->connection_count = 1;
    r->p2p_allowed = true;
    r->call_config = "{\"audio_max_bitrate\":16000}";
}

static void test_setup_from_tdlib(void **state)
{
    (void)state;
    static const uint8_t tag[16] = "0123456789abcde";
    const struct tgvoip_phone_connection c = {.id = 77,
                                              .ip = "1.2.3.4",
                                              .port = 599,
                                              .peer_tag = tag,
                                              .peer_tag_len = 16};
    struct tgvoip_call_config config;
    struct tgvoip_ready_call r;
    struct tgvoip_failure f = {0};
    tgvoip_call_setup *setup;
    uint8_t key[256];

    for (int i = 0; i < 256; i++)
        key[i] = (uint8_t)(i + 1);
    ready_call(&r, key, &c);
    assert_int_equal(tgvoip_call_setup_create(&setup, &r, &f), 0);
    tgvoip_call_config_default(&config);
    assert_int_equal(tgvoip_call_setup_apply(setup, &config), 0);
    assert_memory_equal(config.key, key, 256);
    assert_int_equal(config.endpoint_count, 1);
    assert_int_equal(config.endpoints[0].id, 77);
    assert_int_equal(config.max_layer, 92);
    assert_int_equal(config.init_timeout_ms, 30000);
    assert_int_equal(config.receive_timeout_ms, 10000);
    assert_true(config.allow_p2p);
    assert_true(config.outgoing);
    assert_non_null(config.server_config);
    tgvoip_call_setup_destroy(setup);
    r.key_len = 255; /* zeros were stripped */
    assert_int_equal(tgvoip_call_setup_create(&setup, &r, NULL), 0);
    assert_int_equal(tgvoip_call_setup_apply(setup, &config), 0);
    assert_int_equal(config.key[0], 0);
    assert_memory_equal(config.key + 1, key, 255);
    tgvoip_call_setup_destroy(setup);
}

static void test_setup_refuses_by_name(void **state)
{
    (void)state;
    static const uint8_t tag[16] = "0123456789abcde";
    static const char *const other[] = {"9.9.9"};
    struct tgvoip_phone_connection c = {.id = 77,
                                        .ip = "1.2.3.4",
                                        .port = 599,
                                        .peer_tag = tag,
                                        .peer_tag_len = 16};
    static const char *const what[] = {"size",
                                       "key",
                                       "key",
                                       "key",
                                       "library_versions",
                                       "layer",
                                       "connections",
                                       "connections",
                                       "connect_timeout_ms",
                                       "packet_timeout_ms",
                                       "server configuration"};
    uint8_t key[256] = {1};

    for (int i = 0; i < 11; i++) {
        struct tgvoip_ready_call r;
        struct tgvoip_failure f = {0};
        tgvoip_call_setup *setup = NULL;

        ready_call(&r, key, &c);
        c.port = i == 7 ? -1 : 599;
        switch (i) {
        case 0:
            r.size = 3;
            break;
        case 1:
            r.key = NULL;
            break;
        case 2:
            r.key_len = 0;
            break;
        case 3:
            r.key_len = 257;
            break;
        case 4:
            r.protocol.library_versions = other;
            r.protocol.library_version_count = 1;
            break;
        case 5:
            r.protocol.max_layer = 3;
            break;
        case 6:
            r.connections = NULL;
            break;
        case 8:
            r.connect_timeout_ms = 0;
            break;
        case 9:
            r.packet_timeout_ms = 600001;
            break;
        case 10:
            r.call_config = "[";
            break;
        default:
            break;
        }
        assert_int_not_equal(tgvoip_call_setup_create(&setup, &r, &f), 0);
        assert_null(setup);
        assert_string_equal(f.what, what[i]);
    }
    tgvoip_call_setup_destroy(NULL);
}

/* ---- the public entrances ---- */

static void test_api_wrong_arguments(void **state)
{
    (void)state;
    struct tgvoip_account_config config;
    struct tgvoip_failure f = {0};
    struct tgvoip_outgoing out;
    struct tgvoip_phone_call call = {0};
    struct tgvoip_request r = {0};
    struct tgvoip_signal_event e = {0};
    tgvoip_account *a = NULL;
    tgvoip_negotiation *n = NULL;

    tgvoip_account_config_default(&config);
    assert_int_equal(tgvoip_account_create(&a, &config, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "self_id");
    config.self_id = 1;
    config.busy = 9;
    assert_int_equal(tgvoip_account_create(&a, &config, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "busy");
    config.busy = TGVOIP_BUSY_RING;
    config.log_level = 0;
    assert_int_equal(tgvoip_account_create(&a, &config, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "log_level");
    config.size = 0;
    assert_int_equal(tgvoip_account_create(&a, &config, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "size");
    tgvoip_account_config_default(&config);
    config.self_id = 1;
    assert_int_equal(tgvoip_account_create(&a, &config, &f), 0);
    assert_int_equal(tgvoip_account_update(a, &call, 0), TGVOIP_ERR_INVALID);
    assert_false(tgvoip_account_next_request(a, &r));
    assert_false(tgvoip_account_next_event(a, &e));
    tgvoip_outgoing_default(&out);
    out.user_id = 2;
    out.phone_calls_private = true;
    assert_int_equal(tgvoip_account_call(a, &n, &out, 0, &f),
                     TGVOIP_ERR_ACCESS);
    out.size = 1;
    assert_int_equal(tgvoip_account_call(a, &n, &out, 0, &f),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_account_reply_dh(a, 1, NULL, 0),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_account_reply_done(a, 1, 0), TGVOIP_ERR_NOT_FOUND);
    assert_int_equal(tgvoip_account_reply_error(NULL, 1, 0, NULL, 0),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_negotiation_answer(NULL, 0), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_negotiation_hang_up(NULL, 0), TGVOIP_ERR_INVALID);
    tgvoip_negotiation_release(NULL, 0);
    tgvoip_account_destroy(a);
    tgvoip_account_destroy(NULL);
}

static void count_lines(void *ctx, enum tgvoip_log_level level,
                        const char *room, int64_t now_us, const char *text)
{
    (void)level;
    (void)now_us;
    assert_string_equal(room, "negotiate");
    assert_non_null(text);
    ++*(int *)ctx;
}

static void test_api_log_and_cache(void **state)
{
    (void)state;
    struct tgvoip_account_config config;
    struct tgvoip_outgoing out;
    tgvoip_dh_cache *cache;
    tgvoip_account *a;
    tgvoip_negotiation *n;
    uint8_t p[256];
    int lines = 0, g, version;

    assert_int_equal(tgvoip_dh_cache_create(&cache), 0);
    assert_int_equal(tgvoip_dh_cache_get(cache, &g, p, &version),
                     TGVOIP_ERR_NOT_FOUND);
    assert_int_equal(
        tgvoip_dh_cache_put(cache, 3, tgvoip_dh_known_prime(), 256, 4, NULL),
        0);
    assert_int_equal(tgvoip_dh_cache_get(cache, &g, p, &version), 0);
    assert_int_equal(g, 3);
    assert_int_equal(version, 4);
    assert_memory_equal(p, tgvoip_dh_known_prime(), 256);
    tgvoip_account_config_default(&config);
    config.self_id = 1;
    config.dh_cache = cache;
    config.log = count_lines;
    config.log_ctx = &lines;
    assert_int_equal(tgvoip_account_create(&a, &config, NULL), 0);
    tgvoip_outgoing_default(&out);
    out.user_id = 2;
    assert_int_equal(tgvoip_account_call(a, &n, &out, 0, NULL), 0);
    assert_true(lines > 0);
    tgvoip_negotiation_release(n, 0);
    tgvoip_account_destroy(a);
    tgvoip_dh_cache_destroy(cache);
}

static void test_api_names(void **state)
{
    (void)state;
    assert_string_equal(tgvoip_request_type_str(TGVOIP_REQUEST_GET_DH_CONFIG),
                        "messages.getDhConfig");
    assert_string_equal(tgvoip_request_type_str(99), "?");
    assert_string_equal(tgvoip_signal_state_str(17), "BUSY");
    assert_string_equal(tgvoip_signal_state_str(6), "?");
    assert_string_equal(tgvoip_outcome_str(TGVOIP_OUTCOME_NO_ANSWER),
                        "NoAnswer");
    assert_string_equal(tgvoip_phone_call_type_str(5), "phoneCall");
    assert_string_equal(
        tgvoip_discard_reason_str((enum tgvoip_discard_reason)99), "?");
    assert_string_equal(tgvoip_signal_event_str(3), "Ready");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_60_nothing_to_start_before_ready),
        cmocka_unit_test(test_sig_60_server_configuration_is_handed_on),
        cmocka_unit_test(test_sig_60_strange_configuration_is_no_obstacle),
        cmocka_unit_test(test_sig_61_time_outs_are_not_exchanged),
        cmocka_unit_test(test_sig_62_network_type_is_left_to_the_application),
        cmocka_unit_test(test_sig_63_key_and_role),
        cmocka_unit_test(test_sig_64_endpoints_by_the_rules),
        cmocka_unit_test(test_sig_64_no_endpoint_no_call),
        cmocka_unit_test(test_sig_64_many_endpoints_are_cut),
        cmocka_unit_test(test_sig_65_layer_and_p2p_are_the_servers),
        cmocka_unit_test(test_sig_65_p2p_that_was_not_offered_is_not_allowed),
        cmocka_unit_test(test_sig_66_ready_comes_once),
        cmocka_unit_test(test_sig_67_emoji_with_ready),
        cmocka_unit_test(test_sig_68_established_only_by_the_engine),
        cmocka_unit_test(test_sig_69_chosen_version_must_be_ours),
        cmocka_unit_test(test_sig_69_no_common_layer),
        cmocka_unit_test(test_setup_from_tdlib),
        cmocka_unit_test(test_setup_refuses_by_name),
        cmocka_unit_test(test_api_wrong_arguments),
        cmocka_unit_test(test_api_log_and_cache),
        cmocka_unit_test(test_api_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
