/* SPDX-License-Identifier: MIT */
/*
 * Pings, the best road, and the road that is dead.
 *
 * The current road is in trouble when nothing comes from the peer, or when
 * what is sent on it is not acknowledged. Other roads are asked then, in
 * rounds; the current one is asked first and clears itself by any sign of
 * life. If it gives none for a while, the call moves to the road that answered,
 * or to the first that will.
 *
 * The original leaves a dead relay only if it has no measure of it, and then
 * for a relay on which it hears us. NETWORK_CHANGED makes it forget its
 * measures, hence it is told so when we had to move, or do not hear it. It also
 * wants 32 packets in a row to be unacknowledged; pongs are packets, so that its
 * answers to our pings are not acknowledged either before its sound comes.
 * Source: wire specification 7.2; behaviour notes 5.4, 5.5; ENG-24
 */
#include "legacy/internal.h"

/* Beside the weight 2: near a relay it is chance which is faster. Our choice. */
#define TCP_COST TGV_MS(20)
#define PING_INTERVAL TGV_S(10)
#define PING_INTERVAL_CURRENT TGV_S(2)
#define UNACKED_MAX 32
/* The peer sends every 0.2 s at least. Trouble begins after a part of the
 * patience; it is twice the longest usual gap where packets come in gaps. */
#define PATIENCE TGV_MS(500)
#define PATIENCE_MAX TGV_S(1)
#define TROUBLE_PARTS 3 / 5
#define GAP_FADES TGV_S(10)
#define URGENT_AFTER TGV_MS(600) /* open what is not open yet */
/* A peer of ours answers 20 pings a second. */
#define ROUND_INTERVAL TGV_MS(250)
#define ROUND_INTERVAL_LATE TGV_S(1)
#define ROUNDS_QUICK 12
#define ROUNDS_ANEW TGV_S(2) /* trouble that comes back sooner goes on */
#define ROUND_ROADS 4 /* besides the current one */
/* A road that died is not chosen for its speed for so long, each time longer,
 * until it has served for a while. */
#define AVOID TGV_S(5)
#define AVOID_DOUBLINGS 4
#define PROVEN_AFTER TGV_S(60)
/* What did not answer so many pings in so long is not measured any more. */
#define UNANSWERED_MAX 3
#define UNANSWERED_FOR TGV_S(3)
#define WAKE_AFTER TGV_S(1) /* an original that is not heard */
#define WAKE_INTERVAL TGV_S(5)
#define HOLD_ACK TGV_S(4)
#define ENOUGH_SAMPLES 2 /* for a new road to be taken at once */

/* Gaps between the pings to a new road; both ends need several under way at the
 * same time, and the ends do not begin together. */
static const tgv_time burst_gaps[] = {TGV_MS(100), TGV_MS(200), TGV_MS(200),
                                      TGV_MS(500), TGV_MS(500), TGV_MS(500),
                                      TGV_S(1),    TGV_S(1),    TGV_S(1),
                                      TGV_S(2),    TGV_S(3)};
#define BURST_GAPS (sizeof(burst_gaps) / sizeof(burst_gaps[0]))

void tgv_choice_init(struct tgv_call *c)
{
    c->choice = (struct tgv_choice){.heard = TGV_NEVER,
                                    .trouble_since = TGV_NEVER,
                                    .moved = TGV_NEVER,
                                    .woken = -WAKE_INTERVAL};
}

static struct tgv_path *current(struct tgv_call *c)
{
    return &c->paths.list[c->paths.current];
}

/* -- pings ------------------------------------------------------------------ */

void tgv_choice_ping(struct tgv_call *c, unsigned path, tgv_time now)
{
    c->paths.list[path].last_ping = now;
    if (tgv_path_open(c, path))
        tgv_send_packet(c, path, TGV_PKT_PING, NULL, 0);
}

