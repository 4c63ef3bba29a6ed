#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls between our Python package and the original one, each in a process of
its own, driven by the same program (module_end.py); both roles.

    modules.py --tgvoip TOOL --ours PYTHON --peer DIR

PYTHON is an interpreter that has our package, DIR a folder of
script/setup-peer. Both roles run side by side. Prints "ok" or "not ok" lines
like run.py.
"""
import argparse
import concurrent.futures
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure  # noqa: E402
import run  # noqa: E402

SECONDS = 12.0


def start_end(python, folder, name, role, port, tag, key, start_at, order):
    with open(os.path.join(folder, name + ".log"), "w") as log:
        return subprocess.Popen(
            [python, os.path.join(run.HERE, "module_end.py"), role, str(port),
             tag, key, os.path.join(folder, name + ".pcm"),
             os.path.join(folder, name), f"{start_at:.3f}", str(SECONDS),
             order], cwd=folder, stdout=log, stderr=log)


def blocks(folder, name, what):
    with open(os.path.join(folder, f"{name}.{what}.ts")) as f:
        times = [(int(t), int(n) * measure.BLOCK)
                 for n, t in (line.split() for line in f)]
    return measure.envelope(
        measure.read_pcm(os.path.join(folder, f"{name}.{what}.pcm")), times)


def correlation(folder, sender, receiver, from_us):
    windows = measure.compare(
        blocks(folder, sender, "sent"), blocks(folder, receiver, "recv"),
        from_us, from_us + int((SECONDS - 2.5) * 1e6))
    r = [c for _, c, _ in windows]
    return measure.median(r), len(r)


def one_call(options, folder, ours):
    theirs = "callee" if ours == "caller" else "caller"
    run.clip("speech.flac", os.path.join(folder, "ours.pcm"))
    run.clip("speech-b.flac", os.path.join(folder, "theirs.pcm"))
    port, key = run.free_port(), secrets.token_hex(256)
    tag = secrets.token_bytes(15)
    last = secrets.randbelow(128) * 2
    tags = {"caller": (tag + bytes([last])).hex(),
            "callee": (tag + bytes([last | 1])).hex()}
    with open(os.path.join(folder, "relay.log"), "w") as log:
        relay = subprocess.Popen(
            [options.tgvoip, "relay", "--listen", f"127.0.0.1:{port}"],
            stdout=log, stderr=log)
    ends = []
    try:
        run.wait_for_relay(port, relay)
        start_at = time.monotonic() + 2
        ends = [start_end(options.ours, folder, "ours", ours, port,
                          tags[ours], key, start_at, "documented"),
                start_end(os.path.join(options.peer, "venv/bin/python"),
                          folder, "theirs", theirs, port, tags[theirs], key,
                          start_at, "swapped")]
        codes = [end.wait(SECONDS + 30) for end in ends]
    finally:
        for process in ends + [relay]:
            if process.poll() is None:
                process.kill()
                process.wait()
    return codes, int((start_at + 1.5) * 1e6)


def judge(options, folder, ours):
    """@return list of (name, good, text)"""
    codes, from_us = one_call(options, folder, ours)
    if codes != [0, 0]:
        return [("ends", False, f"exit codes {codes}")]
    results = {}
    for name in ("ours", "theirs"):
        with open(os.path.join(folder, name + ".result.json")) as f:
            results[name] = json.load(f)
    a, b = results["ours"], results["theirs"]
    found = [("states", *states(a, b))]
    for sender, receiver in (("ours", "theirs"), ("theirs", "ours")):
        r, n = correlation(folder, sender, receiver, from_us)
        found.append((f"speech-from-{sender}",
                      n >= 5 and r >= run.CORRELATION_CLEAN,
                      f"median {r:.3f} of {n} windows"))
    same = all(a[k] == b[k] for k in ("version", "fingerprint", "emoji",
                                      "relay"))
    found.append(("getters", same and abs(a["duration"] - b["duration"]) <= 2
                  and min(a["bytes"] + b["bytes"]) > 10000,
                  f"durations {a['duration']} and {b['duration']} s, bytes "
                  f"{a['bytes']} and {b['bytes']}"))
    keys = set(b["debug_log"]) - set(a["debug_log"])
    found.append(("debug-log", not keys,
                  f"missing: {sorted(keys)}" if keys else "has every key"))
    return found


def states(a, b):
    good = all(r["states"] == ["WAIT_INIT_ACK", "ESTABLISHED"]
               for r in (a, b))
    return good, f"ours {a['states']}, theirs {b['states']}"


def run_role(options, ours):
    """@return (all good, lines to print)"""
    lines = []
    for attempt in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            found = judge(options, folder, ours)
        if all(g for _, g, _ in found) or attempt == 2:
            break
        lines.append(f"# module as {ours}: once more, for "
                     + "; ".join(f"{n}: {t}" for n, g, t in found if not g))
    lines += [f"{'ok' if g else 'not ok'} - module-as-{ours}/{name}: {text}"
              for name, g, text in found]
    return all(g for _, g, _ in found), lines


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tgvoip", required=True)
    p.add_argument("--ours", required=True)
    p.add_argument("--peer", required=True)
    options = p.parse_args()
    good = True
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for fine, lines in pool.map(lambda ours: run_role(options, ours),
                                    ("caller", "callee")):
            print("\n".join(lines), flush=True)
            good = good and fine
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
