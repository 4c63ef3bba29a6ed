/* SPDX-License-Identifier: MIT */
/* Uses the library as a stranger would: an engine, a relay, a call that
 * nobody answers. Prints the version. */
#include <stdio.h>
#include <string.h>

#include <tgvoip/tgvoip.h>

static int refused(tgvoip_engine *engine)
{
    struct tgvoip_call_config config;
    struct tgvoip_failure failure;
    tgvoip_call *call = NULL;

    tgvoip_call_config_default(&config);
    memset(&failure, 0, sizeof(failure));
    /* no key, no relay: this must be refused, and named */
    return tgvoip_call_create(engine, &call, &config, &failure) ==
               TGVOIP_ERR_INVALID &&
           call == NULL && failure.what[0] != '\0';
}

int main(void)
{
    struct tgvoip_relay_config relay_config;
    tgvoip_engine *engine = NULL;
    tgvoip_relay *relay = NULL;
    int good;

    if (strcmp(tgvoip_version(), TGVOIP_VERSION) != 0)
        return 1;
    if (tgvoip_engine_create(&engine, NULL, NULL) != 0)
        return 2;
    tgvoip_relay_config_default(&relay_config);
    relay_config.listen = "127.0.0.1:0";
    good = tgvoip_relay_create(engine, &relay, &relay_config, NULL) == 0 &&
           tgvoip_relay_port(relay) != 0 && refused(engine);
    tgvoip_relay_destroy(relay);
    tgvoip_engine_destroy(engine);
    puts(tgvoip_version());
    return good ? 0 : 3;
}
