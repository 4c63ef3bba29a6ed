/* SPDX-License-Identifier: MIT */
/* rooms: crypto base */
#include "base/bytes.h"
#include "base/random.h"
#include "crypto/dh.h"
#include "crypto/emoji.h"
#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/sha.h>

#define N TGV_DH_BYTES
#define MARGIN_BYTE (N - 1 - 1984 / 8) /* holds bit 1984 */

/* E(label) of Python API 15: SHA-512 four times over */
static void expand(const char *label, uint8_t out[N])
{
    SHA512((const uint8_t *)label, strlen(label), out);
    for (int i = 1; i < 4; i++)
        memcpy(out + 64 * i, out, 64);
}

/* A random source that plays a list of 256-byte blocks, the last for ever. */
struct script {
    const uint8_t (*blocks)[N];
    size_t count, next;
};

static int script_fill(void *ctx, uint8_t *buf, size_t len)
{
    struct script *s = ctx;

    assert_int_equal(len, N);
    memcpy(buf, s->blocks[s->next], N);
    if (s->next + 1 < s->count)
        s->next++;
    return 0;
}

/* a - b or a + b of big-endian numbers */
static void combine(const uint8_t *a, const uint8_t *b, int sign, uint8_t *out)
{
    int carry = 0;

    for (int i = N - 1; i >= 0; i--) {
        int v = a[i] + sign * b[i] + carry;

        out[i] = (uint8_t)v;
        carry = v < 0 ? -1 : v > 255;
    }
}

static void test_dh_known_prime_is_the_published_one(void **state)
{
    (void)state;
    uint8_t digest[32];
    char hex[65];

    tgv_sha256(tgv_dh_known_prime(), N, digest);
    tgv_hex_encode(digest, 32, hex);
    assert_string_equal(
        hex,
        "02f85e7687fc6f33ba678226a963b3c8a191b47c890cf30debe17c1d623b5af1");
}

static void test_dh_known_prime_takes_only_3_4_and_7(void **state)
{
    (void)state;
    for (int g = -1; g <= 9; g++) {
        int want = g == 3 || g == 4 || g == 7 ? 0 : TGVOIP_ERR_AUTH;
        struct tgvoip_failure f = {0};

        assert_int_equal(tgv_dh_check_config(g, tgv_dh_known_prime(), N, &f),
                         want);
        assert_string_equal(f.what, want ? "g" : "");
        assert_int_equal(tgv_dh_check_config(g, tgv_dh_known_prime(), N, NULL),
                         want);
    }
}

static void expect_bad(int g, const uint8_t *p, size_t len, const char *what,
                       const char *why)
{
    struct tgvoip_failure f = {0};

    assert_int_equal(tgv_dh_check_config(g, p, len, &f), TGVOIP_ERR_AUTH);
    assert_string_equal(f.what, what);
    assert_string_equal(f.why, why);
}

static void test_dh_wrong_primes_are_refused_by_rule(void **state)
{
    (void)state;
    uint8_t p[N + 1], small[N] = {0};
    BIGNUM *b = BN_new();

    memcpy(p, tgv_dh_known_prime(), N);
    p[N] = 1;
    expect_bad(3, p, N - 1, "p", "p must have exactly 2048 bits");
    expect_bad(3, p, N + 1, "p", "p must have exactly 2048 bits");
    expect_bad(3, p, 0, "p", "p must have exactly 2048 bits");
    expect_bad(3, NULL, N, "p", "p must have exactly 2048 bits");
    small[0] = 0x7F; /* 2047 bits */
    expect_bad(4, small, N, "p", "p must have exactly 2048 bits");
    p[N - 1]++; /* even; residues of the known prime would still fit g = 4 */
    expect_bad(4, p, N, "p", "p is not prime");
    p[N - 1]++;
    expect_bad(4, p, N, "p", "p is not prime");

    /* The largest prime below 2^2048 of the form that OpenSSL finds first:
     * prime, but not safe. */
    assert_non_null(b);
    memset(p, 0xFF, N);
    BN_bin2bn(p, N, b);
    for (;;) {
        BN_sub_word(b, 2);
        if (BN_mod_word(b, 3) && BN_mod_word(b, 5) && BN_mod_word(b, 7) &&
            BN_check_prime(b, NULL, NULL))
            break;
    }
    BN_bn2binpad(b, p, N);
    expect_bad(4, p, N, "p", "(p - 1) / 2 is not prime");
    BN_free(b);
}

/* The 2048-bit safe prime of RFC 3526, group 14, is not the known one, so it
 * goes through the primality tests. p mod 8 = 7, mod 3 = 2. */
