/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CLIP_H
#define TOOL_CLIP_H
/**
 * @file
 * Where the speech clips that ship with the tool are.
 */
#include <stdbool.h>
#include <stddef.h>

/** Path of a shipped file: beside the installed tool, else in the sources it
 *  was built from. @return false if it is in neither */
bool clip_find(const char *name, char *path, size_t size);

#endif
