/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_SIGNALING_H
#define TGVOIP_SIGNALING_H
/**
 * @file
 * What goes between call negotiation (negotiate.h) and a client of Telegram's
 * API, as plain structs: the objects of the server, the requests to it, and
 * what the application is told. They mirror the TL objects, of old layers too;
 * translating from and to those is all that a client's adapter does. Types
 * only, and names of their values.
 *
 * Pointers in structs that go in are borrowed until the function returns.
 * Pointers in structs that come out are said to live how long. Structs that
 * begin with their size are set up by their `_default()` function.
 * Source: call signalling notes, sections 2 and 3.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tgvoip_account tgvoip_account;
typedef struct tgvoip_negotiation tgvoip_negotiation;

/* ---- objects of the server ------------------------------------------- */

/** phoneCallProtocol. */
struct tgvoip_phone_protocol {
    bool udp_p2p, udp_reflector;
    int min_layer, max_layer;
    /** Best first; layers below 111 have none: 0. */
    const char *const *library_versions;
    size_t library_version_count;
};

/** phoneConnection, or phoneConnectionWebrtc with `webrtc` set. */
struct tgvoip_phone_connection {
    bool webrtc; /**< the other kind, of no use here */
    bool tcp; /**< flag of phoneConnection */
    int64_t id;
    const char *ip, *ipv6; /**< text; NULL or "" = none */
    int port;
    const uint8_t *peer_tag;
    size_t peer_tag_len;
};

enum tgvoip_phone_call_type {
    TGVOIP_PHONE_CALL_UNKNOWN = 0, /**< a constructor that is none of these */
    TGVOIP_PHONE_CALL_EMPTY = 1,
    TGVOIP_PHONE_CALL_WAITING = 2,
    TGVOIP_PHONE_CALL_REQUESTED = 3,
    TGVOIP_PHONE_CALL_ACCEPTED = 4,
    TGVOIP_PHONE_CALL_ACTIVE = 5, /**< the constructor "phoneCall" */
    TGVOIP_PHONE_CALL_DISCARDED = 6
};

enum tgvoip_discard_reason {
    TGVOIP_DISCARD_NONE = 0, /**< no reason given */
    TGVOIP_DISCARD_MISSED = 1,
    TGVOIP_DISCARD_DISCONNECT = 2,
    TGVOIP_DISCARD_HANGUP = 3,
    TGVOIP_DISCARD_BUSY = 4,
    TGVOIP_DISCARD_MIGRATE = 5, /**< to a conference call; see slug */
    TGVOIP_DISCARD_OTHER = 6 /**< a constructor that is none of these */
};

/** PhoneCall, all six types; fields that a type has not stay zero. */
struct tgvoip_phone_call {
    size_t size; /**< set by tgvoip_phone_call_default() */
    enum tgvoip_phone_call_type type;
    bool video;
    int64_t id, access_hash, admin_id, participant_id;
    int32_t date; /**< of the request, server time [s] */
    int32_t receive_date; /**< WAITING: since when it rings; 0 = not yet */
    /** REQUESTED: g_a_hash; ACCEPTED: g_b; ACTIVE: g_a_or_b; as received. */
    const uint8_t *bytes;
    size_t bytes_len;
    struct tgvoip_phone_protocol protocol;
    /* ACTIVE: */
    int64_t key_fingerprint;
    bool p2p_allowed; /**< layers without that flag: false */
    /** The single `connection` of layers below 98, or NULL; then
     *  `connections` holds `alternative_connections`. */
    const struct tgvoip_phone_connection *connection;
    const struct tgvoip_phone_connection *connections;
    size_t connection_count;
    int32_t start_date;
    /* DISCARDED: */
    bool need_rating, need_debug;
    enum tgvoip_discard_reason reason;
    const char *slug; /**< of MIGRATE, or NULL */
    int32_t duration; /**< [s] */
};

/** The fields of help.getConfig that concern calls. */
struct tgvoip_phone_config {
    size_t size; /**< set by tgvoip_phone_config_default() */
    int receive_timeout_ms; /**< call_receive_timeout_ms; 20000 */
    int ring_timeout_ms; /**< call_ring_timeout_ms; 90000 */
    int connect_timeout_ms; /**< call_connect_timeout_ms; 30000 */
    int packet_timeout_ms; /**< call_packet_timeout_ms; 10000 */
    /** phonecalls_enabled of old layers; true where it does not exist. */
    bool phonecalls_enabled;
};

/** messages.dhConfig. */
struct tgvoip_dh_config {
    int g;
    const uint8_t *p;
    size_t p_len;
    int version;
    const uint8_t *random;
    size_t random_len;
};

/** Fill with zeros, type UNKNOWN. */
TGVOIP_API void tgvoip_phone_call_default(struct tgvoip_phone_call *call);
/** Fill with the values that hold until the server's are known. */
TGVOIP_API void tgvoip_phone_config_default(struct tgvoip_phone_config *config);

/* ---- requests to the server ------------------------------------------ */

