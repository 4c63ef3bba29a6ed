/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 8.4 and 9.7, items 81 to 83: what the server may ask for after
 * a call: the debug log and a rating. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LOG "{\"log\":[1,2]}"

static void facts(struct hand *h)
{
    assert_int_equal(tgv_negotiation_media_facts(h->n, 12, false, LOG, h->now),
                     0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_81_debug_log_is_sent_if_asked_for),
        cmocka_unit_test(test_sig_81_a_log_that_is_no_json_is_not_sent),
        cmocka_unit_test(test_sig_82_rating_is_offered_if_someone_asks),
        cmocka_unit_test(test_sig_82_comments_are_cut_and_only_below_five),
        cmocka_unit_test(test_sig_82_no_rating_before_the_end),
        cmocka_unit_test(test_sig_82_asked_for_later),
        cmocka_unit_test(test_sig_83_no_media_no_rating),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
