/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_INTERFACES_IMPL_H
#define TGV_IO_INTERFACES_IMPL_H
/*
 * How the system tells that an address or a link has changed. One of
 * interfaces_linux.c and interfaces_poll.c is compiled.
 */
struct tgv_loop;
struct tgv_link_news;

/* Call hint(ctx) on the loop after each change, and perhaps more often.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_ACCESS, TGVOIP_ERR_IO,
 *         TGVOIP_ERR_UNSUPPORTED: this system tells nothing */
int tgv_link_news_open(struct tgv_loop *l, struct tgv_link_news **out,
                       void (*hint)(void *ctx), void *ctx);
void tgv_link_news_close(struct tgv_link_news *n); /* NULL is fine */

#endif
