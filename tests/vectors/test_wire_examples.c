/* SPDX-License-Identifier: MIT */
/* rooms: crypto wire json base */
/* data/wire-examples.json against crypto and wire, both ways. Its lists `tcp`,
 * `socks5`, `relay_forwarding`, `ack_masks`, `aes_ige` and `kdf` are read by
 * the tests of those subjects. */
#include "base/addr.h"
#include "base/seq.h"
#include "crypto/seal.h"
#include "wire/control.h"
#include "wire/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vector_json.h"
#include "support/wire_again.h"

#include <tgvoip/error.h>

static struct {
    struct tgv_json *file;
    struct tgv_seal *caller, *callee;
} g;

static int load(void **state)
{
    struct vector_bytes key;
    size_t len;
    char *text = vector_read(TEST_DATA "/wire-examples.json", &len);
    (void)state;

    g.file = vector_parse(text, len);
    free(text);
    vector_hex(g.file, "key", &key);
    assert_int_equal(key.len, TGV_KEY_BYTES);
    assert_int_equal(tgv_seal_create(&g.caller, key.data, true), 0);
    assert_int_equal(tgv_seal_create(&g.callee, key.data, false), 0);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tgv_seal_destroy(g.caller);
    tgv_seal_destroy(g.callee);
    tgv_json_free(g.file);
    return 0;
}

static struct tgv_seal *end_called(const char *name)
{
    return strcmp(name, "caller") == 0 ? g.caller : g.callee;
}

static enum tgv_envelope envelope_called(const char *name)
{
    for (int e = 0; e <= TGV_ENVELOPE_V1; e++) {
        if (!strcmp(name, tgv_envelope_str((enum tgv_envelope)e)))
            return (enum tgv_envelope)e;
    }
    fail_msg("envelope %s", name);
    return TGV_ENVELOPE_V1;
}

static enum tgv_header_form form_called(const char *name)
{
    if (!strcmp(name, "decryptedAudioBlock"))
        return TGV_HEADER_FULL;
    return strcmp(name, "short") ? TGV_HEADER_SIMPLE : TGV_HEADER_SHORT;
}

/* Members of `fields`: what they are compared with. */

static void check_header_fields(const struct tgv_json *f,
                                const struct tgv_header *h)
{
    const struct tgv_json *extras = tgv_json_get(f, "extras");
    struct vector_bytes data;
    int64_t v;
    char mask[9];

    assert_int_equal(h->type, vector_int(f, "type"));
    assert_int_equal(h->ack, vector_int(f, "ack"));
    assert_int_equal(h->seq, vector_int(f, "seq"));
    snprintf(mask, sizeof mask, "%08x", h->mask);
    assert_string_equal(mask, vector_str(f, "mask"));
    if (tgv_json_int(tgv_json_get(f, "flags"), &v))
        assert_int_equal((h->extra_count ? 1 : 0) | (h->has_recv_ts ? 2 : 0),
                         v);
    assert_int_equal(h->has_recv_ts, tgv_json_get(f, "recv_ts") != NULL);
    if (h->has_recv_ts)
        assert_int_equal(h->recv_ts, vector_int(f, "recv_ts"));
    assert_int_equal(h->extra_count, tgv_json_len(extras));
    for (unsigned i = 0; i < h->extra_count; i++) {
        const struct tgv_json *x = tgv_json_at(extras, i);

        assert_int_equal(h->extras[i].type, vector_int(x, "type"));
        vector_hex(x, "data", &data);
        vector_assert_bytes(&data, h->extras[i].data, h->extras[i].len);
    }
}

static void check_init_fields(const struct tgv_json *f, const uint8_t *p,
                              size_t len)
{
    struct tgv_init m;

    assert_int_equal(tgv_init_decode(&m, p, len), 0);
    assert_int_equal(m.version, vector_int(f, "protocol"));
    assert_int_equal(m.min_version, vector_int(f, "min_protocol"));
    assert_int_equal(m.flags, vector_int(f, "init_flags"));
}

