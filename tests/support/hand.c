/* SPDX-License-Identifier: MIT */
#include "support/hand.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONFIG_JSON "{\"audio_frame_size\":60}"

static int random_fill(void *ctx, uint8_t *buf, size_t len)
{
    struct hand_random *r = ctx;
    struct tgv_random source = tgv_prng_source(&r->prng);

    if (r->broken)
        return TGVOIP_ERR_RANDOM;
    r->draws++;
    if (source.fill(source.ctx, buf, len))
        return TGVOIP_ERR_RANDOM;
    if (len == TGV_DH_BYTES && !r->full) {
        memset(buf, 0, TGV_DH_BYTES - 16);
        buf[TGV_DH_BYTES - 16] |= 0x80; /* large enough in any case */
    }
    return 0;
}

struct tgv_random hand_random_source(struct hand_random *r, uint64_t seed)
{
    memset(r, 0, sizeof(*r));
    tgv_prng_init(&r->prng, seed);
    return (struct tgv_random){random_fill, r};
}

static void keep_line(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    struct hand *h = ctx;
    size_t len = strlen(text);

    (void)level;
    (void)room;
    (void)now;
    h->log = realloc(h->log, h->log_len + len + 2);
    assert_non_null(h->log);
    memcpy(h->log + h->log_len, text, len + 1);
    h->log_len += len;
}

void hand_init(struct hand *h, const struct tgv_account_config *config)
{
    struct tgv_account_config c = {0};
    struct tgv_random random;
    static const uint8_t tags[HAND_RELAYS][16] = {"tag of relay one",
                                                  "tag of relay two"};

    memset(h, 0, sizeof(*h));
    if (config)
        c = *config;
    c.self_id = HAND_SELF;
    random = hand_random_source(&h->random, 7);
    c.random = random;
    c.log = (struct tgv_log){keep_line, h, TGV_LOG_DEBUG};
    h->now = HAND_START;
    assert_int_equal(tgv_account_create(&h->a, &c), 0);
    /* The other side's pair: it is the callee or the caller. */
    assert_int_equal(tgv_dh_keypair(3, tgv_dh_known_prime(), TGV_DH_BYTES, NULL,
                                    &random, h->secret, h->public_value),
                     0);
    assert_int_equal(
        tgv_dh_commitment(h->public_value, TGV_DH_BYTES, h->commitment), 0);
    for (int i = 0; i < HAND_RELAYS; i++)
        h->connections[i] = (struct tgvoip_phone_connection){
            .id = 11 + i,
            .ip = i ? "149.154.167.52" : "149.154.167.51",
            .ipv6 = i ? "" : "2001:db8::1",
            .port = 533 + i,
            .peer_tag = tags[i],
            .peer_tag_len = 16};
}

static bool holds(const void *memory, size_t len, const uint8_t *secret)
{
    const uint8_t *m = memory;

    /* its first 8 bytes that are not a run of zeros */
    for (size_t i = 0; i + 8 <= len; i++)
        if (m[i] == secret[0] && memcmp(m + i, secret, 8) == 0)
            return true;
    return false;
}

void hand_expect_wiped(const struct hand *h)
{
    static const struct tgv_neg_secrets none;

    assert_memory_equal(&h->n->secrets, &none, sizeof(none));
    if (h->key[0] || h->key[1])
        assert_false(holds(h->n, sizeof(*h->n), h->key));
}

void hand_fini(struct hand *h)
{
    char hex[2 * TGV_DH_BYTES + 1];

    /* Whatever happened, the log has not seen the key. */
    tgv_hex_encode(h->key, 8, hex);
    if (h->log && (h->key[0] || h->key[1]))
        assert_null(strstr(h->log, hex));
    tgv_account_destroy(h->a);
    free(h->log);
}

