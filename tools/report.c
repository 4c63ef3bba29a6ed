/* SPDX-License-Identifier: MIT */
/* report.json and report.html of the demo. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "demo.h"

#define PLOT_POINTS 800

static void set_now(json_tree *o)
{
    time_t now = time(NULL);
    struct tm tm;
    char text[40];

    gmtime_r(&now, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_set_str(o, "created", text);
}

static json_tree *key_tree(const struct demo *demo)
{
    json_tree *o = json_tree_object(), *list = json_tree_array();
    char text[24];
    int i;

    snprintf(text, sizeof(text), "%016" PRIx64,
             (uint64_t)demo->key.fingerprint);
    json_set_str(o, "fingerprint", text);
    json_set_real(o, "agreed_in_ms", (double)demo->key.took_us / 1e3, 1);
    for (i = 0; i < TGVOIP_EMOJI_COUNT; i++) {
        json_tree *e = json_tree_object();

        json_set_str(e, "utf8", demo->key.emoji[CALLER][i].utf8);
        json_set_str(e, "name", demo->key.emoji[CALLER][i].name);
        json_push(list, e);
    }
    json_set(o, "emoji", list);
    return o;
}

/* Loudest level of each stretch of the curve. */
static json_tree *curve_tree(const struct envelope *env, size_t per_point)
{
    json_tree *a = json_tree_array();
    size_t i, j;

    for (i = 0; i < env->count; i += per_point) {
        float peak = 0;

        for (j = i; j < i + per_point && j < env->count; j++)
            if (env->bins[j] > peak)
                peak = env->bins[j];
        json_push_real(a, (double)peak, 4);
    }
    return a;
}

