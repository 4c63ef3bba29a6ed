# SPDX-License-Identifier: MIT
"""Slips of the hand, and surroundings that nobody thought of: nothing that
was there is destroyed, nothing that was recorded is lost."""
import os
import resource
import stat
import subprocess
import unittest

from helper import (ASSETS, Case, TGVOIP, json_lines, read_wav, run, signal,
                    tags, time, tone, write_wav)

SPEECH = os.path.join(ASSETS, "speech.flac")
RELAY = "127.0.0.1:9:" + 32 * "0"
CALLER = ("call", "--role", "caller", "--relay", RELAY, "--init-timeout",
          "0.2")


class Clumsy(Case):
    def refused(self, *args, code=2):
        done = run(*args)
        self.assertEqual(done.returncode, code, (args, done.stderr))
        self.message(done)
        return done.stderr

    def read(self, path):
        with open(path, "rb") as f:
            return f.read()

    # -- one file, named twice ----------------------------------------------

    def test_a_file_that_is_said_is_not_recorded_over(self):
        write_wav(self.path("a.wav"), tone(0.2))
        os.link(self.path("a.wav"), self.path("hard.wav"))
        os.symlink("a.wav", self.path("soft.wav"))
        before = self.read(self.path("a.wav"))
        for name in ("a.wav", "hard.wav", "soft.wav"):
            err = self.refused(*CALLER, "--key", self.key(), "--in",
                               self.path("a.wav"), "--out", self.path(name))
            self.assertIn("--out: is the same file as that of --in", err)
            self.assertEqual(self.read(self.path("a.wav")), before)

    def test_a_key_is_not_written_over(self):
        key = self.key()
        before = self.read(key[1:])
        for option in ("--log", "--stats", "--packets", "--state", "--ts"):
            err = self.refused(*CALLER, "--key", key, option, key[1:])
            self.assertIn(f"{option}: is the same file", err)
        self.assertEqual(self.read(key[1:]), before)

    def test_two_records_do_not_share_a_file(self):
        new = self.path("new.csv")
        for option in ("--log", "--packets", "--state", "--ts"):
            err = self.refused(*CALLER, "--key", self.key(), "--stats", new,
                               option, new)
            self.assertIn("same file", err)
            self.assertFalse(os.path.exists(new))

    def test_the_second_name_keeps_its_input_too(self):
        write_wav(self.path("a.raw"), tone(0.2))
        before = self.read(self.path("a.raw"))
        done = subprocess.run(
            [os.path.join(os.path.dirname(TGVOIP), "tgvoipcall"),
             "127.0.0.1:9", 32 * "0", "-k", self.key(), "-r", "caller", "-i",
             self.path("a.raw"), "-p", self.path("a.raw")],
            stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("-p: is the same file as that of -i", done.stderr)
        self.assertEqual(self.read(self.path("a.raw")), before)

    def test_a_demo_can_not_say_what_it_writes(self):
        os.mkdir(self.path("d"))
        heard = self.path("d/callee.wav")
        write_wav(heard, tone(0.2))
        before = self.read(heard)
        err = self.refused("demo", "--out", self.path("d"), "--in", heard,
                           code=1)
        self.assertIn("--in: is the same file as that of --out", err)
        self.assertEqual(self.read(heard), before)

    def test_a_demo_names_no_report_that_is_not_there(self):
        os.makedirs(self.path("d/report.html"))
        done = run("demo", "--seconds", "1", "--out", self.path("d"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("report.html", done.stderr)
        self.assertNotIn("report.html", done.stdout)

    def test_devices_and_standard_streams_may_be_named_often(self):
        done = run(*CALLER, "--key", self.key(), "--log", "/dev/null",
                   "--stats", "/dev/null", "--in", "-", "--out", "-")
        self.assertIn("no answer", done.stderr)

    def test_a_file_without_a_name_is_refused(self):
        for option in ("--in", "--out", "--log", "--stats", "--packets",
                       "--state", "--ts"):
            err = self.refused(*CALLER, "--key", self.key(), option, "")
            self.assertIn(f"tgvoip: {option}: needs the name", err)

    # -- a question that nobody answers ----------------------------------------

    def test_one_signal_ends_the_wait_for_a_key(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            p = subprocess.Popen([TGVOIP, "keys", "fingerprint", "--key",
                                  "@-"], stdin=subprocess.PIPE)
            self.started.append(p)
            time.sleep(0.5)
            self.assertIsNone(p.poll())
            p.send_signal(number)
            self.assertEqual(p.wait(5), -number)
            p.stdin.close()

    # -- what no state can be -------------------------------------------------

    def test_a_state_does_not_take_the_place_of_a_device(self):
        """Of one of our own: the system's could be gone afterwards."""
        null = self.path("null")
        try:
            os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            self.skipTest("devices are made by root only")
        err = self.refused(*CALLER, "--key", self.key(), "--state", null,
                           code=1)
        self.assertIn("not a regular file", err)
        self.assertTrue(stat.S_ISCHR(os.stat(null).st_mode))

    # -- lists of sessions -----------------------------------------------------

    def sessions(self, text):
        return ("relay", "--listen", "127.0.0.1:0", "--sessions",
                self.write("tags", text))

    def test_an_empty_list_of_sessions_does_not_serve_everybody(self):
        for text in ("", "\n", "# none today\n"):
            self.assertIn("no session", self.refused(*self.sessions(text)))

    def test_bad_lists_of_sessions(self):
        for text in (32 * "0" + " x\n", 31 * "0", 300 * "0" + "\n",
                     b"\0" * 33, 32 * "0" + "\n" + 16 * "0 "):
            self.refused(*self.sessions(text))
        self.refused("relay", "--listen", "127.0.0.1:0", "--sessions",
                     "/dev/zero")

    def test_long_comments_in_lists_of_sessions(self):
        p = self.start(*self.sessions(
            "# " + 300 * "a comment " + "\n  " + 32 * "0" + " # mine\r\n"))
        self.assertIn("listening", p.stdout.readline())
        p.send_signal(signal.SIGTERM)
        self.finish(p)
        self.assertEqual(p.returncode, 0)


class InACall(Case):
    """Two ends; something happens to the caller."""

    def setUp(self):
        super().setUp()
        _, self.port = self.relay()
        self.tags = tags()
        self.the_key = self.key()

    def end(self, role, *args, **more):
        tag = self.tags[role == "callee"]
        options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        p = subprocess.Popen(
            [TGVOIP, "call", "--role", role, "--key", self.the_key, "--relay",
             f"127.0.0.1:{self.port}:{tag}", "--in", SPEECH, *args],
            **dict(options, **more))
        self.started.append(p)
        return p

    def until_sound(self, path):
        """Wait until a second has been recorded."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if os.path.exists(path) and os.path.getsize(path) > 96000:
                return
            time.sleep(0.05)
        self.fail("nothing is recorded")

    def test_a_terminal_that_goes_away_finishes_every_file(self):
        """It sends SIGHUP more than once, each of them in a hurry."""
        out = self.path("a.wav")
        p = self.end("caller", "--out", out, "--stats", self.path("a.csv"),
                     "--duration", "20")
        self.end("callee", "--duration", "20")
        self.until_sound(out)
        for _ in range(3):
            p.send_signal(signal.SIGHUP)
        p.communicate(timeout=10)
        self.assertEqual(p.returncode, 0)
        self.assertGreaterEqual(len(read_wav(out)) / 48000, 1.0)

    def test_nohup_is_obeyed(self):
        out = self.path("a.wav")
        p = self.end("caller", "--out", out, "--duration", "3",
                     preexec_fn=lambda: signal.signal(signal.SIGHUP,
                                                      signal.SIG_IGN))
        self.end("callee", "--duration", "4")
        self.until_sound(out)
        p.send_signal(signal.SIGHUP)
        p.communicate(timeout=10)
        self.assertEqual(p.returncode, 0)
        self.assertGreater(len(read_wav(out)) / 48000, 2.0)

    def test_tables_survive_a_kill(self):
        out = self.path("a.wav")
        p = self.end("caller", "--out", out, "--stats", self.path("a.csv"),
                     "--ts", self.path("a.ts"), "--duration", "20")
        self.end("callee", "--duration", "20")
        self.until_sound(out)
        p.kill()
        p.communicate()
        self.assertGreater(self.rows("a.csv"), 4)
        self.assertGreater(self.rows("a.ts"), 60)

    def rows(self, name):
        with open(self.path(name), encoding="ascii") as f:
            return len(f.readlines())

    def test_a_limit_of_sizes_is_a_full_disk(self):
        limit = 100000
        out = self.path("a.wav")
        p = self.end("caller", "--out", out, "--ts", self.path("a.ts"),
                     "--duration", "3", preexec_fn=lambda: resource.setrlimit(
                         resource.RLIMIT_FSIZE, (limit, limit)))
        self.end("callee", "--duration", "4")
        err = p.communicate(timeout=20)[1].decode()
        self.assertEqual(p.returncode, 1, err)
        self.assertEqual(err.count("a.wav"), 1, err)
        self.assertGreater(len(read_wav(out)) / 48000, 0.9)

    def test_a_table_that_can_not_grow_is_told_with_its_reason(self):
        p = self.end("caller", "--stats", self.path("a.csv"), "--ts",
                     self.path("a.ts"), "--duration", "3",
                     preexec_fn=lambda: resource.setrlimit(
                         resource.RLIMIT_FSIZE, (1000, 1000)))
        self.end("callee", "--duration", "4")
        err = p.communicate(timeout=20)[1].decode()
        self.assertEqual(p.returncode, 1, err)
        for name in ("a.csv", "a.ts"):
            self.assertRegex(err, rf"(?m)^tgvoip: .*/{name}: not written "
                             "whole: File too large$")
            self.assertEqual(err.count(name), 1, err)
            self.assertEqual(os.path.getsize(self.path(name)), 1000)

    def test_a_name_that_is_no_text_is_told_as_far_as_it_goes(self):
        path = os.fsencode(self.path("a")) + b"\xff\xfe.wav"
        p = self.end("caller", "--json", "--duration", "2", "--out", path,
                     preexec_fn=lambda: resource.setrlimit(
                         resource.RLIMIT_FSIZE, (40000, 40000)))
        self.end("callee", "--duration", "3")
        events = json_lines(p.communicate(timeout=20)[0].decode())
        self.assertEqual([e["what"] for e in events
                          if e["event"] == "file_error"],
                         [self.path("a??.wav")])

    def test_closed_standard_streams_spoil_no_recording(self):
        out = self.path("a.wav")
        p = self.end("caller", "--out", out, "--json", "-v", "--duration", "2",
                     preexec_fn=lambda: os.closerange(0, 3), close_fds=False)
        self.end("callee", "--duration", "3")
        p.wait(20)
        self.assertEqual(p.returncode, 1)   # nobody could read the events
        self.assertGreater(len(read_wav(out)) / 48000, 1.0)
        self.assertNotIn(b"event", self.read_bytes(out))

    def test_too_few_descriptors_are_an_error_and_no_crash(self):
        heard = 0
        for few in range(6, 34, 2):
            p = self.end("caller", "--out", self.path("a.wav"),
                         "--init-timeout", "0.2", "--log", self.path("log"),
                         preexec_fn=lambda few=few: resource.setrlimit(
                             resource.RLIMIT_NOFILE, (few, few)))
            err = p.communicate(timeout=20)[1].decode()
            self.assertIn(p.returncode, (1, 2), (few, err))
            self.assertRegex(err, "(?m)^tgvoip: [^:]+: .", few)
            self.assertNotIn("Sanitizer", err)
            heard += "no answer" in err
        self.assertGreater(heard, 0)    # enough, in the end

    def read_bytes(self, path):
        with open(path, "rb") as f:
            return f.read()


if __name__ == "__main__":
    unittest.main()
