/* SPDX-License-Identifier: MIT */
/* rooms: legacy base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/server_config.h"

#include <string.h>

#include <tgvoip/error.h>

static struct tgv_server_config c;
static unsigned rejected;

static int reset(void **state)
{
    (void)state;
    tgv_server_config_init(&c);
    return 0;
}

static int merge(const char *json)
{
    char why[128];

    return tgv_server_config_merge(&c, json, strlen(json), &rejected, why,
                                   sizeof(why));
}

static void test_server_config_refused_keys_are_named(void **state)
{
    char why[128], tight[24];
    const char *json = "{\"audio_max_bitrate\": \"x\", \"unknown\": [],"
                       "\"use_tcp\": 7, \"rate_min_rtt\": 0.5}";

    (void)state;
    assert_int_equal(tgv_server_config_merge(&c, json, strlen(json), &rejected,
                                             why, sizeof(why)),
                     0);
    assert_int_equal(rejected, 2);
    assert_string_equal(why, "audio_max_bitrate, use_tcp");
    assert_int_equal(tgv_server_config_merge(&c, json, strlen(json), NULL,
                                             tight, sizeof(tight)),
                     0);
    assert_string_equal(tight, "audio_max_bitrate"); /* no half names */
    assert_int_equal(
        tgv_server_config_merge(&c, json, strlen(json), NULL, NULL, 0), 0);
}

static void test_server_config_defaults(void **state)
{
    (void)state;
    assert_int_equal(c.audio_max_bitrate, 20000);
    assert_int_equal(c.audio_init_bitrate_saving, 8000);
    assert_true(c.reconnecting_state_timeout == 2.0);
    assert_true(c.use_tcp && !c.force_tcp && !c.bad_call_rating);
    assert_int_equal(c.jitter_max_slots_20, 50);
    assert_int_equal(c.jitter_losses_to_reset, 20);
}

static void test_eng_60_rate_flags_keep_all_bits(void **state)
{
    (void)state;
    assert_int_equal(c.rate_flags, 0xFFFFFFFFu);
    assert_int_equal(merge("{\"rate_flags\": 2}"), 0);
    assert_int_equal(c.rate_flags, 2);
    assert_int_equal(merge("{\"rate_flags\": 4294967295}"), 0);
    assert_int_equal(c.rate_flags, 0xFFFFFFFFu);
    assert_int_equal(merge("{\"rate_flags\": 2147483648}"), 0);
    assert_int_equal(c.rate_flags, 0x80000000u);
    assert_int_equal(merge("{\"rate_flags\": 4294967296}"), 0);
    assert_int_equal(rejected, 1);
    assert_int_equal(c.rate_flags, 0x80000000u);
}

static void test_eng_61_updates_merge(void **state)
{
    (void)state;
    assert_int_equal(merge("{\"audio_max_bitrate\": 32000}"), 0);
    assert_int_equal(merge("{\"use_tcp\": false, \"unheard_of\": [1]}"), 0);
    assert_int_equal(rejected, 0);
    assert_int_equal(c.audio_max_bitrate, 32000);
    assert_false(c.use_tcp);
}

static void test_eng_61_errors_keep_the_old_values(void **state)
{
    struct tgv_server_config before;

    (void)state;
    merge("{\"audio_max_bitrate\": 32000}");
    before = c;
    assert_int_equal(merge("{\"audio_max_bitrate\": 9000"), TGVOIP_ERR_FORMAT);
    assert_int_equal(merge("[]"), TGVOIP_ERR_FORMAT);
    assert_int_equal(merge(""), TGVOIP_ERR_FORMAT);
    assert_memory_equal(&before, &c, sizeof(c));
    assert_int_equal(merge("{\"audio_max_bitrate\": \"9000\","
                           " \"audio_min_bitrate\": -1,"
                           " \"jitter_max_delay_60\": 2.5,"
                           " \"relay_switch_threshold\": 7,"
                           " \"use_tcp\": 1}"),
                     0);
    assert_int_equal(rejected, 5);
    assert_memory_equal(&before, &c, sizeof(c));
}

static void test_server_config_names_that_do_not_fit_are_counted(void **state)
{
    char why[64];
    const char *json = "{\"audio_max_bitrate\": [], \"use_tcp\": {},"
                       "\"audio_bitrate_step_incr\": null,"
                       "\"audio_max_bitrate_saving\": -1, \"force_tcp\": 2}";

    (void)state;
    assert_int_equal(tgv_server_config_merge(&c, json, strlen(json), &rejected,
                                             why, sizeof(why)),
                     0);
    assert_int_equal(rejected, 5);
    assert_string_equal(why, "audio_max_bitrate, use_tcp and 3 more");
}

static void test_server_config_reals_accept_integers(void **state)
{
    (void)state;
    assert_int_equal(merge("{\"nat64_fallback_timeout\": 5}"), 0);
    assert_int_equal(rejected, 0);
    assert_true(c.nat64_fallback_timeout == 5.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_server_config_defaults, reset),
        cmocka_unit_test_setup(test_server_config_refused_keys_are_named,
                               reset),
        cmocka_unit_test_setup(test_eng_60_rate_flags_keep_all_bits, reset),
        cmocka_unit_test_setup(test_eng_61_updates_merge, reset),
        cmocka_unit_test_setup(test_eng_61_errors_keep_the_old_values, reset),
        cmocka_unit_test_setup(
            test_server_config_names_that_do_not_fit_are_counted, reset),
        cmocka_unit_test_setup(test_server_config_reals_accept_integers, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
