/* SPDX-License-Identifier: MIT */
#include "net/police.h"

#include <string.h>

#define SLOTS_MIN 8
/* So many slots without loss are the end of what is looked at. Losses may come
 * at any time, and more is sent because of them: before and after would look
 * like little and much. */
#define CLEAN_MAX 2
/* Of what exceeds nothing is to be made: less may be anything. */
#define LOSS_MIN 0.05
/* So much of the error of the other explanation is left at most. */
#define BETTER 0.3

void tgv_police_forget(struct tgv_police *p)
{
    memset(p, 0, sizeof(*p));
}

static void advance(struct tgv_police *p, int64_t slot)
{
    if (p->newest && slot - p->newest >= TGV_POLICE_SLOTS)
        tgv_police_forget(p);
    if (!p->newest)
        p->newest = slot;
    while (p->newest < slot) {
        p->newest++;
        if (p->known < TGV_POLICE_SLOTS - 1)
            p->known++;
        memset(&p->slots[p->newest % TGV_POLICE_SLOTS], 0, sizeof(p->slots[0]));
    }
}

void tgv_police_add(struct tgv_police *p, size_t bytes, bool lost, tgv_time at)
{
    int64_t slot = at / TGV_POLICE_SLOT_US;

    advance(p, slot);
    if (slot <= p->newest - TGV_POLICE_SLOTS)
        return;
    p->slots[slot % TGV_POLICE_SLOTS].sent += (double)bytes;
    p->slots[slot % TGV_POLICE_SLOTS].lost += lost ? (double)bytes : 0.0;
}

struct view {
    unsigned count;
    double sent[TGV_POLICE_SLOTS], came[TGV_POLICE_SLOTS];
    double loss; /* share of all */
};

static void look(const struct tgv_police *p, struct view *v)
{
    double sent = 0.0, lost = 0.0;
    unsigned clean = 0;

    v->count = 0;
    for (unsigned i = 1; i <= p->known && clean < CLEAN_MAX; i++) {
        unsigned n = (unsigned)((p->newest - i) % TGV_POLICE_SLOTS);

        if (p->slots[n].sent <= 0.0)
            continue;
        clean = p->slots[n].lost > 0.0 ? 0 : clean + 1;
        v->sent[v->count] = p->slots[n].sent;
        v->came[v->count++] = p->slots[n].sent - p->slots[n].lost;
        sent += p->slots[n].sent;
        lost += p->slots[n].lost;
    }
    v->loss = sent > 0.0 ? lost / sent : 0.0;
}

static double error_of_chance(const struct view *v)
{
    double sum = 0.0;

    for (unsigned i = 0; i < v->count; i++) {
        double e = v->came[i] - v->sent[i] * (1.0 - v->loss);
        sum += e * e;
    }
    return sum;
}

static double error_of_limit(const struct view *v, double limit)
{
    double sum = 0.0;

    for (unsigned i = 0; i < v->count; i++) {
        double e = v->came[i] - (v->sent[i] < limit ? v->sent[i] : limit);
        sum += e * e;
    }
    return sum;
}

double tgv_police_limit(const struct tgv_police *p)
{
    double best = 0.0, least;
    struct view v;

    look(p, &v);
    if (v.count < SLOTS_MIN || v.loss < LOSS_MIN)
        return 0.0;
    least = error_of_chance(&v) * BETTER;
    for (unsigned i = 0; i < v.count; i++) {
        double error = error_of_limit(&v, v.came[i]);

        if (error < least) {
            least = error;
            best = v.came[i];
        }
    }
    return best * 8.0 * TGV_US_PER_S / TGV_POLICE_SLOT_US;
}
