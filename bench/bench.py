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

CONFIGURATION = """
[tcp raw]
listen = 127.0.0.1:0
framing = raw
[tcp length16]
listen = 127.0.0.1:0
framing = length16
[tcp length32]
listen = 127.0.0.1:0
framing = length32
[daemon]
max_connections = 15000
"""


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


class Server:
    """A server process, and the ports that its log names."""

    def __init__(self, name, command, listeners=1):
        self.name = name
        self.process = subprocess.Popen(pinned(SERVER_CORE, command), stderr=subprocess.PIPE, text=True)
        self.ports = {}
        while len(self.ports) < listeners:
            line = self.process.stderr.readline()
            if not line:
                raise SystemExit(f"{name} ended at the start: {' '.join(command)}")
            found = re.search(r"listening.*address=[\d.]+:(\d+)", line)
            if found:
                listener = re.search(r'listener="tcp (\w+)"', line)
                self.ports[listener.group(1) if listener else "raw"] = found.group(1)

    def port(self, listener):
        return self.ports.get(listener, self.ports["raw"])

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
        self.process.stderr.close()


class Bench:
    def __init__(self, build, rounds, milliseconds):
        self.build, self.rounds, self.milliseconds = build, rounds, milliseconds
        self.wrong = 0
        self.configuration = os.path.join(build, "bench", "echotimed.ini")
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION)

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def daemon(self, name="echotimed", options=()):
        command = [os.path.join(self.build, "echotimed"), "-c", self.configuration]
        for option in options:
            command += ["-o", option]
        return Server(name, command, listeners=3)

    def load(self, server, work):
        """One run; gives its figures, with the server's CPU time for a message."""
        before = server.cpu_seconds()
        command = [self.program("bench_load"), "127.0.0.1", server.port(work.listener), work.mode,
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


def main():
    parser = argparse.ArgumentParser(description="Measure echotimed against minimal servers.")
    parser.add_argument("build", help="build folder of the release preset, with target bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=int, default=400, help="of one run")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    arguments = parser.parse_args()
    if os.cpu_count() < 2:
        raise SystemExit("bench.py: needs two cores, one for the server and one for the load")
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
    if arguments.only in "busy_poll":
        bench.busy_poll()
    if arguments.only in "idle":
        bench.idle_memory(IDLE_CONNECTIONS)
    print(f"\n{time.monotonic() - start:.0f} s, {arguments.rounds} rounds, wrong or missing: {bench.wrong}")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
