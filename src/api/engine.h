/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_ENGINE_H
#define TGV_API_ENGINE_H
/*
 * Inside of an engine: its loops, and what runs on them. A call or relay is a
 * member: it belongs to one loop from creation to destruction, and the engine
 * destroys the members that are left when it goes.
 */
#include "api/phases.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time.h"

#include <tgvoip/engine.h>

struct tgv_loop;

struct tgv_member {
    /* Destroys the call or relay; what the user's own destroy function does.
     * Runs in the thread that destroys the engine. */
    void (*destroy)(struct tgv_member *m);
    struct tgv_loop *loop; /* set by tgv_engine_add() */
    struct tgvoip_engine *engine; /* private from here */
    struct tgv_member *prev, *next;
    unsigned index; /* of the loop */
};

/* Put m on the least loaded loop; m->destroy is set. Any thread. */
void tgv_engine_add(struct tgvoip_engine *e, struct tgv_member *m);
/* Any thread; before the memory of m goes. */
void tgv_engine_remove(struct tgv_member *m);

/* Kept by the engine, constant after creation. */
const struct tgv_log *tgv_engine_log(const struct tgvoip_engine *e);
struct tgv_random tgv_engine_random(const struct tgvoip_engine *e);

/* Counters; any thread. late = how long after it was due. Late ones are told to
 * the log, at the most once a minute for the whole engine. */
void tgv_engine_count_tick(struct tgvoip_engine *e, tgv_time late,
                           const struct tgv_log *log, tgv_time now);
void tgv_engine_count_call(struct tgvoip_engine *e, int change);

/* Phases of the audio clocks on the member's loop. Loop thread. */
struct tgv_phases *tgv_member_phases(const struct tgv_member *m);

#endif
