"""Whose datagrams are never answered: the rules for sources, and `allow` and `deny`.

Broadcast and multicast are in test_udp_addresses, rates and loops in test_udp_limits. Truncated
datagrams cannot be made: there is room for the longest that the UDP header can tell of.
"""

import socket
import unittest

import support
from support import Daemon, ip, raw_socket, send_forged, udp_socket, wait_until

QUERY = b"time? unix"
ANSWER = rb"\A\d{10}\Z"
NTP_REQUEST = b"\x23" + bytes(47)  # version 4, mode 3
IPV6_CHECKSUM = 7  # of <linux/in6.h>; Python has no name for it
PORT_ZERO = bytes(2)


def settled(daemon, received, listener="udp"):
    """The listener's counters once so many datagrams have come in."""

    def look():
        counters = daemon.counters(listener)
        return counters if counters.get("received", 0) >= received else None

    return wait_until(look, f"[{listener}] has received {received} datagrams")


class SafetyTest(unittest.TestCase):
    def setUp(self):
        self.raw = self.enterContext(raw_socket())

    def check_dropped(self, daemon, reason, count, listener="udp"):
        """`count` datagrams came in all told, and each was dropped for `reason`."""
        counters = settled(daemon, count, listener)
        self.assertEqual(counters["received"], count)
        self.assertEqual(counters.get(f"dropped_{reason}", 0), count)
        self.assertEqual(counters.get("answered", 0), 0)
        self.assertEqual(counters.get("bytes_out", 0), 0)


class PortZero(SafetyTest):
    def test_forged_datagram_reaches_the_daemon(self):
        # Without this, no other test here would show anything.
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            with udp_socket(("127.0.0.1", 0), source=("127.0.0.1", 0)) as client:
                send_forged(self.raw, client.getsockname(), daemon.address("udp"), QUERY)
                self.assertRegex(client.recv(1024), ANSWER)

    def test_port_zero_is_dropped(self):
        # Also where low ports are answered: nothing can be sent there.
        for rule in ("yes", "no"):
            configuration = f"[udp]\nlisten = 127.0.0.1:0\nrefuse_low_ports = {rule}\n"
            with self.subTest(refuse_low_ports=rule), Daemon(configuration) as daemon:
                for host in ("127.0.0.1", "127.0.0.2", "192.0.2.7"):
                    send_forged(self.raw, (host, 0), daemon.address("udp"), QUERY)
                self.check_dropped(daemon, "port-zero", 3)

    def test_port_zero_is_dropped_over_ipv6(self):
        with Daemon("[udp]\nlisten = [::1]:0\n") as daemon:
            host, port = daemon.address("udp")
            with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
                raw.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 6)
                size = (8 + len(QUERY)).to_bytes(2, "big")
                header = PORT_ZERO + port.to_bytes(2, "big") + size + bytes(2)
                raw.sendto(header + QUERY, (host, 0))
            self.check_dropped(daemon, "port-zero", 1)


