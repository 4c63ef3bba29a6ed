# SPDX-License-Identifier: MIT
"""Many calls in one process. A small number in every run; with TGVOIP_LONG=1
what must be reached: 50 calls with PCM in and out at 16 kHz without an overrun,
and 100 calls with files in less than 5 % of a core in the interpreter. The
other ends are in a process of their own, whose packets are made before."""
import asyncio
import contextlib
import json
import math
import os
import struct
import subprocess
import time
import wave

from phones import run, world
from tgvoip._native import ffi, lib
from tgvoip.aio import Client

# tests/support/prepared_ends.c
PREPARED_ENDS = os.environ.get("TGVOIP_PREPARED_ENDS") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build",
    "release", "tests", "prepared_ends")

LONG = bool(os.environ.get("TGVOIP_LONG"))
SECONDS = 20 if LONG else 3


def tone(rate, seconds, hz=440):
    n = int(rate * seconds)
    return struct.pack(f"={n}h", *(
        int(6000 * math.sin(2 * math.pi * hz * i / rate)) for i in range(n)))


class FarClient(Client):
    """Answers, and leaves the conversation to the program with the prepared
    packets, which `lines` goes to."""

    lines = None

    def _incoming(self, leg):
        def listen(kind, info):
            if kind == lib.TGVOIP_SIGNAL_EVENT_READY:
                self._hand_over(leg)
        leg.listener = listen
        self._spawn(leg.answer())

    def _hand_over(self, leg):
        setup = leg.setup()
        config = ffi.new("struct tgvoip_call_config *")
        lib.tgvoip_call_config_default(config)
        assert lib.tgvoip_call_setup_apply(setup, config) == 0
        end = config.endpoints[0]
        self.lines.write("callee %s %d %s\n" % (
            bytes(ffi.buffer(config.key, 256)).hex(), end.port,
            bytes(ffi.buffer(end.tag, 16)).hex()))
        self.lines.flush()
        lib.tgvoip_call_setup_destroy(setup)
        leg.media_state(lib.TGVOIP_STATE_ESTABLISHED, 0)


@contextlib.contextmanager
def prepared_ends(monkeypatch):
    """The process with the other ends."""
    with subprocess.Popen([PREPARED_ENDS], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as far:
        monkeypatch.setattr(FarClient, "lines", far.stdin)
        try:
            yield far
        finally:
            far.kill()


@contextlib.asynccontextmanager
async def calls_to_far_ends(count, port):
    async with world(2 * count, port=port, complexity=3,
                     kind=lambda i: FarClient if i >= count else Client
                     ) as (server, *clients):
        calls = await asyncio.gather(*(
            client.call(f"User{count + i}")
            for i, client in enumerate(clients[:count])))
        yield calls
        await asyncio.gather(*(call.hang_up() for call in calls))


def end_of(far):
    """Ends what the process has; what came of it."""
    out, _ = far.communicate()
    return json.loads(out)


def test_pcm_of_many_calls_at_16_khz(relay, monkeypatch):
    count = 50 if LONG else 8
    speech = tone(16000, 1.0)
    frame = 640
    figures = {}

    async def talk(call, end):
        heard = call.audio(rate=16000)
        at = 0

        async def say():
            nonlocal at
            while asyncio.get_running_loop().time() < end:
                await call.write(speech[at:at + frame], rate=16000)
                at = (at + frame) % len(speech)

        saying = asyncio.ensure_future(say())
        frames = 0
        async for _ in heard:
            frames += 1
            if asyncio.get_running_loop().time() >= end:
                break
        await saying
        return frames, heard.dropped

    async def main(far):
        async with calls_to_far_ends(count, relay.port) as calls:
            loop = asyncio.get_running_loop()
            before = time.thread_time(), time.process_time(), loop.time()
            done = await asyncio.gather(*(
                talk(call, loop.time() + SECONDS) for call in calls))
            took = loop.time() - before[2]
            figures["interpreter"] = (time.thread_time() - before[0]) / took
            figures["process"] = (time.process_time() - before[1]) / took
            stats = [call.stats() for call in calls]
            hub = calls[0]._media.hub
            figures["late"] = hub.ticks_late, hub.ticks
            figures["frames"] = min(f for f, _ in done) / took / 50
            figures["dropped"] = sum(d for _, d in done)
            figures["overruns"] = sum(s.sink_overruns for s in stats)
            figures["far"] = end_of(far)

    with prepared_ends(monkeypatch) as far:
        run(main(far), 120)
    print(count, "calls with PCM:", figures)
    assert figures["overruns"] == 0 and figures["dropped"] == 0
    assert figures["frames"] > 0.9
    assert figures["far"]["established"] == count


def test_files_of_many_calls_cost_the_interpreter_little(
        relay, tmp_path, monkeypatch):
    count = 100 if LONG else 10
    clip = tmp_path / "clip.wav"
    with wave.open(str(clip), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(tone(16000, 2))
    figures = {}

    async def main(far):
        async with calls_to_far_ends(count, relay.port) as calls:
            for i, call in enumerate(calls):
                call.play_on_hold(clip)
                call.record(tmp_path / f"{i}.wav")
            await asyncio.sleep(0.5)
            before = time.thread_time(), time.process_time()
            t = time.monotonic()
            await asyncio.sleep(SECONDS)
            took = time.monotonic() - t
            figures["interpreter"] = (time.thread_time() - before[0]) / took
            figures["process"] = (time.process_time() - before[1]) / took
            stats = [call.stats() for call in calls]
            figures["overruns"] = sum(s.sink_overruns for s in stats)
            figures["concealed"] = sum(s.frames_concealed for s in stats)
            figures["played"] = sum(s.frames_played for s in stats)
            figures["far"] = end_of(far)

    with prepared_ends(monkeypatch) as far:
        run(main(far), 180)
    print(count, "calls with files:", figures)
    assert figures["interpreter"] < 0.05
    assert figures["far"]["established"] == count
    assert figures["played"] > count * SECONDS * 1000 / 60 * 0.8
    sizes = [(tmp_path / f"{i}.wav").stat().st_size for i in range(count)]
    assert min(sizes) > 48000 * 2 * SECONDS * 0.8
