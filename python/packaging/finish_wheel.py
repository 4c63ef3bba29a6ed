# SPDX-License-Identifier: MIT
"""Puts the licences of the libraries into a wheel that auditwheel repaired.

    finish_wheel.py WHEEL OUT_DIR

Each file of tgvoip.libs/ is traced to the system's package that it came from,
and that package's licence, with the texts it refers to, goes to
*.dist-info/licenses/. A library whose licence is not found fails the wheel.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

# Names that auditwheel gives: libopus-1a2b3c4d.so.0.8.0
HASHED = re.compile(r"^(lib.+?)-[0-9a-f]{8}(\.so.*)$")
COMMON = "/usr/share/common-licenses/"


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def original_path(name):
    """Where the system has the library that was copied."""
    m = HASHED.match(name)
    plain = m.group(1) + m.group(2) if m else name
    # ldconfig knows it by its short name.
    for line in run("/sbin/ldconfig", "-p").splitlines():
        path = line.rpartition("=> ")[2].strip()
        if path and os.path.basename(os.path.realpath(path)) == plain:
            return os.path.realpath(path)
        if path and os.path.basename(path) == plain:
            return os.path.realpath(path)
    raise SystemExit(f"finish_wheel: {plain} is not among the system's "
                     "libraries")


def package_of(path):
    for name in (path, path.replace("/usr/lib/", "/lib/", 1)):
        found = subprocess.run(["dpkg", "-S", name], text=True,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL).stdout
        if found:
            return found.split(":")[0]
    raise SystemExit(f"finish_wheel: no package has {path}")


def licence_texts(path):
    """@return {file name: text} for the package of a library"""
    if os.path.exists("/usr/bin/dpkg"):
        package = package_of(path)
        files = [f"/usr/share/doc/{package}/copyright"]
    else:
        package = run("rpm", "-qf", "--qf", "%{NAME}", path)
        files = run("rpm", "-q", "--licensefiles", package).split()
    texts = {}
    for file in files:
        with open(file, errors="replace") as f:
            texts[f"{package}-{os.path.basename(file)}"] = f.read()
    for text in list(texts.values()):
        for name in re.findall(COMMON + r"([\w.+-]*\w)", text):
            if os.path.exists(COMMON + name):
                with open(COMMON + name) as f:
                    texts[name + ".txt"] = f.read()
    if not texts:
        raise SystemExit(f"finish_wheel: {package} has no licence file")
    return texts


def main():
    wheel, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        run(sys.executable, "-m", "wheel", "unpack", "-d", work, wheel)
        (tree,) = glob.glob(os.path.join(work, "*"))
        (info,) = glob.glob(os.path.join(tree, "*.dist-info"))
        folder = os.path.join(info, "licenses", "libraries")
        os.makedirs(folder)
        for library in sorted(glob.glob(os.path.join(tree, "tgvoip.libs",
                                                     "*.so*"))):
            path = original_path(os.path.basename(library))
            for name, text in licence_texts(path).items():
                with open(os.path.join(folder, name), "w") as f:
                    f.write(text)
        run(sys.executable, "-m", "wheel", "pack", "-d", out, tree)


main()
