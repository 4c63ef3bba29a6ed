/* SPDX-License-Identifier: MIT */
#include "inspect/inspect.h"

#include "crypto/seal.h"
#include "crypto/secret.h"
#include "inspect/fields.h"
#include "inspect/text.h"
#include "inspect/verdict.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* What stands in a sealed body around the ciphertext and in the clear text. */
#define HEAD_SHORT 16
#define HEAD_LONG 24
#define LENGTH_SHORT 2
#define LENGTH_LONG 4

struct tgv_inspect {
    struct tgv_seal *caller, *callee; /* as that end opens */
    uint32_t caller_version, callee_version; /* announced, 0 = not yet */
    struct tgv_verdict verdict;
    struct tgv_trace_packet packet;
    enum tgv_prefix prefix; /* of packet */
    uint8_t clear[TGV_TRACE_WIRE_MAX];
};

int tgv_inspect_create(struct tgv_inspect **out, const uint8_t key[256])
{
    struct tgv_inspect *in = calloc(1, sizeof *in);

    *out = NULL;
    if (!in)
        return TGVOIP_ERR_NOMEM;
    if (tgv_seal_create(&in->caller, key, true) ||
        tgv_seal_create(&in->callee, key, false)) {
        tgv_inspect_destroy(in);
        return TGVOIP_ERR_NOMEM;
    }
    tgv_verdict_init(&in->verdict);
    *out = in;
    return 0;
}

void tgv_inspect_destroy(struct tgv_inspect *in)
{
    if (!in)
        return;
    tgv_seal_destroy(in->caller);
    tgv_seal_destroy(in->callee);
    tgv_wipe(in, sizeof *in);
    free(in);
}

static const char *prefix_str(enum tgv_prefix p)
{
    switch (p) {
    case TGV_PREFIX_TAG:
        return "tag";
    case TGV_PREFIX_CALL_ID:
        return "call_id";
    case TGV_PREFIX_NONE:
        break;
    }
    return "none";
}

static const char *crypto_str(enum tgv_envelope e)
{
    switch (e) {
    case TGV_ENVELOPE_V2_SHORT:
        return "mtp2-short";
    case TGV_ENVELOPE_V2_LONG:
        return "mtp2-long";
    case TGV_ENVELOPE_V1:
        return "mtp1";
    }
    return "?";
}

static bool has_call_id(const struct tgv_inspect *in, const uint8_t *wire,
                        size_t len)
{
    return len >= TGV_CALL_ID_BYTES &&
           tgv_equal(wire, tgv_seal_call_id(in->caller), TGV_CALL_ID_BYTES);
}

static enum tgv_prefix prefix_of(const struct tgv_inspect *in)
{
    const struct tgv_trace_packet *p = &in->packet;

    if (p->path != TGV_TRACE_P2P)
        return TGV_PREFIX_TAG;
    return has_call_id(in, p->wire, p->wire_len) ? TGV_PREFIX_CALL_ID
                                                 : TGV_PREFIX_NONE;
}

/* -- the object ---------------------------------------------------------- */

static void copy_text(struct tgv_json *to, const struct tgv_json *line,
                      const char *key)
{
    const char *text = tgv_json_str(tgv_json_get(line, key));

    if (text)
        tgv_json_set(to, key, tgv_json_new_str(text));
}

/* A number as it was, whole or not. */
static void copy_number(struct tgv_json *to, const struct tgv_json *line,
                        const char *key)
{
    const struct tgv_json *j = tgv_json_get(line, key);
    int64_t whole;
    double real;

    if (tgv_json_int(j, &whole))
        tgv_json_set(to, key, tgv_json_new_int(whole));
    else if (tgv_json_real(j, &real))
        tgv_json_set(to, key, tgv_json_new_real(real));
}

static struct tgv_json *outer_fields(const struct tgv_trace_packet *p)
{
    struct tgv_json *j = tgv_json_object();

    copy_number(j, p->line, "t_ms");
    tgv_json_set(j, "from", tgv_json_new_str(tgv_trace_from_str(p->from)));
    copy_text(j, p->line, "to");
    tgv_json_set(j, "path", tgv_json_new_str(tgv_trace_path_str(p->path)));
    copy_text(j, p->line, "src");
    copy_text(j, p->line, "dst");
    copy_text(j, p->line, "fate");
    copy_number(j, p->line, "relay_delay_ms");
    tgv_json_set(j, "wire", tgv_json_new_hex(p->wire, p->wire_len));
    return j;
}

