/* SPDX-License-Identifier: MIT */
/* rooms: inspect json crypto wire base */
/* Hostile lines, and what a line says about packets that no recording has. */
#include "inspect/inspect.h"

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/seal.h"
#include "inspect/opus_toc.h"
#include "json/json.h"
#include "wire/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t key[TGV_KEY_BYTES];
static struct tgv_inspect *in;
static struct tgv_inspected out;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 13);
    return tgv_inspect_create(&in, key);
}

static int tear_down(void **state)
{
    (void)state;
    tgv_inspect_destroy(in);
    return 0;
}

/* -- lines that are none ------------------------------------------------- */

static void assert_printable(const char *text)
{
    for (; *text; text++)
        assert_in_range((unsigned char)*text, ' ', '~');
}

static void assert_refused(const char *line, size_t len, const char *why)
{
    struct tgvoip_failure f = {0};

    assert_int_equal(tgv_inspect_line(in, line, len, &out, &f),
                     TGVOIP_ERR_FORMAT);
    assert_null(out.json);
    assert_int_equal(f.code, TGVOIP_ERR_FORMAT);
    assert_printable(f.what);
    assert_printable(f.why);
    if (!strstr(f.why, why))
        fail_msg("\"%s\" does not say \"%s\"", f.why, why);
    assert_int_equal(tgv_inspect_line(in, line, len, &out, NULL),
                     TGVOIP_ERR_FORMAT);
}

#define GOOD "\"t_ms\":1,\"from\":\"caller\",\"path\":\"relay-udp\""

static void test_inspect_refuses_what_is_no_trace_line(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"hello", "not JSON"},
        {"\x1b[2J", "not JSON"},
        {"{\"t_ms\":1", "not JSON"},
        {"[]", "not a JSON object"},
        {"null", "not a JSON object"},
        {"{}", "\"t_ms\" is not a number"},
        {"{\"t_ms\":\"1\"}", "\"t_ms\" is not a number"},
        {"{\"t_ms\":1e300}", "\"t_ms\" is out of range"},
        {"{\"t_ms\":1}", "\"from\" is missing"},
        {"{\"t_ms\":1,\"from\":7}", "\"from\" is not a text"},
        {"{\"t_ms\":1,\"from\":\"eve\"}", "\"from\" is none of"},
        {"{\"t_ms\":1,\"from\":\"caller\\u0000\"}", "\"from\" is not a text"},
        {"{\"t_ms\":1,\"from\":\"caller\"}", "\"path\" is missing"},
        {"{\"t_ms\":1,\"from\":\"caller\",\"path\":\"pigeon\"}",
         "\"path\" is none of"},
        {"{" GOOD "}", "\"wire\" is missing"},
        {"{" GOOD ",\"wire\":null}", "\"wire\" is not a text"},
        {"{" GOOD ",\"wire\":[1]}", "\"wire\" is not a text"},
        {"{" GOOD ",\"wire\":\"abc\"}", "odd number"},
        {"{" GOOD ",\"wire\":\"zz\"}", "not hexadecimal"},
        {"{" GOOD ",\"wire\":\"0 \"}", "not hexadecimal"},
        {"{" GOOD ",\"src\":1,\"wire\":\"00\"}", "\"src\" is not a text"},
        {"{" GOOD ",\"dst\":\"\\u001b[2J\",\"wire\":\"00\"}",
         "\"dst\" holds other"},
        {"{" GOOD ",\"fate\":\"d\xC3\xA9\",\"wire\":\"00\"}",
         "\"fate\" holds other"},
        {"{" GOOD ",\"relay_delay_ms\":{},\"wire\":\"00\"}",
         "\"relay_delay_ms\" is not a number"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].line, strlen(cases[i].line), cases[i].why);
}

static void test_inspect_refuses_huge_lines(void **state)
{
    const size_t len = 2 * 1024 * 1024;
    char *line = malloc(len);
    int n;
    (void)state;

    assert_non_null(line);
    memset(line, '[', len);
    assert_refused(line, len, "more than the limit");
    assert_refused(line, 500000, "not JSON"); /* nested too deep */
    n = snprintf(line, len, "{" GOOD ",\"wire\":\"");
    memset(line + n, '0', 2 * 65536);
    memcpy(line + n + 2 * 65536, "\"}", 2);
    assert_refused(line, (size_t)n + 2 * 65536 + 2, "longer than a datagram");
    n = snprintf(line, len, "{" GOOD ",\"wire\":\"00\",\"to\":\"");
    memset(line + n, 'x', 100);
    memcpy(line + n + 100, "\"}", 2);
    assert_refused(line, (size_t)n + 102, "\"to\" is too long");
    free(line);
}

