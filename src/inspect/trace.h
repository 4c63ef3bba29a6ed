/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_TRACE_H
#define TGV_INSPECT_TRACE_H
/*
 * Reader of one line of a recorded call: JSON in, checked values out. It
 * believes nothing of the line: members of a wrong type, unprintable text and
 * bytes that are no hex are refused with words that are safe to print. Members
 * that it does not need, such as the recorder's own analysis, it leaves alone.
 */
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

/* Longest line; a datagram of 1500 bytes with its analysis takes 10,000. */
#define TGV_TRACE_LINE_MAX (1u << 20)
/* What one UDP datagram can hold. */
#define TGV_TRACE_WIRE_MAX 65535
#define TGV_TRACE_TEXT 96

enum tgv_trace_from {
    TGV_TRACE_UNKNOWN = 0, /* only of captures; no trace line says it */
    TGV_TRACE_CALLER = 1,
    TGV_TRACE_CALLEE = 2,
    TGV_TRACE_RELAY = 3
};

enum tgv_trace_path {
    TGV_TRACE_RELAY_UDP = 1,
    TGV_TRACE_RELAY_TCP = 2,
    TGV_TRACE_P2P = 3
};

struct tgv_json;

struct tgv_trace_packet {
    struct tgv_json *line; /* the whole line, to be freed */
    double t_ms;
    enum tgv_trace_from from;
    enum tgv_trace_path path;
    size_t wire_len;
    uint8_t wire[TGV_TRACE_WIRE_MAX];
};

const char *tgv_trace_from_str(enum tgv_trace_from from);
const char *tgv_trace_path_str(enum tgv_trace_path path);

/*
 * @param[out] p  on success p->line is owned by the caller
 * @return 0, TGVOIP_ERR_AGAIN (an empty line), TGVOIP_ERR_FORMAT
 */
int tgv_trace_read(struct tgv_trace_packet *p, const char *line, size_t len,
                   struct tgvoip_failure *failure);

#endif
