/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_FILE_ATOMIC_H
#define TGV_IO_FILE_ATOMIC_H
/*
 * Replacing a file as a whole: a reader sees the old content or the new, and
 * so does the next run after a crash. Written to a temporary file beside the
 * target, flushed to the disk, and renamed. A link stays one, and what it leads
 * to is replaced. Blocks; not for a loop thread.
 */
#include <stddef.h>

#include <tgvoip/error.h>

/* @return 0; TGVOIP_ERR_NOT_FOUND (no such folder), TGVOIP_ERR_ACCESS (also
 *         for a device or a pipe), TGVOIP_ERR_NO_SPACE, TGVOIP_ERR_IO; the old
 *         file is then untouched. failure (may be NULL) names the path */
int tgv_file_atomic_write(const char *path, const void *data, size_t len,
                          struct tgvoip_failure *failure);

#endif
