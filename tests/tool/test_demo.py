# SPDX-License-Identifier: MIT
"""`tgvoip demo`: the whole job in one command, and its report."""
import json
import os
import re
import shutil
import struct
import subprocess
import zlib

from helper import ASSETS, Case, measure, read_wav, run

FILES = ("caller.wav", "callee.wav", "report.json", "report.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def png_colours(path):
    """Number of different pixels of an 8 bit RGB or RGBA picture."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    assert depth == 8 and colour in (2, 6)
    step = 3 if colour == 2 else 4
    raw = zlib.decompress(packed)
    # Differences of filtered rows will do: a blank picture has very few.
    row = width * step + 1
    return len({raw[y * row + x:y * row + x + step] for y in range(height)
                for x in range(1, row, step)})


class Demo(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tempfile
        cls.out = tempfile.mkdtemp(prefix="tgvoip-demo-")
        cls.addClassCleanup(shutil.rmtree, cls.out, True)
        cls.done = run("demo", "--out", cls.out, "--loss", "10", "--jitter",
                       "60", "--delay", "100", "--seed", "7", timeout=90)

    def read(self, name):
        with open(os.path.join(self.out, name), encoding="utf-8") as f:
            return f.read()

    def test_demo_succeeds_and_writes_four_files(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        for name in FILES:
            self.assertGreater(
                os.path.getsize(os.path.join(self.out, name)), 1000, name)
        left = set(os.listdir(self.out)) - set(FILES)
        self.assertEqual(left, set())

    def test_demo_prints_what_happened(self):
        for word in ("emoji", "set-up", "delay", "loss", "route"):
            self.assertIn(word, self.done.stdout.lower())

    def test_demo_sound_is_intelligible_both_ways(self):
        for name, clip in (("callee.wav", "speech.flac"),
                           ("caller.wav", "speech-b.flac")):
            raw = self.path("sent.raw")
            subprocess.run(
                ["sox", os.path.join(ASSETS, clip), "-t", "raw", "-r",
                 "48000", "-c", "1", "-b", "16", "-e", "signed-integer", "-L",
                 raw], check=True)
            sent = self.envelope(measure.read_pcm(raw))
            heard = self.envelope(read_wav(os.path.join(self.out, name)))
            windows = measure.compare(sent, heard, 1_000_000, 11_000_000)
            median = measure.median([c for _, c, _ in windows])
            self.assertGreaterEqual(median, 0.6, (name, windows))

    def envelope(self, pcm):
        return measure.envelope(pcm, [(i * 20_000, i * 960)
                                      for i in range(len(pcm) // 960)])

    def test_report_json_is_an_object_with_numbers(self):
        report = json.loads(self.read("report.json"))
        self.assertIsInstance(report, dict)
        self.assertRegex(json.dumps(report), r"\d")

    def test_report_lists_the_roads_of_both_ends(self):
        roads = json.loads(self.read("report.json"))["roads"]
        for side in ("caller", "callee"):
            first = next(r for r in roads if r["side"] == side)
            self.assertEqual((first["endpoint"], first["id"],
                              first["reason"]), ("udp_relay", "1", "init"))
            self.assertGreaterEqual(first["t_s"], 0)

    def test_report_html_refers_to_nothing_outside(self):
        html = self.read("report.html")
        for bad in (r"https?://(?!www\.w3\.org/)", r'src\s*=\s*["\']?[^"\'d>]',
                    r"<link\b", r"@import", r"url\(\s*['\"]?(?!data:|#)",
                    r"\bfetch\s*\(", "XMLHttpRequest", "importScripts"):
            found = re.search(bad, html)
            self.assertIsNone(found, found and html[
                max(0, found.start() - 60):found.end() + 60])

    def browse(self, *args):
        browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        if not browser:
            self.skipTest("no Chromium")
        return subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu",
             "--hide-scrollbars", "--window-size=1200,1600",
             f"--user-data-dir={self.path('profile')}",
             "--virtual-time-budget=3000", "--enable-logging=stderr", *args,
             "file://" + os.path.join(self.out, "report.html")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=90)

    def test_report_html_shows_something_in_a_browser(self):
        picture = self.path("report.png")
        done = self.browse(f"--screenshot={picture}")
        self.assertTrue(os.path.exists(picture), done.stderr[-2000:])
        self.assertNotRegex(done.stderr, r"CONSOLE.*(Error|Uncaught)")
        self.assertGreater(png_colours(picture), 50)

    def test_report_html_draws_its_plots(self):
        page = self.browse("--dump-dom").stdout
        self.assertGreaterEqual(page.count("<svg") + page.count("<canvas"), 5)
        self.assertIn("Roads taken", page)
        self.assertGreaterEqual(page.count('class="road"'), 2)
        self.assertNotIn("NaN", re.sub(r"<script.*?</script>", "", page,
                                       flags=re.S))

    def test_relay_by_tcp(self):
        out = self.path("tcp")
        done = run("demo", "--tcp", "--seconds", "3", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as f:
            roads = json.load(f)["roads"]
        self.assertEqual({r["endpoint"] for r in roads}, {"tcp_relay"})

    def test_seconds_cut_the_call_short(self):
        out = self.path("short")
        done = run("demo", "--seconds", "3", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        seconds = len(read_wav(os.path.join(out, "callee.wav"))) / 48000
        self.assertLess(seconds, 4.5)
        self.assertGreater(seconds, 1.5)
