/* SPDX-License-Identifier: MIT */
#include "api/feed.h"

#include "api/open_audio.h"
#include "base/failure.h"
#include "base/ring.h"
#include "base/time.h"
#include "file/source.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/system.h"
#include "io/work.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD_SAMPLES 32768 /* 0.68 s */
#define PIECE_SAMPLES (2 * TGV_BLOCK_SAMPLES)
#define STARTS_MAX 256
/* Of the files that wait so many are kept open; others are opened when their
 * turn comes, so that a long queue needs few descriptors (PY-18). */
#define OPEN_MAX 8

struct entry {
    struct entry *next;
    struct tgv_source *source; /* NULL: not open now */
    bool late; /* open only while it is read */
    int64_t at; /* samples read in this pass */
    FILE *stream; /* that may make a reader wait; NULL for others */
    char path[]; /* for reports */
};

struct tgv_feed {
    struct tgv_feed_config config;
    struct tgv_work *work; /* with the ring, from the first file on */
    struct tgv_lock *lock; /* guards everything below but `piece` */
    struct tgv_ring ring;
    struct entry *first, *last; /* to be read; the pool reads the first */
    size_t waiting; /* number of them */
    struct entry *dead; /* to be closed by the pool */
    unsigned epoch; /* of clear() */
    bool changed; /* since the pool has looked last */
    bool active; /* the end of the queue is still to be told */
    bool flowing; /* a block was taken since it was empty */
    bool closing;
    struct tgvoip_failure failure; /* to be reported */
    /* Where in the ring's stream files begin; starts[0] is the one played. */
    uint64_t starts[STARTS_MAX];
    size_t start_count;
    uint64_t put, taken; /* samples, since creation */
    int16_t piece[PIECE_SAMPLES];
};

/* -- the pool's side ------------------------------------------------------ */

static void close_entries(struct entry *e)
{
    while (e) {
        struct entry *next = e->next;
        tgv_source_close(e->source);
        free(e);
        e = next;
    }
}

static struct entry *pop_first(struct tgv_feed *f)
{
    struct entry *e = f->first;

    f->first = e->next;
    if (!f->first)
        f->last = NULL;
    f->waiting--;
    e->next = NULL;
    return e;
}

static void append(struct tgv_feed *f, struct entry *e)
{
    if (f->last)
        f->last->next = e;
    else
        f->first = e;
    f->last = e;
    f->waiting++;
}

/* A pipe may stop anywhere: wait for as little as is of use. */
static size_t piece_of(const struct entry *e)
{
    return e->stream ? TGV_BLOCK_SAMPLES : PIECE_SAMPLES;
}

/* What to read next, NULL if nothing; closes what was dropped. */
static struct entry *next_entry(struct tgv_feed *f, unsigned *epoch)
{
    tgv_lock_enter(f->lock);
    struct entry *dead = f->dead, *e = f->first;
    f->dead = NULL;
    f->changed = false;
    *epoch = f->epoch;
    if (f->failure.code || f->start_count == STARTS_MAX ||
        tgv_ring_room(&f->ring) < PIECE_SAMPLES)
        e = NULL;
    tgv_lock_leave(f->lock);
    close_entries(dead);
    if (e && e->stream &&
        !tgv_system_readable(e->stream, piece_of(e) * sizeof(int16_t)))
        e = NULL;
    return e;
}

static void put_piece(struct tgv_feed *f, struct entry *e, size_t samples)
{
    if (samples == 0)
        return;
    if (e->at == 0)
        f->starts[f->start_count++] = f->put;
    tgv_ring_put(&f->ring, f->piece, samples);
    f->put += samples;
    e->at += (int64_t)samples;
}

/* The first entry is out: tell why, if there is a reason. */
static void drop_first(struct tgv_feed *f, int error, const char *why)
{
    struct entry *e = pop_first(f);

    if (error)
        tgv_fail(&f->failure, error, e->path, "%s", why);
    e->next = f->dead;
    f->dead = e;
}

/* The file has come to its end, with `rewound` telling whether it can be
 * read again. Inside the lock. */
