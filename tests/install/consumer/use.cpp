// SPDX-License-Identifier: MIT
#include <cstring>
#include <iostream>

#include <tgvoip/tgvoip.h>

int main()
{
    tgvoip_engine *engine = nullptr;
    uint8_t key[TGVOIP_KEY_BYTES] = {1};
    int64_t fingerprint = 0;

    if (tgvoip_engine_create(&engine, nullptr, nullptr) != 0)
        return 1;
    tgvoip_engine_destroy(engine);
    if (tgvoip_key_fingerprint(key, &fingerprint) != 0 || fingerprint == 0)
        return 2;
    std::cout << tgvoip_version() << std::endl;
    return std::strcmp(tgvoip_version(), TGVOIP_VERSION) == 0 ? 0 : 3;
}
