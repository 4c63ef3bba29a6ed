/* SPDX-License-Identifier: MIT */
#include "api/impairment.h"

#include "base/failure.h"
#include "io/system.h"

#include <stdlib.h>

#include <tgvoip/relay.h>

/* 32 bits: enough to differ, short enough to be typed again. */
static int draw_seed(uint64_t *seed)
{
    struct tgv_random random = tgv_os_random();
    uint8_t b[4];
    int err = random.fill(random.ctx, b, sizeof(b));

    *seed = 0;
    for (size_t i = 0; !err && i < sizeof(b); i++)
        *seed = *seed << 8 | b[i];
    return err;
}

int tgvoip_impairment_create(tgvoip_impairment **out)
{
    struct tgvoip_impairment *impairment;
    int err;

    if (!out)
        return TGVOIP_ERR_INVALID;
    *out = NULL;
    impairment = calloc(1, sizeof(*impairment));
    if (!impairment)
        return TGVOIP_ERR_NOMEM;
    tgv_impairment_init(&impairment->imp);
    err = draw_seed(&impairment->imp.seed);
    if (err) {
        free(impairment);
        return err;
    }
    *out = impairment;
    return 0;
}

void tgvoip_impairment_destroy(tgvoip_impairment *impairment)
{
    free(impairment);
}

int tgvoip_impairment_set(tgvoip_impairment *impairment, const char *option,
                          const char *value, struct tgvoip_failure *failure)
{
    if (!impairment)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "impairment", "is NULL");
    if (!option)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "option", "is NULL");
    return tgv_impairment_set(&impairment->imp, option, value, failure);
}

int tgvoip_impairment_describe(const tgvoip_impairment *impairment, char *text,
                               size_t size)
{
    if (!impairment || (!text && size > 0))
        return TGVOIP_ERR_INVALID;
    return tgv_impairment_describe(&impairment->imp, text, size);
}

const char *const *tgvoip_impairment_profiles(void)
{
    return tgv_impairment_profiles();
}
