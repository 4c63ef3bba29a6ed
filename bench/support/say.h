/* SPDX-License-Identifier: MIT */
#ifndef TGV_BENCH_SAY_H
#define TGV_BENCH_SAY_H
/*
 * What every program that measures needs: the last word, processor time, and
 * options of the form --name VALUE.
 */
#include <stdbool.h>
#include <stdint.h>

/* Print a message and end with exit code 1. */
_Noreturn void bench_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* User and system time of this process [s]. */
double bench_cpu_s(void);
int64_t bench_now_us(void);
void bench_sleep_us(int64_t us);
/* Memory of this process that is its own, shared pages by their share [KB];
 * 0 where the system does not tell. */
uint64_t bench_pss_kb(void);
unsigned bench_threads(void);

/* Value of --name, or `otherwise`. */
const char *bench_option(int argc, char **argv, const char *name,
                         const char *otherwise);
unsigned bench_number(int argc, char **argv, const char *name,
                      unsigned otherwise);

#endif
