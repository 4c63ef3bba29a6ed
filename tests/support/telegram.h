/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_TELEGRAM_H
#define TGV_TEST_TELEGRAM_H
/*
 * A server for two accounts: it answers their requests and pushes the updates
 * that follow, in virtual time, with faults on order. What the users do is a
 * script, too: when to answer, decline, hang up.
 *
 * Everything follows from the seed. After a run the two users hold what they
 * have seen; telegram_check() holds for every run, whatever the faults.
 */
#include "support/hand.h"

enum { TG_CALLER, TG_CALLEE, TG_USERS };

/* Alterations of a message on its way, one at most in a run. */
enum telegram_tamper {
    TG_TAMPER_NONE,
    TG_TAMPER_HASH, /* g_a_hash of phoneCallRequested */
    TG_TAMPER_HASH_LENGTH,
    TG_TAMPER_G_B, /* another good value: a man in the middle */
    TG_TAMPER_G_B_BAD, /* 1 */
    TG_TAMPER_G_A, /* another good value */
    TG_TAMPER_G_A_EMPTY,
    TG_TAMPER_FINGERPRINT_UPDATE, /* to the callee */
    TG_TAMPER_FINGERPRINT_RESULT, /* to the caller */
    TG_TAMPER_ACCESS_HASH, /* of phoneCallAccepted */
    TG_TAMPER_PARTICIPANT, /* of the accept result */
    TG_TAMPER_VERSION, /* chosen: 2.7.7 */
    TG_TAMPER_NO_RELAYS,
    TG_TAMPER_DH_G, /* g = 2 */
    TG_TAMPER_DH_RANDOM, /* 255 bytes */
    TG_TAMPER_EMPTY, /* phoneCallEmpty instead of phoneCallAccepted */
    TG_TAMPER_COUNT
};

struct telegram_script {
    enum telegram_tamper tamper;
    /* chances, 0..1 */
    double lose_update, double_update, late_update;
    double no_network; /* before or after it had its effect */
    double rpc_error; /* any of section 8.2, and unknown ones */
    /* what the users do, ms after the start; 0 = never */
    int answer_ms, decline_ms;
    int hang_up_ms[TG_USERS];
    int engine_fails_ms[TG_USERS]; /* after READY */
    bool callee_busy; /* is in another call */
    bool callee_offline; /* no update reaches it */
    bool old_layer; /* connection + alternatives, no library_versions */
    int flood_wait_s; /* of requestCall */
};

struct telegram_user {
    int64_t id;
    struct tgvoip_account *account;
    struct tgvoip_negotiation *n; /* held from the beginning to the end */
    struct hand_random random;
    /* seen */
    unsigned incoming, ready, ended, discards, requests_after_end;
    bool ready_first; /* READY came before ENDED */
    struct tgvoip_negotiation_info info; /* with ENDED */
    uint8_t key[TGV_DH_BYTES]; /* with READY */
    int64_t fingerprint;
    unsigned emoji[TGV_EMOJI_COUNT];
    tgv_time act_at[5]; /* what it will do */
};

struct telegram_item;

struct telegram {
    struct telegram_script script;
    struct tgv_prng prng;
    tgv_time now;
    struct telegram_user users[TG_USERS];
    struct telegram_item *queue; /* on their way to a user */
    size_t queue_len, queue_cap;
    uint64_t trace; /* hash of everything that was delivered */
    /* the one call, as the server sees it */
    bool exists, received, accepted, confirmed, discarded;
    int64_t call_id, access_hash;
    uint8_t g_a_hash[32], g_a[256], g_b[256], other[256];
    int64_t fingerprint;
    bool tampered; /* it came to that */
    int call_error; /* the call did not even begin */
};

/* Two accounts, nothing under way. `fast`: short exponents. */
void telegram_init(struct telegram *t, const struct telegram_script *script,
                   uint64_t seed, bool fast);
void telegram_fini(struct telegram *t);
/* Call, and go on until nothing is left to be done. */
void telegram_run(struct telegram *t);
/* What holds for every run. */
void telegram_check(const struct telegram *t);

#endif
