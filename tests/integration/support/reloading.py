"""A daemon that is told to reload, and what came of it."""

import signal
from typing import NamedTuple

from .daemon import Daemon
from .process import descriptors, serving_sockets
from .waiting import wait_until

REFUSED = "reload refused: the old configuration stays"


class Sockets(NamedTuple):
    """Sockets as the kernel numbers them. Those that do not serve are there for a moment or as long as a
    peer is: a connection, a notice to the manager, a question about the host's addresses."""

    opened: set
    serving: set


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
        """Those that it has open now."""
        opened = {
            target for target in descriptors(self.pid).values() if target.startswith("socket:")
        }
        return Sockets(opened, opened & serving_sockets(self.pid).keys())

    def wait_for_sockets(self, before):
        """Waits until those that served before are open, and no other that was not."""

        def is_as_before():
            now = self.sockets()
            return before.serving <= now.opened <= before.opened

        wait_until(is_as_before, f"sockets as before: {before}")
