/* SPDX-License-Identifier: MIT */
/* A relay on loopback sockets, used as a client would. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <tgvoip/relay.h>

#include "base/random.h"

#define WATCHDOG_S 20
#define ANSWER_MS 5000 /* longest wait for what must come */

static const uint8_t caller_tag[16] = {1, 2, 3, 4, [15] = 0x10};
static const uint8_t callee_tag[16] = {1, 2, 3, 4, [15] = 0x11};

struct fixture {
    tgvoip_engine *engine;
    tgvoip_relay *relay;
    int caller, callee;
    uint8_t buf[2048];
};

static int client(uint16_t relay_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    sa.sin_port = htons(relay_port);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void start(struct fixture *f, const struct tgvoip_relay_config *config)
{
    struct tgvoip_engine_config engine;
    struct tgvoip_failure failure = {0};

    memset(f, 0, sizeof(*f));
    tgvoip_engine_config_default(&engine);
    engine.loops = 1;
    assert_int_equal(tgvoip_engine_create(&f->engine, &engine, &failure), 0);
    if (tgvoip_relay_create(f->engine, &f->relay, config, &failure))
        fail_msg("%s: %s", failure.what, failure.why);
    f->caller = client(tgvoip_relay_port(f->relay));
    f->callee = client(tgvoip_relay_port(f->relay));
}

static void stop(struct fixture *f)
{
    close(f->caller);
    close(f->callee);
    tgvoip_relay_destroy(f->relay);
    tgvoip_engine_destroy(f->engine);
}

static struct tgvoip_relay_config local_config(void)
{
    struct tgvoip_relay_config config;

    tgvoip_relay_config_default(&config);
    config.listen = "127.0.0.1:0";
    return config;
}

/* A call datagram: tag, number, filling. */
static void send_number(int fd, const uint8_t tag[16], uint32_t n)
{
    uint8_t pkt[100];

    memset(pkt, 0x5A, sizeof(pkt));
    memcpy(pkt, tag, 16);
    memcpy(pkt + 16, &n, sizeof(n));
    assert_int_equal(send(fd, pkt, sizeof(pkt), 0), sizeof(pkt));
}

/* The next datagram, or -1 if none comes in time. */
static ssize_t receive(struct fixture *f, int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (poll(&p, 1, wait_ms) <= 0)
        return -1;
    return recv(fd, f->buf, sizeof(f->buf), 0);
}

/* Registration is done when the relay answers to a ping. */
static void ping(struct fixture *f, int fd, const uint8_t tag[16])
{
    uint8_t pkt[40];

    memset(pkt, 0xFF, sizeof(pkt));
    memcpy(pkt, tag, 16);
    pkt[28] = 0xFE;
    assert_int_equal(send(fd, pkt, sizeof(pkt), 0), sizeof(pkt));
    assert_int_equal(receive(f, fd, ANSWER_MS), 64);
    assert_memory_equal(f->buf, tag, 16);
    assert_memory_equal(f->buf + 28, "\xC7\x72\x15\xC0", 4);
    assert_memory_equal(f->buf + 36, pkt + 32, 8);
}

static struct tgvoip_relay_stats stats(const struct fixture *f)
{
    struct tgvoip_relay_stats s;

    assert_int_equal(tgvoip_relay_get_stats(f->relay, &s), 0);
    return s;
}

static void test_relay_carries_datagrams_both_ways(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    uint32_t n;

    start(&f, &config);
    ping(&f, f.caller, caller_tag);
    ping(&f, f.callee, callee_tag);
    for (uint32_t i = 0; i < 40; i++) {
        send_number(f.caller, caller_tag, i);
        send_number(f.callee, callee_tag, 1000 + i);
    }
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(receive(&f, f.callee, ANSWER_MS), 100);
        assert_memory_equal(f.buf, callee_tag, 16);
        memcpy(&n, f.buf + 16, sizeof(n));
        assert_int_equal(n, i);
        assert_int_equal(receive(&f, f.caller, ANSWER_MS), 100);
        assert_memory_equal(f.buf, caller_tag, 16);
        memcpy(&n, f.buf + 16, sizeof(n));
        assert_int_equal(n, 1000 + i);
    }
    assert_int_equal(stats(&f).packets_forwarded, 80);
    assert_int_equal(stats(&f).bytes_forwarded, 8000);
    assert_int_equal(stats(&f).control_answered, 2);
    assert_int_equal(stats(&f).sessions, 1);
    stop(&f);
}

