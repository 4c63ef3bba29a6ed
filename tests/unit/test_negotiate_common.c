/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 9.1 and 9.2, item by item. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

static void expect_protocol(const struct hand *h,
                            const struct tgvoip_request *r)
{
    assert_memory_equal(&r->protocol, &h->a->protocol, sizeof(r->protocol));
}

static void test_sig_01_one_protocol_object_everywhere(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    expect_protocol(&h, &h.r);
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_confirming(&h);
    expect_protocol(&h, &h.r);
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_accepting(&h);
    expect_protocol(&h, &h.r);
    hand_fini(&h);
}

static void test_sig_02_layers_flags_and_version_offered(void **state)
{
    (void)state;
    const struct tgv_account_config relays_only = {.forbid_p2p = true};
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    assert_int_equal(h.r.protocol.min_layer, 65);
    assert_int_equal(h.r.protocol.max_layer, 92);
    assert_true(h.r.protocol.udp_p2p);
    assert_true(h.r.protocol.udp_reflector);
    assert_int_equal(h.r.protocol.library_version_count, 1);
    assert_string_equal(h.r.protocol.library_versions[0], "2.4.4");
    hand_fini(&h);
    hand_init(&h, &relays_only);
    hand_call(&h);
    assert_false(h.r.protocol.udp_p2p);
    assert_true(h.r.protocol.udp_reflector);
    hand_fini(&h);
}

static void test_sig_03_unknown_objects_are_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    c = hand_accepted(&h);
    c.type = TGVOIP_PHONE_CALL_UNKNOWN;
    hand_update(&h, &c);
    c.type = (enum tgvoip_phone_call_type)77;
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RINGING);
    hand_no_request(&h);
    hand_fini(&h);
}

/* All six, in an order in which each does something or rightly nothing. */
static void test_sig_03_all_six_types_are_recognised(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ready(&h, true); /* Waiting, Accepted, phoneCall */
    c = hand_empty(&h);
    hand_update(&h, &c);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                    "knows the call no more");
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_ring(&h); /* Requested */
    c = hand_discarded(&h, TGVOIP_DISCARD_MISSED);
    hand_update(&h, &c);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MISSED, "");
    hand_fini(&h);
}

static void test_sig_04_other_ids_are_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    c = hand_accepted(&h);
    c.id++;
    hand_update(&h, &c);
    c = hand_discarded(&h, TGVOIP_DISCARD_BUSY);
    c.id++;
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RINGING);
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_04_early_updates_are_replayed(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_call(&h);
    c = hand_accepted(&h);
    c.id++; /* of someone else */
    hand_update(&h, &c);
    c = hand_waiting(&h, true);
    hand_update(&h, &c);
    c = hand_accepted(&h);
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_REQUESTING);
    hand_no_request(&h);
    c = hand_waiting(&h, false);
    hand_answer_call(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
    assert_int_equal(h.a->early_count, 0);
    hand_fini(&h);
}

static void test_sig_04_early_updates_are_bounded(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_call(&h);
    for (int i = 0; i < 1000; i++) {
        c = hand_accepted(&h);
        c.id = i + 5;
        hand_update(&h, &c);
    }
    assert_int_equal(h.a->early_count, TGV_EARLY_UPDATES);
    c.bytes_len = SIZE_MAX / 2; /* never read: too long to be kept */
    hand_update(&h, &c);
    hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
    assert_int_equal(h.a->early_count, 0);
    hand_fini(&h);
}

static void test_sig_05_each_message_counts_once(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;
    int64_t fingerprint;

    hand_init(&h, NULL);
    hand_to_ready(&h, true);
    fingerprint = h.n->fingerprint;
    for (int i = 0; i < 3; i++) {
        c = hand_accepted(&h);
        hand_update(&h, &c);
        c = hand_active(&h);
        c.key_fingerprint++;
        hand_update(&h, &c);
    }
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
    assert_true(h.n->fingerprint == fingerprint);
    hand_no_request(&h);
    hand_no_event(&h);
    hand_fini(&h);
}

enum field { ACCESS_HASH, ADMIN, PARTICIPANT, FIELDS };
static const char *const field_names[] = {"access_hash", "admin_id",
                                          "participant_id"};

