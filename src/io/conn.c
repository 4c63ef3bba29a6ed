/* SPDX-License-Identifier: MIT */
#include "io/conn.h"

#include "io/conn_impl.h"
#include "io/loop_uv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>
#include <unistd.h>

#include <tgvoip/error.h>

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0 /* the socket's option does it */
#endif

struct tgv_conn {
    uv_poll_t handle;
    struct tgv_loop *loop;
    struct tgv_conn_config config;
    int fd, family;
    int events; /* watched, 0 = none */
    bool connecting;
    bool adopted; /* has a user */
    bool dead; /* nothing is told any more */
    bool closed;
    uint8_t *queue; /* a ring; NULL until something had to wait */
    size_t head, waiting;
};

/* -- socket --------------------------------------------------------------- */

int tgv_stream_socket(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd < 0)
        return -errno;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static void set_options(const struct tgv_conn *c, unsigned buffer_bytes)
{
    int on = 1;

    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
#ifdef SO_NOSIGPIPE
    (void)setsockopt(c->fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
    tgv_socket_wishes(c->fd, c->family, buffer_bytes);
}

static int socket_error(const struct tgv_conn *c)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    return err;
}

/* -- events --------------------------------------------------------------- */

static void on_poll(uv_poll_t *handle, int status, int events);

/* Watch what there is to wait for. */
static void watch(struct tgv_conn *c)
{
    int events = 0;

    if (c->closed)
        return;
    if (!c->dead && !c->connecting)
        events |= UV_READABLE;
    if (!c->dead && (c->connecting || c->waiting > 0))
        events |= UV_WRITABLE;
    if (events == c->events)
        return;
    c->events = events;
    if (events)
        uv_poll_start(&c->handle, events, on_poll);
    else
        uv_poll_stop(&c->handle);
    c->loop->fresh = true;
}

static void fail(struct tgv_conn *c, int error)
{
    c->dead = true;
    watch(c);
    c->config.failed(c->config.ctx, tgv_uv_error(error ? -error : UV_EIO));
}

static void finish_connect(struct tgv_conn *c)
{
    int err = socket_error(c);

    if (err) {
        fail(c, err);
        return;
    }
    c->connecting = false;
    watch(c);
    if (c->config.opened)
        c->config.opened(c->config.ctx);
}

static void receive(struct tgv_conn *c)
{
    uint8_t *piece = (uint8_t *)c->loop->chunks;
    ssize_t n = recv(c->fd, piece, TGV_CONN_PIECE, 0);

    if (n > 0) {
        c->config.receive(c->config.ctx, piece, (size_t)n);
    } else if (n == 0) {
        c->dead = true;
        watch(c);
        c->config.closed(c->config.ctx);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        fail(c, errno);
    }
}

/* -- sending -------------------------------------------------------------- */

/* One system call. @return bytes taken, or a negative errno */
static ssize_t send_now(const struct tgv_conn *c, const uint8_t *data,
                        size_t len)
{
    ssize_t n;

    do
        n = send(c->fd, data, len, SEND_FLAGS);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
}

/* Append; there is room. */
static void keep(struct tgv_conn *c, const uint8_t *data, size_t len)
{
    size_t at = (c->head + c->waiting) % TGV_CONN_QUEUE;
    size_t first = len < TGV_CONN_QUEUE - at ? len : TGV_CONN_QUEUE - at;

    memcpy(c->queue + at, data, first);
    memcpy(c->queue, data + first, len - first);
    c->waiting += len;
    watch(c);
}

/* @return 0 or an errno */
static int flush(struct tgv_conn *c)
{
    while (c->waiting > 0) {
        size_t len = TGV_CONN_QUEUE - c->head;
        ssize_t n = send_now(c, c->queue + c->head,
                             len < c->waiting ? len : c->waiting);
        if (n <= 0)
            return (int)-n;
        c->head = (c->head + (size_t)n) % TGV_CONN_QUEUE;
        c->waiting -= (size_t)n;
    }
    return 0;
}

static void write_on(struct tgv_conn *c)
{
    int err = c->waiting > 0 ? flush(c) : 0;

    if (err) {
        fail(c, err);
        return;
    }
    watch(c);
    if (c->waiting == 0 && c->config.writable)
        c->config.writable(c->config.ctx);
}

static int die(struct tgv_conn *c, int error)
{
    c->dead = true;
    watch(c);
    return error;
}

