"""The installed units under a real systemd: sockets that the manager keeps, and shared ports."""

import os
import re
import socket
import threading

import support
from support.in_machine import BINARY_DIR, TCP, UDP, UNIT, InMachine, probe_sandbox
from support.waiting import wait_until

SOCKET_UNIT = "echotimed.socket"
CONFIG = "/etc/echotimed/socket-activated.ini"
INSTANCES = ("echotimed@1.service", "echotimed@2.service")


class Activated(InMachine):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(BINARY_DIR, "systemd", "socket-activated.conf"),
                  encoding="utf-8") as file:
            cls.shipped_drop_in = file.read()
        cls.drop_in("socket-activated", cls.shipped_drop_in)
        cls.machine.run(f"systemctl add-wants machine.target {SOCKET_UNIT}", check=True)
        with open(cls.machine.path(CONFIG), encoding="utf-8") as file:
            cls.sample = file.read()

    def setUp(self):
        # Each test starts it anew, which is more often than a manager thinks right.
        self.machine.run(f"systemctl reset-failed {SOCKET_UNIT}")
        self.machine.run(f"systemctl start {SOCKET_UNIT}", check=True)
        self.addCleanup(self.machine.write_file, CONFIG, self.sample)
        self.addCleanup(self.machine.run, f"systemctl stop {SOCKET_UNIT} {UNIT}")

    def wait_active(self):
        self.machine.wait_for("the service is active",
                              lambda: self.show("ActiveState") == "active")


class Activation(Activated):
    def test_units_have_no_mistake(self):
        for unit in (SOCKET_UNIT, UNIT, *INSTANCES):
            with self.subTest(unit):
                result = self.machine.run(["systemd-analyze", "verify", "--man=no", unit])
                self.assertEqual((result.status, result.output, result.errors), (0, "", ""))

    def test_first_connection_starts_it_and_is_served(self):
        self.assertEqual(self.show("ActiveState", SOCKET_UNIT), "active")
        self.assertEqual(self.show("ActiveState"), "inactive")
        client = self.client(socket.SOCK_STREAM)
        client.sendall(b"first")
        self.assertEqual(client.recv(1024), b"first")
        self.wait_active()
        self.assert_serving()
        journal = self.machine.journal(UNIT)
        self.assertIn('listening listener="tcp" transport=tcp service=echo framing=raw '
                      "address=127.0.0.1:8080", journal)
        self.assertNotIn("no listener uses", journal)

    def test_first_datagram_starts_it_and_is_answered(self):
        # It came before the daemon could ask for anything: the socket unit has to.
        self.assertEqual(self.show("ActiveState"), "inactive")
        client = self.client(socket.SOCK_DGRAM)
        client.send(b"time? unix")
        self.assertRegex(client.recv(1024), rb"^\d+$")

    def test_service_brings_its_sockets(self):
        self.machine.run(f"systemctl stop {SOCKET_UNIT} {UNIT}", check=True)
        self.machine.run(f"systemctl start {UNIT}", check=True)
        self.assertEqual(self.show("ActiveState", SOCKET_UNIT), "active")
        self.assert_serving()

    def test_connection_after_a_stop_starts_it_again(self):
        first = self.client(socket.SOCK_STREAM)
        first.sendall(b"x")
        self.assertEqual(first.recv(16), b"x")  # one that waits yet would start it again
        self.wait_active()
        self.machine.run(f"systemctl stop {UNIT}", check=True)
        self.assertEqual(self.show("ActiveState"), "inactive")
        self.assert_serving()
        self.wait_active()

    def test_killed_daemon_loses_no_socket(self):
        self.assert_serving()
        self.wait_active()
        pid = self.show("MainPID")
        self.machine.run(f"kill -KILL {pid}", check=True)
        self.assert_serving()
        self.assertNotEqual(self.show("MainPID"), pid)

    def test_bad_file_fails_to_reload(self):
        self.assert_serving()
        self.wait_active()
        self.machine.write_file(CONFIG, "[tcp]\nlisten = systemd:echotimed\nno_such_key = 1\n")
        self.assertNotEqual(self.machine.run(f"systemctl reload {UNIT}").status, 0)
        self.assertEqual(self.show("ActiveState"), "active")
        self.assert_serving()

    def test_reload_keeps_the_sockets(self):
        connection = self.assert_serving()
        self.wait_active()
        pid = self.show("MainPID")
        # One goes to another section, the other is left alone and taken back.
        for reloads, (text, served) in enumerate((
                ("[tcp x]\nlisten = systemd:echotimed\nframing = line\n", b"line\n"),
                (self.sample, b"raw")), 1):
            self.machine.write_file(CONFIG, text)
            listeners = text.count("listen ")
            self.machine.run(f"systemctl reload {UNIT}", check=True)
            # Figures may have taken its place by now.
            status = f"^serving {listeners} listeners?$|reloads {reloads} good"
            self.machine.wait_for("it serves by the new file", lambda s=status: self.show(
                "ActiveState") == "active" and re.search(s, self.show("StatusText")))
            client = self.client(socket.SOCK_STREAM)
            client.sendall(served)
            self.assertEqual(client.recv(64), served)
        self.assertIn("no listener uses", self.machine.journal(UNIT))
        connection.sendall(b"still here")
        self.assertEqual(connection.recv(64), b"still here")
        self.assert_serving()
        self.assertEqual(self.show("MainPID"), pid)

    def test_name_that_the_manager_has_not(self):
        self.machine.write_file(CONFIG, "[tcp]\nlisten = systemd:other\n")
        self.assertNotEqual(self.machine.run(f"systemctl start {UNIT}").status, 0)
        self.assertEqual(self.show("ExecMainStatus"), "71")
        self.assertIn("systemd:other: the service manager passed no socket of that name; "
                      "FileDescriptorName= of a socket unit gives it. It passed echotimed",
                      self.machine.journal(UNIT))

    def test_buffer_is_larger_than_the_service_could_have_it(self):
        self.assert_serving()
        self.wait_active()
        self.assertNotIn("smaller receive buffer", self.machine.journal(UNIT))


