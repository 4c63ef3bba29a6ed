#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every test of every kind, in stages; script/test calls this.

    run_all.py [--long] [--only STAGE[,STAGE]...]

Stages, in order: house build unit vectors fuzz sim io tsan coverage tool netns
install python bench docs campaigns interop. netns makes networks of its own
for calls, where the system permits it. python makes the wheels and tests
the package that is in them. fuzz replays the corpora as plain tests; campaigns
look for new inputs, with --long only. With --long tsan takes all C tests, not
only what has threads, and python makes a hundred calls in one process. interop
runs last and alone, since it measures in real time.

Counted are single tests: each cmocka function, each Python test, each group of
assertions of an interop pair, each check of the house. The last line is
"N passed, N failed" (", N skipped" if there are any); the exit code is 1 if a
test failed or a stage ran none.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
JOBS = os.cpu_count() or 2
CAMPAIGN_S = 120
SANITIZED_SIM_CALLS = "60"      # the first seeds of all
LINE = re.compile(r"^(not ok|ok)\b(?: \d+)?(?: -)?\s*(.*)$")
FORMAT_VERSION = 14     # later ones format some lines in another way
SOURCE_DIRS = ("include", "src", "tools", "examples", "tests", "fuzz",
               "bench")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def ok(self):
        self.passed += 1

    def skip(self, name):
        self.skipped += 1
        print(f"  skipped: {name}", flush=True)

    def fail(self, name, output=""):
        self.failed += 1
        self.failures.append(name)
        print(f"  FAILED: {name}", flush=True)
        for line in output.rstrip().splitlines()[-60:]:
            print("    " + line, flush=True)

    def check(self, name, good, output=""):
        if good:
            self.ok()
        else:
            self.fail(name, output)

    @property
    def total(self):
        return self.passed + self.failed + self.skipped


def capture(cmd, timeout=None, env=None, cwd=ROOT):
    """@return (exit code or None when time was up, all output)"""
    merged = dict(os.environ, **(env or {}))
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(cmd, cwd=cwd, env=merged, stdout=out,
                                   stdin=subprocess.DEVNULL,
                                   stderr=subprocess.STDOUT)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        out.seek(0)
        return code, out.read().decode(errors="replace")


def count_lines(tally, name, code, output):
    """Lines "ok ..." and "not ok ..." of a test program."""
    failed, seen = False, 0
    for line in output.splitlines():
        m = LINE.match(line)
        if not m:
            continue
        seen += 1
        test = re.sub(r"^#?\s*SKIP\s*", "", m.group(2))
        if "# SKIP" in line:
            tally.skip(f"{name}: {test}")
        elif m.group(1) == "ok":
            tally.ok()
        else:
            tally.fail(f"{name}: {test}", "" if failed else output)
            failed = True
    if code != 0 and not failed:
        why = "time is up" if code is None else f"exit code {code}"
        tally.fail(f"{name}: {why}", output)
    elif not seen:
        tally.fail(f"{name}: ran no test", output)


