/* SPDX-License-Identifier: MIT */
#ifndef TOOL_FILES_H
#define TOOL_FILES_H
/**
 * @file
 * Which files a command uses: one that is written must be no other one, or a
 * slip of the keyboard costs what is in it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

struct file_use {
    const char *option; /**< for the message */
    const char *path; /**< NULL if there is none; may begin with "raw:" */
    bool written;
};

/** Whether each file that is written is used once. Standard input and output,
 *  pipes and devices may be used often. @return false after an error was
 *  printed */
bool files_apart(struct diag *diag, const struct file_use *uses, size_t count);

/** A path without "raw:". */
const char *file_plain(const char *path);

#endif
