# SPDX-License-Identifier: MIT
"""Runs the unittest files of a folder and prints one line for each test:

    ok - NAME      not ok - NAME      ok - NAME # SKIP why

    pytap.py FOLDER [PATTERN]...
"""
import os
import sys
import time
import unittest


class Lines(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.bad = False

    def name(self, test):
        return test.id() if hasattr(test, "id") else str(test)

    def say(self, word, test, more=""):
        took = time.monotonic() - getattr(self, "began", time.monotonic())
        print(f"{word} - {self.name(test)} ({took:.1f} s){more}", flush=True)

    def fail_with(self, test, err):
        if not self.bad:
            self.say("not ok", test)
        self.bad = True
        for line in self._exc_info_to_string(err, test).splitlines():
            print("# " + line, flush=True)

    def addSuccess(self, test):
        if not self.bad:
            self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fail_with(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        if not hasattr(self, "bad") or not isinstance(test,
                                                      unittest.TestCase):
            self.bad = False    # a setUpClass or an import that failed
        self.fail_with(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print("# " + str(subtest), flush=True)
            self.fail_with(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("ok", test, f" # SKIP {reason}")


def main():
    folder = os.path.abspath(sys.argv[1])
    sys.path.insert(0, folder)
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.discover(folder, pattern)
        for pattern in sys.argv[2:] or ["test_*.py"])
    result = Lines()
    suite.run(result)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
