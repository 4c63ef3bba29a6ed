/* SPDX-License-Identifier: MIT */
/* Accounts and negotiations for users: arguments are checked here, the
 * system's random is given; the rest is in src/negotiate. */
#include <tgvoip/negotiate.h>

#include "base/failure.h"
#include "crypto/secret.h"
#include "negotiate/account.h"

#include <stdlib.h>
#include <string.h>

#define BAD_SIZE(object) (!(object) || (object)->size < sizeof(*(object)))

/* ---- parameters ---- */

int tgvoip_dh_cache_create(tgvoip_dh_cache **out)
{
    if (!out)
        return TGVOIP_ERR_INVALID;
    *out = malloc(sizeof(**out));
    if (!*out)
        return TGVOIP_ERR_NOMEM;
    tgv_dh_cache_init(*out);
    return 0;
}

void tgvoip_dh_cache_destroy(tgvoip_dh_cache *cache)
{
    free(cache);
}

int tgvoip_dh_cache_put(tgvoip_dh_cache *cache, int g, const uint8_t *p,
                        size_t p_len, int version,
                        struct tgvoip_failure *failure)
{
    if (!cache)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "cache", "is NULL");
    return tgv_dh_cache_put(cache, g, p, p_len, version, failure);
}

int tgvoip_dh_cache_get(const tgvoip_dh_cache *cache, int *g,
                        uint8_t p[TGVOIP_KEY_BYTES], int *version)
{
    if (!cache || !g || !p || !version)
        return TGVOIP_ERR_INVALID;
    if (!cache->valid)
        return TGVOIP_ERR_NOT_FOUND;
    *g = cache->g;
    *version = cache->version;
    memcpy(p, cache->p, sizeof(cache->p));
    return 0;
}

/* ---- the account ---- */

void tgvoip_account_config_default(struct tgvoip_account_config *config)
{
    if (!config)
        return;
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->busy = TGVOIP_BUSY_REJECT;
    config->log_level = TGVOIP_LOG_INFO;
}

static int check_config(const struct tgvoip_account_config *c,
                        struct tgvoip_failure *failure)
{
    if (BAD_SIZE(c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "tgvoip_account_config_default() was not called");
    if (c->self_id == 0)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "self_id", "is 0");
    if (c->busy != TGVOIP_BUSY_REJECT && c->busy != TGVOIP_BUSY_RING)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "busy",
                        "must be REJECT or RING, got %d", (int)c->busy);
    if (c->log_level < TGVOIP_LOG_ERROR || c->log_level > TGVOIP_LOG_DEBUG)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "log_level",
                        "%d is out of range 1..4", (int)c->log_level);
    return 0;
}

/* What the core's log hook needs to reach the user's; freed last. */
struct log_bridge {
    tgvoip_log_fn log;
    void *ctx;
};

static void write_log(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    const struct log_bridge *bridge = ctx;

    bridge->log(bridge->ctx, (enum tgvoip_log_level)level, room, now, text);
}

int tgvoip_account_create(tgvoip_account **out,
                          const struct tgvoip_account_config *config,
                          struct tgvoip_failure *failure)
{
    struct tgv_account_config c = {0};
    struct log_bridge *bridge = NULL;
    int err;

    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "is NULL");
    *out = NULL;
    err = check_config(config, failure);
    if (err)
        return err;
    if (config->log) {
        bridge = malloc(sizeof(*bridge));
        if (!bridge)
            return tgv_fail(failure, TGVOIP_ERR_NOMEM, "account",
                            "out of memory");
        *bridge = (struct log_bridge){config->log, config->log_ctx};
        c.log = (struct tgv_log){write_log, bridge,
                                 (enum tgv_log_level)config->log_level};
    }
    c.self_id = config->self_id;
    c.dh_cache = config->dh_cache;
    c.ring_when_busy = config->busy == TGVOIP_BUSY_RING;
    c.forbid_p2p = config->forbid_p2p;
    c.no_config_requests = config->no_config_requests;
    c.random = tgv_system_random();
    err = tgv_account_create(out, &c);
    if (err) {
        free(bridge);
        return tgv_fail(failure, err, "account", "out of memory");
    }
    return 0;
}

void tgvoip_account_destroy(tgvoip_account *account)
{
    void *bridge = account ? account->config.log.ctx : NULL;

    tgv_account_destroy(account);
    free(bridge);
}

int tgvoip_account_set_server_time(tgvoip_account *account, int64_t unix_s,
                                   int64_t now_us)
{
    if (!account)
        return TGVOIP_ERR_INVALID;
    tgv_account_set_server_time(account, unix_s, now_us);
    return 0;
}

