/* SPDX-License-Identifier: MIT */
/*
 * The engine's log lines, from its loop threads to the one Python thread that
 * hands them to `logging`. One queue for the process, like the engine of the
 * Python package itself; when it is full lines are dropped, and the next one
 * that fits says how many.
 */
#include "bridge.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LINES 128

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct tgvpy_line lines[LINES];
static unsigned head, count, dropped;
static bool closed;

static void copy(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);

    if (n >= cap)
        n = cap - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

static void on_line(void *ctx, enum tgvoip_log_level level, const char *room,
                    int64_t now_us, const char *text)
{
    (void)ctx;
    (void)now_us;
    pthread_mutex_lock(&lock);
    if (count == LINES) {
        dropped++;
    } else {
        struct tgvpy_line *line = &lines[(head + count++) % LINES];
        line->level = (int)level;
        copy(line->room, sizeof(line->room), room);
        copy(line->text, sizeof(line->text), text);
        if (dropped) {
            size_t n = strlen(line->text);
            snprintf(line->text + n, sizeof(line->text) - n,
                     " (%u lines before this one were dropped)", dropped);
            dropped = 0;
        }
        pthread_cond_signal(&more);
    }
    pthread_mutex_unlock(&lock);
}

void tgvpy_log_install(struct tgvoip_engine_config *config, int level)
{
    config->log = on_line;
    config->log_level = (enum tgvoip_log_level)level;
}

bool tgvpy_log_wait(struct tgvpy_line *line)
{
    pthread_mutex_lock(&lock);
    while (count == 0 && !closed)
        pthread_cond_wait(&more, &lock);
    bool have = count > 0;
    if (have) {
        *line = lines[head];
        head = (head + 1) % LINES;
        count--;
    }
    pthread_mutex_unlock(&lock);
    return have;
}

void tgvpy_log_close(void)
{
    pthread_mutex_lock(&lock);
    closed = true;
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
}

void tgvpy_log_after_fork(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    more = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    head = count = dropped = 0;
    closed = false;
}
