"""Requests and answers of each UDP service byte by byte, as their RFCs lay them out."""

import socket
import struct
import time
import unittest

import support
from support import Daemon, KernelClock, udp_socket, wait_until

FROM_1900_TO_1970 = 2208988800
HOSTS = ["127.0.0.1", "::1"]
LISTEN = "listen = 127.0.0.1:0, [::1]:0\n"


class Case(unittest.TestCase):
    """One daemon for all services, under a clock that is right to 1 ms."""

    CONFIGURATION = (
        "".join(
            f"[udp {name}]\nservice = {name}\n{LISTEN}"
            for name in ("echo", "discard", "daytime", "rfc868", "stamp")
        )
        + f"[udp ntp]\nservice = ntp\nntp_stratum = 5\nntp_refid = 192.0.2.1\n{LISTEN}"
        + f"[udp counting]\nservice = stamp\nstamp_mode = stateful\nloop_guard = 2\n{LISTEN}"
        + f"[udp copying]\nservice = stamp\nstamp_tlvs = no\n{LISTEN}"
    )

    @classmethod
    def setUpClass(cls):
        clock = cls.enterClassContext(KernelClock())
        clock.synchronise(max_error_us=1000)
        cls.daemon = cls.enterClassContext(Daemon(cls.CONFIGURATION, prefix=clock.prefix))

    def client(self, service, host="127.0.0.1"):
        """A socket that is connected to the service."""
        addresses = self.daemon.addresses(f"udp {service}", 2)
        address = next(address for address in addresses if address[0] == host)
        client = self.enterContext(udp_socket(address))
        client.connect(address)
        return client

    def ask(self, client, request):
        client.send(request)
        return client.recv(65536)

    def assert_silent(self, service, requests, valid):
        """None of the requests is answered, and valid ones between them are."""
        client, name = self.client(service), f"udp {service}"
        before = self.daemon.counters(name)
        for request in requests:
            client.send(request)
            self.ask(client, valid)

        def seen():
            now = self.daemon.counters(name)
            return now["received"] - before.get("received", 0) == 2 * len(requests) and now

        behind = wait_until(seen, f"all {len(requests)} requests were received")
        self.assertEqual(behind["answered"] - before.get("answered", 0), len(requests))
        dropped = behind["dropped_no-answer"] - before.get("dropped_no-answer", 0)
        self.assertEqual(dropped, len(requests))


class Echo(Case):
    def test_the_same_bytes(self):
        for host in HOSTS:
            client = self.client("echo", host)
            for request in (b"", b"\0", b"\n", bytes(range(256)), b"\xff" * 1472, b"x" * 65507):
                with self.subTest(host=host, bytes=len(request)):
                    self.assertEqual(self.ask(client, request), request)


class Discard(Case):
    def test_nothing_comes_back(self):
        client = self.client("discard")
        for request in (b"", b"time?", bytes(48), b"x" * 65507):
            client.send(request)
        seen = wait_until(
            lambda: (now := self.daemon.counters("udp discard")).get("received", 0) == 4 and now,
            "four datagrams that were received",
        )
        self.assertEqual(seen["bytes_in"], 5 + 48 + 65507)
        self.assertEqual(seen.get("answered", 0), 0)
        client.setblocking(False)
        self.assertRaises(BlockingIOError, client.recv, 1)


class Daytime(Case):
    def test_a_line_in_english_and_utc(self):
        client = self.client("daytime")
        for request in (b"", b"\n", b"what time is it?", b"x" * 25):
            with self.subTest(request):
                before = int(time.time())
                answer = self.ask(client, request)
                self.assertEqual(len(answer), 26)
                told = [
                    time.strftime("%d %b %Y %H:%M:%S UTC\r\n", time.gmtime(second)).upper()
                    for second in range(before - 1, int(time.time()) + 1)
                ]
                self.assertIn(answer.decode(), told)

    def test_what_could_be_an_answer_is_not_answered(self):
        answer = self.ask(self.client("daytime"), b"")
        requests = [answer, b"x" * 26, b"x" * 1000, b"\xee\xad\xa4\x71", b"1795368712", b"-1\r\n"]
        self.assert_silent("daytime", requests, b"")


