"""No two services of two instances can be made to talk to each other for ever.

Two hosts, joined by a wire, run an instance each. For every pair of services somebody sends each of
them a datagram that seems to come from the other, and then the counters must stand still. Ports are
high and rates are not limited, so that neither of these ends a conversation.
"""

import itertools
import random
import signal
import socket
import unittest

import support
from support import Daemon, Namespace, ip, raw_socket, send_forged, wait_until

SERVICES = ("echo", "discard", "time", "daytime", "rfc868", "ntp", "stamp")
GUARD = 50

# How many datagrams the two may receive, the forged one included, by how many of them are echoes.
MOST = {
    0: 2,  # it is answered, and the answer is no request
    1: 4,  # the echo hands on the request, and then hands the answer back
    2: 2 * (GUARD + 1),  # it goes round until one of the two has answered it so often
}


class Host:
    """A daemon with every service, and a socket that sends forged datagrams from beside it."""

    def __init__(self, daemon, raw):
        self.daemon = daemon
        self._raw = raw
        self.addresses = {name: daemon.address(f"udp {name}") for name in SERVICES}

    def send(self, source, address, payload):
        send_forged(self._raw, source, address, payload)

    def counters(self):
        """Of all services together, at one moment: datagrams received, and datagrams answered."""
        before = sum("connections" in line.pairs for line in self.daemon.log)
        self.daemon.signal(signal.SIGUSR1)
        # The line on the whole daemon comes last.
        self.daemon.wait_for_line("counters", count=before + 1, accept_pauses="0")
        lines = [line.pairs for line in self.daemon.log if line.message == "counters"]
        lines = lines[-1 - len(SERVICES) : -1]
        return tuple(
            sum(int(line.get(name, 0)) for line in lines) for name in ("received", "answered")
        )


class LoopTest(unittest.TestCase):
    NEAR, FAR = "192.0.2.1", "192.0.2.2"

    def setUp(self):
        self.network = self.enterContext(Namespace())
        self.network.join()
        ip(f"address add {self.NEAR}/24 dev near")
        self.network.ip(f"address add {self.FAR}/24 dev far")

    def start(self, guard=GUARD):
        """Starts the two, with `loop_guard` as given."""

        def daemon(host, prefix=()):
            sections = (
                f"[udp {name}]\nlisten = {host}:0\nservice = {name}\n"
                f"rate_limit = 0\nloop_guard = {guard}\n"
                for name in SERVICES
            )
            return self.enterContext(Daemon("".join(sections), prefix=prefix))

        far_raw = self.network.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.near = Host(daemon(self.NEAR), self.enterContext(raw_socket()))
        self.far = Host(daemon(self.FAR, self.network.prefix), self.enterContext(far_raw))
        self.forged = 0

    def forge(self, service, other, payload, to_near=True):
        """Has one host's `service` believe that the `other` of the other host sent `payload`."""
        here, there = (self.near, self.far) if to_near else (self.far, self.near)
        there.send(there.addresses[other], here.addresses[service], payload)
        self.forged += 1

    def received(self):
        """How many datagrams both have received, once they are silent; None while they may talk.

        One of them did nothing while the other was looked at, and whatever either sent by then has
        come in: so nothing is under way that could be answered.
        """
        near = self.near.counters()
        far = self.far.counters()
        if self.near.counters() != near:
            return None
        received, answered = near[0] + far[0], near[1] + far[1]
        return received if received == self.forged + answered else None

    def wait_until_silent(self, who):
        return wait_until(self.received, f"{who} are silent")


class EveryPair(LoopTest):
    def check(self, payload):
        self.start()
        before = 0
        pairs = itertools.product(SERVICES, SERVICES, (True, False))
        for service, other, to_near in pairs:
            self.forge(service, other, payload, to_near)
            behind = self.wait_until_silent(f"{other} and {service}, which was asked")
            with self.subTest(service=service, other=other, to_near=to_near):
                most = MOST[(service, other).count("echo")]
                self.assertLessEqual(behind - before, most)
                if (service, other, to_near) == ("echo", "echo", True):
                    self.assertGreater(behind - before, GUARD)  # they did talk
            before = behind
        self.assertEqual(self.forged, 2 * len(SERVICES) ** 2)

    def test_empty_datagram(self):
        self.check(b"")

    def test_query_for_the_time(self):
        self.check(b"time?")

    def test_query_that_is_answered_with_a_number(self):
        self.check(b"time? unix\n")

    def test_ntp_request(self):
        self.check(b"\x23\x00\x06\xec" + bytes(36) + bytes.fromhex("ee0fa31f80000000"))

    def test_stamp_request(self):
        self.check(bytes(4) + bytes.fromhex("ee0fa31f800000000001") + bytes(30))

    def test_stamp_request_as_long_as_an_ntp_packet(self):
        self.check(bytes(4) + bytes.fromhex("ee0fa31f800000000001") + bytes(34))

    def test_stamp_request_with_an_unknown_tlv(self):
        self.check(bytes(44) + b"\x00\xfa\x00\x04abcd")

    def test_random_bytes(self):
        # The same ones in every run.
        source = random.Random(9)
        for size in (1, 4, 25, 48, 1400):
            with self.subTest(size=size):
                self.check(source.randbytes(size))


class EchoLoops(LoopTest):
    def test_each_of_many_datagrams_going_round_is_ended(self):
        # Together, so that each comes between two rounds of every other.
        self.start()
        many = 20
        for number in range(many):
            self.forge("echo", "echo", b"round %d" % number)
        received = self.wait_until_silent("the two echoes")
        self.assertLessEqual(received, many * MOST[2])
        dropped = sum(
            host.daemon.counters("udp echo").get("dropped_loop-guard", 0)
            for host in (self.near, self.far)
        )
        self.assertEqual(dropped, many)

    def test_the_guard_is_what_ends_them(self):
        # Off, and the echoes do talk for ever: or the tests above would show nothing.
        self.start(guard=0)
        self.forge("echo", "echo", b"for ever")
        wait_until(lambda: self.far.counters()[0] > 100 * GUARD, "a loop without a guard")
        self.assertIsNone(self.received())


if __name__ == "__main__":
    support.isolate()
    support.main()
