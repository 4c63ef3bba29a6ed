# SPDX-License-Identifier: MIT
"""What the original did wrong and we do right, one test each at least.

The numbers are those of the Python API notes, section 14. Here: calls, their
threads and callbacks; the rest is in the files beside, test_py_*.py.
"""
import array
import inspect
import json
import logging
import threading
import time

import pytest
from conftest import file_of, prepare, tags, wait_for
from socks import Proxy
from sound import loud_blocks, tone

import tgvoip
from tgvoip import CallError, CallState, NetType, VoIPController


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


# -- 12: the layer -----------------------------------------------------------

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


# -- 19 to 21: proxies, and what callbacks give ------------------------------

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


# -- 27: the end -------------------------------------------------------------

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


# -- 28: controls of the engine ----------------------------------------------

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
