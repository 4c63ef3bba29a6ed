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

bool tgv_system_stdin_ready(size_t bytes)
{
    struct pollfd p = {.fd = 0, .events = POLLIN};
    struct stat st;
    int there = 0;

    if (fstat(0, &st) != 0 || S_ISREG(st.st_mode))
        return true; /* cannot block, or fails at once */
    if (poll(&p, 1, 0) <= 0)
        return false;
    if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
        return true;
    return ioctl(0, FIONREAD, &there) != 0 || there == 0 ||
           (size_t)there >= bytes;
}
