/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_IMPAIRMENT_H
#define TGV_API_IMPAIRMENT_H
/* What a tgvoip_impairment holds, for the other files of this room. */
#include "link/link.h"

struct tgvoip_impairment {
    struct tgv_impairment imp;
};

#endif
