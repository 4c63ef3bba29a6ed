/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* What a call tells about itself: measures, bars, ratings, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/json.h"
#include "legacy/internal.h"
#include "support/bench_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tgv_server_config config;

static int reset(void **state)
{
    reset_options(state);
    tgv_server_config_init(&config);
    config.bad_call_rating = true;
    o.config = &config;
    return 0;
}

/* -- rating ------------------------------------------------------------------ */

static void merge(const char *json)
{
    char why[64];
    unsigned rejected;

    assert_int_equal(tgv_server_config_merge(&config, json, strlen(json),
                                             &rejected, why, sizeof(why)),
                     0);
    assert_int_equal(rejected, 0);
}

static void reconnect(void)
{
    establish_by_udp();
    tgv_bench_run(&b, TGV_MS(2500));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
}

static void udp_bad(void)
{
    tgv_bench_init(&b, &o); /* which answers the first ping */
    b.answer_probes = false;
    tgv_bench_run(&b, TGV_MS(2600));
    b.answer_probes = true; /* seven of ten in the end */
    tgv_bench_run(&b, TGV_S(5));
}

static void udp_gone(void)
{
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    tgv_bench_run(&b, TGV_S(8));
}

static void extra_ec(void)
{
    establish_by_udp();
    tgv_stats_rate_reason(b.call, TGV_RATE_EXTRA_EC);
}

static const struct {
    void (*happen)(void);
    uint32_t flag;
} triggers[] = {{extra_ec, TGV_RATE_EXTRA_EC},
                {udp_gone, TGV_RATE_UDP_NOT_AVAILABLE | TGV_RATE_UDP_BAD},
                {udp_bad, TGV_RATE_UDP_BAD},
                {reconnect, TGV_RATE_RECONNECTING}};

static void test_need_rate_each_trigger_asks_if_its_flag_is_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        config.rate_flags = triggers[i].flag;
        triggers[i].happen();
        assert_true(tgv_call_need_rate(b.call));
        tgv_bench_fini(&b);
        config.rate_flags = ~triggers[i].flag;
        triggers[i].happen();
        assert_false(tgv_call_need_rate(b.call));
        tgv_bench_fini(&b);
    }
    tgv_bench_init(&b, &o);
}

static void test_eng_60_rate_flags_of_32_bits_are_all_set(void **state)
{
    (void)state;
    config.rate_flags = 0;
    merge("{\"rate_flags\": 4294967295}");
    assert_int_equal(config.rate_flags, UINT32_MAX);
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        triggers[i].happen();
        assert_true(tgv_call_need_rate(b.call));
        tgv_bench_fini(&b);
    }
    tgv_bench_init(&b, &o);
}

static void test_need_rate_only_if_the_server_offers_ratings(void **state)
{
    (void)state;
    config.bad_call_rating = false;
    reconnect();
    assert_false(tgv_call_need_rate(b.call));
}

/* Nothing happens but what the flags do not govern. */
static void answer_ping_after(tgv_time delay)
{
    const struct tgv_bench_packet *p;
    uint8_t body[4];

    establish_by_udp();
    tgv_bench_run(&b, 0);
    p = tgv_bench_find(&b, TGV_PKT_PING, 0, 0);
    assert_non_null(p);
    tgv_bench_talk(&b, delay);
    tgv_bench_send(&b, 0, TGV_PKT_PONG, body, tgv_pong_encode(p->h.seq, body));
}

static void test_need_rate_slow_path_asks_whatever_the_flags(void **state)
{
    (void)state;
    config.rate_flags = 0;
    config.rate_min_rtt = 0.5;
    answer_ping_after(TGV_MS(420));
    assert_false(tgv_call_need_rate(b.call));
    tgv_bench_fini(&b);
    answer_ping_after(TGV_MS(600));
    assert_true(tgv_call_need_rate(b.call));
}

/* -- network classes ----------------------------------------------------------- */

