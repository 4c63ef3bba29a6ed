/* SPDX-License-Identifier: MIT */
/* rooms: json base */
#include "json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tgv_json *parse(const char *text)
{
    char why[128];

    return tgv_json_parse(text, strlen(text), why, sizeof why);
}

static void assert_dump(struct tgv_json *j, const char *expected)
{
    char *text = tgv_json_dump(j);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    tgv_json_free(j);
}

static void test_json_syntax_is_strict(void **state)
{
    static const char *const bad[] = {
        "",           " ",
        "{",          "[1,]",
        "{\"a\":1,}", "{a:1}",
        "'a'",        "01",
        "1 2",        "{} x",
        "NaN",        "\"\x01\"",
        "\"\xFF\"",   "{\"\\u0000\":1}",
        "//\n1",      "99999999999999999999",
        "1e999",      "[\"\xED\xA0\x80\"]",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[128] = "";

        if (tgv_json_parse(bad[i], strlen(bad[i]), why, sizeof why))
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(why, "line "));
        assert_non_null(strstr(why, "column "));
    }
    assert_null(tgv_json_parse("{}\0", 3, NULL, 0));
}

static void test_json_error_text_is_printable(void **state)
{
    const char text[] = "{\"a\": \x1b[31m\n\xC3\xA9}";
    char why[300];
    (void)state;

    assert_null(tgv_json_parse(text, strlen(text), why, sizeof why));
    for (const char *p = why; *p; p++)
        assert_in_range(*p, ' ', '~');
    assert_null(tgv_json_parse(text, strlen(text), why, 4));
    assert_int_equal(strlen(why), 3);
}

static void test_json_any_value_may_stand_on_top(void **state)
{
    double real;
    int64_t number;
    struct tgv_json *j = parse("-5");
    (void)state;

    assert_true(tgv_json_int(j, &number));
    assert_int_equal(number, -5);
    assert_true(tgv_json_real(j, &real));
    assert_true(real == -5.0);
    assert_false(tgv_json_is_object(j));
    tgv_json_free(j);
    j = parse("\"x\"");
    assert_string_equal(tgv_json_str(j), "x");
    tgv_json_free(j);
}

static void test_json_text_with_a_zero_is_not_cut(void **state)
{
    struct tgv_json *j = parse("[\"a\\u0000b\",\"a\"]");
    (void)state;

    assert_non_null(j);
    assert_null(tgv_json_str(tgv_json_at(j, 0)));
    assert_string_equal(tgv_json_str(tgv_json_at(j, 1)), "a");
    assert_dump(j, "[\"a\\u0000b\",\"a\"]");
}

static void test_json_getters_refuse_other_types(void **state)
{
    struct tgv_json *j = parse("{\"r\":1.5,\"b\":true,\"s\":\"t\",\"n\":null,"
                               "\"a\":[1,2],\"a\":[3]}");
    const struct tgv_json *none = tgv_json_get(j, "none");
    int64_t number = 7;
    double real = 7.0;
    bool truth = false;
    (void)state;

    assert_false(tgv_json_int(tgv_json_get(j, "r"), &number));
    assert_int_equal(number, 7);
    assert_false(tgv_json_real(tgv_json_get(j, "b"), &real));
    assert_true(real == 7.0);
    assert_false(tgv_json_bool(tgv_json_get(j, "n"), &truth));
    assert_true(tgv_json_bool(tgv_json_get(j, "b"), &truth));
    assert_true(truth);
    assert_null(tgv_json_str(tgv_json_get(j, "a")));
    assert_int_equal(tgv_json_len(tgv_json_get(j, "s")), 0);
    /* of members with the same name the last one counts */
    assert_int_equal(tgv_json_len(tgv_json_get(j, "a")), 1);
    assert_null(tgv_json_at(tgv_json_get(j, "a"), 1));
    assert_null(none);
    assert_null(tgv_json_get(none, "x"));
    assert_null(tgv_json_at(none, 0));
    assert_false(tgv_json_int(none, &number));
    assert_null(tgv_json_str(none));
    tgv_json_free(j);
    tgv_json_free(NULL);
}

static void collect(void *ctx, const char *key, const struct tgv_json *value)
{
    assert_non_null(value);
    strcat(ctx, key);
}

static void test_json_each_keeps_the_order(void **state)
{
    struct tgv_json *j = parse("{\"z\":1,\"a\":2,\"m\":3}");
    char keys[8] = "";
    (void)state;

    tgv_json_each(j, collect, keys);
    assert_string_equal(keys, "zam");
    tgv_json_each(NULL, collect, keys);
    tgv_json_free(j);
}

static void test_json_builds_one_line(void **state)
{
    struct tgv_json *j = tgv_json_object();
    struct tgv_json *a = tgv_json_array();
    (void)state;

    tgv_json_append(a, tgv_json_new_real(1.403));
    tgv_json_append(a, tgv_json_new_real(2.0));
    tgv_json_append(a, tgv_json_new_real(INFINITY));
    tgv_json_append(a, tgv_json_new_bool(false));
    tgv_json_append(a, tgv_json_new_null());
    tgv_json_set(j, "z", tgv_json_new_int(INT64_MIN));
    tgv_json_set(j, "list", a);
    tgv_json_set(j, "hex", tgv_json_new_hex((const uint8_t *)"\x01\xFF", 2));
    tgv_json_set(j, "none", tgv_json_new_hex(NULL, 0));
    assert_dump(j, "{\"z\":-9223372036854775808,"
                   "\"list\":[1.403,2.0,null,false,null],"
                   "\"hex\":\"01ff\",\"none\":\"\"}");
}

static void test_json_text_that_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    assert_dump(tgv_json_new_str("\xC3\xA9\xF0\x9F\x93\x9E"),
                "\"\xC3\xA9\xF0\x9F\x93\x9E\"");
    /* a lone byte, an overlong slash, half a surrogate, a cut character */
    assert_dump(tgv_json_new_str("a\xFF"), "\"a\xEF\xBF\xBD\"");
    assert_dump(tgv_json_new_str("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_dump(tgv_json_new_str("\xED\xA0\x80"),
                "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_dump(tgv_json_new_str("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_dump(tgv_json_new_str("\xF4\x90\x80\x80\xC3\xA9"),
                "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                "\xC3\xA9\"");
}

static void test_json_dump_fails_when_a_value_is_missing(void **state)
{
    struct tgv_json *root = tgv_json_object();
    struct tgv_json *list = tgv_json_array();
    (void)state;

    tgv_json_set(root, "list", list);
    tgv_json_append(list, tgv_json_new_int(1));
    tgv_json_append(list, NULL); /* after it was handed over */
    assert_null(tgv_json_dump(root));
    tgv_json_free(root);
    tgv_json_set(NULL, "k", tgv_json_new_int(1));
    tgv_json_append(NULL, tgv_json_array());
    assert_null(tgv_json_dump(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_syntax_is_strict),
        cmocka_unit_test(test_json_error_text_is_printable),
        cmocka_unit_test(test_json_any_value_may_stand_on_top),
        cmocka_unit_test(test_json_text_with_a_zero_is_not_cut),
        cmocka_unit_test(test_json_getters_refuse_other_types),
        cmocka_unit_test(test_json_each_keeps_the_order),
        cmocka_unit_test(test_json_builds_one_line),
        cmocka_unit_test(test_json_text_that_is_not_utf8_is_replaced),
        cmocka_unit_test(test_json_dump_fails_when_a_value_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
