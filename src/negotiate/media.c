/* SPDX-License-Identifier: MIT */
/* From the key to the conversation, and what is said afterwards.
 * Source: call signalling 5.2, 5.3, 7.3, 8.4, 9.5..9.7 */
#include "negotiate/account.h"

#include "crypto/secret.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

bool tgv_neg_check_protocol(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now)
{
    struct tgvoip_failure failure = {0};

    if (!tgv_protocol_check(&call->protocol, &n->max_layer, &failure))
        return true;
    tgv_neg_fail(n, TGVOIP_OUTCOME_INCOMPATIBLE, now, "%s: %s", failure.what,
                 failure.why);
    return false;
}

void tgv_neg_agreed(struct tgvoip_negotiation *n,
                    const struct tgvoip_phone_call *call, tgv_time now)
{
    if (!tgv_neg_check_protocol(n, call, now))
        return;
    n->relay_count = tgv_relays_choose(call->connection, call->connections,
                                       call->connection_count, n->relays,
                                       &n->account->config.log, now);
    if (!n->relay_count) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_INCOMPATIBLE, now,
                     "none of the connections is a relay");
        return;
    }
    /* A side that has not offered it is not made to by the server. */
    n->p2p_allowed = call->p2p_allowed && n->account->protocol.udp_p2p;
    n->start_date = call->start_date;
    tgv_timer_start(n, TGV_TIMER_HOLD, TGV_HOLD_TIMEOUT / TGV_US_PER_MS, now);
    if (!tgv_account_waits(n->account))
        tgv_neg_ready(n, now);
}

bool tgv_neg_holds(const struct tgvoip_negotiation *n)
{
    return n->timers[TGV_TIMER_HOLD] != TGV_NEVER;
}

void tgv_neg_ready(struct tgvoip_negotiation *n, tgv_time now)
{
    if (!tgv_neg_holds(n))
        return;
    tgv_timers_stop_all(n);
    n->connect_timeout_ms = n->account->values.connect_timeout_ms;
    n->packet_timeout_ms = n->account->values.packet_timeout_ms;
    tgv_neg_set_state(n, TGVOIP_SIGNAL_WAIT_INIT, now);
    tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_READY);
}

static void engine_failed(struct tgvoip_negotiation *n, int call_error,
                          tgv_time now)
{
    static const char *const names[] = {"unknown error", "incompatible",
                                        "time-out", "audio", "proxy"};
    bool known = call_error >= 0 &&
                 (size_t)call_error < sizeof(names) / sizeof(names[0]);

    n->call_error = call_error;
    tgv_neg_fail(
        n,
        call_error == 1 ? TGVOIP_OUTCOME_INCOMPATIBLE : TGVOIP_OUTCOME_DROPPED,
        now, "the engine failed: %s", known ? names[call_error] : names[0]);
}

void tgv_negotiation_media_state(struct tgvoip_negotiation *n,
                                 enum tgvoip_signal_state state, int call_error,
                                 tgv_time now)
{
    if (!tgv_neg_in_media(n))
        return;
    if (state == TGVOIP_SIGNAL_FAILED) {
        engine_failed(n, call_error, now);
        return;
    }
    if (state == TGVOIP_SIGNAL_ESTABLISHED && !n->had_media) {
        n->had_media = true;
        n->established_at = now;
        tgv_keys_wipe(n); /* the engine has its copy */
    }
    tgv_neg_set_state(n, state, now);
}

void tgv_neg_send_debug(struct tgvoip_negotiation *n)
{
    struct tgv_rpc *rpc = &n->rpc[TGVOIP_REQUEST_SAVE_DEBUG];

    if (tgv_neg_final(n) && n->asks_debug && n->debug_log &&
        rpc->state == TGV_RPC_IDLE)
        tgv_rpc_queue(rpc, tgv_account_order(n->account));
}

