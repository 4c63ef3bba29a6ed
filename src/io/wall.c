/* SPDX-License-Identifier: MIT */
#include "io/wall.h"

#include "io/system.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uv.h>

static void stamp(char *text, size_t cap, const char *format)
{
    time_t now = (time_t)tgv_system_unix_time();
    struct tm local;

    if (!localtime_r(&now, &local) || strftime(text, cap, format, &local) == 0)
        text[0] = '\0';
}

void tgv_wall_stamp(char text[TGV_WALL_TEXT])
{
    stamp(text, TGV_WALL_TEXT, "%m-%d %H:%M:%S");
}

void tgv_wall_date(char text[TGV_WALL_TEXT])
{
    stamp(text, TGV_WALL_TEXT, "%Y-%m-%d %H:%M:%S");
}

void tgv_wall_system(char *text, size_t cap)
{
    uv_utsname_t u;

    if (uv_os_uname(&u) != 0) {
        snprintf(text, cap, "unknown system");
        return;
    }
    snprintf(text, cap, "%s %s %s", u.sysname, u.release, u.machine);
}

void tgv_wall_processor(char *text, size_t cap)
{
    uv_cpu_info_t *info;
    int count = 0;

    if (uv_cpu_info(&info, &count) != 0 || count == 0) {
        snprintf(text, cap, "unknown processor");
        return;
    }
    snprintf(text, cap, "%s, %d cores",
             info[0].model ? info[0].model : "unknown processor", count);
    uv_free_cpu_info(info, count);
}
