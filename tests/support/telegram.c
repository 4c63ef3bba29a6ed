/* SPDX-License-Identifier: MIT */
#include "support/telegram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALL_ID 777001
#define BUSY_ID 555
#define LATENCY_US 40000
#define LATE_US TGV_S(40)
#define ENGINE_TIMEOUT TGV_S(30)
#define RUN_MAX TGV_S(3600) /* no call may take longer to end */

enum item_kind { ITEM_UPDATE, ITEM_ANSWER };

struct telegram_item {
    tgv_time due;
    uint64_t order;
    int user;
    enum item_kind kind;
    uint64_t request; /* ANSWER */
    struct tgv_answer answer; /* pointers are set on delivery */
    struct tgvoip_phone_call call;
    struct tgvoip_dh_config dh;
    struct tgvoip_phone_config values;
    uint8_t bytes[256];
    size_t random_len;
};

enum act { ACT_ANSWER, ACT_DECLINE, ACT_HANG_UP, ACT_ESTABLISH, ACT_FAIL };

static const char *const ours[] = {"2.4.4"};
static const char *const foreign[] = {"2.7.7"};
static const uint8_t tag_a[16] = "relay for a call";
static const struct tgvoip_phone_connection relays[2] = {{.id = 21,
                                                          .ip = "10.0.0.1",
                                                          .port = 500,
                                                          .peer_tag = tag_a,
                                                          .peer_tag_len = 16},
                                                         {.id = 22,
                                                          .ip = "10.0.0.2",
                                                          .port = 501,
                                                          .peer_tag = tag_a,
                                                          .peer_tag_len = 16}};
static const struct tgvoip_phone_connection no_relays[1] = {
    {.id = 23, .webrtc = true, .ip = "10.0.0.3", .port = 502}};

static bool chance(struct telegram *t, double p)
{
    return p > 0 && tgv_prng_unit(&t->prng) < p;
}

static bool tampers(struct telegram *t, enum telegram_tamper what)
{
    if (t->script.tamper != what)
        return false;
    t->tampered = true;
    return true;
}

/* ---- on their way ---- */

static struct telegram_item *push(struct telegram *t, int user,
                                  enum item_kind kind)
{
    static const struct telegram_item empty;
    struct telegram_item *i;

    if (t->queue_len == t->queue_cap) {
        t->queue_cap *= 2;
        t->queue = realloc(t->queue, t->queue_cap * sizeof(*t->queue));
        assert_non_null(t->queue);
    }
    i = &t->queue[t->queue_len++];
    *i = empty;
    i->kind = kind;
    i->user = user;
    i->order = tgv_prng_u64(&t->prng) >> 40; /* ties: any order */
    i->due =
        t->now + LATENCY_US + (tgv_time)(tgv_prng_unit(&t->prng) * LATENCY_US);
    return i;
}

static struct tgvoip_phone_call object(struct telegram *t,
                                       enum tgvoip_phone_call_type type)
{
    struct tgvoip_phone_call c;

    tgvoip_phone_call_default(&c);
    c.type = type;
    c.id = t->call_id;
    if (type == TGVOIP_PHONE_CALL_DISCARDED || type == TGVOIP_PHONE_CALL_EMPTY)
        return c;
    c.access_hash = t->access_hash;
    c.admin_id = t->users[TG_CALLER].id;
    c.participant_id = t->users[TG_CALLEE].id;
    c.date = HAND_DATE;
    c.protocol = t->users[TG_CALLER].account->protocol;
    if (!t->script.old_layer) {
        c.protocol.library_versions = ours;
        c.protocol.library_version_count = 1;
    } else {
        c.protocol.library_versions = NULL;
        c.protocol.library_version_count = 0;
    }
    return c;
}

static void set_bytes(struct telegram_item *i, const uint8_t *bytes, size_t len)
{
    if (len)
        memcpy(i->bytes, bytes, len);
    i->call.bytes_len = len;
}

/* With the faults that updates have. */
static void update(struct telegram *t, int user,
                   const struct tgvoip_phone_call *call, const uint8_t *bytes,
                   size_t len)
{
    int times = chance(t, t->script.double_update) ? 2 : 1;

    if (user == TG_CALLEE && t->script.callee_offline)
        return;
    if (chance(t, t->script.lose_update))
        times = 0;
    for (; times > 0; times--) {
        struct telegram_item *i = push(t, user, ITEM_UPDATE);

        i->call = *call;
        set_bytes(i, bytes, len);
        if (chance(t, t->script.late_update))
            i->due += (tgv_time)(tgv_prng_unit(&t->prng) * LATE_US);
    }
}