static void end_of_file(struct tgv_feed *f, struct entry *e, int rewound)
{
    if (!f->config.repeat) {
        drop_first(f, 0, NULL);
    } else if (e->at == 0) {
        drop_first(f, TGVOIP_ERR_FORMAT, "holds no audio");
    } else if (rewound < 0) {
        drop_first(f, rewound, "cannot be read again from its start");
    } else {
        e->at = 0;
        append(f, pop_first(f));
    }
}

static int read_entry(struct tgv_feed *f, struct entry *e, size_t samples,
                      struct tgvoip_failure *failure)
{
    int n = e->source ? 0 : tgv_open_source(&e->source, e->path, failure);

    if (!n)
        n = tgv_source_read(e->source, f->piece, samples);
    if (n < 0 && !failure->code)
        tgv_fail(failure, n, e->path, "%s", tgvoip_error_str(n));
    return n;
}

static int back_to_start(struct entry *e)
{
    if (!e->late)
        return tgv_source_rewind(e->source);
    tgv_source_close(e->source);
    e->source = NULL;
    return 0;
}

/* Read one piece. @return there may be more to do */
static bool read_piece(struct tgv_feed *f)
{
    unsigned epoch;
    struct entry *e = next_entry(f, &epoch);
    struct tgvoip_failure failure = {0};
    int rewound = 0;

    if (!e)
        return false;
    size_t wanted = piece_of(e);
    int n = read_entry(f, e, wanted, &failure);
    bool ended = n >= 0 && (size_t)n < wanted;
    if (ended && f->config.repeat && e->at + n > 0)
        rewound = back_to_start(e);
    tgv_lock_enter(f->lock);
    if (epoch == f->epoch) { /* else it was dropped meanwhile */
        if (n < 0)
            drop_first(f, n, failure.why);
        else
            put_piece(f, e, (size_t)n);
        if (ended)
            end_of_file(f, e, rewound);
    }
    tgv_lock_leave(f->lock);
    return true;
}

static void read_ahead(void *ctx)
{
    while (read_piece(ctx))
        ;
}

/* -- the user's side ------------------------------------------------------ */

static void work_done(void *ctx);

static void free_feed(struct tgv_feed *f)
{
    tgv_work_destroy(f->work);
    tgv_ring_fini(&f->ring);
    tgv_lock_destroy(f->lock);
    free(f);
}

int tgv_feed_create(struct tgv_feed **out, const struct tgv_feed_config *config)
{
    struct tgv_feed *f = calloc(1, sizeof(*f));

    *out = NULL;
    if (!f || !(f->lock = tgv_lock_create())) {
        free(f);
        return TGVOIP_ERR_NOMEM;
    }
    f->config = *config;
    *out = f;
    return 0;
}

static int open_entry(struct entry **out, const char *path,
                      struct tgvoip_failure *failure)
{
    size_t len = strlen(path);
    struct entry *e = calloc(1, sizeof(*e) + len + 1);

    *out = NULL;
    if (!e)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    memcpy(e->path, path, len);
    int err = tgv_open_source(&e->source, path, failure);
    if (err) {
        free(e);
        return err;
    }
    e->stream = tgv_source_stream(e->source);
    *out = e;
    return 0;
}

/* Inside the lock. What cannot be opened twice stays open. */
static void close_for_now(const struct tgv_feed *f, struct entry *e)
{
    if (f->waiting < OPEN_MAX || tgv_source_info(e->source).duration_us < 0)
        return;
    tgv_source_close(e->source);
    e->source = NULL;
    e->stream = NULL;
    e->late = true;
}

/* Inside the lock. Calls that play no files pay for no ring. */
static int prepare(struct tgv_feed *f)
{
    int err = 0;

    if (!f->ring.data)
        err = tgv_ring_init(&f->ring, AHEAD_SAMPLES);
    if (!err && !f->work)
        err =
            tgv_work_create(&f->work, f->config.loop, read_ahead, work_done, f);
    return err;
}

int tgv_feed_add(struct tgv_feed *f, const char *path,
                 struct tgvoip_failure *failure)
{
    struct entry *e;
    int err = open_entry(&e, path, failure);

    if (err)
        return err;
    tgv_lock_enter(f->lock);
    err = prepare(f);
    if (!err) {
        close_for_now(f, e);
        append(f, e);
        f->active = f->changed = true;
    }
    tgv_lock_leave(f->lock);
    if (err) {
        close_entries(e);
        return tgv_fail(failure, err, path, "%s", tgvoip_error_str(err));
    }
    return 0;
}

