# SPDX-License-Identifier: MIT
"""Help, version, and the refusal of what a version does not have."""
import re

from helper import Case, ROOT, run

COMMANDS = ("demo", "call", "relay", "inspect", "keys")


class Usage(Case):
    def test_version_is_that_of_the_header(self):
        with open(f"{ROOT}/include/tgvoip/version.h") as f:
            want = re.search(r'TGVOIP_VERSION "([^"]+)"', f.read()).group(1)
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(want, done.stdout)

    def test_every_command_has_help(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in COMMANDS:
            self.assertIn(command, done.stdout)
            one = run(command, "--help")
            self.assertEqual((one.returncode, one.stderr), (0, ""), command)
            self.assertIn("--help", one.stdout)

    def test_nothing_and_nonsense_are_bad_usage(self):
        for args in ((), ("sing",), ("--sing",), ("call", "--sing"),
                     ("demo", "--seconds"), ("relay", "extra"),
                     ("call", "--role", "singer")):
            done = run(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertEqual(done.stdout, "", args)
            self.assertNotEqual(done.stderr, "", args)
