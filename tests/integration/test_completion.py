"""The completion of echotimed in a real bash, as it is installed: what a user gets for a TAB."""

import os
import pty
import re
import select
import shlex
import subprocess
import tempfile
import time
import unittest

import support

SCRIPT = os.path.join(os.environ["ETD_BINARY_DIR"], "docs", "completion", "echotimed")
TABLES = os.path.join(os.environ["ETD_BINARY_DIR"], "docs", "etd_tables")


def names(kind):
    """What the program's tables hold of that kind."""
    lines = support.run([TABLES, "names"]).output.decode().splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(kind + " ")]


def pieces(line, breaks):
    """The words of a command line as bash cuts them, the last ending at the cursor."""
    found = []
    for word in line.split(" "):
        cut = [piece for piece in re.split(f"([{re.escape(breaks)}]+)", word) if piece]
        found += cut or [""]
    return found


class Case(unittest.TestCase):
    def complete(self, line, breaks="=:", folder=None):
        """What COMPREPLY holds when TAB is pressed behind `line`, sorted."""
        words = pieces(line, breaks) if breaks else line.split(" ")
        program = (
            "set -u\n"
            f"source {shlex.quote(SCRIPT)}\n"
            f"COMP_WORDS=({' '.join(shlex.quote(word) for word in words)})\n"
            f"COMP_CWORD={len(words) - 1} COMP_LINE={shlex.quote(line)} COMP_POINT=${{#COMP_LINE}}\n"
            "_echotimed echotimed\n"
            'for reply in "${COMPREPLY[@]}"; do printf "%s\\n" "$reply"; done\n'
        )
        done = subprocess.run(
            ["bash", "--norc", "-c", program],
            capture_output=True,
            cwd=folder,
            timeout=support.DEADLINE,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return sorted(done.stdout.decode().splitlines())


class Options(Case):
    def test_options_are_those_of_help(self):
        told = support.run([os.environ["ECHOTIMED"], "--help"]).output.decode()
        options = re.findall(r"^  (-\w), (--[\w-]+)", told, re.MULTILINE)
        self.assertGreaterEqual(len(options), 6)
        expected = sorted(name for pair in options for name in pair)
        self.assertEqual(self.complete("echotimed "), expected)
        self.assertEqual(self.complete("echotimed -c a.ini -o tcp.listen=*:7 "), expected)

    def test_an_option_that_is_begun(self):
        self.assertEqual(self.complete("echotimed --v"), ["--version"])
        self.assertEqual(self.complete("echotimed -t --d"), ["--dump-config"])

    def test_the_command_has_this_completion(self):
        done = support.run(["bash", "--norc", "-c", f"source {shlex.quote(SCRIPT)}; complete -p echotimed"])
        self.assertEqual(done.output, b"complete -F _echotimed echotimed\n")

    def test_it_is_found_where_bash_looks_for_it(self):
        with tempfile.TemporaryDirectory(prefix="echotimed-install-") as folder:
            command = ["cmake", "--install", os.environ["ETD_BINARY_DIR"]]
            done = support.run(command, environment={"DESTDIR": folder})
            self.assertEqual(done.status, 0, done.errors)
            found = [
                os.path.join(at, name)
                for at, _, files in os.walk(folder)
                for name in files
                if at.endswith("/share/bash-completion/completions")
            ]
            self.assertIn("echotimed", [os.path.basename(path) for path in found])


class Files(Case):
    def test_config_offers_files(self):
        with tempfile.TemporaryDirectory(prefix="echotimed-completion-") as folder:
            for name in "echo.ini", "echo two.ini", "other.ini":
                open(os.path.join(folder, name), "w", encoding="ascii").close()
            both = ["echo two.ini", "echo.ini"]
            for line in "-c ech", "--config ech", "--config=ech", "-t --config=ech":
                with self.subTest(line):
                    self.assertEqual(self.complete("echotimed " + line, folder=folder), both)
            attached = ["-cecho two.ini", "-cecho.ini"]
            self.assertEqual(self.complete("echotimed -cech", folder=folder), attached)
            whole = ["--config=echo two.ini", "--config=echo.ini"]
            self.assertEqual(self.complete("echotimed --config=ech", "", folder), whole)
            self.assertEqual(len(self.complete("echotimed -c ", folder=folder)), 3)


class Settings(Case):
    def test_every_key_of_the_table_and_no_other(self):
        expected = sorted(key + "=" for key in names("key"))
        self.assertGreater(len(expected), 40)
        self.assertEqual(self.complete("echotimed -o "), expected)
        self.assertEqual(self.complete("echotimed --option="), expected)

    def test_a_key_that_is_begun(self):
        self.assertEqual(self.complete("echotimed -o tcp.idle"), ["tcp.idle_timeout="])
        self.assertEqual(self.complete("echotimed -t --option=udp.rate_l"), ["udp.rate_limit="])
        self.assertEqual(self.complete("echotimed -oudp.rate_l"), ["-oudp.rate_limit="])
        self.assertEqual(self.complete("echotimed -o nonsense"), [])

    def test_choices(self):
        services = sorted(names("service"))
        self.assertEqual(self.complete("echotimed -o tcp.service="), services)
        self.assertEqual(self.complete("echotimed --option=udp.service="), services)
        self.assertEqual(self.complete("echotimed -o tcp.framing=length"), ["length16", "length32"])
        formats = sorted(names("time-format"))
        self.assertEqual(self.complete("echotimed -o udp.time_format="), formats)

    def test_booleans(self):
        self.assertEqual(self.complete("echotimed -o tcp.reuse_port="), ["no", "yes"])
        self.assertEqual(self.complete("echotimed -o tcp.reuse_port=y"), ["yes"])

    def test_a_quantity_offers_its_default(self):
        self.assertEqual(self.complete("echotimed -o tcp.idle_timeout="), ["60s"])

    def test_names_that_the_system_knows(self):
        self.assertIn("root", self.complete("echotimed -o daemon.user=ro"))
        self.assertIn("root", self.complete("echotimed -o daemon.group=ro"))
        with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
            known = sorted(file.read().split())
        self.assertEqual(self.complete("echotimed -o tcp.congestion_control="), known)

    def test_where_the_user_has_bash_not_part_words_at_equals(self):
        self.assertEqual(self.complete("echotimed -o tcp.framing=l", "")[0], "tcp.framing=length16")
        self.assertEqual(
            self.complete("echotimed --option=tcp.reuse_port=y", ""), ["--option=tcp.reuse_port=yes"]
        )

    def test_what_stands_before_has_no_influence(self):
        line = "echotimed -c a.ini -o tcp.listen=[::1]:7000 -o tcp.service=d"
        self.assertEqual(self.complete(line), ["daytime", "discard"])
        self.assertEqual(self.complete("echotimed -o tcp.service= --te"), ["--test"])


class Typed(unittest.TestCase):
    """Bash itself cuts the words and puts the answer in: keys as a user types them."""

    def typed(self, text):
        """The arguments that a command gets for which `text`, TABs and all, is typed."""
        environment = {**os.environ, "PS1": "$ ", "TERM": "dumb", "INPUTRC": "/dev/null"}
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "bash", "--norc", "--noprofile", "-i"],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
        ) as shell:  # fmt: skip
            os.close(theirs)
            try:
                # In the shell's echo of what is typed the words are not whole, and so not found.
                define = 'echotimed() { printf "<%s>" "$@"; echo en""d; }'
                os.write(ours, f'source {shlex.quote(SCRIPT)}; {define}; echo rea""dy\n'.encode())
                self.read_until(ours, b"ready")
                os.write(ours, text.encode() + b"\n")
                shown = self.read_until(ours, b"end")
            finally:
                shell.kill()
        return re.findall("<(.*?)>", shown.decode())

    def read_until(self, terminal, mark):
        shown = b""
        end = time.monotonic() + support.DEADLINE
        while mark not in shown:
            if not select.select([terminal], [], [], end - time.monotonic())[0]:
                raise AssertionError(f"bash does not show {mark}, but {shown}")
            shown += os.read(terminal, 65536)
        return shown

    def test_a_whole_line(self):
        self.assertEqual(
            self.typed("echotimed --te\t-o tcp.fram\tli\t-o udp.ser\tst\t--dump\t"),
            ["--test", "-o", "tcp.framing=line", "-o", "udp.service=stamp", "--dump-config"],
        )


if __name__ == "__main__":
    support.main()
