/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_TEXT_H
#define TGV_INSPECT_TEXT_H
/*
 * The line for human readers, made from what the JSON object says.
 */
#include "inspect/trace.h"
#include "wire/control.h"

#include <stddef.h>

struct tgv_json;

struct tgv_text {
    char *data; /* always ends with a zero */
    size_t cap;
    size_t len;
};

/* "   0.612 caller relay-udp " */
void tgv_text_start(struct tgv_text *t, char *data, size_t cap,
                    const struct tgv_trace_packet *p);
void tgv_text_add(struct tgv_text *t, const char *format, ...)
    TGVOIP_PRINTF(2, 3);
void tgv_text_control(struct tgv_text *t, const struct tgv_control *m);
/* parsed: the fields of the packet; NULL if it could not be read */
void tgv_text_packet(struct tgv_text *t, const struct tgv_json *parsed);

#endif
