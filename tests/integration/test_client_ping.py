"""echotime ping: what became of each probe is told apart, by whoever answers and whatever he does."""

import shlex
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from support import DEADLINE, Daemon, KernelClock, client, isolate, main, refusing_port, wait_until
from support.lying_server import CLOSE, RESET, LyingServer, damaged
from support.peers import Chronyd, Socat, Xinetd

REPLY_KEYS = {
    "url", "event", "address", "bytes", "seq", "round_trip_ns", "late", "duplicate", "reordered",
    "damaged",
}  # fmt: skip
SUMMARY_KEYS = {
    "url", "event", "ok", "sent", "received", "late", "lost", "damaged", "waiting", "duplicated",
    "reordered", "strays", "seconds",
}  # fmt: skip
FIGURES = {"min", "avg", "max", "mdev", "p50", "p90", "p99", "jitter"}


def listeners(*rows):
    return "".join(
        f"[{transport} {name}]\nservice = {service}\nlisten = 127.0.0.1:0\n{more}"
        for transport, name, service, more in rows
    )


def ping(scheme, address, *options, prefix=()):
    """With a probe every 10 ms, unless the options say otherwise."""
    return client.run(
        "ping", "-i", "10ms", "-w", "20s", *options, client.url(scheme, address), prefix=prefix
    )


def events(done, kind):
    return [one for one in done.objects if one["event"] == kind]


class Figures(unittest.TestCase):
    """A mix-in that checks a run in which nothing went wrong."""

    def expect_all_good(self, done, count):
        self.assertEqual(done.status, 0, done)
        self.assertEqual(done.errors, "")
        replies = events(done, "reply")
        self.assertEqual([one["seq"] for one in replies], list(range(1, count + 1)))
        for one in replies:
            self.assertFalse(one["late"] or one["duplicate"] or one["reordered"] or one["damaged"])
        summary = done.objects[-1]
        self.assertEqual((summary["event"], summary["ok"]), ("summary", True))
        self.assertEqual((summary["sent"], summary["received"]), (count, count))
        for name in "late", "lost", "damaged", "waiting", "duplicated", "reordered", "strays":
            self.assertEqual(summary[name], 0, name)
        figures = summary["round_trip_ns"]
        times = sorted(one["round_trip_ns"] for one in replies)
        self.assertEqual(set(figures), FIGURES)
        self.assertEqual((figures["min"], figures["max"]), (times[0], times[-1]))
        self.assertAlmostEqual(figures["avg"], sum(times) / count, delta=1)
        for name in "p50", "p90", "p99":
            self.assertTrue(times[0] <= figures[name] <= times[-1])
        return replies, summary


