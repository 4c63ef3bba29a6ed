/* SPDX-License-Identifier: MIT */
#ifndef TGV_JSON_JSON_H
#define TGV_JSON_JSON_H
/*
 * Reading and building JSON values; a thin skin over the JSON library so that
 * no other file knows which one it is.
 *
 * Ownership: a value returned by parse, object or array belongs to the caller
 * until it is freed, or set or appended into another one, which then owns it
 * (also on failure). Values got from a container are borrowed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_json;

/* @return the value, or NULL with a text (with line and column) in why */
struct tgv_json *tgv_json_parse(const char *text, size_t len, char *why,
                                size_t why_cap);
void tgv_json_free(struct tgv_json *j);

bool tgv_json_is_object(const struct tgv_json *j);
/* Borrowed member, or NULL. */
const struct tgv_json *tgv_json_get(const struct tgv_json *object,
                                    const char *key);
/* The value as a type; false if it is another one, and out is untouched.
 * real accepts integers too. */
bool tgv_json_int(const struct tgv_json *j, int64_t *out);
bool tgv_json_real(const struct tgv_json *j, double *out);
bool tgv_json_bool(const struct tgv_json *j, bool *out);
/* NULL if it is no string, or one that holds a zero character. */
const char *tgv_json_str(const struct tgv_json *j);
size_t tgv_json_len(const struct tgv_json *array); /* 0 if no array */
const struct tgv_json *tgv_json_at(const struct tgv_json *array, size_t i);
/* Call fn for each member of an object, in order of the text. */
void tgv_json_each(const struct tgv_json *object,
                   void (*fn)(void *ctx, const char *key,
                              const struct tgv_json *value),
                   void *ctx);

/* Builders return NULL when memory is short; setters accept NULL and then
 * mark nothing: dump fails in that case. */
struct tgv_json *tgv_json_object(void);
struct tgv_json *tgv_json_array(void);
void tgv_json_set(struct tgv_json *object, const char *key,
                  struct tgv_json *value);
void tgv_json_append(struct tgv_json *array, struct tgv_json *value);
struct tgv_json *tgv_json_new_int(int64_t v);
struct tgv_json *tgv_json_new_real(double v);
struct tgv_json *tgv_json_new_bool(bool v);
struct tgv_json *tgv_json_new_null(void);
/* Bytes that are not UTF-8 become U+FFFD. */
struct tgv_json *tgv_json_new_str(const char *text);
struct tgv_json *tgv_json_new_hex(const uint8_t *data, size_t len);
/* malloc'ed one-line text, or NULL when memory is short. */
char *tgv_json_dump(const struct tgv_json *j);

#endif
