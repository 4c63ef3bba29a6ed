/* SPDX-License-Identifier: MIT */
/* rooms: link base */
#include "base/random.h"
#include "link/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN 100
#define STEP TGV_MS(20)

/* What came out: for each datagram sent, when and how often. */
struct run {
    size_t sent, got;
    unsigned *copies; /* by number */
    tgv_time *delay; /* by number, of the first copy */
    unsigned *order; /* numbers in order of arrival */
    size_t flipped_max; /* bits that differ in one datagram */
    size_t damaged;
    struct tgv_link_stats stats;
};

static struct tgv_link *new_link(const char *const options[][2], size_t n,
                                 uint64_t stream)
{
    struct tgv_impairment imp;
    struct tgv_link *l;

    tgv_impairment_init(&imp);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            tgv_impairment_set(&imp, options[i][0], options[i][1], NULL), 0);
    assert_int_equal(tgv_link_create(&l, &imp, stream), 0);
    return l;
}

static void drain(struct tgv_link *l, struct run *r, tgv_time until)
{
    uint8_t buf[1500];
    size_t len, flipped;
    uint64_t tag;
    tgv_time t;

    while ((t = tgv_link_deadline(l)) <= until) {
        tgv_link_receive(l, buf, sizeof(buf), &len, &tag, t);
        if (!len)
            continue;
        assert_int_equal(len, LEN);
        assert_true(tag < r->sent);
        flipped = 0;
        for (size_t i = 0; i < len; i++)
            for (unsigned x = buf[i] ^ (uint8_t)(tag + i); x; x &= x - 1)
                flipped++;
        r->damaged += flipped > 0;
        if (flipped > r->flipped_max)
            r->flipped_max = flipped;
        if (r->copies[tag]++ == 0)
            r->delay[tag] = t - (tgv_time)tag * STEP;
        r->order[r->got++] = (unsigned)tag;
    }
}

/* Send n datagrams, one every 20 ms, and take what comes. */
static struct run run_link(struct tgv_link *l, size_t n)
{
    struct run r = {0};
    uint8_t buf[LEN];

    r.copies = calloc(n, sizeof(*r.copies));
    r.delay = calloc(n, sizeof(*r.delay));
    r.order = calloc(2 * n, sizeof(*r.order));
    for (; r.sent < n;) {
        tgv_time now = (tgv_time)r.sent * STEP;
        for (size_t i = 0; i < LEN; i++)
            buf[i] = (uint8_t)(r.sent + i);
        drain(l, &r, now - 1);
        assert_int_equal(tgv_link_send(l, buf, LEN, r.sent++, now), 0);
    }
    drain(l, &r, TGV_NEVER - 1);
    tgv_link_stats(l, &r.stats);
    assert_int_equal(r.stats.queued, 0);
    assert_int_equal(r.stats.in, n);
    assert_int_equal(r.stats.out, r.got);
    assert_int_equal(r.stats.in + r.stats.duplicated,
                     r.stats.out + r.stats.lost + r.stats.overflowed);
    tgv_link_destroy(l);
    return r;
}

static void run_free(struct run *r)
{
    free(r->copies);
    free(r->delay);
    free(r->order);
}

#define OPTIONS(...)                                                           \
    (const char *const[][2]){__VA_ARGS__},                                     \
        sizeof((const char *const[][2]){__VA_ARGS__}) /                        \
            sizeof(const char *const[2])

static void assert_between(double v, double low, double high)
{
    if (v < low || v > high)
        print_error("%g is not in %g..%g\n", v, low, high);
    assert_true(v >= low && v <= high);
}

static double lost_pct(const struct run *r)
{
    return 100.0 * (double)r->stats.lost / (double)r->sent;
}

static double mean_burst(const struct run *r)
{
    size_t bursts = 0;

    for (size_t i = 0; i < r->sent; i++)
        bursts += !r->copies[i] && (i == 0 || r->copies[i - 1]);
    return (double)r->stats.lost / (double)bursts;
}

static void test_link_without_impairment_passes_all_at_once(void **state)
{
    (void)state;
    struct run r = run_link(new_link(NULL, 0, 0), 1000);

    assert_int_equal(r.got, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(r.order[i], i);
        assert_int_equal(r.delay[i], 0);
    }
    assert_int_equal(r.damaged, 0);
    run_free(&r);
}