static void test_relay_tells_peer_addresses(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);
    uint8_t pkt[32], port[4] = {0};

    start(&f, &config);
    ping(&f, f.callee, callee_tag);
    memset(pkt, 0xFF, sizeof(pkt));
    memcpy(pkt, caller_tag, 16);
    assert_int_equal(send(f.caller, pkt, sizeof(pkt), 0), sizeof(pkt));
    assert_int_equal(receive(&f, f.caller, ANSWER_MS), 48);
    assert_memory_equal(f.buf, caller_tag, 16);
    assert_memory_equal(f.buf + 40, "\x7F\0\0\1", 4);
    assert_int_equal(getsockname(f.callee, (struct sockaddr *)&sa, &len), 0);
    port[0] = (uint8_t)ntohs(sa.sin_port);
    port[1] = (uint8_t)(ntohs(sa.sin_port) >> 8);
    assert_memory_equal(f.buf + 44, port, 4);
    stop(&f);
}

static int client_ipv6(uint16_t port)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                              .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void test_relay_joins_ipv4_and_ipv6(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    static const uint8_t mapped[16] = {
        [10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1};
    static const uint8_t loopback[16] = {[15] = 1};
    int ipv6 = client_ipv6(9);

    if (ipv6 < 0)
        skip(); /* a machine without IPv6 */
    close(ipv6);
    config.listen = "[::]:0";
    config.open = true;
    start(&f, &config);
    ipv6 = client_ipv6(tgvoip_relay_port(f.relay));
    assert_true(ipv6 >= 0);
    ping(&f, ipv6, callee_tag);
    assert_memory_equal(f.buf + 44, loopback, 16);
    ping(&f, f.caller, caller_tag);
    assert_memory_equal(f.buf + 44, mapped, 16);
    send_number(f.caller, caller_tag, 1);
    assert_int_equal(receive(&f, ipv6, ANSWER_MS), 100);
    assert_memory_equal(f.buf, callee_tag, 16);
    send_number(ipv6, callee_tag, 1);
    assert_int_equal(receive(&f, f.caller, ANSWER_MS), 100);
    assert_memory_equal(f.buf, caller_tag, 16);
    close(ipv6);
    stop(&f);
}

static void test_relay_survives_garbage(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct tgv_prng g;
    int flood;

    config.tags = caller_tag;
    config.tag_count = 1;
    start(&f, &config);
    flood = client(tgvoip_relay_port(f.relay));
    print_message("seed 99\n");
    tgv_prng_init(&g, 99);
    ping(&f, f.caller, caller_tag);
    ping(&f, f.callee, callee_tag);
    for (uint32_t i = 0; i < 5000; i++) {
        size_t len = tgv_prng_below(&g, 1601);
        for (size_t k = 0; k < len && k < 40; k++)
            f.buf[k] = (uint8_t)tgv_prng_u64(&g);
        if (send(flood, f.buf, len, 0) < 0)
            continue; /* full: as good */
        if (i % 100 == 0) { /* the call goes on through it */
            send_number(f.caller, caller_tag, i);
            while (receive(&f, f.callee, 100) != 100)
                send_number(f.caller, caller_tag, i);
            assert_memory_equal(f.buf, callee_tag, 16);
        }
    }
    ping(&f, f.caller, caller_tag);
    struct tgvoip_relay_stats s = stats(&f);
    assert_int_equal(s.sessions, 1);
    assert_true(s.dropped_unknown_tag > 0);
    assert_true(s.dropped_short > 0);
    assert_true(s.dropped_large > 0);
    close(flood);
    stop(&f);
}

static void test_relay_impairs_call_data_and_not_control(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    tgvoip_impairment *bad;

    assert_int_equal(tgvoip_impairment_create(&bad), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "loss", "100", NULL), 0);
    config.impairment = bad;
    start(&f, &config);
    tgvoip_impairment_destroy(bad); /* it was copied */
    ping(&f, f.callee, callee_tag);
    for (uint32_t i = 0; i < 20; i++)
        send_number(f.caller, caller_tag, i);
    ping(&f, f.caller, caller_tag); /* all of them have been seen */
    assert_int_equal(stats(&f).packets_forwarded, 20);
    assert_int_equal(stats(&f).impaired_lost, 20);
    assert_int_equal(receive(&f, f.callee, 0), -1);
    stop(&f);
}

