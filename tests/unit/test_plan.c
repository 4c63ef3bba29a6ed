/* SPDX-License-Identifier: MIT */
/* rooms: legacy net base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "legacy/plan.h"
#include "net/burst.h"

static struct tgv_plan_input input(double rate)
{
    return (struct tgv_plan_input){.rate = rate,
                                   .overhead_bytes = 84,
                                   .min_bps = 8000,
                                   .max_bps = 20000,
                                   .shortest_ms = 20,
                                   .bundles = true,
                                   .copies = true,
                                   .copies_max = 3,
                                   .loss_for_copies = 0.02};
}

static struct tgv_plan settle(const struct tgv_plan_input *in)
{
    struct tgv_planner p;

    tgv_planner_init(&p, 16000);
    for (tgv_time t = 0; t <= TGV_S(10); t += TGV_MS(100))
        tgv_planner_run(&p, in, t);
    return p.plan;
}

static void test_plan_by_rate(void **state)
{
    static const struct {
        double rate;
        unsigned frame_ms, frames;
        bool leave_out;
    } t[] = {{60000, 20, 1, false}, {42000, 40, 1, false},
             {30000, 60, 1, false}, {21500, 60, 1, false},
             {17000, 60, 2, false}, {13300, 60, 3, false},
             {9000, 60, 3, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct tgv_plan_input in = input(t[i].rate);
        struct tgv_plan plan = settle(&in);

        assert_int_equal(plan.frame_ms, t[i].frame_ms);
        assert_int_equal(plan.frames, t[i].frames);
        assert_int_equal(plan.leave_out, t[i].leave_out);
        assert_in_range(plan.bitrate_bps, 8000, 20000);
        if (!plan.leave_out)
            assert_true(tgv_plan_cost(&in, &plan) <= t[i].rate);
    }
}

/* Copies never ride with two or three frames (wire specification 4.4.4). */
static void test_plan_bundles_have_no_copies(void **state)
{
    (void)state;
    for (double rate = 6000; rate < 90000; rate += 500) {
        struct tgv_plan_input in = input(rate);
        struct tgv_plan plan;

        in.loss = in.again = 0.2;
        plan = settle(&in);
        assert_true(plan.frames == 1 || plan.copies == 0);
        assert_true(plan.copies == 0 || !plan.inband_fec);
    }
}

static void test_plan_originals_get_60_ms_and_two_copies_at_most(void **state)
{
    struct tgv_plan_input in = input(200000);
    struct tgv_plan plan;

    (void)state;
    in.shortest_ms = 60;
    in.copies_max = 2;
    in.loss = in.again = 0.3;
    plan = settle(&in);
    assert_int_equal(plan.frame_ms, 60);
    assert_int_equal(plan.copies, 2);
}

/* Loss about the mark must not switch to and fro, nor a rate about a step. */
static void test_eng_49_plan_does_not_flap(void **state)
{
    struct tgv_plan_input in = input(80000);
    struct tgv_planner p;
    unsigned changes = 0, last = 0;

    (void)state;
    tgv_planner_init(&p, 16000);
    for (tgv_time t = 0; t < TGV_S(60); t += TGV_MS(100)) {
        in.loss = in.again = t / TGV_S(1) % 2 ? 0.024 : 0.016;
        tgv_planner_run(&p, &in, t);
        changes += (p.wanted > 0) != (last > 0);
        last = p.wanted;
    }
    assert_int_equal(changes, 1);
    changes = 0;
    in = input(0);
    for (tgv_time t = 0; t < TGV_S(60); t += TGV_MS(100)) {
        unsigned frame = p.plan.frame_ms;

        in.rate = t / TGV_S(1) % 2 ? 38300 : 37200;
        tgv_planner_run(&p, &in, TGV_S(100) + t);
        changes += p.plan.frame_ms != frame;
    }
    assert_true(changes <= 2);
}

static void test_plan_saving_data_keeps_long_frames(void **state)
{
    struct tgv_plan_input in = input(90000);

    (void)state;
    in.sparing = true;
    assert_int_equal(settle(&in).frame_ms, 60);
}

static void test_burst_tells_runs_from_single_losses(void **state)
{
    struct tgv_burst single, runs;

    (void)state;
    tgv_burst_init(&single);
    tgv_burst_init(&runs);
    for (int i = 0; i < 600; i++) {
        tgv_burst_add(&single, i % 10 == 0);
        tgv_burst_add(&runs, i % 30 < 3);
    }
    assert_true(tgv_burst_loss(&single) > 0.08);
    assert_true(tgv_burst_loss(&runs) > 0.08);
    assert_true(tgv_burst_length(&single) < 1.2);
    assert_true(tgv_burst_length(&runs) > 2.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_by_rate),
        cmocka_unit_test(test_plan_bundles_have_no_copies),
        cmocka_unit_test(test_plan_originals_get_60_ms_and_two_copies_at_most),
        cmocka_unit_test(test_eng_49_plan_does_not_flap),
        cmocka_unit_test(test_plan_saving_data_keeps_long_frames),
        cmocka_unit_test(test_burst_tells_runs_from_single_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
