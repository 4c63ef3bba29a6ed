/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 7.2 and 9.4, item by item. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

static void expect_ignored(struct hand *h, const struct tgvoip_phone_call *c)
{
    hand_update(h, c);
    hand_no_request(h);
    hand_no_event(h);
    assert_int_equal(h->a->call_count, 0);
}

static void test_sig_40_not_for_us_is_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    c = hand_requested(&h);
    c.participant_id = 3003;
    expect_ignored(&h, &c);
    c = hand_requested(&h);
    c.admin_id = HAND_SELF;
    expect_ignored(&h, &c);
    c.admin_id = 0;
    expect_ignored(&h, &c);
    hand_fini(&h);
}

static void test_sig_40_old_requests_are_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    tgv_account_set_server_time(h.a, HAND_DATE + 91 - 30, h.now);
    h.now += TGV_S(30); /* server time goes on with ours */
    c = hand_requested(&h);
    expect_ignored(&h, &c);
    c.date++; /* 90 s old: fine */
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_INCOMING);
    hand_fini(&h);
}

/* Whoever gets the event can attach to the call before anything else of it. */
static void test_sig_42_incoming_is_the_first_event(void **state)
{
    (void)state;
    static const enum tgvoip_signal_event_type wanted[] = {
        TGVOIP_SIGNAL_EVENT_INCOMING, TGVOIP_SIGNAL_EVENT_STATE};
    struct tgvoip_phone_call c;
    struct tgvoip_signal_event e;
    struct hand h;

    hand_init(&h, NULL);
    c = hand_requested(&h);
    hand_update(&h, &c);
    for (int i = 0; i < 2; i++) {
        tgvoip_signal_event_default(&e);
        assert_true(tgv_account_next_event(h.a, &e));
        assert_int_equal(e.type, wanted[i]);
        assert_int_equal(e.state, TGVOIP_SIGNAL_WAITING_INCOMING);
        assert_int_equal(e.info.state, TGVOIP_SIGNAL_WAITING_INCOMING);
        assert_int_equal(e.info.id, HAND_ID);
        assert_true(!h.n || h.n == e.negotiation);
        h.n = e.negotiation;
    }
    assert_non_null(h.n);
    assert_false(tgv_account_next_event(h.a, &e));
    hand_fini(&h);
}

static void test_sig_40_duplicates_ring_once(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_ring(&h);
    c = hand_requested(&h);
    hand_update(&h, &c);
    hand_no_request(&h);
    hand_no_event(&h);
    /* also when it is over, and forgotten */
    c = hand_discarded(&h, TGVOIP_DISCARD_MISSED);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_ENDED);
    c = hand_requested(&h);
    hand_update(&h, &c);
    tgv_negotiation_release(h.n, h.now);
    hand_update(&h, &c);
    assert_int_equal(h.a->call_count, 0);
    hand_no_request(&h);
    hand_no_event(&h);
    hand_fini(&h);
}

static void test_sig_40_a_request_after_its_end_does_not_ring(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    c = hand_discarded(&h, TGVOIP_DISCARD_MISSED);
    hand_update(&h, &c);
    c = hand_requested(&h);
    expect_ignored(&h, &c);
    hand_fini(&h);
}

static void test_sig_40_hash_of_wrong_length_fails(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 31, 33, 256};
    uint8_t bytes[256] = {1};
    struct tgvoip_phone_call c;
    struct hand h;

    for (size_t i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        c = hand_requested(&h);
        c.bytes = bytes;
        c.bytes_len = lengths[i];
        hand_update(&h, &c);
        hand_event(&h, TGVOIP_SIGNAL_EVENT_REFUSED);
        assert_int_equal(h.e.info.outcome, TGVOIP_OUTCOME_VERIFICATION_FAILED);
        assert_int_equal(h.e.info.state, TGVOIP_SIGNAL_FAILED);
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
}

static void test_sig_41_decline_at_once(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_incoming(&h);
    assert_int_equal(tgv_negotiation_decline(h.n, h.now), 0);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED, "");
    hand_configs(&h);
    hand_expect_discard(&h, TGVOIP_DISCARD_BUSY); /* receivedCall never left */
    assert_int_equal(h.r.duration, 0);
    assert_int_equal(h.r.connection_id, 0);
    hand_fini(&h);
}

