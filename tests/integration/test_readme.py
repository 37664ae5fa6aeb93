"""What README.md shows is what happens."""

import os
import re
import tempfile
import unittest

import support
from support import Daemon, run
from support.examples import blocks, check

SOURCE = os.environ["ETD_SOURCE_DIR"]
README = os.path.join(SOURCE, "README.md")
SAMPLE = ["-c", os.path.join(SOURCE, "conf", "echotimed.ini")]


class Readme(unittest.TestCase):
    def test_every_example_prints_what_the_readme_says(self):
        with Daemon(arguments=SAMPLE):
            self.assertGreaterEqual(check(README), 5)

    def test_every_command_of_the_client_succeeds(self):
        with open(README, encoding="utf-8") as file:
            shell = "".join(text for language, text in blocks(file.read()) if language == "sh")
        lines = [line for line in shell.splitlines() if re.search(r"\bechotime ", line)]
        path = os.path.dirname(os.environ["ECHOTIME"]) + os.pathsep + os.environ["PATH"]
        # NTP is asked of a host that is only an example: the daemon is asked instead.
        ntp = ["-o", "udp ntp.listen=127.0.0.1:123", "-o", "udp ntp.service=ntp"]
        told = set()
        with Daemon(arguments=SAMPLE + ntp), tempfile.TemporaryDirectory() as folder:
            for line in lines:
                command = line.replace("//192.0.2.1", "//127.0.0.1")
                command = f"cd {folder} && set -o pipefail && {command}"
                with self.subTest(line):
                    done = run(["bash", "-c", command], environment={"PATH": path})
                    self.assertEqual((done.status, done.errors), (0, b""))
                    self.assertNotEqual(done.output, b"")
                told.add(re.search(r"\bechotime (\w+)", line)[1])
        self.assertEqual(told, {"time", "ping", "send", "load", "health"})


if __name__ == "__main__":
    support.isolate()
    support.main()