static void check_init_ack_fields(const struct tgv_json *f, const uint8_t *p,
                                  size_t len)
{
    const struct tgv_json *streams = tgv_json_get(f, "streams");
    struct tgv_init_ack m;

    assert_int_equal(tgv_init_ack_decode(&m, p, len), 0);
    assert_int_equal(m.version, vector_int(f, "protocol"));
    assert_int_equal(m.min_version, vector_int(f, "min_protocol"));
    assert_int_equal(m.stream_count, tgv_json_len(streams));
    for (unsigned i = 0; i < m.stream_count; i++) {
        const struct tgv_json *s = tgv_json_at(streams, i);

        assert_int_equal(m.streams[i].id, vector_int(s, "id"));
        assert_int_equal(m.streams[i].type, vector_int(s, "type"));
        assert_string_equal(vector_str(s, "codec"), "OPUS");
        assert_int_equal(m.streams[i].codec, TGV_CODEC_OPUS);
        assert_int_equal(m.streams[i].frame_ms, vector_int(s, "frame_ms"));
        assert_int_equal(m.streams[i].enabled, vector_int(s, "enabled"));
    }
}

static void check_stream_fields(const struct tgv_json *f, const uint8_t *p,
                                size_t len)
{
    const struct tgv_json *fec = tgv_json_get(f, "fec_pts");
    struct tgv_stream_data m;
    size_t used;

    assert_int_equal(tgv_stream_data_decode(&m, p, len, &used), 0);
    assert_int_equal(used, len);
    if (tgv_json_get(f, "stream")) {
        assert_int_equal(m.stream_id, vector_int(f, "stream"));
        assert_int_equal(m.pts, vector_int(f, "pts"));
        assert_int_equal(m.data.len, vector_int(f, "len"));
    }
    assert_int_equal(m.fec_count, tgv_json_len(fec));
    for (unsigned i = 0; i < m.fec_count; i++) {
        int64_t pts;

        assert_true(tgv_json_int(tgv_json_at(fec, i), &pts));
        assert_int_equal(m.pts - (m.fec_count - 1 - i) * TGV_FRAME_MS, pts);
    }
}

/* Every name of `fields` is one that is compared above. */
static void check_field_is_known(void *ctx, const char *key,
                                 const struct tgv_json *value)
{
    static const char *const known[] = {
        "type",    "ack",     "seq",      "mask",         "flags",
        "extras",  "recv_ts", "protocol", "min_protocol", "init_flags",
        "streams", "stream",  "pts",      "len",          "fec_pts"};
    (void)ctx;
    (void)value;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(key, known[i]))
            return;
    }
    fail_msg("field %s", key);
}

static void check_body_fields(const struct tgv_json *f, unsigned type,
                              const uint8_t *p, size_t len)
{
    tgv_json_each(f, check_field_is_known, NULL);
    if (tgv_json_get(f, "init_flags"))
        check_init_fields(f, p, len);
    if (tgv_json_get(f, "streams"))
        check_init_ack_fields(f, p, len);
    if (type == TGV_PKT_STREAM_DATA)
        check_stream_fields(f, p, len);
}

/* The one INIT_ACK that is not for us: an end of version 9 wrote it for one of
 * version 3, which reads codecs of one byte whatever the packet says. */
static size_t init_ack_for_version_3(uint8_t *out, size_t cap)
{
    const struct tgv_init_ack m = {
        .version = 9,
        .min_version = 3,
        .stream_count = 1,
        .streams = {{1, TGV_STREAM_TYPE_AUDIO, TGV_CODEC_OPUS, 60, true}}};
    size_t n;

    assert_int_equal(tgv_init_ack_encode(&m, 3, out, cap, &n), 0);
    return n;
}

