/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_NEGOTIATE_H
#define TGVOIP_NEGOTIATE_H
/**
 * @file
 * From "ring" to "key agreed". Three layers, the lowest of which few need:
 *
 * A. Plain functions over byte strings (numbers are big-endian), any thread:
 *    Diffie-Hellman over a 2048-bit safe prime with all its checks, the key's
 *    fingerprint, the four emoji that two people compare. In order of use:
 *      1. tgvoip_dh_check_config() on what the server sent
 *      2. tgvoip_dh_keypair()              own secret and public value
 *      3. tgvoip_dh_check_public() on the peer's value (done again in 4)
 *      4. tgvoip_dh_shared_key()           the call's key, 256 bytes
 *      5. tgvoip_key_fingerprint(), tgvoip_key_emoji()
 *    Secrets stay in the caller's buffers; wipe them with tgvoip_wipe().
 *
 * B. The calls of an account, negotiated over any client of Telegram's API
 *    (tgvoip_account, tgvoip_negotiation). No socket, clock or thread: the
 *    application
 *      - hands in each updatePhoneCall, in order, with tgvoip_account_update()
 *      - sends what tgvoip_account_next_request() gives, and hands in every
 *        answer with a tgvoip_account_reply_...(), also that none came
 *      - acts on what tgvoip_account_next_event() tells
 *      - calls tgvoip_account_expire() when tgvoip_account_deadline() is due
 *    and looks for requests and events after each call of a function that
 *    takes `now_us`, a monotonic time [us]. `users` in answers, and other
 *    updates in them, are the client's business; hand an updatePhoneCall that
 *    came inside of an answer in before the answer.
 *    When READY comes, tgvoip_negotiation_setup() fills the call's config.
 *    Whatever the server or the peer sends ends in a typed outcome, with the
 *    right discard sent; secrets are wiped as soon as they have served.
 *
 * C. For clients that negotiate themselves (TDLib gives key, servers and
 *    emoji): tgvoip_call_setup_create().
 *
 * Source: call signalling notes.  Context of B and C: one thread at a time
 * per account and all that belongs to it, its DH cache included.
 */
#include <stdint.h>

#include <tgvoip/call.h>
#include <tgvoip/error.h>
#include <tgvoip/signaling.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TGVOIP_KEY_BYTES 256
#define TGVOIP_EMOJI_COUNT 4

struct tgvoip_emoji {
    unsigned index; /**< 0..332 */
    const char *utf8; /**< the emoji, constant */
    const char *name; /**< its English name, e.g. "GOAT", constant */
};

/**
 * Check the server's Diffie-Hellman parameters: p is 2048 bits long, p and
 * (p-1)/2 are prime, and g generates a subgroup of that prime order.
 *
 * @param g 2..7    @param p big-endian, 256 bytes
 * @return 0; TGVOIP_ERR_AUTH (failure says which check); TGVOIP_ERR_NOMEM
 *
 * About 1 us for the prime that the servers use today, up to some seconds
 * for another one.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_check_config(int g, const uint8_t *p, size_t p_len,
                       struct tgvoip_failure *failure);

/**
 * Check a public value (g_a or g_b), own or received:
 * 2^1984 < value < p - 2^1984.
 * @return 0; TGVOIP_ERR_AUTH; TGVOIP_ERR_INVALID for lengths
 */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_dh_check_public(const uint8_t *value,
                                                        size_t len,
                                                        const uint8_t *p,
                                                        size_t p_len);

