/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_ERROR_H
#define TGVOIP_ERROR_H
/**
 * @file
 * Error codes, and the text that goes with a refused argument.
 *
 * Every function that can fail returns 0 or one of these negative numbers. The
 * values never change; new ones are added at the end. Functions that judge
 * what a user gave them (create, open, parse) also fill a `tgvoip_failure`,
 * which names the argument and says what is wrong with it.
 */
#include <stddef.h>

#include <tgvoip/version.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tgvoip_error {
    TGVOIP_OK = 0,
    TGVOIP_ERR_INVALID = -1, /**< an argument is wrong */
    TGVOIP_ERR_NOMEM = -2, /**< out of memory */
    TGVOIP_ERR_IO = -3, /**< the system refused an operation */
    TGVOIP_ERR_STATE = -4, /**< not possible in the present state */
    TGVOIP_ERR_TOO_LARGE = -5, /**< longer than the limit; nothing changed */
    TGVOIP_ERR_AGAIN = -6, /**< no room or no data now; try later */
    TGVOIP_ERR_END = -7, /**< end of file or of a queue */
    TGVOIP_ERR_NOT_FOUND = -8, /**< no such file, name or entry */
    TGVOIP_ERR_UNSUPPORTED = -9, /**< known, but not available here */
    TGVOIP_ERR_FORMAT = -10, /**< malformed bytes or text */
    TGVOIP_ERR_AUTH = -11, /**< an integrity or value check failed */
    TGVOIP_ERR_TIMEOUT = -12, /**< it took too long */
    TGVOIP_ERR_IN_USE = -13, /**< address or port already in use */
    TGVOIP_ERR_RANDOM = -14, /**< the random source failed */
    TGVOIP_ERR_NO_SPACE = -15, /**< the disk is full */
    TGVOIP_ERR_ACCESS = -16, /**< permission denied */
    TGVOIP_ERR_INCOMPATIBLE = -17 /**< the peer speaks another version */
};

/** What was wrong with what: "relay" + "port 70000 is out of range 1..65535". */
struct tgvoip_failure {
    int code; /**< a `TGVOIP_ERR_*`, 0 if nothing failed */
    char what[256]; /**< the argument, file or address concerned */
    char why[256]; /**< one clause, no full stop */
};

/**
 * Text of an error code, e.g. "out of memory". Never NULL, constant.
 * Context: any thread.
 */
TGVOIP_API const char *tgvoip_error_str(int error);

#ifdef __cplusplus
}
#endif
#endif