static void note_ping(struct tgv_path *p, uint32_t seq, tgv_time now,
                      bool is_current)
{
    unsigned slot = p->ping_count++ % TGV_PINGS_KEPT;

    p->pings[slot].seq = seq;
    p->pings[slot].at = now;
    if (p->unanswered++ == 0)
        p->unanswered_since = now;
    if (!is_current && p->unanswered > UNANSWERED_MAX &&
        now - p->unanswered_since > UNANSWERED_FOR)
        tgv_rtt_clear(&p->rtt);
}

void tgv_choice_sent(struct tgv_call *c, unsigned path, uint8_t type,
                     uint32_t seq, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    if (p->waiting_since == TGV_NEVER && c->hs.ready)
        p->waiting_since = now;
    if (type == TGV_PKT_PING)
        note_ping(p, seq, now, path == c->paths.current);
}

static void burst_step(struct tgv_call *c, unsigned path, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    if (p->rtt.len >= ENOUGH_SAMPLES || p->burst > BURST_GAPS) {
        p->burst_at = TGV_NEVER;
        return;
    }
    tgv_choice_ping(c, path, now);
    p->burst_at = p->burst < BURST_GAPS ? now + burst_gaps[p->burst] : now;
    p->burst++;
}

static void bursts(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        if (!c->paths.list[i].gone && c->paths.list[i].burst_at <= now)
            burst_step(c, i, now);
}

void tgv_choice_measure(struct tgv_call *c, unsigned path, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    p->burst = 0;
    p->burst_at = now;
    if (tgv_state_talking(c) && tgv_send_may_answer(c, TGV_ANSWER_MEASURE, now))
        burst_step(c, path, now);
}

void tgv_choice_opened(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (tgv_state_talking(c))
        tgv_choice_ping(c, path, now);
}

static void ping_due(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        tgv_time interval =
            i == c->paths.current ? PING_INTERVAL_CURRENT : PING_INTERVAL;
        if (!p->gone && (p->last_ping < 0 || now - p->last_ping >= interval))
            tgv_choice_ping(c, i, now);
    }
}

/* -- the best road ------------------------------------------------------------ */

/* Round trip as it is compared; 0: not measured, or not to be taken. */
static double cost(const struct tgv_call *c, unsigned path, tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[path];

    if (!tgv_path_open(c, path) || now < p->avoid_until)
        return 0.0;
    if (p->type == TGV_PATH_UDP_RELAY && !tgv_reach_udp_steady(c) &&
        c->paths.list[c->paths.current].type == TGV_PATH_TCP_RELAY)
        return 0.0; /* ENG-21: only when it has been good for a while */
    if (p->type == TGV_PATH_TCP_RELAY && tgv_rtt_known(&p->rtt))
        return (double)tgv_rtt_mean(&p->rtt) * 2 + (double)TCP_COST;
    return (double)tgv_rtt_mean(&p->rtt);
}

static unsigned best_relay(const struct tgv_call *c, double *least,
                           tgv_time now)
{
    unsigned best = c->paths.preferred;

    *least = cost(c, best, now);
    if (*least <= 0.0)
        *least = (double)TGV_NEVER;
    for (unsigned i = 0; i < c->paths.count; i++) {
        double rtt = cost(c, i, now);
        if (!tgv_path_is_relay(&c->paths.list[i]) || rtt <= 0.0 ||
            rtt >= *least * c->config.relay_switch_threshold)
            continue;
        *least = rtt;
        best = i;
    }
    return best;
}

/* @return its index, or -1 */
static int best_direct(const struct tgv_call *c, double *least, tgv_time now)
{
    int best = -1;

    for (unsigned i = 0; i < c->paths.count; i++) {
        double rtt = cost(c, i, now);
        if (tgv_path_is_relay(&c->paths.list[i]) || rtt <= 0.0 ||
            (best >= 0 && rtt >= *least))
            continue;
        *least = rtt;
        best = (int)i;
    }
    return best;
}

static const char *reason_of(const struct tgv_path *p)
{
    return p->type == TGV_PATH_P2P_LAN ? "lan" : "p2p";
}