int tgvoip_account_set_config(tgvoip_account *account,
                              const struct tgvoip_phone_config *config,
                              int64_t now_us)
{
    if (!account || BAD_SIZE(config))
        return TGVOIP_ERR_INVALID;
    tgv_account_set_values(account, config, now_us);
    return 0;
}

int tgvoip_account_set_call_config(tgvoip_account *account, const char *json,
                                   size_t len, int64_t now_us)
{
    if (!account || !json)
        return TGVOIP_ERR_INVALID;
    return tgv_account_set_call_config(account, json, len, now_us);
}

int tgvoip_account_update(tgvoip_account *account,
                          const struct tgvoip_phone_call *call, int64_t now_us)
{
    if (!account || BAD_SIZE(call))
        return TGVOIP_ERR_INVALID;
    tgv_account_update(account, call, now_us);
    return 0;
}

bool tgvoip_account_next_request(tgvoip_account *account,
                                 struct tgvoip_request *request)
{
    if (!account || BAD_SIZE(request))
        return false;
    return tgv_account_next_request(account, request);
}

bool tgvoip_account_next_event(tgvoip_account *account,
                               struct tgvoip_signal_event *event)
{
    if (!account || BAD_SIZE(event))
        return false;
    return tgv_account_next_event(account, event);
}

int64_t tgvoip_account_deadline(const tgvoip_account *account)
{
    return account ? tgv_account_deadline(account) : TGV_NEVER;
}

int tgvoip_account_expire(tgvoip_account *account, int64_t now_us)
{
    if (!account)
        return TGVOIP_ERR_INVALID;
    tgv_account_expire(account, now_us);
    return 0;
}

/* ---- answers ---- */

static int give(tgvoip_account *account, uint64_t id,
                const struct tgv_answer *answer, int64_t now_us)
{
    return account ? tgv_account_answer(account, id, answer, now_us)
                   : TGVOIP_ERR_INVALID;
}

