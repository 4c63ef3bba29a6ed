/* SPDX-License-Identifier: MIT */
#include "bridge.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEPTH 3
#define FRAME_SAMPLES TGVOIP_BLOCK_SAMPLES
/* Frames asked for before the first one is needed: a Python thread may wait
 * for the interpreter lock for longer than one frame. */
#define FIRST_DEMAND 2
#define STATES_MAX 64

struct frames {
    int16_t pcm[DEPTH][FRAME_SAMPLES];
    unsigned head, count;
};

struct tgvpy_bridge {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    pid_t owner;
    unsigned wants;
    bool native, closed, busy;
    int states[STATES_MAX];
    unsigned state_head, state_count;
    int bars; /* 0: nothing new */
    struct frames send, receive;
    unsigned demand; /* frames asked for and not yet put */
    bool primed; /* the first demand has been made */
    int64_t established_at, ended_at; /* -1: not */
    uint64_t send_missed, receive_dropped;
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int16_t *push(struct frames *f)
{
    return f->pcm[(f->head + f->count++) % DEPTH];
}

static const int16_t *pop(struct frames *f)
{
    const int16_t *pcm = f->pcm[f->head];

    f->head = (f->head + 1) % DEPTH;
    f->count--;
    return pcm;
}

/* -- on the loop thread ---------------------------------------------------- */

static void on_state(tgvoip_call *call, void *user,
                     enum tgvoip_call_state state, enum tgvoip_call_error error)
{
    struct tgvpy_bridge *b = user;

