/* SPDX-License-Identifier: MIT */
/* Names of packets, extras and control messages. */
#include "wire/control.h"
#include "wire/packet.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

const char *tgv_packet_type_str(unsigned type)
{
    static const char *const names[] = {
        [TGV_PKT_INIT] = "INIT",
        [TGV_PKT_INIT_ACK] = "INIT_ACK",
        [TGV_PKT_STREAM_STATE] = "STREAM_STATE",
        [TGV_PKT_STREAM_DATA] = "STREAM_DATA",
        [TGV_PKT_UPDATE_STREAMS] = "UPDATE_STREAMS",
        [TGV_PKT_PING] = "PING",
        [TGV_PKT_PONG] = "PONG",
        [TGV_PKT_STREAM_DATA_X2] = "STREAM_DATA_X2",
        [TGV_PKT_STREAM_DATA_X3] = "STREAM_DATA_X3",
        [TGV_PKT_LAN_ENDPOINT] = "LAN_ENDPOINT",
        [TGV_PKT_NETWORK_CHANGED] = "NETWORK_CHANGED",
        [TGV_PKT_SWITCH_PREF_RELAY] = "SWITCH_PREF_RELAY",
        [TGV_PKT_SWITCH_TO_P2P] = "SWITCH_TO_P2P",
        [TGV_PKT_NOP] = "NOP",
        [TGV_PKT_GROUP_CALL_KEY] = "GROUP_CALL_KEY",
        [TGV_PKT_REQUEST_GROUP] = "REQUEST_GROUP",
        [TGV_PKT_STREAM_EC] = "STREAM_EC",
    };

    return type < COUNT(names) && names[type] ? names[type] : "?";
}

const char *tgv_extra_type_str(unsigned type)
{
    static const char *const names[] = {
        [TGV_EXTRA_STREAM_FLAGS] = "STREAM_FLAGS",
        [TGV_EXTRA_STREAM_CSD] = "STREAM_CSD",
        [TGV_EXTRA_LAN_ENDPOINT] = "LAN_ENDPOINT",
        [TGV_EXTRA_NETWORK_CHANGED] = "NETWORK_CHANGED",
        [TGV_EXTRA_GROUP_CALL_KEY] = "GROUP_CALL_KEY",
        [TGV_EXTRA_REQUEST_GROUP] = "REQUEST_GROUP",
        [TGV_EXTRA_IPV6_ENDPOINT] = "IPV6_ENDPOINT",
    };

    if (type == TGV_EXTRA_TGVX)
        return "TGVX";
    return type < COUNT(names) && names[type] ? names[type] : "?";
}

const char *tgv_control_kind_str(enum tgv_control_kind kind)
{
    switch (kind) {
    case TGV_CONTROL_REGISTER:
        return "REGISTER";
    case TGV_CONTROL_PING:
        return "SELF_INFO_REQUEST";
    case TGV_CONTROL_PEER_REQUEST:
        return "PEER_INFO_REQUEST";
    case TGV_CONTROL_SELF_INFO:
        return "SELF_INFO";
    case TGV_CONTROL_PEER_INFO:
        return "PEER_INFO";
    case TGV_CONTROL_PEER_INFO_IPV6:
        return "PEER_INFO_IPV6";
    case TGV_CONTROL_MALFORMED:
        return "MALFORMED";
    case TGV_CONTROL_NONE:
    case TGV_CONTROL_UNKNOWN:
        break;
    }
    return "?";
}
