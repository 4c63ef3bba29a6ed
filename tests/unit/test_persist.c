/* SPDX-License-Identifier: MIT */
/* rooms: legacy base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/persist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

static struct tgv_persist p;
static char why[80];

static int load(const char *text)
{
    return tgv_persist_load(&p, text, strlen(text), why, sizeof(why));
}

static void expect_dump(const char *text)
{
    char *dump = tgv_persist_dump(&p);

    assert_string_equal(dump, text);
    free(dump);
}

#define NOTHING "{\"ver\":1}"
#define PROXY                                                                  \
    "{\"ver\":1,\"proxy\":{\"server\":\"h:1080\",\"udp\":false,\"tcp\":true}}"

static void test_persist_without_proxy_is_the_version(void **state)
{
    (void)state;
    memset(&p, 0, sizeof(p));
    expect_dump(NOTHING);
}

static void test_persist_survives_a_round_trip(void **state)
{
    (void)state;
    assert_int_equal(load(PROXY), 0);
    assert_true(p.has_proxy && !p.udp && p.tcp);
    assert_string_equal(p.server, "h:1080");
    expect_dump(PROXY);
    assert_int_equal(load(NOTHING), 0);
    assert_false(p.has_proxy); /* nothing stays of the one before */
}

static void test_persist_ignores_what_it_does_not_know(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"ver\":\"x\",\"more\":[1]}",
        "{\"proxy\":7}",
        "{\"proxy\":{}}",
        "{\"proxy\":{\"server\":7,\"udp\":true,\"tcp\":true}}",
        "{\"proxy\":{\"server\":\"\",\"udp\":true,\"tcp\":true}}",
        "{\"proxy\":{\"server\":\"h:1\",\"udp\":1,\"tcp\":true}}",
        "{\"proxy\":{\"server\":\"h:1\",\"udp\":true}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(load(texts[i]), 0);
        assert_string_equal(why, "");
        assert_false(p.has_proxy);
    }
}

static void test_persist_ignores_a_name_that_is_too_long(void **state)
{
    char name[TGV_PERSIST_SERVER_MAX + 1] = "", text[512];

    (void)state;
    memset(name, 'x', TGV_PERSIST_SERVER_MAX);
    snprintf(text, sizeof(text),
             "{\"proxy\":{\"server\":\"%s\",\"udp\":true,\"tcp\":true}}", name);
    assert_int_equal(load(text), 0);
    assert_false(p.has_proxy);
}

static void test_persist_says_why_a_text_cannot_be_read(void **state)
{
    static const char *const texts[] = {"{", "[1]", "7", "\xff\xfe",
                                        "{\"a\":}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(load(PROXY), 0);
        assert_int_equal(load(texts[i]), TGVOIP_ERR_FORMAT);
        assert_true(why[0] != '\0');
        assert_false(p.has_proxy);
        expect_dump(NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_persist_without_proxy_is_the_version),
        cmocka_unit_test(test_persist_survives_a_round_trip),
        cmocka_unit_test(test_persist_ignores_what_it_does_not_know),
        cmocka_unit_test(test_persist_ignores_a_name_that_is_too_long),
        cmocka_unit_test(test_persist_says_why_a_text_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