static int64_t read_clock(void *ctx)
{
    return *(const int64_t *)ctx;
}

/* On a loop that the test steps, with a clock that it sets. */
static void start_stepped(struct fixture *f,
                          const struct tgvoip_relay_config *config,
                          int64_t *now)
{
    struct tgvoip_engine_config engine;

    memset(f, 0, sizeof(*f));
    tgvoip_engine_config_default(&engine);
    engine.own_loop = true;
    engine.clock = read_clock;
    engine.clock_ctx = now;
    assert_int_equal(tgvoip_engine_create(&f->engine, &engine, NULL), 0);
    assert_int_equal(tgvoip_relay_create(f->engine, &f->relay, config, NULL),
                     0);
    f->caller = client(tgvoip_relay_port(f->relay));
    f->callee = client(tgvoip_relay_port(f->relay));
}

static void step_until(struct fixture *f, uint64_t packets_in)
{
    struct pollfd p = {.fd = tgvoip_engine_fd(f->engine), .events = POLLIN};

    for (int i = 0; i < 1000 && stats(f).packets_in < packets_in; i++) {
        poll(&p, 1, 10);
        assert_int_equal(tgvoip_engine_step(f->engine), 0);
    }
    assert_int_equal(stats(f).packets_in, packets_in);
}

static void test_relay_delays_and_delivers_to_the_newest_address(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    tgvoip_impairment *bad;
    int64_t now = 1000000;
    int moved;

    assert_int_equal(tgvoip_impairment_create(&bad), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "delay", "60", NULL), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "dup", "100", NULL), 0);
    config.impairment = bad;
    start_stepped(&f, &config, &now);
    tgvoip_impairment_destroy(bad);
    moved = client(tgvoip_relay_port(f.relay));
    assert_int_equal(send(f.callee, callee_tag, 16, 0), 16);
    step_until(&f, 1);
    send_number(f.caller, caller_tag, 7);
    step_until(&f, 2);
    now += 59999;
    assert_int_equal(send(moved, callee_tag, 16, 0), 16);
    step_until(&f, 3); /* it moves while the datagram is on its way */
    assert_int_equal(receive(&f, moved, 0), -1);
    now += 1;
    assert_int_equal(tgvoip_engine_timeout_us(f.engine), 0);
    assert_int_equal(tgvoip_engine_step(f.engine), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(receive(&f, moved, ANSWER_MS), 100);
        assert_memory_equal(f.buf, callee_tag, 16);
    }
    assert_int_equal(receive(&f, f.callee, 0), -1);
    assert_int_equal(stats(&f).impaired_duplicated, 1);
    close(moved);
    stop(&f); /* with a flow still alive */
}

static void test_relay_forgets_silent_sessions_and_their_links(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    tgvoip_impairment *bad;
    int64_t now = 1000000;

    assert_int_equal(tgvoip_impairment_create(&bad), 0);
    assert_int_equal(tgvoip_impairment_set(bad, "delay", "50000", NULL), 0);
    config.impairment = bad;
    config.limits.session_idle_s = 10;
    start_stepped(&f, &config, &now);
    tgvoip_impairment_destroy(bad);
    assert_int_equal(send(f.callee, callee_tag, 16, 0), 16);
    step_until(&f, 1);
    send_number(f.caller, caller_tag, 7); /* never arrives */
    step_until(&f, 2);
    assert_int_equal(stats(&f).sessions, 1);
    now += 12000000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(tgvoip_engine_step(f.engine), 0);
    assert_int_equal(stats(&f).sessions, 0);
    assert_int_equal(stats(&f).sessions_expired, 1);
    assert_int_equal(tgvoip_engine_timeout_us(f.engine), -1);
    stop(&f);
}

static void test_relay_session_added_later_is_served(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    static const uint8_t other[16] = {9};

    config.tags = other;
    config.tag_count = 1;
    config.limits.sessions = 2;
    start(&f, &config);
    assert_int_equal(tgvoip_relay_add_session(f.relay, callee_tag), 0);
    ping(&f, f.caller, caller_tag);
    static const uint8_t third[16] = {10};
    assert_int_equal(tgvoip_relay_add_session(f.relay, third),
                     TGVOIP_ERR_TOO_LARGE);
    stop(&f);
}

