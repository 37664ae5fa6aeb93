#!/usr/bin/env python3
"""Measures `echotime load` against the benchmark's own minimal load loop, and against other tools.

    bench_client.py [--rounds N] [--milliseconds N] [--only WORD] BUILD_DIR

All of them drive the same server, the raw epoll reference: the server is pinned to one core and the load
to another. Rounds are interleaved, and the order rotates, so that what else the machine does meets all
alike. The figures are medians over the rounds:

    cost    the load's own CPU time for a message, divided by that of the minimal loop (bench/load.c)
    us/msg  that time
    busy    how much of the time the server was kept at work, by its own CPU time
    msg/s   answered messages a second

The goal is a cost of at most 1.3. redis-benchmark (of the package redis-tools) is measured where it is
installed: the echo of its PING is an answer that it takes, of 14 bytes. sockperf is not: its client takes
no answer from a server that is not sockperf's. Exits with 1 when a reply was wrong or missing.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import bench

GOAL = 1.3


@dataclass
class Workload:
    name: str
    connections: int
    depth: int
    size: int
    redis: bool = False  # measure redis-benchmark, too


WORKLOADS = [
    Workload("64 B ping-pong, 1 connection", 1, 1, 64),
    Workload("64 B ping-pong, 50 connections", 50, 1, 64, redis=True),
    Workload("64 B ping-pong, 1,000 connections", 1000, 1, 64),
    Workload("64 B, 16 pipelined, 50 connections", 50, 16, 64, redis=True),
    Workload("16 KiB messages, 50 connections", 50, 1, 16 * bench.KIB),
    Workload("1 MiB messages, 8 connections", 8, 1, bench.MIB),
]


@dataclass
class Run:
    messages: int
    seconds: float
    cpu: float  # seconds, of the load
    busy: float = 0.0

    @property
    def each(self):
        return self.cpu / max(self.messages, 1)


def run_to_end(command):
    """Runs it on the load's core; gives its output and CPU time."""
    child = subprocess.Popen(bench.pinned(bench.LOAD_CORE, map(str, command)), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    output = child.stdout.read()
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    child.stderr.close()
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: status {child.returncode}\n{output}{errors}")
    return output, usage.ru_utime + usage.ru_stime


class Tools:
    """Each gives a run against a port of 127.0.0.1."""

    def __init__(self, build, milliseconds):
        self.build, self.milliseconds = build, milliseconds
        self.pace = {}  # messages a second that were seen, of a tool that takes a number and no time

    def minimal(self, port, work):
        program = os.path.join(self.build, "bench", "bench_load")
        output, cpu = run_to_end([program, "127.0.0.1", port, "raw", work.connections, work.depth, work.size,
                                  self.milliseconds])
        figures = json.loads(output)
        return Run(figures["messages"], figures["seconds"], cpu)

    def echotime(self, port, work):
        program = os.path.join(self.build, "echotime")
        output, cpu = run_to_end([program, "load", "--json", "--connections", work.connections, "--depth",
                                  work.depth, "--size", work.size, "--duration", f"{self.milliseconds}ms",
                                  f"tcp://127.0.0.1:{port}"])
        figures = json.loads(output)
        return Run(figures["right"], figures["seconds"], cpu)

    def redis_benchmark(self, port, work):
        pace = self.pace.get(work.name, 50_000)
        count = max(1000, int(pace * self.milliseconds / 1000))
        start = time.monotonic()
        _, cpu = run_to_end(["redis-benchmark", "-p", port, "-c", work.connections, "-P", work.depth, "-n", count,
                             "-t", "ping_mbulk", "--csv"])
        seconds = time.monotonic() - start
        self.pace[work.name] = count / seconds
        return Run(count, seconds, cpu)


def tools_for(tools, work):
    chosen = {"minimal loop": tools.minimal, "echotime load": tools.echotime}
    if work.redis and shutil.which("redis-benchmark"):
        chosen["redis-benchmark"] = tools.redis_benchmark
    return chosen


def measure(server, tools, work, rounds):
    chosen = list(tools_for(tools, work).items())
    runs = {name: [] for name, _ in chosen}
    for number in range(rounds):
        turn = number % len(chosen)
        for name, tool in chosen[turn:] + chosen[:turn]:
            before = server.cpu_seconds()
            run = tool(server.port("raw"), work)
            run.busy = (server.cpu_seconds() - before) / run.seconds
            runs[name].append(run)
    return runs


def show(work, runs):
    """Prints a row for each tool; gives the cost of echotime."""
    base = runs["minimal loop"]
    costs = {}
    print(f"\n{work.name} (goal: cost {GOAL})")
    print(f"  {'':16} {'cost':>6} {'us/msg':>9} {'busy':>6} {'msg/s':>10}")
    for name, mine in runs.items():
        middle = lambda figure: statistics.median(figure(run) for run in mine)
        costs[name] = statistics.median(a.each / b.each for a, b in zip(mine, base))
        print(f"  {name:16} {costs[name]:6.2f} {middle(lambda r: r.each) * 1e6:9.3f}"
              f" {middle(lambda r: r.busy) * 100:5.0f}% {middle(lambda r: r.messages / r.seconds):10.0f}", flush=True)
    return costs["echotime load"]


def main():
    arguments = bench.read_arguments("Measure echotime load against a minimal load loop.")
    if not shutil.which("redis-benchmark"):
        print("redis-benchmark is not installed, and is left out")
    # echotime takes the host's congestion control: so do the others here.
    os.environ["BENCH_CONGESTION"] = ""
    tools = Tools(arguments.build, arguments.milliseconds)
    server = bench.Server("reference", [os.path.join(arguments.build, "bench", "reference_epoll")])
    missed = []
    try:
        for work in WORKLOADS:
            if arguments.only in work.name:
                cost = show(work, measure(server, tools, work, arguments.rounds))
                if cost > GOAL:
                    missed.append(work.name)
    finally:
        server.stop()
    print("\nwithin the goal" if not missed else f"\nbeyond the goal: {', '.join(missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
