/* SPDX-License-Identifier: MIT */
/* tgvoip relay: the reflector server. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "events.h"
#include "options.h"
#include "tool.h"

#define LOOK_US 500000 /* how often the log is printed */

enum {
    OPT_LISTEN = OPT_OWN,
    OPT_TCP,
    OPT_SESSION,
    OPT_SESSIONS,
    OPT_OPEN,
    OPT_LIMIT,
    OPT_JSON
};

static const struct option table[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"tcp", required_argument, NULL, OPT_TCP},
    {"session", required_argument, NULL, OPT_SESSION},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"open", no_argument, NULL, OPT_OPEN},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"json", no_argument, NULL, OPT_JSON},
    OPTS_IMPAIRMENT,
    OPTS_COMMON,
    {NULL, 0, NULL, 0}};

static const char help_relay[] =
    "usage: tgvoip relay --listen HOST:PORT [OPTIONS]\n"
    "\n"
    "Forwards the packets of calls by their tags and never sees a key. Serves\n"
    "until SIGINT or SIGTERM, then prints its counters.\n"
    "\n"
    "  --listen HOST:PORT   numeric address, [ADDR]:PORT for IPv6; port 0 "
    "takes\n                       a free one, the first line tells which\n"
    "  --tcp HOST:PORT      serve clients by TCP too, at this address; port 0 "
    "takes\n                       the one of --listen if it is free\n"
    "  --session TAGHEX     serve this session only: 32 hex digits, the last "
    "bit\n                       is ignored; repeatable\n"
    "  --sessions FILE      the same from a file, a tag a line, # comments\n"
    "  --open               serve every tag; on addresses that are not "
    "loopback\n                       this must be said\n"
    "  --limit NAME=N       idle-s=60, sessions=10000, packets=100 and "
    "kbit=256\n                       (a second and side), control=10 (a "
    "second and\n                       source), moves=1 (a second and side), "
    "tcp=20000,\n                       tcp-side=16 and tcp-address=1024 "
    "connections,\n                       tcp-header-s=5, tcp-frame-s=5, "
    "tcp-idle-s=60,\n                       tcp-queue=65536 bytes; "
    "repeatable\n"
    "  --json               JSON lines on standard output\n";

static const char help_relay_end[] =
    "\nExample: tgvoip relay --listen 127.0.0.1:5000 --tcp 127.0.0.1:5000 "
    "--loss 5\n\n"
    "Exit codes: 0 served until a signal, 1 it could not serve, 2 bad "
    "usage.\n";

static const char *const help[] = {help_relay, opts_help_impairment,
                                   opts_help_common, help_relay_end, NULL};

struct job {
    struct tool *tool;
    struct events events;
    struct tgvoip_relay_config config;
    tgvoip_impairment *impairment;
    uint8_t *tags;
    size_t tag_count, tag_room;
};

static bool add_tag(struct job *job, const uint8_t *tag)
{
    if (job->tag_count == job->tag_room) {
        size_t room = job->tag_room ? 2 * job->tag_room : 64;
        uint8_t *tags = realloc(job->tags, room * TGVOIP_TAG_BYTES);

        if (!tags)
            return false;
        job->tags = tags;
        job->tag_room = room;
    }
    memcpy(job->tags + job->tag_count++ * TGVOIP_TAG_BYTES, tag,
           TGVOIP_TAG_BYTES);
    return true;
}

static bool read_session(struct opts *opts, struct job *job)
{
    uint8_t tag[TGVOIP_TAG_BYTES];

    if (!opts_tag(opts->value, strlen(opts->value), tag))
        return opts_refuse(opts, "'%.40s' is not 32 hex digits", opts->value);
    return add_tag(job, tag) || opts_refuse(opts, "out of memory");
}

/* A line up to its comment; of one that is too long or has a zero byte, what
 * is no tag. @return false at the end of the file */
static bool read_line(FILE *file, char *line, size_t size)
{
    bool comment = false, bad = false;
    size_t len = 0;
    int c;

    while (!bad && (c = getc(file)) != EOF && c != '\n') {
        comment = comment || c == '#';
        bad = !comment && (c == 0 || len == size - 1);
        if (!comment && !bad)
            line[len++] = (char)c;
    }
    line[len] = '\0';
    if (bad)
        snprintf(line, size, "?");
    return bad || len > 0 || !feof(file);
}

static bool take_session(struct opts *opts, struct job *job, const char *line,
                         unsigned number)
{
    const char *text = line + strspn(line, " \t\r");
    size_t len = strcspn(text, " \t\r");
    uint8_t tag[TGVOIP_TAG_BYTES];

    if (!len)
        return true;
    if (text[len + strspn(text + len, " \t\r")] || !opts_tag(text, len, tag))
        return opts_refuse(opts, "%s:%u: not 32 hex digits", opts->value,
                           number);
    return add_tag(job, tag) || opts_refuse(opts, "out of memory");
}

