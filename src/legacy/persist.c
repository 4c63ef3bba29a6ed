/* SPDX-License-Identifier: MIT */
#include "legacy/persist.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

#include <tgvoip/error.h>

static void load_proxy(struct tgv_persist *p, const struct tgv_json *proxy)
{
    const char *server = tgv_json_str(tgv_json_get(proxy, "server"));

    if (!server || server[0] == '\0' || strlen(server) >= sizeof(p->server))
        return;
    if (!tgv_json_bool(tgv_json_get(proxy, "udp"), &p->udp) ||
        !tgv_json_bool(tgv_json_get(proxy, "tcp"), &p->tcp))
        return;
    strcpy(p->server, server);
    p->has_proxy = true;
}

int tgv_persist_load(struct tgv_persist *p, const char *text, size_t len,
                     char *why, size_t why_cap)
{
    struct tgv_json *root;

    memset(p, 0, sizeof(*p));
    why[0] = '\0';
    if (len == 0)
        return 0;
    root = tgv_json_parse(text, len, why, why_cap);
    if (!root)
        return TGVOIP_ERR_FORMAT;
    if (!tgv_json_is_object(root)) {
        tgv_json_free(root);
        snprintf(why, why_cap, "not a JSON object");
        return TGVOIP_ERR_FORMAT;
    }
    const struct tgv_json *proxy = tgv_json_get(root, "proxy");
    if (proxy)
        load_proxy(p, proxy);
    tgv_json_free(root);
    return 0;
}

char *tgv_persist_dump(const struct tgv_persist *p)
{
    struct tgv_json *o = tgv_json_object();
    char *text;

    tgv_json_set(o, "ver", tgv_json_new_int(1));
    if (p->has_proxy) {
        struct tgv_json *proxy = tgv_json_object();
        tgv_json_set(proxy, "server", tgv_json_new_str(p->server));
        tgv_json_set(proxy, "udp", tgv_json_new_bool(p->udp));
        tgv_json_set(proxy, "tcp", tgv_json_new_bool(p->tcp));
        tgv_json_set(o, "proxy", proxy);
    }
    text = tgv_json_dump(o);
    tgv_json_free(o);
    return text;
}
