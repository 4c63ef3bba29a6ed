/* SPDX-License-Identifier: MIT */
#include "transport/socks5.h"

#include "base/bytes.h"

#include <string.h>

#include <tgvoip/error.h>

#define VERSION 5
#define LOGIN_VERSION 1
#define COMMAND_CONNECT 1
#define COMMAND_UDP_ASSOCIATE 3

enum address_type { TYPE_IPV4 = 1, TYPE_DOMAIN = 3, TYPE_IPV6 = 4 };

static size_t finish(const struct tgv_writer *w)
{
    return w->failed ? 0 : w->pos;
}

size_t tgv_socks5_greeting(enum tgv_socks5_method method, uint8_t *out,
                           size_t cap)
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, VERSION);
    if (method == TGV_SOCKS5_USER_PASSWORD) {
        tgv_write_u8(&w, 2);
        tgv_write_u8(&w, TGV_SOCKS5_NO_AUTH);
        tgv_write_u8(&w, TGV_SOCKS5_USER_PASSWORD);
    } else {
        tgv_write_u8(&w, 1);
        tgv_write_u8(&w, TGV_SOCKS5_NO_AUTH);
    }
    return finish(&w);
}

static void write_string(struct tgv_writer *w, const char *text, size_t len)
{
    if (len > 255)
        len = 255;
    tgv_write_u8(w, (uint8_t)len);
    tgv_write_bytes(w, text, len);
}

size_t tgv_socks5_login(const char *user, size_t user_len, const char *password,
                        size_t password_len, uint8_t *out, size_t cap)
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, LOGIN_VERSION);
    write_string(&w, user, user_len);
    write_string(&w, password, password_len);
    return finish(&w);
}

static void write_addr(struct tgv_writer *w, const struct tgv_addr *a)
{
    if (a->family == TGV_AF_IPV4) {
        tgv_write_u8(w, TYPE_IPV4);
        tgv_write_bytes(w, a->ip, 4);
    } else if (a->family == TGV_AF_IPV6) {
        tgv_write_u8(w, TYPE_IPV6);
        tgv_write_bytes(w, a->ip, 16);
    } else {
        w->failed = true;
    }
    tgv_write_u16be(w, a->port);
}

static size_t command(uint8_t code, const struct tgv_addr *a, uint8_t *out,
                      size_t cap)
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, VERSION);
    tgv_write_u8(&w, code);
    tgv_write_u8(&w, 0);
    write_addr(&w, a);
    return finish(&w);
}

size_t tgv_socks5_connect(const struct tgv_addr *to, uint8_t *out, size_t cap)
{
    return command(COMMAND_CONNECT, to, out, cap);
}

size_t tgv_socks5_udp_associate(uint8_t *out, size_t cap)
{
    const struct tgv_addr any = {.family = TGV_AF_IPV4};

    return command(COMMAND_UDP_ASSOCIATE, &any, out, cap);
}

int tgv_socks5_parse_method(const uint8_t *data, size_t len,
                            enum tgv_socks5_method offered,
                            enum tgv_socks5_method *chosen, size_t *used)
{
    *used = 0;
    *chosen = TGV_SOCKS5_NO_AUTH;
    if (len >= 1 && data[0] != VERSION)
        return TGVOIP_ERR_FORMAT;
    if (len < 2)
        return TGVOIP_ERR_AGAIN;
    if (data[1] != TGV_SOCKS5_NO_AUTH && data[1] != offered)
        return TGVOIP_ERR_ACCESS;
    *chosen = (enum tgv_socks5_method)data[1];
    *used = 2;
    return 0;
}

int tgv_socks5_parse_login(const uint8_t *data, size_t len, size_t *used)
{
    *used = 0;
    if (len >= 1 && data[0] != LOGIN_VERSION)
        return TGVOIP_ERR_FORMAT;
    if (len < 2)
        return TGVOIP_ERR_AGAIN;
    if (data[1] != 0)
        return TGVOIP_ERR_ACCESS;
    *used = 2;
    return 0;
}

/* Address type, address, port.
 * @return 0, TGVOIP_ERR_AGAIN (bytes missing), TGVOIP_ERR_FORMAT */
static int read_addr(struct tgv_reader *r, struct tgv_addr *addr, char *domain)
{
    uint8_t type = tgv_read_u8(r);
    size_t n = type == TYPE_IPV4 ? 4 : 16;
    const uint8_t *bytes;

    if (r->failed)
        return TGVOIP_ERR_AGAIN;
    if (type != TYPE_IPV4 && type != TYPE_IPV6 && type != TYPE_DOMAIN)
        return TGVOIP_ERR_FORMAT;
    if (type == TYPE_DOMAIN) {
        n = tgv_read_u8(r);
        if (!r->failed && n == 0)
            return TGVOIP_ERR_FORMAT;
    }
    bytes = tgv_read_bytes(r, n);
    addr->port = tgv_read_u16be(r);
    if (r->failed)
        return TGVOIP_ERR_AGAIN;
    if (type != TYPE_DOMAIN) {
        addr->family = type == TYPE_IPV4 ? TGV_AF_IPV4 : TGV_AF_IPV6;
        memcpy(addr->ip, bytes, n);
        return 0;
    }
    memcpy(domain, bytes, n);
    domain[n] = '\0';
    /* A name with a zero inside would be another one than was sent. */
    return strlen(domain) == n ? 0 : TGVOIP_ERR_FORMAT;
}

