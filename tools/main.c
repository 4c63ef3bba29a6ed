/* SPDX-License-Identifier: MIT */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct tool_command commands[] = {
    {"demo", cmd_demo, "hear a call: both ends and a relay, in one command"},
    {"call", cmd_call, "one end of a call whose key is already agreed"},
    {"relay", cmd_relay, "the server that forwards the packets of calls"},
    {"inspect", cmd_inspect, "decrypt a recorded call, packet by packet"},
    {"keys", cmd_keys, "check parameters, fingerprint and emoji of a key"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int64_t tool_now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t tool_elapsed_ms(const struct tool *tool, int64_t now_us)
{
    return (now_us - tool->start_us) / 1000;
}

void tool_report(struct tool *tool, const struct tgvoip_failure *failure)
{
    diag_error(&tool->diag, failure->what[0] ? failure->what : "tgvoip", "%s",
               failure->why[0] ? failure->why
                               : tgvoip_error_str(failure->code));
}

int tool_engine(struct tool *tool, tgvoip_engine **engine, unsigned loops)
{
    struct tgvoip_engine_config config;
    struct tgvoip_failure failure = {0};
    int err;

    tgvoip_engine_config_default(&config);
    config.loops = loops;
    config.log = diag_log;
    config.log_ctx = &tool->diag;
    config.log_level = diag_engine_level(&tool->diag);
    err = tgvoip_engine_create(engine, &config, &failure);
    if (err) {
        failure.code = err;
        tool_report(tool, &failure);
    }
    return err;
}

static void usage(FILE *to)
{
    size_t i;

    fputs("usage: tgvoip COMMAND [OPTIONS]\n\n"
          "Encrypted Telegram voice calls (protocol of libtgvoip " //
          TGVOIP_PROTOCOL_LIBRARY_VERSION ").\n\n",
          to);
    for (i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  tgvoip COMMAND --help   options of a command\n"
          "  tgvoip --version        version of this program\n\n"
          "Start with: tgvoip demo\n\n"
          "Exit codes: 0 success, 1 the call or job failed, 2 bad usage.\n",
          to);
}

/* The last part of a path. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int run(struct tool *tool, int argc, char **argv)
{
    size_t i;

    if (argc > 0 && !strcmp(name_of(argv[0]), "tgvoipcall"))
        return cmd_tgvoipcall(tool, argc, argv);
    if (argc < 2) {
        usage(stderr);
        return TOOL_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        !strcmp(argv[1], "help")) {
        usage(stdout);
        return TOOL_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("tgvoip %s\n", tgvoip_version());
        return TOOL_OK;
    }
    for (i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(tool, argc - 1, argv + 1);
    diag_error(&tool->diag, argv[1], "%s; see tgvoip --help",
               argv[1][0] == '-' ? "unknown option" : "unknown command");
    return TOOL_USAGE;
}

/* Standard descriptors that are closed would become sockets and recordings,
 * into which messages then went. They stay useless, but nobody else's. */
static void hold_standard(void)
{
    int fd;

    for (fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    struct tool tool;
    int status;

    hold_standard();
    setlocale(LC_CTYPE, ""); /* only what the live line may draw */
    tool.start_us = tool_now_us();
    diag_init(&tool.diag, tool.start_us);
    if (wake_init(&tool.wake) != 0) {
        perror("tgvoip: signals");
        return TOOL_FAILED;
    }
    status = run(&tool, argc, argv);
    if (fflush(stdout) != 0 && status == TOOL_OK) {
        diag_error(&tool.diag, "standard output", "cannot be written");
        status = TOOL_FAILED;
    }
    diag_fini(&tool.diag);
    wake_fini(&tool.wake);
    return status;
}
