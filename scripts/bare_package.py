"""Installs the package in a bare Debian that bare-package.sh made, and looks whether it serves."""

import os
import re
import socket
import sys

from support.systemd_machine import Machine

INSTALL = "apt-get install ./echotimed_*.deb && systemctl enable --now echotimed"
# Not the package's own: package lists, logs, and what the running system writes.
OTHERS = re.compile(r"^/(dev|proc|run|sys|tmp|var/(cache|log|tmp|lib/(apt|dpkg|systemd/catalog)))/"
                    r"|^/etc/(ld\.so\.cache|machine-id)$|^/root/")


def say(text):
    print(f"== bare machine: {text}", flush=True)


def files(machine):
    listed = machine.run("find / -xdev", check=True).output.splitlines()
    return {path for path in listed if not OTHERS.search(path)}


def packages(machine):
    return machine.run("dpkg-query --show --showformat '${Package} '", check=True).output.split()


def show_answers(machine):
    with machine.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        stream.settimeout(30)
        stream.connect(("127.0.0.1", 8080))
        stream.sendall(b"hello")
        echoed = stream.recv(1024)
        assert echoed == b"hello", echoed
        say(f"TCP 127.0.0.1:8080 echoes {echoed.decode()}")
    with machine.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(30)
        datagrams.connect(("127.0.0.1", 9000))
        datagrams.send(b"time?")
        told = datagrams.recv(1024).decode()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", told), told
        say(f"UDP 127.0.0.1:9000 answers time? with {told}")


def main(system):
    with Machine(system=system) as machine:
        version = machine.run("cat /etc/debian_version", check=True).output.strip()
        before = packages(machine)
        files_before = files(machine)
        say(f"Debian {version} has booted, with {len(before)} packages")
        say(INSTALL)
        # The question whether to continue is answered as a person does.
        done = machine.run(f"cd /root && {INSTALL}", stdin=b"y\n")
        print(done.output + done.errors, flush=True)
        assert done.status == 0, done.status
        say("installed besides: " + " ".join(sorted(set(packages(machine)) - set(before))))
        show_answers(machine)
        print(machine.run("systemctl --no-pager --lines=0 status echotimed", check=True).output)

    say("rebooting")
    with Machine(system=system) as machine:
        machine.wait_for("echotimed runs after a reboot", lambda: machine.run(
            "systemctl is-active echotimed").output.strip() == "active")
        show_answers(machine)
        say("apt-get purge echotimed")
        machine.run("apt-get --yes purge --autoremove echotimed", check=True)
        left = sorted(files(machine) - files_before)
        assert not left, left
        assert sorted(packages(machine)) == sorted(before)
        say("nothing is left")


if __name__ == "__main__":
    assert os.path.isdir(sys.argv[1]), sys.argv[1]
    main(sys.argv[1])
