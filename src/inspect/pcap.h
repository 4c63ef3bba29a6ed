/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_PCAP_H
#define TGV_INSPECT_PCAP_H
/*
 * Reader of the captures that other programs write, pcap and pcapng, from
 * bytes that come in pieces. It says where each captured frame lies and when
 * it was seen; what is in the frame is for datagram.h.
 *
 * It believes no length: a record longer than TGV_PCAP_RECORD_MAX is the end,
 * blocks that hold no packet are skipped without being stored.
 * Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

/* The largest snapshot length in common use, and some. */
#define TGV_PCAP_RECORD_MAX (1u << 19)
#define TGV_PCAP_INTERFACES 64

/* As in the registry of link types. */
enum tgv_link_type {
    TGV_LINK_NULL = 0,
    TGV_LINK_ETHERNET = 1,
    TGV_LINK_RAW_BSD = 12,
    TGV_LINK_RAW_OPENBSD = 14,
    TGV_LINK_RAW = 101,
    TGV_LINK_LOOP = 108,
    TGV_LINK_SLL = 113,
    TGV_LINK_IPV4 = 228,
    TGV_LINK_IPV6 = 229,
    TGV_LINK_SLL2 = 276
};

struct tgv_pcap_interface {
    uint32_t link;
    uint32_t snap_len;
    uint64_t units; /* of time in a second */
    int64_t offset_s;
};

struct tgv_pcap {
    bool begun, broken;
    bool ng;
    bool big_endian;
    uint64_t skip; /* bytes that hold nothing for us */
    uint64_t records; /* packets so far, for messages */
    /* pcap: the first one; pcapng: of this section */
    unsigned interface_count;
    struct tgv_pcap_interface interfaces[TGV_PCAP_INTERFACES];
};

struct tgv_pcap_frame {
    int64_t time_us; /* since 1970; 0 if the format has none */
    uint32_t link;
    const uint8_t *data; /* inside what was given */
    size_t len;
    bool cut; /* longer on the wire */
};

/* Do these first bytes (4 or more) belong to a capture? */
bool tgv_pcap_is(const uint8_t *data, size_t len);

void tgv_pcap_init(struct tgv_pcap *p);

/*
 * The next frame.
 * @param data, len  what came and has not been used yet
 * @param[out] used  bytes to drop from its start, also with AGAIN
 * @return 0; TGVOIP_ERR_AGAIN (more bytes are needed); TGVOIP_ERR_FORMAT (it
 *         cannot be read on; failure says why; the same for ever)
 */
int tgv_pcap_next(struct tgv_pcap *p, const uint8_t *data, size_t len,
                  size_t *used, struct tgv_pcap_frame *frame,
                  struct tgvoip_failure *failure);

#endif
