/* SPDX-License-Identifier: MIT */
#include "negotiate/copy.h"

#include "negotiate/limits.h"

#include <stdlib.h>
#include <string.h>

/* More than any server sends; what is longer is not worth the memory. */
#define BYTES_MAX 4096
#define VERSIONS_MAX 64

/* Gives pieces of one block; with base NULL it only measures. */
struct arena {
    char *base;
    size_t used;
};

static void *piece(struct arena *a, size_t len)
{
    const size_t align = _Alignof(max_align_t);
    void *at = a->base ? a->base + a->used : NULL;

    a->used += (len + align - 1) / align * align;
    return at;
}

static const void *copy_bytes(struct arena *a, const void *from, size_t len)
{
    void *to;

    if (!from)
        return NULL;
    to = piece(a, len);
    if (to && len)
        memcpy(to, from, len);
    return to;
}

static const char *copy_text(struct arena *a, const char *text)
{
    return text ? copy_bytes(a, text, strlen(text) + 1) : NULL;
}

static const struct tgvoip_phone_connection *
copy_connections(struct arena *a, const struct tgvoip_phone_connection *from,
                 size_t count)
{
    struct tgvoip_phone_connection *to;

    if (!from)
        return NULL;
    to = piece(a, count * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        struct tgvoip_phone_connection c = from[i];

        c.ip = copy_text(a, c.ip);
        c.ipv6 = copy_text(a, c.ipv6);
        c.peer_tag = copy_bytes(a, c.peer_tag, c.peer_tag_len);
        if (to)
            to[i] = c;
    }
    return to;
}

static const char *const *copy_versions(struct arena *a,
                                        const char *const *from, size_t count)
{
    const char **to;

    if (!from)
        return NULL;
    to = piece(a, count * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        const char *text = copy_text(a, from[i]);

        if (to)
            to[i] = text;
    }
    return to;
}

static struct tgvoip_phone_call *copy(struct arena *a,
                                      const struct tgvoip_phone_call *call)
{
    struct tgvoip_phone_call *to = piece(a, sizeof(*to));
    struct tgvoip_phone_call c = *call;

    c.bytes = copy_bytes(a, c.bytes, c.bytes_len);
    c.protocol.library_versions = copy_versions(
        a, c.protocol.library_versions, c.protocol.library_version_count);
    c.connection = copy_connections(a, c.connection, 1);
    c.connections = copy_connections(a, c.connections, c.connection_count);
    c.slug = copy_text(a, c.slug);
    if (to)
        *to = c;
    return to;
}

static bool sane(const struct tgvoip_phone_call *call)
{
    if (call->bytes_len > BYTES_MAX ||
        call->connection_count > 2 * TGV_RELAYS_KEPT ||
        call->protocol.library_version_count > VERSIONS_MAX)
        return false;
    for (size_t i = 0; call->connections && i < call->connection_count; i++)
        if (call->connections[i].peer_tag_len > BYTES_MAX)
            return false;
    return !call->connection || call->connection->peer_tag_len <= BYTES_MAX;
}

struct tgvoip_phone_call *
tgv_phone_call_copy(const struct tgvoip_phone_call *call)
{
    struct arena a = {NULL, 0};

    if (!sane(call))
        return NULL;
    copy(&a, call);
    if (a.used > (1u << 20))
        return NULL;
    a.base = malloc(a.used);
    a.used = 0;
    return a.base ? copy(&a, call) : NULL;
}
