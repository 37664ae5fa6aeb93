"""Metrics and health over HTTP: that they tell what happened, in the formats that scrapers read."""

import os
import signal
import socket
import time
import unittest

import support
from support import Daemon, KernelClock, answer_to, connect, exchange, udp_socket, wait_until
from support.scrape import OPENMETRICS, Samples, ask, scrape

METRICS = "[daemon]\nmetrics_listen = 127.0.0.1:0\n"
BOTH = METRICS + "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\n"
FORMATS = (None, OPENMETRICS)


class Values(unittest.TestCase):
    def test_tcp_connections_messages_and_bytes(self):
        lines = "[tcp lines]\nlisten = 127.0.0.1:0\nframing = line\n"
        with Daemon(BOTH + lines) as daemon, connect(daemon.address("tcp lines")) as stream:
            exchange(stream, b"one\ntwo\nthree\n")
            connect(daemon.address("tcp lines")).close()
            for accept in FORMATS:
                wait_until(
                    lambda: scrape(daemon.address("metrics")).get(
                        "echotimed_tcp_connections_closed_total",
                        listener="tcp lines",
                        reason="end-of-input",
                    ),
                    "the end of a connection that is counted",
                )
                now = scrape(daemon.address("metrics"), accept)
                for name, value in (
                    ("connections_accepted_total", 2),
                    ("connections_open", 1),
                    ("messages_total", 3),
                    ("received_bytes_total", 14),
                    ("sent_bytes_total", 14),
                ):
                    self.assertEqual(now.get("echotimed_tcp_" + name, listener="tcp lines"), value)
                    self.assertEqual(now.get("echotimed_tcp_" + name, listener="tcp"), 0)
                self.assertEqual(now.get("echotimed_connections_open"), 1)

    def test_udp_datagrams_and_bytes(self):
        with Daemon(BOTH) as daemon, udp_socket(daemon.address("udp")) as client:
            for _ in range(3):
                client.sendto(b"no query", daemon.address("udp"))
            answers = [answer_to(daemon.address("udp"), b"time?") for _ in range(2)]
            for accept in FORMATS:
                now = scrape(daemon.address("metrics"), accept)
                for name, labels, value in (
                    ("datagrams_received_total", {}, 5),
                    ("datagrams_answered_total", {}, 2),
                    ("datagrams_dropped_total", {"reason": "no-answer"}, 3),
                    ("datagrams_dropped_total", {"reason": "rate-limit"}, 0),
                    ("received_bytes_total", {}, 3 * 8 + 2 * 5),
                    ("sent_bytes_total", {}, sum(map(len, answers))),
                ):
                    found = now.get("echotimed_udp_" + name, listener="udp", **labels)
                    self.assertEqual(found, value, (name, labels))

    def test_rejected_by_reason(self):
        with Daemon(BOTH + "[tcp denied]\nlisten = 127.0.0.1:0\ndeny = 0.0.0.0/0\n") as daemon:
            with connect(daemon.address("tcp denied")) as stream:
                self.assertEqual(stream.recv(1), b"")
            now = scrape(daemon.address("metrics"))
            rejected = "echotimed_tcp_connections_rejected_total"
            self.assertEqual(now.get(rejected, listener="tcp denied", reason="denied"), 1)
            self.assertEqual(now.get(rejected, listener="tcp", reason="denied"), 0)

    def test_the_process(self):
        before = time.time()
        with Daemon(BOTH, arguments=["-o", "daemon.max_connections=77"]) as daemon:
            now = scrape(daemon.address("metrics"))
            self.assertEqual(now.get("echotimed_connections_limit"), 77)
            self.assertEqual(now.get("echotimed_buffer_memory_limit_bytes"), 64 << 20)
            self.assertEqual(now.get("echotimed_buffer_memory_in_use_bytes"), 0)
            self.assertEqual(now.get("echotimed_draining"), 0)
            self.assertEqual(now.get("echotimed_reloads_total", result="good"), 0)
            started = now.get("process_start_time_seconds")
            self.assertTrue(before - 1 <= started <= time.time() + 1, started)
            version = support.run([os.environ["ECHOTIMED"], "-V"]).output.decode().split()[1]
            self.assertEqual(now.get("echotimed_build_info", version=version), 1)

    def test_memory_in_use(self):
        frames = "[tcp frames]\nlisten = 127.0.0.1:0\nframing = length16\n"
        with Daemon(BOTH + frames) as daemon, connect(daemon.address("tcp frames")) as stream:
            stream.sendall(b"\xff\xff" + bytes(5000))
            wait_until(
                lambda: scrape(daemon.address("metrics")).get("echotimed_buffer_memory_in_use_bytes")
                >= 5000,
                "a message that waits for its end",
            )

    def test_the_clock(self):
        with KernelClock() as clock, Daemon(BOTH, prefix=clock.prefix) as daemon:
            now = scrape(daemon.address("metrics"))
            self.assertEqual(now.get("echotimed_clock_synchronised"), 0)
            self.assertEqual(now.get("echotimed_clock_error_bound_seconds"), 0)
            clock.synchronise(max_error_us=1250)
            wait_until(
                lambda: scrape(daemon.address("metrics")).get("echotimed_clock_synchronised") == 1,
                "a clock that is synchronised",
            )
            now = scrape(daemon.address("metrics"))
            self.assertEqual(now.get("echotimed_clock_error_bound_seconds"), 0.00125)

    def test_the_log_tells_the_same(self):
        with Daemon(BOTH) as daemon, connect(daemon.address("tcp")) as stream:
            exchange(stream, b"hello")
            connect(daemon.address("tcp")).close()
            answer_to(daemon.address("udp"), b"time?")
            wait_until(
                lambda: "closed_end-of-input" in daemon.counters("tcp"), "a connection that ended"
            )
            now = scrape(daemon.address("metrics"))
            for listener in ("tcp", "udp"):
                logged = daemon.counters(listener)
                self.assertEqual(
                    sorted(logged.values()), sorted(now.of_listener(listener)), logged
                )
            line = [line for line in daemon.log if "accept_pauses" in line.pairs][-1]
            own = [
                value
                for (name, labels), value in now.values.items()
                if not any(label == "listener" for label, _ in labels)
                and name != "echotimed_build_info"
            ]
            # The clock's error may have grown in between.
            logged = {key: float(text) for key, text in line.pairs.items() if key != "clock_error"}
            own.remove(now.get("echotimed_clock_error_bound_seconds"))
            self.assertEqual(sorted(logged.values()), sorted(own))

    def test_every_listener_of_many(self):
        count = 150  # their lines in the log fit into a pipe that nobody has read yet
        many = "".join(
            f"[tcp t{i}]\nlisten = 127.0.0.1:0\n[udp u{i}]\nlisten = 127.0.0.1:0\n"
            for i in range(count)
        )
        with Daemon(METRICS + many) as daemon:
            for accept in FORMATS:
                now = scrape(daemon.address("metrics"), accept)
                for i in range(count):
                    now.get("echotimed_tcp_connections_open", listener=f"tcp t{i}")
                    now.get("echotimed_udp_datagrams_received_total", listener=f"udp u{i}")


