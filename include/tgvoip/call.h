/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_CALL_H
#define TGVOIP_CALL_H
/**
 * @file
 * One end of an encrypted voice call whose key is already agreed.
 *
 * Life: tgvoip_call_create() - tgvoip_call_start() - tgvoip_call_connect() -
 * conversation - tgvoip_call_stop() - tgvoip_call_destroy(). start() opens the
 * sockets and begins to probe the relays; connect() begins the handshake.
 * FAILED is final and reported once; stop() is idempotent and implied by
 * destroy(); after stop() has returned (called from a thread other than the
 * call's loop) no callback of the call runs any more.
 *
 * Audio has three ways in and out, which may be mixed: callbacks (20 ms blocks
 * on the loop thread), tgvoip_call_write()/tgvoip_call_read() (rings, from any
 * one thread), and files. Going out, the callback comes first, then written
 * PCM, then the play queue, then the hold queue, then silence. Coming in, each
 * of them gets every block.
 *
 * Threads: what engine.h says; in short, every function may be called from any
 * thread and from callbacks but tgvoip_call_destroy() and
 * tgvoip_call_save_state(), and those that open files should not be, since
 * they wait for the disk. A NULL call is TGVOIP_ERR_INVALID.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/audio.h>
#include <tgvoip/engine.h>
#include <tgvoip/error.h>
#include <tgvoip/server_config.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tgvoip_call tgvoip_call;

enum tgvoip_call_state {
    TGVOIP_STATE_WAIT_INIT = 1, /**< created */
    TGVOIP_STATE_WAIT_INIT_ACK = 2, /**< handshake under way */
    TGVOIP_STATE_ESTABLISHED = 3,
    TGVOIP_STATE_FAILED = 4, /**< final; see the error */
    TGVOIP_STATE_RECONNECTING = 5 /**< nothing heard for 2 s */
};

enum tgvoip_call_error {
    TGVOIP_CALL_ERROR_UNKNOWN = 0,
    TGVOIP_CALL_ERROR_INCOMPATIBLE = 1, /**< peer's version, or V1 refused */
    TGVOIP_CALL_ERROR_TIMEOUT = 2,
    TGVOIP_CALL_ERROR_AUDIO_IO = 3,
    TGVOIP_CALL_ERROR_PROXY = 4
};

enum tgvoip_network_type {
    TGVOIP_NET_UNKNOWN = 0,
    TGVOIP_NET_GPRS = 1,
    TGVOIP_NET_EDGE = 2,
    TGVOIP_NET_3G = 3,
    TGVOIP_NET_HSPA = 4,
    TGVOIP_NET_LTE = 5,
    TGVOIP_NET_WIFI = 6,
    TGVOIP_NET_ETHERNET = 7,
    TGVOIP_NET_OTHER_HIGH_SPEED = 8,
    TGVOIP_NET_OTHER_LOW_SPEED = 9,
    TGVOIP_NET_DIALUP = 10,
    TGVOIP_NET_OTHER_MOBILE = 11
};

enum tgvoip_data_saving {
    TGVOIP_DATA_SAVING_NEVER = 0,
    TGVOIP_DATA_SAVING_MOBILE = 1,
    TGVOIP_DATA_SAVING_ALWAYS = 2
};

enum tgvoip_endpoint_type {
    TGVOIP_ENDPOINT_P2P_INET = 1,
    TGVOIP_ENDPOINT_P2P_LAN = 2,
    TGVOIP_ENDPOINT_UDP_RELAY = 3,
    TGVOIP_ENDPOINT_TCP_RELAY = 4
};

/** What the peer says that it can do; none of it is possible here. */
enum tgvoip_capability {
    TGVOIP_CAPABILITY_GROUP_CALLS = 1,
    TGVOIP_CAPABILITY_VIDEO_CAPTURE = 2,
    TGVOIP_CAPABILITY_VIDEO_DISPLAY = 4
};

/** Names as used in JSON and logs ("ESTABLISHED", "TIMEOUT", "wifi",
 *  "udp_relay"); "?" for an unknown number. Constant, any thread. */
