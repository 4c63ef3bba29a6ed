/* SPDX-License-Identifier: MIT */
/* rooms: inspect crypto wire json base */
/* What inspect says about the recorded call is what its recorder said. */
#include "inspect/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vector_json.h"

#define KEY_BYTES 256

static struct tgv_inspect *with_key_of(const struct tgv_json *file)
{
    struct tgv_inspect *in;
    struct vector_bytes key;

    vector_hex(file, "key", &key);
    assert_int_equal(key.len, KEY_BYTES);
    assert_int_equal(tgv_inspect_create(&in, key.data), 0);
    return in;
}

static struct tgv_json *read_json(const char *path)
{
    size_t len;
    char *text = vector_read(path, &len);
    struct tgv_json *j = vector_parse(text, len);

    free(text);
    return j;
}

static char *dump(const struct tgv_json *j)
{
    char *text = tgv_json_dump(j);

    assert_non_null(text);
    return text;
}

/* The packet of a line that must be fine; json is to be freed. */
static void inspect(struct tgv_inspect *in, const char *line, size_t len,
                    struct tgv_inspected *out)
{
    struct tgvoip_failure failure = {0};

    if (tgv_inspect_line(in, line, len, out, &failure))
        fail_msg("%s: %s", failure.what, failure.why);
    if (out->failed)
        fail_msg("%s", out->text);
}

static void test_inspect_repeats_the_trace(void **state)
{
    struct tgv_json *file = read_json(TEST_DATA "/crypto.json");
    struct tgv_inspect *in = with_key_of(file);
    size_t len, count = 0;
    char *text = vector_read(TEST_DATA "/trace-relay-setup.jsonl", &len);
    static struct tgv_inspected out;
    (void)state;

    for (char *line = text, *end; *line; line = end + 1, count++) {
        struct tgv_json *recorded;
        char *expected, *got;

        end = strchr(line, '\n');
        assert_non_null(end);
        recorded = vector_parse(line, (size_t)(end - line));
        expected = dump(recorded);
        inspect(in, line, (size_t)(end - line), &out);
        got = dump(out.json);
        assert_string_equal(got, expected);
        tgv_json_free(out.json);
        inspect(in, got, strlen(got), &out); /* the output is a trace */
        free(got);
        got = dump(out.json);
        assert_string_equal(got, expected);
        tgv_json_free(out.json);
        tgv_json_free(recorded);
        free(got);
        free(expected);
    }
    assert_int_equal(count, 240);
    tgv_inspect_destroy(in);
    tgv_json_free(file);
    free(text);
}

/* A line as a recorder would have written it. */
static size_t make_line(char *line, size_t cap, const char *from, bool p2p,
                        const char *wire)
{
    int n = snprintf(line, cap,
                     "{\"t_ms\":7,\"from\":\"%s\",\"path\":\"%s\","
                     "\"wire\":\"%s\"}\n",
                     from, p2p ? "p2p" : "relay-udp", wire);

    assert_in_range(n, 1, cap - 1);
    return (size_t)n;
}

/* The old Opus id is no text: its recorder shows four characters of value
 * 0, 0, 0, 1; we show the number. */
static void replace_codec_1(char *text)
{
    static const char recorded[] = "\\u0000\\u0000\\u0000\\u0001";
    static const char ours[] = "00000001";
    char *at = strstr(text, recorded);

    if (!at)
        return;
    memcpy(at, ours, sizeof ours - 1);
    memmove(at + sizeof ours - 1, at + sizeof recorded - 1,
            strlen(at + sizeof recorded - 1) + 1);
}

