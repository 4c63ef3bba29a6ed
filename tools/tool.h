/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H
/**
 * @file
 * What the subcommands share: exit codes, the clock, and the one context that
 * main() makes and hands to the subcommand.
 *
 * The main thread runs the subcommand: it waits in wake_wait() and does all
 * printing and file writing. Callbacks of the library only queue.
 */
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/tgvoip.h>

#include "diag.h"
#include "wake.h"

/** Exit codes; other programs rely on them. */
enum tool_exit {
    TOOL_OK = 0,
    TOOL_FAILED = 1, /**< the call or job failed */
    TOOL_USAGE = 2 /**< bad usage */
};

struct tool {
    int64_t start_us; /**< process start; `t_ms` of events counts from it */
    struct diag diag;
    struct wake wake;
};

struct tool_command {
    const char *name;
    int (*run)(struct tool *tool, int argc, char **argv);
    const char *summary; /**< one line of `tgvoip --help` */
};

int cmd_demo(struct tool *tool, int argc, char **argv);
int cmd_call(struct tool *tool, int argc, char **argv);
int cmd_relay(struct tool *tool, int argc, char **argv);
int cmd_inspect(struct tool *tool, int argc, char **argv);
int cmd_keys(struct tool *tool, int argc, char **argv);
/** The program under its other name. */
int cmd_tgvoipcall(struct tool *tool, int argc, char **argv);

/** CLOCK_MONOTONIC [us], the clock of engines and of `--start-at`. */
int64_t tool_now_us(void);

/** Milliseconds since the process started. */
int64_t tool_elapsed_ms(const struct tool *tool, int64_t now_us);

/** Print `tgvoip: what: why` for a failure of the library. */
void tool_report(struct tool *tool, const struct tgvoip_failure *failure);

/** Engine with the tool's log; fills failure. */
int tool_engine(struct tool *tool, tgvoip_engine **engine, unsigned loops);

#endif
