/* SPDX-License-Identifier: MIT */
/* rooms: link base */
#include "link/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Times and rates are exact here, so == is meant. */
static void assert_number(double a, double b)
{
    assert_true(a >= b && a <= b);
}

static struct tgv_impairment with(const char *option, const char *value)
{
    struct tgv_impairment imp;

    tgv_impairment_init(&imp);
    assert_int_equal(tgv_impairment_set(&imp, option, value, NULL), 0);
    return imp;
}

static void test_impairment_takes_the_values_of_the_command_line(void **state)
{
    (void)state;
    assert_number(with("loss", "10").loss_pct, 10);
    assert_number(with("loss", "10,25").loss_correlation_pct, 25);
    assert_number(with("loss", "0.5").loss_pct, 0.5);
    assert_number(with("loss", "100").loss_pct, 100);
    assert_number(with("burst", "3").burst, 3);
    assert_number(with("delay", "100").delay_ms, 100);
    assert_number(with("jitter", "60").jitter_ms, 60);
    assert_number(with("reorder", "5").reorder_pct, 5);
    assert_number(with("dup", "5").dup_pct, 5);
    assert_number(with("corrupt", "5").corrupt_pct, 5);
    assert_number(with("rate", "32").rate_kbit, 32);
    assert_number(with("drift", "-300").drift_ppm, -300);
    assert_number(with("drift", "+300").drift_ppm, 300);
    assert_true(with("seed", "18446744073709551615").seed == UINT64_MAX);
    struct tgv_impairment imp = with("blackout", "1.5-2");
    assert_int_equal(imp.blackout_count, 1);
    assert_int_equal(imp.blackouts[0].from, 1500000);
    assert_int_equal(imp.blackouts[0].to, 2000000);
}

static void test_impairment_refuses_bad_values_and_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value, *what, *why;
    } cases[] = {
        {"loss", "120", "--loss", "120 is out of range 0..100"},
        {"loss", "-1", "--loss", "-1 is out of range 0..100"},
        {"loss", "ten", "--loss", "\"ten\" is not a number"},
        {"loss", "", "--loss", "\"\" is not a number"},
        {"loss", "5,", "--loss", "\"\" is not a number"},
        {"loss", "5,101", "--loss", "101 is out of range 0..100"},
        {"loss", "1e1", "--loss", "\"1e1\" is not a number"},
        {"loss", "0x10", "--loss", "\"0x10\" is not a number"},
        {"loss", " 1", "--loss", "\" 1\" is not a number"},
        {"loss", "nan", "--loss", "\"nan\" is not a number"},
        {"loss", "1.2.3", "--loss", "\"1.2.3\" is not a number"},
        {"loss", NULL, "--loss", "needs a value"},
        {"burst", "0.5", "--burst",
         "0.5 is out of range 1..10000, or 0 for no bursts"},
        {"delay", "-5", "--delay", "-5 is out of range 0..60000"},
        {"drift", "10001", "--drift", "10001 is out of range -10000..10000"},
        {"rate", "0.01", "--rate",
         "0.01 is out of range 0.1..1000000, or 0 for no limit"},
        {"blackout", "5", "--blackout", "\"5\" is not of the form T0-T1"},
        {"blackout", "-5", "--blackout", "\"-5\" is not of the form T0-T1"},
        {"blackout", "5-5", "--blackout", "\"5-5\" ends before it starts"},
        {"blackout", "5-", "--blackout", "\"\" is not a number"},
        {"seed", "18446744073709551616", "--seed",
         "18446744073709551616 is out of range 0..2^64-1"},
        {"seed", "-1", "--seed", "\"-1\" is not a whole number"},
        {"seed", "", "--seed", "\"\" is not a whole number"},
        {"hail", "1", "--hail", "no such impairment"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tgv_impairment imp, before;
        struct tgvoip_failure f = {0};

        memset(&imp, 0, sizeof(imp));
        tgv_impairment_init(&imp);
        before = imp;
        assert_int_equal(
            tgv_impairment_set(&imp, cases[i].option, cases[i].value, &f),
            TGVOIP_ERR_INVALID);
        assert_int_equal(f.code, TGVOIP_ERR_INVALID);
        assert_string_equal(f.what, cases[i].what);
        assert_string_equal(f.why, cases[i].why);
        assert_memory_equal(&imp, &before, sizeof(imp));
    }
}

