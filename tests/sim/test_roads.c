/* SPDX-License-Identifier: MIT */
/*
 * Roads: some hundred networks drawn at random, a whole call through each, and
 * a mishap in each call. Whether there is a road, before and after, is told by
 * an oracle that knows the plan and nothing of the engine.
 * TGV_SEED=n replays one of them, packet by packet, on stderr; TGV_ROADS=n
 * runs so many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SEED 1
#define ROADS_MAX 5000
#define ROADS 500
#define ROADS_LONELY 3 /* at least one in so many has one road only */
#define IN_TIME TGV_S(3) /* after the time-out of 12 s */
#define TIMEOUT TGV_S(12)
#define SOONER TGV_S(2) /* the last packet may be older than the mishap */
#define VOICE_AT_END 0.5
#define DESCRIPTION 600
#define MUCH_FASTER 0.7
#define DIRECT_TAKEN 95 /* percent */

/* Bars, of the 95th percentile; the first and last over two round trips. */
#define FIRST_AUDIO_UDP TGV_MS(1000)
#define FIRST_AUDIO_TCP TGV_MS(2500)
#define GAP TGV_MS(1100)

struct road {
    struct tgv_plan plan;
    struct tgv_world_result result;
    struct tgv_roads before, after;
    bool meet; /* a call can be set up */
    bool goes_on; /* there is a road while or after the mishap */
    bool connected; /* as far as it can be */
    tgv_time first_audio; /* the later end's; -1 */
    tgv_time gap; /* the longer one; -1 */
};

static struct road *roads;
static unsigned road_count;

/* -- one scenario ----------------------------------------------------------------- */

static long long ms(tgv_time us)
{
    return us < 0 ? -1 : (long long)(us / TGV_US_PER_MS);
}

static void complain(const struct road *r, const char *what)
{
    char text[DESCRIPTION];

    printf("  seed %llu: %s\n    %s\n", (unsigned long long)r->plan.seed, what,
           tgv_plan_describe(&r->plan, text, sizeof(text)));
    for (int n = 0; n < 2; n++) {
        const struct tgv_world_end *e = &r->result.end[n];
        printf("    %c: state %d error %d, established %lld, first voice %lld, "
               "failed %lld, gap %lld ms, voice at the end %.0f%%, route %d\n",
               'A' + n, (int)e->state, (int)e->error, ms(e->established),
               ms(e->first_voice), ms(e->failed), ms(e->longest_gap),
               100 * e->voice_at_end, (int)e->route);
    }
}

static void measure(struct road *r)
{
    const struct tgv_world_end *e = r->result.end;

    r->connected = e[0].established >= 0 && e[1].established >= 0;
    r->first_audio = -1;
    if (e[0].first_voice >= 0 && e[1].first_voice >= 0)
        r->first_audio = e[0].first_voice > e[1].first_voice ? e[0].first_voice
                                                             : e[1].first_voice;
    r->gap = -1;
    if (r->result.mishap_done)
        r->gap = e[0].longest_gap > e[1].longest_gap ? e[0].longest_gap
                                                     : e[1].longest_gap;
}

static void run(struct road *r, bool trace)
{
    tgv_world_run(&r->plan, trace, &r->result);
    tgv_roads_before(&r->plan, &r->before);
    tgv_roads_after(&r->plan, &r->result.cut, &r->after);
    r->meet = tgv_roads_meet(&r->before);
    r->goes_on = r->meet && tgv_roads_any(&r->after);
    measure(r);
}

static bool proxy_is_bad(const struct tgv_host_plan *h)
{
    return h->proxy == TGV_PROXY_BAD_LOGIN || h->proxy == TGV_PROXY_DEAD;
}

