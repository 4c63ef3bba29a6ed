/* SPDX-License-Identifier: MIT */
/*
 * What a relayed datagram costs: in the core alone, and with the sockets.
 *
 *   relay_load core [SESSIONS [PACKETS]]
 *   relay_load socket [PACKETS]
 *
 * Both print processor time of the relay only; `core` is also meant to be run
 * under callgrind (--toggle-collect=tgv_relay_receive).
 */
#define _POSIX_C_SOURCE 200809L

#include "base/addr.h"
#include "relay/relay.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tgvoip/relay.h>

#define PKT_BYTES 120 /* one 60 ms frame at 16 kbit/s with its envelope */
#define BURST 32

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "relay_load: %s failed\n", what);
        exit(1);
    }
}

static void put_tag(uint8_t *pkt, unsigned session, unsigned side)
{
    memset(pkt, 0, PKT_BYTES);
    memcpy(pkt, &session, sizeof(session));
    pkt[15] = (uint8_t)side;
}

static void report(const char *what, uint64_t packets, double seconds)
{
    printf("%s: %llu forwarded, %.0f ns each, %.0f a second of one core\n",
           what, (unsigned long long)packets, seconds * 1e9 / (double)packets,
           (double)packets / seconds);
}

static void bench_core(unsigned sessions, unsigned packets)
{
    struct tgv_relay_config config = {.open = true, .hash_seed = 1};
    struct tgv_addr from = {.family = TGV_AF_IPV4, .ip = {10, 0, 0, 1}};
    struct tgv_relay *relay;
    struct tgv_relay_out out;
    struct tgv_relay_stats s;
    uint8_t pkt[PKT_BYTES];
    tgv_time now = 0;
    double start;

    tgv_relay_limits_init(&config.limits);
    check(tgv_relay_create(&relay, &config) == 0, "tgv_relay_create");
    start = cpu_s();
    for (unsigned i = 0; i < packets; i++) {
        unsigned session = i / 2 % sessions, side = i % 2;
        put_tag(pkt, session, side);
        from.port = (uint16_t)(1000 + side);
        if (i % (2 * sessions) == 0)
            now += TGV_MS(60);
        tgv_relay_receive(relay, &from, pkt, sizeof(pkt), now, &out);
    }
    tgv_relay_stats(relay, &s);
    report("core", s.packets_forwarded, cpu_s() - start);
    tgv_relay_destroy(relay);
}

static int client(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0,
          "socket");
    return fd;
}

/* The relay on our own loop, so that its time can be told from ours. */
static tgvoip_relay *start_relay(tgvoip_engine **engine)
{
    struct tgvoip_engine_config engine_config;
    struct tgvoip_relay_config config;
    tgvoip_relay *relay;

    tgvoip_engine_config_default(&engine_config);
    engine_config.own_loop = true;
    tgvoip_relay_config_default(&config);
    config.listen = "127.0.0.1:0";
    config.limits.packets_per_side_s = 1000000;
    config.limits.kbit_per_side_s = 1000000;
    check(tgvoip_engine_create(engine, &engine_config, NULL) == 0, "engine");
    check(tgvoip_relay_create(*engine, &relay, &config, NULL) == 0, "relay");
    return relay;
}

static void bench_socket(unsigned packets)
{
    struct tgvoip_relay_stats s = {0};
    tgvoip_engine *engine;
    tgvoip_relay *relay = start_relay(&engine);
    int fd[2] = {client(tgvoip_relay_port(relay)),
                 client(tgvoip_relay_port(relay))};
    uint8_t pkt[PKT_BYTES];
    double used = 0.0, start;

    while (s.packets_forwarded < packets) {
        for (unsigned i = 0; i < BURST; i++) {
            put_tag(pkt, 1, i % 2);
            (void)!send(fd[i % 2], pkt, sizeof(pkt), 0);
        }
        start = cpu_s();
        tgvoip_engine_step(engine);
        used += cpu_s() - start;
        for (unsigned i = 0; i < BURST; i++)
            (void)!recv(fd[i % 2], pkt, sizeof(pkt), MSG_DONTWAIT);
        tgvoip_relay_get_stats(relay, &s);
    }
    report("socket", s.packets_forwarded, used);
    close(fd[0]);
    close(fd[1]);
    tgvoip_engine_destroy(engine);
}

static unsigned number(int argc, char **argv, int i, unsigned otherwise)
{
    unsigned long v = argc > i ? strtoul(argv[i], NULL, 10) : otherwise;

    return v > 0 && v < 1000000000 ? (unsigned)v : otherwise;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "core") == 0) {
        bench_core(number(argc, argv, 2, 1000), number(argc, argv, 3, 2000000));
    } else if (argc > 1 && strcmp(argv[1], "socket") == 0) {
        bench_socket(number(argc, argv, 2, 200000));
    } else {
        fprintf(stderr, "usage: relay_load core|socket [...]\n");
        return 2;
    }
    return 0;
}
