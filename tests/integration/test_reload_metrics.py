"""Metrics over reloads: they stay, move, come and go with the configuration, or nothing does."""

import contextlib
import signal
import socket
import threading
import unittest

import support
from support import answer_to, connect, exchange, wait_until
from support.reloading import ReloadingDaemon
from support.scrape import OPENMETRICS, ask, scrape

METRICS = "[daemon]\nmetrics_listen = 127.0.0.1:0\n"
LISTENERS = "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\n"
BOTH = METRICS + LISTENERS


def listening(daemon, listener="metrics"):
    return [line for line in daemon.log if line.pairs.get("listener") == listener
            and line.message == "listening"]


class Scraper(threading.Thread):
    """Asks on and on; a refusal, an answer cut short or a sample that comes twice is a failure."""

    def __init__(self, address):
        super().__init__()
        self.address = address
        self.scrapes = 0
        self.failure = None
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.is_set():
                scrape(self.address, OPENMETRICS if self.scrapes % 2 else None)
                self.scrapes += 1
        except Exception as failure:  # whatever it is, the test tells it
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(support.DEADLINE)


class Kept(unittest.TestCase):
    def test_scrapers_feel_nothing_while_everything_else_changes(self):
        others = (
            "[tcp other]\nlisten = 127.0.0.2:0, 127.0.0.3:0\n",
            LISTENERS + "[udp more]\nlisten = 127.0.0.2:0\n",
            LISTENERS,
        )
        with ReloadingDaemon(BOTH) as daemon:
            address, before = daemon.address("metrics"), len(daemon.sockets().serving)
            with Scraper(address) as scraper:
                for number in range(30):
                    daemon.reload(METRICS + others[number % len(others)])
                    daemon.reload_in_vain(METRICS + "[tcp]\nnonsense = 1\n")
                    asked = scraper.scrapes
                    wait_until(
                        lambda: scraper.scrapes > asked or scraper.failure, "one more scrape"
                    )
                    self.assertIsNone(scraper.failure)
            self.assertIsNone(scraper.failure)
            self.assertEqual(len(listening(daemon)), 1)
            now = scrape(address)
            self.assertEqual(now.get("echotimed_reloads_total", result="good"), 30)
            self.assertEqual(now.get("echotimed_reloads_total", result="bad"), 30)
            # The last reload brought back what it began with: at other ports, but as many.
            wait_until(lambda: len(daemon.sockets().serving) == before, "as many sockets as before")

    def test_a_request_that_was_begun_is_answered_behind_the_reload(self):
        with ReloadingDaemon(BOTH) as daemon, connect(daemon.address("metrics")) as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\n")
            ask(daemon.address("metrics"))  # so that the other is accepted, too
            daemon.reload(BOTH + "time_format = unix\n")
            stream.sendall(b"Host: a\r\n\r\n")
            self.assertTrue(support.receive_to_end(stream).endswith(b"\r\n\r\nok\n"))


class Changed(unittest.TestCase):
    def test_removed_and_added_again(self):
        with ReloadingDaemon(BOTH) as daemon:
            address, before = daemon.address("metrics"), daemon.open_descriptors()
            daemon.reload(LISTENERS)
            with self.assertRaises(ConnectionRefusedError):
                connect(address)
            wait_until(lambda: daemon.open_descriptors() == before - 2, "a socket and an epoll less")
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(exchange(stream, b"served on"), b"served on")
            daemon.reload(BOTH)
            again = daemon.addresses("metrics", 2)[1]
            self.assertEqual(ask(again, "/healthz").status, 200)
            wait_until(lambda: daemon.open_descriptors() == before, "as many descriptors as at first")

    def test_moved(self):
        with ReloadingDaemon(BOTH) as daemon:
            old, before = daemon.address("metrics"), daemon.open_descriptors()
            with connect(old) as begun:
                begun.sendall(b"GET /metrics HTTP/1.1\r\n")
                ask(old)
                daemon.reload(BOTH.replace("127.0.0.1:0", "127.0.0.2:0", 1))
                # Whoever is in the middle of a request there asks again, at the new address.
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(begun.recv(1), b"")
            with self.assertRaises(ConnectionRefusedError):
                connect(old)
            new = daemon.addresses("metrics", 2)[1]
            self.assertEqual(new[0], "127.0.0.2")
            self.assertEqual(scrape(new).get("echotimed_reloads_total", result="good"), 1)
            wait_until(lambda: daemon.open_descriptors() == before, "as many descriptors as before")