/**
 * Draw a secret exponent and compute the public value. The secret is the
 * system's random bytes XOR `server_random`, drawn again until all checks hold.
 *
 * @param      server_random 256 bytes from getDhConfig, or NULL
 * @param[out] secret        256 bytes; the caller wipes it
 * @param[out] public_value  256 bytes, left-padded; first byte is never 0
 * @return 0; TGVOIP_ERR_INVALID; TGVOIP_ERR_RANDOM; TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_dh_keypair(
    int g, const uint8_t *p, size_t p_len, const uint8_t *server_random,
    uint8_t secret[TGVOIP_KEY_BYTES], uint8_t public_value[TGVOIP_KEY_BYTES]);

/**
 * Compute the shared key from the own secret and the peer's public value,
 * which is checked first. Constant-time exponentiation.
 * @param[out] key 256 bytes, left-padded with zeros; wiped on failure
 * @return 0; TGVOIP_ERR_AUTH (public value refused); TGVOIP_ERR_INVALID;
 *         TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_shared_key(const uint8_t *peer_public, size_t peer_len,
                     const uint8_t secret[TGVOIP_KEY_BYTES], const uint8_t *p,
                     size_t p_len, uint8_t key[TGVOIP_KEY_BYTES]);

/**
 * Hash that commits the caller to g_a before it is sent.
 * @param[out] hash SHA-256 of the bytes
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_commitment(const uint8_t *g_a, size_t len, uint8_t hash[32]);

/** Compare the commitment with the g_a that came, in constant time.
 *  @return 0 or TGVOIP_ERR_AUTH */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_check_commitment(const uint8_t *g_a, size_t len,
                           const uint8_t hash[32]);

/**
 * Fingerprint of a key: a sanity check, not a security one.
 * @param[out] fingerprint last 8 bytes of SHA-1, little-endian signed
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_key_fingerprint(const uint8_t key[TGVOIP_KEY_BYTES],
                       int64_t *fingerprint);

/**
 * The four emoji of a key. Equal on both sides, or someone sits in between.
 * @param g_a the caller's public value exactly as it went over the wire
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_key_emoji(const uint8_t key[TGVOIP_KEY_BYTES], const uint8_t *g_a,
                 size_t g_a_len, struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT]);

/** Emoji number 0..332, or NULLs in the fields when out of range. */
TGVOIP_API struct tgvoip_emoji tgvoip_emoji_at(unsigned index);

/** The prime that the servers have used for years; 256 bytes, constant. */
TGVOIP_API const uint8_t *tgvoip_dh_known_prime(void);

/** Overwrite a secret in a way that the compiler keeps. */
TGVOIP_API void tgvoip_wipe(void *secret, size_t len);

/** Cryptographic random bytes of the system. @return 0 or
 *  TGVOIP_ERR_RANDOM */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_random(uint8_t *buf, size_t len);

/* ---- B: parameters checked once -------------------------------------- */

/** Diffie-Hellman parameters that have been checked, with their version.
 *  Checking takes long for an unknown prime, so accounts used by one thread
 *  may share a cache, and applications may keep what it holds. */
typedef struct tgvoip_dh_cache tgvoip_dh_cache;

/** @return 0, TGVOIP_ERR_INVALID, TGVOIP_ERR_NOMEM */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_dh_cache_create(tgvoip_dh_cache **out);
/** Free it, after the accounts that use it. NULL is fine. */
TGVOIP_API void tgvoip_dh_cache_destroy(tgvoip_dh_cache *cache);
/** Check parameters and keep them. On failure the old ones stay.
 *  @return as tgvoip_dh_check_config() */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_cache_put(tgvoip_dh_cache *cache, int g, const uint8_t *p,
                    size_t p_len, int version, struct tgvoip_failure *failure);
/** Read them. @return 0, TGVOIP_ERR_NOT_FOUND (none yet) */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_cache_get(const tgvoip_dh_cache *cache, int *g,
                    uint8_t p[TGVOIP_KEY_BYTES], int *version);

/* ---- B: an account --------------------------------------------------- */

enum tgvoip_busy_policy {
    TGVOIP_BUSY_REJECT = 0, /**< one call; a second one is refused as busy */
    TGVOIP_BUSY_RING = 1 /**< further ones ring; one at a time is answered */
};

struct tgvoip_account_config {
    size_t size; /**< set by tgvoip_account_config_default() */
    int64_t self_id; /**< the account's user id, needed */
    tgvoip_dh_cache *dh_cache; /**< shared and outlives the account; or NULL */
    enum tgvoip_busy_policy busy;
    /** Offer relays only (udp_p2p false), and use no others. */
    bool forbid_p2p;
    /** Do not ask the server for help.getConfig and phone.getCallConfig; the
     *  application hands them in. */
    bool no_config_requests;
    tgvoip_log_fn log; /**< on the thread that uses the account; or NULL */
    void *log_ctx;
    enum tgvoip_log_level log_level;
};

