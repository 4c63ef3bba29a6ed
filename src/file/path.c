/* SPDX-License-Identifier: MIT */
#include "file/path.h"

#include "base/failure.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool same_word(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == *b) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static const char raw_prefix[] = "raw:";

static bool says_raw(const char *path)
{
    return strncmp(path, raw_prefix, sizeof(raw_prefix) - 1) == 0;
}

const char *tgv_file_name(const char *path)
{
    return says_raw(path) ? path + sizeof(raw_prefix) - 1 : path;
}

int tgv_file_is_stdio(const char *path)
{
    return strcmp(tgv_file_name(path), "-") == 0;
}

enum tgv_file_format tgv_file_format(const char *path)
{
    static const struct {
        const char *ending;
        enum tgv_file_format format;
    } table[] = {
        {"raw", TGV_FILE_RAW}, {"pcm", TGV_FILE_RAW},   {"wav", TGV_FILE_WAV},
        {"ogg", TGV_FILE_OGG}, {"opus", TGV_FILE_OGG},  {"oga", TGV_FILE_OGG},
        {"mp3", TGV_FILE_MP3}, {"flac", TGV_FILE_FLAC},
    };
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');

    if (says_raw(path) || tgv_file_is_stdio(path))
        return TGV_FILE_RAW;
    if (!dot || (slash && dot < slash))
        return TGV_FILE_UNKNOWN;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (same_word(dot + 1, table[i].ending))
            return table[i].format;
    return TGV_FILE_UNKNOWN;
}

int tgv_file_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return 0;
    case ENOENT:
    case ENOTDIR:
        return TGVOIP_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return TGVOIP_ERR_ACCESS;
    case ENOSPC:
    case EFBIG: /* a limit on the file's size: the disk is full for us */
#ifdef EDQUOT
    case EDQUOT:
#endif
        return TGVOIP_ERR_NO_SPACE;
    case ENOMEM:
        return TGVOIP_ERR_NOMEM;
    default:
        return TGVOIP_ERR_IO;
    }
}

int tgv_file_fail_errno(struct tgvoip_failure *failure, const char *path,
                        int errno_value)
{
    int code = tgv_file_errno(errno_value);
    char why[128];

    /* "No such file or directory" -> "no such file or directory": a clause */
    strncpy(why, strerror(errno_value), sizeof(why) - 1);
    why[sizeof(why) - 1] = '\0';
    if (why[0] && !isupper((unsigned char)why[1]))
        why[0] = (char)tolower((unsigned char)why[0]);
    return tgv_fail(failure, code ? code : TGVOIP_ERR_IO, path, "%s", why);
}
