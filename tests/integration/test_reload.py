"""HUP: another configuration takes the place of the one in force, all of it or nothing."""

import os
import signal
import socket
import struct
import tempfile
import unittest

import support
from support import (
    answer_to,
    connect,
    exchange,
    is_served,
    receive_to_end,
    run,
    send_until_stuck,
    udp_socket,
    wait_until,
)
from support.reloading import ReloadingDaemon

BOTH = "[tcp]\nlisten = 127.0.0.1:0\n[udp]\nlisten = 127.0.0.1:0\n"


def ask_length16(stream, text):
    return exchange(stream, struct.pack("!H", len(text)) + text)[2:]


def told_listeners(daemon):
    """The listeners of which the log tells when it is asked for the counters."""
    before = len(daemon.log)
    daemon.signal(signal.SIGUSR1)

    def look():
        lines = daemon.log[before:]
        return lines if lines and "accept_pauses" in lines[-1].pairs else None

    lines = wait_until(look, "all counters in the log")
    return [line.pairs["listener"] for line in lines if "listener" in line.pairs]


class WhatStays(unittest.TestCase):
    def test_the_same_file_changes_nothing(self):
        with ReloadingDaemon(BOTH) as daemon:
            before = daemon.sockets()
            daemon.reload_again()
            daemon.wait_for_sockets(before)
            self.assertEqual(len([l for l in daemon.log if l.message == "listening"]), 2)
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            self.assertTrue(answer_to(daemon.address("udp"), b"time?"))

    def test_address_that_stays_keeps_its_socket_under_other_settings(self):
        with ReloadingDaemon(BOTH) as daemon:
            before = daemon.sockets()
            daemon.reload(
                "[tcp]\nlisten = 127.0.0.1:0\nframing = line\nservice = time\nbacklog = 7\n"
                "congestion_control = reno\ntime_format = unix\n"
                "[udp]\nlisten = 127.0.0.1:0\nservice = echo\nreceive_buffer = 64KiB\n"
            )
            daemon.wait_for_sockets(before)
            with connect(daemon.address("tcp")) as stream:
                stream.sendall(b"time?\n")
                self.assertRegex(stream.recv(100), rb"\A\d{10}\n\Z")
            self.assertEqual(answer_to(daemon.address("udp"), b"echoed now"), b"echoed now")
            table = run(["ss", "-ltnH", f"sport = :{daemon.address('tcp')[1]}"]).output.split()
            self.assertEqual(table[2], b"7", "the backlog")

    def test_address_that_moves_to_another_section_keeps_its_socket(self):
        with ReloadingDaemon("[tcp a]\nlisten = 127.0.0.1:0\n") as daemon:
            address, before = daemon.address("tcp a"), daemon.sockets()
            daemon.reload("[tcp b]\nlisten = 127.0.0.1:0\nframing = length16\n")
            daemon.wait_for_sockets(before)
            self.assertEqual(daemon.address("tcp b"), address)
            with connect(address) as stream:
                self.assertEqual(ask_length16(stream, b"hello"), b"hello")

    def test_sections_that_change_places_keep_each_its_socket(self):
        one, two = "[tcp one]\nlisten = 127.0.0.1:0\n", "[tcp two]\nlisten = 127.0.0.1:0\n"
        with ReloadingDaemon(one + two) as daemon:
            addresses = [daemon.address("tcp one"), daemon.address("tcp two")]
            daemon.reload(two + one + "framing = length16\n")
            with connect(addresses[0]) as stream:
                self.assertEqual(ask_length16(stream, b"one"), b"one")
            with connect(addresses[1]) as stream:
                self.assertEqual(exchange(stream, b"two"), b"two")

    def test_those_who_wait_to_be_accepted_feel_nothing(self):
        with ReloadingDaemon(BOTH) as daemon:
            daemon.signal(signal.SIGSTOP)
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(20)]
            daemon.signal(signal.SIGHUP)
            daemon.signal(signal.SIGCONT)
            for stream in streams:
                self.assertEqual(exchange(stream, b"served"), b"served")
            daemon.wait_for_line("reloaded")

    def test_options_of_the_command_line_stay(self):
        option = ["-o", "tcp.framing=length16"]
        with ReloadingDaemon(BOTH, arguments=option) as daemon:
            daemon.reload(BOTH + "service = echo\n")
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(ask_length16(stream, b"still framed"), b"still framed")

    def test_counters_go_on(self):
        with ReloadingDaemon(BOTH) as daemon, connect(daemon.address("tcp")) as old:
            exchange(old, b"12345")
            answer_to(daemon.address("udp"), b"time?")
            daemon.reload(BOTH + "time_format = unix\n")
            self.assertEqual(daemon.counters("tcp")["open"], 1)
            exchange(old, b"678")
            with connect(daemon.address("tcp")) as new:
                exchange(new, b"9")
                counters = daemon.counters("tcp")
                self.assertEqual(counters["open"], 2)
                self.assertEqual(counters["accepted"], 2)
                self.assertEqual(counters["bytes_in"], 9)
            answer_to(daemon.address("udp"), b"time?")
            self.assertEqual(daemon.counters("udp")["received"], 2)


