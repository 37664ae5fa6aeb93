"""`listen = systemd:NAME`: sockets that somebody else opened are served, and stay as they must."""

import ctypes
import os
import signal
import socket
import sys
import tempfile
import unittest

import support
from support import (Daemon, answer_to, connect, exchange, process, raw_socket, run, send_forged,
                     udp_socket, wait_until)
from support.reloading import ReloadingDaemon

HELPER = os.path.join(os.path.dirname(os.path.abspath(support.__file__)), "pass_sockets.py")
PIDFD_GETFD = 438
CLOEXEC = 0o2000000
FIRST = 3


def passing(configuration, *sockets, **more):
    """A daemon to which these sockets are passed, each NAME=KIND:HOST."""
    prefix = [sys.executable, "-B", HELPER, *sockets, "--"]
    return ReloadingDaemon(configuration, prefix=prefix, **more)


def borrowed(pid, number):
    """A descriptor of another process, as a socket of ours."""
    pidfd = os.pidfd_open(pid)
    made = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, number, 0)
    error = ctypes.get_errno()
    os.close(pidfd)
    if made < 0:
        raise OSError(error, os.strerror(error))
    return socket.socket(fileno=made)


class Reload(unittest.TestCase):
    """What the manager passed comes and goes with the configuration, and stays the manager's."""

    def test_sockets_are_left_and_taken_back(self):
        served = "[tcp]\nlisten = systemd:a\n[udp]\nlisten = systemd:a\nservice = echo\n"
        elsewhere = "[tcp]\nlisten = 127.0.0.2:0\n[udp]\nlisten = systemd:a\nservice = echo\n"
        with passing(served, "a=tcp:127.0.0.1", "a=udp:127.0.0.1") as daemon:
            tcp, udp = daemon.address("tcp"), daemon.address("udp")
            with connect(tcp) as old:
                exchange(old, b"begun")
                daemon.reload(elsewhere)
                # Who connects now waits, and is refused by nobody.
                with connect(tcp) as waiting:
                    waiting.sendall(b"wait")
                    with connect(daemon.addresses("tcp", 2)[1]) as other:
                        self.assertEqual(exchange(other, b"own"), b"own")
                    self.assertEqual(answer_to(udp, b"kept"), b"kept")
                    daemon.wait_for_line("passed a socket that no listener uses")
                    daemon.reload(served)
                    self.assertEqual(waiting.recv(100), b"wait")
                self.assertEqual(exchange(old, b"goes on"), b"goes on")

    def test_name_that_was_not_passed_changes_nothing(self):
        with passing("[tcp]\nlisten = systemd:a\n", "a=tcp:127.0.0.1") as daemon:
            for text in (
                "[tcp]\nlisten = systemd:b\n",
                "[tcp]\nlisten = systemd:a\n[udp]\nlisten = systemd:a\n",
                "[tcp]\nlisten = systemd:a\n[udp]\nlisten = 192.0.2.1:7\n",
            ):
                daemon.reload_in_vain(text)
                with connect(daemon.address("tcp")) as client:
                    self.assertEqual(exchange(client, b"as it was"), b"as it was")


