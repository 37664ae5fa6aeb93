"""The harness itself: what must fail a test does."""

import os
import sys
import tempfile
import unittest
from unittest import mock

import support
from support import Daemon

HERE = os.path.dirname(os.path.abspath(__file__))

# A daemon as far as the harness can see: ready when it says so, gone at a SIGTERM.
STAND_IN = """#!/bin/sh
trap 'exit {status}' TERM
echo '2026-11-22T13:33:35.123456Z info listening listener="tcp" address=127.0.0.1:7' >&2
echo '{says}' >&2
while :; do sleep 0.01; done
"""


class HarnessNotices(unittest.TestCase):
    def stand_in(self, status=0, says="hello"):
        file = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False))
        self.addCleanup(os.unlink, file.name)
        file.write(STAND_IN.format(status=status, says=says))
        file.close()
        os.chmod(file.name, 0o755)
        self.enterContext(mock.patch.dict(os.environ, ECHOTIMED=file.name))

    def run_daemon(self):
        with Daemon(notify=False) as daemon:
            self.assertEqual(daemon.address("tcp"), ("127.0.0.1", 7))
            daemon.wait_for_line("", count=2)
        return daemon

    def test_a_good_daemon_passes_and_is_gone_afterwards(self):
        self.stand_in()
        daemon = self.run_daemon()
        with self.assertRaises(ProcessLookupError):
            os.kill(daemon.pid, 0)

    def test_wrong_exit_status_fails(self):
        self.stand_in(status=1)
        with self.assertRaisesRegex(AssertionError, "status 1, not 0"):
            self.run_daemon()

    def test_death_by_a_signal_fails(self):
        self.stand_in()
        with self.assertRaisesRegex(AssertionError, "status -9, not 0"):
            with Daemon(notify=False) as daemon:
                daemon.signal(9)

    def test_report_of_a_sanitizer_fails(self):
        for says in (
            "==1==ERROR: AddressSanitizer: heap-use-after-free",
            "==1==ERROR: LeakSanitizer: detected memory leaks",
            "a.c:1:2: runtime error: signed integer overflow",
        ):
            with self.subTest(says=says):
                self.stand_in(says=says)
                with self.assertRaisesRegex(AssertionError, "sanitizer"):
                    self.run_daemon()

    def test_daemon_that_ends_before_it_is_ready_fails_at_once(self):
        with mock.patch.dict(os.environ, ECHOTIMED="/bin/true"):
            with self.assertRaisesRegex(AssertionError, "the daemon ended"):
                with Daemon():
                    pass

    def test_failing_test_leaves_no_process(self):
        self.stand_in()
        with self.assertRaisesRegex(RuntimeError, "the test's own"):
            with Daemon(notify=False) as daemon:
                raise RuntimeError("the test's own")
        with self.assertRaises(ProcessLookupError):
            os.kill(daemon.pid, 0)


class MainNotices(unittest.TestCase):
    def run_file(self, body):
        program = f"import unittest, support\nclass T(unittest.TestCase):\n{body}\nsupport.main()\n"
        environment = {"PYTHONPATH": HERE}
        return support.run([sys.executable, "-B", "-c", program], environment=environment)

    def test_file_whose_tests_pass_passes(self):
        self.assertEqual(self.run_file("    def test_a(self): pass").status, 0)

    def test_failed_test_fails_the_file(self):
        result = self.run_file("    def test_a(self): self.fail()")
        self.assertNotEqual(result.status, 0)
        self.assertIn(b"1 tests failed", result.errors)

    def test_skipped_test_fails_the_file(self):
        result = self.run_file("    def test_a(self): self.skipTest('no')")
        self.assertNotEqual(result.status, 0)
        self.assertIn(b"1 tests were skipped", result.errors)

    def test_file_without_tests_fails(self):
        result = self.run_file("    pass")
        self.assertNotEqual(result.status, 0)
        self.assertIn(b"no test ran", result.errors)


if __name__ == "__main__":
    support.main()
