# SPDX-License-Identifier: MIT
"""Sound for tests: tones, and how loud what came is."""
import array
import math
import sys

BLOCK = 960


def pcm(samples):
    out = array.array("h", (max(-32768, min(32767, round(x)))
                            for x in samples))
    if sys.byteorder == "big":
        out.byteswap()
    return out.tobytes()


def tone(seconds, hz=440.0, level=8000):
    n = round(48000 * seconds)
    return pcm(level * math.sin(2 * math.pi * hz * i / 48000)
               for i in range(n))


def samples(data):
    out = array.array("h", data)
    if sys.byteorder == "big":
        out.byteswap()
    return out


def levels(data):
    """Root mean square of each block of 20 ms."""
    values = samples(data[:len(data) // 1920 * 1920])
    return [math.sqrt(sum(v * v for v in values[i:i + BLOCK]) / BLOCK)
            for i in range(0, len(values), BLOCK)]


def loud_blocks(data, level=1000):
    return sum(v > level for v in levels(data))
