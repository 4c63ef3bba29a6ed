/* SPDX-License-Identifier: MIT */
#include "demo_server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define GENERATOR 3
#define DH_VERSION 1
#define CALL_ID 1
#define ACCESS_HASH 0x5ca1ab1e
#define RELAY_ID 1
/* More patient than Telegram, so that long blackouts can be heard, too. */
#define PACKET_TIMEOUT_MS 20000

static struct tgvoip_phone_call object(const struct demo_server *server,
                                       enum tgvoip_phone_call_type type)
{
    struct tgvoip_phone_call call;

    tgvoip_phone_call_default(&call);
    call.type = type;
    call.id = CALL_ID;
    call.access_hash = ACCESS_HASH;
    call.admin_id = server->ids[0];
    call.participant_id = server->ids[1];
    call.date = (int32_t)time(NULL);
    return call;
}

static int update(struct demo_server *server, int user,
                  const struct tgvoip_phone_call *call, int64_t now_us)
{
    return tgvoip_account_update(server->users[user], call, now_us);
}

static int dh_config(struct demo_server *server, int user, uint64_t id,
                     int64_t now_us)
{
    uint8_t random[TGVOIP_KEY_BYTES];
    const struct tgvoip_dh_config dh = {.g = GENERATOR,
                                        .p = tgvoip_dh_known_prime(),
                                        .p_len = TGVOIP_KEY_BYTES,
                                        .version = DH_VERSION,
                                        .random = random,
                                        .random_len = sizeof(random)};
    int err = tgvoip_random(random, sizeof(random));

    return err ? err
               : tgvoip_account_reply_dh(server->users[user], id, &dh, now_us);
}

static int request_call(struct demo_server *server,
                        const struct tgvoip_request *r, int64_t now_us)
{
    struct tgvoip_phone_call call = object(server, TGVOIP_PHONE_CALL_WAITING);
    int err;

    memcpy(server->g_a_hash, r->bytes, sizeof(server->g_a_hash));
    call.protocol = r->protocol;
    err =
        tgvoip_account_reply_phone_call(server->users[0], r->id, &call, now_us);
    call.type = TGVOIP_PHONE_CALL_REQUESTED;
    call.bytes = server->g_a_hash;
    call.bytes_len = sizeof(server->g_a_hash);
    return err ? err : update(server, 1, &call, now_us);
}

static int received_call(struct demo_server *server,
                         const struct tgvoip_request *r, int64_t now_us)
{
    struct tgvoip_phone_call call = object(server, TGVOIP_PHONE_CALL_WAITING);
    int err = tgvoip_account_reply_done(server->users[1], r->id, now_us);

    call.receive_date = call.date; /* it rings */
    return err ? err : update(server, 0, &call, now_us);
}

static int accept_call(struct demo_server *server,
                       const struct tgvoip_request *r, int64_t now_us)
{
    struct tgvoip_phone_call call = object(server, TGVOIP_PHONE_CALL_WAITING);
    int err;

    call.protocol = r->protocol;
    err =
        tgvoip_account_reply_phone_call(server->users[1], r->id, &call, now_us);
    call.type = TGVOIP_PHONE_CALL_ACCEPTED;
    call.bytes = r->bytes;
    call.bytes_len = r->bytes_len;
    return err ? err : update(server, 0, &call, now_us);
}

/* Each end has a tag of its own; they differ in the last bit. */
static int confirm_call(struct demo_server *server,
                        const struct tgvoip_request *r, int64_t now_us)
{
    struct tgvoip_phone_call call = object(server, TGVOIP_PHONE_CALL_ACTIVE);
    uint8_t tag[TGVOIP_TAG_BYTES];
    const struct tgvoip_phone_connection relay = {.id = RELAY_ID,
                                                  .ip = "127.0.0.1",
                                                  .port = server->relay_port,
                                                  .tcp = server->relay_tcp,
                                                  .peer_tag = tag,
                                                  .peer_tag_len = sizeof(tag)};
    int err;

    memcpy(tag, server->tag, sizeof(tag));
    call.protocol = r->protocol;
    call.key_fingerprint = r->key_fingerprint;
    call.connections = &relay;
    call.connection_count = 1;
    call.start_date = call.date;
    tag[TGVOIP_TAG_BYTES - 1] &= 0xfe;
    err =
        tgvoip_account_reply_phone_call(server->users[0], r->id, &call, now_us);
    tag[TGVOIP_TAG_BYTES - 1] |= 1;
    call.bytes = r->bytes;
    call.bytes_len = r->bytes_len;
    return err ? err : update(server, 1, &call, now_us);
}

static int discard_call(struct demo_server *server, int user,
                        const struct tgvoip_request *r, int64_t now_us)
{
    struct tgvoip_phone_call call = object(server, TGVOIP_PHONE_CALL_DISCARDED);
    int err;

    if (server->discarded)
        return tgvoip_account_reply_error(server->users[user], r->id, 400,
                                          "CALL_ALREADY_DECLINED", now_us);
    server->discarded = true;
    call.reason = r->reason;
    call.duration = r->duration;
    err = update(server, user, &call, now_us);
    if (!err)
        err = tgvoip_account_reply_done(server->users[user], r->id, now_us);
    return err ? err : update(server, !user, &call, now_us);
}

int demo_server_request(struct demo_server *server, int user,
                        const struct tgvoip_request *r, int64_t now_us)
{
    tgvoip_account *account = server->users[user];
    struct tgvoip_phone_config config;

    switch (r->type) {
    case TGVOIP_REQUEST_GET_CONFIG:
        tgvoip_phone_config_default(&config);
        config.packet_timeout_ms = PACKET_TIMEOUT_MS;
        return tgvoip_account_reply_config(account, r->id, &config, now_us);
    case TGVOIP_REQUEST_GET_CALL_CONFIG:
        return tgvoip_account_reply_call_config(account, r->id, "{}", 2,
                                                now_us);
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        return dh_config(server, user, r->id, now_us);
    case TGVOIP_REQUEST_REQUEST_CALL:
        return request_call(server, r, now_us);
    case TGVOIP_REQUEST_RECEIVED_CALL:
        return received_call(server, r, now_us);
    case TGVOIP_REQUEST_ACCEPT_CALL:
        return accept_call(server, r, now_us);
    case TGVOIP_REQUEST_CONFIRM_CALL:
        return confirm_call(server, r, now_us);
    case TGVOIP_REQUEST_DISCARD_CALL:
        return discard_call(server, user, r, now_us);
    default:
        return tgvoip_account_reply_done(account, r->id, now_us);
    }
}
