/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char opts_help_common[] =
    "\nGeneral:\n"
    "  -h, --help           this text\n"
    "  -v, --verbose        the log of the library on stderr (twice: debug)\n"
    "  -q, --quiet          no progress, errors only\n"
    "  --log-level LEVEL    error, warning, info or debug\n";

const char opts_help_impairment[] =
    "\nBad network, applied in both directions, the same again with the same "
    "seed:\n"
    "  --loss PCT[,CORR]    lose packets, CORR percent correlated\n"
    "  --burst MEAN         lose in bursts of this mean length\n"
    "  --delay MS           delay each packet\n"
    "  --jitter MS          and by 0..MS more, at random\n"
    "  --reorder PCT        let packets overtake\n"
    "  --dup PCT            deliver twice\n"
    "  --corrupt PCT        damage\n"
    "  --rate KBIT          limit, kbit/s of UDP payload\n"
    "  --blackout T0-T1     nothing passes, from second T0 to T1; repeatable\n"
    "  --drift PPM          clock of the network runs fast (or slow: -PPM)\n"
    "  --profile NAME       wifi, 3g1..3g4, 3gdelay, 3goutage, edge1, edge2,\n"
    "                       gprs1..gprs3\n"
    "  --seed N             of the random numbers\n";

void opts_begin(struct opts *opts, struct tool *tool, int argc, char **argv,
                const struct option *table, const char *const *help)
{
    memset(opts, 0, sizeof(*opts));
    opts->tool = tool;
    opts->argc = argc;
    opts->argv = argv;
    opts->table = table;
    opts->help = help;
    opts->letters = "+:hvq";
    snprintf(opts->program, sizeof(opts->program), "tgvoip %.20s", argv[0]);
    optind = 1;
    opterr = 0;
}

bool opts_refuse(struct opts *opts, const char *why, ...)
{
    char text[400];
    va_list args;

    va_start(args, why);
    vsnprintf(text, sizeof(text), why, args);
    va_end(args);
    diag_error(&opts->tool->diag, opts->name, "%s", text);
    return false;
}

static int leave(struct opts *opts, int code)
{
    opts->exit_code = code;
    return OPT_EXIT;
}

/* The option's name as it was typed, without its value. */
static void remember_name(struct opts *opts, const char *typed)
{
    size_t len = strcspn(typed, "=");

    if (typed[0] == '-' && typed[1] != '-')
        len = 2;
    if (len >= sizeof(opts->name))
        len = sizeof(opts->name) - 1;
    memcpy(opts->name, typed, len);
    opts->name[len] = '\0';
}

/* getopt_long takes abbreviations, which would break with the next option
 * that is added; this tool takes whole names only. */
static bool is_whole_name(const struct opts *opts)
{
    const struct option *o;

    if (opts->name[1] != '-')
        return true;
    for (o = opts->table; o->name; o++)
        if (!strcmp(o->name, opts->name + 2))
            return true;
    return false;
}

static bool set_log_level(struct opts *opts)
{
    static const char *const names[] = {"error", "warning", "info", "debug",
                                        NULL};
    int i;

    if (!opts_name(opts, names, &i))
        return false;
    opts->tool->diag.level = TGVOIP_LOG_ERROR + i;
    return true;
}

static int print_help(struct opts *opts)
{
    size_t i;

    for (i = 0; opts->help[i]; i++)
        fputs(opts->help[i], stdout);
    return leave(opts, TOOL_OK);
}

static int positional(struct opts *opts)
{
    if (optind >= opts->argc)
        return OPT_END;
    opts->value = opts->argv[optind++];
    snprintf(opts->name, sizeof(opts->name), "%.39s", opts->value);
    return OPT_POSITIONAL;
}