class UnderLoad(Activated):
    """Clients that come one behind the other, over restarts."""

    CLIENTS = 4
    RESTARTS = 5

    def setUp(self):
        super().setUp()
        # What clients get may only depend on the restarts. [udp] is the last section.
        self.machine.write_file(CONFIG, self.sample + "rate_limit = 0\nloop_guard = 0\n")
        self.stop = threading.Event()
        self.outcomes = dict.fromkeys(("served", "closed in order", "failed"), 0)
        self.failures = []
        self.lock = threading.Lock()

    def count(self, outcome, failure=None):
        with self.lock:
            self.outcomes[outcome] += 1
            if failure is not None:
                self.failures.append(repr(failure))

    def run_tcp(self):
        while not self.stop.is_set():
            try:
                with self.machine.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
                    client.settimeout(support.DEADLINE)
                    client.connect(TCP)
                    client.sendall(b"hello")
                    answer = client.recv(16)
                self.count("served" if answer == b"hello" else "closed in order")
            except OSError as failure:
                self.count("failed", failure)

    def run_udp(self):
        with self.machine.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(support.DEADLINE)
            client.connect(UDP)
            while not self.stop.is_set():
                try:
                    client.send(b"time? unix")
                    self.count("served" if client.recv(16).isdigit() else "failed")
                except OSError as failure:
                    self.count("failed", failure)

    def restart_under(self, work):
        threads = [threading.Thread(target=work) for _ in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self.RESTARTS):
                pid, served = self.show("MainPID"), self.outcomes["served"]
                wait_until(lambda n=served: self.outcomes["served"] > n + 50, "clients are served")
                self.machine.run(f"systemctl restart {UNIT}", check=True)
                self.assertNotEqual(self.show("MainPID"), pid)
            served = self.outcomes["served"]
            wait_until(lambda: self.outcomes["served"] > served + 50, "clients are served")
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.failures, [])

    def test_restart_refuses_no_connection(self):
        self.restart_under(self.run_tcp)
        # Who is connected and has not sent yet when it drains is closed in order: one of each client
        # in each restart at most.
        self.assertLessEqual(self.outcomes["closed in order"], self.CLIENTS * self.RESTARTS)

    def test_restart_answers_every_datagram(self):
        self.restart_under(self.run_udp)


