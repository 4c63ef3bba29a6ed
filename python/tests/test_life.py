# SPDX-License-Identifier: MIT
"""Starts and ends: many of them, from handlers, by the garbage collector, by
the end of the interpreter, across fork()."""
import gc
import os
import signal
import threading
import time
import weakref

import pytest
from conftest import Pair, prepare, tags, wait_for
from sound import loud_blocks, tone

from tgvoip import CallState, VoIPController


def threads():
    return len(os.listdir("/proc/self/task"))


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident_kb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def cycle(relay, tag, callbacks):
    call = prepare(VoIPController(logs_dir=None), relay.port, tag, True)
    if callbacks:
        call.call_state_changed_handlers.append(lambda state: None)
        call.set_send_audio_frame_callback(lambda n: None)
    call.start()
    call.connect()
    return call


def test_1000_starts_and_stops_leave_nothing(relay):
    tag = tags()[0]
    for i in range(100):
        cycle(relay, tag, i % 2).stop()
    gc.collect()
    before = threads(), descriptors(), resident_kb()
    for i in range(1000):
        call = cycle(relay, tag, i % 2)
        if i % 3:
            call.stop()
        del call
    gc.collect()
    wait_for(lambda: threads() <= before[0], "the end of threads")
    wait_for(lambda: descriptors() <= before[1], "closing")
    assert resident_kb() - before[2] < 4000


def test_stops_of_established_calls_leave_nothing(relay):
    for i in range(30):
        p = Pair(relay)
        p.caller.set_send_audio_frame_callback(lambda n: None)
        p.go()
        if i % 3:
            p.established()
        p.stop()
    before = threads()
    assert before <= threads()


