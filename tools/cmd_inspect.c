/* SPDX-License-Identifier: MIT */
/* tgvoip inspect: a recorded call, packet by packet. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "progress.h"
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
    "Decrypts a recorded call, prints every packet, and says at the end who "
    "sent\nwhat, for how long, what was lost, and why there is no sound if "
    "there is none.\n"
    "FILE is a capture (pcap or pcapng), of whose traffic the call's packets "
    "are\nfound with the key, or a trace: one JSON object a line and datagram "
    "(t_ms,\nfrom, path, src, dst, wire). - is standard input.\n"
    "\n"
    "  --key @KEYFILE       the call's key, 512 hex digits in a file; @- is\n"
    "                       standard input\n"
    "  --role ROLE          caller, callee (only what it sent) or both\n"
    "  --json               one JSON object a packet, with every field, and "
    "at\n                       the end {\"event\":\"verdict\",...} and\n"
    "                       {\"event\":\"end\",\"packets\":N,"
    "\"failed\":M}\n";

static const char help_inspect_end[] =
    "\nExample: tcpdump -w call.pcap udp; tgvoip inspect --key @key.hex "
    "call.pcap\n\n"
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
    struct progress progress;
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

/* Every packet is a line on stdout; what is no packet is told on stderr. */
static int show(struct job *job, int err,
                const struct tgvoip_inspect_packet *packet,
                const struct tgvoip_failure *failure)
{
    char where[140];

    job->packets++;
    if (err) {
        job->failed++;
        progress_clear(&job->progress);
        snprintf(where, sizeof(where), "%.90s: %.40s", job->path,
                 failure->what);
        diag_error(&job->tool->diag, where, "%s",
                   failure->why[0] ? failure->why : tgvoip_error_str(err));
        return 0;
    }
    job->failed += packet->failed;
    puts(job->json ? packet->json : packet->text);
    return ferror(stdout) ? -1 : 0;
}

/* Show what can be shown of what was fed. */
static int show_packets(struct job *job, tgvoip_inspect *inspect)
{
    for (;;) {
        struct tgvoip_inspect_packet packet = {.size = sizeof(packet)};
        struct tgvoip_failure failure = {0};
        int err = tgvoip_inspect_next(inspect, &packet, &failure);

        if (err == TGVOIP_ERR_AGAIN || err == TGVOIP_ERR_END)
            return 0;
        if (wake_stopped(&job->tool->wake) ||
            show(job, err, &packet, &failure) != 0)
            return -1;
        if (err == TGVOIP_ERR_NOMEM)
            return -1;
    }
}

/* What a pipe has now, and what it gives is shown now: it may be a capture
 * that goes on. */
static int show_file(struct job *job, tgvoip_inspect *inspect, int fd)
{
    static char bytes[65536];
    uint64_t done = 0;
    ssize_t n = 0;

    while (wake_until_readable(&job->tool->wake, fd) &&
           (n = read(fd, bytes, sizeof(bytes))) > 0) {
        done += (uint64_t)n;
        if (tgvoip_inspect_feed(inspect, bytes, (size_t)n) != 0) {
            diag_error(&job->tool->diag, job->path, "out of memory");
            return TOOL_FAILED;
        }
        if (show_packets(job, inspect) != 0 || fflush(stdout) != 0)
            return -1;
        progress_at(&job->progress, done);
    }
    if (n < 0) {
        diag_error(&job->tool->diag, job->path, "%s", strerror(errno));
        return TOOL_FAILED;
    }
    tgvoip_inspect_finish(inspect);
    show_packets(job, inspect);
    return -1;
}

/* Last, what the recording says as a whole. */
static void tell_verdict(struct job *job, tgvoip_inspect *inspect)
{
    struct tgvoip_inspect_verdict verdict = {.size = sizeof(verdict)};

    if (tgvoip_inspect_verdict(inspect, &verdict) != 0)
        diag_error(&job->tool->diag, "inspect", "out of memory");
    else if (job->json)
        puts(verdict.json);
    else
        printf("\n%s", verdict.text);
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

static uint64_t size_of(FILE *file)
{
    struct stat st;

    return fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)
               ? (uint64_t)st.st_size
               : 0;
}

static int inspect_file(struct job *job, FILE *file)
{
    struct tgvoip_inspect_config config;
    struct tgvoip_failure failure = {0};
    tgvoip_inspect *inspect;
    int err, status;

    tgvoip_inspect_config_default(&config);
    config.key = job->key;
    config.key_len = sizeof(job->key);
    config.role = job->role;
    err = tgvoip_inspect_create(&inspect, &config, &failure);
    tgvoip_wipe(job->key, sizeof(job->key));
    if (err) {
        failure.code = err;
        tool_report(job->tool, &failure);
        return TOOL_FAILED;
    }
    progress_begin(&job->progress, job->tool, job->path, size_of(file));
    status = show_file(job, inspect, fileno(file));
    progress_clear(&job->progress);
    if (status < 0) {
        if (job->packets == 0)
            diag_error(&job->tool->diag, job->path, "holds no packet");
        tell_verdict(job, inspect);
        tell_end(job);
        status = job->failed || !job->packets ? TOOL_FAILED : TOOL_OK;
    }
    tgvoip_inspect_destroy(inspect);
    return status;
}

static int run(struct job *job)
{
    FILE *file = strcmp(job->path, "-") ? fopen(job->path, "rb") : stdin;
    int status;

    if (!file) {
        diag_error(&job->tool->diag, job->path, "%s", strerror(errno));
        return TOOL_FAILED;
    }
    status = inspect_file(job, file);
    if (file != stdin)
        fclose(file);
    return status;
}

int cmd_inspect(struct tool *tool, int argc, char **argv)
{
    struct job job = {.tool = tool};
    int status = parse(&job, argc, argv);

    if (status < 0) {
        wake_catch(); /* the other end of the pipe ends first */
        status = run(&job);
    }
    tgvoip_wipe(job.key, sizeof(job.key));
    return status;
}
