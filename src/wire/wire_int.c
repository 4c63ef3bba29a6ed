/* SPDX-License-Identifier: MIT */
#include "wire/wire_int.h"

#include <tgvoip/error.h>

int tgv_writer_end(const struct tgv_writer *w, size_t *len)
{
    *len = w->failed ? 0 : w->pos;
    return w->failed ? TGVOIP_ERR_TOO_LARGE : 0;
}

int tgv_blobs_read(struct tgv_blob *blobs, unsigned *count,
                   struct tgv_reader *r)
{
    unsigned n = tgv_read_u8(r);

    *count = 0;
    if (r->failed || n > TGV_FEC_MAX)
        return TGVOIP_ERR_FORMAT;
    for (unsigned i = 0; i < n; i++) {
        blobs[i].len = tgv_read_u8(r);
        blobs[i].data = tgv_read_bytes(r, blobs[i].len);
    }
    if (r->failed)
        return TGVOIP_ERR_FORMAT;
    *count = n;
    return 0;
}

int tgv_blobs_write(const struct tgv_blob *blobs, unsigned count,
                    struct tgv_writer *w)
{
    if (count > TGV_FEC_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    tgv_write_u8(w, (uint8_t)count);
    for (unsigned i = 0; i < count; i++) {
        if (blobs[i].len > TGV_FEC_LEN_MAX)
            return TGVOIP_ERR_TOO_LARGE;
        tgv_write_u8(w, (uint8_t)blobs[i].len);
        tgv_write_bytes(w, blobs[i].data, blobs[i].len);
    }
    return 0;
}
