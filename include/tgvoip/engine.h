/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_ENGINE_H
#define TGVOIP_ENGINE_H
/**
 * @file
 * An engine is a pool of event loops that calls and relays run on.
 *
 * By default each loop is one thread and there is one per core; a new call
 * goes to the least loaded loop, so the number of threads does not depend on
 * the number of calls. With `own_loop` set the engine has no thread at all
 * and the caller steps it from his own event loop.
 *
 * Threads: every `tgvoip_` function may be called from any thread unless its
 * comment says otherwise. Callbacks run on the loop thread that owns the call
 * (with `own_loop`: inside `tgvoip_engine_step`), with no lock held; they must
 * not block. Everything they call on the same engine returns at once.
 *
 * With `own_loop`, functions that wait for the loop (to stop or destroy a
 * call, to finish a recording, to read a debug log) do their work at once in
 * the thread that steps, and in others wait for the next step.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tgvoip_engine tgvoip_engine;

enum tgvoip_log_level {
    TGVOIP_LOG_ERROR = 1,
    TGVOIP_LOG_WARNING = 2,
    TGVOIP_LOG_INFO = 3,
    TGVOIP_LOG_DEBUG = 4, /**< the only level at which addresses appear */
};

/**
 * Receives one log line. Never called with keys, audio or (above debug level)
 * addresses. Text that came from the peer is escaped.
 *
 * @param room   part of the library that speaks, e.g. "legacy"
 * @param now_us time of the event on the engine's clock  [us]
 * @param text   one line without line end; valid during the call
 *
 * Context: a loop thread. Must not call back into the library.
 */
typedef void (*tgvoip_log_fn)(void *ctx, enum tgvoip_log_level level,
                              const char *room, int64_t now_us,
                              const char *text);

struct tgvoip_engine_config {
    size_t size; /**< set by tgvoip_engine_config_default() */
    unsigned loops; /**< number of loops, 1..64; 0 = one per core */
    bool own_loop; /**< no threads; the user steps the engine */
    tgvoip_log_fn log; /**< or NULL: no log but the files of calls */
    void *log_ctx; /**< handed to `log` */
    enum tgvoip_log_level log_level; /**< most detailed level that is sent */
    /** Monotonic clock [us] in place of the system's, for tests; or NULL. */
    int64_t (*clock)(void *ctx);
    void *clock_ctx;
    /** Cryptographic random source in place of the system's, for tests; or
     *  NULL. Returns 0, or a negative code, which fails the operation. */
    int (*random)(void *ctx, uint8_t *buf, size_t len);
    void *random_ctx;
};

/** Counters of an engine since its creation. */
struct tgvoip_engine_stats {
    size_t size;
    unsigned loops;
    unsigned calls; /**< calls connected now */
    uint64_t ticks; /**< 20 ms audio ticks run */
    uint64_t ticks_late; /**< of these, started > 10 ms after due */
    int64_t worst_late_us; /**< the latest of them */
};

/** Fill with the defaults: one loop per core, no log, system clock. */
TGVOIP_API void
tgvoip_engine_config_default(struct tgvoip_engine_config *config);

/**
 * Create an engine and start its loops.
 *
 * @param[out] out     the engine, NULL on failure
 * @param      config  borrowed; NULL = defaults
 * @param[out] failure what was wrong; may be NULL
 * @return 0, TGVOIP_ERR_INVALID, TGVOIP_ERR_NOMEM, TGVOIP_ERR_IO (no descriptor
 *         or thread is left) or TGVOIP_ERR_STATE (one of the descriptors 0 to 2
 *         is closed: sockets would take its place)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_engine_create(tgvoip_engine **out,
                     const struct tgvoip_engine_config *config,
                     struct tgvoip_failure *failure);

/**
 * Stop and destroy everything that runs on the engine, join its threads and
 * free it. Handles of its calls and relays are invalid afterwards. NULL is
 * fine. Blocks until recorded files are finished; not from a callback.
 * A program may also end without it: exit() is safe while calls run, but what
 * was recorded last may be missing.
 */
TGVOIP_API void tgvoip_engine_destroy(tgvoip_engine *engine);

/** Read the counters; `size` is filled in too. Also from callbacks.
 *  @return 0 or TGVOIP_ERR_INVALID (a NULL) */
TGVOIP_API int tgvoip_engine_get_stats(const tgvoip_engine *engine,
                                       struct tgvoip_engine_stats *stats);

/**
 * With `own_loop`: a file descriptor that becomes readable when there is work,
 * to be watched in the user's loop. Owned by the engine.
 * @return the descriptor, TGVOIP_ERR_STATE without `own_loop`, or
 *         TGVOIP_ERR_INVALID (a NULL)
 */
TGVOIP_API int tgvoip_engine_fd(const tgvoip_engine *engine);

/**
 * With `own_loop`: how long the user's loop may sleep at the most.
 * @return [us], 0 = step now, -1 = until the descriptor is readable (and
 *         without `own_loop`)
 */
TGVOIP_API int64_t tgvoip_engine_timeout_us(const tgvoip_engine *engine);

/**
 * With `own_loop`: do what is due, without waiting.
 * @return 0, TGVOIP_ERR_STATE (without `own_loop`, or from a callback) or
 *         TGVOIP_ERR_INVALID (a NULL)
 * Context: one thread at a time.
 */
TGVOIP_API int tgvoip_engine_step(tgvoip_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