class LowPorts(SafetyTest):
    PORTS = (1, 7, 13, 19, 37, 53, 123, 1023)

    def test_low_ports_are_counted(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            for port in self.PORTS:
                send_forged(self.raw, ("127.0.0.1", port), daemon.address("udp"), QUERY)
            self.check_dropped(daemon, "low-port", len(self.PORTS))

    def test_port_123_may_ask_ntp_and_no_other_low_port(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\nservice = ntp\n") as daemon:
            others = [port for port in (*self.PORTS, 122, 124) if port != 123]
            for port in others:
                send_forged(self.raw, ("127.0.0.1", port), daemon.address("udp"), NTP_REQUEST)
            self.check_dropped(daemon, "low-port", len(others))
            with udp_socket(("127.0.0.1", 0), source=("127.0.0.1", 123)) as client:
                client.sendto(NTP_REQUEST, daemon.address("udp"))
                self.assertEqual(len(client.recv(1024)), 48)


class OwnListeners(SafetyTest):
    ONE_ADDRESS = (
        "[udp]\nlisten = 127.0.0.1:0\n[udp echo]\nservice = echo\nlisten = 127.0.0.1:0\n"
    )
    ALL_ADDRESSES = ONE_ADDRESS.replace("127.0.0.1", "*")

    def test_an_own_listener_gets_no_answer(self):
        with Daemon(self.ONE_ADDRESS) as daemon:
            query, echo = daemon.address("udp"), daemon.address("udp echo")
            send_forged(self.raw, echo, query, QUERY)
            send_forged(self.raw, query, query, QUERY)
            self.check_dropped(daemon, "own-listener", 2)
            send_forged(self.raw, query, echo, QUERY)
            send_forged(self.raw, echo, echo, QUERY)
            self.check_dropped(daemon, "own-listener", 2, "udp echo")

    def test_the_same_port_of_another_address_is_somebody_else(self):
        with Daemon(self.ONE_ADDRESS) as daemon:
            elsewhere = ("127.0.0.2", daemon.address("udp echo")[1])
            with udp_socket(elsewhere, source=elsewhere) as client:
                client.sendto(QUERY, daemon.address("udp"))
                self.assertRegex(client.recv(1024), ANSWER)

    def test_a_tcp_listener_is_not_meant(self):
        tcp = "[tcp]\nlisten = 127.0.0.1:0\n"
        with Daemon(tcp + "[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            same_port = daemon.address("tcp")
            with udp_socket(same_port, source=same_port) as client:
                client.sendto(QUERY, daemon.address("udp"))
                self.assertRegex(client.recv(1024), ANSWER)

    def ports(self, daemon):
        """Of [udp] and [udp echo], over IPv4."""
        sections = (daemon.addresses(title, 2) for title in ("udp", "udp echo"))
        return [next(port for host, port in each if host == "0.0.0.0") for each in sections]

    def test_a_wildcard_listener_has_every_address_of_the_host(self):
        ip("address add 192.0.2.1/32 dev lo")
        self.addCleanup(ip, "address delete 192.0.2.1/32 dev lo")
        with Daemon(self.ALL_ADDRESSES) as daemon:
            query, echo = self.ports(daemon)
            own = [("127.0.0.1", echo), ("127.0.0.9", echo), ("192.0.2.1", echo)]
            own += [("192.0.2.1", query)]
            for source in own:
                send_forged(self.raw, source, ("127.0.0.1", query), QUERY)
            self.check_dropped(daemon, "own-listener", len(own))
            # A neighbour with the same port is not ours.
            send_forged(self.raw, ("192.0.2.2", echo), ("127.0.0.1", query), QUERY)
            counters = settled(daemon, len(own) + 1)
            self.assertEqual(counters["dropped_own-listener"], len(own))

    def test_an_address_that_the_host_got_later_is_found(self):
        with Daemon(self.ALL_ADDRESSES) as daemon:
            query, echo = self.ports(daemon)
            # From now on the daemon knows the addresses of this moment.
            send_forged(self.raw, ("127.0.0.1", echo), ("127.0.0.1", query), QUERY)
            self.check_dropped(daemon, "own-listener", 1)
            ip("address add 192.0.2.9/32 dev lo")
            self.addCleanup(ip, "address delete 192.0.2.9/32 dev lo")

            def dropped():
                send_forged(self.raw, ("192.0.2.9", echo), ("127.0.0.1", query), QUERY)
                return daemon.counters("udp")["dropped_own-listener"] > 1

            wait_until(dropped, "the daemon knows the host's new address")


class AllowAndDeny(SafetyTest):
    LISTS = (
        "[udp]\nlisten = 127.0.0.1:0, [::1]:0\n"
        "allow = 127.0.0.0/24, fd00::/64\ndeny = 127.0.0.128/25, fd00::bad\n"
    )
    ALLOWED = ("127.0.0.1", "127.0.0.127", "fd00::1")
    DENIED = ("127.0.0.128", "127.0.0.200", "127.0.1.1", "fd00::bad", "::1")

    def setUp(self):
        super().setUp()
        for host in ("fd00::1", "fd00::bad"):
            ip(f"address add {host}/128 dev lo nodad")
            self.addCleanup(ip, f"address delete {host}/128 dev lo")

    def ask(self, daemon, host):
        """A socket at `host` that has asked."""
        addresses = daemon.addresses("udp", 2)
        asked = next(address for address in addresses if (":" in address[0]) == (":" in host))
        client = self.enterContext(udp_socket(asked, source=(host, 0)))
        client.sendto(QUERY, asked)
        return client

    def test_only_allowed_sources_are_answered(self):
        with Daemon(self.LISTS) as daemon:
            refused = [self.ask(daemon, host) for host in self.DENIED]
            self.check_dropped(daemon, "denied", len(self.DENIED))
            for host in self.ALLOWED:
                with self.subTest(allowed=host):
                    self.assertRegex(self.ask(daemon, host).recv(1024), ANSWER)
            for client in refused:
                client.setblocking(False)
                self.assertRaises(BlockingIOError, client.recv, 1024)


if __name__ == "__main__":
    support.isolate()
    support.main()