static void test_link_loses_at_the_rate_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *loss, *burst;
        double pct, burst_low, burst_high;
    } cases[] = {
        {"10", "0", 10, 1.08, 1.14}, /* 1 / (1 - 0.1) */
        {"10,50", "0", 10, 2.1, 2.35}, /* 1 / (0.5 * 0.9) */
        {"9,20", "0", 9, 1.33, 1.42}, /* 1 / (0.8 * 0.91) */
        {"10", "1", 10, 1, 1}, /* never two in a row */
        {"10", "5", 10, 4.7, 5.3}, /* as asked */
        {"50", "3", 50, 2.9, 3.1}, /* as asked */
        {"90", "2", 90, 8.5, 9.5}, /* rate goes before length */
        {"40,5", "0", 40, 1.7, 1.81}, /* 1 / (0.95 * 0.6) */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run r =
            run_link(new_link(OPTIONS({"loss", cases[i].loss},
                                      {"burst", cases[i].burst}, {"seed", "3"}),
                              0),
                     100000);
        assert_between(lost_pct(&r), cases[i].pct - 0.7, cases[i].pct + 0.7);
        assert_between(mean_burst(&r), cases[i].burst_low, cases[i].burst_high);
        run_free(&r);
    }
}

static void test_link_loss_100_loses_all_and_0_nothing(void **state)
{
    (void)state;
    struct run r =
        run_link(new_link(OPTIONS({"loss", "100"}, {"burst", "4"}), 0), 1000);

    assert_int_equal(r.got, 0);
    run_free(&r);
    r = run_link(new_link(OPTIONS({"loss", "100"}), 0), 1000);
    assert_int_equal(r.got, 0);
    run_free(&r);
    r = run_link(new_link(OPTIONS({"loss", "0"}, {"burst", "4"}), 0), 1000);
    assert_int_equal(r.got, 1000);
    run_free(&r);
}

static void test_link_delay_and_jitter_are_uniform_and_reorder(void **state)
{
    (void)state;
    struct run r = run_link(
        new_link(OPTIONS({"delay", "100"}, {"jitter", "60"}), 0), 20000);
    double sum = 0;
    size_t low = 0;

    assert_int_equal(r.got, 20000);
    for (size_t i = 0; i < r.sent; i++) {
        assert_in_range(r.delay[i], TGV_MS(100), TGV_MS(160));
        sum += (double)r.delay[i];
        low += r.delay[i] < TGV_MS(115);
    }
    assert_between(sum / 20000, 129500, 130500);
    assert_between((double)low / 20000, 0.24, 0.26);
    assert_true(r.stats.reordered > 1000);
    run_free(&r);
}

static void test_link_reorder_puts_datagrams_behind_later_ones(void **state)
{
    (void)state;
    struct run r = run_link(new_link(OPTIONS({"reorder", "10"}), 0), 10000);
    size_t behind = 0;

    assert_int_equal(r.got, 10000);
    for (size_t i = 0; i < r.sent; i++) {
        assert_true(r.delay[i] <= TGV_MS(200));
        behind += r.delay[i] > 0;
    }
    assert_between((double)behind, 900, 1100);
    assert_between((double)r.stats.reordered, 0.9 * (double)behind,
                   (double)behind);
    run_free(&r);
}

static void test_link_held_datagram_leaves_without_later_ones(void **state)
{
    (void)state;
    struct run r =
        run_link(new_link(OPTIONS({"reorder", "100"}, {"delay", "10"}), 0), 1);

    assert_int_equal(r.got, 1);
    assert_int_equal(r.delay[0], TGV_MS(210));
    run_free(&r);
}

static void test_link_dup_sends_twice(void **state)
{
    (void)state;
    struct run r =
        run_link(new_link(OPTIONS({"dup", "20"}, {"jitter", "30"}), 0), 10000);
    size_t twice = 0;

    for (size_t i = 0; i < r.sent; i++) {
        assert_in_range(r.copies[i], 1, 2);
        twice += r.copies[i] == 2;
    }
    assert_int_equal(twice, r.stats.duplicated);
    assert_between((double)twice, 1850, 2150);
    run_free(&r);
}

static void test_link_corrupt_flips_one_to_three_bits(void **state)
{
    (void)state;
    struct run r = run_link(new_link(OPTIONS({"corrupt", "25"}), 0), 10000);

    assert_int_equal(r.damaged, r.stats.corrupted);
    assert_between((double)r.damaged, 2350, 2650);
    assert_int_equal(r.flipped_max, 3);
    run_free(&r);
}

