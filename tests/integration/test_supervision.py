"""What the service manager is told while the daemon runs: live figures, and signs of life."""

import signal
import time
import unittest

import support
from support import (Daemon, answer_to, connect, exchange, send_until_stuck,
                     wait_until)

CONFIGURATION = "[tcp]\nlisten = 127.0.0.1:0\nidle_timeout = 0\n[udp]\nlisten = 127.0.0.1:0\n"
EPOLL_WAIT = (232, 281, 22)  # epoll_wait, epoll_pwait of x86-64; epoll_pwait of arm64
FOREVER_MS = 59000  # libev waits for a minute at most where nothing else is due


def waits_for_ms(daemon):
    """How long the loop is going to wait for events; None: it is at work."""
    with open(f"/proc/{daemon.pid}/syscall", encoding="ascii") as file:
        fields = file.read().split()
    if fields[0] == "running" or int(fields[0]) not in EPOLL_WAIT:
        return None
    return int(fields[4], 16)


def statuses(daemon):
    return [notice for notice in daemon.notices if notice.startswith("STATUS=")]


class Status(unittest.TestCase):
    def test_figures_are_live(self):
        with Daemon(CONFIGURATION) as daemon:
            self.assertEqual(statuses(daemon), ["STATUS=serving 2 listeners"])
            with connect(daemon.address("tcp")) as first, connect(daemon.address("tcp")) as second:
                exchange(first, b"x")
                exchange(second, b"x")
                daemon.wait_for_notice(
                    "STATUS=serving: open connections 2, messages 2, datagrams 0, reloads 0 good 0 bad")
                second.close()
                answer_to(daemon.address("udp"), b"time?")
                daemon.wait_for_notice("STATUS=serving: open connections 1, messages 2, datagrams 1, reloads 0 good 0 bad")
            daemon.wait_for_notice("STATUS=serving: open connections 0, messages 2, datagrams 1, reloads 0 good 0 bad")

    def test_under_load_it_is_told_now_and_then(self):
        with Daemon(CONFIGURATION) as daemon, connect(daemon.address("tcp")) as client:
            told = []
            while len(told) < 3:
                exchange(client, b"x")
                if len(statuses(daemon)) > len(told):
                    told.append(time.monotonic())
            # The first is that of READY; the one behind it may come as soon as the pause allows.
            self.assertGreater(told[2] - told[1], 2)
            self.assertLess(told[2] - told[1], support.DEADLINE)

    def test_idle_daemon_is_not_woken(self):
        with Daemon(CONFIGURATION) as daemon:
            wait_until(lambda: (waits_for_ms(daemon) or 0) > FOREVER_MS, "it waits without a timer")
            with connect(daemon.address("tcp")) as client:
                exchange(client, b"x")
                wait_until(lambda: 0 < (waits_for_ms(daemon) or 0) <= 5001, "it waits to tell it")
                daemon.wait_for_notice("STATUS=serving: open connections 1, messages 1, datagrams 0, reloads 0 good 0 bad")
                wait_until(lambda: (waits_for_ms(daemon) or 0) > FOREVER_MS, "no timer is left")
            self.assertEqual(daemon.notices.count("WATCHDOG=1"), 0)

    def test_without_a_manager_no_timer_runs(self):
        with Daemon(CONFIGURATION, notify=False) as daemon:
            with connect(daemon.address("tcp")) as client:
                for _ in range(3):
                    exchange(client, b"x")
                    wait_until(lambda: (waits_for_ms(daemon) or 0) > FOREVER_MS, "it just waits")

    def test_busy_poll_still_ends(self):
        with Daemon("[daemon]\nbusy_poll = 1ms\n" + CONFIGURATION) as daemon:
            with connect(daemon.address("tcp")) as client:
                exchange(client, b"x")
                daemon.wait_for_notice("STATUS=serving: open connections 1, messages 1, datagrams 0, reloads 0 good 0 bad")
                wait_until(lambda: (waits_for_ms(daemon) or 0) > FOREVER_MS, "it sleeps")

    def test_reloads_are_told_and_the_figures_come_back_behind_them(self):
        with Daemon(CONFIGURATION) as daemon:
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_notice("READY=1", count=2)
            daemon.wait_for_notice("STATUS=serving: open connections 0, messages 0, datagrams 0, "
                                   "reloads 1 good 0 bad")
            daemon.write_configuration("[tcp\n")
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_notice("STATUS=serving: open connections 0, messages 0, datagrams 0, "
                                   "reloads 1 good 1 bad")

    def test_drain_is_told(self):
        configuration = "[daemon]\ndrain_timeout = 1h\n" + CONFIGURATION
        with Daemon(configuration) as daemon, connect(daemon.address("tcp")) as client:
            send_until_stuck(client)
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_notice("STOPPING=1")
            self.assertIn("STATUS=closing connections", statuses(daemon))
            wait_until(lambda: statuses(daemon)[-1].startswith(
                "STATUS=closing connections: open connections 1, "), "the figures of the drain")
            daemon.signal(signal.SIGTERM)
            daemon.wait_exit()


class Watchdog(unittest.TestCase):
    def test_signs_of_life_come_twice_in_its_time(self):
        begin = time.monotonic()
        with Daemon(CONFIGURATION, environment={"WATCHDOG_USEC": "1000000"}) as daemon:
            daemon.wait_for_notice("WATCHDOG=1", count=5)
            # Not too often: the start and delays of ours only add to it. Nor too seldom: so the loop waits.
            self.assertGreater(time.monotonic() - begin, 2.4)
            wait_until(lambda: 0 < (waits_for_ms(daemon) or 0) <= 501, "half of its time")

    def test_they_come_from_the_one_thread_that_serves(self):
        with Daemon(CONFIGURATION, environment={"WATCHDOG_USEC": "100000"}) as daemon:
            daemon.wait_for_notice("WATCHDOG=1", count=2)
            wait_until(lambda: 0 <= (waits_for_ms(daemon) or 99) <= 51, "the loop waits for its timer")
            with open(f"/proc/{daemon.pid}/status", encoding="ascii") as status:
                self.assertIn("Threads:\t1\n", status.read())

    def test_they_go_on_during_a_drain(self):
        configuration = "[daemon]\ndrain_timeout = 1h\n" + CONFIGURATION
        with Daemon(configuration, environment={"WATCHDOG_USEC": "100000"}) as daemon:
            with connect(daemon.address("tcp")) as client:
                send_until_stuck(client)
                daemon.signal(signal.SIGTERM)
                daemon.wait_for_notice("STOPPING=1")
                daemon.wait_for_notice("WATCHDOG=1", count=daemon.notices.count("WATCHDOG=1") + 3)
                daemon.signal(signal.SIGTERM)
                daemon.wait_exit()

    def test_watchdog_of_another_process_is_not_ours(self):
        environment = {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
        with Daemon(CONFIGURATION, environment=environment) as daemon:
            wait_until(lambda: (waits_for_ms(daemon) or 0) > FOREVER_MS, "it waits without a timer")


if __name__ == "__main__":
    support.isolate()
    support.main()
