/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_CALL_H
#define TGV_API_CALL_H
/*
 * Inside of a call: the core, driven on its loop, and what users hand to it
 * from other threads.
 *
 * Two sides. Users' threads touch only what `lock` guards, leave orders there
 * and wake the loop; the loop takes the orders before anything else it does.
 * The lock is never held while a callback or the core runs, so callbacks may
 * call everything. What is marked `loop` belongs to the loop thread alone.
 *
 * Files: call_config.c (defaults, checks), call.c (life), call_drive.c (core
 * <-> timers, events, orders), call_sockets.c (core <-> sockets and look-ups),
 * call_audio.c (the 20 ms clock), call_files.c (queues and recording),
 * call_report.c (log and tables), call_query.c (reading), call_set.c (changing
 * settings), call_names.c (words for enumerations).
 */
#include "api/ear.h"
#include "api/engine.h"
#include "api/feed.h"
#include "api/tape.h"
#include "base/ring.h"
#include "io/interfaces.h"
#include "io/loop.h"
#include "io/timer.h"
#include "legacy/call.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <tgvoip/call.h>

#define TGV_CALL_TAPES 8 /* open or being finished */
#define TGV_CALL_PCM_MS 500
#define TGV_UCALL_TIMEOUT_MAX_MS 600000
#define TGV_CALL_REPORTS 3 /* kinds, enum tgvoip_report */
#define TGV_CALL_SCRIBES 8 /* being finished */

struct tgv_lock;
struct tgv_scribe;
struct tgv_call_socket; /* call_sockets.c */

/* What can be recorded, each into a file of its own. */
enum tgv_track { TGV_TRACK_HEARD, TGV_TRACK_SENT, TGV_TRACKS };

/* What users want done. */
struct tgv_call_orders {
    bool start, connect;
    bool set_mute, mute;
    bool set_network;
    enum tgvoip_network_type network;
    bool set_saving;
    enum tgvoip_data_saving saving;
    bool set_timeouts;
    unsigned init_ms, receive_ms;
    bool set_bitrate, set_loss; /* by hand */
    unsigned bitrate_bps, loss_percent;
    bool set_p2p, p2p;
    bool change_report[TGV_CALL_REPORTS]; /* to `report`, or to none */
    struct tgv_scribe *report[TGV_CALL_REPORTS];
    bool change_tape[TGV_TRACKS]; /* to `tape`, or to none */
    struct tgv_tape *tape[TGV_TRACKS];
};

struct tgvoip_call {
    struct tgv_member member;
    struct tgvoip_call_callbacks callbacks; /* constant */
    void *user;
    struct tgv_log log; /* to the engine's and to our file; loop */
    const struct tgv_log *engine_log;

    /* -- guarded by the lock -- */
    struct tgv_lock *lock;
    struct tgv_call_orders orders;
    bool woken; /* `post` is under way */
    bool started, connected;
    bool released; /* the loop has let go of all but tapes */
    bool stopped; /* and those are closed */
    unsigned tapes_open; /* ordered, recording or being finished */
    unsigned reports_open; /* likewise */
    struct tgvoip_call_stats stats;
    int64_t preferred_relay;
    bool need_rate;
    struct tgv_ring written; /* PCM to send; both ends inside the lock */
    size_t written_stale; /* what was left of it at the last tick */
    struct tgv_ring heard; /* PCM that came, from the first read() on */
    char recorded[TGV_TRACKS][1024]; /* path of the newest tape */
    atomic_bool stop_wanted; /* set inside, read anywhere */
    struct tgv_post post;

    /* -- loop -- */
    struct tgv_call *core;
    struct tgv_call_socket *sockets; /* and look-ups; a list */
    struct tgv_watch watch; /* of the machine's addresses */
    struct tgv_timer core_timer, audio_timer;
    bool timers_ready;
    bool over; /* FAILED or stopped: the core does nothing any more */
    bool failed; /* by us, whatever the core says */
    bool counted; /* among the engine's calls */
    tgv_time batch_now; /* clock of the datagrams being read; -1 = none */
    tgv_time next_tick; /* TGV_NEVER: the audio clock stands */
    unsigned phase;
    uint64_t blocks_in, blocks_out; /* numbers for block_trace */
    struct tgv_feed *play, *hold;
    struct tgv_tape *tape[TGV_TRACKS]; /* recording, or NULL */
    struct tgv_ear *ear; /* from the first record_sent() on, else NULL */
    struct tgv_tape *tapes[TGV_CALL_TAPES]; /* being finished, or NULL */
    enum tgvoip_data_saving data_saving;
    enum tgvoip_network_type network;
    struct tgv_scribe *reports[TGV_CALL_REPORTS]; /* written to, or NULL */
    struct tgv_scribe *scribes[TGV_CALL_SCRIBES]; /* being finished, or NULL */
    uint64_t log_lost; /* lines whose loss was told */
    tgv_time next_row; /* of the table */
    atomic_uint_least64_t source_underruns, sink_overruns;
};

