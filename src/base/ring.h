/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_RING_H
#define TGV_BASE_RING_H
/*
 * A ring of 16-bit samples between exactly one writing and one reading
 * thread, without locks. Invariant: head - tail is 0..capacity.
 *
 * What is put into an empty ring goes to its first bytes, so that a large ring
 * which is read in time has little of it in real memory.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_ring {
    int16_t *data;
    size_t mask; /* capacity - 1, capacity is a power of two */
    atomic_size_t head; /* written by the writer */
    atomic_size_t tail; /* written by the reader */
    size_t start; /* what is at data[0]; changed by the writer while empty */
};

/* Capacity is rounded up to a power of two. @return 0 or TGVOIP_ERR_NOMEM */
int tgv_ring_init(struct tgv_ring *r, size_t samples);
void tgv_ring_fini(struct tgv_ring *r);
/* Writer: append; returns how many fitted. */
size_t tgv_ring_put(struct tgv_ring *r, const int16_t *pcm, size_t samples);
/* Reader: take; returns how many there were. pcm may be NULL to drop. */
size_t tgv_ring_get(struct tgv_ring *r, int16_t *pcm, size_t samples);
/* Either side: samples that can be read / written at least. */
size_t tgv_ring_used(const struct tgv_ring *r);
size_t tgv_ring_room(const struct tgv_ring *r);

#endif
