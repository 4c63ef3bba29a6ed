/* SPDX-License-Identifier: MIT */
/*
 * Recordings of calls. Input: lines of a trace.
 * Invariants: every line gives an object, an empty line, or a reason; texts
 * end and are printable.
 */
#include "fuzz.h"

#include "inspect/inspect.h"
#include "json/json.h"

#include <string.h>

#include <tgvoip/error.h>

static struct tgv_inspect *make(void)
{
    uint8_t key[256];
    struct tgv_inspect *in;

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 13); /* of the vectors */
    if (tgv_inspect_create(&in, key))
        abort();
    return in;
}

static void check_text(const char *text, size_t cap)
{
    const char *end = memchr(text, 0, cap);

    FUZZ_CHECK(end);
    for (; text < end; text++)
        FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 0x7F);
}

static void check_line(struct tgv_inspect *in, const char *line, size_t len)
{
    static struct tgv_inspected out;
    struct tgvoip_failure failure = {0, "", ""};
    int err = tgv_inspect_line(in, line, len, &out, &failure);
    char *dump;

    if (err) {
        FUZZ_CHECK(err == TGVOIP_ERR_AGAIN || err == TGVOIP_ERR_FORMAT);
        FUZZ_CHECK(err == TGVOIP_ERR_AGAIN || failure.why[0]);
        return;
    }
    FUZZ_CHECK(out.json);
    check_text(out.text, sizeof out.text);
    dump = tgv_json_dump(out.json);
    FUZZ_CHECK(dump && !strchr(dump, '\n'));
    free(dump);
    tgv_json_free(out.json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tgv_inspect *in = make();

    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;
        check_line(in, (const char *)data, n);
        n += end != NULL;
        data += n;
        size -= n;
    }
    tgv_inspect_destroy(in);
    return 0;
}