static void test_sig_42_received_call_once(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_ring(&h); /* takes it, with id and hash */
    c = hand_requested(&h);
    hand_update(&h, &c);
    c = hand_waiting(&h, true);
    hand_update(&h, &c);
    hand_advance(&h, 20000);
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_42_already_declined_ends_it(void **state)
{
    (void)state;
    static const char *const names[] = {"CALL_ALREADY_DECLINED",
                                        "CALL_ALREADY_DISCARDED"};
    struct hand h;

    for (int i = 0; i < 2; i++) {
        hand_init(&h, NULL);
        hand_incoming(&h);
        hand_configs(&h);
        hand_dh(&h);
        hand_request(&h, TGVOIP_REQUEST_RECEIVED_CALL);
        hand_answer_error(&h, 400, names[i]);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MISSED,
                        names[i]);
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_43_dh_config_before_accept(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_incoming(&h);
    hand_configs(&h);
    hand_request(&h, TGVOIP_REQUEST_GET_DH_CONFIG);
    uint64_t dh_id = h.r.id;
    hand_request(&h, TGVOIP_REQUEST_RECEIVED_CALL);
    hand_answer_done(&h);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    hand_no_request(&h); /* g_b is not there */
    h.r.id = dh_id;
    hand_answer_dh(&h);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    hand_fini(&h);
}

static void test_sig_44_g_b_is_good_and_256_bytes(void **state)
{
    (void)state;
    struct hand h;

    for (uint64_t seed = 0; seed < 20; seed++) {
        hand_init(&h, NULL);
        tgv_prng_init(&h.random.prng, seed);
        hand_to_accepting(&h);
        assert_int_equal(h.r.bytes_len, 256);
        assert_int_equal(
            tgv_dh_check_public(h.r.bytes, 256, tgv_dh_known_prime(), 256), 0);
        hand_fini(&h);
    }
}

static void test_sig_45_commitment_is_stored_before_accept(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;
    uint8_t bytes[32];

    hand_init(&h, NULL);
    c = hand_requested(&h);
    memcpy(bytes, c.bytes, 32);
    c.bytes = bytes;
    hand_update(&h, &c);
    memset(bytes, 0, sizeof(bytes)); /* a copy was kept */
    h.n = hand_event(&h, TGVOIP_SIGNAL_EVENT_INCOMING)->negotiation;
    assert_memory_equal(h.n->commitment, h.commitment, 32);
    c = hand_requested(&h);
    c.bytes = bytes;
    hand_update(&h, &c); /* and no later one replaces it */
    assert_memory_equal(h.n->commitment, h.commitment, 32);
    hand_fini(&h);
}

static void test_sig_46_accept_once_and_only_with_consent(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_ring(&h);
    hand_advance(&h, 30000);
    hand_no_request(&h);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), TGVOIP_ERR_STATE);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    assert_int_equal(h.r.call_id, HAND_ID);
    assert_int_equal(h.r.access_hash, HAND_HASH);
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_47_accept_errors_end_quietly(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum tgvoip_outcome outcome;
    } cases[] = {
        {"CALL_ALREADY_ACCEPTED", TGVOIP_OUTCOME_ELSEWHERE},
        {"CALL_ALREADY_DECLINED", TGVOIP_OUTCOME_MISSED},
        {"CALL_ALREADY_DISCARDED", TGVOIP_OUTCOME_MISSED},
    };
    struct hand h;

    for (size_t i = 0; i < 3; i++) {
        hand_init(&h, NULL);
        hand_to_accepting(&h);
        hand_answer_error(&h, 400, cases[i].name);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, cases[i].outcome,
                        cases[i].name);
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_47_accept_result_discarded_stops(void **state)
{
    (void)state;
    static const struct {
        enum tgvoip_discard_reason reason;
        enum tgvoip_outcome outcome;
    } cases[] = {
        {TGVOIP_DISCARD_MISSED, TGVOIP_OUTCOME_MISSED},
        {TGVOIP_DISCARD_NONE, TGVOIP_OUTCOME_PEER_HUNG_UP},
        {TGVOIP_DISCARD_BUSY, TGVOIP_OUTCOME_DECLINED},
        {TGVOIP_DISCARD_DISCONNECT, TGVOIP_OUTCOME_DROPPED},
    };
    struct tgvoip_phone_call c;
    struct hand h;

    for (size_t i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        hand_to_accepting(&h);
        c = hand_discarded(&h, cases[i].reason);
        hand_answer_call(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, cases[i].outcome, "");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_47_other_results_fail(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int type = 0; type <= TGVOIP_PHONE_CALL_ACTIVE; type++) {
        if (type == TGVOIP_PHONE_CALL_WAITING)
            continue;
        hand_init(&h, NULL);
        hand_to_accepting(&h);
        c = hand_active(&h);
        c.type = (enum tgvoip_phone_call_type)type;
        hand_answer_call(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                        "phone.acceptCall");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
}

static void test_sig_48_the_update_counts_not_the_result(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_accepted(&h);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(30));
    hand_no_event(&h);
    c = hand_active(&h);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_fini(&h);
    /* it may come before the result */
    hand_init(&h, NULL);
    hand_to_accepting(&h);
    c = hand_active(&h);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    c = hand_waiting(&h, false);
    hand_answer_call(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
    assert_int_equal(tgv_account_deadline(h.a), TGV_NEVER);
    hand_fini(&h);
}

static void expect_unverified(struct hand *h, const char *why)
{
    hand_expect_end(h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_VERIFICATION_FAILED,
                    why);
    hand_expect_discard(h, TGVOIP_DISCARD_DISCONNECT);
    assert_false(h->n->key_agreed);
}

static void test_sig_49_g_a_must_be_the_committed_one(void **state)
{
    (void)state;
    uint8_t other[257];
    struct hand h;
    struct tgvoip_phone_call c;

    for (int i = 0; i < 4; i++) {
        hand_init(&h, NULL);
        hand_to_accepted(&h);
        c = hand_active(&h);
        memcpy(other, c.bytes, 256);
        c.bytes = other;
        if (i == 0)
            other[200] ^= 4;
        else if (i == 1)
            c.bytes_len = 0;
        else if (i == 2)
            c.bytes_len = 255;
        else
            c.bytes_len = 257;
        hand_update(&h, &c);
        expect_unverified(&h, i == 1 ? "g_a is empty" : "committed");
        hand_fini(&h);
    }
}

/* The commitment holds, but the value must not be used. */
static void test_sig_50_g_a_must_be_in_the_safe_range(void **state)
{
    (void)state;
    uint8_t bad[300] = {0};
    static const size_t lengths[] = {256, 1, 300};
    struct hand h;
    struct tgvoip_phone_call c;

    bad[255] = 2;
    for (size_t i = 0; i < 3; i++) {
        hand_init(&h, NULL);
        SHA256(bad, lengths[i], h.commitment);
        hand_to_accepted(&h);
        c = hand_active(&h);
        c.bytes = bad;
        c.bytes_len = lengths[i];
        hand_update(&h, &c);
        expect_unverified(&h, "g_a is not");
        hand_fini(&h);
    }
}

static void test_sig_51_fingerprint_must_be_equal(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_accepted(&h);
    c = hand_active(&h);
    c.key_fingerprint = -c.key_fingerprint;
    hand_update(&h, &c);
    expect_unverified(&h, "fingerprint");
    hand_fini(&h);
}

static void test_sig_51_key_is_that_of_the_caller(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ready_incoming(&h);
    assert_memory_equal(h.n->secrets.key, h.key, 256);
    assert_true(h.n->fingerprint == h.fingerprint);
    hand_fini(&h);
}

static void test_sig_52_ready_as_callee(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_negotiation_info info;

    hand_init(&h, NULL);
    hand_to_ready_incoming(&h);
    info = hand_info(&h);
    assert_false(info.outgoing);
    assert_true(info.key_agreed);
    assert_int_equal(info.admin_id, HAND_PEER);
    assert_int_equal(info.participant_id, HAND_SELF);
    hand_fini(&h);
}

static void test_sig_53_phone_call_before_acceptance_is_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_ring(&h);
    c = hand_active(&h);
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAITING_INCOMING);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    hand_update(&h, &c); /* consent, but the server does not know of it */
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_no_event(&h);
    hand_fini(&h);
}

static void test_sig_53_second_phone_call_is_ignored(void **state)
{
    (void)state;
    uint8_t other[256] = {9};
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ready_incoming(&h);
    c = hand_active(&h);
    hand_update(&h, &c);
    c.bytes = other;
    c.key_fingerprint = 5;
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
    assert_memory_equal(h.n->secrets.key, h.key, 256);
    hand_no_event(&h);
    hand_fini(&h);
}

static void test_sig_54_decline_and_ring_timer_discard_busy(void **state)
{
    (void)state;
    struct hand h;

    for (int how = 0; how < 3; how++) {
        hand_init(&h, NULL);
        hand_ring(&h);
        if (how == 0) {
            assert_int_equal(tgv_negotiation_decline(h.n, h.now), 0);
        } else if (how == 1) {
            tgv_negotiation_hang_up(h.n, h.now);
        } else {
            hand_advance(&h, 89999);
            assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAITING_INCOMING);
            hand_advance(&h, 1);
        }
        hand_expect_end(
            &h, TGVOIP_SIGNAL_ENDED,
            how == 2 ? TGVOIP_OUTCOME_MISSED : TGVOIP_OUTCOME_DECLINED, "");
        hand_expect_discard(&h, TGVOIP_DISCARD_BUSY);
        hand_fini(&h);
    }
}

