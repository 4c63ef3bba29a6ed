/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_WINDOW_H
#define TGV_LEGACY_WINDOW_H
/*
 * The receive window: which sequence numbers came, as defence against replay
 * and as source of the acknowledgements that we write.
 *
 * Looking and marking are two calls, so that a packet that is not authentic,
 * or malformed, cannot move the window. Every accepted packet is marked.
 * Source: wire specification 5.2, 5.3, 9.1 C13
 */
#include <stdbool.h>
#include <stdint.h>

#define TGV_WINDOW_NUMBERS 1024

struct tgv_window {
    uint64_t bits[TGV_WINDOW_NUMBERS / 64];
    uint32_t last; /* newest number marked; 0 before the first */
    bool any; /* a packet was marked */
};

void tgv_window_init(struct tgv_window *w);
/* True if the number is neither known nor too old. Changes nothing. */
bool tgv_window_check(const struct tgv_window *w, uint32_t seq);
/* Mark a number for which check was true.
 * @return by how much the newest number grew; 0 for a late packet; 1 for the
 *         first */
uint32_t tgv_window_mark(struct tgv_window *w, uint32_t seq);
/* Convention A: bit 31-i says that last-(i+1) came. */
uint32_t tgv_window_mask(const struct tgv_window *w);

#endif
