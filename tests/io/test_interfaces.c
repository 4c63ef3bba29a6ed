/* SPDX-License-Identifier: MIT */
/*
 * The list of this machine's addresses, and news of changes, which are made in
 * a network of this test's own.
 */
#define _GNU_SOURCE
#include "io/interfaces.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/own_loop.h"

struct listener {
    struct tgv_watch watch;
    struct listener *stops; /* when told */
    int told;
    unsigned count;
    struct tgv_addr addrs[TGV_INTERFACES_MAX];
};

static void on_changed(void *ctx, const struct tgv_addr *addrs, unsigned count)
{
    struct listener *l = ctx;

    l->told++;
    l->count = count;
    memcpy(l->addrs, addrs, count * sizeof(*addrs));
    if (l->stops)
        tgv_watch_stop(&l->stops->watch);
}

static void listen_on(struct listener *l)
{
    memset(l, 0, sizeof(*l));
    l->watch.changed = on_changed;
    l->watch.ctx = l;
    assert_int_equal(tgv_watch_start(loop, &l->watch, l->addrs, &l->count), 0);
}

static bool has(const struct listener *l, const char *ip)
{
    struct tgv_addr a;

    assert_true(tgv_addr_parse_ip(ip, 0, &a));
    for (unsigned i = 0; i < l->count; i++) {
        if (tgv_addr_equal(&l->addrs[i], &a))
            return true;
    }
    return false;
}

static void test_interfaces_list_is_sane(void **state)
{
    struct tgv_addr list[TGV_INTERFACES_MAX];
    unsigned count = tgv_interfaces_list(list);

    (void)state;
    assert_true(count <= TGV_INTERFACES_MAX);
    for (unsigned i = 0; i < count; i++) {
        assert_true(list[i].family == TGV_AF_IPV4 ||
                    list[i].family == TGV_AF_IPV6);
        assert_false(tgv_addr_is_loopback(&list[i]));
        assert_int_equal(list[i].port, 0);
    }
}

static void test_watch_starts_with_the_list(void **state)
{
    struct tgv_addr list[TGV_INTERFACES_MAX];
    struct listener a, b;

    (void)state;
    listen_on(&a);
    listen_on(&b);
    assert_int_equal(a.count, tgv_interfaces_list(list));
    assert_int_equal(b.count, a.count);
    assert_memory_equal(a.addrs, list, a.count * sizeof(list[0]));
    tgv_watch_stop(&a.watch);
    tgv_watch_stop(&a.watch); /* twice is nothing */
    tgv_watch_stop(&b.watch);
}

/* -- in a network of our own ------------------------------------------------- */

/* Root there, so that it may be changed. */
static bool enter_network(void)
{
    unsigned uid = (unsigned)getuid();
    FILE *map;

    if (unshare(CLONE_NEWNET) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    map = fopen("/proc/self/uid_map", "w");
    if (!map)
        return false;
    fprintf(map, "0 %u 1\n", uid);
    return fclose(map) == 0;
}

static bool run(const char *command)
{
    return system(command) == 0;
}

/* Changes that come together are told once, those without effect never. */
static void test_watch_tells_of_a_new_address_once(void **state)
{
    struct listener a, b, c;

    (void)state;
    if (!enter_network() ||
        !run("ip link add t0 type veth peer name t1 && ip link set t1 up")) {
        print_message("no network of our own is to be had here\n");
        skip();
    }
    listen_on(&a);
    assert_int_equal(a.count, 0); /* down, or loopback */
    assert_true(run("ip link set t0 addrgenmode none && "
                    "ip link set t1 addrgenmode none && "
                    "ip addr add 10.1.2.3/24 dev t0 && "
                    "ip addr add 10.1.2.4/24 dev t0"));
    step_for(&a.told, 1, TGV_MS(300));
    assert_int_equal(a.told, 0); /* not up yet */
    assert_true(run("ip link set t0 up && ip addr add 10.1.2.5/24 dev t0"));
    step_for(&a.told, 1, TGV_S(5));
    assert_int_equal(a.told, 1);
    assert_int_equal(a.count, 3);
    assert_true(has(&a, "10.1.2.3") && has(&a, "10.1.2.5"));
    /* Three listen, the first one told stops the second. */
    listen_on(&b);
    listen_on(&c);
    c.stops = &b;
    assert_true(run("ip addr add 2001:db8::7/64 dev t0 nodad && "
                    "ip addr del 10.1.2.3/24 dev t0"));
    step_for(&a.told, 2, TGV_S(5));
    assert_int_equal(a.told, 2);
    assert_int_equal(c.told, 1);
    assert_int_equal(b.told, 0);
    assert_true(has(&a, "2001:db8::7"));
    /* What changes nothing is not told. */
    assert_true(run("ip addr add 127.0.0.9/8 dev lo"));
    step_for(&a.told, 3, TGV_MS(300));
    assert_int_equal(a.told, 2);
    tgv_watch_stop(&a.watch);
    tgv_watch_stop(&c.watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interfaces_list_is_sane),
        cmocka_unit_test(test_watch_starts_with_the_list),
        /* last: the thread stays there */
        cmocka_unit_test(test_watch_tells_of_a_new_address_once),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
