"""echotime load: what it counts is what happened, no pause of the server is hidden, and no wrong byte
passes."""

import contextlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import Daemon, client, isolate, main, process, refusing_port, wait_until
from support.lying_server import CLOSE, RESET, LyingServer, damaged
from support.peers import Socat, Xinetd

FRAMINGS = ("raw", "line", "length16", "length32")
CONFIGURATION = "".join(
    f"[tcp {framing}]\nlisten = 127.0.0.1:0\nframing = {framing}\nmax_message = 1MiB\n"
    for framing in FRAMINGS
) + (
    "[tcp few]\nlisten = 127.0.0.1:0\nmax_connections_per_source = 3\n"
    "[udp echo]\nlisten = 127.0.0.1:0\nservice = echo\nrate_limit = 0\nloop_guard = 0\n"
    "[tcp ipv6]\nlisten = [::1]:0\n[udp ipv6]\nlisten = [::1]:0\nservice = echo\nrate_limit = 0\n"
    "[udp limited]\nlisten = 127.0.0.1:0\nservice = echo\nrate_limit = 100\nrate_burst = 100\n"
)
KEYS = {
    "url", "address", "ok", "framing", "connections", "depth", "size", "rate_asked", "interrupted",
    "seconds", "messages", "unsent", "right", "damaged", "duplicated", "reordered", "late", "overrun", "missing",
    "connections_unopened", "connections_lost", "held_back", "behind_ns", "rate",
    "bytes_per_second", "latency_ns",
}  # fmt: skip
LATENCY_KEYS = {"mean", "deviation", "min", "p50", "p90", "p99", "p99_9", "max"}
MS = 1_000_000
SLACK = 5  # seconds that a busy machine may take for what takes none


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon(CONFIGURATION))

    def url(self, listener, daemon=None):
        return client.url(listener.split()[0], (daemon or self.daemon).address(listener))

    def load(self, *arguments, status=0):
        """Runs it to its end. With the status None it may be a success or a failure."""
        outcome = client.run("load", "--json", "-w", "20s", *arguments)
        status = outcome.status if status is None else status
        self.assertEqual(outcome.status, status, outcome)
        self.assertIn(status, (0, 1))
        told = outcome.object
        told["errors"] = outcome.errors
        if "latency_ns" in told:
            self.assertEqual(told["ok"], status == 0)
            if status != 0:
                self.assertIn(told["error"], outcome.errors)
        if status == 0:
            self.assertEqual(outcome.errors, "")
            self.assertEqual((told["right"], told["unsent"]), (told["messages"], 0))
            self.assertGreater(told["right"], 0)
        return told


