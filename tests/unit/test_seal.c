/* SPDX-License-Identifier: MIT */
/* rooms: crypto base */
#include "base/random.h"
#include "crypto/ctr.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"
#include "crypto/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <tgvoip/error.h>

#define ENVELOPES 3

static const char *const key_text =
    "The call's key is 256 bytes long. This one is made of readable text, "
    "which no key should ever be; it is good enough to show that what one "
    "end seals the other end opens, and that nobody else does: not a third "
    "key, not the same role, not a changed bit. (padding padding padding)";

static unsigned allocations;

static void *count_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

struct ends {
    struct tgv_seal *caller, *callee;
    struct tgv_prng prng;
    struct tgv_random random;
};

static int setup(void **state)
{
    struct ends *e = calloc(1, sizeof(*e));
    const uint8_t *key = (const uint8_t *)key_text;

    assert_true(strlen(key_text) >= TGV_KEY_BYTES);
    assert_int_equal(tgv_seal_create(&e->caller, key, true), 0);
    assert_int_equal(tgv_seal_create(&e->callee, key, false), 0);
    tgv_prng_init(&e->prng, 7);
    e->random = tgv_prng_source(&e->prng);
    *state = e;
    return 0;
}

static int teardown(void **state)
{
    struct ends *e = *state;

    tgv_seal_destroy(e->caller);
    tgv_seal_destroy(e->callee);
    free(e);
    return 0;
}

static size_t seal(struct ends *e, enum tgv_envelope kind, size_t n,
                   const uint8_t *inner, uint8_t *out, size_t cap)
{
    size_t len;

    assert_int_equal(
        tgv_seal_encode(e->caller, kind, inner, n, &e->random, out, cap, &len),
        0);
    assert_int_equal(len, tgv_seal_size(kind, n));
    return len;
}

static void test_seal_every_length_comes_back(void **state)
{
    struct ends *e = *state;
    uint8_t inner[1500], out[1600], buf[1600];
    struct tgv_opened o;

    for (size_t i = 0; i < sizeof(inner); i++)
        inner[i] = (uint8_t)(i * 31);
    for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
        for (size_t n = kind == TGV_ENVELOPE_V1 ? 0 : 1; n <= 1438; n += 1) {
            size_t len = seal(e, kind, n, inner, out, sizeof(out));

            assert_int_equal(
                tgv_seal_open(e->callee, true, out, len, buf, sizeof(buf), &o),
                0);
            assert_int_equal(o.envelope, kind);
            assert_int_equal(o.len, n);
            assert_memory_equal(o.inner, inner, n);
        }
    }
}

static void test_seal_sizes_are_those_of_the_specification(void **state)
{
    (void)state;
    /* PING, PONG and INIT through a relay, less the 16 bytes of the tag */
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V2_SHORT, 14), 48);
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V2_SHORT, 18), 64);
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V2_SHORT, 33), 80);
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V2_LONG, 80), 8 + 16 + 112);
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V1, 80), 8 + 16 + 96);
    assert_int_equal(tgv_seal_size(TGV_ENVELOPE_V1, 12), 8 + 16 + 16);
    /* the largest inner packet of a 1500-byte datagram through a relay */
    assert_true(tgv_seal_size(TGV_ENVELOPE_V2_SHORT, 1438) <= 1484);
    assert_true(tgv_seal_size(TGV_ENVELOPE_V2_SHORT, 1439) > 1484);
}

static void test_seal_any_flipped_bit_fails(void **state)
{
    struct ends *e = *state;
    uint8_t inner[40] = {1, 2, 3}, out[200], copy[200], buf[200];
    struct tgv_opened o;

    for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
        size_t len = seal(e, kind, sizeof(inner), inner, out, sizeof(out));
        /* V1 does not protect its padding (wire specification 9.2). */
        size_t end = kind == TGV_ENVELOPE_V1 ? 24 + 4 + sizeof(inner) : len;

        for (size_t bit = 0; bit < end * 8; bit++) {
            memcpy(copy, out, len);
            copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_int_equal(
                tgv_seal_open(e->callee, true, copy, len, buf, sizeof(buf), &o),
                TGVOIP_ERR_AUTH);
            assert_null(o.inner);
        }
    }
}

static void test_seal_any_truncation_fails(void **state)
{
    struct ends *e = *state;
    uint8_t inner[60] = {9}, out[200], buf[200];
    struct tgv_opened o;

    for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
        size_t len = seal(e, kind, sizeof(inner), inner, out, sizeof(out));

        for (size_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n ? n : 1); /* an over-read shows */

            memcpy(exact, out, n);
            assert_int_equal(
                tgv_seal_open(e->callee, true, exact, n, buf, sizeof(buf), &o),
                TGVOIP_ERR_AUTH);
            free(exact);
        }
    }
}

