/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_PERSIST_H
#define TGV_LEGACY_PERSIST_H
/*
 * What a call remembers for the next one: a JSON object
 *   {"ver": 1, "proxy": {"server": "host:port", "udp": bool, "tcp": bool}}
 * where "proxy", what is known of the SOCKS5 proxy that was last tested, may
 * be missing. What was loaded is kept until something newer is learned.
 * Source: behaviour notes 17.2
 */
#include <stdbool.h>
#include <stddef.h>

#define TGV_PERSIST_SERVER_MAX 264 /* a host name, a colon, a port */

struct tgv_persist {
    bool has_proxy;
    char server[TGV_PERSIST_SERVER_MAX];
    bool udp, tcp; /* it passes this */
};

/**
 * Load a text written by tgv_persist_dump(), or by the original. An empty
 * text, unknown members and members of the wrong type are ignored.
 *
 * @param[out] why what is wrong with the text, empty if nothing is
 * @return 0, or TGVOIP_ERR_FORMAT (no JSON object): then nothing is known
 */
int tgv_persist_load(struct tgv_persist *p, const char *text, size_t len,
                     char *why, size_t why_cap);
/* malloc'ed, one line; NULL when memory is short */
char *tgv_persist_dump(const struct tgv_persist *p);

#endif
