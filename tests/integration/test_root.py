"""Started as root on low ports, with [daemon] user: answers, and has nothing of root left."""

import os
import re
import sys
import tempfile
import unittest

import support
from support import Daemon, answer_to, connect, exchange, receive_to_end, wait_until
from support.reloading import ReloadingDaemon
from support.scrape import ask

LOW_PORTS = """
[daemon]
user = nobody

[tcp]
listen = 127.0.0.1:7

[tcp daytime]
listen = 127.0.0.1:13
service = daytime

[udp time]
listen = 127.0.0.1:37
service = rfc868
"""
NOBODY = "65534"
NOTHING = "0" * 16
CAP_NET_BIND_SERVICE = 10
# A leak is looked for with ptrace(2), which a process that changed its user does not allow.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0"}
OWN_PROCESSES = "ETD_TEST_OWN_PROCESSES"


class Root(unittest.TestCase):
    """What the cases have in common."""

    def daemon(self, configuration, **options):
        return Daemon(configuration, environment=ENVIRONMENT, **options)

    def assert_answers(self):
        with connect(("127.0.0.1", 7)) as stream:
            self.assertEqual(exchange(stream, b"hello"), b"hello")
        with connect(("127.0.0.1", 13)) as stream:
            self.assertRegex(receive_to_end(stream), rb"^\d\d [A-Z]{3} \d{4} .* UTC\r\n$")
        self.assertEqual(len(answer_to(("127.0.0.1", 37), b"")), 4)

    def assert_nothing_left(self, pid, uid=NOBODY, gid=NOBODY, bounding=NOTHING):
        """Of every thread: capabilities and ids are a thread's own."""
        threads = os.listdir(f"/proc/{pid}/task")
        self.assertTrue(threads)
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
                status = dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", file.read(), re.MULTILINE))
            found = {name: status[name].split() for name in ("Uid", "Gid")}
            self.assertEqual(found, {"Uid": 4 * [uid], "Gid": 4 * [gid]})
            self.assertEqual(status["Groups"], "")
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual((name, status[name]), (name, NOTHING))
            self.assertEqual(status["CapBnd"], bounding)
            self.assertEqual(status["NoNewPrivs"], "1")


class GivenUp(Root):
    def test_low_ports_are_answered_by_nobody(self):
        # Groups and capabilities to leave, as a login of root has.
        rich = ["setpriv", "--groups", "0,1,4", "--inh-caps", "+chown,+setuid",
                "--ambient-caps", "+chown,+setuid"]
        with self.daemon(LOW_PORTS, prefix=rich) as daemon:
            self.assert_answers()
            self.assert_nothing_left(daemon.pid)

    def test_group_of_its_own(self):
        with self.daemon(LOW_PORTS.replace("nobody", "nobody\ngroup = games")) as daemon:
            self.assert_nothing_left(daemon.pid, gid="60")

    def test_ids_in_digits_need_no_entry(self):
        with self.daemon(LOW_PORTS.replace("nobody", "471147\ngroup = 471148")) as daemon:
            self.assert_answers()
            self.assert_nothing_left(daemon.pid, uid="471147", gid="471148")

    def test_given_up_before_anything_is_read_and_before_ready(self):
        trace = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "trace")
        calls = "--trace=bind,listen,setresuid,sendmsg,sendto,recvfrom,accept4,recvmsg,recvmmsg"
        with self.daemon(LOW_PORTS, prefix=["strace", "-D", "-o", trace, "-s", "200", calls]):
            self.assert_answers()

        def traced():
            with open(trace, encoding="utf-8", errors="replace") as file:
                text = file.read()
            return text.splitlines() if "+++ exited with 0 +++" in text else None

        lines = wait_until(traced, "the trace is complete")

        def places(pattern):
            return [place for place, line in enumerate(lines) if re.search(pattern, line)]

        given_up = places(r"setresuid\(65534, 65534, 65534\) += 0")[0]
        self.assertEqual(len(places(r"bind\(.*sin_port=htons\((7|13|37)\)")), 3, lines)
        self.assertLess(places(r"bind\(.*htons")[-1], given_up)
        self.assertLess(places(r"listen\(")[-1], given_up)
        for later in ("READY=1", r"accept4\(", r"recvm?msg\("):
            self.assertGreater(places(later)[0], given_up, later)
        # The way back is tried, and is closed.
        self.assertTrue(places(r"setresuid\(0, -1, -1\) += -1 EPERM"))

    def test_many_connections_and_bulk_as_nobody(self):
        with self.daemon(LOW_PORTS) as daemon:
            streams = [self.enterContext(connect(("127.0.0.1", 7))) for _ in range(200)]
            for stream in streams:
                self.assertEqual(exchange(stream, b"all of us"), b"all of us")
            data = os.urandom(1 << 16) * 64
            self.assertEqual(support.send_and_receive_all(streams[0], data), data)
            self.assert_nothing_left(daemon.pid)

    def test_limit_of_descriptors_was_raised_before(self):
        low = ["prlimit", "--nofile=256:4096"]
        with self.daemon(LOW_PORTS + "\n[tcp more]\nlisten=127.0.0.1:0\n", prefix=low) as daemon:
            with open(f"/proc/{daemon.pid}/limits", encoding="ascii") as limits:
                self.assertRegex(limits.read(), r"Max open files +4096 +4096")

    def refused(self, configuration, status, words, **options):
        daemon = self.daemon(configuration, exit_status=status, **options).run_to_end()
        self.assertIn(words, daemon.log_text())
        self.assertEqual([notice for notice in daemon.notices if notice == "READY=1"], [])
        return daemon

    def test_unknown_user_is_a_mistake_of_the_configuration(self):
        daemon = self.refused(LOW_PORTS.replace("nobody", "no-such-user"), 78,
                              "there is no user no-such-user on this host; make one")
        self.assertNotIn("listening", daemon.log_text())

    def test_root_is_no_user_to_become(self):
        self.refused(LOW_PORTS.replace("nobody", "root"), 78, "to become root gives up nothing")

    def test_not_started_as_root(self):
        games = ["setpriv", "--reuid", "5", "--regid", "60", "--clear-groups"]
        self.refused("[daemon]\nuser = nobody\n[tcp]\nlisten = 127.0.0.1:0\n", 71,
                     "start as root, or leave user out", prefix=games)

    def test_without_the_capabilities_that_it_takes(self):
        for name in ("setpcap", "setgid", "setuid"):
            with self.subTest(name):
                less = ["setpriv", "--inh-caps", f"-{name}", "--bounding-set", f"-{name}"]
                self.refused(LOW_PORTS, 71, f"which takes CAP_{name.upper()}", prefix=less)

    def test_started_as_that_user_with_a_capability(self):
        """As a service manager does that gives ambient capabilities: they go, too. The bounding set
        takes another capability to change; no_new_privs leaves it without effect."""
        nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups",
                  "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service",
                  "--bounding-set", "-all,+net_bind_service"]
        with self.daemon(LOW_PORTS, prefix=nobody) as daemon:
            self.assert_answers()
            self.assert_nothing_left(daemon.pid, bounding=f"{1 << CAP_NET_BIND_SERVICE:016x}")

    def test_file_that_a_reload_could_not_read_is_told(self):
        cannot = "a reload will fail: [daemon] user cannot read the configuration file"
        with self.daemon(LOW_PORTS) as daemon:
            self.assertNotIn(cannot, daemon.log_text())
        secret = ["sh", "-c", 'umask 077; for last; do :; done; cp "$last" "$last.secret"; '
                  'exec "$@.secret"', "sh"]
        with self.daemon(LOW_PORTS, prefix=secret) as daemon:
            self.assertIn(cannot, daemon.log_text())

    def test_root_that_stays_is_told(self):
        plain = "[tcp]\nlisten = 127.0.0.1:0\n"
        with self.daemon(plain) as daemon:
            daemon.wait_for_line("running as root; set [daemon] user")
        nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        with self.daemon(plain, prefix=nobody) as daemon:
            self.assertNotIn("running as root", daemon.log_text())


