/* SPDX-License-Identifier: MIT */
/* tgvoipcall: one end of a call, with the letters of the public VoIP test
 * suite. The file that is said sets the length of the call. */
#include "call_job.h"
#include "files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INIT_TIMEOUT_MS 8000
#define RECEIVE_TIMEOUT_MS 3000
#define LETTERS "+:hvqk:i:o:p:c:r:t:s:n:g:"

static const struct option table[] = {OPTS_COMMON, {NULL, 0, NULL, 0}};

static const char help_tgvoipcall[] =
    "usage: tgvoipcall HOST:PORT TAGHEX -k KEY -r ROLE -i IN [OPTIONS]\n"
    "\n"
    "One end of a call over a UDP relay, as the public VoIP test suite runs "
    "it. The\ncall ends when IN has been sent. All files are raw PCM, 48 kHz "
    "mono s16le,\nwhatever their names; - is standard input or output.\n"
    "\n"
    "  HOST:PORT TAGHEX     the relay, and this side's tag, 32 hex digits\n"
    "  -k KEY               the key, 512 hex digits, or @FILE; digits on the\n"
    "                       command line are shown by the process list\n"
    "  -r ROLE              caller or callee\n"
    "  -i IN                what is said\n"
    "  -o OUT               record what is heard\n"
    "  -p PREPROCESSED      record what the peer would hear on a perfect "
    "network:\n                       each frame that was sent, decoded "
    "again\n"
    "  -c CONFIG            file with the server's call configuration, JSON\n"
    "  -t TYPE              network: 0 unknown, 1 GPRS, 2 EDGE, 3 3G, 4 "
    "HSPA,\n                       5 LTE, 6 Wi-Fi, 7 Ethernet, 8 other high "
    "speed,\n                       9 other low speed, 10 other mobile, 11 "
    "dial-up\n"
    "  -s WHEN              save data: never or always\n"
    "  -n yes|no            noise suppression; there is none yet\n"
    "  -g yes|no            gain control; there is none yet\n"
    "\nGeneral:\n"
    "  -h, --help           this text\n"
    "  -v, --verbose        the log of the library on stderr (twice: debug)\n"
    "  -q, --quiet          no progress, errors only\n"
    "  --log-level LEVEL    error, warning, info or debug\n"
    "\n"
    "Fixed: layer 92, no direct connection, 8 s for the handshake, 3 s of "
    "silence.\n"
    "\nExit codes: 0 the call stood until IN had been sent, 1 it failed, "
    "2 bad usage.\n";

static const char *const help[] = {help_tgvoipcall, NULL};

struct suite {
    struct call_job *job;
    char *relay, *tag; /* of the arguments */
    char paths[3][PATH_MAX]; /* IN, OUT, PREPROCESSED */
};

/* Text "raw:PATH" that lives as long as the suite. */
static bool set_path(struct opts *opts, const char **out, char *room)
{
    int n;

    if (!opts_path(opts, out))
        return false;
    n = snprintf(room, PATH_MAX, "raw:%s", opts->value);

    if (n < 0 || n >= PATH_MAX)
        return opts_refuse(opts, "the path is too long");
    *out = room;
    return true;
}

static bool read_network(struct opts *opts, struct call_job *job)
{
    uint64_t v;

    if (!opts_uint(opts, 0, 11, &v))
        return false;
    job->config.network_type = v == 10   ? TGVOIP_NET_OTHER_MOBILE
                               : v == 11 ? TGVOIP_NET_DIALUP
                                         : (enum tgvoip_network_type)v;
    return true;
}

