/* SPDX-License-Identifier: MIT */
#ifndef TGV_WIRE_WIRE_INT_H
#define TGV_WIRE_WIRE_INT_H
/*
 * What the files of this room share: lists of extras, and how an encoder ends.
 */
#include "base/bytes.h"
#include "wire/packet.h"

/* The list after a set HAS_EXTRA bit. @return 0 or TGVOIP_ERR_FORMAT */
int tgv_extras_read(struct tgv_header *h, struct tgv_reader *r);
/* @return 0, or TGVOIP_ERR_TOO_LARGE: too many, or one too long */
int tgv_extras_write(const struct tgv_header *h, struct tgv_writer *w);

/* count, then count times (u8 length, bytes), into at most TGV_FEC_MAX.
 * @return 0 or TGVOIP_ERR_FORMAT, *count is 0 then */
int tgv_blobs_read(struct tgv_blob *blobs, unsigned *count,
                   struct tgv_reader *r);
int tgv_blobs_write(const struct tgv_blob *blobs, unsigned count,
                    struct tgv_writer *w);

/* The result of an encoder: *len is 0 unless everything fitted. */
int tgv_writer_end(const struct tgv_writer *w, size_t *len);

#endif
