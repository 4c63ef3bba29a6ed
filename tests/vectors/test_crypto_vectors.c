/* SPDX-License-Identifier: MIT */
/* rooms: crypto transport base json */
/*
 * The recorded datagrams of crypto.json (a call of the original engine) and
 * the examples of wire-examples.json: sealed byte for byte and opened in the
 * opposite role, key derivation, IGE, the obfuscated stream, SOCKS5.
 */
#include "base/addr.h"
#include "base/bytes.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"
#include "transport/obfuscated.h"
#include "transport/socks5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <tgvoip/error.h>

#define MAX 2048

struct bytes {
    uint8_t data[MAX];
    size_t len;
};

/* A random source that plays given bytes from the start on each call. */
static int play(void *ctx, uint8_t *buf, size_t len)
{
    const struct bytes *b = ctx;

    assert_true(len <= b->len);
    memcpy(buf, b->data, len);
    return 0;
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    if (!s)
        fail_msg("no string \"%s\"", name);
    return s;
}

static struct bytes hex(const char *s)
{
    struct bytes b = {.len = strlen(s) / 2};

    assert_true(b.len <= MAX);
    assert_true(tgv_hex_decode(s, strlen(s), b.data, b.len));
    return b;
}

static struct bytes field(const json_t *o, const char *name)
{
    return hex(text(o, name));
}

static json_t *load(const char *name)
{
    char path[1024];
    json_error_t error;
    json_t *root;

    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!root)
        fail_msg("%s: %s", path, error.text);
    return root;
}

static void expect_bytes(const char *name, const struct bytes *want,
                         const uint8_t *got, size_t len)
{
    if (want->len != len || memcmp(want->data, got, len))
        fail_msg("%s differs", name);
}

static enum tgv_envelope envelope(const char *s)
{
    if (strcmp(s, "v2-short") == 0 || strcmp(s, "mtp2-short") == 0)
        return TGV_ENVELOPE_V2_SHORT;
    if (strcmp(s, "v2-long") == 0 || strcmp(s, "mtp2-long") == 0)
        return TGV_ENVELOPE_V2_LONG;
    assert_true(strcmp(s, "v1") == 0 || strcmp(s, "mtp1") == 0);
    return TGV_ENVELOPE_V1;
}

struct ends {
    struct tgv_seal *caller, *callee;
};

static struct ends open_ends(const json_t *root)
{
    struct bytes key = field(root, "key");
    struct ends e;

    assert_int_equal(key.len, TGV_KEY_BYTES);
    assert_int_equal(tgv_seal_create(&e.caller, key.data, true), 0);
    assert_int_equal(tgv_seal_create(&e.callee, key.data, false), 0);
    return e;
}

static void close_ends(struct ends *e)
{
    tgv_seal_destroy(e->caller);
    tgv_seal_destroy(e->callee);
}

struct vector {
    const char *name;
    bool from_caller;
    enum tgv_envelope kind;
    size_t prefix_len;
    struct bytes inner, plaintext, datagram;
};

/* Both ways: the same bytes come out of sealing, and the other role opens
 * them, the own one does not. */
static void run(struct ends *e, const struct vector *v)
{
    struct tgv_seal *from = v->from_caller ? e->caller : e->callee;
    struct tgv_seal *to = v->from_caller ? e->callee : e->caller;
    size_t prefix = v->kind == TGV_ENVELOPE_V2_SHORT ? 2 : 4;
    const uint8_t *body = v->datagram.data + v->prefix_len;
    size_t body_len = v->datagram.len - v->prefix_len, len;
    size_t clear = prefix + v->inner.len;
    struct bytes padding = {.len = v->plaintext.len - clear};
    struct tgv_random random = {play, &padding};
    uint8_t out[MAX], buf[MAX];
    struct tgv_opened o;

    memcpy(padding.data, v->plaintext.data + clear, padding.len);
    assert_int_equal(tgv_seal_encode(from, v->kind, v->inner.data, v->inner.len,
                                     &random, out, sizeof(out), &len),
                     0);
    assert_int_equal(len, body_len);
    assert_memory_equal(out, body, len);

    assert_int_equal(tgv_seal_open(to, v->kind == TGV_ENVELOPE_V1, body,
                                   body_len, buf, sizeof(buf), &o),
                     0);
    assert_int_equal(o.envelope, v->kind);
    expect_bytes(v->name, &v->inner, o.inner, o.len);
    assert_int_equal(
        tgv_seal_open(from, true, body, body_len, buf, sizeof(buf), &o),
        TGVOIP_ERR_AUTH);
    if (v->kind == TGV_ENVELOPE_V1)
        assert_int_equal(
            tgv_seal_open(to, false, body, body_len, buf, sizeof(buf), &o),
            TGVOIP_ERR_AUTH);
}

