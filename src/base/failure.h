/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_FAILURE_H
#define TGV_BASE_FAILURE_H
/*
 * Filling the text that goes with a refused argument.
 */
#include <tgvoip/error.h>

/* Fill f (may be NULL) and return code, for `return tgv_fail(...)`. */
int tgv_fail(struct tgvoip_failure *f, int code, const char *what,
             const char *format, ...) TGVOIP_PRINTF(4, 5);

#endif
