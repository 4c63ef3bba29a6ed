/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_EMOJI_H
#define TGV_CRYPTO_EMOJI_H
/*
 * The four emoji by which two people see that no one sits in between, and the
 * table of the 333 that exist.
 * Source: Python API 9.3, 13 and appendix; call signalling 6.6
 */
#include <stddef.h>
#include <stdint.h>

#define TGV_EMOJI_TABLE 333
#define TGV_EMOJI_COUNT 4

/* The emoji in UTF-8 and its name, constant; NULL for an index too large. */
const char *tgv_emoji_utf8(unsigned index);
const char *tgv_emoji_name(unsigned index);

/*
 * @param key 256 bytes
 * @param g_a the caller's public value exactly as it went over the wire
 * @return 0, TGVOIP_ERR_NOMEM
 */
int tgv_emoji_indexes(const uint8_t key[256], const uint8_t *g_a,
                      size_t g_a_len, unsigned indexes[TGV_EMOJI_COUNT]);

#endif
