/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_VERSION_H
#define TGVOIP_VERSION_H
/**
 * @file
 * Our own version (SemVer) and the names of the protocol that we speak. The
 * two have nothing to do with each other.
 */
#define TGVOIP_VERSION_MAJOR 0
#define TGVOIP_VERSION_MINOR 1
#define TGVOIP_VERSION_PATCH 0
#define TGVOIP_VERSION "0.1.0"

/** Library version of the protocol, as offered in call signalling. */
#define TGVOIP_PROTOCOL_LIBRARY_VERSION "2.4.4"
/** Version of the wire protocol, and the lowest of a peer that we accept. */
#define TGVOIP_PROTOCOL_VERSION 9
#define TGVOIP_PROTOCOL_MIN_VERSION 3
/** Highest connection layer offered, and the lowest. */
#define TGVOIP_MAX_LAYER 92
#define TGVOIP_MIN_LAYER 65

#if defined(_WIN32)
#define TGVOIP_API
#elif defined(__GNUC__)
#define TGVOIP_API __attribute__((visibility("default")))
#else
#define TGVOIP_API
#endif

#if defined(__GNUC__)
#define TGVOIP_MUST_CHECK __attribute__((warn_unused_result))
#define TGVOIP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TGVOIP_MUST_CHECK
#define TGVOIP_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** `TGVOIP_VERSION` of the library that is running. Any thread. */
TGVOIP_API const char *tgvoip_version(void);

#ifdef __cplusplus
}
#endif
#endif
