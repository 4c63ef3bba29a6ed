/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_LOG_H
#define TGV_BASE_LOG_H
/*
 * Logging is a hook that is given at creation. Rules: no keys, no audio; no
 * address above debug level; text of the peer through tgv_log_escape(); what
 * happens per packet goes to counters, not here.
 */
#include "base/time.h"

#include <stddef.h>

#include <tgvoip/version.h>

enum tgv_log_level {
    TGV_LOG_ERROR = 1,
    TGV_LOG_WARNING = 2,
    TGV_LOG_INFO = 3,
    TGV_LOG_DEBUG = 4
};

struct tgv_log {
    void (*write)(void *ctx, enum tgv_log_level level, const char *room,
                  tgv_time now, const char *text);
    void *ctx;
    enum tgv_log_level level; /* most detailed level wanted */
};

/* Longest line; the rest is cut. */
#define TGV_LOG_LINE 512

/* log may be NULL, or without a hook: nothing happens. */
void tgv_log(const struct tgv_log *log, enum tgv_log_level level,
             const char *room, tgv_time now, const char *format, ...)
    TGVOIP_PRINTF(5, 6);

/* Copy text with everything but printable ASCII as \xNN; returns out. */
const char *tgv_log_escape(const char *text, size_t len, char *out, size_t cap);

#endif
