/* SPDX-License-Identifier: MIT */
#include "support/no_memory.h"

#include "json/json.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
struct tgv_json *__real_tgv_json_parse(const char *text, size_t len, char *why,
                                       size_t why_cap);
struct tgv_json *__wrap_tgv_json_parse(const char *text, size_t len, char *why,
                                       size_t why_cap);

static atomic_bool counting;
static atomic_long seen, victim;
static _Thread_local bool parsing;

bool no_memory_fails(void)
{
    return atomic_load(&counting) && !parsing &&
           atomic_fetch_add(&seen, 1) == atomic_load(&victim);
}

void no_memory_begin(long number)
{
    atomic_store(&seen, 0);
    atomic_store(&victim, number);
    atomic_store(&counting, true);
}

long no_memory_end(void)
{
    atomic_store(&counting, false);
    return atomic_load(&seen);
}

void *__wrap_malloc(size_t n)
{
    return no_memory_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return no_memory_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return no_memory_fails() ? NULL : __real_realloc(p, n);
}

struct tgv_json *__wrap_tgv_json_parse(const char *text, size_t len, char *why,
                                       size_t why_cap)
{
    struct tgv_json *j;

    parsing = true;
    j = __real_tgv_json_parse(text, len, why, why_cap);
    parsing = false;
    return j;
}

/* -- the libraries' hooks ---------------------------------------------------- */

static void *openssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return no_memory_fails() ? NULL : __real_malloc(n);
}

static void *openssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return no_memory_fails() ? NULL : __real_realloc(p, n);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static void *json_malloc(size_t n)
{
    return no_memory_fails() ? NULL : __real_malloc(n);
}

void no_memory_hook_libraries(void)
{
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                 openssl_free) != 1)
        abort();
    json_set_alloc_funcs(json_malloc, free);
}
