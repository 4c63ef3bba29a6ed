/* SPDX-License-Identifier: MIT */
#include "io/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool tgv_pipe_is(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Only to open does not block: what is written to the stream is whole. */
int tgv_pipe_open(FILE **out, const char *path, bool write)
{
    int how = write ? O_WRONLY : O_RDONLY;
    int fd = open(path, how | O_NONBLOCK | O_CLOEXEC);
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    *out = NULL;
    if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
        *out = fdopen(fd, write ? "wb" : "rb");
    if (*out)
        return 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    return error;
}
