/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 7.1 and 9.3, item by item. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/sha.h>

/* A random source of one value, to see what becomes of it. */
static int fixed_fill(void *ctx, uint8_t *buf, size_t len)
{
    memset(buf, *(const uint8_t *)ctx, len);
    return 0;
}

static void raise_3(const uint8_t *exponent, uint8_t *out)
{
    BIGNUM *g = BN_new(), *x = BN_bin2bn(exponent, 256, NULL), *v = BN_new();
    BIGNUM *p = BN_bin2bn(tgv_dh_known_prime(), 256, NULL);
    BN_CTX *ctx = BN_CTX_new();

    BN_set_word(g, 3);
    assert_int_equal(BN_mod_exp(v, g, x, p, ctx), 1);
    BN_bn2binpad(v, out, 256);
    BN_free(g);
    BN_free(x);
    BN_free(v);
    BN_free(p);
    BN_CTX_free(ctx);
}

static void test_sig_20_exponent_is_own_random_xor_the_servers(void **state)
{
    (void)state;
    struct hand h;
    uint8_t byte = 0x35, want[256], digest[32];

    hand_init(&h, NULL);
    h.a->config.random = (struct tgv_random){fixed_fill, &byte};
    for (int i = 0; i < 256; i++)
        h.dh_random[i] = (uint8_t)(i * 7 + 1);
    for (int i = 0; i < 256; i++)
        want[i] = (uint8_t)(byte ^ h.dh_random[i]);
    hand_call(&h);
    assert_memory_equal(h.n->secrets.exponent, want, 256);
    raise_3(want, want);
    assert_memory_equal(h.n->public_value, want, 256);
    SHA256(want, 256, digest);
    assert_memory_equal(h.r.bytes, digest, 32);
    hand_fini(&h);
}

/* Draws that are out of range, then good ones. */
struct draws {
    unsigned count;
    const uint8_t *bad;
};

static int bad_then_good(void *ctx, uint8_t *buf, size_t len)
{
    struct draws *d = ctx;

    memset(buf, 0, len);
    buf[len - 1] = (uint8_t)(0x11 + d->count);
    if (len == 256) {
        if (d->count == 0)
            buf[255] = 1; /* 1 < a */
        else if (d->count == 1)
            memcpy(buf, tgv_dh_known_prime(), 256); /* a < p - 1 */
        else if (d->count == 2)
            memset(buf, 0xFF, 256);
        else if (d->count == 3)
            buf[255] = 9; /* 3^9 is far too small a g_a */
        else
            buf[240] = 0x99;
        d->count++;
    }
    return 0;
}

static void test_sig_20_exponents_out_of_range_are_drawn_again(void **state)
{
    (void)state;
    struct draws d = {0};
    struct hand h;

    hand_init(&h, NULL);
    h.a->config.random = (struct tgv_random){bad_then_good, &d};
    hand_call(&h);
    assert_true(d.count >= 5);
    assert_int_equal(h.n->secrets.exponent[240], 0x99);
    hand_fini(&h);
}

static void test_sig_20_no_random_numbers_no_call(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    h.random.broken = true;
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_configs(&h);
    hand_dh(&h);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_INTERNAL,
                    "random");
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_21_g_a_is_in_the_safe_range(void **state)
{
    (void)state;
    struct hand h;

    for (int i = 0; i < 20; i++) {
        hand_init(&h, NULL);
        tgv_prng_init(&h.random.prng, (uint64_t)i);
        hand_call(&h);
        assert_int_equal(
            tgv_dh_check_public(h.n->public_value, 256, h.n->p, 256), 0);
        assert_int_not_equal(h.n->public_value[0], 0);
        hand_fini(&h);
    }
}

static void test_sig_22_commitment_is_sha256_of_what_is_sent(void **state)
{
    (void)state;
    uint8_t commitment[32], digest[32];
    struct tgvoip_phone_call c;
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    assert_int_equal(h.r.bytes_len, 32);
    memcpy(commitment, h.r.bytes, 32);
    c = hand_waiting(&h, true);
    hand_answer_call(&h, &c);
    c = hand_accepted(&h);
    hand_update(&h, &c);
    hand_request(&h, TGVOIP_REQUEST_CONFIRM_CALL);
    SHA256(h.r.bytes, h.r.bytes_len, digest);
    assert_memory_equal(commitment, digest, 32);
    hand_fini(&h);
}

