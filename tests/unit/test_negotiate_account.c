/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 9.1, items 9, 11 and 12: many calls of one account, and what
 * the server configures for all of them. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

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
    hand_answer_config(&h, &v);
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
    hand_answer_config(&h, &v);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_09_second_incoming_call_is_refused_as_busy),
        cmocka_unit_test(test_sig_09_policy_ring_lets_several_ring),
        cmocka_unit_test(test_sig_09_one_active_call_for_each_account),
        cmocka_unit_test(test_sig_11_timeouts_of_the_server_and_defaults),
        cmocka_unit_test(test_sig_11_config_is_refreshed),
        cmocka_unit_test(test_sig_11_account_without_calls),
        cmocka_unit_test(test_sig_12_ready_waits_for_the_call_config),
        cmocka_unit_test(test_sig_12_bad_call_config_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
