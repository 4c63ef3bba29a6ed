/* SPDX-License-Identifier: MIT */
/*
 * Losses, and what becomes of them: copies of earlier frames, switched on by
 * loss and off again, announced, and waited for by the play-out.
 * TGV_SEED=n begins with another seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "media/opus_codec.h"
#include "support/sim.h"
#include "wire/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 9
#define LENGTH TGV_S(60)

static uint64_t first_seed(void)
{
    const char *text = getenv("TGV_SEED");

    return text ? strtoull(text, NULL, 10) : 7001;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct heard {
    double concealed[2 * SEEDS]; /* share of the blocks, of the losses */
    double delay[2 * SEEDS];
};

static double median(double *v)
{
    qsort(v, 2 * SEEDS, sizeof(*v), compare);
    return v[SEEDS];
}

static void run(double loss, double burst, unsigned frame_ms, struct heard *r)
{
    for (unsigned i = 0; i < SEEDS; i++) {
        struct tgv_sim_options o;
        struct tgv_sim *s;

        tgv_sim_options_init(&o, first_seed() + i);
        for (int n = 0; n < 2; n++) {
            o.imp[n].delay_ms = 50;
            o.imp[n].loss_pct = loss;
            o.imp[n].burst = burst;
            o.min_frame_ms[n] = frame_ms;
            o.drift_ppm[n] = i % 2 ? 200 : -200;
        }
        o.skew = TGV_MS(37 * (i % 7));
        s = tgv_sim_create(&o);
        tgv_sim_run(s, LENGTH);
        for (unsigned n = 0; n < 2; n++) {
            const struct tgv_sim_heard *h = tgv_sim_heard(s, (int)n);

            assert_int_equal(h->breaches, 0);
            r->concealed[2 * i + n] =
                (double)h->concealed / (double)h->blocks / (loss / 100.0);
            r->delay[2 * i + n] =
                tgv_sim_delay_ms(s, (int)n, TGV_S(10), LENGTH);
        }
        tgv_sim_destroy(s);
    }
}

static void test_redundancy_conceals_a_third_of_15_percent(void **state)
{
    static const unsigned frames[] = {20, 40, 60};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct heard r;
        double share;

        run(15, 0, frames[i], &r);
        share = median(r.concealed);
        printf("15 %% random loss, frames of %u ms: %.1f %% of it concealed "
               "(bar 33), worst %.1f %%, delay %.0f ms (seeds %llu..)\n",
               frames[i], 100 * share, 100 * r.concealed[2 * SEEDS - 1],
               median(r.delay), (unsigned long long)first_seed());
        assert_true(share <= 1.0 / 3);
    }
}

static void test_redundancy_reaches_over_runs_of_losses(void **state)
{
    struct heard r;
    double share;

    (void)state;
    run(10, 2, 20, &r);
    share = median(r.concealed);
    printf("10 %% loss in runs of 2: %.1f %% of it concealed, delay %.0f ms\n",
           100 * share, median(r.delay));
    assert_true(share <= 0.5);
}

/* Of runs of four packets on average no copy restores the middle of a long one;
 * but the loss is no reason to send less. */
static void test_redundancy_makes_the_best_of_long_runs(void **state)
{
    static const double losses[] = {16, 19, 22};

    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct heard r;
        double share;

        run(losses[i], 4, 20, &r);
        share = median(r.concealed);
        printf("%.0f %% loss in runs of 4: %.1f %% concealed, %.0f %% of it, "
               "delay %.0f ms (seeds %llu..)\n",
               losses[i], share * losses[i], 100 * share, median(r.delay),
               (unsigned long long)first_seed());
        assert_true(share <= 0.5);
    }
}

static bool says(char *text, const char *part)
{
    bool found = strstr(text, part) != NULL;

    free(text);
    return found;
}

/* Copies are on, as the texts for people and for the server tell. */
static bool tells_copies(struct tgv_sim *s)
{
    return says(tgv_call_debug_string(tgv_sim_call(s, 0), tgv_sim_now(s)),
                "\nExtra EC: ");
}

static bool tells_problem(struct tgv_sim *s)
{
    return says(tgv_call_debug_log(tgv_sim_call(s, 0), tgv_sim_now(s)),
                "\"extra_ec\"");
}