class Closed(Case):
    def test_every_framing_and_size(self):
        for framing in FRAMINGS:
            for size in (0, 1, 8, 100, 65535, 300_000):
                if (framing, size) == ("raw", 0) or (framing, size) == ("length16", 300_000):
                    continue
                with self.subTest(framing=framing, size=size):
                    told = self.load("-f", framing, "-s", size, "-n", 3, "-d", 5, "-t", "60ms",
                                     self.url(f"tcp {framing}"))  # fmt: skip
                    self.assertEqual((told["framing"], told["size"]), (framing, size))

    def test_what_it_says_is_what_the_daemon_counted(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\nframing = length16\n") as daemon:
            told = self.load("-f", "length16", "-n", 7, "-d", 4, "-s", 50, "-t", "300ms",
                             self.url("tcp", daemon))  # fmt: skip
            counted = daemon.counters("tcp")
        self.assertEqual(counted["accepted"], 7)
        self.assertEqual(counted["messages"], told["right"])
        self.assertEqual(counted["bytes_in"], 52 * told["right"])

    def test_figures_agree_with_one_another(self):
        told = self.load("-n", 4, "-d", 2, "-t", "500ms", self.url("tcp raw"))
        self.assertEqual(set(told) - {"errors"}, KEYS)
        self.assertEqual(set(told["latency_ns"]), LATENCY_KEYS)
        self.assertTrue(0.5 <= told["seconds"] < 5, told)
        self.assertAlmostEqual(told["rate"], told["right"] / told["seconds"], delta=1)
        self.assertAlmostEqual(told["bytes_per_second"], 64 * told["rate"], delta=64)
        in_order = [told["latency_ns"][key] for key in ("min", "p50", "p90", "p99", "p99_9", "max")]
        self.assertEqual(in_order, sorted(in_order))
        # Little's law: what is under way is rate times latency.
        self.assertAlmostEqual(told["rate"] * told["latency_ns"]["mean"] / 1e9, 8, delta=0.8)

    def test_udp(self):
        for size in (8, 64, 1400, 65507):
            with self.subTest(size=size):
                told = self.load("-s", size, "-n", 2, "-d", 2, "-t", "100ms", self.url("udp echo"))
                self.assertEqual(told["connections"], 2)

    def test_ipv6(self):
        for listener in "tcp ipv6", "udp ipv6":
            told = self.load("-t", "100ms", self.url(listener))
            self.assertTrue(told["address"].startswith("[::1]:"), told)

    def test_many_connections(self):
        told = self.load("-n", 1500, "-t", "300ms", self.url("tcp raw"))
        self.assertEqual(told["connections_unopened"], 0)
        self.assertGreaterEqual(told["right"], 1500)


class Open(Case):
    """The open loop: a schedule fixed beforehand, from which latency counts."""

    def test_as_many_messages_as_the_schedule_has(self):
        for listener in "tcp raw", "udp echo":
            told = self.load("-r", 2000, "-n", 3, "-t", "500ms", self.url(listener))
            self.assertEqual(told["messages"], 1000)
            self.assertEqual(told["rate_asked"], 2000)
            self.assertGreaterEqual(told["seconds"], 0.499)

    def paused(self, listener, *arguments, pause=0.6, status=0):
        """A run of 2 s in whose middle the server stands still."""
        with Daemon(CONFIGURATION) as daemon:
            box = []
            url = self.url(listener, daemon)
            thread = threading.Thread(
                target=lambda: box.append(
                    self.load("-t", "2s", "-n", 2, *arguments, url, status=status)
                )
            )
            before = daemon.counters(listener).get("messages", 0)
            thread.start()
            name = "messages" if listener.startswith("tcp") else "datagrams"
            wait_until(
                lambda: any(value > before for key, value in daemon.counters(listener).items()
                            if key in ("messages", name, "received")),
                "the load runs",
            )  # fmt: skip
            daemon.signal(signal.SIGSTOP)
            time.sleep(pause)  # this is the pause itself
            daemon.signal(signal.SIGCONT)
            thread.join()
        return box[0]

    def test_a_pause_of_the_server_is_in_the_figures(self):
        """0.6 s of 2 s: of all messages 30 % met it, evenly from 0.6 s down. So 10 % waited 0.4 s."""
        for arguments in ([], ["-d", 1]):  # that few may be under way hides nothing
            # With -d 1 the very last ones may have to wait beyond the end, where the machine is busy.
            told = self.paused("tcp raw", "-r", 1000, *arguments, status=None if arguments else 0)
            latency = told["latency_ns"]
            self.assertEqual(told["messages"] + told["unsent"], 2000)
            self.assertEqual(told["right"], told["messages"])
            self.assertLess(told["unsent"], 100 if arguments else 1)
            self.assertGreater(latency["max"], 590 * MS)
            self.assertGreater(latency["p90"], 300 * MS)
            self.assertGreater(latency["mean"], 60 * MS)
            if arguments:
                self.assertGreater(told["held_back"], 400)

    def test_the_same_over_udp(self):
        latency = self.paused("udp echo", "-r", 1000)["latency_ns"]
        self.assertGreater(latency["max"], 590 * MS)
        self.assertGreater(latency["p90"], 300 * MS)

    def test_a_closed_loop_hides_it_which_is_why_there_is_an_open_one(self):
        told = self.paused("tcp raw")
        # The pause is 600 ms, but a client that was held up may have asked only during it.
        self.assertGreater(told["latency_ns"]["max"], 400 * MS)
        self.assertLess(told["latency_ns"]["p90"], 100 * MS)

    def test_the_rate_is_that_of_the_whole_duration(self):
        told = self.load("-r", 1, "-n", 1, "-t", "300ms", self.url("tcp raw"))
        self.assertEqual(told["messages"], 1)
        self.assertGreaterEqual(told["seconds"], 0.3)
        self.assertLess(told["rate"], 3.4)

    def test_it_keeps_its_schedule_between_ticks_of_a_millisecond(self):
        told = self.load("-r", 60, "-n", 1, "-t", "4s", self.url("tcp raw"))
        self.assertLess(told["latency_ns"]["min"], MS)
        # As a rule one is answered before the next is due.
        self.assertLess(told["latency_ns"]["p50"], 1000 * MS // 60)


class End(Case):
    """At the end of the duration nothing is begun any more, and the wait for the rest is bounded."""

    def timed(self, *arguments, status):
        began = time.monotonic()
        told = self.load(*arguments, status=status)
        return told, time.monotonic() - began

    def test_what_was_queued_and_never_left_is_neither_sent_nor_lost(self):
        """256 GiB were asked for; only what the daemon got is told."""
        with Daemon(CONFIGURATION) as daemon:
            told, took = self.timed("-n", 4, "-d", 65536, "-s", "1MiB", "-t", "300ms", "-w", "20s",
                                    self.url("tcp raw", daemon), status=0)  # fmt: skip
            counted = daemon.counters("tcp raw")
        self.assertEqual(counted["bytes_in"], told["messages"] << 20)
        self.assertLess(told["messages"], 4 * 65536)
        self.assertLess(took, 20.3 + SLACK)

    def test_much_that_is_queued_over_udp_does_not_put_off_the_end(self):
        told, took = self.timed("-n", 4, "-d", 65536, "-s", 60000, "-t", "300ms", "-w", "500ms",
                                self.url("udp echo"), status=1)  # fmt: skip
        self.assertEqual(told["unsent"], 0)
        self.assertEqual(told["right"] + told["missing"], told["messages"])
        self.assertLess(took, 0.8 + SLACK)

    def test_replies_that_trickle_in_do_not_put_off_the_end(self):
        """One every 0.1 s, to a hundred messages that were sent at once: that would go on for 10 s."""
        lie = lambda number, message: [(0.1 * number, message)]
        for transport in "tcp", "udp":
            with self.subTest(transport=transport):
                with LyingServer(lie, transport, 64 if transport == "tcp" else None) as server:
                    told, took = self.timed("-n", 1, "-d", 100, "-t", "200ms", "-w", "400ms",
                                            client.url(transport, server.address), status=1)  # fmt: skip
                    wait_until(lambda: len(server.messages) >= told["messages"], "it took all")
                    self.assertEqual(told["messages"], len(server.messages))
                self.assertGreaterEqual(told["messages"], 100)
                self.assertEqual(told["right"] + told["missing"], told["messages"])
                self.assertGreater(told["missing"], 0)
                self.assertIn("had no reply within 400 ms", told["errors"])
                self.assertLess(took, 0.6 + SLACK)

    def test_a_server_that_takes_nothing_is_told_of_the_message_that_it_cut(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            told, took = self.timed("-n", 1, "-d", 100, "-s", "16MiB", "-t", "200ms", "-w", "300ms",
                                    client.url("tcp", server.getsockname()), status=1)  # fmt: skip
        self.assertEqual((told["right"], told["unsent"]), (0, 1))
        self.assertEqual(told["missing"], told["messages"])
        self.assertIn("were begun, and not taken whole within 300 ms", told["errors"])
        self.assertLess(took, 0.5 + SLACK)

    def test_a_message_begun_in_part_is_finished(self):
        """The server reads only once the duration is over."""

        def serve():
            stream = server.accept()[0]
            with stream:
                time.sleep(2)  # this is the pause itself
                while piece := stream.recv(1 << 20):
                    stream.sendall(piece)

        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=serve)
            thread.start()
            told = self.load("-n", 1, "-d", 3, "-s", "16MiB", "-t", "100ms", "-w", "20s",
                             client.url("tcp", server.getsockname()))  # fmt: skip
            thread.join()
        self.assertEqual(told["messages"], 1)
        self.assertGreater(told["latency_ns"]["min"], 300 * MS)

    def test_what_an_open_loop_could_not_send_is_told_and_is_a_failure(self):
        """A server that takes 20 ms for each of what comes every millisecond."""
        for transport in "tcp", "udp":
            with self.subTest(transport=transport):

                def lie(number, message):
                    time.sleep(0.02)
                    return [(0, message)]

                with LyingServer(lie, transport, 64 if transport == "tcp" else None) as server:
                    told = self.load("-n", 1, "-d", 1, "-r", 1000, "-t", "500ms", "-w", "10s",
                                     client.url(transport, server.address), status=1)  # fmt: skip
                    self.assertEqual(told["messages"], len(server.messages))
                self.assertEqual(told["messages"] + told["unsent"], 500)
                self.assertEqual(told["right"], told["messages"])
                self.assertLessEqual(told["messages"], 26)
                self.assertGreaterEqual(told["held_back"], told["unsent"])
                self.assertIn(f"{told['unsent']} messages to 127.0.0.1", told["error"])
                self.assertIn("were due and not sent by the end", told["error"])
                # The last one sent had been due long before.
                self.assertGreater(told["latency_ns"]["max"], 300 * MS)

    def test_what_was_due_on_a_lost_connection_is_unsent(self):
        lie = lambda number, message: [(0, message if number < 20 else CLOSE)]
        with LyingServer(lie, "tcp", 64) as server:
            told = self.load("-n", 1, "-r", 100, "-t", "10s", "-w", "500ms",
                             client.url("tcp", server.address), status=1)  # fmt: skip
        self.assertEqual((told["connections_lost"], told["right"]), (1, 19))
        self.assertEqual(told["right"] + told["missing"], told["messages"])


class Lies(Case):
    """Every tenth message is answered wrongly."""

    SIZE = 100

    def against(self, transport, lie, *arguments, status=1):
        with LyingServer(lie, transport, self.SIZE if transport == "tcp" else None) as server:
            told = self.load("-n", 1, "-d", 4, "-s", self.SIZE, "-t", "500ms", "-w", "2s",
                             *arguments, client.url(transport, server.address),
                             status=status)  # fmt: skip
            told["tenths"], behind = divmod(len(server.messages), 10)
            told["ends_with_a_tenth"] = behind == 0
        self.assertGreater(told["tenths"], 0)
        return told

    def test_the_truth_is_no_lie(self):
        for transport in "tcp", "udp":
            self.against(transport, lambda number, message: [(0, message)], status=0)

    def test_one_damaged_bit(self):
        for transport in "tcp", "udp":
            for index in (0, 7, 8, 50, self.SIZE - 1):
                with self.subTest(transport=transport, index=index):
                    told = self.against(
                        transport,
                        lambda number, message, index=index: [
                            (0, message if number % 10 else damaged(message, index))
                        ],
                    )
                    self.assertEqual(told["damaged"], told["tenths"])
                    self.assertIn("were not what was sent", told["errors"])
                    if transport == "tcp":
                        self.assertEqual(told["right"] + told["damaged"], told["messages"])

    def test_duplicates(self):
        for transport in "tcp", "udp":
            with self.subTest(transport=transport):
                told = self.against(
                    transport,
                    lambda number, message: [(0, message)] * (1 if number % 10 else 2),
                )
                # The copy of the very last reply comes when nobody waits for anything any more.
                unseen = told["tenths"] - told["duplicated"]
                self.assertIn(unseen, (0, 1) if told["ends_with_a_tenth"] else (0,))
                self.assertEqual((told["damaged"], told["missing"]), (0, 0))
                self.assertEqual(told["right"], told["messages"])
                self.assertIn("came twice", told["errors"])

    def test_swapped_replies(self):
        held = []

        def swap(number, message):
            if number % 10 == 0:
                held.append(message)
                return []
            return [(0, message)] + [(0, held.pop()) for _ in held[:]]

        told = self.against("tcp", swap)
        self.assertIn(told["reordered"], (told["tenths"], told["tenths"] - 1))
        self.assertEqual((told["damaged"], told["duplicated"]), (0, 0))
        self.assertIn("came out of order", told["errors"])
        # Networks do that to datagrams: it is counted, and no failure.
        behind = lambda number, message: [(0 if number % 10 else 0.02, message)]
        told = self.against("udp", behind, status=0)
        self.assertGreater(told["reordered"], 0)

    def test_lost_replies(self):
        for transport in "tcp", "udp":
            with self.subTest(transport=transport):
                told = self.against(
                    transport, lambda number, message: [(0, message)] if number % 10 else []
                )
                self.assertEqual(told["missing"], told["tenths"])
                self.assertEqual(told["right"] + told["missing"], told["messages"])
                self.assertEqual((told["damaged"], told["duplicated"]), (0, 0))
                self.assertIn("had no reply within 2.00 s", told["errors"])

    def test_replies_of_another_size(self):
        for lie in (lambda n, message: [(0, message[:-1])], lambda n, message: [(0, message + b"x")]):
            told = self.against("udp", lie, "-d", 20)
            self.assertEqual(told["right"], 0)
            self.assertGreater(told["damaged"], 0)

    def test_delayed_replies_are_measured(self):
        told = self.against("udp", lambda number, message: [(0.05, message)], status=0)
        self.assertGreater(told["latency_ns"]["min"], 49 * MS)

    def test_too_late_replies_are_missing(self):
        told = self.against("udp", lambda number, message: [(2.5 if number == 1 else 0, message)],
                            "-t", "4s", "-w", "1500ms")  # fmt: skip
        self.assertEqual((told["missing"], told["late"], told["duplicated"]), (1, 1, 0))


class Connections(Case):
    def test_lost_ones_are_told(self):
        for what, words in (CLOSE, "the server closed it"), (RESET, "Connection reset by peer"):
            lie = lambda number, message, what=what: [(0, message if number < 20 else what)]
            with LyingServer(lie, "tcp", 64) as server:
                url = client.url("tcp", server.address)
                told = self.load("-n", 1, "-t", "10s", "-w", "500ms", url, status=1)
            self.assertEqual((told["connections_lost"], told["right"]), (1, 19))
            self.assertEqual(told["missing"], 1)
            self.assertIn(f"1 of 1 connections to 127.0.0.1 port {server.address[1]} (tcp) were lost",
                          told["errors"])  # fmt: skip
            self.assertIn(words, told["errors"])
            self.assertLess(told["seconds"], 5)  # nobody is left: it does not go on

    def test_some_lost_at_once_do_not_stop_the_others(self):
        told = self.load("-n", 10, "-t", "300ms", self.url("tcp few"), status=1)
        self.assertEqual(told["connections_lost"] + told["connections_unopened"], 7)
        self.assertGreater(told["right"], 10)

    def test_a_server_that_takes_no_more_of_them(self):
        """Its queue has room for one: the others' requests to connect get no answer at all."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            url = client.url("tcp", server.getsockname())
            told = self.load("-n", 4, "-t", "200ms", "-w", "400ms", url, status=1)
        self.assertEqual(told["connections_unopened"], 3)
        self.assertIn("3 of 4 connections to", told["errors"])
        self.assertIn("Connection timed out", told["errors"])
        self.assertEqual((told["right"], told["missing"]), (0, 1))  # and that one gets no reply

    def test_nobody_listens(self):
        port = refusing_port()
        told = self.load(f"tcp://127.0.0.1:{port}", status=1)
        self.assertIn(f"cannot connect to 127.0.0.1 port {port} (tcp): Connection refused", told["error"])
        told = self.load("-n", 2, f"udp://127.0.0.1:{port}", status=1)
        self.assertEqual(told["connections_lost"], 2)
        self.assertIn("Connection refused; nothing listens there", told["errors"])

    def test_a_rate_limit_is_hinted_at(self):
        told = self.load("-t", "500ms", "-w", "200ms", "-r", 2000, self.url("udp limited"), status=1)
        self.assertGreater(told["missing"], 500)
        self.assertIn("echotimed by rate_limit", told["errors"])

    def test_descriptors_run_out(self):
        shell = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh"]
        outcome = client.run("load", "--json", "-n", 200, "-t", "200ms", self.url("tcp raw"),
                             prefix=shell)  # fmt: skip
        self.assertEqual(outcome.status, 1)
        self.assertGreater(outcome.object["connections_unopened"], 90)
        self.assertIn("ulimit -n", outcome.errors)
        self.assertGreater(outcome.object["right"], 0)


class People(Case):
    """What is seen on a terminal, and in a pipe."""

    def test_the_line_lives_on_a_terminal_and_is_wiped(self):
        done = client.run_in_terminal("load", "-t", "3s", "-r", 2000, self.url("tcp raw"),
                                      width=60)  # fmt: skip
        self.assertEqual(done.status, 0, done)
        shown = re.findall(r"\r +(\d\.\d) s  \d+ messages/s  0 wrong  p50 [\d.]+ [mun]?s", done.output)
        self.assertGreaterEqual(len(shown), 3, done)
        self.assertEqual(shown, sorted(shown))
        result = done.output[done.output.rindex("\r") + 1 :]
        self.assertTrue(client.ESCAPE.sub("", result).startswith("Load on 127.0.0.1 port"), result)
        for line in done.output.replace("\r", "\n").split("\n"):
            if "Load on" not in line:
                self.assertLessEqual(len(client.ESCAPE.sub("", line)), 60, line)

    def test_colour_only_on_a_terminal_that_wants_it(self):
        arguments = ("load", "-t", "100ms", self.url("tcp raw"))
        self.assertRegex(client.run_in_terminal(*arguments).output, client.ESCAPE)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            done = client.run_in_terminal(*arguments, environment=environment)
            self.assertNotIn("\x1b", done.output)
        self.assertNotIn("\x1b", repr(client.run(*arguments)))

    def test_in_a_pipe_there_is_no_line_and_no_error(self):
        done = client.run("load", "-t", "700ms", self.url("tcp raw"))
        self.assertEqual((done.status, done.errors), (0, ""))
        self.assertNotIn("\r", done.output)
        self.assertRegex(done.output, r"(?m)^  answered +\d+ messages, right to the last byte$")
        self.assertRegex(done.output, r"(?m)^  p99\.9 +[\d.]+ [mun]?s$")
        self.assertRegex(done.output, r"(?m)^ +[\d.]+ [mun]?s - +[\d.]+ [mun]?s +\d+ +[\d.]+ %  #+$")

    def test_control_c_ends_early_with_the_results(self):
        done = client.run_in_terminal("load", "-t", "1h", self.url("tcp raw"), keys=b"\x03",
                                      until="messages/s")  # fmt: skip
        self.assertEqual(done.status, 0, done)
        self.assertIn("s, interrupted", done.output)
        self.assertIn("p99.9", done.output)

    def test_what_makes_no_sense_is_refused(self):
        for arguments, words in (
            (["-s", 0, "tcp://127.0.0.1:1"], "raw has no empty messages"),
            (["-s", 65536, "-f", "length16", "tcp://127.0.0.1:1"], "65535 bytes that length16 carries"),
            (["-s", 7, "udp://127.0.0.1:1"], "--size is at least 8 over UDP"),
            (["-s", 65508, "udp://127.0.0.1:1"], "65507 bytes that UDP carries"),
            (["-f", "line", "udp://127.0.0.1:1"], "a datagram is one message"),
        ):
            done = client.run("load", *arguments)
            self.assertEqual(done.status, 64)
            self.assertIn(words, done.errors)


class Others(Case):
    """Echoes that are not ours."""

    def test_socat(self):
        with Socat("tcp") as socat:
            self.load("-n", 3, "-d", 4, "-s", 1000, "-t", "300ms", f"tcp://127.0.0.1:{socat.port}")

    def test_xinetd(self):
        with Xinetd():
            self.load("-n", 3, "-d", 4, "-s", 1000, "-t", "300ms", "tcp://127.0.0.1:7")
            # One datagram alone: of two that wait at once xinetd now and then loses one.
            self.load("-n", 1, "-r", 1, "-t", "300ms", "udp://127.0.0.1:7")


class Memory(Case):
    def test_a_long_run_takes_no_more_memory_than_a_short_one(self):
        peaks = []
        for duration in "200ms", "3s":
            command = client.command("load", "-d", 16, "-t", duration, self.url("tcp raw"))
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
                looks = []  # what wait4(2) tells would be at least our own
                while run.poll() is None:
                    with contextlib.suppress(AssertionError):  # it ended meanwhile
                        looks.append(process.memory_bytes(run.pid, "VmHWM"))
                    time.sleep(0.01)
            self.assertEqual(run.returncode, 0)
            peaks.append(max(looks) >> 10)
        self.assertGreater(min(peaks), 500)
        self.assertLess(peaks[1], peaks[0] + 512)  # KiB


if __name__ == "__main__":
    isolate()
    main()
