"""The Debian package: lintian, and its life on a machine with systemd, from installation to purge."""

import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import support
from support.systemd_machine import Machine, require_root

BINARY_DIR = os.environ["ETD_BINARY_DIR"]
UNIT = "echotimed.service"
CONFIG = "/etc/echotimed/echotimed.ini"
# What installing anything changes, and what the running system writes.
OTHERS = re.compile(r"^/(dev|proc|run|sys|tmp|mnt|var/(cache|log|tmp|lib/(apt|dpkg)))(/|$)"
                    r"|^/etc/ld\.so\.cache$")
ACCOUNTS = "cat /etc/passwd /etc/group"


def command(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def setUpModule():
    """Makes the package of this build, and one of a later version with another sample and unit."""
    global FOLDER, FIRST, SECOND
    require_root()
    FOLDER = tempfile.mkdtemp(prefix="etd-package-")
    unittest.addModuleCleanup(shutil.rmtree, FOLDER)
    command("cpack", "--config", os.path.join(BINARY_DIR, "CPackConfig.cmake"), "-B", FOLDER,
            cwd=FOLDER)
    (FIRST,) = glob.glob(f"{FOLDER}/*.deb")
    tree = os.path.join(FOLDER, "second")
    command("dpkg-deb", "--raw-extract", FIRST, tree)
    replace(f"{tree}/DEBIAN/control", r"^Version: .*", "Version: 99.0-1")
    replace(tree + CONFIG, r"\A", "; from version 99\n")
    (unit,) = glob.glob(f"{tree}/**/systemd/system/{UNIT}", recursive=True)
    replace(unit, r"^Description=.*", "Description=The unit of version 99")
    SECOND = os.path.join(FOLDER, "echotimed_99.0-1.deb")
    command("dpkg-deb", "--root-owner-group", "--build", tree, SECOND)


def replace(path, pattern, text):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = re.sub(pattern, text, old, flags=re.MULTILINE)
    assert new != old, (path, pattern)
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)


class Package(unittest.TestCase):
    def test_lintian_finds_nothing(self):
        done = support.run(["lintian", "--allow-root", "--fail-on", "error,warning", FIRST],
                           deadline=120)
        self.assertEqual((done.status, re.findall(rb"^[EW]: .*", done.output, re.MULTILINE)),
                         (0, []), done.output.decode())

    def test_files_are_where_debian_wants_them(self):
        listed = {fields[5]: fields[0] + " " + fields[1] for fields in (
            line.split(None, 5) for line in command("dpkg-deb", "--contents", FIRST).splitlines())}
        document = "./usr/share/doc/echotimed"
        for path in (f".{CONFIG}", f"{document}/copyright", f"{document}/changelog.Debian.gz"):
            self.assertEqual(listed[path], "-rw-r--r-- root/root")
        self.assertEqual(listed["./usr/sbin/echotimed"], "-rwxr-xr-x root/root")
        self.assertIn("-rw-r--r-- root/root", [modes for path, modes in listed.items()
                                               if path.endswith(f"/systemd/system/{UNIT}")])
        self.assertNotIn("w", "".join(modes[5] + modes[8] for modes in listed.values()))

    def test_same_sources_make_the_same_package(self):
        with tempfile.TemporaryDirectory() as folder:
            command("cpack", "--config", os.path.join(BINARY_DIR, "CPackConfig.cmake"), "-B", folder,
                    cwd=folder)
            (again,) = glob.glob(f"{folder}/*.deb")
            with open(again, "rb") as one, open(FIRST, "rb") as other:
                self.assertEqual(one.read(), other.read())


