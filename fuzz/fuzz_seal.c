/* SPDX-License-Identifier: MIT */
/*
 * Opening envelopes. Input: u8 mode, bytes.
 * Bit 0 of the mode: V1 allowed; bit 1: we are the caller. Bits 2-3: 0 open
 * the bytes as they are; 1..3 seal them as V2-short, V2-long, V1, damage one
 * bit that the first two bytes choose (bit 4), and open that.
 * Invariant: what was sealed opens to the same bytes, in the other direction
 * and undamaged only; what opens lies inside the scratch buffer.
 */
#include "fuzz.h"

#include "crypto/seal.h"

#include <tgvoip/error.h>

#include <string.h>

#define MAX 1500

static struct tgv_seal *seals[2]; /* callee, caller */
static struct tgv_prng prng;

static void prepare(void)
{
    uint8_t key[TGV_KEY_BYTES];

    if (seals[0])
        return;
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 13); /* of the vectors */
    for (int i = 0; i < 2; i++)
        if (tgv_seal_create(&seals[i], key, i == 1))
            abort();
}

static bool open_body(int side, bool v1, const uint8_t *body, size_t len,
                      uint8_t *clear, struct tgv_opened *o)
{
    int err = tgv_seal_open(seals[side], v1, body, len, clear, MAX, o);

    FUZZ_CHECK(err == 0 || err == TGVOIP_ERR_AUTH);
    FUZZ_CHECK(err || (o->inner >= clear && o->len <= MAX &&
                       o->inner + o->len <= clear + MAX));
    FUZZ_CHECK(err || v1 || o->envelope != TGV_ENVELOPE_V1);
    return err == 0;
}

static void check_sealed(enum tgv_envelope e, int side, bool damage,
                         const uint8_t *inner, size_t len)
{
    struct tgv_random random = tgv_prng_source(&prng);
    uint8_t body[MAX], clear[MAX];
    struct tgv_opened o;
    size_t n;

    tgv_prng_init(&prng, len);
    if (tgv_seal_encode(seals[side], e, inner, len, &random, body, sizeof body,
                        &n)) {
        FUZZ_CHECK(tgv_seal_size(e, len) > sizeof body);
        return;
    }
    FUZZ_CHECK(n == tgv_seal_size(e, len));
    if (damage && len >= 2)
        body[(size_t)(inner[0] | inner[1] << 8) % n] ^=
            (uint8_t)(1 << (inner[0] & 7));
    FUZZ_CHECK(!open_body(side, true, body, n, clear, &o));
    if (open_body(1 - side, true, body, n, clear, &o)) {
        FUZZ_CHECK(o.len == len && memcmp(o.inner, inner, len) == 0);
        FUZZ_CHECK(!damage || len < 2 || e == TGV_ENVELOPE_V1);
    } else {
        FUZZ_CHECK(damage && len >= 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t clear[MAX];
    struct tgv_opened o;
    unsigned mode;

    if (size < 1 || size > MAX)
        return 0;
    prepare();
    mode = *data++;
    size--;
    if ((mode >> 2 & 3) == 0)
        open_body(mode >> 1 & 1, mode & 1, data, size, clear, &o);
    else
        check_sealed((enum tgv_envelope)((mode >> 2 & 3) - 1), mode >> 1 & 1,
                     mode & 16, data, size);
    return 0;
}
