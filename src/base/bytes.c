/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <string.h>

void tgv_reader_init(struct tgv_reader *r, const uint8_t *data, size_t len)
{
    *r = (struct tgv_reader){.data = data, .len = len};
}

size_t tgv_reader_left(const struct tgv_reader *r)
{
    return r->failed ? 0 : r->len - r->pos;
}

const uint8_t *tgv_read_bytes(struct tgv_reader *r, size_t n)
{
    if (r->failed || r->len - r->pos < n) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->data + r->pos;
    r->pos += n;
    return p;
}

/* n <= 8 bytes, least significant first */
static uint64_t read_le(struct tgv_reader *r, size_t n)
{
    const uint8_t *p = tgv_read_bytes(r, n);
    uint64_t v = 0;

    if (!p)
        return 0;
    for (size_t i = n; i-- > 0;)
        v = (v << 8) | p[i];
    return v;
}

uint8_t tgv_read_u8(struct tgv_reader *r)
{
    return (uint8_t)read_le(r, 1);
}

uint16_t tgv_read_u16le(struct tgv_reader *r)
{
    return (uint16_t)read_le(r, 2);
}

uint16_t tgv_read_u16be(struct tgv_reader *r)
{
    uint16_t v = tgv_read_u16le(r);
    return (uint16_t)((v >> 8) | (v << 8));
}

uint32_t tgv_read_u24le(struct tgv_reader *r)
{
    return (uint32_t)read_le(r, 3);
}

uint32_t tgv_read_u32le(struct tgv_reader *r)
{
    return (uint32_t)read_le(r, 4);
}

uint64_t tgv_read_u64le(struct tgv_reader *r)
{
    return read_le(r, 8);
}

void tgv_writer_init(struct tgv_writer *w, uint8_t *data, size_t cap)
{
    *w = (struct tgv_writer){.data = data, .cap = cap};
}

void tgv_write_bytes(struct tgv_writer *w, const void *data, size_t n)
{
    if (w->failed || w->cap - w->pos < n) {
        w->failed = true;
        return;
    }
    if (n > 0)
        memcpy(w->data + w->pos, data, n);
    w->pos += n;
}

static void write_le(struct tgv_writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];

    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    tgv_write_bytes(w, b, n);
}

void tgv_write_u8(struct tgv_writer *w, uint8_t v)
{
    write_le(w, v, 1);
}

void tgv_write_u16le(struct tgv_writer *w, uint16_t v)
{
    write_le(w, v, 2);
}

void tgv_write_u16be(struct tgv_writer *w, uint16_t v)
{
    write_le(w, (uint16_t)((v >> 8) | (v << 8)), 2);
}

void tgv_write_u24le(struct tgv_writer *w, uint32_t v)
{
    write_le(w, v, 3);
}

void tgv_write_u32le(struct tgv_writer *w, uint32_t v)
{
    write_le(w, v, 4);
}

void tgv_write_u64le(struct tgv_writer *w, uint64_t v)
{
    write_le(w, v, 8);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool tgv_hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len)
{
    if (text_len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(text[2 * i]);
        int lo = hex_digit(text[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi * 16 + lo);
    }
    return true;
}

void tgv_hex_encode(const uint8_t *data, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *text++ = digits[data[i] >> 4];
        *text++ = digits[data[i] & 15];
    }
    *text = '\0';
}
