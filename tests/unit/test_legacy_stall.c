/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* Every way in which a relay, a proxy or a name server can stall: the call ends
 * when its time to begin is over, and not before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/bench.h"

enum look_up { NOT_ANSWERED, UNKNOWN, FOUND, LOOK_UPS };
enum far_end { HOLDS, REFUSES, HANGS_UP, SILENT, BABBLES, BEGINS, FAR_ENDS };

static void answer_stream(struct tgv_bench *b, unsigned i, enum far_end how)
{
    static const uint8_t babble[100] = {7, 7, 7}, begin[2] = {5, 0};

    if (how == HOLDS || b->streams[i].gone || b->streams[i].open)
        return;
    tgv_bench_tcp_event(b, i, how == REFUSES ? TGV_IO_FAILED : TGV_IO_OPENED);
    if (how == HANGS_UP)
        tgv_bench_tcp_event(b, i, TGV_IO_CLOSED);
    else if (how == BABBLES)
        tgv_bench_tcp_bytes(b, i, babble, sizeof(babble));
    else if (how == BEGINS && b->o.proxy.host[0])
        tgv_bench_tcp_bytes(b, i, begin, sizeof(begin));
}

static void answer_name(struct tgv_bench *b, enum look_up how)
{
    static const uint8_t ip[4] = {198, 51, 100, 200};
    struct tgv_addr proxy = tgv_addr_ipv4(ip, 1080);

    if (how != NOT_ANSWERED)
        tgv_bench_resolved(b, &proxy, how == FOUND);
}

static void expect_end(const struct tgv_bench_options *o, enum look_up name,
                       enum far_end how)
{
    static struct tgv_bench b;
    unsigned names = 0;

    tgv_bench_init(&b, o);
    b.answer_probes = false;
    while (b.now - TGV_BENCH_START < o->init_timeout) {
        assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
        for (unsigned i = 0; i < b.stream_count; i++)
            answer_stream(&b, i, how);
        for (; names < b.name_count; names++)
            answer_name(&b, name);
        tgv_bench_run(&b, TGV_MS(100));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, o->proxy.host[0] ? TGV_CALL_ERROR_PROXY
                                                    : TGV_CALL_ERROR_TIMEOUT);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
    assert_int_equal(tgv_call_deadline(b.call), TGV_NEVER);
    tgv_bench_fini(&b);
}

static void test_storm_every_stall_ends_with_the_init_timeout(void **state)
{
    static const char *const proxies[] = {"", "198.51.100.200",
                                          "proxy.example"};
    struct tgv_bench_options o;

    (void)state;
    tgv_bench_options_init(&o);
    o.relays = 2;
    for (unsigned i = 0; i < 3 * 2 * LOOK_UPS * FAR_ENDS; i++) {
        enum look_up name = (enum look_up)(i / 6 % LOOK_UPS);
        enum far_end how = (enum far_end)(i / 6 / LOOK_UPS);
        strcpy(o.proxy.host, proxies[i % 3]);
        o.proxy.port = 1080;
        o.tcp_relays = i / 3 % 2 ? o.relays : 0;
        expect_end(&o, name, how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm_every_stall_ends_with_the_init_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
