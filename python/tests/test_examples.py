# SPDX-License-Identifier: MIT
"""The five examples run as they are, called or calling by the scripted
Telegram."""
import asyncio
import contextlib
import math
import os
import struct
import subprocess
import sys
import wave

import pytest

from phones import run, until, world

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "..", "..", "examples")

pytestmark = pytest.mark.skipif(not os.path.isdir(EXAMPLES),
                                reason="installed without the examples")


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


def example(name):
    sys.modules.pop(name, None)
    return __import__(name)


def tone(rate, seconds, hz=400):
    n = int(rate * seconds)
    return struct.pack(f"={n}h", *(
        int(9000 * math.sin(2 * math.pi * hz * i / rate)) for i in range(n)))


def clip(path, seconds=0.4, rate=16000):
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(tone(rate, seconds))
    return str(path)


def peak(pcm):
    return max(abs(v) for v in memoryview(bytes(pcm)).cast("h"))


@contextlib.asynccontextmanager
async def running(relay, main, *args, **more):
    """An example on Boris's account; Anna's client to call it."""
    async with world(port=relay.port) as (server, anna, boris):
        await boris.close()     # the example has a client of its own
        task = asyncio.ensure_future(main(boris.phone, *args, **more))
        await asyncio.sleep(0.05)
        try:
            yield server, anna
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_example_echo_bot(relay):
    async def main():
        async with running(relay, example("echo_bot").main) as (_, anna):
            async with anna.call("User1") as call:
                writing = asyncio.ensure_future(call.write(tone(48000, 2)))
                heard = bytearray()
                async for frame in call.audio(rate=16000):
                    heard += frame
                    if len(heard) > 2 * 16000 * 2:
                        break
                await writing
                assert peak(heard) > 2000

    run(main())


def test_example_alert_caller(relay, tmp_path):
    file = clip(tmp_path / "alarm.wav", 0.5)

    async def main():
        async with world(3, port=relay.port) as (server, anna, boris, clara):
            alert = example("alert_caller")

            async def decline(call):
                await call.reject()

            heard = []

            async def listen(call):
                async with call:
                    async for frame in call.audio(rate=16000):
                        heard.append(peak(frame))

            boris.on_incoming(decline)
            clara.on_incoming(listen)
            await anna.close()
            reached = await alert.main(anna.phone, file, "nobody_at_all",
                                       "User1", "User2")
            assert reached == "User2"
            await until(lambda: heard and max(heard) > 3000)

    run(main())


@pytest.mark.parametrize("choice", [1])
def test_example_ivr(relay, tmp_path, choice):
    files = [clip(tmp_path / f"{i}.wav") for i in range(3)]
    chosen = []

    async def main():
        ivr = example("ivr")
        ivr.PAUSE_S = 0.8
        async with running(relay, ivr.main, *files, chosen=lambda *a:
                           chosen.append(a)) as (_, anna):
            async with anna.call("User1") as call:
                # Silent after the first choice, speaking after the second. A
                # gap of less than 200 ms is the machine's, not the menu's.
                quiet, blocks = 10, 0
                async for frame in call.audio(rate=16000):
                    quiet = 0 if peak(frame) > 2000 else quiet + 1
                    blocks += quiet == 10
                    if blocks == choice + 1:
                        break
                await call.write(tone(16000, 0.5), rate=16000)
                await call.wait_ended()
        assert chosen == [(anna.user.id, choice)]

    run(main())


def test_example_voice_agent(relay):
    events = []

    async def main():
        agent = example("voice_agent")
        async with running(relay, agent.main, events.append) as (_, anna):
            async with anna.call("User1") as call:
                await call.write(tone(48000, 1.6))
                await until(lambda: any(e.startswith("heard")
                                        for e in events))
                heard = call.audio(rate=16000)
                async for frame in heard:       # the answer comes
                    if peak(frame) > 2000:
                        break
                await call.write(tone(48000, 0.4))
                await until(lambda: "interrupted" in events)

    run(main())


def test_example_recorder(relay, tmp_path):
    announcement = clip(tmp_path / "hello.wav")
    folder = tmp_path / "recordings"

    async def main():
        recorder = example("recorder")
        async with running(relay, recorder.main, announcement,
                           str(folder)) as (_, anna):
            async with anna.call("User1") as call:
                await call.write(tone(48000, 1.0))
                await call.drain()
                await asyncio.sleep(0.2)

            def finished():
                return any(n.endswith(".txt") and "Ended" in
                           (folder / n).read_text() for n in
                           os.listdir(folder))

            await until(finished)

    run(main())
    names = sorted(os.listdir(folder))
    assert [n.partition("-")[2].partition(str(1000))[2] for n in names] == [
        "-heard.flac", "-sent.flac", ".txt"]
    assert all((folder / n).stat().st_size > 300 for n in names)


LOGIN = """
    import asyncio, contextlib, os, signal, sys
    import companions
    companions.provide("telethon")
    sys.path.insert(0, {folder!r})
    import telegram_login, {example} as example

    @contextlib.asynccontextmanager
    async def login():
        yield "client"

    async def main(client, *words):
        os.kill(os.getpid(), signal.{signal})
        try:
            await asyncio.sleep(20)
        finally:
            await asyncio.sleep(0)      # as what hangs up
            print("left", client, *words)

    telegram_login.login = login
    telegram_login.run(main, "a", "b")
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_examples_end_in_order_when_interrupted(script, number):
    assert script(LOGIN.format(folder=EXAMPLES, signal=number,
                               example="echo_bot")) == "left client a b\n"
    assert script.err == ""


@pytest.mark.parametrize("words, says", [
    (["alert_caller.py"], "python alert_caller.py alarm.ogg anna"),
    (["alert_caller.py", "alarm.ogg"], "python alert_caller.py alarm.ogg"),
    (["recorder.py", "a", "b", "c"], "python recorder.py announcement.ogg"),
    (["ivr.py"], "python ivr.py opening-hours.ogg"),
    (["echo_bot.py"], "Set TG_API_ID first")])
def test_examples_say_how_they_are_run(words, says):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TG_")}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, os.path.join(EXAMPLES, words[0]), *words[1:]],
        env=env, text=True, timeout=60, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
