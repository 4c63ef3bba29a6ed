/* SPDX-License-Identifier: MIT */
/* What the counters of verdict.c mean, in plain words and as JSON. */
#include "inspect/verdict.h"

#include "inspect/text.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

/* A second of sound: with less nothing is said about it. */
#define FRAMES_MIN 17
#define STILL_SHARE 0.9
/* Media for so long without a confirmation is worth a word [ms]. */
#define CONFIRMED_MS 3000

static const char *const names[2] = {"caller", "callee"};

const char *tgv_problem_str(enum tgv_problem p)
{
    switch (p) {
    case TGV_PROBLEM_NONE:
        break;
    case TGV_PROBLEM_EMPTY:
        return "empty";
    case TGV_PROBLEM_WRONG_KEY:
        return "wrong_key";
    case TGV_PROBLEM_RELAY_ONLY:
        return "relay_only";
    case TGV_PROBLEM_INCOMPATIBLE:
        return "incompatible";
    case TGV_PROBLEM_ONE_SIDED:
        return "one_sided";
    case TGV_PROBLEM_NO_INIT_ACK:
        return "no_init_ack";
    case TGV_PROBLEM_MUTED:
        return "muted";
    case TGV_PROBLEM_NO_MEDIA:
        return "no_media";
    case TGV_PROBLEM_SILENCE:
        return "silence";
    case TGV_PROBLEM_NOT_ACKNOWLEDGED:
        return "not_acknowledged";
    }
    return NULL;
}

/* -- what is wrong -------------------------------------------------------- */

/* Can `e` not talk with `other`, as far as both have told? */
static bool refuses(const struct tgv_verdict_end *e,
                    const struct tgv_verdict_end *other)
{
    return e->min_version > 0 && other->version > 0 &&
           other->version < e->min_version;
}

/* Why the sound of one end does not reach the other. */
static enum tgv_problem end_problem(const struct tgv_verdict *v, int i)
{
    const struct tgv_verdict_end *e = &v->ends[i], *other = &v->ends[1 - i];

    if (e->opened == 0)
        return TGV_PROBLEM_ONE_SIDED;
    if (refuses(e, other) || refuses(other, e))
        return TGV_PROBLEM_INCOMPATIBLE;
    if (e->inits > 0 && other->init_acks == 0 && e->frames == 0 &&
        other->frames == 0)
        return TGV_PROBLEM_NO_INIT_ACK;
    if (e->frames == 0)
        return e->muted ? TGV_PROBLEM_MUTED : TGV_PROBLEM_NO_MEDIA;
    if (e->frames < FRAMES_MIN)
        return TGV_PROBLEM_NONE;
    if (other->opened > 0 && e->confirmed < e->media_seq)
        return TGV_PROBLEM_NOT_ACKNOWLEDGED;
    if ((double)e->frames_still >= STILL_SHARE * (double)e->frames)
        return TGV_PROBLEM_SILENCE;
    return TGV_PROBLEM_NONE;
}

static uint64_t all_failed(const struct tgv_verdict *v)
{
    return v->ends[0].failed + v->ends[1].failed + v->failed_unknown;
}

/* @param[out] end whose sound is missing */
static enum tgv_problem find_problem(const struct tgv_verdict *v, int *end)
{
    enum tgv_problem a, b;

    *end = 0;
    if (v->ends[0].opened + v->ends[1].opened == 0) {
        if (all_failed(v) + v->other_of_relay > 0)
            return TGV_PROBLEM_WRONG_KEY;
        return v->relay_messages ? TGV_PROBLEM_RELAY_ONLY : TGV_PROBLEM_EMPTY;
    }
    a = end_problem(v, 0);
    b = end_problem(v, 1);
    /* the graver one; they are in that order */
    *end = a == TGV_PROBLEM_NONE || (b != TGV_PROBLEM_NONE && b < a);
    return *end ? b : a;
}

enum tgv_problem tgv_verdict_problem(const struct tgv_verdict *v)
{
    int end;

    return find_problem(v, &end);
}

/* -- measures ------------------------------------------------------------- */

static uint64_t expected(const struct tgv_verdict_seqs *w)
{
    return w->last < 0 ? 0 : (uint64_t)(w->last - w->first + 1);
}

static uint64_t missing(const struct tgv_verdict_seqs *w)
{
    const uint64_t n = expected(w);

    return n > w->seen ? n - w->seen : 0;
}

/* What went into a relay and did not come out. What was sent over other roads
 * is missing on both sides of it. */
