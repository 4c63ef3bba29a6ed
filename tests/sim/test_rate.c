/* SPDX-License-Identifier: MIT */
/*
 * Links of a fixed rate, and of one that changes: no queue stays, the link is
 * used, the call lives. Both directions are limited alike; both ends have
 * drifting clocks. TGV_SEED=n begins with another seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/sim.h"
#include "wire/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 5
#define LENGTH TGV_S(60)
#define SETTLED TGV_S(10)
#define QUEUE_BAR TGV_MS(400)
#define QUEUE_FOR TGV_S(2)
#define QUEUE_FOR_WORST TGV_S(4) /* where news takes over a second */
#define STEP TGV_MS(20)
/* An outage in the middle of a call, and what must be back how soon. */
#define OUTAGE_AT TGV_S(20)
#define BACK_AFTER TGV_MS(3500)
#define BACK_SHARE 0.9
#define LOOK_FOR TGV_S(8)

struct outcome {
    tgv_time above; /* longest time with the queue above the bar */
    tgv_time queue_max;
    double fill; /* of the link by media, after SETTLED */
    double concealed; /* share of the blocks */
    double delay_ms;
    bool established; /* and never left again */
    unsigned frame_ms, bitrate;
    uint64_t one, two, three; /* packets by their frames */
};

static uint64_t first_seed(void)
{
    const char *text = getenv("TGV_SEED");

    return text ? strtoull(text, NULL, 10) : 6001;
}

static bool verbose(void)
{
    return getenv("TGV_VERBOSE") != NULL;
}

static void tell(struct tgv_sim *s, tgv_time t)
{
    struct tgv_call_stats st;

    if (!verbose() || t % TGV_S(1) != 0)
        return;
    tgv_call_stats(tgv_sim_call(s, 0), &st, tgv_sim_now(s));
    printf("   %2d s: queue %4d ms, frame %u, bitrate %5u, media %7llu, "
           "loss %.2f, rtt %.0f\n",
           (int)(t / TGV_S(1)), (int)(tgv_sim_queue(s, 0) / 1000), st.frame_ms,
           st.bitrate_bps, (unsigned long long)tgv_sim_media_bytes(s, 0),
           st.loss_out, st.rtt_ms);
}

static void fill_in(struct tgv_sim *s, int n, struct outcome *r)
{
    const struct tgv_sim_heard *h = tgv_sim_heard(s, n);
    struct tgv_call_stats st;

    tgv_call_stats(tgv_sim_call(s, n), &st, tgv_sim_now(s));
    assert_int_equal(h->breaches, 0);
    r->concealed = h->blocks ? (double)h->concealed / (double)h->blocks : 1.0;
    r->delay_ms = tgv_sim_delay_ms(s, n, SETTLED, LENGTH);
    r->established = tgv_sim_was(s, n, TGV_STATE_ESTABLISHED) &&
                     !tgv_sim_was(s, n, TGV_STATE_RECONNECTING) &&
                     tgv_sim_state(s, n) == TGV_STATE_ESTABLISHED;
    r->frame_ms = st.frame_ms;
    r->bitrate = st.bitrate_bps;
    r->one = tgv_sim_packets(s, n, TGV_PKT_STREAM_DATA);
    r->two = tgv_sim_packets(s, n, TGV_PKT_STREAM_DATA_X2);
    r->three = tgv_sim_packets(s, n, TGV_PKT_STREAM_DATA_X3);
}

static void run(const struct tgv_sim_options *o, double kbit, tgv_time length,
                struct outcome r[2])
{
    struct tgv_sim *s = tgv_sim_create(o);
    tgv_time above[2] = {0};
    uint64_t media[2] = {0};

    memset(r, 0, 2 * sizeof(*r));
    for (tgv_time t = STEP; t <= length; t += STEP) {
        tgv_sim_run(s, t);
        tell(s, t);
        for (int n = 0; n < 2; n++) {
            tgv_time q = tgv_sim_queue(s, n);

            above[n] = q > QUEUE_BAR ? above[n] + STEP : 0;
            if (above[n] > r[n].above)
                r[n].above = above[n];
            if (q > r[n].queue_max)
                r[n].queue_max = q;
            if (t == SETTLED)
                media[n] = tgv_sim_media_bytes(s, n);
        }
    }
    for (int n = 0; n < 2; n++) {
        fill_in(s, n, &r[n]);
        r[n].fill = kbit > 0 ? (double)(tgv_sim_media_bytes(s, n) - media[n]) *
                                   8000.0 / (kbit * (double)(length - SETTLED))
                             : 0.0;
    }
    tgv_sim_destroy(s);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const struct outcome *r, size_t n, size_t field)
{
    double v[2 * SEEDS];

    for (size_t i = 0; i < n; i++)
        v[i] = *(const double *)(const void *)((const char *)&r[i] + field);
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}
#define MEDIAN(r, field) median(r, 2 * SEEDS, offsetof(struct outcome, field))