/* ---- the server ---- */

static struct telegram_item *answer(struct telegram *t, int user,
                                    const struct tgvoip_request *r)
{
    struct telegram_item *i = push(t, user, ITEM_ANSWER);

    i->request = r->id;
    i->answer.kind = TGV_ANSWER_DONE;
    return i;
}

static struct telegram_item *answer_call(struct telegram *t, int user,
                                         const struct tgvoip_request *r,
                                         enum tgvoip_phone_call_type type)
{
    struct telegram_item *i = answer(t, user, r);

    i->answer.kind = TGV_ANSWER_PHONE_CALL;
    i->call = object(t, type);
    return i;
}

static void answer_error(struct telegram *t, int user,
                         const struct tgvoip_request *r, int code,
                         const char *name)
{
    struct telegram_item *i = answer(t, user, r);

    i->answer.kind = TGV_ANSWER_ERROR;
    i->answer.code = code;
    i->answer.name = name;
}

static void dh_config(struct telegram *t, int user,
                      const struct tgvoip_request *r)
{
    struct telegram_item *i = answer(t, user, r);

    assert_int_equal(r->random_length, 256);
    i->answer.kind = TGV_ANSWER_DH;
    i->random_len = tampers(t, TG_TAMPER_DH_RANDOM) ? 255 : 256;
    if (r->dh_version == 3) /* the current one */
        return;
    assert_int_equal(r->dh_version, 0);
    i->dh.g = tampers(t, TG_TAMPER_DH_G) ? 2 : 3;
    i->dh.p = tgv_dh_known_prime();
    i->dh.p_len = 256;
    i->dh.version = 3;
}

static void on_request_call(struct telegram *t, const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c;

    if (t->script.flood_wait_s) {
        answer_error(t, TG_CALLER, r, 420, "FLOOD_WAIT_17");
        return;
    }
    t->exists = true;
    memcpy(t->g_a_hash, r->bytes, 32);
    answer_call(t, TG_CALLER, r, TGVOIP_PHONE_CALL_WAITING);
    c = object(t, TGVOIP_PHONE_CALL_REQUESTED);
    if (tampers(t, TG_TAMPER_HASH))
        t->g_a_hash[9] ^= 1;
    update(t, TG_CALLEE, &c, t->g_a_hash,
           tampers(t, TG_TAMPER_HASH_LENGTH) ? 31 : 32);
}

static void on_accept(struct telegram *t, const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c = object(t, TGVOIP_PHONE_CALL_ACCEPTED);
    struct telegram_item *i;
    const uint8_t *g_b = t->g_b;
    static const uint8_t one[256] = {[255] = 1};

    if (t->accepted) {
        answer_error(t, TG_CALLEE, r, 400, "CALL_ALREADY_ACCEPTED");
        return;
    }
    t->accepted = true;
    memcpy(t->g_b, r->bytes, 256);
    i = answer_call(t, TG_CALLEE, r, TGVOIP_PHONE_CALL_WAITING);
    if (tampers(t, TG_TAMPER_PARTICIPANT))
        i->call.participant_id++;
    if (tampers(t, TG_TAMPER_G_B))
        g_b = t->other;
    else if (tampers(t, TG_TAMPER_G_B_BAD))
        g_b = one;
    if (tampers(t, TG_TAMPER_ACCESS_HASH))
        c.access_hash ^= 8;
    if (tampers(t, TG_TAMPER_EMPTY))
        c = object(t, TGVOIP_PHONE_CALL_EMPTY);
    if (tampers(t, TG_TAMPER_VERSION)) {
        c.protocol.library_versions = foreign;
        c.protocol.library_version_count = 1;
    }
    update(t, TG_CALLER, &c, g_b, 256);
}

static struct tgvoip_phone_call active(struct telegram *t)
{
    struct tgvoip_phone_call c = object(t, TGVOIP_PHONE_CALL_ACTIVE);

