/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_INSPECT_H
#define TGVOIP_INSPECT_H
/**
 * @file
 * Decrypts a recorded call and names every field of every packet.
 *
 * A recording is one of three things, told apart by their first bytes: a text
 * of JSON lines, one datagram a line, as a capture at a relay writes it (fields
 * `t_ms`, `from`, `path`, `src`, `dst`, `wire`); or a capture in the formats
 * pcap or pcapng, of whose traffic the call's packets are found by trial with
 * the key.
 *
 * Feed its bytes as they come, tgvoip_inspect_feed(), and take packets out,
 * tgvoip_inspect_next(), until it says that it needs more:
 *
 *     while ((n = read(...)) > 0) {
 *         tgvoip_inspect_feed(in, bytes, n);
 *         while (tgvoip_inspect_next(in, &packet, &failure) != AGAIN)
 *             ...
 *     }
 *     tgvoip_inspect_finish(in);
 *     while (tgvoip_inspect_next(in, &packet, &failure) != END)
 *         ...
 *     tgvoip_inspect_verdict(in, &verdict);
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tgvoip_inspect tgvoip_inspect;

enum tgvoip_inspect_role {
    TGVOIP_INSPECT_BOTH = 0, /**< packets of both sides */
    TGVOIP_INSPECT_CALLER = 1, /**< only what the caller sent */
    TGVOIP_INSPECT_CALLEE = 2
};

struct tgvoip_inspect_config {
    size_t size;
    const uint8_t *key; /**< 256 bytes, copied and wiped */
    size_t key_len;
    enum tgvoip_inspect_role role;
};

/** One packet of the recording. Strings live until the next call. */
struct tgvoip_inspect_packet {
    size_t size;
    uint64_t number; /**< 1, 2, ... */
    bool failed; /**< could not be opened or parsed */
    const char *json; /**< one JSON object, no line end */
    const char *text; /**< one human-readable line */
};

/** What the recording says as a whole. Strings live until the next call. */
struct tgvoip_inspect_verdict {
    size_t size;
    /** NULL if sound went both ways, else one of "empty", "wrong_key",
     *  "relay_only", "incompatible", "one_sided", "no_init_ack", "muted",
     *  "no_media", "silence", "not_acknowledged". Constant. */
    const char *problem;
    const char *json; /**< {"event":"verdict",...}, no line end */
    const char *text; /**< some lines in plain words, each with its end */
};

TGVOIP_API void
tgvoip_inspect_config_default(struct tgvoip_inspect_config *config);

/** Create a reader. @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_NOMEM */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_inspect_create(tgvoip_inspect **out,
                      const struct tgvoip_inspect_config *config,
                      struct tgvoip_failure *failure);

/**
 * Feed one line of the recording.
 * @param[out] packet filled on success
 * @return 0; TGVOIP_ERR_AGAIN (the line holds no packet for this role);
 *         TGVOIP_ERR_FORMAT (not a trace line, failure says why);
 *         TGVOIP_ERR_NOMEM; TGVOIP_ERR_INVALID (a NULL)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_inspect_line(tgvoip_inspect *inspect, const char *line, size_t len,
                    struct tgvoip_inspect_packet *packet,
                    struct tgvoip_failure *failure);

/**
 * Feed the next bytes of a recording of any format; they are copied.
 * @return 0; TGVOIP_ERR_TOO_LARGE (8 MiB lie unread: take packets first;
 *         nothing changed); TGVOIP_ERR_STATE (after finish); TGVOIP_ERR_NOMEM;
 *         TGVOIP_ERR_INVALID (a NULL)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_inspect_feed(tgvoip_inspect *inspect, const void *data, size_t len);
/** No more bytes come. */
TGVOIP_API int tgvoip_inspect_finish(tgvoip_inspect *inspect);

/**
 * Take the next packet of what was fed. Of a capture, datagrams of which it is
 * not known yet whether they belong to the call are held back until it is, so
 * some come only after tgvoip_inspect_finish().
 * @param[out] packet filled on success
 * @return 0; TGVOIP_ERR_AGAIN (feed more); TGVOIP_ERR_END (finished);
 *         TGVOIP_ERR_FORMAT (a piece of the recording is malformed: failure
 *         says which and why, and the rest can be taken); TGVOIP_ERR_NOMEM;
 *         TGVOIP_ERR_INVALID (a NULL)
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_inspect_next(tgvoip_inspect *inspect,
                    struct tgvoip_inspect_packet *packet,
                    struct tgvoip_failure *failure);

/**
 * Judge everything read so far, packets of both sides whatever the role.
 * @return 0, TGVOIP_ERR_NOMEM or TGVOIP_ERR_INVALID
 */
TGVOIP_API int tgvoip_inspect_verdict(tgvoip_inspect *inspect,
                                      struct tgvoip_inspect_verdict *verdict);

/** Free, wipe the key. NULL is fine. */
TGVOIP_API void tgvoip_inspect_destroy(tgvoip_inspect *inspect);

#ifdef __cplusplus
}
#endif
#endif