static void test_inspect_skips_empty_lines(void **state)
{
    static const char *const lines[] = {"", "\n", " \t\r\n"};
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            tgv_inspect_line(in, lines[i], strlen(lines[i]), &out, NULL),
            TGVOIP_ERR_AGAIN);
        assert_null(out.json);
    }
}

/* -- lines that hold a packet -------------------------------------------- */

/* The packet of a line, as one-line JSON; to be freed. */
static char *inspect_line(const char *line, size_t len)
{
    struct tgvoip_failure f = {0};
    char *json;

    if (tgv_inspect_line(in, line, len, &out, &f))
        fail_msg("%s", f.why);
    assert_printable(out.text);
    json = tgv_json_dump(out.json);
    tgv_json_free(out.json);
    out.json = NULL;
    assert_non_null(json);
    return json;
}

static char *inspect_wire(const char *from, const char *path,
                          const uint8_t *wire, size_t wire_len)
{
    static char line[4 * TGV_TRACE_WIRE_MAX];
    int n = snprintf(line, sizeof line,
                     "{\"t_ms\":612.4,\"from\":\"%s\",\"path\":\"%s\","
                     "\"fate\":\"drop\",\"wire\":\"",
                     from, path);

    tgv_hex_encode(wire, wire_len, line + n);
    strcat(line, "\"}");
    return inspect_line(line, strlen(line));
}

/* Seal the inner packet as the caller and inspect it. */
static char *inspect_inner(enum tgv_envelope e, const char *path,
                           const uint8_t *inner, size_t len)
{
    uint8_t wire[4096] = {0};
    struct tgv_seal *seal;
    struct tgv_prng g;
    struct tgv_random random;
    size_t skip = strcmp(path, "p2p") ? TGV_TAG_BYTES : 0, n;

    tgv_prng_init(&g, 1);
    random = tgv_prng_source(&g);
    assert_int_equal(tgv_seal_create(&seal, key, true), 0);
    assert_int_equal(tgv_seal_encode(seal, e, inner, len, &random, wire + skip,
                                     sizeof wire - skip, &n),
                     0);
    tgv_seal_destroy(seal);
    return inspect_wire("caller", path, wire, n + skip);
}

#define B(s) (const uint8_t *)(s), sizeof(s) - 1
#define NOP "\x0e\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff"
#define START(type) type "\x09\0\0\0\x0c\0\0\0\xff\xff\xff\xff\0"

static void assert_says(char *json, const char *part, const char *text)
{
    if (part && !strstr(json, part))
        fail_msg("\"%s\" is not in %s", part, json);
    if (text && strcmp(out.text, text) != 0)
        fail_msg("\"%s\" is not \"%s\"", out.text, text);
    free(json);
}

static void test_inspect_failures_say_no_more_than_is_safe(void **state)
{
    uint8_t wire[2000] = {0};
    (void)state;

    assert_says(inspect_wire("caller", "relay-udp", wire, 55),
                "\"inner\":null,\"error\":\"too short for an encrypted "
                "packet\"",
                "   0.612 caller relay-udp FAILED: too short for an "
                "encrypted packet (drop)");
    assert_true(out.failed);
    assert_says(inspect_wire("callee", "p2p", wire, sizeof wire),
                "\"error\":\"cannot be decrypted (wrong key, wrong direction "
                "or damaged)\"",
                NULL);
    assert_true(out.failed);
    assert_says(inspect_wire("relay", "relay-udp", wire, 100),
                "\"error\":\"no message of a relay\"", NULL);
    assert_true(out.failed);
    assert_says(inspect_wire("caller", "p2p", wire, 0), "too short", NULL);
    assert_says(inspect_inner(TGV_ENVELOPE_V2_SHORT, "p2p", B("\x0e\0\0")),
                "\"error\":\"header is malformed\"", NULL);
    assert_true(out.failed);
    assert_says(
        inspect_inner(TGV_ENVELOPE_V2_SHORT, "p2p", B(START("\x07") "\x01\0")),
        "\"payload\":{\"rest\":\"0100\"}},\"error\":\"payload is "
        "malformed\"",
        "   0.612 caller p2p       PONG seq 12 ack 9 FAILED: payload "
        "is malformed (drop)");
    assert_true(out.failed);
}

