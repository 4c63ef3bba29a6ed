/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_INTERFACES_H
#define TGV_IO_INTERFACES_H
/*
 * The addresses that this machine has now, and news when they change. The
 * loop keeps one watch for all that want the news; changes within 50 ms are
 * one. Where the system tells nothing, the list is read once a second.
 */
#include "base/addr.h"

struct tgv_loop;

#define TGV_INTERFACES_MAX 16

/* Addresses of interfaces that are up, running and not loopback, in the
 * system's order, ports 0. If they are too many, link-local ones are left out.
 * Any thread. @return their number */
unsigned tgv_interfaces_list(struct tgv_addr out[TGV_INTERFACES_MAX]);

/* Somebody who wants the news; the storage is his. */
struct tgv_watch {
    /* The list has changed; may stop this watch and others. */
    void (*changed)(void *ctx, const struct tgv_addr *addrs, unsigned count);
    void *ctx;
    struct tgv_loop *loop; /* private from here */
    struct tgv_watch *prev, *next;
};

/* From now on; `out` and its number are the list as it is. Loop thread.
 * @return 0, TGVOIP_ERR_NOMEM: the list is right, but there will be no news */
int tgv_watch_start(struct tgv_loop *l, struct tgv_watch *w,
                    struct tgv_addr out[TGV_INTERFACES_MAX], unsigned *count);
/* Nothing for a watch that is zeroed or stopped. Loop thread. */
void tgv_watch_stop(struct tgv_watch *w);

#endif
