"""allow and deny: who is served, over TCP and UDP.

In a network of its own: every address of 127.0.0.0/8 is a source there, and so is ::1.
"""

import time
import unittest

import support
from support import Daemon, connect, is_served, udp_socket, wait_until

ECHO = "[tcp]\nlisten = 127.0.0.1:0, [::1]:0\n"
TIME = "[udp]\nlisten = 127.0.0.1:0, [::1]:0\n"


class Tcp(unittest.TestCase):
    def check(self, lists, served=(), denied=()):
        with Daemon(ECHO + lists) as daemon:
            ipv4, ipv6 = daemon.addresses("tcp", 2)
            for source in (*served, *denied):
                address = ipv6 if ":" in source else ipv4
                with self.subTest(source), connect(address, source=(source, 0)) as stream:
                    self.assertEqual(is_served(stream), source in served)
            counters = daemon.counters("tcp")
            self.assertEqual(counters.get("accepted", 0), len(served))
            self.assertEqual(counters.get("rejected_denied", 0), len(denied))

    def test_without_lists_everybody_is_served(self):
        self.check("", served=["127.0.0.1", "127.0.0.2", "::1"])

    def test_deny_list(self):
        self.check(
            "deny = 127.0.0.2, 127.8.0.0/16\n",
            served=["127.0.0.1", "127.0.0.3", "127.9.0.1", "::1"],
            denied=["127.0.0.2", "127.8.0.1", "127.8.255.255"],
        )

    def test_with_an_allow_list_the_rest_is_denied(self):
        self.check(
            "allow = 127.0.0.0/24\n",
            served=["127.0.0.1", "127.0.0.255"],
            denied=["127.0.1.0", "127.8.0.1", "::1"],
        )
        self.check("allow = ::1\n", served=["::1"], denied=["127.0.0.1"])

    def test_the_longest_prefix_decides(self):
        self.check(
            "allow = 127.0.0.0/8, 127.0.1.7\ndeny = 127.0.1.0/24, 127.9.0.0/16\n",
            served=["127.0.0.1", "127.0.1.7", "127.8.0.1"],
            denied=["127.0.1.6", "127.0.1.8", "127.9.9.9", "::1"],
        )

    def test_families_are_apart(self):
        self.check("deny = ::/0\n", served=["127.0.0.1"], denied=["::1"])
        self.check("deny = 0.0.0.0/0\n", served=["::1"], denied=["127.0.0.1"])

    def test_who_is_denied_is_logged_at_a_bounded_rate(self):
        with Daemon(ECHO + "deny = 127.0.0.2\n") as daemon:
            began = time.monotonic()
            for _ in range(50):
                with connect(daemon.address("tcp"), source=("127.0.0.2", 0)) as stream:
                    self.assertFalse(is_served(stream))
            line = daemon.wait_for_line("connection rejected", reason="denied", listener="tcp")
            self.assertRegex(line.pairs["source"], r"\A127\.0\.0\.2:\d+\Z")
            self.assertNotIn("limit", line.pairs)
            passed = time.monotonic() - began
            lines = [line for line in daemon.log if "rejected" in line.message]
            self.assertLessEqual(len(lines), passed + 2)  # a line a second is allowed

    def test_a_long_list(self):
        deny = ", ".join(f"127.{number}.0.0/16" for number in range(1, 256))
        allow = ", ".join(f"127.{number}.1.0/24" for number in range(1, 256))
        self.check(
            f"allow = 127.0.0.0/8, {allow}\ndeny = {deny}\n",
            served=["127.0.0.1", "127.1.1.1", "127.200.1.255"],
            denied=["127.1.0.1", "127.200.2.0", "127.255.0.1"],
        )


class Udp(unittest.TestCase):
    def check(self, lists, served=(), denied=()):
        with Daemon(TIME + lists) as daemon:
            ipv4, ipv6 = daemon.addresses("udp", 2)
            for source in (*served, *denied):
                address = ipv6 if ":" in source else ipv4
                client = self.enterContext(udp_socket(address, source=(source, 0)))
                client.sendto(b"time?", address)
                if source in served:
                    self.assertIn(b"T", client.recv(1024))
                else:
                    wait_until(
                        lambda: daemon.counters("udp").get("dropped_denied", 0)
                        > denied.index(source),
                        f"the query of {source} dropped and counted",
                    )
                    client.setblocking(False)
                    with self.subTest(source), self.assertRaises(BlockingIOError):
                        client.recv(1024)
            counters = daemon.counters("udp")
            self.assertEqual(counters.get("answered", 0), len(served))
            self.assertEqual(counters.get("dropped_denied", 0), len(denied))

    def test_deny_list(self):
        self.check(
            "deny = 127.0.0.2, 127.8.0.0/16\n",
            served=["127.0.0.1", "::1"],
            denied=["127.0.0.2", "127.8.0.1"],
        )

    def test_with_an_allow_list_the_rest_is_denied(self):
        self.check("allow = 127.0.0.2\n", served=["127.0.0.2"], denied=["127.0.0.1", "::1"])

    def test_families_are_apart(self):
        self.check("deny = ::/0\n", served=["127.0.0.1"], denied=["::1"])


if __name__ == "__main__":
    support.isolate()
    support.main()