static void test_dh_another_safe_prime_is_accepted(void **state)
{
    (void)state;
    uint8_t p[N];
    BIGNUM *b = BN_get_rfc3526_prime_2048(NULL);

    assert_non_null(b);
    BN_bn2binpad(b, p, N);
    BN_free(b);
    assert_int_equal(tgv_dh_check_config(2, p, N, NULL), 0);
}

static void test_dh_public_values_at_the_edges(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    uint8_t one[N] = {0}, low[N] = {0}, v[N], zero[N] = {0}, two[N] = {0};

    one[N - 1] = 1;
    two[N - 1] = 2;
    low[MARGIN_BYTE] = 1; /* 2^1984 */
    assert_int_equal(tgv_dh_check_public(zero, N, p, N), TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_check_public(one, N, p, N), TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_check_public(two, N, p, N), TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_check_public(low, N, p, N), TGVOIP_ERR_AUTH);
    combine(low, one, 1, v);
    assert_int_equal(tgv_dh_check_public(v, N, p, N), 0);
    /* the same number without its leading zeros */
    assert_int_equal(
        tgv_dh_check_public(v + MARGIN_BYTE, N - MARGIN_BYTE, p, N), 0);
    combine(p, low, -1, v);
    assert_int_equal(tgv_dh_check_public(v, N, p, N), TGVOIP_ERR_AUTH);
    combine(v, one, -1, v);
    assert_int_equal(tgv_dh_check_public(v, N, p, N), 0);
    combine(p, one, -1, v);
    assert_int_equal(tgv_dh_check_public(v, N, p, N), TGVOIP_ERR_AUTH);
    combine(p, two, -1, v);
    assert_int_equal(tgv_dh_check_public(v, N, p, N), TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_check_public(p, N, p, N), TGVOIP_ERR_AUTH);
    memset(v, 0xFF, N); /* above p */
    assert_int_equal(tgv_dh_check_public(v, N, p, N), TGVOIP_ERR_AUTH);
}

static void test_dh_wrong_lengths_are_the_callers_mistake(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    uint8_t v[N + 1] = {1}, even[N], out[N], key[N];

    memcpy(even, p, N);
    even[N - 1]--;
    assert_int_equal(tgv_dh_check_public(v, 0, p, N), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_check_public(v, N + 1, p, N), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_check_public(NULL, N, p, N), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_check_public(v, N, p, N - 1), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_check_public(v, N, even, N), TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_shared_key(p + 1, N - 1, v, even, N, key),
                     TGVOIP_ERR_INVALID);
    struct tgv_prng g;
    tgv_prng_init(&g, 1);
    struct tgv_random r = tgv_prng_source(&g);
    assert_int_equal(tgv_dh_keypair(1, p, N, NULL, &r, out, key),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_keypair(3, even, N, NULL, &r, out, key),
                     TGVOIP_ERR_INVALID);
}

static void test_dh_both_sides_agree(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    static const int generators[] = {3, 4, 7};
    uint64_t seed = 4711;
    struct tgv_prng g;

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    struct tgv_random r = tgv_prng_source(&g);
    for (int i = 0; i < 12; i++) {
        uint8_t a[N], b[N], g_a[N], g_b[N], k_a[N], k_b[N], server[N];

        r.fill(r.ctx, server, N);
        assert_int_equal(
            tgv_dh_keypair(generators[i % 3], p, N, server, &r, a, g_a), 0);
        assert_int_equal(
            tgv_dh_keypair(generators[i % 3], p, N, NULL, &r, b, g_b), 0);
        assert_int_not_equal(g_a[0], 0);
        assert_int_equal(tgv_dh_shared_key(g_b, N, a, p, N, k_a), 0);
        assert_int_equal(tgv_dh_shared_key(g_a, N, b, p, N, k_b), 0);
        assert_memory_equal(k_a, k_b, N);
    }
}

static void sha256_hex(const uint8_t *data, char hex[65])
{
    uint8_t digest[32];

    tgv_sha256(data, N, digest);
    tgv_hex_encode(digest, 32, hex);
}

