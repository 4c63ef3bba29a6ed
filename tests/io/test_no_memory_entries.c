/* SPDX-License-Identifier: MIT */
/*
 * Each public entry, and the cores below them, with each of its allocations
 * failing once, those of OpenSSL and of the JSON builder included: it succeeds
 * or says that memory is short, nothing crashes, and nothing leaks (under the
 * sanitizer).
 */
#define _GNU_SOURCE
#include "crypto/seal.h"
#include "legacy/call.h"
#include "link/link.h"
#include "relay/relay.h"
#include "support/no_memory.h"
#include "support/temp_dir.h"
#include "transport/obfuscated.h"

#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

static const uint8_t key[256] = {7};
static char dir[TEMP_DIR_BYTES];
static struct tgv_prng prng;

/* Run with every victim in turn. `run` returns 0 or its first error. */
static void each_fails(const char *name, int (*run)(void))
{
    long n = 0, seen, errors = 0;
    int err;

    err = run(); /* libraries set themselves up once */
    assert_int_equal(err, 0);
    do {
        tgv_prng_init(&prng, 1);
        no_memory_begin(n);
        err = run();
        seen = no_memory_end();
        if (err && err != TGVOIP_ERR_NOMEM)
            fail_msg("%s, allocation %ld of %ld: %s", name, n, seen,
                     tgvoip_error_str(err));
        errors += err != 0;
    } while (n++ < seen);
    assert_int_equal(err, 0); /* the last time nothing failed */
    print_message("%s: %ld allocations, %ld end in an error\n", name, n - 1,
                  errors);
    assert_true(n == 1 || errors > 0);
}

/* -- engine, relay, call ------------------------------------------------------ */

static int with_engine(int (*run)(tgvoip_engine *engine))
{
    struct tgvoip_engine_config c;
    struct tgvoip_failure f;
    tgvoip_engine *engine;
    int err;

    tgvoip_engine_config_default(&c);
    c.own_loop = true;
    err = tgvoip_engine_create(&engine, &c, &f);
    if (err) {
        assert_null(engine);
        assert_int_equal(f.code, err);
        return err;
    }
    if (run)
        err = run(engine);
    tgvoip_engine_destroy(engine);
    return err;
}

static int run_engine(void)
{
    return with_engine(NULL);
}

static int run_threads(void)
{
    struct tgvoip_engine_config c;
    tgvoip_engine *engine;
    int err;

    tgvoip_engine_config_default(&c);
    c.loops = 3;
    err = tgvoip_engine_create(&engine, &c, NULL);
    tgvoip_engine_destroy(engine);
    return err;
}

static int relay(tgvoip_engine *engine)
{
    static const uint8_t tags[2][16] = {{1}, {2}};
    struct tgvoip_relay_config c;
    struct tgvoip_relay_stats s = {.size = sizeof(s)};
    struct tgvoip_failure f;
    tgvoip_impairment *imp;
    tgvoip_relay *r;
    int err = tgvoip_impairment_create(&imp);

    if (!err)
        err = tgvoip_impairment_set(imp, "delay", "20", &f);
    tgvoip_relay_config_default(&c);
    c.listen = "127.0.0.1:0";
    c.tcp_listen = "127.0.0.1:0";
    c.tags = tags[0];
    c.tag_count = 2;
    c.impairment = imp;
    if (!err)
        err = tgvoip_relay_create(engine, &r, &c, &f);
    if (!err) {
        err = tgvoip_relay_add_session(r, (const uint8_t[16]){3});
        assert_int_equal(tgvoip_relay_get_stats(r, &s), 0);
        tgvoip_relay_destroy(r);
    }
    tgvoip_impairment_destroy(imp);
    return err;
}

static int run_relay(void)
{
    return with_engine(relay);
}

