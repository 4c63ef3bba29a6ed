/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OWN_LOOP_H
#define TGV_TEST_OWN_LOOP_H
/*
 * A loop without a thread, a new one for each test of the file, stepped until
 * something was told. After cmocka.h.
 */
#include "io/loop.h"

#include <poll.h>
#include <stddef.h>

static struct tgv_loop *loop;

static inline int setup(void **state)
{
    const struct tgv_loop_config config = {.own_thread = false};

    (void)state;
    return tgv_loop_create(&loop, &config);
}

static inline int teardown(void **state)
{
    (void)state;
    tgv_loop_destroy(loop);
    return 0;
}

/* Until *told, which a callback counts, has reached `count`. */
static inline void step_for(const int *told, int count, tgv_time most)
{
    tgv_time end = tgv_loop_now(loop) + most;

    while (*told < count && tgv_loop_now(loop) < end) {
        struct pollfd p = {.fd = tgv_loop_fd(loop), .events = POLLIN};
        int64_t us = tgv_loop_timeout_us(loop);
        poll(&p, 1, us >= 0 && us < 10000 ? (int)((us + 999) / 1000) : 10);
        tgv_loop_step(loop);
    }
}

#endif