static void test_stats_traffic_is_split_by_network(void **state)
{
    struct tgv_call_stats s, t;

    (void)state;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(1));
    s = tgv_bench_stats(&b);
    assert_int_equal(s.bytes_out_mobile, 0);
    assert_int_equal(s.bytes_in_mobile, 0);
    tgv_call_set_network_type(b.call, 5, false, b.now); /* LTE */
    tgv_call_set_network_type(b.call, 3, false, b.now); /* still mobile */
    tgv_bench_talk(&b, TGV_S(1));
    t = tgv_bench_stats(&b);
    assert_int_equal(t.bytes_out_mobile, t.bytes_out - s.bytes_out);
    assert_int_equal(t.bytes_in_mobile, t.bytes_in - s.bytes_in);
    assert_true(t.bytes_in_mobile > 500);
    tgv_call_set_network_type(b.call, 6, false, b.now); /* Wi-Fi */
    tgv_bench_talk(&b, TGV_S(1));
    s = tgv_bench_stats(&b);
    assert_int_equal(s.bytes_out_mobile, t.bytes_out_mobile);
    assert_int_equal(s.bytes_in_mobile, t.bytes_in_mobile);
    assert_true(s.bytes_in > t.bytes_in);
}

static void test_stats_mobile_types_are_those_of_the_notes(void **state)
{
    static const bool mobile[12] = {false, true,  true,  true,  true,  true,
                                    false, false, false, false, false, true};

    (void)state;
    for (int i = 0; i < 12; i++)
        assert_int_equal(tgv_network_mobile(i), mobile[i]);
    tgv_bench_init(&b, &o);
}

/* -- the peer --------------------------------------------------------------------- */

static void test_stats_capabilities_of_the_peer(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_bench_stats(&b).peer_capabilities, 0);
    tgv_bench_init_with(&b, 0, 9, 3,
                        TGV_INIT_GROUP_CALLS | TGV_INIT_VIDEO_RECV);
    assert_int_equal(tgv_bench_stats(&b).peer_capabilities,
                     TGV_CAPABILITY_GROUP_CALLS | TGV_CAPABILITY_VIDEO_DISPLAY);
    tgv_bench_fini(&b);
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 9, 3,
                        TGV_INIT_DATA_SAVING | TGV_INIT_VIDEO_SEND);
    assert_int_equal(tgv_bench_stats(&b).peer_capabilities,
                     TGV_CAPABILITY_VIDEO_CAPTURE);
}

static void test_stats_versions_of_a_refused_peer_are_known(void **state)
{
    char *log;

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 12, 11, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(tgv_bench_stats(&b).peer_version, 12);
    assert_int_equal(tgv_bench_stats(&b).peer_min_version, 11);
    log = tgv_call_debug_log(b.call, b.now);
    assert_non_null(strstr(log, "\"protocol_version\":9"));
    free(log);
}

/* -- measures ------------------------------------------------------------------- */

static void test_stats_late_frames_per_tick(void **state)
{
    (void)state;
    establish_by_udp();
    for (unsigned i = 0; i < 16; i++)
        b.call->measures.late[i] = 1;
    b.call->measures.late_next = 16;
    assert_true(tgv_stats_late(b.call, 16) == 1.0);
    assert_true(tgv_stats_late(b.call, 32) == 0.5);
    assert_true(tgv_stats_late(b.call, 64) == 0.25);
}

static void test_stats_in_flight_is_what_waits_for_acknowledgement(void **state)
{
    uint32_t bytes;

    (void)state;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(1)); /* acknowledges everything */
    assert_in_range(tgv_stats_in_flight(b.call), 0, 200);
    b.hold_ack = true;
    tgv_bench_talk(&b, TGV_MS(600));
    bytes = tgv_stats_in_flight(b.call);
    assert_in_range(bytes, 3 * 60, 2000);
}

/* A second of good, then of lost packets; four values are averaged. */
static void test_bars_are_told_on_change_only(void **state)
{
    static const int told[] = {4, 0, 0, 3, 2, 1, 0, 0};
    struct tgv_call_event ev;

    (void)state;
    establish_by_udp();
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        bool bad = i > 2;
        tgv_loss_init(&b.call->measures.loss_out);
        tgv_loss_add(&b.call->measures.loss_out, 10, bad ? 9 : 0, b.now);
        tgv_stats_bars(b.call, b.now);
        assert_int_equal(tgv_call_next_event(b.call, &ev), told[i] != 0);
        if (!told[i])
            continue;
        assert_int_equal(ev.kind, TGV_EVENT_SIGNAL_BARS);
        assert_int_equal(ev.bars, told[i]);
        assert_int_equal(tgv_bench_stats(&b).signal_bars, told[i]);
    }
}

