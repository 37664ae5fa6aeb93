"""Where UDP answers come from and where they never go, in a network of its own."""

import socket
import unittest

import support
from support import Daemon, udp_socket

QUERY = b"time? http"
ANSWER = rb"\A\w{3}, .* GMT\Z"


class AnsweringAddress(unittest.TestCase):
    def check(self, asked):
        # From an address that is not the one asked: without care, the answer would leave from it.
        source = ("::1" if ":" in asked[0] else "127.0.0.1", 0)
        with udp_socket(asked, source) as client:
            client.sendto(QUERY, asked)
            answer, source = client.recvfrom(1024)
            self.assertRegex(answer, ANSWER)
            self.assertEqual(source[:2], asked)

    def test_answer_leaves_from_the_address_that_was_asked(self):
        added = support.run(["ip", "address", "add", "fd00::2/128", "dev", "lo"])
        self.assertEqual(added.status, 0, added.errors.decode())
        with Daemon("[udp]\nlisten = *:0\n") as daemon:
            for host, port in daemon.addresses("udp", 2):
                for asked in ("::1", "fd00::2") if host == "::" else ("127.0.0.1", "127.0.0.2"):
                    with self.subTest(asked=asked):
                        self.check((asked, port))


class ManyAtOnce(unittest.TestCase):
    # On a link of its own, for the loopback interface knows no multicast.
    LINK = [
        "link add many type veth peer name far",
        "link set many up",
        "link set far up",
        "address add 192.0.2.1/24 dev many",
        "address add fd00::1/64 dev many nodad",
        "route add 224.0.0.0/4 dev many",
    ]
    ASKED = {
        "0.0.0.0": ("192.0.2.1", ["192.0.2.255", "255.255.255.255", "224.0.0.1"]),
        "::": ("fd00::1", ["ff02::1%many", "ff01::1%many"]),
    }

    def setUp(self):
        for command in self.LINK:
            done = support.run(["ip", *command.split()])
            self.assertEqual(done.status, 0, f"ip {command}: {done.errors.decode()}")
        self.addCleanup(support.run, ["ip", "link", "delete", "many"])

    def test_broadcast_and_multicast_get_no_answer(self):
        with Daemon("[udp]\nlisten = *:0\n") as daemon:
            for wildcard, port in daemon.addresses("udp", 2):
                one, many = self.ASKED[wildcard]
                for everybody in many:
                    with self.subTest(asked=everybody):
                        self.check(daemon, (one, port), (everybody, port))

    def check(self, daemon, one, everybody):
        before = daemon.counters("udp").get("dropped_not-unicast", 0)
        with udp_socket(one, source=(one[0], 0)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            client.sendto(b"time? unix", everybody)
            # In order on one socket: had the first been answered, that answer came first.
            client.sendto(QUERY, one)
            self.assertRegex(client.recv(1024), ANSWER)
        # It did arrive, or this showed nothing. (From the far end of the link a copy may follow.)
        self.assertGreater(daemon.counters("udp").get("dropped_not-unicast", 0), before)


class LowPorts(unittest.TestCase):
    def client(self, port):
        return self.enterContext(udp_socket(("127.0.0.1", 0), source=("127.0.0.1", port)))

    def test_low_source_port_gets_no_answer_by_default(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            # One daemon, served in order: had the low port been answered, its answer were there
            # by the time that the high one's is.
            for port in (1, 7, 53, 123, 1023):
                with self.subTest(port=port):
                    low, high = self.client(port), self.client(1024 + port)
                    low.sendto(QUERY, daemon.address("udp"))
                    high.sendto(QUERY, daemon.address("udp"))
                    self.assertRegex(high.recv(1024), ANSWER)
                    low.setblocking(False)
                    with self.assertRaises(BlockingIOError):
                        low.recv(1024)

    def test_port_1024_is_no_low_port(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            client = self.client(1024)
            client.sendto(QUERY, daemon.address("udp"))
            self.assertRegex(client.recv(1024), ANSWER)

    def test_refuse_low_ports_no_answers_them(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\nrefuse_low_ports = no\n") as daemon:
            for port in (1, 123, 1023):
                with self.subTest(port=port):
                    client = self.client(port)
                    client.sendto(QUERY, daemon.address("udp"))
                    self.assertRegex(client.recv(1024), ANSWER)


if __name__ == "__main__":
    support.isolate()
    support.main()
