/* SPDX-License-Identifier: MIT */
#include "api/server_config.h"

#include "base/failure.h"

#include <stdlib.h>

int tgvoip_server_config_create(tgvoip_server_config **out)
{
    if (!out)
        return TGVOIP_ERR_INVALID;
    *out = malloc(sizeof(**out));
    if (!*out)
        return TGVOIP_ERR_NOMEM;
    tgv_server_config_init(&(*out)->values);
    return 0;
}

void tgvoip_server_config_destroy(tgvoip_server_config *config)
{
    free(config);
}

int tgvoip_server_config_merge(tgvoip_server_config *config, const char *json,
                               size_t len, unsigned *rejected,
                               struct tgvoip_failure *failure)
{
    char why[sizeof(failure->why)] = "";

    if (rejected)
        *rejected = 0;
    if (!config || !json)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, config ? "json" : "config",
                        "is NULL");
    int err = tgv_server_config_merge(&config->values, json, len, rejected, why,
                                      sizeof(why));
    if (err)
        return tgv_fail(failure, err, "server configuration", "%s",
                        why[0] ? why : tgvoip_error_str(err));
    if (failure)
        failure->code = 0;
    if (why[0])
        tgv_fail(failure, TGVOIP_ERR_INVALID, why,
                 "refused, the old values stay");
    return 0;
}
