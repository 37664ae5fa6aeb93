"""Running commands, and what /proc says of a process."""

import contextlib
import os
import subprocess
from dataclasses import dataclass

from .waiting import DEADLINE


@dataclass
class Result:
    """How a command ended, and what it wrote (bytes)."""

    status: int
    output: bytes
    errors: bytes


def run(command, given=b"", deadline=DEADLINE, environment=None):
    """Runs `command` with `given` on its standard input until it ends; fails after `deadline` seconds.

    The exit status is for the caller to look at. `environment` is added to our own.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command],
            input=given,
            capture_output=True,
            timeout=deadline,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(
            f"{command} did not end within {deadline:g} s; it wrote "
            f"{len(late.output or b'')} bytes and said {late.stderr!r}"
        ) from None
    return Result(done.returncode, done.stdout, done.stderr)


def descriptors(pid):
    """What the process has open, by the descriptor's number."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


def open_descriptors(pid):
    """How many descriptors the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def holds_unix_socket(pid):
    """Whether a descriptor other than the standard ones is a Unix socket."""
    with open(f"/proc/{pid}/net/unix", encoding="ascii", errors="replace") as table:
        sockets = {f"socket:[{fields[6]}]" for fields in map(str.split, table) if len(fields) > 6}
    return any(number > 2 and target in sockets for number, target in descriptors(pid).items())


def serving_sockets(pid="self"):
    """The listening TCP and the bound UDP sockets of a process's network: (transport, port), by the name
    that a descriptor has."""
    found = {}
    for transport, state in ("tcp", "0A"), ("udp", "07"):
        for family in "", "6":
            with open(f"/proc/{pid}/net/{transport}{family}", encoding="ascii") as table:
                for fields in map(str.split, list(table)[1:]):
                    if fields[3] == state:
                        port = int(fields[1].rpartition(":")[2], 16)
                        found[f"socket:[{fields[9]}]"] = transport, port
    return found


def status_fields(pid):
    """What /proc/PID/stat says behind the name, which stands in brackets and may hold spaces: the state
    is the first."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def is_stopped(pid):
    """Whether a SIGSTOP has taken effect."""
    return status_fields(pid)[0] == "T"


def cpu_seconds(pid):
    """CPU time that the process has used so far, in user mode and in the kernel."""
    fields = status_fields(pid)
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid, field):
    """A figure of /proc/PID/status in bytes, such as VmRSS (resident now) or VmHWM (its peak)."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no line {field}")
