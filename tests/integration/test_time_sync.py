"""What the services say of a clock that the kernel calls synchronised, or does not."""

import os
import signal
import struct
import time
import unittest

import support
from support import (
    Daemon,
    KernelClock,
    answer_to,
    connect,
    process,
    receive_to_end,
    udp_socket,
    wait_until,
)

FROM_1900_TO_1970 = 2208988800
NTP_QUERY = bytes([4 << 3 | 3]) + bytes(39) + b"transmit"
STAMP_QUERY = bytes(44)
# Of each service over UDP: a valid request.
DATAGRAMS = {
    "time": b"time? unix\n",
    "daytime": b"",
    "rfc868": b"",
    "ntp": NTP_QUERY,
    "stamp": STAMP_QUERY,
}
# Of each service over TCP: the framing, and what to send.
STREAMS = {"time": ("line", b"time? unix\n"), "daytime": ("raw", b""), "rfc868": ("raw", b"")}


def sections(extra=""):
    return "".join(
        [f"[udp {name}]\nservice = {name}\nlisten = 127.0.0.1:0\n{extra}" for name in DATAGRAMS]
        + [
            f"[tcp {name}]\nservice = {name}\nframing = {framing}\nlisten = 127.0.0.1:0\n{extra}"
            for name, (framing, _) in STREAMS.items()
        ]
    )


def unix_time(ntp):
    """Seconds since 1970, from the 8 bytes of an NTP timestamp of this era."""
    seconds, fraction = struct.unpack(">II", ntp)
    return seconds - FROM_1900_TO_1970 + fraction / 2**32


class RequireSync(unittest.TestCase):
    def setUp(self):
        self.clock = self.enterContext(KernelClock())

    def start(self, extra):
        return self.enterContext(Daemon(sections(extra), prefix=self.clock.prefix))

    def ask_by_tcp(self, daemon, name):
        with connect(daemon.address(f"tcp {name}")) as stream:
            stream.sendall(STREAMS[name][1])
            return receive_to_end(stream) if name != "time" else stream.recv(1024)

    def assert_silent(self, daemon):
        for name, query in DATAGRAMS.items():
            with self.subTest(udp=name), udp_socket(daemon.address(f"udp {name}")) as client:
                before = daemon.counters(f"udp {name}")
                client.sendto(query, daemon.address(f"udp {name}"))

                def dropped(name=name, before=before):
                    after = daemon.counters(f"udp {name}")
                    drop = "dropped_no-answer"
                    return after.get(drop, 0) > before.get(drop, 0) and after

                after = wait_until(dropped, f"{name} dropped the query")
                self.assertEqual(after.get("answered", 0), before.get("answered", 0))
                client.setblocking(False)
                self.assertRaises(BlockingIOError, client.recv, 1024)
        for name in STREAMS:
            with self.subTest(tcp=name):
                self.assertEqual(self.ask_by_tcp(daemon, name), b"")

    def assert_answering(self, daemon):
        for name, query in DATAGRAMS.items():
            with self.subTest(udp=name):
                self.assertNotEqual(answer_to(daemon.address(f"udp {name}"), query), b"")
        for name in STREAMS:
            with self.subTest(tcp=name):
                self.assertNotEqual(self.ask_by_tcp(daemon, name), b"")

    def test_silent_until_the_clock_is_synchronised(self):
        daemon = self.start("require_sync = yes\n")
        self.assert_silent(daemon)
        self.clock.refuse()
        self.assert_silent(daemon)
        self.clock.synchronise()
        wait_until(lambda: self.ask_by_tcp(daemon, "rfc868"), "an answer by a synchronised clock")
        self.assert_answering(daemon)

    def test_silent_again_when_the_clock_is_lost(self):
        self.clock.synchronise()
        daemon = self.start("require_sync = yes\n")
        self.assert_answering(daemon)
        self.clock.lose()
        wait_until(lambda: not self.ask_by_tcp(daemon, "rfc868"), "no answer by a lost clock")
        self.assert_silent(daemon)

    def test_without_it_everything_answers(self):
        self.assert_answering(self.start(""))


