/* SPDX-License-Identifier: MIT */
/*
 * The adaptor of OpenSSL's hashes. EVP allocates the state anew for every
 * message (seen with 3.0: EVP_DigestInit_ex2() and EVP_MD_CTX_copy_ex()
 * alike), and there are five messages in a packet, which must not allocate.
 * So this file uses the plain functions, whose state the caller holds; they
 * are deprecated since 3.0 and still there.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include "crypto/secret.h"

#include <stdlib.h>

#include <openssl/sha.h>

#include <tgvoip/error.h>

struct tgv_hash {
    enum tgv_hash_kind kind;
    SHA_CTX sha1;
    SHA256_CTX sha256;
};

int tgv_hash_create(struct tgv_hash **out, enum tgv_hash_kind kind)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return TGVOIP_ERR_NOMEM;
    (*out)->kind = kind;
    return 0;
}

void tgv_hash_destroy(struct tgv_hash *h)
{
    if (!h)
        return;
    tgv_wipe(h, sizeof(*h));
    free(h);
}

static int run_sha1(SHA_CTX *ctx, const struct tgv_piece *pieces, size_t count,
                    uint8_t *digest)
{
    int ok = SHA1_Init(ctx);

    for (size_t i = 0; i < count; i++)
        ok = ok && SHA1_Update(ctx, pieces[i].data, pieces[i].len);
    return ok && SHA1_Final(digest, ctx) ? 0 : TGVOIP_ERR_NOMEM;
}

static int run_sha256(SHA256_CTX *ctx, const struct tgv_piece *pieces,
                      size_t count, uint8_t *digest)
{
    int ok = SHA256_Init(ctx);

    for (size_t i = 0; i < count; i++)
        ok = ok && SHA256_Update(ctx, pieces[i].data, pieces[i].len);
    return ok && SHA256_Final(digest, ctx) ? 0 : TGVOIP_ERR_NOMEM;
}

int tgv_hash_run(struct tgv_hash *h, const struct tgv_piece *pieces,
                 size_t count, uint8_t *digest)
{
    int err = h->kind == TGV_SHA1
                  ? run_sha1(&h->sha1, pieces, count, digest)
                  : run_sha256(&h->sha256, pieces, count, digest);

    tgv_wipe_traces();
    return err;
}

static int hash_once(enum tgv_hash_kind kind, const struct tgv_piece *pieces,
                     size_t count, uint8_t *digest)
{
    struct tgv_hash h = {.kind = kind};
    int err = tgv_hash_run(&h, pieces, count, digest);

    tgv_wipe(&h, sizeof(h));
    return err;
}

int tgv_sha1(const void *data, size_t len, uint8_t digest[TGV_SHA1_BYTES])
{
    return hash_once(TGV_SHA1, &(struct tgv_piece){data, len}, 1, digest);
}

int tgv_sha256(const void *data, size_t len, uint8_t digest[TGV_SHA256_BYTES])
{
    return hash_once(TGV_SHA256, &(struct tgv_piece){data, len}, 1, digest);
}

int tgv_sha256_pair(const void *a, size_t a_len, const void *b, size_t b_len,
                    uint8_t digest[TGV_SHA256_BYTES])
{
    const struct tgv_piece pieces[] = {{a, a_len}, {b, b_len}};

    return hash_once(TGV_SHA256, pieces, 2, digest);
}
