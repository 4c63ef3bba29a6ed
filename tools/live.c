/* SPDX-License-Identifier: MIT */
#include "live.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_US 100000
#define LINE_MAX_BYTES 512
#define LINE_MAX_COLUMNS 100

struct line {
    char text[LINE_MAX_BYTES];
    size_t bytes;
    int columns, room; /* used; what the window has */
};

void live_init(struct live *live, struct tool *tool, bool wanted)
{
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");

    memset(live, 0, sizeof(*live));
    live->diag = &tool->diag;
    live->on = wanted && isatty(STDERR_FILENO) && isatty(STDOUT_FILENO) &&
               term && strcmp(term, "dumb") != 0;
    live->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    live->colour = !(no_colour && no_colour[0]);
}

static int columns_of_window(void)
{
    struct winsize ws;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
        return ws.ws_col;
    return 80;
}

/* Columns of UTF-8 text whose every character is one column wide. */
static int width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* Add a part if it fits. @return whether it did */
static bool add(struct line *line, const char *part, const char *colour)
{
    int columns = width(part) + (line->columns ? 2 : 0);
    size_t bytes = strlen(part) + strlen(colour) + 8;

    if (line->columns + columns > line->room ||
        line->bytes + bytes >= sizeof(line->text))
        return false;
    line->bytes += (size_t)snprintf(
        line->text + line->bytes, sizeof(line->text) - line->bytes, "%s%s%s%s",
        line->columns ? "  " : "", colour, part, colour[0] ? "\033[0m" : "");
    line->columns += columns;
    return true;
}

/* -50 dB .. 0 dB to 0..8 */
static int meter_step(float level)
{
    double db = level > 0 ? 20 * log10((double)level) : -100;
    int step = (int)lround((db + 50) / 50 * 8);

    return step < 0 ? 0 : step > 8 ? 8 : step;
}

static void meter(char *text, size_t size, const float *levels, bool utf8)
{
    static const char *const blocks[] = {"\u2581", "\u2581", "\u2582",
                                         "\u2583", "\u2584", "\u2585",
                                         "\u2586", "\u2587", "\u2588"};
    static const char ascii[] = "__..::|||";
    size_t used = strlen(text);
    int i;

    for (i = 0; i < LIVE_METER; i++) {
        int step = meter_step(levels[i]);

        if (utf8)
            used +=
                (size_t)snprintf(text + used, size - used, "%s", blocks[step]);
        else
            used +=
                (size_t)snprintf(text + used, size - used, "%c", ascii[step]);
    }
}

static void shift(float *levels, double level)
{
    memmove(levels, levels + 1, (LIVE_METER - 1) * sizeof(*levels));
    levels[LIVE_METER - 1] = (float)level;
}

static const char *state_colour(const struct live *live,
                                enum tgvoip_call_state state)
{
    if (!live->colour)
        return "";
    switch (state) {
    case TGVOIP_STATE_ESTABLISHED:
        return "\033[32m";
    case TGVOIP_STATE_FAILED:
        return "\033[31m";
    default:
        return "\033[33m";
    }
}

/* Shorter than the names of logs and JSON. */
static const char *road_name(enum tgvoip_endpoint_type type)
{
    switch (type) {
    case TGVOIP_ENDPOINT_UDP_RELAY:
        return "relay";
    case TGVOIP_ENDPOINT_TCP_RELAY:
        return "tcp";
    case TGVOIP_ENDPOINT_P2P_LAN:
        return "lan";
    default:
        return "p2p";
    }
}

/* A direct road has no number that says anything. */
static void add_road(struct line *line, const struct tgvoip_route *route)
{
    char part[40];

    if (route->type == TGVOIP_ENDPOINT_UDP_RELAY ||
        route->type == TGVOIP_ENDPOINT_TCP_RELAY)
        snprintf(part, sizeof(part), "%s %lld", road_name(route->type),
                 (long long)route->id);
    else
        snprintf(part, sizeof(part), "%s", road_name(route->type));
    add(line, part, "");
}

static void add_numbers(struct live *live, struct line *line,
                        const struct tgvoip_call_stats *s)
{
    const char *up = live->utf8 ? "\u2191" : "out ";
    const char *down = live->utf8 ? "\u2193" : "in ";
    char part[80];

    snprintf(part, sizeof(part), "rtt %.0f", s->rtt_ms);
    add(line, part, "");
    snprintf(part, sizeof(part), "loss %s%.0f %s%.0f %%", up, s->loss_out * 100,
             down, s->loss_in * 100);
    add(line, part, "");
    snprintf(part, sizeof(part), "buf %.0f", s->playout_delay_ms);
    add(line, part, "");
    snprintf(part, sizeof(part), "%s", live->utf8 ? "\u2191" : "out ");
    meter(part, sizeof(part), live->out, live->utf8);
    strncat(part, live->utf8 ? " \u2193" : " in ", 8);
    meter(part, sizeof(part), live->in, live->utf8);
    add(line, part, live->colour ? "\033[36m" : "");
    snprintf(part, sizeof(part), "%uk", (s->bitrate_bps + 500) / 1000);
    add(line, part, "");
}

void live_draw(struct live *live, const struct tgvoip_call_stats *s,
               int64_t now_us)
{
    struct line line = {.room = columns_of_window() - 1};
    int64_t t = s->connected_us > 0 ? s->connected_us / 1000000 : 0;
    char part[80];

    if (!live->on || now_us < live->next_us)
        return;
    live->next_us = now_us + REDRAW_US - 10000;
    shift(live->out, s->level_out);
    shift(live->in, s->level_in);
    if (line.room > LINE_MAX_COLUMNS)
        line.room = LINE_MAX_COLUMNS;
    snprintf(part, sizeof(part), "%lld:%02d", (long long)(t / 60),
             (int)(t % 60));
    add(&line, part, "");
    add(&line, tgvoip_call_state_str(s->state), state_colour(live, s->state));
    if (s->established_us >= 0) {
        add_road(&line, &s->route);
        add_numbers(live, &line, s);
    }
    fprintf(stderr, "\r%s\033[K", line.text);
    fflush(stderr);
    live->diag->live = true;
}

void live_clear(struct live *live)
{
    if (live->diag->live)
        fputs("\r\033[K", stderr);
    live->diag->live = false;
}
