/* SPDX-License-Identifier: MIT */
/*
 * Runs a target over files, or over all files of folders, without libFuzzer:
 * a crash or a broken invariant ends the program.
 *
 *     replay_TARGET NAME PATH...
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1u << 20)

static unsigned inputs;

static int run_file(const char *path)
{
    uint8_t *data = malloc(FILE_MAX), *exact;
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!data || !f) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        return 1;
    }
    n = fread(data, 1, FILE_MAX, f);
    fclose(f);
    exact = malloc(n ? n : 1); /* so that a sanitizer knows its end */
    if (!exact)
        abort();
    memcpy(exact, data, n);
    free(data);
    fprintf(stderr, "%s\n", path); /* the last one is to blame */
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    inputs++;
    return 0;
}

static int run_path(const char *path)
{
    struct stat st;
    struct dirent *e;
    char name[1024];
    int failed = 0;
    DIR *dir;

    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return run_file(path);
    dir = opendir(path);
    if (!dir) {
        fprintf(stderr, "%s: no such file or folder\n", path);
        return 1;
    }
    while ((e = readdir(dir))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        failed |= run_file(name);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "replay";
    int failed = argc < 3;

    LLVMFuzzerTestOneInput(NULL, 0);
    for (int i = 2; i < argc; i++)
        failed |= run_path(argv[i]);
    failed |= inputs == 0;
    printf("%s 1 - %s: %u inputs\n1..1\n", failed ? "not ok" : "ok", name,
           inputs);
    return failed;
}
