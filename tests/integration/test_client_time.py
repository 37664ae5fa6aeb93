"""echotime time: the time of every protocol, against our daemon, against servers that are not ours, and
against one that lies."""

import socket
import struct
import subprocess
import tempfile
import time
import unittest

from support import (
    DEADLINE,
    Daemon,
    KernelClock,
    client,
    free_port,
    isolate,
    main,
    parse_address,
    wait_until,
)
from support.lying_server import CLOSE, RESET, LyingServer
from support.peers import Chronyd, Socat, Xinetd

SERVICES = [
    ("tcp", "time", "text"),
    ("tcp", "daytime", "daytime"),
    ("tcp", "rfc868", "rfc868"),
    ("udp", "time", "text"),
    ("udp", "daytime", "daytime"),
    ("udp", "rfc868", "rfc868"),
    ("udp", "ntp", "ntp"),
]
CONFIGURATION = "".join(
    f"[{transport} {service}]\nservice = {service}\nlisten = 127.0.0.1:0, [::1]:0\n"
    + ("framing = line\n" if (transport, service) == ("tcp", "time") else "")
    for transport, service, _ in SERVICES
)
FROM_1900_TO_1970 = 2208988800
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"
SLACK_NS = 1000000  # the clocks are one; the rest is that both are read


def ntp_answer(query, leap=0, mode=4, stratum=2, refid=b"\x7f\x00\x00\x01", ahead=0.0, origin=None):
    now = struct.pack("!Q", int((time.time() + FROM_1900_TO_1970 + ahead) * 2**32))
    first = leap << 6 | 4 << 3 | mode
    head = struct.pack("!BBbbII4s", first, stratum, 6, -20, 0x100, 0x100, refid)
    return head + now + (query[40:48] if origin is None else origin) + now + now


class OurDaemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.clock = cls.enterClassContext(KernelClock())
        cls.clock.synchronise(max_error_us=1000)
        cls.daemon = cls.enterClassContext(Daemon(CONFIGURATION, prefix=cls.clock.prefix))

    def ask(self, transport, service, protocol, *options, index=0):
        address = self.daemon.addresses(f"{transport} {service}", 2)[index]
        url = client.url(transport, address)
        # Under the same kernel's clock as the daemon.
        return client.run(
            "time", "-p", protocol, *options, url, prefix=self.clock.prefix
        )

    def test_every_protocol_tells_an_offset_that_is_within_its_bound(self):
        for transport, service, protocol in SERVICES:
            for index in range(2):
                with self.subTest(transport=transport, protocol=protocol, index=index):
                    done = self.ask(transport, service, protocol, "--json", index=index)
                    self.assertEqual(done.status, 0, done)
                    told = done.object
                    self.assertTrue(told["ok"])
                    self.assertEqual(told["protocol"], protocol)
                    self.assertRegex(told["time"], f"^{RFC3339}$")
                    bound = told["offset_bound_ns"] + SLACK_NS
                    self.assertLessEqual(abs(told["offset_ns"]), bound, done)
                    self.assertGreater(told["round_trip_ns"], 0)
                    self.assertTrue(told["client_synchronised"])

    def test_the_bound_is_half_the_round_trip_where_the_answer_is_exact(self):
        told = self.ask("udp", "time", "text", "--json").object
        self.assertAlmostEqual(told["offset_bound_ns"], told["round_trip_ns"] / 2, delta=100)

    def test_the_bound_has_a_second_in_it_where_the_answer_is_in_seconds(self):
        for protocol in "daytime", "rfc868":
            told = self.ask("udp", protocol, protocol, "--json").object
            self.assertGreater(told["offset_bound_ns"], 1e9)
            self.assertLess(told["offset_bound_ns"], 1e9 + told["round_trip_ns"])

    def test_ntp_tells_of_the_server_and_adds_its_error_to_the_bound(self):
        told = self.ask("udp", "ntp", "ntp", "--json").object
        self.assertEqual((told["stratum"], told["leap"], told["reference"]), (10, 0, "LOCL"))
        self.assertTrue(told["server_synchronised"])
        self.assertGreaterEqual(told["server_error_ns"], 1000000)
        self.assertGreaterEqual(told["offset_bound_ns"], told["server_error_ns"])

    def test_an_unsynchronised_ntp_server_is_told_in_words(self):
        self.clock.lose()
        try:
            done = wait_until(
                lambda: (done := self.ask("udp", "ntp", "ntp")).status == 1 and done, "it shows"
            )
        finally:
            self.clock.synchronise(max_error_us=1000)
            wait_until(lambda: self.ask("udp", "ntp", "ntp").status == 0, "it recovers")
        self.assertIn("its clock is not synchronised (leap indicator 3)", done.errors)
        self.assertIn("stratum 0, reference INIT", done.output)
        self.assertIn("not synchronised: the offset may well be its own", done.output)

    def test_lines_are_aligned_and_plain_in_a_pipe(self):
        done = self.ask("udp", "ntp", "ntp")
        self.assertEqual(done.status, 0)
        self.assertNotIn("\x1b", done.output)
        lines = done.output.splitlines()
        names = [line[:13].rstrip() for line in lines]
        self.assertEqual(
            names, ["Server", "Time", "Offset", "Round trip", "Its clock", "This clock"]
        )
        for line in lines:
            self.assertEqual(line[12], " ")
            self.assertNotEqual(line[13], " ")
        self.assertRegex(lines[2], r"is [\d.]+ (ns|us|ms) (ahead|behind), give or take [\d.]+ [mu]s$")

    def test_colour_is_for_terminals_and_not_with_no_color(self):
        url = client.url("udp", self.daemon.address("udp time"))
        plain = client.run_in_terminal("time", url, environment={"NO_COLOR": "1"})
        self.assertEqual(plain.status, 0, plain)
        self.assertNotIn("\x1b", plain.output)
        coloured = client.run_in_terminal("time", url)
        self.assertIn("\x1b[1mServer", coloured.output)
        dumb = client.run_in_terminal("time", url, environment={"TERM": "dumb"})
        self.assertNotIn("\x1b", dumb.output)
        self.assertNotIn("\x1b", client.run_in_terminal("time", url, "--json").output)

    def test_quiet_prints_the_time_alone(self):
        for transport, service, protocol in SERVICES:
            done = self.ask(transport, service, protocol, "-q")
            self.assertEqual((done.status, done.errors), (0, ""))
            self.assertRegex(done.output, f"^{RFC3339}\n$")

    def test_json_keys_are_stable(self):
        common = {
            "url", "ok", "address", "protocol", "time", "offset_ns", "offset_bound_ns",
            "round_trip_ns", "client_synchronised",
        }  # fmt: skip
        ntp = {"server_synchronised", "server_error_ns", "stratum", "leap", "reference"}
        for transport, service, protocol in SERVICES:
            told = self.ask(transport, service, protocol, "--json").object
            more = {"ntp": ntp, "daytime": {"text"}}.get(protocol, set())
            self.assertEqual(set(told), common | more, protocol)

    def test_the_text_query_goes_in_every_framing_but_raw(self):
        for framing in "line", "length16", "length32":
            listener = f"[tcp]\nlisten = 127.0.0.1:0\nservice = time\nframing = {framing}\n"
            with Daemon(listener) as daemon:
                done = client.run("time", "-f", framing, client.url("tcp", daemon.address("tcp")))
                self.assertEqual(done.status, 0, done)
        done = client.run("time", "-f", "raw", "tcp://127.0.0.1:9")
        self.assertEqual(done.status, 64)

    def test_a_registered_port_tells_the_protocol(self):
        listeners = "[udp]\nlisten = 127.0.0.1:123\nservice = ntp\n"
        listeners += "[tcp]\nlisten = 127.0.0.1:37\nservice = rfc868\n"
        listeners += "[tcp text]\nlisten = 127.0.0.1:9000\nservice = time\nframing = line\n"
        with Daemon(listeners):
            told = client.run("time", "--json", "udp://127.0.0.1:123").object
            self.assertEqual(told["protocol"], "ntp")
            told = client.run("time", "--json", "tcp://127.0.0.1:37").object
            self.assertEqual(told["protocol"], "rfc868")
            told = client.run("time", "--json", "tcp://127.0.0.1").object
            self.assertEqual((told["protocol"], told["address"]), ("text", "127.0.0.1:9000"))

    def test_source_is_where_the_question_comes_from(self):
        with LyingServer(lambda number, query: [(0, b"5\n")]) as server:
            done = client.run("time", "--source", "127.0.0.5", client.url("udp", server.address))
            self.assertEqual(done.status, 0, done)
            self.assertEqual(server.peers[0][0], "127.0.0.5")
        done = client.run("time", "--source", "192.0.2.77", "udp://127.0.0.1:9")
        self.assertEqual(done.status, 1)
        self.assertIn("is --source an address of this host?", done.errors)
        done = client.run("time", "--source", "::1", "udp://127.0.0.1:9")
        place = "cannot reach 127.0.0.1 port 9 (udp): "
        self.assertIn(f"{place}it has no IPv6 address; leave --source away", done.errors)
        for source in "localhost", "fe80::1%no-such":
            done = client.run("time", "--source", source, "udp://127.0.0.1:9")
            self.assertEqual(done.status, 1)
            self.assertIn(f"{place}--source '{source}' is no numeric address", done.errors)
        for option, family, source in ("-4", "IPv4", "::1"), ("-6", "IPv6", "127.0.0.1"):
            done = client.run("time", option, "--source", source, "udp://127.0.0.1:9")
            self.assertEqual(done.status, 1)
            self.assertIn(f"{place}--source '{source}' is no {family} address; leave it or {option} away",
                          done.errors)  # fmt: skip


