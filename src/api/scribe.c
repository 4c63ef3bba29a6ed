/* SPDX-License-Identifier: MIT */
#include "api/scribe.h"

#include "base/failure.h"
#include "io/text_file.h"
#include "io/work.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES 16384

/* Two of them: the loop fills one while the pool writes the other. */
struct buffer {
    size_t len;
    char text[BUFFER_BYTES];
};

struct tgv_scribe {
    struct tgv_scribe_config config;
    struct tgv_work *work;
    /* Handed between pool and loop by the work itself: */
    struct tgv_text_file *file; /* NULL once closed */
    struct tgvoip_failure failure;
    struct buffer *writing;
    bool close; /* after writing */
    /* The loop's: */
    struct buffer *filling;
    bool finish;
    bool reported;
    bool gone; /* finished() has run, free when the work returns */
    uint64_t lost;
    struct buffer buffers[2];
    char head[];
};

/* -- the pool's side ------------------------------------------------------ */

static void close_file(struct tgv_scribe *s)
{
    tgv_text_file_close(s->file);
    s->file = NULL;
}

static int begin_anew(struct tgv_scribe *s)
{
    int err = tgv_text_file_rotate(s->file, &s->failure);

    if (!err)
        err =
            tgv_text_file_write(s->file, s->head, strlen(s->head), &s->failure);
    return err;
}

static void write_out(void *ctx)
{
    struct tgv_scribe *s = ctx;
    struct buffer *b = s->writing;
    int err = 0;

    if (s->file && b->len > 0) {
        err = tgv_text_file_write(s->file, b->text, b->len, &s->failure);
        if (!err && s->config.max_bytes > 0 &&
            tgv_text_file_size(s->file) >= s->config.max_bytes)
            err = begin_anew(s);
    }
    b->len = 0;
    if (err || s->close)
        close_file(s);
}

/* -- the loop's side ------------------------------------------------------ */

static void free_scribe(struct tgv_scribe *s)
{
    tgv_work_destroy(s->work);
    free(s);
}

/* Give what was filled to the pool, which is idle. */
static void hand_over(struct tgv_scribe *s)
{
    struct buffer *b = s->writing;

    s->writing = s->filling;
    s->filling = b;
    s->close = s->finish;
}

static void report(struct tgv_scribe *s)
{
    if (!s->failure.code || s->reported)
        return;
    s->reported = true;
    s->config.failed(s->config.ctx, &s->failure);
}

static void work_done(void *ctx)
{
    struct tgv_scribe *s = ctx;

    if (s->gone) {
        free_scribe(s);
        return;
    }
    report(s); /* which may put a line, or finish */
    if (tgv_work_in_flight(s->work))
        return;
    if (s->filling->len > 0 || s->finish != s->close) {
        hand_over(s);
        tgv_work_submit(s->work);
    } else if (s->finish) {
        s->config.finished(s->config.ctx, s);
        free_scribe(s);
    }
}

int tgv_scribe_open(struct tgv_scribe **out,
                    const struct tgv_scribe_config *config, const char *path,
                    struct tgvoip_failure *failure)
{
    const char *head = config->head ? config->head : "";
    size_t len = strlen(head);
    struct tgv_scribe *s = calloc(1, sizeof(*s) + len + 1);

    *out = NULL;
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    s->config = *config;
    s->config.head = NULL;
    memcpy(s->head, head, len);
    s->filling = &s->buffers[0];
    s->writing = &s->buffers[1];
    int err = tgv_work_create(&s->work, config->loop, write_out, work_done, s);
    if (err) {
        free(s);
        return tgv_fail(failure, err, path, "out of memory");
    }
    err = tgv_text_file_open(&s->file, path, config->append, failure);
    if (!err)
        err = tgv_text_file_write(s->file, head, len, failure);
    if (err) {
        tgv_scribe_discard(s);
        return err;
    }
    *out = s;
    return 0;
}

void tgv_scribe_discard(struct tgv_scribe *s)
{
    if (!s)
        return;
    close_file(s);
    free_scribe(s);
}

bool tgv_scribe_put(struct tgv_scribe *s, const char *line, size_t len)
{
    struct buffer *b = s->filling;

    if (b->len + len > sizeof(b->text)) {
        s->lost++;
        return false;
    }
    memcpy(b->text + b->len, line, len);
    b->len += len;
    if (!tgv_work_in_flight(s->work)) {
        hand_over(s);
        tgv_work_submit(s->work);
    }
    return true;
}

uint64_t tgv_scribe_lost(const struct tgv_scribe *s)
{
    return s->lost;
}

void tgv_scribe_finish(struct tgv_scribe *s)
{
    s->finish = true;
    if (tgv_work_in_flight(s->work))
        return;
    hand_over(s);
    tgv_work_submit(s->work);
}

void tgv_scribe_finish_now(struct tgv_scribe *s)
{
    tgv_work_wait(s->work);
    s->finish = true;
    hand_over(s);
    tgv_work_run(write_out, s);
    report(s);
    s->config.finished(s->config.ctx, s);
    if (tgv_work_in_flight(s->work))
        s->gone = true;
    else
        free_scribe(s);
}
