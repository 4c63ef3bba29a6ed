#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls between ours and the original engine over every road there is, both
roles, in network namespaces (tests/netns/lab.py).

    roads.py --tgvoip build/release/tools/tgvoip --peer ~/.cache/tgvoip/peer

Both roles of a case run side by side, and some cases, each call in an
internet of its own: calls mostly wait, an end needs a few hundredths of a core.
Judged: both reach ESTABLISHED and never fail, each hears the other's words where it
must, and what a counter in either host's kernel saw leave is on the road that
it should be on. A call that misses a bar of speech is repeated once.
"""
import argparse
import concurrent.futures
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "netns"))
import lab  # noqa: E402
import measure  # noqa: E402
import run  # noqa: E402

PORT = 5000
MOST = 0.8      # of the packets go by the road that is taken
# Pure acknowledgements of TCP are no longer than 60 bytes: not counted.
METER = """
table inet roads {
    counter relay1 { }
    counter relay2 { }
    counter stream { }
    counter direct { }
    chain out { type filter hook output priority -10;
        meta l4proto tcp meta length > 60 counter name stream
        meta l4proto != udp accept
        ip daddr RELAY1 counter name relay1 accept
        ip daddr RELAY2 counter name relay2 accept
        ip daddr != 224.0.0.0/4 counter name direct
    }
}
"""


class Road(run.Pair):
    """One call. A case says what the hosts are given, what happens to the
    network and when, and what must be heard and sent between which
    seconds."""
    title = "udp"
    seconds = 7
    relays = lab.RELAYS[:1]
    nat = ("port-restricted", "port-restricted")
    delays = (20, 60)               # ms, of the relays, so that one is nearer
    ours_options, theirs_options = (), ()
    ours_relay = "--relay"
    speech_s = ((0, 99),)           # judged spans, not before ESTABLISHED
    low = 0.2                       # of the windows may be below 0.6
    established_s = 3

    def __init__(self, options, work, ours):
        super().__init__(options, work, ours, True)
        self.end_s = self.seconds
        self.name = f"{self.title}/" + ("ours-calls" if ours == "caller"
                                        else "ours-is-called")

    # -- the network ---------------------------------------------------------

    def build(self):
        self.hosts, self.routers = {}, {}
        for who, letter, nat in zip(("ours", "theirs"), "ab", self.nat):
            self.routers[who], self.hosts[who] = self.lab.side(letter, nat)
        self.start_relays()

    def start_relays(self):
        for node in self.hosts.values():
            node.nft(METER.replace("RELAY1", lab.RELAYS[0])
                     .replace("RELAY2", lab.RELAYS[1]))
        net = self.lab.internet
        self.relay_processes = []
        for address, delay in zip(self.relays, self.delays):
            at = f"{address}:{PORT}"
            p = net.start(self.options.tgvoip, "relay", "--listen", at,
                          "--tcp", at, "--open", "--delay", str(delay),
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
            self.relay_processes.append(p)
            net.wait_listening(p, PORT, "udp")

    def happens(self):
        """@return list of (second, function)"""
        return []

    def count(self):
        """What has left either host so far."""
        for who, node in self.hosts.items():
            listed = json.loads(node.shell(
                "nft -j list counters table inet roads"))["nftables"]
            self.counts[who].append(
                (time.monotonic() - self.start_at,
                 {c["counter"]["name"]: c["counter"]["packets"]
                  for c in listed if "counter" in c}))

    # -- the call ------------------------------------------------------------

    def command_of_ours(self, tag):
        relays = [o for i, address in enumerate(self.relays)
                  for o in (self.ours_relay,
                            f"{address}:{PORT}:{tag}:{i + 1}")]
        return [self.options.tgvoip, "call", "--role", self.ours,
                "--key", "@" + self.path("key"), *relays,
                "--in", self.path("ours.pcm"),
                "--out", self.path("ours.wav"), "--ts", self.path("ours.ts"),
                "--log", self.path("ours.log"), "--json",
                "--stats", self.path("ours.csv"),
                "--packets", self.path("ours.packets"),
                *self.ours_options, "--start-at", f"{self.start_at:.3f}",
                "--duration", str(self.end_s)]

    def command_of_theirs(self, tag):
        relays = [o for address in self.relays
                  for o in ("--relay", f"{address}:{PORT}:{tag}")]
        return [os.path.join(self.options.peer, "venv", "bin", "python"),
                os.path.join(HERE, "peer.py"), "--role", self.theirs,
                "--key", self.path("key"), *relays,
                "--in", self.path("theirs.pcm"),
                "--prefix", self.path("theirs"), *self.theirs_options,
                "--start-at", f"{self.start_at:.3f}",
                "--duration", str(self.end_s + 0.3)]

    def start_ends(self):
        with open(self.path("key"), "w") as f:
            f.write(secrets.token_hex(256))
        tag = secrets.token_hex(15)
        self.start_at = time.monotonic() + 1.2
        commands = (("ours", self.command_of_ours(tag + "00"), "ours.json"),
                    ("theirs", self.command_of_theirs(tag + "01"),
                     "theirs.log"))
        self.spawned = time.monotonic()
        processes = []
        for who, cmd, out in commands:
            with open(self.path(out), "w") as o, \
                    open(self.path(who + ".err"), "w") as e:
                processes.append(self.hosts[who].start(*cmd, stdout=o,
                                                       stderr=e))
        return processes

    def run(self):
        self.counts = {"ours": [], "theirs": []}
        self.lab = lab.Lab()
        try:
            self.build()
            processes = self.start_ends()
            todo = sorted(self.happens() + [(s, self.count) for s in
                                            range(int(self.end_s) + 1)],
                          key=lambda item: item[0])
            for second, what in todo:
                time.sleep(max(0, self.start_at + second - time.monotonic()))
                what()
            codes = []
            for p in processes:
                try:
                    codes.append(p.wait(max(0.1, self.start_at + self.end_s
                                            + 8 - time.monotonic())))
                except subprocess.TimeoutExpired:
                    codes.append(None)
            self.ours_code, self.theirs_code = codes
        finally:
            self.lab.close()

    # -- judging -------------------------------------------------------------

    def states_good(self):
        at, text, good = [], [], self.ours_code == self.theirs_code == 0
        for who, states in zip(("ours", "theirs"), self.states()):
            names = [s for s, _ in states]
            up = next((t / 1e6 - self.start_at for s, t in states
                       if s == "ESTABLISHED"), None)
            good = (good and up is not None and "FAILED" not in names
                    and up <= self.established_s)
            at.append(up or 0)
            text.append(f"{who} " + (f"{up:.2f} s" if up else "never")
                        + f" {names}")
        self.up_s = max(at)
        return good, ", ".join(text)

    def speech(self, sender):
        receiver = "theirs" if sender == "ours" else "ours"
        windows = []
        for start, stop in self.speech_s:
            start, stop = max(start, self.up_s), min(stop, self.end_s - 0.8)
            windows += [(start + at, c, l) for at, c, l in measure.compare(
                self.sent[sender], self.heard[receiver],
                *(int((self.start_at + s) * 1e6) for s in (start, stop)))]
        r = [c for _, c, _ in windows]
        low = sum(c < run.CORRELATION_LOW for c in r)
        good = (len(r) >= 3 and measure.median(r) >= run.CORRELATION_CLEAN
                and low <= self.low * len(r))
        return good, (f"median {measure.median(r):.3f}, {low} of {len(r)} "
                      "low" + ("" if good else " ["
                               + " ".join(f"{t:.1f}:{c:.2f}@{l}"
                                          for t, c, l in windows) + "]"))

    def left(self, who, start, stop):
        """Packets that left a host between two seconds, by road."""
        before, after = ({}, {})
        for at, counts in self.counts[who]:
            before = counts if at <= start + 0.5 else before
            after = counts if at <= stop + 0.5 else after
        return {k: after[k] - before.get(k, 0) for k in after}

    def sends(self, who, kind, start, stop):
        """@return result: nearly all goes by this road between two seconds"""
        left = self.left(who, start, stop)
        good = (left.get(kind, 0) >= 10 * (stop - start)
                and left[kind] >= MOST * sum(left.values()))
        return (f"{who}-by-{kind}", good, f"{left} between {start} and "
                f"{stop} s" + ("" if good else f"; all: {self.counts[who]}"))

    def roads(self):
        """@return list of (group, good, text)"""
        return []

    def judge(self):
        try:
            self.run()
            self.read()
        except (run.Failed, RuntimeError) as e:
            return [("call", False, str(e))]
        return [("established", *self.states_good()),
                ("speech-to-original", *self.speech("ours")),
                ("speech-to-ours", *self.speech("theirs")), *self.roads()]


class TheirsByTcp(Road):
    """The original is given TCP relays, ours the same by UDP."""
    title = "tcp-and-udp"
    theirs_options = ("--tcp",)
    ours_kind = "relay1"

    def roads(self):
        return [self.sends("theirs", "stream", 2, self.seconds - 1),
                self.sends("ours", self.ours_kind, 2, self.seconds - 1)]


class BothByTcp(TheirsByTcp):
    title = "tcp-and-tcp"
    ours_relay, ours_kind = "--tcp-relay", "stream"


class TheirsBlocked(Road):
    """No datagram passes the original's router: it finds out after 2.5 s."""
    title = "original-without-udp"
    seconds, established_s = 10, 6

    def build(self):
        super().build()
        self.routers["theirs"].block()

    def roads(self):
        return [self.sends("theirs", "stream", 5, 9),
                self.sends("ours", "relay1", 5, 9)]


