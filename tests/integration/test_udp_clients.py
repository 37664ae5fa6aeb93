"""Clients that others wrote, at the ports that they expect, in a network of our own."""

import json
import os
import re
import subprocess
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone

import support
from support import DEADLINE, Daemon, KernelClock, wait_until
from support.peers import find

HERE = os.path.dirname(os.path.abspath(__file__))
FROM_1900_TO_1970 = 2208988800
HOSTS = ["127.0.0.1", "::1"]
LISTEN = "listen = 127.0.0.1:{0}, [::1]:{0}\n"

ECHO, DAYTIME, TIME_PROTOCOL, NTP, STAMP, TEXT = 7, 13, 37, 123, 862, 9000
CONFIGURATION = "".join(
    f"[{transport} {service}]\nservice = {service}\n{LISTEN.format(port)}"
    for transport, service, port in [
        ("tcp", "daytime", DAYTIME),
        ("tcp", "rfc868", TIME_PROTOCOL),
        ("udp", "echo", ECHO),
        ("udp", "daytime", DAYTIME),
        ("udp", "rfc868", TIME_PROTOCOL),
        ("udp", "ntp", NTP),
        ("udp", "stamp", STAMP),
        ("udp", "time", TEXT),
    ]
)
DAYTIME_TEXT = r"\d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d UTC"


def now():
    return datetime.now(timezone.utc)


class Case(unittest.TestCase):
    """One daemon at the well-known ports, under a kernel's clock that each test sets."""

    @classmethod
    def setUpClass(cls):
        cls.clock = cls.enterClassContext(KernelClock())
        cls.daemon = cls.enterClassContext(Daemon(CONFIGURATION, prefix=cls.clock.prefix))

    def run_client(self, *command, status=0, given=b"", environment=None):
        """Its output and errors together, as text."""
        environment = {"LC_ALL": "C", "TZ": "UTC", **(environment or {})}
        done = support.run(command, given=given, environment=environment)
        said = (done.output + done.errors).decode()
        self.assertEqual(done.status, status, f"{command}: {said}")
        return said

    def synchronise(self):
        self.clock.synchronise(max_error_us=1000)
        self.wait_for_leap(0)

    def lose(self):
        self.clock.lose()
        self.wait_for_leap(3)

    def wait_for_leap(self, leap):
        query = bytes([4 << 3 | 3]) + bytes(47)
        address = ("127.0.0.1", NTP)
        wait_until(lambda: support.answer_to(address, query)[0] >> 6 == leap, f"leap {leap}")

    def assert_now(self, told, before, cut=timedelta(seconds=1)):
        self.assertGreater(told, before - cut)
        self.assertLessEqual(told, now() + timedelta(seconds=0.1))

    def answered(self, listener):
        return self.daemon.counters(listener).get("answered", 0)


class Rdate(Case):
    def check(self, *options):
        before = now()
        said = self.run_client("rdate", "-p", *options)
        told = datetime.strptime(said.strip(), "%a %b %d %H:%M:%S UTC %Y")
        self.assert_now(told.replace(tzinfo=timezone.utc), before)

    def test_time_protocol_over_tcp_and_udp(self):
        for host in HOSTS:
            with self.subTest(host):
                self.check(host)
                self.check("-u", host)
                self.check("-u", "-o", str(TIME_PROTOCOL), host)

    def test_sntp_takes_the_time_of_a_synchronised_clock_alone(self):
        self.synchronise()
        for host in HOSTS:
            self.check("-n", host)
        self.lose()
        said = self.run_client("rdate", "-pn", "127.0.0.1", status=1)
        self.assertIn("alarm flag set", said)


class Chronyd(Case):
    def measure(self, host, status):
        """Has chronyd measure the offset, and nothing else; gives its log."""
        with tempfile.TemporaryDirectory(prefix="echotimed-chrony-") as folder:
            path = os.path.join(folder, "chrony.conf")
            with open(path, "w", encoding="ascii") as file:
                file.write(
                    f"server {host} iburst minpoll -6 maxpoll 0\n"
                    f"port 0\ncmdport 0\nbindcmdaddress /\npidfile {folder}/pid\n"
                )
            # -Q: tell the offset and leave the clock alone.
            options = ["-Q", "-U", "-u", "root", "-t", "10", "-f", path]
            return self.run_client(find("chronyd"), *options, status=status)

    def test_a_synchronised_clock_is_accepted_with_a_small_offset(self):
        self.synchronise()
        for host in HOSTS:
            with self.subTest(host):
                log = self.measure(host, 0)
                offset = re.search(r"System clock wrong by (-?[\d.]+) seconds \(ignored\)", log)
                self.assertIsNotNone(offset, log)
                # It is the same clock; the rest is the path, and a machine under load.
                self.assertLess(abs(float(offset[1])), 0.1)

    def test_a_clock_that_nobody_synchronises_is_rejected(self):
        self.lose()
        before = self.answered("udp ntp")
        self.assertIn("No suitable source", self.measure("127.0.0.1", 1))
        # It was answered, so it is the answers that it did not take.
        self.assertGreater(self.answered("udp ntp"), before + 3)


class Ntpdig(Case):
    def test_offset_and_what_the_answer_says_of_itself(self):
        self.synchronise()
        for host in HOSTS:
            with self.subTest(host):
                told = json.loads(self.run_client("ntpdig", "-j", host).splitlines()[-1])
                self.assertEqual((told["stratum"], told["leap"]), (10, "no-leap"))
                self.assertLess(abs(told["offset"]), 0.1)
        self.lose()
        self.assertIn("stratum 0", self.run_client("ntpdig", "127.0.0.1", status=1))


