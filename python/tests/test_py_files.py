# SPDX-License-Identifier: MIT
"""What test_py.py is about, for files: sound, logs, the state."""
import json
import logging
import os
import time

import pytest
from conftest import file_of, prepare, tags, wait_for
from sound import levels, loud_blocks, tone

from tgvoip import DataSaving, VoIPController


# -- 05: a file and mute -----------------------------------------------------

def test_py_05_a_file_stays_where_it_is_while_muted(pair, tmp_path):
    p = pair()
    heard = []
    p.caller.native_io = True
    p.caller.set_mic_mute(True)
    assert p.caller.play(file_of(tmp_path / "tone.raw", tone(0.5)))
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.go().established()
    time.sleep(0.8)
    assert loud_blocks(b"".join(heard)) == 0
    p.caller.set_mic_mute(False)
    wait_for(lambda: loud_blocks(b"".join(heard)) >= 23, "the whole file")
    time.sleep(0.2)
    assert loud_blocks(b"".join(heard)) <= 28


# -- 17: log files -----------------------------------------------------------

def logs(call, **more):
    call.set_config(10, 30, DataSaving.NEVER, 77, **more)
    return call._core.settings


def test_py_17_names_of_log_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    s = logs(VoIPController())
    assert s.log_file == str(tmp_path / "logs" / "77.log")
    assert (s.stats_file, s.packet_stats) == ("", False)
    monkeypatch.setattr(time, "localtime", lambda: time.struct_time(
        (2026, 3, 4, 5, 6, 7, 0, 0, 0)))
    s = logs(VoIPController(debug=True, logs_dir="deep/er"))
    folder = tmp_path / "deep" / "er"
    assert s.log_file == str(folder / "2026_3_4_5_6_7_voip77.txt")
    assert s.stats_file == str(folder / "2026_3_4_5_6_7_voip_stats.txt")
    assert s.packet_stats is True
    assert folder.is_dir()


def test_py_17_logs_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (None, ""):
        for debug in (False, True):
            s = logs(VoIPController(debug=debug, logs_dir=folder))
            assert (s.log_file, s.stats_file) == ("", "")
    s = logs(VoIPController(debug=True), log_file_path="",
             status_dump_path="", log_packet_stats=False)
    assert (s.log_file, s.stats_file, s.packet_stats) == ("", "", False)
    assert os.listdir(tmp_path) == []


# -- 18: files ---------------------------------------------------------------

def heard_by(p, loud, what="sound", limit=20):
    frames = []
    p.callee.set_recv_audio_frame_callback(frames.append)
    p.caller.native_io = True
    p.go().established()
    wait_for(lambda: loud_blocks(b"".join(frames)) >= loud, what, limit)
    return frames


def test_py_18_files_follow_one_another_without_a_gap(pair, tmp_path):
    p = pair()
    # None is a whole number of frames long.
    for i in range(5):
        assert p.caller.play(file_of(tmp_path / f"{i}.wav", tone(0.1013)))
    assert p.caller.play(file_of(tmp_path / "empty.pcm", b""))
    assert p.caller.play(file_of(tmp_path / "odd.pcm", tone(0.1) + b"\1"))
    frames = heard_by(p, 28)
    time.sleep(0.3)
    loud = [v > 1000 for v in levels(b"".join(frames))]
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    assert all(loud[first:last])
    assert 29 <= last - first <= 33


def test_py_18_hold_files_loop_without_a_gap(pair, tmp_path):
    p = pair()
    paths = [file_of(tmp_path / "empty.pcm", b""),
             file_of(tmp_path / "a.pcm", tone(0.05)),
             str(tmp_path / "missing"),
             file_of(tmp_path / "b.pcm", tone(0.033))]
    p.caller.play_on_hold(paths)
    frames = heard_by(p, 40)
    loud = [v > 1000 for v in levels(b"".join(frames))]
    first = loud.index(True)
    assert sum(not x for x in loud[first:]) <= 2


def test_py_18_empty_hold_files_are_silence(pair, tmp_path):
    p = pair()
    p.caller.play_on_hold([file_of(tmp_path / "e.pcm", b"")] * 3)
    p.caller.native_io = True
    p.go().established()
    cpu = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - cpu < 0.25
    assert p.caller.call_state == 3


def test_py_18_unreadable_files_are_told_of(controller, tmp_path, capfd):
    call = controller()
    assert call.play(str(tmp_path / "none.pcm")) is False
    assert call.play(str(tmp_path)) is False
    assert call.set_output_file(str(tmp_path / "no" / "out.pcm")) is False
    call.play_on_hold([str(tmp_path / "nor this")])
    err = capfd.readouterr().err
    assert err.count("\n") == 4
    for name in ("none.pcm", str(tmp_path), "out.pcm", "nor this"):
        assert name in err
    for wrong in (5, None, b"x"):
        with pytest.raises(TypeError, match="path"):
            call.play(wrong)
    with pytest.raises(TypeError, match="paths"):
        call.play_on_hold("one name")


