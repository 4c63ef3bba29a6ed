/* SPDX-License-Identifier: MIT */
/* rooms: base */
#include "base/addr.h"
#include "base/bytes.h"
#include "base/hist.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_reader_stops_at_the_end(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 3, 4, 5};
    struct tgv_reader r;

    tgv_reader_init(&r, data, sizeof(data));
    assert_int_equal(tgv_read_u32le(&r), 0x04030201);
    assert_int_equal(tgv_reader_left(&r), 1);
    assert_int_equal(tgv_read_u16le(&r), 0);
    assert_true(r.failed);
    assert_int_equal(tgv_read_u8(&r), 0); /* sticky */
    assert_int_equal(tgv_reader_left(&r), 0);
}

static void test_writer_never_overruns(void **state)
{
    (void)state;
    uint8_t data[4] = {0, 0, 0, 0xEE};
    struct tgv_writer w;

    tgv_writer_init(&w, data, 3);
    tgv_write_u16be(&w, 0x0102);
    tgv_write_u16le(&w, 0x0304);
    assert_true(w.failed);
    assert_int_equal(w.pos, 2);
    assert_int_equal(data[0], 1);
    assert_int_equal(data[3], 0xEE);
}

static void test_hex_is_strict(void **state)
{
    (void)state;
    uint8_t out[2];
    char text[5];

    assert_true(tgv_hex_decode("aBcD", 4, out, 2));
    assert_int_equal(out[0], 0xAB);
    tgv_hex_encode(out, 2, text);
    assert_string_equal(text, "abcd");
    assert_false(tgv_hex_decode("aBc", 3, out, 2));
    assert_false(tgv_hex_decode("aBcg", 4, out, 2));
}

static void test_addresses_parse_and_print(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* printed NULL: refused */
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"[::1]:65535", "[::1]:65535"},
        {"[2001:db8::1:0:0:2]:1", "[2001:db8::1:0:0:2]:1"},
        {"[2001:0db8:0:0:0:0:0:0]:1", "[2001:db8::]:1"},
        {"[::ffff:1.2.3.4]:1", "[::ffff:102:304]:1"},
        {"[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1"},
        {"127.0.0.1", NULL},
        {"127.0.0.1:65536", NULL},
        {"127.0.0.1:", NULL},
        {"127.0.0.01:1", NULL},
        {"127.0.0:1", NULL},
        {"256.0.0.1:1", NULL},
        {"::1:80", NULL},
        {"[::1:80", NULL},
        {"[1.2.3.4]:80", NULL},
        {"[1:2:3:4:5:6:7]:1", NULL},
        {"[1::2::3]:1", NULL},
        {"[1:2:3:4:5:6:7:8:9]:1", NULL},
        {"[:1]:1", NULL},
        {"[1:]:1", NULL},
        {"[1:2:3:4:5:6:7:8::]:1", NULL},
        {"host:1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct tgv_addr a;
        char text[TGV_ADDR_TEXT];
        bool ok = tgv_addr_parse(cases[i].text, &a);
        if (!cases[i].printed) {
            if (ok)
                fail_msg("accepted %s", cases[i].text);
            continue;
        }
        assert_true(ok);
        assert_string_equal(tgv_addr_format(&a, text, sizeof(text)),
                            cases[i].printed);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    struct tgv_addr a;

    assert_true(tgv_addr_parse_ip("127.9.9.9", 1, &a));
    assert_true(tgv_addr_is_loopback(&a));
    assert_true(tgv_addr_parse_ip("::1", 1, &a));
    assert_true(tgv_addr_is_loopback(&a));
    assert_true(tgv_addr_parse_ip("::2", 1, &a));
    assert_false(tgv_addr_is_loopback(&a));
    assert_true(tgv_addr_parse_ip("10.0.0.1", 1, &a));
    assert_false(tgv_addr_is_loopback(&a));
}

static void test_seq_unwraps_over_the_edge(void **state)
{
    (void)state;
    assert_int_equal(tgv_seq_unwrap(5, 0xFFFFFFF0), 0x100000005);
    assert_int_equal(tgv_seq_unwrap(0xFFFFFFF0, 0x100000005), 0xFFFFFFF0);
    assert_int_equal(tgv_seq_unwrap(0xFFFFFFFF, 0), -1);
}