static void test_incoming_discarded_while_ringing(void **state)
{
    (void)state;
    static const struct {
        enum tgvoip_discard_reason reason;
        enum tgvoip_outcome outcome;
    } cases[] = {
        {TGVOIP_DISCARD_MISSED, TGVOIP_OUTCOME_MISSED},
        {TGVOIP_DISCARD_NONE, TGVOIP_OUTCOME_MISSED},
        {TGVOIP_DISCARD_DISCONNECT, TGVOIP_OUTCOME_MISSED},
        {TGVOIP_DISCARD_OTHER, TGVOIP_OUTCOME_MISSED},
        {TGVOIP_DISCARD_BUSY, TGVOIP_OUTCOME_DECLINED},
        {TGVOIP_DISCARD_HANGUP, TGVOIP_OUTCOME_ELSEWHERE},
    };
    struct tgvoip_phone_call c;
    struct hand h;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_init(&h, NULL);
        hand_ring(&h);
        c = hand_discarded(&h, cases[i].reason);
        hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, cases[i].outcome, "");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_incoming_ignored_tells_nobody(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_ring(&h);
    assert_int_equal(tgv_negotiation_ignore(h.n, h.now), 0);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_IGNORED, "");
    hand_no_request(&h);
    assert_int_equal(tgv_negotiation_ignore(h.n, h.now), TGVOIP_ERR_STATE);
    hand_fini(&h);
}

