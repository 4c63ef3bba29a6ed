/* SPDX-License-Identifier: MIT */
#include "net/burst.h"

#define MEMORY 250.0 /* packets: some 15 s of 60 ms frames */
#define PACKETS_MIN 10.0
/* Runs of a loss that has just begun are guessed: as if so many losses had
 * come one by one. */
#define RUNS_GUESSED 3.0

void tgv_burst_init(struct tgv_burst *b)
{
    *b = (struct tgv_burst){0};
}

void tgv_burst_add(struct tgv_burst *b, bool lost)
{
    const double keep = 1.0 - 1.0 / MEMORY;

    b->packets = b->packets * keep + 1.0;
    b->lost = b->lost * keep + (lost ? 1.0 : 0.0);
    b->again = b->again * keep + (lost && b->last_lost ? 1.0 : 0.0);
    b->last_lost = lost;
}

double tgv_burst_loss(const struct tgv_burst *b)
{
    return b->packets < PACKETS_MIN ? 0.0 : b->lost / b->packets;
}

double tgv_burst_again(const struct tgv_burst *b)
{
    double loss = tgv_burst_loss(b);
    double again = (b->again + loss * RUNS_GUESSED) / (b->lost + RUNS_GUESSED);

    return again > loss ? again : loss;
}

double tgv_burst_length(const struct tgv_burst *b)
{
    double again = tgv_burst_again(b);

    return again >= 0.99 ? 100.0 : 1.0 / (1.0 - again);
}
