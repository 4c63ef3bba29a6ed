/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

void diag_init(struct diag *diag, int64_t start_us)
{
    memset(diag, 0, sizeof(*diag));
    diag->level = 0; /* a failed command says why by itself */
    diag->start_us = start_us;
    diag->notes = stderr;
    pthread_mutex_init(&diag->lock, NULL);
}

void diag_fini(struct diag *diag)
{
    diag_flush(diag);
    pthread_mutex_destroy(&diag->lock);
}

static void wipe_live(struct diag *diag)
{
    if (diag->live)
        fputs("\r\033[K", stderr);
    diag->live = false;
}

void diag_error(struct diag *diag, const char *what, const char *why, ...)
{
    va_list args;

    wipe_live(diag);
    fprintf(stderr, "tgvoip: %s: ", what);
    va_start(args, why);
    vfprintf(stderr, why, args);
    va_end(args);
    fputc('\n', stderr);
}

void diag_note(struct diag *diag, const char *text, ...)
{
    va_list args;

    if (diag->quiet)
        return;
    wipe_live(diag);
    va_start(args, text);
    vfprintf(diag->notes, text, args);
    va_end(args);
    fputc('\n', diag->notes);
    fflush(diag->notes);
}

enum tgvoip_log_level diag_engine_level(const struct diag *diag)
{
    if (diag->level < TGVOIP_LOG_ERROR)
        return TGVOIP_LOG_ERROR;
    return (enum tgvoip_log_level)diag->level;
}

void diag_log(void *ctx, enum tgvoip_log_level level, const char *room,
              int64_t now_us, const char *text)
{
    struct diag *diag = ctx;
    struct diag_line *line;

    pthread_mutex_lock(&diag->lock);
    if (diag->count == DIAG_QUEUE) {
        diag->dropped++;
    } else {
        line = &diag->queue[(diag->head + diag->count++) % DIAG_QUEUE];
        line->level = level;
        line->now_us = now_us;
        snprintf(line->room, sizeof(line->room), "%s", room);
        snprintf(line->text, sizeof(line->text), "%s", text);
    }
    pthread_mutex_unlock(&diag->lock);
}

static bool take(struct diag *diag, struct diag_line *line, unsigned *dropped)
{
    bool any;

    pthread_mutex_lock(&diag->lock);
    any = diag->count > 0;
    if (any) {
        *line = diag->queue[diag->head];
        diag->head = (diag->head + 1) % DIAG_QUEUE;
        diag->count--;
    }
    *dropped = any ? 0 : diag->dropped;
    if (!any)
        diag->dropped = 0;
    pthread_mutex_unlock(&diag->lock);
    return any;
}

static void print_line(struct diag *diag, const struct diag_line *line)
{
    static const char *const names[] = {"", "error", "warning", "info",
                                        "debug"};
    double t = (double)(line->now_us - diag->start_us) / 1e6;

    if ((int)line->level > diag->level)
        return;
    wipe_live(diag);
    fprintf(stderr, "%9.3f %-7s %s: %s\n", t, names[line->level], line->room,
            line->text);
}

void diag_flush(struct diag *diag)
{
    struct diag_line line;
    unsigned dropped = 0;

    while (take(diag, &line, &dropped))
        print_line(diag, &line);
    if (dropped)
        fprintf(stderr, "tgvoip: log: %u lines were dropped\n", dropped);
}
