/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CALL_JOB_H
#define TOOL_CALL_JOB_H
/**
 * @file
 * What `tgvoip call` was asked to do, and the run of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"
#include "tool.h"

#define CALL_RELAYS 64
#define CALL_TIMED 256
#define CALL_REPORTS 3
#define CALL_STATE_MAX (512 * 1024) /* bytes of a state file */
#define CALL_MTPROTO2_LAYER 74 /* below it the old encryption is used */

enum call_timed_what { TIMED_MUTE, TIMED_UNMUTE, TIMED_NETWORK };

/** `--event T:WHAT` */
struct call_timed {
    int64_t after_us; /**< after connect() */
    enum call_timed_what what;
    enum tgvoip_network_type network;
    bool done;
};

struct call_job {
    struct tool *tool;
    struct tgvoip_call_config config; /**< without key and endpoints */
    bool has_role, has_key;
    uint8_t key[TGVOIP_KEY_BYTES];
    struct opts_relay relays[CALL_RELAYS];
    size_t relay_count;
    struct opts_proxy proxy; /**< host "" without one */
    tgvoip_server_config *server_config; /**< or NULL */
    const char *in, *out, *ts_path; /**< or NULL */
    /** By enum tgvoip_report, or NULL; the table goes to `csv_path` instead if
     *  its name ends so. */
    const char *reports[CALL_REPORTS];
    const char *csv_path, *state_path; /**< or NULL */
    const char *key_path, *config_path, *proxy_path; /**< or NULL */
    const char *sent; /**< gets what a peer would hear of us; or NULL */
    bool until_sent; /**< hang up when `in` has been sent */
    int64_t duration_us; /**< 0 = until a signal or a failure */
    int64_t start_at_us; /**< CLOCK_MONOTONIC, 0 = at once */
    struct call_timed timed[CALL_TIMED];
    size_t timed_count;
    bool json;
};

/** Make the call. @return exit code */
int call_run(struct call_job *job);

/** Merge the server's configuration that the option just read holds, JSON or
 *  @FILE. @return false after an error was printed */
bool call_read_config(struct opts *opts, struct call_job *job);

/** Look up a network's name. @return false if there is none */
bool call_network_type(const char *name, enum tgvoip_network_type *type);

#endif
