/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <stdio.h>
#include <string.h>

struct tgv_addr tgv_addr_ipv4(const uint8_t ip[4], uint16_t port)
{
    struct tgv_addr a = {.family = TGV_AF_IPV4, .port = port};
    memcpy(a.ip, ip, 4);
    return a;
}

struct tgv_addr tgv_addr_ipv6(const uint8_t ip[16], uint16_t port)
{
    struct tgv_addr a = {.family = TGV_AF_IPV6, .port = port};
    memcpy(a.ip, ip, 16);
    return a;
}

bool tgv_addr_same_ip(const struct tgv_addr *a, const struct tgv_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

bool tgv_addr_equal(const struct tgv_addr *a, const struct tgv_addr *b)
{
    return a->port == b->port && tgv_addr_same_ip(a, b);
}

bool tgv_addr_is_loopback(const struct tgv_addr *a)
{
    static const uint8_t v6[16] = {[15] = 1};

    if (a->family == TGV_AF_IPV4)
        return a->ip[0] == 127;
    return a->family == TGV_AF_IPV6 && memcmp(a->ip, v6, 16) == 0;
}

/* Decimal number without sign, blank or leading zero, at most max. */
static bool parse_decimal(const char **p, unsigned max, unsigned *out)
{
    unsigned v = 0;
    const char *s = *p;

    if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
        return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        v = v * 10 + (unsigned)(*s - '0');
        if (v > max)
            return false;
    }
    *p = s;
    *out = v;
    return true;
}

static bool parse_ipv4(const char *s, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned v;
        if (!parse_decimal(&s, 255, &v))
            return false;
        ip[i] = (uint8_t)v;
        if (*s++ != (i < 3 ? '.' : '\0'))
            return false;
    }
    return true;
}

/* One group of 1..4 hex digits. */
static bool parse_group(const char **p, unsigned *out)
{
    unsigned v = 0;
    const char *s = *p;

    for (; s - *p < 4; s++) {
        if (*s >= '0' && *s <= '9')
            v = v * 16 + (unsigned)(*s - '0');
        else if ((*s | 32) >= 'a' && (*s | 32) <= 'f')
            v = v * 16 + (unsigned)((*s | 32) - 'a' + 10);
        else
            break;
    }
    if (s == *p)
        return false;
    *p = s;
    *out = v;
    return true;
}

static bool parse_ipv6(const char *s, uint8_t ip[16])
{
    uint8_t out[16] = {0};
    int n = 0, gap = -1;

    if (s[0] == ':' && s[1] == ':') {
        gap = 0;
        s += 2;
    }
    while (*s) {
        unsigned v;
        uint8_t v4[4];
        if (n <= 12 && strchr(s, '.') && !strchr(s, ':')) {
            if (!parse_ipv4(s, v4))
                return false;
            memcpy(out + n, v4, 4);
            n += 4;
            break;
        }
        if (n > 14 || !parse_group(&s, &v))
            return false;
        out[n++] = (uint8_t)(v >> 8);
        out[n++] = (uint8_t)v;
        if (*s == '\0')
            break;
        if (*s++ != ':' || *s == '\0')
            return false;
        if (*s == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            s++;
        } else if (*s == '\0') {
            return false;
        }
    }
    if (gap < 0 ? n != 16 : n > 14)
        return false;
    if (gap >= 0) {
        memmove(out + 16 - (n - gap), out + gap, (size_t)(n - gap));
        memset(out + gap, 0, (size_t)(16 - n));
    }
    memcpy(ip, out, 16);
    return true;
}

bool tgv_addr_parse_ip(const char *text, uint16_t port, struct tgv_addr *out)
{
    uint8_t ip[16];

    if (parse_ipv4(text, ip))
        *out = tgv_addr_ipv4(ip, port);
    else if (parse_ipv6(text, ip))
        *out = tgv_addr_ipv6(ip, port);
    else
        return false;
    return true;
}

bool tgv_addr_parse(const char *text, struct tgv_addr *out)
{
    char host[TGV_ADDR_TEXT];
    const char *colon = strrchr(text, ':');
    unsigned port;

    if (!colon)
        return false;
    const char *p = colon + 1;
    if (!parse_decimal(&p, 65535, &port) || *p != '\0')
        return false;
    const char *start = text, *end = colon;
    bool bracket = *start == '[';
    if (bracket) {
        if (end - start < 2 || end[-1] != ']')
            return false;
        start++;
        end--;
    }
    if ((size_t)(end - start) >= sizeof(host))
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    return tgv_addr_parse_ip(host, (uint16_t)port, out) &&
           (out->family == TGV_AF_IPV6) == bracket;
}

/* RFC 5952: the longest run of zero groups becomes "::". */
static void format_ipv6(const uint8_t ip[16], char *text, size_t cap)
{
    int best = -1, best_len = 1;
    size_t n = 0;

    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && !ip[2 * (i + len)] && !ip[2 * (i + len) + 1])
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    text[0] = '\0';
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            n += (size_t)snprintf(text + n, cap - n, "::");
            i += best_len - 1;
            continue;
        }
        bool colon = i > 0 && i != best + best_len;
        n += (size_t)snprintf(text + n, cap - n, "%s%x", colon ? ":" : "",
                              (unsigned)(ip[2 * i] << 8 | ip[2 * i + 1]));
    }
}

const char *tgv_addr_format(const struct tgv_addr *a, char *text, size_t cap)
{
    char ip[48];

    if (a->family == TGV_AF_IPV4) {
        snprintf(text, cap, "%u.%u.%u.%u:%u", a->ip[0], a->ip[1], a->ip[2],
                 a->ip[3], a->port);
    } else if (a->family == TGV_AF_IPV6) {
        format_ipv6(a->ip, ip, sizeof(ip));
        snprintf(text, cap, "[%s]:%u", ip, a->port);
    } else {
        snprintf(text, cap, "-");
    }
    return text;
}