/* @return 0, TGVOIP_ERR_FORMAT, TGVOIP_ERR_NOMEM */
static int keep_log(struct tgvoip_negotiation *n, const char *text)
{
    size_t len = strlen(text);
    struct tgv_json *json;
    char why[128], *copy;

    if (len > TGV_DEBUG_LOG_MAX)
        return TGVOIP_ERR_FORMAT;
    json = tgv_json_parse(text, len, why, sizeof(why));
    if (!json)
        return TGVOIP_ERR_FORMAT;
    tgv_json_free(json);
    copy = malloc(len + 1);
    if (!copy)
        return TGVOIP_ERR_NOMEM;
    memcpy(copy, text, len + 1);
    free(n->debug_log);
    n->debug_log = copy;
    return 0;
}

int tgv_negotiation_media_facts(struct tgvoip_negotiation *n,
                                int64_t preferred_relay, bool need_rate,
                                const char *debug_log, tgv_time now)
{
    bool news = need_rate && !n->need_rate && n->had_media && tgv_neg_final(n);
    int err = 0;

    (void)now;
    n->preferred_relay = preferred_relay;
    n->need_rate = need_rate;
    /* What has been asked for may be on its way: leave it alone. */
    if (debug_log && debug_log[0] &&
        n->rpc[TGVOIP_REQUEST_SAVE_DEBUG].state == TGV_RPC_IDLE)
        err = keep_log(n, debug_log);
    if (news && !n->asks_rating)
        tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_FEEDBACK);
    tgv_neg_send_debug(n);
    return err;
}

/* Cut after TGV_COMMENT_CHARS characters, never inside one. */
static void take_comment(struct tgvoip_negotiation *n, const char *text)
{
    size_t chars = 0, len = 0;

    while (text[len] && len + 1 < sizeof(n->comment)) {
        bool starts = ((unsigned char)text[len] & 0xC0) != 0x80;

        if (starts && chars++ == TGV_COMMENT_CHARS)
            break;
        len++;
    }
    memcpy(n->comment, text, len);
    n->comment[len] = '\0';
}

static bool wants_rating(const struct tgvoip_negotiation *n)
{
    return n->asks_rating || (n->need_rate && n->had_media);
}

int tgv_negotiation_rate(struct tgvoip_negotiation *n, int stars,
                         const char *comment, tgv_time now)
{
    (void)now;
    if (!tgv_neg_final(n) || n->rated || !n->has_id ||
        (!n->had_media && !n->asks_rating))
        return TGVOIP_ERR_STATE;
    n->rated = true;
    n->stars = stars;
    n->user_initiative = !wants_rating(n);
    n->comment[0] = '\0';
    if (comment && stars < 5)
        take_comment(n, comment);
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_SET_RATING],
                  tgv_account_order(n->account));
    return 0;
}

void tgv_negotiation_info(const struct tgvoip_negotiation *n,
                          struct tgvoip_negotiation_info *info, tgv_time now)
{
    size_t size = info->size;

    memset(info, 0, size);
    info->size = size;
    info->outgoing = n->outgoing;
    info->video = n->video;
    info->state = n->state;
    info->id = n->id;
    info->access_hash = n->access_hash;
    info->admin_id = n->admin_id;
    info->participant_id = n->participant_id;
    info->key_agreed = n->key_agreed;
    info->key_fingerprint = n->key_agreed ? n->fingerprint : 0;
    info->start_date = n->start_date;
    info->max_layer = n->max_layer;
    info->p2p_allowed = n->p2p_allowed;
    info->outcome = n->outcome;
    info->call_error = n->call_error;
    memcpy(info->why, n->why, sizeof(info->why));
    info->retry_after_s = n->retry_after_s;
    memcpy(info->slug, n->slug, sizeof(info->slug));
    info->duration = tgv_neg_duration(n, now);
    info->need_rating = tgv_neg_final(n) && !n->rated && wants_rating(n);
    info->need_debug = tgv_neg_final(n) && n->asks_debug;
}
