/* SPDX-License-Identifier: MIT */
#include "inspect/trace.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "json/json.h"

#include <string.h>

/* Beyond this a time is nonsense (it is thirty years). */
#define T_MS_MAX 1e12

const char *tgv_trace_from_str(enum tgv_trace_from from)
{
    switch (from) {
    case TGV_TRACE_UNKNOWN:
        return "unknown";
    case TGV_TRACE_CALLER:
        return "caller";
    case TGV_TRACE_CALLEE:
        return "callee";
    case TGV_TRACE_RELAY:
        return "relay";
    }
    return "?";
}

const char *tgv_trace_path_str(enum tgv_trace_path path)
{
    switch (path) {
    case TGV_TRACE_RELAY_UDP:
        return "relay-udp";
    case TGV_TRACE_RELAY_TCP:
        return "relay-tcp";
    case TGV_TRACE_P2P:
        return "p2p";
    }
    return "?";
}

static int refuse(struct tgvoip_failure *failure, const char *member,
                  const char *why)
{
    return tgv_fail(failure, TGVOIP_ERR_FORMAT, "trace line",
                    "member \"%s\" %s", member, why);
}

/* A member that must be there and be a text. */
static const char *text_of(const struct tgv_json *line, const char *member,
                           struct tgvoip_failure *failure)
{
    const struct tgv_json *j = tgv_json_get(line, member);
    const char *text = tgv_json_str(j);

    if (!j)
        refuse(failure, member, "is missing");
    else if (!text)
        refuse(failure, member, "is not a text");
    return text;
}

static int read_from(struct tgv_trace_packet *p, struct tgvoip_failure *failure)
{
    const char *text = text_of(p->line, "from", failure);

    if (!text)
        return TGVOIP_ERR_FORMAT;
    for (int i = TGV_TRACE_CALLER; i <= TGV_TRACE_RELAY; i++) {
        if (!strcmp(text, tgv_trace_from_str((enum tgv_trace_from)i))) {
            p->from = (enum tgv_trace_from)i;
            return 0;
        }
    }
    return refuse(failure, "from", "is none of caller, callee, relay");
}

static int read_path(struct tgv_trace_packet *p, struct tgvoip_failure *failure)
{
    const char *text = text_of(p->line, "path", failure);

    if (!text)
        return TGVOIP_ERR_FORMAT;
    for (int i = TGV_TRACE_RELAY_UDP; i <= TGV_TRACE_P2P; i++) {
        if (!strcmp(text, tgv_trace_path_str((enum tgv_trace_path)i))) {
            p->path = (enum tgv_trace_path)i;
            return 0;
        }
    }
    return refuse(failure, "path", "is none of relay-udp, relay-tcp, p2p");
}

static int read_wire(struct tgv_trace_packet *p, struct tgvoip_failure *failure)
{
    const char *text = text_of(p->line, "wire", failure);
    size_t len;

    if (!text)
        return TGVOIP_ERR_FORMAT;
    len = strlen(text);
    if (len > 2 * (size_t)TGV_TRACE_WIRE_MAX)
        return refuse(failure, "wire", "is longer than a datagram");
    if (len % 2)
        return refuse(failure, "wire", "has an odd number of digits");
    p->wire_len = len / 2;
    if (!tgv_hex_decode(text, len, p->wire, p->wire_len))
        return refuse(failure, "wire", "is not hexadecimal");
    return 0;
}

/* Texts that are handed on as they are: short, and safe on a terminal. */
static int check_texts(const struct tgv_trace_packet *p,
                       struct tgvoip_failure *failure)
{
    static const char *const members[] = {"src", "dst", "to", "fate"};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *text;

        if (!tgv_json_get(p->line, members[i]))
            continue;
        text = text_of(p->line, members[i], failure);
        if (!text)
            return TGVOIP_ERR_FORMAT;
        if (strlen(text) >= TGV_TRACE_TEXT)
            return refuse(failure, members[i], "is too long");
        for (; *text; text++) {
            if (*text < ' ' || *text > '~')
                return refuse(failure, members[i],
                              "holds other than printable ASCII characters");
        }
    }
    return 0;
}

static int check_numbers(struct tgv_trace_packet *p,
                         struct tgvoip_failure *failure)
{
    const struct tgv_json *delay = tgv_json_get(p->line, "relay_delay_ms");
    double v;

    if (!tgv_json_real(tgv_json_get(p->line, "t_ms"), &p->t_ms))
        return refuse(failure, "t_ms", "is not a number");
    if (p->t_ms < -T_MS_MAX || p->t_ms > T_MS_MAX)
        return refuse(failure, "t_ms", "is out of range");
    if (delay && !tgv_json_real(delay, &v))
        return refuse(failure, "relay_delay_ms", "is not a number");
    return 0;
}

static size_t skip_space(const char *line, size_t len)
{
    size_t i = 0;

    while (i < len && strchr(" \t\r\n", line[i]) && line[i])
        i++;
    return i;
}

int tgv_trace_read(struct tgv_trace_packet *p, const char *line, size_t len,
                   struct tgvoip_failure *failure)
{
    static const char one_line[] = "line 1, "; /* it is the only one */
    char why[160];
    int err;

    p->line = NULL;
    p->wire_len = 0;
    if (skip_space(line, len) == len)
        return TGVOIP_ERR_AGAIN;
    if (len > TGV_TRACE_LINE_MAX)
        return tgv_fail(failure, TGVOIP_ERR_FORMAT, "trace line",
                        "%zu bytes are more than the limit of %u", len,
                        TGV_TRACE_LINE_MAX);
    p->line = tgv_json_parse(line, len, why, sizeof why);
    if (!p->line)
        return tgv_fail(failure, TGVOIP_ERR_FORMAT, "trace line",
                        "is not JSON: %s",
                        strncmp(why, one_line, sizeof one_line - 1)
                            ? why
                            : why + sizeof one_line - 1);
    if (!tgv_json_is_object(p->line))
        err = tgv_fail(failure, TGVOIP_ERR_FORMAT, "trace line",
                       "is not a JSON object");
    else
        err = check_numbers(p, failure);
    if (!err)
        err = read_from(p, failure);
    if (!err)
        err = read_path(p, failure);
    if (!err)
        err = check_texts(p, failure);
    if (!err)
        err = read_wire(p, failure);
    if (err) {
        tgv_json_free(p->line);
        p->line = NULL;
    }
    return err;
}