class TheirsCutOff(Road):
    """Two of its four pings are answered: "bad", and TCP at 2.5 s; the
    second verdict, at 6.5 s, is that there is no UDP."""
    title = "original-loses-udp-early"
    seconds, established_s = 11, 6
    speech_s = ((4.5, 99),)

    def happens(self):
        return [(0.8, self.routers["theirs"].block)]

    def roads(self):
        return [self.sends("theirs", "stream", 5, 10),
                self.sends("ours", "relay1", 5, 10)]


class Direct(Road):
    """Through the holes of two routers; the relay is the longer way. The
    original takes it at a tick of 2 s, once it has measured it. Then the
    holes are closed."""
    title = "p2p"
    seconds = 14
    ours_options = theirs_options = ("--p2p",)
    breaks_s, back_s = 7, 4
    speech_s = ((0, breaks_s - 0.5), (breaks_s + back_s, 99))

    def close(self):
        for way in ("saddr", "daddr"):
            self.routers["ours"].block(
                what=f"ip {way} {self.routers['theirs'].address}")

    def happens(self):
        return [(self.breaks_s, self.close)]

    def roads(self):
        return [self.sends(who, *what) for who in ("theirs", "ours")
                for what in (("direct", 5, self.breaks_s),
                             ("relay1", self.breaks_s + self.back_s, 13))]


