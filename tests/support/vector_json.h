/* SPDX-License-Identifier: MIT */
#ifndef TEST_VECTOR_JSON_H
#define TEST_VECTOR_JSON_H
/*
 * Vector files: reading them, and their hex strings. Everything fails the
 * running test when it cannot; include cmocka.h first.
 */
#include "base/bytes.h"
#include "base/random.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES_MAX 2048

struct vector_bytes {
    size_t len;
    uint8_t data[VECTOR_BYTES_MAX];
};

/* The file as text with a final zero, to be freed. */
static inline char *vector_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    long size;
    char *text;

    if (!f)
        fail_msg("%s: cannot be opened", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    assert_true(size >= 0);
    rewind(f);
    text = malloc((size_t)size + 1);
    assert_non_null(text);
    *len = fread(text, 1, (size_t)size, f);
    assert_int_equal(*len, size);
    text[*len] = '\0';
    fclose(f);
    return text;
}

static inline struct tgv_json *vector_parse(const char *text, size_t len)
{
    char why[128];
    struct tgv_json *j = tgv_json_parse(text, len, why, sizeof why);

    if (!j)
        fail_msg("%s", why);
    return j;
}

static inline const char *vector_str(const struct tgv_json *j, const char *key)
{
    const char *s = tgv_json_str(tgv_json_get(j, key));

    if (!s)
        fail_msg("no string %s", key);
    return s;
}

static inline int64_t vector_int(const struct tgv_json *j, const char *key)
{
    int64_t v = 0;

    if (!tgv_json_int(tgv_json_get(j, key), &v))
        fail_msg("no number %s", key);
    return v;
}

static inline void vector_hex_text(const char *text, struct vector_bytes *out)
{
    out->len = strlen(text) / 2;
    assert_true(out->len <= sizeof out->data);
    assert_true(tgv_hex_decode(text, strlen(text), out->data, out->len));
}

static inline void vector_hex(const struct tgv_json *j, const char *key,
                              struct vector_bytes *out)
{
    vector_hex_text(vector_str(j, key), out);
}

static inline void vector_assert_bytes(const struct vector_bytes *expected,
                                       const uint8_t *data, size_t len)
{
    assert_int_equal(len, expected->len);
    assert_memory_equal(data, expected->data, len);
}

/* A random source that gives recorded bytes, and never more. */
struct vector_random {
    const uint8_t *data;
    size_t left;
};

static inline int vector_random_fill(void *ctx, uint8_t *buf, size_t len)
{
    struct vector_random *r = ctx;

    assert_true(len <= r->left);
    memcpy(buf, r->data, len);
    r->data += len;
    r->left -= len;
    return 0;
}

#endif