TGVOIP_API const char *tgvoip_call_state_str(enum tgvoip_call_state s);
TGVOIP_API const char *tgvoip_call_error_str(enum tgvoip_call_error e);
TGVOIP_API const char *tgvoip_network_type_str(enum tgvoip_network_type t);
TGVOIP_API const char *tgvoip_endpoint_type_str(enum tgvoip_endpoint_type t);

#define TGVOIP_TAG_BYTES 16

/**
 * A SOCKS5 proxy (RFC 1928), with a login by name and password (RFC 1929) if
 * there is a user.
 *
 * With a proxy nothing of the call leaves outside it: datagrams go through an
 * association, streams to relays through connections of the proxy, and there
 * are no direct roads, whatever `allow_p2p` says. If datagrams do not pass,
 * relays are reached by TCP through the proxy. If there is no way at all, the
 * call ends with TGVOIP_CALL_ERROR_PROXY; it never goes round the proxy. The
 * proxy's own name is looked up where this machine looks up names.
 */
struct tgvoip_proxy {
    size_t size; /**< set by tgvoip_proxy_default() */
    const char *host; /**< name or address, 1..255 bytes */
    uint16_t port; /**< 1..65535 */
    const char *user; /**< up to 255 bytes; NULL or "" = no login */
    const char *password; /**< up to 255 bytes; of no use without a user */
};

/** A relay, as the server's phoneConnection describes it. */
struct tgvoip_endpoint {
    size_t size;
    int64_t id; /**< of several with the same one the last counts */
    const char *ipv4; /**< dotted quad, or NULL */
    const char *ipv6; /**< without brackets, or NULL; one of the two is set */
    uint16_t port; /**< 1..65535 */
    /** UDP_RELAY or TCP_RELAY. Where datagrams do not pass, UDP relays are
     *  reached by TCP too. */
    enum tgvoip_endpoint_type type;
    uint8_t tag[TGVOIP_TAG_BYTES];
};

/** Which road media takes now, and why it was taken. */
struct tgvoip_route {
    size_t size;
    enum tgvoip_endpoint_type type;
    int64_t id; /**< as given by the server */
    /** Constant: "init" (the handshake came there), "rtt" (it is faster), "p2p"
     *  or "lan" (a direct one is), "dead" (the one before carries nothing any
     *  more), "roam" (the peer's address is another one), "network" (own or
     *  peer's has changed), "closed" (the connection was). */
    const char *reason;
};

/** Counters and measures of a call. All times of a call count from
 *  connect(). */
struct tgvoip_call_stats {
    size_t size;
    enum tgvoip_call_state state;
    enum tgvoip_call_error error;
    struct tgvoip_route route;
    double rtt_ms; /**< smoothed, of the current road; 0 = unknown */
    double loss_out; /**< share lost of what we send, 0..1, last 5 s */
    double loss_in; /**< share lost of what we should receive, likewise */
    unsigned bitrate_bps; /**< of the encoder */
    double jitter_ms; /**< standard deviation of the times of arrival */
    double playout_delay_ms; /**< arrival to play, mean of about 1 s, >= 0 */
    double level_in; /**< of what is heard: peak of the last 100 ms, 0..1 */
    double level_out; /**< of what is sent, likewise; 0 while muted */
    int signal_bars; /**< last value told, 1..4; 0 before the first */
    uint64_t bytes_out, bytes_in; /**< UDP payload, service packets too */
    /** The same by what the network type was when they passed. */
    uint64_t bytes_out_wifi, bytes_in_wifi; /**< not mobile */
    uint64_t bytes_out_mobile, bytes_in_mobile;
    uint64_t packets_out, packets_in; /**< valid packets of the call */
    uint64_t packets_lost_out, packets_lost_in;
    uint64_t packets_bad; /**< failed to open or parse */
    uint64_t packets_duplicate; /**< or too old */
    uint64_t packets_unknown; /**< from an address that is no endpoint */
    uint64_t packets_dropped; /**< not sent: the socket was full or closed */
    uint64_t frames_played; /**< decoded from a primary frame */
    uint64_t frames_recovered; /**< from redundancy or in-band FEC */
    uint64_t frames_concealed; /**< made up, for want of anything */
    uint64_t frames_late; /**< came after their time */
    uint64_t blocks_silence; /**< 20 ms blocks with nothing to play */
    uint64_t source_underruns; /**< blocks that a file was too slow for */
    uint64_t sink_overruns; /**< blocks lost before a file or a reader */
    int64_t connected_us; /**< time from connect() to now; 0 before */
    int64_t established_us; /**< when ESTABLISHED was first seen; -1 never */
    int64_t first_audio_us; /**< when the first frame was played; -1 never */
    /** Protocol version of the peer, 0 = unknown: the one both use, or, when
     *  it was refused as INCOMPATIBLE, what the peer said. */
    unsigned peer_version;
    unsigned peer_min_version; /**< the lowest that the peer accepts */
    unsigned peer_capabilities; /**< `TGVOIP_CAPABILITY_*` added up */
    unsigned frame_ms; /**< of what we send */
    bool peer_is_ours; /**< the peer announced extra 0x54 */
    bool peer_muted; /**< the peer disabled its stream */
    bool encryption_v1; /**< old envelope in use */
};

