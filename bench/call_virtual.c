/* SPDX-License-Identifier: MIT */
/*
 * One call, both ends, in virtual time: an engine without threads whose clock
 * is ours, real Opus, real encryption, and the link room in place of sockets.
 * Deterministic, so that instructions can be counted:
 *
 *   valgrind --tool=callgrind --toggle-collect=bench_virtual_run
 *       call_virtual --speech FILE --record FILE [--seconds S]
 *                    [--complexity C]
 *
 * The linker puts this file in the way of the sockets (tgv_udp_...). What is
 * not the call's own work is in functions of the names bench_virtual_...,
 * tgv_link_... and tgv_relay_..., so that it can be taken out of the count.
 */
#include "support/say.h"
#include "support/side.h"

#include "base/random.h"
#include "base/time.h"
#include "io/udp.h"
#include "legacy/call.h"
#include "link/link.h"
#include "relay/relay.h"

#include <stdlib.h>
#include <string.h>

#define START TGV_S(1000)
#define DELAY_MS 20 /* one way */
#define DATAGRAM TGV_CALL_TRANSMIT_MAX

struct tgv_loop;

struct tgv_udp { /* ours; the product never looks inside */
    struct tgv_udp_config config;
    struct tgv_addr local;
    struct tgv_link *link; /* what it sends */
    bool open;
};

static struct world {
    tgv_time now;
    struct tgv_udp socket[2];
    unsigned sockets;
    struct tgv_relay *relay;
    struct tgv_addr relay_addr;
    struct tgv_prng prng;
    uint64_t datagrams;
} world;

/* -- the sockets ----------------------------------------------------------- */

int __wrap_tgv_udp_open(struct tgv_loop *l, struct tgv_udp **out,
                        const struct tgv_udp_config *config);
int __wrap_tgv_udp_send(struct tgv_udp *u, const struct tgv_addr *to,
                        const uint8_t *pkt, size_t len);
void __wrap_tgv_udp_local(const struct tgv_udp *u, struct tgv_addr *local);
void __wrap_tgv_udp_close(struct tgv_udp *u);

int __wrap_tgv_udp_open(struct tgv_loop *l, struct tgv_udp **out,
                        const struct tgv_udp_config *config)
{
    struct tgv_udp *u = &world.socket[world.sockets];
    const uint8_t ip[4] = {192, 0, 2, (uint8_t)(1 + world.sockets)};
    struct tgv_impairment imp;

    (void)l;
    if (world.sockets == 2)
        bench_die("more sockets than sides");
    tgv_impairment_init(&imp);
    imp.delay_ms = DELAY_MS;
    if (tgv_link_create(&u->link, &imp, ++world.sockets) != 0)
        bench_die("out of memory");
    u->config = *config;
    u->local = tgv_addr_ipv4(ip, 4000);
    u->open = true;
    *out = u;
    return 0;
}

__attribute__((noinline)) static void
bench_virtual_send(struct tgv_udp *u, const uint8_t *pkt, size_t len)
{
    world.datagrams++;
    if (tgv_link_send(u->link, pkt, len, 0, world.now) != 0)
        bench_die("a datagram is not taken");
}

int __wrap_tgv_udp_send(struct tgv_udp *u, const struct tgv_addr *to,
                        const uint8_t *pkt, size_t len)
{
    (void)to; /* there is one relay */
    bench_virtual_send(u, pkt, len);
    return 0;
}

void __wrap_tgv_udp_local(const struct tgv_udp *u, struct tgv_addr *local)
{
    *local = u->local;
}

void __wrap_tgv_udp_close(struct tgv_udp *u)
{
    if (u)
        u->open = false;
}

/* -- the way of a datagram --------------------------------------------------- */

static struct tgv_udp *at_address(const struct tgv_addr *a)
{
    for (unsigned i = 0; i < world.sockets; i++)
        if (tgv_addr_equal(&world.socket[i].local, a))
            return &world.socket[i];
    return NULL;
}

/* One that is due, through the relay: to whom, and what. */
__attribute__((noinline)) static struct tgv_udp *
bench_virtual_next(uint8_t *pkt, size_t *len)
{
    struct tgv_relay_out out;
    uint64_t tag;

    for (unsigned i = 0; i < world.sockets; i++) {
        struct tgv_udp *u = &world.socket[i];
        tgv_link_receive(u->link, pkt, DATAGRAM, len, &tag, world.now);
        if (*len == 0)
            continue;
        tgv_relay_receive(world.relay, &u->local, pkt, *len, world.now, &out);
        if (out.verdict == TGV_RELAY_REPLY) {
            memcpy(pkt, out.pkt, out.len);
            *len = out.len;
        }
        if (out.verdict == TGV_RELAY_REPLY || out.verdict == TGV_RELAY_FORWARD)
            return at_address(&out.to);
        i--; /* dropped: look again */
    }
    *len = 0;
    return NULL;
}

