#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls between ours and the original engine, in real time, both roles.

    run.py --tgvoip build/release/tools/tgvoip --peer ~/.cache/tgvoip/peer

Each pair is one call over our relay with a different clip each way. What is
measured and the bars are in docs/architecture.md, "Interoperation". Prints
one "ok" or "not ok" line for each group of assertions, and a table.

The pairs run side by side, since calls mostly wait. One that misses a
correlation bar is repeated once; both results are shown. Nothing that needs
much of the machine should run meanwhile.
"""
import argparse
import concurrent.futures
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ASSETS = os.path.join(HERE, "..", "..", "assets")

CLIP_S = 12          # speech with its pauses: correlation
TAIL_S = 10          # the same without pauses: mute
OURS_MUTE = (15.0, 16.5)
THEIRS_MUTE = (18.0, 19.5)
END_CLEAN_S, END_BAD_S = 21.0, 14.5

CORRELATION_CLEAN, CORRELATION_BAD = 0.85, 0.60
CORRELATION_LOW = 0.60       # at most one window in five lies below
CORRELATION_WRONG = 0.55     # median against the clip of the other way
LAG_MS = 300
SWITCH_MS = 300


class Failed(Exception):
    pass


def clip(name, path):
    """48 kHz mono s16le: the clip, then a part of it without pauses."""
    subprocess.run(
        ["sox", os.path.join(ASSETS, name), "-t", "raw", "-r", "48000", "-c",
         "1", "-b", "16", "-e", "signed-integer", "-L", path], check=True)
    pcm = measure.read_pcm(path)[:CLIP_S * measure.RATE]
    measure.write_pcm(path, pcm + measure.dense(pcm, TAIL_S * measure.RATE))


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_relay(port, process):
    """Ask for self info until the relay answers."""
    query = (b"\x5a" * 16 + b"\xff" * 12 + b"\xfe\xff\xff\xff"
             + secrets.token_bytes(8))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        for _ in range(50):
            if process.poll() is not None:
                raise Failed(f"relay ended with {process.returncode}")
            try:
                s.sendto(query, ("127.0.0.1", port))
                if s.recv(2048):
                    return
            except OSError:
                time.sleep(0.05)
    raise Failed("relay does not answer")


def read_json_lines(path):
    with open(path) as f:
        return [json.loads(line) for line in f if line.strip()]


class Pair:
    """One call. `ours` and `theirs` are the roles."""

    def __init__(self, options, work, ours, bad):
        self.options, self.work = options, work
        self.ours = ours
        self.theirs = "callee" if ours == "caller" else "caller"
        self.bad = bad
        self.end_s = END_BAD_S if bad else END_CLEAN_S
        self.name = ("ours-calls-original" if ours == "caller"
                     else "original-calls-ours")
        if bad:
            self.name += "-bad-weather"

    def path(self, name):
        return os.path.join(self.work, name)

    def impairment(self):
        if not self.bad:
            return []
        return ["--loss", "10", "--jitter", "60", "--seed", "7"]

    def start_relay(self):
        self.port = free_port()
        cmd = [self.options.tgvoip, "relay", "--listen",
               f"127.0.0.1:{self.port}", "--json"]
        cmd += self.impairment()
        with open(self.path("relay.json"), "w") as out, \
                open(self.path("relay.err"), "w") as err:
            relay = subprocess.Popen(cmd, stdout=out, stderr=err)
        wait_for_relay(self.port, relay)
        return relay

    def ours_command(self, start_at, tag):
        cmd = [self.options.tgvoip, "call", "--role", self.ours,
               "--key", "@" + self.path("key"),
               "--relay", f"127.0.0.1:{self.port}:{tag}",
               "--in", self.path("ours.pcm"), "--out", self.path("ours.wav"),
               "--ts", self.path("ours.ts"), "--json",
               "--start-at", f"{start_at:.3f}", "--duration", str(self.end_s)]
        if not self.bad:
            cmd += ["--event", f"{OURS_MUTE[0]}:mute",
                    "--event", f"{OURS_MUTE[1]}:unmute"]
        return cmd

    def theirs_command(self, start_at, tag):
        cmd = [os.path.join(self.options.peer, "venv", "bin", "python"),
               os.path.join(HERE, "peer.py"), "--role", self.theirs,
               "--key", self.path("key"), "--relay", f"{self.port}:{tag}",
               "--in", self.path("theirs.pcm"),
               "--prefix", self.path("theirs"), "--start-at",
               f"{start_at:.3f}", "--duration", str(self.end_s + 0.5)]
        if not self.bad:
            cmd += ["--event", f"{THEIRS_MUTE[0]}:mute",
                    "--event", f"{THEIRS_MUTE[1]}:unmute"]
        return cmd

    def run(self):
        with open(self.path("key"), "w") as f:
            f.write(secrets.token_hex(256))
        tag = secrets.token_hex(15)
        first, second = (tag + "00", tag + "01")
        relay = self.start_relay()
        processes = []
        try:
            self.start_at = time.monotonic() + 1.5
            for who, cmd in (("ours", self.ours_command(self.start_at, first)),
                             ("theirs", self.theirs_command(self.start_at,
                                                            second))):
                # Their engine logs to standard output: a file drains it.
                out = "ours.json" if who == "ours" else "theirs.log"
                with open(self.path(out), "w") as o, \
                        open(self.path(who + ".err"), "w") as e:
                    if who == "ours":
                        self.spawned = time.monotonic()
                    processes.append(subprocess.Popen(
                        cmd, stdin=subprocess.DEVNULL, stdout=o, stderr=e))
            limit = self.start_at + self.end_s + 10
            codes = []
            for p in processes:
                try:
                    codes.append(p.wait(max(0.1, limit - time.monotonic())))
                except subprocess.TimeoutExpired:
                    codes.append(None)
            self.ours_code, self.theirs_code = codes
            relay.terminate()
            self.relay_code = relay.wait(10)
        finally:
            for p in processes + [relay]:
                if p.poll() is None:
                    p.kill()
                    p.wait()

    # -- reading ----------------------------------------------------------

    def tail_of(self, name):
        try:
            with open(self.path(name), errors="replace") as f:
                return " / ".join(f.read().strip().splitlines()[-3:])
        except OSError:
            return ""

    def read(self):
        if self.ours_code is None or self.theirs_code is None:
            raise Failed("an end did not stop: "
                         f"ours {self.ours_code}, theirs {self.theirs_code}")
        try:
            self.ours_events = read_json_lines(self.path("ours.json"))
            self.theirs_events = read_json_lines(
                self.path("theirs.events.jsonl"))
            self.ours_blocks = self.read_ours_ts()
            self.theirs_blocks = {
                k: self.read_theirs_ts(f"theirs.{k}.ts")
                for k in ("sent", "recv")}
            with wave.open(self.path("ours.wav")) as w:
                self.wav = (w.getframerate(), w.getnchannels(),
                            w.getnframes())
                heard = w.readframes(w.getnframes())
        except (OSError, ValueError, EOFError, wave.Error) as e:
            raise Failed(f"{e}; ours ended with {self.ours_code}: "
                         f"{self.tail_of('ours.err')}; theirs with "
                         f"{self.theirs_code}: {self.tail_of('theirs.err')}")
        with open(self.path("ours.heard.pcm"), "wb") as f:
            f.write(heard)
        self.envelopes()

    def read_ours_ts(self):
        blocks = {"i": [], "o": []}
        with open(self.path("ours.ts")) as f:
            for line in f:
                fields = line.split()
                if len(fields) == 4 and int(fields[2]) >= 0:
                    blocks[fields[0]].append((int(fields[3]), int(fields[2])))
        return blocks

    def read_theirs_ts(self, name):
        with open(self.path(name)) as f:
            return [(int(t), int(n) * measure.BLOCK)
                    for n, t in (line.split() for line in f)]

    def envelopes(self):
        e, pcm = measure.envelope, measure.read_pcm
        self.sent = {
            "ours": e(pcm(self.path("ours.pcm")), self.ours_blocks["i"]),
            "theirs": e(pcm(self.path("theirs.sent.pcm")),
                        self.theirs_blocks["sent"])}
        self.heard = {
            "ours": e(pcm(self.path("ours.heard.pcm")),
                      self.ours_blocks["o"]),
            "theirs": e(pcm(self.path("theirs.recv.pcm")),
                        self.theirs_blocks["recv"])}

    def ours_us(self, event):
        return int((self.spawned + event["t_ms"] / 1000) * 1e6)

    def states(self):
        ours = [(e["state"], self.ours_us(e)) for e in self.ours_events
                if e["event"] == "state"]
        theirs = [(e["state"], e["mono_us"]) for e in self.theirs_events
                  if e["event"] == "state"]
        return ours, theirs

    # -- judging: each returns (good, text) -------------------------------

    def established(self):
        end = (self.start_at + self.end_s) * 1e6
        after, text, good = [], [], True
        for who, states in zip(("ours", "theirs"), self.states()):
            names = [s for s, at in states if at < end]
            at = next((t for s, t in states if s == "ESTABLISHED"), None)
            if at is None:
                good = False
                text.append(f"{who} never: {names}")
                continue
            after.append(at)
            text.append(f"{who} {at / 1e6 - self.start_at:.2f} s")
            rest = names[names.index("ESTABLISHED") + 1:]
            if rest:
                good = False
                text.append(f"{who} left it: {rest}")
        self.from_us = max(after) if len(after) == 2 else None
        return good, ", ".join(text)

    def speech(self, sender):
        receiver = "theirs" if sender == "ours" else "ours"
        if self.from_us is None:
            return False, "not established"
        to = int((self.start_at + (self.end_s - 1 if self.bad
                                   else OURS_MUTE[0] - 0.5)) * 1e6)
        right = measure.compare(self.sent[sender], self.heard[receiver],
                                self.from_us, to)
        wrong = measure.compare(self.sent[receiver], self.heard[receiver],
                                self.from_us, to)
        r = [c for _, c, _ in right]
        low = sum(c < CORRELATION_LOW for c in r)
        wrong_r = measure.median([c for _, c, _ in wrong])
        lag = measure.median([l for _, _, l in right])
        self.figures[sender] = (measure.median(r), low, len(r), wrong_r, lag)
        self.last_lag[sender] = right[-1][2] if right else 0
        bar = CORRELATION_BAD if self.bad else CORRELATION_CLEAN
        good = len(r) >= 5 and measure.median(r) >= bar
        if not self.bad:
            good = (good and low * 5 <= len(r)
                    and wrong_r < CORRELATION_WRONG)
        detail = " ".join(f"{c:.2f}@{l}" for _, c, l in right)
        return good, (f"median {measure.median(r):.3f}, {low} of {len(r)} low,"
                      f" wrong clip {wrong_r:.3f}, lag {lag:.0f} ms"
                      + ("" if good else f" [{detail}]"))

    def lag(self):
        lag = self.figures.get("theirs", (0, 0, 0, 0, 9999))[4]
        return lag <= LAG_MS, f"ours hears after {lag:.0f} ms"

    def mute_us(self, sender):
        if sender == "ours":
            return [int((self.start_at + t) * 1e6) for t in OURS_MUTE]
        return [next(e["mono_us"] for e in self.theirs_events
                     if e["event"] == what) for what in ("mute", "unmute")]

    def mute(self, sender):
        receiver = "theirs" if sender == "ours" else "ours"
        lag = self.last_lag.get(sender, 0)
        off_us, on_us = self.mute_us(sender)
        heard = self.heard[receiver]
        off, reference = measure.switch_delay(heard, off_us, lag, True)
        on, _ = measure.switch_delay(heard, on_us, lag, False, reference)
        still = measure.decibel(heard.power(
            (off_us // 1000 + SWITCH_MS + lag) // 10,
            on_us // measure.BIN_US), reference)
        limit = SWITCH_MS + lag
        good = (off is not None and off <= limit and on is not None
                and on <= limit and still <= -40)
        return good, (f"off after {off} ms, on after {on} ms (limit {limit}),"
                      f" {still:.0f} dB between")

    def hang_up(self):
        last = self.ours_events[-1] if self.ours_events else {}
        rate, channels, frames = self.wav
        expected = frames / measure.RATE
        good = (self.ours_code == 0 and self.theirs_code == 0
                and self.relay_code == 0 and last.get("event") == "end"
                and last.get("error") is None and rate == measure.RATE
                and channels == 1
                and self.end_s - 3 <= expected <= self.end_s + 0.5)
        return good, (f"exit codes ours {self.ours_code}, theirs "
                      f"{self.theirs_code}, relay {self.relay_code}; last "
                      f"event {last.get('event')}, error {last.get('error')};"
                      f" {expected:.1f} s recorded")

    def extra(self):
        """Theirs logs "ProcessExtraData" for each extra of new content; after
        one that it knows (here: stream flags) comes what it made of it."""
        with open(self.path("theirs.log"), errors="replace") as f:
            text = f.read()
        unknown = (text.count("ProcessExtraData")
                   - text.count("Peer stream state"))
        return unknown >= 1, f"theirs met {unknown} and took no harm"

    def judge(self):
        """@return list of (group, good, text)"""
        self.figures, self.last_lag, self.from_us = {}, {}, None
        try:
            self.run()
            self.read()
        except Failed as e:
            return [("call", False, str(e))]
        groups = [("established", self.established),
                  ("speech-to-original", lambda: self.speech("ours")),
                  ("speech-to-ours", lambda: self.speech("theirs"))]
        if not self.bad:
            groups += [("lag", self.lag),
                       ("mute-ours", lambda: self.mute("ours")),
                       ("mute-theirs", lambda: self.mute("theirs")),
                       ("extra-0x54", self.extra)]
        groups += [("hang-up", self.hang_up)]
        return [(name,) + run() for name, run in groups]


def run_pair(options, work, ours, bad):
    """@return (all good, rows of the table, lines to print)"""
    rows, lines = [], []
    for attempt in (1, 2):
        folder = os.path.join(work, f"{ours}{'-bad' if bad else ''}-{attempt}")
        os.makedirs(folder)
        for who in ("ours", "theirs"):
            shutil.copy(os.path.join(work, who + ".pcm"), folder)
        pair = Pair(options, folder, ours, bad)
        results = pair.judge()
        rows.append((pair.name, attempt, pair.figures))
        missed = [t for n, good, t in results
                  if n.startswith("speech") and not good]
        if not missed or attempt == 2:
            break
        lines.append(f"# {pair.name}: a correlation bar was missed, "
                     "repeated once")
        lines += [f"#   first: {name}: {text}" for name, _, text in results]
    lines += [f"{'ok' if good else 'not ok'} - {pair.name}/{name}: {text}"
              for name, good, text in results]
    return all(good for _, good, _ in results), rows, lines


def table(rows):
    print("# pair                               run  way        median  low"
          "    wrong   lag")
    for name, attempt, figures in rows:
        for sender, (med, low, n, wrong, lag) in figures.items():
            way = "to theirs" if sender == "ours" else "to ours"
            print(f"# {name:<35} {attempt}   {way:<10} {med:.3f}  "
                  f"{low}/{n:<4}  {wrong:.3f}  {lag:.0f} ms")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tgvoip", required=True)
    p.add_argument("--peer", required=True, help="folder of script/setup-peer")
    p.add_argument("--keep", help="folder for everything that was recorded")
    p.add_argument("--only", help="part of a pair's name")
    options = p.parse_args()
    work = options.keep or tempfile.mkdtemp(prefix="tgvoip-interop-")
    os.makedirs(work, exist_ok=True)
    clip("speech.flac", os.path.join(work, "ours.pcm"))
    clip("speech-b.flac", os.path.join(work, "theirs.pcm"))
    pairs = [(ours, bad) for bad in (False, True)
             for ours in ("caller", "callee")
             if not options.only
             or options.only in Pair(options, work, ours, bad).name]
    good, rows = True, []
    try:
        with concurrent.futures.ThreadPoolExecutor(len(pairs) or 1) as pool:
            for fine, figures, lines in pool.map(
                    lambda pair: run_pair(options, work, *pair), pairs):
                print("\n".join(lines), flush=True)
                good, rows = good and fine, rows + figures
        table(rows)
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
