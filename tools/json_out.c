/* SPDX-License-Identifier: MIT */
#include "json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

json_tree *json_tree_object(void)
{
    return json_object();
}

json_tree *json_tree_array(void)
{
    return json_array();
}

void json_tree_free(json_tree *tree)
{
    json_decref(tree);
}

/* Text that is no UTF-8, a file name perhaps: what of it anybody can read. */
static json_t *ascii_of(const char *text)
{
    char *copy = strdup(text), *p;
    json_t *value;

    for (p = copy; p && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    value = json_string(copy ? copy : "?");
    free(copy);
    return value;
}

void json_set_str(json_tree *o, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    json_object_set_new(o, key, value ? value : ascii_of(text));
}

void json_set_int(json_tree *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer(value));
}

static json_t *real(double value, int decimals)
{
    double unit = pow(10, decimals);

    if (!isfinite(value))
        return json_null();
    value = round(value * unit) / unit;
    return json_real(value == 0 ? 0.0 : value); /* no -0.0 */
}

void json_set_real(json_tree *o, const char *key, double value, int decimals)
{
    json_object_set_new(o, key, real(value, decimals));
}

void json_set_bool(json_tree *o, const char *key, bool value)
{
    json_object_set_new(o, key, json_boolean(value));
}

void json_set_null(json_tree *o, const char *key)
{
    json_object_set_new(o, key, json_null());
}

void json_set_id(json_tree *o, const char *key, int64_t id)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, id);
    json_set_str(o, key, text);
}

void json_set(json_tree *o, const char *key, json_tree *value)
{
    json_object_set_new(o, key, value);
}

void json_set_text(json_tree *o, const char *key, const char *text)
{
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    json_object_set_new(o, key, value ? value : json_object());
}

void json_push_real(json_tree *a, double value, int decimals)
{
    json_array_append_new(a, real(value, decimals));
}

void json_push_null(json_tree *a)
{
    json_array_append_new(a, json_null());
}

void json_push(json_tree *a, json_tree *value)
{
    json_array_append_new(a, value);
}

/* 12 digits keep what real() rounded and hide the binary fraction. */
#define FORM (JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY)

bool json_print_line(json_tree *tree, FILE *to)
{
    char *text = tree ? json_dumps(tree, JSON_COMPACT | FORM) : NULL;
    bool ok = text && fprintf(to, "%s\n", text) > 0 && fflush(to) == 0;

    free(text);
    json_decref(tree);
    return ok;
}

char *json_text(const json_tree *tree, bool indent)
{
    return tree ? json_dumps(tree,
                             (indent ? JSON_INDENT(2) : JSON_COMPACT) | FORM)
                : NULL;
}
