/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_WALL_H
#define TGV_IO_WALL_H
/*
 * The time of day and a description of the machine, for the texts of logs.
 * The time of day may step; nothing is measured with it. Any thread.
 */
#include <stddef.h>

#define TGV_WALL_TEXT 24

/* Local time now as "MM-DD HH:MM:SS", or with the year in front. */
void tgv_wall_stamp(char text[TGV_WALL_TEXT]);
void tgv_wall_date(char text[TGV_WALL_TEXT]);
/* System and processor in a line each, without line end; cut to size. */
void tgv_wall_system(char *text, size_t cap);
void tgv_wall_processor(char *text, size_t cap);

#endif
