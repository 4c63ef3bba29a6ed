/* SPDX-License-Identifier: MIT */
/* rooms: io base */
#define _GNU_SOURCE
#include "base/random.h"
#include "io/file_atomic.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/system.h"
#include "io/timer.h"
#include "io/udp.h"
#include "io/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t virtual_clock(void *ctx)
{
    return *(int64_t *)ctx;
}

static struct tgv_loop *make_loop(bool own_thread, int64_t *now)
{
    struct tgv_loop_config config = {.own_thread = own_thread};
    struct tgv_loop *l;

    if (now) {
        config.clock = virtual_clock;
        config.clock_ctx = now;
    }
    assert_int_equal(tgv_loop_create(&l, &config), 0);
    return l;
}

/* Step a loop without thread, at most 2 s, until *flag is not 0. */
static void step_until(struct tgv_loop *l, const int *flag)
{
    tgv_time end = tgv_system_now() + TGV_S(2);

    tgv_loop_step(l);
    while (!*flag && tgv_system_now() < end) {
        struct pollfd p = {.fd = tgv_loop_fd(l), .events = POLLIN};
        int64_t us = tgv_loop_timeout_us(l);
        poll(&p, 1, us < 0 || us > 100000 ? 100 : (int)((us + 999) / 1000));
        tgv_loop_step(l);
    }
    assert_int_not_equal(*flag, 0);
}

/* -- timers --------------------------------------------------------------- */

struct fired {
    char names[64];
    size_t count;
    struct tgv_timer *again;
};
struct named {
    struct tgv_timer timer;
    struct fired *to;
    char name;
    tgv_time period;
};

static void on_timer(void *ctx, tgv_time now)
{
    struct named *n = ctx;

    assert_true(n->to->count < sizeof(n->to->names) - 1);
    n->to->names[n->to->count++] = n->name;
    if (n->period)
        tgv_timer_arm(&n->timer, now + n->period);
}

static void test_timer_equal_deadlines_fire_in_order(void **state)
{
    (void)state;
    int64_t now = 1000;
    struct tgv_loop *l = make_loop(false, &now);
    struct fired f = {0};
    struct named n[5] = {0};

    for (int i = 0; i < 5; i++) {
        n[i].to = &f;
        n[i].name = (char)('a' + i);
        assert_int_equal(tgv_timer_init(&n[i].timer, l, on_timer, &n[i]), 0);
    }
    tgv_timer_arm(&n[4].timer, 5000);
    tgv_timer_arm(&n[1].timer, 2000);
    tgv_timer_arm(&n[0].timer, 2000);
    tgv_timer_arm(&n[2].timer, 1500);
    tgv_timer_arm(&n[3].timer, 1800);
    tgv_timer_arm(&n[3].timer, TGV_NEVER);
    assert_int_equal(tgv_loop_timeout_us(l), 500);
    tgv_loop_step(l);
    assert_string_equal(f.names, "");
    now = 2000;
    tgv_loop_step(l);
    assert_string_equal(f.names, "cba");
    assert_int_equal(tgv_loop_timeout_us(l), 3000);
    tgv_timer_fini(&n[4].timer);
    assert_int_equal(tgv_loop_timeout_us(l), -1);
    for (int i = 0; i < 4; i++)
        tgv_timer_fini(&n[i].timer);
    tgv_loop_destroy(l);
}

static void test_timer_always_due_lets_others_run(void **state)
{
    (void)state;
    int64_t now = 0;
    struct tgv_loop *l = make_loop(false, &now);
    struct fired f = {0};
    struct named n[2] = {{.to = &f, .name = 'x'}, {.to = &f, .name = 'y'}};

    for (int i = 0; i < 2; i++)
        assert_int_equal(tgv_timer_init(&n[i].timer, l, on_timer, &n[i]), 0);
    n[0].period = -5; /* is due again at once */
    tgv_timer_arm(&n[0].timer, 0);
    tgv_timer_arm(&n[1].timer, 0);
    tgv_loop_step(l);
    assert_non_null(strchr(f.names, 'y'));
    for (int i = 0; i < 2; i++)
        tgv_timer_fini(&n[i].timer);
    tgv_loop_destroy(l);
}

