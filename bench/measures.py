# SPDX-License-Identifier: MIT
"""The measures of script/bench. Each takes the rig and returns rows; what is
measured, and why so, is told in docs/performance.md.
"""
import os
import re
import shutil
import subprocess
import time

from callgrind import Profile
from peer_setup import set_up_with_original
from rig import Failure, Row, busy_s, median

LATE_SHARE = 0.01           # of ticks, more than 10 ms after they were due
MAIN_COMPLEXITY = 10
MANY_COMPLEXITY = 3
QUIET_CORES = 0.15          # what other programs may take, where it matters


def check_call(r, sides):
    """The figures of a call that did not work are worth nothing."""
    if r["established"] != sides:
        raise Failure(f"{r['established']} of {sides} sides are established")
    if sides and r["frame_ms"] != 60:
        raise Failure(f"frames of {r['frame_ms']} ms, not 60")
    # a machine that is too slow may lose some; a broken call has no sound
    if r["blocks_loud"] < r["blocks_heard"] / 4:
        raise Failure("silence was heard")


def call_live(rig, relay, sides, seconds, *more):
    command = [rig.program("call_live"), "--relay", relay.port, "--speech",
               rig.speech, "--sides", str(sides), "--seconds", str(seconds),
               *map(str, more)]
    return command


# -- CPU over bare Opus ------------------------------------------------------

def cpu_live_once(rig, complexity, sides, seconds):
    """Sides; then the bare program, while a process without sides idles."""
    record = os.path.join(rig.work, "live.rec")
    with rig.relay() as relay:
        command = call_live(rig, relay, sides, seconds, "--complexity",
                            complexity, "--record", record)
        full = rig.run(command)
        check_call(full, sides)
        nothing = call_live(rig, relay, 0, seconds)
        idle = rig.start(nothing)
        bare = rig.run([rig.program("bare_opus"), "--speech", rig.speech,
                        "--record", record])
        none = rig.finish(idle, nothing)
    side = (full["cpu_s"] - none["cpu_s"]) / sides
    base = bare["cpu_s"] / sides
    return {"ratio": side / base, "side_ms": 1000 * side / seconds,
            "bare_ms": 1000 * base / seconds, "command": command,
            "opus": bare["opus"],
            "late": full["ticks_late"] / max(1, full["ticks"])}


def cpu_live(rig):
    sides = rig.size(20, 20, 4)
    seconds = rig.size(60, 12, 3)
    rows = []
    for complexity, runs in ((10, rig.runs), (5, rig.size(3, 1, 1))):
        found = []
        for i in range(runs):
            rig.say(f"complexity {complexity}, run {i + 1} of {runs}, "
                    f"{sides} sides for {seconds} s")
            found.append(cpu_live_once(rig, complexity, sides, seconds))
        bar = 1.25 if complexity == MAIN_COMPLEXITY else None
        rows.append(Row(
            "CPU over bare Opus", f"live, complexity {complexity}",
            median(f["ratio"] for f in found), "x", bar=bar,
            goal=1.10 if bar else None,
            runs=[f["ratio"] for f in found],
            command=rig.shown_command(found[0]["command"]),
            note="a side takes %.2f ms of processor time a second, "
                 "bare Opus %.2f; %.2f %% of ticks late" % (
                     median(f["side_ms"] for f in found),
                     median(f["bare_ms"] for f in found),
                     100 * median(f["late"] for f in found))))
    return rows


def is_opus(f):
    return f.object.startswith("libopus")


def named(*prefixes):
    return lambda f: f.name.startswith(prefixes)


SEALING = named("tgv_seal_")
LINK = named("bench_virtual_send", "bench_virtual_next", "tgv_link_",
             "tgv_relay_")
CRYPTO = named("tgv_seal_", "tgv_hash_", "ige_run", "tgv_ige_", "tgv_kdf",
               "tgv_wipe", "tgv_equal")
# Ours, entered from the call: counted without what they call.
RECORDER = named("__wrap_", "put", "of_encoder", "of_decoder", "say", "hear",
                 "bench_voice_at", "bench_virtual_run", "read_clock",
                 "fill_random")


def is_product(f):
    return f.object == "call_virtual" and not f.name.startswith("(") and \
        not (LINK(f) or CRYPTO(f) or RECORDER(f))


def is_c_library(f):
    return f.object.startswith(("libc.", "libm."))


def valgrind(rig, toggle, out, command):
    whole = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
             f"--toggle-collect={toggle}", *command]
    return rig.run(whole), whole


