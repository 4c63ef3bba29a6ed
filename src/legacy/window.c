/* SPDX-License-Identifier: MIT */
#include "legacy/window.h"

#include "base/seq.h"

#include <string.h>

#define MASK_BITS 32u

void tgv_window_init(struct tgv_window *w)
{
    memset(w, 0, sizeof(*w));
}

/* Numbers live at their remainder, so that the window slides by itself. */
static uint64_t *word_of(struct tgv_window *w, uint32_t seq)
{
    return &w->bits[(seq % TGV_WINDOW_NUMBERS) / 64];
}

static uint64_t bit_of(uint32_t seq)
{
    return UINT64_C(1) << (seq % 64);
}

static bool marked(const struct tgv_window *w, uint32_t seq)
{
    return w->bits[(seq % TGV_WINDOW_NUMBERS) / 64] & bit_of(seq);
}

bool tgv_window_check(const struct tgv_window *w, uint32_t seq)
{
    if (!w->any || tgv_seq_gt(seq, w->last))
        return true;
    return w->last - seq < TGV_WINDOW_NUMBERS && !marked(w, seq);
}

/* Make room for the numbers up to seq. */
static void slide(struct tgv_window *w, uint32_t seq, uint32_t by)
{
    if (by >= TGV_WINDOW_NUMBERS) {
        memset(w->bits, 0, sizeof(w->bits));
        return;
    }
    for (uint32_t n = w->last + 1; n != seq + 1; n++)
        *word_of(w, n) &= ~bit_of(n);
}

uint32_t tgv_window_mark(struct tgv_window *w, uint32_t seq)
{
    uint32_t advance = 0;

    if (!w->any) {
        w->any = true;
        w->last = seq;
        advance = 1;
    } else if (tgv_seq_gt(seq, w->last)) {
        advance = seq - w->last;
        slide(w, seq, advance);
        w->last = seq;
    }
    *word_of(w, seq) |= bit_of(seq);
    return advance;
}

uint32_t tgv_window_mask(const struct tgv_window *w)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; w->any && i < MASK_BITS; i++)
        if (marked(w, w->last - (i + 1)))
            mask |= UINT32_C(1) << (31 - i);
    return mask;
}
