"""The text query for the time over UDP: formats, line endings, and what is never answered."""

import re
import time
import unittest
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import support
from support import Daemon, answer_to, udp_socket

TIME = "[udp]\nlisten = 127.0.0.1:0\n"


def from_number(per_second):
    return lambda text: datetime.fromtimestamp(int(text) / per_second, timezone.utc)


# Of each format: what it must look like, how to read it, and how far it is cut.
FORMATS = {
    "rfc3339": (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
        datetime.fromisoformat,
        timedelta(microseconds=1),
    ),
    "rfc3339_local": (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d",
        datetime.fromisoformat,
        timedelta(microseconds=1),
    ),
    "unix": (r"\d{10}", from_number(1), timedelta(seconds=1)),
    "unix_ms": (r"\d{13}", from_number(10**3), timedelta(milliseconds=1)),
    "unix_us": (r"\d{16}", from_number(10**6), timedelta(microseconds=1)),
    "unix_ns": (r"\d{19}", from_number(10**9), timedelta(microseconds=1)),
    "http": (
        r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
        r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT",
        parsedate_to_datetime,
        timedelta(seconds=1),
    ),
}

# Zones without the zone database: their names turn the sign around.
ZONES = {"<+0530>-5:30": timedelta(hours=5.5), "<-0330>3:30": timedelta(hours=-3.5)}


class Formats(unittest.TestCase):
    def check(self, name, address, query):
        """The answer must be in the format `name`, and between the clock before and behind it."""
        look, read, cut = FORMATS[name]
        before = datetime.now(timezone.utc)
        answer = answer_to(address, query).decode("ascii")
        behind = datetime.now(timezone.utc)
        self.assertRegex(answer, rf"\A{look}\Z")
        told = read(answer)
        # The kernel may have taken the time of arrival from its coarse clock: a tick earlier.
        self.assertGreater(told, before - cut - timedelta(milliseconds=20), name)
        self.assertLess(told, behind + timedelta(milliseconds=20), name)
        return told

    def test_each_format_in_the_query_tells_our_own_clock(self):
        with Daemon(TIME) as daemon:
            for name in FORMATS:
                with self.subTest(format=name):
                    self.check(name, daemon.address("udp"), f"time? {name}".encode())

    def test_each_format_in_the_configuration_is_the_default_answer(self):
        sections = "".join(
            f"[udp {name}]\nlisten = 127.0.0.1:0\ntime_format = {name}\n" for name in FORMATS
        )
        with Daemon(sections) as daemon:
            for name in FORMATS:
                with self.subTest(format=name):
                    address = daemon.address(f"udp {name}")
                    self.check(name, address, b"time?")
                    # And the query's own format comes first.
                    self.check("unix_ms", address, b"time? unix_ms")

    def test_local_time_bears_the_offset_of_the_zone(self):
        for zone, offset in ZONES.items():
            with self.subTest(zone=zone), Daemon(TIME, environment={"TZ": zone}) as daemon:
                told = self.check("rfc3339_local", daemon.address("udp"), b"time? rfc3339_local")
                self.assertEqual(told.utcoffset(), offset)

    def test_other_formats_do_not_depend_on_the_zone(self):
        with Daemon(TIME, environment={"TZ": "<+0530>-5:30"}) as daemon:
            for name in FORMATS:
                self.check(name, daemon.address("udp"), f"time? {name}".encode())

    def test_time_goes_on_from_answer_to_answer(self):
        with Daemon(TIME) as daemon:
            answers = [int(answer_to(daemon.address("udp"), b"time? unix_ns")) for _ in range(100)]
            self.assertEqual(answers, sorted(answers))
            self.assertGreater(len(set(answers)), 90)


class LineEndings(unittest.TestCase):
    def test_answer_ends_as_the_query_does(self):
        with Daemon(TIME) as daemon:
            for query in (b"time?", b"time? unix"):
                for ending in (b"", b"\n", b"\r\n"):
                    with self.subTest(query=query, ending=ending):
                        answer = answer_to(daemon.address("udp"), query + ending)
                        self.assertRegex(answer, rb"\A[0-9T:.Z-]+" + re.escape(ending) + rb"\Z")


class NeverAnswered(unittest.TestCase):
    INVALID = [
        b"",
        b"\n",
        b"time",
        b"time ?",
        b"Time?",
        b"TIME?",
        b" time?",
        b"time? ",
        b"time?\r",
        b"time?\n\n",
        b"time?\n\r\n",
        b"time?\r\r\n",
        b"time?\0",
        b"time?time?",
        b"time?\ntime?",
        b"time?  unix",
        b"time?\tunix",
        b"time? unix ",
        b"time? Unix",
        b"time? uni",
        b"time? unix_",
        b"time? unix_n",
        b"time? unix_nss",
        b"time? rfc3339_",
        b"time? rfc3339 unix",
        b"time? unix\0",
        b"time? %n%n%n%n",
        b"hello",
        b"\xff" * 48,
        b"2026-11-22T13:33:35.123456Z",
        b"error: send time?",
        b"time?" * 200,
        b"time? " + b"x" * 60_000,
    ]

    def test_invalid_queries_get_no_answer_and_the_valid_one_behind_them_does(self):
        with Daemon(TIME) as daemon:
            for query in self.INVALID:
                # In order on one socket: had the first been answered, that answer came first.
                with self.subTest(query=query[:40]), udp_socket(daemon.address("udp")) as client:
                    client.connect(daemon.address("udp"))
                    client.send(query)
                    client.send(b"time? http\r\n")
                    self.assertRegex(client.recv(65536), rb"\A\w{3}, .* GMT\r\n\Z")

    def test_an_answer_is_no_query(self):
        with Daemon(TIME) as daemon, udp_socket(daemon.address("udp")) as client:
            client.connect(daemon.address("udp"))
            for name in FORMATS:
                answer = answer_to(daemon.address("udp"), f"time? {name}".encode())
                client.send(answer)
                client.send(answer + b"\n")
            client.send(b"time? http\r\n")
            self.assertRegex(client.recv(65536), rb"\A\w{3}, .* GMT\r\n\Z")


class ManyAsking(unittest.TestCase):
    def test_every_one_of_many_queries_in_flight_is_answered_to_its_sender(self):
        with Daemon(TIME) as daemon:
            clients = [self.enterContext(udp_socket(daemon.address("udp"))) for _ in range(100)]
            for client in clients:
                client.connect(daemon.address("udp"))
            for _ in range(5):
                for client in clients:
                    client.send(b"time? unix_ns")
            for client in clients:
                for _ in range(5):
                    self.assertRegex(client.recv(1024), rb"\A\d{19}\Z")

    def test_an_unreachable_asker_harms_nobody(self):
        with Daemon(TIME) as daemon:
            for _ in range(50):
                # Gone before the answer comes: the daemon's socket hears that nobody is there.
                with udp_socket(daemon.address("udp")) as gone:
                    gone.sendto(b"time?", daemon.address("udp"))
            self.assertRegex(answer_to(daemon.address("udp"), b"time? unix"), rb"\A\d{10}\Z")

    def test_waiting_for_queries_takes_no_processor_time(self):
        with Daemon(TIME) as daemon:
            answer_to(daemon.address("udp"), b"time?")
            before = daemon.cpu_seconds()
            # The span that is measured: a spinning loop would use all of it.
            time.sleep(1)
            self.assertLess(daemon.cpu_seconds() - before, 0.2)


if __name__ == "__main__":
    support.isolate()
    support.main()
