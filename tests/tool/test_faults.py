# SPDX-License-Identifier: MIT
"""What goes wrong around a call while it lasts: the call goes on, the fault
is told once, and nothing that was recorded is lost."""
import os
import shutil
import subprocess
import unittest

from helper import (ASSETS, Case, TGVOIP, json_lines, read_wav, signal, tags,
                    time)

SPEECH = os.path.join(ASSETS, "speech.flac")
SECONDS = 4


class Faults(Case):
    def setUp(self):
        super().setUp()
        _, self.port = self.relay()
        self.tags = tags()
        self.the_key = self.key()
        self.at = f"{time.monotonic() + 0.5:.3f}"

    def end(self, role, *args, json=True, **more):
        """One end of a call of some seconds; starts at once with the other."""
        tag = self.tags[role == "callee"]
        cmd = [TGVOIP, "call", "--role", role, "--key", self.the_key,
               "--relay", f"127.0.0.1:{self.port}:{tag}", "--start-at",
               self.at, "--duration", str(SECONDS), *args]
        if json:
            cmd.append("--json")
        options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        p = subprocess.Popen(more.pop("prefix", []) + cmd,
                             **dict(options, **more))
        self.started.append(p)
        return p

    def partner(self):
        return self.end("callee", "--in", SPEECH)

    def well(self, p, error=None):
        """@return its events; the call lasted, whatever happened beside it"""
        out, err = p.communicate(timeout=30)
        self.assertNotIn(b"Sanitizer", err)
        events = json_lines(out.decode())
        states = [e["state"] for e in events if e["event"] == "state"]
        self.assertIn("ESTABLISHED", states)
        self.assertNotIn("FAILED", states)
        self.assertEqual(events[-1]["error"], error)
        return events

    def told(self, err, *words):
        """Exactly one line of stderr has all these words."""
        lines = [line for line in err.decode().splitlines()
                 if all(word in line for word in words)]
        self.assertEqual(len(lines), 1, err.decode())

    # -- standard output ------------------------------------------------------

    def test_reader_of_events_goes_away(self):
        p, partner = self.end("caller", "--in", SPEECH), self.partner()
        p.stdout.readline()
        p.stdout.close()
        began = time.monotonic()
        err = p.stderr.read()
        p.wait(20)
        self.assertGreater(time.monotonic() - began, SECONDS - 2)
        self.told(err, "standard output")
        self.assertEqual(p.returncode, 1, err)
        heard = next(e for e in self.well(partner) if e["event"] == "end")
        self.assertGreater(heard["frames_played"], 30)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full here")
    def test_events_to_a_full_disk(self):
        with open("/dev/full", "w") as full:
            p, partner = self.end("caller", stdout=full), self.partner()
            err = p.communicate(timeout=20)[1]
        self.told(err, "standard output")
        self.assertEqual(p.returncode, 1, err)
        self.well(partner)

    def test_sound_to_a_reader_that_stalls(self):
        began = time.monotonic()
        p = self.end("caller", "--out", "-", json=False)
        partner = self.partner()
        self.well(partner)
        p.wait(15)      # nobody reads it
        self.assertLess(time.monotonic() - began, SECONDS + 6)
        out, err = p.communicate()
        self.assertGreaterEqual(len(out), 40000)
        self.assertEqual(len(out) % 2, 0)
        self.told(err, "too slowly")

    def test_sound_to_a_reader_that_goes_away(self):
        p = self.end("caller", "--out", "-", json=False)
        partner = self.partner()
        p.stdout.read(1000)
        p.stdout.close()
        err = p.stderr.read()
        p.wait(20)
        self.well(partner)
        self.told(err, "-:")

    # -- the disk ---------------------------------------------------------------

    def small_disk(self, kib):
        """A folder with so much room; @return its path. Needs root."""
        folder = self.path("small")
        os.mkdir(folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o",
                               f"size={kib}k", "tmpfs", folder],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if done.returncode:
            self.skipTest("a small disk can be made by root only")
        self.addCleanup(subprocess.run, ["umount", "-l", folder])
        return folder

    @unittest.skipUnless(shutil.which("mount"), "no mount here")
    def test_disk_that_fills_up_headerless(self):
        self.fill("raw", 128, 1.0)

    @unittest.skipUnless(shutil.which("mount"), "no mount here")
    def test_disk_that_fills_up_wav(self):
        self.fill("wav", 128, 1.0)

    @unittest.skipUnless(shutil.which("mount"), "no mount here")
    def test_disk_that_fills_up_flac(self):
        self.fill("flac", 64, 0.3)

    def fill(self, ending, kib, least):
        path = os.path.join(self.small_disk(kib), "out." + ending)
        p, partner = self.end("caller", "--out", path), self.partner()
        events = self.well(p, "AUDIO_IO")
        errors = [e for e in events if e["event"] == "file_error"]
        self.assertEqual([e["what"] for e in errors], [path])
        self.well(partner)
        self.assertGreater(events[-1]["frames_played"], 30)
        self.assertGreater(len(self.samples(path)) / 48000, least)

    def samples(self, path):
        if path.endswith(".wav"):
            return read_wav(path)
        if path.endswith(".raw"):
            with open(path, "rb") as f:
                return f.read()[::2]
        done = subprocess.run(["sox", path, "-t", "raw", "-b", "16", "-"],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        return done.stdout[::2]

    def test_recording_survives_a_kill(self):
        path = self.path("out.wav")
        p, partner = self.end("caller", "--out", path), self.partner()
        for line in p.stdout:
            if b'"stats"' in line and b'"t_ms":3' in line.replace(b" ", b""):
                break
        p.send_signal(signal.SIGKILL)
        p.communicate()
        self.well(partner)
        self.assertGreater(len(read_wav(path)) / 48000, 0.9)

    # -- the server's configuration -----------------------------------------------

    def test_refused_values_are_named_once(self):
        p = self.end("caller", "--config",
                     '{"audio_max_bitrate": "much", "use_tcp": [],'
                     ' "audio_init_bitrate": 12000, "strange": 1}')
        partner = self.partner()
        out, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 0, err)
        self.told(err, "audio_max_bitrate", "use_tcp")
        self.assertNotIn(b"strange", err)
        self.assertNotIn(b"audio_init_bitrate", err)
        self.well(partner)


if __name__ == "__main__":
    unittest.main()
