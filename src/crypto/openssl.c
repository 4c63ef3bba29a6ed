/* SPDX-License-Identifier: MIT */
/*
 * The adaptor of OpenSSL's ciphers, random generator and memory helpers
 * (hashes: sha.c, big numbers: dh.c). Ciphers are fetched once per process, so
 * that nothing is looked up or allocated per packet.
 */
#include "crypto/ctr.h"
#include "crypto/ige.h"
#include "crypto/secret.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <tgvoip/error.h>

/* SHA-256 with AVX2 leaves traces up to 1.8 kB deep (seen with 3.0). */
#define TRACES_BYTES 3072

void tgv_wipe(void *secret, size_t len)
{
    if (secret && len)
        OPENSSL_cleanse(secret, len);
}

/* Zeros by the way that secrets take, so that they end in the same registers.
 * The functions are volatile, or the compiler sees that nobody needs `below`;
 * OPENSSL_cleanse() is ten times as slow, and this runs for each packet. */
__attribute__((noinline)) void tgv_wipe_traces(void)
{
    static void *(*const volatile copy)(void *, const void *, size_t) = memcpy;
    static void *(*const volatile set)(void *, int, size_t) = memset;
    static const uint8_t zero[256]; /* as long as a key: all it may fill */
    uint8_t below[TRACES_BYTES];

    copy(below, zero, sizeof(zero));
    set(below, 0, sizeof(below));
}

bool tgv_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    while (len) {
        int part = len > INT_MAX ? INT_MAX : (int)len;

        if (RAND_bytes(buf, part) != 1)
            return TGVOIP_ERR_RANDOM;
        buf += part;
        len -= (size_t)part;
    }
    return 0;
}

struct tgv_random tgv_system_random(void)
{
    return (struct tgv_random){.fill = fill, .ctx = NULL};
}

/*
 * A program may leave by exit() while its loops run. Where that has the library
 * clean itself up, what has been fetched is still good, but fetching crashes. So
 * no cleaning up is ordered, and for those who used the library before us each
 * cipher is fetched before the first call runs, and kept.
 */
enum cipher_kind { ECB, CTR, CIPHERS };
static EVP_CIPHER *_Atomic kept[CIPHERS];

static bool keep(enum cipher_kind kind, const char *name)
{
    EVP_CIPHER *none = NULL, *fetched;

    if (atomic_load(&kept[kind]))
        return true;
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    fetched = EVP_CIPHER_fetch(NULL, name, NULL);
    if (fetched && !atomic_compare_exchange_strong(&kept[kind], &none, fetched))
        EVP_CIPHER_free(fetched); /* another thread was faster */
    return fetched != NULL;
}

static EVP_CIPHER_CTX *cipher_create(enum cipher_kind kind, int encrypt)
{
    static const uint8_t zero[32];
    EVP_CIPHER_CTX *ctx;

    if (!keep(ECB, "AES-256-ECB") || !keep(CTR, "AES-256-CTR"))
        return NULL;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx &&
        EVP_CipherInit_ex2(ctx, atomic_load(&kept[kind]), zero, zero, encrypt,
                           NULL) &&
        EVP_CIPHER_CTX_set_padding(ctx, 0))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

struct tgv_ige {
    EVP_CIPHER_CTX *encrypt, *decrypt;
};

int tgv_ige_create(struct tgv_ige **out)
{
    struct tgv_ige *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c)
        return TGVOIP_ERR_NOMEM;
    c->encrypt = cipher_create(ECB, 1);
    c->decrypt = cipher_create(ECB, 0);
    if (!c->encrypt || !c->decrypt) {
        tgv_ige_destroy(c);
        return TGVOIP_ERR_NOMEM;
    }
    *out = c;
    return 0;
}

void tgv_ige_destroy(struct tgv_ige *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->encrypt); /* wipes the key schedule */
    EVP_CIPHER_CTX_free(c->decrypt);
    free(c);
}

static void xor_block(uint8_t *out, const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < TGV_AES_BLOCK; i++)
        out[i] = a[i] ^ b[i];
}

/* Both directions are one recurrence: out = AES(in xor before) xor after,
 * where the next `before` is out and the next `after` is in. */
static int ige_run(EVP_CIPHER_CTX *ctx, const uint8_t *key,
                   const uint8_t *before0, const uint8_t *after0,
                   const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t before[TGV_AES_BLOCK], after[TGV_AES_BLOCK];
    uint8_t in_copy[TGV_AES_BLOCK], work[TGV_AES_BLOCK];
    int n, ok = EVP_CipherInit_ex2(ctx, NULL, key, NULL, -1, NULL);

    memcpy(before, before0, sizeof(before));
    memcpy(after, after0, sizeof(after));
    for (size_t i = 0; ok && i + TGV_AES_BLOCK <= len; i += TGV_AES_BLOCK) {
        memcpy(in_copy, in + i, sizeof(in_copy));
        xor_block(work, in_copy, before);
        ok = EVP_CipherUpdate(ctx, work, &n, work, TGV_AES_BLOCK) &&
             n == TGV_AES_BLOCK;
        xor_block(before, work, after);
        memcpy(out + i, before, sizeof(before));
        memcpy(after, in_copy, sizeof(after));
    }
    tgv_wipe(work, sizeof(work));
    tgv_wipe(in_copy, sizeof(in_copy));
    tgv_wipe(before, sizeof(before));
    tgv_wipe(after, sizeof(after));
    return ok ? 0 : TGVOIP_ERR_NOMEM;
}

int tgv_ige_encrypt(struct tgv_ige *c, const uint8_t key[TGV_AES_KEY],
                    const uint8_t iv[TGV_IGE_IV], const uint8_t *in, size_t len,
                    uint8_t *out)
{
    return ige_run(c->encrypt, key, iv, iv + TGV_AES_BLOCK, in, len, out);
}

int tgv_ige_decrypt(struct tgv_ige *c, const uint8_t key[TGV_AES_KEY],
                    const uint8_t iv[TGV_IGE_IV], const uint8_t *in, size_t len,
                    uint8_t *out)
{
    return ige_run(c->decrypt, key, iv + TGV_AES_BLOCK, iv, in, len, out);
}

struct tgv_ctr {
    EVP_CIPHER_CTX *cipher;
};

int tgv_ctr_create(struct tgv_ctr **out)
{
    struct tgv_ctr *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c)
        return TGVOIP_ERR_NOMEM;
    c->cipher = cipher_create(CTR, 1);
    if (!c->cipher) {
        tgv_ctr_destroy(c);
        return TGVOIP_ERR_NOMEM;
    }
    *out = c;
    return 0;
}

void tgv_ctr_destroy(struct tgv_ctr *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    free(c);
}

int tgv_ctr_start(struct tgv_ctr *c, const uint8_t key[32],
                  const uint8_t iv[16])
{
    return EVP_CipherInit_ex2(c->cipher, NULL, key, iv, -1, NULL)
               ? 0
               : TGVOIP_ERR_NOMEM;
}

int tgv_ctr_run(struct tgv_ctr *c, const uint8_t *in, size_t len, uint8_t *out)
{
    while (len) {
        int n, part = len > INT_MAX / 2 ? INT_MAX / 2 : (int)len;

        if (!EVP_CipherUpdate(c->cipher, out, &n, in, part) || n != part)
            return TGVOIP_ERR_NOMEM;
        in += part;
        out += part;
        len -= (size_t)part;
    }
    return 0;
}
