/* SPDX-License-Identifier: MIT */
/* The peer of support/old_peer.h itself, against the specification's examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/old_wire.h"
#include "support/vector_json.h"

#include <stdlib.h>
#include <string.h>

static enum old_envelope envelope_called(const char *text)
{
    if (!strcmp(text, "v1"))
        return OLD_V1;
    return strcmp(text, "v2-long") ? OLD_V2_SHORT : OLD_V2_LONG;
}

static void check_example(struct old_keys keys[2], const struct tgv_json *j)
{
    bool callee = !strcmp(vector_str(j, "sender"), "callee");
    enum old_envelope e = envelope_called(vector_str(j, "envelope"));
    uint8_t inner[OLD_INNER_MAX + 100], built[OLD_INNER_MAX], out[1500],
        pad[31];
    struct vector_bytes datagram, expected, prefix, payload;
    struct old_packet h = {.flag_byte = true};
    const char *form = vector_str(j, "header");
    size_t n;

    vector_hex(j, "datagram", &datagram);
    vector_hex(j, "inner", &expected);
    vector_hex(j, "prefix", &prefix);
    vector_hex(j, "payload", &payload);
    n = old_open(&keys[!callee], e, datagram.data + prefix.len,
                 datagram.len - prefix.len, inner);
    vector_assert_bytes(&expected, inner, n);
    h.form = strcmp(form, "short") ? old_named_form(inner, n) : OLD_SHORT;
    h.flag_byte = !strstr(vector_str(j, "name"), "_v3");
    assert_int_equal(!strcmp(form, "simpleAudioBlock"), h.form == OLD_SIMPLE);
    assert_null(old_parse(&keys[!callee], &h, inner, n));
    vector_assert_bytes(&payload, h.payload, h.len);
    if (!h.recv_ts) { /* never written */
        n = old_build(&keys[callee], &h, built);
        vector_assert_bytes(&expected, built, n);
    }
    for (uint8_t i = 0; i < sizeof(pad); i++)
        pad[i] = (uint8_t)(0xA0 + i);
    n = old_seal(&keys[callee], e, expected.data, expected.len, pad, out);
    assert_int_equal(n, datagram.len - prefix.len);
    assert_memory_equal(out, datagram.data + prefix.len, n);
}

static void test_old_wire_agrees_with_the_worked_examples(void **state)
{
    size_t len;
    char *text = vector_read(TEST_DATA "/wire-examples.json", &len);
    struct tgv_json *file = vector_parse(text, len);
    const struct tgv_json *list = tgv_json_get(file, "packets");
    struct old_keys keys[2];
    struct vector_bytes key;

    (void)state;
    vector_hex(file, "key", &key);
    old_keys_init(&keys[0], key.data, true);
    old_keys_init(&keys[1], key.data, false);
    assert_true(tgv_json_len(list) > 20);
    for (size_t i = 0; i < tgv_json_len(list); i++)
        check_example(keys, tgv_json_at(list, i));
    old_keys_fini(&keys[0]);
    old_keys_fini(&keys[1]);
    tgv_json_free(file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_wire_agrees_with_the_worked_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
