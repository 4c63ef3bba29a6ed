/* SPDX-License-Identifier: MIT */
/* Names and defaults of the types that negotiation shares with its users. */
#include <string.h>

#include <tgvoip/signaling.h>

#include "negotiate/limits.h"

#define NAME(table, value)                                                     \
    ((size_t)(value) < sizeof(table) / sizeof((table)[0]) &&                   \
             (table)[(size_t)(value)]                                          \
         ? (table)[(size_t)(value)]                                            \
         : "?")

const char *tgvoip_phone_call_type_str(enum tgvoip_phone_call_type type)
{
    static const char *const names[] = {
        [TGVOIP_PHONE_CALL_UNKNOWN] = "unknown",
        [TGVOIP_PHONE_CALL_EMPTY] = "phoneCallEmpty",
        [TGVOIP_PHONE_CALL_WAITING] = "phoneCallWaiting",
        [TGVOIP_PHONE_CALL_REQUESTED] = "phoneCallRequested",
        [TGVOIP_PHONE_CALL_ACCEPTED] = "phoneCallAccepted",
        [TGVOIP_PHONE_CALL_ACTIVE] = "phoneCall",
        [TGVOIP_PHONE_CALL_DISCARDED] = "phoneCallDiscarded"};

    return NAME(names, type);
}

const char *tgvoip_discard_reason_str(enum tgvoip_discard_reason reason)
{
    static const char *const names[] = {
        [TGVOIP_DISCARD_NONE] = "none",
        [TGVOIP_DISCARD_MISSED] = "Missed",
        [TGVOIP_DISCARD_DISCONNECT] = "Disconnect",
        [TGVOIP_DISCARD_HANGUP] = "Hangup",
        [TGVOIP_DISCARD_BUSY] = "Busy",
        [TGVOIP_DISCARD_MIGRATE] = "MigrateConferenceCall",
        [TGVOIP_DISCARD_OTHER] = "unknown"};

    return NAME(names, reason);
}

const char *tgvoip_request_type_str(enum tgvoip_request_type type)
{
    static const char *const names[] = {
        [TGVOIP_REQUEST_GET_CONFIG] = "help.getConfig",
        [TGVOIP_REQUEST_GET_CALL_CONFIG] = "phone.getCallConfig",
        [TGVOIP_REQUEST_GET_DH_CONFIG] = "messages.getDhConfig",
        [TGVOIP_REQUEST_REQUEST_CALL] = "phone.requestCall",
        [TGVOIP_REQUEST_RECEIVED_CALL] = "phone.receivedCall",
        [TGVOIP_REQUEST_ACCEPT_CALL] = "phone.acceptCall",
        [TGVOIP_REQUEST_CONFIRM_CALL] = "phone.confirmCall",
        [TGVOIP_REQUEST_DISCARD_CALL] = "phone.discardCall",
        [TGVOIP_REQUEST_SAVE_DEBUG] = "phone.saveCallDebug",
        [TGVOIP_REQUEST_SET_RATING] = "phone.setCallRating"};

    return NAME(names, type);
}

const char *tgvoip_signal_state_str(enum tgvoip_signal_state state)
{
    static const char *const names[] = {
        [TGVOIP_SIGNAL_NONE] = "NONE",
        [TGVOIP_SIGNAL_WAIT_INIT] = "WAIT_INIT",
        [TGVOIP_SIGNAL_WAIT_INIT_ACK] = "WAIT_INIT_ACK",
        [TGVOIP_SIGNAL_ESTABLISHED] = "ESTABLISHED",
        [TGVOIP_SIGNAL_FAILED] = "FAILED",
        [TGVOIP_SIGNAL_RECONNECTING] = "RECONNECTING",
        [TGVOIP_SIGNAL_HANGING_UP] = "HANGING_UP",
        [TGVOIP_SIGNAL_ENDED] = "ENDED",
        [TGVOIP_SIGNAL_EXCHANGING_KEYS] = "EXCHANGING_KEYS",
        [TGVOIP_SIGNAL_WAITING] = "WAITING",
        [TGVOIP_SIGNAL_REQUESTING] = "REQUESTING",
        [TGVOIP_SIGNAL_WAITING_INCOMING] = "WAITING_INCOMING",
        [TGVOIP_SIGNAL_RINGING] = "RINGING",
        [TGVOIP_SIGNAL_BUSY] = "BUSY"};

    return NAME(names, state);
}

