/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_OPUS_TOC_H
#define TGV_INSPECT_OPUS_TOC_H
/*
 * What the first bytes of an Opus packet say about it. Nothing is decoded.
 * Source: RFC 6716, 3.1 and 3.2
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_opus_toc {
    const char *mode; /* "silk", "hybrid", "celt" */
    const char *band; /* "NB", "MB", "WB", "SWB", "FB" */
    unsigned frame_us;
    unsigned frames; /* 0 if the byte that counts them is missing */
    bool stereo;
};

/* False if there is no byte to look at. */
bool tgv_opus_toc_read(struct tgv_opus_toc *t, const uint8_t *data, size_t len);

#endif
