# SPDX-License-Identifier: MIT
"""What test_py.py is about, for the key agreement and its helpers."""
import inspect
import time

import pytest

import tgvoip
import tgvoip.utils
from tgvoip import VoIPController
from tgvoip._native import lib

P = int.from_bytes(tgvoip.utils.common_prime, "big")


# -- 06 to 08: the key agreement ---------------------------------------------

# A safe prime that is not the servers': group 14 of RFC 3526.
GROUP_14 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA6"
    "3B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245"
    "E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F2411"
    "7C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08"
    "CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9"
    "DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFF"
    "FFFFFFFF", 16)


def test_py_06_check_dhc_tests_for_primes():
    check = tgvoip.utils.check_dhc
    check(2, GROUP_14)
    began = time.monotonic()
    check(2, GROUP_14)      # remembered
    assert time.monotonic() - began < 0.01
    for g, p, why in ((4, GROUP_14 + 6, "prime"), (4, P - 2, "prime"),
                      (5, P, "p mod 5"), (9, P, "2..7"),
                      (3, P >> 1, r"2\^2047 < p"), (3, 2 * P, r"2\^2047 < p"),
                      (3, -P, r"2\^2047 < p")):
        with pytest.raises(ValueError, match=why):
            check(g, p)


def test_py_06_check_dhc_refuses_a_prime_that_is_not_safe():
    p = 2 ** 2047 + 1919    # the smallest prime of 2048 bits
    with pytest.raises(ValueError, match="p - 1"):
        tgvoip.utils.check_dhc(4, p)


def test_py_07_flags_are_two_regional_indicators():
    names = [n for _, n in tgvoip.utils.emojis]
    assert tgvoip.utils.emojis[304][0] == "\U0001F1E8\U0001F1F3"
    for emoji, _ in tgvoip.utils.emojis[301:311]:
        assert [0x1F1E6 <= ord(c) <= 0x1F1FF for c in emoji] == [True, True]
    for i, digit in enumerate("1234567890"):
        assert tgvoip.utils.emojis[311 + i][0] == digit + "\u20e3"
    assert names.index("JAPAN") == 301


def test_py_08_values_can_be_padded():
    utils = tgvoip.utils
    small = 5
    assert utils.i2b(small) == b"\5"
    assert utils.i2b(small, 256) == bytes(255) + b"\5"
    assert utils.generate_visualization(small, 7) == (
        utils.generate_visualization(utils.i2b(small, 256),
                                     utils.i2b(7, 256)))
    with pytest.raises(OverflowError):
        utils.i2b(256, 1)
    assert "256" in utils.__doc__ and "256" in inspect.getdoc(
        VoIPController.set_encryption_key)


# -- 29: secrets -------------------------------------------------------------

def test_py_29_secrets_come_from_the_system(monkeypatch):
    seen = []
    real = tgvoip.utils.secrets.token_bytes
    monkeypatch.setattr(tgvoip.utils.secrets, "token_bytes",
                        lambda n: seen.append(n) or real(n))
    a = tgvoip.utils.random_secret(P)
    assert 1 < a < P - 1 and set(seen) == {256}
    assert lib.TGVOIP_KEY_BYTES == 256
