"""idle_timeout and write_timeout; message_timeout stands in test_tcp_framing.py."""

import os
import threading
import time
import unittest

import support
from support import Daemon, connect, exchange, receive_to_end


def echo(**keys):
    settings = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[tcp]\nlisten = 127.0.0.1:0\n{settings}"


class IdleTimeout(unittest.TestCase):
    def test_silent_connection_is_closed_in_order(self):
        with Daemon(echo(idle_timeout="200ms")) as daemon:
            start = time.monotonic()  # before the daemon's: a delay of ours only adds to it
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(receive_to_end(stream), b"")
                self.assertGreater(time.monotonic() - start, 0.19)

    def test_time_counts_from_the_last_exchange(self):
        with Daemon(echo(idle_timeout="2s")) as daemon:
            with connect(daemon.address("tcp")) as stream:
                # A part of the time-out goes by before the exchange: that is the case.
                time.sleep(0.5)
                start = time.monotonic()
                self.assertEqual(exchange(stream, b"awake"), b"awake")
                self.assertEqual(receive_to_end(stream), b"")
                self.assertGreater(time.monotonic() - start, 1.99)

    def test_active_connection_is_left_alone(self):
        with Daemon(echo(idle_timeout="2s")) as daemon:
            with connect(daemon.address("tcp")) as stream:
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    self.assertEqual(exchange(stream, b"awake"), b"awake")
                    # The pace of this peer, not a wait for anything.
                    time.sleep(0.05)

    def test_sending_on_into_the_close_meets_no_reset(self):
        with Daemon(echo(idle_timeout="200ms")) as daemon:
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(stream.recv(1), b"")
                stream.sendall(b"too late")
                stream.sendall(b"much too late")
                # Bytes thrown away: the end stays an end.
                self.assertEqual(stream.recv(1), b"")

    def test_zero_switches_it_off(self):
        with Daemon(echo(idle_timeout="0") + "[tcp short]\nlisten = 127.0.0.1:0\n"
                    "idle_timeout = 300ms\n") as daemon:
            with connect(daemon.address("tcp")) as patient:
                exchange(patient, b"a")
                # Time enough: another connection, opened behind it, runs into its time-out.
                with connect(daemon.address("tcp short")) as other:
                    self.assertEqual(receive_to_end(other), b"")
                self.assertEqual(exchange(patient, b"still here"), b"still here")

    def test_each_of_many_idle_connections_is_closed(self):
        with Daemon(echo(idle_timeout="300ms")) as daemon:
            before = daemon.open_descriptors()
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(100)]
            for stream in streams:
                self.assertEqual(receive_to_end(stream), b"")
            for stream in streams:
                stream.close()
            daemon.wait_for_descriptors(before)


class WriteTimeout(unittest.TestCase):
    def test_peer_that_never_reads_is_reset(self):
        with Daemon(echo(write_timeout="300ms", idle_timeout="1h")) as daemon:
            before = daemon.open_descriptors()
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                    while True:
                        stream.send(bytes(65536))
                daemon.wait_for_descriptors(before)

    def test_peer_that_reads_slowly_but_reads_is_left_alone(self):
        given = os.urandom(4 << 20)
        with Daemon(echo(write_timeout="2s", idle_timeout="1h")) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                sender = threading.Thread(target=stream.sendall, args=(given,), daemon=True)
                sender.start()
                received = b""
                end = time.monotonic() + 5
                # The pace of a slow peer: some time-outs long it takes a little every 50 ms.
                while time.monotonic() < end:
                    received += stream.recv(16384)
                    time.sleep(0.05)
                received += support.receive_exactly(stream, len(given) - len(received))
                sender.join()
                self.assertTrue(received == given, "the bytes differ")


if __name__ == "__main__":
    support.isolate()
    support.main()
