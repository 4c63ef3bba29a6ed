/* SPDX-License-Identifier: MIT */
/* rooms: net base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "net/burst.h"
#include "net/congestion.h"
#include "net/loss.h"
#include "net/low.h"
#include "net/police.h"
#include "net/rtt.h"

#include <string.h>

static void test_rtt_unknown_is_zero(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    assert_false(tgv_rtt_known(&r));
    assert_int_equal(tgv_rtt_mean(&r), 0);
    assert_int_equal(tgv_rtt_smoothed(&r), 0);
    assert_int_equal(tgv_rtt_min(&r), 0);
}

static void test_rtt_mean_is_of_the_last_six(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_S(9), 0);
    for (int i = 1; i <= 6; i++)
        tgv_rtt_add(&r, TGV_MS(10 * i), i);
    assert_int_equal(tgv_rtt_mean(&r), TGV_MS(35));
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(40), 0);
    assert_int_equal(tgv_rtt_mean(&r), TGV_MS(40));
}

static void test_rtt_smoothed_follows(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(80), 0);
    tgv_rtt_add(&r, TGV_MS(160), 1);
    assert_int_equal(tgv_rtt_smoothed(&r), TGV_MS(90));
}

static void test_rtt_zero_and_backward_samples_count(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, 0, 0);
    assert_true(tgv_rtt_known(&r));
    assert_int_equal(tgv_rtt_mean(&r), 1);
    tgv_rtt_add(&r, -5, 0);
    assert_int_equal(tgv_rtt_min(&r), 1);
}

static void test_rtt_minimum_is_forgotten(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(10), 0);
    for (int s = 1; s < 15; s++)
        tgv_rtt_add(&r, TGV_MS(50), TGV_S(s));
    assert_int_equal(tgv_rtt_min(&r), TGV_MS(10));
    for (int s = 15; s < 31; s++)
        tgv_rtt_add(&r, TGV_MS(50), TGV_S(s));
    assert_int_equal(tgv_rtt_min(&r), TGV_MS(50));
}

static void test_loss_ratio_of_the_last_seconds(void **state)
{
    struct tgv_loss l;

    (void)state;
    tgv_loss_init(&l);
    assert_true(tgv_loss_ratio(&l, TGV_S(3)) == 0.0);
    tgv_loss_add(&l, 8, 2, TGV_S(100));
    tgv_loss_add(&l, 2, 0, TGV_S(102));
    assert_true(tgv_loss_ratio(&l, TGV_S(102)) == 0.2);
    assert_true(tgv_loss_ratio(&l, TGV_MS(105100)) == 0.0);
    assert_int_equal(tgv_loss_count(&l), 2);
}

static void test_loss_verdicts_can_be_taken_back(void **state)
{
    struct tgv_loss l;

    (void)state;
    tgv_loss_init(&l);
    tgv_loss_add(&l, 4, 1, TGV_S(1));
    tgv_loss_add(&l, 0, -1, TGV_S(2));
    assert_true(tgv_loss_ratio(&l, TGV_S(2)) == 0.0);
    assert_int_equal(tgv_loss_count(&l), 0);
    /* the verdict is older than what is remembered: never below zero */
    tgv_loss_add(&l, 4, 1, TGV_S(10));
    tgv_loss_add(&l, 1, -1, TGV_S(30));
    assert_true(tgv_loss_ratio(&l, TGV_S(30)) == 0.0);
}

/* -- how losses come ------------------------------------------------------- */

static void test_burst_begins_without_losses(void **state)
{
    struct tgv_burst b;

    (void)state;
    tgv_burst_init(&b);
    for (int i = 0; i < 8; i++)
        tgv_burst_add(&b, true);
    assert_true(tgv_burst_loss(&b) == 0.0); /* too few are known */
    assert_true(tgv_burst_length(&b) >= 1.0);
}

/* A second without anything is a dead road: no copy reaches over it. */
static void test_burst_an_outage_is_no_weather(void **state)
{
    struct tgv_burst b;

    (void)state;
    tgv_burst_init(&b);
    for (int i = 0; i < 100; i++)
        tgv_burst_add(&b, false);
    for (int i = 0; i < 60; i++)
        tgv_burst_add(&b, true);
    tgv_burst_add(&b, false);
    assert_true(tgv_burst_loss(&b) == 0.0);
    for (int i = 0; i < 5; i++)
        tgv_burst_add(&b, true);
    tgv_burst_unknown(&b); /* nor is what nobody knows the length of */
    tgv_burst_add(&b, false);
    assert_true(tgv_burst_loss(&b) == 0.0);
    for (int i = 0; i < 10; i++)
        tgv_burst_add(&b, i < 9);
    assert_true(tgv_burst_loss(&b) > 0.07);
    assert_true(tgv_burst_length(&b) > 2.0);
}

