/* SPDX-License-Identifier: MIT */
/* tgvoip keys: the numbers of call negotiation, for scripts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_out.h"
#include "options.h"
#include "tool.h"

enum { OPT_KEY = OPT_OWN, OPT_G, OPT_P, OPT_PUBLIC, OPT_G_A, OPT_JSON };

static const struct option table[] = {
    {"key", required_argument, NULL, OPT_KEY},
    {"g", required_argument, NULL, OPT_G},
    {"p", required_argument, NULL, OPT_P},
    {"public", required_argument, NULL, OPT_PUBLIC},
    {"g-a", required_argument, NULL, OPT_G_A},
    {"json", no_argument, NULL, OPT_JSON},
    OPTS_COMMON,
    {NULL, 0, NULL, 0}};

static const char help_keys[] =
    "usage: tgvoip keys check-dh --g G --p VALUE [--public VALUE]\n"
    "       tgvoip keys fingerprint --key VALUE\n"
    "       tgvoip keys emoji --key VALUE --g-a VALUE\n"
    "\n"
    "Checks and names the numbers of a call's key agreement. A VALUE is 512 "
    "hex\ndigits: @FILE, @- (standard input), or the digits themselves, which "
    "the\nprocess list then shows.\n"
    "\n"
    "  check-dh             is G 2..7, P a safe prime of 2048 bits, and G a\n"
    "                       generator of its large subgroup; is the public "
    "value\n                       in the safe range\n"
    "  fingerprint          of a key, a signed 64-bit number\n"
    "  emoji                the four that two people compare; --g-a is the "
    "value\n                       that the caller sent\n"
    "  --json               the answer as a JSON object\n";

static const char help_keys_end[] =
    "\nExample: tgvoip keys fingerprint --key @key.hex\n\n"
    "Exit codes: 0 done or all checks passed, 1 a check failed, 2 bad "
    "usage.\n";

static const char *const help[] = {help_keys, opts_help_common, help_keys_end,
                                   NULL};

struct job {
    struct tool *tool;
    const char *action;
    uint8_t key[TGVOIP_KEY_BYTES], p[TGVOIP_KEY_BYTES];
    uint8_t public_value[TGVOIP_KEY_BYTES], g_a[TGVOIP_KEY_BYTES];
    bool has_key, has_g, has_p, has_public, has_g_a, json;
    uint64_t g;
};

static bool take_option(struct opts *opts, struct job *job, int code)
{
    switch (code) {
    case OPT_KEY:
        job->has_key = true;
        return opts_hex(opts, job->key, sizeof(job->key));
    case OPT_G:
        job->has_g = true;
        return opts_uint(opts, 0, 1000, &job->g);
    case OPT_P:
        job->has_p = true;
        return opts_hex(opts, job->p, sizeof(job->p));
    case OPT_PUBLIC:
        job->has_public = true;
        return opts_hex(opts, job->public_value, sizeof(job->public_value));
    case OPT_G_A:
        job->has_g_a = true;
        return opts_hex(opts, job->g_a, sizeof(job->g_a));
    case OPT_JSON:
        job->json = true;
        return true;
    default:
        if (job->action)
            return opts_refuse(opts, "unexpected argument");
        job->action = opts->value;
        return true;
    }
}

static int need(struct job *job, const char *option)
{
    diag_error(&job->tool->diag, option, "is needed; see tgvoip keys --help");
    return TOOL_USAGE;
}

static int answer(json_tree *o)
{
    return json_print_line(o, stdout) ? TOOL_OK : TOOL_FAILED;
}

static int check_dh(struct job *job)
{
    struct tgvoip_failure failure = {0};
    int err;

    if (!job->has_g)
        return need(job, "--g");
    if (!job->has_p)
        return need(job, "--p");
    err = tgvoip_dh_check_config((int)job->g, job->p, sizeof(job->p), &failure);
    if (!err && job->has_public) {
        err =
            tgvoip_dh_check_public(job->public_value, sizeof(job->public_value),
                                   job->p, sizeof(job->p));
        snprintf(failure.what, sizeof(failure.what), "public value");
        snprintf(failure.why, sizeof(failure.why),
                 "outside 2^1984 .. p - 2^1984");
    }
    if (job->json) {
        json_tree *o = json_tree_object();

        json_set_bool(o, "ok", err == 0);
        json_set_str(o, "error", err ? failure.why : NULL);
        answer(o);
    } else if (!err) {
        puts("ok");
    }
    if (err) {
        failure.code = err;
        tool_report(job->tool, &failure);
    }
    return err ? TOOL_FAILED : TOOL_OK;
}

static int fingerprint(struct job *job)
{
    char text[24];
    json_tree *o;
    int64_t value;

    if (!job->has_key)
        return need(job, "--key");
    if (tgvoip_key_fingerprint(job->key, &value) != 0)
        return TOOL_FAILED;
    snprintf(text, sizeof(text), "%016" PRIx64, (uint64_t)value);
    if (!job->json) {
        printf("%" PRId64 "\n", value);
        return TOOL_OK;
    }
    o = json_tree_object();
    json_set_id(o, "fingerprint", value);
    json_set_str(o, "hex", text);
    return answer(o);
}

static int emoji(struct job *job)
{
    struct tgvoip_emoji list[TGVOIP_EMOJI_COUNT];
    json_tree *a, *o;
    int i;

    if (!job->has_key)
        return need(job, "--key");
    if (!job->has_g_a)
        return need(job, "--g-a");
    if (tgvoip_key_emoji(job->key, job->g_a, sizeof(job->g_a), list) != 0)
        return TOOL_FAILED;
    a = json_tree_array();
    for (i = 0; i < TGVOIP_EMOJI_COUNT; i++) {
        json_tree *e = json_tree_object();

        json_set_int(e, "index", list[i].index);
        json_set_str(e, "utf8", list[i].utf8);
        json_set_str(e, "name", list[i].name);
        json_push(a, e);
        if (!job->json)
            printf("%s %s\n", list[i].utf8, list[i].name);
    }
    o = json_tree_object();
    json_set(o, "emoji", a);
    if (job->json)
        return answer(o);
    json_tree_free(o);
    return TOOL_OK;
}

/* An option of another action would do nothing: say so. */
static int stray(struct job *job)
{
    bool check = !strcmp(job->action, "check-dh");
    bool emoji_only = !strcmp(job->action, "emoji");
    const struct {
        const char *option;
        bool given, fits;
    } t[] = {{"--key", job->has_key, !check},
             {"--g", job->has_g, check},
             {"--p", job->has_p, check},
             {"--public", job->has_public, check},
             {"--g-a", job->has_g_a, emoji_only}};
    size_t i;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        if (!t[i].given || t[i].fits)
            continue;
        diag_error(&job->tool->diag, t[i].option, "is not for keys %s",
                   job->action);
        return TOOL_USAGE;
    }
    return TOOL_OK;
}