static void spoil(struct tgvoip_phone_call *c, enum field field)
{
    switch (field) {
    case ACCESS_HASH:
        c->access_hash ^= 1;
        break;
    case ADMIN:
        c->admin_id = 3003;
        break;
    default:
        c->participant_id = 3003;
    }
}

static void expect_id_failure(struct hand *h, enum field field)
{
    hand_expect_end(h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_VERIFICATION_FAILED,
                    field_names[field]);
    hand_expect_discard(h, TGVOIP_DISCARD_DISCONNECT);
}

static void test_sig_06_ids_are_checked_in_outgoing_calls(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    for (enum field f = 0; f < FIELDS; f++) {
        if (f != ACCESS_HASH) { /* which the result brings */
            hand_init(&h, NULL);
            hand_call(&h);
            c = hand_waiting(&h, false);
            spoil(&c, f);
            hand_answer_call(&h, &c);
            expect_id_failure(&h, f);
            hand_fini(&h);
        }
        hand_init(&h, NULL);
        hand_to_waiting(&h);
        c = hand_waiting(&h, true);
        spoil(&c, f);
        hand_update(&h, &c);
        expect_id_failure(&h, f);
        hand_fini(&h);

        hand_init(&h, NULL);
        hand_to_ringing(&h);
        c = hand_accepted(&h);
        spoil(&c, f);
        hand_update(&h, &c);
        expect_id_failure(&h, f);
        hand_fini(&h);

        hand_init(&h, NULL);
        hand_to_confirming(&h);
        c = hand_active(&h);
        spoil(&c, f);
        hand_answer_call(&h, &c);
        expect_id_failure(&h, f);
        hand_fini(&h);
    }
}

static void test_sig_06_ids_are_checked_in_incoming_calls(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    for (enum field f = 0; f < FIELDS; f++) {
        hand_init(&h, NULL);
        hand_to_accepting(&h);
        c = hand_waiting(&h, false);
        spoil(&c, f);
        hand_answer_call(&h, &c);
        expect_id_failure(&h, f);
        hand_fini(&h);

        hand_init(&h, NULL);
        hand_to_accepted(&h);
        c = hand_active(&h);
        spoil(&c, f);
        hand_update(&h, &c);
        expect_id_failure(&h, f);
        hand_fini(&h);
    }
}

static void test_sig_07_final_states_stay(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    c = hand_accepted(&h);
    c.bytes_len = 0;
    hand_update(&h, &c);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                    TGVOIP_OUTCOME_VERIFICATION_FAILED, "g_b");
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_answer_done(&h);
    c = hand_accepted(&h);
    hand_update(&h, &c);
    c = hand_waiting(&h, true);
    hand_update(&h, &c);
    c = hand_empty(&h);
    hand_update(&h, &c);
    tgv_negotiation_hang_up(h.n, h.now);
    tgv_negotiation_media_state(h.n, TGVOIP_SIGNAL_ESTABLISHED, 0, h.now);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), TGVOIP_ERR_STATE);
    assert_int_equal(tgv_negotiation_decline(h.n, h.now), TGVOIP_ERR_STATE);
    hand_advance(&h, 600000);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_FAILED);
    hand_no_request(&h);
    hand_no_event(&h);
    hand_fini(&h);
}

static void test_sig_08_both_shapes_of_connections(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int old = 0; old < 2; old++) {
        hand_init(&h, NULL);
        hand_to_confirming(&h);
        c = hand_active(&h);
        if (old) { /* and no library_versions, below layer 111 */
            c.connection = &h.connections[0];
            c.connections = &h.connections[1];
            c.connection_count = 1;
            c.protocol.library_versions = NULL;
            c.protocol.library_version_count = 0;
        }
        hand_answer_call(&h, &c);
        hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
        assert_int_equal(h.n->relay_count, 2);
        assert_int_equal(h.n->relays[0].id, 11);
        assert_string_equal(h.n->relays[0].ipv4, "149.154.167.51");
        assert_string_equal(h.n->relays[0].ipv6, "2001:db8::1");
        assert_int_equal(h.n->relays[0].port, 533);
        assert_memory_equal(h.n->relays[0].tag, "tag of relay one", 16);
        assert_int_equal(h.n->relays[1].id, 12);
        assert_string_equal(h.n->relays[1].ipv6, "");
        hand_fini(&h);
    }
}

