/* SPDX-License-Identifier: MIT */
#include "inspect/pcap.h"

#include "base/failure.h"

#include <string.h>

#define PCAP_HEADER 24
#define PCAP_RECORD 16
#define BLOCK_HEAD 8
#define BLOCK_MIN 12
#define LINK_MASK 0xFFFFu /* above it: length of a checksum */

#define BLOCK_SECTION 0x0A0D0D0Au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 2u /* of old */
#define BLOCK_SIMPLE 3u
#define BLOCK_ENHANCED 6u
#define BYTE_ORDER_MAGIC 0x1A2B3C4Du

#define OPTION_END 0u
#define OPTION_TSRESOL 9u
#define OPTION_TSOFFSET 14u

#define MICROS UINT64_C(1000000)
#define NANOS UINT64_C(1000000000)
/* Beyond this a time is nonsense (it is the year 5138). */
#define SECONDS_MAX INT64_C(100000000000)

static uint32_t u16(const struct tgv_pcap *p, const uint8_t *b)
{
    return p->big_endian ? (uint32_t)(b[0] << 8 | b[1])
                         : (uint32_t)(b[1] << 8 | b[0]);
}

static uint32_t u32(const struct tgv_pcap *p, const uint8_t *b)
{
    return p->big_endian ? u16(p, b) << 16 | u16(p, b + 2)
                         : u16(p, b + 2) << 16 | u16(p, b);
}

static uint64_t u64(const struct tgv_pcap *p, const uint8_t *b)
{
    return p->big_endian ? (uint64_t)u32(p, b) << 32 | u32(p, b + 4)
                         : (uint64_t)u32(p, b + 4) << 32 | u32(p, b);
}

static const struct {
    uint8_t magic[4];
    bool big_endian;
    uint64_t units;
} pcap_magics[] = {
    {{0xd4, 0xc3, 0xb2, 0xa1}, false, MICROS},
    {{0xa1, 0xb2, 0xc3, 0xd4}, true, MICROS},
    {{0x4d, 0x3c, 0xb2, 0xa1}, false, NANOS},
    {{0xa1, 0xb2, 0x3c, 0x4d}, true, NANOS},
};
static const uint8_t ng_magic[4] = {0x0a, 0x0d, 0x0d, 0x0a};

#define MAGICS (sizeof pcap_magics / sizeof *pcap_magics)

/* Its place in the table, MAGICS if it is none. */
static size_t find_magic(const uint8_t *data)
{
    size_t i = 0;

    while (i < MAGICS && memcmp(data, pcap_magics[i].magic, 4))
        i++;
    return i;
}

bool tgv_pcap_is(const uint8_t *data, size_t len)
{
    return len >= 4 &&
           (find_magic(data) < MAGICS || !memcmp(data, ng_magic, 4));
}

void tgv_pcap_init(struct tgv_pcap *p)
{
    memset(p, 0, sizeof *p);
}

static int break_off(struct tgv_pcap *p, struct tgvoip_failure *failure,
                     const char *why)
{
    p->broken = true;
    return tgv_fail(failure, TGVOIP_ERR_FORMAT, "capture",
                    "%s after %llu packets", why,
                    (unsigned long long)p->records);
}

static int64_t to_us(int64_t seconds, uint64_t rest, uint64_t units)
{
    if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX)
        return 0;
    return seconds * (int64_t)MICROS +
           (int64_t)((double)rest * (double)MICROS / (double)units);
}

/* -- pcap ----------------------------------------------------------------- */

static int pcap_begin(struct tgv_pcap *p, const uint8_t *data, size_t len,
                      size_t *used)
{
    size_t i = find_magic(data);

    if (len < PCAP_HEADER)
        return TGVOIP_ERR_AGAIN;
    p->big_endian = pcap_magics[i].big_endian;
    p->interfaces[0] =
        (struct tgv_pcap_interface){.link = u32(p, data + 20) & LINK_MASK,
                                    .snap_len = UINT32_MAX,
                                    .units = pcap_magics[i].units};
    p->interface_count = 1;
    p->begun = true;
    *used = PCAP_HEADER;
    return 0;
}

