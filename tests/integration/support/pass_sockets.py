"""Stands in for a service manager: passes sockets by sd_listen_fds(3), and becomes the command.

    pass_sockets.py NAME=KIND:HOST... -- COMMAND [ARGUMENT]...

The kernel chooses the ports. The sockets are blocking and without any option of the daemon's,
as they come from a manager. LISTEN_FDS and LISTEN_FDNAMES that are set already stay.
"""

import os
import socket
import sys

FIRST = 3  # SD_LISTEN_FDS_START
SO_RCVBUFFORCE = 33  # of <asm/socket.h>; Python has no name for it


def opened(host, kind, dual=False):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
    made.bind((host, 0))
    return made


def tcp(host, dual=False):
    made = opened(host, socket.SOCK_STREAM, dual)
    made.listen()
    return made


def udp(host, dual=False):
    return opened(host, socket.SOCK_DGRAM, dual)


def udp_beyond_the_limit(host):
    """Its receive buffer is larger than net.core.rmem_max: a privileged manager can have that."""
    made = udp(host)
    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, int(file.read()) + 65536)
    return made


def connected(made):
    other = opened("127.0.0.1", made.type)
    if made.type == socket.SOCK_STREAM:
        other.listen()
    made.connect(other.getsockname())
    # It must outlive this program, or the connection ends with it.
    os.dup2(other.detach(), 200, inheritable=True)
    return made


def unix(_):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind("")
    made.listen()
    return made


KINDS = {
    "tcp": tcp,
    "udp": udp,
    "tcp-dual": lambda host: tcp(host, dual=True),
    "udp-dual": lambda host: udp(host, dual=True),
    "udp-large": udp_beyond_the_limit,
    "tcp-silent": lambda host: opened(host, socket.SOCK_STREAM),
    "tcp-connected": lambda host: connected(opened(host, socket.SOCK_STREAM)),
    "udp-connected": lambda host: connected(udp(host)),
    "unix": unix,
    "netlink": lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "udplite": lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE),
    "pipe": lambda _: os.fdopen(os.pipe()[0]),
}


def main():
    border = sys.argv.index("--")
    given = [argument.split("=", 1) for argument in sys.argv[1:border]]
    made = [KINDS[kind](host) for kind, _, host in (what.partition(":") for _, what in given)]
    # Out of the way first: one of them may have the number of another.
    moved = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(made)]
    for i, number in enumerate(moved):
        os.dup2(number, FIRST + i)
        os.close(number)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ.setdefault("LISTEN_FDS", str(len(made)))
    os.environ.setdefault("LISTEN_FDNAMES", ":".join(name for name, _ in given))
    command = sys.argv[border + 1 :]
    os.execv(command[0], command)


main()