static void test_incoming_accepted_is_the_wrong_direction(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int answered = 0; answered < 2; answered++) {
        hand_init(&h, NULL);
        if (answered)
            hand_to_accepted(&h);
        else
            hand_ring(&h);
        c = hand_accepted(&h);
        hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                        "phoneCallAccepted");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_fini(&h);
    }
}

static void test_incoming_connect_timer_fails(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_accepting(&h);
    hand_advance(&h, 20000);
    struct tgvoip_phone_call c = hand_waiting(&h, false);
    hand_answer_call(&h, &c); /* starts it anew */
    hand_advance(&h, 29999);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_advance(&h, 1);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_DROPPED, "");
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_40_not_for_us_is_ignored),
        cmocka_unit_test(test_sig_40_old_requests_are_ignored),
        cmocka_unit_test(test_sig_42_incoming_is_the_first_event),
        cmocka_unit_test(test_sig_40_duplicates_ring_once),
        cmocka_unit_test(test_sig_40_a_request_after_its_end_does_not_ring),
        cmocka_unit_test(test_sig_40_hash_of_wrong_length_fails),
        cmocka_unit_test(test_sig_41_decline_at_once),
        cmocka_unit_test(test_sig_42_received_call_once),
        cmocka_unit_test(test_sig_42_already_declined_ends_it),
        cmocka_unit_test(test_sig_43_dh_config_before_accept),
        cmocka_unit_test(test_sig_44_g_b_is_good_and_256_bytes),
        cmocka_unit_test(test_sig_45_commitment_is_stored_before_accept),
        cmocka_unit_test(test_sig_46_accept_once_and_only_with_consent),
        cmocka_unit_test(test_sig_47_accept_errors_end_quietly),
        cmocka_unit_test(test_sig_47_accept_result_discarded_stops),
        cmocka_unit_test(test_sig_47_other_results_fail),
        cmocka_unit_test(test_sig_48_the_update_counts_not_the_result),
        cmocka_unit_test(test_sig_49_g_a_must_be_the_committed_one),
        cmocka_unit_test(test_sig_50_g_a_must_be_in_the_safe_range),
        cmocka_unit_test(test_sig_51_fingerprint_must_be_equal),
        cmocka_unit_test(test_sig_51_key_is_that_of_the_caller),
        cmocka_unit_test(test_sig_52_ready_as_callee),
        cmocka_unit_test(test_sig_53_phone_call_before_acceptance_is_ignored),
        cmocka_unit_test(test_sig_53_second_phone_call_is_ignored),
        cmocka_unit_test(test_sig_54_decline_and_ring_timer_discard_busy),
        cmocka_unit_test(test_incoming_discarded_while_ringing),
        cmocka_unit_test(test_incoming_ignored_tells_nobody),
        cmocka_unit_test(test_incoming_accepted_is_the_wrong_direction),
        cmocka_unit_test(test_incoming_connect_timer_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
