# SPDX-License-Identifier: MIT
"""Numbers of the key agreement: conversion, checks, fingerprint, emoji.

Keys and public values are 256 bytes everywhere. `i2b` gives as few as a
number needs, so write `i2b(value, 256)`; without the length one key in 256
comes out too short and is refused.
"""
import secrets
import time
from typing import List, Optional, Set, Tuple, Union

from ._errors import as_bytes, as_int, error_of, text, wrong_type
from ._native import ffi, lib

__all__ = ["i2b", "b2i", "check_dhc", "check_g", "calc_fingerprint",
           "generate_visualization", "get_real_elapsed_time", "twoe1984",
           "common_prime", "emojis", "random_secret"]

_KEY_BYTES = int(lib.TGVOIP_KEY_BYTES)

#: Distance that public values keep from both ends of the range.
twoe1984 = 1 << 1984

#: The prime that the servers have used for years.
common_prime = bytes(ffi.buffer(lib.tgvoip_dh_known_prime(), _KEY_BYTES))


def _emojis() -> Tuple[Tuple[str, str], ...]:
    found: List[Tuple[str, str]] = []
    while True:
        emoji = lib.tgvoip_emoji_at(len(found))
        if emoji.utf8 == ffi.NULL:
            return tuple(found)
        found.append((text(emoji.utf8), text(emoji.name)))


#: All emoji that a key may show, with their names.
emojis: Tuple[Tuple[str, str], ...] = _emojis()


def get_real_elapsed_time() -> float:
    """Seconds of a clock that never steps, from a point of its own."""
    return time.perf_counter()


def i2b(value: int, length: Optional[int] = None) -> bytes:
    """Big-endian bytes of a number: as few as it needs, or `length`.

    :raises OverflowError: negative, or longer than `length`
    """
    number = as_int("value", value)
    if length is None:
        size = (number.bit_length() + 7) // 8
    else:
        size = as_int("length", length, 0, 1 << 20)
    return number.to_bytes(size, "big")


def b2i(value: bytes) -> int:
    """The number that big-endian bytes mean."""
    return int.from_bytes(as_bytes("value", value), "big")


_accepted: Set[Tuple[int, int]] = set()


def check_dhc(g: int, p: int) -> None:
    """Check the server's Diffie-Hellman parameters.

    p must be a safe prime of 2048 bits of which g generates the large
    subgroup. That takes a microsecond for the prime in use, and seconds once
    for another one; pairs that have passed are remembered.

    :raises ValueError: names the rule that is broken
    """
    generator, prime = as_int("g", g), as_int("p", p)
    if (generator, prime) in _accepted:
        return
    if not -2**31 <= generator < 2**31:
        raise ValueError(f"g: {generator} is out of range 2..7")
    if prime < 0 or prime.bit_length() != 8 * _KEY_BYTES:
        raise ValueError("p: 2^2047 < p < 2^2048 is false")
    data = prime.to_bytes(_KEY_BYTES, "big")
    failure = ffi.new("struct tgvoip_failure *")
    code = lib.tgvoip_dh_check_config(generator, data, len(data), failure)
    if code == lib.TGVOIP_ERR_NOMEM:
        raise MemoryError("check_dhc: out of memory")
    if code:
        raise ValueError(str(error_of(code, failure)))
    _accepted.add((generator, prime))


def check_g(g_x: int, p: int) -> None:
    """Check a public value, own or received.

    :raises ValueError: tells which range it is outside of
    """
    value, prime = as_int("g_x", g_x), as_int("p", p)
    if not 1 < value < prime - 1:
        raise ValueError("1 < g_x < p - 1 is false")
    if not twoe1984 < value < prime - twoe1984:
        raise ValueError("2^1984 < g_x < p - 2^1984 is false")


def calc_fingerprint(key: bytes) -> int:
    """Fingerprint of a key, as `phone.confirmCall` wants it: the last eight
    bytes of its SHA-1 as a signed little-endian number."""
    data = as_bytes("key", key)
    if len(data) == _KEY_BYTES:
        out = ffi.new("int64_t *")
        code = lib.tgvoip_key_fingerprint(data, out)
        if code:
            raise error_of(code)
        return int(out[0])
    # Of no use for a call, yet defined.
    from hashlib import sha1
    return int.from_bytes(sha1(data).digest()[-8:], "little", signed=True)


def _value_bytes(name: str, value: Union[bytes, int]) -> bytes:
    if isinstance(value, int) and not isinstance(value, bool):
        number = as_int(name, value, 0)
        return number.to_bytes(max(_KEY_BYTES,
                                   (number.bit_length() + 7) // 8), "big")
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong_type(name, "bytes or int", value)
    return bytes(value)


def generate_visualization(
        key: Union[bytes, int],
        part2: Union[bytes, int]) -> Tuple[List[str], List[str]]:
    """Four emoji, and their names, that both people compare.

    :param key: the shared key
    :param part2: g_a, the public value of whoever has called, for both sides

    Numbers are taken as 256 bytes.
    """
    a, b = _value_bytes("key", key), _value_bytes("part2", part2)
    if len(a) == _KEY_BYTES:
        out = ffi.new("struct tgvoip_emoji[]", int(lib.TGVOIP_EMOJI_COUNT))
        code = lib.tgvoip_key_emoji(a, b, len(b), out)
        if code:
            raise error_of(code)
        chosen = [emojis[e.index] for e in out]
    else:
        from hashlib import sha256
        digest = sha256(a + b).digest()
        chosen = [emojis[(int.from_bytes(digest[k:k + 8], "big")
                          & 0x7FFFFFFFFFFFFFFF) % len(emojis)]
                  for k in range(0, 32, 8)]
    return [e for e, _ in chosen], [n for _, n in chosen]


def random_secret(p: int, server_random: bytes = b"") -> int:
    """A secret exponent a or b, 1 < value < p - 1.

    It comes from the system's cryptographic source; random bytes of the
    server (`messages.dhConfig.random`) are mixed in and can do no harm.
    """
    prime = as_int("p", p, 5)
    size = (prime.bit_length() + 7) // 8
    mixed = as_bytes("server_random", server_random)[:size].ljust(size, b"\0")
    while True:
        drawn = int.from_bytes(
            bytes(x ^ y for x, y in zip(secrets.token_bytes(size), mixed)),
            "big")
        if 1 < drawn < prime - 1:
            return drawn