class Nmap(Case):
    def scan(self, port, scripts):
        """What the scripts say of TCP, where we listen there, and of UDP."""
        ports = f"U:{port}" if port == NTP else f"T:{port},U:{port}"
        kinds = ["-sU"] if port == NTP else ["-sT", "-sU"]
        options = ["-n", "-Pn", *kinds, "-p", ports, "--script", scripts]
        said = self.run_client("nmap", *options, "127.0.0.1")
        for transport in ["udp"] if port == NTP else ["tcp", "udp"]:
            self.assertRegex(said, rf"(?m)^{port}/{transport}\s+open\s")
        return said

    def test_daytime(self):
        found = re.findall(rf"_daytime: ({DAYTIME_TEXT})\\x0D", self.scan(DAYTIME, "daytime"))
        self.assertEqual(len(found), 2)

    def test_time_protocol(self):
        before = now()
        # By its name alone it would run with version detection only.
        said = self.scan(TIME_PROTOCOL, "+rfc868-time")
        found = re.findall(r"_rfc868-time: (\S+)", said)
        self.assertEqual(len(found), 2, said)
        for told in found:
            self.assert_now(datetime.fromisoformat(told).replace(tzinfo=timezone.utc), before)

    def test_ntp(self):
        before = now()
        said = self.scan(NTP, "ntp-info")
        told = re.search(r"receive time stamp: (\S+)", said)
        self.assertIsNotNone(told, said)
        ahead = datetime.fromisoformat(told[1]).replace(tzinfo=timezone.utc) - before
        # The script takes the fraction for sixteen times what it is.
        self.assertGreater(ahead, timedelta(seconds=-1))
        self.assertLess(ahead, timedelta(seconds=60))
        # Its second question is of mode 6, which can amplify: not answered.
        self.assertNotIn("version", said)


class Tools(Case):
    """nc and socat, in either family."""

    def ask_by_nc(self, host, port, text):
        return self.run_client("nc", "-u", "-W", "1", host, str(port), given=text)

    def ask_by_socat(self, host, port, text):
        literal = f"[{host}]" if ":" in host else host
        # Its input stays open until the answer is there; without one it gives up by itself.
        command = ["socat", "-T", str(int(DEADLINE)), "-t", "0", "-", f"UDP:{literal}:{port}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as socat:
            socat.stdin.write(text)
            socat.stdin.flush()
            return socat.stdout.readline().decode()

    def test_echo_daytime_and_time(self):
        before = now()
        for host in HOSTS:
            for port, look in (
                (ECHO, r"time\? unix\n"),
                (DAYTIME, DAYTIME_TEXT + "\r\n"),
                (TEXT, r"\d{10}\n"),
            ):
                for ask in self.ask_by_nc, self.ask_by_socat:
                    with self.subTest(ask=ask.__name__, host=host, port=port):
                        said = ask(host, port, b"time? unix\n")
                        self.assertRegex(said, rf"\A{look}\Z")
                        if port == TEXT:
                            told = datetime.fromtimestamp(int(said), timezone.utc)
                            self.assert_now(told, before)


class ScapyStamp(unittest.TestCase):
    TLVS = [
        {"type": 1, "length": 4, "value": "01020304"},  # Extra Padding
        {"type": 200, "length": 3, "value": "a0b0c0"},  # for private use
    ]

    def converse(self, address, packets):
        done = support.run(
            ["/usr/bin/python3", os.path.join(HERE, "support", "stamp_scapy.py"), *address],
            given=json.dumps(packets).encode(),
        )
        self.assertEqual(done.status, 0, done.errors.decode())
        return json.loads(done.output)

    def packets(self):
        start = int(time.time())
        return [
            {
                "sequence": 1000 + 10 * i,
                "timestamp": start + i + 0.5,
                "ssid": 99,
                "ttl": 30 + i,
                "tlvs": self.TLVS[:i],
            }
            for i in range(3)
        ]

    def check(self, mode, sequences):
        with KernelClock() as clock:
            clock.synchronise(max_error_us=1000)
            configuration = f"[udp]\nlisten = 127.0.0.1:0\nservice = stamp\nstamp_mode = {mode}\n"
            with Daemon(configuration, prefix=clock.prefix) as daemon:
                sent, before = self.packets(), time.time()
                answers = self.converse([str(part) for part in daemon.address("udp")], sent)
        self.assertEqual([answer["sequence"] for answer in answers], sequences)
        for asked, answer in zip(sent, answers, strict=True):
            self.assertEqual(answer["bytes"], 44 + sum(4 + tlv["length"] for tlv in asked["tlvs"]))
            for name in ("sequence", "timestamp", "ttl"):
                self.assertEqual(answer["sender_" + name], asked[name])
            self.assertEqual(answer["ssid"], 99)
            self.assertEqual(answer["sender_multiplier"], 77)
            self.assertEqual(answer["synchronised"], 1)
            self.assertGreater(answer["multiplier"], 0)
            self.assertEqual(answer["zeros"], [0, 0])
            # Scapy gives NTP's seconds, since 1900.
            received = answer["received"] - FROM_1900_TO_1970
            transmitted = answer["transmitted"] - FROM_1900_TO_1970
            self.assertLess(before - 1, received)
            self.assertLessEqual(received, transmitted)
            self.assertLess(transmitted, time.time() + 1)
            self.check_tlvs(asked["tlvs"], answer["tlvs"])

    def check_tlvs(self, asked, answered):
        # U is the most significant bit (RFC 8972 section 4): the unknown one comes back with it.
        expected = [{**tlv, "flags": 0x80 if tlv["type"] == 200 else 0} for tlv in asked]
        self.assertEqual(answered, expected)

    def test_stateless(self):
        self.check("stateless", [1000, 1010, 1020])

    def test_stateful(self):
        self.check("stateful", [0, 1, 2])


if __name__ == "__main__":
    support.isolate()
    support.main()