/** Each may be NULL. They run on the call's loop and must not block; what
 *  pointers point to is valid until they return. */
struct tgvoip_call_callbacks {
    /** Every change of state, in order; `error` says why it FAILED. */
    void (*state)(tgvoip_call *call, void *user, enum tgvoip_call_state state,
                  enum tgvoip_call_error error);
    /** 1 (bad)..4 (good), on change, at most one a second. */
    void (*signal_bars)(tgvoip_call *call, void *user, int bars);
    /** The road changed. */
    void (*route)(tgvoip_call *call, void *user,
                  const struct tgvoip_route *route);
    /** Give 960 samples, or return false to pass on to the next way in.
     *  Called every 20 ms from INIT_ACK on; not while muted. */
    bool (*audio_out)(tgvoip_call *call, void *user, int16_t *pcm,
                      size_t samples);
    /** Take 960 samples. Called every 20 ms from the first media on. */
    void (*audio_in)(tgvoip_call *call, void *user, const int16_t *pcm,
                     size_t samples);
    /** All queued files (not the hold queue) have been played. */
    void (*play_done)(tgvoip_call *call, void *user);
    /** A file failed while the call goes on: disk full, bad data; a pipe or
     *  disk too slow for a recording (TGVOIP_ERR_AGAIN, silence replaces what
     *  is lost). Each fault is told once. */
    void (*file_error)(tgvoip_call *call, void *user,
                       const struct tgvoip_failure *failure);
    /** Signalling bytes to carry to the peer; never called by 2.4.4. */
    void (*signaling_out)(tgvoip_call *call, void *user, const uint8_t *data,
                          size_t len);
    /** One 20 ms block passed: direction 'i' (given to the engine to be sent)
     *  or 'o' (taken from it to be heard), its number, sample position in the
     *  played or recorded file or -1, and CLOCK_MONOTONIC [us]. For
     *  measuring; NULL costs nothing. */
    void (*block_trace)(tgvoip_call *call, void *user, char direction,
                        uint64_t number, int64_t position, int64_t now_us);
};

struct tgvoip_call_config {
    size_t size; /**< set by tgvoip_call_config_default() */
    bool outgoing; /**< this side requested the call (caller) */
    const uint8_t *key; /**< shared secret; copied, wiped at the end */
    size_t key_len; /**< must be 256 */
    const struct tgvoip_endpoint *endpoints; /**< copied */
    size_t endpoint_count; /**< 1..64 */
    /** `protocol.max_layer` that the server returned, 65..92. */
    int max_layer;
    /** Engine to run: NULL or "2.4.4". Place for later protocols. */
    const char *library_version;
    /** Look for direct roads to the peer: over the internet, in the same
     *  network, by IPv6. It sees this machine's addresses then. Never with a
     *  proxy. */
    bool allow_p2p;
    /** Accept the old envelope that a layer below 74 asks for. Without it
     *  such a call ends with INCOMPATIBLE. */
    bool allow_v1;
    unsigned init_timeout_ms; /**< of the handshake, 1..600000; 30000 */
    unsigned receive_timeout_ms; /**< of silence, 1..600000; 20000 */
    enum tgvoip_data_saving data_saving;
    enum tgvoip_network_type network_type;
    /** Values of the server; copied. NULL = defaults. */
    const tgvoip_server_config *server_config;
    /** What tgvoip_call_persistent_state() gave after an earlier call; copied.
     *  NULL = none. A text that cannot be read is ignored with a warning in
     *  the log. */
    const char *persistent_state;
    bool muted; /**< start with the microphone off */
    unsigned complexity; /**< of the encoder, 0..10; 10 */
    /** Shortest audio frame sent and accepted between two ends of this library
     *  [ms]: 20, 40 or 60. Shorter frames mean less delay and, with their own
     *  overhead each, more data; which is taken follows the path. 0 = 20. Other
     *  peers always get 60. */
    unsigned min_frame_ms;
    struct tgvoip_call_callbacks callbacks;
    void *user; /**< handed to the callbacks */
    /** NULL = none. Copied; the password is wiped with the call and appears in
     *  no log. */
    const struct tgvoip_proxy *proxy;
};

