/* SPDX-License-Identifier: MIT */
#include "io/udp.h"

#include "io/loop_uv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define PORT_FIRST 16384
#define PORT_COUNT 16384
#define PORT_TRIES 10
#define WAITING_BYTES 2048

struct tgv_udp {
    uv_udp_t handle;
    struct tgv_loop *loop;
    struct tgv_udp_config config;
    struct tgv_udp_stats stats;
    struct tgv_addr local;
    int family; /* AF_INET or AF_INET6 of the socket */
    bool closed;
    bool batch; /* datagrams since the last batch_end */
    /* One datagram waits when the socket is full; its way out is how we learn
     * that there is room again. */
    bool waiting;
    uv_udp_send_t request;
    uint8_t waiting_pkt[WAITING_BYTES];
};

/* -- receiving ------------------------------------------------------------ */

static bool is_fatal(int error)
{
    return error == UV_EBADF || error == UV_ENOTSOCK;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct tgv_udp *u = handle->data;

    (void)suggested;
    *buf = uv_buf_init(u->loop->chunks, TGV_UDP_BATCH * TGV_UDP_CHUNK);
}

static void end_batch(struct tgv_udp *u)
{
    if (!u->batch || u->closed)
        return;
    u->batch = false;
    if (u->config.batch_end)
        u->config.batch_end(u->config.ctx);
}

static void on_receive(uv_udp_t *handle, ssize_t len, const uv_buf_t *buf,
                       const struct sockaddr *sa, unsigned flags)
{
    struct tgv_udp *u = handle->data;
    struct tgv_addr from;

    if (u->closed)
        return;
    if (len < 0) {
        u->stats.receive_errors++;
        if (is_fatal((int)len) && u->config.failed)
            u->config.failed(u->config.ctx, TGVOIP_ERR_IO);
        return;
    }
    if (sa && !(flags & UV_UDP_PARTIAL)) {
        u->batch = true;
        tgv_sockaddr_decode(sa, &from);
        u->config.receive(u->config.ctx, &from, (uint8_t *)buf->base,
                          (size_t)len);
    }
    if (!(flags & UV_UDP_MMSG_CHUNK))
        end_batch(u);
}

/* -- opening -------------------------------------------------------------- */

static void set_options(struct tgv_udp *u)
{
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&u->handle, &fd) == 0)
        tgv_socket_wishes(fd, u->family, u->config.buffer_bytes);
}

static void read_local(struct tgv_udp *u)
{
    struct sockaddr_storage ss;
    int len = sizeof(ss);

    if (uv_udp_getsockname(&u->handle, (struct sockaddr *)&ss, &len) == 0)
        tgv_sockaddr_decode((struct sockaddr *)&ss, &u->local);
}

/* One attempt. @return 0 or the library's error */
static int open_at(struct tgv_loop *l, struct tgv_udp **out,
                   const struct tgv_udp_config *config,
                   const struct tgv_addr *at)
{
    struct sockaddr_storage ss;
    struct tgv_udp *u = calloc(1, sizeof(*u));

    if (!u)
        return UV_ENOMEM;
    u->loop = l;
    u->config = *config;
    u->family = at->family == TGV_AF_IPV4 ? AF_INET : AF_INET6;
    u->handle.data = u;
    tgv_sockaddr_encode(at, u->family, &ss);
    int err = uv_udp_init_ex(&l->uv, &u->handle, AF_UNSPEC | UV_UDP_RECVMMSG);
    if (err) {
        free(u);
        return err;
    }
    err = uv_udp_bind(&u->handle, (struct sockaddr *)&ss, 0);
    if (!err)
        err = uv_udp_recv_start(&u->handle, on_alloc, on_receive);
    if (err) {
        tgv_udp_close(u);
        return err;
    }
    set_options(u);
    read_local(u);
    l->fresh = true;
    *out = u;
    return 0;
}

static uint16_t random_port(void)
{
    uint16_t r = 0;

    /* Without random bytes the ports are merely easier to guess. */
    (void)uv_random(NULL, NULL, &r, sizeof(r), 0, NULL);
    return (uint16_t)(PORT_FIRST + r % PORT_COUNT);
}

static int open_random(struct tgv_loop *l, struct tgv_udp **out,
                       const struct tgv_udp_config *config, uint8_t family)
{
    struct tgv_addr at = {.family = family};
    int err;

    for (int i = 0; i < PORT_TRIES; i++) {
        at.port = random_port();
        err = open_at(l, out, config, &at);
        if (err != UV_EADDRINUSE && err != UV_EACCES)
            return err;
    }
    at.port = 0;
    return open_at(l, out, config, &at);
}

