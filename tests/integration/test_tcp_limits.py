"""max_connections, and the limits of the host."""

import resource
import time
import unittest

import support
from support import Daemon, connect, exchange, wait_until

LIMIT = 5
CONFIGURATION = f"[daemon]\nmax_connections = {LIMIT}\n[tcp]\nlisten = 127.0.0.1:0\n"


def is_served(stream):
    """Whether an echo comes back; not, when the daemon closed the connection in whatever way."""
    try:
        stream.sendall(b"?")
        return stream.recv(1) == b"?"
    except (ConnectionResetError, BrokenPipeError):
        return False


class MaxConnections(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(CONFIGURATION))
        self.within = [self.connect() for _ in range(LIMIT)]
        for stream in self.within:
            exchange(stream, b"hello")

    def connect(self):
        return self.enterContext(connect(self.daemon.address("tcp")))

    def test_those_over_the_limit_are_closed_and_those_within_feel_nothing(self):
        for _ in range(20):
            self.assertFalse(is_served(self.connect()))
        for stream in self.within:
            self.assertEqual(exchange(stream, b"still here"), b"still here")

    def test_one_over_the_limit_that_says_nothing_is_closed_too(self):
        silent = self.connect()
        try:
            self.assertEqual(silent.recv(1), b"")
        except ConnectionResetError:
            pass

    def test_a_place_that_becomes_free_is_given_again(self):
        self.assertFalse(is_served(self.connect()))
        self.within.pop().close()
        wait_until(lambda: is_served(self.connect()), "a new connection that is served")

    def test_refusals_are_logged_at_a_bounded_rate(self):
        before = len(self.daemon.log)
        for _ in range(100):
            self.assertFalse(is_served(self.connect()))
        self.daemon.wait_for_line("", count=before + 1)
        # 100 refusals take far less than 5 seconds, and a line a second is allowed.
        self.assertLess(len(self.daemon.log) - before, 10)


class OutOfDescriptors(unittest.TestCase):
    def limit_descriptors(self, daemon, limit):
        _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (limit, hard))

    def test_accepting_pauses_without_spinning_and_goes_on_by_itself(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            with connect(daemon.address("tcp")) as served:
                exchange(served, b"hello")
                enough, _ = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
                self.limit_descriptors(daemon, daemon.open_descriptors())
                with connect(daemon.address("tcp")) as waiting:
                    waiting.sendall(b"in time")
                    daemon.wait_for_line("accepting pauses")
                    self.assertEqual(exchange(served, b"still here"), b"still here")
                    before = daemon.cpu_seconds()
                    # The span that is measured: a spinning loop would use all of it.
                    time.sleep(1)
                    self.assertLess(daemon.cpu_seconds() - before, 0.2)
                    self.limit_descriptors(daemon, enough)
                    self.assertEqual(support.receive_exactly(waiting, 7), b"in time")


if __name__ == "__main__":
    support.main()
