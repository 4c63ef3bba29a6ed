# SPDX-License-Identifier: MIT
"""`tgvoip keys`: values for scripts, against an independent computation."""
import hashlib
import struct

from helper import Case, run

KEY = b"".join(hashlib.sha512(b"tgcall test vector key %d" % i).digest()
               for i in range(4))


class Keys(Case):
    def test_fingerprint_is_that_of_the_definition(self):
        want, = struct.unpack("<q", hashlib.sha1(KEY).digest()[12:])
        done = run("keys", "fingerprint", "--key",
                   "@" + self.write("key", KEY.hex()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(want), done.stdout)

    def test_keys_without_what_is_bad_usage(self):
        for args in ((), ("nonsense",)):
            done = run("keys", *args)
            self.assertEqual(done.returncode, 2)
            self.assertNotEqual(done.stderr, "")
