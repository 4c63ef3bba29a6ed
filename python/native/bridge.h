/* SPDX-License-Identifier: MIT */
#ifndef TGVPY_BRIDGE_H
#define TGVPY_BRIDGE_H
/*
 * Between a call's loop thread, where no Python may run, and the dispatcher
 * thread of a Python controller, where Python may take its time.
 *
 * The loop leaves states, signal bars and received frames here and takes the
 * frames to be sent; the dispatcher waits for work, does it, and puts frames.
 * Frames wait in rings of three. A dispatcher that is late costs silence (or
 * the oldest received frame), which is counted, and never a loop's time: the
 * lock is held for a copy at the most, never while Python runs.
 *
 * The build reads what stands between the two CDEF lines.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/call.h>
#include <tgvoip/engine.h>

/* CDEF */
#define TGVPY_FRAME_BYTES 1920

/** What a dispatcher is woken for. */
enum tgvpy_kind {
    TGVPY_CLOSED = 0, /**< nothing will follow */
    TGVPY_STATE = 1, /**< value: the state */
    TGVPY_BARS = 2, /**< value: 1..4 */
    TGVPY_RECEIVE = 3, /**< frame: heard */
    TGVPY_SEND = 4, /**< put a frame */
    TGVPY_TIMEOUT = 5
};

/** Which of them somebody listens to; bits. */
enum tgvpy_want {
    TGVPY_WANT_STATE = 1,
    TGVPY_WANT_BARS = 2,
    TGVPY_WANT_RECEIVE = 4,
    TGVPY_WANT_SEND = 8
};

struct tgvpy_event {
    int kind;
    int value;
    uint8_t frame[1920]; /**< s16le */
};

/** What the loop saw, for getters. */
struct tgvpy_facts {
    int64_t established_us; /**< since then; -1: never */
    int64_t ended_us; /**< since FAILED; -1: has not */
    uint64_t send_missed; /**< frames that came too late: silence */
    uint64_t receive_dropped; /**< frames that nobody took in time */
};

typedef struct tgvpy_bridge tgvpy_bridge;

/** NULL without memory. */
tgvpy_bridge *tgvpy_bridge_create(void);
/** Not while a call or a dispatcher uses it. After a fork, in the child, it
 *  does nothing. NULL is fine. */
void tgvpy_bridge_destroy(tgvpy_bridge *bridge);
/** Make a call's callbacks end here. */
void tgvpy_bridge_install(tgvpy_bridge *bridge,
                          struct tgvoip_call_config *config);
void tgvpy_bridge_want(tgvpy_bridge *bridge, unsigned wants);
/** Files speak and record instead of the two frame callbacks. */
void tgvpy_bridge_set_native(tgvpy_bridge *bridge, bool native);

/** Wait for work. Dispatcher only. @return the event's kind */
int tgvpy_bridge_wait(tgvpy_bridge *bridge, struct tgvpy_event *event);
/** Answer TGVPY_SEND: s16le, cut or filled with silence to one frame. */
void tgvpy_bridge_put(tgvpy_bridge *bridge, const uint8_t *data, size_t len);
/** Deliver nothing from now on. */
void tgvpy_bridge_close(tgvpy_bridge *bridge);
bool tgvpy_bridge_closed(tgvpy_bridge *bridge);
/** Wait until the dispatcher has returned from what it is doing.
 *  @param timeout_ms -1: without end  @return is it idle? */
bool tgvpy_bridge_wait_idle(tgvpy_bridge *bridge, int timeout_ms);
void tgvpy_bridge_facts(tgvpy_bridge *bridge, struct tgvpy_facts *facts);

struct tgvpy_line {
    int level; /**< enum tgvoip_log_level */
    char room[16];
    char text[480];
};

/** The engine's log goes to one queue of the process. */
void tgvpy_log_install(struct tgvoip_engine_config *config, int level);
/** Take the next line. @return false: closed */
bool tgvpy_log_wait(struct tgvpy_line *line);
void tgvpy_log_close(void);
/** In the child of a fork: forget who waited. */
void tgvpy_log_after_fork(void);

/** "2.4.4" */
const char *tgvpy_protocol_version(void);
/* CDEF END */

#endif