static void test_sig_23_random_id_is_fresh(void **state)
{
    (void)state;
    struct hand h;
    int32_t last = -1;

    hand_init(&h, NULL);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL),
                         0);
        if (i == 0)
            hand_configs(&h);
        hand_dh(&h);
        hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
        assert_true(h.r.random_id >= 0 && h.r.random_id != 0x7fffffff);
        assert_int_not_equal(h.r.random_id, last);
        last = h.r.random_id;
        hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
        tgv_negotiation_release(h.n, h.now);
    }
    hand_fini(&h);
}

static void test_sig_24_request_does_not_tell_g_a(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_call(&h);
    assert_int_equal(h.r.user_id, HAND_PEER);
    assert_int_equal(h.r.bytes_len, 32);
    for (int i = 32; i < 256; i++)
        assert_int_equal(h.r.bytes[i], 0);
    assert_int_equal(h.r.key_fingerprint, 0);
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_25_result_waiting_brings_the_id(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_waiting(&h);
    assert_true(h.n->id == HAND_ID);
    assert_true(h.n->access_hash == HAND_HASH);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(20));
    hand_fini(&h);
}

static void test_sig_25_other_results_fail(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int type = 0; type <= TGVOIP_PHONE_CALL_DISCARDED + 1; type++) {
        if (type == TGVOIP_PHONE_CALL_WAITING)
            continue;
        hand_init(&h, NULL);
        hand_call(&h);
        c = hand_waiting(&h, false);
        c.type = (enum tgvoip_phone_call_type)type;
        if (type > TGVOIP_PHONE_CALL_DISCARDED)
            hand_answer_done(&h);
        else
            hand_answer_call(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR,
                        "phone.requestCall was answered by");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void test_sig_26_receive_date_means_ringing(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_waiting(&h);
    hand_advance(&h, 5000);
    c = hand_waiting(&h, false); /* no news */
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAITING);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(15));
    c = hand_waiting(&h, true);
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RINGING);
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(90));
    hand_advance(&h, 5000);
    hand_update(&h, &c); /* once: the timer goes on */
    assert_int_equal(tgv_account_deadline(h.a), h.now + TGV_S(85));
    hand_fini(&h);
}

static void expect_zero_discard(struct hand *h,
                                enum tgvoip_discard_reason reason)
{
    hand_expect_discard(h, reason);
    assert_int_equal(h->r.duration, 0);
    assert_int_equal(h->r.connection_id, 0);
}

static void test_sig_27_receive_timer_gives_missed(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_waiting(&h);
    hand_advance(&h, 19999);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_WAITING);
    hand_advance(&h, 1);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_NO_ANSWER,
                    "no device of the callee");
    expect_zero_discard(&h, TGVOIP_DISCARD_MISSED);
    hand_fini(&h);
}

static void test_sig_27_ring_timer_gives_missed(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    hand_advance(&h, 89999);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RINGING);
    hand_advance(&h, 1);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_NO_ANSWER,
                    "nobody answered");
    expect_zero_discard(&h, TGVOIP_DISCARD_MISSED);
    hand_fini(&h);
}

static void test_sig_27_the_application_may_give_up_earlier(void **state)
{
    (void)state;
    struct tgvoip_phone_call c;
    struct hand h;

    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 8000, h.now, NULL),
                     0);
    hand_configs(&h);
    hand_dh(&h);
    hand_request(&h, TGVOIP_REQUEST_REQUEST_CALL);
    c = hand_waiting(&h, true);
    hand_answer_call(&h, &c);
    hand_advance(&h, 8000);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_NO_ANSWER, "");
    expect_zero_discard(&h, TGVOIP_DISCARD_MISSED);
    hand_fini(&h);
}

