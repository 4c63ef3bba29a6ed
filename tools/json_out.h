/* SPDX-License-Identifier: MIT */
#ifndef TOOL_JSON_OUT_H
#define TOOL_JSON_OUT_H
/**
 * @file
 * A tree of JSON values to build and print; the adaptor of the JSON library.
 * Setters take a missing tree (out of memory) and do nothing; the loss shows
 * when it is printed. Keys keep the order in which they were set.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json_t json_tree;

json_tree *json_tree_object(void);
json_tree *json_tree_array(void);
void json_tree_free(json_tree *tree);

void json_set_str(json_tree *o, const char *key, const char *text);
void json_set_int(json_tree *o, const char *key, int64_t value);
/** Rounded to `decimals` places. */
void json_set_real(json_tree *o, const char *key, double value, int decimals);
void json_set_bool(json_tree *o, const char *key, bool value);
void json_set_null(json_tree *o, const char *key);
/** A 64-bit id: a decimal string, since JSON readers lose such digits. */
void json_set_id(json_tree *o, const char *key, int64_t id);
/** Takes over `value`. */
void json_set(json_tree *o, const char *key, json_tree *value);
/** JSON text of the library; an empty object if it is none. */
void json_set_text(json_tree *o, const char *key, const char *text);

void json_push_real(json_tree *a, double value, int decimals);
void json_push_null(json_tree *a);
/** Takes over `value`. */
void json_push(json_tree *a, json_tree *value);

/** One line, flushed; frees the tree. @return false if it was not written */
bool json_print_line(json_tree *tree, FILE *to);
/** Indented or compact text, malloc'ed, or NULL; keeps the tree. */
char *json_text(const json_tree *tree, bool indent);

#endif
