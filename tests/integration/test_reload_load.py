"""A thousand reloads under TCP and UDP load, a third of them bad: no connection is refused or lost, no
datagram goes unanswered, and at the end there is no descriptor and no memory more than before.

The addresses of the load stay, in whatever section; around them everything changes. ETD_SEED repeats a
run.
"""

import os
import random
import signal
import socket
import threading
import unittest

import support
from support import Daemon, connect, receive_exactly, udp_socket, wait_until
from support.scrape import scrape

# They keep what is freed for a while, and find by themselves what is lost.
SANITIZED = bool(os.environ.get("ETD_SANITIZE"))
RELOADS = 1000
WARM_UP = RELOADS // 4
# Of memory that is resident: pages that pieces happen to fall into. A leak of 100 bytes for each reload
# would be more.
TOLERANCE = 48 * 1024

BAD = (
    "[tcp\n",
    "[daemon]\nmax_connections = 0\n",
    "[daemon]\nmetrics_listen = 127.0.0.2:{taken}\n[tcp]\nlisten = 127.0.0.1:0\n",
    "[tcp]\nlisten = 127.0.0.1:0\nservice = ntp\n",
    "[tcp]\nlisten = 127.0.0.1:0, 127.0.0.2:{taken}\n",
    "[tcp new]\nlisten = 127.0.0.2:0\n[udp]\nlisten = 127.0.0.2:0, 127.0.0.2:{taken_udp}\n",
    "[tcp]\nlisten = 127.0.0.1:0\nreuse_port = yes\n",
    "[tcp]\nlisten = 127.0.0.1:0\ncongestion_control = nonesuch\n",
)


def configuration(chance):
    """Serves the load at the same addresses; all else is up to chance."""

    def maybe(text):
        return text if chance.random() < 0.5 else ""

    def limits():
        return (
            f"idle_timeout = {chance.randint(60, 90)}s\nbacklog = {chance.randint(100, 900)}\n"
            + maybe("max_connections_per_source = 900\n")
            + maybe("congestion_control = reno\n")
            + maybe("deny = 192.0.2.0/24, 2001:db8::/32\n")
            + maybe("max_message = 100KiB\n")
        )

    tcp = chance.choice(["tcp", "tcp other"])
    udp = chance.choice(["udp", "udp other"])
    sections = [
        f"[{tcp}]\nlisten = 127.0.0.1:0\n" + limits(),
        f"[{udp}]\nlisten = 127.0.0.1:0\nservice = echo\nrate_limit = 0\nloop_guard = 0\n"
        + maybe("receive_buffer = 1MiB\n"),
        maybe("[tcp passing]\nlisten = 127.0.0.3:0, 127.0.0.4:0\nframing = line\n"),
        maybe("[udp passing]\nlisten = 127.0.0.3:0\nservice = stamp\nstamp_mode = stateful\n"),
    ]
    chance.shuffle(sections)
    return (
        # Few, so that all pages of the table of sources are soon resident, wherever sources fall.
        f"[daemon]\nmax_connections = {chance.randint(500, 2000)}\n"
        f"buffer_memory = {chance.randint(16, 64)}MiB\n"
        + maybe("busy_poll = 50us\n")
        + chance.choice(["", "metrics_listen = 127.0.0.5:0\n", "metrics_listen = 127.0.0.6:0\n"])
        + "".join(sections)
    )


