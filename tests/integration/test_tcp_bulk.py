"""Raw streams in bulk, which the daemon moves through pipes without reading them."""

import os
import random
import socket
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import support
from support import (
    DEADLINE,
    Daemon,
    connect,
    exchange,
    receive_exactly,
    send_and_receive_all,
    send_until_stuck,
    shut_down_by_reset,
    wait_until,
)

MIB = 1 << 20
ECHO = "[tcp]\nlisten = 127.0.0.1:0\n"
# More than the daemon has pipes.
STREAMS = 40


def pipes_of(daemon):
    """How many descriptors of pipes the daemon has, its log aside."""
    folder = f"/proc/{daemon.pid}/fd"
    count = 0
    for number in os.listdir(folder):
        if int(number) > 3:
            try:
                count += os.readlink(f"{folder}/{number}").startswith("pipe:")
            except FileNotFoundError:
                pass
    return count


def stick(streams):
    """Sends on all streams at once until none of their peers takes more."""
    with ThreadPoolExecutor(len(streams)) as pool:
        list(pool.map(send_until_stuck, streams))


class Bulk(unittest.TestCase):
    def test_bytes_come_back_in_order_and_then_the_end(self):
        data = os.urandom(24 * MIB)
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp")) as stream:
                self.assertTrue(send_and_receive_all(stream, data) == data)
            self.assertGreater(pipes_of(daemon), 0, "the stream went through no pipe: this tests nothing")

    def test_more_streams_than_pipes(self):
        data = [os.urandom(2 * MIB) for _ in range(STREAMS)]
        back = [None] * STREAMS

        def run(number, address):
            with connect(address) as stream:
                back[number] = send_and_receive_all(stream, data[number])

        with Daemon(ECHO) as daemon:
            threads = [threading.Thread(target=run, args=(number, daemon.address("tcp")), daemon=True)
                       for number in range(STREAMS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(4 * DEADLINE)
            for number in range(STREAMS):
                self.assertTrue(back[number] == data[number], f"stream {number}")

    def test_small_messages_behind_bulk_and_bulk_behind_them(self):
        chance = random.Random(1)
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp")) as stream:
                for _ in range(200):
                    size = chance.choice((1, 10, 1000, 65536, 65537, 3 * 65536, 300000))
                    data = chance.randbytes(size)
                    sender = threading.Thread(target=stream.sendall, args=(data,), daemon=True)
                    sender.start()
                    self.assertTrue(receive_exactly(stream, size) == data)
                    sender.join(DEADLINE)

    def test_streams_that_are_stuck_or_reset_give_their_pipes_back(self):
        with Daemon(ECHO) as daemon:
            before = daemon.open_descriptors()
            for _ in range(3):
                stuck = [connect(daemon.address("tcp"), receive_buffer=65536) for _ in range(4)]
                stick(stuck)
                for stream in stuck:
                    shut_down_by_reset(stream)
                wait_until(lambda: daemon.open_descriptors() - pipes_of(daemon) <= before,
                           "all connections forgotten")
            # What was in a pipe when its stream was reset must not come out of the next one's end.
            data = os.urandom(8 * MIB)
            with connect(daemon.address("tcp")) as stream:
                self.assertTrue(send_and_receive_all(stream, data) == data)

    def test_others_are_served_while_some_are_stuck(self):
        with Daemon(ECHO) as daemon:
            stuck = [self.enterContext(connect(daemon.address("tcp"), receive_buffer=65536))
                     for _ in range(20)]
            stick(stuck)
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            data = os.urandom(4 * MIB)
            with connect(daemon.address("tcp")) as stream:
                self.assertTrue(send_and_receive_all(stream, data) == data)

    def test_half_close_in_the_middle_of_bulk(self):
        data = os.urandom(6 * MIB)
        with Daemon(ECHO) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=65536) as stream:
                sender = threading.Thread(target=self.send_and_end, args=(stream, data), daemon=True)
                sender.start()
                back = receive_exactly(stream, len(data))
                sender.join(DEADLINE)
                self.assertTrue(back == data)
                self.assertEqual(stream.recv(1), b"")

    @staticmethod
    def send_and_end(stream, data):
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    support.isolate()
    support.main()
