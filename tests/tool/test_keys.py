# SPDX-License-Identifier: MIT
"""`tgvoip keys`: values for scripts, against an independent computation."""
import hashlib
import json
import struct

from helper import Case, run

KEY = b"".join(hashlib.sha512(b"tgcall test vector key %d" % i).digest()
               for i in range(4))
KNOWN_PRIME = (
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B")


class Keys(Case):
    def test_fingerprint_is_that_of_the_definition(self):
        want, = struct.unpack("<q", hashlib.sha1(KEY).digest()[12:])
        done = run("keys", "fingerprint", "--key",
                   "@" + self.write("key", KEY.hex()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(want), done.stdout)

    def test_vectors_of_fingerprint_and_emoji(self):
        key = self.write("k1", bytes(range(256)).hex())
        g_a = self.write("g1", bytes(range(255, -1, -1)).hex())
        done = run("keys", "fingerprint", "--key", "@" + key)
        self.assertEqual(done.stdout.strip(), "-3972359982579920590")
        done = run("keys", "emoji", "--key", "@" + key, "--g-a", "@" + g_a,
                   "--json")
        found = json.loads(done.stdout)["emoji"]
        self.assertEqual([e["index"] for e in found], [122, 225, 65, 23])
        self.assertEqual(found[0]["name"], "CACTUS")

    def test_check_dh_takes_the_known_prime_with_3_4_and_7(self):
        p = self.write("p", KNOWN_PRIME)
        for g in range(9):
            done = run("keys", "check-dh", "--g", str(g), "--p", "@" + p)
            self.assertEqual(done.returncode, 0 if g in (3, 4, 7) else 1, g)
            self.assertEqual(bool(done.stderr), g not in (3, 4, 7))

    def test_check_dh_of_a_public_value(self):
        p = self.write("p", KNOWN_PRIME)
        good = self.write("good", "%0512x" % ((1 << 1984) + 1))
        bad = self.write("bad", "%0512x" % (1 << 1984))
        for value, code in ((good, 0), (bad, 1)):
            done = run("keys", "check-dh", "--g", "3", "--p", "@" + p,
                       "--public", "@" + value)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_options_of_another_action_are_refused(self):
        key = self.write("k1", bytes(range(256)).hex())
        done = run("keys", "fingerprint", "--key", "@" + key, "--g", "3")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--g", done.stderr)

    def test_keys_without_what_is_bad_usage(self):
        for args in ((), ("nonsense",)):
            done = run("keys", *args)
            self.assertEqual(done.returncode, 2)
            self.assertNotEqual(done.stderr, "")
