# SPDX-License-Identifier: MIT
"""What somebody does with `tgvoip.aio` who has read the guide and no more:
things in another order, in another thread, of another type."""
import array
import asyncio
import ctypes
import gc
import struct
import threading
import weakref

import pytest

import tgvoip.aio as aio
from phones import discards, run, run_fast, until, world
from sound import loud_blocks, tone
from tgvoip import CallError, CallState
from tgvoip._errors import as_pcm
from tgvoip._native import lib
from tgvoip.aio._signaling import LegInfo


async def talk(call):
    async with call:
        await call.wait_ended()


# -- begin and end -----------------------------------------------------------

def test_a_call_is_accepted_and_entered_afterwards(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            entered = []

            @boris.on_incoming
            async def answer(call):
                await call.accept()
                async with call:
                    entered.append(call.state)
                    await call.wait_ended()

            async with await anna.call("User1") as call:
                await until(lambda: entered)
            assert entered == [CallState.ESTABLISHED]
            assert type(call.outcome) is aio.HungUp

    run(main())


def test_entered_too_late_says_how_it_ended(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(talk)
            call = await anna.call("User1")
            await call.hang_up()
            with pytest.raises(aio.HungUp):
                async with call:
                    pytest.fail("there is no call")

    run(main())


def test_a_second_begin_leaves_the_call_alone(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            failed = []

            @boris.on_incoming
            async def first(call):
                await talk(call)

            async def second():
                async for call in boris.incoming():
                    await until(lambda: call.state is CallState.ESTABLISHED)
                    with pytest.raises(RuntimeError, match="begun already"):
                        async with call:
                            pass
                    with pytest.raises(RuntimeError, match="begun already"):
                        await call.accept()
                    failed.append(call)

            task = asyncio.ensure_future(second())
            await asyncio.sleep(0)
            async with anna.call("User1") as call:
                await until(lambda: failed or task.done())
                assert call.outcome is failed[0].outcome is None
            task.cancel()

    run(main())


def test_an_error_in_a_handler_ends_the_call_that_it_answered(relay, caplog):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            @boris.on_incoming
            async def broken(call):
                await call.accept()
                raise KeyError("from a handler")

            # Perhaps before this side has heard of the answer.
            try:
                async with anna.call("User1") as call:
                    assert type(await call.wait_ended()) is aio.PeerHungUp
            except aio.PeerHungUp:
                pass
            assert discards(server) == ["Hangup"]

    run(main())
    assert [r.exc_info[0] for r in caplog.records
            if r.name == "tgvoip.aio"] == [KeyError]


def test_an_error_in_a_handler_lets_ring_what_it_has_not_answered(caplog):
    async def main():
        async with world() as (server, anna, boris):
            @boris.on_incoming
            async def broken(call):
                raise KeyError("from a handler")

            with pytest.raises(aio.NoAnswer):
                async with anna.call("User1", ring_timeout=30):
                    pass

    run_fast(main())
    assert "handler of a call failed" in caplog.text


def test_a_client_starts_again_after_its_end():
    async def main():
        async with world() as (server, anna, boris):
            boris.on_incoming(refuse)
            with pytest.raises(RuntimeError, match="running"):
                await boris.start()
            await boris.close()
            await boris.close()
            for use in (boris.incoming, lambda: boris.call("User0")):
                with pytest.raises(RuntimeError, match="not been started"):
                    use()
            await boris.start()
            with pytest.raises(aio.Declined):
                async with anna.call("User1"):
                    pass

    async def refuse(call):
        await call.reject()

    run_fast(main())


def test_a_call_that_never_begins_is_forgotten():
    async def main():
        async with world() as (server, anna, boris):
            call = weakref.ref(anna.call("User1"))
            gc.collect()
            assert call() is None
            late = anna.call("User1")
            await anna.close()
            with pytest.raises(RuntimeError, match="client has been closed"):
                await late
            assert server.calls == {}

    run_fast(main())


CTRL_C = """
    import asyncio, os, signal
    from conftest import Relay
    from phones import discards, world
    relay = Relay()

    async def answer(call):
        async with call:
            call.record("heard.wav", "sent")
            await call.wait_ended()

    async def main():
        global call, server
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(answer)
            async with anna.call("User1") as call:
                asyncio.get_running_loop().call_later(
                    0.5, os.kill, os.getpid(), signal.SIGINT)
                async for frame in call.audio():
                    await call.write(frame)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted", type(call.outcome).__name__,
              set(discards(server)))
    relay.close()
"""


def test_ctrl_c_in_mid_call_hangs_up(script, tmp_path):
    assert script(CTRL_C) == "interrupted HungUp {'Hangup'}\n"
    assert (tmp_path / "heard.wav").stat().st_size > 0.3 * 96000


# -- who listens -------------------------------------------------------------

def test_events_begin_where_they_are_asked_for():
    async def main():
        async with world() as (server, anna, boris):
            boris.on_incoming(reject)
            call = anna.call("User1")
            events = call.events()      # nobody waits yet
            with pytest.raises(aio.Declined):
                async with call:
                    pass
            seen = [type(event) async for event in events]
            assert seen[0] is aio.StateChanged and seen[-1] is aio.Ended
            assert [event async for event in call.events()] == []

    async def reject(call):
        await call.reject()

    run_fast(main())


def test_whoever_has_stopped_to_listen_lets_calls_ring_elsewhere():
    async def main():
        async with world() as (server, anna, boris):
            boris.incoming()
            gc.collect()
            assert not boris._listeners
            listening = boris.incoming()
            assert boris._listeners
            await listening.aclose()
            assert not boris._listeners
            assert [call async for call in listening] == []

            async def one():
                async for call in boris.incoming():
                    await call.reject()
                    break

            task = asyncio.ensure_future(one())
            await asyncio.sleep(0)
            with pytest.raises(aio.Declined):
                async with anna.call("User1"):
                    pass
            await task
            assert not boris._listeners

    run_fast(main())


def test_a_task_that_listens_lives_though_nobody_refers_to_it():
    async def main():
        async with world() as (server, anna, boris):
            async def listen():
                async for call in boris.incoming():
                    await call.reject()

            asyncio.ensure_future(listen())
            for _ in range(3):
                await asyncio.sleep(0)
                gc.collect()
            for _ in range(2):
                with pytest.raises(aio.Declined):
                    async with anna.call("User1"):
                        pass
                gc.collect()

    run_fast(main())


# -- threads and loops -------------------------------------------------------

def uses(client, call):
    """Everything that is not for another thread."""
    return {
        "play": lambda: call.play("x.wav"), "clear": call.clear,
        "play_on_hold": lambda: call.play_on_hold("x.wav"),
        "stop_hold": call.stop_hold, "record": lambda: call.record("x.wav"),
        "muted": lambda: setattr(call, "muted", True), "audio": call.audio,
        "events": call.events, "stats": call.stats,
        "duration": lambda: call.duration, "incoming": client.incoming,
        "call": lambda: client.call("User1")}


def waits(client, call):
    return {
        "write": lambda: call.write(bytes(200000)), "drain": call.drain,
        "stop_recording": call.stop_recording, "hang_up": call.hang_up,
        "wait_ended": call.wait_ended, "rate": lambda: call.rate(5),
        "close": client.close}


def test_other_threads_and_loops_are_refused(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(talk)
            async with anna.call("User1") as call:
                refused = []
                thread = threading.Thread(
                    target=elsewhere, args=(anna, call, refused))
                thread.start()
                await asyncio.get_running_loop().run_in_executor(
                    None, thread.join)
                wanted = [*uses(anna, call), *waits(anna, call)]
                assert sorted(refused) == sorted(wanted)
                assert call.outcome is None and not call.muted
            # What the message tells to do:
            stats = call.stats()
            assert stats.packets_out > 0
        return call

    def elsewhere(client, call, refused):
        for name, use in uses(client, call).items():
            try:
                use()
            except RuntimeError as error:
                refused += [name] * (name in str(error)
                                     and "another event loop" in str(error))
        asyncio.run(on_another_loop(client, call, refused))

    async def on_another_loop(client, call, refused):
        for name, use in waits(client, call).items():
            try:
                await asyncio.wait_for(use(), 5)
            except RuntimeError as error:
                refused += [name] * ("another event loop" in str(error))

    call = run(main())
    # The loop is no more: what has been measured can still be read.
    assert call.stats().packets_out > 0 and call.duration >= 0


def test_a_thread_uses_a_call_through_its_loop(relay, tmp_path):
    path = str(tmp_path / "heard.wav")

    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(talk)
            async with anna.call("User1") as call:
                loop = asyncio.get_running_loop()

                def work():
                    loop.call_soon_threadsafe(call.record, path)
                    return asyncio.run_coroutine_threadsafe(
                        call.write(bytes(1920)), loop).result(10)

                await loop.run_in_executor(None, work)
                await call.stop_recording()

    run(main())
    with open(path, "rb") as f:
        assert f.read(4) == b"RIFF"


# -- sound -------------------------------------------------------------------

def shaped(data, *shape):
    """16-bit samples in so many rows and columns, as NumPy has them."""
    return memoryview(data).cast("B").cast("h", shape)


@pytest.mark.parametrize("pcm", [
    b"\1\0\2\0", bytearray(b"\1\0\2\0"), array.array("h", [1, 2]),
    (ctypes.c_int16 * 2)(1, 2), memoryview(b"\1\0\2\0").cast("c"),
    shaped(struct.pack("2h", 1, 2), 2, 1),
    memoryview(array.array("h", [1, 9, 2, 9]))[::2]], ids=[
    "bytes", "bytearray", "array", "ctypes", "chars", "a column", "a slice"])
def test_pcm_is_bytes_or_samples_of_16_bits(pcm):
    assert bytes(as_pcm("pcm", pcm)) in (b"\1\0\2\0", struct.pack("2h", 1, 2))


def test_no_pcm_is_none():
    for nothing in (b"", array.array("h"), memoryview(b"")):
        assert bytes(as_pcm("pcm", nothing)) == b""


@pytest.mark.parametrize("pcm, error, says", [
    (array.array("f", [0.5] * 4), TypeError, "pcm.*array of items 'f'"),
    (array.array("d", [0.5]), TypeError, "pcm.*'d'"),
    (array.array("i", [1]), TypeError, "pcm.*'i'"),
    (array.array("H", [1]), TypeError, "pcm.*'H'"),
    (shaped(bytes(8), 2, 2), ValueError, r"pcm: one channel.*2, 2"),
    ("text", TypeError, "pcm.*got str"), (5, TypeError, "pcm.*got int"),
    (None, TypeError, "pcm.*got NoneType"), ([1], TypeError, "got list")])
def test_what_would_be_noise_is_refused(pcm, error, says):
    with pytest.raises(error, match=says):
        as_pcm("pcm", pcm)


def test_write_refuses_what_would_be_noise(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(talk)
            async with anna.call("User1") as call:
                with pytest.raises(TypeError, match="items 'f'"):
                    await call.write(array.array("f", [0.5] * 960))
                with pytest.raises(ValueError, match="whole number"):
                    await call.write(b"abc")
                await call.write(array.array("h", [5] * 960))

    run(main())


def test_written_sound_waits_while_muted(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            heard = bytearray()

            @boris.on_incoming
            async def listen(call):
                async with call:
                    async for frame in call.audio():
                        heard.extend(frame)

            call = anna.call("User1")
            call.muted = True
            async with call:
                await call.write(tone(0.3))
                for _ in range(2):
                    with pytest.raises(asyncio.TimeoutError):
                        await asyncio.wait_for(call.drain(), 0.5)
                    assert loud_blocks(bytes(heard)) == 0
                    call.muted = False      # and at once again
                    call.muted = True
                call.muted = False
                await asyncio.wait_for(call.drain(), 5)
                await until(lambda: loud_blocks(bytes(heard)) > 10)
                call.muted = True
                await call.write(tone(0.3))
                call.clear()
                await asyncio.wait_for(call.drain(), 5)

    run(main())


def test_two_tasks_do_not_share_a_stream(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            boris.on_incoming(talk)
            async with anna.call("User1") as call:
                stream = call.audio()
                first = asyncio.ensure_future(stream.__anext__())
                await asyncio.sleep(0)
                with pytest.raises(RuntimeError, match="another task"):
                    await stream.__anext__()
                assert len(await asyncio.wait_for(first, 10)) == 1920

    run(main())


FORMATS = ("wav", "flac", "ogg", "opus", "mp3", "raw", "pcm")


def test_every_format_is_recorded_and_can_be_played(relay, tmp_path):
    """One call makes the files, another one plays them."""
    sound = tone(0.4)

    async def record(call):
        for ending in FORMATS:
            call.record(tmp_path / f"a.{ending}", "sent")
            await call.write(sound)
            await call.drain()
            await call.stop_recording()
        for name in ("x.xyz", "x", "x.txt"):
            with pytest.raises(ValueError, match="ending must be"):
                call.record(tmp_path / name)

    async def play(call, heard):
        for ending in FORMATS:
            before = len(heard)
            assert await call.play(tmp_path / f"a.{ending}")
            await until(lambda: loud_blocks(bytes(heard[before:])) > 10)

    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            heard = bytearray()

            @boris.on_incoming
            async def listen(call):
                async with call:
                    async for frame in call.audio():
                        heard.extend(frame)

            async with anna.call("User1") as call:
                await record(call)
            async with anna.call("User1") as call:
                await play(call, heard)

    run(main())


def test_the_error_of_a_dropped_call_is_an_enumerator():
    info = LegInfo(outcome=lib.TGVOIP_OUTCOME_DROPPED,
                   call_error=lib.TGVOIP_CALL_ERROR_PROXY)
    assert info.ended().error is CallError.PROXY
    assert aio.Dropped().error is CallError.UNKNOWN
