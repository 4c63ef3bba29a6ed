/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define FIRST_US 500000
#define STEP_US 200000

void progress_begin(struct progress *p, struct tool *tool, const char *what,
                    uint64_t total)
{
    *p = (struct progress){.tool = tool,
                           .what = what,
                           .total = total,
                           .on = !tool->diag.quiet && isatty(STDERR_FILENO) &&
                                 !isatty(STDOUT_FILENO),
                           .next_us = tool_now_us() + FIRST_US};
}

void progress_at(struct progress *p, uint64_t done)
{
    int64_t now;

    if (!p->on)
        return;
    now = tool_now_us();
    if (now < p->next_us)
        return;
    p->next_us = now + STEP_US;
    p->drawn = true;
    if (p->total)
        fprintf(stderr, "\r%.60s: %3u %%\033[K", p->what,
                (unsigned)(done < p->total ? done * 100 / p->total : 100));
    else
        fprintf(stderr, "\r%.60s: %.1f MB\033[K", p->what, (double)done / 1e6);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}
