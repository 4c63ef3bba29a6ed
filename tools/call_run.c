/* SPDX-License-Identifier: MIT */
/* tgvoip call: from the first socket to the last line. */
#include "call_job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "call_end.h"
#include "events.h"
#include "files.h"
#include "live.h"
#include "samples.h"

#define TICK_US 100000
#define STATS_FILE_TICKS 2 /* rows of --stats: five a second */
#define STATS_EVENT_TICKS 10
/* The last frame leaves within 60 ms, and is heard within the rest. */
#define LINGER_US 300000

struct run {
    struct call_job *job;
    struct tool *tool;
    struct call_end end;
    struct events events;
    struct live live;
    FILE *csv_file, *ts_file;
    int64_t connect_us; /* 0 = not yet */
    unsigned tick;
    bool established, failed;
    bool file_failed, report_failed; /* sound; anything else */
    enum tgvoip_call_error error;
    int64_t sent_us; /* when `in` had been sent, or failed; 0 = not yet */
    struct tgvoip_call_stats stats;
};

static bool open_file(struct run *run, const char *path, FILE **file)
{
    if (!path)
        return true;
    *file = fopen(path, "w");
    if (!*file)
        diag_error(&run->tool->diag, path, "%s", strerror(errno));
    return *file != NULL;
}

static bool open_files(struct run *run)
{
    const struct call_job *job = run->job;

    if (!open_file(run, job->csv_path, &run->csv_file) ||
        !open_file(run, job->ts_path, &run->ts_file))
        return false;
    if (run->csv_file)
        samples_write_head(run->csv_file, ',');
    return true;
}

/* A file that is not there yet is no state; what is in it, the library judges.
 * @return malloc'ed text or NULL */
static char *read_state(const char *path, struct tgvoip_failure *failure)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, CALL_STATE_MAX);
    size_t n = 0;

    if (file && text) {
        n = fread(text, 1, CALL_STATE_MAX - 1, file);
        if (ferror(file))
            failure->code = TGVOIP_ERR_IO;
    } else if (file || errno != ENOENT) {
        failure->code = file ? TGVOIP_ERR_NOMEM : TGVOIP_ERR_ACCESS;
    }
    if (failure->code) {
        snprintf(failure->what, sizeof(failure->what), "%s", path);
        snprintf(failure->why, sizeof(failure->why), "%s", strerror(errno));
    }
    if (file)
        fclose(file);
    if (failure->code || n == 0) {
        free(text);
        text = NULL;
    }
    return text;
}

/* Reports, and the state, which is written at once to see that it can be. */
static int open_reports(struct run *run, struct tgvoip_failure *failure)
{
    const struct call_job *job = run->job;
    int err = 0, i;

    for (i = 0; !err && i < CALL_REPORTS; i++)
        if (job->reports[i])
            err = tgvoip_call_report(run->end.call, (enum tgvoip_report)i,
                                     job->reports[i], failure);
    if (!err && job->state_path)
        err = tgvoip_call_save_state(run->end.call, job->state_path, failure);
    return err;
}

static void tell_unwritten(struct run *run, const char *path)
{
    diag_error(&run->tool->diag, path, "not written whole: %s",
               strerror(errno ? errno : EIO));
    run->report_failed = true;
}

/* What is written survives us. The first error is told and ends the file. */
static void flush_file(struct run *run, const char *path, FILE **file)
{
    errno = 0;
    if (!*file || (fflush(*file) == 0 && !ferror(*file)))
        return;
    tell_unwritten(run, path);
    fclose(*file);
    *file = NULL;
}

static void flush_files(struct run *run)
{
    flush_file(run, run->job->csv_path, &run->csv_file);
    flush_file(run, run->job->ts_path, &run->ts_file);
}

static void close_file(struct run *run, const char *path, FILE **file)
{
    flush_file(run, path, file);
    if (*file && fclose(*file) != 0)
        tell_unwritten(run, path);
    *file = NULL;
}

static void close_files(struct run *run)
{
    diag_flush(&run->tool->diag);
    close_file(run, run->job->csv_path, &run->csv_file);
    close_file(run, run->job->ts_path, &run->ts_file);
}

static void fill_endpoints(const struct call_job *job,
                           struct tgvoip_endpoint *endpoints)
{
    size_t i;

