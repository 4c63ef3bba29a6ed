/* SPDX-License-Identifier: MIT */
/*
 * Call negotiation against a server that the input plays: it answers each
 * request well, badly, twice or never, sends updates of its own, and the
 * application does anything at any time.
 * Input: u8 mode (bit 0: ring when busy, bit 1: configuration is not asked
 * for), then operations, see operate().
 * Invariants: a request id is never 0 and never repeated; what is told about a
 * negotiation stops after its end; time-outs move on; a call that is ready has
 * a relay and a key that agrees with the peer's.
 */
#include "fuzz.h"

#include "crypto/dh.h"
#include "crypto/hash.h"
#include "negotiate/account.h"

#include <tgvoip/tgvoip.h>

#include <string.h>

#define SELF 1000
#define PEER 2000
#define PENDING 24
#define HELD 8
#define BURST_MAX 400
#define EXPIRES_MAX 300

struct held {
    tgvoip_negotiation *n;
    bool ended, ready;
};

static struct world {
    tgvoip_account *account;
    struct tgv_prng prng;
    int64_t now;
    struct tgvoip_request pending[PENDING];
    unsigned pending_count;
    uint64_t last_id;
    struct held held[HELD];
    unsigned held_count;
    struct tgvoip_request confirm; /* the last CONFIRM_CALL */
    struct tgvoip_request request; /* the last REQUEST_CALL */
    struct tgvoip_request accept; /* the last ACCEPT_CALL */
} w;

/* The peer's secret and public value: the same in every run. */
static uint8_t peer_secret[256], peer_public[256];

static void prepare(void)
{
    struct tgv_prng g;
    struct tgv_random random = tgv_prng_source(&g);

    if (peer_public[0])
        return;
    tgv_prng_init(&g, 42);
    if (tgv_dh_keypair(3, tgvoip_dh_known_prime(), 256, NULL, &random,
                       peer_secret, peer_public))
        abort();
}

/* -- what comes out ----------------------------------------------------------- */

static struct held *find_held(const tgvoip_negotiation *n)
{
    for (unsigned i = 0; i < w.held_count; i++)
        if (w.held[i].n == n)
            return &w.held[i];
    return NULL;
}

static void hold(tgvoip_negotiation *n)
{
    if (w.held_count < HELD)
        w.held[w.held_count++] = (struct held){.n = n};
    else
        tgvoip_negotiation_release(n, w.now);
}

static void take_requests(void)
{
    struct tgvoip_request r;

    for (unsigned n = 0;; n++) {
        tgvoip_request_default(&r);
        if (!tgvoip_account_next_request(w.account, &r))
            return;
        FUZZ_CHECK(n < BURST_MAX && r.id > w.last_id);
        FUZZ_CHECK(r.bytes_len <= sizeof(r.bytes));
        w.last_id = r.id;
        if (r.type == TGVOIP_REQUEST_CONFIRM_CALL)
            w.confirm = r;
        else if (r.type == TGVOIP_REQUEST_REQUEST_CALL)
            w.request = r;
        else if (r.type == TGVOIP_REQUEST_ACCEPT_CALL)
            w.accept = r;
        FUZZ_CHECK(r.type != TGVOIP_REQUEST_SAVE_DEBUG || r.text);
        if (w.pending_count == PENDING) { /* the oldest stays unanswered */
            memmove(w.pending, w.pending + 1,
                    sizeof(w.pending) - sizeof(*w.pending));
            w.pending_count--;
        }
        w.pending[w.pending_count++] = r;
    }
}

static void check_ready(tgvoip_negotiation *n)
{
    struct tgvoip_call_config config;
    struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT];
    tgvoip_call_setup *setup;
    int64_t fingerprint;

    FUZZ_CHECK(tgvoip_negotiation_emoji(n, emoji) == 0 && emoji[3].utf8);
    FUZZ_CHECK(tgvoip_negotiation_setup(n, &setup, NULL) == 0);
    tgvoip_call_config_default(&config);
    FUZZ_CHECK(tgvoip_call_setup_apply(setup, &config) == 0);
    FUZZ_CHECK(config.key && config.key_len == 256);
    FUZZ_CHECK(config.endpoint_count >= 1 && config.endpoint_count <= 64);
    FUZZ_CHECK(config.max_layer >= 65 && config.max_layer <= 92);
    FUZZ_CHECK(tgvoip_key_fingerprint(config.key, &fingerprint) == 0);
    tgvoip_call_setup_destroy(setup);
}

