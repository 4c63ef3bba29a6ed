#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls with the original engine at 15 % random loss, side by side, both
roles, each beside calls without loss.

    loss.py --tgvoip build/release/tools/tgvoip --peer ~/.cache/tgvoip/peer

Judged, as medians of the calls of a role, once more if a bar was missed:
    speech-to-original   correlation at least 0.9 of that without loss
    speech-to-ours       likewise
    concealed-by-ours    at most a third of the loss, from the time on at which
                         the original has had reason to switch copies on

With --against TOOL a second build of ours takes turns with the first in calls
that lose the same packets; both results are printed, and how they differ. It
tells what a change is worth to an original that receives:

    loss.py --tgvoip A --against B --calls 12 --peer ~/.cache/tgvoip/peer
"""
import argparse
import csv
import os
import shutil
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure  # noqa: E402
import run  # noqa: E402

LOSS = 15.0                 # per cent
FROM_S, END_S = 6.0, 21.0   # of the calls, judged from
RATIO = 0.9
ROLES = ("caller", "callee")


class LossyPair(run.Pair):
    """A call of run.py without mutes, over a relay that loses packets."""

    def __init__(self, options, work, ours, loss, seed):
        super().__init__(options, work, ours, True)
        self.loss, self.seed, self.end_s = loss, seed, END_S

    def impairment(self):
        if not self.loss:
            return []
        return ["--loss", str(self.loss), "--seed", str(self.seed)]

    def ours_command(self, start_at, tag):
        return super().ours_command(start_at, tag) + [
            "--stats", self.path("ours.csv")]

    def correlation(self, sender):
        receiver = "theirs" if sender == "ours" else "ours"
        windows = measure.compare(
            self.sent[sender], self.heard[receiver],
            int((self.start_at + FROM_S) * 1e6),
            int((self.start_at + END_S - 1) * 1e6))
        return (measure.median([c for _, c, _ in windows]),
                [lag for _, _, lag in windows])

    def concealed(self):
        with open(self.path("ours.csv")) as f:
            rows = [{k: float(v) for k, v in row.items()
                     if k.startswith(("t_ms", "frames_"))}
                    for row in csv.DictReader(f)]
        first = next(r for r in rows if r["t_ms"] >= 1000 * FROM_S)
        more = {k: rows[-1][k] - first[k] for k in first}
        frames = sum(more["frames_" + k]
                     for k in ("played", "recovered", "concealed"))
        return more["frames_concealed"] / frames if frames else 1.0

    def resyncs(self):
        with open(self.path("theirs.log"), errors="replace") as f:
            return f.read().lower().count("resyncing")

    def call(self):
        """@return figures of the call, or None with the reason printed"""
        try:
            self.run()
            self.read()
            good, text = self.established()
            if not good:
                raise run.Failed(text)
            to_theirs, lags = self.correlation("ours")
            to_ours, _ = self.correlation("theirs")
            self.figures = {
                "to_theirs": to_theirs, "to_ours": to_ours,
                "concealed": self.concealed(),
                "lag": measure.median(lags),
                "drift": max(lags) - min(lags) if lags else 0,
                "resyncs": self.resyncs()}
        except (run.Failed, OSError, StopIteration) as e:
            print(f"# {self.work}: {e}")
            self.figures = None


def side_by_side(pairs, at_once):
    """Make the calls, so many at a time."""
    for i in range(0, len(pairs), at_once):
        threads = [threading.Thread(target=p.call)
                   for p in pairs[i:i + at_once]]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


def pair_of(options, work, ours, loss, seed, tool=None):
    folder = os.path.join(work, f"{ours}-{loss:g}-{seed}"
                          + ("-against" if tool else ""))
    os.makedirs(folder)
    for who in ("ours", "theirs"):
        shutil.copy(os.path.join(work, who + ".pcm"), folder)
    if tool:
        options = argparse.Namespace(**vars(options))
        options.tgvoip = tool
    return LossyPair(options, folder, ours, loss, seed)


def middle(pairs, key):
    return measure.median([p.figures[key] for p in pairs if p.figures])


def show(pairs):
    print("# role    loss  to theirs  to ours  concealed  lag  drift  resyncs")
    for p in pairs:
        if p.figures:
            f = p.figures
            print(f"# {p.ours:<7} {p.loss:4.0f} {f['to_theirs']:10.3f} "
                  f"{f['to_ours']:8.3f} {f['concealed']:10.3f} "
                  f"{f['lag']:4.0f} {f['drift']:6.0f} {f['resyncs']:8}")


def judge_role(options, work, ours, attempt):
    """@return list of (what, good, text)"""
    first = 100 * attempt
    clean, lossy = (
        [pair_of(options, work, ours, loss, first + i)
         for i in range(options.calls)] for loss in (0, LOSS))
    side_by_side(clean + lossy, options.at_once)
    show(clean + lossy)
    whole = all(p.figures for p in clean + lossy)
    results = [("calls", whole, f"{2 * options.calls} made")]
    for way, key, bar in (("original", "to_theirs", RATIO),
                          ("ours", "to_ours", RATIO)):
        base, now = middle(clean, key), middle(lossy, key)
        ratio = now / base if base > 0 else 0
        results.append((f"speech-to-{way}", ratio >= bar,
                        f"{now:.3f}, {100 * ratio:.0f} % of {base:.3f} "
                        "without loss"))
    share = middle(lossy, "concealed") if whole else 1.0
    results.append(("concealed-by-ours", share <= LOSS / 300,
                    f"{100 * share:.1f} % of {LOSS:.0f} % lost"))
    return results


def judge(options, work):
    good = True
    for ours in ROLES:
        name = (f"loss-{LOSS:.0f}-ours-"
                + ("calls" if ours == "caller" else "is-called"))
        for attempt in (1, 2):
            results = judge_role(options, work, ours, attempt)
            missed = [f"{w}: {t}" for w, fine, t in results if not fine]
            if not missed or attempt == 2:
                break
            print(f"# {name}: once more, for " + "; ".join(missed))
        for what, fine, text in results:
            good = good and fine
            print(f"{'ok' if fine else 'not ok'} - {name}/{what}: {text}",
                  flush=True)
    return good


def against(options, work):
    """Both builds in calls with the same losses, at the same time."""
    pairs = []
    for i in range(options.calls):
        for tool in (None, options.against):
            pairs.append(pair_of(options, work, ROLES[i % 2], LOSS, 100 + i,
                                 tool))
    side_by_side(pairs, options.at_once)
    first, second = pairs[::2], pairs[1::2]
    for name, tool, some in (("first", options.tgvoip, first),
                             ("second", options.against, second)):
        print(f"# {name}: {tool}")
        show(some)
    whole = [(a.figures, b.figures) for a, b in zip(first, second)
             if a.figures and b.figures]
    for key in ("to_theirs", "lag", "drift", "resyncs"):
        a, b = ([f[i][key] for f in whole] for i in (0, 1))
        better = sum(x > y for x, y in zip(a, b))
        print(f"# {key}: median {measure.median(a):.3f} and "
              f"{measure.median(b):.3f}, mean {sum(a) / len(a):.3f} and "
              f"{sum(b) / len(b):.3f}; the first is larger in {better} of "
              f"{len(whole)} pairs")
    return len(whole) == options.calls


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tgvoip", required=True)
    p.add_argument("--peer", required=True, help="folder of script/setup-peer")
    p.add_argument("--against", help="another build of ours, to compare")
    p.add_argument("--calls", type=int, default=5, help="of each kind")
    p.add_argument("--at-once", type=int, default=10, help="calls")
    p.add_argument("--keep", help="folder for everything that was recorded")
    options = p.parse_args()
    work = options.keep or tempfile.mkdtemp(prefix="tgvoip-loss-")
    os.makedirs(work, exist_ok=True)
    run.clip("speech.flac", os.path.join(work, "ours.pcm"))
    run.clip("speech-b.flac", os.path.join(work, "theirs.pcm"))
    try:
        good = (against if options.against else judge)(options, work)
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
