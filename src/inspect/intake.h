/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_INTAKE_H
#define TGV_INSPECT_INTAKE_H
/*
 * From the bytes of a recording, as they come, to its packets: finds out by
 * its first bytes whether it is a trace (JSON lines), pcap or pcapng.
 *
 * Of a capture it hands on what belongs to the call: datagrams that open with
 * the key, and what else went between two addresses between which such did:
 * messages with relays, and damaged datagrams. One about which that is not
 * known yet is held back until it is, together with those after it: at most
 * TGV_INTAKE_HELD of them. If nothing opens at all, the newest of what looks
 * like a call over a relay is shown in its stead.
 */
#include "inspect/inspect.h"

#include <stddef.h>
#include <stdint.h>

#define TGV_INTAKE_HELD 512
#define TGV_INTAKE_HELD_BYTES (4u << 20)
/* What may lie unread. */
#define TGV_INTAKE_BUFFER (8u << 20)

struct tgv_intake;

/* @return 0 or TGVOIP_ERR_NOMEM; the inspector is kept */
int tgv_intake_create(struct tgv_intake **out, struct tgv_inspect *in);
void tgv_intake_destroy(struct tgv_intake *k);

/* @return 0; TGVOIP_ERR_TOO_LARGE (take packets first; nothing changed);
 *         TGVOIP_ERR_NOMEM; TGVOIP_ERR_STATE (after the end) */
int tgv_intake_put(struct tgv_intake *k, const uint8_t *data, size_t len);
/* No more bytes come. */
void tgv_intake_end(struct tgv_intake *k);

/*
 * The next packet.
 * @return 0; TGVOIP_ERR_AGAIN (more bytes are needed); TGVOIP_ERR_END;
 *         TGVOIP_ERR_FORMAT (a piece is no packet; failure says which and why;
 *         what follows can be taken); TGVOIP_ERR_NOMEM
 */
int tgv_intake_next(struct tgv_intake *k, struct tgv_inspected *out,
                    struct tgvoip_failure *failure);

#endif