static void test_seal_reflected_or_foreign_packets_fail(void **state)
{
    struct ends *e = *state;
    uint8_t inner[30] = {5}, out[200], buf[200], key[TGV_KEY_BYTES] = {0};
    struct tgv_seal *other;
    struct tgv_opened o;

    memcpy(key, key_text, sizeof(key));
    key[0] ^= 1;
    assert_int_equal(tgv_seal_create(&other, key, false), 0);
    for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
        size_t len = seal(e, kind, sizeof(inner), inner, out, sizeof(out));

        assert_int_equal(
            tgv_seal_open(e->caller, true, out, len, buf, sizeof(buf), &o),
            TGVOIP_ERR_AUTH);
        assert_int_equal(
            tgv_seal_open(other, true, out, len, buf, sizeof(buf), &o),
            TGVOIP_ERR_AUTH);
    }
    tgv_seal_destroy(other);
}

static void test_seal_v1_only_when_allowed(void **state)
{
    struct ends *e = *state;
    uint8_t inner[30] = {5}, out[200], buf[200];
    size_t len = seal(e, TGV_ENVELOPE_V1, 30, inner, out, sizeof(out));
    struct tgv_opened o;

    assert_int_equal(
        tgv_seal_open(e->callee, false, out, len, buf, sizeof(buf), &o),
        TGVOIP_ERR_AUTH);
    assert_int_equal(
        tgv_seal_open(e->callee, true, out, len, buf, sizeof(buf), &o), 0);
    assert_int_equal(o.envelope, TGV_ENVELOPE_V1);
}

static void test_seal_failure_leaves_no_clear_text(void **state)
{
    struct ends *e = *state;
    uint8_t inner[60], out[200], buf[200], zero[200] = {0};
    struct tgv_opened o;
    size_t len;

    memset(inner, 'A', sizeof(inner));
    len = seal(e, TGV_ENVELOPE_V2_SHORT, 60, inner, out, sizeof(out));
    out[len - 1] ^= 1;
    memset(buf, 0, sizeof(buf));
    assert_int_equal(
        tgv_seal_open(e->callee, false, out, len, buf, sizeof(buf), &o),
        TGVOIP_ERR_AUTH);
    assert_memory_equal(buf, zero, sizeof(buf));
}

static int broken_fill(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0, len);
    return TGVOIP_ERR_RANDOM;
}

static void test_eng_33_failing_random_source_stops_sealing(void **state)
{
    struct ends *e = *state;
    const struct tgv_random broken = {broken_fill, NULL};
    uint8_t inner[20], out[200], zero[200] = {0};
    size_t len = 99;

    memset(inner, 'A', sizeof(inner));
    memset(out, 0, sizeof(out));
    assert_int_equal(tgv_seal_encode(e->caller, TGV_ENVELOPE_V2_SHORT, inner,
                                     sizeof(inner), &broken, out, sizeof(out),
                                     &len),
                     TGVOIP_ERR_RANDOM);
    assert_int_equal(len, 0);
    assert_memory_equal(out, zero, sizeof(out));
}

