# SPDX-License-Identifier: MIT
"""Vectors of the key agreement, and its agreement with Python's integers."""
import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgvoip._native import ffi, lib
from tgvoip.utils import (b2i, calc_fingerprint, check_dhc, check_g,
                          common_prime, emojis, generate_visualization, i2b,
                          random_secret, twoe1984)

P = int.from_bytes(common_prime, "big")
K1 = bytes(range(256))
G1 = bytes(255 - i for i in range(256))
ZERO = bytes(256)


def indexes(key, part2):
    chosen, names = generate_visualization(key, part2)
    found = [list(n for _, n in emojis).index(name) for name in names]
    assert [emojis[i][0] for i in found] == chosen
    return found


# -- independent computations ------------------------------------------------

def their_fingerprint(key):
    value = int.from_bytes(hashlib.sha1(key).digest()[12:], "little")
    return value - (1 << 64) if value >> 63 else value


def their_indexes(key, g_a):
    digest = hashlib.sha256(key + g_a).digest()
    return [int.from_bytes(digest[k:k + 8], "big") % (1 << 63) % 333
            for k in (0, 8, 16, 24)]


def shared_key(public, secret):
    """By the C library, as a call does it."""
    key = ffi.new("uint8_t[256]")
    code = lib.tgvoip_dh_shared_key(public, len(public), secret, common_prime,
                                    256, key)
    assert code == 0
    return bytes(ffi.buffer(key))


# -- vectors -----------------------------------------------------------------

def test_i2b_and_b2i():
    assert [i2b(0), i2b(255), i2b(256)] == [b"", b"\xff", b"\x01\x00"]
    assert (b2i(b"\x01\x00"), b2i(b"")) == (256, 0)
    with pytest.raises(OverflowError):
        i2b(-1)
    for wrong in ("1", 1.0, None, True):
        with pytest.raises(TypeError, match="value"):
            i2b(wrong)
    with pytest.raises(TypeError, match="value"):
        b2i("ab")


def test_fingerprint_vectors():
    assert calc_fingerprint(K1) == -3972359982579920590
    assert calc_fingerprint(ZERO) == -7954749645261174607
    with pytest.raises(TypeError, match="key"):
        calc_fingerprint(5)


@pytest.mark.parametrize("key, part2, wanted", [
    (K1, G1, [122, 225, 65, 23]),
    (ZERO, ZERO, [121, 203, 106, 11]),
    (ZERO, 14, [304, 296, 188, 229]),
    (0, 15, [59, 308, 273, 108]),
    (ZERO, 35, [305, 19, 77, 196]),
    (ZERO, 56, [303, 301, 110, 297]),
    (b"\0" + b"\x22" * 255, b"\0" + b"\x11" * 255, [259, 317, 114, 329]),
    (int.from_bytes(b"\x22" * 255, "big"), int.from_bytes(b"\x11" * 255,
                                                          "big"),
     [259, 317, 114, 329]),
])
def test_visualization_vectors(key, part2, wanted):
    assert indexes(key, part2) == wanted


def test_visualization_refuses_other_types():
    for key, part2, name in (("k", ZERO, "key"), (ZERO, None, "part2"),
                             (1.0, ZERO, "key"), (True, ZERO, "key")):
        with pytest.raises(TypeError, match=name):
            generate_visualization(key, part2)
    with pytest.raises(ValueError):
        generate_visualization(-1, ZERO)


def test_check_dhc_vectors():
    for g in (3, 4, 7):
        assert check_dhc(g, P) is None
    for g in (1, 2, 5, 6, 8, 0, -3, 2 ** 70):
        with pytest.raises(ValueError, match="g"):
            check_dhc(g, P)
    with pytest.raises(ValueError, match="p is not prime"):
        check_dhc(4, P + 1)
    for g, p in ((3.0, P), ("3", P), (3, common_prime)):
        with pytest.raises(TypeError):
            check_dhc(g, p)


def test_check_g_vectors():
    for value in (0, 1, P - 1, P, -1):
        with pytest.raises(ValueError, match=r"^1 < g_x < p - 1 is false$"):
            check_g(value, P)
    for value in (2, 2 ** 1984, P - 2, P - 2 ** 1984):
        with pytest.raises(
                ValueError,
                match=r"^2\^1984 < g_x < p - 2\^1984 is false$"):
            check_g(value, P)
    for value in (twoe1984 + 1, P - twoe1984 - 1):
        assert check_g(value, P) is None


def exponent(label):
    return int.from_bytes(hashlib.sha512(label.encode()).digest() * 4, "big")


