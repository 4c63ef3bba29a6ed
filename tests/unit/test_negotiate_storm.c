/* SPDX-License-Identifier: MIT */
/* rooms: negotiate base json crypto test_telegram */
/* A server that has gone mad: any object, any answer, at any time, of any
 * content, while the user presses every button. Nothing breaks, and what must
 * always hold, holds. */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 9000
#define RUNS 600
#define STEPS 150
#define SENT_MAX 64
#define HELD_MAX 256

struct storm {
    struct hand h; /* account, log, an honest other side */
    struct tgv_prng g;
    struct tgvoip_request sent[SENT_MAX];
    size_t sent_count;
    struct tgvoip_negotiation *held[HELD_MAX];
    bool over[HELD_MAX];
    unsigned ready; /* how often it got that far */
    size_t held_count;
    /* storage of the object under construction */
    uint8_t bytes[300], tag[20];
    char text[40];
    struct tgvoip_phone_connection connections[3];
    const char *versions[2];
};

static uint32_t below(struct storm *s, uint32_t n)
{
    return tgv_prng_below(&s->g, n);
}

static bool coin(struct storm *s)
{
    return below(s, 2);
}

static const char *text(struct storm *s)
{
    static const char *const some[] = {"2.4.4", "",      "1.2.3.4",
                                       "::1",   "7.0.0", NULL};

    if (coin(s))
        return some[below(s, 6)];
    for (size_t i = 0; i < sizeof(s->text) - 1; i++)
        s->text[i] = (char)(1 + below(s, 255));
    return s->text;
}

static void connection(struct storm *s, struct tgvoip_phone_connection *c)
{
    *c = s->h.connections[below(s, HAND_RELAYS)];
    if (coin(s))
        return;
    c->webrtc = coin(s);
    c->tcp = coin(s);
    c->ip = text(s);
    c->ipv6 = text(s);
    c->port = (int)below(s, 70000) - 2000;
    c->peer_tag = coin(s) ? s->tag : NULL;
    c->peer_tag_len = below(s, sizeof(s->tag));
}

/* Near enough to the truth to get deep, often. */
static struct tgvoip_phone_call object(struct storm *s)
{
    struct tgvoip_phone_call c;

    if (s->held_count && coin(s))
        s->h.n = s->held[below(s, (uint32_t)s->held_count)];
    switch (below(s, 6)) {
    case 0:
        c = hand_waiting(&s->h, coin(s));
        break;
    case 1:
        c = hand_requested(&s->h);
        break;
    case 2:
        c = hand_accepted(&s->h);
        break;
    case 3:
        c = s->h.n ? hand_active(&s->h) : hand_requested(&s->h);
        break;
    case 4:
        c = hand_discarded(&s->h, (enum tgvoip_discard_reason)below(s, 9));
        c.need_debug = coin(s);
        c.need_rating = coin(s);
        c.slug = text(s);
        break;
    default:
        c = hand_empty(&s->h);
    }
    c.id = HAND_ID + (below(s, 4) ? 0 : below(s, 6));
    if (s->h.n && coin(s))
        c.id = s->h.n->id;
    if (below(s, 4))
        return c;
    switch (below(s, 9)) {
    case 0:
        c.type = (enum tgvoip_phone_call_type)below(s, 9);
        break;
    case 1:
        c.access_hash = (int64_t)tgv_prng_u64(&s->g);
        break;
    case 2:
        c.admin_id = below(s, 2) ? HAND_SELF : 4;
        break;
    case 3:
        c.bytes = s->bytes;
        c.bytes_len = below(s, sizeof(s->bytes));
        break;
    case 4:
        c.bytes = NULL;
        break;
    case 5:
        s->versions[0] = text(s);
        c.protocol.library_versions = s->versions;
        c.protocol.library_version_count = s->versions[0] ? 1 : 0;
        c.protocol.max_layer = (int)below(s, 120);
        break;
    case 6:
        for (int i = 0; i < 3; i++)
            connection(s, &s->connections[i]);
        c.connection = coin(s) ? &s->connections[0] : NULL;
        c.connections = coin(s) ? &s->connections[1] : NULL;
        c.connection_count = below(s, 3);
        break;
    case 7:
        c.key_fingerprint = (int64_t)tgv_prng_u64(&s->g);
        break;
    default:
        c.participant_id = 4;
    }
    return c;
}