def test_py_18_output_has_every_block_and_is_not_truncated(pair, tmp_path):
    p = pair()
    out, other = tmp_path / "out.wav", tmp_path / "other"
    p.callee.native_io = True
    assert p.callee.set_output_file(str(out))
    assert out.read_bytes() == b""
    p.caller.native_io = True
    p.caller.play_on_hold([file_of(tmp_path / "t", tone(0.2))])
    p.go().established()
    time.sleep(0.5)
    assert p.callee.set_output_file(str(out))       # the same: goes on
    assert not p.callee.set_output_file(str(tmp_path / "no" / "x"))
    time.sleep(0.3)
    assert p.callee.set_output_file(str(other))
    # What is recorded is written in its order.
    wait_for(lambda: other.exists() and other.stat().st_size, "the other file")
    whole = out.read_bytes()
    assert len(whole) >= 30 * 1920
    assert len(whole) % 1920 == 0 and loud_blocks(whole) > 20
    time.sleep(0.2)
    p.callee.unset_output_file()
    assert len(other.read_bytes()) >= 5 * 1920
    assert out.read_bytes() == whole


def test_py_18_a_recording_is_whole_after_stop(pair, tmp_path):
    p = pair()
    out = tmp_path / "heard"
    p.callee.native_io = True
    p.callee.set_output_file(str(out))
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.go().established()
    time.sleep(0.5)
    p.callee.stop()
    assert loud_blocks(out.read_bytes()) > 10


def test_py_18_many_files_need_few_descriptors(pair, tmp_path):
    p = pair()
    p.caller.native_io = True
    path = file_of(tmp_path / "t", tone(0.02))
    p.go().established()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(300):
        assert p.caller.play(path)
    assert len(os.listdir("/proc/self/fd")) < before + 50


# -- 16, 17: files that the engine writes ------------------------------------

def test_py_16_state_file_is_replaced_as_a_whole(pair, tmp_path, relay):
    path = tmp_path / "state.json"
    call = VoIPController(str(path), logs_dir=None)
    prepare(call, relay.port, tags()[0], True)
    call.start()
    call.stop()
    assert json.loads(path.read_bytes())["ver"] == 1
    path.write_text('{"ver": 1, "proxy": {"server": "1.2.3.4:5", "udp": '
                    'false, "tcp": true}}')
    call = VoIPController(str(path), logs_dir=None)
    prepare(call, relay.port, tags()[0], True)
    call.start()
    del call        # writes it too
    assert json.loads(path.read_bytes())["proxy"]["server"] == "1.2.3.4:5"
    assert os.listdir(tmp_path) == ["state.json"]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b"x\0y",
                                     b" " * 524288])
def test_py_16_unreadable_state_is_ignored_with_a_warning(
        tmp_path, relay, caplog, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    call = VoIPController(str(path), logs_dir=None)
    prepare(call, relay.port, tags()[0], True).start()
    wait_for(lambda: [r for r in caplog.records if "state" in r.getMessage()
                      and r.levelno == logging.WARNING], "the warning")
    call.stop()
    assert json.loads(path.read_bytes()) == {"ver": 1}


def test_py_16_state_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    call = VoIPController(str(tmp_path / "no" / "state"), logs_dir=None)
    call.stop()
    assert any("not written" in r.getMessage() for r in caplog.records)
    call = VoIPController(str(tmp_path / "state"), logs_dir=None)
    del call        # never started
    assert json.loads((tmp_path / "state").read_bytes()) == {"ver": 1}


def test_py_17_the_engine_writes_its_files(pair, tmp_path):
    p = pair()
    p.caller.logs_dir = str(tmp_path / "logs")
    p.caller.debug = True
    p.caller.set_config(10, 30, DataSaving.NEVER, 77)
    p.callee.set_config(10, 30, DataSaving.NEVER, 78,
                        log_file_path=str(tmp_path / "78.log"))
    p.go().established()
    time.sleep(0.4)
    # Again: other files, while the call runs.
    p.callee.set_config(9, 29, DataSaving.ALWAYS, 78,
                        log_file_path=str(tmp_path / "more.log"))
    time.sleep(0.1)
    p.stop()
    log, stats, packets = (
        next((tmp_path / "logs").glob(pattern)).read_text()
        for pattern in ("*_voip77.txt", "*_voip_stats.txt",
                        "*_voip77.txt.packets"))
    assert "state ESTABLISHED" in log
    assert stats.startswith("Time\t") and stats.count("\n") >= 3
    assert packets.startswith("Time\t") and packets.count("\n") >= 5
    assert "state ESTABLISHED" in (tmp_path / "78.log").read_text()
    assert (tmp_path / "more.log").exists()
    assert not list(tmp_path.glob("*.packets"))


def test_py_17_a_log_that_cannot_be_written_is_a_warning(pair, tmp_path,
                                                         caplog):
    p = pair(log_file_path=str(tmp_path / "no" / "x.log"))
    p.go().established()
    assert any("x.log" in r.getMessage() for r in caplog.records)
