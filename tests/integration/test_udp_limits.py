"""What bounds the answers over UDP: rates, the loop guard, padding; and what the log says of drops."""

import itertools
import time
import unittest
from datetime import datetime

import support
from support import DEADLINE, Daemon, ip, udp_socket, wait_until

ECHO = "[udp]\nlisten = 127.0.0.1:0, [::1]:0\nservice = echo\n"


class Client:
    """A socket that sends in sequence. What it is not answered shows by what is answered next."""

    def __init__(self, test, daemon, host):
        self._address = daemon.addresses("udp", 2)[":" in host]
        self._socket = test.enterContext(udp_socket(self._address, source=(host, 0)))
        self._socket.connect(self._address)

    def answered(self, payload, patience=0.3):
        """Whether `payload` is echoed. `patience`: seconds that stand for never."""
        self._socket.settimeout(patience)
        self._socket.send(payload)
        try:
            return self._socket.recv(65536) == payload
        except TimeoutError:
            return False

    def echoes(self, payload):
        """As `answered`, for where other payloads still are: one behind it tells at once."""
        mark = b"mark" + time.monotonic_ns().to_bytes(8, "big")
        self._socket.settimeout(DEADLINE)
        self._socket.send(payload)
        self._socket.send(mark)
        first = self._socket.recv(65536)
        if first == mark:
            return False
        return first == payload and self._socket.recv(65536) == mark

    def send(self, payload):
        self._socket.send(payload)

    def waiting(self):
        """How many answers have come and were not read."""
        self._socket.setblocking(False)
        for count in itertools.count():
            try:
                self._socket.recv(65536)
            except BlockingIOError:
                return count


def send_and_settle(test, daemon, client, count):
    """Sends `count` different datagrams; gives how many are answered, and how long it took."""
    before = daemon.counters("udp")
    begin = time.monotonic()
    for number in range(count):
        client.send(b"%d" % number)
    expected = before.get("received", 0) + count
    wait_until(lambda: daemon.counters("udp").get("received", 0) == expected, "all have come in")
    took = time.monotonic() - begin
    behind = daemon.counters("udp")
    answered = client.waiting()
    test.assertEqual(behind.get("answered", 0) - before.get("answered", 0), answered)
    limited = behind.get("dropped_rate-limit", 0) - before.get("dropped_rate-limit", 0)
    test.assertEqual(answered + limited, count, "every datagram is answered or over the limit")
    return answered, took


class RateLimit(unittest.TestCase):
    SLOW = ECHO + "rate_limit = 1\nrate_burst = 20\nloop_guard = 0\n"

    def check_burst(self, daemon, client):
        answered, took = send_and_settle(self, daemon, client, 100)
        self.assertGreaterEqual(answered, 20)
        self.assertLessEqual(answered, 20 + took)

    def test_burst_is_answered_and_the_rest_dropped_for_each_source_by_itself(self):
        with Daemon(self.SLOW) as daemon:
            for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"):
                with self.subTest(source=host):
                    self.check_burst(daemon, Client(self, daemon, host))

    def test_ports_of_one_source_share_its_limit(self):
        with Daemon(self.SLOW) as daemon:
            self.check_burst(daemon, Client(self, daemon, "127.0.0.1"))
            answered, took = send_and_settle(self, daemon, Client(self, daemon, "127.0.0.1"), 50)
            self.assertLessEqual(answered, 2 + took)

    def test_an_ipv6_network_of_64_bits_is_one_source(self):
        for host in ("fd00::1", "fd00::ffff:2", "fd00:0:0:1::1"):
            ip(f"address add {host}/128 dev lo nodad")
            self.addCleanup(ip, f"address delete {host}/128 dev lo")
        with Daemon(self.SLOW) as daemon:
            self.check_burst(daemon, Client(self, daemon, "fd00::1"))
            same = Client(self, daemon, "fd00::ffff:2")
            answered, took = send_and_settle(self, daemon, same, 50)
            self.assertLessEqual(answered, 2 + took)
            self.check_burst(daemon, Client(self, daemon, "fd00:0:0:1::1"))

    def test_a_source_over_its_limit_is_answered_again_later(self):
        with Daemon(ECHO + "rate_limit = 5\nrate_burst = 1\nloop_guard = 0\n") as daemon:
            client = Client(self, daemon, "127.0.0.1")
            numbers = itertools.count()
            for _ in range(3):
                answered, took = send_and_settle(self, daemon, client, 50)
                self.assertLessEqual(answered, 2 + 5 * took)
                wait_until(lambda: client.answered(b"again %d" % next(numbers)), "an answer")

    def test_a_source_that_keeps_to_its_limit_loses_nothing(self):
        with Daemon(ECHO + "rate_limit = 50\nrate_burst = 1\n") as daemon:
            client = Client(self, daemon, "127.0.0.1")
            for number in range(25):
                self.assertTrue(client.answered(b"%d" % number, DEADLINE))
                time.sleep(1 / 50)  # the pace, counted from the answer
            self.assertEqual(daemon.counters("udp").get("dropped_rate-limit", 0), 0)

    def test_limit_of_nought_is_none(self):
        # More than the default would let through, from one source and in one go.
        with Daemon(ECHO + "rate_limit = 0\n") as daemon:
            client = Client(self, daemon, "127.0.0.1")
            for number in range(6000):
                self.assertTrue(client.answered(b"%d" % number, DEADLINE), number)
            self.assertEqual(daemon.counters("udp")["answered"], 6000)


