/* SPDX-License-Identifier: MIT */
#include "io/system.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <uv.h>

#include <tgvoip/error.h>

tgv_time tgv_system_now(void)
{
    return (tgv_time)(uv_hrtime() / 1000);
}

int64_t tgv_system_unix_time(void)
{
    uv_timeval64_t tv;

    return uv_gettimeofday(&tv) == 0 ? tv.tv_sec : 0;
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    (void)ctx;
    return uv_random(NULL, NULL, buf, len, 0, NULL) == 0 ? 0
                                                         : TGVOIP_ERR_RANDOM;
}

struct tgv_random tgv_os_random(void)
{
    return (struct tgv_random){.fill = fill};
}

unsigned tgv_system_cores(void)
{
#if UV_VERSION_HEX >= ((1 << 16) | (44 << 8))
    unsigned n = uv_available_parallelism();
#else
    uv_cpu_info_t *info;
    int count = 0;
    if (uv_cpu_info(&info, &count) == 0)
        uv_free_cpu_info(info, count);
    unsigned n = (unsigned)count;
#endif
    return n > 0 ? n : 1;
}

static bool never_blocks(int fd)
{
    struct stat st;

    return fd < 0 || fstat(fd, &st) != 0 || S_ISREG(st.st_mode);
}

bool tgv_system_readable(FILE *stream, size_t bytes)
{
    struct pollfd p = {.fd = fileno(stream), .events = POLLIN};
    int there = 0;

    if (never_blocks(p.fd))
        return true;
    if (poll(&p, 1, 0) <= 0)
        return false;
    if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
        return true;
    return ioctl(p.fd, FIONREAD, &there) != 0 || there == 0 ||
           (size_t)there >= bytes;
}

/* A pipe is writable when a page of it is free, which is more than a piece. */
bool tgv_system_writable(FILE *stream, tgv_time wait)
{
    struct pollfd p = {.fd = fileno(stream), .events = POLLOUT};

    if (never_blocks(p.fd))
        return true;
    return poll(&p, 1, wait > 0 ? (int)(wait / TGV_US_PER_MS) : 0) != 0;
}
