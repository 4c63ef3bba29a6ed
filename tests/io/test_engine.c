/* SPDX-License-Identifier: MIT */
#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

static void test_engine_refuses_bad_settings(void **state)
{
    struct tgvoip_engine_config c;
    struct tgvoip_failure f;
    tgvoip_engine *e;

    (void)state;
    tgvoip_engine_config_default(&c);
    c.loops = 65;
    assert_int_equal(tgvoip_engine_create(&e, &c, &f), TGVOIP_ERR_INVALID);
    assert_null(e);
    assert_string_equal(f.what, "loops");
    assert_string_equal(f.why, "65 is out of range 0..64");
    c.loops = 2;
    c.own_loop = true;
    assert_int_equal(tgvoip_engine_create(&e, &c, &f), TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "loops");
    tgvoip_engine_config_default(&c);
    c.log_level = (enum tgvoip_log_level)5;
    assert_int_equal(tgvoip_engine_create(&e, &c, &f), TGVOIP_ERR_INVALID);
    assert_string_equal(f.what, "log_level");
    c.size = 0;
    assert_int_equal(tgvoip_engine_create(&e, &c, NULL), TGVOIP_ERR_INVALID);
    assert_int_equal(tgvoip_engine_create(NULL, NULL, NULL),
                     TGVOIP_ERR_INVALID);
}

static void test_engine_has_the_loops_asked_for(void **state)
{
    struct tgvoip_engine_config c;
    struct tgvoip_engine_stats stats;
    tgvoip_engine *e;

    (void)state;
    tgvoip_engine_config_default(&c);
    c.loops = 3;
    assert_int_equal(tgvoip_engine_create(&e, &c, NULL), 0);
    assert_int_equal(tgvoip_engine_get_stats(e, &stats), 0);
    assert_int_equal(stats.loops, 3);
    assert_int_equal(stats.calls, 0);
    /* An engine with threads of its own is not stepped. */
    assert_int_equal(tgvoip_engine_fd(e), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_engine_step(e), TGVOIP_ERR_STATE);
    assert_int_equal(tgvoip_engine_timeout_us(e), -1);
    tgvoip_engine_destroy(e);
    assert_int_equal(tgvoip_engine_create(&e, NULL, NULL), 0);
    assert_int_equal(tgvoip_engine_get_stats(e, &stats), 0);
    assert_true(stats.loops >= 1);
    tgvoip_engine_destroy(e);
}

static void test_engine_without_threads_is_idle_until_used(void **state)
{
    struct tgvoip_engine_config c;
    tgvoip_engine *e;

    (void)state;
    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    assert_int_equal(tgvoip_engine_create(&e, &c, NULL), 0);
    assert_true(tgvoip_engine_fd(e) >= 0);
    assert_int_equal(tgvoip_engine_step(e), 0);
    assert_int_equal(tgvoip_engine_timeout_us(e), -1);
    tgvoip_engine_destroy(e);
}

static void test_engine_can_be_made_and_destroyed_many_times(void **state)
{
    tgvoip_engine *e;

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(tgvoip_engine_create(&e, NULL, NULL), 0);
        tgvoip_engine_destroy(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_refuses_bad_settings),
        cmocka_unit_test(test_engine_has_the_loops_asked_for),
        cmocka_unit_test(test_engine_without_threads_is_idle_until_used),
        cmocka_unit_test(test_engine_can_be_made_and_destroyed_many_times),
    };

    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