class LoopGuard(unittest.TestCase):
    GUARDED = ECHO + "rate_limit = 0\nloop_guard = 5\n"

    def test_every_sixth_of_the_very_same_is_dropped(self):
        with Daemon(self.GUARDED) as daemon:
            for host in ("127.0.0.1", "::1"):
                client = Client(self, daemon, host)
                # Others in between, the marks, do not end the row.
                got = [client.echoes(b"round and round") for _ in range(18)]
                self.assertEqual(got, 3 * (5 * [True] + [False]))
            self.assertEqual(daemon.counters("udp")["dropped_loop-guard"], 6)

    def test_empty_datagrams_count_as_well(self):
        with Daemon(self.GUARDED) as daemon:
            client = Client(self, daemon, "127.0.0.1")
            self.assertEqual([client.echoes(b"") for _ in range(6)], 5 * [True] + [False])

    def test_other_bytes_and_other_ports_have_rows_of_their_own(self):
        with Daemon(self.GUARDED) as daemon:
            one, other = (Client(self, daemon, "127.0.0.1") for _ in range(2))
            for client in (one, other):
                for payload in (b"a", b"b", bytes(1000), bytes(999)):
                    got = [client.echoes(payload) for _ in range(6)]
                    self.assertEqual(got, 5 * [True] + [False])

    def test_guard_of_nought_is_off(self):
        with Daemon(ECHO + "rate_limit = 0\nloop_guard = 0\n") as daemon:
            client = Client(self, daemon, "127.0.0.1")
            for _ in range(3000):
                self.assertTrue(client.answered(b"the very same", DEADLINE))

    def test_default_lets_a_thousand_through(self):
        with Daemon(ECHO) as daemon:
            client = Client(self, daemon, "127.0.0.1")
            for _ in range(1000):
                self.assertTrue(client.answered(b"the very same", DEADLINE))
            self.assertFalse(client.echoes(b"the very same"))
            self.assertTrue(client.echoes(b"the very same"))


class RequirePadding(unittest.TestCase):
    SHORT = {"rfc868": b"", "time": b"time? rfc3339", "daytime": b"now"}
    LONG_ENOUGH = {
        "echo": b"x",
        "time": b"time? unix",  # ten bytes for ten
        "ntp": b"\x23" + bytes(47),
        "stamp": bytes(44),
    }

    def configuration(self, service, rule):
        return f"[udp]\nlisten = 127.0.0.1:0\nrequire_padding = {rule}\nservice = {service}\n"

    def test_no_answer_is_longer_than_its_request(self):
        for service, payload in self.SHORT.items():
            with self.subTest(service), Daemon(self.configuration(service, "yes")) as daemon:
                with udp_socket(daemon.address("udp")) as client:
                    client.sendto(payload, daemon.address("udp"))
                    wait_until(
                        lambda: daemon.counters("udp").get("dropped_needs-padding", 0) == 1,
                        "the datagram was dropped as too short",
                    )
                    self.assertEqual(daemon.counters("udp").get("answered", 0), 0)

    def test_the_same_are_answered_without_the_rule(self):
        for service, payload in self.SHORT.items():
            with self.subTest(service), Daemon(self.configuration(service, "no")) as daemon:
                answer = support.answer_to(daemon.address("udp"), payload)
                self.assertGreater(len(answer), len(payload))

    def test_a_request_as_long_as_its_answer_is_answered(self):
        for service, payload in self.LONG_ENOUGH.items():
            with self.subTest(service), Daemon(self.configuration(service, "yes")) as daemon:
                answer = support.answer_to(daemon.address("udp"), payload)
                self.assertEqual(len(answer), len(payload))


class DropLog(unittest.TestCase):
    def lines(self, daemon):
        return [line for line in daemon.log if line.message == "datagram dropped"]

    def test_a_line_a_second_at_most_and_it_tells_how_many_were_left_out(self):
        with Daemon(ECHO + "deny = 127.0.0.1\n") as daemon:
            client = Client(self, daemon, "127.0.0.1")

            def three_lines():
                client.send(b"no")
                return len(self.lines(daemon)) >= 3

            wait_until(three_lines, "three lines on drops")
            lines = self.lines(daemon)
            told = [datetime.fromisoformat(line.text.split()[0]) for line in lines]
            for earlier, later in itertools.pairwise(told):
                # Two clocks with a resolution of milliseconds, and the time between their readings.
                self.assertGreater((later - earlier).total_seconds(), 0.95)
            for line in lines:
                self.assertEqual(line.pairs["listener"], "udp")
                self.assertEqual(line.pairs["reason"], "denied")
                self.assertRegex(line.pairs["source"], r"\A127\.0\.0\.1:\d+\Z")
            left_out = [int(line.pairs["suppressed"]) for line in lines]
            self.assertEqual(left_out[0], 0)
            self.assertGreater(min(left_out[1:]), 0)
            dropped = daemon.counters("udp")["dropped_denied"]
            self.assertLessEqual(len(lines) + sum(left_out), dropped)

    def test_invalid_requests_are_counted_and_not_logged(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            with udp_socket(daemon.address("udp")) as client:
                for _ in range(100):
                    client.sendto(b"garbage", daemon.address("udp"))
            wait_until(
                lambda: daemon.counters("udp").get("dropped_no-answer", 0) == 100,
                "a hundred datagrams without an answer",
            )
            self.assertEqual(self.lines(daemon), [])


if __name__ == "__main__":
    support.isolate()
    support.main()
