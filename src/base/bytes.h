/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_BYTES_H
#define TGV_BASE_BYTES_H
/*
 * Bounded reading and writing of little- and big-endian numbers.
 *
 * Invariant: a reader never looks past its end and a writer never writes past
 * it. The first attempt sets `failed`; from then on reads give 0 and writes do
 * nothing, so a parser checks once, at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_reader {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool failed;
};

struct tgv_writer {
    uint8_t *data;
    size_t cap;
    size_t pos;
    bool failed;
};

void tgv_reader_init(struct tgv_reader *r, const uint8_t *data, size_t len);
size_t tgv_reader_left(const struct tgv_reader *r);
uint8_t tgv_read_u8(struct tgv_reader *r);
uint16_t tgv_read_u16le(struct tgv_reader *r);
uint16_t tgv_read_u16be(struct tgv_reader *r);
uint32_t tgv_read_u24le(struct tgv_reader *r);
uint32_t tgv_read_u32le(struct tgv_reader *r);
uint64_t tgv_read_u64le(struct tgv_reader *r);
/* Pointer to the next n bytes, which are consumed; NULL if there are fewer. */
const uint8_t *tgv_read_bytes(struct tgv_reader *r, size_t n);

void tgv_writer_init(struct tgv_writer *w, uint8_t *data, size_t cap);
void tgv_write_u8(struct tgv_writer *w, uint8_t v);
void tgv_write_u16le(struct tgv_writer *w, uint16_t v);
void tgv_write_u16be(struct tgv_writer *w, uint16_t v);
void tgv_write_u24le(struct tgv_writer *w, uint32_t v);
void tgv_write_u32le(struct tgv_writer *w, uint32_t v);
void tgv_write_u64le(struct tgv_writer *w, uint64_t v);
void tgv_write_bytes(struct tgv_writer *w, const void *data, size_t n);

/* Parse exactly 2*len hex digits of text[0..text_len-1]. Lower or upper case.
 * @return true, or false with out untouched in content beyond what parsed */
bool tgv_hex_decode(const char *text, size_t text_len, uint8_t *out,
                    size_t len);
/* Write 2*len lower-case digits and a zero; text holds 2*len+1. */
void tgv_hex_encode(const uint8_t *data, size_t len, char *text);

#endif
