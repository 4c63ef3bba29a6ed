/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_BENCH_IMPL_H
#define TGV_TEST_BENCH_IMPL_H
/*
 * The insides of the bench, shared by bench*.c.
 */
#include "support/bench.h"

void tgv_bench_tag_of(const struct tgv_bench *b, unsigned relay,
                      uint8_t tag[TGV_TAG_BYTES]);
/* A datagram of a relay, through the proxy if there is one. */
void tgv_bench_relay_says(struct tgv_bench *b, unsigned relay,
                          const uint8_t *data, size_t len);
/* A packet in the obfuscated stream. */
void tgv_bench_stream_says(struct tgv_bench *b, unsigned stream,
                           const uint8_t *data, size_t len);

#endif