    for (i = 0; i < job->relay_count; i++) {
        const struct opts_relay *r = &job->relays[i];

        tgvoip_endpoint_default(&endpoints[i]);
        endpoints[i].id = r->id;
        endpoints[i].type =
            r->tcp ? TGVOIP_ENDPOINT_TCP_RELAY : TGVOIP_ENDPOINT_UDP_RELAY;
        endpoints[i].ipv4 = r->ipv4[0] ? r->ipv4 : NULL;
        endpoints[i].ipv6 = r->ipv6[0] ? r->ipv6 : NULL;
        endpoints[i].port = r->port;
        memcpy(endpoints[i].tag, r->tag, sizeof(r->tag));
    }
}

/* @return what the library is to use; NULL without a proxy */
static const struct tgvoip_proxy *fill_proxy(const struct call_job *job,
                                             struct tgvoip_proxy *proxy)
{
    if (!job->proxy.host[0])
        return NULL;
    tgvoip_proxy_default(proxy);
    proxy->host = job->proxy.host;
    proxy->port = job->proxy.port;
    proxy->user = job->proxy.user;
    proxy->password = job->proxy.password;
    return proxy;
}

/* Everything that can be wrong with what the user gave is found here. */
static int prepare(struct run *run, tgvoip_engine *engine,
                   struct tgvoip_failure *failure)
{
    struct call_job *job = run->job;
    struct tgvoip_endpoint endpoints[CALL_RELAYS];
    struct tgvoip_proxy proxy;
    char *state = NULL;
    int err;

    if (job->state_path)
        state = read_state(job->state_path, failure);
    if (failure->code)
        return failure->code;
    fill_endpoints(job, endpoints);
    job->config.key = job->key;
    job->config.key_len = sizeof(job->key);
    job->config.endpoints = endpoints;
    job->config.endpoint_count = job->relay_count;
    job->config.proxy = fill_proxy(job, &proxy);
    job->config.server_config = job->server_config;
    job->config.persistent_state = state;
    err = call_end_create(&run->end, run->tool, engine, &job->config,
                          job->ts_path != NULL, failure);
    tgvoip_wipe(job->key, sizeof(job->key));
    tgvoip_wipe(job->proxy.password, sizeof(job->proxy.password));
    job->config.persistent_state = NULL;
    job->config.proxy = NULL;
    free(state);
    if (!err)
        err = open_reports(run, failure);
    if (!err && job->in)
        err = tgvoip_call_play(run->end.call, job->in, failure);
    if (!err && job->out)
        err = tgvoip_call_record(run->end.call, job->out, failure);
    if (!err && job->sent)
        err = tgvoip_call_record_sent(run->end.call, job->sent, failure);
    if (err)
        return err;
    err = tgvoip_call_start(run->end.call);
    if (err)
        snprintf(failure->what, sizeof(failure->what), "call");
    return err;
}

static bool is_stdout(const char *path)
{
    return path && !strcmp(file_plain(path), "-");
}

/* Sound is what the call is about; a report that fails is not its failure. */
static bool is_report(const struct call_job *job, const char *path)
{
    int i;

    for (i = 0; i < CALL_REPORTS; i++)
        if (job->reports[i] && !strcmp(job->reports[i], path))
            return true;
    return false;
}

static void note(struct run *run, const struct end_event *event,
                 const char *what)
{
    int64_t zero_us = run->connect_us ? run->connect_us : event->at_us;

    if (!run->live.on && !run->job->json)
        diag_note(&run->tool->diag, "%6.2f s  %s",
                  (double)(event->at_us - zero_us) / 1e6, what);
}

static void take_event(struct run *run, const struct end_event *event)
{
    char road[END_ROUTE_TEXT], text[2 * END_ROUTE_TEXT];

    events_call(&run->events, NULL, event);
    switch (event->type) {
    case END_STATE:
        if (event->state == TGVOIP_STATE_ESTABLISHED)
            run->established = true;
        if (event->state == TGVOIP_STATE_FAILED) {
            run->failed = true;
            run->error = event->error;
        }
        note(run, event, tgvoip_call_state_str(event->state));
        break;
    case END_ROUTE:
        snprintf(text, sizeof(text), "over %s (%s)",
                 call_end_route(&event->route, road), event->route.reason);
        note(run, event, text);
        break;
    case END_PLAY_DONE:
        run->sent_us = event->at_us;
        break;
    case END_FILE_ERROR:
        if (is_report(run->job, event->failure.what))
            run->report_failed = true;
        else
            run->file_failed = true;
        if (run->job->in &&
            !strcmp(file_plain(run->job->in), file_plain(event->failure.what)))
            run->sent_us = event->at_us;
        tool_report(run->tool, &event->failure);
        break;
    default:
        break;
    }
}

