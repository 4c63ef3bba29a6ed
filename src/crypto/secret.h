/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_SECRET_H
#define TGV_CRYPTO_SECRET_H
/*
 * What every handler of secrets needs: wiping that the compiler keeps,
 * comparing that takes the same time whatever differs, and the system's
 * cryptographic random bytes as a source.
 */
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>

/* Overwrite; NULL or 0 bytes is fine. */
void tgv_wipe(void *secret, size_t len);

/* After a secret was copied or hashed: copies go through wide registers, which
 * the dynamic linker and signals save on the stack, and hashes spread what they
 * read there. Wipes both; the caller's own variables are not touched. */
void tgv_wipe_traces(void);

/* Equal, in constant time for a given length. */
bool tgv_equal(const void *a, const void *b, size_t len);

/* The generator of the crypto library, seeded by the system. Any thread.
 * Source: ENG-33 (its result is checked by everyone who draws) */
struct tgv_random tgv_system_random(void);

#endif