static tgv_time worst_above(const struct outcome *r)
{
    tgv_time most = 0;

    for (size_t i = 0; i < 2 * SEEDS; i++)
        most = r[i].above > most ? r[i].above : most;
    return most;
}

static void options(struct tgv_sim_options *o, uint64_t seed, double kbit)
{
    tgv_sim_options_init(o, seed);
    for (int n = 0; n < 2; n++) {
        o->imp[n].delay_ms = 50;
        o->imp[n].rate_kbit = kbit;
        o->drift_ppm[n] = seed % 2 ? 200 : -200;
    }
    o->skew = TGV_MS(37 * (seed % 7));
}

/* All seeds of one rate; prints the medians. */
static void measure(double kbit, struct outcome r[2 * SEEDS])
{
    for (unsigned i = 0; i < SEEDS; i++) {
        struct tgv_sim_options o;

        options(&o, first_seed() + i, kbit);
        run(&o, kbit, LENGTH, &r[2 * i]);
    }
    printf("%2.0f kbit/s: media fill %.0f %%, queue above 400 ms for %d ms at "
           "most, concealed %.1f %%, delay %.0f ms; packets of 1, 2, 3 "
           "frames: %llu, %llu, %llu; at the end %u ms, %u bit/s (seeds "
           "%llu..)\n",
           kbit, 100 * MEDIAN(r, fill), (int)(worst_above(r) / TGV_US_PER_MS),
           100 * MEDIAN(r, concealed), MEDIAN(r, delay_ms),
           (unsigned long long)r[0].one, (unsigned long long)r[0].two,
           (unsigned long long)r[0].three, r[0].frame_ms, r[0].bitrate,
           (unsigned long long)first_seed());
    for (unsigned i = 0; i < 2 * SEEDS; i++)
        assert_true(r[i].established);
    assert_true(worst_above(r) <= QUEUE_FOR);
}

static void test_eng_32_links_are_filled_without_a_queue(void **state)
{
    static const double rates[] = {24, 32, 48, 64};
    struct outcome r[2 * SEEDS];

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        measure(rates[i], r);
        assert_true(MEDIAN(r, fill) >= 0.70);
    }
}

static void test_rate_low_links_keep_the_call(void **state)
{
    static const double rates[] = {12, 16};
    struct outcome r[2 * SEEDS];

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        measure(rates[i], r);
        assert_true(r[0].two + r[0].three > 0);
    }
}

static void profile(struct tgv_sim_options *o, uint64_t seed, const char *name)
{
    options(o, seed, 0);
    for (int n = 0; n < 2; n++) {
        tgv_impairment_init(&o->imp[n]);
        o->imp[n].seed = seed;
        assert_int_equal(tgv_impairment_set(&o->imp[n], "profile", name, NULL),
                         0);
    }
}

static void measure_profile(const char *name, struct outcome r[2 * SEEDS])
{
    for (unsigned i = 0; i < SEEDS; i++) {
        struct tgv_sim_options o;

        profile(&o, first_seed() + i, name);
        run(&o, o.imp[0].rate_kbit, LENGTH, &r[2 * i]);
    }
    printf("%s: media fill %.0f %%, queue above 400 ms for %d ms at most, "
           "concealed %.1f %%, delay %.0f ms (seeds %llu..)\n",
           name, 100 * MEDIAN(r, fill), (int)(worst_above(r) / TGV_US_PER_MS),
           100 * MEDIAN(r, concealed), MEDIAN(r, delay_ms),
           (unsigned long long)first_seed());
}

/* Loss and low rate at once: the call lives, and no queue stays. */
static void test_rate_profiles_keep_the_call(void **state)
{
    static const char *const names[] = {"3g1",   "3g2",   "3g3",
                                        "3g4",   "edge1", "edge2",
                                        "gprs1", "gprs2", "3gdelay"};

    (void)state;
    for (size_t p = 0; p < sizeof(names) / sizeof(names[0]); p++) {
        struct outcome r[2 * SEEDS];

        measure_profile(names[p], r);
        for (unsigned i = 0; i < 2 * SEEDS; i++)
            assert_true(r[i].established);
        assert_true(worst_above(r) <= QUEUE_FOR);
    }
}

/* Of 8 kbit/s no voice is left, and 40 % of it are lost: but the call is not,
 * nor seems to be. */
static void test_rate_worst_profile_stays_established(void **state)
{
    struct outcome r[2 * SEEDS];

    (void)state;
    measure_profile("gprs3", r);
    for (unsigned i = 0; i < 2 * SEEDS; i++)
        assert_true(r[i].established);
    assert_true(worst_above(r) <= QUEUE_FOR_WORST);
}

