/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_POOL_LOOP_H
#define TGV_TEST_POOL_LOOP_H
/*
 * A stepped loop, a folder, and what failed, for tests of files that threads of
 * the pool read and write. The test defines _GNU_SOURCE first; after cmocka.h.
 */
#include "io/loop.h"
#include "io/work.h"
#include "support/temp_dir.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include <tgvoip/error.h>

static struct tgv_loop *loop;
static char dir[TEMP_DIR_BYTES];
static int failures;
static struct tgvoip_failure last_failure;

static inline int make_pool_loop(void)
{
    const struct tgv_loop_config config = {.own_thread = false};

    failures = 0;
    memset(&last_failure, 0, sizeof(last_failure));
    return temp_dir_make(dir) ? tgv_loop_create(&loop, &config) : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    tgv_loop_destroy(loop);
    return temp_dir_remove(dir);
}

static inline void on_failed(void *ctx, const struct tgvoip_failure *failure)
{
    (void)ctx;
    failures++;
    last_failure = *failure;
}

static inline void pool_passed(void *ctx)
{
    *(bool *)ctx = true;
}

static inline void pool_nothing(void *ctx)
{
    (void)ctx;
}

/* So that what was submitted is done when a later piece of work is. Before the
 * pool is used. */
static inline void use_one_thread(void)
{
    setenv("UV_THREADPOOL_SIZE", "1", 1);
}

/* Let that thread work until it has nothing to do; what submits itself again
 * has some rounds for it. */
static inline void settle(void)
{
    struct pollfd p = {.fd = tgv_loop_fd(loop), .events = POLLIN};
    struct tgv_work *last;
    bool done;

    assert_int_equal(
        tgv_work_create(&last, loop, pool_nothing, pool_passed, &done), 0);
    for (int i = 0; i < 10; i++) {
        done = false;
        tgv_work_submit(last);
        while (!done) {
            poll(&p, 1, 1000);
            tgv_loop_step(loop);
        }
    }
    tgv_work_destroy(last);
}

/* Step for as long as there is something to do. */
static inline void settle_for_a_moment(void)
{
    struct pollfd p = {.fd = tgv_loop_fd(loop), .events = POLLIN};

    do
        tgv_loop_step(loop);
    while (poll(&p, 1, 50) > 0);
}

#endif
