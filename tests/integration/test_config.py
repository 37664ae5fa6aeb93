"""The command line and the configuration, as an administrator meets them."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ECHOTIMED = os.environ["ECHOTIMED"]
SOURCE = os.environ.get("ETD_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", ".."))
DEADLINE = 30

EX_USAGE, EX_OSERR, EX_CONFIG = 64, 71, 78


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="echotimed-config-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "test.ini")

    def write(self, text):
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(self.path, mode) as file:
            file.write(text)
        return self.path

    def run_daemon(self, *arguments, **options):
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run(
            [ECHOTIMED, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, timeout=DEADLINE, check=False, **options)

    def expect(self, status, *arguments):
        """Runs the daemon; gives what it wrote to its outputs when it ends with that status."""
        done = self.run_daemon(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout, done.stderr

    def mistakes(self, text, *arguments):
        """The mistakes of a file, without the path at their front."""
        path = self.write(text)
        _, errors = self.expect(EX_CONFIG, "-t", "-c", path, *arguments)
        return [line.removeprefix(path + ":") for line in errors.splitlines()]


class CommandLine(Case):
    def test_version_and_help(self):
        for option in "-V", "--version":
            output, errors = self.expect(0, option)
            self.assertRegex(output, r"\Aechotimed \d+\.\d+\.\d+\n\Z")
            self.assertEqual(errors, "")
        for option in "-h", "--help":
            output, errors = self.expect(0, option)
            self.assertEqual(errors, "")
            for word in ("--config", "--option", "--test", "--dump-config", "--version", "--help"):
                self.assertIn(word, output)
            self.assertTrue(all(len(line) <= 100 for line in output.splitlines()))

    def test_misuse(self):
        for arguments in (["-x"], ["--nonsense"], ["-c"], ["-t", "-T"], ["file"], ["-o"],
                          ["-c", "a", "-c", "b"], ["-c", ""]):
            with self.subTest(arguments):
                output, errors = self.expect(EX_USAGE, *arguments)
                self.assertEqual(output, "")
                self.assertRegex(errors, r"\Aechotimed: .*; see echotimed --help\n\Z")

    def test_full_disk_is_a_failure(self):
        for option in "-V", "-h", "-T", "-t":
            with self.subTest(option), open("/dev/full", "w") as full:
                path = self.write("")
                done = self.run_daemon("-c", path, option, stdout=full)
                self.assertEqual(done.returncode, EX_OSERR)
                self.assertIn("standard output cannot be written", done.stderr)


class Check(Case):
    def test_good_file(self):
        path = self.write("[tcp]\nlisten = 127.0.0.1:0\n")
        output, errors = self.expect(0, "-t", "-c", path)
        self.assertEqual(output, f"{path}: the configuration is good: 1 listener\n")
        self.assertEqual(errors, "")

    def test_all_mistakes_in_one_run(self):
        text = (b"; a comment\n"
                b"[daemon]\n"
                b"log_level = loud\n"
                b"[tcp]\n"
                b"listen = 127.0.0.1:70000\n"
                b"idel_timeout = 5s\n"
                b"  backlog = 5\n"
                b"max_message = 2GiB\n"
                b"max_message = 1KiB\n"
                b"allow = 10.0.0.1/8\n"
                b"[udp] ; fine\n"
                b"listen: 127.0.0.1:9000\n"
                b"time_format = \0http\n" + b"x" * 70000 + b"\n"
                b"[upd more]\n"
                b"[udp] junk\n"
                b"[tcp more]\n"
                b"listen = 127.0.0.1:8080\n"
                b"[tcp third]")
        lines = self.mistakes(text, "-o", "tcp.backlog=0", "-o", "nonsense")
        numbers = [line.split(":")[0] for line in lines]
        self.assertEqual(numbers[-2:], ["-o tcp.backlog=0", "-o nonsense"])
        last = int(numbers[-3])
        self.assertEqual([int(number) for number in numbers[:-2]],
                         sorted(int(number) for number in numbers[:-2]))
        for number, words in ((3, "'loud' is not known"), (5, "no port from 0 to 65535"),
                              (6, "did you mean idle_timeout?"), (7, "indented"),
                              (8, "out of its range, 1 to 1GiB"), (9, "in line 8 already"),
                              (10, "write 10.0.0.0/8"), (12, "':'"), (13, "NUL byte"),
                              (14, "the line has 70000 bytes; 65536 are the limit"),
                              (15, "unknown section 'upd more'; did you mean [udp]?"),
                              (16, "something stands behind the section's ']'"),
                              (16, "section [udp] was given in line 11 already"),
                              (last, "collides with 127.0.0.1:8080 of [tcp more]")):
            with self.subTest(number):
                self.assertTrue(any(line.startswith(f"{number}: ") and words in line
                                    for line in lines), lines)

    def test_unknown_names(self):
        self.assertEqual(self.mistakes("[tcp]\nlisen = *:0\n"),
                         ["2: unknown key 'lisen' in [tcp]; did you mean listen?"])
        self.assertEqual(self.mistakes("[tpc]\n"),
                         ["1: unknown section 'tpc'; did you mean [tcp]?"])

    def test_what_is_planned_is_refused_by_its_name(self):
        for section, key, value, words in (
                ("tcp", "listen", "systemd:a", ": 'systemd:a' is not supported yet; write "
                 "HOST:PORT, [IPV6]:PORT or *:PORT"),
                ("udp", "listen", "systemd:a", ": 'systemd:a' is not supported yet; write "
                 "HOST:PORT, [IPV6]:PORT or *:PORT")):
            with self.subTest(f"[{section}] {key}"):
                self.assertEqual(self.mistakes(f"[{section}]\n{key} = {value}\n"),
                                 [f"2: [{section}] {key}{words}"])

    def test_services_of_one_transport_and_references(self):
        self.assertEqual(
            self.mistakes("[tcp]\nservice = ntp\n[udp]\nservice = ntp\nntp_refid = ABCDE\n"),
            ["2: [tcp]: service ntp cannot be carried over TCP; put it into a [udp] section",
             "5: [udp] ntp_refid: 'ABCDE' is neither one to four characters, such as GPS, nor an "
             "IPv4 address"])
        path = self.write("[udp]\nservice = ntp\nntp_refid = GPS\n")
        self.expect(0, "-t", "-c", path)

    def test_two_listeners_on_one_address(self):
        self.assertEqual(
            self.mistakes("[tcp]\nlisten = *:7\n[tcp b]\nlisten = 127.0.0.1:7\n"),
            ["4: [tcp b] listen: 127.0.0.1:7 collides with *:7 of [tcp], given in line 2; give "
             "each listener an address or port of its own"])

    def test_what_is_no_file(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        for path, words in ((self.folder, "this is a folder"),
                            ("/dev/null", "this is no regular file"),
                            (fifo, "this is no regular file"),
                            (self.path, "No such file or directory")):
            with self.subTest(path):
                output, errors = self.expect(EX_CONFIG, "-t", "-c", path)
                self.assertEqual(output, "")
                self.assertTrue(errors.startswith(f"{path}: "), errors)
                self.assertIn(words, errors)
                self.assertEqual(errors.count("\n"), 1)

    def test_options_are_checked_like_the_file(self):
        path = self.write("[tcp]\nlisten = 127.0.0.1:0\n")
        for option, words in (
                ("tcp.backlog=0", "[tcp] backlog: '0' is out of its range, 1 to 65535"),
                ("tcp.backlg=1", "unknown key 'backlg' in [tcp]; did you mean backlog?"),
                ("tpc.backlog=1", "unknown section 'tpc'; did you mean [tcp]?"),
                ("backlog=1", "is not SECTION.KEY=VALUE, such as tcp.listen=*:7000")):
            with self.subTest(option):
                _, errors = self.expect(EX_CONFIG, "-t", "-c", path, "-o", option)
                self.assertEqual(errors, f"-o {option}: {words}\n")

    def test_a_bad_file_is_not_served(self):
        path = self.write("[tcp]\nlisten = 127.0.0.1:0\nbacklog = x\n")
        _, errors = self.expect(EX_CONFIG, "-c", path)
        self.assertEqual(errors, f"{path}:3: [tcp] backlog: 'x' is not a whole number\n")


class Dump(Case):
    def test_sample_and_defaults_are_the_same(self):
        sample, _ = self.expect(0, "-T", "-c", os.path.join(SOURCE, "conf", "echotimed.ini"))
        defaults, _ = self.expect(0, "-T", "-c", self.write(""))
        self.assertEqual(sample, defaults)
        with open(os.path.join(SOURCE, "conf", "echotimed.ini"), encoding="utf-8") as file:
            pairs = [line for line in file.read().splitlines() if re.match(r"[a-z\[]", line)]
        self.assertEqual(pairs, [line for line in defaults.splitlines() if line])

    def test_dump_reads_back(self):
        path = self.write("[tcp a]\nlisten=*:7, [::1]:8, localhost:9\nframing=line\nservice=time\n"
                          "idle_timeout=0\nmessage_timeout=90\n[udp]\nlisten=127.0.0.1:0\n")
        first, _ = self.expect(0, "-T", "-c", path, "-o", "tcp b.c.listen=127.0.0.1:10")
        self.assertIn("[tcp b.c]", first)
        second, _ = self.expect(0, "-T", "-c", self.write(first))
        self.assertEqual(first, second)


class Serve(Case):
    def test_option_overrides_the_file(self):
        path = self.write("[tcp]\nlisten = 127.0.0.1:1\nframing = line\n")
        daemon = subprocess.Popen([ECHOTIMED, "-c", path, "-o", "tcp.listen=127.0.0.1:0"],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        hung = threading.Timer(DEADLINE, daemon.kill)
        hung.start()
        try:
            for line in daemon.stderr:
                found = re.search(r"listening .*address=127\.0\.0\.1:(\d+)", line)
                if found:
                    break
            else:
                self.fail("the daemon ended before it listened")
            with socket.create_connection(("127.0.0.1", int(found[1])), DEADLINE) as peer:
                peer.sendall(b"hello\n")
                self.assertEqual(peer.makefile("rb").readline(), b"hello\n")
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=DEADLINE)
            self.assertEqual(daemon.returncode, 0)
        finally:
            hung.cancel()
            if daemon.poll() is None:
                daemon.kill()
                daemon.communicate()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[1:])
