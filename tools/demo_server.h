/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DEMO_SERVER_H
#define TOOL_DEMO_SERVER_H
/**
 * @file
 * As much of Telegram's server as one call between two accounts needs: it
 * answers requests and pushes updates, and never learns the key. It is not
 * trusted: the two ends check everything that it says.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/tgvoip.h>

enum { DEMO_USERS = 2 };

struct demo_server {
    tgvoip_account *users[DEMO_USERS]; /**< caller, callee */
    int64_t ids[DEMO_USERS];
    uint16_t relay_port; /**< of the relay on 127.0.0.1 */
    bool relay_tcp; /**< it is reached by TCP */
    uint8_t tag[TGVOIP_TAG_BYTES];
    bool discarded;
    uint8_t g_a_hash[32];
};

/** Answer a request of this user, and tell the other one what follows.
 *  @return 0 or a TGVOIP_ERR_* */
int demo_server_request(struct demo_server *server, int user,
                        const struct tgvoip_request *request, int64_t now_us);

#endif