/* Source: Python API 15 */
static void test_dh_known_exchange(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    static uint8_t draws[2][1][N];
    uint8_t a[N], b[N], g_a[N], g_b[N], key[N], hash[32];
    unsigned emoji[4];
    const unsigned want[4] = {248, 0, 109, 156};
    int64_t fingerprint;
    char hex[65];

    expand("a", draws[0][0]);
    expand("b", draws[1][0]);
    struct script s[2] = {{(const uint8_t(*)[N])draws[0], 1, 0},
                          {(const uint8_t(*)[N])draws[1], 1, 0}};
    struct tgv_random r[2] = {{script_fill, &s[0]}, {script_fill, &s[1]}};

    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r[0], a, g_a), 0);
    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r[1], b, g_b), 0);
    assert_memory_equal(a, draws[0][0], N);
    assert_memory_equal(g_a, "\x03\x1a\xb2\x40\xac\x7e\xe3\x73", 8);
    assert_memory_equal(g_b, "\x4d\xa0\x94\xb8\x3a\x24\x08\x01", 8);
    assert_int_equal(tgv_dh_commitment(g_a, N, hash), 0);
    tgv_hex_encode(hash, 32, hex);
    assert_string_equal(
        hex,
        "fb1a2b8ca181ddad2ad15d422f330917decb84c03c8f00b51db561de420cc923");
    assert_int_equal(tgv_dh_shared_key(g_b, N, a, p, N, key), 0);
    assert_memory_equal(key, "\x31\x0d\x86\xfd\xee\x43\xf8\x85", 8);
    assert_memory_equal(key + N - 8, "\xeb\x1c\x0b\x7e\x84\x0a\xb0\x0d", 8);
    sha256_hex(key, hex);
    assert_string_equal(
        hex,
        "59c6afcabfbfe7f4d9fbe2389e4b1e40e64798eeaf65413ca25e7f86bf54807a");
    assert_int_equal(tgv_key_fingerprint(key, &fingerprint), 0);
    assert_true(fingerprint == 2669879718496549493);
    assert_int_equal(tgv_emoji_indexes(key, g_a, N, emoji), 0);
    assert_memory_equal(emoji, want, sizeof(want));
}

/* One key in 256 begins with a zero byte. Source: Python API 15, PY-08 */
static void test_dh_key_with_leading_zero_is_padded(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    static uint8_t draws[1][N];
    uint8_t a[N], b[N], g_a[N], g_b[N], k_a[N], k_b[N];
    const unsigned want[4] = {0, 119, 163, 164};
    struct script s = {(const uint8_t(*)[N])draws, 1, 0};
    struct tgv_random r = {script_fill, &s};
    int64_t fingerprint;
    unsigned emoji[4];

    expand("a", draws[0]);
    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r, a, g_a), 0);
    expand("b354", draws[0]);
    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r, b, g_b), 0);
    assert_int_equal(tgv_dh_shared_key(g_b, N, a, p, N, k_a), 0);
    assert_int_equal(tgv_dh_shared_key(g_a, N, b, p, N, k_b), 0);
    assert_memory_equal(k_a, k_b, N);
    assert_memory_equal(k_a, "\x00\xdf\x9d\xee", 4);
    assert_int_equal(tgv_key_fingerprint(k_a, &fingerprint), 0);
    assert_true(fingerprint == -6404474894377106698);
    assert_int_equal(tgv_emoji_indexes(k_a, g_a, N, emoji), 0);
    assert_memory_equal(emoji, want, sizeof(want));
}

static void test_dh_fingerprints_of_known_keys(void **state)
{
    (void)state;
    uint8_t key[N];
    int64_t f;

    for (int i = 0; i < N; i++)
        key[i] = (uint8_t)i;
    assert_int_equal(tgv_key_fingerprint(key, &f), 0);
    assert_true(f == -3972359982579920590);
    memset(key, 0, N);
    assert_int_equal(tgv_key_fingerprint(key, &f), 0);
    assert_true(f == -7954749645261174607);
}

/* Secrets 0, 1, p-1 and above, and one whose public value is too small, are
 * drawn again; the server's bytes are mixed in. */
static void test_dh_unfit_draws_are_repeated(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    static uint8_t draws[6][N];
    uint8_t secret[N], public_value[N], one[N] = {0}, server[N];
    struct script s = {(const uint8_t(*)[N])draws, 6, 0};
    struct tgv_random r = {script_fill, &s};

    one[N - 1] = 1;
    memset(draws, 0, sizeof(draws));
    draws[1][N - 1] = 1;
    combine(p, one, -1, draws[2]);
    memset(draws[3], 0xFF, N);
    draws[4][N - 1] = 9; /* 3^9 is far below 2^1984 */
    expand("a", draws[5]);
    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r, secret, public_value),
                     0);
    assert_memory_equal(secret, draws[5], N);

    expand("server", server);
    for (int k = 0; k < 6; k++)
        for (int i = 0; i < N; i++)
            draws[k][i] ^= server[i];
    s.next = 0;
    assert_int_equal(tgv_dh_keypair(3, p, N, server, &r, secret, public_value),
                     0);
    expand("a", server);
    assert_memory_equal(secret, server, N);
}

/* E("b" n) for some n gives a public value with a leading zero byte; such a
 * draw is not used. */