static void test_eng_63_texts_have_no_side_effects(void **state)
{
    struct tgv_call_stats first, second;
    char row[256];

    (void)state;
    tgv_bench_init(&b, &o); /* nothing is chosen yet */
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    tgv_call_stats(b.call, &first, b.now);
    free(tgv_call_debug_log(b.call, b.now));
    free(tgv_call_debug_string(b.call, b.now));
    free(tgv_call_persistent_state(b.call));
    tgv_call_dump_row(b.call, row, sizeof(row), b.now);
    tgv_call_stats(b.call, &second, b.now);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(b.call->paths.count, o.relays);
}

/* -- texts ------------------------------------------------------------------------ */

static struct tgv_json *debug_log(void)
{
    char why[64], *text = tgv_call_debug_log(b.call, b.now);
    struct tgv_json *j = tgv_json_parse(text, strlen(text), why, sizeof(why));

    assert_non_null(j);
    free(text);
    return j;
}

static int64_t int_of(const struct tgv_json *j, const char *key)
{
    int64_t v = -1;

    assert_true(tgv_json_int(tgv_json_get(j, key), &v));
    return v;
}

static void count_member(void *ctx, const char *key,
                         const struct tgv_json *value)
{
    (void)key;
    (void)value;
    ++*(unsigned *)ctx;
}

static void test_debug_log_has_the_keys_of_the_notes_and_no_other(void **state)
{
    static const char *const strings[] = {"log_type", "libtgvoip_version",
                                          "p2p_type", "pref_relay"};
    static const char *const ints[] = {"protocol_version", "relay_rtt", "rtt"};
    static const char *const bools[] = {"udp_avail", "tcp_used"};
    static const char *const counts[] = {"out", "in", "lost_out", "lost_in"};
    struct tgv_json *j;
    unsigned n = 0;
    bool v;

    (void)state;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(3));
    j = debug_log();
    for (size_t i = 0; i < 4; i++)
        assert_non_null(tgv_json_str(tgv_json_get(j, strings[i])));
    for (size_t i = 0; i < 3; i++)
        int_of(j, ints[i]);
    for (size_t i = 0; i < 2; i++)
        assert_true(tgv_json_bool(tgv_json_get(j, bools[i]), &v));
    for (size_t i = 0; i < 4; i++)
        int_of(tgv_json_get(j, "packet_stats"), counts[i]);
    assert_string_equal(
        tgv_json_str(tgv_json_get(tgv_json_get(j, "network"), "type")),
        "unknown");
    assert_int_equal(tgv_json_len(tgv_json_get(j, "problems")), 0);
    tgv_json_each(j, count_member, &n);
    assert_int_equal(n, 12);
    assert_string_equal(tgv_json_str(tgv_json_get(j, "log_type")),
                        "call_stats");
    assert_string_equal(tgv_json_str(tgv_json_get(j, "libtgvoip_version")),
                        "2.4.4");
    assert_string_equal(tgv_json_str(tgv_json_get(j, "p2p_type")), "none");
    tgv_json_free(j);
}

static void test_debug_log_measured_rtt_is_1_ms_at_least(void **state)
{
    const struct tgv_bench_packet *p;
    struct tgv_json *j;
    uint8_t body[4];

    (void)state;
    establish_by_udp();
    j = debug_log();
    assert_int_equal(int_of(j, "rtt"), 0); /* never measured */
    tgv_json_free(j);
    tgv_bench_run(&b, 0);
    p = tgv_bench_find(&b, TGV_PKT_PING, 0, 0);
    tgv_bench_send(&b, 0, TGV_PKT_PONG, body, tgv_pong_encode(p->h.seq, body));
    j = debug_log();
    assert_int_equal(int_of(j, "rtt"), 1);
    assert_int_equal(int_of(j, "relay_rtt"), 1);
    tgv_json_free(j);
}

static bool has_problem(const char *name)
{
    struct tgv_json *j = debug_log();
    const struct tgv_json *a = tgv_json_get(j, "problems");
    bool found = false;

    for (size_t i = 0; i < tgv_json_len(a); i++)
        found = found || strcmp(tgv_json_str(tgv_json_at(a, i)), name) == 0;
    tgv_json_free(j);
    return found;
}

