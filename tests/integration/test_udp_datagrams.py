"""Datagrams of every size and service over UDP, one by one and many at once."""

import contextlib
import os
import signal
import socket
import unittest

import support
from support import Daemon, Namespace, ip, process, udp_socket, wait_until

ECHO = "[udp]\nlisten = 127.0.0.1:0, [::1]:0\nservice = echo\nrate_limit = 0\nloop_guard = 0\n"
MARK = b"the one behind it"


@contextlib.contextmanager
def held(daemon):
    """Holds the daemon, so that what is sent meanwhile waits for it, and comes in batches."""
    daemon.signal(signal.SIGSTOP)
    wait_until(lambda: process.is_stopped(daemon.pid), "the daemon has stopped")
    try:
        yield
    finally:
        daemon.signal(signal.SIGCONT)


class Sizes(unittest.TestCase):
    # Around the fill of an Ethernet frame, and the longest that fit into IPv4 and IPv6.
    SIZES = (0, 1, 2, 511, 1231, 1232, 1233, 1472, 1473, 9000, 65487, 65506, 65507)
    IPV6_SIZES = (65508, 65527)

    def test_echo_of_every_size_is_the_same_bytes(self):
        with Daemon(ECHO) as daemon:
            for address in daemon.addresses("udp", 2):
                sizes = self.SIZES + (self.IPV6_SIZES if address[0] == "::1" else ())
                with udp_socket(address) as client:
                    client.connect(address)
                    for size in sizes:
                        with self.subTest(host=address[0], size=size):
                            sent = os.urandom(size)
                            client.send(sent)
                            self.assertEqual(client.recv(65536), sent)


class Services(unittest.TestCase):
    def open(self, service):
        configuration = f"[udp]\nlisten = 127.0.0.1:0\nservice = {service}\n"
        daemon = self.enterContext(Daemon(configuration))
        client = self.enterContext(udp_socket(daemon.address("udp")))
        client.connect(daemon.address("udp"))
        return daemon, client

    def check_silence(self, service, payloads, valid, answer):
        """None of `payloads` is answered, and `valid` behind each is."""
        daemon, client = self.open(service)
        for payload in payloads:
            with self.subTest(service=service, payload=payload[:30]):
                client.send(payload)
                client.send(valid)
                self.assertRegex(client.recv(65536), answer)
        counters = daemon.counters("udp")
        self.assertEqual(counters["dropped_no-answer"], len(payloads))
        self.assertEqual(counters["answered"], len(payloads))

    def test_discard_answers_nothing(self):
        daemon, client = self.open("discard")
        payloads = [b"", b"time?", bytes(44), b"\x23" + bytes(47), bytes(65507)]
        for payload in payloads:
            client.send(payload)
        wait_until(
            lambda: daemon.counters("udp").get("received", 0) == len(payloads), "all have come in"
        )
        counters = daemon.counters("udp")
        self.assertEqual(counters["dropped_no-answer"], len(payloads))
        self.assertEqual(counters["bytes_in"], sum(map(len, payloads)))
        self.assertEqual(counters.get("answered", 0), 0)
        client.setblocking(False)
        self.assertRaises(BlockingIOError, client.recv, 65536)

    DAYTIME = rb"\A\d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d UTC\r\n\Z"

    def test_daytime_answers_what_is_shorter_than_its_answer(self):
        _, client = self.open("daytime")
        for payload in (b"", b"\n", b"?", b"time?", b"time? unix", bytes(3), bytes(5), b"x" * 25):
            with self.subTest(payload=payload):
                client.send(payload)
                self.assertRegex(client.recv(1024), self.DAYTIME)

    def test_daytime_answers_no_answer(self):
        payloads = [
            b"22 NOV 2026 13:33:35 UTC\r\n",  # its own
            b"\xed\x0f\xa3\x1f",  # rfc868
            b"time",
            b"1795354415",  # the time service's
            b"1795354415\r\n",
            b"1795354415123456",
            b"-1",
            b"x" * 26,
            bytes(44),
            bytes(48),
            bytes(65507),
        ]
        self.check_silence("daytime", payloads, b"", self.DAYTIME)

    def test_rfc868_answers_the_empty_datagram_alone(self):
        payloads = [b"\0", b"\n", b"time?", bytes(4), bytes(48), bytes(65507)]
        self.check_silence("rfc868", payloads, b"", rb"(?s)\A.{4}\Z")

    def test_time_answers_no_garbage(self):
        payloads = [b"", b"\0", b"time", b"time?\0", b"TIME?", bytes(44), bytes(65507)]
        payloads += [os.urandom(size) for size in (1, 5, 6, 10, 48, 1400)]
        self.check_silence("time", payloads, b"time? unix", rb"\A\d{10}\Z")


