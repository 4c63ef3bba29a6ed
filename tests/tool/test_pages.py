# SPDX-License-Identifier: MIT
"""Help, man pages and the completion of three shells know the same options."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from helper import Case, ROOT, TGVOIP, run

MAN = os.path.join(ROOT, "docs", "man")
COMPLETION = os.path.join(ROOT, "tools", "completion")
LONG = r"(?<![\w-])--[a-z][a-z0-9-]*"
GENERAL = {"--help", "--verbose", "--quiet", "--log-level"}


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as f:
        return f.read()


def commands():
    return re.findall(r"(?m)^  ([a-z]+) +[a-z]", run("--help").stdout)


def help_of(command):
    if command == "tgvoipcall":
        return subprocess.run(
            [os.path.join(os.path.dirname(TGVOIP), "tgvoipcall"), "--help"],
            stdout=subprocess.PIPE, text=True).stdout
    return run(command, "--help").stdout


def options_of(command):
    """What the command takes, by its help (examples are of others too)."""
    text = help_of(command).split("\nExample")[0]
    options = set(re.findall(LONG, text))
    if command == "tgvoipcall":
        options |= set(re.findall(r"(?m)^  (-[a-z]) ", text))
    return options


def page_of(command):
    name = command if command == "tgvoipcall" else f"tgvoip-{command}"
    text = read(MAN, name + ".1.rst")
    return re.sub(r"(?m)^\.\. include:: (.*)$",
                  lambda m: read(MAN, m.group(1)), text)


def options_of_page(command):
    found = set()
    for line in page_of(command).splitlines():
        if line.startswith("``-"):
            found |= set(re.findall(r"``(-[a-z]|--[a-z0-9-]+)``", line))
    short = "[a-z]" if command == "tgvoipcall" else "[^hvq]"
    return {o for o in found if o.startswith("--")
            or re.fullmatch("-" + short, o)} - {"-h", "-v", "-q"}


class Pages(Case):
    def test_man_pages_know_every_option_and_no_other(self):
        self.assertGreaterEqual(len(commands()), 5)
        for command in commands() + ["tgvoipcall"]:
            self.assertEqual(options_of_page(command), options_of(command),
                             command)

    def test_every_event_is_in_the_page_of_its_command(self):
        for source, pages in (("cmd_relay.c", ["relay"]),
                              ("cmd_demo.c", ["demo"]),
                              ("events.c", ["call", "demo"])):
            names = re.findall(r'events_begin\([^",]+, "(\w+)"',
                               read(ROOT, "tools", source))
            self.assertGreaterEqual(len(names), 2, source)
            text = "".join(map(page_of, pages))
            for name in names:
                self.assertIn(f"\n``{name}``\n", text, source)

    def test_every_reason_for_a_road_is_explained(self):
        """In the page of the command, the documentation and the report."""
        reasons = {"p2p", "lan"}
        for name in glob.glob(os.path.join(ROOT, "src", "legacy", "*.c")):
            reasons |= set(re.findall(
                r'(?:tgv_paths_(?:move|leave|remove)|leave_direct)'
                r'\([^;"]*"(\w+)"', read(name)))
        self.assertGreaterEqual(len(reasons), 8)
        route = page_of("call").split("``route``")[1].split("\n\n")[0]
        route = route.split("``reason``")[1]
        self.assertEqual(set(re.findall(r"``(\w+)``", route)), reasons)
        table = read(ROOT, "docs", "roads.md").split("| reason |")[1]
        table = table.split("\n\n")[0]
        self.assertEqual(set(re.findall(r"`(\w+)`(?=,| \|)", table)), reasons)
        report = read(ROOT, "tools", "report.html.in")
        words = re.search(r"const WHY = {(.*?)};", report, re.S).group(1)
        self.assertEqual(set(re.findall(r'(\w+): "', words)), reasons)

    def test_overview_names_every_command(self):
        text = read(MAN, "tgvoip.1.rst")
        for command in commands():
            self.assertRegex(text, rf"(?m)^``{command}``$")
            self.assertIn(f"**tgvoip-{command}**\\ (1)", text)

    def test_every_page_has_its_sections(self):
        for name in glob.glob(os.path.join(MAN, "*.1.rst")):
            text = re.sub(r"(?m)^\.\. include:: (.*)$",
                          lambda m: read(MAN, m.group(1)), read(name))
            for section in ("Synopsis", "Description", "Options",
                            "Exit codes", "Examples", "See also"):
                self.assertRegex(text, rf"(?m)^{section}\n=+$", name)

    def test_pages_are_built_without_a_warning(self):
        program = next(filter(None, map(shutil.which, (
            "rst2man", "rst2man.py", "rst2man3"))))
        for name in glob.glob(os.path.join(MAN, "*.1.rst")):
            done = subprocess.run([program, "--strict", name],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn(".SH NAME", done.stdout)

    def test_examples_with_keys_use_files(self):
        for name in glob.glob(os.path.join(MAN, "*.1.rst")):
            for value in re.findall(r"(?:--key|-k) (\S+)", read(name)):
                if "*" not in value and "``" not in value:
                    self.assertRegex(value, "^(@|VALUE)", name)


class Bash(Case):
    def complete(self, *words):
        """COMPREPLY at the end of these words."""
        script = (
            'source "$1"; shift; COMP_WORDS=("$@"); '
            'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
            '$(complete -p "$1" | sed "s/.*-F \\([^ ]*\\) .*/\\1/"); '
            'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(
            ["bash", "--norc", "-c", script, "bash",
             os.path.join(COMPLETION, "tgvoip.bash"), *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.folder)
        self.assertEqual(done.stderr, "", words)
        return set(filter(None, done.stdout.splitlines()))

    def test_bash_knows_every_option_and_no_other(self):
        self.assertEqual(self.complete("tgvoip", ""),
                         {*commands(), "--help", "--version"})
        for command in commands():
            got = self.complete("tgvoip", command, "--")
            self.assertEqual(got, options_of(command), command)
        self.assertEqual(self.complete("tgvoipcall", "-") - {"-h", "-v", "-q"},
                         options_of("tgvoipcall"))

    def test_bash_knows_which_options_have_values(self):
        """After an option with a value it offers no options."""
        for command in commands():
            text = help_of(command)
            for option in options_of(command):
                takes = re.search(rf"(?m)^ +(-\w, )?{option} +\S", text) and \
                    not re.search(rf"(?m)^ +(-\w, )?{option}   ", text)
                got = self.complete("tgvoip", command, option, "--")
                if takes:
                    self.assertFalse(got & {"--help"}, (command, option))
                elif command != "keys":
                    self.assertIn("--help", got, (command, option))

    def test_every_limit_of_a_relay_is_everywhere(self):
        limits = set(re.findall(
            r'\{"([a-z-]+)", &l->', read(ROOT, "tools", "cmd_relay.c")))
        self.assertGreaterEqual(len(limits), 13)
        self.assertEqual(self.complete("tgvoip", "relay", "--limit", ""),
                         {limit + "=" for limit in limits})
        for text in (help_of("relay"), page_of("relay"),
                     read(COMPLETION, "_tgvoip"),
                     read(COMPLETION, "tgvoip.fish")):
            self.assertLessEqual(limits, set(re.findall(
                r"(?<![\w-])([a-z][a-z-]*)=", text)))

    def test_bash_completes_values(self):
        self.write("key.hex", "00")
        os.mkdir(self.path("folder"))
        for words, want in (
                (("tgvoip", "re"), {"relay"}),
                (("tgvoip", "call", "--role", ""), {"caller", "callee"}),
                (("tgvoip", "inspect", "--role", "b"), {"both"}),
                (("tgvoip", "call", "--network", "other_h"),
                 {"other_high_speed"}),
                (("tgvoip", "demo", "--profile", "3g"),
                 {"3g1", "3g2", "3g3", "3g4", "3gdelay", "3goutage"}),
                (("tgvoip", "call", "--key", ""), {"@"}),
                (("tgvoip", "call", "--key", "@k"), {"@key.hex"}),
                (("tgvoip", "call", "--out", "f"), {"folder/"}),
                (("tgvoip", "inspect", ""), {"key.hex", "folder/"}),
                (("tgvoip", "keys", "f"), {"fingerprint"}),
                (("tgvoipcall", "a:1", "00", "-k", "@"),
                 {"@key.hex", "@folder/"}),
                (("tgvoipcall", "-r", ""), {"caller", "callee"}),
                (("tgvoipcall", "-i", "k"), {"key.hex"}),
                (("tgvoipcall", ""), set()),
                (("tgvoip", "nothing", ""), set())):
            self.assertEqual(self.complete(*words), want, words)


class OtherShells(Case):
    def test_zsh_knows_every_option_and_no_other(self):
        text = read(COMPLETION, "_tgvoip")
        lists = {name: set(re.findall(LONG + r"(?=[\[}])", body))
                 for name, body in re.findall(
                     r"(?ms)^(_tgvoip_\w+)=\($(.*?)^\)$", text)}
        for command in commands() + ["tgvoipcall"]:
            name = "_tgvoipcall" if command == "tgvoipcall" \
                else f"_tgvoip_{command}"
            body = re.search(rf"(?ms)^{name}\(\) {{$(.*?)^}}$", text).group(1)
            got = set(re.findall(r"['\"*](--?[a-z][a-z0-9-]*)\[", body))
            for used in re.findall(r"\$(_tgvoip_\w+)", body):
                got |= lists[used]
            self.assertEqual(got, options_of(command), command)

    def test_fish_knows_every_option_and_no_other(self):
        text = read(COMPLETION, "tgvoip.fish")
        names = dict(re.findall(r"set -l (\w+) '__tgvoip_in ([^']*)'", text))
        found = {command: {"--help"} for command in commands()}
        for where, option in re.findall(
                r"(?m)-n (?:'__tgvoip_in ([^']*)'|\$(?:\w+)).*?-l ([\w-]+)",
                re.sub(r"-n \$(\w+)",
                       lambda m: f"-n '__tgvoip_in {names[m.group(1)]}'",
                       text)):
            for command in where.split():
                found[command].add("--" + option)
        for command in commands():
            self.assertEqual(found[command], options_of(command), command)
        text = read(COMPLETION, "tgvoipcall.fish")
        lines = r"(?m)^complete .*"
        got = {"-" + o for o in re.findall(lines + r"-s (\w) ", text)} | \
            {"--" + o for o in re.findall(lines + r"-l ([\w-]+)", text)}
        self.assertEqual(got - {"-h", "-v", "-q"}, options_of("tgvoipcall"))

    def check(self, shell, *args):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        done = subprocess.run([shell, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, HOME=self.folder))
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def test_zsh_reads_it(self):
        self.check("zsh", "-n", os.path.join(COMPLETION, "_tgvoip"))

    def test_fish_reads_it_and_completes(self):
        files = [os.path.join(COMPLETION, name)
                 for name in ("tgvoip.fish", "tgvoipcall.fish")]
        for name in files:
            self.check("fish", "-n", name)
        out = self.check("fish", "-c", f"source {files[0]}; source {files[1]}"
                         "; complete -C 'tgvoip call --role '"
                         "; complete -C 'tgvoipcall -s a'")
        self.assertEqual([line.split("\t")[0] for line in out.splitlines()],
                         ["callee", "caller", "always"])


class Installed(Case):
    def test_link_pages_and_completion_are_installed(self):
        build = os.path.dirname(os.path.dirname(TGVOIP))
        if not os.path.exists(os.path.join(build, "cmake_install.cmake")):
            self.skipTest("the tool is not in a build folder")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cmake", "--install", build, "--prefix", folder],
                           stdout=subprocess.DEVNULL, check=True)
            self.assertEqual(os.readlink(
                os.path.join(folder, "bin", "tgvoipcall")), "tgvoip")
            done = subprocess.run(
                [os.path.join(folder, "bin", "tgvoipcall"), "--help"],
                stdout=subprocess.PIPE, text=True)
            self.assertIn("usage: tgvoipcall", done.stdout)
            for page in glob.glob(os.path.join(MAN, "*.1.rst")):
                name = os.path.basename(page)[:-4]
                self.assertTrue(os.path.exists(os.path.join(
                    folder, "share", "man", "man1", name)), name)
            for name in ("bash-completion/completions/tgvoip",
                         "bash-completion/completions/tgvoipcall",
                         "zsh/site-functions/_tgvoip",
                         "fish/vendor_completions.d/tgvoip.fish",
                         "fish/vendor_completions.d/tgvoipcall.fish"):
                self.assertTrue(os.path.exists(os.path.join(
                    folder, "share", name)), name)


if __name__ == "__main__":
    unittest.main()