class WhatChanges(unittest.TestCase):
    def test_new_address_is_served_and_old_one_is_not(self):
        with ReloadingDaemon("[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            old = daemon.address("tcp")
            before = len(daemon.sockets().serving)
            daemon.reload("[tcp]\nlisten = 127.0.0.2:0\n[udp]\nlisten = 127.0.0.1:0\n")
            with self.assertRaises(ConnectionRefusedError):
                connect(old)
            new = daemon.addresses("tcp", 2)[1]
            self.assertEqual(new[0], "127.0.0.2")
            with connect(new) as stream:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            self.assertTrue(answer_to(daemon.address("udp"), b"time?"))
            daemon.reload("[tcp]\nlisten = 127.0.0.2:0\n")
            wait_until(lambda: len(daemon.sockets().serving) == before, "as many sockets as before")
            with self.assertRaises(ConnectionRefusedError):
                # From another address: with the very same one and port it would hear itself.
                answer_to(daemon.address("udp"), b"time?", source=("127.0.0.2", 0))

    def test_those_who_wait_at_an_address_that_goes_away_are_served(self):
        with ReloadingDaemon(BOTH) as daemon:
            daemon.signal(signal.SIGSTOP)
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(20)]
            datagrams = self.enterContext(udp_socket(daemon.address("udp")))
            datagrams.sendto(b"time?", daemon.address("udp"))
            daemon.write_configuration("[tcp]\nlisten = 127.0.0.2:0\n")
            daemon.signal(signal.SIGHUP)
            daemon.signal(signal.SIGCONT)
            for stream in streams:
                self.assertEqual(exchange(stream, b"served"), b"served")
            self.assertTrue(datagrams.recv(100))

    def test_open_connections_go_on_under_the_settings_with_which_they_began(self):
        line = "[tcp]\nlisten = 127.0.0.1:0\nframing = line\nservice = time\ntime_format = unix\n"
        with ReloadingDaemon(line) as daemon:
            with connect(daemon.address("tcp")) as old:
                # In the middle of a message, of which the rest comes behind the reloads.
                self.assertRegex(exchange(old, b"time?" + b"\n" + b"ti")[:2], rb"\d\d")
                rest = old.recv(100)
                daemon.reload("[tcp]\nlisten = 127.0.0.1:0\nidle_timeout = 100ms\n")
                daemon.reload("[tcp other]\nlisten = 127.0.0.2:0\n")
                old.sendall(b"me?\n")
                self.assertRegex(rest + old.recv(100), rb"\d{10}\n\Z")
                self.assertEqual(daemon.counters("tcp")["open"], 1)
            wait_until(lambda: "tcp" not in told_listeners(daemon), "a section that is forgotten")

    def test_replies_due_from_before_are_sent(self):
        with ReloadingDaemon(BOTH) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as slow:
                sent = send_until_stuck(slow)
                daemon.reload("[tcp]\nlisten = 127.0.0.2:0\n")
                slow.shutdown(socket.SHUT_WR)
                self.assertEqual(len(receive_to_end(slow)), sent)

    def test_udp_service_changes_to_ntp_and_back(self):
        ntp = "[udp]\nlisten = 127.0.0.1:0\nservice = ntp\n"
        request = bytes([0x23]) + bytes(47)
        with ReloadingDaemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            address = daemon.address("udp")
            daemon.reload(ntp)
            reply = answer_to(address, request)
            self.assertEqual(len(reply), 48)
            received, transmitted = struct.unpack("!QQ", reply[32:48])
            # The kernel's time of receipt, before ours.
            self.assertLess(received, transmitted)
            daemon.reload("[udp]\nlisten = 127.0.0.1:0\nservice = echo\n")
            self.assertEqual(answer_to(address, b"hello"), b"hello")

    def test_stateful_stamp_can_come_with_a_reload(self):
        stamp = "[udp]\nlisten = 127.0.0.1:0\nservice = stamp\n"
        with ReloadingDaemon(stamp) as daemon, udp_socket(daemon.address("udp")) as sender:
            sender.connect(daemon.address("udp"))

            def sequence():
                sender.send(struct.pack("!I", 77) + bytes(40))
                return struct.unpack("!I", sender.recv(100)[:4])[0]

            self.assertEqual(sequence(), 77)
            daemon.reload(stamp + "stamp_mode = stateful\n")
            self.assertEqual([sequence(), sequence()], [0, 1])
            daemon.reload(stamp + "stamp_mode = stateful\nrate_limit = 50\n")
            self.assertEqual(sequence(), 2)

    def test_rate_limit_takes_effect_and_debts_stay(self):
        def text(limit):
            return f"[udp]\nlisten = 127.0.0.1:0\nrate_limit = {limit}\nrate_burst = 5\n"

        with ReloadingDaemon(text(0)) as daemon, udp_socket(daemon.address("udp")) as client:
            for _ in range(2):
                daemon.reload(text(1))
                for _ in range(50):
                    client.sendto(b"time?", daemon.address("udp"))
            wait_until(lambda: daemon.counters("udp").get("received") == 100, "100 datagrams")
            # 5 at once, and one a second; a second burst would be 10 or more within few seconds.
            self.assertLess(daemon.counters("udp")["answered"], 10)

    def test_own_sockets_are_noted_anew(self):
        """Nothing is answered that seems to come from a socket of ours that came with a reload."""
        text = "[udp]\nlisten = 127.0.0.1:0\n[udp echo]\nlisten = 127.0.0.2:0\nservice = echo\n"
        with ReloadingDaemon("[udp]\nlisten = 127.0.0.1:0\n") as daemon:
            daemon.reload(text)
            raw = self.enterContext(support.raw_socket())
            support.send_forged(raw, daemon.address("udp echo"), daemon.address("udp"), b"time?")
            wait_until(
                lambda: daemon.counters("udp").get("dropped_own-listener") == 1,
                "a datagram that is dropped for where it seems to come from",
            )

    def test_log_level_and_log_connections_take_effect(self):
        with ReloadingDaemon(BOTH) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
            wait_until(lambda: "open" not in daemon.counters("tcp"), "a connection that is closed")
            daemon.reload("[daemon]\nlog_connections = yes\n" + BOTH)
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
            daemon.wait_for_line("closed")
            daemon.reload("[daemon]\nlog_connections = yes\nlog_level = notice\n" + BOTH)
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
            wait_until(lambda: "open" not in daemon.counters("tcp"), "a closed connection")
            self.assertEqual(len([l for l in daemon.log if l.message == "closed"]), 1)

    def test_log_connections_names_those_who_came_before(self):
        with ReloadingDaemon(BOTH) as daemon:
            with connect(daemon.address("tcp")) as stream:
                exchange(stream, b"hello")
                daemon.reload("[daemon]\nlog_connections = yes\n" + BOTH)
                source = "{}:{}".format(*stream.getsockname())
            daemon.wait_for_line("closed", source=source, reason="end-of-input")

    def test_limits_and_lists_that_come_count_those_who_come_after(self):
        with ReloadingDaemon(BOTH) as daemon:
            before = self.enterContext(connect(daemon.address("tcp")))
            exchange(before, b"hello")
            daemon.reload("[tcp]\nlisten = 127.0.0.1:0\nmax_connections_per_source = 1\n")
            first = self.enterContext(connect(daemon.address("tcp")))
            exchange(first, b"hello")
            second = self.enterContext(connect(daemon.address("tcp")))
            self.assertEqual(receive_to_end(second), b"")
            daemon.wait_for_line(
                "connection rejected",
                source="{}:{}".format(*second.getsockname()),
                reason="max-connections-per-source",
            )
            exchange(before, b"still")

    def test_drain_timeout_takes_effect(self):
        with ReloadingDaemon("[daemon]\ndrain_timeout = 1h\n" + BOTH) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                send_until_stuck(stream)
                daemon.reload("[daemon]\ndrain_timeout = 100ms\n" + BOTH)
                daemon.stop()

    def test_busy_poll_comes_and_goes(self):
        with ReloadingDaemon(BOTH) as daemon:
            for value in ("100ms", "0", "50us", "0"):
                daemon.reload(f"[daemon]\nbusy_poll = {value}\n" + BOTH)
                with connect(daemon.address("tcp")) as stream:
                    self.assertEqual(exchange(stream, b"hello"), b"hello")
            # Off: it sleeps, and the loop has been left and entered again.
            used = daemon.cpu_seconds()
            self.assertTrue(answer_to(daemon.address("udp"), b"time?"))
            self.assertLess(daemon.cpu_seconds() - used, 0.1)

    def test_buffer_memory_can_shrink_below_what_is_lent(self):
        big = "[tcp]\nlisten = 127.0.0.1:0\nframing = line\nmax_message = 900KiB\n"
        with ReloadingDaemon("[daemon]\nbuffer_memory = 16MiB\n" + big) as daemon:
            streams = [self.enterContext(connect(daemon.address("tcp"))) for _ in range(4)]
            for stream in streams:
                stream.sendall(bytes(800_000))
            wait_until(lambda: self.lent(daemon) > 3_000_000, "much memory that is lent")
            daemon.reload("[daemon]\nbuffer_memory = 1MiB\n" + big)
            for stream in streams:
                stream.sendall(b"\n")
                self.assertEqual(len(support.receive_exactly(stream, 800_001)), 800_001)
            wait_until(lambda: self.lent(daemon) == 0, "memory that is given back")

    def lent(self, daemon):
        """Buffer memory in use, as the log's last line of counters tells it."""
        told = sum("buffer_memory_in_use" in line.pairs for line in daemon.log)
        daemon.signal(signal.SIGUSR1)
        lines = wait_until(
            lambda: [l for l in daemon.log if "buffer_memory_in_use" in l.pairs][told:],
            "a line of counters",
        )
        return int(lines[0].pairs["buffer_memory_in_use"])