static int common(struct opts *opts, int code)
{
    struct diag *diag = &opts->tool->diag;

    switch (code) {
    case OPT_HELP:
    case 'h':
        return print_help(opts);
    case 'v':
        if (diag->level < TGVOIP_LOG_INFO)
            diag->level = TGVOIP_LOG_INFO;
        else
            diag->level = TGVOIP_LOG_DEBUG;
        return 0;
    case 'q':
        diag->quiet = true;
        diag->level = 0;
        return 0;
    case OPT_LOG_LEVEL:
        return set_log_level(opts) ? 0 : leave(opts, TOOL_USAGE);
    case ':':
        opts_refuse(opts, "needs a value");
        return leave(opts, TOOL_USAGE);
    case '?':
        opts_refuse(opts, "unknown option; see %s --help", opts->program);
        return leave(opts, TOOL_USAGE);
    default:
        return code;
    }
}

int opts_next(struct opts *opts)
{
    int code;

    do {
        int at = optind;

        code = getopt_long(opts->argc, opts->argv, opts->letters, opts->table,
                           NULL);
        if (code == -1)
            return positional(opts);
        remember_name(opts, opts->argv[at < opts->argc ? at : 0]);
        opts->value = optarg;
        if (code == '?' && optopt && opts->name[1] == '-') {
            opts_refuse(opts, "takes no value");
            return leave(opts, TOOL_USAGE);
        }
        if (!is_whole_name(opts))
            code = '?';
        code = common(opts, code);
    } while (code == 0);
    return code;
}

bool opts_uint(struct opts *opts, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = opts->value;
    unsigned long long v;
    char *end;

    *out = 0;
    if (!isdigit((unsigned char)text[0]))
        return opts_refuse(opts, "'%.60s' is not a whole number", text);
    errno = 0;
    v = strtoull(text, &end, 10);
    if (*end)
        return opts_refuse(opts, "'%.60s' is not a whole number", text);
    if (errno || v < min || v > max)
        return opts_refuse(opts, "%.40s is out of range %llu..%llu", text,
                           (unsigned long long)min, (unsigned long long)max);
    *out = v;
    return true;
}

bool opts_parse_seconds(const char *text, const char *end, int64_t *out_us)
{
    int64_t whole = 0, fraction = 0, unit = 100000;
    const char *p = text;

    *out_us = 0;
    for (; p < end && isdigit((unsigned char)*p); p++) {
        if (whole > INT64_C(1000000000000))
            return false;
        whole = whole * 10 + (*p - '0');
    }
    if (p == text)
        return false;
    if (p < end && *p == '.') {
        const char *point = p++;

        for (; p < end && isdigit((unsigned char)*p); p++, unit /= 10)
            fraction += (*p - '0') * unit;
        if (p == point + 1)
            return false;
    }
    *out_us = whole * 1000000 + fraction;
    return p == end && whole <= INT64_C(1000000000000);
}

bool opts_seconds(struct opts *opts, double min, double max, int64_t *out_us)
{
    const char *text = opts->value;
    double s;

    if (!opts_parse_seconds(text, text + strlen(text), out_us))
        return opts_refuse(opts, "'%.60s' is not a number of seconds", text);
    s = (double)*out_us / 1e6;
    if (s < min || s > max)
        return opts_refuse(opts, "%.40s is out of range %g..%g s", text, min,
                           max);
    return true;
}

bool opts_name(struct opts *opts, const char *const *names, int *index)
{
    char list[240] = "";
    int i;

    for (i = 0; names[i]; i++) {
        if (!strcmp(names[i], opts->value)) {
            *index = i;
            return true;
        }
        if (i)
            strncat(list, ", ", sizeof(list) - strlen(list) - 1);
        strncat(list, names[i], sizeof(list) - strlen(list) - 1);
    }
    return opts_refuse(opts, "'%.40s' is none of %s", opts->value, list);
}

bool opts_impairment(struct opts *opts, tgvoip_impairment **impairment)
{
    struct tgvoip_failure failure = {0};
    int err = 0;

    if (!*impairment)
        err = tgvoip_impairment_create(impairment);
    if (!err)
        err = tgvoip_impairment_set(*impairment, opts->name + 2, opts->value,
                                    &failure);
    if (err)
        return opts_refuse(
            opts, "%s", failure.why[0] ? failure.why : tgvoip_error_str(err));
    return true;
}