static void test_burst_old_losses_are_forgotten(void **state)
{
    struct tgv_burst b;

    (void)state;
    tgv_burst_init(&b);
    for (int i = 0; i < 500; i++)
        tgv_burst_add(&b, i % 4 == 0);
    assert_true(tgv_burst_loss(&b) > 0.2);
    for (int i = 0; i < 1500; i++)
        tgv_burst_add(&b, false);
    assert_true(tgv_burst_loss(&b) < 0.005);
}

/* A second of packets at `kbit`, of which `share` are lost by chance and those
 * beyond `limit` are dropped. */
static void second(struct tgv_police *p, struct tgv_prng *g, double kbit,
                   double share, double limit)
{
    static tgv_time now = TGV_S(100);
    const unsigned bytes = 200;
    unsigned packets = (unsigned)(kbit * 1000 / 8 / bytes);
    double passed = 0.0;

    for (unsigned i = 0; i < packets; i++) {
        bool over = limit > 0.0 &&
                    passed + bytes * 8 > limit * 1000 * (i + 1) / packets;
        bool lost = over || tgv_prng_unit(g) < share;

        passed += over ? 0.0 : bytes * 8.0;
        tgv_police_add(p, bytes, lost, now + TGV_S(1) * i / packets);
    }
    now += TGV_S(1);
}

static void test_police_limit_without_queue_is_seen(void **state)
{
    (void)state;
    for (double limit = 20; limit <= 60; limit += 10) {
        struct tgv_police p = {.known = 0};
        struct tgv_prng g;
        double seen;

        tgv_prng_init(&g, (uint64_t)limit);
        for (int i = 0; i < 12; i++) /* more and more is sent */
            second(&p, &g, limit * (1.0 + i * 0.06), 0.02, limit);
        seen = tgv_police_limit(&p) / 1000;
        assert_true(seen > limit * 0.85 && seen < limit * 1.1);
        tgv_police_forget(&p);
        assert_true(tgv_police_limit(&p) == 0.0);
    }
}

/* Chance takes its share of much and of little; and loss that begins is
 * followed by copies against it: before and after prove nothing. */
static void test_police_chance_is_no_limit(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct tgv_police p = {.known = 0};
        struct tgv_prng g;

        tgv_prng_init(&g, seed);
        for (int i = 0; i < 8; i++)
            second(&p, &g, 28, 0.0, 0);
        for (int i = 0; i < 10; i++) {
            second(&p, &g, 28 + 4 * i, 0.15, 0);
            wrong += tgv_police_limit(&p) > 0.0;
        }
    }
    assert_true(wrong <= 20); /* of 2000 */
}

/* -- the least of some delays ------------------------------------------------ */

static void test_low_recent_and_base(void **state)
{
    struct tgv_low l;

    (void)state;
    tgv_low_clear(&l, TGV_S(10));
    assert_true(tgv_low_base(&l) == TGV_NEVER);
    assert_true(tgv_low_recent(&l, TGV_MS(500), TGV_S(1)) == TGV_NEVER);
    tgv_low_add(&l, TGV_MS(50), TGV_S(1));
    for (int i = 1; i <= 20; i++)
        tgv_low_add(&l, TGV_MS(90 + i % 3), TGV_S(1) + TGV_MS(100) * i);
    assert_int_equal(tgv_low_recent(&l, TGV_MS(500), TGV_S(3)), TGV_MS(90));
    assert_int_equal(tgv_low_base(&l), TGV_MS(50));
}

static void test_low_base_is_forgotten_after_two_spans(void **state)
{
    struct tgv_low l;

    (void)state;
    tgv_low_clear(&l, TGV_S(10));
    tgv_low_add(&l, TGV_MS(50), 0);
    for (int s = 1; s < 19; s++)
        tgv_low_add(&l, TGV_MS(90), TGV_S(s));
    assert_int_equal(tgv_low_base(&l), TGV_MS(50));
    for (int s = 19; s < 31; s++)
        tgv_low_add(&l, TGV_MS(90), TGV_S(s));
    assert_int_equal(tgv_low_base(&l), TGV_MS(90));
}

/* -- how much may be sent ------------------------------------------------------ */

/* A path of a fixed rate with a queue, and a sender that keeps to the rate. */
struct path {
    struct tgv_congestion c;
    double kbit;
    tgv_time rtt, free_at, now;
    double useful, debt;
    struct {
        tgv_time at, acked;
        size_t bytes;
    } sent[4096];
    unsigned first, count;
};