static bool take_sessions(struct opts *opts, struct job *job, FILE *file)
{
    size_t before = job->tag_count;
    unsigned number = 0;
    char line[256];

    while (!ferror(file) && read_line(file, line, sizeof(line)))
        if (!take_session(opts, job, line, ++number))
            return false;
    if (ferror(file))
        return opts_refuse(opts, "%s: %s", opts->value, strerror(errno));
    /* It must not come to the same as no list at all: everybody. */
    return job->tag_count > before ||
           opts_refuse(opts, "%s: no session is in it", opts->value);
}

static bool read_sessions(struct opts *opts, struct job *job)
{
    FILE *file = fopen(opts->value, "r");
    bool ok;

    if (!file)
        return opts_refuse(opts, "%s: %s", opts->value, strerror(errno));
    ok = take_sessions(opts, job, file);
    fclose(file);
    return ok;
}

/* Where the limit of that name is, or NULL. */
static unsigned *find_limit(struct tgvoip_relay_limits *l, const char *name,
                            size_t len)
{
    const struct {
        const char *name;
        unsigned *value;
    } limits[] = {{"idle-s", &l->session_idle_s},
                  {"sessions", &l->sessions},
                  {"packets", &l->packets_per_side_s},
                  {"kbit", &l->kbit_per_side_s},
                  {"control", &l->control_per_source_s},
                  {"moves", &l->moves_per_side_s},
                  {"tcp", &l->tcp_connections},
                  {"tcp-side", &l->tcp_per_side},
                  {"tcp-address", &l->tcp_per_address},
                  {"tcp-header-s", &l->tcp_header_s},
                  {"tcp-frame-s", &l->tcp_frame_s},
                  {"tcp-idle-s", &l->tcp_idle_s},
                  {"tcp-queue", &l->tcp_queue_bytes}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strlen(limits[i].name) == len &&
            !strncmp(limits[i].name, name, len))
            return limits[i].value;
    return NULL;
}

static bool read_limit(struct opts *opts, struct job *job)
{
    const char *equal = strchr(opts->value, '=');
    unsigned *limit = NULL;
    unsigned long v;
    char *end;

    if (equal)
        limit = find_limit(&job->config.limits, opts->value,
                           (size_t)(equal - opts->value));
    if (!limit)
        return opts_refuse(opts,
                           "'%.40s' is none of idle-s, sessions, packets, "
                           "kbit, control, moves, tcp, tcp-side, tcp-address, "
                           "tcp-header-s, tcp-frame-s, tcp-idle-s, tcp-queue "
                           "=N",
                           opts->value);
    errno = 0;
    v = strtoul(equal + 1, &end, 10);
    if (!isdigit((unsigned char)equal[1]) || *end || errno || v < 1 ||
        v > 1000000000)
        return opts_refuse(opts, "'%.40s' is not 1..1000000000", equal + 1);
    *limit = (unsigned)v;
    return true;
}

static bool take_option(struct opts *opts, struct job *job, int code)
{
    switch (code) {
    case OPT_LISTEN:
        job->config.listen = opts->value;
        return true;
    case OPT_TCP:
        job->config.tcp_listen = opts->value;
        return true;
    case OPT_SESSION:
        return read_session(opts, job);
    case OPT_SESSIONS:
        return read_sessions(opts, job);
    case OPT_OPEN:
        job->config.open = true;
        return true;
    case OPT_LIMIT:
        return read_limit(opts, job);
    case OPT_JSON:
        job->events.on = true;
        return true;
    case OPT_IMPAIRMENT:
        return opts_impairment(opts, &job->impairment);
    default:
        return opts_refuse(opts, "unexpected argument");
    }
}

/* Is this an address that other machines can reach? A malformed one is the
 * library's to refuse. */
static bool is_public(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    size_t len = colon ? (size_t)(colon - listen) : 0;
    struct in6_addr six;
    struct in_addr four;
    char host[64];

    if (len > 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, listen, len);
    host[len] = '\0';
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 != 127;
    return inet_pton(AF_INET6, host, &six) == 1 && !IN6_IS_ADDR_LOOPBACK(&six);
}

/* Serving strangers must be said. */
static bool check_public(struct job *job, const char *address)
{
    if (job->config.open || job->tag_count || !address || !is_public(address))
        return true;
    diag_error(&job->tool->diag, address,
               "not a loopback address: name the sessions with --session, or "
               "serve every tag with --open");
    return false;
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
    if (!job->config.listen) {
        diag_error(&job->tool->diag, "--listen",
                   "is needed; see tgvoip relay --help");
        return TOOL_USAGE;
    }
    if (!check_public(job, job->config.listen) ||
        !check_public(job, job->config.tcp_listen))
        return TOOL_USAGE;
    return -1;
}

/* The host of "HOST:PORT" with the port that it became. */
static const char *with_port(const char *listen, unsigned port, char *text,
                             size_t size)
{
    int host = (int)(strrchr(listen, ':') - listen);

    snprintf(text, size, "%.*s:%u", host, listen, port);
    return text;
}

