# SPDX-License-Identifier: MIT
"""The bench's arithmetic: what a profile says, which bars are reached."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))), "bench"))

import page
from callgrind import Profile
from measures import rows_of
from rig import Row

# run() itself 5, calls seal() (30 with what it calls) twice and opus (100);
# seal() itself 10, calls hash() 20.
PROFILE = """\
events: Ir
ob=(1) /somewhere/call
fn=(1) run
0 5
cfn=(2) tgv_seal_encode
calls=2 0
0 30
cob=(2) /usr/lib/libopus.so.0
cfn=(3) opus_encode
calls=1 0
0 100

fn=(2)
0 10
cfn=(4) hash
calls=2 0
+3 20

fn=(4)
0 20

ob=(2)
fn=(3)
* 100
totals: 135
"""


class Bench(unittest.TestCase):
    def profile(self):
        with tempfile.NamedTemporaryFile("w", suffix=".callgrind") as f:
            f.write(PROFILE)
            f.flush()
            return Profile(f.name)

    def test_a_profile_adds_up(self):
        p = self.profile()
        self.assertEqual(p.total, 135)
        self.assertEqual(
            p.inclusive(lambda f: f.object.startswith("libopus")), 100)
        self.assertEqual(
            p.inclusive(lambda f: f.name.startswith("tgv_seal_")), 30)
        # what is inside of a chosen one is not counted twice
        self.assertEqual(p.inclusive(lambda f: f.name in (
            "tgv_seal_encode", "hash")), 30)
        self.assertEqual(
            p.dearest(lambda f: f.name.startswith("tgv_"),
                      lambda f: f.name == "hash", 3),
            [("tgv_seal_encode", 30)])
        self.assertEqual(p.own(lambda f: f.name == "run"), 5)

    def test_verdicts_stand_on_the_right_side_of_the_bar(self):
        self.assertTrue(Row("s", "n", 1.25, "x", bar=1.25).good)
        self.assertFalse(Row("s", "n", 1.26, "x", bar=1.25).good)
        self.assertTrue(Row("s", "n", 55, "%", bar=55, least=True).good)
        self.assertFalse(Row("s", "n", 54, "%", bar=55, least=True).good)
        self.assertIsNone(Row("s", "n", 54, "%").good)

    def test_rows_of_simulated_tests_hold_what_they_print(self):
        rows = rows_of("Rate", "\n".join((
            "TAP version 13", "1..2", "24 kbit/s: 81 % filled",
            "ok 1 - test_rate_fills_the_link",
            "BAR|queue at 32 kbit/s|380|ms|400|most|seed 4",
            "not ok 2 - test_rate_queue")), "tests/test_rate")
        self.assertEqual([r.good for r in rows], [True, True, False])
        self.assertEqual(rows[0].name, "rate fills the link")
        self.assertEqual(rows[0].note, "24 kbit/s: 81 % filled")
        self.assertEqual(rows[1].shown(), "380 ms")

    def test_the_page_needs_nothing_from_elsewhere(self):
        rows = [Row("CPU <b>", "live & kicking", 1.1, "x", bar=1.25,
                    runs=[1.0, 1.1, 1.2], parts=[("Opus", 9), ("ours", 1)])]
        facts = dict(date="2000-01-01", seconds=1, cores=2, system="Linux",
                     load_before=0, version="1", revision="r", opus="1.3",
                     mode="quick")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.html")
            page.write(path, facts, rows, [])
            with open(path) as f:
                text = f.read()
        self.assertIn("All 1 bars reached", text)
        self.assertIn("live &amp; kicking", text)
        self.assertNotIn("CPU <b>", text)
        for elsewhere in ("http://", "https://", "src=", "@import", "url("):
            self.assertNotIn(elsewhere, text)
