/* SPDX-License-Identifier: MIT */
/*
 * A call is negotiated with each of its allocations failing once, those of the
 * big numbers included: it ends as calls end, with a reason, its secrets are
 * wiped, and nothing leaks (under the sanitizer).
 */
#include "support/no_memory.h"
#include "support/telegram.h"

#include <tgvoip/tgvoip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* @return allocations that there were */
static long one_run(const struct telegram_script *s, long victim,
                    unsigned outcomes[])
{
    struct telegram t;
    long seen;

    telegram_init(&t, s, 5, true);
    no_memory_begin(victim);
    telegram_run(&t);
    seen = no_memory_end();
    telegram_check(&t);
    outcomes[t.users[TG_CALLER].info.outcome]++;
    telegram_fini(&t);
    return seen;
}

static void test_no_memory_negotiation_ends_in_order(void **state)
{
    (void)state;
    const struct telegram_script scripts[] = {
        {.answer_ms = 3000, .hang_up_ms = {20000, 0}},
        {.answer_ms = 3000,
         .hang_up_ms = {20000, 0},
         .old_layer = true,
         .late_update = 0.5,
         .double_update = 0.5},
    };
    unsigned outcomes[32] = {0};

    for (int i = 0; i < 2; i++) {
        long n = 0;

        one_run(&scripts[i], -1, outcomes); /* libraries set themselves up */
        while (one_run(&scripts[i], n, outcomes) > n)
            n++;
        print_message("script %d: %ld allocations\n", i, n);
        assert_true(n > 20);
    }
    assert_true(outcomes[TGVOIP_OUTCOME_INTERNAL] > 0);
    assert_true(outcomes[TGVOIP_OUTCOME_HUNG_UP] > 0);
}

static int entries(void)
{
    struct tgvoip_account_config ac;
    struct tgvoip_ready_call rc;
    static const uint8_t key[256] = {1}, tag[16] = {2};
    const struct tgvoip_phone_connection c = {.id = 1,
                                              .ip = "1.2.3.4",
                                              .port = 5,
                                              .peer_tag = tag,
                                              .peer_tag_len = 16};
    struct tgvoip_failure f;
    tgvoip_dh_cache *cache = NULL;
    tgvoip_account *a = NULL;
    tgvoip_call_setup *setup = NULL;
    int err = tgvoip_dh_cache_create(&cache);

    if (!err)
        err =
            tgvoip_dh_cache_put(cache, 3, tgvoip_dh_known_prime(), 256, 1, &f);
    tgvoip_account_config_default(&ac);
    ac.self_id = 1;
    ac.dh_cache = cache;
    if (!err)
        err = tgvoip_account_create(&a, &ac, &f);
    tgvoip_ready_call_default(&rc);
    rc.key = key;
    rc.key_len = 256;
    rc.connections = &c;
    rc.connection_count = 1;
    rc.call_config = "{}";
    if (!err)
        err = tgvoip_account_set_call_config(a, "{}", 2, 0);
    if (!err)
        err = tgvoip_call_setup_create(&setup, &rc, &f);
    tgvoip_call_setup_destroy(setup);
    tgvoip_account_destroy(a);
    tgvoip_dh_cache_destroy(cache);
    return err;
}

static void test_no_memory_negotiation_entries(void **state)
{
    (void)state;
    long n = 0, seen;
    int err;

    assert_int_equal(entries(), 0);
    do {
        no_memory_begin(n);
        err = entries();
        seen = no_memory_end();
        assert_true(err == 0 || err == TGVOIP_ERR_NOMEM);
    } while (n++ < seen);
    assert_int_equal(err, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_negotiation_ends_in_order),
        cmocka_unit_test(test_no_memory_negotiation_entries),
    };

    no_memory_hook_libraries();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
