/* SPDX-License-Identifier: MIT */
/*
 * Whole calls in virtual time: at least 1,000 call-minutes (a minute of a
 * two-party call counts once) through bad networks drawn by seed, and the
 * quality bars.
 *
 * A failure prints its seed; `TGV_SEED=n test_calls` runs that one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/random.h"
#include "support/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS 520 /* TGV_SIM_CALLS: fewer, under sanitizers */
#define CALL_LENGTH TGV_S(120)
#define RERUN_EVERY 40
#define OPUS_CALLS 4
#define OPUS_LENGTH TGV_S(30)
#define BAR_SEEDS 15
#define BAR_LENGTH TGV_S(60)
#define SETTLED TGV_S(5)

/* -- bad networks by seed ------------------------------------------------------- */

static double draw(struct tgv_prng *g, double from, double to)
{
    return from + (to - from) * tgv_prng_unit(g);
}

static bool maybe(struct tgv_prng *g, double chance)
{
    return tgv_prng_unit(g) < chance;
}

static unsigned draw_loss(struct tgv_prng *g, struct tgv_impairment *imp)
{
    unsigned n = 0;

    if (maybe(g, 0.5)) {
        imp->loss_pct = draw(g, 1, 25);
        n++;
        if (maybe(g, 0.4)) {
            imp->burst = draw(g, 1, 4);
            n++;
        }
    }
    return n;
}

static unsigned draw_order(struct tgv_prng *g, struct tgv_impairment *imp)
{
    unsigned n = 0;

    if (maybe(g, 0.6)) {
        imp->jitter_ms = draw(g, 5, 200);
        n++;
    }
    if (maybe(g, 0.3)) {
        imp->reorder_pct = draw(g, 0.5, 10);
        n++;
    }
    if (maybe(g, 0.3)) {
        imp->dup_pct = draw(g, 0.5, 10);
        n++;
    }
    return n;
}

static unsigned draw_rest(struct tgv_prng *g, struct tgv_impairment *imp)
{
    unsigned n = 0;

    if (maybe(g, 0.3)) {
        imp->corrupt_pct = draw(g, 0.5, 5);
        n++;
    }
    if (maybe(g, 0.2)) {
        imp->rate_kbit = draw(g, 26, 64);
        n++;
    }
    if (maybe(g, 0.2)) {
        imp->blackout_count = 1 + tgv_prng_below(g, 2);
        for (unsigned i = 0; i < imp->blackout_count; i++) {
            tgv_time from = TGV_S(5) + TGV_S(40) * (tgv_time)i +
                            TGV_MS(tgv_prng_below(g, 35000));
            imp->blackouts[i].from = from;
            imp->blackouts[i].to = from + TGV_MS(200 + tgv_prng_below(g, 4000));
        }
        n++;
    }
    return n;
}

static unsigned draw_pauses(struct tgv_prng *g, struct tgv_sim_options *o)
{
    if (!maybe(g, 0.2))
        return 0;
    o->pause_count = 1 + tgv_prng_below(g, TGV_SIM_PAUSES_MAX);
    for (unsigned i = 0; i < o->pause_count; i++) {
        o->pauses[i].side = (int)tgv_prng_below(g, 2);
        o->pauses[i].at = TGV_MS(3000 + tgv_prng_below(g, 100000));
        o->pauses[i].length = TGV_MS(20 + tgv_prng_below(g, 1500));
    }
    return 1;
}

/* @return number of impairments; delay and clock drift, which every call has,
 * do not count */
static unsigned bad_network(struct tgv_sim_options *o, uint64_t seed)
{
    struct tgv_impairment imp;
    struct tgv_prng g;
    unsigned n;

    tgv_sim_options_init(o, seed);
    tgv_prng_init(&g, seed);
    tgv_impairment_init(&imp);
    imp.seed = seed;
    imp.delay_ms = draw(&g, 0, 250);
    n = draw_loss(&g, &imp);
    n += draw_order(&g, &imp);
    n += draw_rest(&g, &imp);
    n += draw_pauses(&g, o);
    o->imp[0] = o->imp[1] = imp;
    o->drift_ppm[0] = draw(&g, -300, 300);
    o->drift_ppm[1] = draw(&g, -300, 300);
    o->skew = TGV_MS(tgv_prng_below(&g, 2000));
    o->relays = 1 + tgv_prng_below(&g, 3);
    return n;
}