static void test_inspect_clear_messages(void **state)
{
    uint8_t wire[72];
    (void)state;

    memset(wire, 0xFF, sizeof wire);
    assert_says(inspect_wire("caller", "relay-udp", wire, 16),
                "\"name\":\"REGISTER\"}", NULL);
    assert_false(out.failed);
    assert_says(inspect_wire("caller", "relay-udp", wire, 32),
                "\"name\":\"PEER_INFO_REQUEST\"}", NULL);
    memcpy(wire + 28,
           "\x1c\x37\xd9\x27\xcb\0\x71\x07\xc0\x5d\0\0"
           "\xc6\x33\x64\x09\x18\x79\0\0",
           20);
    assert_says(inspect_wire("relay", "relay-udp", wire, 48),
                "\"my_ip\":\"203.0.113.7\",\"my_port\":24000,"
                "\"peer_ip\":\"198.51.100.9\",\"peer_port\":31000}",
                "   0.612 relay  relay-udp PEER_INFO address "
                "203.0.113.7:24000 peer 198.51.100.9:31000 (drop)");
    assert_says(inspect_wire("relay", "relay-udp", wire, 40),
                "\"error\":\"message is too short\"", NULL);
    assert_true(out.failed);
    wire[28] = 0;
    assert_says(inspect_wire("relay", "relay-udp", wire, 32), "\"name\":\"?\"",
                NULL);
    assert_false(out.failed);
    /* never through TCP: there it is a broken packet */
    assert_says(inspect_wire("caller", "relay-tcp", wire, 48),
                "\"prefix\":\"tag\"", NULL);
    assert_true(out.failed);
}

static void test_inspect_names_every_body(void **state)
{
    static const struct {
        const uint8_t *inner;
        size_t len;
        const char *json, *text;
    } cases[] = {
        {B(START("\x03") "\x01\0"), "{\"stream\":1,\"enabled\":0}",
         "STREAM_STATE seq 12 ack 9 stream 1 off"},
        {B(START("\x04") "\x01\x03\x1c\x02\0\0{\x83$"),
         "\"opus\":{\"mode\":\"hybrid\",\"bw\":\"FB\",\"frame_ms\":20,"
         "\"frames\":3}",
         "STREAM_DATA seq 12 ack 9 stream 1 pts 540 len 3 opus hybrid FB "
         "3x20ms"},
        {B(START("\x04") "\x41\x01\x28\x3c\0\0\0\x84\x02\0\x01\xe0!"),
         "{\"stream\":1,\"id_flags\":64,\"xflags\":10240,\"pts\":60,"
         "\"len\":1,\"opus\":{\"mode\":\"celt\",\"bw\":\"NB\","
         "\"frame_ms\":2.5,\"frames\":1,\"stereo\":true},"
         "\"fec\":[{\"pts\":0,\"len\":0},{\"pts\":60,\"len\":1,"
         "\"opus\":{\"mode\":\"celt\",\"bw\":\"FB\",\"frame_ms\":2.5,"
         "\"frames\":1}}]}],\"rest\":\"21\"",
         "STREAM_DATA seq 12 ack 9 stream 1 pts 60 len 1 opus celt NB "
         "1x2.5ms stereo fec 0,60"},
        {B(START("\x08") "\x02\0\0\0\0\0\x02\0\x3c\0\0\0"),
         "\"pts\":0,\"len\":0},{\"stream\":2",
         "STREAM_DATA_X2 seq 12 ack 9 stream 2 pts 0 len 0 stream 2 pts 60 "
         "len 0"},
        {B(START("\x0a") "\xc0\xa8\x01\x14\x20\x4e\0\0"),
         "{\"ip\":\"192.168.1.20\",\"port\":20000}",
         "LAN_ENDPOINT seq 12 ack 9 192.168.1.20 port 20000"},
        {B(START("\x0b")), "{\"flags\":0}",
         "NETWORK_CHANGED seq 12 ack 9 flags 0"},
        {B(START("\x11") "\x01\xec\x04\0\0\x02\0\0"),
         "{\"stream\":1,\"pts\":1260,\"fec\":[{\"pts\":1200,\"len\":0},"
         "{\"pts\":1260,\"len\":0}]}",
         "STREAM_EC seq 12 ack 9 stream 1 fec 1200,1260"},
        {B(START("\x63") "xy"), "\"name\":\"?\"", "? type 99 seq 12 ack 9"},
    };
    char text[200];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "   0.612 caller relay-udp %s (drop)",
                 cases[i].text);
        assert_says(inspect_inner(TGV_ENVELOPE_V2_SHORT, "relay-udp",
                                  cases[i].inner, cases[i].len),
                    cases[i].json, text);
        assert_false(out.failed);
    }
}

