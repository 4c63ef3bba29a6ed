/* SPDX-License-Identifier: MIT */
#ifndef TGV_LEGACY_SERVER_CONFIG_H
#define TGV_LEGACY_SERVER_CONFIG_H
/*
 * The server's call configuration (phone.getCallConfig) as one plain struct.
 *
 * Invariant: every field is inside its range at all times. A value of the
 * wrong type or out of range keeps the old one and is counted (ENG-61).
 * Source: behaviour notes 6.1
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_server_config {
    int audio_max_bitrate, audio_max_bitrate_edge, audio_max_bitrate_gprs,
        audio_max_bitrate_saving; /* [bit/s] */
    int audio_init_bitrate, audio_init_bitrate_edge, audio_init_bitrate_gprs,
        audio_init_bitrate_saving;
    int audio_min_bitrate, audio_bitrate_step_incr, audio_bitrate_step_decr;
    int audio_congestion_window; /* [bytes] */
    double relay_switch_threshold;
    double p2p_to_relay_switch_threshold;
    double relay_to_p2p_switch_threshold;
    double reconnecting_state_timeout; /* [s] */
    uint32_t rate_flags; /* ENG-60: all 32 bits count */
    double rate_min_rtt; /* [s] */
    double rate_min_send_loss;
    double packet_loss_for_extra_ec;
    int max_unsent_stream_packets;
    int unack_nop_threshold;
    bool bad_call_rating;
    bool use_tcp, force_tcp;
    double established_delay_if_no_stream_data; /* [s] */
    double nat64_fallback_timeout; /* [s] */
    int jitter_min_delay_20, jitter_min_delay_40, jitter_min_delay_60;
    int jitter_max_delay_20, jitter_max_delay_40, jitter_max_delay_60;
    int jitter_max_slots_20, jitter_max_slots_40, jitter_max_slots_60;
    int jitter_initial_delay_20, jitter_initial_delay_40,
        jitter_initial_delay_60; /* [frames] */
    int jitter_losses_to_reset;
    double jitter_resync_threshold;
    int audio_vad_no_voice_bitrate, audio_vad_bandwidth,
        audio_vad_no_voice_bandwidth, audio_extra_ec_bandwidth;
    int webrtc_ns_level, webrtc_ns_level_vpio, webrtc_agc_target_level;
    bool webrtc_agc_enable_limiter;
    int webrtc_agc_compression_gain;
    bool use_ios_vpio_agc, use_osx_vpio_agc;
};

/* Set every value to its default. */
void tgv_server_config_init(struct tgv_server_config *config);

/**
 * Merge a JSON object into the values held. Unknown keys are ignored.
 *
 * @param[out] rejected number of keys whose value was refused; may be NULL
 * @param[out] why      text of a syntax error, or names of the refused keys as
 *                      far as there is room; may be NULL with why_cap 0
 * @return 0, or TGVOIP_ERR_FORMAT: no JSON object; nothing changed
 * Source: ENG-60, ENG-61
 */
int tgv_server_config_merge(struct tgv_server_config *config, const char *json,
                            size_t len, unsigned *rejected, char *why,
                            size_t why_cap);

#endif
