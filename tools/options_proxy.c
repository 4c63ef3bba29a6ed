/* SPDX-License-Identifier: MIT */
/* socks5://[user:pass@]host:port. No message shows what was given: a password
 * could be anywhere in it. */
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 4096

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decode [text, end) into a string of at most OPTS_PROXY_TEXT - 1
 * bytes. */
static bool decode(struct opts *opts, const char *what, const char *text,
                   const char *end, char *out)
{
    size_t n = 0;

    while (text < end) {
        int c = (unsigned char)*text++;

        if (c == '%') {
            int hi = end - text >= 2 ? hex_digit(text[0]) : -1;
            int lo = hi >= 0 ? hex_digit(text[1]) : -1;

            c = lo >= 0 ? hi << 4 | lo : 0;
            text += 2;
        }
        if (c == 0)
            return opts_refuse(opts,
                               "%s: %% must be followed by two hex digits "
                               "of a byte that is not 0",
                               what);
        if (n == OPTS_PROXY_TEXT - 1)
            return opts_refuse(opts, "%s: longer than %d bytes", what,
                               OPTS_PROXY_TEXT - 1);
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n > 0 || opts_refuse(opts, "%s is empty", what);
}

static bool take_login(struct opts *opts, const char *text, const char *end,
                       struct opts_proxy *out)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));

    if (!colon)
        return opts_refuse(opts, "the password is missing, user:pass@ "
                                 "expected");
    return decode(opts, "user", text, colon, out->user) &&
           decode(opts, "password", colon + 1, end, out->password);
}

static bool take_port(struct opts *opts, const char *text, uint16_t *port)
{
    size_t digits = strspn(text, "0123456789");
    long v = digits > 0 && digits < 6 ? strtol(text, NULL, 10) : 0;

    if (!strcmp(text + digits, "/"))
        digits++;
    if (text[digits] || v < 1 || v > 65535)
        return opts_refuse(opts, "the port must be a number, 1..65535");
    *port = (uint16_t)v;
    return true;
}

/* No name has blanks or control characters; a @FILE of two lines would. */
static bool is_plain(const char *host)
{
    for (; *host; host++)
        if ((unsigned char)*host <= ' ' || *host == 0x7f)
            return false;
    return true;
}

static bool take_place(struct opts *opts, char *text, struct opts_proxy *out)
{
    bool bracket = text[0] == '[';
    char *end = bracket ? strchr(++text, ']') : strchr(text, ':');
    struct in6_addr a;

    if (!end || end == text || (bracket && end[1] != ':'))
        return opts_refuse(opts, "host and port are missing, "
                                 "socks5://[user:pass@]host:port expected");
    *end = '\0';
    if (strlen(text) >= sizeof(out->host))
        return opts_refuse(opts, "the host is too long");
    if (!is_plain(text))
        return opts_refuse(opts, "blanks or control characters in the host");
    if (bracket && inet_pton(AF_INET6, text, &a) != 1)
        return opts_refuse(opts, "no IPv6 address between the brackets");
    strcpy(out->host, text);
    return take_port(opts, end + (bracket ? 2 : 1), &out->port);
}

static bool parse(struct opts *opts, char *text, struct opts_proxy *out)
{
    static const char scheme[] = "socks5://";
    char *at = strrchr(text, '@');

    if (strncmp(text, scheme, sizeof(scheme) - 1))
        return opts_refuse(opts, "socks5://[user:pass@]host:port expected");
    text += sizeof(scheme) - 1;
    if (at && !take_login(opts, text, at, out))
        return false;
    return take_place(opts, at ? at + 1 : text, out);
}

bool opts_proxy(struct opts *opts, struct opts_proxy *out)
{
    bool from_argv = opts->value[0] != '@', ok;
    size_t size, len;
    char *text = opts_text(opts, URL_MAX, &size);

    tgvoip_wipe(out, sizeof(*out));
    if (!text)
        return false;
    if (from_argv) /* leave the process list as early as we can */
        memset(opts->value, 'x', strlen(opts->value));
    len = strlen(text);
    ok = len == size || opts_refuse(opts, "a zero byte is in it");
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    ok = ok && parse(opts, text, out);
    tgvoip_wipe(text, size);
    free(text);
    if (!ok)
        tgvoip_wipe(out, sizeof(*out));
    return ok;
}