enum tgvoip_request_type {
    TGVOIP_REQUEST_GET_CONFIG = 1, /**< help.getConfig */
    TGVOIP_REQUEST_GET_CALL_CONFIG = 2, /**< phone.getCallConfig */
    TGVOIP_REQUEST_GET_DH_CONFIG = 3, /**< messages.getDhConfig */
    TGVOIP_REQUEST_REQUEST_CALL = 4, /**< phone.requestCall */
    TGVOIP_REQUEST_RECEIVED_CALL = 5, /**< phone.receivedCall */
    TGVOIP_REQUEST_ACCEPT_CALL = 6, /**< phone.acceptCall */
    TGVOIP_REQUEST_CONFIRM_CALL = 7, /**< phone.confirmCall */
    TGVOIP_REQUEST_DISCARD_CALL = 8, /**< phone.discardCall */
    TGVOIP_REQUEST_SAVE_DEBUG = 9, /**< phone.saveCallDebug */
    TGVOIP_REQUEST_SET_RATING = 10 /**< phone.setCallRating */
};

/** A request that the client sends now, and whose answer it hands in. */
struct tgvoip_request {
    size_t size; /**< set by tgvoip_request_default() */
    uint64_t id; /**< to be given with the answer; never 0 */
    enum tgvoip_request_type type;
    tgvoip_negotiation *negotiation; /**< NULL: of the account, or of a call
                                      *   that the application does not hold */
    /* GET_DH_CONFIG */
    int dh_version, random_length;
    /* REQUEST_CALL */
    int64_t user_id;
    int32_t random_id;
    /* all with `peer`: inputPhoneCall */
    int64_t call_id, access_hash;
    /** REQUEST_CALL: g_a_hash; ACCEPT_CALL: g_b; CONFIRM_CALL: g_a. */
    uint8_t bytes[256];
    size_t bytes_len;
    int64_t key_fingerprint; /**< CONFIRM_CALL */
    /** REQUEST_CALL, ACCEPT_CALL, CONFIRM_CALL; lives as the account. Leave
     *  library_versions out where the layer has no such field. */
    struct tgvoip_phone_protocol protocol;
    /* DISCARD_CALL; video is false */
    int32_t duration; /**< [s] */
    enum tgvoip_discard_reason reason;
    int64_t connection_id;
    /* SET_RATING */
    bool user_initiative;
    int rating; /**< 1..5 */
    /** SET_RATING: the comment; SAVE_DEBUG: the JSON text. UTF-8; copy it
     *  before the account is used again. */
    const char *text;
};

/** Set size and zeros. */
TGVOIP_API void tgvoip_request_default(struct tgvoip_request *request);

/* ---- what the application is told ------------------------------------ */

/** The documented numbers of `CallState`. 1 to 5 come from the engine. */
enum tgvoip_signal_state {
    TGVOIP_SIGNAL_NONE = 0, /**< not begun */
    TGVOIP_SIGNAL_WAIT_INIT = 1, /**< key agreed, engine to be started */
    TGVOIP_SIGNAL_WAIT_INIT_ACK = 2,
    TGVOIP_SIGNAL_ESTABLISHED = 3,
    TGVOIP_SIGNAL_FAILED = 4, /**< final */
    TGVOIP_SIGNAL_RECONNECTING = 5,
    TGVOIP_SIGNAL_HANGING_UP = 10,
    TGVOIP_SIGNAL_ENDED = 11, /**< final */
    TGVOIP_SIGNAL_EXCHANGING_KEYS = 12,
    TGVOIP_SIGNAL_WAITING = 13, /**< requested; does not ring yet */
    TGVOIP_SIGNAL_REQUESTING = 14,
    TGVOIP_SIGNAL_WAITING_INCOMING = 15, /**< rings here */
    TGVOIP_SIGNAL_RINGING = 16, /**< rings at the callee */
    TGVOIP_SIGNAL_BUSY = 17 /**< final */
};

