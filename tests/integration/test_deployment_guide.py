"""The examples of docs/DEPLOYMENT.md, of README.md and of conf/examples do what is said of them."""

import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import support
from support import (
    Daemon,
    KernelClock,
    Namespace,
    answer_to,
    connect,
    exchange,
    ip,
    run,
    send_and_receive_all,
    udp_socket,
    wait_until,
)
from support.examples import blocks
from support.peers import find
from support.scrape import ask, scrape

SOURCE = os.environ["ETD_SOURCE_DIR"]
BUILT = os.environ["ETD_BINARY_DIR"]
ECHOTIMED = os.environ["ECHOTIMED"]
ECHOTIME = os.environ["ECHOTIME"]
GUIDE = os.path.join(SOURCE, "docs", "DEPLOYMENT.md")
STANDARD_PORTS = os.path.join(SOURCE, "conf", "examples", "standard-ports.ini")
STAMP_SENDER = os.path.join(SOURCE, "tests", "integration", "support", "stamp_scapy.py")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def examples(language, path=GUIDE):
    """The fenced blocks of that language; there must be some."""
    found = [content for name, content in blocks(read(path)) if name == language]
    if not found:
        raise AssertionError(f"{path} has no block of {language}")
    return found


def example(language, word):
    """The one block of the guide in which the word stands."""
    (found,) = [content for content in examples(language) if word in content]
    return found


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


