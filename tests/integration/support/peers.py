"""Programs by others: where they are, and xinetd, chronyd and socat as servers."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile

from .network import free_port
from .process import serving_sockets
from .waiting import DEADLINE, wait_until


def find(program):
    """The path of a program that scripts/test.sh has installed, or unpacked in build/peers."""
    unpacked = os.path.join(os.environ["ETD_SOURCE_DIR"], "build", "peers", "usr")
    ours = [os.path.join(unpacked, folder) for folder in ("sbin", "bin")]
    folders = [*ours, os.environ["PATH"], "/usr/sbin", "/sbin"]
    found = shutil.which(program, path=os.pathsep.join(folders))
    if found is None:
        raise AssertionError(f"no {program}: scripts/test.sh installs or unpacks one")
    return found


class Peer:
    """A server in the foreground that is ended with the `with`."""

    def __init__(self, command):
        self._command = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC"},  # inetds tell the host's time
        )
        try:
            wait_until(self._is_ready, f"{self._command[3]} serves")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self._command[3:]} ended with {self._process.returncode}")
        return self.ready()

    def ready(self):
        raise NotImplementedError


def listens(port, transport):
    """Whether somebody listens there, in our network namespace."""
    return (transport, port) in serving_sockets().values()


class Xinetd(Peer):
    """xinetd with its own echo, daytime and time, over TCP and UDP, at the well-known ports."""

    PORTS = {"echo": 7, "daytime": 13, "time": 37}

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="echotimed-xinetd-")
        path = os.path.join(self._folder.name, "xinetd.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("defaults\n{\n  cps = 0 0\n  instances = UNLIMITED\n}\n")
            for service in self.PORTS:
                for kind, protocol in ("stream", "tcp"), ("dgram", "udp"):
                    file.write(
                        f"service {service}\n{{\n  type = INTERNAL\n"
                        f"  id = {service}-{kind}\n  socket_type = {kind}\n"
                        f"  protocol = {protocol}\n  user = root\n"
                        f"  wait = {'yes' if kind == 'dgram' else 'no'}\n}}\n"
                    )
        super().__init__([find("xinetd"), "-dontfork", "-f", path, "-pidfile", path + ".pid"])

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self._folder.cleanup()

    def ready(self):
        return all(
            listens(port, transport) for port in self.PORTS.values() for transport in ("tcp", "udp")
        )


class Chronyd(Peer):
    """chronyd as a server of NTP that leaves the clock alone and calls it good, at stratum 8."""

    def __init__(self):
        self.port = free_port(socket.SOCK_DGRAM)
        self._folder = tempfile.TemporaryDirectory(prefix="echotimed-chrony-")
        path = os.path.join(self._folder.name, "chrony.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(
                f"port {self.port}\nlocal stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\n"
                f"pidfile {self._folder.name}/pid\n"
            )
        super().__init__([find("chronyd"), "-x", "-n", "-U", "-u", "root", "-f", path])

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self._folder.cleanup()

    def ready(self):
        return listens(self.port, "udp")


class Socat(Peer):
    """socat as an echo, at a port of its own."""

    def __init__(self, transport):
        self._transport = transport
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        self.port = free_port(kind)
        # Of UDP a process for each datagram: one for all would now and then join two in its pipe.
        kind = "TCP4-LISTEN" if transport == "tcp" else "UDP4-RECVFROM"
        listen = f"{kind}:{self.port},bind=127.0.0.1,fork,reuseaddr"
        super().__init__([find("socat"), listen, "PIPE"])

    def ready(self):
        return listens(self.port, self._transport)
