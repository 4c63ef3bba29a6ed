/* SPDX-License-Identifier: MIT */
#ifndef TGV_FUZZ_H
#define TGV_FUZZ_H
/*
 * What the targets share: taking an input apart, and the check that they end
 * with. Each target is one function; libFuzzer calls it with new inputs, and
 * replay.c with those of corpus/, so that an ordinary test run covers them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: what is wrong here is a fault of the project. */
#define FUZZ_CHECK(condition)                                                  \
    ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))

static inline void fuzz_broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

/* Reads past the end give zeros. */
struct fuzz_input {
    const uint8_t *data;
    size_t len;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
    if (in->len == 0)
        return 0;
    in->len--;
    return *in->data++;
}

static inline uint32_t fuzz_u16(struct fuzz_input *in)
{
    uint32_t low = fuzz_u8(in);

    return low | (uint32_t)fuzz_u8(in) << 8;
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
    uint32_t low = fuzz_u16(in);

    return low | fuzz_u16(in) << 16;
}

/* The next n bytes, or as many as there are; *got tells. */
static inline const uint8_t *fuzz_bytes(struct fuzz_input *in, size_t n,
                                        size_t *got)
{
    const uint8_t *p = in->data;

    *got = n < in->len ? n : in->len;
    in->data += *got;
    in->len -= *got;
    return p;
}

#endif