/** Fill with the defaults; key and endpoints are left empty. */
TGVOIP_API void tgvoip_call_config_default(struct tgvoip_call_config *config);

/** Fill with an empty UDP relay. */
TGVOIP_API void tgvoip_endpoint_default(struct tgvoip_endpoint *endpoint);

/** Fill with a proxy without host and login. */
TGVOIP_API void tgvoip_proxy_default(struct tgvoip_proxy *proxy);

/** Set size and zeros. */
TGVOIP_API void tgvoip_call_stats_default(struct tgvoip_call_stats *stats);

/**
 * Create a call on an engine. Everything is checked here; nothing is sent.
 *
 * @param[out] out     the call, NULL on failure
 * @param      config  borrowed, what it points to is copied
 * @param[out] failure names the wrong argument; may be NULL
 * @return 0, TGVOIP_ERR_INVALID, TGVOIP_ERR_UNSUPPORTED or TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_create(tgvoip_engine *engine, tgvoip_call **out,
                   const struct tgvoip_call_config *config,
                   struct tgvoip_failure *failure);

/** Open sockets, probe relays. A socket that cannot be opened ends the call as
 *  FAILED.
 *  @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (twice, stopped) */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_call_start(tgvoip_call *call);

/** Begin the handshake. @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (not
 *  started, twice, failed, stopped) */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_call_connect(tgvoip_call *call);

/**
 * End the call, close sockets, finish files. Idempotent. From a callback it
 * marks and returns; from another thread it waits until the last callback has
 * returned and recorded files and reports are finished. What a pipe's stalled
 * reader has not taken after 2 s is given up; the log says how much.
 * NULL is fine.
 */
TGVOIP_API void tgvoip_call_stop(tgvoip_call *call);

/** Stop and free; the key is wiped. NULL is fine. Not from a callback. */
TGVOIP_API void tgvoip_call_destroy(tgvoip_call *call);

/** Microphone off: no audio leaves, and the peer is told. The play queue stands
 *  still meanwhile. @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE
 *  (stopped) */
TGVOIP_API int tgvoip_call_set_mute(tgvoip_call *call, bool muted);

/** Tell which network the device is on: it decides the limits of the bitrate,
 *  data saving, and to which class traffic is counted.
 *  @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (stopped) */
TGVOIP_API int tgvoip_call_set_network_type(tgvoip_call *call,
                                            enum tgvoip_network_type type);

/** Change when data is saved; the peer is told.
 *  @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (stopped) */
TGVOIP_API int tgvoip_call_set_data_saving(tgvoip_call *call,
                                           enum tgvoip_data_saving mode);

/**
 * Change the time-outs of the config. The times that run now go on from when
 * they began.
 * @param init_ms     handshake, 1..600000  [ms]
 * @param receive_ms  silence, 1..600000  [ms]
 * @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (stopped)
 */
TGVOIP_API int tgvoip_call_set_timeouts(tgvoip_call *call, unsigned init_ms,
                                        unsigned receive_ms);

/** Numbers that somebody who experiments sets by hand. */
enum tgvoip_debug_ctl {
    /** Highest bitrate, of the present moment too: 500..510000 [bit/s]. */
    TGVOIP_DEBUG_MAX_BITRATE = 1,
    /** Loss that the encoder is told to expect: 0..100 [percent]; -1 = as
     *  measured, again. */
    TGVOIP_DEBUG_LOSS_PERCENT = 2,
    /** 0 or 1, in place of the config's `allow_p2p`; with a proxy it stays
     *  0. */
    TGVOIP_DEBUG_ALLOW_P2P = 3,
    TGVOIP_DEBUG_ECHO_CANCELLING = 4 /**< 0 or 1; not available here */
};

