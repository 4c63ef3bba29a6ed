/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_WORK_H
#define TGV_IO_WORK_H
/*
 * Work that may block (disk, name look-up), done by a pool of threads that the
 * process shares. A piece of work is created once and submitted many times,
 * which does not allocate.
 */
#include <stdbool.h>

struct tgv_loop;
struct tgv_work;

/* work runs on a thread of the pool; done, which may be NULL, runs on the
 * loop after it.  @return 0, TGVOIP_ERR_NOMEM */
int tgv_work_create(struct tgv_work **out, struct tgv_loop *l,
                    void (*work)(void *ctx), void (*done)(void *ctx),
                    void *ctx);
/* Loop thread; not while in flight. */
void tgv_work_submit(struct tgv_work *w);
/* Submitted, and done has not run yet. Loop thread. */
bool tgv_work_in_flight(const struct tgv_work *w);
/* Wait until no work function runs; done is not called by this. Loop thread. */
void tgv_work_wait(struct tgv_work *w);
/* work(ctx) here and now, as a thread of the pool would do it: a pipe whose
 * reader has gone and a file at its limit are write errors, no SIGPIPE and no
 * SIGXFSZ, whatever the process does about these signals. Any thread. */
void tgv_work_run(void (*work)(void *ctx), void *ctx);
/* Free, at once or, while in flight, when done would have run; then done is
 * not called. The work function must not be running (tgv_work_wait), or what
 * ctx points to must outlive it. Loop thread. NULL is fine. */
void tgv_work_destroy(struct tgv_work *w);

#endif
