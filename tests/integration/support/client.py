"""Runs echotime: to its end, in a pipe, or in a pseudo-terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from . import process
from .daemon import SANITIZER_REPORT
from .waiting import DEADLINE

# What terminals take as colour and style.
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def command(*arguments):
    return [os.environ["ECHOTIME"], *map(str, arguments)]


def url(scheme, address):
    """udp://127.0.0.1:7 from ("127.0.0.1", 7), tcp://[::1]:7 likewise."""
    host, port = address
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Outcome:
    """How a run ended: its status, and its output and errors as text."""

    def __init__(self, status, output, errors=""):
        self.status = status
        self.output = output
        self.errors = errors
        if SANITIZER_REPORT.search(output + errors):
            raise AssertionError(f"a sanitizer found something:\n{output}{errors}")

    @property
    def objects(self):
        """The JSON objects of its output, one a line."""
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def object(self):
        """The only one."""
        (only,) = self.objects
        return only

    def __repr__(self):
        return f"status {self.status}\n{self.output}{self.errors}"


def run(*arguments, prefix=(), environment=None, deadline=DEADLINE):
    """Runs `echotime ARGUMENTS` to its end, output in pipes."""
    done = process.run(
        [*prefix, *command(*arguments)], environment=environment, deadline=deadline
    )
    return Outcome(done.status, done.output.decode(), done.errors.decode())


class Running:
    """One that runs in a pipe: lines can be read as they come, and signals sent."""

    def __init__(self, *arguments, prefix=()):
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *prefix, *command(*arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()

    def line(self):
        """The next line of its output; fails when none comes."""
        if not select.select([self._process.stdout], [], [], DEADLINE)[0]:
            raise AssertionError("no line came")
        line = self._process.stdout.readline().decode()
        self._lines.append(line)
        return line

    def interrupt(self, number=signal.SIGINT):
        self._process.send_signal(number)

    def end(self):
        output, errors = self._process.communicate(timeout=DEADLINE)
        return Outcome(
            self._process.returncode, "".join(self._lines) + output.decode(), errors.decode()
        )


def run_in_terminal(*arguments, width=80, environment=None, keys=None, until=None):
    """Runs it in a pseudo-terminal of `width` columns; output and errors come mixed, as on a screen.

    `keys` (bytes) are typed once `until` (text) has been seen: b"\\x03" is Ctrl-C.
    """
    child, terminal = pty.fork()
    if child == 0:
        settings = {**os.environ, "TERM": "xterm", **(environment or {})}
        for name in ("NO_COLOR", "COLUMNS"):
            if name not in (environment or {}):
                settings.pop(name, None)
        words = command(*arguments)
        # The width is set by the parent before it lets us go on.
        os.read(0, 1)
        os.execve(words[0], words, settings)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    os.write(terminal, b"\n")
    seen, status = b"", None
    end = time.monotonic() + DEADLINE
    try:
        while True:
            if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"it did not end; on the screen:\n{seen.decode()}")
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # EIO: the last of it was closed
                break
            if not piece:
                break
            seen += piece
            if keys is not None and until.encode() in seen:
                os.write(terminal, keys)
                keys = None
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(terminal)
    # The line that let it go was shown, too.
    return Outcome(status, seen.decode().replace("\r\n", "\n").removeprefix("\n"))