def cpu_virtual_once(rig, complexity, seconds):
    out = os.path.join(rig.work, "callgrind.%s")
    record = os.path.join(rig.work, "virtual.rec")
    rig.say(f"complexity {complexity}, two sides for {seconds} s under "
            "callgrind")
    result, command = valgrind(
        rig, "bench_virtual_run", out % "call",
        [rig.program("call_virtual"), "--speech", rig.speech, "--seconds",
         str(seconds), "--complexity", str(complexity), "--record", record])
    if result["frames_concealed"] or result["frame_ms"] != 60:
        raise Failure(f"the call in virtual time went wrong: {result}")
    rig.say(f"complexity {complexity}, bare Opus under callgrind")
    valgrind(rig, "bare_replay", out % "bare",
             [rig.program("bare_opus"), "--speech", rig.speech, "--record",
              record])
    return Profile(out % "call"), Profile(out % "bare"), command


def cpu_virtual(rig):
    if not shutil.which("valgrind"):
        return [Row("CPU over bare Opus", "instructions", None, "",
                    text="needs valgrind")]
    seconds = rig.size(60, 10, 2)
    rows = []
    for complexity in (10, 5):
        call, bare, command = cpu_virtual_once(rig, complexity, seconds)
        sealing = call.inclusive(SEALING)
        around = call.inclusive(LINK) + call.own(RECORDER)
        opus = call.inclusive(is_opus)
        ours = call.total - sealing - around
        per = 1 / (2 * seconds * 1e6)   # millions a second and side
        dearest = call.dearest(is_product, is_c_library, 5)
        rows.append(Row(
            "CPU over bare Opus", f"instructions, complexity {complexity}",
            ours / bare.total, "x",
            bar=1.10 if complexity == MAIN_COMPLEXITY else None,
            command=rig.shown_command(command),
            parts=[("Opus in the call", opus * per),
                   ("the call's own work", (ours - opus) * per),
                   ("sealing and hashing, not counted", sealing * per),
                   ("link, relay, recording, not counted", around * per)],
            note="million instructions a second and side: bare Opus %.2f, "
                 "call %.2f; beside it sealing and hashing %.3f, link and "
                 "relay and recording %.3f. Dearest of ours: %s" % (
                     bare.total * per, ours * per, sealing * per,
                     around * per, ", ".join(
                         "%s %.3f" % (n, c * per) for n, c in dearest))))
    return rows


# -- memory and threads --------------------------------------------------------

def memory_once(rig, pcm, added, seconds):
    more = []
    folder = os.path.join(rig.work, "heard")
    if pcm == "file":
        os.makedirs(folder, exist_ok=True)
        more = ["--out", folder]
    with rig.relay() as relay:
        command = call_live(rig, relay, added, seconds, "--before", 4,
                            "--complexity", 0, "--pcm", pcm, *more)
        r = rig.run(command)
    shutil.rmtree(folder, ignore_errors=True)
    if r["established"] != added + 4:
        raise Failure(f"{r['established']} sides are established")
    return ((r["pss_after_kb"] - r["pss_before_kb"]) / added, r["threads"],
            command)


def memory(rig):
    added = rig.size(100, 100, 4)
    seconds = rig.size(15, 5, 2)
    rows = []
    for pcm, name in (("callback", "raw PCM by callbacks"),
                      ("file", "raw PCM files played and recorded")):
        found = []
        for i in range(rig.size(5, 1, 1)):
            rig.say(f"{name}, run {i + 1}, {added} sides added")
            found.append(memory_once(rig, pcm, added, seconds))
        rows.append(Row(
            "Memory and threads", f"a side, {name}",
            median(f[0] for f in found), "KB", bar=400, goal=200,
            runs=[f[0] for f in found],
            command=rig.shown_command(found[0][2]),
            note=f"growth of Pss by {added} added sides, divided by them"))
    rows += threads(rig)
    return rows


def threads(rig):
    counts = []
    sizes = (2, rig.size(100, 100, 8))
    with rig.relay() as relay:
        for sides in sizes:
            rig.say(f"threads with {sides} sides")
            command = call_live(rig, relay, sides, 2, "--codec", "marker")
            counts.append(rig.run(command)["threads"])
    return [Row("Memory and threads",
                f"threads with {sizes[0]} and with {sizes[1]} sides", None,
                "", text=f"{counts[0]} and {counts[1]}",
                good=counts[0] == counts[1],
                command=rig.shown_command(command))]


# -- many calls ----------------------------------------------------------------

def loaded(rig, sides, seconds, *more):
    """@return result with the relay's share of a core"""
    with rig.relay() as relay:
        command = call_live(rig, relay, sides, seconds, *more)
        before, busy, began = relay.cpu_s(), busy_s(), time.monotonic()
        r = rig.run(command)
        relay_s = relay.cpu_s() - before
        busy, took = busy_s() - busy, time.monotonic() - began
    r["command"] = command
    r["relay_cores"] = relay_s / seconds
    r["cores"] = r["cpu_s"] / seconds
    r["other_cores"] = max(0.0, busy - r["cpu_s"] - relay_s) / took
    r["late_share"] = r["ticks_late"] / max(1, r["ticks"])
    return r