static void choose(struct tgv_call *c, tgv_time now)
{
    const struct tgv_server_config *s = &c->config;
    struct tgv_paths *paths = &c->paths;
    bool on_relay = tgv_path_is_relay(current(c));
    double relay, road = 0.0;
    unsigned best = best_relay(c, &relay, now);
    int direct = best_direct(c, &road, now);
    double used = cost(c, paths->current, now);

    if (best != paths->preferred && on_relay)
        tgv_paths_move(c, best, "rtt", now);
    else if (best != paths->preferred)
        tgv_paths_prefer(c, best);
    if (on_relay) {
        if (direct >= 0 && road < relay * s->relay_to_p2p_switch_threshold)
            tgv_paths_move(c, (unsigned)direct, reason_of(&paths->list[direct]),
                           now);
    } else if (relay < used * s->p2p_to_relay_switch_threshold) {
        tgv_paths_move(c, paths->preferred, "rtt", now);
    } else if (direct >= 0 && road < used * s->relay_switch_threshold) {
        tgv_paths_move(c, (unsigned)direct, reason_of(&paths->list[direct]),
                       now);
    }
}

void tgv_choice_run(struct tgv_call *c, tgv_time now)
{
    if (!tgv_state_talking(c))
        return;
    ping_due(c, now);
    choose(c, now);
}

/* -- the dead road ---------------------------------------------------------- */

static tgv_time patience(const struct tgv_call *c)
{
    tgv_time gap = 2 * c->choice.gap;

    return gap < PATIENCE ? PATIENCE : tgv_time_min(gap, PATIENCE_MAX);
}

/* Have acknowledgements of what is sent on the current road stood still for
 * longer than they usually take, and so long? */
static bool unacked(struct tgv_call *c, tgv_time least, tgv_time now)
{
    tgv_time since = current(c)->waiting_since;

    return since != TGV_NEVER &&
           now - since >= least + tgv_rtt_smoothed(&c->ack_rtt) * 3 / 2;
}

static void calm(struct tgv_call *c, tgv_time now)
{
    c->choice.trouble_since = TGV_NEVER;
    c->choice.suspect = false;
    c->choice.heard = now;
}

void tgv_choice_moved(struct tgv_call *c, tgv_time now)
{
    calm(c, now);
    c->choice.moved = now;
    current(c)->waiting_since = TGV_NEVER;
}

/* What did not answer since the trouble began may be as dead: its old measure
 * says nothing. */
static void doubt_silent_roads(struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        if (c->paths.list[i].proved < c->choice.trouble_since)
            tgv_rtt_clear(&c->paths.list[i].rtt);
}

static void wake_original(struct tgv_call *c, tgv_time now)
{
    if (c->hs.peer_is_ours || now - c->choice.woken < WAKE_INTERVAL)
        return;
    c->choice.woken = now;
    c->choice.holds_ack = true;
    c->choice.ack = c->window.last;
    c->choice.mask = tgv_window_mask(&c->window);
    tgv_call_tell_network(c, now);
}

void tgv_choice_ack(const struct tgv_call *c, uint32_t *ack, uint32_t *mask)
{
    bool holds = c->choice.holds_ack;

    *ack = holds ? c->choice.ack : c->window.last;
    *mask = holds ? c->choice.mask : tgv_window_mask(&c->window);
}

static void leave_dead(struct tgv_call *c, unsigned path, tgv_time now)
{
    struct tgv_path *dead = current(c);
    unsigned doublings;

    if (c->choice.trouble_since != TGV_NEVER)
        doubt_silent_roads(c);
    if (now - c->choice.moved > PROVEN_AFTER)
        dead->deaths = 0;
    doublings = dead->deaths < AVOID_DOUBLINGS ? dead->deaths : AVOID_DOUBLINGS;
    dead->deaths++;
    dead->avoid_until = now + (AVOID << doublings);
    tgv_rtt_clear(&dead->rtt);
    tgv_paths_move(c, path, "dead", now);
    wake_original(c, now);
    if (!tgv_path_is_relay(dead))
        tgv_direct_ask(c, now);
}

