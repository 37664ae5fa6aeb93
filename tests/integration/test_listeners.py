"""Where a daemon listens: several listeners, both transports, both families.

In a network of its own, which has IPv6 even where the host has it switched off.
"""
import socket
import unittest

import support
from support import Daemon, answer_to, connect, exchange

TIME = rb"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z"


class Listeners(unittest.TestCase):
    def check_echo(self, address):
        with connect(address) as stream:
            self.assertEqual(exchange(stream, b"hello"), b"hello")

    def check_time(self, address):
        self.assertRegex(answer_to(address, b"time?"), TIME)

    def test_several_of_both_transports_in_one_process(self):
        configuration = "".join(
            f"[{section}]\nlisten = 127.0.0.1:0\n"
            for section in ("tcp", "tcp second", "udp", "udp second", "udp third")
        )
        with Daemon(configuration) as daemon:
            tcp = [daemon.address(name) for name in ("tcp", "tcp second")]
            udp = [daemon.address(name) for name in ("udp", "udp second", "udp third")]
            self.assertEqual(len(set(tcp)), 2)
            self.assertEqual(len(set(udp)), 3)
            for address in tcp:
                self.check_echo(address)
            for address in udp:
                self.check_time(address)

    def test_list_of_addresses_in_one_listener(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0, 127.0.0.2:0, [::1]:0\n") as daemon:
            addresses = daemon.addresses("tcp", 3)
            self.assertEqual([host for host, _ in addresses], ["127.0.0.1", "127.0.0.2", "::1"])
            for address in addresses:
                self.check_echo(address)

    def test_ipv6(self):
        with Daemon("[tcp]\nlisten = [::1]:0\n[udp]\nlisten = [::1]:0\n") as daemon:
            self.check_echo(daemon.address("tcp"))
            self.check_time(daemon.address("udp"))

    def test_star_is_a_socket_for_each_family(self):
        with Daemon("[tcp]\nlisten = *:0\n[udp]\nlisten = *:0\n") as daemon:
            for listener, check in (("tcp", self.check_echo), ("udp", self.check_time)):
                addresses = daemon.addresses(listener, 2)
                self.assertEqual(sorted(host for host, _ in addresses), ["0.0.0.0", "::"])
                for host, port in addresses:
                    check(("::1" if host == "::" else "127.0.0.1", port))

    def test_host_name_is_resolved(self):
        with Daemon("[tcp]\nlisten = localhost:0\n") as daemon:
            self.check_echo(daemon.address("tcp"))

    def test_same_port_serves_tcp_and_udp(self):
        port = support.free_port(socket.SOCK_DGRAM)
        listen = f"listen = 127.0.0.1:{port}\n"
        with Daemon(f"[tcp]\n{listen}[udp]\n{listen}") as daemon:
            self.check_echo(daemon.address("tcp"))
            self.check_time(daemon.address("udp"))

    def test_restart_takes_the_same_port_again_at_once(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            address = daemon.address("tcp")
            stream = self.enterContext(connect(address))
            exchange(stream, b"open when the daemon stops: its side stays in TIME-WAIT")
        with Daemon(f"[tcp]\nlisten = 127.0.0.1:{address[1]}\n") as daemon:
            self.check_echo(address)

    def test_started_without_a_service_manager(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\n", notify=False) as daemon:
            self.check_echo(daemon.address("tcp"))
            self.assertEqual(daemon.notices, [])


class AddressInUse(unittest.TestCase):
    def check(self, kind, section):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            configuration = f"[{section}]\nlisten = 127.0.0.1:{port}\n"
            daemon = Daemon(configuration, exit_status=71).run_to_end()
            told = [line.text for line in daemon.log if f"127.0.0.1:{port}" in line.text]
            self.assertEqual(len(told), 1, daemon.log_text())
            self.assertIn(section, told[0])
            self.assertIn("in use", told[0])

    def test_tcp_says_address_and_section_and_exits_with_71(self):
        self.check(socket.SOCK_STREAM, "tcp taken")

    def test_udp_says_address_and_section_and_exits_with_71(self):
        self.check(socket.SOCK_DGRAM, "udp taken")


if __name__ == "__main__":
    support.isolate()
    support.main()
