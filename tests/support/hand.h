/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_HAND_H
#define TGV_TEST_HAND_H
/*
 * One account on the bench, with the server and the other side played by hand:
 * the test takes each request, answers what it likes, and pushes updates.
 * Ways to bring a call into a state are here; the deviations are the test's.
 * Virtual time, seeded randomness, short exponents (so that it is fast).
 */
#include "negotiate/account.h"

#include <stdbool.h>
#include <stdint.h>

#define HAND_SELF 1001
#define HAND_PEER 2002
#define HAND_ID 0x1234567890LL
#define HAND_HASH (-0x7766554433221100LL)
#define HAND_START TGV_S(500)
#define HAND_DATE 1700000000 /* server time of every call */
#define HAND_RELAYS 2

/* Random numbers for tests: what is 256 bytes long gets zeros but for the
 * last 16, so that powers of it take no time. */
struct hand_random {
    struct tgv_prng prng;
    bool full; /* all bytes random, as in real life */
    bool broken;
    unsigned draws;
};
struct tgv_random hand_random_source(struct hand_random *r, uint64_t seed);

struct hand {
    struct tgvoip_account *a;
    struct tgvoip_negotiation *n; /* the call; held by the test */
    struct hand_random random;
    tgv_time now;
    struct tgvoip_request r; /* the last one taken */
    struct tgvoip_signal_event e; /* the last one taken */
    /* the other side */
    uint8_t secret[TGV_DH_BYTES], public_value[TGV_DH_BYTES];
    uint8_t key[TGV_DH_BYTES], commitment[32];
    int64_t fingerprint;
    /* the server */
    uint8_t dh_random[256];
    struct tgvoip_phone_connection connections[HAND_RELAYS];
    /* the log: everything that was ever said */
    char *log;
    size_t log_len;
};

/* An account with these settings (NULL: the defaults). Ends with fini, which
 * also checks that no secret is left in memory that is not in use. */
void hand_init(struct hand *h, const struct tgv_account_config *config);
void hand_fini(struct hand *h);

/* The next request must be of this type; it is in h->r. */
struct tgvoip_request *hand_request(struct hand *h,
                                    enum tgvoip_request_type type);
void hand_no_request(struct hand *h);
/* The next event that is not STATE must be of this type. */
struct tgvoip_signal_event *hand_event(struct hand *h,
                                       enum tgvoip_signal_event_type type);
void hand_no_event(struct hand *h);

/* Answer the request taken last. */
void hand_answer_call(struct hand *h, const struct tgvoip_phone_call *call);
void hand_answer_done(struct hand *h);
void hand_answer_error(struct hand *h, int code, const char *name);
void hand_answer_network(struct hand *h);
void hand_answer_dh(struct hand *h);
/* getConfig taken, and answered with these values. */
void hand_answer_config(struct hand *h,
                        const struct tgvoip_phone_config *values);
/* Take and answer what the account asks for itself, then getDhConfig. */
void hand_configs(struct hand *h);
void hand_dh(struct hand *h);
void hand_update(struct hand *h, const struct tgvoip_phone_call *call);
void hand_advance(struct hand *h, int64_t ms);

/* Objects as an honest server would send them for the present call. */
struct tgvoip_phone_call hand_waiting(struct hand *h, bool rings);
struct tgvoip_phone_call hand_requested(struct hand *h);
struct tgvoip_phone_call hand_accepted(struct hand *h);
struct tgvoip_phone_call hand_active(struct hand *h);
struct tgvoip_phone_call hand_discarded(struct hand *h,
                                        enum tgvoip_discard_reason reason);
struct tgvoip_phone_call hand_empty(struct hand *h);

/* Outgoing: each does what is before it, too. */
void hand_call(struct hand *h); /* requestCall taken */
void hand_to_waiting(struct hand *h);
void hand_to_ringing(struct hand *h);
void hand_to_confirming(struct hand *h); /* confirmCall taken */
void hand_to_ready_outgoing(struct hand *h);
/* Incoming. */
void hand_incoming(struct hand *h); /* INCOMING seen, nothing answered */
void hand_ring(struct hand *h); /* INCOMING seen, both requests answered */
void hand_to_accepting(struct hand *h); /* acceptCall taken */
void hand_to_accepted(struct hand *h); /* and answered */
void hand_to_ready_incoming(struct hand *h);
/* Either. */
void hand_to_ready(struct hand *h, bool outgoing);
void hand_to_established(struct hand *h, bool outgoing);

/* It is over: ENDED was told, with this; and what `why` holds. */
void hand_expect_end(struct hand *h, enum tgvoip_signal_state state,
                     enum tgvoip_outcome outcome, const char *why);
/* discardCall leaves, with this reason; nothing else does. */
void hand_expect_discard(struct hand *h, enum tgvoip_discard_reason reason);
/* No byte of a secret is left in the negotiation. */
void hand_expect_wiped(const struct hand *h);
struct tgvoip_negotiation_info hand_info(const struct hand *h);

#endif
