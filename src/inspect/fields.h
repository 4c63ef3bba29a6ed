/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_FIELDS_H
#define TGV_INSPECT_FIELDS_H
/*
 * Packets as JSON objects with named fields, the names being those of the
 * recorded traces (their README) and in their manner where those have none.
 * Numbers of 32 bits are numbers, masks and bytes hex texts. What a packet
 * holds beyond what is understood stands in "rest".
 */
#include "wire/control.h"
#include "wire/packet.h"

#include <stdbool.h>

struct tgv_json;

/* The clear-text message m, which was read from pkt. */
struct tgv_json *tgv_fields_control(const struct tgv_control *m,
                                    const uint8_t *pkt, size_t len);

/*
 * The inner packet. Whether simpleAudioBlock has its flag byte, which only
 * its two ends know, is found by trial, first as the version suggests.
 *
 * @param receiver_version that the addressee announced, 0 = unknown
 * @param[out] error   NULL, or constant words that say what is malformed; the
 *                     object then holds what could be read
 * @param[out] version that the packet announces (INIT, INIT_ACK), else 0
 */
struct tgv_json *tgv_fields_packet(uint32_t receiver_version,
                                   bool envelope_short, const uint8_t *inner,
                                   size_t len, const char **error,
                                   uint32_t *version);

/* Of a body and of the data of an extra; add to object.
 * @return 0 or TGVOIP_ERR_FORMAT; then nothing was added */
int tgv_fields_body(struct tgv_json *object, unsigned type, const uint8_t *p,
                    size_t len, uint32_t *version);
void tgv_fields_extra(struct tgv_json *object, const struct tgv_extra *x);

/* Helpers of the three files. */
void tgv_fields_set_hex32(struct tgv_json *object, const char *key, uint32_t v);
void tgv_fields_set_ip(struct tgv_json *object, const char *ip_key,
                       const char *port_key, const struct tgv_addr *a);

#endif