def test_key_exchange_vector():
    a, b = exponent("a"), exponent("b")
    g_a, g_b = pow(3, a, P), pow(3, b, P)
    assert hashlib.sha256(i2b(g_a, 256)).hexdigest().startswith("fb1a2b8ca1")
    key = i2b(pow(g_b, a, P), 256)
    assert key == i2b(pow(g_a, b, P), 256)
    assert hashlib.sha256(key).hexdigest() == (
        "59c6afcabfbfe7f4d9fbe2389e4b1e40e64798eeaf65413ca25e7f86bf54807a")
    assert calc_fingerprint(key) == 2669879718496549493
    assert indexes(key, i2b(g_a, 256)) == [248, 0, 109, 156]


def test_key_with_leading_zero_vector():
    a, b = exponent("a"), exponent("b354")
    g_a = pow(3, a, P)
    number = pow(pow(3, b, P), a, P)
    key = i2b(number, 256)
    assert len(i2b(number)) == 255 and key[:4].hex() == "00df9dee"
    assert calc_fingerprint(key) == -6404474894377106698
    assert calc_fingerprint(i2b(number)) == -4803915721934985161
    assert indexes(number, g_a) == [0, 119, 163, 164]
    assert shared_key(i2b(pow(3, b, P), 256), i2b(a, 256)) == key


def test_random_secret_is_in_range_and_drawn_anew():
    drawn = {random_secret(P, b"\xff" * 256) for _ in range(50)}
    assert len(drawn) == 50
    assert all(1 < x < P - 1 for x in drawn)
    assert all(1 < random_secret(7) < 6 for _ in range(100))


# -- properties --------------------------------------------------------------

@settings(max_examples=1000, deadline=None, database=None)
@given(key=st.binary(min_size=256, max_size=256),
       g_a=st.binary(min_size=256, max_size=256),
       zeros=st.integers(0, 4))
def test_fingerprint_and_emoji_agree_with_python_integers(key, g_a, zeros):
    key = bytes(zeros) + key[zeros:]
    assert calc_fingerprint(key) == their_fingerprint(key)
    wanted = [emojis[i] for i in their_indexes(key, g_a)]
    for k, g in ((key, g_a), (int.from_bytes(key, "big"),
                              int.from_bytes(g_a, "big"))):
        assert list(zip(*generate_visualization(k, g))) == wanted


@settings(max_examples=1000, deadline=None, database=None)
@given(value=st.integers(0, 1 << 2100), length=st.integers(0, 300))
def test_i2b_and_b2i_agree_with_python_integers(value, length):
    size = (value.bit_length() + 7) // 8
    assert i2b(value) == value.to_bytes(size, "big")
    assert b2i(bytes(length) + i2b(value)) == value
    if length >= size:
        assert i2b(value, length) == value.to_bytes(length, "big")
    else:
        with pytest.raises(OverflowError):
            i2b(value, length)


def exchange(g, a, b):
    """Both ends by the C library, and what they must get by Python's integers
    alone. Exponents of full length cost 200 ms."""
    g_a, g_b = i2b(pow(g, a, P), 256), i2b(pow(g, b, P), 256)
    key = pow(g, a * b, P).to_bytes(256, "big")
    assert shared_key(g_b, i2b(a, 256)) == key
    assert shared_key(g_a, i2b(b, 256)) == key
    assert calc_fingerprint(key) == their_fingerprint(key)
    assert indexes(key, g_a) == their_indexes(key, g_a)
    return key


def test_10000_key_exchanges_agree_with_python_integers():
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    leading = 0
    for i in range(10000):
        if i % 500 == 0:
            g, bits = draw.choice((3, 4, 7)), 2047
        else:
            g, bits = draw.randrange(2, P - 1), draw.randrange(3, 13)
        a, b = draw.getrandbits(bits) + 2, draw.getrandbits(bits) + 2
        leading += exchange(g, a, b)[0] == 0
    assert leading > 5


def test_keys_with_leading_zeros_by_construction():
    """A public value whose power is a number with zeros in front: take the
    wanted key and undo the exponent."""
    draw = random.Random(7)
    q = (P - 1) // 2
    for zeros in (1, 1, 2, 3, 4):
        secret = draw.getrandbits(2040) | 1
        while True:     # a square: then its roots lie in the subgroup
            small = draw.getrandbits(8 * (256 - zeros))
            if pow(small, q, P) == 1:
                break
        inverse = pow(secret, -1, q)
        public = pow(small, inverse, P)
        key = shared_key(i2b(public, 256), i2b(secret, 256))
        assert key == i2b(small, 256) and key[:zeros] == bytes(zeros)
        assert calc_fingerprint(key) == their_fingerprint(key)
        assert indexes(small, 5) == their_indexes(key, i2b(5, 256))