int tgv_udp_open(struct tgv_loop *l, struct tgv_udp **out,
                 const struct tgv_udp_config *config)
{
    int err;

    *out = NULL;
    if (config->bind.family != TGV_AF_NONE)
        return tgv_uv_error(open_at(l, out, config, &config->bind));
    err = open_random(l, out, config, TGV_AF_IPV6);
    if (err && err != UV_ENOMEM)
        err = open_random(l, out, config, TGV_AF_IPV4);
    return tgv_uv_error(err);
}

/* -- sending -------------------------------------------------------------- */

static void on_sent(uv_udp_send_t *request, int status)
{
    struct tgv_udp *u = request->data;

    u->waiting = false;
    if (u->closed)
        return;
    if (status < 0)
        u->stats.send_errors++;
    if (u->config.writable)
        u->config.writable(u->config.ctx);
}

/* The socket is full: keep this one datagram until there is room. */
static void keep(struct tgv_udp *u, const struct sockaddr *sa,
                 const uint8_t *pkt, size_t len)
{
    if (len > sizeof(u->waiting_pkt)) {
        u->stats.send_errors++;
        return;
    }
    memcpy(u->waiting_pkt, pkt, len);
    uv_buf_t buf = uv_buf_init((char *)u->waiting_pkt, (unsigned)len);
    u->request.data = u;
    if (uv_udp_send(&u->request, &u->handle, &buf, 1, sa, on_sent) != 0)
        u->stats.send_errors++;
    else
        u->waiting = u->loop->fresh = true;
}

int tgv_udp_send(struct tgv_udp *u, const struct tgv_addr *to,
                 const uint8_t *pkt, size_t len)
{
    struct sockaddr_storage ss;

    if (u->waiting) {
        u->stats.send_blocked++;
        return TGVOIP_ERR_AGAIN;
    }
    if (!tgv_sockaddr_encode(to, u->family, &ss)) {
        u->stats.send_errors++;
        return 0;
    }
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)pkt, (unsigned)len);
    int n = uv_udp_try_send(&u->handle, &buf, 1, (struct sockaddr *)&ss);
    if (n == UV_EAGAIN)
        keep(u, (struct sockaddr *)&ss, pkt, len);
    else if (n < 0)
        u->stats.send_errors++;
    return 0;
}

#if defined(__linux__)
#define SEND_BATCH 32

/* One system call. @return datagrams done with, sent or lost; 0 = full */
static size_t send_batch(struct tgv_udp *u, const struct tgv_udp_out *v,
                         size_t n)
{
    struct mmsghdr msg[SEND_BATCH];
    struct iovec iov[SEND_BATCH];
    struct sockaddr_storage ss[SEND_BATCH];
    uv_os_fd_t fd;
    size_t i;

    memset(msg, 0, sizeof(msg));
    for (i = 0; i < n && i < SEND_BATCH; i++) {
        socklen_t len = tgv_sockaddr_encode(&v[i].to, u->family, &ss[i]);
        if (!len)
            break;
        iov[i].iov_base = (void *)(uintptr_t)v[i].pkt;
        iov[i].iov_len = v[i].len;
        msg[i].msg_hdr.msg_name = &ss[i];
        msg[i].msg_hdr.msg_namelen = len;
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    if (i == 0 || uv_fileno((uv_handle_t *)&u->handle, &fd) != 0) {
        u->stats.send_errors++;
        return 1;
    }
    int sent = sendmmsg(fd, msg, (unsigned)i, MSG_DONTWAIT);
    if (sent > 0)
        return (size_t)sent;
    if (errno == EINTR)
        return send_batch(u, v, n);
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    u->stats.send_errors++; /* the first one cannot be sent */
    return 1;
}

size_t tgv_udp_send_many(struct tgv_udp *u, const struct tgv_udp_out *v,
                         size_t n)
{
    size_t done = 0;

    while (done < n && !u->waiting) {
        size_t k = send_batch(u, v + done, n - done);
        if (k == 0) { /* full: this one waits, or is lost */
            (void)tgv_udp_send(u, &v[done].to, v[done].pkt, v[done].len);
            k = 1;
        }
        done += k;
    }
    if (done < n)
        u->stats.send_blocked++;
    return done;
}
#else
size_t tgv_udp_send_many(struct tgv_udp *u, const struct tgv_udp_out *v,
                         size_t n)
{
    size_t done = 0;

    while (done < n &&
           tgv_udp_send(u, &v[done].to, v[done].pkt, v[done].len) == 0)
        done++;
    return done;
}
#endif

void tgv_udp_local(const struct tgv_udp *u, struct tgv_addr *local)
{
    *local = u->local;
}

void tgv_udp_stats(const struct tgv_udp *u, struct tgv_udp_stats *stats)
{
    *stats = u->stats;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void tgv_udp_close(struct tgv_udp *u)
{
    if (!u || u->closed)
        return;
    u->closed = true;
    uv_udp_recv_stop(&u->handle);
    uv_close((uv_handle_t *)&u->handle, on_closed);
    u->loop->fresh = true;
}
