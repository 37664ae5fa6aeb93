"""proxy_protocol: the header of a proxy names the source, and nothing is answered before it."""

import os
import socket
import struct
import subprocess
import tempfile
import unittest

import support
from support import (
    DEADLINE,
    Daemon,
    connect,
    exchange,
    free_port,
    is_served,
    receive_exactly,
    receive_to_end,
    send_and_receive_all,
    wait_until,
)

CONFIGURATION = """
[daemon]
log_connections = yes
[tcp]
listen = 127.0.0.1:0
proxy_protocol = yes
"""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TCP4, TCP6 = 0x11, 0x21


def line(ip="192.0.2.7", port=56324):
    """A header of version 1."""
    family, destination = ("TCP6", "2001:db8::2") if ":" in ip else ("TCP4", "198.51.100.1")
    return f"PROXY {family} {ip} {destination} {port} 443\r\n".encode()


def binary(ip="192.0.2.7", port=56324, extensions=b"", command=0x21, family=None):
    """A header of version 2."""
    kind = socket.AF_INET6 if ":" in ip else socket.AF_INET
    address = socket.inet_pton(kind, ip)
    block = address * 2 + struct.pack("!HH", port, 443) + extensions
    family = family or (TCP6 if kind == socket.AF_INET6 else TCP4)
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


LOCAL = SIGNATURE + b"\x20\0\0\0"


class Case(unittest.TestCase):
    def start(self, more="", configuration=CONFIGURATION):
        self.daemon = self.enterContext(Daemon(configuration + more))

    def connect(self, header=b""):
        stream = self.enterContext(connect(self.daemon.address("tcp")))
        stream.sendall(header)
        return stream

    def assert_closed_unanswered(self, stream):
        try:
            self.assertEqual(stream.recv(1), b"")
        except ConnectionResetError:
            pass

    def assert_ended(self, stream, reason):
        """The daemon ends the connection without an answer, and the log says why."""
        source = self.own_name(stream)
        self.assert_closed_unanswered(stream)
        stream.close()  # which the daemon waits for, a little
        self.daemon.wait_for_line("closed", source=source, reason=reason)

    def own_name(self, stream):
        return "{}:{}".format(*stream.getsockname())


