/* SPDX-License-Identifier: MIT */
/* Clear-text messages and headers; bodies are in fields_body.c. */
#include "inspect/fields.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define SELF_INFO_IP 44 /* offset, and length of the address there */
#define SELF_INFO_IP_LEN 16
#define QUERY_ID_LEN 8

void tgv_fields_set_hex32(struct tgv_json *object, const char *key, uint32_t v)
{
    char text[9];

    snprintf(text, sizeof text, "%08x", v);
    tgv_json_set(object, key, tgv_json_new_str(text));
}

void tgv_fields_set_ip(struct tgv_json *object, const char *ip_key,
                       const char *port_key, const struct tgv_addr *a)
{
    char text[TGV_ADDR_TEXT], *ip = text;

    tgv_addr_format(a, text, sizeof text);
    *strrchr(text, ':') = '\0'; /* the port, which has its own field */
    if (text[0] == '[') {
        ip = text + 1;
        *strrchr(text, ']') = '\0';
    }
    tgv_json_set(object, ip_key, tgv_json_new_str(ip));
    tgv_json_set(object, port_key, tgv_json_new_int(a->port));
}

/* As bytes, since it means nothing as a number. */
static void set_query_id(struct tgv_json *object, uint64_t id)
{
    uint8_t bytes[QUERY_ID_LEN];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(id >> (8 * i));
    tgv_json_set(object, "query_id", tgv_json_new_hex(bytes, sizeof bytes));
}

struct tgv_json *tgv_fields_control(const struct tgv_control *m,
                                    const uint8_t *pkt, size_t len)
{
    struct tgv_json *j = tgv_json_object();

    tgv_json_set(j, "tag", tgv_json_new_hex(m->tag, sizeof m->tag));
    if (m->kind != TGV_CONTROL_REGISTER)
        tgv_fields_set_hex32(j, "tlid", m->tl_id);
    tgv_json_set(j, "name", tgv_json_new_str(tgv_control_kind_str(m->kind)));
    switch (m->kind) {
    case TGV_CONTROL_PING:
        set_query_id(j, m->query_id);
        break;
    case TGV_CONTROL_SELF_INFO:
        tgv_json_set(j, "date", tgv_json_new_int(m->date));
        set_query_id(j, m->query_id);
        tgv_json_set(j, "ip16",
                     tgv_json_new_hex(pkt + SELF_INFO_IP, SELF_INFO_IP_LEN));
        tgv_json_set(j, "port", tgv_json_new_int(m->self.port));
        break;
    case TGV_CONTROL_PEER_INFO:
    case TGV_CONTROL_PEER_INFO_IPV6:
        tgv_fields_set_ip(j, "my_ip", "my_port", &m->self);
        tgv_fields_set_ip(j, "peer_ip", "peer_port", &m->peer);
        break;
    case TGV_CONTROL_UNKNOWN:
    case TGV_CONTROL_MALFORMED:
        tgv_json_set(
            j, "rest",
            tgv_json_new_hex(pkt + TGV_TAG_BYTES, len - TGV_TAG_BYTES));
        break;
    default:
        break;
    }
    return j;
}

static void set_type(struct tgv_json *j, const struct tgv_header *h)
{
    tgv_json_set(j, "type", tgv_json_new_int(h->type));
    tgv_json_set(j, "name", tgv_json_new_str(tgv_packet_type_str(h->type)));
}

static void set_acks(struct tgv_json *j, const struct tgv_header *h)
{
    tgv_json_set(j, "ack", tgv_json_new_int(h->ack));
    tgv_json_set(j, "seq", tgv_json_new_int(h->seq));
    tgv_fields_set_hex32(j, "mask", h->mask);
}

static void set_tl_start(struct tgv_json *j, const struct tgv_header *h,
                         uint32_t constructor)
{
    tgv_fields_set_hex32(j, "tl", constructor);
    tgv_json_set(j, "random_id",
                 tgv_json_new_hex(h->random_id, sizeof h->random_id));
    tgv_json_set(j, "random_len", tgv_json_new_int((int64_t)h->random_len));
}