class OtherServers(unittest.TestCase):
    def test_xinetd(self):
        with Xinetd():
            for transport in "tcp", "udp":
                for port, protocol in (13, "daytime"), (37, "rfc868"):
                    done = client.run("time", "--json", f"{transport}://127.0.0.1:{port}")
                    self.assertEqual(done.status, 0, done)
                    told = done.object
                    self.assertEqual(told["protocol"], protocol)
                    self.assertLessEqual(
                        abs(told["offset_ns"]), told["offset_bound_ns"] + SLACK_NS, done
                    )

    def test_chronyd(self):
        with Chronyd() as server:
            # It calls its clock good a moment after it serves.
            done = wait_until(
                lambda: (
                    done := client.run("time", "-p", "ntp", "--json", f"udp://127.0.0.1:{server.port}")
                ).status
                == 0
                and done,
                "chronyd gives a time",
            )
        told = done.object
        self.assertEqual((told["stratum"], told["leap"]), (8, 0))
        self.assertLessEqual(abs(told["offset_ns"]), told["offset_bound_ns"] + SLACK_NS)
        self.assertLess(told["offset_bound_ns"], 1e9)

    def test_an_echo_is_not_taken_for_a_time(self):
        with Socat("udp") as server:
            for protocol, sentence in (
                ("text", "is 'time? unix_ns', which is no time in nanoseconds"),
                ("ntp", "has mode 3, and a server's is 4"),
            ):
                url = f"udp://127.0.0.1:{server.port}"
                done = client.run("time", "-p", protocol, "-w", "3s", url)
                self.assertEqual(done.status, 1)
                self.assertIn(sentence, done.errors)
                self.assertIn(f"127.0.0.1 port {server.port} (udp)", done.errors)
                self.assertEqual(done.output, "")


