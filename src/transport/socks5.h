/* SPDX-License-Identifier: MIT */
#ifndef TGV_TRANSPORT_SOCKS5_H
#define TGV_TRANSPORT_SOCKS5_H
/*
 * The messages of a SOCKS5 client, as a pure codec: what to send, what came
 * back, and the header of proxied datagrams. No state: who talks to the proxy
 * keeps the bytes that came and asks again when there are more.
 *
 * The functions that parse a reply take all bytes received so far and return
 *   0                       understood; *used tells how many bytes it had,
 *                           what follows belongs to the next step
 *   TGVOIP_ERR_AGAIN        incomplete; *used is 0
 *   TGVOIP_ERR_FORMAT       not SOCKS5
 *   others                  as each function says
 * Source: wire specification 1.6, 9.1 (C20)
 */
#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

#define TGV_SOCKS5_DOMAIN_MAX 255
/* Longest message to the proxy (RFC 1929), and from it (a domain reply). */
#define TGV_SOCKS5_REQUEST_MAX (3 + 255 + 255)
#define TGV_SOCKS5_REPLY_MAX (5 + TGV_SOCKS5_DOMAIN_MAX + 2)
/* Header of a proxied datagram, for an IPv6 address. */
#define TGV_SOCKS5_UDP_HEADER_MAX 22

enum tgv_socks5_method { TGV_SOCKS5_NO_AUTH = 0, TGV_SOCKS5_USER_PASSWORD = 2 };

/* Messages to the proxy. They return the length, or 0 if cap is too small
 * or, for addresses, the family is neither IPv4 nor IPv6. */
size_t tgv_socks5_greeting(enum tgv_socks5_method method, uint8_t *out,
                           size_t cap);
/* Lengths over 255 are cut. */
size_t tgv_socks5_login(const char *user, size_t user_len, const char *password,
                        size_t password_len, uint8_t *out, size_t cap);
size_t tgv_socks5_connect(const struct tgv_addr *to, uint8_t *out, size_t cap);
size_t tgv_socks5_udp_associate(uint8_t *out, size_t cap);

/* @param      offered the method that the greeting offered
 * @param[out] chosen  what comes next: the login, or the command
 * @return also TGVOIP_ERR_ACCESS: the proxy wants another method */
int tgv_socks5_parse_method(const uint8_t *data, size_t len,
                            enum tgv_socks5_method offered,
                            enum tgv_socks5_method *chosen, size_t *used);
/* @return also TGVOIP_ERR_ACCESS: user name or password refused */
int tgv_socks5_parse_login(const uint8_t *data, size_t len, size_t *used);

/* The reply to CONNECT and UDP ASSOCIATE. */
struct tgv_socks5_reply {
    uint8_t code; /* 0 is success */
    struct tgv_addr addr; /* family TGV_AF_NONE: the domain below is to be
                           * resolved; port is valid in either case */
    char domain[TGV_SOCKS5_DOMAIN_MAX + 1]; /* "" for an address */
};
/* @return also TGVOIP_ERR_IO: refused, reply->code says why */
int tgv_socks5_parse_reply(const uint8_t *data, size_t len,
                           struct tgv_socks5_reply *reply, size_t *used);
/* Text of a reply code, constant. */
const char *tgv_socks5_reply_str(uint8_t code);

/* The address to send datagrams to: the reply's, or the proxy's own if the
 * reply's means another host here than there: 0.0.0.0 and ::, and loopback,
 * link-local and private addresses of a proxy that is farther away than these
 * reach. The reply must hold an address. */
struct tgv_addr tgv_socks5_relay_addr(const struct tgv_socks5_reply *reply,
                                      const struct tgv_addr *proxy);

/* Header in front of a datagram for `to`. @return its length, or 0 as above */
size_t tgv_socks5_udp_header(const struct tgv_addr *to, uint8_t *out,
                             size_t cap);
/*
 * Take a proxied datagram apart.
 * @param[out] data inside the datagram
 * @return 0; TGVOIP_ERR_UNSUPPORTED (a fragment, or a domain as source: drop);
 *         TGVOIP_ERR_FORMAT
 */
int tgv_socks5_udp_parse(const uint8_t *datagram, size_t len,
                         struct tgv_addr *from, const uint8_t **data,
                         size_t *data_len);

#endif