static uint64_t lost_at_relay(const struct tgv_verdict_end *e)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < e->leg_count; i++) {
        for (unsigned k = 0; k < e->leg_count; k++) {
            const uint64_t in = missing(&e->legs[i].seqs);
            const uint64_t out = missing(&e->legs[k].seqs);

            if (k != i && e->legs[k].src == e->legs[i].dst && out > in)
                sum += out - in;
        }
    }
    return sum;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double median_rtt(const struct tgv_verdict_end *e)
{
    const unsigned n = e->rtts < TGV_VERDICT_RTTS ? e->rtts : TGV_VERDICT_RTTS;
    double sorted[TGV_VERDICT_RTTS];

    for (unsigned i = 0; i < n; i++) {
        unsigned k = i;

        for (; k > 0 && sorted[k - 1] > e->rtt[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = e->rtt[i];
    }
    return n ? sorted[n / 2] : 0;
}

/* From the place of recording to both ends and back, which together is the
 * whole way wherever it was recorded. @return negative if it is not known */
static double round_trip(const struct tgv_verdict *v, bool *by_ack)
{
    const struct tgv_verdict_end *a = &v->ends[0], *b = &v->ends[1];

    *by_ack = false;
    if (a->rtts && b->rtts)
        return median_rtt(a) + median_rtt(b);
    *by_ack = true;
    if (a->ack_rtts && b->ack_rtts)
        return a->ack_rtt_min + b->ack_rtt_min;
    return -1;
}

/* -- words ---------------------------------------------------------------- */

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void add_mutes(struct tgv_text *t, const struct tgv_verdict_end *e)
{
    for (unsigned i = 0; i < e->mutes && i < TGV_VERDICT_MUTES; i++) {
        tgv_text_add(t, "%s %.1f", i ? "," : "; muted", e->mute_from[i] / 1000);
        if (e->mute_to[i] > 0)
            tgv_text_add(t, " to %.1f s", e->mute_to[i] / 1000);
        else
            tgv_text_add(t, " s to the end");
    }
    if (e->mutes > TGV_VERDICT_MUTES)
        tgv_text_add(t, " and %u times more", e->mutes - TGV_VERDICT_MUTES);
}

static void add_lost(struct tgv_text *t, const struct tgv_verdict_end *e)
{
    const uint64_t all = expected(&e->seqs), at_relay = lost_at_relay(e);

    if (missing(&e->seqs))
        tgv_text_add(t, "lost %llu of %llu packets (%.1f %%)",
                     (unsigned long long)missing(&e->seqs),
                     (unsigned long long)all,
                     100 * share(missing(&e->seqs), all));
    else if (!at_relay)
        tgv_text_add(t, "no packet lost");
    if (at_relay)
        tgv_text_add(t, "%s%llu of %llu (%.1f %%) did not leave the relay",
                     missing(&e->seqs) ? ", " : "",
                     (unsigned long long)at_relay, (unsigned long long)all,
                     100 * share(at_relay, all));
}

static void add_end(struct tgv_text *t, const struct tgv_verdict *v, int i)
{
    const struct tgv_verdict_end *e = &v->ends[i];

    if (e->opened == 0) {
        tgv_text_add(t, "%s: nothing", names[i]);
        if (e->failed)
            tgv_text_add(t, " that could be opened, of %llu packet%s",
                         (unsigned long long)e->failed, plural(e->failed));
        tgv_text_add(t, "\n");
        return;
    }
    tgv_text_add(t,
                 "%s: %llu packet%s from %.1f to %.1f s; %llu frame%s of "
                 "sound, %.1f s; ",
                 names[i], (unsigned long long)e->opened, plural(e->opened),
                 e->first_ms / 1000, e->last_ms / 1000,
                 (unsigned long long)e->frames, plural(e->frames),
                 e->frames_ms / 1000);
    add_lost(t, e);
    if (e->failed)
        tgv_text_add(t, "; %llu could not be read",
                     (unsigned long long)e->failed);
    add_mutes(t, e);
    tgv_text_add(t, "\n");
}

static void add_no_call(struct tgv_text *t, const struct tgv_verdict *v,
                        enum tgv_problem problem)
{
    if (problem == TGV_PROBLEM_WRONG_KEY) {
        tgv_text_add(t,
                     "None of %llu encrypted packets could be opened: this is "
                     "not the key of this call.\n",
                     (unsigned long long)(all_failed(v) + v->other_of_relay));
        return;
    }
    tgv_text_add(t, problem == TGV_PROBLEM_EMPTY
                        ? "There is no packet of a call in this recording"
                        : "There are only messages with relays, none between "
                          "the two sides");
    if (problem == TGV_PROBLEM_RELAY_ONLY && !v->relay_answers)
        tgv_text_add(t, ", and no relay answered: are address and port right?");
    else
        tgv_text_add(t, ".");
    if (v->other)
        tgv_text_add(t,
                     " None of %llu other datagrams opens with this key: they "
                     "are of something else, or the key is not that of this "
                     "call.",
                     (unsigned long long)v->other);
    tgv_text_add(t, "\n");
}

static void add_incompatible(struct tgv_text *t, const struct tgv_verdict *v)
{
    tgv_text_add(t, "The two versions do not fit together:");
    for (int i = 0; i < 2; i++)
        tgv_text_add(t, "%s the %s speaks %lld and accepts %lld or later",
                     i ? "," : "", names[i], (long long)v->ends[i].version,
                     (long long)v->ends[i].min_version);
    tgv_text_add(t, ".\n");
}

static void add_old(struct tgv_text *t, const struct tgv_verdict *v)
{
    if (v->ends[0].old + v->ends[1].old == 0)
        return;
    for (int i = 0; i < 2; i++)
        tgv_text_add(t, "%s%llu of %llu packets of the %s", i ? " and " : "",
                     (unsigned long long)v->ends[i].old,
                     (unsigned long long)v->ends[i].opened, names[i]);
    tgv_text_add(t, " came in the first variant of encryption (V1), which is "
                    "weaker.\n");
}

/* Why the end is not heard. */
static void add_problem(struct tgv_text *t, const struct tgv_verdict *v, int i,
                        enum tgv_problem problem)
{
    const struct tgv_verdict_end *e = &v->ends[i];
    const char *me = names[i], *other = names[1 - i];

    switch (problem) {
    case TGV_PROBLEM_ONE_SIDED:
        tgv_text_add(t,
                     "Nothing came from the %s: it did not call, it called "
                     "with another tag or key, or its packets did not get as "
                     "far as this recording.\n",
                     me);
        break;
    case TGV_PROBLEM_NO_INIT_ACK:
        tgv_text_add(t,
                     "The %s never answered the handshake of the %s (%u INIT), "
                     "so no sound was sent.\n",
                     other, me, e->inits);
        break;
    case TGV_PROBLEM_MUTED:
        tgv_text_add(t, "No sound from the %s: it was muted all the time.\n",
                     me);
        break;
    case TGV_PROBLEM_NO_MEDIA:
        tgv_text_add(
            t, "No sound from the %s: none of its packets holds any.\n", me);
        break;
    case TGV_PROBLEM_NOT_ACKNOWLEDGED:
        tgv_text_add(t,
                     "The sound of the %s was sent, but the %s never confirmed "
                     "any of it: it did not arrive there.\n",
                     me, other);
        break;
    case TGV_PROBLEM_SILENCE:
        tgv_text_add(t,
                     "The %s sent sound, but it looks like silence: %llu of "
                     "%llu frames are as small as the one before.\n",
                     me, (unsigned long long)e->frames_still,
                     (unsigned long long)e->frames);
        break;
    default:
        break;
    }
}

/* It went well at first. */
static void add_broken_off(struct tgv_text *t, const struct tgv_verdict *v,
                           int i)
{
    const struct tgv_verdict_end *e = &v->ends[i];

    if (e->frames == 0 || e->confirmed < e->media_seq ||
        e->media_last_ms - e->confirmed_ms < CONFIRMED_MS)
        return;
    tgv_text_add(t, "The %s confirmed nothing of the %s after %.1f s.\n",
                 names[1 - i], names[i], e->confirmed_ms / 1000);
}

static void add_why(struct tgv_text *t, const struct tgv_verdict *v)
{
    int end;
    enum tgv_problem problem = find_problem(v, &end);

    if (problem == TGV_PROBLEM_NONE) {
        tgv_text_add(t, "Sound went both ways.\n");
    } else if (problem < TGV_PROBLEM_INCOMPATIBLE) {
        add_no_call(t, v, problem);
    } else if (problem == TGV_PROBLEM_INCOMPATIBLE) {
        add_incompatible(t, v);
    } else {
        for (int i = 0; i < 2; i++)
            add_problem(t, v, i, end_problem(v, i));
    }
}

size_t tgv_verdict_text(const struct tgv_verdict *v, char *text, size_t cap)
{
    struct tgv_text t = {text, cap, 0};
    bool by_ack;
    double rtt = round_trip(v, &by_ack);

    text[0] = '\0';
    if (v->ends[0].opened + v->ends[1].opened > 0)
        for (int i = 0; i < 2; i++)
            add_end(&t, v, i);
    if (rtt >= 0)
        tgv_text_add(&t, "round trip: %s %.0f ms\n",
                     by_ack ? "less than" : "about", by_ack ? rtt + 1 : rtt);
    add_old(&t, v);
    for (int i = 0; i < 2; i++)
        add_broken_off(&t, v, i);
    add_why(&t, v);
    return t.len;
}

/* -- JSON ----------------------------------------------------------------- */

static struct tgv_json *real(double v)
{
    return tgv_json_new_real(floor(v * 1000 + 0.5) / 1000);
}

static void set_count(struct tgv_json *j, const char *key, uint64_t n)
{
    tgv_json_set(j, key, tgv_json_new_int((int64_t)n));
}

static void set_problem(struct tgv_json *j, enum tgv_problem p)
{
    const char *name = tgv_problem_str(p);

    tgv_json_set(j, "problem",
                 name ? tgv_json_new_str(name) : tgv_json_new_null());
}

static struct tgv_json *mutes_json(const struct tgv_verdict_end *e)
{
    struct tgv_json *list = tgv_json_array();

    for (unsigned i = 0; i < e->mutes && i < TGV_VERDICT_MUTES; i++) {
        struct tgv_json *pair = tgv_json_array();

        tgv_json_append(pair, real(e->mute_from[i]));
        tgv_json_append(pair, e->mute_to[i] > 0 ? real(e->mute_to[i])
                                                : tgv_json_new_null());
        tgv_json_append(list, pair);
    }
    return list;
}

static struct tgv_json *end_json(const struct tgv_verdict *v, int i)
{
    const struct tgv_verdict_end *e = &v->ends[i];
    struct tgv_json *j = tgv_json_object();

    set_count(j, "packets", e->opened);
    set_count(j, "failed", e->failed);
    set_count(j, "copies", e->again);
    set_count(j, "bytes", e->bytes);
    set_count(j, "encryption_v1", e->old);
    tgv_json_set(j, "first_ms", real(e->first_ms));
    tgv_json_set(j, "last_ms", real(e->last_ms));
    set_count(j, "lost", missing(&e->seqs));
    set_count(j, "lost_at_relay", lost_at_relay(e));
    tgv_json_set(
        j, "lost_share",
        tgv_json_new_real(share(missing(&e->seqs), expected(&e->seqs))));
    set_count(j, "frames", e->frames);
    set_count(j, "frames_redundant", e->frames_again);
    set_count(j, "frames_like_silence", e->frames_still);
    tgv_json_set(j, "sound_ms", real(e->frames_ms));
    tgv_json_set(j, "muted_ms", mutes_json(e));
    set_count(j, "inits", e->inits);
    set_count(j, "init_acks", e->init_acks);
    tgv_json_set(j, "version", tgv_json_new_int(e->version));
    tgv_json_set(j, "min_version", tgv_json_new_int(e->min_version));
    if (e->rtts)
        tgv_json_set(j, "there_and_back_ms", real(median_rtt(e)));
    set_problem(j, end_problem(v, i));
    return j;
}

static struct tgv_json *lines_json(char *text)
{
    struct tgv_json *list = tgv_json_array();

    while (*text) {
        char *end = strchr(text, '\n');

        if (!end)
            break; /* the text was cut */
        *end = '\0';
        tgv_json_append(list, tgv_json_new_str(text));
        text = end + 1;
    }
    return list;
}

struct tgv_json *tgv_verdict_json(const struct tgv_verdict *v)
{
    struct tgv_json *j = tgv_json_object();
    char text[TGV_VERDICT_TEXT];
    bool by_ack;
    double rtt = round_trip(v, &by_ack);

    tgv_verdict_text(v, text, sizeof text);
    tgv_json_set(j, "event", tgv_json_new_str("verdict"));
    set_problem(j, tgv_verdict_problem(v));
    tgv_json_set(j, "text", lines_json(text));
    for (int i = 0; i < 2; i++)
        tgv_json_set(j, names[i], end_json(v, i));
    tgv_json_set(j, "rtt_ms", rtt < 0 ? tgv_json_new_null() : real(rtt));
    tgv_json_set(j, "rtt_from",
                 rtt < 0  ? tgv_json_new_null()
                 : by_ack ? tgv_json_new_str("acknowledgements")
                          : tgv_json_new_str("pings"));
    set_count(j, "relay_messages", v->relay_messages);
    set_count(j, "relay_answers", v->relay_answers);
    set_count(j, "failed", all_failed(v));
    set_count(j, "other_datagrams", v->other);
    return j;
}
