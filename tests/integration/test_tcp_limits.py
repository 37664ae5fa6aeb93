"""max_connections, max_connections_per_source, and the limits of the host."""

import resource
import time
import unittest

import support
from support import Daemon, connect, exchange, is_served, wait_until

LIMIT = 5
CONFIGURATION = f"[daemon]\nmax_connections = {LIMIT}\n[tcp]\nlisten = 127.0.0.1:0\n"


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


class MaxConnectionsPerSource(unittest.TestCase):
    """Every address of 127.0.0.0/8 is ours, and a source of its own."""

    LIMIT = 3
    CONFIGURATION = (
        f"[tcp]\nlisten = 127.0.0.1:0\nmax_connections_per_source = {LIMIT}\n"
        f"[tcp second]\nlisten = 127.0.0.1:0\nmax_connections_per_source = {LIMIT}\n"
        "[tcp unlimited]\nlisten = 127.0.0.1:0\n"
    )

    def setUp(self):
        self.daemon = self.enterContext(Daemon(self.CONFIGURATION))

    def connect(self, source, listener="tcp"):
        return self.enterContext(connect(self.daemon.address(listener), source=(source, 0)))

    def fill(self, source, listener="tcp"):
        """As many connections as the source may have, all of them served."""
        streams = [self.connect(source, listener) for _ in range(self.LIMIT)]
        for stream in streams:
            self.assertTrue(is_served(stream))
        return streams

    def test_those_over_the_limit_are_closed_and_those_within_feel_nothing(self):
        within = self.fill("127.0.0.2")
        for _ in range(20):
            self.assertFalse(is_served(self.connect("127.0.0.2")))
        for stream in within:
            self.assertEqual(exchange(stream, b"still here"), b"still here")

    def test_other_sources_are_not_concerned(self):
        self.fill("127.0.0.2")
        self.assertFalse(is_served(self.connect("127.0.0.2")))
        self.fill("127.0.0.3")
        self.fill("127.1.0.2")

    def test_each_listener_counts_for_itself(self):
        self.fill("127.0.0.2")
        self.fill("127.0.0.2", "tcp second")
        for listener in "tcp", "tcp second":
            self.assertFalse(is_served(self.connect("127.0.0.2", listener)))
        for _ in range(5):
            self.assertTrue(is_served(self.connect("127.0.0.2", "tcp unlimited")))

    def test_a_place_that_becomes_free_is_given_again_and_no_other(self):
        within = self.fill("127.0.0.2")
        for end in (lambda stream: stream.close(), support.shut_down_by_reset):
            end(within.pop())
            again = wait_until(
                lambda: next(filter(is_served, [self.connect("127.0.0.2")]), None),
                "a new connection that is served",
            )
            within.append(again)
            self.assertFalse(is_served(self.connect("127.0.0.2")))

    def test_many_sources_come_and_go(self):
        for _ in range(3):
            for number in range(100):
                source = f"127.0.1.{number}"
                streams = [
                    connect(self.daemon.address("tcp"), source=(source, 0)) for _ in range(4)
                ]
                served = [is_served(stream) for stream in streams]
                self.assertEqual(served, [True] * 3 + [False])
                for stream in streams:
                    stream.close()
            wait_until(lambda: "open" not in self.daemon.counters("tcp"), "all connections closed")

    def test_refusals_are_counted_and_logged_at_a_bounded_rate(self):
        self.fill("127.0.0.2")
        for _ in range(50):
            self.assertFalse(is_served(self.connect("127.0.0.2")))
        line = self.daemon.wait_for_line("connection rejected", listener="tcp")
        self.assertEqual(line.pairs["reason"], "max-connections-per-source")
        self.assertEqual(line.pairs["limit"], str(self.LIMIT))
        self.assertRegex(line.pairs["source"], r"\A127\.0\.0\.2:\d+\Z")
        counters = self.daemon.counters("tcp")
        self.assertEqual(counters["rejected_max-connections-per-source"], 50)
        self.assertEqual(counters["accepted"], self.LIMIT)
        lines = [line for line in self.daemon.log if "rejected" in line.message]
        # 50 refusals take far less than 5 seconds, and a line a second is allowed.
        self.assertLess(len(lines), 6)


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

    def test_descriptors_of_listeners_and_pipes_are_not_promised_to_connections(self):
        sections = "".join(f"[tcp l{number}]\nlisten = 127.0.0.1:0\n" for number in range(60))
        with Daemon(sections, prefix=["prlimit", "--nofile=200:200"]) as daemon:
            line = daemon.wait_for_line("the descriptor limit allows fewer connections")
            possible = int(line.pairs["possible"])
            self.assertGreater(possible, 20)
            address = daemon.address("tcp l7")
            # Bulk streams that are stuck have the pipes, too.
            stuck = [self.enterContext(connect(address)) for _ in range(20)]
            for stream in stuck:
                stream.setblocking(False)
                try:
                    while True:
                        stream.send(bytes(65536))
                except BlockingIOError:
                    pass
            served = [self.enterContext(connect(address)) for _ in range(possible - len(stuck))]
            for stream in served:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            with connect(address) as one_more:
                self.assertFalse(is_served(one_more))


if __name__ == "__main__":
    support.isolate()
    support.main()