static void expect_derived(const json_t *v, const struct bytes *key,
                           enum tgv_envelope kind)
{
    size_t x = (size_t)json_integer_value(json_object_get(v, "x"));
    struct bytes msg_key = field(v, "msg_key"), aes_key = field(v, "aes_key");
    struct bytes aes_iv = field(v, "aes_iv");
    struct tgv_cipher_key ck;
    struct tgv_hash *h;

    assert_int_equal(
        tgv_hash_create(&h, kind == TGV_ENVELOPE_V1 ? TGV_SHA1 : TGV_SHA256),
        0);
    assert_int_equal((kind == TGV_ENVELOPE_V1 ? tgv_kdf1 : tgv_kdf2)(
                         h, key->data, x, msg_key.data, &ck),
                     0);
    expect_bytes("aes_key", &aes_key, ck.key, sizeof(ck.key));
    expect_bytes("aes_iv", &aes_iv, ck.iv, sizeof(ck.iv));
    tgv_hash_destroy(h);
}

static void test_vectors_wire_examples_seal_and_open(void **state)
{
    json_t *root = *state, *list = json_object_get(root, "packets"), *p;
    struct ends e = open_ends(root);
    struct bytes key = field(root, "key");
    size_t i;

    assert_int_equal(json_array_size(list), 29);
    json_array_foreach(list, i, p)
    {
        struct vector v = {
            .name = text(p, "name"),
            .from_caller = strcmp(text(p, "sender"), "caller") == 0,
            .kind = envelope(text(p, "envelope")),
            .prefix_len = strlen(text(p, "prefix")) / 2,
            .inner = field(p, "inner"),
            .plaintext = field(p, "plaintext"),
            .datagram = field(p, "datagram"),
        };

        expect_derived(p, &key, v.kind);
        run(&e, &v);
    }
    close_ends(&e);
}

static void test_vectors_recorded_datagrams_seal_and_open(void **state)
{
    json_t *root = load("crypto.json"), *list, *p;
    struct ends e = open_ends(root);
    struct bytes key = field(root, "key");
    struct bytes fp = field(root, "key_sha1_last8_fingerprint");
    struct bytes id = field(root, "key_sha256_last16_call_id");
    size_t i;

    (void)state;
    expect_bytes("fingerprint", &fp, tgv_seal_fingerprint(e.caller), 8);
    expect_bytes("call id", &id, tgv_seal_call_id(e.caller), 16);
    list = json_object_get(root, "packets");
    assert_int_equal(json_array_size(list), 9);
    json_array_foreach(list, i, p)
    {
        struct vector v = {
            .name = "recorded",
            .from_caller = strcmp(text(p, "from"), "caller") == 0,
            .kind = envelope(text(p, "crypto")),
            .prefix_len = 16,
            .inner = field(p, "inner"),
            .plaintext = field(p, "plaintext"),
            .datagram = field(p, "wire"),
        };

        expect_derived(p, &key, v.kind);
        run(&e, &v);
    }
    close_ends(&e);
    json_decref(root);
}

static void test_vectors_key_values(void **state)
{
    const json_t *root = *state;
    struct ends e = open_ends(root);
    struct bytes fp = field(root, "key_fingerprint");
    struct bytes id = field(root, "call_id");

    expect_bytes("fingerprint", &fp, tgv_seal_fingerprint(e.callee), 8);
    expect_bytes("call id", &id, tgv_seal_call_id(e.callee), 16);
    close_ends(&e);
}