/* -- what is in the datagram --------------------------------------------- */

static void fail(struct tgv_inspected *out, struct tgv_text *t,
                 const char *error)
{
    out->failed = true;
    tgv_json_set(out->json, "error", tgv_json_new_str(error));
    tgv_text_add(t, "%sFAILED: %s", t->data[t->len - 1] == ' ' ? "" : " ",
                 error);
}

static void inspect_control(const struct tgv_trace_packet *p,
                            struct tgv_inspected *out, struct tgv_text *t)
{
    struct tgv_control m;

    tgv_control_decode(&m, p->wire, p->wire_len);
    tgv_json_set(out->json, "inner", tgv_json_new_null());
    if (m.kind == TGV_CONTROL_NONE) {
        fail(out, t, "no message of a relay");
        return;
    }
    tgv_json_set(out->json, "parsed",
                 tgv_fields_control(&m, p->wire, p->wire_len));
    tgv_text_control(t, &m);
    if (m.kind == TGV_CONTROL_MALFORMED)
        fail(out, t, "message is too short");
}

/* Padding: what follows the inner packet in the clear text. */
static void set_padding(struct tgv_json *j, const struct tgv_opened *o,
                        size_t body_len)
{
    const bool is_short = o->envelope == TGV_ENVELOPE_V2_SHORT;
    const size_t around =
        is_short ? HEAD_SHORT + LENGTH_SHORT : HEAD_LONG + LENGTH_LONG;

    tgv_json_set(
        j, "padding",
        tgv_json_new_hex(o->inner + o->len, body_len - around - o->len));
}

static void inspect_inner(struct tgv_inspect *in, const struct tgv_opened *o,
                          struct tgv_inspected *out, struct tgv_text *t)
{
    const bool by_caller = in->packet.from == TGV_TRACE_CALLER;
    const uint32_t receiver_version =
        by_caller ? in->callee_version : in->caller_version;
    uint32_t version;
    const char *error;
    struct tgv_json *parsed = tgv_fields_packet(
        receiver_version, o->envelope == TGV_ENVELOPE_V2_SHORT, o->inner,
        o->len, &error, &version);

    if (version && by_caller)
        in->caller_version = version;
    else if (version)
        in->callee_version = version;
    tgv_text_packet(t, parsed);
    if (parsed || !error) /* no error and no object: memory was short */
        tgv_json_set(out->json, "parsed", parsed);
    if (o->envelope != TGV_ENVELOPE_V2_SHORT)
        tgv_text_add(t, " (%s)", crypto_str(o->envelope));
    if (error)
        fail(out, t, error);
}

static void inspect_sealed(struct tgv_inspect *in, struct tgv_inspected *out,
                           struct tgv_text *t)
{
    const struct tgv_trace_packet *p = &in->packet;
    const size_t skip = in->prefix == TGV_PREFIX_NONE ? 0 : TGV_TAG_BYTES;
    struct tgv_seal *receiver =
        p->from == TGV_TRACE_CALLER ? in->callee : in->caller;
    struct tgv_opened opened;

    tgv_json_set(out->json, "prefix", tgv_json_new_str(prefix_str(in->prefix)));
    if (p->wire_len < skip || p->wire_len - skip < TGV_BODY_MIN) {
        tgv_json_set(out->json, "inner", tgv_json_new_null());
        fail(out, t, "too short for an encrypted packet");
        return;
    }
    if (tgv_seal_open(receiver, true, p->wire + skip, p->wire_len - skip,
                      in->clear, sizeof in->clear, &opened)) {
        tgv_json_set(out->json, "inner", tgv_json_new_null());
        fail(out, t,
             "cannot be decrypted (wrong key, wrong direction or damaged)");
        return;
    }
    tgv_json_set(out->json, "crypto",
                 tgv_json_new_str(crypto_str(opened.envelope)));
    tgv_json_set(out->json, "inner",
                 tgv_json_new_hex(opened.inner, opened.len));
    set_padding(out->json, &opened, p->wire_len - skip);
    inspect_inner(in, &opened, out, t);
}

static bool is_control(const struct tgv_trace_packet *p)
{
    return p->from == TGV_TRACE_RELAY ||
           (p->path == TGV_TRACE_RELAY_UDP &&
            (tgv_control_is(p->wire, p->wire_len) ||
             p->wire_len == TGV_TAG_BYTES));
}

