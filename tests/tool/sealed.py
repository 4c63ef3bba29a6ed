# SPDX-License-Identifier: MIT
"""Seals one packet as a peer of the protocol would (short form, version 8 and
later), with the openssl command for AES. Slow, and independent of our code.
Source: wire specification 3.1 to 3.3, 4.1, 4.4.1
"""
import hashlib
import os
import struct
import subprocess


def aes_block(key, block):
    return subprocess.run(
        ["openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex()],
        input=block, stdout=subprocess.PIPE, check=True).stdout


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def ige_encrypt(key, iv, plain):
    c, p, out = iv[:16], iv[16:], b""
    for i in range(0, len(plain), 16):
        block = plain[i:i + 16]
        c = xor(aes_block(key, xor(block, c)), p)
        p = block
        out += c
    return out


def seal_short(key, from_caller, inner):
    x = 0 if from_caller else 8
    text = struct.pack("<H", len(inner)) + inner
    padding = 16 - len(text) % 16
    text += os.urandom(padding + 16 if padding < 16 else padding)
    msg_key = hashlib.sha256(key[88 + x:120 + x] + text).digest()[8:24]
    a = hashlib.sha256(msg_key + key[x:x + 36]).digest()
    b = hashlib.sha256(key[40 + x:76 + x] + msg_key).digest()
    return msg_key + ige_encrypt(a[:8] + b[8:24] + a[24:],
                                 b[:8] + a[8:24] + b[24:], text)


def init_packet(version, minimum, seq=1):
    return (struct.pack("<BIIIB", 1, 0, seq, 0, 0)
            + struct.pack("<III", version, minimum, 0)
            + b"\x01SUPO\x00\x00")
