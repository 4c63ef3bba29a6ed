# SPDX-License-Identifier: MIT
"""What script/wheel has made: installs and works where there is neither
compiler nor library. TGVOIP_WHEELS names the folder."""
import email
import glob
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("TGVOIP_WHEELS", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="TGVOIP_WHEELS not set")


def only(pattern):
    (path,) = glob.glob(os.path.join(FOLDER, pattern))
    return path


def test_wheel_is_small_and_for_every_python():
    path = only("tgvoip-*.whl")
    assert os.path.getsize(path) <= 5_000_000
    assert re.search(r"-cp39-abi3-manylinux_2_\d+_\w+\.whl$", path)


def test_wheel_carries_the_licences_of_what_is_inside():
    with zipfile.ZipFile(only("tgvoip-*.whl")) as z:
        names = z.namelist()
        libraries = [n for n in names if re.match(r"tgvoip\.libs/.*\.so", n)]
        licences = [n for n in names if "/licenses/libraries/" in n]
        sizes = [z.getinfo(n).file_size for n in licences]
    assert any(n.endswith("/licenses/LICENSE") for n in names)
    assert "tgvoip/py.typed" in names and "_tgvoip/py.typed" in names
    assert not [n for n in names if "test" in n or n.endswith((".c", ".h"))]
    assert min(sizes) > 500
    for word in ("ssl", "opus", "uv", "jansson", "sndfile", "speexdsp"):
        assert any(word in os.path.basename(n) for n in licences), word
    # Some packages give several libraries (vorbis and vorbisenc do not).
    assert len([n for n in licences if "copyright" in n
                or "LICENSE" in n.upper()]) >= len(libraries) - 2


def test_alias_has_metadata_only():
    with zipfile.ZipFile(only("pytgvoip-*.whl")) as z:
        names = z.namelist()
        (info,) = [n for n in names if n.endswith("/METADATA")]
        metadata = email.message_from_bytes(z.read(info))
    assert all(".dist-info/" in n for n in names)
    version = tuple(map(int, metadata["Version"].split(".")))
    assert version > (0, 0, 7, 1)
    assert metadata.get_all("Requires-Dist") == [
        f"tgvoip=={metadata['Version']}"]


def test_source_distribution_has_what_building_needs_and_no_more():
    with tarfile.open(only("tgvoip-*.tar.gz")) as t:
        names = {n.partition("/")[2] for n in t.getnames()}
    for name in ("pyproject.toml", "CMakeLists.txt", "src/CMakeLists.txt",
                 "python/CMakeLists.txt", "python/native/bridge.c",
                 "include/tgvoip/tgvoip.h", "LICENSE", "README.md"):
        assert name in names
    assert not [n for n in names if n.startswith(("tests/", "assets/",
                                                  "build/", "docs/"))]


def unpack(folder):
    with tarfile.open(only("tgvoip-*.tar.gz")) as t:
        t.extractall(folder, **({"filter": "data"}
                                if hasattr(tarfile, "data_filter") else {}))
    (root,) = folder.iterdir()
    return root


def test_source_distribution_makes_itself_again(tmp_path):
    """Without a repository, and nothing is lost on the way."""
    pytest.importorskip("scikit_build_core")
    root = unpack(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", "from scikit_build_core import build; "
         "print(build.build_sdist('again'))"], cwd=root, text=True,
        timeout=60, stdout=subprocess.PIPE)
    assert done.returncode == 0
    again = root / "again" / done.stdout.split()[-1]
    found = []
    for path in (only("tgvoip-*.tar.gz"), again):
        with tarfile.open(path) as t:
            found.append({m.name: m.size for m in t.getmembers()
                          if m.isfile()})
    assert found[0] == found[1] and len(found[0]) > 200


