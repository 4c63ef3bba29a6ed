/* SPDX-License-Identifier: MIT */
/*
 * Audio files as sources. Input: u8 ending of the name and size of the reads,
 * then the file.
 * Invariants: open says why it refuses; reads give what they promise, also
 * after rewinding. The work is bounded: a damaged header may promise hours.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "file/source.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES_MAX 480000
#define CHUNK 4096

/* The sound library itself leaks on some damaged files. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libvorbis\nleak:libsndfile\nleak:libmpg123\nleak:libFLAC\n"
           "leak:libopus\nleak:libogg\n";
}

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

static const char *write_file(unsigned ending, const uint8_t *data, size_t len)
{
    static const char *const endings[] = {"wav", "flac", "ogg", "mp3",
                                          "raw", "au",   "aiff"};
    static bool registered;
    char name[64];
    int fd;

    snprintf(name, sizeof name, "/tmp/tgvoip-fuzz-%ld.%s", (long)getpid(),
             endings[ending % 7]);
    if (strcmp(name, path) != 0)
        unlink(path);
    strcpy(path, name);
    if (!registered)
        atexit(remove_file);
    registered = true;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    close(fd);
    return path;
}

/* @return samples, up to the limit; negative: an error */
static int64_t read_all(struct tgv_source *s, size_t chunk)
{
    int16_t pcm[CHUNK];
    int64_t total = 0;

    while (total < SAMPLES_MAX) {
        int n = tgv_source_read(s, pcm, chunk);
        FUZZ_CHECK(n <= (int)chunk);
        if (n < 0)
            return n;
        total += n;
        FUZZ_CHECK(tgv_source_position(s) == total);
        if (n < (int)chunk)
            return total;
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tgvoip_failure failure = {0, "", ""};
    struct tgv_source *s;
    size_t chunk;
    int err;

    if (size < 1 || size > 1 << 16)
        return 0;
    chunk = data[0] & 128 ? CHUNK : 1 + 37u * (data[0] >> 3 & 15);
    err = tgv_source_open(&s, write_file(data[0] & 7, data + 1, size - 1),
                          &failure);
    if (err) {
        FUZZ_CHECK(!s && failure.code == err && failure.why[0] &&
                   strcmp(failure.what, path) == 0);
        return 0;
    }
    /* A damaged file need not give the same again. */
    if (read_all(s, chunk) >= 0 && tgv_source_rewind(s) == 0)
        read_all(s, chunk);
    tgv_source_close(s);
    return 0;
}
