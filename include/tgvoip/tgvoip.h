/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_TGVOIP_H
#define TGVOIP_TGVOIP_H
/**
 * @file
 * Encrypted Telegram voice calls. Includes every public header; the place to
 * start reading is call.h.
 */
#include <tgvoip/audio.h>
#include <tgvoip/call.h>
#include <tgvoip/engine.h>
#include <tgvoip/error.h>
#include <tgvoip/inspect.h>
#include <tgvoip/negotiate.h>
#include <tgvoip/relay.h>
#include <tgvoip/server_config.h>
#include <tgvoip/signaling.h>
#include <tgvoip/version.h>
#endif
