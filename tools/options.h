/* SPDX-License-Identifier: MIT */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H
/**
 * @file
 * Reading the command line. Strict: a number is a number from end to end and
 * within its range, names are not abbreviated, and each refusal names the
 * option. Every parser prints its own error and returns false, and the caller
 * returns TOOL_USAGE.
 *
 * Every subcommand understands -h, --help, -v, -q and --log-level by itself.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

enum {
    OPT_END = -1,
    OPT_EXIT = -2, /**< leave with `exit_code` */
    OPT_POSITIONAL = 1000,
    OPT_IMPAIRMENT,
    OPT_HELP,
    OPT_LOG_LEVEL,
    OPT_OWN = 2000 /**< first code of a subcommand's own options */
};

/** For the tables of options. */
#define OPTS_COMMON                                                            \
    {"help", no_argument, NULL, OPT_HELP},                                     \
        {"verbose", no_argument, NULL, 'v'},                                   \
        {"quiet", no_argument, NULL, 'q'},                                     \
    {                                                                          \
        "log-level", required_argument, NULL, OPT_LOG_LEVEL                    \
    }
#define OPTS_IMPAIRMENT                                                        \
    {"loss", required_argument, NULL, OPT_IMPAIRMENT},                         \
        {"burst", required_argument, NULL, OPT_IMPAIRMENT},                    \
        {"delay", required_argument, NULL, OPT_IMPAIRMENT},                    \
        {"jitter", required_argument, NULL, OPT_IMPAIRMENT},                   \
        {"reorder", required_argument, NULL, OPT_IMPAIRMENT},                  \
        {"dup", required_argument, NULL, OPT_IMPAIRMENT},                      \
        {"rate", required_argument, NULL, OPT_IMPAIRMENT},                     \
        {"blackout", required_argument, NULL, OPT_IMPAIRMENT},                 \
        {"profile", required_argument, NULL, OPT_IMPAIRMENT},                  \
        {"seed", required_argument, NULL, OPT_IMPAIRMENT},                     \
        {"corrupt", required_argument, NULL, OPT_IMPAIRMENT},                  \
    {                                                                          \
        "drift", required_argument, NULL, OPT_IMPAIRMENT                       \
    }

/** Help texts of the two groups. */
extern const char opts_help_common[];
extern const char opts_help_impairment[];

struct opts {
    struct tool *tool;
    int argc;
    char **argv;
    const struct option *table;
    const char *const *help; /**< texts, printed in order; NULL at the end */
    const char *letters; /**< of getopt(), if set after opts_begin() */
    char program[32]; /**< before --help in messages, likewise */
    char *value; /**< of the option just read, or the positional */
    char name[40]; /**< "--loss", for messages */
    int exit_code;
};

/** Start reading; argv[0] is the subcommand. */
void opts_begin(struct opts *opts, struct tool *tool, int argc, char **argv,
                const struct option *table, const char *const *help);

/** Next option's code, OPT_POSITIONAL, OPT_END or OPT_EXIT. */
int opts_next(struct opts *opts);

/** Print `tgvoip: --name: why` for the option just read. @return false */
bool opts_refuse(struct opts *opts, const char *why, ...) TGVOIP_PRINTF(2, 3);

/** A whole number, decimal. */
bool opts_uint(struct opts *opts, uint64_t min, uint64_t max, uint64_t *out);

/** Seconds with or without a fraction, "12" or "0.25". */
bool opts_seconds(struct opts *opts, double min, double max, int64_t *out_us);

/** One of some names, NULL at the end. @param[out] index which */
bool opts_name(struct opts *opts, const char *const *names, int *index);

/** A strict number of seconds in [text, end). @return false if it is none */
bool opts_parse_seconds(const char *text, const char *end, int64_t *out_us);

/** Text of an argument that may be a file: `@FILE`, `@-`, or itself.
 *  @param[out] size  @return malloc'ed, zero-terminated; NULL after error */
char *opts_text(struct opts *opts, size_t max, size_t *size);

/** The name of a file. */
bool opts_path(struct opts *opts, const char **path);

/** The file of an argument as opts_text() takes it; NULL if it is none. */
const char *opts_file(const struct opts *opts);

/** Exactly `size` bytes as hex digits: text, @FILE or @-. White space
 *  between digits is skipped; the argument's own text is wiped. */
bool opts_hex(struct opts *opts, uint8_t *out, size_t size);

/** A relay of `call`: HOST:PORT:TAGHEX[:ID][,ipv6=ADDR]. */
struct opts_relay {
    bool tcp; /**< set by the caller */
    char host[254]; /**< a name that is still to be looked up, or "" */
    char ipv4[16];
    char ipv6[46];
    uint16_t port;
    uint8_t tag[TGVOIP_TAG_BYTES];
    bool has_id;
    int64_t id;
};
bool opts_relay(struct opts *opts, struct opts_relay *out);
/** Ask for the address of a relay given by name; fine if it was not.
 *  @param option its option, for the message */
bool opts_relay_lookup(struct tool *tool, const char *option,
                       struct opts_relay *relay);

#define OPTS_PROXY_TEXT 256 /* what SOCKS5 can carry, and the zero */
/** socks5://[user:pass@]host:port. Wipe it after use. */
struct opts_proxy {
    char host[OPTS_PROXY_TEXT]; /**< name or address, without brackets */
    uint16_t port;
    char user[OPTS_PROXY_TEXT], password[OPTS_PROXY_TEXT]; /**< decoded */
};
/** From the text, @FILE or @-; the argument's own text is wiped. */
bool opts_proxy(struct opts *opts, struct opts_proxy *out);

/** 32 hex digits. */
bool opts_tag(const char *text, size_t len, uint8_t tag[TGVOIP_TAG_BYTES]);

/** Hand OPT_IMPAIRMENT to the library; *impairment is made when needed. */
bool opts_impairment(struct opts *opts, tgvoip_impairment **impairment);

#endif
