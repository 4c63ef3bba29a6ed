/* SPDX-License-Identifier: MIT */
/* rooms: crypto base */
/*
 * A secret that was copied or hashed stays neither on the stack nor in a
 * register, from where the dynamic linker or a signal would put it there. The
 * dead stack is read through the system, as compilers may do with it what they
 * like; words are searched for in either order of their bytes.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/secret.h"

#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define SECRET 256
#define PIECE 16
#define DEPTH 16384

/* Volatile, or the compiler takes the mask off beforehand, on the stack. */
static volatile uint8_t mask_byte = 0x5A;
static uint8_t masked[SECRET];
static uint8_t dead[DEPTH];

__attribute__((noinline)) static void draw(void)
{
    const struct tgv_random random = tgv_system_random();

    assert_int_equal(random.fill(random.ctx, masked, sizeof(masked)), 0);
}

static void unmask(uint8_t secret[SECRET])
{
    for (size_t i = 0; i < SECRET; i++)
        secret[i] = masked[i] ^ mask_byte;
}

__attribute__((noinline)) static void hash(enum tgv_hash_kind kind, size_t len)
{
    static uint8_t secret[SECRET];
    uint8_t digest[TGV_SHA256_BYTES];

    unmask(secret);
    assert_int_equal(kind == TGV_SHA1 ? tgv_sha1(secret, len, digest)
                                      : tgv_sha256(secret, len, digest),
                     0);
    raise(SIGUSR1); /* the registers are saved on the stack */
    tgv_wipe(secret, sizeof(secret));
}

__attribute__((noinline)) static struct tgv_seal *take_key(void)
{
    static uint8_t secret[SECRET];
    struct tgv_seal *s;

    unmask(secret);
    assert_int_equal(tgv_seal_create(&s, secret, true), 0);
    raise(SIGUSR1);
    tgv_wipe(secret, sizeof(secret));
    return s;
}

static unsigned pieces_at(const uint8_t *p, unsigned swap)
{
    unsigned found = 0;

    for (unsigned k = 0; k < SECRET; k += PIECE) {
        unsigned i = 0;

        while (i < PIECE && p[i ^ swap] == (uint8_t)(masked[k + i] ^ mask_byte))
            i++;
        found += i == PIECE;
    }
    return found;
}

/* The stack below this function is copied by the system, then searched. */
__attribute__((noinline)) static unsigned search_below(int mem)
{
    uint8_t here;
    const off_t from = (off_t)(uintptr_t)&here - DEPTH;
    unsigned found = 0;

    assert_int_equal(pread(mem, dead, DEPTH, from), DEPTH);
    for (size_t i = 0; i + PIECE <= DEPTH; i++)
        found += pieces_at(dead + i, 0) + pieces_at(dead + i, 3);
    tgv_wipe(dead, sizeof(dead));
    return found;
}

static int look_inside(void)
{
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    if (mem < 0)
        skip();
    draw();
    return mem;
}

static void check_hash(enum tgv_hash_kind kind)
{
    int mem = look_inside();

    for (size_t len = 64; len <= SECRET; len += 32) {
        hash(kind, len);
        assert_int_equal(search_below(mem), 0);
    }
    close(mem);
}

static void test_traces_none_of_the_input_of_sha1(void **state)
{
    (void)state;
    check_hash(TGV_SHA1);
}

static void test_traces_none_of_the_input_of_sha256(void **state)
{
    (void)state;
    check_hash(TGV_SHA256);
}

static void test_traces_none_of_the_key_of_a_seal(void **state)
{
    int mem = look_inside();
    struct tgv_seal *s = take_key();

    (void)state;
    assert_int_equal(search_below(mem), 0);
    tgv_seal_destroy(s);
    assert_int_equal(search_below(mem), 0);
    close(mem);
}

static void on_signal(int number)
{
    (void)number;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_none_of_the_input_of_sha1),
        cmocka_unit_test(test_traces_none_of_the_input_of_sha256),
        cmocka_unit_test(test_traces_none_of_the_key_of_a_seal),
    };

    signal(SIGUSR1, on_signal);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