def side_by_side(tally, pieces, jobs, figures=False):
    """Run so many pieces at a time; each is a name and what capture() takes.
    What one says is shown when it has ended, never between others' lines.
    `figures`: also what good tests have measured."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = [(name, pool.submit(capture, *what))
                   for name, *what in pieces]
        for name, future in running:
            code, out = future.result()
            for line in out.splitlines() if figures else ():
                if line.startswith(("ok", "#")):
                    print("  " + line, flush=True)
            count_lines(tally, name, code, out)


def longest_first(pieces, known, name):
    """Those that are known to take long begin first, in that order."""
    return sorted(pieces, key=lambda piece: known.index(name(piece))
                  if name(piece) in known else len(known))


# -- the house ---------------------------------------------------------------

def tracked_files():
    """What is in the repository or would be, ignored files left out."""
    code, out = capture(["git", "ls-files", "-co", "--exclude-standard"])
    files = out.splitlines() if code == 0 else [
        os.path.relpath(os.path.join(at, f), ROOT)
        for at, _, names in os.walk(ROOT) for f in names
        if not os.path.relpath(at, ROOT).startswith((".git", "build"))]
    return sorted(f for f in files if os.path.isfile(os.path.join(ROOT, f)))


def check_format(tally, files):
    sources = [f for f in files if f.startswith(SOURCE_DIRS)
               and f.endswith((".c", ".h"))]
    name = "format: clang-format finds nothing to do"
    code, version = capture(["clang-format", "--version"])
    if f"version {FORMAT_VERSION}." not in version:
        tally.skip(f"{name}: needs clang-format {FORMAT_VERSION}, here is "
                   + version.strip())
        return
    code, out = capture(["clang-format", "--dry-run", "-Werror"] + sources)
    lines = sorted({line.split(":")[0]
                    for line in out.splitlines() if ": error" in line})
    tally.check(name, code == 0, "\n".join(lines) or out)


def check_spdx(tally, files):
    """Files that cannot hold a comment are left out."""
    free = (".json", ".jsonl", ".flac", ".pcm", ".raw", ".wav", ".txt", ".png",
            ".hex")
    names = {"LICENSE", ".gitignore", ".clang-format"}
    missing = []
    for path in files:
        base = os.path.basename(path)
        if base in names or path.startswith("fuzz/corpus/") or (
                path.endswith(free) and base != "CMakeLists.txt"):
            continue
        with open(os.path.join(ROOT, path), errors="replace") as f:
            if "SPDX-License-Identifier: MIT" not in f.read(400):
                missing.append(path)
    tally.check("SPDX line in every file", not missing, "\n".join(missing))


def check_headers(tally):
    """Each public header alone, as C99, C11 and C++11."""
    folder = os.path.join(ROOT, "include", "tgvoip")
    flags = ["-fsyntax-only", "-pedantic", "-Wall", "-Wextra", "-Werror",
             "-I" + os.path.join(ROOT, "include")]
    for name in sorted(os.listdir(folder)):
        for cmd in (["gcc", "-std=c99", "-x", "c"],
                    ["clang", "-std=c11", "-x", "c"],
                    ["g++", "-std=c++11", "-x", "c++"]):
            with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
                f.write(f"#include <tgvoip/{name}>\n"
                        f"#include <tgvoip/{name}>\nint tgvoip_unused;\n")
                f.flush()
                code, out = capture(cmd + flags + [f.name])
            tally.check(f"header {name} with {' '.join(cmd[:2])}", code == 0,
                        out)


def check_shell(tally, files):
    bad = []
    for path in files:
        with open(os.path.join(ROOT, path), "rb") as f:
            first = f.read(64).split(b"\n")[0]
        if first.startswith(b"#!") and b"bash" in first:
            code, out = capture(["bash", "-n", path])
            if code != 0:
                bad.append(out)
    tally.check("shell scripts parse", not bad, "\n".join(bad))


def check_documents(tally, files):
    """Links lead somewhere, paths in backticks exist, and a function that a
    table names beside a file is in it."""
    here = set(files) | {os.path.dirname(f) for f in files}
    bad = []
    for path in files:
        if not path.endswith(".md"):
            continue
        with open(os.path.join(ROOT, path)) as f:
            text = f.read()
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            target = os.path.normpath(os.path.join(os.path.dirname(path),
                                                   link))
            if "://" not in link and target not in here:
                bad.append(f"{path}: link to {link}")
        for name in re.findall(
                r"`((?:src|tools|tests|script|include|docs|examples|assets|"
                r"cmake)/[\w./-]*\w)/?`", text):
            if name not in here:
                bad.append(f"{path}: `{name}` does not exist")
        for name, source in re.findall(r"^\| `(\w+)` \| `(\S+)` \|", text,
                                       re.M):
            if source in files:
                with open(os.path.join(ROOT, source)) as f:
                    if not re.search(rf"^\w.*\b{name}\(", f.read(), re.M):
                        bad.append(f"{path}: {source} has no {name}()")
    tally.check("documents name what exists", not bad, "\n".join(bad))


def house(tally, options):
    files = tracked_files()
    code, out = capture([sys.executable, "script/check-includes"])
    tally.check("include table", code == 0, out)
    check_format(tally, files)
    check_spdx(tally, files)
    check_headers(tally)
    check_shell(tally, files)
    check_documents(tally, files)


# -- building ----------------------------------------------------------------

def build_preset(tally, name, *settings):
    began = time.monotonic()
    code, out = capture(["cmake", "--preset", name, "-DTGVOIP_TESTS=ON",
                         "-DTGVOIP_TOOLS=ON", "-DTGVOIP_WERROR=ON",
                         *settings])
    if code == 0:
        code, out = capture(["cmake", "--build", "--preset", name, "-j",
                             str(JOBS)])
    tally.check(f"preset {name} builds without a warning", code == 0, out)
    print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)


def check_symbols(tally):
    folder = os.path.join(BUILD, "release", "src")
    code, out = capture(["nm", "-D", "--defined-only",
                         os.path.join(folder, "libtgvoip.so")])
    names = [line.split()[-1] for line in out.splitlines()]
    strange = [n for n in names if not n.startswith("tgvoip_")]
    tally.check("the shared library exports tgvoip_ names only",
                code == 0 and names and not strange,
                "\n".join(strange) or out)


def build(tally, options):
    """gcc builds what users get, clang what the sanitizers watch: together
    they are the check that both compile without a warning."""
    build_preset(tally, "release", "-DCMAKE_C_COMPILER=gcc")
    build_preset(tally, "asan", "-DCMAKE_C_COMPILER=clang")
    check_symbols(tally)


# -- C tests -----------------------------------------------------------------

SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


def programs(preset, label):
    """@return list of (name, command, time limit)"""
    code, out = capture(["ctest", "--show-only=json-v1"],
                        cwd=os.path.join(BUILD, preset))
    found = []
    for test in json.loads(out)["tests"] if code == 0 else []:
        if "command" not in test:
            continue
        values = {p["name"]: p["value"] for p in test.get("properties", [])}
        if label in values.get("LABELS", []):
            found.append((test["name"], test["command"],
                          float(values.get("TIMEOUT", 300))))
    return found


LONG_C_TESTS = ("release sim/test_calls", "asan sim/test_calls",
                "asan sim/test_old_peers", "asan unit/test_voice_delay",
                "asan sim/test_redundancy", "asan sim/test_rate",
                "release unit/test_voice_delay")


def c_tests(label, preset, slower=1):
    """@return pieces, each a name and what capture() takes"""
    env = dict(SANITIZER_ENV, CMOCKA_MESSAGE_OUTPUT="TAP")
    if preset in ("asan", "tsan"):
        env["TGV_SIM_CALLS"] = SANITIZED_SIM_CALLS
    return [(f"{preset} {name}", cmd, limit * slower, env,
             os.path.join(BUILD, preset))
            for name, cmd, limit in programs(preset, label)]


def both_builds(label, jobs):
    def stage(tally, options):
        pieces = c_tests(label, "release") + c_tests(label, "asan", slower=4)
        side_by_side(tally, longest_first(pieces, LONG_C_TESTS,
                                          lambda piece: piece[0]), jobs)
    return stage


def tsan(tally, options):
    build_preset(tally, "tsan", "-DCMAKE_C_COMPILER=clang")
    side_by_side(tally, c_tests("io", "tsan", slower=6), 1)
    for label in ("unit", "vectors", "fuzz", "sim") if options.long else ():
        side_by_side(tally, c_tests(label, "tsan", slower=10), JOBS)


def coverage(tally, options):
    code, out = capture([sys.executable, "script/coverage"], 900)
    for line in out.splitlines():
        print("  " + line, flush=True)
    tally.check("line coverage of wire, crypto and relay", code == 0, out)


def campaigns(tally, options):
    """Some minutes of new inputs for each target."""
    _, targets = capture(["script/fuzz", "--list"])
    targets = targets.split()
    capture(["script/fuzz", targets[0], "1"], 900)      # builds them all
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        running = [(target, pool.submit(
            capture, ["script/fuzz", target, str(CAMPAIGN_S)],
            CAMPAIGN_S + 600)) for target in targets]
        for target, future in running:
            code, out = future.result()
            tally.check(f"campaign {target}, {CAMPAIGN_S} s", code == 0, out)


# -- Python tests ------------------------------------------------------------

def tgvoip(preset="release"):
    return os.path.join(BUILD, preset, "tools", "tgvoip")


# Processes at a time that wait in real time, most of it: a call needs a few
# hundredths of a core.
WAITING_JOBS = max(2, min(JOBS + 1, 4))


def python_tests(folder, preset, limit, names=None):
    """A process for each file of tests, the largest first.
    @return pieces, each a name and what capture() takes"""
    at = os.path.join(ROOT, "tests", folder)
    env = dict(SANITIZER_ENV, TGVOIP=tgvoip(preset),
               PYTHONDONTWRITEBYTECODE="1")
    names = names or [f for f in os.listdir(at)
                      if f.startswith("test_") and f.endswith(".py")]
    return [(f"{folder} {preset} {name}",
             [sys.executable, os.path.join(ROOT, "tests", "pytap.py"), at,
              name], limit, env)
            for name in sorted(names, key=lambda f: (
                -os.path.getsize(os.path.join(at, f)), f))]


LONG_TOOL_TESTS = ("test_call.py", "test_faults.py", "test_demo.py",
                   "test_tgvoipcall.py")


def tool(tally, options):
    """Everything as users get it; once more under the sanitizers what judges
    no sound and no page. What needs or judges the whole machine runs alone
    at the end."""
    pieces = python_tests("tool", "release", 600) + python_tests(
        "tool", "asan", 600,
        ["test_bad_input.py", "test_call.py", "test_flood.py",
         "test_inspect.py", "test_keys.py", "test_relay.py",
         "test_tgvoipcall.py"])
    alone = [p for p in pieces
             if p[1][-1] in ("test_reports.py", "test_flood.py")]
    side_by_side(tally, longest_first([p for p in pieces if p not in alone],
                                      LONG_TOOL_TESTS, lambda p: p[1][-1]),
                 WAITING_JOBS)
    side_by_side(tally, alone, 1)


def netns(tally, options):
    """Calls between network namespaces, in real time."""
    side_by_side(tally, python_tests("netns", "release", 300),
                 max(1, min(JOBS, 4)))


def install(tally, options):
    side_by_side(tally, python_tests("install", "release", 900), 1)


def python_home(tally, name, package, *settings):
    """A virtual environment that has the package and its tests' needs.
    @return its Python, or None"""
    folder = os.path.join(BUILD, "python", "venv-" + name)
    python = os.path.join(folder, "bin", "python")
    pip = [python, "-m", "pip", "install", "-q",
           "--disable-pip-version-check"]
    steps = []
    if not os.path.exists(os.path.join(folder, ".done")):
        steps += [[sys.executable, "-m", "venv", "--clear", folder],
                  pip + ["cffi>=1.16", "scikit-build-core>=0.10",
                         "pytest>=8", "hypothesis>=6", "mypy>=1.10"],
                  ["touch", os.path.join(folder, ".done")]]
    steps.append(pip + ["--no-deps", "--no-build-isolation",
                        "--force-reinstall", *settings, package])
    for step in steps:
        code, out = capture(step, 900)
        if code != 0:
            tally.fail(f"python: {' '.join(step[-3:])}", out)
            return None
    return python


def run_pytest(python, limit, env, *arguments):
    """@return exit code, output, and what pytest writes for machines"""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        code, out = capture(
            [python, "-X", "faulthandler", "-m", "pytest", "-q", "-p",
             "no:cacheprovider", "--junit-xml", report, *arguments], limit,
            dict(env, PYTHONDONTWRITEBYTECODE="1"))
        try:
            return code, out, xml.etree.ElementTree.parse(report)
        except (OSError, xml.etree.ElementTree.ParseError):
            return code, out, None


def count_cases(tally, name, code, out, report):
    """Each test counts."""
    if report is None:
        why = "time is up" if code is None else f"exit code {code}"
        tally.fail(f"{name}: {why}", out)
        return
    failed = False
    for case in report.iter("testcase"):
        test = f"{name}: {case.get('classname')}.{case.get('name')}"
        kinds = {child.tag: child for child in case}
        if "failure" in kinds or "error" in kinds:
            bad = kinds.get("failure", kinds.get("error"))
            tally.fail(test, bad.text or "")
            failed = True
        elif "skipped" in kinds:
            tally.skip(f"{test} {kinds['skipped'].get('message')}")
        else:
            tally.ok()
    if code != 0 and not failed:
        tally.fail(f"{name}: exit code {code}", out)


LONG_PYTHON_TESTS = ("test_libraries", "test_py_files", "test_wheel",
                     "test_life", "test_old_programs", "test_aio_calls")


def pytest_files(pool, python, env, alone):
    """A process for each file of tests but those that run alone."""
    folder = os.path.join(ROOT, "python", "tests")
    names = longest_first(
        [f[:-3] for f in os.listdir(folder)
         if f.startswith("test_") and f.endswith(".py")
         and f[:-3] not in alone],
        LONG_PYTHON_TESTS, lambda name: name)
    return [("python", pool.submit(run_pytest, python, 600, env,
                                   f"python/tests/{name}.py"))
            for name in names]


def python_tsan(tally, options):
    """What starts and ends calls, once more under the thread sanitizer; with
    --long all."""
    interpreter = python_home(
        tally, "tsan", ROOT, "-C", "cmake.define.TGVOIP_SANITIZE=thread",
        "-C", "cmake.define.CMAKE_C_COMPILER=gcc",
        "-C", "cmake.build-type=RelWithDebInfo",
        "-C", "build-dir=" + os.path.join(BUILD, "python", "build-tsan"))
    if not interpreter:
        return None
    code, runtime = capture(["gcc", "-print-file-name=libtsan.so"])
    tests = ["python/tests/test_life.py"]
    if options.long:
        tests += [f"python/tests/{name}.py" for name in (
            "test_py", "test_py_arguments", "test_py_files",
            "test_aio_calls")]
    return run_pytest(interpreter, 900, dict(
        LD_PRELOAD=runtime.strip(), TGVOIP_SANITIZER="thread",
        TSAN_OPTIONS="halt_on_error=1:die_after_fork=0"), *tests)


def python(tally, options):
    """The package as users get it: the wheels are made and tested. Calls are
    in real time and mostly wait, so files run side by side."""
    wheels = os.path.join(BUILD, "wheel")
    with concurrent.futures.ThreadPoolExecutor(WAITING_JOBS) as pool:
        running = [("python with tsan",
                    pool.submit(python_tsan, tally, options))]
        code, out = capture(["script/wheel", "--out", wheels,
                             "--python", sys.executable], 900)
        tally.check("script/wheel", code == 0, out)
        interpreter = code == 0 and python_home(tally, "test", next(
            os.path.join(wheels, f) for f in os.listdir(wheels)
            if f.startswith("tgvoip-") and f.endswith(".whl")))
        env = {"TGVOIP_WHEELS": wheels, "TGVOIP_PREPARED_ENDS":
               os.path.join(BUILD, "release", "tests", "prepared_ends")}
        # With --long a hundred calls, which need most of two cores.
        alone = ["test_aio_load"] if options.long and interpreter else []
        if interpreter:
            running = pytest_files(pool, interpreter, env, alone) + running
        for name, future in running:
            if future.result():
                count_cases(tally, name, *future.result())
    for name in alone:
        count_cases(tally, "python", *run_pytest(
            interpreter, 600, dict(env, TGVOIP_LONG="1"),
            f"python/tests/{name}.py"))


def bench(tally, options):
    """Everything that measures still runs; what it finds is for
    script/bench to judge."""
    with tempfile.TemporaryDirectory() as folder:
        code, out = capture([sys.executable, "bench/run.py", "--smoke",
                             "--out", folder], 900)
        try:
            with open(os.path.join(folder, "bench.json")) as f:
                result = json.load(f)
        except (OSError, ValueError):
            tally.fail(f"bench: exit code {code}", out)
            return
    for row in result["rows"]:
        name = f"bench: {row['section']}: {row['measure']}"
        if row["shown"].startswith("needs "):
            tally.skip(f"{name} {row['shown']}")
        else:
            tally.ok()
    for failure in result["failures"]:
        tally.fail(f"bench: {failure['name']}", failure["why"])


def docs(tally, options):
    """The site, every warning an error."""
    code, out = capture(["script/docs"], 900)
    tally.check("documentation", code == 0, out)


def interop(tally, options):
    code, out = capture(["script/setup-peer"], 900)
    if code != 0:
        tally.fail("interop: the original engine cannot be installed", out)
        return
    peer = out.strip().splitlines()[-1]

    def piece(name, program, *more):
        return (name, [sys.executable,
                       os.path.join("tests", "interop", program), *more,
                       "--tgvoip", tgvoip(), "--peer", peer], 900)

    # Each makes several calls at once, loss.py ten.
    groups = [[piece("interop", "run.py")],
              [piece("interop at loss", "loss.py")],
              [piece("interop over all roads", "roads.py")]]
    ours = os.path.join(BUILD, "python", "venv-test", "bin", "python")
    if os.path.exists(ours):    # the stage python has made it
        groups[0].append(piece("interop of modules", "modules.py", "--ours",
                               ours))
    for group in groups:
        side_by_side(tally, group, len(group), figures=True)


STAGES = [
    ("house", house),
    ("build", build),
    ("unit", both_builds("unit", JOBS)),
    ("vectors", both_builds("vectors", JOBS)),
    ("fuzz", both_builds("fuzz", JOBS)),
    ("sim", both_builds("sim", JOBS)),
    ("io", both_builds("io", 1)),
    ("tsan", tsan),
    ("coverage", coverage),
    ("tool", tool),
    ("netns", netns),
    ("install", install),
    ("python", python),
    ("bench", bench),
    ("docs", docs),
    ("campaigns", campaigns),
    ("interop", interop),
]


LONG_ONLY = ("campaigns",)


def give_tests_default_signals():
    """What is started in the background, or by nohup, ignores signals, and so
    would what it starts; a handler ends where a new program begins."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--long", action="store_true",
                   help="all C tests under the thread sanitizer, a hundred "
                   "calls in one Python process, and fuzzing campaigns")
    p.add_argument("--only", help="stages, separated by commas")
    options = p.parse_args()
    names = [n for n, _ in STAGES]
    wanted = options.only.split(",") if options.only else names
    for name in wanted:
        if name not in names:
            p.error(f"no stage {name}; there are {', '.join(names)}")
    give_tests_default_signals()
    total, began = Tally(), time.monotonic()
    for name, run in STAGES:
        if name not in wanted or (name in LONG_ONLY and not options.long):
            continue
        print(f"== {name}", flush=True)
        tally, at = Tally(), time.monotonic()
        run(tally, options)
        if not tally.total:
            tally.fail(f"{name}: ran no test")
        print(f"   {name}: {tally.passed} passed, {tally.failed} failed, "
              f"{tally.skipped} skipped in {time.monotonic() - at:.0f} s",
              flush=True)
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
        total.failures += tally.failures
    print(f"== all: {time.monotonic() - began:.0f} s")
    for name in total.failures:
        print(f"failed: {name}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}",
          flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
