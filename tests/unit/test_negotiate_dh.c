/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* Call signalling 9.1, items 10 and 13, and 9.2: the numbers of the key
 * exchange, where they come from, and what the key becomes. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

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

    hand_init(&h, NULL);
    hand_incoming(&h);
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
        cmocka_unit_test(test_sig_10_values_are_256_bytes),
        cmocka_unit_test(test_sig_10_stripped_values_are_padded),
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
