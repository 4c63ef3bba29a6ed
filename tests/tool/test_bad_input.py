# SPDX-License-Identifier: MIT
"""Bad input ends with a clear message and the right exit code, before any
packet is sent."""
import os
import shutil
import socket
import subprocess

from helper import ASSETS, Case, TGVOIP, run, write_wav, tone

TAG = "00112233445566778899aabbccddee00"
RELAY = f"127.0.0.1:9:{TAG}"


class BadInput(Case):
    def call(self, *args, key=None, relay=RELAY):
        cmd = ["call", "--role", "caller"]
        if key != "":
            cmd += ["--key", key or self.key()]
        if relay:
            cmd += ["--relay", relay]
        return run(*cmd, *args)

    def refused(self, done, *parts, codes=(2,)):
        self.assertIn(done.returncode, codes, done.stderr)
        self.assertEqual(done.stdout, "")
        self.message(done, *parts)

    def test_key_of_wrong_length(self):
        for digits in (0, 2, 510, 511, 514):
            self.refused(self.call(key="@" + self.write("k", "a" * digits)),
                         "--key")

    def test_key_that_is_not_hex(self):
        self.refused(self.call(key="@" + self.write("k", "xy" * 256)),
                     "--key")
        self.refused(self.call(key="zz" * 256), "--key")

    def test_key_is_never_echoed(self):
        done = self.call(key="ab" * 255 + "zz")
        self.assertNotIn("abab", done.stderr)

    def test_key_file_that_cannot_be_read(self):
        self.refused(self.call(key="@" + self.path("none")), "none",
                     codes=(1, 2))

    def test_no_key(self):
        self.refused(self.call(key=""), "--key")

    def test_no_relay(self):
        self.refused(self.call(relay=None), "--relay")

    def test_no_role(self):
        self.refused(run("call", "--key", self.key(), "--relay", RELAY),
                     "--role")

    def test_bad_relays(self):
        for relay in (f"127.0.0.1:0:{TAG}", f"127.0.0.1:70000:{TAG}",
                      f"127.0.0.1:x:{TAG}", f"127.0.0.1:{TAG}",
                      f":1:{TAG}", f"256.0.0.1:1:{TAG}",
                      f"no host:1:{TAG}", "127.0.0.1:1:00",
                      "127.0.0.1:1:" + "zz" * 16, f"127.0.0.1:1:{TAG}00",
                      f"127.0.0.1:1:{TAG}:x", f"[::1:1:{TAG}", "",
                      f"127.0.0.1:1:{TAG},ipv6=nonsense"):
            with self.subTest(relay):
                self.refused(self.call("--relay", relay, relay=None),
                             "--relay")

    def test_bad_numbers(self):
        for option, value in (("--duration", "-1"), ("--duration", "x"),
                              ("--duration", "nan"), ("--layer", "64"),
                              ("--layer", "93"), ("--init-timeout", "0"),
                              ("--init-timeout", "1e99"),
                              ("--recv-timeout", "-3"), ("--start-at", "x"),
                              ("--event", "1"), ("--event", "x:mute"),
                              ("--event", "1:sing"), ("--network", "string"),
                              ("--data-saving", "maybe"),
                              ("--config", "{"), ("--config", "[]")):
            with self.subTest(f"{option} {value}"):
                self.refused(self.call(option, value), option)

    def test_bad_impairments(self):
        for option, value in (("--loss", "101"), ("--loss", "-1"),
                              ("--loss", "x"), ("--jitter", "-5"),
                              ("--blackout", "5-3"), ("--profile", "6g"),
                              ("--rate", "-1"), ("--seed", "x")):
            for command in (("demo",), ("relay", "--listen", "127.0.0.1:0")):
                with self.subTest(f"{command[0]} {option} {value}"):
                    self.refused(run(*command, option, value), option[2:])

    def test_input_that_does_not_exist(self):
        self.refused(self.call("--in", self.path("none.wav")), "none.wav",
                     codes=(1, 2))

    def test_input_that_is_a_folder(self):
        self.refused(self.call("--in", self.folder), self.folder,
                     codes=(1, 2))

    def test_input_without_permission(self):
        path = self.write("locked.wav", "x")
        os.chmod(path, 0)
        if os.access(path, os.R_OK):    # root reads everything
            if not shutil.which("setpriv"):
                self.skipTest("runs as root and there is no setpriv")
            os.chmod(self.folder, 0o755)
            key = self.write("key", "ab" * 256)
            os.chmod(key, 0o644)
            done = subprocess.run(
                ["setpriv", "--reuid", "65534", "--regid", "65534",
                 "--clear-groups", TGVOIP, "call", "--role", "caller",
                 "--key", "@" + key, "--relay", RELAY, "--in", path],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                timeout=20)
            if "setpriv" in done.stderr or done.returncode == 126:
                self.skipTest("the tool cannot be run as another user")
        else:
            done = self.call("--in", path)
        self.refused(done, "locked.wav", codes=(1, 2))

    def test_input_of_an_unknown_format(self):
        self.refused(self.call("--in", self.write("a.wav", "no sound " * 99)),
                     "a.wav", codes=(1, 2))
        self.refused(self.call("--in", self.write("empty.wav", "")),
                     "empty.wav", codes=(1, 2))

    def test_output_that_cannot_be_written(self):
        self.refused(self.call("--out", self.path("none/out.wav")),
                     "none/out.wav", codes=(1, 2))

    def test_output_of_an_unknown_format(self):
        self.refused(self.call("--out", self.path("out.xyz")), "out.xyz",
                     codes=(1, 2))

    def test_demo_input_that_does_not_exist(self):
        done = run("demo", "--in", self.path("none.flac"), "--out",
                   self.path("d"))
        self.refused(done, "none.flac", codes=(1, 2))
        self.assertFalse(os.path.exists(self.path("d/caller.wav")))

    def test_demo_folder_that_cannot_be_made(self):
        self.write("file", "")
        done = run("demo", "--in", os.path.join(ASSETS, "speech.flac"),
                   "--out", self.path("file/d"))
        self.refused(done, "file/d", codes=(1, 2))

    def test_relay_port_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            done = run("relay", "--listen", f"127.0.0.1:{port}")
        self.refused(done, str(port), "in use", codes=(1,))

    def test_relay_bad_addresses(self):
        for listen in ("127.0.0.1", "127.0.0.1:70000", "x:y", "", ":1",
                       "300.0.0.1:5"):
            with self.subTest(listen):
                self.refused(run("relay", "--listen", listen), codes=(1, 2))

    def test_relay_for_everyone_must_say_open(self):
        done = run("relay", "--listen", "0.0.0.0:0")
        self.refused(done, "open", codes=(1, 2))

    def test_relay_bad_session(self):
        for tag in ("", "00", "zz" * 16, TAG + "0"):
            with self.subTest(tag):
                self.refused(run("relay", "--listen", "127.0.0.1:0",
                                 "--session", tag), "--session")

    def test_inspect_of_a_file_that_is_no_recording(self):
        path = self.write("trace.jsonl", "this is no JSON\n")
        done = run("inspect", "--key", self.key(), path)
        self.assertIn(done.returncode, (1, 2))
        self.message(done, "trace.jsonl")
        done = run("inspect", "--key", self.key(), self.path("none.jsonl"))
        self.assertIn(done.returncode, (1, 2))
        self.message(done, "none.jsonl")

    def test_wav_with_a_lying_header_is_no_crash(self):
        path = self.path("lie.wav")
        write_wav(path, tone(0.1))
        with open(path, "r+b") as f:
            f.seek(22)
            f.write(b"\xff\xff\xff\xff\xff\xff")
        done = self.call("--in", path, "--init-timeout", "1")
        self.assertIn(done.returncode, (1, 2))
        self.message(done)
