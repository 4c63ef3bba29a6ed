/* SPDX-License-Identifier: MIT */
/* tgvoip call: options of one end of a call; call_run.c makes the call. */
#include "call_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "options.h"

enum {
    OPT_ROLE = OPT_OWN,
    OPT_KEY,
    OPT_RELAY,
    OPT_TCP_RELAY,
    OPT_P2P,
    OPT_PROXY,
    OPT_LAYER,
    OPT_IN,
    OPT_OUT,
    OPT_CONFIG,
    OPT_NETWORK,
    OPT_DATA_SAVING,
    OPT_INIT_TIMEOUT,
    OPT_RECV_TIMEOUT,
    OPT_DURATION,
    OPT_START_AT,
    OPT_EVENT,
    OPT_LOG,
    OPT_STATS,
    OPT_PACKETS,
    OPT_STATE,
    OPT_TS,
    OPT_MUTE,
    OPT_ALLOW_V1,
    OPT_JSON
};

static const struct option table[] = {
    {"role", required_argument, NULL, OPT_ROLE},
    {"key", required_argument, NULL, OPT_KEY},
    {"relay", required_argument, NULL, OPT_RELAY},
    {"tcp-relay", required_argument, NULL, OPT_TCP_RELAY},
    {"p2p", no_argument, NULL, OPT_P2P},
    {"proxy", required_argument, NULL, OPT_PROXY},
    {"layer", required_argument, NULL, OPT_LAYER},
    {"in", required_argument, NULL, OPT_IN},
    {"out", required_argument, NULL, OPT_OUT},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"network", required_argument, NULL, OPT_NETWORK},
    {"data-saving", required_argument, NULL, OPT_DATA_SAVING},
    {"init-timeout", required_argument, NULL, OPT_INIT_TIMEOUT},
    {"recv-timeout", required_argument, NULL, OPT_RECV_TIMEOUT},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"start-at", required_argument, NULL, OPT_START_AT},
    {"event", required_argument, NULL, OPT_EVENT},
    {"log", required_argument, NULL, OPT_LOG},
    {"stats", required_argument, NULL, OPT_STATS},
    {"packets", required_argument, NULL, OPT_PACKETS},
    {"state", required_argument, NULL, OPT_STATE},
    {"ts", required_argument, NULL, OPT_TS},
    {"mute", no_argument, NULL, OPT_MUTE},
    {"allow-v1", no_argument, NULL, OPT_ALLOW_V1},
    {"json", no_argument, NULL, OPT_JSON},
    OPTS_COMMON,
    {NULL, 0, NULL, 0}};

