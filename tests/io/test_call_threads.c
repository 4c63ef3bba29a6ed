/* SPDX-License-Identifier: MIT */
/* Who may call what, and when: callbacks, other threads, users in a hurry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "support/call_pair.h"

static void stop_inside(bool own_loop)
{
    struct pair *p = pair_create(own_loop);

    pair_establish(p);
    pthread_mutex_lock(&p->ends[1].lock);
    p->ends[1].stop_when_heard = true;
    pthread_mutex_unlock(&p->ends[1].lock);
    assert_true(pair_wait(p, &p->ends[1], end_has_stopped, 0, 3000));
    pair_destroy(p);
}

static void test_eng_12_nothing_follows_a_stop_inside_a_callback(void **state)
{
    (void)state;
    stop_inside(false);
    stop_inside(true);
}

static void test_eng_06_stop_inside_the_failed_callback(void **state)
{
    struct pair *p = pair_create(true);

    (void)state;
    p->config.init_timeout_ms = 500;
    pair_make_call(p, 0);
    p->ends[0].stop_when_failed = true;
    assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
    assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
    assert_true(pair_wait(p, &p->ends[0], end_has_stopped, 0, 2000));
    for (int i = 0; i < 20; i++)
        pair_step(p);
    pair_destroy(p);
}

/* -- threads -------------------------------------------------------------- */

static void test_engine_destroys_what_is_left(void **state)
{
    struct pair *p = pair_create(false);

    (void)state;
    pair_establish(p);
    tgvoip_engine_destroy(p->engines[1]);
    tgvoip_engine_destroy(p->engines[0]);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
}

static void test_eng_08_rapid_cycles_leave_nothing_behind(void **state)
{
    struct pair *p = pair_create(false);

    (void)state;
    for (int i = 0; i < 20; i++) {
        pair_make_call(p, 0);
        assert_int_equal(tgvoip_call_start(p->ends[0].call), 0);
        if (i % 3)
            assert_int_equal(tgvoip_call_connect(p->ends[0].call), 0);
        if (i % 2)
            pair_stop_end(&p->ends[0]);
        tgvoip_call_destroy(p->ends[0].call);
    }
    p->ends[0].call = NULL;
    pair_destroy(p);
}

struct reader {
    struct pair *pair;
    atomic_bool end;
};

static void *read_everything(void *ctx)
{
    struct reader *r = ctx;
    struct tgvoip_call_stats s;
    struct tgvoip_engine_stats es;
    int16_t pcm[BLOCK];
    char *text;

    while (!atomic_load(&r->end)) {
        for (int i = 0; i < 2; i++) {
            tgvoip_call *call = r->pair->ends[i].call;
            tgvoip_call_stats_default(&s);
            tgvoip_call_get_stats(call, &s);
            tgvoip_call_preferred_relay(call);
            tgvoip_call_need_rate(call);
            tgvoip_call_read(call, pcm, BLOCK);
            tgvoip_call_set_network_type(call, TGVOIP_NET_WIFI);
            if (tgvoip_call_debug_log(call, &text) == 0)
                tgvoip_free(text);
            tgvoip_engine_get_stats(r->pair->engines[i], &es);
        }
        poll(NULL, 0, 2);
    }
    return NULL;
}

/* -- callbacks that call everything ---------------------------------------- */

struct busy {
    struct pair *pair;
    int index;
    atomic_int calls;
};
static struct busy busy[2];

static void use_everything(struct busy *b)
{
    tgvoip_call *own = b->pair->ends[b->index].call;
    tgvoip_call *other = b->pair->ends[!b->index].call;
    struct tgvoip_call_stats s;
    struct tgvoip_engine_stats es;
    int16_t pcm[BLOCK] = {0};
    char *text;

    tgvoip_call_stats_default(&s);
    assert_int_equal(tgvoip_call_get_stats(own, &s), 0);
    assert_int_equal(tgvoip_call_get_stats(other, &s), 0);
    tgvoip_engine_get_stats(b->pair->engines[b->index], &es);
    tgvoip_call_preferred_relay(other);
    tgvoip_call_write(own, pcm, BLOCK);
    tgvoip_call_read(own, pcm, BLOCK);
    tgvoip_call_clear(own);
    tgvoip_call_set_mute(own, false);
    tgvoip_call_clear_play_queue(own);
    tgvoip_call_clear_hold_queue(own);
    tgvoip_call_stop_recording(own);
    assert_int_equal(tgvoip_call_debug_log(own, &text), 0);
    tgvoip_free(text);
    /* This one would have to wait for another loop. */
    assert_int_equal(tgvoip_call_debug_log(other, &text), TGVOIP_ERR_STATE);
    /* Two that stop each other must not wait for each other. */
    if (atomic_fetch_add(&b->calls, 1) == 10)
        tgvoip_call_stop(other);
}

static bool busy_out(tgvoip_call *call, void *user, int16_t *pcm,
                     size_t samples)
{
    (void)call;
    (void)pcm;
    (void)samples;
    use_everything(user);
    return false;
}

static void test_eng_03_callbacks_may_call_everything(void **state)
{
    struct pair *p = pair_create(false);

    (void)state;
    for (int i = 0; i < 2; i++) {
        busy[i].pair = p;
        busy[i].index = i;
        atomic_store(&busy[i].calls, 0);
        p->config.callbacks = (struct tgvoip_call_callbacks){0};
        p->config.callbacks.audio_out = busy_out;
        pair_make_call_with(p, i, &busy[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tgvoip_call_start(p->ends[i].call), 0);
        assert_int_equal(tgvoip_call_connect(p->ends[i].call), 0);
    }
    for (int t = 0; t < 500 && atomic_load(&busy[0].calls) < 10 &&
                    atomic_load(&busy[1].calls) < 10;
         t++)
        poll(NULL, 0, 10);
    assert_true(atomic_load(&busy[0].calls) + atomic_load(&busy[1].calls) >=
                10);
    pair_destroy(p);
}

static void test_eng_63_getters_may_be_used_from_any_thread(void **state)
{
    struct pair *p = pair_create(false);
    struct reader r = {.pair = p};
    pthread_t thread;

    (void)state;
    pair_begin(p);
    assert_int_equal(pthread_create(&thread, NULL, read_everything, &r), 0);
    for (int i = 0; i < 2; i++)
        assert_true(pair_wait(p, &p->ends[i], end_is_loud, 0.3, 5000));
    atomic_store(&r.end, true);
    pthread_join(thread, NULL);
    pair_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_06_stop_inside_the_failed_callback),
        cmocka_unit_test(test_eng_12_nothing_follows_a_stop_inside_a_callback),
        cmocka_unit_test(test_engine_destroys_what_is_left),
        cmocka_unit_test(test_eng_08_rapid_cycles_leave_nothing_behind),
        cmocka_unit_test(test_eng_03_callbacks_may_call_everything),
        cmocka_unit_test(test_eng_63_getters_may_be_used_from_any_thread),
    };

    alarm(55);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
