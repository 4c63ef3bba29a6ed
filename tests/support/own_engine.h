/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OWN_ENGINE_H
#define TGV_TEST_OWN_ENGINE_H
/*
 * An engine without threads whose clock is the test's. After cmocka.h.
 */
#include <tgvoip/tgvoip.h>

#include <poll.h>
#include <stdint.h>

/* So many steps of 5 ms. What the worker pool does takes real time, so the
 * clock stands still while it might be at work. */
static inline void own_engine_pass(tgvoip_engine *engine, int64_t *now_us,
                                   int steps)
{
    struct pollfd p = {.fd = tgvoip_engine_fd(engine), .events = POLLIN};

    for (int i = 0; i < steps; i++) {
        *now_us += 5000;
        do
            assert_int_equal(tgvoip_engine_step(engine), 0);
        while (poll(&p, 1, 0) > 0);
    }
}

#endif
