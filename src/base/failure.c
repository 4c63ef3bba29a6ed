/* SPDX-License-Identifier: MIT */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

int tgv_fail(struct tgvoip_failure *f, int code, const char *what,
             const char *format, ...)
{
    va_list args;

    if (!f)
        return code;
    f->code = code;
    snprintf(f->what, sizeof(f->what), "%s", what);
    va_start(args, format);
    vsnprintf(f->why, sizeof(f->why), format, args);
    va_end(args);
    return code;
}

const char *tgvoip_error_str(int error)
{
    switch (error) {
    case TGVOIP_OK:
        return "success";
    case TGVOIP_ERR_INVALID:
        return "invalid argument";
    case TGVOIP_ERR_NOMEM:
        return "out of memory";
    case TGVOIP_ERR_IO:
        return "input/output error";
    case TGVOIP_ERR_STATE:
        return "not possible in the present state";
    case TGVOIP_ERR_TOO_LARGE:
        return "too large";
    case TGVOIP_ERR_AGAIN:
        return "nothing available now";
    case TGVOIP_ERR_END:
        return "end reached";
    case TGVOIP_ERR_NOT_FOUND:
        return "not found";
    case TGVOIP_ERR_UNSUPPORTED:
        return "not available in this version";
    case TGVOIP_ERR_FORMAT:
        return "malformed data";
    case TGVOIP_ERR_AUTH:
        return "verification failed";
    case TGVOIP_ERR_TIMEOUT:
        return "timed out";
    case TGVOIP_ERR_IN_USE:
        return "address already in use";
    case TGVOIP_ERR_RANDOM:
        return "random source failed";
    case TGVOIP_ERR_NO_SPACE:
        return "no space left on device";
    case TGVOIP_ERR_ACCESS:
        return "permission denied";
    case TGVOIP_ERR_INCOMPATIBLE:
        return "incompatible version";
    default:
        return "unknown error";
    }
}

const char *tgvoip_version(void)
{
    return TGVOIP_VERSION;
}
