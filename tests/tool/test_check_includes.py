# SPDX-License-Identifier: MIT
"""script/check-includes reports each kind of breach, and nothing else."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "script", "check-includes")

TABLES = """
| room | job | may include | OS headers |
|---|---|---|---|
| `base` | bytes | libc | no |
| `wire` | packets | base | no |
| `net` | estimators | base | no |
| `io` | sockets | base | yes |
| `api` | skin | all rooms | no |

text

| library | headers | files |
|---|---|---|
| libuv | uv.h, uv/ | src/io/ |
| libopus | opus.h | src/net/opus.c |
| jansson | jansson.h | tools/json.c |
"""
TREE = {
    "docs/architecture.md": TABLES,
    "include/tgvoip/error.h": "#include <stddef.h>\n",
    "include/tgvoip/version.h": "",
    "include/tgvoip/call.h": "#include <tgvoip/error.h>\n",
    "src/base/bytes.h": "#include <stdint.h>\n",
    "src/base/ring.h": '#include "base/bytes.h"\n',
    "src/wire/packet.h": '#include "base/bytes.h"\n'
                         "#include <tgvoip/error.h>\n",
    "src/net/rtt.h": "",
    "src/net/opus.c": "#include <opus.h>\n",
    "src/io/loop.c": "#include <uv.h>\n#include <sys/socket.h>\n",
    "src/api/call.c": '#include "wire/packet.h"\n#include <tgvoip/call.h>\n',
    "tools/json.c": '#include "json.h"\n#include <jansson.h>\n'
                    "#include <signal.h>\n#include <tgvoip/call.h>\n",
    "tools/json.h": "",
    "src/CMakeLists.txt": "tgv_room(base LINK m)\n"
                          "tgv_room(wire LINK tgv_base)\n",
    "tests/unit/test_ring.c": '#include "base/ring.h"\n#include <cmocka.h>\n',
}


def breaches(changes=None):
    tree = dict(TREE)
    tree.update(changes or {})
    with tempfile.TemporaryDirectory() as root:
        for path, text in tree.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)
        done = subprocess.run([sys.executable, SCRIPT, root],
                              stdout=subprocess.PIPE, text=True)
    lines = [x for x in done.stdout.splitlines()
             if not x.startswith("check-includes:")]
    assert (done.returncode == 1) == bool(lines), done
    return lines


class CheckIncludes(unittest.TestCase):
    def one(self, changes, *parts):
        found = breaches(changes)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_clean_tree_has_no_breach(self):
        self.assertEqual(breaches(), [])

    def test_looking_sideways_is_reported(self):
        self.one({"src/wire/a.c": '#include "net/rtt.h"\n'},
                 "src/wire/a.c:1", "wire may not include net")

    def test_looking_up_is_reported(self):
        self.one({"src/base/a.c": '#include "wire/packet.h"\n'},
                 "base may not include wire")

    def test_relative_include_is_reported(self):
        self.one({"src/base/a.c": '#include "ring.h"\n'}, "ring.h")

    def test_missing_header_is_reported(self):
        self.one({"src/wire/a.c": '#include "base/none.h"\n'}, "none.h")

    def test_cycle_of_headers_is_reported(self):
        self.one({"src/base/bytes.h": '#include "base/ring.h"\n'}, "cycle",
                 "src/base/ring.h", "src/base/bytes.h")

    def test_cycle_of_the_table_is_reported(self):
        text = TABLES.replace("| `base` | bytes | libc |",
                              "| `base` | bytes | wire |")
        self.one({"docs/architecture.md": text}, "cycle in the table")

    def test_library_outside_its_file_is_reported(self):
        self.one({"src/net/other.c": "#include <opus.h>\n"},
                 "libopus", "src/net/opus.c")

    def test_library_outside_its_room_is_reported(self):
        self.one({"src/net/loop.c": "#include <uv/unix.h>\n"}, "libuv",
                 "src/io/")

    def test_jansson_in_a_second_tool_file_is_reported(self):
        self.one({"tools/call.c": "#include <jansson.h>\n"}, "tools/json.c")

    def test_unknown_library_is_reported(self):
        self.one({"src/net/a.c": "#include <zlib.h>\n"}, "zlib.h")

    def test_os_header_in_the_core_is_reported(self):
        for header in ("sys/socket.h", "pthread.h", "time.h", "signal.h",
                       "unistd.h", "threads.h"):
            self.one({"src/wire/a.c": f"#include <{header}>\n"}, header)

    def test_public_header_in_the_core_is_reported(self):
        self.one({"src/wire/a.c": "#include <tgvoip/call.h>\n"},
                 "tgvoip/call.h")

    def test_tool_that_reaches_into_a_room_is_reported(self):
        self.one({"tools/a.c": '#include "wire/packet.h"\n'},
                 "include/ only")

    def test_public_header_with_a_system_header_is_reported(self):
        self.one({"include/tgvoip/call.h": "#include <sys/types.h>\n"},
                 "sys/types.h")

    def test_room_without_a_row_is_reported(self):
        self.one({"src/extra/a.c": ""}, "extra")

    def test_file_in_no_room_is_reported(self):
        self.one({"src/stray.c": ""}, "no room")

    def test_link_against_the_table_is_reported(self):
        self.one({"src/CMakeLists.txt": "tgv_room(wire LINK tgv_net)\n"},
                 "wire may not link net")

    def test_table_without_rooms_is_reported(self):
        self.one({"docs/architecture.md": "none\n"}, "no table")

    def test_named_file_that_is_gone_is_reported(self):
        text = TABLES.replace("src/net/opus.c", "src/net/gone.c")
        found = breaches({"docs/architecture.md": text})
        self.assertTrue(any("gone.c does not exist" in f for f in found))


if __name__ == "__main__":
    unittest.main()
