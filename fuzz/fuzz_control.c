/* SPDX-License-Identifier: MIT */
/* Clear-text messages of a relay. Input: the datagram. */
#include "fuzz.h"

#include "wire/control.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t one[TGV_CONTROL_MAX], two[TGV_CONTROL_MAX];
    struct tgv_control m;
    size_t n, k;

    tgv_control_decode(&m, data, size);
    (void)tgv_control_kind_str(m.kind);
    FUZZ_CHECK(!tgv_control_is(data, size) ||
               (m.kind != TGV_CONTROL_NONE && m.kind != TGV_CONTROL_REGISTER));
    if (m.kind == TGV_CONTROL_NONE || m.kind >= TGV_CONTROL_UNKNOWN)
        return 0;
    FUZZ_CHECK(tgv_control_encode(&m, one, sizeof one, &n) == 0);
    FUZZ_CHECK(n >= TGV_TAG_BYTES && memcmp(one, data, TGV_TAG_BYTES) == 0);
    tgv_control_decode(&m, one, n);
    FUZZ_CHECK(tgv_control_encode(&m, two, sizeof two, &k) == 0);
    FUZZ_CHECK(n == k && memcmp(one, two, n) == 0);
    return 0;
}