/* Whether the receiver gets an inner packet out of a datagram. */
static bool accepted(struct ends *e, const json_t *n)
{
    bool caller = strcmp(text(n, "receiver"), "caller") == 0;
    struct bytes prefix = field(n, "expected_prefix");
    struct bytes datagram = field(n, "datagram");
    uint8_t buf[MAX];
    struct tgv_opened o;

    if (datagram.len < prefix.len ||
        memcmp(datagram.data, prefix.data, prefix.len))
        return false;
    return tgv_seal_open(caller ? e->caller : e->callee, true,
                         datagram.data + prefix.len, datagram.len - prefix.len,
                         buf, sizeof(buf), &o) == 0;
}

/* `decrypts` true: the envelope is good and a later step refuses. */
static void test_vectors_negative_at_the_envelope(void **state)
{
    json_t *root = *state, *list = json_object_get(root, "negative"), *n;
    struct ends e = open_ends(root);
    size_t i;

    assert_int_equal(json_array_size(list), 17);
    json_array_foreach(list, i, n)
    {
        bool want = json_is_true(json_object_get(n, "decrypts"));

        if (accepted(&e, n) != want)
            fail_msg("%s: %s", text(n, "name"), text(n, "reason"));
    }
    close_ends(&e);
}

static void test_vectors_aes_ige(void **state)
{
    const json_t *o = json_object_get(*state, "aes_ige");
    struct bytes key = field(o, "key"), iv = field(o, "iv");
    struct bytes clear = field(o, "plaintext");
    struct bytes cipher = field(o, "ciphertext");
    struct tgv_ige *c;
    uint8_t out[MAX];

    assert_int_equal(tgv_ige_create(&c), 0);
    assert_int_equal(
        tgv_ige_encrypt(c, key.data, iv.data, clear.data, clear.len, out), 0);
    expect_bytes("ciphertext", &cipher, out, clear.len);
    assert_int_equal(tgv_ige_decrypt(c, key.data, iv.data, out, clear.len, out),
                     0);
    expect_bytes("plaintext, in place", &clear, out, clear.len);
    tgv_ige_destroy(c);
}

static void test_vectors_kdf(void **state)
{
    json_t *list = json_object_get(*state, "kdf"), *k;
    struct bytes key = field(*state, "key");
    struct tgv_hash *sha1, *sha256;
    struct tgv_cipher_key ck;
    size_t i;

    assert_int_equal(tgv_hash_create(&sha1, TGV_SHA1), 0);
    assert_int_equal(tgv_hash_create(&sha256, TGV_SHA256), 0);
    assert_int_equal(json_array_size(list), 2);
    json_array_foreach(list, i, k)
    {
        size_t x = (size_t)json_integer_value(json_object_get(k, "x"));
        struct bytes m = field(k, "msg_key"), want;

        assert_int_equal(tgv_kdf2(sha256, key.data, x, m.data, &ck), 0);
        want = field(k, "v2_key");
        expect_bytes("v2_key", &want, ck.key, sizeof(ck.key));
        want = field(k, "v2_iv");
        expect_bytes("v2_iv", &want, ck.iv, sizeof(ck.iv));
        assert_int_equal(tgv_kdf1(sha1, key.data, x, m.data, &ck), 0);
        want = field(k, "v1_key");
        expect_bytes("v1_key", &want, ck.key, sizeof(ck.key));
        want = field(k, "v1_iv");
        expect_bytes("v1_iv", &want, ck.iv, sizeof(ck.iv));
    }
    tgv_hash_destroy(sha1);
    tgv_hash_destroy(sha256);
}

static void expect_frames(const json_t *list, struct tgv_obf *from,
                          struct tgv_obf *to)
{
    const json_t *f;
    size_t i;

    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, f)
    {
        struct bytes packet = field(f, "packet"), wire = field(f, "on_wire");
        uint8_t out[TGV_OBF_FRAME_MAX];
        size_t len, used, got_len;
        const uint8_t *got;

        assert_int_equal(tgv_obf_encode(from, packet.data, packet.len, out,
                                        sizeof(out), &len),
                         0);
        expect_bytes("on_wire", &wire, out, len);
        assert_int_equal(tgv_obf_decode(to, out, len, &used, &got, &got_len),
                         0);
        assert_int_equal(used, len);
        assert_non_null(got);
        expect_bytes("packet", &packet, got, got_len);
    }
}

