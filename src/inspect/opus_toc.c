/* SPDX-License-Identifier: MIT */
#include "inspect/opus_toc.h"

#define CONFIG_HYBRID 12
#define CONFIG_CELT 16

static void read_config(struct tgv_opus_toc *t, unsigned config)
{
    static const char *const silk_bands[] = {"NB", "MB", "WB"};
    static const char *const celt_bands[] = {"NB", "WB", "SWB", "FB"};
    static const unsigned silk_us[] = {10000, 20000, 40000, 60000};
    static const unsigned celt_us[] = {2500, 5000, 10000, 20000};

    if (config < CONFIG_HYBRID) {
        t->mode = "silk";
        t->band = silk_bands[config / 4];
        t->frame_us = silk_us[config % 4];
    } else if (config < CONFIG_CELT) {
        t->mode = "hybrid";
        t->band = config < CONFIG_HYBRID + 2 ? "SWB" : "FB";
        t->frame_us = silk_us[config % 2];
    } else {
        t->mode = "celt";
        t->band = celt_bands[(config - CONFIG_CELT) / 4];
        t->frame_us = celt_us[config % 4];
    }
}

bool tgv_opus_toc_read(struct tgv_opus_toc *t, const uint8_t *data, size_t len)
{
    *t = (struct tgv_opus_toc){0};
    if (len == 0)
        return false;
    read_config(t, data[0] >> 3);
    t->stereo = (data[0] & 4) != 0;
    switch (data[0] & 3) {
    case 0:
        t->frames = 1;
        break;
    case 1:
    case 2:
        t->frames = 2;
        break;
    default:
        t->frames = len > 1 ? data[1] & 0x3Fu : 0;
        break;
    }
    return true;
}