static void test_sig_09_second_incoming_call_is_refused_as_busy(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int outgoing = 0; outgoing < 2; outgoing++) {
        hand_init(&h, NULL);
        if (outgoing)
            hand_to_ringing(&h);
        else
            hand_ring(&h);
        c = hand_requested(&h);
        c.id = 99;
        c.access_hash = 98;
        c.admin_id = 4004;
        hand_update(&h, &c);
        hand_event(&h, TGVOIP_SIGNAL_EVENT_REFUSED);
        assert_null(h.e.negotiation);
        assert_int_equal(h.e.info.admin_id, 4004);
        assert_int_equal(h.e.info.outcome, TGVOIP_OUTCOME_BUSY);
        hand_request(&h, TGVOIP_REQUEST_DISCARD_CALL);
        assert_int_equal(h.r.call_id, 99);
        assert_int_equal(h.r.access_hash, 98);
        assert_int_equal(h.r.reason, TGVOIP_DISCARD_BUSY);
        assert_null(h.r.negotiation);
        hand_answer_done(&h);
        assert_false(tgv_neg_final(h.n));
        assert_int_equal(h.a->call_count, 1); /* forgotten */
        hand_no_request(&h);
        hand_update(&h, &c); /* an echo rings no more than the first */
        hand_no_request(&h);
        hand_no_event(&h);
        hand_fini(&h);
    }
}

static void test_sig_09_policy_ring_lets_several_ring(void **state)
{
    (void)state;
    const struct tgv_account_config ring = {.ring_when_busy = true};
    struct hand h;
    struct tgvoip_negotiation *second, *out;
    struct tgvoip_phone_call c;

    hand_init(&h, &ring);
    hand_ring(&h);
    c = hand_requested(&h);
    c.id = 99;
    c.admin_id = 4004;
    hand_update(&h, &c);
    second = hand_event(&h, TGVOIP_SIGNAL_EVENT_INCOMING)->negotiation;
    hand_dh(&h);
    hand_request(&h, TGVOIP_REQUEST_RECEIVED_CALL);
    assert_int_equal(h.r.call_id, 99);
    assert_ptr_equal(h.r.negotiation, second);
    hand_answer_done(&h);
    /* one at a time */
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    assert_int_equal(tgv_negotiation_answer(second, h.now), TGVOIP_ERR_IN_USE);
    assert_int_equal(tgv_account_call(h.a, &out, HAND_PEER, 0, h.now, NULL),
                     TGVOIP_ERR_IN_USE);
    assert_null(out);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    tgv_negotiation_hang_up(h.n, h.now);
    assert_int_equal(tgv_negotiation_answer(second, h.now), 0);
    hand_fini(&h);
}

static void test_sig_09_one_active_call_for_each_account(void **state)
{
    (void)state;
    struct tgvoip_failure failure = {0};
    struct tgvoip_negotiation *out;
    struct hand a, b;

    hand_init(&a, NULL);
    hand_init(&b, NULL);
    hand_to_ready(&a, true);
    assert_int_equal(tgv_account_call(a.a, &out, 5005, 0, a.now, &failure),
                     TGVOIP_ERR_IN_USE);
    assert_string_equal(failure.why, "another call is active");
    hand_to_ready(&b, true); /* another account is not concerned */
    tgv_negotiation_hang_up(a.n, a.now);
    assert_int_equal(tgv_account_call(a.a, &out, 5005, 0, a.now, NULL), 0);
    hand_fini(&a);
    hand_fini(&b);
}

static void test_sig_10_values_are_256_bytes(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    assert_int_equal(h.r.bytes_len, 256);
    assert_int_not_equal(h.r.bytes[0], 0);
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_accepting(&h);
    assert_int_equal(h.r.bytes_len, 256);
    assert_int_not_equal(h.r.bytes[0], 0);
    hand_fini(&h);
}