static void honest_answer(struct storm *s, const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c;
    struct tgvoip_phone_config values;
    struct tgv_answer a = {.kind = TGV_ANSWER_DONE};

    s->h.r = *r;
    if (r->negotiation)
        s->h.n = r->negotiation;
    tgvoip_phone_config_default(&values);
    switch (r->type) {
    case TGVOIP_REQUEST_GET_CONFIG:
        a.kind = TGV_ANSWER_CONFIG;
        a.values = &values;
        break;
    case TGVOIP_REQUEST_GET_CALL_CONFIG:
        a.kind = TGV_ANSWER_CALL_CONFIG;
        a.json = "{}";
        a.json_len = 2;
        break;
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        hand_answer_dh(&s->h);
        return;
    case TGVOIP_REQUEST_REQUEST_CALL:
    case TGVOIP_REQUEST_ACCEPT_CALL:
    case TGVOIP_REQUEST_CONFIRM_CALL:
        c = r->type == TGVOIP_REQUEST_CONFIRM_CALL && r->negotiation
                ? hand_active(&s->h)
                : hand_waiting(&s->h, coin(s));
        a.kind = TGV_ANSWER_PHONE_CALL;
        a.call = &c;
        break;
    default:
        break;
    }
    assert_int_equal(tgv_account_answer(s->h.a, r->id, &a, s->h.now), 0);
}

static void mad_answer(struct storm *s, uint64_t id)
{
    static const char *const names[] = {"CALL_ALREADY_ACCEPTED",
                                        "FLOOD_WAIT_3",
                                        "FLOOD_WAIT_",
                                        "RANDOM_ID_DUPLICATE",
                                        "X",
                                        NULL};
    struct tgvoip_phone_call c = object(s);
    const struct tgvoip_phone_config values = {
        .receive_timeout_ms = (int)below(s, 3000) - 1000,
        .ring_timeout_ms = (int)tgv_prng_u64(&s->g),
        .connect_timeout_ms = (int)below(s, 3000),
        .phonecalls_enabled = below(s, 10)};
    const struct tgvoip_dh_config dh = {
        .g = (int)below(s, 9),
        .p = coin(s) ? tgv_dh_known_prime() : NULL,
        .p_len = below(s, 258) % 257,
        .random = coin(s) ? s->h.dh_random : NULL,
        .random_len = 256};
    struct tgv_answer a = {.call = &c,
                           .dh = &dh,
                           .values = &values,
                           .json = coin(s) ? "{\"a\":1}" : "{",
                           .json_len = below(s, 2),
                           .code = (int)below(s, 600) - 100,
                           .name = names[below(s, 6)]};

    a.kind = below(s, 7);
    tgv_account_answer(s->h.a, id, &a, s->h.now);
}

static void some_answer(struct storm *s)
{
    struct tgvoip_request r;
    size_t i;

    if (!s->sent_count) {
        mad_answer(s, below(s, 50));
        return;
    }
    i = below(s, (uint32_t)s->sent_count);
    r = s->sent[i];
    s->sent[i] = s->sent[--s->sent_count];
    if (below(s, 5))
        honest_answer(s, &r);
    else
        mad_answer(s, r.id);
}

static bool is_over(const struct storm *s, const struct tgvoip_negotiation *n)
{
    for (size_t i = 0; i < s->held_count; i++)
        if (s->held[i] == n)
            return s->over[i];
    return false;
}

static void press(struct storm *s)
{
    struct tgvoip_negotiation *n;
    size_t i;

    if (!s->held_count || !below(s, 6)) {
        if (s->held_count < HELD_MAX &&
            !tgv_account_call(s->h.a, &n, HAND_PEER, below(s, 5000), s->h.now,
                              NULL))
            s->held[s->held_count++] = n;
        return;
    }
    i = below(s, (uint32_t)s->held_count);
    n = s->held[i];
    switch (below(s, 9)) {
    case 0:
        tgv_negotiation_hang_up(n, s->h.now);
        break;
    case 1:
        tgv_negotiation_decline(n, s->h.now);
        break;
    case 2:
        tgv_negotiation_ignore(n, s->h.now);
        break;
    case 3:
        tgv_negotiation_media_state(n, (enum tgvoip_signal_state)below(s, 6),
                                    (int)below(s, 9) - 2, s->h.now);
        break;
    case 4:
        tgv_negotiation_media_facts(n, 5, coin(s), coin(s) ? "{}" : "[",
                                    s->h.now);
        break;
    case 5:
        tgv_negotiation_rate(n, 1 + (int)below(s, 5), text(s), s->h.now);
        break;
    case 6:
        if (below(s, 3))
            break;
        tgv_negotiation_release(n, s->h.now);
        if (s->h.n == n)
            s->h.n = NULL;
        s->held[i] = s->held[--s->held_count];
        s->over[i] = s->over[s->held_count];
        s->over[s->held_count] = false;
        for (size_t k = 0; k < s->sent_count; k++)
            if (s->sent[k].negotiation == n)
                s->sent[k].negotiation = NULL;
        break;
    default:
        tgv_negotiation_answer(n, s->h.now);
    }
}