    c.key_fingerprint = t->fingerprint;
    c.p2p_allowed = !t->script.old_layer;
    c.start_date = HAND_DATE + 9;
    if (tampers(t, TG_TAMPER_NO_RELAYS)) {
        c.connections = no_relays;
        c.connection_count = 1;
    } else if (t->script.old_layer) {
        c.connection = &relays[0];
        c.connections = &relays[1];
        c.connection_count = 1;
    } else {
        c.connections = relays;
        c.connection_count = 2;
    }
    return c;
}

static void on_confirm(struct telegram *t, const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c;
    struct telegram_item *i;
    const uint8_t *g_a = t->g_a;

    memcpy(t->g_a, r->bytes, 256);
    t->fingerprint = r->key_fingerprint;
    c = active(t);
    i = answer_call(t, TG_CALLER, r, TGVOIP_PHONE_CALL_ACTIVE);
    i->call = c;
    set_bytes(i, t->g_b, 256);
    if (tampers(t, TG_TAMPER_FINGERPRINT_RESULT))
        i->call.key_fingerprint ^= 1;
    if (t->confirmed)
        return; /* sent again: the update has gone */
    t->confirmed = true;
    if (tampers(t, TG_TAMPER_FINGERPRINT_UPDATE))
        c.key_fingerprint ^= 1;
    if (tampers(t, TG_TAMPER_G_A))
        g_a = t->other;
    update(t, TG_CALLEE, &c, g_a, tampers(t, TG_TAMPER_G_A_EMPTY) ? 0 : 256);
}

static void on_discard(struct telegram *t, int user,
                       const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c = object(t, TGVOIP_PHONE_CALL_DISCARDED);

    t->users[user].discards++;
    if (t->discarded) {
        answer_error(t, user, r, 400, "CALL_ALREADY_DECLINED");
        return;
    }
    t->discarded = true;
    c.reason = r->reason;
    update(t, TG_CALLER, &c, NULL, 0);
    update(t, TG_CALLEE, &c, NULL, 0);
    answer(t, user, r);
}

static bool needs_call(enum tgvoip_request_type type)
{
    return type == TGVOIP_REQUEST_RECEIVED_CALL ||
           type == TGVOIP_REQUEST_ACCEPT_CALL ||
           type == TGVOIP_REQUEST_CONFIRM_CALL;
}

static void on_received(struct telegram *t, int user,
                        const struct tgvoip_request *r)
{
    struct tgvoip_phone_call c = object(t, TGVOIP_PHONE_CALL_WAITING);

    t->received = true;
    c.receive_date = HAND_DATE + 1;
    answer(t, user, r);
    update(t, TG_CALLER, &c, NULL, 0);
}

static void serve(struct telegram *t, int user, const struct tgvoip_request *r)
{
    struct telegram_item *i;

    if (r->call_id == BUSY_ID) { /* the other call of the callee */
        answer(t, user, r);
        return;
    }
    if (needs_call(r->type) && t->discarded && r->call_id == t->call_id) {
        answer_error(t, user, r, 400, "CALL_ALREADY_DECLINED");
        return;
    }
    switch (r->type) {
    case TGVOIP_REQUEST_GET_CONFIG:
        i = answer(t, user, r);
        i->answer.kind = TGV_ANSWER_CONFIG;
        tgvoip_phone_config_default(&i->values);
        break;
    case TGVOIP_REQUEST_GET_CALL_CONFIG:
        i = answer(t, user, r);
        i->answer.kind = TGV_ANSWER_CALL_CONFIG;
        i->answer.json = "{}";
        i->answer.json_len = 2;
        break;
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        dh_config(t, user, r);
        break;
    case TGVOIP_REQUEST_REQUEST_CALL:
        on_request_call(t, r);
        break;
    case TGVOIP_REQUEST_RECEIVED_CALL:
        on_received(t, user, r);
        break;
    case TGVOIP_REQUEST_ACCEPT_CALL:
        on_accept(t, r);
        break;
    case TGVOIP_REQUEST_CONFIRM_CALL:
        on_confirm(t, r);
        break;
    case TGVOIP_REQUEST_DISCARD_CALL:
        on_discard(t, user, r);
        break;
    default:
        answer(t, user, r);
    }
}

