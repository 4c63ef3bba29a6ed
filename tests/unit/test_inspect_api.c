/* SPDX-License-Identifier: MIT */
/* rooms: api */
/* Includes the JSON library itself, to make it run out of memory. */
#include <tgvoip/inspect.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

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
    struct tgvoip_inspect_verdict verdict;
    struct tgvoip_failure f = {0};
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
    assert_int_equal(tgvoip_inspect_feed(NULL, "", 0), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_feed(in, NULL, 1), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_finish(NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_next(NULL, &packet, NULL),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_next(in, NULL, NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_verdict(NULL, &verdict),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_verdict(in, NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_inspect_feed(in, "x\n\ny", 4), 0);
    assert_int_equal(tgvoip_inspect_next(in, &packet, &f), TGVOIP_ERR_FORMAT);
    assert_string_equal(f.what, "line 1");
    assert_int_equal(tgvoip_inspect_next(in, &packet, &f), TGVOIP_ERR_AGAIN);
    assert_int_equal(tgvoip_inspect_finish(in), 0);
    assert_int_equal(tgvoip_inspect_next(in, &packet, &f), TGVOIP_ERR_FORMAT);
    assert_string_equal(f.what, "line 3");
    assert_int_equal(tgvoip_inspect_next(in, &packet, &f), TGVOIP_ERR_END);
    assert_int_equal(tgvoip_inspect_feed(in, "x", 1), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_inspect_verdict(in, &verdict), 0);
    assert_string_equal(verdict.problem, "empty");
    assert_non_null(strstr(verdict.json, "\"event\":\"verdict\""));
    tgvoip_inspect_destroy(in);
}

/* The n-th allocation of the JSON library fails, and only that one. */
static unsigned long fail_at, allocations;

static void *failing_malloc(size_t size)
{
    return ++allocations == fail_at ? NULL : malloc(size);
}

/* Not while it parses: there the JSON library (2.14) itself loses its balance
 * and writes where it must not, which no caller can mend. */
static void test_inspect_api_short_memory_gives_all_or_nothing(void **state)
{
    const uint8_t key[256] = {0};
    struct tgvoip_inspect *in = create(key, 256, TGVOIP_INSPECT_BOTH, 0, "");
    const char line[] =
        "{\"t_ms\":0.5,\"from\":\"relay\",\"to\":\"caller\",\"path\":"
        "\"relay-udp\",\"src\":\"127.0.0.1:7300\",\"wire\":\"c0ffee00112233"
        "445566778899aabb00ffffffffffffffffffffffffc77215c09880036bb71b8a26"
        "1572aa4800000000000000000000ffff7f0000019a740000\"}";
    struct tgvoip_inspect_packet packet;
    char whole[1024];
    unsigned long parsing, all;
    (void)state;

    json_set_alloc_funcs(failing_malloc, free);
    fail_at = allocations = 0;
    json_decref(json_loadb(line, sizeof line - 1, 0, NULL));
    parsing = allocations;
    allocations = 0;
    assert_int_equal(
        tgvoip_inspect_line(in, line, sizeof line - 1, &packet, NULL), 0);
    all = allocations;
    assert_in_range(all, parsing + 20, 1000);
    assert_true(strlen(packet.json) < sizeof whole);
    strcpy(whole, packet.json);
    for (fail_at = parsing + 1; fail_at <= all + 1; fail_at++) {
        int err;

        allocations = 0;
        err = tgvoip_inspect_line(in, line, sizeof line - 1, &packet, NULL);
        if (err == 0) /* it had a second try, or did not need it */
            assert_string_equal(packet.json, whole);
        else
            assert_int_equal(err, TGVOIP_ERR_NOMEM);
    }
    json_set_alloc_funcs(malloc, free);
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
        cmocka_unit_test(test_inspect_api_short_memory_gives_all_or_nothing),
        cmocka_unit_test(test_inspect_api_reads_every_datagram_of_the_trace),
        cmocka_unit_test(
            test_inspect_api_wrong_key_fails_every_encrypted_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