class Liar(unittest.TestCase):
    def ask_ntp(self, lie, *options):
        with LyingServer(lie) as server:
            url = client.url("udp", server.address)
            return client.run("time", "-p", "ntp", "-w", "3s", *options, url)

    def expect_refused(self, lie, sentence):
        done = self.ask_ntp(lie)
        self.assertEqual(done.status, 1, done)
        self.assertIn(sentence, done.errors)

    def test_a_clock_that_is_ahead_is_measured(self):
        done = self.ask_ntp(lambda _, query: [(0.05, ntp_answer(query, ahead=3600))], "--json")
        told = done.object
        self.assertEqual(done.status, 0, done)
        self.assertAlmostEqual(
            told["offset_ns"], 3600e9, delta=told["offset_bound_ns"] + SLACK_NS
        )
        # It answered after 50 ms and told the moment before: all of it is in the bound.
        self.assertGreater(told["offset_bound_ns"], 25000000)

    def test_answers_that_a_good_client_refuses(self):
        self.expect_refused(
            lambda _, query: [(0, ntp_answer(query, origin=bytes(8)))],
            "names another question as its origin: it is late, or forged",
        )
        self.expect_refused(lambda _, query: [(0, ntp_answer(query, mode=5))], "has mode 5")
        self.expect_refused(
            lambda _, query: [(0, ntp_answer(query, stratum=0, refid=b"RATE"))],
            "kiss of death, RATE: the server was asked too often",
        )
        self.expect_refused(
            lambda _, query: [(0, ntp_answer(query, leap=3))], "not synchronised (leap indicator 3)"
        )
        self.expect_refused(
            lambda _, query: [(0, ntp_answer(query, stratum=16))], "not within 1 to 15"
        )
        self.expect_refused(lambda _, query: [(0, query[:20])], "has 20 bytes, and NTP takes 48")

        def slow_by_its_own_words(_, query):
            answer = bytearray(ntp_answer(query))
            answer[32:40] = struct.pack("!Q", int.from_bytes(answer[40:48]) - 2**32)
            return [(0, bytes(answer))]

        self.expect_refused(slow_by_its_own_words, "kept it longer than it took to come")

    def test_a_forged_answer_does_not_keep_the_good_one_out(self):
        done = self.ask_ntp(
            lambda _, query: [
                (0, ntp_answer(query, origin=b"guessed!", ahead=9999)),
                (0, b"not NTP at all"),
                (0.1, ntp_answer(query)),
            ],
            "--json",
        )
        self.assertEqual(done.status, 0, done)
        self.assertLess(abs(done.object["offset_ns"]), 1e9)

    def test_daytime_in_other_words(self):
        for words, told in (
            (b"Thu Jan  1 00:00:07 UTC 1970\r\n", "1970-01-01T00:00:07Z"),
            (b"40587 70-01-01 00:00:07 00 0 0  50.0 UTC(NIST) *\r\n", "2070-01-01T00:00:07Z"),
            (b"Thu Jan  1 00:00:07 1970\r\n", None),
        ):
            with LyingServer(lambda *_: [], "tcp", on_connect=[(0, words), (0, CLOSE)]) as server:
                url = client.url("tcp", server.address)
                done = client.run("time", "-p", "daytime", "--json", url)
                self.assertEqual(done.status, 0, done)
                self.assertEqual(done.object.get("time"), told)
                self.assertEqual(done.object["text"], words.decode().strip())
                self.assertEqual("offset_ns" in done.object, told is not None)
                done = client.run("time", "-p", "daytime", url)
                if told is None:
                    self.assertIn("Offset       unknown, for want of", done.output)

    def test_a_text_that_would_move_the_cursor_is_refused(self):
        words = [(0, b"\x1b[2J22 NOV 2026 13:33:35 UTC\r\n"), (0, CLOSE)]
        with LyingServer(lambda *_: [], "tcp", on_connect=words) as server:
            done = client.run("time", "-p", "daytime", client.url("tcp", server.address))
        self.assertEqual(done.status, 1)
        self.assertNotIn("\x1b", done.output + done.errors)
        self.assertIn("is no text", done.errors)

    def test_a_connection_that_is_cut_or_reset_is_told(self):
        for answers, sentence in (
            ([(0, CLOSE)], "is none: it closed the connection"),
            ([(0, b"\0\0"), (0, CLOSE)], "is cut short: the connection ended in the middle of it"),
            ([(0, RESET)], "the server cut the connection"),
        ):
            with LyingServer(lambda *_: [], "tcp", on_connect=answers) as server:
                done = client.run("time", "-p", "rfc868", client.url("tcp", server.address))
            self.assertEqual(done.status, 1, done)
            self.assertIn(sentence, done.errors)
            self.assertIn(f"127.0.0.1 port {server.address[1]} (tcp)", done.errors)