class Load:
    """Threads that use the daemon in one way each, until they are told to stop or something fails."""

    def __init__(self, tcp, udp):
        self.tcp, self.udp = tcp, udp
        self.stopping = threading.Event()
        self.failures = []
        self.done = {}
        uses = [self.stay, self.stay, self.come_and_go, self.come_and_go, self.ask]
        self.threads = [threading.Thread(target=self.run, args=(use,)) for use in uses]
        for thread in self.threads:
            thread.start()

    def run(self, use):
        try:
            use(random.Random(threading.get_ident()))
        except Exception as failure:  # whatever it is, the test tells it
            self.failures.append(f"{use.__name__}: {failure!r}")

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def exchange(self, stream, chance, size):
        data = chance.randbytes(chance.randint(1, size))
        stream.sendall(data)
        if receive_exactly(stream, len(data)) != data:
            raise AssertionError("other bytes came back")

    def stay(self, chance):
        """A few connections that are there all the time."""
        streams = [connect(self.tcp) for _ in range(10)]
        while not self.stopping.is_set():
            self.exchange(chance.choice(streams), chance, 20_000)
            self.count("messages")
        for stream in streams:
            stream.shutdown(socket.SHUT_WR)
            if stream.recv(1) != b"":
                raise AssertionError("more came than was sent")
            stream.close()

    def come_and_go(self, chance):
        while not self.stopping.is_set():
            with connect(self.tcp) as stream:
                self.exchange(stream, chance, 2000)
            self.count("connections")

    def ask(self, chance):
        with udp_socket(self.udp) as client:
            client.connect(self.udp)
            while not self.stopping.is_set():
                asked = [chance.randbytes(chance.randint(0, 1000)) for _ in range(8)]
                for datagram in asked:
                    client.send(datagram)
                if [client.recv(2000) for _ in asked] != asked:
                    raise AssertionError("other datagrams came back")
                self.count("datagrams")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(support.DEADLINE)
            if thread.is_alive():
                self.failures.append("a client is stuck")


class Reload(unittest.TestCase):
    def reload(self, daemon, text, good):
        before = len(daemon.log)
        daemon.write_configuration(text)
        daemon.signal(signal.SIGHUP)
        message = "reloaded" if good else "reload refused"

        def look():
            return [line for line in daemon.log[before:] if line.message.startswith("reload")]

        line = wait_until(look, message)[0]
        self.assertIn(message, line.message, text)
        if good and "metrics_listen" in text:
            self.scrape(daemon)

    def scrape(self, daemon):
        told = [line for line in daemon.log if line.pairs.get("listener") == "metrics"]
        now = scrape(support.parse_address(told[-1].pairs["address"]))
        self.assertGreater(now.get("echotimed_reloads_total", result="good"), 0)

    def reload_often(self, daemon, chance, count, bad):
        for number in range(count):
            if number % 3 == 2:
                self.reload(daemon, chance.choice(bad), good=False)
            else:
                self.reload(daemon, configuration(chance), good=True)

    def under_load(self, daemon, chance, count, bad):
        load = Load(self.tcp, self.udp)
        try:
            self.reload_often(daemon, chance, count, bad)
        finally:
            load.stop()
        self.assertEqual(load.failures, [])
        print(f"reloads={count}", *(f"{k}={v}" for k, v in load.done.items()), flush=True)
        self.assertGreater(min(load.done.values()), count // 10)

    def rest(self, daemon):
        """The figures of a daemon without a connection, with the least configuration."""
        self.reload(daemon, self.least, good=True)
        wait_until(lambda: "open" not in daemon.counters("tcp"), "no open connection")
        descriptors = []

        def settled():
            descriptors.append(daemon.open_descriptors())
            return len(descriptors) > 5 and len(set(descriptors[-5:])) == 1

        wait_until(settled, "a number of descriptors that stays")
        return descriptors[-1], daemon.resident_bytes()

    def test_a_thousand_reloads_under_load(self):
        seed = int(os.environ.get("ETD_SEED") or random.randrange(1 << 32))
        print(f"ETD_SEED={seed}", flush=True)
        chance = random.Random(seed)
        taken = self.enterContext(socket.create_server(("127.0.0.2", 0)))
        taken_udp = self.enterContext(udp_socket(("127.0.0.2", 0), source=("127.0.0.2", 0)))
        ports = {"taken": taken.getsockname()[1], "taken_udp": taken_udp.getsockname()[1]}
        bad = [text.format(**ports) for text in BAD]
        self.least = "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\nservice = echo\n"
        with Daemon(self.least + "rate_limit = 0\nloop_guard = 0\n") as daemon:
            self.tcp, self.udp = daemon.address("tcp"), daemon.address("udp")
            self.under_load(daemon, chance, WARM_UP, bad)
            descriptors, memory = self.rest(daemon)
            self.reload(daemon, self.least + "rate_limit = 0\nloop_guard = 0\n", good=True)
            self.under_load(daemon, chance, RELOADS - WARM_UP, bad)
            after = self.rest(daemon)
            print(f"descriptors={descriptors} memory={memory} after={after}", flush=True)
            self.assertEqual(after[0], descriptors)
            if not SANITIZED:
                self.assertLess(after[1] - memory, TOLERANCE)


if __name__ == "__main__":
    support.isolate()
    support.main()
