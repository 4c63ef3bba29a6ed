/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_SERVER_CONFIG_H
#define TGV_API_SERVER_CONFIG_H
/* The public value and what it holds. */
#include "legacy/server_config.h"

#include <tgvoip/server_config.h>

struct tgvoip_server_config {
    struct tgv_server_config values;
};

#endif