class Case(unittest.TestCase):
    def folder(self):
        return self.enterContext(tempfile.TemporaryDirectory(prefix="echotimed-guide-"))

    def file(self, name, text):
        path = os.path.join(self.folder(), name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_tool(self, name, *arguments, prefix=()):
        done = run([*prefix, find(name), *arguments], environment={"LC_ALL": "C", "TZ": "UTC"})
        self.assertEqual(done.status, 0, f"{name} {arguments}: {done.errors.decode()}")
        return done.output.decode()


class Checked(Case):
    """What a program can check of an example."""

    def check_configuration(self, text):
        done = run([ECHOTIMED, "-t", "-c", self.file("echotimed.ini", text)])
        mistakes = [line for line in done.errors.decode().splitlines()]
        self.assertEqual(mistakes, [], text)

    def test_every_configuration(self):
        for path in GUIDE, os.path.join(SOURCE, "README.md"):
            for text in examples("ini", path):
                with self.subTest(text):
                    self.check_configuration(text)

    def test_every_example_file(self):
        paths = glob.glob(os.path.join(SOURCE, "conf", "examples", "*.ini"))
        self.assertIn(STANDARD_PORTS, paths)
        for path in paths:
            with self.subTest(path):
                done = run([ECHOTIMED, "-t", "-c", path])
                self.assertEqual((done.status, done.errors), (0, b""))

    def test_haproxy(self):
        for text in examples("haproxy"):
            with self.subTest(text):
                self.run_tool("haproxy", "-c", "-f", self.file("haproxy.cfg", text))

    def test_units(self):
        """Each is taken as a unit of its own, or as what it adds to one of ours."""
        for text in examples("systemd"):
            name, part = re.match(r"# /etc/systemd/system/(\S+)\.d/(\S+)\n", text).groups()
            with self.subTest(f"{name}: {part}"):
                folder = self.folder()
                self.add_units(folder)
                if os.path.exists(os.path.join(folder, name)):
                    os.mkdir(os.path.join(folder, name + ".d"))
                    path = os.path.join(folder, name + ".d", part)
                else:
                    path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text.replace("/usr/sbin/echotimed", self.program(folder)))
                self.verify(folder, name.replace("@.", "@1."))

    def program(self, folder):
        """The daemon under a path that a unit can name as it is, whatever the build's folder is called."""
        path = os.path.join(folder, "echotimed")
        if not os.path.lexists(path):
            os.symlink(ECHOTIMED, path)
        return path

    def add_units(self, folder):
        ours = glob.glob(os.path.join(BUILT, "systemd", "*.*"))
        ours += glob.glob(os.path.join(SOURCE, "systemd", "*.socket"))
        self.assertNotEqual(ours, [])
        for path in ours:
            text = re.sub(r"(?m)^(Exec\w+=\S*?)/\S+/echotimed\b", rf"\1{self.program(folder)}", read(path))
            with open(os.path.join(folder, os.path.basename(path)), "w", encoding="utf-8") as file:
                file.write(text)

    def verify(self, folder, name):
        done = run(
            [find("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", name],
            environment={"SYSTEMD_UNIT_PATH": folder + ":"},
        )
        said = (done.output + done.errors).decode()
        about_us = [line for line in said.splitlines() if folder in line or name in line]
        self.assertEqual((done.status, about_us), (0, []))

    def test_links_lead_somewhere(self):
        text = read(GUIDE)
        headings = re.findall(r"^#+ (.*)$", text, re.M)
        anchors = {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings}
        links = re.findall(r"\]\(([^)]+)\)", text)
        self.assertGreater(len(links), 10)
        for link in links:
            if link.startswith("#"):
                self.assertIn(link[1:], anchors)
            else:
                self.assertTrue(os.path.exists(os.path.join(SOURCE, "docs", link)), link)

    def test_keys_and_reasons_exist(self):
        """What the guide names in code style, and looks like a key or a reason, is one."""
        lines = run([os.path.join(BUILT, "docs", "etd_tables"), "names"]).output.decode().split()
        keys = {word.partition(".")[2] for word in lines if "." in word}
        reasons = set(lines)
        text = without_blocks(read(GUIDE))
        for setting in re.findall(r"`(\w+) = [^`]*`", text):
            self.assertIn(setting, keys)
        for reason in re.findall(r"reason `([\w-]+)`", text):
            self.assertIn(reason, reasons)


class Watched(unittest.TestCase):
    def test_metrics_and_their_labels_exist(self):
        text = without_blocks(read(GUIDE))
        with Daemon("[daemon]\nmetrics_listen = 127.0.0.1:0\n[tcp]\n[udp]\n") as daemon:
            now = scrape(daemon.address("metrics"))
        labels = {label for _, pairs in now.values for label in pairs}
        named = set(re.findall(r"\b(?:echotimed|process)_[a-z]\w+", text))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - now.names(), set())
        for pair in re.findall(r"echotimed_\w+\{(\w+)=\"(\w+)\"\}", text):
            self.assertIn(pair, labels)
        table = text[text.index("| watch | it means |") :].split("\n\n")[0]
        reasons = {value for label, value in labels if label == "reason"}
        told = [row for row in table.splitlines() if "by `reason`" in row]
        self.assertEqual(len(told), 3)
        for row in told:
            meaning = row.split(" | ")[1]
            found = re.findall(r"`([a-z-]+)`", meaning)
            self.assertNotEqual(found, [], row)
            self.assertEqual(set(found) - reasons, set())


