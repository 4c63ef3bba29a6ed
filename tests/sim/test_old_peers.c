/* SPDX-License-Identifier: MIT */
/*
 * Calls with peers of older versions, on every layer that they can meet us on.
 * The peer (support/old_peer.h) is written from the specification alone and
 * reads no more than such a release does.
 * TGV_SEED=n begins with another seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/old_call.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE TGV_MS(200) /* so long a loss may silence a voice */

static struct old_call w;

/* -- what is judged --------------------------------------------------------- */

static char scene_name[120];

static void name(const struct old_scene *s)
{
    snprintf(scene_name, sizeof(scene_name),
             "version %u, layer %d, we are the %s, seed %llu", s->version,
             s->layer, s->caller ? "caller" : "callee",
             (unsigned long long)s->seed);
}

#define CHECK(what)                                                            \
    do {                                                                       \
        if (!(what))                                                           \
            fail_msg("%s: not %s (%s; %u breaches, %u unreadable)",            \
                     scene_name, #what, w.peer.heard.why,                      \
                     w.peer.heard.breaches, w.peer.heard.unreadable);          \
    } while (0)

static bool old_envelope_for_good(const struct old_scene *s)
{
    return s->version < 5;
}

static bool short_at_last(const struct old_scene *s)
{
    return s->version >= 8;
}

/* We do not know which form it reads, so it gets both. */
static bool both_forms(const struct old_scene *s)
{
    return s->version >= 8 && s->layer < 92;
}

/* Everything that was sent by now was fit for it. */
static void check_forms(const struct old_scene *s)
{
    const struct old_peer_heard *h = &w.peer.heard;

    CHECK(h->breaches == 0);
    CHECK(w.ear.heard.breaches == 0);
    if (old_envelope_for_good(s)) {
        CHECK(h->envelopes[OLD_V2_LONG] + h->envelopes[OLD_V2_SHORT] == 0);
        CHECK(old_call_stats(&w).encryption_v1);
    } else {
        CHECK(!old_call_stats(&w).encryption_v1);
        CHECK(s->layer < 74 || h->envelopes[OLD_V1] == 0);
    }
    CHECK((h->forms[OLD_SHORT] > 0) == short_at_last(s));
    CHECK((h->forms[OLD_SIMPLE] > 0) == !short_at_last(s));
}

static void check_talk(tgv_time by)
{
    old_call_run_to(&w, by);
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    CHECK(w.peer.established);
    CHECK(old_call_stats(&w).established <= by);
    CHECK(w.peer.heard.frames > 0);
    CHECK(w.now - w.last_voice <= PATIENCE);
    CHECK(w.peer.heard.breaches == 0);
}

/* -- the versions and layers that meet -------------------------------------- */

struct meeting {
    unsigned version;
    int layer;
};

/* A release up to 1.0 knows only the old envelope: no layer from 74 on. Layer
 * 92 with version 6 or 7 is not to be expected, but harmless. */
static const struct meeting meetings[] = {
    {3, 65}, {3, 73}, {4, 65}, {4, 73}, {5, 65}, {5, 73}, {5, 74},
    {5, 91}, {6, 65}, {6, 73}, {6, 74}, {6, 91}, {6, 92}, {7, 65},
    {7, 73}, {7, 74}, {7, 91}, {7, 92}, {8, 65}, {8, 73}, {8, 74},
    {8, 91}, {8, 92}, {9, 65}, {9, 73}, {9, 74}, {9, 91}, {9, 92}};
#define MEETINGS (sizeof(meetings) / sizeof(meetings[0]))

/* Each of them, in both roles; version 9 with both ways to acknowledge. */
static void in_meetings(bool (*where)(const struct meeting *m),
                        void (*test)(struct old_scene *s))
{
    for (size_t i = 0; i < MEETINGS; i++)
        for (unsigned variant = 0; variant < 4; variant++) {
            struct old_scene s;

            old_scene_init(&s, meetings[i].version, meetings[i].layer);
            s.caller = variant & 1;
            s.mask_a = variant & 2;
            if ((s.mask_a && s.version < 9) || (where && !where(&meetings[i])))
                continue;
            name(&s);
            test(&s);
        }
}

static void in_all_meetings(void (*test)(struct old_scene *s))
{
    in_meetings(NULL, test);
}

/* Below layer 74 a peer of version 8 or 9 that knows us, while we do not know
 * it, takes our long header for a short one: nothing that we could send is
 * right for all. Both announce layer 92, so it does not happen. */