/* A limit that drops without a queue shows in no delay. What is sent, copies
 * against these losses included, must come down to it all the same. */
static void test_rate_limit_without_queue_is_kept(void **state)
{
    static const double rates[] = {24, 32, 48};

    (void)state;
    for (size_t p = 0; p < sizeof(rates) / sizeof(rates[0]); p++) {
        struct outcome r[2 * SEEDS];

        for (unsigned i = 0; i < SEEDS; i++) {
            struct tgv_sim_options o;

            options(&o, first_seed() + i, rates[p]);
            o.imp[0].policer = o.imp[1].policer = true;
            run(&o, rates[p], LENGTH, &r[2 * i]);
        }
        printf("policer of %.0f kbit/s: media sent %.0f %% of it, concealed "
               "%.1f %% (seeds %llu..)\n",
               rates[p], 100 * MEDIAN(r, fill), 100 * MEDIAN(r, concealed),
               (unsigned long long)first_seed());
        assert_true(MEDIAN(r, fill) >= 0.70);
        assert_true(MEDIAN(r, fill) <= 1.10);
        assert_true(MEDIAN(r, concealed) <= 0.02);
        for (unsigned i = 0; i < 2 * SEEDS; i++)
            assert_true(r[i].established);
    }
}

/* From 64 kbit/s to 8 with 20 % loss for 3 s, and back. */
static void test_rate_drops_and_returns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SEEDS; i++) {
        struct tgv_sim_options o;
        struct tgv_call_stats st;
        struct tgv_sim *s;
        tgv_time low = 0;

        profile(&o, first_seed() + i, "3goutage");
        s = tgv_sim_create(&o);
        for (tgv_time t = STEP; t <= LENGTH; t += STEP) {
            tgv_sim_run(s, t);
            tell(s, t);
            if (tgv_sim_queue(s, 0) > QUEUE_BAR)
                low = t;
        }
        for (int n = 0; n < 2; n++) {
            assert_int_equal(tgv_sim_state(s, n), TGV_STATE_ESTABLISHED);
            assert_int_equal(tgv_sim_heard(s, n)->breaches, 0);
        }
        tgv_call_stats(tgv_sim_call(s, 0), &st, tgv_sim_now(s));
        printf("3goutage, seed %llu: last queue above 400 ms at %.1f s, at the "
               "end %u ms, %u bit/s\n",
               (unsigned long long)(first_seed() + i),
               (double)low / TGV_US_PER_S, st.frame_ms, st.bitrate_bps);
        assert_true(low < TGV_S(10));
        assert_true(st.bitrate_bps >= 16000);
        tgv_sim_destroy(s);
    }
}

struct outage {
    const char *what;
    double kbit; /* before; 0 no limit */
    double meanwhile, after; /* meanwhile 0: nothing at all comes */
    tgv_time length;
};

static void strike(struct tgv_impairment *imp, const struct outage *o)
{
    tgv_time end = OUTAGE_AT + o->length;

    if (o->meanwhile <= 0) {
        imp->blackout_count = 1;
        imp->blackouts[0].from = OUTAGE_AT;
        imp->blackouts[0].to = end;
        return;
    }
    imp->phase_count = 2;
    imp->phases[0] =
        (struct tgv_link_phase){.from = OUTAGE_AT, .rate_kbit = o->meanwhile};
    imp->phases[1] =
        (struct tgv_link_phase){.from = end, .rate_kbit = o->after};
}

static double bitrate(struct tgv_sim *s)
{
    struct tgv_call_stats st;

    tgv_call_stats(tgv_sim_call(s, 0), &st, tgv_sim_now(s));
    return st.bitrate_bps;
}

/* How long after the outage the bitrate was last below what it had been [s];
 * so far as one looks. Also the longest time with a queue, from 2 s after the
 * outage on. */
static double outlive(uint64_t seed, const struct outage *what, tgv_time *queue)
{
    tgv_time end = OUTAGE_AT + what->length, above = 0, back = 0;
    struct tgv_sim_options o;
    struct tgv_sim *s;
    double before;

    options(&o, seed, what->kbit);
    strike(&o.imp[0], what);
    strike(&o.imp[1], what);
    s = tgv_sim_create(&o);
    tgv_sim_run(s, OUTAGE_AT);
    before = bitrate(s);
    for (tgv_time t = OUTAGE_AT; t <= end + LOOK_FOR; t += STEP) {
        tgv_sim_run(s, t);
        tell(s, t);
        above = tgv_sim_queue(s, 0) > QUEUE_BAR ? above + STEP : 0;
        if (t > end + TGV_S(2) && above > *queue)
            *queue = above;
        if (t > end && bitrate(s) < before * BACK_SHARE)
            back = t + STEP - end;
    }
    assert_int_equal(tgv_sim_state(s, 0), TGV_STATE_ESTABLISHED);
    tgv_sim_destroy(s);
    return (double)back / TGV_US_PER_S;
}