static void take_events(struct storm *s)
{
    struct tgvoip_signal_event e;

    tgvoip_signal_event_default(&e);
    while (tgv_account_next_event(s->h.a, &e)) {
        s->ready += e.type == TGVOIP_SIGNAL_EVENT_READY;
        if (e.type == TGVOIP_SIGNAL_EVENT_INCOMING) {
            assert_true(s->held_count < HELD_MAX);
            s->held[s->held_count++] = e.negotiation;
            continue;
        }
        for (size_t i = 0; i < s->held_count; i++) {
            if (s->held[i] != e.negotiation)
                continue;
            if (e.type == TGVOIP_SIGNAL_EVENT_ENDED) {
                assert_false(s->over[i]);
                s->over[i] = true;
                s->h.n = e.negotiation;
                hand_expect_wiped(&s->h);
            } else {
                assert_true(!s->over[i] ||
                            e.type == TGVOIP_SIGNAL_EVENT_FEEDBACK);
            }
        }
    }
}

static void take_requests(struct storm *s)
{
    struct tgvoip_request r;

    tgvoip_request_default(&r);
    while (tgv_account_next_request(s->h.a, &r)) {
        assert_true(r.type >= TGVOIP_REQUEST_DISCARD_CALL ||
                    !is_over(s, r.negotiation));
        if (s->sent_count < SENT_MAX)
            s->sent[s->sent_count++] = r;
    }
}

/* @return how many calls got a key */
static unsigned run(uint64_t seed)
{
    static struct storm s;
    const struct tgv_account_config config = {.ring_when_busy = seed & 1};

    memset(&s, 0, sizeof(s));
    hand_init(&s.h, &config);
    tgv_prng_init(&s.g, seed);
    for (size_t i = 0; i < sizeof(s.bytes); i++)
        s.bytes[i] = (uint8_t)below(&s, 256);
    for (int i = 0; i < STEPS; i++) {
        struct tgvoip_phone_call c;

        switch (below(&s, 8)) {
        case 0:
        case 1:
            c = object(&s);
            hand_update(&s.h, &c);
            break;
        case 2:
        case 3:
        case 4:
            some_answer(&s);
            break;
        case 5:
            hand_advance(&s.h, below(&s, 2000));
            break;
        default:
            press(&s);
        }
        take_events(&s);
        take_requests(&s);
        assert_true(s.h.a->early_count <= TGV_EARLY_UPDATES);
        assert_true(s.h.a->call_count <= TGV_CALLS_KEPT);
    }
    /* left alone, it comes to rest */
    for (size_t k = 0; k < s.held_count; k++)
        tgv_negotiation_release(s.held[k], s.h.now);
    s.held_count = s.sent_count = 0;
    for (int i = 0; i < 400; i++) {
        hand_advance(&s.h, 1000);
        take_requests(&s);
        take_events(&s);
    }
    assert_int_equal(s.h.a->call_count, 0);
    s.h.n = NULL;
    hand_fini(&s.h);
    return s.ready;
}

static void test_storm_nothing_breaks(void **state)
{
    uint64_t *seed = *state;
    const char *given = getenv("TGVOIP_TEST_SEED");
    unsigned ready = 0;
    uint64_t first = given ? strtoull(given, NULL, 0) : SEED;

    print_message("%d runs from seed %llu\n", given ? 1 : RUNS,
                  (unsigned long long)first);
    for (*seed = first; *seed < first + (given ? 1 : RUNS); ++*seed)
        ready += run(*seed);
    print_message("%u calls got a key\n", ready);
    assert_true(given || ready > RUNS / 20); /* it goes deep enough */
    *seed = 0;
}

static int begin(void **state)
{
    *state = calloc(1, sizeof(uint64_t));
    return *state ? 0 : -1;
}

static int name_seed(void **state)
{
    uint64_t *seed = *state;

    if (*seed)
        print_error("again with TGVOIP_TEST_SEED=%llu\n",
                    (unsigned long long)*seed);
    free(seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_storm_nothing_breaks, begin,
                                        name_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