class WhatIsTold(unittest.TestCase):
    CONFIGURATION = (
        "[udp ntp]\nservice = ntp\nlisten = 127.0.0.1:0\nntp_stratum = 2\nntp_refid = GPS\n"
        "[udp stamp]\nservice = stamp\nlisten = 127.0.0.1:0\n"
    )

    def test_ntp_and_stamp_follow_the_kernel(self):
        with KernelClock() as clock, Daemon(self.CONFIGURATION, prefix=clock.prefix) as daemon:

            def ntp():
                """Leap indicator, stratum, dispersion in units of 2^-16 s, and reference."""
                answer = answer_to(daemon.address("udp ntp"), NTP_QUERY)
                return answer[0] >> 6, answer[1], *struct.unpack(">I4s", answer[8:16])

            def stamp():
                """S, and the error in seconds."""
                answer = answer_to(daemon.address("udp stamp"), STAMP_QUERY)
                return answer[12] >> 7, answer[13] * 2.0 ** ((answer[12] & 0x3F) - 32)

            unknown = (3, 0, 16 << 16, b"INIT")
            for tell, told in (
                (clock.lose, unknown),
                (lambda: clock.synchronise(1000), (0, 2, 66, b"GPS\0")),
                (lambda: clock.synchronise(250000, leap_second=True), (1, 2, 1 << 14, b"GPS\0")),
                (lambda: clock.synchronise(15999999), (0, 2, 16 << 16, b"GPS\0")),
                (lambda: clock.synchronise(16000000), unknown),
                (lambda: clock.synchronise(0), (0, 2, 0, b"GPS\0")),
                (clock.refuse, unknown),
            ):
                with self.subTest(told):
                    tell()
                    wait_until(lambda told=told: ntp() == told, f"{told}, not {ntp()}")
                    synchronised, error = stamp()
                    self.assertEqual(synchronised, told[0] != 3)
                    dispersion = told[2] / 2**16
                    self.assertGreater(error, 0)
                    # Eight bits of multiplier: rounded up by less than a hundredth.
                    self.assertLessEqual(dispersion - 2**-16, error)
                    self.assertLess(error, max(dispersion, 1e-9) * 1.01)


class KernelTimestamps(unittest.TestCase):
    HELD = 0.5  # seconds: the span that is measured, not a wait for something

    def ask_while_it_stands_still(self, daemon, query):
        """Gives the answer, and when the query was sent and the daemon went on."""
        with udp_socket(daemon.address("udp")) as client:
            daemon.signal(signal.SIGSTOP)
            try:
                wait_until(lambda: process.is_stopped(daemon.pid), "the daemon to stand still")
                before = time.time()
                client.sendto(query, daemon.address("udp"))
                time.sleep(self.HELD)
            finally:
                resumed = time.time()
                daemon.signal(signal.SIGCONT)
            return client.recv(1024), before, resumed

    def check(self, service, query, receive, transmit):
        with Daemon(f"[udp]\nservice = {service}\nlisten = 127.0.0.1:0\n") as daemon:

            def is_stamped_on_receipt():
                """The kernel begins with it a little after it was asked to."""
                answer, before, resumed = self.ask_while_it_stands_still(daemon, query)
                received = unix_time(answer[receive : receive + 8])
                transmitted = unix_time(answer[transmit : transmit + 8])
                self.assertGreater(received, before - 0.02)
                self.assertGreater(transmitted, resumed - 0.02)
                self.assertLess(transmitted, time.time() + 0.02)
                return received < resumed - self.HELD / 2

            wait_until(is_stamped_on_receipt, "the time when the kernel had it, not the daemon")

    def test_ntp_tells_when_the_kernel_received_the_query(self):
        self.check("ntp", NTP_QUERY, 32, 40)

    def test_stamp_tells_when_the_kernel_received_the_packet(self):
        self.check("stamp", STAMP_QUERY, 16, 4)


if __name__ == "__main__":
    assert "ETD_KERNEL_CLOCK" in os.environ, "run it by ctest, which says where the clock is"
    support.isolate()
    support.main()
