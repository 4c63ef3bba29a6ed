/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_RELAY_H
#define TGVOIP_RELAY_H
/**
 * @file
 * A relay (reflector) server that forwards the packets of calls by their tags
 * and never sees a key, and the bad networks that it can play for tests.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/engine.h>
#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A description of a bad network. Options by name, with the values that the
 * command line takes:
 *
 *   loss      "PCT[,CORRELATION_PCT]"   blackout  "T0-T1" in seconds, repeatable
 *   burst     mean length of losses     profile   a name, see below
 *   delay     ms                        seed      0..2^64-1
 *   jitter    ms, uniform 0..value      corrupt   percent
 *   reorder   percent                   drift     ppm, signed
 *   dup       percent                   rate      kbit/s of UDP payload
 */
typedef struct tgvoip_impairment tgvoip_impairment;

/** Create one that impairs nothing, with a random seed.
 *  @return 0, TGVOIP_ERR_NOMEM or TGVOIP_ERR_RANDOM */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_impairment_create(tgvoip_impairment **out);
/** NULL is fine. */
TGVOIP_API void tgvoip_impairment_destroy(tgvoip_impairment *impairment);
/** Set one option; the last one of a name counts.
 *  @return 0 or TGVOIP_ERR_INVALID, failure names it ("--loss") */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_impairment_set(tgvoip_impairment *impairment, const char *option,
                      const char *value, struct tgvoip_failure *failure);
/** One line that says what it does, e.g. "loss 10 %, jitter 60 ms, seed 7".
 *  @return its length, as snprintf() */
TGVOIP_API int tgvoip_impairment_describe(const tgvoip_impairment *impairment,
                                          char *text, size_t size);
/** Names of the profiles, NULL at the end; constant. */
TGVOIP_API const char *const *tgvoip_impairment_profiles(void);

typedef struct tgvoip_relay tgvoip_relay;

struct tgvoip_relay_limits {
    unsigned session_idle_s; /**< 60 */
    unsigned sessions; /**< 10000, 1..2^20 */
    unsigned packets_per_side_s; /**< 100 */
    unsigned kbit_per_side_s; /**< 256 */
    unsigned control_per_source_s; /**< 10, per address and port */
    unsigned moves_per_side_s; /**< 1 address change */
};

struct tgvoip_relay_config {
    size_t size;
    /** "HOST:PORT" or "[HOST]:PORT", numeric; port 0 = any. */
    const char *listen;
    /** Tags of the sessions allowed, 16 bytes each, bit 0 of the last byte
     *  ignored; copied. None: all tags, on loopback addresses only, unless
     *  `open` is set. */
    const uint8_t *tags;
    size_t tag_count;
    bool open;
    struct tgvoip_relay_limits limits;
    const tgvoip_impairment *impairment; /**< copied; NULL = none */
};

struct tgvoip_relay_stats {
    size_t size;
    unsigned sessions; /**< alive now */
    uint64_t sessions_created, sessions_expired, sessions_refused;
    uint64_t packets_in, packets_forwarded, bytes_forwarded;
    uint64_t control_in, control_answered;
    uint64_t dropped_short, dropped_large, dropped_unknown_tag;
    uint64_t dropped_no_peer, dropped_rate, dropped_control_rate;
    uint64_t dropped_move; /**< address changed too often */
    uint64_t impaired_lost, impaired_duplicated, impaired_corrupted;
};

/** Fill with the defaults and the limits given above. */
TGVOIP_API void tgvoip_relay_config_default(struct tgvoip_relay_config *config);

/**
 * Bind and serve.
 * @return 0; TGVOIP_ERR_INVALID (bad address; all tags on an address that is
 *         not loopback); TGVOIP_ERR_IN_USE; TGVOIP_ERR_ACCESS;
 *         TGVOIP_ERR_IO; TGVOIP_ERR_NOMEM; TGVOIP_ERR_RANDOM;
 *         TGVOIP_ERR_STATE (called on a loop thread)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_relay_create(tgvoip_engine *engine, tgvoip_relay **out,
                    const struct tgvoip_relay_config *config,
                    struct tgvoip_failure *failure);

/** The port that it listens on, 1..65535; 0 for a NULL. */
TGVOIP_API uint16_t tgvoip_relay_port(const tgvoip_relay *relay);

/** Allow one more session. @return 0, TGVOIP_ERR_TOO_LARGE (as many as the
 *  limit are known), TGVOIP_ERR_NOMEM or TGVOIP_ERR_INVALID (a NULL) */
TGVOIP_API int tgvoip_relay_add_session(tgvoip_relay *relay,
                                        const uint8_t tag[16]);

/** Read the counters; `size` is filled in too.
 *  @return 0 or TGVOIP_ERR_INVALID (a NULL) */
TGVOIP_API int tgvoip_relay_get_stats(const tgvoip_relay *relay,
                                      struct tgvoip_relay_stats *stats);

/** Close and free. NULL is fine. Not from a callback. */
TGVOIP_API void tgvoip_relay_destroy(tgvoip_relay *relay);

#ifdef __cplusplus
}
#endif
#endif
