/* SPDX-License-Identifier: MIT */
/* The call on the bench: its making, its clock, and what is known of it. */
#include "support/bench_impl.h"

#include "support/marker_codec.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

void tgv_bench_options_init(struct tgv_bench_options *o)
{
    *o = (struct tgv_bench_options){.relays = 1,
                                    .layer = TGV_LAYER_MAX,
                                    .init_timeout = TGV_S(30),
                                    .receive_timeout = TGV_S(20)};
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    struct tgv_bench *b = ctx;
    struct tgv_random source = tgv_prng_source(&b->call_prng);

    return b->random_fails ? TGVOIP_ERR_RANDOM
                           : source.fill(source.ctx, buf, len);
}

void tgv_bench_tag_of(const struct tgv_bench *b, unsigned relay,
                      uint8_t tag[TGV_TAG_BYTES])
{
    memcpy(tag, b->tag, TGV_TAG_BYTES);
    tag[0] = (uint8_t)relay;
}

static struct tgv_addr relay_ipv6(unsigned relay)
{
    uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, 1};

    ip[15] = (uint8_t)(relay + 1);
    return tgv_addr_ipv6(ip, 5000);
}

static void make_relays(struct tgv_bench *b, struct tgv_relay_entry *entries)
{
    for (unsigned i = 0; i < b->o.relays; i++) {
        uint8_t ip[4] = {198, 51, 100, (uint8_t)(i + 1)};
        memset(&entries[i], 0, sizeof(entries[i]));
        entries[i].id = 100 + i;
        entries[i].tcp = i + b->o.tcp_relays >= b->o.relays;
        entries[i].ipv4 = b->relay_addr[i] = tgv_addr_ipv4(ip, 5000);
        if (b->o.ipv6 || b->o.ipv6_only)
            entries[i].ipv6 = b->relay_ipv6[i] = relay_ipv6(i);
        if (b->o.ipv6_only)
            memset(&entries[i].ipv4, 0, sizeof(entries[i].ipv4));
        if (b->o.ipv6_only)
            b->relay_addr[i] = b->relay_ipv6[i];
        tgv_bench_tag_of(b, i, entries[i].tag);
    }
}

static void speak(struct tgv_bench *b)
{
    b->version = TGV_PROTOCOL_VERSION;
    b->seq = 1;
    b->pts = 60; /* 0 is sent by tgv_bench_establish() */
    if (b->o.layer >= TGV_LAYER_SHORT) {
        b->envelope = TGV_ENVELOPE_V2_SHORT;
        b->form = TGV_HEADER_SHORT;
    } else {
        b->envelope =
            b->o.layer >= TGV_LAYER_V2 ? TGV_ENVELOPE_V2_LONG : TGV_ENVELOPE_V1;
        b->form = TGV_HEADER_FULL;
    }
}

void tgv_bench_init(struct tgv_bench *b, const struct tgv_bench_options *o)
{
    struct tgv_relay_entry relays[TGV_RELAYS_MAX];
    struct tgv_call_config config = {.outgoing = !o->incoming,
                                     .relays = relays,
                                     .relay_count = o->relays,
                                     .max_layer = o->layer,
                                     .allow_v1 = o->allow_v1,
                                     .init_timeout = o->init_timeout,
                                     .receive_timeout = o->receive_timeout,
                                     .data_saving = o->data_saving,
                                     .muted = o->muted,
                                     .allow_p2p = o->allow_p2p,
                                     .proxy = o->proxy,
                                     .persistent_state = o->persistent_state,
                                     .log = o->log,
                                     .complexity = 5,
                                     .server_config = o->config,
                                     .codec = tgv_codec_marker(),
                                     .random = {fill, b}};

    memset(b, 0, sizeof(*b));
    b->o = *o;
    b->now = TGV_BENCH_START;
    b->answer_probes = true;
    b->self = tgv_addr_ipv4((const uint8_t[4]){192, 0, 2, 1}, 4000);
    b->self_ipv6 = b->self;
    b->port = 20000;
    b->tcp = o->tcp;
    b->via = -1;
    b->random_fails = o->random_fails;
    b->log = calloc(TGV_BENCH_LOG_MAX, sizeof(*b->log));
    tgv_prng_init(&b->call_prng, 7);
    tgv_prng_init(&b->prng, 8);
    for (size_t i = 0; i < sizeof(config.key); i++)
        config.key[i] = (uint8_t)(i * 7 + 13);
    for (size_t i = 0; i < TGV_TAG_BYTES; i++)
        b->tag[i] = (uint8_t)(0x10 + i);
    make_relays(b, relays);
    if (!b->log || tgv_seal_create(&b->seal, config.key, o->incoming) ||
        tgv_call_create(&b->call, &config))
        abort();
    speak(b);
    if (tgv_call_start(b->call, b->now))
        abort();
    tgv_bench_settle(b);
    if (o->stay_closed)
        return;
    if (tgv_call_connect(b->call, b->now))
        abort();
    tgv_bench_settle(b);
    tgv_bench_run(b, 0);
}

