/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_RESOLVE_H
#define TGV_IO_RESOLVE_H
/*
 * Looking names up, both families, on the pool that the process shares: the
 * loop never waits (ENG-25). The pool keeps threads free for other work while
 * name servers are slow. The loop's destruction waits for what is under way,
 * cancelled or not.
 */
#include "base/addr.h"

struct tgv_loop;
struct tgv_resolve;

/* Addresses kept of an answer. */
#define TGV_RESOLVE_MAX 16

/* Look up a name or a numeric address. done() is called once, with ports 0,
 * in the system's order; none if there is no such name or no answer. Loop
 * thread.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_IO (cannot be a name) */
int tgv_resolve_start(struct tgv_loop *l, struct tgv_resolve **out,
                      const char *name,
                      void (*done)(void *ctx, const struct tgv_addr *addrs,
                                   unsigned count),
                      void *ctx);
/* done() is not called any more. Not after it was; NULL is fine. */
void tgv_resolve_cancel(struct tgv_resolve *r);

#endif