static void test_sig_28_discarded_before_acceptance(void **state)
{
    (void)state;
    static const struct {
        bool rings;
        enum tgvoip_discard_reason reason;
        enum tgvoip_signal_state state;
        enum tgvoip_outcome outcome;
    } cases[] = {
        {false, TGVOIP_DISCARD_BUSY, TGVOIP_SIGNAL_BUSY, TGVOIP_OUTCOME_BUSY},
        {true, TGVOIP_DISCARD_BUSY, TGVOIP_SIGNAL_BUSY,
         TGVOIP_OUTCOME_DECLINED},
        {false, TGVOIP_DISCARD_NONE, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_NO_ANSWER},
        {true, TGVOIP_DISCARD_MISSED, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_NO_ANSWER},
        {true, TGVOIP_DISCARD_HANGUP, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_DECLINED},
        {true, TGVOIP_DISCARD_DISCONNECT, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_DROPPED},
        {true, TGVOIP_DISCARD_OTHER, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_DROPPED},
        {true, TGVOIP_DISCARD_MIGRATE, TGVOIP_SIGNAL_ENDED,
         TGVOIP_OUTCOME_MIGRATED},
    };
    struct tgvoip_phone_call c;
    struct hand h;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_init(&h, NULL);
        if (cases[i].rings)
            hand_to_ringing(&h);
        else
            hand_to_waiting(&h);
        c = hand_discarded(&h, cases[i].reason);
        c.slug = "room\n1";
        hand_update(&h, &c);
        hand_expect_end(&h, cases[i].state, cases[i].outcome, "");
        assert_string_equal(
            h.e.info.slug,
            cases[i].reason == TGVOIP_DISCARD_MIGRATE ? "room\\x0a1" : "");
        hand_no_request(&h);
        hand_fini(&h);
    }
}

static void sub(const uint8_t *p, int byte, uint8_t *out)
{
    int carry = 0;

    for (int i = 255; i >= 0; i--) {
        int v = p[i] - (i == byte) - carry;

        carry = v < 0;
        out[i] = (uint8_t)v;
    }
}

static void test_sig_29_bad_g_b_ends_with_disconnect(void **state)
{
    (void)state;
    uint8_t values[6][256] = {{0}};
    struct tgvoip_phone_call c;
    struct hand h;
    size_t len;

    values[1][255] = 1;
    values[2][7] = 1; /* 2^1984 */
    memcpy(values[3], tgv_dh_known_prime(), 256);
    sub(tgv_dh_known_prime(), 255, values[4]); /* p - 1 */
    sub(tgv_dh_known_prime(), 7, values[5]); /* p - 2^1984 */
    for (int i = 0; i < 8; i++) {
        hand_init(&h, NULL);
        hand_to_ringing(&h);
        c = hand_accepted(&h);
        len = i == 6 ? 0 : i == 7 ? 257 : 256;
        c.bytes = i < 6 ? values[i] : (const uint8_t *)values;
        c.bytes_len = len;
        hand_update(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                        TGVOIP_OUTCOME_VERIFICATION_FAILED, "g_b is not");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        assert_false(h.n->key_agreed);
        hand_fini(&h);
    }
}

static void test_sig_30_key_and_fingerprint(void **state)
{
    (void)state;
    uint8_t digest[20];
    int64_t want = 0;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    hand_active(&h); /* computes the peer's key */
    assert_memory_equal(h.n->secrets.key, h.key, 256);
    SHA1(h.key, 256, digest);
    for (int i = 7; i >= 0; i--)
        want = (int64_t)((uint64_t)want << 8 | digest[12 + i]);
    assert_true(h.r.key_fingerprint == want);
    hand_fini(&h);
}

static void test_sig_31_confirm_sends_the_hashed_g_a(void **state)
{
    (void)state;
    struct hand h;
    uint8_t digest[32];

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    assert_int_equal(h.r.call_id, HAND_ID);
    assert_int_equal(h.r.access_hash, HAND_HASH);
    assert_int_equal(h.r.bytes_len, 256);
    SHA256(h.r.bytes, 256, digest);
    assert_memory_equal(digest, h.n->commitment, 32);
    hand_fini(&h);
}

static void test_sig_32_fingerprint_of_the_result_must_be_equal(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int bit = 0; bit < 64; bit += 9) {
        hand_init(&h, NULL);
        hand_to_confirming(&h);
        c = hand_active(&h);
        c.key_fingerprint ^= (int64_t)(1ULL << bit);
        hand_answer_call(&h, &c);
        hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                        TGVOIP_OUTCOME_VERIFICATION_FAILED, "fingerprint");
        hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        assert_false(h.n->key_agreed); /* no emoji to compare */
        hand_fini(&h);
    }
}