void tgv_bench_fini(struct tgv_bench *b)
{
    tgv_call_destroy(b->call);
    tgv_seal_destroy(b->seal);
    for (unsigned i = 0; i < b->stream_count; i++)
        tgv_obf_destroy(b->streams[i].obf);
    free(b->log);
}

/* -- time -------------------------------------------------------------------------- */

static void tick_audio(struct tgv_bench *b)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    b->next_audio += TGV_BLOCK_US;
    tgv_marker_write(pcm, (uint32_t)(b->next_audio / TGV_BLOCK_US));
    if (tgv_call_wants_capture(b->call))
        tgv_call_capture(b->call, tgv_call_sends_audio(b->call) ? pcm : NULL,
                         b->now);
    if (tgv_call_wants_playout(b->call))
        tgv_call_playout(b->call, pcm, b->now, &played);
    tgv_bench_settle(b);
}

void tgv_bench_run(struct tgv_bench *b, tgv_time length)
{
    tgv_time end = b->now + length;

    if (b->audio && b->next_audio < b->now)
        b->next_audio = b->now;
    for (;;) {
        tgv_time due = tgv_call_deadline(b->call);
        tgv_time next = b->audio ? tgv_time_min(due, b->next_audio) : due;
        if (next > end)
            break;
        if (next > b->now)
            b->now = next;
        if (due <= b->now) {
            tgv_call_expire(b->call, b->now);
            tgv_bench_settle(b);
        }
        if (b->audio && b->next_audio <= b->now)
            tick_audio(b);
    }
    b->now = end;
}

/* -- looking ------------------------------------------------------------------------ */

const struct tgv_bench_packet *tgv_bench_find(const struct tgv_bench *b,
                                              uint8_t type, unsigned from,
                                              unsigned n)
{
    for (unsigned i = from; i < b->count; i++)
        if (b->log[i].opened && b->log[i].h.type == type && n-- == 0)
            return &b->log[i];
    return NULL;
}

unsigned tgv_bench_sent(const struct tgv_bench *b, uint8_t type, unsigned from)
{
    unsigned n = 0;

    while (tgv_bench_find(b, type, from, n))
        n++;
    return n;
}

unsigned tgv_bench_sent_to(const struct tgv_bench *b, const struct tgv_addr *to,
                           uint8_t type, unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < b->count; i++)
        n += b->log[i].opened && b->log[i].h.type == type &&
             tgv_addr_equal(&b->log[i].to, to);
    return n;
}

const struct tgv_extra *tgv_bench_extra(const struct tgv_bench_packet *p,
                                        uint8_t type)
{
    for (unsigned i = 0; p && i < p->h.extra_count; i++)
        if (p->h.extras[i].type == type)
            return &p->h.extras[i];
    return NULL;
}

struct tgv_call_stats tgv_bench_stats(struct tgv_bench *b)
{
    struct tgv_call_stats s;

    tgv_call_stats(b->call, &s, b->now);
    return s;
}

enum tgv_call_state tgv_bench_state(struct tgv_bench *b)
{
    return tgv_bench_stats(b).state;
}