class ManyAtOnce(unittest.TestCase):
    COUNT = 50
    MIXED = (0, 1, 1, 1, 0, 700, 700, 1232, 1232, 1233, 1233, 5000, 5000, 1)

    def check(self, daemon, client, payloads):
        # Room for all: the answers come at once.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        with held(daemon):
            for payload in payloads:
                client.send(payload)
        for number, payload in enumerate(payloads):
            self.assertEqual(client.recv(65536), payload, f"datagram {number}")
        # And nothing behind them.
        client.send(MARK)
        self.assertEqual(client.recv(65536), MARK)

    def clients(self, daemon):
        for address in daemon.addresses("udp", 2):
            with self.subTest(host=address[0]), udp_socket(address) as client:
                client.connect(address)
                yield client

    def test_equal_datagrams_come_back_one_by_one_and_in_order(self):
        with Daemon(ECHO) as daemon:
            for client in self.clients(daemon):
                for size in (1, 100, 1232, 1233, 1400, 3000):
                    with self.subTest(size=size):
                        payloads = [os.urandom(size) for _ in range(self.COUNT)]
                        self.check(daemon, client, payloads)

    def test_mixed_datagrams_come_back_one_by_one_and_in_order(self):
        with Daemon(ECHO) as daemon:
            for client in self.clients(daemon):
                sizes = [self.MIXED[i % len(self.MIXED)] for i in range(self.COUNT)]
                self.check(daemon, client, [os.urandom(size) for size in sizes])

    def test_more_than_a_batch_comes_back_in_order(self):
        with Daemon(ECHO) as daemon:
            for client in self.clients(daemon):
                self.check(daemon, client, [i.to_bytes(100, "big") for i in range(200)])

    def test_each_answer_goes_to_its_own_asker(self):
        with Daemon(ECHO) as daemon:
            address = daemon.address("udp")
            clients = [self.enterContext(udp_socket(address)) for _ in range(5)]
            # In turns, and in rows of one asker.
            order = [i % 5 for i in range(30)] + [i // 6 for i in range(30)]
            sent = [[] for _ in clients]
            with held(daemon):
                for number, asker in enumerate(order):
                    payload = b"%d of %d" % (number, asker)
                    clients[asker].sendto(payload, address)
                    sent[asker].append(payload)
            for client, payloads in zip(clients, sent):
                self.assertEqual([client.recv(1024) for _ in payloads], payloads)

    def test_each_answer_leaves_from_the_address_that_was_asked(self):
        with Daemon(ECHO.replace("127.0.0.1:0, [::1]:0", "*:0")) as daemon:
            port = next(port for host, port in daemon.addresses("udp", 2) if host == "0.0.0.0")
            with udp_socket(("127.0.0.1", 0), source=("127.0.0.1", 0)) as client:
                asked = [(f"127.0.0.{1 + i % 3}", port) for i in range(15)]
                asked += [(f"127.0.0.{1 + i // 5}", port) for i in range(15)]
                with held(daemon):
                    for number, address in enumerate(asked):
                        client.sendto(b"number %02d" % number, address)
                for number, address in enumerate(asked):
                    self.assertEqual(client.recvfrom(1024), (b"number %02d" % number, address))

    def test_a_way_out_with_small_packets_loses_none(self):
        # Packets of 600 bytes: answers of 1,000 cannot leave as segments and must go one by one.
        far = self.enterContext(Namespace())
        far.join(mtu=600)
        ip("address add 192.0.2.1/24 dev near")
        far.ip("address add 192.0.2.2/24 dev far")
        with Daemon(ECHO.replace("127.0.0.1:0, [::1]:0", "192.0.2.1:0")) as daemon:
            with far.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(support.DEADLINE)
                client.connect(daemon.address("udp"))
                for size in (1000, 100):
                    self.check(daemon, client, [os.urandom(size) for _ in range(self.COUNT)])
            self.assertEqual(daemon.counters("udp").get("dropped_send-error", 0), 0)


if __name__ == "__main__":
    support.isolate()
    support.main()