class TimeProtocol(Case):
    def test_four_bytes_since_1900(self):
        for host in HOSTS:
            before = int(time.time())
            answer = self.ask(self.client("rfc868", host), b"")
            self.assertEqual(len(answer), 4)
            told = int.from_bytes(answer, "big") - FROM_1900_TO_1970
            self.assertIn(told, range(before - 1, int(time.time()) + 1))

    def test_only_an_empty_datagram_asks(self):
        requests = [b"\n", b"\0", b"time", self.ask(self.client("rfc868"), b""), b"x" * 65507]
        self.assert_silent("rfc868", requests, b"")


def ntp_time(data):
    """Seconds since 1970, from the 8 bytes of a timestamp of this era."""
    return int.from_bytes(data, "big") / 2**32 - FROM_1900_TO_1970


class Ntp(Case):
    TRANSMIT = bytes.fromhex("fedcba9876543210")

    def query(self, version=4, mode=3, poll=6, behind=b""):
        """Everything that an answer must not echo is set in it."""
        head = struct.pack(">BBbb", 1 << 6 | version << 3 | mode, 9, poll, -9)
        return head + b"\xa5" * 36 + self.TRANSMIT + behind

    def test_every_field(self):
        for host in HOSTS:
            for version, poll in ((1, 0), (2, 4), (3, 10), (4, 17), (4, -6)):
                with self.subTest(host=host, version=version):
                    client, before = self.client("ntp", host), time.time()
                    answer = self.ask(client, self.query(version, poll=poll))
                    behind = time.time()
                    self.assertEqual(len(answer), 48)
                    # Leap 0 and mode 4; stratum; poll; precision 2^-20 s.
                    head = struct.pack(">BBbb", version << 3 | 4, 5, poll, -20)
                    # Root delay 0; dispersion 1 ms, rounded up; the reference.
                    head += struct.pack(">II4B", 0, 66, 192, 0, 2, 1)
                    self.assertEqual(answer[:16], head)
                    reference, receive, transmit = (
                        ntp_time(answer[at : at + 8]) for at in (16, 32, 40)
                    )
                    self.assertEqual(answer[24:32], self.TRANSMIT)
                    self.assertLessEqual(reference, transmit)
                    self.assertLess(transmit - reference, 1.001)
                    # A clock may be coarse by a tick.
                    self.assertLess(before - 0.02, receive)
                    self.assertLessEqual(receive, transmit)
                    self.assertLess(transmit, behind + 0.02)

    def test_mac_and_extension_fields_are_not_echoed(self):
        client = self.client("ntp")
        extension = struct.pack(">HH", 0x0104, 28) + b"\x5a" * 24
        for behind in (b"\x5a" * 20, b"\x5a" * 24, extension, extension + b"\x5a" * 20):
            answer = self.ask(client, self.query(behind=behind))
            self.assertEqual(len(answer), 48)
            self.assertNotIn(b"\x5a" * 4, answer)

    def test_nothing_but_client_requests_is_answered(self):
        requests = [self.query(mode=mode) for mode in range(8) if mode != 3]
        requests += [self.query(version) for version in (0, 5, 6, 7)]
        requests += [b"", self.query()[:47], self.query()[:44], self.query() + b"\0"]
        # Mode 6 READVAR and mode 7 MON_GETLIST, with which servers are abused.
        requests += [bytes.fromhex("160200010000000000000000"), bytes.fromhex("1700032a00000000")]
        requests.append(self.ask(self.client("ntp"), self.query()))
        self.assert_silent("ntp", requests, self.query())

    def test_port_123_may_ask(self):
        address = self.daemon.address("udp ntp")
        with udp_socket(address, source=("127.0.0.1", 123)) as peer:
            peer.connect(address)
            self.assertEqual(len(self.ask(peer, self.query())), 48)


