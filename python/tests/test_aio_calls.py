# SPDX-License-Identifier: MIT
"""Calls of tgvoip.aio with real media over a relay on loopback."""
import asyncio
import math
import struct
import sys
import wave

import pytest

import tgvoip.aio as aio
from phones import discards, run, until, world
from tgvoip import CallState
from tgvoip.aio import _media


def tone(rate, seconds, hz=440, amplitude=8000):
    n = int(rate * seconds)
    return struct.pack(f"={n}h", *(
        int(amplitude * math.sin(2 * math.pi * hz * i / rate))
        for i in range(n)))


def peak(pcm):
    return max(abs(v) for v in memoryview(bytes(pcm)).cast("h"))


def write_wav(path, pcm, rate):
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(pcm)


def answering(client, body):
    """Have the client answer its calls and run `body(call)`."""
    done = []

    async def handler(call):
        async with call:
            await body(call)
        done.append(call)

    client.on_incoming(handler)
    return done


def test_call_in_ten_lines(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            calls = []

            async def body(call):
                calls.append(call)
                await call.wait_ended()

            answering(boris, body)
            async with anna.call(boris.user.id, ring_timeout=30) as call:
                assert call.state == CallState.ESTABLISHED
                await until(lambda: calls)
                assert len(call.emoji) == 4
                assert call.emoji == calls[0].emoji
                assert call.emoji_names == calls[0].emoji_names
                assert call.user_id == boris.user.id
                assert calls[0].user_id == anna.user.id
            assert isinstance(call.outcome, aio.HungUp)
            assert discards(server) == ["Hangup"]
            await until(lambda: calls[0].outcome)
            assert isinstance(calls[0].outcome, aio.PeerHungUp)
            request, = server.requests("phone.discardCall")
            assert request.connection_id == server.relays[0].id

    run(main())


class Spy:
    """In place of the C library: notes what is done with calls."""

    def __init__(self, real, notes):
        self.real, self.notes = real, notes

    def __getattr__(self, name):
        found = getattr(self.real, name)
        if not callable(found) or not name.startswith(
                ("tgvoip_call_", "tgvpy_member_")):
            return found

        def noted(*arguments):
            self.notes.append(name)
            return found(*arguments)

        return noted


def test_sig_66_all_is_set_then_start_then_connect_once(relay, monkeypatch):
    notes = []
    spy = Spy(_media.lib, notes)

    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            begun = []

            async def body(call):
                begun.append(call)
                await call.wait_ended()

            answering(boris, body)
            monkeypatch.setattr(_media, "lib", spy)
            async with anna.call("User1"):
                await until(lambda: begun)

    run(main())
    steps = [note for note in notes if note in (
        "tgvoip_call_setup_apply", "tgvpy_member_install",
        "tgvoip_call_create", "tgvoip_call_start", "tgvoip_call_connect")]
    # Key, relays and callbacks are settings that a call is made with. Each of
    # the two ends begins within one step of the loop.
    assert steps == 2 * ["tgvoip_call_setup_apply", "tgvpy_member_install",
                         "tgvoip_call_create", "tgvoip_call_start",
                         "tgvoip_call_connect"]
    assert "tgvoip_call_stop" not in notes[:notes.index(
        "tgvoip_call_connect")]


def test_pcm_both_ways_at_16_khz(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            server.p2p_allowed = False

            async def echo(call):
                async for frame in call.audio(rate=16000):
                    assert len(frame) == 640
                    await call.write(frame, rate=16000)

            answering(boris, echo)
            async with anna.call("User1") as call:
                sent = asyncio.ensure_future(
                    call.write(tone(16000, 3), rate=16000))
                heard = bytearray()
                async for frame in call.audio(rate=16000):
                    heard += frame
                    if len(heard) > 2 * 16000 * 3.0:
                        break
                await sent
                # A second in, the tone has come back.
                assert peak(heard[2 * 16000 * 2:]) > 2000
                stats = call.stats()
                assert stats.state == CallState.ESTABLISHED
                assert stats.packets_in > 20 and stats.route == "udp_relay"

    run(main())


def test_write_slows_down_who_is_too_fast(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            async with anna.call("User1") as call:
                loop = asyncio.get_running_loop()
                t = loop.time()
                await call.write(tone(48000, 1.5))
                took = loop.time() - t
                assert 0.8 < took < 1.6     # the ring takes half a second
                await call.drain()
                assert 1.3 < loop.time() - t < 2.0

    run(main())


def loud_ms(path):
    """Milliseconds from the first loud one to the last."""
    with wave.open(str(path)) as f:
        pcm = f.readframes(f.getnframes())
        step = f.getframerate() // 1000
    levels = [peak(pcm[2 * i:2 * (i + step)])
              for i in range(0, len(pcm) // 2 - step, step)]
    loud = [i for i, level in enumerate(levels) if level > 1500]
    return loud[-1] - loud[0]


def test_clear_is_silent_within_40_ms(relay, tmp_path):
    """As the peer would hear it: sound lasts as long as there was between
    write() and clear(), and at most 40 ms more."""
    sent, speech = tmp_path / "sent.wav", tone(48000, 3)

    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            loop = asyncio.get_running_loop()
            async with anna.call("User1") as call:
                call.record(sent, sides="sent")
                await asyncio.sleep(0.3)
                t = loop.time()
                writing = asyncio.ensure_future(call.write(speech))
                await asyncio.sleep(0.5)
                call.clear()
                t = loop.time() - t
                await writing       # has given up the rest
                await asyncio.sleep(0.4)
                await call.stop_recording()
                return t * 1000

    spoken = run(main())
    assert spoken - 250 < loud_ms(sent) < spoken + 40


def test_play_and_record_files(relay, tmp_path):
    clip = tmp_path / "clip.wav"
    write_wav(clip, tone(8000, 1.0), 8000)

    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            recorded = []

            async def body(call):
                recorded.extend(call.record(tmp_path / "r.wav", "both"))
                await call.wait_ended()

            done = answering(boris, body)
            async with anna.call("User1") as call:
                with pytest.raises(FileNotFoundError, match="no-such"):
                    call.play(tmp_path / "no-such.wav")
                with pytest.raises(ValueError, match="sides"):
                    call.record("x.wav", sides="left")
                await asyncio.sleep(0.2)
                assert await call.play(clip)
                assert not await cleared(call, clip)
                await asyncio.sleep(0.5)
            await until(lambda: done)
            assert recorded == [str(tmp_path / "r-heard.wav"),
                                str(tmp_path / "r-sent.wav")]

    async def cleared(call, path):
        playback = call.play(path)
        await asyncio.sleep(0.1)
        call.clear()
        return await playback

    run(main())
    with wave.open(str(tmp_path / "r-heard.wav")) as f:
        pcm = f.readframes(f.getnframes())
        assert f.getnframes() > f.getframerate() * 1.2
    assert peak(pcm) > 3000


def test_events_of_a_call(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            server.need_rating = server.need_debug = True
            seen = []

            async def body(call):
                async for event in call.events():
                    seen.append(event)

            answering(boris, body)
            call = anna.call("User1")
            mine = []

            async def watch():
                async for event in call.events():
                    mine.append(event)

            watching = asyncio.ensure_future(watch())
            await asyncio.sleep(0)
            async with call:
                await asyncio.sleep(1.2)
            await asyncio.wait_for(watching, 5)
            states = [e.state for e in mine
                      if isinstance(e, aio.StateChanged)]
            assert states[0] == CallState.REQUESTING
            for state in (CallState.WAITING, CallState.RINGING,
                          CallState.EXCHANGING_KEYS, CallState.ESTABLISHED):
                assert state in states, states
            assert aio.Verified(call.emoji) in mine
            assert any(isinstance(e, aio.Ended) for e in mine)
            assert aio.Feedback(True) in mine
            assert call.need_rating
            await call.rate(4, "a bit quiet")
            await until(lambda: server.ratings)
            assert (server.ratings[0].rating, server.ratings[0].comment) == (
                4, "a bit quiet")
            with pytest.raises(RuntimeError):
                await call.rate(5)
            await until(lambda: server.debug_logs)

    run(main())


def test_peer_hangs_up_and_the_block_ends_quietly(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                await asyncio.sleep(0.3)

            answering(boris, body)
            frames = 0
            async with anna.call("User1") as call:
                async for frame in call.audio(rate=24000):
                    frames += 1
                while True:
                    await call.write(bytes(4800))
            assert frames > 0
            assert isinstance(call.outcome, aio.PeerHungUp)
            with pytest.raises(aio.PeerHungUp):
                call.play("x.wav")
            assert call.stats().packets_out > 0

    run(main())


def test_mute_is_told_to_the_peer(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            calls = []

            async def body(call):
                calls.append(call)
                await call.wait_ended()

            answering(boris, body)
            async with anna.call("User1") as call:
                await until(lambda: calls)
                call.muted = True
                await until(lambda: calls[0].stats().peer_muted)
                call.muted = False
                await until(lambda: not calls[0].stats().peer_muted)

    run(main())


def test_cancelled_during_conversation_hangs_up(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            calls = []

            async def talk():
                async with anna.call("User1") as call:
                    calls.append(call)
                    await asyncio.sleep(60)

            task = asyncio.ensure_future(talk())
            await until(lambda: calls)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert discards(server) == ["Hangup"]
            assert isinstance(calls[0].outcome, aio.HungUp)

    run(main())


def test_an_error_in_the_block_hangs_up_and_passes(relay):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            with pytest.raises(ZeroDivisionError):
                async with anna.call("User1"):
                    1 / 0
            assert discards(server) == ["Hangup"]

    run(main())


def test_dropped_when_the_relay_falls_silent():
    """The relay is nobody: media never gets through."""
    async def main():
        async with world(port=9) as (server, anna, boris):
            server.timeouts.update(call_connect_timeout_ms=800,
                                   call_packet_timeout_ms=800)

            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            with pytest.raises(aio.Dropped):
                async with anna.call("User1"):
                    pass
            assert "Disconnect" in discards(server)

    run(main())


def test_client_closed_in_mid_call(relay, tmp_path):
    async def main():
        async with world(port=relay.port) as (server, anna, boris):
            async def body(call):
                call.record(tmp_path / "cut.wav")
                await call.wait_ended()

            answering(boris, body)
            call = await anna.call("User1")
            await asyncio.sleep(0.3)
            await anna.close()
            assert isinstance(call.outcome, aio.HungUp)
            assert discards(server) == ["Hangup"]

    run(main())
    with wave.open(str(tmp_path / "cut.wav")) as f:
        assert f.getnframes() > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_threads_do_not_grow_with_calls(relay):
    def threads():
        with open("/proc/self/status") as f:
            return int(next(line for line in f
                            if line.startswith("Threads")).split()[1])

    async def main():
        async with world(count=2, port=relay.port) as (server, anna, boris):
            async def body(call):
                await call.wait_ended()

            answering(boris, body)
            async with anna.call("User1"):
                before = threads()
        async with world(count=12, port=relay.port) as (server, *clients):
            for client in clients[6:]:
                answering(client, body)
            calls = await asyncio.gather(*(
                client.call(f"User{6 + i}")
                for i, client in enumerate(clients[:6])))
            assert threads() <= before + 4      # of asyncio's own pool
            await asyncio.gather(*(call.hang_up() for call in calls))

    run(main())


def test_exit_of_the_interpreter_in_mid_call(script, tmp_path):
    """What was recorded is whole, and nothing hangs."""
    script("""
        import asyncio, sys
        import conftest, phones, test_aio_calls

        async def main():
            relay = conftest.Relay()
            manager = phones.world(port=relay.port)
            server, anna, boris = await manager.__aenter__()

            async def body(call):
                await call.wait_ended()

            test_aio_calls.answering(boris, body)
            call = await anna.call("User1")
            call.record("cut.wav")
            await asyncio.sleep(0.5)
            sys.exit(3)

        asyncio.run(main())
        """, returncode=3)
    with wave.open(str(tmp_path / "cut.wav")) as f:
        assert f.getnframes() > 48000 * 0.3
