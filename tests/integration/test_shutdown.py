"""The end of the daemon: TERM and INT, the drain, its limit, and the second signal."""

import os
import signal
import time
import unittest

import support
from support import Daemon, connect, exchange, receive_to_end, send_until_stuck

ECHO = "[tcp]\nlisten = 127.0.0.1:0\n"


def echo(drain_timeout):
    daemon = f"[daemon]\ndrain_timeout = {drain_timeout}\n"
    return f"{daemon}{ECHO}idle_timeout = 1h\nwrite_timeout = 1h\n"


class Drain(unittest.TestCase):
    def test_term_and_int_end_it_with_status_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name), Daemon(ECHO) as daemon:
                daemon.signal(number)
                daemon.wait_exit()
                self.assertIn("STOPPING=1", daemon.notices)

    def test_idle_connection_gets_a_clean_end(self):
        with Daemon(echo("60s")) as daemon, connect(daemon.address("tcp")) as stream:
            exchange(stream, b"hello")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(receive_to_end(stream), b"")
            stream.close()
            daemon.wait_exit()

    def test_many_idle_connections_do_not_use_up_the_drain_timeout(self):
        with Daemon(echo("60s")) as daemon:
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(100)]
            for stream in streams:
                exchange(stream, b"hello")
            start = time.monotonic()
            daemon.stop()
            self.assertLess(time.monotonic() - start, 20)

    def test_nothing_is_accepted_any_more(self):
        with Daemon(echo("60s")) as daemon, connect(daemon.address("tcp"), 4096) as stream:
            send_until_stuck(stream)
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_line("draining")
            with self.assertRaises(ConnectionRefusedError):
                connect(daemon.address("tcp"))
            daemon.signal(signal.SIGTERM)
            daemon.wait_exit()

    def test_what_was_received_is_answered(self):
        with Daemon(echo("60s")) as daemon:
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(20)]
            for stream in streams:
                exchange(stream, b"hello")
            given = os.urandom(5000)
            # While the daemon is held, bytes and signal both arrive; it meets them at once.
            daemon.signal(signal.SIGSTOP)
            for stream in streams:
                stream.sendall(given)
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGCONT)
            for stream in streams:
                self.assertTrue(receive_to_end(stream) == given, "the bytes differ")
                stream.close()
            daemon.wait_exit()

    def test_one_that_waited_to_be_accepted_is_answered(self):
        with Daemon(echo("60s")) as daemon:
            daemon.signal(signal.SIGSTOP)
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(20)]
            for stream in streams:
                stream.sendall(b"in time")
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGCONT)
            for stream in streams:
                self.assertEqual(receive_to_end(stream), b"in time")
                stream.close()
            daemon.wait_exit()

    def test_one_that_waited_behind_one_that_went_is_answered(self):
        with Daemon(echo("60s")) as daemon:
            daemon.signal(signal.SIGSTOP)
            # The first connection is over as soon as it is accepted: that must not end the drain.
            connect(daemon.address("tcp")).close()
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                send_until_stuck(stream)
                daemon.signal(signal.SIGTERM)
                daemon.signal(signal.SIGCONT)
                # A reset instead of a clean end raises.
                self.assertGreater(len(receive_to_end(stream)), 0)
            daemon.wait_exit()

    def test_replies_due_are_sent_to_a_slow_reader(self):
        # 0 switches the limit off: as long as it takes.
        for limit in ("60s", "0"):
            with self.subTest(drain_timeout=limit), Daemon(echo(limit)) as daemon:
                with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                    send_until_stuck(stream)
                    daemon.signal(signal.SIGTERM)
                    daemon.wait_for_line("draining")
                    # Now it reads. A reset instead of a clean end raises.
                    self.assertGreater(len(receive_to_end(stream)), 65536)
                daemon.wait_exit()

    def test_peer_that_never_reads_is_reset_within_drain_timeout(self):
        with Daemon(echo("500ms")) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                send_until_stuck(stream)
                start = time.monotonic()
                daemon.stop()
                took = time.monotonic() - start
                self.assertGreater(took, 0.45)
                self.assertLess(took, support.DEADLINE)
                with self.assertRaises(ConnectionResetError):
                    receive_to_end(stream)

    def test_second_signal_ends_it_at_once(self):
        with Daemon(echo("1h")) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                send_until_stuck(stream)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_notice("STOPPING=1")
                self.assertTrue(daemon.running)
                daemon.signal(signal.SIGINT)
                daemon.wait_exit()

    def test_udp_is_silent_after_the_end(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            address = daemon.address("udp")
            self.assertTrue(support.answer_to(address, b"time?"))
            daemon.stop()
            with self.assertRaises(ConnectionRefusedError):
                # From another address: with the very same one and port it would hear itself.
                support.answer_to(address, b"time?", source=("127.0.0.2", 0))

    def test_signals_that_mean_nothing_to_it_do_not_end_it(self):
        with Daemon(ECHO) as daemon, connect(daemon.address("tcp")) as stream:
            daemon.signal(signal.SIGPIPE)
            self.assertEqual(exchange(stream, b"still here"), b"still here")


if __name__ == "__main__":
    support.isolate()
    support.main()
