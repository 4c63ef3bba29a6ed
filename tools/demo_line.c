/* SPDX-License-Identifier: MIT */
/* The call before and around its sound: both ends run the state machines of
 * call signalling, over the small server of demo_server.c. */
#include "demo.h"

#include <stdio.h>
#include <string.h>

static int fail(struct tgvoip_failure *failure, int err, const char *why)
{
    failure->code = err;
    snprintf(failure->what, sizeof(failure->what), "negotiation");
    snprintf(failure->why, sizeof(failure->why), "%s", why);
    return err;
}

/* What a side is told; the callee answers at once. */
static int take_event(struct demo *demo, int side,
                      const struct tgvoip_signal_event *event)
{
    struct demo_line *line = &demo->line;

    switch (event->type) {
    case TGVOIP_SIGNAL_EVENT_INCOMING:
        line->calls[side] = event->negotiation;
        return tgvoip_negotiation_answer(event->negotiation, tool_now_us());
    case TGVOIP_SIGNAL_EVENT_STATE:
        if (event->state > TGVOIP_SIGNAL_RECONNECTING)
            events_signal(&demo->events, side == CALLER ? "caller" : "callee",
                          event->state, tool_now_us());
        return 0;
    case TGVOIP_SIGNAL_EVENT_READY:
        return tgvoip_negotiation_setup(event->negotiation, &line->setups[side],
                                        NULL);
    case TGVOIP_SIGNAL_EVENT_ENDED:
        line->info[side] = event->info;
        return 0;
    default:
        return 0;
    }
}

/* Carry events and requests until both sides have nothing to say. */
static int pump(struct demo *demo)
{
    struct demo_line *line = &demo->line;
    bool quiet = false;

    while (!quiet) {
        int side;

        quiet = true;
        for (side = 0; side < SIDES; side++) {
            struct tgvoip_signal_event event;
            struct tgvoip_request request;
            tgvoip_account *account = line->server.users[side];
            int err = 0;

            tgvoip_signal_event_default(&event);
            tgvoip_request_default(&request);
            if (tgvoip_account_next_event(account, &event)) {
                err = take_event(demo, side, &event);
                quiet = false;
            } else if (tgvoip_account_next_request(account, &request)) {
                err = demo_server_request(&line->server, side, &request,
                                          tool_now_us());
                quiet = false;
            }
            if (err)
                return err;
        }
    }
    return 0;
}

static int open_accounts(struct demo_line *line, uint16_t relay_port,
                         const uint8_t tag[TGVOIP_TAG_BYTES],
                         struct tgvoip_failure *failure)
{
    int side, err = 0;

    line->server.relay_port = relay_port;
    memcpy(line->server.tag, tag, sizeof(line->server.tag));
    for (side = 0; side < SIDES && !err; side++) {
        struct tgvoip_account_config config;

        tgvoip_account_config_default(&config);
        config.self_id = line->server.ids[side] = 100 + side;
        err =
            tgvoip_account_create(&line->server.users[side], &config, failure);
    }
    return err;
}

/* Both are ready: the numbers that people compare. */
static int compare(struct demo *demo, struct tgvoip_failure *failure)
{
    struct demo_line *line = &demo->line;
    struct demo_key *key = &demo->key;
    int side, i, err;

    for (side = 0; side < SIDES; side++) {
        struct tgvoip_negotiation_info *info = &line->info[side];

        if (!line->setups[side])
            return fail(failure, TGVOIP_ERR_AUTH,
                        info->why[0] ? info->why : "no key was agreed");
        err =
            tgvoip_negotiation_get_info(line->calls[side], info, tool_now_us());
        if (!err)
            err = tgvoip_negotiation_emoji(line->calls[side], key->emoji[side]);
        if (err)
            return fail(failure, err, tgvoip_error_str(err));
    }
    key->fingerprint = line->info[CALLER].key_fingerprint;
    for (i = 0; i < TGVOIP_EMOJI_COUNT; i++)
        if (key->emoji[CALLER][i].index != key->emoji[CALLEE][i].index)
            return fail(failure, TGVOIP_ERR_AUTH, "the emoji differ");
    return 0;
}

int demo_line_open(struct demo *demo, uint16_t relay_port,
                   const uint8_t tag[TGVOIP_TAG_BYTES],
                   struct tgvoip_failure *failure)
{
    struct demo_line *line = &demo->line;
    int64_t start = tool_now_us();
    struct tgvoip_outgoing outgoing;
    int side, err;

    memset(failure, 0, sizeof(*failure));
    for (side = 0; side < SIDES; side++)
        tgvoip_negotiation_info_default(&line->info[side]);
    line->server.relay_tcp = demo->tcp;
    err = open_accounts(line, relay_port, tag, failure);
    if (err)
        return err;
    tgvoip_outgoing_default(&outgoing);
    outgoing.user_id = line->server.ids[CALLEE];
    err = tgvoip_account_call(line->server.users[CALLER], &line->calls[CALLER],
                              &outgoing, start, failure);
    if (err)
        return err;
    err = pump(demo);
    if (err)
        return fail(failure, err, tgvoip_error_str(err));
    demo->key.took_us = tool_now_us() - start;
    return compare(demo, failure);
}

void demo_line_state(struct demo *demo, int side, enum tgvoip_call_state state,
                     enum tgvoip_call_error error)
{
    if (demo->line.calls[side])
        tgvoip_negotiation_media_state(demo->line.calls[side], state, error,
                                       tool_now_us());
    pump(demo);
}

void demo_line_facts(struct demo *demo, int side, const tgvoip_call *call)
{
    if (demo->line.calls[side])
        tgvoip_negotiation_media_facts_of(demo->line.calls[side], call,
                                          tool_now_us());
}

void demo_line_hang_up(struct demo *demo)
{
    if (demo->line.calls[CALLER])
        tgvoip_negotiation_hang_up(demo->line.calls[CALLER], tool_now_us());
    pump(demo);
}

void demo_line_close(struct demo *demo)
{
    struct demo_line *line = &demo->line;
    int side;

    for (side = 0; side < SIDES; side++) {
        tgvoip_call_setup_destroy(line->setups[side]);
        tgvoip_negotiation_release(line->calls[side], tool_now_us());
        tgvoip_account_destroy(line->server.users[side]);
    }
    memset(line, 0, sizeof(*line));
}