static void drain(struct run *run)
{
    struct end_event event;
    struct end_block b;

    while (call_end_next_event(&run->end, &event))
        take_event(run, &event);
    while (call_end_next_block(&run->end, &b))
        if (run->ts_file)
            fprintf(run->ts_file, "%c %" PRIu64 " %" PRId64 " %" PRId64 "\n",
                    b.direction, b.number, b.position, b.at_us);
    diag_flush(&run->tool->diag);
}

static void take_samples(struct run *run, int64_t now_us)
{
    call_end_stats(&run->end, &run->stats);
    if (run->connect_us && run->csv_file && run->tick % STATS_FILE_TICKS == 0)
        samples_write_row(run->csv_file, ',', (now_us - run->connect_us) / 1000,
                          &run->stats);
    if (run->connect_us && run->tick % STATS_EVENT_TICKS == 0)
        events_stats(&run->events, NULL, &run->stats);
    flush_files(run);
    live_draw(&run->live, &run->stats, now_us);
    run->tick++;
}

static void do_timed(struct run *run, struct call_timed *timed)
{
    timed->done = true;
    if (timed->what == TIMED_NETWORK)
        tgvoip_call_set_network_type(run->end.call, timed->network);
    else
        tgvoip_call_set_mute(run->end.call, timed->what == TIMED_MUTE);
}

/* Do what is due and find the next time at which something is. */
static int64_t run_timed(struct run *run, int64_t now_us, int64_t next_us)
{
    struct call_job *job = run->job;
    size_t i;

    for (i = 0; i < job->timed_count; i++) {
        struct call_timed *t = &job->timed[i];
        int64_t due = run->connect_us + t->after_us;

        if (t->done)
            continue;
        if (due <= now_us)
            do_timed(run, t);
        else if (due < next_us)
            next_us = due;
    }
    return next_us;
}

static bool over(const struct run *run, int64_t now_us)
{
    const struct call_job *job = run->job;

    return run->failed || wake_stopped(&run->tool->wake) ||
           (job->until_sent && run->sent_us &&
            now_us >= run->sent_us + LINGER_US) ||
           (job->duration_us && run->connect_us &&
            now_us >= run->connect_us + job->duration_us);
}

static int connect_call(struct run *run, int64_t now_us)
{
    int err;

    run->connect_us = now_us;
    err = tgvoip_call_connect(run->end.call);
    if (err)
        diag_error(&run->tool->diag, "connect", "%s", tgvoip_error_str(err));
    return err;
}

static int converse(struct run *run)
{
    const struct call_job *job = run->job;
    int64_t next_sample = tool_now_us();

    for (;;) {
        int64_t now = tool_now_us(), next;

        if (!run->connect_us && now >= job->start_at_us &&
            connect_call(run, now) != 0)
            return -1;
        drain(run);
        if (now >= next_sample) {
            take_samples(run, now);
            next_sample += TICK_US;
            if (next_sample < now)
                next_sample = now + TICK_US;
        }
        if (over(run, now))
            return 0;
        next = next_sample;
        if (!run->connect_us && job->start_at_us < next)
            next = job->start_at_us;
        if (run->connect_us)
            next = run_timed(run, now, next);
        if (run->connect_us && job->duration_us &&
            run->connect_us + job->duration_us < next)
            next = run->connect_us + job->duration_us;
        wake_wait(&run->tool->wake, next);
    }
}

/* Why nobody answered, as far as the counters tell. */
static const char *silence_hint(const struct tgvoip_call_stats *s)
{
    if (s->bytes_in == 0)
        return "no relay answered; check host, port and tag";
    if (s->packets_in == 0 && s->packets_bad > 0)
        return "what came could not be opened; check that both sides have "
               "the same key and that one is caller, the other callee";
    if (s->packets_in == 0)
        return "the relay answers, but the peer does not; check that it "
               "calls now, with the same tag (last bit apart), key and the "
               "other role";
    return "the peer was heard, but does not hear us";
}