static void test_hist_counts_only_what_was_added(void **state)
{
    (void)state;
    struct tgv_hist h;

    tgv_hist_init(&h, 4);
    assert_true(tgv_hist_mean(&h, 4) == 0.0);
    tgv_hist_add(&h, 2);
    tgv_hist_add(&h, 4);
    assert_true(tgv_hist_mean(&h, 4) == 3.0);
    assert_true(tgv_hist_min(&h) == 2.0);
    assert_true(tgv_hist_stddev(&h) == 1.0);
    for (int i = 0; i < 4; i++)
        tgv_hist_add(&h, 10 + i);
    assert_true(tgv_hist_at(&h, 0) == 13.0);
    assert_true(tgv_hist_at(&h, 3) == 10.0);
    assert_true(tgv_hist_at(&h, 4) == 0.0);
    assert_true(tgv_hist_max(&h) == 13.0);
    assert_true(tgv_hist_quantile(&h, 0.5) == 11.0);
    assert_true(tgv_hist_quantile(&h, 1.0) == 13.0);
    assert_true(tgv_hist_quantile(&h, 0.0) == 10.0);
}

static void test_ring_wraps_and_refuses_overflow(void **state)
{
    (void)state;
    struct tgv_ring r;
    int16_t in[6] = {1, 2, 3, 4, 5, 6}, out[8];

    assert_int_equal(tgv_ring_init(&r, 7), 0); /* becomes 8 */
    assert_int_equal(tgv_ring_put(&r, in, 6), 6);
    assert_int_equal(tgv_ring_get(&r, out, 4), 4);
    assert_int_equal(tgv_ring_put(&r, in, 6), 6);
    assert_int_equal(tgv_ring_put(&r, in, 6), 0);
    assert_int_equal(tgv_ring_room(&r), 0);
    assert_int_equal(tgv_ring_get(&r, NULL, 2), 2);
    assert_int_equal(tgv_ring_get(&r, out, 8), 6);
    assert_memory_equal(out, in, sizeof(in));
    assert_int_equal(tgv_ring_used(&r), 0);
    assert_int_equal(tgv_ring_get(&r, out, 8), 0);
    tgv_ring_fini(&r);
}

/* A reader who keeps up costs no more memory than what is under way. */
static void test_ring_begins_again_when_empty(void **state)
{
    int16_t in[100], out[100];
    struct tgv_ring r;

    (void)state;
    assert_int_equal(tgv_ring_init(&r, 4096), 0);
    memset(r.data, 0x55, 4096 * sizeof(*r.data));
    for (int i = 0; i < 1000; i++) {
        for (int k = 0; k < 100; k++)
            in[k] = (int16_t)(100 * i + k);
        assert_int_equal(tgv_ring_put(&r, in, 60), 60);
        assert_int_equal(tgv_ring_put(&r, in + 60, 40), 40);
        assert_int_equal(tgv_ring_get(&r, out, 70), 70);
        assert_int_equal(tgv_ring_get(&r, out + 70, 70), 30);
        assert_memory_equal(in, out, sizeof(in));
    }
    for (int i = 100; i < 4096; i++)
        assert_int_equal(r.data[i], 0x5555);
    tgv_ring_fini(&r);
}

static void test_log_escapes_what_a_peer_wrote(void **state)
{
    (void)state;
    char out[32];

    assert_string_equal(tgv_log_escape("a\x1b[1m\\\n", 7, out, sizeof(out)),
                        "a\\x1b[1m\\x5c\\x0a");
    assert_string_equal(tgv_log_escape("abcdefgh", 8, out, 8), "abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_stops_at_the_end),
        cmocka_unit_test(test_writer_never_overruns),
        cmocka_unit_test(test_hex_is_strict),
        cmocka_unit_test(test_addresses_parse_and_print),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_seq_unwraps_over_the_edge),
        cmocka_unit_test(test_hist_counts_only_what_was_added),
        cmocka_unit_test(test_ring_wraps_and_refuses_overflow),
        cmocka_unit_test(test_ring_begins_again_when_empty),
        cmocka_unit_test(test_log_escapes_what_a_peer_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
