/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <string.h>
#include <sys/stat.h>

const char *file_plain(const char *path)
{
    return strncmp(path, "raw:", 4) ? path : path + 4;
}

static bool is_same(const char *a, const char *b)
{
    struct stat first, second;
    bool has_first, has_second;

    a = file_plain(a);
    b = file_plain(b);
    if (!strcmp(a, "-") || !strcmp(b, "-"))
        return false;
    has_first = stat(a, &first) == 0;
    has_second = stat(b, &second) == 0;
    if (has_first && has_second)
        return S_ISREG(first.st_mode) && first.st_dev == second.st_dev &&
               first.st_ino == second.st_ino;
    return !has_first && !has_second && !strcmp(a, b);
}

bool files_apart(struct diag *diag, const struct file_use *uses, size_t count)
{
    size_t i, k;

    for (i = 1; i < count; i++)
        for (k = 0; k < i; k++) {
            const struct file_use *a = &uses[k], *b = &uses[i];

            if (!a->path || !b->path || (!a->written && !b->written) ||
                !is_same(a->path, b->path))
                continue;
            diag_error(diag, b->option, "is the same file as that of %s",
                       a->option);
            return false;
        }
    return true;
}
