/* SPDX-License-Identifier: MIT */
/* rooms: relay json wire base */
/* Forwarding and the relay's answers; bytes from wire-examples.json. */
#include "base/addr.h"
#include "base/bytes.h"
#include "json/json.h"
#include "relay/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PKT_MAX 1500

struct fixture {
    struct tgv_json *json;
    struct tgv_relay *relay;
    struct tgv_relay_out out;
    uint8_t pkt[PKT_MAX];
    size_t len;
};

static uint32_t date(void *ctx)
{
    (void)ctx;
    return 1600000000;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct tgv_relay_config config = {.open = true, .date = date};
    FILE *file = fopen(TEST_DATA "/wire-examples.json", "rb");
    char *text = malloc(1 << 20), why[256];
    size_t len;

    assert_non_null(f);
    assert_non_null(text);
    assert_non_null(file);
    len = fread(text, 1, 1 << 20, file);
    fclose(file);
    f->json = tgv_json_parse(text, len, why, sizeof(why));
    free(text);
    assert_non_null(f->json);
    tgv_relay_limits_init(&config.limits);
    assert_int_equal(tgv_relay_create(&f->relay, &config), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    tgv_json_free(f->json);
    tgv_relay_destroy(f->relay);
    free(f);
    return 0;
}

static size_t from_hex(const struct tgv_json *j, uint8_t *out)
{
    const char *hex = tgv_json_str(j);
    size_t len;

    assert_non_null(hex);
    len = strlen(hex) / 2;
    assert_true(len <= PKT_MAX);
    assert_true(tgv_hex_decode(hex, strlen(hex), out, len));
    return len;
}

/* The datagram of the reflector example with this name. */
static size_t example(const struct fixture *f, const char *name, uint8_t *out)
{
    const struct tgv_json *list = tgv_json_get(f->json, "reflector");

    for (size_t i = 0; i < tgv_json_len(list); i++) {
        const struct tgv_json *e = tgv_json_at(list, i);
        if (strcmp(tgv_json_str(tgv_json_get(e, "name")), name) == 0)
            return from_hex(tgv_json_get(e, "datagram"), out);
    }
    fail_msg("no example %s", name);
    return 0;
}

static void deliver(struct fixture *f, const char *from)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse(from, &a));
    tgv_relay_receive(f->relay, &a, f->pkt, f->len, 0, &f->out);
}

static void register_peer(struct fixture *f, const char *from)
{
    f->len = example(f, "tag_only", f->pkt);
    f->pkt[15] ^= 1;
    deliver(f, from);
    assert_int_equal(f->out.verdict, TGV_RELAY_DROP);
}

static void test_vector_forwarding(void **state)
{
    struct fixture *f = *state;
    const struct tgv_json *v = tgv_json_get(f->json, "relay_forwarding");
    uint8_t expected[PKT_MAX];
    size_t len = from_hex(tgv_json_get(v, "to_callee"), expected);
    const char *caller = "203.0.113.7:24000", *callee = "198.51.100.9:31000";

    register_peer(f, callee);
    f->len = from_hex(tgv_json_get(v, "from_caller"), f->pkt);
    deliver(f, caller);
    assert_int_equal(f->out.verdict, TGV_RELAY_FORWARD);
    assert_int_equal(f->out.len, len);
    assert_memory_equal(f->out.pkt, expected, len);
    /* and back: the callee's tag becomes the caller's */
    from_hex(tgv_json_get(v, "from_caller"), expected);
    deliver(f, callee);
    assert_int_equal(f->out.verdict, TGV_RELAY_FORWARD);
    assert_memory_equal(f->out.pkt, expected, len);
}

static void test_vector_answers(void **state)
{
    static const struct {
        const char *request, *from, *peer, *answer;
    } cases[] = {
        {"udp_ping_request", "203.0.113.7:24000", NULL, "self_info_reply_v4"},
        {"udp_ping_request", "[2001:db8::1]:24000", NULL, "self_info_reply_v6"},
        {"peer_info_request", "203.0.113.7:24000", "198.51.100.9:31000",
         "peer_info_reply_v4"},
        {"peer_info_request", "[2001:db8::1]:24000", "[2001:db8::2]:31000",
         "peer_info_reply_v6"},
    };
    struct fixture *f = *state;
    uint8_t expected[PKT_MAX];
    size_t len;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].peer)
            register_peer(f, cases[i].peer);
        f->len = example(f, cases[i].request, f->pkt);
        deliver(f, cases[i].from);
        len = example(f, cases[i].answer, expected);
        assert_int_equal(f->out.verdict, TGV_RELAY_REPLY);
        assert_int_equal(f->out.len, len);
        assert_memory_equal(f->out.pkt, expected, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vector_forwarding, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_vector_answers, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