/** Fill with the defaults; self_id is left 0. */
TGVOIP_API void
tgvoip_account_config_default(struct tgvoip_account_config *config);

/** @return 0; TGVOIP_ERR_INVALID (failure names the field); TGVOIP_ERR_NOMEM */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_account_create(tgvoip_account **out,
                      const struct tgvoip_account_config *config,
                      struct tgvoip_failure *failure);

/** Free it with all its negotiations; secrets are wiped. Nothing is sent any
 *  more: to hang up, release the negotiations and drain the requests before.
 *  NULL is fine. */
TGVOIP_API void tgvoip_account_destroy(tgvoip_account *account);

/** Tell the server's time [s since 1970]; needed to know old requests (they
 *  are never thought old before). */
TGVOIP_API int tgvoip_account_set_server_time(tgvoip_account *account,
                                              int64_t unix_s, int64_t now_us);

/** Hand in help.getConfig unasked. Values out of 1..600000 ms are ignored. */
TGVOIP_API int
tgvoip_account_set_config(tgvoip_account *account,
                          const struct tgvoip_phone_config *config,
                          int64_t now_us);

/** Hand in phone.getCallConfig unasked.
 *  @return 0, TGVOIP_ERR_FORMAT (no JSON object; the old one stays),
 *          TGVOIP_ERR_NOMEM */
TGVOIP_API int tgvoip_account_set_call_config(tgvoip_account *account,
                                              const char *json, size_t len,
                                              int64_t now_us);

/**
 * Hand in the phone_call of an updatePhoneCall. Duplicates, what is late and
 * what concerns nobody is ignored; what comes before the id of an outgoing
 * call is known is kept for it, up to a limit.
 * @return 0; TGVOIP_ERR_INVALID (size not set)
 */
TGVOIP_API int tgvoip_account_update(tgvoip_account *account,
                                     const struct tgvoip_phone_call *call,
                                     int64_t now_us);

/** Take the next request. @return false if there is none now */
TGVOIP_API bool tgvoip_account_next_request(tgvoip_account *account,
                                            struct tgvoip_request *request);

/** Take the next event. @return false if there is none now */
TGVOIP_API bool tgvoip_account_next_event(tgvoip_account *account,
                                          struct tgvoip_signal_event *event);

/** When to call expire() at the latest; INT64_MAX = not needed. */
TGVOIP_API int64_t tgvoip_account_deadline(const tgvoip_account *account);
/** Let timers run out that are due. */
TGVOIP_API int tgvoip_account_expire(tgvoip_account *account, int64_t now_us);

/* Answers. Each request gets exactly one, by its id:
 * @return 0; TGVOIP_ERR_NOT_FOUND (no such request, or answered already:
 *         ignored); TGVOIP_ERR_INVALID (argument) */

/** The phone_call of a phone.phoneCall. */
TGVOIP_API int
tgvoip_account_reply_phone_call(tgvoip_account *account, uint64_t id,
                                const struct tgvoip_phone_call *call,
                                int64_t now_us);
/** A messages.dhConfig. Checks it: seconds for a prime never seen before. */
TGVOIP_API int tgvoip_account_reply_dh(tgvoip_account *account, uint64_t id,
                                       const struct tgvoip_dh_config *dh,
                                       int64_t now_us);
/** A messages.dhConfigNotModified. */
TGVOIP_API int tgvoip_account_reply_dh_not_modified(tgvoip_account *account,
                                                    uint64_t id,
                                                    const uint8_t *random,
                                                    size_t random_len,
                                                    int64_t now_us);
/** The config of help.getConfig. */
TGVOIP_API int
tgvoip_account_reply_config(tgvoip_account *account, uint64_t id,
                            const struct tgvoip_phone_config *config,
                            int64_t now_us);
