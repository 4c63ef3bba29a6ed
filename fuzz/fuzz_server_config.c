/* SPDX-License-Identifier: MIT */
/*
 * The server's configuration. Input: JSON text.
 * Invariants: a text that is refused changes nothing; a second merge of the
 * same text changes nothing more; every number stays finite.
 */
#include "fuzz.h"

#include "legacy/server_config.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tgv_server_config config, before;
    unsigned rejected = 0, again = 0;
    char why[128] = "";

    memset(&config, 0, sizeof config); /* the gaps too: it is compared */
    tgv_server_config_init(&config);
    memcpy(&before, &config, sizeof before);
    if (tgv_server_config_merge(&config, (const char *)data, size, &rejected,
                                why, sizeof why)) {
        FUZZ_CHECK(memcmp(&config, &before, sizeof config) == 0);
        FUZZ_CHECK(memchr(why, 0, sizeof why) && why[0]);
        return 0;
    }
    memcpy(&before, &config, sizeof before);
    FUZZ_CHECK(tgv_server_config_merge(&config, (const char *)data, size,
                                       &again, NULL, 0) == 0);
    FUZZ_CHECK(again == rejected &&
               memcmp(&config, &before, sizeof config) == 0);
    FUZZ_CHECK(isfinite(config.rate_min_rtt) &&
               isfinite(config.relay_switch_threshold));
    FUZZ_CHECK(config.audio_max_bitrate >= 500 &&
               config.audio_max_bitrate <= 510000);
    return 0;
}