/* -- one call --------------------------------------------------------------------- */

struct outcome {
    uint64_t hash, breaches;
    bool established;
    uint64_t blocks, voice, recovered, concealed;
    unsigned routes;
};

static struct outcome run_call(const struct tgv_sim_options *o, tgv_time length)
{
    struct tgv_sim *s = tgv_sim_create(o);
    struct outcome r = {.established = true};

    tgv_sim_run(s, length);
    for (int n = 0; n < 2; n++) {
        const struct tgv_sim_heard *h = tgv_sim_heard(s, n);

        r.breaches += h->breaches;
        r.blocks += h->blocks;
        r.voice += h->voice;
        r.recovered += h->recovered;
        r.concealed += h->concealed;
        r.routes += tgv_sim_routes(s, n);
        r.established &= tgv_sim_was(s, n, TGV_STATE_ESTABLISHED) &&
                         tgv_sim_state(s, n) == TGV_STATE_ESTABLISHED &&
                         h->voice > 0;
    }
    r.hash = tgv_sim_hash(s);
    tgv_sim_destroy(s);
    return r;
}

static void describe(const struct tgv_sim_options *o)
{
    char text[512];

    tgv_impairment_describe(&o->imp[0], text, sizeof(text));
    printf("  network: %s; drift %.0f, %.0f ppm, pauses %u, relays %u\n", text,
           o->drift_ppm[0], o->drift_ppm[1], o->pause_count, o->relays);
}

static bool judge(const struct tgv_sim_options *o, const struct outcome *r)
{
    if (r->established && r->breaches == 0)
        return true;
    printf("FAILED seed %llu: %s, %llu breaches\n"
           "  again with: TGV_SEED=%llu test_calls\n",
           (unsigned long long)o->seed,
           r->established ? "established" : "not established at the end",
           (unsigned long long)r->breaches, (unsigned long long)o->seed);
    describe(o);
    return false;
}

static bool run_seed(uint64_t seed, unsigned *impairments, struct outcome *sum)
{
    struct tgv_sim_options o;
    struct outcome r, again;

    *impairments = bad_network(&o, seed);
    r = run_call(&o, CALL_LENGTH);
    sum->blocks += r.blocks;
    sum->voice += r.voice;
    sum->recovered += r.recovered;
    sum->concealed += r.concealed;
    sum->routes += r.routes;
    if (!judge(&o, &r))
        return false;
    if (seed % RERUN_EVERY != 0)
        return true;
    again = run_call(&o, CALL_LENGTH);
    if (again.hash == r.hash)
        return true;
    printf("FAILED seed %llu: a second run sent other bytes\n",
           (unsigned long long)seed);
    return false;
}

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void test_calls_thousand_minutes(void **state)
{
    const char *limit = getenv("TGV_SIM_CALLS");
    unsigned calls = limit ? (unsigned)strtoul(limit, NULL, 10) : CALLS;
    unsigned failed = 0, twice_bad = 0;
    struct outcome sum = {0};
    double start = cpu_s(), minutes = calls * (double)CALL_LENGTH / TGV_S(60);

    (void)state;
    for (uint64_t seed = 1; seed <= calls; seed++) {
        unsigned impairments;
        failed += !run_seed(seed, &impairments, &sum);
        twice_bad += impairments >= 2;
    }
    printf("seeds 1..%u: %.0f call-minutes in %.1f s of CPU, %.0f %% of them "
           "with two or more impairments, %u failed\n",
           calls, minutes, cpu_s() - start, 100.0 * twice_bad / calls, failed);
    printf("  heard: %.1f %% voice, %.1f %% recovered, %.1f %% concealed, the "
           "rest silence; %.2f routes a minute and end\n",
           100.0 * (double)sum.voice / (double)sum.blocks,
           100.0 * (double)sum.recovered / (double)sum.blocks,
           100.0 * (double)sum.concealed / (double)sum.blocks,
           sum.routes / (2 * minutes));
    assert_int_equal(failed, 0);
    if (limit)
        return;
    assert_true(minutes >= 1000);
    assert_true(cpu_s() - start <= 60.0);
    assert_true(twice_bad * 10 >= calls * 7);
}