static bool certain(const struct meeting *m)
{
    return m->version < 8 || m->layer >= 74;
}

/* -- tests ------------------------------------------------------------------ */

static void check_mutes(const struct old_scene *s)
{
    unsigned frames;

    tgv_call_set_mute(w.call, true, w.now);
    old_peer_mute(&w.peer, true);
    old_call_settle(&w);
    old_call_run_to(&w, TGV_S(5));
    CHECK(w.peer.heard.muted);
    CHECK(old_call_stats(&w).peer_muted);
    CHECK((w.peer.heard.packets[3] > 0) == (s->version < 6));
    frames = w.peer.heard.frames;
    old_call_run_to(&w, TGV_S(8));
    CHECK(w.peer.heard.frames == frames);
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    tgv_call_set_mute(w.call, false, w.now);
    old_peer_mute(&w.peer, false);
    old_call_settle(&w);
    old_call_run_to(&w, TGV_S(9));
    CHECK(!w.peer.heard.muted);
    CHECK(!old_call_stats(&w).peer_muted);
    CHECK(w.peer.heard.frames > frames + 10);
    CHECK(w.now - w.last_voice <= PATIENCE);
}

static void check_networks(const struct old_scene *s)
{
    tgv_call_set_network_type(w.call, 6, true, w.now);
    old_peer_network(&w.peer, true);
    for (int i = 0; i < 3; i++)
        old_peer_ping(&w.peer);
    old_call_settle(&w);
    old_call_run_to(&w, TGV_S(11));
    CHECK(w.peer.heard.saves_data);
    CHECK((w.peer.heard.packets[11] > 0) == (s->version < 6));
    CHECK(old_call_stats(&w).bitrate_bps <= 8000);
    CHECK(w.peer.heard.pongs > 0);
    tgv_call_set_network_type(w.call, 6, false, w.now);
    old_peer_network(&w.peer, false);
    old_call_settle(&w);
    old_call_run_to(&w, TGV_S(15));
    CHECK(!w.peer.heard.saves_data);
}

static void whole_call(struct old_scene *s)
{
    old_call_begin(&w, s);
    check_talk(TGV_S(3));
    check_mutes(s);
    check_networks(s);
    old_call_run_to(&w, TGV_S(20));
    check_forms(s);
    /* the second form, once the first has told it our version */
    CHECK(w.peer.heard.duplicates == 0 || both_forms(s));
    CHECK(w.peer.heard.unreadable <= (both_forms(s) ? 4 : 0));
    CHECK(w.ear.heard.concealed < 25);
    old_call_end(&w);
}

static void test_old_peers_talk_at_every_layer(void **state)
{
    (void)state;
    in_all_meetings(whole_call);
}

/* Any of the four handshake packets is lost some times, alone and together. */
static void lossy_handshakes(struct old_scene *s)
{
    for (unsigned lost = 1; lost < 16; lost++) {
        s->lose_in[1] = lost & 1 ? 3 : 0;
        s->lose_in[2] = lost & 2 ? 2 : 0;
        s->lose_out[1] = lost & 4 ? 2 : 0;
        s->lose_out[2] = lost & 8 ? 2 : 0;
        old_call_begin(&w, s);
        check_talk(TGV_S(6));
        check_forms(s);
        old_call_end(&w);
    }
}

static void test_old_peers_lost_handshake_packets(void **state)
{
    (void)state;
    in_meetings(certain, lossy_handshakes);
}

static void reordered_handshakes(struct old_scene *s)
{
    s->imp.jitter_ms = 250;
    s->imp.reorder_pct = 20;
    s->imp.dup_pct = 10;
    for (unsigned i = 0; i < 6; i++) {
        s->seed++;
        name(s);
        old_call_begin(&w, s);
        old_call_run_to(&w, TGV_S(6));
        CHECK(w.state == TGV_STATE_ESTABLISHED);
        CHECK(w.peer.established);
        CHECK(w.now - w.last_voice <= TGV_S(1));
        check_forms(s);
        old_call_end(&w);
    }
}

static void test_old_peers_reordered_handshakes(void **state)
{
    (void)state;
    in_meetings(certain, reordered_handshakes);
}

/* Version 6 has STREAM_EC, later ones have copies inside STREAM_DATA; older
 * ones have no use for copies, so that they get in-band redundancy. */
