/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_TEXT_FILE_H
#define TGV_IO_TEXT_FILE_H
/*
 * A file that only grows, in whole pieces: a piece that the disk has no room
 * for leaves nothing of itself behind. Nothing is held back in the process.
 * Blocks, for as long as a disk takes; not for a loop thread. A pipe whose
 * reader stalls or is not there is an error.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

struct tgv_text_file;

/* Create, and truncate unless `append`. @return 0; TGVOIP_ERR_NOMEM,
 * _NOT_FOUND (no such folder), _ACCESS, _IO; failure names the path */
int tgv_text_file_open(struct tgv_text_file **out, const char *path,
                       bool append, struct tgvoip_failure *failure);
/* @return 0; TGVOIP_ERR_NO_SPACE, _IO; failure names the path */
int tgv_text_file_write(struct tgv_text_file *f, const char *data, size_t len,
                        struct tgvoip_failure *failure);
/* Bytes that it holds. */
int64_t tgv_text_file_size(const struct tgv_text_file *f);
/* Go on with an empty file; the old one is now called PATH.1. A second such
 * is replaced. Errors as open; the old file is then still the one. */
int tgv_text_file_rotate(struct tgv_text_file *f,
                         struct tgvoip_failure *failure);
void tgv_text_file_close(struct tgv_text_file *f); /* NULL is fine */

#endif