static void test_inspect_names_every_extra(void **state)
{
    static const struct {
        const uint8_t *inner;
        size_t len;
        const char *json, *text;
    } cases[] = {
        {B(NOP "\x01\x01\x0b\x02\x02\x80\x02\xe0\x01\x01\x03sps"),
         "\"stream\":2,\"width\":640,\"height\":480,\"entries\":[\"737073\"]",
         "[STREAM_CSD stream 2 640x480]"},
        {B(NOP "\x01\x01\x13\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
               "\x21\x4e"),
         "\"ip\":\"2001:db8::1\",\"port\":20001",
         "[IPV6_ENDPOINT 2001:db8::1 port 20001]"},
        {B(NOP "\x01\x01\x07\x54TGVX\x01\x14"),
         "\"hex\":\"544756580114\",\"version\":1,\"min_frame_ms\":20",
         "[TGVX version 1 min 20ms]"},
        {B(NOP "\x01\x01\x03\x54hi"), "\"name\":\"TGVX\",\"hex\":\"6869\"}",
         "[TGVX]"},
        {B(NOP "\x01\x01\x01\x06"), "\"name\":\"REQUEST_GROUP\",\"hex\":\"\"}",
         "[REQUEST_GROUP]"},
        {B(NOP "\x03\x01\x02\x09x\x40\xe2\x01\0"), "\"recv_ts\":123456",
         "recv_ts 123456 [? type 9]"},
    };
    char text[200];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text,
                 "   0.612 caller p2p       NOP seq 2 ack 1 %s (drop)",
                 cases[i].text);
        assert_says(inspect_inner(TGV_ENVELOPE_V2_SHORT, "p2p", cases[i].inner,
                                  cases[i].len),
                    cases[i].json, text);
        assert_false(out.failed);
    }
}

/* Whether simpleAudioBlock has a flag byte depends on the addressee. */
static void test_inspect_finds_the_flag_byte(void **state)
{
    struct tgv_header h = {.form = TGV_HEADER_SIMPLE, .type = TGV_PKT_PONG};
    const uint8_t body[4] = {1, 0, 0, 0};
    (void)state;

    for (int flags = 0; flags <= 1; flags++) {
        uint8_t inner[128];
        size_t n;

        h.has_flags = flags;
        assert_int_equal(
            tgv_packet_encode(&h, body, sizeof body, inner, sizeof inner, &n),
            0);
        assert_says(inspect_inner(TGV_ENVELOPE_V2_LONG, "p2p", inner, n),
                    "\"payload\":{\"ping_seq\":1}}", NULL);
        assert_false(out.failed);
    }
}

static void test_inspect_long_lists_are_cut_in_the_text_only(void **state)
{
    uint8_t inner[14 + 1 + 16 * 70 + 4] = NOP "\x01\x10";
    char *json;
    size_t n = 15;
    (void)state;

    for (size_t i = 0; i < 16; i++) {
        memcpy(inner + n, "\x13\x07", 2);
        memset(inner + n + 2, 0xfe, 16); /* a long address */
        memcpy(inner + n + 18, "\xff\xff", 2);
        n += 20;
    }
    json = inspect_inner(TGV_ENVELOPE_V2_SHORT, "p2p", inner, n);
    assert_int_equal(strlen(out.text), TGV_INSPECT_TEXT - 1);
    assert_string_equal(out.text + TGV_INSPECT_TEXT - 4, "...");
    assert_false(out.failed);
    free(json);
}