/** The JSON of phone.getCallConfig. */
TGVOIP_API int tgvoip_account_reply_call_config(tgvoip_account *account,
                                                uint64_t id, const char *json,
                                                size_t len, int64_t now_us);
/** Bool or Updates: it is done. */
TGVOIP_API int tgvoip_account_reply_done(tgvoip_account *account, uint64_t id,
                                         int64_t now_us);
/** An RPC error: 400 "CALL_PEER_INVALID", 420 "FLOOD_WAIT_7". */
TGVOIP_API int tgvoip_account_reply_error(tgvoip_account *account, uint64_t id,
                                          int code, const char *name,
                                          int64_t now_us);
/** No answer: connection lost, timed out. */
TGVOIP_API int tgvoip_account_reply_network_failure(tgvoip_account *account,
                                                    uint64_t id,
                                                    int64_t now_us);

/* ---- B: one call ----------------------------------------------------- */

struct tgvoip_outgoing {
    size_t size; /**< set by tgvoip_outgoing_default() */
    int64_t user_id; /**< whom to call; the adapter knows the InputUser */
    bool phone_calls_private; /**< of the callee's userFull: do not call */
    unsigned ring_timeout_ms; /**< give up earlier than the server; 0 = no */
};

/** Set size and zeros. */
TGVOIP_API void tgvoip_outgoing_default(struct tgvoip_outgoing *outgoing);

/**
 * Call someone.
 * @param[out] out released by the application in the end
 * @return 0; TGVOIP_ERR_INVALID (user_id is 0 or self); TGVOIP_ERR_IN_USE
 *         (another call is active); TGVOIP_ERR_ACCESS (the callee takes no
 *         calls, or the account has none); TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_account_call(tgvoip_account *account, tgvoip_negotiation **out,
                    const struct tgvoip_outgoing *outgoing, int64_t now_us,
                    struct tgvoip_failure *failure);

/** Answer an incoming call.
 *  @return 0; TGVOIP_ERR_STATE (does not ring); TGVOIP_ERR_IN_USE (another
 *          call is active: hang that up first) */
TGVOIP_API int tgvoip_negotiation_answer(tgvoip_negotiation *n, int64_t now_us);
/** Decline an incoming call. @return 0, TGVOIP_ERR_STATE (does not ring) */
TGVOIP_API int tgvoip_negotiation_decline(tgvoip_negotiation *n,
                                          int64_t now_us);
/** Let it ring elsewhere and tell nobody. @return 0, TGVOIP_ERR_STATE */
TGVOIP_API int tgvoip_negotiation_ignore(tgvoip_negotiation *n, int64_t now_us);
/** End it in whatever state it is, with the reason that fits; a ringing
 *  incoming call is declined. Nothing happens when it is over. */
TGVOIP_API int tgvoip_negotiation_hang_up(tgvoip_negotiation *n,
                                          int64_t now_us);

/** What the engine needs to know of a call whose key is agreed. */
typedef struct tgvoip_call_setup tgvoip_call_setup;

/** After READY: take what the engine needs.
 *  @param[out] out to be applied and destroyed, see below
 *  @return 0; TGVOIP_ERR_STATE (not ready, over, or ESTABLISHED: the key is
 *          wiped then); TGVOIP_ERR_NOMEM */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_negotiation_setup(const tgvoip_negotiation *n, tgvoip_call_setup **out,
                         struct tgvoip_failure *failure);

/** Hand in each state of the engine's call. FAILED ends the negotiation: give
 *  the media facts before. Before READY it is ignored.
 *  @return 0, TGVOIP_ERR_INVALID */
TGVOIP_API int tgvoip_negotiation_media_state(tgvoip_negotiation *n,
                                              enum tgvoip_call_state state,
                                              enum tgvoip_call_error error,
                                              int64_t now_us);

/** What to say about the engine's call when it ends. */
struct tgvoip_media_facts {
    size_t size; /**< set by tgvoip_media_facts_default() */
    int64_t preferred_relay; /**< tgvoip_call_preferred_relay() */
    bool need_rate; /**< tgvoip_call_need_rate() */
    const char *debug_log; /**< tgvoip_call_debug_log(), copied; or NULL */
};

