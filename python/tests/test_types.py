# SPDX-License-Identifier: MIT
"""What is public is typed to the end, and the types say what is true."""
import inspect
import os
import re
import subprocess
import sys

import pytest

import tgvoip.utils
from tgvoip import Stats, VoIPController, VoIPServerConfig, aio

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "typed_program.py")


def checked(tmp_path, *arguments):
    pytest.importorskip("mypy")
    # Not here, where the package's sources are beside what is installed.
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tmp_path, text=True,
        timeout=240, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, MYPY_CACHE_DIR=str(tmp_path / "cache")))
    assert done.returncode == 0, done.stdout


def test_a_program_with_every_public_name_is_typed(tmp_path):
    checked(tmp_path, "mypy", "--strict", PROGRAM)


def test_the_program_has_every_public_name():
    with open(PROGRAM) as f:
        words = set(re.findall(r"\w+", f.read()))
    wanted = {*tgvoip.__all__, *aio.__all__, *tgvoip.utils.__all__}
    for kind in (VoIPController, Stats, VoIPServerConfig, aio.Client,
                 aio.Call, aio.Playback, aio.AudioStream, aio.Adapter):
        wanted |= {name for name, value in inspect.getmembers(kind)
                   if not name.startswith("_") and inspect.getdoc(value)}
    # Between parts of the package.
    wanted -= {"forget", "keep", "feed"}
    assert sorted(wanted - words) == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the last mypy for it "
                    "takes weakref.finalize.atexit for read-only")
def test_types_agree_with_what_is_there(tmp_path):
    """But for the adapters of libraries that may not be installed."""
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nignore_missing_imports = True\n")
    allowed = tmp_path / "allowed"
    allowed.write_text(
        "".join(f"tgvoip.adapters.{name}(\\..*)?\n"
                for name in ("telethon", "pyrogram")))
    checked(tmp_path, "mypy.stubtest", "--mypy-config-file", str(config),
            "--allowlist", str(allowed), "--ignore-unused-allowlist",
            "tgvoip", "_tgvoip")
