/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_OPEN_AUDIO_H
#define TGV_API_OPEN_AUDIO_H
/*
 * Opens audio files for calls: like tgv_source_open() and tgv_sink_open(), but
 * a pipe whose other side is missing holds nobody up.
 */
#include <tgvoip/error.h>

struct tgv_sink;
struct tgv_source;

int tgv_open_source(struct tgv_source **out, const char *path,
                    struct tgvoip_failure *failure);
/* @return as tgv_sink_open(), and TGVOIP_ERR_AGAIN: nobody reads the pipe yet */
int tgv_open_sink(struct tgv_sink **out, const char *path,
                  struct tgvoip_failure *failure);

#endif
