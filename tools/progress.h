/* SPDX-License-Identifier: MIT */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H
/**
 * @file
 * How far a job over a file has come, as a line on stderr that is drawn over.
 * Only for somebody who looks on: stderr is a terminal, stdout is not (else
 * what is printed there tells), and the job has already taken half a second.
 */
#include "tool.h"

struct progress {
    struct tool *tool;
    const char *what;
    bool on, drawn;
    uint64_t total; /**< 0 = unknown */
    int64_t next_us; /**< when to draw again */
};

/** @param total in bytes, 0 if it is not known */
void progress_begin(struct progress *p, struct tool *tool, const char *what,
                    uint64_t total);
void progress_at(struct progress *p, uint64_t done);
/** Wipe the line: before anything else is printed on stderr, and at the end. */
void progress_clear(struct progress *p);

#endif