static void test_calls_with_opus(void **state)
{
    (void)state;
    for (uint64_t seed = 2001; seed < 2001 + OPUS_CALLS; seed++) {
        struct tgv_sim_options o;
        struct outcome r;

        bad_network(&o, seed);
        o.codec = tgv_codec_opus();
        o.marked = false;
        r = run_call(&o, OPUS_LENGTH);
        printf("seed %llu with Opus: hash %016llx\n", (unsigned long long)seed,
               (unsigned long long)r.hash);
        assert_true(judge(&o, &r));
    }
}

/* -- bars --------------------------------------------------------------------------- */

struct bar {
    double delay_ms; /* capture to play-out, link delay subtracted */
    double concealed; /* share of the blocks */
    double lost; /* share of the packets */
    double after_spike; /* delay 10 s after it, less the one before */
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

typedef void network_fn(struct tgv_sim_options *o);

/* The bars are stated for frames of 60 ms; the frames that two of ours choose
 * by themselves must hold them too. */
static const struct {
    unsigned min_ms;
    const char *name;
} frames[] = {{60, "60 ms"}, {0, "own"}};
#define FRAMES (sizeof(frames) / sizeof(*frames))

/* Both ends of every seed; results in `bars`. */
static void run_bars(network_fn *network, unsigned min_frame_ms,
                     struct bar *bars)
{
    for (unsigned i = 0; i < BAR_SEEDS; i++) {
        struct tgv_sim_options o;
        struct tgv_sim *s;

        tgv_sim_options_init(&o, 3001 + i);
        network(&o);
        o.drift_ppm[0] = i % 3 ? 300 : -300;
        o.drift_ppm[1] = i % 2 ? -300 : 300;
        o.skew = TGV_MS(37 * (i % 7));
        o.min_frame_ms[0] = o.min_frame_ms[1] = min_frame_ms;
        s = tgv_sim_create(&o);
        tgv_sim_run(s, BAR_LENGTH);
        for (int n = 0; n < 2; n++) {
            const struct tgv_sim_heard *h = tgv_sim_heard(s, n);
            struct tgv_call_stats st;
            struct bar *b = &bars[2 * i + (unsigned)n];

            tgv_call_stats(tgv_sim_call(s, n), &st, tgv_sim_now(s));
            assert_int_equal(h->breaches, 0);
            assert_true(st.frame_ms >= min_frame_ms);
            b->delay_ms = tgv_sim_delay_ms(s, n, SETTLED, BAR_LENGTH) -
                          o.imp[1 - n].delay_ms;
            b->concealed = (double)h->concealed / (double)h->blocks;
            b->lost = (double)st.packets_lost_in /
                      (double)(st.packets_lost_in + st.packets_in);
            b->after_spike = tgv_sim_delay_ms(s, n, TGV_S(40), TGV_S(41)) -
                             tgv_sim_delay_ms(s, n, TGV_S(27), TGV_S(29));
        }
        tgv_sim_destroy(s);
    }
}

static double median_of(const struct bar *bars, size_t field)
{
    double v[2 * BAR_SEEDS];

    for (size_t i = 0; i < 2 * BAR_SEEDS; i++)
        v[i] = *(const double *)(const void *)((const char *)&bars[i] + field);
    return median(v, 2 * BAR_SEEDS);
}
#define MEDIAN(bars, field) median_of(bars, offsetof(struct bar, field))

static void calm(struct tgv_sim_options *o)
{
    o->imp[0].delay_ms = o->imp[1].delay_ms = 50;
}

static void test_bar_no_jitter_delay(void **state)
{
    struct bar bars[2 * BAR_SEEDS];

    (void)state;
    for (size_t f = 0; f < FRAMES; f++) {
        run_bars(calm, frames[f].min_ms, bars);
        printf("no jitter, %s frames: capture to play-out %.1f ms (bar 160), "
               "concealed %.2f %%\n",
               frames[f].name, MEDIAN(bars, delay_ms),
               100 * MEDIAN(bars, concealed));
        assert_true(MEDIAN(bars, delay_ms) <= 160.0);
    }
}

static void jitter60(struct tgv_sim_options *o)
{
    calm(o);
    o->imp[0].jitter_ms = o->imp[1].jitter_ms = 60;
}

static void test_bar_jitter_60_delay(void **state)
{
    struct bar bars[2 * BAR_SEEDS];

    (void)state;
    for (size_t f = 0; f < FRAMES; f++) {
        run_bars(jitter60, frames[f].min_ms, bars);
        printf("jitter 0..60, %s frames: capture to play-out %.1f ms (bar "
               "240), concealed %.2f %% (bar 1)\n",
               frames[f].name, MEDIAN(bars, delay_ms),
               100 * MEDIAN(bars, concealed));
        assert_true(MEDIAN(bars, delay_ms) <= 240.0);
        assert_true(MEDIAN(bars, concealed) <= 0.01);
    }
}

static void loss10(struct tgv_sim_options *o)
{
    calm(o);
    o->imp[0].loss_pct = o->imp[1].loss_pct = 10;
}

static void test_bar_loss_10_concealed(void **state)
{
    struct bar bars[2 * BAR_SEEDS];
    double excess[2 * BAR_SEEDS];

    (void)state;
    for (size_t f = 0; f < FRAMES; f++) {
        run_bars(loss10, frames[f].min_ms, bars);
        for (size_t i = 0; i < 2 * BAR_SEEDS; i++)
            excess[i] = bars[i].concealed - bars[i].lost;
        printf("loss 10 %%, %s frames: concealed %.2f %%, lost %.2f %% (bar "
               "loss + 1), capture to play-out %.1f ms\n",
               frames[f].name, 100 * MEDIAN(bars, concealed),
               100 * MEDIAN(bars, lost), MEDIAN(bars, delay_ms));
        assert_true(median(excess, 2 * BAR_SEEDS) <= 0.01);
    }
}

/* Nothing comes through for 300 ms, then all of it at once. */
static void spike(struct tgv_sim_options *o)
{
    calm(o);
    o->spike_at = TGV_S(30);
    o->spike_length = TGV_MS(300);
}

static void test_bar_spike_forgotten(void **state)
{
    struct bar bars[2 * BAR_SEEDS];

    (void)state;
    for (size_t f = 0; f < FRAMES; f++) {
        run_bars(spike, frames[f].min_ms, bars);
        printf("300 ms spike, %s frames: delay 10 s later %+.1f ms (bar 40)\n",
               frames[f].name, MEDIAN(bars, after_spike));
        assert_true(MEDIAN(bars, after_spike) <= 40.0);
    }
}

/* -- routes ------------------------------------------------------------------------- */

static void test_eng_24_dead_relay_left(void **state)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, 4001);
    calm(&o);
    o.relays = 2;
    o.relay_delay[1] = TGV_MS(20); /* so that the first one is taken */
    o.relay_dead_at[0] = TGV_S(10);
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(9));
    for (int n = 0; n < 2; n++)
        assert_int_equal(tgv_call_preferred_relay(tgv_sim_call(s, n)), 1000);
    tgv_sim_run(s, TGV_S(13));
    for (int n = 0; n < 2; n++) {
        assert_int_equal(tgv_call_preferred_relay(tgv_sim_call(s, n)), 1001);
        assert_string_equal(tgv_sim_last_route_reason(s, n), "dead");
        assert_int_equal(tgv_sim_state(s, n), TGV_STATE_ESTABLISHED);
    }
    tgv_sim_run(s, TGV_S(30));
    for (int n = 0; n < 2; n++)
        assert_int_equal(tgv_sim_heard(s, n)->breaches, 0);
    tgv_sim_destroy(s);
}

