/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_INSPECT_H
#define TGV_INSPECT_INSPECT_H
/*
 * One recorded datagram after the other: opened with the call's key in the
 * direction that its sender says, and its fields named. Of the datagrams of a
 * capture nobody says who sent them: the direction in which one opens tells. It
 * remembers which protocol versions the two ends announced, and counts for the
 * verdict. It owns the key.
 *
 * Why a datagram could not be opened is never told: wrong key, wrong direction
 * and damage look alike.
 */
#include "base/addr.h"
#include "inspect/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_INSPECT_TEXT 1024

struct tgv_inspect;
struct tgv_json;
struct tgv_verdict;

/* What stands before the encrypted body. */
enum tgv_prefix { TGV_PREFIX_NONE, TGV_PREFIX_TAG, TGV_PREFIX_CALL_ID };

/* A datagram of a capture. */
struct tgv_sighting {
    double t_ms;
    struct tgv_addr src, dst;
    enum tgv_trace_from from;
    enum tgv_trace_from to; /* of a relay's answer, else UNKNOWN */
    enum tgv_prefix prefix; /* TAG also of messages with relays */
    const uint8_t *wire;
    size_t len;
};

struct tgv_inspected {
    /* Members of a trace line, wire included, so that the output is a trace
     * again; if failed also "error". NULL when memory was short. */
    struct tgv_json *json; /* to be freed by the caller */
    enum tgv_trace_from from;
    bool failed;
    char text[TGV_INSPECT_TEXT];
};

/* @return 0 or TGVOIP_ERR_NOMEM */
int tgv_inspect_create(struct tgv_inspect **out, const uint8_t key[256]);
void tgv_inspect_destroy(struct tgv_inspect *in);

/* @return 0, TGVOIP_ERR_AGAIN (an empty line), TGVOIP_ERR_FORMAT */
int tgv_inspect_line(struct tgv_inspect *in, const char *line, size_t len,
                     struct tgv_inspected *out, struct tgvoip_failure *failure);

/* Find by trial who sealed a datagram, and what stands before its body; writes
 * from and prefix of s. @return false if it does not open */
bool tgv_inspect_identify(struct tgv_inspect *in, struct tgv_sighting *s);
/* As tgv_inspect_line(), of a datagram that seems to belong to the call.
 * @return 0 or TGVOIP_ERR_NOMEM */
int tgv_inspect_sighting(struct tgv_inspect *in, const struct tgv_sighting *s,
                         struct tgv_inspected *out);
/* Count a datagram that does not seem to.
 * @param of_relay it carries the tag of messages with a relay */
void tgv_inspect_other(struct tgv_inspect *in, bool of_relay);

/* Of all packets so far; lives as long as `in`. */
const struct tgv_verdict *tgv_inspect_verdict(const struct tgv_inspect *in);

#endif