/* Without a road: over, for the right reason, in time. */
static const char *judge_failed(const struct road *r, int n)
{
    const struct tgv_world_end *e = &r->result.end[n];
    const struct tgv_host_plan *h = &r->plan.host[n];

    if (e->state != TGV_STATE_FAILED)
        return "no road, but not failed";
    if (e->failed > TIMEOUT + IN_TIME)
        return "failed too late";
    if (e->error == TGV_CALL_ERROR_PROXY)
        return h->proxy == TGV_PROXY_NONE ? "blames a proxy" : NULL;
    if (!r->meet && h->tcp && proxy_is_bad(h))
        return "does not blame the proxy";
    if (e->failed < TIMEOUT - SOONER)
        return "failed too early";
    return e->error == TGV_CALL_ERROR_TIMEOUT ? NULL : "wrong error";
}

/* Whatever carried sound is a road by the oracle too. */
static bool is_road(const struct road *r, const struct tgv_cut *way)
{
    unsigned direct = r->before.direct | r->after.direct;

    if (way->direct)
        return way->direct & direct;
    return !way->leg || (r->before.leg[way->host][way->relay] & way->leg);
}

static const char *judge_end(const struct road *r, int n)
{
    const struct tgv_world_end *e = &r->result.end[n];

    if (e->leaks)
        return "something left outside the proxy";
    if (e->breaches)
        return "heard what was not sent like that";
    if (!r->meet)
        return judge_failed(r, n);
    if (e->established < 0)
        return "there is a road, but no call";
    if (!r->result.mishap_done)
        return "failed before the mishap";
    if (!is_road(r, &r->result.way[n]))
        return "took a road that is none";
    if (!r->goes_on && r->plan.mishap != TGV_MISHAP_UDP_BLOCKED)
        return judge_failed(r, n);
    if (e->state != TGV_STATE_ESTABLISHED)
        return "there is a road, but the call is not up";
    return e->voice_at_end >= VOICE_AT_END ? NULL : "no sound at the end";
}

/* What is wrong with a scenario; NULL: nothing. */
static const char *judge(const struct road *r)
{
    const char *what = judge_end(r, 0);

    return what ? what : judge_end(r, 1);
}

/* -- figures ---------------------------------------------------------------------- */

/* A figure of a scenario [us]; false if it has none. */
typedef bool figure_fn(const struct road *r, tgv_time *value);

static bool first_audio(const struct road *r, tgv_time *value)
{
    *value = r->first_audio;
    return r->meet && r->first_audio >= 0;
}

static bool first_audio_udp(const struct road *r, tgv_time *value)
{
    struct tgv_roads relayed = r->before;

    relayed.direct = 0; /* not at first */
    *value = r->first_audio - 2 * tgv_roads_rtt(&r->plan, &relayed, true);
    return r->meet && tgv_roads_udp(&r->before) && r->first_audio >= 0;
}

static bool first_audio_tcp(const struct road *r, tgv_time *value)
{
    *value = r->first_audio;
    return r->meet && !tgv_roads_udp(&r->before) && r->first_audio >= 0;
}

/* Did the mishap hit what an end was sending on? */
static bool hit(const struct road *r, unsigned n)
{
    const struct tgv_plan *p = &r->plan;
    const struct tgv_cut *way = &r->result.way[n];
    bool its_own = n == p->mishap_side;

    switch (p->mishap) {
    case TGV_MISHAP_ROAD_DIES:
        return its_own;
    case TGV_MISHAP_ADDRESS: /* a datagram takes the new address at once */
        return way->direct || (its_own && (!(way->leg & TGV_LEGS_UDP) ||
                                           p->host[n].proxy != TGV_PROXY_NONE));
    case TGV_MISHAP_RELAY:
        return !way->direct && way->relay == p->mishap_relay;
    case TGV_MISHAP_UDP_BLOCKED:
        return (way->direct && way->direct != TGV_DIRECT_LAN) ||
               (its_own && (way->leg & TGV_LEGS_UDP));
    case TGV_MISHAP_COUNT:
        break;
    }
    return false;
}

static bool gap(const struct road *r, tgv_time *value)
{
    *value = r->gap;
    return r->goes_on && r->gap >= 0 && (hit(r, 0) || hit(r, 1));
}

