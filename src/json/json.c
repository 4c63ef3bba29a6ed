/* SPDX-License-Identifier: MIT */
/* The only file that knows jansson: a struct tgv_json is a json_t. */
#include "json/json.h"

#include "base/bytes.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/*
 * A container that lost a value because memory was short carries this bit in
 * its reference count, which is otherwise 1. Nothing needs to be allocated to
 * remember it; dump looks for it, and free takes it off first.
 */
#define LOST (SIZE_MAX / 2 + 1)

/* Digits of a real: all that survive being written and read. */
#define REAL_DIGITS 15

static const json_t *in(const struct tgv_json *j)
{
    return (const json_t *)(const void *)j;
}

static json_t *in_own(struct tgv_json *j)
{
    return (json_t *)(void *)j;
}

static const struct tgv_json *out(const json_t *j)
{
    return (const struct tgv_json *)(const void *)j;
}

static struct tgv_json *out_own(json_t *j)
{
    return (struct tgv_json *)(void *)j;
}

static bool is_container(const json_t *j)
{
    return json_is_object(j) || json_is_array(j);
}

/* Whether anything in the tree is lost; with clear, take the bits off. The
 * depth is bounded by the parser, or by what our own code builds. */
static bool walk_lost(json_t *j, bool clear)
{
    bool lost = false;
    const char *key;
    json_t *value;
    size_t i;

    if (!is_container(j))
        return false;
    if (j->refcount != SIZE_MAX && (j->refcount & LOST)) {
        lost = true;
        if (clear)
            j->refcount &= ~LOST;
    }
    json_object_foreach(j, key, value) lost = walk_lost(value, clear) || lost;
    json_array_foreach(j, i, value) lost = walk_lost(value, clear) || lost;
    return lost;
}

static void mark_lost(json_t *j)
{
    if (is_container(j))
        j->refcount |= LOST;
}

/* "what at line 1, column 2", printable whatever the text holds */
static void explain(const json_error_t *e, char *why, size_t cap)
{
    char text[2 * JSON_ERROR_TEXT_LENGTH];

    if (!why || cap == 0)
        return;
    tgv_log_escape(e->text, strlen(e->text), text, sizeof text);
    snprintf(why, cap, "line %d, column %d: %s", e->line, e->column, text);
}

struct tgv_json *tgv_json_parse(const char *text, size_t len, char *why,
                                size_t why_cap)
{
    json_error_t e;
    json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

    if (!j)
        explain(&e, why, why_cap);
    else if (why && why_cap)
        why[0] = '\0';
    return out_own(j);
}

void tgv_json_free(struct tgv_json *j)
{
    walk_lost(in_own(j), true);
    json_decref(in_own(j));
}

bool tgv_json_is_object(const struct tgv_json *j)
{
    return json_is_object(in(j));
}

const struct tgv_json *tgv_json_get(const struct tgv_json *object,
                                    const char *key)
{
    return out(json_object_get(in(object), key));
}

bool tgv_json_int(const struct tgv_json *j, int64_t *value)
{
    if (!json_is_integer(in(j)))
        return false;
    *value = json_integer_value(in(j));
    return true;
}

bool tgv_json_real(const struct tgv_json *j, double *value)
{
    if (!json_is_number(in(j)))
        return false;
    *value = json_number_value(in(j));
    return true;
}

bool tgv_json_bool(const struct tgv_json *j, bool *value)
{
    if (!json_is_boolean(in(j)))
        return false;
    *value = json_is_true(in(j));
    return true;
}

const char *tgv_json_str(const struct tgv_json *j)
{
    const char *s = json_string_value(in(j));

    /* cut at its zero it would be another text */
    return s && strlen(s) == json_string_length(in(j)) ? s : NULL;
}

size_t tgv_json_len(const struct tgv_json *array)
{
    return json_array_size(in(array));
}

const struct tgv_json *tgv_json_at(const struct tgv_json *array, size_t i)
{
    return out(json_array_get(in(array), i));
}

void tgv_json_each(const struct tgv_json *object,
                   void (*fn)(void *ctx, const char *key,
                              const struct tgv_json *value),
                   void *ctx)
{
    /* jansson's iterators want a value that may be changed */
    json_t *j = (json_t *)(uintptr_t)(const void *)object;
    const char *key;
    json_t *value;

    json_object_foreach(j, key, value) fn(ctx, key, out(value));
}

struct tgv_json *tgv_json_object(void)
{
    return out_own(json_object());
}

struct tgv_json *tgv_json_array(void)
{
    return out_own(json_array());
}

void tgv_json_set(struct tgv_json *object, const char *key,
                  struct tgv_json *value)
{
    /* A value must outlive a failed set to be freed with its marks. */
    if (object && value && value != object &&
        json_object_set(in_own(object), key, in_own(value)) == 0) {
        json_decref(in_own(value));
        return;
    }
    if (value != object)
        tgv_json_free(value);
    mark_lost(in_own(object));
}

void tgv_json_append(struct tgv_json *array, struct tgv_json *value)
{
    if (array && value && value != array &&
        json_array_append(in_own(array), in_own(value)) == 0) {
        json_decref(in_own(value));
        return;
    }
    if (value != array)
        tgv_json_free(value);
    mark_lost(in_own(array));
}

struct tgv_json *tgv_json_new_int(int64_t v)
{
    return out_own(json_integer(v));
}

struct tgv_json *tgv_json_new_real(double v)
{
    /* JSON has no infinity; null says that there is no such number */
    return out_own(isfinite(v) ? json_real(v) : json_null());
}

struct tgv_json *tgv_json_new_bool(bool v)
{
    return out_own(json_boolean(v));
}

struct tgv_json *tgv_json_new_null(void)
{
    return out_own(json_null());
}

/* Bytes of the UTF-8 character at p, which ends with a zero; 0 if none. */
static size_t utf8_length(const uint8_t *p)
{
    size_t n;
    uint32_t c;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (p[0] < 0x80)
        return 1;
    n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    c = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = (c << 6) | (p[i] & 0x3Fu);
    }
    if (c < smallest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    return n;
}

struct tgv_json *tgv_json_new_str(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    json_t *j = json_string(text);
    char *clean;
    size_t n = 0;

    if (j)
        return out_own(j);
    clean = malloc(3 * strlen(text) + 1);
    if (!clean)
        return NULL;
    while (*text) {
        size_t len = utf8_length((const uint8_t *)text);

        memcpy(clean + n, len ? text : replacement, len ? len : 3);
        n += len ? len : 3;
        text += len ? len : 1;
    }
    clean[n] = '\0';
    j = json_string(clean);
    free(clean);
    return out_own(j);
}

struct tgv_json *tgv_json_new_hex(const uint8_t *data, size_t len)
{
    char *text = malloc(2 * len + 1);
    json_t *j;

    if (!text)
        return NULL;
    tgv_hex_encode(data, len, text);
    j = json_string(text);
    free(text);
    return out_own(j);
}

char *tgv_json_dump(const struct tgv_json *j)
{
    const size_t flags =
        JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS);
    json_t *tree = (json_t *)(uintptr_t)(const void *)j;
    char *text;
    size_t n;

    if (!j || walk_lost(tree, false))
        return NULL;
    /* Measured first: json_dumps(), when its buffer cannot grow, leaves out
     * what did not fit and calls that a success. */
    n = json_dumpb(tree, NULL, 0, flags);
    text = n ? malloc(n + 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(tree, text, n, flags) != n) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}
