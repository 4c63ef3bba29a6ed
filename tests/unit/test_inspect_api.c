/* SPDX-License-Identifier: MIT */
/* rooms: api */
#include <tgvoip/inspect.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vector_json.h"

static struct tgvoip_inspect *create(const uint8_t *key, size_t key_len,
                                     enum tgvoip_inspect_role role, int code,
                                     const char *what)
{
    struct tgvoip_inspect_config config;
    struct tgvoip_failure f = {0};
    struct tgvoip_inspect *in;

    tgvoip_inspect_config_default(&config);
    config.key = key;
    config.key_len = key_len;
    config.role = role;
    assert_int_equal(tgvoip_inspect_create(&in, &config, &f), code);
    assert_int_equal(f.code, code);
    assert_string_equal(f.what, what);
    assert_int_equal(in != NULL, code == 0);
    return in;
}

static void test_inspect_api_refuses_bad_arguments(void **state)
{
    const uint8_t key[256] = {0};
    struct tgvoip_inspect_config config = {0};
    struct tgvoip_inspect_packet packet;
    struct tgvoip_inspect *in;
    (void)state;

    create(key, 255, TGVOIP_INSPECT_BOTH, TGVOIP_ERR_INVALID, "key");
    create(NULL, 256, TGVOIP_INSPECT_BOTH, TGVOIP_ERR_INVALID, "key");
    create(key, 256, (enum tgvoip_inspect_role)3, TGVOIP_ERR_INVALID, "role");
    assert_int_equal(tgvoip_inspect_create(&in, NULL, NULL),
                     TGVOIP_ERR_INVALID);
    assert_null(in);
    assert_int_equal(tgvoip_inspect_create(&in, &config, NULL),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_create(NULL, &config, NULL),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_line(NULL, "", 0, &packet, NULL),
                     TGVOIP_ERR_INVALID);
    tgvoip_inspect_destroy(NULL);
    in = create(key, 256, TGVOIP_INSPECT_BOTH, 0, "");
    assert_int_equal(tgvoip_inspect_line(in, "", 0, NULL, NULL),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_line(in, NULL, 0, &packet, NULL),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_line(in, "", 0, &packet, NULL),
                     TGVOIP_ERR_AGAIN);
    assert_int_equal(tgvoip_inspect_line(in, "x", 1, &packet, NULL),
                     TGVOIP_ERR_FORMAT);
    tgvoip_inspect_destroy(in);
}

/* Packets of the recorded call that this role sees, none of which fails. */
static unsigned count(enum tgvoip_inspect_role role, bool wrong_key,
                      unsigned *failed)
{
    struct tgv_json *file;
    struct vector_bytes key;
    size_t len, n = 0;
    char *text = vector_read(TEST_DATA "/crypto.json", &len);
    struct tgvoip_inspect *in;

    file = vector_parse(text, len);
    vector_hex(file, "key", &key);
    tgv_json_free(file);
    free(text);
    key.data[100] ^= wrong_key; /* a byte that both directions hash */
    in = create(key.data, key.len, role, 0, "");
    text = vector_read(TEST_DATA "/trace-relay-setup.jsonl", &len);
    *failed = 0;
    for (char *line = text, *end; *line; line = end + 1) {
        struct tgvoip_inspect_packet packet;
        int err;

        end = strchr(line, '\n');
        err =
            tgvoip_inspect_line(in, line, (size_t)(end - line), &packet, NULL);
        if (err == TGVOIP_ERR_AGAIN)
            continue;
        assert_int_equal(err, 0);
        assert_int_equal(packet.number, ++n);
        assert_int_equal(packet.size, sizeof packet);
        assert_null(strchr(packet.json, '\n'));
        assert_null(strchr(packet.text, '\n'));
        *failed += packet.failed;
    }
    tgvoip_inspect_destroy(in);
    free(text);
    return (unsigned)n;
}

static void test_inspect_api_reads_every_datagram_of_the_trace(void **state)
{
    unsigned failed, caller, callee;
    (void)state;

    assert_int_equal(count(TGVOIP_INSPECT_BOTH, false, &failed), 240);
    assert_int_equal(failed, 0);
    caller = count(TGVOIP_INSPECT_CALLER, false, &failed);
    assert_int_equal(failed, 0);
    callee = count(TGVOIP_INSPECT_CALLEE, false, &failed);
    assert_int_equal(failed, 0);
    /* both sides, without the 16 answers of the relay */
    assert_int_equal(caller + callee, 240 - 16);
    assert_true(caller > 100 && callee > 100);
}

static void
test_inspect_api_wrong_key_fails_every_encrypted_packet(void **state)
{
    unsigned failed;
    (void)state;

    assert_int_equal(count(TGVOIP_INSPECT_BOTH, true, &failed), 240);
    assert_int_equal(failed, 208);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect_api_refuses_bad_arguments),
        cmocka_unit_test(test_inspect_api_reads_every_datagram_of_the_trace),
        cmocka_unit_test(
            test_inspect_api_wrong_key_fails_every_encrypted_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