class OurDaemon(Figures):
    def test_echo_over_udp_of_all_sizes(self):
        with Daemon(listeners(("udp", "a", "echo", ""))) as daemon:
            for size in 0, 1, 7, 16, 64, 1400, 65507:
                with self.subTest(size=size):
                    address = daemon.address("udp a")
                    done = ping("udp", address, "-c4", "--json", "-s", size)
                    replies, _ = self.expect_all_good(done, 4)
                    self.assertEqual({one["bytes"] for one in replies}, {size})

    def test_echo_over_tcp_in_all_framings(self):
        framings = ["raw", "line", "length16", "length32"]
        more = "framing = {}\nmax_message = 4MiB\n"
        rows = [("tcp", framing, "echo", more.format(framing)) for framing in framings]
        with Daemon(listeners(*rows)) as daemon:
            for framing in framings:
                sizes = [1, 64, 65535, 3000000 if framing != "length16" else 1000]
                for size in sizes + ([0] if framing != "raw" else []):
                    with self.subTest(framing=framing, size=size):
                        address = daemon.address(f"tcp {framing}")
                        options = ["-c4", "--json", "-s", size, "-f", framing]
                        self.expect_all_good(ping("tcp", address, *options), 4)

    def test_the_time_over_tcp_and_udp(self):
        rows = ("udp", "a", "time", ""), ("tcp", "a", "time", "framing = line\n")
        with Daemon(listeners(*rows)) as daemon:
            for scheme in "udp", "tcp":
                address = daemon.address(f"{scheme} a")
                self.expect_all_good(ping(scheme, address, "-c3", "-p", "time", "--json"), 3)

    def test_times_one_way_and_whether_they_are_worth_anything(self):
        rows = ("udp", "ntp", "ntp", ""), ("udp", "stamp", "stamp", "")
        with KernelClock() as theirs, KernelClock() as ours:
            with Daemon(listeners(*rows), prefix=theirs.prefix) as daemon:
                for protocol in "ntp", "stamp":
                    self.check_one_way(daemon.address(f"udp {protocol}"), protocol, ours, theirs)

    def check_one_way(self, address, protocol, ours, theirs):
        def run(*options):
            return ping("udp", address, "-c3", "-p", protocol, *options, prefix=ours.prefix)

        def reliable():
            return run("--json").objects[-1]["one_way_reliable"]

        for our_clock, their_clock, sentence in (
            (ours.synchronise, theirs.lose, "the server's clock is not synchronised"),
            (ours.lose, theirs.lose, "this host's clock and the server's are not synchronised"),
            (ours.lose, theirs.synchronise, "this host's clock is not synchronised"),
            (ours.synchronise, theirs.synchronise, None),
        ):
            our_clock()
            their_clock()
            said = wait_until(
                lambda: (
                    (text := run().output)
                    and (sentence in text if sentence else "unreliable" not in text)
                    and text
                ),
                f"the daemon's clock is as it should be: {sentence}",
            )
            self.assertEqual("(unreliable)" in said, sentence is not None)
            self.assertRegex(said, r" forward=-?[\d.]+ \w?s back=-?[\d.]+ \w?s")
            self.assertRegex(said, r"\n  Forward     min ")
            self.assertRegex(said, r"\n  Back        min ")
            self.assertEqual(reliable(), sentence is None)
        done = run("--json")
        replies, summary = self.expect_all_good(done, 3)
        for one in replies:
            self.assertEqual(set(one), REPLY_KEYS | {"forward_ns", "back_ns", "one_way_reliable"})
            # It is one clock, so both ways together take the round trip at most.
            both = one["forward_ns"] + one["back_ns"]
            self.assertLessEqual(both, one["round_trip_ns"] + 1000)
            self.assertGreaterEqual(one["forward_ns"], 0)
            self.assertGreaterEqual(one["back_ns"], 0)
        self.assertEqual(set(summary["forward_ns"]), {"min", "avg", "max"})

    def test_json_keys_are_stable(self):
        with Daemon(listeners(("udp", "a", "echo", ""))) as daemon:
            done = ping("udp", daemon.address("udp a"), "-c2", "--json")
            for one in events(done, "reply"):
                self.assertEqual(set(one), REPLY_KEYS)
            self.assertEqual(set(done.objects[-1]), SUMMARY_KEYS | {"round_trip_ns"})
            done = ping("udp", ("127.0.0.1", refusing_port()), "-c1", "--json")
            self.assertEqual(set(done.objects[0]), {"url", "event", "seq", "error"})
            self.assertEqual(set(done.objects[-1]), SUMMARY_KEYS)

    def test_lines_come_as_they_come_about_and_a_closed_pipe_ends_it(self):
        with Daemon(listeners(("udp", "a", "echo", ""))) as daemon:
            url = client.url("udp", daemon.address("udp a"))
            with client.Running("ping", "-i", "20ms", url) as running:
                self.assertRegex(running.line(), "^Pinging 127.0.0.1 port ")
                for number in range(1, 4):
                    self.assertRegex(
                        running.line(),
                        rf"^64 bytes from 127.0.0.1:\d+: seq={number} time=[\d.]+ (ns|us|ms|s)\n$",
                    )
                running.interrupt(signal.SIGTERM)
                done = running.end()
            self.assertEqual(done.status, 0, done)
            self.assertRegex(done.output, r"\n  \d+ sent, \d+ received in time, none lost")
            words = shlex.join(client.command("ping", "-i", "20ms", url))
            script = f"{words} | head -n 2; exit ${{PIPESTATUS[0]}}"
            ended = subprocess.run(
                ["bash", "-c", script], capture_output=True, timeout=DEADLINE, check=False
            )
            self.assertEqual(len(ended.stdout.splitlines()), 2)
            self.assertEqual((ended.returncode, ended.stderr), (128 + signal.SIGPIPE, b""))

    def test_a_reader_who_is_gone_ends_it_though_no_signal_does(self):
        """Some supervisors start everything with SIGPIPE ignored."""
        with Daemon(listeners(("udp", "a", "echo", ""))) as daemon:
            url = client.url("udp", daemon.address("udp a"))
            words = shlex.join(client.command("ping", "-i", "20ms", url))
            script = f"trap '' PIPE; {words} | head -n 2; exit ${{PIPESTATUS[0]}}"
            ended = subprocess.run(
                ["bash", "-c", script], capture_output=True, timeout=DEADLINE, check=False
            )
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"standard output cannot be written", ended.stderr)

    def test_quiet_is_the_summary_alone(self):
        with Daemon(listeners(("udp", "a", "echo", ""))) as daemon:
            done = ping("udp", daemon.address("udp a"), "-c3", "-q")
            self.assertNotIn("seq=", done.output)
            self.assertIn("3 sent, 3 received in time, none lost", done.output)


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        daemon = cls.enterClassContext(Daemon(listeners(("udp", "a", "echo", ""))))
        cls.url = client.url("udp", daemon.address("udp a"))

    def test_ctrl_c_prints_the_summary(self):
        done = client.run_in_terminal(
            "ping", "-i", "20ms", self.url, keys=b"\x03", until="seq=5 "
        )
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.output, r"\n  \d+ sent, \d+ received in time, none lost")
        self.assertRegex(done.output, r"\n  Round trip  min ")
        self.assertRegex(done.output, r"\n {14}p50 .* p90 .* p99 .* jitter ")
        self.assertRegex(done.output, r"%  .*#")

    def test_no_line_is_longer_than_the_terminal_is_wide(self):
        for width in 60, 80, 132:
            done = client.run_in_terminal("ping", "-i", "5ms", "-c60", "-q", self.url, width=width)
            plain = client.ESCAPE.sub("", done.output)
            bars = [line for line in plain.splitlines() if "%  #" in line or "%  =" in line]
            self.assertTrue(bars, plain)
            self.assertLessEqual(max(map(len, bars)), width)
            self.assertGreater(max(map(len, bars)), width - 12, plain)

    def test_colour_is_for_terminals_and_not_with_no_color(self):
        options = ["ping", "-i", "5ms", "-c9", self.url]
        self.assertRegex(client.run_in_terminal(*options).output, client.ESCAPE)
        for variables in {"NO_COLOR": "1"}, {"TERM": "dumb"}:
            done = client.run_in_terminal(*options, environment=variables)
            self.assertNotIn("\x1b", done.output)
        self.assertNotIn("\x1b", client.run(*options).output)
        self.assertRegex(
            client.run_in_terminal(*options, environment={"NO_COLOR": ""}).output, client.ESCAPE
        )


