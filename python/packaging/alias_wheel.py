# SPDX-License-Identifier: MIT
"""Makes the wheel of the distribution `pytgvoip`: metadata only, requiring
`tgvoip` of the same version.

    alias_wheel.py OUT_DIR
"""
import base64
import hashlib
import os
import re
import sys
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

DESCRIPTION = """\
This distribution has no code. It requires `tgvoip`, whose module takes the
place of the one that pytgvoip had, so that programs which ask for pytgvoip
get it.
"""


def main():
    (out,) = sys.argv[1:]
    with open(os.path.join(ROOT, "include", "tgvoip", "version.h")) as f:
        version = re.search(r'define TGVOIP_VERSION "([^"]+)"',
                            f.read()).group(1)
    with open(os.path.join(ROOT, "LICENSE")) as f:
        licence = f.read()
    info = f"pytgvoip-{version}.dist-info"
    files = {
        "METADATA": "Metadata-Version: 2.4\n"
                    "Name: pytgvoip\n"
                    f"Version: {version}\n"
                    "Summary: Has programs for pytgvoip use tgvoip\n"
                    "License-Expression: MIT\n"
                    "License-File: LICENSE\n"
                    "Requires-Python: >=3.9\n"
                    f"Requires-Dist: tgvoip=={version}\n"
                    "Description-Content-Type: text/markdown\n"
                    f"\n{DESCRIPTION}",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tgvoip\n"
                 "Root-Is-Purelib: true\nTag: py3-none-any\n",
        "licenses/LICENSE": licence,
    }
    record = ""
    with zipfile.ZipFile(
            os.path.join(out, f"pytgvoip-{version}-py3-none-any.whl"), "w",
            zipfile.ZIP_DEFLATED) as wheel:
        for name, text in files.items():
            data = text.encode()
            digest = base64.urlsafe_b64encode(
                hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{info}/{name},sha256={digest},{len(data)}\n"
            wheel.writestr(f"{info}/{name}", data)
        wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")


main()