struct slow {
    struct tgv_timer timer;
    struct tgv_loop *loop;
    struct tgv_post *post; /* posted by the first one */
    int64_t *clock;
    int *fired;
    tgv_time late;
};

static void on_slow(void *ctx, tgv_time now)
{
    struct slow *s = ctx;

    s->late = now;
    if (s->post)
        tgv_loop_post(s->loop, s->post);
    *s->clock += 1000;
    ++*s->fired;
}

struct seen {
    const int *fired;
    int when; /* how many had fired */
};

static void on_posted(void *ctx)
{
    struct seen *s = ctx;

    s->when = *s->fired;
}

static void test_timers_that_take_long_let_sockets_have_turns(void **state)
{
    (void)state;
    int64_t now = 0;
    int fired = 0;
    struct tgv_loop *l = make_loop(false, &now);
    struct seen seen = {.fired = &fired};
    struct tgv_post post = {.fn = on_posted, .ctx = &seen};
    struct slow slow[20];

    for (int i = 0; i < 20; i++) {
        slow[i] = (struct slow){.loop = l, .clock = &now, .fired = &fired};
        assert_int_equal(tgv_timer_init(&slow[i].timer, l, on_slow, &slow[i]),
                         0);
        tgv_timer_arm(&slow[i].timer, 0);
    }
    slow[0].post = &post;
    for (int i = 0; i < 20 && fired < 20; i++) {
        assert_int_equal(tgv_loop_timeout_us(l), 0);
        tgv_loop_step(l);
    }
    assert_int_equal(fired, 20);
    assert_in_range(seen.when, 1, 3);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(slow[i].late, i * 1000); /* each knows how late */
        tgv_timer_fini(&slow[i].timer);
    }
    tgv_loop_destroy(l);
}

/* 2000 random operations against a plain list. */
static void test_timer_heap_agrees_with_a_list(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct named n[N];
    int64_t now = 0;
    uint64_t seed = 7;
    struct tgv_prng g;
    struct tgv_loop *l = make_loop(false, &now);
    struct fired f = {0};
    tgv_time want[N];

    print_message("seed %llu\n", (unsigned long long)seed);
    tgv_prng_init(&g, seed);
    for (int i = 0; i < N; i++) {
        n[i] = (struct named){.to = &f, .name = 't'};
        assert_int_equal(tgv_timer_init(&n[i].timer, l, on_timer, &n[i]), 0);
        want[i] = TGV_NEVER;
    }
    for (int k = 0; k < 2000; k++) {
        uint32_t i = tgv_prng_below(&g, N);
        tgv_time least = TGV_NEVER;
        want[i] =
            tgv_prng_below(&g, 4) ? 1 + tgv_prng_below(&g, 1000) : TGV_NEVER;
        tgv_timer_arm(&n[i].timer, want[i]);
        for (int j = 0; j < N; j++)
            least = tgv_time_min(least, want[j]);
        assert_int_equal(tgv_loop_timeout_us(l),
                         least == TGV_NEVER ? -1 : least);
    }
    for (int i = 0; i < N; i++)
        tgv_timer_fini(&n[i].timer);
    tgv_loop_destroy(l);
}

struct alarm {
    struct tgv_timer timer;
    struct tgv_loop *loop;
    struct tgv_lock *lock;
    tgv_time at, fired;
};

static void on_alarm(void *ctx, tgv_time now)
{
    struct alarm *a = ctx;

    tgv_timer_fini(&a->timer);
    tgv_lock_enter(a->lock);
    a->fired = now;
    tgv_lock_wake(a->lock);
    tgv_lock_leave(a->lock);
}

static void arm_alarm(void *ctx)
{
    struct alarm *a = ctx;

    assert_int_equal(tgv_timer_init(&a->timer, a->loop, on_alarm, a), 0);
    tgv_timer_arm(&a->timer, a->at);
}

