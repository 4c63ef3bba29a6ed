# SPDX-License-Identifier: MIT
"""Set-up time of calls between ours and the original engine, each role.

Ours is the tool, the original is run by tests/interop/peer.py in the
environment that script/setup-peer has made; without it nothing is measured.
Both play a tone from their first sample on, so that the first block that is
not silent is the first sound.
"""
import array
import json
import math
import os
import secrets
import subprocess
import time

from rig import ROOT, Failure, Row, median

RATE, BLOCK = 48000, 960
TALK_S = 4
LEAD_S = 1.5                # to start both processes
LOUD = 200                  # of 32767; the tone has 8000


def environment():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    python = os.path.join(base, "tgvoip", "peer", "venv", "bin", "python")
    return python if os.path.exists(python) else None


def write_tone(path, seconds):
    tone = array.array("h", (int(8000 * math.sin(2 * math.pi * 440 * i / RATE))
                             for i in range(RATE)))
    with open(path, "wb") as f:
        for _ in range(seconds):
            tone.tofile(f)


def first_loud(path, from_block=0):
    """Number of the first block that is not silent, or None."""
    pcm = array.array("h")
    with open(path, "rb") as f:
        data = f.read()
    pcm.frombytes(data[:len(data) // 2 * 2])
    for block in range(from_block, len(pcm) // BLOCK):
        if max(pcm[block * BLOCK:(block + 1) * BLOCK], default=0) > LOUD:
            return block
    return None


def ours_heard_us(work):
    """Time of the block in which the first sound lies."""
    block = first_loud(os.path.join(work, "ours.raw"))
    if block is None:
        return None
    with open(os.path.join(work, "ours.ts")) as f:
        for line in f:
            way, _, position, us = line.split()
            if way == "o" and int(position) == block * BLOCK:
                return int(us)
    return None


def theirs(work):
    """@return (connected, ESTABLISHED, heard) [us], None where missing"""
    connected = established = heard = None
    with open(os.path.join(work, "theirs.events.jsonl")) as f:
        for line in f:
            event = json.loads(line)
            if event["event"] == "connect":
                connected = event["mono_us"]
            elif event.get("state") == "ESTABLISHED" and established is None:
                established = event["mono_us"]
    block = first_loud(os.path.join(work, "theirs.recv.pcm"))
    if block is not None:
        with open(os.path.join(work, "theirs.recv.ts")) as f:
            times = f.read().split()
        heard = int(times[2 * block + 1])
    return connected, established, heard


def one_call(rig, python, relay, role, work):
    """@return [ms] after the later connect(): ours hears, theirs hears"""
    tag = secrets.token_hex(15)
    other = {"caller": "callee", "callee": "caller"}[role]
    with open(os.path.join(work, "key"), "w") as f:
        f.write(secrets.token_hex(256))
    start_at = time.monotonic() + LEAD_S
    ours = [os.path.join(rig.build, "tools", "tgvoip"), "call", "--role", role,
            "--key", "@key", "--relay", f"127.0.0.1:{relay.port}:{tag}00",
            "--in", "tone.raw", "--out", "ours.raw", "--ts", "ours.ts",
            "--start-at", f"{start_at:.3f}", "--duration", str(TALK_S),
            "--json"]
    peer = [python, os.path.join(ROOT, "tests", "interop", "peer.py"),
            "--role", other, "--key", "key", "--relay",
            f"{relay.port}:{tag}01", "--in", "tone.raw", "--prefix", "theirs",
            "--start-at", f"{start_at:.3f}", "--duration", str(TALK_S - 0.5)]
    with open(os.path.join(work, "log"), "w") as log:
        both = [subprocess.Popen(c, cwd=work, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log)
                for c in (ours, peer)]
        for p in both:
            try:
                p.wait(LEAD_S + TALK_S + 20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
    connected, _, theirs_us = theirs(work)
    ours_us = ours_heard_us(work)
    if None in (connected, theirs_us, ours_us):
        raise Failure(f"a call with the original as {other} has no sound")
    zero = max(connected, start_at * 1e6)
    return ((ours_us - zero) / 1000, (theirs_us - zero) / 1000,
            rig.shown_command(ours))


def set_up_with_original(rig):
    python = environment()
    if rig.mode == "smoke" or not python:
        return []
    rows = []
    write_tone(os.path.join(rig.work, "tone.raw"), TALK_S)
    for rtt in (0, 50, 200):
        heard = {"ours": [], "theirs": []}
        with rig.relay("--delay", str(rtt / 2)) as relay:
            for i in range(rig.size(3, 1, 1)):
                for role in ("caller", "callee"):
                    rig.say(f"ours is the {role}, RTT {rtt} ms, run {i + 1}")
                    ours, other, command = one_call(rig, python, relay, role,
                                                    rig.work)
                    heard["ours"].append(ours)
                    heard["theirs"].append(other)
        for who, name in (("ours", "ours"), ("theirs", "the original")):
            rows.append(Row("Set-up with the original engine",
                            f"first sound that {name} hears, RTT {rtt} ms",
                            median(heard[who]), "ms", runs=heard[who],
                            command=command.split(" --key")[0] + " ...",
                            note="both roles in turn"))
    return rows
