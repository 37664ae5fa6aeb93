"""echotime send: input and replies at once, whatever is slow; and an exit status that tells a lost or cut
connection."""

import contextlib
import fcntl
import json
import os
import random
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

from support import (
    DEADLINE,
    Daemon,
    client,
    isolate,
    main,
    process,
    refusing_port,
    shut_down_by_reset,
    wait_until,
)
from support.lying_server import CLOSE, RESET, LyingServer
from support.peers import Socat, Xinetd

MIB = 1 << 20
PIPE = 1 << 16  # bytes that a pipe holds
CONFIGURATION = "".join(
    f"[tcp {framing}]\nlisten = 127.0.0.1:0\nframing = {framing}\nmax_message = 1MiB\n"
    for framing in ("raw", "line", "length16", "length32")
) + (
    "[tcp discard]\nlisten = 127.0.0.1:0\nservice = discard\n"
    "[tcp time]\nlisten = 127.0.0.1:0\nservice = time\nframing = line\n"
    "[udp echo]\nlisten = 127.0.0.1:0\nservice = echo\nrate_limit = 0\n"
    "[udp time]\nlisten = 127.0.0.1:0\nservice = time\n"
    "[udp discard]\nlisten = 127.0.0.1:0\nservice = discard\n"
)


class Sending:
    """echotime send with pipes of the test's own at both ends, as long as the `with`."""

    def __init__(self, *arguments, stdin=None):
        self._read_end, self.input = os.pipe() if stdin is None else (stdin, None)
        self.output, self._write_end = os.pipe()
        self.ends = [self._read_end, self._write_end]  # what it shares with us
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *client.command("send", *arguments)],
            stdin=self._read_end,
            stdout=self._write_end,
            stderr=subprocess.PIPE,
        )
        if self.input is None:  # the caller's own
            self.ends = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.close("input", "output", "_write_end")
        if self.ends:
            os.close(self._read_end)

    def close(self, *names):
        for name in names:
            if getattr(self, name) is not None:
                os.close(getattr(self, name))
                setattr(self, name, None)

    def write_all(self, data):
        """Writes in a thread, then ends the input. A reader who goes first ends it, too."""
        end, self.input = self.input, None

        def write():
            with contextlib.suppress(BrokenPipeError), os.fdopen(end, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def is_stuck(self):
        """Asleep before a full pipe, with nothing that it could do."""
        waiting = struct.unpack("i", fcntl.ioctl(self._read_end, termios.FIONREAD, bytes(4)))[0]
        before = process.cpu_seconds(self.process.pid)
        state = process.status_fields(self.process.pid)[0]
        return waiting >= PIPE and state == "S" and process.cpu_seconds(self.process.pid) == before

    def read_all(self):
        self.close("_write_end")
        with os.fdopen(self.output, "rb") as output:
            self.output = None
            return output.read()

    def end(self):
        errors = self.process.stderr.read().decode()
        return client.Outcome(self.process.wait(DEADLINE), "", errors)


@contextlib.contextmanager
def conversation(talk):
    """A TCP server for one connection: `talk(stream)` is all that it does with it, then it closes. Gives
    the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)

        def serve():
            stream, _ = server.accept()
            with stream:
                stream.settimeout(DEADLINE)
                talk(stream)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield client.url("tcp", server.getsockname())
        thread.join(DEADLINE)


def read_to_end(stream):
    while stream.recv(65536):
        pass


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon(CONFIGURATION))

    def send(self, given, *arguments, status=0):
        done = process.run(client.command("send", *arguments), given=given)
        outcome = client.Outcome(done.status, "", done.errors.decode())
        self.assertEqual(outcome.status, status, outcome)
        if status == 0 and "--json" not in arguments:
            self.assertEqual(outcome.errors, "")
        return done.output, outcome.errors

    def send_nothing(self, url):
        """Not from a pipe, whose end may come behind the server's."""
        shell = ["sh", "-c", 'exec "$@" </dev/null', "sh"]
        done = process.run([*shell, *client.command("send", url)])
        self.assertEqual((done.status, done.errors), (0, b""))
        return done.output

    def url(self, listener):
        transport = listener.split()[0]
        return client.url(transport, self.daemon.address(listener))


class Messages(Case):
    TEXT = b"one\n\ntwo \xff\x00 bytes\r\n" + b"x" * 60000 + b"\nlast"

    def test_each_framing_gives_the_lines_back(self):
        for framing in ("line", "length16", "length32"):
            with self.subTest(framing=framing):
                url = self.url(f"tcp {framing}")
                whole = self.TEXT + b"\n"
                output, _ = self.send(whole, "--framing", framing, url)
                self.assertEqual(output, whole)
                # A frame has no place to say that an LF was missing.
                output, _ = self.send(self.TEXT, "--framing", framing, url)
                self.assertEqual(output, self.TEXT if framing == "line" else whole)

    def test_raw_gives_the_bytes_back(self):
        data = random.Random(1).randbytes(300_000)
        self.assertEqual(self.send(data, "--framing", "raw", self.url("tcp raw"))[0], data)

    def test_no_input_is_no_message(self):
        for listener in "tcp raw", "tcp line", "tcp length16", "udp echo":
            framing = ["--framing", listener[4:]] if listener.startswith("tcp") else []
            with self.subTest(listener=listener):
                output, errors = self.send(b"", "--json", *framing, self.url(listener))
                self.assertEqual(output, b"")
                told = json.loads(errors)
                self.assertEqual((told["ok"], told["messages"], told["replies"]), (True, 0, 0))

    def test_a_line_is_a_datagram(self):
        text = b"one\n\n" + b"x" * 60000 + b"\nlast"
        self.assertEqual(self.send(text, self.url("udp echo"))[0], text + b"\n")

    def test_the_time_can_be_asked_for(self):
        for listener in "tcp time", "udp time":
            output, _ = self.send(b"time? unix\n", self.url(listener))
            self.assertRegex(output, rb"\A\d{10}\n\Z")

    def test_a_service_that_does_not_answer_over_tcp_is_no_failure(self):
        self.assertEqual(self.send(b"one\ntwo\n", self.url("tcp discard"))[0], b"")

    def test_a_line_that_is_too_long_is_told_with_its_number(self):
        for framing, transport, size in ("length16", "tcp", 65536), ("length32", "tcp", 17 * MIB), \
                (None, "udp", 65528):
            with self.subTest(framing=framing):
                chosen = ["--framing", framing] if framing else []
                url = self.url(f"tcp {framing}" if framing else "udp echo")
                _, errors = self.send(b"ok\n" + b"x" * size + b"\n", *chosen, url, status=1)
                self.assertIn("line 2 of the input has more than the", errors)

    def test_json_counts_on_standard_error(self):
        output, errors = self.send(
            b"one\ntwo\nlast", "--json", "-f", "length16", self.url("tcp length16")
        )
        self.assertEqual(output, b"one\ntwo\nlast\n")
        told = json.loads(errors)
        self.assertEqual(set(told), {"url", "address", "ok", "messages", "bytes_sent", "replies",
                                     "bytes_received"})  # fmt: skip
        self.assertEqual(
            [told[key] for key in ("messages", "bytes_sent", "replies", "bytes_received")],
            [3, 16, 3, 16],
        )


class Flow(Case):
    def test_a_pipe_of_100_mb_with_a_slow_reader_passes_whole_in_little_memory(self):
        data = random.Random(2).randbytes(1000) * 100_000
        with Sending("-f", "raw", self.url("tcp raw")) as sending:
            writer = sending.write_all(data)
            wait_until(sending.is_stuck, "everything on the way is full")
            self.assertTrue(writer.is_alive(), "100 MB went into buffers")
            peak = process.memory_bytes(sending.process.pid, "VmHWM")
            output = sending.read_all()
            self.assertEqual(sending.end().status, 0)
        self.assertEqual(len(output), len(data))
        self.assertTrue(output == data, "the bytes are others")
        if not os.environ.get("ETD_SANITIZE"):
            self.assertLess(peak, 16 * MIB)

    def test_memory_stays_small_while_much_passes(self):
        # The reader takes some each time, so that the peak is read while it runs.
        data = b"0123456789abcde\n" * (64 * MIB // 16)
        for framing in "raw", "line", "length16", "length32":
            with self.subTest(framing=framing):
                with Sending("-f", framing, self.url(f"tcp {framing}")) as sending:
                    sending.write_all(data)
                    sending.close("_write_end")
                    taken, peak = 0, 0
                    while piece := os.read(sending.output, MIB):
                        self.assertEqual(piece, data[taken : taken + len(piece)])
                        taken += len(piece)
                        if taken > len(data) // 2 and peak == 0:
                            peak = process.memory_bytes(sending.process.pid, "VmHWM")
                    self.assertEqual(sending.end().status, 0)
                self.assertEqual(taken, len(data))
                if not os.environ.get("ETD_SANITIZE"):
                    self.assertLess(peak, 16 * MIB)

    def test_files_at_both_ends(self):
        data = random.Random(3).randbytes(8 * MIB)
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
            given.write(data)
            given.seek(0)
            taken.write(b"before ")  # as after >>: what was there stays
            taken.flush()
            done = subprocess.run(
                client.command("send", "-f", "raw", self.url("tcp raw")),
                stdin=given, stdout=taken, timeout=DEADLINE, check=False,
            )  # fmt: skip
            self.assertEqual(done.returncode, 0)
            taken.seek(0)
            self.assertTrue(taken.read() == b"before " + data)

    def test_sockets_at_both_ends(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with subprocess.Popen(
                client.command("send", self.url("tcp line")), stdin=theirs, stdout=theirs
            ) as sending:
                ours.settimeout(DEADLINE)
                ours.sendall(b"hello\n")
                self.assertEqual(ours.recv(100), b"hello\n")
                ours.shutdown(socket.SHUT_WR)
                self.assertEqual(sending.wait(DEADLINE), 0)

    def test_replies_come_while_the_input_is_open(self):
        with Sending(self.url("tcp line")) as sending:
            for word in b"one\n", b"two\n", b"three\n":
                os.write(sending.input, word)
                self.assertEqual(os.read(sending.output, 100), word)

    def test_shared_pipes_stay_blocking(self):
        """Their open file descriptions are the shell's, too."""
        with Sending(self.url("tcp line")) as sending:
            os.write(sending.input, b"one\n")
            self.assertEqual(os.read(sending.output, 100), b"one\n")
            for end in sending.ends:
                self.assertFalse(fcntl.fcntl(end, fcntl.F_GETFL) & os.O_NONBLOCK)
            sending.close("input")
            os.close(sending._read_end)
            sending.ends = []
            self.assertEqual(sending.end().status, 0)

    def test_a_reader_that_has_gone_is_told(self):
        with Sending("-f", "raw", self.url("tcp raw")) as sending:
            sending.close("output", "_write_end")
            sending.write_all(b"x" * MIB)
            outcome = sending.end()
        self.assertEqual(outcome.status, 1)
        self.assertIn("standard output cannot be written: Broken pipe", outcome.errors)

    def test_closed_standard_streams_are_told(self):
        for redirection, name in ("<&-", "input"), (">&-", "output"):
            shell = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
            done = process.run([*shell, *client.command("send", self.url("tcp line"))])
            self.assertEqual(done.status, 1)
            self.assertIn(f"standard {name} is closed".encode(), done.errors)

    def test_in_a_terminal_a_line_is_answered_and_control_d_ends(self):
        done = client.run_in_terminal(
            "send", self.url("tcp line"), keys=b"hello\n\x04", until="\n"
        )
        self.assertEqual(done.status, 0)
        self.assertEqual(done.output.count("hello\n"), 2, done)  # typed, and answered


class Cut(Case):
    """What becomes of the connection decides on the exit status."""

    def test_an_end_inside_a_frame(self):
        for piece in b"\x00", b"\x00\x05", b"\x00\x05hell":

            def talk(stream, replies=b"\x00\x02hi" + piece):
                read_to_end(stream)
                stream.sendall(replies)

            with conversation(talk) as url:
                output, errors = self.send(b"hello\n", "-f", "length16", url, status=1)
            self.assertIn("ended inside reply 2", errors)
            self.assertEqual(output, b"hi\n" + piece[2:])  # what came is not lost

    def test_an_end_inside_a_line(self):
        def talk(stream):
            read_to_end(stream)
            stream.sendall(b"one\ntw")

        with conversation(talk) as url:
            output, errors = self.send(b"hello\n", url, status=1)
        self.assertEqual(output, b"one\ntw")
        self.assertIn("ended inside a line", errors)
        # As it should be, when our own last line has no end, and where nobody speaks of lines.
        for given, framing in (b"hello", "line"), (b"hello\n", "raw"):
            with conversation(talk) as url:
                self.assertEqual(self.send(given, "-f", framing, url)[0], b"one\ntw")

    def test_a_reset(self):
        with LyingServer(lambda number, message: [(0, RESET)], "tcp") as server:
            _, errors = self.send(b"hello\n", client.url("tcp", server.address), status=1)
        self.assertIn("was lost: Connection reset by peer", errors)

    def test_a_reset_is_told_though_the_end_of_the_input_is_seen_first(self):
        for _ in range(5):  # which of them is seen first is chance
            with socket.create_server(("127.0.0.1", 0)) as server:
                with Sending(client.url("tcp", server.getsockname())) as sending:
                    stream, _ = server.accept()
                    os.write(sending.input, b"hello\n")
                    self.assertEqual(stream.recv(100), b"hello\n")
                    sending.process.send_signal(signal.SIGSTOP)
                    wait_until(lambda: process.is_stopped(sending.process.pid), "it stands still")
                    shut_down_by_reset(stream)
                    sending.close("input")
                    sending.process.send_signal(signal.SIGCONT)
                    outcome = sending.end()
            self.assertEqual(outcome.status, 1)
            self.assertIn("was lost: Connection reset by peer", outcome.errors)

    def test_an_end_before_the_input_was_sent(self):
        with LyingServer(lambda number, message: [(0, message), (0.01, CLOSE)], "tcp") as server:
            with Sending("-f", "raw", client.url("tcp", server.address)) as sending:
                os.write(sending.input, b"hello\n")  # and the input stays open
                outcome = sending.end()
                self.assertEqual(os.read(sending.output, 100), b"hello\n")
        self.assertEqual(outcome.status, 1)
        self.assertIn("closed the connection before it had the whole input", outcome.errors)

    def test_an_end_at_once_is_right_where_the_input_is_empty(self):
        """As of a daytime server. Whether the end of the input or the server's is seen first is chance."""
        for _ in range(40):
            with conversation(lambda stream: stream.sendall(b"now\n")) as url:
                self.assertEqual(self.send_nothing(url), b"now\n")

    def test_silence(self):
        done = threading.Event()
        with conversation(lambda stream: done.wait(DEADLINE)) as url:
            _, errors = self.send(b"hello\n", "-w", "200ms", url, status=1)
            done.set()
        self.assertIn("neither answers nor closes", errors)

    def test_a_server_that_takes_nothing(self):
        """More than the buffers on the way hold, so that the input never ends."""
        done = threading.Event()
        with conversation(lambda stream: done.wait(DEADLINE)) as url:
            _, errors = self.send(bytes(20_000_000), "-f", "raw", "-w", "300ms", url, status=1)
            done.set()
        self.assertIn("takes no more of the input", errors)

    def test_a_server_that_takes_it_slowly(self):
        """It reads what the kernel holds for it in steps, each within the time; all together are not."""

        def talk(stream):
            for _ in range(15):
                stream.recv(200_000)
                time.sleep(0.4)
            read_to_end(stream)

        with conversation(talk) as url:
            self.assertEqual(self.send(bytes(20_000_000), "-f", "raw", "-w", "5s", url)[0], b"")

    def test_replies_one_after_the_other_are_all_waited_for(self):
        """Each is within the time; all together are not."""

        def talk(stream):
            read_to_end(stream)
            for _ in range(5):
                time.sleep(1)
                stream.sendall(b"more\n")

        with conversation(talk) as url:
            self.assertEqual(self.send(b"hello\n", "-w", "4s", url)[0], 5 * b"more\n")

    def test_nobody_listens(self):
        for transport in "tcp", "udp":
            port = refusing_port()
            _, errors = self.send(b"hello\n", f"{transport}://127.0.0.1:{port}", status=1)
            self.assertIn(f"127.0.0.1 port {port} ({transport})", errors)
            self.assertIn("Connection refused; nothing listens there", errors)

    def test_datagrams_without_a_reply(self):
        _, errors = self.send(b"a\nb\n", "-w", "200ms", self.url("udp discard"), status=1)
        self.assertIn("2 of 2 datagrams to", errors)
        lie = lambda number, message: [(0, message)] if number == 1 else []
        with LyingServer(lie) as server:
            url = client.url("udp", server.address)
            output, errors = self.send(b"a\nb\n", "-w", "3s", url, status=1)
        self.assertEqual(output, b"a\n")
        self.assertIn("1 of 2 datagrams to", errors)


class Others(Case):
    """Servers that are not ours."""

    DATA = random.Random(4).randbytes(MIB)

    def test_socat(self):
        with Socat("tcp") as socat:
            url = f"tcp://127.0.0.1:{socat.port}"
            self.assertTrue(self.send(self.DATA, "-f", "raw", url)[0] == self.DATA)
            self.assertEqual(self.send(b"a\nb\n", url)[0], b"a\nb\n")

    def test_xinetd(self):
        with Xinetd():
            self.assertEqual(self.send(b"a\nb\n", "tcp://127.0.0.1:7")[0], b"a\nb\n")
            self.assertEqual(self.send(b"one\n", "udp://127.0.0.1:7")[0], b"one\n")
            self.assertRegex(self.send_nothing("tcp://127.0.0.1:13"), rb"\d\d:\d\d:\d\d")


if __name__ == "__main__":
    isolate()
    main()
