/* SPDX-License-Identifier: MIT */
#include "net/burst.h"

#define MEMORY 250.0 /* packets: some 15 s of 60 ms frames */
#define PACKETS_MIN 10.0
/* Runs of a loss that has just begun are guessed: as if so many losses had
 * come one by one. */
#define RUNS_GUESSED 3.0
/* That many lost in a row are no weather that copies could help against, but
 * a road that was dead for a while. */
#define OUTAGE 16u

void tgv_burst_init(struct tgv_burst *b)
{
    *b = (struct tgv_burst){0};
}

static void weigh(struct tgv_burst *b, bool lost, bool again)
{
    const double keep = 1.0 - 1.0 / MEMORY;

    b->packets = b->packets * keep + 1.0;
    b->lost = b->lost * keep + (lost ? 1.0 : 0.0);
    b->again = b->again * keep + (again ? 1.0 : 0.0);
}

void tgv_burst_add(struct tgv_burst *b, bool lost)
{
    if (lost) {
        if (b->run < OUTAGE)
            b->run++;
        return;
    }
    for (unsigned i = 0; i < b->run && b->run < OUTAGE; i++)
        weigh(b, true, i > 0);
    b->run = 0;
    weigh(b, false, false);
}

void tgv_burst_unknown(struct tgv_burst *b)
{
    b->run = 0;
}

void tgv_burst_restore(struct tgv_burst *b, const struct tgv_burst *before)
{
    b->packets = before->packets;
    b->lost = before->lost;
    b->again = before->again;
    b->run = 0;
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
