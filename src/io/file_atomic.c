/* SPDX-License-Identifier: MIT */
#include "io/file_atomic.h"

#include "base/failure.h"
#include "io/loop_uv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Synchronous operations of the event library: no loop, no callback. */

static int write_all(uv_file fd, const void *data, size_t len)
{
    const char *p = data;
    uv_fs_t req;

    while (len > 0) {
        unsigned part = len < 1u << 20 ? (unsigned)len : 1u << 20;
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p, part);
        int n = (int)uv_fs_write(NULL, &req, fd, &buf, 1, -1, NULL);
        uv_fs_req_cleanup(&req);
        if (n <= 0)
            return n < 0 ? n : UV_EIO;
        p += n;
        len -= (size_t)n;
    }
    int err = uv_fs_fsync(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
    return err;
}

static int close_file(uv_file fd)
{
    uv_fs_t req;
    int err = uv_fs_close(NULL, &req, fd, NULL);

    uv_fs_req_cleanup(&req);
    return err;
}

/* A target that exists keeps its access rights. */
static void copy_mode(const char *path, uv_file fd)
{
    uv_fs_t req;
    int mode = 0644;

    if (uv_fs_stat(NULL, &req, path, NULL) == 0)
        mode = (int)(req.statbuf.st_mode & 0777);
    uv_fs_req_cleanup(&req);
    (void)uv_fs_fchmod(NULL, &req, fd, mode, NULL);
    uv_fs_req_cleanup(&req);
}

static int replace(const char *path, char *temporary, const void *data,
                   size_t len)
{
    uv_fs_t req;
    int fd = uv_fs_mkstemp(NULL, &req, temporary, NULL);

    if (fd >= 0)
        strcpy(temporary, req.path);
    uv_fs_req_cleanup(&req);
    if (fd < 0)
        return fd;
    copy_mode(path, fd);
    int err = write_all(fd, data, len);
    int closed = close_file(fd);
    if (!err)
        err = closed;
    if (!err) {
        err = uv_fs_rename(NULL, &req, temporary, path, NULL);
        uv_fs_req_cleanup(&req);
    }
    if (err) {
        (void)uv_fs_unlink(NULL, &req, temporary, NULL);
        uv_fs_req_cleanup(&req);
    }
    return err;
}

static int replace_target(const char *path, const void *data, size_t len)
{
    size_t size = strlen(path) + sizeof(".XXXXXX");
    char *temporary = malloc(size);

    if (!temporary)
        return UV_ENOMEM;
    snprintf(temporary, size, "%s.XXXXXX", path);
    int err = replace(path, temporary, data, len);
    free(temporary);
    return err;
}

/* A device or a pipe would be gone for everybody. */
static bool is_special(const char *path)
{
    uv_fs_t req;
    int err = uv_fs_stat(NULL, &req, path, NULL);
    bool special = err == 0 && !S_ISREG(req.statbuf.st_mode) &&
                   !S_ISDIR(req.statbuf.st_mode);

    uv_fs_req_cleanup(&req);
    return special;
}

int tgv_file_atomic_write(const char *path, const void *data, size_t len,
                          struct tgvoip_failure *failure)
{
    uv_fs_t req;

    if (is_special(path))
        return tgv_fail(failure, TGVOIP_ERR_ACCESS, path, "not a regular file");
    /* What a link leads to is replaced, not the link. */
    int err = uv_fs_realpath(NULL, &req, path, NULL);
    err = replace_target(err ? path : req.ptr, data, len);
    uv_fs_req_cleanup(&req);
    if (err)
        return tgv_fail(failure, tgv_uv_error(err), path, "%s",
                        uv_strerror(err));
    return 0;
}
