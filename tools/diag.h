/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DIAG_H
#define TOOL_DIAG_H
/**
 * @file
 * Everything that goes to stderr as lines: errors (`tgvoip: what: why`), the
 * library's log, plain progress. Log lines of the loop threads are queued and
 * printed by the main thread, so a slow terminal never delays a packet.
 *
 * When the live line is on the screen it is wiped before each line; it is
 * drawn again with the next tick.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <tgvoip/engine.h>

#define DIAG_QUEUE 256
#define DIAG_TEXT 300

struct diag_line {
    enum tgvoip_log_level level;
    int64_t now_us;
    char room[16];
    char text[DIAG_TEXT];
};

struct diag {
    int level; /**< 0 nothing but errors of usage and results .. 4 debug */
    bool quiet; /**< no progress lines */
    FILE *notes; /**< where progress goes; stderr unless set */
    bool live; /**< the live line is on the screen now */
    int64_t start_us;
    pthread_mutex_t lock; /**< guards the queue */
    struct diag_line queue[DIAG_QUEUE];
    unsigned head, count, dropped;
};

void diag_init(struct diag *diag, int64_t start_us);
void diag_fini(struct diag *diag);

/** `tgvoip: what: why`; always printed. */
void diag_error(struct diag *diag, const char *what, const char *why, ...)
    TGVOIP_PRINTF(3, 4);

/** A line of progress, left out with -q. */
void diag_note(struct diag *diag, const char *text, ...) TGVOIP_PRINTF(2, 3);

/** Most detailed level that the library has to send. */
enum tgvoip_log_level diag_engine_level(const struct diag *diag);

/** A `tgvoip_log_fn`; ctx is the diag. Any thread. */
void diag_log(void *ctx, enum tgvoip_log_level level, const char *room,
              int64_t now_us, const char *text);

/** Main thread: print what is queued. */
void diag_flush(struct diag *diag);

#endif
