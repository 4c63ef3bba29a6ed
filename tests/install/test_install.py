# SPDX-License-Identifier: MIT
"""An ordinary user builds, installs into his home and uses the library.

Run by root, everything here happens as user 65534 in a folder of his own.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
USER = 65534
LIMIT_S = 300


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="tgvoip-install-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.source = os.path.join(cls.folder, "source")
        cls.prefix = os.path.join(cls.folder, "home", ".local")
        cls.copy_sources()
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{USER}:{USER}", cls.folder],
                           check=True)
        build = os.path.join(cls.folder, "build")
        cls.run_ok(["cmake", "-S", cls.source, "-B", build, "-G", "Ninja",
                    "-DCMAKE_BUILD_TYPE=Debug", "-DTGVOIP_TESTS=OFF",
                    f"-DCMAKE_INSTALL_PREFIX={cls.folder}/elsewhere"])
        cls.run_ok(["cmake", "--build", build])
        cls.run_ok(["cmake", "--install", build, "--prefix", cls.prefix])
        cls.libdir = os.path.dirname(glob.glob(
            cls.prefix + "/**/libtgvoip.so", recursive=True)[0])

    @classmethod
    def copy_sources(cls):
        """What the repository holds or would hold, and nothing else."""
        files = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co",
             "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE,
            check=True).stdout.decode().split("\0")
        for name in files:
            at = os.path.join(ROOT, name)
            if name and os.path.isfile(at):
                to = os.path.join(cls.source, name)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                shutil.copy(at, to)

    @classmethod
    def run_ok(cls, cmd, env=None, cwd=None):
        if os.geteuid() == 0:
            cmd = ["setpriv", f"--reuid={USER}", f"--regid={USER}",
                   "--clear-groups", *cmd]
        merged = dict(os.environ, HOME=os.path.join(cls.folder, "home"),
                      **(env or {}))
        done = subprocess.run(cmd, cwd=cwd or cls.folder, env=merged,
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT_S)
        if done.returncode != 0:
            raise AssertionError(f"{cmd} ended with {done.returncode}:\n"
                                 + done.stdout[-4000:])
        return done.stdout

    def version(self):
        with open(f"{ROOT}/include/tgvoip/version.h") as f:
            return re.search(r'TGVOIP_VERSION "([^"]+)"', f.read()).group(1)

    def here(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.isdir(path):
            self.run_ok(["mkdir", path])
        return path

    def use_source(self, name):
        return os.path.join(self.source, "tests", "install", "consumer", name)

    def test_everything_is_there(self):
        for path in ("bin/tgvoip", "bin/tgvoipcall",
                     "share/bash-completion/completions/tgvoip",
                     "share/zsh/site-functions/_tgvoip",
                     "share/fish/vendor_completions.d/tgvoip.fish",
                     "include/tgvoip/tgvoip.h",
                     "include/tgvoip/call.h", "share/tgvoip/speech.flac"):
            self.assertTrue(os.path.isfile(f"{self.prefix}/{path}"), path)
        for path in ("libtgvoip.so.0", "pkgconfig/tgvoip.pc",
                     "cmake/tgvoip/tgvoip-config.cmake",
                     "cmake/tgvoip/tgvoip-config-version.cmake"):
            self.assertTrue(os.path.exists(f"{self.libdir}/{path}"), path)

    def test_nothing_else_is_there(self):
        files = [os.path.relpath(os.path.join(at, f), self.prefix)
                 for at, _, names in os.walk(self.prefix) for f in names]
        odd = [f for f in files if "tgvoip" not in f
               or f.endswith((".c", ".a", ".o"))]
        self.assertEqual(odd, [])
        self.assertFalse(os.path.exists(os.path.join(self.folder,
                                                     "elsewhere")))

    def test_installed_files_name_no_build_path(self):
        for at, _, names in os.walk(self.libdir):
            for name in names:
                if name.endswith((".pc", ".cmake")):
                    with open(os.path.join(at, name)) as f:
                        text = f.read()
                    for path in (self.source, "elsewhere",
                                 self.folder + "/build"):
                        self.assertNotIn(path, text, name)

    def test_only_tgvoip_symbols_are_exported(self):
        out = self.run_ok(["nm", "-D", "--defined-only",
                           f"{self.libdir}/libtgvoip.so"])
        names = [line.split()[-1] for line in out.splitlines() if line]
        self.assertIn("tgvoip_call_create", names)
        self.assertEqual([n for n in names if not n.startswith("tgvoip_")],
                         [])

    def test_every_documented_function_is_exported(self):
        out = self.run_ok(["nm", "-D", "--defined-only",
                           f"{self.libdir}/libtgvoip.so"])
        exported = {line.split()[-1] for line in out.splitlines() if line}
        declared = set()
        for header in glob.glob(f"{self.prefix}/include/tgvoip/*.h"):
            with open(header) as f:
                text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
            for piece in re.findall(r"TGVOIP_API\b([^;]*);", text):
                name = re.search(r"\b(tgvoip_\w+)\s*\(", piece)
                if name:
                    declared.add(name.group(1))
        self.assertGreater(len(declared), 60)
        self.assertEqual(declared - exported, set())
        self.assertEqual(exported - declared, set())

    def test_installed_tool_makes_a_call(self):
        out = self.here("demo")
        self.run_ok([f"{self.prefix}/bin/tgvoip", "demo", "--seconds", "2",
                     "--out", out])
        self.assertGreater(os.path.getsize(f"{out}/callee.wav"), 10_000)

    def test_prefix_may_be_moved(self):
        moved = os.path.join(self.folder, "moved")
        self.run_ok(["cp", "-a", self.prefix, moved])
        out = self.run_ok([f"{moved}/bin/tgvoip", "--version"])
        self.assertIn(self.version(), out)
        where = os.path.relpath(self.libdir, self.prefix)
        flags = self.run_ok(["pkg-config", "--cflags", "tgvoip"], {
            "PKG_CONFIG_PATH": f"{moved}/{where}/pkgconfig"})
        self.assertIn(moved, os.path.normpath(flags.split("-I")[1].strip()))

    def pkg_config(self, compiler, source, *flags):
        work = self.here("pc")
        env = {"PKG_CONFIG_PATH": f"{self.libdir}/pkgconfig"}
        found = self.run_ok(["pkg-config", "--cflags", "--libs", "tgvoip"],
                            env).split()
        program = os.path.join(work, os.path.basename(source) + ".out")
        self.run_ok([compiler, *flags, "-Wall", "-Wextra", "-pedantic",
                     "-Werror", source, *found, "-o", program])
        out = self.run_ok([program], {"LD_LIBRARY_PATH": self.libdir})
        self.assertEqual(out.strip(), self.version())

    def test_pkg_config_consumer_in_c99(self):
        self.pkg_config("cc", self.use_source("use.c"), "-std=c99")

    def test_pkg_config_consumer_in_cpp(self):
        self.pkg_config("c++", self.use_source("use.cpp"), "-std=c++11")

    def test_find_package_consumers(self):
        work = self.here("fp")
        self.run_ok(["cmake", "-S", os.path.dirname(self.use_source("use.c")),
                     "-B", work, "-G", "Ninja",
                     f"-DCMAKE_PREFIX_PATH={self.prefix}"])
        self.run_ok(["cmake", "--build", work])
        for name in ("use_c", "use_cpp"):
            self.assertEqual(self.run_ok([f"{work}/{name}"]).strip(),
                             self.version())

    def test_add_subdirectory_consumer(self):
        work = self.here("sub")
        self.run_ok(["cmake", "-S",
                     os.path.join(self.source, "tests", "install",
                                  "subproject"), "-B", work, "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=Debug", "-DBUILD_SHARED_LIBS=OFF",
                     f"-DTGVOIP_SOURCE={self.source}"])
        self.run_ok(["cmake", "--build", work, "--target", "use_c"])
        self.assertEqual(self.run_ok([f"{work}/use_c"]).strip(),
                         self.version())

    def test_example_of_the_readme_compiles(self):
        with open(os.path.join(ROOT, "README.md")) as f:
            code = re.findall(r"```c\n(.*?)```", f.read(), re.S)
        self.assertTrue(code, "README.md holds no C")
        work = self.here("readme")
        for i, text in enumerate(code):
            path = os.path.join(work, f"example{i}.c")
            with open(path, "w") as f:
                f.write(text)
            env = {"PKG_CONFIG_PATH": f"{self.libdir}/pkgconfig"}
            flags = self.run_ok(["pkg-config", "--cflags", "--libs",
                                 "tgvoip"], env).split()
            self.run_ok(["cc", "-std=c99", "-Wall", "-Wextra", "-pedantic",
                         "-Werror", path, *flags, "-o", path + ".out"])


if __name__ == "__main__":
    unittest.main()