def test_100_native_calls_need_no_thread_each(relay, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(tone(0.1))
    before = threads()
    calls = []
    for _ in range(50):
        calls.append(cycle(relay, tags()[0], False))
        calls[-1].native_io = True
        calls[-1].play(str(path))
    assert threads() <= before + 4      # those that open files
    for call in calls:
        call.stop()


def test_dropping_the_last_reference_ends_the_call(relay, tmp_path):
    p = Pair(relay)
    out = tmp_path / "out"
    p.callee.native_io = True
    p.callee.set_output_file(str(out))
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.go().established()
    time.sleep(0.4)
    gone = [weakref.ref(p.caller), weakref.ref(p.callee)]
    p.caller = p.callee = None
    assert [ref() for ref in gone] == [None, None]
    assert loud_blocks(out.read_bytes()) > 5
    wait_for(lambda: not [t for t in threading.enumerate()
                          if t.name == "tgvoip-call"], "the dispatcher's end")


def test_garbage_collector_in_mid_call(relay):
    """Handlers that refer to their controller: a cycle."""
    for _ in range(20):
        p = Pair(relay)
        for call in (p.caller, p.callee):
            call.call_state_changed_handlers.append(
                lambda state, call=call: call.get_stats())
            call.me = call
            call.set_send_audio_frame_callback(
                lambda n, call=call: call.send_audio_frame_callback and b"")
        p.go().established()
        gone = [weakref.ref(p.caller), weakref.ref(p.callee)]
        p.caller = p.callee = call = None
        gc.collect()
        # A callback that was running holds its controller a moment longer.
        wait_for(lambda: gc.collect() >= 0
                 and [ref() for ref in gone] == [None, None], "the end")


def test_last_reference_dropped_inside_its_own_callback(relay):
    p = Pair(relay)
    dropped = threading.Event()

    def send(length):
        p.caller = None
        gc.collect()
        dropped.set()
        return b""

    p.caller.set_send_audio_frame_callback(send)
    gone = weakref.ref(p.caller)
    p.go()
    assert dropped.wait(20)
    wait_for(lambda: gc.collect() >= 0 and gone() is None, "the end")
    p.stop()


def test_garbage_collected_in_another_calls_callback(pair):
    a, b = pair(), pair()
    other = weakref.ref(b.caller)
    dropped = threading.Event()

    def send(length):
        if not dropped.is_set():
            b.caller.stop()
            b.caller = None
            gc.collect()
            dropped.set()
        return b""

    b.caller.set_send_audio_frame_callback(lambda n: b"")
    b.go().established()
    a.caller.set_send_audio_frame_callback(send)
    a.go()
    assert dropped.wait(20)
    wait_for(lambda: gc.collect() >= 0 and other() is None, "the end")


def test_two_calls_stop_each_other_from_their_callbacks(pair):
    a, b = pair(), pair()
    met = threading.Barrier(2)
    done = []

    def stop(other):
        def handler(state):
            if state is CallState.ESTABLISHED:
                met.wait(20)
                other.stop()
                done.append(other)
        return handler

    a.callee.call_state_changed_handlers.append(stop(b.callee))
    b.callee.call_state_changed_handlers.append(stop(a.callee))
    a.go(), b.go()
    wait_for(lambda: len(done) == 2, "both stops")


def test_stops_from_many_threads_at_once(pair):
    p = pair()
    p.caller.set_send_audio_frame_callback(lambda n: b"")
    p.go().established()
    stoppers = [threading.Thread(target=p.stop) for _ in range(8)]
    for t in stoppers:
        t.start()
    for t in stoppers:
        t.join(20)
        assert not t.is_alive()


def test_stop_in_a_signal_handler_during_start(relay):
    def alarm(number, frame):
        for call in calls:
            call.stop()

    before = signal.signal(signal.SIGALRM, alarm)
    calls = []
    try:
        for i in range(30):
            calls[:] = [prepare(VoIPController(logs_dir=None), relay.port,
                                tags()[0], True)]
            signal.setitimer(signal.ITIMER_REAL, 0.0001 * (i + 1))
            try:
                calls[0].start()
                calls[0].connect()
            except RuntimeError as error:
                assert "stopped" in str(error)
            time.sleep(0.004)
            assert calls[0]._core.stopped
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- handlers that come and go -----------------------------------------------

def test_handlers_added_while_the_call_runs(pair):
    p = pair()
    p.callee.call_state_changed_handlers = []
    p.go().established()
    assert p.callee._core._thread is None
    late, frames = [], []
    p.callee.call_state_changed_handlers += [late.append]
    p.callee.recv_audio_frame_callback = frames.append
    p.caller.send_audio_frame_callback = lambda n: tone(0.02)
    wait_for(lambda: frames, "a frame")
    assert p.callee._core._thread is not None and late == []


def test_methods_of_a_subclass_are_called(relay):
    seen = []

    class Mine(VoIPController):
        def _handle_state_change(self, state):
            seen.append(state)
            super()._handle_state_change(state)

        def _send_audio_frame_impl(self, length):
            seen.append("send")
            return tone(0.02)

        def _recv_audio_frame_impl(self, frame):
            seen.append("receive")

    p = Pair(relay, caller=Mine, callee=Mine)
    assert seen == [CallState.WAIT_INIT] * 2
    p.go().established()
    wait_for(lambda: {"send", "receive", CallState.ESTABLISHED} <= set(seen),
             "all three")
    p.stop()


def test_a_slow_callback_costs_silence_and_is_counted(pair):
    p = pair()

    def slow(length):
        time.sleep(0.1)
        return tone(0.02)

    def slow_too(frame):
        time.sleep(0.1)

    p.caller.set_send_audio_frame_callback(slow)
    p.callee.set_recv_audio_frame_callback(slow_too)
    p.go().established()
    wait_for(lambda: p.caller._core.losses()[0] > 5
             and p.callee._core.losses()[1] > 5, "losses")
    assert p.caller.call_state == p.callee.call_state == 3


# -- processes ---------------------------------------------------------------

START = """
    import atexit, os, sys, threading, time
    # After the calls, which end as the package is registered to end them: a
    # relay that takes connections to the last races with OpenSSL's own exit.
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and relay.close())
    from conftest import *
    from sound import tone
    relay = Relay()
    p = Pair(relay)
    p.caller.set_send_audio_frame_callback(lambda n: tone(0.02))
    p.callee.native_io = True
    p.callee.set_output_file("heard.pcm")
    p.go().established()
    time.sleep(0.4)
"""


@pytest.mark.parametrize("end", [
    "", "sys.exit(0)", "del p", "p.stop()",
    # a callback that does not return in time
    "p.caller.set_send_audio_frame_callback(lambda n: time.sleep(60))\n"
    "    time.sleep(0.1)",
    # the last words of a thread
    "threading.Thread(target=time.sleep, args=(0.2,)).start()",
    # a controller that only a global of another module knows
    "import json; json.keep = p; del p"])
def test_interpreter_exit_in_mid_call(script, tmp_path, end):
    began = time.monotonic()
    script(START + "    " + end)
    assert time.monotonic() - began < 20
    # A machine that is busy is told of.
    assert [line for line in script.err.splitlines()
            if "overload" not in line] == []
    assert loud_blocks((tmp_path / "heard.pcm").read_bytes()) > 5


def test_exception_at_the_top_in_mid_call(script, tmp_path):
    script(START + "    raise SystemExit(7)", returncode=7)
    assert loud_blocks((tmp_path / "heard.pcm").read_bytes()) > 5


@pytest.mark.skipif(os.environ.get("TGVOIP_SANITIZER") == "thread",
                    reason="the thread sanitizer ends children with threads")
def test_after_fork_the_childs_controllers_refuse(script, tmp_path):
    out = script(START + """
    fresh = VoIPController(logs_dir=None)
    pid = os.fork()
    if pid == 0:
        for call, what in ((p.caller, "stop"), (p.caller, "get_stats"),
                           (p.callee, "connect"), (fresh, "start"),
                           (fresh, "get_debug_string")):
            try:
                getattr(call, what)()
            except RuntimeError as error:
                assert "fork" in str(error)
            else:
                print("no error from", what)
        del p, fresh, call
        mine = VoIPController(logs_dir=None)
        other = Relay()
        q = Pair(other).go().established()
        q.stop()
        print("child", flush=True)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    before = len(open("heard.pcm", "rb").read())
    time.sleep(0.3)
    assert p.caller.call_state == p.callee.call_state == 3
    p.stop()
    print("parent", len(open("heard.pcm", "rb").read()) > 0)
    """)
    assert out == "child\nparent True\n"


@pytest.mark.skipif("TGVOIP_SANITIZER" in os.environ,
                    reason="a sanitizer takes time of its own")
def test_import_is_quick(script):
    code = """
        import sys, time
        began = time.process_time()     # others may be busy
        import tgvoip, tgvoip.utils
        print(time.process_time() - began)
    """
    assert min(float(script(code)) for _ in range(5)) < 0.1