class StampCase(Case):
    SENT = bytes.fromhex("0123456789abcdef")

    def packet(self, sequence=7, ssid=0x1234, behind=b""):
        """Sequence number, timestamp, error estimate, SSID, zeros up to 44 bytes, and TLVs."""
        return struct.pack(">I8sHH28x", sequence, self.SENT, 0x8A4D, ssid) + behind

    def check(self, answer, sequence, asked, ttl):
        """The fixed part of an answer to `asked`."""
        sender = asked[:14]
        transmitted, received = answer[4:12], answer[16:24]
        estimate = int.from_bytes(answer[12:14], "big")
        # S set, Z not; 1 ms is 134 / 2^17 s, rounded up.
        self.assertEqual(estimate & 0xC000, 0x8000)
        error = (estimate & 0xFF) * 2.0 ** ((estimate >> 8 & 0x3F) - 32)
        self.assertTrue(0.001 <= error < 0.00101, error)
        ssid = asked[14:16] if len(asked) >= 16 else b"\0\0"
        expected = struct.pack(">I8sH2s8s14sHB3x", sequence, transmitted, estimate, ssid, received,
                               sender, 0, ttl)
        self.assertEqual(answer[:44], expected)
        self.assertLess(abs(ntp_time(received) - time.time()), 5)
        self.assertLessEqual(ntp_time(received), ntp_time(transmitted))