static void test_inspect_random_changes_do_no_harm(void **state)
{
    const uint64_t seed = 0x5EED0003;
    struct tgv_prng g;
    (void)state;

    print_message("seed %#llx\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int round = 0; round < 4000; round++) {
        char line[600];
        struct tgvoip_failure f = {0};
        size_t len = (size_t)snprintf(
            line, sizeof line,
            "{\"t_ms\":3.25,\"from\":\"relay\",\"to\":\"caller\",\"path\":"
            "\"relay-udp\",\"src\":\"127.0.0.1:7300\",\"wire\":\"c0ffee0011"
            "2233445566778899aabb00ffffffffffffffffffffffffc77215c0988003"
            "6bb71b8a261572aa4800000000000000000000ffff7f0000019a740000\"}");
        unsigned changes = 1 + tgv_prng_below(&g, 3);
        int err;

        while (changes--)
            line[tgv_prng_below(&g, (uint32_t)len)] =
                (char)tgv_prng_below(&g, 256);
        err = tgv_inspect_line(in, line, len, &out, &f);
        assert_true(err == 0 || err == TGVOIP_ERR_FORMAT);
        assert_printable(out.text);
        assert_printable(f.why);
        tgv_json_free(out.json);
    }
}

/* Sealed packets of random content: whatever the fields are, one line. */
static void test_inspect_random_packets_do_no_harm(void **state)
{
    const uint64_t seed = 0x5EED0004;
    struct tgv_prng g;
    (void)state;

    print_message("seed %#llx\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int round = 0; round < 3000; round++) {
        uint8_t inner[300];
        size_t len = 14 + tgv_prng_below(&g, sizeof inner - 14);
        enum tgv_envelope e = (enum tgv_envelope)tgv_prng_below(&g, 3);

        for (size_t i = 0; i < len; i++)
            inner[i] = (uint8_t)tgv_prng_below(&g, round % 2 ? 256 : 6);
        inner[0] = (uint8_t)(1 + tgv_prng_below(&g, 18));
        if (e != TGV_ENVELOPE_V2_SHORT && round % 3)
            memcpy(inner,
                   round % 3 == 1 ? "\xc1\x48\xf9\xdb" : "\x76\x0e\x0d\xcc", 4);
        free(inspect_inner(e, "p2p", inner, len));
    }
}

/* -- Opus ---------------------------------------------------------------- */

static void test_opus_toc_table(void **state)
{
    static const struct {
        uint8_t toc[2];
        size_t len;
        const char *mode, *band;
        unsigned frame_us, frames;
    } cases[] = {
        {{0x00, 0}, 1, "silk", "NB", 10000, 1},
        {{0x19, 0}, 1, "silk", "NB", 60000, 2},
        {{0x22, 0}, 1, "silk", "MB", 10000, 2},
        {{0x58, 0}, 1, "silk", "WB", 60000, 1},
        {{0x60, 0}, 1, "hybrid", "SWB", 10000, 1},
        {{0x68, 0}, 1, "hybrid", "SWB", 20000, 1},
        {{0x70, 0}, 1, "hybrid", "FB", 10000, 1},
        {{0x7b, 0x83}, 2, "hybrid", "FB", 20000, 3},
        {{0x80, 0}, 1, "celt", "NB", 2500, 1},
        {{0xa8, 0}, 1, "celt", "WB", 5000, 1},
        {{0xd0, 0}, 1, "celt", "SWB", 10000, 1},
        {{0xfb, 0xff}, 2, "celt", "FB", 20000, 63},
        {{0xfb, 0}, 1, "celt", "FB", 20000, 0},
    };
    struct tgv_opus_toc t;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(tgv_opus_toc_read(&t, cases[i].toc, cases[i].len));
        assert_string_equal(t.mode, cases[i].mode);
        assert_string_equal(t.band, cases[i].band);
        assert_int_equal(t.frame_us, cases[i].frame_us);
        assert_int_equal(t.frames, cases[i].frames);
    }
    assert_false(tgv_opus_toc_read(&t, cases[0].toc, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect_refuses_what_is_no_trace_line),
        cmocka_unit_test(test_inspect_refuses_huge_lines),
        cmocka_unit_test(test_inspect_skips_empty_lines),
        cmocka_unit_test(test_inspect_failures_say_no_more_than_is_safe),
        cmocka_unit_test(test_inspect_clear_messages),
        cmocka_unit_test(test_inspect_names_every_body),
        cmocka_unit_test(test_inspect_names_every_extra),
        cmocka_unit_test(test_inspect_finds_the_flag_byte),
        cmocka_unit_test(test_inspect_long_lists_are_cut_in_the_text_only),
        cmocka_unit_test(test_inspect_random_changes_do_no_harm),
        cmocka_unit_test(test_inspect_random_packets_do_no_harm),
        cmocka_unit_test(test_opus_toc_table),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
