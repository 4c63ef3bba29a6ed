/* SPDX-License-Identifier: MIT */
#include "api/tape.h"

#include "api/open_audio.h"
#include "base/failure.h"
#include "base/ring.h"
#include "base/time.h"
#include "file/sink.h"
#include "io/loop.h"
#include "io/system.h"
#include "io/work.h"

#include <stdlib.h>
#include <string.h>

#define RING_SAMPLES 65536 /* 1.4 s */
#define WRITE_AT 9600 /* 0.2 s: write that much at a time */
#define PIECE_SAMPLES 4800
#define STREAM_SAMPLES (TGV_SYSTEM_PIECE / sizeof(int16_t))

struct tgv_tape {
    struct tgv_tape_config config;
    struct tgv_sink *sink; /* the pool's; NULL once closed */
    struct tgv_work *work;
    struct tgv_ring ring;
    atomic_bool finish;
    tgv_time give_up; /* the system's time; set before `finish` */
    bool lag_reported;
    atomic_bool waiting; /* for somebody to read a pipe: no sink yet */
    /* Handed between pool and loop by the work itself: */
    struct tgvoip_failure failure;
    bool reported;
    bool gone; /* finished() has run, free when the work returns */
    size_t owed; /* samples of silence in place of lost blocks */
    int64_t position;
    int16_t piece[PIECE_SAMPLES];
    char path[];
};

/* -- the pool's side ------------------------------------------------------ */

static void fail(struct tgv_tape *t, int error)
{
    if (error && !t->failure.code)
        tgv_fail(&t->failure, error, t->path, "%s", tgvoip_error_str(error));
}

static void close_sink(struct tgv_tape *t)
{
    if (t->sink)
        fail(t, tgv_sink_close(t->sink));
    t->sink = NULL;
}

/* How much may be written now; 0 if the reader of a pipe takes nothing. */
static size_t writable(struct tgv_tape *t, bool finish)
{
    FILE *stream = t->sink ? tgv_sink_stream(t->sink) : NULL;
    tgv_time wait = finish ? t->give_up - tgv_system_now() : 0;

    if (atomic_load(&t->waiting))
        return 0;
    if (!stream)
        return PIECE_SAMPLES;
    return tgv_system_writable(stream, wait) ? STREAM_SAMPLES : 0;
}

/* @return 0, also for a pipe that nobody reads yet, or the error */
static int open_sink(struct tgv_tape *t, struct tgvoip_failure *failure)
{
    struct tgvoip_failure why;
    int err = tgv_open_sink(&t->sink, t->path, &why);

    atomic_store(&t->waiting, err == TGVOIP_ERR_AGAIN);
    if (!err || err == TGVOIP_ERR_AGAIN)
        return 0;
    if (failure)
        *failure = why;
    return err;
}

static void give_up(struct tgv_tape *t)
{
    size_t lost = tgv_ring_get(&t->ring, NULL, RING_SAMPLES);

    if (lost == 0 || t->failure.code)
        return;
    if (atomic_load(&t->waiting))
        tgv_fail(&t->failure, TGVOIP_ERR_TIMEOUT, t->path,
                 "nobody has read this pipe");
    else
        tgv_fail(&t->failure, TGVOIP_ERR_TIMEOUT, t->path,
                 "its reader has stalled, %zu ms of sound were not taken",
                 lost / TGV_SAMPLES_PER_MS);
}

static void write_out(void *ctx)
{
    struct tgv_tape *t = ctx;
    /* Read before the ring: what was put before it is written. */
    bool finish = atomic_load(&t->finish);
    size_t n;

    if (atomic_load(&t->waiting))
        (void)open_sink(t, &t->failure);
    while (tgv_ring_used(&t->ring) > 0 && (n = writable(t, finish)) > 0) {
        n = tgv_ring_get(&t->ring, t->piece, n);
        int err = t->sink ? tgv_sink_write(t->sink, t->piece, n) : 0;
        if (err) {
            fail(t, err);
            close_sink(t);
        }
    }
    if (finish) {
        give_up(t);
        close_sink(t);
    }
}

/* -- the loop's side ------------------------------------------------------ */

static void free_tape(struct tgv_tape *t)
{
    tgv_work_destroy(t->work);
    tgv_ring_fini(&t->ring);
    free(t);
}