static int act(struct job *job)
{
    if (stray(job) != TOOL_OK)
        return TOOL_USAGE;
    if (!strcmp(job->action, "check-dh"))
        return check_dh(job);
    if (!strcmp(job->action, "fingerprint"))
        return fingerprint(job);
    return emoji(job);
}

static int run(struct job *job)
{
    if (!job->action) {
        diag_error(&job->tool->diag, "keys",
                   "needs check-dh, fingerprint or emoji; see tgvoip keys "
                   "--help");
        return TOOL_USAGE;
    }
    if (!strcmp(job->action, "check-dh") ||
        !strcmp(job->action, "fingerprint") || !strcmp(job->action, "emoji"))
        return act(job);
    diag_error(&job->tool->diag, job->action,
               "is none of check-dh, fingerprint, emoji");
    return TOOL_USAGE;
}

int cmd_keys(struct tool *tool, int argc, char **argv)
{
    struct job job = {.tool = tool};
    struct opts opts;
    int code, status = -1;

    opts_begin(&opts, tool, argc, argv, table, help);
    while (status < 0 && (code = opts_next(&opts)) != OPT_END) {
        if (code == OPT_EXIT)
            status = opts.exit_code;
        else if (!take_option(&opts, &job, code))
            status = TOOL_USAGE;
    }
    if (status < 0)
        status = run(&job);
    tgvoip_wipe(job.key, sizeof(job.key));
    return status;
}
