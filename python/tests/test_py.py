# SPDX-License-Identifier: MIT
"""What the original did wrong and we do right, one test each at least.

The numbers are those of the Python API notes, section 14.
"""
import array
import inspect
import json
import logging
import os
import threading
import time

import pytest
from conftest import KEY, prepare, tags, wait_for
from socks import Proxy
from sound import levels, loud_blocks, tone

import tgvoip
import tgvoip.utils
from tgvoip import (CallError, CallState, DataSaving, Endpoint, NetType,
                    VoIPController, VoIPServerConfig)
from tgvoip._native import lib

P = int.from_bytes(tgvoip.utils.common_prime, "big")


def file_of(path, data):
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def server_config():
    """Puts the process's configuration back."""
    before = dict(VoIPServerConfig.config)
    yield
    VoIPServerConfig.config.clear()
    VoIPServerConfig.config.update(before)
    VoIPServerConfig.set_config(before)
    tgvoip._base.set_server_config("{}")


# -- 01: times in their places -----------------------------------------------

def test_py_01_init_timeout_is_the_second_value(relay, controller):
    states = []
    call = prepare(controller(), relay.port, tags()[0], True,
                   times=(600, 0.3))
    call.call_state_changed_handlers.append(states.append)
    began = time.monotonic()
    call.start()
    call.connect()
    wait_for(lambda: CallState.FAILED in states, "FAILED")
    assert 0.25 <= time.monotonic() - began < 5
    assert call.get_last_error() is CallError.TIMEOUT


def test_py_01_recv_timeout_is_the_first_value(pair):
    p = pair(times=(1.0, 600)).go().established()
    p.caller.stop()
    wait_for(lambda: CallState.FAILED in p.states, "FAILED")
    assert p.callee.get_last_error() is CallError.TIMEOUT


# -- 02: the interpreter lock ------------------------------------------------

def test_py_02_engine_calls_do_not_hold_the_interpreter(pair):
    """Callbacks keep the interpreter busy while every engine call is made."""
    p = pair()
    end = time.monotonic() + 1.5

    def busy(length):
        until = time.monotonic() + 0.004
        while time.monotonic() < until:
            pass
        return bytes(length)

    p.caller.set_send_audio_frame_callback(busy)
    p.callee.set_recv_audio_frame_callback(lambda f: busy(len(f)))
    p.go().established()
    rounds = 0
    while time.monotonic() < end:
        for call in (p.caller, p.callee):
            call.set_mic_mute(rounds % 2 == 1)
            call.set_network_type(NetType(rounds % 12))
            call.get_stats(), call.get_debug_log(), call.get_debug_string()
        rounds += 1
    assert rounds > 20
    p.stop()


def test_py_02_waiting_in_the_engine_lets_others_run(pair):
    """stop() waits for a callback, and the interpreter goes on meanwhile."""
    p = pair()
    inside, leave = threading.Event(), threading.Event()

    def hold(length):
        inside.set()
        assert leave.wait(20)
        return b""

    p.caller.set_send_audio_frame_callback(hold)
    p.go().established()
    assert inside.wait(20)
    stopper = threading.Thread(target=p.caller.stop)
    stopper.start()
    time.sleep(0.1)
    assert stopper.is_alive()
    leave.set()
    stopper.join(20)
    assert not stopper.is_alive()


def test_py_02_everything_may_be_called_from_callbacks(pair, tmp_path):
    p = pair()
    call, done = p.caller, threading.Event()
    path = file_of(tmp_path / "a.pcm", tone(0.1))

    def all_of_it(length):
        call.set_mic_mute(False)
        call.set_network_type(NetType.LTE)
        call.get_stats(), call.get_debug_log(), call.get_debug_string()
        call.get_last_error(), call.need_rate(), call.get_peer_capabilities()
        call.get_preferred_relay_id(), call.call_duration
        call.play(path), call.play_on_hold([path]), call.clear_play_queue()
        call.clear_hold_queue(), call.unset_output_file()
        done.set()
        return b""

    call.set_send_audio_frame_callback(all_of_it)
    p.go()
    assert done.wait(20)


