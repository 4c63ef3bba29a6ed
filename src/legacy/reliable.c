/* SPDX-License-Identifier: MIT */
/*
 * Packets that peers below version 6 get in place of extras: sent again, each
 * time with a new number, until one copy is acknowledged.
 * Source: wire specification 5.5
 */
#include "legacy/internal.h"

#include <string.h>

static struct tgv_reliable *slot_for(struct tgv_call *c, uint8_t type)
{
    for (size_t i = 0; i < TGV_RELIABLE_SLOTS; i++)
        if (c->reliable[i].type == type)
            return &c->reliable[i];
    return NULL;
}

static void transmit(struct tgv_call *c, struct tgv_reliable *r, tgv_time now)
{
    tgv_send_packet(c, TGV_PATH_CURRENT, r->type, r->payload, r->len);
    r->next = now + r->interval;
}

void tgv_reliable_send(struct tgv_call *c, uint8_t type, const uint8_t *payload,
                       size_t len, tgv_time interval, tgv_time timeout,
                       tgv_time now)
{
    struct tgv_reliable *r = slot_for(c, type);

    if (!r)
        r = slot_for(c, 0);
    if (!r || len > sizeof(r->payload))
        return;
    *r = (struct tgv_reliable){.type = type,
                               .len = (uint8_t)len,
                               .interval = interval,
                               .until = now + timeout};
    memcpy(r->payload, payload, len);
    transmit(c, r, now);
}

void tgv_reliable_drop(struct tgv_call *c, uint8_t type)
{
    struct tgv_reliable *r = slot_for(c, type);

    if (r)
        r->type = 0;
}

void tgv_reliable_sent(struct tgv_call *c, const struct tgv_item *item,
                       uint32_t seq)
{
    struct tgv_reliable *r = slot_for(c, item->type);

    /* one that waited while its news were replaced tells the old ones */
    if (r && item->type != 0 && item->len == r->len &&
        memcmp(item->payload, r->payload, r->len) == 0)
        r->seq[r->numbers++ % TGV_RELIABLE_NUMBERS] = seq;
}

static bool delivered(const struct tgv_call *c, const struct tgv_reliable *r)
{
    for (unsigned i = 0; i < r->numbers && i < TGV_RELIABLE_NUMBERS; i++)
        if (tgv_ack_has(&c->ack, r->seq[i]))
            return true;
    return false;
}

void tgv_reliable_run(struct tgv_call *c, tgv_time now)
{
    for (size_t i = 0; i < TGV_RELIABLE_SLOTS; i++) {
        struct tgv_reliable *r = &c->reliable[i];
        if (r->type == 0)
            continue;
        if (delivered(c, r) || now >= r->until)
            r->type = 0;
        else if (now >= r->next)
            transmit(c, r, now);
    }
}