static void test_dh_public_value_never_begins_with_zero(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    BIGNUM *n = BN_bin2bn(p, N, NULL), *g = BN_new(), *x = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    static uint8_t draws[2][N];
    uint8_t secret[N], public_value[N];
    char label[16];
    int found = 0;

    BN_set_word(g, 3);
    for (int i = 0; i < 4000 && !found; i++) {
        snprintf(label, sizeof(label), "z%d", i);
        expand(label, draws[0]);
        BN_bin2bn(draws[0], N, x);
        BN_mod_exp(x, g, x, n, ctx);
        found = BN_num_bits(x) <= 2040 && BN_num_bits(x) > 1985 &&
                memcmp(draws[0], p, N) < 0;
    }
    assert_true(found);
    expand("a", draws[1]);
    struct script s = {(const uint8_t(*)[N])draws, 2, 0};
    struct tgv_random r = {script_fill, &s};
    assert_int_equal(tgv_dh_keypair(3, p, N, NULL, &r, secret, public_value),
                     0);
    assert_memory_equal(secret, draws[1], N);
    BN_free(n);
    BN_free(g);
    BN_free(x);
    BN_CTX_free(ctx);
}

static int broken_fill(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x55, len);
    return TGVOIP_ERR_RANDOM;
}

static void test_eng_33_broken_random_source_gives_no_key(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    static uint8_t draws[1][N]; /* zeros for ever */
    struct script s = {(const uint8_t(*)[N])draws, 1, 0};
    struct tgv_random stuck = {script_fill, &s}, broken = {broken_fill, NULL};
    uint8_t secret[N], public_value[N], zero[N] = {0};

    assert_int_equal(
        tgv_dh_keypair(3, p, N, NULL, &broken, secret, public_value),
        TGVOIP_ERR_RANDOM);
    assert_memory_equal(secret, zero, N);
    assert_int_equal(
        tgv_dh_keypair(3, p, N, NULL, &stuck, secret, public_value),
        TGVOIP_ERR_RANDOM);
    assert_memory_equal(secret, zero, N);
    assert_memory_equal(public_value, zero, N);
}

static void test_dh_shared_key_refuses_bad_values(void **state)
{
    (void)state;
    const uint8_t *p = tgv_dh_known_prime();
    uint8_t secret[N], key[N], one[N] = {0}, zero[N] = {0}, good[N];

    one[N - 1] = 1;
    expand("a", secret);
    expand("a", good);
    memset(key, 0xAA, N);
    assert_int_equal(tgv_dh_shared_key(one, N, secret, p, N, key),
                     TGVOIP_ERR_AUTH);
    assert_memory_equal(key, zero, N);
    assert_int_equal(tgv_dh_shared_key(p, N, secret, p, N, key),
                     TGVOIP_ERR_AUTH);
    assert_int_equal(tgv_dh_shared_key(good, N, one, p, N, key),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_dh_shared_key(good, N, p, p, N, key),
                     TGVOIP_ERR_INVALID);
    assert_memory_equal(key, zero, N);
}

static void test_dh_commitment_binds_the_exact_bytes(void **state)
{
    (void)state;
    uint8_t g_a[N], hash[32];

    expand("x", g_a);
    assert_int_equal(tgv_dh_commitment(g_a, N, hash), 0);
    assert_int_equal(tgv_dh_check_commitment(g_a, N, hash), 0);
    assert_int_equal(tgv_dh_check_commitment(g_a, N - 1, hash),
                     TGVOIP_ERR_AUTH);
    g_a[77] ^= 4;
    assert_int_equal(tgv_dh_check_commitment(g_a, N, hash), TGVOIP_ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dh_known_prime_is_the_published_one),
        cmocka_unit_test(test_dh_known_prime_takes_only_3_4_and_7),
        cmocka_unit_test(test_dh_wrong_primes_are_refused_by_rule),
        cmocka_unit_test(test_dh_another_safe_prime_is_accepted),
        cmocka_unit_test(test_dh_public_values_at_the_edges),
        cmocka_unit_test(test_dh_wrong_lengths_are_the_callers_mistake),
        cmocka_unit_test(test_dh_both_sides_agree),
        cmocka_unit_test(test_dh_known_exchange),
        cmocka_unit_test(test_dh_key_with_leading_zero_is_padded),
        cmocka_unit_test(test_dh_fingerprints_of_known_keys),
        cmocka_unit_test(test_dh_unfit_draws_are_repeated),
        cmocka_unit_test(test_dh_public_value_never_begins_with_zero),
        cmocka_unit_test(test_eng_33_broken_random_source_gives_no_key),
        cmocka_unit_test(test_dh_shared_key_refuses_bad_values),
        cmocka_unit_test(test_dh_commitment_binds_the_exact_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