/** @return 0; TGVOIP_ERR_INVALID (no such control, value out of range);
 *          TGVOIP_ERR_UNSUPPORTED; TGVOIP_ERR_STATE (stopped) */
TGVOIP_API int tgvoip_call_debug_ctl(tgvoip_call *call,
                                     enum tgvoip_debug_ctl what, int value);

/** Read state, counters and measures. `stats` was set up with
 *  tgvoip_call_stats_default(). After the end of a call they stay as they were
 *  then. Also from callbacks. @return 0 or TGVOIP_ERR_INVALID */
TGVOIP_API int tgvoip_call_get_stats(const tgvoip_call *call,
                                     struct tgvoip_call_stats *stats);

/** Relay id for phone.discardCall, as the server gave it; 0 for a NULL. */
TGVOIP_API int64_t tgvoip_call_preferred_relay(const tgvoip_call *call);

/**
 * JSON for phone.saveCallDebug. Also of a call that has been stopped. Waits
 * for the call's loop; from a callback of a call on another loop it cannot.
 * @param[out] text malloc'ed, zero-terminated; free with tgvoip_free()
 * @return 0, TGVOIP_ERR_INVALID, TGVOIP_ERR_NOMEM, TGVOIP_ERR_STATE (called on
 *         another loop); *text is NULL then
 */
TGVOIP_API int tgvoip_call_debug_log(const tgvoip_call *call, char **text);

/** Several lines about the call for a person who looks for a fault: endpoints
 *  with addresses, delays, counters. As tgvoip_call_debug_log() otherwise. */
TGVOIP_API int tgvoip_call_debug_string(const tgvoip_call *call, char **text);

/**
 * What this call would tell the next one (`persistent_state` of its config):
 * a line of JSON, UTF-8. As tgvoip_call_debug_log() otherwise.
 */
TGVOIP_API int tgvoip_call_persistent_state(const tgvoip_call *call,
                                            char **text);

/**
 * Write that text to a file, which is replaced as a whole: whatever happens
 * meanwhile, it holds the old state or the new one.
 * @return 0; errors of tgvoip_call_persistent_state(); TGVOIP_ERR_NOT_FOUND
 *         (no such folder); TGVOIP_ERR_ACCESS; TGVOIP_ERR_NO_SPACE;
 *         TGVOIP_ERR_IO; the failure names the path
 * Context: not from a callback: it waits for the disk.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_save_state(const tgvoip_call *call, const char *path,
                       struct tgvoip_failure *failure);

/** Should the user be asked for a rating of this call? Only if the server's
 *  configuration has `bad_call_rating`. False for a NULL. */
TGVOIP_API bool tgvoip_call_need_rate(const tgvoip_call *call);

/** What a call can write to a file while it runs. */
enum tgvoip_report {
    /** The log of this call alone, every level; appended to what is there,
     *  with a header first. A line: "MM-DD HH:MM:SS L: room: text", local
     *  time, L one of E, W, I, D. Addresses appear in lines D only. */
    TGVOIP_REPORT_LOG = 0,
    /** A table with a row every 0.1 s from INIT_ACK on, columns separated by
     *  tabs: Time RTT LRSeq LSSeq LASeq LostR LostS InFlight Bitrate Loss%
     *  Jitter JDelay AJDelay. Times in seconds; LRSeq, LSSeq, LASeq = newest
     *  number received, next to send, newest acknowledged; LostR, LostS =
     *  packets lost of those received, sent; InFlight in bytes; Loss% = what
     *  the encoder was told; JDelay, AJDelay = play-out delay wanted, and as
     *  it is on average. */
    TGVOIP_REPORT_STATS = 1,
    /** A row for each packet, columns separated by tabs: Time [s], Dir (in,
     *  out), Seq, Type, Bytes (of the datagram), Endpoint (its id), Ack, Mask
     *  (hex). After 8 MiB the file is renamed to PATH.1 and begun anew, so
     *  that the two never hold more than 16 MiB. */
    TGVOIP_REPORT_PACKETS = 2
};

