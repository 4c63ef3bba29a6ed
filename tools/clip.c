/* SPDX-License-Identifier: MIT */
#include "clip.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool clip_find(const char *name, char *path, size_t size)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    if (n > 0) {
        exe[n] = '\0';
        slash = strrchr(exe, '/');
        if (slash)
            *slash = '\0';
        snprintf(path, size, "%s/%s/%s", exe, TOOL_DATA_FROM_BIN, name);
        if (access(path, R_OK) == 0)
            return true;
    }
    snprintf(path, size, "%s/%s", TOOL_SOURCE_ASSETS, name);
    return access(path, R_OK) == 0;
}
