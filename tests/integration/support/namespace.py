"""A second network namespace beside the test's own, for a host on the other end of a wire."""

import ctypes
import os
import socket
import subprocess
import threading

from .process import run
from .waiting import DEADLINE, wait_until

CLONE_NEWNET = 0x40000000
IPV6_LEAST_MTU = 1280  # RFC 8200 section 5; the kernel has no IPv6 on a link with less


class Namespace:
    """A network namespace, loopback up, that lasts as long as the `with`.

    `prefix` is what a command begins with to run in it, as Daemon takes it. Call `isolate` first:
    the privilege to make one may come from there.
    """

    def __init__(self):
        self._wire = None

    def __enter__(self):
        # It lives in a process that ends with its standard input, and so with us, however we end.
        self._holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._holder.stdin.write(b"!")
        if self._holder.stdout.read(1) != b"!":  # it is in its namespace once it answers
            self.close()
            raise AssertionError("no second network namespace can be had: run this test as root")
        self.pid = self._holder.pid
        self.prefix = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        self.ip("link set lo up")
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._wire is not None:
            ip(f"link delete {self._wire}")  # at once: the kernel takes its time over namespaces
        self._holder.stdin.close()
        self._holder.wait(DEADLINE)
        self._holder.stdout.close()

    def join(self, near="near", far="far", mtu=1500):
        """Lays a wire from us, where it is `near`, to there, where it is `far`; waits until it is up."""
        ip(f"link add {near} mtu {mtu} type veth peer name {far} mtu {mtu} netns {self.pid}")
        self._wire = near
        for name, prefix in (near, ()), (far, self.prefix):
            if mtu >= IPV6_LEAST_MTU:
                ip(f"link set {name} addrgenmode none", prefix)  # all addresses are the test's
            ip(f"link set {name} up", prefix)
        for name, prefix in (near, ()), (far, self.prefix):
            wait_for_link(name, prefix)

    def ip(self, command):
        """ip(8) in there; fails unless it succeeds."""
        ip(command, self.prefix)

    def link_index(self, name):
        """The number of a network interface in there, as an IPv6 scope has it."""
        link = run([*self.prefix, "ip", "-o", "link", "show", "dev", name])
        return int(link.output.partition(b":")[0])

    def socket(self, *arguments):
        """A socket of this network. Takes what socket.socket takes."""
        made = []

        # Only this thread moves, and a socket stays where it was made.
        def make():
            libc = ctypes.CDLL(None, use_errno=True)
            namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
            try:
                if libc.setns(namespace, CLONE_NEWNET) == 0:
                    made.append(socket.socket(*arguments))
            finally:
                os.close(namespace)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise AssertionError("cannot open a socket in the second network namespace")
        return made[0]


def ip(command, prefix=()):
    """ip(8) in our own network; fails unless it succeeds. An address that was added can be used then;
    its link must be up, see wait_for_link."""
    words = command.split()
    done = run([*prefix, "ip", *words])
    if done.status != 0:
        raise AssertionError(f"ip {command}: {done.errors.decode()}")
    if words[:2] == ["address", "add"]:
        wait_for_route(words[2].partition("/")[0], words[words.index("dev") + 1], prefix)


def wait_for_route(host, link, prefix=()):
    """Waits until the kernel delivers to an address of our own. For IPv6 it adds the route some time
    after ip(8) has ended."""

    def has_route():
        family = "-6" if ":" in host else "-4"
        shown = run([*prefix, "ip", family, "route", "show", "table", "local", "dev", link])
        return f"local {host} ".encode() in shown.output

    wait_until(has_route, f"the route to {host}")


def wait_for_link(name, prefix=()):
    """Waits until a network interface is up: before, its IPv6 addresses have no routes."""

    def is_up():
        shown = run([*prefix, "ip", "-o", "link", "show", "dev", name])
        return b"state UP" in shown.output

    wait_until(is_up, f"the network interface {name} is up")