static json_tree *windows_tree(const struct envelope_match *match)
{
    json_tree *a = json_tree_array();
    size_t i;

    for (i = 0; i < match->count; i++) {
        json_tree *w = json_tree_object();

        json_set_real(w, "t_s", match->windows[i].t_s, 2);
        json_set_real(w, "delay_ms", match->windows[i].lag_ms, 1);
        json_set_real(w, "likeness", match->windows[i].correlation, 3);
        json_push(a, w);
    }
    return a;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static json_tree *direction_tree(const struct demo *demo, int from)
{
    const struct demo_direction *d = &demo->directions[from];
    const struct demo_side *tx = &demo->sides[from], *rx = &demo->sides[!from];
    size_t per_point = d->sent.count / PLOT_POINTS + 1;
    json_tree *o = json_tree_object();

    json_set_str(o, "from", tx->end.name);
    json_set_str(o, "to", rx->end.name);
    json_set_str(o, "clip", tx->clip_name);
    json_set_str(o, "recording", base_name(rx->recording));
    json_set_bool(o, "arrived", d->arrived);
    json_set_real(o, "delay_ms", d->match.count ? d->match.lag_ms : NAN, 1);
    json_set_real(o, "likeness", d->match.count ? d->match.correlation : NAN,
                  3);
    json_set_real(o, "loss", demo_loss_in(&rx->stats), 4);
    /* Where the recording begins on the common axis, for the play head. */
    json_set_real(o, "recording_t_s",
                  rx->heard.count
                      ? (double)(rx->heard.items[0].at_us - demo->connect_us) /
                            1e6
                      : NAN,
                  3);
    json_set_real(o, "step_s", (double)per_point * ENVELOPE_BIN_US / 1e6, 3);
    json_set(o, "sent", curve_tree(&d->sent, per_point));
    json_set(o, "heard", curve_tree(&d->heard, per_point));
    json_set(o, "windows", windows_tree(&d->match));
    return o;
}

static json_tree *side_tree(const struct demo *demo, int side)
{
    const struct demo_side *s = &demo->sides[side];
    json_tree *o = json_tree_object();

    json_set_str(o, "name", s->end.name);
    json_set_str(o, "error",
                 s->failed ? tgvoip_call_error_str(s->error) : NULL);
    json_set(o, "stats", events_stats_tree(&s->stats));
    json_set(o, "series",
             samples_tree(&s->samples, demo->connect_us, PLOT_POINTS));
    return o;
}

static json_tree *marks_tree(const struct demo *demo)
{
    json_tree *a = json_tree_array();
    size_t i;

    for (i = 0; i < demo->mark_count; i++) {
        const struct demo_mark *m = &demo->marks[i];
        json_tree *o = json_tree_object();

        json_set_real(o, "t_s", (double)(m->at_us - demo->connect_us) / 1e6, 3);
        json_set_str(o, "side", demo->sides[m->side].end.name);
        json_set_str(o, "what", m->text);
        json_push(a, o);
    }
    return a;
}

/* The roads that each end sent on, from when, and why. */
static json_tree *roads_tree(const struct demo *demo)
{
    json_tree *a = json_tree_array();
    size_t i;

    for (i = 0; i < demo->mark_count; i++) {
        const struct demo_mark *m = &demo->marks[i];
        json_tree *o;

        if (!m->is_road)
            continue;
        o = json_tree_object();
        json_set_real(o, "t_s", (double)(m->at_us - demo->connect_us) / 1e6, 3);
        json_set_str(o, "side", demo->sides[m->side].end.name);
        json_set_str(o, "endpoint", tgvoip_endpoint_type_str(m->road.type));
        json_set_id(o, "id", m->road.id);
        json_set_str(o, "reason", m->road.reason);
        json_push(a, o);
    }
    return a;
}

static json_tree *relay_tree(const struct demo *demo)
{
    const struct tgvoip_relay_stats *s = &demo->relay_stats;
    json_tree *o = json_tree_object();
    char text[40];

    snprintf(text, sizeof(text), "127.0.0.1:%u", demo->relay_port);
    json_set_str(o, "address", text);
    json_set_int(o, "packets_in", (int64_t)s->packets_in);
    json_set_int(o, "packets_forwarded", (int64_t)s->packets_forwarded);
    json_set_int(o, "bytes_forwarded", (int64_t)s->bytes_forwarded);
    json_set_int(o, "impaired_lost", (int64_t)s->impaired_lost);
    json_set_int(o, "impaired_duplicated", (int64_t)s->impaired_duplicated);
    json_set_int(o, "impaired_corrupted", (int64_t)s->impaired_corrupted);
    return o;
}

static double setup_ms(const struct demo *demo)
{
    int64_t worst = 0;
    int i;

    for (i = 0; i < SIDES; i++) {
        int64_t us = demo->sides[i].stats.established_us;

        if (us < 0)
            return NAN;
        if (us > worst)
            worst = us;
    }
    return (double)worst / 1e3;
}

static json_tree *report_tree(const struct demo *demo)
{
    json_tree *o = json_tree_object(), *list;
    int i;

    json_set_str(o, "tool", "tgvoip");
    json_set_str(o, "version", tgvoip_version());
    json_set_str(o, "protocol", TGVOIP_PROTOCOL_LIBRARY_VERSION);
    set_now(o);
    json_set_bool(o, "ok", demo->ok);
    json_set_str(o, "verdict", demo->verdict);
    json_set_str(o, "detail", demo->detail);
    json_set_str(o, "network", demo->network);
    json_set_real(o, "setup_ms", setup_ms(demo), 1);
    json_set_real(o, "length_s",
                  (double)(demo->end_us - demo->connect_us) / 1e6, 3);
    json_set_real(
        o, "talk_t_s",
        demo->talk_us ? (double)(demo->talk_us - demo->connect_us) / 1e6 : NAN,
        3);
    json_set(o, "key", key_tree(demo));
    list = json_tree_array();
    for (i = 0; i < SIDES; i++)
        json_push(list, direction_tree(demo, i));
    json_set(o, "directions", list);
    list = json_tree_array();
    for (i = 0; i < SIDES; i++)
        json_push(list, side_tree(demo, i));
    json_set(o, "sides", list);
    json_set(o, "marks", marks_tree(demo));
    json_set(o, "roads", roads_tree(demo));
    json_set(o, "relay", relay_tree(demo));
    return o;
}

/* JSON inside <script>: no text in it may end the element or open a comment. */
static void write_data(FILE *file, const char *json)
{
    for (; *json; json++) {
        if (*json == '<')
            fputs("\\u003c", file);
        else
            fputc(*json, file);
    }
}

static void write_page(FILE *file, const char *json)
{
    static const char marker[] = "@DATA@";
    const char *page = (const char *)report_template;
    const char *at = strstr(page, marker);
    size_t before = at ? (size_t)(at - page) : report_template_size;

    fwrite(page, 1, before, file);
    if (!at)
        return;
    write_data(file, json);
    at += sizeof(marker) - 1;
    fwrite(at, 1, report_template_size - (size_t)(at - page), file);
}

static void write_json(FILE *file, const char *json)
{
    fprintf(file, "%s\n", json);
}

/* Written beside its place and moved there whole. */
static bool write_file(struct demo *demo, const char *name,
                       void (*write)(FILE *, const char *), const char *json)
{
    char path[PATH_MAX], part[PATH_MAX];
    bool ok = false;
    FILE *file;

    snprintf(path, sizeof(path), "%.4000s/%s", demo->out, name);
    snprintf(part, sizeof(part), "%.4000s/.%s.part", demo->out, name);
    file = fopen(part, "w");
    if (file) {
        write(file, json);
        ok = ferror(file) == 0;
        ok = fclose(file) == 0 && ok;
        ok = ok && rename(part, path) == 0;
    }
    if (!ok) {
        diag_error(&demo->tool->diag, path, "%s", strerror(errno));
        remove(part);
    }
    return ok;
}

bool report_write(struct demo *demo)
{
    json_tree *tree = report_tree(demo);
    char *json = json_text(tree, false);
    bool ok;

    json_tree_free(tree);
    if (!json) {
        diag_error(&demo->tool->diag, "report", "out of memory");
        return false;
    }
    ok = write_file(demo, "report.json", write_json, json);
    ok = write_file(demo, "report.html", write_page, json) && ok;
    free(json);
    return ok;
}
