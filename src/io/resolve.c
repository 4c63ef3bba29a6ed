/* SPDX-License-Identifier: MIT */
#include "io/resolve.h"

#include "io/loop_uv.h"
#include "io/sockaddr.h"

#include <stdlib.h>

#include <netdb.h>

#include <tgvoip/error.h>

struct tgv_resolve {
    uv_getaddrinfo_t request;
    void (*done)(void *ctx, const struct tgv_addr *addrs, unsigned count);
    void *ctx;
    bool cancelled;
};

static unsigned copy_addresses(const struct addrinfo *from,
                               struct tgv_addr out[TGV_RESOLVE_MAX])
{
    unsigned count = 0;

    for (; from && count < TGV_RESOLVE_MAX; from = from->ai_next) {
        if (!from->ai_addr)
            continue;
        tgv_sockaddr_decode(from->ai_addr, &out[count]);
        out[count].port = 0;
        count += out[count].family != TGV_AF_NONE;
    }
    return count;
}

static void on_answer(uv_getaddrinfo_t *request, int status,
                      struct addrinfo *found)
{
    struct tgv_resolve *r = request->data;
    struct tgv_addr addrs[TGV_RESOLVE_MAX];
    unsigned count = status == 0 ? copy_addresses(found, addrs) : 0;

    uv_freeaddrinfo(found);
    if (!r->cancelled)
        r->done(r->ctx, addrs, count);
    free(r);
}

int tgv_resolve_start(struct tgv_loop *l, struct tgv_resolve **out,
                      const char *name,
                      void (*done)(void *ctx, const struct tgv_addr *addrs,
                                   unsigned count),
                      void *ctx)
{
    /* One entry for each address, not one for each kind of socket. */
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};

    *out = NULL;
    struct tgv_resolve *r = calloc(1, sizeof(*r));
    if (!r)
        return TGVOIP_ERR_NOMEM;
    r->done = done;
    r->ctx = ctx;
    r->request.data = r;
    tgv_pool_used();
    int err =
        uv_getaddrinfo(&l->uv, &r->request, on_answer, name, NULL, &hints);
    if (err) {
        free(r);
        return tgv_uv_error(err);
    }
    l->fresh = true;
    *out = r;
    return 0;
}

void tgv_resolve_cancel(struct tgv_resolve *r)
{
    if (!r)
        return;
    r->cancelled = true;
    /* Refused if it runs already; the answer comes then, to nobody. */
    (void)uv_cancel((uv_req_t *)&r->request);
}
