/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy wire crypto base */
/* From connect to ESTABLISHED, or to the end of a call that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"

#include <string.h>

static void test_eng_66_init_rounds(void **state)
{
    static const tgv_time due[] = {0,           TGV_MS(100),  TGV_MS(250),
                                   TGV_MS(500), TGV_MS(1000), TGV_MS(1500),
                                   TGV_MS(2000)};

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(2100));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 7);
    for (unsigned i = 0; i < 7; i++) {
        const struct tgv_bench_packet *p =
            tgv_bench_find(&b, TGV_PKT_INIT, 0, i);
        assert_int_equal(p->at, due[i]);
        assert_int_equal(p->h.seq, i + 1);
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
}

static void test_handshake_copies_of_a_round_share_the_number(void **state)
{
    const struct tgv_bench_packet *p, *q;

    (void)state;
    o.relays = 3;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 3);
    p = tgv_bench_find(&b, TGV_PKT_INIT, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        q = tgv_bench_find(&b, TGV_PKT_INIT, 0, i);
        assert_int_equal(q->relay, i);
        assert_int_equal(q->h.seq, 1);
        assert_int_equal(q->payload_len, p->payload_len);
        assert_memory_equal(q->payload, p->payload, p->payload_len);
    }
}

static void test_eng_66_init_at_once_on_the_peers_init(void **state)
{
    unsigned before;

    (void)state;
    o.relays = 2;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(300));
    before = b.count;
    tgv_bench_init_packet(&b, 1);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, before), 1);
    assert_int_equal(tgv_bench_find(&b, TGV_PKT_INIT, before, 0)->relay, 1);
    before = b.count;
    tgv_bench_init_packet(&b, 1); /* only the first one does that */
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, before), 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, before), 1);
}

static void test_eng_66_no_init_once_acknowledged(void **state)
{
    unsigned before;

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_ack_packet(&b, 0);
    before = b.count;
    tgv_bench_init_packet(&b, 0);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, before), 0);
}

static void test_eng_67_ack_goes_where_the_init_came_from(void **state)
{
    unsigned before;

    (void)state;
    o.relays = 3;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 2);
    before = b.count;
    tgv_bench_init_packet(&b, 1); /* the current one is 2 now */
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, before), 1);
    assert_int_equal(tgv_bench_find(&b, TGV_PKT_INIT_ACK, before, 0)->relay, 1);
    assert_int_equal(tgv_call_preferred_relay(b.call), 102);
}

static void test_handshake_init_is_answered_in_any_state(void **state)
{
    unsigned before;

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    before = b.count;
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, before), 1);
}

static void test_handshake_answers_are_limited(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    for (int i = 0; i < 100; i++)
        tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, 0), 20);
    tgv_bench_run(&b, TGV_S(1));
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, 0), 21);
}

static void test_eng_65_established_at_the_first_media(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    tgv_bench_run(&b, TGV_MS(30));
    tgv_bench_ack_packet(&b, 0);
    tgv_bench_run(&b, TGV_MS(40));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    tgv_bench_media(&b, 0, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).established, TGV_MS(70));
}

static void test_eng_65_media_before_the_ack_does_not_establish(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    tgv_bench_media(&b, 0, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    tgv_bench_ack_packet(&b, 0);
    tgv_bench_media(&b, 0, 60);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_handshake_established_without_media(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    tgv_bench_ack_packet(&b, 0);
    tgv_bench_run(&b, TGV_MS(1499));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    tgv_bench_run(&b, TGV_MS(1));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_68_media_starts_on_the_ack_alone(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.audio = true;
    tgv_bench_run(&b, TGV_MS(120));
    assert_false(tgv_call_sends_audio(b.call));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0), 0);
    tgv_bench_ack_packet(&b, 0); /* no INIT has come */
    assert_true(tgv_call_sends_audio(b.call));
    tgv_bench_run(&b, TGV_MS(60));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0), 1);
}

static void test_handshake_times_out(void **state)
{
    (void)state;
    o.init_timeout = TGV_S(8);
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0); /* an INIT alone does not save it */
    tgv_bench_run(&b, TGV_S(8) - 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    tgv_bench_run(&b, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_handshake_version_above_ours_is_ours(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 10, 3, 0);
    assert_int_equal(tgv_bench_stats(&b).peer_version, 9);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
}

static void test_handshake_peer_that_wants_more_is_incompatible(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 10, 10, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_INCOMPATIBLE);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, 0), 0);
}

static void test_handshake_peer_that_is_too_old_is_incompatible(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 2, 1, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_INCOMPATIBLE);
}