class Stamp(StampCase):
    def test_every_field_and_the_ttl(self):
        for host, level, option in (
            ("127.0.0.1", socket.IPPROTO_IP, socket.IP_TTL),
            ("::1", socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
        ):
            for ttl in (1, 64, 255):
                with self.subTest(host=host, ttl=ttl):
                    client = self.client("stamp", host)
                    client.setsockopt(level, option, ttl)
                    answer = self.ask(client, self.packet(0xFFFFFFFF))
                    self.assertEqual(len(answer), 44)
                    self.check(answer, 0xFFFFFFFF, self.packet(0xFFFFFFFF), ttl)

    def test_twamp_light_of_14_bytes_gets_44(self):
        request = self.packet(3)[:14]
        answer = self.ask(self.client("stamp"), request)
        self.assertEqual(len(answer), 44)
        self.check(answer, 3, request, 64)

    def test_shorter_packets_and_answers_are_not_answered(self):
        answer = self.ask(self.client("stamp"), self.packet())
        requests = [b"", self.packet()[:13], answer, b"22 NOV 2026 13:33:35 UTC\r\n"]
        self.assert_silent("stamp", requests, self.packet())

    def test_stateful_counts_the_answers_that_went_out(self):
        client, other = self.client("counting"), self.client("counting")
        for number in range(2):
            answer = self.ask(client, self.packet(700))
            self.check(answer, number, self.packet(700), 64)
        # The loop guard drops the third of the same bytes: the next to go out still is number 2.
        client.send(self.packet(700))
        self.check(self.ask(client, self.packet(701)), 2, self.packet(701), 64)
        self.assertGreater(self.daemon.counters("udp counting").get("dropped_loop-guard", 0), 0)
        # Another port and another SSID are sessions of their own.
        self.check(self.ask(other, self.packet(5)), 0, self.packet(5), 64)
        request = self.packet(6, ssid=0x4321)
        self.check(self.ask(client, request), 0, request, 64)


class StatefulUnderFlood(unittest.TestCase):
    FLOOD = 5000  # more sessions than a reflector keeps

    def test_what_is_over_the_rate_pushes_no_session_out(self):
        configuration = (
            "[udp]\nlisten = 0.0.0.0:0\nservice = stamp\nstamp_mode = stateful\n"
            "rate_limit = 1\nrate_burst = 100\n"
        )
        with Daemon(configuration) as daemon:
            address = ("127.0.0.1", daemon.address("udp")[1])
            polite, flood = (
                self.enterContext(udp_socket(address, source=(source, 0)))
                for source in ("127.0.0.2", "127.0.0.3")
            )
            for number in range(2):
                polite.sendto(bytes(44), address)
                self.assertEqual(polite.recv(1024)[:4], struct.pack(">I", number))
                if number == 0:
                    self.overwhelm(daemon, flood, address)

    def overwhelm(self, daemon, flood, address):
        """Datagrams of as many sessions, of which the rate limit lets few through."""
        before = daemon.counters("udp")["received"]
        for ssid in range(1, self.FLOOD + 1):
            flood.sendto(struct.pack(">14xH28x", ssid), address)
            if ssid % 100 == 0:
                # No more at once than any socket's buffer holds.
                wait_until(
                    lambda ssid=ssid: daemon.counters("udp")["received"] == before + ssid,
                    f"{ssid} datagrams that were received",
                )
        self.assertGreater(daemon.counters("udp")["dropped_rate-limit"], self.FLOOD - 200)


def tlv(kind, value, flags=0, length=None):
    """Flags, type, length of the value, value (RFC 8972 section 4)."""
    return struct.pack(">BBH", flags, kind, len(value) if length is None else length) + value


UNRECOGNISED, MALFORMED = 0x80, 0x40
EXTRA_PADDING, CLASS_OF_SERVICE, FOLLOW_UP, HMAC, UNKNOWN = 1, 4, 7, 8, 200


class Tlvs(StampCase):
    def behind(self, service, asked, client=None):
        """What stands behind the fixed part of the answer to TLVs, at equal length."""
        request = self.packet(behind=asked)
        answer = self.ask(client or self.client(service), request)
        self.assertEqual(len(answer), len(request))
        return answer[44:]

    def test_copied_flagged_or_malformed(self):
        padding = tlv(EXTRA_PADDING, b"\xaa" * 20)
        for asked, told in (
            (padding, padding),
            (tlv(EXTRA_PADDING, b""), tlv(EXTRA_PADDING, b"")),
            # A sender may send U set, which means nothing yet.
            (tlv(EXTRA_PADDING, b"abc", UNRECOGNISED), tlv(EXTRA_PADDING, b"abc")),
            (tlv(UNKNOWN, b"abc"), tlv(UNKNOWN, b"abc", UNRECOGNISED)),
            (tlv(UNKNOWN, b"abc") + padding, tlv(UNKNOWN, b"abc", UNRECOGNISED) + padding),
            (tlv(HMAC, bytes(16)), tlv(HMAC, bytes(16), UNRECOGNISED)),
            (
                padding + tlv(EXTRA_PADDING, b"abc", length=4),
                padding + tlv(EXTRA_PADDING, b"abc", MALFORMED, length=4),
            ),
            (tlv(FOLLOW_UP, bytes(15)), tlv(FOLLOW_UP, bytes(15), MALFORMED)),
            (tlv(FOLLOW_UP, bytes(16)), tlv(FOLLOW_UP, bytes(16))),
        ):
            with self.subTest(asked=asked):
                self.assertEqual(self.behind("stamp", asked), told)
                # And where they are not processed, all of it comes back as it went.
                self.assertEqual(self.behind("copying", asked), asked)

    def test_long_packets_come_back_at_equal_length(self):
        for size in (1, 3, 1000, 1428, 65507 - 44 - 4):
            asked = tlv(EXTRA_PADDING, bytes(i % 251 for i in range(size)))
            self.assertEqual(self.behind("stamp", asked), asked)

    def test_class_of_service(self):
        for host, level, send, tell, got in (
            ("127.0.0.1", socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS, socket.IP_TOS),
            ("::1", socket.IPPROTO_IPV6, socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS,
             socket.IPV6_TCLASS),
        ):
            # Wanted and sent DSCP, ECN; refused: the answer leaves with the DSCP that came.
            for wanted, sent, ecn, refused in ((46, 46, 2, 0), (10, 46, 1, 1), (0, 0, 0, 0)):
                with self.subTest(host=host, wanted=wanted, sent=sent):
                    client = self.client("stamp", host)
                    client.setsockopt(level, send, sent << 2 | ecn)
                    client.setsockopt(level, tell, 1)
                    asked = tlv(CLASS_OF_SERVICE, struct.pack(">HH", wanted << 10, 0))
                    client.send(self.packet(behind=asked))
                    answer, told, _, _ = client.recvmsg(1024, 1024)
                    value = wanted << 10 | sent << 4 | ecn << 2 | refused
                    expected = tlv(CLASS_OF_SERVICE, struct.pack(">HH", value, 0))
                    self.assertEqual(answer[44:], expected)
                    classes = [data[0] for at, kind, data in told if (at, kind) == (level, got)]
                    self.assertEqual(classes, [sent << 2])

    def test_follow_up_tells_of_the_answer_before(self):
        client = self.client("counting")
        first = self.ask(client, self.packet(1, behind=tlv(FOLLOW_UP, bytes(16))))
        self.assertEqual(first[44:], tlv(FOLLOW_UP, bytes(16)))
        second = self.ask(client, self.packet(2, behind=tlv(FOLLOW_UP, bytes(16))))
        # Number and transmit time of the first; taken by software.
        self.assertEqual(second[44:], tlv(FOLLOW_UP, struct.pack(">I8sB3x", 0, first[4:12], 2)))


if __name__ == "__main__":
    support.isolate()
    support.main()
