/* SPDX-License-Identifier: MIT */
/* rooms: inspect json crypto wire base */
/* The verdict on a recording tells of packets in the old encryption. */
#include "inspect/inspect.h"

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/seal.h"
#include "inspect/verdict.h"
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

static const uint8_t key[TGV_KEY_BYTES] = {1, 2, 3};
static struct tgv_inspect *in;
static char text[TGV_VERDICT_TEXT];

static int set_up(void **state)
{
    (void)state;
    return tgv_inspect_create(&in, key);
}

static int tear_down(void **state)
{
    (void)state;
    tgv_inspect_destroy(in);
    return 0;
}

/* A NOP of that end, in a line of a trace. */
static void inspect(bool caller, enum tgv_envelope e, uint32_t seq)
{
    const struct tgv_header h = {.form = e == TGV_ENVELOPE_V2_SHORT
                                             ? TGV_HEADER_SHORT
                                             : TGV_HEADER_SIMPLE,
                                 .type = TGV_PKT_NOP,
                                 .seq = seq};
    char line[2048];
    uint8_t inner[256], wire[512];
    struct tgv_inspected out;
    struct tgv_prng g;
    struct tgv_seal *seal;
    size_t len;
    int n;

    tgv_prng_init(&g, seq);
    const struct tgv_random random = tgv_prng_source(&g);
    assert_int_equal(tgv_packet_encode(&h, NULL, 0, inner, sizeof(inner), &len),
                     0);
    assert_int_equal(tgv_seal_create(&seal, key, caller), 0);
    assert_int_equal(
        tgv_seal_encode(seal, e, inner, len, &random, wire, sizeof(wire), &len),
        0);
    tgv_seal_destroy(seal);
    n = snprintf(line, sizeof(line),
                 "{\"t_ms\":%u,\"from\":\"%s\",\"path\":\"p2p\",\"wire\":\"",
                 seq, caller ? "caller" : "callee");
    tgv_hex_encode(wire, len, line + n);
    strcat(line, "\"}");
    assert_int_equal(tgv_inspect_line(in, line, strlen(line), &out, NULL), 0);
    assert_false(out.failed);
    tgv_json_free(out.json);
}

static int64_t counted(const char *end)
{
    struct tgv_json *j = tgv_verdict_json(tgv_inspect_verdict(in));
    int64_t n = -1;

    assert_true(
        tgv_json_int(tgv_json_get(tgv_json_get(j, end), "encryption_v1"), &n));
    tgv_json_free(j);
    return n;
}

static void test_verdict_tells_of_the_old_encryption(void **state)
{
    (void)state;
    inspect(true, TGV_ENVELOPE_V1, 1);
    inspect(true, TGV_ENVELOPE_V1, 2);
    inspect(true, TGV_ENVELOPE_V2_LONG, 3);
    inspect(false, TGV_ENVELOPE_V2_SHORT, 1);
    tgv_verdict_text(tgv_inspect_verdict(in), text, sizeof(text));
    assert_non_null(
        strstr(text, "2 of 3 packets of the caller and 0 of 1 packets of the "
                     "callee came in the first variant of encryption (V1), "
                     "which is weaker.\n"));
    assert_int_equal(counted("caller"), 2);
    assert_int_equal(counted("callee"), 0);
}

static void test_verdict_is_silent_about_the_new_one(void **state)
{
    (void)state;
    inspect(true, TGV_ENVELOPE_V2_SHORT, 1);
    inspect(false, TGV_ENVELOPE_V2_LONG, 1);
    tgv_verdict_text(tgv_inspect_verdict(in), text, sizeof(text));
    assert_non_null(strstr(text, "caller: 1 packet"));
    assert_null(strstr(text, "V1"));
    assert_int_equal(counted("caller"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_verdict_tells_of_the_old_encryption),
        TEST(test_verdict_is_silent_about_the_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
