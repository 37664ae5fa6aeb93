"""The log: what its lines look like, and that nobody reading it never holds the daemon."""

import re
import signal
import unittest
from datetime import datetime, timedelta, timezone

import support
from support import Daemon, connect, exchange, wait_until

# One line in the log for each connection.
CHATTY = "[daemon]\nlog_connections = yes\n[tcp]\nlisten = 127.0.0.1:0\n"


class LogLines(unittest.TestCase):
    def test_every_line_bears_the_time_and_a_level(self):
        with Daemon(CHATTY) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
        self.assertGreater(len(daemon.log), 1)
        for line in daemon.log:
            self.assertRegex(
                line.text,
                r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (error|warning|notice|info|debug) \S",
            )
            told = datetime.fromisoformat(line.text.split()[0])
            self.assertLess(abs(datetime.now(timezone.utc) - told), timedelta(minutes=5))

    def test_closed_connection_is_a_line_when_asked_for(self):
        with Daemon(CHATTY) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
                host, port = stream.getsockname()
            line = daemon.wait_for_line("closed")
            self.assertIn(f"{host}:{port}", line.text)

    def test_level_error_leaves_out_the_rest(self):
        configuration = CHATTY.replace("[daemon]", "[daemon]\nlog_level = error")
        with Daemon(configuration) as daemon:
            pass
        self.assertEqual(daemon.log_text(), "")

    def test_counters_that_are_asked_for_are_told_at_level_notice(self):
        configuration = CHATTY.replace("[daemon]", "[daemon]\nlog_level = notice")
        with Daemon(configuration, notify=True) as daemon:
            daemon.signal(signal.SIGUSR1)
            daemon.wait_for_line("counters")


class UnreadLog(unittest.TestCase):
    # Each connection is a line, and a line more than 40 bytes: twice what the pipe holds.
    CONNECTIONS = 200
    PIPE = 4096

    def test_full_pipe_blocks_nothing_and_loses_lines_that_are_counted(self):
        with Daemon(CHATTY, log_pipe_size=self.PIPE) as daemon:
            address = daemon.address("tcp")
            daemon.pause_log()
            before = daemon.open_descriptors()
            for _ in range(self.CONNECTIONS):
                with connect(address) as stream:
                    self.assertEqual(exchange(stream, b"hello"), b"hello")
            daemon.wait_for_descriptors(before)
            daemon.resume_log()
            # The next line that passes tells how many did not.
            wait_until(self.told_lost(daemon, address), "a line that tells of lost ones")

    def told_lost(self, daemon, address):
        def look():
            with connect(address) as stream:
                exchange(stream, b"hello")
            return any(re.search(r"\blost\b|\bdropped\b", line.text) for line in daemon.log)

        return look

    def test_closed_pipe_does_not_end_the_daemon(self):
        with Daemon(CHATTY) as daemon:
            address = daemon.address("tcp")
            daemon.close_log()
            for _ in range(10):
                with connect(address) as stream:
                    self.assertEqual(exchange(stream, b"hello"), b"hello")


if __name__ == "__main__":
    support.isolate()
    support.main()