static int call(tgvoip_engine *engine)
{
    struct tgvoip_call_config c;
    struct tgvoip_endpoint e[3]; /* the third replaces the second */
    struct tgvoip_failure f;
    int16_t pcm[960] = {0};
    tgvoip_call *call;
    char *text;
    int err;

    for (int i = 0; i < 3; i++) {
        tgvoip_endpoint_default(&e[i]);
        e[i].id = i > 0;
        e[i].type =
            i > 0 ? TGVOIP_ENDPOINT_TCP_RELAY : TGVOIP_ENDPOINT_UDP_RELAY;
        e[i].ipv4 = "127.0.0.1";
        e[i].port = 9;
    }
    tgvoip_call_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    c.endpoints = e;
    c.endpoint_count = 3;
    err = tgvoip_call_create(engine, &call, &c, &f);
    if (err) {
        assert_null(call);
        return err;
    }
    err = tgvoip_call_play(call, temp_path(dir, "in.wav"), &f);
    if (!err)
        err = tgvoip_call_play_on_hold(call, temp_path(dir, "in.flac"), &f);
    if (!err)
        err = tgvoip_call_record(call, temp_path(dir, "out.wav"), &f);
    if (!err)
        err = tgvoip_call_debug_log(call, &text);
    if (!err)
        tgvoip_free(text);
    if (!err)
        err = tgvoip_call_write(call, pcm, 960) < 0 ? TGVOIP_ERR_NOMEM : 0;
    if (!err)
        err = tgvoip_call_read(call, pcm, 960) < 0 ? TGVOIP_ERR_NOMEM : 0;
    if (!err)
        err = tgvoip_call_start(call);
    tgvoip_call_destroy(call);
    return err;
}

static int run_call(void)
{
    return with_engine(call);
}

static void test_no_memory_engine_relay_call(void **state)
{
    (void)state;
    each_fails("engine", run_engine);
    each_fails("engine with threads", run_threads);
    each_fails("relay", run_relay);
    each_fails("call", run_call);
}

/* -- outside a call ------------------------------------------------------------ */

static int run_negotiation(void)
{
    const uint8_t *p = tgvoip_dh_known_prime();
    uint8_t secret[2][256], public[2][256], shared[256], hash[32];
    struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT];
    struct tgvoip_failure f;
    int64_t fingerprint;
    int err = tgvoip_dh_check_config(3, p, 256, &f);

    for (int i = 0; i < 2 && !err; i++)
        err = tgvoip_dh_keypair(3, p, 256, NULL, secret[i], public[i]);
    if (!err)
        err = tgvoip_dh_check_public(public[1], 256, p, 256);
    if (!err)
        err = tgvoip_dh_shared_key(public[1], 256, secret[0], p, 256, shared);
    if (!err)
        err = tgvoip_dh_commitment(public[0], 256, hash);
    if (!err)
        err = tgvoip_key_fingerprint(shared, &fingerprint);
    if (!err)
        err = tgvoip_key_emoji(shared, public[0], 256, emoji);
    return err;
}

static int run_server_config(void)
{
    static const char json[] = "{\"audio_max_bitrate\": 9000, \"x\": [1, {}]}";
    tgvoip_server_config *c;
    struct tgvoip_failure f;
    unsigned rejected;
    int err = tgvoip_server_config_create(&c);

    if (!err)
        err = tgvoip_server_config_merge(c, json, strlen(json), &rejected, &f);
    tgvoip_server_config_destroy(c);
    return err;
}

/* All recorded packets of one kind: one line. */
static char trace_line[8192];

static int run_inspect(void)
{
    struct tgvoip_inspect_config c;
    struct tgvoip_inspect_packet packet = {.size = sizeof(packet)};
    struct tgvoip_failure f;
    tgvoip_inspect *in;
    int err;

    tgvoip_inspect_config_default(&c);
    c.key = key;
    c.key_len = sizeof(key);
    err = tgvoip_inspect_create(&in, &c, &f);
    if (!err)
        err = tgvoip_inspect_line(in, trace_line, strlen(trace_line), &packet,
                                  &f);
    tgvoip_inspect_destroy(in);
    return err;
}

static void test_no_memory_offline_entries(void **state)
{
    FILE *f = fopen(TEST_DATA "/trace-relay-setup.jsonl", "rb");

    (void)state;
    assert_non_null(f);
    assert_non_null(fgets(trace_line, sizeof(trace_line), f));
    fclose(f);
    each_fails("negotiation", run_negotiation);
    each_fails("server configuration", run_server_config);
    each_fails("inspect", run_inspect);
}

/* -- audio files ------------------------------------------------------------------ */

static const char *file_name;

static int run_writer(void)
{
    static const int16_t pcm[9600];
    tgvoip_audio_writer *w;
    struct tgvoip_failure f;
    int err = tgvoip_audio_writer_open(&w, temp_path(dir, file_name), &f),
        closed;

    if (!err)
        err = tgvoip_audio_writer_write(w, pcm, 9600);
    closed = tgvoip_audio_writer_close(w);
    return err ? err : closed;
}

