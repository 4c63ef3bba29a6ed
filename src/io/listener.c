/* SPDX-License-Identifier: MIT */
#include "io/conn.h"

#include "io/conn_impl.h"
#include "io/loop_uv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <unistd.h>

#include <tgvoip/error.h>

/* After so many at once the rest waits for the next turn of the loop. */
#define ACCEPT_MAX 32

struct tgv_listener {
    uv_poll_t handle;
    struct tgv_loop *loop;
    struct tgv_listener_config config;
    int fd;
    int spare; /* a descriptor to give up when there are no more, or -1 */
    bool closed;
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Descriptors are used up: without this, those who wait would wake the loop
 * again and again. */
static void turn_away(struct tgv_listener *s)
{
    if (s->spare < 0)
        return;
    close(s->spare);
    int fd = accept(s->fd, NULL, NULL);
    if (fd >= 0)
        close(fd);
    s->spare = open_spare();
}

static void take(struct tgv_listener *s, int fd)
{
    struct tgv_conn *c;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd);
        return;
    }
    if (tgv_conn_take(s->loop, &c, fd) != 0)
        return;
    s->config.accepted(s->config.ctx, c);
    if (!tgv_conn_adopted(c))
        tgv_conn_close(c);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct tgv_listener *s = handle->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_MAX && !s->closed; i++) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd >= 0) {
            take(s, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            turn_away(s);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static int bind_and_listen(int fd, int family,
                           const struct tgv_listener_config *config)
{
    struct sockaddr_storage ss;
    socklen_t len = tgv_sockaddr_encode(&config->bind, family, &ss);
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&ss, len) != 0 ||
        listen(fd, config->backlog) != 0)
        return -errno;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int tgv_listener_open(struct tgv_loop *l, struct tgv_listener **out,
                      const struct tgv_listener_config *config)
{
    int family = config->bind.family == TGV_AF_IPV4 ? AF_INET : AF_INET6;
    struct tgv_listener *s;

    *out = NULL;
    int fd = tgv_stream_socket(family);
    if (fd < 0)
        return tgv_uv_error(fd);
    int err = bind_and_listen(fd, family, config);
    s = err ? NULL : calloc(1, sizeof(*s));
    if (!err)
        err = s ? uv_poll_init(&l->uv, &s->handle, fd) : UV_ENOMEM;
    if (err) {
        free(s);
        close(fd);
        return tgv_uv_error(err);
    }
    s->handle.data = s;
    s->loop = l;
    s->config = *config;
    s->fd = fd;
    s->spare = open_spare();
    uv_poll_start(&s->handle, UV_READABLE, on_ready);
    l->fresh = true;
    *out = s;
    return 0;
}

void tgv_listener_local(const struct tgv_listener *s, struct tgv_addr *local)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    (void)getsockname(s->fd, (struct sockaddr *)&ss, &len);
    tgv_sockaddr_decode((struct sockaddr *)&ss, local);
}

void tgv_listener_close(struct tgv_listener *s)
{
    if (!s || s->closed)
        return;
    s->closed = true;
    uv_close((uv_handle_t *)&s->handle, on_closed);
    close(s->fd);
    if (s->spare >= 0)
        close(s->spare);
    s->loop->fresh = true;
}
