/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_TEMP_DIR_H
#define TGV_TEST_TEMP_DIR_H
/*
 * A folder of a test's own below /tmp. The test defines _GNU_SOURCE first.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMP_DIR_BYTES 64

static inline bool temp_dir_make(char dir[TEMP_DIR_BYTES])
{
    strcpy(dir, "/tmp/tgvoip-test-XXXXXX");
    return mkdtemp(dir) != NULL;
}

/* With all that is in it; 0, or it is still there. */
static inline int temp_dir_remove(const char *dir)
{
    char command[TEMP_DIR_BYTES + 16];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* The newest four paths are good. */
static inline const char *temp_path(const char *dir, const char *name)
{
    static char paths[4][2 * TEMP_DIR_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

#endif