static const char help_call[] =
    "usage: tgvoip call --role caller|callee --key @FILE\n"
    "                   --relay HOST:PORT:TAGHEX... [OPTIONS]\n"
    "\n"
    "One end of a call whose key is already agreed. Without --duration the "
    "call\nstays up until a signal or a failure; Ctrl-C hangs up and finishes "
    "every file.\n"
    "\n"
    "  --role ROLE          caller (requested the call) or callee\n"
    "  --key @FILE          the key, 512 hex digits in a file; @- is standard\n"
    "                       input. The digits themselves may stand here too, "
    "but\n                       then the process list shows them\n"
    "  --relay HOST:PORT:TAGHEX[:ID][,ipv6=ADDR]\n"
    "                       a UDP relay; repeatable. IPv6 hosts in brackets,\n"
    "                       IDs default to 1, 2, ...\n"
    "  --tcp-relay HOST:PORT:TAGHEX[:ID][,ipv6=ADDR]\n"
    "                       a TCP relay, likewise. Without one a call takes "
    "TCP to\n                       the UDP relays where UDP does not pass\n"
    "  --p2p                allow direct paths between the two ends; each "
    "learns\n                       the other's address\n"
    "  --proxy @FILE        a SOCKS5 proxy, socks5://[user:pass@]host:port; "
    "%XX is\n                       decoded in user and pass. Nothing goes "
    "beside it.\n                       The text may stand here too, but then "
    "the process\n                       list shows it\n"
    "  --layer N            connection layer the server gave, 65..92; 92\n"
    "\n"
    "Audio (WAV, FLAC, Ogg, MP3, or .raw/.pcm: 48 kHz mono s16le; - is raw):\n"
    "  --in FILE            what is said; without it, and after it, silence\n"
    "  --out FILE           record what is heard\n"
    "  --mute               start with the microphone off\n"
    "\n"
    "Course of the call:\n"
    "  --duration S         hang up S seconds after connecting\n"
    "  --start-at MONO      connect at that second of CLOCK_MONOTONIC\n"
    "  --event T:WHAT       T seconds after connecting: mute, unmute or\n"
    "                       network=NAME; repeatable\n"
    "  --init-timeout S     give up when nobody answers; 30\n"
    "  --recv-timeout S     give up when nothing is heard any more; 20\n"
    "\n"
    "Settings:\n"
    "  --config JSON|@FILE  the server's call configuration\n"
    "  --network NAME       unknown, gprs, edge, 3g, hspa, lte, wifi, "
    "ethernet,\n                       other_high_speed, other_low_speed, "
    "dialup,\n                       other_mobile\n"
    "  --data-saving WHEN   never, mobile or always\n"
    "  --allow-v1           accept the old encryption of layers below 74\n"
    "\n"
    "Records:\n"
    "  --log FILE           the call's log, every detail; appended\n"
    "  --stats FILE         its measures: ten rows a second, separated by "
    "tabs; "
    "a\n                       .csv gets more columns, five rows a second\n"
    "  --packets FILE       a row for each packet; after 8 MiB it goes on from "
    "the\n                       beginning, and FILE.1 holds what was there\n"
    "  --state FILE         what a call learns for the next one; read before, "
    "and\n                       replaced as a whole after it\n"
    "  --ts FILE            a line for each 20 ms block given to (i) or taken\n"
    "                       from (o) the engine: i|o, number, sample position "
    "in\n                       the file or -1, CLOCK_MONOTONIC us\n"
    "  --json               events as JSON lines on standard output\n";

static const char help_call_end[] =
    "\nExample, in three terminals (the tags differ in their last bit only):\n"
    "  tgvoip relay --listen 127.0.0.1:5000\n"
    "  tgvoip call --role callee --key @key.hex --out heard.wav \\\n"
    "      --relay 127.0.0.1:5000:00112233445566778899aabbccddee01\n"
    "  tgvoip call --role caller --key @key.hex --in hello.wav \\\n"
    "      --relay 127.0.0.1:5000:00112233445566778899aabbccddee00\n"
    "\nExit codes: 0 the call stood, 1 it failed, 2 bad usage.\n";

static const char *const help[] = {help_call, opts_help_common, help_call_end,
                                   NULL};

bool call_network_type(const char *name, enum tgvoip_network_type *type)
{
    int i;

    for (i = 0; i <= TGVOIP_NET_OTHER_MOBILE; i++)
        if (!strcmp(name,
                    tgvoip_network_type_str((enum tgvoip_network_type)i))) {
            *type = (enum tgvoip_network_type)i;
            return true;
        }
    return false;
}

static bool add_relay(struct opts *opts, struct call_job *job, bool tcp)
{
    size_t i, n = job->relay_count;
    struct opts_relay *relay = &job->relays[n];

    if (n == CALL_RELAYS)
        return opts_refuse(opts, "more than %d relays", CALL_RELAYS);
    if (!opts_relay(opts, relay))
        return false;
    relay->tcp = tcp;
    if (!relay->has_id)
        relay->id = (int64_t)n + 1;
    for (i = 0; i < n; i++)
        if (job->relays[i].id == relay->id)
            return opts_refuse(opts, "id %lld is used twice",
                               (long long)relay->id);
    job->relay_count++;
    return true;
}

static bool add_event(struct opts *opts, struct call_job *job)
{
    struct call_timed *timed = &job->timed[job->timed_count];
    const char *colon = strchr(opts->value, ':');

    if (job->timed_count == CALL_TIMED)
        return opts_refuse(opts, "more than %d events", CALL_TIMED);
    if (!colon)
        return opts_refuse(opts, "'%.60s' is not T:WHAT", opts->value);
    if (!opts_parse_seconds(opts->value, colon, &timed->after_us))
        return opts_refuse(opts, "'%.*s' is not a number of seconds",
                           (int)(colon - opts->value), opts->value);
    if (!strcmp(colon + 1, "mute"))
        timed->what = TIMED_MUTE;
    else if (!strcmp(colon + 1, "unmute"))
        timed->what = TIMED_UNMUTE;
    else if (!strncmp(colon + 1, "network=", 8)) {
        timed->what = TIMED_NETWORK;
        if (!call_network_type(colon + 9, &timed->network))
            return opts_refuse(opts, "'%.40s' is no network", colon + 9);
    } else
        return opts_refuse(opts,
                           "'%.40s' is none of mute, unmute, "
                           "network=NAME",
                           colon + 1);
    job->timed_count++;
    return true;
}

