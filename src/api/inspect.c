/* SPDX-License-Identifier: MIT */
#include <tgvoip/inspect.h>

#include "base/failure.h"
#include "crypto/seal.h"
#include "inspect/inspect.h"
#include "inspect/intake.h"
#include "inspect/verdict.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct tgvoip_inspect {
    struct tgv_inspect *core;
    struct tgv_intake *intake;
    enum tgvoip_inspect_role role;
    uint64_t number;
    struct tgv_inspected last;
    char *json; /* handed out last */
    char verdict[TGV_VERDICT_TEXT];
};

void tgvoip_inspect_config_default(struct tgvoip_inspect_config *config)
{
    if (!config)
        return;
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
}

static int check(const struct tgvoip_inspect_config *c,
                 struct tgvoip_failure *failure)
{
    if (!c)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "config", "is NULL");
    if (c->size < sizeof(*c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "%zu is less than %zu; use "
                        "tgvoip_inspect_config_default()",
                        c->size, sizeof(*c));
    if (!c->key)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key", "is NULL");
    if (c->key_len != TGV_KEY_BYTES)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "key",
                        "has %zu bytes instead of %d", c->key_len,
                        TGV_KEY_BYTES);
    if (c->role < TGVOIP_INSPECT_BOTH || c->role > TGVOIP_INSPECT_CALLEE)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "role",
                        "%d is none of the three roles", (int)c->role);
    return 0;
}

int tgvoip_inspect_create(tgvoip_inspect **out,
                          const struct tgvoip_inspect_config *config,
                          struct tgvoip_failure *failure)
{
    struct tgvoip_inspect *in;
    int err;

    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "is NULL");
    *out = NULL;
    err = check(config, failure);
    if (err)
        return err;
    in = calloc(1, sizeof(*in));
    if (!in || tgv_inspect_create(&in->core, config->key) ||
        tgv_intake_create(&in->intake, in->core)) {
        tgvoip_inspect_destroy(in);
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "inspect", "%s",
                        tgvoip_error_str(TGVOIP_ERR_NOMEM));
    }
    in->role = config->role;
    *out = in;
    return 0;
}

static bool wanted(const struct tgvoip_inspect *in, enum tgv_trace_from from)
{
    switch (in->role) {
    case TGVOIP_INSPECT_CALLER:
        return from == TGV_TRACE_CALLER;
    case TGVOIP_INSPECT_CALLEE:
        return from == TGV_TRACE_CALLEE;
    case TGVOIP_INSPECT_BOTH:
        break;
    }
    return true;
}

/* Strings handed out live until here. */
static void forget(struct tgvoip_inspect *in)
{
    tgv_json_free(in->last.json);
    in->last.json = NULL;
    free(in->json);
    in->json = NULL;
}

static int no_memory(struct tgvoip_failure *failure)
{
    return tgv_fail(failure, TGVOIP_ERR_NOMEM, "inspect", "%s",
                    tgvoip_error_str(TGVOIP_ERR_NOMEM));
}

/* What has been read into in->last. */
static int hand_out(struct tgvoip_inspect *in,
                    struct tgvoip_inspect_packet *packet,
                    struct tgvoip_failure *failure)
{
    /* read even if not wanted, for the versions that it may announce */
    if (!wanted(in, in->last.from)) {
        forget(in);
        return TGVOIP_ERR_AGAIN;
    }
    in->json = tgv_json_dump(in->last.json);
    if (!in->json)
        return no_memory(failure);
    *packet = (struct tgvoip_inspect_packet){
        .size = sizeof(*packet),
        .number = ++in->number,
        .failed = in->last.failed,
        .json = in->json,
        .text = in->last.text,
    };
    return 0;
}

int tgvoip_inspect_line(tgvoip_inspect *inspect, const char *line, size_t len,
                        struct tgvoip_inspect_packet *packet,
                        struct tgvoip_failure *failure)
{
    int err;

    if (!inspect || !line || !packet)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        !inspect ? "inspect"
                        : !line  ? "line"
                                 : "packet",
                        "is NULL");
    forget(inspect);
    err = tgv_inspect_line(inspect->core, line, len, &inspect->last, failure);
    return err ? err : hand_out(inspect, packet, failure);
}

int tgvoip_inspect_feed(tgvoip_inspect *inspect, const void *data, size_t len)
{
    if (!inspect || (!data && len))
        return TGVOIP_ERR_INVALID;
    return tgv_intake_put(inspect->intake, data, len);
}

int tgvoip_inspect_finish(tgvoip_inspect *inspect)
{
    if (!inspect)
        return TGVOIP_ERR_INVALID;
    tgv_intake_end(inspect->intake);
    return 0;
}

int tgvoip_inspect_next(tgvoip_inspect *inspect,
                        struct tgvoip_inspect_packet *packet,
                        struct tgvoip_failure *failure)
{
    int err;

    if (!inspect || !packet)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        inspect ? "packet" : "inspect", "is NULL");
    do {
        forget(inspect);
        err = tgv_intake_next(inspect->intake, &inspect->last, failure);
        if (err == TGVOIP_ERR_NOMEM)
            return no_memory(failure);
        if (err)
            return err;
        err = hand_out(inspect, packet, failure);
    } while (err == TGVOIP_ERR_AGAIN);
    return err;
}

int tgvoip_inspect_verdict(tgvoip_inspect *inspect,
                           struct tgvoip_inspect_verdict *verdict)
{
    const struct tgv_verdict *v;
    struct tgv_json *json;

    if (!inspect || !verdict)
        return TGVOIP_ERR_INVALID;
    forget(inspect);
    v = tgv_inspect_verdict(inspect->core);
    json = tgv_verdict_json(v);
    inspect->json = tgv_json_dump(json);
    tgv_json_free(json);
    if (!inspect->json)
        return TGVOIP_ERR_NOMEM;
    tgv_verdict_text(v, inspect->verdict, sizeof(inspect->verdict));
    *verdict = (struct tgvoip_inspect_verdict){
        .size = sizeof(*verdict),
        .problem = tgv_problem_str(tgv_verdict_problem(v)),
        .json = inspect->json,
        .text = inspect->verdict,
    };
    return 0;
}

void tgvoip_inspect_destroy(tgvoip_inspect *inspect)
{
    if (!inspect)
        return;
    forget(inspect);
    tgv_intake_destroy(inspect->intake);
    tgv_inspect_destroy(inspect->core);
    free(inspect);
}
