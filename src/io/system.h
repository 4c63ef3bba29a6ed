/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_SYSTEM_H
#define TGV_IO_SYSTEM_H
/*
 * The system's clocks and random source. Any thread.
 */
#include "base/random.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic (CLOCK_MONOTONIC where there is one). */
tgv_time tgv_system_now(void);
/* Seconds since 1970. */
int64_t tgv_system_unix_time(void);
/* Cryptographic random bytes; fill gives TGVOIP_ERR_RANDOM when it fails. */
struct tgv_random tgv_os_random(void);
/* Cores that this process may use, at least 1. */
unsigned tgv_system_cores(void);
/* Reading `bytes` from standard input will not block: they are there, or its
 * end is. */
bool tgv_system_stdin_ready(size_t bytes);

#endif