class Hardened(Activated):
    """With sockets from the manager the service needs no privilege at all."""

    def test_exposure_is_at_most_one_and_a_half(self):
        with open(self.machine.path(self.unit_file), encoding="utf-8") as file:
            text = file.read() + self.shipped_drop_in
        self.machine.write_file("/tmp/echotimed.service", text)
        result = self.machine.run(["systemd-analyze", "security", "--offline=true",
                                   "--threshold=15", "--no-pager", "/tmp/echotimed.service"])
        self.assertEqual(result.status, 0, result.output.splitlines()[-1:])

    def test_clock_can_be_read_and_no_low_port_bound(self):
        with open(self.machine.path(self.unit_file), encoding="utf-8") as file:
            text = file.read() + re.sub(r"(?m)^ExecStart=$|^(Requires|After)=.*", "",
                                        self.shipped_drop_in)
        found = probe_sandbox(self.machine, text.replace("ExecStart=/", "#ExecStart=/", 1))
        self.assertEqual(found["read-clock"], "yes")
        self.assertEqual(found["set-clock"], "EPERM")
        self.assertEqual(found["bind-low-port"], "EACCES")

    def test_no_capability_is_left(self):
        self.assert_serving()
        self.wait_active()
        status = self.machine.run(f"cat /proc/{self.show('MainPID')}/status").output
        for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertRegex(status, rf"{name}:\s0000000000000000\n")

    def test_ports_below_1024_are_the_managers_to_bind(self):
        self.machine.run(f"systemctl stop {SOCKET_UNIT}")
        self.drop_in("low", "[Socket]\nListenStream=127.0.0.1:7\nListenDatagram=127.0.0.1:37\n",
                     SOCKET_UNIT)
        self.addCleanup(self.no_drop_in, "low", SOCKET_UNIT)
        self.machine.run(f"systemctl start {SOCKET_UNIT}", check=True)
        tcp = self.client(socket.SOCK_STREAM, ("127.0.0.1", 7))
        tcp.sendall(b"low")
        self.assertEqual(tcp.recv(16), b"low")
        udp = self.client(socket.SOCK_DGRAM, ("127.0.0.1", 37))
        udp.send(b"time? unix")
        self.assertRegex(udp.recv(16), rb"^\d+$")
        # The others, of the same name, are served as well.
        self.assert_serving()


class Instances(InMachine):
    CLIENTS = 64

    def setUp(self):
        self.addCleanup(self.machine.run, "systemctl stop " + " ".join(INSTANCES))
        self.machine.run("systemctl start " + " ".join(INSTANCES), check=True)

    def counted(self, unit, name):
        """That counter of all the instance's listeners so far, as its journal tells it when asked."""
        self.machine.run(f"systemctl kill --signal=USR1 {unit}", check=True)
        counters = [line for line in self.machine.journal(unit).splitlines()
                    if line.startswith("counters listener=")]
        latest = {line.split()[1]: re.search(rf" {name}=(\d+)", line) for line in counters}
        return sum(int(found.group(1)) for found in latest.values() if found)

    def shares(self, name):
        """Of each instance, once all clients were counted."""
        def settled():
            shares = [self.counted(unit, name) for unit in INSTANCES]
            return shares if sum(shares) >= self.CLIENTS else None

        return self.machine.wait_for(f"{self.CLIENTS} were counted as {name}", settled)

    def test_they_share_a_port_and_the_kernel_spreads(self):
        for _ in range(self.CLIENTS):
            tcp = self.client(socket.SOCK_STREAM)
            tcp.sendall(b"x")
            self.assertEqual(tcp.recv(16), b"x")
            udp = self.client(socket.SOCK_DGRAM)
            udp.send(b"time? unix")
            self.assertRegex(udp.recv(16), rb"^\d+$")
        for name in ("accepted", "answered"):
            shares = self.shares(name)
            self.assertEqual(sum(shares), self.CLIENTS)
            # Even shares of 64 are this uneven once in 10**15 times.
            self.assertGreater(min(shares), 1, f"{name}: {shares}")

    def test_one_goes_on_without_the_other(self):
        self.machine.run(f"systemctl stop {INSTANCES[0]}", check=True)
        for _ in range(16):
            self.assert_serving().close()
        self.machine.run(f"systemctl start {INSTANCES[0]}", check=True)
        self.assertEqual(self.show("ActiveState", INSTANCES[0]), "active")

    def test_they_are_one_user_as_nobody_else_may_share_the_port(self):
        users = set()
        for unit in INSTANCES:
            status = self.machine.run(f"cat /proc/{self.show('MainPID', unit)}/status").output
            users.add(re.search(r"(?m)^Uid:\s+(\d+)", status).group(1))
        self.assertEqual(len(users), 1)
        self.assertNotEqual(users, {"0"})
        with self.machine.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with self.assertRaises(OSError):
                other.bind(TCP)


if __name__ == "__main__":
    support.main()