static void check_redundancy(const struct old_scene *s)
{
    const struct old_peer_heard *h = &w.peer.heard;
    unsigned by_copy, missing;

    old_peer_count(&w.peer, &by_copy, &missing);
    CHECK((h->packets[17] > 0) == (s->version == 6));
    CHECK((by_copy > 0) == (s->version >= 6));
    CHECK(h->tells_copies == (s->version >= 6));
    if (s->version < 6)
        CHECK(h->inband > h->frames / 2);
    else
        CHECK(w.ear.heard.recovered > 0);
}

static void lossy_call(struct old_scene *s)
{
    double loss;

    s->imp.loss_pct = 10;
    s->imp.jitter_ms = 30;
    s->copies = true;
    old_call_begin(&w, s);
    check_talk(TGV_S(3));
    check_mutes(s);
    check_networks(s);
    old_call_run_to(&w, TGV_S(40));
    check_forms(s);
    check_redundancy(s);
    /* its acknowledgements are read rightly */
    loss = (double)old_call_stats(&w).packets_lost_out /
           (double)old_call_stats(&w).packets_out;
    CHECK(loss > 0.03 && loss < 0.16);
    old_call_end(&w);
}

static void test_old_peers_through_losses(void **state)
{
    (void)state;
    in_meetings(certain, lossy_call);
}

static void test_old_peers_recover_frames_from_stream_ec(void **state)
{
    struct old_scene s;
    unsigned by_copy, missing, sent;

    (void)state;
    old_scene_init(&s, 6, 91);
    name(&s);
    s.imp.loss_pct = 15;
    s.copies = true;
    old_call_begin(&w, &s);
    old_call_run_to(&w, TGV_S(60));
    CHECK(w.peer.heard.breaches == 0);
    old_peer_count(&w.peer, &by_copy, &missing);
    sent = w.peer.heard.frames + by_copy + missing;
    printf("STREAM_EC at 15 %% loss: of %u frames %u came as copies, %u not at "
           "all; the other way %llu blocks from copies, %llu concealed\n",
           sent, by_copy, missing, (unsigned long long)w.ear.heard.recovered,
           (unsigned long long)w.ear.heard.concealed);
    CHECK(w.peer.heard.packets[17] > 500);
    CHECK(by_copy > sent / 10);
    CHECK(missing < sent / 16);
    CHECK(w.ear.heard.recovered > 100);
    CHECK(w.ear.heard.recovered > 2 * w.ear.heard.concealed);
    old_call_end(&w);
}

static void muted_start(struct old_scene *s)
{
    s->muted = true;
    old_call_begin(&w, s);
    old_call_run_to(&w, TGV_S(4));
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    CHECK(w.peer.established);
    CHECK(w.peer.heard.frames == 0);
    CHECK(w.peer.heard.muted);
    tgv_call_set_mute(w.call, false, w.now);
    old_call_settle(&w);
    old_call_run_to(&w, TGV_S(5));
    CHECK(!w.peer.heard.muted);
    CHECK(w.peer.heard.frames > 10);
    check_forms(s);
    old_call_end(&w);
}

static void test_old_peers_are_told_of_a_muted_start(void **state)
{
    (void)state;
    in_all_meetings(muted_start);
}

static void saving_start(struct old_scene *s)
{
    s->data_saving = true;
    old_call_begin(&w, s);
    check_talk(TGV_S(4));
    CHECK(w.peer.heard.saves_data);
    check_forms(s);
    old_call_end(&w);
    s->data_saving = false;
    s->peer_saves_data = true;
    old_call_begin(&w, s);
    check_talk(TGV_S(4));
    CHECK(old_call_stats(&w).bitrate_bps <= 8000);
    check_forms(s);
    old_call_end(&w);
}

static void test_old_peers_data_saving_from_the_start(void **state)
{
    (void)state;
    in_all_meetings(saving_start);
}

/* Its time stamps count what it sent, so a pause makes every later frame look
 * late. */
static void paused(struct old_scene *s)
{
    unsigned n;

    old_call_begin(&w, s);
    check_talk(TGV_S(4));
    w.peer.quiet = true;
    old_call_run_to(&w, TGV_S(7));
    CHECK(w.state == TGV_STATE_ESTABLISHED);
    w.peer.quiet = false;
    old_call_run_to(&w, TGV_MS(7800));
    CHECK(w.now - w.last_voice <= PATIENCE);
    old_call_run_to(&w, TGV_S(10));
    n = w.ear.heard.delay_count;
    CHECK(n > 0 && w.ear.heard.delays_ms10[n - 1] < 4000);
    check_forms(s);
    old_call_end(&w);
}

