/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 9.1, items 1 to 8: the objects that the server sends, which
 * of them concern a call, and what is checked in them. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
