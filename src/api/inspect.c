/* SPDX-License-Identifier: MIT */
#include <tgvoip/inspect.h>

#include "base/failure.h"
#include "crypto/seal.h"
#include "inspect/inspect.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct tgvoip_inspect {
    struct tgv_inspect *core;
    enum tgvoip_inspect_role role;
    uint64_t number;
    struct tgv_inspected last;
    char *json; /* of the last packet */
};

void tgvoip_inspect_config_default(struct tgvoip_inspect_config *config)
{
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
    if (!in || tgv_inspect_create(&in->core, config->key)) {
        free(in);
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

/* The strings of the packet before live until here. */
static void forget(struct tgvoip_inspect *in)
{
    tgv_json_free(in->last.json);
    in->last.json = NULL;
    free(in->json);
    in->json = NULL;
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
    if (err)
        return err;
    /* read even if not wanted, for the versions that it may announce */
    if (!wanted(inspect, inspect->last.from)) {
        forget(inspect);
        return TGVOIP_ERR_AGAIN;
    }
    inspect->json = tgv_json_dump(inspect->last.json);
    if (!inspect->json)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "inspect", "%s",
                        tgvoip_error_str(TGVOIP_ERR_NOMEM));
    *packet = (struct tgvoip_inspect_packet){
        .size = sizeof(*packet),
        .number = ++inspect->number,
        .failed = inspect->last.failed,
        .json = inspect->json,
        .text = inspect->last.text,
    };
    return 0;
}

void tgvoip_inspect_destroy(tgvoip_inspect *inspect)
{
    if (!inspect)
        return;
    forget(inspect);
    tgv_inspect_destroy(inspect->core);
    free(inspect);
}