struct tgvoip_request *hand_request(struct hand *h,
                                    enum tgvoip_request_type type)
{
    tgvoip_request_default(&h->r);
    assert_true(tgv_account_next_request(h->a, &h->r));
    if (h->r.type != type)
        fail_msg("%s instead of %s", tgvoip_request_type_str(h->r.type),
                 tgvoip_request_type_str(type));
    assert_true(h->r.id != 0);
    return &h->r;
}

void hand_no_request(struct hand *h)
{
    struct tgvoip_request r;

    tgvoip_request_default(&r);
    if (tgv_account_next_request(h->a, &r))
        fail_msg("%s was not expected", tgvoip_request_type_str(r.type));
}

struct tgvoip_signal_event *hand_event(struct hand *h,
                                       enum tgvoip_signal_event_type type)
{
    do {
        tgvoip_signal_event_default(&h->e);
        if (!tgv_account_next_event(h->a, &h->e))
            fail_msg("no event %s", tgvoip_signal_event_str(type));
    } while (h->e.type == TGVOIP_SIGNAL_EVENT_STATE);
    if (h->e.type != type)
        fail_msg("event %s instead of %s", tgvoip_signal_event_str(h->e.type),
                 tgvoip_signal_event_str(type));
    return &h->e;
}

void hand_no_event(struct hand *h)
{
    struct tgvoip_signal_event e;

    tgvoip_signal_event_default(&e);
    while (tgv_account_next_event(h->a, &e))
        if (e.type != TGVOIP_SIGNAL_EVENT_STATE)
            fail_msg("event %s was not expected",
                     tgvoip_signal_event_str(e.type));
}

static void answer(struct hand *h, const struct tgv_answer *a)
{
    assert_int_equal(tgv_account_answer(h->a, h->r.id, a, h->now), 0);
}

void hand_answer_call(struct hand *h, const struct tgvoip_phone_call *call)
{
    answer(h,
           &(struct tgv_answer){.kind = TGV_ANSWER_PHONE_CALL, .call = call});
}

void hand_answer_done(struct hand *h)
{
    answer(h, &(struct tgv_answer){.kind = TGV_ANSWER_DONE});
}

void hand_answer_error(struct hand *h, int code, const char *name)
{
    answer(h, &(struct tgv_answer){
                  .kind = TGV_ANSWER_ERROR, .code = code, .name = name});
}

void hand_answer_network(struct hand *h)
{
    answer(h, &(struct tgv_answer){.kind = TGV_ANSWER_NETWORK});
}

void hand_answer_dh(struct hand *h)
{
    const struct tgvoip_dh_config dh = {.g = 3,
                                        .p = tgv_dh_known_prime(),
                                        .p_len = TGV_DH_BYTES,
                                        .version = 5,
                                        .random = h->dh_random,
                                        .random_len = sizeof(h->dh_random)};

    answer(h, &(struct tgv_answer){.kind = TGV_ANSWER_DH, .dh = &dh});
}

void hand_answer_config(struct hand *h,
                        const struct tgvoip_phone_config *values)
{
    hand_request(h, TGVOIP_REQUEST_GET_CONFIG);
    answer(h,
           &(struct tgv_answer){.kind = TGV_ANSWER_CONFIG, .values = values});
}

void hand_configs(struct hand *h)
{
    struct tgvoip_phone_config values;

    tgvoip_phone_config_default(&values);
    hand_answer_config(h, &values);
    hand_request(h, TGVOIP_REQUEST_GET_CALL_CONFIG);
    answer(h, &(struct tgv_answer){.kind = TGV_ANSWER_CALL_CONFIG,
                                   .json = CONFIG_JSON,
                                   .json_len = strlen(CONFIG_JSON)});
}

void hand_dh(struct hand *h)
{
    hand_request(h, TGVOIP_REQUEST_GET_DH_CONFIG);
    hand_answer_dh(h);
}

void hand_update(struct hand *h, const struct tgvoip_phone_call *call)
{
    tgv_account_update(h->a, call, h->now);
}

