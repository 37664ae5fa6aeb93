"""Where UDP answers come from and where they never go, in a network of its own."""

import socket
import unittest

import support
from support import DEADLINE, Daemon, Namespace, ip, udp_socket, wait_for_link, wait_until

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
        ip("address add fd00::2/128 dev lo")
        self.addCleanup(ip, "address delete fd00::2/128 dev lo")
        with Daemon("[udp]\nlisten = *:0\n") as daemon:
            for host, port in daemon.addresses("udp", 2):
                for asked in ("::1", "fd00::2") if host == "::" else ("127.0.0.1", "127.0.0.2"):
                    with self.subTest(asked=asked):
                        self.check((asked, port))


class SeveralAddresses(unittest.TestCase):
    """A host with several addresses on two links, asked by another one over the first of them."""

    NEAR = [
        "address add 192.0.2.1/24 dev near",
        "address add 192.0.2.2/24 dev near",
        "address add fd00::1/64 dev near nodad",
        "address add fd00::2/64 dev near nodad",
        "address add fe80::1/64 dev near nodad",
        "address add fe80::2/64 dev near nodad",
        "address add 198.51.100.1/32 dev lo",
        "address add fd00:1::1/128 dev lo nodad",
    ]
    FAR = [
        "address add 192.0.2.9/24 dev far",
        "address add fd00::9/64 dev far nodad",
        "address add fe80::9/64 dev far nodad",
        "route add 198.51.100.1 via 192.0.2.1",
        "route add fd00:1::1 via fd00::1",
    ]
    ASKED = {
        socket.AF_INET: ["192.0.2.1", "192.0.2.2", "198.51.100.1"],
        socket.AF_INET6: ["fd00::1", "fd00::2", "fd00:1::1", "fe80::1%far", "fe80::2%far"],
    }
    REQUESTS = {
        "echo": b"hello",
        "time": QUERY,
        "daytime": b"",
        "rfc868": b"",
        "ntp": b"\x23" + bytes(47),
        "stamp": bytes(44),
    }

    def setUp(self):
        self.far = self.enterContext(Namespace())
        self.far.join()
        for run_ip, commands in (ip, self.NEAR), (self.far.ip, self.FAR):
            for command in commands:
                run_ip(command)
        for address in ("198.51.100.1/32", "fd00:1::1/128"):
            self.addCleanup(ip, f"address delete {address} dev lo")

    def check(self, family, request, asked, source=None):
        with self.far.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            if source is not None:
                client.bind((source, 0))
            host, _, link = asked[0].partition("%")
            to = (host, asked[1]) if family == socket.AF_INET else (host, asked[1], 0, 0)
            if link:
                to = (*to[:3], self.far.link_index(link))
            for _ in range(3):
                client.sendto(request, to)
            for _ in range(3):
                self.assertEqual(client.recvfrom(1024)[1], to)

    def test_every_service_answers_from_the_address_that_was_asked(self):
        configuration = "".join(
            f"[udp {service}]\nlisten = *:0\nservice = {service}\n" for service in self.REQUESTS
        )
        with Daemon(configuration) as daemon:
            for service, request in self.REQUESTS.items():
                for wildcard, port in daemon.addresses(f"udp {service}", 2):
                    family = socket.AF_INET6 if wildcard == "::" else socket.AF_INET
                    for host in self.ASKED[family]:
                        with self.subTest(service=service, asked=host):
                            self.check(family, request, (host, port))

    def test_a_link_local_address_answers_a_global_one(self):
        # Whose own address does not tell the link.
        with Daemon("[udp]\nlisten = [::]:0\n") as daemon:
            asked = ("fe80::2%far", daemon.address("udp")[1])
            self.check(socket.AF_INET6, QUERY, asked, source="fd00::9")


class ManyAtOnce(unittest.TestCase):
    # On a link of its own, for the loopback interface knows no multicast.
    LINK = [
        "address add 192.0.2.1/24 dev many",
        "address add fd00::1/64 dev many nodad",
        "route add 224.0.0.0/4 dev many",
    ]
    ASKED = {
        "0.0.0.0": ("192.0.2.1", ["192.0.2.255", "255.255.255.255", "224.0.0.1"]),
        "::": ("fd00::1", ["ff02::1%many", "ff01::1%many"]),
    }

    def setUp(self):
        ip("link add many type veth peer name far")
        self.addCleanup(ip, "link delete many")
        ip("link set many up")
        ip("link set far up")
        wait_for_link("many")
        for command in self.LINK:
            ip(command)

    def test_broadcast_and_multicast_get_no_answer(self):
        with Daemon("[udp]\nlisten = *:0\n") as daemon:
            for wildcard, port in daemon.addresses("udp", 2):
                one, many = self.ASKED[wildcard]
                for everybody in many:
                    with self.subTest(asked=everybody):
                        self.check(daemon, (one, port), (everybody, port))

    def test_a_listener_at_an_address_of_many_answers_nobody(self):
        # Such a socket has to be told where a datagram went to; one at a host's address has not.
        with Daemon("[udp]\nlisten = 192.0.2.1:0\n[udp many]\nlisten = 192.0.2.255:0\n") as daemon:
            with udp_socket(("192.0.2.1", 0), source=("192.0.2.1", 0)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                client.sendto(b"time? unix", daemon.address("udp many"))
                wait_until(lambda: daemon.counters("udp many").get("dropped_not-unicast"),
                           "a datagram to many was not dropped")
                client.sendto(QUERY, daemon.address("udp"))
                self.assertRegex(client.recv(1024), ANSWER)

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
