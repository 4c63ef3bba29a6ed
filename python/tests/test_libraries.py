# SPDX-License-Identifier: MIT
"""The tests of tgvoip.aio once more with each other client library, in
processes of their own: two of them have the same name."""
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
    env = dict(os.environ, TGVOIP_TEST_LIBRARY="pyrogram",
               PYTHONPATH=os.pathsep.join([folder, ours]))
    running = []
    for part in ("scripted_telegram", "aio_outcomes", "aio_calls"):
        (tmp_path / part).mkdir()
        running.append(subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q",
             "-p", "no:cacheprovider", "--rootdir", HERE,
             "--basetemp", str(tmp_path / part / "files"),
             os.path.join(HERE, f"test_{part}.py")],
            env=env, cwd=tmp_path / part, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT))
    try:
        for process in running:
            said, _ = process.communicate(timeout=180)
            assert process.returncode == 0, said[-6000:]
            assert " passed" in said
    finally:
        for process in running:
            process.kill()
            process.wait()
