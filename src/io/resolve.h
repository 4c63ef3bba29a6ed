/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_RESOLVE_H
#define TGV_IO_RESOLVE_H
/*
 * Looking names up, both families, on threads of its own: at most four in the
 * process, and only while there is something to look up. Neither a loop nor
 * its destruction ever waits for a name server (ENG-25); the shared pool would
 * make both files and destruction wait. A fork waits for look-ups under way,
 * at most a quarter of a second: the child could not look anything up if the
 * system's resolver was copied while at work.
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
/* done() is not called any more. Not after it was; before the loop goes. Loop
 * thread. NULL is fine. */
void tgv_resolve_cancel(struct tgv_resolve *r);

#endif
