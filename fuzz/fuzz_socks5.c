/* SPDX-License-Identifier: MIT */
/*
 * Replies of a SOCKS5 proxy. Input: u8 which parser, bytes.
 * Invariants: a parser says AGAIN only until the reply is whole, says the same
 * of a longer input whose beginning it understood, and uses no more bytes than
 * there are.
 */
#include "fuzz.h"

#include "transport/socks5.h"

#include <string.h>

#include <tgvoip/error.h>

static int parse(unsigned which, const uint8_t *p, size_t len,
                 struct tgv_socks5_reply *reply, size_t *used)
{
    enum tgv_socks5_method chosen;

    switch (which & 3) {
    case 0:
        return tgv_socks5_parse_method(p, len, TGV_SOCKS5_NO_AUTH, &chosen,
                                       used);
    case 1:
        return tgv_socks5_parse_method(p, len, TGV_SOCKS5_USER_PASSWORD,
                                       &chosen, used);
    case 2:
        return tgv_socks5_parse_login(p, len, used);
    default:
        return tgv_socks5_parse_reply(p, len, reply, used);
    }
}

static void check_growing(unsigned which, const uint8_t *p, size_t len)
{
    struct tgv_socks5_reply reply;
    int before = TGVOIP_ERR_AGAIN, err;
    size_t used, used_before = 0;

    for (size_t n = 0; n <= len; n++) {
        err = parse(which, p, n, &reply, &used);
        FUZZ_CHECK(used <= n && (err != TGVOIP_ERR_AGAIN || used == 0));
        if (before != TGVOIP_ERR_AGAIN)
            FUZZ_CHECK(err == before && used == used_before);
        before = err;
        used_before = used;
    }
    if ((which & 3) == 3 && before == 0) {
        struct tgv_addr proxy = tgv_addr_ipv4((const uint8_t *)"\x0a\0\0\1", 9);
        FUZZ_CHECK(strlen(reply.domain) <= TGV_SOCKS5_DOMAIN_MAX);
        if (reply.addr.family != TGV_AF_NONE)
            (void)tgv_socks5_relay_addr(&reply, &proxy);
    }
    (void)tgv_socks5_reply_str(len ? p[0] : 0);
}

static void check_datagram(const uint8_t *p, size_t len)
{
    uint8_t header[TGV_SOCKS5_UDP_HEADER_MAX];
    struct tgv_addr from;
    const uint8_t *data;
    size_t data_len, n;

    if (tgv_socks5_udp_parse(p, len, &from, &data, &data_len))
        return;
    FUZZ_CHECK(data >= p && data + data_len == p + len);
    n = tgv_socks5_udp_header(&from, header, sizeof header);
    FUZZ_CHECK(n == len - data_len && memcmp(header + 3, p + 3, n - 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 600)
        return 0;
    if (data[0] & 4)
        check_datagram(data + 1, size - 1);
    else
        check_growing(data[0], data + 1, size - 1);
    return 0;
}