const char *tgvoip_outcome_str(enum tgvoip_outcome outcome)
{
    static const char *const names[] = {
        [TGVOIP_OUTCOME_NONE] = "None",
        [TGVOIP_OUTCOME_HUNG_UP] = "HungUp",
        [TGVOIP_OUTCOME_PEER_HUNG_UP] = "PeerHungUp",
        [TGVOIP_OUTCOME_BUSY] = "Busy",
        [TGVOIP_OUTCOME_DECLINED] = "Declined",
        [TGVOIP_OUTCOME_MISSED] = "Missed",
        [TGVOIP_OUTCOME_NO_ANSWER] = "NoAnswer",
        [TGVOIP_OUTCOME_CANCELLED] = "Cancelled",
        [TGVOIP_OUTCOME_ELSEWHERE] = "AnsweredElsewhere",
        [TGVOIP_OUTCOME_IGNORED] = "Ignored",
        [TGVOIP_OUTCOME_DROPPED] = "Dropped",
        [TGVOIP_OUTCOME_INCOMPATIBLE] = "Incompatible",
        [TGVOIP_OUTCOME_VERIFICATION_FAILED] = "VerificationFailed",
        [TGVOIP_OUTCOME_PRIVACY] = "Privacy",
        [TGVOIP_OUTCOME_BLOCKED] = "Blocked",
        [TGVOIP_OUTCOME_PEER_OUTDATED] = "PeerOutdated",
        [TGVOIP_OUTCOME_BAD_TARGET] = "BadTarget",
        [TGVOIP_OUTCOME_FLOOD_WAIT] = "FloodWait",
        [TGVOIP_OUTCOME_NETWORK] = "Network",
        [TGVOIP_OUTCOME_SERVER_ERROR] = "ServerError",
        [TGVOIP_OUTCOME_MIGRATED] = "Migrated",
        [TGVOIP_OUTCOME_INTERNAL] = "Internal"};

    return NAME(names, outcome);
}

const char *tgvoip_signal_event_str(enum tgvoip_signal_event_type type)
{
    static const char *const names[] = {
        [TGVOIP_SIGNAL_EVENT_INCOMING] = "Incoming",
        [TGVOIP_SIGNAL_EVENT_STATE] = "State",
        [TGVOIP_SIGNAL_EVENT_READY] = "Ready",
        [TGVOIP_SIGNAL_EVENT_ENDED] = "Ended",
        [TGVOIP_SIGNAL_EVENT_FEEDBACK] = "Feedback",
        [TGVOIP_SIGNAL_EVENT_REFUSED] = "Refused"};

    return NAME(names, type);
}

void tgvoip_phone_call_default(struct tgvoip_phone_call *call)
{
    if (!call)
        return;
    memset(call, 0, sizeof(*call));
    call->size = sizeof(*call);
}

void tgvoip_phone_config_default(struct tgvoip_phone_config *config)
{
    if (!config)
        return;
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->receive_timeout_ms = TGV_RECEIVE_TIMEOUT_MS;
    config->ring_timeout_ms = TGV_RING_TIMEOUT_MS;
    config->connect_timeout_ms = TGV_CONNECT_TIMEOUT_MS;
    config->packet_timeout_ms = TGV_PACKET_TIMEOUT_MS;
    config->phonecalls_enabled = true;
}

void tgvoip_request_default(struct tgvoip_request *request)
{
    if (!request)
        return;
    memset(request, 0, sizeof(*request));
    request->size = sizeof(*request);
}

void tgvoip_negotiation_info_default(struct tgvoip_negotiation_info *info)
{
    if (!info)
        return;
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
}

void tgvoip_signal_event_default(struct tgvoip_signal_event *event)
{
    if (!event)
        return;
    memset(event, 0, sizeof(*event));
    event->size = sizeof(*event);
    event->info.size = sizeof(event->info);
}