static const struct {
    int code;
    const char *name;
} errors[] = {
    {400, "CALL_ALREADY_ACCEPTED"},
    {400, "CALL_ALREADY_DECLINED"},
    {400, "CALL_ALREADY_DISCARDED"},
    {400, "CALL_PEER_INVALID"},
    {400, "CALL_PROTOCOL_FLAGS_INVALID"},
    {400, "CALL_PROTOCOL_LAYER_INVALID"},
    {406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID"},
    {500, "CALL_OCCUPY_FAILED"},
    {400, "PARTICIPANT_VERSION_OUTDATED"},
    {403, "USER_PRIVACY_RESTRICTED"},
    {403, "USER_IS_BLOCKED"},
    {400, "USER_ID_INVALID"},
    {400, "INPUT_USER_DEACTIVATED"},
    {500, "RANDOM_ID_DUPLICATE"},
    {400, "RANDOM_LENGTH_INVALID"},
    {400, "DATA_JSON_INVALID"},
    {400, "DH_G_A_INVALID"},
    {420, "FLOOD_WAIT_2"},
    {420, "FLOOD_WAIT_2000"},
    {420, "FLOOD"},
    {500, "INTERNAL"},
    {-503, NULL},
};

/* The request on its way to the server, which may not get there. */
static void request(struct telegram *t, int user,
                    const struct tgvoip_request *r)
{
    size_t before = t->queue_len;

    if (chance(t, t->script.rpc_error)) {
        size_t i = tgv_prng_below(&t->prng, sizeof(errors) / sizeof(*errors));

        answer_error(t, user, r, errors[i].code, errors[i].name);
        return;
    }
    if (!chance(t, t->script.no_network)) {
        serve(t, user, r);
        return;
    }
    if (tgv_prng_below(&t->prng, 2)) {
        answer(t, user, r)->answer.kind = TGV_ANSWER_NETWORK;
        return;
    }
    serve(t, user, r); /* it got there, the answer did not get back */
    for (size_t i = before; i < t->queue_len; i++)
        if (t->queue[i].kind == ITEM_ANSWER)
            t->queue[i].answer.kind = TGV_ANSWER_NETWORK;
}

/* ---- the users ---- */

static tgv_time act_time(int ms)
{
    return ms ? HAND_START + TGV_MS(ms) : TGV_NEVER;
}

static void act(struct telegram *t, int user, enum act what)
{
    struct telegram_user *u = &t->users[user];
    int err = 0;

    if (!u->n)
        return;
    switch (what) {
    case ACT_ANSWER:
        err = tgv_negotiation_answer(u->n, t->now);
        break;
    case ACT_DECLINE:
        err = tgv_negotiation_decline(u->n, t->now);
        break;
    case ACT_HANG_UP:
        tgv_negotiation_hang_up(u->n, t->now);
        break;
    case ACT_ESTABLISH:
        tgv_negotiation_media_state(u->n, TGVOIP_SIGNAL_ESTABLISHED, 0, t->now);
        break;
    case ACT_FAIL:
        tgv_negotiation_media_state(u->n, TGVOIP_SIGNAL_FAILED, 2, t->now);
        break;
    }
    assert_true(err == 0 || err == TGVOIP_ERR_STATE);
}

static void on_ready(struct telegram *t, int user)
{
    struct telegram_user *u = &t->users[user];

    u->ready++;
    u->ready_first = u->ended == 0;
    if (!u->n->key_held)
        return; /* over again before it could be looked at */
    memcpy(u->key, u->n->secrets.key, sizeof(u->key));
    memcpy(u->emoji, u->n->emoji, sizeof(u->emoji));
    u->fingerprint = u->n->fingerprint;
    u->act_at[ACT_ESTABLISH] = t->now + TGV_S(1);
    if (t->script.engine_fails_ms[user])
        u->act_at[ACT_FAIL] = t->now + TGV_MS(t->script.engine_fails_ms[user]);
}

static void on_event(struct telegram *t, int user,
                     const struct tgvoip_signal_event *e)
{
    struct telegram_user *u = &t->users[user];

    if (e->type != TGVOIP_SIGNAL_EVENT_INCOMING && e->negotiation != u->n)
        return; /* the other call, or none */
    switch (e->type) {
    case TGVOIP_SIGNAL_EVENT_INCOMING:
        u->incoming++;
        u->n = e->negotiation;
        break;
    case TGVOIP_SIGNAL_EVENT_READY:
        on_ready(t, user);
        break;
    case TGVOIP_SIGNAL_EVENT_ENDED:
        u->ended++;
        u->info = e->info;
        hand_expect_wiped(&(struct hand){.n = u->n});
        break;
    default:
        break;
    }
}

/* An engine whose peer has gone hears nothing and gives up. */
static void engines_notice(struct telegram *t)
{
    for (int u = 0; u < TG_USERS; u++) {
        struct telegram_user *user = &t->users[u];

        if (t->users[!u].ended && user->n && tgv_neg_in_media(user->n) &&
            user->act_at[ACT_FAIL] == TGV_NEVER)
            user->act_at[ACT_FAIL] = t->now + ENGINE_TIMEOUT;
    }
}

static void pump(struct telegram *t, int user)
{
    struct telegram_user *u = &t->users[user];
    struct tgvoip_signal_event e;
    struct tgvoip_request r;

    tgvoip_signal_event_default(&e);
    tgvoip_request_default(&r);
    while (tgv_account_next_event(u->account, &e))
        on_event(t, user, &e);
    engines_notice(t);
    while (tgv_account_next_request(u->account, &r)) {
        if (u->ended && r.negotiation && r.type < TGVOIP_REQUEST_DISCARD_CALL)
            u->requests_after_end++;
        request(t, user, &r);
    }
}

/* ---- time ---- */

static void mix(struct telegram *t, uint64_t v)
{
    t->trace = (t->trace ^ v) * 0x9E3779B97F4A7C15ULL;
    t->trace ^= t->trace >> 29;
}

static void deliver(struct telegram *t, struct telegram_item *i)
{
    static const uint8_t random[256];
    struct tgvoip_account *a = t->users[i->user].account;

    mix(t, (uint64_t)i->due);
    mix(t, (uint64_t)i->kind << 8 | (uint64_t)i->call.type);
    i->call.bytes = i->bytes;
    if (i->kind == ITEM_UPDATE) {
        tgv_account_update(a, &i->call, t->now);
        return;
    }
    i->dh.random = random;
    i->dh.random_len = i->random_len;
    i->answer.call = &i->call;
    i->answer.dh = &i->dh;
    i->answer.values = &i->values;
    assert_int_equal(tgv_account_answer(a, i->request, &i->answer, t->now), 0);
}

static size_t first_item(const struct telegram *t)
{
    size_t best = 0;

    for (size_t i = 1; i < t->queue_len; i++) {
        const struct telegram_item *a = &t->queue[i], *b = &t->queue[best];

        if (a->due < b->due || (a->due == b->due && a->order < b->order))
            best = i;
    }
    return best;
}

static tgv_time next_time(const struct telegram *t)
{
    tgv_time due = TGV_NEVER;

    if (t->queue_len)
        due = t->queue[first_item(t)].due;
    for (int u = 0; u < TG_USERS; u++) {
        due = tgv_time_min(due, tgv_account_deadline(t->users[u].account));
        for (int i = 0; i < 5; i++)
            due = tgv_time_min(due, t->users[u].act_at[i]);
    }
    return due;
}

static void step(struct telegram *t)
{
    if (t->queue_len) {
        size_t i = first_item(t);
        struct telegram_item item = t->queue[i];

        if (item.due <= t->now) {
            t->queue[i] = t->queue[--t->queue_len];
            deliver(t, &item);
            pump(t, item.user);
            return;
        }
    }
    for (int u = 0; u < TG_USERS; u++) {
        for (int i = 0; i < 5; i++) {
            if (t->users[u].act_at[i] > t->now)
                continue;
            t->users[u].act_at[i] = TGV_NEVER;
            act(t, u, (enum act)i);
        }
        tgv_account_expire(t->users[u].account, t->now);
        pump(t, u);
    }
}

void telegram_run(struct telegram *t)
{
    struct telegram_user *caller = &t->users[TG_CALLER];
    tgv_time due;

    t->call_error = tgv_account_call(caller->account, &caller->n,
                                     t->users[TG_CALLEE].id, 0, t->now, NULL);
    if (t->call_error)
        return;
    pump(t, TG_CALLER);
    while ((due = next_time(t)) != TGV_NEVER) {
        if (due > t->now)
            t->now = due;
        assert_true(t->now < HAND_START + RUN_MAX);
        step(t);
    }
}

static void make_busy(struct telegram *t)
{
    struct telegram_user *callee = &t->users[TG_CALLEE];
    struct tgvoip_phone_call c = object(t, TGVOIP_PHONE_CALL_REQUESTED);
    struct tgvoip_signal_event e;
    static const uint8_t hash[32];

    c.id = BUSY_ID;
    c.admin_id = 9;
    c.bytes = hash;
    c.bytes_len = 32;
    tgv_account_update(callee->account, &c, t->now);
    tgvoip_signal_event_default(&e);
    while (tgv_account_next_event(callee->account, &e))
        ;
    pump(t, TG_CALLEE);
}

void telegram_init(struct telegram *t, const struct telegram_script *script,
                   uint64_t seed, bool fast)
{
    static const uint8_t base[256] = {[0] = 0x11, [100] = 3};

    memset(t, 0, sizeof(*t));
    t->queue_cap = 64; /* what a run needs, before memory may be short */
    t->queue = malloc(t->queue_cap * sizeof(*t->queue));
    assert_non_null(t->queue);
    t->script = *script;
    tgv_prng_init(&t->prng, seed);
    t->now = HAND_START;
    t->call_id = CALL_ID;
    t->access_hash = -99;
    memcpy(t->other, base, sizeof(base)); /* a value in the safe range */
    for (int u = 0; u < TG_USERS; u++) {
        struct telegram_user *user = &t->users[u];
        struct tgv_account_config c = {.self_id = u ? 2002 : 1001};

        user->id = c.self_id;
        c.random = hand_random_source(&user->random, tgv_prng_u64(&t->prng));
        user->random.full = !fast;
        assert_int_equal(tgv_account_create(&user->account, &c), 0);
        for (int i = 0; i < 5; i++)
            user->act_at[i] = TGV_NEVER;
        user->act_at[ACT_HANG_UP] = act_time(script->hang_up_ms[u]);
    }
    t->users[TG_CALLEE].act_at[ACT_ANSWER] = act_time(script->answer_ms);
    t->users[TG_CALLEE].act_at[ACT_DECLINE] = act_time(script->decline_ms);
    if (script->callee_busy)
        make_busy(t);
}

void telegram_fini(struct telegram *t)
{
    for (int u = 0; u < TG_USERS; u++) {
        if (t->users[u].n)
            tgv_negotiation_release(t->users[u].n, t->now);
        tgv_account_destroy(t->users[u].account);
    }
    free(t->queue);
}

/* ---- what always holds ---- */

/* The side that must not have got a key when this was altered. */
static int protected_side(enum telegram_tamper tamper)
{
    switch (tamper) {
    case TG_TAMPER_HASH:
    case TG_TAMPER_HASH_LENGTH:
    case TG_TAMPER_G_B:
    case TG_TAMPER_G_A:
    case TG_TAMPER_G_A_EMPTY:
    case TG_TAMPER_FINGERPRINT_UPDATE:
        return TG_CALLEE;
    case TG_TAMPER_PARTICIPANT:
    case TG_TAMPER_NONE:
        return -1;
    default:
        return TG_CALLER;
    }
}

void telegram_check(const struct telegram *t)
{
    const struct telegram_user *a = &t->users[TG_CALLER];
    const struct telegram_user *b = &t->users[TG_CALLEE];
    int side = t->tampered ? protected_side(t->script.tamper) : -1;

    assert_int_equal(a->ended, t->call_error == 0);
    assert_int_equal(b->ended, b->incoming);
    for (int u = 0; u < TG_USERS; u++) {
        const struct telegram_user *user = &t->users[u];

        assert_true(user->ready <= 1);
        assert_int_equal(user->requests_after_end, 0);
        assert_true(user->ended == 0 ||
                    user->info.outcome != TGVOIP_OUTCOME_NONE);
        assert_true(user->ended == 0 || user->info.why[0] != '\0');
        if (t->script.no_network == 0 && t->script.rpc_error == 0)
            assert_true(user->discards <= 1);
    }
    if (side >= 0 && t->users[side].ready)
        fail_msg("READY in spite of alteration %d", (int)t->script.tamper);
    if (a->ready && b->ready) {
        assert_true(a->fingerprint == b->fingerprint);
        assert_memory_equal(a->key, b->key, sizeof(a->key));
        assert_memory_equal(a->emoji, b->emoji, sizeof(a->emoji));
    }
    /* The server is told, unless it could not be or had ended it itself. */
    if (t->exists && t->script.no_network == 0 && t->script.rpc_error == 0)
        assert_true(t->discarded);
}
