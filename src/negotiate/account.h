/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_ACCOUNT_H
#define TGV_NEGOTIATE_ACCOUNT_H
/*
 * The calls of one Telegram account: what <tgvoip/negotiate.h> promises, with
 * random source and log given at creation. Arguments are checked at the
 * public edge; here they are right.
 */
#include "base/log.h"
#include "base/random.h"
#include "negotiate/negotiation.h"

struct tgv_account_config {
    int64_t self_id;
    struct tgvoip_dh_cache *dh_cache; /* or NULL */
    bool ring_when_busy;
    bool forbid_p2p, no_config_requests;
    struct tgv_random random;
    struct tgv_log log;
};

struct tgvoip_account {
    struct tgv_account_config config;
    struct tgvoip_dh_cache own_cache, *cache;
    struct tgvoip_phone_protocol protocol; /* one object for all requests */
    struct tgvoip_negotiation *calls; /* oldest first */
    size_t call_count;
    uint64_t next_id, next_order;
    int32_t last_random_id;

    /* the server's settings */
    struct tgvoip_phone_config values;
    bool values_known;
    tgv_time values_at, call_config_at;
    char *call_config; /* JSON object, malloc'ed, or NULL */
    struct tgv_rpc rpc[TGV_RPC_COUNT];
    bool server_time_known;
    int64_t server_time_s; /* at */
    tgv_time server_time_at;

    /* updates that came too early, and ids of calls that are over */
    struct tgvoip_phone_call *early[TGV_EARLY_UPDATES];
    size_t early_count;
    int64_t ended[TGV_ENDED_IDS];
    size_t ended_next, ended_count;
};

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_account_create(struct tgvoip_account **out,
                       const struct tgv_account_config *config);
void tgv_account_destroy(struct tgvoip_account *a);
void tgv_account_set_server_time(struct tgvoip_account *a, int64_t unix_s,
                                 tgv_time now);
void tgv_account_set_values(struct tgvoip_account *a,
                            const struct tgvoip_phone_config *values,
                            tgv_time now);
/* @return 0, TGVOIP_ERR_FORMAT, TGVOIP_ERR_NOMEM */
int tgv_account_set_call_config(struct tgvoip_account *a, const char *json,
                                size_t len, tgv_time now);
void tgv_account_update(struct tgvoip_account *a,
                        const struct tgvoip_phone_call *call, tgv_time now);
bool tgv_account_next_request(struct tgvoip_account *a,
                              struct tgvoip_request *request);
bool tgv_account_next_event(struct tgvoip_account *a,
                            struct tgvoip_signal_event *event);
tgv_time tgv_account_deadline(const struct tgvoip_account *a);
void tgv_account_expire(struct tgvoip_account *a, tgv_time now);

/* What came for a request. */
struct tgv_answer {
    enum {
        TGV_ANSWER_PHONE_CALL,
        TGV_ANSWER_DH,
        TGV_ANSWER_CONFIG,
        TGV_ANSWER_CALL_CONFIG,
        TGV_ANSWER_DONE,
        TGV_ANSWER_ERROR,
        TGV_ANSWER_NETWORK
    } kind;
    const struct tgvoip_phone_call *call;
    const struct tgvoip_dh_config *dh; /* p NULL: not modified */
    const struct tgvoip_phone_config *values;
    const char *json; /* CALL_CONFIG */
    size_t json_len;
    int code; /* ERROR */
    const char *name;
};
/* @return 0, TGVOIP_ERR_NOT_FOUND */
int tgv_account_answer(struct tgvoip_account *a, uint64_t id,
                       const struct tgv_answer *answer, tgv_time now);

/* @return 0, or as tgvoip_account_call() */
int tgv_account_call(struct tgvoip_account *a, struct tgvoip_negotiation **out,
                     int64_t user_id, unsigned ring_limit_ms, tgv_time now,
                     struct tgvoip_failure *failure);

/* ---- of one negotiation; as their public namesakes */
int tgv_negotiation_answer(struct tgvoip_negotiation *n, tgv_time now);
int tgv_negotiation_decline(struct tgvoip_negotiation *n, tgv_time now);
int tgv_negotiation_ignore(struct tgvoip_negotiation *n, tgv_time now);
void tgv_negotiation_hang_up(struct tgvoip_negotiation *n, tgv_time now);
void tgv_negotiation_release(struct tgvoip_negotiation *n, tgv_time now);
void tgv_negotiation_media_state(struct tgvoip_negotiation *n,
                                 enum tgvoip_signal_state state, int call_error,
                                 tgv_time now);
/* debug_log may be NULL. @return 0, TGVOIP_ERR_FORMAT, TGVOIP_ERR_NOMEM */
int tgv_negotiation_media_facts(struct tgvoip_negotiation *n,
                                int64_t preferred_relay, bool need_rate,
                                const char *debug_log, tgv_time now);
int tgv_negotiation_rate(struct tgvoip_negotiation *n, int stars,
                         const char *comment, tgv_time now);
void tgv_negotiation_info(const struct tgvoip_negotiation *n,
                          struct tgvoip_negotiation_info *info, tgv_time now);

/* ---- within the room */
/* NULL: no memory, or too many. */
struct tgvoip_negotiation *tgv_account_new_call(struct tgvoip_account *a);
struct tgvoip_negotiation *tgv_account_find(const struct tgvoip_account *a,
                                            int64_t id);
/* Free what nobody holds and nothing is left of. */
void tgv_account_forget_finished(struct tgvoip_account *a);
/* A call other than `self` (or NULL) keeps the account from another one. */
bool tgv_account_busy(const struct tgvoip_account *a,
                      const struct tgvoip_negotiation *self);
bool tgv_account_has_ended(const struct tgvoip_account *a, int64_t id);
/* The answer to a requestCall, and with it an id, is on its way. */
bool tgv_account_expects_id(const struct tgvoip_account *a);
void tgv_account_drop_early(struct tgvoip_account *a);
uint64_t tgv_account_order(struct tgvoip_account *a);
/* Ask for what is too old. */
void tgv_account_refresh(struct tgvoip_account *a, tgv_time now);
/* Configuration is on its way. */
bool tgv_account_waits(const struct tgvoip_account *a);
void tgv_account_config_answer(struct tgvoip_account *a,
                               enum tgvoip_request_type type,
                               const struct tgv_answer *answer, tgv_time now);
void tgv_account_remember_ended(struct tgvoip_account *a, int64_t id);
/* The id of an outgoing call is known now: play what came before. */
void tgv_account_replay(struct tgvoip_account *a, struct tgvoip_negotiation *n,
                        tgv_time now);

#endif
