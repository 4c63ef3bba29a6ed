/* SPDX-License-Identifier: MIT */
#include "io/interfaces.h"

#include "io/interfaces_impl.h"
#include "io/loop_uv.h"
#include "io/sockaddr.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define GATHER TGV_MS(50)
#define POLL_EVERY TGV_S(1)

/* One per loop, while anybody watches. */
struct tgv_watcher {
    struct tgv_loop *loop;
    struct tgv_link_news *news; /* NULL: poll */
    struct tgv_timer timer;
    struct tgv_watch *first;
    struct tgv_watch *next_told; /* while the news is told */
    bool telling;
    struct tgv_addr addrs[TGV_INTERFACES_MAX];
    unsigned count;
};

/* -- the list --------------------------------------------------------------- */

static bool link_local(const struct tgv_addr *a)
{
    if (a->family == TGV_AF_IPV4)
        return a->ip[0] == 169 && a->ip[1] == 254;
    return a->ip[0] == 0xFE && (a->ip[1] & 0xC0) == 0x80;
}

/* @return how many there are; those that fit are written */
static unsigned pick(const uv_interface_address_t *all, int n, bool locals,
                     struct tgv_addr out[TGV_INTERFACES_MAX])
{
    unsigned count = 0;

    for (int i = 0; i < n; i++) {
        struct tgv_addr a;
        tgv_sockaddr_decode((const struct sockaddr *)&all[i].address, &a);
        a.port = 0;
        if (all[i].is_internal || a.family == TGV_AF_NONE ||
            (!locals && link_local(&a)))
            continue;
        if (count < TGV_INTERFACES_MAX)
            out[count] = a;
        count++;
    }
    return count;
}

unsigned tgv_interfaces_list(struct tgv_addr out[TGV_INTERFACES_MAX])
{
    uv_interface_address_t *all;
    int n;

    /* It leaves out what is not up and running. */
    if (uv_interface_addresses(&all, &n) != 0)
        return 0;
    unsigned count = pick(all, n, true, out);
    if (count > TGV_INTERFACES_MAX)
        count = pick(all, n, false, out);
    uv_free_interface_addresses(all, n);
    return count < TGV_INTERFACES_MAX ? count : TGV_INTERFACES_MAX;
}

/* -- the watch -------------------------------------------------------------- */

static void close_watcher(struct tgv_watcher *r)
{
    r->loop->watcher = NULL;
    tgv_link_news_close(r->news);
    tgv_timer_fini(&r->timer);
    free(r);
}

static void tell(struct tgv_watcher *r)
{
    struct tgv_addr addrs[TGV_INTERFACES_MAX];
    unsigned count = r->count;

    memcpy(addrs, r->addrs, sizeof(addrs));
    r->telling = true;
    r->next_told = r->first;
    while (r->next_told) {
        struct tgv_watch *w = r->next_told;
        r->next_told = w->next;
        w->changed(w->ctx, addrs, count);
    }
    r->telling = false;
    if (!r->first)
        close_watcher(r);
}

static bool list_changed(struct tgv_watcher *r)
{
    struct tgv_addr now[TGV_INTERFACES_MAX];
    unsigned count = tgv_interfaces_list(now);
    bool same = count == r->count;

    for (unsigned i = 0; same && i < count; i++)
        same = tgv_addr_equal(&now[i], &r->addrs[i]);
    r->count = count;
    memcpy(r->addrs, now, count * sizeof(now[0]));
    return !same;
}

static void on_timer(void *ctx, tgv_time now)
{
    struct tgv_watcher *r = ctx;

    if (!r->news)
        tgv_timer_arm(&r->timer, now + POLL_EVERY);
    if (list_changed(r))
        tell(r);
}

static void on_hint(void *ctx)
{
    struct tgv_watcher *r = ctx;

    if (r->timer.pos == 0)
        tgv_timer_arm(&r->timer, tgv_loop_now(r->loop) + GATHER);
}

static struct tgv_watcher *open_watcher(struct tgv_loop *l)
{
    struct tgv_watcher *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    if (tgv_timer_init(&r->timer, l, on_timer, r) != 0) {
        free(r);
        return NULL;
    }
    r->loop = l;
    /* Before the list is read, so that no change falls between. */
    if (tgv_link_news_open(l, &r->news, on_hint, r) != 0)
        tgv_timer_arm(&r->timer, tgv_loop_now(l) + POLL_EVERY);
    r->count = tgv_interfaces_list(r->addrs);
    l->watcher = r;
    return r;
}

int tgv_watch_start(struct tgv_loop *l, struct tgv_watch *w,
                    struct tgv_addr out[TGV_INTERFACES_MAX], unsigned *count)
{
    struct tgv_watcher *r = l->watcher ? l->watcher : open_watcher(l);

    if (!r) {
        *count = tgv_interfaces_list(out);
        return TGVOIP_ERR_NOMEM;
    }
    w->loop = l;
    w->prev = NULL;
    w->next = r->first;
    if (w->next)
        w->next->prev = w;
    r->first = w;
    *count = r->count;
    memcpy(out, r->addrs, r->count * sizeof(out[0]));
    return 0;
}

void tgv_watch_stop(struct tgv_watch *w)
{
    if (!w->loop)
        return;
    struct tgv_watcher *r = w->loop->watcher;
    if (r->next_told == w)
        r->next_told = w->next;
    if (w->prev)
        w->prev->next = w->next;
    else
        r->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->loop = NULL;
    if (!r->first && !r->telling)
        close_watcher(r);
}