/* Loss comes and goes: so do the copies, without flapping. */
static void test_eng_49_copies_come_and_go_with_loss(void **state)
{
    struct tgv_sim_options o;
    struct tgv_call_stats before, with, after;
    uint64_t bytes[4];
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, first_seed());
    for (int n = 0; n < 2; n++) {
        o.imp[n].delay_ms = 50;
        o.min_frame_ms[n] = 60;
        o.imp[n].phase_count = 2;
        o.imp[n].phases[0] =
            (struct tgv_link_phase){.from = TGV_S(20), .loss_pct = 12};
        o.imp[n].phases[1] = (struct tgv_link_phase){.from = TGV_S(50)};
    }
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(15));
    bytes[0] = tgv_sim_media_bytes(s, 0);
    tgv_sim_run(s, TGV_S(20));
    tgv_call_stats(tgv_sim_call(s, 0), &before, tgv_sim_now(s));
    bytes[0] = tgv_sim_media_bytes(s, 0) - bytes[0];
    assert_false(tells_copies(s));
    assert_false(tells_problem(s));
    tgv_sim_run(s, TGV_S(40));
    bytes[1] = tgv_sim_media_bytes(s, 0);
    tgv_sim_run(s, TGV_S(45));
    tgv_call_stats(tgv_sim_call(s, 0), &with, tgv_sim_now(s));
    bytes[1] = tgv_sim_media_bytes(s, 0) - bytes[1];
    assert_true(tells_copies(s));
    tgv_sim_run(s, TGV_S(115));
    bytes[2] = tgv_sim_media_bytes(s, 0);
    tgv_sim_run(s, TGV_S(120));
    tgv_call_stats(tgv_sim_call(s, 0), &after, tgv_sim_now(s));
    bytes[2] = tgv_sim_media_bytes(s, 0) - bytes[2];
    assert_false(tells_copies(s));
    assert_true(tells_problem(s)); /* happened */
    printf("bytes in 5 s: %llu without loss, %llu at 12 %%, %llu after\n",
           (unsigned long long)bytes[0], (unsigned long long)bytes[1],
           (unsigned long long)bytes[2]);
    assert_true(bytes[1] > bytes[0] * 5 / 4);
    assert_true(bytes[2] < bytes[0] * 11 / 10);
    /* random loss without a queue is no reason to lower the bitrate */
    assert_true(with.bitrate_bps >= before.bitrate_bps * 9 / 10);
    tgv_sim_destroy(s);
}

/* What one end heard of the other, which has pauses of half a second. */
static void talk_with_pauses(bool saving, double loss, uint64_t packets[2],
                             struct tgv_call_stats *st)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    tgv_sim_options_init(&o, first_seed());
    o.codec = tgv_codec_opus();
    o.marked = false;
    o.data_saving[0] = saving;
    for (int n = 0; n < 2; n++) {
        o.min_frame_ms[n] = 60;
        o.imp[n].delay_ms = 50;
        o.imp[n].loss_pct = loss;
    }
    s = tgv_sim_create(&o);
    tgv_sim_run(s, LENGTH);
    for (int n = 0; n < 2; n++) {
        assert_int_equal(tgv_sim_state(s, n), TGV_STATE_ESTABLISHED);
        packets[n] = tgv_sim_packets(s, n, TGV_PKT_STREAM_DATA);
    }
    tgv_call_stats(tgv_sim_call(s, 1), st, tgv_sim_now(s));
    tgv_sim_destroy(s);
}

/* Either side may save data, then both leave out their pauses; what was not
 * sent is not lost. */
static void test_eng_52_pauses_are_no_losses(void **state)
{
    uint64_t all[2], some[2];
    struct tgv_call_stats st;

    (void)state;
    talk_with_pauses(false, 0, all, &st);
    assert_int_equal(st.playout.frames_concealed, 0);
    talk_with_pauses(true, 0, some, &st);
    printf("%llu and %llu packets, saving data %llu and %llu; concealed "
           "%llu\n",
           (unsigned long long)all[0], (unsigned long long)all[1],
           (unsigned long long)some[0], (unsigned long long)some[1],
           (unsigned long long)st.playout.frames_concealed);
    for (int n = 0; n < 2; n++)
        assert_true(some[n] < all[n] * 9 / 10);
    assert_true(st.playout.frames_concealed <= 5);
    assert_true(st.loss_in == 0.0);
    talk_with_pauses(true, 10, some, &st); /* losses still count */
    assert_true(st.playout.frames_concealed + st.playout.frames_recovered > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redundancy_conceals_a_third_of_15_percent),
        cmocka_unit_test(test_redundancy_reaches_over_runs_of_losses),
        cmocka_unit_test(test_redundancy_makes_the_best_of_long_runs),
        cmocka_unit_test(test_eng_52_pauses_are_no_losses),
        cmocka_unit_test(test_eng_49_copies_come_and_go_with_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