/* Oldest packet sent on the road later than `at` whose fate is open. */
static tgv_time oldest_after(const struct tgv_call *c, unsigned path,
                             tgv_time at)
{
    tgv_time oldest = TGV_NEVER;

    for (uint32_t seq = c->ack.undecided; seq != c->ack.next; seq++) {
        const struct tgv_sent *s = &c->ack.sent[seq % TGV_SENT_MAX];
        if (s->used && s->seq == seq && s->path == path &&
            s->fate == TGV_SENT_OPEN && s->at > at && s->at < oldest)
            oldest = s->at;
    }
    return oldest;
}

/* Acknowledgements that go on, however late, come from a road that lives; those
 * that come on another may be of packets sent before it died. */
void tgv_choice_acked(struct tgv_call *c, const struct tgv_acked *acked,
                      unsigned on)
{
    const struct tgv_choice *ch = &c->choice;

    for (unsigned i = 0; i < acked->count; i++) {
        unsigned path = acked->packets[i].path;
        tgv_time at = acked->packets[i].at;
        struct tgv_path *p = &c->paths.list[path];
        if (p->waiting_since != TGV_NEVER && at >= p->waiting_since)
            p->waiting_since = oldest_after(c, path, at);
        if (path == c->paths.current && ch->trouble_since != TGV_NEVER &&
            (on == path || at >= ch->trouble_since))
            calm(c, ch->heard);
    }
}

static void pong_in_trouble(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (path == c->paths.current) {
        current(c)->waiting_since = TGV_NEVER;
        calm(c, now);
    } else if (c->choice.suspect) {
        leave_dead(c, path, now);
    }
}

static void answered(struct tgv_call *c, unsigned path, tgv_time at,
                     tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    tgv_rtt_add(&p->rtt, now - at, now);
    p->unanswered = 0;
    p->unanswered_since = TGV_NEVER;
    if (at > p->proved)
        p->proved = at;
    if ((double)tgv_rtt_mean(&p->rtt) > c->config.rate_min_rtt * TGV_US_PER_S)
        c->measures.rate_always = true;
    if (c->choice.trouble_since != TGV_NEVER) {
        if (at >= c->choice.trouble_since)
            pong_in_trouble(c, path, now);
    } else if (path == c->paths.current) {
        p->waiting_since = TGV_NEVER;
    } else if (p->rtt.len == ENOUGH_SAMPLES && tgv_state_talking(c)) {
        choose(c, now);
    }
}

static bool take_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                      tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];
    unsigned kept =
        p->ping_count < TGV_PINGS_KEPT ? p->ping_count : TGV_PINGS_KEPT;

    for (unsigned i = 0; i < kept; i++) {
        tgv_time at = p->pings[i].at;
        if (p->pings[i].seq != seq || at < 0)
            continue;
        p->pings[i].at = -1; /* counts once */
        answered(c, path, at, now);
        return true;
    }
    return false;
}

/* A relay that hears us by UDP and on a stream answers where it heard us last
 * (wire specification 2.4): with sound on the stream, pongs to pings by UDP
 * come there too. That UDP carries answers, its probes have shown. */
void tgv_choice_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                     tgv_time now)
{
    const struct tgv_path *heard = &c->paths.list[path];

    if (take_pong(c, path, seq, now) || heard->type != TGV_PATH_TCP_RELAY ||
        !tgv_reach_udp_steady(c))
        return;
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (p->type == TGV_PATH_UDP_RELAY && p->id == heard->id && !p->gone &&
            take_pong(c, i, seq, now))
            return;
    }
}

/* A round of pings: the current road first, then some of the others. */
static void ask_all(struct tgv_call *c, tgv_time now)
{
    struct tgv_choice *ch = &c->choice;
    unsigned n = c->paths.count, asked = 0;

    ch->round_at = now + (ch->rounds < ROUNDS_QUICK ? ROUND_INTERVAL
                                                    : ROUND_INTERVAL_LATE);
    ch->rounds++;
    if (n < 2)
        return;
    tgv_choice_ping(c, c->paths.current, now);
    for (unsigned i = 0; i < n && asked < ROUND_ROADS; i++) {
        unsigned path = ch->turn++ % n;
        if (path == c->paths.current || !tgv_path_open(c, path))
            continue;
        tgv_choice_ping(c, path, now);
        asked++;
    }
}

