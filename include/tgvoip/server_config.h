/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_SERVER_CONFIG_H
#define TGVOIP_SERVER_CONFIG_H
/**
 * @file
 * The server's call configuration: the JSON object that phone.getCallConfig
 * returns. It is a value: parse it, hand it to a call's config, which copies
 * it. Unknown keys are ignored; a key of the wrong type or out of range keeps
 * the value held and is counted. Any thread, one at a time.
 */
#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tgvoip_server_config tgvoip_server_config;

/** Create one that holds the defaults.
 *  @return 0, TGVOIP_ERR_NOMEM or TGVOIP_ERR_INVALID (out is NULL) */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_server_config_create(tgvoip_server_config **out);

/** Free it. NULL is fine. */
TGVOIP_API void tgvoip_server_config_destroy(tgvoip_server_config *config);

/**
 * Merge a JSON object into the values held. On a syntax error nothing changes.
 * A refused value keeps the old one; this is no failure, but worth telling
 * once: then `failure` names the keys and has a code.
 *
 * @param[out] rejected number of keys whose value was refused; may be NULL
 * @param[out] failure  code 0 if all values were taken; may be NULL
 * @return 0, TGVOIP_ERR_FORMAT (not a JSON object; see failure) or
 *         TGVOIP_ERR_INVALID (a NULL)
 * Source: behaviour notes 6, ENG-60, ENG-61
 */
TGVOIP_API int tgvoip_server_config_merge(tgvoip_server_config *config,
                                          const char *json, size_t len,
                                          unsigned *rejected,
                                          struct tgvoip_failure *failure);

#ifdef __cplusplus
}
#endif
#endif