static void take_event(const struct tgvoip_signal_event *e)
{
    struct held *h = e->negotiation ? find_held(e->negotiation) : NULL;

    FUZZ_CHECK(memchr(e->info.why, 0, sizeof(e->info.why)));
    switch (e->type) {
    case TGVOIP_SIGNAL_EVENT_INCOMING:
        FUZZ_CHECK(e->negotiation && !h);
        hold(e->negotiation);
        return;
    case TGVOIP_SIGNAL_EVENT_REFUSED:
        FUZZ_CHECK(!e->negotiation);
        return;
    case TGVOIP_SIGNAL_EVENT_STATE:
        FUZZ_CHECK(h && !h->ended);
        return;
    case TGVOIP_SIGNAL_EVENT_READY:
        FUZZ_CHECK(h && !h->ended && !h->ready);
        h->ready = true;
        if (e->info.state == TGVOIP_SIGNAL_WAIT_INIT)
            check_ready(e->negotiation);
        return;
    case TGVOIP_SIGNAL_EVENT_ENDED:
        FUZZ_CHECK(h && !h->ended);
        FUZZ_CHECK(e->info.outcome != TGVOIP_OUTCOME_NONE);
        h->ended = true;
        return;
    case TGVOIP_SIGNAL_EVENT_FEEDBACK:
        FUZZ_CHECK(h && h->ended);
        return;
    }
    FUZZ_CHECK(false);
}

static void settle(void)
{
    struct tgvoip_signal_event e;

    take_requests();
    for (unsigned n = 0;; n++) {
        tgvoip_signal_event_default(&e);
        if (!tgvoip_account_next_event(w.account, &e))
            break;
        FUZZ_CHECK(n < BURST_MAX);
        take_event(&e);
    }
    take_requests();
}

static void pass(int64_t length)
{
    int64_t end = w.now + length;

    for (unsigned n = 0;; n++) {
        int64_t due = tgvoip_account_deadline(w.account);
        if (due > end)
            break;
        FUZZ_CHECK(n < EXPIRES_MAX);
        w.now = due > w.now ? due : w.now;
        FUZZ_CHECK(tgvoip_account_expire(w.account, w.now) == 0);
        settle();
        FUZZ_CHECK(tgvoip_account_deadline(w.account) > due || due < w.now);
    }
    w.now = end;
}

/* -- what goes in --------------------------------------------------------------- */

struct built {
    struct tgvoip_phone_call call;
    struct tgvoip_phone_connection connections[3];
    uint8_t hash[32];
};

static void set_connections(struct built *b, unsigned odd,
                            struct fuzz_input *in)
{
    static const uint8_t tag[16] = {1, 2, 3};

    for (unsigned i = 0; i < 3; i++)
        b->connections[i] =
            (struct tgvoip_phone_connection){.id = (int64_t)i + 1,
                                             .ip = "91.108.8.1",
                                             .ipv6 = "2001:67c::1",
                                             .port = 596,
                                             .peer_tag = tag,
                                             .peer_tag_len = 16};
    b->call.connections = b->connections;
    b->call.connection_count = 1 + (odd & 1);
    if (!(odd & 2))
        return;
    switch (fuzz_u8(in) % 8) {
    case 0:
        b->connections[0].port = (int)fuzz_u32(in);
        break;
    case 1:
        b->connections[0].ip = "not an address";
        break;
    case 2:
        b->connections[0].peer_tag_len = fuzz_u8(in) & 15;
        break;
    case 3:
        b->connections[0].webrtc = true;
        break;
    case 4:
        b->connections[0].tcp = true;
        break;
    case 5:
        b->call.connection = &b->connections[2];
        b->call.connection_count = 0;
        break;
    case 6:
        b->connections[0].ip = b->connections[0].ipv6 = NULL;
        break;
    default:
        b->call.connection_count = 0;
        break;
    }
}