static void test_inspect_names_fields_of_every_envelope(void **state)
{
    struct tgv_json *file = read_json(TEST_DATA "/crypto.json");
    const struct tgv_json *list = tgv_json_get(file, "packets");
    struct tgv_inspect *in = with_key_of(file);
    static struct tgv_inspected out;
    (void)state;

    assert_int_equal(tgv_json_len(list), 9);
    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        char line[4096], *expected, *got;
        size_t len = make_line(line, sizeof line, vector_str(v, "from"), false,
                               vector_str(v, "wire"));

        inspect(in, line, len, &out);
        assert_string_equal(vector_str(out.json, "crypto"),
                            vector_str(v, "crypto"));
        assert_string_equal(vector_str(out.json, "inner"),
                            vector_str(v, "inner"));
        expected = dump(tgv_json_get(v, "parsed"));
        replace_codec_1(expected);
        got = dump(tgv_json_get(out.json, "parsed"));
        assert_string_equal(got, expected);
        free(got);
        free(expected);
        tgv_json_free(out.json);
    }
    tgv_inspect_destroy(in);
    tgv_json_free(file);
}

static void test_inspect_reads_every_example(void **state)
{
    struct tgv_json *file = read_json(TEST_DATA "/wire-examples.json");
    const struct tgv_json *list = tgv_json_get(file, "packets");
    struct tgv_inspect *in = with_key_of(file);
    static struct tgv_inspected out;
    (void)state;

    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        const struct tgv_json *f = tgv_json_get(v, "fields"), *parsed;
        const char *prefix = vector_str(v, "prefix");
        const bool p2p = strncmp(prefix, "0001020304", 10) != 0;
        char line[4096];
        size_t len = make_line(line, sizeof line, vector_str(v, "sender"), p2p,
                               vector_str(v, "datagram"));

        inspect(in, line, len, &out);
        print_message("%s\n", out.text);
        assert_string_equal(vector_str(out.json, "prefix"), !p2p ? "tag"
                                                            : prefix[0]
                                                                ? "call_id"
                                                                : "none");
        assert_string_equal(vector_str(out.json, "inner"),
                            vector_str(v, "inner"));
        parsed = tgv_json_get(out.json, "parsed");
        assert_string_equal(vector_str(parsed, "format"),
                            vector_str(v, "header"));
        if (f) {
            assert_int_equal(vector_int(parsed, "type"), vector_int(f, "type"));
            assert_int_equal(vector_int(parsed, "seq"), vector_int(f, "seq"));
            assert_int_equal(tgv_json_len(tgv_json_get(parsed, "extras")),
                             tgv_json_len(tgv_json_get(f, "extras")));
        }
        tgv_json_free(out.json);
    }
    tgv_inspect_destroy(in);
    tgv_json_free(file);
}

static void test_inspect_reports_every_negative_example(void **state)
{
    struct tgv_json *file = read_json(TEST_DATA "/wire-examples.json");
    const struct tgv_json *list = tgv_json_get(file, "negative");
    struct tgv_inspect *in = with_key_of(file);
    static struct tgv_inspected out;
    (void)state;

    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *v = tgv_json_at(list, i);
        const char *name = vector_str(v, "name");
        const bool to_callee = !strcmp(vector_str(v, "receiver"), "callee");
        /* whose tag it is only an end of the call knows */
        const bool fine =
            !strcmp(name, "bad_tag") || !strcmp(name, "fec_truncated");
        char line[4096];
        size_t len =
            make_line(line, sizeof line, to_callee ? "caller" : "callee", false,
                      vector_str(v, "datagram"));

        assert_int_equal(tgv_inspect_line(in, line, len, &out, NULL), 0);
        assert_int_equal(out.failed, !fine);
        assert_int_equal(tgv_json_get(out.json, "error") != NULL, !fine);
        print_message("%s\n", out.text);
        tgv_json_free(out.json);
    }
    tgv_inspect_destroy(in);
    tgv_json_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect_repeats_the_trace),
        cmocka_unit_test(test_inspect_names_fields_of_every_envelope),
        cmocka_unit_test(test_inspect_reads_every_example),
        cmocka_unit_test(test_inspect_reports_every_negative_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
