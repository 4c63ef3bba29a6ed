/* SPDX-License-Identifier: MIT */
#include "negotiate/dh_cache.h"

#include <string.h>

void tgv_dh_cache_init(struct tgvoip_dh_cache *cache)
{
    memset(cache, 0, sizeof(*cache));
}

int tgv_dh_cache_version(const struct tgvoip_dh_cache *cache)
{
    return cache->valid ? cache->version : 0;
}

int tgv_dh_cache_put(struct tgvoip_dh_cache *cache, int g, const uint8_t *p,
                     size_t p_len, int version, struct tgvoip_failure *failure)
{
    bool known = cache->valid && g == cache->g && p &&
                 p_len == sizeof(cache->p) &&
                 memcmp(p, cache->p, sizeof(cache->p)) == 0;

    if (!known) {
        int err;

        cache->checks++;
        err = tgv_dh_check_config(g, p, p_len, failure);
        if (err)
            return err;
        memcpy(cache->p, p, sizeof(cache->p));
        cache->g = g;
        cache->valid = true;
    }
    cache->version = version;
    return 0;
}
