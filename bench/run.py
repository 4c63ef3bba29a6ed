#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what the product costs, against its bars; script/bench calls this.

    run.py [--quick | --smoke] [--only NAME[,NAME]...] [--out DIR]
           [--build DIR]

Builds a release, prints a table, and writes bench.json and bench.html to
build/bench/. Everything takes about 45 minutes and wants an idle machine;
--quick takes 6 and repeats less; --smoke only shows, in one minute, that all
of it still runs, and judges nothing.

Names: virtual cpu memory many capacity setup original rate loss relay. The
exit code is 1 if a bar is missed or a program fails.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
import time

sys.dont_write_bytecode = True

import measures
import page
from rig import ROOT, Failure, Rig

BUILD = os.path.join(ROOT, "build", "release")


def build(rig):
    """Only what is run here."""
    rig.label = "building"
    rig.say("a release")
    steps = (["cmake", "--preset", "release", "-DTGVOIP_BENCH=ON",
              "-DTGVOIP_TESTS=ON"],
             ["cmake", "--build", "--preset", "release"])
    for step in steps:
        p = subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
        if p.returncode != 0:
            rig.quiet()
            sys.exit(p.stdout[-6000:])


def revision():
    p = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                       text=True)
    return p.stdout.strip() or "unknown"


def version():
    with open(os.path.join(ROOT, "include", "tgvoip", "version.h")) as f:
        for line in f:
            if line.startswith("#define TGVOIP_VERSION "):
                return line.split('"')[1]
    return "?"


def opus_version():
    p = subprocess.run(["pkg-config", "--modversion", "opus"],
                       stdout=subprocess.PIPE, text=True)
    return p.stdout.strip()


def about(mode, began, load):
    return {"date": datetime.date.today().isoformat(), "mode": mode,
            "version": version(), "revision": revision(),
            "opus": opus_version(), "cores": measures.cores(),
            "system": f"{platform.system()} {platform.machine()}",
            "load_before": round(load, 2),
            "seconds": round(time.monotonic() - began)}


def print_table(rows):
    """Measure, value, bar, verdict; below it what else there is to say, and
    the command."""
    width = max(len(r.name) for r in rows)
    section = None
    for r in rows:
        if r.section != section:
            section = r.section
            print(f"\n{section}")
        print(f"  {r.name:<{width}}  {r.shown():>16}  {r.shown_bar():<26}  "
              f"{r.verdict}".rstrip())
        for line in textwrap.wrap(r.note, 100) + \
                ([f"$ {r.command}"] if r.command else []):
            print(f"      {line}")


def measure_all(rig, chosen):
    rows, failures = [], []
    rig.steps = len(chosen)
    for rig.step, (name, rig.label, measure) in enumerate(chosen, 1):
        try:
            rows += measure(rig)
        except Failure as e:
            failures.append((name, str(e)))
            rig.quiet()
            print(f"{rig.label}: {e}", file=sys.stderr)
    rig.quiet()
    return rows, failures


def parse():
    p = argparse.ArgumentParser(
        prog="script/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    size = p.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const="quick",
                      dest="mode", help="fewer and shorter runs")
    size.add_argument("--smoke", action="store_const", const="smoke",
                      dest="mode", help="only show that everything runs")
    p.add_argument("--only", default="", help="names, with commas")
    p.add_argument("--out", default=os.path.join(ROOT, "build", "bench"))
    p.add_argument("--build", help="a release that is built already")
    options = p.parse_args()
    names = [n for n in options.only.split(",") if n]
    known = [m[0] for m in measures.MEASURES]
    for n in names:
        if n not in known:
            p.error(f"--only: no measure is named {n}; there are "
                    + " ".join(known))
    chosen = [m for m in measures.MEASURES if not names or m[0] in names]
    return options, options.mode or "full", chosen


def main():
    options, mode, chosen = parse()
    began, load = time.monotonic(), os.getloadavg()[0]
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tgvoip-bench-") as work:
        rig = Rig(options.build or BUILD, mode, work)
        if not options.build:
            build(rig)
        rows, failures = measure_all(rig, chosen)
    if mode == "smoke":
        for r in rows:
            r.good = None
    if not rows:
        sys.exit(1)
    facts = about(mode, began, load)
    print_table(rows)
    result = dict(facts, rows=[r.as_dict() for r in rows],
                  failures=[{"name": n, "why": w} for n, w in failures])
    with open(os.path.join(options.out, "bench.json"), "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    page.write(os.path.join(options.out, "bench.html"), facts, rows, failures)
    missed = [r for r in rows if r.good is False]
    print(f"\n{len(rows)} measures, {sum(r.good is True for r in rows)} bars "
          f"reached, {len(missed)} missed, {len(failures)} failed; load was "
          f"{load:.2f} before")
    print(f"wrote {os.path.relpath(options.out)}/bench.json and bench.html")
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
