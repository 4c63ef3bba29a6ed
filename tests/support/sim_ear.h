/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_SIM_EAR_H
#define TGV_TEST_SIM_EAR_H
/*
 * Judges the blocks that one end plays; a part of sim.h.
 */
#include "support/sim.h"

struct tgv_sim_ear {
    struct tgv_sim_heard heard;
    uint64_t seed;
    int side;
    bool marked, started;
    bool base_known;
    int64_t base; /* captured position minus stream time [samples] */
    int64_t end_ts; /* stream time heard so far */
    int64_t last_pos; /* newest captured position heard */
};

/* When the block of this number was captured; -1 if it was not sent. */
typedef tgv_time tgv_sim_captured_fn(const void *ctx, uint32_t number);

void tgv_sim_ear_take(struct tgv_sim_ear *e, const int16_t *pcm,
                      const struct tgv_played *played, tgv_time now,
                      tgv_sim_captured_fn *captured, const void *ctx);

#endif
