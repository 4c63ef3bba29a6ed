/* SPDX-License-Identifier: MIT */
/*
 * Recordings of any format, as bytes that come in pieces: traces, pcap and
 * pcapng, whose datagrams are found, held back, attributed and judged.
 * Input: u8 size of the pieces, u8 role, then the recording.
 * Invariants: the pieces' size changes nothing but the time at which a packet
 * comes; every packet has texts that end and are printable; the number of
 * results is bounded by the recording; the verdict counts what was given.
 */
#include "fuzz.h"

#include <tgvoip/tgvoip.h>

#include <string.h>

struct tally {
    uint64_t packets, failed, malformed;
};

static void check_text(const char *text)
{
    FUZZ_CHECK(text && *text);
    for (; *text; text++)
        FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 0x7F);
}

/* Take what is there. @return the code that it ended with */
static int drain(tgvoip_inspect *in, struct tally *t, size_t size)
{
    struct tgvoip_inspect_packet packet = {.size = sizeof(packet)};
    struct tgvoip_failure failure;

    for (;;) {
        int err = tgvoip_inspect_next(in, &packet, &failure);
        if (err == TGVOIP_ERR_AGAIN || err == TGVOIP_ERR_END)
            return err;
        FUZZ_CHECK(err == 0 || err == TGVOIP_ERR_FORMAT);
        FUZZ_CHECK(t->packets + t->malformed <= size);
        if (err) {
            FUZZ_CHECK(failure.why[0]);
            t->malformed++;
            continue;
        }
        t->packets++;
        t->failed += packet.failed;
        check_text(packet.text);
        FUZZ_CHECK(packet.json && packet.json[0] == '{' &&
                   !strchr(packet.json, '\n'));
    }
}

static struct tally inspect(enum tgvoip_inspect_role role, const uint8_t *data,
                            size_t size, size_t piece)
{
    struct tgvoip_inspect_verdict verdict;
    struct tgvoip_inspect_config config;
    struct tally t = {0};
    uint8_t key[256];
    tgvoip_inspect *in;

    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 7 + 13); /* of the vectors */
    tgvoip_inspect_config_default(&config);
    config.key = key;
    config.key_len = sizeof(key);
    config.role = role;
    if (tgvoip_inspect_create(&in, &config, NULL))
        abort();
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        FUZZ_CHECK(tgvoip_inspect_feed(in, data + at, n) == 0);
        int err = drain(in, &t, size);
        /* a capture that cannot be read on has its end there */
        FUZZ_CHECK(err == TGVOIP_ERR_AGAIN || t.malformed > 0);
    }
    FUZZ_CHECK(tgvoip_inspect_finish(in) == 0);
    FUZZ_CHECK(drain(in, &t, size) == TGVOIP_ERR_END);
    memset(&verdict, 0, sizeof(verdict));
    verdict.size = sizeof(verdict);
    FUZZ_CHECK(tgvoip_inspect_verdict(in, &verdict) == 0);
    FUZZ_CHECK(verdict.text && verdict.json);
    tgvoip_inspect_destroy(in);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tally whole, pieces;
    enum tgvoip_inspect_role role;
    size_t piece;

    if (size < 2 || size > 1 << 16)
        return 0;
    piece = data[0] + 1u;
    role = (enum tgvoip_inspect_role)(data[1] % 3);
    data += 2;
    size -= 2;
    if (size == 0)
        return 0;
    whole = inspect(role, data, size, size);
    pieces = inspect(role, data, size, piece);
    FUZZ_CHECK(whole.packets == pieces.packets &&
               whole.failed == pieces.failed);
    return 0;
}