static bool gap_over_rtt(const struct road *r, tgv_time *value)
{
    bool counts = gap(r, value);

    *value -= 2 * tgv_roads_rtt(&r->plan, &r->after, false);
    return counts;
}

typedef bool class_fn(const struct road *r, int key);

static int compare(const void *a, const void *b)
{
    tgv_time x = *(const tgv_time *)a, y = *(const tgv_time *)b;

    return (x > y) - (x < y);
}

/* @return how many there are; [0] median, [1] 95th percentile */
static unsigned percentiles(figure_fn *figure, class_fn *in, int key,
                            tgv_time p[2])
{
    static tgv_time v[ROADS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < road_count; i++)
        if ((!in || in(&roads[i], key)) && figure(&roads[i], &v[n]))
            n++;
    qsort(v, n, sizeof(*v), compare);
    p[0] = n ? v[n / 2] : 0;
    p[1] = n ? v[(n - 1) * 95 / 100] : 0;
    return n;
}

/* -- classes ---------------------------------------------------------------------- */

static int low_high(int a, int b, int base)
{
    return a < b ? a * base + b : b * base + a;
}

static bool nat_pair(const struct road *r, int key)
{
    return low_high((int)r->plan.host[0].nat, (int)r->plan.host[1].nat, 4) ==
           key;
}

static int families(const struct tgv_host_plan *h)
{
    return (h->ipv4 ? 1 : 0) + (h->ipv6 ? 2 : 0);
}

static bool family_pair(const struct road *r, int key)
{
    return low_high(families(&r->plan.host[0]), families(&r->plan.host[1]),
                    4) == key;
}

static bool udp_pair(const struct road *r, int key)
{
    return low_high((int)r->plan.host[0].udp, (int)r->plan.host[1].udp, 3) ==
           key;
}

static bool proxy_kind(const struct road *r, int key)
{
    return (int)r->plan.host[0].proxy == key ||
           (int)r->plan.host[1].proxy == key;
}

static bool mishap(const struct road *r, int key)
{
    if (key < TGV_MISHAP_COUNT)
        return (int)r->plan.mishap == key && key != TGV_MISHAP_ADDRESS;
    return r->plan.mishap == TGV_MISHAP_ADDRESS &&
           (int)r->plan.change == key - TGV_MISHAP_COUNT;
}

static bool count_of_roads(const struct road *r, int key)
{
    unsigned n = r->meet ? tgv_roads_count(&r->before) : 0;

    return (n < 2 ? (int)n : 2) == key;
}

/* What is left after the mishap needs no relay. */
static bool direct_only(const struct road *r, int key)
{
    (void)key;
    return r->goes_on && !tgv_roads_meet(&r->after);
}

static bool lan(const struct road *r, int key)
{
    return r->plan.same_lan == (key != 0);
}

static void print_row(const char *name, class_fn *in, int key)
{
    unsigned all = 0, meet = 0, connected = 0;
    tgv_time audio[2], gaps[2];

    for (unsigned i = 0; i < road_count; i++) {
        if (in && !in(&roads[i], key))
            continue;
        all++;
        meet += roads[i].meet;
        connected += roads[i].meet && roads[i].connected;
    }
    if (all == 0)
        return;
    unsigned heard = percentiles(first_audio, in, key, audio);
    unsigned kept = percentiles(gap, in, key, gaps);
    printf("%-24s %4u %4u %4u %5.1f %6lld %6lld %4u %6lld %6lld\n", name, all,
           meet, heard, meet ? 100.0 * connected / meet : 100.0,
           (long long)audio[0] / 1000, (long long)audio[1] / 1000, kept,
           (long long)gaps[0] / 1000, (long long)gaps[1] / 1000);
}

static void print_nats(void)
{
    char name[40];

    for (int a = 0; a < 4; a++)
        for (int b = a; b < 4; b++) {
            snprintf(name, sizeof(name), "%s-%s",
                     tgv_nat_kind_str((enum tgv_nat_kind)a),
                     tgv_nat_kind_str((enum tgv_nat_kind)b));
            print_row(name, nat_pair, a * 4 + b);
        }
}

