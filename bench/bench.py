#!/usr/bin/env python3
"""Measures the daemon against minimal servers of our own, and prints ratios.

    bench.py [--rounds N] [--milliseconds N] [--only WORD] BUILD_DIR

All servers run for the whole time, pinned to one core; the load is pinned to another. A round loads
each server in turn, in an order that rotates, so that what else the machine does meets all alike. The
figure to judge by is `eff`: the reference's CPU time for a message divided by the server's own, both
from the process's own accounting (/proc/PID/schedstat), the median over the rounds. `rate` is the
ratio of messages a second. `reference 2` is the reference once more: how far it is from 1 is the
noise of the run. Exits with 1 when a byte was wrong or a connection got no answer.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

SERVER_CORE, LOAD_CORE = 0, 1
KIB, MIB = 1024, 1024 * 1024
IDLE_CONNECTIONS = 10_000


@dataclass
class Workload:
    name: str
    mode: str  # of bench_load
    connections: int
    depth: int
    size: int
    listener: str = "raw"  # of the daemon
    goal: float = 0  # least eff; 0: none


WORKLOADS = [
    Workload("64 B ping-pong, 1 connection", "raw", 1, 1, 64),
    Workload("64 B ping-pong, 50 connections", "raw", 50, 1, 64, goal=0.97),
    Workload("64 B ping-pong, 1,000 connections", "raw", 1000, 1, 64, goal=0.97),
    Workload("64 B, 16 pipelined, 50 connections, raw", "raw", 50, 16, 64, goal=0.97),
    Workload("64 B, 16 pipelined, 50 connections, length16", "length16", 50, 16, 64, "length16", 0.97),
    Workload("64 B, 16 pipelined, 50 connections, length32", "length32", 50, 16, 64, "length32", 0.97),
    Workload("16 KiB messages, 1 connection", "raw", 1, 1, 16 * KIB, goal=0.98),
    Workload("16 KiB messages, 50 connections", "raw", 50, 1, 16 * KIB, goal=0.98),
    Workload("1 MiB messages, raw, 1 connection", "raw", 1, 1, MIB, goal=1.8),
    Workload("1 MiB messages, raw, 8 connections", "raw", 8, 1, MIB, goal=1.8),
    Workload("connect, echo, close", "connect", 8, 1, 64, goal=1.0),
]

# Each is compared with the reference that its goal names.
UDP_WORKLOADS = [
    Workload("UDP echo, 16 sockets with 32 under way", "echo", 16, 32, 64, "echo", 1.35),
    Workload("UDP time?, 16 sockets with 32 under way", "time", 16, 32, 5, "time", 1.1),
    Workload("UDP echo, 1 socket, 1 under way, a client that never sleeps", "echo", 1, 1, 64, "echo", 0.92),
    Workload("UDP ntp, 16 sockets with 32 under way", "ntp", 16, 32, 48, "ntp", 1.3),
]
UDP_REFERENCES = {
    "UDP echo": ["single", "echo"],  # one recvfrom and one sendto for each datagram
    "UDP time": ["batch", "time"],  # recvmmsg and sendmmsg, without UDP_SEGMENT
}

UDP_CONFIGURATION = """
[udp echo]
listen = 127.0.0.1:0
service = echo
rate_limit = 10000000
rate_burst = 10000000
loop_guard = 1000000
[udp time]
listen = 127.0.0.1:0
service = time
rate_limit = 10000000
rate_burst = 10000000
loop_guard = 1000000
[udp ntp]
listen = 127.0.0.1:0
service = ntp
rate_limit = 10000000
rate_burst = 10000000
loop_guard = 1000000
"""

CHRONY_CONFIGURATION = """
port {port}
bindaddress 127.0.0.1
allow 127.0.0.1
local stratum 10
cmdport 0
pidfile {folder}/chronyd-{port}.pid
bindcmdaddress /
"""

CONFIGURATION = """
[tcp raw]
listen = 127.0.0.1:0
framing = raw
congestion_control = cubic
[tcp length16]
listen = 127.0.0.1:0
framing = length16
congestion_control = cubic
[tcp length32]
listen = 127.0.0.1:0
framing = length32
congestion_control = cubic
[daemon]
max_connections = 15000
"""


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


class Server:
    """A server process, and the ports that its log names."""

    def __init__(self, name, command, listeners=1, port=None):
        self.name = name
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(pinned(SERVER_CORE, command),
                                        **(quiet if port else {"stderr": subprocess.PIPE}), text=True)
        self.ports = {}
        if port:  # a server that says nothing of it: wait until the port is taken
            self.ports = {"raw": port}
            while not any(line.split()[1].endswith(":%04X" % int(port)) for line in open("/proc/net/udp")):
                time.sleep(0.01)
            return
        while len(self.ports) < listeners:
            line = self.process.stderr.readline()
            if not line:
                raise SystemExit(f"{name} ended at the start: {' '.join(command)}")
            found = re.search(r"listening.*address=[\d.]+:(\d+)", line)
            if found:
                listener = re.search(r'listener="(?:tcp|udp) (\w+)"', line)
                self.ports[listener.group(1) if listener else "raw"] = found.group(1)

    def port(self, listener):
        return self.ports.get(listener) or self.ports["raw"]

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def resident_bytes(self):
        # Exact, where the figure of `statm` may be dozens of pages behind.
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Rss: +(\d+) kB", file.read(), re.MULTILINE).group(1)) * KIB

    def stop(self):
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()


class Bench:
    def __init__(self, build, rounds, milliseconds):
        self.build, self.rounds, self.milliseconds = build, rounds, milliseconds
        self.wrong = 0
        self.configuration = self.write("echotimed.ini", CONFIGURATION)

    def write(self, name, text):
        path = os.path.join(self.build, "bench", name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def daemon(self, name="echotimed", options=()):
        command = [os.path.join(self.build, "echotimed"), "-c", self.configuration]
        for option in options:
            command += ["-o", option]
        return Server(name, command, listeners=3)

    def udp_daemon(self, name="echotimed"):
        configuration = self.write("echotimed-udp.ini", UDP_CONFIGURATION)
        return Server(name, [os.path.join(self.build, "echotimed"), "-c", configuration], listeners=3)

    def chronyd(self):
        """Debian's chronyd as a server alone: -x leaves the clock as it is."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        text = CHRONY_CONFIGURATION.format(port=port, folder=os.path.abspath(os.path.join(self.build, "bench")))
        return Server("chronyd", ["chronyd", "-d", "-x", "-u", "root", "-f", os.path.abspath(self.write("chrony.conf", text))],
                      port=str(port))

    def load(self, server, work):
        """One run; gives its figures, with the server's CPU time for a message."""
        before = server.cpu_seconds()
        program = "bench_load_udp" if work.name.startswith("UDP") else "bench_load"
        command = [self.program(program), "127.0.0.1", server.port(work.listener), work.mode,
                   work.connections, work.depth, work.size, self.milliseconds]
        run = subprocess.run(pinned(LOAD_CORE, map(str, command)), capture_output=True, text=True)
        if not run.stdout:
            raise SystemExit(f"{server.name}, {work.name}: {run.stderr.strip()}")
        figures = json.loads(run.stdout)
        self.wrong += figures["errors"] + figures["silent"]
        messages = max(figures["messages"], 1)
        figures["cpu"] = (server.cpu_seconds() - before) / messages
        figures["rate"] = messages / figures["seconds"]
        return figures

    def measure(self, servers, work):
        runs = {server.name: [] for server in servers}
        for number in range(self.rounds):
            turn = number % len(servers)
            for server in servers[turn:] + servers[:turn]:
                runs[server.name].append(self.load(server, work))
        return runs

    def compare(self, servers, works):
        """Prints a row for each server; the first is the reference."""
        for work in works:
            runs = self.measure(servers, work)
            base = runs[servers[0].name]
            print(f"\n{work.name}" + (f" (goal: eff {work.goal})" if work.goal else ""))
            print(f"  {'':12} {'eff':>6} {'rate':>6} {'us/msg':>9} {'msg/s':>10} {'p50 us':>8} {'p99 us':>8}")
            for server in servers:
                mine = runs[server.name]
                ratio = lambda key, a, b: statistics.median(x[key] / y[key] for x, y in zip(a, b))
                middle = lambda key: statistics.median(run[key] for run in mine)
                print(f"  {server.name:12} {ratio('cpu', base, mine):6.3f} {ratio('rate', mine, base):6.3f}"
                      f" {middle('cpu') * 1e6:9.2f} {middle('rate'):10.0f} {middle('p50_us'):8.1f}"
                      f" {middle('p99_us'):8.1f}", flush=True)

    def udp(self, works):
        for work in works:
            if work.mode == "ntp":
                start = self.chronyd
            else:
                arguments = UDP_REFERENCES[work.name[:8]]
                start = lambda: Server("reference", [self.program("reference_udp"), *arguments])
            servers = [start()]
            try:
                servers += [self.udp_daemon(), start()]
                servers[2].name += " 2"
                self.compare(servers, [work])
            finally:
                for server in servers:
                    server.stop()

    def busy_poll(self):
        work = Workload("busy_poll = 50us, 1 connection, a client that sleeps", "raw", 1, 1, 64)
        servers = [self.daemon("off"), self.daemon("busy_poll", ["daemon.busy_poll=50us"])]
        try:
            self.compare(servers, [work])
        finally:
            for server in servers:
                server.stop()

    def idle_memory(self, connections):
        server = self.daemon()
        try:
            before = server.resident_bytes()
            command = [self.program("bench_load"), "127.0.0.1", server.port("raw"), "idle", connections, 1, 64, 0]
            load = subprocess.Popen(pinned(LOAD_CORE, map(str, command)), stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
            if load.stdout.readline().strip() != "idle":
                raise SystemExit("the idle connections could not be opened")
            each = (server.resident_bytes() - before) / connections
            load.communicate("")
            print(f"\n{connections} idle connections that have echoed once (goal: at most 160 bytes each)")
            print(f"  {each:.0f} bytes resident each", flush=True)
        finally:
            server.stop()


def read_arguments(description):
    """The command line of a benchmark, on a machine that can run one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("build", help="build folder of the release preset, with target bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=int, default=400, help="of one run")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    arguments = parser.parse_args()
    if os.cpu_count() < 2:
        parser.error("needs two cores, one for the server and one for the load")
    return arguments


def main():
    arguments = read_arguments("Measure echotimed against minimal servers.")
    bench = Bench(arguments.build, arguments.rounds, arguments.milliseconds)
    start = time.monotonic()
    servers = [Server("reference", [bench.program("reference_epoll")])]
    try:
        servers += [bench.daemon(), Server("reference 2", [bench.program("reference_epoll")]),
                    Server("libev", [bench.program("reference_libev")])]
        bench.compare(servers, [work for work in WORKLOADS if arguments.only in work.name])
    finally:
        for server in servers:
            server.stop()
    bench.udp([work for work in UDP_WORKLOADS if arguments.only in work.name])
    if arguments.only in "busy_poll":
        bench.busy_poll()
    if arguments.only in "idle":
        bench.idle_memory(IDLE_CONNECTIONS)
    print(f"\n{time.monotonic() - start:.0f} s, {arguments.rounds} rounds, wrong or missing: {bench.wrong}")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