class Names(unittest.TestCase):
    """Names with addresses of both families, in a hosts file of the test's own."""

    def prefix(self, **files):
        """A command that runs the rest where files of /etc are ours."""
        script = "".join(f"mount --bind {path} /etc/{name} && " for name, path in files.items())
        return ["unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh"]

    def file(self, text):
        file = self.enterContext(tempfile.NamedTemporaryFile("w", prefix="echotimed-names-"))
        file.write(text)
        file.flush()
        return file.name

    def both(self):
        return self.prefix(
            hosts=self.file("::1 both.test\n127.0.0.1 both.test\n"),
            **{"nsswitch.conf": self.file("hosts: files\n")},
        )

    def test_addresses_of_both_families_are_tried_in_turn(self):
        for host, expected in ("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"):
            listeners = f"[tcp]\nlisten = {host}:0\nservice = time\nframing = line\n"
            listeners += f"[udp]\nlisten = {host}:0\nservice = time\n"
            with Daemon(listeners) as daemon:
                for transport in "tcp", "udp":
                    port = daemon.address(transport)[1]
                    url = f"{transport}://both.test:{port}"
                    done = client.run("time", "--json", url, prefix=self.both())
                    self.assertEqual(done.status, 0, done)
                    self.assertEqual(parse_address(done.object["address"]), (expected, port))

    def test_a_silent_address_costs_its_share_of_the_time_alone(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as silent:
            silent.bind(("::1", 0))
            port = silent.getsockname()[1]
            with Daemon(f"[udp]\nlisten = 127.0.0.1:{port}\nservice = time\n"):
                url = f"udp://both.test:{port}"
                done = client.run("time", "--json", "-w", "6s", url, prefix=self.both())
            self.assertEqual(done.status, 0, done)
            self.assertEqual(done.object["address"], f"127.0.0.1:{port}")

    def test_a_family_can_be_asked_for(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0, [::1]:0\nservice = time\n") as daemon:
            for (host, port), option in zip(daemon.addresses("udp", 2), ("-4", "-6")):
                url = f"udp://both.test:{port}"
                done = client.run("time", "--json", option, url, prefix=self.both())
                self.assertEqual(parse_address(done.object["address"]), (host, port), done)
        done = client.run("time", "-6", "udp://127.0.0.1:9")
        self.assertEqual(done.status, 1)
        self.assertIn("127.0.0.1 port 9 (udp): it has no IPv6 address; leave -6 away", done.errors)
        done = client.run("time", "-4", "tcp://[::1]:9")
        self.assertIn("::1 port 9 (tcp): it has no IPv4 address; leave -4 away", done.errors)

    def test_all_that_failed_is_told(self):
        port = free_port()
        done = client.run("time", f"tcp://both.test:{port}", prefix=self.both())
        self.assertEqual(done.status, 1)
        self.assertRegex(
            done.errors,
            rf"no answer from both.test port {port} \(tcp\): Connection refused at ::1, "
            r"Connection refused at 127.0.0.1; nothing listens there",
        )

    def test_an_unknown_name_is_told(self):
        done = client.run("time", "udp://nowhere.test", prefix=self.both())
        self.assertEqual(done.status, 1)
        self.assertIn(
            'no address for nowhere.test port 9000 (udp): cannot resolve "nowhere.test"', done.errors
        )
        self.assertIn("getent ahosts nowhere.test", done.errors)

    def test_a_name_with_very_many_addresses_is_no_failure(self):
        hosts = "".join(f"127.0.0.{number} many.test\n" for number in range(1, 61))
        prefix = self.prefix(
            hosts=self.file(hosts), **{"nsswitch.conf": self.file("hosts: files\n")}
        )
        with Daemon("[udp]\nlisten = *:0\nservice = time\n") as daemon:
            port = daemon.address("udp")[1]
            done = client.run("time", "--json", f"udp://many.test:{port}", prefix=prefix)
        self.assertEqual((done.status, done.errors), (0, ""))

    def test_a_resolver_that_is_silent_is_not_waited_for(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 53))
            prefix = self.prefix(
                **{
                    "nsswitch.conf": self.file("hosts: dns\n"),
                    "resolv.conf": self.file("nameserver 127.0.0.1\noptions timeout:30\n"),
                }
            )
            began = time.monotonic()
            done = client.run("time", "-w", "500ms", "udp://slow.test", prefix=prefix)
            self.assertLess(time.monotonic() - began, 15)
            self.assertEqual(done.status, 1)
            self.assertIn('cannot resolve "slow.test" in time', done.errors)
            self.assertGreater(len(silent.recv(512)), 0)


class Usage(unittest.TestCase):
    def expect(self, sentence, *arguments):
        done = client.run(*arguments)
        self.assertEqual(done.status, 64, done)
        self.assertEqual(done.output, "")
        self.assertIn(sentence, done.errors)
        self.assertRegex(done.errors, r"\Aechotime: .*; see echotime (\w+ )?--help\n\Z")

    def test_wrong_usage_is_64_and_a_sentence(self):
        self.expect("a command is missing")
        self.expect("there is no command 'pong'", "pong")
        self.expect("a command comes first, and -4 behind it", "-4", "time")
        self.expect("a URL is missing", "time")
        self.expect("there is no use for 'udp://b'", "time", "udp://a", "udp://b")
        self.expect("'localhost' begins with neither tcp:// nor udp://", "time", "localhost")
        self.expect("has no port from 1 to 65535", "time", "udp://localhost:0")
        self.expect("time has no option --count", "time", "--count", "3", "udp://a")
        self.expect("time has no option -c", "time", "-c3", "udp://a")
        self.expect("a value is missing behind --timeout", "time", "udp://a", "--timeout")
        self.expect("a value is missing behind -w", "time", "udp://a", "-w")
        self.expect("--timeout 'soon' is not a duration", "time", "-w", "soon", "udp://a")
        self.expect("--timeout '0' is out of its range, 1ms to 1h", "time", "-w0", "udp://a")
        self.expect("--protocol 'ntpd' is none of text, daytime", "time", "-pntpd", "udp://a")
        self.expect("--framing 'xml' is none of raw, line", "time", "-fxml", "tcp://a")
        self.expect("-4 and -6 exclude each other", "time", "-46", "udp://a")
        self.expect("ntp goes over UDP alone", "time", "-p", "ntp", "tcp://a")
        self.expect("--framing is for tcp://", "time", "-f", "line", "udp://a")
        self.expect("--size is for echo", "ping", "-p", "ntp", "-s", "100", "udp://a")
        self.expect("--size 65508 is more than 65507 bytes", "ping", "-s", "65508", "udp://a")
        self.expect("--size 0 leaves nothing to send", "ping", "-s0", "tcp://a")
        self.expect("--size '17MiB' is out of its range", "ping", "-s", "17MiB", "tcp://a")
        self.expect("--size 65536 is more than 65535 bytes, the most that length16 takes",
                    "ping", "-f", "length16", "-s", "65536", "tcp://a")

    def test_help_and_version_are_printed(self):
        version = client.run("--version")
        self.assertRegex(version.output, r"^echotime \d+\.\d+\.\d+\n$")
        for words in (["--help"], ["-h"], ["time", "--help"], ["ping", "-h"]):
            done = client.run(*words)
            self.assertEqual((done.status, done.errors), (0, ""))
            self.assertRegex(done.output, r"\AUsage: echotime ")
            self.assertLess(max(map(len, done.output.splitlines())), 101)
        self.assertEqual(client.run("time", "-V").output, version.output)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                client.command("--help"), stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output cannot be written", done.stderr)


if __name__ == "__main__":
    isolate()
    main()
