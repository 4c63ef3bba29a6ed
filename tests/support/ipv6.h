/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_IPV6_H
#define TGV_TEST_IPV6_H
/* A system may be without IPv6. */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool tgv_test_has_ipv6(void)
{
    const struct sockaddr_in6 at = {.sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool is =
        fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

    if (fd >= 0)
        close(fd);
    return is;
}

#endif