class Liar(unittest.TestCase):
    INTERVAL, TIMEOUT = 0.3, 2.0

    def run_against(self, lie, *options, transport="udp", **server):
        with LyingServer(lie, transport, **server) as liar:
            return client.run(
                "ping", "-i", f"{int(self.INTERVAL * 1000)}ms", "-w", f"{int(self.TIMEOUT * 1000)}ms",
                *options, client.url(transport, liar.address),
            )  # fmt: skip

    def lie_over_udp(self, number, message):
        match number:
            case 1:
                return [(self.TIMEOUT + 0.6, message)]  # late
            case 2:
                return []  # lost
            case 3:
                return [(0, damaged(message, 20))]
            case 4:
                return [(0, message), (0.05, message), (0.1, message)]  # two copies too many
            case 5:
                self.held = message
                return []
            case 6:
                return [(0, message), (0.001, self.held)]  # the fifth behind the sixth
            case 7:
                return [(0, message[:40])]  # cut short
            case 8:
                return [(0, damaged(message, 0))]  # where it names its probe
            case 9:
                return [(0, b"what nobody asked"), (0, message)]
            case _:
                return [(0, message)]

    def test_over_udp_all_are_told_apart(self):
        done = self.run_against(self.lie_over_udp, "-c11", "--json")
        self.assertEqual(done.status, 1, done)  # damaged answers are wrong answers
        by_number = {}
        for one in events(done, "reply"):
            by_number.setdefault(one["seq"], []).append(one)

        def flags(one):
            names = "late", "duplicate", "reordered", "damaged"
            return {name for name in names if one[name]}

        self.assertEqual([flags(one) for one in by_number[1]], [{"late", "reordered"}])
        self.assertGreater(by_number[1][0]["round_trip_ns"], self.TIMEOUT * 1e9)
        self.assertNotIn(2, by_number)
        self.assertEqual([one["seq"] for one in events(done, "lost")], [1, 2])
        self.assertEqual([flags(one) for one in by_number[3]], [{"damaged"}])
        self.assertIn("in 1 byte, byte 20", by_number[3][0]["error"])
        self.assertEqual(
            [flags(one) for one in by_number[4]], [set(), {"duplicate"}, {"duplicate"}]
        )
        self.assertEqual([flags(one) for one in by_number[5]], [{"reordered"}])
        self.assertEqual([flags(one) for one in by_number[6]], [set()])
        self.assertEqual([flags(one) for one in by_number[7]], [{"damaged"}])
        self.assertIn("has 40 bytes and not the 64", by_number[7][0]["error"])
        self.assertEqual([flags(one) for one in by_number[8]], [{"damaged"}])
        self.assertIn("in 1 byte, byte 0", by_number[8][0]["error"])
        for number in 9, 10, 11:
            self.assertEqual([flags(one) for one in by_number[number]], [set()])
        self.assertEqual([one["bytes"] for one in events(done, "stray")], [17])
        summary = done.objects[-1]
        expected = {
            "sent": 11, "received": 6, "late": 1, "lost": 1, "damaged": 3, "waiting": 0,
            "duplicated": 2, "reordered": 2, "strays": 1, "ok": False,
        }  # fmt: skip
        self.assertEqual({name: summary[name] for name in expected}, expected)

    def test_over_udp_people_are_told_in_words(self):
        done = self.run_against(self.lie_over_udp, "-c11")
        self.assertEqual(done.status, 1, done)
        for line in (
            r"64 bytes from \S+: seq=1 time=\d\.\d\d s late reordered",
            r"no answer to seq=2 within 2.00 s: lost",
            r"64 bytes from \S+: seq=3 time=\S+ \w+ damaged: it differs .* in 1 byte, byte 20",
            r"64 bytes from \S+: seq=4 time=\S+ \w+ duplicate",
            r"64 bytes from \S+: seq=5 time=\S+ \w+ reordered",
            r"40 bytes from \S+: seq=7 time=\S+ \w+ damaged: it has 40 bytes and not the 64 .*",
            r"17 bytes from \S+: it answers no probe",
        ):
            self.assertRegex(done.output, rf"(?m)^{line}$")
        self.assertRegex(
            done.output,
            r"  11 sent, 6 received in time, 1 lost \(9.1 %\), 1 late, 3 damaged, 2 duplicates, "
            r"2 reordered, 1 that answer no probe, in ",
        )

    def test_over_tcp_damage_is_told_and_the_rest_stays_good(self):
        def lie(number, message):
            return [(0, damaged(message, 30) if number == 2 else message)]

        done = self.run_against(lie, "-c4", "--json", transport="tcp", size=64)
        self.assertEqual(done.status, 1, done)
        self.assertEqual([one["damaged"] for one in events(done, "reply")],
                         [False, True, False, False])  # fmt: skip
        self.assertEqual(done.objects[-1]["received"], 3)

    def test_over_tcp_one_too_late_is_late_and_the_next_still_its_own(self):
        def lie(number, message):
            # What is behind the late one waits for it.
            return [(self.TIMEOUT + 0.2 if number == 1 else 0, message)]

        done = self.run_against(lie, "-c9", "--json", transport="tcp", size=64)
        self.assertEqual(done.status, 0, done)
        replies = events(done, "reply")
        self.assertEqual([one["seq"] for one in replies], list(range(1, 10)))
        self.assertTrue(replies[0]["late"])
        self.assertFalse(replies[-1]["late"])
        self.assertFalse(any(one["damaged"] or one["duplicate"] for one in replies))

    def test_a_connection_that_ends_is_a_failure_with_a_summary(self):
        for last, sentence in (CLOSE, "closed the connection"), (RESET, "the server cut"):
            def lie(number, message, last=last):
                return [(0, message)] if number < 3 else [(0, last)]

            done = self.run_against(lie, "-c5", transport="tcp", size=64)
            self.assertEqual(done.status, 1)
            self.assertIn(sentence, done.errors)
            self.assertRegex(done.errors, r"127.0.0.1 port \d+ \(tcp\)")
            self.assertRegex(done.output, r"  3 sent, 2 received in time, 1 lost \(33.3 %\)")

    def test_a_server_that_frames_otherwise_is_told(self):
        done = self.run_against(
            lambda _, message: [(0, b"\xff\xff\xff\xff")], "-f", "length32", transport="tcp"
        )
        self.assertEqual(done.status, 1)
        self.assertIn("is --framing the server's?", done.errors)

    def test_forged_ntp_is_a_stray(self):
        def lie(number, query):
            answer = bytearray(query)
            answer[0] = 4 << 3 | 4
            answer[24:32] = b"guessed!"
            return [(0, bytes(answer))]

        done = self.run_against(lie, "-p", "ntp", "-c2", "--json")
        self.assertEqual(done.status, 1)
        self.assertEqual((done.objects[-1]["strays"], done.objects[-1]["lost"]), (2, 2))

    def test_a_kiss_of_death_is_told(self):
        def lie(number, query):
            head = struct.pack("!BBbbII4s", 3 << 6 | 4 << 3 | 4, 0, 6, -20, 0, 0, b"RATE")
            return [(0, head + bytes(8) + query[40:48] + query[40:48] + query[40:48])]

        done = self.run_against(lie, "-p", "ntp", "-c1")
        self.assertEqual(done.status, 1)
        self.assertIn("the server was asked too often", done.output)