static void test_impairment_survives_endless_values(void **state)
{
    (void)state;
    static const char *const options[] = {"loss",     "rate",    "seed",
                                          "blackout", "profile", "drift"};
    char value[2000];
    struct tgv_impairment imp;
    struct tgvoip_failure f;

    tgv_impairment_init(&imp);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        memset(value, '9', sizeof(value) - 1);
        value[sizeof(value) - 1] = 0;
        assert_int_equal(tgv_impairment_set(&imp, options[i], value, &f),
                         TGVOIP_ERR_INVALID);
        value[1000] = '-';
        assert_int_equal(tgv_impairment_set(&imp, options[i], value, &f),
                         TGVOIP_ERR_INVALID);
    }
}

static void test_impairment_limits_the_number_of_blackouts(void **state)
{
    (void)state;
    struct tgv_impairment imp;
    struct tgvoip_failure f;

    tgv_impairment_init(&imp);
    for (int i = 0; i < TGV_BLACKOUTS_MAX; i++)
        assert_int_equal(tgv_impairment_set(&imp, "blackout", "1-2", &f), 0);
    assert_int_equal(tgv_impairment_set(&imp, "blackout", "1-2", &f),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(f.why, "more than 16 blackouts");
}

static void test_impairment_profiles_are_those_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double loss, correlation, delay, jitter, rate;
    } table[] = {
        {"wifi", 0, 0, 0, 0, 0},       {"3g1", 9, 20, 0, 0, 44},
        {"3g2", 17, 0, 0, 0, 29},      {"3g3", 12, 3, 0, 0, 32},
        {"3g4", 18, 0, 0, 0, 32},      {"3gdelay", 17, 5, 450, 100, 0},
        {"3goutage", 3, 10, 0, 0, 64}, {"edge1", 11, 0, 0, 0, 24},
        {"edge2", 15, 5, 0, 0, 19},    {"gprs1", 20, 5, 0, 0, 17},
        {"gprs2", 19, 5, 0, 0, 14},    {"gprs3", 40, 5, 450, 100, 8},
    };
    const char *const *names = tgv_impairment_profiles();
    size_t n = sizeof(table) / sizeof(table[0]);

    for (size_t i = 0; i < n; i++) {
        struct tgv_impairment imp = with("profile", table[i].name);
        assert_string_equal(names[i], table[i].name);
        assert_number(imp.loss_pct, table[i].loss);
        assert_number(imp.loss_correlation_pct, table[i].correlation);
        assert_number(imp.delay_ms, table[i].delay);
        assert_number(imp.jitter_ms, table[i].jitter);
        assert_number(imp.rate_kbit, table[i].rate);
    }
    assert_null(names[n]);
    struct tgv_impairment imp = with("profile", "3goutage");
    assert_int_equal(imp.phase_count, 2);
    assert_int_equal(imp.phases[0].from, TGV_S(3));
    assert_number(imp.phases[0].rate_kbit, 8);
    assert_number(imp.phases[0].loss_pct, 20);
    assert_int_equal(imp.phases[1].from, TGV_S(6));
    assert_number(imp.phases[1].rate_kbit, 64);
}

static void test_impairment_unknown_profile_names_the_known_ones(void **state)
{
    (void)state;
    struct tgv_impairment imp;
    struct tgvoip_failure f;

    tgv_impairment_init(&imp);
    assert_int_equal(tgv_impairment_set(&imp, "profile", "5g", &f),
                     TGVOIP_ERR_INVALID);
    for (const char *const *p = tgv_impairment_profiles(); *p; p++)
        assert_non_null(strstr(f.why, *p));
}

