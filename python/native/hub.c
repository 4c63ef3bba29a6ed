/* SPDX-License-Identifier: MIT */
#include "hub.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATES_MAX 16

struct tgvpy_member {
    tgvpy_hub *hub;
    uint64_t call;
    tgvpy_member *next; /* in the hub's list of those with news */
    bool listed;
    struct {
        int state, error;
    } states[STATES_MAX];
    unsigned head, count;
    int bars; /* 0: nothing new */
    bool played;
    bool has_route, has_failure;
    int route_type;
    int64_t route_id;
    const char *route_why; /* constant */
    struct tgvoip_failure failure;
};

struct tgvpy_hub {
    pthread_mutex_t lock;
    int pipe[2];
    bool readable; /* a byte is in the pipe */
    tgvpy_member *first, **last;
};

/* -- on loop threads ------------------------------------------------------- */

/* Inside the lock. */
static void tell(tgvpy_member *m)
{
    tgvpy_hub *h = m->hub;

    if (!m->listed) {
        m->listed = true;
        m->next = NULL;
        *h->last = m;
        h->last = &m->next;
    }
    if (!h->readable)
        h->readable = write(h->pipe[1], "", 1) == 1;
}

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error error)
{
    tgvpy_member *m = user;

    (void)call;
    pthread_mutex_lock(&m->hub->lock);
    /* A reader that is away for so many changes misses the oldest ones. */
    if (m->count == STATES_MAX) {
        m->head = (m->head + 1) % STATES_MAX;
        m->count--;
    }
    unsigned i = (m->head + m->count++) % STATES_MAX;
    m->states[i].state = (int)state;
    m->states[i].error = (int)error;
    tell(m);
    pthread_mutex_unlock(&m->hub->lock);
}

static void on_bars(tgvoip_call *call, void *user, int bars)
{
    tgvpy_member *m = user;

    (void)call;
    pthread_mutex_lock(&m->hub->lock);
    m->bars = bars;
    tell(m);
    pthread_mutex_unlock(&m->hub->lock);
}

static void on_route(tgvoip_call *call, void *user,
                     const struct tgvoip_route *route)
{
    tgvpy_member *m = user;

    (void)call;
    pthread_mutex_lock(&m->hub->lock);
    m->has_route = true;
    m->route_type = (int)route->type;
    m->route_id = route->id;
    m->route_why = route->reason;
    tell(m);
    pthread_mutex_unlock(&m->hub->lock);
}

static void on_played(tgvoip_call *call, void *user)
{
    tgvpy_member *m = user;

    (void)call;
    pthread_mutex_lock(&m->hub->lock);
    m->played = true;
    tell(m);
    pthread_mutex_unlock(&m->hub->lock);
}

static void on_file_error(tgvoip_call *call, void *user,
                          const struct tgvoip_failure *failure)
{
    tgvpy_member *m = user;

    (void)call;
    pthread_mutex_lock(&m->hub->lock);
    m->has_failure = true;
    m->failure = *failure;
    tell(m);
    pthread_mutex_unlock(&m->hub->lock);
}

/* -- on the asyncio loop --------------------------------------------------- */

static bool take(tgvpy_member *m, struct tgvpy_hub_event *e)
{
    e->call = m->call;
    if (m->count > 0) {
        e->kind = TGVPY_HUB_STATE;
        e->value = m->states[m->head].state;
        e->error = m->states[m->head].error;
        m->head = (m->head + 1) % STATES_MAX;
        m->count--;
    } else if (m->bars) {
        e->kind = TGVPY_HUB_BARS;
        e->value = m->bars;
        m->bars = 0;
    } else if (m->has_route) {
        e->kind = TGVPY_HUB_ROUTE;
        e->value = m->route_type;
        e->id = m->route_id;
        snprintf(e->text, sizeof(e->text), "%s", m->route_why);
        m->has_route = false;
    } else if (m->has_failure) {
        e->kind = TGVPY_HUB_FILE;
        e->error = m->failure.code;
        snprintf(e->text, sizeof(e->text), "%s: %s", m->failure.what,
                 m->failure.why);
        m->has_failure = false;
    } else if (m->played) {
        e->kind = TGVPY_HUB_PLAYED;
        m->played = false;
    } else {
        return false;
    }
    return true;
}

bool tgvpy_hub_next(tgvpy_hub *h, struct tgvpy_hub_event *event)
{
    bool found = false;

    memset(event, 0, sizeof(*event));
    pthread_mutex_lock(&h->lock);
    while (h->first && !(found = take(h->first, event))) {
        tgvpy_member *m = h->first;
        m->listed = false;
        h->first = m->next;
        if (!h->first)
            h->last = &h->first;
    }
    if (!found && h->readable) {
        char byte;
        h->readable = read(h->pipe[0], &byte, 1) != 1;
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

/* -- life ------------------------------------------------------------------ */

static bool open_pipe(int fd[2])
{
    if (pipe(fd))
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(fd[i], F_SETFL, O_NONBLOCK);
        fcntl(fd[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

tgvpy_hub *tgvpy_hub_create(void)
{
    tgvpy_hub *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    if (!open_pipe(h->pipe) || pthread_mutex_init(&h->lock, NULL)) {
        free(h);
        return NULL;
    }
    h->last = &h->first;
    return h;
}

void tgvpy_hub_destroy(tgvpy_hub *h)
{
    if (!h)
        return;
    close(h->pipe[0]);
    close(h->pipe[1]);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int tgvpy_hub_fd(const tgvpy_hub *h)
{
    return h->pipe[0];
}

tgvpy_member *tgvpy_member_create(tgvpy_hub *h, uint64_t call)
{
    tgvpy_member *m = calloc(1, sizeof(*m));

    if (m) {
        m->hub = h;
        m->call = call;
    }
    return m;
}

void tgvpy_member_destroy(tgvpy_member *m)
{
    if (!m)
        return;
    tgvpy_hub *h = m->hub;
    pthread_mutex_lock(&h->lock);
    tgvpy_member **at = &h->first;
    while (*at && *at != m)
        at = &(*at)->next;
    if (*at) {
        *at = m->next;
        if (!m->next)
            h->last = at;
    }
    pthread_mutex_unlock(&h->lock);
    free(m);
}

void tgvpy_member_install(tgvpy_member *m, struct tgvoip_call_config *config)
{
    config->callbacks.state = on_state;
    config->callbacks.signal_bars = on_bars;
    config->callbacks.route = on_route;
    config->callbacks.play_done = on_played;
    config->callbacks.file_error = on_file_error;
    config->user = m;
}