static void drop_all(struct tgv_feed *f)
{
    if (f->last) {
        f->last->next = f->dead;
        f->dead = f->first;
    }
    f->first = f->last = NULL;
    f->waiting = 0;
    f->epoch++;
    f->changed = true;
    f->active = f->flowing = false;
    if (f->ring.data)
        tgv_ring_get(&f->ring, NULL, AHEAD_SAMPLES);
    f->taken = f->put;
    f->start_count = 0;
}

void tgv_feed_clear(struct tgv_feed *f)
{
    tgv_lock_enter(f->lock);
    drop_all(f);
    tgv_lock_leave(f->lock);
}

/* -- the loop's side ------------------------------------------------------ */

void tgv_feed_kick(struct tgv_feed *f)
{
    tgv_lock_enter(f->lock);
    struct tgv_work *work = f->work;
    bool wanted = f->dead || (f->first && !f->failure.code &&
                              f->start_count < STARTS_MAX &&
                              tgv_ring_used(&f->ring) < AHEAD_SAMPLES / 2);
    tgv_lock_leave(f->lock);
    if (work && wanted && !tgv_work_in_flight(work))
        tgv_work_submit(work);
}

static void work_done(void *ctx)
{
    struct tgv_feed *f = ctx;
    struct tgvoip_failure failure;

    tgv_lock_enter(f->lock);
    failure = f->failure;
    f->failure.code = 0;
    bool closing = f->closing, dead = f->dead != NULL;
    bool again = f->changed || dead || failure.code;
    tgv_lock_leave(f->lock);
    if (closing && !dead) {
        free_feed(f);
        return;
    }
    if (failure.code && !closing)
        f->config.failed(f->config.ctx, &failure);
    if (again)
        tgv_feed_kick(f);
}

/* Inside the lock: position of the sample that is taken next. */
static int64_t position_of_next(struct tgv_feed *f)
{
    size_t passed = 0;

    while (passed + 1 < f->start_count && f->starts[passed + 1] <= f->taken)
        passed++;
    if (passed > 0) {
        f->start_count -= passed;
        memmove(f->starts, f->starts + passed,
                f->start_count * sizeof(*f->starts));
    }
    return f->start_count ? (int64_t)(f->taken - f->starts[0]) : -1;
}

static enum tgv_feed_verdict take(struct tgv_feed *f, int16_t *pcm,
                                  int64_t *position)
{
    size_t used = f->ring.data ? tgv_ring_used(&f->ring) : 0;

    if (used >= TGV_BLOCK_SAMPLES || (used > 0 && !f->first)) {
        *position = position_of_next(f);
        size_t n = tgv_ring_get(&f->ring, pcm, TGV_BLOCK_SAMPLES);
        memset(pcm + n, 0, (TGV_BLOCK_SAMPLES - n) * sizeof(*pcm));
        f->taken += n;
        f->flowing = true;
        return TGV_FEED_BLOCK;
    }
    if (!f->first)
        return TGV_FEED_EMPTY;
    /* Before the first block it has merely not begun. */
    return f->flowing ? TGV_FEED_LATE : TGV_FEED_EMPTY;
}

enum tgv_feed_verdict tgv_feed_take(struct tgv_feed *f, int16_t *pcm,
                                    int64_t *position, bool *finished)
{
    *position = -1;
    tgv_lock_enter(f->lock);
    enum tgv_feed_verdict verdict = take(f, pcm, position);
    *finished = f->active && !f->first && f->taken == f->put;
    if (*finished)
        f->active = f->flowing = false;
    tgv_lock_leave(f->lock);
    tgv_feed_kick(f);
    return verdict;
}

void tgv_feed_close(struct tgv_feed *f)
{
    if (!f)
        return;
    tgv_lock_enter(f->lock);
    drop_all(f);
    f->closing = true;
    f->failure.code = 0;
    struct tgv_work *work = f->work;
    tgv_lock_leave(f->lock);
    if (!work)
        free_feed(f);
    else if (!tgv_work_in_flight(work))
        tgv_work_submit(work); /* closes the files, which may block */
}