class SameNetwork(Road):
    """Both behind one router, which turns no packet round: only the
    addresses that they tell each other work."""
    title = "lan"
    seconds = 8
    ours_options = theirs_options = ("--p2p",)

    def build(self):
        router, a, b = self.lab.side("a", hosts=2)
        self.hosts = {"ours": a, "theirs": b}
        self.routers = {"ours": router, "theirs": router}
        self.start_relays()

    def roads(self):
        return [self.sends(who, "direct", 5, 7) for who in ("theirs", "ours")]


class RelayDies(Road):
    """The one that both use, in mid-call; there is a second one."""
    title = "relay-dies"
    seconds = 14
    relays = lab.RELAYS
    dies_s, back_s = 4, 5
    speech_s = ((0, dies_s - 0.5), (dies_s + back_s, 99))

    def happens(self):
        return [(self.dies_s, self.relay_processes[0].kill)]

    def roads(self):
        return [self.sends(who, *what) for who in ("theirs", "ours")
                for what in (("relay1", 1, self.dies_s),
                             ("relay2", self.dies_s + self.back_s, 13))]


class OursBlocked(Road):
    """Datagrams pass our router no more for a while. The original, whose
    relay answers, stays on UDP; that it would never come back from TCP is
    not judged, that ours does is."""
    title = "ours-loses-udp-and-back"
    seconds = 20
    off_s, on_s = 4, 9
    speech_s = ((0, off_s - 0.5), (off_s + 2, 99))

    def happens(self):
        return [(self.off_s, self.routers["ours"].block),
                (self.on_s, self.routers["ours"].unblock)]

    def roads(self):
        return [self.sends("ours", "stream", self.off_s + 2, self.on_s),
                self.sends("ours", "relay1", 18, 19),
                self.sends("theirs", "relay1", self.off_s + 2, 19)]


CASES = (TheirsByTcp, BothByTcp, TheirsBlocked, TheirsCutOff, Direct,
         SameNetwork, RelayDies, OursBlocked)


def call(options, work, case, ours, attempt, results):
    folder = os.path.join(work, f"{case.title}-{ours}-{attempt}")
    os.makedirs(folder)
    for who in ("ours", "theirs"):
        shutil.copy(os.path.join(work, who + ".pcm"), folder)
    pair = case(options, folder, ours)
    results[ours] = (pair.name, [("call", False, "broke off")])
    results[ours] = (pair.name, pair.judge())


def both_roles(options, work, case):
    """@return (all good, lines to print)"""
    todo, results, lines = ("caller", "callee"), {}, []
    for attempt in (1, 2):
        threads = [threading.Thread(target=call, args=(
            options, work, case, ours, attempt, results)) for ours in todo]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        todo = [ours for ours, (_, found) in results.items()
                if any(n.startswith("speech") and not g for n, g, _ in found)]
        if not todo or attempt == 2:
            break
        for ours in todo:
            name, found = results[ours]
            lines.append(f"# {name}: once more, for " + "; ".join(
                f"{n}: {t}" for n, g, t in found if not g))
    lines += [f"{'ok' if good else 'not ok'} - {name}/{what}: {text}"
              for name, found in results.values()
              for what, good, text in found]
    return all(g for _, found in results.values()
               for _, g, _ in found), lines


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tgvoip", required=True)
    p.add_argument("--peer", required=True, help="folder of script/setup-peer")
    p.add_argument("--keep", help="folder for everything that was recorded")
    p.add_argument("--only", help="title of a case")
    p.add_argument("--at-once", type=int, default=2, help="cases")
    options = p.parse_args()
    options.tgvoip = os.path.abspath(options.tgvoip)
    reason = lab.why_not()
    if reason:
        print(f"ok - roads # SKIP {reason}")
        return 0
    work = options.keep or tempfile.mkdtemp(prefix="tgvoip-roads-")
    os.makedirs(work, exist_ok=True)
    run.clip("speech.flac", os.path.join(work, "ours.pcm"))
    run.clip("speech-b.flac", os.path.join(work, "theirs.pcm"))
    cases = sorted((c for c in CASES if options.only in (None, c.title)),
                   key=lambda c: -c.seconds)    # so that none is left alone
    good = []
    try:
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            for fine, lines in pool.map(
                    lambda case: both_roles(options, work, case), cases):
                print("\n".join(lines), flush=True)
                good.append(fine)
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