/** How a call ended. */
enum tgvoip_outcome {
    TGVOIP_OUTCOME_NONE = 0, /**< has not ended */
    TGVOIP_OUTCOME_HUNG_UP = 1, /**< an answered call, by this side */
    TGVOIP_OUTCOME_PEER_HUNG_UP = 2, /**< an answered call, by the peer */
    TGVOIP_OUTCOME_BUSY = 3, /**< the callee is in another call: it was
                              *   refused before it rang */
    TGVOIP_OUTCOME_DECLINED = 4, /**< the callee declined a ringing call */
    TGVOIP_OUTCOME_MISSED = 5, /**< incoming: gone before an answer */
    TGVOIP_OUTCOME_NO_ANSWER = 6, /**< outgoing: nobody answered in time */
    TGVOIP_OUTCOME_CANCELLED = 7, /**< outgoing: given up before an answer */
    TGVOIP_OUTCOME_ELSEWHERE = 8, /**< incoming: taken by another device */
    TGVOIP_OUTCOME_IGNORED = 9, /**< incoming: the application ignored it */
    TGVOIP_OUTCOME_DROPPED = 10, /**< lost after the answer */
    TGVOIP_OUTCOME_INCOMPATIBLE = 11, /**< no common version, or no relay of
                                       *   the kind that it has */
    TGVOIP_OUTCOME_VERIFICATION_FAILED = 12, /**< a check of section 6 or 7;
                                              *   `why` says which */
    TGVOIP_OUTCOME_PRIVACY = 13, /**< the callee takes no such calls */
    TGVOIP_OUTCOME_BLOCKED = 14,
    TGVOIP_OUTCOME_PEER_OUTDATED = 15, /**< the callee's app has no calls */
    TGVOIP_OUTCOME_BAD_TARGET = 16, /**< no such user */
    TGVOIP_OUTCOME_FLOOD_WAIT = 17, /**< see retry_after_s */
    TGVOIP_OUTCOME_NETWORK = 18, /**< the server could not be reached */
    TGVOIP_OUTCOME_SERVER_ERROR = 19, /**< it answered what it should not */
    TGVOIP_OUTCOME_MIGRATED = 20, /**< to a conference; see slug */
    TGVOIP_OUTCOME_INTERNAL = 21 /**< memory or random source */
};

/** Everything worth knowing of a negotiation; a copy. */
struct tgvoip_negotiation_info {
    size_t size; /**< set by tgvoip_negotiation_info_default() */
    bool outgoing;
    bool video; /**< incoming: the caller would show a picture */
    enum tgvoip_signal_state state;
    int64_t id, access_hash; /**< 0 until known */
    int64_t admin_id, participant_id; /**< caller, callee */
    bool key_agreed; /**< fingerprint, emoji and start_date are valid */
    int64_t key_fingerprint;
    int32_t start_date;
    int max_layer; /**< agreed */
    bool p2p_allowed;
    enum tgvoip_outcome outcome;
    /** Engine's error number (CallError) when its failure ended the call. */
    int call_error;
    char why[160]; /**< one clause, for people; never a secret */
    int retry_after_s; /**< of FLOOD_WAIT */
    char slug[64]; /**< of MIGRATED */
    int32_t duration; /**< [s] since ESTABLISHED, 0 = never; final at the end */
    bool need_rating; /**< ask the user for 1..5 stars */
    bool need_debug; /**< the server wants the debug log */
};

enum tgvoip_signal_event_type {
    /** An incoming call rings here; the first event of its negotiation. The
     *  application owns it from now on, answers or declines it, and releases
     *  it in the end. */
    TGVOIP_SIGNAL_EVENT_INCOMING = 1,
    /** The state changed; see `state`. */
    TGVOIP_SIGNAL_EVENT_STATE = 2,
    /** The key is agreed and every check has passed: show the emoji, take
     *  tgvoip_negotiation_setup(), start and connect the engine's call. */
    TGVOIP_SIGNAL_EVENT_READY = 3,
    /** It is over; once, the last one but for FEEDBACK. `info` says how.
     *  Give tgvoip_negotiation_media_facts(), then stop the engine's call. */
    TGVOIP_SIGNAL_EVENT_ENDED = 4,
    /** After the end: the server asks for a rating or the debug log. */
    TGVOIP_SIGNAL_EVENT_FEEDBACK = 5,
    /** An incoming call was refused before it rang: another is active, or it
     *  was malformed. Its negotiation is NULL; `info` tells who called. */
    TGVOIP_SIGNAL_EVENT_REFUSED = 6
};

struct tgvoip_signal_event {
    size_t size; /**< set by tgvoip_signal_event_default() */
    enum tgvoip_signal_event_type type;
    tgvoip_negotiation *negotiation; /**< valid until it is released */
    enum tgvoip_signal_state state; /**< after this event */
    struct tgvoip_negotiation_info info; /**< as it is now */
};

/** Set sizes and zeros. */
TGVOIP_API void
tgvoip_negotiation_info_default(struct tgvoip_negotiation_info *info);
TGVOIP_API void tgvoip_signal_event_default(struct tgvoip_signal_event *event);

/** Names: "phoneCallWaiting", "Busy", "phone.requestCall", "RINGING",
 *  "NoAnswer", "Ready"; "?" for an unknown number. Constant, any thread. */
TGVOIP_API const char *
tgvoip_phone_call_type_str(enum tgvoip_phone_call_type type);
TGVOIP_API const char *
tgvoip_discard_reason_str(enum tgvoip_discard_reason reason);
TGVOIP_API const char *tgvoip_request_type_str(enum tgvoip_request_type type);
TGVOIP_API const char *tgvoip_signal_state_str(enum tgvoip_signal_state state);
TGVOIP_API const char *tgvoip_outcome_str(enum tgvoip_outcome outcome);
TGVOIP_API const char *
tgvoip_signal_event_str(enum tgvoip_signal_event_type type);

#ifdef __cplusplus
}
#endif
#endif