/* The fastest of the roads that answered since the trouble began; or -1. */
static int proven_road(const struct tgv_call *c)
{
    int best = -1;

    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (i == c->paths.current || p->proved < c->choice.trouble_since ||
            !tgv_path_open(c, i))
            continue;
        if (best < 0 ||
            tgv_rtt_mean(&p->rtt) < tgv_rtt_mean(&c->paths.list[best].rtt))
            best = (int)i;
    }
    return best;
}

/* Is there a sign of trouble? */
static bool trouble(struct tgv_call *c, tgv_time now)
{
    tgv_time least = patience(c) * TROUBLE_PARTS;

    c->choice.unacked = unacked(c, least, now);
    return c->choice.unacked || now - c->choice.heard >= least;
}

void tgv_choice_watch(struct tgv_call *c, tgv_time now)
{
    struct tgv_choice *ch = &c->choice;
    int proven;

    if (!tgv_state_talking(c))
        return;
    bursts(c, now);
    if (now - ch->woken >= HOLD_ACK)
        ch->holds_ack = false;
    if (now - ch->heard >= WAKE_AFTER)
        wake_original(c, now);
    if (ch->trouble_since == TGV_NEVER) {
        if (!trouble(c, now))
            return;
        ch->trouble_since = now;
        if (now - ch->round_at > ROUNDS_ANEW)
            ch->rounds = 0;
    }
    tgv_time in_all = now - ch->trouble_since + patience(c) * TROUBLE_PARTS;
    if (in_all >= patience(c))
        ch->suspect = true;
    proven = ch->suspect ? proven_road(c) : -1;
    if (proven >= 0)
        leave_dead(c, (unsigned)proven, now);
    else if (now >= ch->round_at)
        ask_all(c, now);
    if (in_all >= URGENT_AFTER && ch->trouble_since != TGV_NEVER)
        tgv_reach_urgent(c, now);
}

/* -- what comes --------------------------------------------------------------- */

static void note_heard(struct tgv_choice *ch, tgv_time now)
{
    tgv_time gap = now - ch->heard;

    if (ch->heard != TGV_NEVER && gap < PATIENCE_MAX && gap > 0) {
        ch->gap -= ch->gap * gap / GAP_FADES;
        if (gap > ch->gap)
            ch->gap = gap;
    }
    ch->heard = now;
}

/* A ping of the peer on a direct road says that it is open in one direction. */
static void pinged(struct tgv_call *c, unsigned path, tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[path];

    if (!tgv_path_is_relay(p) && !tgv_rtt_known(&p->rtt) &&
        p->burst_at == TGV_NEVER && now - p->last_ping >= ROUND_INTERVAL)
        tgv_choice_measure(c, path, now);
}

/* Event-driven rule at the end of wire specification 7.2; between two of ours
 * 32 packets may be on their way in 0.64 s. */
static void relay_speaks(struct tgv_call *c, unsigned path, tgv_time now)
{
    bool was_direct = !tgv_path_is_relay(current(c));

    if (!c->paths.reason || !tgv_path_is_relay(&c->paths.list[path]) ||
        (!was_direct && tgv_rtt_known(&current(c)->rtt)) ||
        tgv_ack_outstanding(&c->ack) <= UNACKED_MAX ||
        !unacked(c, PATIENCE, now))
        return;
    if (tgv_state_talking(c))
        leave_dead(c, path, now);
    else
        tgv_paths_move(c, path, "dead", now);
}

void tgv_choice_accepted(struct tgv_call *c, unsigned path, uint8_t type,
                         tgv_time now)
{
    struct tgv_choice *ch = &c->choice;

    if (type == TGV_PKT_PING)
        pinged(c, path, now);
    if (type != TGV_PKT_PING && type != TGV_PKT_PONG) {
        note_heard(ch, now);
        ch->holds_ack = false;
    }
    if (path != c->paths.current)
        relay_speaks(c, path, now);
    else if (ch->trouble_since != TGV_NEVER && !ch->unacked)
        calm(c, now);
}