static void test_link_rate_serialises_and_drops_beyond_1_s(void **state)
{
    (void)state;
    /* 100 bytes in 20 ms are 40 kbit/s: half of them fits. */
    struct run r = run_link(new_link(OPTIONS({"rate", "20"}), 0), 5000);

    assert_int_equal(r.delay[0], TGV_MS(40));
    assert_int_equal(r.delay[1], TGV_MS(60));
    assert_int_equal(r.delay[2], TGV_MS(80));
    assert_between((double)r.got, 2500, 2530);
    assert_int_equal(r.stats.overflowed, 5000 - r.got);
    assert_int_equal(r.stats.reordered, 0);
    assert_in_range(r.stats.queue_delay_max, TGV_MS(1000), TGV_MS(1040));
    run_free(&r);
    /* Exactly as much as fits is never queued longer. */
    r = run_link(new_link(OPTIONS({"rate", "40"}), 0), 5000);
    assert_int_equal(r.got, 5000);
    assert_int_equal(r.delay[4999], TGV_MS(20));
    run_free(&r);
}

/* A policer has the same rate, but no delay. */
static void test_link_policer_drops_without_delay(void **state)
{
    struct tgv_impairment imp;
    struct tgv_link *l;

    (void)state;
    tgv_impairment_init(&imp);
    imp.rate_kbit = 20;
    imp.policer = true;
    assert_int_equal(tgv_link_create(&l, &imp, 0), 0);
    struct run r = run_link(l, 5000);

    assert_between((double)r.got, 2490, 2520);
    for (size_t i = 0; i < r.sent; i++)
        assert_true(r.delay[i] <= 0);
    run_free(&r);
}

static void test_link_blackout_loses_what_is_sent_in_it(void **state)
{
    (void)state;
    struct run r = run_link(
        new_link(OPTIONS({"blackout", "1-1.5"}, {"blackout", "3-4"}), 0), 500);

    for (size_t i = 0; i < r.sent; i++) {
        bool dark = (i >= 50 && i < 75) || (i >= 150 && i < 200);
        assert_int_equal(r.copies[i], dark ? 0 : 1);
    }
    run_free(&r);
}

static void test_link_drift_stretches_or_shrinks_time(void **state)
{
    (void)state;
    struct run r = run_link(new_link(OPTIONS({"drift", "300"}), 0), 50001);

    assert_int_equal(r.delay[0], 0);
    assert_int_equal(r.delay[50000], 300000); /* of 1000 s */
    run_free(&r);
    r = run_link(new_link(OPTIONS({"drift", "-300"}), 0), 10001);
    assert_int_equal(r.delay[0], 30000);
    assert_int_equal(r.delay[2500], 15000); /* after 50 s */
    assert_int_equal(r.delay[5000], 0); /* used up after 100 s */
    assert_int_equal(r.delay[10000], 0);
    run_free(&r);
}

static void test_link_outage_profile_changes_with_time(void **state)
{
    (void)state;
    struct run r = run_link(new_link(OPTIONS({"profile", "3goutage"}), 0), 600);
    size_t got[4] = {0};

    for (size_t i = 0; i < r.sent; i++)
        got[i < 150 ? 0 : i < 300 ? 1 : i < 360 ? 2 : 3] += r.copies[i];
    assert_between((double)got[0], 135, 150);
    assert_between((double)got[1], 35, 50); /* 3 s at 8 kbit/s, 1 s queue */
    assert_between((double)got[3], 222, 240);
    run_free(&r);
}

/* All bytes and times that come out, as one number. */
static uint64_t fingerprint(struct tgv_link *l)
{
    uint64_t h = 14695981039346656037u, tag;
    uint8_t buf[1500];
    size_t len;
    tgv_time t;

    for (unsigned i = 0; i < 5000; i++) {
        memset(buf, (int)i, LEN);
        assert_int_equal(tgv_link_send(l, buf, LEN, i, (tgv_time)i * STEP), 0);
        while ((t = tgv_link_deadline(l)) <= (tgv_time)i * STEP) {
            tgv_link_receive(l, buf, sizeof(buf), &len, &tag, t);
            for (size_t k = 0; k < len; k++)
                h = (h ^ buf[k]) * 1099511628211u;
            h = (h ^ (uint64_t)t ^ tag) * 1099511628211u;
        }
    }
    tgv_link_destroy(l);
    return h;
}

