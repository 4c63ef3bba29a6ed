/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 7.3, 8.3, 9.6 and 9.7: how a call ends, who is told what, and
 * that nothing is left of it. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LOG "{\"log\":[1,2]}"

static void facts(struct hand *h)
{
    assert_int_equal(tgv_negotiation_media_facts(h->n, 12, false, LOG, h->now),
                     0);
}

/* ---- 9.6 ---- */

static void test_sig_70_peer_is_id_and_hash(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP); /* checks both */
    hand_fini(&h);
}

static void test_sig_71_duration_is_whole_seconds_of_media(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ready(&h, true);
    hand_advance(&h, 4000); /* before ESTABLISHED: does not count */
    tgv_negotiation_media_state(h.n, TGVOIP_SIGNAL_ESTABLISHED, 0, h.now);
    hand_advance(&h, 61999);
    tgv_negotiation_media_state(h.n, TGVOIP_SIGNAL_RECONNECTING, 0, h.now);
    assert_int_equal(hand_info(&h).duration, 61);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    assert_int_equal(h.r.duration, 61);
    hand_advance(&h, 5000);
    assert_int_equal(hand_info(&h).duration, 61); /* no longer grows */
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_ready(&h, false);
    hand_advance(&h, 9000);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    assert_int_equal(h.r.duration, 0); /* no media */
    hand_fini(&h);
}

static void test_sig_72_connection_id_is_the_preferred_relay(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, false);
    facts(&h);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    assert_int_equal(h.r.connection_id, 12);
    hand_fini(&h);
    hand_init(&h, NULL);
    hand_to_ready(&h, true); /* no engine yet */
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    assert_int_equal(h.r.connection_id, 0);
    hand_fini(&h);
}

/* The user hangs up, in every state in which that can be. */
static void test_sig_73_reason_of_a_hang_up(void **state)
{
    (void)state;
    static const struct {
        void (*bring)(struct hand *h);
        enum tgvoip_discard_reason reason;
        enum tgvoip_signal_state next;
    } cases[] = {
        {hand_to_waiting, TGVOIP_DISCARD_MISSED, TGVOIP_SIGNAL_ENDED},
        {hand_to_ringing, TGVOIP_DISCARD_MISSED, TGVOIP_SIGNAL_ENDED},
        {hand_to_confirming, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_HANGING_UP},
        {hand_to_ready_outgoing, TGVOIP_DISCARD_HANGUP,
         TGVOIP_SIGNAL_HANGING_UP},
        {hand_ring, TGVOIP_DISCARD_BUSY, TGVOIP_SIGNAL_ENDED},
        {hand_to_accepting, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_HANGING_UP},
        {hand_to_accepted, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_HANGING_UP},
        {hand_to_ready_incoming, TGVOIP_DISCARD_HANGUP,
         TGVOIP_SIGNAL_HANGING_UP},
    };
    struct hand h;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_init(&h, NULL);
        cases[i].bring(&h);
        tgv_negotiation_hang_up(h.n, h.now);
        assert_int_equal(h.n->state, cases[i].next);
        hand_expect_discard(&h, cases[i].reason);
        hand_expect_wiped(&h);
        hand_answer_done(&h);
        assert_int_equal(h.n->state, TGVOIP_SIGNAL_ENDED);
        hand_fini(&h);
    }
}

static void test_sig_73_answered_but_not_yet_told_is_declined(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_ring(&h);
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    tgv_negotiation_hang_up(h.n, h.now); /* acceptCall never left */
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED, "");
    hand_expect_discard(&h, TGVOIP_DISCARD_BUSY);
    hand_fini(&h);
}

