/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 7.3, 8.2, 8.3, 8.4, 9.6 and 9.7, item by item. */
#include "negotiate/errors.h"
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

static void test_sig_81_debug_log_is_sent_if_asked_for(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int i = 0; i < 8; i++) {
        bool asked = i & 1, early = i & 2, own = i & 4;

        hand_init(&h, NULL);
        hand_to_established(&h, true);
        if (early)
            facts(&h);
        c = hand_discarded(&h, TGVOIP_DISCARD_HANGUP);
        c.need_debug = asked;
        if (own) {
            tgv_negotiation_hang_up(h.n, h.now);
            hand_request(&h, TGVOIP_REQUEST_DISCARD_CALL);
            hand_update(&h, &c); /* came with the Updates of the answer */
            hand_answer_done(&h);
        } else {
            hand_update(&h, &c);
        }
        hand_expect_end(
            &h, TGVOIP_SIGNAL_ENDED,
            own ? TGVOIP_OUTCOME_HUNG_UP : TGVOIP_OUTCOME_PEER_HUNG_UP, "");
        assert_int_equal(h.e.info.need_debug, asked);
        if (!early)
            facts(&h);
        if (asked) {
            hand_request(&h, TGVOIP_REQUEST_SAVE_DEBUG);
            assert_int_equal(h.r.call_id, HAND_ID);
            assert_int_equal(h.r.access_hash, HAND_HASH);
            assert_string_equal(h.r.text, LOG);
            hand_answer_error(&h, 400, "DATA_JSON_INVALID"); /* logged */
        }
        facts(&h);
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_81_a_log_that_is_no_json_is_not_sent(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    assert_int_equal(
        tgv_negotiation_media_facts(h.n, 12, false, "not json", h.now),
        TGVOIP_ERR_FORMAT);
    assert_int_equal(tgv_negotiation_media_facts(h.n, 12, false, "", h.now), 0);
    c = hand_discarded(&h, TGVOIP_DISCARD_HANGUP);
    c.need_debug = true;
    hand_update(&h, &c);
    hand_no_request(&h);
    hand_fini(&h);
}

static void end_with(struct hand *h, bool media, bool asked, bool engine)
{
    struct tgvoip_phone_call c;

    hand_init(h, NULL);
    if (media)
        hand_to_established(h, true);
    else
        hand_to_ready(h, true);
    tgv_negotiation_media_facts(h->n, 12, engine, NULL, h->now);
    c = hand_discarded(h, TGVOIP_DISCARD_HANGUP);
    c.need_rating = asked;
    hand_update(h, &c);
    hand_event(h, TGVOIP_SIGNAL_EVENT_ENDED);
}

static void test_sig_82_rating_is_offered_if_someone_asks(void **state)
{
    (void)state;
    struct hand h;

    for (int i = 0; i < 4; i++) {
        end_with(&h, true, i & 1, i & 2);
        assert_int_equal(h.e.info.need_rating, i != 0);
        hand_no_request(&h); /* never without the user */
        assert_int_equal(tgv_negotiation_rate(h.n, 3, "b\xc3\xb6se", h.now), 0);
        hand_request(&h, TGVOIP_REQUEST_SET_RATING);
        assert_int_equal(h.r.rating, 3);
        assert_string_equal(h.r.text, "b\xc3\xb6se");
        assert_int_equal(h.r.user_initiative, i == 0);
        assert_int_equal(h.r.call_id, HAND_ID);
        assert_int_equal(h.r.access_hash, HAND_HASH);
        hand_answer_done(&h);
        assert_false(hand_info(&h).need_rating);
        assert_int_equal(tgv_negotiation_rate(h.n, 3, NULL, h.now),
                         TGVOIP_ERR_STATE); /* once */
        hand_fini(&h);
    }
}

static void test_sig_82_comments_are_cut_and_only_below_five(void **state)
{
    (void)state;
    char text[3 * 300 + 1] = "";
    struct hand h;

    for (int i = 0; i < 300; i++)
        strcat(text, "\xe2\x82\xac");
    end_with(&h, true, true, false);
    assert_int_equal(tgv_negotiation_rate(h.n, 4, text, h.now), 0);
    hand_request(&h, TGVOIP_REQUEST_SET_RATING);
    assert_int_equal(strlen(h.r.text), 3 * 200);
    assert_memory_equal(h.r.text, text, 3 * 200);
    hand_fini(&h);
    end_with(&h, true, true, false);
    assert_int_equal(tgv_negotiation_rate(h.n, 5, "great", h.now), 0);
    hand_request(&h, TGVOIP_REQUEST_SET_RATING);
    assert_string_equal(h.r.text, "");
    hand_fini(&h);
}

static void test_sig_82_no_rating_before_the_end(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_established(&h, true);
    assert_int_equal(tgv_negotiation_rate(h.n, 3, NULL, h.now),
                     TGVOIP_ERR_STATE);
    assert_false(hand_info(&h).need_rating);
    hand_fini(&h);
}

static void test_sig_82_asked_for_later(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    end_with(&h, true, false, false);
    c = hand_discarded(&h, TGVOIP_DISCARD_HANGUP);
    hand_update(&h, &c); /* nothing new */
    hand_no_event(&h);
    c.need_rating = true;
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_FEEDBACK);
    assert_true(h.e.info.need_rating);
    hand_update(&h, &c);
    hand_no_event(&h);
    hand_fini(&h);
    end_with(&h, true, false, false);
    tgv_negotiation_media_facts(h.n, 12, true, NULL, h.now); /* the engine */
    hand_event(&h, TGVOIP_SIGNAL_EVENT_FEEDBACK);
    hand_fini(&h);
}