/* in->packet and in->prefix are set; frees the former's line. */
static void inspect_packet(struct tgv_inspect *in, struct tgv_inspected *out)
{
    struct tgv_trace_packet *p = &in->packet;
    const char *fate = tgv_json_str(tgv_json_get(p->line, "fate"));
    const bool control = is_control(p);
    struct tgv_text t;

    out->failed = false;
    out->from = p->from;
    out->json = outer_fields(p);
    tgv_text_start(&t, out->text, sizeof out->text, p);
    if (control)
        inspect_control(p, out, &t);
    else
        inspect_sealed(in, out, &t);
    if (fate)
        tgv_text_add(&t, " (%s)", fate);
    tgv_verdict_add(&in->verdict, p->from, p->t_ms, p->wire_len, out->json,
                    control, out->failed, fate != NULL);
    tgv_json_free(p->line);
    p->line = NULL;
}

int tgv_inspect_line(struct tgv_inspect *in, const char *line, size_t len,
                     struct tgv_inspected *out, struct tgvoip_failure *failure)
{
    int err = tgv_trace_read(&in->packet, line, len, failure);

    out->json = NULL;
    out->failed = false;
    out->text[0] = '\0';
    if (err)
        return err;
    in->prefix = prefix_of(in);
    inspect_packet(in, out);
    return 0;
}

/* -- captures -------------------------------------------------------------- */

/* Does it open in this direction? */
static bool opens(struct tgv_inspect *in, struct tgv_seal *receiver,
                  const struct tgv_sighting *s, size_t skip)
{
    struct tgv_opened opened;

    return s->len >= skip + TGV_BODY_MIN &&
           !tgv_seal_open(receiver, true, s->wire + skip, s->len - skip,
                          in->clear, sizeof in->clear, &opened);
}

bool tgv_inspect_identify(struct tgv_inspect *in, struct tgv_sighting *s)
{
    static const size_t skips[] = {TGV_TAG_BYTES, 0};

    for (size_t i = 0; i < sizeof skips / sizeof *skips; i++) {
        const bool by_caller = opens(in, in->callee, s, skips[i]);

        if (!by_caller && !opens(in, in->caller, s, skips[i]))
            continue;
        s->from = by_caller ? TGV_TRACE_CALLER : TGV_TRACE_CALLEE;
        s->prefix = !skips[i]                          ? TGV_PREFIX_NONE
                    : has_call_id(in, s->wire, s->len) ? TGV_PREFIX_CALL_ID
                                                       : TGV_PREFIX_TAG;
        return true;
    }
    return false;
}

static void set_address(struct tgv_json *j, const char *key,
                        const struct tgv_addr *a)
{
    char text[TGV_ADDR_TEXT];

    tgv_json_set(j, key,
                 tgv_json_new_str(tgv_addr_format(a, text, sizeof text)));
}

int tgv_inspect_sighting(struct tgv_inspect *in, const struct tgv_sighting *s,
                         struct tgv_inspected *out)
{
    struct tgv_trace_packet *p = &in->packet;

    out->json = NULL;
    out->failed = false;
    out->text[0] = '\0';
    p->line = tgv_json_object();
    if (!p->line || s->len > sizeof p->wire) {
        tgv_json_free(p->line);
        p->line = NULL;
        return TGVOIP_ERR_NOMEM;
    }
    tgv_json_set(p->line, "t_ms", tgv_json_new_real(s->t_ms));
    if (s->to != TGV_TRACE_UNKNOWN)
        tgv_json_set(p->line, "to",
                     tgv_json_new_str(tgv_trace_from_str(s->to)));
    set_address(p->line, "src", &s->src);
    set_address(p->line, "dst", &s->dst);
    p->t_ms = s->t_ms;
    p->from = s->from;
    p->path = s->prefix == TGV_PREFIX_TAG ? TGV_TRACE_RELAY_UDP : TGV_TRACE_P2P;
    p->wire_len = s->len;
    memcpy(p->wire, s->wire, s->len);
    in->prefix = s->prefix;
    inspect_packet(in, out);
    return 0;
}

void tgv_inspect_other(struct tgv_inspect *in, bool of_relay)
{
    in->verdict.other++;
    in->verdict.other_of_relay += of_relay;
}

const struct tgv_verdict *tgv_inspect_verdict(const struct tgv_inspect *in)
{
    return &in->verdict;
}