static void path_init(struct path *p, double rate, double kbit)
{
    memset(p, 0, sizeof(*p));
    tgv_congestion_init(&p->c, rate);
    p->kbit = kbit;
    p->rtt = TGV_MS(60);
    p->now = TGV_S(100);
    p->useful = 90000;
}

static void path_send(struct path *p)
{
    const size_t bytes = 200;
    unsigned n = (p->first + p->count++) % 4096;
    tgv_time start = p->free_at > p->now ? p->free_at : p->now;

    p->free_at = start + (tgv_time)((double)bytes * 8000 / p->kbit);
    p->sent[n].at = p->now;
    p->sent[n].acked = p->free_at + p->rtt;
    p->sent[n].bytes = bytes;
    tgv_congestion_sent(&p->c, bytes, p->now);
}

static void path_ack(struct path *p)
{
    while (p->count && p->sent[p->first].acked <= p->now) {
        tgv_time at = p->sent[p->first].at;

        tgv_congestion_acked(&p->c, p->sent[p->first].bytes, at, p->now);
        tgv_congestion_round_trip(&p->c, p->now - at, p->sent[p->first].bytes,
                                  NULL, p->now);
        p->first = (p->first + 1) % 4096;
        p->count--;
    }
}

static void path_run(struct path *p, tgv_time length, bool sends)
{
    for (tgv_time end = p->now + length; p->now < end; p->now += TGV_MS(10)) {
        p->debt += tgv_congestion_rate(&p->c) / 8 / 100;
        while (sends && p->debt >= 200) {
            if (p->count * 200 < tgv_congestion_window(&p->c, 1024, 0))
                path_send(p);
            else
                tgv_congestion_refused(&p->c);
            p->debt -= 200;
        }
        if (!sends)
            p->debt = 0;
        path_ack(p);
        if (p->now % TGV_MS(100) == 0)
            tgv_congestion_run(&p->c, 0.0, TGV_MS(20), p->useful, p->now);
    }
}

static tgv_time path_queue(const struct path *p)
{
    return p->free_at > p->now ? p->free_at - p->now : 0;
}

static void test_congestion_rises_to_what_is_useful(void **state)
{
    struct path p;

    (void)state;
    path_init(&p, 28000, 1000);
    path_run(&p, TGV_S(20), true);
    assert_true(tgv_congestion_rate(&p.c) == p.useful);
    assert_true(tgv_congestion_queue(&p.c) < TGV_MS(20));
    assert_true(tgv_congestion_sent_rate(&p.c, p.now) > 85000);
}

static void test_congestion_falls_below_what_the_path_carries(void **state)
{
    struct path p;
    tgv_time most = 0;

    (void)state;
    path_init(&p, 28000, 200);
    path_run(&p, TGV_S(20), true);
    p.kbit = 24;
    for (int i = 0; i < 40; i++) {
        path_run(&p, TGV_S(1), true);
        if (i >= 5 && path_queue(&p) > most)
            most = path_queue(&p);
    }
    assert_true(tgv_congestion_rate(&p.c) < 24000 * 1.1);
    assert_true(tgv_congestion_rate(&p.c) > 24000 * 0.6);
    assert_true(most < TGV_MS(400));
    p.kbit = 200; /* and up again */
    path_run(&p, TGV_S(60), true);
    assert_true(tgv_congestion_rate(&p.c) > 60000);
}

/* The queue is what the round trip is longer than its least. */
static void test_congestion_measures_the_queue(void **state)
{
    struct path p;
    tgv_time most = 0;

    (void)state;
    path_init(&p, 28000, 200);
    path_run(&p, TGV_S(3), true);
    assert_true(tgv_congestion_queue(&p.c) < TGV_MS(20));
    p.kbit = 24;
    for (int i = 0; i < 50; i++) {
        path_run(&p, TGV_MS(100), true);
        if (tgv_congestion_queue(&p.c) > most)
            most = tgv_congestion_queue(&p.c);
    }
    assert_in_range(most, TGV_MS(60), TGV_MS(500));
    path_run(&p, TGV_S(5), true);
    assert_true(tgv_congestion_queue(&p.c) < TGV_MS(100));
}

/* Nothing to send, nothing learned: the rate stays, the path is stalled
 * rather than slow. */
