/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_SYSTEM_H
#define TGV_IO_SYSTEM_H
/*
 * The system's clocks and random source, and whether a stream would block.
 * Any thread.
 */
#include "base/random.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Monotonic (CLOCK_MONOTONIC where there is one). */
tgv_time tgv_system_now(void);
/* Seconds since 1970. */
int64_t tgv_system_unix_time(void);
/* Cryptographic random bytes; fill gives TGVOIP_ERR_RANDOM when it fails. */
struct tgv_random tgv_os_random(void);
/* Cores that this process may use, at least 1. */
unsigned tgv_system_cores(void);
/* Pipes and the like, which the other side may leave standing: */
/* Reading `bytes` will not block: they are there, or the end is. */
bool tgv_system_readable(FILE *stream, size_t bytes);
/* Writing up to TGV_SYSTEM_PIECE bytes will not block, or fails at once; wait
 * so long for that. */
#define TGV_SYSTEM_PIECE 2048
bool tgv_system_writable(FILE *stream, tgv_time wait);

#endif
