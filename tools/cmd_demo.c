/* SPDX-License-Identifier: MIT */
/* tgvoip demo: hear a call. */
#include "demo.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clip.h"
#include "files.h"
#include "options.h"

enum { OPT_IN = OPT_OWN, OPT_OUT, OPT_SECONDS, OPT_TCP, OPT_JSON };

static const struct option table[] = {
    {"in", required_argument, NULL, OPT_IN},
    {"out", required_argument, NULL, OPT_OUT},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"tcp", no_argument, NULL, OPT_TCP},
    {"json", no_argument, NULL, OPT_JSON},
    OPTS_IMPAIRMENT,
    OPTS_COMMON,
    {NULL, 0, NULL, 0}};

static const char help_demo[] =
    "usage: tgvoip demo [--in FILE] [--out DIR] [--seconds S] [--tcp] [BAD "
    "NETWORK]\n"
    "\n"
    "Hear a call. Starts a relay and the two ends of an encrypted call on "
    "this\n"
    "machine, agrees on a fresh key, lets both ends speak, and writes what "
    "they\nheard and a report that opens in any browser.\n"
    "\n"
    "  --in FILE            what both say: WAV, FLAC, Ogg, MP3, or .raw/.pcm\n"
    "                       (48 kHz mono s16le); the callee starts 1.5 s "
    "later.\n"
    "                       Default: two speech clips that come with tgvoip\n"
    "  --out DIR            where caller.wav, callee.wav, report.json and\n"
    "                       report.html go; default ./tgvoip-demo\n"
    "  --seconds S          length of the conversation; default: the clip's\n"
    "  --tcp                reach the relay by TCP, as where UDP does not "
    "pass\n"
    "  --json               events as JSON lines on standard output\n";

static const char help_demo_end[] =
    "\nExample: tgvoip demo --loss 10 --jitter 60 --delay 100\n\n"
    "Exit codes: 0 both were heard, 1 the call failed or a voice did not "
    "arrive,\n2 bad usage.\n";

static const char *const help[] = {help_demo, opts_help_impairment,
                                   opts_help_common, help_demo_end, NULL};

