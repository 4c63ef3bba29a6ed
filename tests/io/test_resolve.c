/* SPDX-License-Identifier: MIT */
/*
 * Names that are answered without a name server: those of the hosts file,
 * numeric ones, and what cannot be a name.
 */
#include "io/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tgvoip/error.h>

#include "support/own_loop.h"

#if defined(__SANITIZE_THREAD__)
#define NO_FORKS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_FORKS 1 /* its children may start no thread */
#endif
#endif

/* A label holds 63 characters. */
#define TOO_LONG_A_LABEL                                                       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."    \
    "test"

struct answer {
    int told;
    unsigned count;
    struct tgv_addr addrs[TGV_RESOLVE_MAX];
};

static void on_done(void *ctx, const struct tgv_addr *addrs, unsigned count)
{
    struct answer *a = ctx;

    assert_true(count <= TGV_RESOLVE_MAX);
    a->told++;
    a->count = count;
    memcpy(a->addrs, addrs, count * sizeof(*addrs));
}

static struct answer look_up(const char *name)
{
    struct answer a = {0};
    struct tgv_resolve *r;

    assert_int_equal(tgv_resolve_start(loop, &r, name, on_done, &a), 0);
    assert_int_equal(a.told, 0); /* never inside the call */
    step_for(&a.told, 1, TGV_S(10));
    assert_int_equal(a.told, 1);
    return a;
}

static void test_resolve_localhost_is_here(void **state)
{
    struct answer a = look_up("localhost");

    (void)state;
    assert_true(a.count >= 1);
    for (unsigned i = 0; i < a.count; i++) {
        assert_true(tgv_addr_is_loopback(&a.addrs[i]));
        assert_int_equal(a.addrs[i].port, 0);
        for (unsigned k = 0; k < i; k++) /* each once */
            assert_false(tgv_addr_equal(&a.addrs[i], &a.addrs[k]));
    }
}

static void test_resolve_numeric_is_itself(void **state)
{
    static const char *const names[] = {"192.0.2.7", "2001:db8::1"};
    struct tgv_addr wanted;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct answer a = look_up(names[i]);
        assert_true(tgv_addr_parse_ip(names[i], 0, &wanted));
        assert_int_equal(a.count, 1);
        assert_true(tgv_addr_equal(&a.addrs[0], &wanted));
    }
}

static void test_resolve_what_is_no_name_has_no_address(void **state)
{
    struct answer a = look_up(TOO_LONG_A_LABEL);
    struct tgv_resolve *r;
    char longer[400];

    (void)state;
    assert_int_equal(a.count, 0);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(tgv_resolve_start(loop, &r, longer, on_done, &a),
                     TGVOIP_ERR_IO);
    assert_null(r);
}

static void test_resolve_cancelled_is_never_told(void **state)
{
    struct answer a[20] = {0};
    struct answer last = {0};
    struct tgv_resolve *r[20], *other;

    (void)state;
    for (int i = 0; i < 20; i++) /* more than there are threads */
        assert_int_equal(
            tgv_resolve_start(loop, &r[i], "localhost", on_done, &a[i]), 0);
    for (int i = 0; i < 20; i++)
        tgv_resolve_cancel(r[i]);
    tgv_resolve_cancel(NULL);
    assert_int_equal(
        tgv_resolve_start(loop, &other, "127.0.0.1", on_done, &last), 0);
    step_for(&last.told, 1, TGV_S(10));
    assert_int_equal(last.told, 1);
    /* The loop may go before its look-ups are through. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(
            tgv_resolve_start(loop, &r[i], "localhost", on_done, &a[i]), 0);
    for (int i = 0; i < 20; i++)
        tgv_resolve_cancel(r[i]);
    tgv_loop_destroy(loop);
    assert_int_equal(setup(NULL), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(a[i].told, 0);
}

#ifndef NO_FORKS
/* A child of a fork has none of the threads, and looks up all the same. */
static void test_resolve_works_in_the_child_of_a_fork(void **state)
{
    struct tgv_resolve *r;
    struct answer a = {0};
    int status = -1;

    (void)state;
    assert_int_equal(tgv_resolve_start(loop, &r, "localhost", on_done, &a), 0);
    pid_t child = fork();
    if (child == 0) {
        struct answer b = {0};
        alarm(20);
        if (setup(NULL) == 0 &&
            tgv_resolve_start(loop, &r, "localhost", on_done, &b) == 0)
            step_for(&b.told, 1, TGV_S(10));
        _exit(b.told == 1 && b.count > 0 ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    step_for(&a.told, 1, TGV_S(10));
    assert_int_equal(a.told, 1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve_localhost_is_here),
        cmocka_unit_test(test_resolve_numeric_is_itself),
        cmocka_unit_test(test_resolve_what_is_no_name_has_no_address),
        cmocka_unit_test(test_resolve_cancelled_is_never_told),
#ifndef NO_FORKS
        cmocka_unit_test(test_resolve_works_in_the_child_of_a_fork),
#endif
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