class StandardPorts(Case):
    """conf/examples/standard-ports.ini as it is, asked by the clients that the guide names."""

    @classmethod
    def setUpClass(cls):
        cls.clock = cls.enterClassContext(KernelClock())
        cls.clock.synchronise(max_error_us=1000)
        cls.daemon = cls.enterClassContext(
            Daemon(arguments=["-c", STANDARD_PORTS], prefix=cls.clock.prefix)
        )

    def test_echo(self):
        for host in "127.0.0.1", "::1":
            with connect((host, 7)) as stream:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            self.assertEqual(answer_to((host, 7), b"hello"), b"hello")
        said = run([find("nc"), "-N", "127.0.0.1", "7"], given=b"hello\n").output
        self.assertEqual(said, b"hello\n")
        said = run([find("nc"), "-u", "-W", "1", "127.0.0.1", "7"], given=b"hello\n").output
        self.assertEqual(said, b"hello\n")

    def test_the_client(self):
        lines = re.findall(r"^echotime (.*?) +# ", read(GUIDE), re.M)
        self.assertEqual([line.split()[0] for line in lines], ["ping", "time", "ping"])
        for line in lines:
            with self.subTest(line):
                done = run([ECHOTIME, *line.replace("HOST", "127.0.0.1").split()])
                self.assertEqual(done.status, 0, done.errors)

    def test_discard(self):
        with connect(("127.0.0.1", 9)) as stream:
            self.assertEqual(send_and_receive_all(stream, b"gone"), b"")

    def test_daytime(self):
        look = r"\A\d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d UTC\r\n\Z"
        self.assertRegex(self.run_tool("nc", "127.0.0.1", "13"), look)
        self.assertRegex(answer_to(("127.0.0.1", 13), b"").decode(), look)

    def test_time_protocol(self):
        for options in ["-p"], ["-p", "-u"]:
            self.assertRegex(self.run_tool("rdate", *options, "127.0.0.1"), r"\d\d:\d\d:\d\d UTC")

    def test_ntp(self):
        self.assertRegex(self.run_tool("rdate", "-pn", "127.0.0.1"), r"\d\d:\d\d:\d\d UTC")
        folder = self.folder()
        directives = ["port 0", "cmdport 0", "bindcmdaddress /", f"pidfile {folder}/pid"]
        command = [find("chronyd"), "-U", "-u", "root", "-t", "10", "-Q"]
        done = run([*command, "server 127.0.0.1 iburst minpoll -6 maxpoll 0", *directives])
        self.assertEqual(done.status, 0, done.errors)
        self.assertIn(b"System clock wrong by", done.output + done.errors)

    def test_stamp(self):
        asked = [{"sequence": 7, "timestamp": 1e9, "ssid": 1, "ttl": 40, "tlvs": []}]
        done = run(
            ["/usr/bin/python3", STAMP_SENDER, "127.0.0.1", "862"], given=json.dumps(asked).encode()
        )
        self.assertEqual(done.status, 0, done.errors)
        (answer,) = json.loads(done.output)
        self.assertEqual((answer["sequence"], answer["synchronised"]), (7, 1))


class HaProxy(Case):
    """The guide's proxy in front of the guide's listener."""

    def start_haproxy(self, text):
        # Without a time of its own a check has that between two: too little on a busy machine.
        text = text.replace("mode tcp\n", "mode tcp\n    timeout check 30s\n")
        path = self.file("haproxy.cfg", text)
        command = ["setpriv", "--pdeathsig", "KILL", find("haproxy"), "-db", "-f", path]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def test_a_drain_is_seen_at_healthz_before_the_last_is_served(self):
        configuration = example("ini", "metrics_listen = 127.0.0.1:9190\n\n[tcp proxied]")
        with Daemon(configuration + "idle_timeout = 1h\nwrite_timeout = 1h\n") as daemon:
            text = example("haproxy", "option httpchk").replace("inter 2s", "inter 500ms rise 1 fall 1")
            self.start_haproxy(text)
            wait_until(self.is_up, "HAProxy has found the daemon healthy")
            # One that has not read its replies keeps the drain from its end, past the proxy.
            with connect(("127.0.0.1", 8081), receive_buffer=4096) as stream:
                stream.sendall(b"PROXY UNKNOWN\r\n")
                support.send_until_stuck(stream)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_line("draining")
                self.assertEqual(ask(("127.0.0.1", 9190), "/healthz").status, 503)
                wait_until(lambda: not self.is_up(), "HAProxy has taken it out")

    def is_up(self):
        """Whether a connection through the proxy is served."""
        try:
            with connect(("127.0.0.1", 7)) as stream:
                return support.is_served(stream)
        except OSError:
            return False

    def test_echo_through_the_proxy_from_the_client_itself(self):
        configuration = "[daemon]\nlog_connections = yes\n" + example("ini", "max_connections_per_s")
        with Daemon(configuration) as daemon:
            self.start_haproxy(example("haproxy", "tcp-check").replace("inter 2s", "inter 500ms"))
            # Before its first check HAProxy takes a server for good: the end of one is waited for.
            daemon.wait_for_line("closed", messages="1", bytes_out="4")
            wait_until(self.is_up, "HAProxy has found the echo good")
            data = os.urandom(300_000)
            with connect(("127.0.0.1", 7)) as stream:
                host, port = stream.getsockname()
                self.assertEqual(send_and_receive_all(stream, data), data)
            closed = daemon.wait_for_line("closed", source=f"{host}:{port}")
            self.assertEqual(closed.pairs["reason"], "end-of-input")
            # Its checks are taken for what they are: no client has done wrong.
            self.assertNotIn("closed_bad-proxy-header", daemon.counters("tcp proxied"))


