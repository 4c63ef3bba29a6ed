/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_NO_MEMORY_H
#define TGV_TEST_NO_MEMORY_H
/*
 * The Nth allocation fails. Ours are caught by the linker's --wrap, which
 * ../CMakeLists.txt sets for the programs that use this; those of OpenSSL and
 * of the JSON library through their hooks. The JSON library's parser is left
 * in peace: version 2.14 crashes when its memory fails.
 */
#include <stdbool.h>

/* Catch the libraries' allocations too. First thing in main(). */
void no_memory_hook_libraries(void);

/* Count allocations from here; number `victim` (0, 1, ...) fails, -1 none. */
void no_memory_begin(long victim);
/* @return allocations that there were */
long no_memory_end(void);
/* For doubles of other libraries: is this one to fail? */
bool no_memory_fails(void);

#endif
