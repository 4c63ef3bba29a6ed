/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_PIPE_H
#define TGV_IO_PIPE_H
/*
 * Pipes with a name, which to open by it may wait for the other side. Here it
 * does not.
 */
#include <stdbool.h>
#include <stdio.h>

bool tgv_pipe_is(const char *path);
/* Reading needs no writer yet; writing needs a reader.
 * @return 0 or an errno value, ENXIO: nobody reads it */
int tgv_pipe_open(FILE **out, const char *path, bool write);

#endif