class Http(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(BOTH))
        self.address = self.daemon.address("metrics")

    def test_the_format_is_the_one_that_was_asked_for(self):
        plain = ask(self.address)
        self.assertEqual(plain.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertNotIn("# EOF", plain.text)
        self.assertIn("# TYPE echotimed_tcp_messages_total counter\n", plain.text)
        opened = ask(self.address, accept=OPENMETRICS)
        self.assertEqual(
            opened.headers["Content-Type"],
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )
        self.assertTrue(opened.text.endswith("\n# EOF\n"))
        self.assertIn("# TYPE echotimed_tcp_messages counter\n", opened.text)
        self.assertEqual(Samples(plain.text).names(), Samples(opened.text).names())

    def test_health(self):
        for path in ("/healthz", "/healthz?from=balancer"):
            answer = ask(self.address, path)
            self.assertEqual((answer.status, answer.body), (200, b"ok\n"))

    def test_head_has_the_length_and_no_body(self):
        answer = ask(self.address, "/metrics", "HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 1000)
        self.assertEqual(ask(self.address, "/healthz", "HEAD").headers["Content-Length"], "3")

    def test_other_paths_say_which_there_are(self):
        for path in ("/", "/metrics/", "/metric", "/healthz/../metrics", "/%6detrics2", "//"):
            answer = ask(self.address, path)
            self.assertEqual(answer.status, 404, path)
            self.assertIn("/metrics or /healthz", answer.text)

    def test_other_methods_are_not_allowed(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            for path in ("/metrics", "/healthz"):
                answer = ask(self.address, path, method, body=b"x" * 100)
                self.assertEqual(answer.status, 405, method)
                self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_a_connection_is_closed_behind_its_answer(self):
        with connect(self.address) as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = support.receive_to_end(stream)
        self.assertIn(b"Connection: close\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\nok\n"))

    def test_http_1_0(self):
        with connect(self.address) as stream:
            stream.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertTrue(support.receive_to_end(stream).endswith(b"\r\n\r\nok\n"))


class Drain(unittest.TestCase):
    def test_health_says_so_until_the_last_connection_is_closed(self):
        timeouts = "idle_timeout = 1h\nwrite_timeout = 1h\n"
        with Daemon(BOTH + "[tcp a]\nlisten = 127.0.0.1:0\n" + timeouts) as daemon:
            address = daemon.address("metrics")
            with connect(daemon.address("tcp a"), 4096) as stream:
                support.send_until_stuck(stream)
                self.assertEqual(ask(address, "/healthz").status, 200)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_line("draining")
                answer = ask(address, "/healthz")
                self.assertEqual((answer.status, answer.body), (503, b"draining\n"))
                self.assertEqual(scrape(address).get("echotimed_draining"), 1)
            daemon.wait_exit()
            with self.assertRaises(ConnectionRefusedError):
                connect(address)

    def test_a_scraper_that_stays_does_not_keep_the_daemon(self):
        with Daemon(BOTH) as daemon, connect(daemon.address("metrics")) as stream:
            stream.sendall(b"GET /metrics HTTP/1.1\r\n")
            ask(daemon.address("metrics"), "/healthz")
            daemon.stop()


class Listening(unittest.TestCase):
    def test_off_by_default(self):
        with Daemon("[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            listening = [line for line in daemon.log if line.message == "listening"]
            self.assertEqual([line.pairs["listener"] for line in listening], ["tcp"])

    def test_both_families(self):
        with Daemon(BOTH.replace("127.0.0.1:0", "*:0", 1)) as daemon:
            for host, port in daemon.addresses("metrics", count=2):
                host = {"0.0.0.0": "127.0.0.1", "::": "::1"}[host]
                self.assertEqual(ask((host, port), "/healthz").status, 200)

    def test_an_address_in_use_is_named_with_its_section(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            text = BOTH.replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)
            daemon = Daemon(text, exit_status=os.EX_OSERR).run_to_end()
        line = next(line for line in daemon.log if line.message == "cannot listen")
        self.assertEqual(line.pairs["section"], "[daemon]")
        self.assertIn(f"cannot bind to TCP 127.0.0.1:{port}: Address already in use", line.text)

    def test_with_too_few_descriptors_it_says_why_it_does_not_start(self):
        with Daemon(BOTH) as daemon:
            needed = daemon.open_descriptors()
        for limit in (needed - 2, needed - 1, needed):
            daemon = Daemon(
                BOTH,
                prefix=["prlimit", f"--nofile={limit}:{limit}"],
                # Looking for leaks takes descriptors, too.
                environment={"ASAN_OPTIONS": "detect_leaks=0"},
                notify=False,
                exit_status=os.EX_OSERR if limit < needed else 0,
            )
            if limit < needed:
                daemon.run_to_end()
                errors = [line.text for line in daemon.log if line.level == "error"]
                self.assertTrue(any("Too many open files" in text for text in errors), errors)
            else:
                with daemon:
                    daemon.wait_for_line("listening", listener="metrics")

    def test_descriptors_are_kept_for_it(self):
        limit = ["prlimit", "--nofile=200:200"]
        with Daemon(BOTH, prefix=limit) as daemon:
            line = daemon.wait_for_line("the descriptor limit allows fewer")
        with Daemon(BOTH.replace(METRICS, ""), prefix=limit) as daemon:
            without = daemon.wait_for_line("the descriptor limit allows fewer")
        kept = int(without.pairs["possible"]) - int(line.pairs["possible"])
        # A listening socket, an epoll, the connections and one that is about to push another out.
        self.assertEqual(kept, 1 + 1 + 16 + 1)


if __name__ == "__main__":
    support.isolate()
    support.main()
