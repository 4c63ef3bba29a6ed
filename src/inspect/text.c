/* SPDX-License-Identifier: MIT */
#include "inspect/text.h"

#include "base/addr.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tgv_text_add(struct tgv_text *t, const char *format, ...)
{
    static const char cut[] = "...";
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->data + t->len, t->cap - t->len, format, args);
    va_end(args);
    if (n < 0)
        return;
    t->len += (size_t)n;
    if (t->len < t->cap)
        return;
    t->len = t->cap - 1;
    memcpy(t->data + t->cap - sizeof cut, cut, sizeof cut);
}

void tgv_text_start(struct tgv_text *t, char *data, size_t cap,
                    const struct tgv_trace_packet *p)
{
    *t = (struct tgv_text){data, cap, 0};
    data[0] = '\0';
    tgv_text_add(t, "%8.3f %-6s %-9s ", p->t_ms / 1000,
                 tgv_trace_from_str(p->from), tgv_trace_path_str(p->path));
}

static void add_address(struct tgv_text *t, const char *name,
                        const struct tgv_addr *a)
{
    char text[TGV_ADDR_TEXT];

    tgv_text_add(t, " %s %s", name, tgv_addr_format(a, text, sizeof text));
}

void tgv_text_control(struct tgv_text *t, const struct tgv_control *m)
{
    tgv_text_add(t, "%s", tgv_control_kind_str(m->kind));
    switch (m->kind) {
    case TGV_CONTROL_SELF_INFO:
        add_address(t, "address", &m->self);
        break;
    case TGV_CONTROL_PEER_INFO:
    case TGV_CONTROL_PEER_INFO_IPV6:
        add_address(t, "address", &m->self);
        add_address(t, "peer", &m->peer);
        break;
    case TGV_CONTROL_UNKNOWN:
        tgv_text_add(t, " unknown message %08x of a relay", m->tl_id);
        break;
    default:
        break;
    }
}

/* Values of the object; 0 and "?" where there is none. */

static long long number(const struct tgv_json *j, const char *key)
{
    int64_t v = 0;

    tgv_json_int(tgv_json_get(j, key), &v);
    return v;
}

static const char *word(const struct tgv_json *j, const char *key)
{
    const char *s = tgv_json_str(tgv_json_get(j, key));

    return s ? s : "?";
}

static void add_opus(struct tgv_text *t, const struct tgv_json *opus)
{
    double frame_ms = 0;

    if (!opus)
        return;
    tgv_json_real(tgv_json_get(opus, "frame_ms"), &frame_ms);
    tgv_text_add(t, " opus %s %s %lldx%gms", word(opus, "mode"),
                 word(opus, "bw"), number(opus, "frames"), frame_ms);
    if (tgv_json_get(opus, "stereo"))
        tgv_text_add(t, " stereo");
}

static void add_redundant(struct tgv_text *t, const struct tgv_json *list)
{
    const size_t count = tgv_json_len(list);

    for (size_t i = 0; i < count; i++)
        tgv_text_add(t, "%s%lld", i ? "," : " fec ",
                     number(tgv_json_at(list, i), "pts"));
}

static void add_frames(struct tgv_text *t, const struct tgv_json *payload)
{
    const struct tgv_json *list = tgv_json_get(payload, "frames");

    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *f = tgv_json_at(list, i);

        tgv_text_add(t, " stream %lld pts %lld len %lld", number(f, "stream"),
                     number(f, "pts"), number(f, "len"));
        if (tgv_json_get(f, "fragment_count"))
            tgv_text_add(t, " fragment %lld of %lld",
                         number(f, "fragment_index") + 1,
                         number(f, "fragment_count"));
        add_opus(t, tgv_json_get(f, "opus"));
        add_redundant(t, tgv_json_get(f, "fec"));
        if (tgv_json_get(f, "fec_truncated"))
            tgv_text_add(t, " fec malformed");
    }
}

static void add_words(struct tgv_text *t, const char *name,
                      const struct tgv_json *list)
{
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const char *s = tgv_json_str(tgv_json_at(list, i));

        tgv_text_add(t, "%s%s%s", i ? "," : " ", i ? "" : name, s ? s : "?");
    }
}

static void add_versions(struct tgv_text *t, const struct tgv_json *payload)
{
    const struct tgv_json *streams = tgv_json_get(payload, "streams");

    tgv_text_add(t, " version %lld min %lld", number(payload, "version"),
                 number(payload, "min_version"));
    if (tgv_json_get(payload, "flags"))
        tgv_text_add(t, " flags %#llx", number(payload, "flags"));
    add_words(t, "codecs ", tgv_json_get(payload, "audio_codecs"));
    add_words(t, "video ", tgv_json_get(payload, "video_decoders"));
    for (size_t i = 0; i < tgv_json_len(streams); i++) {
        const struct tgv_json *s = tgv_json_at(streams, i);

        tgv_text_add(t, " stream %lld %s %lldms%s", number(s, "id"),
                     word(s, "codec"), number(s, "frame_ms"),
                     number(s, "enabled") ? "" : " off");
    }
}

/* What LAN_ENDPOINT, NETWORK_CHANGED, STREAM_FLAGS and so on share, whether
 * packet or extra. */
static void add_small(struct tgv_text *t, const struct tgv_json *j)
{
    if (tgv_json_get(j, "stream"))
        tgv_text_add(t, " stream %lld", number(j, "stream"));
    if (tgv_json_get(j, "enabled"))
        tgv_text_add(t, " %s", number(j, "enabled") ? "on" : "off");
    if (tgv_json_get(j, "ip"))
        tgv_text_add(t, " %s port %lld", word(j, "ip"), number(j, "port"));
    if (tgv_json_get(j, "width"))
        tgv_text_add(t, " %lldx%lld", number(j, "width"), number(j, "height"));
    if (tgv_json_get(j, "flags"))
        tgv_text_add(t, " flags %#llx", number(j, "flags"));
    if (tgv_json_get(j, "ping_seq"))
        tgv_text_add(t, " ping %lld", number(j, "ping_seq"));
    if (tgv_json_get(j, "min_frame_ms"))
        tgv_text_add(t, " version %lld min %lldms", number(j, "version"),
                     number(j, "min_frame_ms"));
    add_redundant(t, tgv_json_get(j, "fec"));
}

void tgv_text_packet(struct tgv_text *t, const struct tgv_json *parsed)
{
    const struct tgv_json *payload = tgv_json_get(parsed, "payload");
    const struct tgv_json *extras = tgv_json_get(parsed, "extras");
    const long long type = number(parsed, "type");

    if (!parsed)
        return;
    tgv_text_add(t, "%s", word(parsed, "name"));
    if (!strcmp(word(parsed, "name"), "?"))
        tgv_text_add(t, " type %lld", type);
    tgv_text_add(t, " seq %lld ack %lld", number(parsed, "seq"),
                 number(parsed, "ack"));
    if (tgv_json_get(payload, "version"))
        add_versions(t, payload);
    else if (tgv_json_get(payload, "frames"))
        add_frames(t, payload);
    else
        add_small(t, payload);
    if (tgv_json_get(parsed, "recv_ts"))
        tgv_text_add(t, " recv_ts %lld", number(parsed, "recv_ts"));
    for (size_t i = 0; i < tgv_json_len(extras); i++) {
        const struct tgv_json *x = tgv_json_at(extras, i);

        tgv_text_add(t, " [%s", word(x, "name"));
        if (!strcmp(word(x, "name"), "?"))
            tgv_text_add(t, " type %lld", number(x, "type"));
        add_small(t, x);
        tgv_text_add(t, "]");
    }
}
