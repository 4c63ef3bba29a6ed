/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_CONN_IMPL_H
#define TGV_IO_CONN_IMPL_H
/*
 * What conn.c and listener.c share.
 */
#include "io/conn.h"

struct tgv_loop;

/* A stream socket that does not block. @return it, or a negative errno */
int tgv_stream_socket(int family);
/* Take a socket that is connected, not adopted yet; closed on failure.
 * @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_IO */
int tgv_conn_take(struct tgv_loop *l, struct tgv_conn **out, int fd);
bool tgv_conn_adopted(const struct tgv_conn *c);

#endif