static bool read_role(struct opts *opts, struct call_job *job)
{
    static const char *const names[] = {"caller", "callee", NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    job->config.outgoing = i == 0;
    job->has_role = true;
    return true;
}

static bool read_saving(struct opts *opts, struct call_job *job)
{
    static const char *const names[] = {"never", "always", NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    job->config.data_saving =
        i ? TGVOIP_DATA_SAVING_ALWAYS : TGVOIP_DATA_SAVING_NEVER;
    return true;
}

/* What this version cannot do is taken, so that the suite runs, and told. */
static bool read_switch(struct opts *opts, const char *what)
{
    static const char *const names[] = {"no", "yes", NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    if (i)
        diag_note(&opts->tool->diag,
                  "tgvoip: %s: there is no %s in this version; the sound is "
                  "sent as it is",
                  opts->name, what);
    return true;
}

/* -c names a file, where --config of `tgvoip call` says @FILE. */
static bool read_config(struct opts *opts, struct call_job *job)
{
    char text[PATH_MAX + 1], *value = opts->value;
    bool ok;

    if (snprintf(text, sizeof(text), "@%s", value) >= (int)sizeof(text))
        return opts_refuse(opts, "the path is too long");
    opts->value = text;
    ok = call_read_config(opts, job);
    opts->value = value;
    job->config_path = value;
    return ok;
}

static bool take_argument(struct opts *opts, struct suite *s)
{
    if (!s->relay)
        s->relay = opts->value;
    else if (!s->tag)
        s->tag = opts->value;
    else
        return opts_refuse(opts, "unexpected argument");
    return true;
}

static bool take_option(struct opts *opts, struct suite *s, int code)
{
    struct call_job *job = s->job;

    switch (code) {
    case 'k':
        job->has_key = true;
        job->key_path = opts_file(opts);
        return opts_hex(opts, job->key, sizeof(job->key));
    case 'i':
        return set_path(opts, &job->in, s->paths[0]);
    case 'o':
        return set_path(opts, &job->out, s->paths[1]);
    case 'p':
        return set_path(opts, &job->sent, s->paths[2]);
    case 'c':
        return read_config(opts, job);
    case 'r':
        return read_role(opts, job);
    case 't':
        return read_network(opts, job);
    case 's':
        return read_saving(opts, job);
    case 'n':
        return read_switch(opts, "noise suppression");
    case 'g':
        return read_switch(opts, "gain control");
    default:
        return take_argument(opts, s);
    }
}

static const char *what_is_missing(const struct suite *s)
{
    if (!s->relay)
        return "HOST:PORT";
    if (!s->tag)
        return "TAGHEX";
    if (!s->job->has_key)
        return "-k";
    if (!s->job->has_role)
        return "-r";
    return s->job->in ? NULL : "-i";
}

/* What -o and -p write goes to two files, also at the same standard output. */
static bool check_files(const struct call_job *job)
{
    const struct file_use uses[] = {{"-k", job->key_path, false},
                                    {"-c", job->config_path, false},
                                    {"-i", job->in, false},
                                    {"-o", job->out, true},
                                    {"-p", job->sent, true}};

    if (job->out && job->sent && !strcmp(job->out, job->sent)) {
        diag_error(&job->tool->diag, "-p", "and -o are the same file");
        return false;
    }
    return files_apart(&job->tool->diag, uses, sizeof(uses) / sizeof(uses[0]));
}

static bool set_relay(struct opts *opts, struct suite *s)
{
    char text[400];

    snprintf(opts->name, sizeof(opts->name), "%.39s", s->relay);
    if (snprintf(text, sizeof(text), "%s:%s", s->relay, s->tag) >=
        (int)sizeof(text))
        return opts_refuse(opts, "is too long for HOST:PORT TAGHEX");
    opts->value = text;
    s->job->relay_count = 1;
    if (!opts_relay(opts, &s->job->relays[0]))
        return false;
    s->job->relays[0].id = 1;
    return opts_relay_lookup(s->job->tool, "HOST:PORT", &s->job->relays[0]);
}

/* @return -1 to go on, else the exit code */
static int parse(struct suite *s, int argc, char **argv)
{
    const char *missing;
    struct opts opts;
    int code;

    opts_begin(&opts, s->job->tool, argc, argv, table, help);
    opts.letters = LETTERS;
    snprintf(opts.program, sizeof(opts.program), "tgvoipcall");
    while ((code = opts_next(&opts)) != OPT_END) {
        if (code == OPT_EXIT)
            return opts.exit_code;
        if (!take_option(&opts, s, code))
            return TOOL_USAGE;
    }
    missing = what_is_missing(s);
    if (missing) {
        diag_error(&s->job->tool->diag, missing,
                   "is needed; see tgvoipcall --help");
        return TOOL_USAGE;
    }
    if (!check_files(s->job))
        return TOOL_USAGE;
    return set_relay(&opts, s) ? -1 : TOOL_USAGE;
}

int cmd_tgvoipcall(struct tool *tool, int argc, char **argv)
{
    struct suite *s = calloc(1, sizeof(*s));
    struct call_job *job = calloc(1, sizeof(*job));
    int status = TOOL_FAILED;

    if (s && job) {
        s->job = job;
        job->tool = tool;
        job->until_sent = true;
        tgvoip_call_config_default(&job->config);
        job->config.init_timeout_ms = INIT_TIMEOUT_MS;
        job->config.receive_timeout_ms = RECEIVE_TIMEOUT_MS;
        status = parse(s, argc, argv);
        if (status < 0)
            status = call_run(job);
        tgvoip_wipe(job->key, sizeof(job->key));
        tgvoip_server_config_destroy(job->server_config);
    } else {
        diag_error(&tool->diag, "call", "out of memory");
    }
    free(job);
    free(s);
    return status;
}