class Served(unittest.TestCase):
    def test_one_name_of_several_sockets_of_both_transports(self):
        with passing("[tcp]\nlisten = systemd:echo\n[udp]\nlisten = systemd:echo\nservice = echo\n",
                     "echo=tcp:127.0.0.1", "echo=udp:127.0.0.1", "echo=tcp:::1",
                     "echo=udp:::1", "echo=tcp:127.0.0.2") as daemon:
            tcp = daemon.addresses("tcp", 3)
            udp = daemon.addresses("udp", 2)
            self.assertEqual([host for host, _ in tcp], ["127.0.0.1", "::1", "127.0.0.2"])
            self.assertEqual([host for host, _ in udp], ["127.0.0.1", "::1"])
            for address in tcp:
                with connect(address) as first, connect(address) as second:
                    # A socket that still blocked would stop the loop in accept(2).
                    self.assertEqual(exchange(first, b"one"), b"one")
                    self.assertEqual(exchange(second, b"two"), b"two")
                    self.assertEqual(exchange(first, b"three"), b"three")
            for address in udp:
                self.assertEqual(answer_to(address, b"ping"), b"ping")
            self.assertNotIn("no listener uses", daemon.log_text())

    def test_beside_addresses_of_our_own(self):
        with passing("[tcp]\nlisten = 127.0.0.1:0, systemd:a@1.socket\n",
                     "a@1.socket=tcp:127.0.0.3") as daemon:
            own, given = daemon.addresses("tcp", 2)
            self.assertEqual(given[0], "127.0.0.3")
            for address in (own, given):
                with connect(address) as client:
                    self.assertEqual(exchange(client, b"x"), b"x")

    def test_tcp_socket_of_both_families(self):
        with passing("[tcp]\nlisten = systemd:both\nallow = 127.0.0.1\n",
                     "both=tcp-dual:::") as daemon:
            port = daemon.address("tcp")[1]
            with connect(("127.0.0.1", port)) as client:
                self.assertEqual(exchange(client, b"4"), b"4")
            # The list above allows IPv4 alone: the mapped address was taken for what it is.
            with connect(("::1", port)) as client:
                self.assertFalse(support.is_served(client))

    def test_answers_leave_from_the_address_that_was_asked(self):
        with passing("[udp]\nlisten = systemd:all\n", "all=udp:0.0.0.0", "all=udp:::") as daemon:
            ports = {host: port for host, port in daemon.addresses("udp", 2)}
            for host, any_host in (("127.0.0.7", "0.0.0.0"), ("::1", "::")):
                self.assertRegex(answer_to((host, ports[any_host]), b"time? unix"), rb"^\d+$")

    def test_headers_are_told_to_stamp(self):
        with passing("[udp]\nlisten = systemd:s\nservice = stamp\n", "s=udp:127.0.0.1") as daemon:
            with udp_socket(("127.0.0.1", 0)) as client:
                client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 77)
                client.sendto(bytes(44), daemon.address("udp"))
                self.assertEqual(client.recv(1024)[40], 77)

    def test_own_listener_is_known(self):
        configuration = ("[udp a]\nlisten = systemd:a\nservice = echo\n"
                         "[udp b]\nlisten = systemd:b\nservice = echo\n")
        with passing(configuration, "a=udp:127.0.0.1", "b=udp:0.0.0.0") as daemon:
            a, b = daemon.address("udp a"), daemon.address("udp b")
            with raw_socket() as raw:
                send_forged(raw, a, ("127.0.0.1", b[1]), b"x")
                send_forged(raw, ("127.0.0.1", b[1]), a, b"x")
            for listener in ("udp a", "udp b"):
                counters = wait_until(lambda l=listener: "received" in (
                    found := daemon.counters(l)) and found, "the datagram has come in")
                self.assertEqual(counters.get("dropped_own-listener"), 1, counters)
                self.assertNotIn("answered", counters)

    def test_socket_of_the_manager_is_left_open_at_the_end(self):
        # After its end in order we, who hold the socket too, can still be connected to.
        with passing("[tcp]\nlisten = systemd:a\n", "a=tcp:127.0.0.1") as daemon:
            address = daemon.address("tcp")
            ours = borrowed(daemon.pid, FIRST)
        with ours, connect(address) as client:
            peer, _ = ours.accept()
            with peer:
                client.sendall(b"still")
                self.assertEqual(peer.recv(16), b"still")

    def test_connections_that_wait_are_left_to_who_comes_next(self):
        clients = 100  # more than are accepted in one turn of the loop
        with passing("[tcp]\nlisten = systemd:a\n", "a=tcp:127.0.0.1") as daemon:
            address = daemon.address("tcp")
            ours = self.enterContext(borrowed(daemon.pid, FIRST))
            daemon.signal(signal.SIGSTOP)
            wait_until(lambda: process.is_stopped(daemon.pid), "it is stopped")
            for _ in range(clients):
                self.enterContext(connect(address)).sendall(b"early")
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGCONT)
            daemon.wait_exit()
            end = [line for line in daemon.log if line.pairs.get("listener") == "tcp"][-1]
        accepted = int(end.pairs.get("accepted", 0))
        self.assertLess(accepted, clients)
        self.assertEqual(int(end.pairs.get("messages", 0)), accepted)
        ours.settimeout(support.DEADLINE)
        for _ in range(clients - accepted):
            peer, _ = ours.accept()
            with peer:
                self.assertEqual(peer.recv(16), b"early")