class Installed(unittest.TestCase):
    """Each test begins and ends on a machine without the package."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        # What a container's image has against services that start.
        cls.machine.run("rm -f /usr/sbin/policy-rc.d", check=True)
        if os.environ.get("ETD_SANITIZE"):
            # A leak is looked for with ptrace(2), which the sandbox does not allow.
            cls.machine.write_file(f"/etc/systemd/system/{UNIT}.d/sanitizer.conf",
                                   "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        for package in (FIRST, SECOND):
            shutil.copy(package, cls.machine.path("/mnt/"))

    def setUp(self):
        self.addCleanup(self.dpkg, "--purge", "echotimed")

    def files(self):
        listed = self.machine.run("find / -xdev; find /etc /usr /var -xdev", check=True)
        return {path for path in listed.output.splitlines() if not OTHERS.search(path)}

    def manage(self, *words):
        environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
        done = self.machine.run([*environment, *words], check=True)
        self.assertNotRegex(done.errors, r"(?i)syntax|error|failed|deb-systemd")

    def dpkg(self, *words):
        """apt-get without its thoughts about other packages, which take longer than all the rest."""
        self.manage("dpkg", *words)

    def install(self, package, *options):
        self.dpkg(*options, "--install", f"/mnt/{os.path.basename(package)}")

    def upgrade(self):
        """As an unattended upgrade does; the administrator's file goes before the package's."""
        self.install(SECOND, "--force-confold")
        self.assertEqual(self.machine.run("dpkg-query -W -f '${Version}' echotimed").output, "99.0-1")

    def state(self):
        return tuple(self.machine.run(f"systemctl {verb} {UNIT}").output.strip()
                     for verb in ("is-enabled", "is-active"))

    def pid(self):
        return self.machine.show(UNIT, "MainPID")

    def assert_serving(self, port=8080):
        with self.machine.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.settimeout(support.DEADLINE)
            stream.connect(("127.0.0.1", port))
            stream.sendall(b"hello")
            self.assertEqual(stream.recv(1024), b"hello")
        with self.machine.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(support.DEADLINE)
            datagrams.connect(("127.0.0.1", 9000))
            datagrams.send(b"time?")
            self.assertRegex(datagrams.recv(1024), rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

    def read(self, path):
        with open(self.machine.path(path), encoding="utf-8") as file:
            return file.read()

    def use_port(self, port):
        """What an administrator does; gives the file as it is then."""
        self.machine.write_file(CONFIG, self.read(CONFIG).replace(":8080", f":{port}"))
        self.machine.run(f"systemctl restart {UNIT}", check=True)
        self.assert_serving(port)
        return self.read(CONFIG)

    def test_installed_it_serves(self):
        self.manage("apt-get", "--yes", "install", f"/mnt/{os.path.basename(FIRST)}")
        self.assertEqual(self.state(), ("enabled", "active"))
        self.machine.run("systemctl enable --now echotimed", check=True)
        self.assert_serving()
        self.assertIn(f"-c {CONFIG}", self.machine.run(["ps", "-o", "args=", self.pid()]).output)

    def test_port_in_use_fails_no_installation(self):
        with self.machine.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
            other.bind(("127.0.0.1", 8080))
            other.listen()
            self.machine.run(["dpkg", "--install", f"/mnt/{os.path.basename(FIRST)}"], check=True)
            self.assertNotEqual(self.state()[1], "active")
        self.machine.wait_for("it starts by itself when the port is free",
                              lambda: self.state()[1] == "active")
        self.assert_serving()

    def test_policy_against_starting_is_obeyed(self):
        self.machine.write_file("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
        self.machine.run("chmod +x /usr/sbin/policy-rc.d", check=True)
        self.addCleanup(os.unlink, self.machine.path("/usr/sbin/policy-rc.d"))
        self.install(FIRST)
        self.assertEqual(self.state(), ("enabled", "inactive"))

    def test_upgrade_keeps_the_changed_configuration(self):
        self.install(FIRST)
        changed = self.use_port(8081)
        before = self.pid()
        self.upgrade()
        self.assertEqual(self.read(CONFIG), changed)
        self.assertTrue(self.read(f"{CONFIG}.dpkg-dist").startswith("; from version 99\n"))
        self.assertEqual(self.state(), ("enabled", "active"))
        self.assertNotEqual(self.pid(), before)
        self.assert_serving(8081)

    def test_upgrade_brings_a_new_unit_and_configuration_where_none_was_changed(self):
        self.install(FIRST)
        self.upgrade()
        self.assertTrue(self.read(CONFIG).startswith("; from version 99\n"))
        self.assertEqual(self.machine.show(UNIT, "Description"), "The unit of version 99")
        self.assertEqual(self.machine.show(UNIT, "NeedDaemonReload"), "no")
        self.assert_serving()

    def test_upgrade_is_one_restart_and_no_stop(self):
        self.install(FIRST)
        self.machine.run("journalctl --sync", check=True)  # what comes before gets its time before
        since = self.machine.run("date '+%Y-%m-%d %H:%M:%S.%6N'", check=True).output.strip()
        self.upgrade()
        self.machine.run("journalctl --sync", check=True)
        told = self.machine.run(["journalctl", "--output=cat", f"--since={since}", f"UNIT={UNIT}",
                                 "_PID=1"], check=True).output
        self.assertEqual(re.findall(r"^(Stopping|Started)", told, re.MULTILINE),
                         ["Stopping", "Started"], told)

    def test_what_was_disabled_stays_so(self):
        self.install(FIRST)
        self.machine.run("systemctl disable --now echotimed", check=True)
        self.upgrade()
        self.assertEqual(self.state(), ("disabled", "inactive"))

    def test_remove_keeps_the_configuration_and_purge_nothing(self):
        files, accounts = self.files(), self.machine.run(ACCOUNTS, check=True).output
        self.install(FIRST)
        changed = self.use_port(8081)
        self.upgrade()
        pid = self.pid()
        self.manage("apt-get", "--yes", "remove", "echotimed")
        self.assertNotEqual(self.machine.run(["kill", "-0", pid]).status, 0)
        self.assertEqual(self.machine.show(UNIT, "LoadState"), "not-found")
        self.assertEqual(self.read(CONFIG), changed)
        self.manage("apt-get", "--yes", "purge", "echotimed")
        self.assertEqual(sorted(self.files() ^ files), [])
        self.assertEqual(self.machine.run(ACCOUNTS, check=True).output, accounts)
        self.assertNotIn("echotimed", self.machine.run("systemctl list-units --all").output)

    def test_removed_and_installed_again_it_serves(self):
        self.install(FIRST)
        self.use_port(8081)
        self.dpkg("--remove", "echotimed")
        self.install(SECOND, "--force-confold")
        self.assertEqual(self.state(), ("enabled", "active"))
        self.assert_serving(8081)

    def test_files_of_the_administrator_outlive_the_purge(self):
        self.install(FIRST)
        self.machine.write_file("/etc/echotimed/mine.ini", "; mine\n")
        self.dpkg("--purge", "echotimed")
        self.assertEqual(self.read("/etc/echotimed/mine.ini"), "; mine\n")
        self.machine.run("rm -r /etc/echotimed", check=True)


if __name__ == "__main__":
    support.main()
