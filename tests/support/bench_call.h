/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_BENCH_CALL_H
#define TGV_TEST_BENCH_CALL_H
/*
 * The call on the bench that each test of a file has for itself: `b`, made of
 * the options `o`. The test makes it; it ends with the test. After cmocka.h.
 */
#include "support/bench.h"

static struct tgv_bench b;
static struct tgv_bench_options o;

static inline int reset_options(void **state)
{
    (void)state;
    tgv_bench_options_init(&o);
    return 0;
}

static inline int done(void **state)
{
    (void)state;
    tgv_bench_fini(&b);
    return 0;
}

/* By the first relay, with a peer of our own version. */
static inline void establish_by_udp(void)
{
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

/* The i-th last packet, leaving out what is not sealed. */
static inline const struct tgv_bench_packet *recent(unsigned i)
{
    for (unsigned n = b.count; n-- > 0;)
        if (b.log[n].opened && i-- == 0)
            return &b.log[n];
    fail();
    return NULL;
}

#endif