static int run_reader(void)
{
    struct tgvoip_audio_info info;
    tgvoip_audio_reader *r;
    struct tgvoip_failure f;
    int16_t pcm[960];
    int err;

    tgvoip_audio_info_default(&info);
    err = tgvoip_audio_probe(temp_path(dir, file_name), &info, &f);
    if (!err)
        err = tgvoip_audio_reader_open(&r, temp_path(dir, file_name), &f);
    if (err)
        return err;
    err = tgvoip_audio_reader_read(r, pcm, 960);
    tgvoip_audio_reader_close(r);
    return err < 0 ? err : 0;
}

static int run_resampler(void)
{
    tgvoip_resampler *r;
    int16_t in[160] = {0}, out[960];
    size_t n = 160, made = 960;
    int err = tgvoip_resampler_create(&r, 16000, 48000, 5);

    if (!err)
        err = tgvoip_resampler_run(r, in, &n, out, &made);
    tgvoip_resampler_destroy(r);
    return err;
}

static void test_no_memory_audio_files(void **state)
{
    static const char *const names[] = {"in.wav", "in.flac", "in.ogg",
                                        "in.raw"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        file_name = names[i];
        each_fails("audio writer", run_writer);
        each_fails("audio reader", run_reader);
    }
    each_fails("resampler", run_resampler);
}

/* -- the cores ------------------------------------------------------------------- */

static void *encoder_create(void)
{
    return no_memory_fails() ? NULL : tgv_codec_opus()->encoder_create();
}

static void *decoder_create(void)
{
    return no_memory_fails() ? NULL : tgv_codec_opus()->decoder_create();
}

static int run_core_call(void)
{
    static const uint8_t ip[4] = {127, 0, 0, 1};
    struct tgv_relay_entry entry = {.id = 1, .ipv4 = tgv_addr_ipv4(ip, 9)};
    struct tgv_codec codec = *tgv_codec_opus();
    struct tgv_call_config c = {.relays = &entry,
                                .relay_count = 1,
                                .max_layer = 92,
                                .init_timeout = TGV_S(1),
                                .receive_timeout = TGV_S(1),
                                .codec = &codec,
                                .random = tgv_prng_source(&prng)};
    struct tgv_call *call;
    int err;

    codec.encoder_create = encoder_create;
    codec.decoder_create = decoder_create;
    memcpy(c.key, key, sizeof(key));
    err = tgv_call_create(&call, &c);
    assert_true(err ? call == NULL : call != NULL);
    tgv_call_destroy(call);
    return err;
}

static int run_core_parts(void)
{
    struct tgv_random random = tgv_prng_source(&prng);
    struct tgv_relay_config rc = {.open = true};
    uint8_t header[TGV_OBF_HEADER];
    struct tgv_impairment imp;
    struct tgv_seal *seal = NULL;
    struct tgv_obf *client = NULL, *server = NULL;
    struct tgv_relay *r = NULL;
    struct tgv_link *link = NULL;
    const uint8_t ip[4] = {9, 9, 9, 9};
    const struct tgv_addr from = tgv_addr_ipv4(ip, 1);
    uint32_t conn;
    int err = tgv_seal_create(&seal, key, true);

    if (!err)
        err = tgv_obf_create_client(&client, &random, header);
    if (!err)
        err = tgv_obf_create_relay(&server);
    tgv_relay_limits_init(&rc.limits);
    rc.limits.sessions = 16;
    if (!err)
        err = tgv_relay_create(&r, &rc);
    if (!err)
        err = tgv_relay_conn_open(r, &from, 0, &conn);
    tgv_impairment_init(&imp);
    imp.delay_ms = 10;
    if (!err)
        err = tgv_link_create(&link, &imp, 1);
    if (!err)
        err = tgv_link_send(link, header, sizeof(header), 0, TGV_S(1));
    tgv_link_destroy(link);
    tgv_relay_destroy(r);
    tgv_obf_destroy(server);
    tgv_obf_destroy(client);
    tgv_seal_destroy(seal);
    return err;
}

static void test_no_memory_cores(void **state)
{
    (void)state;
    each_fails("core call", run_core_call);
    each_fails("core parts", run_core_parts);
}

static int setup(void **state)
{
    static const char *const names[] = {"in.wav", "in.flac"};

    (void)state;
    assert_true(temp_dir_make(dir));
    for (size_t i = 0; i < 2; i++) {
        file_name = names[i];
        assert_int_equal(run_writer(), 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_engine_relay_call),
        cmocka_unit_test(test_no_memory_offline_entries),
        cmocka_unit_test(test_no_memory_audio_files),
        cmocka_unit_test(test_no_memory_cores),
    };

    no_memory_hook_libraries();
    alarm(50);
    return cmocka_run_group_tests(tests, setup, teardown);
}
