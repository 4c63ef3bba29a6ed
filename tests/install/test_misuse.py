# SPDX-License-Identifier: MIT
"""Every public function with nothing but NULL and 0: an error, or nothing, but
never a crash. The calls are made from the headers, so that new functions are
covered when they come."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LIBRARY = os.path.join(os.path.dirname(os.path.dirname(os.environ.get(
    "TGVOIP", os.path.join(ROOT, "build/release/tools/tgvoip")))), "src")
DECLARATION = re.compile(r"TGVOIP_API\s+(?:TGVOIP_MUST_CHECK\s+)?([\w\s*]+?)"
                         r"\b(tgvoip_\w+)\s*\(([^;]*)\);")
MAIN = r"""
int main(void)
{
    int bad = 0;

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        int status;
        pid_t p = fork();
        if (p == 0) {
            alarm(10);
            list[i].call();
            _exit(0);
        }
        if (waitpid(p, &status, 0) != p || status) {
            printf("%s\n", list[i].name);
            bad = 1;
        }
    }
    return bad;
}
"""


def declarations():
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "include/tgvoip/*.h"))):
        with open(path) as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        for returns, name, args in DECLARATION.findall(text):
            found[name] = (returns.strip(), " ".join(args.split()))
    return found


def value(argument):
    if "*" in argument or "[" in argument:
        return "NULL"
    enum = re.search(r"enum \w+", argument)
    return f"({enum.group(0)})99" if enum else "0"


def program():
    functions, rows = [], []
    for name, (_, args) in declarations().items():
        values = [] if args == "void" else [value(a) for a in args.split(",")]
        functions.append(f"static void call_{name}(void)\n{{\n"
                         f"    {name}({', '.join(values)});\n}}\n")
        rows.append(f'    {{"{name}", call_{name}}},')
    return "\n".join([
        "#include <stdio.h>", "#include <sys/wait.h>", "#include <unistd.h>",
        "#include <tgvoip/tgvoip.h>", *functions,
        "static const struct {\n    const char *name;\n"
        "    void (*call)(void);\n} list[] = {", *rows, "};", MAIN])


class Misuse(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tgvoip-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_nothing_but_null(self):
        self.assertGreater(len(declarations()), 60)
        source = os.path.join(self.folder, "misuse.c")
        with open(source, "w") as f:
            f.write(program())
        made = os.path.join(self.folder, "misuse")
        subprocess.run(["cc", "-std=gnu99", "-w", "-I",
                        os.path.join(ROOT, "include"), source, "-o", made,
                        "-L", LIBRARY, "-ltgvoip", f"-Wl,-rpath,{LIBRARY}"],
                       check=True)
        done = subprocess.run([made], stdout=subprocess.PIPE, text=True,
                              timeout=200)
        self.assertEqual(done.stdout, "", "these crash")
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
