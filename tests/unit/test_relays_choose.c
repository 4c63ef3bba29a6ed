/* SPDX-License-Identifier: MIT */
/* rooms: negotiate json crypto base */
/* More connections than a call keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "negotiate/limits.h"
#include "negotiate/relays.h"

#include <stdio.h>
#include <string.h>

#define GIVEN (TGV_RELAYS_KEPT + 6)

static struct tgvoip_phone_connection list[GIVEN];
static struct tgv_relay_choice kept[TGV_RELAYS_KEPT];
static unsigned lines;
static char line[256];

static void write_log(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    (void)ctx;
    (void)level;
    (void)room;
    (void)now;
    lines++;
    snprintf(line, sizeof(line), "%s", text);
}

static size_t choose(size_t count)
{
    static const struct tgv_log log = {write_log, NULL, TGV_LOG_DEBUG};
    static const uint8_t tag[TGV_PEER_TAG_BYTES] = {1};

    for (size_t i = 0; i < GIVEN; i++)
        list[i] = (struct tgvoip_phone_connection){.id = (int64_t)i + 1,
                                                   .ip = "192.0.2.1",
                                                   .port = 400,
                                                   .peer_tag = tag,
                                                   .peer_tag_len = sizeof(tag)};
    lines = 0;
    return tgv_relays_choose(NULL, list, count, kept, &log, 0);
}

static void test_relays_choose_keeps_the_first_and_says_so(void **state)
{
    (void)state;
    assert_int_equal(choose(GIVEN), TGV_RELAYS_KEPT);
    assert_int_equal(kept[TGV_RELAYS_KEPT - 1].id, TGV_RELAYS_KEPT);
    assert_int_equal(lines, 1);
    assert_string_equal(line,
                        "6 connections are not used: the first 64 are enough");
}

static void test_relays_choose_all_of_as_many_as_fit(void **state)
{
    (void)state;
    assert_int_equal(choose(TGV_RELAYS_KEPT), TGV_RELAYS_KEPT);
    assert_int_equal(lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relays_choose_keeps_the_first_and_says_so),
        cmocka_unit_test(test_relays_choose_all_of_as_many_as_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
