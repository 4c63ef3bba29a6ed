/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_SCRIBE_H
#define TGV_API_SCRIBE_H
/*
 * A text that grows while a call runs: lines go into a buffer and the worker
 * pool writes them at once, in whole lines, so that the file is complete up to
 * the last moment. The buffer is bounded; lines for which the pool was too slow
 * are left out and counted. After an error the file is closed with what it has,
 * and the error is reported once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

struct tgv_loop;
struct tgv_scribe;

struct tgv_scribe_config {
    struct tgv_loop *loop;
    bool append;
    const char *head; /* text to begin with, copied; may be NULL */
    int64_t max_bytes; /* then begin anew, once the old file was set aside as
                          PATH.1; 0 = no limit */
    /* Loop thread, no lock held: an error, once; and: the file is closed,
     * after which the scribe is gone. */
    void (*failed)(void *ctx, const struct tgvoip_failure *failure);
    void (*finished)(void *ctx, struct tgv_scribe *s);
    void *ctx;
};

/* Open the file and write its head. Any thread; blocks. @return 0,
 * TGVOIP_ERR_NOMEM, errors of tgv_text_file_open() and _write() */
int tgv_scribe_open(struct tgv_scribe **out,
                    const struct tgv_scribe_config *config, const char *path,
                    struct tgvoip_failure *failure);
/* Of one that the loop never saw. Any thread; blocks. NULL is fine. */
void tgv_scribe_discard(struct tgv_scribe *s);

/* From here: loop thread. */

/* Add a line, the line end included. @return false if there was no room */
bool tgv_scribe_put(struct tgv_scribe *s, const char *line, size_t len);
uint64_t tgv_scribe_lost(const struct tgv_scribe *s); /* lines left out */
/* Close the file; finished() follows. */
void tgv_scribe_finish(struct tgv_scribe *s);
/* The same, but it is closed and finished() has run on return. Blocks. */
void tgv_scribe_finish_now(struct tgv_scribe *s);

#endif
