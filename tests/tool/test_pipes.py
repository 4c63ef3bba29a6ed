# SPDX-License-Identifier: MIT
"""Named pipes whose other side never comes: the tool makes its call all the
same, and ends when it is told to."""
import os
import subprocess
import unittest

from helper import Case, TGVOIP, json_lines, signal, tags, time


class Pipes(Case):
    def setUp(self):
        super().setUp()
        _, self.port = self.relay()
        self.tags = tags()
        self.the_key = self.key()

    def end(self, role, *args):
        tag = self.tags[role == "callee"]
        p = subprocess.Popen(
            [TGVOIP, "call", "--role", role, "--key", self.the_key, "--relay",
             f"127.0.0.1:{self.port}:{tag}", "--json", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.started.append(p)
        return p

    def pipe(self, name):
        path = self.path(name)
        os.mkfifo(path)
        return path

    def test_pipes_without_partner_hold_no_call_up(self):
        caller = self.end("caller", "--duration", "2", "--in",
                          self.pipe("in.raw"), "--out", self.pipe("out.raw"))
        callee = self.end("callee", "--duration", "2")
        for p, code in (caller, 1), (callee, 0):  # the sound has gone nowhere
            out, err = p.communicate(timeout=20)
            events = json_lines(out.decode())
            states = [e["state"] for e in events if e["event"] == "state"]
            self.assertIn("ESTABLISHED", states, err)
            self.assertEqual(p.returncode, code, err)
            self.assertEqual(b"nobody reads this pipe" in err, code == 1, err)

    def test_pipes_without_partner_end_with_the_tool(self):
        p = self.end("caller", "--in", self.pipe("in.raw"), "--out",
                     self.pipe("out.raw"))
        time.sleep(1)
        began = time.monotonic()
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=20)
        self.assertLess(time.monotonic() - began, 3)


if __name__ == "__main__":
    unittest.main()