/* From peers that strip zeros: short values are numbers all the same. */
static void test_sig_10_stripped_values_are_padded(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;
    struct hand_random r;
    struct tgv_random source = hand_random_source(&r, 99);
    uint8_t secret[256] = {0}, one[256], value[256], key[256];
    int64_t fingerprint;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    memset(one, 0, sizeof(one));
    /* an exponent whose public value begins with a zero byte */
    for (unsigned i = 1;; i++) {
        BIGNUM *g = BN_new(), *x = BN_new(), *v = BN_new();
        BIGNUM *p = BN_bin2bn(tgv_dh_known_prime(), 256, NULL);
        BN_CTX *ctx = BN_CTX_new();

        assert_int_equal(source.fill(source.ctx, secret, 256), 0);
        BN_set_word(g, 3);
        BN_bin2bn(secret, 256, x);
        BN_mod_exp(v, g, x, p, ctx);
        BN_bn2binpad(v, value, 256);
        BN_free(g);
        BN_free(x);
        BN_free(v);
        BN_free(p);
        BN_CTX_free(ctx);
        if (value[0] == 0)
            break;
        assert_true(i < 20000);
    }
    c = hand_accepted(&h);
    c.bytes = value + 1;
    c.bytes_len = 255;
    hand_update(&h, &c);
    hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
    assert_int_equal(tgv_dh_shared_key(h.r.bytes, 256, secret,
                                       tgv_dh_known_prime(), 256, key),
                     0);
    assert_int_equal(tgv_key_fingerprint(key, &fingerprint), 0);
    assert_true(fingerprint == h.r.key_fingerprint);
    hand_fini(&h);
}

static void test_sig_11_timeouts_of_the_server_and_defaults(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_config v;
    struct tgvoip_phone_call c;

    tgvoip_phone_config_default(&v);
    assert_int_equal(v.receive_timeout_ms, 20000);
    assert_int_equal(v.ring_timeout_ms, 90000);
    assert_int_equal(v.connect_timeout_ms, 30000);
    assert_int_equal(v.packet_timeout_ms, 10000);
    v.receive_timeout_ms = 7000;
    v.ring_timeout_ms = 0; /* nonsense: the default stays */
    v.connect_timeout_ms = -5;
    v.packet_timeout_ms = 3000;
    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_request(&h, TGVOIP_REQUEST_GET_CONFIG);
    assert_int_equal(
        tgv_account_answer(
            h.a, h.r.id,
            &(struct tgv_answer){.kind = TGV_ANSWER_CONFIG, .values = &v},
            h.now),
        0);
    hand_request(&h, TGVOIP_REQUEST_GET_CALL_CONFIG);
    hand_answer_error(&h, 500, "X"); /* is not an error */
    hand_dh(&h);
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    c = hand_waiting(&h, false);
    hand_answer_call(&h, &c);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(7));
    c = hand_waiting(&h, true);
    hand_update(&h, &c);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(90));
    c = hand_accepted(&h);
    hand_update(&h, &c);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(30));
    hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
    c = hand_active(&h);
    hand_answer_call(&h, &c);
    assert_int_equal(h.n->packet_timeout_ms, 3000);
    assert_int_equal(h.n->connect_timeout_ms, 30000);
    hand_fini(&h);
}

static void test_sig_11_config_is_refreshed(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_request(&h, TGVOIP_REQUEST_GET_DH_CONFIG); /* nothing else */
    hand_answer_network(&h);
    hand_no_request(&h);
    hand_advance(&h, 3600 * 1000);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_request(&h, TGVOIP_REQUEST_GET_CONFIG);
    hand_request(&h, TGVOIP_REQUEST_GET_DH_CONFIG);
    hand_answer_network(&h);
    hand_advance(&h, 24 * 3600 * 1000);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_request(&h, TGVOIP_REQUEST_GET_CALL_CONFIG);
    hand_fini(&h);
}

static void test_sig_11_account_without_calls(void **state)
{
    (void)state;
    struct tgvoip_phone_config v;
    struct tgvoip_failure failure = {0};
    struct hand h;

    tgvoip_phone_config_default(&v);
    v.phonecalls_enabled = false;
    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_request(&h, TGVOIP_REQUEST_GET_CONFIG);
    assert_int_equal(
        tgv_account_answer(
            h.a, h.r.id,
            &(struct tgv_answer){.kind = TGV_ANSWER_CONFIG, .values = &v},
            h.now),
        0);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_PRIVACY,
                    "this account cannot call");
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, &failure),
                     TGVOIP_ERR_ACCESS);
    hand_fini(&h);
}

