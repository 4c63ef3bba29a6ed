/* SPDX-License-Identifier: MIT */
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A signal handler can reach nothing but file-level variables. */
static volatile sig_atomic_t end_asked;
static volatile sig_atomic_t signals_seen; /* SIGHUP is not counted */
static volatile sig_atomic_t signal_pipe = -1;

static void poke(int fd)
{
    char byte = 0;
    ssize_t n = write(fd, &byte, 1); /* full pipe: the reader wakes anyway */

    (void)n;
}

static void on_signal(int number)
{
    int saved = errno;

    if (number != SIGHUP) {
        if (signals_seen > 0)
            _exit(1);
        signals_seen = 1;
    }
    end_asked = 1;
    poke((int)signal_pipe);
    errno = saved;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction act;

    memset(&act, 0, sizeof(act));
    sigemptyset(&act.sa_mask);
    act.sa_flags = SA_RESTART;
    act.sa_handler = handler;
    (void)sigaction(number, &act, NULL); /* fails for no signal we name */
}

void wake_catch(void)
{
    struct sigaction before;

    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
    /* nohup(1) has it ignored; the terminal may go then */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        handle(SIGHUP, on_signal);
}

int wake_init(struct wake *wake)
{
    int i;

    if (pipe(wake->pipe) != 0)
        return -1;
    for (i = 0; i < 2; i++) {
        fcntl(wake->pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(wake->pipe[i], F_SETFD, FD_CLOEXEC);
    }
    signal_pipe = wake->pipe[1];
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN);
    return 0;
}

void wake_fini(struct wake *wake)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_IGN); /* nothing is left that it could end */
    signal_pipe = -1;
    close(wake->pipe[0]);
    close(wake->pipe[1]);
}

void wake_up(const struct wake *wake)
{
    poke(wake->pipe[1]);
}

static int timeout_ms(int64_t deadline_us)
{
    struct timespec ts;
    int64_t left;

    if (deadline_us < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    left = deadline_us - ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    if (left <= 0)
        return 0;
    if (left > 60000000)
        left = 60000000; /* the caller looks at its clock and waits again */
    return (int)((left + 999) / 1000);
}

void wake_wait(struct wake *wake, int64_t deadline_us)
{
    struct pollfd pfd = {.fd = wake->pipe[0], .events = POLLIN};
    char drain[64];

    if (poll(&pfd, 1, timeout_ms(deadline_us)) <= 0)
        return;
    while (read(wake->pipe[0], drain, sizeof(drain)) > 0)
        ;
}

bool wake_until_readable(const struct wake *wake, int fd)
{
    struct pollfd pfds[2] = {{.fd = wake->pipe[0], .events = POLLIN},
                             {.fd = fd, .events = POLLIN}};

    while (!wake_stopped(wake))
        if ((poll(pfds, 2, -1) < 0 && errno != EINTR) || pfds[1].revents)
            return !wake_stopped(wake); /* an error is the reader's */
    return false;
}

bool wake_stopped(const struct wake *wake)
{
    (void)wake;
    return end_asked != 0;
}