    (void)call;
    (void)error;
    pthread_mutex_lock(&b->lock);
    if (state == TGVOIP_STATE_ESTABLISHED && b->established_at < 0)
        b->established_at = now_us();
    if (state == TGVOIP_STATE_FAILED && b->ended_at < 0)
        b->ended_at = now_us();
    if (b->wants & TGVPY_WANT_STATE) {
        /* Whoever is so far behind gets the newest in place of the last. */
        if (b->state_count == STATES_MAX)
            b->state_count--;
        b->states[(b->state_head + b->state_count++) % STATES_MAX] = (int)state;
        pthread_cond_signal(&b->work);
    }
    pthread_mutex_unlock(&b->lock);
}

static void on_bars(tgvoip_call *call, void *user, int bars)
{
    struct tgvpy_bridge *b = user;

    (void)call;
    pthread_mutex_lock(&b->lock);
    if (b->wants & TGVPY_WANT_BARS) {
        b->bars = bars;
        pthread_cond_signal(&b->work);
    }
    pthread_mutex_unlock(&b->lock);
}

/* One more frame; what is asked for and what waits never exceed the ring. */
static void demand(struct tgvpy_bridge *b, unsigned frames)
{
    while (frames-- > 0 && b->demand + b->send.count < DEPTH)
        b->demand++;
    pthread_cond_signal(&b->work);
}

static bool on_audio_out(tgvoip_call *call, void *user, int16_t *pcm,
                         size_t samples)
{
    struct tgvpy_bridge *b = user;
    const size_t bytes = samples * sizeof(*pcm);

    (void)call;
    pthread_mutex_lock(&b->lock);
    if (b->native) {
        pthread_mutex_unlock(&b->lock);
        return false;
    }
    if (!(b->wants & TGVPY_WANT_SEND)) {
        memset(pcm, 0, bytes);
    } else if (b->send.count > 0) {
        memcpy(pcm, pop(&b->send), bytes);
        demand(b, 1);
    } else {
        memset(pcm, 0, bytes);
        if (b->primed)
            b->send_missed++;
        demand(b, b->primed ? 1 : FIRST_DEMAND);
        b->primed = true;
    }
    pthread_mutex_unlock(&b->lock);
    return true;
}

static void on_audio_in(tgvoip_call *call, void *user, const int16_t *pcm,
                        size_t samples)
{
    struct tgvpy_bridge *b = user;

    (void)call;
    pthread_mutex_lock(&b->lock);
    if (!b->native && (b->wants & TGVPY_WANT_RECEIVE)) {
        if (b->receive.count == DEPTH) {
            pop(&b->receive);
            b->receive_dropped++;
        }
        memcpy(push(&b->receive), pcm, samples * sizeof(*pcm));
        pthread_cond_signal(&b->work);
    }
    pthread_mutex_unlock(&b->lock);
}

/* -- life ------------------------------------------------------------------ */

tgvpy_bridge *tgvpy_bridge_create(void)
{
    struct tgvpy_bridge *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    if (pthread_mutex_init(&b->lock, NULL)) {
        free(b);
        return NULL;
    }
    pthread_cond_init(&b->work, NULL);
    pthread_cond_init(&b->idle, NULL);
    b->owner = getpid();
    b->established_at = b->ended_at = -1;
    return b;
}

void tgvpy_bridge_destroy(tgvpy_bridge *b)
{
    /* In a forked child somebody who is not there may hold the lock. */
    if (!b || b->owner != getpid())
        return;
    pthread_cond_destroy(&b->idle);
    pthread_cond_destroy(&b->work);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void tgvpy_bridge_install(tgvpy_bridge *b, struct tgvoip_call_config *config)
{
    config->callbacks.state = on_state;
    config->callbacks.signal_bars = on_bars;
    config->callbacks.audio_out = on_audio_out;
    config->callbacks.audio_in = on_audio_in;
    config->user = b;
}

void tgvpy_bridge_want(tgvpy_bridge *b, unsigned wants)
{
    pthread_mutex_lock(&b->lock);
    if (!(wants & TGVPY_WANT_SEND)) {
        b->send.count = b->demand = 0;
        b->primed = false;
    }
    if (!(wants & TGVPY_WANT_RECEIVE))
        b->receive.count = 0;
    b->wants = wants;
    pthread_mutex_unlock(&b->lock);
}

void tgvpy_bridge_set_native(tgvpy_bridge *b, bool native)
{
    pthread_mutex_lock(&b->lock);
    b->native = native;
    if (native) {
        b->send.count = b->receive.count = b->demand = 0;
        b->primed = false;
    }
    pthread_mutex_unlock(&b->lock);
}

/* -- on the dispatcher thread ---------------------------------------------- */

static void encode(uint8_t *out, const int16_t *pcm)
{
    for (size_t i = 0; i < FRAME_SAMPLES; i++) {
        out[2 * i] = (uint8_t)((uint16_t)pcm[i] & 0xff);
        out[2 * i + 1] = (uint8_t)((uint16_t)pcm[i] >> 8);
    }
}

/* Inside the lock. States come first: they are few, and in order. */
static int take(struct tgvpy_bridge *b, struct tgvpy_event *event)
{
    if (b->closed)
        return TGVPY_CLOSED;
    if (b->state_count > 0) {
        event->value = b->states[b->state_head];
        b->state_head = (b->state_head + 1) % STATES_MAX;
        b->state_count--;
        return TGVPY_STATE;
    }
    if (b->bars) {
        event->value = b->bars;
        b->bars = 0;
        return TGVPY_BARS;
    }
    if (b->demand > 0)
        return TGVPY_SEND;
    if (b->receive.count > 0) {
        encode(event->frame, pop(&b->receive));
        return TGVPY_RECEIVE;
    }
    return TGVPY_TIMEOUT;
}

int tgvpy_bridge_wait(tgvpy_bridge *b, struct tgvpy_event *event)
{
    pthread_mutex_lock(&b->lock);
    b->busy = false;
    pthread_cond_broadcast(&b->idle);
    while ((event->kind = take(b, event)) == TGVPY_TIMEOUT)
        pthread_cond_wait(&b->work, &b->lock);
    b->busy = event->kind != TGVPY_CLOSED;
    pthread_mutex_unlock(&b->lock);
    return event->kind;
}

void tgvpy_bridge_put(tgvpy_bridge *b, const uint8_t *data, size_t len)
{
    if (len > TGVPY_FRAME_BYTES)
        len = TGVPY_FRAME_BYTES;
    pthread_mutex_lock(&b->lock);
    /* No demand: it was called off meanwhile. */
    if (b->demand > 0) {
        int16_t *pcm = push(&b->send);
        b->demand--;
        memset(pcm, 0, FRAME_SAMPLES * sizeof(*pcm));
        for (size_t i = 0; i < len; i++) {
            unsigned byte = data[i];
            pcm[i / 2] = (int16_t)((uint16_t)pcm[i / 2] |
                                   (uint16_t)(byte << (i % 2 ? 8 : 0)));
        }
    }
    pthread_mutex_unlock(&b->lock);
}

/* -- from any thread ------------------------------------------------------- */

void tgvpy_bridge_close(tgvpy_bridge *b)
{
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    if (b->ended_at < 0)
        b->ended_at = now_us();
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
}

bool tgvpy_bridge_closed(tgvpy_bridge *b)
{
    pthread_mutex_lock(&b->lock);
    bool closed = b->closed;
    pthread_mutex_unlock(&b->lock);
    return closed;
}

bool tgvpy_bridge_wait_idle(tgvpy_bridge *b, int timeout_ms)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&b->lock);
    while (b->busy && err != ETIMEDOUT)
        err = timeout_ms < 0
                  ? pthread_cond_wait(&b->idle, &b->lock)
                  : pthread_cond_timedwait(&b->idle, &b->lock, &until);
    bool idle = !b->busy;
    pthread_mutex_unlock(&b->lock);
    return idle;
}

void tgvpy_bridge_facts(tgvpy_bridge *b, struct tgvpy_facts *facts)
{
    int64_t now = now_us();

    pthread_mutex_lock(&b->lock);
    facts->established_us =
        b->established_at < 0 ? -1 : now - b->established_at;
    facts->ended_us = b->ended_at < 0 ? -1 : now - b->ended_at;
    facts->send_missed = b->send_missed;
    facts->receive_dropped = b->receive_dropped;
    pthread_mutex_unlock(&b->lock);
}

const char *tgvpy_protocol_version(void)
{
    return TGVOIP_PROTOCOL_LIBRARY_VERSION;
}