static void test_eng_04_timer_of_a_thread_is_on_time_and_never_early(void **s)
{
    (void)s;
    struct tgv_loop *l = make_loop(true, NULL);
    struct alarm a = {.loop = l, .lock = tgv_lock_create()};

    for (int i = 0; i < 10; i++) {
        a.fired = 0;
        a.at = tgv_loop_now(l) + 3300;
        tgv_loop_run(l, arm_alarm, &a);
        tgv_lock_enter(a.lock);
        while (!a.fired)
            tgv_lock_wait(a.lock);
        tgv_lock_leave(a.lock);
        assert_true(a.fired >= a.at);
        assert_true(a.fired < a.at + TGV_S(1));
    }
    tgv_loop_destroy(l);
    tgv_lock_destroy(a.lock);
}

/* -- posts ---------------------------------------------------------------- */

struct counter {
    struct tgv_loop *loop;
    int count;
    bool inside;
};

static void count(void *ctx)
{
    struct counter *c = ctx;

    c->count++;
    c->inside = tgv_loop_inside(c->loop) && tgv_loop_inside_any();
}

static void test_loop_posts_run_in_order_before_it_ends(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(true, NULL);
    struct counter c = {.loop = l};
    struct tgv_post p[100];

    assert_false(tgv_loop_inside(l));
    for (int i = 0; i < 100; i++) {
        p[i] = (struct tgv_post){.fn = count, .ctx = &c};
        tgv_loop_post(l, &p[i]);
    }
    tgv_loop_run(l, count, &c);
    assert_int_equal(c.count, 101);
    assert_true(c.inside);
    tgv_loop_post(l, &p[0]);
    tgv_loop_destroy(l);
    assert_int_equal(c.count, 102);
}

static void test_loop_without_thread_runs_at_once_for_its_owner(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct counter c = {.loop = l};
    struct tgv_post p = {.fn = count, .ctx = &c};
    struct pollfd fd = {.fd = tgv_loop_fd(l), .events = POLLIN};

    assert_true(tgv_loop_inside(l));
    assert_false(tgv_loop_inside_any());
    tgv_loop_run(l, count, &c);
    assert_int_equal(c.count, 1);
    tgv_loop_step(l);
    assert_int_equal(poll(&fd, 1, 0), 0);
    tgv_loop_post(l, &p);
    assert_int_equal(poll(&fd, 1, 1000), 1);
    tgv_loop_step(l);
    assert_int_equal(c.count, 2);
    tgv_loop_destroy(l);
}

/* -- work ----------------------------------------------------------------- */

struct job {
    struct tgv_lock *lock;
    int worked, done;
    bool may_end;
};

static void do_work(void *ctx)
{
    struct job *j = ctx;

    assert_false(tgv_loop_inside_any());
    tgv_lock_enter(j->lock);
    while (!j->may_end)
        tgv_lock_wait(j->lock);
    j->worked++;
    tgv_lock_leave(j->lock);
}

static void work_done(void *ctx)
{
    struct job *j = ctx;

    j->done = j->worked;
}

static void test_work_runs_elsewhere_and_reports_on_the_loop(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct job j = {.lock = tgv_lock_create(), .may_end = true};
    struct tgv_work *w;

    assert_int_equal(tgv_work_create(&w, l, do_work, work_done, &j), 0);
    tgv_work_submit(w);
    assert_true(tgv_work_in_flight(w));
    tgv_work_wait(w);
    assert_int_equal(j.worked, 1);
    assert_int_equal(j.done, 0);
    step_until(l, &j.done);
    assert_false(tgv_work_in_flight(w));
    tgv_work_destroy(w);
    tgv_loop_destroy(l);
    tgv_lock_destroy(j.lock);
}

static void test_work_destroyed_in_flight_does_not_report(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct job j = {.lock = tgv_lock_create()};
    struct tgv_work *w;

    assert_int_equal(tgv_work_create(&w, l, do_work, work_done, &j), 0);
    tgv_work_submit(w);
    tgv_work_destroy(w);
    tgv_lock_enter(j.lock);
    j.may_end = true;
    tgv_lock_wake(j.lock);
    tgv_lock_leave(j.lock);
    tgv_loop_destroy(l);
    assert_int_equal(j.worked, 1);
    assert_int_equal(j.done, 0);
    tgv_lock_destroy(j.lock);
}

