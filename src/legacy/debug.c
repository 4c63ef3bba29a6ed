/* SPDX-License-Identifier: MIT */
/*
 * What a call tells about itself as text: JSON for the server, lines for
 * people, a table for plots.
 * Source: behaviour notes 17.4..17.6; ENG-62, ENG-63
 */
#include "legacy/internal.h"

#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- for the server -------------------------------------------------------- */

static const char *network_str(int type)
{
    static const char *const names[] = {"unknown",
                                        "gprs",
                                        "edge",
                                        "3g",
                                        "hspa",
                                        "lte",
                                        "wifi",
                                        "ethernet",
                                        "other_high_speed",
                                        "other_low_speed",
                                        "dialup",
                                        "other_mobile"};

    if (type < 0 || (size_t)type >= sizeof(names) / sizeof(names[0]))
        return names[0];
    return names[type];
}

static struct tgv_json *network_json(const struct tgv_call *c)
{
    struct tgv_json *o = tgv_json_object();

    tgv_json_set(o, "type", tgv_json_new_str(network_str(c->network_type)));
    return o;
}

static struct tgv_json *packets_json(const struct tgv_call *c)
{
    struct tgv_json *o = tgv_json_object();

    tgv_json_set(o, "out", tgv_json_new_int(c->ack.next));
    tgv_json_set(o, "in", tgv_json_new_int((int64_t)c->counters.packets_in));
    tgv_json_set(
        o, "lost_out",
        tgv_json_new_int((int64_t)tgv_loss_count(&c->measures.loss_out)));
    tgv_json_set(
        o, "lost_in",
        tgv_json_new_int((int64_t)tgv_loss_count(&c->measures.loss_in)));
    return o;
}

static void append_if(struct tgv_json *array, bool condition, const char *text)
{
    if (condition)
        tgv_json_append(array, tgv_json_new_str(text));
}

static struct tgv_json *problems_json(const struct tgv_call *c)
{
    struct tgv_json *a = tgv_json_array();

    append_if(a, c->measures.timed_out, "timeout");
    append_if(a, c->measures.was_reconnecting, "reconnecting");
    append_if(a, c->measures.extra_ec, "extra_ec");
    append_if(a, c->measures.encoder_lag, "encoder_lag");
    append_if(a, c->connected && !c->hs.ready, "not_inited");
    append_if(a, c->measures.handed_over, "network_handover");
    return a;
}

/* 0 = never measured, so that what was measured is 1 ms at least. */
static int64_t whole_ms(tgv_time t)
{
    if (t <= 0)
        return 0;
    return t < TGV_US_PER_MS ? 1 : (t + TGV_US_PER_MS / 2) / TGV_US_PER_MS;
}

static int64_t mean_ms(const struct tgv_path *p)
{
    return whole_ms(tgv_rtt_mean(&p->rtt));
}

/* A peer that is refused may have said a newer one. */
static unsigned spoken(const struct tgv_call *c)
{
    return c->hs.peer_version < TGV_PROTOCOL_VERSION ? c->hs.peer_version
                                                     : TGV_PROTOCOL_VERSION;
}

static const char *p2p_type(const struct tgv_call *c)
{
    const struct tgv_path *p = &c->paths.list[c->paths.current];

    if (tgv_path_is_relay(p))
        return "none";
    if (p->type == TGV_PATH_P2P_LAN)
        return "lan";
    return p->addr.family == TGV_AF_IPV6 ? "inet6" : "inet";
}

char *tgv_call_debug_log(const struct tgv_call *c, tgv_time now)
{
    const struct tgv_paths *paths = &c->paths;
    struct tgv_json *o = tgv_json_object();
    char id[24];
    char *text;

    (void)now;
    snprintf(id, sizeof(id), "%lld", (long long)tgv_call_preferred_relay(c));
    tgv_json_set(o, "log_type", tgv_json_new_str("call_stats"));
    tgv_json_set(o, "libtgvoip_version", tgv_json_new_str("2.4.4"));
    tgv_json_set(o, "network", network_json(c));
    tgv_json_set(o, "protocol_version", tgv_json_new_int(spoken(c)));
    tgv_json_set(o, "udp_avail",
                 tgv_json_new_bool(c->reach.verdict == TGV_UDP_AVAILABLE));
    tgv_json_set(o, "tcp_used", tgv_json_new_bool(c->reach.tcp_used));
    tgv_json_set(o, "relay_rtt",
                 tgv_json_new_int(mean_ms(&paths->list[paths->preferred])));
    tgv_json_set(o, "p2p_type", tgv_json_new_str(p2p_type(c)));
    tgv_json_set(o, "rtt",
                 tgv_json_new_int(mean_ms(&paths->list[paths->current])));
    tgv_json_set(o, "packet_stats", packets_json(c));
    tgv_json_set(o, "problems", problems_json(c));
    tgv_json_set(o, "pref_relay", tgv_json_new_str(id));
    text = tgv_json_dump(o);
    tgv_json_free(o);
    return text;
}

/* -- for people ------------------------------------------------------------ */

#define ENDPOINT_LINE_MAX 160
#define OTHER_LINES_MAX 1024

struct text {
    char *at;
    size_t room; /* the zero included */
};

static void add(struct text *t, const char *format, ...) TGVOIP_PRINTF(2, 3);

static void add(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(t->at, t->room, format, args);
    va_end(args);
    if (n < 0)
        return;
    size_t used = (size_t)n < t->room ? (size_t)n : t->room - 1;
    t->at += used;
    t->room -= used;
}