class OtherServers(Figures):
    def test_xinetd(self):
        with Xinetd():
            self.expect_all_good(ping("tcp", ("127.0.0.1", 7), "-c5", "--json"), 5)
            # Of two datagrams that wait for it, it now and then throws one away.
            for _ in range(3):
                self.expect_all_good(ping("udp", ("127.0.0.1", 7), "-c1", "--json"), 1)

    def test_socat(self):
        # Of UDP each datagram is answered by a process of its own: those of two come in any order.
        for scheme, count, runs in ("udp", 1, 3), ("tcp", 5, 1):
            with Socat(scheme) as server:
                for _ in range(runs):
                    address = "127.0.0.1", server.port
                    done = ping(scheme, address, "-c", count, "--json", "-s1000")
                    self.expect_all_good(done, count)

    def test_chronyd(self):
        with Chronyd() as server:
            address = "127.0.0.1", server.port
            done = ping("udp", address, "-c3", "-p", "ntp", "--json")
            self.expect_all_good(done, 3)


class Addresses(unittest.TestCase):
    def both(self):
        """A command that runs the rest where both.test has an address of each family."""
        files = []
        for text in "::1 both.test\n127.0.0.1 both.test\n", "hosts: files\n":
            file = self.enterContext(tempfile.NamedTemporaryFile("w", prefix="echotimed-names-"))
            file.write(text)
            file.flush()
            files.append(file.name)
        script = f"mount --bind {files[0]} /etc/hosts && mount --bind {files[1]} /etc/nsswitch.conf"
        return ["unshare", "--mount", "sh", "-c", script + ' && exec "$@"', "sh"]

    def test_the_next_address_is_tried_while_none_has_answered(self):
        rows = ("udp", "a", "echo", ""), ("tcp", "a", "echo", "")
        with Daemon(listeners(*rows)) as daemon:
            for scheme in "udp", "tcp":
                port = daemon.address(f"{scheme} a")[1]
                done = ping(scheme, ("both.test", port), "-c3", "--json", prefix=self.both())
                self.assertEqual(done.status, 0, done)
                replies = events(done, "reply")
                self.assertEqual({one["address"] for one in replies}, {f"127.0.0.1:{port}"})
                self.assertEqual([one["seq"] for one in replies], [1, 2, 3])

    def test_a_port_where_nobody_is_is_told(self):
        port = refusing_port()
        done = ping("udp", ("127.0.0.1", port), "-c2")
        self.assertEqual(done.status, 1)
        self.assertRegex(done.output, "no answer to seq=1: lost, Connection refused")
        self.assertIn("2 sent, 0 received in time, 2 lost (100.0 %)", done.output)
        done = ping("tcp", ("127.0.0.1", port), "-c2")
        self.assertEqual((done.status, done.output), (1, ""))
        self.assertIn(f"cannot connect to 127.0.0.1 port {port} (tcp): Connection refused", done.errors)

    def test_a_server_that_goes_and_comes_back(self):
        configuration = listeners(("udp", "a", "echo", ""))
        with Daemon(configuration) as first:
            address = first.address("udp a")
            url = client.url("udp", address)
            with client.Running("ping", "-i", "50ms", "-w", "20s", url) as running:
                wait_until(lambda: "seq=2 " in running.line(), "answers")
                first.stop()
                wait_until(lambda: "Connection refused" in running.line(), "a refusal")
                again = configuration.replace(":0", f":{address[1]}")
                with Daemon(again):
                    wait_until(lambda: "bytes from" in running.line(), "answers again")
                    running.interrupt()
                    done = running.end()
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.output, r"\d+ lost \(")


class Pace(unittest.TestCase):
    def test_the_interval_is_kept_though_answers_are_slow(self):
        with LyingServer(lambda _, message: [(1, message)]) as server:
            began = time.monotonic()
            done = client.run(
                "ping", "-i", "100ms", "-c8", "-w", "20s", "--json", client.url("udp", server.address)
            )
            took = time.monotonic() - began
        self.assertEqual(done.status, 0, done)
        self.assertGreaterEqual(took, 0.7 + 1)
        for one in events(done, "reply"):
            self.assertGreaterEqual(one["round_trip_ns"], 1_000_000_000)
        # One after the other, it would have taken 8 s of waiting alone.
        self.assertLess(done.objects[-1]["seconds"], 7)


if __name__ == "__main__":
    isolate()
    main()
