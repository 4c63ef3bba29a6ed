/* SPDX-License-Identifier: MIT */
/*
 * What a call writes down about itself: its log, the table of its measures,
 * every packet.
 */
#include "api/call.h"

#include "api/scribe.h"
#include "base/failure.h"
#include "io/sync.h"
#include "io/wall.h"
#include "wire/packet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROW_INTERVAL TGV_MS(100)
#define ROW_MAX 256
#define PACKETS_MAX_BYTES (8 << 20)
#define HEAD_MAX 1024

static const char packets_head[] =
    "Time\tDir\tSeq\tType\tBytes\tEndpoint\tAck\tMask\n";

/* -- the log -------------------------------------------------------------- */

static void put_log_line(struct tgv_scribe *s, char level, const char *room,
                         const char *text)
{
    char line[TGV_LOG_LINE + 64], when[TGV_WALL_TEXT];

    tgv_wall_stamp(when);
    int n = snprintf(line, sizeof(line), "%s %c: %s: %s\n", when, level, room,
                     text);
    if (n > 0 && (size_t)n < sizeof(line))
        tgv_scribe_put(s, line, (size_t)n);
}

static void tell_lost_lines(struct tgvoip_call *call, struct tgv_scribe *s)
{
    char text[64];
    uint64_t lost = tgv_scribe_lost(s);

    if (lost == call->log_lost)
        return;
    snprintf(text, sizeof(text), "%" PRIu64 " lines were lost here",
             lost - call->log_lost);
    put_log_line(s, 'W', "api", text);
    call->log_lost = lost;
}

static void write_log(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    static const char letters[] = "?EWID";
    struct tgvoip_call *call = ctx;
    const struct tgv_log *engine = call->engine_log;
    struct tgv_scribe *s = call->reports[TGVOIP_REPORT_LOG];

    if (engine->write && level <= engine->level)
        engine->write(engine->ctx, level, room, now, text);
    if (!s)
        return;
    tell_lost_lines(call, s);
    put_log_line(s, letters[level], room, text);
}

void tgv_ucall_log_init(struct tgvoip_call *call, const struct tgv_log *engine)
{
    call->engine_log = engine;
    call->log = (struct tgv_log){write_log, call, engine->level};
    if (!engine->write)
        call->log.write = NULL;
}

/* A file gets everything; the engine what it asked for. */
static void set_log_level(struct tgvoip_call *call)
{
    bool file = call->reports[TGVOIP_REPORT_LOG] != NULL;

    call->log.write = file || call->engine_log->write ? write_log : NULL;
    call->log.level = file ? TGV_LOG_DEBUG : call->engine_log->level;
}

void tgv_ucall_log_end(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_call_stats s;

    tgv_call_stats(call->core, &s, now);
    tgv_log(&call->log, TGV_LOG_INFO, "api", now,
            "ended after %.1f s; %" PRIu64 " packets out, %" PRIu64
            " lost; %" PRIu64 " in, %" PRIu64 " lost; frames %" PRIu64
            " played, %" PRIu64 " recovered, %" PRIu64 " concealed",
            (double)s.connected / TGV_US_PER_S, s.packets_out,
            s.packets_lost_out, s.packets_in, s.packets_lost_in,
            s.playout.frames_played, s.playout.frames_recovered,
            s.playout.frames_concealed);
}

static void log_head(char *head, size_t cap)
{
    char system[128], processor[128], when[TGV_WALL_TEXT];
    static const char rule[] = "---------------------------------------------"
                               "---------------";

    tgv_wall_system(system, sizeof(system));
    tgv_wall_processor(processor, sizeof(processor));
    tgv_wall_date(when);
    snprintf(head, cap,
             "%s\ntgvoip %s (protocol %s)\nsystem: %s\nprocessor: %s\n"
             "started: %s\n%s\n",
             rule, TGVOIP_VERSION, TGVOIP_PROTOCOL_LIBRARY_VERSION, system,
             processor, when, rule);
}

/* -- the table ------------------------------------------------------------ */

void tgv_ucall_write_rows(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_scribe *s = call->reports[TGVOIP_REPORT_STATS];
    char row[ROW_MAX];

    if (!s || now < call->next_row)
        return;
    call->next_row += ROW_INTERVAL;
    if (call->next_row <= now) /* the first, or a hold-up */
        call->next_row = now + ROW_INTERVAL;
    int n = tgv_call_dump_row(call->core, row, sizeof(row) - 1, now);
    if (n <= 0 || (size_t)n >= sizeof(row) - 1)
        return;
    row[n] = '\n';
    tgv_scribe_put(s, row, (size_t)n + 1);
}

/* -- packets -------------------------------------------------------------- */

static void on_packet(void *ctx, const struct tgv_packet_note *p)
{
    struct tgvoip_call *call = ctx;
    char row[ROW_MAX];

    int n = snprintf(row, sizeof(row),
                     "%.3f\t%s\t%" PRIu32 "\t%s\t%zu\t%" PRId64 "\t%" PRIu32
                     "\t%08" PRIx32 "\n",
                     (double)p->at / TGV_US_PER_S, p->out ? "out" : "in",
                     p->seq, tgv_packet_type_str(p->type), p->len, p->path_id,
                     p->ack, p->mask);
    if (n > 0 && (size_t)n < sizeof(row))
        tgv_scribe_put(call->reports[TGVOIP_REPORT_PACKETS], row, (size_t)n);
}

