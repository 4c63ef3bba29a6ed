/* SPDX-License-Identifier: MIT */
/*
 * The obfuscated TCP stream. Input: u8 mode, then by bits 0-1 of the mode:
 *   0, 1  bytes for a client's or a relay's decoder, cut into pieces whose
 *         lengths the bytes choose
 *   2, 3  packets from client to relay or back: u8 length in words and their
 *         pieces' size; each must come out as it went in
 *   +4    a relay's stream begins with a good header
 * Invariants: a violation is final; a packet is 16..1500 bytes in words.
 */
#include "fuzz.h"

#include "transport/obfuscated.h"

#include <string.h>

static struct tgv_prng prng;

static struct tgv_obf *make_client(uint8_t header[TGV_OBF_HEADER])
{
    struct tgv_random random = tgv_prng_source(&prng);
    struct tgv_obf *o;

    tgv_prng_init(&prng, 1);
    if (tgv_obf_create_client(&o, &random, header))
        abort();
    return o;
}

static struct tgv_obf *make_relay(void)
{
    struct tgv_obf *o;

    if (tgv_obf_create_relay(&o))
        abort();
    return o;
}

/* Hand over bytes in pieces; the packets are compared with `want` if given.
 * @return number of packets, or -1 after a violation */
static int feed(struct tgv_obf *o, const uint8_t *p, size_t len, size_t piece,
                const uint8_t *want, size_t want_len)
{
    const uint8_t *packet;
    size_t used, n;
    int packets = 0;

    while (len > 0) {
        size_t k = piece < len ? piece : len;
        int err = tgv_obf_decode(o, p, k, &used, &packet, &n);
        FUZZ_CHECK(used <= k && (err || used > 0));
        if (err) {
            FUZZ_CHECK(tgv_obf_decode(o, p, k, &used, &packet, &n) == err &&
                       used == 0 && !packet && !tgv_obf_ready(o));
            return -1;
        }
        if (packet) {
            FUZZ_CHECK(n >= TGV_OBF_PACKET_MIN && n <= TGV_OBF_PACKET_MAX &&
                       n % 4 == 0);
            FUZZ_CHECK(!want ||
                       (n == want_len && memcmp(packet, want, n) == 0));
            packets++;
        }
        p += used;
        len -= used;
    }
    return packets;
}

static void converse(struct tgv_obf *from, struct tgv_obf *to,
                     struct fuzz_input *in)
{
    uint8_t packet[2048] = {0}, frame[TGV_OBF_FRAME_MAX];
    size_t len, n, got;

    while (in->len > 1) {
        len = fuzz_u8(in) * 8u;
        size_t piece = fuzz_u8(in) + 1u;
        const uint8_t *p = fuzz_bytes(in, len, &got);
        memcpy(packet, p, got);
        int err = tgv_obf_encode(from, packet, len, frame, sizeof frame, &n);
        FUZZ_CHECK((err == 0) ==
                   (len >= TGV_OBF_PACKET_MIN && len <= TGV_OBF_PACKET_MAX));
        if (!err)
            FUZZ_CHECK(feed(to, frame, n, piece, packet, len) == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t header[TGV_OBF_HEADER];
    unsigned mode = fuzz_u8(&in);
    struct tgv_obf *client = make_client(header), *relay = make_relay();

    if ((mode & 4) || (mode & 3) > 1)
        FUZZ_CHECK(
            feed(relay, header, sizeof header, (mode >> 4) + 1u, NULL, 0) == 0);
    switch (mode & 3) {
    case 0:
    case 1:
        while (in.len > 0) {
            size_t piece = fuzz_u8(&in) + 1u, n;
            const uint8_t *p = fuzz_bytes(&in, piece * 4, &n);
            if (feed(mode & 1 ? relay : client, p, n, piece, NULL, 0) < 0)
                break;
        }
        break;
    case 2:
        converse(client, relay, &in);
        break;
    default:
        converse(relay, client, &in);
        break;
    }
    tgv_obf_destroy(client);
    tgv_obf_destroy(relay);
    return 0;
}