def bare_cores(rig, complexity, sides, seconds):
    """Share of a core that bare Opus takes for one side."""
    record = os.path.join(rig.work, "many.rec")
    check_call(loaded(rig, sides, seconds, "--complexity", complexity,
                      "--record", record), sides)
    bare = rig.run([rig.program("bare_opus"), "--speech", rig.speech,
                    "--record", record])
    return bare["cpu_s"] / sides / seconds


def cores():
    return len(os.sched_getaffinity(0))


def many_calls(rig):
    """Is a call among many dearer than one among ten?"""
    calls = rig.size((10, 50, 100), (10, 50, 100), (1, 2, 3))
    seconds = rig.size(30, 8, 2)
    bare = bare_cores(rig, MANY_COMPLEXITY, 4, seconds)
    need = 2 * calls[-1] * bare * 1.25
    codec = "opus" if need < cores() * 0.75 or rig.mode == "smoke" \
        else "marker"
    found = {n: [] for n in calls}
    for i in range(rig.runs):
        for n in calls:
            rig.say(f"run {i + 1} of {rig.runs}, {n} calls for {seconds} s")
            r = loaded(rig, 2 * n, seconds, "--complexity", MANY_COMPLEXITY,
                       "--codec", codec)
            found[n].append(r)
    rows = []
    base = median(r["cores"] for r in found[calls[0]]) / calls[0]
    for n in calls:
        each = [r["cores"] / n for r in found[n]]
        late = median(r["late_share"] for r in found[n])
        first = n == calls[0]
        rows.append(Row(
            "Many calls",
            f"processor time of a call at {n} calls" +
            ("" if first else f" over that at {calls[0]}"),
            1000 * base if first else median(each) / base,
            "ms a second" if first else "x",
            bar=None if first else 1.15,
            runs=[1000 * e if first else e / base for e in each],
            command=rig.shown_command(found[n][0]["command"]),
            note=f"both ends in this process, {codec} codec, complexity "
                 f"{MANY_COMPLEXITY}; {1000 * median(each):.2f} ms a second; "
                 f"{100 * late:.2f} % of ticks late, relay "
                 f"{100 * median(r['relay_cores'] for r in found[n]):.1f} % "
                 "of a core, other programs "
                 f"{100 * median(r['other_cores'] for r in found[n]):.0f} %"))
    return rows


def undisturbed(rig, sides, seconds, *more):
    """A run that others leave alone, if there is one among a few; a run late
    because of them says nothing about us."""
    for attempt in range(rig.size(6, 3, 1)):
        if attempt and not rig.wait_for_quiet(QUIET_CORES):
            break
        r = loaded(rig, sides, seconds, *more)
        if r["other_cores"] < QUIET_CORES:
            break
        rig.say("other programs took %.2f cores, once more" %
                r["other_cores"])
    return r


def capacity(rig):
    """How many sides of what the cores could encode at most?"""
    seconds = rig.size(30, 10, 2)
    bare = median(bare_cores(rig, MANY_COMPLEXITY, rig.size(20, 20, 4),
                             seconds) for _ in range(rig.size(3, 1, 1)))
    limit = 2 if cores() >= 2 else cores()
    shares = rig.size((0.54, 0.62, 0.7, 0.8), (0.54, 0.7), (0.02,))
    relay_each, best, tries = 0.0, None, []
    for share in shares:
        # as many as asked, with what the relay has been seen to take
        sides = share * limit / (bare + share * relay_each)
        sides = int(sides) // 2 * 2 + 2
        found = []
        for i in range(rig.size(3, 1, 1)):
            rig.say(f"{sides} sides for {seconds} s, run {i + 1}")
            found.append(undisturbed(rig, sides, seconds, "--complexity",
                                     MANY_COMPLEXITY))
        late = median(r["late_share"] for r in found)
        relay = median(r["relay_cores"] for r in found)
        relay_each = relay / sides
        reached = sides / ((limit - relay) / bare)
        other = median(r["other_cores"] for r in found)
        tries.append((sides, reached, late, other))
        whole = all(r["established"] == sides for r in found)
        if late < LATE_SHARE and whole and (not best or reached > best[0]):
            best = (reached, sides, late, found[0])
        if late >= LATE_SHARE:
            break
    note = "; ".join("%d sides are %.0f %% with %.2f %% of ticks late while "
                     "other programs took %.2f cores" %
                     (n, 100 * share, 100 * late, other)
                     for n, share, late, other in tries)
    value = 100 * best[0] if best else 0.0
    return [Row("Many calls",
                "sides, of those that 2 cores could encode", value, "%",
                bar=55 if rig.mode != "smoke" else None, least=True,
                command=rig.shown_command(found[0]["command"]),
                note=f"2 cores less the relay, over bare Opus: {note}; bare Opus takes {1000 * bare:.2f} ms a second "
                     f"and side at complexity {MANY_COMPLEXITY}")]


