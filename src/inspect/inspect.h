/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_INSPECT_H
#define TGV_INSPECT_INSPECT_H
/*
 * One recorded datagram after the other: opened with the call's key in the
 * direction that its sender says, and its fields named. It remembers only
 * which protocol versions the two ends announced. It owns the key.
 *
 * Why a datagram could not be opened is never told: wrong key, wrong direction
 * and damage look alike.
 */
#include "inspect/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_INSPECT_TEXT 1024

struct tgv_inspect;
struct tgv_json;

struct tgv_inspected {
    /* Members of a trace line, wire included, so that the output is a trace
     * again; if failed also "error". NULL when memory was short. */
    struct tgv_json *json; /* to be freed by the caller */
    enum tgv_trace_from from;
    bool failed;
    char text[TGV_INSPECT_TEXT];
};

/* @return 0 or TGVOIP_ERR_NOMEM */
int tgv_inspect_create(struct tgv_inspect **out, const uint8_t key[256]);
void tgv_inspect_destroy(struct tgv_inspect *in);

/* @return 0, TGVOIP_ERR_AGAIN (an empty line), TGVOIP_ERR_FORMAT */
int tgv_inspect_line(struct tgv_inspect *in, const char *line, size_t len,
                     struct tgv_inspected *out, struct tgvoip_failure *failure);

#endif
