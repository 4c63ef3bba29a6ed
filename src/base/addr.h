/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_ADDR_H
#define TGV_BASE_ADDR_H
/*
 * An IP address with a port, as a value. Names are resolved elsewhere (io).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tgv_family { TGV_AF_NONE = 0, TGV_AF_IPV4 = 4, TGV_AF_IPV6 = 6 };

/* ip holds 4 or 16 octets in network order, the rest is zero. */
struct tgv_addr {
    uint8_t family; /* enum tgv_family */
    uint16_t port; /* host order */
    uint8_t ip[16];
};

/* Longest text of an address: "[v6]:65535" and zero. */
#define TGV_ADDR_TEXT 56

struct tgv_addr tgv_addr_ipv4(const uint8_t ip[4], uint16_t port);
struct tgv_addr tgv_addr_ipv6(const uint8_t ip[16], uint16_t port);
bool tgv_addr_equal(const struct tgv_addr *a, const struct tgv_addr *b);
/* Same host, any port. */
bool tgv_addr_same_ip(const struct tgv_addr *a, const struct tgv_addr *b);
bool tgv_addr_is_loopback(const struct tgv_addr *a);
/* A numeric address without port ("127.0.0.1", "::1"). Strict. */
bool tgv_addr_parse_ip(const char *text, uint16_t port, struct tgv_addr *out);
/* "1.2.3.4:5" or "[::1]:5"; port 0..65535. */
bool tgv_addr_parse(const char *text, struct tgv_addr *out);
/* "1.2.3.4:5" or "[::1]:5"; returns text. */
const char *tgv_addr_format(const struct tgv_addr *a, char *text, size_t cap);

#endif
