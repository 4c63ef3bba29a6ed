/* SPDX-License-Identifier: MIT */
#ifndef TOOL_WAKE_H
#define TOOL_WAKE_H
/**
 * @file
 * How the main thread sleeps: until a time, a signal, or a word from another
 * thread. The first SIGINT or SIGTERM asks for an orderly end, the second ends
 * the process at once. SIGHUP asks only, however often: a terminal that goes
 * away sends several. SIGPIPE and SIGXFSZ are ignored: a broken pipe and a
 * file at its limit are write errors.
 */
#include <stdbool.h>
#include <stdint.h>

struct wake {
    int pipe[2];
};

/** @return 0 or -1 (errno) */
int wake_init(struct wake *wake);
void wake_fini(struct wake *wake);

/** From now on signals ask for the end: there is something to finish. Before,
 *  while options are read and names looked up, they end the process. */
void wake_catch(void);

/** Any thread: end the current or the next wait. Never blocks. */
void wake_up(const struct wake *wake);

/** Sleep until `deadline_us` [CLOCK_MONOTONIC us], -1 = for ever. */
void wake_wait(struct wake *wake, int64_t deadline_us);

/** Sleep until `fd` has something to read, or its end.
 *  @return false if a signal asked for the end instead */
bool wake_until_readable(const struct wake *wake, int fd);

/** A signal asked for the end. */
bool wake_stopped(const struct wake *wake);

#endif