class Limits(unittest.TestCase):
    def limited(self, connections, more=""):
        return f"[daemon]\nmax_connections = {connections}\n[tcp]\nlisten = 127.0.0.1:0\n{more}"

    def connect(self, daemon, source=None):
        return self.enterContext(connect(daemon.address("tcp"), source=source))

    def test_max_connections_grows_and_shrinks(self):
        with ReloadingDaemon(self.limited(2)) as daemon:
            streams = [self.connect(daemon) for _ in range(2)]
            for stream in streams:
                exchange(stream, b"hello")
            self.assertFalse(is_served(self.connect(daemon)))
            daemon.reload(self.limited(300))
            streams += [self.connect(daemon) for _ in range(298)]
            for stream in streams:
                self.assertEqual(exchange(stream, b"hello"), b"hello")
            self.assertFalse(is_served(self.connect(daemon)))
            daemon.reload(self.limited(3))
            self.assertFalse(is_served(self.connect(daemon)))
            for stream in streams:
                self.assertEqual(exchange(stream, b"within"), b"within")
                stream.close()
            wait_until(lambda: is_served(self.connect(daemon)), "room for a connection")

    def test_limit_for_a_source_comes_with_a_reload_and_counts_over_reloads(self):
        with ReloadingDaemon(self.limited(10)) as daemon:
            uncounted = self.connect(daemon)
            exchange(uncounted, b"hello")
            limit = "max_connections_per_source = 2\n"
            daemon.reload(self.limited(10, limit))
            first = self.connect(daemon)
            exchange(first, b"hello")
            # A larger table, a listener of the same section: its connections are counted still.
            daemon.reload(self.limited(5000, limit))
            exchange(self.connect(daemon), b"hello")
            self.assertFalse(is_served(self.connect(daemon)))
            exchange(self.connect(daemon, source=("127.0.0.9", 0)), b"hello")
            uncounted.close()
            first.close()
            wait_until(lambda: is_served(self.connect(daemon)), "a place that is given again")

    def test_access_lists_take_effect_for_new_connections_alone(self):
        with ReloadingDaemon(self.limited(10)) as daemon, self.connect(daemon) as old:
            exchange(old, b"hello")
            daemon.reload(self.limited(10, "deny = 127.0.0.1\n"))
            self.assertFalse(is_served(self.connect(daemon)))
            self.assertTrue(is_served(self.connect(daemon, source=("127.0.0.2", 0))))
            self.assertEqual(exchange(old, b"still here"), b"still here")