static void test_sig_12_ready_waits_for_the_call_config(void **state)
{
    (void)state;
    static const char json[] = "{\"x\":1}";
    struct hand h;
    struct tgvoip_phone_call c;
    uint64_t config_id, call_config_id;

    for (int late = 0; late < 2; late++) {
        hand_init(&h, NULL);
        assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL),
                         0);
        config_id = hand_request(&h, TGVOIP_REQUEST_GET_CONFIG)->id;
        call_config_id = hand_request(&h, TGVOIP_REQUEST_GET_CALL_CONFIG)->id;
        hand_dh(&h);
        hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
        c = hand_waiting(&h, true);
        hand_answer_call(&h, &c);
        c = hand_accepted(&h);
        hand_update(&h, &c);
        hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
        c = hand_active(&h);
        hand_answer_call(&h, &c);
        hand_no_event(&h);
        assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
        if (late) { /* not for ever */
            hand_advance(&h, 2999);
            hand_no_event(&h);
            hand_advance(&h, 1);
            assert_null(h.a->call_config);
        } else {
            h.r.id = config_id;
            hand_answer_network(&h);
            hand_no_event(&h);
            assert_int_equal(
                tgv_account_answer(
                    h.a, call_config_id,
                    &(struct tgv_answer){.kind = TGV_ANSWER_CALL_CONFIG,
                                         .json = json,
                                         .json_len = strlen(json)},
                    h.now),
                0);
            assert_string_equal(h.a->call_config, json);
        }
        hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
        assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
        hand_fini(&h);
    }
}

static void test_sig_12_bad_call_config_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[1]", "{", "7", "{\"a\":}"};
    struct hand h;

    hand_init(&h, NULL);
    assert_int_equal(tgv_account_set_call_config(h.a, "{}", 2, h.now), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            tgv_account_set_call_config(h.a, bad[i], strlen(bad[i]), h.now),
            TGVOIP_ERR_FORMAT);
    assert_string_equal(h.a->call_config, "{}");
    hand_fini(&h);
}

static void test_sig_13_emoji_from_key_and_g_a(void **state)
{
    (void)state;
    struct hand h;
    unsigned want[TGV_EMOJI_COUNT];

    hand_init(&h, NULL);
    hand_to_ready(&h, true); /* g_a is the own value */
    assert_int_equal(tgv_emoji_indexes(h.key, h.n->public_value, 256, want), 0);
    assert_memory_equal(h.n->emoji, want, sizeof(want));
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_ready(&h, false); /* g_a is the received one */
    assert_int_equal(tgv_emoji_indexes(h.key, h.public_value, 256, want), 0);
    assert_memory_equal(h.n->emoji, want, sizeof(want));
    hand_fini(&h);
}

/* ---- 9.2 ---- */

static void answer_dh(struct hand *h, int g, const uint8_t *p, size_t p_len,
                      int version, size_t random_len)
{
    const struct tgvoip_dh_config dh = {.g = g,
                                        .p = p,
                                        .p_len = p_len,
                                        .version = version,
                                        .random = h->dh_random,
                                        .random_len = random_len};

    assert_int_equal(tgv_account_answer(
                         h->a, h->r.id,
                         &(struct tgv_answer){.kind = TGV_ANSWER_DH, .dh = &dh},
                         h->now),
                     0);
}

static void start(struct hand *h)
{
    assert_int_equal(tgv_account_call(h->a, &h->n, HAND_PEER, 0, h->now, NULL),
                     0);
    if (!h->a->values_known)
        hand_configs(h);
    hand_request(h, TGVOIP_REQUEST_GET_DH_CONFIG);
}

static void test_sig_14_dh_config_is_asked_for_with_the_version(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    start(&h);
    assert_int_equal(h.r.dh_version, 0);
    assert_int_equal(h.r.random_length, 256);
    hand_answer_dh(&h);
    tgv_negotiation_hang_up(h.n, h.now);
    start(&h);
    assert_int_equal(h.r.dh_version, 5);
    assert_int_equal(h.r.random_length, 256);
    hand_fini(&h);
}

