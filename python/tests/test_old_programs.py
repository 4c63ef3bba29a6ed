# SPDX-License-Identifier: MIT
"""Programs for the old module run unmodified: the two published packages that
join it to Pyrogram, with scripts in the manner of their documentation."""
import os
import subprocess
import sys

import pytest

import companions
import tgvoip

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.parametrize("package,kind", [
    ("pyrogram1", "native"), ("pyrogram1", "file"),
    ("stefano", "native"), ("stefano", "file")])
def test_old_program_runs_unmodified(package, kind, tmp_path):
    folder = companions.find(package)
    if folder is None:
        pytest.skip(f"{package} cannot be installed here")
    ours = os.path.dirname(os.path.dirname(tgvoip.__file__))
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler",
         os.path.join(HERE, "old_program.py"), kind, str(tmp_path)],
        env=dict(os.environ,
                 PYTHONPATH=os.pathsep.join([folder, ours, HERE])),
        timeout=120, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for side in ("caller.raw", "callee.raw"):
        size, peak = map(int, lines[side].split())
        assert size > 2 * 48000 * 2 and peak > 4000
    assert lines["states"].startswith("EXCHANGING_KEYS")
    assert lines["states"].endswith("ENDED")
