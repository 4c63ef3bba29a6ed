/* SPDX-License-Identifier: MIT */
#include "io/text_file.h"

#include "base/failure.h"
#include "io/loop_uv.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Synchronous operations of the event library: no loop, no callback. */

struct tgv_text_file {
    uv_file fd;
    bool regular; /* not a pipe or a device: these have no size */
    int64_t size;
    char path[];
};

static int fail(const struct tgv_text_file *f, struct tgvoip_failure *failure,
                int uv)
{
    return tgv_fail(failure, tgv_uv_error(uv), f->path, "%s",
                    uv == UV_ENXIO ? "nobody reads this pipe"
                                   : uv_strerror(uv));
}

static int open_file(const char *path, bool append)
{
    int flags = O_WRONLY | O_CREAT | O_NONBLOCK | (append ? O_APPEND : O_TRUNC);
    uv_fs_t req;
    int fd = uv_fs_open(NULL, &req, path, flags, 0644, NULL);

    uv_fs_req_cleanup(&req);
    return fd;
}

static void find_size(struct tgv_text_file *f)
{
    uv_fs_t req;

    if (uv_fs_fstat(NULL, &req, f->fd, NULL) == 0 &&
        S_ISREG(req.statbuf.st_mode)) {
        f->regular = true;
        f->size = (int64_t)req.statbuf.st_size;
    }
    uv_fs_req_cleanup(&req);
}

static void close_file(uv_file fd)
{
    uv_fs_t req;

    (void)uv_fs_close(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
}

int tgv_text_file_open(struct tgv_text_file **out, const char *path,
                       bool append, struct tgvoip_failure *failure)
{
    size_t len = strlen(path);
    struct tgv_text_file *f = calloc(1, sizeof(*f) + len + 1);

    *out = NULL;
    if (!f)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    memcpy(f->path, path, len);
    f->fd = open_file(path, append);
    if (f->fd < 0) {
        int err = fail(f, failure, f->fd);
        free(f);
        return err;
    }
    find_size(f);
    *out = f;
    return 0;
}

static int write_all(struct tgv_text_file *f, const char *data, size_t len)
{
    uv_fs_t req;

    while (len > 0) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
        int n = (int)uv_fs_write(NULL, &req, f->fd, &buf, 1, -1, NULL);
        uv_fs_req_cleanup(&req);
        if (n <= 0)
            return n < 0 ? n : UV_EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int tgv_text_file_write(struct tgv_text_file *f, const char *data, size_t len,
                        struct tgvoip_failure *failure)
{
    uv_fs_t req;
    int err = write_all(f, data, len);

    if (!err) {
        if (f->regular)
            f->size += (int64_t)len;
        return 0;
    }
    (void)uv_fs_ftruncate(NULL, &req, f->fd, f->size, NULL);
    uv_fs_req_cleanup(&req);
    return fail(f, failure, err);
}

int64_t tgv_text_file_size(const struct tgv_text_file *f)
{
    return f->size;
}

int tgv_text_file_rotate(struct tgv_text_file *f,
                         struct tgvoip_failure *failure)
{
    size_t size = strlen(f->path) + sizeof(".1");
    char *old = malloc(size);
    uv_fs_t req;

    if (!old)
        return fail(f, failure, UV_ENOMEM);
    snprintf(old, size, "%s.1", f->path);
    int err = uv_fs_rename(NULL, &req, f->path, old, NULL);
    uv_fs_req_cleanup(&req);
    free(old);
    if (err)
        return fail(f, failure, err);
    uv_file fd = open_file(f->path, false);
    if (fd < 0)
        return fail(f, failure, fd);
    close_file(f->fd);
    f->fd = fd;
    f->size = 0;
    return 0;
}

void tgv_text_file_close(struct tgv_text_file *f)
{
    if (!f)
        return;
    close_file(f->fd);
    free(f);
}