static void test_calls_move_to_faster_relay(void **state)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, 4002);
    calm(&o);
    o.relays = 2;
    o.relay_delay[0] = TGV_MS(150);
    o.relay_slow_from[0] = TGV_S(5);
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(4));
    assert_int_equal(tgv_call_preferred_relay(tgv_sim_call(s, 0)), 1000);
    tgv_sim_run(s, TGV_S(40));
    for (int n = 0; n < 2; n++) {
        assert_int_equal(tgv_call_preferred_relay(tgv_sim_call(s, n)), 1001);
        assert_string_equal(tgv_sim_last_route_reason(s, n), "rtt");
    }
    tgv_sim_destroy(s);
}

/* Old layers begin with other formats, which change during the handshake. */
static void test_calls_every_layer(void **state)
{
    static const int layers[] = {65, 73, 74, 80, 91, 92};

    (void)state;
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        for (uint64_t seed = 4100; seed < 4105; seed++) {
            struct tgv_sim_options o;
            struct outcome r;

            tgv_sim_options_init(&o, seed);
            calm(&o);
            o.imp[0].loss_pct = o.imp[1].loss_pct = 10;
            o.imp[0].reorder_pct = o.imp[1].reorder_pct = 5;
            o.skew = TGV_MS(300 * (seed % 3));
            o.layer[0] = o.layer[1] = layers[i];
            o.allow_v1 = true;
            r = run_call(&o, TGV_S(20));
            if (!judge(&o, &r))
                fail_msg("layer %d", layers[i]);
        }
}

