/* SPDX-License-Identifier: MIT */
#ifndef TGVPY_HUB_H
#define TGVPY_HUB_H
/*
 * From the loop threads of the engine to one asyncio loop: what happened to
 * all of its calls, and one descriptor that becomes readable when something
 * has. Audio does not pass here; it waits in the rings of the calls.
 *
 * A member is a call's place in the hub. It keeps its states in order, and of
 * everything else the latest, so nothing here can grow.
 *
 * The build reads what stands between the two CDEF lines.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/call.h>

/* CDEF */
enum tgvpy_hub_kind {
    TGVPY_HUB_STATE = 1, /**< value: the state, error: its error */
    TGVPY_HUB_BARS = 2, /**< value: 1..4 */
    TGVPY_HUB_ROUTE = 3, /**< value: endpoint type, id, text: why */
    TGVPY_HUB_PLAYED = 4, /**< the play queue has run empty */
    TGVPY_HUB_FILE = 5 /**< error: code, text: what and why */
};

struct tgvpy_hub_event {
    uint64_t call; /**< number given to the member */
    int kind, value, error;
    int64_t id;
    char text[520];
};

typedef struct tgvpy_hub tgvpy_hub;
typedef struct tgvpy_member tgvpy_member;

/** NULL without memory or descriptors. */
tgvpy_hub *tgvpy_hub_create(void);
/** After its members. NULL is fine. */
void tgvpy_hub_destroy(tgvpy_hub *hub);
/** Readable while there are events. */
int tgvpy_hub_fd(const tgvpy_hub *hub);
/** Take the next event; the last one makes the descriptor unreadable.
 *  @return false: none */
bool tgvpy_hub_next(tgvpy_hub *hub, struct tgvpy_hub_event *event);

/** NULL without memory. */
tgvpy_member *tgvpy_member_create(tgvpy_hub *hub, uint64_t call);
/** After its call. Events not taken are lost. NULL is fine. */
void tgvpy_member_destroy(tgvpy_member *member);
/** Make a call's callbacks end here. */
void tgvpy_member_install(tgvpy_member *member,
                          struct tgvoip_call_config *config);
/* CDEF END */

#endif
