# SPDX-License-Identifier: MIT
"""What somebody does with `VoIPController` who has read the guide and no
more, and small promises of it."""
import array
import logging
import os
import signal
import time

import pytest

from conftest import wait_for
from sound import loud_blocks, tone
from tgvoip import CallState


def test_floats_in_place_of_samples_are_reported(pair, unraisable):
    p = pair()
    heard = []
    p.caller.set_send_audio_frame_callback(
        lambda n: array.array("f", [0.5] * 480))
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.go().established()
    wait_for(lambda: len(heard) > 10 and unraisable, "silence")
    assert "of items 'f'" in str(unraisable[0].exc_value)
    assert loud_blocks(b"".join(heard)) == 0
    assert p.caller.call_state == 3


@pytest.mark.parametrize("head, kind", [
    (b"RIFF....WAVE", "WAV"), (b"OggS", "Ogg"), (b"fLaC", "FLAC"),
    (b"ID3\4", "MP3"), (b"\1\0\2\0", None), (b"", None)])
def test_files_with_a_header_are_warned_of(controller, tmp_path, caplog,
                                           head, kind):
    path = tmp_path / "sound"
    path.write_bytes(head + bytes(1920))
    call = controller()
    assert call.play(str(path))
    call.play_on_hold([str(path)])
    warned = [r.getMessage() for r in caplog.records
              if r.levelno == logging.WARNING and str(path) in r.getMessage()]
    assert len(warned) == (2 if kind else 0)
    assert all(f"kind {kind};" in message for message in warned)


def test_messages_name_a_file_as_it_was_given(pair, tmp_path, capfd):
    path = tmp_path / "a.pcm"
    path.write_bytes(bytes(1920))
    p = pair()
    p.caller.native_io = True
    p.go().established()
    assert not p.caller.set_output_file(str(tmp_path / "no" / "out"))
    p.stop()
    assert p.caller.play(str(path)) is False
    lines = [line for line in capfd.readouterr().err.splitlines()
             if line.startswith("tgvoip: ")]
    assert [line.split(":")[1].strip() for line in lines] == [
        str(tmp_path / "no" / "out"), str(path)]


def test_native_io_takes_the_place_of_the_frame_callbacks(pair, tmp_path):
    p = pair()
    asked, heard = [], []
    p.caller.set_send_audio_frame_callback(asked.append)
    p.callee.set_recv_audio_frame_callback(heard.append)
    for call in (p.caller, p.callee):
        call.native_io = True
    p.callee.set_output_file(str(tmp_path / "out"))
    p.go().established()
    wait_for(lambda: p.callee._core.stats().frames_played
             + p.callee._core.stats().blocks_silence > 20, "sound")
    assert (asked, heard) == ([], [])
    for call in (p.caller, p.callee):
        call.native_io = False
    wait_for(lambda: asked and heard, "the callbacks")


def test_a_short_frame_is_filled_up_on_the_right(pair):
    p = pair()
    heard = []
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02)[:480])
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.go().established()
    wait_for(lambda: len(heard) > 60, "sound")
    # A quarter of each frame has all the sound: not so little of it that a
    # frame stayed out, and half as loud as a whole one, by root mean square.
    loud = loud_blocks(b"".join(heard[30:60]), 1500)
    too_loud = loud_blocks(b"".join(heard[30:60]), 4200)
    assert loud >= 25 and too_loud <= 3


def test_signal_bars_are_1_to_4_and_told_on_change(pair):
    p = pair()
    bars = []
    p.caller.signal_bars_changed_handlers.append(
        lambda n: bars.append((n, time.monotonic())))
    p.go().established()
    wait_for(lambda: bars, "the bars")
    time.sleep(1.5)
    numbers = [n for n, _ in bars]
    assert set(numbers) <= {1, 2, 3, 4}
    assert all(a != b for a, b in zip(numbers, numbers[1:]))
    times = [t for _, t in bars]
    assert all(b - a > 0.9 for a, b in zip(times, times[1:]))


def test_what_cannot_be_called_among_handlers_is_skipped(controller):
    call, heard = controller(), []
    call.call_state_changed_handlers += [5, None, heard.append]
    call.update_state(CallState.RINGING)
    assert heard == [CallState.RINGING]


CTRL_C = """
    import os, signal, threading, time
    from conftest import *
    from sound import tone
    relay = Relay()
    p = Pair(relay)
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.callee.native_io = True
    p.callee.set_output_file("heard.pcm")
    p.go().established()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        time.sleep(20)
    finally:
        %s
        relay.close()
"""


@pytest.mark.parametrize("then", ["p.stop()", "del p"])
def test_ctrl_c_in_mid_call_leaves_whole_files(script, tmp_path, then):
    script(CTRL_C % then, returncode=-signal.SIGINT)
    assert "KeyboardInterrupt" in script.err
    assert loud_blocks((tmp_path / "heard.pcm").read_bytes()) > 5
    assert os.path.getsize(tmp_path / "heard.pcm") % 1920 == 0


def test_duration_stays_when_the_engine_gives_up(pair):
    p = pair(times=(1.0, 30)).go().established()
    time.sleep(1.1)
    p.caller.stop()
    wait_for(lambda: CallState.FAILED in p.states, "FAILED")
    ended = p.callee.call_duration
    assert ended >= 1
    time.sleep(1.1)
    assert p.callee.call_duration == ended


def test_ctrl_c_while_stop_waits_for_a_callback(script):
    """Nobody is kept by a callback that does not return."""
    out = script("""
        import os, signal, threading, time
        from conftest import *
        relay = Relay()
        p = Pair(relay)
        inside, leave = threading.Event(), threading.Event()
        p.caller.set_send_audio_frame_callback(
            lambda n: inside.set() or leave.wait(20) and b"")
        p.go().established()
        assert inside.wait(20)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            p.caller.stop()
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - began < 5)
        leave.set()
        p.stop()
        relay.close()
    """)
    assert out == "interrupted True\n"
