/* SPDX-License-Identifier: MIT */
/* For systems that are not asked to tell of changes: the list is read again
 * and again. */
#include "io/interfaces_impl.h"

#include <stddef.h>

#include <tgvoip/error.h>

int tgv_link_news_open(struct tgv_loop *l, struct tgv_link_news **out,
                       void (*hint)(void *ctx), void *ctx)
{
    (void)l;
    (void)hint;
    (void)ctx;
    *out = NULL;
    return TGVOIP_ERR_UNSUPPORTED;
}

void tgv_link_news_close(struct tgv_link_news *n)
{
    (void)n;
}
