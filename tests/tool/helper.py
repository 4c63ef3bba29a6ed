# SPDX-License-Identifier: MIT
"""What the black-box tests share: running the tool, sound, a scripted relay.

The tool is $TGVOIP, or the one of build/release.
"""
import array
import json
import math
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TGVOIP = os.environ.get("TGVOIP") or os.path.join(
    ROOT, "build", "release", "tools", "tgvoip")
DATA = os.path.join(ROOT, "tests", "data")
ASSETS = os.path.join(ROOT, "assets")
sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
import measure  # noqa: E402,F401

LIMIT_S = 60    # no command may take longer


def run(*args, stdin=None, timeout=LIMIT_S, **more):
    """@return the finished process; stdout and stderr as text"""
    return subprocess.run([TGVOIP, *args], input=stdin, text=True,
                          stdin=None if stdin is not None
                          else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, **more)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tags():
    tag = secrets.token_hex(15)
    return tag + "00", tag + "01"


def tone(seconds, hz=440):
    """A tone whose loudness changes, 48 kHz mono."""
    return array.array("h", (
        int(8000 * math.sin(2 * math.pi * hz * i / 48000)
            * (0.6 + 0.4 * math.sin(2 * math.pi * 1.5 * i / 48000)))
        for i in range(int(seconds * 48000))))


def write_wav(path, pcm, rate=48000):
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(pcm.tobytes())


def read_wav(path):
    with wave.open(path) as w:
        assert (w.getframerate(), w.getnchannels(),
                w.getsampwidth()) == (48000, 1, 2), w.getparams()
        pcm = array.array("h")
        pcm.frombytes(w.readframes(w.getnframes()))
        return pcm


class Case(unittest.TestCase):
    """A folder of its own, and no process left behind."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tgvoip-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.started = []
        self.addCleanup(self.stop_all)

    def stop_all(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.communicate()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "w" if isinstance(data, str)
                  else "wb") as f:
            f.write(data)
        return self.path(name)

    def start(self, *args, **more):
        p = subprocess.Popen([TGVOIP, *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, **more)
        self.started.append(p)
        return p

    def finish(self, p, timeout=LIMIT_S):
        out, err = p.communicate(timeout=timeout)
        return out, err

    def relay(self, *args):
        """Start `tgvoip relay`; @return (process, port) when it answers."""
        port = free_port()
        p = self.start("relay", "--listen", f"127.0.0.1:{port}", "--json",
                       *args)
        query = (b"\x5a" * 16 + b"\xff" * 12 + b"\xfe\xff\xff\xff" + b"\1" * 8)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.1)
            for _ in range(100):
                self.assertIsNone(p.poll(), "the relay ended")
                try:
                    s.sendto(query, ("127.0.0.1", port))
                    s.recv(2048)
                    return p, port
                except OSError:
                    time.sleep(0.02)
        self.fail("the relay does not answer")

    def key(self):
        return "@" + self.write("key", secrets.token_hex(256) + "\n")

    def call(self, role, key, port, tag, *args):
        return self.start("call", "--role", role, "--key", key, "--relay",
                          f"127.0.0.1:{port}:{tag}", "--json", *args)

    def message(self, done, *parts):
        """stderr has a line `tgvoip: what: why`, and these parts."""
        self.assertRegex(done.stderr, r"(?m)^tgvoip: [^:\n].*: .")
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)


class ScriptedRelay(threading.Thread):
    """A relay in a few lines, for what the real one would never do. Calls
    `mangle(datagram)`, which returns the datagrams to forward instead."""

    def __init__(self, mangle):
        super().__init__(daemon=True)
        self.mangle = mangle
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.sides = {}
        self.running = True
        self.start()

    def stop(self):
        self.running = False
        self.join()
        self.socket.close()

    def run(self):
        while self.running:
            try:
                data, source = self.socket.recvfrom(2048)
            except socket.timeout:
                continue
            except OSError:     # refused by an end that is gone
                continue
            self.handle(data, source)

    def handle(self, data, source):
        if len(data) < 16:
            return
        self.sides[data[:16]] = source
        if data[16:28] == b"\xff" * 12:
            if data[28:32] == b"\xfe\xff\xff\xff":
                self.socket.sendto(self.self_info(data, source), source)
            return
        tag = data[:15] + bytes([data[15] ^ 1])
        if tag in self.sides:
            for out in self.mangle(tag + data[16:]):
                self.socket.sendto(out, self.sides[tag])

    def self_info(self, data, source):
        return (data[:16] + b"\xff" * 12 + bytes.fromhex("c77215c0")
                + int(time.time()).to_bytes(4, "little") + data[32:40]
                + b"\0" * 10 + b"\xff\xff" + socket.inet_aton(source[0])
                + source[1].to_bytes(4, "little"))


__all__ = ["ASSETS", "Case", "DATA", "LIMIT_S", "ROOT", "ScriptedRelay",
           "TGVOIP", "free_port", "json_lines", "measure", "read_wav", "run",
           "signal", "socket", "tags", "time", "tone", "write_wav"]