static struct tgv_link *all_weather(const char *seed, uint64_t stream)
{
    return new_link(OPTIONS({"loss", "10"}, {"burst", "3"}, {"delay", "50"},
                            {"jitter", "60"}, {"reorder", "5"}, {"dup", "5"},
                            {"corrupt", "5"}, {"rate", "64"}, {"drift", "200"},
                            {"blackout", "3-4"}, {"seed", seed}),
                    stream);
}

static void test_link_same_seed_gives_same_bytes(void **state)
{
    (void)state;
    uint64_t a = fingerprint(all_weather("7", 0));

    assert_true(a == fingerprint(all_weather("7", 0)));
    assert_true(a != fingerprint(all_weather("8", 0)));
    assert_true(a != fingerprint(all_weather("7", 1)));
    assert_true(fingerprint(all_weather("7", 1)) !=
                fingerprint(all_weather("8", 0)));
}

static void test_link_losses_do_not_depend_on_other_options(void **state)
{
    (void)state;
    struct run a =
        run_link(new_link(OPTIONS({"loss", "20"}, {"seed", "5"}), 0), 2000);
    struct run b = run_link(new_link(OPTIONS({"loss", "20"}, {"jitter", "40"},
                                             {"corrupt", "3"}, {"seed", "5"}),
                                     0),
                            2000);

    assert_memory_equal(a.copies, b.copies, 2000 * sizeof(*a.copies));
    run_free(&a);
    run_free(&b);
}

static void test_link_takes_1_to_1500_bytes(void **state)
{
    (void)state;
    static const uint8_t data[1501];
    struct tgv_link *l = new_link(NULL, 0, 0);
    uint8_t buf[1500];
    uint64_t tag;
    size_t len;

    assert_int_equal(tgv_link_send(l, data, 1501, 0, 0), TGVOIP_ERR_TOO_LARGE);
    assert_int_equal(tgv_link_send(l, data, 0, 0, 0), TGVOIP_ERR_INVALID);
    assert_true(tgv_link_deadline(l) == TGV_NEVER);
    assert_int_equal(tgv_link_send(l, data, 1, 1, 0), 0);
    assert_int_equal(tgv_link_send(l, data, 1500, 2, 0), 0);
    tgv_link_receive(l, buf, sizeof(buf), &len, &tag, 0);
    assert_int_equal(len, 1);
    tgv_link_receive(l, buf, sizeof(buf), &len, &tag, 0);
    assert_int_equal(len, 1500);
    assert_int_equal(tag, 2);
    tgv_link_receive(l, buf, sizeof(buf), &len, &tag, 0);
    assert_int_equal(len, 0);
    tgv_link_destroy(l);
    tgv_link_destroy(NULL);
}

static void test_link_flood_is_bounded_and_counted(void **state)
{
    (void)state;
    static const uint8_t data[LEN];
    struct tgv_link *l = new_link(OPTIONS({"delay", "1000"}), 0);
    struct tgv_link_stats s;

    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(tgv_link_send(l, data, LEN, i, 0), 0);
    tgv_link_stats(l, &s);
    assert_int_equal(s.queued, 8192);
    assert_int_equal(s.overflowed, 10000 - 8192);
    tgv_link_destroy(l); /* with a full queue */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_without_impairment_passes_all_at_once),
        cmocka_unit_test(test_link_loses_at_the_rate_asked_for),
        cmocka_unit_test(test_link_loss_100_loses_all_and_0_nothing),
        cmocka_unit_test(test_link_delay_and_jitter_are_uniform_and_reorder),
        cmocka_unit_test(test_link_reorder_puts_datagrams_behind_later_ones),
        cmocka_unit_test(test_link_held_datagram_leaves_without_later_ones),
        cmocka_unit_test(test_link_dup_sends_twice),
        cmocka_unit_test(test_link_corrupt_flips_one_to_three_bits),
        cmocka_unit_test(test_link_rate_serialises_and_drops_beyond_1_s),
        cmocka_unit_test(test_link_policer_drops_without_delay),
        cmocka_unit_test(test_link_blackout_loses_what_is_sent_in_it),
        cmocka_unit_test(test_link_drift_stretches_or_shrinks_time),
        cmocka_unit_test(test_link_outage_profile_changes_with_time),
        cmocka_unit_test(test_link_same_seed_gives_same_bytes),
        cmocka_unit_test(test_link_losses_do_not_depend_on_other_options),
        cmocka_unit_test(test_link_takes_1_to_1500_bytes),
        cmocka_unit_test(test_link_flood_is_bounded_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
