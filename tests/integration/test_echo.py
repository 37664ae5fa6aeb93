"""Echo over TCP, by the tools that people reach for."""

import os
import socket
import unittest

import support
from support import Daemon, connect, receive_exactly, receive_to_end

ECHO = "[tcp]\nlisten = 127.0.0.1:0\n"
LARGE = 3_000_000


class EchoTools(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(ECHO))
        self.host, self.port = self.daemon.address("tcp")

    def tools(self):
        """Commands that send their standard input, half-close, and write what comes back."""
        return {
            "nc": ["nc", "-N", self.host, self.port],
            "ncat": ["ncat", self.host, self.port],
            # -t: how long socat waits for the rest after the end of its input.
            "socat": ["socat", "-t", "30", "-", f"TCP:{self.host}:{self.port}"],
        }

    def check(self, given):
        for name, command in self.tools().items():
            with self.subTest(tool=name):
                result = support.run(command, given)
                self.assertEqual(result.errors, b"")
                self.assertEqual(result.status, 0)
                self.assertEqual(len(result.output), len(given))
                self.assertTrue(result.output == given, "the bytes differ")

    def test_hello(self):
        self.check(b"hello")

    def test_line(self):
        self.check(b"hello\r\n")

    def test_empty_connection(self):
        self.check(b"")

    def test_megabytes_of_random_bytes(self):
        self.check(os.urandom(LARGE))


class EchoStream(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(ECHO))
        self.stream = self.enterContext(connect(self.daemon.address("tcp")))

    def test_every_byte_value_comes_back(self):
        every = bytes(range(256))
        self.assertEqual(support.exchange(self.stream, every), every)

    def test_half_close_brings_all_that_is_due_and_then_a_clean_end(self):
        given = os.urandom(100_000)
        self.stream.sendall(given)
        self.stream.shutdown(socket.SHUT_WR)
        self.assertTrue(receive_to_end(self.stream) == given, "the bytes differ")

    def test_half_close_alone_brings_a_clean_end(self):
        self.stream.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_to_end(self.stream), b"")

    def test_many_small_writes_come_back_in_order(self):
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        given = os.urandom(5_000)
        for at in range(0, len(given), 5):
            self.stream.sendall(given[at : at + 5])
        self.assertEqual(receive_exactly(self.stream, len(given)), given)

    def test_many_rounds_of_question_and_answer(self):
        for size in (1, 2, 100, 1448, 1449, 4096, 65536):
            for _ in range(20):
                given = os.urandom(size)
                self.assertEqual(support.exchange(self.stream, given), given)

    def test_megabytes_in_both_directions_at_once(self):
        given = os.urandom(LARGE)
        received = support.send_and_receive_all(self.stream, given)
        self.assertTrue(received == given, f"sent {len(given)}, received {len(received)}")

    def test_urgent_data_does_not_end_the_connection(self):
        self.stream.sendall(b"before")
        self.stream.send(b"!", socket.MSG_OOB)
        self.stream.sendall(b"behind")
        # The urgent byte itself is out of band: it is not part of the stream.
        self.assertEqual(receive_exactly(self.stream, 12), b"beforebehind")


if __name__ == "__main__":
    support.isolate()
    support.main()
