/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_ERRORS_H
#define TGV_NEGOTIATE_ERRORS_H
/*
 * What an RPC error means for the call whose request it answers.
 * Source: call signalling 8.2
 */
#include <tgvoip/signaling.h>

enum tgv_verdict_action {
    TGV_VERDICT_DONE, /* as good as success */
    TGV_VERDICT_QUIET, /* over already: end without a discard */
    TGV_VERDICT_FAIL, /* end as FAILED, discard */
    TGV_VERDICT_FAIL_MUTE, /* end as FAILED without a discard */
    TGV_VERDICT_REDRAW, /* once more with another random_id */
    TGV_VERDICT_RETRY /* the same again after retry_after_s */
};

struct tgv_verdict {
    enum tgv_verdict_action action;
    enum tgvoip_outcome outcome;
    int retry_after_s; /* of a flood wait */
};

/* name may be NULL. */
struct tgv_verdict tgv_error_verdict(enum tgvoip_request_type request,
                                     bool outgoing, int code, const char *name);

#endif
