"""TCP peers that are slow, rude or many: none of them may harm the daemon or the others."""

import hashlib
import os
import re
import socket
import tempfile
import threading
import time
import unittest

import support
from support import DEADLINE, Daemon, connect, exchange, send_until_stuck, wait_until

ECHO = "[tcp]\nlisten = 127.0.0.1:0\n"
MIB = 1 << 20


class SlowReader(unittest.TestCase):
    # More than the kernel's own buffers between the two ends hold, so that the daemon would have to
    # hold the rest.
    PIECES = 64
    # What the daemon's memory may grow by meanwhile, sanitizers and all.
    GROWTH = 12 * MIB

    def test_memory_stays_bounded_and_everything_arrives(self):
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"warm")
                at_start = daemon.resident_bytes()
                self.sent, self.stuck_at = 0, -1
                sender = threading.Thread(target=self.send, args=(stream,), daemon=True)
                sender.start()
                # Nobody reads: the daemon must stop reading, too, and the sender with it.
                wait_until(self.sender_is_stuck, "a sender that cannot send on")
                received = hashlib.sha256()
                size = 0
                while piece := stream.recv(MIB):
                    received.update(piece)
                    size += len(piece)
                sender.join(DEADLINE)
                self.assertEqual(size, self.PIECES * MIB)
                self.assertEqual(received.digest(), self.digest)
                self.assertLess(daemon.peak_resident_bytes() - at_start, self.GROWTH)

    def send(self, stream):
        digest = hashlib.sha256()
        for _ in range(self.PIECES):
            piece = os.urandom(MIB)
            digest.update(piece)
            at = 0
            while at < len(piece):
                at += stream.send(piece[at:])
                self.sent += 1
        self.digest = digest.digest()
        stream.shutdown(socket.SHUT_WR)

    def sender_is_stuck(self):
        """Whether nothing was sent since some looks ago."""
        if self.sent != self.stuck_at:
            self.stuck_at, self.looks = self.sent, 0
        self.looks += 1
        return self.sent > 0 and self.looks > 10

    def test_slow_reader_does_not_slow_another_client(self):
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as slow:
                send_until_stuck(slow)
                with connect(daemon.address("tcp")) as other:
                    for _ in range(100):
                        self.assertEqual(exchange(other, b"quick"), b"quick")

    def test_waiting_for_a_slow_reader_takes_no_processor_time(self):
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as slow:
                send_until_stuck(slow)
                before = daemon.cpu_seconds()
                # The span that is measured: a spinning loop would use all of it.
                time.sleep(1)
                self.assertLess(daemon.cpu_seconds() - before, 0.2)


class RudeClients(unittest.TestCase):
    def test_reset_in_the_middle_harms_nobody(self):
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp")) as witness:
                exchange(witness, b"a")
                before = daemon.open_descriptors()
                for _ in range(50):
                    rude = connect(daemon.address("tcp"))
                    rude.sendall(bytes(100_000))
                    support.shut_down_by_reset(rude)
                self.assertEqual(exchange(witness, b"still here"), b"still here")
                daemon.wait_for_descriptors(before)

    def test_reset_before_accept_harms_nobody(self):
        with Daemon(ECHO) as daemon:
            for _ in range(50):
                support.shut_down_by_reset(connect(daemon.address("tcp")))
            with connect(daemon.address("tcp")) as witness:
                self.assertEqual(exchange(witness, b"still here"), b"still here")

    def test_close_without_reading_the_answer_harms_nobody(self):
        with Daemon(ECHO) as daemon:
            before = daemon.open_descriptors()
            for _ in range(50):
                with connect(daemon.address("tcp")) as rude:
                    rude.sendall(bytes(10_000))
            with connect(daemon.address("tcp")) as witness:
                self.assertEqual(exchange(witness, b"still here"), b"still here")
            daemon.wait_for_descriptors(before)


class OrdinaryExchange(unittest.TestCase):
    ROUNDS = 200

    def calls(self, configuration, message):
        """What the daemon calls, as (name, result), while a connection sends the same again and again
        and gets it back."""
        trace = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "trace")
        with Daemon(
            configuration,
            prefix=["strace", "-D", "-qq", "-o", trace],
            environment={"ASAN_OPTIONS": "detect_leaks=0"},  # which a traced process cannot do
            notify=False,  # a status line would be a call more
        ) as daemon:
            with connect(daemon.address("tcp")) as stream:
                # The first comes with the accept, and only then the socket is watched.
                for text in b"first\n", b"again\n":
                    exchange(stream, text)
                for _ in range(self.ROUNDS):
                    self.assertEqual(exchange(stream, message), message)
                exchange(stream, b"last.\n")

        def traced():
            with open(trace, encoding="utf-8", errors="replace") as file:
                text = file.read()
            return text if "exit_group(0)" in text else None

        text = wait_until(traced, "the trace is complete")
        begin = text.index("\n", text.index("sendto(", text.index('"again'))) + 1
        end = text.index('"last.')
        return re.findall(r"^(\w+)\(.* = (-?\d+)", text[begin : text.rindex("\n", 0, end) + 1], re.M)

    def check(self, framing, message):
        calls = self.calls(f"[tcp]\nlisten = 127.0.0.1:0\nframing = {framing}\n", message)
        size = str(len(message))
        expected = [("recvfrom", size), ("sendto", size)] * self.ROUNDS
        self.assertEqual([call for call in calls if call[0] != "epoll_wait"], expected)
        waits = sum(name == "epoll_wait" for name, _ in calls)
        self.assertLess(waits, 1.2 * self.ROUNDS)

    def test_is_one_recv_and_one_send_and_nothing_else(self):
        self.check("raw", bytes(64))

    def test_many_messages_of_one_read_are_answered_by_one_send(self):
        self.check("line", b"".join(b"line %d\n" % number for number in range(16)))

    def test_who_speaks_at_once_behind_silent_peers_is_answered(self):
        with Daemon(ECHO) as daemon:
            silent = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(3)]
            for number in range(80):  # most of them are not read before the loop says that they can be
                with connect(daemon.address("tcp")) as stream:
                    stream.sendall(b"%d" % number)
                    stream.shutdown(socket.SHUT_WR)
                    self.assertEqual(support.receive_to_end(stream), b"%d" % number)
                if number % 10 == 0:
                    silent.append(self.enterContext(connect(daemon.address("tcp"))))
            for stream in silent:
                self.assertEqual(exchange(stream, b"at last"), b"at last")


class ManyClients(unittest.TestCase):
    def test_two_hundred_connections_at_once(self):
        with Daemon(ECHO) as daemon:
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(200)]
            texts = [f"number {number}".encode() * (number + 1) for number in range(200)]
            for _ in range(3):
                for stream, text in zip(streams, texts):
                    stream.sendall(text)
                for stream, text in zip(streams, texts):
                    self.assertEqual(support.receive_exactly(stream, len(text)), text)

    def test_a_thousand_connections_leak_no_descriptor(self):
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp")) as first:
                exchange(first, b"warm")
                before = daemon.open_descriptors()
                for number in range(1000):
                    with connect(daemon.address("tcp")) as stream:
                        if number % 3 == 0:
                            exchange(stream, b"question")
                        elif number % 3 == 1:
                            stream.sendall(b"and away")
                        # And every third says nothing at all.
                daemon.wait_for_descriptors(before)


if __name__ == "__main__":
    support.isolate()
    support.main()