int tgv_socks5_parse_reply(const uint8_t *data, size_t len,
                           struct tgv_socks5_reply *reply, size_t *used)
{
    struct tgv_reader r;
    int err;

    *used = 0;
    memset(reply, 0, sizeof(*reply));
    if (len >= 1 && data[0] != VERSION)
        return TGVOIP_ERR_FORMAT;
    if (len < 2)
        return TGVOIP_ERR_AGAIN;
    reply->code = data[1];
    if (reply->code) /* some proxies send nothing more */
        return TGVOIP_ERR_IO;
    tgv_reader_init(&r, data, len);
    (void)tgv_read_bytes(&r, 3); /* version, code, reserved */
    err = read_addr(&r, &reply->addr, reply->domain);
    if (err) {
        memset(reply, 0, sizeof(*reply));
        return err;
    }
    *used = r.pos;
    return 0;
}

const char *tgv_socks5_reply_str(uint8_t code)
{
    static const char *const text[] = {
        "success",
        "general failure of the proxy",
        "not allowed by the proxy's rules",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "TTL expired",
        "command not supported",
        "address type not supported",
    };

    return code < sizeof(text) / sizeof(*text) ? text[code] : "unknown failure";
}

/* How far an address means the same host, narrower and narrower. */
enum scope { GLOBAL, PRIVATE, LINK, HOST, NOWHERE };

static enum scope scope_v4(const uint8_t ip[4])
{
    if (ip[0] == 0)
        return NOWHERE;
    if (ip[0] == 127)
        return HOST;
    if (ip[0] == 169 && ip[1] == 254)
        return LINK;
    if (ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
        (ip[0] == 192 && ip[1] == 168) ||
        (ip[0] == 100 && (ip[1] & 0xc0) == 64))
        return PRIVATE;
    return GLOBAL;
}

static enum scope scope_of(const struct tgv_addr *a)
{
    static const uint8_t any[16];

    if (a->family == TGV_AF_IPV4)
        return scope_v4(a->ip);
    if (memcmp(a->ip, any, sizeof(any)) == 0)
        return NOWHERE;
    if (tgv_addr_is_loopback(a))
        return HOST;
    if (a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80)
        return LINK;
    return (a->ip[0] & 0xfe) == 0xfc ? PRIVATE : GLOBAL;
}

static struct tgv_addr unmapped(const struct tgv_addr *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (a->family != TGV_AF_IPV6 || memcmp(a->ip, mapped, sizeof(mapped)) != 0)
        return *a;
    return tgv_addr_ipv4(a->ip + sizeof(mapped), a->port);
}

struct tgv_addr tgv_socks5_relay_addr(const struct tgv_socks5_reply *reply,
                                      const struct tgv_addr *proxy)
{
    struct tgv_addr a = unmapped(&reply->addr);

    if (a.family != TGV_AF_NONE && scope_of(&a) > scope_of(proxy)) {
        a = *proxy;
        a.port = reply->addr.port;
    }
    return a;
}

size_t tgv_socks5_udp_header(const struct tgv_addr *to, uint8_t *out,
                             size_t cap)
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, cap);
    tgv_write_u16be(&w, 0); /* reserved */
    tgv_write_u8(&w, 0); /* not a fragment */
    write_addr(&w, to);
    return finish(&w);
}

int tgv_socks5_udp_parse(const uint8_t *datagram, size_t len,
                         struct tgv_addr *from, const uint8_t **data,
                         size_t *data_len)
{
    char domain[TGV_SOCKS5_DOMAIN_MAX + 1];
    struct tgv_reader r;
    uint8_t fragment;

    memset(from, 0, sizeof(*from));
    *data = NULL;
    *data_len = 0;
    tgv_reader_init(&r, datagram, len);
    (void)tgv_read_u16be(&r); /* reserved */
    fragment = tgv_read_u8(&r);
    if (!r.failed && fragment)
        return TGVOIP_ERR_UNSUPPORTED;
    if (read_addr(&r, from, domain)) {
        memset(from, 0, sizeof(*from));
        return TGVOIP_ERR_FORMAT;
    }
    if (from->family == TGV_AF_NONE)
        return TGVOIP_ERR_UNSUPPORTED;
    *data = datagram + r.pos;
    *data_len = len - r.pos;
    return 0;
}
