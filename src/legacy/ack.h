/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_ACK_H
#define TGV_LEGACY_ACK_H
/*
 * What became of the packets sent: numbers, send times, and the peer's
 * acknowledgements (`ack` = newest number it got, `mask` = 32 before it).
 *
 * The mask has two readings. Convention A: bit 31-i stands for ack-(i+1); we
 * write it so. Convention B: bit 31-i stands for ack-i; releases up to 2.4.4
 * write it so. The version number does not tell which, hence each mask is held
 * against what is known: `ack` and the `ack` before were received, numbers
 * before our first were not. Until that decides only `ack` itself counts. Where
 * both conventions fail again and again the mask is noise (some clients write
 * neither) and is not read.
 *
 * A packet is lost when a later one was acknowledged, it was not, and it had
 * time enough; a later acknowledgement takes that back. Numbers never sent
 * are not believed (C14).
 * Source: wire specification 5.3, 5.4; ENG-20
 */
#include "base/time.h"
#include "net/burst.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_SENT_MAX 256 /* packets remembered; a power of two */
#define TGV_ACKED_MAX 33 /* by one packet: ack and 32 bits */
#define TGV_LOST_AFTER_MIN TGV_MS(100)
#define TGV_LOST_AFTER_MAX TGV_S(2)

enum tgv_mask_reading {
    TGV_MASK_UNDECIDED = 0,
    TGV_MASK_A = 1,
    TGV_MASK_B = 2,
    TGV_MASK_NOISE = 3
};

enum tgv_sent_fate { TGV_SENT_OPEN = 0, TGV_SENT_ACKED = 1, TGV_SENT_LOST = 2 };

struct tgv_sent {
    uint32_t seq;
    bool used;
    bool judged; /* counts for the loss statistics */
    uint8_t path;
    uint8_t fate; /* enum tgv_sent_fate */
    uint16_t bytes; /* of the datagram */
    tgv_time at;
};

struct tgv_ack {
    struct tgv_sent sent[TGV_SENT_MAX];
    uint32_t next; /* number of the next packet; the first is 1 */
    uint32_t last_ack; /* newest number that the peer has; 0 none */
    uint32_t undecided; /* oldest number whose fate is open */
    enum tgv_mask_reading reading;
    uint8_t not_a, not_b; /* masks that contradict a convention */
    bool last_mask_empty;
};

struct tgv_acked {
    unsigned count;
    bool newest; /* the first is `ack` itself: its delay is a round trip */
    struct {
        uint8_t path;
        bool judged;
        uint16_t bytes;
        tgv_time at;
    } packets[TGV_ACKED_MAX]; /* newly acknowledged, newest first */
    int delivered; /* judged packets among them */
    int taken_back; /* of these, had been counted lost */
};

void tgv_ack_init(struct tgv_ack *a);
/* Give the next number to a packet that leaves now. */
uint32_t tgv_ack_sent(struct tgv_ack *a, uint8_t path, bool judged,
                      tgv_time now);
/* That packet's datagram has so many bytes. */
void tgv_ack_sent_bytes(struct tgv_ack *a, uint32_t seq, size_t bytes);
/* Was at least one packet sent, and is this one of them or older? */
bool tgv_ack_plausible(const struct tgv_ack *a, uint32_t ack);
/* Is this number acknowledged (by ack or mask)? False if forgotten. */
bool tgv_ack_has(const struct tgv_ack *a, uint32_t seq);
/* Packets between the newest sent and the newest acknowledged. */
uint32_t tgv_ack_outstanding(const struct tgv_ack *a);
/* ... and their bytes, of those on one path. */
size_t tgv_ack_in_flight(const struct tgv_ack *a, uint8_t path);

/*
 * Take in what a received packet says.
 * @param old_peer version below 6: writes convention B
 * @return true if `ack` is newer than before; `result` is always filled
 */
bool tgv_ack_receive(struct tgv_ack *a, uint32_t ack, uint32_t mask,
                     bool old_peer, struct tgv_acked *result);
/*
 * Declare packets lost.
 * @param rtt   smoothed round trip, 0 unknown
 * @param burst told the fate of each judged packet, in their order; or NULL
 * @return how many judged packets were newly lost
 */
int tgv_ack_expire(struct tgv_ack *a, tgv_time rtt, struct tgv_burst *burst,
                   tgv_time now);

#endif
