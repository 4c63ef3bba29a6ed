# SPDX-License-Identifier: MIT
"""Calls between two hosts of a lab, and what is judged of them."""
import array
import csv
import json
import os
import secrets
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tool"))
import lab  # noqa: E402
from helper import (ASSETS, Case, TGVOIP, measure, read_wav,  # noqa: E402
                    tags)

PORT = 5000
# Median over the windows that are judged, mostly 0.9 and more; the wrong words
# have less than 0.55. Play-out that catches up makes single windows unlike.
LIKENESS = 0.6
GAP_S = 1.1         # longest hole in what is heard after a change of roads
SLACK_S = 0.25      # of machines that do something else too
clips, clips_lock = {}, threading.Lock()


def clip(name):
    """48 kHz mono."""
    with clips_lock:
        if name not in clips:
            raw = subprocess.run(
                ["sox", os.path.join(ASSETS, name), "-t", "raw", "-r",
                 "48000", "-c", "1", "-b", "16", "-e", "signed-integer", "-L",
                 "-"], stdout=subprocess.PIPE, check=True).stdout
            clips[name] = array.array("h", raw)
        return clips[name]


def start_relay(node, *args, address=lab.RELAYS[0], tcp=True):
    """`tgvoip relay` in the internet. @return the process"""
    at = f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}"
    p = node.start(TGVOIP, "relay", "--listen", at, "--open", "--json",
                   *(("--tcp", at) if tcp else ()), *args,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node.wait_listening(p, PORT, "udp")
    return p


def relay_option(address, tag, number=1, option="--relay"):
    host = f"[{address}]" if ":" in address else address
    return (option, f"{host}:{PORT}:{tag}:{number}")


class End:
    """One `tgvoip call` and what it left."""

    def __init__(self, case, node, role, says, common):
        self.case, self.role, self.says = case, role, says
        self.began = time.monotonic()
        self.process = node.start(
            TGVOIP, "call", "--role", role, "--in", self.path("in.raw"),
            "--out", self.path("out.wav"), "--ts", self.path("ts"),
            "--packets", self.path("packets"), "--log", self.path("log"),
            "--json", *common, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def path(self, name):
        return self.case.path(f"{self.role}.{name}")

    def finish(self, timeout):
        out, self.err = self.process.communicate(timeout=timeout)
        self.code = self.process.returncode
        self.events = [json.loads(line) for line in out.splitlines()]
        self.connected_ms = next((e["t_ms"] for e in self.events
                                  if e.get("state") == "WAIT_INIT_ACK"), 0)

    @property
    def states(self):
        return [e["state"] for e in self.events if e["event"] == "state"]

    @property
    def error(self):
        return self.events[-1]["error"]

    @property
    def roads(self):
        """(seconds since connecting, endpoint, id, reason), in order"""
        return [((e["t_ms"] - self.connected_ms) / 1000, e["endpoint"],
                 e["id"], e["reason"])
                for e in self.events if e["event"] == "route"]

    def road_at(self, seconds):
        """Type of the road at that second, or None."""
        return next((kind for at, kind, *_ in reversed(self.roads)
                     if at <= seconds), None)

    def since(self, kind, after=0.0):
        """When the first road of this kind was taken after a time."""
        return next((at for at, k, *_ in self.roads
                     if k == kind and at >= after), None)

    def blocks(self, direction):
        with open(self.path("ts")) as f:
            rows = [line.split() for line in f]
        return [(int(r[3]), int(r[2])) for r in rows
                if len(r) == 4 and r[0] == direction and int(r[2]) >= 0]

    def media_gap(self, start, stop):
        """Longest time without a packet of sound between two seconds."""
        with open(self.path("packets")) as f:
            times = [float(row["Time"])
                     for row in csv.DictReader(f, delimiter="\t")
                     if row["Dir"] == "in" and "STREAM_DATA" in row["Type"]]
        times = [start, *(t for t in times if start < t < stop), stop]
        return max(b - a for a, b in zip(times, times[1:]))

    def describe(self):
        with open(self.path("log")) as f:
            log = f.read().splitlines()[-25:]
        return "\n".join([
            f"{self.role}: exit code {self.code}, states {self.states}, "
            f"error {self.error if self.events else None}",
            f"roads {self.roads}", self.err.strip(), *log])


class Call:
    """Two ends from when both connect. `at()` waits for a second of it."""

    def __init__(self, case, hosts, seconds, relays=(lab.RELAYS[0],),
                 options=((), ()), common=()):
        self.case, self.seconds = case, seconds
        self.start = time.monotonic() + 0.4
        key = "@" + case.write("key", secrets.token_hex(256))
        self.ends = []
        for node, role, says, tag, own in zip(
                hosts, ("caller", "callee"), ("speech.flac", "speech-b.flac"),
                tags(), options):
            measure.write_pcm(case.path(f"{role}.in.raw"), clip(says))
            given = [o for i, address in enumerate(relays)
                     for o in relay_option(address, tag, i + 1)]
            own = [o.replace("TAG", tag) for o in own]
            self.ends.append(End(case, node, role, says, [
                "--key", key, *given, "--start-at", f"{self.start:.3f}",
                "--duration", str(seconds), *common, *own]))
        self.caller, self.callee = self.ends

    def at(self, seconds):
        time.sleep(max(0, self.start + seconds - time.monotonic()))

    def finish(self):
        limit = self.start + self.seconds + 15
        for end in self.ends:
            end.finish(max(1, limit - time.monotonic()))
        return self

    def describe(self):
        return "\n" + "\n".join(end.describe() for end in self.ends)

    # -- judging -------------------------------------------------------------

    def stood(self):
        for end in self.ends:
            self.case.assertEqual(end.code, 0, self.describe())
            self.case.assertIn("ESTABLISHED", end.states, self.describe())
            self.case.assertNotIn("FAILED", end.states, self.describe())
        return self

    def heard(self, start, stop, likeness=LIKENESS):
        """Between these seconds each heard the other's words."""
        for says, hears in (self.ends, self.ends[::-1]):
            windows = self.windows(says, hears, start, stop)
            got = measure.median([c for _, c, _ in windows])
            self.case.assertGreaterEqual(
                got, likeness, f"{hears.role} heard {windows}"
                + self.describe())
        return self

    def windows(self, says, hears, start, stop):
        sent = measure.envelope(clip(says.says), says.blocks("i"))
        heard = measure.envelope(read_wav(hears.path("out.wav")),
                                 hears.blocks("o"))
        return measure.compare(sent, heard,
                               int((self.start + start) * 1e6),
                               int((self.start + stop) * 1e6))

    def no_gap(self, start, stop, most=GAP_S + SLACK_S, ends=None):
        """Between these seconds packets of sound kept coming."""
        for end in ends or self.ends:
            gap = end.media_gap(start, stop)
            self.case.assertLessEqual(
                gap, most, f"{end.role}: longest gap between {start} and "
                f"{stop} s" + self.describe())
        return self

    def road(self, seconds, kind, ends=None):
        """The road at that second is of this type."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        for end in ends or self.ends:
            self.case.assertIn(end.road_at(seconds), kinds,
                               f"{end.role} at {seconds} s"
                               + self.describe())
        return self


class LabCase(Case):
    """A test with an internet of its own."""

    def setUp(self):
        super().setUp()
        self.lab = lab.Lab()
        self.addCleanup(self.lab.close)


__all__ = ["Call", "GAP_S", "LabCase", "PORT", "SLACK_S", "TGVOIP", "lab",
           "relay_option", "start_relay"]
