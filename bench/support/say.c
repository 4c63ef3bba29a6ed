/* SPDX-License-Identifier: MIT */
#include "support/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>

_Noreturn void bench_die(const char *format, ...)
{
    va_list args;

    fputs("bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

double bench_cpu_s(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return seconds(r.ru_utime) + seconds(r.ru_stime);
}

int64_t bench_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void bench_sleep_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000,
                         .tv_nsec = us % 1000000 * 1000};

    nanosleep(&t, NULL);
}

/* The number after `key` in a file of the kind of /proc/self/status. */
static uint64_t read_field(const char *path, const char *key)
{
    char line[256];
    unsigned long long value = 0;
    FILE *f = fopen(path, "r");

    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, 10);
    fclose(f);
    return value;
}

uint64_t bench_pss_kb(void)
{
    return read_field("/proc/self/smaps_rollup", "Pss:");
}

unsigned bench_threads(void)
{
    return (unsigned)read_field("/proc/self/status", "Threads:");
}

const char *bench_option(int argc, char **argv, const char *name,
                         const char *otherwise)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    return otherwise;
}

unsigned bench_number(int argc, char **argv, const char *name,
                      unsigned otherwise)
{
    const char *text = bench_option(argc, argv, name, NULL);
    char *end;
    unsigned long v;

    if (!text)
        return otherwise;
    v = strtoul(text, &end, 10);
    if (end == text || *end || v > 1000000000)
        bench_die("--%s: \"%s\" is no number", name, text);
    return (unsigned)v;
}
