"""A flood of datagrams from sources that somebody made up, and the honest client beside it."""

import contextlib
import multiprocessing
import random
import time
import unittest

import support
from support import DEADLINE, Daemon, forged_packet, ip, raw_socket, udp_socket, wait_until

QUERY = b"time? unix_ns"
ANSWER = rb"\A\d{19}\Z"
FLOOD = 200_000
PER_SECOND = 40_000
TRIES = 5  # a full buffer loses several in a row where the daemon waits for a processor
PATIENCE = 0.5  # seconds for an answer; a datagram that meets a full socket buffer is lost
ASKING = 0.01  # seconds between two honest questions
# The guard's table, 1 MiB, and the batch's buffers become resident as they are first used.
GROWTH = 4 << 20


def flood(address, sources, count):
    """Sends `count` queries, each from one of so many sources in 10.0.0.0/8, chosen by chance."""
    chance = random.Random(1)
    packet = bytearray(forged_packet(("10.0.0.0", 0), address, QUERY))
    begin = time.monotonic()
    with raw_socket() as raw:
        for number in range(count):
            packet[13:16] = chance.randrange(sources).to_bytes(3, "big")
            packet[20:22] = chance.randrange(1024, 65536).to_bytes(2, "big")
            raw.sendto(packet, (address[0], 0))
            if number % 1000 == 0:
                time.sleep(max(0, begin + number / PER_SECOND - time.monotonic()))  # the pace


class Flood(unittest.TestCase):
    def setUp(self):
        # Answers to the made-up sources leave by the loopback interface, which has no such host.
        ip("route add 10.0.0.0/8 dev lo")
        self.addCleanup(ip, "route delete 10.0.0.0/8 dev lo")

    @contextlib.contextmanager
    def flooding(self, address, sources, count):
        """In a process of its own; gives what tells whether it still goes on."""
        process = multiprocessing.get_context("fork").Process(
            target=flood, args=(address, sources, count), daemon=True
        )
        process.start()
        try:
            yield process.is_alive
        finally:
            process.join(DEADLINE)
        self.assertEqual(process.exitcode, 0, "the flood did not go through")

    def is_answered(self, client):
        """Whether an honest question is answered, asked again if need be."""
        for _ in range(TRIES):
            client.send(QUERY)
            self.questions += 1
            with contextlib.suppress(TimeoutError):
                self.assertRegex(client.recv(1024), ANSWER)
                return True
        return False

    def ask_during_flood(self, daemon, sources, count):
        """Gives how many honest questions there were, and how many of them had no answer."""
        asked = silent = self.questions = 0
        address = daemon.address("udp")
        with udp_socket(address) as client:
            client.connect(address)
            client.settimeout(PATIENCE)
            with self.flooding(address, sources, count) as goes_on:
                while goes_on():
                    asked += 1
                    silent += not self.is_answered(client)
                    time.sleep(ASKING)
        return asked, silent

    def check_honest_client(self, daemon, sources, count):
        """Gives how many questions there were."""
        asked, silent = self.ask_during_flood(daemon, sources, count)
        self.assertGreater(asked, 10)
        self.assertLessEqual(silent, 1 + asked // 50)
        # Asking again is for the rare moments when the flood fills the socket's buffer.
        self.assertLess(self.questions, 2 * asked)
        return asked

    def counters(self, daemon, count):
        """Once the flood is through; every datagram that came in is answered, or dropped by reason."""
        last = [None]

        def settled():
            before, last[0] = last[0], daemon.counters("udp")
            return before == last[0]

        wait_until(settled, "the daemon has dealt with the flood")
        counters = last[0]
        self.assertGreater(counters["received"], count // 4, "much of the flood came in")
        dropped = sum(value for name, value in counters.items() if name.startswith("dropped_"))
        self.assertEqual(counters["answered"] + dropped, counters["received"])
        return counters

    def test_sources_without_number_neither_silence_others_nor_take_memory(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            support.answer_to(daemon.address("udp"), QUERY)
            resident, descriptors = daemon.resident_bytes(), daemon.open_descriptors()
            self.check_honest_client(daemon, 1 << 24, FLOOD)
            counters = self.counters(daemon, FLOOD)
            # Nobody asked twice as often as is allowed, so nobody was over the limit.
            self.assertEqual(counters.get("dropped_rate-limit", 0), 0)
            self.assertLess(daemon.peak_resident_bytes() - resident, GROWTH)
            wait_until(lambda: daemon.open_descriptors() == descriptors, "as many descriptors")

    def test_few_sources_are_held_to_their_rate_and_others_feel_nothing(self):
        sources, rate, burst, count = 10, 100, 200, FLOOD // 4
        configuration = f"[udp]\nlisten = 127.0.0.1:0\nrate_limit = {rate}\nrate_burst = {burst}\n"
        with Daemon(configuration) as daemon:
            begin = time.monotonic()
            asked = self.check_honest_client(daemon, sources, count)
            counters = self.counters(daemon, count)
            took = time.monotonic() - begin
            self.assertGreaterEqual(counters["answered"], sources * burst)
            made_up = sources * (burst + rate * took)
            self.assertLessEqual(counters["answered"], made_up + TRIES * asked)
            self.assertGreater(counters["dropped_rate-limit"], 0)
            # One line a second, however many were dropped.
            lines = [line for line in daemon.log if line.message == "datagram dropped"]
            self.assertLessEqual(len(lines), took + 1)


if __name__ == "__main__":
    support.isolate()
    support.main()
