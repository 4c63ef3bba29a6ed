/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_NEGOTIATION_H
#define TGV_NEGOTIATE_NEGOTIATION_H
/*
 * One call from "ring" to "key agreed" and to its end, seen from inside the
 * room; users have negotiate/account.h.
 *
 *   outgoing.c  incoming.c   the two state tables        (section 7.1, 7.2)
 *   keys.c                   the exchange                (section 6)
 *   media.c                  after the key; the aftermath   (7.3, 8.4)
 *   state.c                  changes of state, ends, discards, events
 *   timers.c                 every timer                 (8.1)
 *   rpc.c                    requests: queued, sent, paused, answered
 *   replies.c                answers to the right table  (8.2)
 *   account.c  config.c      many calls, routing; the server's settings
 *
 * Invariants: FAILED, ENDED and BUSY are final: from then on only discard,
 * debug and rating leave, timers are off and no secret is in memory. At most
 * one discardCall; none once the server has discarded. The key is computed
 * once.
 */
#include "base/log.h"
#include "base/random.h"
#include "crypto/dh.h"
#include "crypto/emoji.h"
#include "negotiate/dh_cache.h"
#include "negotiate/relays.h"
#include "negotiate/rpc.h"

#include <tgvoip/signaling.h>

enum tgv_timer {
    TGV_TIMER_ANSWER, /* outgoing: of the server, until the id is known */
    TGV_TIMER_RECEIVE, /* outgoing: until it rings */
    TGV_TIMER_RING, /* both: until it is answered */
    TGV_TIMER_CONNECT, /* both: key exchange */
    TGV_TIMER_HOLD, /* both: agreed, configuration on its way */
    TGV_TIMER_HANG_UP,
    TGV_TIMER_LINGER, /* after the end */
    TGV_TIMER_COUNT
};

struct tgv_neg_event {
    uint64_t order;
    enum tgvoip_signal_event_type type;
    enum tgvoip_signal_state state;
};

/* Everything secret of a call, so that one line wipes it. */
struct tgv_neg_secrets {
    uint8_t exponent[TGV_DH_BYTES];
    uint8_t key[TGV_DH_BYTES];
};

struct tgvoip_negotiation {
    struct tgvoip_negotiation *next;
    struct tgvoip_account *account;
    bool outgoing, video;
    bool released; /* nobody holds it */
    bool lingered; /* over for long: what is unanswered stays so */
    bool refused; /* nobody ever did: declined as busy at once */
    enum tgvoip_signal_state state;
    tgv_time timers[TGV_TIMER_COUNT];
    struct tgv_rpc rpc[TGV_RPC_COUNT];
    struct tgv_neg_event events[TGV_EVENTS_KEPT];
    size_t event_count;

    /* the server's call */
    bool has_id;
    int64_t id, access_hash, admin_id, participant_id;
    int32_t random_id;
    bool redrawn;
    unsigned ring_limit_ms; /* outgoing: the application's; 0 = none */

    /* key exchange */
    bool pair_ready; /* exponent and public_value are there */
    int g;
    uint8_t p[TGV_DH_BYTES]; /* of this call, whatever the cache does */
    uint8_t public_value[TGV_DH_BYTES];
    uint8_t commitment[TGV_COMMITMENT_BYTES]; /* g_a_hash, own or received */
    struct tgv_neg_secrets secrets;
    bool key_agreed; /* the three below are valid */
    bool key_held; /* secrets.key too */
    int64_t fingerprint;
    unsigned emoji[TGV_EMOJI_COUNT];
    bool answered; /* incoming: the user has said yes */
    bool accept_sent; /* incoming: the server may know of it */
    bool accept_doubtful; /* incoming: an acceptCall had no answer */

    /* agreed */
    struct tgv_relay_choice relays[TGV_RELAYS_KEPT];
    size_t relay_count;
    int max_layer;
    bool p2p_allowed;
    int32_t start_date;
    int connect_timeout_ms, packet_timeout_ms;

    /* media and end */
    bool had_media;
    tgv_time established_at;
    int32_t duration_s; /* final once `discarding` or at the end */
    bool duration_final;
    int64_t preferred_relay;
    bool need_rate; /* the engine would like to know */
    char *debug_log; /* malloc'ed, or NULL */
    bool asks_rating, asks_debug; /* the server does */
    bool rated, user_initiative;
    int stars;
    char comment[4 * TGV_COMMENT_CHARS + 1];
    enum tgvoip_discard_reason discard_reason;
    bool discarding; /* the one discardCall has been asked for */
    bool discarded; /* by the server: phoneCallDiscarded was seen */
    enum tgvoip_outcome hang_up_outcome; /* in HANGING_UP */
    enum tgvoip_outcome outcome;
    int call_error, retry_after_s;
    char why[160], slug[64];
};

/* ---- state.c */
bool tgv_neg_final(const struct tgvoip_negotiation *n);
/* Media may flow: from READY to the end. */
bool tgv_neg_in_media(const struct tgvoip_negotiation *n);
/* Every change of state goes through here. */
void tgv_neg_set_state(struct tgvoip_negotiation *n,
                       enum tgvoip_signal_state state, tgv_time now);
void tgv_neg_event(struct tgvoip_negotiation *n,
                   enum tgvoip_signal_event_type type);
/* Over, in a final state. */
void tgv_neg_end(struct tgvoip_negotiation *n, enum tgvoip_signal_state state,
                 enum tgvoip_outcome outcome, tgv_time now, const char *why,
                 ...) TGVOIP_PRINTF(5, 6);