static void test_sig_32_result_must_be_a_phone_call(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    for (int type = 0; type <= TGVOIP_PHONE_CALL_DISCARDED; type++) {
        if (type == TGVOIP_PHONE_CALL_ACTIVE)
            continue;
        hand_init(&h, NULL);
        hand_to_confirming(&h);
        c = hand_active(&h);
        c.type = (enum tgvoip_phone_call_type)type;
        hand_answer_call(&h, &c);
        if (type == TGVOIP_PHONE_CALL_DISCARDED) {
            hand_expect_end(&h, TGVOIP_SIGNAL_ENDED,
                            TGVOIP_OUTCOME_PEER_HUNG_UP, "");
            hand_no_request(&h);
        } else {
            hand_expect_end(&h, TGVOIP_SIGNAL_FAILED,
                            TGVOIP_OUTCOME_SERVER_ERROR, "phone.confirmCall");
            hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
        }
        hand_fini(&h);
    }
}

static void test_sig_33_second_accepted_is_ignored(void **state)
{
    (void)state;
    uint8_t other[256];
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    memcpy(other, h.public_value, 256);
    other[255] ^= 1;
    c = hand_accepted(&h);
    hand_update(&h, &c);
    c.bytes = other;
    hand_update(&h, &c);
    c.bytes_len = 3; /* even a bad one */
    hand_update(&h, &c);
    hand_no_request(&h);
    c = hand_active(&h);
    hand_answer_call(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    assert_memory_equal(h.n->secrets.key, h.key, 256);
    hand_fini(&h);
}

static void test_sig_34_ready_as_caller(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_negotiation_info info;

    hand_init(&h, NULL);
    hand_to_ready_outgoing(&h);
    info = hand_info(&h);
    assert_true(info.outgoing);
    assert_true(info.key_agreed);
    assert_true(info.p2p_allowed);
    assert_int_equal(info.max_layer, 92);
    assert_int_equal(info.start_date, HAND_DATE + 5);
    assert_int_equal(info.admin_id, HAND_SELF);
    hand_fini(&h);
}

static void test_sig_34_update_of_the_started_call_is_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    c = hand_active(&h);
    hand_update(&h, &c); /* the result counts */
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_answer_call(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_update(&h, &c);
    hand_no_event(&h);
    hand_fini(&h);
}

/* The result was lost with the network: the update is as good. */
static void test_sig_34_update_replaces_a_lost_result(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    hand_answer_network(&h);
    c = hand_active(&h);
    hand_update(&h, &c);
    hand_event(&h, TGVOIP_SIGNAL_EVENT_READY);
    hand_advance(&h, 10000);
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_sig_35_hang_up_while_requesting(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    /* the id becomes known */
    hand_init(&h, NULL);
    hand_call(&h);
    tgv_negotiation_hang_up(h.n, h.now);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_HANGING_UP);
    hand_no_request(&h);
    hand_advance(&h, 1000);
    c = hand_waiting(&h, false);
    hand_answer_call(&h, &c);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, "");
    expect_zero_discard(&h, TGVOIP_DISCARD_MISSED);
    hand_fini(&h);
    /* it is refused */
    hand_init(&h, NULL);
    hand_call(&h);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_answer_error(&h, 403, "USER_PRIVACY_RESTRICTED");
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, "");
    hand_no_request(&h);
    hand_fini(&h);
    /* it takes too long: over after 5 s, discarded all the same */
    hand_init(&h, NULL);
    hand_call(&h);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_advance(&h, 4999);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_HANGING_UP);
    hand_advance(&h, 1);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, "");
    tgv_negotiation_release(h.n, h.now); /* even if nobody holds it */
    hand_advance(&h, 20000);
    hand_answer_call(&h, &c);
    expect_zero_discard(&h, TGVOIP_DISCARD_MISSED);
    hand_answer_done(&h);
    assert_int_equal(h.a->call_count, 0);
    hand_fini(&h);
}

