"""Tests of the installed units in a machine of their own."""

import os
import re
import socket
import subprocess
import unittest

from .systemd_machine import Machine
from .waiting import DEADLINE

BINARY_DIR = os.environ["ETD_BINARY_DIR"]
PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sandbox_probe.c")
UNIT = "echotimed.service"
CONFIG = "/etc/echotimed/echotimed.ini"
TCP = ("127.0.0.1", 8080)
UDP = ("127.0.0.1", 9000)


def probe_sandbox(machine, unit):
    """What can be done in the sandbox of this unit's text, by name: the probe runs in its place."""
    subprocess.run(["cc", "-o", machine.path("/usr/sbin/probe"), PROBE], check=True)
    unit = re.sub(r"^Type=.*", "Type=oneshot", unit, flags=re.MULTILINE)
    unit = re.sub(r"^(ExecReload|WatchdogSec|Restart)=.*", "", unit, flags=re.MULTILINE)
    unit = re.sub(r"^ExecStart=/.*", "ExecStart=/usr/sbin/probe", unit, flags=re.MULTILINE)
    machine.write_file("/etc/systemd/system/probe.service", unit)
    machine.run("systemctl daemon-reload", check=True)
    machine.run("systemctl start probe.service", check=True)
    return dict(line.split(" ", 1) for line in machine.journal("probe.service").splitlines())


class InMachine(unittest.TestCase):
    """One machine for the tests of a class, with this build installed."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        cls.machine.install(BINARY_DIR)
        if os.environ.get("ETD_SANITIZE"):
            # A leak is looked for with ptrace(2), which the sandbox does not allow.
            for unit in (UNIT, "echotimed@.service"):
                cls.drop_in("sanitizer", "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n", unit)
        # A unit that none refers to is forgotten when it ends, and its result with it.
        cls.machine.run(f"systemctl add-wants machine.target {UNIT}", check=True)
        cls.unit_file = cls.machine.show(UNIT, "FragmentPath")
        with open(cls.machine.path(CONFIG), encoding="utf-8") as file:
            cls.shipped = file.read()

    def tearDown(self):
        self.machine.run(f"systemctl stop {UNIT}")
        self.machine.run(f"systemctl reset-failed {UNIT}")
        self.machine.write_file(CONFIG, self.shipped)

    @classmethod
    def drop_in(cls, name, text, unit=UNIT):
        cls.machine.write_file(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        cls.machine.run("systemctl daemon-reload", check=True)

    @classmethod
    def no_drop_in(cls, name, unit=UNIT):
        os.unlink(cls.machine.path(f"/etc/systemd/system/{unit}.d/{name}.conf"))
        cls.machine.run("systemctl daemon-reload", check=True)

    @classmethod
    def show(cls, name, unit=UNIT):
        return cls.machine.show(unit, name)

    def start(self):
        self.machine.run(f"systemctl start {UNIT}", check=True)

    def client(self, kind, address=None):
        made = self.machine.socket(socket.AF_INET, kind)
        self.addCleanup(made.close)
        made.settimeout(DEADLINE)
        made.connect(address or (TCP if kind == socket.SOCK_STREAM else UDP))
        return made

    def assert_serving(self):
        tcp = self.client(socket.SOCK_STREAM)
        tcp.sendall(b"hello")
        self.assertEqual(tcp.recv(1024), b"hello")
        udp = self.client(socket.SOCK_DGRAM)
        udp.send(b"time?")
        self.assertRegex(udp.recv(1024).decode(), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        return tcp
