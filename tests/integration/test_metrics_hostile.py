"""Scrapers that are slow, hostile or many: none of them may harm the daemon, its peers, or an honest
scraper."""

import os
import resource
import select
import socket
import threading
import time
import unittest

import support
from support import DEADLINE, Daemon, connect, exchange, wait_until
from support.scrape import ask, scrape

BOTH = "[daemon]\nmetrics_listen = 127.0.0.1:0\n[tcp]\nlisten = 127.0.0.1:0\n"
# So many that an answer is more than sockets and the library hold.
MANY = "".join(f"[tcp t{i}]\nlisten = 127.0.0.1:0\n" for i in range(200))
HOLDS = 16  # connections that the room has at one time

GET = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


class Crowd:
    """Clients that do to the address, again and again, what `act` does with a new connection."""

    def __init__(self, act, threads=2):
        self._act = act
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        self.done = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _run(self):
        while not self._stop.is_set():
            try:
                self._act()
            except (ConnectionError, TimeoutError):
                pass
            self.done += 1


class Hostile(unittest.TestCase):
    def start(self, text=BOTH, **more):
        self.daemon = self.enterContext(Daemon(text, **more))
        self.metrics = self.daemon.address("metrics")
        self.witness = self.enterContext(connect(self.daemon.address("tcp")))
        exchange(self.witness, b"warm")

    def check_all_is_well(self):
        self.assertEqual(exchange(self.witness, b"still here"), b"still here")
        self.assertEqual(ask(self.metrics, "/healthz").status, 200)
        self.assertGreaterEqual(
            scrape(self.metrics).get("echotimed_tcp_connections_accepted_total", listener="tcp"), 1
        )

    def client(self, receive_buffer=None):
        return self.enterContext(connect(self.metrics, receive_buffer))

    def test_idle_ones_do_not_lock_an_honest_one_out(self):
        self.start()
        before = self.daemon.open_descriptors()
        idle = [self.client() for _ in range(10 * HOLDS)]
        for stream in idle:
            try:
                stream.sendall(b"GET /metr")
            except (BrokenPipeError, ConnectionResetError):
                pass  # pushed out by those behind it
        start = time.monotonic()
        self.check_all_is_well()
        self.assertLess(time.monotonic() - start, 5)
        self.assertLessEqual(self.daemon.open_descriptors(), before + HOLDS + 1)

    def test_one_that_trickles_is_ended(self):
        self.start()
        slow = self.client()
        start = time.monotonic()
        slow.sendall(b"GET /metrics HTTP/1.1\r\n")
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - start < 2 * DEADLINE:
                # A byte of a header at a time never is a second without one.
                slow.sendall(b"a")
                select.select([slow], [], [], 0.5)
        self.assertLess(time.monotonic() - start, 45)
        self.check_all_is_well()

    def test_headers_without_end_are_refused_in_bounded_memory(self):
        self.start()
        self.check_all_is_well()
        before = self.daemon.resident_bytes()
        for begin in (b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX: ", b""):
            stream = self.client()
            try:
                stream.sendall(begin)
                for _ in range(1000):
                    stream.sendall(b"a: " * 10000 if not begin else b"a" * 30000)
                answered = support.receive_to_end(stream)
            except (ConnectionResetError, BrokenPipeError):
                answered = None
            if answered:
                self.assertRegex(answered, rb"^HTTP/1\.[01] 4\d\d ")
        self.check_all_is_well()
        self.assertLess(self.daemon.peak_resident_bytes(), before + (2 << 20))

    def test_garbage_and_pipelines(self):
        self.start()
        for data in (
            os.urandom(100000),
            bytes(100000),
            b"\r\n" * 50000,
            GET * 5000,
            b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
            b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"GET /metrics HTTP/9.9\r\n\r\n",
            b"GET http://elsewhere/metrics HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ):
            with self.subTest(data[:30]):
                stream = self.client()
                try:
                    stream.sendall(data)
                    stream.shutdown(socket.SHUT_WR)
                    support.receive_to_end(stream)
                except (ConnectionResetError, BrokenPipeError, OSError):
                    pass
                self.check_all_is_well()

    def test_those_that_never_read_are_ended_and_their_memory_given_back(self):
        self.start(BOTH + MANY)
        self.check_all_is_well()
        before, descriptors = self.daemon.resident_bytes(), self.daemon.open_descriptors()
        size = len(ask(self.metrics).body)
        self.assertGreater(size, 300000)
        stuck = [self.client(4096) for _ in range(HOLDS)]
        for stream in stuck:
            stream.sendall(GET)
        # All of them have their answer before them, and take none of it.
        for stream in stuck:
            self.assertEqual(stream.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL), b"HTTP")
        self.check_all_is_well()
        self.assertLess(self.daemon.resident_bytes(), before + 2 * HOLDS * size)
        wait_until(
            lambda: self.daemon.open_descriptors() <= descriptors,
            "an end of those that never read",
            deadline=2 * DEADLINE,
        )
        self.check_all_is_well()

    def test_a_crowd_of_scrapers_takes_little_of_the_loop(self):
        self.start()

        def act():
            ask(self.metrics)

        with Crowd(act) as crowd:
            wait_until(lambda: crowd.done > 20, "scrapes")
            cpu, start = self.daemon.cpu_seconds(), time.monotonic()
            delays = []
            while time.monotonic() - start < 2:
                began = time.monotonic()
                exchange(self.witness, b"x")
                delays.append(time.monotonic() - began)
            spent = self.daemon.cpu_seconds() - cpu
        # Half of them within a time that no scrape fits into.
        self.assertLess(sorted(delays)[len(delays) // 2], 0.005)
        self.assertGreater(len(delays), 100)
        # Of the witness's own load, too.
        self.assertLess(spent, 1.5)
        self.check_all_is_well()

    def test_connects_in_a_flood(self):
        self.start()

        def act():
            with connect(self.metrics) as stream:
                stream.sendall(b"GET")

        with Crowd(act) as crowd:
            wait_until(lambda: crowd.done > 500, "a flood")
            for _ in range(50):
                exchange(self.witness, b"x")
        self.check_all_is_well()

    def test_out_of_descriptors_it_waits_without_spinning(self):
        self.start()
        hard = resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(
            self.daemon.pid, resource.RLIMIT_NOFILE, (self.daemon.open_descriptors(), hard)
        )
        waiting = self.client()
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        self.daemon.wait_for_line("whoever asks for metrics has to wait")
        cpu = self.daemon.cpu_seconds()
        self.daemon.wait_for_line("whoever asks for metrics has to wait", count=3)
        self.assertLess(self.daemon.cpu_seconds() - cpu, 0.3)
        self.assertEqual(exchange(self.witness, b"still here"), b"still here")
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, (hard, hard))
        self.assertTrue(support.receive_to_end(waiting).endswith(b"ok\n"))

    def test_what_the_library_says_goes_to_the_log_at_a_bounded_rate(self):
        self.start()
        start = time.monotonic()
        for _ in range(4):
            streams = [connect(self.metrics) for _ in range(HOLDS)]
            for stream in streams:
                stream.sendall(b"GET /metrics HTTP/1.1\r\n" + b"a" * 20000)
            for stream in streams:
                with stream:
                    try:
                        support.receive_to_end(stream)
                    except ConnectionResetError:
                        pass
        passed = time.monotonic() - start
        said = [line for line in self.daemon.log if "libmicrohttpd" in line.text]
        self.assertGreaterEqual(len(said), 1)
        self.assertLessEqual(len(said), passed + 2)
        for line in self.daemon.log:
            self.assertIn(line.level, ("info", "notice", "warning"), line.text)


if __name__ == "__main__":
    support.isolate()
    support.main()