static void test_old_peers_time_stamps_stand_still_in_pauses(void **state)
{
    (void)state;
    in_all_meetings(paused);
}

/* A copy of the mute arrives after the unmute: it is old news. */
static void overtaken_mute(struct old_scene *s)
{
    old_call_begin(&w, s);
    check_talk(TGV_S(3));
    w.hold = true;
    old_peer_mute(&w.peer, true);
    old_call_run_to(&w, TGV_MS(3300));
    old_peer_mute(&w.peer, false);
    old_call_run_to(&w, TGV_S(4));
    old_call_let_go(&w);
    old_call_run_to(&w, TGV_S(5));
    CHECK(!old_call_stats(&w).peer_muted);
    CHECK(w.now - w.last_voice <= PATIENCE);
    old_call_end(&w);
}

static void test_old_peers_overtaken_mute_is_old_news(void **state)
{
    (void)state;
    in_all_meetings(overtaken_mute);
}

/* Muted and unmuted at once, and each packet of these lost in turn. */
static void hasty_mute(struct old_scene *s)
{
    for (int lost = 1; lost <= 4; lost++) {
        old_call_begin(&w, s);
        check_talk(TGV_S(3));
        w.lose = lost;
        tgv_call_set_mute(w.call, true, w.now);
        tgv_call_set_mute(w.call, false, w.now);
        old_call_settle(&w);
        old_call_run_to(&w, TGV_S(5));
        CHECK(!w.peer.heard.muted);
        old_call_end(&w);
    }
}

static void test_old_peers_hear_the_last_word_on_mute(void **state)
{
    (void)state;
    in_all_meetings(hasty_mute);
}

/* The call id stands before each direct datagram of a peer below version 9,
 * both ways. */
static void direct_call(struct old_scene *s)
{
    unsigned direct;

    s->p2p = true;
    for (unsigned i = 0; i < 2; i++) {
        s->same_network = i;
        old_call_begin(&w, s);
        check_talk(TGV_S(6));
        CHECK(w.peer.direct_used);
        CHECK(w.peer.heard.lan_told == s->same_network);
        CHECK(!s->same_network ||
              !memcmp(w.peer.heard.lan, "\x0A\0\0\1\xA0\x0F\0\0", 8));
        CHECK(old_call_stats(&w).path ==
              (s->same_network ? TGV_PATH_P2P_LAN : TGV_PATH_P2P_INET));
        direct = w.peer.heard.direct;
        old_call_run_to(&w, TGV_S(8));
        CHECK(w.peer.heard.direct - direct > 30);
        CHECK(w.now - w.last_voice <= PATIENCE);
        check_forms(s);
        old_call_end(&w);
    }
}

static void test_old_peers_direct_roads(void **state)
{
    (void)state;
    in_all_meetings(direct_call);
}

/* Below our minimum: told as incompatible by INIT, and by INIT_ACK alone. */
static void test_old_peers_below_version_3_are_incompatible(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct old_scene s;

        old_scene_init(&s, 1 + i % 2, 65);
        s.lose_out[1] = i < 2 ? 0 : 100;
        name(&s);
        old_call_begin(&w, &s);
        old_call_run_to(&w, TGV_S(3));
        CHECK(w.state == TGV_STATE_FAILED);
        CHECK(old_call_stats(&w).error == TGV_CALL_ERROR_INCOMPATIBLE);
        old_call_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_peers_talk_at_every_layer),
        cmocka_unit_test(test_old_peers_lost_handshake_packets),
        cmocka_unit_test(test_old_peers_reordered_handshakes),
        cmocka_unit_test(test_old_peers_through_losses),
        cmocka_unit_test(test_old_peers_recover_frames_from_stream_ec),
        cmocka_unit_test(test_old_peers_are_told_of_a_muted_start),
        cmocka_unit_test(test_old_peers_data_saving_from_the_start),
        cmocka_unit_test(test_old_peers_time_stamps_stand_still_in_pauses),
        cmocka_unit_test(test_old_peers_overtaken_mute_is_old_news),
        cmocka_unit_test(test_old_peers_hear_the_last_word_on_mute),
        cmocka_unit_test(test_old_peers_direct_roads),
        cmocka_unit_test(test_old_peers_below_version_3_are_incompatible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