class Headers(Case):
    def setUp(self):
        self.start()

    def test_the_source_in_the_log_is_the_one_that_the_header_names(self):
        for make in line, binary:
            for ip, written in (("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "[2001:db8::1]")):
                port = 1000 + len(self.daemon.log)
                with self.subTest(make=make.__name__, ip=ip):
                    stream = self.connect(make(ip, port))
                    self.assertEqual(exchange(stream, b"hello"), b"hello")
                    stream.close()
                    closed = self.daemon.wait_for_line("closed", source=f"{written}:{port}")
                    self.assertEqual(closed.pairs["reason"], "end-of-input")
                    self.assertEqual(closed.pairs["bytes_out"], "5")

    def test_a_source_without_a_port_is_the_source_all_the_same(self):
        for header, source in (line("192.0.2.7", 0), "192.0.2.7:0"), (binary("::2", 0), "[::2]:0"):
            with self.subTest(header):
                stream = self.connect(header)
                self.assertEqual(exchange(stream, b"hello"), b"hello")
                stream.close()
                self.daemon.wait_for_line("closed", source=source, reason="end-of-input")

    def test_a_header_that_names_nobody_leaves_the_peer(self):
        for header in b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN with more\r\n", LOCAL:
            with self.subTest(header):
                stream = self.connect(header)
                self.assertEqual(exchange(stream, b"hello"), b"hello")
                source = self.own_name(stream)
                stream.close()
                self.daemon.wait_for_line("closed", source=source, reason="end-of-input")

    def test_bytes_behind_the_header_in_one_segment_are_the_stream(self):
        for header in line(), binary(), binary(extensions=b"\4\0\2.." * 100), LOCAL:
            with self.subTest(header[:40]):
                stream = self.connect(header + b"hello")
                self.assertEqual(receive_exactly(stream, 5), b"hello")

    def test_byte_by_byte(self):
        for header in line(), binary():
            stream = self.connect()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for position in range(len(header)):
                stream.sendall(header[position : position + 1])
            self.assertEqual(exchange(stream, b"hello"), b"hello")

    def test_a_large_stream_follows(self):
        data = os.urandom(3_000_000)
        stream = self.connect(line())
        self.assertEqual(send_and_receive_all(stream, data), data)

    def test_a_bad_header_closes_unanswered_and_is_counted(self):
        bad = [
            b"hello, no header here",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\nhello",
            b"PROXY TCP4 192.0.2.07 198.51.100.1 56324 443\r\nhello",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\nhello",
            b"PROXY UNKNOWN " + b"x" * 200,
            binary(command=0x22) + b"hello",
            binary(command=0x11) + b"hello",
            binary(family=0x12) + b"hello",
            binary(family=0x31) + b"hello",
            binary(extensions=bytes(8000)) + b"hello",
            binary()[:16].replace(b"\0\x0c", b"\0\x0b") + b"hello, hello, hello",
        ]
        for header in bad:
            with self.subTest(header[:60]):
                self.assert_ended(self.connect(header), "bad-proxy-header")
        counters = self.daemon.counters("tcp")
        self.assertEqual(counters["closed_bad-proxy-header"], len(bad))
        self.assertNotIn("messages", counters)
        self.assertNotIn("bytes_out", counters)

    def test_the_end_of_input_before_the_end_of_the_header(self):
        for header, reason in ((b"", "end-of-input"), (line()[:-1], "bad-proxy-header")):
            with self.subTest(header):
                stream = self.connect(header)
                stream.shutdown(socket.SHUT_WR)
                self.assert_ended(stream, reason)


class OtherListeners(Case):
    def test_without_the_key_a_header_is_data(self):
        self.start(configuration="[tcp]\nlisten = 127.0.0.1:0\n")
        stream = self.connect()
        self.assertEqual(exchange(stream, line()), line())

    def test_a_service_that_speaks_first_waits_for_the_header(self):
        self.start("service = daytime\n")
        stream = self.connect(line()[:20])
        # Nothing is to come; the rest of the header shows that it could have.
        stream.setblocking(False)
        with self.assertRaises(BlockingIOError):
            stream.recv(1)
        stream.settimeout(DEADLINE)
        stream.sendall(line()[20:])
        self.assertRegex(receive_to_end(stream), rb"\A\d\d [A-Z]{3} \d{4} ")


class TimeOuts(Case):
    def test_who_sends_no_header_does_not_stay(self):
        self.start("message_timeout = 300ms\n")
        for beginning in b"", b"PROXY ", SIGNATURE:
            with self.subTest(beginning):
                self.assert_ended(self.connect(beginning), "message-timeout")

    def test_bytes_that_trickle_do_not_put_it_off(self):
        self.start("message_timeout = 500ms\n")
        stream = self.connect()
        stream.settimeout(0.05)
        ended = False
        for byte in b"PROXY UNKNOWN " + b"x" * 80:
            try:
                stream.sendall(bytes([byte]))
                ended = stream.recv(1) == b""
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                ended = True
            break
        self.assertTrue(ended)
        self.assert_ended(stream, "message-timeout")

    def test_a_drain_does_not_wait_for_headers(self):
        self.start("message_timeout = 0\nidle_timeout = 0\n")
        silent, begun = self.connect(), self.connect(b"PROXY ")
        wait_until(lambda: self.daemon.counters("tcp").get("open") == 2, "two open connections")
        self.daemon.stop()
        for stream in silent, begun:
            self.assert_closed_unanswered(stream)
            self.daemon.wait_for_line("closed", source=self.own_name(stream), reason="shutdown")
        self.assertNotIn("still open are reset", self.daemon.log_text())


class ListsAndLimits(Case):
    def test_lists_are_for_the_source_and_not_for_the_proxy(self):
        self.start("deny = 127.0.0.0/8, 192.0.2.0/24, 2001:db8::/32\nallow = 192.0.2.7, 0.0.0.0/0\n")
        for make in line, binary:
            for ip in "192.0.2.7", "198.51.100.9":
                self.assertTrue(is_served(self.connect(make(ip))))
            for ip in "192.0.2.8", "2001:db8::1", "127.0.0.1", "2001:db9::1":
                self.assertFalse(is_served(self.connect(make(ip))))
        # Here the source is the proxy itself.
        self.assertFalse(is_served(self.connect(LOCAL)))
        self.assertFalse(is_served(self.connect(b"PROXY UNKNOWN\r\n")))
        counters = self.daemon.counters("tcp")
        self.assertEqual(counters["rejected_denied"], 10)
        self.assertEqual(counters["closed_rejected"], 10)
        rejected = self.daemon.wait_for_line("connection rejected", reason="denied")
        self.assertEqual(rejected.pairs["source"], "192.0.2.8:56324")
        self.daemon.wait_for_line("closed", source="192.0.2.8:56324", reason="rejected")

    def test_data_behind_the_header_of_who_is_denied_is_not_answered(self):
        self.start("deny = 192.0.2.7\n")
        self.assert_closed_unanswered(self.connect(line() + b"hello"))
        self.assertNotIn("bytes_out", self.daemon.counters("tcp"))

    def test_connections_count_by_the_source(self):
        self.start("max_connections_per_source = 2\n")
        within = [self.connect(make()) for make in (line, binary)]
        for stream in within:
            self.assertTrue(is_served(stream))
        for make in line, binary:
            self.assertFalse(is_served(self.connect(make())))
            self.assertTrue(is_served(self.connect(make("192.0.2.8"))))
        for stream in within:
            self.assertEqual(exchange(stream, b"still here"), b"still here")
        within.pop().close()
        wait_until(lambda: is_served(self.connect(line())), "a place that became free")
        counters = self.daemon.counters("tcp")
        self.assertGreaterEqual(counters["rejected_max-connections-per-source"], 2)
        self.assertEqual(
            counters["closed_rejected"], counters["rejected_max-connections-per-source"]
        )

    def test_an_ipv6_source_is_a_64(self):
        self.start("max_connections_per_source = 2\n")
        self.assertTrue(is_served(self.connect(line("2001:db8::1"))))
        self.assertTrue(is_served(self.connect(binary("2001:db8::ffff:1:2:3"))))
        self.assertFalse(is_served(self.connect(line("2001:db8::5:6:7:8"))))
        self.assertTrue(is_served(self.connect(binary("2001:db8:0:1::1"))))

    def test_who_is_rejected_or_gives_no_header_takes_no_place_of_its_source(self):
        self.start("max_connections_per_source = 1\ndeny = 192.0.2.9\n")
        kept = self.connect(LOCAL)
        self.assertTrue(is_served(kept))
        for header in b"", b"PROXY ", b"nonsense", LOCAL, line("192.0.2.9"):
            self.connect(header).close()
        wait_until(lambda: self.daemon.counters("tcp")["open"] == 1, "one open connection")
        # Neither was the place of the one that is open given back.
        self.assertFalse(is_served(self.connect(LOCAL)))
        kept.close()
        wait_until(lambda: is_served(self.connect(LOCAL)), "a place that became free")

    def test_those_that_give_no_header_yet_count_for_max_connections(self):
        configuration = CONFIGURATION.replace("[tcp]", "max_connections = 2\n[tcp]")
        self.start(configuration=configuration)
        waiting = [self.connect(), self.connect(b"PROXY ")]
        wait_until(lambda: self.daemon.counters("tcp").get("open") == 2, "two open connections")
        self.assertFalse(is_served(self.connect(line())))
        self.assertEqual(self.daemon.counters("tcp")["rejected_max-connections"], 1)
        waiting[0].sendall(line())
        self.assertEqual(exchange(waiting[0], b"hello"), b"hello")


class HaProxy(Case):
    """Debian's HAProxy in front, as users have it."""

    def start_haproxy(self, server_options, bind="127.0.0.1", check_options=""):
        """The address at which HAProxy passes connections on to the daemon."""
        host, port = self.daemon.address("tcp")
        front = (bind, free_port(host=bind))
        shown = f"[{bind}]" if ":" in bind else bind
        configuration = (
            "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n"
            f"listen front\n bind {shown}:{front[1]}\n"
            f" server echotimed {host}:{port} {server_options}\n"
        )
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="echotimed-haproxy-"))
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(configuration)
        command = ["setpriv", "--pdeathsig", "KILL", "/usr/sbin/haproxy", "-db", "-f", path]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for_haproxy(process, front)
        return front

    def wait_for_haproxy(self, process, front):
        def listens():
            if process.poll() is not None:
                raise AssertionError(f"HAProxy ended: {process.stderr.read().decode()}")
            try:
                connect(front).close()
                return True
            except ConnectionRefusedError:
                return False

        wait_until(listens, "HAProxy listens")

    def check(self, options, bind="127.0.0.1"):
        self.start()
        front = self.start_haproxy(options, bind)
        data = os.urandom(500_000)
        with connect(front) as stream:
            host, port = stream.getsockname()[:2]
            self.assertEqual(send_and_receive_all(stream, data), data)
        source = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        closed = self.daemon.wait_for_line("closed", source=source)
        self.assertEqual(closed.pairs["reason"], "end-of-input")
        self.assertEqual(closed.pairs["bytes_out"], str(len(data)))

    def test_version_1(self):
        self.check("send-proxy")

    def test_version_2(self):
        self.check("send-proxy-v2")

    def test_version_2_with_extensions(self):
        self.check("send-proxy-v2 proxy-v2-options crc32c,unique-id")

    def test_ipv6_clients(self):
        for options in "send-proxy", "send-proxy-v2":
            with self.subTest(options):
                self.check(options, bind="::1")

    def test_its_own_checks_are_taken_for_its_own(self):
        self.start()
        self.start_haproxy("send-proxy-v2 check inter 50ms")
        # It says LOCAL, and goes at once.
        closed = self.daemon.wait_for_line("closed", count=3, bytes_in=str(len(LOCAL)))
        self.assertTrue(closed.pairs["source"].startswith("127.0.0.1:"))
        self.assertNotIn("closed_bad-proxy-header", self.daemon.counters("tcp"))

    def test_without_its_header_nothing_is_answered(self):
        self.start()
        with connect(self.start_haproxy("")) as stream:
            stream.sendall(b"hello")
            self.assert_closed_unanswered(stream)
        self.daemon.wait_for_line("closed", reason="bad-proxy-header")


if __name__ == "__main__":
    support.isolate()
    support.main()