static int parse(struct demo *demo, int argc, char **argv)
{
    struct opts opts;
    int code;

    opts_begin(&opts, demo->tool, argc, argv, table, help);
    while ((code = opts_next(&opts)) != OPT_END) {
        bool ok = true;

        switch (code) {
        case OPT_EXIT:
            return opts.exit_code;
        case OPT_IN:
            ok = opts_path(&opts, &demo->in);
            break;
        case OPT_OUT:
            ok = opts_path(&opts, &demo->out);
            break;
        case OPT_SECONDS:
            ok = opts_seconds(&opts, 1, 86400, &demo->seconds_us);
            break;
        case OPT_TCP:
            demo->tcp = true;
            break;
        case OPT_JSON:
            demo->json = true;
            break;
        case OPT_IMPAIRMENT:
            ok = opts_impairment(&opts, &demo->impairment);
            break;
        default:
            ok = opts_refuse(&opts, "unexpected argument");
        }
        if (!ok)
            return TOOL_USAGE;
    }
    return -1;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Find and look at the clips before anything else begins. */
static bool choose_clips(struct demo *demo, char paths[SIDES][PATH_MAX])
{
    static const char *const shipped[SIDES] = {"speech.flac", "speech-b.flac"};
    struct tgvoip_audio_info info;
    struct tgvoip_failure failure = {0};
    int side, err;

    for (side = 0; side < SIDES; side++) {
        struct demo_side *s = &demo->sides[side];

        if (demo->in) {
            snprintf(paths[side], PATH_MAX, "%s", demo->in);
        } else if (!clip_find(shipped[side], paths[side], PATH_MAX)) {
            diag_error(&demo->tool->diag, shipped[side],
                       "not found beside the tool; give a file with --in");
            return false;
        }
        s->clip = paths[side];
        snprintf(s->clip_name, sizeof(s->clip_name), "%.79s",
                 base_name(s->clip));
        tgvoip_audio_info_default(&info);
        err = tgvoip_audio_probe(s->clip, &info, &failure);
        if (err) {
            failure.code = err;
            tool_report(demo->tool, &failure);
            return false;
        }
        demo->clip_us[side] = info.duration_us;
    }
    return true;
}

static bool make_directory(struct demo *demo)
{
    struct stat st;
    char path[PATH_MAX];
    char *p;

    if (snprintf(path, sizeof(path), "%s/", demo->out) >= PATH_MAX - 20) {
        diag_error(&demo->tool->diag, "--out", "the path is too long");
        return false;
    }
    for (p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            break;
        *p = '/';
    }
    if (stat(demo->out, &st) != 0 || !S_ISDIR(st.st_mode)) {
        diag_error(&demo->tool->diag, demo->out, "%s",
                   errno == EEXIST ? "is no directory" : strerror(errno));
        return false;
    }
    snprintf(demo->sides[CALLER].recording, PATH_MAX, "%.4000s/caller.wav",
             demo->out);
    snprintf(demo->sides[CALLEE].recording, PATH_MAX, "%.4000s/callee.wav",
             demo->out);
    return true;
}

/* What was heard in the last demo is easily said in the next one. */
static bool check_files(const struct demo *demo)
{
    const struct file_use uses[] = {
        {"--out", demo->sides[CALLER].recording, true},
        {"--out", demo->sides[CALLEE].recording, true},
        {"--in", demo->in, false}};

    return files_apart(&demo->tool->diag, uses, sizeof(uses) / sizeof(uses[0]));
}

static void print_key(const struct demo *demo)
{
    int side, i;

    if (demo->json)
        return;
    for (side = 0; side < SIDES; side++) {
        const struct tgvoip_emoji *e = demo->key.emoji[side];

        printf("%s  ", side == CALLER ? "caller" : "callee");
        for (i = 0; i < TGVOIP_EMOJI_COUNT; i++)
            printf(" %s", e[i].utf8);
        printf("   (");
        for (i = 0; i < TGVOIP_EMOJI_COUNT; i++)
            printf("%s%s", i ? ", " : "", e[i].name);
        printf(")\n");
    }
    printf("key      2048-bit Diffie-Hellman, every check passed; the emoji "
           "are the same\n         on both sides, so nobody sits in "
           "between\n");
    printf("network  %s\n", demo->network);
    fflush(stdout);
}

static void key_event(struct demo *demo)
{
    json_tree *o, *names = json_tree_array();
    char text[64] = "";
    int i;

    for (i = 0; i < TGVOIP_EMOJI_COUNT; i++) {
        json_tree *e = json_tree_object();

        json_set_str(e, "utf8", demo->key.emoji[CALLER][i].utf8);
        json_set_str(e, "name", demo->key.emoji[CALLER][i].name);
        json_push(names, e);
    }
    snprintf(text, sizeof(text), "%016" PRIx64,
             (uint64_t)demo->key.fingerprint);
    o = events_begin(&demo->events, "key", NULL, tool_now_us());
    if (!o) {
        json_tree_free(names);
        return;
    }
    json_set_str(o, "fingerprint", text);
    json_set(o, "emoji", names);
    events_end(&demo->events, o);
}

static int start_relay(struct demo *demo, tgvoip_engine *engine,
                       tgvoip_relay **relay, const uint8_t *tag)
{
    struct tgvoip_relay_config config;
    struct tgvoip_failure failure = {0};
    int err;

    tgvoip_relay_config_default(&config);
    config.listen = "127.0.0.1:0";
    config.tcp_listen = demo->tcp ? "127.0.0.1:0" : NULL;
    config.tags = tag;
    config.tag_count = 1;
    config.impairment = demo->impairment;
    err = tgvoip_relay_create(engine, relay, &config, &failure);
    if (err) {
        failure.code = err;
        tool_report(demo->tool, &failure);
        return err;
    }
    demo->relay_port =
        demo->tcp ? tgvoip_relay_tcp_port(*relay) : tgvoip_relay_port(*relay);
    return 0;
}

static void report_event(struct demo *demo)
{
    json_tree *o = events_begin(&demo->events, "report", NULL, tool_now_us());
    char path[PATH_MAX];

    if (!o)
        return;
    json_set_bool(o, "ok", demo->ok);
    json_set_str(o, "verdict", demo->verdict);
    snprintf(path, sizeof(path), "%.4000s/report.json", demo->out);
    json_set_str(o, "json", path);
    snprintf(path, sizeof(path), "%.4000s/report.html", demo->out);
    json_set_str(o, "html", path);
    events_end(&demo->events, o);
}

static void print_pair(const char *label, const char *form, double forth,
                       double back)
{
    printf("%-8s caller to callee ", label);
    printf(form, forth);
    printf(", callee to caller ");
    printf(form, back);
    printf("\n");
}

static void print_measures(const struct demo *demo)
{
    const struct demo_side *a = &demo->sides[CALLER], *b = &demo->sides[CALLEE];
    const struct envelope_match *forth = &demo->directions[CALLER].match;
    const struct envelope_match *back = &demo->directions[CALLEE].match;
    char road[END_ROUTE_TEXT];
    int64_t setup = a->stats.established_us > b->stats.established_us
                        ? a->stats.established_us
                        : b->stats.established_us;

    printf("set-up   %.2f s\n", (double)setup / 1e6);
    printf("route    %s at 127.0.0.1:%u, rtt %.0f ms\n",
           call_end_route(&a->stats.route, road), demo->relay_port,
           a->stats.rtt_ms);
    if (forth->count && back->count)
        print_pair("delay", "%.0f ms", forth->lag_ms, back->lag_ms);
    print_pair("loss", "%.1f %%", 100 * demo_loss_in(&b->stats),
               100 * demo_loss_in(&a->stats));
    if (forth->count && back->count)
        print_pair("likeness", "%.2f", forth->correlation, back->correlation);
}

static void print_summary(const struct demo *demo)
{
    if (demo->json)
        return;
    if (demo->talk_us)
        print_measures(demo);
    printf("\n%s\n", demo->verdict);
    if (!demo->ok)
        printf("%s\n", demo->detail);
    if (demo->talk_us)
        printf("\nheard    %s\n         %s\n", demo->sides[CALLER].recording,
               demo->sides[CALLEE].recording);
    if (demo->reported)
        printf("report   %s/report.html\n         %s/report.json\n", demo->out,
               demo->out);
}

/* @return false if the call did not begin; the reason has been printed */
static bool make_call(struct demo *demo)
{
    struct tgvoip_failure failure;
    uint8_t tag[TGVOIP_TAG_BYTES];
    tgvoip_engine *engine = NULL;
    tgvoip_relay *relay = NULL;
    int err;

    if (tgvoip_random(tag, sizeof(tag)) != 0) {
        diag_error(&demo->tool->diag, "random", "the system has none");
        return false;
    }
    err = tool_engine(demo->tool, &engine, 0);
    if (!err)
        err = start_relay(demo, engine, &relay, tag);
    if (!err) {
        err = demo_line_open(demo, demo->relay_port, tag, &failure);
        if (err)
            tool_report(demo->tool, &failure);
    }
    if (!err) {
        print_key(demo);
        key_event(demo);
        live_init(&demo->live, demo->tool,
                  !demo->json && !demo->tool->diag.quiet);
        err = demo_run(demo, engine);
        tgvoip_relay_get_stats(relay, &demo->relay_stats);
    }
    demo_line_close(demo);
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
    return err == 0;
}

static int run(struct demo *demo)
{
    char paths[SIDES][PATH_MAX];

    if (!choose_clips(demo, paths) || !make_directory(demo) ||
        !check_files(demo))
        return TOOL_FAILED;
    if (demo->impairment)
        tgvoip_impairment_describe(demo->impairment, demo->network,
                                   sizeof(demo->network));
    if (!demo->network[0])
        snprintf(demo->network, sizeof(demo->network), "no impairment");
    if (!make_call(demo))
        return TOOL_FAILED;
    demo_judge(demo);
    demo->reported = report_write(demo);
    demo->ok = demo->ok && demo->reported;
    report_event(demo);
    print_summary(demo);
    return demo->ok && !demo->events.broken ? TOOL_OK : TOOL_FAILED;
}

static void fini(struct demo *demo)
{
    int i;

    for (i = 0; i < SIDES; i++) {
        samples_free(&demo->sides[i].samples);
        block_list_free(&demo->sides[i].sent);
        block_list_free(&demo->sides[i].heard);
        envelope_free(&demo->directions[i].sent);
        envelope_free(&demo->directions[i].heard);
        envelope_match_free(&demo->directions[i].match);
    }
    tgvoip_impairment_destroy(demo->impairment);
    free(demo);
}

int cmd_demo(struct tool *tool, int argc, char **argv)
{
    struct demo *demo = calloc(1, sizeof(*demo));
    int status;

    if (!demo) {
        diag_error(&tool->diag, "demo", "out of memory");
        return TOOL_FAILED;
    }
    demo->tool = tool;
    demo->out = "./tgvoip-demo";
    demo->relay_stats.size = sizeof(demo->relay_stats);
    status = parse(demo, argc, argv);
    demo->events.tool = tool;
    demo->events.on = demo->json;
    if (!demo->json)
        tool->diag.notes = stdout;
    if (status < 0) {
        wake_catch();
        status = run(demo);
    }
    fini(demo);
    return status;
}
