# SPDX-License-Identifier: MIT
"""Relay, pairs of controllers, and waiting without guessing."""
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import tgvoip
from tgvoip import DataSaving, Endpoint, VoIPController
from tgvoip._engine import get_engine
from tgvoip._native import ffi, lib

KEY = bytes(range(256))
LIMIT_S = 20.0      # of everything that is waited for


def wait_for(condition, what="it", limit=LIMIT_S):
    """Poll; what it returns when it is true. Fails when time is up."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"{what} has not come in {limit} s")
        time.sleep(0.005)


def file_of(path, data):
    path.write_bytes(data)
    return str(path)


class Relay:
    """A reflector on loopback, UDP and TCP, on the engine of the package.
    `delay_ms`: of each datagram that it passes on."""

    def __init__(self, delay_ms=0):
        config = ffi.new("struct tgvoip_relay_config *")
        lib.tgvoip_relay_config_default(config)
        listen = ffi.new("char[]", b"127.0.0.1:0")
        config.listen = config.tcp_listen = listen
        out = ffi.new("tgvoip_relay **")
        failure = ffi.new("struct tgvoip_failure *")
        bad = ffi.new("tgvoip_impairment **")
        assert lib.tgvoip_impairment_create(bad) == 0
        assert lib.tgvoip_impairment_set(
            bad[0], b"delay", str(delay_ms).encode(), failure) == 0
        if delay_ms:
            config.impairment = bad[0]
        code = lib.tgvoip_relay_create(get_engine(), out, config, failure)
        lib.tgvoip_impairment_destroy(bad[0])
        assert code == 0, ffi.string(failure.why)
        self.relay = out[0]
        self.port = lib.tgvoip_relay_port(self.relay)

    def close(self):
        lib.tgvoip_relay_destroy(self.relay)


@pytest.fixture(scope="session")
def relay():
    relay = Relay()
    yield relay
    relay.close()


def tags():
    """The two tags of a session of its own."""
    tag = os.urandom(15)
    last = os.urandom(1)[0] & 0xFE
    return tag + bytes([last]), tag + bytes([last | 1])


def prepare(call, port, tag, outgoing, layer=92, times=(10, 30), **more):
    """All that the guide asks for before start()."""
    more.setdefault("log_file_path", "")
    more.setdefault("status_dump_path", "")
    call.set_config(*times, DataSaving.NEVER, 1, **more)
    call.set_encryption_key(KEY, outgoing)
    call.set_remote_endpoints([Endpoint(1, "127.0.0.1", "", port, tag)],
                              False, False, layer)
    return call


class Pair:
    """Two ends of one call. Either may be a class of one's own."""

    def __init__(self, relay, caller=VoIPController, callee=VoIPController,
                 **more):
        tag_a, tag_b = tags()
        self.caller = prepare(caller(logs_dir=None), relay.port, tag_a, True,
                              **more)
        self.callee = prepare(callee(logs_dir=None), relay.port, tag_b, False,
                              **more)
        self.states = []
        self.callee.call_state_changed_handlers.append(self.states.append)

    def go(self):
        for call in (self.caller, self.callee):
            call.start()
        for call in (self.caller, self.callee):
            call.connect()
        return self

    def established(self):
        wait_for(lambda: self.caller.call_state == 3
                 and self.callee.call_state == 3, "ESTABLISHED")
        return self

    def stop(self):
        for call in (self.caller, self.callee):
            if call is not None:
                call.stop()


@pytest.fixture
def pair(relay):
    """Makes pairs, and stops them after the test."""
    pairs = []

    def make(**more):
        pairs.append(Pair(relay, **more))
        return pairs[-1]

    yield make
    for p in pairs:
        p.stop()


@pytest.fixture
def controller():
    calls = []

    def make(*args, **more):
        more.setdefault("logs_dir", None)
        calls.append(VoIPController(*args, **more))
        return calls[-1]

    yield make
    for call in calls:
        call.stop()


@pytest.fixture
def unraisable(monkeypatch):
    """What is reported through sys.unraisablehook."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    return found


@pytest.fixture
def script(tmp_path):
    """Runs Python code in a process of its own; returns what it printed."""

    def run(code, timeout=60, returncode=0):
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c",
             textwrap.dedent(code)],
            cwd=tmp_path, timeout=timeout, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ,
                     PYTHONPATH=os.pathsep.join(
                         [os.path.dirname(os.path.abspath(__file__)),
                          *filter(None, [os.environ.get("PYTHONPATH")])])))
        assert done.returncode == returncode, done.stdout + done.stderr
        run.err = done.stderr
        return done.stdout

    return run


@pytest.fixture(autouse=True)
def no_thread_stays(request):
    """Every dispatcher has ended, whatever the test did."""
    yield
    gc.collect()

    def running():
        return [t for t in threading.enumerate()
                if t.name in ("tgvoip-call", "tgvoip-stop")]

    if "relay" in request.fixturenames or running():
        end = time.monotonic() + 5
        while running() and time.monotonic() < end:
            time.sleep(0.01)
        assert not running()


def state_of(call):
    return call._core.stats().state


# A short way for tests; not part of the interface.
tgvoip.VoIPController.call_state = property(state_of)
