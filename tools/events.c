/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

json_tree *events_begin(const struct events *events, const char *name,
                        const char *side, int64_t at_us)
{
    json_tree *o;

    if (!events->on)
        return NULL;
    o = json_tree_object();
    json_set_int(o, "t_ms", tool_elapsed_ms(events->tool, at_us));
    json_set_str(o, "event", name);
    if (side)
        json_set_str(o, "side", side);
    return o;
}

void events_end(struct events *events, json_tree *tree)
{
    if (!events->on || events->broken) {
        json_tree_free(tree);
        return;
    }
    if (json_print_line(tree, stdout))
        return;
    events->broken = true;
    diag_error(&events->tool->diag, "standard output",
               "cannot be written, the job goes on without it");
}

void events_call(struct events *events, const char *side,
                 const struct end_event *event)
{
    json_tree *o;

    if (!events->on)
        return;
    switch (event->type) {
    case END_STATE:
        o = events_begin(events, "state", side, event->at_us);
        json_set_str(o, "state", tgvoip_call_state_str(event->state));
        if (event->state == TGVOIP_STATE_FAILED)
            json_set_str(o, "error", tgvoip_call_error_str(event->error));
        break;
    case END_BARS:
        o = events_begin(events, "signal_bars", side, event->at_us);
        json_set_int(o, "bars", event->bars);
        break;
    case END_ROUTE:
        o = events_begin(events, "route", side, event->at_us);
        json_set_str(o, "endpoint",
                     tgvoip_endpoint_type_str(event->route.type));
        json_set_id(o, "id", event->route.id);
        json_set_str(o, "reason", event->route.reason);
        break;
    case END_PLAY_DONE:
        o = events_begin(events, "play_done", side, event->at_us);
        break;
    case END_FILE_ERROR:
        o = events_begin(events, "file_error", side, event->at_us);
        json_set_str(o, "what", event->failure.what);
        json_set_str(o, "why", event->failure.why);
        break;
    default:
        return;
    }
    events_end(events, o);
}

static void set_measures(json_tree *o, const struct tgvoip_call_stats *s)
{
    json_set_real(o, "rtt_ms", s->rtt_ms, 1);
    json_set_real(o, "loss_out", s->loss_out, 4);
    json_set_real(o, "loss_in", s->loss_in, 4);
    json_set_int(o, "bitrate_bps", s->bitrate_bps);
    json_set_real(o, "jitter_ms", s->jitter_ms, 1);
    json_set_real(o, "playout_delay_ms", s->playout_delay_ms, 1);
    json_set_int(o, "bytes_out", (int64_t)s->bytes_out);
    json_set_int(o, "bytes_in", (int64_t)s->bytes_in);
}

void events_signal(struct events *events, const char *side,
                   enum tgvoip_signal_state state, int64_t at_us)
{
    json_tree *o = events_begin(events, "signal", side, at_us);

    if (!o)
        return;
    json_set_str(o, "state", tgvoip_signal_state_str(state));
    events_end(events, o);
}

void events_stats(struct events *events, const char *side,
                  const struct tgvoip_call_stats *stats)
{
    json_tree *o;

    if (!events->on)
        return;
    o = events_begin(events, "stats", side, tool_now_us());
    set_measures(o, stats);
    events_end(events, o);
}

static void set_ms(json_tree *o, const char *key, int64_t us)
{
    if (us < 0)
        json_set_null(o, key);
    else
        json_set_real(o, key, (double)us / 1e3, 1);
}

json_tree *events_stats_tree(const struct tgvoip_call_stats *s)
{
    json_tree *o = json_tree_object();

    json_set_str(o, "state", tgvoip_call_state_str(s->state));
    set_measures(o, s);
    json_set_int(o, "packets_out", (int64_t)s->packets_out);
    json_set_int(o, "packets_in", (int64_t)s->packets_in);
    json_set_int(o, "packets_lost_out", (int64_t)s->packets_lost_out);
    json_set_int(o, "packets_lost_in", (int64_t)s->packets_lost_in);
    json_set_int(o, "packets_bad", (int64_t)s->packets_bad);
    json_set_int(o, "packets_duplicate", (int64_t)s->packets_duplicate);
    json_set_int(o, "packets_unknown", (int64_t)s->packets_unknown);
    json_set_int(o, "packets_dropped", (int64_t)s->packets_dropped);
    json_set_int(o, "bytes_out_wifi", (int64_t)s->bytes_out_wifi);
    json_set_int(o, "bytes_in_wifi", (int64_t)s->bytes_in_wifi);
    json_set_int(o, "bytes_out_mobile", (int64_t)s->bytes_out_mobile);
    json_set_int(o, "bytes_in_mobile", (int64_t)s->bytes_in_mobile);
    json_set_int(o, "signal_bars", s->signal_bars);
    json_set_real(o, "level_out", s->level_out, 3);
    json_set_real(o, "level_in", s->level_in, 3);
    json_set_int(o, "frames_played", (int64_t)s->frames_played);
    json_set_int(o, "frames_recovered", (int64_t)s->frames_recovered);
    json_set_int(o, "frames_concealed", (int64_t)s->frames_concealed);
    json_set_int(o, "frames_late", (int64_t)s->frames_late);
    json_set_int(o, "blocks_silence", (int64_t)s->blocks_silence);
    json_set_int(o, "source_underruns", (int64_t)s->source_underruns);
    json_set_int(o, "sink_overruns", (int64_t)s->sink_overruns);
    set_ms(o, "connected_ms", s->connected_us);
    set_ms(o, "established_ms", s->established_us);
    set_ms(o, "first_audio_ms", s->first_audio_us);
    json_set_int(o, "peer_version", s->peer_version);
    json_set_int(o, "peer_min_version", s->peer_min_version);
    json_set_int(o, "peer_capabilities", s->peer_capabilities);
    json_set_int(o, "frame_ms", s->frame_ms);
    json_set_bool(o, "peer_is_ours", s->peer_is_ours);
    json_set_bool(o, "peer_muted", s->peer_muted);
    json_set_bool(o, "encryption_v1", s->encryption_v1);
    return o;
}

static int thread_count(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    int n = 0;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Threads: %d", &n) == 1)
            break;
    if (file)
        fclose(file);
    return n;
}

static void set_resources(json_tree *o)
{
    struct rusage ru;

    memset(&ru, 0, sizeof(ru));
    getrusage(RUSAGE_SELF, &ru);
    json_set_real(o, "cpu_s",
                  (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                      (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
                  3);
    json_set_int(o, "rss_peak_kb", ru.ru_maxrss);
    json_set_int(o, "threads", thread_count());
}

void events_call_end(struct events *events, const char *side,
                     const tgvoip_call *call,
                     const struct tgvoip_call_stats *stats, const char *error)
{
    char *log = NULL;
    json_tree *o;

    if (!events->on)
        return;
    o = events_begin(events, "end", side, tool_now_us());
    json_set_str(o, "error", error);
    json_set_int(o, "frames_played", (int64_t)stats->frames_played);
    json_set_int(o, "frames_concealed", (int64_t)stats->frames_concealed);
    json_set_int(o, "frames_late", (int64_t)stats->frames_late);
    json_set_id(o, "preferred_relay",
                call ? tgvoip_call_preferred_relay(call) : 0);
    json_set_bool(o, "need_rate", call && tgvoip_call_need_rate(call));
    json_set(o, "stats", events_stats_tree(stats));
    if (call && tgvoip_call_debug_log(call, &log) != 0)
        log = NULL;
    json_set_text(o, "debug_log", log);
    tgvoip_free(log);
    set_resources(o);
    events_end(events, o);
}