/* -- UDP ------------------------------------------------------------------ */

struct end {
    struct tgv_udp *udp;
    struct tgv_addr local, from;
    uint8_t last[64];
    size_t len;
    int received, batches, failed;
    bool close_in_receive;
};

static void on_receive(void *ctx, const struct tgv_addr *from, uint8_t *pkt,
                       size_t len)
{
    struct end *e = ctx;

    e->received++;
    e->from = *from;
    e->len = len;
    if (len <= sizeof(e->last))
        memcpy(e->last, pkt, len);
    if (e->close_in_receive) {
        tgv_udp_close(e->udp);
        e->udp = NULL;
    }
}

static void on_batch_end(void *ctx)
{
    ((struct end *)ctx)->batches++;
}

static void on_failed(void *ctx, int error)
{
    ((struct end *)ctx)->failed = error;
}

static void open_end(struct tgv_loop *l, struct end *e, const char *bind)
{
    struct tgv_udp_config config = {.receive = on_receive,
                                    .batch_end = on_batch_end,
                                    .failed = on_failed,
                                    .ctx = e};

    if (bind)
        assert_true(tgv_addr_parse(bind, &config.bind));
    assert_int_equal(tgv_udp_open(l, &e->udp, &config), 0);
    tgv_udp_local(e->udp, &e->local);
}

static void test_udp_random_port_is_in_range_and_talks_ipv4(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0}, b = {0};
    struct tgv_addr to;

    open_end(l, &a, NULL);
    open_end(l, &b, "127.0.0.1:0");
    assert_in_range(a.local.port, 16384, 32767);
    assert_int_equal(tgv_udp_send(a.udp, &b.local, (uint8_t *)"hello", 5), 0);
    step_until(l, &b.received);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.last, "hello", 5);
    assert_int_equal(b.from.family, TGV_AF_IPV4);
    assert_int_equal(b.from.port, a.local.port);
    to = b.from;
    assert_int_equal(tgv_udp_send(b.udp, &to, (uint8_t *)"yes", 3), 0);
    step_until(l, &a.received);
    assert_true(tgv_addr_equal(&a.from, &b.local));
    assert_true(a.batches >= 1);
    tgv_udp_close(a.udp);
    tgv_udp_close(b.udp);
    tgv_loop_destroy(l);
}

static void test_udp_many_are_sent_and_received_in_order(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0}, b = {0};
    struct tgv_udp_out out[70];
    uint8_t bytes[70];
    struct tgv_addr nowhere = {.family = TGV_AF_IPV6, .port = 9};

    open_end(l, &a, "127.0.0.1:0");
    open_end(l, &b, "127.0.0.1:0");
    for (size_t i = 0; i < 70; i++) {
        bytes[i] = (uint8_t)i;
        out[i] = (struct tgv_udp_out){b.local, &bytes[i], 1};
    }
    out[33].to = nowhere; /* cannot be reached from an IPv4 socket */
    assert_int_equal(tgv_udp_send_many(a.udp, out, 70), 70);
    for (int i = 0; i < 50 && b.received < 69; i++)
        tgv_loop_step(l);
    assert_int_equal(b.received, 69);
    assert_int_equal(b.last[0], 69);
    assert_true(b.batches < 20);
    struct tgv_udp_stats stats;
    tgv_udp_stats(a.udp, &stats);
    assert_int_equal(stats.send_errors, 1);
    tgv_udp_close(a.udp);
    tgv_udp_close(b.udp);
    tgv_loop_destroy(l);
}