static void test_sig_74_errors_of_discard_are_success(void **state)
{
    (void)state;
    static const char *const names[] = {"CALL_ALREADY_DECLINED",
                                        "CALL_ALREADY_ACCEPTED",
                                        "CALL_OCCUPY_FAILED",
                                        "CALL_ALREADY_DISCARDED",
                                        "CALL_PEER_INVALID",
                                        "ANYTHING",
                                        NULL};
    struct hand h;

    for (int i = 0; i < 7; i++) {
        hand_init(&h, NULL);
        hand_to_established(&h, true);
        tgv_negotiation_hang_up(h.n, h.now);
        hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
        hand_answer_error(&h, 400, names[i]);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_HUNG_UP, "");
        hand_advance(&h, 60000);
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_75_at_most_one_discard(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_hang_up(h.n, h.now);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    hand_advance(&h, 6000);
    tgv_negotiation_hang_up(h.n, h.now);
    tgv_negotiation_release(h.n, h.now);
    hand_no_request(&h);
    hand_fini(&h);
    /* none after the server's */
    hand_init(&h, NULL);
    hand_to_established(&h, true);
    c = hand_discarded(&h, TGVOIP_DISCARD_HANGUP);
    hand_update(&h, &c);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_no_request(&h);
    hand_fini(&h);
    /* not even the one that was waiting */
    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_update(&h, &c);
    hand_no_request(&h);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_ENDED);
    hand_fini(&h);
}

static void test_sig_76_released_calls_are_discarded(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_release(h.n, h.now);
    hand_no_event(&h);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    assert_null(h.r.negotiation);
    hand_advance(&h, 5000);
    assert_int_equal(h.a->call_count, 1); /* waits for the answer */
    hand_answer_done(&h);
    assert_int_equal(h.a->call_count, 0);
    hand_fini(&h);
}

static void test_sig_76_unanswered_requests_are_forgotten(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_release(h.n, h.now);
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP);
    hand_advance(&h, 5000);
    hand_advance(&h, 120000);
    assert_int_equal(h.a->call_count, 0);
    assert_int_equal(tgv_account_deadline(h.a), TGV_NEVER);
    hand_fini(&h);
}

static void test_sig_76_over_after_five_seconds(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_hang_up(h.n, h.now);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(5));
    hand_advance(&h, 4999);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_HANGING_UP);
    hand_advance(&h, 1);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_HUNG_UP, "");
    hand_expect_discard(&h, TGVOIP_DISCARD_HANGUP); /* still leaves */
    hand_fini(&h);
}

static void test_sig_76_discard_is_sent_again_in_the_background(void **state)
{
    (void)state;
    struct hand h;
    int times = 1;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_request(&h, TGVOIP_REQUEST_DISCARD_CALL);
    hand_answer_network(&h);
    tgv_negotiation_release(h.n, h.now);
    for (int s = 0; s < 300; s++) {
        tgvoip_request_default(&h.r);
        hand_advance(&h, 1000);
        if (!tgv_account_next_request(h.a, &h.r))
            continue;
        assert_int_equal(h.r.type, TGVOIP_REQUEST_DISCARD_CALL);
        assert_int_equal(h.r.call_id, HAND_ID);
        hand_answer_network(&h);
        times++;
    }
    assert_int_equal(times, TGV_BACKGROUND_TRIES);
    assert_int_equal(h.a->call_count, 0);
    hand_fini(&h);
}

/* SIG-77 is the application's: it is told, once, when to do it. */
static void test_sig_77_ended_comes_once_and_last(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, false);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_no_event(&h);
    hand_request(&h, TGVOIP_REQUEST_DISCARD_CALL);
    hand_answer_done(&h);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_HUNG_UP, "");
    hand_advance(&h, 10000);
    hand_no_event(&h);
    hand_fini(&h);
}

/* ---- 9.7 ---- */