bool call_read_config(struct opts *opts, struct call_job *job)
{
    struct tgvoip_failure failure = {0};
    unsigned rejected = 0;
    size_t size;
    char *text = opts_text(opts, 1 << 20, &size);
    int err;

    if (!text)
        return false;
    err = job->server_config ? 0
                             : tgvoip_server_config_create(&job->server_config);
    if (!err)
        err = tgvoip_server_config_merge(job->server_config, text, size,
                                         &rejected, &failure);
    free(text);
    if (err)
        return opts_refuse(
            opts, "%s", failure.why[0] ? failure.why : tgvoip_error_str(err));
    if (rejected)
        diag_note(&opts->tool->diag, "tgvoip: %s: %s: %s", opts->name,
                  failure.what, failure.why);
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

static bool read_data_saving(struct opts *opts, struct call_job *job)
{
    static const char *const names[] = {"never", "mobile", "always", NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    job->config.data_saving = (enum tgvoip_data_saving)i;
    return true;
}

static bool read_layer(struct opts *opts, struct call_job *job)
{
    uint64_t v;

    if (!opts_uint(opts, TGVOIP_MIN_LAYER, TGVOIP_MAX_LAYER, &v))
        return false;
    job->config.max_layer = (int)v;
    return true;
}

static bool read_timeout(struct opts *opts, unsigned *ms)
{
    int64_t us;

    if (!opts_seconds(opts, 0.001, 600, &us))
        return false;
    *ms = (unsigned)(us / 1000);
    return true;
}

static bool take_stats(struct opts *opts, struct call_job *job)
{
    size_t len = strlen(opts->value);
    bool csv = len > 4 && !strcmp(opts->value + len - 4, ".csv");

    job->csv_path = job->reports[TGVOIP_REPORT_STATS] = NULL;
    return opts_path(opts,
                     csv ? &job->csv_path : &job->reports[TGVOIP_REPORT_STATS]);
}

static bool take_option(struct opts *opts, struct call_job *job, int code)
{
    struct tgvoip_call_config *c = &job->config;

    switch (code) {
    case OPT_ROLE:
        return read_role(opts, job);
    case OPT_KEY:
        job->has_key = true;
        job->key_path = opts_file(opts);
        return opts_hex(opts, job->key, sizeof(job->key));
    case OPT_RELAY:
        return add_relay(opts, job, false);
    case OPT_TCP_RELAY:
        return add_relay(opts, job, true);
    case OPT_P2P:
        c->allow_p2p = true;
        return true;
    case OPT_PROXY:
        job->proxy_path = opts_file(opts);
        return opts_proxy(opts, &job->proxy);
    case OPT_LAYER:
        return read_layer(opts, job);
    case OPT_IN:
        return opts_path(opts, &job->in);
    case OPT_OUT:
        return opts_path(opts, &job->out);
    case OPT_CONFIG:
        job->config_path = opts_file(opts);
        return call_read_config(opts, job);
    case OPT_NETWORK:
        return call_network_type(opts->value, &c->network_type) ||
               opts_refuse(opts,
                           "'%.40s' is no network; see tgvoip call "
                           "--help",
                           opts->value);
    case OPT_DATA_SAVING:
        return read_data_saving(opts, job);
    case OPT_INIT_TIMEOUT:
        return read_timeout(opts, &c->init_timeout_ms);
    case OPT_RECV_TIMEOUT:
        return read_timeout(opts, &c->receive_timeout_ms);
    case OPT_DURATION:
        return opts_seconds(opts, 0.001, 1e6, &job->duration_us);
    case OPT_START_AT:
        return opts_seconds(opts, 0, 1e12, &job->start_at_us);
    case OPT_EVENT:
        return add_event(opts, job);
    case OPT_LOG:
        return opts_path(opts, &job->reports[TGVOIP_REPORT_LOG]);
    case OPT_STATS:
        return take_stats(opts, job);
    case OPT_PACKETS:
        return opts_path(opts, &job->reports[TGVOIP_REPORT_PACKETS]);
    case OPT_STATE:
        return opts_path(opts, &job->state_path);
    case OPT_TS:
        return opts_path(opts, &job->ts_path);
    case OPT_MUTE:
        c->muted = true;
        return true;
    case OPT_ALLOW_V1:
        c->allow_v1 = true;
        return true;
    case OPT_JSON:
        job->json = true;
        return true;
    default:
        return opts_refuse(opts, "unexpected argument");
    }
}

static const char *what_is_missing(const struct call_job *job)
{
    if (!job->has_role)
        return "--role";
    if (!job->has_key)
        return "--key";
    return job->relay_count ? NULL : "--relay or --tcp-relay";
}

/* Names become addresses, but not with a proxy: who asked could be seen. */
static bool look_up(struct call_job *job)
{
    size_t i;

    for (i = 0; i < job->relay_count; i++) {
        struct opts_relay *relay = &job->relays[i];
        const char *option = relay->tcp ? "--tcp-relay" : "--relay";

        if (relay->host[0] && job->proxy.host[0]) {
            diag_error(&job->tool->diag, option,
                       "host '%.60s': with --proxy relays need addresses, a "
                       "name would be asked for beside the proxy",
                       relay->host);
            return false;
        }
        if (!opts_relay_lookup(job->tool, option, relay))
            return false;
    }
    return true;
}

static bool check_files(const struct call_job *job)
{
    const struct file_use uses[] = {
        {"--key", job->key_path, false},
        {"--config", job->config_path, false},
        {"--proxy", job->proxy_path, false},
        {"--in", job->in, false},
        {"--out", job->out, true},
        {"--log", job->reports[TGVOIP_REPORT_LOG], true},
        {"--stats", job->reports[TGVOIP_REPORT_STATS], true},
        {"--stats", job->csv_path, true},
        {"--packets", job->reports[TGVOIP_REPORT_PACKETS], true},
        {"--state", job->state_path, true},
        {"--ts", job->ts_path, true}};

    return files_apart(&job->tool->diag, uses, sizeof(uses) / sizeof(uses[0]));
}

/* @return -1 to go on, else the exit code */
static int parse(struct call_job *job, int argc, char **argv)
{
    const char *missing;
    struct opts opts;
    int code;

    opts_begin(&opts, job->tool, argc, argv, table, help);
    while ((code = opts_next(&opts)) != OPT_END) {
        if (code == OPT_EXIT)
            return opts.exit_code;
        if (!take_option(&opts, job, code))
            return TOOL_USAGE;
    }
    missing = what_is_missing(job);
    if (missing) {
        diag_error(&job->tool->diag, missing,
                   "is needed; see tgvoip call --help");
        return TOOL_USAGE;
    }
    if (job->config.max_layer < CALL_MTPROTO2_LAYER && !job->config.allow_v1) {
        diag_error(&job->tool->diag, "--layer",
                   "%d uses the old encryption, which is refused; --allow-v1 "
                   "permits it",
                   job->config.max_layer);
        return TOOL_USAGE;
    }
    if (job->json && job->out && !strcmp(job->out, "-")) {
        diag_error(&job->tool->diag, "--out",
                   "standard output cannot carry both audio and --json");
        return TOOL_USAGE;
    }
    return check_files(job) && look_up(job) ? -1 : TOOL_USAGE;
}

int cmd_call(struct tool *tool, int argc, char **argv)
{
    struct call_job *job = calloc(1, sizeof(*job));
    int status;

    if (!job) {
        diag_error(&tool->diag, "call", "out of memory");
        return TOOL_FAILED;
    }
    job->tool = tool;
    tgvoip_call_config_default(&job->config);
    status = parse(job, argc, argv);
    if (status < 0)
        status = call_run(job);
    tgvoip_wipe(job->key, sizeof(job->key));
    tgvoip_wipe(&job->proxy, sizeof(job->proxy));
    tgvoip_server_config_destroy(job->server_config);
    free(job);
    return status;
}
