/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_RELAY_CORE_H
#define TGV_TEST_RELAY_CORE_H
/*
 * The relay's core in a unit test: made, ended, asked for its counters. After
 * cmocka.h.
 */
#include "base/addr.h"
#include "base/random.h"
#include "relay/relay.h"

#include <stdint.h>
#include <string.h>

#define CALLER 0
#define CALLEE 1

struct fixture {
    struct tgv_relay *relay;
    struct tgv_prng prng;
    tgv_time now;
    struct tgv_relay_out out; /* of the last packet */
    uint8_t pkt[1600];
};

static inline void start(struct fixture *f,
                         const struct tgv_relay_config *config)
{
    memset(f, 0, sizeof(*f));
    f->now = TGV_S(1000);
    tgv_prng_init(&f->prng, 20);
    assert_int_equal(tgv_relay_create(&f->relay, config), 0);
}

static inline void stop(struct fixture *f)
{
    tgv_relay_destroy(f->relay);
}

static inline struct tgv_relay_stats stats(const struct fixture *f)
{
    struct tgv_relay_stats s;

    tgv_relay_stats(f->relay, &s);
    return s;
}

static inline struct tgv_addr at(const char *text)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(text, &a));
    return a;
}

/* Tag number n of side 0 or 1. */
static inline void put_tag(uint8_t *pkt, uint32_t n, unsigned side)
{
    memset(pkt, 0xA5, 16);
    memcpy(pkt, &n, sizeof(n));
    pkt[15] = (uint8_t)(0x10 | side);
}

#endif