/** Set size and zeros. */
TGVOIP_API void tgvoip_media_facts_default(struct tgvoip_media_facts *facts);

/** Give the facts before hanging up, before a FAILED of the engine, or after
 *  ENDED, always before the engine's call is destroyed. The debug log is sent
 *  only if the server asks.
 *  @return 0; TGVOIP_ERR_FORMAT (the log is no JSON; the rest is taken);
 *          TGVOIP_ERR_NOMEM */
TGVOIP_API int
tgvoip_negotiation_media_facts(tgvoip_negotiation *n,
                               const struct tgvoip_media_facts *facts,
                               int64_t now_us);
/** The same, read from the engine's call. */
TGVOIP_API int tgvoip_negotiation_media_facts_of(tgvoip_negotiation *n,
                                                 const tgvoip_call *call,
                                                 int64_t now_us);

/** Send the user's rating, after the end and once.
 *  @param stars 1..5  @param comment NULL, or UTF-8, cut after 200 characters;
 *         only sent below 5 stars
 *  @return 0; TGVOIP_ERR_INVALID; TGVOIP_ERR_STATE (not over, rated already,
 *          or a call that had no media) */
TGVOIP_API int tgvoip_negotiation_rate(tgvoip_negotiation *n, int stars,
                                       const char *comment, int64_t now_us);

/** Read everything. @return 0 or TGVOIP_ERR_INVALID */
TGVOIP_API int tgvoip_negotiation_get_info(const tgvoip_negotiation *n,
                                           struct tgvoip_negotiation_info *info,
                                           int64_t now_us);

/** The four emoji, from READY on, also after the end.
 *  @return 0, TGVOIP_ERR_STATE */
TGVOIP_API int
tgvoip_negotiation_emoji(const tgvoip_negotiation *n,
                         struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT]);

/** The application has done with it: hangs up if that was forgotten. The
 *  account sends what is left to be sent. NULL is fine. */
TGVOIP_API void tgvoip_negotiation_release(tgvoip_negotiation *n,
                                           int64_t now_us);

/* ---- B and C: what the engine needs ---------------------------------- */

/** A call whose key has been agreed by someone else (TDLib's callStateReady,
 *  or an adapter's own negotiation). */
struct tgvoip_ready_call {
    size_t size; /**< set by tgvoip_ready_call_default() */
    bool outgoing;
    const uint8_t *key;
    size_t key_len; /**< 1..256; shorter ones are padded on the left */
    struct tgvoip_phone_protocol protocol; /**< as agreed */
    const struct tgvoip_phone_connection *connections; /**< "servers" */
    size_t connection_count;
    bool p2p_allowed;
    const char *call_config; /**< JSON for the engine, or NULL */
    int connect_timeout_ms, packet_timeout_ms; /**< 30000, 10000 */
};

/** Fill with the defaults. */
TGVOIP_API void tgvoip_ready_call_default(struct tgvoip_ready_call *ready);

/**
 * Check it, and choose the usable relays.
 * @return 0; TGVOIP_ERR_INVALID; TGVOIP_ERR_INCOMPATIBLE (another version or
 *         layer, or no usable relay); TGVOIP_ERR_FORMAT (call_config);
 *         TGVOIP_ERR_NOMEM. failure names the field
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_setup_create(tgvoip_call_setup **out,
                         const struct tgvoip_ready_call *ready,
                         struct tgvoip_failure *failure);

/** Set role, key, relays, layer, timeouts, direct connections and server
 *  configuration in a call's config; other fields are left alone. What it
 *  points to lives as the setup does. */
TGVOIP_API int tgvoip_call_setup_apply(const tgvoip_call_setup *setup,
                                       struct tgvoip_call_config *config);

/** Free and wipe. NULL is fine. */
TGVOIP_API void tgvoip_call_setup_destroy(tgvoip_call_setup *setup);

#ifdef __cplusplus
}
#endif
#endif