static void test_relay_port_in_use_is_named(void **state)
{
    (void)state;
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct tgvoip_failure failure = {0};
    tgvoip_relay *second = (tgvoip_relay *)&f;
    char listen[32];

    start(&f, &config);
    snprintf(listen, sizeof(listen), "127.0.0.1:%u",
             (unsigned)tgvoip_relay_port(f.relay));
    config.listen = listen;
    assert_int_equal(tgvoip_relay_create(f.engine, &second, &config, &failure),
                     TGVOIP_ERR_IN_USE);
    assert_null(second);
    assert_string_equal(failure.what, listen);
    assert_string_equal(failure.why, "address already in use");
    stop(&f);
}

static void test_relay_address_of_another_machine_is_named(void **state)
{
    (void)state;
    static const char *const foreign[] = {"192.0.2.77:5000",
                                          "[2001:db8::77]:5000"};
    int ipv6 = client_ipv6(9); /* some machines have none */
    tgvoip_engine *engine;

    assert_int_equal(tgvoip_engine_create(&engine, NULL, NULL), 0);
    for (int tcp = 0; tcp < 2; tcp++) {
        for (size_t i = 0; i < (ipv6 < 0 ? 1 : 2); i++) {
            struct tgvoip_relay_config config = local_config();
            struct tgvoip_failure failure = {0};
            tgvoip_relay *relay = NULL;
            config.tags = caller_tag;
            config.tag_count = 1;
            *(tcp ? &config.tcp_listen : &config.listen) = foreign[i];
            assert_int_equal(
                tgvoip_relay_create(engine, &relay, &config, &failure),
                TGVOIP_ERR_NOT_FOUND);
            assert_null(relay);
            assert_string_equal(failure.what, foreign[i]);
            assert_string_equal(failure.why,
                                "this machine has no such address");
        }
    }
    if (ipv6 >= 0)
        close(ipv6);
    tgvoip_engine_destroy(engine);
}

static void test_relay_refuses_bad_configurations(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *what;
    } cases[] = {
        {NULL, "listen"},           {"localhost:4000", "listen"},
        {"127.0.0.1", "listen"},    {"127.0.0.1:70000", "listen"},
        {"0.0.0.0:0", "0.0.0.0:0"}, /* all tags, for everybody */
        {"[::]:0", "[::]:0"},
    };
    struct fixture f;
    struct tgvoip_relay_config config = local_config();
    struct tgvoip_failure failure;
    tgvoip_relay *relay;

    start(&f, &config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config.listen = cases[i].listen;
        assert_int_equal(
            tgvoip_relay_create(f.engine, &relay, &config, &failure),
            TGVOIP_ERR_INVALID);
        assert_null(relay);
        assert_string_equal(failure.what, cases[i].what);
    }
    config = local_config();
    config.limits.sessions = 0;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     TGVOIP_ERR_INVALID);
    assert_string_equal(failure.what, "limits.sessions");
    assert_string_equal(failure.why, "0 is out of range 1..1048576");
    config = local_config();
    config.size = 0;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     TGVOIP_ERR_INVALID);
    /* everybody, said so */
    config = local_config();
    config.listen = "0.0.0.0:0";
    config.open = true;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     0);
    tgvoip_relay_destroy(relay);
    /* or for those who have a tag */
    config.open = false;
    config.tags = caller_tag;
    config.tag_count = 1;
    assert_int_equal(tgvoip_relay_create(f.engine, &relay, &config, &failure),
                     0);
    /* left to the engine's end */
    stop(&f);
    tgvoip_relay_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_carries_datagrams_both_ways),
        cmocka_unit_test(test_relay_tells_peer_addresses),
        cmocka_unit_test(test_relay_joins_ipv4_and_ipv6),
        cmocka_unit_test(test_relay_survives_garbage),
        cmocka_unit_test(test_relay_impairs_call_data_and_not_control),
        cmocka_unit_test(test_relay_delays_and_delivers_to_the_newest_address),
        cmocka_unit_test(test_relay_forgets_silent_sessions_and_their_links),
        cmocka_unit_test(test_relay_session_added_later_is_served),
        cmocka_unit_test(test_relay_port_in_use_is_named),
        cmocka_unit_test(test_relay_address_of_another_machine_is_named),
        cmocka_unit_test(test_relay_refuses_bad_configurations),
    };

    alarm(WATCHDOG_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
