/* SPDX-License-Identifier: MIT */
/* Bodies of fixed form. */
#include "wire/wire_int.h"

#include <string.h>

#include <tgvoip/error.h>

int tgv_pong_decode(uint32_t *ping_seq, const uint8_t *p, size_t len)
{
    struct tgv_reader r;

    tgv_reader_init(&r, p, len);
    *ping_seq = tgv_read_u32le(&r);
    return r.failed ? TGVOIP_ERR_FORMAT : 0;
}

size_t tgv_pong_encode(uint32_t ping_seq, uint8_t out[4])
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, 4);
    tgv_write_u32le(&w, ping_seq);
    return w.pos;
}

int tgv_stream_state_decode(uint8_t *id, bool *enabled, const uint8_t *p,
                            size_t len)
{
    struct tgv_reader r;

    tgv_reader_init(&r, p, len);
    *id = tgv_read_u8(&r);
    *enabled = tgv_read_u8(&r) != 0;
    return r.failed ? TGVOIP_ERR_FORMAT : 0;
}

size_t tgv_stream_state_encode(uint8_t id, bool enabled, uint8_t out[2])
{
    out[0] = id;
    out[1] = enabled;
    return 2;
}

int tgv_lan_endpoint_decode(uint8_t ip[4], uint16_t *port, const uint8_t *p,
                            size_t len)
{
    struct tgv_reader r;
    const uint8_t *from;

    tgv_reader_init(&r, p, len);
    from = tgv_read_bytes(&r, 4);
    /* The upper half means nothing: senders count in it. */
    *port = (uint16_t)tgv_read_u32le(&r);
    if (r.failed) {
        memset(ip, 0, 4);
        return TGVOIP_ERR_FORMAT;
    }
    memcpy(ip, from, 4);
    return 0;
}

size_t tgv_lan_endpoint_encode(const uint8_t ip[4], uint16_t port,
                               uint8_t out[8])
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, 8);
    tgv_write_bytes(&w, ip, 4);
    tgv_write_u32le(&w, port);
    return w.pos;
}

int tgv_network_changed_decode(uint32_t *flags, const uint8_t *p, size_t len)
{
    struct tgv_reader r;

    *flags = 0;
    if (len == 0)
        return 0;
    tgv_reader_init(&r, p, len);
    *flags = tgv_read_u32le(&r);
    return r.failed ? TGVOIP_ERR_FORMAT : 0;
}

size_t tgv_network_changed_encode(uint32_t flags, uint8_t out[4])
{
    return tgv_pong_encode(flags, out); /* one number, likewise */
}