class Prepared(unittest.TestCase):
    """What the daemon sets on sockets that it did not open."""

    def test_tcp(self):
        with passing("[tcp]\nlisten = systemd:a\ncongestion_control = reno\n",
                     "a=tcp:127.0.0.1") as daemon:
            with borrowed(daemon.pid, FIRST) as taken:
                self.assertNotEqual(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 0)
                name = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
                self.assertEqual(name.rstrip(b"\0"), b"reno")
            self.assertTrue(flags_of(daemon.pid, FIRST) & CLOEXEC)
            self.assertTrue(flags_of(daemon.pid, FIRST) & os.O_NONBLOCK)

    def test_congestion_control_that_is_not_known(self):
        daemon = passing("[tcp]\nlisten = systemd:a\ncongestion_control = nonesuch\n",
                         "a=tcp:127.0.0.1", exit_status=71).run_to_end()
        self.assertIn("cannot set the congestion control", daemon.log_text())

    def buffer(self, daemon):
        with borrowed(daemon.pid, FIRST) as taken:
            return taken.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    def test_receive_buffer_grows(self):
        # A socket has 104 KiB by itself and may have 208 KiB, where the host has the defaults.
        with passing("[udp]\nlisten = systemd:a\nreceive_buffer = 150KiB\n",
                     "a=udp:127.0.0.1") as daemon:
            self.assertEqual(self.buffer(daemon), 150 * 1024)

    def test_receive_buffer_that_the_manager_made_larger_stays(self):
        with passing("[udp]\nlisten = systemd:a\nreceive_buffer = 64KiB\n",
                     "a=udp-large:127.0.0.1") as daemon:
            self.assertEqual(self.buffer(daemon), self.limit() + 65536)
            self.assertNotIn("smaller receive buffer", daemon.log_text())

    def test_larger_buffer_is_not_lost_by_asking_for_more_than_can_be_had(self):
        # As nobody in particular, for whom net.core.rmem_max counts.
        prefix = [sys.executable, "-B", HELPER, "a=udp-large:127.0.0.1", "--", "/usr/bin/setpriv",
                  "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
        with Daemon("[udp]\nlisten = systemd:a\nreceive_buffer = 512MiB\n",
                    prefix=prefix) as daemon:
            self.assertEqual(self.buffer(daemon), self.limit() + 65536)
            line = daemon.wait_for_line("smaller receive buffer")
            self.assertEqual(line.pairs["granted"], str(self.limit() + 65536))

    @staticmethod
    def limit():
        with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
            return int(file.read())


def flags_of(pid, number):
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
        return int(dict(line.split(":", 1) for line in file)["flags"], 8)


class Refused(unittest.TestCase):
    def refused(self, configuration, *sockets, **more):
        """What the log says of it."""
        return passing(configuration, *sockets, exit_status=71, **more).run_to_end().log_text()

    def test_name_that_was_not_passed(self):
        log = self.refused("[tcp x]\nlisten = systemd:c\n", "a=tcp:127.0.0.1", "b=udp:127.0.0.1",
                           "a=tcp:127.0.0.2")
        self.assertIn('section="[tcp x]"', log)
        self.assertIn("systemd:c: the service manager passed no socket of that name; "
                      "FileDescriptorName= of a socket unit gives it. It passed a, b", log)

    def test_names_that_are_too_many_for_the_sentence(self):
        names = [f"{i}{'n' * 80}" for i in range(20)]
        log = self.refused("[tcp]\nlisten = systemd:c\n", *(f"{n}=tcp:127.0.0.1" for n in names))
        self.assertIn(f"It passed {names[0]}, {names[1]}", log)
        self.assertRegex(log, r'n\.\.\."|, \.\.\."')

    def test_no_manager(self):
        daemon = Daemon("[udp]\nlisten = systemd:c\n", exit_status=71).run_to_end()
        self.assertIn("systemd:c: the service manager passed no socket at all; start it by a socket "
                      "unit that has FileDescriptorName=c", daemon.log_text())

    def test_sockets_for_another_process_are_not_ours(self):
        daemon = Daemon("[udp]\nlisten = systemd:c\n", exit_status=71, environment={
            "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "c"}).run_to_end()
        self.assertIn("the service manager passed no socket at all", daemon.log_text())

    def test_wrong_kinds(self):
        for kind, words in (
                ("tcp-silent:127.0.0.1", "does not listen"),
                ("tcp-connected:127.0.0.1", "is a single connection; write Accept=no"),
                ("udp-connected:127.0.0.1", "is connected to one peer"),
                ("unix:", "is a Unix socket"),
                ("netlink:", "is neither an IPv4 nor an IPv6 socket"),
                ("udplite:", "is neither a TCP nor a UDP socket"),
                ("pipe:", "is no socket")):
            for section in ("tcp", "udp"):
                with self.subTest(kind, section=section):
                    log = self.refused(f"[{section}]\nlisten = systemd:a\n", f"a={kind}",
                                       "a=tcp:127.0.0.1", "a=udp:127.0.0.1")
                    self.assertIn(f"systemd:a {words}", log)

    def test_name_without_a_socket_for_the_transport(self):
        self.assertIn("systemd:a has no UDP socket; a [udp] section takes one from ListenDatagram=",
                      self.refused("[udp]\nlisten = systemd:a\n", "a=tcp:127.0.0.1"))
        self.assertIn("systemd:a has no TCP socket; a [tcp] section takes one from ListenStream=",
                      self.refused("[tcp]\nlisten = systemd:a\n", "a=udp:127.0.0.1"))

    def test_udp_socket_of_both_families(self):
        log = self.refused("[udp]\nlisten = systemd:a\n", "a=udp-dual:::")
        self.assertRegex(log, r"the UDP socket \[::\]:(\d+) takes IPv4 and IPv6 at once, .*"
                              r"BindIPv6Only=ipv6-only .* ListenDatagram=0\.0\.0\.0:\1 for IPv4")

    def test_one_address_alone_can_only_be_of_one_family(self):
        with passing("[udp]\nlisten = systemd:a\n", "a=udp-dual:::1") as daemon:
            self.assertRegex(answer_to(daemon.address("udp"), b"time? unix"), rb"^\d+$")

    def test_what_the_environment_says_is_wrong(self):
        for environment in ({"LISTEN_FDS": "many"}, {"LISTEN_FDS": "3"},
                            {"LISTEN_FDNAMES": "a:b:c"}):
            with self.subTest(environment):
                log = self.refused("[tcp]\nlisten = 127.0.0.1:0\n", "a=tcp:127.0.0.1",
                                   environment=environment)
                self.assertIn("LISTEN_FDS or LISTEN_FDNAMES is wrong", log)

    def test_unused_ones_are_warned_of(self):
        # A name that is used over TCP only has its UDP socket left over.
        with passing("[tcp]\nlisten = systemd:a\n", "a=tcp:127.0.0.1", "a=udp:127.0.0.1",
                     "b=tcp:127.0.0.1", "c=pipe:") as daemon:
            daemon.wait_for_line("no listener uses", count=3)
            lines = [line for line in daemon.log if "no listener uses" in line.message]
            self.assertEqual([line.pairs["listen"] for line in lines],
                             ["systemd:a", "systemd:b", "systemd:c"])
            self.assertEqual({line.level for line in lines}, {"warning"})
            self.assertRegex(lines[1].pairs["address"], r"^127\.0\.0\.1:\d+$")
            self.assertEqual(lines[2].pairs["address"], "unknown")


class Configured(unittest.TestCase):
    def echotimed(self, text, *arguments):
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write(text)
            file.flush()
            return run([os.environ["ECHOTIMED"], "-c", file.name, *arguments])

    def test_one_name_serves_one_section_of_a_transport(self):
        result = self.echotimed("[tcp a]\nlisten = systemd:x\n[tcp b]\nlisten = systemd:x\n"
                                "[udp]\nlisten = systemd:x\n", "-t")
        self.assertEqual(result.status, 78)
        errors = result.errors.decode().splitlines()
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(":4: [tcp b] listen: systemd:x collides with systemd:x of [tcp a]", errors[0])

    def test_dump_reads_back(self):
        text = "[tcp]\nlisten = systemd:a-b_c.socket, *:1, systemd:echotimed@1.socket\n"
        first = self.echotimed(text, "-T").output.decode()
        self.assertRegex(first, r"(?m)^listen *= systemd:a-b_c\.socket, \*:1, "
                                r"systemd:echotimed@1\.socket$")
        self.assertEqual(self.echotimed(first, "-T").output.decode(), first)


if __name__ == "__main__":
    support.isolate()
    support.main()