static void test_eng_33_comparison_and_system_random(void **state)
{
    (void)state;
    struct tgv_random r = tgv_system_random();
    uint8_t a[32] = {0}, b[32] = {0};

    assert_true(tgv_equal(a, b, sizeof(a)));
    b[31] = 1;
    assert_false(tgv_equal(a, b, sizeof(a)));
    assert_true(tgv_equal(a, b, 0));
    assert_int_equal(r.fill(r.ctx, a, sizeof(a)), 0);
    assert_int_equal(r.fill(r.ctx, b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    tgv_wipe(a, sizeof(a));
    memset(b, 0, sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
    tgv_wipe(NULL, 0);
}

static void test_seal_refuses_what_no_peer_could_open(void **state)
{
    struct ends *e = *state;
    static uint8_t inner[70000], out[80000], buf[80000];
    struct tgv_opened o;
    size_t len;

    for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
        assert_int_equal(tgv_seal_encode(e->caller, kind, inner, 1500,
                                         &e->random, out, sizeof(out), &len),
                         TGVOIP_ERR_TOO_LARGE);
        assert_int_equal(tgv_seal_encode(e->caller, kind, inner, sizeof(inner),
                                         &e->random, out, sizeof(out), &len),
                         TGVOIP_ERR_TOO_LARGE);
        assert_int_equal(tgv_seal_encode(e->caller, kind, inner, 20, &e->random,
                                         out, tgv_seal_size(kind, 20) - 1,
                                         &len),
                         TGVOIP_ERR_TOO_LARGE);
        assert_int_equal(len, 0);
    }
    assert_int_equal(
        tgv_seal_open(e->callee, true, out, 16 + 1504, buf, sizeof(buf), &o),
        TGVOIP_ERR_AUTH);
    len = seal(e, TGV_ENVELOPE_V2_SHORT, 20, inner, out, sizeof(out));
    assert_int_equal(tgv_seal_open(e->callee, true, out, len, buf, len - 1, &o),
                     TGVOIP_ERR_AUTH);
}

static void test_seal_does_not_allocate_after_creation(void **state)
{
    struct ends *e = *state;
    uint8_t inner[100] = {3}, out[300], buf[300];
    struct tgv_opened o;
    unsigned before = allocations;

    assert_true(before > 0); /* the counter works */
    for (int i = 0; i < 50; i++) {
        for (enum tgv_envelope kind = 0; kind < ENVELOPES; kind++) {
            size_t len = seal(e, kind, sizeof(inner), inner, out, sizeof(out));

            assert_int_equal(
                tgv_seal_open(e->callee, true, out, len, buf, sizeof(buf), &o),
                0);
            out[9] ^= 1;
            assert_int_equal(
                tgv_seal_open(e->callee, true, out, len, buf, sizeof(buf), &o),
                TGVOIP_ERR_AUTH);
        }
    }
    assert_int_equal(allocations, before);
}

static void test_seal_random_bodies_never_open(void **state)
{
    struct ends *e = *state;
    const uint64_t seed = 20240611;
    uint8_t body[1600], buf[1600];
    struct tgv_opened o;

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&e->prng, seed);
    for (int i = 0; i < 20000; i++) {
        size_t len = tgv_prng_below(&e->prng, i % 16 ? 200 : sizeof(body));

        e->random.fill(e->random.ctx, body, len);
        if (i % 2 && len >= 8)
            memcpy(body, tgv_seal_fingerprint(e->callee), 8);
        assert_int_equal(
            tgv_seal_open(e->callee, true, body, len, buf, sizeof(buf), &o),
            TGVOIP_ERR_AUTH);
    }
}

/* FIPS 180: "abc"; NIST SP 800-38A F.5.5: CTR-AES256 */
static void test_hashes_and_ctr_match_published_values(void **state)
{
    (void)state;
    static const uint8_t sha1_abc[] = {0xA9, 0x99, 0x3E, 0x36, 0x47, 0x06, 0x81,
                                       0x6A, 0xBA, 0x3E, 0x25, 0x71, 0x78, 0x50,
                                       0xC2, 0x6C, 0x9C, 0xD0, 0xD8, 0x9D};
    static const uint8_t ctr_key[] = {
        0x60, 0x3D, 0xEB, 0x10, 0x15, 0xCA, 0x71, 0xBE, 0x2B, 0x73, 0xAE,
        0xF0, 0x85, 0x7D, 0x77, 0x81, 0x1F, 0x35, 0x2C, 0x07, 0x3B, 0x61,
        0x08, 0xD7, 0x2D, 0x98, 0x10, 0xA3, 0x09, 0x14, 0xDF, 0xF4};
    static const uint8_t ctr_in[] = {0x6B, 0xC1, 0xBE, 0xE2, 0x2E, 0x40,
                                     0x9F, 0x96, 0xE9, 0x3D, 0x7E, 0x11,
                                     0x73, 0x93, 0x17, 0x2A};
    static const uint8_t ctr_out[] = {0x60, 0x1E, 0xC3, 0x13, 0x77, 0x57,
                                      0x89, 0xA5, 0xB7, 0xA7, 0xF5, 0x04,
                                      0xBB, 0xF3, 0xD2, 0x28};
    uint8_t iv[16], out[32], pair[32];
    struct tgv_ctr *c;

    assert_int_equal(tgv_sha1("abc", 3, out), 0);
    assert_memory_equal(out, sha1_abc, sizeof(sha1_abc));
    assert_int_equal(tgv_sha256("abc", 3, out), 0);
    assert_int_equal(tgv_sha256_pair("a", 1, "bc", 2, pair), 0);
    assert_memory_equal(out, pair, sizeof(pair));
    assert_int_equal(out[0], 0xBA);
    for (uint8_t i = 0; i < 16; i++)
        iv[i] = (uint8_t)(0xF0 + i);
    assert_int_equal(tgv_ctr_create(&c), 0);
    for (size_t step = 1; step <= 16; step++) { /* any segmentation */
        assert_int_equal(tgv_ctr_start(c, ctr_key, iv), 0);
        for (size_t i = 0; i < 16; i += step)
            assert_int_equal(tgv_ctr_run(c, ctr_in + i,
                                         16 - i < step ? 16 - i : step,
                                         out + i),
                             0);
        assert_memory_equal(out, ctr_out, 16);
    }
    tgv_ctr_destroy(c);
    tgv_ctr_destroy(NULL);
    tgv_seal_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_every_length_comes_back),
        cmocka_unit_test(test_seal_sizes_are_those_of_the_specification),
        cmocka_unit_test(test_seal_any_flipped_bit_fails),
        cmocka_unit_test(test_seal_any_truncation_fails),
        cmocka_unit_test(test_seal_reflected_or_foreign_packets_fail),
        cmocka_unit_test(test_seal_v1_only_when_allowed),
        cmocka_unit_test(test_seal_failure_leaves_no_clear_text),
        cmocka_unit_test(test_eng_33_failing_random_source_stops_sealing),
        cmocka_unit_test(test_eng_33_comparison_and_system_random),
        cmocka_unit_test(test_seal_refuses_what_no_peer_could_open),
        cmocka_unit_test(test_seal_does_not_allocate_after_creation),
        cmocka_unit_test(test_seal_random_bodies_never_open),
        cmocka_unit_test(test_hashes_and_ctr_match_published_values),
    };

    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    return cmocka_run_group_tests(tests, setup, teardown);
}
