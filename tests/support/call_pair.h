/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_CALL_PAIR_H
#define TGV_TEST_CALL_PAIR_H
/*
 * Both ends of a real call over a real relay on loopback, in one process. The
 * engines have threads and run in real time, or there is one without threads
 * on a virtual clock, where seconds take milliseconds.
 *
 * Each end gives a tone of 400 Hz and keeps count of its callbacks, none of
 * which may come after stop().
 */
#include <tgvoip/tgvoip.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOCK TGVOIP_BLOCK_SAMPLES
/* Where the relay takes TCP: nobody serves UDP at this address. */
#define TCP_AT "127.0.0.2"

struct end {
    tgvoip_call *call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum tgvoip_call_state state;
    enum tgvoip_call_error error;
    int failed, states, play_done, file_errors, routes;
    enum tgvoip_endpoint_type road; /* newest */
    struct tgvoip_failure failure;
    uint64_t given, taken, traced_in, traced_out;
    int64_t last_position;
    double level; /* peak of the newest block heard, 0..1 */
    bool silent_source; /* audio_out passes on */
    bool stop_when_heard; /* stop() inside audio_in */
    bool stop_when_failed; /* stop() inside state */
    bool stopped; /* stop() was called: nothing may follow */
    unsigned phase;
};

struct pair {
    tgvoip_engine *engines[2]; /* the second may be the first */
    tgvoip_relay *relay;
    struct end ends[2];
    int64_t now; /* of the virtual clock */
    bool is_virtual;
    struct tgvoip_call_config config; /* changed by tests before make_calls */
    uint8_t keys[2][256];
    struct tgvoip_endpoint relay_at; /* likewise; id and tag follow */
    char dir[64];
};

/* -- its life --------------------------------------------------------------------- */
struct pair *pair_create(bool own_loop);
/* Stops both ends as a user would. */
void pair_destroy(struct pair *p);
/* The clock of an engine without threads; ctx is the pair. */
int64_t pair_clock(void *ctx);
/* At `tcp` for streams, where the calls look for it unless told otherwise. */
void pair_make_relay(struct pair *p, const char *tcp);
void pair_make_call(struct pair *p, int i);
/* With callbacks of the pair's config, if it has any. */
void pair_make_call_with(struct pair *p, int i, void *user);
/* Both calls, made, started, connected. */
void pair_begin(struct pair *p);
/* And ESTABLISHED, with sound both ways. */
void pair_establish(struct pair *p);
void pair_stop_end(struct end *e);
/* A path in the pair's folder. */
const char *pair_path(const struct pair *p, const char *name);

/* -- waiting ---------------------------------------------------------------------- */
typedef bool (*pair_condition)(const struct end *e, double value);
bool end_state_is(const struct end *e, double value);
bool end_is_loud(const struct end *e, double value);
bool end_is_quiet(const struct end *e, double value);
bool end_has_stopped(const struct end *e, double value);
bool end_has_played(const struct end *e, double value);
bool end_has_taken(const struct end *e, double value);
bool end_has_file_error(const struct end *e, double value);
/* At the most so long; false: in vain. */
bool pair_wait(struct pair *p, struct end *e, pair_condition ok, double value,
               int ms);
/* Virtual time: 5 ms. */
void pair_step(struct pair *p);

/* -- what several tests look at --------------------------------------------------- */
/* 400 Hz at half of full scale, from a sample of the tone on. */
void pair_tone(int16_t *pcm, size_t samples, unsigned phase);
/* The callee hears it, and the caller's source is not asked meanwhile. */
void pair_mute_and_unmute(struct pair *p);

#endif