# -- 03: which thread --------------------------------------------------------

def test_py_03_frames_arrive_on_a_thread_of_the_interpreter(pair):
    p = pair()
    seen = set()
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))

    def receive(frame):
        seen.add((threading.current_thread().name, type(frame), len(frame)))

    p.callee.set_recv_audio_frame_callback(receive)
    p.go()
    wait_for(lambda: seen, "a frame")
    time.sleep(0.2)
    assert seen == {("tgvoip-call", bytes, 1920)}
    assert not any("Dummy" in t.name for t in threading.enumerate())


# -- 04: exceptions ----------------------------------------------------------

def test_py_04_exceptions_are_reported_and_the_call_goes_on(pair, unraisable):
    p = pair()
    later, frames = [], []

    def broken(*args):
        raise KeyError("from a callback")

    for call in (p.caller, p.callee):
        call.call_state_changed_handlers.insert(0, broken)
        call.call_state_changed_handlers.append(later.append)
    p.caller.set_send_audio_frame_callback(broken)
    p.callee.set_recv_audio_frame_callback(
        lambda frame: (frames.append(frame), broken()))
    p.callee.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.go().established()
    wait_for(lambda: later.count(CallState.ESTABLISHED) == 2, "states")
    wait_for(lambda: len(frames) > 10, "silence")
    assert p.caller.call_state == 3
    assert len(unraisable) >= 14
    assert {u.exc_type for u in unraisable} == {KeyError}
    assert all(u.exc_traceback is not None for u in unraisable)
    assert broken in {u.object for u in unraisable}


def test_py_04_default_report_has_the_traceback(script):
    out = script("""
        import tgvoip
        def broken_handler(state):
            raise KeyError("told of")
        call = tgvoip.VoIPController()
        call.call_state_changed_handlers += [broken_handler, print, 5]
        call.update_state(tgvoip.CallState.RINGING)
    """)
    assert out == "CallState.RINGING\n"


def test_py_04_exit_in_a_handler_is_reported_too(controller, unraisable):
    call, later = controller(), []
    call.call_state_changed_handlers += [lambda s: exit(3), later.append]
    call.update_state(CallState.ENDED)
    assert later == [CallState.ENDED]
    assert unraisable[0].exc_type is SystemExit


# -- 05: mute ----------------------------------------------------------------

def test_py_05_muted_sends_nothing_and_calls_nothing(pair):
    p = pair()
    asked, heard = [], []
    p.caller.set_send_audio_frame_callback(
        lambda n: asked.append(n) or tone(0.02))
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.go().established()
    wait_for(lambda: loud_blocks(b"".join(heard)) > 5, "sound")
    p.caller.set_mic_mute(True)
    time.sleep(0.3)
    before, quiet = len(asked), len(heard)
    time.sleep(0.3)
    assert len(asked) == before
    wait_for(lambda: len(heard) > quiet + 10, "silence")
    assert loud_blocks(b"".join(heard[quiet:])) == 0
    p.caller.set_mic_mute(False)
    wait_for(lambda: len(asked) > before + 5, "the callback")
    wait_for(lambda: loud_blocks(b"".join(heard[quiet:])) > 5, "sound again")


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


# -- 09 to 13: arguments -----------------------------------------------------

@pytest.mark.parametrize("number", [2 ** 62 + 5, -2 ** 63, 3])
def test_py_09_preferred_relay_id_is_as_given(relay, controller, number):
    call = controller()
    assert call.get_preferred_relay_id() == 0
    prepare(call, relay.port, tags()[0], True)
    call.set_remote_endpoints(
        [Endpoint(number, "127.0.0.1", "", relay.port, tags()[0])], False,
        False, 92)
    call.start()
    call.connect()
    wait_for(lambda: call.get_preferred_relay_id() == number, "the id")