class Health(Case):
    """`echotime health`, which a balancer runs, against the listeners of the sample file."""

    def status(self, command):
        return run([ECHOTIME, *command.split()[1:]]).status

    def test_it_tells_who_serves_from_who_does_not(self):
        tcp, udp = re.findall(r"`(echotime health [^`]+)`", read(GUIDE))
        tcp = tcp.replace("HOST:PORT", "127.0.0.1:8080")
        udp = udp.replace("HOST:PORT", "127.0.0.1:9000")
        sample = os.path.join(SOURCE, "conf", "echotimed.ini")
        with Daemon(arguments=["-c", sample]):
            self.assertEqual((self.status(tcp), self.status(udp)), (0, 0))
        self.assertEqual((self.status(tcp), self.status(udp)), (1, 1))


class Firewall(Case):
    """The guide's rules between a host that measures and another, on a wire of our own."""

    def setUp(self):
        self.rules = self.file("echotimed.nft", *examples("nft"))

    def test_it_has_no_mistake(self):
        self.run_tool("nft", "-c", "-f", self.rules)

    def test_who_measures_is_answered_and_others_are_not(self):
        with Namespace() as far:
            far.join()
            for address in "192.0.2.7/24", "203.0.113.7/24":
                ip(f"address add {address} dev near")
            for address in "192.0.2.1/24", "203.0.113.1/24":
                far.ip(f"address add {address} dev far")
            self.run_tool("nft", "-f", self.rules, prefix=far.prefix)
            configuration = "".join(
                f"[udp {service}]\nlisten = *:{port}\nservice = {service}\n"
                for service, port in (("echo", 7), ("daytime", 13))
            )
            with Daemon(configuration, prefix=far.prefix):
                for source, asked, is_answered in (
                    ("192.0.2.7", ("192.0.2.1", 7), True),
                    ("203.0.113.7", ("203.0.113.1", 7), False),
                    ("203.0.113.7", ("203.0.113.1", 13), True),
                ):
                    with udp_socket(asked, (source, 0)) as client:
                        client.sendto(b"?", asked)
                        if is_answered:
                            client.recv(100)
                        else:
                            wait_until(lambda: self.dropped(far) == 1, "the rules drop it")
                            client.setblocking(False)
                            with self.assertRaises(BlockingIOError):
                                client.recv(100)

    def dropped(self, far):
        """How many packets the rule for who does not measure has dropped."""
        listed = self.run_tool("nft", "list", "ruleset", prefix=far.prefix)
        return int(re.search(r"udp dport \{ 7, 9, 862 \} counter packets (\d+)", listed)[1])


class DirectRouting(Case):
    """A server behind IPVS: packets for the balancer's address come to it as they are."""

    def test_answers_leave_from_the_balancers_address(self):
        (settings, address) = re.search(
            r"sysctl -w (.*)\nip (address add 192.0.2.10/32 dev lo)", read(GUIDE)
        ).groups()
        with Namespace() as far:
            far.join()
            ip("address add 198.51.100.1/24 dev near")
            far.ip("address add 198.51.100.21/24 dev far")
            self.run_tool("sysctl", "-w", *settings.split(), prefix=far.prefix)
            far.ip(address)
            # What the balancer does: it sends to the server's link what is for the common address.
            ip("route add 192.0.2.10/32 via 198.51.100.21")
            configuration = "[tcp]\nlisten = *:7\n[udp]\nlisten = *:7\nservice = echo\n"
            with Daemon(configuration, prefix=far.prefix):
                self.assertEqual(answer_to(("192.0.2.10", 7), b"hello"), b"hello")
                with connect(("192.0.2.10", 7)) as stream:
                    self.assertEqual(exchange(stream, b"hello"), b"hello")


if __name__ == "__main__":
    support.isolate()
    support.main()