static int pcap_frame(struct tgv_pcap *p, const uint8_t *data, size_t len,
                      size_t *used, struct tgv_pcap_frame *frame,
                      struct tgvoip_failure *failure)
{
    const struct tgv_pcap_interface *face = &p->interfaces[0];
    uint32_t kept;

    if (len < PCAP_RECORD)
        return TGVOIP_ERR_AGAIN;
    kept = u32(p, data + 8);
    if (kept > TGV_PCAP_RECORD_MAX)
        return break_off(p, failure, "a record claims an absurd length");
    if (len - PCAP_RECORD < kept)
        return TGVOIP_ERR_AGAIN;
    p->records++;
    *frame = (struct tgv_pcap_frame){
        .time_us = to_us(u32(p, data), u32(p, data + 4), face->units),
        .link = face->link,
        .data = data + PCAP_RECORD,
        .len = kept,
        .cut = u32(p, data + 12) > kept};
    *used = PCAP_RECORD + kept;
    return 0;
}

/* -- pcapng --------------------------------------------------------------- */

/* Units of a second from the option's byte: a power of 10, or of 2. */
static uint64_t units_of(uint8_t resolution)
{
    uint64_t units = 1;

    if (resolution & 0x80)
        return (resolution & 0x7F) < 64 ? UINT64_C(1) << (resolution & 0x7F)
                                        : MICROS;
    if (resolution > 19)
        return MICROS;
    while (resolution-- > 0)
        units *= 10;
    return units;
}

static void read_options(struct tgv_pcap *p, struct tgv_pcap_interface *face,
                         const uint8_t *o, size_t len)
{
    while (len >= 4) {
        uint32_t code = u16(p, o), size = u16(p, o + 2);
        size_t padded = ((size_t)size + 3) & ~(size_t)3;

        if (code == OPTION_END || padded > len - 4)
            return;
        if (code == OPTION_TSRESOL && size == 1)
            face->units = units_of(o[4]);
        if (code == OPTION_TSOFFSET && size == 8)
            face->offset_s = (int64_t)u64(p, o + 4);
        o += 4 + padded;
        len -= 4 + padded;
    }
}

static void add_interface(struct tgv_pcap *p, const uint8_t *body, size_t len)
{
    struct tgv_pcap_interface *face = &p->interfaces[p->interface_count];

    if (len < 8 || p->interface_count == TGV_PCAP_INTERFACES)
        return; /* packets that name it are left out */
    *face = (struct tgv_pcap_interface){
        .link = u16(p, body), .snap_len = u32(p, body + 4), .units = MICROS};
    read_options(p, face, body + 8, len - 8);
    p->interface_count++;
}

/* @return whether the block holds a packet of a known interface */
static bool ng_frame(struct tgv_pcap *p, uint32_t type, const uint8_t *body,
                     size_t len, struct tgv_pcap_frame *frame)
{
    const bool simple = type == BLOCK_SIMPLE;
    const size_t head = simple ? 4 : 20;
    const struct tgv_pcap_interface *face;
    uint32_t number, kept, on_wire;
    uint64_t time;

    if (len < head)
        return false;
    number = simple ? 0 : type == BLOCK_PACKET ? u16(p, body) : u32(p, body);
    if (number >= p->interface_count)
        return false;
    face = &p->interfaces[number];
    on_wire = u32(p, body + head - 4);
    kept = simple ? on_wire : u32(p, body + 12);
    if (simple && face->snap_len && kept > face->snap_len)
        kept = face->snap_len;
    if (kept > len - head) {
        if (!simple)
            return false;
        kept = (uint32_t)(len - head);
    }
    p->records++;
    *frame = (struct tgv_pcap_frame){.link = face->link,
                                     .data = body + head,
                                     .len = kept,
                                     .cut = on_wire > kept};
    if (simple)
        return true;
    time = (uint64_t)u32(p, body + 4) << 32 | u32(p, body + 8);
    if (time / face->units <= (uint64_t)SECONDS_MAX &&
        face->offset_s >= -SECONDS_MAX && face->offset_s <= SECONDS_MAX)
        frame->time_us = to_us((int64_t)(time / face->units) + face->offset_s,
                               time % face->units, face->units);
    return true;
}