static void test_sig_80_reason_of_the_peer(void **state)
{
    (void)state;
    static const struct {
        bool media;
        enum tgvoip_discard_reason reason;
        enum tgvoip_signal_state state;
        enum tgvoip_outcome outcome;
    } cases[] = {
        {true, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_PEER_HUNG_UP},
        {true, TGVOIP_DISCARD_NONE, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_PEER_HUNG_UP},
        {true, TGVOIP_DISCARD_OTHER, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_PEER_HUNG_UP},
        {true, TGVOIP_DISCARD_BUSY, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_PEER_HUNG_UP},
        {true, TGVOIP_DISCARD_DISCONNECT, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_DROPPED},
        {true, TGVOIP_DISCARD_MIGRATE, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_MIGRATED},
        {false, TGVOIP_DISCARD_BUSY, TGVOIP_SIGNAL_BUSY, TGVOIP_OUTCOME_BUSY},
        {false, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_PEER_HUNG_UP},
    };
    struct tgvoip_phone_call c;
    struct hand h;

    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        hand_init(&h, NULL);
        if (cases[i / 2].media)
            hand_to_established(&h, i & 1);
        else
            hand_to_ready(&h, i & 1);
        c = hand_discarded(&h, cases[i / 2].reason);
        hand_update(&h, &c);
        hand_expect_end(&h, cases[i / 2].state, cases[i / 2].outcome, "");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_84_nothing_is_left_after_the_end(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int outgoing = 0; outgoing < 2; outgoing++) {
        hand_init(&h, NULL);
        hand_to_ready(&h, outgoing);
        assert_true(h.n->key_held);
        c = hand_discarded(&h, TGVOIP_DISCARD_HANGUP);
        hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_PEER_HUNG_UP,
                        "");
        assert_false(h.n->key_held);
        hand_no_event(&h);
        hand_fini(&h);
        /* the exponent goes as soon as there is a key, the key as soon as
         * the engine has it */
        hand_init(&h, NULL);
        hand_to_ready(&h, outgoing);
        for (int i = 0; i < 256; i++)
            assert_int_equal(h.n->secrets.exponent[i], 0);
        tgv_negotiation_media_state(h.n, TGVOIP_SIGNAL_ESTABLISHED, 0, h.now);
        hand_expect_wiped(&h);
        assert_true(hand_info(&h).key_agreed);
        hand_fini(&h);
    }
}

static void test_sig_85_engine_failure(void **state)
{
    (void)state;
    struct hand h;

    for (int error = 0; error < 6; error++) {
        hand_init(&h, NULL);
        hand_to_established(&h, error & 1);
        facts(&h);
        hand_advance(&h, 3000);
        tgv_negotiation_media_state(h.n, TGVOIP_SIGNAL_FAILED, error, h.now);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                        error == 1 ? TGVOIP_OUTCOME_INCOMPATIBLE
                                   : TGVOIP_OUTCOME_DROPPED,
                        "the engine failed");
        assert_int_equal(h.e.info.call_error, error);
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        assert_int_equal(h.r.duration, 3);
        assert_int_equal(h.r.connection_id, 12);
        hand_fini(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_70_peer_is_id_and_hash),
        cmocka_unit_test(test_sig_71_duration_is_whole_seconds_of_media),
        cmocka_unit_test(test_sig_72_connection_id_is_the_preferred_relay),
        cmocka_unit_test(test_sig_73_reason_of_a_hang_up),
        cmocka_unit_test(test_sig_73_answered_but_not_yet_told_is_declined),
        cmocka_unit_test(test_sig_74_errors_of_discard_are_success),
        cmocka_unit_test(test_sig_75_at_most_one_discard),
        cmocka_unit_test(test_sig_76_released_calls_are_discarded),
        cmocka_unit_test(test_sig_76_unanswered_requests_are_forgotten),
        cmocka_unit_test(test_sig_76_over_after_five_seconds),
        cmocka_unit_test(test_sig_76_discard_is_sent_again_in_the_background),
        cmocka_unit_test(test_sig_77_ended_comes_once_and_last),
        cmocka_unit_test(test_sig_80_reason_of_the_peer),
        cmocka_unit_test(test_sig_84_nothing_is_left_after_the_end),
        cmocka_unit_test(test_sig_85_engine_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
