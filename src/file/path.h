/* SPDX-License-Identifier: MIT */
#ifndef TGV_FILE_PATH_H
#define TGV_FILE_PATH_H
/*
 * What an audio file's path says about its format, and what went wrong when
 * the system refused it.
 */
#include <tgvoip/error.h>

enum tgv_file_format {
    TGV_FILE_UNKNOWN = 0,
    TGV_FILE_RAW, /* headerless 48 kHz mono s16le; also "-" */
    TGV_FILE_WAV,
    TGV_FILE_FLAC,
    TGV_FILE_OGG, /* with Opus inside */
    TGV_FILE_MP3
};

/* By the ending, whatever its case; "-" is RAW, and so is every path that
 * starts with "raw:" (a file of such a name is "./raw:..."). */
enum tgv_file_format tgv_file_format(const char *path);

/* The path without "raw:". */
const char *tgv_file_name(const char *path);

/* The path is "-" or "raw:-": standard input or output. */
int tgv_file_is_stdio(const char *path);

/* The code for an errno value of file operations. */
int tgv_file_errno(int errno_value);

/* Fill failure (may be NULL) with the path and the system's reason. */
int tgv_file_fail_errno(struct tgvoip_failure *failure, const char *path,
                        int errno_value);

#endif