/* The bytes that belong to the type: the right ones, or the input's. */
static void set_bytes(struct built *b, bool right, struct fuzz_input *in)
{
    if (!right) {
        b->call.bytes =
            fuzz_bytes(in, fuzz_u16(in) & 0x1FF, &b->call.bytes_len);
        b->call.key_fingerprint = (int64_t)fuzz_u32(in);
        return;
    }
    b->call.bytes = peer_public;
    b->call.bytes_len = 256;
    if (b->call.type == TGVOIP_PHONE_CALL_REQUESTED) {
        tgv_sha256(peer_public, 256, b->hash);
        b->call.bytes = b->hash;
        b->call.bytes_len = sizeof(b->hash);
    } else if (b->call.type == TGVOIP_PHONE_CALL_ACTIVE && w.accept.bytes_len) {
        uint8_t key[256];
        if (tgv_dh_shared_key(w.accept.bytes, w.accept.bytes_len, peer_secret,
                              tgvoip_dh_known_prime(), 256, key) == 0)
            FUZZ_CHECK(tgvoip_key_fingerprint(key, &b->call.key_fingerprint) ==
                       0);
        if (b->call.admin_id == SELF)
            b->call.key_fingerprint = w.confirm.key_fingerprint;
    } else if (b->call.type == TGVOIP_PHONE_CALL_ACTIVE) {
        b->call.key_fingerprint = w.confirm.key_fingerprint;
    }
}

/* u8 what, u8 odd, then what these ask for */
static void build(struct built *b, struct fuzz_input *in)
{
    static const char *const versions[] = {"2.4.4", "9.0.0", ""};
    unsigned what = fuzz_u8(in), odd = fuzz_u8(in);
    bool incoming = what & 8;

    memset(b, 0, sizeof(*b));
    tgvoip_phone_call_default(&b->call);
    b->call.type = (enum tgvoip_phone_call_type)(what & 7);
    b->call.id = 7 + (what >> 4 & 3);
    b->call.access_hash = 5;
    b->call.admin_id = incoming ? PEER : SELF;
    b->call.participant_id = incoming ? SELF : PEER;
    b->call.date = 1700000000;
    b->call.start_date = 1700000010;
    b->call.protocol =
        (struct tgvoip_phone_protocol){.udp_p2p = true,
                                       .udp_reflector = true,
                                       .min_layer = 65,
                                       .max_layer = 92,
                                       .library_versions = versions,
                                       .library_version_count = 1};
    if (what & 64)
        b->call.receive_date = 1700000005;
    if (odd & 4)
        b->call.protocol.max_layer = fuzz_u8(in);
    if (odd & 8)
        b->call.protocol.library_versions = versions + 1;
    if (odd & 16)
        b->call.admin_id = (int64_t)fuzz_u16(in);
    if (odd & 32)
        b->call.date = (int32_t)fuzz_u32(in);
    if (odd & 64)
        b->call.id = (int64_t)fuzz_u8(in);
    b->call.reason = (enum tgvoip_discard_reason)(odd & 7);
    b->call.need_rating = odd & 8;
    b->call.need_debug = odd & 16;
    b->call.slug = odd & 32 ? "slug" : NULL;
    set_connections(b, odd, in);
    set_bytes(b, !(odd & 128), in);
}

static void update(struct fuzz_input *in)
{
    struct built b;

    build(&b, in);
    FUZZ_CHECK(tgvoip_account_update(w.account, &b.call, w.now) == 0);
}

static void reply_dh(uint64_t id, unsigned how, struct fuzz_input *in)
{
    uint8_t random[256], p[256];
    struct tgvoip_dh_config dh = {.g = 3,
                                  .p = tgvoip_dh_known_prime(),
                                  .p_len = 256,
                                  .version = 3,
                                  .random = random,
                                  .random_len = sizeof(random)};

    memset(random, (int)how, sizeof(random));
    if (how & 1)
        dh.g = fuzz_u8(in);
    if (how & 2)
        dh.random_len = fuzz_u8(in);
    if (how & 4)
        dh.p_len = fuzz_u8(in);
    if (how & 8) { /* even: refused without a search */
        memcpy(p, dh.p, sizeof(p));
        p[255] ^= 1;
        dh.p = p;
    }
    if (how & 16)
        (void)tgvoip_account_reply_dh_not_modified(w.account, id, random,
                                                   dh.random_len, w.now);
    else
        (void)tgvoip_account_reply_dh(w.account, id, &dh, w.now);
}

