/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_RELAY_H
#define TGVOIP_RELAY_H
/**
 * @file
 * A relay (reflector) server that forwards the packets of calls by their tags
 * and never sees a key, by UDP and by TCP, and the bad networks that it can
 * play for tests.
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
 *   dup       percent                   rate      kbit/s of packets
 *
 * It is applied to packets: UDP payload, or what a frame of a TCP connection
 * carries. A packet that is lost on its way to a TCP connection was not
 * forwarded; the stream itself loses nothing.
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
    unsigned tcp_connections; /**< 20000, 1..2^20 */
    unsigned tcp_per_side; /**< 16, 1..1024 */
    /** 1024, not on loopback addresses; an IPv6 address counts with all others
     *  of its network of 64 bits. */
    unsigned tcp_per_address;
    unsigned tcp_header_s; /**< 5 for the first 64 bytes, */
    unsigned tcp_frame_s; /**< 5 for the first frame with a tag served, */
    unsigned tcp_idle_s; /**< 60 for each later one; else it is closed */
    unsigned tcp_queue_bytes; /**< 65536 that may wait for a slow reader, who
                                   loses what is more; 1504..65536 */
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
    /** The same for TCP; NULL = UDP only. Port 0 = that of UDP if it is free,
     *  else any. */
    const char *tcp_listen;
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
    unsigned tcp_connections; /**< open now */
    uint64_t tcp_accepted;
    uint64_t tcp_refused; /**< too many: in all, of an address, of a side */
    uint64_t tcp_closed_silent; /**< no header, or no first frame, in time */
    uint64_t tcp_closed_idle;
    uint64_t tcp_closed_broken; /**< wrong header, or wrong length of a frame */
    uint64_t tcp_frames_in; /**< part of packets_in */
    uint64_t dropped_tcp_length; /**< cannot go by TCP: no multiple of 4 */
    uint64_t dropped_tcp_tag; /**< not the tag of that connection */
    uint64_t dropped_tcp_queue; /**< the reader is too slow */
};

/** Fill with the defaults and the limits given above. */
TGVOIP_API void tgvoip_relay_config_default(struct tgvoip_relay_config *config);

/**
 * Bind and serve.
 * @return 0; TGVOIP_ERR_INVALID (bad address; all tags on an address that is
 *         not loopback); TGVOIP_ERR_NOT_FOUND (no interface has the
 *         address); TGVOIP_ERR_IN_USE; TGVOIP_ERR_ACCESS; TGVOIP_ERR_IO;
 *         TGVOIP_ERR_NOMEM; TGVOIP_ERR_RANDOM;
 *         TGVOIP_ERR_STATE (called on a loop thread)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_relay_create(tgvoip_engine *engine, tgvoip_relay **out,
                    const struct tgvoip_relay_config *config,
                    struct tgvoip_failure *failure);

/** The port that it listens on, 1..65535; 0 for a NULL. */
TGVOIP_API uint16_t tgvoip_relay_port(const tgvoip_relay *relay);

/** The port that it listens on by TCP; 0 if it does not, or for a NULL. */
TGVOIP_API uint16_t tgvoip_relay_tcp_port(const tgvoip_relay *relay);

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