void hand_advance(struct hand *h, int64_t ms)
{
    h->now += TGV_MS(ms);
    tgv_account_expire(h->a, h->now);
}

static struct tgvoip_phone_call object(struct hand *h,
                                       enum tgvoip_phone_call_type type)
{
    bool outgoing = !h->n || h->n->outgoing;
    struct tgvoip_phone_call c;

    tgvoip_phone_call_default(&c);
    c.type = type;
    c.id = HAND_ID;
    if (type == TGVOIP_PHONE_CALL_EMPTY || type == TGVOIP_PHONE_CALL_DISCARDED)
        return c;
    if (type == TGVOIP_PHONE_CALL_REQUESTED)
        outgoing = false;
    c.access_hash = HAND_HASH;
    c.admin_id = outgoing ? HAND_SELF : HAND_PEER;
    c.participant_id = outgoing ? HAND_PEER : HAND_SELF;
    c.date = HAND_DATE;
    c.protocol = h->a->protocol;
    return c;
}

struct tgvoip_phone_call hand_waiting(struct hand *h, bool rings)
{
    struct tgvoip_phone_call c = object(h, TGVOIP_PHONE_CALL_WAITING);

    c.receive_date = rings ? HAND_DATE + 1 : 0;
    return c;
}

struct tgvoip_phone_call hand_requested(struct hand *h)
{
    struct tgvoip_phone_call c = object(h, TGVOIP_PHONE_CALL_REQUESTED);

    c.bytes = h->commitment;
    c.bytes_len = sizeof(h->commitment);
    return c;
}

struct tgvoip_phone_call hand_accepted(struct hand *h)
{
    struct tgvoip_phone_call c = object(h, TGVOIP_PHONE_CALL_ACCEPTED);

    c.bytes = h->public_value;
    c.bytes_len = sizeof(h->public_value);
    return c;
}

/* Needs the own public value: from the requests that were taken. */
static void peer_key(struct hand *h)
{
    if (h->n->public_value[0] == 0)
        return;
    assert_int_equal(tgv_dh_shared_key(h->n->public_value, TGV_DH_BYTES,
                                       h->secret, tgv_dh_known_prime(),
                                       TGV_DH_BYTES, h->key),
                     0);
    assert_int_equal(tgv_key_fingerprint(h->key, &h->fingerprint), 0);
}

struct tgvoip_phone_call hand_active(struct hand *h)
{
    struct tgvoip_phone_call c = object(h, TGVOIP_PHONE_CALL_ACTIVE);

    peer_key(h);
    c.bytes = h->public_value;
    c.bytes_len = sizeof(h->public_value);
    c.key_fingerprint = h->fingerprint;
    c.p2p_allowed = true;
    c.connections = h->connections;
    c.connection_count = HAND_RELAYS;
    c.start_date = HAND_DATE + 5;
    return c;
}

struct tgvoip_phone_call hand_discarded(struct hand *h,
                                        enum tgvoip_discard_reason reason)
{
    struct tgvoip_phone_call c = object(h, TGVOIP_PHONE_CALL_DISCARDED);

    c.reason = reason;
    return c;
}

struct tgvoip_phone_call hand_empty(struct hand *h)
{
    return object(h, TGVOIP_PHONE_CALL_EMPTY);
}

/* ---- outgoing ---- */

void hand_call(struct hand *h)
{
    assert_int_equal(tgv_account_call(h->a, &h->n, HAND_PEER, 0, h->now, NULL),
                     0);
    hand_configs(h);
    hand_dh(h);
    hand_request(h, TGVOIP_REQUEST_REQUEST_CALL);
}

void hand_to_waiting(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_call(h);
    c = hand_waiting(h, false);
    hand_answer_call(h, &c);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_WAITING);
}

void hand_to_ringing(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_to_waiting(h);
    c = hand_waiting(h, true);
    hand_update(h, &c);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_RINGING);
}