/* FAILED, with discardCall(Disconnect) if the server knows the call. */
void tgv_neg_fail(struct tgvoip_negotiation *n, enum tgvoip_outcome outcome,
                  tgv_time now, const char *why, ...) TGVOIP_PRINTF(4, 5);
/* Ask for the one discardCall; nothing if there is nothing to discard. */
void tgv_neg_discard(struct tgvoip_negotiation *n,
                     enum tgvoip_discard_reason reason, tgv_time now);
/* The user ends it; any state. */
void tgv_neg_hang_up(struct tgvoip_negotiation *n, tgv_time now);
/* Seconds since ESTABLISHED. */
int32_t tgv_neg_duration(const struct tgvoip_negotiation *n, tgv_time now);
/* id, access hash and both parties, or it fails. @return true if they fit */
bool tgv_neg_check_ids(struct tgvoip_negotiation *n,
                       const struct tgvoip_phone_call *call, tgv_time now);
/* phoneCallDiscarded, by update or as a result. */
void tgv_neg_discarded(struct tgvoip_negotiation *n,
                       const struct tgvoip_phone_call *call, tgv_time now);
/* An update with this call's id. */
void tgv_neg_update(struct tgvoip_negotiation *n,
                    const struct tgvoip_phone_call *call, tgv_time now);

/* ---- outgoing.c */
void tgv_outgoing_start(struct tgvoip_negotiation *n, tgv_time now);
void tgv_outgoing_pair_ready(struct tgvoip_negotiation *n, tgv_time now);
void tgv_outgoing_requested(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now);
void tgv_outgoing_confirmed(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now);
void tgv_outgoing_update(struct tgvoip_negotiation *n,
                         const struct tgvoip_phone_call *call, tgv_time now);
/* @return 0, TGVOIP_ERR_RANDOM */
int tgv_outgoing_draw_random_id(struct tgvoip_negotiation *n);

/* ---- incoming.c */
void tgv_incoming_start(struct tgvoip_negotiation *n,
                        const struct tgvoip_phone_call *call, tgv_time now);
void tgv_incoming_pair_ready(struct tgvoip_negotiation *n, tgv_time now);
void tgv_incoming_answer(struct tgvoip_negotiation *n, tgv_time now);
void tgv_incoming_decline(struct tgvoip_negotiation *n, tgv_time now);
void tgv_incoming_accepted(struct tgvoip_negotiation *n,
                           const struct tgvoip_phone_call *call, tgv_time now);
void tgv_incoming_update(struct tgvoip_negotiation *n,
                         const struct tgvoip_phone_call *call, tgv_time now);

/* ---- keys.c: each returns true, or has let the call fail */
bool tgv_keys_parameters(struct tgvoip_negotiation *n,
                         const struct tgvoip_dh_config *dh, tgv_time now);
/* Caller: from g_b. */
bool tgv_keys_from_g_b(struct tgvoip_negotiation *n, const uint8_t *g_b,
                       size_t len, tgv_time now);
/* Callee: from g_a, its commitment and the fingerprint. */
bool tgv_keys_from_g_a(struct tgvoip_negotiation *n, const uint8_t *g_a,
                       size_t len, int64_t fingerprint, tgv_time now);
bool tgv_keys_check_fingerprint(struct tgvoip_negotiation *n,
                                int64_t fingerprint, tgv_time now);
void tgv_keys_wipe(struct tgvoip_negotiation *n);

/* ---- media.c */
/* The version was agreed, or it fails. */
bool tgv_neg_check_protocol(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now);
/* Key checked: version, layer and relays, then READY. */
void tgv_neg_agreed(struct tgvoip_negotiation *n,
                    const struct tgvoip_phone_call *call, tgv_time now);
/* Agreed, and only configuration is waited for. */
bool tgv_neg_holds(const struct tgvoip_negotiation *n);
/* READY, if it is held. */
void tgv_neg_ready(struct tgvoip_negotiation *n, tgv_time now);
/* Send the debug log if it is there and wanted. */
void tgv_neg_send_debug(struct tgvoip_negotiation *n);

/* ---- timers.c */
void tgv_timer_start(struct tgvoip_negotiation *n, enum tgv_timer timer,
                     int64_t ms, tgv_time now);
void tgv_timer_stop(struct tgvoip_negotiation *n, enum tgv_timer timer);
void tgv_timers_stop_all(struct tgvoip_negotiation *n);
tgv_time tgv_timers_deadline(const struct tgvoip_negotiation *n);
void tgv_timers_expire(struct tgvoip_negotiation *n, tgv_time now);

/* ---- replies.c; n has asked for it */
void tgv_reply_phone_call(struct tgvoip_negotiation *n,
                          enum tgvoip_request_type type,
                          const struct tgvoip_phone_call *call, tgv_time now);
void tgv_reply_dh(struct tgvoip_negotiation *n,
                  const struct tgvoip_dh_config *dh, tgv_time now);
void tgv_reply_done(struct tgvoip_negotiation *n, enum tgvoip_request_type type,
                    tgv_time now);
void tgv_reply_error(struct tgvoip_negotiation *n,
                     enum tgvoip_request_type type, int code, const char *name,
                     tgv_time now);
void tgv_reply_network(struct tgvoip_negotiation *n,
                       enum tgvoip_request_type type, tgv_time now);

#endif