/* All seeds; the median of the times. */
static double outlive_all(const struct outage *what, tgv_time *queue)
{
    double back[SEEDS];

    *queue = 0;
    for (unsigned i = 0; i < SEEDS; i++)
        back[i] = outlive(first_seed() + i, what, queue);
    qsort(back, SEEDS, sizeof(*back), compare);
    printf("%s: bitrate back after %.1f s (%.1f to %.1f), then queue above "
           "400 ms for %d ms at most (seeds %llu..)\n",
           what->what, back[SEEDS / 2], back[0], back[SEEDS - 1],
           (int)(*queue / TGV_US_PER_MS), (unsigned long long)first_seed());
    return back[SEEDS / 2];
}

/* The path is as it was: so is the rate, in the time that it takes to see. */
static void test_rate_comes_back_after_an_outage(void **state)
{
    static const struct outage outages[] = {
        {"no limit, nothing for 2 s", 0, 0, 0, TGV_S(2)},
        {"64 kbit/s, nothing for 2 s", 64, 0, 64, TGV_S(2)},
        {"no limit, 8 kbit/s for 3 s", 0, 8, 0, TGV_S(3)},
        {"64 kbit/s, 8 kbit/s for 3 s", 64, 8, 64, TGV_S(3)},
    };
    tgv_time queue;

    (void)state;
    for (size_t i = 0; i < sizeof(outages) / sizeof(outages[0]); i++) {
        double back = outlive_all(&outages[i], &queue);

        assert_true(back <= (double)BACK_AFTER / TGV_US_PER_S);
        assert_true(queue <= QUEUE_FOR);
    }
}

/* It is not: no queue is made by trying. */
static void test_rate_climbs_a_changed_path_with_care(void **state)
{
    static const struct outage outages[] = {
        {"64 kbit/s, 8 for 3 s, then 32", 64, 8, 32, TGV_S(3)},
        {"64 kbit/s, 8 for 3 s, then 16", 64, 8, 16, TGV_S(3)},
        {"64 kbit/s, 8 for 3 s, then 12", 64, 8, 12, TGV_S(3)},
    };
    tgv_time queue;

    (void)state;
    for (size_t i = 0; i < sizeof(outages) / sizeof(outages[0]); i++) {
        outlive_all(&outages[i], &queue);
        assert_true(queue <= TGV_S(1));
    }
}

/* Between two of ours on a fast path: short frames, and short delay. */
static void test_rate_fast_path_takes_short_frames(void **state)
{
    struct tgv_sim_options o;
    struct outcome r[2], sixty[2];

    (void)state;
    options(&o, first_seed(), 0);
    run(&o, 0, LENGTH, r);
    o.min_frame_ms[0] = 60;
    run(&o, 0, LENGTH, sixty);
    printf("fast path: %u ms frames, delay %.0f ms; %u ms frames, delay "
           "%.0f ms\n",
           r[0].frame_ms, r[0].delay_ms, sixty[0].frame_ms, sixty[0].delay_ms);
    assert_int_equal(r[0].frame_ms, 20);
    assert_int_equal(r[1].frame_ms, 20);
    assert_int_equal(sixty[0].frame_ms, 60);
    assert_int_equal(sixty[1].frame_ms, 60);
    assert_true(r[0].delay_ms + 30 <= sixty[0].delay_ms);
}

/* The other way is full: no reason to send less on ours. */
static void test_eng_32_way_back_is_another_way(void **state)
{
    struct tgv_sim_options o;
    struct outcome r[2];

    (void)state;
    options(&o, first_seed(), 0);
    o.imp[1].rate_kbit = 24;
    run(&o, 24, LENGTH, r);
    printf("way back of 24 kbit/s: we send %u bit/s in frames of %u ms, it "
           "%u bit/s\n",
           r[0].bitrate, r[0].frame_ms, r[1].bitrate);
    assert_int_equal(r[0].bitrate, 20000);
    assert_true(r[1].fill >= 0.70);
    assert_true(r[1].above <= QUEUE_FOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_32_links_are_filled_without_a_queue),
        cmocka_unit_test(test_rate_low_links_keep_the_call),
        cmocka_unit_test(test_rate_profiles_keep_the_call),
        cmocka_unit_test(test_rate_worst_profile_stays_established),
        cmocka_unit_test(test_rate_limit_without_queue_is_kept),
        cmocka_unit_test(test_rate_drops_and_returns),
        cmocka_unit_test(test_rate_comes_back_after_an_outage),
        cmocka_unit_test(test_rate_climbs_a_changed_path_with_care),
        cmocka_unit_test(test_rate_fast_path_takes_short_frames),
        cmocka_unit_test(test_eng_32_way_back_is_another_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