class Refused(unittest.TestCase):
    def check_nothing_changed(self, daemon, text):
        """Gives the lines of the log that came of the reload."""
        address, before = daemon.address("metrics"), daemon.sockets()
        lines = daemon.reload_in_vain(text)
        daemon.wait_for_sockets(before)
        self.assertEqual([line for line in lines if line.message == "listening"], [])
        self.assertEqual(scrape(address).get("echotimed_reloads_total", result="bad"), daemon.bad)
        with connect(daemon.address("tcp")) as stream:
            self.assertEqual(exchange(stream, b"as it was"), b"as it was")
        self.assertTrue(answer_to(daemon.address("udp"), b"time?"))
        return lines

    def assert_said(self, lines, part, **pairs):
        self.assertTrue(
            any(part in line.text and pairs.items() <= line.pairs.items() for line in lines), part
        )

    def test_an_address_in_use(self):
        with socket.create_server(("127.0.0.3", 0)) as taken, ReloadingDaemon(BOTH) as daemon:
            port = taken.getsockname()[1]
            text = f"[daemon]\nmetrics_listen = 127.0.0.3:{port}\n[tcp new]\nlisten = 127.0.0.2:0\n"
            lines = self.check_nothing_changed(daemon, text)
            self.assert_said(lines, f"127.0.0.3:{port}: Address already in use", section="[daemon]")

    def test_a_listener_that_cannot_be_had(self):
        with ReloadingDaemon(BOTH) as daemon:
            moved = BOTH.replace("127.0.0.1:0", "127.0.0.2:0", 1)
            self.check_nothing_changed(daemon, moved + "[tcp x]\nlisten = 192.0.2.1:7\n")
            self.check_nothing_changed(daemon, LISTENERS + "[tcp x]\nlisten = 192.0.2.1:7\n")

    def test_one_family_of_two_in_use(self):
        with ReloadingDaemon(BOTH) as daemon:
            port = support.free_port(host="0.0.0.0")
            with socket.create_server(("::1", port), family=socket.AF_INET6):
                text = BOTH.replace("127.0.0.1:0", f"*:{port}", 1)
                lines = self.check_nothing_changed(daemon, text)
                self.assert_said(lines, f"[::]:{port}: Address already in use", section="[daemon]")

    def test_an_address_that_overlaps_with_what_is_served_says_what_to_do(self):
        """Of metrics with the old ones, with an old listener, and of a listener with old metrics."""
        port = other = support.free_port()
        while other == port:
            other = support.free_port()
        text = (
            f"[daemon]\nmetrics_listen = 127.0.0.1:{port}\n[tcp]\nlisten = 127.0.0.1:{other}\n"
            "[udp]\nlisten = 127.0.0.1:0\n"
        )
        advice = "reload without the old address first, or restart"
        with ReloadingDaemon(text) as daemon:
            for new, section, served in (
                (f"[daemon]\nmetrics_listen = 0.0.0.0:{port}\n", "[daemon]", port),
                (f"[daemon]\nmetrics_listen = 0.0.0.0:{other}\n", "[tcp]", other),
                (f"[tcp]\nlisten = 0.0.0.0:{port}\n", "[daemon]", port),
            ):
                with self.subTest(new):
                    lines = self.check_nothing_changed(daemon, new + "[udp]\nlisten = 127.0.0.1:0\n")
                    self.assert_said(lines, advice, section=section, served=f"127.0.0.1:{served}")


class Counters(unittest.TestCase):
    def test_they_go_on_where_the_section_stays(self):
        with ReloadingDaemon(BOTH) as daemon, connect(daemon.address("tcp")) as old:
            address = daemon.address("metrics")
            exchange(old, b"12345")
            answer_to(daemon.address("udp"), b"time?")
            # One listener of that title with its connection, and another in its place: one sample.
            daemon.reload(METRICS + "[tcp]\nlisten = 127.0.0.2:0\n[udp]\nlisten = 127.0.0.2:0\n")
            with connect(daemon.addresses("tcp", 2)[1]) as new:
                exchange(new, b"678")
                exchange(old, b"9")
                answer_to(daemon.addresses("udp", 2)[1], b"time?")
                for accept in (None, OPENMETRICS):
                    now = scrape(address, accept)  # fails where a sample comes twice
                    for name, listener, value in (
                        ("tcp_connections_accepted_total", "tcp", 2),
                        ("tcp_connections_open", "tcp", 2),
                        ("tcp_received_bytes_total", "tcp", 9),
                        ("udp_datagrams_answered_total", "udp", 2),
                    ):
                        self.assertEqual(now.get("echotimed_" + name, listener=listener), value)

    def test_a_section_that_is_gone_is_told_until_its_last_connection_ends(self):
        opened = "echotimed_tcp_connections_open"

        def told(listener):
            return scrape(daemon.address("metrics")).values.get(
                (opened, frozenset({("listener", listener)}))
            )

        with ReloadingDaemon(METRICS + "[tcp a]\nlisten = 127.0.0.1:0\n") as daemon:
            with connect(daemon.address("tcp a")) as old:
                exchange(old, b"hello")
                # Its socket goes to another section, its connection does not.
                daemon.reload(METRICS + "[tcp b]\nlisten = 127.0.0.1:0\n")
                with connect(daemon.address("tcp b")) as new:
                    exchange(new, b"hello")
                    self.assertEqual((told("tcp a"), told("tcp b")), (1, 1))
            wait_until(lambda: told("tcp a") is None, "a section that is forgotten")
            wait_until(lambda: told("tcp b") == 0, "the end of a connection")


class Drain(unittest.TestCase):
    def test_a_hangup_meanwhile_takes_no_metrics_away(self):
        timeouts = "idle_timeout = 1h\nwrite_timeout = 1h\n"
        text = METRICS + "[tcp]\nlisten = 127.0.0.1:0\n" + timeouts
        with ReloadingDaemon(text) as daemon:
            address = daemon.address("metrics")
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                support.send_until_stuck(stream)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_line("draining")
                daemon.write_configuration(LISTENERS)
                daemon.signal(signal.SIGHUP)
                daemon.wait_for_line("asked to reload while ending")
                self.assertEqual(ask(address, "/healthz").status, 503)
            daemon.wait_exit()


if __name__ == "__main__":
    support.isolate()
    support.main()