static void set_trace(struct tgvoip_call *call)
{
    struct tgv_trace trace = {.ctx = call};

    if (call->reports[TGVOIP_REPORT_PACKETS])
        trace.packet = on_packet;
    tgv_call_set_trace(call->core, &trace);
}

/* -- life of the files, loop thread ---------------------------------------- */

static void on_failed(void *ctx, const struct tgvoip_failure *failure)
{
    tgv_ucall_file_failed(ctx, failure);
}

static void on_finished(void *ctx, struct tgv_scribe *s)
{
    struct tgvoip_call *call = ctx;

    for (size_t i = 0; i < TGV_CALL_SCRIBES; i++) {
        if (call->scribes[i] == s)
            call->scribes[i] = NULL;
    }
    tgv_lock_enter(call->lock);
    call->reports_open--;
    tgv_ucall_note_stopped(call);
    tgv_lock_leave(call->lock);
}

static void finish(struct tgvoip_call *call, struct tgv_scribe *s)
{
    for (size_t i = 0; i < TGV_CALL_SCRIBES; i++) {
        if (!call->scribes[i]) {
            call->scribes[i] = s;
            tgv_scribe_finish(s);
            return;
        }
    }
    tgv_scribe_finish_now(s);
}

void tgv_ucall_change_report(struct tgvoip_call *call,
                             enum tgvoip_report report, struct tgv_scribe *s)
{
    struct tgv_scribe *old = call->reports[report];

    call->reports[report] = s;
    if (report == TGVOIP_REPORT_LOG) {
        call->log_lost = 0;
        set_log_level(call);
    }
    if (report == TGVOIP_REPORT_PACKETS)
        set_trace(call);
    if (report == TGVOIP_REPORT_STATS)
        call->next_row = 0;
    if (old)
        finish(call, old);
}

void tgv_ucall_end_reports(struct tgvoip_call *call, bool at_once)
{
    for (int i = 0; i < TGV_CALL_REPORTS; i++)
        tgv_ucall_change_report(call, (enum tgvoip_report)i, NULL);
    for (size_t i = 0; at_once && i < TGV_CALL_SCRIBES; i++) {
        if (call->scribes[i])
            tgv_scribe_finish_now(call->scribes[i]);
    }
}

/* -- any thread ------------------------------------------------------------ */

static int open_report(struct tgvoip_call *call, enum tgvoip_report report,
                       const char *path, struct tgv_scribe **s,
                       struct tgvoip_failure *failure)
{
    char head[HEAD_MAX];
    struct tgv_scribe_config config = {.loop = call->member.loop,
                                       .head = head,
                                       .failed = on_failed,
                                       .finished = on_finished,
                                       .ctx = call};

    switch (report) {
    case TGVOIP_REPORT_LOG:
        config.append = true;
        log_head(head, sizeof(head));
        break;
    case TGVOIP_REPORT_STATS:
        snprintf(head, sizeof(head), "%s\n", tgv_call_dump_head());
        break;
    case TGVOIP_REPORT_PACKETS:
        config.head = packets_head;
        config.max_bytes = PACKETS_MAX_BYTES;
        break;
    }
    return tgv_scribe_open(s, &config, path, failure);
}

/* Inside the lock. @return the scribe that is replaced before the loop saw it,
 * or the one given if the call has been stopped */
static struct tgv_scribe *order(struct tgvoip_call *call,
                                enum tgvoip_report report, struct tgv_scribe *s)
{
    struct tgv_scribe *unused = call->orders.report[report];

    if (atomic_load(&call->stop_wanted))
        return s;
    if (unused)
        call->reports_open--;
    if (s)
        call->reports_open++;
    call->orders.report[report] = s;
    call->orders.change_report[report] = true;
    tgv_ucall_wake(call);
    return unused;
}

int tgvoip_call_report(tgvoip_call *call, enum tgvoip_report report,
                       const char *path, struct tgvoip_failure *failure)
{
    struct tgv_scribe *s = NULL, *unused;
    int err = 0;

    if (!call)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "call", "is NULL");
    if ((int)report < 0 || (int)report >= TGV_CALL_REPORTS)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "report",
                        "%d is out of range 0..%d", (int)report,
                        TGV_CALL_REPORTS - 1);
    if (path && !atomic_load(&call->stop_wanted))
        err = open_report(call, report, path, &s, failure);
    if (err)
        return err;
    tgv_lock_enter(call->lock);
    bool stopped = atomic_load(&call->stop_wanted);
    unused = order(call, report, s);
    tgv_lock_leave(call->lock);
    tgv_scribe_discard(unused);
    if (stopped)
        return tgv_fail(failure, TGVOIP_ERR_STATE, path ? path : "report",
                        "the call has been stopped");
    return 0;
}