static void tell_listening(struct job *job, const tgvoip_relay *relay)
{
    unsigned port = tgvoip_relay_port(relay);
    unsigned tcp_port = tgvoip_relay_tcp_port(relay);
    char text[80], tcp[80] = "", network[160] = "";
    json_tree *o;

    with_port(job->config.listen, port, text, sizeof(text));
    if (job->config.tcp_listen)
        with_port(job->config.tcp_listen, tcp_port, tcp, sizeof(tcp));
    if (job->impairment)
        tgvoip_impairment_describe(job->impairment, network, sizeof(network));
    o = events_begin(&job->events, "listening", NULL, tool_now_us());
    if (o) {
        json_set_str(o, "address", text);
        json_set_int(o, "port", port);
        json_set_str(o, "tcp_address", tcp[0] ? tcp : NULL);
        json_set_int(o, "tcp_port", tcp_port);
        json_set_str(o, "network", network[0] ? network : NULL);
        events_end(&job->events, o);
        return;
    }
    printf("listening on %s\n", text);
    if (tcp[0])
        printf("listening on %s by TCP\n", tcp);
    if (network[0])
        printf("network: %s\n", network);
    fflush(stdout);
}

static void tell_counters(struct job *job, const struct tgvoip_relay_stats *s)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {{"sessions", s->sessions},
                    {"sessions_created", s->sessions_created},
                    {"sessions_expired", s->sessions_expired},
                    {"sessions_refused", s->sessions_refused},
                    {"packets_in", s->packets_in},
                    {"packets_forwarded", s->packets_forwarded},
                    {"bytes_forwarded", s->bytes_forwarded},
                    {"control_in", s->control_in},
                    {"control_answered", s->control_answered},
                    {"dropped_short", s->dropped_short},
                    {"dropped_large", s->dropped_large},
                    {"dropped_unknown_tag", s->dropped_unknown_tag},
                    {"dropped_no_peer", s->dropped_no_peer},
                    {"dropped_rate", s->dropped_rate},
                    {"dropped_control_rate", s->dropped_control_rate},
                    {"dropped_move", s->dropped_move},
                    {"impaired_lost", s->impaired_lost},
                    {"impaired_duplicated", s->impaired_duplicated},
                    {"impaired_corrupted", s->impaired_corrupted},
                    {"tcp_connections", s->tcp_connections},
                    {"tcp_accepted", s->tcp_accepted},
                    {"tcp_refused", s->tcp_refused},
                    {"tcp_closed_silent", s->tcp_closed_silent},
                    {"tcp_closed_idle", s->tcp_closed_idle},
                    {"tcp_closed_broken", s->tcp_closed_broken},
                    {"tcp_frames_in", s->tcp_frames_in},
                    {"dropped_tcp_length", s->dropped_tcp_length},
                    {"dropped_tcp_tag", s->dropped_tcp_tag},
                    {"dropped_tcp_queue", s->dropped_tcp_queue}};
    json_tree *o = events_begin(&job->events, "end", NULL, tool_now_us());
    size_t i;

    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (o)
            json_set_int(o, counters[i].name, (int64_t)counters[i].value);
        else
            printf("%-22s %" PRIu64 "\n", counters[i].name, counters[i].value);
    if (o)
        events_end(&job->events, o);
}

/* Each connection takes a descriptor; the usual limit is meant for others. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(struct job *job, tgvoip_engine *engine)
{
    struct tgvoip_relay_stats stats;
    struct tgvoip_failure failure = {0};
    tgvoip_relay *relay;
    int err;

    if (job->config.tcp_listen)
        raise_descriptors();
    job->config.tags = job->tags;
    job->config.tag_count = job->tag_count;
    job->config.impairment = job->impairment;
    err = tgvoip_relay_create(engine, &relay, &job->config, &failure);
    if (err) {
        failure.code = err;
        tool_report(job->tool, &failure);
        return err == TGVOIP_ERR_INVALID ? TOOL_USAGE : TOOL_FAILED;
    }
    tell_listening(job, relay);
    while (!wake_stopped(&job->tool->wake)) {
        wake_wait(&job->tool->wake, tool_now_us() + LOOK_US);
        diag_flush(&job->tool->diag);
    }
    memset(&stats, 0, sizeof(stats));
    stats.size = sizeof(stats);
    tgvoip_relay_get_stats(relay, &stats);
    tgvoip_relay_destroy(relay);
    tell_counters(job, &stats);
    return job->events.broken ? TOOL_FAILED : TOOL_OK;
}

int cmd_relay(struct tool *tool, int argc, char **argv)
{
    struct job job = {.tool = tool};
    tgvoip_engine *engine = NULL;
    int status;

    job.events.tool = tool;
    tgvoip_relay_config_default(&job.config);
    status = parse(&job, argc, argv);
    if (status < 0) {
        wake_catch();
        status = TOOL_FAILED;
        if (tool_engine(tool, &engine, 1) == 0)
            status = serve(&job, engine);
        tgvoip_engine_destroy(engine);
    }
    tgvoip_impairment_destroy(job.impairment);
    free(job.tags);
    return status;
}