/* The head of a section tells its byte order. */
static int begin_section(struct tgv_pcap *p, const uint8_t *data, size_t len,
                         struct tgvoip_failure *failure)
{
    if (len < BLOCK_MIN)
        return TGVOIP_ERR_AGAIN;
    p->big_endian = false;
    if (u32(p, data + BLOCK_HEAD) != BYTE_ORDER_MAGIC) {
        p->big_endian = true;
        if (u32(p, data + BLOCK_HEAD) != BYTE_ORDER_MAGIC)
            return break_off(p, failure, "a section without byte order");
    }
    p->interface_count = 0;
    return 0;
}

static bool is_of_use(uint32_t type)
{
    return type == BLOCK_SECTION || type == BLOCK_INTERFACE ||
           type == BLOCK_PACKET || type == BLOCK_SIMPLE ||
           type == BLOCK_ENHANCED;
}

/* One block. @return 0 with frame->data NULL if it holds none */
static int ng_block(struct tgv_pcap *p, const uint8_t *data, size_t len,
                    size_t *used, struct tgv_pcap_frame *frame,
                    struct tgvoip_failure *failure)
{
    uint32_t type, size;

    if (len < BLOCK_HEAD)
        return TGVOIP_ERR_AGAIN;
    type = u32(p, data);
    if (type == BLOCK_SECTION) {
        int err = begin_section(p, data, len, failure);

        if (err)
            return err;
    }
    size = u32(p, data + 4);
    if (size < BLOCK_MIN || size % 4)
        return break_off(p, failure, "a block of impossible length");
    if (!is_of_use(type)) {
        p->skip = size;
        return 0;
    }
    if (size > TGV_PCAP_RECORD_MAX)
        return break_off(p, failure, "a block claims an absurd length");
    if (len < size)
        return TGVOIP_ERR_AGAIN;
    if (u32(p, data + size - 4) != size)
        return break_off(p, failure, "the two lengths of a block differ");
    if (type == BLOCK_INTERFACE)
        add_interface(p, data + BLOCK_HEAD, size - BLOCK_MIN);
    else if (type != BLOCK_SECTION)
        ng_frame(p, type, data + BLOCK_HEAD, size - BLOCK_MIN, frame);
    *used = size;
    return 0;
}

static int ng_next(struct tgv_pcap *p, const uint8_t *data, size_t len,
                   size_t *used, struct tgv_pcap_frame *frame,
                   struct tgvoip_failure *failure)
{
    for (;;) {
        size_t n = p->skip < len - *used ? (size_t)p->skip : len - *used;
        int err;

        p->skip -= n;
        *used += n;
        n = 0;
        err = ng_block(p, data + *used, len - *used, &n, frame, failure);
        *used += n;
        if (err || frame->data)
            return err;
    }
}

int tgv_pcap_next(struct tgv_pcap *p, const uint8_t *data, size_t len,
                  size_t *used, struct tgv_pcap_frame *frame,
                  struct tgvoip_failure *failure)
{
    int err = 0;
    size_t n = 0;

    *used = 0;
    *frame = (struct tgv_pcap_frame){.data = NULL};
    if (p->broken)
        return break_off(p, failure, "nothing can be read");
    if (!p->begun) {
        if (len < 4)
            return TGVOIP_ERR_AGAIN;
        if (!tgv_pcap_is(data, len))
            return break_off(p, failure, "no capture");
        p->ng = !memcmp(data, ng_magic, 4);
        if (!p->ng)
            err = pcap_begin(p, data, len, used);
        else
            p->begun = true;
        if (err)
            return err;
    }
    if (p->ng)
        return ng_next(p, data, len, used, frame, failure);
    err = pcap_frame(p, data + *used, len - *used, &n, frame, failure);
    *used += n;
    return err;
}
