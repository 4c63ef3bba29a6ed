/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <tgvoip/call.h>

#define NAME(table, value)                                                     \
    ((size_t)(value) < sizeof(table) / sizeof((table)[0]) &&                   \
             (table)[(size_t)(value)]                                          \
         ? (table)[(size_t)(value)]                                            \
         : "?")

const char *tgvoip_call_state_str(enum tgvoip_call_state s)
{
    static const char *const names[] = {
        [TGVOIP_STATE_WAIT_INIT] = "WAIT_INIT",
        [TGVOIP_STATE_WAIT_INIT_ACK] = "WAIT_INIT_ACK",
        [TGVOIP_STATE_ESTABLISHED] = "ESTABLISHED",
        [TGVOIP_STATE_FAILED] = "FAILED",
        [TGVOIP_STATE_RECONNECTING] = "RECONNECTING"};

    return NAME(names, s);
}

const char *tgvoip_call_error_str(enum tgvoip_call_error e)
{
    static const char *const names[] = {
        [TGVOIP_CALL_ERROR_UNKNOWN] = "UNKNOWN",
        [TGVOIP_CALL_ERROR_INCOMPATIBLE] = "INCOMPATIBLE",
        [TGVOIP_CALL_ERROR_TIMEOUT] = "TIMEOUT",
        [TGVOIP_CALL_ERROR_AUDIO_IO] = "AUDIO_IO",
        [TGVOIP_CALL_ERROR_PROXY] = "PROXY"};

    return NAME(names, e);
}

const char *tgvoip_network_type_str(enum tgvoip_network_type t)
{
    static const char *const names[] = {
        [TGVOIP_NET_UNKNOWN] = "unknown",
        [TGVOIP_NET_GPRS] = "gprs",
        [TGVOIP_NET_EDGE] = "edge",
        [TGVOIP_NET_3G] = "3g",
        [TGVOIP_NET_HSPA] = "hspa",
        [TGVOIP_NET_LTE] = "lte",
        [TGVOIP_NET_WIFI] = "wifi",
        [TGVOIP_NET_ETHERNET] = "ethernet",
        [TGVOIP_NET_OTHER_HIGH_SPEED] = "other_high_speed",
        [TGVOIP_NET_OTHER_LOW_SPEED] = "other_low_speed",
        [TGVOIP_NET_DIALUP] = "dialup",
        [TGVOIP_NET_OTHER_MOBILE] = "other_mobile"};

    return NAME(names, t);
}

const char *tgvoip_endpoint_type_str(enum tgvoip_endpoint_type t)
{
    static const char *const names[] = {
        [TGVOIP_ENDPOINT_P2P_INET] = "p2p_inet",
        [TGVOIP_ENDPOINT_P2P_LAN] = "p2p_lan",
        [TGVOIP_ENDPOINT_UDP_RELAY] = "udp_relay",
        [TGVOIP_ENDPOINT_TCP_RELAY] = "tcp_relay"};

    return NAME(names, t);
}