static void send_ack(const struct tgv_stream_desc *streams, unsigned n,
                     uint32_t version, uint32_t min_version)
{
    struct tgv_init_ack m = {
        .version = version, .min_version = min_version, .stream_count = n};
    uint8_t body[128];
    size_t len;

    if (n > 0)
        memcpy(m.streams, streams, n * sizeof(*streams));
    assert_int_equal(tgv_init_ack_encode(&m, 9, body, sizeof(body), &len), 0);
    tgv_bench_send(&b, 0, TGV_PKT_INIT_ACK, body, len);
}

static void test_handshake_ack_can_be_incompatible_too(void **state)
{
    static const struct tgv_stream_desc audio = {1, 1, TGV_CODEC_OPUS, 60, 1};

    (void)state;
    tgv_bench_init(&b, &o);
    send_ack(&audio, 1, 12, 11);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_INCOMPATIBLE);
}

static void test_handshake_without_an_audio_stream_never_starts(void **state)
{
    static const struct tgv_stream_desc video = {2, 2, 0x41564320, 0, 1};
    static const struct tgv_stream_desc audio = {1, 1, TGV_CODEC_OPUS, 60, 1};

    (void)state;
    o.init_timeout = TGV_S(5);
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    send_ack(&video, 1, 9, 3);
    send_ack(&audio, 1, 9, 3); /* only the first one is evaluated */
    tgv_bench_media(&b, 0, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    assert_false(tgv_call_sends_audio(b.call));
    tgv_bench_run(&b, TGV_S(5));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_handshake_no_stream_at_all(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    send_ack(NULL, 0, 9, 3);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    assert_false(tgv_call_sends_audio(b.call));
}

static void media_of(uint8_t stream)
{
    struct tgv_stream_data m = {.stream_id = stream,
                                .data = {(const uint8_t *)"\xA1\0\1\0\0\0", 6}};
    uint8_t body[64];
    size_t len;

    assert_int_equal(tgv_stream_data_encode(&m, body, sizeof(body), &len), 0);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA, body, len);
}

static void test_handshake_stream_id_is_the_peers_choice(void **state)
{
    static const struct tgv_stream_desc streams[] = {
        {7, 2, 0x41564320, 0, 1}, {0, 1, TGV_CODEC_OPUS, 60, 1}};

    (void)state;
    b.seq = 0;
    tgv_bench_init(&b, &o);
    b.seq = 0; /* some clients start at 0 */
    tgv_bench_init_packet(&b, 0);
    send_ack(streams, 2, 9, 3);
    media_of(1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
    media_of(0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_07_failed_is_final_and_told_once(void **state)
{
    unsigned sent, states;

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_with(&b, 0, 10, 10, 0);
    states = b.state_count;
    sent = b.count;
    tgv_bench_establish(&b);
    tgv_call_set_mute(b.call, true, b.now);
    tgv_bench_event(&b, TGV_IO_OPENED);
    tgv_bench_event(&b, TGV_IO_INTERFACES);
    b.audio = true;
    tgv_bench_run(&b, TGV_S(60));
    assert_int_equal(b.state_count, states);
    assert_int_equal(b.count, sent);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(tgv_bench_stats(&b).error, TGV_CALL_ERROR_INCOMPATIBLE);
    assert_int_equal(tgv_call_deadline(b.call), TGV_NEVER);
}

static void test_eng_69_simple_header_before_the_version_is_known(void **state)
{
    (void)state;
    o.layer = 80;
    tgv_bench_init(&b, &o);
    b.form = TGV_HEADER_SIMPLE;
    b.has_flags = true;
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
    assert_int_equal(tgv_bench_stats(&b).packets_in, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, 0), 0);
    tgv_bench_run(&b, TGV_S(1));
    /* not acknowledged either */
    assert_int_equal(b.log[b.count - 1].h.ack, 0);
}

static void test_eng_70_v1_is_refused_unless_allowed(void **state)
{
    (void)state;
    o.layer = 73;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_INCOMPATIBLE);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 0);
}

static void test_eng_70_v1_works_when_allowed(void **state)
{
    (void)state;
    o.layer = 73;
    o.allow_v1 = true;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.log[b.count - 1].envelope, TGV_ENVELOPE_V1);
    assert_int_equal(b.log[b.count - 1].h.form, TGV_HEADER_FULL);
    b.version = 3;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(tgv_bench_stats(&b).encryption_v1);
    tgv_bench_run(&b, TGV_MS(950)); /* no reachability ping is last */
    assert_int_equal(b.log[b.count - 1].envelope, TGV_ENVELOPE_V1);
    assert_int_equal(b.log[b.count - 1].h.form, TGV_HEADER_SIMPLE);
}

static void test_handshake_v1_is_upgraded_by_a_newer_peer(void **state)
{
    (void)state;
    o.layer = 73;
    o.allow_v1 = true;
    tgv_bench_init(&b, &o);
    b.version = 6;
    tgv_bench_init_packet(&b, 0);
    tgv_bench_ack_packet(&b, 0);
    assert_false(tgv_bench_stats(&b).encryption_v1);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.log[b.count - 1].envelope, TGV_ENVELOPE_V2_LONG);
}

