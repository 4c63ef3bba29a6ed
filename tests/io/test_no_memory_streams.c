/* SPDX-License-Identifier: MIT */
/*
 * Each allocation that a call makes for its streams fails once: TCP copies of
 * relays, the transport, the conversation with a proxy. The call goes on, and
 * a later attempt succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench.h"
#include "support/no_memory.h"

#include <string.h>

static struct tgv_bench b;

static void init(bool proxy)
{
    struct tgv_bench_options o;

    tgv_bench_options_init(&o);
    o.tcp = TGV_BENCH_HOLD;
    o.relays = 2;
    if (proxy) {
        strcpy(o.proxy.host, "203.0.113.7");
        o.proxy.port = 1080;
        o.tcp_relays = 2;
    }
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
}

/* What bench allocates for a connection it has before. */
static long open_and_fail(unsigned stream, long victim)
{
    struct tgv_bench_stream *s = &b.streams[stream];

    if (!b.o.proxy.host[0])
        tgv_bench_tunnel(&b, stream);
    s->open = true;
    no_memory_begin(victim);
    tgv_call_io_event(
        b.call, &(struct tgv_io_event){.kind = TGV_IO_OPENED, .sock = s->sock},
        b.now);
    long seen = no_memory_end();
    tgv_bench_settle(&b);
    return seen;
}

/* Connections are asked for again and open; the call comes to be over one. */
static void succeed(void)
{
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_run(&b, TGV_S(1)); /* the pause after a failure */
    for (unsigned i = 0; i < b.stream_count; i++) {
        if (b.streams[i].gone || b.streams[i].open)
            continue;
        tgv_bench_tcp_event(&b, i, TGV_IO_OPENED);
        assert_int_equal(b.streams[i].headers, TGV_OBF_HEADER);
        if (tgv_addr_equal(&b.streams[i].to, &b.relay_addr[0]))
            b.via = (int)i;
    }
    tgv_bench_run(&b, TGV_MS(500));
    assert_true(b.via >= 0);
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_35_memory_fails_for_copies_of_relays(void **state)
{
    (void)state;
    for (long victim = 0; victim < 2; victim++) {
        init(false);
        no_memory_begin(victim);
        tgv_reach_urgent(b.call, b.now);
        assert_true(no_memory_end() > 0);
        tgv_bench_settle(&b);
        assert_int_equal(b.stream_count, victim); /* those that were made */
        succeed();
        tgv_bench_fini(&b);
    }
}

static void urgent(void)
{
    init(false);
    tgv_reach_urgent(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(b.stream_count, 2);
}

static void test_no_memory_for_the_transport_is_survived(void **state)
{
    long all, failed = 0;

    (void)state;
    urgent();
    all = open_and_fail(0, -1);
    assert_true(all >= 3); /* the stream, and a cipher each way */
    tgv_bench_fini(&b);
    for (long victim = 0; victim < all; victim++) {
        urgent();
        open_and_fail(0, victim);
        if (b.streams[0].gone) {
            failed++;
            succeed();
        } else { /* the library can do without that one */
            assert_int_equal(b.streams[0].headers, TGV_OBF_HEADER);
        }
        tgv_bench_fini(&b);
    }
    assert_true(failed >= 3);
}

static void test_no_memory_for_the_proxy_is_survived(void **state)
{
    static const uint8_t no_auth[] = {5, 0};
    static const uint8_t connected[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};

    (void)state;
    init(true);
    assert_int_equal(b.stream_count, 2);
    open_and_fail(0, 0);
    assert_true(b.streams[0].gone);
    assert_int_equal(b.streams[0].raw_len, 0);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.stream_count, 3);
    tgv_bench_tcp_event(&b, 2, TGV_IO_OPENED);
    tgv_bench_tcp_bytes(&b, 2, no_auth, sizeof(no_auth));
    tgv_bench_tunnel(&b, 2);
    tgv_bench_tcp_bytes(&b, 2, connected, sizeof(connected));
    assert_int_equal(b.streams[2].headers, TGV_OBF_HEADER);
    tgv_bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_35_memory_fails_for_copies_of_relays),
        cmocka_unit_test(test_no_memory_for_the_transport_is_survived),
        cmocka_unit_test(test_no_memory_for_the_proxy_is_survived),
    };

    no_memory_hook_libraries();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
