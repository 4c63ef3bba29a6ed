/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_COPY_H
#define TGV_NEGOTIATE_COPY_H
/*
 * A phone call object of its own, for updates that must wait.
 */
#include <tgvoip/signaling.h>

/* One block of memory, to be freed with free(). NULL: no memory, or larger
 * than any honest one. */
struct tgvoip_phone_call *
tgv_phone_call_copy(const struct tgvoip_phone_call *call);

#endif
