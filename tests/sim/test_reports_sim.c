/* SPDX-License-Identifier: MIT */
/*
 * What a call reports about networks of known quality.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/sim.h"

#include <math.h>
#include <stdio.h>

#define SETTLED TGV_S(10)
#define LENGTH TGV_S(90)

static struct tgv_call_stats stats_of(struct tgv_sim *s, int side)
{
    struct tgv_call_stats st;

    tgv_call_stats(tgv_sim_call(s, side), &st, tgv_sim_now(s));
    return st;
}

/* -- bars --------------------------------------------------------------------- */

struct bars {
    double mean; /* of both sides, once a second */
    int low, high;
    double loss_out; /* mean of what is reported */
};

static struct bars bars_at(double loss_pct, double jitter_ms, uint64_t seed)
{
    struct bars r = {.low = 9};
    struct tgv_sim_options o;
    struct tgv_sim *s;
    unsigned n = 0;

    tgv_sim_options_init(&o, seed);
    for (int i = 0; i < 2; i++) {
        o.imp[i].delay_ms = 40;
        o.imp[i].loss_pct = loss_pct;
        o.imp[i].jitter_ms = jitter_ms;
    }
    s = tgv_sim_create(&o);
    for (tgv_time t = SETTLED; t < LENGTH; t += TGV_S(1)) {
        tgv_sim_run(s, t);
        for (int side = 0; side < 2; side++) {
            struct tgv_call_stats st = stats_of(s, side);
            r.mean += st.signal_bars;
            r.loss_out += st.loss_out;
            r.low = st.signal_bars < r.low ? st.signal_bars : r.low;
            r.high = st.signal_bars > r.high ? st.signal_bars : r.high;
            n++;
        }
    }
    tgv_sim_destroy(s);
    r.mean /= n;
    r.loss_out /= n;
    return r;
}

/* Thresholds: 2.5, 6.25 and 10 %; measured over seconds, so that a steady loss
 * between two of them moves the bars round its value. */
static const struct {
    double loss_pct, least, most;
} expected[] = {{0, 4, 4},     {1, 3.5, 4},   {4.4, 2.3, 3.4},
                {8, 1.2, 2.4}, {15, 1, 1.25}, {30, 1, 1}};

static void test_bars_follow_the_measured_loss(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct bars b = {0};
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct bars one = bars_at(expected[i].loss_pct, 0, seed);
            b.mean += one.mean / 3;
            b.loss_out += one.loss_out / 3;
        }
        printf("loss %4.1f %%: reported %4.1f %%, bars %.2f\n",
               expected[i].loss_pct, 100 * b.loss_out, b.mean);
        assert_true(b.mean >= expected[i].least);
        assert_true(b.mean <= expected[i].most);
        assert_true(fabs(100 * b.loss_out - expected[i].loss_pct) <
                    0.5 + expected[i].loss_pct / 5);
    }
}

static void test_bars_are_full_on_a_network_with_even_jitter(void **state)
{
    struct bars b = bars_at(0, 40, 5);

    (void)state;
    assert_true(b.mean > 3.8); /* the play-out delay has grown to fit */
}

static void test_bars_fall_to_one_in_a_blackout_and_recover(void **state)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, 8);
    for (int i = 0; i < 2; i++) {
        o.imp[i].blackout_count = 1;
        o.imp[i].blackouts[0].from = TGV_S(12);
        o.imp[i].blackouts[0].to = TGV_S(20);
    }
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(11));
    assert_int_equal(stats_of(s, 0).signal_bars, 4);
    tgv_sim_run(s, TGV_S(19));
    assert_int_equal(stats_of(s, 0).state, TGV_STATE_RECONNECTING);
    assert_int_equal(stats_of(s, 0).signal_bars, 1);
    tgv_sim_run(s, TGV_S(35));
    assert_int_equal(stats_of(s, 0).signal_bars, 4);
    tgv_sim_destroy(s);
}

/* Only what the caller sends is lost: it hears well and is not heard. */
static void test_bars_fall_where_nothing_is_acknowledged(void **state)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, 9);
    o.imp[0].blackout_count = 1;
    o.imp[0].blackouts[0].from = TGV_S(12);
    o.imp[0].blackouts[0].to = TGV_S(25);
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(20));
    assert_int_equal(stats_of(s, 0).state, TGV_STATE_ESTABLISHED);
    assert_int_equal(stats_of(s, 0).signal_bars, 1);
    tgv_sim_destroy(s);
}

/* -- play-out delay ------------------------------------------------------------- */

static void test_playout_delay_is_smooth_and_never_negative(void **state)
{
    static const double jitters[] = {0, 30, 80};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        double last = -1, sum = 0, most = 0;
        struct tgv_sim_options o;
        struct tgv_sim *s;
        unsigned n = 0;

        tgv_sim_options_init(&o, 20 + i);
        o.imp[0].delay_ms = o.imp[1].delay_ms = 20;
        o.imp[0].jitter_ms = o.imp[1].jitter_ms = jitters[i];
        s = tgv_sim_create(&o);
        for (tgv_time t = TGV_MS(500); t < TGV_S(40); t += TGV_MS(100)) {
            tgv_sim_run(s, t);
            double now = stats_of(s, 0).playout.delay_ms;
            assert_true(now >= 0);
            if (t > TGV_S(5)) {
                most = fabs(now - last) > most ? fabs(now - last) : most;
                sum += now;
                n++;
            }
            last = now;
        }
        /* what it is compared with counts from the capture on */
        double whole = tgv_sim_delay_ms(s, 0, TGV_S(5), TGV_S(40));
        printf("jitter %2.0f ms: reported %.0f ms, largest step %.1f ms, from "
               "capture on %.0f ms\n",
               jitters[i], sum / n, most, whole);
        assert_true(most < 15);
        assert_true(sum / n < whole);
        assert_true(sum / n > jitters[i] / 4);
        tgv_sim_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars_follow_the_measured_loss),
        cmocka_unit_test(test_bars_are_full_on_a_network_with_even_jitter),
        cmocka_unit_test(test_bars_fall_to_one_in_a_blackout_and_recover),
        cmocka_unit_test(test_bars_fall_where_nothing_is_acknowledged),
        cmocka_unit_test(test_playout_delay_is_smooth_and_never_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