static void test_sig_35_hang_up_before_anything_was_requested(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_configs(&h);
    hand_request(&h, TGVOIP_REQUEST_GET_DH_CONFIG);
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, "");
    hand_answer_dh(&h); /* too late */
    hand_no_request(&h);
    hand_fini(&h);
    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_PEER, 0, h.now, NULL), 0);
    hand_configs(&h);
    hand_dh(&h); /* requestCall is queued, not sent */
    tgv_negotiation_hang_up(h.n, h.now);
    hand_expect_end(&h, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, "");
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_outgoing_targets_are_checked(void **state)
{
    (void)state;
    struct tgvoip_failure f = {0};
    struct hand h;

    hand_init(&h, NULL);
    assert_int_equal(tgv_account_call(h.a, &h.n, 0, 0, h.now, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "user_id");
    assert_int_equal(tgv_account_call(h.a, &h.n, HAND_SELF, 0, h.now, &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.why, "is the account itself");
    hand_no_request(&h);
    hand_fini(&h);
}

static void test_outgoing_own_phone_call_requested_is_ignored(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_ringing(&h);
    c = hand_requested(&h);
    hand_update(&h, &c);
    assert_int_equal(h.n->state, TGVOIP_SIGNAL_RINGING);
    hand_no_event(&h);
    hand_fini(&h);
}

static void test_outgoing_empty_fails(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_to_waiting(&h);
    c = hand_empty(&h);
    hand_update(&h, &c);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_SERVER_ERROR, "");
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_fini(&h);
}

static void test_outgoing_silent_server_is_given_up(void **state)
{
    (void)state;
    struct hand h;
    struct tgvoip_phone_call c;

    hand_init(&h, NULL);
    hand_call(&h);
    hand_advance(&h, 30000);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_NETWORK, "");
    hand_no_request(&h);
    c = hand_waiting(&h, false);
    hand_answer_call(&h, &c); /* very late: discarded there */
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_fini(&h);
}

static void test_outgoing_key_exchange_has_a_limit(void **state)
{
    (void)state;
    struct hand h;

    hand_init(&h, NULL);
    hand_to_confirming(&h);
    hand_advance(&h, 30000);
    hand_expect_end(&h, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_DROPPED, "");
    hand_expect_discard(&h, TGVOIP_DISCARD_DISCONNECT);
    hand_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sig_20_exponent_is_own_random_xor_the_servers),
        cmocka_unit_test(test_sig_20_exponents_out_of_range_are_drawn_again),
        cmocka_unit_test(test_sig_20_no_random_numbers_no_call),
        cmocka_unit_test(test_sig_21_g_a_is_in_the_safe_range),
        cmocka_unit_test(test_sig_22_commitment_is_sha256_of_what_is_sent),
        cmocka_unit_test(test_sig_23_random_id_is_fresh),
        cmocka_unit_test(test_sig_24_request_does_not_tell_g_a),
        cmocka_unit_test(test_sig_25_result_waiting_brings_the_id),
        cmocka_unit_test(test_sig_25_other_results_fail),
        cmocka_unit_test(test_sig_26_receive_date_means_ringing),
        cmocka_unit_test(test_sig_27_receive_timer_gives_missed),
        cmocka_unit_test(test_sig_27_ring_timer_gives_missed),
        cmocka_unit_test(test_sig_27_the_application_may_give_up_earlier),
        cmocka_unit_test(test_sig_28_discarded_before_acceptance),
        cmocka_unit_test(test_sig_29_bad_g_b_ends_with_disconnect),
        cmocka_unit_test(test_sig_30_key_and_fingerprint),
        cmocka_unit_test(test_sig_31_confirm_sends_the_hashed_g_a),
        cmocka_unit_test(test_sig_32_fingerprint_of_the_result_must_be_equal),
        cmocka_unit_test(test_sig_32_result_must_be_a_phone_call),
        cmocka_unit_test(test_sig_33_second_accepted_is_ignored),
        cmocka_unit_test(test_sig_34_ready_as_caller),
        cmocka_unit_test(test_sig_34_update_of_the_started_call_is_ignored),
        cmocka_unit_test(test_sig_34_update_replaces_a_lost_result),
        cmocka_unit_test(test_sig_35_hang_up_while_requesting),
        cmocka_unit_test(test_sig_35_hang_up_before_anything_was_requested),
        cmocka_unit_test(test_outgoing_targets_are_checked),
        cmocka_unit_test(test_outgoing_own_phone_call_requested_is_ignored),
        cmocka_unit_test(test_outgoing_empty_fails),
        cmocka_unit_test(test_outgoing_silent_server_is_given_up),
        cmocka_unit_test(test_outgoing_key_exchange_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