static const char *path_str(enum tgv_path_type type)
{
    switch (type) {
    case TGV_PATH_P2P_INET:
        return "P2P_INET";
    case TGV_PATH_P2P_LAN:
        return "P2P_LAN";
    case TGV_PATH_UDP_RELAY:
        return "UDP_RELAY";
    case TGV_PATH_TCP_RELAY:
        return "TCP_RELAY";
    }
    return "?";
}

static void add_endpoints(struct text *t, const struct tgv_call *c)
{
    char where[TGV_ADDR_TEXT];

    add(t, "Remote endpoints:\n");
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (p->gone)
            continue;
        tgv_addr_format(&p->addr, where, sizeof(where));
        add(t, "%s - %lldms, %u, 0x%llx [%s%s]\n", where, (long long)mean_ms(p),
            p->probes_answered, (unsigned long long)p->id, path_str(p->type),
            i == c->paths.current ? ", IN_USE" : "");
    }
}

static void add_key(struct text *t, const struct tgv_call *c)
{
    const uint8_t *f = tgv_seal_fingerprint(c->seal);

    add(t, "Key fingerprint: ");
    for (int i = 0; i < 8; i++)
        add(t, "%02x", f[i]);
    add(t, ", encryption v%d\n", tgv_handshake_v2(c) ? 2 : 1);
}

static void add_voice(struct text *t, const struct tgv_call_stats *s,
                      const struct tgv_call *c, tgv_time now)
{
    add(t,
        "Jitter buffer: target %.0f ms, average %.0f ms; late %.2f, %.2f, "
        "%.2f per tick\n",
        s->playout.target_delay_ms, s->playout.delay_ms, tgv_stats_late(c, 16),
        tgv_stats_late(c, 32), tgv_stats_late(c, 64));
    add(t, "RTT avg/min: %lld/%lld ms\n", (long long)whole_ms(tgv_stats_rtt(c)),
        (long long)whole_ms(tgv_rtt_min(&c->ack_rtt)));
    add(t, "In flight/window: %u/%u bytes\n", (unsigned)tgv_stats_in_flight(c),
        (unsigned)tgv_rate_window(c, now));
}

/* While they are sent; behind the endpoints, as in the original. */
static void add_copies(struct text *t, const struct tgv_call *c)
{
    if (c->rate.extra_ec)
        add(t, "Extra EC: %u earlier frames a packet\n",
            c->rate.planner.plan.copies);
}

static void add_packets(struct text *t, const struct tgv_call_stats *s,
                        const struct tgv_call *c)
{
    add(t, "Last sent/acknowledged seq: %u/%u\n", (unsigned)(c->ack.next - 1),
        (unsigned)c->ack.last_ack);
    add(t, "Last received seq: %u\n", (unsigned)c->window.last);
    add(t, "Send/receive losses: %llu/%llu (%u%%)\n",
        (unsigned long long)s->packets_lost_out,
        (unsigned long long)s->packets_lost_in, c->rate.encoder.loss_percent);
    add(t, "Audio bitrate: %.1f kbit\n", s->bitrate_bps / 1000.0);
    add(t, "Outgoing queue: %u\n", c->sender.media_count);
    add(t, "Frame size out/in: %u/%u ms\n", s->frame_ms, s->playout.frame_ms);
    add(t, "Bytes sent/received: %llu/%llu\n", (unsigned long long)s->bytes_out,
        (unsigned long long)s->bytes_in);
}

char *tgv_call_debug_string(const struct tgv_call *c, tgv_time now)
{
    struct text t = {.room =
                         c->paths.count * ENDPOINT_LINE_MAX + OTHER_LINES_MAX};
    char *text = malloc(t.room);
    struct tgv_call_stats s;

    if (!text)
        return NULL;
    t.at = text;
    tgv_call_stats(c, &s, now);
    add_endpoints(&t, c);
    add_copies(&t, c);
    add_voice(&t, &s, c, now);
    add_key(&t, c);
    add_packets(&t, &s, c);
    return text;
}

/* -- for plots ------------------------------------------------------------- */

static double newest_rtt_s(const struct tgv_call *c)
{
    const struct tgv_rtt *r = &c->paths.list[c->paths.current].rtt;

    if (!tgv_rtt_known(r))
        return (double)tgv_stats_rtt(c) / TGV_US_PER_S;
    return (double)
               r->samples[(r->next + TGV_RTT_SAMPLES - 1) % TGV_RTT_SAMPLES] /
           TGV_US_PER_S;
}

const char *tgv_call_dump_head(void)
{
    /* The original calls the bytes in flight "CWnd". */
    return "Time\tRTT\tLRSeq\tLSSeq\tLASeq\tLostR\tLostS\tInFlight\tBitrate\t"
           "Loss%\tJitter\tJDelay\tAJDelay";
}

int tgv_call_dump_row(const struct tgv_call *c, char *row, size_t cap,
                      tgv_time now)
{
    struct tgv_call_stats s;

    row[0] = '\0';
    if (!c->hs.ready)
        return 0;
    tgv_call_stats(c, &s, now);
    return snprintf(
        row, cap,
        "%.3f\t%.4f\t%u\t%u\t%u\t%llu\t%llu\t%u\t%u\t%u\t%.4f\t%.3f\t%.3f",
        (double)s.connected / TGV_US_PER_S, newest_rtt_s(c),
        (unsigned)c->window.last, (unsigned)c->ack.next,
        (unsigned)c->ack.last_ack, (unsigned long long)s.packets_lost_in,
        (unsigned long long)s.packets_lost_out,
        (unsigned)tgv_stats_in_flight(c), s.bitrate_bps,
        c->rate.encoder.loss_percent, s.playout.jitter_ms / 1e3,
        s.playout.target_delay_ms / 1e3, s.playout.delay_ms / 1e3);
}