static void test_sig_83_no_media_no_rating(void **state)
{
    (void)state;
    struct hand h;

    end_with(&h, false, false, true);
    assert_false(h.e.info.need_rating);
    assert_int_equal(tgv_negotiation_rate(h.n, 3, NULL, h.now),
                     TGVOIP_ERR_STATE);
    hand_fini(&h);
    end_with(&h, false, true, false); /* unless the server asks */
    assert_true(h.e.info.need_rating);
    assert_int_equal(tgv_negotiation_rate(h.n, 1, NULL, h.now), 0);
    hand_request(&h, TGVOIP_REQUEST_SET_RATING);
    hand_fini(&h);
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

/* ---- 8.2 ---- */

struct error_case {
    enum tgvoip_request_type request;
    int code;
    const char *name;
    enum tgvoip_signal_state state;
    enum tgvoip_outcome outcome;
    bool discards;
};

#define FAILS(request, code, name, outcome, discards)                          \
    {                                                                          \
        TGVOIP_REQUEST_##request, code, name, TGVOIP_SIGNAL_FAILED,            \
            TGVOIP_OUTCOME_##outcome, discards                                 \
    }

static const struct error_case error_cases[] = {
    FAILS(GET_DH_CONFIG, 400, "RANDOM_LENGTH_INVALID", INTERNAL, false),
    FAILS(GET_DH_CONFIG, 420, "FLOOD_WAIT_3", FLOOD_WAIT, false),
    FAILS(REQUEST_CALL, 400, "CALL_PROTOCOL_FLAGS_INVALID", SERVER_ERROR,
          false),
    FAILS(REQUEST_CALL, 400, "CALL_PROTOCOL_LAYER_INVALID", INCOMPATIBLE,
          false),
    FAILS(REQUEST_CALL, 400, "PARTICIPANT_VERSION_OUTDATED", PEER_OUTDATED,
          false),
    FAILS(REQUEST_CALL, 403, "USER_PRIVACY_RESTRICTED", PRIVACY, false),
    FAILS(REQUEST_CALL, 403, "USER_IS_BLOCKED", BLOCKED, false),
    FAILS(REQUEST_CALL, 400, "USER_IS_BLOCKED", BLOCKED, false),
    FAILS(REQUEST_CALL, 400, "USER_ID_INVALID", BAD_TARGET, false),
    FAILS(REQUEST_CALL, 400, "INPUT_USER_DEACTIVATED", BAD_TARGET, false),
    FAILS(REQUEST_CALL, 400, "DH_G_A_INVALID", VERIFICATION_FAILED, false),
    FAILS(REQUEST_CALL, 420, "FLOOD_WAIT_3", FLOOD_WAIT, false),
    FAILS(REQUEST_CALL, 420, "FLOOD_WAIT_X", FLOOD_WAIT, false),
    FAILS(REQUEST_CALL, 420, NULL, FLOOD_WAIT, false),
    FAILS(REQUEST_CALL, 400, NULL, SERVER_ERROR, false),
    FAILS(REQUEST_CALL, 500, "\x1b[2J", SERVER_ERROR, false),
    FAILS(ACCEPT_CALL, 400, "CALL_PEER_INVALID", SERVER_ERROR, false),
    FAILS(ACCEPT_CALL, 400, "CALL_PROTOCOL_FLAGS_INVALID", SERVER_ERROR, true),
    FAILS(ACCEPT_CALL, 406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID", INCOMPATIBLE,
          true),
    FAILS(ACCEPT_CALL, 500, "CALL_OCCUPY_FAILED", SERVER_ERROR, true),
    FAILS(ACCEPT_CALL, 400, "DH_G_A_INVALID", VERIFICATION_FAILED, true),
    FAILS(ACCEPT_CALL, 420, "FLOOD_WAIT_3000", FLOOD_WAIT, true),
    FAILS(ACCEPT_CALL, 400, "SOMETHING_NEW", SERVER_ERROR, true),
    FAILS(CONFIRM_CALL, 400, "CALL_PEER_INVALID", SERVER_ERROR, false),
    FAILS(CONFIRM_CALL, 400, "DH_G_A_INVALID", VERIFICATION_FAILED, true),
    FAILS(CONFIRM_CALL, 400, "SOMETHING_NEW", SERVER_ERROR, true),
    {TGVOIP_REQUEST_CONFIRM_CALL, 400, "CALL_ALREADY_DECLINED",
     TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_PEER_HUNG_UP, false},
    {TGVOIP_REQUEST_CONFIRM_CALL, 400, "CALL_ALREADY_DISCARDED",
     TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_PEER_HUNG_UP, false},
    {TGVOIP_REQUEST_ACCEPT_CALL, 400, "CALL_ALREADY_ACCEPTED",
     TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_ELSEWHERE, false},
    FAILS(RECEIVED_CALL, 400, "CALL_PEER_INVALID", SERVER_ERROR, false),
    FAILS(RECEIVED_CALL, 400, "SOMETHING_NEW", SERVER_ERROR, true),
};

/* Bring a call to where this request has been taken. */
static void bring(struct hand *h, enum tgvoip_request_type request)
{
    struct tgvoip_phone_call c;

    switch (request) {
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        assert_int_equal(
            tgv_account_call(h->a, &h->n, HAND_PEER, 0, h->now, NULL), 0);
        hand_configs(h);
        hand_request(h, request);
        break;
    case TGVOIP_REQUEST_REQUEST_CALL:
        hand_call(h);
        break;
    case TGVOIP_REQUEST_ACCEPT_CALL:
        hand_to_accepting(h);
        break;
    case TGVOIP_REQUEST_CONFIRM_CALL:
        hand_to_confirming(h);
        break;
    default:
        c = hand_requested(h);
        hand_update(h, &c);
        h->n = hand_event(h, TGVOIP_SIGNAL_EVENT_INCOMING)->negotiation;
        hand_configs(h);
        hand_dh(h);
        hand_request(h, request);
    }
}

static void test_errors_of_the_table(void **state)
{
    (void)state;
    struct hand h;

    for (size_t i = 0; i < sizeof(error_cases) / sizeof(*error_cases); i++) {
        const struct error_case *c = &error_cases[i];

        hand_init(&h, NULL);
        bring(&h, c->request);
        hand_answer_error(&h, c->code, c->name);
        hand_expect_end(&h, c->state, c->outcome,
                        tgvoip_request_type_str(c->request));
        for (const char *p = h.e.info.why; *p; p++)
            assert_in_range(*p, ' ', '~');
        if (c->discards)
            hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_errors_flood_wait_tells_the_time(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    hand_answer_error(&h, 420, "FLOOD_WAIT_77");
    assert_int_equal(hand_info(&h).retry_after_s, 77);
    hand_fini(&h);
}

static void test_errors_short_flood_waits_are_waited_for(void **state)
{
    (void)state;
    static const enum tgvoip_request_type requests[] = {
        TGVOIP_REQUEST_RECEIVED_CALL, TGVOIP_REQUEST_ACCEPT_CALL,
        TGVOIP_REQUEST_CONFIRM_CALL};
    struct hand h;
    uint64_t id;

    for (int i = 0; i < 3; i++) {
        hand_init(&h, NULL);
        bring(&h, requests[i]);
        id = h.r.id;
        hand_answer_error(&h, 420, "FLOOD_WAIT_3");
        hand_advance(&h, 2999);
        hand_no_request(&h);
        hand_advance(&h, 1);
        hand_request(&h, requests[i]);
        assert_true(h.r.id != id);
        hand_fini(&h);
    }
}

static void test_errors_random_id_duplicate_draws_once_more(void **state)
{
    (void)state;
    struct hand h;
    int32_t first;

    hand_init(&h, NULL);
    hand_call(&h);
    first = h.r.random_id;
    hand_answer_error(&h, 500, "RANDOM_ID_DUPLICATE");
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    assert_int_not_equal(h.r.random_id, first);
    hand_answer_error(&h, 500, "RANDOM_ID_DUPLICATE");
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                    "RANDOM_ID_DUPLICATE");
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_errors_network_at_the_start_fails(void **state)
{
    (void)state;
    struct hand h;

    for (int i = 0; i < 2; i++) {
        hand_init(&h, NULL);
        bring(&h,
              i ? TGVOIP_REQUEST_REQUEST_CALL : TGVOIP_REQUEST_GET_DH_CONFIG);
        hand_answer_network(&h);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_NETWORK, "");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_errors_network_is_tried_again_till_the_timer(void **state)
{
    (void)state;
    static const enum tgvoip_request_type requests[] = {
        TGVOIP_REQUEST_RECEIVED_CALL, TGVOIP_REQUEST_ACCEPT_CALL,
        TGVOIP_REQUEST_CONFIRM_CALL};
    struct hand h;
    int times;

    for (int i = 0; i < 3; i++) {
        hand_init(&h, NULL);
        bring(&h, requests[i]);
        for (times = 0; h.n->state != TGVOIP_SIGNAL_FAILED && times < 200;
             times++) {
            hand_answer_network(&h);
            hand_advance(&h, 1000);
            if (tgv_neg_final(h.n))
                break;
            hand_request(&h, requests[i]);
        }
        assert_int_equal(times, i ? 29 : 89);
        hand_fini(&h);
    }
}

/* An acceptCall without an answer may have arrived. */
static void test_errors_own_answer_is_not_taken_for_anothers(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_accepting(&h);
    hand_answer_network(&h);
    hand_advance(&h, 1000);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    hand_answer_error(&h, 400, "CALL_ALREADY_ACCEPTED");
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    c = hand_active(&h);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_fini(&h);
    /* it was another device: not ours to discard */
    hand_init(&h, NULL);
    hand_to_accepting(&h);
    hand_answer_network(&h);
    hand_advance(&h, 1000);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    hand_answer_error(&h, 400, "CALL_ALREADY_ACCEPTED");
    hand_advance(&h, 30000);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_DROPPED, "");
    hand_no_request(&h);
    hand_fini(&h);
}

/* An answer to what no longer matters changes nothing. */
static void test_errors_too_late_change_nothing(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;
    uint64_t id;

    hand_init(&h, NULL);
    bring(&h, TGVOIP_REQUEST_RECEIVED_CALL);
    id = h.r.id;
    assert_int_equal(tgv_negotiation_answer(h.n, h.now), 0);
    hand_request(&h, TGVOIP_REQUEST_ACCEPT_CALL);
    c = hand_active(&h);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_answer_error(&h, 400, "CALL_ALREADY_DECLINED"); /* acceptCall's */
    h.r.id = id;
    hand_answer_error(&h, 500, "ANYTHING"); /* receivedCall's */
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAIT_INIT);
    assert_int_equal(
        tgv_account_answer(
            h.a, id, &(struct tgv_answer){.kind = TGV_ANSWER_DONE}, h.now),
        TGVOIP_ERR_NOT_FOUND); /* twice */
    assert_int_equal(
        tgv_account_answer(
            h.a, 0, &(struct tgv_answer){.kind = TGV_ANSWER_DONE}, h.now),
        TGVOIP_ERR_NOT_FOUND);
    hand_fini(&h);
}

static void test_errors_answers_of_the_wrong_kind(void **state)
{
    (void)state;
    struct hand h;

    for (int i = 0; i < 3; i++) {
        static const enum tgvoip_request_type requests[] = {
            TGVOIP_REQUEST_GET_DH_CONFIG, TGVOIP_REQUEST_ACCEPT_CALL,
            TGVOIP_REQUEST_CONFIRM_CALL};

        hand_init(&h, NULL);
        bring(&h, requests[i]);
        hand_answer_done(&h);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                        "was answered by");
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
        cmocka_unit_test(test_sig_81_debug_log_is_sent_if_asked_for),
        cmocka_unit_test(test_sig_81_a_log_that_is_no_json_is_not_sent),
        cmocka_unit_test(test_sig_82_rating_is_offered_if_someone_asks),
        cmocka_unit_test(test_sig_82_comments_are_cut_and_only_below_five),
        cmocka_unit_test(test_sig_82_no_rating_before_the_end),
        cmocka_unit_test(test_sig_82_asked_for_later),
        cmocka_unit_test(test_sig_83_no_media_no_rating),
        cmocka_unit_test(test_sig_84_nothing_is_left_after_the_end),
        cmocka_unit_test(test_sig_85_engine_failure),
        cmocka_unit_test(test_errors_of_the_table),
        cmocka_unit_test(test_errors_flood_wait_tells_the_time),
        cmocka_unit_test(test_errors_short_flood_waits_are_waited_for),
        cmocka_unit_test(test_errors_random_id_duplicate_draws_once_more),
        cmocka_unit_test(test_errors_network_at_the_start_fails),
        cmocka_unit_test(test_errors_network_is_tried_again_till_the_timer),
        cmocka_unit_test(test_errors_own_answer_is_not_taken_for_anothers),
        cmocka_unit_test(test_errors_too_late_change_nothing),
        cmocka_unit_test(test_errors_answers_of_the_wrong_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