static void print_families(void)
{
    static const char *const names[] = {"", "4", "6", "46"};
    char name[40];

    for (int a = 1; a < 4; a++)
        for (int b = a; b < 4; b++) {
            snprintf(name, sizeof(name), "IPv%s-IPv%s", names[a], names[b]);
            print_row(name, family_pair, a * 4 + b);
        }
}

static void print_udp(void)
{
    char name[40];

    for (int a = 0; a < 3; a++)
        for (int b = a; b < 3; b++) {
            snprintf(name, sizeof(name), "udp %s-%s",
                     tgv_udp_kind_str((enum tgv_udp_kind)a),
                     tgv_udp_kind_str((enum tgv_udp_kind)b));
            print_row(name, udp_pair, a * 3 + b);
        }
}

static void print_rest(void)
{
    static const char *const mishaps[] = {
        "road dies", "",           "relay killed", "udp blocked",
        "new ports", "new public", "new interface"};
    static const char *const counts[] = {"no road", "one road", "more roads"};
    char name[40];

    for (int k = 0; k <= TGV_PROXY_DEAD; k++) {
        snprintf(name, sizeof(name), "proxy %s",
                 tgv_proxy_kind_str((enum tgv_proxy_kind)k));
        print_row(name, proxy_kind, k);
    }
    print_row("same LAN", lan, 1);
    print_row("direct only afterwards", direct_only, 0);
    for (int k = 0; k < TGV_MISHAP_COUNT + 3; k++)
        print_row(mishaps[k], mishap, k);
    for (int k = 0; k < 3; k++)
        print_row(counts[k], count_of_roads, k);
}

static void print_table(void)
{
    printf("%-24s %4s %4s %4s %5s %6s %6s %4s %6s %6s\n", "class", "all",
           "road", "hear", "conn%", "aud50", "aud95", "gaps", "gap50", "gap95");
    print_row("all", NULL, 0);
    print_nats();
    print_families();
    print_udp();
    print_rest();
}

/* -- tests ------------------------------------------------------------------------ */

static unsigned wanted(void)
{
    const char *text = getenv("TGV_ROADS");
    unsigned long n = text ? strtoul(text, NULL, 10) : ROADS;

    return n >= 1 && n <= ROADS_MAX ? (unsigned)n : ROADS;
}

static int run_all(void **state)
{
    const char *seed = getenv("TGV_SEED");

    (void)state;
    road_count = seed ? 1 : wanted();
    roads = calloc(road_count, sizeof(*roads));
    if (!roads)
        return -1;
    for (unsigned i = 0; i < road_count; i++) {
        tgv_plan_draw(&roads[i].plan,
                      seed ? strtoull(seed, NULL, 10) : FIRST_SEED + i);
        run(&roads[i], seed != NULL);
    }
    print_table();
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    free(roads);
    return 0;
}

static void test_roads_each_scenario_ends_as_the_oracle_says(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < road_count; i++) {
        const char *what = judge(&roads[i]);
        if (!what)
            continue;
        wrong++;
        complain(&roads[i], what);
    }
    assert_int_equal(wrong, 0);
}

/* The seeds of those over a bar, for whoever wants to know why. */
static void over(figure_fn *figure, tgv_time bar, const char *what)
{
    tgv_time value;

    for (unsigned i = 0; i < road_count; i++)
        if (figure(&roads[i], &value) && value > bar) {
            char text[120];
            snprintf(text, sizeof(text), "%s %lld ms over", what,
                     (long long)(value - bar) / 1000);
            complain(&roads[i], text);
        }
}

static void check_bar(figure_fn *figure, tgv_time bar, const char *what)
{
    tgv_time p[2];
    unsigned n = percentiles(figure, NULL, 0, p);

    printf("%s: %u, median %lld ms, 95th percentile %lld ms, bar %lld ms\n",
           what, n, (long long)p[0] / 1000, (long long)p[1] / 1000,
           (long long)bar / 1000);
    if (p[1] > bar)
        over(figure, bar, what);
    assert_true(n > 0 || road_count == 1);
    assert_true(p[1] <= bar);
}

