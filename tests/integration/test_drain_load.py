"""TERM at random moments under load: whatever was received whole is answered, in order, to a clean end.

What the daemon had received when the signal came is what its kernel had acknowledged just before: what
a client has sent, less what SIOCOUTQ still counts. That is a lower bound, and cannot be argued with. A
datagram over loopback stands in the daemon's socket when sendto returns.

ETD_SEED repeats a run.
"""

import bisect
import errno
import fcntl
import os
import random
import selectors
import signal
import struct
import time
import unittest

import support
from support import DEADLINE, Daemon, connect, udp_socket

SIOCOUTQ = 0x5411  # of <linux/sockios.h>; Python has no name for it
ROUNDS = 200
DRAIN_TIMEOUT = 10
HEARD = 1  # seconds for which a drain reads what still comes
STREAM = 4 << 20
CONFIGURATION = f"""
[daemon]
drain_timeout = {DRAIN_TIMEOUT}s
[tcp]
listen = 127.0.0.1:0
framing = length16
[udp]
listen = 127.0.0.1:0
service = echo
rate_limit = 0
loop_guard = 0
"""


def make_stream(chance):
    """Many messages with their lengths, small ones above all, and where each of them ends."""
    pieces, ends, size = [], [], 0
    while size < STREAM:
        length = chance.choice([0, 1, chance.randrange(200), chance.randrange(3000), 65535])
        pieces.append(struct.pack("!H", length) + chance.randbytes(length))
        size += 2 + length
        ends.append(size)
    return b"".join(pieces), ends


class Client:
    """Sends the stream as fast as it goes, pipelined, and takes what comes back."""

    def __init__(self, address, stream, reads):
        self.socket = connect(address)
        self.socket.setblocking(False)
        self.stream = memoryview(stream)
        self.sent = 0
        self.received = bytearray()
        self.reads = reads  # or lets its answers pile up
        self.sends = True
        self.ended = False

    def acknowledged(self):
        unsent = struct.unpack("i", fcntl.ioctl(self.socket, SIOCOUTQ, bytes(4)))[0]
        return self.sent - unsent

    def wishes(self):
        return (selectors.EVENT_READ if self.reads else 0) | (
            selectors.EVENT_WRITE if self.sends and self.sent < STREAM else 0
        )

    def work(self, events):
        if events & selectors.EVENT_WRITE:
            try:
                self.sent += self.socket.send(self.stream[self.sent : self.sent + 30_000])
            except BlockingIOError:
                pass
            except OSError as failure:
                # We close behind the end alone, so a reset is the daemon's doing.
                raise AssertionError(f"while sending: {errno.errorcode[failure.errno]}") from None
        if events & selectors.EVENT_READ:
            piece = self.socket.recv(1 << 18)
            self.received += piece
            self.ended = not piece


class Load:
    """A daemon under the load of some clients."""

    def __init__(self, test, daemon, chance, stream):
        self.daemon = daemon
        self.clients = []
        for _ in range(chance.randint(1, 8)):
            client = Client(daemon.address("tcp"), stream, reads=chance.random() < 0.75)
            test.addCleanup(client.socket.close)
            self.clients.append(client)

    def turn(self, pause):
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                if not client.ended and client.wishes():
                    selector.register(client.socket, client.wishes(), client)
            for key, events in selector.select(pause):
                key.data.work(events)

    def work_for(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.turn(left)

    def work_to_the_end(self):
        end = time.monotonic() + DEADLINE
        for client in self.clients:
            client.reads, client.sends = True, False
        while not all(client.ended for client in self.clients):
            self.turn(0.1)
            if time.monotonic() > end:
                raise AssertionError("a connection does not end")
        for client in self.clients:
            client.socket.close()


class Drain(unittest.TestCase):
    def test_whatever_was_received_whole_is_answered(self):
        seed = int(os.environ.get("ETD_SEED") or random.randrange(1 << 32))
        print(f"ETD_SEED={seed}", flush=True)
        chance = random.Random(seed)
        stream, ends = make_stream(chance)
        answered = self.heard = 0
        for number in range(ROUNDS):
            with self.subTest(round=number, seed=seed):
                answered += self.drain(chance, stream, ends)
            self.doCleanups()
        # There was a load: messages were answered by the hundred for each signal.
        print(f"answers={answered}", flush=True)
        self.assertGreater(answered, 20 * ROUNDS)
        self.assertGreater(self.heard, ROUNDS // 2)

    def drain(self, chance, stream, ends):
        with Daemon(CONFIGURATION) as daemon:
            load = Load(self, daemon, chance, stream)
            load.work_for(chance.choice([0, chance.uniform(0, 0.01), chance.uniform(0, 0.06)]))
            datagrams = self.send_datagrams(daemon.address("udp"), chance.randrange(20))
            received = [client.acknowledged() for client in load.clients]
            start = time.monotonic()
            daemon.signal(signal.SIGTERM)
            load.work_for(chance.choice([0, chance.uniform(0, 0.02)]))
            load.work_to_the_end()
            # So long a drain reads from those who still send. If we were slower, it need not have read all.
            heard = time.monotonic() - start < HEARD
            self.heard += heard
            daemon.wait_exit()
            self.assertLess(time.monotonic() - start, DRAIN_TIMEOUT)
            self.check_datagrams(*datagrams)
            return sum(
                self.check(client, size if heard else 0, stream, ends)
                for client, size in zip(load.clients, received)
            )

    def check(self, client, size, stream, ends):
        """`size` bytes had been received by the time of the signal. Gives how many answers came."""
        self.assertTrue(client.received == stream[: len(client.received)], "other bytes came back")
        answers = bisect.bisect_right(ends, len(client.received))
        self.assertEqual(ends[answers - 1] if answers else 0, len(client.received), "a part")
        self.assertGreaterEqual(answers, bisect.bisect_right(ends, size), "not all were answered")
        self.assertLessEqual(len(client.received), client.sent)
        return answers

    def send_datagrams(self, address, count):
        client = udp_socket(address)
        self.addCleanup(client.close)
        client.connect(address)
        for number in range(count):
            client.send(number.to_bytes(2, "big"))
        return client, count

    def check_datagrams(self, client, count):
        """The daemon is gone: what it answered is here."""
        client.setblocking(False)
        answers = [int.from_bytes(client.recv(100), "big") for _ in range(count)]
        self.assertEqual(answers, list(range(count)))


if __name__ == "__main__":
    support.isolate()
    support.main()