static void test_udp_can_be_closed_while_it_receives(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0}, b = {.close_in_receive = true};

    open_end(l, &a, "127.0.0.1:0");
    open_end(l, &b, "127.0.0.1:0");
    for (int i = 0; i < 5; i++)
        assert_int_equal(tgv_udp_send(a.udp, &b.local, (uint8_t *)"x", 1), 0);
    step_until(l, &b.received);
    tgv_loop_step(l);
    assert_int_equal(b.received, 1);
    assert_int_equal(b.batches, 0);
    tgv_udp_close(a.udp);
    tgv_loop_destroy(l);
}

static void test_udp_port_in_use_is_told(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0};
    struct tgv_udp_config config = {.receive = on_receive};
    struct tgv_udp *u;

    open_end(l, &a, "127.0.0.1:0");
    config.bind = a.local;
    assert_int_equal(tgv_udp_open(l, &u, &config), TGVOIP_ERR_IN_USE);
    assert_null(u);
    assert_true(tgv_addr_parse("192.0.2.1:0", &config.bind));
    assert_int_equal(tgv_udp_open(l, &u, &config), TGVOIP_ERR_NOT_FOUND);
    tgv_udp_close(a.udp);
    tgv_loop_destroy(l);
}

static void test_eng_27_network_errors_do_not_end_a_socket(void **state)
{
    (void)state;
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0}, b = {0};
    static uint8_t big[70000];
    struct tgv_udp_stats stats;
    struct tgv_addr dead;

    open_end(l, &a, "127.0.0.1:0");
    open_end(l, &b, "127.0.0.1:0");
    assert_true(tgv_addr_parse("127.0.0.1:1", &dead));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tgv_udp_send(a.udp, &b.local, big, sizeof(big)), 0);
        assert_int_equal(tgv_udp_send(a.udp, &dead, big, 10), 0);
        tgv_loop_step(l);
    }
    tgv_udp_stats(a.udp, &stats);
    assert_true(stats.send_errors >= 3);
    assert_int_equal(a.failed, 0);
    assert_int_equal(tgv_udp_send(a.udp, &b.local, (uint8_t *)"ok", 2), 0);
    step_until(l, &b.received);
    tgv_udp_close(a.udp);
    tgv_udp_close(b.udp);
    tgv_loop_destroy(l);
}

/* The traffic class as the receiver sees it. */
static int received_class(int family, const char *bind_text)
{
    struct tgv_loop *l = make_loop(false, NULL);
    struct end a = {0};
    char control[256];
    uint8_t data[16];
    struct iovec iov = {data, sizeof(data)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct sockaddr_storage ss = {.ss_family = (sa_family_t)family};
    socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
                                      : sizeof(struct sockaddr_in6);
    struct tgv_addr to;
    int on = 1, found = -1;
    int fd = socket(family, SOCK_DGRAM, 0);

    if (family == AF_INET) {
        setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
        ((struct sockaddr_in *)&ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
        ((struct sockaddr_in6 *)&ss)->sin6_addr = in6addr_loopback;
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) != 0) {
        print_message("family %d is not available here\n", family);
        tgv_loop_destroy(l);
        return 0xB8;
    }
    getsockname(fd, (struct sockaddr *)&ss, &len);
    assert_true(tgv_addr_parse(bind_text, &to));
    to.port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
    open_end(l, &a, NULL);
    assert_int_equal(tgv_udp_send(a.udp, &to, (uint8_t *)"x", 1), 0);
    assert_int_equal(recvmsg(fd, &msg, 0), 1);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_type == IP_TOS || c->cmsg_type == IPV6_TCLASS)
            found = *CMSG_DATA(c);
    }
    close(fd);
    tgv_udp_close(a.udp);
    tgv_loop_destroy(l);
    return found;
}

static void test_eng_25_traffic_class_on_both_families(void **state)
{
    (void)state;
    assert_int_equal(received_class(AF_INET, "127.0.0.1:0"), 0xB8);
    assert_int_equal(received_class(AF_INET6, "[::1]:0"), 0xB8);
}

/* -- system --------------------------------------------------------------- */