CALL = """
import time, tgvoip, tgvoip.utils
from tgvoip._engine import get_engine
from tgvoip._native import ffi, lib
config = ffi.new("struct tgvoip_relay_config *")
lib.tgvoip_relay_config_default(config)
listen = ffi.new("char[]", b"127.0.0.1:0")
config.listen = listen
relay = ffi.new("tgvoip_relay **")
assert lib.tgvoip_relay_create(get_engine(), relay, config, ffi.NULL) == 0
port = lib.tgvoip_relay_port(relay[0])
heard, calls = [], []
for side in (0, 1):
    call = tgvoip.VoIPController(logs_dir=None)
    call.set_send_audio_frame_callback(lambda n: b"\\x10\\x20" * 960)
    call.set_recv_audio_frame_callback(heard.append)
    call.set_config(10, 30, tgvoip.DataSaving.NEVER, 1)
    call.set_encryption_key(bytes(range(256)), side == 0)
    call.set_remote_endpoints([tgvoip.Endpoint(
        1, "127.0.0.1", "", port, bytes(15) + bytes([side]))], False, False,
        92)
    call.start()
    call.connect()
    calls.append(call)
end = time.time() + 20
while len(heard) < 20 and time.time() < end:
    time.sleep(0.02)
assert len(heard) >= 20
for call in calls:
    call.stop()
lib.tgvoip_relay_destroy(relay[0])
print("heard")
"""


def fresh(tmp_path):
    """A new environment: its Python, and what it may ask for."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True)
    env = {"HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env.update((k, v) for k, v in os.environ.items()
               if k.startswith(("PIP_", "SSL_", "REQUESTS_")))
    return str(folder / "bin" / "python"), env


def test_source_distribution_installs_and_works(tmp_path):
    """As pip does for somebody for whom there is no wheel; without
    optimisation, which costs most of the time."""
    python, env = fresh(tmp_path)
    env["PATH"] = os.environ["PATH"]
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", only("tgvoip-*.tar.gz"),
         "--config-settings", "cmake.build-type=Debug"], env=env,
        cwd=tmp_path, text=True, timeout=300, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-6000:]
    done = subprocess.run([python, "-c", CALL], env=env, cwd=tmp_path,
                          text=True, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_wheel_works_where_there_is_nothing_else(tmp_path):
    """A fresh environment, no other program on the path, the names that
    programs for pytgvoip ask for."""
    python, env = fresh(tmp_path)
    env["PATH"] = os.path.dirname(python)
    subprocess.run([python, "-m", "pip", "install", "-q", "--only-binary",
                    ":all:", "--find-links", FOLDER, "pytgvoip>=0.0.7"],
                   env=env, cwd=tmp_path, check=True, timeout=300)
    done = subprocess.run([python, "-c", CALL], env=env, cwd=tmp_path,
                          text=True, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
    maps = subprocess.run(
        [python, "-c", "import tgvoip; print(open('/proc/self/maps').read())"],
        env=env, cwd=tmp_path, text=True, check=True, timeout=60,
        stdout=subprocess.PIPE).stdout
    for name in ("opus", "uv", "jansson", "sndfile", "speexdsp"):
        used = {line.split()[-1] for line in maps.splitlines()
                if re.search(rf"/lib{name}[-.]", line)}
        assert used and all("tgvoip.libs" in path for path in used), used


def test_type_checker_is_content(tmp_path):
    """The public surface is typed to the end, for users too."""
    if subprocess.run([sys.executable, "-m", "mypy", "--version"],
                      stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs mypy")
    program = tmp_path / "program.py"
    program.write_text(
        "import tgvoip, tgvoip.utils, _tgvoip\n"
        "def send(length: int) -> bytes:\n    return bytes(length)\n"
        "def state(s: tgvoip.CallState) -> None:\n    print(s.name)\n"
        "with tgvoip.VoIPController() as call:\n"
        "    call.set_send_audio_frame_callback(send)\n"
        "    call.call_state_changed_handlers.append(state)\n"
        "    n: int = call.get_stats().bytes_sent_wifi + call.call_duration\n"
        "    e: tgvoip.CallError = call.get_last_error()\n"
        "names: list[str] = tgvoip.utils.generate_visualization(b'', 5)[1]\n")
    # The adapters need the libraries that they adapt.
    modules = [a for m in ("tgvoip", "tgvoip.utils", "tgvoip.aio", "_tgvoip")
               for a in ("-m", m)]
    for what in ([str(program)], modules):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir",
             str(tmp_path / "cache"), *what], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, timeout=120)
        assert done.returncode == 0, done.stdout