int tgvoip_account_reply_phone_call(tgvoip_account *account, uint64_t id,
                                    const struct tgvoip_phone_call *call,
                                    int64_t now_us)
{
    const struct tgv_answer answer = {.kind = TGV_ANSWER_PHONE_CALL,
                                      .call = call};

    if (BAD_SIZE(call))
        return TGVOIP_ERR_INVALID;
    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_dh(tgvoip_account *account, uint64_t id,
                            const struct tgvoip_dh_config *dh, int64_t now_us)
{
    const struct tgv_answer answer = {.kind = TGV_ANSWER_DH, .dh = dh};

    if (!dh || !dh->p)
        return TGVOIP_ERR_INVALID;
    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_dh_not_modified(tgvoip_account *account, uint64_t id,
                                         const uint8_t *random,
                                         size_t random_len, int64_t now_us)
{
    const struct tgvoip_dh_config dh = {.random = random,
                                        .random_len = random_len};
    const struct tgv_answer answer = {.kind = TGV_ANSWER_DH, .dh = &dh};

    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_config(tgvoip_account *account, uint64_t id,
                                const struct tgvoip_phone_config *config,
                                int64_t now_us)
{
    const struct tgv_answer answer = {.kind = TGV_ANSWER_CONFIG,
                                      .values = config};

    if (BAD_SIZE(config))
        return TGVOIP_ERR_INVALID;
    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_call_config(tgvoip_account *account, uint64_t id,
                                     const char *json, size_t len,
                                     int64_t now_us)
{
    const struct tgv_answer answer = {
        .kind = TGV_ANSWER_CALL_CONFIG, .json = json, .json_len = len};

    if (!json)
        return TGVOIP_ERR_INVALID;
    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_done(tgvoip_account *account, uint64_t id,
                              int64_t now_us)
{
    const struct tgv_answer answer = {.kind = TGV_ANSWER_DONE};

    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_error(tgvoip_account *account, uint64_t id, int code,
                               const char *name, int64_t now_us)
{
    const struct tgv_answer answer = {
        .kind = TGV_ANSWER_ERROR, .code = code, .name = name};

    return give(account, id, &answer, now_us);
}

int tgvoip_account_reply_network_failure(tgvoip_account *account, uint64_t id,
                                         int64_t now_us)
{
    const struct tgv_answer answer = {.kind = TGV_ANSWER_NETWORK};

    return give(account, id, &answer, now_us);
}

/* ---- one call ---- */

void tgvoip_outgoing_default(struct tgvoip_outgoing *outgoing)
{
    if (!outgoing)
        return;
    memset(outgoing, 0, sizeof(*outgoing));
    outgoing->size = sizeof(*outgoing);
}

int tgvoip_account_call(tgvoip_account *account, tgvoip_negotiation **out,
                        const struct tgvoip_outgoing *outgoing, int64_t now_us,
                        struct tgvoip_failure *failure)
{
    if (!account || !out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        account ? "out" : "account", "is NULL");
    *out = NULL;
    if (BAD_SIZE(outgoing))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "tgvoip_outgoing_default() was not called");
    if (outgoing->phone_calls_private)
        return tgv_fail(failure, TGVOIP_ERR_ACCESS, "user_id",
                        "takes no calls (phone_calls_private)");
    return tgv_account_call(account, out, outgoing->user_id,
                            outgoing->ring_timeout_ms, now_us, failure);
}

int tgvoip_negotiation_answer(tgvoip_negotiation *n, int64_t now_us)
{
    return n ? tgv_negotiation_answer(n, now_us) : TGVOIP_ERR_INVALID;
}

int tgvoip_negotiation_decline(tgvoip_negotiation *n, int64_t now_us)
{
    return n ? tgv_negotiation_decline(n, now_us) : TGVOIP_ERR_INVALID;
}

int tgvoip_negotiation_ignore(tgvoip_negotiation *n, int64_t now_us)
{
    return n ? tgv_negotiation_ignore(n, now_us) : TGVOIP_ERR_INVALID;
}

int tgvoip_negotiation_hang_up(tgvoip_negotiation *n, int64_t now_us)
{
    if (!n)
        return TGVOIP_ERR_INVALID;
    tgv_negotiation_hang_up(n, now_us);
    return 0;
}

int tgvoip_negotiation_media_state(tgvoip_negotiation *n,
                                   enum tgvoip_call_state state,
                                   enum tgvoip_call_error error, int64_t now_us)
{
    if (!n || state < TGVOIP_STATE_WAIT_INIT ||
        state > TGVOIP_STATE_RECONNECTING)
        return TGVOIP_ERR_INVALID;
    tgv_negotiation_media_state(n, (enum tgvoip_signal_state)state, (int)error,
                                now_us);
    return 0;
}

void tgvoip_media_facts_default(struct tgvoip_media_facts *facts)
{
    if (!facts)
        return;
    memset(facts, 0, sizeof(*facts));
    facts->size = sizeof(*facts);
}

int tgvoip_negotiation_media_facts(tgvoip_negotiation *n,
                                   const struct tgvoip_media_facts *facts,
                                   int64_t now_us)
{
    if (!n || BAD_SIZE(facts))
        return TGVOIP_ERR_INVALID;
    return tgv_negotiation_media_facts(
        n, facts->preferred_relay, facts->need_rate, facts->debug_log, now_us);
}

int tgvoip_negotiation_media_facts_of(tgvoip_negotiation *n,
                                      const tgvoip_call *call, int64_t now_us)
{
    char *text = NULL;
    int err, taken;

    if (!n || !call)
        return TGVOIP_ERR_INVALID;
    err = tgvoip_call_debug_log(call, &text);
    taken = tgv_negotiation_media_facts(n, tgvoip_call_preferred_relay(call),
                                        tgvoip_call_need_rate(call),
                                        err ? NULL : text, now_us);
    tgvoip_free(text);
    return err ? err : taken;
}

int tgvoip_negotiation_rate(tgvoip_negotiation *n, int stars,
                            const char *comment, int64_t now_us)
{
    if (!n || stars < 1 || stars > 5)
        return TGVOIP_ERR_INVALID;
    return tgv_negotiation_rate(n, stars, comment, now_us);
}

int tgvoip_negotiation_get_info(const tgvoip_negotiation *n,
                                struct tgvoip_negotiation_info *info,
                                int64_t now_us)
{
    if (!n || BAD_SIZE(info))
        return TGVOIP_ERR_INVALID;
    tgv_negotiation_info(n, info, now_us);
    return 0;
}

int tgvoip_negotiation_emoji(const tgvoip_negotiation *n,
                             struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT])
{
    if (!n || !emoji)
        return TGVOIP_ERR_INVALID;
    if (!n->key_agreed)
        return TGVOIP_ERR_STATE;
    for (int i = 0; i < TGVOIP_EMOJI_COUNT; i++)
        emoji[i] = tgvoip_emoji_at(n->emoji[i]);
    return 0;
}

void tgvoip_negotiation_release(tgvoip_negotiation *n, int64_t now_us)
{
    if (n)
        tgv_negotiation_release(n, now_us);
}