static void test_congestion_idle_keeps_the_rate(void **state)
{
    struct path p;
    double rate;

    (void)state;
    path_init(&p, 28000, 200);
    path_run(&p, TGV_S(10), true);
    rate = tgv_congestion_rate(&p.c);
    assert_false(tgv_congestion_stalled(&p.c, p.now));
    path_run(&p, TGV_S(10), false);
    assert_true(tgv_congestion_rate(&p.c) >= rate);
    assert_true(tgv_congestion_rate(&p.c) < rate * 1.1);
    assert_true(tgv_congestion_stalled(&p.c, p.now));
    assert_true(tgv_congestion_sent_rate(&p.c, p.now) == 0.0);
}

/* A full window is a queue if acknowledgements go on, and losses in a row if
 * they stop. */
static void test_congestion_full_window_counts_while_acks_come(void **state)
{
    struct path p;
    double rate;

    (void)state;
    path_init(&p, 28000, 200);
    path_run(&p, TGV_S(10), true);
    rate = tgv_congestion_rate(&p.c);
    p.count = 0; /* all under way are lost */
    for (int i = 0; i < 4; i++) {
        tgv_congestion_refused(&p.c);
        path_run(&p, TGV_MS(100), false);
    }
    assert_true(tgv_congestion_rate(&p.c) >= rate);
}

static double window_ms(const struct tgv_congestion *c)
{
    return (double)tgv_congestion_window(c, 0, 0) * 8000.0 /
           tgv_congestion_rate(c);
}

static void test_congestion_window_follows_rate_and_round_trip(void **state)
{
    struct path near, far;

    (void)state;
    path_init(&near, 28000, 1000);
    path_init(&far, 28000, 1000);
    far.rtt = TGV_MS(500);
    path_run(&near, TGV_S(10), true);
    path_run(&far, TGV_S(10), true);
    assert_true(window_ms(&far.c) > window_ms(&near.c) + 300);
    assert_int_equal(tgv_congestion_window(&near.c, 100000, 0), 100000);
    /* the peer was not heard for a while: it may have got more */
    assert_true(tgv_congestion_window(&near.c, 0, TGV_MS(300)) >
                tgv_congestion_window(&near.c, 0, 0));
}

static void test_congestion_limit_is_kept_for_a_while(void **state)
{
    struct path p;

    (void)state;
    path_init(&p, 28000, 1000);
    path_run(&p, TGV_S(10), true);
    tgv_congestion_limited(&p.c, 40000, p.now);
    assert_true(tgv_congestion_rate(&p.c) <= 36000);
    path_run(&p, TGV_S(5), true);
    assert_true(tgv_congestion_rate(&p.c) <= 40000);
    path_run(&p, TGV_S(30), true);
    assert_true(tgv_congestion_rate(&p.c) > 40000); /* tried again */
}

static void test_congestion_new_path_keeps_the_rate(void **state)
{
    struct path p;
    double rate;

    (void)state;
    path_init(&p, 28000, 1000);
    path_run(&p, TGV_S(10), true);
    rate = tgv_congestion_rate(&p.c);
    tgv_congestion_new_path(&p.c);
    assert_true(tgv_congestion_rate(&p.c) == rate);
    assert_false(tgv_congestion_stalled(&p.c, p.now + TGV_S(5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtt_unknown_is_zero),
        cmocka_unit_test(test_rtt_mean_is_of_the_last_six),
        cmocka_unit_test(test_rtt_smoothed_follows),
        cmocka_unit_test(test_rtt_zero_and_backward_samples_count),
        cmocka_unit_test(test_rtt_minimum_is_forgotten),
        cmocka_unit_test(test_loss_ratio_of_the_last_seconds),
        cmocka_unit_test(test_loss_verdicts_can_be_taken_back),
        cmocka_unit_test(test_burst_begins_without_losses),
        cmocka_unit_test(test_burst_an_outage_is_no_weather),
        cmocka_unit_test(test_burst_old_losses_are_forgotten),
        cmocka_unit_test(test_police_limit_without_queue_is_seen),
        cmocka_unit_test(test_police_chance_is_no_limit),
        cmocka_unit_test(test_low_recent_and_base),
        cmocka_unit_test(test_low_base_is_forgotten_after_two_spans),
        cmocka_unit_test(test_congestion_rises_to_what_is_useful),
        cmocka_unit_test(test_congestion_falls_below_what_the_path_carries),
        cmocka_unit_test(test_congestion_measures_the_queue),
        cmocka_unit_test(test_congestion_idle_keeps_the_rate),
        cmocka_unit_test(test_congestion_full_window_counts_while_acks_come),
        cmocka_unit_test(test_congestion_window_follows_rate_and_round_trip),
        cmocka_unit_test(test_congestion_limit_is_kept_for_a_while),
        cmocka_unit_test(test_congestion_new_path_keeps_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