static void test_impairment_option_after_a_profile_overrides_it(void **state)
{
    (void)state;
    struct tgv_impairment imp = with("profile", "3goutage");

    assert_int_equal(tgv_impairment_set(&imp, "loss", "1", NULL), 0);
    assert_number(imp.loss_pct, 1);
    assert_number(imp.phases[0].loss_pct, 1);
    assert_number(imp.phases[0].rate_kbit, 8);
    assert_int_equal(tgv_impairment_set(&imp, "rate", "0", NULL), 0);
    assert_number(imp.phases[1].rate_kbit, 0);
}

static void test_impairment_null_is_recognised(void **state)
{
    (void)state;
    static const char *const effective[][2] = {
        {"loss", "1"},    {"delay", "1"},  {"jitter", "1"},
        {"reorder", "1"}, {"dup", "1"},    {"rate", "1"},
        {"corrupt", "1"}, {"drift", "-1"}, {"blackout", "1-2"}};
    struct tgv_impairment imp = with("seed", "9");

    assert_true(tgv_impairment_is_null(&imp));
    imp = with("profile", "wifi");
    assert_true(tgv_impairment_is_null(&imp));
    imp = with("burst", "5");
    assert_true(tgv_impairment_is_null(&imp)); /* of no losses */
    for (size_t i = 0; i < sizeof(effective) / sizeof(effective[0]); i++) {
        imp = with(effective[i][0], effective[i][1]);
        assert_false(tgv_impairment_is_null(&imp));
    }
}

static void describe(const char *const options[][2], size_t n,
                     const char *expected)
{
    struct tgv_impairment imp;
    char text[256], small[9];

    tgv_impairment_init(&imp);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            tgv_impairment_set(&imp, options[i][0], options[i][1], NULL), 0);
    assert_int_equal(tgv_impairment_describe(&imp, text, sizeof(text)),
                     strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(tgv_impairment_describe(&imp, small, sizeof(small)),
                     strlen(expected));
    assert_memory_equal(small, expected, sizeof(small) - 1);
    assert_int_equal(small[8], 0);
    assert_int_equal(tgv_impairment_describe(&imp, NULL, 0), strlen(expected));
}

static void test_impairment_describes_itself_in_one_line(void **state)
{
    (void)state;
    describe((const char *const[][2]){{"loss", "10"},
                                      {"jitter", "60"},
                                      {"seed", "7"}},
             3, "loss 10 %, jitter 60 ms, seed 7");
    describe((const char *const[][2]){{"seed", "7"}}, 1,
             "no impairment, seed 7");
    describe((const char *const[][2]){{"loss", "5,20"},
                                      {"blackout", "1-2.5"},
                                      {"drift", "-300"}},
             3,
             "loss 5 % correlation 20 %, drift -300 ppm, blackout 1-2.5 s, "
             "seed 0");
    describe((const char *const[][2]){{"loss", "5,20"}, {"burst", "3"}}, 2,
             "loss 5 % in bursts of 3, seed 0");
    describe((const char *const[][2]){{"profile", "3goutage"}}, 1,
             "loss 3 % correlation 10 %, rate 64 kbit/s, from 3 s loss 20 % "
             "rate 8 kbit/s, from 6 s loss 3 % correlation 10 % rate 64 "
             "kbit/s, seed 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impairment_takes_the_values_of_the_command_line),
        cmocka_unit_test(test_impairment_refuses_bad_values_and_says_why),
        cmocka_unit_test(test_impairment_survives_endless_values),
        cmocka_unit_test(test_impairment_limits_the_number_of_blackouts),
        cmocka_unit_test(test_impairment_profiles_are_those_of_the_table),
        cmocka_unit_test(test_impairment_unknown_profile_names_the_known_ones),
        cmocka_unit_test(test_impairment_option_after_a_profile_overrides_it),
        cmocka_unit_test(test_impairment_null_is_recognised),
        cmocka_unit_test(test_impairment_describes_itself_in_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