# -- set-up ----------------------------------------------------------------------

SKEWS_MS = (0, 130, 470)


def set_up(rig):
    rows = []
    for rtt in rig.size((0, 50, 200), (0, 50, 200), (50,)):
        heard, established, notes = [], [], []
        with rig.relay("--delay", str(rtt / 2)) as relay:
            for skew in SKEWS_MS if rig.mode != "smoke" else (0,):
                rig.say(f"RTT {rtt} ms, the later side {skew} ms later")
                command = [rig.program("call_setup"), "--relay", relay.port,
                           "--speech", rig.speech, "--runs", str(rig.runs),
                           "--skew", str(skew), "--seed", str(1 + skew)]
                runs = rig.run(command)["runs"]
                heard.append([r["heard_ms"] for r in runs])
                established.append([r["established_ms"] for r in runs])
                notes.append(f"{median(heard[-1]):.0f} ms when {skew} ms "
                             "apart")
        shown = rig.shown_command(command)
        shown += f" (relay --delay {rtt / 2:g})"
        rows.append(Row("Set-up", f"first sound, RTT {rtt} ms",
                        max(median(h) for h in heard), "ms",
                        bar=2 * rtt + 200, command=shown,
                        runs=[r for h in heard for r in h],
                        note="after the later connect(): " +
                             ", ".join(notes)))
        rows.append(Row("Set-up", f"both ESTABLISHED, RTT {rtt} ms",
                        max(median(e) for e in established), "ms",
                        command=shown,
                        runs=[r for e in established for r in e]))
    return rows


# -- the relay -------------------------------------------------------------------

def relay_cost(rig):
    rows = []
    for part, name in (("core", "in the core"), ("socket", "with sockets")):
        rig.say(f"a datagram {name}")
        command = [rig.program("relay_load"), part]
        if part == "core":
            command.append("1000")
        command.append(str(rig.size(2000000 if part == "core" else 200000,
                                    200000, 20000)))
        found = []
        for _ in range(rig.runs):
            text = rig.run(command)["text"]
            found.append(float(text.split("forwarded,")[1].split()[0]) / 1000)
        rows.append(Row("Relay", f"a forwarded datagram {name}",
                        median(found), "µs", runs=found,
                        command=rig.shown_command(command)))
    return rows


# -- simulated links ---------------------------------------------------------------

TEST = re.compile(r"^(not ok|ok) \d+ - (.*)$")


def rows_of(section, output, command):
    """A row for each test, with what it printed before its verdict. Lines
    "BAR|measure|value|unit|bar|least or most|note" are rows with figures."""
    rows, notes = [], []
    for line in output.splitlines():
        m = TEST.match(line.strip())
        if line.startswith("BAR|"):
            _, name, value, unit, bar, sense, note = line.split("|")
            rows.append(Row(section, name, float(value), unit,
                            bar=float(bar) if bar else None,
                            least=sense == "least", note=note,
                            command=command))
        elif m:
            good = m.group(1) == "ok"
            name = re.sub(r"^test_", "", m.group(2)).replace("_", " ")
            rows.append(Row(section, name, None, "", good=good,
                            text="holds" if good else "fails",
                            note=" ".join(notes)[-600:], command=command))
            notes = []
        elif line.strip() and not re.match(r"(TAP|1\.\.|#|\[)", line):
            notes.append(line.strip())
    return rows


def simulated(names, section):
    """Programs of tests/sim hold these bars in virtual time; here they are
    run again and shown."""
    def measure(rig):
        rows = []
        for name in names:
            path = os.path.join(rig.build, "tests", name)
            if rig.mode == "smoke" or not os.path.exists(path):
                continue
            rig.say(f"simulated calls of {name}")
            env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
            p = subprocess.run([path], cwd=rig.work, text=True, env=env,
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
            found = rows_of(section, p.stdout, f"tests/{name}")
            if not found or p.returncode and all(r.good for r in found):
                raise Failure(f"{name}: exit code {p.returncode}\n"
                              f"{p.stdout[-2000:]}")
            rows += found
        return rows
    return measure


MEASURES = [
    ("virtual", "CPU over bare Opus, instructions", cpu_virtual),
    ("cpu", "CPU over bare Opus, live", cpu_live),
    ("memory", "Memory and threads", memory),
    ("many", "Many calls", many_calls),
    ("capacity", "Sides on two cores", capacity),
    ("setup", "Set-up", set_up),
    ("original", "Set-up with the original engine", set_up_with_original),
    ("rate", "Rate", simulated(["test_rate"], "Rate")),
    ("loss", "Loss", simulated(["test_redundancy"], "Loss")),
    ("relay", "Relay", relay_cost),
]