static void explain_failure(struct run *run)
{
    const struct tgvoip_call_config *c = &run->job->config;
    struct diag *diag = &run->tool->diag;

    switch (run->error) {
    case TGVOIP_CALL_ERROR_TIMEOUT:
        if (!run->established)
            diag_error(diag, "call",
                       "no answer from the peer within %g s "
                       "(TIMEOUT): %s",
                       c->init_timeout_ms / 1e3, silence_hint(&run->stats));
        else
            diag_error(diag, "call",
                       "nothing heard from the peer for %g s (TIMEOUT)",
                       c->receive_timeout_ms / 1e3);
        break;
    case TGVOIP_CALL_ERROR_INCOMPATIBLE:
        if (run->stats.peer_version)
            diag_error(diag, "call",
                       "the peer speaks versions %u..%u of the protocol, we "
                       "speak %d..%d (INCOMPATIBLE)",
                       run->stats.peer_min_version, run->stats.peer_version,
                       TGVOIP_PROTOCOL_MIN_VERSION, TGVOIP_PROTOCOL_VERSION);
        else
            diag_error(diag, "call",
                       "the server's layer asks for the old encryption, which "
                       "is refused (INCOMPATIBLE)");
        break;
    case TGVOIP_CALL_ERROR_PROXY:
        diag_error(diag, "call",
                   "there is no way through the proxy %s port %u (PROXY); "
                   "check address, user and password, the log says more",
                   run->job->proxy.host, run->job->proxy.port);
        break;
    default:
        diag_error(diag, "call",
                   "the call failed (%s); with -v the log says why",
                   tgvoip_call_error_str(run->error));
    }
}

static bool judge(struct run *run)
{
    if (run->failed)
        explain_failure(run);
    else if (!run->established && !run->file_failed)
        diag_error(&run->tool->diag, "call",
                   "ended before the peer had answered: %s",
                   silence_hint(&run->stats));
    return run->established && !run->failed && !run->file_failed &&
           !run->report_failed;
}

static bool save_state(struct run *run)
{
    struct tgvoip_failure failure = {0};

    if (!run->job->state_path ||
        tgvoip_call_save_state(run->end.call, run->job->state_path, &failure) ==
            0)
        return true;
    tool_report(run->tool, &failure);
    return false;
}

static void print_summary(const struct run *run)
{
    const struct tgvoip_call_stats *s = &run->stats;
    char road[END_ROUTE_TEXT];

    if (run->job->json || !run->established)
        return;
    diag_note(&run->tool->diag,
              "call of %.1f s, set-up %.2f s, %s, rtt %.0f ms; "
              "frames played %" PRIu64 ", recovered %" PRIu64
              ", concealed %" PRIu64,
              (double)s->connected_us / 1e6, (double)s->established_us / 1e6,
              call_end_route(&s->route, road), s->rtt_ms, s->frames_played,
              s->frames_recovered, s->frames_concealed);
    if (run->job->out && !is_stdout(run->job->out))
        diag_note(&run->tool->diag, "heard: %s", file_plain(run->job->out));
}

static void hang_up(struct run *run)
{
    bool interrupted = wake_stopped(&run->tool->wake) && !run->established;

    live_clear(&run->live);
    call_end_stats(&run->end, &run->stats);
    tgvoip_call_stop(run->end.call);
    drain(run);
    events_call_end(&run->events, NULL, run->end.call, &run->stats,
                    run->failed        ? tgvoip_call_error_str(run->error)
                    : run->file_failed ? "AUDIO_IO"
                    : interrupted      ? "INTERRUPTED"
                                       : NULL);
}

/* @return exit code */
static int make_call(struct run *run, tgvoip_engine *engine)
{
    struct tgvoip_failure failure = {0};
    bool ok = false;
    int err;

    err = prepare(run, engine, &failure);
    if (err) {
        failure.code = err;
        tool_report(run->tool, &failure);
        call_end_destroy(&run->end);
        return err == TGVOIP_ERR_INVALID ? TOOL_USAGE : TOOL_FAILED;
    }
    live_init(&run->live, run->tool, !run->job->json && !run->tool->diag.quiet);
    err = converse(run);
    hang_up(run);
    if (!err)
        ok = judge(run);
    ok = save_state(run) && ok;
    print_summary(run);
    call_end_destroy(&run->end);
    return ok && !run->events.broken ? TOOL_OK : TOOL_FAILED;
}

int call_run(struct call_job *job)
{
    struct run *run = calloc(1, sizeof(*run));
    tgvoip_engine *engine = NULL;
    int status = TOOL_FAILED;

    if (!run) {
        diag_error(&job->tool->diag, "call", "out of memory");
        return TOOL_FAILED;
    }
    wake_catch();
    run->job = job;
    run->tool = job->tool;
    run->events.tool = job->tool;
    run->events.on = job->json;
    if (!job->json && !is_stdout(job->out) && !is_stdout(job->sent))
        job->tool->diag.notes = stdout;
    if (open_files(run) && tool_engine(job->tool, &engine, 1) == 0)
        status = make_call(run, engine);
    tgvoip_engine_destroy(engine);
    close_files(run);
    if (run->report_failed && status == TOOL_OK)
        status = TOOL_FAILED;
    free(run);
    return status;
}