int tgv_conn_send(struct tgv_conn *c, const uint8_t *data, size_t len)
{
    ssize_t n = 0;

    if (c->dead)
        return TGVOIP_ERR_IO;
    if (len > TGV_CONN_QUEUE - c->waiting)
        return TGVOIP_ERR_TOO_LARGE;
    if (!c->connecting && c->waiting == 0)
        n = send_now(c, data, len);
    if (n < 0)
        return die(c, TGVOIP_ERR_IO);
    if ((size_t)n == len)
        return 0;
    if (!c->queue)
        c->queue = malloc(TGV_CONN_QUEUE);
    if (!c->queue)
        return die(c, TGVOIP_ERR_NOMEM);
    keep(c, data + n, len - (size_t)n);
    return TGVOIP_ERR_AGAIN;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct tgv_conn *c = handle->data;

    if (status < 0) { /* no longer watched by now */
        c->events = 0;
        fail(c, socket_error(c));
        return;
    }
    if (c->connecting) {
        finish_connect(c);
        return;
    }
    if (events & UV_WRITABLE)
        write_on(c);
    if ((events & UV_READABLE) && !c->dead && !c->closed)
        receive(c);
}

/* -- life ----------------------------------------------------------------- */

/* A proxy's password may have waited. */
static void wipe_queue(volatile uint8_t *queue)
{
    for (size_t i = 0; queue && i < TGV_CONN_QUEUE; i++)
        queue[i] = 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct tgv_conn *c = handle->data;

    wipe_queue(c->queue);
    free(c->queue);
    free(c);
}

/* Owns the socket from now on, also when it fails. */
static int create(struct tgv_loop *l, struct tgv_conn **out, int fd)
{
    struct tgv_conn *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c) {
        close(fd);
        return TGVOIP_ERR_NOMEM;
    }
    int err = uv_poll_init(&l->uv, &c->handle, fd);
    if (err) {
        free(c);
        close(fd);
        return tgv_uv_error(err);
    }
    c->handle.data = c;
    c->loop = l;
    c->fd = fd;
    *out = c;
    return 0;
}

static int start_connect(struct tgv_conn *c, const struct tgv_addr *to)
{
    struct sockaddr_storage ss;
    socklen_t len = tgv_sockaddr_encode(to, c->family, &ss);

    /* Interrupted, it goes on by itself. */
    if (connect(c->fd, (struct sockaddr *)&ss, len) != 0 &&
        errno != EINPROGRESS && errno != EINTR)
        return tgv_uv_error(-errno);
    c->connecting = true; /* told from the loop, also when it is done */
    watch(c);
    return 0;
}

int tgv_conn_open(struct tgv_loop *l, struct tgv_conn **out,
                  const struct tgv_addr *to,
                  const struct tgv_conn_config *config)
{
    int family = to->family == TGV_AF_IPV4 ? AF_INET : AF_INET6;
    int fd = tgv_stream_socket(family);

    *out = NULL;
    if (fd < 0)
        return tgv_uv_error(fd);
    int err = create(l, out, fd);
    if (err)
        return err;
    (*out)->family = family;
    (*out)->config = *config;
    (*out)->adopted = true;
    set_options(*out, config->buffer_bytes);
    err = start_connect(*out, to);
    if (err) {
        tgv_conn_close(*out);
        *out = NULL;
    }
    return err;
}

int tgv_conn_take(struct tgv_loop *l, struct tgv_conn **out, int fd)
{
    struct sockaddr_storage ss = {.ss_family = AF_INET};
    socklen_t len = sizeof(ss);
    int err = create(l, out, fd);

    if (err)
        return err;
    (void)getsockname(fd, (struct sockaddr *)&ss, &len);
    (*out)->family = ss.ss_family;
    return 0;
}

bool tgv_conn_adopted(const struct tgv_conn *c)
{
    return c->adopted;
}

void tgv_conn_adopt(struct tgv_conn *c, const struct tgv_conn_config *config)
{
    c->config = *config;
    c->adopted = true;
    set_options(c, config->buffer_bytes);
    watch(c);
}

size_t tgv_conn_waiting(const struct tgv_conn *c)
{
    return c->waiting;
}

void tgv_conn_local(const struct tgv_conn *c, struct tgv_addr *local)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    if (!c->connecting && !c->closed)
        (void)getsockname(c->fd, (struct sockaddr *)&ss, &len);
    tgv_sockaddr_decode((struct sockaddr *)&ss, local);
}

void tgv_conn_peer(const struct tgv_conn *c, struct tgv_addr *peer)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);

    if (!c->connecting && !c->closed)
        (void)getpeername(c->fd, (struct sockaddr *)&ss, &len);
    tgv_sockaddr_decode((struct sockaddr *)&ss, peer);
}

void tgv_conn_close(struct tgv_conn *c)
{
    if (!c || c->closed)
        return;
    c->closed = true;
    uv_close((uv_handle_t *)&c->handle, on_closed);
    close(c->fd);
    c->loop->fresh = true;
}