static void test_calls_wrong_key_times_out(void **state)
{
    struct tgv_sim_options o;
    struct tgv_sim *s;

    (void)state;
    tgv_sim_options_init(&o, 4003);
    o.wrong_key = true;
    o.init_timeout = TGV_S(8);
    s = tgv_sim_create(&o);
    tgv_sim_run(s, TGV_S(9));
    for (int n = 0; n < 2; n++) {
        struct tgv_call_stats st;
        tgv_call_stats(tgv_sim_call(s, n), &st, tgv_sim_now(s));
        assert_int_equal(st.state, TGV_STATE_FAILED);
        assert_int_equal(st.error, TGV_CALL_ERROR_TIMEOUT);
        assert_true(st.packets_bad > 0);
    }
    tgv_sim_destroy(s);
}

static int run_one(uint64_t seed)
{
    struct tgv_sim_options o;
    struct outcome r;
    unsigned n = bad_network(&o, seed);

    if (seed > 2000) {
        o.codec = tgv_codec_opus();
        o.marked = false;
    }
    printf("seed %llu, %u impairments\n", (unsigned long long)seed, n);
    describe(&o);
    r = run_call(&o, seed > 2000 ? OPUS_LENGTH : CALL_LENGTH);
    printf("hash %016llx, routes %u, blocks %llu: voice %llu, recovered %llu, "
           "concealed %llu\n",
           (unsigned long long)r.hash, r.routes, (unsigned long long)r.blocks,
           (unsigned long long)r.voice, (unsigned long long)r.recovered,
           (unsigned long long)r.concealed);
    return judge(&o, &r) ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_thousand_minutes),
        cmocka_unit_test(test_calls_with_opus),
        cmocka_unit_test(test_bar_no_jitter_delay),
        cmocka_unit_test(test_bar_jitter_60_delay),
        cmocka_unit_test(test_bar_loss_10_concealed),
        cmocka_unit_test(test_bar_spike_forgotten),
        cmocka_unit_test(test_eng_24_dead_relay_left),
        cmocka_unit_test(test_calls_move_to_faster_relay),
        cmocka_unit_test(test_calls_every_layer),
        cmocka_unit_test(test_calls_wrong_key_times_out),
    };
    const char *seed = getenv("TGV_SEED");

    if (seed)
        return run_one(strtoull(seed, NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
