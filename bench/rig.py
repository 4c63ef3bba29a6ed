# SPDX-License-Identifier: MIT
"""What the measures share: programs, a relay beside them, rows, progress."""
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Failure(Exception):
    """A program of the bench did not do its work."""


class Row:
    """One line of the table: a value, the bar it must reach, the verdict."""

    def __init__(self, section, name, value, unit, *, bar=None, least=False,
                 goal=None, command="", note="", runs=(), parts=(),
                 good=None, text=None):
        self.section, self.name = section, name
        self.value, self.unit, self.text = value, unit, text
        self.bar, self.least, self.goal = bar, least, goal
        self.command, self.note = command, note
        self.runs, self.parts = list(runs), list(parts)
        if good is None and bar is not None:
            good = value >= bar if least else value <= bar
        self.good = good

    @property
    def verdict(self):
        return {True: "ok", False: "MISSED", None: ""}[self.good]

    def shown(self, number=None):
        number = self.value if number is None else number
        if number is None:
            return self.text or "-"
        if number is self.value and self.text:
            return self.text
        digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 3
        text = f"{number:.{digits}f}" if number != int(number) \
            else str(int(number))
        return f"{text} {self.unit}".strip()

    def shown_bar(self):
        if self.bar is None:
            return ""
        sign = "≥" if self.least else "≤"
        goal = f" (goal {self.shown(self.goal)})" if self.goal else ""
        return f"{sign} {self.shown(self.bar)}{goal}"

    def as_dict(self):
        return {"section": self.section, "measure": self.name,
                "value": self.value, "unit": self.unit, "shown": self.shown(),
                "bar": self.bar, "bar_shown": self.shown_bar(),
                "goal": self.goal, "verdict": self.verdict,
                "note": self.note, "command": self.command,
                "runs": self.runs,
                "parts": [{"name": n, "value": v} for n, v in self.parts]}


class Rig:
    """How large this run is, and how it runs things."""

    def __init__(self, build, mode, work):
        self.build, self.mode, self.work = build, mode, work
        self.speech = os.path.join(ROOT, "assets", "speech.flac")
        self.label, self.step, self.steps = "", 0, 1
        self.live = sys.stderr.isatty()

    # -- sizes ---------------------------------------------------------------

    def size(self, full, quick, smoke):
        return {"full": full, "quick": quick, "smoke": smoke}[self.mode]

    @property
    def runs(self):
        return self.size(5, 3, 1)

    # -- progress ------------------------------------------------------------

    def say(self, what):
        text = f"[{self.step}/{self.steps}] {self.label}: {what}"
        if self.live:
            sys.stderr.write("\r\033[K" + text[:110])
            sys.stderr.flush()
        else:
            print(text, file=sys.stderr, flush=True)

    def quiet(self):
        if self.live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    # -- programs ------------------------------------------------------------

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def shown_command(self, command):
        """As one would type it: no paths of this machine, no random port."""
        shown = " ".join(os.path.relpath(c, ROOT) if c.startswith(ROOT)
                         else os.path.basename(c) if os.path.isabs(c) else c
                         for c in command)
        shown = shown.replace(self.work + os.sep, "")
        return re.sub(r"--relay \d+", "--relay PORT", shown)

    def start(self, command):
        return subprocess.Popen(command, cwd=self.work, text=True,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def finish(self, process, command):
        out, err = process.communicate()
        if process.returncode != 0:
            raise Failure(f"{self.shown_command(command)}: exit code "
                          f"{process.returncode}\n{err.strip()[-2000:]}")
        try:
            return json.loads(out.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return {"text": out}

    def run(self, command):
        return self.finish(self.start(command), command)

    def wait_for_quiet(self, cores, limit_s=240):
        """Wait until other programs take less than so many cores.
        @return false if they did not within the limit"""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            before = busy_s()
            time.sleep(4)
            now = (busy_s() - before) / 4
            if now < cores:
                return True
            self.say(f"waiting, other programs take {now:.2f} cores")
        return False

    @contextlib.contextmanager
    def relay(self, *options):
        """@return of `with`: a Relay; ends with the block."""
        command = [os.path.join(self.build, "tools", "tgvoip"), "relay",
                   "--listen", "127.0.0.1:0", "--json", *options]
        log = tempfile.TemporaryFile("w+", dir=self.work)
        process = subprocess.Popen(command, stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
        try:
            yield Relay(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
            log.close()


class Relay:
    def __init__(self, process, log):
        self.process = process
        for _ in range(200):
            log.seek(0)
            m = re.search(r'"port":(\d+)', log.read())
            if m:
                break
            time.sleep(0.025)
        else:
            raise Failure("the relay does not start")
        self.port = m.group(1)

    def cpu_s(self):
        """User and system time so far, in steps of 10 ms."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_s():
    """Processor time of the whole machine so far, what a host took away
    included."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, soft, steal = \
            map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / \
        os.sysconf("SC_CLK_TCK")


def median(values):
    return statistics.median(values)
