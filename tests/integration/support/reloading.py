"""A daemon that is told to reload, and what came of it."""

import os
import signal

from .daemon import Daemon
from .waiting import wait_until

REFUSED = "reload refused: the old configuration stays"


class ReloadingDaemon(Daemon):
    """With the reload of a text as one call, which waits for what came of it."""

    good = bad = 0

    def reload(self, text):
        self.write_configuration(text)
        self.reload_again()

    def reload_again(self):
        self.good += 1
        self.signal(signal.SIGHUP)
        self.wait_for_line("reloaded", count=self.good)

    def reload_in_vain(self, text=None):
        """Gives the lines of the log that came of it."""
        if text is not None:
            self.write_configuration(text)
        self.bad += 1
        before = len(self.log)
        self.signal(signal.SIGHUP)
        self.wait_for_line(REFUSED, count=self.bad)
        return self.log[before:]

    def sockets(self):
        """The sockets that it has open, as the kernel numbers them; but for those of a moment, by which
        the C library asks the kernel for the host's addresses."""
        found = set()
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                target = os.readlink(f"/proc/{self.pid}/fd/{name}")
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:"):
                found.add(target)
        with open(f"/proc/{self.pid}/net/netlink", encoding="ascii") as file:
            asking = {f"socket:[{line.split()[9]}]" for line in file.readlines()[1:]}
        return found - asking

    def wait_for_sockets(self, expected):
        """Waits until just these are open: that of the manager's notices goes behind the log's line."""
        wait_until(lambda: self.sockets() == expected, f"just these sockets: {expected}")