def test_py_10_endpoint_takes_keywords_and_checks(controller):
    e = Endpoint(_id=1, ip="1.2.3.4", ipv6="", port=5, peer_tag=bytes(16))
    assert (e._id, e.ip, e.ipv6, e.port, e.peer_tag) == (
        1, "1.2.3.4", "", 5, bytes(16))
    e._id, e.ip, e.ipv6, e.port = 2, "4.3.2.1", "::1", 6
    e.peer_tag = bytes(range(16))
    call = controller()
    call.set_remote_endpoints([e], False, False, 92)
    for port in (0, 65536, -1, 99999):
        with pytest.raises(ValueError, match="port"):
            Endpoint(1, "1.2.3.4", "", port, bytes(16))
        e.port = port
        with pytest.raises(ValueError, match="port"):
            call.set_remote_endpoints([e], False, False, 92)
    e.port = 6
    for tag in (None, b"", bytes(15), bytes(17)):
        e.peer_tag = tag
        with pytest.raises(ValueError, match="peer_tag.*_tgvoip.Endpoint"):
            call.set_remote_endpoints([e], False, False, 92)
        Endpoint(1, "1.2.3.4", "", 5, tag)
    e.peer_tag = bytes(16)
    for ip in (None, ""):
        e.ip = ip
        with pytest.raises(ValueError, match="ip.*_tgvoip.Endpoint"):
            call.set_remote_endpoints([e], False, False, 92)
    for wrong in ((None, "1.2.3.4", "", 5, bytes(16)), (1, 5, "", 5, b""),
                  (1, "1.2.3.4", 6, 5, b""), (1, "1.2.3.4", "", "5", b""),
                  (1, "1.2.3.4", "", 5, "tag")):
        with pytest.raises(TypeError):
            Endpoint(*wrong)
    with pytest.raises(ValueError, match="_id"):
        Endpoint(2 ** 63, "1.2.3.4", "", 5, bytes(16))


def test_py_11_what_is_no_address_is_refused(controller):
    call = controller()
    for ip, ipv6 in (("1.2.3", ""), ("localhost", ""), ("1.2.3.4.5", ""),
                     ("1.2.3.4 ", ""), ("::1", ""), ("1.2.3.4", "x"),
                     ("1.2.3.4", "1.2.3.4"), ("1.2.3.4", "[::1]")):
        with pytest.raises(ValueError, match="not an address"):
            call.set_remote_endpoints(
                [Endpoint(1, ip, ipv6, 5, bytes(16))], False, False, 92)
    for ipv6 in ("", "::1", "2001:db8::5"):
        call.set_remote_endpoints([Endpoint(1, "1.2.3.4", ipv6, 5,
                                            bytes(16))], False, False, 92)


def test_py_12_connection_max_layer_is_the_servers(pair, caplog):
    p = pair(layer=73)      # so old that it may need the old envelope
    p.go().established()

    def warned():
        return [r for r in caplog.records if "V1" in r.getMessage()
                and r.levelno == logging.WARNING]

    wait_for(lambda: len(warned()) == 2, "the warning of V1")
    assert p.caller._core.settings.max_layer == 73
    assert "not the library's maximum" in " ".join(inspect.getdoc(
        VoIPController.set_remote_endpoints).split())
    with pytest.raises(ValueError, match="connection_max_layer"):
        pair(layer=64)


def test_py_13_numbers_stand_for_enumerations(controller):
    assert CallState(3) is CallState.ESTABLISHED
    call = controller()
    call.set_network_type(6)
    call.set_network_type(NetType.WIFI)
    call.set_config(10, 30, 2, 5, log_file_path="")
    heard = []
    call.call_state_changed_handlers.append(heard.append)
    call.update_state(17)
    assert heard == [CallState.BUSY]
    for wrong in ("6", None, 6.0, True, CallState.FAILED):
        with pytest.raises(TypeError, match="_type"):
            call.set_network_type(wrong)
        with pytest.raises(TypeError, match="data_saving_mode"):
            call.set_config(10, 30, wrong, 5)
    with pytest.raises(TypeError, match="state"):
        call.update_state("BUSY")
    for number in (12, -1):
        with pytest.raises(ValueError, match="_type"):
            call.set_network_type(number)


