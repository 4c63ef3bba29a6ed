# SPDX-License-Identifier: MIT
"""Client libraries that tests run on top of, each in a folder of its own,
since two of them have the same name. Installed by pip when first asked for:

    python companions.py        installs all of them

They are test peers, used as they come; nothing of them is part of this
project.
"""
import fcntl
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                    "..", ".."))
FOLDER = os.environ.get("TGVOIP_COMPANIONS") or os.path.join(
    ROOT, "build", "companions", "python%d.%d" % sys.version_info[:2])

#: name: the steps of its installation
SETS = {
    # The old integration, with the library that it was made for.
    "pyrogram1": (
        ["--no-deps", "pyrogram==1.4.16", "pytgvoip-pyrogram==0.0.11"],
        ["pyaes==1.6.1", "pysocks==1.7.1"]),
    "stefano": (
        ["--no-deps", "pyrogram==1.4.16", "stefano-pytgvoip-pyrogram==0.1.0"],
        ["pyaes==1.6.1", "pysocks==1.7.1"]),
    "kurigram": (["kurigram==2.2.26"],),
    "telethon": (["telethon==1.45.0"],),
    "tdjson": (["tdjson==1.8.69"],),
}


def find(name):
    """The folder of a set, for PYTHONPATH; None if it cannot be had."""
    folder = os.path.join(FOLDER, name)
    done = os.path.join(folder, ".done")
    if os.path.exists(done):
        return folder
    os.makedirs(FOLDER, exist_ok=True)
    with open(folder + ".lock", "w") as lock:   # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder if os.path.exists(done) else install(name, folder, done)


def install(name, folder, done):
    for step in SETS[name]:
        pip = [sys.executable, "-m", "pip", "install", "-q",
               "--disable-pip-version-check", "--target", folder, "--upgrade"]
        if subprocess.run(pip + step, timeout=300,
                          stdout=subprocess.DEVNULL).returncode:
            return None
    with open(done, "w"):
        pass
    return folder


def provide(name):
    """Make a set importable in this process, behind everything else."""
    try:
        __import__(name)
    except ImportError:
        folder = find(name)
        if folder is not None and folder not in sys.path:
            sys.path.append(folder)


if __name__ == "__main__":
    missing = [name for name in SETS if find(name) is None]
    if missing:
        sys.exit("companions.py: could not be installed: "
                 + ", ".join(missing))
