"""Messages over TCP: how they are answered, and why a connection ends for what it sends."""

import struct
import threading
import time
import unittest

import support
from support import Daemon, connect, exchange, receive_to_end

LIMIT = 20


def frame(framing, payload):
    if framing == "line":
        return payload + b"\n"
    return struct.pack("!H" if framing == "length16" else "!I", len(payload)) + payload


class Case(unittest.TestCase):
    FRAMINGS = "line", "length16", "length32"

    def start(self, **keys):
        settings = "".join(f"{key} = {value}\n" for key, value in keys.items())
        self.daemon = self.enterContext(
            Daemon(
                "[daemon]\nlog_connections = yes\n"
                + "".join(
                    f"[tcp {framing}]\nlisten = 127.0.0.1:0\nframing = {framing}\n{settings}"
                    for framing in self.FRAMINGS
                )
            )
        )

    def connect(self, framing):
        return self.enterContext(connect(self.daemon.address(f"tcp {framing}")))

    def assert_ends(self, framing, reason, sent, answer):
        """All of the answer comes, then the end, and the log says why."""
        stream = self.connect(framing)
        stream.sendall(sent)
        self.assertEqual(receive_to_end(stream), answer)
        stream.close()
        self.daemon.wait_for_line("closed", listener=f"tcp {framing}", reason=reason)


class Echo(Case):
    def test_a_message_too_large_ends_behind_what_is_due(self):
        self.start(max_message=LIMIT)
        for framing in self.FRAMINGS:
            with self.subTest(framing):
                due = b"".join(frame(framing, p) for p in (b"one", b"", b"x" * LIMIT))
                sent = due + frame(framing, b"y" * (LIMIT + 1)) + frame(framing, b"no more")
                self.assert_ends(framing, "message-too-large", sent, due)

    def test_the_greatest_announced_length_is_too_large(self):
        self.start(max_message=LIMIT)
        for framing, length in ("length16", 2), ("length32", 4):
            with self.subTest(framing):
                self.assert_ends(framing, "message-too-large", b"\xff" * length, b"")

    def test_the_end_inside_a_frame_drops_it(self):
        self.start()
        for framing in "length16", "length32":
            for cut in 1, 5:
                with self.subTest(framing, cut=cut):
                    due = frame(framing, b"whole")
                    stream = self.connect(framing)
                    sent = due + frame(framing, b"cut off")[:cut]
                    self.assertEqual(support.send_and_receive_all(stream, sent), due)
                    stream.close()
            self.daemon.wait_for_line(
                "closed", 2, listener=f"tcp {framing}", reason="truncated-message"
            )

    def test_a_message_that_is_never_complete_ends_though_it_goes_on(self):
        # The deadline that stood before, of idleness, is far away.
        self.start(message_timeout="400ms", idle_timeout="1h")
        for framing in self.FRAMINGS:
            with self.subTest(framing):
                stream = self.connect(framing)
                whole = frame(framing, b"whole")
                self.assertEqual(exchange(stream, whole), whole)
                ended = threading.Event()
                start = time.monotonic()
                trickle = threading.Thread(target=self.trickle, args=(stream, framing, ended))
                trickle.start()
                try:
                    self.assertEqual(receive_to_end(stream), b"")
                finally:
                    ended.set()
                    trickle.join()
                self.assertGreater(time.monotonic() - start, 0.39)
                stream.close()
                self.daemon.wait_for_line(
                    "closed", listener=f"tcp {framing}", reason="message-timeout"
                )

    def trickle(self, stream, framing, ended):
        for byte in frame(framing, b"never to be complete" * 50)[:-1]:
            stream.sendall(bytes([byte]))
            if ended.wait(0.02):
                return


class Time(unittest.TestCase):
    FORMATS = {
        b"rfc3339": rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
        b"rfc3339_local": rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}([+-]\d\d:\d\d|Z)",
        b"unix": rb"\d{10}",
        b"unix_ms": rb"\d{13}",
        b"unix_us": rb"\d{16}",
        b"unix_ns": rb"\d{19}",
        b"http": rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
    }
    ERROR = rb"error: send time\? or time\? FORMAT, FORMAT one of " + b", ".join(FORMATS)

    def test_each_format_and_the_error_line_in_order(self):
        text = "[tcp]\nlisten = 127.0.0.1:0\nservice = time\nframing = line\ntime_format = unix\n"
        with Daemon(text) as daemon, connect(daemon.address("tcp")) as stream:
            queries = [b"time?", *(b"time? " + name for name in self.FORMATS), b"what", b"time?\r"]
            answers = [rb"\d{10}", *self.FORMATS.values(), self.ERROR, rb"\d{10}\r"]
            got = support.send_and_receive_all(stream, b"\n".join(queries) + b"\n")
            self.assertRegex(got, b"^" + b"\n".join(answers) + rb"\n\Z")


if __name__ == "__main__":
    support.isolate()
    support.main()
