/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_INSPECT_H
#define TGVOIP_INSPECT_H
/**
 * @file
 * Decrypts a recorded call and names every field of every packet.
 *
 * The recording is a text of JSON lines, one datagram a line, as a capture at
 * a relay writes it (fields `t_ms`, `from`, `path`, `src`, `dst`, `wire`).
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

/** Free, wipe the key. NULL is fine. */
TGVOIP_API void tgvoip_inspect_destroy(tgvoip_inspect *inspect);

#ifdef __cplusplus
}
#endif
#endif