# -- 14: duration ------------------------------------------------------------

def test_py_14_duration_freezes_at_the_end(controller, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(tgvoip.tgvoip, "get_real_elapsed_time",
                        lambda: clock[0])
    call = controller()
    assert (call.start_time, call.call_duration) == (0, 0)
    call.update_state(CallState.ESTABLISHED)
    assert call.start_time == 1000
    clock[0] += 5.9
    call.update_state(CallState.ESTABLISHED)
    assert (call.start_time, call.call_duration) == (1000, 5)
    call.update_state(CallState.ENDED)
    clock[0] += 60
    assert call.call_duration == 5


def test_py_14_first_established_of_the_engine_counts(pair):
    p = pair()
    p.caller.call_state_changed_handlers.clear()    # also without a thread
    p.go().established()
    now = time.perf_counter()
    first = p.caller.start_time
    assert now - 20 < first <= now
    time.sleep(1.1)
    p.caller.update_state(CallState.ESTABLISHED)
    assert p.caller.start_time == first
    assert p.caller.call_duration == 1
    p.caller.stop()
    time.sleep(1.0)
    assert p.caller.call_duration == 1


# -- 15: configuration of the server -----------------------------------------

def test_py_15_server_config_is_merged(server_config, controller, capsys):
    VoIPServerConfig.set_bitrate_config(12000, 18000, 7000, 500, 600)
    VoIPServerConfig.set_config({"rate_min_rtt": 0.7, "new_key": "x"})
    VoIPServerConfig.set_config('{"use_tcp": true}')
    config = VoIPServerConfig.config
    assert config["audio_init_bitrate"] == 12000
    assert config["audio_bitrate_step_decr"] == 500
    assert config["audio_bitrate_step_incr"] == 600
    assert (config["rate_min_rtt"], config["new_key"], config["use_tcp"]) == (
        0.7, "x", True)
    passed = json.loads(controller()._core.settings.server_config)
    assert passed == config and passed["rate_flags"] == 4294967295
    assert capsys.readouterr().err == ""


def test_py_15_wrong_config_prints_a_line_and_changes_nothing(
        server_config, capsys, controller):
    before = dict(VoIPServerConfig.config)
    for wrong in ("{", "[1]", "5", '"x"', {"a": object()}, 5, None,
                  {"a": float("nan")}):
        VoIPServerConfig.set_config(wrong)
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "VoIPServerConfig" in err
    assert VoIPServerConfig.config == before


def test_py_15_config_holds_for_later_controllers(server_config, pair):
    early = pair()
    VoIPServerConfig.set_bitrate_config(9000, 9000, 8000)
    late = pair()
    early.go().established(), late.go().established()
    time.sleep(0.1)
    assert early.caller._core.stats().bitrate_bps > 12000
    assert late.caller._core.stats().bitrate_bps <= 9000


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


# -- 19 to 23: wrong moments and values --------------------------------------

def test_py_19_proxy_only_before_start(relay, controller):
    call = controller()
    with pytest.raises(ValueError, match="address"):
        call.set_proxy("")
    for wrong in ((5,), ("h", "1080"), ("h", 1080, 5), ("h", 1080, "u", None)):
        with pytest.raises(TypeError):
            call.set_proxy(*wrong)
    with pytest.raises(ValueError, match="port"):
        call.set_proxy("127.0.0.1", 0)
    prepare(call, relay.port, tags()[0], True)
    call.start()
    with pytest.raises(RuntimeError, match="before start"):
        call.set_proxy("127.0.0.1")


@pytest.mark.parametrize("login, udp", [
    (None, True), (("anna", "s3cret"), True), (("anna", "s3cret"), False)])
def test_py_19_everything_goes_through_the_proxy(pair, login, udp):
    proxy = Proxy(login, udp)
    try:
        p = pair()
        p.caller.set_proxy("127.0.0.1", proxy.port, *(login or ()))
        p.go().established()
        wait_for(lambda: p.callee._core.stats().packets_in > 20, "media")
        sent = p.caller._core.stats().packets_out
        assert p.caller.get_last_error() == CallError.UNKNOWN
        assert proxy.refused == 0
        if udp:
            wait_for(lambda: proxy.datagrams >= sent, "what was sent")
        else:
            assert proxy.streams > 0 and proxy.datagrams == 0
        p.stop()
    finally:
        proxy.close()


def test_py_19_a_proxy_that_refuses_ends_the_call(relay, controller):
    proxy = Proxy(("anna", "s3cret"))
    try:
        call = controller()
        prepare(call, relay.port, tags()[0], True)
        call.set_proxy("127.0.0.1", proxy.port, "anna", "wrong")
        call.start()
        call.connect()
        wait_for(lambda: call.call_state == 4, "FAILED")
        assert call.get_last_error() == CallError.PROXY
        assert proxy.refused > 0 and proxy.datagrams == 0
    finally:
        proxy.close()


def test_py_20_play_from_another_thread_during_a_callback(pair, tmp_path):
    p = pair()
    path = file_of(tmp_path / "a", tone(0.1))
    done = threading.Event()

    def send(length):
        if not done.is_set():
            other = threading.Thread(target=p.caller.play, args=(path,))
            other.start()
            other.join(10)
            assert not other.is_alive()
            done.set()
        return b""

    p.caller.set_send_audio_frame_callback(send)
    p.go()
    assert done.wait(20)


def test_py_20_frames_of_one_call_stay_in_it(relay, pair):
    a, b = pair(), pair()
    heard_a, heard_b = [], []
    frame = tone(0.02)
    a.caller.set_send_audio_frame_callback(lambda n: frame)
    b.caller.set_send_audio_frame_callback(lambda n: None)
    a.callee.set_recv_audio_frame_callback(heard_a.append)
    b.callee.set_recv_audio_frame_callback(heard_b.append)
    b.callee.set_send_audio_frame_callback(lambda n: frame)
    a.go(), b.go()
    wait_for(lambda: loud_blocks(b"".join(heard_a)) > 20, "sound")
    assert loud_blocks(b"".join(heard_b)) == 0


@pytest.mark.parametrize("kind", [
    bytes, bytearray, memoryview, lambda b: array.array("h", b),
    lambda b: b + b, lambda b: b[:1001]], ids=[
    "bytes", "bytearray", "memoryview", "array", "too long", "too short"])
def test_py_21_bytes_of_any_kind_are_sent(pair, unraisable, kind):
    p = pair()
    heard, frame = [], kind(tone(0.02))
    p.caller.set_send_audio_frame_callback(lambda n: frame)
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.go()
    wait_for(lambda: loud_blocks(b"".join(heard)) > 5, "sound")
    assert unraisable == []


def test_py_21_none_is_silence_and_others_are_reported(pair, unraisable):
    p = pair()
    answers = [None, None, "text", 5, object()]
    asked, heard = [], []

    def send(length):
        asked.append(length)
        return answers[min(len(asked), len(answers)) - 1]

    p.caller.set_send_audio_frame_callback(send)
    p.callee.set_recv_audio_frame_callback(heard.append)
    p.callee.set_send_audio_frame_callback(lambda n: b"")
    p.go().established()
    wait_for(lambda: len(asked) > 10, "questions")
    assert {u.exc_type for u in unraisable} == {TypeError}
    assert "got str" in str(unraisable[0].exc_value)
    assert loud_blocks(b"".join(heard)) == 0
    assert p.caller.call_state == 3


def test_py_21_what_cannot_be_called_is_silence(pair):
    p = pair()
    for call in (p.caller, p.callee):
        call.set_send_audio_frame_callback(5)
        call.set_recv_audio_frame_callback(None)
    p.go().established()
    time.sleep(0.2)
    assert p.caller.call_state == 3


def test_py_22_settings_after_start_are_refused(relay, controller):
    call = prepare(controller(), relay.port, tags()[0], True)
    call.start()
    endpoint = Endpoint(1, "127.0.0.1", "", 5, bytes(16))
    for name, args in (("set_encryption_key", (KEY, True)),
                       ("set_remote_endpoints", ([endpoint], False, False,
                                                 92)),
                       ("start", ())):
        with pytest.raises(RuntimeError, match=f"{name}.*before start"):
            getattr(call, name)(*args)
    call.connect()
    with pytest.raises(RuntimeError, match="connect"):
        call.connect()
    call.stop()
    for name, args in (("start", ()), ("connect", ()),
                       ("set_encryption_key", (KEY, True)),
                       ("set_config", (10, 30, DataSaving.NEVER, 1))):
        with pytest.raises(RuntimeError, match="stopped"):
            getattr(call, name)(*args)


def test_py_22_order_of_setting_up_is_said(relay, controller):
    call = controller()
    with pytest.raises(RuntimeError, match="start.. comes first"):
        call.connect()
    with pytest.raises(RuntimeError, match="set_encryption_key"):
        call.start()
    call.set_encryption_key(KEY, True)
    with pytest.raises(RuntimeError, match="set_remote_endpoints"):
        call.start()
    call.set_encryption_key(bytes(256), True)
    call.set_remote_endpoints([Endpoint(1, "1.2.3.4", "", 5, bytes(16))],
                              False, False, 92)
    with pytest.raises(ValueError, match="key.*zeros"):
        call.start()
    with pytest.raises(RuntimeError, match="_init"):
        call._init()


def test_py_22_half_made_objects_are_harmless(unraisable):
    class Half(VoIPController):
        def __init__(self):
            pass

    half = Half()
    for name in ("start", "connect", "get_stats", "stop", "get_debug_log"):
        with pytest.raises(RuntimeError, match="__init__ has not run"):
            getattr(half, name)()
    with pytest.raises(RuntimeError):
        half.start_time
    del half
    for wrong in ({"persistent_state_file": 5}, {"debug": "yes"},
                  {"logs_dir": 5}):
        with pytest.raises((TypeError, ValueError), match=list(wrong)[0]):
            VoIPController(**wrong)
    assert unraisable == []


@pytest.mark.parametrize("name, good, wrong", [
    ("set_encryption_key", (KEY, True), {0: ["x", None, 5], 1: ["x", None]}),
    ("set_config", (10, 30, DataSaving.NEVER, 1, True, True, True, "", "",
                    False),
     {0: ["1", None, True], 1: ["1", None], 2: ["x"], 3: ["1", None, 1.5],
      4: [None, "x"], 5: [None], 6: [None], 7: [5], 8: [5], 9: ["x"]}),
    ("set_mic_mute", (True,), {0: [None, "x", 1.0]}),
    ("set_network_type", (NetType.LTE,), {0: [None, "x"]}),
    ("set_remote_endpoints",
     ([Endpoint(1, "1.2.3.4", "", 5, bytes(16))], False, False, 92),
     {0: [None, 5, "x", [5]], 1: ["x"], 2: [None, "x"], 3: ["92", None]}),
    ("debug_ctl", (1, 8000), {0: ["x", None], 1: ["x", None]}),
    ("play_on_hold", ([],), {0: [None, 5, [5]]}),
    ("set_output_file", ("/dev/null",), {0: [None, 5, b"x"]}),
    ("set_echo_cancellation_strength", (1,), {0: ["x", None]}),
    ("set_audio_output_gain_control_enabled", (True,), {0: ["x", None]}),
])
def test_py_22_wrong_types_name_the_argument(controller, name, good, wrong):
    call = controller()
    names = list(inspect.signature(getattr(call, name)).parameters)
    getattr(call, name)(*good)
    for position, values in wrong.items():
        for value in values:
            args = list(good)
            args[position] = value
            with pytest.raises(TypeError, match=names[position]):
                getattr(call, name)(*args)


def test_py_22_impossible_values_name_the_argument(controller):
    call = controller()
    for length in (0, 255, 257):
        with pytest.raises(ValueError, match=f"key.*{length}"):
            call.set_encryption_key(bytes(length), True)
    for i, value in ((0, 0), (0, -1), (1, float("nan")), (1, 1e9)):
        times = [10, 30]
        times[i] = value
        with pytest.raises(ValueError, match=["recv_timeout",
                                              "init_timeout"][i]):
            call.set_config(*times, DataSaving.NEVER, 1)
    with pytest.raises(ValueError, match="endpoints"):
        call.set_remote_endpoints([], False, False, 92)
    for request in (0, 5):
        with pytest.raises(ValueError, match="request"):
            call.debug_ctl(request, 1)


def test_py_22_getters_answer_at_any_time(relay, controller):
    call = controller()
    for _ in range(2):
        assert isinstance(call.get_debug_string(), str)
        assert isinstance(json.loads(call.get_debug_log()), dict)
        assert call.need_rate() is False
        assert call.get_peer_capabilities() == 0
        assert call.get_stats().bytes_recvd_wifi == 0
        assert call.call_duration == 0
        call.clear_play_queue()
        call.clear_hold_queue()
        call.unset_output_file()
        call.set_mic_mute(True)
        call.stop()


def test_py_23_no_error_yet_is_unknown(relay, controller):
    call = controller()
    assert call.get_last_error() is CallError.UNKNOWN
    prepare(call, relay.port, tags()[0], True).start()
    assert call.get_last_error() is CallError.UNKNOWN


def test_py_24_no_sound_device_is_needed_or_listed():
    assert not [n for n in dir(VoIPController) if "device" in n.lower()]


def test_py_25_no_decoding_for_nobody():
    said = "^process_pcm: not available in this version$"
    with pytest.raises(ValueError, match=said):
        VoIPController(process_pcm=True)
    call = VoIPController(logs_dir=None)
    for value in (True, False, None):
        with pytest.raises(ValueError, match=said):
            call.set_config(10, 30, DataSaving.NEVER, 1, process_pcm=value)


# -- 26 to 29 ----------------------------------------------------------------

def test_py_26_rating_needs_bad_call_rating(server_config, pair):
    VoIPServerConfig.set_config({"rate_min_rtt": 0.0, "rate_flags": 0xFFFFFFFF})
    without = pair()
    VoIPServerConfig.set_config({"bad_call_rating": True})
    with_it = pair()
    without.go().established(), with_it.go().established()
    wait_for(lambda: with_it.caller.need_rate(), "the wish for a rating")
    assert without.caller.need_rate() is False
    assert "bad_call_rating" in inspect.getdoc(VoIPController.need_rate)


def test_py_27_nothing_is_called_back_after_stop(pair):
    p = pair()
    stopped, late = threading.Event(), []

    def note(*args):
        if stopped.is_set():
            late.append(args)
        return b""

    for call in (p.caller, p.callee):
        call.set_send_audio_frame_callback(note)
        call.set_recv_audio_frame_callback(note)
        call.call_state_changed_handlers.append(note)
        call.signal_bars_changed_handlers.append(note)
    p.go().established()
    time.sleep(0.2)
    p.stop()
    stopped.set()
    time.sleep(0.3)
    p.stop()
    assert late == []


@pytest.mark.parametrize("where", ["state", "send", "receive"])
def test_py_27_stop_from_a_callback(pair, tmp_path, where):
    p = pair()
    call, after = p.callee, []
    stopped = threading.Event()
    out = tmp_path / "out"

    def stop(*args):
        if stopped.is_set():
            after.append(args)
        elif where != "state" or args[0] is CallState.ESTABLISHED:
            call.stop()
            call.stop()
            stopped.set()
        return b""

    call.call_state_changed_handlers[:] = []
    call.call_state_changed_handlers.append(
        lambda s: after.append(s) if stopped.is_set() else None)
    if where == "state":
        call.call_state_changed_handlers.insert(0, stop)
    elif where == "send":
        call.set_send_audio_frame_callback(stop)
    else:
        call.set_recv_audio_frame_callback(stop)
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.go()
    assert stopped.wait(20)
    time.sleep(0.2)
    assert after == []
    call.stop()
    assert call.get_stats().bytes_recvd_wifi > 0
    assert not out.exists()


def test_py_27_leaving_a_with_block_stops(relay):
    with prepare(VoIPController(logs_dir=None), relay.port, tags()[0],
                 True) as call:
        call.start()
        call.connect()
    with pytest.raises(RuntimeError, match="stopped"):
        call.connect()
    with pytest.raises(KeyError):
        with VoIPController(logs_dir=None) as call:
            raise KeyError
    with pytest.raises(RuntimeError, match="stopped"):
        call.start()


def test_py_29_secrets_come_from_the_system(monkeypatch):
    seen = []
    real = tgvoip.utils.secrets.token_bytes
    monkeypatch.setattr(tgvoip.utils.secrets, "token_bytes",
                        lambda n: seen.append(n) or real(n))
    a = tgvoip.utils.random_secret(P)
    assert 1 < a < P - 1 and set(seen) == {256}
    assert lib.TGVOIP_KEY_BYTES == 256


# -- 16, 17, 28: files that the engine writes, and its controls --------------

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


def test_py_28_debug_controls_work(pair):
    p = pair()
    p.caller.debug_ctl(1, 9000)     # before the call, and while it runs
    p.go().established()
    wait_for(lambda: 0 < p.caller._core.stats().bitrate_bps <= 9000,
             "the lower bitrate")
    assert p.callee._core.stats().bitrate_bps > 12000
    p.callee.debug_ctl(1, 8000)
    wait_for(lambda: p.callee._core.stats().bitrate_bps <= 8000,
             "the lower bitrate")
    p.caller.debug_ctl(2, 50)
    for request in (3, 4):
        p.caller.debug_ctl(request, 1)
    assert p.caller._core.settings.aec is True
    for request, param in ((1, 5), (2, 101), (3, 2), (4, -1)):
        with pytest.raises(ValueError, match="param"):
            p.caller.debug_ctl(request, param)


@pytest.mark.parametrize("layer", [73, 74])
def test_v1_is_allowed_with_a_warning_in_log_and_report(
        relay, controller, tmp_path, caplog, layer):
    """The module takes what its programs are used to; it does not keep it
    to itself. Nobody answers here, so the envelope stays the first one."""
    path = tmp_path / "call.log"
    call = prepare(controller(), relay.port, tags()[0], True, layer=layer,
                   log_file_path=str(path))
    call.start()
    call.connect()
    old = layer < 74
    wait_for(lambda: f"encryption v{1 if old else 2}"
             in call.get_debug_string(), "the line of the debug string")
    call.stop()
    warned = [r for r in caplog.records if "V1 encryption" in r.getMessage()]
    assert [r.levelno for r in warned] == [logging.WARNING] * old
    assert path.read_text().count("V1 encryption") == old


def test_traffic_is_counted_by_network(pair):
    p = pair()
    p.caller.set_network_type(NetType.LTE)
    p.go().established()
    time.sleep(0.2)
    mobile, wifi = p.caller.get_stats(), p.callee.get_stats()
    assert mobile.bytes_sent_mobile > 0 and mobile.bytes_recvd_mobile > 0
    assert wifi.bytes_sent_wifi > 0 and wifi.bytes_recvd_wifi > 0
    assert mobile.bytes_sent_wifi == wifi.bytes_sent_mobile == 0
    text = p.caller.get_debug_string()
    assert "127.0.0.1" in text and text.count("\n") > 5
    log = json.loads(p.caller.get_debug_log())
    assert log["libtgvoip_version"] == "2.4.4"
