"""busy_poll: the daemon asks for more before it sleeps, and then does sleep."""

import time
import unittest

import support
from support import Daemon, connect, exchange, wait_until

CONFIGURATION = "[daemon]\nbusy_poll = 20ms\n[tcp]\nlisten = 127.0.0.1:0\nidle_timeout = 1h\n"
IDLE = "[tcp idle]\nlisten = 127.0.0.1:0\nidle_timeout = 300ms\n"


class BusyPoll(unittest.TestCase):
    def test_messages_time_outs_and_the_end_work_as_without(self):
        with Daemon(CONFIGURATION + IDLE) as daemon:
            with connect(daemon.address("tcp")) as stream:
                for number in range(100):
                    message = b"%d" % number
                    self.assertEqual(exchange(stream, message), message)
            with connect(daemon.address("tcp idle")) as stream:
                self.assertEqual(stream.recv(1), b"", "the idle time-out still closes")

    def test_it_polls_after_work_and_sleeps_when_there_is_none(self):
        with Daemon(CONFIGURATION) as daemon:
            with connect(daemon.address("tcp")) as stream:
                before = daemon.cpu_seconds()
                # Some 20 ms of polling behind each; the messages themselves take less than 1 ms in all.
                for _ in range(20):
                    exchange(stream, b"x")
                    time.sleep(0.025)
                self.assertGreater(daemon.cpu_seconds() - before, 0.05)
                wait_until(lambda: self.rests(daemon), "sleep")

    @staticmethod
    def rests(daemon):
        """Whether half a second passed without any CPU time to speak of."""
        before = daemon.cpu_seconds()
        time.sleep(0.5)
        return daemon.cpu_seconds() - before < 0.02


if __name__ == "__main__":
    support.isolate()
    support.main()