static void reply_error(uint64_t id, struct fuzz_input *in)
{
    static const char *const names[] = {"FLOOD_WAIT_3",
                                        "FLOOD_WAIT_999999999999",
                                        "CALL_ALREADY_ACCEPTED",
                                        "CALL_ALREADY_DECLINED",
                                        "CALL_PEER_INVALID",
                                        "USER_PRIVACY_RESTRICTED",
                                        "PARTICIPANT_VERSION_OUTDATED",
                                        "USER_IS_BLOCKED",
                                        "RANDOM_ID_DUPLICATE",
                                        "",
                                        "CALL_PROTOCOL_FLAGS_INVALID",
                                        "INTERNAL",
                                        "\xff\xfe",
                                        "CALL_OCCUPY_FAILED"};
    unsigned which = fuzz_u8(in);

    (void)tgvoip_account_reply_error(
        w.account, id, which & 128 ? 500 : (int)(400 + (which >> 4)),
        names[which % (sizeof(names) / sizeof(*names))], w.now);
}

static void reply_config(uint64_t id, unsigned how, struct fuzz_input *in)
{
    static const char json[] = "{\"audio_max_bitrate\": 9000}";
    struct tgvoip_phone_config c;
    size_t n;

    if (how & 1) {
        const uint8_t *p = fuzz_bytes(in, fuzz_u8(in), &n);
        (void)tgvoip_account_reply_call_config(w.account, id, (const char *)p,
                                               n, w.now);
        return;
    }
    (void)tgvoip_account_reply_call_config(w.account, id, json, strlen(json),
                                           w.now);
    tgvoip_phone_config_default(&c);
    if (how & 2)
        c.ring_timeout_ms = (int)fuzz_u32(in);
    (void)tgvoip_account_reply_config(w.account, id, &c, w.now);
}

/* As a good server does, by the type of the request. */
static void reply_well(const struct tgvoip_request *r)
{
    static const uint8_t well[] = {TGVOIP_PHONE_CALL_WAITING | 64, 0};
    static const uint8_t accepted[] = {TGVOIP_PHONE_CALL_WAITING | 8, 0};
    static const uint8_t active[] = {TGVOIP_PHONE_CALL_ACTIVE, 0};
    struct fuzz_input in = {well, sizeof(well)};
    struct built b;

    switch (r->type) {
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        reply_dh(r->id, 0, &in);
        return;
    case TGVOIP_REQUEST_GET_CONFIG:
    case TGVOIP_REQUEST_GET_CALL_CONFIG:
        reply_config(r->id, 0, &in);
        return;
    case TGVOIP_REQUEST_REQUEST_CALL:
        break;
    case TGVOIP_REQUEST_ACCEPT_CALL:
        in = (struct fuzz_input){accepted, sizeof(accepted)};
        break;
    case TGVOIP_REQUEST_CONFIRM_CALL:
        in = (struct fuzz_input){active, sizeof(active)};
        break;
    default:
        (void)tgvoip_account_reply_done(w.account, r->id, w.now);
        return;
    }
    build(&b, &in);
    (void)tgvoip_account_reply_phone_call(w.account, r->id, &b.call, w.now);
}

static void reply(unsigned op, struct fuzz_input *in)
{
    struct tgvoip_request r;
    struct built b;
    unsigned i;

    if (w.pending_count == 0)
        return;
    i = (op >> 5) % w.pending_count;
    r = w.pending[i];
    if ((op >> 5) != 7) { /* else it may be answered again */
        w.pending_count--;
        memmove(w.pending + i, w.pending + i + 1,
                (w.pending_count - i) * sizeof(*w.pending));
    }
    switch (op & 7) {
    case 0:
    case 1:
        reply_well(&r);
        break;
    case 2:
        build(&b, in);
        (void)tgvoip_account_reply_phone_call(w.account, r.id, &b.call, w.now);
        break;
    case 3:
        reply_dh(r.id, fuzz_u8(in), in);
        break;
    case 4:
        reply_config(r.id, fuzz_u8(in), in);
        break;
    case 5:
        (void)tgvoip_account_reply_done(w.account, r.id, w.now);
        break;
    case 6:
        reply_error(r.id, in);
        break;
    default:
        (void)tgvoip_account_reply_network_failure(w.account, r.id, w.now);
        break;
    }
}

