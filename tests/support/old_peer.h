/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OLD_PEER_H
#define TGV_TEST_OLD_PEER_H
/*
 * The other end of a call as an old release would be it: one protocol version
 * and one layer, with that version's formats, habits and blind spots.
 *
 * It reads only the one envelope and header form that its own sending rule
 * names at that moment, as the originals do; other packets are `unreadable`.
 * What it can read must be what such a release understands: anything else is a
 * breach, the first of which is kept in words.
 * Virtual time. Source: wire specification 3.5, 4 to 6
 */
#include "base/random.h"
#include "base/time.h"
#include "media/codec.h"
#include "support/old_wire.h"

#define OLD_PEER_FRAMES 4096
#define OLD_PEER_STEP                                                          \
    TGV_MS(10) /* how often old_peer_run() wants to be called */
#define OLD_PEER_HELD 4 /* frames whose copies are kept */

struct old_peer_options {
    unsigned version; /* 1..9; 4 behaves like 3 */
    int layer;
    bool caller;
    bool mask_a; /* writes acknowledgements as 2.5 does */
    bool data_saving;
    bool copies; /* sends redundancy, if its version knows some */
    const uint8_t *key;
    const uint8_t *tag;
    const struct tgv_codec *codec;
    uint64_t seed;
    bool p2p;
    uint8_t lan_ip[4]; /* its own; told to a peer behind the same address */
    uint16_t lan_port;
    void (*send)(void *ctx, bool direct, const uint8_t *datagram, size_t len);
    void *ctx;
};

/* What it was sent. */
struct old_peer_heard {
    unsigned breaches;
    char why[160]; /* the first */
    unsigned unreadable, duplicates;
    unsigned packets[256]; /* accepted, by type */
    unsigned envelopes[3], forms[3];
    unsigned frames; /* primary ones */
    unsigned entries; /* of redundancy */
    unsigned inband; /* frames that carry in-band redundancy */
    bool muted, saves_data, tells_copies, tells_mute;
    unsigned network_changes, pongs;
    unsigned direct; /* packets that came on the direct road */
    uint8_t lan[8]; /* our address in the same network, as told */
    bool lan_told;
};

struct old_peer_reliable {
    uint8_t type; /* 0: free */
    uint8_t payload[8], len;
    tgv_time interval, next, until;
    unsigned count;
    uint32_t seqs[16];
};

struct old_peer {
    struct old_peer_options o;
    struct old_peer_heard heard;
    struct old_keys keys;
    struct tgv_prng prng;
    tgv_time now;
    /* to be set by the test at any time */
    unsigned ignore[256]; /* so many packets of a type are lost to it */
    unsigned swallow[256]; /* so many of its own are lost */
    bool quiet; /* suppresses its frames, as DTX does, and tells nobody */
    /* handshake */
    unsigned pv;
    bool upgraded, init_seen, ack_seen, established, failed;
    tgv_time next_init, next_probe, establish_at, next_frame, next_nop;
    unsigned probes;
    /* numbers */
    uint32_t seq, last, last_ack;
    uint64_t received; /* bit 63-i: last-i */
    uint8_t acked[256];
    uint32_t simple_from; /* number of the first simple header; 0 none */
    uint32_t ping;
    /* roads */
    bool direct_known, direct_used, same_nat;
    bool came_direct; /* the packet that is being read */
    tgv_time next_direct;
    uint32_t direct_ping;
    struct old_peer_reliable reliable[3];
    struct {
        bool pending;
        uint8_t data[8], len;
        uint32_t first_seq;
    } extra_out[8];
    struct {
        uint8_t data[255], len;
        bool known;
    } extra_in[256];
    /* sound */
    bool muted;
    void *encoder, *small_encoder, *decoder;
    uint32_t frames_sent;
    tgv_time sent_at[OLD_PEER_FRAMES];
    uint8_t held[OLD_PEER_HELD][256];
    unsigned held_len[OLD_PEER_HELD], held_count;
    bool base_known;
    int64_t base; /* number of a block minus its place in the stream */
    uint8_t slots[OLD_PEER_FRAMES]; /* by pts: 1 primary, 2 copy came */
};

void old_peer_init(struct old_peer *p, const struct old_peer_options *o,
                   tgv_time now);
void old_peer_fini(struct old_peer *p);
/* At least every OLD_PEER_STEP. */
void old_peer_run(struct old_peer *p, tgv_time now);
void old_peer_receive(struct old_peer *p, bool direct, const uint8_t *datagram,
                      size_t len, tgv_time now);

void old_peer_mute(struct old_peer *p, bool muted);
void old_peer_network(struct old_peer *p, bool saves_data);
void old_peer_ping(struct old_peer *p);
/* One packet of any type, now. */
void old_peer_send(struct old_peer *p, uint8_t type, const uint8_t *payload,
                   size_t len);
/* Frames of our stream that it has as copies only, and not at all. */
void old_peer_count(const struct old_peer *p, unsigned *by_copy,
                    unsigned *missing);

#endif
