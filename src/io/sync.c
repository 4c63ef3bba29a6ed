/* SPDX-License-Identifier: MIT */
#include "io/sync.h"

#include <stdlib.h>

#include <uv.h>

struct tgv_lock {
    uv_mutex_t mutex;
    uv_cond_t cond;
};

struct tgv_lock *tgv_lock_create(void)
{
    struct tgv_lock *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    if (uv_mutex_init(&k->mutex) != 0) {
        free(k);
        return NULL;
    }
    if (uv_cond_init(&k->cond) != 0) {
        uv_mutex_destroy(&k->mutex);
        free(k);
        return NULL;
    }
    return k;
}

void tgv_lock_destroy(struct tgv_lock *k)
{
    if (!k)
        return;
    uv_cond_destroy(&k->cond);
    uv_mutex_destroy(&k->mutex);
    free(k);
}

void tgv_lock_enter(struct tgv_lock *k)
{
    uv_mutex_lock(&k->mutex);
}

void tgv_lock_leave(struct tgv_lock *k)
{
    uv_mutex_unlock(&k->mutex);
}

void tgv_lock_wait(struct tgv_lock *k)
{
    uv_cond_wait(&k->cond, &k->mutex);
}

void tgv_lock_wake(struct tgv_lock *k)
{
    uv_cond_broadcast(&k->cond);
}