static void set_proto(struct tgv_json *j, uint32_t proto)
{
    char text[5] = {(char)(proto & 0x7F), (char)(proto >> 8 & 0x7F),
                    (char)(proto >> 16 & 0x7F), (char)(proto >> 24 & 0x7F)};

    if (proto == TGV_PROTO_WORD)
        tgv_json_set(j, "proto", tgv_json_new_str(text));
    else
        tgv_fields_set_hex32(j, "proto", proto);
}

static void set_full(struct tgv_json *j, const struct tgv_header *h)
{
    set_tl_start(j, h, TGV_TL_DECRYPTED_AUDIO_BLOCK);
    tgv_json_set(j, "format", tgv_json_new_str("decryptedAudioBlock"));
    tgv_fields_set_hex32(j, "pflags", h->flags);
    set_type(j, h);
    if (h->has_call_id)
        tgv_json_set(j, "call_id",
                     tgv_json_new_hex(h->call_id, sizeof h->call_id));
    set_acks(j, h);
    if (h->has_proto)
        set_proto(j, h->proto);
    tgv_json_set(j, "data_len", tgv_json_new_int((int64_t)h->data_len));
    /* of the other two forms: this one has no such byte */
    tgv_json_set(j, "flags", tgv_json_new_int(0));
}

static void set_extras(struct tgv_json *j, const struct tgv_header *h)
{
    struct tgv_json *list;

    if (h->extra_count == 0)
        return;
    list = tgv_json_array();
    for (unsigned i = 0; i < h->extra_count; i++) {
        struct tgv_json *x = tgv_json_object();

        tgv_fields_extra(x, &h->extras[i]);
        tgv_json_append(list, x);
    }
    tgv_json_set(j, "extras", list);
}

static struct tgv_json *header_fields(const struct tgv_header *h)
{
    struct tgv_json *j = tgv_json_object();

    if (h->form == TGV_HEADER_FULL) {
        set_full(j, h);
        return j;
    }
    if (h->form == TGV_HEADER_SIMPLE) {
        set_tl_start(j, h, TGV_TL_SIMPLE_AUDIO_BLOCK);
        tgv_json_set(j, "format", tgv_json_new_str("simpleAudioBlock"));
        tgv_json_set(j, "data_len", tgv_json_new_int((int64_t)h->data_len));
    } else {
        tgv_json_set(j, "format", tgv_json_new_str("short"));
    }
    set_type(j, h);
    set_acks(j, h);
    if (h->form == TGV_HEADER_SHORT || h->has_flags)
        tgv_json_set(j, "flags", tgv_json_new_int(h->flags));
    set_extras(j, h);
    if (h->has_recv_ts)
        tgv_json_set(j, "recv_ts", tgv_json_new_int(h->recv_ts));
    return j;
}

/* One reading of the packet; NULL if not even the header can be read. */
static struct tgv_json *read_packet(enum tgv_header_form form, bool flags,
                                    const uint8_t *inner, size_t len,
                                    const char **error, uint32_t *version)
{
    struct tgv_header h;
    struct tgv_json *j, *payload;
    const uint8_t *p;
    size_t n;

    *version = 0;
    *error = "header is malformed";
    if (tgv_header_decode(&h, form, flags, inner, len, &p, &n))
        return NULL;
    j = header_fields(&h);
    payload = tgv_json_object();
    *error = NULL;
    if (tgv_fields_body(payload, h.type, p, n, version)) {
        *error = "payload is malformed";
        tgv_json_set(payload, "rest", tgv_json_new_hex(p, n));
    }
    tgv_json_set(j, "payload", payload);
    return j;
}

struct tgv_json *tgv_fields_packet(uint32_t receiver_version,
                                   bool envelope_short, const uint8_t *inner,
                                   size_t len, const char **error,
                                   uint32_t *version)
{
    const enum tgv_header_form form =
        tgv_header_form_of(envelope_short, inner, len);
    const bool flags =
        receiver_version == 0 || receiver_version >= TGV_PV_EXTRAS;
    struct tgv_json *j = read_packet(form, flags, inner, len, error, version);
    struct tgv_json *other;
    const char *other_error;
    uint32_t other_version;

    if (!*error || form != TGV_HEADER_SIMPLE)
        return j;
    other = read_packet(form, !flags, inner, len, &other_error, &other_version);
    if (other_error) {
        tgv_json_free(other);
        return j;
    }
    tgv_json_free(j);
    *error = NULL;
    *version = other_version;
    return other;
}
