"""What the kernel says of its clock, as a test wants it; the host's clock is not touched."""

import os
import tempfile

TIME_OK, TIME_INS, TIME_ERROR = 0, 1, 5
STA_INS, STA_UNSYNC = 0x0010, 0x0040


class KernelClock:
    """Makes adjtimex tell a daemon what the test says; the time itself stays real.

        with KernelClock() as clock, Daemon(..., prefix=clock.prefix) as daemon:
            clock.synchronise(max_error_us=1000)

    Not synchronised at first. The daemon asks at most once a second, so wait for the change.
    """

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="echotimed-clock-")
        self._path = os.path.join(self._folder.name, "state")
        # A list of libraries ends at a blank, which the folder of a build may have in its name.
        self._library = os.path.join(self._folder.name, "kernel_clock.so")
        os.symlink(os.environ["ETD_KERNEL_CLOCK"], self._library)
        self.lose()
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    @property
    def prefix(self):
        """The command that runs a daemon under this clock."""
        # The sanitizers' library wants to be the first; what is before it here is not its concern.
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return [
            "env",
            f"LD_PRELOAD={self._library}",
            f"ETD_KERNEL_CLOCK_STATE={self._path}",
            f"ASAN_OPTIONS={sanitizer}:verify_asan_link_order=0",
        ]

    def synchronise(self, max_error_us=1000, leap_second=False):
        status, returned = (STA_INS, TIME_INS) if leap_second else (0, TIME_OK)
        self._tell(f"{returned} {status} {max_error_us}")

    def lose(self):
        """Nobody disciplines the clock: its error is as large as the kernel tells."""
        self._tell(f"{TIME_ERROR} {STA_UNSYNC} 16000000")

    def refuse(self):
        """The call fails, as in a sandbox that forbids it."""
        self._tell("refused")

    def _tell(self, state):
        # In one step: the daemon may read it at any time.
        with open(self._path + ".new", "w", encoding="ascii") as file:
            file.write(state)
        os.replace(self._path + ".new", self._path)
