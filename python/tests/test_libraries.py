# SPDX-License-Identifier: MIT
"""The tests of tgvoip.aio once more with each other client library, in a
process of its own: two of them have the same name."""
import os
import subprocess
import sys

import pytest

import companions
import tgvoip

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.skipif("TGVOIP_TEST_LIBRARY" in os.environ,
                    reason="is such a process")
@pytest.mark.parametrize("name", ["pyrogram1", "kurigram"])
def test_aio_on_top_of(name, tmp_path):
    folder = companions.find(name)
    if folder is None:
        pytest.skip(f"{name} cannot be installed here")
    ours = os.path.dirname(os.path.dirname(tgvoip.__file__))
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q",
         "-p", "no:cacheprovider", "--rootdir", HERE,
         *(os.path.join(HERE, f"test_{part}.py") for part in
           ("scripted_telegram", "aio_outcomes", "aio_calls"))],
        env=dict(os.environ, TGVOIP_TEST_LIBRARY="pyrogram",
                 PYTHONPATH=os.pathsep.join([folder, ours])),
        cwd=tmp_path, timeout=180, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
