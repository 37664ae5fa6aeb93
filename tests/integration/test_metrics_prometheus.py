"""Prometheus itself: its checker accepts the metrics, it scrapes them, and the alert rules and the
dashboard in docs/ speak of metrics that there are."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
from pathlib import Path

import support
from support import DEADLINE, Daemon, answer_to, connect, exchange, free_port, run, wait_until
from support.peers import find
from support.scrape import ask, scrape

DOCS = Path(os.environ["ETD_SOURCE_DIR"], "docs")
BOTH = (
    "[daemon]\nmetrics_listen = 127.0.0.1:0\n"
    "[tcp]\nlisten = 127.0.0.1:0\n[tcp framed]\nlisten = 127.0.0.1:0\nframing = line\n"
    "[udp]\nlisten = 127.0.0.1:0\n"
)
# What Prometheus makes up for every target, and for alerts.
MADE_UP = {"up", "ALERTS"}


def use(daemon):
    """Some traffic, so that not all is 0."""
    with connect(daemon.address("tcp framed")) as stream:
        exchange(stream, b"one\ntwo\n")
    answer_to(daemon.address("udp"), b"time?")


def names_in(expression):
    """The metrics that an expression of Prometheus names."""
    return set(re.findall(r"\b(?:echotimed|process)_[a-z_]+\b|\bup\b", expression))


class Promtool(unittest.TestCase):
    def test_it_accepts_the_metrics(self):
        with Daemon(BOTH) as daemon:
            for step in (lambda: None, lambda: use(daemon)):
                step()
                text = ask(daemon.address("metrics")).body
                result = run([find("promtool"), "check", "metrics"], given=text)
                self.assertEqual((result.status, result.output, result.errors), (0, b"", b""))

    def test_it_would_not_accept_everything(self):
        bad = b"# TYPE a counter\na 1\n"
        result = run([find("promtool"), "check", "metrics"], given=bad)
        self.assertNotEqual(result.status, 0)

    def test_the_alert_rules(self):
        with tempfile.TemporaryDirectory(prefix="echotimed-rules-") as folder:
            shutil.copy(DOCS / "prometheus" / "alerts.yml", folder)
            shutil.copy(Path(__file__).with_name("alerts_test.yml"), folder)
            for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
                words[-1] = os.path.join(folder, words[-1])
                result = run([find("promtool"), *words])
                self.assertEqual(result.status, 0, result.output + result.errors)

    def test_each_alert_is_put_to_the_test(self):
        rules = (DOCS / "prometheus" / "alerts.yml").read_text()
        tests = Path(__file__).with_name("alerts_test.yml").read_text()
        alerts = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(alerts), 5)
        for alert in alerts:
            self.assertIn(f'alertname="{alert}"', tests)


class Names(unittest.TestCase):
    """The documents and the daemon cannot drift apart."""

    def setUp(self):
        with Daemon(BOTH) as daemon:
            self.exported = scrape(daemon.address("metrics")).names()

    def test_alerts_name_only_what_is_exported(self):
        rules = (DOCS / "prometheus" / "alerts.yml").read_text()
        expressions = re.findall(r"expr: (.*)", rules)
        self.assertEqual(len(expressions), rules.count("- alert:"))
        for expression in expressions:
            names = names_in(expression)
            self.assertTrue(names, expression)
            self.assertLessEqual(names - MADE_UP, self.exported, expression)

    def test_the_dashboard_shows_all_that_is_exported_and_nothing_else(self):
        dashboard = json.loads((DOCS / "grafana" / "echotimed.json").read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        queries = [target["expr"] for panel in panels for target in panel["targets"]]
        shown = set().union(*map(names_in, queries))
        self.assertEqual(shown, self.exported)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                names = names_in(variable["query"]["query"])
                self.assertTrue(names and names <= self.exported, variable["name"])

    def test_the_dashboard_can_be_imported(self):
        dashboard = json.loads((DOCS / "grafana" / "echotimed.json").read_text())
        self.assertGreaterEqual(dashboard["schemaVersion"], 36)
        identities = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(identities), len(set(identities)))
        taken = set()
        for panel in dashboard["panels"]:
            grid = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(grid["x"], grid["x"] + grid["w"])
                for y in range(grid["y"], grid["y"] + grid["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(grid["x"] + grid["w"], 24, panel["title"])
            taken |= cells
            if panel["type"] != "row":
                # Chosen by whoever imports it, not by us.
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")


class Prometheus:
    """A real one that scrapes a target each second."""

    def __init__(self, target):
        self._folder = tempfile.TemporaryDirectory(prefix="echotimed-prometheus-")
        self._address = ("127.0.0.1", free_port())
        configuration = os.path.join(self._folder.name, "prometheus.yml")
        shutil.copy(DOCS / "prometheus" / "alerts.yml", self._folder.name)
        with open(configuration, "w", encoding="ascii") as file:
            file.write(
                "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                "rule_files: [alerts.yml]\n"
                "scrape_configs:\n  - job_name: echotimed\n"
                f"    static_configs: [{{targets: ['{target[0]}:{target[1]}']}}]\n"
            )
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [
                "setpriv", "--pdeathsig", "KILL",
                find("prometheus"),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self._folder.name}/data",
                "--web.listen-address={}:{}".format(*self._address),
            ],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=self._folder.name,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(DEADLINE)
        finally:
            self._process.kill()
            self._process.wait()
            self._log.close()
            self._folder.cleanup()

    def _ask(self, path):
        if self._process.poll() is not None:
            self._log.seek(0)
            raise AssertionError(f"Prometheus has ended: {self._log.read()!r}")
        connection = http.client.HTTPConnection(*self._address, timeout=DEADLINE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
            return json.loads(text)["data"] if answer.status == 200 else None
        except ConnectionError:
            return None  # it is starting
        finally:
            connection.close()

    def value(self, expression):
        """The value of an expression that is one sample; None while there is none."""
        data = self._ask("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        if not data or not data["result"]:
            return None
        (sample,) = data["result"]
        return float(sample["value"][1])

    def understands(self, expression):
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        return self._ask(path) is not None

    def target(self):
        """What it says of the scrapes; None while it says nothing."""
        data = self._ask("/api/v1/targets")
        return data["activeTargets"][0] if data and data["activeTargets"] else None

    def is_content(self):
        """Whether its last scrape was good."""
        target = self.target()
        return target and (target["health"], target["lastError"]) == ("up", "")

    def metadata(self, name):
        data = self._ask("/api/v1/metadata?" + urllib.parse.urlencode({"metric": name}))
        return data.get(name, [None])[0] if data else None


class Scraped(unittest.TestCase):
    def test_a_real_prometheus_gets_the_values(self):
        with Daemon(BOTH) as daemon, Prometheus(daemon.address("metrics")) as prometheus:
            use(daemon)
            framed = '{listener="tcp framed"}'
            for expression, value in (
                ("up", 1),
                (f"echotimed_tcp_messages_total{framed}", 2),
                (f"echotimed_tcp_received_bytes_total{framed}", 8),
                (f"echotimed_tcp_sent_bytes_total{framed}", 8),
                ('echotimed_udp_datagrams_answered_total{listener="udp"}', 1),
                ('echotimed_tcp_connections_closed_total{reason="end-of-input",listener="tcp framed"}', 1),
                ("echotimed_connections_limit", 10000),
                ("count(echotimed_build_info)", 1),
            ):  # fmt: skip
                wait_until(
                    lambda: prometheus.value(expression) == value,
                    f"{expression} being {value}, not {prometheus.value(expression)}",
                )
            wait_until(prometheus.is_content, "a good scrape")
            # What only the metadata tells; of OpenMetrics, which it prefers.
            found = prometheus.metadata("echotimed_tcp_received_bytes")
            self.assertEqual((found["type"], found["unit"]), ("counter", "bytes"))
            self.assertEqual(prometheus.metadata("echotimed_build")["type"], "info")

    def test_it_understands_every_query_of_the_dashboard(self):
        dashboard = json.loads((DOCS / "grafana" / "echotimed.json").read_text())
        with Daemon(BOTH) as daemon, Prometheus(daemon.address("metrics")) as prometheus:
            wait_until(lambda: prometheus.value("up") == 1, "a target that is up")
            for panel in dashboard["panels"]:
                for target in panel.get("targets", []):
                    query = target["expr"].replace("$__rate_interval", "1m")
                    query = re.sub(r"\$(job|instance|listener)\b", ".*", query)
                    self.assertTrue(prometheus.understands(query), query)
            self.assertFalse(prometheus.understands("sum by (a"))

    def test_it_notices_the_end(self):
        with Daemon(BOTH) as daemon:
            with Prometheus(daemon.address("metrics")) as prometheus:
                wait_until(lambda: prometheus.value("up") == 1, "a target that is up")
                daemon.stop()
                wait_until(lambda: prometheus.value("up") == 0, "a target that is down")


if __name__ == "__main__":
    support.isolate()
    support.main()
