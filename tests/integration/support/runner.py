"""The main of every integration test file."""

import sys
import unittest

from .daemon import Daemon


class LoggingResult(unittest.TextTestResult):
    """Shows the logs of the daemons that a failed test had started."""

    def startTest(self, test):
        Daemon.started[:] = [daemon for daemon in Daemon.started if daemon.running]
        super().startTest(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._show_logs()

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show_logs()

    def _show_logs(self):
        for number, daemon in enumerate(Daemon.started, 1):
            self.stream.writeln(f"--- log of daemon {number} ({' '.join(daemon.command)})")
            self.stream.write(daemon.log_text())
            self.stream.writeln("--- end of log")


def main():
    """Runs the tests of the calling file; exits with 0 only if some ran, none failed or was skipped."""
    program = unittest.main(
        exit=False,
        testRunner=unittest.TextTestRunner(
            stream=sys.stderr, verbosity=2, resultclass=LoggingResult
        ),
    )
    result = program.result
    problems = []
    if result.testsRun == 0:
        problems.append("no test ran")
    if result.skipped:
        problems.append(f"{len(result.skipped)} tests were skipped")
    if result.expectedFailures:
        problems.append(f"{len(result.expectedFailures)} tests were expected to fail")
    if not result.wasSuccessful():
        problems.append(f"{len(result.failures) + len(result.errors)} tests failed")
    if problems:
        sys.exit(", ".join(problems))