static void test_vectors_tcp_stream_both_ways(void **state)
{
    json_t *tcp = json_object_get(*state, "tcp"), *f;
    struct bytes nonce = field(tcp, "nonce");
    struct bytes wire = field(tcp, "header_on_wire");
    struct tgv_random random = {play, &nonce};
    uint8_t header[TGV_OBF_HEADER];
    struct tgv_obf *client, *relay;
    const uint8_t *packet;
    size_t used, len, i;

    assert_int_equal(tgv_obf_create_client(&client, &random, header), 0);
    expect_bytes("header", &wire, header, sizeof(header));
    assert_int_equal(tgv_obf_create_relay(&relay), 0);
    assert_int_equal(
        tgv_obf_decode(relay, header, sizeof(header), &used, &packet, &len), 0);
    expect_frames(json_object_get(tcp, "client_to_relay"), client, relay);
    expect_frames(json_object_get(tcp, "relay_to_client"), relay, client);
    json_array_foreach(json_object_get(tcp, "forbidden_headers"), i, f)
    {
        struct bytes first = field(f, "first8");

        if (!tgv_obf_forbidden(first.data))
            fail_msg("%s is not refused", text(f, "reason"));
    }
    assert_int_equal(i, 6);
    assert_false(tgv_obf_forbidden(nonce.data));
    tgv_obf_destroy(client);
    tgv_obf_destroy(relay);
}

/* The SOCKS5 message of that name. */
static struct bytes socks5_message(const char *name)
{
    struct bytes b = {0};
    struct tgv_addr a;

    if (strcmp(name, "greeting_no_auth") == 0) {
        b.len = tgv_socks5_greeting(TGV_SOCKS5_NO_AUTH, b.data, MAX);
    } else if (strcmp(name, "greeting_user") == 0) {
        b.len = tgv_socks5_greeting(TGV_SOCKS5_USER_PASSWORD, b.data, MAX);
    } else if (strcmp(name, "auth_usr_pwd") == 0) {
        b.len = tgv_socks5_login("usr", 3, "pwd", 3, b.data, MAX);
    } else if (strcmp(name, "udp_associate") == 0) {
        b.len = tgv_socks5_udp_associate(b.data, MAX);
    } else if (strcmp(name, "connect_v4_203.0.113.7_443") == 0) {
        assert_true(tgv_addr_parse("203.0.113.7:443", &a));
        b.len = tgv_socks5_connect(&a, b.data, MAX);
    } else if (strcmp(name, "connect_v6_2001:db8::1_443") == 0) {
        assert_true(tgv_addr_parse("[2001:db8::1]:443", &a));
        b.len = tgv_socks5_connect(&a, b.data, MAX);
    } else if (strcmp(name, "udp_header_v4_203.0.113.7_24000") == 0) {
        assert_true(tgv_addr_parse("203.0.113.7:24000", &a));
        b.len = tgv_socks5_udp_header(&a, b.data, MAX);
    } else if (strcmp(name, "udp_header_v6_2001:db8::1_24000") == 0) {
        assert_true(tgv_addr_parse("[2001:db8::1]:24000", &a));
        b.len = tgv_socks5_udp_header(&a, b.data, MAX);
    } else {
        fail_msg("unknown message %s", name);
    }
    return b;
}

static void test_vectors_socks5_messages(void **state)
{
    json_t *list = json_object_get(*state, "socks5"), *m;
    size_t i;

    assert_int_equal(json_array_size(list), 8);
    json_array_foreach(list, i, m)
    {
        struct bytes want = field(m, "hex");
        struct bytes got = socks5_message(text(m, "name"));

        expect_bytes(text(m, "name"), &want, got.data, got.len);
    }
}

static int setup(void **state)
{
    *state = load("wire-examples.json");
    return 0;
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_key_values),
        cmocka_unit_test(test_vectors_wire_examples_seal_and_open),
        cmocka_unit_test(test_vectors_recorded_datagrams_seal_and_open),
        cmocka_unit_test(test_vectors_negative_at_the_envelope),
        cmocka_unit_test(test_vectors_aes_ige),
        cmocka_unit_test(test_vectors_kdf),
        cmocka_unit_test(test_vectors_tcp_stream_both_ways),
        cmocka_unit_test(test_vectors_socks5_messages),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