static void check_inner(const struct tgv_json *v,
                        const struct tgv_opened *opened)
{
    const struct tgv_json *f = tgv_json_get(v, "fields");
    const enum tgv_header_form form = tgv_header_form_of(
        opened->envelope == TGV_ENVELOPE_V2_SHORT, opened->inner, opened->len);
    struct vector_bytes payload;
    struct tgv_header h;
    uint8_t body[VECTOR_BYTES_MAX], again[VECTOR_BYTES_MAX];
    const uint8_t *p;
    size_t n, len;

    assert_int_equal(form, form_called(vector_str(v, "header")));
    /* peers below version 6 get no flag byte */
    assert_int_equal(tgv_header_decode(&h, form,
                                       !strstr(vector_str(v, "name"), "_v3"),
                                       opened->inner, opened->len, &p, &n),
                     0);
    vector_hex(v, "payload", &payload);
    vector_assert_bytes(&payload, p, n);
    if (f)
        check_header_fields(f, &h);
    if (h.form == TGV_HEADER_FULL) {
        assert_true(h.has_call_id && h.has_proto);
        assert_memory_equal(h.call_id, tgv_seal_call_id(g.caller), 16);
        assert_int_equal(h.proto, TGV_PROTO_WORD);
    }
    if (strstr(vector_str(v, "name"), "init_ack_caller_relay_to_v3")) {
        struct tgv_init_ack m;

        assert_int_equal(tgv_init_ack_decode(&m, p, n), TGVOIP_ERR_FORMAT);
        n = init_ack_for_version_3(body, sizeof body);
    } else {
        if (f)
            check_body_fields(f, h.type, p, n);
        n = wire_again_body(h.type, p, n, body, sizeof body);
    }
    vector_assert_bytes(&payload, body, n);
    assert_int_equal(tgv_packet_encode(&h, body, n, again, sizeof again, &len),
                     0);
    assert_int_equal(len, opened->len);
    assert_memory_equal(again, opened->inner, len);
}

static void test_wire_examples_packets_both_ways(void **state)
{
    const struct tgv_json *list = tgv_json_get(g.file, "packets");
    uint8_t pad[64];
    (void)state;

    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] = (uint8_t)(0xA0 + i);
    assert_true(tgv_json_len(list) >= 29);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        const bool by_caller = !strcmp(vector_str(v, "sender"), "caller");
        const enum tgv_envelope e = envelope_called(vector_str(v, "envelope"));
        struct vector_random bytes = {pad, sizeof pad};
        const struct tgv_random random = {vector_random_fill, &bytes};
        struct vector_bytes prefix, inner, datagram;
        uint8_t buf[VECTOR_BYTES_MAX];
        struct tgv_opened opened;
        size_t len;

        print_message("%s\n", vector_str(v, "name"));
        vector_hex(v, "prefix", &prefix);
        vector_hex(v, "inner", &inner);
        vector_hex(v, "datagram", &datagram);
        assert_int_equal(
            tgv_seal_open(by_caller ? g.callee : g.caller, e == TGV_ENVELOPE_V1,
                          datagram.data + prefix.len, datagram.len - prefix.len,
                          buf, sizeof buf, &opened),
            0);
        assert_int_equal(opened.envelope, e);
        vector_assert_bytes(&inner, opened.inner, opened.len);
        check_inner(v, &opened);
        assert_int_equal(tgv_seal_encode(by_caller ? g.caller : g.callee, e,
                                         inner.data, inner.len, &random, buf,
                                         sizeof buf, &len),
                         0);
        assert_int_equal(len + prefix.len, datagram.len);
        assert_memory_equal(buf, datagram.data + prefix.len, len);
    }
}

/* What is left to the parser of an authentic packet. */
static void check_negative_inner(const char *name,
                                 const struct tgv_opened *opened)
{
    struct tgv_header h;
    struct tgv_stream_data m;
    const uint8_t *p;
    size_t n, used;
    int err = tgv_header_decode(&h, TGV_HEADER_SHORT, false, opened->inner,
                                opened->len, &p, &n);

    if (!strcmp(name, "stream_data_length_over_end")) {
        assert_int_equal(err, 0);
        assert_int_equal(tgv_stream_data_decode(&m, p, n, &used),
                         TGVOIP_ERR_FORMAT);
    } else if (!strcmp(name, "fec_truncated")) {
        assert_int_equal(err, 0);
        assert_int_equal(tgv_stream_data_decode(&m, p, n, &used), 0);
        assert_true(m.fec_truncated);
        assert_int_equal(m.fec_count, 0);
        assert_true(m.data.len > 0);
    } else {
        assert_int_equal(err, TGVOIP_ERR_FORMAT);
    }
}