static void test_system_random_and_cores(void **state)
{
    (void)state;
    struct tgv_random r = tgv_os_random();
    uint8_t a[16] = {0}, b[16] = {0};

    assert_int_equal(r.fill(r.ctx, a, sizeof(a)), 0);
    assert_int_equal(r.fill(r.ctx, b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(tgv_system_cores() >= 1);
    assert_true(tgv_system_unix_time() > 1700000000);
}

static void test_file_atomic_replaces_and_keeps_on_failure(void **state)
{
    (void)state;
    char dir[] = "/tmp/tgvoip-test-XXXXXX", path[64], text[16] = {0};
    struct tgvoip_failure failure;
    struct stat st;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state", dir);
    assert_int_equal(tgv_file_atomic_write(path, "first", 5, NULL), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(tgv_file_atomic_write(path, "second", 6, NULL), 0);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof(text), f), 6);
    fclose(f);
    assert_string_equal(text, "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* no temporary file is left */
    assert_int_equal(tgv_file_atomic_write(path, "x", 1, &failure),
                     TGVOIP_ERR_NOT_FOUND);
    assert_string_equal(failure.what, path);
}

/* The library below would take it, and end the process when it closes it. */
static void test_loop_needs_the_standard_descriptors(void **state)
{
    (void)state;
    for (int fd = 0; fd <= 2; fd++) {
        const struct tgv_loop_config config = {0};
        struct tgv_loop *l;
        int saved = dup(fd);

        assert_true(saved > 2);
        close(fd);
        int err = tgv_loop_create(&l, &config);
        int again = dup2(saved, fd);
        close(saved);
        assert_int_equal(again, fd);
        assert_int_equal(err, TGVOIP_ERR_STATE);
        assert_null(l);
    }
}

/* Replacing a device would take it from everybody: once it was /dev/null. */
static void test_file_atomic_leaves_pipes_and_links_what_they_are(void **state)
{
    (void)state;
    char dir[] = "/tmp/tgvoip-test-XXXXXX", path[64], link[64];
    struct tgvoip_failure failure;
    struct stat st;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state", dir);
    snprintf(link, sizeof(link), "%s/link", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(symlink("state", link), 0);
    assert_int_equal(tgv_file_atomic_write(path, "x", 1, &failure),
                     TGVOIP_ERR_ACCESS);
    assert_string_equal(failure.what, path);
    assert_int_equal(tgv_file_atomic_write(link, "x", 1, NULL),
                     TGVOIP_ERR_ACCESS);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));

    unlink(path);
    assert_int_equal(tgv_file_atomic_write(path, "first", 5, NULL), 0);
    assert_int_equal(tgv_file_atomic_write(link, "second", 6, NULL), 0);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 6);
    unlink(link);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_equal_deadlines_fire_in_order),
        cmocka_unit_test(test_timer_always_due_lets_others_run),
        cmocka_unit_test(test_timers_that_take_long_let_sockets_have_turns),
        cmocka_unit_test(test_timer_heap_agrees_with_a_list),
        cmocka_unit_test(
            test_eng_04_timer_of_a_thread_is_on_time_and_never_early),
        cmocka_unit_test(test_loop_posts_run_in_order_before_it_ends),
        cmocka_unit_test(test_loop_without_thread_runs_at_once_for_its_owner),
        cmocka_unit_test(test_loop_needs_the_standard_descriptors),
        cmocka_unit_test(test_work_runs_elsewhere_and_reports_on_the_loop),
        cmocka_unit_test(test_work_destroyed_in_flight_does_not_report),
        cmocka_unit_test(test_udp_random_port_is_in_range_and_talks_ipv4),
        cmocka_unit_test(test_udp_many_are_sent_and_received_in_order),
        cmocka_unit_test(test_udp_can_be_closed_while_it_receives),
        cmocka_unit_test(test_udp_port_in_use_is_told),
        cmocka_unit_test(test_eng_27_network_errors_do_not_end_a_socket),
        cmocka_unit_test(test_eng_25_traffic_class_on_both_families),
        cmocka_unit_test(test_system_random_and_cores),
        cmocka_unit_test(test_file_atomic_replaces_and_keeps_on_failure),
        cmocka_unit_test(test_file_atomic_leaves_pipes_and_links_what_they_are),
    };

    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
