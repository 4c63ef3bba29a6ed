# SPDX-License-Identifier: MIT
"""tgvoipcall: the same program under the name, and with the letters, of the
public VoIP test suite."""
import array
import os
import subprocess
import unittest

from helper import Case, LIMIT_S, TGVOIP, measure, tags, time, tone

TGVOIPCALL = os.path.join(os.path.dirname(TGVOIP), "tgvoipcall")
TAG = "00112233445566778899aabbccddee00"


def suite(*args):
    return subprocess.run([TGVOIPCALL, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=LIMIT_S)


class Suite(Case):
    def begin(self, role, port, tag, key, *args):
        p = subprocess.Popen(
            [TGVOIPCALL, f"127.0.0.1:{port}", tag, "-k", key, "-r", role,
             *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.started.append(p)
        return p

    def pcm(self, name):
        with open(self.path(name), "rb") as f:
            return array.array("h", f.read())

    def test_every_letter_makes_a_call_as_long_as_its_file(self):
        _, port = self.relay()
        key = self.key()
        first, second = tags()
        config = self.write("config", '{"audio_frame_size": 60}')
        # endings that elsewhere mean other formats
        self.write("a.wav", tone(3).tobytes())
        self.write("b", tone(3, 600).tobytes())
        began = time.monotonic()
        ends = [self.begin("caller", port, first, key, "-i",
                           self.path("a.wav"), "-o", self.path("heard.a.mp3"),
                           "-p", self.path("sent.a.flac"), "-c", config,
                           "-t", "6", "-s", "never", "-n", "no", "-g", "no"),
                self.begin("callee", port, second, key, "-i", self.path("b"),
                           "-o", self.path("heard.b"), "-p",
                           self.path("sent.b"), "-c", config, "-t", "11",
                           "-s", "always", "-n", "yes", "-g", "yes")]
        for p in ends:
            out, err = self.finish(p)
            self.assertEqual(p.returncode, 0, err)
        took = time.monotonic() - began
        self.assertGreater(took, 3)
        self.assertLess(took, 9)
        self.assertIn("-n: there is no noise suppression", out + err)
        for name, low in (("heard.a.mp3", 2), ("heard.b", 2),
                          ("sent.a.flac", 3), ("sent.b", 3)):
            pcm = self.pcm(name)
            self.assertGreater(len(pcm) / 48000, low, name)
            self.assertLess(len(pcm) / 48000, 6, name)
            self.assertGreater(measure.mean_square(pcm, 0, len(pcm)), 1e5,
                               name)

    def test_preprocessed_is_what_was_said(self):
        _, port = self.relay()
        key = self.key()
        first, second = tags()
        said = tone(3)
        self.write("a", said.tobytes())
        ends = [self.begin("caller", port, first, key, "-i", self.path("a"),
                           "-p", self.path("p")),
                self.begin("callee", port, second, key, "-i",
                           self.path("a"))]
        for p in ends:
            out, err = self.finish(p)
            self.assertEqual(p.returncode, 0, err)
        sent = self.pcm("p")
        loud = measure.mean_square(said, 48000, 96000)
        heard = measure.mean_square(sent, 48000, 96000)
        self.assertLess(abs(heard / loud - 1), 0.3)

    def test_help_and_bad_usage(self):
        done = suite("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for letter in "kiopcrtsng":
            self.assertRegex(done.stdout, rf"(?m)^  -{letter} ")
        key = self.key()
        pcm = self.write("in", b"\0" * 2000)
        well = ("127.0.0.1:9", TAG, "-k", key, "-r", "caller", "-i", pcm)
        for args, what in (
                ((), "HOST:PORT"), (well[:1], "TAGHEX"), (well[:2], "-k"),
                (well[:4], "-r"), (well[:6], "-i"),
                (("127.0.0.1", *well[1:]), "127.0.0.1"),
                (("127.0.0.1:9", "00", *well[2:]), "127.0.0.1:9"),
                ((*well, "-t", "12"), "-t"), ((*well, "-t", "x"), "-t"),
                ((*well, "-s", "mobile"), "-s"), ((*well, "-n", "1"), "-n"),
                ((*well, "-g", ""), "-g"), ((*well, "-r", "both"), "-r"),
                ((*well, "-x"), "-x"), ((*well, "-o"), "-o"),
                ((*well, "more"), "more"),
                ((*well, "-o", "x", "-p", "x"), "-p"),
                ((*well, "-c", self.path("none")), "-c"),
                ((*well, "-c", self.write("bad", "{")), "-c")):
            done = suite(*args)
            self.assertEqual(done.returncode, 2, (args, done.stderr))
            self.assertEqual(done.stdout, "")
            self.message(done, f"tgvoip: {what}: ")

    def test_files_are_looked_at_before_the_call(self):
        key = self.key()
        for args in (("-i", self.path("none")),
                     ("-i", self.write("in", b"\0" * 96000), "-p",
                      self.path("no/folder"))):
            done = suite("127.0.0.1:9", TAG, "-k", key, "-r", "caller", *args)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.message(done, args[-1])

    def test_nobody_answers_within_eight_seconds(self):
        began = time.monotonic()
        done = suite("127.0.0.1:9", TAG, "-k", self.key(), "-r", "caller",
                     "-i", self.write("in", b"\0" * 96000))
        self.assertEqual(done.returncode, 1)
        self.assertIn("within 8 s", done.stderr)
        self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    unittest.main()
