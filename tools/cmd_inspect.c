/* SPDX-License-Identifier: MIT */
/* tgvoip inspect: a recorded call, packet by packet. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "tool.h"

enum { OPT_KEY = OPT_OWN, OPT_ROLE, OPT_JSON };

static const struct option table[] = {
    {"key", required_argument, NULL, OPT_KEY},
    {"role", required_argument, NULL, OPT_ROLE},
    {"json", no_argument, NULL, OPT_JSON},
    OPTS_COMMON,
    {NULL, 0, NULL, 0}};

static const char help_inspect[] =
    "usage: tgvoip inspect --key @KEYFILE [--role ROLE] [--json] FILE\n"
    "\n"
    "Decrypts a recorded call and prints every packet. FILE holds one JSON\n"
    "object a line, one line a datagram (t_ms, from, path, src, dst, wire);\n"
    "- is standard input.\n"
    "\n"
    "  --key @KEYFILE       the call's key, 512 hex digits in a file; @- is\n"
    "                       standard input\n"
    "  --role ROLE          caller, callee (only what it sent) or both\n"
    "  --json               one JSON object a packet, with every field, and "
    "at\n                       the end {\"event\":\"end\",\"packets\":N,"
    "\"failed\":M}\n";

static const char help_inspect_end[] =
    "\nExample: tgvoip inspect --key @key.hex trace.jsonl\n\n"
    "Exit codes: 0 every packet was opened, 1 some were not, 2 bad usage.\n";

static const char *const help[] = {help_inspect, opts_help_common,
                                   help_inspect_end, NULL};

struct job {
    struct tool *tool;
    uint8_t key[TGVOIP_KEY_BYTES];
    bool has_key, json;
    enum tgvoip_inspect_role role;
    const char *path;
    uint64_t packets, failed;
};

static bool read_role(struct opts *opts, struct job *job)
{
    static const char *const names[] = {"both", "caller", "callee", NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    job->role = (enum tgvoip_inspect_role)i;
    return true;
}

static bool take_option(struct opts *opts, struct job *job, int code)
{
    switch (code) {
    case OPT_KEY:
        job->has_key = true;
        return opts_hex(opts, job->key, sizeof(job->key));
    case OPT_ROLE:
        return read_role(opts, job);
    case OPT_JSON:
        job->json = true;
        return true;
    default:
        if (job->path)
            return opts_refuse(opts, "one file only");
        job->path = opts->value;
        return true;
    }
}

static int parse(struct job *job, int argc, char **argv)
{
    struct opts opts;
    int code;

    opts_begin(&opts, job->tool, argc, argv, table, help);
    while ((code = opts_next(&opts)) != OPT_END) {
        if (code == OPT_EXIT)
            return opts.exit_code;
        if (!take_option(&opts, job, code))
            return TOOL_USAGE;
    }
    if (job->has_key && job->path)
        return -1;
    diag_error(&job->tool->diag, job->has_key ? "FILE" : "--key",
               "is needed; see tgvoip inspect --help");
    return TOOL_USAGE;
}

/* First bytes of the captures that other programs write. */
static bool is_pcap(const char *line, size_t len)
{
    static const unsigned char magics[][4] = {{0xd4, 0xc3, 0xb2, 0xa1},
                                              {0xa1, 0xb2, 0xc3, 0xd4},
                                              {0x4d, 0x3c, 0xb2, 0xa1},
                                              {0xa1, 0xb2, 0x3c, 0x4d},
                                              {0x0a, 0x0d, 0x0d, 0x0a}};
    size_t i;

    for (i = 0; len >= 4 && i < sizeof(magics) / sizeof(magics[0]); i++)
        if (!memcmp(line, magics[i], 4))
            return true;
    return false;
}

/* Every packet is a line on stdout; what is no packet is told on stderr. */
static int show_line(struct job *job, tgvoip_inspect *inspect, const char *line,
                     size_t len, unsigned long number)
{
    struct tgvoip_inspect_packet packet = {.size = sizeof(packet)};
    struct tgvoip_failure failure = {0};
    char where[120];
    int err;

    if (strspn(line, " \t\r\n") >= len)
        return 0;
    err = tgvoip_inspect_line(inspect, line, len, &packet, &failure);
    if (err == TGVOIP_ERR_AGAIN)
        return 0;
    job->packets++;
    if (err) {
        job->failed++;
        snprintf(where, sizeof(where), "%.90s:%lu", job->path, number);
        diag_error(&job->tool->diag, where, "%s",
                   failure.why[0] ? failure.why : tgvoip_error_str(err));
        return 0;
    }
    job->failed += packet.failed;
    puts(job->json ? packet.json : packet.text);
    return ferror(stdout) ? -1 : 0;
}

static int show_file(struct job *job, tgvoip_inspect *inspect, FILE *file)
{
    unsigned long number = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int status = -1;

    while ((n = getline(&line, &room, file)) >= 0 &&
           !wake_stopped(&job->tool->wake)) {
        size_t len = (size_t)n;

        if (number++ == 0 && is_pcap(line, len)) {
            diag_error(&job->tool->diag, job->path,
                       "pcap captures: not available in this version");
            status = TOOL_USAGE;
            break;
        }
        while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = '\0';
        if (show_line(job, inspect, line, len, number) != 0)
            break;
    }
    if (status < 0 && ferror(file)) {
        diag_error(&job->tool->diag, job->path, "%s", strerror(errno));
        status = TOOL_FAILED;
    }
    free(line);
    return status;
}

static void tell_end(const struct job *job)
{
    if (job->json)
        printf("{\"event\":\"end\",\"packets\":%" PRIu64 ",\"failed\":%" PRIu64
               "}\n",
               job->packets, job->failed);
    else
        printf("%" PRIu64 " packets, %" PRIu64 " failed\n", job->packets,
               job->failed);
}

static int run(struct job *job)
{
    struct tgvoip_inspect_config config;
    struct tgvoip_failure failure = {0};
    tgvoip_inspect *inspect;
    FILE *file = stdin;
    int err, status;

    if (strcmp(job->path, "-"))
        file = fopen(job->path, "r");
    if (!file) {
        diag_error(&job->tool->diag, job->path, "%s", strerror(errno));
        return TOOL_FAILED;
    }
    tgvoip_inspect_config_default(&config);
    config.key = job->key;
    config.key_len = sizeof(job->key);
    config.role = job->role;
    err = tgvoip_inspect_create(&inspect, &config, &failure);
    tgvoip_wipe(job->key, sizeof(job->key));
    if (err) {
        failure.code = err;
        tool_report(job->tool, &failure);
        status = TOOL_FAILED;
    } else {
        status = show_file(job, inspect, file);
        tgvoip_inspect_destroy(inspect);
    }
    if (file != stdin)
        fclose(file);
    if (status >= 0)
        return status;
    if (job->packets == 0)
        diag_error(&job->tool->diag, job->path, "holds no packet");
    tell_end(job);
    return job->failed || !job->packets ? TOOL_FAILED : TOOL_OK;
}

int cmd_inspect(struct tool *tool, int argc, char **argv)
{
    struct job job = {.tool = tool};
    int status = parse(&job, argc, argv);

    if (status < 0)
        status = run(&job);
    tgvoip_wipe(job.key, sizeof(job.key));
    return status;
}
