/* SPDX-License-Identifier: MIT */
/* rooms: crypto wire json base */
/* data/trace-relay-setup.jsonl, six seconds of a real call, datagram by
 * datagram: opened, decoded, compared, encoded and sealed again. What names
 * its fields is tested in test_inspect_trace.c. */
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

static struct {
    struct tgv_seal *caller, *callee;
    char *text;
    size_t len;
} g;

static int load(void **state)
{
    struct vector_bytes key;
    size_t len;
    char *text = vector_read(TEST_DATA "/crypto.json", &len);
    struct tgv_json *j = vector_parse(text, len);
    (void)state;

    free(text);
    vector_hex(j, "key", &key);
    tgv_json_free(j);
    assert_int_equal(key.len, TGV_KEY_BYTES);
    assert_int_equal(tgv_seal_create(&g.caller, key.data, true), 0);
    assert_int_equal(tgv_seal_create(&g.callee, key.data, false), 0);
    g.text = vector_read(TEST_DATA "/trace-relay-setup.jsonl", &g.len);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tgv_seal_destroy(g.caller);
    tgv_seal_destroy(g.callee);
    free(g.text);
    return 0;
}

static void check_control(const struct tgv_json *line,
                          const struct vector_bytes *wire)
{
    const struct tgv_json *parsed = tgv_json_get(line, "parsed");
    uint8_t again[TGV_CONTROL_MAX];
    struct vector_bytes tag;
    struct tgv_control m;
    char tl_id[9];
    size_t len;

    assert_true(tgv_control_is(wire->data, wire->len));
    tgv_control_decode(&m, wire->data, wire->len);
    assert_string_equal(tgv_control_kind_str(m.kind),
                        vector_str(parsed, "name"));
    vector_hex(parsed, "tag", &tag);
    vector_assert_bytes(&tag, m.tag, sizeof m.tag);
    snprintf(tl_id, sizeof tl_id, "%08x", m.tl_id);
    assert_string_equal(tl_id, vector_str(parsed, "tlid"));
    if (m.kind == TGV_CONTROL_SELF_INFO) {
        assert_int_equal(m.date, vector_int(parsed, "date"));
        assert_int_equal(m.self.port, vector_int(parsed, "port"));
        assert_int_equal(m.self.family, TGV_AF_IPV4);
    }
    assert_int_equal(tgv_control_encode(&m, again, sizeof again, &len), 0);
    vector_assert_bytes(wire, again, len);
}

static void check_body(const struct tgv_json *payload, unsigned type,
                       const uint8_t *p, size_t len)
{
    const struct tgv_json *frame =
        tgv_json_at(tgv_json_get(payload, "frames"), 0);
    struct tgv_stream_data m;
    struct tgv_init init;
    uint32_t ping_seq;
    size_t used;

    if (type == TGV_PKT_STREAM_DATA) {
        assert_int_equal(tgv_stream_data_decode(&m, p, len, &used), 0);
        assert_int_equal(used, len);
        assert_int_equal(m.stream_id, vector_int(frame, "stream"));
        assert_int_equal(m.pts, vector_int(frame, "pts"));
        assert_int_equal(m.data.len, vector_int(frame, "len"));
        assert_false(m.has_fec || m.fragmented || m.keyframe);
    } else if (type == TGV_PKT_INIT) {
        assert_int_equal(tgv_init_decode(&init, p, len), 0);
        assert_int_equal(init.version, vector_int(payload, "version"));
        assert_int_equal(init.flags, vector_int(payload, "flags"));
    } else if (type == TGV_PKT_PONG) {
        assert_int_equal(tgv_pong_decode(&ping_seq, p, len), 0);
        assert_int_equal(ping_seq, vector_int(payload, "ping_seq"));
    }
}

static void check_inner(const struct tgv_json *line,
                        const struct vector_bytes *inner)
{
    const struct tgv_json *parsed = tgv_json_get(line, "parsed");
    const struct tgv_json *extras = tgv_json_get(parsed, "extras");
    uint8_t body[VECTOR_BYTES_MAX], again[VECTOR_BYTES_MAX];
    struct tgv_header h;
    const uint8_t *p;
    size_t len, n;
    char mask[9];

    assert_int_equal(tgv_header_decode(&h, TGV_HEADER_SHORT, false, inner->data,
                                       inner->len, &p, &n),
                     0);
    assert_int_equal(h.type, vector_int(parsed, "type"));
    assert_string_equal(tgv_packet_type_str(h.type),
                        vector_str(parsed, "name"));
    assert_int_equal(h.ack, vector_int(parsed, "ack"));
    assert_int_equal(h.seq, vector_int(parsed, "seq"));
    snprintf(mask, sizeof mask, "%08x", h.mask);
    assert_string_equal(mask, vector_str(parsed, "mask"));
    assert_int_equal(h.extra_count, tgv_json_len(extras));
    for (unsigned i = 0; i < h.extra_count; i++) {
        struct vector_bytes data;

        vector_hex(tgv_json_at(extras, i), "hex", &data);
        vector_assert_bytes(&data, h.extras[i].data, h.extras[i].len);
    }
    check_body(tgv_json_get(parsed, "payload"), h.type, p, n);
    n = wire_again_body(h.type, p, n, body, sizeof body);
    assert_int_equal(tgv_packet_encode(&h, body, n, again, sizeof again, &len),
                     0);
    vector_assert_bytes(inner, again, len);
}

static void check_encrypted(const struct tgv_json *line,
                            const struct vector_bytes *wire)
{
    const bool by_caller = !strcmp(vector_str(line, "from"), "caller");
    struct vector_bytes inner, padding;
    uint8_t buf[VECTOR_BYTES_MAX];
    struct tgv_opened opened;
    struct vector_random bytes;
    const struct tgv_random random = {vector_random_fill, &bytes};
    size_t len;

    vector_hex(line, "inner", &inner);
    vector_hex(line, "padding", &padding);
    bytes = (struct vector_random){padding.data, padding.len};
    assert_false(tgv_control_is(wire->data, wire->len));
    assert_int_equal(tgv_seal_open(by_caller ? g.callee : g.caller, false,
                                   wire->data + TGV_TAG_BYTES,
                                   wire->len - TGV_TAG_BYTES, buf, sizeof buf,
                                   &opened),
                     0);
    assert_int_equal(opened.envelope, TGV_ENVELOPE_V2_SHORT);
    vector_assert_bytes(&inner, opened.inner, opened.len);
    check_inner(line, &inner);
    assert_int_equal(tgv_seal_encode(by_caller ? g.caller : g.callee,
                                     TGV_ENVELOPE_V2_SHORT, inner.data,
                                     inner.len, &random, buf, sizeof buf, &len),
                     0);
    assert_int_equal(bytes.left, 0);
    assert_int_equal(len + TGV_TAG_BYTES, wire->len);
    assert_memory_equal(buf, wire->data + TGV_TAG_BYTES, len);
}

static void test_trace_every_datagram_both_ways(void **state)
{
    unsigned encrypted = 0, control = 0;
    (void)state;

    for (char *line = g.text, *end; *line; line = end + 1) {
        struct vector_bytes wire;
        struct tgv_json *j;

        end = strchr(line, '\n');
        assert_non_null(end);
        j = vector_parse(line, (size_t)(end - line));
        vector_hex(j, "wire", &wire);
        if (tgv_json_get(j, "crypto")) {
            check_encrypted(j, &wire);
            encrypted++;
        } else {
            check_control(j, &wire);
            control++;
        }
        tgv_json_free(j);
    }
    assert_int_equal(encrypted, 208);
    assert_int_equal(control, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_every_datagram_both_ways),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
