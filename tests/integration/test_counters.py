"""The counters that SIGUSR1 writes to the log tell what has happened, each thing once."""

import unittest

import support
from support import Daemon, answer_to, connect, exchange, udp_socket, wait_until

BOTH = "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\n"


class Counters(unittest.TestCase):
    def test_nothing_happened_yet(self):
        with Daemon(BOTH) as daemon:
            self.assertEqual(daemon.counters("tcp"), {})
            self.assertEqual(daemon.counters("udp"), {})

    def test_tcp_connections_and_bytes(self):
        with Daemon(BOTH) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
                open_now = daemon.counters("tcp")
                self.assertEqual(open_now["open"], 1)
                self.assertEqual(open_now["accepted"], 1)
                self.assertEqual(open_now["bytes_in"], 5)
                self.assertEqual(open_now["bytes_out"], 5)
            wait_until(
                lambda: daemon.counters("tcp").get("closed_end-of-input") == 1,
                "a connection that is counted as closed at the end of its input",
            )
            self.assertNotIn("open", daemon.counters("tcp"))

    def test_udp_answers_and_drops(self):
        with Daemon(BOTH) as daemon, udp_socket(daemon.address("udp")) as client:
            for _ in range(3):
                client.sendto(b"no query", daemon.address("udp"))
            answers = [answer_to(daemon.address("udp"), b"time?") for _ in range(2)]
            counters = daemon.counters("udp")
            self.assertEqual(counters["received"], 5)
            self.assertEqual(counters["answered"], 2)
            self.assertEqual(counters["dropped_no-answer"], 3)
            self.assertEqual(counters["bytes_in"], 3 * 8 + 2 * 5)
            self.assertEqual(counters["bytes_out"], sum(map(len, answers)))


if __name__ == "__main__":
    support.isolate()
    support.main()