/* call_config.c: fill `out` from the user's config. `relays` holds
 * TGV_RELAYS_MAX entries. `out` is the caller's to wipe, on failure too. */
int tgv_ucall_check_config(const struct tgvoip_call_config *config,
                           struct tgv_call_config *out,
                           struct tgv_relay_entry *relays,
                           struct tgvoip_failure *failure);
bool tgv_ucall_saves_data(enum tgvoip_data_saving mode,
                          enum tgvoip_network_type type);

/* call.c: have the loop look at the orders. Inside the lock. */
void tgv_ucall_wake(struct tgvoip_call *call);
static inline bool tgv_ucall_may_call_back(const struct tgvoip_call *call)
{
    return !atomic_load(&call->stop_wanted);
}

/* call_drive.c, loop thread. */
/* Take orders, let the core work, report, arm the timers. */
void tgv_ucall_drive(struct tgvoip_call *call, tgv_time now);
/* Let go of everything; `stopped` follows when the tapes are closed, which
 * `at_once` waits for. Idempotent. */
void tgv_ucall_let_go(struct tgvoip_call *call, tgv_time now, bool at_once);

/* call_sockets.c, loop thread. */
/* Tell the core which addresses there are, now and after each change. */
void tgv_ucall_tell_interfaces(struct tgvoip_call *call, tgv_time now);
/* Do what the core wants done. @return there was something */
bool tgv_ucall_perform(struct tgvoip_call *call, tgv_time now);
/* Send what the core has. @return all of it */
bool tgv_ucall_transmit(struct tgvoip_call *call, tgv_time now);
/* Look-ups and the watch, too. */
void tgv_ucall_close_sockets(struct tgvoip_call *call);

/* call_audio.c, loop thread. */
void tgv_ucall_audio_start(struct tgvoip_call *call, tgv_time now);
void tgv_ucall_audio_stop(struct tgvoip_call *call);
void tgv_ucall_audio_timer(void *ctx, tgv_time now);

/* call_files.c; all but init on the loop thread. */
int tgv_ucall_files_init(struct tgvoip_call *call);
void tgv_ucall_files_fini(struct tgvoip_call *call);
/* Finish the tape that runs, go on with another one or NULL. */
void tgv_ucall_change_tape(struct tgvoip_call *call, enum tgv_track track,
                           struct tgv_tape *tape);
void tgv_ucall_end_tapes(struct tgvoip_call *call);
/* Finish all tapes now, waiting for the disk. */
void tgv_ucall_finish_tapes(struct tgvoip_call *call);

/* A file failed: tell the log and the user. */
void tgv_ucall_file_failed(struct tgvoip_call *call,
                           const struct tgvoip_failure *failure);
/* Inside the lock: one file less is open. */
void tgv_ucall_note_stopped(struct tgvoip_call *call);

/* call_report.c, loop thread but for init. */
void tgv_ucall_log_init(struct tgvoip_call *call, const struct tgv_log *engine);
/* Finish the file that is written to, go on with another one or NULL. */
void tgv_ucall_change_report(struct tgvoip_call *call,
                             enum tgvoip_report report, struct tgv_scribe *s);
/* Finish all; now, waiting for the disk, or soon. */
void tgv_ucall_end_reports(struct tgvoip_call *call, bool at_once);
/* The last line of the log. */
void tgv_ucall_log_end(struct tgvoip_call *call, tgv_time now);
/* Add to the table what is due. */
void tgv_ucall_write_rows(struct tgvoip_call *call, tgv_time now);

/* call_query.c, loop thread: refresh what getters read. */
void tgv_ucall_publish(struct tgvoip_call *call, tgv_time now);

#endif
