"""The daemon under test, as a context manager."""

import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from fcntl import F_SETPIPE_SZ, fcntl

from . import process
from .network import parse_address
from .waiting import DEADLINE, wait_until

# What the sanitizers write when they find something.
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer"
)

PAIR = re.compile(r'(?:^|\s)([a-z][a-z0-9_-]*)=("(?:[^"\\]|\\.)*"|.*?)(?=\s[a-z][a-z0-9_-]*=|$)')
# What the collecting thread may be asked to do with the log.
PAUSE, RESUME, CLOSE, FINISH = b"p", b"r", b"c", b"f"

HEAD = re.compile(
    r"^(?:<\d>)?(?:\d{4}-\d\d-\d\dT\S+\s+)?(?:(error|warning|notice|info|debug):?\s+)?"
)


@dataclass
class LogLine:
    """One line of the log, taken apart: `time level message key=value ...`."""

    text: str
    level: str = ""
    message: str = ""
    pairs: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, text):
        head = HEAD.match(text)
        rest = text[head.end() :]
        first = PAIR.search(rest)
        message = rest[: first.start()] if first else rest
        pairs = {name: value.strip('"') for name, value in PAIR.findall(rest)}
        return cls(text, head.group(1) or "", message.strip(), pairs)


class Daemon:
    """The real binary with a configuration of the test's own.

        with Daemon("[tcp]\\nlisten = 127.0.0.1:0\\n") as daemon:
            connect(daemon.address("tcp"))

    Entering waits until the daemon says that it is ready, the way a service manager does. Leaving
    stops it by SIGTERM, unless the test has ended it, and fails unless it exits with 0; either way
    the process is gone afterwards, and a sanitizer's report in its log fails the test.
    """

    # Those that the present test has started; the runner shows their logs when it fails.
    started = []

    def __init__(
        self,
        configuration=None,
        *,
        arguments=(),
        prefix=(),
        environment=None,
        notify=True,
        log_pipe_size=None,
        exit_status=0,
    ):
        """`configuration`: the text of a file to pass with -c; None passes none.

        `arguments` follow it. `prefix`: a command that runs the daemon in its own place, by exec.
        `environment` is added to our own. `notify` false: no NOTIFY_SOCKET, as on a terminal; the
        first line `listening` then counts for ready. `log_pipe_size`: bytes that the pipe behind
        standard error holds. `exit_status`: what the exit must be.
        """
        self.configuration = configuration
        self.exit_status = exit_status
        self.command = []
        self._arguments = list(arguments)
        self._prefix = list(prefix)
        self._environment = environment or {}
        self._notify = notify
        self._log_pipe_size = log_pipe_size
        self._process = None
        self._changed = threading.Condition()
        self._lines = []
        self._notices = []
        self._partial = b""
        self._log_state = RESUME
        self._log_ended = False
        self._obeyed = threading.Semaphore(0)

    # ---- start and end

    def __enter__(self):
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self._reap()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                if self.running:
                    self.signal(signal.SIGTERM)
                self.wait_exit()
        finally:
            self._reap()
        if kind is None:
            self.check_sanitizers()

    def start(self):
        """Starts the process and returns at once. Use `with` unless the start itself is the test."""
        program = os.environ["ECHOTIMED"]
        self._folder = tempfile.mkdtemp(prefix="echotimed-")
        # A daemon that gives up root must still reach what is in here.
        os.chmod(self._folder, 0o755)
        # Whatever ends this test, a kill by its own time-out too, ends the daemon.
        pdeathsig = ["setpriv", "--pdeathsig", "KILL"]
        self.command = [*pdeathsig, *self._prefix, program]
        if self.configuration is not None:
            self.write_configuration(self.configuration)
            self.command += ["-c", self.configuration_path]
        self.command += self._arguments
        environment = {**os.environ, **self._environment}
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM", "LISTEN_FDS"):
            if name not in self._environment:
                environment.pop(name, None)
        self._notify_socket = None
        if self._notify:
            self._notify_socket = self._open_notify_socket()
            environment["NOTIFY_SOCKET"] = self._notify_socket.getsockname()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        Daemon.started.append(self)
        if self._log_pipe_size is not None:
            fcntl(self._process.stderr, F_SETPIPE_SZ, self._log_pipe_size)
        self._wake, self._waker = socket.socketpair()
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()

    def _open_notify_socket(self):
        path = os.path.join(self._folder, "notify")
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notices.bind(path)
        os.chmod(path, 0o666)
        notices.setblocking(False)
        return notices

    def run_to_end(self):
        """For a daemon that is to refuse to start: runs it until it ends as `exit_status` says."""
        self.start()
        try:
            self.wait_exit()
        finally:
            self._reap()
        self.check_sanitizers()
        return self

    def wait_ready(self):
        if self._notify:
            self.wait_for_notice("READY=1")
            # The socket that told it is open a moment longer, and would be counted as the daemon's.
            wait_until(
                lambda: not self.running or not process.holds_unix_socket(self.pid),
                "the socket of the notice closed",
            )
        else:
            self.wait_for_line("listening")

    def signal(self, number):
        self._process.send_signal(number)

    def wait_exit(self, deadline=DEADLINE):
        """Waits until the process ends, and fails unless its status is the `exit_status` given."""
        try:
            status = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon did not end within {deadline:g} s") from None
        self._finish_log()
        if status != self.exit_status:
            raise AssertionError(
                f"the daemon ended with status {status}, not {self.exit_status}:\n{self.log_text()}"
            )

    def stop(self):
        """SIGTERM, and the exit as `wait_exit` wants it."""
        self.signal(signal.SIGTERM)
        self.wait_exit()

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def _reap(self):
        if self.running:
            self._process.kill()
        self._process.wait()
        self._finish_log()
        self._waker.close()
        self._wake.close()
        self._process.stderr.close()
        if self._notify_socket is not None:
            self._notify_socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def check_sanitizers(self):
        """Fails when a sanitizer's report stands in the log."""
        if SANITIZER_REPORT.search(self.log_text()):
            raise AssertionError(f"a sanitizer found something:\n{self.log_text()}")

    # ---- configuration

    @property
    def configuration_path(self):
        return os.path.join(self._folder, "echotimed.ini")

    def write_configuration(self, text):
        """Replaces the configuration file; a SIGHUP makes the daemon read it."""
        with open(self.configuration_path, "w", encoding="utf-8") as file:
            file.write(text)

    # ---- the log and the notices

    def _collect(self):
        """Takes in the log and the notices, so that neither pipe nor socket fills up."""
        log = self._process.stderr
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.register(log, selectors.EVENT_READ)
            if self._notify_socket is not None:
                selector.register(self._notify_socket, selectors.EVENT_READ)
            while not self._log_ended:
                for key, _ in selector.select():
                    if key.fileobj is self._wake:
                        self._obey(self._wake.recv(1), selector)
                    elif key.fileobj is log:
                        text = os.read(log.fileno(), 65536)
                        if not text:
                            self._take_notice()  # what it told before its end
                        self._take_log(text)
                    else:
                        self._take_notice()
            self._take_notice()

    def _obey(self, order, selector):
        """Does in the collecting thread what `_order` asked of it."""
        log = self._process.stderr
        if order == PAUSE:
            selector.unregister(log)
        elif order == RESUME:
            selector.register(log, selectors.EVENT_READ)
        elif order == CLOSE:
            selector.unregister(log)
            log.close()
        elif order == FINISH:
            self._log_ended = True
        self._obeyed.release()

    def _order(self, order):
        """Has the collecting thread do something with the log, and waits until it did."""
        self._log_state = order
        self._waker.send(order)
        if not self._obeyed.acquire(timeout=DEADLINE):
            raise AssertionError("the thread that collects the log is stuck")

    def _finish_log(self):
        """The process is gone: takes in what is left of its log, and ends the thread."""
        if self._log_state == PAUSE:
            self._order(RESUME)
        elif self._log_state == CLOSE:
            self._order(FINISH)
        self._collector.join(DEADLINE)

    def _take_log(self, data):
        *lines, self._partial = (self._partial + data).split(b"\n")
        if not data and self._partial:
            lines.append(self._partial)
        with self._changed:
            self._lines += [LogLine.parse(line.decode("utf-8", "replace")) for line in lines]
            self._log_ended = not data
            self._changed.notify_all()

    def _take_notice(self):
        while self._notify_socket is not None:
            try:
                data = self._notify_socket.recv(65536)
            except BlockingIOError:
                return
            with self._changed:
                self._notices += data.decode("utf-8", "replace").splitlines()
                self._changed.notify_all()

    def pause_log(self):
        """Stops reading the log, so that the pipe fills up."""
        self._order(PAUSE)

    def resume_log(self):
        self._order(RESUME)

    def close_log(self):
        """Closes our end of the pipe, as a reader does that has died."""
        self._order(CLOSE)

    @property
    def log(self):
        """The lines so far."""
        with self._changed:
            return list(self._lines)

    def log_text(self):
        return "".join(line.text + "\n" for line in self.log)

    @property
    def notices(self):
        """What the service manager was told so far, such as "READY=1", in order."""
        with self._changed:
            return list(self._notices)

    def _wait_for(self, look, what):
        with self._changed:
            found = []

            def ready():
                found[:] = [look()]
                return found[0] or self._log_ended

            self._changed.wait_for(ready, DEADLINE)
            if found[0]:
                return found[0]
        why = "the daemon ended" if self._log_ended else f"waited for {DEADLINE:g} s"
        raise AssertionError(f"{what}: {why}\n{self.log_text()}")

    def wait_for_line(self, message, count=1, **pairs):
        """Waits for `count` lines with this message and these pairs; returns the last of them.

        `message` must occur in the line's message, each of `pairs` as it is.
        """

        def look():
            found = [
                line
                for line in self._lines
                if message in line.message and pairs.items() <= line.pairs.items()
            ]
            return found[count - 1] if len(found) >= count else None

        return self._wait_for(look, f"{count} log lines '{message}' {pairs or ''}")

    def wait_for_notice(self, text, count=1):
        """Waits until the service manager was told `text`, such as "STOPPING=1", `count` times."""

        def look():
            return sum(notice == text for notice in self._notices) >= count

        self._wait_for(look, f"{count} notices {text}")

    def counters(self, listener):
        """The counters of a listener, {"accepted": 3, ...}, as a SIGUSR1 writes them to the log.

        A counter that is 0 is left out there, so ask with get(NAME, 0).
        """
        before = sum(line.pairs.get("listener") == listener for line in self._counter_lines())
        ended = self._told_in_full()
        self.signal(signal.SIGUSR1)
        line = self.wait_for_line("counters", count=before + 1, listener=listener)
        # To the end of all, or the next call takes what is still to come for its own.
        self._wait_for(lambda: self._told_in_full() > ended, "the end of the counters")
        return {name: int(text) for name, text in line.pairs.items() if text.isdigit()}

    def _told_in_full(self):
        """How often all counters were told: those of the process come last."""
        return sum("start_time" in line.pairs for line in self._counter_lines())

    def _counter_lines(self):
        return [line for line in self.log if line.message == "counters"]

    # ---- addresses

    def addresses(self, listener="tcp", count=1):
        """The real addresses (host, port) of a listener, named as its section is, at least `count`."""

        def look():
            found = [
                parse_address(line.pairs["address"])
                for line in self._lines
                if line.message == "listening" and line.pairs["listener"] == listener
            ]
            return found if len(found) >= count else None

        return self._wait_for(look, f"{count} addresses of the listener [{listener}]")

    def address(self, listener="tcp"):
        """The first of `addresses`."""
        return self.addresses(listener)[0]

    # ---- figures

    @property
    def pid(self):
        return self._process.pid

    def open_descriptors(self):
        return process.open_descriptors(self.pid)

    def cpu_seconds(self):
        """CPU time used so far."""
        return process.cpu_seconds(self.pid)

    def resident_bytes(self):
        """Memory resident now."""
        return process.memory_bytes(self.pid, "VmRSS")

    def peak_resident_bytes(self):
        """The most memory that was ever resident."""
        return process.memory_bytes(self.pid, "VmHWM")

    def wait_for_descriptors(self, count):
        """Waits until no more than `count` descriptors are open: closed connections are forgotten.

        One more pipe than before may be there: a stream in bulk leaves one open for the next.
        """

        def is_down():
            found = process.descriptors(self.pid)
            ends = sum(n > 2 and target.startswith("pipe:") for n, target in found.items())
            return len(found) - ends <= count and ends <= 2

        wait_until(is_down, f"no more than {count} open descriptors, and one pipe")
