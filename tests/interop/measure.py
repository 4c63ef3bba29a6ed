# SPDX-License-Identifier: MIT
"""Compares what one end of a call sent with what the other end heard.

Both ends write their 20 ms blocks with the CLOCK_MONOTONIC time of each, so
that sent and heard sound lie on one axis of real time. Loudness in steps of
10 ms (the envelope) survives any codec, and its correlation tells whether the
words arrived. Windows of 1 s are judged each with a lag of its own, because
the play-out delay of either end moves while the call goes on.

Standard library only.
"""
import array
import math
import sys

RATE = 48000
BLOCK = 960
BIN_US = 10_000
WINDOW = 100        # bins: 1 s
FIRST_LAG = 80      # bins: 0..800 ms are searched in the first window
NEXT_LAG = 20       # bins: +-200 ms round the one before


def read_pcm(path):
    pcm = array.array("h")
    with open(path, "rb") as f:
        data = f.read()
    pcm.frombytes(data[:len(data) // 2 * 2])
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm


def write_pcm(path, pcm):
    out = array.array("h", pcm)
    if sys.byteorder == "big":
        out.byteswap()
    with open(path, "wb") as f:
        f.write(out.tobytes())


def mean_square(pcm, start, stop):
    piece = pcm[start:stop]
    return sum(x * x for x in piece) / len(piece) if piece else 0.0


class Envelope:
    """Loudness (root mean square) in bins of 10 ms of CLOCK_MONOTONIC."""

    def __init__(self, first_bin, values):
        self.first_bin = first_bin
        self.values = values

    @property
    def end_bin(self):
        return self.first_bin + len(self.values)

    def slice(self, start, stop):
        """Bins start..stop-1; silence where there is nothing."""
        return [self.values[i - self.first_bin]
                if 0 <= i - self.first_bin < len(self.values) else 0.0
                for i in range(start, stop)]

    def power(self, start, stop):
        piece = self.slice(start, stop)
        return sum(v * v for v in piece) / max(1, len(piece))


def envelope(pcm, blocks):
    """@param blocks list of (time of the block in us, its sample position)"""
    if not blocks:
        return Envelope(0, [])
    sums, weights = {}, {}
    for (at, position), after in zip(blocks, blocks[1:] + [None]):
        # A block lasts until the next one begins: 20 ms, give or take what
        # the scheduler did; a gap is a gap.
        length = 20_000
        if after is not None and 10_000 <= after[0] - at <= 40_000:
            length = after[0] - at
        for half in (0, 1):
            start = position + half * BLOCK // 2
            power = mean_square(pcm, start, start + BLOCK // 2)
            left = at + half * length / 2
            right = left + length / 2
            b = int(left // BIN_US)
            while b * BIN_US < right:
                share = (min(right, (b + 1) * BIN_US) - max(left, b * BIN_US))
                sums[b] = sums.get(b, 0.0) + share * power
                weights[b] = weights.get(b, 0.0) + share
                b += 1
    first, last = min(sums), max(sums)
    return Envelope(first, [
        math.sqrt(sums.get(b, 0.0) / weights[b]) if weights.get(b) else 0.0
        for b in range(first, last + 1)])


def correlation(a, b):
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    cov = var_a = var_b = 0.0
    for x, y in zip(a, b):
        x -= mean_a
        y -= mean_b
        cov += x * y
        var_a += x * x
        var_b += y * y
    if var_a <= 0 or var_b <= 0:
        return 0.0
    return cov / math.sqrt(var_a * var_b)


def median(values):
    values = sorted(values)
    n = len(values)
    if not n:
        return 0.0
    middle = n // 2
    return values[middle] if n % 2 else (values[middle - 1]
                                         + values[middle]) / 2


def best_lag(sent, heard, start, lags):
    window = sent.slice(start, start + WINDOW)
    found = max((correlation(window, heard.slice(start + lag,
                                                 start + lag + WINDOW)), -lag)
                for lag in lags)
    return found[0], -found[1]


def compare(sent, heard, from_us, to_us):
    """
    Judge the windows of `sent` between two times.
    @return list of (time since from_us in s, correlation, lag in ms); silent
            windows of what was sent are left out
    """
    start = max(-(-from_us // BIN_US), sent.first_bin)
    stop = min(to_us // BIN_US, sent.end_bin)
    loud = math.sqrt(sent.power(start, stop))
    windows, lag = [], None
    for at in range(start, stop - WINDOW + 1, WINDOW):
        if math.sqrt(sent.power(at, at + WINDOW)) < 0.1 * loud:
            continue
        if lag is None:
            lags = range(0, FIRST_LAG + 1)
        else:
            lags = range(max(0, lag - NEXT_LAG), lag + NEXT_LAG + 1)
        r, lag = best_lag(sent, heard, at, lags)
        windows.append(((at - start) / 100, r, lag * 10))
    return windows


def decibel(power, reference):
    return 10 * math.log10(max(power, 1e-9) / max(reference, 1e-9))


def switch_delay(heard, at_us, lag_ms, mute, reference=None):
    """
    How long after a mute or unmute it is heard: the time from which 100 ms
    are 40 dB below the second before (mute), or are back within 20 dB of
    `reference` (unmute).
    @return (delay in ms or None, reference power)
    """
    at = at_us // BIN_US
    if reference is None:
        reference = heard.power(at + lag_ms // 10 - 100, at + lag_ms // 10)
    for b in range(at, at + 200):
        level = decibel(heard.power(b, b + 10), reference)
        if level <= -40 if mute else level > -20:
            return (b - at) * 10, reference
    return None, reference


def dense(pcm, samples):
    """Speech without its pauses, `samples` long, for the mute test."""
    piece = RATE // 5
    pieces = [(mean_square(pcm, i, i + piece), i)
              for i in range(0, len(pcm) - piece, piece)]
    average = sum(p for p, _ in pieces) / len(pieces)
    loud = [i for p, i in pieces if p > 0.5 * average]
    out = array.array("h")
    while len(out) < samples:
        for i in loud:
            out.extend(pcm[i:i + piece])
    return out[:samples]