static void test_debug_log_problems(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_true(has_problem("not_inited"));
    tgv_bench_fini(&b);

    config.rate_flags = 0; /* has nothing to do with it */
    extra_ec();
    assert_false(has_problem("not_inited"));
    assert_true(has_problem("extra_ec"));
    assert_false(has_problem("encoder_lag"));
    b.call->rate.encoder.complexity--;
    tgv_bench_talk(&b, TGV_MS(200));
    assert_true(has_problem("encoder_lag"));
    b.call->rate.encoder.complexity++;
    tgv_bench_talk(&b, TGV_MS(200));
    assert_true(has_problem("encoder_lag"));
    struct tgv_addr other = tgv_addr_ipv4((const uint8_t[4]){10, 0, 0, 1}, 0);
    tgv_bench_interfaces(&b, NULL, 0); /* the first is no change */
    tgv_bench_interfaces(&b, NULL, 0); /* the same again is none either */
    assert_false(has_problem("network_handover"));
    tgv_bench_interfaces(&b, &other, 1);
    assert_true(has_problem("network_handover"));
    tgv_bench_run(&b, TGV_S(3));
    assert_true(has_problem("reconnecting"));
    assert_false(has_problem("timeout"));
    tgv_bench_run(&b, TGV_S(30));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_true(has_problem("timeout"));
}

static void test_debug_string_names_everything(void **state)
{
    static const char *const parts[] = {"Remote endpoints:\n",
                                        ", IN_USE]\n",
                                        "Jitter buffer: ",
                                        "RTT avg/min: ",
                                        "In flight/window: ",
                                        "Key fingerprint: ",
                                        "encryption v2\n",
                                        "Last sent/acknowledged seq: ",
                                        "Last received seq: ",
                                        "Send/receive losses: ",
                                        "Audio bitrate: ",
                                        "Outgoing queue: ",
                                        "Frame size out/in: 60/60 ms\n",
                                        "Bytes sent/received: "};
    char *text, hex[17];

    (void)state;
    o.relays = 3;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(1));
    text = tgv_call_debug_string(b.call, b.now);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(text, parts[i]))
            fail_msg("no \"%s\" in\n%s", parts[i], text);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 2 * i, 3, "%02x", tgv_seal_fingerprint(b.seal)[i]);
    assert_non_null(strstr(text, hex));
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void test_debug_string_of_64_relays_is_whole(void **state)
{
    char *text;

    (void)state;
    o.relays = TGV_RELAYS_MAX;
    establish_by_udp();
    text = tgv_call_debug_string(b.call, b.now);
    assert_non_null(strstr(text, "Bytes sent/received: "));
    free(text);
}

static void test_eng_62_dump_column_is_named_for_what_it_is(void **state)
{
    const char *head = tgv_call_dump_head();
    double v[13];
    char row[256];
    unsigned tabs = 0;

    (void)state;
    assert_null(strstr(head, "CWnd"));
    assert_non_null(strstr(head, "\tInFlight\t"));
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_call_dump_row(b.call, row, sizeof(row), b.now), 0);
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(2));
    b.hold_ack = true;
    tgv_bench_talk(&b, TGV_MS(300));
    assert_true(tgv_call_dump_row(b.call, row, sizeof(row), b.now) > 0);
    for (const char *p = head; *p; p++)
        tabs += *p == '\t';
    assert_int_equal(tabs, 12);
    assert_int_equal(sscanf(row,
                            "%lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf "
                            "%lf %lf",
                            &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
                            &v[7], &v[8], &v[9], &v[10], &v[11], &v[12]),
                     13);
    assert_true(v[0] > 2.2 && v[0] < 2.5); /* s since connect */
    assert_true(v[2] == b.seq - 1);
    assert_true(v[3] == b.call->ack.next && v[4] < v[3]);
    assert_true(v[7] == tgv_stats_in_flight(b.call) && v[7] > 0);
    assert_true(v[8] == b.call->rate.encoder.bitrate_bps);
}

/* -- packets ------------------------------------------------------------------------ */

static struct tgv_packet_note notes[512];
static unsigned note_count;