static void expect_refused(struct hand *h, const char *why)
{
    hand_expect_end(h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_VERIFICATION_FAILED,
                    why);
    hand_no_request(h); /* no call, so nothing to discard */
    assert_false(h->a->cache->valid);
}

static void test_sig_15_bad_parameters_give_no_call(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    uint8_t other[256];
    struct hand h;
    static const struct {
        int g, add;
        size_t len;
        const char *why;
    } cases[] = {
        {3, 0, 255, "2048 bits"}, {3, 0, 0, "2048 bits"},
        {4, 1, 256, "not prime"}, {4, 2, 256, "not prime"},
        {1, 0, 256, "g must be"}, {8, 0, 256, "g must be"},
        {2, 0, 256, "p mod 8"},   {5, 0, 256, "p mod 5"},
        {6, 0, 256, "p mod 24"},  {-3, 0, 256, "g must be"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_init(&h, NULL);
        start(&h);
        memcpy(other, p, sizeof(other));
        other[255] = (uint8_t)(other[255] + cases[i].add);
        answer_dh(&h, cases[i].g, other, cases[i].len, 5, 256);
        expect_refused(&h, cases[i].why);
        hand_fini(&h);
    }
}

/* Incoming: the caller learns of it. */
static void test_sig_15_bad_parameters_of_an_incoming_call(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    c = hand_requested(&h);
    hand_update(&h, &c);
    h.n = hand_event(&h, TGVOIP_SIGNAL_EVENT_INCOMING)->negotiation;
    hand_configs(&h);
    hand_request(&h, TGVOIP_REQUEST_GET_DH_CONFIG);
    answer_dh(&h, 2, tgv_dh_known_prime(), 256, 5, 256);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                    TGVOIP_OUTCOME_VERIFICATION_FAILED, "p mod 8");
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_fini(&h);
}

static void answer_not_modified(struct hand *h)
{
    answer_dh(h, 0, NULL, 0, 0, 256);
}

static void test_sig_16_not_modified_uses_the_cache(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    start(&h);
    answer_not_modified(&h);
    expect_refused(&h, "not modified, but none are known");
    start(&h);
    hand_answer_dh(&h);
    assert_int_equal(h.a->cache->checks, 1);
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
    start(&h);
    assert_int_equal(h.r.dh_version, 5);
    answer_not_modified(&h);
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
    start(&h);
    answer_dh(&h, 3, tgv_dh_known_prime(), 256, 6, 256); /* the same again */
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    assert_int_equal(h.a->cache->checks, 1);
    assert_int_equal(h.a->cache->version, 6);
    hand_fini(&h);
}

static void test_sig_16_a_failed_check_leaves_the_cache(void **state)
{
    (void)state;
    struct tgvoip_dh_cache cache;
    uint8_t p[256] = {0xC7};

    tgv_dh_cache_init(&cache);
    assert_int_equal(tgv_dh_cache_version(&cache), 0);
    assert_int_equal(
        tgv_dh_cache_put(&cache, 3, tgv_dh_known_prime(), 256, 9, NULL), 0);
    assert_int_equal(tgv_dh_cache_put(&cache, 3, p, 256, 10, NULL),
                     TGVOIP_ERR_AUTH);
    assert_int_equal(
        tgv_dh_cache_put(&cache, 5, tgv_dh_known_prime(), 256, 10, NULL),
        TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_cache_version(&cache), 9);
    assert_int_equal(cache.g, 3);
    assert_memory_equal(cache.p, tgv_dh_known_prime(), 256);
}

static void test_sig_16_accounts_share_a_cache(void **state)
{
    (void)state;
    struct tgvoip_dh_cache cache;
    const struct tgv_account_config config = {.dh_cache = &cache};
    struct hand a, b;

    tgv_dh_cache_init(&cache);
    hand_init(&a, &config);
    hand_init(&b, &config);
    hand_call(&a);
    start(&b);
    assert_int_equal(b.r.dh_version, 5);
    answer_not_modified(&b);
    hand_request(&b, TGVOIP_REQUEST_REQUEST_CALL);
    assert_int_equal(cache.checks, 1);
    hand_fini(&a);
    hand_fini(&b);
}

