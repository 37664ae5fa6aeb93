"""The real binary runs out of descriptors."""

import os
import resource
import select
import signal
import unittest

import support
from support import Daemon, connect, exchange, wait_until

ECHO = "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\n"


class OutOfDescriptors(unittest.TestCase):
    """The limit is lowered while the daemon runs, so that connections within its own bound fail."""

    SPARE = 5
    BEYOND = 7
    PAUSES = 10

    def setUp(self):
        self.daemon = self.enterContext(Daemon(ECHO))
        self.witness = self.connect()
        exchange(self.witness, b"warm")
        self.limit(self.daemon.open_descriptors() + self.SPARE)
        # All are connected as far as they can tell: those that find no descriptor wait in the queue.
        self.waiting = [self.connect() for _ in range(self.SPARE + self.BEYOND)]
        for stream in self.waiting:
            stream.sendall(b"?")
        self.served = []
        self.wait_until_served(self.SPARE)
        self.daemon.wait_for_line("accepting pauses")

    def connect(self):
        return self.enterContext(connect(self.daemon.address("tcp")))

    def limit(self, descriptors):
        hard = resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, (descriptors, hard))

    def wait_until_served(self, count):
        """Waits for so many answers in all, and takes care that none comes to more."""

        def look():
            for stream in select.select(self.waiting, [], [], 0)[0]:
                self.assertEqual(stream.recv(16), b"?")
                self.waiting.remove(stream)
                self.served.append(stream)
            return len(self.served) >= count

        wait_until(look, f"{count} connections that are served, of {len(self.served)}")
        self.assertEqual(len(self.served), count)

    def accept_pauses(self):
        """The counter, as the daemon logs it when it is asked."""
        lines = [line for line in self.daemon.log if "accept_pauses" in line.pairs]
        self.daemon.signal(signal.SIGUSR1)
        wait_until(
            lambda: sum("accept_pauses" in line.pairs for line in self.daemon.log) > len(lines),
            "a line with the counters",
        )
        last = [line for line in self.daemon.log if "accept_pauses" in line.pairs][-1]
        return int(last.pairs["accept_pauses"])

    def test_waiting_for_a_descriptor_costs_no_time(self):
        cpu = self.daemon.cpu_seconds()
        before = self.accept_pauses()
        wait_until(lambda: self.accept_pauses() >= before + self.PAUSES, "more pauses")
        # They last a second together, which a loop that spins would fill.
        self.assertLess(self.daemon.cpu_seconds() - cpu, 0.3)
        self.assertEqual(exchange(self.witness, b"still here"), b"still here")
        self.assertEqual(len(self.served), self.SPARE)

    def test_descriptors_that_become_free_are_given_to_those_that_wait(self):
        for stream in self.served[:3]:
            stream.close()
        self.wait_until_served(self.SPARE + 3)
        self.assertEqual(exchange(self.witness, b"still here"), b"still here")

    def test_a_higher_limit_ends_the_pauses(self):
        self.limit(1024)
        self.wait_until_served(self.SPARE + self.BEYOND)
        pauses = self.accept_pauses()
        exchange(self.connect(), b"one more")
        self.assertEqual(self.accept_pauses(), pauses)

    def test_those_that_wait_do_not_keep_the_daemon_from_ending(self):
        self.daemon.stop()


class FewDescriptors(unittest.TestCase):
    """A low limit from the start."""

    LEAST = 4  # what any program takes to be loaded

    def limited(self, limit, exit_status=0):
        return Daemon(
            ECHO,
            prefix=["prlimit", f"--nofile={limit}:{limit}"],
            # Looking for leaks takes descriptors, too.
            environment={"ASAN_OPTIONS": "detect_leaks=0"},
            notify=False,
            exit_status=exit_status,
        )

    def test_it_serves_with_what_it_needs_and_with_less_it_says_why_not(self):
        with Daemon(ECHO) as daemon:
            needed = daemon.open_descriptors()
        self.assertGreater(needed, self.LEAST)
        for limit in range(self.LEAST, needed):
            daemon = self.limited(limit, exit_status=os.EX_OSERR).run_to_end()
            reasons = [line for line in daemon.log if line.level == "error"]
            self.assertTrue(any("Too many open files" in line.text for line in reasons), limit)
        with self.limited(needed) as daemon:
            daemon.wait_for_line("listening", transport="udp")
        with self.limited(needed + 1) as daemon, connect(daemon.address("tcp")) as stream:
            exchange(stream, b"hello")


if __name__ == "__main__":
    support.isolate()
    support.main()
