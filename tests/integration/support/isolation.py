"""A network of our own, where every port is free and every packet is ours."""

import os
import sys

from .process import run

INSIDE = "ETD_TEST_ISOLATED"


def isolate():
    """Runs the calling test file again in network and mount namespaces of its own, loopback up.

    Call it first thing under `if __name__ == "__main__"`. What it mounts and configures disappears
    with it. Needs no root where the kernel lets an ordinary user make a user namespace.
    """
    if os.environ.get(INSIDE) == "yes":
        loopback = run(["ip", "link", "set", "lo", "up"])
        if loopback.status != 0:
            sys.exit(f"cannot bring up the loopback interface: {loopback.errors.decode()}")
        return
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *as_root, "--net", "--mount", sys.executable, "-B", *sys.argv]
    os.environ[INSIDE] = "yes"
    try:
        os.execvp(command[0], command)
    except OSError as failure:
        sys.exit(f"cannot run unshare, which is in the package util-linux: {failure}")