/**
 * Write a report from now on. Best called before tgvoip_call_start(). Each
 * line is given to the system at once, on the worker pool; a disk that is too
 * slow costs lines, never time of the call. An error later on is told by
 * `file_error` once, and the report ends.
 *
 * @param path file to write; a report of this kind that is written already
 *             goes on there. NULL ends it. The file is whole when
 *             tgvoip_call_stop() returns.
 * @return 0; TGVOIP_ERR_INVALID; TGVOIP_ERR_NOMEM; TGVOIP_ERR_STATE (stopped);
 *         TGVOIP_ERR_NOT_FOUND, _ACCESS, _NO_SPACE, _IO: the file cannot be
 *         written, the failure names it, nothing has changed
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_report(tgvoip_call *call, enum tgvoip_report report,
                   const char *path, struct tgvoip_failure *failure);

/** Free memory that the library handed out. NULL is fine. */
TGVOIP_API void tgvoip_free(void *memory);

/**
 * Queue PCM to be sent, 48 kHz mono. One writer thread at a time; the samples
 * are copied.
 * @return number of samples taken, 0..samples (the ring holds 500 ms);
 *         TGVOIP_ERR_STATE (stopped); TGVOIP_ERR_INVALID
 */
TGVOIP_API int tgvoip_call_write(tgvoip_call *call, const int16_t *pcm,
                                 size_t samples);

/** Drop written PCM that has not been sent (barge-in).
 *  @return 0 or TGVOIP_ERR_INVALID */
TGVOIP_API int tgvoip_call_clear(tgvoip_call *call);

/**
 * Take PCM that came, 48 kHz mono. The ring is filled from the first call of
 * this function on and holds 500 ms; older blocks are dropped and counted. One
 * reader thread at a time.
 * @return number of samples, 0 if there are none now; TGVOIP_ERR_NOMEM (at the
 *         first call); TGVOIP_ERR_INVALID
 */
TGVOIP_API int tgvoip_call_read(tgvoip_call *call, int16_t *pcm,
                                size_t samples);

/** Append a file to the play queue. Opened at once; the turn of a named pipe
 *  lasts until somebody has written to it and closed it, or the queue is
 *  emptied. @return 0; errors as tgvoip_audio_probe(); TGVOIP_ERR_STATE
 *  (stopped) */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_play(tgvoip_call *call, const char *path,
                 struct tgvoip_failure *failure);
/** Append a file to the hold queue, which is repeated without end whenever
 *  the play queue is empty. Otherwise as tgvoip_call_play(). */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_play_on_hold(tgvoip_call *call, const char *path,
                         struct tgvoip_failure *failure);
/** Empty a queue, the file that is being played included.
 *  @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (stopped) */
TGVOIP_API int tgvoip_call_clear_play_queue(tgvoip_call *call);
TGVOIP_API int tgvoip_call_clear_hold_queue(tgvoip_call *call);

/**
 * Record what is heard, from the first media on, without gaps: silence is
 * written where nothing came. Replaces an earlier file, which is finished.
 * The old file stays if the new one cannot be opened. A named pipe may wait for
 * its reader: a second of sound is kept for it, silence replaces what is lost,
 * and file_error() tells.
 * @return 0; errors as tgvoip_audio_writer_open(); TGVOIP_ERR_IN_USE (this
 *         file is being recorded to already); TGVOIP_ERR_AGAIN (too many
 *         earlier ones are still being finished); TGVOIP_ERR_STATE
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_record(tgvoip_call *call, const char *path,
                   struct tgvoip_failure *failure);
/**
 * Record what a peer with a perfect network would hear of what is sent: each
 * frame decoded again, from the first one sent on, without gaps. Costs a
 * decoder while it runs. Otherwise as tgvoip_call_record(), beside which it
 * may run.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_call_record_sent(tgvoip_call *call, const char *path,
                        struct tgvoip_failure *failure);
/** Finish both recordings; from a thread other than a loop's they are whole
 *  on return. @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_STATE (stopped) */
TGVOIP_API int tgvoip_call_stop_recording(tgvoip_call *call);

/** Signalling bytes from the peer, for later protocols. 2.4.4 has none.
 *  @return TGVOIP_ERR_UNSUPPORTED */
TGVOIP_API int tgvoip_call_receive_signaling(tgvoip_call *call,
                                             const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