class Reload(Root):
    """When root is gone for good: what is open stays, and what took root cannot come any more."""

    def daemon(self, configuration):
        return ReloadingDaemon(configuration, environment=ENVIRONMENT)

    def test_low_ports_stay_and_others_come_and_go(self):
        metrics = LOW_PORTS.replace("nobody", "nobody\nmetrics_listen = 127.0.0.1:0", 1)
        with self.daemon(LOW_PORTS) as daemon:
            for _ in range(2):
                daemon.reload(metrics + "[udp more]\nlisten = 127.0.0.1:0\nservice = echo\n")
                self.assert_answers()
                self.assertEqual(ask(daemon.addresses("metrics")[-1], "/healthz").status, 200)
                self.assertEqual(answer_to(daemon.addresses("udp more")[-1], b"more"), b"more")
                self.assert_nothing_left(daemon.pid)
                daemon.reload(LOW_PORTS.replace("[tcp]", "[tcp]\nbacklog = 9"))
                self.assert_answers()

    def test_new_low_port_is_refused_and_says_why(self):
        why = "was given up with root for [daemon] user: restart to bind it"
        with self.daemon(LOW_PORTS) as daemon:
            for text in (
                LOW_PORTS + "[tcp discard]\nlisten = 127.0.0.1:9\nservice = discard\n",
                LOW_PORTS + "[udp echo]\nlisten = 127.0.0.1:7\nservice = echo\n",
                LOW_PORTS.replace("nobody", "nobody\nmetrics_listen = 127.0.0.1:80", 1),
            ):
                lines = daemon.reload_in_vain(text)
                self.assertTrue(any(why in line.text for line in lines), lines)
                self.assert_answers()
            # So is one that was let go.
            daemon.reload(LOW_PORTS.replace("127.0.0.1:13", "127.0.0.1:0"))
            self.assertTrue(any(why in line.text for line in daemon.reload_in_vain(LOW_PORTS)))

    def test_another_user_is_refused(self):
        with self.daemon(LOW_PORTS) as daemon:
            for user in "games", "nobody\ngroup = games", "":
                lines = daemon.reload_in_vain(LOW_PORTS.replace("nobody", user, 1))
                self.assertTrue(any("cannot change this key" in line.text for line in lines), lines)
            self.assert_answers()
            self.assert_nothing_left(daemon.pid)

    def test_file_that_the_user_cannot_read_is_refused(self):
        with self.daemon(LOW_PORTS) as daemon:
            os.chmod(daemon.configuration_path, 0o600)
            lines = daemon.reload_in_vain()
            self.assertTrue(any("Permission denied" in line.text for line in lines), lines)
            self.assert_answers()
            os.chmod(daemon.configuration_path, 0o644)
            daemon.reload_again()


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("giving up root takes root: run this test as root")
    if OWN_PROCESSES not in os.environ:
        # Whoever changes its user outlives its parent, unless the parent's whole namespace ends.
        own = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        os.environ[OWN_PROCESSES] = "yes"
        os.execvp(own[0], [*own, sys.executable, "-B", *sys.argv])
    support.isolate()
    support.main()