static void test_roads_first_audio_by_udp(void **state)
{
    (void)state;
    check_bar(first_audio_udp, FIRST_AUDIO_UDP,
              "first audio by UDP less two round trips");
}

static void test_roads_first_audio_by_tcp(void **state)
{
    (void)state;
    check_bar(first_audio_tcp, FIRST_AUDIO_TCP, "first audio by TCP");
}

static void test_roads_gap_when_one_dies(void **state)
{
    (void)state;
    check_bar(gap_over_rtt, GAP, "gap less two round trips");
}

/* A direct road that is clearly faster than any relay is taken. */
static void test_roads_direct_where_faster(void **state)
{
    unsigned faster = 0, taken = 0;

    (void)state;
    for (unsigned i = 0; i < road_count; i++) {
        const struct road *r = &roads[i];
        struct tgv_roads relayed = r->before;
        relayed.direct = 0;
        if (!r->result.mishap_done || !r->before.direct ||
            (double)tgv_roads_rtt(&r->plan, &r->before, false) >
                MUCH_FASTER * (double)tgv_roads_rtt(&r->plan, &relayed, false))
            continue;
        faster++;
        taken += r->result.way[0].direct && r->result.way[1].direct;
    }
    printf("direct roads, clearly faster: %u, taken by both %u\n", faster,
           taken);
    assert_true(taken * 100 >= faster * DIRECT_TAKEN);
}

static void test_roads_a_third_has_one_only(void **state)
{
    unsigned lonely = 0;

    (void)state;
    for (unsigned i = 0; i < road_count; i++)
        lonely += count_of_roads(&roads[i], 1);
    assert_true(lonely * ROADS_LONELY >= road_count || road_count == 1);
}

/* One end has UDP, which one relay answers; the other end reaches the other
 * relay only, and only by TCP. */
static void test_roads_meet_where_only_tcp_is(void **state)
{
    struct road r;

    (void)state;
    memset(&r, 0, sizeof(r));
    for (int n = 0; n < 2; n++)
        r.plan.host[n] =
            (struct tgv_host_plan){.ipv4 = true,
                                   .tcp = true,
                                   .nat = TGV_NAT_RESTRICTED,
                                   .nat_timeout = TGV_S(60),
                                   .udp = n ? TGV_UDP_OPEN : TGV_UDP_BLOCKED};
    r.plan.relay_count = 2;
    for (int i = 0; i < 2; i++)
        r.plan.relay[i] = (struct tgv_relay_plan){
            .udp = i == 0, .tcp = i == 1, .delay = {TGV_MS(20), TGV_MS(20)}};
    r.plan.mishap = TGV_MISHAP_RELAY; /* one that is not in use */
    r.plan.mishap_after = TGV_S(5);
    run(&r, false);
    assert_true(r.goes_on);
    assert_null(judge(&r));
}

static void test_roads_same_seed_same_bytes(void **state)
{
    struct road again;

    (void)state;
    for (unsigned i = 0; i < road_count; i += 10) {
        again.plan = roads[i].plan;
        run(&again, false);
        assert_true(again.result.hash == roads[i].result.hash);
        assert_true(again.result.packets == roads[i].result.packets);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* in order with what is on stderr */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roads_each_scenario_ends_as_the_oracle_says),
        cmocka_unit_test(test_roads_first_audio_by_udp),
        cmocka_unit_test(test_roads_first_audio_by_tcp),
        cmocka_unit_test(test_roads_gap_when_one_dies),
        cmocka_unit_test(test_roads_direct_where_faster),
        cmocka_unit_test(test_roads_a_third_has_one_only),
        cmocka_unit_test(test_roads_meet_where_only_tcp_is),
        cmocka_unit_test(test_roads_same_seed_same_bytes),
    };

    return cmocka_run_group_tests(tests, run_all, free_all);
}
