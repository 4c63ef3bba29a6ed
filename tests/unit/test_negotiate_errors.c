/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 8.2: errors of requests, case by case. */
#include "negotiate/errors.h"
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
        hand_incoming(h);
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