static void test_wire_examples_negative_are_rejected(void **state)
{
    const struct tgv_json *list = tgv_json_get(g.file, "negative");
    (void)state;

    assert_true(tgv_json_len(list) >= 17);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        struct vector_bytes prefix, datagram;
        uint8_t buf[VECTOR_BYTES_MAX];
        struct tgv_opened opened;
        bool decrypts;
        int err;

        print_message("%s\n", vector_str(v, "name"));
        vector_hex(v, "expected_prefix", &prefix);
        vector_hex(v, "datagram", &datagram);
        assert_true(tgv_json_bool(tgv_json_get(v, "decrypts"), &decrypts));
        if (memcmp(prefix.data, datagram.data, prefix.len) != 0) {
            assert_string_equal(vector_str(v, "name"), "bad_tag");
            continue;
        }
        err =
            tgv_seal_open(end_called(vector_str(v, "receiver")), false,
                          datagram.data + prefix.len, datagram.len - prefix.len,
                          buf, sizeof buf, &opened);
        assert_int_equal(err, decrypts ? 0 : TGVOIP_ERR_AUTH);
        if (decrypts)
            check_negative_inner(vector_str(v, "name"), &opened);
    }
}

static void check_address(const struct tgv_json *f, const char *key,
                          const struct tgv_addr *a)
{
    const char *expected = tgv_json_str(tgv_json_get(f, key));
    char text[TGV_ADDR_TEXT];

    if (expected)
        assert_string_equal(tgv_addr_format(a, text, sizeof text), expected);
}

static void check_reflector_fields(const struct tgv_json *f,
                                   const struct tgv_control *m)
{
    const char *ip = tgv_json_str(tgv_json_get(f, "my_ip"));
    struct vector_bytes query;
    struct tgv_addr self;
    int64_t v;

    if (tgv_json_get(f, "query_id_bytes")) {
        vector_hex(f, "query_id_bytes", &query);
        assert_int_equal(query.len, 8);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal((m->query_id >> (8 * i)) & 0xFF, query.data[i]);
    }
    if (tgv_json_int(tgv_json_get(f, "date"), &v))
        assert_int_equal(m->date, v);
    if (ip) {
        if (!strncmp(ip, "::ffff:", 7))
            ip += 7;
        assert_true(
            tgv_addr_parse_ip(ip, (uint16_t)vector_int(f, "my_port"), &self));
        assert_true(tgv_addr_equal(&self, &m->self));
    }
    check_address(f, "my", &m->self);
    check_address(f, "peer", &m->peer);
}

static void test_wire_examples_reflector_both_ways(void **state)
{
    static const struct {
        const char *name;
        enum tgv_control_kind kind;
    } kinds[] = {
        {"udp_ping_request", TGV_CONTROL_PING},
        {"self_info_reply_v4", TGV_CONTROL_SELF_INFO},
        {"self_info_reply_v6", TGV_CONTROL_SELF_INFO},
        {"peer_info_request", TGV_CONTROL_PEER_REQUEST},
        {"peer_info_reply_v4", TGV_CONTROL_PEER_INFO},
        {"peer_info_reply_v6", TGV_CONTROL_PEER_INFO_IPV6},
        {"tag_only", TGV_CONTROL_REGISTER},
    };
    const struct tgv_json *list = tgv_json_get(g.file, "reflector");
    (void)state;

    assert_int_equal(tgv_json_len(list), sizeof kinds / sizeof *kinds);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        struct vector_bytes datagram, tag;
        uint8_t again[TGV_CONTROL_MAX];
        struct tgv_control m;
        size_t len;

        assert_string_equal(vector_str(v, "name"), kinds[i].name);
        vector_hex(v, "datagram", &datagram);
        vector_hex(g.file, "tag_caller", &tag);
        tgv_control_decode(&m, datagram.data, datagram.len);
        assert_int_equal(m.kind, kinds[i].kind);
        vector_assert_bytes(&tag, m.tag, sizeof m.tag);
        check_reflector_fields(tgv_json_get(v, "fields"), &m);
        assert_int_equal(tgv_control_encode(&m, again, sizeof again, &len), 0);
        vector_assert_bytes(&datagram, again, len);
    }
}

static void test_wire_examples_sequence_comparison(void **state)
{
    const struct tgv_json *list = tgv_json_get(g.file, "seqgt");
    (void)state;

    assert_true(tgv_json_len(list) >= 11);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        bool gt;

        assert_true(tgv_json_bool(tgv_json_get(v, "gt"), &gt));
        assert_int_equal(tgv_seq_gt((uint32_t)vector_int(v, "a"),
                                    (uint32_t)vector_int(v, "b")),
                         gt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_examples_packets_both_ways),
        cmocka_unit_test(test_wire_examples_negative_are_rejected),
        cmocka_unit_test(test_wire_examples_reflector_both_ways),
        cmocka_unit_test(test_wire_examples_sequence_comparison),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