static void call_someone(unsigned how)
{
    struct tgvoip_outgoing o;
    tgvoip_negotiation *n;

    tgvoip_outgoing_default(&o);
    o.user_id = how & 1 ? SELF : PEER;
    o.phone_calls_private = how & 2;
    o.ring_timeout_ms = how & 4 ? 500 : 0;
    if (w.held_count < HELD &&
        tgvoip_account_call(w.account, &n, &o, w.now, NULL) == 0)
        hold(n);
}

static void media(struct held *h, unsigned how)
{
    struct tgvoip_media_facts f;

    if (how & 8) {
        tgvoip_media_facts_default(&f);
        f.preferred_relay = 1;
        f.need_rate = how & 16;
        f.debug_log = how & 32 ? "{\"a\":1}" : how & 64 ? "no json" : NULL;
        (void)tgvoip_negotiation_media_facts(h->n, &f, w.now);
    } else {
        (void)tgvoip_negotiation_media_state(
            h->n, (enum tgvoip_call_state)(how & 7),
            (enum tgvoip_call_error)(how >> 4 & 7), w.now);
    }
}

static void act(unsigned op, struct fuzz_input *in)
{
    unsigned i;
    struct held *h;
    struct tgvoip_negotiation_info info;

    if (w.held_count == 0)
        return;
    i = (op >> 5) % w.held_count;
    h = &w.held[i];
    switch (op & 7) {
    case 0:
        (void)tgvoip_negotiation_answer(h->n, w.now);
        break;
    case 1:
        (void)tgvoip_negotiation_decline(h->n, w.now);
        break;
    case 2:
        (void)tgvoip_negotiation_ignore(h->n, w.now);
        break;
    case 3:
        (void)tgvoip_negotiation_hang_up(h->n, w.now);
        break;
    case 4:
        media(h, fuzz_u8(in));
        break;
    case 5:
        (void)tgvoip_negotiation_rate(h->n, fuzz_u8(in) % 7, "it \xff crackled",
                                      w.now);
        break;
    case 6:
        tgvoip_negotiation_info_default(&info);
        FUZZ_CHECK(tgvoip_negotiation_get_info(h->n, &info, w.now) == 0);
        FUZZ_CHECK(!h->ended || info.outcome != TGVOIP_OUTCOME_NONE);
        break;
    default:
        tgvoip_negotiation_release(h->n, w.now);
        w.held[i] = w.held[--w.held_count];
        break;
    }
}

static void operate(unsigned op, struct fuzz_input *in)
{
    unsigned n;

    switch (op >> 3 & 3) {
    case 0:
        reply(op, in);
        break;
    case 1:
        act(op, in);
        break;
    case 2:
        update(in);
        break;
    default:
        n = fuzz_u8(in);
        if (op & 32)
            call_someone(n);
        else if (op & 64)
            (void)tgvoip_account_set_server_time(
                w.account, 1700000000 + (int64_t)n * 10, w.now);
        else
            pass(n < 128 ? TGV_MS(n * 10) : TGV_S(n - 127));
        break;
    }
    settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    unsigned mode = fuzz_u8(&in);
    struct tgv_account_config config = {.self_id = SELF,
                                        .ring_when_busy = mode & 1,
                                        .no_config_requests = mode & 2,
                                        .forbid_p2p = mode & 4};

    if (size > 2048)
        return 0;
    prepare();
    memset(&w, 0, sizeof(w));
    w.now = TGV_S(100);
    tgv_prng_init(&w.prng, 7);
    config.random = tgv_prng_source(&w.prng);
    if (tgv_account_create(&w.account, &config))
        abort();
    while (in.len > 0)
        operate(fuzz_u8(&in), &in);
    for (unsigned i = 0; i < w.held_count; i++)
        tgvoip_negotiation_release(w.held[i].n, w.now);
    w.held_count = 0;
    take_requests();
    tgvoip_account_destroy(w.account);
    return 0;
}
