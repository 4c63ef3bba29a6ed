# SPDX-License-Identifier: MIT
"""Writes the C source of the extension module `tgvoip._native`.

    build_ffi.py INCLUDE_DIR OUT.c

Every public header of the library is declared to cffi, read from the header
itself, so that the C compiler compares what Python believes with what C says
and nothing has to be written twice.
"""
import os
import re
import sys

from cffi import FFI

HERE = os.path.dirname(os.path.abspath(__file__))
OWN = ("bridge.h", "hub.h")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
NUMBER = re.compile(r"\s*#\s*define\s+(TGV\w+)\s+(\d+|0x[0-9a-fA-F]+)\s*$")
ATTRIBUTES = re.compile(
    r"\bTGVOIP_(?:API|MUST_CHECK)\b|\bTGVOIP_PRINTF\s*\([^)]*\)")


def declarations(folder, name, seen):
    """What a header declares, and before it what it includes of ours."""
    if name in seen or not name.startswith("tgvoip/"):
        return []
    seen.add(name)
    with open(os.path.join(folder, name)) as f:
        text = COMMENT.sub(" ", f.read())
    lines, depth = [], 0
    for line in text.replace("\\\n", " ").splitlines():
        word = line.strip()
        if word.startswith("#"):
            directive = word[1:].strip()
            if directive.startswith("if"):
                depth += 1
            elif directive.startswith("endif"):
                depth -= 1
            elif depth == 1:        # inside the include guard only
                include = INCLUDE.match(line)
                if include:
                    lines += declarations(folder, include.group(1), seen)
                elif NUMBER.match(line):
                    lines.append(word)
        elif depth == 1 and word:
            lines.append(ATTRIBUTES.sub("", line))
    return lines


def own_declarations(name):
    with open(os.path.join(HERE, name)) as f:
        text = f.read()
    part = text.split("/* CDEF */")[1].split("/* CDEF END */")[0]
    return COMMENT.sub(" ", part)


def main():
    include, out = sys.argv[1:]
    ffi = FFI()
    ffi.cdef("\n".join(declarations(include, "tgvoip/tgvoip.h", set())))
    for name in OWN:
        ffi.cdef(own_declarations(name))
    ffi.set_source("tgvoip._native",
                   "#include <tgvoip/tgvoip.h>\n"
                   + "".join(f'#include "{name}"\n' for name in OWN))
    ffi.emit_c_code(out)


main()