void hand_to_confirming(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_to_ringing(h);
    c = hand_accepted(h);
    hand_update(h, &c);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_request(h, TGVOIP_REQUEST_CONFIRM_CALL);
}

void hand_to_ready_outgoing(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_to_confirming(h);
    c = hand_active(h);
    hand_answer_call(h, &c);
    hand_event(h, TGVOIP_SIGNAL_EVENT_READY);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_WAIT_INIT);
}

/* ---- incoming ---- */

void hand_incoming(struct hand *h)
{
    struct tgvoip_phone_call c = hand_requested(h);

    hand_update(h, &c);
    h->n = hand_event(h, TGVOIP_SIGNAL_EVENT_INCOMING)->negotiation;
    assert_non_null(h->n);
}

void hand_ring(struct hand *h)
{
    hand_incoming(h);
    hand_configs(h);
    hand_dh(h);
    hand_request(h, TGVOIP_REQUEST_RECEIVED_CALL);
    assert_int_equal(h->r.call_id, HAND_ID);
    assert_int_equal(h->r.access_hash, HAND_HASH);
    hand_answer_done(h);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_WAITING_INCOMING);
}

void hand_to_accepting(struct hand *h)
{
    hand_ring(h);
    assert_int_equal(tgv_negotiation_answer(h->n, h->now), 0);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
    hand_request(h, TGVOIP_REQUEST_ACCEPT_CALL);
}

void hand_to_accepted(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_to_accepting(h);
    c = hand_waiting(h, false);
    hand_answer_call(h, &c);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_EXCHANGING_KEYS);
}

void hand_to_ready_incoming(struct hand *h)
{
    struct tgvoip_phone_call c;

    hand_to_accepted(h);
    c = hand_active(h);
    hand_update(h, &c);
    hand_event(h, TGVOIP_SIGNAL_EVENT_READY);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_WAIT_INIT);
}

/* ---- either ---- */

void hand_to_ready(struct hand *h, bool outgoing)
{
    if (outgoing)
        hand_to_ready_outgoing(h);
    else
        hand_to_ready_incoming(h);
}

void hand_to_established(struct hand *h, bool outgoing)
{
    hand_to_ready(h, outgoing);
    tgv_negotiation_media_state(h->n, TGVOIP_SIGNAL_WAIT_INIT_ACK, 0, h->now);
    tgv_negotiation_media_state(h->n, TGVOIP_SIGNAL_ESTABLISHED, 0, h->now);
    assert_int_equal(h->n->state, TGVOIP_SIGNAL_ESTABLISHED);
}

void hand_expect_end(struct hand *h, enum tgvoip_signal_state state,
                     enum tgvoip_outcome outcome, const char *why)
{
    struct tgvoip_signal_event *e = hand_event(h, TGVOIP_SIGNAL_EVENT_ENDED);

    assert_ptr_equal(e->negotiation, h->n);
    assert_string_equal(tgvoip_signal_state_str(e->info.state),
                        tgvoip_signal_state_str(state));
    assert_string_equal(tgvoip_outcome_str(e->info.outcome),
                        tgvoip_outcome_str(outcome));
    if (!strstr(e->info.why, why))
        fail_msg("\"%s\" is not in \"%s\"", why, e->info.why);
    hand_expect_wiped(h);
}

void hand_expect_discard(struct hand *h, enum tgvoip_discard_reason reason)
{
    struct tgvoip_request *r = hand_request(h, TGVOIP_REQUEST_DISCARD_CALL);

    assert_int_equal(r->call_id, HAND_ID);
    assert_int_equal(r->access_hash, HAND_HASH);
    assert_string_equal(tgvoip_discard_reason_str(r->reason),
                        tgvoip_discard_reason_str(reason));
    hand_no_request(h);
}

struct tgvoip_negotiation_info hand_info(const struct hand *h)
{
    struct tgvoip_negotiation_info info;

    tgvoip_negotiation_info_default(&info);
    tgv_negotiation_info(h->n, &info, h->now);
    return info;
}
