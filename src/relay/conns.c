/* SPDX-License-Identifier: MIT */
#include "relay/conns.h"

#include "transport/obfuscated.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

int tgv_conns_init(struct tgv_conns *c, const struct tgv_conns_config *config)
{
    uint32_t buckets = 16;

    memset(c, 0, sizeof(*c));
    if (config->cap == 0 || config->cap > TGV_CONNS_MAX)
        return TGVOIP_ERR_INVALID;
    while (buckets < 2 * config->cap)
        buckets *= 2;
    c->key = config->key;
    c->cap = config->cap;
    c->per_host = config->per_host;
    c->mask = buckets - 1;
    memcpy(c->timeout, config->timeout, sizeof(c->timeout));
    c->slots = calloc(c->cap + 1u, sizeof(*c->slots));
    c->hosts = calloc(c->cap + 1u, sizeof(*c->hosts));
    c->buckets = calloc(buckets, sizeof(*c->buckets));
    if (!c->slots || !c->hosts || !c->buckets) {
        tgv_conns_fini(c);
        return TGVOIP_ERR_NOMEM;
    }
    return 0;
}

void tgv_conns_fini(struct tgv_conns *c)
{
    for (uint32_t i = 1; i <= c->used; i++)
        tgv_obf_destroy(c->slots[i].obf);
    free(c->slots);
    free(c->hosts);
    free(c->buckets);
    memset(c, 0, sizeof(*c));
}

/* -- hosts ---------------------------------------------------------------- */

static uint32_t *bucket(const struct tgv_conns *c, const uint64_t ip[2])
{
    return &c->buckets[tgv_hash_words(&c->key, ip, 2) & c->mask];
}

static void host_of(const struct tgv_addr *from, uint64_t ip[2])
{
    uint8_t prefix[16] = {0};

    memcpy(prefix, from->ip, from->family == TGV_AF_IPV6 ? 8 : 4);
    prefix[15] = from->family; /* the two families never meet */
    memcpy(ip, prefix, sizeof(prefix));
}

static uint32_t new_host(struct tgv_conns *c, const uint64_t ip[2])
{
    uint32_t i = c->hosts_free, *head = bucket(c, ip);

    if (i)
        c->hosts_free = c->hosts[i].chain;
    else
        i = ++c->hosts_used; /* there are no more hosts than connections */
    c->hosts[i] = (struct tgv_conn_host){.ip = {ip[0], ip[1]}, .chain = *head};
    *head = i;
    return i;
}

/* Count one more connection. @return false if the host has too many */
static bool enter_host(struct tgv_conns *c, const struct tgv_addr *from,
                       uint32_t *host)
{
    uint64_t ip[2];
    uint32_t i;

    *host = 0;
    if (tgv_addr_is_loopback(from))
        return true;
    host_of(from, ip);
    for (i = *bucket(c, ip); i; i = c->hosts[i].chain)
        if (memcmp(c->hosts[i].ip, ip, sizeof(ip)) == 0)
            break;
    if (!i && c->per_host > 0)
        i = new_host(c, ip);
    if (!i || c->hosts[i].count >= c->per_host)
        return false;
    c->hosts[i].count++;
    *host = i;
    return true;
}

static void leave_host(struct tgv_conns *c, uint32_t host)
{
    struct tgv_conn_host *h = &c->hosts[host];
    uint32_t *link;

    if (!host || --h->count > 0)
        return;
    link = bucket(c, h->ip);
    while (*link != host)
        link = &c->hosts[*link].chain;
    *link = h->chain;
    h->chain = c->hosts_free;
    c->hosts_free = host;
}

/* -- lists of the stages -------------------------------------------------- */

static void list_append(struct tgv_conns *c, uint32_t n)
{
    struct tgv_relay_conn *conn = &c->slots[n];
    struct tgv_conn_list *list = &c->list[conn->stage];

    conn->prev = list->newest;
    conn->next = TGV_CONN_NONE;
    if (list->newest)
        c->slots[list->newest].next = n;
    else
        list->oldest = n;
    list->newest = n;
}

static void list_remove(struct tgv_conns *c, const struct tgv_relay_conn *conn)
{
    struct tgv_conn_list *list = &c->list[conn->stage];

    if (conn->prev)
        c->slots[conn->prev].next = conn->next;
    else
        list->oldest = conn->next;
    if (conn->next)
        c->slots[conn->next].prev = conn->prev;
    else
        list->newest = conn->prev;
}

void tgv_conns_touch(struct tgv_conns *c, uint32_t number,
                     enum tgv_conn_stage stage, tgv_time now)
{
    struct tgv_relay_conn *conn = &c->slots[number];

    list_remove(c, conn);
    conn->stage = stage;
    conn->heard = now;
    list_append(c, number);
}

uint32_t tgv_conns_next(const struct tgv_conns *c, tgv_time *deadline)
{
    uint32_t next = TGV_CONN_NONE;

    *deadline = TGV_NEVER;
    for (int i = 0; i < TGV_CONN_STAGES; i++) {
        uint32_t n = c->list[i].oldest;
        if (n && c->slots[n].heard + c->timeout[i] < *deadline) {
            *deadline = c->slots[n].heard + c->timeout[i];
            next = n;
        }
    }
    return next;
}

/* -- life ----------------------------------------------------------------- */

int tgv_conns_add(struct tgv_conns *c, const struct tgv_addr *from,
                  tgv_time now, uint32_t *number)
{
    struct tgv_relay_conn conn = {.from = *from, .heard = now};
    uint32_t n;

    *number = TGV_CONN_NONE;
    if (c->count >= c->cap || !enter_host(c, from, &conn.host))
        return TGVOIP_ERR_TOO_LARGE;
    if (tgv_obf_create_relay(&conn.obf)) {
        leave_host(c, conn.host);
        return TGVOIP_ERR_NOMEM;
    }
    n = c->free;
    if (n)
        c->free = c->slots[n].next;
    else
        n = ++c->used;
    c->slots[n] = conn;
    list_append(c, n);
    c->count++;
    *number = n;
    return 0;
}

void tgv_conns_remove(struct tgv_conns *c, uint32_t number)
{
    struct tgv_relay_conn *conn = &c->slots[number];

    list_remove(c, conn);
    leave_host(c, conn->host);
    tgv_obf_destroy(conn->obf);
    *conn = (struct tgv_relay_conn){.next = c->free};
    c->free = number;
    c->count--;
}

struct tgv_relay_conn *tgv_conns_get(const struct tgv_conns *c, uint32_t number)
{
    if (number == TGV_CONN_NONE || number > c->used || !c->slots[number].obf)
        return NULL;
    return &c->slots[number];
}