class Refused(unittest.TestCase):
    """All or nothing: whatever is wrong, everything stays as it was, and is said."""

    def check_nothing_changed(self, daemon, text, *said):
        """`said`: parts of one line of the log, each."""
        with connect(daemon.address("tcp")) as stream:
            exchange(stream, b"hello")
            before = daemon.sockets()
            lines = daemon.reload_in_vain(text)
            daemon.wait_for_sockets(before)
            self.assertEqual(exchange(stream, b"open before"), b"open before")
        with connect(daemon.address("tcp")) as stream:
            self.assertEqual(exchange(stream, b"as it was"), b"as it was")
        self.assertTrue(answer_to(daemon.address("udp"), b"time?"))
        for part in said:
            self.assertTrue(
                any(part in line.text and line.level == "error" for line in lines), part
            )

    def test_every_mistake_of_a_file_is_said_with_its_line(self):
        with ReloadingDaemon(BOTH) as daemon:
            path = daemon.configuration_path
            self.check_nothing_changed(
                daemon,
                "[tcp]\nlisten = 127.0.0.2:0\nframing = lines\nnonsense = 1\n[udp]\nservice = no\n",
                f"{path}:3: ",
                f"{path}:4: ",
                f"{path}:6: ",
            )

    def test_file_that_is_gone(self):
        with ReloadingDaemon(BOTH) as daemon:
            os.unlink(daemon.configuration_path)
            self.check_nothing_changed(daemon, None, daemon.configuration_path)
            daemon.reload(BOTH)

    def test_address_in_use_names_it_and_what_was_opened_is_closed(self):
        with socket.socket() as taken, ReloadingDaemon(BOTH) as daemon:
            taken.bind(("127.0.0.3", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.check_nothing_changed(
                daemon,
                f"[tcp]\nlisten = 127.0.0.4:0\n[udp x]\nlisten = 127.0.0.4:0\n"
                f"[tcp taken]\nlisten = 127.0.0.3:{port}\n",
                f"127.0.0.3:{port}",
            )

    def test_all_addresses_that_cannot_be_had_are_said(self):
        with socket.socket() as taken, ReloadingDaemon(BOTH) as daemon:
            taken.bind(("127.0.0.3", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.check_nothing_changed(
                daemon,
                f"[tcp]\nlisten = 127.0.0.3:{port}\n[tcp other]\nlisten = 192.0.2.1:7\n",
                f"127.0.0.3:{port}",
                "192.0.2.1:7",
            )

    def test_address_that_overlaps_with_an_old_one_says_what_to_do(self):
        port = support.free_port()
        text = f"[tcp]\nlisten = 127.0.0.1:{port}\n[udp]\nlisten = 127.0.0.1:0\n"
        with ReloadingDaemon(text) as daemon:
            self.check_nothing_changed(
                daemon,
                f"[tcp]\nlisten = 0.0.0.0:{port}\n",
                "reload without the old address first, or restart",
            )
            daemon.reload("[udp]\nlisten = 127.0.0.1:0\n")
            daemon.reload(f"[tcp]\nlisten = 0.0.0.0:{port}\n")
            with connect(("127.0.0.1", port)) as stream:
                self.assertEqual(exchange(stream, b"wide"), b"wide")

    def test_reuse_port_of_an_address_that_stays(self):
        with ReloadingDaemon(BOTH) as daemon:
            self.check_nothing_changed(
                daemon,
                "[tcp]\nlisten = 127.0.0.1:0\nreuse_port = yes\n[udp]\nlisten = 127.0.0.1:0\n",
                "a reload cannot change reuse_port",
            )
            # Of a new one it can.
            daemon.reload(BOTH + "[tcp shared]\nlisten = 127.0.0.2:0\nreuse_port = yes\n")

    def test_user_stays_who_it_is(self):
        with ReloadingDaemon(BOTH) as daemon:
            self.check_nothing_changed(daemon, "[daemon]\nuser = nobody\n" + BOTH, "user")

    def test_congestion_control_that_the_kernel_does_not_know(self):
        with ReloadingDaemon(BOTH) as daemon:
            self.check_nothing_changed(
                daemon, BOTH.replace("[udp]", "congestion_control = nonesuch\n[udp]"), "nonesuch"
            )

    def test_host_name_that_nobody_knows(self):
        with ReloadingDaemon(BOTH) as daemon:
            self.check_nothing_changed(
                daemon, BOTH + "[tcp x]\nlisten = nonesuch.invalid:7\n", "nonesuch.invalid"
            )

    def test_reloads_are_counted(self):
        with ReloadingDaemon(BOTH) as daemon:
            daemon.reload_in_vain("[tcp]\nnonsense = 1\n")
            daemon.reload(BOTH)
            daemon.reload(BOTH)
            daemon.signal(signal.SIGUSR1)
            daemon.wait_for_line("counters", reloads_good="2", reloads_bad="1")


class HungUpEarly(ReloadingDaemon):
    """Gets a HUP, for another address, between the reading of its file and the catching of signals."""

    def __init__(self, trace):
        late = ["strace", "-D", "-o", trace, "--trace=signalfd4",
                "--inject=signalfd4:delay_enter=1s"]
        # Leaks are not found under strace.
        super().__init__(BOTH, prefix=late, environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.trace = trace

    def has_read_its_file(self):
        try:
            with open(self.trace, encoding="utf-8", errors="replace") as file:
                return "signalfd4(" in file.read()
        except FileNotFoundError:
            return False

    def wait_ready(self):
        wait_until(self.has_read_its_file, "it has read its file and is about to catch signals")
        self.write_configuration(BOTH.replace("127.0.0.1", "127.0.0.2", 1))
        self.signal(signal.SIGHUP)
        super().wait_ready()


class Early(unittest.TestCase):
    def test_hangup_before_it_is_ready_is_a_reload_and_no_death(self):
        with tempfile.TemporaryDirectory() as folder:
            with HungUpEarly(os.path.join(folder, "trace")) as daemon:
                daemon.wait_for_line("reloaded")
                self.assertEqual(daemon.addresses("tcp", 2)[1][0], "127.0.0.2")


class Manager(unittest.TestCase):
    def test_manager_is_told_reloading_with_its_time_and_ready(self):
        for text in (BOTH, "[tcp]\nnonsense = 1\n"):
            with self.subTest(text=text), ReloadingDaemon(BOTH) as daemon:
                before = len(daemon.notices)
                daemon.write_configuration(text)
                daemon.signal(signal.SIGHUP)
                daemon.wait_for_notice("READY=1", count=2)
                told = [line for line in daemon.notices[before:] if not line.startswith("STATUS=")]
                self.assertEqual(told[0], "RELOADING=1")
                self.assertRegex(told[1], r"\AMONOTONIC_USEC=\d+\Z")
                self.assertEqual(told[2:], ["READY=1"])

    def test_hangup_during_the_drain_changes_nothing(self):
        with ReloadingDaemon("[daemon]\ndrain_timeout = 1h\n" + BOTH) as daemon:
            with connect(daemon.address("tcp"), receive_buffer=4096) as stream:
                sent = send_until_stuck(stream)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_line("draining")
                daemon.signal(signal.SIGHUP)
                daemon.wait_for_line("asked to reload while ending")
                with self.assertRaises(ConnectionRefusedError):
                    connect(daemon.address("tcp"))
                self.assertGreater(len(receive_to_end(stream)), 0)
                self.assertGreater(sent, 0)
            daemon.wait_exit()

    def test_without_a_file_the_defaults_are_served_on(self):
        options = ["-o", "tcp.listen=127.0.0.1:0", "-o", "udp.listen=127.0.0.1:0"]
        with ReloadingDaemon(None, arguments=options) as daemon:
            daemon.reload_again()
            with connect(daemon.address("tcp")) as stream:
                self.assertEqual(exchange(stream, b"hello"), b"hello")


if __name__ == "__main__":
    support.isolate()
    support.main()
