/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_VERDICT_H
#define TGV_INSPECT_VERDICT_H
/*
 * What a recording says as a whole: who sent what, for how long, what was
 * lost, and why there is no sound if there is none. It is fed with the packets
 * as they were named (fields.h) and never stores one: counters, a window of
 * sequence numbers, and the first TGV_VERDICT_MUTES mutes.
 *
 * "Lost" means missing from the recording, or told by it to have been dropped;
 * what was lost behind the place of recording it cannot know. Where it shows
 * both what went into a relay and what came out, the difference is told too.
 */
#include "inspect/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_VERDICT_WINDOW 4096 /* of sequence numbers, for late packets */
#define TGV_VERDICT_MUTES 32
#define TGV_VERDICT_SENT 256 /* packets whose answer is waited for */
#define TGV_VERDICT_RTTS 64
#define TGV_VERDICT_LEGS 8
#define TGV_VERDICT_TEXT 4096 /* room for tgv_verdict_text() */

struct tgv_json;

enum tgv_problem {
    TGV_PROBLEM_NONE = 0,
    TGV_PROBLEM_EMPTY, /* no packet */
    TGV_PROBLEM_WRONG_KEY, /* none could be opened */
    TGV_PROBLEM_RELAY_ONLY, /* only messages with relays */
    TGV_PROBLEM_INCOMPATIBLE,
    TGV_PROBLEM_ONE_SIDED, /* one end sent nothing */
    TGV_PROBLEM_NO_INIT_ACK,
    TGV_PROBLEM_MUTED, /* the whole time */
    TGV_PROBLEM_NO_MEDIA,
    TGV_PROBLEM_SILENCE, /* frames hold nothing but silence */
    TGV_PROBLEM_NOT_ACKNOWLEDGED /* the other end does not receive */
};
/* "wrong_key", ...; NULL for NONE. Part of the tool's contract. */
const char *tgv_problem_str(enum tgv_problem p);

struct tgv_verdict_sent { /* packets on their way */
    uint32_t seq;
    double t_ms;
    bool waits;
};

struct tgv_verdict_seqs { /* sequence numbers, unwrapped */
    int64_t first, last; /* last -1: none yet */
    uint64_t seen; /* different ones, delivered as far as is known */
    uint8_t window[TGV_VERDICT_WINDOW / 8];
};

struct tgv_verdict_leg { /* between two addresses, one way */
    uint64_t src, dst; /* hashes of their texts */
    struct tgv_verdict_seqs seqs;
};

struct tgv_verdict_end { /* what one end sent */
    uint64_t opened, failed, bytes;
    uint64_t again; /* copies: over another road, or seen twice */
    uint64_t old; /* of opened, in the first variant of encryption */
    double first_ms, last_ms;
    struct tgv_verdict_seqs seqs; /* wherever they were seen */
    unsigned leg_count;
    struct tgv_verdict_leg legs[TGV_VERDICT_LEGS];
    /* sound */
    uint64_t frames, frames_again; /* first copies; redundancy */
    uint64_t frames_still; /* that look like silence */
    int64_t frame_len; /* of the newest */
    double frames_ms;
    double media_first_ms, media_last_ms;
    int64_t media_seq; /* of the first packet with sound */
    /* handshake */
    unsigned inits, init_acks;
    int64_t version, min_version; /* 0 = not told */
    /* mute */
    bool muted;
    int64_t mute_seq;
    unsigned mutes;
    double mute_from[TGV_VERDICT_MUTES], mute_to[TGV_VERDICT_MUTES];
    /* what the other end has confirmed of it; -1 nothing */
    int64_t confirmed;
    double confirmed_ms; /* when that was */
    struct tgv_verdict_sent sent[TGV_VERDICT_SENT], pings[TGV_VERDICT_SENT];
    /* from here to the other end and back [ms] */
    unsigned rtts, ack_rtts;
    double rtt[TGV_VERDICT_RTTS], ack_rtt_min;
};

struct tgv_verdict {
    struct tgv_verdict_end ends[2]; /* caller, callee */
    uint64_t relay_messages, relay_answers;
    uint64_t failed_unknown; /* failed, sender not known */
    uint64_t other; /* datagrams that seem to belong to something else */
    uint64_t other_of_relay; /* of them: perhaps to a call with another key */
};

void tgv_verdict_init(struct tgv_verdict *v);

/*
 * @param from    0 if unknown
 * @param packet  members as of a trace line; "parsed" names the fields
 * @param control it is a message with a relay
 * @param lost    the recording says that it was not forwarded
 */
void tgv_verdict_add(struct tgv_verdict *v, enum tgv_trace_from from,
                     double t_ms, size_t wire_len,
                     const struct tgv_json *packet, bool control, bool failed,
                     bool lost);

enum tgv_problem tgv_verdict_problem(const struct tgv_verdict *v);
/* {"event":"verdict",...}, the text's lines among its members */
struct tgv_json *tgv_verdict_json(const struct tgv_verdict *v);
/* Some lines in plain words, each with its line end. @return length, as
 * snprintf() */
size_t tgv_verdict_text(const struct tgv_verdict *v, char *text, size_t cap);

#endif