static void take_note(void *ctx, const struct tgv_packet_note *note)
{
    (void)ctx;
    assert_in_range(note_count, 0, 511);
    notes[note_count++] = *note;
}

static void test_trace_tells_every_packet(void **state)
{
    const struct tgv_trace on = {take_note, NULL}, off = {NULL, NULL};
    struct tgv_call_stats s, t;
    unsigned in = 0;
    size_t bytes = 0;

    (void)state;
    establish_by_udp();
    note_count = 0;
    s = tgv_bench_stats(&b);
    tgv_call_set_trace(b.call, &on);
    tgv_bench_talk(&b, TGV_S(3));
    tgv_call_set_trace(b.call, &off);
    t = tgv_bench_stats(&b);
    for (unsigned i = 0; i < note_count; i++) {
        in += !notes[i].out;
        bytes += notes[i].out ? notes[i].len : 0;
        assert_int_equal(notes[i].path_id, 100);
    }
    assert_int_equal(in, t.packets_in - s.packets_in);
    assert_int_equal(note_count - in, t.packets_out - s.packets_out);
    assert_in_range(bytes, 1, t.bytes_out - s.bytes_out); /* less probes */
    assert_int_equal(notes[note_count - 1].type, TGV_PKT_STREAM_DATA);
    tgv_bench_talk(&b, TGV_MS(60));
    assert_int_equal(note_count - in, t.packets_out - s.packets_out);
}

/* -- by hand ------------------------------------------------------------------------ */

static void test_debug_loss_stays_until_taken_back(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_call_debug_loss(b.call, 17);
    tgv_bench_talk(&b, TGV_S(5));
    assert_int_equal(b.call->rate.encoder.loss_percent, 17);
    tgv_call_debug_loss(b.call, TGV_DEBUG_LOSS_MEASURED);
    tgv_bench_talk(&b, TGV_S(5));
    assert_in_range(b.call->rate.encoder.loss_percent, 0, 5);
}

static void test_debug_bitrate_is_the_highest_from_now_on(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_call_debug_bitrate(b.call, 9000);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 9000);
    tgv_bench_talk(&b, TGV_S(5));
    assert_in_range(tgv_bench_stats(&b).bitrate_bps, 500, 9000);
    tgv_call_debug_bitrate(b.call, 24000);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 24000);
}

static void test_timeouts_can_change_while_they_run(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(1));
    tgv_call_set_timeouts(b.call, TGV_S(3), TGV_S(9), b.now);
    tgv_bench_run(&b, TGV_MS(1900));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    tgv_bench_run(&b, TGV_MS(200)); /* 3 s after connect */
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    tgv_bench_fini(&b);
    establish_by_udp();
    tgv_bench_run(&b, TGV_S(3));
    tgv_call_set_timeouts(b.call, TGV_S(3), TGV_S(4), b.now);
    tgv_bench_run(&b, TGV_MS(900));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    tgv_bench_run(&b, TGV_MS(200));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_need_rate_each_trigger_asks_if_its_flag_is_set),
        T(test_eng_60_rate_flags_of_32_bits_are_all_set),
        T(test_need_rate_only_if_the_server_offers_ratings),
        T(test_need_rate_slow_path_asks_whatever_the_flags),
        T(test_stats_traffic_is_split_by_network),
        T(test_stats_mobile_types_are_those_of_the_notes),
        T(test_stats_capabilities_of_the_peer),
        T(test_stats_versions_of_a_refused_peer_are_known),
        T(test_stats_late_frames_per_tick),
        T(test_stats_in_flight_is_what_waits_for_acknowledgement),
        T(test_bars_are_told_on_change_only),
        T(test_eng_63_texts_have_no_side_effects),
        T(test_debug_log_has_the_keys_of_the_notes_and_no_other),
        T(test_debug_log_measured_rtt_is_1_ms_at_least),
        T(test_debug_log_problems),
        T(test_debug_string_names_everything),
        T(test_debug_string_of_64_relays_is_whole),
        T(test_eng_62_dump_column_is_named_for_what_it_is),
        T(test_trace_tells_every_packet),
        T(test_debug_loss_stays_until_taken_back),
        T(test_debug_bitrate_is_the_highest_from_now_on),
        T(test_timeouts_can_change_while_they_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