static void test_handshake_v1_is_not_accepted_from_layer_74_on(void **state)
{
    (void)state;
    o.allow_v1 = true;
    o.layer = 80;
    tgv_bench_init(&b, &o);
    b.envelope = TGV_ENVELOPE_V1;
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, 0), 0);
}

/* Two peers of version 9 below layer 92: each sees only one of the forms. */
static void test_handshake_both_forms_between_the_layers(void **state)
{
    unsigned before;
    const struct tgv_bench_packet *p, *q;

    (void)state;
    o.layer = 80;
    tgv_bench_init(&b, &o);
    p = tgv_bench_find(&b, TGV_PKT_INIT, 0, 0);
    assert_int_equal(p->envelope, TGV_ENVELOPE_V2_LONG);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 1);
    before = b.count;
    tgv_bench_init_packet(&b, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t type = i ? TGV_PKT_INIT : TGV_PKT_INIT_ACK;
        assert_int_equal(tgv_bench_sent(&b, type, before), 2);
        p = tgv_bench_find(&b, type, before, 0);
        q = tgv_bench_find(&b, type, before, 1);
        assert_int_equal(p->h.seq, q->h.seq);
        assert_int_equal(p->envelope, TGV_ENVELOPE_V2_LONG);
        assert_int_equal(q->envelope, TGV_ENVELOPE_V2_SHORT);
    }
    b.envelope = TGV_ENVELOPE_V2_SHORT; /* the peer is a step ahead */
    b.form = TGV_HEADER_SHORT;
    tgv_bench_ack_packet(&b, 0);
    tgv_bench_media(&b, 0, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    before = b.count;
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT_ACK, before), 1);
}

static void test_handshake_data_saving_is_in_the_init(void **state)
{
    struct tgv_init m;
    const struct tgv_bench_packet *p;

    (void)state;
    o.data_saving = true;
    tgv_bench_init(&b, &o);
    p = tgv_bench_find(&b, TGV_PKT_INIT, 0, 0);
    assert_int_equal(tgv_init_decode(&m, p->payload, p->payload_len), 0);
    assert_int_equal(m.flags, TGV_INIT_DATA_SAVING);
    assert_int_equal(m.version, 9);
    assert_int_equal(m.min_version, 3);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 8000);
}

static void test_handshake_waits_for_the_socket(void **state)
{
    (void)state;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.requests, 1);
    assert_int_equal(b.last_request.kind, TGV_IO_UDP_OPEN);
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_run(&b, TGV_MS(300));
    assert_int_equal(b.count, 0);
    tgv_bench_event(&b, TGV_IO_OPENED);
    tgv_bench_run(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 1);
}

static void test_eng_06_socket_that_does_not_open_is_told(void **state)
{
    (void)state;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_call_connect(b.call, b.now), 0);
    tgv_bench_event(&b, TGV_IO_FAILED);
    assert_int_equal(b.state_count, 1);
    assert_int_equal(b.states[0], TGV_STATE_FAILED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_66_init_rounds),
        T(test_handshake_copies_of_a_round_share_the_number),
        T(test_eng_66_init_at_once_on_the_peers_init),
        T(test_eng_66_no_init_once_acknowledged),
        T(test_eng_67_ack_goes_where_the_init_came_from),
        T(test_handshake_init_is_answered_in_any_state),
        T(test_handshake_answers_are_limited),
        T(test_eng_65_established_at_the_first_media),
        T(test_eng_65_media_before_the_ack_does_not_establish),
        T(test_handshake_established_without_media),
        T(test_eng_68_media_starts_on_the_ack_alone),
        T(test_handshake_times_out),
        T(test_handshake_version_above_ours_is_ours),
        T(test_handshake_peer_that_wants_more_is_incompatible),
        T(test_handshake_peer_that_is_too_old_is_incompatible),
        T(test_handshake_ack_can_be_incompatible_too),
        T(test_handshake_without_an_audio_stream_never_starts),
        T(test_handshake_no_stream_at_all),
        T(test_handshake_stream_id_is_the_peers_choice),
        T(test_eng_07_failed_is_final_and_told_once),
        T(test_eng_69_simple_header_before_the_version_is_known),
        T(test_eng_70_v1_is_refused_unless_allowed),
        T(test_eng_70_v1_works_when_allowed),
        T(test_handshake_v1_is_upgraded_by_a_newer_peer),
        T(test_handshake_v1_is_not_accepted_from_layer_74_on),
        T(test_handshake_both_forms_between_the_layers),
        T(test_handshake_data_saving_is_in_the_init),
        T(test_handshake_waits_for_the_socket),
        T(test_eng_06_socket_that_does_not_open_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
