/* SPDX-License-Identifier: MIT */
#include "negotiate/errors.h"

#include "negotiate/limits.h"

#include <stdlib.h>
#include <string.h>

#define M(request) (1u << TGVOIP_REQUEST_##request)
#define ALL (~0u)

#define FLOOD_CODE 420

struct row {
    const char *name;
    unsigned requests; /* that it may answer */
    enum tgv_verdict_action action;
    enum tgvoip_outcome outcome;
};

/* The first row that fits counts. */
static const struct row rows[] = {
    {"CALL_ALREADY_ACCEPTED", M(ACCEPT_CALL), TGV_VERDICT_QUIET,
     TGVOIP_OUTCOME_ELSEWHERE},
    {"CALL_ALREADY_DECLINED", M(ACCEPT_CALL) | M(RECEIVED_CALL),
     TGV_VERDICT_QUIET, TGVOIP_OUTCOME_MISSED},
    {"CALL_ALREADY_DISCARDED", M(ACCEPT_CALL) | M(RECEIVED_CALL),
     TGV_VERDICT_QUIET, TGVOIP_OUTCOME_MISSED},
    {"CALL_ALREADY_DECLINED", M(CONFIRM_CALL), TGV_VERDICT_QUIET,
     TGVOIP_OUTCOME_PEER_HUNG_UP},
    {"CALL_ALREADY_DISCARDED", M(CONFIRM_CALL), TGV_VERDICT_QUIET,
     TGVOIP_OUTCOME_PEER_HUNG_UP},
    {"CALL_PEER_INVALID", ALL, TGV_VERDICT_FAIL_MUTE,
     TGVOIP_OUTCOME_SERVER_ERROR},
    {"CALL_PROTOCOL_FLAGS_INVALID", M(REQUEST_CALL) | M(ACCEPT_CALL),
     TGV_VERDICT_FAIL, TGVOIP_OUTCOME_SERVER_ERROR},
    {"CALL_PROTOCOL_LAYER_INVALID", ALL, TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_INCOMPATIBLE},
    {"CALL_PROTOCOL_COMPAT_LAYER_INVALID", ALL, TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_INCOMPATIBLE},
    {"PARTICIPANT_VERSION_OUTDATED", ALL, TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_PEER_OUTDATED},
    {"USER_PRIVACY_RESTRICTED", ALL, TGV_VERDICT_FAIL, TGVOIP_OUTCOME_PRIVACY},
    {"USER_IS_BLOCKED", ALL, TGV_VERDICT_FAIL, TGVOIP_OUTCOME_BLOCKED},
    {"USER_ID_INVALID", ALL, TGV_VERDICT_FAIL, TGVOIP_OUTCOME_BAD_TARGET},
    {"INPUT_USER_DEACTIVATED", ALL, TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_BAD_TARGET},
    {"RANDOM_ID_DUPLICATE", M(REQUEST_CALL), TGV_VERDICT_REDRAW,
     TGVOIP_OUTCOME_SERVER_ERROR},
    {"RANDOM_LENGTH_INVALID", M(GET_DH_CONFIG), TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_INTERNAL},
    {"DH_G_A_INVALID", ALL, TGV_VERDICT_FAIL,
     TGVOIP_OUTCOME_VERIFICATION_FAILED},
};

/* Seconds of FLOOD_WAIT_n; 0: it is no flood wait; -1: n is unknown */
static int flood_wait(int code, const char *name)
{
    static const char *const prefixes[] = {"FLOOD_WAIT_",
                                           "FLOOD_PREMIUM_WAIT_"};

    for (size_t i = 0; name && i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        char *end;
        long n;

        if (strncmp(name, prefixes[i], len) != 0)
            continue;
        n = strtol(name + len, &end, 10);
        return end != name + len && n > 0 && n < INT32_MAX ? (int)n : -1;
    }
    return code == FLOOD_CODE ? -1 : 0;
}

/* Requests whose failure changes nothing for anybody. */
static bool unimportant(enum tgvoip_request_type request)
{
    return ((M(DISCARD_CALL) | M(SAVE_DEBUG) | M(SET_RATING)) >> request) & 1;
}

static struct tgv_verdict flood_verdict(enum tgvoip_request_type request,
                                        bool outgoing, int seconds)
{
    struct tgv_verdict v = {TGV_VERDICT_RETRY, TGVOIP_OUTCOME_FLOOD_WAIT,
                            seconds > 0 ? seconds : 0};
    bool waited_for = (outgoing && request == TGVOIP_REQUEST_GET_DH_CONFIG) ||
                      request == TGVOIP_REQUEST_REQUEST_CALL;
    bool is_short = seconds > 0 && seconds <= TGV_FLOOD_WAIT_SHORT_S;

    if (unimportant(request))
        v.action = is_short ? TGV_VERDICT_RETRY : TGV_VERDICT_DONE;
    else if (waited_for || !is_short)
        v.action = TGV_VERDICT_FAIL;
    return v;
}

struct tgv_verdict tgv_error_verdict(enum tgvoip_request_type request,
                                     bool outgoing, int code, const char *name)
{
    struct tgv_verdict v = {TGV_VERDICT_FAIL, TGVOIP_OUTCOME_SERVER_ERROR, 0};
    int seconds = flood_wait(code, name);

    if (seconds)
        return flood_verdict(request, outgoing, seconds);
    if (unimportant(request)) {
        v.action = TGV_VERDICT_DONE;
        return v;
    }
    for (size_t i = 0; name && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!((rows[i].requests >> request) & 1) ||
            strcmp(name, rows[i].name) != 0)
            continue;
        v.action = rows[i].action;
        v.outcome = rows[i].outcome;
        break;
    }
    return v;
}