static void test_sig_17_random_of_wrong_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 255, 257};
    struct hand h;

    for (size_t i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        start(&h);
        answer_dh(&h, 3, tgv_dh_known_prime(), 256, 5, lengths[i]);
        expect_refused(&h, "random is not 256 bytes");
        hand_fini(&h);
    }
}

static void test_sig_18_parameters_are_kept_for_the_call(void **state)
{
    (void)state;
    BIGNUM *b = BN_get_rfc3526_prime_2048(NULL);
    uint8_t p[256];
    struct hand h;
    struct tgvoip_phone_call c;

    BN_bn2binpad(b, p, 256);
    BN_free(b);
    hand_init(&h, NULL);
    hand_to_ringing(&h);
    /* another account that shares the cache has met another prime; one whose
     * tests are known to pass, so they are skipped here */
    memcpy(h.a->cache->p, p, 256);
    h.a->cache->g = 2;
    h.a->cache->version = 6;
    c = hand_accepted(&h);
    hand_update(&h, &c);
    hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
    assert_memory_equal(h.n->p, tgv_dh_known_prime(), 256);
    c = hand_active(&h); /* computed with the known prime */
    hand_answer_call(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_fini(&h);
}

static void test_sig_19_known_prime_is_no_shortcut_for_g(void **state)
{
    (void)state;
    struct hand h;

    for (int g = 2; g <= 7; g++) {
        hand_init(&h, NULL);
        start(&h);
        answer_dh(&h, g, tgv_dh_known_prime(), 256, 5, 256);
        if (g == 3 || g == 4 || g == 7)
            hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
        else
            expect_refused(&h, "for g =");
        hand_fini(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_01_one_protocol_object_everywhere),
        cmocka_unit_test(test_sig_02_layers_flags_and_version_offered),
        cmocka_unit_test(test_sig_03_unknown_objects_are_ignored),
        cmocka_unit_test(test_sig_03_all_six_types_are_recognised),
        cmocka_unit_test(test_sig_04_other_ids_are_ignored),
        cmocka_unit_test(test_sig_04_early_updates_are_replayed),
        cmocka_unit_test(test_sig_04_early_updates_are_bounded),
        cmocka_unit_test(test_sig_05_each_message_counts_once),
        cmocka_unit_test(test_sig_06_ids_are_checked_in_outgoing_calls),
        cmocka_unit_test(test_sig_06_ids_are_checked_in_incoming_calls),
        cmocka_unit_test(test_sig_07_final_states_stay),
        cmocka_unit_test(test_sig_08_both_shapes_of_connections),
        cmocka_unit_test(test_sig_09_second_incoming_call_is_refused_as_busy),
        cmocka_unit_test(test_sig_09_policy_ring_lets_several_ring),
        cmocka_unit_test(test_sig_09_one_active_call_for_each_account),
        cmocka_unit_test(test_sig_10_values_are_256_bytes),
        cmocka_unit_test(test_sig_10_stripped_values_are_padded),
        cmocka_unit_test(test_sig_11_timeouts_of_the_server_and_defaults),
        cmocka_unit_test(test_sig_11_config_is_refreshed),
        cmocka_unit_test(test_sig_11_account_without_calls),
        cmocka_unit_test(test_sig_12_ready_waits_for_the_call_config),
        cmocka_unit_test(test_sig_12_bad_call_config_changes_nothing),
        cmocka_unit_test(test_sig_13_emoji_from_key_and_g_a),
        cmocka_unit_test(test_sig_14_dh_config_is_asked_for_with_the_version),
        cmocka_unit_test(test_sig_15_bad_parameters_give_no_call),
        cmocka_unit_test(test_sig_15_bad_parameters_of_an_incoming_call),
        cmocka_unit_test(test_sig_16_not_modified_uses_the_cache),
        cmocka_unit_test(test_sig_16_a_failed_check_leaves_the_cache),
        cmocka_unit_test(test_sig_16_accounts_share_a_cache),
        cmocka_unit_test(test_sig_17_random_of_wrong_length),
        cmocka_unit_test(test_sig_18_parameters_are_kept_for_the_call),
        cmocka_unit_test(test_sig_19_known_prime_is_no_shortcut_for_g),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
