/* SPDX-License-Identifier: MIT */
/* Arguments that are more than a number: hex bytes, files, relays. */
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = tolower(c);
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static char *read_all(struct opts *opts, FILE *file, const char *path,
                      size_t max, size_t *size)
{
    char *text = malloc(max + 2);

    if (!text) {
        opts_refuse(opts, "out of memory");
        return NULL;
    }
    *size = fread(text, 1, max + 1, file);
    text[*size] = '\0';
    if (ferror(file))
        opts_refuse(opts, "%s: %s", path, strerror(errno));
    else if (*size > max)
        opts_refuse(opts, "%s: longer than %zu bytes", path, max);
    else
        return text;
    tgvoip_wipe(text, *size);
    free(text);
    return NULL;
}

char *opts_text(struct opts *opts, size_t max, size_t *size)
{
    const char *path = opts->value + 1;
    char *text;
    FILE *file;

    if (opts->value[0] != '@') {
        *size = strlen(opts->value);
        text = strdup(opts->value);
        if (!text)
            opts_refuse(opts, "out of memory");
        return text;
    }
    if (!strcmp(path, "-")) {
        file = stdin;
        path = "standard input";
    } else {
        file = fopen(path, "rb");
    }
    if (!file) {
        opts_refuse(opts, "%s: %s", path, strerror(errno));
        return NULL;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a key in stdio's buffer */
    text = read_all(opts, file, path, max, size);
    if (file != stdin)
        fclose(file);
    return text;
}

bool opts_path(struct opts *opts, const char **path)
{
    *path = opts->value;
    return opts->value[0] || opts_refuse(opts, "needs the name of a file");
}

const char *opts_file(const struct opts *opts)
{
    if (opts->value[0] != '@' || !strcmp(opts->value, "@-"))
        return NULL;
    return opts->value + 1;
}

/* Message of a text that is not `want` hex digits. */
static bool refuse_hex(struct opts *opts, size_t digits, size_t want, int bad,
                       size_t where)
{
    if (bad >= 0)
        return opts_refuse(opts, "character %zu is not a hex digit", where);
    return opts_refuse(opts, "%zu hex digits, %zu are needed", digits, want);
}

bool opts_hex(struct opts *opts, uint8_t *out, size_t size)
{
    bool from_argv = opts->value[0] != '@';
    size_t len, i, digits = 0;
    char *text = opts_text(opts, 4096, &len);
    int bad = -1, v;

    if (!text)
        return false;
    memset(out, 0, size);
    for (i = 0; i < len && bad < 0; i++) {
        if (isspace((unsigned char)text[i]))
            continue;
        v = hex_digit((unsigned char)text[i]);
        if (v < 0)
            bad = (unsigned char)text[i];
        else if (digits++ < 2 * size)
            out[(digits - 1) / 2] |= (uint8_t)(digits % 2 ? v << 4 : v);
    }
    tgvoip_wipe(text, len);
    free(text);
    if (from_argv) /* leave the process list as early as we can */
        memset(opts->value, 'x', strlen(opts->value));
    if (bad < 0 && digits == 2 * size)
        return true;
    tgvoip_wipe(out, size);
    return refuse_hex(opts, digits, 2 * size, bad, i);
}

bool opts_tag(const char *text, size_t len, uint8_t tag[TGVOIP_TAG_BYTES])
{
    size_t i;

    if (len != 2 * TGVOIP_TAG_BYTES)
        return false;
    for (i = 0; i < TGVOIP_TAG_BYTES; i++) {
        int hi = hex_digit((unsigned char)text[2 * i]);
        int lo = hex_digit((unsigned char)text[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        tag[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static bool take_name(struct opts *opts, const char *host,
                      struct opts_relay *out)
{
    if (strspn(host, "0123456789.") == strlen(host))
        return opts_refuse(opts, "'%.60s' is not an IPv4 address", host);
    if (strlen(host) >= sizeof(out->host))
        return opts_refuse(opts, "host '%.60s...' is too long", host);
    strcpy(out->host, host);
    return true;
}

bool opts_relay_lookup(struct tool *tool, const char *option,
                       struct opts_relay *relay)
{
    struct addrinfo hints, *list = NULL;
    bool v6;
    int err;

    if (!relay->host[0])
        return true;
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_DGRAM;
    err = getaddrinfo(relay->host, NULL, &hints, &list);
    if (err) {
        diag_error(&tool->diag, option, "host '%.60s': %s", relay->host,
                   gai_strerror(err));
        return false;
    }
    v6 = list->ai_family == AF_INET6;
    if (!v6 || !relay->ipv6[0])
        getnameinfo(list->ai_addr, list->ai_addrlen,
                    v6 ? relay->ipv6 : relay->ipv4,
                    v6 ? sizeof(relay->ipv6) : sizeof(relay->ipv4), NULL, 0,
                    NI_NUMERICHOST);
    freeaddrinfo(list);
    return true;
}

static bool set_ipv6(struct opts *opts, const char *text,
                     struct opts_relay *out)
{
    struct in6_addr a;
    size_t len = strlen(text);
    char host[64];

    if (text[0] == '[' && len > 2 && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return opts_refuse(opts, "'%.60s' is not an IPv6 address", text);
    memcpy(host, text, len);
    host[len] = '\0';
    if (inet_pton(AF_INET6, host, &a) != 1)
        return opts_refuse(opts, "'%.60s' is not an IPv6 address", host);
    inet_ntop(AF_INET6, &a, out->ipv6, sizeof(out->ipv6));
    return true;
}

/* Take the host from the front of *text, up to and with its colon. */
static bool take_host(struct opts *opts, char **text, struct opts_relay *out)
{
    char *host = *text, *end;
    struct in_addr a;

    if (host[0] == '[') {
        end = strchr(host, ']');
        if (!end || end[1] != ':')
            return opts_refuse(opts, "'[ADDR]:PORT:TAGHEX' expected");
        *end = '\0';
        *text = end + 2;
        return set_ipv6(opts, host + 1, out);
    }
    end = strchr(host, ':');
    if (!end || end == host)
        return opts_refuse(opts, "HOST:PORT:TAGHEX expected");
    *end = '\0';
    *text = end + 1;
    if (inet_pton(AF_INET, host, &a) != 1)
        return take_name(opts, host, out);
    inet_ntop(AF_INET, &a, out->ipv4, sizeof(out->ipv4));
    return true;
}

static bool take_port(struct opts *opts, char **text, uint16_t *port)
{
    char *end = strchr(*text, ':');
    char *stop;
    unsigned long v;

    if (!end)
        return opts_refuse(opts, "the tag is missing, HOST:PORT:TAGHEX "
                                 "expected");
    *end = '\0';
    v = strtoul(*text, &stop, 10);
    if (!isdigit((unsigned char)(*text)[0]) || *stop)
        return opts_refuse(opts, "port '%.20s' is not a number", *text);
    if (v < 1 || v > 65535 || strlen(*text) > 5)
        return opts_refuse(opts, "port %.20s is out of range 1..65535", *text);
    *port = (uint16_t)v;
    *text = end + 1;
    return true;
}

static bool take_id(struct opts *opts, const char *text, struct opts_relay *out)
{
    char *stop;
    long long v;

    errno = 0;
    v = strtoll(text, &stop, 10);
    if (*stop || errno || !isdigit((unsigned char)text[text[0] == '-' ? 1 : 0]))
        return opts_refuse(opts, "id '%.30s' is not a 64-bit number", text);
    out->id = v;
    out->has_id = true;
    return true;
}

static bool parse_relay(struct opts *opts, char *text, struct opts_relay *out)
{
    char *extra = strchr(text, ',');
    char *id;

    if (extra)
        *extra++ = '\0';
    if (!take_host(opts, &text, out) || !take_port(opts, &text, &out->port))
        return false;
    id = strchr(text, ':');
    if (id)
        *id++ = '\0';
    if (!opts_tag(text, strlen(text), out->tag))
        return opts_refuse(opts, "tag '%.40s' is not 32 hex digits", text);
    if (id && !take_id(opts, id, out))
        return false;
    if (!extra)
        return true;
    if (strncmp(extra, "ipv6=", 5))
        return opts_refuse(opts,
                           "'%.40s' is unknown, only ipv6=ADDR may "
                           "follow the comma",
                           extra);
    return set_ipv6(opts, extra + 5, out);
}

bool opts_relay(struct opts *opts, struct opts_relay *out)
{
    char *copy = strdup(opts->value);
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!copy)
        return opts_refuse(opts, "out of memory");
    ok = parse_relay(opts, copy, out);
    free(copy);
    return ok;
}
