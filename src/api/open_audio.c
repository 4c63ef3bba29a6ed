/* SPDX-License-Identifier: MIT */
#include "api/open_audio.h"

#include "base/failure.h"
#include "file/path.h"
#include "file/sink.h"
#include "file/source.h"
#include "io/pipe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static bool is_pipe(const char *path)
{
    return !tgv_file_is_stdio(path) && tgv_pipe_is(tgv_file_name(path));
}

static int open_pipe(FILE **out, const char *path, bool write,
                     struct tgvoip_failure *failure)
{
    const char *name = tgv_file_name(path);
    int error;

    if (tgv_file_format(path) != TGV_FILE_RAW)
        return tgv_fail(
            failure, write ? TGVOIP_ERR_UNSUPPORTED : TGVOIP_ERR_FORMAT, path,
            "a pipe carries headerless PCM only (.raw, .pcm)");
    error = tgv_pipe_open(out, name, write);
    if (error == ENXIO)
        return tgv_fail(failure, TGVOIP_ERR_AGAIN, path,
                        "nobody reads this pipe");
    return error ? tgv_file_fail_errno(failure, name, error) : 0;
}

int tgv_open_source(struct tgv_source **out, const char *path,
                    struct tgvoip_failure *failure)
{
    FILE *pipe;
    int err;

    if (!is_pipe(path))
        return tgv_source_open(out, path, failure);
    *out = NULL;
    err = open_pipe(&pipe, path, false, failure);
    return err ? err : tgv_source_open_pipe(out, pipe, path, failure);
}

int tgv_open_sink(struct tgv_sink **out, const char *path,
                  struct tgvoip_failure *failure)
{
    FILE *pipe;
    int err;

    if (!is_pipe(path))
        return tgv_sink_open(out, path, failure);
    *out = NULL;
    err = open_pipe(&pipe, path, true, failure);
    return err ? err : tgv_sink_open_pipe(out, pipe, path, failure);
}
