/* SPDX-License-Identifier: MIT */
/* The kernel's multicast of links and addresses. */
#include "io/interfaces_impl.h"

#include "io/loop_uv.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tgvoip/error.h>

struct tgv_link_news {
    uv_poll_t handle;
    struct tgv_loop *loop;
    int fd;
    void (*hint)(void *ctx);
    void *ctx;
};

/* What it says does not matter, the list is read anew: so neither do messages
 * that were lost (ENOBUFS). */
static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct tgv_link_news *n = handle->data;
    char message[4096];

    (void)events;
    while (recv(n->fd, message, sizeof(message), MSG_DONTWAIT) > 0 ||
           errno == EINTR)
        ;
    /* An overflow is an error of the socket, after which the library has
     * stopped to watch it. */
    if (status < 0 && uv_poll_start(handle, UV_READABLE, on_readable) == 0)
        n->loop->fresh = true;
    n->hint(n->ctx);
}

static int open_socket(void)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                          RTMGRP_IPV6_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&nl, sizeof(nl)) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int tgv_link_news_open(struct tgv_loop *l, struct tgv_link_news **out,
                       void (*hint)(void *ctx), void *ctx)
{
    int fd = open_socket();
    struct tgv_link_news *n;

    *out = NULL;
    if (fd < 0)
        return tgv_uv_error(fd);
    n = calloc(1, sizeof(*n));
    int err = n ? uv_poll_init(&l->uv, &n->handle, fd) : UV_ENOMEM;
    if (err) {
        free(n);
        close(fd);
        return tgv_uv_error(err);
    }
    n->handle.data = n;
    n->loop = l;
    n->fd = fd;
    n->hint = hint;
    n->ctx = ctx;
    uv_poll_start(&n->handle, UV_READABLE, on_readable);
    l->fresh = true;
    *out = n;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void tgv_link_news_close(struct tgv_link_news *n)
{
    if (!n)
        return;
    uv_close((uv_handle_t *)&n->handle, on_closed);
    close(n->fd);
    n->loop->fresh = true;
}