static void report(struct tgv_tape *t)
{
    if (!t->failure.code || t->reported)
        return;
    t->reported = true;
    t->config.failed(t->config.ctx, &t->failure);
}

static void work_done(void *ctx)
{
    struct tgv_tape *t = ctx;

    if (t->gone) {
        free_tape(t);
        return;
    }
    report(t);
    if (!atomic_load(&t->finish))
        return;
    if (t->sink || tgv_ring_used(&t->ring) > 0) {
        tgv_work_submit(t->work); /* it had not seen `finish` yet */
        return;
    }
    t->config.finished(t->config.ctx, t);
    free_tape(t);
}

int tgv_tape_open(struct tgv_tape **out, const struct tgv_tape_config *config,
                  const char *path, struct tgvoip_failure *failure)
{
    size_t len = strlen(path);
    struct tgv_tape *t = calloc(1, sizeof(*t) + len + 1);

    *out = NULL;
    if (!t)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    t->config = *config;
    memcpy(t->path, path, len);
    atomic_init(&t->finish, false);
    atomic_init(&t->waiting, false);
    int err = tgv_ring_init(&t->ring, RING_SAMPLES);
    if (!err)
        err = tgv_work_create(&t->work, config->loop, write_out, work_done, t);
    if (err) {
        free_tape(t);
        return tgv_fail(failure, err, path, "%s", tgvoip_error_str(err));
    }
    err = open_sink(t, failure);
    if (err) {
        free_tape(t);
        return err;
    }
    *out = t;
    return 0;
}

const char *tgv_tape_path(const struct tgv_tape *t)
{
    return t->path;
}

void tgv_tape_discard(struct tgv_tape *t)
{
    if (!t)
        return;
    close_sink(t);
    free_tape(t);
}

static void pay_silence(struct tgv_tape *t)
{
    static const int16_t silence[TGV_BLOCK_SAMPLES];
    size_t n;

    while (t->owed > 0) {
        n = t->owed < TGV_BLOCK_SAMPLES ? t->owed : TGV_BLOCK_SAMPLES;
        n = tgv_ring_put(&t->ring, silence, n);
        if (n == 0)
            break;
        t->owed -= n;
    }
}

static void report_lag(struct tgv_tape *t)
{
    struct tgvoip_failure failure;

    if (t->lag_reported)
        return;
    t->lag_reported = true;
    tgv_fail(&failure, TGVOIP_ERR_AGAIN, t->path,
             "%s, silence replaces what is lost",
             atomic_load(&t->waiting) ? "nobody reads this pipe yet"
                                      : "takes sound too slowly");
    t->config.failed(t->config.ctx, &failure);
}

bool tgv_tape_put(struct tgv_tape *t, const int16_t *pcm)
{
    pay_silence(t);
    bool fits = t->owed == 0 && tgv_ring_room(&t->ring) >= TGV_BLOCK_SAMPLES;
    if (fits)
        tgv_ring_put(&t->ring, pcm, TGV_BLOCK_SAMPLES);
    else
        t->owed += TGV_BLOCK_SAMPLES;
    t->position += TGV_BLOCK_SAMPLES;
    if (tgv_ring_used(&t->ring) >= WRITE_AT && !tgv_work_in_flight(t->work))
        tgv_work_submit(t->work);
    if (!fits)
        report_lag(t);
    return fits;
}

int64_t tgv_tape_position(const struct tgv_tape *t)
{
    return t->position;
}

static void order_end(struct tgv_tape *t)
{
    if (atomic_load(&t->finish))
        return;
    t->give_up = tgv_system_now() + TGV_TAPE_PATIENCE;
    atomic_store(&t->finish, true);
}

void tgv_tape_finish(struct tgv_tape *t)
{
    pay_silence(t);
    order_end(t);
    if (!tgv_work_in_flight(t->work))
        tgv_work_submit(t->work);
}

void tgv_tape_finish_now(struct tgv_tape *t)
{
    order_end(t);
    tgv_work_wait(t->work);
    pay_silence(t);
    tgv_work_run(write_out, t);
    report(t);
    t->config.finished(t->config.ctx, t);
    if (tgv_work_in_flight(t->work))
        t->gone = true;
    else
        free_tape(t);
}