static void deliver(void)
{
    uint8_t pkt[DATAGRAM];
    size_t len;

    for (;;) {
        struct tgv_udp *u = bench_virtual_next(pkt, &len);
        if (len == 0)
            return;
        if (!u || !u->open)
            continue;
        u->config.receive(u->config.ctx, &world.relay_addr, pkt, len);
        if (u->config.batch_end)
            u->config.batch_end(u->config.ctx);
    }
}

static tgv_time next_arrival(void)
{
    tgv_time t = TGV_NEVER;

    for (unsigned i = 0; i < world.sockets; i++)
        t = tgv_time_min(t, tgv_link_deadline(world.socket[i].link));
    return t;
}

void bench_virtual_run(tgvoip_engine *engine, tgv_time until);

/* Not static: callgrind finds it by its name. */
__attribute__((noinline)) void bench_virtual_run(tgvoip_engine *engine,
                                                 tgv_time until)
{
    while (world.now < until) {
        deliver();
        if (tgvoip_engine_step(engine) != 0)
            bench_die("the engine cannot be stepped");
        int64_t sleep = tgvoip_engine_timeout_us(engine);
        tgv_time next = tgv_time_min(until, next_arrival());
        if (sleep >= 0)
            next = tgv_time_min(next, world.now + sleep);
        if (next > world.now)
            world.now = next;
    }
}

/* -- the run ------------------------------------------------------------------ */

static int64_t read_clock(void *ctx)
{
    (void)ctx;
    return world.now;
}

static int fill_random(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)tgv_prng_below(&world.prng, 256);
    return 0;
}

static tgvoip_engine *make_world(void)
{
    struct tgv_relay_config relay = {.open = true, .hash_seed = 1};
    struct tgvoip_engine_config config;
    const uint8_t ip[4] = {198, 51, 100, 1};
    tgvoip_engine *engine;

    world.now = START;
    tgv_prng_init(&world.prng, 1);
    world.relay_addr = tgv_addr_ipv4(ip, 5000);
    tgv_relay_limits_init(&relay.limits);
    tgvoip_engine_config_default(&config);
    config.own_loop = true;
    config.clock = read_clock;
    config.random = fill_random;
    if (tgv_relay_create(&world.relay, &relay) != 0 ||
        tgvoip_engine_create(&engine, &config, NULL) != 0)
        bench_die("no engine");
    return engine;
}

static void report(const struct bench_side *sides, unsigned seconds)
{
    struct tgvoip_call_stats s[2];

    for (int i = 0; i < 2; i++) {
        s[i] = bench_side_stats(&sides[i]);
        if (s[i].state != TGVOIP_STATE_ESTABLISHED)
            bench_die("the call is %s", tgvoip_call_state_str(s[i].state));
    }
    printf("{\"seconds\":%u,\"frames_played\":%llu,\"frames_concealed\":%llu,"
           "\"datagrams\":%llu,\"encoded\":%llu,\"bitrate_bps\":%u,"
           "\"frame_ms\":%u}\n",
           seconds,
           (unsigned long long)(s[0].frames_played + s[1].frames_played),
           (unsigned long long)(s[0].frames_concealed + s[1].frames_concealed),
           (unsigned long long)world.datagrams,
           (unsigned long long)(sides[0].recording.encoded_frames +
                                sides[1].recording.encoded_frames),
           s[0].bitrate_bps, s[0].frame_ms);
}

int main(int argc, char **argv)
{
    struct bench_side sides[2];
    struct bench_voice voice;
    unsigned seconds = bench_number(argc, argv, "seconds", 60);
    struct bench_setting setting = {
        .relay_ip = "198.51.100.1",
        .relay_port = 5000,
        .complexity = bench_number(argc, argv, "complexity", 10),
        .record_seconds = seconds,
        .seed = 1};
    tgvoip_engine *engine = make_world();
    const char *path = bench_option(argc, argv, "record", NULL);

    bench_voice_load(&voice, bench_option(argc, argv, "speech", "speech.flac"));
    for (unsigned i = 0; i < 2; i++)
        bench_side_create(&sides[i], engine, i, &setting, &voice);
    for (unsigned i = 0; i < 2; i++)
        bench_side_connect(&sides[i]);
    bench_virtual_run(engine, START + TGV_S(seconds));
    report(sides, seconds);
    if (path) {
        FILE *f = fopen(path, "wb");
        for (unsigned i = 0; f && i < 2; i++)
            bench_recording_write(&sides[i].recording, f);
        if (!f || fclose(f) != 0)
            bench_die("%s: cannot be written", path);
    }
    for (unsigned i = 0; i < 2; i++)
        bench_side_destroy(&sides[i]);
    tgvoip_engine_destroy(engine);
    for (unsigned i = 0; i < world.sockets; i++)
        tgv_link_destroy(world.socket[i].link);
    tgv_relay_destroy(world.relay);
    bench_voice_free(&voice);
    return 0;
}
