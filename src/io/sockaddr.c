/* SPDX-License-Identifier: MIT */
#include "io/sockaddr.h"

#include <string.h>

#define DSCP_EF 0xB8 /* as the octet of the IP header */
#define PRIORITY_INTERACTIVE 6 /* SO_PRIORITY */

static const uint8_t mapped_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

static socklen_t encode_ipv4(const struct tgv_addr *a,
                             struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;

    if (a->family != TGV_AF_IPV4)
        return 0;
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    memcpy(&in->sin_addr, a->ip, 4);
    return sizeof(*in);
}

socklen_t tgv_sockaddr_encode(const struct tgv_addr *a, int family,
                              struct sockaddr_storage *out)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (family == AF_INET)
        return encode_ipv4(a, out);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    if (a->family == TGV_AF_IPV4) {
        memcpy(in6->sin6_addr.s6_addr, mapped_prefix, 12);
        memcpy(in6->sin6_addr.s6_addr + 12, a->ip, 4);
    } else if (a->family == TGV_AF_IPV6) {
        memcpy(in6->sin6_addr.s6_addr, a->ip, 16);
    } else {
        return 0;
    }
    return sizeof(*in6);
}

static void decode_ipv6(const struct sockaddr_in6 *in6, struct tgv_addr *out)
{
    const uint8_t *ip = in6->sin6_addr.s6_addr;
    uint16_t port = ntohs(in6->sin6_port);

    if (memcmp(ip, mapped_prefix, 12) == 0)
        *out = tgv_addr_ipv4(ip + 12, port);
    else
        *out = tgv_addr_ipv6(ip, port);
}

void tgv_sockaddr_decode(const struct sockaddr *sa, struct tgv_addr *out)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
    uint8_t ip[4];

    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        memcpy(ip, &in->sin_addr, 4);
        *out = tgv_addr_ipv4(ip, ntohs(in->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        decode_ipv6((const struct sockaddr_in6 *)sa, out);
    }
}

void tgv_socket_wishes(int fd, int family, unsigned buffer_bytes)
{
    int tos = DSCP_EF, size = (int)buffer_bytes;

    (void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
#ifdef IPV6_TCLASS
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
#endif
#ifdef SO_PRIORITY
    int priority = PRIORITY_INTERACTIVE;
    (void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
#endif
    if (size > 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
}
