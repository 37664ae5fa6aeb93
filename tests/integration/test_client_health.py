"""echotime health: one probe, one exit status, a bounded time, and silence on success."""

import socket
import time
import unittest

from support import Daemon, client, isolate, main, refusing_port
from support.lying_server import CLOSE, LyingServer, damaged
from support.peers import Socat, Xinetd

SERVICES = [
    ("tcp", "echo", "echo", ""),
    ("tcp", "time", "time", "framing = line\n"),
    ("tcp", "daytime", "daytime", ""),
    ("tcp", "rfc868", "rfc868", ""),
    ("udp", "echo", "echo", ""),
    ("udp", "time", "time", ""),
    ("udp", "daytime", "daytime", ""),
    ("udp", "rfc868", "rfc868", ""),
    ("udp", "ntp", "ntp", ""),
    ("udp", "stamp", "stamp", ""),
]
CONFIGURATION = "".join(
    f"[{transport} {service}]\nservice = {service}\nlisten = 127.0.0.1:0\n{more}"
    for transport, service, _, more in SERVICES
)
SLOW_MACHINE = 10  # seconds that a start may take besides what the client waits


class Health(unittest.TestCase):
    def expect_good(self, *arguments):
        done = client.run("health", "-w", "20s", *arguments)
        self.assertEqual((done.status, done.output, done.errors), (0, "", ""), arguments)

    def expect_bad(self, sentence, *arguments):
        began = time.monotonic()
        done = client.run("health", *arguments)
        took = time.monotonic() - began
        self.assertEqual((done.status, done.output), (1, ""), done)
        self.assertRegex(done.errors, r"\Aechotime: .*\n\Z")
        self.assertIn(sentence, done.errors)
        return took

    def test_every_service_is_healthy_and_nothing_is_said(self):
        with Daemon(CONFIGURATION) as daemon:
            for transport, service, protocol, _ in SERVICES:
                address = daemon.address(f"{transport} {service}")
                self.expect_good("-p", protocol, client.url(transport, address))

    def test_the_defaults_of_the_daemon_are_asked_without_a_port(self):
        with Daemon(configuration=""):
            self.expect_good("tcp://127.0.0.1")
            self.expect_good("-p", "time", "udp://127.0.0.1")

    def test_all_framings(self):
        for framing in "raw", "line", "length16", "length32":
            with Daemon(f"[tcp]\nlisten = 127.0.0.1:0\nframing = {framing}\n") as daemon:
                self.expect_good("-f", framing, client.url("tcp", daemon.address("tcp")))

    def test_servers_that_are_not_ours(self):
        with Xinetd():
            for transport in "tcp", "udp":
                for port, protocol in (7, "echo"), (13, "daytime"), (37, "rfc868"):
                    self.expect_good("-p", protocol, f"{transport}://127.0.0.1:{port}")
        for transport in "tcp", "udp":
            with Socat(transport) as server:
                self.expect_good(f"{transport}://127.0.0.1:{server.port}")

    def test_nobody_there(self):
        for transport in "tcp", "udp":
            port = refusing_port()
            self.expect_bad(
                f"no answer from 127.0.0.1 port {port} ({transport}): Connection refused; nothing",
                f"{transport}://127.0.0.1:{port}",
            )

    def test_silence_is_bounded(self):
        """Over UDP, in a queue that nobody accepts from, and on a connection that says nothing."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = client.url("udp", silent.getsockname())
            self.assertLess(self.expect_bad("no answer in time", "-w", "300ms", url), SLOW_MACHINE)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = client.url("tcp", silent.getsockname())
            took = self.expect_bad("connected, but no answer in time", "-w", "300ms", url)
            self.assertLess(took, SLOW_MACHINE)
            took = self.expect_bad("connected, but no answer in time", url)
            self.assertGreater(took, 1.9)  # by default it is 2 s
            self.assertLess(took, 2 + SLOW_MACHINE)

    def test_a_byte_at_a_time_is_bounded_too(self):
        trickle = [(i / 20, b"x") for i in range(600)]
        with LyingServer(lambda *_: [], "tcp", on_connect=trickle) as server:
            url = client.url("tcp", server.address)
            took = self.expect_bad("no answer in time", "-w", "500ms", "-p", "daytime", url)
        self.assertLess(took, 20)

    def test_wrong_answers(self):
        def one_bit(_, message):
            return [(0, damaged(message, 9))]

        def too_short(_, message):
            return [(0, message[:-1]), (0, CLOSE)]

        for transport in "tcp", "udp":
            with LyingServer(one_bit, transport) as server:
                url = client.url(transport, server.address)
                self.expect_bad("differs from what was sent in 1 byte, byte 9", url)
        with LyingServer(too_short, "tcp") as server:
            self.expect_bad("is cut short", client.url("tcp", server.address))
        with LyingServer(lambda _, query: [(0, query)]) as server:
            url = client.url("udp", server.address)
            self.expect_bad("the answer from", "-w", "2s", "-p", "stamp", url)

    def test_quiet_says_nothing_at_all(self):
        done = client.run("health", "-q", f"udp://127.0.0.1:{refusing_port()}")
        self.assertEqual((done.status, done.output, done.errors), (1, "", ""))

    def test_json(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\nservice = echo\n") as daemon:
            done = client.run("health", "--json", client.url("udp", daemon.address("udp")))
            self.assertEqual(set(done.object), {"url", "address", "ok", "round_trip_ns"})
            self.assertIs(done.object["ok"], True)
        done = client.run("health", "--json", f"udp://127.0.0.1:{refusing_port()}")
        self.assertEqual(done.status, 1)
        self.assertEqual(set(done.object), {"url", "ok", "error"})
        self.assertIs(done.object["ok"], False)

    def test_a_stopped_server_is_unhealthy(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            url = client.url("tcp", daemon.address("tcp"))
            self.expect_good(url)
            daemon.stop()
            self.expect_bad("Connection refused", url)


if __name__ == "__main__":
    isolate()
    main()
