/* SPDX-License-Identifier: MIT */
#ifndef TGV_WIRE_PROTO_H
#define TGV_WIRE_PROTO_H
/*
 * Every number of the 2.4.4 protocol on one page.
 * Source: wire specification 4 and 8.1
 */

#define TGV_PROTOCOL_VERSION 9
#define TGV_PROTOCOL_MIN_VERSION 3
#define TGV_LAYER_MIN 65
#define TGV_LAYER_MAX 92
#define TGV_LAYER_V2 74 /* from here on the SHA-256 envelope */
#define TGV_LAYER_SHORT 92 /* from here on the short header at once */

/* Peer version from which a feature may be sent. */
#define TGV_PV_CODEC32 5 /* 4-byte codec ids, V2 envelope */
#define TGV_PV_EXTRAS 6 /* extras in place of reliable packets */
#define TGV_PV_EXTRA_FEC 7 /* redundancy inside STREAM_DATA */
#define TGV_PV_SHORT 8 /* short header and envelope */
#define TGV_PV_NO_PREFIX 9 /* no call id before P2P datagrams */

#define TGV_TAG_BYTES 16
#define TGV_CALL_ID_BYTES 16
#define TGV_DATAGRAM_MAX 1500
#define TGV_BODY_MIN 40 /* shortest envelope, after the prefix */

#define TGV_TL_DECRYPTED_AUDIO_BLOCK 0xDBF948C1u
#define TGV_TL_SIMPLE_AUDIO_BLOCK 0xCC0D0E76u
#define TGV_TL_PEER_INFO 0x27D9371Cu
#define TGV_TL_PEER_INFO_IPV6 0x83FC73B1u
#define TGV_TL_SELF_INFO 0xC01572C7u
#define TGV_PROTO_WORD 0x50567247u

enum tgv_packet_type {
    TGV_PKT_INIT = 1,
    TGV_PKT_INIT_ACK = 2,
    TGV_PKT_STREAM_STATE = 3,
    TGV_PKT_STREAM_DATA = 4,
    TGV_PKT_UPDATE_STREAMS = 5,
    TGV_PKT_PING = 6,
    TGV_PKT_PONG = 7,
    TGV_PKT_STREAM_DATA_X2 = 8,
    TGV_PKT_STREAM_DATA_X3 = 9,
    TGV_PKT_LAN_ENDPOINT = 10,
    TGV_PKT_NETWORK_CHANGED = 11,
    TGV_PKT_SWITCH_PREF_RELAY = 12,
    TGV_PKT_SWITCH_TO_P2P = 13,
    TGV_PKT_NOP = 14,
    TGV_PKT_GROUP_CALL_KEY = 15,
    TGV_PKT_REQUEST_GROUP = 16,
    TGV_PKT_STREAM_EC = 17
};

enum tgv_extra_type {
    TGV_EXTRA_STREAM_FLAGS = 1,
    TGV_EXTRA_STREAM_CSD = 2,
    TGV_EXTRA_LAN_ENDPOINT = 3,
    TGV_EXTRA_NETWORK_CHANGED = 4,
    TGV_EXTRA_GROUP_CALL_KEY = 5, /* never sent */
    TGV_EXTRA_REQUEST_GROUP = 6,
    TGV_EXTRA_IPV6_ENDPOINT = 7,
    TGV_EXTRA_TGVX = 0x54 /* ours; others ignore it */
};

/* long header */
#define TGV_PFLAG_HAS_DATA 1u
#define TGV_PFLAG_HAS_EXTRA 2u
#define TGV_PFLAG_HAS_CALL_ID 4u
#define TGV_PFLAG_HAS_PROTO 8u
#define TGV_PFLAG_HAS_SEQ 16u
#define TGV_PFLAG_HAS_RECENT_RECV 32u
#define TGV_PFLAG_HAS_SENDER_TAG_HASH 64u
/* short header */
#define TGV_XPFLAG_HAS_EXTRA 1u
#define TGV_XPFLAG_HAS_RECV_TS 2u

#define TGV_INIT_DATA_SAVING 1u
#define TGV_INIT_GROUP_CALLS 2u
#define TGV_INIT_VIDEO_SEND 4u
#define TGV_INIT_VIDEO_RECV 8u

#define TGV_STREAM_AUDIO_ID 1
#define TGV_STREAM_TYPE_AUDIO 1
#define TGV_STREAM_TYPE_VIDEO 2
#define TGV_STREAM_ENABLED 1u
#define TGV_STREAM_DTX 2u
#define TGV_STREAM_EXTRA_EC 4u
#define TGV_STREAM_PAUSED 8u

#define TGV_CODEC_OPUS 0x4F505553u /* 'OPUS' */
#define TGV_CODEC_OPUS_OLD 1u /* one byte, peers below version 5 */
#define TGV_FRAME_MS 60 /* the only frame that originals know */

#define TGV_NETWORK_DATA_SAVING 1u

#endif
