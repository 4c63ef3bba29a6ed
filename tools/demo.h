/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DEMO_H
#define TOOL_DEMO_H
/**
 * @file
 * The demo: a relay and both ends of a call in one process, over real loopback
 * sockets. What its parts hand to each other.
 *
 * Index 0 is the caller, 1 the callee; direction 0 goes from caller to
 * callee, so side s sends direction s and hears direction !s.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "call_end.h"
#include "demo_server.h"
#include "envelope.h"
#include "events.h"
#include "live.h"
#include "samples.h"
#include "tool.h"

enum { CALLER, CALLEE, SIDES };

/** What the two sides agreed on, for people; the key is in the setups. */
struct demo_key {
    int64_t fingerprint;
    struct tgvoip_emoji emoji[SIDES][TGVOIP_EMOJI_COUNT];
    int64_t took_us;
};

/** The call at the server, as both ends see it. */
struct demo_line {
    struct demo_server server;
    tgvoip_negotiation *calls[SIDES];
    tgvoip_call_setup *setups[SIDES]; /**< from READY on */
    struct tgvoip_negotiation_info info[SIDES]; /**< of READY, then the end */
};

/** One change of state or road, for the report. */
struct demo_mark {
    int64_t at_us;
    int side;
    bool is_road;
    struct tgvoip_route road; /**< its strings are constant */
    char text[2 * END_ROUTE_TEXT];
};
#define DEMO_MARKS 64

struct demo_side {
    struct call_end end;
    const char *clip; /**< what it says */
    char clip_name[80]; /**< for people */
    char recording[PATH_MAX]; /**< what it heard */
    struct samples samples;
    struct block_list sent, heard;
    struct tgvoip_call_stats stats; /**< the last ones */
    bool established, failed, said; /**< said: its clip has been played */
    enum tgvoip_call_error error;
};

struct demo_direction {
    struct envelope sent, heard;
    struct envelope_match match;
    bool arrived;
};

struct demo {
    struct tool *tool;
    /* options */
    const char *in, *out;
    int64_t seconds_us; /**< 0 = the clip's length */
    bool json, tcp;
    tgvoip_impairment *impairment; /**< or NULL */
    /* the run */
    struct demo_line line;
    struct demo_key key;
    struct demo_side sides[SIDES];
    struct demo_direction directions[SIDES];
    struct events events;
    struct live live;
    struct demo_mark marks[DEMO_MARKS];
    size_t mark_count;
    int64_t connect_us, talk_us, end_us; /**< CLOCK_MONOTONIC, 0 = not yet */
    int64_t clip_us[SIDES];
    bool interrupted;
    bool file_failed;
    struct tgvoip_relay_stats relay_stats;
    uint16_t relay_port;
    char network[160]; /**< the impairment in words */
    /* the outcome */
    bool reported; /**< both reports are written */
    bool ok;
    char verdict[160];
    char detail[240];
};

/** One calls, the other answers: negotiate with every check, until both have
 *  a key. @return 0 or a TGVOIP_ERR_*; failure says what was not in order */
int demo_line_open(struct demo *demo, uint16_t relay_port,
                   const uint8_t tag[TGVOIP_TAG_BYTES],
                   struct tgvoip_failure *failure);
/** Tell the line what the engine of a side says. */
void demo_line_state(struct demo *demo, int side, enum tgvoip_call_state state,
                     enum tgvoip_call_error error);
/** Before the engine's call is stopped. */
void demo_line_facts(struct demo *demo, int side, const tgvoip_call *call);
/** The caller hangs up, the callee learns of it. */
void demo_line_hang_up(struct demo *demo);
/** Free and wipe; fine if it was never opened. */
void demo_line_close(struct demo *demo);

/** Run the call on this engine until both have said their clips.
 *  @return 0, or a TGVOIP_ERR_* when it could not begin (reported) */
int demo_run(struct demo *demo, tgvoip_engine *engine);

/** Compare what was sent and heard, and find the words for it. */
void demo_judge(struct demo *demo);

/** Loss of what this side should have received, 0..1; NAN if unknown. */
double demo_loss_in(const struct tgvoip_call_stats *stats);

/** DIR/report.json and DIR/report.html. @return false after an error */
bool report_write(struct demo *demo);

#endif
