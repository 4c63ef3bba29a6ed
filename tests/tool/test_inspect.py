# SPDX-License-Identifier: MIT
"""`tgvoip inspect` decodes the recorded call of tests/data."""
import hashlib
import json
import os

from helper import Case, DATA, json_lines, run

TRACE = os.path.join(DATA, "trace-relay-setup.jsonl")
KEY = b"".join(hashlib.sha512(b"tgcall test vector key %d" % i).digest()
               for i in range(4)).hex()


class Inspect(Case):
    def setUp(self):
        super().setUp()
        self.keyfile = "@" + self.write("key", KEY)

    def test_every_datagram_of_the_recorded_call_is_decoded(self):
        with open(TRACE) as f:
            want = json_lines(f.read())
        done = run("inspect", "--key", self.keyfile, "--json", TRACE)
        self.assertEqual(done.returncode, 0, done.stderr)
        got = json_lines(done.stdout)
        self.assertEqual(got[-1], {"event": "end", "packets": len(want),
                                   "failed": 0})
        for line, (mine, theirs) in enumerate(zip(got, want), 1):
            self.compare(line, mine, theirs)

    def compare(self, line, mine, theirs):
        for field in ("from", "path", "crypto", "prefix", "inner", "padding"):
            if theirs.get(field) is not None and field in mine:
                self.assertEqual(mine[field], theirs[field],
                                 f"line {line}: {field}")
        self.assertIn("parsed", mine, f"line {line}")
        for field in ("type", "seq", "ack", "mask", "tlid", "name",
                      "query_id"):
            if field in theirs["parsed"]:
                self.assertEqual(mine["parsed"].get(field),
                                 theirs["parsed"][field],
                                 f"line {line}: {field}")

    def test_text_has_a_line_for_each_packet(self):
        done = run("inspect", "--key", self.keyfile, TRACE)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(TRACE) as f:
            self.assertGreaterEqual(len(done.stdout.splitlines()),
                                    len(f.readlines()))

    def test_wrong_key_fails_and_says_how_many(self):
        key = "@" + self.write("wrong", "00" * 256)
        done = run("inspect", "--key", key, "--json", TRACE)
        self.assertEqual(done.returncode, 1)
        end = json_lines(done.stdout)[-1]
        self.assertEqual(end["event"], "end")
        self.assertGreater(end["failed"], 100)

    def test_one_damaged_datagram_is_one_failure(self):
        with open(TRACE) as f:
            lines = f.readlines()
        number = next(i for i, line in enumerate(lines)
                      if json.loads(line).get("inner"))
        broken = json.loads(lines[number])
        wire = bytearray.fromhex(broken["wire"])
        wire[-1] ^= 1
        broken["wire"] = wire.hex()
        lines[number] = json.dumps(broken) + "\n"
        done = run("inspect", "--key", self.keyfile, "--json",
                   self.write("t.jsonl", "".join(lines)))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json_lines(done.stdout)[-1]["failed"], 1)
